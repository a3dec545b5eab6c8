"""Worlds in which a claim is true or false: the model's values at a point, and every derivative there.

A world holds the forward pass of a model in some kind of number. Derivatives are found when they are
asked for, by dual numbers through the equations as they stand; no formula for a gradient and no SymPy has a
part in it. A world can be *forced*: a name, or a gradient, takes the value that a person wrote, and what
comes after it follows from that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from math import prod
from typing import Any

from symbackprop import limits
from symbackprop.algebra.functions import TABLE
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Domain, EvaluationError, NotCertified, Symbolic
from symbackprop.algebra.values.dual import Duals
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact
from symbackprop.algebra.values.gfp import Signs
from symbackprop.algebra.values.poly import leftover
from symbackprop.algebra.values.run import dependents, forward
from symbackprop.derivation.fulfil import FactFails
from symbackprop.derivation.model import Model
from symbackprop.derivation.points import allowed, point, real_points
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.node import Plain
from symbackprop.notation.sizes import value as size_value
from symbackprop.notation.tree import Node

Numbers = Mapping[str, "Array[Any]"]


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """`values` has every name that has a value; `forced` those of them, and the gradients (`dz`), that a
    person's values replace. `unit` are sizes that stand for a 1 of the exercise (one neuron)."""

    exercise: Exercise
    working: Evaluator[Any]
    values: Numbers
    forced: Numbers = field(default_factory=dict)
    unit: frozenset[int] = frozenset()
    example: bool = False
    _known: dict[tuple[str, str], Array[Any]] = field(default_factory=dict)
    _after: dict[str, list[tuple[str, Node]]] = field(default_factory=dict)
    _used: dict[str, frozenset[str]] = field(default_factory=dict)
    changes: Numbers = field(default_factory=dict)
    """Where d stands for a small change: the changes of names."""
    kept: dict[Any, Any] = field(default_factory=dict)
    """Values of formulas and their slopes at this point, for whoever asks again."""

    @property
    def domain(self) -> Domain[Any]:
        """The kind of number."""
        return self.working.domain

    @property
    def equations(self) -> list[tuple[str, Node]]:
        """The model, in order."""
        return [(one.name, one.body) for one in self.exercise.equations]

    def force(self, changed: Numbers) -> World:
        """The world in which these names and gradients (`dz`) have these values.

        What the model computes after a forced name is computed anew; what is symbolic stays out.
        """
        forced = {**self.forced, **{name: self._shaped(name, value) for name, value in changed.items()}}
        given = {name: self.values[name] for name in self.exercise.given if name in self.values}
        known = {name: value for name, value in forced.items() if name in self.exercise.shapes}
        values = self._forward({**given, **known})
        return replace(self, values=values, forced=forced, _known={}, kept={})

    def _forward(self, known: dict[str, Array[Any]]) -> dict[str, Array[Any]]:
        """The forward pass; what has no value, as the logarithm of a wrong, negative number, is left out."""
        try:
            return forward(self.equations, known, self.working, partial=True)
        except (ArithmeticError, EvaluationError):
            for name, body in self.equations:
                if name not in known:
                    with suppress(ArithmeticError, EvaluationError):
                        known[name] = self.working.evaluate(body, known)
            return known

    def _shaped(self, name: str, value: Array[Any]) -> Array[Any]:
        """A person's value in the shape that the name, or what the gradient is of, has here: (1,) for ()."""
        known = self.values.get(name if name in self.exercise.shapes else name[1:])
        fits = known is not None and len(known.entries) == len(value.entries)
        return value.reshaped(known.shape) if known is not None and fits else value

    def gradient(self, name: str) -> Array[Any]:
        """dL/d`name`, in the shape of `name`. Raises what evaluation raises, Symbolic without values."""
        forced = self.forced.get("d" + name)
        if forced is not None:
            return forced
        return self._kept(self.exercise.loss, name, lambda: self._gradient(name))

    def after(self, name: str) -> list[tuple[str, Node]]:
        """The equations that change when `name` does, in order."""
        if name not in self._after:
            self._after[name] = dependents(self.equations, [name])
        return self._after[name]

    def _uses(self, equation: tuple[str, Node], name: str) -> bool:
        """Whether an equation uses a name itself."""
        at, body = equation
        if at not in self._used:
            self._used[at] = frozenset(tree.names_in(body))
        return name in self._used[at]

    def cost(self, name: str) -> int:
        """About how many operations dL/d`name` takes; none where it is known."""
        if "d" + name in self.forced or (self.exercise.loss, name) in self._known or name not in self.values:
            return 0
        after = self.after(name)
        lengths = {one: len(value.entries) for one, value in self.values.items()}
        heaviest = max((_weight(body, lengths) for _, body in after), default=0)
        return heaviest * min(self._works(name, after))

    def _works(self, name: str, after: Sequence[tuple[str, Node]]) -> tuple[int, int]:
        """Evaluations of an equation that a gradient takes: from the gradients after it, and without them."""
        entries = len(self.value(name).entries)
        loss, known = self.exercise.loss, self._known
        missing = [at for at, _ in after if (loss, at) not in known and "d" + at not in self.forced]
        users = sum(self._uses(one, name) for one in after)
        through = sum(len(self.value(at).entries) for at in missing if at != loss)
        return through + entries * users, entries * len(after)

    def _kept(self, of: str, by: str, compute: Callable[[], Array[Any]]) -> Array[Any]:
        key = (of, by)
        if key not in self._known:
            self._known[key] = compute()
        return self._known[key]

    def _gradient(self, name: str) -> Array[Any]:
        if name == self.exercise.loss:
            return Array((), (self.domain.one,))
        source = self.value(name)
        after = self.after(name)
        through, directly = self._works(name, after)
        if through < directly:
            for at, _ in reversed(after):  # the loss first: each finds those after it
                self.gradient(at)
            users = [one for one in after if self._uses(one, name)]
            entries = [self._sent_back(users, name, direction) for direction in self._directions(name)]
        else:
            entries = [self._slope(self.moved(name, one)) for one in self._directions(name)]
        return Array(source.shape, tuple(entries))

    def _sent_back(self, users: Sequence[tuple[str, Node]], name: str, direction: Array[Any]) -> Any:
        """Σ dL/du · ∂u/∂name along a direction, over the equations that use the name themselves."""
        duals: Duals[Any] = Duals(self.domain)
        over = self.working.over(duals)
        moving = {name: duals.seeded(self.value(name), direction)}
        total = self.domain.zero
        for at, body in users:
            names = [used for used in tree.names_in(body) if used != name and used in self.values]
            made = over.evaluate(
                body, {**{one: duals.lift_array(self.values[one]) for one in names}, **moving}
            )
            slopes = [entry.slope for entry in made.entries]
            total = self.domain.add(total, self.domain.dot(self.gradient(at).entries, slopes))
        return total

    def _slope(self, moving: Mapping[str, Array[Any]]) -> Any:
        """The slope of the loss, what goes through forced gradients included."""
        loss = self.exercise.loss
        add, total = self.domain.add, self.domain.zero
        for name, array in moving.items():
            arriving = self.forced.get("d" + name)
            if name == loss:
                total = add(total, array.item.slope)
            elif arriving is not None:
                slopes = [entry.slope for entry in array.entries]
                total = add(total, self.domain.dot(arriving.entries, slopes))
        return total

    def value(self, name: str) -> Array[Any]:
        """The value of a name. Raises Symbolic where there is none."""
        if name not in self.values:
            raise Symbolic(f"{name} has no value")
        return self.values[name]

    def _directions(self, name: str) -> Iterator[Array[Any]]:
        """For each entry of `name` the direction in which it moves alone."""
        source = self.value(name)
        zero, one = self.domain.zero, self.domain.one
        size = len(source.entries)
        for place in range(size):
            direction = [zero] * size
            direction[place] = one
            yield Array(source.shape, tuple(direction))

    def moved(self, name: str, direction: Array[Any]) -> dict[str, Array[Any]]:
        """Every name after `name`, as dual numbers, when `name` moves along `direction`.

        A name with a forced gradient does not hand its movement on: what it sends back is given.
        """
        duals: Duals[Any] = Duals(self.domain)
        over = self.working.over(duals)
        moving = {name: duals.seeded(self.value(name), direction)}
        stopped: dict[str, Array[Any]] = {}
        still: dict[str, Array[Any]] = {}
        for at, body in self.after(name):
            for used in tree.names_in(body):
                if used not in moving and used not in still and used in self.values:
                    still[used] = duals.lift_array(self.values[used])
            made = over.evaluate(body, {**still, **moving, **stopped})
            if at == self.exercise.loss and len(made.entries) == 1:
                made = made.reshaped(())
            if at in self.forced:  # a person's number, which moves as the right one does
                slopes = self.forced[at].with_entries([entry.slope for entry in made.entries])
                made = duals.seeded(self.forced[at], slopes)
            moving[at] = made
            if "d" + at in self.forced:
                stopped[at] = duals.lift_array(self.value(at))
        return moving


