"""A question worked out once: what its key is made of, for whatever numbers.

The gradients are derived and certified in symbols. Then the formulas are traced: evaluated once over numbers
that remember how they were made, which gives straight-line code for the key, for the gradients a second
way (exact dual numbers, which know nothing of the formulas), and for the answers that common mistakes give.
Code holds for the signs it was traced with; numbers with other signs are traced anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import lcm, prod
from typing import Any

from symbackprop import limits
from symbackprop.algebra.values.arrays import Array, form
from symbackprop.algebra.values.domain import DomainProblem, EvaluationError, Symbolic
from symbackprop.algebra.values.run import directional, forward
from symbackprop.algebra.values.straight import Straight, compiled
from symbackprop.algebra.values.tracing import NotStraight, Program, Traced, Tracing
from symbackprop.derivation.derive import derive
from symbackprop.derivation.mistakes import MISTAKES, Mistake
from symbackprop.derivation.model import Model
from symbackprop.derivation.naming import named_parts
from symbackprop.derivation.numbers import evaluator, shaped
from symbackprop.derivation.slips import Place, Wrong
from symbackprop.derivation.steps import Derivation, Step
from symbackprop.exams.model import Question
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.tree import Node
from symbackprop.notation.write import to_plain

Known = dict[str, "Array[Any]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """An array among the numbers of a program: `z`, `dW`, with its entries from `start` to before `end`."""

    name: str
    shape: tuple[int, ...]
    start: int
    end: int


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


@dataclass(slots=True)
class Code:
    """Straight-line code that is traced when it is needed: one version for each combination of signs.

    `trace` takes exact inputs. `run` is the first version whose guards fit.
    """

    trace: Callable[[Sequence[Fraction]], Program]
    denominators: tuple[int, ...]
    work: bool = False
    bound: int = 0
    programs: list[Program] = field(default_factory=list)
    versions: list[Straight] = field(default_factory=list)

    def run(self, numerators: Sequence[int], first: int = 0) -> tuple[int, tuple[int, ...]]:
        """The version that fits, and the outputs' numerators; version `first` is tried before the others.

        Raises NotStraight, DomainProblem.
        """
        if first < len(self.versions):
            made = self.versions[first].run(numerators)
            if made is not None:
                return first, made
        for at, version in enumerate(self.versions):
            made = version.run(numerators)
            if made is not None:
                return at, made
        self.add(self.trace(list(map(Fraction, numerators, self.denominators))))
        made = self.versions[-1].run(numerators)
        assert made is not None, "the signs are those it was traced with"
        return len(self.versions) - 1, made

    def add(self, program: Program) -> None:
        """One more version."""
        self.programs.append(program)
        self.versions.append(compiled(program, self.denominators, work=self.work, bound=self.bound))


class WrongCode:
    """The answers that common mistakes give, for one version of a key: `kinds` are at their places among what
    `run` gives."""

    def __init__(self, tracer: Tracer, denominators: tuple[int, ...]) -> None:
        self.kinds: tuple[WrongKind, ...] = ()
        self._tracer = tracer
        self._code = Code(self._traced, denominators)

    def run(self, numerators: Sequence[int]) -> tuple[int, ...]:
        """The numerators of all wrong answers. Raises NotStraight, DomainProblem."""
        version, made = self._code.run(numerators)
        if version and self._code.versions[version].denominators != self.denominators:
            raise NotStraight("the denominators of wrong answers hang on signs that the key does not look at")
        return made

    @property
    def denominators(self) -> tuple[int, ...]:
        """Those of what `run` gives, once it has run."""
        return self._code.versions[0].denominators

    @property
    def programs(self) -> list[Program]:
        """What was traced."""
        return self._code.programs

    def restore(self, kinds: tuple[WrongKind, ...], programs: Sequence[Program]) -> None:
        """What was traced in an earlier run."""
        self.kinds = kinds
        for program in programs:
            self._code.add(program)

    def _traced(self, sample: Sequence[Fraction]) -> Program:
        kinds, program = self._tracer.wrong_kinds(sample)
        if self.kinds and kinds != self.kinds:
            raise NotStraight("which mistakes have a value hangs on signs that the key does not look at")
        self.kinds = kinds
        return program


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """A question with its code.

    `given` are the given names and `quantities` all that is computed, forward and back, at their places
    among the inputs and the outputs of `key`. `second` gives the `gradients`, at their own places.
    """

    question: Question
    tracer: Tracer
    given: tuple[Quantity, ...]
    quantities: tuple[Quantity, ...]
    gradients: tuple[Quantity, ...]
    key: Code
    second: Code
    _wrong: dict[int, WrongCode] = field(default_factory=dict)
    _carried: dict[tuple[str, str, str, Node], Code] = field(default_factory=dict)

    @property
    def exercise(self) -> Exercise:
        """The exercise as it was derived."""
        return self.tracer.exercise

    @property
    def wrong_codes(self) -> Mapping[int, WrongCode]:
        """The codes of wrong answers that there are so far, by version of the key."""
        return self._wrong

    def wrong(self, version: int) -> WrongCode:
        """What common mistakes give where the key was found by this version of its code. The inputs are
        those of the key and then its outputs."""
        found = self._wrong.get(version)
        if found is None:
            below = (*self.key.denominators, *self.key.versions[version].denominators)
            found = self._wrong[version] = WrongCode(self.tracer, below)
        return found

    def carried(
        self, part: str, kind: WrongKind, steps: Sequence[Step], numbers: Sequence[int]
    ) -> list[Array[Fraction]]:
        """The values of these steps if one of them is made with a mistake, and the rest follows from it."""
        key = (part, kind.part, kind.mistake, kind.formula)
        code = self._carried.get(key)
        if code is None:

            def trace(sample: Sequence[Fraction]) -> Program:
                return self.tracer.carried(kind, steps, sample)

            code = self._carried[key] = Code(trace, self.key.denominators)
        version, above = code.run(numbers)
        flat = list(map(Fraction, above, code.versions[version].denominators))
        made = []
        for place in _placed({step_name(step): self.tracer.sizes(step.target) for step in steps}):
            made.append(Array(place.shape, tuple(flat[place.start : place.end])))
        return made

    def quantity(self, name: str) -> Quantity:
        """The place of a computed quantity. Raises KeyError."""
        for one in self.quantities:
            if one.name == name:
                return one
        raise KeyError(name)


def planned(question: Question, tracer: Tracer | None = None, programs: Sequence[Program] = ()) -> Plan:
    """Derive a question and trace it at numbers of no importance.

    Multiplications with a product beyond what its rules allow are counted by the key's code. `programs` are
    those of the key from an earlier run. Raises what `derive` raises about the model, and NotStraight where
    an answer is not rational.
    """
    tracer = tracer or Tracer(question)
    given = tuple(_placed({name: tracer.sizes(name) for name in tracer.exercise.given}))
    below = tuple(one for place in given for one in denominators(question, place.name, prod(place.shape)))
    bound = question.rules.number("max_product")
    key = Code(tracer.key, below, work=True, bound=limits.EXAM_NUMBER if bound is None else int(bound))
    for program in programs:
        key.add(program)
    if not programs:
        key.run([(at + 2) * under for at, under in enumerate(below)])
    quantities = tuple(_placed({step_name(step): tracer.sizes(step.target) for step in tracer.steps}))
    moved = {step_name(step): tracer.sizes(step.target) for step in tracer.steps if step.gradient}
    return Plan(
        question=question, tracer=tracer, given=given, quantities=quantities,
        gradients=tuple(_placed(moved)), key=key, second=Code(tracer.second, below),
    )  # fmt: skip


def replanned(plan: Plan, question: Question) -> Plan:
    """The same question with other ranges or rules, without deriving it anew."""
    return planned(question, plan.tracer)


def step_name(step: Step) -> str:
    """`z`, or `dz` for a gradient."""
    return ("d" if step.gradient else "") + step.target


def denominators(question: Question, name: str, entries: int) -> tuple[int, ...]:
    """The denominators of the entries of a given name: of what it may be, or of its fixed values."""
    fixed = question.fixed.get(name)
    if fixed is not None:
        return tuple(value.denominator for value in fixed.entries)
    draw = question.draws[name]
    return (lcm(draw.low.denominator, draw.step.denominator),) * entries


def _placed(shapes: Mapping[str, tuple[int, ...]]) -> Iterator[Quantity]:
    start = 0
    for name, shape in shapes.items():
        made = Quantity(name=name, shape=shape, start=start, end=start + prod(shape))
        yield made
        start = made.end


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
            known[name] = shaped(working.evaluate(formulas[name], known, like=sizes), sizes)
            made += known[name].entries
        return domain.program(made)

    def formula(self, node: Node, shape: tuple[int, ...], sample: Sequence[Fraction]) -> Program:
        """A formula over given and computed names, in terms of the given ones."""
        domain, known = self._start(sample, self.exercise.given)
        working = evaluator(Model.of(self.exercise), domain)
        needed = set(tree.names_in(node))
        while more := {u for one in self.exercise.equations if one.name in needed
                       for u in tree.names_in(one.body)} - needed:  # fmt: skip
            needed |= more
        for one in self.exercise.equations:
            if one.name in needed:
                sizes = self.sizes(one.name)
                known[one.name] = shaped(working.evaluate(one.body, known, like=sizes), sizes)
        return domain.program(shaped(working.evaluate(node, known, like=shape), shape).entries)

    def second(self, sample: Sequence[Fraction]) -> Program:
        """Every gradient by dual numbers, entry by entry: the model's equations, and no formula of a step."""
        domain, known = self._start(sample, self.exercise.given)
        working = evaluator(Model.of(self.exercise), domain)
        equations = [(one.name, one.body) for one in self.exercise.equations]
        values = forward(equations, known, working)
        made: list[Traced] = []
        for step in self.steps:
            if step.gradient:
                here = values[step.target]
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
        for step in self.derivation.steps:
            if step_name(step) in asked and step.rule not in {"seed", "unreached"}:
                place = Place(self.exercise, step)
                for row in MISTAKES:
                    if row.make is not None and row.id not in UNUSUAL and (step.gradient or row.forward):
                        for wrong in row.make(place):
                            if wrong.formula != step.formula:
                                yield step, row, wrong

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


def _kind(step: Step, row: Mistake, wrong: Wrong, shape: tuple[int, ...], start: int) -> WrongKind:
    about, instead = ("" if node is None else to_plain(node) for node in (wrong.about, wrong.instead))
    return WrongKind(
        part=step_name(step), mistake=row.id, about=about, instead=instead, formula=wrong.formula,
        shape=shape, start=start,
    )  # fmt: skip
