"""How a variant is marked: for each step that is asked, points for the method and for the value.

Papers, keys and rubrics come of the same derivation, so they cannot disagree; that the points add up to the
exam's is checked all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from symbackprop.algebra.values.arrays import Array
from symbackprop.exams.follow import Following
from symbackprop.exams.marks import FoundShares, Marks, found_shares, whole_share
from symbackprop.exams.model import Exam, Part, Question, Sheet, Slip, Variant
from symbackprop.exams.tracer import Tracer


class RubricError(RuntimeError):
    """The points do not add up: our own fault. Nothing may be handed out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RubricMistake:
    """A common mistake in one step: the wrong answer that it gives in this variant, and what it earns.

    `credit` is what each number that agrees with it earns, row by row; 0 where the number is 0, or right.
    Empty where the answer has another shape than the right one: then `whole` is what it earns as a whole.
    """

    slip: Slip
    credit: tuple[Fraction, ...]
    whole: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RubricStep:
    """One part. `method` and `value` add up to its points.

    Of a part that asks for numbers, `key` is the right answer, `numbers` what each is worth (they add up to
    the points: who gives numbers alone is marked by them alone), `follows` the student's earlier answers
    that it may follow from, `mistakes` the common ones. Of a mistake to be found, `found` is what the line,
    the reason and the right line are worth. Other parts have none of these.
    """

    question: str
    part: Part
    method: Fraction
    key: Array[Fraction] | None = None
    numbers: tuple[Fraction, ...] = ()
    follows: tuple[str, ...] = ()
    mistakes: tuple[RubricMistake, ...] = ()
    found: FoundShares | None = None

    @property
    def points(self) -> Fraction:
        """Those of the part."""
        return self.part.points

    @property
    def value(self) -> Fraction:
        """What is left for the value."""
        return self.points - self.method


class Rubrics:
    """The rubrics of an exam's variants. `tracers` are the derivations of its questions, by id."""

    def __init__(self, exam: Exam, tracers: dict[str, Tracer]) -> None:
        self.exam = exam
        self.marks = Marks(exam)
        self.following = {
            question.id: Following(question, tracers[question.id]) for question in exam.questions
        }

    def steps(self, variant: Variant) -> tuple[RubricStep, ...]:
        """All steps of a variant, in the order of the paper. Raises RubricError."""
        points = self.marks.points(variant)
        made = tuple(
            self._step(question, part, sheet, points.get((question.id, part.id), ()), slips.get(part.id, []))
            for question, sheet in zip(self.exam.questions, variant.sheets, strict=True)
            for slips in (_by_part(sheet),)
            for part in question.parts
        )
        self._check(made)
        return made

    def _step(
        self, question: Question, part: Part, sheet: Sheet, numbers: tuple[Fraction, ...], slips: list[Slip]
    ) -> RubricStep:
        made = RubricStep(question=question.id, part=part, method=part.points * self.exam.method)
        if part.kind == "derive":
            return made
        if part.kind == "mistake":
            return replace(made, found=found_shares(part.points, self.exam.method))
        key = sheet.key[part.name]
        return replace(
            made, key=key, numbers=numbers, follows=self.following[question.id].sources(part.name),
            mistakes=tuple(self._mistakes(part, slips, key, numbers)),
        )  # fmt: skip

    def _mistakes(
        self, part: Part, slips: list[Slip], key: Array[Fraction], numbers: tuple[Fraction, ...]
    ) -> Iterator[RubricMistake]:
        for slip in slips:
            if slip.array.shape != key.shape:
                whole = whole_share(part.points, self.exam.mistake, slip.array)
                yield RubricMistake(slip=slip, credit=(), whole=whole)
                continue
            credit = tuple(
                points * self.exam.mistake if wrong and wrong != right else Fraction(0)
                for wrong, right, points in zip(slip.array.entries, key.entries, numbers, strict=True)
            )
            yield RubricMistake(slip=slip, credit=credit)

    def _check(self, steps: tuple[RubricStep, ...]) -> None:
        for step in steps:
            if step.numbers and sum(step.numbers) != step.points:
                raise RubricError(f"the points of {step.question}.{step.part.id} do not add up")
        if sum(step.points for step in steps) != self.exam.points:
            raise RubricError("the points of the parts do not add up to the exam's")


def _by_part(sheet: Sheet) -> dict[str, list[Slip]]:
    found: dict[str, list[Slip]] = {}
    for slip in sheet.wrong:
        found.setdefault(slip.part, []).append(slip)
    return found
