"""Two operations with rounded operands, `½ (0.7311 − 1)² ≈ ½ · 0.0723`, as a report of ours writes them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.checking.compare import side
from symbackprop.checking.numbers import match, spread, tolerances
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
