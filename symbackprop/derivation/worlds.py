"""Points at which two formulas for a gradient are compared: the example's own, random ones, nearby ones.

A world is a derivation's forward and backward pass with numbers of some kind; it tells whether
another formula gives the same gradient there. At the example's numbers that is an accident, or
not; at random points with all sizes different it is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from math import prod
from typing import Any

from symbackprop.algebra.values.arrays import Array, form
from symbackprop.algebra.values.domain import EvaluationError, Symbolic
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact
from symbackprop.algebra.values.gfp import MERSENNE, ORDERED, GFp, Signs
from symbackprop.algebra.values.poly import leftover
from symbackprop.algebra.values.run import forward
from symbackprop.algebra.values.vanish import vanishes
from symbackprop.derivation.fulfil import fulfilled
from symbackprop.derivation.model import Model
from symbackprop.derivation.numbers import evaluator, shaped
from symbackprop.derivation.points import numbers_of
from symbackprop.derivation.steps import Derivation, Step
from symbackprop.notation import tree
from symbackprop.notation.inference import solve
from symbackprop.notation.tree import Node, Shape, Size

Numbers = Mapping[str, "Array[Any]"]

REDRAWS = 8


@dataclass(frozen=True, slots=True)
class World:
    """`values` holds every name (`z`) and every gradient (`dz`) that has a value.

    The gradients of the names in `drawn` are random ones: no formula is right for them.
    """

    working: Evaluator[Any]
    values: Numbers
    drawn: frozenset[str] = frozenset()

    def same(self, step: Step, formula: Node) -> bool | None:
        """Whether `formula` is the gradient of `step` here, in the shape it would be written in.

        A column n×1 is written like a vector and an array of one number like a number. None where
        it cannot be told: a symbol is in the way, or a function has no value.
        """
        return self.equal(self.right(step), formula)

    def right(self, step: Step) -> Array[Any] | None:
        """The gradient of `step`; None if it has no value here, or a random one."""
        return None if step.target in self.drawn else self.values.get("d" + step.target)

    def fits(self, step: Step, formula: Node) -> bool | None:
        """Whether `formula` has a meaning here, and the shape of its gradient; None as in `same`."""
        right = self.right(step)
        if right is None:
            return None
        try:
            wrong = self.working.evaluate(formula, self.values, like=right.shape)
        except EvaluationError:
            return False
        except ArithmeticError:
            return None
        return form(wrong.shape) == form(right.shape)

    def equal(self, right: Array[Any] | None, formula: Node) -> bool | None:
        """Whether `formula` has the value `right`; see `same`."""
        if right is None:
            return None
        try:
            wrong = self.working.evaluate(formula, self.values, like=right.shape)
        except EvaluationError:
            return False
        except ArithmeticError:
            return None
        if form(wrong.shape) != form(right.shape):
            return False
        sub = self.working.domain.sub
        return all(vanishes(sub(a, b)) for a, b in zip(right.entries, wrong.entries, strict=True))


# --- making them ----------------------------------------------------------------------------


def example(model: Model, derivation: Derivation) -> World:
    """The derivation's own numbers; a given name without values is a symbol."""
    values = {name: one.numbers for name, one in derivation.quantities.items() if one.numbers is not None}
    for rank, name in enumerate(model.exercise.given):
        sizes = tuple(size for size in model.exercise.shapes[name] if isinstance(size, int))
        if name not in values and len(sizes) == len(model.exercise.shapes[name]):
            values[name] = leftover(name, sizes, rank)
    return World(evaluator(model, Exact()), values)


def world_of(model: Model, steps: Sequence[Step], given: Numbers, working: Evaluator[Any]) -> World:
    """The passes run with these values of the given names. Raises what the evaluator raises.

    What stays symbolic is left out.
    """
    values = forward([(one.name, one.body) for one in model.exercise.equations], given, working, partial=True)
    values["d" + model.exercise.loss] = Array((), (working.domain.one,))
    return World(working, _with_gradients(steps, values, working))


def _with_gradients(steps: Sequence[Step], values: dict[str, Array[Any]], working: Evaluator[Any]) -> Numbers:
    for step in steps:
        if step.gradient and step.target in values and "d" + step.target not in values:
            shape = values[step.target].shape
            with suppress(Symbolic):
                value = working.evaluate(step.formula, values, like=shape)
                values["d" + step.target] = shaped(value, shape)
    return values


SIGNS: tuple[Signs, ...] = (0x5555_5555_5555_5555, 0xAAAA_AAAA_AAAA_AAAA)
"""Every other unit on, the others off; and the other way round."""


