"""Formulas looked at where something has a value: `σ'(z)|_{z=0}`, `∂L/∂z |_{z=1}`."""

from __future__ import annotations

from symbackprop.checking.claims import Claims
from symbackprop.checking.context import Unclear
from symbackprop.checking.desk import Desk
from symbackprop.checking.member import reason
from symbackprop.notation import tree
from symbackprop.notation.tree import Node


def at_points(desk: Desk, node: Node, points: tuple[Node, ...]) -> Node:
    """A statement with the values that stand below its bars. Raises Unclear.

    Without derivatives the values are put in. Else they must be those that the names have anyway.
    """
    slopes = any(isinstance(part, tree.Gradient | tree.Derivative) for part in tree.walk(node))
    for point in points:
        match point:
            case tree.Chain((tree.Name(name), value), ("=",)) if not slopes:
                node = _put_in(node, tree.Name(name), value)
            case tree.Chain(_, relations) if set(relations) == {"="}:
                if Claims(desk).judge(point).verdict not in _TRUE:
                    raise Unclear(reason("check.under_condition"), point.span)
            case _:
                raise Unclear(reason("check.under_condition"), point.span)
    return node


def _put_in(node: Node, name: tree.Name, value: Node) -> Node:
    """A formula with a value for a name, in the brackets that are there."""
    if node == name:
        return value if isinstance(value, tree.Number) else tree.Bracket(value, span=node.span)
    if isinstance(node, tree.Bracket) and node.body == name:
        return tree.Bracket(value, span=node.span)
    return tree.rebuild(node, lambda part: _put_in(part, name, value))


_TRUE = frozenset({"definition", "correct", "correct for this example", "rounded"})
