"""Points at which two formulas for a gradient are compared: the example's own, random ones, nearby ones.

A world is a derivation's forward and backward pass with numbers of some kind; it tells whether
another formula gives the same gradient there. At the example's numbers that is an accident, or
not; at random points with all sizes different it is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Domain, EvaluationError
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact
from symbackprop.algebra.values.gfp import MERSENNE, ORDERED, GFp, Signs
from symbackprop.algebra.values.poly import Poly
from symbackprop.algebra.values.run import forward
from symbackprop.derivation.model import Model
from symbackprop.derivation.numbers import evaluator, shaped
from symbackprop.derivation.steps import Derivation, Step
from symbackprop.notation.inference import solve
from symbackprop.notation.tree import Node, Shape, Size

Numbers = Mapping[str, "Array[Any]"]

REDRAWS = 8


@dataclass(frozen=True, slots=True)
class World:
    """`values` holds every name (`z`) and every gradient (`dz`) that has a value."""

    working: Evaluator[Any]
    values: Numbers

    def same(self, step: Step, formula: Node) -> bool | None:
        """Whether `formula` is the gradient of `step` here, in the shape it would be written in.

        A column n×1 is written like a vector and an array of one number like a number. None where
        it cannot be told: a symbol is in the way, or a function has no value.
        """
        return self.equal(self.values.get("d" + step.target), formula)

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
        if written(wrong.shape) != written(right.shape):
            return False
        sub = self.working.domain.sub
        return all(vanishes(sub(a, b)) for a, b in zip(right.entries, wrong.entries, strict=True))


def written(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape as it shows on paper."""
    while shape and shape[-1] == 1:
        shape = shape[:-1]
    return shape


def vanishes(value: Any) -> bool:
    """Whether a number is 0, or a ball so small that holds 0; floats near 0 count."""
    if isinstance(value, Poly):
        return all(vanishes(part) for part in value.terms.values())
    if isinstance(value, float):
        return abs(value) < 1e-9
    if isinstance(value, Fraction | int):
        return value == 0
    return bool(value.contains(0))


# --- the example --------------------------------------------------------------------------


def example(model: Model, derivation: Derivation) -> World:
    """The derivation's own numbers."""
    values = {name: one.numbers for name, one in derivation.quantities.items() if one.numbers is not None}
    return World(evaluator(model, Exact()), values)


def world_of(model: Model, steps: Sequence[Step], given: Numbers, working: Evaluator[Any]) -> World:
    """The passes run with these values of the given names. Raises what the evaluator raises."""
    equations = [(one.name, one.body) for one in model.exercise.equations]
    values = forward(equations, given, working)
    values["d" + model.exercise.loss] = Array((), (working.domain.one,))
    for step in steps:
        if step.gradient and step.rule != "seed":
            shape = values[step.target].shape
            values["d" + step.target] = shaped(working.evaluate(step.formula, values, like=shape), shape)
    return World(working, values)


# --- random points --------------------------------------------------------------------------


SIGNS: tuple[Signs, ...] = ("random", "on", "off")


def random_worlds(model: Model, steps: Sequence[Step]) -> Iterator[World]:
    """Random points of GF(p): the exercise's sizes with units on, off and mixed; then sizes all different."""
    if not model.exercise.sizes:
        for signs in SIGNS:
            yield from random_world(model, steps, model.exercise.shapes, {}, signs)
    lifted = lifted_shapes(model)
    if lifted is not None:
        shapes, sizes = lifted
        yield from random_world(model, steps, shapes, different(sizes))


def random_world(
    model: Model, steps: Sequence[Step], shapes: Mapping[str, Shape], sizes: Mapping[str, int], signs: Signs = "random"
) -> Iterator[World]:
    """One random point with these sizes; none where the formulas are not made for them."""
    for attempt in range(REDRAWS):
        modulus: int = MERSENNE if attempt < REDRAWS // 2 else ORDERED
        domain: Domain[int] = GFp(f"blind/{attempt}/{sorted(sizes.items())}", modulus=modulus, signs=signs)
        given = {name: _draw(domain, shapes[name], sizes) for name in model.exercise.given}
        try:
            yield world_of(model, steps, given, evaluator(model, domain, sizes))
        except ArithmeticError:
            continue
        except EvaluationError:
            pass
        return


def _draw(domain: Any, shape: Shape, sizes: Mapping[str, int]) -> Array[int]:
    made: Array[int] = domain.draw_array(tuple(size if isinstance(size, int) else sizes[size] for size in shape))
    return made


def lifted_shapes(model: Model) -> tuple[dict[str, Shape], dict[str, int]] | None:
    """Every shape with names for the sizes that could be others, and what they are in the exercise.

    None where the equations fix all sizes, or do not determine them without numbers. A size
    that is a symbol in the exercise counts as 0.
    """
    exercise = model.exercise
    declared: dict[str, Shape] = {
        name: tuple("" if isinstance(size, int) else size for size in shape)
        for name, shape in exercise.shapes.items()
    }
    equations = [(one.name, one.body) for one in exercise.equations]
    found = solve(equations, declared, functions=exercise.signatures)
    if found.faults or found.undetermined or any(name not in found.shapes for name in exercise.shapes):
        return None
    sizes: dict[str, int] = {}
    for name, shape in exercise.shapes.items():
        for size, given in zip(found.shapes[name], shape, strict=True):
            if isinstance(size, str):
                sizes[size] = given if isinstance(given, int) else 0
    return (dict(found.shapes), sizes) if sizes else None


def different(sizes: Mapping[str, Size]) -> dict[str, int]:
    """Numbers from 2 upwards, no two alike, for these sizes."""
    return dict(zip(sizes, count(2), strict=False))
