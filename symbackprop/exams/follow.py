"""What follows from a student's own earlier answers: an error is paid for once.

An answer follows if it is what the formula of its step gives with the student's own earlier answers in it.
What is not asked on the way is worked out. A guard keeps cheap answers out: earlier answers that are 0 where
the key is not (all zeros, most of all) make everything after them easy, and nothing follows from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate
from math import prod
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import DomainProblem, EvaluationError, Symbolic, Undecided
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact
from symbackprop.derivation.model import Model
from symbackprop.derivation.numbers import evaluator, shaped
from symbackprop.exams.grading_ranges import Range, Ranges
from symbackprop.exams.model import Question, Sheet
from symbackprop.exams.tracer import Tracer, step_name
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

Answers = Mapping[str, Array[Fraction]]
"""A student's answers by name (`dz`), each complete and in the right shape."""


class Following:
    """Follow-through for one question."""

    def __init__(self, question: Question, tracer: Tracer) -> None:
        self.question = question
        self.tracer = tracer
        self.steps = {step_name(step): step for step in tracer.steps}
        self.asked = tuple(part.name for part in question.parts if part.kind == "value")
        self._working = evaluator(Model.of(tracer.exercise), Exact())
        self._sources: dict[str, tuple[str, ...]] = {}

    def sources(self, name: str) -> tuple[str, ...]:
        """The earlier answers that `name` follows from, directly or through what is not asked."""
        found = self._sources.get(name)
        if found is None:
            reached = set(self._reached(name))
            found = self._sources[name] = tuple(one for one in self.asked if one in reached)
        return found

    def followed(self, name: str, sheet: Sheet, answers: Answers) -> Array[Fraction] | None:
        """What `name` is with the student's earlier answers; None if there are none that it follows from, or
        one of them has fewer numbers other than 0 than the key."""
        sources = [one for one in self.sources(name) if one in answers]
        if not sources or any(_nonzero(answers[one]) < _nonzero(sheet.key[one]) for one in sources):
            return None
        known: dict[str, Array[Any]] = {**self._start(sheet), **{one: answers[one] for one in sources}}
        try:
            return self._value(name, known, sheet)
        except (EvaluationError, DomainProblem, Symbolic):
            return None

    def allowed(self, name: str, sheet: Sheet, answers: Mapping[str, Array[Range]]) -> Array[Range] | None:
        """The same for answers of which only intervals are known; None where all are exact, and where it is
        open which piece of a function counts."""
        given = {one: answers[one] for one in self.sources(name) if one in answers}
        if all(low == high for array in given.values() for low, high in array.entries):
            return None
        start = {
            one: array.with_entries((v, v) for v in array.entries)
            for one, array in self._start(sheet).items()
        }
        working = self._working.over(Ranges())
        try:
            return self._value(name, {**start, **given}, sheet, working)
        except (EvaluationError, DomainProblem, Symbolic, Undecided):
            return None

    def linear(
        self, name: str, sheet: Sheet
    ) -> tuple[tuple[str, ...], list[list[Fraction]], list[Fraction]] | None:
        """The same for gradients as numbers: sources, a row of coefficients for each entry, and constants.

        Forward values are those of the key, so what comes back to `name` is linear in the gradients that it
        comes from. None for what does not come of an asked gradient.
        """
        sources = tuple(one for one in self.sources(name) if self.steps[one].gradient)
        if not sources or not self.steps[name].gradient:
            return None
        forward = {one: sheet.key[one] for one, step in self.steps.items() if not step.gradient}
        start = {**self._start(sheet), **forward}
        shapes = [sheet.key[one].shape for one in sources]
        sizes = [prod(shape) for shape in shapes]

        def at(entries: Sequence[Fraction]) -> tuple[Fraction, ...]:
            ends = list(accumulate(sizes))
            arrays = (
                Array(shape, tuple(entries[end - size : end]))
                for shape, size, end in zip(shapes, sizes, ends, strict=True)
            )
            return self._value(name, {**start, **dict(zip(sources, arrays, strict=True))}, sheet).entries

        count = sum(sizes)
        constants = at([Fraction(0)] * count)
        columns = [at([Fraction(place == one) for place in range(count)]) for one in range(count)]
        rows = [[column[entry] - constants[entry] for column in columns] for entry in range(len(constants))]
        return sources, rows, list(constants)

    # --- how

    def _start(self, sheet: Sheet) -> dict[str, Array[Any]]:
        return {"d" + self.tracer.exercise.loss: Array((), (Fraction(1),)), **sheet.values}

    def _value(
        self, name: str, known: dict[str, Array[Any]], sheet: Sheet, working: Evaluator[Any] | None = None
    ) -> Array[Any]:
        """A quantity by the formula of its step; what it needs and is not known comes first."""
        step = self.steps[name]
        for one in read_by(step.formula):
            if one not in known and one in self.steps:
                known[one] = self._value(one, known, sheet, working)
        sizes = self.tracer.sizes(step.target)
        return shaped((working or self._working).evaluate(step.formula, known, like=sizes), sizes)

    def _reached(self, name: str) -> Iterator[str]:
        """What a quantity is made of, as far as the nearest answers that are asked."""
        for one in read_by(self.steps[name].formula):
            if one in self.asked:
                yield one
            elif one in self.steps:
                yield from self._reached(one)


def read_by(formula: Node) -> tuple[str, ...]:
    """The names of quantities in a formula: `z`, and `dz` for a gradient."""
    found: list[str] = []

    def go(node: Node) -> None:
        if isinstance(node, tree.Gradient):
            found.extend("d" + name for name in tree.names_in(node.of))
        elif isinstance(node, tree.Name):
            found.append(node.name)
        else:
            for child in tree.children(node):
                go(child)

    go(formula)
    return tuple(dict.fromkeys(found))


def _nonzero(array: Array[Fraction]) -> int:
    return sum(1 for value in array.entries if value)
