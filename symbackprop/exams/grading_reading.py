"""From the lines of a table to answers: numbers, lines that are called wrong, formulas."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from symbackprop.exams.grading_derivations import Derivations, Source
from symbackprop.exams.grading_marks import is_slip
from symbackprop.exams.grading_model import Answer, Candidate, Doubt, Place
from symbackprop.exams.grading_numbers import Miscounted, Numbers, Unread, read_cells
from symbackprop.exams.grading_places import called
from symbackprop.exams.grading_table import Row

_SHOWN: Final = 160  # characters of an answer in the list for a person
_WORD: Final = r"(?:l[ií]nea|line|rengl[oó]n|paso|step|l)?\W{0,3}(?:n[uú]mero\s+|n[\Wºª]{0,3})?"
_LINE: Final = re.compile(rf"\s*{_WORD}\(?\s*(\d{{1,3}})\s*\)?(?![\d/])[\s:;,.]*(.*)", re.I | re.S)
_NAME: Final = re.compile(r"\s*([^\s=:;,]+)[\s=:;,]*(.*)", re.S)


@dataclass(slots=True)
class Read:
    """What was read of one student: answers, and the parts that a person has to mark.

    `lost`: something was read of which nobody can tell what it answers.
    """

    answers: dict[Place, Answer] = field(default_factory=dict)
    pending: set[Place] = field(default_factory=set)
    lost: bool = False

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
        if len(rows) > 1 and (len(answers) < len(rows) or len(set(map(_content, answers))) > 1):
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
            return read_cells(row.cells, len(sheet.key[row.part.name].entries), self.mark)
        except Miscounted as problem:
            slips = (slip for slip in sheet.wrong if slip.part == row.part.name)
            if any(is_slip(slip.array, problem.numbers) for slip in slips):
                return problem.numbers
            raise

    def _found(self, row: Row, text: str) -> Answer:
        """The number of a line, or its name, and perhaps the numbers of the line as it should be."""
        place = (row.question.id, row.part.id)
        names = self.lines[place]
        filled = [cell for cell in row.cells if cell]
        line, rest = _line_of(filled[0], names)
        if not 1 <= line <= len(names):
            raise Unread("line_number", text=text, count=len(names))
        cells = [cell for cell in (rest, *filled[1:]) if cell]
        planted = self.candidates[row.student.id].planted.get(place)
        numbers = None
        if cells and planted is not None:
            if line == planted.at + 1:
                numbers = read_cells(cells, len(planted.value.entries), self.mark)
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
        self.doubts += [replace(one, line=row.line, text=_joined(row.cells)) for one in found.doubts]
        return found.answers.get(place)

    def _doubt(self, row: Row, problem: Unread) -> None:
        self.doubts.append(
            Doubt(
                file=self.file, line=row.line, why=problem.why, student=row.student.id,
                question=row.question.id, part=row.part.id, text=_joined(row.cells),
                parts=dict(problem.parts),
            )
        )  # fmt: skip


def _joined(cells: Sequence[str]) -> str:
    return " ; ".join(cell for cell in cells if cell)[:_SHOWN]


def _content(answer: Answer) -> object:
    """What two lines must have in common to be the same answer."""
    numbers = answer.numbers
    values = () if numbers is None else tuple(None if cell is None else cell.value for cell in numbers.cells)
    return answer.wrong_line, values, tuple(answer.formulas.items()), numbers is None and answer.text


def _line_of(text: str, names: Sequence[str]) -> tuple[int, str]:
    """The number of the line that an answer begins with, and what comes behind it. Raises Unread."""
    match = _LINE.fullmatch(text)
    if match is not None:
        return int(match[1]), match[2]
    match = _NAME.fullmatch(text)
    if match is not None and called(match[1]) in names:
        return names.index(called(match[1])) + 1, match[2]
    raise Unread("line_number", text=text, count=len(names))
