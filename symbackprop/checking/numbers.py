"""Numbers as people write them: results are right to the digits written, operands are exact."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from fractions import Fraction
from typing import Any, Literal

from symbackprop.algebra.values.arrays import Array, form
from symbackprop.algebra.values.domain import Domain, Symbolic
from symbackprop.algebra.values.exact import bounds
from symbackprop.checking.compare import same
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node

Match = Literal["equal", "rounded", "different"]


def tolerances(node: Node, *, approximate: bool) -> tuple[Fraction, ...] | None:
    """Half a unit of the last digit of each entry of a written result; None where it is no result.

    A whole number is exact, unless ≈ stands before it.
    """
    try:
        return tuple(_tolerances(node, approximate))
    except _NoResult:
        return None


class _NoResult(Exception):
    """An operation stands there: its operands are exact."""


def _tolerances(node: Node, approximate: bool) -> Iterator[Fraction]:
    match tree.bare(node):
        case tree.Number(_, text):
            yield _half_unit(text, approximate)
        case tree.Neg(body):
            yield from _tolerances(body, approximate)
        case tree.Product((tree.Number(_, text), tree.Power(tree.Number(ten), exponent)), _) if ten == 10:
            yield _half_unit(text, approximate) * Fraction(10) ** _whole(exponent)
        case tree.Quotient(above, below):
            _whole(above), _whole(below)
            yield Fraction(0)
        case hand.Tuple(items):
            for item in items:
                yield from _tolerances(item, approximate)
        case tree.Matrix(rows):
            for row in rows:
                for entry in row:
                    yield from _tolerances(entry, approximate)
        case tree.Transpose(body):
            yield from _turned(body, approximate)
        case _:
            raise _NoResult


def _turned(body: Node, approximate: bool) -> Iterator[Fraction]:
    found = tuple(_tolerances(body, approximate))
    body = tree.bare(body)
    if isinstance(body, tree.Matrix) and body.form == "matrix":
        width = len(body.rows[0])
        found = tuple(found[row * width + column] for column in range(width) for row in range(len(body.rows)))
    yield from found


def _whole(node: Node) -> int:
    node = tree.bare(node)
    if isinstance(node, tree.Neg):
        return -_whole(node.body)
    if isinstance(node, tree.Number) and node.value.denominator == 1:
        return int(node.value)
    raise _NoResult


def _half_unit(text: str, approximate: bool) -> Fraction:
    mantissa, _, exponent = text.lower().partition("e")
    scale = Fraction(10) ** int(exponent or "0")
    if "." in mantissa:
        return scale * Fraction(1, 2 * 10 ** len(mantissa.partition(".")[2]))
    return scale / 2 if approximate else Fraction(0)


def digits_of(node: Node) -> int:
    """How many decimals the numbers of a formula are written with, the most of them."""
    texts = (part.text.lower().partition("e")[0] for part in tree.walk(node) if isinstance(part, tree.Number))
    return max((len(text.partition(".")[2]) for text in texts), default=0)


def match(
    domain: Domain[Any], a: Array[Any], b: Array[Any], tolerance: tuple[Fraction, ...] | None, *, loose: bool
) -> tuple[Match, int | None]:
    """How two arrays of numbers agree, and the first entry (from 0) that is wrong.

    The tolerance is a closed interval: a tie may go either way. Shapes must be the same, or tell only
    row from column where one side is a tuple.
    """
    if form(a.shape) != form(b.shape) and not (loose and len(a.entries) == len(b.entries)):
        return ("equal", None) if _both_zero(domain, a, b) else ("different", None)
    rounded = False
    for place, (u, v) in enumerate(zip(a.entries, b.entries, strict=True)):
        if same(domain, u, v):
            continue
        if (
            tolerance is None
            or len(tolerance) != len(a.entries)
            or not _within(domain, u, v, tolerance[place])
        ):
            return "different", place
        rounded = True
    return ("rounded" if rounded else "equal"), None


def spread(
    node: Node, domain: Domain[Any], value: Callable[[Node], Array[Any]], exact: Collection[Any]
) -> tuple[Fraction, ...] | None:
    """How far each entry of an operation with rounded operands may be off; None where none is rounded.

    `exact` are numbers that are given as they are. To first order, which is much more than what the
    digits of operands leave open.
    """
    operands = [
        part for part in tree.walk(node)
        if isinstance(part, tree.Number) and "." in part.text and part.value not in exact
    ]  # fmt: skip
    if not operands or len(operands) > OPERANDS:
        return None
    try:
        base = value(node).entries
        total = [Fraction(0)] * len(base)
        for operand in operands:
            half = _half_unit(operand.text, False)
            moved = _moved(node, operand, half)
            for at, (u, v) in enumerate(zip(value(moved).entries, base, strict=True)):
                total[at] += distance(domain, u, v)
    except (ArithmeticError, ValueError):
        return None
    return tuple(total)


def distance(domain: Domain[Any], a: Any, b: Any) -> Fraction:
    """How far apart two numbers are at most. Raises Symbolic for symbols."""
    low, high = bounds(domain.sub(a, b))
    return max(abs(low), abs(high))


OPERANDS = 60
"""Rounded operands of one operation that are looked at."""


def _moved(node: Node, operand: tree.Number, step: Fraction) -> Node:
    if node is operand:
        return tree.Number(operand.value + step)
    return tree.rebuild(node, lambda part: _moved(part, operand, step))


def _both_zero(domain: Domain[Any], a: Array[Any], b: Array[Any]) -> bool:
    """The number 0 stands for an array of zeros."""
    if len(a.entries) > 1 and len(b.entries) > 1:
        return False
    return all(domain.is_zero(entry) for entry in (*a.entries, *b.entries))


def _within(domain: Domain[Any], a: Any, b: Any, tolerance: Fraction) -> bool:
    try:
        low, high = bounds(domain.sub(a, b))
    except Symbolic:
        return False
    return -tolerance <= low and high <= tolerance
