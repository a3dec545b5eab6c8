"""Formulas as data that JSON can keep, exactly: `["Add", ["*", ["Name", "x"], ["Name", "b"]]]`.

A node is its kind and its fields; a tuple begins with "*", a fraction with "/". Where a formula was read is
not kept.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symbackprop.notation import tree
from symbackprop.notation.node import Node, parts


def as_data(value: Any) -> Any:
    """A node, or what stands in its fields, as lists, texts and numbers."""
    if isinstance(value, Node):
        kind = type(value)
        return [kind.__name__, *(as_data(getattr(value, name)) for name in parts(kind))]
    if isinstance(value, tuple):
        return ["*", *map(as_data, value)]
    if isinstance(value, Fraction):
        return ["/", str(value)]
    return value


def from_data(data: Any) -> Any:
    """What `as_data` made into data. Raises ValueError for anything else."""
    if not isinstance(data, list):
        return data
    if not data or not isinstance(data[0], str):
        raise ValueError("no formula: a list without a kind")
    kind, *rest = data
    if kind == "*":
        return tuple(map(from_data, rest))
    if kind == "/":
        return Fraction(*rest)
    found = _KINDS.get(kind)
    if found is None or len(rest) != len(parts(found)):
        raise ValueError(f"no formula: {kind} is no kind of node with {len(rest)} fields")
    return found(**dict(zip(parts(found), map(from_data, rest), strict=True)))


_KINDS: dict[str, type[Node]] = {
    name: kind
    for name, kind in vars(tree).items()
    if isinstance(kind, type) and issubclass(kind, Node) and kind is not Node
}
