"""The backward pass: each gradient from the loss down, derived in indices, read as matrices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.citing import cited
from symbackprop.algebra.collapsing import collapsed as used_up
from symbackprop.algebra.differentiate import NoDerivative, by_entry
from symbackprop.algebra.factors import Unreadable
from symbackprop.algebra.functions import OPERATIONS
from symbackprop.algebra.indexform import Entry, Expr
from symbackprop.algebra.lower import CannotDerive, Lowering, Tensor
from symbackprop.algebra.places import Linear, Ranges
from symbackprop.algebra.readback import matrices
from symbackprop.algebra.resolve import resolved
from symbackprop.algebra.spell import unused
from symbackprop.derivation.reading import array
from symbackprop.derivation.steps import Contribution, Level, Rule
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Shape

Axes = tuple[tuple[str, tree.Size], ...]


def contribution(
    lowering: Lowering, through: str, body: Node, target: str, *, loss: bool, tensor: Tensor | None = None
) -> Contribution:
    """What the equation `through = body` sends back to `target`.

    dX_p = Σ_j dC_j ∂C_j/∂X_p, where C is `through`; for the loss itself dC is 1. Raises
    CannotDerive where the result cannot be written with the matrices of the model.
    """
    try:
        return _contribution(lowering, through, body, target, loss, tensor or lowering.tensor(body))
    except CannotDerive as error:
        raise error.within(through) from None
    except (Unreadable, NoDerivative) as error:
        message = f"d{target} cannot be derived through this, because {error}"
        advice = error.advice if isinstance(error, NoDerivative) else _SPLIT
        raise CannotDerive(body, message, advice, equation=through) from error


_SPLIT = "Give its parts names of their own, as equations."


def _contribution(
    lowering: Lowering, through: str, body: Node, target: str, loss: bool, tensor: Tensor
) -> Contribution:
    shape = lowering.shapes[target]
    free = _letters(lowering, len(shape))
    jacobian = by_entry(tensor.expr, Entry(target, free))
    own = ix.lone_factor(tensor.expr)
    if isinstance(own, ix.Along):
        jacobian = cited(jacobian, tensor.expr, through, tensor.axes)
    ranges = _ranges(tensor, free, shape)
    collapsed = resolved(used_up(jacobian, ranges), lowering, all_rows=loss)
    if not loss:
        collapsed = cited(collapsed, tensor.expr, through, tensor.axes)
    rule = _rule(body, through, target, collapsed, loss)
    if rule == "affine" and len(shape) == 1 and _mixes(collapsed):
        free, jacobian, collapsed = _renamed(_letters(lowering, 1, "i"), free, jacobian, collapsed)
    arrives: Expr = ix.ONE if loss else ix.single(Entry(through, tensor.axes, True))
    product = ix.multiply(arrives, jacobian)
    # of a convolution the output's own index is used up: Σ_a K_a dy_{p−a+1}, as books write it
    parts = jacobian if any(term.guards for term in collapsed) and rule == "affine" else collapsed
    entry = used_up(_summed(ix.multiply(arrives, parts), tensor), _ranges(tensor, free, shape))
    axes = tuple(zip(free, shape, strict=True))
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
        matrix=array(entry, axes, lowering.shapes),
        local=_local(tensor, entry, collapsed, through, axes, loss),
    )


def _ranges(tensor: Tensor, free: tuple[str, ...], shape: Shape) -> Ranges:
    """How far the free indices count."""
    own = zip(tensor.axes, tensor.shape, strict=True)
    return {**{axis: size or 1 for axis, size in own}, **dict(zip(free, shape, strict=True))}


def _letters(lowering: Lowering, rank: int, first: str = "p") -> tuple[str, ...]:
    """Free indices that no name and no size of the model has: p, q."""
    taken = _taken(lowering)
    letters: tuple[str, ...] = ()
    for wish in (first, "q", "r", "s")[:rank]:
        letters += (unused(taken | set(letters), wish, *"rsuvabcdefgh"),)
    return letters


def _taken(lowering: Lowering) -> set[str]:
    return {*lowering.shapes, *(str(size) for shape in lowering.shapes.values() for size in shape)}


def _summed(expr: Expr, tensor: Tensor) -> Expr:
    for axis, size in reversed(list(zip(tensor.axes, tensor.shape, strict=True))):
        expr = ix.summed(expr, axis, 1 if size is None else size)
    return expr


def _renamed(new: tuple[str, ...], old: tuple[str, ...], *parts: Expr) -> tuple[tuple[str, ...], Expr, Expr]:
    table: dict[str, ix.Place] = dict(zip(old, new, strict=True))
    first, second = (ix.renamed(part, table) for part in parts)
    return new, first, second


def _mixes(collapsed: Expr) -> bool:
    """Whether the target's entry reaches several entries of the result, as x_i in W x."""
    return any(not term.deltas for term in collapsed)


