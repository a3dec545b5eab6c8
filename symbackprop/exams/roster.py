"""The students of a roster: a CSV file with a line for each, or none.

The first line names the columns: `id` (or student, matrícula …) and perhaps `name` (nombre …). Without such
a line the first column is the id and the second the name. Commas, semicolons and tabs are understood.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from symbackprop import limits
from symbackprop.exams.model import Student

_IDS: Final = {
    "id",
    "student",
    "student_id",
    "alumno",
    "estudiante",
    "matricula",
    "matrícula",
    "dni",
    "nia",
    "expediente",
}
_NAMES: Final = {"name", "full_name", "nombre", "apellidos_nombre", "nombre_completo"}


class RosterError(ValueError):
    """A roster, or a line of it, cannot be used: the file, the line, and what would be right."""


def read_roster(path: Path) -> tuple[Student, ...]:
    """The students in the order of the file. Raises RosterError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RosterError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(content) > limits.FILE_BYTES * 10:
        raise RosterError(f"{path}: more than {limits.FILE_BYTES * 10:,} bytes, which is the limit")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RosterError(f"{path}:{line}: this is not UTF-8 text. Save the file as UTF-8.") from None
    return roster_of(text, str(path))


def roster_of(text: str, file: str) -> tuple[Student, ...]:
    """The students of a text. Raises RosterError."""
    rows = list(_rows(text, file))
    if not rows:
        raise RosterError(f"{file}: no students. Write a line for each: id,name")
    columns = _columns(rows[0][1])
    found: dict[str, int] = {}
    students: list[Student] = []
    for line, cells in rows[1:] if columns is not None else rows:
        student = _student(cells, columns or (0, 1), f"{file}:{line}", len(students) + 1)
        if student.id in found:
            message = f"{file}:{line}: the id {student.id!r} is that of line {found[student.id]} too"
            raise RosterError(f"{message}. Every student has an id of their own.")
        found[student.id] = line
        students.append(student)
    if not students:
        raise RosterError(f"{file}: only a line of headings, and no students")
    if len(students) > limits.EXAM_STUDENTS:
        raise RosterError(f"{file}: more than {limits.EXAM_STUDENTS:,} students, which is the limit")
    return tuple(students)


def _rows(text: str, file: str) -> Iterator[tuple[int, Sequence[str]]]:
    """The lines that are not empty, with their numbers."""
    head = next((line for line in text.split("\n") if line.strip()), "")
    mark = next((one for one in "\t;" if one in head), ",")
    reader = csv.reader(io.StringIO(text), delimiter=mark, strict=True)
    try:
        for row in reader:
            cells = [unicodedata.normalize("NFC", cell.strip()) for cell in row]  # é is é, however typed
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise RosterError(f"{file}:{reader.line_num}: this line is no CSV: {error}") from None


def _columns(cells: Sequence[str]) -> tuple[int, int] | None:
    """Where the id and the name stand, if this is a line of headings; no name is −1."""
    names = [cell.lower().replace(" ", "_") for cell in cells]
    at = next((place for place, name in enumerate(names) if name in _IDS), None)
    if at is None:
        return None
    return at, next((place for place, name in enumerate(names) if name in _NAMES), -1)


def _student(cells: Sequence[str], columns: tuple[int, int], place: str, number: int) -> Student:
    at, named = columns
    if at >= len(cells) or not cells[at]:
        raise RosterError(f"{place}: there is no id in this line ({', '.join(filter(None, cells))[:60]})")
    name = cells[named] if 0 <= named < len(cells) else ""
    for what, text, most in (("id", cells[at], 64), ("name", name, 120)):
        if len(text) > most:
            raise RosterError(f"{place}: the {what} is longer than {most} characters")
        if not text.isprintable():
            raise RosterError(f"{place}: the {what} has characters that cannot be printed")
    return Student(id=cells[at], name=name, number=number)
