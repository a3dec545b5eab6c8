"""Values of an exercise: exact numbers, vectors and matrices."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from symbackprop import limits
from symbackprop.algebra.values.arrays import Array
from symbackprop.exercise.faults import Collected, Path, shortened
from symbackprop.exercise.source import Written
from symbackprop.notation.node import Plain
from symbackprop.notation.shapes import MOST_AXES

_PART = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_NUMBER = re.compile(rf"\s*([+-]?)\s*({_PART})\s*(?:/\s*({_PART})\s*)?")
_LISTED = 12  # bad entries of one array; a wrong file need not be listed whole
_ALIKE = {
    "row": "Every row of a matrix has the same number of entries.",
    "part": "All parts of an array have the same number of entries.",
}
_MAX_BITS = int(limits.DIGITS * math.log2(10)) + 1


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Elsewhere(Plain):
    """A value whose numbers are kept apart, as floats: an exercise is built from its shape alone."""

    shape: tuple[int, ...]


class ValueFault(ValueError):
    """A value that cannot be used: `message` and `suggestion`; `more` are other faults of the same array."""

    def __init__(self, message: str, suggestion: str = "", more: Sequence[ValueFault] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion
        self.more = tuple(more)


def exact_number(raw: Any) -> Fraction:
    """The exact number that `raw` writes: an integer, a decimal, or text such as "1/3" or "1e-3".

    A Python float is taken for the decimal it is printed as: 0.1 is 1/10. Raises ValueFault.
    """
    if isinstance(raw, bool):
        raise ValueFault(f"{str(raw).lower()} is not a number", "Write 1 or 0.")
    if isinstance(raw, int):
        return _limited(raw)
    if isinstance(raw, Fraction):
        return Fraction(_limited(raw.numerator), _limited(raw.denominator))
    if isinstance(raw, float | Decimal):
        raw = repr(float(raw)) if isinstance(raw, float) else str(raw)
    if isinstance(raw, str):
        return _number_in(raw)
    kind = "a table" if isinstance(raw, dict) else f"a {type(raw).__name__}"
    raise ValueFault(
        f"{shortened(str(raw)) if not isinstance(raw, dict) else 'this'} is {kind}, not a number"
    )


def _limited(value: int) -> Fraction:
    if value.bit_length() > _MAX_BITS:
        raise ValueFault(f"this number has more than {limits.DIGITS:,} digits, which is the limit")
    return Fraction(value)


def _number_in(text: str) -> Fraction:
    plain = text.replace("−", "-").strip()
    if isinstance(text, Written):
        plain = plain.replace("_", "")
    if plain.lstrip("+-").lower() in {"inf", "infinity", "nan", "snan"}:
        raise ValueFault(f"{shortened(text)} is not a number that can be used", "Values are finite.")
    if len(plain) > 3 * limits.DIGITS:
        raise ValueFault(f"this number has more than {limits.DIGITS:,} digits, which is the limit")
    found = _NUMBER.fullmatch(plain)
    if found is None:
        comma = re.fullmatch(r"[+-]?[0-9]+,[0-9]+", plain)
        advice = (
            f"Write {plain.replace(',', '.')}." if comma else 'Numbers are written 2, 0.5, "1/3" or "1e-3".'
        )
        raise ValueFault(f"“{shortened(text, 40)}” is not a number", advice)
    sign, above, below = found.groups()
    bottom = _decimal(below) if below else Fraction(1)
    if bottom == 0:
        raise ValueFault(f"{shortened(text)} divides by zero")
    return (-1 if sign == "-" else 1) * _decimal(above) / bottom


def _decimal(text: str) -> Fraction:
    """The exact value of digits with perhaps a point and an exponent, limits checked first."""
    mantissa, _, exponent = text.lower().partition("e")
    if sum(c.isdigit() for c in mantissa) > limits.DIGITS:
        raise ValueFault(f"this number has more than {limits.DIGITS:,} digits, which is the limit")
    digits = exponent.lstrip("+-0")
    if len(digits) > 6 or int(digits or "0") > limits.EXPONENT:
        raise ValueFault(f"the power of ten {shortened(exponent, 20)} is over the limit of {limits.EXPONENT}")
    return Fraction(text)


def number_at(raw: Any, path: Path, collected: Collected) -> Fraction | None:
    """An exact number; None, and a fault, for anything else."""
    try:
        return exact_number(raw)
    except ValueFault as fault:
        collected.add(path, fault.message, fault.suggestion)
        return None


def exact_array(raw: Any) -> Array[Fraction]:
    """A number, a flat list (a vector), a list of rows (a matrix), or up to four lists in one another.

    Raises ValueFault.
    """
    if isinstance(raw, Elsewhere):
        return Array(raw.shape, (None,) * math.prod(raw.shape))  # type: ignore[arg-type]  # see `known_values`
    if not isinstance(raw, list | tuple):
        return Array.scalar(exact_number(raw))
    if not raw:
        raise ValueFault(
            "the list is empty, and size 0 is not a size", "Leave the value out to keep it a symbol."
        )
    nested = [isinstance(row, list | tuple) for row in raw]
    if not any(nested):
        _check_size(len(raw), "entries")
        return Array((len(raw),), _entries((f"entry {at}", entry) for at, entry in enumerate(raw, 1)))
    if not all(nested):
        raise ValueFault(
            "numbers and rows stand side by side", "A vector is [1, 2], a matrix [[1, 2], [3, 4]]."
        )
    shape = _shape(raw)
    names = ("row", "entry") if len(shape) == 2 else (*("part",) * (len(shape) - 1), "entry")
    return Array(shape, _entries(_placed(raw, names, (), len(shape))))


def _shape(raw: Sequence[Any]) -> tuple[int, ...]:
    """The shape of nested lists, each as long as its neighbours. Raises ValueFault."""
    sizes: list[int] = []
    level: list[Any] = list(raw)
    sizes.append(len(raw))
    while all(isinstance(part, list | tuple) for part in level):
        if len(sizes) == MOST_AXES:
            raise ValueFault(f"brackets nest at most {MOST_AXES} deep, one for each axis")
        what = "row" if len(sizes) == 1 else "part"
        width = len(level[0])
        for at, part in enumerate(level, 1):
            if len(part) != width:
                lengths = f"{what} 1 has {width}, {what} {at} has {len(part)}"
                raise ValueFault(f"the {what}s have different lengths: {lengths}", _ALIKE[what])
        if width == 0:
            raise ValueFault(f"{what} 1 is empty, and size 0 is not a size")
        sizes.append(width)
        if math.prod(sizes) > limits.ENTRIES:
            what = "matrix" if len(sizes) == 2 else "array"
            raise ValueFault(f"the {what} has more than {limits.ENTRIES:,} entries, which is the limit")
        level = [entry for part in level for entry in part]
    for size, what in zip(sizes, ("rows", "columns", "entries", "entries"), strict=False):
        _check_size(size, what)
    return tuple(sizes)


def _placed(
    raw: Sequence[Any], names: Sequence[str], place: tuple[str, ...], depth: int
) -> Iterator[tuple[str, Any]]:
    """The entries of nested lists with the place of each: `row 1, entry 2`."""
    for at, part in enumerate(raw, 1):
        here = (*place, f"{names[len(place)]} {at}")
        if len(here) == depth:
            yield ", ".join(here), part
        else:
            yield from _placed(part, names, here, depth)


def _entries(placed: Iterable[tuple[str, Any]]) -> tuple[Fraction, ...]:
    """The numbers of an array. Raises ValueFault with the first bad entries, all at once."""
    numbers: list[Fraction] = []
    faults: list[ValueFault] = []
    for place, raw in placed:
        try:
            numbers.append(_entry(raw, place))
        except ValueFault as fault:
            faults.append(fault)
            if len(faults) == _LISTED:
                break
    if faults:
        first, *rest = faults
        raise ValueFault(first.message, first.suggestion, rest)
    return tuple(numbers)


def _entry(raw: Any, place: str) -> Fraction:
    if isinstance(raw, list | tuple):
        raise ValueFault(f"{place} is a list, and others beside it are numbers")
    try:
        return exact_number(raw)
    except ValueFault as fault:
        raise ValueFault(f"{place}: {fault.message}", fault.suggestion) from None


def _check_size(size: int, what: str) -> None:
    if size > limits.SIZE:
        raise ValueFault(f"there are {size:,} {what}; the limit is {limits.SIZE:,}")


def known_values(values: Mapping[str, Array[Fraction]]) -> dict[str, Array[Fraction]]:
    """The values but for those that are kept elsewhere."""
    return {name: value for name, value in values.items() if value.entries[0] is not None}


def as_written(array: Array[Fraction]) -> str:
    """An array as an exercise file writes it: `[[4, 2, -5]]`."""

    def entry(value: Fraction | None) -> str:
        if value is None:  # a number that is kept elsewhere
            return "…"
        return str(value) if value.denominator == 1 else f'"{value}"'

    def listed(parts: Iterable[str]) -> str:
        return "[" + ", ".join(parts) + "]"

    written = list(map(entry, array.entries))
    for size in reversed(array.shape):
        written = [listed(written[at : at + size]) for at in range(0, len(written), size)]
    return written[0]
