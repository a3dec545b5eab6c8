"""Nodes that only people write: what a formula by hand holds and a model does not.

The reader of hand notation keeps them as written; `checking` says what each of them means where it
stands. They print in every format, so that a person's formula can be shown as it was written.
"""

from dataclasses import dataclass
from typing import Literal

from symbackprop.notation.node import Node


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Primed(Node):
    """`body'`, `count` primes: a derivative after a function, else a transpose (`W'`) or a name's own."""

    body: Node
    count: int = 1


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Tuple(Node):
    """`(4, 2, -5)`, two items or more; the text does not say whether it is a row or a column.

    `sign` is what stands between the items; `square` brackets (`[1, 0, 1]`) instead of round ones.
    """

    items: tuple[Node, ...]
    sign: Literal[",", " ", ";"] = ","
    square: bool = False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Indicator(Node):
    """1 where `condition` (a Chain such as z > 0) holds and 0 elsewhere, entry by entry."""

    condition: Node


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Marked(Node):
    """`W^{[1]}` or `z^{(l+1)}`: a name with a mark above it that is no exponent.

    `kind` is the bracket as written, `mark` what stands in it. A layer, a neuron or an example:
    the text does not say.
    """

    body: Node
    kind: Literal["[", "("]
    mark: Node


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Nabla(Node):
    """`∇_W L`; without `by`, `∇L`."""

    of: Node
    by: Node | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Said(Node):
    """A person's words inside a formula (`\\text{…}`), or under a brace. Never judged."""

    text: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Omitted(Node):
    """The left side that is not repeated: the first member of `= dz w^T`."""
