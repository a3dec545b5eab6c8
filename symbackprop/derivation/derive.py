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
from symbackprop.derivation.backward import contribution
from symbackprop.derivation.certify import certificate
from symbackprop.derivation.failed import CertificateFailed
from symbackprop.derivation.general import layers, with_named_sizes
from symbackprop.derivation.links import backward_links, forward_links, with_points
from symbackprop.derivation.model import Model
from symbackprop.derivation.numbers import quantities
from symbackprop.derivation.steps import Contribution, Derivation, Rule, Step, slope_key
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
    model = Model.of(exercise)
    steps = (*_forward(model), *_backward(model))
    slopes = dict(_slopes(model, steps))
    try:
        return _certified(model, steps, slopes, digits)
    except EvaluationError as error:  # a formula of ours that means nothing
        raise CertificateFailed("a formula", str(error)) from error


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
    return replace(draft, steps=with_points(steps, checks), checks=checks)


def _for_any_sizes(model: Model) -> tuple[Model, tuple[Step, ...]] | None:
    """The model with named sizes and its gradients, so that they are also checked at n ≠ k."""
    lifted = with_named_sizes(model)
    if lifted is None:
        return None
    try:
        return lifted, tuple(_backward(lifted))
    except CannotDerive:
        return None


def _forward(model: Model) -> Iterator[Step]:
    for one in model.exercise.equations:
        uses = tuple(name for name in tree.names_in(one.body) if name in model.exercise.shapes)
        yield Step(
            rule="forward",
            target=one.name,
            gradient=False,
            shape=model.exercise.shapes[one.name],
            formula=one.body,
            uses=uses,
            links=forward_links(one),
        )


def _backward(model: Model) -> Iterator[Step]:
    """dL first, then each computed name after all that use it, its given names right behind."""
    exercise = model.exercise
    yield _seed(model)
    reached = model.reaching()
    done = {exercise.loss}
    waiting = [name for name in (*exercise.wanted, *exercise.given) if name not in exercise.computed]
    wanted = [name for name in dict.fromkeys(waiting) if name in exercise.wanted]
    for name in reversed(exercise.computed[:-1]):
        if _needed(model, name):
            yield _step(model, name, reached)
        done.add(name)
        ready = [one for one in wanted if all(user.name in done for user in model.users(one))]
        yield from _simplest_first(_step(model, one, reached) for one in ready)
        wanted = [one for one in wanted if one not in ready]
    yield from _simplest_first(_step(model, one, reached) for one in wanted)


def _needed(model: Model, name: str) -> bool:
    """Whether a wanted gradient passes through `name`, or `name` itself is wanted."""
    below = {name}
    for one in reversed(model.exercise.equations):
        if one.name in below:
            below.update(tree.names_in(one.body))
    return any(wanted in below for wanted in model.exercise.wanted)


def _simplest_first(steps: Iterator[Step]) -> Iterator[Step]:
    """db = dz before dW = dz xᵀ, as on the board."""
    yield from sorted(steps, key=lambda step: not isinstance(step.formula, tree.Gradient))


def _seed(model: Model) -> Step:
    loss = model.exercise.loss
    return Step(
        rule="seed",
        target=loss,
        gradient=True,
        shape=(),
        formula=tree.number(1),
        uses=(),
        links=(),
    )


def _step(model: Model, target: str, reached: set[str]) -> Step:
    exercise = model.exercise
    made: list[Contribution] = []
    for user in model.users(target):
        if user.name in reached:
            last = user.name == exercise.loss
            tensor = model.tensor(user.name)
            made.append(contribution(model.lowering, user.name, user.body, target, loss=last, tensor=tensor))
    parts = [part for part in made if part.entry]
    if not parts:
        rule: Rule = "unreached"
        formula_: Node = tree.number(0)
    else:
        rule = parts[0].rule if len(parts) == 1 else "sum"
        formula_ = _total([part.matrix for part in parts if part.matrix is not None])
    step = Step(
        rule=rule,
        target=target,
        gradient=True,
        shape=exercise.shapes[target],
        formula=formula_,
        uses=tuple("d" + part.through for part in parts),
        links=(),
        substeps=tuple(parts),
    )
    return backward_links(exercise, step)


def _total(parts: list[Node]) -> Node:
    """The sum of what comes back, its terms in one row."""
    terms: list[Node] = []
    for part in parts:
        terms += part.terms if isinstance(part, tree.Add) else (part,)
    return tree.plus(*terms)


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
