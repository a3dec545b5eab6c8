"""What is looked at in the numbers of a variant, for one version of the key's code: a rule is a few integers.

What must be 0 is known from the code: there the entry is the constant 0, whatever the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, lcm

from symbackprop import limits
from symbackprop.algebra.values.arrays import form
from symbackprop.derivation.model import Model
from symbackprop.exams.building import Builder
from symbackprop.exams.gates import kinks
from symbackprop.exams.model import Question
from symbackprop.exams.plan import Plan, Quantity

Group = tuple[tuple[int, int, tuple[int, ...] | None], ...]
"""Arrays that are all to be different: where each begins and ends, and the factors that bring its entries
to one denominator (None: nothing to do)."""

Error = tuple[int, int, int, int, int]
"""A difference of output and target: the place in the key and its factor, the place among the given numbers
and its factor, and the most that the difference may be."""


@dataclass(slots=True)
class Sight:
    """Places in one version of the key, and bounds for the numerators there.

    `at_kink`: some number is where a function has no slope. `kinks` are kinks elsewhere than at 0: the place
    of the number, its factor, the kink over the same denominator, and how near the number may not come.
    `layers` are those with units that may be inactive: their places, the least and most numerator, and how
    many of them are to be active. `large` are gradients and the least size of each, `asked` the numbers that
    are asked and need not be 0, `several` those of each part that has more than one. `hopeless`: some part
    asks for zeros only. `told` are the mistakes that can be told apart; None while nobody has looked.
    """

    at_kink: bool
    kinks: tuple[tuple[int, int, int, int], ...]
    layers: tuple[tuple[range, int, int, int], ...]
    errors: tuple[Error, ...]
    large: tuple[tuple[int, int], ...]
    asked: tuple[int, ...]
    several: tuple[tuple[int, ...], ...]
    squares: tuple[tuple[int, int], ...]
    rows: tuple[tuple[tuple[int, int], ...], ...]
    hopeless: bool
    told: tuple[int, ...] | None = None
    groups: tuple[Group, ...] = ()
    findable: bool = True


def sight(plan: Plan, builder: Builder, version: int) -> Sight:
    """What is to be looked at in a version of the key."""
    return _Looking(plan, builder, version).sight()


class _Looking:
    def __init__(self, plan: Plan, builder: Builder, version: int) -> None:
        self.plan = plan
        self.version = version
        self.builder = builder
        self.question: Question = plan.question
        self.below = plan.key.versions[version].denominators
        outputs = plan.key.programs[version].outputs
        self.forced = frozenset(at for at, one in enumerate(outputs) if type(one) is not int and not one)

    def sight(self) -> Sight:
        parts = [part for part in self.question.parts if part.kind == "value"]
        names = {name for part in self.question.parts if part.kind != "derive" for name in part.names}
        free = {name: self._free(name) for name in names}
        matrices = [one for one in self.plan.given if len(one.shape) == 2 and one.name in self.question.draws]
        return Sight(
            at_kink=any(not sign for _, sign in self.plan.key.programs[self.version].guards),
            kinks=tuple(self._kinks()),
            layers=tuple(self._layer(name) for name in self.builder.gated),
            errors=tuple(self._errors()),
            large=tuple(self._large()),
            asked=tuple(sorted(at for places in free.values() for at in places)),
            several=tuple(free[part.name] for part in parts if len(free[part.name]) > 1),
            squares=tuple((one.start, one.end) for one in self.plan.given if _is_square(one)),
            rows=tuple(_rows(one) for one in matrices if one.shape[0] > 1),
            hopeless=any(not free[part.name] for part in parts),
        )

    def _free(self, name: str) -> tuple[int, ...]:
        """The places of a quantity that need not be 0."""
        return tuple(at for at in places_of(self.plan.quantity(name)) if at not in self.forced)

    def _number(self, rule: str) -> Fraction:
        """A bound; one that is never reached where the rule is left out."""
        found = self.question.rules.number(rule)
        return Fraction(limits.EXAM_NUMBER) if found is None else found

    def _layer(self, name: str) -> tuple[range, int, int, int]:
        places = places_of(self.plan.quantity(name))
        below = self.below[places.start]
        least = self.question.rules.number("min_preactivation") or Fraction(0)
        return (
            places,
            max(ceil(least * below), 1),  # at a kink there is no slope
            floor(self._number("max_preactivation") * below),
            self.builder.active(len(places)),
        )

    def _kinks(self) -> Iterator[tuple[int, int, int, int]]:
        """Those of the model's functions, for every entry that such a function is applied to."""
        least = self.question.rules.number("min_preactivation") or Fraction(0)
        for name, bounds in kinks(Model.of(self.plan.exercise)).items():
            for bound in bounds if name not in self.builder.gated else ():
                for at in places_of(self.plan.quantity(name)):
                    both = lcm(self.below[at], bound.denominator)
                    yield at, both // self.below[at], int(bound * both), max(ceil(least * both), 1)

    def _errors(self) -> Iterator[Error]:
        """The differences of output and target, entry by entry."""
        most = self._number("max_error")
        given = {one.name: one for one in self.plan.given}
        computed = {one.name: one for one in self.plan.quantities}
        for target, output in self.builder.differences:
            if output not in computed or target not in given:
                continue
            for at, other in zip(places_of(computed[output]), places_of(given[target]), strict=True):
                first, second = self.below[at], self.plan.key.denominators[other]
                both = lcm(first, second)
                yield at, both // first, other, both // second, floor(most * both)

    def _large(self) -> Iterator[tuple[int, int]]:
        """The gradients that are not to be small: of layers, and of sums to which a bias was chosen."""
        least = self.question.rules.number("min_gradient") or Fraction(0)
        chosen = (one.result for stage in self.builder.stages for one in stage.chosen if one.result)
        for name in dict.fromkeys((*self.builder.gated, *chosen)):
            for at in self._free("d" + name):
                yield at, ceil(least * self.below[at])


def groups(plan: Plan, version: int, told: Sequence[int]) -> tuple[Group, ...]:
    """What is to be compared: wrong answers of one part and shape, and the right one of that shape."""
    kinds = plan.wrong(version).kinds
    members: dict[tuple[str, tuple[int, ...]], list[int | None]] = {}
    for at in told:
        shape = form(kinds[at].shape)
        right: list[int | None] = [None] if shape == form(plan.quantity(kinds[at].part).shape) else []
        members.setdefault((kinds[at].part, shape), right).append(at)
    return tuple(_group(plan, version, name, some) for (name, _), some in members.items() if len(some) > 1)


def _group(plan: Plan, version: int, name: str, members: Sequence[int | None]) -> Group:
    """The arrays of one shape; places beyond the key's are those of wrong answers."""
    code, key = plan.wrong(version), plan.key.versions[version]
    quantity, count = plan.quantity(name), len(key.denominators)
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


def places_of(quantity: Quantity) -> range:
    """The places of the entries of a quantity."""
    return range(quantity.start, quantity.end)


def _rows(quantity: Quantity) -> tuple[tuple[int, int], ...]:
    """Where the rows of a matrix begin and end."""
    width = quantity.shape[1]
    return tuple((start, start + width) for start in range(quantity.start, quantity.end, width))


def _is_square(quantity: Quantity) -> bool:
    shape = quantity.shape
    return len(shape) == 2 and shape[0] == shape[1] > 1
