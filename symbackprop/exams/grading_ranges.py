"""Numbers of which only an interval is known: what a rounded number may have been."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NoReturn

from symbackprop.algebra.values.domain import Domain, DomainProblem, Symbolic, Undecided

Range = tuple[Fraction, Fraction]
"""The lowest and the highest number."""


class Ranges(Domain[Range]):
    """Exact intervals: what comes out of any numbers of some intervals lies in that of the result."""

    zero = (Fraction(0), Fraction(0))
    one = (Fraction(1), Fraction(1))

    def from_fraction(self, value: Fraction) -> Range:
        return value, value

    def add(self, a: Range, b: Range) -> Range:
        return a[0] + b[0], a[1] + b[1]

    def sub(self, a: Range, b: Range) -> Range:
        return a[0] - b[1], a[1] - b[0]

    def neg(self, a: Range) -> Range:
        return -a[1], -a[0]

    def mul(self, a: Range, b: Range) -> Range:
        ends = [one * two for one in a for two in b]
        return min(ends), max(ends)

    def div(self, a: Range, b: Range) -> Range:
        if b == self.zero:
            raise DomainProblem("/", "0")
        if b[0] <= 0 <= b[1]:
            raise Undecided("a division by what may be 0")
        return self.mul(a, (1 / b[1], 1 / b[0]))

    def power(self, a: Range, exponent: Fraction) -> Range:
        if exponent.denominator != 1:
            raise Symbolic("a root of an interval")
        whole = exponent.numerator
        if whole < 0:
            return self.div(self.one, self.power(a, Fraction(-whole)))
        ends = [Fraction(end**whole) for end in a]
        low = Fraction(0) if whole and not whole % 2 and a[0] <= 0 <= a[1] else min(ends)
        return low, max(ends)

    def atom(self, name: str, a: Range) -> NoReturn:
        raise Symbolic(f"{name} of an interval")

    def pi(self) -> NoReturn:
        raise Symbolic("an interval round pi")

    def sign(self, a: Range) -> int:
        if a[0] > 0 or a[1] < 0:
            return 1 if a[0] > 0 else -1
        if a == self.zero:
            return 0
        raise Undecided("the sign of an interval round 0")

    def is_zero(self, a: Range) -> bool:
        return a == self.zero

    def rational(self, a: Range) -> Fraction | None:
        return a[0] if a[0] == a[1] else None

    def generic(self, name: str, orders: tuple[int, ...], args: Sequence[Range]) -> NoReturn:
        raise Symbolic(f"{name} has no formula")
