"""∂c/∂a of `c = a + b` alone, where b moves with a as well: what books of automatic differentiation write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.dual import Duals
from symbackprop.checking.resolve import Resolved
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.checking.desk import Desk
    from symbackprop.checking.worlds import World


def has_direct(desk: Desk, *members: Resolved) -> bool:
    """Whether a derivative stands there of a name by one that its equation uses, and uses through others too.

    Never of the loss: what stands beside ∂L/∂W is the gradient that the exercise is about.
    """
    return any(
        isinstance(part, tree.Derivative) and _is_direct(desk, part)
        for member in members for part in tree.walk(member.node)
    )  # fmt: skip


def _is_direct(desk: Desk, node: tree.Derivative) -> bool:
    of, by = (_core(one) for one in (node.of, node.by))
    if of is None or by is None or of == desk.exercise.loss:
        return False
    equation = desk.context.equations.get(of)
    used = set() if equation is None else set(tree.names_in(equation.body))
    if by not in used:
        return False
    after = {name for name, _ in desk.worlds.own[0].after(by)}
    return bool(after & (used - {by}))


def _core(node: Node) -> str | None:
    bare = tree.bare(node)
    bare = bare.base if isinstance(bare, tree.Index) else bare
    return bare.name if isinstance(bare, tree.Name) else None


def directly(world: World, of: str, by: str, direction: Array[Any]) -> dict[str, Array[Any]] | None:
    """How `of` moves with `by` when all else in its equation stands still; None for no such equation."""
    body = dict(world.equations).get(of)
    if body is None or of == world.exercise.loss or by not in tree.names_in(body):
        return None
    duals: Duals[Any] = Duals(world.domain)
    known = {
        name: duals.lift_array(world.value(name)) for name in tree.names_in(body) if name in world.values
    }
    moving = {by: duals.seeded(world.value(by), direction)}
    made = world.working.over(duals).evaluate(body, {**known, **moving})
    return {**moving, of: made}
