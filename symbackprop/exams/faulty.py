"""Derivations in which one step is wrong, to be found: everything after it follows from the wrong value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.exact import Exact
from symbackprop.derivation.model import Model
from symbackprop.derivation.numbers import evaluator, shaped
from symbackprop.derivation.steps import Step
from symbackprop.exams.fairness import Built, Fairness
from symbackprop.exams.model import Faulty, FaultyLine, Part
from symbackprop.exams.plan import WrongKind, step_name
from symbackprop.exams.stream import Stream


class LazyFaults(Mapping[str, Faulty]):
    """The derivation with a mistake of each part that asks for one, made when somebody looks at it.

    `origin` are the secret, the exam and the student: which mistake it is hangs on them and on the question.
    """

    __slots__ = ("_built", "_fairness", "_made", "_origin", "_parts")

    def __init__(self, fairness: Fairness, built: Built, origin: tuple[bytes, str, str]) -> None:
        self._fairness = fairness
        self._built = built
        self._origin = origin
        self._parts = {part.id: part for part in fairness.question.parts if part.kind == "mistake"}
        self._made: dict[str, Faulty] = {}

    def __getitem__(self, part: str) -> Faulty:
        found = self._made.get(part)
        if found is None:
            secret, exam, student = self._origin
            stream = Stream(secret, "mistake", exam, self._fairness.question.id, part, student)
            found = self._made[part] = faulty(self._fairness, self._built, self._parts[part], stream)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)


def possible(fairness: Fairness, version: int, part: Part) -> dict[str, list[WrongKind]]:
    """The mistakes that may be made in each gradient of a part: such that fit its shape, and show."""
    plan = fairness.plan
    kinds = [plan.wrong(version).kinds[at] for at in fairness.sight(version).told]
    found: dict[str, list[WrongKind]] = {}
    for kind in kinds:
        if kind.part in part.names and kind.shape == plan.quantity(kind.part).shape:
            found.setdefault(kind.part, []).append(kind)
    return found


def faulty(fairness: Fairness, built: Built, part: Part, stream: Stream) -> Faulty:
    """A derivation for a part with one of the possible mistakes, all steps equally likely."""
    choices = possible(fairness, built.version, part)
    name = stream.choice(sorted(choices))
    kind = stream.choice(choices[name])
    steps = shown_steps(fairness, part)
    lines = _lines(fairness, built, steps, kind)
    at = next(place for place, step in enumerate(steps) if step_name(step) == name)
    right = _lines(fairness, built, steps, None)[at]
    return Faulty(
        part=part.id, lines=tuple(lines), at=at, mistake=kind.mistake, about=kind.about,
        instead=kind.instead, right=right,
    )  # fmt: skip


def shown_steps(fairness: Fairness, part: Part) -> tuple[Step, ...]:
    """Everything forward, and the gradients of a part with those that they come of, in order."""
    steps = fairness.plan.tracer.steps
    by_name = {step_name(step): step for step in steps}
    needed = set(part.names)
    waiting = list(part.names)
    while waiting:
        for use in by_name[waiting.pop()].uses:
            if use in by_name and use not in needed:
                needed.add(use)
                waiting.append(use)
    return tuple(step for step in steps if not step.gradient or step_name(step) in needed)


def _lines(
    fairness: Fairness, built: Built, steps: Sequence[Step], kind: WrongKind | None
) -> list[FaultyLine]:
    """The lines, each worked out from those before it; `kind` is the mistake, if there is to be one."""
    plan = fairness.plan
    working = evaluator(Model.of(plan.exercise), Exact())
    known: dict[str, Array[Any]] = {"d" + plan.exercise.loss: Array((), (Fraction(1),))}
    for one in plan.given:
        above = built.numbers[one.start : one.end]
        known[one.name] = Array(
            one.shape, tuple(map(Fraction, above, plan.key.denominators[one.start : one.end]))
        )
    lines = []
    for step in steps:
        name = step_name(step)
        formula = kind.formula if kind is not None and kind.part == name else step.formula
        sizes = plan.tracer.sizes(step.target)
        known[name] = shaped(working.evaluate(formula, known, like=sizes), sizes)
        lines.append(FaultyLine(name=name, formula=formula, array=known[name]))
    return lines
