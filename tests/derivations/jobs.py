"""What somebody writes down, and in which order: values, equations, gradients, single entries."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from .facts import Facts
from .styles import Style

LEAST, MOST = 8, 20
"""Statements in a derivation; a few may turn out to have no writing in somebody's style."""


@dataclass(frozen=True, slots=True)
class Job:
    """One statement to be written. `target` is `z` or `dz`; `numbers`: with the example's."""

    kind: str  # "given", "typing", "function", "slope", "formula", "index", "entry"
    target: str
    numbers: bool = False


def jobs(facts: Facts, style: Style, rng: Random) -> list[Job]:
    """The statements of one derivation."""
    steps = [(key, step) for key, step in facts.by_target.items() if step.rule != "seed"]
    forward = [key for key, step in steps if not step.gradient]
    backward = [key for key, step in steps if step.gradient]
    made = _beginning(facts, style, rng)
    if rng.random() < 0.75 or style.format == "code" or len(made) + len(backward) < LEAST:
        made += [_job(facts, style, key, rng) for key in forward]
    made += _slopes(facts, style, rng)
    for key in backward:
        if len(made) < MOST or style.format == "code" or rng.random() < 0.5:
            made.append(_job(facts, style, key, rng))
        made += _details(facts, style, key, rng)
    return made if style.format == "code" else _shortened(made, rng)  # code must run


def _job(facts: Facts, style: Style, key: str, rng: Random) -> Job:
    numbers = key in facts.exact and style.format != "code" and rng.random() < 0.65
    return Job("formula", key, numbers)


def _beginning(facts: Facts, style: Style, rng: Random) -> list[Job]:
    made = []
    known = [name for name in facts.exercise.given if name in facts.exercise.values]
    if style.format == "code":
        return [Job("given", name) for name in known]
    if rng.random() < 0.6:
        made += [Job("given", name) for name in known]
    if style.latex and rng.random() < 0.3:
        arrays = [name for name in facts.exercise.given if facts.exercise.shapes[name]]
        made += [Job("typing", name) for name in arrays[:3]]
    if style.activation == "letter" and activation(facts):
        made.append(Job("function", activation(facts)))
    return made


def activation(facts: Facts) -> str:
    """The first function that a person may give a letter: ReLU, σ, tanh."""
    from .facts import called

    for one in facts.exercise.equations:
        for call in called(one.body):
            if call.function in ("relu", "sigmoid", "tanh"):
                return call.function
    return ""


def _slopes(facts: Facts, style: Style, rng: Random) -> list[Job]:
    if style.latex and activation(facts) and rng.random() < 0.4:
        return [Job("slope", activation(facts))]
    return []


def _details(facts: Facts, style: Style, key: str, rng: Random) -> list[Job]:
    made = []
    if style.format == "code":
        return made
    if rng.random() < 0.3:
        made.append(Job("index", key))
    if key in facts.exact and rng.random() < 0.2:
        made.append(Job("entry", key, True))
    return made


def _shortened(made: list[Job], rng: Random) -> list[Job]:
    """At most so many statements; details go first."""
    for kinds in (("entry",), ("index",), ("typing", "slope"), ("formula", "given")):
        while len(made) > MOST:
            spare = [at for at, job in enumerate(made) if job.kind in kinds]
            if kinds == ("formula", "given") and "function" not in kinds:
                spare = spare[:-1]
            if not spare:
                break
            made.pop(rng.choice(spare))
    return made
