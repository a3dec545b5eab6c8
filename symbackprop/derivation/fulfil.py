"""Random points at which the facts of an exercise hold: `sum(t) = 1`, `T 1 = 1`.

Equations that are linear in given names are solved: the points are drawn, and one entry for each equation
follows from the others. Every fact is then checked at the point, also those about computed names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from symbackprop.algebra.values.affine import Affine, Affines, replaced, solved
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Symbolic
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.exercise.faults import ExerciseError, Fault
from symbackprop.exercise.model import Exercise, Fact
from symbackprop.notation import tree

Values = Mapping[str, Array[Any]]


class FactFails(ExerciseError):
    """A fact that is not true of the model, or that no random point can be made to fulfil."""

    def __init__(self, exercise: Exercise, fact: Fact, message: str, suggestion: str) -> None:
        text = f"“{fact.text}” {message}"
        fault = Fault(file=exercise.key, key="assume.facts", message=text, suggestion=suggestion)
        super().__init__([fault])


def constrained(exercise: Exercise) -> frozenset[str]:
    """The given names that an equation among the facts speaks of."""
    found = {name for fact in _equations(exercise) for name in tree.names_in(fact.chain)}
    return frozenset(found & set(exercise.given))


def fulfilled(exercise: Exercise, working: Evaluator[Any], given: Values) -> dict[str, Array[Any]]:
    """`given` with entries changed so that the facts about given names hold. Raises FactFails."""
    made = dict(given)
    for facts, names in _groups(exercise):
        for unknown in dict.fromkeys((names, *((name,) for name in names))):
            try:
                made.update(_solved(exercise, working, made, facts, unknown))
                break
            except Symbolic:
                continue
        else:
            raise _unsolved(exercise, working, made, facts)
    return made


def check(exercise: Exercise, working: Evaluator[Any], values: Values, same: Any) -> None:
    """Raise FactFails for an equation among the facts that does not hold at a point.

    `values` has the computed names too; `same(a, b)` compares two numbers.
    """
    for fact in _equations(exercise):
        if not all(same(left, right) for left, right in _sides(fact, working, values)):
            computed = [name for name in tree.names_in(fact.chain) if name in exercise.computed]
            about = f" It speaks of {computed[0]}, which the model computes." if computed else ""
            raise FactFails(
                exercise, fact, "does not follow from the model, and is false at random points",
                f"State what is true of the given names, and the rest follows.{about}",
            )  # fmt: skip


def _equations(exercise: Exercise) -> Iterator[Fact]:
    """Inequalities say nothing at the points of a finite field."""
    return (fact for fact in exercise.facts if set(fact.chain.relations) == {"="})


def _groups(exercise: Exercise) -> list[tuple[list[Fact], tuple[str, ...]]]:
    """The facts about given names only, together where they share one; and those names."""
    groups: list[tuple[list[Fact], tuple[str, ...]]] = []
    for fact in _equations(exercise):
        used = [name for name in tree.names_in(fact.chain) if name in exercise.shapes]
        if not used or any(name in exercise.computed for name in used):
            continue
        joined, names = [fact], tuple(used)
        for other in [group for group in groups if set(group[1]) & set(names)]:
            groups.remove(other)
            joined, names = [*other[0], *joined], tuple(dict.fromkeys((*other[1], *names)))
        groups.append((joined, names))
    return groups


def _solved(
    exercise: Exercise,
    working: Evaluator[Any],
    values: Values,
    facts: Sequence[Fact],
    unknown: Sequence[str],
) -> dict[str, Array[Any]]:
    """The unknown names, changed. Raises Symbolic where the facts are not affine in them."""
    domain: Affines[Any] = Affines(working.domain)
    env: dict[str, Array[Any]] = {}
    drawn: list[Any] = []
    for name, value in values.items():
        if name in unknown:
            places = range(len(drawn), len(drawn) + len(value.entries))
            env[name] = value.with_entries(map(domain.unknown, places))
            drawn += value.entries
        else:
            env[name] = value.map(domain.lift)
    forms = [
        domain.sub(left, right) for fact in facts for left, right in _sides(fact, working.over(domain), env)
    ]
    answers = solved(forms, domain)
    if answers is None:
        raise FactFails(exercise, facts[-1], "cannot hold, with the other facts", "Take one of them away.")
    known: dict[int, Affine[Any]] = {place: domain.lift(value) for place, value in enumerate(drawn)}
    for place, answer in answers.items():
        drawn[place] = replaced(answer, known, domain).constant
    rest = iter(drawn)
    return {name: values[name].map(lambda _: next(rest)) for name in env if name in unknown}


def _unsolved(
    exercise: Exercise, working: Evaluator[Any], values: Values, facts: Sequence[Fact]
) -> FactFails:
    names = set(tree.names_in(facts[0].chain)) & set(exercise.shapes)
    guilty = facts[0]
    for fact in facts:
        alone = [name for name in tree.names_in(fact.chain) if name in exercise.shapes]
        try:
            _solved(exercise, working, values, [fact], alone)
        except Symbolic:
            guilty, names = fact, set(alone)
            break
    return FactFails(
        exercise, guilty,
        f"is not linear in {' or '.join(sorted(names))}, so no random points can be drawn that fulfil it",
        "Facts that can be used are linear equations in the entries of given names: sum(t) = 1.",
    )  # fmt: skip


def _sides(fact: Fact, working: Evaluator[Any], env: Values) -> Iterator[tuple[Any, Any]]:
    """Both sides of each equation, entry by entry."""
    members = [working.evaluate(member, env) for member in fact.chain.members]
    for left, right in pairwise(members):
        _, first, second = working.paired(fact.chain, left, right)
        yield from zip(first, second, strict=True)
