"""Facts that the values of an example fulfil and that, once declared, would shorten a gradient."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from symbackprop.algebra.assumed import SumFact
from symbackprop.derivation.gradients import backward
from symbackprop.derivation.model import Model
from symbackprop.derivation.steps import Derivation
from symbackprop.notation import tree
from symbackprop.notation.write import to_plain


def fact_lines(derivation: Derivation) -> Iterator[str]:
    """A line for each such fact: `sum(t) = 1`, with the gradient that it shortens."""
    exercise = derivation.exercise
    model = Model.of(exercise)
    known = {fact.name for fact in model.sum_facts()}
    for name in exercise.given:
        found = _held(derivation, name) if name not in {*known, *exercise.wanted} else None
        if found is None:
            continue
        text, fact = found
        other = Model.of(exercise)
        other.assume(fact)
        before = {step.target: step.formula for step in derivation.backward}
        for step in backward(other):
            if (
                step.collapse is not None
                and fact in step.collapse.facts
                and step.formula != before[step.target]
            ):
                shorter = to_plain(tree.equation(tree.Gradient(tree.Name(step.target)), step.formula))
                yield f'With [assume] facts = ["{text}"], which the values fulfil, {shorter}.'
                break


def _held(derivation: Derivation, name: str) -> tuple[str, SumFact] | None:
    """That a given vector, or each row of a given matrix, adds up to 1, where its values do."""
    numbers = derivation.exercise.values.get(name)
    if numbers is None or len(numbers.entries) < 2 or not 1 <= len(numbers.shape) <= 2:
        return None
    lines = [numbers.entries] if len(numbers.shape) == 1 else list(numbers.rows())
    if any(sum(line) != 1 for line in lines):
        return None
    text = f"sum({name}) = 1" if len(numbers.shape) == 1 else f"sum({name}, axis = 1) = 1"
    return text, SumFact(name=name, summed=(len(numbers.shape) - 1,), value=Fraction(1))