# --- making them ----------------------------------------------------------------------------------

PATTERNS = 6
"""Units with pieces up to which every pattern of signs gets a world; beyond, `MIXED` random ones."""

MIXED = 24

LEAST = 2
"""Random points of a model so large that more would take too long."""

MORE = 16

SIZES = 6
"""Different numbers for sizes: of fifty layers no neighbours have the same, and none grows with the depth."""

REAL, MOST_REAL = 4, 8
"""Points of the real numbers, with negative numbers among them, at which a line must hold that holds at none
of the field: as many as are found, and some at least."""

FEW: tuple[Signs, ...] = ("on", int("0110100110010110" * 8, 2), "random")
"""For formulas that are known to be right unless the program has a mistake."""

EXTREMES: tuple[Signs, ...] = ("on", "off", "random")
"""For other sizes than the exercise's, whose own patterns are all looked at; where nothing has pieces, one
random point: what is looked at there already held at two."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Worlds(Plain):
    """The points at which claims about one exercise are looked at.

    `own`: random points with the exercise's sizes; `wide`: random points with all sizes different and
    none of them 1, where the model has such a form; `example`: the exercise's own numbers.
    """

    own: tuple[World, ...]
    wide: tuple[World, ...]
    example: World


def worlds_of(exercise: Exercise, *, few: bool = False) -> Worlds:
    """All worlds of an exercise, or a `few`. Raises NotCertified where the model has no random point."""
    model = Model.of(exercise)
    sizes = _numbered(exercise, start=2 if few else 3)
    patterns = _patterns(exercise, sizes)
    own = tuple(_random(model, sizes, frozenset(), FEW if few and len(patterns) > len(FEW) else patterns))
    if not own:
        raise NotCertified("no random point was found at which the model has a value")
    return Worlds(own=own, wide=tuple(_wide(exercise, few=few)), example=_example(exercise))


def more_worlds(exercise: Exercise) -> tuple[World, ...]:
    """Further random points with the exercise's sizes."""
    sizes = _numbered(exercise, start=3)
    patterns: list[Signs] = ["random"] * MORE
    return tuple(_random(Model.of(exercise), sizes, frozenset(), patterns, "more"))


