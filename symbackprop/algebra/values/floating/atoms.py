"""Elementary functions of whole arrays, and dual numbers over them.

The slopes of exp, log, sin, cos, erf and the root stand here as the second route's own: each is compared with
the derivative that SymPy finds, by a test. Sigmoid, softplus, swish and tanh are written in exponentials that
do not overflow; their slopes follow by the arithmetic of dual numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from symbackprop.algebra.values.floating import np

if TYPE_CHECKING:
    from numpy.typing import NDArray


Floats: TypeAlias = "NDArray[np.float64]"
"""An array of binary64 numbers."""

Number: TypeAlias = Any
"""A float, an array of floats, or a dual number over either."""


@dataclass(frozen=True, slots=True)
class Dual:
    """`value + ε slope`, entry by entry; value and slope may be dual numbers themselves."""

    value: Number
    slope: Number

    __array_ufunc__ = None  # so that array + Dual comes to __radd__, and not entry by entry

    def __add__(self, other: Number) -> Dual:
        if isinstance(other, Dual):
            return Dual(self.value + other.value, self.slope + other.slope)
        return Dual(self.value + other, self.slope)

    __radd__ = __add__

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.slope)

    def __sub__(self, other: Number) -> Dual:
        return self.__add__(-other)

    def __rsub__(self, other: Number) -> Dual:
        return (-self).__add__(other)

    def __mul__(self, other: Number) -> Dual:
        if isinstance(other, Dual):
            return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)
        return Dual(self.value * other, self.slope * other)

    __rmul__ = __mul__

    def __truediv__(self, other: Number) -> Dual:
        if isinstance(other, Dual):
            ratio = self.value / other.value
            return Dual(ratio, (self.slope - ratio * other.slope) / other.value)
        return Dual(self.value / other, self.slope / other)

    def __rtruediv__(self, other: Number) -> Dual:
        ratio = other / self.value
        return Dual(ratio, -ratio / self.value * self.slope)


def core(number: Number) -> Number:
    """The plain numbers underneath dual ones."""
    while isinstance(number, Dual):
        number = number.value
    return number


def chosen(mask: Any, first: Number, second: Number) -> Number:
    """`first` where `mask` is true, else `second`, entry by entry; slopes too."""
    if isinstance(first, Dual) or isinstance(second, Dual):
        one = first if isinstance(first, Dual) else Dual(first, 0.0)
        other = second if isinstance(second, Dual) else Dual(second, 0.0)
        return Dual(chosen(mask, one.value, other.value), chosen(mask, one.slope, other.slope))
    return np.where(mask, first, second)


def power(base: Number, exponent: Number) -> Number:
    """base^exponent. A negative base has whole exponents only, else the result is no number."""
    if isinstance(exponent, Dual):
        return atom("exp", exponent * atom("log", base))
    if isinstance(base, Dual):
        if isinstance(exponent, float) and exponent == 0:
            return Dual(power(base.value, 0.0), base.slope * 0.0)
        return Dual(power(base.value, exponent), exponent * power(base.value, exponent - 1.0) * base.slope)
    if isinstance(exponent, float):
        if exponent == 0.5:
            return np.sqrt(base)
        return np.asarray(base) ** exponent
    return np.power(base, exponent)


# --- atoms ------------------------------------------------------------------------------------


def _erf(u: Any) -> Any:
    """NumPy has none: entry by entry."""
    array = np.asarray(u, dtype=np.float64)
    return np.array([math.erf(one) for one in array.ravel().tolist()]).reshape(array.shape)


def _size(u: Number) -> tuple[Any, Number]:
    """Where u is not negative, and |u|."""
    upper = core(u) >= 0
    return upper, chosen(upper, u, -u)


def _sigmoid(u: Number) -> Number:
    """1 / (1 + e^−|u|) and what is left of 1: no exponential of a large number."""
    upper, size = _size(u)
    grown = atom("exp", -size)
    share = 1.0 / (1.0 + grown)
    return chosen(upper, share, grown * share)


def _softplus(u: Number) -> Number:
    """max(u, 0) + log(1 + e^−|u|)."""
    upper, size = _size(u)
    return chosen(upper, u, 0.0) + atom("log", 1.0 + atom("exp", -size))


def _swish(u: Number) -> Number:
    return u * _sigmoid(u)


def _tanh(u: Number) -> Number:
    """±(1 − e^−2|u|) / (1 + e^−2|u|)."""
    upper, size = _size(u)
    grown = atom("exp", -2.0 * size)
    share = (1.0 - grown) / (1.0 + grown)
    return chosen(upper, share, -share)


COMPOSED: dict[str, Callable[[Number], Number]] = {
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "swish": _swish,
    "tanh": _tanh,
}
"""Functions whose formulas overflow where they do not: in a form that is safe, for dual numbers too."""

PLAIN: dict[str, Callable[[Any], Any]] = {"tanh": np.tanh, "softplus": lambda u: np.logaddexp(0.0, u)}
"""Of these NumPy has the more exact values, where no slope is asked for."""


@dataclass(frozen=True, slots=True)
class _Atom:
    """A function of whole arrays, and its slope from argument and value."""

    value: Callable[[Any], Any]
    slope: Callable[[Number, Number], Number]


ATOMS: dict[str, _Atom] = {
    "exp": _Atom(np.exp, lambda u, y: y),
    "log": _Atom(np.log, lambda u, y: 1.0 / u),
    "sin": _Atom(np.sin, lambda u, y: atom("cos", u)),
    "cos": _Atom(np.cos, lambda u, y: -atom("sin", u)),
    "sqrt": _Atom(np.sqrt, lambda u, y: 0.5 / y),
    "erf": _Atom(_erf, lambda u, y: 2.0 / math.sqrt(math.pi) * atom("exp", -(u * u))),
}
"""What all formulas bottom out in."""

WHOLE: frozenset[str] = frozenset({*ATOMS, *COMPOSED})
"""The rows that are computed as a whole; all others by their formulas."""


def atom(name: str, u: Number) -> Number:
    """`name(u)`. Raises KeyError for what is not in WHOLE."""
    if name in COMPOSED:
        return COMPOSED[name](u) if isinstance(u, Dual) else PLAIN.get(name, COMPOSED[name])(u)
    found = ATOMS[name]
    if isinstance(u, Dual):
        value = atom(name, u.value)
        return Dual(value, found.slope(u.value, value) * u.slope)
    return found.value(u)
