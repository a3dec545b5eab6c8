"""The simple conditions under which a wrong claim would hold: b = 0, w = 1, all units active."""

from __future__ import annotations

from collections.abc import Sequence

from symbackprop.algebra.functions import TABLE
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.checking.budget import OverBudget
from symbackprop.checking.compare import look
from symbackprop.checking.desk import Desk
from symbackprop.checking.resolve import Resolved
from symbackprop.checking.worlds import World
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Shape


def condition(desk: Desk, a: Resolved, b: Resolved) -> Node | None:
    """A simple condition under which the claim holds: a given name is 0 or 1, all units are on or off.

    None where looking for it takes more than half of what is left to spend: the claim is wrong all the same.
    """
    left = desk.budget.left
    desk.budget.renew(left // 2)
    try:
        return _condition(desk, a, b)
    except OverBudget:
        return None
    finally:
        desk.budget.renew(left - left // 2 + max(0, desk.budget.left))


def _condition(desk: Desk, a: Resolved, b: Resolved) -> Node | None:
    return _sign_condition(desk, a, b) or _value_condition(desk, a, b)


def _value_condition(desk: Desk, a: Resolved, b: Resolved) -> Node | None:
    """A number or a vector that is 0 or 1 throughout: of a matrix nobody would ask that."""
    names = [
        name for name in desk.exercise.given
        if not _is_matrix(desk.exercise.shapes[name]) and _speaks_of(name, a, b, desk)
    ]  # fmt: skip
    for number in (0, 1):
        for name in names:
            try:
                first = [_set(desk.worlds.own[0], name, number)]
                if not look(a, b, first, desk.reader).equal:
                    continue
                worlds = [_set(world, name, number) for world in desk.worlds.own]
            except (ArithmeticError, EvaluationError):
                continue
            if look(a, b, worlds, desk.reader).equal and not _vanish(desk, a, b, worlds):
                return tree.equation(tree.Name(name), tree.number(number))
    return None


def _is_matrix(shape: Shape) -> bool:
    return len([size for size in shape if size != 1]) > 1


def _vanish(desk: Desk, a: Resolved, b: Resolved, worlds: Sequence[World]) -> bool:
    """Whether both sides are 0 there: then the condition explains nothing."""
    nothing = Resolved(tree.number(0))
    return all(look(one, nothing, worlds, desk.reader).equal for one in (a, b))


def _sign_condition(desk: Desk, a: Resolved, b: Resolved) -> Node | None:
    pieces = [name for name, call in desk.context.activations.items() if not _smooth(desk, call)]
    if len(pieces) != 1:
        return None
    (name,) = pieces
    for relation, wanted in ((">", 1), ("<", -1)):
        worlds = [
            world for world in desk.worlds.own
            if all(world.domain.sign(entry) == wanted for entry in world.value(name).entries)
        ]  # fmt: skip
        if worlds and look(a, b, worlds, desk.reader).equal and not _vanish(desk, a, b, worlds):
            return tree.Chain((tree.Name(name), tree.number(0)), (relation,), (None,))  # type: ignore[arg-type]
    return None


def _set(world: World, name: str, number: int) -> World:
    """The world in which every entry of a given name is 0, or 1."""
    key = ("set", name, number)
    if key not in world.kept:  # other lines, and other links of this one, ask the same
        entry = world.domain.one if number else world.domain.zero
        world.kept[key] = world.force({name: world.value(name).map(lambda _: entry)})
    forced: World = world.kept[key]
    return forced


def _smooth(desk: Desk, call: tree.Call) -> bool:
    row = desk.exercise.functions.get(call.function) or TABLE.get(call.function)
    return row is None or row.smooth


def _speaks_of(name: str, a: Resolved, b: Resolved, desk: Desk) -> bool:
    """Whether a condition on a given name can matter: what the two sides are made of uses it, or it stands
    beside what a gradient is by, as h0 does in `U h0`."""
    parts = [part for member in (a, b) for part in tree.walk(member.node)]
    shown = {part.name for part in parts if isinstance(part, tree.Name)}
    if name in shown:
        return True
    gradients = (part.by if isinstance(part, tree.Derivative) else part.of for part in parts
                 if isinstance(part, tree.Derivative | tree.Gradient))  # fmt: skip
    by = {one for part in gradients for one in tree.names_in(part) if one in desk.exercise.given}
    used = ((one.name, set(tree.names_in(one.body))) for one in desk.exercise.equations)
    return any(name in names and (made in shown or by & names) for made, names in used)
