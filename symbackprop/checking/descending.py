"""`W ← W − η dW`: a step of gradient descent goes down the gradient, by a rate that nobody need know."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from symbackprop.algebra.values.arrays import Array, form
from symbackprop.algebra.values.domain import Domain, EvaluationError
from symbackprop.algebra.values.exact import bounds
from symbackprop.checking.compare import assignments, same, side
from symbackprop.checking.context import Unclear
from symbackprop.checking.desk import Desk
from symbackprop.checking.findings import Reason
from symbackprop.checking.numbers import tolerances
from symbackprop.checking.resolve import Resolver
from symbackprop.checking.stepping import Way, way_of_numbers
from symbackprop.checking.updating import Update, cites
from symbackprop.checking.values import evaluator_in
from symbackprop.checking.worlds import World
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

RATE = Fraction(7, 11)
"""What a learning rate without a value is."""

RATES = frozenset({"eta", "alpha", "lr", "learning_rate", "rate", "step", "epsilon", "gamma", "mu", "rho"})
"""Names of a learning rate, where they are names of nothing else."""

_SCALES = (Fraction(1), Fraction(1, 2), Fraction(2))


def way(world: World, change: Array[Any], slope: Array[Any], rates: tuple[Fraction, ...]) -> Way:
    """Which way a change that is taken away goes; `rates` are the numbers that stand in it."""
    domain = world.domain
    if form(change.shape) != form(slope.shape):
        return "none"
    first = next((at for at, entry in enumerate(slope.entries) if not domain.is_zero(entry)), None)
    if first is None:
        return "any" if all(map(domain.is_zero, change.entries)) else "none"
    factor = domain.div(change.entries[first], slope.entries[first])
    pairs = list(zip(change.entries, slope.entries, strict=True))
    if not all(same(domain, entry, domain.mul(factor, other)) for entry, other in pairs):
        return "none"
    known = [rate * scale for rate in (RATE, Fraction(1), *rates) for scale in _SCALES if rate > 0]
    return "down" if _is_one_of(domain, factor, known) else "up"


def _is_one_of(domain: Domain[Any], factor: Any, known: list[Fraction]) -> bool:
    return any(same(domain, factor, domain.from_fraction(rate)) for rate in known)


def goes_down(desk: Desk, update: Update) -> tuple[Way, bool]:
    """Which way a new value lies from the old one, and whether it does so only by the person's own wrong
    gradient. Raises Unclear where that cannot be told."""
    body = update.members[0]
    numeric = not cites(body)  # numbers, perhaps beside the old value: 7 − 0.1 · (−4), b + 0.4
    found = _way_in(desk, update, (desk.example,) if numeric else desk.worlds.own)
    if found == "none" and not numeric:
        weighed = desk.weighed  # 0.95 W − 0.5 dz xᵀ, where λ is 0.1
        found = _way_in(desk, update, weighed) if weighed else found
    same_rate = () if desk.rate is None else (desk.rate,)
    again = numeric and same_rate and _way_in(desk, update, (desk.example,), same_rate) != "down"
    if found == "down" and not again and not (numeric and _cites_wrong(desk, update)):
        _keep_rate(desk, body)
        return found, False
    carried = (desk.carried,) if numeric else desk.carried_points()
    worlds = [world for world in carried if world is not None]
    wanted = same_rate if found == "down" else ()
    if worlds and _way_in(desk, update, worlds, wanted) == "down":
        return "down", True
    return found, False


def goes_by(desk: Desk, update: Update, rates: tuple[Fraction, ...]) -> bool:
    """Whether numbers go down the gradient by one of these rates. Raises Unclear."""
    return _way_in(desk, update, (desk.example,), rates) == "down"


def rates_so_far(desk: Desk) -> tuple[Fraction, ...]:
    """The rates that the text has given a number, or by which its steps have gone."""
    stated = _stated_rates(desk) + (() if desk.rate is None else (desk.rate,))
    if stated:
        return stated
    plan = desk.exercise.descent
    found = [] if plan is None or not desk.stepped else [plan.rate]
    for name, new in desk.stepped.items():
        try:
            slope, old = desk.example.gradient(name), desk.example.value(name)
        except (ArithmeticError, EvaluationError):
            continue
        for before, after, steep in zip(old.entries, new.entries, slope.entries, strict=True):
            middle = sum(bounds(steep), Fraction(0)) / 2
            if middle and before != after:
                found.append(Fraction(f"{float((before - after) / middle):.2g}"))
    return tuple(found)


def _cites_wrong(desk: Desk, update: Update) -> bool:
    """Whether a number of the person's own wrong gradient stands in a step: `w_2 ← 1.5 − 0.1 · 4.5`."""
    core = update.old.base if isinstance(update.old, tree.Index) else update.old
    name = desk.context.variable(core.name) if isinstance(core, tree.Name) else None
    wrong = desk.wrong_numbers.get(f"d{name}")
    if name is None or wrong is None:
        return False
    try:
        right = desk.written.get(f"d{name}") or desk.example.gradient(name)
    except (ArithmeticError, EvaluationError):
        return False
    if len(right.entries) != len(wrong.entries):
        return False
    pairs = zip(wrong.entries, right.entries, strict=True)
    own = {abs(mine) for mine, true in pairs if isinstance(mine, Fraction) and mine != true}
    body = update.members[0]
    return any(isinstance(part, tree.Number) and part.value in own for part in tree.walk(body))


