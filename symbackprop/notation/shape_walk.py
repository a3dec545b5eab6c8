"""The walk that checks shapes: its state, its faults, and the rule for parts that mix entry by entry."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from symbackprop.notation import tree
from symbackprop.notation.shape_advice import Advice
from symbackprop.notation.shape_algebra import ShapeError, Signature, common_shape, has_size_one, shown
from symbackprop.notation.shape_ranges import Ranges
from symbackprop.notation.sizes import Linear
from symbackprop.notation.tree import Node, Shape, Size

Rules = Mapping[type[Node], Callable[["Checker", Any], Shape | None]]
"""What to do with each kind of node."""


@dataclass(slots=True)
class Checker:
    """What a rule can see: shapes of names, signatures of functions, the text, and where faults go.

    `ranges` and `guards` are those of the sums and index equations around; `left` are the indices
    of the equation's left side, and `name` is the name there.
    """

    rules: Rules
    shapes: Mapping[str, Shape]
    functions: Mapping[str, Signature]
    text: str
    faults: list[ShapeError]
    unknown: frozenset[str]
    sizes: Mapping[str, Size]
    ranges: Ranges = field(default_factory=dict)
    guards: Sequence[Linear] = ()
    left: frozenset[str] = frozenset()
    name: str = ""
    positive: Sequence[Size] = ()  # computed sizes of arrays, which are at least 1
    entrywise: bool = False  # whether a power of an array is taken entry by entry here

    def shape(self, node: Node, *, entrywise: bool = False) -> Shape | None:
        """The shape of a part; None where it has a fault."""
        method = self.rules.get(type(node))
        if method is None:
            return self.fault(node, f"this ({type(node).__name__.lower()}) has no shape")
        before, self.entrywise = self.entrywise, entrywise
        try:
            result: Shape | None = method(self, node)
        finally:
            self.entrywise = before
        return result

    def fault(
        self, node: Node, message: str, suggestion: str = "", pair: tuple[Node, Node] | None = None
    ) -> Shape | None:
        """Note a fault; the shape of what has one is not known."""
        self.faults.append(ShapeError(node, message, suggestion, pair))
        return None

    def said(self, node: Node) -> str:
        """`node` as it was written."""
        return quoted(node, self.text)

    def scalar(self, node: Node, what: str) -> None:
        """Check that `node` is one number."""
        shape = self.shape(node)
        if shape and not has_size_one(shape):
            self.fault(node, f"{what} must be a scalar, and {self.said(node)} is {shown(shape)}")


def quoted(node: Node, text: str) -> str:
    """`node` as it stands in the text that it was read from, else as it would be written."""
    if text and node.span is not None:
        return text[node.span.start : node.span.end].strip()
    from symbackprop.notation.write import to_plain  # only for messages about made trees

    return to_plain(node)


def mix(
    self: Checker,
    node: Node,
    parts: Sequence[Node],
    advise: Advice,
    *,
    entrywise: bool = False,
    join: Callable[[Shape, Shape], Shape | None] = common_shape,
) -> Shape | None:
    """The common shape of parts that go together entry by entry; the first misfit is a fault."""
    found = [(part, self.shape(part, entrywise=entrywise)) for part in parts]
    widest: tuple[Node, Shape] | None = None
    for part, shape in found:
        if shape is None:
            continue
        if widest is None:
            widest = (part, shape)
            continue
        joined = join(widest[1], shape)
        if joined is None:
            return misfit(self, node, widest, (part, shape), advise)
        if joined != widest[1]:
            widest = (part, joined)
    return None if widest is None or any(shape is None for _, shape in found) else widest[1]


def misfit(
    self: Checker, node: Node, first: tuple[Node, Shape], second: tuple[Node, Shape], advise: Advice
) -> Shape | None:
    """Two operands that do not go together: what they are, and what `advise` says."""
    (a, left), (b, right) = first, second
    message = f"{self.said(_bare(a))} is {shown(left)} and {self.said(_bare(b))} is {shown(right)}"
    differing = [pair for pair in zip((*left, 1), (*right, 1), strict=False) if pair[0] != pair[1]]
    if differing:
        message += f": {differing[0][0]} ≠ {differing[0][1]}"
    return self.fault(node, message, advise(self.said, _bare(a), left, _bare(b), right), (a, b))


def _bare(node: Node) -> Node:
    """A term without its minus."""
    return node.body if isinstance(node, tree.Neg) else node
