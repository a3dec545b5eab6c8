"""The real numbers: Fractions where they are rational, balls of python-flint (arb) where they are not, and
polynomials over these in symbols that have no value.

A ball encloses the true number for certain; `bits` only decides how wide it is. What a ball cannot tell
raises Undecided, and `settled` asks again with more bits. `exp(0)`, `log(1)`, `sqrt(4)` and what follows
from them (`tanh(0)`, `sigmoid(0)`) stay rational. python-flint is imported when the first irrational
number appears.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache, partial
from math import isqrt
from typing import TYPE_CHECKING, Any, TypeVar, cast

from symbackprop.algebra.values import poly, products
from symbackprop.algebra.values.domain import (
    Domain,
    DomainProblem,
    NotCertified,
    Symbolic,
    TooLarge,
    Undecided,
)
from symbackprop.algebra.values.poly import Poly
from symbackprop.limits import EXPONENT, PRECISION_BITS

if TYPE_CHECKING:
    from flint import arb

    Value = Fraction | arb | Poly
else:
    Value = Any

R = TypeVar("R")

START_BITS = 128
EXP_ARGUMENT = 1_000_000  # absolute value; exp of it has 434,295 digits
SIN_ARGUMENT = 10**400  # absolute value
EXACT_BITS = 1_000_000  # of the numerator or denominator of one exact number
_SCALE_BITS = 131_072  # of a number that is to be rounded: 10^±39456
_ROOTS = 64  # the largest n of an n-th root that is looked for exactly


class Exact(Domain[Value]):
    """Exact reals with balls of `bits` bits where needed."""

    zero = Fraction(0)
    one = Fraction(1)

    def __init__(self, bits: int = START_BITS) -> None:
        self.bits = bits

    # --- arithmetic

    def from_fraction(self, value: Fraction) -> Value:
        return value

    def add(self, a: Value, b: Value) -> Value:
        if type(a) is Fraction and type(b) is Fraction:
            return a + b
        if isinstance(a, Poly) or isinstance(b, Poly):
            return self._poly(poly.add(_terms(a), _terms(b), self.add))
        if a == 0 and type(a) is Fraction:
            return b
        if b == 0 and type(b) is Fraction:
            return a
        return self._balls(lambda x, y: x + y, a, b)

    def sub(self, a: Value, b: Value) -> Value:
        if type(a) is Fraction and type(b) is Fraction:
            return a - b
        if isinstance(a, Poly) or isinstance(b, Poly):
            return self.add(a, self.neg(b))
        return self._balls(lambda x, y: x - y, a, b)

    def neg(self, a: Value) -> Value:
        if isinstance(a, Poly):
            return Poly({monomial: self.neg(value) for monomial, value in a.terms.items()})
        if type(a) is Fraction:
            return -a
        return self._balls(lambda x: -x, a)  # flint rounds even here

    def mul(self, a: Value, b: Value) -> Value:
        if type(a) is Fraction and type(b) is Fraction:
            return _checked(a * b)
        if self.is_zero(a) or self.is_zero(b):
            return self.zero
        if isinstance(a, Poly) or isinstance(b, Poly):
            return self._poly(poly.multiply(_terms(a), _terms(b), self.add, self.mul))
        return self._balls(lambda x, y: x * y, a, b)

    def div(self, a: Value, b: Value) -> Value:
        if isinstance(b, Poly):
            raise Symbolic("division by a symbol")
        self._nonzero(b, a)
        if type(a) is Fraction and type(b) is Fraction:
            return _checked(a / b)
        if isinstance(a, Poly):
            return self._poly({monomial: self.div(value, b) for monomial, value in a.terms.items()})
        return self.zero if self.is_zero(a) else self._balls(lambda x, y: x / y, a, b)

    def power(self, a: Value, exponent: Fraction) -> Value:
        """`a` to a rational. Raises DomainProblem for roots of negative numbers and powers of 0."""
        if abs(exponent) > EXPONENT:
            raise TooLarge("a power", self.show(a), f"an exponent beyond {EXPONENT}")
        if exponent.denominator != 1:
            return self._root(a, exponent)
        whole = exponent.numerator
        if whole < 0:
            return self.div(self.one, self.power(a, Fraction(-whole)))
        if type(a) is Fraction:
            if max(a.numerator.bit_length(), a.denominator.bit_length()) * whole > EXACT_BITS:
                raise TooLarge("a power", self.show(a), f"a result of more than {EXACT_BITS} bits")
            return Fraction(a**whole)
        if isinstance(a, Poly):
            return self._poly_power(a, whole)
        return self._balls(lambda x: _whole_power(x, whole), a) if whole else self.one

    def dot(self, left: Sequence[Value], right: Sequence[Value]) -> Value:
        return self.matmul([left], [right])[0]

    def matmul(self, left: Sequence[Sequence[Value]], columns: Sequence[Sequence[Value]]) -> list[Value]:
        """Over the integers with a common denominator where all is rational: 20 times faster."""
        found = products.rational(left, columns)
        if found is not None:
            return found
        if any(isinstance(a, Poly) for row in (*left, *columns) for a in row):
            return super().matmul(left, columns)
        if not left or not columns or not left[0]:
            return [self.zero] * (len(left) * len(columns))

        def product() -> list[Value]:
            balls = (
                [[self.ball(a) for a in row] for row in left],
                [[self.ball(b) for b in c] for c in columns],
            )
            return products.mixed(left, columns, balls)

        return self.inside(product)

    # --- functions

    def atom(self, name: str, a: Value) -> Value:
        if isinstance(a, Poly):
            raise Symbolic(f"{name} of a symbol")
        value: Value = _ATOMS[name](self, a)
        return value

    def pi(self) -> Value:
        from flint import arb

        return self._balls(arb.pi)

    def sign(self, a: Value) -> int:
        if isinstance(a, Fraction):
            return (a > 0) - (a < 0)
        if isinstance(a, Poly):
            raise Symbolic("the sign of a symbol")
        if a > 0:
            return 1
        if a < 0:
            return -1
        if a.is_zero():
            return 0
        raise Undecided(f"the sign of {self.show(a)}")

    def is_zero(self, a: Value) -> bool:
        if isinstance(a, Fraction):
            return not a
        return not isinstance(a, Poly) and bool(a.is_zero())

    def rational(self, a: Value) -> Fraction | None:
        return a if type(a) is Fraction else None

    def generic(self, name: str, orders: tuple[int, ...], args: Sequence[Value]) -> Value:
        raise Symbolic(f"{name} has no formula")

    def show(self, a: Value) -> str:
        if isinstance(a, Poly):
            return "a polynomial in symbols"
        if isinstance(a, Fraction):
            bits = max(a.numerator.bit_length(), a.denominator.bit_length())
            return str(a) if bits < 200 else f"a number of {bits} bits"
        return str(a.str(8))

    # --- how

    def ball(self, a: Value) -> arb:
        """A ball round `a`, a Fraction or a ball. Raises Symbolic for a polynomial."""
        if type(a) is not Fraction:
            if isinstance(a, Poly):
                raise Symbolic("a ball round a symbol")
            return cast("arb", a)
        made: arb = self.inside(partial(_ball, a.numerator, a.denominator))
        return made

    def _balls(self, operation: Callable[..., arb], *args: Value) -> arb:
        def compute() -> arb:
            return operation(*(a if type(a) is not Fraction else self.ball(a) for a in args))

        result = self.inside(compute)
        if not result.is_finite():
            raise Undecided("a ball without bounds")
        return result

    def inside(self, compute: Callable[[], R]) -> R:
        """`compute` with flint at this precision."""
        # flint's precision is global to the process; it is put back for whoever else uses it.
        context = _flint()[2]
        before = context.prec
        if before == self.bits:
            return compute()
        context.prec = self.bits
        try:
            return compute()
        finally:
            context.prec = before

    def _nonzero(self, b: Value, a: Value) -> None:
        if self.is_zero(b):
            raise DomainProblem("/", self.show(a))
        if not isinstance(b, Fraction | Poly) and b.contains(0):
            raise Undecided(f"division by {self.show(b)}")

    def _poly(self, terms: dict[poly.Monomial, Any]) -> Value:
        kept = {monomial: value for monomial, value in terms.items() if not self.is_zero(value)}
        if not kept:
            return self.zero
        return kept[()] if list(kept) == [()] else Poly(kept)

    def _poly_power(self, a: Poly, whole: int) -> Value:
        if whole > poly.DEGREE:
            raise Symbolic(f"a polynomial of degree above {poly.DEGREE}")
        result: Value = self.one
        for _ in range(whole):
            result = self.mul(result, a)
        return result

    def _root(self, a: Value, exponent: Fraction) -> Value:
        """a^(m/n) = (a^(1/n))^m, exactly where that is rational."""
        if isinstance(a, Poly):
            raise Symbolic("a root of a symbol")
        if self.sign(a) < 0:
            raise DomainProblem(f"the power {exponent}", self.show(a), "the base is negative")
        if exponent.denominator == 2:
            return self.power(self.atom("sqrt", a), exponent * 2)
        if type(a) is Fraction:
            found = _exact_root(a, exponent.denominator)
            if found is not None:
                return self.power(found, Fraction(exponent.numerator))
        return self.atom("exp", self.mul(exponent, self.atom("log", a)))

    def _exp(self, a: Value) -> Value:
        if self.is_zero(a):
            return self.one
        self._bounded("exp", a, EXP_ARGUMENT)
        return self._balls(lambda x: x.exp(), a)

    def _log(self, a: Value) -> Value:
        if self.sign(a) <= 0:
            raise DomainProblem("log", self.show(a), "the argument must be positive")
        return self.zero if a == 1 and type(a) is Fraction else self._balls(lambda x: x.log(), a)

    def _sin(self, a: Value) -> Value:
        self._bounded("sin", a, SIN_ARGUMENT)
        return self.zero if self.is_zero(a) else self._balls(lambda x: x.sin(), a)

    def _cos(self, a: Value) -> Value:
        self._bounded("cos", a, SIN_ARGUMENT)
        return self.one if self.is_zero(a) else self._balls(lambda x: x.cos(), a)

    def _erf(self, a: Value) -> Value:
        self._bounded("erf", a, EXP_ARGUMENT)
        return self.zero if self.is_zero(a) else self._balls(lambda x: x.erf(), a)

    def _sqrt(self, a: Value) -> Value:
        if self.sign(a) < 0:
            raise DomainProblem("sqrt", self.show(a), "the argument must not be negative")
        if type(a) is Fraction:
            top, below = isqrt(a.numerator), isqrt(a.denominator)
            if top * top == a.numerator and below * below == a.denominator:
                return Fraction(top, below)
        return self._balls(lambda x: x.sqrt(), a)

    def _bounded(self, name: str, a: Value, limit: int) -> None:
        size: Any = abs(a)  # type: ignore[arg-type]  # no polynomial comes here
        if size > limit:
            raise TooLarge(name, self.show(a), f"the argument is beyond {limit}")
        if not size <= limit:  # a ball may be neither
            raise Undecided(f"{name} of {self.show(a)}")


_ATOMS: dict[str, Callable[[Exact, Any], Any]] = {
    "exp": Exact._exp, "log": Exact._log, "sin": Exact._sin,
    "cos": Exact._cos, "erf": Exact._erf, "sqrt": Exact._sqrt,
}  # fmt: skip


def _ball(above: int, below: int) -> Any:
    arb, fmpq, _ = _flint()
    return arb(fmpq(above, below))


@cache
def _flint() -> tuple[Any, Any, Any]:
    """Balls, rationals and the precision of flint, which is imported here for the first time."""
    from flint import arb, ctx, fmpq

    return arb, fmpq, ctx


def _whole_power(ball: arb, exponent: int) -> arb:
    """By squaring: flint's own power goes through the logarithm, and a ball round 0 would have none."""
    result = ball
    for bit in bin(exponent)[3:]:
        result = result * result
        if bit == "1":
            result = result * ball
    return result


