"""Gradients in floating point: formulas derived and certified once, then numbers for any values.

A *plan* is the derivation without numbers: formulas with a name for every size where that is possible,
compared with dual numbers at random points of a finite field like those of any other derivation. Plans of
the last models are kept, so that another set of numbers for the same model costs their evaluation only.
The numbers themselves are binary64, approximate, and certified by nobody.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any

from symbackprop.algebra.lower import CannotDerive
from symbackprop.algebra.values.domain import EvaluationError, Missing
from symbackprop.algebra.values.floating import np
from symbackprop.algebra.values.floating.atoms import Floats
from symbackprop.algebra.values.floating.evaluate import Floating
from symbackprop.derivation.certify import formula_check
from symbackprop.derivation.derive import formulas
from symbackprop.derivation.failed import CertificateFailed
from symbackprop.derivation.fulfil import FactFails
from symbackprop.derivation.general import with_named_sizes
from symbackprop.derivation.model import Model
from symbackprop.derivation.naming import named_parts
from symbackprop.derivation.steps import Check, Step
from symbackprop.exercise import ExerciseError, Fault
from symbackprop.exercise.floats import FloatSource
from symbackprop.exercise.model import Exercise, Fact
from symbackprop.notation import sizes as size_forms
from symbackprop.notation.tree import Node, Shape

KEPT = 16
"""Plans that are kept."""

LARGE = 1e150
"""A number from which on a warning is given: its square is beyond what a float can be."""

SLACK = 1e-9
"""Of the larger side: how far a fact may be from holding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """One quantity: `z` or `dz`, its formula, and its shape in the example."""

    name: str
    target: str
    gradient: bool
    node: Node
    shape: tuple[int, ...]
    missing: bool  # a name that never reaches the loss: the gradient is 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What does not change with the numbers of a model. `sizes` are the numbers behind the formulas' sizes;
    `constants` values that belong to the plan."""

    exercise: Exercise
    formulas: tuple[Formula, ...]
    sizes: Mapping[str, int]
    constants: Mapping[str, Floats]
    check: Check
    evaluator: Floating


@dataclass(frozen=True, slots=True, kw_only=True)
class Approximate:
    """The numbers of one example: `values["dW"]` is an array; `warnings` say where they are useless."""

    plan: Plan
    values: Mapping[str, Floats]
    warnings: tuple[str, ...]

    @property
    def wanted(self) -> tuple[str, ...]:
        """The gradients that were asked for: `("dW", "db")`."""
        return tuple("d" + name for name in self.plan.exercise.wanted)


_PLANS: OrderedDict[str, Plan] = OrderedDict()


def approximate(source: FloatSource) -> Approximate:
    """The gradients of an exercise in floats.

    Raises what `derive` raises about the model, and ExerciseError for a name without value, or for a fact
    that the numbers contradict by more than rounding.
    """
    plan = _PLANS.get(source.identity)
    if plan is None:
        plan = _PLANS[source.identity] = planned(source)
        while len(_PLANS) > KEPT:
            _PLANS.popitem(last=False)
    else:
        _PLANS.move_to_end(source.identity)
    return evaluated(plan, dict(source.named()), source.file)


# --- formulas, once --------------------------------------------------------------------------------


def planned(source: FloatSource) -> Plan:
    """The formulas of a model, certified. Raises what `derive` raises about a model."""
    exercise, constants = source.exercise()
    _all_given(exercise, {*constants, *(name for name, _ in source.named())}, source.file)
    model = Model.of(named_parts(exercise))
    lifted, steps, check = _lifted(model) or _as_it_is(model)
    numbers = _sizes(lifted.exercise, model.exercise)
    return Plan(
        exercise=exercise,
        formulas=tuple(_formula(step, numbers) for step in steps if step.rule != "seed"),
        sizes=numbers,
        constants=constants,
        check=check,
        evaluator=Floating(numbers, exercise.functions, exercise.kinks),
    )


def _lifted(model: Model) -> tuple[Model, tuple[Step, ...], Check] | None:
    """The formulas for any sizes, tried at small ones; None where there are none."""
    lifted = with_named_sizes(model)
    if lifted is None:
        return None
    try:
        steps = formulas(lifted)
        return lifted, steps, _checked(lifted, steps)
    except (CannotDerive, FactFails):
        return None


def _as_it_is(model: Model) -> tuple[Model, tuple[Step, ...], Check]:
    steps = formulas(model)
    return model, steps, _checked(model, steps)


def _checked(model: Model, steps: Sequence[Step]) -> Check:
    try:
        return formula_check(model, steps)
    except EvaluationError as error:  # a formula of ours that means nothing
        raise CertificateFailed("a formula", str(error)) from error


def _sizes(lifted: Exercise, exercise: Exercise) -> dict[str, int]:
    """The number behind every size that the formulas name."""
    found: dict[str, int] = {}
    for name, shape in lifted.shapes.items():
        for size, number in zip(shape, exercise.shapes[name], strict=True):
            if isinstance(size, str) and isinstance(number, int) and size_forms.names(size) == (size,):
                found[size] = number
    return found


def _formula(step: Step, sizes: Mapping[str, int]) -> Formula:
    return Formula(
        name=("d" if step.gradient else "") + step.target,
        target=step.target,
        gradient=step.gradient,
        node=step.formula,
        shape=tuple(size_forms.value(size, sizes) for size in step.shape),
        missing=step.rule == "unreached",
    )


def _all_given(exercise: Exercise, known: set[str], file: str) -> None:
    """Floats need a number for every name. Raises ExerciseError."""
    faults = [
        Fault(
            file=file, key=f"values.{name}", message=f"{name} has no value",
            suggestion="In floats every name needs its numbers; without --floats it stays a symbol.",
        )
        for name in exercise.given
        if name not in known
    ]  # fmt: skip
    generic = [name for name, row in exercise.functions.items() if not row.pieces]
    faults += [
        Fault(file=file, key=f"functions.{name}", message=f"{name} is generic: it has no numbers")
        for name in generic
    ]
    if faults:
        raise ExerciseError(faults)


# --- numbers, each time ------------------------------------------------------------------------------


def evaluated(plan: Plan, given: Mapping[str, Floats], file: str = "") -> Approximate:
    """The numbers for given values. Raises ExerciseError where they contradict a fact."""
    shapes = plan.exercise.shapes
    known = {name: _fitted(array, shapes[name]) for name, array in {**plan.constants, **given}.items()}
    known["d" + plan.exercise.loss] = _ONE
    with np.errstate(all="ignore"):  # the warnings below say it with names
        for one in plan.formulas:
            made = np.zeros(one.shape) if one.missing else plan.evaluator.evaluate(one.node, known)
            known[one.name] = made if made.shape == one.shape else _shaped(made, one)
        _check_facts(plan, known, file)
    return Approximate(plan=plan, values=known, warnings=tuple(_warnings(plan, known)))


_ONE = np.array(1.0)


def _fitted(array: Floats, shape: Shape) -> Floats:
    """The numbers in the model's shape: one number fits any array of size 1."""
    sizes = tuple(size for size in shape if isinstance(size, int))
    return array if array.shape == sizes else array.reshape(sizes)


