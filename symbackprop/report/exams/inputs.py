"""Hashes of all that a typeset file hangs on: what is there is known without making its text again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

from symbackprop import __version__
from symbackprop.algebra.values.arrays import Array
from symbackprop.exams.model import Exam, Faulty, Sheet, Variant
from symbackprop.report.exams.record import digest
from symbackprop.report.places import search_path

_PACKAGE: Final = Path(__file__).resolve().parents[2]


def exam_source(exam: Exam, language: str, engine: str, templates: Path | None) -> str:
    """Of what is the same for everybody: the exam, this program, its templates and the teacher's."""
    folders = [(_PACKAGE, "*.py"), *((folder, "*") for folder in search_path(templates))]
    files = (part for folder, pattern in folders for part in _files(folder, pattern))
    return digest(__version__, repr(exam), language, engine, *files)


def _files(folder: Path, pattern: str) -> Iterator[str | bytes]:
    for path in sorted(folder.rglob(pattern)):
        if path.is_file():
            yield path.relative_to(folder).as_posix()
            yield path.read_bytes()


def variant_source(variant: Variant) -> str:
    """Of what is one student's: who they are, their numbers, and the mistakes that they are to find. The keys
    follow from the numbers."""
    student = variant.student
    sheets = (part for sheet in variant.sheets for part in _sheet(sheet))
    return digest(student.id, student.name, str(student.number), *sheets)


def _sheet(sheet: Sheet) -> Iterator[str]:
    yield sheet.question
    for name in sorted(sheet.values):
        yield from (name, *_array(sheet.values[name]))
    for name in sorted(sheet.faulty):
        yield from (name, *_faulty(sheet.faulty[name]))


def _faulty(faulty: Faulty) -> Iterator[str]:
    yield from (str(faulty.at), faulty.mistake, faulty.about, faulty.instead)
    for line in (*faulty.lines, faulty.right):
        yield from (line.name, repr(line.formula), *_array(line.array))


def _array(array: Array[Fraction]) -> Iterable[str]:
    return (str(array.shape), *map(str, array.entries))
