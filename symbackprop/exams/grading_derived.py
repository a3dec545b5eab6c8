"""What a derivation answers to the parts of one question."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from symbackprop.checking.findings import Finding
from symbackprop.exams.grading_judged import Judged, Line, checked, judged_of
from symbackprop.exams.grading_lines import line_named, says_more
from symbackprop.exams.grading_literals import Statement, gathered
from symbackprop.exams.grading_mentions import about, formulas, mentions
from symbackprop.exams.grading_methods import FALSE, RIGHT, Methods
from symbackprop.exams.grading_model import Answer, Doubt, Formula, Place
from symbackprop.exams.grading_numbers import Numbers, Unread, read_numbers
from symbackprop.exams.grading_salvage import comment, is_doubtful, row_of
from symbackprop.exams.grading_sections import proses
from symbackprop.exams.manifest import Planted
from symbackprop.exams.model import Part, Question, Sheet
from symbackprop.exercise.model import Exercise
from symbackprop.notation.write import to_plain

_SHOWN: Final = 160  # characters of a line in the list for a person


@dataclass(frozen=True, slots=True)
class Source:
    """A student's derivation: `name` of the file, its text and form as `checking.source` has them."""

    name: str
    text: str
    suffix: str = ""


@dataclass(slots=True)
class Reading:
    """What a derivation answers. `pending` are parts that a person has to mark. Some are `vague`: something
    could not be read of which nobody can tell what it is about. `unsure` are lines about parts of which there
    is an answer, that could not be read: who has not all points for them may have written the rest there."""

    answers: dict[Place, Answer] = field(default_factory=dict)
    pending: set[Place] = field(default_factory=set)
    vague: set[Place] = field(default_factory=set)
    doubts: list[Doubt] = field(default_factory=list)
    unsure: dict[Place, list[Doubt]] = field(default_factory=dict)

    def wait(self, doubt: Doubt) -> None:
        """A person marks the part that a doubt is about."""
        self.pending.add((doubt.question, doubt.part))
        self.doubts.append(doubt)


def asked_in(question: Question) -> set[str]:
    """The quantities that a question asks for."""
    return {name for part in question.parts for name in part.names}


def with_numbers(question: Question, sheet: Sheet) -> Exercise:
    """The exercise of a question with a student's numbers."""
    return replace(question.exercise, values=dict(sheet.values))


