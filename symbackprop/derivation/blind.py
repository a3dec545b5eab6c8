"""Which typical mistakes the example's numbers would hide, and what about the numbers hides them.

With g′(z) = 1 nobody sees whether g′ was forgotten; with k = 1 nobody sees a dot product in place
of ⊙. Nothing here is a list of special numbers: every mistake that can be made in a step is made,
and its formula is evaluated with the example's numbers. It is *unseen* if the right numbers come
out, in the right shape, although the formula is wrong at random points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from symbackprop.derivation.causes import cause as found_cause
from symbackprop.derivation.mistakes import Mistake, wrong_formulas
from symbackprop.derivation.model import Model
from symbackprop.derivation.slips import Wrong
from symbackprop.derivation.steps import Derivation, Step
from symbackprop.derivation.worlds import (
    World,
    different,
    example,
    free_sizes,
    random_worlds,
    resized_world,
)
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Shape

ENTRIES = 400
"""Numbers in an example; one with more is not looked at: it takes long, and hides hardly anything."""


SLIPS = 1_000
"""Mistakes that are looked at, from the loss down; in a deep net the later ones repeat the others."""


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
    wrong: Wrong

    @property
    def formula(self) -> Node:
        """The wrong formula."""
        return self.wrong.formula

    @property
    def any_size(self) -> bool:
        """Whether the formula has a meaning for other sizes: it has no matrix written out in it."""
        return not any(isinstance(part, tree.Matrix) for part in tree.walk(self.formula))

    @property
    def key(self) -> tuple[str, str, Node | None, Node | None]:
        """Slips with the same key are one mistake, written in several ways."""
        return self.step.target, self.mistake.id, self.wrong.about, self.wrong.instead


def blind_spots(derivation: Derivation) -> tuple[BlindSpot, ...]:
    """The mistakes that the example's numbers hide, gradient by gradient from the loss down.

    Empty where the example has no numbers, or too many to look at.
    """
    inspection = Inspection.of(derivation)
    here = inspection.example()
    _, numbers, sizes = inspection.mistakes(here)
    return inspection.spots(here, numbers, sizes)


def hidden_shapes(derivation: Derivation) -> tuple[BlindSpot, ...]:
    """The mistakes that show in the numbers alone, because two sizes are equal (`k = n`).

    With other sizes the wrong formula would not even have the right shape.
    """
    inspection = Inspection.of(derivation)
    return inspection.hidden_shapes(inspection.example())


@dataclass(slots=True)
class Inspection:
    """A derivation with all the slips that can be made in it; random points are made when needed."""

    model: Model
    derivation: Derivation
    slips: tuple[Slip, ...]
    _random: list[World] = field(default_factory=list)
    _free: tuple[dict[str, Shape], dict[str, int]] | None = None
    _resized: dict[str, list[World]] = field(default_factory=dict)

    @classmethod
    def of(cls, derivation: Derivation) -> Inspection:
        """Everything that can go wrong in a derivation; nothing if it has no numbers."""
        made: list[Slip] = []
        for step in derivation.backward if _inspectable(derivation) else ():
            every = wrong_formulas(derivation.exercise, step)
            made += (Slip(step, row, wrong) for row, wrong in islice(every, SLIPS - len(made)))
        return cls(Model.of(derivation.exercise), derivation, tuple(made))

    # --- random points

    def random(self) -> Sequence[World]:
        """Random points with the exercise's own sizes."""
        if not self._random:
            self._random += random_worlds(self.model, self.derivation.steps)
        return self._random

    def shows(self, slip: Slip) -> bool:
        """Whether some numbers of the exercise's own sizes show that the formula is wrong."""
        return any(world.same(slip.step, slip.formula) is False for world in self.random())

    def shows_resized(self, slip: Slip, changed: str = "") -> bool:
        """The same with all sizes different, or with one size changed."""
        if not slip.any_size:
            return False
        return any(world.same(slip.step, slip.formula) is False for world in self.resized(changed))

    def resized(self, changed: str) -> Sequence[World]:
        """A random point with one size changed; with none named, with all different."""
        if changed not in self._resized:
            shapes, sizes = self.free()
            fresh = max((*sizes.values(), 1)) + 1
            chosen = {**sizes, changed: fresh} if changed else different(sizes)
            made = resized_world(self.model, self.derivation.steps, shapes, chosen) if sizes else ()
            self._resized[changed] = list(made)
        return self._resized[changed]

    def free(self) -> tuple[dict[str, Shape], dict[str, int]]:
        """The sizes that could be others; see `free_sizes`."""
        if self._free is None:
            self._free = free_sizes(self.model)
        return self._free

    # --- what is unseen

    def example(self) -> World:
        """The example's own numbers."""
        return example(self.model, self.derivation)

    def mistakes(self, here: World) -> tuple[int, list[Slip], list[Slip]]:
        """How many can be made, those unseen here that other numbers could show, those that none could."""
        seen: set[Any] = set()
        numbers: dict[Any, Slip] = {}
        sizes: dict[Any, Slip] = {}
        for slip in self.slips:
            if not here.same(slip.step, slip.formula):
                seen.add(slip.key)
            elif self.shows(slip):
                numbers.setdefault(slip.key, slip)
            elif self.shows_resized(slip):
                sizes.setdefault(slip.key, slip)
        return len(seen | {*numbers} | {*sizes}), [*numbers.values()], [*sizes.values()]

    def hidden_shapes(self, here: World) -> tuple[BlindSpot, ...]:
        """See the function of this name."""
        if not self.slips:
            return ()
        _, sizes = self.free()
        large = [value for value in sizes.values() if value > 1]
        if len(set(large)) == len(large):
            return ()
        found: dict[Any, Slip] = {}
        for slip in filter(lambda slip: slip.any_size, self.slips):
            at = slip.step, slip.formula
            misfit = any(world.fits(*at) is False for world in self.resized(""))
            if misfit and here.fits(*at) and here.same(*at) is False:
                found.setdefault(slip.key, slip)
        return tuple(self._spot(here, slip, by_size=True) for slip in found.values())

    def spots(self, here: World, numbers: Sequence[Slip], sizes: Sequence[Slip]) -> tuple[BlindSpot, ...]:
        """What is to be said about slips that nobody sees, in the order of the steps."""
        hidden = {**dict.fromkeys(numbers, False), **dict.fromkeys(sizes, True)}
        return tuple(self._spot(here, slip, by_size=hidden[slip]) for slip in self.slips if slip in hidden)

    def _spot(self, here: World, slip: Slip, *, by_size: bool) -> BlindSpot:
        return BlindSpot(
            gradient="d" + slip.step.target,
            mistake=slip.mistake.id,
            name=slip.mistake.named(slip.wrong),
            formula=slip.formula,
            about=slip.wrong.about,
            cause=self._size_cause(slip) if by_size else self.cause(here, slip),
            by_size=by_size,
        )

    def cause(self, here: World, slip: Slip) -> str | None:
        """The fact about the numbers of `here` that hides a slip; None if none was found."""
        return found_cause(self.derivation, here, slip.step, slip.formula)

    def _size_cause(self, slip: Slip) -> str | None:
        """The size that hides it: with another number for it, the mistake shows."""
        shapes, sizes = self.free()
        for size, value in sizes.items():
            if self.shows_resized(slip, size):
                owner = next(name for name in self.derivation.quantities if size in shapes.get(name, ()))
                return _size_fact(size, value, sizes, owner)
        return None


def _inspectable(derivation: Derivation) -> bool:
    exercise = derivation.exercise
    known = list(exercise.values.values())
    return bool(known) and not exercise.sizes and sum(len(array.entries) for array in known) <= ENTRIES


def _size_fact(size: str, value: int, sizes: Mapping[str, int], owner: str) -> str:
    """`k = 1`, or `k = n` for the sizes that are the same number; `owner` is a name with that size."""
    if value == 1:
        return f"{size} = 1" if size in {"n", "k"} else f"a side of {owner} is 1"
    same = [other for other, number in sizes.items() if number == value]
    return " = ".join(same) if len(same) > 1 else f"{size} = {value}"
