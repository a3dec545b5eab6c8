"""Correctly rounded decimals, and exact numbers as a teacher writes them.

How a number is shown, first rule that fits:
1. a decimal that ends within 6 places (or the digits asked for, if more): as it is, `=`;
2. a fraction whose denominator is at most 1000: as a fraction, `=`;
3. an exact decimal of at most 6 significant digits: `3.2 · 10^-7`, `=`;
4. rounded to the digits asked for, all of them kept (`0.2350`), `≈`; where that would leave nothing but
   zeros, or the number is 10^12 or more, as `1.2346 · 10^-7` with that many digits after the point.

Halves are rounded away from zero, as at school. A ball is rounded only when both its ends round to the
same; until then more bits are asked for, up to `limits.PRECISION_BITS`. A number that all these bits
cannot tell from 0 is shown as `0.0000`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from symbackprop import limits
from symbackprop.algebra.values import poly
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import NotCertified, Undecided
from symbackprop.algebra.values.exact import START_BITS, Value, bounds
from symbackprop.algebra.values.poly import Poly
from symbackprop.notation.tree import Neg, Node, Number, Power, Product, Quotient

PLAIN_DECIMALS = 6  # places of an exact decimal that are always shown
FRACTION_BELOW = 1_000  # the largest denominator shown
LARGE = 12  # digits before the point of a rounded number, before a power of ten is used

_NOTHING = Fraction(1, 1 << limits.PRECISION_BITS // 2)
"""What cannot be told from 0 and is smaller than this is shown as 0."""

Again = Callable[[int], Any]
"""The same quantity computed with more bits."""


@dataclass(frozen=True, slots=True)
class Decimal:
    """`sign` · `digits` · 10^`exponent`, where `digits` is text such as `0.2350`."""

    negative: bool
    digits: str
    exponent: int = 0
    exact: bool = True

    @property
    def text(self) -> str:
        """`-0.2350`, `3.2000e-7`."""
        power = f"e{self.exponent}" if self.exponent else ""
        return ("-" if self.negative else "") + self.digits + power

    @property
    def value(self) -> Fraction:
        """The number that is shown."""
        size = Fraction(self.digits) * Fraction(10) ** self.exponent
        return -size if self.negative else size

    def node(self) -> Node:
        """A Number, times a power of ten where there is one, under a Neg where negative."""
        made: Node = Number(Fraction(self.digits), self.digits, self.exact)
        if self.exponent:
            power = Power(Number(Fraction(10)), _integer(self.exponent))
            made = Product((made, power), ("cdot",))
        return Neg(made) if self.negative else made


# --- any value -----------------------------------------------------------------------------


def to_tree(value: Value, digits: int = 4, again: Again | None = None) -> tuple[Node, bool]:
    """The node that shows `value`, and whether it is exact (`=`, not `≈`).

    `again(bits)` computes the same value with more bits. Without it a ball that is too wide raises Undecided,
    as the caller of `exact.settled` wants; with it NotCertified where no precision settles a digit.
    """
    if isinstance(value, Poly):
        return _poly_tree(value, digits, again)
    if type(value) is Fraction:
        shown = exactly(value, digits)
        if shown is None and _is_short_fraction(value):
            return _fraction(value), True
        shown = shown or _exact_scientific(value)
        if shown is not None:
            return shown.node(), True
    made = rounded(value, digits, again)
    return made.node(), made.exact


def to_text(value: Value, digits: int = 4, again: Again | None = None) -> tuple[str, bool]:
    """A decimal as plain text (`-0.2350`, `3.2000e-7`) and whether it is exact. Symbolic for a polynomial."""
    if type(value) is Fraction:
        shown = exactly(value, digits) or _exact_scientific(value)
        if shown is not None:
            return shown.text, True
    made = rounded(value, digits, again)
    return made.text, made.exact


def entries_to_trees(
    array: Array[Value], digits: int = 4, again: Callable[[int], Array[Value]] | None = None
) -> Array[tuple[Node, bool]]:
    """`to_tree` for every entry; `again` computes the whole array and is called once for each precision."""
    return Array(array.shape, tuple(_each(array, digits, again, to_tree)))


def _each(
    array: Array[Value],
    digits: int,
    again: Callable[[int], Array[Value]] | None,
    show: Callable[[Value, int, Again | None], Any],
) -> Iterator[Any]:
    if again is None:
        yield from (show(value, digits, None) for value in array.entries)
        return
    kept = cache(again)
    for place, value in enumerate(array.entries):
        yield show(value, digits, _Entry(kept, place))


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of an array that can be computed with more bits."""

    again: Callable[[int], Array[Value]]
    place: int

    def __call__(self, bits: int) -> Value:
        return self.again(bits).entries[self.place]


def _poly_tree(value: Poly, digits: int, again: Again | None) -> tuple[Node, bool]:
    exact = True

    def coefficient(monomial: poly.Monomial, number: Any) -> Node:
        nonlocal exact
        deeper = None if again is None else lambda bits: again(bits).terms[monomial]
        node, certain = to_tree(number, digits, deeper)
        exact = exact and certain
        return node

    return poly.to_tree(value, coefficient), exact


# --- exact numbers -------------------------------------------------------------------------


