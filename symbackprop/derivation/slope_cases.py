"""A function by cases, or its derivative, as one formula: `{ z if z ≥ 0; 0 otherwise`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symbackprop.algebra.slopes import Branch, Kink
from symbackprop.notation import tree
from symbackprop.notation.tree import Node


def cases(branches: tuple[Branch, ...], argument: Node, kinks: Sequence[Kink] = ()) -> Node:
    """One formula, or cases `if z ≥ 0`, `if z < 0`; at a kink with the value taken there."""
    table = {"u": argument}
    if len(branches) == 1:
        return tree.replace_names(branches[0].value, table)
    rows: list[tuple[Node, Node]] = []
    above: Node | None = None
    taken = {kink.at: kink for kink in kinks}
    for branch in branches:
        closed = above is not None and _at_left(taken.get(above))  # the bound above belongs to this branch
        low = taken.get(branch.bound) if branch.bound is not None else None
        condition = holds_for(argument, branch.bound, above)
        if closed and isinstance(condition, tree.Chain) and condition.relations[-1] == "<":
            condition = replace(condition, relations=(*condition.relations[:-1], "≤"))
        if low is not None and low.taken != low.right and isinstance(condition, tree.Chain):
            first: tree.Relation = ">" if condition.relations[0] == "≥" else "<"
            condition = replace(condition, relations=(first, *condition.relations[1:]))
        rows.append((tree.replace_names(branch.value, table), condition))
        if low is not None and low.taken not in (low.left, low.right):
            rows.append((low.taken, tree.equation(argument, low.at)))
        above = branch.bound
    return tree.Cases(tuple(rows))


def _at_left(kink: Kink | None) -> bool:
    """Whether the value at a kink is that of the branch to its left."""
    return kink is not None and kink.taken == kink.left and kink.taken != kink.right


def holds_for(argument: Node, bound: Node | None, above: Node | None) -> Node:
    """Where a piece holds: from `bound` upwards, and below the bound of the piece `above` it."""
    if bound is not None and above is None:
        return tree.Chain((argument, bound), ("≥",), (None,))
    if bound is None and above is not None:
        return tree.Chain((argument, above), ("<",), (None,))
    if bound is not None and above is not None:
        return tree.Chain((bound, argument, above), ("≤", "<"), (None, None))
    return tree.Word("otherwise")
