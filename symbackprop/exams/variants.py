"""The variants of an exam: numbers for each student, every key found twice.

What a student gets hangs on the secret, the exam, the question and the student's id, and on nobody else; only
where two students would have the same numbers does the later one get the next that fit. A key is found by
the derived formulas and by exact dual numbers; where they differ, nothing is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from symbackprop import limits
from symbackprop.algebra.values.tracing import NotStraight
from symbackprop.exams.fairness import Built, Fairness
from symbackprop.exams.faulty import LazyFaults
from symbackprop.exams.kept import keep, restored
from symbackprop.exams.lazily import LazyArrays, LazySlips
from symbackprop.exams.model import Exam, Question, Sheet, Student, Variant
from symbackprop.exams.nearest import DIFFERENT, advice
from symbackprop.exams.plan import Plan, planned
from symbackprop.exams.stream import Stream
from symbackprop.exercise import ExerciseError, Fault

REPEATED = 20
"""Fair numbers of a student that others had already, after which it is said that there are too few."""

SIGNS = 100
"""Combinations of signs that are traced for one student before the search is given up."""


class KeyMismatch(RuntimeError):
    """The formulas and the dual numbers give different keys: our own fault. Nothing may be handed out."""


class Unsatisfiable(ValueError):
    """No numbers obey the rules of a question; the message says which rule, and what can be met."""

    def __init__(self, question: str, message: str) -> None:
        self.question = question
        super().__init__(f"questions.{question}: {message}")


@dataclass(slots=True)
class Questioned:
    """One question with everything that its numbers are made with. `seen` are numbers that somebody has."""

    exam: str
    fairness: Fairness
    seen: set[tuple[int, ...]] = field(default_factory=set)
    made: int = 0
    failed: dict[str, int] = field(default_factory=dict)

    @property
    def attempts(self) -> int:
        """How many constructions were tried for those that were made."""
        return self.made + sum(self.failed.values())

    @property
    def plan(self) -> Plan:
        """The question's code."""
        return self.fairness.plan

    @property
    def question(self) -> Question:
        """The question."""
        return self.fairness.question

    def build(self, secret: bytes, student: str) -> Built:
        """Fair numbers for a student that nobody else has. Raises Unsatisfiable, KeyMismatch."""
        stream = Stream(secret, "numbers", self.exam, self.question.id, student)
        failed: dict[str, int] = {}
        known = len(self.plan.key.versions)
        for attempt in range(1, limits.EXAM_ATTEMPTS + 1):
            if len(self.plan.key.versions) > known + SIGNS:
                break
            made = self.fairness.attempt(stream)
            if not isinstance(made, str) and made.numbers and made.numbers in self.seen:
                made = DIFFERENT
            if isinstance(made, str):
                failed[made] = failed.get(made, 0) + 1
                continue
            self.checked(made)
            self.seen.add(made.numbers)
            self._count(failed)
            return replace(made, attempts=attempt)
        raise Unsatisfiable(self.question.id, self._advice(failed))

    def _advice(self, failed: Mapping[str, int]) -> str:
        """Which rule cannot be met, and the nearest that can."""
        if failed.get(DIFFERENT, 0) >= REPEATED:  # the rules can be met, by numbers that somebody has
            some = "1 student" if len(self.seen) == 1 else f"{len(self.seen):,} students"
            return f"only {some} can have numbers of their own. Widen a range under draw."
        return advice(self.plan, self.exam, failed)

    def _count(self, failed: Mapping[str, int]) -> None:
        self.made += 1
        for rule, count in failed.items():
            self.failed[rule] = self.failed.get(rule, 0) + count

    def checked(self, made: Built) -> None:
        """Compare the key with the dual numbers. Raises KeyMismatch."""
        plan = self.plan
        version, second = plan.second.run(made.numbers)
        below = plan.second.versions[version].denominators
        own = plan.key.versions[made.version].denominators
        if below == own:
            agreed = made.key == second
        else:
            pairs = zip(made.key, own, second, below, strict=True)
            agreed = all(one * under == other * over for one, over, other, under in pairs)
        if not agreed:
            raise KeyMismatch(
                f"question {self.question.id}: the key is another one by dual numbers, with the "
                f"numerators {made.numbers}"
            )

    def numbers(self, sheet: Sheet) -> tuple[int, ...]:
        """The numerators of a sheet's values. Raises KeyError, ValueError for values of another question."""
        found: list[int] = []
        for one in self.plan.given:
            array = sheet.values[one.name]
            below = self.plan.key.denominators[one.start : one.end]
            if array.shape != one.shape:
                raise ValueError(f"{one.name} has the shape {array.shape} and not {one.shape}")
            scaled = [value * under for value, under in zip(array.entries, below, strict=True)]
            if any(value.denominator != 1 for value in scaled):
                raise ValueError(f"{one.name} has entries of other denominators than the exam says")
            found += map(int, scaled)
        return tuple(found)

    def again(self, numbers: Sequence[int]) -> Built:
        """The key for numbers that were made before, found and compared anew. Raises KeyMismatch."""
        made = self.fairness.worked(tuple(numbers), ())
        self.checked(made)
        return made

    def sheet(self, made: Built, secret: bytes, student: str) -> Sheet:
        """The numbers as arrays of fractions, which are made when they are looked at."""
        plan = self.plan
        below = plan.key.versions[made.version].denominators
        return Sheet(
            question=self.question.id,
            values=LazyArrays(plan.given, made.numbers, plan.key.denominators),
            key=LazyArrays(plan.quantities, made.key, below),
            wrong=LazySlips(plan.wrong(made.version), self.fairness.told(made).told or (), made.wrong),
            faulty=LazyFaults(self.fairness, made, (secret, self.exam, student)),
            work=made.work,
            attempts=made.attempts,
        )


