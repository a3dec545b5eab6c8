"""The rubric of every variant as CSV, for a spreadsheet: nothing in it becomes a formula or a date.

A decimal that ends stands as a number, everything else between square brackets, row by row: `[7 0; 1/3 -2]`,
a column as `[7; 0]`. In Spanish decimals have a comma and columns are kept apart by semicolons.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import StringIO
from pathlib import Path
from typing import Any, Final

from symbackprop.algebra.values.arrays import Array
from symbackprop.exams.exports.html import decimal
from symbackprop.exams.model import Exam, FaultyLine, Question, Sheet, Variant
from symbackprop.exams.rubric import Rubrics, RubricStep
from symbackprop.report.document import Text
from symbackprop.report.exams.questions import Asked
from symbackprop.report.exams.rubric_said import Said
from symbackprop.report.exams.worked import Worked
from symbackprop.report.render import text_setter
from symbackprop.report.words import load_words

COLUMNS: Final = (
    "number", "code", "question", "part", "points", "method", "value", "each", "right", "follows", "mistake",
    "wrong", "earns",
)  # fmt: skip
"""The columns; their headings are the words `rubric.csv_…`."""

_MARK: Final = "\ufeff"  # spreadsheets take a file without it for one of an older encoding
_ROOM: Final = 60.0
_LONGEST: Final = 15  # digits that a spreadsheet keeps
_MISREAD: Final = re.compile(r"[=+\-@\t\r\n].*|[0-9.,:/eE+-]+", re.DOTALL)

Row = dict[str, str]


def rubric_csv(
    exam: Exam, pairs: Iterable[tuple[Variant, str]], rubrics: Rubrics, *, language: str,
    templates: Path | None = None,
) -> Iterator[str]:  # fmt: skip
    """The rubric as CSV, piece by piece: the headings, then a piece for each variant with its code.

    A row for each step, and then one for each of its common mistakes; a row for each gradient that is to be
    derived in general. Points stand in the rows of steps only, so that they add up to the exam's. Questions
    and parts are named as in the exam file. What a mistake earns is told for each number that agrees with it.
    Raises WordsError, RubricError.
    """
    words = load_words(language, templates)
    table = _Table(words.decimal_mark)
    plain = [_question(question, rubrics, language, templates) for question in exam.questions]
    heads = {column: plain[0].setter.text(Text(f"rubric.csv_{column}")) for column in COLUMNS}
    yield _MARK + table.text([heads])
    for variant, code in pairs:
        steps = rubrics.steps(variant)
        who = {"number": str(variant.student.number), "code": safe(code)}
        rows = [
            {**who, **row}
            for said, sheet in zip(plain, variant.sheets, strict=True)
            for step in steps
            if step.question == said.asked.question.id
            for row in table.rows(said, step, sheet)
        ]
        yield table.text(rows)


def _question(question: Question, rubrics: Rubrics, language: str, templates: Path | None) -> Said:
    asked = Asked.spoken(question, "md", language, templates, _ROOM)
    setter = text_setter(asked.setter.words, asked.setter.style, question.exercise.functions)
    return Said(asked, Worked(asked, _ROOM), rubrics.following[question.id], setter)


def safe(text: str) -> str:
    """A text that a spreadsheet takes for nothing else: an apostrophe stands before what it would."""
    return f"'{text}" if _MISREAD.fullmatch(text) else text


@dataclass(frozen=True, slots=True)
class _Table:
    """How numbers and rows are written."""

    decimal_mark: str

    def text(self, rows: Sequence[Row]) -> str:
        """Rows of CSV."""
        out = StringIO()
        writer = csv.writer(out, delimiter=";" if self.decimal_mark == "," else ",")
        writer.writerows([row.get(column, "") for column in COLUMNS] for row in rows)
        return out.getvalue()

    # --- rows ----------------------------------------------------------------------------

    def rows(self, said: Said, step: RubricStep, sheet: Sheet) -> Iterator[Row]:
        """The rows of a step."""
        kinds: dict[str, Any] = {"value": self._value, "derive": self._derive, "mistake": self._mistake}
        for row in kinds[step.part.kind](said, step, sheet):
            yield {"question": safe(step.question), "part": safe(step.part.id), **row}

    def _value(self, said: Said, step: RubricStep, sheet: Sheet) -> Iterator[Row]:
        key = step.key
        assert key is not None, "a part that asks for numbers has a key"
        right = self.array(key)
        yield {
            **self._points(step.points, step.method), "each": self.array(key.with_entries(step.numbers)),
            "right": right, "follows": safe(said.origin(step)),
        }  # fmt: skip
        for mistake in step.mistakes:
            slip = mistake.slip
            earned = (
                slip.array.with_entries(mistake.credit) if mistake.credit else Array.scalar(mistake.whole)
            )
            yield {
                "right": right, "mistake": safe(said.mistake(slip.mistake, slip.about, slip.instead)),
                "wrong": self.array(slip.array), "earns": self.array(earned),
            }  # fmt: skip

    def _derive(self, said: Said, step: RubricStep, sheet: Sheet) -> Iterator[Row]:
        names = step.part.names
        for name in names:
            points = self._points(step.points / len(names), step.method / len(names))
            yield {**points, "right": safe("; ".join(said.chains[name]))}

    def _mistake(self, said: Said, step: RubricStep, sheet: Sheet) -> Iterator[Row]:
        faulty = sheet.faulty[step.part.id]
        line = said.setter.text(Text("exam.mistake_line", {"line": faulty.at + 1}))
        reason = said.mistake(faulty.mistake, faulty.about, faulty.instead)
        yield {
            **self._points(step.points, step.method), "right": self._line(said, faulty.right),
            "mistake": safe(f"{line} {reason}"), "wrong": self._line(said, faulty.lines[faulty.at]),
        }  # fmt: skip

    def _line(self, said: Said, line: FaultyLine) -> str:
        """A line of a derivation: `dW = dz xᵀ = [7 0; 1 2]`."""
        return safe(f"{said.line(line)} = {self.array(line.array)}")

    # --- numbers -------------------------------------------------------------------------

    def _points(self, points: Fraction, method: Fraction) -> Row:
        return {
            "points": self.number(points), "method": self.number(method),
            "value": self.number(points - method),
        }  # fmt: skip

    def array(self, array: Array[Fraction]) -> str:
        """`-4`, `[7; 0]`, `[7 0; 1/3 -2]`."""
        if len(array.entries) == 1:
            return self.number(array.entries[0])
        return f"[{'; '.join(' '.join(map(self._entry, row)) for row in array.rows())}]"

    def number(self, value: Fraction) -> str:
        """A number by itself; in brackets what a spreadsheet would round, or take for a date."""
        return self._ends(value) or f"[{value}]"

    def _entry(self, value: Fraction) -> str:
        """A decimal that ends, exactly, else a fraction."""
        return self._ends(value) or str(value)

    def _ends(self, value: Fraction) -> str:
        return (decimal(value, _LONGEST) or "").replace(".", self.decimal_mark)
