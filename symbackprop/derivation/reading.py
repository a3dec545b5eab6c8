"""A gradient's entry as an array: products of matrices, arrays put together, or entries in indices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cmp_to_key, partial
from math import prod

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.collapsing import collapsed as used_up
from symbackprop.algebra.collapsing import factored, positive_first, with_group_turned
from symbackprop.algebra.factors import Unreadable
from symbackprop.algebra.indexform import Entry, Expr, Guard, Term
from symbackprop.algebra.places import (
    Linear,
    Ranges,
    combined,
    guard_indices,
    linear,
    never_negative,
    of_size,
    plus,
    simplest,
    size_between,
    span,
)
from symbackprop.algebra.readback import gradient
from symbackprop.algebra.spell import size_node, spelled
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Shape, Size

Axes = tuple[tuple[str, Size], ...]

WRITTEN_OUT = 16
"""Entries of a gradient that is written out entry by entry where no product of matrices says it."""

Block = tuple[Linear, Linear, Expr]
"""A part of an axis: from, to, and the entry there, counted as in the whole."""

Blocks = list[Block]
"""Disjoint parts of an axis, in order."""


def array(entry: Expr, axes: Axes, shapes: Mapping[str, Shape]) -> Node:
    """The array with this entry: as matrices; else written out where it is small, or in indices."""
    avoid = {*shapes, *(str(size) for shape in shapes.values() for size in shape)}
    single = any(isinstance(place, int) for term in entry for pair in term.deltas for place in pair)
    made = _written_out(entry, axes, avoid) if single and not any(term.bound for term in entry) else None
    try:
        return made or together(entry, axes, shapes)
    except Unreadable:
        return _written_out(entry, axes, avoid) or _in_indices(entry, axes, avoid)


def together(entry: Expr, axes: Axes, shapes: Mapping[str, Shape]) -> Node:
    """The array as products of matrices, or put together of such. Raises Unreadable."""
    entry = positive_first(tuple(term for one in entry for term in _prepared(one, axes)))
    for at, (index, size) in enumerate(axes):
        if any(index in guard_indices(guard) for term in entry for guard in term.guards):
            return tree.plus(*(_stacked(blocks, axes, at, shapes) for blocks in _cut_up(entry, index, size)))
    whole = ix.with_entries(entry, partial(_cut, shapes, dict(axes)))
    if len(whole) > 1:
        try:
            plainly = gradient(with_group_turned(whole), axes)
            if not isinstance(plainly, tree.Add):
                return plainly  # (A + Aᵀ) x
            return gradient(with_group_turned(factored(whole)), axes)
        except Unreadable:
            pass
    return gradient(with_group_turned(whole), axes)


def _prepared(term: Term, axes: Axes) -> Expr:
    """Brackets with guards in them multiplied out, one place of a matrix as a part, sums of one term gone."""
    guarded = [f for f in term.factors if isinstance(f, ix.Group) and any(one.guards for one in f.body)]
    if guarded:
        rest = replace(term, factors=tuple(factor for factor in term.factors if factor not in guarded))
        return ix.multiply((rest,), *(factor.body for factor in guarded))
    free = ix.free_indices(term)
    idle = [index for index, size in axes if size == 1 and index not in free]
    for (lone, _), other in zip([item for item in term.bound if item[1] == 1], idle, strict=False):
        kept = tuple(item for item in term.bound if item[0] != lone)
        term = ix.rename_term(replace(term, bound=kept), {lone: other})
    if len(axes) == 2 and len(term.deltas) == 1:
        ((first, second),) = term.deltas
        place, index = (first, second) if isinstance(second, str) else (second, first)
        if isinstance(place, int) and index in dict(axes):
            guard = Guard(place, index, place)
            return (replace(term, deltas=(), guards=(*term.guards, guard)),)
    return (term,)


# --- arrays put together of parts -----------------------------------------------------------


def _cut_up(entry: Expr, index: str, size: Size) -> list[Blocks]:
    """The entry by the parts of an axis that it is for: disjoint parts together. Raises Unreadable."""
    found: dict[tuple[Linear, Linear], Expr] = {}
    for term in entry:
        own = [guard for guard in term.guards if index in guard_indices(guard)]
        reach = span(own, index, size)
        if reach is None:
            raise Unreadable("it reaches a part of an array that depends on another index")
        rest = replace(term, guards=tuple(guard for guard in term.guards if guard not in own))
        found[reach] = (*found.get(reach, ()), rest)
    stacks: list[Blocks] = []
    for (low, high), expr in found.items():
        block = (low, high, expr)
        for blocks in stacks:
            if all(_before(block, other) or _before(other, block) for other in blocks):
                blocks.append(block)
                break
        else:
            stacks.append([block])
    for blocks in stacks:
        blocks.sort(key=cmp_to_key(_order))
    return stacks


def _order(first: Block, second: Block) -> int:
    return -1 if _before(first, second) else 1


def _before(first: Block, second: Block) -> bool:
    return never_negative(combined([(1, second[0]), (-1, first[1]), (-1, linear(1))]))


def _stacked(blocks: Blocks, axes: Axes, at: int, shapes: Mapping[str, Shape]) -> Node:
    """`stack(0, da)` of the parts, with zeros between."""
    if len(axes) > 2:
        raise Unreadable("an array of more than two axes is not put together")
    index, size = axes[at]
    parts: list[Node] = []
    reached = linear(0)
    for low, high, expr in blocks:
        parts += _zeros(size_between(plus(simplest(reached), 1), plus(simplest(low), 1, -1)), axes, at)
        length = size_between(low, high)
        place = simplest(combined([(1, linear(index)), (1, low), (-1, linear(1))]))
        inner = (*axes[:at], (index, length), *axes[at + 1 :])
        parts.append(together(ix.renamed(expr, {index: place}), inner, shapes))
        reached = high
    parts += _zeros(size_between(plus(simplest(reached), 1), of_size(size)), axes, at)
    return parts[0] if len(parts) == 1 else tree.Call(("stack", "hstack")[at], tuple(parts))


def _zeros(length: Size, axes: Axes, at: int) -> list[Node]:
    """A block of zeros, where there is one."""
    if length == 0:
        return []
    if not never_negative(plus(simplest(of_size(length)), 1, -1)):
        raise Unreadable("nothing says whether there are zeros between two parts")
    if len(axes) == 1 and length == 1:
        return [tree.number(0)]
    sizes = [size_node(length if place == at else size) for place, (_, size) in enumerate(axes)]
    return [tree.Call("zeros", tuple(sizes))]


def _cut(shapes: Mapping[str, Shape], ranges: Ranges, entry: Entry, bound: Ranges) -> Entry:
    """An entry whose index does not count through its whole axis, as a part of the array: `dh[1:2]`."""
    known = {**ranges, **bound}
    places = tuple(
        Linear(((place, 1),)) if isinstance(place, str) and known.get(place, size) != size else place
        for place, size in zip(entry.places, shapes.get(entry.name, ()), strict=False)
    )
    return replace(entry, places=places) if len(places) == len(entry.places) else entry


# --- entries ----------------------------------------------------------------------------------


def _in_indices(entry: Expr, axes: Axes, avoid: set[str]) -> Node:
    """`dK_pq = Σ_i Σ_j …`, what no product of matrices says."""
    body = spelled(entry, {}, avoid)
    indices = tuple(index for index, _ in axes)
    return tree.Entrywise(indices, tuple(size_node(size) for _, size in axes), body) if axes else body


def _written_out(entry: Expr, axes: Axes, avoid: set[str]) -> Node | None:
    """A small array of explicit sizes by its entries; None where sums would stand in them."""
    sizes = [size for _, size in axes if isinstance(size, int)]
    if not 0 < len(axes) <= 2 or len(sizes) < len(axes) or prod(sizes) > WRITTEN_OUT:
        return None
    if any(size != 1 for term in entry for _, size in term.bound):
        return None
    rows = range(1, sizes[0] + 1)
    columns = range(1, sizes[1] + 1) if len(sizes) == 2 else range(1, 2)

    def cell(*places: int) -> Node:
        at: dict[str, ix.Place] = {index: place for (index, _), place in zip(axes, places, strict=False)}
        return spelled(factored(used_up(_without_lone_sums(ix.renamed(entry, at)))), {}, avoid)

    cells = tuple(tuple(cell(row, column) for column in columns) for row in rows)
    return tree.Matrix(cells, "matrix" if len(sizes) == 2 else "column")


def _without_lone_sums(expr: Expr) -> Expr:
    """`Σ_{j=1}^1 a_j` as `a_1`."""
    terms = []
    for term in expr:
        lone: dict[str, ix.Place] = {index: 1 for index, size in term.bound if size == 1}
        kept = tuple(item for item in term.bound if item[1] != 1)
        terms.append(ix.rename_term(replace(term, bound=kept), lone))
    return tuple(terms)
