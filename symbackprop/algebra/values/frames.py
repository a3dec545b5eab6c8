"""Frames: lists of points, each with a value for every index of a formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, compress, pairwise, product
from typing import Any

from symbackprop import limits
from symbackprop.algebra.values.domain import TooLarge
from symbackprop.algebra.values.linear import Form
from symbackprop.notation import tree
from symbackprop.notation.node import Plain


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Frame(Plain):
    """`count` points; `columns[i]` holds the value of index i at each."""

    count: int
    columns: Mapping[str, Sequence[int]]

    @classmethod
    def over(cls, ranges: Mapping[str, range]) -> Frame:
        """Every combination, the last index fastest."""
        points = list(product(*ranges.values()))
        columns = zip(*points, strict=True) if points else ((),) * len(ranges)
        return cls(len(points), dict(zip(ranges, columns, strict=True)))

    def point(self, place: int) -> dict[str, int]:
        """The indices of one point."""
        return {name: column[place] for name, column in self.columns.items()}

    def kept(self, mask: Sequence[bool]) -> Frame:
        """The points where `mask` is true."""
        columns = {name: list(compress(column, mask)) for name, column in self.columns.items()}
        return Frame(sum(mask), columns)

    def narrowed(self, names: Sequence[str]) -> tuple[Frame, list[int]]:
        """The distinct points in some indices only, and which of them each point is."""
        keys = list(zip(*(self.columns[name] for name in names), strict=True))
        found: dict[tuple[int, ...], int] = {}
        where = [found.setdefault(key, len(found)) for key in keys]
        columns = dict(zip(names, zip(*found, strict=True), strict=True))
        return Frame(len(found), columns), where


def said(point: Mapping[str, int]) -> str:
    """`i = 2, j = 3`."""
    return ", ".join(f"{name} = {value}" for name, value in point.items())


def column_of(form: Form, frame: Frame) -> Sequence[Any]:
    """A form at each point: whole numbers where its coefficients are."""
    constant, terms = form.constant, form.coefficients
    if constant.denominator != 1 or any(value.denominator != 1 for value in terms.values()):
        total = [constant] * frame.count
        for name, value in terms.items():
            total = [a + value * b for a, b in zip(total, frame.columns[name], strict=True)]
        return total
    start = constant.numerator
    if not terms:
        return [start] * frame.count
    (name, value), *others = terms.items()
    factor, column = value.numerator, frame.columns[name]
    made = column if factor == 1 and not start else [factor * a + start for a in column]
    for name, value in others:
        factor = value.numerator
        made = [a + factor * b for a, b in zip(made, frame.columns[name], strict=True)]
    return made


def too_many_terms() -> TooLarge:
    """What to raise for a sum, or an array whose entries are sums, beyond `limits.LOOP`."""
    return TooLarge("a sum over indices", "", f"more than {limits.LOOP:,} terms, which is the limit")


def widened(node: tree.Sum, frame: Frame, low: Sequence[int], high: Sequence[int]) -> tuple[Frame, list[int]]:
    """Each point with every value of the index of `node` beside it, and how many those are."""
    widths = [max(0, b - a + 1) for a, b in zip(low, high, strict=True)]
    count = sum(widths)
    if count > limits.LOOP:
        raise too_many_terms()
    columns: dict[str, Sequence[int]] = {}
    for name, column in frame.columns.items():
        if name != node.index:
            columns[name] = [a for a, width in zip(column, widths, strict=True) for _ in range(width)]
    columns[node.index] = [k for a, b in zip(low, high, strict=True) for k in range(a, b + 1)]
    return Frame(count, columns), widths


def added(widths: Sequence[int], counts: Sequence[int]) -> list[int]:
    """`widths` of the terms, added up for each point that has `counts` of them."""
    ends = [0, *accumulate(counts)]
    return [sum(widths[a:b]) for a, b in pairwise(ends)]