@dataclass(slots=True)
class Maker:
    """An exam with the code of all its questions, made once."""

    exam: Exam
    questions: tuple[Questioned, ...]

    @classmethod
    def of(cls, exam: Exam) -> Maker:
        """Derive, trace and rehearse every question.

        Raises what `derive` raises about a model, and ExerciseError where answers are no rational numbers.
        """
        return cls(exam, tuple(_questioned(exam.key, question) for question in exam.questions))

    def variant(self, student: Student, secret: bytes) -> Variant:
        """The exam of one student. Raises Unsatisfiable, KeyMismatch."""
        sheets = (one.sheet(one.build(secret, student.id), secret, student.id) for one in self.questions)
        return Variant(student=student, sheets=tuple(sheets))

    def variants(self, students: Iterable[Student], secret: bytes) -> Iterator[Variant]:
        """The exams of all, in the order of the roster. Raises Unsatisfiable, KeyMismatch."""
        for student in students:
            yield self.variant(student, secret)


def _questioned(exam: str, question: Question) -> Questioned:
    found = restored(exam, question) if question.has_numbers else None
    if found is not None:
        return Questioned(exam=exam, fairness=found)
    try:
        plan = planned(question)
        fairness = Fairness.of(plan, exam)
        made = Questioned(exam=exam, fairness=fairness)
        for one in fairness.rehearse():
            made.checked(one)
    except NotStraight as problem:
        fault = Fault(
            file="", key=f"questions.{question.id}", message=f"an answer would not be exact: {problem}",
            suggestion="Ask for numbers of models of sums, products and pieces (relu, leaky_relu, abs); of "
            "others ask for the derivation in general.",
        )  # fmt: skip
        raise ExerciseError([fault]) from None
    if question.has_numbers:
        keep(exam, fairness)
    return made


def anonymous(count: int) -> Iterator[Student]:
    """Students without a roster: 1, 2, 3 … Raises ValueError for none or too many."""
    if not 1 <= count <= limits.EXAM_STUDENTS:
        raise ValueError(f"--variants {count}: between 1 and {limits.EXAM_STUDENTS:,}")
    for number in range(1, count + 1):
        yield Student(id=str(number), number=number)