def settled(compute: Callable[[Exact], R], start: int = START_BITS) -> R:
    """`compute` with the first of start, 2 start, 4 start … bits that does not leave it Undecided.

    Raises NotCertified beyond `limits.PRECISION_BITS`, and whatever `compute` raises.
    """
    bits = start
    while True:
        domain = Exact(bits)
        try:
            # Set once, flint's precision costs nothing for each of thousands of operations.
            return domain.inside(partial(compute, domain)) if "flint" in sys.modules else compute(domain)
        except Undecided as problem:
            if bits >= PRECISION_BITS:
                raise NotCertified(f"{problem}, even with {bits} bits") from problem
            bits = min(2 * bits, PRECISION_BITS)


def bounds(value: Value) -> tuple[Fraction, Fraction]:
    """Two rationals with the number between them; less than 10^-39000 is not told from 0.

    Raises Symbolic for a polynomial, TooLarge beyond 10^39000.
    """
    if isinstance(value, Fraction):
        return value, value
    if isinstance(value, Poly):
        raise Symbolic("bounds of a symbol")
    middle, radius = _dyadic(value.mid()), _dyadic(value.rad())
    slack = Fraction(1, 1 << _SCALE_BITS) if middle is None or radius is None else Fraction(0)
    width, centre = (radius or Fraction(0)) + slack, middle or Fraction(0)
    return centre - width, centre + width


