"""The manifest: every number that was handed out, so that nothing hangs on making it again.

A JSON object with one line for each student. Numbers are text, exact ("-4", "1/2").

`contract` "symbackprop.exam", `version` 1
`exam`       the key; `identity` a hash of the exam file's text: of what the numbers were made
`exam_text`  the exam file itself, so that the folder can be marked when the file has changed
`students`   in the order of the roster: `id`, `name`, `number`, `code` (printed on the papers), and `sheets`:
             for each question `question`, `values` (given) and `key` (everything computed), by name; an array
             is `[shape, entries]`
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from symbackprop.algebra.values.arrays import Array
from symbackprop.exams.model import Sheet, Student, Variant

CONTRACT: Final = "symbackprop.exam"
VERSION: Final = 1


class ManifestError(ValueError):
    """A manifest cannot be read; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A student's numbers as the manifest has them. `code` is what is printed on the papers."""

    student: Student
    code: str
    sheets: tuple[Sheet, ...]

    @property
    def variant(self) -> Variant:
        """The exam of this student; its wrong answers are not kept."""
        return Variant(student=self.student, sheets=self.sheets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What was handed out. `text` is the exam file."""

    exam: str
    text: str
    issued: tuple[Issued, ...]


def identity(text: str) -> str:
    """A hash of an exam file's text."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def written(exam: str, text: str, issued: Sequence[Issued]) -> Iterator[str]:
    """The text of a manifest, piece by piece."""
    head = {"contract": CONTRACT, "version": VERSION, "exam": exam, "identity": identity(text)}
    lines = [f'  "{key}": {_json(value)},' for key, value in head.items()]
    yield "{\n" + "\n".join(lines) + f'\n  "exam_text": {_json(text)},\n  "students": [\n'
    last = len(issued) - 1
    for at, one in enumerate(issued):
        yield f"    {_json(_student(one))}{',' if at < last else ''}\n"
    yield "  ]\n}\n"


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False)


def _student(one: Issued) -> dict[str, Any]:
    student = one.student
    return {
        "id": student.id, "name": student.name, "number": student.number, "code": one.code,
        "sheets": [
            {"question": sheet.question, "values": _arrays(sheet.values), "key": _arrays(sheet.key)}
            for sheet in one.sheets
        ],
    }  # fmt: skip


def _arrays(arrays: Mapping[str, Array[Fraction]]) -> dict[str, Any]:
    return {name: [list(one.shape), [str(value) for value in one.entries]] for name, one in arrays.items()}


def read_manifest(text: str) -> Manifest:
    """The manifest that a text says. Raises ManifestError."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"this is no manifest: {error}") from None
    if not isinstance(data, dict) or data.get("contract") != CONTRACT:
        raise ManifestError("this is no manifest of an exam")
    if data.get("version") != VERSION:
        raise ManifestError(f"this manifest has version {data.get('version')!r}, and {VERSION} is read here")
    try:
        made = Manifest(
            exam=str(data["exam"]), text=str(data["exam_text"]),
            issued=tuple(map(_issued, data["students"])),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
        raise ManifestError(f"the manifest is damaged: {type(error).__name__}: {error}") from None
    if identity(made.text) != data.get("identity"):
        raise ManifestError("the manifest is damaged: the exam in it is not the one that it was made of")
    return made


def _issued(data: Mapping[str, Any]) -> Issued:
    return Issued(
        student=Student(id=str(data["id"]), name=str(data["name"]), number=int(data["number"])),
        code=str(data["code"]),
        sheets=tuple(
            Sheet(question=str(one["question"]), values=_read(one["values"]), key=_read(one["key"]))
            for one in data["sheets"]
        ),
    )


def _read(data: Mapping[str, Any]) -> dict[str, Array[Fraction]]:
    return {
        str(name): Array(tuple(map(int, shape)), tuple(map(Fraction, entries)))
        for name, (shape, entries) in data.items()
    }
