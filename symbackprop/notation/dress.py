"""What is only layout round a formula (brackets, braces, boxes, colours), and the formula without it."""

from dataclasses import dataclass

from symbackprop.notation.node import Node


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Bracket(Node):
    """Brackets that somebody wrote. The writer adds those that the mathematics needs itself."""

    body: Node


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Brace(Node):
    """A brace with a label under it (or over it)."""

    body: Node
    label: Node
    above: bool = False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Box(Node):
    """A frame round a result."""

    body: Node


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Coloured(Node):
    """The red of gradients, in pictures and tables."""

    body: Node


DRESS = (Bracket, Brace, Box, Coloured)


def bare(node: Node) -> Node:
    """`node` without the layout directly round it; what is inside keeps its own."""
    while isinstance(node, DRESS):
        node = node.body
    return node
