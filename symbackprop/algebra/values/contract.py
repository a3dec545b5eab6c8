"""Index equations that are matrix products in disguise: `y_oij = Σ_cab K_ocab x_{c,i+a−1,j+b−1}`.

The factors fall into two groups that share no index of the left side. Each group is computed once for its own
indices and those of the sums, and one product of matrices does the rest: a convolution of c channels into o
gathers (o + h w) c r s entries and not 2 o h w c r s. Guards go with the group whose indices they hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, TypeVar

from symbackprop import limits
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import DomainProblem, EvaluationError
from symbackprop.algebra.values.frames import Frame, too_many_terms
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.algebra.values.loops import Loop

T = TypeVar("T")

LARGE = 2_000
"""Terms from which on it is worth the trouble."""

_PEELED = (tree.Sum, tree.Where, *tree.DRESS)


@dataclass(slots=True)
class _Sums:
    """The sums round a product, with their ranges, and the guards in between."""

    ranges: dict[str, range] = field(default_factory=dict)
    guards: list[Node] = field(default_factory=list)
    factors: tuple[Node, ...] = ()


@dataclass(slots=True)
class _Group:
    """Factors and guards, and the indices of the left side that they hold."""

    factors: list[Node]
    outer: frozenset[str]
    guards: list[Node] = field(default_factory=list)

    @property
    def body(self) -> Node:
        """The product of the factors behind the guards."""
        made = tree.juxtaposed(*self.factors)
        return tree.Where(made, tuple(self.guards)) if self.guards else made


def contracted(loop: Loop[T], body: Node, sizes: Mapping[str, int]) -> Array[T] | None:
    """The array with entries `body` at the indices of `sizes`; None where it is no such product.

    An error is left for the direct way to find again, which says where it is.
    """
    found = _peeled(loop, body, sizes)
    if found is None or prod(sizes.values()) * prod(map(len, found.ranges.values())) < LARGE:
        return None
    groups = _grouped(loop, found, sizes)
    if groups is None:
        return None
    try:
        lines = [_lines(loop, group, found, sizes) for group in groups]
    except (EvaluationError, DomainProblem):
        return None
    entries = loop.evaluator.domain.matmul(*lines)
    order = [name for group in groups for name in sizes if name in group.outer]
    return _reordered(entries, order, sizes)


def _peeled(loop: Loop[Any], body: Node, sizes: Mapping[str, int]) -> _Sums | None:
    """The sums and guards round a product of factors; None unless the sums have fixed ends."""
    found = _Sums()
    while isinstance(body, _PEELED):
        if isinstance(body, tree.Where):
            found.guards += body.conditions
        elif isinstance(body, tree.Sum):
            ends = [None if end is None else loop.fixed(end) for end in (body.low, body.high)]
            low, high = ends
            if low is None or high is None or high < low or body.index in {**sizes, **found.ranges}:
                return None
            found.ranges[body.index] = range(low, high + 1)
        body = body.body
    if not found.ranges or not isinstance(body, tree.Product):
        return None
    found.factors = body.factors
    return found


def _grouped(loop: Loop[Any], found: _Sums, sizes: Mapping[str, int]) -> list[_Group] | None:
    """Two groups that share no index of the left side; None where one factor or guard holds both."""
    groups: list[_Group] = []
    for factor in found.factors:
        made = _Group([factor], loop.needs(factor) & sizes.keys())
        for other in [group for group in groups if group.outer & made.outer]:
            groups.remove(other)
            made = _Group([*other.factors, *made.factors], other.outer | made.outer)
        groups.append(made)
    if len(groups) < 2 or frozenset().union(*(group.outer for group in groups)) != sizes.keys():
        return None
    first, *rest = groups
    second = _Group([f for group in rest for f in group.factors], frozenset().union(*(g.outer for g in rest)))
    for guard in found.guards:
        held = loop.needs(guard) & sizes.keys()
        near = [group for group in (first, second) if held <= group.outer]
        if not near:
            return None
        for group in near:
            group.guards.append(guard)
    return [first, second]


def _lines(loop: Loop[T], group: _Group, found: _Sums, sizes: Mapping[str, int]) -> list[Sequence[T]]:
    """For each place of the group's own indices, the values over all the sums."""
    own = {name: range(1, size + 1) for name, size in sizes.items() if name in group.outer}
    width = prod(map(len, found.ranges.values()))
    if prod(map(len, own.values())) * width > limits.LOOP:
        raise too_many_terms()
    frame = Frame.over({**own, **found.ranges})
    values = loop.values(group.body, frame)
    return [values[start : start + width] for start in range(0, len(values), width)]


def _reordered(entries: Sequence[T], order: Sequence[str], sizes: Mapping[str, int]) -> Array[T]:
    """Entries whose indices run in `order`, as the array whose indices run as in `sizes`."""
    if order == list(sizes):
        return Array(tuple(sizes.values()), tuple(entries))
    steps: dict[str, int] = {}
    step = 1
    for name in reversed(order):
        steps[name] = step
        step *= sizes[name]
    offsets = [0]
    for name, size in sizes.items():
        offsets = [offset + place * steps[name] for offset, place in product(offsets, range(size))]
    return Array(tuple(sizes.values()), tuple([entries[offset] for offset in offsets]))
