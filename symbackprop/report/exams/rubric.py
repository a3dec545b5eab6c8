"""The rubric of every variant: as a PDF to mark from, and as CSV (see `rubric_csv`).

The templates get one run's variants as finished strings. Sentences, formulas and numbers are set once each
for an exam; a variant looks them up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import islice
from pathlib import Path
from string import ascii_lowercase
from typing import Any, Final

from symbackprop.algebra.values.arrays import Array
from symbackprop.exams.model import Exam, FaultyLine, Question, Sheet, Variant, in_language
from symbackprop.exams.rubric import RubricMistake, Rubrics, RubricStep
from symbackprop.notation import tree
from symbackprop.report.document import Part as Filling
from symbackprop.report.document import Text
from symbackprop.report.exams.codes import Form
from symbackprop.report.exams.marks import Numbers, is_fraction
from symbackprop.report.exams.questions import Asked
from symbackprop.report.exams.rubric_csv import rubric_csv as rubric_csv
from symbackprop.report.exams.rubric_said import Said
from symbackprop.report.exams.splitting import joined
from symbackprop.report.exams.teachers import latex_texts, own, warn_of_latex
from symbackprop.report.exams.worked import Worked, number_text, points_text, worth
from symbackprop.report.page import spoken
from symbackprop.report.pdf import FORM, Engine, chosen, typeset
from symbackprop.report.templating import fill
from symbackprop.report.words import Words, load_words

Fields = dict[str, Any]

_BATCH: Final = 40  # variants of one run
_PAGES: Final = 4  # of a variant, about: more time for the typesetter
_ROOM: Final = 50.0  # em of a line
_VALUE: Final = 13.0  # em for a wrong answer
_PALE: Final = {"tex": r"\pale{{{0}}}", "typ": "pale({0})"}
_ABOUT: Final = {"tex": r"\approx ", "typ": "approx "}


def rubric_pdf(
    exam: Exam, pairs: Iterable[tuple[Variant, str]], rubrics: Rubrics, *, language: str,
    engine: Engine = "auto", templates: Path | None = None,
) -> bytes:  # fmt: skip
    """The rubrics of all variants, each with the code of its paper, as one PDF; each begins a page.

    Raises WordsError, TemplateError, TypesettingError, RubricError where points do not add up, and ValueError
    for no variants.
    """
    used = chosen(engine)
    sheets = RubricSheets(exam, rubrics, language, FORM[used], templates)
    if sheets.form == "typ":
        warn_of_latex(exam, language)
    made = []
    for batch in _batches(pairs):
        made.append(typeset(sheets.document(batch), engine=used, pages=_PAGES * len(batch)).pdf)
    if not made:
        raise ValueError("there are no variants to make a rubric of")
    return joined(made, title=sheets.title, language=language)


def _batches(pairs: Iterable[tuple[Variant, str]]) -> Iterator[list[tuple[Variant, str]]]:
    waiting = iter(pairs)
    while batch := list(islice(waiting, _BATCH)):
        yield batch


@dataclass(frozen=True, eq=False, repr=False)
class RubricSheets:
    """The rubrics of an exam as text, LaTeX (`tex`) or Typst (`typ`), in a language."""

    exam: Exam
    rubrics: Rubrics
    language: str
    form: Form
    templates: Path | None = None

    @cached_property
    def words(self) -> Words:
        """The words of the language."""
        return load_words(self.language, self.templates)

    @cached_property
    def _questions(self) -> tuple[_Question, ...]:
        return tuple(self._question(question) for question in self.exam.questions)

    def _question(self, question: Question) -> _Question:
        asked = Asked.spoken(question, self.form, self.language, self.templates, _ROOM)
        following = self.rubrics.following[question.id]
        return _Question(Said(asked, Worked(asked, _ROOM), following, asked.setter))

    @property
    def title(self) -> str:
        """What the PDF says of itself."""
        plain = "title" not in latex_texts(self.exam, self.language)
        name = (in_language(self.exam.title, self.language) if plain else "") or self.exam.key
        return f"{self._first.asked.plain.text(Text('rubric.title'))}: {name}"

    @property
    def _first(self) -> Said:
        return self._questions[0].said

    def document(self, pairs: Sequence[tuple[Variant, str]]) -> str:
        """The rubrics of these variants as one document."""
        setter = self._first.setter
        fields: Fields = {
            "title": self._own(in_language(self.exam.title, self.language)),
            **spoken(self.words, setter.format),
            "said": {key: setter.text(Text(f"rubric.{key}")) for key in _SAID},
            "uses": [], "foot": "", "about": setter.format.string(self.title),
            "variants": [self._variant(variant, code) for variant, code in pairs],
        }  # fmt: skip
        return fill(f"exam/rubric.{self.form}", fields, self.templates)

    def _own(self, text: str) -> str:
        """A teacher's text: as it is in LaTeX, plain in Typst."""
        return own(text, self.form)

    def _variant(self, variant: Variant, code: str) -> Fields:
        steps = self.rubrics.steps(variant)
        setter = self._first.setter
        questions = []
        for one, sheet in zip(self._questions, variant.sheets, strict=True):
            question = one.said.asked.question
            own = [step for step in steps if step.question == question.id]
            title = self._own(in_language(question.title, self.language))
            questions.append({"title": title, **one.fields(own, sheet)})
        shares = " + ".join(number_text(question.points, setter) for question in self.exam.questions)
        total: dict[str, Filling] = {"sum": shares, "points": worth(self.exam.points, setter)}
        key = "rubric.total" if len(questions) > 1 else "rubric.total_alone"
        number: dict[str, Filling] = {"number": variant.student.number}
        named = number | {"name": variant.student.name}
        short = setter.text(Text("rubric.student", number))
        known = bool(variant.student.name) and not self.exam.anonymous
        return {
            "short": short, "who": setter.text(Text("rubric.student_named", named)) if known else short,
            "code": setter.format.escape(code), "questions": questions,
            "total": setter.text(Text(key, total)),
        }  # fmt: skip


