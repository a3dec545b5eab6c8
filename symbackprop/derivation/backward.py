"""The backward pass: each gradient from the loss down, derived in indices, read as matrices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.differentiate import by_entry
from symbackprop.algebra.indexform import Entry, Expr
from symbackprop.algebra.lower import CannotDerive, Lowering, Tensor
from symbackprop.algebra.readback import Unreadable, matrices
from symbackprop.algebra.resolve import resolved
from symbackprop.derivation.steps import Contribution, Level, Rule
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Shape

LETTERS = {0: (), 1: ("p",), 2: ("p", "q")}
"""The free indices of a target, by its rank."""


def contribution(
    lowering: Lowering, through: str, body: Node, target: str, *, loss: bool, tensor: Tensor | None = None
) -> Contribution:
    """What the equation `through = body` sends back to `target`.

    dX_p = Σ_j dC_j ∂C_j/∂X_p, where C is `through`; for the loss itself dC is 1. Raises
    CannotDerive where the result cannot be written with the matrices of the model.
    """
    if tensor is None:
        tensor = lowering.tensor(body)
    shape = lowering.shapes[target]
    free = LETTERS[len(shape)]
    jacobian = by_entry(tensor.expr, Entry(target, free))
    collapsed = resolved(ix.collapsed(jacobian), lowering)
    rule = _rule(body, through, target, collapsed, loss)
    if rule == "affine" and len(shape) == 1 and _mixes(collapsed, free):
        free, jacobian, collapsed = _renamed(("i",), free, jacobian, collapsed)
    arrives: Expr = ix.ONE if loss else ix.single(Entry(through, tensor.axes, True))
    product = ix.multiply(arrives, jacobian)
    entry = _summed(ix.multiply(arrives, collapsed), tensor)
    entry = ix.collapsed(entry)
    axes = tuple(zip(free, shape, strict=True))
    try:
        matrix = matrices(entry, axes)
    except Unreadable as error:
        raise CannotDerive(body, f"d{target} cannot be written with matrices: {error}") from error
    return Contribution(
        target=target,
        through=through,
        rule=rule,
        free=free,
        summed=tensor.axes,
        jacobian=jacobian,
        collapsed=collapsed,
        product=product,
        entry=entry,
        matrix=matrix,
        local=_local(tensor, entry, collapsed, through, axes, loss),
    )


def _summed(expr: Expr, tensor: Tensor) -> Expr:
    for axis, size in reversed(list(zip(tensor.axes, tensor.shape, strict=True))):
        expr = ix.summed(expr, axis, 1 if size is None else size)
    return expr


def _renamed(new: tuple[str, ...], old: tuple[str, ...], *parts: Expr) -> tuple[tuple[str, ...], Expr, Expr]:
    table: dict[str, ix.Place] = dict(zip(old, new, strict=True))
    first, second = (ix.renamed(part, table) for part in parts)
    return new, first, second


def _mixes(collapsed: Expr, free: tuple[str, ...]) -> bool:
    """Whether the target's entry reaches several entries of the result, as x_i in W x."""
    return any(not term.deltas for term in collapsed)


def _rule(body: Node, through: str, target: str, collapsed: Expr, loss: bool) -> Rule:
    if loss:
        return "loss"
    bare = tree.undressed(body)
    if isinstance(bare, tree.Call) and bare.args == (tree.Name(target),) and bare.function not in {"sum", "mean"}:
        return "elementwise"
    if any(entry.name == target for entry in ix.entries(collapsed)):
        return "general"
    return "affine"


def _local(
    tensor: Tensor, entry: Expr, collapsed: Expr, through: str, axes: tuple[tuple[str, tree.Size], ...], loss: bool
) -> Node | None:
    """The factor beside the gradient that arrives, where it is no third-order tensor."""
    if loss:
        return None
    try:
        if tensor.lone:
            return matrices(ix.collapsed(_summed(collapsed, tensor)), axes)
        return matrices(_without_arriving(entry, through, axes), axes)
    except Unreadable:
        return None


def _without_arriving(entry: Expr, through: str, axes: tuple[tuple[str, tree.Size], ...]) -> Expr:
    """`g'(z_p)` of `dŷ_p g'(z_p)`: the rest, where what arrives stands at the very same entry."""
    places = tuple(index for index, _ in axes)
    terms = []
    for term in entry:
        arriving = [f for f in term.factors if isinstance(f, Entry) and f.gradient and f.name == through]
        if len(arriving) != 1 or arriving[0].places != places or term.bound:
            raise Unreadable("what arrives is summed over")
        terms.append(replace(term, factors=tuple(f for f in term.factors if f is not arriving[0])))
    return tuple(terms)


def levels(made: Contribution, shapes: Mapping[str, Shape]) -> tuple[Level, ...]:
    """The rows (or columns) of a product's gradient, each derived by holding one index fixed."""
    shape = shapes[made.target]
    name = tree.Name(made.target)
    try:
        if len(shape) == 2:
            first, second = made.free
            row = matrices(made.entry, ((second, shape[1]),))
            left = tree.Gradient(tree.Index(name, (tree.Name(first), tree.Slice())))
            return (Level(kind="row", fixed=first, left=left, right=_as_row(row)),)
        if len(shape) == 1 and made.entry and made.entry[0].bound:
            (index,) = made.free
            value = matrices(made.entry, ())
            entry = tree.Gradient(tree.Index(name, (tree.Name(index),)))
            return (Level(kind="column", fixed=index, left=entry, right=value),)
    except Unreadable:
        return ()
    return ()


def _as_row(column: Node) -> Node:
    """The row that is the transpose of a column: `dz_p x` becomes `dz_p xᵀ`."""
    if isinstance(column, tree.Neg):
        return tree.Neg(_as_row(column.body))
    if isinstance(column, tree.Product) and not any(column.signs):
        *scalars, last = column.factors
        return tree.juxtaposed(*scalars, tree.Transpose(last))
    return column.body if isinstance(column, tree.Transpose) else tree.Transpose(column)
