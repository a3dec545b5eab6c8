"""Which displays are too wide for the line, and where they break.

A chain breaks at a relation, and the next line states the left side again, so that every line is
a statement by itself. A row of formulas breaks between them. A long sum that would have to be set in
very small print breaks before a +. What is still too wide is marked `fit`: the typesetter shrinks it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Add, Box, Chain, Node, Relation, Row, Word

if TYPE_CHECKING:
    from symbackprop.report.document import Line

ROOM: Final = 42.5  # em of text in a line of the page
_SURE: Final = 0.96  # the share of the room that an estimate may fill and still be trusted
_IMPLIED: Final = 2.9  # em, of the ⟹ and its space at the start of a line
_MARGIN_GAP: Final = 2.0  # em between a formula and the shape in the margin
_ALIGNED_GAP: Final = 3.0  # the same where nothing moves to make room

_SMALLEST: Final = 0.75
"""The least size to which a formula is shrunk, as a share of the size of the text."""

Measure = Callable[[Node], float]
"""The width of a formula, in em."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Placed(Plain):
    """One line of a display.

    `boxed` are the lines of a frame that is itself too wide for one line; then `formula` is not
    used. `implied` puts ⟹ in front, for a row broken there. `fit` asks to be shrunk.
    """

    formula: Node
    margin: Node | None = None
    implied: bool = False
    boxed: tuple[Node, ...] = ()
    fit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Display(Plain):
    """The lines of a display; `aligned` at their first relation, or each in the middle."""

    lines: tuple[Placed, ...]
    aligned: bool


def placed(lines: Sequence[Line], measure: Measure, room: float = ROOM) -> Display:
    """The lines as they stand on the page, broken where they must be."""
    broken = [piece for line in lines for piece in _broken(line, measure, room * _SURE)]
    aligned = (
        len(broken) > 1 and all(map(_alignable, broken)) and _fits_aligned(broken, measure, room * _SURE)
    )
    if len(broken) == 1 and broken[0].fit:
        return Display(lines=tuple(broken), aligned=False)
    return Display(lines=tuple(broken), aligned=aligned)


def _broken(line: Line, measure: Measure, room: float) -> list[Placed]:
    margin = 0.0 if line.margin is None else measure(line.margin) + _MARGIN_GAP
    if measure(line.formula) + margin <= room:
        return [Placed(formula=line.formula, margin=line.margin)]
    whole = [
        part
        for piece in _pieces(line.formula, measure, room, margin)
        for part in _at_plus(piece, measure, room)
    ]
    pieces = [
        replace(piece, fit=not piece.boxed and measure(piece.formula) + _IMPLIED * piece.implied > room)
        for piece in whole
    ]
    pieces[-1] = replace(pieces[-1], margin=line.margin)
    return pieces


def _pieces(node: Node, measure: Measure, room: float, margin: float) -> Iterator[Placed]:
    """The lines of one formula; the last one leaves room for what stands in the margin."""
    match node:
        case Row(items, sign):
            yield from _row(items, sign, measure, room, margin)
        case Chain():
            yield from _chain(node, measure, room, margin)
        case Box(Chain() as inner):
            yield _framed(inner, measure, room)
        case _:
            yield Placed(formula=node)


def _row(
    items: tuple[Node, ...], sign: str, measure: Measure, room: float, margin: float
) -> Iterator[Placed]:
    """As many formulas on a line as it holds."""
    implied = False
    rest = list(items)
    while rest:
        count = len(rest)
        while count > 1 and measure(_joined(rest[:count], sign)) > room - (
            margin if count == len(rest) else 0
        ):
            count -= 1
        here, rest = rest[:count], rest[count:]
        if count == 1 and measure(here[0]) > room - margin:
            first, *others = _pieces(here[0], measure, room, margin)
            yield replace(first, implied=implied)
            yield from others
        else:
            yield Placed(formula=_joined(here, sign), implied=implied)
        implied = sign == "implies"


def _joined(items: Sequence[Node], sign: str) -> Node:
    return items[0] if len(items) == 1 else Row(tuple(items), sign)  # type: ignore[arg-type]  # a Row's own sign


