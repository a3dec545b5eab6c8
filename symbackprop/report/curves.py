"""The graph of a function of one number and of its derivative, sampled by our own evaluator.

Everything is computed from the function's formulas by cases and from those that SymPy derived, with
fractions and balls; a formula that has no value somewhere (`log(u)` for u ≤ 0) has no curve there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

from symbackprop.algebra.slopes import Branch, Slope
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError, Symbolic
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import bounds
from symbackprop.notation.tree import Node

Place = tuple[Fraction, Fraction]
"""An argument and the value there."""

Run = tuple[Place, ...]
"""Places that are joined by a line."""

SAMPLES = 120
"""Points of a curve, before those in a straight line are left out."""

_HALVINGS = 7  # towards the place where a formula stops having a value
_WIDEST = Fraction(1, 10**9)  # of a ball that is drawn as a point, for values of about 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A place of one of the two curves; `open`: the curve ends there without taking the value."""

    at: Place
    slope: bool
    open: bool = False


@dataclass(frozen=True, slots=True)
class Drawn:
    """A function whose formulas have values: `known` are the example's numbers, for its options."""

    slope: Slope
    working: Evaluator[Any]
    known: Mapping[str, Array[Any]]

    def at(self, formula: Node, argument: Fraction) -> Fraction | None:
        """The value of a formula in `u`, rounded far below what a page shows; None if it has none."""
        scope = {**self.known, "u": Array((), (argument,))}
        try:
            return as_fraction(self.working.evaluate(formula, scope).item)
        except (ArithmeticError, EvaluationError, Symbolic, ValueError):
            return None

    def bounds(self) -> list[Fraction | None] | None:
        """Where each piece begins, from the highest down; None where one is no number."""
        found: list[Fraction | None] = []
        for branch in self.slope.values:
            value = None if branch.bound is None else self.at(branch.bound, Fraction(0))
            if branch.bound is not None and value is None:
                return None
            found.append(value)
        return found

    def runs(self, branches: Sequence[Branch], low: Fraction, high: Fraction) -> list[Run]:
        """The curve between two arguments: a run for each piece, and a new one after each gap.

        A derivative is drawn only where the function has a value: 1/u belongs to log(u) for u > 0.
        """
        found: list[Run] = []
        above = high
        for branch, own, bound in zip(branches, self.slope.values, self.bounds() or (), strict=True):
            start = max(low, bound) if bound is not None else low
            if start < above:
                found += _sampled(partial(self._both, branch.value, own.value), start, above)
            above = min(above, start)
        return found

    def _both(self, formula: Node, own: Node, argument: Fraction) -> Fraction | None:
        value = self.at(formula, argument)
        return value if formula is own or self.at(own, argument) is not None else None

    # --- what happens at the bounds

    def ends(self) -> list[Dot]:
        """Open and closed dots where a curve jumps: the convention says which value is taken."""
        found: list[Dot] = []
        for place, bound in enumerate(self.bounds() or ()):
            if bound is None or place + 1 >= len(self.slope.values):
                continue
            found += self._jump(self.slope.values, place, bound, slope=False, taken=None)
            kink = next((one for one in self.slope.kinks if self.at(one.at, Fraction(0)) == bound), None)
            if kink is not None:
                taken = self.at(kink.taken, Fraction(0))
                found += self._jump(self.slope.branches, place, bound, slope=True, taken=taken)
        return found

    def _jump(
        self, branches: Sequence[Branch], place: int, bound: Fraction, *, slope: bool, taken: Fraction | None
    ) -> Iterator[Dot]:
        right, left = self.at(branches[place].value, bound), self.at(branches[place + 1].value, bound)
        if right == left:
            return
        chosen = right if taken is None else taken
        for limit in (left, right):
            if limit is not None and limit != chosen:
                yield Dot(at=(bound, limit), slope=slope, open=True)
        if chosen is not None:
            yield Dot(at=(bound, chosen), slope=slope)


Value = Callable[[Fraction], Fraction | None]


def _sampled(value_at: Value, low: Fraction, high: Fraction) -> Iterator[Run]:
    step = (high - low) / SAMPLES
    run: list[Place] = []
    gap: Fraction | None = None  # the last argument without a value
    for count in range(SAMPLES + 1):
        at = low + count * step
        value = value_at(at)
        if value is None:
            if run:
                yield (*run, *_edge(value_at, run[-1][0], at))
            run, gap = [], at
            continue
        if not run and gap is not None:
            run += reversed(list(_edge(value_at, at, gap)))
        run.append((at, value))
    if run:
        yield tuple(run)


def _edge(value_at: Value, inside: Fraction, outside: Fraction) -> Iterator[Place]:
    """Places from an argument with a value towards one without, closer and closer."""
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        value = value_at(middle)
        if value is None:
            outside = middle
        else:
            inside = middle
            yield middle, value


def as_fraction(value: Any) -> Fraction:
    """A value, or the middle of a ball. Raises ValueError for one that is too wide to be drawn."""
    low, high = bounds(value)
    if high - low > _WIDEST * max(Fraction(1), abs(low)):
        raise ValueError("too wide")
    return (low + high) / 2


def thinned(run: Run, scale: Callable[[Place], tuple[float, float]], tolerance: float) -> Run:
    """The run without what lies on straight lines, to a tolerance on the page (Douglas and Peucker)."""
    points = [scale(place) for place in run]
    kept = {0, len(run) - 1}
    stack = [(0, len(run) - 1)]
    while stack:
        first, last = stack.pop()
        far, place = max(
            ((_off(points, first, last, at), at) for at in range(first + 1, last)), default=(0.0, 0)
        )
        if far > tolerance:
            kept.add(place)
            stack += [(first, place), (place, last)]
    return tuple(run[at] for at in sorted(kept))


def _off(points: Sequence[tuple[float, float]], first: int, last: int, at: int) -> float:
    """How far a point is from the straight line between two others."""
    (ax, ay), (bx, by), (x, y) = points[first], points[last], points[at]
    across, up = bx - ax, by - ay
    long = math.hypot(across, up)
    if not long:
        return math.hypot(x - ax, y - ay)
    return abs(across * (y - ay) - up * (x - ax)) / long
