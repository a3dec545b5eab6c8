"""Derivations in which one step is wrong, to be found: everything after it follows from the wrong value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from symbackprop.derivation.steps import Step
from symbackprop.exams.fairness import Built, Fairness
from symbackprop.exams.model import Faulty, FaultyLine, Part
from symbackprop.exams.plan import Plan
from symbackprop.exams.stream import Stream
from symbackprop.exams.tracer import step_name


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


def faulty(fairness: Fairness, built: Built, part: Part, stream: Stream) -> Faulty:
    """A derivation for a part with one of the possible mistakes, all steps equally likely."""
    choices = fairness.possible(built.version, part)
    name = stream.choice(sorted(choices))
    kind = stream.choice(choices[name])
    steps = shown_steps(fairness.plan, part)
    values = fairness.plan.carried(part.id, kind, steps, built.numbers)
    lines = tuple(
        FaultyLine(
            name=step_name(step), array=array,
            formula=kind.formula if step_name(step) == kind.part else step.formula,
        )
        for step, array in zip(steps, values, strict=True)
    )  # fmt: skip
    at = next(place for place, line in enumerate(lines) if line.name == kind.part)
    below = fairness.plan.key.versions[built.version].denominators
    right = fairness.plan.quantity(kind.part).array(built.key, below)
    return Faulty(
        part=part.id, lines=lines, at=at, mistake=kind.mistake, about=kind.about, instead=kind.instead,
        right=FaultyLine(name=kind.part, formula=steps[at].formula, array=right),
    )  # fmt: skip


def shown_steps(plan: Plan, part: Part) -> tuple[Step, ...]:
    """Everything forward, and the gradients of a part with those that they come of, in order."""
    steps = plan.tracer.steps
    by_name = {step_name(step): step for step in steps}
    needed = set(part.names)
    waiting = list(part.names)
    while waiting:
        for use in by_name[waiting.pop()].uses:
            if use in by_name and use not in needed:
                needed.add(use)
                waiting.append(use)
    return tuple(step for step in steps if not step.gradient or step_name(step) in needed)
