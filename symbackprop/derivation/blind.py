"""Which typical mistakes the example's numbers would hide, and what about the numbers hides them.

With g′(z) = 1 nobody sees whether g′ was forgotten; with k = 1 nobody sees a dot product in place
of ⊙. Nothing here is a list of special numbers: every mistake that can be made in a step is made,
and its formula is evaluated with the example's numbers. It is *unseen* if the right numbers come
out, in the right shape, although the formula is wrong at random points.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.derivation.mistakes import Mistake, wrong_formulas
from symbackprop.derivation.model import Model
from symbackprop.derivation.steps import Derivation, Step
from symbackprop.derivation.worlds import (
    World,
    different,
    example,
    lifted_shapes,
    random_world,
    random_worlds,
    vanishes,
)
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Shape
from symbackprop.notation.write import to_plain

ENTRIES = 400
"""Numbers in an example; one with more is not looked at: it takes long, and hides hardly anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindSpot:
    """A mistake that the example's numbers hide.

    `mistake` is the id of a row of `mistakes.py`, `formula` what it makes of the gradient's, `about`
    the part concerned. `cause` is the fact that hides it (`g'(z) = 1`, `x[2] = 0`, `k = 1`), None
    if none was found. `by_size`: with these sizes no numbers show it.
    """

    gradient: str
    mistake: str
    name: str
    formula: Node
    about: Node | None
    cause: str | None
    by_size: bool


@dataclass(frozen=True, slots=True)
class Slip:
    """One mistake in one step."""

    step: Step
    mistake: Mistake
    formula: Node
    about: Node | None

    @property
    def key(self) -> tuple[str, str, Node | None]:
        """Slips with the same key are told apart by nobody."""
        return self.step.target, self.mistake.id, self.about


def blind_spots(derivation: Derivation) -> tuple[BlindSpot, ...]:
    """The mistakes that the example's numbers hide, gradient by gradient from the loss down.

    Empty where the example has no numbers, or too many to look at.
    """
    return Inspection.of(derivation).spots()


@dataclass(slots=True)
class Inspection:
    """A derivation with all the slips that can be made in it; random points are made when needed."""

    model: Model
    derivation: Derivation
    slips: tuple[Slip, ...]
    _random: list[World] = field(default_factory=list)
    _lifted: tuple[dict[str, Shape], dict[str, int]] | None = None

    @classmethod
    def of(cls, derivation: Derivation) -> Inspection:
        """Everything that can go wrong in a derivation; nothing if it has no numbers."""
        made: list[Slip] = []
        if _inspectable(derivation):
            for step in derivation.backward:
                for mistake, wrong in wrong_formulas(derivation.exercise, step):
                    made.append(Slip(step, mistake, wrong.formula, wrong.about))
        return cls(Model.of(derivation.exercise), derivation, tuple(made))

    @property
    def exercise(self) -> Exercise:
        """The exercise behind it."""
        return self.derivation.exercise

    def random(self) -> Sequence[World]:
        """Random points, with the exercise's own sizes first."""
        if not self._random:
            self._random += random_worlds(self.model, self.derivation.steps)
        return self._random

    def wrong(self, slip: Slip) -> bool:
        """Whether its formula is wrong at some random point."""
        return any(world.same(slip.step, slip.formula) is False for world in self.random())

    def unseen(self, world: World, slips: Sequence[Slip]) -> list[Slip]:
        """Those whose formulas give the right numbers in a world."""
        return [slip for slip in slips if world.same(slip.step, slip.formula)]

    def spots(self) -> tuple[BlindSpot, ...]:
        """The blind spots of the example's own numbers."""
        if not self.slips:
            return ()
        here = example(self.model, self.derivation)
        found: dict[Any, BlindSpot] = {}
        for slip in self.unseen(here, self.slips):
            if slip.key not in found and self.wrong(slip):
                found[slip.key] = self.spot(here, slip)
        return tuple(found.values())

    def spot(self, here: World, slip: Slip) -> BlindSpot:
        """What is to be said about a slip that nobody sees."""
        about = "" if slip.about is None else to_plain(slip.about)
        own = [world for world in self.random() if _sizes(world) == _sizes(here)]
        by_size = not any(world.same(slip.step, slip.formula) is False for world in own)
        return BlindSpot(
            gradient="d" + slip.step.target,
            mistake=slip.mistake.id,
            name=slip.mistake.named(about),
            formula=slip.formula,
            about=slip.about,
            cause=self._size_cause(slip) if by_size else _cause(self.exercise, here, slip),
            by_size=by_size,
        )

    def _size_cause(self, slip: Slip) -> str | None:
        """The size that hides it: with another number for it, the mistake shows."""
        if self._lifted is None:
            self._lifted = lifted_shapes(self.model) or ({}, {})
        shapes, sizes = self._lifted
        fresh = max((*sizes.values(), 1)) + 1
        for size, value in sizes.items():
            for other in random_world(self.model, self.derivation.steps, shapes, {**sizes, size: fresh}):
                if other.same(slip.step, slip.formula) is False:
                    return _size_fact(size, value, sizes)
        return None


def _inspectable(derivation: Derivation) -> bool:
    exercise = derivation.exercise
    known = [array for array in exercise.values.values()]
    return bool(known) and not exercise.sizes and sum(len(array.entries) for array in known) <= ENTRIES


def _sizes(world: World) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in world.values.items()}


