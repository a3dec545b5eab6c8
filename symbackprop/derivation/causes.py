"""What about an example's numbers hides a mistake: found by changing one thing at a time.

A fact (`g'(z) = 1`, `x[2] = 0`, `z = yhat`) is the cause if the mistake shows as soon as that
fact alone no longer holds, everything else staying as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from symbackprop.algebra.functions import OPERATIONS
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.vanish import vanishes
from symbackprop.derivation.steps import Derivation, Step
from symbackprop.derivation.worlds import Numbers, World
from symbackprop.notation import tree
from symbackprop.notation.tree import Node
from symbackprop.notation.write import to_plain

_STAND_IN = "call~"
_HIDING = frozenset({"0", "1", "-1"})


@dataclass(frozen=True, slots=True)
class _Changed:
    """A fact, with the values and the two formulas in which it no longer holds."""

    fact: str
    values: Numbers
    right: Node
    wrong: Node


def cause(derivation: Derivation, here: World, step: Step, wrong: Node) -> str | None:
    """The fact about the numbers of `here` that hides `wrong` in place of the step's formula, or None."""
    working = here.working
    shape = here.values["d" + step.target].shape
    for changed in _facts(derivation, here, step.formula, wrong):
        try:
            value = working.evaluate(changed.right, changed.values, like=shape)
        except (ArithmeticError, ValueError):
            continue
        if World(working, changed.values).equal(value, changed.wrong) is False:
            return changed.fact
    special = _alike(here.values["d" + step.target])
    return f"d{step.target} = {special}" if special is not None else None


def _facts(derivation: Derivation, here: World, right: Node, wrong: Node) -> Iterator[_Changed]:
    """The facts to try, those that say most first."""
    calls = list(dict.fromkeys((*_calls(right), *_calls(wrong))))
    used = dict.fromkeys((*_quantities(right), *_quantities(wrong)))
    names = [name for name in used if name in here.values]
    plain = [call for call in calls if not call.primes]
    yield from _of_calls(derivation, here, right, wrong, plain)
    yield from _of_slopes_before(derivation, here, right, wrong, names)
    yield from (_Changed(fact, values, right, wrong) for fact, values in _coincidences(here, names))
    for name in sorted(names, key=lambda name: _age(derivation, name)):
        for fact, values in _special_entries(here, name):
            yield _Changed(fact, values, right, wrong)
    yield from _of_calls(derivation, here, right, wrong, [call for call in calls if call.primes])


def _calls(formula: Node) -> Iterator[tree.Call]:
    for part in tree.walk(formula):
        if isinstance(part, tree.Call) and part.function not in OPERATIONS:
            yield part


def _quantities(formula: Node) -> Iterator[str]:
    """The keys of the values that a formula uses."""
    if isinstance(formula, tree.Gradient):
        if isinstance(formula.of, tree.Name):
            yield "d" + formula.of.name
    elif isinstance(formula, tree.Name):
        yield formula.name
    else:
        for child in tree.children(formula):
            yield from _quantities(child)


def _age(derivation: Derivation, name: str) -> int:
    """Given names first, then computed ones, then gradients."""
    exercise = derivation.exercise
    return 0 if name in exercise.given else 1 if name in exercise.computed else 2


def _of_calls(
    derivation: Derivation, here: World, right: Node, wrong: Node, calls: Sequence[tree.Call]
) -> Iterator[_Changed]:
    """`g'(z) = 1`: the call becomes a name of its own, whose value is then another."""
    for call in calls:
        moved = _moved_call(derivation, here, call)
        if moved is not None:
            fact, value = moved
            values = {**here.values, _STAND_IN: value}
            yield _Changed(fact, values, _replaced(right, call), _replaced(wrong, call))


def _of_slopes_before(
    derivation: Derivation, here: World, right: Node, wrong: Node, names: Sequence[str]
) -> Iterator[_Changed]:
    """`dz = dŷ` because g'(z) = 1: the slope that made a gradient is changed, and the gradient with it."""
    for name in names:
        steps = [one for one in derivation.backward if "d" + one.target == name]
        for call in (call for one in steps for call in _calls(one.formula) if call.primes):
            moved = _moved_call(derivation, here, call)
            if moved is not None:
                formula, values = _replaced(steps[0].formula, call), {**here.values, _STAND_IN: moved[1]}
                gradient = here.working.evaluate(formula, values, like=here.values[name].shape)
                yield _Changed(moved[0], {**here.values, name: gradient}, right, wrong)


def _moved_call(derivation: Derivation, here: World, call: tree.Call) -> tuple[str, Array[Any]] | None:
    """What hides in the value of a call, and another value for it."""
    try:
        value = here.working.evaluate(call, here.values)
    except (ArithmeticError, ValueError):
        return None
    special = _alike(value)
    if special is None:
        return None
    computed = (one.name for one in derivation.exercise.equations if tree.undressed(one.body) == call)
    return f"{next(computed, to_plain(call))} = {special}", _moved(here, value, range(len(value.entries)))


def _replaced(node: Node, call: tree.Call) -> Node:
    return tree.Name(_STAND_IN) if node == call else tree.rebuild(node, lambda child: _replaced(child, call))


def _alike(value: Array[Any]) -> str | None:
    """The number that all entries are."""
    shown = {str(entry) if isinstance(entry, Fraction) else "" for entry in value.entries}
    return shown.pop() or None if len(shown) == 1 else None


def _special_entries(here: World, name: str) -> Iterator[tuple[str, Mapping[str, Array[Any]]]]:
    """All entries alike; then each entry that is 0, 1 or -1."""
    value = here.values[name]
    alike = _alike(value)
    everywhere = range(len(value.entries))
    if alike in _HIDING:
        yield f"{name} = {alike}", {**here.values, name: _moved(here, value, everywhere)}
    elif alike is not None and len(value.entries) > 1:
        yield f"all entries of {name} are {alike}", {**here.values, name: _moved(here, value, everywhere[:1])}
    for at, (entry, place) in enumerate(zip(value.entries, value.places(), strict=True)):
        if len(value.entries) > 1 and isinstance(entry, Fraction) and str(entry) in _HIDING:
            where = ",".join(map(str, place))
            yield f"{name}[{where}] = {entry}", {**here.values, name: _moved(here, value, (at,))}


def _moved(here: World, value: Array[Any], which: Sequence[int]) -> Array[Any]:
    """Other numbers for some entries, with nothing special about them."""
    entries = list(value.entries)
    for at in which:
        entries[at] = here.working.domain.add(entries[at], Fraction(37 + 11 * at, 13))
    return replace(value, entries=tuple(entries))


def _coincidences(here: World, names: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Array[Any]]]]:
    """Two quantities with the same numbers, and matrices that are their own transposes."""
    sub = here.working.domain.sub
    for at, first in enumerate(names):
        a = here.values[first]
        for second in names[:at]:
            b = here.values[second]
            if a.shape == b.shape and all(map(vanishes, map(sub, a.entries, b.entries))):
                moved = _moved(here, a, range(len(a.entries)))
                yield f"{second} = {first}", {**here.values, first: moved}
        if len(a.shape) == 2 and a.shape[0] == a.shape[1] > 1 and a.transposed() == a:
            yield f"{first} is symmetric", {**here.values, first: _moved(here, a, (1,))}
