"""The nearest better numbers for an example that hides typical mistakes, and the warning about them.

One entry is changed at a time, by a small integer, to what hides least. The search is the same
every time: it is bounded by a number of trials, not by a clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symbackprop.algebra.functions import Function
from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.vanish import vanishes
from symbackprop.derivation.blind import BlindSpot, Inspection, Slip
from symbackprop.derivation.steps import Derivation
from symbackprop.derivation.worlds import Numbers, World, terms, world_of
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree

Values = Mapping[str, Array[Fraction]]

DELTAS = (1, 2, 3, 4, 5, 6)
CHANGES = 4  # entries
WORK = 40_000  # formulas, entries and terms of sums looked at; a thousand take a few milliseconds
LEAST = 4  # changes that are tried even where one costs more than that


def better_numbers(derivation: Derivation) -> dict[str, Array[Fraction]] | None:
    """The given values that are to be others so that fewer mistakes go unseen; None if none were found.

    As few entries as possible are changed, each by a small integer; sizes, labels (targets of
    0, 1 and −1) and values that a declared fact speaks of stay. No pre-activation comes to lie
    on a kink, and no gradient becomes 0 altogether.
    """
    inspection = Inspection.of(derivation)
    _, numbers, _ = inspection.mistakes(inspection.example())
    found = _search(inspection, numbers)
    return None if found is None else found.changed(derivation.exercise)


@dataclass(frozen=True, slots=True)
class _Found:
    """Values with what they leave unseen."""

    values: Values
    world: World
    slips: tuple[Slip, ...]

    @property
    def unseen(self) -> int:
        """How many mistakes go unseen."""
        return len(self.slips)

    def changed(self, exercise: Exercise) -> dict[str, Array[Fraction]]:
        """The arrays that are not the exercise's own."""
        return {name: array for name, array in self.values.items() if array != exercise.values[name]}


def _search(inspection: Inspection, numbers: Sequence[Slip]) -> _Found | None:
    """Change by change, until nothing more can be gained."""
    if not numbers:
        return None
    tried = _Trials.of(inspection, numbers)
    start = best = _Found(inspection.derivation.exercise.values, inspection.example(), tuple(numbers))
    for _ in range(CHANGES):
        better = tried.best(best)
        if better is None:
            break
        best = better
        if best.unseen <= tried.least:
            break
    return None if best is start else best


