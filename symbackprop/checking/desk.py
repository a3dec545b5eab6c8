"""Where an exercise's lines are judged: its worlds, and those in which the person's own values stand."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from symbackprop.algebra.functions import TABLE, Function
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.checking.budget import Budget
from symbackprop.checking.context import SIZES, Context
from symbackprop.checking.resolve import Resolved
from symbackprop.checking.values import Reader, evaluator_in, scope_in
from symbackprop.checking.worlds import World, Worlds, more_worlds, real_worlds, worlds_of
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.derivation.steps import Step

_ERRORS = (ArithmeticError, EvaluationError)


@dataclass
class Desk:
    """One exercise with everything that the text has said about it so far.

    `written`: the example's world with a person's rounded numbers in it; `entries`: those of single entries,
    and in `pieces` their arrays; `noted`: meanings and numbers of names that only the text has; `carried`:
    also with those that are wrong, but for `misfits`, which are numbers for arrays, with their lines;
    `lines`: for each name or gradient that is wrong, the line where it went wrong. `few` points are enough
    for formulas that are right. `about_number`: the line is the formula of a function of a number, so · is
    between numbers. `rows`: the text writes ∂L/∂v as a row throughout. `direct`: for now, ∂c/∂a is that of
    the equation of c alone. `rate`: the learning rate of the last step; `stepped`: the weights behind it.
    """

    exercise: Exercise
    context: Context
    written: dict[str, Array[Any]] = field(default_factory=dict)
    entries: dict[Node, Node] = field(default_factory=dict)
    pieces: dict[str, Array[Any]] = field(default_factory=dict)
    noted: dict[str, tuple[Node, Node]] = field(default_factory=dict)
    misfits: dict[str, tuple[Array[Any], int]] = field(default_factory=dict)
    wrong_numbers: dict[str, Array[Any]] = field(default_factory=dict)
    wrong_units: dict[str, tuple[Fraction, ...]] = field(default_factory=dict)
    wrong_formulas: dict[str, Resolved] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    given: dict[str, Array[Any]] = field(default_factory=dict)
    few: bool = False
    about_number: bool = False
    rows: bool = False
    direct: bool = False
    rate: Fraction | None = None
    stepped: dict[str, Array[Any]] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)

    @cached_property
    def worlds(self) -> Worlds:
        """The exercise's worlds. Raises NotCertified."""
        return worlds_of(self.exercise, few=self.few)

    @cached_property
    def steps(self) -> tuple[Exercise, tuple[Step, ...]]:
        """The worked derivation, formulas only, and the exercise that names its parts: what is right."""
        from symbackprop.derivation.derive import formulas  # SymPy, which only a wrong line needs
        from symbackprop.derivation.model import Model
        from symbackprop.derivation.naming import named_parts

        model = Model.of(named_parts(self.exercise))
        return model.exercise, formulas(model)

    @property
    def reader(self) -> Reader:
        """What the text defines."""
        context = self.context
        return Reader(
            meanings=context.meanings,
            sizes=context.sizes,
            numbers={**_declared(context.exercise), **context.numbers},
            ends=context.ends,
            dot="hadamard" if self.about_number and context.settings.dot == "auto" else context.settings.dot,
            per_example=context.per_example,
            numerator=self.rows or context.settings.layout == "numerator",
            direct=self.direct,
            budget=self.budget,
        )

    @property
    def example(self) -> World:
        """The example, with values that only the text gives."""
        return self._forced("example", self.given)

    @property
    def digits(self) -> World | None:
        """The example with the rounded numbers that the person goes on with."""
        return self._forced("digits", {**self.given, **self.written}) if self.written else None

    @property
    def pieced(self) -> World | None:
        """The example with the rounded numbers, those of single entries too, that the person goes on with."""
        numbers = {**self.given, **self.written, **self.pieces}
        return self._forced("pieced", numbers) if self.pieces else None

    def worked(self, *, carried: bool = False) -> World | None:
        """The example as a person works it out: each gradient by its formula, from numbers as written.

        The slope of a softmax is then that of the rounded probabilities. It takes the worked derivation.
        """
        from symbackprop.derivation.numbers import shaped  # only where numbers are carried on

        numbers = {**self.given, **self.written, **(self.wrong_numbers if carried else {})}
        exercise, steps = self.steps
        base = replace(self.worlds.example, exercise=exercise, kept={}, _known={})
        try:
            world = base.force(numbers)
        except _ERRORS:
            return None
        known = {**world.values, **numbers, "d" + exercise.loss: Array((), (world.domain.one,))}
        for step in steps:
            name = "d" + step.target
            if step.gradient and name not in known and step.target in known:
                shape = known[step.target].shape
                with suppress(*_ERRORS):  # the logarithm of a wrong, negative number
                    known[name] = shaped(world.working.evaluate(step.formula, known, like=shape), shape)
        gradients = {name: value for name, value in known.items() if name not in exercise.shapes}
        return replace(world, forced={**world.forced, **gradients}, kept={}, _known={})

    @property
    def carried(self) -> World | None:
        """The example with all of the person's numbers."""
        if not self.wrong_numbers and not self.wrong_formulas:
            return None
        world = self._forced("carried", {**self.given, **self.written, **self.wrong_numbers})
        return self._with_formulas(world)

    def carrying(self, names: Collection[str]) -> tuple[World, ...]:
        """The example, and a random point, with the person's wrong values of these names only."""
        numbers = {name: value for name, value in self.wrong_numbers.items() if name in names}
        base = self.worlds.example
        with suppress(*_ERRORS):
            base = base.force({**self.given, **self.written, **numbers})
        return tuple(self._with_formulas(world, names) for world in (base, *self.worlds.own[:1]))

    def carried_but(self, name: str, entry: int, step: Fraction) -> World:
        """The carried example with one entry of a wrong value moved, as far as its digits leave open."""
        value = self.wrong_numbers[name]
        entries = list(value.entries)
        entries[entry] += step
        moved = {**self.wrong_numbers, name: value.with_entries(entries)}
        world = self.worlds.example.force({**self.given, **self.written, **moved})
        return self._with_formulas(world)

    def carried_points(self, most: int | None = None) -> tuple[World, ...]:
        """Random points in which the person's wrong formulas stand, `most` at most."""
        if not self.wrong_formulas:
            return ()
        return tuple(self._with_formulas(world) for world in self.worlds.own[:most])

    def _with_formulas(self, world: World, names: Collection[str] | None = None) -> World:
        for name, formula in self.wrong_formulas.items():
            if names is not None and name not in names:
                continue
            if name in self.wrong_numbers and world.example:
                continue
            working = evaluator_in(world, self.reader)
            with suppress(*_ERRORS):
                value = working.value(formula.node, scope_in(world, {}))
                wanted = world.gradient(name[1:]) if self.is_gradient(name) else world.value(name)
                if value.shape == wanted.shape:
                    world = world.force({name: value})
        return world

    @cached_property
    def letters(self) -> dict[int, str]:
        """What the numbers of entries at random points stand for: the exercise's letters for its sizes."""
        return {number: name for name, number in self.worlds.own[0].working.sizes.items()}

    def output_of(self, argument: str) -> str:
        """The name of what a function makes of `argument`, or nothing."""
        return self.context.output_of(argument) or ""

    def is_gradient(self, name: str) -> bool:
        """Whether `dz` names a gradient."""
        return name not in self.exercise.shapes

    _cache: dict[str, tuple[dict[str, Array[Any]], World]] = field(default_factory=dict)

    def _forced(self, kind: str, numbers: Mapping[str, Array[Any]]) -> World:
        if not numbers:
            return self.worlds.example
        known = self._cache.get(kind)
        if known is not None and known[0] == numbers:
            return known[1]
        try:
            world = self.worlds.example.force(dict(numbers))
        except _ERRORS:  # the model has no value there: the logarithm of a wrong, negative number
            world = self.worlds.example
        self._cache[kind] = (dict(numbers), world)
        return world

    @cached_property
    def more_points(self) -> tuple[World, ...]:
        """Further random points, for formulas with roots, which exist at every other one."""
        return more_worlds(self.exercise)

    def labelled(self, numbers: Collection[Fraction], *, entries: bool) -> tuple[World, ...]:
        """The exercise's points with its own targets, for a line that speaks of their `numbers`, or of single
        `entries` of a target of zeros and ones; none for any other."""
        targets = self.targets
        ones = {
            name: one for name, one in targets.items() if len(one.entries) > 1 and set(one.entries) <= {0, 1}
        }
        if not (entries and ones):
            put_in = {name: one for name, one in targets.items() if set(one.entries) & set(numbers)}
            ones = {**ones, **put_in} if numbers else {}
        if not ones:
            return ()
        key = tuple(ones)
        if self._labelled is None or self._labelled[0] != key:
            self._labelled = key, tuple(_with_labels(world, ones) for world in self.worlds.own)
        return self._labelled[1]

    @property
    def targets(self) -> dict[str, Array[Any]]:
        """The given names with values that only the loss uses."""
        exercise = self.exercise
        before = {name for one in exercise.equations[:-1] for name in tree.names_in(one.body)}
        known = {**exercise.values, **self.given}
        return {name: value for name, value in known.items() if name not in before}

    @property
    def weighed(self) -> tuple[World, ...]:
        """The exercise's points with its own numbers that only the loss uses: λ of a regulariser."""
        numbers = {name: value for name, value in self.targets.items() if len(value.entries) == 1}
        return tuple(_with_labels(world, numbers) for world in self.worlds.own) if numbers else ()

    @cached_property
    def counted(self) -> tuple[World, ...]:
        """The exercise's points with those numbers given that say how many examples there are: `m = 3`."""
        sizes = {size for shape in self.exercise.shapes.values() for size in shape}
        counts = {
            name: value for name, value in self.targets.items()
            if not value.shape and name in SIZES and set(value.entries) <= sizes
        }  # fmt: skip
        return tuple(_with_labels(world, counts) for world in self.worlds.own) if counts else ()

    @cached_property
    def labelled_real(self) -> tuple[World, ...]:
        """The points of the real numbers with the exercise's own targets."""
        return tuple(_with_labels(world, self.targets) for world in self.real_points)

    _labelled: tuple[tuple[str, ...], tuple[World, ...]] | None = None

    @cached_property
    def real_points(self) -> tuple[World, ...]:
        """Random points of the real numbers, for formulas with logarithms."""
        return real_worlds(self.exercise)

    @cached_property
    def logarithmic(self) -> frozenset[str]:
        """The names whose equations take a logarithm, and the functions whose formulas do."""
        functions = {**TABLE, **self.exercise.functions}
        logs = {"log", "log_softmax"}
        logs |= {name for name, row in functions.items() if any("log(" in one.formula for one in row.pieces)}
        names = {
            one.name for one in self.exercise.equations
            if any(isinstance(part, tree.Call) and part.function in logs for part in tree.walk(one.body))
        }  # fmt: skip
        return frozenset(logs | names)

    @cached_property
    def abstract(self) -> tuple[tuple[World, ...], frozenset[str]]:
        """Worlds in which every function by cases is any function at all, and the names of those."""
        return _abstract(self.exercise)


