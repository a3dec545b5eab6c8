"""Grading: answers in, points out, by the rubric of what was really handed out.

The exam and every number come from the manifest; each student's key is worked out anew, by both routes, and
compared with the manifest's before anything is marked. What cannot be read is never wrong: it is a doubt, for
a person, and its part has no points until they have looked. Grading twice gives the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from symbackprop.exams.faulty import shown_steps
from symbackprop.exams.grading_derivations import Derivations
from symbackprop.exams.grading_derived import Source
from symbackprop.exams.grading_files import given_in
from symbackprop.exams.grading_marks import (
    Earlier,
    Marking,
    all_cells,
    mark_derived,
    mark_found,
    mark_value,
)
from symbackprop.exams.grading_model import (
    Answer,
    Candidate,
    Doubt,
    Graded,
    GradingError,
    PartMark,
    Place,
    StudentMarks,
)
from symbackprop.exams.grading_places import Parts, People
from symbackprop.exams.grading_reading import Read, TableReader, is_blank
from symbackprop.exams.grading_sources import Collected, together
from symbackprop.exams.grading_table import Row, Table
from symbackprop.exams.manifest import Issued, Manifest
from symbackprop.exams.model import Sheet, Variant
from symbackprop.exams.rubric import Rubrics, RubricStep
from symbackprop.exams.tracer import step_name
from symbackprop.exams.variants import KeyMismatch, Maker, Questioned
from symbackprop.notation.node import Node
from symbackprop.notation.write import to_plain


def grade(answers: Path | Sequence[Path], manifest: Manifest, *, decimal_mark: str = ".") -> Graded:
    """The exam of a manifest graded: `answers` are tables (CSV), folders with derivations, and derivations by
    themselves; what they say is put together part by part.

    `decimal_mark` is that of the exam's language. Raises GradingError where the answers or the manifest
    cannot be used, ExerciseError for the exam's text, KeyMismatch where a key is not what the manifest has.
    """
    paths = [answers] if isinstance(answers, Path) else list(dict.fromkeys(answers))
    given = [given_in(path) for path in paths]
    grader = Grader.of(manifest)
    return grader.graded(
        [
            grader.in_table(one, path.name, decimal_mark) if isinstance(one, str)
            else grader.in_derivations(*one)
            for path, one in zip(paths, given, strict=True)
        ]
    )  # fmt: skip


class Grader:
    """An exam with its derivations, its rubrics, and what was handed out."""

    def __init__(self, manifest: Manifest, maker: Maker) -> None:
        self.exam = maker.exam
        self.issued = manifest.issued
        self._people = People(manifest.issued)
        tracers = {one.question.id: one.plan.tracer for one in maker.questions}
        self._rubrics = Rubrics(self.exam, tracers)
        self._marking = {one.question.id: self._marking_of(one) for one in maker.questions}
        self._formulas = {
            one.question.id: {step_name(step): step.formula for step in one.plan.tracer.steps}
            for one in maker.questions
        }
        self.reader = Derivations(self.exam, self._formulas)
        self._lines = {
            (one.question.id, part.id): tuple(map(step_name, shown_steps(one.plan, part)))
            for one in maker.questions for part in one.question.parts if part.kind == "mistake"
        }  # fmt: skip
        self._candidates = {one.student.id: self._candidate(one, maker) for one in manifest.issued}

    @classmethod
    def of(cls, manifest: Manifest) -> Grader:
        """Everything made anew from a manifest. Raises ExerciseError, GradingError, KeyMismatch."""
        return cls(manifest, Maker.of(manifest.read()))

    def _marking_of(self, one: Questioned) -> Marking:
        nodes: dict[tuple[str, str, str, str], tuple[Node | None, Node | None]] = {
            (step_name(step), row.id, _plain(wrong.about), _plain(wrong.instead)):
                (wrong.about, wrong.instead)
            for step, row, wrong in one.plan.tracer.mistakes()
        }  # fmt: skip
        return Marking(exam=self.exam, following=self._rubrics.following[one.question.id], nodes=nodes)

    def _candidate(self, issued: Issued, maker: Maker) -> Candidate:
        """The exam of a student, with its wrong answers and rubric, once its key has been found again."""
        who = issued.student.id
        if [sheet.question for sheet in issued.sheets] != [one.question.id for one in maker.questions]:
            raise GradingError(f"the manifest is damaged: student {who!r} has other questions than the exam")
        sheets: list[Sheet] = []
        for questioned, kept in zip(maker.questions, issued.sheets, strict=True):
            try:
                made = questioned.again(questioned.numbers(kept))
            except (KeyError, ValueError) as problem:
                raise GradingError(
                    f"the manifest is damaged: question {kept.question} of student {who!r}: {problem}"
                ) from None
            sheet = questioned.sheet(made, b"", who)
            _compare(kept, sheet, who)
            sheets.append(replace(sheet, wrong=tuple(sheet.wrong)))  # looked at for every part
        variant = Variant(student=issued.student, sheets=tuple(sheets))
        planted = {(one.question, one.part): one for one in issued.planted}
        by_question = {sheet.question: sheet for sheet in sheets}
        for place, one in planted.items():
            if place[0] not in by_question or by_question[place[0]].key.get(one.name) != one.value:
                raise KeyMismatch(f"student {who!r}: the corrected line of {place[0]} is not the right one")
        return Candidate(
            issued=issued, sheets=by_question, steps=self._rubrics.steps(variant), planted=planted
        )

    # --- two kinds of answers

    def table(self, text: str, file: str, decimal_mark: str = ".") -> Graded:
        """Grade the answers of a table. Raises GradingError."""
        return self.graded([self.in_table(text, file, decimal_mark)])

    def derivations(self, sources: Sequence[Source], doubts: Sequence[Doubt] = ()) -> Graded:
        """Grade derivations, whose names are students' ids, printed codes or numbers. `doubts` are files that
        cannot be read."""
        return self.graded([self.in_derivations(sources, doubts)])

    def in_table(self, text: str, file: str, decimal_mark: str = ".") -> Collected:
        """What a table answers. Raises GradingError."""
        table = Table(text, file, self._people, Parts(self.exam))
        reader = TableReader(
            file=file, mark=decimal_mark, candidates=self._candidates, derivations=self.reader,
            lines=self._lines,
        )  # fmt: skip
        by_part: dict[tuple[str, Place], list[Row]] = {}
        for row in table.rows():
            by_part.setdefault((row.student.id, (row.question.id, row.part.id)), []).append(row)
        for rows in by_part.values():
            reader.take(rows)
        for student in table.lost:
            reader.read.setdefault(student, Read()).lost = True
        asked = {place for _, place in by_part}
        return Collected(reader.read, [*table.doubts, *reader.doubts], asked, file)

    def in_derivations(self, sources: Sequence[Source], doubts: Sequence[Doubt] = ()) -> Collected:
        """What derivations answer; `doubts` as for `derivations`."""
        found: dict[str, list[str]] = {}
        kept = []
        for doubt in doubts:
            owner = self._owner(doubt.file)
            who = _stem(doubt.file) if owner is None else owner.student.id
            kept.append(replace(doubt, student=who))
            if owner is not None:
                found.setdefault(owner.student.id, []).append(doubt.file)
        texts: dict[str, Source] = {}
        for source in sources:
            owner = self._owner(source.name)
            if owner is None:
                stem = _stem(source.name)
                kept.append(
                    Doubt(file=source.name, line=0, why="student", student=stem, parts={"text": stem})
                )
                continue
            found.setdefault(owner.student.id, []).append(source.name)
            texts[owner.student.id] = source
        read: dict[str, Read] = {}
        for student, names in found.items():
            if len(names) > 1 or student not in texts:
                read[student] = Read(lost=True)
                kept += [
                    Doubt(file=name, line=0, why="files", student=student, parts={"files": tuple(names)})
                    for name in names if len(names) > 1
                ]  # fmt: skip
                continue
            one = self._candidates[student]
            made = self.reader.read(texts[student], student, one.sheets, one.planted)
            kept += made.doubts
            read[student] = Read(made.answers, made.pending, made.vague, unsure=made.unsure)
            if not read[student].present:
                kept.append(Doubt(file=names[0], line=0, why="nothing", student=student))
                read[student].lost = True
        everything = {(question.id, part.id) for question in self.exam.questions for part in question.parts}
        return Collected(read, kept, everything)

    def _owner(self, name: str) -> Issued | None:
        """Whose file this is: called by an id, a code or a number, or as papers are (`0017-3f2a9c1b77de`)."""
        return self._people.owner(_stem(name))

    # --- marks

    def graded(self, sources: Sequence[Collected]) -> Graded:
        """The marks of what was read, wherever it comes from."""
        whole = together(sources)
        asked, file = whole.asked, whole.file
        doubts = [*whole.doubts]
        doubts += [
            Doubt(file=file, line=0, why="skipped", question=question.id, part=part.id)
            for question in self.exam.questions for part in question.parts
            if (question.id, part.id) not in asked
        ]  # fmt: skip
        students = []
        for issued in self.issued:
            one = self._candidates[issued.student.id]
            mine = whole.read.get(issued.student.id, Read())
            parts: tuple[PartMark, ...] = ()
            if mine.present:
                parts = tuple(self._parts(one, mine, asked))
                doubts += _unsure(parts, mine)
                doubts += _later_doubts(parts, issued, file)
            students.append(
                StudentMarks(student=issued.student, code=issued.code, present=mine.present,
                             sheets=tuple(one.sheets.values()), parts=parts)
            )  # fmt: skip
        order = {issued.student.id: at for at, issued in enumerate(self.issued)}
        doubts.sort(key=lambda one: (one.file, one.line, order.get(one.student, -1)))
        return Graded(exam=self.exam, formulas=self._formulas, students=tuple(students), doubts=tuple(doubts))

    def _parts(self, one: Candidate, read: Read, asked: set[Place]) -> Iterator[PartMark]:
        """The marks in the order of the paper; worked out in that of the derivation, whichever that is."""
        earlier = {question: Earlier({}, set()) for question in one.sheets}
        made: dict[Place, PartMark] = {}
        for step in sorted(one.steps, key=self._depth):
            place = (step.question, step.part.id)
            mark = self._part(step, place, one, read, asked, earlier[step.question])
            if step.key is not None and not mark.skipped:
                earlier[step.question].take(step.part.name, mark, step.key)
            made[place] = mark
        return (made[step.question, step.part.id] for step in one.steps)

    def _depth(self, step: RubricStep) -> int:
        """Where a quantity stands in its derivation; what is written in words comes last."""
        order = list(self._formulas[step.question])
        return order.index(step.part.name) if step.key is not None else len(order)

    def _part(
        self, step: RubricStep, place: Place, one: Candidate, read: Read, asked: set[Place], earlier: Earlier
    ) -> PartMark:
        answer = read.answers.get(place)
        if place not in asked:
            return PartMark(step=step, answer=None, points=None, skipped=True)
        if place in read.pending or (read.lost and answer is None):
            return PartMark(step=step, answer=answer, points=None, planted=one.planted.get(place))
        if answer is None or is_blank(answer):
            return self._unanswered(step, one, place)
        mark = self._mark(step, answer, one, earlier)
        if mark.points is not None and not mark.full and place in read.unsure:
            return PartMark(step=step, answer=answer, points=None)
        return mark

    def _unanswered(self, step: RubricStep, one: Candidate, place: Place) -> PartMark:
        cells = all_cells("blank", 0 if step.key is None else len(step.key.entries))
        planted = one.planted.get(place)
        mistakes = () if planted is None else (self._marking[step.question].named(planted.name, planted),)
        return PartMark(
            step=step, answer=None, points=Fraction(0), cells=cells, planted=planted, mistakes=mistakes
        )

    def _mark(self, step: RubricStep, answer: Answer, one: Candidate, earlier: Earlier) -> PartMark:
        marking = self._marking[step.question]
        if step.part.kind == "value":
            return mark_value(marking, step, answer, one.sheets[step.question], earlier)
        if step.part.kind == "derive":
            return mark_derived(step, answer)
        planted = one.planted.get((step.question, step.part.id))
        if planted is None:
            return PartMark(step=step, answer=answer, points=None)
        return mark_found(marking, step, answer, planted)


def _compare(kept: Sheet, made: Sheet, who: str) -> None:
    """Raises KeyMismatch where the key in a manifest is another than the one that was just found."""
    for name in {**kept.key, **dict.fromkeys(made.key)}:
        if name not in kept.key or name not in made.key or kept.key[name] != made.key[name]:
            raise KeyMismatch(
                f"student {who!r}, question {kept.question}: {name} is not what the numbers give"
            )


def _later_doubts(parts: Sequence[PartMark], issued: Issued, file: str) -> Iterator[Doubt]:
    """What a person has to mark though it could be read: it hangs on what could not be, or disagrees."""
    unread = {(one.step.question, one.step.part.name) for one in parts
              if one.points is None and one.step.key is not None and not one.skipped}  # fmt: skip
    for one in parts:
        if one.points is None and one.answer is not None and one.cells:
            follows = tuple(name for name in one.step.follows if (one.step.question, name) in unread)
            yield Doubt(
                file=one.answer.file or file, line=one.answer.line,
                why=_why(one), student=issued.student.id,
                question=one.step.question, part=one.step.part.id, text=one.answer.text,
                parts={"names": follows},
            )  # fmt: skip


def _unsure(parts: Sequence[PartMark], read: Read) -> Iterator[Doubt]:
    """Lines that could not be read, about parts that have not all points without them."""
    for one in parts:
        if one.points is None and not one.skipped and one.place not in read.pending:
            yield from read.unsure.get(one.place, ())


def _why(one: PartMark) -> str:
    """Why a part that was read is for a person."""
    if one.step.key is not None:
        return "after"
    return "reason" if one.answer is not None and one.answer.reasoned else "correction"


def _stem(name: str) -> str:
    return Path(name).stem


def _plain(node: Node | None) -> str:
    return "" if node is None else to_plain(node)
