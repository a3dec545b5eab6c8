"""Dual numbers a + bε with ε² = 0, over any domain: forward-mode differentiation.

Each operation carries the exact directional derivative along. The six slopes below (and those of + − × ÷ and
powers) are the only derivatives that this route knows; everything else follows from the formulas.
"""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any, Generic, NamedTuple, TypeVar

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Domain, NoSlope

T = TypeVar("T")


class Dual(NamedTuple, Generic[T]):
    """A number and its derivative along one direction."""

    value: T
    slope: T


class Duals(Domain[Dual[T]]):
    """Dual numbers over `base`, which may be dual numbers itself (for second derivatives)."""

    def __init__(self, base: Domain[T]) -> None:
        self.base = base
        self.zero = Dual(base.zero, base.zero)
        self.one = Dual(base.one, base.zero)

    # --- going in and out

    def lift(self, a: T) -> Dual[T]:
        """A constant."""
        return Dual(a, self.base.zero)

    def lift_array(self, array: Array[T]) -> Array[Dual[T]]:
        """An array of constants."""
        zero = self.base.zero
        return Array(array.shape, tuple([Dual(a, zero) for a in array.entries]))

    def seeded(self, values: Array[T], direction: Array[T]) -> Array[Dual[T]]:
        """`values` moving along `direction`, an array of the same size. Raises ValueError otherwise."""
        if len(values.entries) != len(direction.entries):
            raise ValueError(f"a direction of shape {direction.shape} for values of shape {values.shape}")
        return Array(values.shape, tuple(map(Dual, values.entries, direction.entries)))

    # --- arithmetic

    def from_fraction(self, value: Fraction) -> Dual[T]:
        return Dual(self.base.from_fraction(value), self.base.zero)

    def add(self, a: Dual[T], b: Dual[T]) -> Dual[T]:
        return Dual(self.base.add(a[0], b[0]), self.base.add(a[1], b[1]))

    def sub(self, a: Dual[T], b: Dual[T]) -> Dual[T]:
        return Dual(self.base.sub(a[0], b[0]), self.base.sub(a[1], b[1]))

    def neg(self, a: Dual[T]) -> Dual[T]:
        return Dual(self.base.neg(a[0]), self.base.neg(a[1]))

    def mul(self, a: Dual[T], b: Dual[T]) -> Dual[T]:
        """(ab, a'b + ab')"""
        base = self.base
        return Dual(base.mul(a[0], b[0]), base.add(base.mul(a[1], b[0]), base.mul(a[0], b[1])))

    def div(self, a: Dual[T], b: Dual[T]) -> Dual[T]:
        """(q, (a' - q b') / b) with q = a/b"""
        base = self.base
        quotient = base.div(a[0], b[0])
        return Dual(quotient, base.div(base.sub(a[1], base.mul(quotient, b[1])), b[0]))

    def power(self, a: Dual[T], exponent: Fraction) -> Dual[T]:
        """(a^q, q a^(q-1) a')"""
        base = self.base
        value = base.power(a[0], exponent)
        if exponent == 0:
            return Dual(value, base.zero)
        factor = base.mul(base.from_fraction(exponent), base.power(a[0], exponent - 1))
        return Dual(value, base.mul(factor, a[1]))

    def total(self, values: Iterable[Dual[T]]) -> Dual[T]:
        listed = list(values)
        return Dual(self.base.total([a[0] for a in listed]), self.base.total([a[1] for a in listed]))

    def dot(self, left: Sequence[Dual[T]], right: Sequence[Dual[T]]) -> Dual[T]:
        return self.matmul([left], [right])[0]

    def matmul(
        self, left: Sequence[Sequence[Dual[T]]], columns: Sequence[Sequence[Dual[T]]]
    ) -> list[Dual[T]]:
        """(AB, A'B + AB'), leaving out a product with zeros."""
        base = self.base
        values, slopes, moving = _apart(left, base)
        other_values, other_slopes, other_moving = _apart(columns, base)
        product = base.matmul(values, other_values)
        parts = []
        if moving:
            parts.append(base.matmul(slopes, other_values))
        if other_moving:
            parts.append(base.matmul(values, other_slopes))
        if not parts:
            return [Dual(a, base.zero) for a in product]
        change = parts[0] if len(parts) == 1 else list(map(base.add, *parts))
        return list(map(Dual, product, change))

    def is_zero(self, a: Dual[T]) -> bool:
        return self.base.is_zero(a[0]) and self.base.is_zero(a[1])

    def rational(self, a: Dual[T]) -> Fraction | None:
        return self.base.rational(a[0]) if self.base.is_zero(a[1]) else None

    def show(self, a: Dual[T]) -> str:
        return self.base.show(a[0])

    # --- functions

    def atom(self, name: str, a: Dual[T]) -> Dual[T]:
        value = self.base.atom(name, a[0])
        if self.base.is_zero(a[1]) and name != "sqrt":
            return Dual(value, self.base.zero)
        return Dual(value, self.base.mul(_SLOPES[name](self.base, a[0], value), a[1]))

    def pi(self) -> Dual[T]:
        return self.lift(self.base.pi())

    def sign(self, a: Dual[T]) -> int:
        return self.base.sign(a[0])

    def generic(self, name: str, orders: tuple[int, ...], args: Sequence[Dual[T]]) -> Dual[T]:
        """(g(a), Σ ∂g/∂aᵢ aᵢ')"""
        values = [a[0] for a in args]
        slope = self.base.zero
        for i, a in enumerate(args):
            if not self.base.is_zero(a[1]):
                raised = (*orders[:i], orders[i] + 1, *orders[i + 1 :])
                slope = self.base.add(slope, self.base.mul(self.base.generic(name, raised, values), a[1]))
        return Dual(self.base.generic(name, orders, values), slope)

    # --- kinks

    @property
    def core(self) -> Domain[Any]:
        return self.base.core

    def core_of(self, a: Dual[T]) -> Any:
        return self.base.core_of(a[0])

    def scale(self, share: Any, a: Dual[T]) -> Dual[T]:
        return Dual(self.base.scale(share, a[0]), self.base.scale(share, a[1]))

    def tie(self, upper: Dual[T], lower: Dual[T], share: Any) -> Dual[T]:
        """The slope at a kink: share · upper slope + (1 − share) · lower slope."""
        base = self.base
        rest = base.core.sub(base.core.one, share)
        slope = base.add(base.scale(share, upper[1]), base.scale(rest, lower[1]))
        return Dual(base.tie(upper[0], lower[0], share), slope)