def real_worlds(exercise: Exercise) -> tuple[World, ...]:
    """Random points of the real numbers, for laws that the field lacks: log(ab) = log a + log b."""
    model, sizes = Model.of(exercise), _numbered(exercise, start=3)
    found = []
    for made in islice(real_points(model, sizes, "check", signed=True), MOST_REAL):
        working = Evaluator(made.domain, made.sizes, exercise.functions, exercise.kinks)
        values = dict(made.values)
        values[exercise.loss] = values[exercise.loss].reshaped(())
        found.append(World(exercise, working, values))
    return tuple(found)


def _numbered(exercise: Exercise, start: int) -> dict[str, int]:
    """Numbers for the sizes that are symbols, no two alike that are near each other in the model."""
    sizes = {size: start + at % SIZES for at, size in enumerate(reversed(exercise.sizes))}
    return allowed(sizes, exercise.shapes.values())


def _random(
    model: Model,
    sizes: Mapping[str, int],
    unit: frozenset[int],
    patterns: Sequence[Signs],
    seed: str = "check",
) -> Iterator[World]:
    """A random point for each pattern of signs, where there is one."""
    exercise = model.exercise
    after: dict[str, list[tuple[str, Node]]] = {}
    used: dict[str, frozenset[str]] = {}
    for place, signs in enumerate(patterns):
        with suppress(NotCertified, FactFails):
            made = point(model, sizes, signs, f"{seed}/{place}")
            working = Evaluator(made.domain, made.sizes, exercise.functions, exercise.kinks)
            values = dict(made.values)
            values[exercise.loss] = values[exercise.loss].reshaped(())
            yield World(exercise, working, values, unit=unit, _after=after, _used=used)