def _keep_rate(desk: Desk, body: Node) -> None:
    """Of `w − 0.1 dL/dw` the rate, by which the text goes on."""
    rates = {part.value for part in tree.walk(body) if isinstance(part, tree.Number) and "." in part.text}
    if cites(body) and len(rates) == 1 and not _stated_rates(desk):
        (desk.rate,) = rates


def _way_in(desk: Desk, update: Update, worlds: Sequence[World], rate: tuple[Fraction, ...] = ()) -> Way:
    body = update.members[0]
    rates = {part.value for part in tree.walk(body) if isinstance(part, tree.Number)}
    rates |= set(_known_rates(desk, body).values())
    old = Resolver(desk.context).resolved(update.old)
    new = Resolver(desk.context).resolved(_with_rates(desk, body))
    slope = Resolver(desk.context).resolved(tree.Gradient(update.old))
    numeric = not cites(body)
    wanted = (rate or _stated_rates(desk)) if numeric else ()
    found: set[Way] = set()
    for world in worlds:
        working = evaluator_in(world, desk.reader)
        try:
            for indices in assignments(working, old, new):
                before, after, gradient = (side(working, one, indices).array for one in (old, new, slope))
                if numeric:
                    off = tolerances(new.node, approximate=True) or (Fraction(0),) * len(after.entries)
                    found.add(way_of_numbers(world.domain, before, after, gradient, off, wanted))
                else:
                    found.add(_way_of(world, before, after, gradient, tuple(rates)))
        except (ArithmeticError, EvaluationError) as error:
            why = Reason(key="check.not_evaluated", parts={"message": str(error)})
            raise Unclear(why, body.span) from None
    found.discard("any")
    for one in ("down", "up", "off"):
        if found <= {one}:
            return one
    return "none"


def _stated_rates(desk: Desk) -> tuple[Fraction, ...]:
    """The rates that the text has given a number."""
    meanings = {name: tree.bare(meaning) for name, meaning in desk.context.meanings.items() if name in RATES}
    return tuple(one.value for one in meanings.values() if isinstance(one, tree.Number))


def _way_of(
    world: World, old: Array[Any], new: Array[Any], slope: Array[Any], rates: tuple[Fraction, ...]
) -> Way:
    if form(new.shape) != form(old.shape) and len(new.entries) != len(old.entries):
        return "none"
    change = old.with_entries(map(world.domain.sub, old.entries, new.entries))
    return way(world, change, slope.reshaped(old.shape), rates)


def _with_rates(desk: Desk, body: Node) -> Node:
    """The formula with a number for a rate that nobody has given."""
    context = desk.context
    unknown = {
        one: tree.Number(RATE) for one in tree.names_in(body)
        if one in RATES and context.variable(one) is None and one not in context.callable
    }  # fmt: skip
    return tree.replace_names(body, dict(unknown))


def _known_rates(desk: Desk, body: Node) -> dict[str, Fraction]:
    """The rates in a formula that the text has given a number."""
    found = {}
    for name in tree.names_in(body):
        meaning = tree.bare(desk.context.meanings.get(name, tree.Dots()))
        if isinstance(meaning, tree.Number):
            found[name] = meaning.value
    return found


def rate_between(desk: Desk, update: Update) -> tuple[str, Node] | None:
    """The rate that nobody has given, and the number for it that the numbers behind the formula say.

    In `b ← b − η db = 7 − 0.1 · (−4)`, η is 0.1.
    """
    body = update.members[0]
    names = [one for one in tree.names_in(body) if one in RATES and desk.context.variable(one) is None]
    numbers = [part.value for member in update.members[1:2] for part in tree.walk(member)
               if isinstance(part, tree.Number) and part.value > 0]  # fmt: skip
    plan = desk.exercise.descent
    if len(names) != 1:
        return None
    for rate in (*(() if plan is None else (plan.rate,)), *numbers):
        if rate < 1 or (plan is not None and rate == plan.rate):
            return names[0], tree.Number(rate, str(rate))
    return None
