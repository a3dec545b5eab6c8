"""The formulas of a question traced as straight-line programs.

The derivation is made when it is first asked for: the formulas that an earlier run kept need none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

from symbackprop.algebra.values.arrays import Array, form
from symbackprop.algebra.values.domain import DomainProblem, EvaluationError, Symbolic
from symbackprop.algebra.values.run import directional, forward
from symbackprop.algebra.values.tracing import NotStraight, Program, Traced, Tracing
from symbackprop.derivation.model import Model
from symbackprop.derivation.naming import named_parts
from symbackprop.derivation.numbers import evaluator, shaped
from symbackprop.derivation.steps import Derivation, Step
from symbackprop.exams.model import Question
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.derivation.mistakes import Mistake
    from symbackprop.derivation.slips import Wrong

Known = dict[str, "Array[Any]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongKind:
    """One mistake in one step, and what comes of it as an array of `shape`."""

    part: str
    mistake: str
    about: str
    instead: str
    formula: Node
    shape: tuple[int, ...]
    start: int

    @property
    def end(self) -> int:
        """The place after its last entry."""
        return self.start + prod(self.shape)


def step_name(step: Step) -> str:
    """`z`, or `dz` for a gradient."""
    return ("d" if step.gradient else "") + step.target


class Tracer:
    """The derivation of a question, made when it is first asked for, and its formulas as programs.

    `steps` are those of an earlier run: then nothing is derived until somebody needs more than formulas.
    """

    def __init__(self, question: Question, steps: tuple[Step, ...] = ()) -> None:
        self.question = question
        self._steps = steps

    @cached_property
    def derivation(self) -> Derivation:
        """The certified derivation, in symbols."""
        from symbackprop.derivation.derive import derive  # who has the formulas imports no calculus

        return derive(self.question.exercise)

    @cached_property
    def exercise(self) -> Exercise:
        """The exercise as it is derived: parts of long formulas may have names of their own."""
        return named_parts(self.question.exercise)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """What is computed, forward and back, but for the loss's own gradient, which is 1."""
        return self._steps or tuple(step for step in self.derivation.steps if step.rule != "seed")

    def sizes(self, name: str) -> tuple[int, ...]:
        """The shape of a name. All sizes of an exam are numbers."""
        return tuple(size for size in self.exercise.shapes[name] if isinstance(size, int))

    # --- programs

    def key(self, sample: Sequence[Fraction]) -> Program:
        """Every quantity by its derived formula."""
        return self._in_order({step_name(step): step.formula for step in self.steps}, self.steps, sample)

    def carried(self, kind: WrongKind, steps: Sequence[Step], sample: Sequence[Fraction]) -> Program:
        """These steps in order, one of them by a wrong formula."""
        formulas = {step_name(step): step.formula for step in steps} | {kind.part: kind.formula}
        return self._in_order(formulas, steps, sample)

    def _in_order(
        self, formulas: Mapping[str, Node], steps: Sequence[Step], sample: Sequence[Fraction]
    ) -> Program:
        """Each quantity by its formula, from those before it."""
        domain, known = self._start(sample, self.exercise.given)
        working = evaluator(Model.of(self.exercise), domain)
        made: list[Traced] = []
        for step in steps:
            name, sizes = step_name(step), self.sizes(step.target)
            if step.rule == "unreached":
                known[name] = Array(sizes, (domain.zero,) * prod(sizes))
            else:
                known[name] = shaped(working.evaluate(formulas[name], known, like=sizes), sizes)
            made += known[name].entries
        return domain.program(made)

    def formula(self, node: Node, shape: tuple[int, ...], sample: Sequence[Fraction]) -> Program:
        """A formula over given and computed names, in terms of the given ones."""
        domain, known = self._start(sample, self.exercise.given)
        working = evaluator(Model.of(self.exercise), domain)
        needed = set(tree.names_in(node))
        for one in reversed(self.exercise.equations):
            if one.name in needed:
                needed.update(tree.names_in(one.body))
        for one in self.exercise.equations:
            if one.name in needed:
                sizes = self.sizes(one.name)
                known[one.name] = shaped(working.evaluate(one.body, known, like=sizes), sizes)
        return domain.program(shaped(working.evaluate(node, known, like=shape), shape).entries)

    def second(self, sample: Sequence[Fraction]) -> Program:
        """Every quantity by the model's equations, its gradient by dual numbers, entry by entry: no formula
        of a step has a part in it."""
        domain, known = self._start(sample, self.exercise.given)
        working = evaluator(Model.of(self.exercise), domain)
        equations = [(one.name, one.body) for one in self.exercise.equations]
        values = forward(equations, known, working)
        made: list[Traced] = []
        for step in self.steps:
            here = shaped(values[step.target], self.sizes(step.target))
            if not step.gradient:
                made += here.entries
            else:
                for at in range(len(here.entries)):
                    unit = [domain.one if at == place else domain.zero for place in range(len(here.entries))]
                    direction = {step.target: here.with_entries(unit)}
                    made.append(directional(equations, values, direction, working))
        return domain.program(made)

    def wrong_kinds(self, sample: Sequence[Fraction]) -> tuple[tuple[WrongKind, ...], Program]:
        """The mistakes whose formulas have a value at these numbers' signs, and the values."""
        names = (*self.exercise.given, *map(step_name, self.steps))
        domain, known = self._start(sample, names)
        working = evaluator(Model.of(self.exercise), domain)
        kinds: list[WrongKind] = []
        made: list[Traced] = []
        for step, row, wrong in self.mistakes():
            sizes = self.sizes(step.target)
            try:
                value = working.evaluate(wrong.formula, known, like=sizes)
            except (EvaluationError, NotStraight, Symbolic, DomainProblem):
                continue  # it has no value: nobody can write its numbers down
            if form(value.shape) == form(sizes):
                value = value.reshaped(sizes)
            kinds.append(_kind(step, row, wrong, value.shape, len(made)))
            made += value.entries
        return tuple(kinds), domain.program(made)

    def mistakes(self) -> Iterator[tuple[Step, Mistake, Wrong]]:
        """The mistakes that somebody may make in what is asked, in the order of the table."""
        asked = {name for part in self.question.parts if part.kind != "derive" for name in part.names}
        steps = {step_name(one): one for one in self.derivation.steps if one.rule not in _NO_MISTAKES}
        for name, step in steps.items():
            if name not in asked:
                continue
            yield from ((step, row, wrong) for row, wrong in self._mistakes_in(step))
            for source in step.substeps:
                before = "d" + source.through
                if before in steps and before not in asked:  # made there, it is seen here
                    for row, wrong in self._mistakes_in(steps[before]):
                        formula = _put(step.formula, tree.Gradient(tree.Name(source.through)), wrong.formula)
                        yield step, row, replace(wrong, formula=formula)

    def _mistakes_in(self, step: Step) -> Iterator[tuple[Mistake, Wrong]]:
        """The mistakes that may be made in one step."""
        from symbackprop.derivation.mistakes import MISTAKES
        from symbackprop.derivation.slips import Place

        place = Place(self.exercise, step)
        for row in MISTAKES:
            if row.id in UNUSUAL or not (step.gradient or row.forward):
                continue
            wanted = LOSS if step.target == self.exercise.loss else FORWARD
            more = () if step.gradient or row.id not in wanted else row.more
            for maker in (row.make, *more):
                for wrong in maker(place) if maker is not None else ():
                    if wrong.formula != step.formula:
                        yield row, wrong

    def _start(self, sample: Sequence[Fraction], names: Sequence[str]) -> tuple[Tracing, Known]:
        """The inputs of a program, by name; the gradient of the loss is 1."""
        domain = Tracing()
        known: Known = {}
        start = 0
        for name in names:
            sizes = self.sizes(name) if name in self.exercise.shapes else self.sizes(name[1:])
            end = start + prod(sizes)
            known[name] = domain.input_array(Array(sizes, tuple(sample[start:end])))
            start = end
        known.setdefault("d" + self.exercise.loss, Array((), (domain.one,)))
        return domain, known


UNUSUAL = frozenset({"entry_sign"})
"""Mistakes that are possible in every entry: too many to be told apart in one example, and rare."""


FORWARD = frozenset({"function_forgotten"})
LOSS = frozenset({"doubled"})
"""Mistakes of the forward pass, and of the loss, that are looked for in all their forms: ReLU forgotten; ½
forgotten, which is a factor 2 too many."""

_NO_MISTAKES = frozenset({"seed", "unreached"})


def _put(node: Node, old: Node, new: Node) -> Node:
    """A formula with one part replaced, in brackets where it is a sum."""
    if node == old:
        return tree.Bracket(new) if isinstance(new, tree.Add | tree.Neg) else new
    return tree.rebuild(node, lambda part: _put(part, old, new))


def _kind(step: Step, row: Mistake, wrong: Wrong, shape: tuple[int, ...], start: int) -> WrongKind:
    from symbackprop.notation.write import to_plain

    about, instead = ("" if node is None else to_plain(node) for node in (wrong.about, wrong.instead))
    return WrongKind(
        part=step_name(step), mistake=row.id, about=about, instead=instead, formula=wrong.formula,
        shape=shape, start=start,
    )  # fmt: skip
