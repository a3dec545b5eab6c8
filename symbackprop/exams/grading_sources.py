"""Answers that come in several files and folders, put together part by part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from symbackprop.exams.grading_model import Answer, Doubt, Place
from symbackprop.exams.grading_reading import Read, content, is_blank


@dataclass(slots=True)
class Collected:
    """What was read in one table or in one folder: by student's id; `asked` are the parts that it is about,
    `file` is its name, for what no file by itself is the cause of."""

    read: dict[str, Read] = field(default_factory=dict)
    doubts: list[Doubt] = field(default_factory=list)
    asked: set[Place] = field(default_factory=set)
    file: str = ""


def together(sources: Sequence[Collected]) -> Collected:
    """One source of several. The same part with different contents in two of them is for a person; what one
    says nothing about, or only vaguely, is taken from another."""
    made = Collected(file=sources[0].file if len(sources) == 1 else "")
    settled: set[tuple[str, Place]] = set()
    for one in sources:
        made.asked |= one.asked
        for student, read in one.read.items():
            mine = made.read.get(student)
            if mine is None:
                made.read[student] = read
                continue
            joined = _Joined(student, mine, read)
            made.read[student] = joined.read()
            made.doubts += joined.doubts
            settled |= {(student, place) for place in joined.settled}
    made.doubts += _kept((doubt for one in sources for doubt in one.doubts), settled)
    return made


def _kept(doubts: Iterable[Doubt], settled: set[tuple[str, Place]]) -> Iterator[Doubt]:
    """Doubts without those about parts that somebody has answered elsewhere."""
    for one in doubts:
        if one.why != "unread" or (one.student, (one.question, one.part)) not in settled:
            yield one


@dataclass(slots=True)
class _Joined:
    """Two readings of one student. `settled` are the parts of which one source only was vague."""

    student: str
    first: Read
    second: Read
    doubts: list[Doubt] = field(default_factory=list)
    settled: set[Place] = field(default_factory=set)

    def read(self) -> Read:
        """Both as one."""
        made = Read(lost=self.first.lost or self.second.lost)
        both = (self.first, self.second)
        for one in both:
            for place, doubts in one.unsure.items():
                made.unsure.setdefault(place, []).extend(doubts)
        for place in dict.fromkeys(place for one in both for place in (*one.answers, *sorted(one.pending))):
            self._join(place, made)
        return made

    def _join(self, place: Place, made: Read) -> None:
        given = [_given(one.answers, place) for one in (self.first, self.second)]
        pending = [place in one.pending for one in (self.first, self.second)]
        for at, one in enumerate((self.first, self.second)):
            if place in one.vague and given[1 - at] is not None and not pending[1 - at]:
                given[at], pending[at] = None, False
                self.settled.add(place)
        answers = [one for one in given if one is not None]
        chosen = answers[0] if answers else None
        if len(answers) == 2 and not any(pending):
            chosen = _same(*answers)
            if chosen is None:
                chosen = answers[0]
                made.pending.add(place)
                self.doubts += [self._doubt(place, one) for one in answers]
        if any(pending):
            made.pending.add(place)
            made.vague |= {place} if place in self.first.vague & self.second.vague else set()
        if chosen is not None:
            made.answers[place] = chosen

    def _doubt(self, place: Place, one: Answer) -> Doubt:
        return Doubt(
            file=one.file, line=one.line, why="sources", student=self.student, question=place[0],
            part=place[1], text=one.text,
        )  # fmt: skip


def _given(answers: Mapping[Place, Answer], place: Place) -> Answer | None:
    answer = answers.get(place)
    return None if answer is None or is_blank(answer) else answer


def _same(first: Answer, second: Answer) -> Answer | None:
    """The answer that says more of two that do not differ: formulas beside the numbers, or numbers with what
    is right of the formulas that the other has by themselves. None where they differ."""
    if (first.numbers is None) != (second.numbers is None) and first.wrong_line == second.wrong_line:
        numbers, other = (second, first) if first.numbers is None else (first, second)
        right = {name: formula for name, formula in other.formulas.items() if formula == "right"}
        return replace(numbers, formulas={**right, **numbers.formulas})
    if _stated(first) == _stated(second):
        return second if second.formulas and not first.formulas else first
    return None


def _stated(answer: Answer) -> object:
    """What two answers have in common that are the same, however they are written."""
    formulas = answer.formulas
    if answer.numbers is None and (not formulas or "wrong" in formulas.values()):
        return content(answer)
    return content(replace(answer, text="", formulas=formulas if answer.numbers is None else {}))
