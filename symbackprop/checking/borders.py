"""Entries beyond the border of an array, which people mean as 0: `Σ_ab dz_{m-a+1, n-b+1} K_ab`."""

from __future__ import annotations

from dataclasses import replace

from symbackprop.checking.resolve import Resolved
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.tree import Node


def with_border(member: Resolved, exercise: Exercise) -> Resolved:
    """A member in which each entry whose places are reckoned counts only inside of its array."""
    return replace(member, node=_padded(member.node, exercise))


def _padded(node: Node, exercise: Exercise) -> Node:
    index = node.of if isinstance(node, tree.Gradient) else node
    base = index.base if isinstance(index, tree.Index) else None
    base = base.of if isinstance(base, tree.Gradient) else base
    if not isinstance(index, tree.Index) or not isinstance(base, tree.Name):
        return tree.rebuild(node, lambda part: _padded(part, exercise))
    shape = exercise.shapes.get(base.name, ())
    if len(shape) != len(index.places):
        return node
    inside = tuple(
        tree.Chain((tree.number(1), place, _size(size)), ("≤", "≤"), (None, None))
        for place, size in zip(index.places, shape, strict=True)
        if isinstance(place, tree.Add)
    )
    return tree.Where(node, inside, span=node.span) if inside else node


def _size(size: int | str) -> Node:
    return tree.number(size) if isinstance(size, int) else tree.Name(size)