def _apart(rows: Sequence[Sequence[Dual[T]]], base: Domain[T]) -> tuple[list[list[T]], list[list[T]], bool]:
    """Values, slopes, and whether any slope is not 0."""
    values = [[a[0] for a in row] for row in rows]
    slopes = [[a[1] for a in row] for row in rows]
    return values, slopes, not all(base.is_zero(a) for row in slopes for a in row)


def _erf_slope(base: Domain[T], a: T, value: T) -> T:
    """2 exp(-a²) / sqrt(pi)"""
    bell = base.atom("exp", base.neg(base.mul(a, a)))
    return base.div(base.add(bell, bell), base.atom("sqrt", base.pi()))


def _sqrt_slope(base: Domain[T], a: T, value: T) -> T:
    """1 / (2 sqrt(a))"""
    if base.is_zero(a):
        raise NoSlope("the derivative of sqrt", "0", "it grows without bound there")
    return base.div(base.one, base.add(value, value))


_SLOPES: dict[str, Callable[[Domain[Any], Any, Any], Any]] = {
    "exp": lambda base, a, value: value,
    "log": lambda base, a, value: base.div(base.one, a),
    "sin": lambda base, a, value: base.atom("cos", a),
    "cos": lambda base, a, value: base.neg(base.atom("sin", a)),
    "erf": _erf_slope,
    "sqrt": _sqrt_slope,
}
"""Slopes in terms of the argument and the value."""
