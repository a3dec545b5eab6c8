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

from symbackprop import limits
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.straight import Straight, compiled
from symbackprop.algebra.values.tracing import NotStraight, Program
from symbackprop.derivation.steps import Step
from symbackprop.exams.model import Question
from symbackprop.exams.tracer import Tracer, WrongKind, step_name
from symbackprop.exercise.model import Exercise
from symbackprop.notation.tree import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """An array among the numbers of a program: `z`, `dW`, with its entries from `start` to before `end`."""

    name: str
    shape: tuple[int, ...]
    start: int
    end: int

    def array(self, above: Sequence[int], below: Sequence[int]) -> Array[Fraction]:
        """The array, from all numerators and denominators."""
        pairs = (part[self.start : self.end] for part in (above, below))
        return Array(self.shape, tuple(map(Fraction, *pairs)))


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
        if not sample:
            return nothing(sample)
        kinds, program = self._tracer.wrong_kinds(sample)
        if self.kinds and kinds != self.kinds:
            raise NotStraight("which mistakes have a value hangs on signs that the key does not look at")
        self.kinds = kinds
        return program


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """A question with its code.

    `given` are the given names and `quantities` all that is computed, forward and back, at their places
    among the inputs and the outputs of `key`. `second` gives them all once more, by dual numbers.
    """

    question: Question
    tracer: Tracer
    given: tuple[Quantity, ...]
    quantities: tuple[Quantity, ...]
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
        below = code.versions[version].denominators
        places = _placed({step_name(step): self.tracer.sizes(step.target) for step in steps})
        return [place.array(above, below) for place in places]

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
    if not question.has_numbers:
        _ = tracer.derivation
        return Plan(
            question=question, tracer=tracer, given=(), quantities=(), key=Code(nothing, (), work=True),
            second=Code(nothing, ()),
        )  # fmt: skip
    given = tuple(_placed({name: tracer.sizes(name) for name in tracer.exercise.given}))
    below = tuple(one for place in given for one in denominators(question, place.name, prod(place.shape)))
    bound = question.rules.number("max_product")
    key = Code(tracer.key, below, work=True, bound=limits.EXAM_NUMBER if bound is None else int(bound))
    for program in programs:
        key.add(program)
    if not programs:
        key.run([(at + 2) * under for at, under in enumerate(below)])
    quantities = tuple(_placed({step_name(step): tracer.sizes(step.target) for step in tracer.steps}))
    return Plan(
        question=question, tracer=tracer, given=given, quantities=quantities, key=key,
        second=Code(tracer.second, below),
    )  # fmt: skip


def replanned(plan: Plan, question: Question) -> Plan:
    """The same question with other ranges or rules, without deriving it anew."""
    return planned(question, plan.tracer)


def nothing(sample: Sequence[Fraction]) -> Program:
    """The program of a question without numbers."""
    return Program(inputs=0, operations=(), guards=(), outputs=())


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
