"""Matrix products of exact numbers: over the integers where all is rational, as matrices of balls else.

A product of n×n matrices with `Fraction`s or balls one by one costs n³ objects of Python; here it costs 3 n²
of them. What is rational stays rational, entry by entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Any

from symbackprop.algebra.values.domain import integer_dot

if TYPE_CHECKING:
    from flint import arb

Rows = Sequence[Sequence[Any]]

_COMMON_BITS = 4_096
"""Of a common denominator."""

_LARGE = 30_000
"""Products of two numbers from which on flint is worth being loaded for whole ones."""


def rational(rows: Rows, columns: Rows) -> list[Any] | None:
    """The products of all rows with all columns, row-major; None if an entry is not rational."""
    left, right = _integers(rows), _integers(columns)
    if left is None or right is None:
        return None
    below = left[1] * right[1]
    return [Fraction(total, below) for total in _whole(left[0], right[0])]


def _whole(rows: Sequence[Sequence[int]], columns: Sequence[Sequence[int]]) -> list[int]:
    if not rows or not columns or len(rows) * len(columns) * len(rows[0]) < _LARGE:
        return [integer_dot(row, column) for row in rows for column in columns]
    from flint import fmpz_mat

    left = fmpz_mat(len(rows), len(rows[0]), [entry for row in rows for entry in row])
    flipped = [entry for line in zip(*columns, strict=True) for entry in line]
    product = left * fmpz_mat(len(columns[0]), len(columns), flipped)
    return [int(entry) for entry in product.entries()]


def _integers(rows: Rows) -> tuple[list[list[int]], int] | None:
    """The rows times their common denominator, and that; None if an entry is not rational."""
    below = 1
    for row in rows:
        for a in row:
            if type(a) is not Fraction:
                return None
            if below % a.denominator:
                below = lcm(below, a.denominator)
        if below.bit_length() > _COMMON_BITS:
            return None
    if below == 1:
        return [[a.numerator for a in row] for row in rows], 1
    return [[a.numerator * (below // a.denominator) for a in row] for row in rows], below


def mixed(rows: Rows, columns: Rows, balls: tuple[Rows, Rows]) -> list[Any]:
    """The same with balls among the entries; `balls` are the rows and columns with a ball for every entry.

    The entry of a row and a column is a ball where a ball meets anything but an exact 0. The precision of
    flint is the caller's.
    """
    from flint import arb_mat

    left = arb_mat(len(rows), len(rows[0]), [entry for row in balls[0] for entry in row])
    flipped = [entry for line in zip(*balls[1], strict=True) for entry in line]
    found: list[arb] = (left * arb_mat(len(columns[0]), len(columns), flipped)).entries()
    ours, theirs = [_masks(row) for row in rows], [_masks(column) for column in columns]
    done: list[Any] = []
    for row, (present, irrational) in zip(rows, ours, strict=True):
        for column, (other_present, other_irrational) in zip(columns, theirs, strict=True):
            if irrational & other_present or present & other_irrational:
                done.append(found[len(done)])
            else:
                done.append(_rational_dot(row, column))
    return done


def _rational_dot(row: Sequence[Any], column: Sequence[Any]) -> Fraction:
    """A product in which balls meet nothing but the number 0."""
    pairs = zip(row, column, strict=True)
    return sum((a * b for a, b in pairs if type(a) is Fraction and type(b) is Fraction), Fraction(0))


def _masks(entries: Sequence[Any]) -> tuple[int, int]:
    """A bit for each entry: that it is not the number 0, and that it is a ball."""
    present = "".join("0" if entry == 0 and type(entry) is Fraction else "1" for entry in entries)
    irrational = "".join("0" if type(entry) is Fraction else "1" for entry in entries)
    return int(present or "0", 2), int(irrational or "0", 2)