def random_worlds(model: Model, steps: Sequence[Step]) -> Iterator[World]:
    """Random points of GF(p) with the exercise's sizes; symbols get different numbers."""
    exercise = model.exercise
    sizes = dict(zip(reversed(exercise.sizes), count(3), strict=False))

    def run(working: Evaluator[Any]) -> World:
        given = fulfilled(exercise, working, _drawn(working, exercise.given, exercise.shapes))
        return world_of(model, steps, given, working)

    for signs in SIGNS:
        yield from _redrawn(model, sizes, signs, run)


def resized_world(
    model: Model, steps: Sequence[Step], shapes: Mapping[str, Shape], sizes: Mapping[str, int]
) -> Iterator[World]:
    """A random point of the model without its loss, with these sizes; none where it has no meaning.

    What the loss sends back is random too, so the steps that are the loss's own are not in it.
    """
    equations = [(one.name, one.body) for one in model.exercise.equations[:-1]]
    given = [name for name in model.exercise.given if name in shapes]
    late = [step.target for step in steps if step.rule == "loss" and step.target in shapes]
    inner = [step for step in steps if step.target in shapes and step.rule != "loss"]

    def run(working: Evaluator[Any]) -> World:
        values = dict(_drawn(working, given, shapes))
        for name, body in equations:
            values[name] = working.evaluate(body, values)
        arriving = _drawn(working, late, shapes)
        values.update({"d" + name: arriving[name] for name in late})
        return World(working, _with_gradients(inner, values, working), frozenset(late))

    yield from _redrawn(model, sizes, "random", run)


def _redrawn(
    model: Model, sizes: Mapping[str, int], signs: Signs, run: Callable[[Evaluator[Any]], World]
) -> Iterator[World]:
    for attempt in range(REDRAWS):
        modulus: int = MERSENNE if attempt < REDRAWS // 2 else ORDERED
        domain = GFp(f"blind/{attempt}/{sorted(sizes.items())}", modulus=modulus, signs=signs)
        try:
            yield run(evaluator(model, domain, sizes))
        except ArithmeticError:
            continue
        except (ValueError, KeyError):  # sizes that mean nothing here, a fact that cannot be fulfilled
            pass
        return


def _drawn(
    working: Evaluator[Any], names: Sequence[str], shapes: Mapping[str, Shape]
) -> dict[str, Array[Any]]:
    domain: Any = working.domain

    def draw(shape: Shape) -> Array[Any]:
        made: Array[Any] = domain.draw_array(numbers_of(shape, working.sizes))
        return made

    return {name: draw(shapes[name]) for name in names}


def terms(steps: Sequence[Step]) -> int:
    """How many terms the sums of equations in indices have, over all entries: what a pass costs there."""
    return sum(prod(map(_whole, step.shape)) * _terms(step.formula) for step in steps if _sums(step.formula))


def _sums(formula: Node) -> list[tree.Sum]:
    return [part for part in tree.walk(formula) if isinstance(part, tree.Sum)]


def _terms(formula: Node) -> int:
    """Of one entry: the ranges of nested sums, multiplied."""
    ranges = (part.high for part in _sums(formula))
    return prod(int(high.value) for high in ranges if isinstance(high, tree.Number))


def _whole(size: Size) -> int:
    return size if isinstance(size, int) else 1


def free_sizes(model: Model) -> tuple[dict[str, Shape], dict[str, int]]:
    """The shapes of the model without its loss, with a name for every size that could be another.

    And what these sizes are in the exercise; both empty where the equations alone do not say.
    """
    exercise = model.exercise
    equations = [(one.name, one.body) for one in exercise.equations[:-1]]
    used = {name for at, body in equations for name in (at, *tree.names_in(body)) if name in exercise.shapes}
    declared: dict[str, Shape] = {name: ("",) * len(exercise.shapes[name]) for name in sorted(used)}
    found = solve(equations, declared, functions=exercise.signatures, has_loss=False)
    if found.faults or any(name not in found.shapes for name in used):
        return {}, {}
    sizes: dict[str, int] = {}
    for name in sorted(used):
        for size, given in zip(found.shapes[name], exercise.shapes[name], strict=True):
            if isinstance(size, str) and size.isidentifier() and isinstance(given, int):
                sizes[size] = given
    return {name: found.shapes[name] for name in used}, sizes


def different(sizes: Mapping[str, Size]) -> dict[str, int]:
    """Numbers from 2 upwards, no two alike, for these sizes; those met first (of the data) are the larger."""
    return dict(zip(reversed(list(sizes)), count(2), strict=False))
