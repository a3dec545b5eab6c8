"""Central differences of the loss, in exact numbers or in balls; at a kink, the two one-sided ones.

With steps h and h/2 the central differences are D(h) = f' + c h² + … and D(h/2). Their combination
(4 D(h/2) − D(h)) / 3 is off by O(h⁴); it is reported with the error 2 |D(h) − D(h/2)|, which is O(h²)
and hence generous. For a polynomial of degree 2 both agree exactly and the error is 0. One-sided
differences are combined likewise, 2 S(h/2) − S(h), with the error 2 |S(h) − S(h/2)|.

An estimate with an error above `TOLERANCE` (relative to its size, or absolute below 1) says too little:
then the step shrinks, or the precision is raised.

Whether a kink is in the way is seen from the signs that decide the pieces, at −h, −h/2, 0, h/2 and h.
Signs that only change away from 0 ask for a smaller step; signs that change at 0 itself mean that the
example sits on a kink.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from symbackprop.algebra.functions import Function
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Domain, Symbolic, Undecided
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact, Value, bounds, settled
from symbackprop.algebra.values.poly import Poly
from symbackprop.algebra.values.run import Equations, in_equation
from symbackprop.notation.tree import names_in

STEP = Fraction(1, 1000)
TOLERANCE = Fraction(1, 10**6)
START_BITS = 256
_SHRINK = Fraction(1, 1000)
_TRIES = 8  # of a smaller step, before a nearby kink is treated as one at the point


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and how far the truth may be from it (besides the width of a ball)."""

    value: Value
    error: Fraction

    def range(self) -> tuple[Fraction, Fraction]:
        """Between which rationals the truth lies. Raises Symbolic for a polynomial."""
        low, high = bounds(self.value)
        return low - self.error, high + self.error

    @property
    def sharp(self) -> bool:
        """Whether it says more than `TOLERANCE`."""
        if isinstance(self.value, Poly):
            return True
        low, high = self.range()
        return high - low <= TOLERANCE * max(Fraction(1), abs(low), abs(high))


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What differences say about a derivative: `central`, or at a kink `left` and `right`."""

    step: Fraction
    central: Estimate | None = None
    left: Estimate | None = None
    right: Estimate | None = None

    @property
    def at_kink(self) -> bool:
        return self.central is None

    @property
    def sharp(self) -> bool:
        """Whether each estimate in it says more than `TOLERANCE`."""
        return all(part.sharp for part in (self.central, self.left, self.right) if part is not None)

    def confirms(self, slope: Value) -> bool:
        """Whether `slope` agrees with the central difference, or lies between the one-sided ones.

        Raises Undecided where `slope` is a ball too wide for its own good.
        """
        if not Estimate(slope, Fraction(0)).sharp:
            raise Undecided("a slope that is too wide to be compared")
        if self.central is not None:
            return _agree(self.central, slope)
        if self.left is None or self.right is None:
            raise ValueError("a difference without any estimate")
        if any(isinstance(a, Poly) for a in (slope, self.left.value, self.right.value)):
            return _between_polynomials(self.left.value, slope, self.right.value)
        low, high = bounds(slope)
        ends = (*self.left.range(), *self.right.range())
        return min(ends) <= high and low <= max(ends)


def unit(shape: tuple[int, ...], places: tuple[int, ...]) -> Array[Fraction]:
    """The direction of one entry, at `places` counted from 1. Raises IndexError outside the array."""
    size = 1
    for length in shape:
        size *= length
    return Array(shape, (Fraction(0),) * size).replaced(places, Fraction(1))


def central_difference(
    equations: Equations,
    values: Mapping[str, Array[Any]],
    name: str,
    direction: Array[Fraction],
    *,
    sizes: Mapping[str, int] | None = None,
    functions: Mapping[str, Function] | None = None,
) -> Difference:
    """The derivative of the loss by `name` along `direction` (`unit(shape, places)` for one entry).

    `values` holds Fractions (or leftover symbols) for the given names. A computed name is treated as an
    input.
    Raises NotCertified where no precision decides a sign, Symbolic where the loss has no value.
    """
    return Differences(equations, values, sizes or {}, functions or {}).along({name: direction})


class Differences:
    """Differences of one model at one point; the forward pass there is computed once for each precision."""

    def __init__(
        self,
        equations: Equations,
        values: Mapping[str, Array[Any]],
        sizes: Mapping[str, int],
        functions: Mapping[str, Function],
    ) -> None:
        self.equations, self.values = equations, values
        self.sizes, self.functions = sizes, functions
        self.uses = {name: frozenset(names_in(body)) for name, body in equations}
        self._bases: dict[int, _Base] = {}

    def moving(self, moves: Iterable[str]) -> set[str]:
        """The computed names whose equations change when `moves` do."""
        shifted, found = set(moves), set()
        for name, used in self.uses.items():
            if not shifted.isdisjoint(used):
                shifted.add(name)
                found.add(name)
        return found

    def along(self, moves: Mapping[str, Array[Fraction]]) -> Difference:
        """d/dt of the loss while every name in `moves` is shifted by t times its direction.

        A computed name is shifted after it has been computed, so the result is Σ ⟨d name, direction⟩ over
        all of them. Raises what `central_difference` raises.
        """
        return settled(lambda domain: self._attempt(moves, domain), START_BITS)

    def base(self, evaluator: Evaluator[Any], watched: _Watched) -> _Base:
        """The forward pass at the point. Without the loss itself the rest may stay symbolic."""
        if watched.bits not in self._bases:
            made = _Base(dict(self.values), {})
            for name, body in self.equations:
                if name not in made.values:
                    watched.signs = []
                    with suppress(Symbolic):
                        made.values[name] = in_equation(name, body, made.values, evaluator)
                    made.signs[name] = watched.signs
            self._bases[watched.bits] = made
        return self._bases[watched.bits]

    def _attempt(self, moves: Mapping[str, Array[Fraction]], domain: Exact) -> Difference:
        line = _Line(self, moves, domain)
        rational = _is_rational(line.at(Fraction(0))) and _is_rational(line.at(STEP))
        step = STEP if rational else Fraction(1, 1 << (domain.bits // 4))
        for _ in range(_TRIES):
            found = line.difference(step)
            if found.sharp or not rational:
                break
            step = found.step * _SHRINK
        if not found.sharp:
            raise Undecided("a difference that is too wide to say anything")
        return found


class _Watched(Exact):
    """Exact reals that keep a record of the signs they were asked for."""

    def __init__(self, bits: int) -> None:
        super().__init__(bits)
        self.signs: list[int] = []

    def sign(self, a: Value) -> int:
        found = super().sign(a)
        self.signs.append(found)
        return found


class _Base(NamedTuple):
    """The values at the point itself, and the signs that each equation asked for."""

    values: dict[str, Array[Any]]
    signs: dict[str, list[int]]


class _Line:
    """The loss on the line values + t · direction, with the signs that were met at each t."""

    def __init__(self, model: Differences, moves: Mapping[str, Array[Fraction]], domain: Exact) -> None:
        self.watched = _Watched(domain.bits)
        self.evaluator: Evaluator[Value] = Evaluator(self.watched, model.sizes, model.functions)
        self.equations, self.moves = model.equations, moves
        self.loss = model.equations[-1][0]
        self.base = model.base(self.evaluator, self.watched)
        self.given = [name for name in moves if name not in model.uses]
        self.moving = model.moving(moves)
        self.done: dict[Fraction, tuple[Value, list[int]]] = {}

    def at(self, t: Fraction) -> Value:
        """The loss at t."""
        return self._met(t)[0]

    def difference(self, step: Fraction) -> Difference:
        """Central where no sign changes; otherwise a smaller step, or one-sided."""
        for _ in range(_TRIES):
            points = (-step, -step / 2, Fraction(0), step / 2, step)
            patterns = [self._met(t)[1] for t in points]
            if all(pattern == patterns[2] for pattern in patterns):
                return Difference(step=step, central=self._central(step))
            if 0 in patterns[2]:
                break
            step *= _SHRINK
        while not (self._steady(step) and self._steady(-step)) and step > STEP * _SHRINK**_TRIES:
            step *= _SHRINK
        return Difference(step=step, left=self._side(-step), right=self._side(step))

    def _met(self, t: Fraction) -> tuple[Value, list[int]]:
        if t not in self.done:
            self.done[t] = self._moved(t) if t else self._still()
        return self.done[t]

    def _still(self) -> tuple[Value, list[int]]:
        """The point itself, where everything is known already."""
        values, signs = self.base
        if any(name not in values for name in (self.loss, *self.moves)):
            raise Symbolic(f"{self.loss} has no value")
        return values[self.loss].item, [one for name in signs if name in self.moving for one in signs[name]]

    def _moved(self, t: Fraction) -> tuple[Value, list[int]]:
        env = dict(self.base.values)
        for name in self.given:
            env[name] = self._shifted(name, env, t)
        self.watched.signs = []
        for name, body in self.equations:
            if name in self.moving:
                env.pop(name, None)
                with suppress(Symbolic):  # of use only where the loss needs it
                    env[name] = in_equation(name, body, env, self.evaluator)
            if name in self.moves:
                env[name] = self._shifted(name, env, t)
        if self.loss not in env:
            raise Symbolic(f"{self.loss} has no value")
        return env[self.loss].item, self.watched.signs

    def _shifted(self, name: str, env: Mapping[str, Array[Any]], t: Fraction) -> Array[Any]:
        if name not in env:
            raise Symbolic(f"{name} has no value")
        domain, value = self.watched, env[name]
        pairs = zip(value.entries, self.moves[name].entries, strict=True)
        return value.with_entries([domain.add(a, t * part) if part else a for a, part in pairs])

    def _steady(self, step: Fraction) -> bool:
        return self._met(step)[1] == self._met(step / 2)[1]

    def _central(self, step: Fraction) -> Estimate:
        domain = self.watched
        wide, narrow = (domain.div(domain.sub(self.at(h), self.at(-h)), 2 * h) for h in (step, step / 2))
        return _extrapolated(domain, wide, narrow, 4)

    def _side(self, step: Fraction) -> Estimate:
        domain = self.watched
        wide, narrow = (domain.div(domain.sub(self.at(h), self.at(Fraction(0))), h) for h in (step, step / 2))
        return _extrapolated(domain, wide, narrow, 2)


def _extrapolated(domain: Domain[Value], wide: Value, narrow: Value, order: int) -> Estimate:
    """(order · narrow − wide) / (order − 1); the error is 2 |wide − narrow|."""
    gap = domain.sub(wide, narrow)
    if isinstance(gap, Poly):
        raise Symbolic("a difference that is not exact, with symbols in it")
    value = domain.sub(narrow, domain.div(gap, Fraction(order - 1)))
    return Estimate(value, 2 * max(abs(end) for end in bounds(gap)))


def _is_rational(value: Value) -> bool:
    if isinstance(value, Poly):
        return all(type(coefficient) is Fraction for coefficient in value.terms.values())
    return type(value) is Fraction


def _agree(estimate: Estimate, slope: Value) -> bool:
    if isinstance(estimate.value, Poly) or isinstance(slope, Poly):
        return estimate.error == 0 and bool(estimate.value == slope)
    low, high = bounds(slope)
    least, most = estimate.range()
    return least <= high and low <= most


def _between_polynomials(left: Value, slope: Value, right: Value) -> bool:
    """Whether slope = left + s (right − left) for one s between 0 and 1."""
    domain = Exact()
    gap, part = domain.sub(right, left), domain.sub(slope, left)
    if not isinstance(gap, Poly):
        return part in (0, gap)
    ratios = (_coefficient(part, m) / value for m, value in gap.terms.items())
    share = next(ratios)
    same = domain.is_zero(domain.sub(domain.mul(share, gap), part))
    return bool(0 <= share <= 1) and same


def _coefficient(value: Value, monomial: Any) -> Fraction:
    terms = value.terms if isinstance(value, Poly) else {(): value}
    found = terms.get(monomial, Fraction(0))
    return found if type(found) is Fraction else Fraction(0)
