"""The students of a roster: a CSV file with a line for each, or none.

The first line names the columns: `id` (or student, matrícula …) and perhaps `name` (nombre …). Without such
a line the first column is the id and the second the name. Commas, semicolons and tabs are understood.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from symbackprop import limits
from symbackprop.exams.model import Student

_IDS: Final = frozenset({
    "id", "student", "student_id", "student_number", "student_no", "id_number", "alumno", "estudiante",
    "identificador", "matricula", "matrícula", "dni", "nif", "nia", "nip", "expediente",
    "nº_de_expediente", "número_de_expediente", "numero_de_expediente", "número_de_id", "numero_de_id",
})  # fmt: skip
_NAMES: Final = frozenset({
    "name", "full_name", "fullname", "nombre_completo", "apellidos_y_nombre", "apellidos,_nombre",
})  # fmt: skip
_FIRST: Final = frozenset({
    "first_name", "firstname", "given_name", "nombre", "nombre(s)", "nombres",
})  # fmt: skip
_LAST: Final = frozenset({
    "last_name", "lastname", "surname", "family_name", "apellido", "apellidos", "apellido(s)",
})  # fmt: skip
_OTHER: Final = frozenset({
    "email", "e-mail", "email_address", "correo", "correo_electrónico", "dirección_de_correo", "group",
    "grupo", "section",
})  # fmt: skip
"""Headings in small letters, with _ for a space: of ids, of names, and others that tell a heading."""


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
    columns = _columns(rows[0], file)
    found: dict[str, int] = {}
    students: list[Student] = []
    for line, cells in rows if columns is None else rows[1:]:
        student = _student(cells, columns or _Columns(0, (1,)), f"{file}:{line}", len(students) + 1)
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


Row = tuple[int, list[str]]


def _rows(text: str, file: str) -> Iterator[Row]:
    """The lines that are not empty, with their numbers."""
    head = next((line for line in text.split("\n") if line.strip()), "")
    bare = re.sub(r'"[^"]*"?', "", head)  # what stands in quotes separates nothing
    mark = next((one for one in "\t;" if one in bare), ",")
    reader = csv.reader(io.StringIO(text), delimiter=mark, strict=True)
    try:
        for row in reader:
            cells = [unicodedata.normalize("NFC", cell.strip()) for cell in row]  # é is é, however typed
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise RosterError(f"{file}:{reader.line_num}: this line is no CSV: {error}") from None


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where the id stands, and the parts of the name in the order in which they are said."""

    id: int
    name: tuple[int, ...]


def _columns(row: Row, file: str) -> _Columns | None:
    """The columns, if this is a line of headings. Raises RosterError where it is one without an id."""
    line, cells = row
    names = [cell.lower().replace(" ", "_") for cell in cells]

    def places(known: frozenset[str]) -> tuple[int, ...]:
        return tuple(at for at, name in enumerate(names) if name in known)

    ids = places(_IDS)
    if ids:
        parts = places(_NAMES)[:1] or (*places(_FIRST)[:1], *places(_LAST)[:1])
        return _Columns(ids[0], parts)
    if any(name in _NAMES | _FIRST | _LAST | _OTHER for name in names):
        advice = "Call the column of what tells students apart id, and that of names name."
        raise RosterError(
            f"{file}:{line}: none of these headings is an id: {', '.join(cells)[:80]}. {advice}"
        )
    return None


def _student(cells: Sequence[str], columns: _Columns, place: str, number: int) -> Student:
    if columns.id >= len(cells) or not cells[columns.id]:
        raise RosterError(f"{place}: there is no id in this line ({', '.join(filter(None, cells))[:60]})")
    own = cells[columns.id]
    name = " ".join(cells[at] for at in columns.name if at < len(cells) and cells[at])
    for what, text, most in (("id", own, 64), ("name", name, 120)):
        if len(text) > most:
            raise RosterError(f"{place}: the {what} is longer than {most} characters")
        if not text.isprintable():
            raise RosterError(f"{place}: the {what} has characters that cannot be printed")
    return Student(id=own, name=name, number=number)
