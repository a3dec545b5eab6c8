"""The students of a roster: a CSV file with a line for each, or none.

The first line names the columns, in Spanish or English, without regard to case, accents and punctuation:
what tells students apart (id, DNI, matrícula, student number, username …; else their email) and perhaps their
names, in one column or several, which are joined in natural order. Without such a line the first column is
the id and the second the name. Commas, semicolons and tabs are understood, and the line ends of every system.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from symbackprop import limits
from symbackprop.exams.model import Student
from symbackprop.exams.tables import table_text

_HEADINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "id": (
        "id", "student id", "sid", "id number", "student number", "student no", "registration number",
        "matriculation number", "enrolment number", "enrollment number", "org defined id", "sis user id",
        "sis id", "número de id", "número de identificación", "id del alumno", "id de alumno",
        "id del estudiante", "id de estudiante", "identificador", "identificación", "matrícula",
        "número de matrícula", "legajo", "número de legajo", "padrón", "expediente", "número de expediente",
        "número de alumno", "número de estudiante", "código de alumno", "código de estudiante", "código",
        "número id. escolar", "dni", "nif", "nie", "dni/nie", "dni/pasaporte", "documento",
        "número de documento", "documento de identidad", "cédula", "carné", "carnet", "niu", "nia", "nip",
        "número", "number", "username", "user name", "user id", "login", "login id", "sis login id",
        "usuario", "nombre de usuario", "nombre usuario", "id de usuario",
    ),
    "student": (
        "student", "alumno", "alumna", "alumno/a", "alumna/o", "alumnado", "estudiante",
    ),
    "email": (
        "email", "email address", "mail", "correo", "correo electrónico", "dirección de correo",
        "dirección de correo electrónico", "dirección email",
    ),
    "full name": (
        "full name", "student name", "display name", "nombre completo", "nombre y apellidos",
        "nombre y apellido", "nombres y apellidos", "apellidos y nombre", "apellido y nombre",
        "apellidos y nombres", "apellidos, nombre", "apellido, nombre", "last name, first name",
        "nombre del alumno", "nombre del estudiante", "nombre para mostrar",
    ),
    "given name": ("first name", "given name", "given names", "forename", "nombre", "nombres", "name"),
    "middle name": ("middle name", "segundo nombre"),
    "surname": (
        "last name", "surname", "family name", "apellidos", "apellido", "primer apellido", "apellido 1",
        "apellido paterno",
    ),
    "second surname": ("segundo apellido", "apellido 2", "apellido materno", "second surname"),
    "other": (
        "group", "groups", "grupo", "grupos", "section", "sección", "course", "curso", "role", "roles", "rol",
        "institution", "institución", "department", "departamento", "asignatura", "titulación", "turno",
        "comisión", "grade", "nota", "phone", "teléfono", "last access", "último acceso",
    ),
}  # fmt: skip
"""What headings mean. Of several ids, or names, in one file the one that stands first here is taken."""

_NAME: Final = ("given name", "middle name", "surname", "second surname")
"""The parts of a name in the order in which they are said."""

_RIGHT: Final = (
    "Call the column of what tells students apart id (or DNI, matrícula, número de ID, student number, "
    "username, email), and that of names name (or nombre and apellidos, first name and last name)"
)
_BROKEN: Final = {"unexpected end of data": "a quotation mark is opened in it and never closed"}
"""What Python says of a text that is no CSV, in words for whoever wrote it."""


class RosterError(ValueError):
    """A roster, or a line of it, cannot be used: the file, the line, and what would be right."""


def read_roster(path: Path) -> tuple[Student, ...]:
    """The students in the order of the file. Raises RosterError."""
    return roster_of(table_text(path, RosterError), str(path))


def roster_of(text: str, file: str) -> tuple[Student, ...]:
    """The students of a text. Raises RosterError."""
    rows = list(_rows(text, file))
    if not rows:
        raise RosterError(f"{file}: no students. Write a line for each: id,name")
    columns = _columns(rows, file)
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
    lines, mark = _marked(re.sub(r"\r\n?", "\n", text))
    reader = csv.reader(io.StringIO(lines), delimiter=mark, strict=True)
    start = 1
    try:
        for row in reader:
            cells = [unicodedata.normalize("NFC", cell.strip()) for cell in row]  # é is é, however typed
            if any(cells):
                yield start, cells
            start = reader.line_num + 1
    except csv.Error as error:
        reason = _BROKEN.get(str(error), str(error))
        raise RosterError(f"{file}:{start}: this line is no CSV: {reason}") from None


def _marked(lines: str) -> tuple[str, str]:
    """A text, and what separates its columns. Excel's line `sep=;` says it, and is left empty."""
    told = re.match(r'"?sep=([,;\t])"?[,;\t ]*(?=\n)', lines)
    if told:
        return lines[told.end() :], told[1]
    head = next((line for line in lines.split("\n") if line.strip()), "")
    bare = re.sub(r'"[^"]*"?', "", head)  # what stands in quotes separates nothing
    return lines, next((one for one in "\t;" if one in bare), ",")


