"""How an exam went: the scores, part by part, the most common mistakes, and what is left for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Final

from symbackprop.exams.grading_model import PartMark, StudentMarks
from symbackprop.exams.model import Part, Question
from symbackprop.notation import tree
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node
from symbackprop.notation.write import to_plain
from symbackprop.report.document import (
    Bar,
    Block,
    Code,
    Document,
    Heading,
    Mark,
    Note,
    Panel,
    Paragraph,
    Plot,
    Table,
    Text,
    Tick,
)
from symbackprop.report.exams.feedback_voice import Voice

_BINS: Final = 10
_MOST: Final = 15  # mistakes that are shown
_WIDE, _HIGH = 11.5, 4.2  # cm of the histogram
_PART: Final = 1.05  # cm for each part
_LOW: Final = 3.4  # cm of height of the bars of parts
_DASHES: Final = 40  # of the longest bar in text


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Column(Plain):
    """Everybody's marks of one part."""

    question: Question
    part: Part
    marks: tuple[PartMark, ...]

    @property
    def known(self) -> list[Fraction]:
        """The points of those that have been marked."""
        return [mark.points for mark in self.marks if mark.points is not None]

    @property
    def share(self) -> Fraction | None:
        """The mean share of the points; None where nobody's is marked."""
        return sum(self.known, Fraction(0)) / len(self.known) / self.part.points if self.known else None

    @property
    def full(self) -> Fraction | None:
        """The share of those who have all the points."""
        whole = sum(points == self.part.points for points in self.known)
        return Fraction(whole, len(self.known)) if self.known else None

    @property
    def blank(self) -> Fraction | None:
        """The share of those who say nothing."""
        empty = sum(mark.points is not None and mark.answer is None for mark in self.marks)
        return Fraction(empty, len(self.known)) if self.known else None


