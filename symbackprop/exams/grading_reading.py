"""From the lines of a table to answers: numbers, lines that are called wrong, formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final

from symbackprop.algebra.values.arrays import Array
from symbackprop.exams.grading_derivations import Derivations
from symbackprop.exams.grading_derived import Source
from symbackprop.exams.grading_lines import line_of
from symbackprop.exams.grading_marks import is_slip
from symbackprop.exams.grading_model import Answer, Candidate, Doubt, Place
from symbackprop.exams.grading_numbers import (
    Miscounted,
    Numbers,
    Unread,
    commas_apart,
    is_bracketed,
    read_cells,
)
from symbackprop.exams.grading_table import Row

_SHOWN: Final = 160  # characters of an answer in the list for a person


@dataclass(slots=True)
class Read:
    """What was read of one student: answers, and the parts that a person has to mark.

    `vague` and `unsure` as in a Reading. `lost`: something was read of which nobody can tell what it answers.
    """

    answers: dict[Place, Answer] = field(default_factory=dict)
    pending: set[Place] = field(default_factory=set)
    vague: set[Place] = field(default_factory=set)
    lost: bool = False
    unsure: dict[Place, list[Doubt]] = field(default_factory=dict)

    @property
    def present(self) -> bool:
        """Whether the student answered anything at all."""
        written = any(not is_blank(answer) for answer in self.answers.values())
        return self.lost or bool(self.pending) or written


def is_blank(answer: Answer) -> bool:
    """Whether nothing stands in an answer."""
    return not answer.text and not answer.formulas and (answer.numbers is None or answer.numbers.empty)


@dataclass(slots=True)
class TableReader:
    """Reads the answers of a table. `mark` is the decimal mark; `lines` are the names of the lines among
    which a mistake is to be found."""

    file: str
    mark: str
    candidates: Mapping[str, Candidate]
    derivations: Derivations
    lines: Mapping[Place, tuple[str, ...]]
    read: dict[str, Read] = field(default_factory=dict)
    doubts: list[Doubt] = field(default_factory=list)

    def take(self, rows: Sequence[Row]) -> None:
        """All lines of one student about one part; where they differ a person decides."""
        read = self.read.setdefault(rows[0].student.id, Read())
        place = (rows[0].question.id, rows[0].part.id)
        read.answers[place] = Answer(file=self.file, line=rows[0].line, text=_joined(rows[0].cells))
        answers = [answer for row in rows if (answer := self._answer(row, read)) is not None]
        if len(rows) > 1 and (len(answers) < len(rows) or len(set(map(content, answers))) > 1):
            read.pending.add(place)
            lines = ", ".join(str(row.line) for row in rows)
            for row in rows:
                self._doubt(row, Unread("twice", lines=lines))
        elif answers:
            read.answers[place] = answers[0]

    def _answer(self, row: Row, read: Read) -> Answer | None:
        """What a line answers; None, and a doubt, where it cannot be read."""
        text = _joined(row.cells)
        if not text:
            return Answer(file=self.file, line=row.line)
        try:
            if row.part.kind == "derive":
                return self._derived(row, read)
            if row.part.kind == "mistake":
                return self._found(row, text)
            return Answer(file=self.file, line=row.line, text=text, numbers=self._numbers(row))
        except Unread as problem:
            read.pending.add((row.question.id, row.part.id))
            self._doubt(row, problem)
            return None

    def _numbers(self, row: Row) -> Numbers:
        """The numbers of a line: as many as are due, or those that a known mistake gives."""
        sheet = self.candidates[row.student.id].sheets[row.question.id]
        try:
            return self._due(row.cells, sheet.key[row.part.name])
        except Miscounted as problem:
            if len(problem.numbers.cells) == 1 and _may_be_several(_joined(row.cells)):
                raise
            slips = (slip for slip in sheet.wrong if slip.part == row.part.name)
            if any(is_slip(slip.array, problem.numbers) for slip in slips):
                return problem.numbers
            raise

    def _due(self, cells: Sequence[str], key: Array[Fraction]) -> Numbers:
        """As many numbers as are due. `5,0` is one number; where two are due it is the two that are right, or
        nobody can tell. Raises Unread."""
        try:
            return read_cells(cells, len(key.entries), self.mark)
        except Miscounted as problem:
            apart = commas_apart(_joined(cells), self.mark)
            if len(problem.numbers.cells) == 1 and apart is not None and is_slip(key, apart):
                return apart
            raise

    def _found(self, row: Row, text: str) -> Answer:
        """The number of a line, or its name, and perhaps the numbers of the line as it should be."""
        place = (row.question.id, row.part.id)
        names = self.lines[place]
        filled = [cell for cell in row.cells if cell]
        line, rest = line_of(filled[0], names)
        if not 1 <= line <= len(names):
            raise Unread("line_number", text=text, count=len(names))
        cells = [cell for cell in (rest, *filled[1:]) if cell]
        planted = self.candidates[row.student.id].planted.get(place)
        numbers = None
        if cells and planted is not None:
            if line == planted.at + 1:
                numbers = self._due(cells, planted.value)
            else:
                numbers = self._perhaps(cells, len(planted.value.entries))
        return Answer(file=self.file, line=row.line, text=text, wrong_line=line, numbers=numbers)

    def _perhaps(self, cells: Sequence[str], count: int) -> Numbers | None:
        """The correction of a line that is not the wrong one: it may have any number of entries."""
        try:
            return read_cells(cells, count, self.mark)
        except Unread:
            return None

    def _derived(self, row: Row, read: Read) -> Answer | None:
        sheet = self.candidates[row.student.id].sheets[row.question.id]
        text = "\n".join(piece.strip() for cell in row.cells for piece in cell.split(";"))
        found = self.derivations.general(
            row.question, row.part, sheet, Source(self.file, text, ".txt"), row.student.id
        )
        place = (row.question.id, row.part.id)
        if place not in found.answers and not found.pending:
            raise Unread("formula", text=_joined(row.cells))
        read.pending |= found.pending
        self.doubts += self._moved(found.doubts, row)
        for at, doubts in found.unsure.items():
            read.unsure.setdefault(at, []).extend(self._moved(doubts, row))
        return found.answers.get(place)

    def _moved(self, doubts: Sequence[Doubt], row: Row) -> list[Doubt]:
        """Doubts about a text as those about the line of the table that it stands in."""
        return [replace(one, line=row.line, text=_joined(row.cells)) for one in doubts]

    def _doubt(self, row: Row, problem: Unread) -> None:
        self.doubts.append(
            Doubt(
                file=self.file, line=row.line, why=problem.why, student=row.student.id,
                question=row.question.id, part=row.part.id, text=_joined(row.cells),
                parts=dict(problem.parts),
            )
        )  # fmt: skip


def _may_be_several(text: str) -> bool:
    """Whether what reads as one number may be meant for more."""
    return "," in text or is_bracketed(text)


def _joined(cells: Sequence[str]) -> str:
    return " ; ".join(cell for cell in cells if cell)[:_SHOWN]


def content(answer: Answer) -> object:
    """What two answers to one part must have in common to be the same."""
    numbers = answer.numbers
    values = () if numbers is None else tuple(None if cell is None else cell.value for cell in numbers.cells)
    return answer.wrong_line, values, tuple(answer.formulas.items()), numbers is None and answer.text
