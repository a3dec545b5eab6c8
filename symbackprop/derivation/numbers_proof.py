"""The numbers of an example against differences of its loss; at a kink, against one-sided ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from typing import Any

from symbackprop import limits
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.differences import Difference, central_difference, unit
from symbackprop.algebra.values.domain import Symbolic
from symbackprop.algebra.values.exact import Exact
from symbackprop.algebra.values.poly import leftover
from symbackprop.derivation.failed import CertificateFailed
from symbackprop.derivation.model import Model
from symbackprop.derivation.steps import Check, Derivation, Step

ENTRIES = 96
"""Entries of all gradients together that are compared one by one; of more, the first of each."""

WORK = 60_000
"""Entries of the model's arrays, times entries compared: what a certificate may take its time for."""


def number_checks(model: Model, derivation: Derivation, steps: Sequence[Step]) -> Iterator[Check]:
    """Each entry of each gradient that has a value against differences of the loss.

    Of large gradients the first entries one by one, and all entries together along a direction
    (note "some"). Raises CertificateFailed.
    """
    valued = [step for step in steps if _array(derivation, step) is not None]
    if not valued:
        return
    case = _Case(model, derivation, _given(model, derivation))
    room = case.room(len(valued))
    for step in valued:
        case.check(step, room)
    names = tuple("d" + step.target for step in valued)
    if case.central:
        yield Check(
            kind="numbers", what=names, agreed=case.central, tried=case.central, exact=case.exact,
            step=str(case.smallest), note="some" if case.partly else "",
        )  # fmt: skip
    if case.one_sided:
        found = tuple(dict.fromkeys(case.at_kink))
        yield Check(kind="kink", what=found, agreed=case.one_sided, tried=case.one_sided)


def _array(derivation: Derivation, step: Step) -> Array[Any] | None:
    numbers = derivation.quantities["d" + step.target].numbers
    if numbers is None or len(numbers.entries) > limits.COMPARED_ENTRIES:
        return None
    return numbers


def _given(model: Model, derivation: Derivation) -> dict[str, Array[Any]]:
    """The values of the given names; symbols for those without."""
    made: dict[str, Array[Any]] = {}
    for rank, name in enumerate(model.exercise.given):
        numbers = derivation.quantities[name].numbers
        shape = model.exercise.shapes[name]
        sizes = tuple(size for size in shape if isinstance(size, int))
        if numbers is not None:
            made[name] = numbers
        elif len(sizes) == len(shape):
            made[name] = leftover(name, sizes, rank)
    return made


@dataclass(slots=True)
class _Case:
    """What was compared so far: counts, the smallest step, and who sits on a kink."""

    model: Model
    derivation: Derivation
    values: dict[str, Array[Any]]
    central: int = 0
    one_sided: int = 0
    exact: bool = True
    smallest: Fraction = Fraction(1, 1000)
    partly: bool = False
    at_kink: list[str] = field(default_factory=list)

    def room(self, gradients: int) -> int:
        """How many entries of each gradient are compared one by one."""
        shapes = self.model.exercise.shapes.values()
        entries = sum(prod(size for size in shape if isinstance(size, int)) for shape in shapes)
        return max(1, min(ENTRIES, WORK // max(entries, 1)) // gradients)

    def check(self, step: Step, room: int) -> None:
        numbers = _array(self.derivation, step)
        assert numbers is not None
        places = list(numbers.places())
        if len(places) > room:
            self.partly = True
            if self.all_entries(step, numbers) and room == 1:
                return
        for place in places[:room]:
            self.one(step, unit(numbers.shape, place), numbers.at(*place), f"at {place}")

    def all_entries(self, step: Step, numbers: Array[Any]) -> bool:
        """All entries along one direction; False on a kink.

        There the one-sided differences of several kinks together need not enclose what is taken.
        """
        small = tuple(Fraction(place * place % 7 - 3, 64) for place in range(len(numbers.entries)))
        expected = Exact(limits.PRECISION_BITS // 16).dot(numbers.entries, small)
        direction = Array(numbers.shape, small)
        return not self.one(step, direction, expected, "along a direction", convention=False)

    def one(
        self, step: Step, direction: Array[Fraction], expected: Any, where: str, *, convention: bool = True
    ) -> bool:
        """Compare one slope of the loss; whether it sits on a kink. Raises CertificateFailed."""
        try:
            found = self.difference(step, direction)
        except Symbolic:
            return False
        if found.at_kink and not convention:
            return True
        if not found.confirms(expected):
            raise CertificateFailed(f"the value of d{step.target}", f"differences {where}")
        if found.at_kink:
            self.one_sided += 1
            self.at_kink.append("d" + step.target)
        else:
            self.central += 1
            self.exact &= found.central is not None and found.central.error == 0
            self.smallest = min(self.smallest, found.step)
        return found.at_kink

    def difference(self, step: Step, direction: Array[Fraction]) -> Difference:
        exercise = self.model.exercise
        equations = [(one.name, one.body) for one in exercise.equations]
        return central_difference(
            equations, self.values, step.target, direction, functions=exercise.functions
        )
