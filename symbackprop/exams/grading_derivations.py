"""Derivations as answers: each statement judged against the student's own numbers, then sorted by what it is
about.

A right formula shows the method, the numbers at a statement's end are the answer. What could not be read is
for a person where nothing else was said about the same part; so is a wrong statement of which nobody can tell
to which question it belongs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symbackprop.checking.check import check_text
from symbackprop.checking.findings import Finding
from symbackprop.exams.grading_derived import (
    QuestionReader,
    Reading,
    Source,
    asked_in,
    doubt_of,
    with_numbers,
)
from symbackprop.exams.grading_judged import FAILURES, Judged, judged_of
from symbackprop.exams.grading_literals import statement
from symbackprop.exams.grading_methods import FALSE, RIGHT, Methods
from symbackprop.exams.grading_model import Doubt, Place
from symbackprop.exams.grading_sections import sections
from symbackprop.exams.manifest import Planted
from symbackprop.exams.model import Exam, Part, Question, Sheet
from symbackprop.exercise.model import Exercise
from symbackprop.notation.node import Node


class Derivations:
    """Reads derivations for one exam; `formulas` say by question how each quantity is made."""

    def __init__(self, exam: Exam, formulas: Mapping[str, Mapping[str, Node]]) -> None:
        self.exam = exam
        self._methods = {
            question.id: Methods(formulas[question.id], question.exercise.loss) for question in exam.questions
        }
        self._general: dict[tuple[str, str], Judged] = {}

    def read(
        self, source: Source, student: str, sheets: Mapping[str, Sheet], planted: Mapping[Place, Planted]
    ) -> Reading:
        """What a student's file answers; `sheets` are their numbers by question."""
        made = Reading()
        found = sections(source.text, source.suffix, self.exam)
        texts = {question.id: source.text for question in self.exam.questions} if found is None else found
        try:
            findings: dict[str, Sequence[Finding]] = {
                question.id: _findings(
                    with_numbers(question, sheets[question.id]), texts[question.id], source.suffix
                )
                for question in self.exam.questions
                if question.id in texts
            }
        except FAILURES:
            self._unreadable(made, source, student)
            return made
        mixed = found is None and len(findings) > 1
        kept = self._told_apart(findings, source, student, made) if mixed else findings
        for question in self.exam.questions:
            if question.id in findings:
                reader = self._reader(question, sheets[question.id], source, student, made)
                judged = reader.judged(kept[question.id], rows=not mixed)  # else they may be about another
                if mixed:
                    judged.read = reader.judged(findings[question.id], rows=False).read
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
                judged = judged_of(
                    _findings(question.exercise, source.text, source.suffix), question.exercise
                )
            except FAILURES:
                made.wait(
                    Doubt(file=source.name, line=0, why="unchecked", student=student, question=question.id,
                          part=part.id)
                )  # fmt: skip
                return made
            self._general[key] = judged
        reader = self._reader(question, sheet, source, student, made)
        answer = reader.derived(part, judged)
        if answer is not None:
            made.answers[question.id, part.id] = answer
        if any(name not in judged.by_name for name in part.names):
            reader.look_at_unread(judged, [part], [part])
        reader.keep_unsure(judged, [part])
        return made

    def _reader(
        self, question: Question, sheet: Sheet, source: Source, student: str, made: Reading
    ) -> QuestionReader:
        return QuestionReader(question, sheet, source, student, made, self._methods[question.id])

    def _unreadable(self, made: Reading, source: Source, student: str) -> None:
        made.doubts.append(Doubt(file=source.name, line=0, why="unchecked", student=student))
        made.pending |= {
            (question.id, part.id) for question in self.exam.questions for part in question.parts
        }

    def _told_apart(
        self, findings: Mapping[str, Sequence[Finding]], source: Source, student: str, made: Reading
    ) -> dict[str, Sequence[Finding]]:
        """Of a text without headings, what may be about each question: a statement that is false there and
        right in another one is about the other."""
        right = {
            question: {_where(one) for one in found if one.verdict in RIGHT}
            for question, found in findings.items()
        }
        kept: dict[str, Sequence[Finding]] = {}
        for question in self.exam.questions:
            elsewhere = {at for other, places in right.items() if other != question.id for at in places}
            mine = [
                one for one in findings[question.id]
                if not (one.verdict in (*FALSE, "not read") and _where(one) in elsewhere)
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
        if one.verdict not in FALSE or one.reading is None:
            return False
        about = statement(one.reading, question.exercise.loss)
        others = [other for other in self.exam.questions if other is not question]
        if about is None or not any(about.name in asked_in(other) for other in others):
            return False
        if any(_where(two) in right and _is_about(two, about.name, question) for two in mine):
            return True
        for part in question.parts:
            if about.name in part.names and part.kind != "mistake":
                made.wait(doubt_of(source, student, (question.id, part.id), one, "which_question"))
        return True


def _where(one: Finding) -> tuple[int, int, int]:
    return one.cell or 0, one.line, one.column


def _is_about(one: Finding, name: str, question: Question) -> bool:
    found = None if one.reading is None else statement(one.reading, question.exercise.loss)
    return found is not None and found.name == name


def _findings(exercise: Exercise, text: str, suffix: str) -> tuple[Finding, ...]:
    return check_text(text, [exercise], suffix=suffix).findings