def _size_fact(size: str, value: int, sizes: Mapping[str, int]) -> str:
    """`k = 1`, or `k = n` for the sizes that are the same number."""
    if value == 1:
        return f"{size} = 1"
    same = [other for other, number in sizes.items() if number == value]
    return " = ".join(same) if len(same) > 1 else f"{size} = {value}"


# --- causes: a special value whose change would show the mistake ------------------------------


def _cause(exercise: Exercise, here: World, slip: Slip) -> str | None:
    """The first fact about the numbers without which the mistake would be seen."""
    for fact, values, right, wrong in _facts(exercise, here, slip):
        there = World(here.working, values)
        try:
            value = here.working.evaluate(right, values, like=here.values["d" + slip.step.target].shape)
        except (ArithmeticError, ValueError):
            continue
        if there.equal(value, wrong) is False:
            return fact
    return None


Changed = tuple[str, Mapping[str, Array[Any]], Node, Node]


def _facts(exercise: Exercise, here: World, slip: Slip) -> Iterator[Changed]:
    """Facts, each with the values and formulas in which it no longer holds."""
    right, wrong = slip.step.formula, slip.formula
    calls = list(dict.fromkeys(p for f in (right, wrong) for p in tree.walk(f) if isinstance(p, tree.Call)))
    calls = [call for call in calls if call.function not in {"sum", "mean"}]
    yield from _call_facts(exercise, here, slip, [call for call in calls if not call.primes])
    named = dict.fromkeys(name for f in (wrong, right) for name in _quantities(f))
    present = [name for name in named if name in here.values]
    for name in sorted(present, key=lambda name: _age(exercise, name)):
        for fact, values in _special_entries(here, name):
            yield fact, values, right, wrong
    yield from _call_facts(exercise, here, slip, [call for call in calls if call.primes])
    yield from ((f, v, right, wrong) for f, v in _coincidences(here, present))


def _quantities(formula: Node) -> Iterator[str]:
    """The keys of the values that a formula uses."""
    for part in tree.walk(formula):
        if isinstance(part, tree.Gradient) and isinstance(part.of, tree.Name):
            yield "d" + part.of.name
        elif isinstance(part, tree.Name):
            yield part.name


def _age(exercise: Exercise, name: str) -> int:
    """Given names first, then computed ones, then gradients."""
    return 0 if name in exercise.given else 1 if name in exercise.computed else 2


def _call_facts(exercise: Exercise, here: World, slip: Slip, calls: Sequence[tree.Call]) -> Iterator[Changed]:
    """`g'(z) = 1`: the call becomes a name of its own, whose value is then another."""
    for call in calls:
        try:
            value = here.working.evaluate(call, here.values)
        except (ArithmeticError, ValueError):
            continue
        special = _special(value)
        if special is None:
            continue
        stand_in: Node = tree.Name("call~")
        right, wrong = (_replaced(part, call, stand_in) for part in (slip.step.formula, slip.formula))
        values = {**here.values, "call~": _moved(here, value, range(len(value.entries)))}
        computed = [one.name for one in exercise.equations if tree.undressed(one.body) == call]
        name = computed[0] if computed else to_plain(call)
        yield f"{name} = {special}", values, right, wrong


def _replaced(node: Node, old: Node, new: Node) -> Node:
    return new if node == old else tree.rebuild(node, lambda child: _replaced(child, old, new))


def _special(value: Array[Any]) -> str | None:
    """The number that all entries are, if it is one that hides things."""
    if len(set(map(_shown, value.entries))) > 1:
        return None
    return _shown(value.entries[0])


def _shown(entry: Any) -> str | None:
    return str(entry) if isinstance(entry, Fraction) else None


def _special_entries(here: World, name: str) -> Iterator[tuple[str, dict[str, Array[Any]]]]:
    """All entries alike; then each entry that is 0, 1 or -1."""
    value = here.values[name]
    alone = len(value.entries) == 1
    special = _special(value)
    if special is not None and (alone or special in {"0", "1", "-1"}):
        yield f"{name} = {special}", {**here.values, name: _moved(here, value, range(len(value.entries)))}
    elif special is not None:
        yield f"all entries of {name} are {special}", {**here.values, name: _moved(here, value, range(1))}
    if alone:
        return
    for at, (entry, place) in enumerate(zip(value.entries, value.places(), strict=True)):
        if _shown(entry) in {"0", "1", "-1"}:
            where = ",".join(map(str, place))
            yield f"{name}[{where}] = {entry}", {**here.values, name: _moved(here, value, (at,))}


def _moved(here: World, value: Array[Any], which: Sequence[int]) -> Array[Any]:
    """Other numbers for some entries, with nothing special about them."""
    entries = list(value.entries)
    for at in which:
        entries[at] = here.working.domain.add(entries[at], Fraction(37 + 11 * at, 13))
    return replace(value, entries=tuple(entries))


def _coincidences(here: World, names: Sequence[str]) -> Iterator[tuple[str, dict[str, Array[Any]]]]:
    """Two quantities with the same numbers, and matrices that are their own transposes."""
    sub = here.working.domain.sub
    for at, first in enumerate(names):
        a = here.values[first]
        for second in names[:at]:
            b = here.values[second]
            if a.shape == b.shape and all(vanishes(sub(x, y)) for x, y in zip(a.entries, b.entries, strict=True)):
                moved = _moved(here, a, range(len(a.entries)))
                yield f"{second} = {first}", {**here.values, first: moved}
        if len(a.shape) == 2 and a.shape[0] == a.shape[1] > 1 and a.transposed() == a:
            yield f"{first} is symmetric", {**here.values, first: _moved(here, a, (1,))}
