"""Numbers built to fit: what can be chosen so that a rule holds is chosen so, and not drawn until it does.

A bias stands alone in its equation (`z = W x + b`), so z can be chosen, with the sign that its unit is to
have, and b follows from it. A target stands alone beside the output (`ŷ − y`), so the error can be chosen.
What is left is drawn from its range; where no bias of its range gives what is wanted, the weights of that
equation are drawn anew.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations, islice, product
from math import ceil, floor, lcm, prod

from symbackprop import limits
from symbackprop.algebra.values.tracing import Program
from symbackprop.derivation.model import Model
from symbackprop.exams.draws import values
from symbackprop.exams.gates import gated_names
from symbackprop.exams.model import Draw
from symbackprop.exams.plan import Code, Plan, Quantity
from symbackprop.exams.stream import Stream
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

REDRAWS = 60
"""Of the weights of one equation, until some bias of its range fits."""

PATTERNS = 48
"""Choices of which units of one layer are active; of a wide layer not all are used."""

Pattern = tuple[tuple[int, ...], ...]
"""For each layer with units that can be inactive, which of them are active."""


@dataclass(frozen=True, slots=True)
class Values:
    """The numerators that an entry may have, over `below`, in order; their sizes, and which have each."""

    below: int
    numerators: tuple[int, ...]
    sizes: tuple[int, ...]
    by_size: dict[int, tuple[int, ...]]

    @classmethod
    def of(cls, draw: Draw) -> Values:
        """What a draw says."""
        below = lcm(draw.low.denominator, draw.step.denominator)
        kept = tuple(int(value * below) for value in values(draw))
        by_size: dict[int, tuple[int, ...]] = {}
        for one in kept:
            by_size[abs(one)] = (*by_size.get(abs(one), ()), one)
        return cls(below, kept, tuple(sorted(by_size)), by_size)


class Unbuildable(ValueError):
    """No numbers of the ranges can be built: `name` is the given name whose range is too small."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


# --- moves: what is decided, one given name after the other ------------------------------------------


@dataclass(frozen=True, slots=True)
class Drawn:
    """The entries of a name from their range."""

    place: Quantity
    values: Values
    distinct: bool

    def make(self, stream: Stream, numbers: list[int], row: int | None = None) -> None:
        """All entries, or those of one row."""
        start, end = self.place.start, self.place.end
        if row is not None:
            width = self.place.shape[1]
            start, end = start + row * width, start + (row + 1) * width
        if self.distinct:
            sizes = stream.sample(self.values.sizes, end - start)
            numbers[start:end] = [stream.choice(self.values.by_size[size]) for size in sizes]
        else:
            numbers[start:end] = stream.choices(self.values.numerators, end - start)

    def has_rows(self, count: int) -> bool:
        """Whether it is a matrix with so many rows, each of which can be drawn by itself."""
        return len(self.place.shape) == 2 and self.place.shape[0] == count and not self.distinct