def _declared(exercise: Exercise) -> dict[str, int]:
    return {name: size for name, size in exercise.declared_sizes.items() if isinstance(size, int)}


def _with_labels(world: World, labels: Mapping[str, Array[Any]]) -> World:
    lift = world.domain.from_fraction
    return world.force(
        {name: value.map(lambda entry: lift(Fraction(entry))) for name, value in labels.items()}
    )


GENERIC = "any~"
"""Prefix of the functions without a formula that stand for those by cases."""


def _abstract(exercise: Exercise) -> tuple[tuple[World, ...], frozenset[str]]:
    found: dict[str, Function] = {}
    for one in exercise.equations[:-1]:
        for part in tree.walk(one.body):
            if isinstance(part, tree.Call):
                row = exercise.functions.get(part.function) or TABLE.get(part.function)
                if row is not None and row.kind == "activation" and not row.smooth:
                    name = GENERIC + row.name
                    found[name] = Function(
                        name=name, kind="activation", latex="g", typst="g", plain="g", pieces=()
                    )
    if not found:
        return (), frozenset()
    names = frozenset(name.removeprefix(GENERIC) for name in found)
    from dataclasses import replace

    equations = tuple(replace(one, body=generalised(one.body, names)) for one in exercise.equations)
    made = replace(exercise, equations=equations, functions={**exercise.functions, **found})
    return worlds_of(made).own, names


def generalised(node: Node, names: frozenset[str]) -> Node:
    """A formula with the functions of these names replaced by any function."""
    made = tree.rebuild(node, lambda part: generalised(part, names))
    if isinstance(made, tree.Call) and made.function in names:
        return tree.Call(GENERIC + made.function, made.args, (), made.primes, span=node.span)
    return made
