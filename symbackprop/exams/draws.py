"""What numbers a given name may have: as the exam says, else by what the name is in the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from math import prod
from typing import Any, Final

from symbackprop import limits
from symbackprop.derivation.model import Model
from symbackprop.exams.model import Draw
from symbackprop.exercise.faults import Collected, Path
from symbackprop.exercise.model import Exercise
from symbackprop.exercise.numbers import number_at
from symbackprop.exercise.sections import known_keys
from symbackprop.notation import tree

_KEYS: Final = ("from", "to", "step", "zero", "ones", "distinct")


WEIGHT: Final = Draw(low=Fraction(-5), high=Fraction(5))
INPUT: Final = replace(WEIGHT, distinct=True)
BIAS: Final = Draw(low=Fraction(-9), high=Fraction(9), ones=True)
TARGET: Final = Draw(low=Fraction(-20), high=Fraction(20), zero=True, ones=True)


def draws_of(raw: Mapping[str, Any], exercise: Exercise, path: Path, collected: Collected) -> dict[str, Draw]:
    """How every given name without a value is drawn."""
    unknown = [str(name) for name in raw if name not in exercise.given]
    for name in unknown:
        collected.unknown((*path, "draw", name), "the model has no given name", name, exercise.given)
    found = {}
    for name in exercise.given:
        if name in exercise.values:
            if name in raw:
                message = f"{name} is given the same value for everybody, and drawn"
                collected.add((*path, "draw", name), message, "Take one of them away.")
            continue
        base = usual(exercise, name)
        draw = _draw(raw[name], base, (*path, "draw", name), collected) if name in raw else base
        _check_enough(draw, name, exercise, (*path, "draw", name), collected)
        found[name] = draw
    return found


def usual(exercise: Exercise, name: str) -> Draw:
    """The range of a name that the exam says nothing of: a matrix of weights, a bias, a target, an input."""
    users = Model.of(exercise).users(name)
    several = len(exercise.shapes[name]) > 1
    if [one.name for one in users] == [exercise.loss] and (not several or _is_term(users[0].body, name)):
        return TARGET
    if several:
        return WEIGHT
    if all(isinstance(one.body, tree.Add) and tree.Name(name) in one.body.terms for one in users):
        return BIAS
    return INPUT


def _is_term(body: tree.Node, name: str) -> bool:
    """Whether a name stands by itself in a sum or a loss, as Y in ‖A − Y‖², and not before something."""
    alone = (tree.Name(name), tree.Neg(tree.Name(name)))
    return any(
        one in alone
        for part in tree.walk(body)
        for one in (
            part.terms if isinstance(part, tree.Add) else part.args if isinstance(part, tree.Call) else ()
        )
    )


def _draw(raw: Any, base: Draw, path: Path, collected: Collected) -> Draw:
    """`{ from = -5, to = 5 }`, or [-5, 5] in short."""
    if isinstance(raw, list) and len(raw) == 2:
        raw = {"from": raw[0], "to": raw[1]}
    if not isinstance(raw, Mapping):
        collected.add(path, "a range belongs here", "Write { from = -5, to = 5 }.")
        return base
    known_keys(raw, _KEYS, path, collected)
    numbers = {"from": base.low, "to": base.high, "step": base.step}
    for key in numbers:
        if key in raw:
            found = number_at(raw[key], (*path, key), collected)
            numbers[key] = numbers[key] if found is None else found
    switches = {"zero": base.zero, "ones": base.ones, "distinct": base.distinct}
    for key in switches:
        if key in raw:
            switches[key] = raw[key] is True
            if not isinstance(raw[key], bool):
                collected.add((*path, key), f"{raw[key]!r} is neither true nor false")
    low, high, step = numbers["from"], numbers["to"], numbers["step"]
    for holds, message in _bounds(low, high, step):
        if not holds():
            collected.add(path, message)
            return base
    return Draw(
        low=low, high=high, step=step, zero=switches["zero"], ones=switches["ones"],
        distinct=switches["distinct"],
    )  # fmt: skip


def _bounds(low: Fraction, high: Fraction, step: Fraction) -> tuple[tuple[Callable[[], bool], str], ...]:
    fine, many = limits.EXAM_DENOMINATOR, limits.EXAM_RANGE
    return (
        (lambda: step > 0, f"the step {step} is not above 0"),
        (lambda: low <= high, f"from {low} to {high} there is nothing"),
        (lambda: step.denominator <= fine, f"a step of {step} is too fine for work by hand"),
        (lambda: (high - low) / step <= many, f"from {low} to {high} there are more than {many} numbers"),
    )


def _check_enough(draw: Draw, name: str, exercise: Exercise, path: Path, collected: Collected) -> None:
    """A range holds a number at all, and as many different sizes as are needed."""
    sizes = {abs(value) for value in values(draw)}
    entries = entries_of(exercise.shapes[name])
    if not sizes:
        collected.add(
            path, "no number is left in this range", "Allow zero = true or ones = true, or widen it."
        )
    elif draw.distinct and len(sizes) < entries:
        message = f"{name} has {entries} entries and only {len(sizes)} sizes |{name}| to be drawn from"
        collected.add(path, message, "Widen the range, allow ones = true, or write distinct = false.")


def entries_of(shape: tree.Shape) -> int:
    """How many entries a shape has; a size that is no number counts as one."""
    return prod(size for size in shape if isinstance(size, int))


def values(draw: Draw) -> tuple[Fraction, ...]:
    """Every number that an entry may be, in order."""
    count = int((draw.high - draw.low) / draw.step) + 1
    every = (draw.low + at * draw.step for at in range(count))
    return tuple(one for one in every if (one or draw.zero) and (draw.ones or abs(one) != 1))