def _rule(body: Node, through: str, target: str, collapsed: Expr, loss: bool) -> Rule:
    if loss:
        return "loss"
    bare = tree.undressed(body)
    applied = isinstance(bare, tree.Call) and bare.args == (tree.Name(target),)
    if isinstance(bare, tree.Call) and applied and bare.function not in OPERATIONS:
        return "elementwise"
    if any(entry.name == target for entry in ix.entries(collapsed)):
        return "general"
    return "affine"


def _local(tensor: Tensor, entry: Expr, collapsed: Expr, through: str, axes: Axes, loss: bool) -> Node | None:
    """The factor beside the gradient that arrives, where it is no third-order tensor."""
    if loss:
        return None
    try:
        if tensor.lone:
            return _without_lone_ones(matrices(used_up(_summed(collapsed, tensor), dict(axes)), axes))
        return matrices(_without_arriving(entry, through, axes), axes)
    except Unreadable:
        return None


def _without_lone_ones(node: Node) -> Node:
    """`Wᵀ` for `Wᵀ 1` with the vector 1 of size 1: beside what arrives, the row is factor enough."""
    if isinstance(node, tree.Product) and node.factors[-1] == tree.Ones(tree.number(1)):
        return tree.juxtaposed(*node.factors[:-1])
    return tree.rebuild(node, _without_lone_ones)


def _without_arriving(entry: Expr, through: str, axes: Axes) -> Expr:
    """`g'(z_p)` of `dŷ_p g'(z_p)`: the rest, where what arrives stands at the very same entry."""
    places = tuple(index for index, _ in axes)
    terms = []
    for term in entry:
        arriving = [f for f in term.factors if isinstance(f, Entry) and f.gradient and f.name == through]
        if len(arriving) != 1 or arriving[0].places != places or term.bound:
            raise Unreadable("what arrives is summed over")
        terms.append(replace(term, factors=tuple(f for f in term.factors if f is not arriving[0])))
    return tuple(terms)


def _takes_parts(made: Contribution, shapes: Mapping[str, Shape]) -> bool:
    """Whether an index runs along a part of an axis only, as in what a stack sends back."""
    sizes: dict[object, tree.Size] = dict(zip(made.free, shapes[made.target], strict=True))
    sizes.update(item for term in made.entry for item in term.bound)
    return any(
        sizes.get(place, size) != size
        for entry in ix.entries(made.entry)
        for place, size in zip(entry.places, shapes.get(entry.name, ()), strict=False)
    )


def levels(made: Contribution, shapes: Mapping[str, Shape]) -> tuple[Level, ...]:
    """The rows (or columns) of a product's gradient, each derived by holding one index fixed."""
    shape = shapes[made.target]
    name = tree.Name(made.target)
    if any(isinstance(place, Linear) for entry in ix.entries(made.entry) for place in entry.places):
        return ()
    if _takes_parts(made, shapes):
        return ()
    try:
        if len(shape) == 2:
            first, second = made.free
            if any(second not in ix.free_indices(term) for term in made.entry):
                return ()  # a number that stands all along the row, which the matrix says with 1ᵀ
            row = matrices(made.entry, (("", 1), (second, shape[1])))  # a matrix of one row
            left = tree.Gradient(tree.Index(name, (tree.Name(first), tree.Slice())))
            return (Level(kind="row", fixed=first, left=left, right=row),)
        if len(shape) == 1 and made.entry and made.entry[0].bound:
            (index,) = made.free
            value = matrices(made.entry, ())
            entry = tree.Gradient(tree.Index(name, (tree.Name(index),)))
            return (Level(kind="column", fixed=index, left=entry, right=value),)
    except Unreadable:
        return ()
    return ()
