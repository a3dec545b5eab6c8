"""Where a descent stands after each step, found anew: gradients by the checker's dual numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from symbackprop import limits
from symbackprop.algebra.optimizers import COUNT, GRADIENT, OPTIMIZERS, PARAMETER, RATE
from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.arrays import Array
from symbackprop.checking.worlds import World
from symbackprop.exercise.model import Descent

Numbers = dict[str, "Array[Any]"]


@dataclass(slots=True)
class Walk:
    """The parameters step by step, from the example's world on. `kept[k]` are those after k steps."""

    plan: Descent
    world: World
    kept: list[Numbers] = field(default_factory=list)
    states: dict[str, Numbers] = field(default_factory=dict)

    def at(self, step: int) -> Numbers | None:
        """The parameters after so many steps; None for more than are walked, or for numbers too long."""
        if step > min(self.plan.steps, limits.PROOFREADING_STEPS):
            return None
        if not self.kept:
            self.kept.append({name: self.world.value(name) for name in self.plan.parameters})
        while len(self.kept) <= step:
            if any(map(_is_long, self.kept[-1].values())):
                return None
            self.kept.append(self._next())
        return self.kept[step]

    def _next(self) -> Numbers:
        here = self.world.force(self.kept[-1])
        return {name: self._moved(here, name) for name in self.plan.parameters}

    def _moved(self, here: World, name: str) -> Array[Any]:
        """One parameter after one more step, by the formulas of the optimiser, entry by entry."""
        row = OPTIMIZERS[self.plan.optimizer]
        value, gradient = here.value(name), here.gradient(name)
        zero = value.map(lambda _: here.domain.zero)
        known: dict[str, Array[Any]] = {
            PARAMETER: value, GRADIENT: gradient,
            **dict.fromkeys(row.states, zero), **self.states.get(name, {}),
        }  # fmt: skip
        numbers = {RATE: self.plan.rate, COUNT: Fraction(len(self.kept))}
        numbers |= {one.symbol: self.plan.options[one.name] for one in row.options}
        for target, text in row.updates:
            known[target] = self._entrywise(here, text, known, numbers)
        self.states[name] = {state: known[state] for state in row.states}
        return known[PARAMETER]

    def _entrywise(
        self, here: World, text: str, known: Mapping[str, Array[Any]], numbers: Mapping[str, Fraction]
    ) -> Array[Any]:
        node = formula(text)
        size = len(known[PARAMETER].entries)
        fixed = {name: Array((), (here.domain.from_fraction(number),)) for name, number in numbers.items()}
        entries = []
        for at in range(size):
            moving = {name: Array((), (array.entries[at],)) for name, array in known.items()}
            entries.append(here.working.evaluate(node, {**fixed, **moving}).item)
        return Array(known[PARAMETER].shape, tuple(entries))


def _is_long(array: Array[Any]) -> bool:
    return any(
        isinstance(entry, Fraction) and entry.denominator.bit_length() > limits.PROOFREADING_BITS
        for entry in array.entries
    )
