"""Who and what an answer is about: students by id, code or number; parts by name, as people write them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from symbackprop.exams.grading_numbers import Unread
from symbackprop.exams.manifest import Issued
from symbackprop.exams.model import Exam, Part, Question

_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "derive": frozenset({"derive", "derivation", "general", "deducir", "deduccion", "demostracion"}),
    "mistake": frozenset({"mistake", "error", "fallo", "equivocacion", "linea", "line"}),
}
"""What parts are called that have no quantity for a name."""

_GRADIENT: Final = re.compile(r"[∂d][\w^]{1,3}/[∂d]\(?([\w^'*]+)\)?")
_HATS: Final = {"ŷ": "yhat", "Ŷ": "Yhat"}
_PLACE: Final = re.compile(r"[0-9]{1,5}")
_COUNT: Final = re.compile(r"[0-9]{1,2}")
_SEPARATOR: Final = re.compile(r"[-_ ]")
_LETTER: Final = re.compile(r"\(?([a-z])[).]?")


def folded(text: str) -> str:
    """A word without accents, capitals, and signs around it."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(char for char in plain if not unicodedata.combining(char))
    return re.sub(r"[^a-z0-9]+", "_", kept).strip("_")


class People:
    """The students of an exam, by what they may be called."""

    def __init__(self, issued: Sequence[Issued]) -> None:
        self._exact = {one.student.id: one for one in issued}
        self._alike: dict[str, Issued | None] = {}
        for one in issued:
            for name in {one.student.id.casefold(), one.code.casefold()}:
                self._alike[name] = None if name in self._alike else one
        self._codes = {one.code.casefold(): one for one in issued}
        ids_are_numbers = any(one.student.id.isdigit() for one in issued)
        self._numbers = {} if ids_are_numbers else {
            one.student.number: one for one in issued if one.student.number
        }  # fmt: skip

    def find(self, text: str) -> Issued | None:
        """Whose id, printed code or number in the roster this is; None if it is nobody's, or of two.

        A number is one of five digits at most, where no id is all digits.
        """
        name = text.strip()
        found = self.called(name)
        if found is None and _PLACE.fullmatch(name) and name.casefold() not in self._alike:
            found = self._numbers.get(int(name))
        return found

    def called(self, name: str) -> Issued | None:
        """Whose id or printed code this is, whole; None if it is nobody's, or of two."""
        found = self._exact.get(name)
        return self._alike.get(name.casefold()) if found is None else found

    def owner(self, stem: str) -> Issued | None:
        """Whose a file of this name is: an id, a code or a number by itself, or a code or an id behind a
        separator (`0017-3f2a9c1b77de`, `tarea_ana`).

        None where it may be of several. A small number behind a word (`tarea-2`) may count anything.
        """
        name = stem.strip()
        found = self.find(name)
        if found is not None or name.casefold() in self._alike:
            return found
        cuts = [match.start() for match in _SEPARATOR.finditer(name)]
        behind = [name[at + 1 :] for at in cuts]
        coded = [self._codes[text.casefold()] for text in behind if text.casefold() in self._codes]
        if coded:
            return coded[0] if len({one.student.id for one in coded}) == 1 else None
        pieces = [text for text in (*behind, *(name[:at] for at in cuts)) if not _COUNT.fullmatch(text)]
        people = {one.student.id: one for text in pieces if (one := self.called(text)) is not None}
        only = next(iter(people.values())) if len(people) == 1 else None
        return only if only is not None and any(self.called(text) is only for text in behind) else None


class Parts:
    """The parts of an exam, by what they may be called."""

    def __init__(self, exam: Exam) -> None:
        self.exam = exam
        self._found: dict[tuple[str, str], tuple[Question, Part]] = {}

    def find(self, part: str, question: str = "") -> tuple[Question, Part]:
        """The part of that name; the question may be left out where the name is in one question only.

        A question is called by its id, its number or its title; the part of the name before a point may be
        the question (`capa.dW`). Raises Unread.
        """
        found = self._found.get((part, question))
        if found is None:
            found = self._found[part, question] = self._find(part, question)
        return found

    def _find(self, part: str, question: str) -> tuple[Question, Part]:
        if question.strip():
            return self._in([self.question(question)], part)
        before, _, after = part.strip().partition(".")
        if after:
            try:
                return self._in([self.question(before)], after)
            except Unread:
                pass
        return self._in(self.exam.questions, part)

    def question(self, text: str) -> Question:
        """The question of this id, number or title. Raises Unread."""
        name = text.strip()
        for at, one in enumerate(self.exam.questions, 1):
            if name == one.id:
                return one
            titles = {folded(title) for title in one.title.values()}
            if folded(name) in {folded(one.id), *titles} - {""}:
                return one
            if re.sub(r"^\D*", "", name).rstrip(" .)") == str(at) and not self._has_id(name):
                return one
        raise Unread("question", text=name)

    def _has_id(self, text: str) -> bool:
        return any(one.id == text for one in self.exam.questions)

    def _in(self, questions: Iterable[Question], text: str) -> tuple[Question, Part]:
        candidates = [(question, part) for question in questions for part in question.parts]
        name = called(text)
        for fits in (
            [(q, part) for q, part in candidates if part.id == name],
            [(q, part) for q, part in candidates if part.id.casefold() == name.casefold()],
            [(q, part) for q, part in candidates if folded(text) in _WORDS.get(part.kind, ())],
            _lettered({id(q): q for q, _ in candidates}.values(), text),
        ):
            if len(fits) == 1:
                return fits[0]
            if fits:
                raise Unread("which", text=text.strip())
        raise Unread("part", text=text.strip())


def _lettered(questions: Iterable[Question], text: str) -> list[tuple[Question, Part]]:
    """The parts that have this letter on the paper: (a), (b) …"""
    match = _LETTER.fullmatch(text.strip().lower())
    at = ord(match[1]) - ord("a") if match else -1
    return [(question, question.parts[at]) for question in questions if 0 <= at < len(question.parts)]


def called(text: str) -> str:
    """A quantity's name as the exam has it: `dyhat` for `dŷ`, `dW` for `∂L/∂W`."""
    name = unicodedata.normalize("NFC", text).strip()
    for letter, plain in _HATS.items():
        name = name.replace(letter, plain)
    name = re.sub(r"[\\{}$ _]", "", name).replace("haty", "yhat")
    return _GRADIENT.sub(lambda match: "d" + match[1], name)
