"""What each number that is asked is worth.

A part's points go to its numbers in equal shares. A number that must be 0 is worth nothing by itself: who
writes zeros everywhere has shown nothing. That a dead unit passes no gradient is shown once, in dz, where the
zeros are worth something too, but all zeros of a question together never more than a tenth of what its
numbers are worth. Only a part that asks for nothing but zeros is worth its points; a rule keeps it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from symbackprop.algebra.values.arrays import Array
from symbackprop.derivation.model import Model
from symbackprop.exams.gates import gated_names
from symbackprop.exams.model import Exam, Part, Sheet, Variant

TRIVIAL: Final = Fraction(1, 10)
"""The most that zeros may be worth, of the points of a question's numbers."""

Points = Mapping[tuple[str, str], tuple[Fraction, ...]]
"""By question and part, the points of each number, row by row."""


def loss(points: Fraction, count: int, worth: Fraction = Fraction(0)) -> Fraction:
    """What a number other than 0 where a 0 must be takes away of what the others of its part earn.

    `points` are the part's, `count` its numbers, `worth` what the 0 itself would have earned there: with what
    is not earned, such a number costs an equal share of the part in all. A part never has less than 0.
    """
    return max(Fraction(0), points / count - worth)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundShares:
    """What a mistake that is to be found is worth: the `line` that is wrong, the `reason`, and the line as it
    should be (`right`). They add up to the part's points."""

    line: Fraction
    reason: Fraction
    right: Fraction


def found_shares(points: Fraction, method: Fraction) -> FoundShares:
    """How the `points` of a mistake to be found are shared out; `method` is the exam's share of a method.

    The line and the reason have half of the method each, the right line the rest. Who writes the right line
    has shown the reason.
    """
    half = points * method / 2
    return FoundShares(line=half, reason=half, right=points - 2 * half)


def whole_share(points: Fraction, mistake: Fraction, wrong: Array[Fraction]) -> Fraction:
    """What a part earns whose answer has another shape than the right one, and is what a known mistake gives:
    the share of a `mistake`, and nothing for zeros alone."""
    return points * mistake if any(wrong.entries) else Fraction(0)


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
        found = {}
        for question, sheet in zip(self.exam.questions, variant.sheets, strict=True):
            parts = [part for part in question.parts if part.kind == "value"]
            gates = [part for part in parts if part.name in self._gates[question.id]]
            alike = sum((_zero_points(part, sheet.key[part.name]) for part in gates), Fraction(0))
            most = TRIVIAL * sum((part.points for part in parts), Fraction(0))
            factor = min(Fraction(1), most / alike) if alike else Fraction(0)
            for part in parts:
                share = factor if part in gates else Fraction(0)
                found[question.id, part.id] = _shares(part.points, sheet.key[part.name], share)
        return found

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


def _zero_points(part: Part, array: Array[Fraction]) -> Fraction:
    """What the zeros of a part would be worth in equal shares."""
    return part.points * _zeros(array) / len(array.entries)


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
