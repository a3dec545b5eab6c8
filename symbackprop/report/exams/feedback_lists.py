"""The lists of a graded exam for a spreadsheet: the marks, and what a person has to look at.

Nothing that a person wrote becomes a formula there: a cell that would begin as one gets an apostrophe.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from symbackprop.exams.grading_model import Doubt, StudentMarks
from symbackprop.report.exams.feedback_voice import Voice, decimals_of

_ACTIVE: Final = frozenset("=+-@|%\t\r\n＝＋－＠")


def inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula, on one line."""
    clean = "".join(char if char.isprintable() else " " for char in text)
    return f"'{clean}" if clean.lstrip()[:1] in _ACTIVE or text[:1] in _ACTIVE else clean


def marks_csv(voice: Voice) -> str:
    """`marks.csv`: a line for each student in the order of the manifest, a column for each part.

    Points have two decimals, correctly rounded; a part that a person has to look at is left empty, and so is
    everything of a student who has handed nothing in. Where decimals have a comma, semicolons separate.
    """
    places = [".".join((one.id, part.id)) for one in voice.exam.questions for part in one.parts]
    before, after = ("student", "name"), ("total", "maximum", "state")
    head = [*_heads(voice, before), *places, *_heads(voice, after)]
    return _table(voice, head, (_marks(voice, one) for one in voice.graded.students))


def _marks(voice: Voice, one: StudentMarks) -> list[str]:
    mark = voice.words.decimal_mark
    count = sum(len(question.parts) for question in voice.exam.questions)
    points = ["" if part.points is None else decimals_of(part.points, mark, whole=True) for part in one.parts]
    state = "absent" if not one.present else "open" if one.pending else "marked"
    return [
        inert(one.student.id), inert(one.student.name), *(points or [""] * count),
        decimals_of(one.total, mark, whole=True) if one.present else "",
        decimals_of(voice.exam.points, mark, whole=True), voice.said(f"grade.state_{state}"),
    ]  # fmt: skip


def review_csv(voice: Voice) -> str:
    """`to-review.csv`: what could not be read, or is not clear, in the order of the files; in words why."""
    names = {one.student.id: one.student.name for one in voice.graded.students}
    columns = ("file", "line", "student", "name", "question", "part", "text", "why")
    rows = (_doubt(voice, one, names.get(one.student, "")) for one in voice.graded.doubts)
    return _table(voice, _heads(voice, columns), rows)


def _doubt(voice: Voice, one: Doubt, name: str) -> list[str]:
    return [
        inert(one.file), str(one.line or ""), inert(one.student), inert(name), one.question, one.part,
        inert(one.text), inert(said_why(voice, one)),
    ]  # fmt: skip


def said_why(voice: Voice, doubt: Doubt) -> str:
    """Why a person has to look, in words."""
    parts = dict(doubt.parts)
    names = parts.get("names")
    if isinstance(names, tuple):
        parts["count"] = len(names)
    return voice.said(f"grade.why_{doubt.why}", parts)


def _heads(voice: Voice, names: Sequence[str]) -> list[str]:
    return [voice.said(f"grade.csv_{name}") for name in names]


def _table(voice: Voice, head: Sequence[str], rows: Iterable[list[str]]) -> str:
    made = io.StringIO()
    mark = ";" if voice.words.decimal_mark == "," else ","
    writer = csv.writer(made, delimiter=mark, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return made.getvalue()
