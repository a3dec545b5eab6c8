"""Statements of a derivation as answers: what they are about, and the numbers that stand at their end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from symbackprop.algebra.values.arrays import Array
from symbackprop.exams.grading_numbers import Numbers, Written
from symbackprop.notation import tree
from symbackprop.notation.hand.nodes import Tuple
from symbackprop.notation.node import Node

_EQUAL: Final = frozenset({"=", "≈", "≡", "←", ":"})


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """`dW = dz x^T = [...]`. `places` (from 1) are those of one entry; () for the whole, None for any entry.

    `formula` is what has names in it, None for numbers alone; `numbers` are the last ones of it, `numeric`
    whether there are any, readable or not. `same` is the quantity that stands at its end by itself
    (`db = dz`). `row`: the numbers are not those that the formula has; they were read
    as a row.
    """

    name: str
    places: tuple[int, ...] | None
    formula: Node | None
    numbers: Numbers | None
    numeric: bool
    same: str = ""
    row: bool = False


def statement(reading: Node, loss: str) -> Statement | None:
    """What a line says about which quantity; None where it is no equation of one."""
    if not isinstance(reading, tree.Chain) or len(reading.members) < 2:
        return None
    if not set(reading.relations) <= _EQUAL:
        return None
    left = _target(tree.undressed(reading.members[0]), loss)
    if left is None:
        return None
    rest = [tree.undressed(member) for member in reading.members[1:]]
    named = [at for at, member in enumerate(rest) if _names(member)]
    formula = None
    if named:
        formula = tree.Chain(
            (reading.members[0], *(reading.members[at + 1] for at in named)),
            tuple(reading.relations[at] for at in named), (None,) * len(named),
        )  # fmt: skip
    numbers = [member for member in rest if not _names(member)]
    numeric = left[1] is not None and bool(numbers)
    last = _target(rest[-1], loss)
    same = last[0] if last is not None and last[1] == () else ""
    return Statement(*left, formula, literal(numbers[-1]) if numeric else None, numeric, same)


def unrenamed(reading: Node, loss: str, known: Collection[str]) -> Node:
    """`∂L/∂z = …` of `δ = ∂L/∂z = …`, where δ is none of the known names; anything else as it is."""
    if not isinstance(reading, tree.Chain) or len(reading.members) < 3:
        return reading
    first, second = (_target(tree.undressed(member), loss) for member in reading.members[:2])
    if first is None or second is None or first[0] in known or second[0] not in known:
        return reading
    return tree.Chain(reading.members[1:], reading.relations[1:], reading.over[1:])


def _names(node: Node) -> bool:
    return any(True for _ in tree.names_in(node))


_Target = tuple[str, "tuple[int, ...] | None"]


def _target(node: Node, loss: str) -> _Target | None:
    """`dW`, and the places of `dW[1,2]`; None for those of `dW[i,j]`."""
    match node:
        case tree.Name(name):
            return name, ()
        case tree.Call(function, _, _, 0) if function == loss:
            return loss, ()
        case tree.Gradient(inner):
            return _gradient(_target(inner, ""))
        case tree.Derivative(tree.Name(of), inner) if of == loss:
            return _gradient(_target(inner, ""))
        case tree.Index(base, places):
            found = _target(base, loss)
            whole = [place.value for place in places if isinstance(place, tree.Number)]
            if found is None or found[1] != ():
                return None
            return found[0], tuple(map(int, whole)) if len(whole) == len(places) else None
    return None


def _gradient(found: _Target | None) -> _Target | None:
    return None if found is None else ("d" + found[0], found[1])


# --- numbers -----------------------------------------------------------------------------------


def literal(node: Node) -> Numbers | None:
    """The numbers of an array that is written out; None if it is none, or has sums in it."""
    match node:
        case tree.Transpose(tree.Matrix(rows, _)) if len(set(map(len, rows))) == 1:
            return _rows(list(zip(*rows, strict=True)))
        case tree.Transpose(Tuple() as inner):
            return literal(inner)
        case tree.Matrix(rows, _):
            return _rows(rows)
        case Tuple(items):
            if all(isinstance(item, Tuple) for item in items):
                return _rows([item.items for item in items if isinstance(item, Tuple)])
            cells = [_number(item) for item in items]
            return None if None in cells else Numbers(tuple(cells))
    one = _number(node)
    return None if one is None else Numbers((one,))


def _rows(rows: Sequence[Sequence[Node]]) -> Numbers | None:
    cells = [_number(item) for row in rows for item in row]
    if None in cells or not rows or len({len(row) for row in rows}) != 1:
        return None
    shape = (len(rows), len(rows[0]))
    return Numbers(tuple(cells), (shape[0],) if shape[1] == 1 else shape)


def _number(node: Node) -> Written | None:
    match tree.undressed(node):
        case tree.Neg(inner):
            made = _number(inner)
            return None if made is None else Written(-made.value, made.unit, made.digits)
        case tree.Number(value, text):
            return _written(value, text)
        case tree.Quotient(above, below):
            first, second = _number(above), _number(below)
            if first is None or second is None or not second.value:
                return None
            return Written(first.value / second.value)
        case tree.Matrix(((only,),)):
            return _number(only)
    return None


def _written(value: Fraction, text: str) -> Written:
    plain = text.replace(",", ".").replace("{.}", ".")
    if not plain.replace(".", "", 1).isdigit():
        return Written(value)
    places = len(plain.partition(".")[2])
    return Written(value, Fraction(1, 10**places), len(plain.replace(".", "").lstrip("0")))


# --- entry by entry ------------------------------------------------------------------------------


def gathered(entries: Sequence[Statement], due: Array[Fraction]) -> Numbers | None:
    """The numbers that are stated entry by entry, the last one of each; None where a place does not exist."""
    found: dict[int, Written] = {}
    for one in entries:
        at = None if one.places is None else _offset(one.places, due)
        if at is None or one.numbers is None or len(one.numbers.cells) != 1:
            return None
        cell = one.numbers.cells[0]
        if cell is not None:
            found[at] = cell
    return Numbers(tuple(found.get(at) for at in range(len(due.entries))))


def _offset(places: tuple[int, ...], due: Array[Fraction]) -> int | None:
    """Where an entry stands row by row; one place is enough in a row or a column."""
    if len(places) == 1 < len(due.shape) and sum(size != 1 for size in due.shape) < 2:
        due = due.reshaped((len(due.entries),))
    try:
        return due.offset(places)
    except IndexError:
        return None
