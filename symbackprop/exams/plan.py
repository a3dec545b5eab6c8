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
        program = self.trace(list(map(Fraction, numerators, self.denominators)))
        self.programs.append(program)
        version = compiled(program, self.denominators, work=self.work, bound=self.bound)
        self.versions.append(version)
        made = version.run(numerators)
        assert made is not None, "the signs are those it was traced with"
        return len(self.versions) - 1, made


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

    @property
    def exercise(self) -> Exercise:
        """The exercise as it was derived."""
        return self.tracer.exercise

    def wrong(self, version: int) -> WrongCode:
        """What common mistakes give where the key was found by this version of its code. The inputs are
        those of the key and then its outputs."""
        found = self._wrong.get(version)
        if found is None:
            below = (*self.key.denominators, *self.key.versions[version].denominators)
            found = self._wrong[version] = WrongCode(self.tracer, below)
        return found

    def quantity(self, name: str) -> Quantity:
        """The place of a computed quantity. Raises KeyError."""
        for one in self.quantities:
            if one.name == name:
                return one
        raise KeyError(name)


def planned(question: Question) -> Plan:
    """Derive a question and trace it at numbers of no importance.

    Multiplications with a product beyond what its rules allow are counted by the key's code. Raises what
    `derive` raises about the model, and NotStraight where an answer is not rational.
    """
    return _planned(question, Tracer(question))


def replanned(plan: Plan, question: Question) -> Plan:
    """The same question with other ranges or rules, without deriving it anew."""
    return _planned(question, plan.tracer)


def _planned(question: Question, tracer: Tracer) -> Plan:
    bound = question.rules.number("max_product")
    given = tuple(_placed({name: tracer.sizes(name) for name in tracer.exercise.given}))
    below = tuple(one for place in given for one in denominators(question, place.name, prod(place.shape)))
    sample = [Fraction(at + 2) for at in range(len(below))]
    key = Code(tracer.key, below, work=True, bound=limits.EXAM_NUMBER if bound is None else int(bound))
    key.run([int(value * under) for value, under in zip(sample, below, strict=True)])
    quantities = tuple(_placed({step_name(step): tracer.sizes(step.target) for step in tracer.steps}))
    moved = {step_name(step): tracer.sizes(step.target) for step in tracer.steps if step.gradient}
    return Plan(
        question=question, tracer=tracer, given=given, quantities=quantities,
        gradients=tuple(_placed(moved)), key=key, second=Code(tracer.second, below),
    )  # fmt: skip


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
    """The derivation of a question, made when it is first asked for, and its formulas as programs."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self._derivation: Derivation | None = None

    @property
    def derivation(self) -> Derivation:
        """The certified derivation, in symbols."""
        if self._derivation is None:
            self._derivation = derive(self.question.exercise)
        return self._derivation

    @property
    def exercise(self) -> Exercise:
        """The exercise as it was derived: parts of long formulas may have names of their own."""
        return self.derivation.exercise

    @property
    def steps(self) -> tuple[Step, ...]:
        """What is computed, forward and back, but for the loss's own gradient, which is 1."""
        return tuple(step for step in self.derivation.steps if step.rule != "seed")

    def sizes(self, name: str) -> tuple[int, ...]:
        """The shape of a name. All sizes of an exam are numbers."""
        return tuple(size for size in self.exercise.shapes[name] if isinstance(size, int))

    # --- programs

    def key(self, sample: Sequence[Fraction]) -> Program:
        """Every quantity by its derived formula."""
        domain, known = self._start(sample, self.exercise.given)
        working = evaluator(Model.of(self.exercise), domain)
        made: list[Traced] = []
        for step in self.steps:
            sizes = self.sizes(step.target)
            value = shaped(working.evaluate(step.formula, known, like=sizes), sizes)
            known[step_name(step)] = value
            made += value.entries
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
        for step in self.steps:
            if step_name(step) in asked and step.rule != "unreached":
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
