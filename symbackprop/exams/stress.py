"""What the variants of an exam are like, counted before anyone sits them.

Counted exactly, and without keeping the variants: of each number only how often it had which value, of each
key only a hash. For comparison, numbers are drawn uniformly from the same ranges and held against the same
rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from hashlib import blake2b
from math import ceil, lcm
from time import perf_counter_ns
from typing import Final

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import DomainProblem
from symbackprop.algebra.values.tracing import NotStraight
from symbackprop.derivation.model import Model
from symbackprop.exams.building import Chosen, Drawn
from symbackprop.exams.gates import gated_names
from symbackprop.exams.marks import Marks
from symbackprop.exams.model import Part, Question, Sheet, Student, Variant
from symbackprop.exams.stream import Stream
from symbackprop.exams.variants import Maker, Questioned
from symbackprop.notation.node import Plain

UNIFORM: Final = 5_000
"""Uniform draws of each question."""

DISTINCT: Final = "distinct"
"""What a uniform draw breaks that has two entries of one size where the exam wants them different."""

VALUELESS: Final = "value"
"""What a uniform draw breaks for which an answer has no exact value."""

# --- what is reported --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """How many numbers lie from `low` to `high`, both included."""

    low: Fraction
    high: Fraction
    count: int


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Distribution(Plain):
    """How often a number had which value: `counts` by value, smallest first."""

    counts: Mapping[Fraction, int]

    @classmethod
    def of(cls, counts: Mapping[Fraction, int]) -> Distribution:
        """The same counts in order."""
        return cls(counts=dict(sorted(counts.items())))

    @cached_property
    def total(self) -> int:
        """How many numbers were counted."""
        return sum(self.counts.values())

    @property
    def low(self) -> Fraction:
        """The least. Raises ValueError if nothing was counted."""
        return min(self.counts)

    @property
    def high(self) -> Fraction:
        """The greatest. Raises ValueError if nothing was counted."""
        return max(self.counts)

    @property
    def spread(self) -> Fraction:
        """The greatest less the least."""
        return self.high - self.low

    @cached_property
    def mean(self) -> Fraction:
        """Exact. Raises ZeroDivisionError if nothing was counted."""
        return sum((value * count for value, count in self.counts.items()), Fraction(0)) / self.total

    @property
    def different(self) -> int:
        """How many values there were."""
        return len(self.counts)

    @property
    def zeros(self) -> int:
        """How many were 0."""
        return self.counts.get(Fraction(0), 0)

    def common(self, most: int) -> list[tuple[Fraction, int]]:
        """The most frequent values; of equally frequent ones the smaller first."""
        return sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))[:most]

    @cached_property
    def step(self) -> Fraction:
        """What all values are multiples of: 1, or 1 over the least common denominator."""
        return Fraction(1, lcm(*(value.denominator for value in self.counts)))

    def bins(self, most: int) -> tuple[Bin, ...]:
        """The numbers but for 0 as about `most` bins of the same width, from the left to the right.

        A bin holds as many multiples of the `step` as are needed: 1, 2, 5, 10 …, the first of them from 0 to
        the right and to the left. Bins with nothing in them are left out.
        """
        others = {value: count for value, count in self.counts.items() if value}
        step = self.step
        width = next(size for size in _widths() if self.spread <= most * size * step)
        held: Counter[int] = Counter()
        for value, count in others.items():
            place = ceil(abs(value) / step / width)
            held[place if value > 0 else -place] += count
        made = []
        for place, count in sorted(held.items()):
            near, far = ((abs(place) - 1) * width + 1) * step, abs(place) * width * step
            low, high = (near, far) if place > 0 else (-far, -near)
            made.append(Bin(low=low, high=high, count=count))
        return tuple(made)


def _widths() -> Iterator[int]:
    unit = 1
    while True:
        yield from (unit, 2 * unit, 5 * unit)
        unit *= 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Acceptance(Plain):
    """How many of the numbers that were `tried` obeyed every rule. `refused`: by the first rule that was
    broken, the most frequent first; `ranges.b` is a range in which nothing fits, `different` numbers that
    somebody has."""

    tried: int
    accepted: int
    refused: Mapping[str, int]

    @classmethod
    def of(cls, accepted: int, refused: Mapping[str, int]) -> Acceptance:
        """The rules in order."""
        ordered = dict(sorted(refused.items(), key=lambda item: (-item[1], item[0])))
        return cls(tried=accepted + sum(refused.values()), accepted=accepted, refused=ordered)

    @property
    def share(self) -> Fraction:
        """Of all that were tried."""
        return Fraction(self.accepted, self.tried)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Answers(Plain):
    """The answers to a part that asks for numbers: of each number, row by row, and of all together."""

    part: Part
    shape: tuple[int, ...]
    numbers: tuple[Distribution, ...]
    whole: Distribution

    def places(self) -> Iterator[tuple[int, ...]]:
        """The place of each number, from 1: (2, 3); () of a single number."""
        yield from Array(self.shape, self.numbers).places()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Mistakes(Plain):
    """The answers to a part that asks for a mistake: in which line it was, and which it was."""

    part: Part
    lines: Mapping[str, int]
    kinds: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class QuestionStress(Plain):
    """One question. `active` units and `work` are of one variant; `alike` students have a key that
    somebody else has, `copies` have data that somebody else has."""

    question: Question
    built: Acceptance
    uniform: Acceptance
    active: Distribution
    work: Distribution
    alike: int
    copies: int
    answers: tuple[Answers, ...]
    mistakes: tuple[Mistakes, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Stress(Plain):
    """The whole exam: as for a question, over all of them. `zeros` is the share of the exam's points that
    somebody wins who writes 0 everywhere; `nanoseconds` what it took to make the variants, in this run."""

    variants: int
    questions: tuple[QuestionStress, ...]
    active: Distribution
    work: Distribution
    alike: int
    zeros: Distribution
    nanoseconds: int | None


# --- counting ----------------------------------------------------------------------------------------


def stressed(maker: Maker, students: Iterable[Student], secret: bytes, *, uniform: int = UNIFORM) -> Stress:
    """Make every variant once and count what it is like; then draw `uniform` times from the same ranges.

    The maker is to be a fresh one: numbers that somebody has already count as refused. Raises Unsatisfiable,
    KeyMismatch, ValueError without students.
    """
    counting = _Counting(maker)
    students = iter(students)
    spent = 0
    while (student := next(students, None)) is not None:
        before = perf_counter_ns()
        variant = maker.variant(student, secret)
        spent += perf_counter_ns() - before
        counting.count(variant)
    if not counting.variants:
        raise ValueError("no students: nothing to count")
    return counting.stress(spent, uniform)


@dataclass(slots=True)
class _Shared:
    """How many have what somebody else has too; of each only a hash is kept."""

    counts: Counter[bytes] = field(default_factory=Counter)

    def add(self, arrays: Iterable[Array[Fraction]]) -> None:
        text = ";".join(",".join(map(str, array.entries)) for array in arrays)
        self.counts[blake2b(text.encode(), digest_size=16).digest()] += 1

    @property
    def alike(self) -> int:
        return sum(count for count in self.counts.values() if count > 1)


class _Counting:
    """The counts of an exam."""

    def __init__(self, maker: Maker) -> None:
        self.maker = maker
        self.marks = Marks(maker.exam)
        self.questions = [_QuestionCounting(one) for one in maker.questions]
        self.variants = 0
        self.active: Counter[Fraction] = Counter()
        self.work: Counter[Fraction] = Counter()
        self.zeros: Counter[Fraction] = Counter()
        self.keys = _Shared()

    def count(self, variant: Variant) -> None:
        self.variants += 1
        pairs = list(zip(self.questions, variant.sheets, strict=True))
        self.active[Fraction(sum(one.count(sheet) for one, sheet in pairs))] += 1
        self.work[Fraction(sum(sheet.work for sheet in variant.sheets))] += 1
        self.zeros[self.marks.won_by_zeros(variant)] += 1
        self.keys.add(array for sheet in variant.sheets for array in sheet.key.values())

    def stress(self, nanoseconds: int, uniform: int) -> Stress:
        return Stress(
            variants=self.variants, questions=tuple(one.stress(uniform) for one in self.questions),
            active=Distribution.of(self.active), work=Distribution.of(self.work), alike=self.keys.alike,
            zeros=Distribution.of(self.zeros), nanoseconds=nanoseconds,
        )  # fmt: skip


class _QuestionCounting:
    """The counts of one question."""

    def __init__(self, one: Questioned) -> None:
        self.one = one
        self.before = (one.made, dict(one.failed))
        self.gated = sorted(gated_names(Model.of(one.question.exercise)))
        self.active: Counter[Fraction] = Counter()
        self.work: Counter[Fraction] = Counter()
        self.keys = _Shared()
        self.values = _Shared()
        self.numbers: dict[str, list[Counter[Fraction]]] = {}
        self.lines: dict[str, Counter[str]] = {}
        self.kinds: dict[str, Counter[str]] = {}

    def count(self, sheet: Sheet) -> int:
        """Count a sheet; how many units are active in it."""
        active = sum(value > 0 for name in self.gated for value in sheet.key[name].entries)
        self.active[Fraction(active)] += 1
        self.work[Fraction(sheet.work)] += 1
        self.keys.add(sheet.key.values())
        self.values.add(sheet.values.values())
        for part in self.one.question.parts:
            if part.kind == "value":
                entries = sheet.key[part.name].entries
                counts = self.numbers.setdefault(part.id, [Counter() for _ in entries])
                for counter, value in zip(counts, entries, strict=True):
                    counter[value] += 1
            elif part.kind == "mistake":
                made = sheet.faulty[part.id]
                self.lines.setdefault(part.id, Counter())[made.right.name] += 1
                self.kinds.setdefault(part.id, Counter())[made.mistake] += 1
        return active

    def stress(self, uniform: int) -> QuestionStress:
        made, failed = self.before
        refused = {rule: count - failed.get(rule, 0) for rule, count in self.one.failed.items()}
        parts = self.one.question.parts
        return QuestionStress(
            question=self.one.question,
            built=Acceptance.of(self.one.made - made, {rule: n for rule, n in refused.items() if n}),
            uniform=drawn_uniformly(self.one, uniform),
            active=Distribution.of(self.active), work=Distribution.of(self.work),
            alike=self.keys.alike, copies=self.values.alike,
            answers=tuple(self._answers(part) for part in parts if part.kind == "value"),
            mistakes=tuple(self._mistakes(part) for part in parts if part.kind == "mistake"),
        )  # fmt: skip

    def _answers(self, part: Part) -> Answers:
        counters = self.numbers[part.id]
        whole: Counter[Fraction] = Counter()
        for counter in counters:
            whole.update(counter)
        return Answers(
            part=part, shape=self.one.plan.quantity(part.name).shape,
            numbers=tuple(map(Distribution.of, counters)), whole=Distribution.of(whole),
        )  # fmt: skip

    def _mistakes(self, part: Part) -> Mistakes:
        lines, kinds = self.lines[part.id], self.kinds[part.id]
        ordered = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
        return Mistakes(part=part, lines={name: lines[name] for name in part.names}, kinds=dict(ordered))


# --- drawing uniformly -------------------------------------------------------------------------------


def drawn_uniformly(one: Questioned, draws: int) -> Acceptance:
    """What uniform drawing from a question's ranges gives, held against the same rules.

    Every entry is drawn by itself. The rules that building obeys by itself are looked at first, equation by
    equation, then the others. The draws are the same for every secret.
    """
    stream = Stream(b"", "uniform", one.exam, one.question.id)
    faults = Counter(_uniform_fault(one, stream) for _ in range(draws))
    accepted = faults.pop("", 0)
    return Acceptance.of(accepted, faults)


def _uniform_fault(one: Questioned, stream: Stream) -> str:
    """The first rule that one draw breaks; "" if it obeys all."""
    numbers = list((builder := one.fairness.builder).start)
    try:
        for stage in builder.stages:
            moves: tuple[Drawn | Chosen, ...] = (*stage.drawn, *stage.chosen)
            if not all(_drawn(move, stream, numbers) for move in moves):
                return DISTINCT
            for chosen in stage.chosen:
                if fault := _sum_fault(one, chosen, numbers):
                    return fault
        found = one.fairness.judged(one.fairness.keyed(tuple(numbers), ()))
        return found if isinstance(found, str) else ""
    except (NotStraight, DomainProblem):
        return VALUELESS


def _drawn(move: Drawn | Chosen, stream: Stream, numbers: list[int]) -> bool:
    """Draw the entries of a name; whether their sizes differ where they are to."""
    start, end = move.place.start, move.place.end
    numbers[start:end] = stream.choices(move.values.numerators, end - start)
    wanted = isinstance(move, Drawn) and move.distinct
    return not wanted or len({*map(abs, numbers[start:end])}) == end - start


def _sum_fault(one: Questioned, chosen: Chosen, numbers: Sequence[int]) -> str:
    """The rule that the sums break for which the entries of a name would have been chosen."""
    version, beside = chosen.beside.run(numbers)
    below = chosen.beside.versions[version].denominators
    entries = numbers[chosen.place.start : chosen.place.end]
    sums = [
        Fraction(other, under) + chosen.sign * Fraction(entry, chosen.values.below)
        for other, under, entry in zip(beside, below, entries, strict=True)
    ]
    forward = chosen.result is not None
    if chosen.layer is not None:
        wanted = len(one.fairness.builder.patterns[chosen.layer][0])
        if sum(value > 0 for value in sums) != wanted:
            return "active"
    if min(map(abs, sums)) < chosen.least:
        return "min_preactivation" if forward else "min_gradient"
    if max(map(abs, sums)) > chosen.most:
        return "max_preactivation" if forward else "max_error"
    return ""
