"""Lines of differentials, `dL = (ŷ − y)ᵀ dŷ`, `dz = dW x + W dx + db`: d stands for a small change there.

What a line calls dŷ moves along a random direction, what is computed from it follows by dual numbers, and
both sides are compared as changes. Such a line is only told from one of gradients by the text, which says
that it uses differentials or has a line for dL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.algebra.values.dual import Duals
from symbackprop.checking.compare import look
from symbackprop.checking.desk import Desk
from symbackprop.checking.member import Member
from symbackprop.checking.worlds import World
from symbackprop.derivation.points import draw
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

POINTS = 4
"""Random points at which changes are compared."""


def changing(members: Iterable[Node]) -> list[str]:
    """The names whose changes stand in formulas."""
    found = [
        core.name for member in members for part in tree.walk(member) if isinstance(part, tree.Gradient)
        if isinstance(core := part.of.base if isinstance(part.of, tree.Index) else part.of, tree.Name)
    ]  # fmt: skip
    return list(dict.fromkeys(found))


def goes_backwards(desk: Desk, members: Sequence[Node]) -> bool:
    """Whether d of a name is written by d of what comes before it in the model: no gradient goes that way."""
    left = changing(members[:1])
    if len(left) != 1:
        return False
    world = desk.worlds.own[0]
    return any(left[0] in dict(world.after(name)) for name in changing(members[1:]))


def hold(desk: Desk, members: Sequence[Member]) -> bool:
    """Whether a chain of members holds for changes."""
    seeds = changing([one.node for one in members[1:]])
    try:
        worlds = [_moving(world, seeds) for world in desk.worlds.own[:POINTS]]
    except (ArithmeticError, EvaluationError, KeyError):
        return False
    pairs = pairwise(members)
    return bool(seeds) and all(
        look(a.variants[0], b.variants[0], worlds, desk.reader).equal for a, b in pairs
    )


def _moving(world: World, seeds: Sequence[str]) -> World:
    """The world in which `dz` is how z changes when the seeds do."""
    duals: Duals[Any] = Duals(world.domain)
    over = world.working.over(duals)
    known = {name: duals.lift_array(value) for name, value in world.values.items()}
    for name in seeds:
        value = world.value(name)
        known[name] = duals.seeded(value, draw(world.domain, value.shape, f"change/{name}"))
    for name, body in world.equations:
        if name not in seeds:
            made = over.evaluate(body, known)
            known[name] = made.reshaped(world.value(name).shape)
    changes = {name: array.map(lambda entry: entry.slope) for name, array in known.items()}
    return replace(world, changes=changes)
