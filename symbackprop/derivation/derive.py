"""From an exercise to its derivation: forward, backward, numbers, certificate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from symbackprop.algebra.functions import Function
from symbackprop.algebra.lower import CannotDerive
from symbackprop.algebra.slopes import OutsideKink, Slope, slope
from symbackprop.algebra.symbolic import NotSymbolic
from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.derivation.certify import certificate
from symbackprop.derivation.failed import CertificateFailed
from symbackprop.derivation.forward import forward_steps
from symbackprop.derivation.general import layers, with_named_sizes
from symbackprop.derivation.gradients import backward
from symbackprop.derivation.links import with_points
from symbackprop.derivation.model import Model
from symbackprop.derivation.naming import named_parts
from symbackprop.derivation.numbers import quantities
from symbackprop.derivation.steps import Derivation, Step, slope_key
from symbackprop.exercise.faults import ExerciseError, Fault
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.tree import Node


def derive(exercise: Exercise, *, digits: int = 4) -> Derivation:
    """The certified derivation of every gradient between the loss and what is wanted.

    `digits` after the point are certain in every rounded number. Raises CannotDerive where the
    calculus does not reach, DomainProblem where a function has no value at the example,
    ExerciseError for a slope at a kink that is not between its sides, and CertificateFailed (our
    own fault) where the second route disagrees.
    """
    model = Model.of(named_parts(exercise))
    steps = formulas(model)
    slopes = dict(_slopes(model, steps))
    try:
        return _certified(model, steps, slopes, digits)
    except EvaluationError as error:  # a formula of ours that means nothing
        raise CertificateFailed("a formula", str(error)) from error


def formulas(model: Model) -> tuple[Step, ...]:
    """The steps forward and backward: formulas, no numbers. Raises CannotDerive."""
    return (*forward_steps(model), *backward(model))


def _certified(model: Model, steps: tuple[Step, ...], slopes: Mapping[str, Slope], digits: int) -> Derivation:
    wanted = {step.target for step in steps if step.gradient}
    draft = Derivation(
        exercise=model.exercise,
        steps=steps,
        slopes=slopes,
        quantities=quantities(model, steps, digits),
        layers=tuple(layers(model, wanted)),
        digits=digits,
    )
    checks = certificate(model, draft, _for_any_sizes(model))
    made = replace(draft, steps=with_points(steps, checks), checks=checks)
    if model.exercise.descent is None:
        return made
    from symbackprop.derivation.descent import descended  # only where there is one

    return replace(made, descent=descended(model, steps, digits))


def _for_any_sizes(model: Model) -> tuple[Model, tuple[Step, ...]] | None:
    """The model with named sizes and its gradients, so that they are also checked at n ≠ k."""
    lifted = with_named_sizes(model)
    if lifted is None:
        return None
    try:
        return lifted, tuple(backward(lifted))
    except CannotDerive:
        return None


def _slopes(model: Model, steps: tuple[Step, ...]) -> Iterator[tuple[str, Slope]]:
    """The derivative of every function whose prime occurs in a gradient.

    The key is the function's name; for a second use with other options also those: `elu(alpha = 2)`.
    """
    seen: dict[str, list[tuple[tuple[str, Node], ...]]] = {}
    for step in steps:
        for call in model.calls(step.formula):
            row = model.row(call.function)
            if not call.primes or row is None or not row.pieces:
                continue
            known = seen.setdefault(call.function, [])
            if call.options not in known:
                key = slope_key(call) if known else call.function
                known.append(call.options)
                yield key, _slope(model, row, call, step.target)


def _slope(model: Model, row: Function, call: tree.Call, target: str) -> Slope:
    own = frozenset(model.exercise.functions)
    key = row.convention or row.name
    try:
        return slope(
            row, lambda text, _: formula(text, own), options=dict(call.options),
            kinks=model.exercise.kinks.get(key, {}), functions=model.exercise.functions,
        )  # fmt: skip
    except NotSymbolic as error:
        message = f"SymPy finds no derivative of {call.function} ({error})"
        raise CannotDerive(call, message, "Write its cases out.", equation=target) from error
    except OutsideKink as error:
        raise ExerciseError([_outside(model, key, error)]) from None


def _outside(model: Model, key: str, error: OutsideKink) -> Fault:
    from symbackprop.notation.write import to_plain  # only for the message

    left, right = to_plain(error.left), to_plain(error.right)
    return Fault(
        file=model.exercise.key,
        key=f"conventions.kinks.{key}.{error.at}",
        message=f"{error.chosen} is not between the slopes of {key} on the two sides of {error.at}",
        suggestion=f"Choose a slope from {left} to {right}.",
    )
