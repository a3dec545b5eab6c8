"""Arrays of floats as JSON, fast: the digits of a whole array at once.

Python writes a float in half a microsecond, so that the 12,480 gradients of a small network take longer to
write than to compute. Here 17 significant digits, which say a binary64 number completely, come from
arithmetic on the whole array: |x| · 10^p in twice the precision, as an integer of 17 digits, and from there
by a table of four digits at a time. A reader gets back exactly the same numbers; tests see to it.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

from symbackprop.algebra.values.floating import np

FEW = 256
"""Entries up to which Python writes them, in as few digits as possible: `0.1`."""

_DIGITS = 17
_RANGE = 250
"""Exponents of ten that the arithmetic below reaches; anything beyond is left to Python."""

_SPLIT = 134217729.0  # 2^27 + 1: halves a number into two of 26 bits each
_LOW, _HIGH = 10 ** (_DIGITS - 1), 10**_DIGITS


def as_json(array: Any) -> str:
    """Numbers, a list or lists of lists; null in the place of what is no finite number."""
    array = array + 0.0  # 0 has no sign on the page
    finite = np.isfinite(array)
    if array.size <= FEW or not finite.all() or not _reachable(array):
        return _plainly(array, finite)
    fields = _fields(array.ravel())
    return _nested(fields.reshape(*array.shape, fields.shape[-1]))


def _plainly(array: Any, finite: Any) -> str:
    """By Python's own hand."""
    if finite.all():
        return repr(array.tolist())
    return repr(np.where(finite, array, np.nan).tolist()).replace("nan", "null")


def _nested(fields: Any) -> str:
    """Rows of bytes, each with a comma at its end, in brackets."""
    if fields.ndim == 2:
        return f"[{fields.tobytes()[:-1].decode('ascii')}]"
    return "[" + ",\n".join(map(_nested, fields)) + "]"


def _reachable(array: Any) -> bool:
    size = np.abs(array)
    small = size[size > 0]
    return not small.size or bool(small.min() > 10.0**-_RANGE and small.max() < 10.0**_RANGE)


# --- digits --------------------------------------------------------------------------------------


def _fields(values: Any) -> Any:
    """Each number as bytes of one length, `-1.2345678901234567e-02,`: one row a number."""
    digits, exponents = _decimal(np.abs(values))
    wide = 3 if np.abs(exponents).max() > 99 else 2
    rows = np.empty((len(values), _DIGITS + wide + 5), dtype=np.uint8)
    rows[:, 0] = np.where(np.signbit(values), ord("-"), ord(" "))
    lead, rest = np.divmod(digits, _LOW)
    rows[:, 1] = lead + ord("0")
    rows[:, 2] = ord(".")
    upper, lower = np.divmod(rest, 10**8)
    table = _four_digits()
    for at, eight in ((3, upper), (11, lower)):
        first, second = np.divmod(eight, 10**4)
        rows[:, at : at + 4] = table[first]
        rows[:, at + 4 : at + 8] = table[second]
    rows[:, 19] = ord("e")
    rows[:, 20] = np.where(exponents < 0, ord("-"), ord("+"))
    rows[:, 21:-1] = table[np.abs(exponents)][:, 4 - wide :]
    rows[:, -1] = ord(",")
    return rows


def _decimal(values: Any) -> tuple[Any, Any]:
    """Integers of 17 digits and exponents: value = digits · 10^(exponent − 16). 0 has digits 0."""
    zero = values == 0
    values = np.where(zero, 1.0, values)
    exponents = np.floor(np.log10(values)).astype(np.int64)
    digits = _scaled(values, exponents)
    low, high = digits < _LOW, digits >= _HIGH
    if low.any() or high.any():  # the logarithm was off by one beside a power of ten
        exponents = exponents - low + high
        digits = _scaled(values, exponents)
        full = digits == _HIGH  # 9.99…96 rounds up to a power of ten
        digits, exponents = np.where(full, _LOW, digits), exponents + full
    return np.where(zero, 0, digits), np.where(zero, 0, exponents)


def _scaled(values: Any, exponents: Any) -> Any:
    """value · 10^(16 − exponent), rounded: the product in two floats, so that 104 bits are right."""
    high, low = _powers()
    place = _DIGITS - 1 - exponents + _OFFSET
    factor = high[place]
    product = values * factor
    a, b = _halves(values), _halves(factor)
    error = ((a[0] * b[0] - product) + a[0] * b[1] + a[1] * b[0]) + a[1] * b[1]
    rest = error + values * low[place]
    # `product` is at least 10^16, where a float is a whole number
    return product.astype(np.int64) + np.rint(rest).astype(np.int64)


def _halves(values: Any) -> tuple[Any, Any]:
    grown = values * _SPLIT
    high = grown - (grown - values)
    return high, values - high


_OFFSET = _RANGE + _DIGITS


@lru_cache(maxsize=1)
def _powers() -> tuple[Any, Any]:
    """Powers of ten as sums of two floats, from 10^−_OFFSET on."""
    exact = [Fraction(10) ** p for p in range(-_OFFSET, _OFFSET + 2)]
    high = [float(one) for one in exact]
    low = [float(one - Fraction(upper)) for one, upper in zip(exact, high, strict=True)]
    return np.array(high), np.array(low)


@lru_cache(maxsize=1)
def _four_digits() -> Any:
    """The ASCII digits of 0 to 9999."""
    places = np.arange(10**4)
    columns = [places // 10**power % 10 for power in (3, 2, 1, 0)]
    return (np.stack(columns, axis=-1) + ord("0")).astype(np.uint8)
