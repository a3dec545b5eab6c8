"""What a student reads about their exam: what was asked, what they answered, what is right, and why.

A table for each question, and then a paragraph for each part about which there is something to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Final

from symbackprop.algebra.values.arrays import Array
from symbackprop.exams.grading_model import PartMark, StudentMarks
from symbackprop.exams.grading_numbers import Numbers
from symbackprop.exams.model import Question
from symbackprop.notation import tree
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node
from symbackprop.report.document import Block, Document, Heading, Note, Paragraph, Table, Text
from symbackprop.report.escape import shortened
from symbackprop.report.exams.feedback_voice import Voice
from symbackprop.report.exams.marks import array_node

Cell = Node | Text | None

_WRITTEN: Final = 40  # characters that are shown of an answer that could not be read


@dataclass(frozen=True, eq=False, repr=False)
class Feedback(Plain):
    """Makes the documents of all students."""

    voice: Voice

    def document(self, marks: StudentMarks) -> Document:
        """What one student reads; they must have handed something in."""
        voice = self.voice
        student = marks.student
        key = "grade.student" if student.name else "grade.student_number"
        return Document(
            title=Text("grade.title", {"exam": voice.exam_title}),
            subtitle=Text(key, {"name": student.name, "number": str(student.number or student.id)}),
            blocks=tuple(self._blocks(marks)),
        )

    def _blocks(self, marks: StudentMarks) -> Iterator[Block]:
        voice = self.voice
        total = {"points": voice.points(marks.total), "maximum": voice.points(voice.exam.points)}
        yield Paragraph(sentences=(Text("grade.total_pending" if marks.pending else "grade.total", total),))
        if marks.pending:
            yield Note(sentences=(Text("grade.pending", {"count": marks.pending}),))
        for at, question in enumerate(voice.exam.questions, 1):
            mine = [part for part in marks.parts if part.step.question == question.id]
            yield Heading(text=self._heading(question, mine, at))
            yield self._table(mine)
            for part in mine:
                sentences = tuple(self._said(part))
                if sentences:
                    yield Paragraph(lead=self._lead(part), sentences=sentences)

    def _heading(self, question: Question, parts: Sequence[PartMark], number: int) -> Text:
        voice = self.voice
        title = voice.title(question)
        won = sum((part.points for part in parts if part.points is not None), Fraction(0))
        return Text(
            "grade.question" if title else "grade.question_untitled",
            {
                "title": title, "number": str(number), "points": voice.points(won),
                "maximum": voice.points(question.points),
            },
        )  # fmt: skip

    # --- the table

    def _table(self, parts: Sequence[PartMark]) -> Table:
        columns = ("asked", "answer", "key", "points")
        return Table(
            columns=tuple(Text(f"grade.column_{name}") for name in columns),
            rows=tuple(self._row(part) for part in parts),
            claims=("", "", "", ""),
        )

    def _row(self, part: PartMark) -> tuple[Cell, ...]:
        voice = self.voice
        points = voice.of(part.points, part.step.points) if part.points is not None else Text(
            "grade.open", {"maximum": voice.points(part.step.points)}
        )  # fmt: skip
        return self._asked(part), self._answer(part), self._key(part), points

    def _asked(self, part: PartMark) -> Cell:
        question, asked = part.step.question, part.step.part
        if asked.kind == "derive":
            names = tuple(self.voice.symbol(question, name) for name in asked.names)
            return Text("grade.asked_derive", {"names": names})
        if asked.kind == "mistake":
            return Text("grade.asked_mistake")
        return self.voice.symbol(question, asked.name)

    def _lead(self, part: PartMark) -> Node | Text:
        asked = part.step.part
        if asked.kind == "value":
            return self.voice.symbol(part.step.question, asked.name)
        return Text(f"grade.lead_{asked.kind}")

    def _answer(self, part: PartMark) -> Cell:
        answer = part.answer
        if answer is None:
            return None if part.points is None else Text("grade.none")
        if part.points is None and answer.numbers is None and answer.text:
            return Text("grade.written", {"text": shortened(answer.text, _WRITTEN)})
        if part.step.part.kind == "derive":
            names = part.step.part.names
            right = sum(answer.formula(name) == "right" for name in names)
            return Text("grade.right_formulas", {"right": right, "count": len(names)})
        shown = self._numbers(part, answer.numbers)
        if part.step.part.kind == "mistake" and answer.wrong_line is not None:
            parts: dict[str, Node | str] = {"line": str(answer.wrong_line)}
            if shown is None:
                return Text("grade.line", parts)
            return Text("grade.line_and", {**parts, "value": shown})
        if shown is None and answer.formulas and answer.line:
            return Text("grade.in_derivation", {"line": str(answer.line)})
        return shown if shown is not None else Text("grade.none")

    def _numbers(self, part: PartMark, numbers: Numbers | None) -> Node | None:
        """Numbers as they were answered, in the shape that is due or, where they do not fit, in their own."""
        if numbers is None or numbers.empty:
            return None
        due = part.step.key.shape if part.step.key is not None else ()
        if part.planted is not None:
            due = part.planted.value.shape
        shape = due
        if part.shape or len(numbers.cells) != prod(due):
            shape = numbers.shape if numbers.shape is not None else (len(numbers.cells),)
        cells = [None if cell is None else cell.value for cell in numbers.cells]
        view = self.voice.asked[part.step.question].view
        if None in cells:
            nodes: list[Node] = [tree.Blank(2) if v is None else view.entry(v) for v in cells]
            return array_node(Array(shape, tuple(nodes)))
        return view.array(Array(shape, tuple(cells)))

    def _key(self, part: PartMark) -> Cell:
        if part.step.key is not None:
            return self.voice.array(part.step.question, part.step.key)
        if part.planted is not None:
            return Text("grade.line", {"line": str(part.planted.at + 1)})
        return None

    # --- what there is to say

    def _said(self, part: PartMark) -> Iterator[Text]:
        if part.skipped:
            yield Text("grade.skipped")
        elif part.points is None:
            yield Text(
                "grade.looked_after" if part.cells and part.step.key is not None else "grade.looked_at"
            )
        elif part.step.part.kind == "derive":
            yield from self._said_of_formulas(part)
        elif part.step.part.kind == "mistake":
            yield from self._said_of_line(part)
        else:
            yield from self._said_of_numbers(part)

    def _said_of_numbers(self, part: PartMark) -> Iterator[Text]:
        """About numbers: rounded, following, wrong, missing; and how they are calculated."""
        name, question = part.step.part.name, part.step.question
        cells = part.cells
        count = {fate: cells.count(fate) for fate in cells}
        formula = "none" if part.answer is None else part.answer.formula(name)
        if part.answer is not None and formula != "none" and not part.full:
            method = {"points": self.voice.points(part.step.method)}
            yield Text("grade.formula_right", method) if formula == "right" else Text("grade.formula_wrong")
        if count.get("rounded"):
            yield Text("grade.rounded")
        if count.get("follows"):
            yield self._follows(part, count["follows"])
        if part.shape:
            yield Text("grade.shape", {"count": len(cells)})
        elif count.get("wrong"):
            yield from self._wrong(part, count["wrong"])
        yield from self._mistakes(part, count.get("mistake", 0))
        if part.costly:
            yield Text("grade.costly", {"count": part.costly})
        blank = count.get("blank", 0)
        if part.answer is not None and blank:
            whole = blank == len(cells)
            yield Text("grade.no_numbers") if whole else Text("grade.blank", {"count": blank})
        if not part.full and not count.get("follows"):
            yield Text("grade.calculated", {"formula": self.voice.formula(question, name)})

    def _wrong(self, part: PartMark, count: int) -> Iterator[Text]:
        """About numbers that are wrong: rounded too much, or something else."""
        if part.coarse:
            yield Text("grade.coarse", {"count": part.coarse})
        rest = count - part.coarse
        if rest:
            yield Text("grade.wrong_value") if len(part.cells) == 1 else Text("grade.wrong", {"count": rest})

    def _follows(self, part: PartMark, count: int) -> Text:
        if count < len([cell for cell in part.cells if cell not in ("right", "rounded")]):
            return Text("grade.follows_some", {"count": count})
        names = tuple(self.voice.symbol(part.step.question, name) for name in part.step.follows)
        return Text("grade.follows", {"names": names}) if names else Text("grade.follows_plain")

    def _mistakes(self, part: PartMark, count: int) -> Iterator[Text]:
        if not part.mistakes:
            return
        if count and count < len([cell for cell in part.cells if cell not in ("right", "rounded")]):
            yield Text("grade.like", {"count": count})
        elif count or part.explained:
            yield Text("grade.like_all")
        for at, named in enumerate(part.mistakes):
            if at:
                yield Text("grade.or")
            yield self.voice.mistake(part.step.question, named)

    def _said_of_formulas(self, part: PartMark) -> Iterator[Text]:
        question = part.step.question
        if part.full:
            return
        for fate, key in _DERIVED:
            names = tuple(
                self.voice.symbol(question, name) for name in part.step.part.names
                if ("none" if part.answer is None else part.answer.formula(name)) == fate
            )  # fmt: skip
            if names and part.answer is not None:
                yield Text(key, {"names": names, "count": len(names)})
        for named in part.mistakes:
            yield self.voice.mistake(question, named)
        formulas = tuple(self.voice.formula(question, name) for name in part.step.part.names)
        yield Text("grade.derive_key", {"formulas": formulas})

    def _said_of_line(self, part: PartMark) -> Iterator[Text]:
        planted = part.planted
        if planted is None or part.full:
            return
        hit = part.answer is not None and part.answer.wrong_line == planted.at + 1
        if hit and part.answer is not None:
            assert part.points is not None, "a part that has been marked has points"
            yield Text("grade.line_right", {"points": self.voice.points(part.points)})
            written = part.answer.numbers is not None and not part.answer.numbers.empty
            yield Text("grade.correction_wrong" if written else "grade.correction_none")
        else:
            yield Text("grade.line_wrong", {"line": str(planted.at + 1)})
        if part.mistakes:
            yield Text("grade.why_wrong_line")
        for named in part.mistakes:
            yield self.voice.mistake(part.step.question, named)
        formula = self.voice.formula(part.step.question, planted.name)
        value = self.voice.array(part.step.question, planted.value)
        assert isinstance(formula, tree.Chain)
        yield Text("grade.correction", {"formula": tree.equation(*formula.members, value)})


_DERIVED: Final = (
    ("wrong", "grade.derive_wrong"), ("method", "grade.derive_code"), ("none", "grade.derive_missing"),
)  # fmt: skip
"""What is said of the formulas of a derivation in general that are not whole."""
