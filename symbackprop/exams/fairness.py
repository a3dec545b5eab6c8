"""Whether the numbers of a variant are fair: every rule is looked at, whatever they were built from.

Which mistakes can be told from the right answer and from each other at all is found by a rehearsal: numbers
that nobody gets, the same for every secret. A combination of signs that the rehearsal did not meet has
a rehearsal of its own when it is first met; which it is hangs on the signs alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from typing import Any

from symbackprop.algebra.values.arrays import form
from symbackprop.exams.building import Builder, Pattern, Unbuildable, builder
from symbackprop.exams.model import Part, Question
from symbackprop.exams.plan import Plan
from symbackprop.exams.rules import RANGES
from symbackprop.exams.sight import Group, Sight, groups, places_of, sight
from symbackprop.exams.stream import Stream
from symbackprop.exams.tracer import WrongKind

REHEARSALS = 24
"""Fair constructions of each pattern of active units in a rehearsal."""

TRIES = 40
"""Constructions tried for each of them."""

HOPELESS = 200
"""Constructions after which a pattern is given up of which none was fair; after three such patterns, all."""

PATTERNS = 12
"""Patterns in a rehearsal before the first student; the others when they are met."""

ENOUGH = 4
"""Samples of a combination of signs, to say which mistakes can be told apart."""


@dataclass(frozen=True, slots=True)
class Built:
    """Numbers that were built: the numerators of given names, of quantities, and of wrong answers.

    `version` is that of the key's code, `work` how many multiplications are not trivial. `wrong` is empty
    until the numbers have passed what is looked at first.
    """

    pattern: Pattern
    numbers: tuple[int, ...]
    version: int
    key: tuple[int, ...]
    work: int
    large: int
    wrong: tuple[int, ...] = ()
    attempts: int = 1


@dataclass(slots=True)
class Fairness:
    """Builds numbers for one question of an exam and looks whether they are fair. `work` is what all are to
    have."""

    plan: Plan
    builder: Builder
    exam: str
    sights: dict[int, Sight] = field(default_factory=dict)
    hints: dict[Pattern, int] = field(default_factory=dict)
    work: int | None = None

    @property
    def question(self) -> Question:
        """The question whose numbers these are."""
        return self.plan.question

    @classmethod
    def of(cls, plan: Plan, exam: str) -> Fairness:
        """Of a question, with nothing rehearsed yet."""
        return cls(plan, builder(plan), exam)

    # --- one construction

    def built(self, stream: Stream, pattern: Pattern) -> Built:
        """One construction, without wrong answers. Raises Unbuildable."""
        return self.keyed(tuple(self.builder.build(stream, pattern)), pattern)

    def keyed(self, numbers: tuple[int, ...], pattern: Pattern) -> Built:
        """The key for these numbers."""
        version, made = self.plan.key.run(numbers, self.hints.get(pattern, 0))
        self.hints[pattern] = version
        return Built(pattern, numbers, version, made[:-2], made[-2], made[-1])

    def with_wrong(self, made: Built) -> Built:
        """The same with the wrong answers."""
        return replace(made, wrong=self.plan.wrong(made.version).run(made.numbers + made.key))

    def worked(self, numbers: tuple[int, ...], pattern: Pattern) -> Built:
        """The key and the wrong answers for these numbers."""
        return self.with_wrong(self.keyed(numbers, pattern))

    def attempt(self, stream: Stream) -> Built | str:
        """One construction, or the name of the rule that it does not obey."""
        try:
            made = self.built(stream, self.builder.pattern(stream))
        except Unbuildable as problem:
            return f"{RANGES}.{problem.name}"
        return self.judged(made)

    def judged(self, made: Built) -> Built | str:
        """The numbers with their wrong answers, or the first rule that they do not obey.

        Wrong answers are traced for each combination of signs, which takes a while: not for numbers that
        something else is amiss with.
        """
        fault = self._plain_fault(made)
        if fault:
            return fault
        whole = self.with_wrong(made)
        return self._shared_fault(whole) or whole

    def _plain_fault(self, made: Built) -> str:
        here = self.sight(made.version)
        return self._sums_fault(here, made) or self._answers_fault(here, made)

    def _sums_fault(self, here: Sight, made: Built) -> str:
        """Pre-activations, and the differences of outputs and targets."""
        key, numbers = made.key, made.numbers
        if here.at_kink or any(
            -one < key[at] * factor - bound < one for at, factor, bound, one in here.kinks
        ):
            return "min_preactivation"
        for places, least, most, active in here.layers:
            sums = [key[place] for place in places]
            if sum(one > 0 for one in sums) != active:
                return "active"
            if min(map(abs, sums)) < least:
                return "min_preactivation"
            if max(map(abs, sums)) > most:
                return "max_preactivation"
        for at, factor, other, under, bound in here.errors:
            if not -bound <= key[at] * factor - numbers[other] * under <= bound:
                return "max_error"
        return ""

    def _answers_fault(self, here: Sight, made: Built) -> str:
        """Gradients and all that is asked."""
        rules, key, numbers = self.question.rules, made.key, made.numbers
        if here.hopeless and rules.number("not_all_zero"):
            return "not_all_zero"
        if any(-least < key[place] < least for place, least in here.large):
            return "min_gradient"
        if rules.number("no_zero") and not all(key[place] for place in here.asked):
            return "no_zero"
        if made.large and rules.number("max_product") is not None:
            return "max_product"
        if rules.number("asymmetric") and any(_symmetric(numbers[a:b]) for a, b in here.squares):
            return "asymmetric"
        if rules.number("varied") and not _varied(here, made):
            return "varied"
        return ""

    def _shared_fault(self, made: Built) -> str:
        rules = self.question.rules
        here = self.told(made)
        if not here.findable or (rules.number("diagnose") and not _all_differ(here.groups, made)):
            return "diagnose"
        if rules.number("same_work") and self.work is not None and made.work != self.work:
            return "same_work"
        return ""

    # --- what is looked at

    def sight(self, version: int) -> Sight:
        """What is looked at in a version of the key."""
        found = self.sights.get(version)
        if found is None:
            found = self.sights[version] = sight(self.plan, self.builder, version)
        return found

    def told(self, made: Built) -> Sight:
        """The same, with the mistakes that can be told apart there."""
        here = self.sight(made.version)
        if here.told is None:
            self._tell(made.version, self._samples(made))
        return here

    def _samples(self, made: Built) -> list[Built]:
        """Fair numbers, but for what is shared, with the same signs as these, which nobody gets."""
        signs = self.plan.key.programs[made.version].guards
        stream = Stream(b"", "rehearsal of signs", self.exam, self.question.id, repr(signs))
        pattern = made.pattern or next(iter(self.builder.all_patterns()))
        found: list[Built] = []
        for _ in range(REHEARSALS * TRIES):
            try:
                one = self.built(stream, pattern)
            except Unbuildable:
                continue
            if one.version == made.version and not self._plain_fault(one):
                found.append(self.with_wrong(one))
                if len(found) == REHEARSALS:
                    break
        return found

    def _tell(self, version: int, samples: Sequence[Built]) -> None:
        """Note which mistakes can be told apart; with too few samples nobody is given such numbers."""
        self._note(version, self._told_apart(version, samples) if len(samples) >= ENOUGH else ())
        self.sight(version).findable &= len(samples) >= ENOUGH

    def _note(self, version: int, told: tuple[int, ...]) -> None:
        """Take it that these mistakes can be told apart."""
        here = self.sight(version)
        here.told = told
        here.groups = groups(self.plan, version, told)
        parts = [part for part in self.question.parts if part.kind == "mistake"]
        here.findable = all(self.possible(version, part) for part in parts)

    def possible(self, version: int, part: Part) -> dict[str, list[WrongKind]]:
        """The mistakes that may be made in each gradient of a part: such that fit its shape, and show."""
        found: dict[str, list[WrongKind]] = {}
        for at in self.sight(version).told or ():
            kind = self.plan.wrong(version).kinds[at]
            if kind.part in part.names and kind.shape == self.plan.quantity(kind.part).shape:
                found.setdefault(kind.part, []).append(kind)
        return found

    # --- the rehearsal

    def rehearse(self) -> list[Built]:
        """Find which mistakes can be told apart, and how much work everybody is to have.

        The answer are the fair numbers that were built.
        """
        found: dict[int, list[Built]] = {}
        given_up = 0
        for pattern in islice(self.builder.all_patterns(), PATTERNS):
            samples = self._rehearsal_of(pattern)
            given_up += not samples
            if given_up == 3 and not found:
                break
            for made in samples:
                found.setdefault(made.version, []).append(made)
        for version, some in found.items():
            if len(some) >= ENOUGH:
                self._tell(version, some)
        every = [made for some in found.values() for made in some if not self._told_fault(made)]
        counts = Counter(made.work for made in every)
        self.work = min(counts, key=lambda work: (-counts[work], work), default=None)
        return every

    def _rehearsal_of(self, pattern: Pattern) -> list[Built]:
        """Fair numbers with one pattern of active units."""
        stream = Stream(b"", "rehearsal", self.exam, self.question.id, str(pattern))
        found: list[Built] = []
        for attempt in range(REHEARSALS * TRIES):
            if len(found) == REHEARSALS or (attempt == HOPELESS and not found):
                break
            try:
                made = self.built(stream, pattern)
            except Unbuildable:
                continue
            if not self._plain_fault(made):
                found.append(self.with_wrong(made))
        return found

    def _told_fault(self, made: Built) -> bool:
        """Whether numbers of a rehearsal would be turned away for the mistakes that they hide."""
        here = self.sight(made.version)
        wanted = self.question.rules.number("diagnose")
        return here.told is None or (bool(wanted) and not _all_differ(here.groups, made))

    def rehearsal(self) -> dict[str, Any]:
        """What the rehearsal found, as data for JSON."""
        told = {str(at): list(one.told) for at, one in self.sights.items() if one.told is not None}
        return {"work": self.work, "told": told}

    def rehearsed_before(self, data: Mapping[str, Any]) -> None:
        """Take over what a rehearsal of an earlier run found. Raises ValueError, LookupError, TypeError."""
        self.work = None if data["work"] is None else int(data["work"])
        for key, told in data["told"].items():
            self._note(int(key), tuple(map(int, told)))

    def _told_apart(self, version: int, samples: Sequence[Built]) -> tuple[int, ...]:
        """Which kinds of mistakes differ somewhere from the right answer and from all kinds before them."""
        kinds = self.plan.wrong(version).kinds
        told: list[int] = []
        seen: dict[tuple[str, tuple[int, ...]], list[tuple[tuple[Fraction, ...], ...]]] = {}
        for name in dict.fromkeys(kind.part for kind in kinds):
            shape = form(self.plan.quantity(name).shape)
            seen[name, shape] = [tuple(self._right(made, name) for made in samples)]
        for at, kind in enumerate(kinds):
            values = tuple(self._value(made, at) for made in samples)
            known = seen.setdefault((kind.part, form(kind.shape)), [])
            if values not in known:
                known.append(values)
                told.append(at)
        return tuple(told)

    def _right(self, made: Built, name: str) -> tuple[Fraction, ...]:
        below = self.plan.key.versions[made.version].denominators
        return tuple(Fraction(made.key[at], below[at]) for at in places_of(self.plan.quantity(name)))

    def _value(self, made: Built, at: int) -> tuple[Fraction, ...]:
        code = self.plan.wrong(made.version)
        kind = code.kinds[at]
        return tuple(Fraction(made.wrong[one], code.denominators[one]) for one in range(kind.start, kind.end))


def _all_differ(some: tuple[Group, ...], made: Built) -> bool:
    """Whether in each group no two arrays are alike."""
    numbers = made.key + made.wrong
    for group in some:
        seen = {
            numbers[start:end] if factors is None
            else tuple(value * factor for value, factor in zip(numbers[start:end], factors, strict=True))
            for start, end, factors in group
        }  # fmt: skip
        if len(seen) < len(group):
            return False
    return True


def _varied(here: Sight, made: Built) -> bool:
    """Whether no two rows of a matrix are alike, nor two pre-activations of a layer, nor all numbers of an
    answer of one size."""
    for rows in here.rows:
        if len({made.numbers[start:end] for start, end in rows}) < len(rows):
            return False
    for places, *_ in here.layers:
        if len({made.key[place] for place in places}) < len(places):
            return False
    return all(len({abs(made.key[place]) for place in places}) > 1 for places in here.several)


def _symmetric(entries: Sequence[int]) -> bool:
    size = round(len(entries) ** 0.5)
    return all(entries[i * size + j] == entries[j * size + i] for i in range(size) for j in range(i))
