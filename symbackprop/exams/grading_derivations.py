"""Derivations as answers: each statement judged against the student's own numbers, then sorted by what it is
about.

A right formula shows the method, the numbers at a statement's end are the answer. What could not be read is
for a person where nothing else was said about the same part; so is a wrong statement of which nobody can tell
to which question it belongs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from symbackprop.algebra.values.domain import DomainProblem, EvaluationError, NotCertified
from symbackprop.checking.check import check_text
from symbackprop.checking.findings import Finding, Verdict
from symbackprop.checking.settings import Settings
from symbackprop.exams.grading_literals import Statement, gathered, statement
from symbackprop.exams.grading_model import Answer, Doubt, Formula, Place
from symbackprop.exams.grading_numbers import Numbers
from symbackprop.exams.grading_places import called
from symbackprop.exams.grading_sections import line_named, sections
from symbackprop.exams.manifest import Planted
from symbackprop.exams.model import Exam, Part, Question, Sheet
from symbackprop.exercise import ExerciseError
from symbackprop.exercise.model import Exercise
from symbackprop.notation.write import to_plain

_RIGHT: Final[frozenset[Verdict]] = frozenset({"definition", "correct", "convention", "rounded"})
_FALSE: Final[frozenset[Verdict]] = frozenset({"wrong", "carried"})
_FRACTION: Final = re.compile(r"\\d?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_COMMANDS: Final = re.compile(r"\\(?!partial|hat)[a-zA-Z]+")
_INDEX: Final = re.compile(r"[_\[(].*$")
_FAILURES: Final = (ValueError, ExerciseError, NotCertified, EvaluationError, DomainProblem)
"""What checking a text raises where nothing can be said about it."""

_SHOWN: Final = 160  # characters of a line in the list for a person


@dataclass(frozen=True, slots=True)
class Source:
    """A student's derivation: `name` of the file, its text and form as `checking.source` has them."""

    name: str
    text: str
    suffix: str = ""


@dataclass(slots=True)
class Reading:
    """What a derivation answers. `pending` are parts that a person has to mark."""

    answers: dict[Place, Answer] = field(default_factory=dict)
    pending: set[Place] = field(default_factory=set)
    doubts: list[Doubt] = field(default_factory=list)


@dataclass(slots=True)
class _Judged:
    """The statements about one question by quantity, in order, and the lines that could not be read."""

    by_name: dict[str, list[tuple[Statement, Finding]]] = field(default_factory=dict)
    unread: list[Finding] = field(default_factory=list)


class Derivations:
    """Reads derivations for one exam."""

    def __init__(self, exam: Exam) -> None:
        self.exam = exam
        self._general: dict[tuple[str, str], _Judged] = {}

    def read(
        self, source: Source, student: str, sheets: Mapping[str, Sheet], planted: Sequence[Planted]
    ) -> Reading:
        """What a student's file answers; `sheets` are their numbers by question."""
        made = Reading()
        found = sections(source.text, source.suffix, self.exam)
        texts = {question.id: source.text for question in self.exam.questions} if found is None else found
        try:
            findings: dict[str, Sequence[Finding]] = {
                question.id: _findings(
                    _with_numbers(question, sheets[question.id]), texts[question.id], source
                )
                for question in self.exam.questions
                if question.id in texts
            }
        except _FAILURES as problem:
            self._unreadable(made, source, student, str(problem))
            return made
        if found is None and len(findings) > 1:
            findings = self._told_apart(findings, source, student, made)
        for question in self.exam.questions:
            if question.id in findings:
                judged = _judged(findings[question.id], question.exercise)
                reader = _Question(question, sheets[question.id], source, student, made)
                reader.read(judged, texts[question.id], planted)
        return made

    def general(self, question: Question, part: Part, sheet: Sheet, source: Source, student: str) -> Reading:
        """What a text by itself answers to a part that asks for a derivation in general.

        A formula is right or not whoever writes it, so each text is judged once.
        """
        made = Reading()
        key = (question.id, source.text)
        judged = self._general.get(key)
        if judged is None:
            try:
                judged = _judged(_findings(question.exercise, source.text, source), question.exercise)
            except _FAILURES as problem:
                made.pending.add((question.id, part.id))
                made.doubts.append(
                    Doubt(file=source.name, line=0, why="file", student=student, question=question.id,
                          part=part.id, parts={"message": str(problem)})
                )  # fmt: skip
                return made
            self._general[key] = judged
        reader = _Question(question, sheet, source, student, made)
        answer = reader.derived(part, judged)
        if answer is not None:
            made.answers[question.id, part.id] = answer
        if any(name not in judged.by_name for name in part.names):
            reader.look_at_unread(judged, [part])
        return made

    def _unreadable(self, made: Reading, source: Source, student: str, message: str) -> None:
        made.doubts.append(
            Doubt(file=source.name, line=0, why="file", student=student, parts={"message": message})
        )
        made.pending |= {
            (question.id, part.id) for question in self.exam.questions for part in question.parts
        }

    def _told_apart(
        self, findings: Mapping[str, Sequence[Finding]], source: Source, student: str, made: Reading
    ) -> dict[str, Sequence[Finding]]:
        """Of a text without headings, what may be about each question: a statement that is false there and
        right in another one is about the other."""
        right = {
            question: {_where(one) for one in found if one.verdict in _RIGHT}
            for question, found in findings.items()
        }
        kept: dict[str, Sequence[Finding]] = {}
        for question in self.exam.questions:
            elsewhere = {at for other, places in right.items() if other != question.id for at in places}
            mine = [
                one for one in findings[question.id]
                if not (one.verdict in (*_FALSE, "not read") and _where(one) in elsewhere)
            ]  # fmt: skip
            kept[question.id] = [
                one for one in mine if not self._is_anybodys(one, question, right[question.id], mine, made,
                                                            source, student)
            ]  # fmt: skip
        return kept

    def _is_anybodys(
        self, one: Finding, question: Question, right: set[tuple[int, int, int]], mine: Sequence[Finding],
        made: Reading, source: Source, student: str,
    ) -> bool:  # fmt: skip
        """Whether a false statement may belong to another question as well; then a person looks at it."""
        if one.verdict not in _FALSE or one.reading is None:
            return False
        about = statement(one.reading, question.exercise.loss)
        others = [other for other in self.exam.questions if other is not question]
        if about is None or not any(about.name in _asked(other) for other in others):
            return False
        if any(_where(two) in right and _is_about(two, about.name, question) for two in mine):
            return True
        for part in question.parts:
            if about.name in part.names and part.kind != "mistake":
                made.pending.add((question.id, part.id))
                made.doubts.append(_doubt(source, student, (question.id, part.id), one, "which_question"))
        return True


