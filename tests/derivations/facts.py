"""What is true of an exercise: its formulas, its exact numbers, and points at which claims are tried.

The points are those of `derivation.worlds`: both patterns of signs at the exercise's own sizes, and where
the sizes are free, one point with all of them different.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from math import prod
from random import Random
from typing import Any

from symbackprop.algebra.values.arrays import Array, form
from symbackprop.algebra.values.domain import DomainProblem, EvaluationError, Missing, NotCertified, Symbolic
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact, bounds, settled
from symbackprop.algebra.values.poly import Poly
from symbackprop.algebra.values.run import forward
from symbackprop.derivation.derive import formulas
from symbackprop.derivation.model import Model
from symbackprop.derivation.naming import named_parts
from symbackprop.derivation.numbers import evaluator, shaped
from symbackprop.derivation.steps import Step
from symbackprop.derivation.worlds import (
    World,
    different,
    free_sizes,
    random_worlds,
    resized_world,
    world_of,
)
from symbackprop.exercise import bundled, load
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Shape

Numbers = Mapping[str, "Array[Any]"]

REALS = 6
"""Points of the real numbers at which a wrong formula is tried."""


@dataclass(frozen=True)
class Facts:
    """An exercise with everything that the generator knows of it."""

    name: str
    exercise: Exercise
    model: Model
    steps: tuple[Step, ...]

    @cached_property
    def by_target(self) -> dict[str, Step]:
        """The steps by what they are about: `z`, `dz`."""
        return {("d" if step.gradient else "") + step.target: step for step in self.steps}

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """Of every name and every gradient."""
        known = dict(self.exercise.shapes)
        return {**known, **{f"d{name}": shape for name, shape in known.items()}}

    def single(self, name: str) -> bool:
        """Whether a name has one entry only."""
        return all(size == 1 for size in self.shapes[name])

    @cached_property
    def own(self) -> tuple[World, ...]:
        """Points with the exercise's own sizes, and the same with everything of one entry as a number."""
        worlds = tuple(random_worlds(self.model, self.steps))
        return (*worlds, *map(_as_numbers, worlds))

    @cached_property
    def other(self) -> tuple[World, ...]:
        """A point with other sizes, where the model has a meaning for them."""
        shapes, sizes = free_sizes(self.model)
        chosen = different(sizes)
        return tuple(resized_world(self.model, self.steps, shapes, chosen)) if sizes else ()

    @cached_property
    def exact(self) -> dict[str, Array[Any]]:
        """The example's numbers, as far as the values go: rationals, or balls of many bits."""

        def compute(domain: Any) -> dict[str, Array[Any]]:
            working = evaluator(self.model, domain)
            equations = [(one.name, one.body) for one in self.exercise.equations]
            values = forward(equations, dict(self.exercise.values), working, partial=True)
            loss = "d" + self.exercise.loss
            values[loss] = Array((), (Fraction(1),))
            for step in self.steps:
                if step.gradient and step.target in values and "d" + step.target not in values:
                    try:
                        value = working.evaluate(step.formula, values, like=values[step.target].shape)
                    except (Symbolic, Missing):
                        continue
                    values["d" + step.target] = shaped(value, values[step.target].shape)
            return values

        if any(name not in self.exercise.values for name in self.exercise.given) and self.name == "general":
            return {}
        try:
            made = settled(compute, 256)
        except Missing:
            made = settled(lambda domain: self._partial(domain), 256)
        return {name: value for name, value in made.items() if not _symbolic(value)}

    def _partial(self, domain: Any) -> dict[str, Array[Any]]:
        """The forward pass until a value is missing."""
        values = dict(self.exercise.values)
        working = evaluator(self.model, domain)
        for one in self.exercise.equations:
            try:
                values[one.name] = working.evaluate(one.body, values)
            except (Missing, Symbolic):
                break
        return values

    def value(self, formula: Node, known: Numbers, shape: tuple[int, ...]) -> Array[Any] | None:
        """The number of a formula with these values of names; None if it has none."""

        def compute(domain: Any) -> Array[Any]:
            return evaluator(self.model, domain).evaluate(formula, known, like=shape)

        try:
            return settled(compute, 256)
        except (EvaluationError, DomainProblem, NotCertified, Symbolic, ArithmeticError, IndexError):
            return None

    # --- judging

    def holds(self, target: str, formula: Node) -> bool:
        """Whether a formula has the value of the target at all points, in the target's shape."""
        given = [world.equal(world.values.get(target), formula) for world in self.own[: len(self.own) // 2]]
        return bool(given) and all(one is True for one in given)

    def holds_for_all_sizes(self, target: str, formula: Node) -> bool:
        """The same also where all sizes are different; what is unknown there counts as true."""
        return self.holds(target, formula) and all(
            world.equal(self._there(world, target), formula) is not False for world in self.other
        )

    @staticmethod
    def _there(world: World, target: str) -> Array[Any] | None:
        return None if target[1:] in world.drawn else world.values.get(target)

    def fails(self, target: str, formula: Node) -> bool:
        """Whether a formula is surely wrong: at a point, written in matrices or with numbers for size 1.

        What differs from the right value only by a transpose and has one side of 1, or is its own
        layout, is a matter of convention: it counts as neither.
        """
        strict = [world.equal(world.values.get(target), formula) for world in self.own]
        half = len(strict) // 2
        if None in strict or not strict or all(strict[:half]) or all(strict[half:]):
            return False
        if any(all(self._same(world, target, formula) for world in kind) for kind in self.reals):
            return False
        return not any(map(self._sideways, self.own, [target] * len(self.own), [formula] * len(self.own)))

    @cached_property
    def reals(self) -> tuple[tuple[World, ...], ...]:
        """Points of the real numbers, with the slope 0 and with the slope 1 at ReLU's kink.

        In a field ŷ > 0 and z > 0 have nothing to do with each other; here they are the same for ReLU.
        """
        if self.exercise.sizes:
            return ()
        return tuple(
            tuple(self._real(seed, {"relu": {Fraction(0): Fraction(slope)}}) for seed in range(REALS))
            for slope in (0, 1)
        )

    def _real(self, seed: int, kinks: Mapping[str, Mapping[Fraction, Fraction]]) -> World:
        draw = Random(f"{self.name}/{seed}")
        given = {}
        for name in self.exercise.given:
            count = prod(size for size in self.exercise.shapes[name] if isinstance(size, int))
            low = 1 if name in ("epsilon", "r", "t") else -90
            entries = [Fraction(draw.randint(low, 90), 101) for _ in range(count)]
            shape = tuple(size for size in self.exercise.shapes[name] if isinstance(size, int))
            given[name] = Array(shape, tuple(entries))
        if self.name == "softmax":
            total = sum(given["t"].entries)
            given["t"] = given["t"].map(lambda entry: entry / total)
        working = Evaluator(Exact(200), {}, self.exercise.functions, kinks)
        return world_of(self.model, self.steps, given, working)

    @staticmethod
    def _same(world: World, target: str, formula: Node) -> bool:
        """Whether a formula has the right value at a real point; what has none there does not."""
        return world.equal(world.values.get(target), formula) is True

    @staticmethod
    def _sideways(world: World, target: str, formula: Node) -> bool:
        """Whether it is the right row as a column, or the other way round."""
        right = world.values[target]
        try:
            wrong = world.working.evaluate(formula, world.values, like=right.shape)
        except (EvaluationError, ArithmeticError):
            return False
        if form(wrong.shape) == form(right.shape) or wrong.entries != right.entries:
            return False
        return sum(size > 1 for size in wrong.shape) <= 1


def _as_numbers(world: World) -> World:
    """The world with every vector of one entry as a number, as people write for k = 1."""
    values = {
        name: value.reshaped(()) if value.shape == (1,) else value for name, value in world.values.items()
    }
    return World(world.working, values, world.drawn)


def _symbolic(value: Array[Any]) -> bool:
    return any(isinstance(entry, Poly) for entry in value.entries)


@cache
def facts(name: str) -> Facts:
    """The facts of a bundled exercise."""
    exercise = named_parts(load(name))
    model = Model.of(exercise)
    return Facts(name, exercise, model, formulas(model))


def names() -> tuple[str, ...]:
    """The exercises that derivations are made of."""
    return tuple(bundled())


def middle(value: Any) -> Fraction:
    """A number as a rational: itself, or the middle of its ball."""
    low, high = bounds(value)
    return (low + high) / 2


def called(node: Node) -> Iterator[tree.Call]:
    """The calls in a formula."""
    return (part for part in tree.walk(node) if isinstance(part, tree.Call))