@dataclass(slots=True)
class _Trials:
    """What stays the same in a search. `least` is what no numbers can do better than."""

    inspection: Inspection
    slips: tuple[Slip, ...]
    fixed: frozenset[str]
    symbols: Numbers
    working: Evaluator[Any]
    least: int
    left: int

    @classmethod
    def of(cls, inspection: Inspection, numbers: Sequence[Slip]) -> _Trials:
        """`slips` leaves out what only other sizes could show."""
        here = inspection.example()
        unseen = set(numbers)
        slips = tuple(s for s in inspection.slips if s in unseen or here.same(s.step, s.formula) is False)
        least = min((len(_unseen(world, slips)) for world in inspection.random()), default=0)
        entries = sum(len(array.entries) for array in here.values.values())
        trials = max(LEAST, WORK // (len(slips) + 4 * entries + terms(inspection.derivation.steps)))
        exercise = inspection.derivation.exercise
        symbols = {name: here.values[name] for name in exercise.given if name in here.values}
        return cls(inspection, slips, _fixed(exercise), symbols, here.working, least, trials)

    def best(self, now: _Found) -> _Found | None:
        """The best change of one entry; the nicest among equals, and the first that leaves the least."""
        best: _Found | None = None
        for values in _changes(now.values, self.fixed):
            if self.left <= 0:
                break
            self.left -= 1
            limit = now.unseen if best is None else best.unseen
            world = self.world(values)
            # what was unseen before is looked at first: most changes already fail there
            if world is None or len(_unseen(world, now.slips)) >= limit:
                continue
            unseen = _unseen(world, self.slips)
            if len(unseen) < limit:
                best = _Found(values, world, tuple(unseen))
                if best.unseen <= self.least:
                    break
        return best

    def world(self, values: Values) -> World | None:
        """The derivation with other values, unless they are none for an example."""
        derivation = self.inspection.derivation
        given: Numbers = {**self.symbols, **values}
        try:
            world = world_of(self.inspection.model, derivation.steps, given, self.working)
            return world if _presentable(self.inspection, world) else None
        except (ArithmeticError, EvaluationError):
            return None


def _unseen(world: World, slips: Sequence[Slip]) -> list[Slip]:
    found: dict[Any, Slip] = {}
    for slip in slips:
        if slip.key not in found and world.same(slip.step, slip.formula):
            found[slip.key] = slip
    return list(found.values())


def _fixed(exercise: Exercise) -> frozenset[str]:
    """The given names that are not to be changed: labels, and what facts speak of."""
    loss = exercise.equations[-1].body
    inner = {name for one in exercise.equations[:-1] for name in tree.names_in(one.body)}
    labels = {
        name
        for name in tree.names_in(loss)
        if name in exercise.values and name not in inner and set(exercise.values[name].entries) <= {0, 1, -1}
    }
    facts = {name for fact in exercise.facts for name in tree.names_in(fact.chain)}
    return frozenset(labels | facts)


# --- candidates -----------------------------------------------------------------------------


def _changes(values: Values, fixed: frozenset[str]) -> Iterator[Values]:
    """All changes of one entry, those that make the nicest numbers first, small steps before large ones."""
    made: list[tuple[int, int, int, int, str, int, int]] = []
    for order, (name, array) in enumerate(values.items()):
        if name in fixed:
            continue
        sizes = Counter(map(abs, array.entries))
        for at, entry in enumerate(array.entries):
            for size in DELTAS:
                for delta in (size, -size):
                    made.append((_gain(sizes, entry, entry + delta), size, order, at, name, at, delta))
    for *_, name, at, delta in sorted(made):
        yield {**values, name: _with(values[name], at, values[name].entries[at] + delta)}


def _with(array: Array[Fraction], at: int, value: Fraction) -> Array[Fraction]:
    return Array(array.shape, (*array.entries[:at], value, *array.entries[at + 1 :]))


def _gain(sizes: Counter[Fraction], old: Fraction, new: Fraction) -> int:
    """How many more entries are 0 or ±1, or equal to another up to the sign, with one of them changed."""
    before, after = abs(old), abs(new)
    alone = sizes[before] == 1
    found = sizes[after] - (before == after) > 0
    return _is_plain(after) - _is_plain(before) + found - (not alone)


def _is_plain(size: Fraction) -> bool:
    return size <= 1 and size.denominator == 1


def _presentable(inspection: Inspection, world: World) -> bool:
    """No argument on a kink, and something comes back to every wanted name."""
    model = inspection.model
    for equation in model.exercise.equations:
        for call in model.calls(equation.body):
            row = model.row(call.function)
            if row is not None and not row.smooth and _on_kink(inspection, world, row, call):
                return False
    gradients = [world.values.get("d" + name) for name in model.exercise.wanted]
    return all(not all(map(vanishes, array.entries)) for array in gradients if array is not None)


def _on_kink(inspection: Inspection, world: World, row: Function, call: tree.Call) -> bool:
    working = world.working
    own = frozenset(inspection.model.exercise.functions)
    options = {name: formula(text, own) for name, text in row.options} | dict(call.options)
    named = {name: working.evaluate(value, world.values) for name, value in options.items()}
    arguments = working.evaluate(call.args[0], world.values).entries
    for piece in row.pieces:
        if piece.bound is not None:
            bound = working.evaluate(formula(piece.bound, own), named).item
            if any(vanishes(working.domain.sub(entry, bound)) for entry in arguments):
                return True
    return False


# --- in words ----------------------------------------------------------------------------------


def warning_lines(derivation: Derivation) -> list[str]:
    """The warning for the terminal, line by line, in English; empty if the numbers hide nothing."""
    inspection = Inspection.of(derivation)
    here = inspection.example()
    total, numbers, sizes = inspection.mistakes(here)
    hidden = len(numbers) + len(sizes)
    if not hidden:
        return list(_shape_lines(inspection, here))
    spots = inspection.spots(here, numbers, sizes)
    lines = [f"With these numbers {hidden} of {total} typical mistakes go unseen: the result is right."]
    lines += _by_cause([spot for spot in spots if not spot.by_size])
    lines += _advice(inspection, _search(inspection, numbers), len(numbers))
    if sizes:
        lines.append("Hidden by the sizes, whatever the numbers:")
        lines += _by_cause([spot for spot in spots if spot.by_size])
    return [*lines, *_shape_lines(inspection, here)]


def _shape_lines(inspection: Inspection, here: World) -> Iterator[str]:
    spots = inspection.hidden_shapes(here)
    if spots:
        yield "Seen in the numbers only, because the shapes fit by accident:"
        yield from _by_cause(spots)


def _by_cause(spots: Sequence[BlindSpot]) -> Iterator[str]:
    """`  relu'(z) = 1 hides: dz: relu'(z) forgotten; db, dW: …`, what hides them going first."""
    causes: dict[str, dict[str, list[str]]] = {}
    for spot in spots:
        causes.setdefault(spot.cause or "an accident", {}).setdefault(spot.name, []).append(spot.gradient)
    for cause, names in causes.items():
        groups: dict[str, list[str]] = {}
        for name, gradients in names.items():
            groups.setdefault(", ".join(dict.fromkeys(gradients)), []).append(name)
        parts = (f"{gradients}: {', '.join(made)}" for gradients, made in groups.items())
        yield f"  {cause} hides: {'; '.join(parts)}"


def _advice(inspection: Inspection, found: _Found | None, before: int) -> Iterator[str]:
    if found is None:
        if before:
            yield "No better numbers were found near these."
        return
    exercise = inspection.derivation.exercise
    changed = (
        f"{name} = {_shown(array)} instead of {_shown(exercise.values[name])}"
        for name, array in found.changed(exercise).items()
    )
    rest = "they hide none of these"
    if found.unseen:
        why = dict.fromkeys(inspection.cause(found.world, slip) or "an accident" for slip in found.slips)
        rest = f"{found.unseen} of these {before} would still be hidden ({', '.join(why)})"
    yield f"Nearest better numbers: {', '.join(changed)}; {rest}."


def _shown(array: Array[Fraction]) -> str:
    """As in an exercise file: `[[4, 2, -5]]`."""
    return str(array.map(_Plain).nested())


class _Plain:
    """A number that shows itself as it would be written in an exercise file."""

    def __init__(self, value: Fraction) -> None:
        self.value = value

    def __repr__(self) -> str:
        if self.value.denominator == 1:
            return str(self.value)
        exact = Fraction(str(float(self.value))) == self.value
        return str(float(self.value)) if exact else f'"{self.value}"'
