"""Entries, slices, sums, guards and arrays given by their entries, as terms in indices."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.indexform import Expr, Guard, Place
from symbackprop.algebra.lower import CannotDerive, Lowering, Tensor
from symbackprop.algebra.places import Linear, combined, linear, of_size, plus, simplest
from symbackprop.notation import sizes, tree
from symbackprop.notation.tree import Node, Size


def index(self: Lowering, node: tree.Index) -> Tensor:
    """`W[2,:]`, `x[i+a-1]`, `x[2:3]`: fixed places, indices of sums, and axes or parts of them."""
    made = self.tensor(node.base)
    table: dict[str, Place] = {}
    kept: list[tuple[str, Size | None]] = []
    slices = [isinstance(place, tree.Slice) for place in node.places]
    for axis, size, place in zip(made.axes, made.shape, node.places, strict=True):
        if not isinstance(place, tree.Slice):
            table[axis] = _place(self, place, node)
        elif place.low is None and place.high is None:
            kept.append((axis, size))
        else:
            low = linear(1) if place.low is None else linear(_place(self, place.low, node))
            high = of_size(size or 1) if place.high is None else linear(_place(self, place.high, node))
            part = ix.fresh(axis.partition("~")[0])
            table[axis] = simplest(combined([(1, linear(part)), (1, low), (-1, linear(1))]))
            kept.append((part, size_of(combined([(1, high), (-1, low), (1, linear(1))]), node)))
    expr = ix.renamed(made.expr, table)
    axes, shape = tuple(axis for axis, _ in kept), tuple(size for _, size in kept)
    if slices == [False, True]:  # a row of a matrix stays a row
        return Tensor((1, *shape), (ix.fresh("j"), *axes), expr)
    return Tensor(shape, axes, expr)


def size_of(form: Linear, node: Node) -> Size:
    """A linear form of sizes as a size. Raises CannotDerive where an index is in it."""
    if form.indices:
        raise CannotDerive(node, "the ends of a slice are numbers and sizes, and no indices")
    return sizes.canonical(dict(form.sizes), form.constant)


def _place(self: Lowering, node: Node, whole: Node) -> Place:
    return simplest(_linear(self, node, whole))


def _linear(self: Lowering, node: Node, whole: Node) -> Linear:
    """A whole-numbered linear form of indices and sizes."""
    form = sizes.linear_form(node)
    if form is None:
        raise CannotDerive(whole, "an index is a sum of indices, sizes and whole numbers here")
    names, constant = form
    parts = [(c, of_size(name) if name in self.sizes else linear(name)) for name, c in names.items()]
    return combined([*parts, (constant, linear(1))])


def total(self: Lowering, node: tree.Sum) -> Tensor:
    """`Σ_{i=low}^{high} body`; the index counts from 1 inside."""
    if node.high is None:
        raise CannotDerive(node, f"nothing says how far {node.index} goes")
    low, high = (_linear(self, end, node) for end in (node.low, node.high))
    size = size_of(combined([(1, high), (-1, low), (1, linear(1))]), node)
    made = self.tensor(node.body)
    counted = ix.fresh(node.index)
    place = simplest(combined([(1, linear(counted)), (1, low), (-1, linear(1))]))
    expr = ix.summed(ix.renamed(made.expr, {node.index: place}), counted, size)
    return Tensor(made.shape, made.axes, expr)


def entrywise(self: Lowering, node: tree.Entrywise) -> Tensor:
    """The array whose entry at the indices is the body."""
    if not node.sizes:
        raise CannotDerive(node, "nothing says how far its indices go")
    shape = tuple(size_of(_linear(self, size, node), node) for size in node.sizes)
    axes = tuple(ix.fresh(name) for name in node.indices)
    table: dict[str, Place] = dict(zip(node.indices, axes, strict=True))
    return Tensor(shape, axes, ix.renamed(self.scalar(node.body), table))


def where(self: Lowering, node: tree.Where) -> Tensor:
    """Every term with the conditions as guards; `=` is a delta, `≠` all but that."""
    made = self.tensor(node.body)
    expr = made.expr
    for condition in node.conditions:
        expr = _guarded(self, expr, condition, node)
    return Tensor(made.shape, made.axes, expr)


def _guarded(self: Lowering, expr: Expr, condition: Node, node: Node) -> Expr:
    if not isinstance(condition, tree.Chain):
        raise CannotDerive(node, "a condition compares indices: 1 <= i + a - 2 <= m")
    places = [_linear(self, member, node) for member in condition.members]
    relations = condition.relations
    if len(relations) == 2 and set(relations) <= {"≤", "<"}:
        low, high = (1 if relation == "<" else 0 for relation in relations)
        bounds = (
            combined([(1, places[0]), (low, linear(1))]),
            combined([(1, places[2]), (-high, linear(1))]),
        )
        return _with_guard(expr, Guard(simplest(bounds[0]), simplest(places[1]), simplest(bounds[1])))
    for (left, right), relation in zip(pairwise(places), relations, strict=True):
        expr = _compared(expr, left, relation, right, node)
    return expr


def _compared(expr: Expr, left: Linear, relation: str, right: Linear, node: Node) -> Expr:
    first, second = simplest(left), simplest(right)
    match relation:
        case "≤":
            return _with_guard(expr, Guard(None, first, second))
        case "≥":
            return _with_guard(expr, Guard(second, first, None))
        case "<":
            return _with_guard(expr, Guard(None, simplest(plus(first, 1)), second))
        case ">":
            return _with_guard(expr, Guard(simplest(plus(second, 1)), first, None))
    equal = tuple(replace(term, deltas=(*term.deltas, (first, second))) for term in expr)
    if relation == "=":
        return equal
    if relation == "≠":
        return (*expr, *ix.scale(equal, -1))
    raise CannotDerive(node, f"a condition has no {relation}")


def _with_guard(expr: Expr, guard: Guard) -> Expr:
    return tuple(replace(term, guards=(*term.guards, guard)) for term in expr)


# --- arrays put together --------------------------------------------------------------------


def stack(self: Lowering, node: tree.Call) -> Tensor:
    """`stack(a, b)`: the entries of a, and below them those of b, each under its guard."""
    return _joined(self, node, 0)


def hstack(self: Lowering, node: tree.Call) -> Tensor:
    """`hstack(A, B)`: side by side."""
    return _joined(self, node, 1)


def _joined(self: Lowering, node: tree.Call, axis: int) -> Tensor:
    parts = [_with_rank(self.tensor(arg), axis) for arg in node.args]
    axes = tuple(ix.fresh(letter) for letter in "ji"[: len(parts[0].shape)])
    before = linear(0)
    terms: Expr = ()
    for part in parts:
        place = plus(axes[axis], simplest(before), -1)
        table: dict[str, Place] = dict(zip(part.axes, axes, strict=True))
        table[part.axes[axis]] = simplest(place)
        size = of_size(part.shape[axis] or 1)
        guard = Guard(
            simplest(plus(simplest(before), 1)), axes[axis], simplest(combined([(1, before), (1, size)]))
        )
        terms += _with_guard(ix.renamed(part.expr, table), guard)
        before = combined([(1, before), (1, size)])
    shape = tuple(size_of(before, node) if at == axis else size for at, size in enumerate(parts[0].shape))
    return Tensor(shape, axes, terms)


def _with_rank(part: Tensor, axis: int) -> Tensor:
    """A scalar as one entry; beside others, a vector as one column."""
    shape, axes = part.shape, part.axes
    if not shape:
        shape, axes = (1,), (ix.fresh("j"),)
    if axis == 1 and len(shape) == 1:
        shape, axes = (*shape, 1), (*axes, ix.fresh("i"))
    return Tensor(shape, axes, part.expr)


def diag(self: Lowering, node: tree.Call) -> Tensor:
    """Of a vector the diagonal matrix, of a matrix its diagonal."""
    made = self.tensor(node.args[0])
    if len(made.shape) == 2:
        return Tensor(made.shape[:1], made.axes[:1], ix.renamed(made.expr, {made.axes[1]: made.axes[0]}))
    other = ix.fresh("i")
    pair = (made.axes[0], other)
    return Tensor(
        made.shape * 2, pair, tuple(replace(term, deltas=(*term.deltas, pair)) for term in made.expr)
    )


def trace(self: Lowering, node: tree.Call) -> Tensor:
    """The sum of the diagonal."""
    made = diag(self, node)
    return Tensor((), (), ix.summed(made.expr, made.axes[0], made.shape[0] or 1))


def eye(self: Lowering, node: tree.Call) -> Tensor:
    """The identity: δ_ji."""
    size = _size(self, node, 0)
    pair = (ix.fresh("j"), ix.fresh("i"))
    return Tensor((size, size), pair, (ix.Term(Fraction(1), deltas=(pair,)),))


def zeros(self: Lowering, node: tree.Call) -> Tensor:
    """An array of zeros."""
    shape = tuple(_size(self, node, at) for at in range(len(node.args)))
    return Tensor(shape, tuple(ix.fresh(letter) for letter in "ji"[: len(shape)]), ix.ZERO)


def onehot(self: Lowering, node: tree.Call) -> Tensor:
    """`onehot(3, n)`: δ_j3."""
    axis = ix.fresh("j")
    place = _place(self, node.args[0], node)
    return Tensor((_size(self, node, 1),), (axis,), (ix.Term(Fraction(1), deltas=((axis, place),)),))


def _size(self: Lowering, node: tree.Call, at: int) -> Size:
    return size_of(_linear(self, node.args[at], node), node)


def dot(self: Lowering, node: tree.Call) -> Tensor:
    """`aᵀ b`."""
    first, second = node.args
    return Tensor((), (), self.scalar(tree.juxtaposed(tree.Transpose(first), second)))


def outer(self: Lowering, node: tree.Call) -> Tensor:
    """`a bᵀ`."""
    first, second = node.args
    return self.tensor(tree.juxtaposed(first, tree.Transpose(second)))