# --- which column is which ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where the id stands, and the parts of the name in the order in which they are said."""

    id: int
    name: tuple[int, ...]


def _bare(heading: str) -> str:
    """A heading's letters and digits, small and without accents; Nº and Nro. are short for número."""
    whole = re.sub(r"\bn(?:\.?\s*[º°]|(?:ro|úm|um)\b)\.?", "número", heading.casefold())
    return "".join(char for char in unicodedata.normalize("NFKD", whole) if char.isalnum())


_MEANINGS: Final = {
    _bare(heading): (meaning, rank)
    for meaning, headings in _HEADINGS.items()
    for rank, heading in enumerate(headings)
}


def _columns(rows: Sequence[Row], file: str) -> _Columns | None:
    """The columns, if the first line is one of headings. Raises RosterError where they have no id, or where
    the line seems to be one of headings and none is known."""
    line, cells = rows[0]
    shown = ", ".join(cells)[:80]
    places = _places(cells)
    if not _are_headings(cells, places):
        if len(rows) > 1 and not _numbered(cells[0]) and all(_numbered(row[0]) for _, row in rows[1:]):
            raise RosterError(
                f"{file}:{line}: these seem to be headings, and none of them is known: {shown}. {_RIGHT}. If "
                "it is a student, write the line id,name before it."
            )
        return None
    names = _names(places)
    whose = places["student"]
    if places["id"] or not _tell_apart(whose, names, rows):
        names, whose = names or whose[:1], ()
    ids = (*places["id"], *whose, *places["email"])
    if not ids:
        raise RosterError(f"{file}:{line}: none of these headings is an id: {shown}. {_RIGHT}.")
    # platforms write a column for an id also where nobody has one
    return _Columns(next((at for at in ids if any(_column(rows, at))), ids[0]), names)


def _places(cells: Sequence[str]) -> Mapping[str, tuple[int, ...]]:
    """By meaning, where headings of it stand, those first that are taken first."""
    known = [(*_MEANINGS[bare], at) for at, cell in enumerate(cells) if (bare := _bare(cell)) in _MEANINGS]
    return {meaning: tuple(at for one, _, at in sorted(known) if one == meaning) for meaning in _HEADINGS}


def _are_headings(cells: Sequence[str], places: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether a line names columns: a heading is known. `12,Nia` is a student all the same."""
    known = [at for some in places.values() for at in some]
    alone = len(known) == 1 and known[0] > 0 and _numbered(cells[0]) and " " not in cells[0]
    return bool(known) and not alone


def _names(places: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """The columns of the name: the whole name, else its parts."""
    return places["full name"][:1] or tuple(at for part in _NAME for at in places[part][:1])


def _tell_apart(whose: Sequence[int], names: Sequence[int], rows: Sequence[Row]) -> bool:
    """Whether a column that is only called student holds ids: the names are elsewhere, or there is no other
    column, or all that stands in it has figures."""
    return bool(whose) and (
        bool(names) or len(rows[0][1]) == 1 or all(_numbered(cell) for cell in _column(rows, whose[0]))
    )


def _column(rows: Sequence[Row], at: int) -> Iterator[str]:
    """What stands under a heading, line by line."""
    return (cells[at] if at < len(cells) else "" for _, cells in rows[1:])


def _numbered(cell: str) -> bool:
    """Whether this is an id rather than a heading: it has a figure in it, or is an address."""
    return any(char.isdigit() or char == "@" for char in cell)


def _student(cells: Sequence[str], columns: _Columns, place: str, number: int) -> Student:
    if columns.id >= len(cells) or not cells[columns.id]:
        shown = ", ".join(filter(None, cells))[:60]
        raise RosterError(f"{place}: there is no id in this line ({shown}). Give one, or take the line away.")
    own = cells[columns.id]
    name = " ".join(cells[at] for at in columns.name if at < len(cells) and cells[at])
    for what, text, most in (("id", own, 64), ("name", name, 120)):
        if len(text) > most:
            raise RosterError(f"{place}: the {what} is longer than {most} characters")
        if not text.isprintable():
            raise RosterError(f"{place}: the {what} has characters that cannot be printed")
    return Student(id=own, name=name, number=number)
