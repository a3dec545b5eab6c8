"""Whether the numbers of a variant are fair: the rules, looked at for one version of the key's code.

What must be 0 is known from the code: there the entry is the constant 0, whatever the numbers. Which
mistakes can be told from the right answer and from each other at all is found by a rehearsal: numbers that
nobody gets, the same for every secret.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, lcm
from typing import Any

from symbackprop import limits
from symbackprop.algebra.values.arrays import form
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
    """What is looked at in one version of the key: places, and the least numerator there. `layers` are those
    with units that may be inactive: the places of each, the least and most numerator, and how many of them
    are to be active."""

    forced: frozenset[int]
    layers: tuple[tuple[range, int, int, int], ...]
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
        for places, least, most, active in sight.layers:
            sums = [key[place] for place in places]
            if sum(one > 0 for one in sums) != active:
                return "active"
            if min(map(abs, sums)) < least:
                return "min_preactivation"
            if max(map(abs, sums)) > most:
                return "max_preactivation"
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
        if rules.number("diagnose") and not _all_differ(self.sight(made.version).groups, made):
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
        layers = tuple(self._layer(name, code.denominators) for name in self.builder.gated)
        return Sight(forced, layers, large, tuple(sorted(set(places) - forced)), squares)

    def _layer(self, name: str, denominators: Sequence[int]) -> tuple[range, int, int, int]:
        """Where the units of a layer are, and what is asked of them."""
        places = _range(self.plan.quantity(name))
        below = denominators[places.start]
        rules = self.question.rules
        least, most = (rules.number(f"{end}_preactivation") for end in ("min", "max"))
        return (
            places,
            max(ceil((least or Fraction(0)) * below), 1),  # at a kink there is no slope
            int((most if most is not None else Fraction(limits.EXAM_NUMBER)) * below),
            self.builder.active(len(places)),
        )

    def looked_at(self) -> Iterator[str]:
        """The gradients that are not to be small: of layers, and of sums to which a bias was chosen."""
        chosen = (one.result for stage in self.builder.stages for one in stage.chosen if one.result)
        for name in dict.fromkeys((*self.builder.gated, *chosen)):
            yield "d" + name

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
            sight.told = self._told_apart(version, samples)
            sight.groups = self._groups(version, sight.told)
        every = [made for samples in found.values() for made in samples if not self._shared_fault(made)]
        counts = Counter(made.work for made in every)
        self.work = min(counts, key=lambda work: (-counts[work], work), default=None)
        self.rehearsed = tuple(every)
        return tried

    def rehearsal(self) -> dict[str, Any]:
        """What the rehearsal found, as data for JSON."""
        return {"work": self.work, "told": {str(at): list(sight.told) for at, sight in self.sights.items()}}

    def rehearsed_before(self, data: Mapping[str, Any]) -> None:
        """Take over what a rehearsal of an earlier run found. Raises ValueError, KeyError, TypeError."""
        self.work = None if data["work"] is None else int(data["work"])
        for at, told in data["told"].items():
            sight = self.sight(int(at))
            sight.told = tuple(map(int, told))
            sight.groups = self._groups(int(at), sight.told)

    def _told_apart(self, version: int, samples: Sequence[Built]) -> tuple[int, ...]:
        """Which kinds of mistakes differ somewhere from the right answer and from all kinds before them."""
        kinds = self.plan.wrong(version).kinds
        told: list[int] = []
        seen: dict[tuple[str, tuple[int, ...]], list[tuple[tuple[Fraction, ...], ...]]] = {}
        for name in dict.fromkeys(kind.part for kind in kinds):
            quantity = self.plan.quantity(name)
            seen[name, form(quantity.shape)] = [tuple(self._right(made, quantity) for made in samples)]
        for at, kind in enumerate(kinds):
            values = tuple(self._value(made, at) for made in samples)
            known = seen.setdefault((kind.part, form(kind.shape)), [])
            if values not in known:
                known.append(values)
                told.append(at)
        return tuple(told)

    def _groups(self, version: int, told: Sequence[int]) -> tuple[Group, ...]:
        """What is to be compared: wrong answers of one part and shape, and the right one of that shape."""
        kinds = self.plan.wrong(version).kinds
        members: dict[tuple[str, tuple[int, ...]], list[int | None]] = {}
        for at in told:
            kind = kinds[at]
            shape = form(kind.shape)
            right: list[int | None] = [None] if shape == form(self.plan.quantity(kind.part).shape) else []
            members.setdefault((kind.part, shape), right).append(at)
        return tuple(self._group(version, name, some) for (name, _), some in members.items() if len(some) > 1)

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


def _all_differ(groups: tuple[Group, ...], made: Built) -> bool:
    """Whether in each group no two arrays are alike."""
    numbers = made.key + made.wrong
    for group in groups:
        seen = {
            numbers[start:end] if factors is None
            else tuple(value * factor for value, factor in zip(numbers[start:end], factors, strict=True))
            for start, end, factors in group
        }  # fmt: skip
        if len(seen) < len(group):
            return False
    return True


def _range(quantity: Quantity) -> range:
    return range(quantity.start, quantity.end)


def _is_square(quantity: Quantity) -> bool:
    shape = quantity.shape
    return len(shape) == 2 and shape[0] == shape[1] > 1


def _symmetric(entries: Sequence[int]) -> bool:
    size = round(len(entries) ** 0.5)
    return all(entries[i * size + j] == entries[j * size + i] for i in range(size) for j in range(i))
