"""How far rounded numbers lead: `½ (0.7311 − 1)² ≈ ½ · 0.0723`, and values that are worked on with."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.checking.compare import side
from symbackprop.checking.desk import Desk
from symbackprop.checking.numbers import distance, match, spread, tolerances
from symbackprop.checking.numeric import is_numeric
from symbackprop.checking.resolve import Resolved
from symbackprop.checking.values import Reader, evaluator_in, scope_in
from symbackprop.checking.worlds import World
from symbackprop.notation.tree import Node


def both_rounded(world: World, reader: Reader, a: Resolved, b: Resolved) -> bool:
    """Whether two members made of numbers are as near as the digits of both let them be."""

    def value(node: Node) -> Array[Any]:
        return evaluator_in(world, reader).value(node, scope_in(world, {}))

    off = [
        tolerances(member.node, approximate=True) or spread(member.node, world.domain, value, ()) or ()
        for member in (a, b)
    ]
    try:
        working = evaluator_in(world, reader)
        left, right = side(working, a, {}), side(working, b, {})
    except (ArithmeticError, EvaluationError):
        return False
    size = len(left.array.entries)
    loose = left.loose or right.loose
    each = [part or (Fraction(0),) * size for part in off]
    if any(len(part) != size for part in each):
        return False
    allowed = tuple(sum(pair, Fraction(0)) for pair in zip(*each, strict=True))
    found, _ = match(world.domain, left.array, right.array, allowed, loose=loose)
    return found != "different"


def off_by_rounding(desk: Desk, a: Resolved, b: Resolved, approximate: bool) -> bool:
    """Whether a number is off by no more than twice what the rounded numbers before it make."""
    if desk.digits is None:
        return False
    for value, result in ((a, b), (b, a)):
        allowed = tolerances(result.node, approximate=approximate)
        if allowed is None or is_numeric(value.node):
            continue
        try:
            here = [evaluator_in(world, desk.reader) for world in (desk.example, desk.digits)]
            exact, rounded = (side(working, value, {}).array for working in here)
            number = side(here[0], result, {})
            pairs = zip(exact.entries, rounded.entries, strict=True)
            moved = tuple(distance(desk.example.domain, u, v) for u, v in pairs)
        except (ArithmeticError, EvaluationError):
            continue
        if len(moved) == len(allowed) == len(number.array.entries):
            wider = tuple(own + 2 * more for own, more in zip(allowed, moved, strict=True))
            found, _ = match(desk.example.domain, exact, number.array, wider, loose=number.loose)
            return found != "different"
    return False


def put_in_rounded(desk: Desk, a: Resolved, b: Resolved) -> bool:
    """`0.5523 · 0.4477` for a value: right as far as the operands, which are rounded themselves, tell."""
    world = desk.example
    for value, operation in ((a, b), (b, a)):
        if not is_numeric(operation.node) or is_numeric(value.node):
            continue
        known = (entry for array in world.values.values() for entry in array.entries)
        exact = {entry for entry in known if isinstance(entry, Fraction)}
        allowed = spread(operation.node, world.domain, lambda node: _value(desk, node, world), exact)
        if allowed is None:
            continue
        try:
            working = evaluator_in(world, desk.reader)
            left, right = side(working, value, {}), side(working, operation, {})
        except (ArithmeticError, EvaluationError):
            continue
        loose = left.loose or right.loose
        found, _ = match(world.domain, left.array, right.array, allowed, loose=loose)
        if found != "different":
            return True
    return False


def _value(desk: Desk, node: Node, world: World) -> Array[Any]:
    return evaluator_in(world, desk.reader).value(node, scope_in(world, {}))
