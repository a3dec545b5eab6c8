"""Functions by cases and indicators, entry by entry."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError, Redraw
from symbackprop.algebra.values.evaluate import Scope
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.checking.values import HandEvaluator

SIGNS = {">": (1,), "<": (-1,), "≥": (1, 0), "≤": (-1, 0), "=": (0,), "≠": (1, -1)}
"""Relations, by the signs of left minus right for which they hold."""


def holds(self: HandEvaluator, node: Node, scope: Scope[Any]) -> Array[bool]:
    """Where a condition holds, entry by entry."""
    if isinstance(node, tree.Word):
        return Array((), (True,))
    if not isinstance(node, tree.Chain):
        raise EvaluationError(node, "this is no condition")
    result: Array[bool] | None = None
    for left, relation, right in zip(node.members, node.relations, node.members[1:], strict=False):
        if relation not in SIGNS:
            raise EvaluationError(node, f"{relation} is no comparison")
        a, b = self.value(left, scope), self.value(right, scope)
        shape, first, second = self.paired(node, a, b)
        signs = [self.domain.sign(self.domain.sub(u, v)) for u, v in zip(first, second, strict=True)]
        found = Array(shape, tuple(sign in SIGNS[relation] for sign in signs))
        if result is not None:
            shape, one, two = self.paired(node, result, found)
            found = Array(shape, tuple(u and v for u, v in zip(one, two, strict=True)))
        result = found
    assert result is not None
    return result


def indicator(self: HandEvaluator, node: hand.Indicator, scope: Scope[Any]) -> Array[Any]:
    """1 where the condition holds, else 0, entry by entry."""
    return holds(self, node.condition, scope).map(lambda yes: self.domain.one if yes else self.domain.zero)


def cases(self: HandEvaluator, node: tree.Cases, scope: Scope[Any]) -> Array[Any]:
    """Entry by entry the first branch whose condition holds."""
    branches = [(self.value(value, scope), holds(self, when, scope)) for value, when in node.branches]
    shapes = [array.shape for pair in branches for array in pair]
    shape = max(shapes, key=prod)
    size = prod(shape)
    if any(prod(one) not in (1, size) for one in shapes):
        raise EvaluationError(node, "the cases have different shapes")
    entries = []
    for at in range(size):
        for value, true in branches:
            if true.entries[at % len(true.entries)]:
                entries.append(value.entries[at % len(value.entries)])
                break
        else:
            raise Redraw("no case holds here")
    return Array(shape, tuple(entries))
