"""exp and log modulo a prime: pseudo-random, yet with exp(a + b) = exp(a) exp(b) where it matters.

No homomorphism from the sums to the products modulo p exists. Formulas only need one on the few arguments
that they hold: a table knows each argument seen, with its small rational multiples, as a product of powers
of roots; a new argument that is a sum or a difference of known ones gets the product, any other a new root.
"""

from collections.abc import Callable
from functools import cache
from math import gcd, lcm

from symbackprop.algebra.values.domain import Redraw

_ROOT = lcm(*range(1, 9))
_SUMS_TRIED = 96  # new arguments are compared with the sums of this many earlier ones
_CONSTANT = 1 << 24  # over 840: the largest rational taken for a constant and not for a random point

_RATIOS = tuple(
    (sign * top, below)
    for below in range(1, 9)
    for top in range(1, 9)
    if gcd(top, below) == 1
    for sign in (1, -1)
)
_PARTS = ((1, 1), (-1, 1), (2, 1), (-2, 1), (1, 2), (-1, 2))

Powers = dict[int, int]
"""Root -> power; their product is the value. Roots of order lcm(1..8) allow fractions of arguments."""


class Exponentials:
    """`random(*key)` gives the pseudo-random element that belongs to a key."""

    def __init__(self, modulus: int, random: Callable[..., int]) -> None:
        self.modulus = modulus
        self._random = random
        self._table: dict[int, Powers] = {}
        self._parts: list[int] = []
        self._logs: dict[int, int] = {1: 0}

    def exp(self, a: int) -> int:
        """exp(0) = 1; always a square, and so positive."""
        powers = self._constant(a) or self._table.get(a) or self._sum(a) or self._new(a)
        value = 1
        for root, power in powers.items():
            value = value * pow(root, power, self.modulus) % self.modulus
        self._logs.setdefault(value, a)
        return value

    def log(self, a: int) -> int:
        """The inverse of what `exp` gave, else drawn; log(1/a) = −log(a). Raises Redraw for 0."""
        if a == 0:
            raise Redraw("log of 0")
        if a not in self._logs:
            inverse = pow(a, -1, self.modulus)
            drawn = self._random("log", min(a, inverse))
            self._logs[a] = drawn if a <= inverse else self.modulus - drawn
            self._logs[inverse] = self.modulus - self._logs[a]
            self._remember(self._logs[a], {a: 1})
        return self._logs[a]

    def _constant(self, a: int) -> Powers | None:
        """exp(9) is exp(1)^9, though 9 is no multiple in the table."""
        times = a * _ROOT % self.modulus
        times = times if times <= _CONSTANT else times - self.modulus
        return {self._random("e"): times} if times >= -_CONSTANT else None

    def _sum(self, a: int) -> Powers | None:
        if len(self._parts) > _SUMS_TRIED * len(_PARTS):
            return None
        for part in self._parts:
            rest = (a - part) % self.modulus
            other = self._table.get(rest) or self._constant(rest)
            if other is not None:
                powers = dict(self._table[part])
                for root, power in other.items():
                    powers[root] = powers.get(root, 0) + power
                self._remember(a, powers)
                return powers
        return None

    def _new(self, a: int) -> Powers:
        # Of ±a the smaller is the one drawn: the same value whichever comes first.
        first = min(a, self.modulus - a)
        self._remember(first, {self._random("exp", first): _ROOT})
        return self._table[a]

    def _remember(self, a: int, powers: Powers) -> None:
        """`a` and those of its multiples whose powers are whole."""
        common = gcd(*powers.values())
        for (top, below), factor in _residues(self.modulus).items():
            if common * top % below == 0:
                multiple = factor * a % self.modulus
                if multiple not in self._table:
                    self._table[multiple] = {root: power * top // below for root, power in powers.items()}
                    if (top, below) in _PARTS:
                        self._parts.append(multiple)


@cache
def _residues(modulus: int) -> dict[tuple[int, int], int]:
    """The small rationals modulo p."""
    return {(top, below): top * pow(below, -1, modulus) % modulus for top, below in _RATIOS}
