"""The numbers of an example against differences of its loss; at a kink, against one-sided ones.

A small model has every entry of every gradient compared by itself. Of a larger one that would cost the
square of its size: there some entries are compared by themselves, and all of them together along one random
direction, in which every name is shifted after it has been computed: Σ ⟨dX, v_X⟩. Where that direction
leaves a kink, which one-sided differences of many kinks together need not enclose, each name is compared
through the equations that use it instead, with what arrives there already known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from random import Random
from typing import Any

from symbackprop import limits
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.differences import Difference, Differences, unit
from symbackprop.algebra.values.domain import NotCertified, Symbolic
from symbackprop.algebra.values.exact import Exact
from symbackprop.algebra.values.poly import leftover
from symbackprop.derivation.failed import CertificateFailed
from symbackprop.derivation.model import Model
from symbackprop.derivation.steps import Check, Derivation, Step
from symbackprop.notation import tree

ENTRIES = 96
"""Entries of all gradients together that are compared one by one."""

WORK = 12_000
"""Entries of the model's arrays, times entries compared: what a certificate may take its time for."""

AT_LEAST = 4
"""Entries that are compared one by one in any case."""


def number_checks(model: Model, derivation: Derivation, steps: Sequence[Step]) -> Iterator[Check]:
    """The entries of the gradients that have a value against differences of the loss.

    Each by itself in a small model; else some, and all together (note "some"), or all through one equation
    at a time (note "steps"). Raises CertificateFailed.
    """
    valued = [step for step in steps if _array(derivation, step) is not None]
    if not valued:
        return
    case = _Case(model, derivation, _given(model, derivation))
    case.run(valued)
    names = tuple("d" + step.target for step in valued)
    if case.central:
        yield Check(
            kind="numbers", what=names, agreed=case.central, tried=case.central, exact=case.exact,
            step=str(case.smallest), note=case.note,
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
    note: str = ""
    at_kink: list[str] = field(default_factory=list)
    whole: Differences = field(init=False)

    def __post_init__(self) -> None:
        exercise = self.model.exercise
        equations = [(one.name, one.body) for one in exercise.equations]
        self.whole = Differences(equations, self.values, {}, exercise.functions)

    def run(self, valued: Sequence[Step]) -> None:
        room = self.room()
        places = [(step, place) for step in valued for place in self.numbers(step).places()]
        if len(places) > room:
            self.note = "some" if self.together(valued) else "steps"
            if self.note == "steps":
                for step in valued:
                    self.through_its_users(step, room)
            places = _chosen(
                valued, {step.target: list(self.numbers(step).places()) for step in valued}, room
            )
        for step, place in places:
            numbers = self.numbers(step)
            move = {step.target: unit(numbers.shape, place)}
            self.one(self.whole, move, numbers.at(*place), "d" + step.target, f"at {place}")

    def numbers(self, step: Step) -> Array[Any]:
        numbers = _array(self.derivation, step)
        assert numbers is not None
        return numbers

    def room(self) -> int:
        """How many entries are compared one by one."""
        shapes = self.model.exercise.shapes.values()
        entries = sum(prod(size for size in shape if isinstance(size, int)) for shape in shapes)
        return max(AT_LEAST, min(ENTRIES, WORK // max(entries, 1)))

    # --- one slope

    def one(
        self,
        model: Differences,
        moves: dict[str, Array[Fraction]],
        expected: Any,
        what: str,
        where: str,
        *,
        convention: bool = True,
    ) -> bool:
        """Compare one slope of the loss; whether it sits on a kink. Raises CertificateFailed."""
        try:
            found = model.along(moves)
        except Symbolic:
            return False
        if found.at_kink and not convention:
            return True
        if not found.confirms(expected):
            raise CertificateFailed(f"the value of {what}", f"differences {where}")
        self.note_down(found, what)
        return found.at_kink

    def note_down(self, found: Difference, what: str) -> None:
        if found.at_kink:
            self.one_sided += 1
            self.at_kink.append(what)
        else:
            self.central += 1
            self.exact &= found.central is not None and found.central.error == 0
            self.smallest = min(self.smallest, found.step)

    # --- many at once

    def together(self, valued: Sequence[Step]) -> bool:
        """All names along one random direction each; False on a kink."""
        moves = {step.target: _direction(self.numbers(step), step.target) for step in valued}
        domain = Exact(limits.PRECISION_BITS // 16)
        parts = [domain.dot(self.numbers(step).entries, moves[step.target].entries) for step in valued]
        try:
            what = "all gradients together"
            sits = self.one(
                self.whole, moves, domain.total(parts), what, "along a direction", convention=False
            )
        except NotCertified:
            return False  # a kink so near that no step of a joint direction avoids it
        return not sits

    def through_its_users(self, step: Step, room: int) -> None:
        """⟨dX, v⟩ against differences of Σ ⟨dU, U⟩ over the equations U with X; by entries on a kink."""
        users = [user for user in self.model.users(step.target) if self.arrives(user.name) is not None]
        local = self.local([user.name for user in users])
        if local is None:
            return
        numbers = self.numbers(step)
        direction = _direction(numbers, step.target)
        expected = Exact(limits.PRECISION_BITS // 16).dot(numbers.entries, direction.entries)
        what, where = "d" + step.target, "along a direction, through its equations"
        if not self.one(local, {step.target: direction}, expected, what, where, convention=False):
            return
        for place in list(numbers.places())[:room]:
            self.one(
                local, {step.target: unit(numbers.shape, place)}, numbers.at(*place), what, f"at {place}"
            )

    def arrives(self, name: str) -> Array[Any] | None:
        quantity = self.derivation.quantities.get("d" + name)
        return None if quantity is None else quantity.numbers

    def local(self, users: Sequence[str]) -> Differences | None:
        """Some equations by themselves, with the loss Σ ⟨dU, U⟩; None where there is none with a gradient.

        Each has a name of its own: what one of them makes arrives in another as it is, and does not move,
        for all that it sends back is in its dU.
        """
        if not users:
            return None
        known = {name: one.numbers for name, one in self.derivation.quantities.items()}
        values = {name: numbers for name, numbers in known.items() if numbers is not None}
        apart = {name: f"{name}~" for name in users}
        parts = [
            tree.Call("sum", (tree.times(tree.Gradient(tree.Name(name)), tree.Name(own), sign="*"),))
            for name, own in apart.items()
        ]
        equations = [(own, self.model.equation(name).body) for name, own in apart.items()]
        return Differences([*equations, ("", tree.plus(*parts))], values, {}, self.model.exercise.functions)


def _direction(numbers: Array[Any], seed: str) -> Array[Fraction]:
    """A random direction with short numbers, none of them 0."""
    source = Random(seed)
    entries = [Fraction(source.choice((-1, 1)) * source.randrange(1, 64), 64) for _ in numbers.entries]
    return numbers.with_entries(entries)


def _chosen(
    valued: Sequence[Step], places: dict[str, list[tuple[int, ...]]], room: int
) -> list[tuple[Step, tuple[int, ...]]]:
    """The first entries of each gradient; of many gradients, of some that are spread over the model."""
    if len(valued) > room:
        valued = [valued[at * (len(valued) - 1) // max(room - 1, 1)] for at in range(room)]
    each = max(1, room // len(valued))
    return [(step, place) for step in valued for place in places[step.target][:each]]