@dataclass(frozen=True, slots=True)
class Window:
    """Integers for one sum: `beside · factor + unit · entry` has its numerator over one denominator, and its
    size from `least` to `most`."""

    factor: int
    unit: int
    least: int
    most: int

    def fitting(self, numerators: Sequence[int], beside: int, sign: int) -> Sequence[int]:
        """The entries, of those in order, that give a sum of this sign; their sizes are within the bounds."""
        low, high = (self.least, self.most) if sign > 0 else (-self.most, -self.least)
        known = beside * self.factor
        first, last = (low - known, high - known) if self.unit > 0 else (known - high, known - low)
        size = abs(self.unit)
        return numerators[bisect_left(numerators, -(-first // size)) : bisect_right(numerators, last // size)]

    def sum(self, beside: int, entry: int) -> int:
        """The numerator of the sum."""
        return beside * self.factor + self.unit * entry


@dataclass(frozen=True, slots=True)
class Options:
    """What the entries of a chosen name may be, beside what; `version` is that of the code for it."""

    version: int
    beside: tuple[int, ...]
    entries: Sequence[Sequence[int]]

    @property
    def lacking(self) -> int | None:
        """The entry that may be nothing."""
        return len(self.entries) - 1 if not self.entries[-1] else None


@dataclass(slots=True)
class Chosen:
    """A name that is chosen last in its equation, entry by entry, so that a sum comes out as wanted.

    With `beside` the sum of the other terms, the sum is beside + sign · entry; its size is to be from `least`
    to `most`, and where `layer` says which layer it is, its sign that of an active or inactive unit.
    `result` is the computed name that the sum is. No two sums of a layer have the same size, nor two
    differences in a loss where there are enough; `distinct`: no two entries have.
    """

    place: Quantity
    values: Values
    beside: Code
    sign: int
    least: Fraction
    most: Fraction
    layer: int | None
    result: str | None
    distinct: bool
    windows: dict[int, tuple[Window, ...]] = field(default_factory=dict)

    def options(self, numbers: Sequence[int], pattern: Pattern, first: int) -> Options:
        """What each entry may be; it ends with the first that may be nothing."""
        version, made = self.beside.run(numbers, first)
        windows = self.windows.get(version) or self._windows(version)
        active = None if self.layer is None else pattern[self.layer]
        entries = self.values.numerators
        found: list[Sequence[int]] = []
        for at, (beside, window) in enumerate(zip(made, windows, strict=True)):
            fits: Sequence[int]
            if active is None:
                fits = (*window.fitting(entries, beside, 1), *window.fitting(entries, beside, -1))
            else:
                fits = window.fitting(entries, beside, 1 if at in active else -1)
            found.append(fits)
            if not fits:
                break
        return Options(version, made, found)

    def choose(self, stream: Stream, numbers: list[int], options: Options) -> bool:
        """Take one of each; whether there were enough of different sizes."""
        alone = self.layer is None and self.result is not None
        if alone and not self.distinct:
            numbers[self.place.start : self.place.end] = [stream.choice(fits) for fits in options.entries]
            return True
        sums: set[int] = set()
        sizes: set[int] = set()
        windows = self.windows[options.version]
        for at, fits in enumerate(options.entries):
            beside, window = options.beside[at], windows[at]
            if not alone:
                fresh = [one for one in fits if abs(window.sum(beside, one)) not in sums]
                fits = fresh or (fits if self.result is None else ())
            if self.distinct:
                fits = [one for one in fits if abs(one) not in sizes]
            if not fits:
                return False
            one = stream.choice(fits)
            sums.add(abs(window.sum(beside, one)))
            sizes.add(abs(one))
            numbers[self.place.start + at] = one
        return True

    def _windows(self, version: int) -> tuple[Window, ...]:
        """The bounds as integers, for each entry of `beside`."""
        found = []
        for below in self.beside.versions[version].denominators:
            both = lcm(below, self.values.below)
            unit = self.sign * (both // self.values.below)
            found.append(Window(both // below, unit, ceil(self.least * both), floor(self.most * both)))
        self.windows[version] = tuple(found)
        return self.windows[version]


@dataclass(frozen=True, slots=True)
class Stage:
    """What is decided for one equation: what is drawn, and then what is chosen so that its sum fits."""

    drawn: tuple[Drawn, ...]
    chosen: tuple[Chosen, ...]


@dataclass(slots=True)
class Builder:
    """Builds the numbers of one question. `layers` are the sizes of the layers that are built with active and
    inactive units, `gated` all layers that have some, whether their bias can be chosen or not. `differences`
    are the targets in the loss, each with the output that it stands beside."""

    plan: Plan
    gated: tuple[str, ...]
    differences: tuple[tuple[str, str], ...]
    stages: tuple[Stage, ...]
    layers: tuple[int, ...]
    patterns: tuple[tuple[tuple[int, ...], ...], ...]
    start: tuple[int, ...]
    hints: dict[tuple[int, int, Pattern], int] = field(default_factory=dict)

    def active(self, size: int) -> int:
        """How many units of a layer are to be active: as the rules say, else half of them."""
        asked = self.plan.question.rules.number("active")
        if asked is not None:
            return min(int(asked), size)
        return (size + 1) // 2

    def pattern(self, stream: Stream) -> Pattern:
        """Which units are to be active."""
        return tuple(stream.choice(choices) for choices in self.patterns)

    def all_patterns(self) -> Iterator[Pattern]:
        """Every pattern, or of very many the first ones."""
        return product(*self.patterns)

    def build(self, stream: Stream, pattern: Pattern) -> list[int]:
        """The numerators of all given names. Raises Unbuildable."""
        numbers = list(self.start)
        for at, stage in enumerate(self.stages):
            self._stage(stream, numbers, pattern, at, stage)
        return numbers

    def _stage(self, stream: Stream, numbers: list[int], pattern: Pattern, at: int, stage: Stage) -> None:
        for drawn in stage.drawn:
            drawn.make(stream, numbers)
        for which, chosen in enumerate(stage.chosen):
            key = (at, which, pattern)
            for _ in range(REDRAWS if stage.drawn else 1):
                options = chosen.options(numbers, pattern, self.hints.get(key, 0))
                self.hints[key] = options.version
                lacking = options.lacking
                if lacking is None and chosen.choose(stream, numbers, options):
                    break
                self._redraw(stream, numbers, stage, chosen, lacking)
            else:
                raise Unbuildable(chosen.place.name)

    def _redraw(
        self, stream: Stream, numbers: list[int], stage: Stage, chosen: Chosen, lacking: int | None
    ) -> None:
        """Other weights: of the row that there is no bias for, where the weights have such rows."""
        count = chosen.place.end - chosen.place.start
        rows = [one for one in stage.drawn if lacking is not None and one.has_rows(count)]
        for drawn in rows or stage.drawn:
            drawn.make(stream, numbers, lacking if rows else None)


# --- what can be chosen ------------------------------------------------------------------------------


def builder(plan: Plan) -> Builder:
    """How the numbers of a question are built, from what its equations look like."""
    return _Making(plan).builder()


class _Making:
    """Reads the equations for terms that can be chosen."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.question = plan.question
        self.exercise = plan.exercise
        self.model = Model.of(self.exercise)
        self.places = {one.name: one for one in plan.given}
        self.gated = gated_names(self.model)
        self.layers: list[str] = []

    def builder(self) -> Builder:
        done: set[str] = set(self.question.fixed)
        stages: list[Stage] = []
        for equation in self.exercise.equations:
            fresh = [
                name for name in dict.fromkeys(tree.names_in(equation.body))
                if name in self.places and name not in done
            ]  # fmt: skip
            chosen = list(self._chosen(equation.name, equation.body, fresh))
            held = {one.place.name for one in chosen}
            drawn = tuple(self._drawn(name) for name in fresh if name not in held)
            if drawn or chosen:
                stages.append(Stage(drawn, tuple(chosen)))
            done.update(fresh)
        gated = [name for name in self.exercise.computed if name in self.gated]
        made = Builder(
            plan=self.plan, gated=tuple(gated) if self.question.has_numbers else (),
            differences=tuple(self._differences()),
            stages=tuple(stages), layers=tuple(prod(self.plan.quantity(name).shape) for name in self.layers),
            patterns=(), start=self._start(),
        )  # fmt: skip
        made.patterns = tuple(_choices(size, made.active(size)) for size in made.layers)
        return made

    def _start(self) -> tuple[int, ...]:
        """The numerators of what is the same for everybody, 0 for the rest."""
        made: list[int] = []
        for one in self.plan.given:
            fixed = self.question.fixed.get(one.name)
            made += [0] * prod(one.shape) if fixed is None else [v.numerator for v in fixed.entries]
        return tuple(made)

    def _drawn(self, name: str) -> Drawn:
        draw = self.question.draws[name]
        return Drawn(self.places[name], Values.of(draw), draw.distinct)

    def _chosen(self, name: str, body: Node, fresh: Sequence[str]) -> Iterator[Chosen]:
        """The bias of an equation; the target of a loss."""
        for one in fresh:
            if one in self.question.draws and len(self.model.users(one)) == 1:
                rest = _without(body, one) if name != self.exercise.loss else None
                if rest is not None and self._same_shape(one, name):
                    yield self._choice(one, rest, 1, name)
                    return
        if name == self.exercise.loss:
            yield from self._targets(fresh)

    def _targets(self, fresh: Sequence[str]) -> Iterator[Chosen]:
        """A target that nothing else hangs on."""
        for target, other in self._differences():
            if target in fresh and target in self.question.draws:
                yield self._choice(target, tree.Name(other), -1, None)
                return

    def _differences(self) -> Iterator[tuple[str, str]]:
        """`ŷ − y` in the loss, or a loss of ŷ and y: y and ŷ."""
        for part in tree.walk(self.exercise.equations[-1].body):
            for pair in _differences(part):
                names = [one.name for one in pair if isinstance(one, tree.Name)]
                target = next((one for one in names if one in self.places), None)
                other = next((one for one in names if one != target), None)
                if target and other and self._same_shape(target, other):
                    yield target, other

    def _same_shape(self, one: str, other: str) -> bool:
        shapes = self.exercise.shapes
        return shapes[one] == shapes[other]

    def _choice(self, name: str, beside: Node, sign: int, result: str | None) -> Chosen:
        gated = result is not None and result in self.gated
        layer = None
        if gated and result is not None:
            layer = len(self.layers)
            self.layers.append(result)
        rules = self.question.rules
        least = rules.number("min_gradient") if result is None else rules.number("min_preactivation")
        most = rules.number("max_error") if result is None else rules.number("max_preactivation")
        place = self.places[name]

        def trace(sample: Sequence[Fraction]) -> Program:
            return self.plan.tracer.formula(beside, place.shape, sample)

        return Chosen(
            place, Values.of(self.question.draws[name]), Code(trace, self.plan.key.denominators), sign,
            max(least or Fraction(0), Fraction(1, limits.EXAM_NUMBER)),  # a sum of 0 shows nothing
            Fraction(limits.EXAM_NUMBER) if most is None else most,
            layer, result, self.question.draws[name].distinct,
        )  # fmt: skip


def _without(body: Node, name: str) -> Node | None:
    """The other terms of a sum with the term `name` in it; None if it stands elsewhere."""
    if not isinstance(body, tree.Add) or body.terms.count(tree.Name(name)) != 1:
        return None
    rest = tuple(term for term in body.terms if term != tree.Name(name))
    if any(name in tree.names_in(term) for term in rest) or isinstance(rest[0], tree.Neg):
        return None
    return rest[0] if len(rest) == 1 else tree.Add(rest)


def _differences(part: Node) -> Iterator[tuple[Node, Node]]:
    """The two sides of a difference, also inside a loss of two arguments."""
    match part:
        case tree.Add((first, tree.Neg(second))):
            yield first, second
        case tree.Call(_, (first, second), _, 0):
            yield first, second


def _choices(size: int, active: int) -> tuple[tuple[int, ...], ...]:
    """Which units may be active; of very many choices a few that differ widely."""
    return tuple(islice(combinations(range(size), active), PATTERNS))
