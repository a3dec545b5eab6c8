"""Answers in a table: a line for each answer, or a line for each student.

    student,question,part,values          student;z;dW;dx
    ana,capa,dW,1 2 3; 4 5 6              ana;4 -4;24 32 16 0 0 0;…
    ana,capa,z,4,-4

The first line names the columns, in Spanish or English and in any order; without one the columns are
student, perhaps question, part, and the values. Columns are separated by commas, semicolons or tabs. The
question may be left out where the part's name is in one question only.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from symbackprop.exams.grading_model import Doubt, GradingError
from symbackprop.exams.grading_numbers import Unread
from symbackprop.exams.grading_places import Parts, People, folded
from symbackprop.exams.model import Part, Question, Student

_STUDENT: Final = frozenset(
    ("id", "student", "student_id", "alumno", "alumna", "estudiante", "matricula", "dni", "nia", "expediente",
     "codigo", "code", "number", "numero")
)  # fmt: skip
_QUESTION: Final = frozenset(("question", "pregunta", "ejercicio", "problema", "exercise", "problem"))
_PART: Final = frozenset(("part", "parte", "apartado", "inciso", "item", "quantity", "magnitud", "cantidad"))
_APART: Final = frozenset(
    ("name", "nombre", "nombre_completo", "full_name", "apellidos_nombre", "date", "fecha", "marca_temporal",
     "timestamp", "email", "correo", "correo_electronico")
)  # fmt: skip
_MARKS: Final = ("\t", ";", ",")
_LOOKED_AT: Final = 40  # lines that may tell how a table without headings is made
_SHOWN: Final = 200  # characters of a line in the list for a person


@dataclass(frozen=True, slots=True)
class Row:
    """What one student answers to one part, as it stands in the table: line `line`, in one column or more."""

    student: Student
    question: Question
    part: Part
    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where things stand. `wide` are the columns of parts, in a table with a line for each student."""

    student: int
    question: int | None
    part: int | None
    values: tuple[int, ...] | None
    wide: tuple[tuple[int, Question, Part], ...] = ()


