"""Entries and slices, sums over an index, guards, arrays given by their entries. Indices count from 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from symbackprop import limits
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.algebra.values.floating import np
from symbackprop.algebra.values.floating.evaluate import Floating, Frame, lifted
from symbackprop.notation import tree
from symbackprop.notation.sizes import linear_form
from symbackprop.notation.tree import Node

AT_ONCE = 1_000_000
"""Values of all indices together that are computed at once; beyond that a sum goes term by term."""

_RELATIONS = {"=": eq, "≠": ne, "<": lt, ">": gt, "≤": le, "≥": ge}


def index(self: Floating, node: tree.Index, frame: Frame) -> Any:
    """`w[1,2]` `()`, `W[2,:]` `(1, n)`, `W[:,i]` `(m,)`: a place drops its axis, a slice keeps it, and a row
    of a matrix stays a row. Raises EvaluationError outside the array, but where a guard says not to look."""
    base = self.value(node.base, frame)
    k = len(frame.axes)
    lengths = base.shape[k:]
    if len(node.places) != len(lengths):
        raise EvaluationError(node, f"{len(node.places)} indices for an array of shape {lengths}")
    kept = [isinstance(place, tree.Slice) for place in node.places]
    pairs = zip(node.places, lengths, strict=True)
    cuts = tuple(
        _cut(self, node, place, length, frame) if isinstance(place, tree.Slice) else slice(None)
        for place, length in pairs
    )
    base = base[(slice(None),) * k + cuts]
    places = [
        _places(self, node, place, length, frame)
        for place, length in zip(node.places, lengths, strict=True)
        if not isinstance(place, tree.Slice)
    ]
    if places:
        base = _gathered(base, k, [axis for axis, keeps in enumerate(kept) if not keeps], places)
    return base[..., None, :] if kept == [False, True] else base


def _cut(self: Floating, node: Node, place: tree.Slice, length: int, frame: Frame) -> slice:
    low = 1 if place.low is None else self.whole(place.low, frame)
    high = length if place.high is None else self.whole(place.high, frame)
    if not 1 <= low <= high <= length:
        raise EvaluationError(node, f"index {low}:{high} is outside 1..{length}")
    return slice(low - 1, high)


def _places(self: Floating, node: Node, place: Node, length: int, frame: Frame) -> Any:
    """Places from 0, along the index axes; those that a guard hides are moved to where there is something."""
    found = np.asarray(self.place(place, frame))
    if found.ndim == 0:
        found = found.reshape((1,) * len(frame.axes))
    outside = (found < 1) | (found > length)
    if outside.any():
        seen = outside if frame.mask is None else outside & frame.mask
        if seen.any():
            raise EvaluationError(node, f"index {found[outside].flat[0]} is outside 1..{length}")
        found = np.clip(found, 1, length)
    return found - 1


def _gathered(base: Any, k: int, axes: Sequence[int], places: Sequence[Any]) -> Any:
    """The entries at the places, one axis of `base` for each of them."""
    base = np.moveaxis(base, [k + axis for axis in axes], range(k, k + len(axes)))
    lead = base.shape[:k]
    if all(length == 1 for length in lead):
        return base.reshape(base.shape[k:])[tuple(places)]
    own = (
        np.arange(length).reshape((1,) * axis + (-1,) + (1,) * (k - axis - 1))
        for axis, length in enumerate(lead)
    )
    return base[(*own, *places)]


def delta(self: Floating, node: tree.Delta, frame: Frame) -> Any:
    """1 where both indices are the same, else 0."""
    same = np.asarray(self.place(node.first, frame) == self.place(node.second, frame), dtype=np.float64)
    return same if same.ndim else same.reshape((1,) * len(frame.axes))


# --- guards --------------------------------------------------------------------------------------


def where(self: Floating, node: tree.Where, frame: Frame) -> Any:
    """The body where all conditions hold, else 0."""
    mask = _holds(self, node.conditions, frame)
    seen = mask if frame.mask is None else mask & frame.mask
    value = self.value(node.body, Frame(frame.env, frame.axes, frame.indices, frame.fixed, seen))
    return np.where(lifted(mask, value.ndim - len(frame.axes)), value, 0.0)


def _holds(self: Floating, conditions: Sequence[Node], frame: Frame) -> Any:
    mask: Any = np.ones((1,) * len(frame.axes), dtype=bool)
    for chain in conditions:
        if not isinstance(chain, tree.Chain) or any(sign not in _RELATIONS for sign in chain.relations):
            raise EvaluationError(chain, "a condition compares indices with <, ≤, >, ≥ or =")
        members = [_member(self, member, frame) for member in chain.members]
        for sign, (left, right) in zip(chain.relations, pairwise(members), strict=True):
            mask = mask & np.asarray(_RELATIONS[sign](left, right))
    return mask


def _member(self: Floating, node: Node, frame: Frame) -> Any:
    if linear_form(node) is not None:
        return self.place(node, frame)
    return self.scalar(node, frame)


# --- sums and arrays by their entries ------------------------------------------------------------


def indexed_sum(self: Floating, node: tree.Sum, frame: Frame) -> Any:
    """`Σ_{i=low}^{high} body`, a scalar; the ends may hang on other indices."""
    if node.high is None:
        raise EvaluationError(node, f"nothing says how far {node.index} runs")
    low, high = self.place(node.low, frame), self.place(node.high, frame)
    first, last = int(np.min(low)), int(np.max(high))
    if last < first:
        return np.zeros((1,) * len(frame.axes))
    _limited(node, last - first + 1)
    ragged = not (isinstance(low, int) and isinstance(high, int))
    if math.prod(frame.axes) * (last - first + 1) > AT_ONCE and not ragged:
        return _term_by_term(self, node, frame, first, last)
    inner = frame.wider(node.index, first, last)
    if ragged:
        column = inner.column(node.index)
        mask = (column >= np.asarray(low)[..., None]) & (column <= np.asarray(high)[..., None])
        seen = mask if inner.mask is None else mask & inner.mask
        inner = Frame(inner.env, inner.axes, inner.indices, inner.fixed, seen)
        value = np.where(mask, self.scalar(node.body, inner), 0.0)
    else:
        value = self.scalar(node.body, inner)
    total = value.sum(axis=-1)
    return total * (last - first + 1) if value.shape[-1] == 1 else total


def _term_by_term(self: Floating, node: tree.Sum, frame: Frame, first: int, last: int) -> Any:
    total: Any = np.zeros((1,) * len(frame.axes))
    for value in range(first, last + 1):
        total = total + self.scalar(node.body, frame.at(node.index, value))
    return total


def entrywise(self: Floating, node: tree.Entrywise, frame: Frame) -> Any:
    """The array whose entry at the indices is the body."""
    if not node.sizes:
        raise EvaluationError(node, "nothing says the sizes of this array")
    sizes = tuple(self.whole(size, frame) for size in node.sizes)
    if min(sizes) < 1 or math.prod(sizes) > limits.ENTRIES:
        raise EvaluationError(node, f"an array of shape {sizes}")
    inner = frame
    for name, size in zip(node.indices, sizes, strict=True):
        inner = inner.wider(name, 1, size)
    value = self.scalar(node.body, inner)
    k = len(frame.axes)
    return np.broadcast_to(value, value.shape[:k] + sizes)


def _limited(node: tree.Sum, count: int) -> None:
    if count > limits.ENTRIES:
        raise EvaluationError(node, f"a sum of more than {limits.ENTRIES:,} terms")
