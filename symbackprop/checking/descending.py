"""`W ← W − η dW`: a step of gradient descent goes down the gradient, by a rate that nobody need know."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

from symbackprop.algebra.values.arrays import Array, form
from symbackprop.algebra.values.domain import Domain, EvaluationError
from symbackprop.checking.compare import same
from symbackprop.checking.context import Context, Unclear
from symbackprop.checking.desk import Desk
from symbackprop.checking.resolve import Resolver
from symbackprop.checking.values import evaluator_in, scope_in
from symbackprop.checking.worlds import World
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

RATE = Fraction(7, 11)
"""What a learning rate without a value is."""

RATES = frozenset({"eta", "alpha", "lr", "learning_rate", "rate", "step", "epsilon", "gamma", "mu", "rho"})
"""Names of a learning rate, where they are names of nothing else."""

_SCALES = (Fraction(1), Fraction(1, 2), Fraction(2))

Way = Literal["down", "up", "any", "none"]
"""Down the gradient, up it; "any" where the gradient is 0; "none" is no multiple of it."""


def way(world: World, change: Array[Any], slope: Array[Any], rates: tuple[Fraction, ...]) -> Way:
    """Which way a change that is taken away goes; `rates` are the numbers that stand in it."""
    domain = world.domain
    if form(change.shape) != form(slope.shape):
        return "none"
    first = next((at for at, entry in enumerate(slope.entries) if not domain.is_zero(entry)), None)
    if first is None:
        return "any" if all(map(domain.is_zero, change.entries)) else "none"
    factor = domain.div(change.entries[first], slope.entries[first])
    pairs = zip(change.entries, slope.entries, strict=True)
    if not all(same(domain, entry, domain.mul(factor, other)) for entry, other in pairs):
        return "none"
    known = [rate * scale for rate in (RATE, Fraction(1), *rates) for scale in _SCALES if rate > 0]
    return "down" if _is_one_of(domain, factor, known) else "up"


def _is_one_of(domain: Domain[Any], factor: Any, known: list[Fraction]) -> bool:
    return any(same(domain, factor, domain.from_fraction(rate)) for rate in known)


def is_step(context: Context, first: Node, second: Node, relation: str) -> str | None:
    """The given name that a statement gives a new value: `W ← …`, or `W = W − η dW`."""
    if not isinstance(first, tree.Name):
        return None
    name = context.variable(first.name)
    if name is None or name not in context.exercise.given:
        return None
    used = {context.variable(one) for one in tree.names_in(second)}
    cites = any(isinstance(part, tree.Gradient | tree.Derivative) for part in tree.walk(second))
    return name if relation == "←" or (name in used and cites) else None


def goes_down(desk: Desk, name: str, second: Node) -> Way:
    """Which way the new value of a name lies. Raises Unclear where that cannot be told."""
    context = desk.context
    unknown = {
        one: tree.Number(RATE) for one in tree.names_in(second)
        if one in RATES and context.variable(one) is None and one not in context.callable
    }  # fmt: skip
    made = Resolver(context).resolved(tree.replace_names(second, dict(unknown)))
    rates = tuple(part.value for part in tree.walk(second) if isinstance(part, tree.Number))
    found: set[Way] = set()
    for world in desk.worlds.own:
        working = evaluator_in(world, desk.reader)
        try:
            new = working.value(made.node, scope_in(world, {}))
            old, slope = world.value(name), world.gradient(name)
        except (ArithmeticError, EvaluationError) as error:
            from symbackprop.checking.member import reason

            raise Unclear(reason("check.not_evaluated", message=str(error)), second.span) from None
        if form(new.shape) != form(old.shape):
            return "none"
        change = old.with_entries(map(world.domain.sub, old.entries, new.entries))
        found.add(way(world, change, slope, rates))
    found.discard("any")
    return "down" if found <= {"down"} else "up" if found <= {"up"} else "none"
