"""Entries, slices, deltas and arrays written out. Indices count from 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.algebra.values.evaluate import Evaluator, Scope

T = TypeVar("T")


def index(self: Evaluator[T], node: tree.Index, scope: Scope[T]) -> Array[T]:
    """`w[1,2]` `()`, `W[2,:]` `(1, n)`, `W[:,i]` `(m,)`, `K[o,:,:]` `(r, s)`: a place drops its axis, a slice
    keeps it, and a row of a matrix stays a row. Raises EvaluationError outside the array."""
    base = self.value(node.base, scope(powers=False))
    if len(node.places) != len(base.shape):
        raise EvaluationError(node, f"{len(node.places)} indices for an array of shape {base.shape}")
    pairs = zip(node.places, base.shape, strict=True)
    chosen = [_chosen(self, node, place, length, scope) for place, length in pairs]
    offsets = [0]
    for places, length in zip(chosen, base.shape, strict=True):
        offsets = [offset * length + place for offset in offsets for place in places]
    kept = [isinstance(place, tree.Slice) for place in node.places]
    shape = tuple(len(places) for places, keeps in zip(chosen, kept, strict=True) if keeps)
    if kept == [False, True]:  # W[2,:] is a row, 1×n
        shape = (1, *shape)
    return Array(shape, tuple([base.entries[offset] for offset in offsets]))


def _chosen(self: Evaluator[T], node: Node, place: Node, length: int, scope: Scope[T]) -> range:
    if isinstance(place, tree.Slice):
        low = 1 if place.low is None else self.whole(place.low, scope)
        high = length if place.high is None else self.whole(place.high, scope)
    else:
        low = high = self.whole(place, scope)
    if not 1 <= low <= high <= length:
        raise EvaluationError(node, f"index {low if low == high else f'{low}:{high}'} is outside 1..{length}")
    return range(low - 1, high)


def delta(self: Evaluator[T], node: tree.Delta, scope: Scope[T]) -> Array[T]:
    """1 where both indices are the same, else 0."""
    same = self.whole(node.first, scope) == self.whole(node.second, scope)
    return Array((), (self.domain.one if same else self.domain.zero,))


def matrix(self: Evaluator[T], node: tree.Matrix, scope: Scope[T]) -> Array[T]:
    """An array written out; a column is a vector `(m,)`."""
    entries = tuple(self.number(part, scope(powers=False)) for row in node.rows for part in row)
    if node.form == "column":
        return Array((len(node.rows),), entries)
    return Array((len(node.rows), len(node.rows[0])), entries)