def _where(one: Finding) -> tuple[int, int, int]:
    return one.cell or 0, one.line, one.column


def _asked(question: Question) -> set[str]:
    return {name for part in question.parts for name in part.names}


def _is_about(one: Finding, name: str, question: Question) -> bool:
    found = None if one.reading is None else statement(one.reading, question.exercise.loss)
    return found is not None and found.name == name


def _with_numbers(question: Question, sheet: Sheet) -> Exercise:
    """The exercise of a question with a student's numbers."""
    return replace(question.exercise, values=dict(sheet.values))


def _findings(exercise: Exercise, text: str, source: Source) -> tuple[Finding, ...]:
    checked = check_text(text, [exercise], name=source.name, suffix=source.suffix, settings=Settings())
    return checked.findings


def _judged(findings: Sequence[Finding], exercise: Exercise) -> _Judged:
    made = _Judged()
    for one in findings:
        if one.verdict == "not read":
            made.unread.append(one)
            continue
        found = None if one.reading is None else statement(one.reading, exercise.loss)
        if found is not None:
            made.by_name.setdefault(found.name, []).append((found, one))
    return made


def _doubt(source: Source, student: str, place: Place, one: Finding, why: str) -> Doubt:
    return Doubt(
        file=source.name, line=one.line, why=why, student=student, question=place[0], part=place[1],
        text=one.text[:_SHOWN],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Question:
    """Reads what a derivation says about one question."""

    question: Question
    sheet: Sheet
    source: Source
    student: str
    made: Reading

    def read(self, judged: _Judged, text: str, planted: Sequence[Planted]) -> None:
        """Answers to all parts, and what a person has to look at."""
        nothing: list[Part] = []
        for part in self.question.parts:
            place = (self.question.id, part.id)
            if place in self.made.pending:
                continue
            answer = self._answer(part, judged, text, planted)
            if answer is not None:
                self.made.answers[place] = answer
            if part.kind != "mistake" and self._is_lacking(part, judged):
                nothing.append(part)
        self.look_at_unread(judged, nothing)

    def _is_lacking(self, part: Part, judged: _Judged) -> bool:
        return any(name not in judged.by_name for name in part.names)

    def _answer(self, part: Part, judged: _Judged, text: str, planted: Sequence[Planted]) -> Answer | None:
        if part.kind == "mistake":
            return self._found(part, judged, text, planted)
        if part.kind == "derive":
            return self.derived(part, judged)
        return self._value(part.name, judged)

    # --- numbers

    def _value(self, name: str, judged: _Judged) -> Answer | None:
        lines = judged.by_name.get(name)
        if not lines:
            return None
        last = lines[-1][1]
        whole = [(one, at) for one, at in lines if one.numeric and one.places == ()]
        entries = [(one, at) for one, at in lines if one.numeric and one.places]
        formula = self._formula(lines)
        numbers = None
        settled = carried = False
        if whole:
            numbers, last = whole[-1][0].numbers, whole[-1][1]
            settled, carried = last.verdict in _RIGHT, last.verdict == "carried"
        elif entries:
            numbers, last = self._stated(name, judged), entries[-1][1]
        elif lines[-1][0].same:
            numbers = self._stated(lines[-1][0].same, judged)
        if numbers is None and last.kind == "code":  # what it computes is nowhere written down
            settled, carried = last.verdict in _RIGHT, last.verdict == "carried"
        named = () if last.verdict in _RIGHT else last.mistakes
        return Answer(
            file=self.source.name, line=last.line, text=last.text, numbers=numbers,
            formulas={name: formula}, carried=carried, settled=settled, named=named,
        )  # fmt: skip

    def _stated(self, name: str, judged: _Judged) -> Numbers | None:
        """The last numbers of a quantity as a whole, else those of its entries."""
        lines = [one for one, _ in judged.by_name.get(name, ())]
        whole = [one.numbers for one in lines if one.places == () and one.numbers is not None]
        entries = [one for one in lines if one.numeric and one.places]
        if whole or not entries or name not in self.sheet.key:
            return whole[-1] if whole else None
        return gathered(entries, self.sheet.key[name])

    def _formula(self, lines: Sequence[tuple[Statement, Finding]]) -> Formula:
        """What the last formula of a quantity is."""
        for one, finding in reversed(lines):
            if one.formula is None:
                continue
            if finding.verdict in _RIGHT or finding.verdict == "carried":
                return "right"
            if one.numeric and self._holds(one):
                return "right"
            if finding.verdict == "wrong":
                return "wrong"
        return "none"

    def _holds(self, one: Statement) -> bool:
        """Whether the formula of a statement is right whose numbers are not."""
        if one.formula is None:
            return False
        try:
            found = check_text(to_plain(one.formula), [self.question.exercise], suffix=".txt").findings
        except (ValueError, NotCertified, EvaluationError, DomainProblem):
            return False
        return bool(found) and all(finding.verdict in _RIGHT for finding in found)

    # --- formulas, and mistakes that were to be found

    def derived(self, part: Part, judged: _Judged) -> Answer | None:
        lines = [pair for name in part.names for pair in judged.by_name.get(name, ())]
        if not lines:
            return None
        formulas = {name: self._formula(judged.by_name.get(name, [])) for name in part.names}
        wrong = [one for _, one in lines if one.verdict == "wrong"]
        named = tuple(mistake for one in wrong for mistake in one.mistakes)
        shown = [one for one, _ in lines if one.formula is not None]
        text = "; ".join(to_plain(one.formula) for one in shown if one.formula is not None)
        return Answer(
            file=self.source.name, line=lines[0][1].line, text=text, formulas=formulas,
            named=named if "wrong" in formulas.values() else (),
        )  # fmt: skip

    def _found(self, part: Part, judged: _Judged, text: str, planted: Sequence[Planted]) -> Answer | None:
        """The line that is called wrong, and the last value of its quantity. A person looks where one of them
        is not found: it may be said in words."""
        place = (self.question.id, part.id)
        name = next((one.name for one in planted if (one.question, one.part) == place), "")
        line = line_named(text)
        numbers = self._stated(name, judged)
        if line is None or numbers is None:
            why = "line" if line is None else "no_correction"
            self.made.pending.add(place)
            self.made.doubts.append(
                Doubt(file=self.source.name, line=0, why=why, student=self.student,
                      question=place[0], part=place[1])
            )  # fmt: skip
            return None
        return Answer(file=self.source.name, line=0, text=str(line), wrong_line=line, numbers=numbers)

    # --- what could not be read

    def look_at_unread(self, judged: _Judged, nothing: Sequence[Part]) -> None:
        """Lines that could not be read, about parts of which nothing else was said."""
        known = judged.by_name
        for one in judged.unread:
            name = about(one.text, _asked(self.question))
            for part in nothing:
                if name is None or (name in part.names and name not in known):
                    place = (self.question.id, part.id)
                    self.made.pending.add(place)
                    self.made.doubts.append(_doubt(self.source, self.student, place, one, "unread"))


def about(text: str, names: set[str]) -> str | None:
    """Which of the names a line that cannot be read begins with; None if that cannot be told."""
    left = _FRACTION.sub(r"\1/\2", text.replace(r"\partial", "∂")).partition("=")[0]
    plain = _COMMANDS.sub("", left).replace(r"\hat", "hat")
    return next((name for name in (called(plain), called(_INDEX.sub("", plain))) if name in names), None)