class Table:
    """Reads one table. `doubts` are lines that say nothing of anybody, or of any part; `lost` are the
    students of whom there are such lines."""

    def __init__(self, text: str, file: str, people: People, parts: Parts) -> None:
        self.file = file
        self.people = people
        self.parts = parts
        self.doubts: list[Doubt] = []
        self.lost: set[str] = set()
        self._rows = self._split(text)

    def rows(self) -> Iterator[Row]:
        """The answers, in the order of the file. Raises GradingError where the columns cannot be told."""
        if not self._rows:
            raise GradingError(f"{self.file}: there are no answers. {_ADVICE}")
        columns = self._headed(self._rows[0][1])
        rest = self._rows[1:] if columns is not None else self._rows
        if columns is None:
            columns = self._unheaded()
        for line, cells in rest:
            yield from self._answers(line, cells, columns)

    # --- columns

    def _split(self, text: str) -> list[tuple[int, list[str]]]:
        """The lines that are not empty, at the separator with which the first ones make sense."""
        tried = [(mark, self._parsed(text, mark)) for mark in _MARKS]
        for _, rows in tried:
            if rows and (self._is_head(rows[0][1]) or self._layout(rows) is not None):
                return rows
        return max(tried, key=lambda one: len(one[1][0][1]) if one[1] else 0)[1]

    def _parsed(self, text: str, mark: str) -> list[tuple[int, list[str]]]:
        reader = csv.reader(io.StringIO(text), delimiter=mark)
        rows, line = [], 1
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    rows.append((line, [cell.strip() for cell in cells]))
                line = reader.line_num + 1
        except csv.Error as error:
            raise GradingError(f"{self.file}:{reader.line_num}: this line is no CSV: {error}") from None
        return rows

    def _is_head(self, cells: Sequence[str]) -> bool:
        return len(cells) > 1 and any(folded(cell) in _STUDENT for cell in cells)

    def _headed(self, cells: Sequence[str]) -> _Columns | None:
        """The columns that a line of headings names; None if it is none. Raises GradingError."""
        names = [folded(cell) for cell in cells]
        if not self._is_head(cells):
            return None
        student = next(at for at, name in enumerate(names) if name in _STUDENT)
        question = next((at for at, name in enumerate(names) if name in _QUESTION and at != student), None)
        part = next((at for at, name in enumerate(names) if name in _PART and at != student), None)
        rest = [at for at, name in enumerate(names) if at not in (student, question, part)]
        if part is not None:
            values = tuple(at for at in rest if names[at] not in _APART)
            return _Columns(student, question, part, values)
        wide = tuple(self._wide(cells, [at for at in rest if names[at] not in _APART]))
        if not wide:
            raise GradingError(f"{self.file}:1: no column says which part is answered. {_ADVICE}")
        return _Columns(student, None, None, None, wide)

    def _wide(self, cells: Sequence[str], places: Sequence[int]) -> Iterator[tuple[int, Question, Part]]:
        for at in places:
            if not cells[at]:
                continue
            try:
                yield (at, *self.parts.find(cells[at]))
            except Unread as problem:
                self._doubt(1, problem, text=cells[at])

    def _unheaded(self) -> _Columns:
        found = self._layout(self._rows)
        if found is None:
            line, cells = self._rows[0]
            raise GradingError(
                f"{self.file}:{line}: no part of the exam is named here ({', '.join(cells)[:60]}). {_ADVICE}"
            )
        return found

    def _layout(self, rows: Sequence[tuple[int, list[str]]]) -> _Columns | None:
        """The columns of a table without headings: those with which more lines make sense."""
        with_question = _Columns(0, 1, 2, None)
        without = _Columns(0, None, 1, None)
        count = {one: sum(self._fits(cells, one) for _, cells in rows[:_LOOKED_AT])
                 for one in (with_question, without)}  # fmt: skip
        best = max(count, key=lambda one: count[one])
        return best if count[best] else None

    def _fits(self, cells: Sequence[str], columns: _Columns) -> bool:
        if columns.part is None or len(cells) <= columns.part:
            return False
        question = "" if columns.question is None else cells[columns.question]
        if columns.question is not None and not question:
            return False
        try:
            self.parts.find(cells[columns.part], question)
        except Unread as problem:
            return problem.why == "which"
        return True

    # --- lines

    def _answers(self, line: int, cells: list[str], columns: _Columns) -> Iterator[Row]:
        name = cells[columns.student] if columns.student < len(cells) else ""
        issued = self.people.find(name)
        if issued is None:
            self._doubt(line, Unread("student", text=name), student=name, text=_shown(cells))
            return
        student = issued.student
        if columns.wide:
            for at, question, part in columns.wide:
                yield Row(student, question, part, line, (cells[at] if at < len(cells) else "",))
            return
        asked = [cells[at] if at is not None and at < len(cells) else ""
                 for at in (columns.question, columns.part)]  # fmt: skip
        try:
            question, part = self.parts.find(asked[1], asked[0])
        except Unread as problem:
            self.lost.add(student.id)
            self._doubt(line, problem, student=student.id, text=_shown(cells))
            return
        assert columns.part is not None, "a table is wide, or it has a column of parts"
        values = columns.values or tuple(range(columns.part + 1, len(cells)))
        if columns.values is not None and columns.values and columns.values[-1] == len(self._rows[0][1]) - 1:
            values = (*values, *range(len(self._rows[0][1]), len(cells)))
        yield Row(student, question, part, line, tuple(cells[at] for at in values if at < len(cells)))

    def _doubt(self, line: int, problem: Unread, *, student: str = "", text: str = "") -> None:
        found = Doubt(
            file=self.file, line=line, why=problem.why, student=student, text=text, parts=dict(problem.parts)
        )
        self.doubts.append(found)


_ADVICE: Final = "Write a first line: student,question,part,values"


def _shown(cells: Sequence[str]) -> str:
    return " · ".join(filter(None, cells))[:_SHOWN]
