"""Single factors of a term as scalars, vectors or matrices over their own indices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.indexform import Expr, Factor, Term
from symbackprop.algebra.places import Linear, indices_of, moved, of_size, simplest
from symbackprop.algebra.places import plus as sum_of
from symbackprop.algebra.products import hadamard
from symbackprop.algebra.spell import place_node, ratio, size_node
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Size, juxtaposed, plus

Axes = Sequence[tuple[str, Size]]
"""The indices of an array, in order, and how far each counts."""

Reader = Callable[[Expr, Axes], Node]
"""Reads an expression inside a factor: `readback.matrices`."""

LARGEST_POWER = 8
"""Up to which a power of a vector is written as a product."""


class Unreadable(ValueError):
    """An expression that is no product of the matrices we know; it is then left in indices."""


def in_order(factor: Factor, order: Sequence[str]) -> list[str]:
    """The free indices of a factor: those in `order` as there, the others as they are met."""
    free = ix.free_indices(factor)
    places = [place for entry in ix.entries(factor) for place in entry.places]
    met = dict.fromkeys(index for place in places for index in indices_of(place) if index in free)
    found = [*met, *sorted(free - {*met})]
    if all(index in order for index in found):
        found.sort(key=list(order).index)
    return found


def factor_node(factor: Factor, axes: Axes, read: Reader) -> Node:
    """The tree of one factor whose indices are `axes`. Raises Unreadable."""
    match factor:
        case ix.Entry():
            return _entry(factor, axes)
        case ix.Length(name):
            return tree.Name(name)
        case ix.Pi():
            return tree.Constant("pi")
        case ix.Group(body):
            return _group(body, axes, read)
        case ix.Apply(function, args, order, options):
            named = tuple((key, read(value, ())) for key, value in options)
            return tree.Call(function, tuple(_group(arg, axes, read) for arg in args), named, order)
        case ix.Power(base, exponent):
            return _power(read(base, axes), exponent, axes, read)
        case ix.Along():
            return _along(factor, axes, read)
    raise Unreadable("a factor is no array")


def _group(expr: Expr, axes: Axes, read: Reader) -> Node:
    """A sum as it was written; beside arrays, a sum over all entries stands before an array of ones."""
    if len(expr) < 2:
        return read(expr, axes)
    free = {index for index, _ in axes}
    terms = (_filled_in(term, axes, free, read) for term in expr)
    return plus(*terms)


def _filled_in(term: Term, axes: Axes, free: set[str], read: Reader) -> Node:
    if term.bound and axes and not ix.free_indices(term) & free:
        return filled(read((term,), axes), axes)
    return read((term,), axes)


def filled(value: Node, axes: Axes) -> Node:
    """An array with the same number everywhere."""
    if isinstance(value, tree.Neg):
        return tree.Neg(filled(value.body, axes))
    column, *rows = (tree.Ones(size_node(size)) for _, size in axes)
    ones: tuple[Node, ...] = (column, *(tree.Transpose(row) for row in rows))
    lead = () if value == tree.number(1) else tree.plain_factors(value)
    return juxtaposed(*lead, *ones)


def _power(base: Node, exponent: Expr, axes: Axes, read: Reader) -> Node:
    value = ix.number_of(exponent)
    if value == 1:
        return base
    squares = _squares(base)
    if value is not None and value.denominator == 2 and squares is not None:
        return squares if value == Fraction(1, 2) else tree.Power(squares, ratio(2 * value))
    if value == Fraction(1, 2):
        return tree.Call("sqrt", (base,))
    if axes and not all(size == 1 for _, size in axes):
        if value is None or value.denominator > 2 or not 0 < value <= LARGEST_POWER:
            raise Unreadable("a power of a vector has no name here")
        whole, half = divmod(value, 1)
        roots = [tree.Call("sqrt", (base,))] if half else []
        powers = [tree.Call("square", (base,))] if whole == 2 else [base] * int(whole)
        return hadamard([*powers, *roots])
    return tree.Power(base, read(exponent, ()))


def _squares(base: Node) -> tree.Norm | None:
    """The norm whose square is `base`: of `sum(square(v))`."""
    match base:
        case tree.Power(tree.Norm() as norm, tree.Number(value)) if value == 2:
            return norm
    return None


def _entry(entry: ix.Entry, axes: Axes) -> Node:
    name: Node = tree.Name(entry.name)
    places = entry.places
    wanted = tuple(index for index, _ in axes)
    if places == wanted:
        return tree.Gradient(name) if entry.gradient else name
    if len(places) == 2 and places == wanted[::-1]:
        return tree.Transpose(tree.Gradient(name) if entry.gradient else name)
    if len(places) > 2 or len(wanted) > 2:
        raise Unreadable("an array has more than two axes")
    if len(set(places)) < len(places):
        return _diagonal(entry, wanted)
    # an index that is no axis is held fixed: the row W_{p,:} or the column W_{:,i}
    nodes = tuple(_part(place, dict(axes)) for place in places)
    made: Node = tree.Index(name, nodes)
    made = tree.Gradient(made) if entry.gradient else made
    kept = [indices_of(place)[0] for place, node in zip(places, nodes, strict=True) if _is_slice(node)]
    a_row = len(places) == 2 and _is_slice(nodes[1]) and not _is_slice(nodes[0])
    return tree.Transpose(made) if a_row or kept != [index for index in wanted if index in kept] else made


def _diagonal(entry: ix.Entry, wanted: tuple[str, ...]) -> Node:
    """The entries A_ii: the vector diag(A)."""
    if entry.gradient or entry.places[0] not in wanted:
        raise Unreadable("the diagonal of this has no name here")
    return tree.Call("diag", (tree.Name(entry.name),))


def _part(place: ix.Place, sizes: dict[str, Size]) -> Node:
    """The whole axis, a part of it (`x[3:5]`), or a place held fixed."""
    indices = [index for index in indices_of(place) if index in sizes]
    if not indices:
        return place_node(place)
    if isinstance(place, str):
        return tree.Slice()
    if len(indices) > 1 or not isinstance(place, Linear) or dict(place.indices)[indices[0]] != 1:
        raise Unreadable("an index is more than the place of an axis")
    (index,) = indices
    low, high = moved(place, {index: 1}), sum_of(moved(place, {index: 0}), simplest(of_size(sizes[index])))
    return tree.Slice(place_node(low), place_node(simplest(high)))


def _is_slice(node: Node) -> bool:
    return isinstance(node, tree.Slice)


def _along(factor: ix.Along, axes: Axes, read: Reader) -> Node:
    """softmax of a vector, or of the rows (columns: `axis = 0`) of a matrix."""
    at = [place for place, (index, _) in enumerate(axes) if index == factor.place]
    if isinstance(factor.place, int) and not axes:
        whole = read(factor.arg, ((factor.index, factor.size),))
        return tree.Index(tree.Call(factor.function, (whole,)), (place_node(factor.place),))
    if len(at) != 1:
        raise Unreadable("an entry of this has no name here")
    inner = tuple((factor.index, size) if index == factor.place else (index, size) for index, size in axes)
    columns = (("axis", tree.number(0)),) if len(axes) == 2 and at == [0] else ()
    return tree.Call(factor.function, (read(factor.arg, inner),), columns)
