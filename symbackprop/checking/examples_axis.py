"""Which axis of a batch its examples lie along, and a bias repeated for each of them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import prod
from typing import Any

from symbackprop import limits
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Domain
from symbackprop.checking.worlds import World
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree


def examples_are_rows(exercise: Exercise) -> bool:
    """Whether a model repeats its bias as `1 bᵀ`, an example a row, and not as `b 1ᵀ`."""
    return not any(
        isinstance(part, tree.Transpose) and isinstance(tree.undressed(part.body), tree.Number)
        for one in exercise.equations
        for part in tree.walk(one.body)
    )


def batched(small: Array[Any], shape: tuple[int, ...], *, rows: bool) -> Array[Any] | None:
    """A vector, row or column repeated to a matrix of this shape; None where it does not fit one.

    Where it fits both ways, `rows` tells: it is an example's row, else an example's column.
    """
    if len(small.entries) == prod(shape):
        return None
    if len(small.entries) == 1:
        return Array(shape, small.entries * prod(shape))
    if len(shape) != 2:
        return None
    down, across = shape
    as_row = len(small.entries) == across and small.shape in ((across,), (1, across))
    as_column = len(small.entries) == down and small.shape in ((down,), (down, 1))
    if as_row and (rows or not as_column):
        return Array(shape, small.entries * down)
    if as_column:
        return Array(shape, tuple(entry for entry in small.entries for _ in range(across)))
    return None


def per_example(world: World, name: str, meant: Mapping[str, int]) -> Array[Any]:
    """dL/d`name`, m times as large where the text means each example's, without the mean's 1/m."""
    value = world.gradient(name)
    factor = meant.get(name)
    if factor is None:
        return value
    times_m = world.domain.from_fraction(Fraction(factor))
    return value.map(lambda entry: world.domain.mul(times_m, entry))


def has_mean(exercise: Exercise, examples: int) -> bool:
    """Whether a loss divides by this number of examples: `(1/m) …`, `mean(…)`, `(1/4) bce(p, y)`.

    The half of a square is no mean of two.
    """
    parts = list(tree.walk(exercise.equations[-1].body))
    squares = any(isinstance(part, tree.Norm | tree.Power) for part in parts)
    for part in parts:
        if isinstance(part, tree.Call) and part.function == "mean":
            return True
        below = tree.bare(part.below) if isinstance(part, tree.Quotient) else None
        if isinstance(below, tree.Number):
            half = below.value == 2 and squares
            if below.value % examples == 0 and not half:
                return True
        elif below is not None and list(tree.names_in(below)):
            return True
    return False


def examples_too_many(world: World, name: str, wrong: Array[Any]) -> dict[str, int]:
    """`name` and m, if a value is m times dL/d`name`, m the length of an axis of it."""
    if world.cost(name) > limits.HAND_OPERATIONS:
        return {}
    right = world.gradient(name)
    for examples in right.shape:
        if (
            examples > 1
            and has_mean(world.exercise, examples)
            and _is_times(world.domain, wrong, right, examples)
        ):
            return {name: examples}
    return {}


def _is_times(domain: Domain[Any], wrong: Array[Any], right: Array[Any], factor: int) -> bool:
    if wrong.shape != right.shape or all(map(domain.is_zero, right.entries)):
        return False
    times = domain.from_fraction(Fraction(factor))
    return all(
        domain.is_zero(domain.sub(a, domain.mul(times, b)))
        for a, b in zip(wrong.entries, right.entries, strict=True)
    )
