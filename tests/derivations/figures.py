"""Numbers as people write them: exact where that is short, else rounded, and slips in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor, prod
from random import Random
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.notation.tree import Node

from .facts import middle


@dataclass(frozen=True, slots=True)
class Figure:
    """A written number: the value of its digits, and how many decimals it has (None: a fraction)."""

    value: Fraction
    places: int | None

    @property
    def unit(self) -> Fraction:
        """One unit of its last digit; 0 where it is a fraction."""
        return Fraction(0) if self.places is None else Fraction(1, 10**self.places)

    def text(self) -> str:
        """Without a sign, with a point; of a fraction `above/below`."""
        size = abs(self.value)
        if self.places is None:
            return f"{size.numerator}/{size.denominator}"
        whole, rest = divmod(size * 10**self.places, 10**self.places)
        return f"{whole}.{int(rest):0{self.places}d}" if self.places else f"{whole}"


@dataclass(frozen=True, slots=True)
class Figures:
    """A written array. `exact`: no entry is rounded."""

    shape: tuple[int, ...]
    entries: tuple[Figure, ...]
    exact: bool

    @property
    def array(self) -> Array[Fraction]:
        """The values of the digits."""
        return Array(self.shape, tuple(figure.value for figure in self.entries))

    @property
    def unit(self) -> Fraction:
        """The coarsest unit of the last digit."""
        return max(figure.unit for figure in self.entries)


@dataclass(frozen=True, slots=True)
class Value(Node):
    """A written array inside a formula: a vector as a `row`, or as a column that must be seen as one."""

    figures: Figures
    row: bool = False
    tall: bool = False


def decimals(value: Fraction) -> int | None:
    """How many decimals a fraction has; None if they never end."""
    below, twos, fives = value.denominator, 0, 0
    while below % 2 == 0:
        below, twos = below // 2, twos + 1
    while below % 5 == 0:
        below, fives = below // 5, fives + 1
    return max(twos, fives) if below == 1 else None


def rounded(value: Fraction, places: int) -> Figure:
    """To so many decimals, half away from zero."""
    size = floor(abs(value) * 10**places + Fraction(1, 2))
    return Figure(Fraction(size if value >= 0 else -size, 10**places), places)


def figures(array: Array[Any], digits: int, *, fractions: bool = True) -> Figures:
    """An array of exact numbers or balls, written: exact where every entry is short, else rounded alike."""
    exact = [entry for entry in array.entries if isinstance(entry, Fraction)]
    if len(exact) == len(array.entries):
        short = [decimals(entry) for entry in exact]
        if all(one is not None and one <= max(digits, 3) for one in short):
            made = tuple(Figure(v, p) for v, p in zip(exact, short, strict=True))
            return Figures(array.shape, made, True)
        if fractions and all(entry.denominator <= 12 for entry in exact):
            made = tuple(Figure(v, 0 if v.denominator == 1 else None) for v in exact)
            return Figures(array.shape, made, True)
    values = [middle(entry) for entry in array.entries]
    places = digits + _leading_zeros(max(map(abs, values)))
    made = tuple(rounded(value, places) for value in values)
    return Figures(array.shape, made, all(f.value == v for f, v in zip(made, values, strict=True)))


def _leading_zeros(size: Fraction) -> int:
    """Of 0.00044: 3."""
    count = 0
    while size and size < Fraction(1, 10) and count < 8:
        size, count = size * 10, count + 1
    return count


def near(one: Figures, value: Array[Any], units: Fraction | int) -> bool:
    """Whether every entry is within so many units of its last digit."""
    if prod(one.shape) != len(value.entries):
        return False
    pairs = zip(one.entries, value.entries, strict=True)
    return all(abs(figure.value - middle(entry)) <= units * figure.unit for figure, entry in pairs)


# --- slips ---------------------------------------------------------------------------------


def slipped(right: Figures, rng: Random) -> Figures | None:
    """One entry off by far more than its rounding, as arithmetic goes wrong."""
    at = rng.randrange(len(right.entries))
    old = right.entries[at]
    if old.places is None:
        return None
    step = max(old.unit * 3, Fraction(1))
    if old.places:
        step = old.unit * rng.choice((7, 9, 10, 20, 100))
        noise = abs(old.value) / 20  # what rounded numbers before it may make of it
        step = max(step, old.unit * (noise // old.unit))
    new = old.value + rng.choice((-1, 1)) * step * rng.choice((1, 1, 2))
    if new in (0, -old.value) or (old.value and abs(new) == abs(old.value)):
        return None
    return _with(right, at, Figure(new, old.places))


def sign_lost(right: Figures, rng: Random) -> Figures | None:
    """One entry of several with the other sign."""
    places = [at for at, figure in enumerate(right.entries) if figure.value]
    if len(right.entries) < 2 or not places:
        return None
    at = rng.choice(places)
    return _with(right, at, Figure(-right.entries[at].value, right.entries[at].places))


def _with(all_of_them: Figures, at: int, new: Figure) -> Figures:
    entries: Sequence[Figure] = all_of_them.entries
    return Figures(all_of_them.shape, (*entries[:at], new, *entries[at + 1 :]), all_of_them.exact)