_SAID: Final = ("title", "legend", "common", "gives", "credit")
"""Sentences without places."""


@dataclass(frozen=True, eq=False, repr=False)
class _Question:
    """One question's part of a rubric, for any variant."""

    said: Said
    _numbers: dict[tuple[int, ...], Numbers] = field(default_factory=dict)

    def fields(self, steps: Sequence[RubricStep], sheet: Sheet) -> Fields:
        """What the template gets."""
        asked = self.said.asked
        data = [self._stated(name, sheet.values[name]) for name in asked.names]
        shown = [self._kinds[step.part.kind](step, sheet) for step in steps]
        first = next((one for one in shown if one["mistakes"]), None)
        return {
            "points": points_text(asked.question.points, self.said.setter),
            "data": data,
            "steps": [
                {**one, "letter": letter, "heads": one is first}
                for letter, one in zip(ascii_lowercase, shown, strict=False)
            ],
        }

    @property
    def _kinds(self) -> dict[str, Any]:
        return {"value": self._value, "derive": self._derive, "mistake": self._mistake}

    @property
    def _form(self) -> str:
        return self.said.setter.format.name

    # --- numbers -------------------------------------------------------------------------

    def _value(self, step: RubricStep, sheet: Sheet) -> Fields:
        """A part that asks for numbers: the right ones, what they follow from, and common mistakes."""
        key = step.key
        assert key is not None, "a part that asks for numbers has a key"
        pale = [not points for points in step.numbers]
        rows = [self._row(mistake) for mistake in step.mistakes]
        return {
            "head": self._inline(self._stated(step.part.name, key, pale)),
            "points": self.said.points(step.points, step.method),
            "each": self.said.each(step),
            "follow": self.said.followed(step, sheet),
            "rows": rows,
            "mistakes": bool(rows),
            "chains": [],
        }

    def _row(self, mistake: RubricMistake) -> Fields:
        slip, credit = mistake.slip, mistake.credit
        return {
            "text": self.said.mistake(slip.mistake, slip.about, slip.instead),
            "value": self._array(slip.array, [not earned for earned in credit]),
            "fit": _width(slip.array) > _VALUE,
            "credit": self.said.credit(mistake),
        }

    def _stated(self, name: str, array: Array[Fraction], pale: Sequence[bool] = ()) -> str:
        """`dz = (7 0)ᵀ`."""
        left = self.said.symbol(name)
        value = self._array(array, pale)
        return f"{left} {value}" if value.startswith(_ABOUT[self._form]) else f"{left} = {value}"

    def _array(self, array: Array[Fraction], pale: Sequence[bool] = ()) -> str:
        """The numbers, those pale that are worth nothing; ≈ before them where one is rounded."""
        cells = self.said.asked.cells
        strings = [cells[value.numerator, value.denominator] for value in array.entries]
        if any(pale):
            strings = [
                _PALE[self._form].format(one) if faint else one
                for one, faint in zip(strings, pale, strict=True)
            ]
        numbers = self._numbers.get(array.shape)
        if numbers is None:
            numbers = self._numbers[array.shape] = self._skeletons(array.shape)
        text = (numbers.tall if any(map(is_fraction, strings)) else numbers.plain).filled(strings)
        return text if all(map(self.said.asked.exact, array.entries)) else _ABOUT[self._form] + text

    def _skeletons(self, shape: tuple[int, ...]) -> Numbers:
        """How arrays of a shape are set; a column lies down."""
        asked = self.said.asked
        if len(shape) == 1 and shape[0] > 1:
            return Numbers.of((1, shape[0]), asked.cells, asked.setter.formula, tree.Transpose)
        return Numbers.of(shape, asked.cells, asked.setter.formula)

    def _inline(self, formula: str) -> str:
        before, after = self.said.setter.format.inline
        return before + formula + after

    # --- derivations ---------------------------------------------------------------------

    def _derive(self, step: RubricStep, sheet: Sheet) -> Fields:
        """A derivation in general: for each gradient the chain and the formula, and what each earns."""
        names = step.part.names
        points, method = step.points / len(names), step.method / len(names)
        split = self.said.points(points, method, "rubric.chain")
        rows = [{"lines": self.said.chains[name], "credit": split} for name in names]
        return {
            "head": self.said.names(step.part), "points": points_text(step.points, self.said.setter),
            "each": "", "follow": "", "rows": [], "mistakes": False, "chains": rows,
        }  # fmt: skip

    def _mistake(self, step: RubricStep, sheet: Sheet) -> Fields:
        """A mistake to find: what the line, the reason and the right line are worth."""
        faulty = sheet.faulty[step.part.id]
        setter = self.said.setter
        assert step.found is not None, "a mistake to be found has its shares"
        line, reason, right = (
            number_text(one, setter) for one in (step.found.line, step.found.reason, step.found.right)
        )
        rows = [
            (setter.text(Text("exam.mistake_line", {"line": faulty.at + 1})), faulty.lines[faulty.at], line),
            (self.said.mistake(faulty.mistake, faulty.about, faulty.instead), None, reason),
            (setter.text(Text("exam.right_line")), faulty.right, right),
        ]
        return {
            "head": setter.text(Text("rubric.find")), "points": points_text(step.points, setter),
            "each": "", "follow": "", "mistakes": False, "chains": [],
            "rows": [
                {"text": text, "value": self._line(shown), "fit": True, "credit": credit}
                for text, shown, credit in rows
            ],
        }  # fmt: skip

    def _line(self, line: FaultyLine | None) -> str:
        """A line of a derivation as it is shown there."""
        return "" if line is None else self.said.asked.line(line)


def _width(array: Array[Fraction]) -> float:
    """About how wide an array is set, in em, with a column lying down."""
    rows = [array.entries] if len(array.shape) < 2 else list(array.rows())
    return max(sum(0.5 * len(str(value)) + 0.9 for value in row) for row in rows)