def _shaped(made: Floats, one: Formula) -> Floats:
    """The same numbers in the shape of the quantity; the number 0 fills any. Raises CertificateFailed: that
    is our fault."""
    if made.size == 1 and not made.any():
        return np.zeros(one.shape)
    if made.size == prod(one.shape):
        return made.reshape(one.shape)
    raise CertificateFailed("a formula", f"{one.name} has the shape {made.shape} and not {one.shape}")


def _warnings(plan: Plan, known: Mapping[str, Floats]) -> list[str]:
    """Where numbers are none, or so large that little can be made of them: the first one is the cause."""
    found = []
    for one in plan.formulas:
        values = known[one.name]
        most = float(np.abs(values).max())
        if most < LARGE:
            continue
        bad = int(values.size - np.isfinite(values).sum())
        if bad:
            found.append(f"{one.name}: {bad} of {values.size} entries are no finite numbers in floats")
        elif not np.isnan(most):
            found.append(f"{one.name} has entries as large as {most:.1e}: floats end near 1.8e308")
    return found


def _check_facts(plan: Plan, known: Mapping[str, Floats], file: str) -> None:
    wrong = [fact for fact in plan.exercise.facts if not _holds(plan, fact, known)]
    if wrong:
        raise ExerciseError(
            Fault(
                file=file, key="assume.facts", message=f"the values contradict “{fact.text}”",
                suggestion="Change the values, or take the fact away.",
            )
            for fact in wrong
        )  # fmt: skip


def _holds(plan: Plan, fact: Fact, known: Mapping[str, Floats]) -> bool:
    """Whether a fact holds up to rounding; what cannot be evaluated is let pass, as in exact numbers."""
    try:
        members = [plan.evaluator.evaluate(member, known) for member in fact.chain.members]
    except (Missing, EvaluationError):
        return True
    return all(
        _RELATED[relation](left - right, SLACK * np.maximum(1.0, np.maximum(np.abs(left), np.abs(right))))
        for relation, (left, right) in zip(fact.chain.relations, pairwise(members), strict=True)
    )


def _equal(gap: Any, slack: Any) -> bool:
    return bool(np.all(np.abs(gap) <= slack))


_RELATED: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": _equal, "≠": lambda gap, slack: bool(np.all(gap != 0)),
    "<": lambda gap, slack: bool(np.all(gap < slack)), "≤": lambda gap, slack: bool(np.all(gap <= slack)),
    ">": lambda gap, slack: bool(np.all(gap > -slack)), "≥": lambda gap, slack: bool(np.all(gap >= -slack)),
}  # fmt: skip
"""What each relation says about left − right."""
