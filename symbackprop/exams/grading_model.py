"""What grading knows: what was read of each student, and what it is worth. Data only; no words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from symbackprop.checking.findings import Named
from symbackprop.exams.grading_numbers import Numbers
from symbackprop.exams.manifest import Issued, Planted
from symbackprop.exams.marks import loss
from symbackprop.exams.model import Exam, Sheet, Student
from symbackprop.exams.rubric import RubricStep
from symbackprop.notation.node import Node, Plain

Place = tuple[str, str]
"""A question and a part, by id."""

Cell = Literal["right", "rounded", "follows", "mistake", "wrong", "blank"]
"""What became of one number."""

Formula = Literal["right", "method", "wrong", "none"]
"""What a derivation says about how a quantity is made; `method`: rightly, in code alone."""


class GradingError(ValueError):
    """Answers cannot be graded at all: the file, the line, and what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Candidate(Plain):
    """What a student was to do: numbers by question, rubric, and mistakes that they were to find."""

    issued: Issued
    sheets: Mapping[str, Sheet]
    steps: tuple[RubricStep, ...]
    planted: Mapping[Place, Planted]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Doubt(Plain):
    """Something for a person to look at. Nobody loses points by it.

    `why` is a sentence of the language files, `grade.why_<why>`, and `parts` fill its places. `file` and
    `line` (0: the whole) say where it is. `student` is the id, or what the file says where nobody has it.
    """

    file: str
    line: int
    why: str
    student: str = ""
    question: str = ""
    part: str = ""
    text: str = ""
    parts: Mapping[str, str | int | tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Answer(Plain):
    """What a student answers to one part, as far as it was read. `file` and `line` are where it begins.

    `numbers` of a quantity, of the line as it should be where a mistake is to be found. `wrong_line` is the
    number of the line (from 1) that they name there. Of a derivation: `formulas` say of each quantity
    whether its formula is right; `settled`: the checker found the numbers right in a form that is not looked
    into here; `named` are the mistakes that it recognises; `reasoned`: there are words about what is wrong,
    which only a person can judge.
    """

    file: str
    line: int
    text: str = ""
    numbers: Numbers | None = None
    wrong_line: int | None = None
    formulas: Mapping[str, Formula] = field(default_factory=dict)
    settled: bool = False
    named: tuple[Named, ...] = ()
    reasoned: bool = False

    def formula(self, name: str) -> Formula:
        """What the answer says about how `name` is made."""
        return self.formulas.get(name, "none")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PartMark(Plain):
    """The mark of one part. `points` is None where a person has to look.

    `cells` are the numbers' fates, row by row. `mistakes` explain what is wrong, `explained` numbers of it.
    `shape`: the numbers are those of an array of another shape. `skipped`: the answers say nothing about
    this part, of nobody. `planted` is the mistake that was to be found.
    """

    step: RubricStep
    answer: Answer | None
    points: Fraction | None
    cells: tuple[Cell, ...] = ()
    mistakes: tuple[Named, ...] = ()
    explained: int = 0
    shape: bool = False
    skipped: bool = False
    planted: Planted | None = None

    @property
    def place(self) -> Place:
        """Its question and part."""
        return self.step.question, self.step.part.id

    @property
    def recognised(self) -> bool:
        """Whether the mistakes explain half of what is wrong or more, and are no coincidence of a number."""
        wrong = self.cells.count("wrong") + self.cells.count("mistake")
        return bool(self.mistakes) and (not self.explained or 2 * self.explained >= wrong)

    @property
    def costly(self) -> int:
        """How many numbers are not 0 where they must be, and take points away."""
        key = self.step.key
        if key is None or self.shape or not set(self.cells) - {"wrong", "blank"}:
            return 0  # there is nothing to take away from
        fates = zip(self.cells, key.entries, self.step.numbers, strict=True)
        return sum(
            cell in ("wrong", "mistake") and not due and bool(loss(self.step.points, len(key.entries), worth))
            for cell, due, worth in fates
        )

    @property
    def coarse(self) -> int:
        """How many numbers would be right, had they been rounded less."""
        key = self.step.key
        numbers = None if self.answer is None else self.answer.numbers
        if key is None or numbers is None or self.shape or len(numbers.cells) != len(self.cells):
            return 0
        return sum(
            fate == "wrong" and cell is not None and cell.is_coarse(due)
            for fate, cell, due in zip(self.cells, numbers.cells, key.entries, strict=True)
        )

    @property
    def full(self) -> bool:
        """Whether it earns everything."""
        return self.points == self.step.points


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class StudentMarks(Plain):
    """The marks of one student, in the order of the paper. `sheets` are their numbers; who is not `present`
    has handed nothing in."""

    student: Student
    code: str
    present: bool
    sheets: tuple[Sheet, ...]
    parts: tuple[PartMark, ...]

    @property
    def total(self) -> Fraction:
        """The points of all parts that have been marked."""
        return sum((part.points for part in self.parts if part.points is not None), Fraction(0))

    @property
    def pending(self) -> int:
        """How many parts a person has to look at."""
        return sum(part.points is None for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Graded(Plain):
    """An exam graded: everybody in the order of the manifest, and what a person has to look at.

    `formulas` are by question how each quantity is made.
    """

    exam: Exam
    formulas: Mapping[str, Mapping[str, Node]]
    students: tuple[StudentMarks, ...]
    doubts: tuple[Doubt, ...]
