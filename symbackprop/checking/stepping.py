"""Steps of descent in numbers, `b ← 7.4`: by which rates they may have gone, to the digits written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, Literal

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Domain
from symbackprop.algebra.values.exact import bounds

Way = Literal["down", "up", "off", "any", "none"]
"""Down the gradient, up it, or down by another rate than the text says; "any" where the gradient is 0; "none"
is no multiple of it."""

NEARLY = Fraction(1, 100)
"""How far off a rate may be, where the gradient in it was rounded."""


def way_of_numbers(
    domain: Domain[Any], old: Array[Any], new: Array[Any], slope: Array[Any], off: Sequence[Fraction],
    stated: Sequence[Fraction],
) -> Way:  # fmt: skip
    """Which way written numbers go: by one rate for all entries, one of those `stated` if there are any.

    `off` is half a unit of the last digit of each entry.
    """
    if len(old.entries) != len(new.entries) or len(off) != len(new.entries):
        return "none"
    found = list(_rates(domain, old, new, slope, off))
    if None in found:
        return "none"
    ranges = [one for one in found if one is not None]
    if not ranges:
        return "any"
    low, high = max(one[0] for one in ranges), min(one[1] for one in ranges)
    if low > high:
        return "none"
    if high <= 0:
        return "up"
    return "down" if not stated or any(low <= rate <= high for rate in stated) else "off"


def _rates(
    domain: Domain[Any], old: Array[Any], new: Array[Any], slope: Array[Any], off: Sequence[Fraction]
) -> Iterator[tuple[Fraction, Fraction] | None]:
    """For each entry the rates that it may have gone by; None for one that moves without a slope."""
    for before, after, steep, half in zip(old.entries, new.entries, slope.entries, off, strict=True):
        low, high = bounds(domain.sub(before, after))
        low, high = low - half, high + half
        least, most = bounds(steep)
        if least <= 0 <= most:
            if not low <= 0 <= high:
                yield None
            continue
        middle = (least + most) / 2
        ends = sorted((low / middle, high / middle))
        slack = NEARLY * max(map(abs, ends))
        yield ends[0] - slack, ends[1] + slack
