"""Entries, slices, sums over an index, deltas and arrays written out. Indices count from 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from symbackprop import limits
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.algebra.values.evaluate import Evaluator, Scope

T = TypeVar("T")


def index(self: Evaluator[T], node: tree.Index, scope: Scope[T]) -> Array[T]:
    """`w[1,2]` `()`, `W[2,:]` `(1, n)`, `W[:,i]` `(m,)`. Raises EvaluationError outside the array."""
    base = self.value(node.base, scope(powers=False))
    if len(node.places) != len(base.shape):
        raise EvaluationError(node, f"{len(node.places)} indices for an array of shape {base.shape}")
    pairs = zip(node.places, base.shape, strict=True)
    chosen = [_chosen(self, node, place, length, scope) for place, length in pairs]
    if len(chosen) == 1:
        (rows,) = chosen
        entries = tuple(base.entries[i] for i in rows)
        return Array((len(rows),) if isinstance(node.places[0], tree.Slice) else (), entries)
    rows, columns = chosen
    entries = tuple(base.entries[i * base.shape[1] + j] for i in rows for j in columns)
    many_rows, many_columns = (isinstance(place, tree.Slice) for place in node.places)
    if many_columns:  # W[2,:] is a row, 1×n
        return Array((len(rows), len(columns)), entries)
    return Array((len(rows),) if many_rows else (), entries)


def _chosen(self: Evaluator[T], node: Node, place: Node, length: int, scope: Scope[T]) -> range:
    if isinstance(place, tree.Slice):
        low = 1 if place.low is None else self.whole(place.low, scope)
        high = length if place.high is None else self.whole(place.high, scope)
    else:
        low = high = self.whole(place, scope)
    if not 1 <= low <= high <= length:
        raise EvaluationError(node, f"index {low if low == high else f'{low}:{high}'} is outside 1..{length}")
    return range(low - 1, high)


def indexed_sum(self: Evaluator[T], node: tree.Sum, scope: Scope[T]) -> Array[T]:
    """`Σ_{i=low}^{high} body`, a scalar."""
    low, high = self.whole(node.low, scope), self.whole(node.high, scope)
    if high - low >= limits.SIZE:
        raise EvaluationError(node, f"a sum of more than {limits.SIZE} terms")
    terms = []
    for index in range(low, high + 1):
        terms.append(self.number(node.body, scope.inside(node.index, index)))
    return Array((), (self.domain.total(terms),))


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
