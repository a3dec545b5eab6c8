"""Arrays of numbers with dots in them, `(3, 1, …, 7)`: the entries that are shown are what is claimed.

A relation with such an array becomes one between those entries: the first ones are counted from the
beginning, those behind the dots from the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

from symbackprop.checking.compare import look
from symbackprop.checking.desk import Desk
from symbackprop.checking.member import Judged, reason
from symbackprop.checking.resolve import Resolved
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node, Shape

Place = tuple[int, int]
"""Row and column, from 0; negative from the end."""


def has_gaps(node: Node) -> bool:
    """Whether dots stand in a resolved formula: there they are only left in arrays of numbers."""
    return any(isinstance(part, tree.Dots) for part in tree.walk(node))


def shown_pair(
    a: Resolved, b: Resolved, shape: Callable[[Node], Shape | None]
) -> tuple[Resolved, Resolved] | None:
    """`a = b` for the entries that are shown; None where it does not say which these are."""
    places = _places(a.node) or _places(b.node)
    if places is None:
        return None
    made = [_entries(one.node, places, shape) for one in (a, b)]
    if made[0] is None or made[1] is None:
        return None
    one, two = (Resolved(hand.Tuple(tuple(items)), sized=True) for items in made if items is not None)
    return one, two


def _places(node: Node) -> tuple[Place, ...] | None:
    """The places of the entries that are shown of the first array with dots in a formula."""
    match node:
        case tree.Transpose(body):
            found = _places(body)
            return None if found is None else tuple((column, row) for row, column in found)
        case tree.Matrix() | hand.Tuple():
            return tuple(_table(node)) if has_gaps(node) else None
    return next((found for part in tree.children(node) if (found := _places(part)) is not None), None)


def _table(node: Node) -> dict[Place, Node]:
    """The shown entries of an array of numbers by their places."""
    rows = _rows(node)
    across = _counted([isinstance(one, tree.Dots) for one in rows[0]] if len(rows[0]) > 1 else [False])
    down = _counted([all(isinstance(one, tree.Dots) for one in row) for row in rows])
    return {
        (down[row], across[column]): rows[row][column]
        for row, column in product(down, across) if not isinstance(rows[row][column], tree.Dots)
    }  # fmt: skip


def _rows(node: Node) -> Sequence[Sequence[Node]]:
    match node:
        case hand.Tuple(items):
            return [[item] for item in items]
        case tree.Matrix(rows, form) if form == "row" and len(rows) == 1:
            return rows
        case tree.Matrix(rows):
            return rows
    return ()


def _counted(dots: Sequence[bool]) -> dict[int, int]:
    """The number of each place that is no dots; behind them counted from the end."""
    if True not in dots:
        return {at: at for at in range(len(dots))}
    gap = dots.index(True)
    return {at: at if at < gap else at - len(dots) for at in range(len(dots)) if not dots[at]}


def _entries(node: Node, places: Sequence[Place], shape: Callable[[Node], Shape | None]) -> list[Node] | None:
    """A formula at each of the places; None where that cannot be told."""
    if has_gaps(node):
        made = [_at(node, place) for place in places]
        return None if None in made else [one for one in made if one is not None]
    found = shape(node)
    if found is None or not 1 <= len(found) <= 2:
        return None
    height, width = (*found, 1)[:2]
    across = len(found) == 1 and len({column for _, column in places}) > 1  # a row of what is a vector
    entries: list[Node] = []
    for place in places:
        row, column = reversed(place) if across else place
        numbers = (_number(row, height), _number(column, width) if len(found) == 2 else 1)
        if None in numbers:
            return None
        shown = tuple(tree.number(one) for one in numbers[: len(found)] if one is not None)
        entries.append(tree.Index(node, shown))
    return entries


def _number(place: int, size: object) -> int | None:
    """A place counted from 1, where there is one."""
    if not isinstance(size, int) or not -size <= place < size:
        return None
    return place % size + 1


def _at(node: Node, place: Place) -> Node | None:
    """An entry of a formula that is made entry by entry of numbers and arrays of numbers."""
    match node:
        case tree.Transpose(body):
            return _at(body, (place[1], place[0]))
        case tree.Matrix() | hand.Tuple():
            table = _table(node)
            return table.get(place, table.get((place[1], place[0])) if 1 in map(len, _rows(node)) else None)
        case tree.Number():
            return node
        case tree.Product(_, signs) if not set(signs) <= {"odot", "cdot", ""}:
            return None
        case tree.Product() | tree.Add() | tree.Neg() | tree.Bracket():
            parts = iter([_at(part, place) for part in tree.children(node)])
            made: list[Node | None] = []

            def following(_: Node) -> Node:
                made.append(next(parts))
                return made[-1] or tree.Dots("h")

            entry = tree.rebuild(node, following)
            return None if None in made else entry
    return None


def unfinished(desk: Desk, a: Resolved, b: Resolved) -> Judged:
    """`z_1 = … + w_{1,i} x_i + …`: whether there is such a term, by what moves with its last name."""
    whole, part = (a, b) if b.unfinished else (b, a)
    entries = [node for node in tree.walk(part.node) if isinstance(node, tree.Index)]
    if not entries or whole.unfinished:
        return Judged("not read", (reason("check.dots", name=part.node),))
    by = entries[-1]
    one = Resolved(tree.Derivative(whole.node, by), tuple(dict.fromkeys((*whole.free, *part.free))))
    two = Resolved(tree.Derivative(part.node, by), one.free)
    seen = look(one, two, desk.worlds.own, desk.reader)
    if seen.trouble in ("symbol", "undefined"):
        return Judged("not read", (reason("check.dots", name=part.node),))
    return Judged("correct" if seen.equal else "wrong", (), seen)
