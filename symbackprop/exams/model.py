"""An exam: its questions, what is asked, how numbers are drawn, and the variants made of it. All frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from symbackprop.algebra.values.arrays import Array
from symbackprop.exercise.model import Exercise
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node

Texts = Mapping[str, str]
"""A text by language. A teacher's text may hold LaTeX; it goes only to the teacher's own TeX."""


def in_language(texts: Texts, language: str) -> str:
    """A text in a language, else in the first that there is."""
    return texts.get(language) or next(iter(texts.values()), "")


PartKind = Literal["value", "derive", "mistake"]
"""Numbers of one quantity; a derivation in general; a derivation with a mistake in it to be found."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Draw(Plain):
    """The numbers that the entries of a given name may be: `low`, `low + step` … `high`.

    `step` is 1 or a fraction (1/2: halves). `zero`, `ones`: 0, and 1 and −1, are among them; `distinct`: no
    two entries have the same size |v|.
    """

    low: Fraction
    high: Fraction
    step: Fraction = Fraction(1)
    zero: bool = False
    ones: bool = False
    distinct: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Part(Plain):
    """One thing that is asked. `names` has the one quantity of which numbers are asked (`z`, `dW`).

    `points` are exact. The id is unique in its question (`dW`, `derive`, `mistake`). `names` of a part
    that asks for a derivation in general: the gradients to derive, in order (`dz`, `dW`); of a mistake
    to find: where it may be.
    """

    id: str
    kind: PartKind
    names: tuple[str, ...]
    points: Fraction

    @property
    def name(self) -> str:
        """The quantity of a part that asks for numbers."""
        return self.names[0]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Rules(Plain):
    """What the numbers of a question must obey; see `rules.py`, a row each."""

    settings: Mapping[str, Fraction | None] = field(default_factory=dict)

    def number(self, name: str) -> Fraction | None:
        """What a rule is set to: a number, 1 or 0 for on and off, None where it is left out."""
        return self.settings.get(name)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Question(Plain):
    """One question. `exercise` has the model with numbers for all sizes; `fixed` are the values that are the
    same for everybody, `draws` how the others are made. Every given name is in one of the two, unless the
    question has no numbers."""

    id: str
    title: Texts
    text: Texts
    exercise: Exercise
    fixed: Mapping[str, Array[Fraction]]
    draws: Mapping[str, Draw]
    rules: Rules
    parts: tuple[Part, ...]

    @property
    def has_numbers(self) -> bool:
        """Whether anything but derivations in general is asked. Without, it is the same for everybody."""
        return any(part.kind != "derive" for part in self.parts)

    @property
    def points(self) -> Fraction:
        """The points of all parts."""
        return sum((part.points for part in self.parts), Fraction(0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Exam(Plain):
    """A whole exam. `key` names its files and its numbers; `date` and `course` are printed as written.

    `method` is the share of a step's points that the right formula earns, `mistake` the share of a number's
    points that it earns if it comes of a known mistake. `exercises` are the texts of those that models
    were taken from, by what the exam calls them.
    """

    key: str
    title: Texts
    course: Texts
    date: str
    instructions: Texts
    language: str
    questions: tuple[Question, ...]
    large_print: bool = False
    anonymous: bool = False
    method: Fraction = Fraction(1, 2)
    mistake: Fraction = Fraction(1, 2)
    exercises: Texts = field(default_factory=dict)

    @property
    def points(self) -> Fraction:
        """The points of all questions."""
        return sum((question.points for question in self.questions), Fraction(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Student:
    """Somebody who sits the exam. `id` is what numbers are made from; `name` is printed, or "" for
    an anonymous number; `number` is their place in the roster, from 1."""

    id: str
    name: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """The answer to `part` that comes of a common mistake (an id of `derivation.mistakes`).

    `about` and `instead` are parts of the formula as plain text, "" for none. `array` may have another shape
    than the right answer (a transposed one).
    """

    part: str
    mistake: str
    about: str
    instead: str
    array: Array[Fraction]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class FaultyLine(Plain):
    """A line of a derivation with a mistake in it: `dW = dz x^T = [...]`, as it is shown."""

    name: str
    formula: Node
    array: Array[Fraction]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Faulty(Plain):
    """A derivation in which one step is wrong, to be found. `at` is the offset of its line; what comes
    after follows from it. `mistake`, `about`, `instead` as in a Slip; `right` is the line as it should be."""

    part: str
    lines: tuple[FaultyLine, ...]
    at: int
    mistake: str
    about: str
    instead: str
    right: FaultyLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One question with one student's numbers: given values and every quantity, by name (`W`, `z`, `dW`).

    `wrong` are the answers that common mistakes give with these numbers. `work` is how many multiplications
    are not by 0, 1 or -1; `attempts` how many constructions it took to obey every rule.
    """

    question: str
    values: Mapping[str, Array[Fraction]]
    key: Mapping[str, Array[Fraction]]
    wrong: Sequence[Slip] = ()
    faulty: Mapping[str, Faulty] = field(default_factory=dict)
    work: int = 0
    attempts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """An exam for one student."""

    student: Student
    sheets: tuple[Sheet, ...]
