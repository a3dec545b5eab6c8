"""The numbers of the example: forward, then every gradient by its derived formula."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.decimals import to_tree
from symbackprop.algebra.values.domain import Domain, DomainProblem, Missing, NoSlope, Symbolic
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact, settled
from symbackprop.algebra.values.poly import Poly, leftover
from symbackprop.derivation.failed import CertificateFailed
from symbackprop.derivation.model import Model
from symbackprop.derivation.steps import Quantity, Step

Numbers = dict[str, "Array[Any] | None"]


def evaluator(model: Model, domain: Domain[Any], sizes: Mapping[str, int] | None = None) -> Evaluator[Any]:
    """An evaluator with the exercise's own functions and conventions."""
    exercise = model.exercise
    return Evaluator(domain, sizes or {}, exercise.functions, exercise.kinks)


def quantities(model: Model, steps: Sequence[Step], digits: int) -> dict[str, Quantity]:
    """Every given, computed and gradient quantity, with numbers as far as the values go.

    Bits are added until every value can be printed with `digits` correct decimals.
    """

    def compute(domain: Exact) -> Numbers:
        found = _numbers(model, steps, domain)
        check_digits((array for array in found.values() if array is not None), digits)
        return found

    numbers: Numbers = settled(compute) if model.exercise.values else {}
    made = {}
    for name in model.exercise.given:
        made[name] = Quantity(
            name=name, target=name, gradient=False, shape=model.exercise.shapes[name], formula=None,
            numbers=numbers.get(name) if name in model.exercise.values else None,
        )  # fmt: skip
    for step in steps:
        key = ("d" if step.gradient else "") + step.target
        made[key] = Quantity(
            name=key, target=step.target, gradient=step.gradient, shape=step.shape, formula=step.formula,
            numbers=numbers.get(key, _seed(step)),
        )  # fmt: skip
    return made


def check_digits(arrays: Iterable[Array[Any]], digits: int) -> None:
    """Raise Undecided where `digits` decimals of some entry hang on more bits."""
    for array in arrays:
        for entry in array.entries:
            if not _certain(entry, digits):
                to_tree(entry, digits)


def _certain(value: Any, digits: int) -> bool:
    """Whether `digits` decimals are certain at first sight; the slow way decides the rest."""
    if isinstance(value, Fraction):
        return True
    if isinstance(value, Poly):
        return all(isinstance(part, Fraction) for part in value.terms.values())
    shifted = abs(value) * 10**digits + _HALF
    return bool(shifted > 2) and shifted.floor().unique_fmpz() is not None


_HALF = 0.5


def _seed(step: Step) -> Array[Any] | None:
    return Array((), (Fraction(1),)) if step.rule == "seed" else None


def _numbers(model: Model, steps: Sequence[Step], domain: Exact) -> Numbers:
    exercise = model.exercise
    known: dict[str, Array[Any]] = dict(exercise.values)
    for rank, name in enumerate(exercise.given):
        shape = exercise.shapes[name]
        numbers = tuple(size for size in shape if isinstance(size, int))
        if name not in known and len(numbers) == len(shape):
            known[name] = leftover(name, numbers, rank)
    found: Numbers = {}
    found.update({name: known.get(name) for name in exercise.given})
    working = evaluator(model, domain)
    for step in steps:
        key = ("d" if step.gradient else "") + step.target
        value = _value(working, step, known)
        found[key] = value
        if value is not None:
            known[key] = value
    return found


def _value(working: Evaluator[Any], step: Step, known: Mapping[str, Array[Any]]) -> Array[Any] | None:
    """The value in the step's own shape; None where a symbol is in the way."""
    sizes = tuple(size for size in step.shape if isinstance(size, int))
    if len(sizes) != len(step.shape):
        return None
    try:
        made = working.evaluate(step.formula, known, like=sizes)
    except (Symbolic, Missing):
        return None
    except DomainProblem as problem:
        raise _placed(problem, step) from None
    return shaped(made, sizes)


def _placed(problem: DomainProblem, step: Step) -> DomainProblem:
    """The problem with the equation that it is about; a gradient names itself."""
    if not step.gradient:
        return problem.at(f"equation {step.target}")
    what = f"the gradient d{step.target}"
    reason = problem.what if problem.reason == "" else f"{problem.what}: {problem.reason}"
    found = NoSlope(what, "the example", reason)
    for place in problem.where:
        found.at(place)
    return found.at(f"equation {step.substeps[0].through}") if step.substeps else found


def shaped(made: Array[Any], shape: tuple[int, ...]) -> Array[Any]:
    """The same numbers in the shape that the quantity has; the number 0 fills any shape.

    Only axes of size 1 may differ. Raises CertificateFailed: a formula of ours has another shape.
    """
    if made.shape == shape:
        return made
    if [size for size in made.shape if size != 1] == [size for size in shape if size != 1]:
        return made.reshaped(shape)
    if len(made.entries) == 1 and made.entries[0] == 0:
        return Array(shape, made.entries * prod(shape))
    raise CertificateFailed("a formula", f"it has the shape {made.shape} and not {shape}")