@dataclass(frozen=True, eq=False, repr=False)
class ClassReport(Plain):
    """Makes the report on everybody; `plots` draws, else bars are lines of text."""

    voice: Voice
    plots: bool = True

    def document(self) -> Document:
        """The whole report."""
        voice = self.voice
        present = [one for one in voice.graded.students if one.present]
        absent = len(voice.graded.students) - len(present)
        return Document(
            title=Text("grade.class_title"),
            subtitle=Text("grade.class_exam", {"exam": voice.exam_title}),  # the foot of each page, too
            blocks=(
                Paragraph(
                    sentences=(
                        Text("grade.class_counts", {"count": len(present)}),
                        *((Text("grade.class_absent", {"count": absent}),) if absent else ()),
                    )
                ),
                *self._blocks(present),
            ),
        )

    def _blocks(self, present: Sequence[StudentMarks]) -> Iterator[Block]:
        if present:
            yield from self._totals([one.total for one in present])
            pending = sum(bool(one.pending) for one in present)
            if pending:
                yield Note(sentences=(Text("grade.class_pending", {"count": pending}),))
            yield from self._steps(list(self._columns(present)))
            yield from self._mistakes(present)
        else:
            yield Paragraph(sentences=(Text("grade.class_none"),))
        yield from self._doubts()

    # --- scores

    def _totals(self, totals: Sequence[Fraction]) -> Iterator[Block]:
        voice = self.voice
        ordered = sorted(totals)
        half = len(ordered) // 2
        median = ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
        values = {
            "mean": sum(totals, Fraction(0)) / len(totals), "maximum": voice.exam.points,
            "median": median, "low": ordered[0], "high": ordered[-1],
        }  # fmt: skip
        yield Heading(text=Text("grade.class_histogram"))
        sentence = Text("grade.class_totals", {name: voice.points(value) for name, value in values.items()})
        yield Paragraph(sentences=(sentence,))
        counts = self._counts(totals)
        if self.plots:
            yield self._histogram(counts)
        else:
            yield Code(language="", text="\n".join(self._dashes(counts)))

    def _edges(self, at: int) -> tuple[str, str]:
        """From where to where a bar of the histogram goes."""
        step = self.voice.exam.points / _BINS
        return self.voice.points(step * at), self.voice.points(step * (at + 1))

    def _counts(self, totals: Sequence[Fraction]) -> list[int]:
        """How many have each tenth of the points; all the points are in the last."""
        counts = Counter(min(_BINS - 1, floor(total * _BINS / self.voice.exam.points)) for total in totals)
        return [counts[at] for at in range(_BINS)]

    def _dashes(self, counts: Sequence[int]) -> Iterator[str]:
        labels = ["{} - {}".format(*self._edges(at)) for at in range(_BINS)]
        wide, most = max(map(len, labels)), max(counts)
        for label, count in zip(labels, counts, strict=True):
            bar = "#" * ceil(Fraction(count * min(_DASHES, most), most))
            yield f"{label:>{wide}} | {bar}{' ' if bar else ''}{count}"

    def _histogram(self, counts: Sequence[int]) -> Plot:
        voice = self.voice
        wide, step = _WIDE / _BINS, _step(max(counts))
        top = step * ceil(max(counts) / step)
        bars = tuple(
            Bar(left=_cm(at * wide), right=_cm((at + 1) * wide), height=_cm(_HIGH * count / top))
            for at, count in enumerate(counts)
        )
        part = voice.exam.points / _BINS
        filled = tuple(
            Text("grade.plot_bar", {"count": count, "low": low, "high": high})
            for at, count in enumerate(counts) if count for low, high in (self._edges(at),)
        )  # fmt: skip
        panel = Panel(
            function=None, slope=None, argument=None, width=_WIDE, height=_HIGH, zero=(0.0, 0.0),
            across=tuple(Tick(at=_cm(at * wide), label=tree.number(part * at)) for at in range(_BINS + 1)),
            up=tuple(
                Tick(at=_cm(_HIGH * value / top), label=tree.number(value))
                for value in range(0, top + 1, step)
            ),
            curves=(), marks=(), bars=bars, title=Text("grade.plot_totals"),
        )  # fmt: skip
        most = voice.points(voice.exam.points)
        alternative = Text("grade.plot_totals_text", {"maximum": most, "bars": filled})
        return Plot(panels=(panel,), places=((),), alternative=alternative)

    # --- part by part

    def _columns(self, present: Sequence[StudentMarks]) -> Iterator[Column]:
        at = 0
        for question in self.voice.exam.questions:
            for part in question.parts:
                yield Column(question, part, tuple(one.parts[at] for one in present))
                at += 1

    def _steps(self, columns: Sequence[Column]) -> Iterator[Block]:
        yield Heading(text=Text("grade.class_steps"))
        if self.plots:
            for number, question in enumerate(self.voice.exam.questions, 1):
                mine = [one for one in columns if one.question is question]
                yield Paragraph(
                    sentences=(Text("grade.plot_steps", {"title": self._title(question, number)}),)
                )
                yield self._bars(mine)
        heads = ("question", "part", "mean", "share", "full", "blank", "open")
        several = len(self.voice.exam.questions) > 1
        yield Table(
            columns=tuple(Text(f"grade.column_{name}") for name in heads if name != "question" or several),
            rows=tuple(self._row(one, several=several) for one in columns),
            small=True,
        )  # fmt: skip

    def _row(self, one: Column, *, several: bool) -> tuple[Node | Text | None, ...]:
        voice = self.voice
        number = voice.exam.questions.index(one.question) + 1
        mean = None if one.share is None else voice.of(one.share * one.part.points, one.part.points)
        pending = sum(mark.points is None for mark in one.marks)
        shares = map(self._percent, (one.share, one.full, one.blank))
        left = tree.number(pending) if pending else None
        cells = (voice.part(one.question.id, one.part), mean, *shares, left)
        return (tree.number(number), *cells) if several else cells

    def _percent(self, share: Fraction | None) -> Node | None:
        return None if share is None else tree.number(round(share * 100))

    def _title(self, question: Question, number: int) -> str:
        return self.voice.title(question) or f"{self.voice.words.page['exam_question']} {number}"

    def _bars(self, columns: Sequence[Column]) -> Plot:
        wide = _PART * len(columns)
        bars, marks = [], []
        for at, one in enumerate(columns):
            middle = (at + 0.5) * _PART
            if one.share is not None and one.full is not None:
                height = _cm(_LOW * float(one.share))
                bars.append(Bar(left=_cm(middle - 0.3), right=_cm(middle + 0.3), height=height))
                marks.append(Mark(at=(_cm(middle), _cm(_LOW * float(one.full))), slope=True))
        panel = Panel(
            function=None, slope=None, argument=None, width=_cm(wide), height=_LOW, zero=(0.0, 0.0),
            across=tuple(
                Tick(at=_cm((at + 0.5) * _PART), label=self._short(one)) for at, one in enumerate(columns)
            ),
            up=tuple(Tick(at=_cm(_LOW * at / 4), label=tree.number(25 * at)) for at in range(5)),
            curves=(), marks=tuple(marks), bars=tuple(bars),
            title=Text("grade.plot_percent"),  # short, for one part alone is narrow
        )  # fmt: skip
        return Plot(panels=(panel,), places=((),), alternative=Text("grade.plot_steps_text"))

    def _short(self, one: Column) -> Node:
        """What stands under a bar."""
        if one.part.kind == "value":
            return self.voice.symbol(one.question.id, one.part.name)
        return tree.Word(self.voice.said(f"grade.short_{one.part.kind}"))

    # --- mistakes, and what is left

    def _mistakes(self, present: Sequence[StudentMarks]) -> Iterator[Block]:
        voice = self.voice
        counts: Counter[tuple[str, ...]] = Counter()
        said: dict[tuple[str, ...], tuple[Node | Text, Text]] = {}
        for student in present:
            for mark in student.parts:
                if mark.step.part.kind == "mistake" or mark.points is None or not mark.recognised:
                    continue  # it is not the student's own, or not plainly so
                for named in mark.mistakes:
                    question = mark.step.question
                    key = (question, mark.step.part.id, named.id, *map(_text, (named.about, named.instead)))
                    counts[key] += 1
                    if key not in said:
                        part = voice.part(question, mark.step.part)
                        said[key] = (part, voice.mistake(question, named))
        yield Heading(text=Text("grade.class_mistakes"))
        if not counts:
            yield Paragraph(sentences=(Text("grade.no_mistakes"),))
            return
        order = sorted(counts, key=lambda key: (-counts[key], list(said).index(key)))[:_MOST]
        several = len(voice.exam.questions) > 1
        numbers = {question.id: at for at, question in enumerate(voice.exam.questions, 1)}
        yield Table(
            columns=tuple(
                Text(f"grade.column_{name}")
                for name in ("question", "part", "mistake", "count") if name != "question" or several
            ),
            rows=tuple(
                (
                    *((tree.number(numbers[key[0]]),) if several else ()),
                    *said[key], tree.number(counts[key]),
                )
                for key in order
            ),
            widths=(*((None,) if several else ()), None, 0.62, None), small=True,
        )  # fmt: skip

    def _doubts(self) -> Iterator[Block]:
        doubts = self.voice.graded.doubts
        yield Heading(text=Text("grade.class_doubts"))
        key = "grade.some_doubts" if doubts else "grade.no_doubts"
        parts = sum(one.pending for one in self.voice.graded.students if one.present)
        said = [Text(key, {"count": len(doubts)})]
        if parts:
            said.append(Text("grade.open_parts", {"count": parts}))
        yield Paragraph(sentences=tuple(said))


def _text(node: Node | None) -> str:
    return "" if node is None else to_plain(node)


def _cm(length: float) -> float:
    return round(length, 3)


def _step(most: int) -> int:
    """1, 2 or 5 times a power of ten, so that six of them or fewer reach `most`."""
    unit = 1
    while True:
        for factor in (1, 2, 5):
            if most <= 6 * factor * unit:
                return factor * unit
        unit *= 10