def exactly(value: Fraction, digits: int = 4) -> Decimal | None:
    """An integer, or a decimal that ends within max(6, digits) places; otherwise None."""
    if _too_long(value):
        return None
    places = decimal_places(value)
    if places is None or places > max(PLAIN_DECIMALS, digits):
        return None
    return Decimal(value < 0, _fixed(abs(value), places))


def decimal_places(value: Fraction) -> int | None:
    """How many decimals `value` has; None if they never end."""
    below, twos, fives = value.denominator, 0, 0
    while below % 2 == 0:
        below, twos = below // 2, twos + 1
    while below % 5 == 0:
        below, fives = below // 5, fives + 1
    return max(twos, fives) if below == 1 else None


def _exact_scientific(value: Fraction) -> Decimal | None:
    """An ending decimal of few significant digits, however small."""
    places = None if _too_long(value) else decimal_places(value)
    if places is None or not value:
        return None
    exponent = _magnitude(abs(value))
    mantissa = abs(value) / Fraction(10) ** exponent
    length = decimal_places(mantissa) or 0
    return Decimal(value < 0, _fixed(mantissa, length), exponent) if length < PLAIN_DECIMALS else None


def _is_short_fraction(value: Fraction) -> bool:
    return value.denominator <= FRACTION_BELOW and not _too_long(value)


def _too_long(value: Fraction) -> bool:
    most = limits.ANSWER_DIGITS * 3  # bits; more are over ANSWER_DIGITS · 0.9 digits
    return max(value.numerator.bit_length(), value.denominator.bit_length()) > most


def _fraction(value: Fraction) -> Node:
    made = Quotient(Number(Fraction(abs(value.numerator))), Number(Fraction(value.denominator)))
    return Neg(made) if value < 0 else made


def _integer(value: int) -> Node:
    return Neg(Number(Fraction(-value))) if value < 0 else Number(Fraction(value))


# --- rounding ------------------------------------------------------------------------------


def rounded(value: Value, digits: int = 4, again: Again | None = None) -> Decimal:
    """`value` to `digits` decimals, or with a power of ten where rule 4 says so.

    Raises NotCertified where no precision allowed by the limits settles a digit (Undecided without
    `again`), ValueError for more digits than `limits.DIGITS_ASKED`, Symbolic for a polynomial.
    """
    if not 0 <= digits <= limits.DIGITS_ASKED:
        raise ValueError(f"between 0 and {limits.DIGITS_ASKED} digits, not {digits}")
    bits = START_BITS
    while True:
        low, high = bounds(value)
        made = {_rounded(low, digits), _rounded(high, digits)}
        if len(made) == 1 and (low == high or low > 0 or high < 0):
            return made.pop()
        if again is None or bits >= limits.PRECISION_BITS:
            return _last_resort(low, high, digits, NotCertified if again else Undecided)
        bits = min(2 * bits, limits.PRECISION_BITS)
        try:
            value = again(bits)
        except Undecided as problem:
            if bits >= limits.PRECISION_BITS:
                raise NotCertified(f"{problem}, even with {bits} bits") from problem


def _last_resort(low: Fraction, high: Fraction, digits: int, error: type[ArithmeticError]) -> Decimal:
    if max(abs(low), abs(high)) < min(_NOTHING, Fraction(1, 2 * 10**digits)):
        return Decimal(False, _fixed(Fraction(0), digits), exact=False)
    raise error(f"{digits} decimals are not certain")


def _rounded(value: Fraction, digits: int) -> Decimal:
    size = abs(value)
    if not size:
        return Decimal(False, _fixed(size, digits), exact=False)
    if Fraction(1, 2 * 10**digits) <= size < 10**LARGE:
        return Decimal(value < 0, _fixed(_half_up(size, digits), digits), exact=False)
    exponent = _magnitude(size)
    mantissa = _half_up(size / Fraction(10) ** exponent, digits)
    if mantissa == 10:  # 9.99996 rounds up to the next power of ten
        mantissa, exponent = Fraction(1), exponent + 1
    return Decimal(value < 0, _fixed(mantissa, digits), exponent, exact=False)


def fixed(value: Fraction, places: int) -> str:
    """Rounded, with all its places and never a power of ten: `-0.50`."""
    size = _half_up(abs(value), places)
    return ("-" if value < 0 and size else "") + _fixed(size, places)


def _half_up(size: Fraction, digits: int) -> Fraction:
    """`size` ≥ 0 to `digits` decimals, halves upwards."""
    unit = 10**digits
    return Fraction((2 * size.numerator * unit + size.denominator) // (2 * size.denominator), unit)


def _fixed(size: Fraction, places: int) -> str:
    """`size` ≥ 0, a multiple of 10^-places, as text with that many decimals."""
    whole = str(size.numerator * 10**places // size.denominator)
    if not places:
        return whole
    whole = whole.rjust(places + 1, "0")
    return f"{whole[:-places]}.{whole[-places:]}"


def _magnitude(size: Fraction) -> int:
    """The e with 10^e ≤ size < 10^(e+1)."""
    bits = size.numerator.bit_length() - size.denominator.bit_length()
    guess = (bits - 1) * 30103 // 100000 - 1
    while Fraction(10) ** (guess + 1) <= size:
        guess += 1
    while Fraction(10) ** guess > size:
        guess -= 1
    return guess
