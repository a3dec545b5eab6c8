"""Whether the numbers of a variant are fair: the rules, looked at for one version of the key's code.

What must be 0 is known from the code: there the entry is the constant 0, whatever the numbers. Which
mistakes can be told from the right answer and from each other at all is found by a rehearsal: numbers that
nobody gets, the same for every secret.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, lcm

from symbackprop.exams.building import Builder, Pattern, Unbuildable
from symbackprop.exams.model import Question
from symbackprop.exams.plan import Plan, Quantity
from symbackprop.exams.rules import RANGES
from symbackprop.exams.stream import Stream

REHEARSALS = 24
"""Constructions of each pattern of active units in a rehearsal."""

TRIES = 40
"""Constructions tried for each of them."""

HOPELESS = 200
"""Constructions after which a pattern is given up of which none was fair."""


@dataclass(frozen=True, slots=True)
class Built:
    """Numbers that were built: the numerators of given names, of quantities, and of wrong answers.

    `version` is that of the key's code, `work` how many multiplications are not trivial.
    """

    pattern: Pattern
    numbers: tuple[int, ...]
    version: int
    key: tuple[int, ...]
    wrong: tuple[int, ...]
    work: int
    large: int
    attempts: int = 1


Group = tuple[tuple[int, int, tuple[int, ...] | None], ...]
"""Arrays that are all to be different: where each begins and ends, and the factors that bring its entries
to one denominator (None: nothing to do)."""


@dataclass(slots=True)
class Sight:
    """What is looked at in one version of the key: places, and the least numerator there."""

    forced: frozenset[int]
    large: tuple[tuple[int, int], ...]
    asked: tuple[int, ...]
    squares: tuple[tuple[int, int], ...]
    groups: tuple[Group, ...] = ()
    told: tuple[int, ...] = ()


@dataclass(slots=True)
class Fairness:
    """Builds numbers for one question and looks whether they are fair. `work` is what all are to have."""

    plan: Plan
    builder: Builder
    sights: dict[int, Sight] = field(default_factory=dict)
    hints: dict[Pattern, int] = field(default_factory=dict)
    work: int | None = None
    rehearsed: tuple[Built, ...] = ()

    @property
    def question(self) -> Question:
        """The question whose numbers these are."""
        return self.plan.question

    # --- one construction

    def built(self, stream: Stream, pattern: Pattern) -> Built:
        """One construction. Raises Unbuildable."""
        return self.worked(tuple(self.builder.build(stream, pattern)), pattern)

    def worked(self, numbers: tuple[int, ...], pattern: Pattern) -> Built:
        """The key and the wrong answers for these numbers."""
        version, made = self.plan.key.run(numbers, self.hints.get(pattern, 0))
        self.hints[pattern] = version
        key = made[:-2]
        wrong = self.plan.wrong(version).run(numbers + key)
        return Built(pattern, numbers, version, key, wrong, made[-2], made[-1])

    def attempt(self, stream: Stream) -> Built | str:
        """One construction, or the name of the rule that it does not obey."""
        try:
            made = self.built(stream, self.builder.pattern(stream))
        except Unbuildable as problem:
            return f"{RANGES}.{problem.name}"
        return self.fault(made) or made

    def fault(self, made: Built) -> str:
        """The first rule that numbers do not obey; "" if they obey all."""
        return self._plain_fault(made) or self._shared_fault(made)

    def _plain_fault(self, made: Built) -> str:
        rules = self.question.rules
        sight = self.sight(made.version)
        key = made.key
        for place, least in sight.large:
            if -least < key[place] < least:
                return "min_gradient" if key[place] or rules.number("min_gradient") else "no_zero"
        if rules.number("no_zero") and not all(key[place] for place in sight.asked):
            return "no_zero"
        if made.large and rules.number("max_product") is not None:
            return "max_product"
        if rules.number("asymmetric") and any(_symmetric(made.numbers[a:b]) for a, b in sight.squares):
            return "asymmetric"
        return ""

    def _shared_fault(self, made: Built) -> str:
        rules = self.question.rules
        if rules.number("diagnose") and not all(
            _all_differ(group, made) for group in self.sight(made.version).groups
        ):
            return "diagnose"
        if rules.number("same_work") and self.work is not None and made.work != self.work:
            return "same_work"
        return ""

    # --- what is looked at

    def sight(self, version: int) -> Sight:
        """What is looked at in a version of the key."""
        found = self.sights.get(version)
        if found is None:
            found = self.sights[version] = self._sight(version)
        return found

    def _sight(self, version: int) -> Sight:
        program, code = self.plan.key.programs[version], self.plan.key.versions[version]
        forced = frozenset(at for at, one in enumerate(program.outputs) if type(one) is not int and not one)
        least = self.question.rules.number("min_gradient") or Fraction(0)
        large = tuple(
            (at, ceil(least * code.denominators[at]))
            for name in self.looked_at() for at in _range(self.plan.quantity(name)) if at not in forced
        )  # fmt: skip
        asked = {name for part in self.question.parts if part.kind != "derive" for name in part.names}
        places = (at for name in asked for at in _range(self.plan.quantity(name)))
        squares = tuple((one.start, one.end) for one in self.plan.given if _is_square(one))
        return Sight(forced, large, tuple(sorted(set(places) - forced)), squares)

    def looked_at(self) -> Iterator[str]:
        """The gradients that are not to be small: of the names to which a bias was chosen."""
        for stage in self.builder.stages:
            for chosen in stage.chosen:
                if chosen.result:
                    yield "d" + chosen.result

    # --- the rehearsal

    def rehearse(self, exam: str) -> int:
        """Find which mistakes can be told apart, and how much work everybody is to have.

        The answer is how many constructions were tried.
        """
        found: dict[int, list[Built]] = {}
        tried = 0
        for pattern in self.builder.all_patterns():
            stream = Stream(b"", "rehearsal", exam, self.question.id, str(pattern))
            kept = 0
            for attempt in range(REHEARSALS * TRIES):
                if kept == REHEARSALS or (attempt == HOPELESS and not kept):
                    break
                tried += 1
                try:
                    made = self.built(stream, pattern)
                except Unbuildable:
                    continue
                if not self._plain_fault(made):
                    found.setdefault(made.version, []).append(made)
                    kept += 1
        for version, samples in found.items():
            sight = self.sight(version)
            sight.told, sight.groups = self._told_apart(version, samples)
        every = [made for samples in found.values() for made in samples if not self._shared_fault(made)]
        counts = Counter(made.work for made in every)
        self.work = min(counts, key=lambda work: (-counts[work], work), default=None)
        self.rehearsed = tuple(every)
        return tried

    def _told_apart(
        self, version: int, samples: Sequence[Built]
    ) -> tuple[tuple[int, ...], tuple[Group, ...]]:
        """Which kinds of mistakes differ somewhere from the right answer and from all kinds before them, and
        what is to be compared."""
        kinds = self.plan.wrong(version).kinds
        told: list[int] = []
        by_shape: dict[
            tuple[str, tuple[int, ...]], list[tuple[tuple[tuple[Fraction, ...], ...], int | None]]
        ] = {}
        for name in dict.fromkeys(kind.part for kind in kinds):
            quantity = self.plan.quantity(name)
            right = tuple(self._right(made, quantity) for made in samples)
            by_shape[name, quantity.shape] = [(right, None)]
        for at, kind in enumerate(kinds):
            values = tuple(self._value(made, at) for made in samples)
            known = by_shape.setdefault((kind.part, kind.shape), [])
            if all(values != others for others, _ in known):
                known.append((values, at))
                told.append(at)
        groups = tuple(
            self._group(version, name, [at for _, at in known])
            for (name, _), known in by_shape.items() if len(known) > 1
        )  # fmt: skip
        return tuple(told), groups

    def _right(self, made: Built, quantity: Quantity) -> tuple[Fraction, ...]:
        below = self.plan.key.versions[made.version].denominators
        return tuple(Fraction(made.key[at], below[at]) for at in _range(quantity))

    def _value(self, made: Built, at: int) -> tuple[Fraction, ...]:
        code = self.plan.wrong(made.version)
        kind = code.kinds[at]
        return tuple(Fraction(made.wrong[one], code.denominators[one]) for one in range(kind.start, kind.end))

    def _group(self, version: int, name: str, members: Sequence[int | None]) -> Group:
        """The arrays of one shape; places beyond the key's are those of wrong answers."""
        code, key = self.plan.wrong(version), self.plan.key.versions[version]
        quantity, count = self.plan.quantity(name), len(key.denominators)
        spans: list[tuple[int, int]] = []
        below: list[tuple[int, ...]] = []
        for at in members:
            if at is None:
                spans.append((quantity.start, quantity.end))
                below.append(key.denominators[quantity.start : quantity.end])
            else:
                kind = code.kinds[at]
                spans.append((count + kind.start, count + kind.end))
                below.append(code.denominators[kind.start : kind.end])
        common = [lcm(*column) for column in zip(*below, strict=True)]
        made = []
        for (start, end), under in zip(spans, below, strict=True):
            factors = tuple(whole // one for whole, one in zip(common, under, strict=True))
            made.append((start, end, None if set(factors) == {1} else factors))
        return tuple(made)


def _all_differ(group: Group, made: Built) -> bool:
    numbers = made.key + made.wrong
    seen = {
        numbers[start:end] if factors is None
        else tuple(value * factor for value, factor in zip(numbers[start:end], factors, strict=True))
        for start, end, factors in group
    }  # fmt: skip
    return len(seen) == len(group)


def _range(quantity: Quantity) -> range:
    return range(quantity.start, quantity.end)


def _is_square(quantity: Quantity) -> bool:
    shape = quantity.shape
    return len(shape) == 2 and shape[0] == shape[1] > 1


def _symmetric(entries: Sequence[int]) -> bool:
    size = round(len(entries) ** 0.5)
    return all(entries[i * size + j] == entries[j * size + i] for i in range(size) for j in range(i))
