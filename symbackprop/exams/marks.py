"""What each number that is asked is worth.

A part's points go to its numbers in equal shares. A number that must be 0 is worth nothing by itself: who
writes zeros everywhere has shown nothing. That a dead unit passes no gradient is shown once, in dz, where the
zeros are worth something too, but all zeros of an exam together never more than a tenth of its points.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Final

from symbackprop.algebra.values.arrays import Array
from symbackprop.derivation.model import Model
from symbackprop.exams.gates import gated_names
from symbackprop.exams.model import Exam, Part, Sheet, Variant

TRIVIAL: Final = Fraction(1, 10)
"""The most that zeros may be worth, of all points."""

Points = Mapping[tuple[str, str], tuple[Fraction, ...]]
"""By question and part, the points of each number, row by row."""


class Marks:
    """The points of an exam's numbers; which of them are worth something as zeros is found once."""

    def __init__(self, exam: Exam) -> None:
        self.exam = exam
        self._gates = {
            question.id: {"d" + name for name in gated_names(Model.of(question.exercise))}
            for question in exam.questions
        }

    def points(self, variant: Variant) -> Points:
        """The points of every number of a variant; those of a part add up to the part's."""
        asked = list(self._asked(variant))
        alike = [part.points * _zeros(array) / len(array.entries) for part, array, gate in asked if gate]
        total = sum(alike, Fraction(0))
        factor = min(Fraction(1), TRIVIAL * self.exam.points / total) if total else Fraction(0)
        places = [(sheet.question, part.id) for sheet, part in self._parts(variant)]
        return {
            place: _shares(part.points, array, factor if gate else Fraction(0))
            for place, (part, array, gate) in zip(places, asked, strict=True)
        }

    def won_by_zeros(self, variant: Variant) -> Fraction:
        """The share of all points that somebody wins who writes 0 for every number."""
        won = Fraction(0)
        for (sheet, part), shares in zip(self._parts(variant), self.points(variant).values(), strict=True):
            array = sheet.key[part.name]
            won += sum((p for p, value in zip(shares, array.entries, strict=True) if not value), Fraction(0))
        return won / self.exam.points

    def _parts(self, variant: Variant) -> Iterator[tuple[Sheet, Part]]:
        for question, sheet in zip(self.exam.questions, variant.sheets, strict=True):
            for part in question.parts:
                if part.kind == "value":
                    yield sheet, part

    def _asked(self, variant: Variant) -> Iterator[tuple[Part, Array[Fraction], bool]]:
        """Every part that asks for numbers, its key, and whether its zeros show something."""
        for sheet, part in self._parts(variant):
            yield part, sheet.key[part.name], part.name in self._gates[sheet.question]


def _zeros(array: Array[Fraction]) -> int:
    return sum(not value for value in array.entries)


def _shares(points: Fraction, array: Array[Fraction], factor: Fraction) -> tuple[Fraction, ...]:
    """The points of each entry: a zero is worth `factor` of an equal share, the others share the rest."""
    count, zeros = len(array.entries), _zeros(array)
    if zeros == count:
        return (points / count,) * count
    zero = factor * points / count
    other = (points - zeros * zero) / (count - zeros)
    return tuple(other if value else zero for value in array.entries)