def _patterns(exercise: Exercise, sizes: Mapping[str, int]) -> Sequence[Signs]:
    """Signs of the quantities that decide between pieces: every pattern, or both extremes and random ones."""
    units = sum(
        prod(size_value(size, sizes) if isinstance(size, str) else size for size in exercise.shapes[one.name])
        for one in exercise.equations
        for part in tree.walk(one.body)
        if isinstance(part, tree.Call) and not _smooth(exercise, part)
    )
    if not units:
        return ("random", "random")
    most = limits.HAND_OPERATIONS // (2 * _work(exercise, sizes))
    if units <= PATTERNS and 2**units < most:
        every: tuple[Signs, ...] = tuple(range(2**units))
        return (*every, "random")
    mixed: list[Signs] = ["random"] * max(LEAST, min(MIXED, most))
    return ("on", "off", *mixed)


def _work(exercise: Exercise, sizes: Mapping[str, int]) -> int:
    """About how many operations all gradients of a model take at one point."""
    lengths = {
        name: prod(size_value(size, sizes) if isinstance(size, str) else size for size in shape)
        for name, shape in exercise.shapes.items()
    }
    bodies = [(_weight(one.body, lengths), tree.names_in(one.body)) for one in exercise.equations]
    return max(1, sum(weight * lengths.get(name, 0) for weight, names in bodies for name in names))


def _weight(body: Node, lengths: Mapping[str, int]) -> int:
    """About how many operations an equation takes once, by the lengths of what it uses."""
    return 8 + sum(lengths.get(name, 0) for name in tree.names_in(body)) // 16


def _smooth(exercise: Exercise, call: tree.Call) -> bool:
    row = exercise.functions.get(call.function) or TABLE.get(call.function)
    return row is None or (row.smooth and row.name not in {"max", "min", "hinge", "huber", "absolute_error"})


def _wide(exercise: Exercise, *, few: bool = False) -> Iterator[World]:
    """Random worlds of the same model with a different number for every size."""
    from symbackprop.checking.widen import widened  # inference is only needed here

    made = widened(exercise)
    if made is None:
        return
    sizes = _numbered(made, start=2)
    unit = frozenset(
        size_value(wide, sizes)
        for name, shape in made.shapes.items()
        for wide, size in zip(shape, exercise.shapes[name], strict=False)
        if size == 1 and isinstance(wide, str)
    )
    patterns = _patterns(made, sizes)
    chosen: Sequence[Signs] = patterns[:1] if set(patterns) == {"random"} else EXTREMES
    yield from _random(Model.of(made), sizes, unit, FEW[:1] if few else chosen)


def _example(exercise: Exercise) -> World:
    """The exercise's own numbers; a given name without values is a symbol, entry by entry."""
    values: dict[str, Array[Any]] = dict(exercise.values)
    for rank, name in enumerate(exercise.given):
        shape = exercise.shapes[name]
        numbers = tuple(size for size in shape if isinstance(size, int))
        if name not in values and len(numbers) == len(shape):
            values[name] = leftover(name, numbers, rank)
    working: Evaluator[Any] = Evaluator(Exact(), {}, exercise.functions, exercise.kinks)
    equations = [(one.name, one.body) for one in exercise.equations]
    with suppress(EvaluationError):  # where a size is still a symbol only what is given has a value
        values = forward(equations, values, working, partial=True)
    return World(exercise, working, values, example=True)