def _dyadic(ball: arb) -> Fraction | None:
    """An exact ball as a rational; None if it is too close to 0 to be worth writing out."""
    mantissa, exponent = (int(part) for part in ball.man_exp())
    size = mantissa.bit_length() + exponent
    if size > _SCALE_BITS:
        raise TooLarge("rounding", "this number", f"it is beyond 2^{_SCALE_BITS}")
    if mantissa and size < -_SCALE_BITS:
        return None
    return Fraction(mantissa << exponent) if exponent >= 0 else Fraction(mantissa, 1 << -exponent)


def _terms(a: Value) -> dict[poly.Monomial, Any]:
    return dict(a.terms) if isinstance(a, Poly) else {(): a}


def _checked(a: Fraction) -> Fraction:
    if a.numerator.bit_length() > EXACT_BITS or a.denominator.bit_length() > EXACT_BITS:
        raise TooLarge("an exact operation", "these numbers", f"a result of more than {EXACT_BITS} bits")
    return a


def _exact_root(a: Fraction, n: int) -> Fraction | None:
    if n > _ROOTS:
        return None
    top, below = _integer_root(a.numerator, n), _integer_root(a.denominator, n)
    return Fraction(top, below) if top**n == a.numerator and below**n == a.denominator else None


def _integer_root(a: int, n: int) -> int:
    """The floor of the n-th root of a ≥ 0, by bisection."""
    low, high = 0, 1 << (a.bit_length() // n + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**n <= a else (low, middle - 1)
    return low