def doubt_of(source: Source, student: str, place: Place, one: Finding, why: str) -> Doubt:
    """A doubt about one line."""
    return Doubt(
        file=source.name, line=one.line, why=why, student=student, question=place[0], part=place[1],
        text=one.text[:_SHOWN],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class QuestionReader:
    """Reads what a derivation says about one question."""

    question: Question
    sheet: Sheet
    source: Source
    student: str
    made: Reading
    methods: Methods

    def judged(self, findings: Sequence[Finding], *, rows: bool) -> Judged:
        """Findings about this question, sorted; with `rows` numbers are read that formulas do not have."""
        due = {one.name: self.sheet.key[one.name] for one in self.question.parts if one.kind == "value"}
        return judged_of(findings, with_numbers(self.question, self.sheet), due if rows else None)

    def read(self, judged: Judged, text: str, planted: Mapping[Place, Planted]) -> None:
        """Answers to all parts, and what a person has to look at."""
        open_parts: list[Part] = []
        for part in self.question.parts:
            place = (self.question.id, part.id)
            if place in self.made.pending:
                continue
            answer = self._answer(part, judged, text, planted)
            if answer is not None:
                self.made.answers[place] = answer
            if part.kind != "mistake" and _is_open(part, answer):
                open_parts.append(part)
        nothing = [part for part in open_parts if any(name not in judged.by_name for name in part.names)]
        self.look_at_unread(judged, open_parts, nothing)
        self.keep_unsure(judged, [part for part in self.question.parts if part.kind != "mistake"])
        self._look_at_mentions(judged, text, nothing)

    def _answer(
        self, part: Part, judged: Judged, text: str, planted: Mapping[Place, Planted]
    ) -> Answer | None:
        if part.kind == "mistake":
            return self._found(part, judged, text, planted)
        if part.kind == "derive":
            return self.derived(part, judged)
        return self._value(part, judged)

    # --- numbers

    def _value(self, part: Part, judged: Judged) -> Answer | None:
        """The last numbers of a quantity, and the formula on their line, else the nearest one before them."""
        name = part.name
        lines = judged.lines(name)
        if not lines:
            return None
        at, numbers = self._numbers(name, lines, judged)
        said, last = lines[at]
        whole = said.numeric and said.places == ()
        row = whole and (said.row or said.numbers is not numbers)  # the checker read something else
        read_here = whole and not row
        settled = read_here and last.verdict in RIGHT and last.kind != "code"
        if numbers is None and last.kind == "code":
            numbers = self._commented(part, last)
        doubtful = self._is_doubtful(said, last, name)
        if numbers is None and said.numeric and not settled and (doubtful or last.verdict != "wrong"):
            self._wait(part, last, "row" if doubtful else "unread_numbers")
        formula, source = self._formula(lines[: at + 1], judged)
        wrong = [one for one in (last, source) if one is not None and one.verdict not in RIGHT]
        named = () if row or not wrong else wrong[-1].mistakes or wrong[0].mistakes
        return Answer(
            file=self.source.name, line=last.line, text=last.text, numbers=numbers,
            formulas={name: formula}, settled=settled, named=named,
        )  # fmt: skip

    def _commented(self, part: Part, last: Finding) -> Numbers | None:
        """The numbers that a comment behind a line of a program states. A person looks where they cannot be
        read."""
        said = comment(self.source.text, last.line) if self.source.suffix == ".py" else ""
        try:
            numbers = read_numbers(said, len(self.sheet.key[part.name].entries), ".")
        except Unread:
            numbers = None
        if numbers is None and any(map(str.isdigit, said)):
            self._wait(part, last, "mentioned")
        return None if numbers is None or numbers.empty else numbers

    def _numbers(self, name: str, lines: Sequence[Line], judged: Judged) -> tuple[int, Numbers | None]:
        """Where the last numbers of a quantity stand, as a whole or else by entries, and what they are."""
        whole = [at for at, (one, _) in enumerate(lines) if one.numeric and one.places == ()]
        if whole:
            return whole[-1], self._written(*lines[whole[-1]], name)
        entries = [at for at, (one, _) in enumerate(lines) if one.numeric and one.places]
        if entries:
            return entries[-1], self._stated(name, judged)
        same = lines[-1][0].same
        return len(lines) - 1, self._stated(same, judged) if same else None

    def _written(self, one: Statement, finding: Finding, name: str) -> Numbers | None:
        """The numbers of a statement; where a row of them was taken for a subtraction, the row."""
        if not self._is_doubtful(one, finding, name):
            return one.numbers
        return row_of(finding.text, len(self.sheet.key[name].entries))

    def _is_doubtful(self, one: Statement, finding: Finding, name: str) -> bool:
        """Whether numbers that are not right may be a row or a subtraction."""
        single = one.numbers is None or len(one.numbers.cells) == 1
        if one.row or finding.verdict in RIGHT or not (single and one.numeric) or name not in self.sheet.key:
            return False
        return is_doubtful(finding.text, len(self.sheet.key[name].entries))

    def _stated(self, name: str, judged: Judged) -> Numbers | None:
        """The last numbers of a quantity as a whole, else those of its entries."""
        lines = judged.lines(name)
        written = (self._written(one, at, name) for one, at in lines if one.numeric and one.places == ())
        whole = [numbers for numbers in written if numbers is not None]
        entries = [one for one, _ in lines if one.numeric and one.places]
        if whole or not entries or name not in self.sheet.key:
            return whole[-1] if whole else None
        return gathered(entries, self.sheet.key[name])

    def _formula(self, lines: Sequence[Line], judged: Judged) -> tuple[Formula, Finding | None]:
        """What the last formula of some lines is that says something, and its line."""
        own = judged.own
        for at, (one, finding) in reversed(list(enumerate(lines))):
            if one.formula is None:
                continue
            if not self._is_right(one, finding, lines[:at]):
                if finding.verdict in FALSE:
                    return "wrong", finding
            elif self.methods.shown(one, finding, own) != "nothing":
                return "right", finding
        return "none", None

    def _is_right(self, one: Statement, finding: Finding, before: Sequence[Line]) -> bool:
        """Whether the formula of a statement is right, or follows from the student's own of other quantities:
        nothing wrong was said of this one before."""
        if finding.verdict in RIGHT:
            return True
        if finding.verdict == "carried":
            wrong = any(earlier.verdict in FALSE for _, earlier in before)
            trivial = any(reason.key == "check.carried_trivial" for reason in finding.reasons)
            return self._holds(one) or not (wrong or trivial)
        return finding.verdict == "wrong" and one.numeric and not one.row and self._holds(one)

    def _holds(self, one: Statement) -> bool:
        """Whether the formula of a statement is right whose numbers are not."""
        if one.formula is None:
            return False
        found = checked(to_plain(one.formula), self.question.exercise)
        return bool(found) and all(finding.verdict in RIGHT for finding in found)

    # --- formulas, and mistakes that were to be found

    def derived(self, part: Part, judged: Judged) -> Answer | None:
        """What is derived in general: by formulas without numbers, where there are any. A person looks where
        a derivation ends with derivatives that are yet to be worked out."""
        lines = {name: _general(judged.lines(name)) for name in part.names}
        every = [pair for name in part.names for pair in lines[name]]
        if not any(judged.lines(name) for name in part.names):
            return None
        formulas = {name: self._general_formula(part, lines[name], judged) for name in part.names}
        named = tuple(mistake for _, one in every if one.verdict == "wrong" for mistake in one.mistakes)
        shown = [one.formula for one, _ in every if one.formula is not None]
        first = next(pair[1] for name in part.names for pair in judged.lines(name))
        return Answer(
            file=self.source.name, line=every[0][1].line if every else first.line,
            text="; ".join(map(to_plain, shown)), formulas=formulas,
            named=named if "wrong" in formulas.values() else (),
        )  # fmt: skip

    def _general_formula(self, part: Part, lines: Sequence[Line], judged: Judged) -> Formula:
        """What the last formula is that says something without derivatives; where there is none but with
        them, a person looks."""
        own, chained = judged.own, None
        for one, finding in reversed(lines):
            right = finding.verdict in RIGHT or (finding.verdict in FALSE and self._holds(one))
            if not right and finding.verdict in FALSE:
                return "wrong" if chained is None else self._chained(part, chained)
            shown = self.methods.shown(one, finding, own) if right else "nothing"
            if shown == "formula":
                return "method" if finding.kind == "code" else "right"
            chained = finding if shown == "chain" and chained is None else chained
        return "none" if chained is None else self._chained(part, chained)

    def _chained(self, part: Part, finding: Finding) -> Formula:
        self._wait(part, finding, "chain")
        return "none"

    def _found(
        self, part: Part, judged: Judged, text: str, planted: Mapping[Place, Planted]
    ) -> Answer | None:
        """The line that is called wrong, and the last value of its quantity. A person looks where one of them
        is not found: it may be said in words."""
        place = (self.question.id, part.id)
        name = planted[place].name if place in planted else ""
        said = "\n".join(prose for _, prose in proses(text, self.source.suffix)) or text
        line = line_named(said)
        numbers = self._stated(name, judged)
        if line is None or numbers is None:
            why = "line" if line is None else "no_correction"
            self.made.wait(
                Doubt(file=self.source.name, line=0, why=why, student=self.student,
                      question=place[0], part=place[1])
            )  # fmt: skip
            return None
        return Answer(
            file=self.source.name, line=0, text=str(line), wrong_line=line, numbers=numbers,
            reasoned=says_more(said),
        )  # fmt: skip

    # --- what could not be read

    def _wait(self, part: Part, one: Finding, why: str) -> None:
        self.made.wait(doubt_of(self.source, self.student, (self.question.id, part.id), one, why))

    def look_at_unread(self, judged: Judged, open_parts: Sequence[Part], nothing: Sequence[Part]) -> None:
        """Lines that could not be read: about parts of which there is no whole answer, or, if nobody can tell
        what they are about, for those of which `nothing` was said."""
        for one in judged.unread:
            name = about(one.text, asked_in(self.question))
            for part in nothing if name is None else open_parts:
                if name is None or name in part.names:
                    place = (self.question.id, part.id)
                    if name is None and place not in self.made.pending:
                        self.made.vague.add(place)
                    elif name is not None:
                        self.made.vague.discard(place)
                    self._wait(part, one, "unread")

    def keep_unsure(self, judged: Judged, parts: Sequence[Part]) -> None:
        """Lines that could not be read about parts that nothing is in the way of marking."""
        for one in judged.unread:
            name = about(one.text, asked_in(self.question))
            for part in parts:
                place = (self.question.id, part.id)
                if name in part.names and place not in self.made.pending:
                    doubt = doubt_of(self.source, self.student, place, one, "unread_beside")
                    self.made.unsure.setdefault(place, []).append(doubt)

    def _look_at_mentions(self, judged: Judged, text: str, nothing: Sequence[Part]) -> None:
        """Numbers that stand beside a name where nobody reads them: in a table, in a sentence."""
        waiting = [part for part in nothing if (self.question.id, part.id) not in self.made.pending]
        if not waiting:
            return
        for cell, prose in proses(text, self.source.suffix):
            numbered = enumerate(prose.split("\n"), 1)
            lines = {at: line for at, line in numbered if (cell, at) not in judged.read}
            lacking = _lacking(waiting, judged.by_name)
            found = {"value": mentions(lines, lacking), "derive": formulas(lines, lacking)}
            for part in waiting:
                at = next((found[part.kind][name] for name in part.names if name in found[part.kind]), None)
                place = (self.question.id, part.id)
                if at is not None and place not in self.made.pending:
                    self.made.wait(
                        Doubt(file=self.source.name, line=at, why="mentioned", student=self.student,
                              question=place[0], part=place[1], text=lines[at].strip()[:_SHOWN])
                    )  # fmt: skip


def _is_open(part: Part, answer: Answer | None) -> bool:
    """Whether there may be more of an answer in lines that could not be read."""
    if answer is None:
        return True
    if part.kind == "derive":
        return any(answer.formula(name) == "none" for name in part.names)
    return answer.numbers is None and not answer.settled


def _lacking(parts: Sequence[Part], known: Collection[str]) -> set[str]:
    return {name for part in parts for name in part.names if name not in known}


def _general(lines: Sequence[Line]) -> list[Line]:
    """The lines with a formula: those without numbers, if there are any."""
    formulas = [pair for pair in lines if pair[0].formula is not None]
    return [pair for pair in formulas if not pair[0].numeric] or formulas