def _chain(chain: Chain, measure: Measure, room: float, margin: float) -> Iterator[Placed]:
    """Break at relations, the left side stated again on each line."""
    first = chain.members[0]
    left = _left_side(first)
    start = 1  # the next member to be placed
    if isinstance(first, Box) and isinstance(first.body, Chain) and measure(first) > room:
        yield _framed(first.body, measure, room)
        head: Node = left
    else:
        head = first
    while start < len(chain.members):
        end = len(chain.members)
        while end > start + 1 and not _enough(chain, head, start, end, measure, room, margin):
            end -= 1
        if (
            head is first
            and isinstance(head, Box)
            and not _enough(chain, head, 1, end, measure, room, margin)
        ):
            yield Placed(formula=head)  # the frame fills a line by itself
            head = left
            continue
        yield Placed(formula=_part(chain, head, start, end))
        head, start = left, end


def _enough(
    chain: Chain, head: Node, start: int, end: int, measure: Measure, room: float, margin: float
) -> bool:
    last = end == len(chain.members)
    return measure(_part(chain, head, start, end)) <= room - (margin if last else 0.0)


def _part(chain: Chain, head: Node, start: int, end: int) -> Chain:
    """`head` and the members from `start` to `end`, with the relation that holds from the head on."""
    over = chain.over or (None,) * len(chain.relations)
    relations = list(chain.relations[start - 1 : end - 1])
    if start > 1:
        relations[0] = _strongest(chain.relations[:start])
    return Chain((head, *chain.members[start:end]), tuple(relations), tuple(over[start - 1 : end - 1]))


def _strongest(relations: Sequence[Relation]) -> Relation:
    """What a chain of relations says of its ends: the one that is not `=`, if there is one."""
    return next((relation for relation in reversed(relations) if relation != "="), "=")


def _left_side(node: Node) -> Node:
    while isinstance(node, Box | Chain):
        node = node.body if isinstance(node, Box) else node.members[0]
    return node


def _framed(chain: Chain, measure: Measure, room: float) -> Placed:
    pieces = _chain(chain, measure, room - 2.0, 0.0)
    lines = tuple(part.formula for piece in pieces for part in _at_plus(piece, measure, room - 2.0))
    return Placed(formula=Box(chain), boxed=lines)


def _at_plus(piece: Placed, measure: Measure, room: float) -> Iterator[Placed]:
    """A chain whose last member is a sum far too wide for a line, in lines that begin with its signs."""
    chain = piece.formula
    last = chain.members[-1] if isinstance(chain, Chain) else chain
    if piece.boxed or not isinstance(last, Add) or _SMALLEST * measure(chain) <= room:
        yield piece
        return
    rest = list(last.terms)
    first = True
    while rest:
        count = 1
        while count < len(rest) and measure(_line_of(chain, rest[: count + 1], first)) <= room:
            count += 1
        here, rest = rest[:count], rest[count:]
        yield replace(piece, formula=_line_of(chain, here, first), implied=piece.implied and first)
        first = False


def _line_of(chain: Node, terms: Sequence[Node], first: bool) -> Node:
    """The terms of one line of a sum: after the left side, or after nothing but their sign."""
    if not first:
        return Add((Word("nothing"), *terms))
    whole = terms[0] if len(terms) == 1 else Add(tuple(terms))
    return replace(chain, members=(*chain.members[:-1], whole)) if isinstance(chain, Chain) else whole


def _alignable(line: Placed) -> bool:
    """Whether the line has a relation to align, with nothing framed to its left."""
    if line.boxed or line.fit or line.implied:
        return False
    formula = line.formula.items[0] if isinstance(line.formula, Row) else line.formula
    return isinstance(formula, Chain) and not isinstance(formula.members[0], Box)


def _fits_aligned(lines: Sequence[Placed], measure: Measure, room: float) -> bool:
    """Aligned, the widest left side and the widest rest share the line, in its middle.

    What stands in the margin of a line has the room that is left on its right.
    """
    left = right = 0.0
    margins: list[tuple[float, float]] = []
    for line in lines:
        formula = line.formula.items[0] if isinstance(line.formula, Row) else line.formula
        assert isinstance(formula, Chain)
        side = measure(formula.members[0])
        left = max(left, side)
        rest = measure(line.formula) - side
        right = max(right, rest)
        if line.margin is not None:
            margins.append((rest, measure(line.margin) + _ALIGNED_GAP))
    middle = (room - left - right) / 2
    return middle >= 0 and all(middle + left + rest + margin <= room for rest, margin in margins)
