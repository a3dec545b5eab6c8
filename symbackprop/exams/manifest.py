"""The manifest: every number that was handed out, so that nothing hangs on making it again.

A JSON object with one line for each student. Numbers are text, exact ("-4", "1/2").

`contract` "symbackprop.exam", `version` 1
`exam`       the key; `identity` a hash of the exam file's text and of the exercises that it borrows
`mark`       tells whether another secret was used, and tells nothing of it
`exam_text`  the exam file itself, so that the folder can be marked when the file has changed
`exercises`  the texts of the exercises that it takes models from, by name
`students`   in the order of the roster: `id`, `name`, `number`, `code` (printed on the papers), and `sheets`:
             for each question `question`, `values` (given) and `key` (everything computed), by name; an array
             is `[shape, entries]`; where a mistake is to be found, `mistakes` has the answers: the `part`,
             the `name` of the wrong line and its offset (`at`), the `mistake` with the parts of the
             formula that it is `about` and that stand `instead`, and the line as it should be: its
             `formula` as plain text and its `value`
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from symbackprop.algebra.values.arrays import Array
from symbackprop.exams.file import exam_of
from symbackprop.exams.model import Exam, Sheet, Student, Variant
from symbackprop.notation.write import to_plain

CONTRACT: Final = "symbackprop.exam"
VERSION: Final = 1


class ManifestError(ValueError):
    """A manifest cannot be read; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """The mistake that a student was to find: which hangs on the secret, so that it cannot be made again.

    `name` is the quantity of the wrong line, `at` its offset; `formula` and `value` are the line as it should
    be. `mistake`, `about`, `instead` as in a Slip.
    """

    question: str
    part: str
    at: int
    name: str
    mistake: str
    about: str
    instead: str
    formula: str
    value: Array[Fraction]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A student's numbers as the manifest has them. `code` is what is printed on the papers.

    `planted` are the mistakes to be found, as a manifest has them; sheets that were just made have their own.
    """

    student: Student
    code: str
    sheets: tuple[Sheet, ...]
    planted: tuple[Planted, ...] = ()

    @property
    def variant(self) -> Variant:
        """The exam of this student; its wrong answers are not kept."""
        return Variant(student=self.student, sheets=self.sheets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What was handed out. `text` is the exam file, `mark` that of the secret."""

    exam: str
    text: str
    issued: tuple[Issued, ...]
    mark: str = ""
    exercises: Mapping[str, str] = field(default_factory=dict)

    def read(self) -> Exam:
        """The exam that was handed out, whatever has become of its files. Raises ExerciseError."""
        return exam_of(self.text, key=self.exam, exercises=self.exercises)


def identity(text: str, exercises: Mapping[str, str]) -> str:
    """A hash of an exam file's text and of the exercises that it takes models from."""
    whole = hashlib.sha256()
    for part in (text, *(part for name in sorted(exercises) for part in (name, exercises[name]))):
        whole.update(f"{len(part)}:{part}".encode())
    return whole.hexdigest()


def written(
    exam: str, text: str, issued: Iterable[Issued], mark: str = "", exercises: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The text of a manifest, piece by piece."""
    borrowed = dict(exercises or {})
    head = {
        "contract": CONTRACT, "version": VERSION, "exam": exam, "identity": identity(text, borrowed),
        "mark": mark, "exercises": borrowed,
    }  # fmt: skip
    lines = [f'  "{key}": {_json(value)},' for key, value in head.items()]
    yield "{\n" + "\n".join(lines) + f'\n  "exam_text": {_json(text)},\n  "students": ['
    for at, one in enumerate(issued):
        yield f"{',' if at else ''}\n    {_json(_student(one))}"
    yield "\n  ]\n}\n"


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False)


def _student(one: Issued) -> dict[str, Any]:
    student = one.student
    return {
        "id": student.id, "name": student.name, "number": student.number, "code": one.code,
        "sheets": [
            {
                "question": sheet.question, "values": _arrays(sheet.values), "key": _arrays(sheet.key),
                **_mistakes(sheet, one.planted),
            }
            for sheet in one.sheets
        ],
    }  # fmt: skip


def _mistakes(sheet: Sheet, planted: Sequence[Planted]) -> dict[str, Any]:
    """The mistakes to be found in a sheet; nothing where there are none."""
    kept = [one for one in planted if one.question == sheet.question] or planted_in(sheet)
    made = [
        {
            "part": one.part, "at": one.at, "name": one.name, "mistake": one.mistake, "about": one.about,
            "instead": one.instead, "formula": one.formula, "value": _array(one.value),
        }
        for one in kept
    ]  # fmt: skip
    return {"mistakes": made} if made else {}


def planted_in(sheet: Sheet) -> list[Planted]:
    """The mistakes to be found in a sheet that was just made."""
    return [
        Planted(
            question=sheet.question, part=part, at=one.at, name=one.right.name, mistake=one.mistake,
            about=one.about, instead=one.instead, formula=to_plain(one.right.formula), value=one.right.array,
        )
        for part, one in sheet.faulty.items()
    ]  # fmt: skip


def _arrays(arrays: Mapping[str, Array[Fraction]]) -> dict[str, Any]:
    return {name: _array(one) for name, one in arrays.items()}


def _array(array: Array[Fraction]) -> list[Any]:
    return [list(array.shape), [str(value) for value in array.entries]]


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
            exercises={str(name): str(text) for name, text in data.get("exercises", {}).items()},
            issued=tuple(map(_issued, data["students"])), mark=str(data.get("mark", "")),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
        raise ManifestError(f"the manifest is damaged: {type(error).__name__}: {error}") from None
    if identity(made.text, made.exercises) != data.get("identity"):
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
        planted=tuple(
            _planted(str(sheet["question"]), one)
            for sheet in data["sheets"]
            for one in sheet.get("mistakes", ())
        ),
    )


def _planted(question: str, data: Mapping[str, Any]) -> Planted:
    return Planted(
        question=question, part=str(data["part"]), at=int(data["at"]), name=str(data["name"]),
        mistake=str(data["mistake"]), about=str(data["about"]), instead=str(data["instead"]),
        formula=str(data["formula"]), value=_read_array(data["value"]),
    )  # fmt: skip


def _read(data: Mapping[str, Any]) -> dict[str, Array[Fraction]]:
    return {str(name): _read_array(one) for name, one in data.items()}


def _read_array(data: Any) -> Array[Fraction]:
    shape, entries = data
    return Array(tuple(map(int, shape)), tuple(map(Fraction, entries)))
