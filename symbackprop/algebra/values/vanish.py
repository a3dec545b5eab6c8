"""When a number of any kind is 0."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symbackprop.algebra.values.poly import Poly


def vanishes(value: Any) -> bool:
    """Whether a number is 0, or a ball so small that holds 0; floats near 0 count."""
    if isinstance(value, Poly):
        return all(vanishes(part) for part in value.terms.values())
    if isinstance(value, float):
        return abs(value) < 1e-9
    if isinstance(value, Fraction | int):
        return value == 0
    return bool(value.contains(0))
