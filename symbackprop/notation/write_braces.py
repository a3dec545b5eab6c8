"""Which underbraces of a formula must be padded so that they all hang at one depth.

The braces of one display line under matrices go to the depth of the tallest matrix, those of one
member (`a = b = c` has three) to the depth of its deepest fraction. A pad is an invisible copy of
the deepest body; both pictured formats have a way to write one.
"""

from collections.abc import Iterator
from fractions import Fraction

from symbackprop.notation.tree import (
    Add,
    Box,
    Brace,
    Bracket,
    Chain,
    Coloured,
    Delta,
    Derivative,
    Entrywise,
    Index,
    Matrix,
    Name,
    Neg,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Row,
    Sum,
    Transpose,
    Where,
    walk,
)

Pads = dict[int, tuple[Node | None, Node | None]]
"""By the id of a brace: what pads its body, and what pads its label."""

_DEEP = frozenset("gjpqy")
"""Letters with a descender."""


def pads(node: Node) -> Pads:
    """The pads of the braces of one display; braces inside braces are not looked at."""
    found: Pads = {}
    for line in _lines(node):
        members = [list(braces(member)) for member in _members(line)]
        _pad_matrices([brace for member in members for brace in member], found)
        for member in members:
            _pad_fractions(member, found)
            _pad_labels(member, found)
    return found


def braces(node: Node) -> Iterator[Brace]:
    """The braces that hang side by side in a member."""
    match node:
        case Brace():
            if not node.above:
                yield node
        case Add(parts) | Product(parts):
            for part in parts:
                yield from braces(part)
        case Neg(body) | Bracket(body) | Box(body) | Coloured(body):
            yield from braces(body)
        case Sum() | Where() | Entrywise():
            yield from braces(node.body)
        case Chain(members):
            for part in members:
                yield from braces(part)


def _lines(node: Node) -> Iterator[Node]:
    if isinstance(node, Row):
        for item in node.items:
            yield from _lines(item)
    else:
        yield node


def _members(node: Node) -> Iterator[Node]:
    """The members of a chain; a boxed chain inside a chain counts as its members."""
    if isinstance(node, Chain):
        for member in node.members:
            yield from _members(member)
    elif isinstance(node, Box | Coloured):
        yield from _members(node.body)
    else:
        yield node


def _rows(body: Node) -> tuple[int, Matrix | None]:
    """The greatest number of rows of a matrix in a body, and that matrix."""
    matrices = [part for part in walk(body) if isinstance(part, Matrix)]
    if not matrices:
        return 0, None
    tallest = max(matrices, key=lambda matrix: len(matrix.rows))
    return len(tallest.rows), tallest


def _pad_matrices(found: list[Brace], pads: Pads) -> None:
    if len(found) < 2:
        return
    measured = [(brace, *_rows(brace.body)) for brace in found]
    top = max(rows for _, rows, _ in measured)
    if top < 2:
        return
    tallest = next(matrix for _, rows, matrix in measured if rows == top)
    assert tallest is not None
    pad: Node = tallest
    if not any(isinstance(part, Quotient | Derivative) for part in walk(tallest)):
        zero = Number(Fraction(0))
        pad = Matrix(((zero,),) * top, "column")
    for brace, rows, _ in measured:
        if rows < top:
            pads[id(brace)] = (pad, None)


def _depth(body: Node) -> int:
    """0: nothing built up; 1: a fraction; 2: a fraction with a descender or an index below."""
    depth = 0
    for part in walk(body):
        if isinstance(part, Derivative):
            depth = max(depth, 2 if _hangs(part.by) else 1)
        elif isinstance(part, Quotient) and not isinstance(part.below, Number):
            depth = max(depth, 2 if _hangs(part.below) else 1)
    return depth


def _hangs(node: Node) -> bool:
    for part in walk(node):
        if isinstance(part, Index | Delta):
            return True
        if isinstance(part, Name) and (part.name[0] in _DEEP or part.name[-1].isdigit()):
            return True
    return False


def _pad_fractions(found: list[Brace], pads: Pads) -> None:
    if len(found) < 2:
        return
    depths = [_depth(brace.body) for brace in found]
    top = max(depths)
    for brace, depth in zip(found, depths, strict=True):
        if depth < top and id(brace) not in pads:
            pads[id(brace)] = (found[depths.index(top)].body, None)


def _pad_labels(found: list[Brace], pads: Pads) -> None:
    """Labels with something raised set the others' height too, or their lines would not meet."""
    raised = [brace.label for brace in found if isinstance(brace.label, Transpose | Power)]
    if not raised:
        return
    for brace in found:
        if not isinstance(brace.label, Transpose | Power):
            body = pads.get(id(brace), (None, None))[0]
            pads[id(brace)] = (body, raised[0])
