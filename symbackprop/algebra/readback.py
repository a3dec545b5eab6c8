"""Entries back to matrices: `dz_p x_q` is `dz xᵀ`, `Σ_j dz_j W_jp` is `Wᵀ dz`.

A term is a network: each factor with one index is a vector on it, each factor with two is a
matrix between them. Bound indices are eliminated one by one (a matrix times a vector, a matrix
times a matrix, a dot product); what is left stands on the free indices. The result is in a
normal form that follows from the order of the free indices, so it is `dZᵀ X` and never
`(Xᵀ dZ)ᵀ`. Nothing here is trusted: `derivation/certify.py` proves each reading at random points.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.indexform import Expr, Factor, Term
from symbackprop.algebra.places import Linear, indices_of, moved, of_size, simplest
from symbackprop.algebra.places import plus as sum_of
from symbackprop.algebra.spell import place_node, ratio, size_node
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Size, juxtaposed, plus, times

Axes = Sequence[tuple[str, Size]]


class Unreadable(ValueError):
    """An expression that is no product of the matrices we know; it is then left in indices."""


def gradient(expr: Expr, axes: Axes) -> Node:
    """As `matrices`, in the full shape of `axes`: a lone number c stands for `c 1`, an array of it."""
    if not expr:
        return tree.Number(Fraction(0))
    terms = [_signed(term, axes) for term in expr]
    plain = all(size == 1 for _, size in axes) or any(ix.free_indices(term) for term in expr)
    return plus(*terms) if plain else plus(*(_filled(term, axes) for term in terms))


def matrices(expr: Expr, axes: Axes) -> Node:
    """The tree whose entry at `axes` is `expr`. Raises Unreadable."""
    return plus(*(_signed(term, axes) for term in expr)) if expr else tree.Number(Fraction(0))


def _filled(value: Node, axes: Axes) -> Node:
    """An array with the same number everywhere."""
    if isinstance(value, tree.Neg):
        return tree.Neg(_filled(value.body, axes))
    column, *rows = (tree.Ones(size_node(size)) for _, size in axes)
    ones: tuple[Node, ...] = (column, *(tree.Transpose(row) for row in rows))
    lead = () if value == tree.Number(Fraction(1)) else tree.plain_factors(value)
    return juxtaposed(*lead, *ones)


def _signed(term: Term, axes: Axes) -> Node:
    if term.coefficient < 0:
        positive = replace(term, coefficient=-term.coefficient)
        return tree.Neg(_read_term(positive, axes))
    return _read_term(term, axes)


@dataclass(slots=True)
class _Edge:
    """A matrix whose rows are counted by `row` and whose columns by `column`."""

    row: str
    column: str
    node: Node


@dataclass(slots=True)
class _Network:
    scalars: list[Node] = field(default_factory=list)
    below: list[Node] = field(default_factory=list)
    vectors: dict[str, list[Node]] = field(default_factory=dict)
    divisors: dict[str, list[Node]] = field(default_factory=dict)
    edges: list[_Edge] = field(default_factory=list)
    sizes: dict[str, Size] = field(default_factory=dict)


def _read_term(term: Term, axes: Axes) -> Node:
    if term.guards:
        raise Unreadable("it reaches a part of an array only")
    if term.deltas:
        return _on_diagonal(term, axes)
    if len(axes) > 2:
        return _in_full(term, axes)
    net = _Network(sizes={**dict(axes), **dict(term.bound)})
    for factor in term.factors:
        _place(net, factor)
    _merge_edges(net, axes)
    waiting = _whole_sums(net, [index for index, _ in term.bound])
    while waiting:
        index = min(waiting, key=lambda one: _effort(net, one))
        waiting.remove(index)
        _eliminate(net, index)
        _merge_edges(net, axes)
    body = _on_axes(net, axes)
    return _with_scalars(term.coefficient, net, body)


def _on_diagonal(term: Term, axes: Axes) -> Node:
    """`c δ_pq` is c I, `v_p δ_pq` is diag(v), and `c δ_{p,3}` is c e_3."""
    (first, second), *others = term.deltas
    sizes = dict(axes)
    rest = replace(term, deltas=())
    if others or not isinstance(first, str | int) or not isinstance(second, str | int):
        raise Unreadable("it reaches single entries only")
    if [first, second] in ([*sizes], [*sizes][::-1]) and len(set(sizes.values())) == 1:
        row, column = sizes
        value = matrices((ix.rename_term(rest, {column: row}),), ((row, sizes[row]),))
        if row not in ix.free_indices(ix.rename_term(rest, {column: row})):
            one = value == tree.number(1)
            unit = tree.Call("eye", (size_node(sizes[row]),))
            return unit if one else juxtaposed(*tree.plain_factors(value), unit)
        return tree.Call("diag", (value,))
    place, index = (first, second) if isinstance(first, int) else (second, first)
    if not isinstance(place, int) or [index] != [*sizes]:
        raise Unreadable("it reaches single entries only")
    value = _read_term(ix.rename_term(rest, {str(index): place}), ())
    unit = tree.Call("onehot", (place_node(place), size_node(sizes[str(index)])))
    return unit if value == tree.number(1) else juxtaposed(*tree.plain_factors(value), unit)


def _in_full(term: Term, axes: Axes) -> Node:
    """Of three axes and more, what acts entry by entry on arrays that have them all, or on numbers."""
    if term.bound:
        raise Unreadable("a sum over an array of more than two axes has no name here")
    net = _Network(sizes=dict(axes))
    arrays = []
    for factor in term.factors:
        if ix.free_indices(factor) & {*net.sizes}:
            arrays.append(_factor(factor, axes))
        else:
            _place(net, factor)
    return _with_scalars(term.coefficient, net, _hadamard(arrays) if arrays else None)


# --- placing factors --------------------------------------------------------------------


def _place(net: _Network, factor: Factor) -> None:
    below = False
    match factor:
        case ix.Power(base, exponent):
            value = ix.number_of(exponent)
            if value is not None and value < 0:
                below = True
                positive = ix.constant(-value)
                factor = ix.Power(base, positive)
    indices = [index for index in _in_order(factor) if index in net.sizes]
    if len(indices) == 0:
        (net.below if below else net.scalars).append(_factor(factor, ()))
    elif len(indices) == 1:
        where = net.divisors if below else net.vectors
        (index,) = indices
        where.setdefault(index, []).append(_factor(factor, ((index, net.sizes[index]),)))
    elif len(indices) == 2:
        axes = tuple((index, net.sizes[index]) for index in indices)
        node = _factor(factor, axes)
        if below:
            node = tree.Quotient(tree.Number(Fraction(1)), node)
        net.edges.append(_Edge(indices[0], indices[1], node))
    else:
        raise Unreadable("a factor has more than two indices")


def _in_order(factor: Factor) -> list[str]:
    free = ix.free_indices(factor)
    places = [place for entry in ix.entries(factor) for place in entry.places]
    met = [index for place in places for index in indices_of(place) if index in free]
    return [*dict.fromkeys(met), *sorted(free - {*met})]


def _factor(factor: Factor, axes: Axes) -> Node:
    """One factor as a scalar, a vector or a matrix over its own indices."""
    match factor:
        case ix.Entry():
            return _entry(factor, axes)
        case ix.Length(name):
            return tree.Name(name)
        case ix.Pi():
            return tree.Constant("pi")
        case ix.Group(body):
            return plus(*(_in_bracket(term, axes) for term in body))
        case ix.Apply(function, args, order, options):
            named = tuple((key, matrices(value, ())) for key, value in options)
            return tree.Call(function, tuple(matrices(arg, axes) for arg in args), named, order)
        case ix.Power(base, exponent):
            return _power(matrices(base, axes), exponent, axes)
        case ix.Along():
            return _along(factor, axes)
    raise Unreadable("a factor is no array")


def _in_bracket(term: Term, axes: Axes) -> Node:
    """A term of a bracket; beside arrays, a sum over all entries stands before a vector of ones."""
    if term.bound and axes and not ix.free_indices(term) & {index for index, _ in axes}:
        return _filled(_signed(term, axes), axes)
    return _signed(term, axes)


def _power(base: Node, exponent: Expr, axes: Axes) -> Node:
    value = ix.number_of(exponent)
    if value == 1:
        return base
    squares = _squares(base)
    if value is not None and value.denominator == 2 and squares is not None:
        return squares if value == Fraction(1, 2) else tree.Power(squares, ratio(2 * value))
    if value == Fraction(1, 2):
        return tree.Call("sqrt", (base,))
    if axes and not all(size == 1 for _, size in axes):
        if value is None or value.denominator > 2 or not 0 < value <= 8:
            raise Unreadable("a power of a vector has no name here")
        whole, half = divmod(value, 1)
        roots = [tree.Call("sqrt", (base,))] if half else []
        powers = [tree.Call("square", (base,))] if whole == 2 else [base] * int(whole)
        return _hadamard([*powers, *roots])
    return tree.Power(base, matrices(exponent, ()))


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


def _along(factor: ix.Along, axes: Axes) -> Node:
    """softmax of a vector, or of the rows (columns: `axis = 0`) of a matrix."""
    at = [place for place, (index, _) in enumerate(axes) if index == factor.place]
    if isinstance(factor.place, int) and not axes:
        whole = matrices(factor.arg, ((factor.index, factor.size),))
        return tree.Index(tree.Call(factor.function, (whole,)), (place_node(factor.place),))
    if len(at) != 1:
        raise Unreadable("an entry of this has no name here")
    inner = tuple((factor.index, size) if index == factor.place else (index, size) for index, size in axes)
    columns = (("axis", tree.number(0)),) if len(axes) == 2 and at == [0] else ()
    return tree.Call(factor.function, (matrices(factor.arg, inner),), columns)


# --- eliminating bound indices ------------------------------------------------------------


def _effort(net: _Network, index: str) -> tuple[int, int]:
    """First what makes vectors (a matrix times a vector), then matrix products."""
    edges = sum(1 for edge in net.edges if index in (edge.row, edge.column))
    return (edges, 0 if net.vectors.get(index) else 1)


def _whole_sums(net: _Network, waiting: list[str]) -> list[str]:
    """Sums over a matrix that nothing else touches; the indices that remain to be summed."""
    for edge in list(net.edges):
        ends = {edge.row, edge.column}
        others = [e for e in net.edges if e is not edge and ends & {e.row, e.column}]
        if ends <= set(waiting) and not others and not ends & {*net.vectors, *net.divisors}:
            net.edges = [e for e in net.edges if e is not edge]
            net.scalars.append(_sum_of(edge.node, "F"))
            waiting = [index for index in waiting if index not in ends]
    return waiting


def _eliminate(net: _Network, index: str) -> None:
    touching = [edge for edge in net.edges if index in (edge.row, edge.column)]
    if len(touching) > 2:
        raise Unreadable("three matrices share an index")
    net.edges = [edge for edge in net.edges if edge not in touching]
    vector = _entrywise(net.vectors.pop(index, []), net.divisors.pop(index, []))
    lone = net.sizes[index] == 1
    if not touching:
        net.scalars.append(_full_sum(vector, lone))
    elif len(touching) == 1:
        edge = touching[0]
        other = edge.row if edge.column == index else edge.column
        matrix = edge.node if edge.column == index else _transposed(edge.node)
        # of a matrix with one column too, the product with 1 is the vector that is meant
        made = _joined(matrix, vector or tree.Ones(size_node(net.sizes[index])))
        net.vectors.setdefault(other, []).append(made)
    else:
        _join_edges(net, index, touching, vector)


def _full_sum(vector: Node | None, lone: bool) -> Node:
    if vector is None:
        raise Unreadable("a sum is empty")
    if lone:
        return vector
    if isinstance(vector, tree.Product) and set(vector.signs) == {"odot"} and len(vector.factors) == 2:
        first, second = vector.factors
        if isinstance(first, tree.Gradient):  # what arrives from above stands last: w_{:,i}ᵀ dz
            first, second = second, first
        return _joined(_transposed(first), second)
    return _sum_of(vector, "2")


def _sum_of(array: Node, kind: Literal["2", "F"]) -> Node:
    """The sum of all entries; of squares, it is a squared norm."""
    match array:
        case tree.Call("square", (body,), ()):
            return tree.Power(tree.Norm(body, kind), tree.Number(Fraction(2)))
    return tree.Call("sum", (array,))


def _join_edges(net: _Network, index: str, pair: list[_Edge], vector: Node | None) -> None:
    first, second = pair
    left = first.node if first.column == index else _transposed(first.node)
    start = first.row if first.column == index else first.column
    right = second.node if second.row == index else _transposed(second.node)
    end = second.column if second.row == index else second.row
    if vector is not None:
        left = _hadamard([left, _joined(tree.Ones(size_node(net.sizes[start])), tree.Transpose(vector))])
    if start == end:
        net.scalars.append(tree.Call("trace", (_joined(left, right),)))
        return
    net.edges.append(_Edge(start, end, _joined(left, right)))


def _joined(left: Node, right: Node) -> Node:
    """`left right`, products kept flat."""
    return juxtaposed(*tree.plain_factors(left), *tree.plain_factors(right))


def _transposed(node: Node) -> Node:
    if isinstance(node, tree.Transpose):
        return node.body
    if isinstance(node, tree.Product) and not any(node.signs):
        return juxtaposed(*(_transposed(factor) for factor in reversed(node.factors)))
    return tree.Transpose(node)


def _merge_edges(net: _Network, axes: Axes) -> None:
    """Two matrices between the same indices are one Hadamard product."""
    order = [index for index, _ in axes]
    merged: list[_Edge] = []
    for edge in net.edges:
        if edge.row == edge.column:
            raise Unreadable("the diagonal of a matrix has no name here")
        if edge.row in order and edge.column in order and order.index(edge.row) > order.index(edge.column):
            edge = _Edge(edge.column, edge.row, _transposed(edge.node))
        for known in merged:
            if {known.row, known.column} == {edge.row, edge.column}:
                same = known.row == edge.row
                known.node = _hadamard([known.node, edge.node if same else _transposed(edge.node)])
                break
        else:
            merged.append(edge)
    net.edges = merged


# --- what is left on the free indices --------------------------------------------------------


def _on_axes(net: _Network, axes: Axes) -> Node | None:
    if not axes:
        return None
    on = [_entrywise(net.vectors.get(i, []), net.divisors.get(i, [])) for i, _ in axes]
    if len(axes) == 1:
        return on[0]
    if len(axes) != 2:
        raise Unreadable("an array has more than two axes")
    matrix = net.edges[0].node if net.edges else None
    rows, columns = on
    if matrix is None:
        if rows is None and columns is None:
            return None
        if rows is None and axes[0][1] == 1 and columns is not None:
            return _transposed(columns)
        return _outer(rows, columns, axes)
    if rows is None and columns is None:
        return matrix
    return _hadamard([_outer(rows, columns, axes), matrix])


def _outer(rows: Node | None, columns: Node | None, axes: Axes) -> Node:
    """`rows columnsᵀ`; what is missing is a vector of ones."""
    left = rows if rows is not None else tree.Ones(size_node(axes[0][1]))
    right = columns if columns is not None else tree.Ones(size_node(axes[1][1]))
    return _joined(left, _transposed(right))


def _entrywise(above: list[Node], below: list[Node]) -> Node | None:
    if not above and not below:
        return None
    top = _hadamard(above) if above else tree.Number(Fraction(1))
    return tree.Quotient(top, _hadamard(below)) if below else top


def _hadamard(factors: list[Node]) -> Node:
    flat: list[Node] = []
    for factor in factors:
        joined = isinstance(factor, tree.Product) and set(factor.signs) == {"odot"}
        flat += factor.factors if joined and isinstance(factor, tree.Product) else (factor,)
    return times(*flat, sign="odot")


def _with_scalars(coefficient: Fraction, net: _Network, body: Node | None) -> Node:
    """`coefficient · scalars · body`, in that order; a fraction keeps its parts below."""
    scalars = list(net.scalars)
    below = list(net.below)
    if coefficient.denominator != 1 and below:
        below.insert(0, tree.Number(Fraction(coefficient.denominator)))
        coefficient = Fraction(coefficient.numerator)
    if isinstance(body, tree.Quotient) and body.above == tree.Number(Fraction(1)):
        top = _scalar_product(Fraction(coefficient.numerator), scalars)
        if coefficient.denominator != 1:
            below.insert(0, tree.Number(Fraction(coefficient.denominator)))
        return tree.Quotient(top, juxtaposed(*below, *tree.plain_factors(body.below)))
    lead: list[Node] = []
    if below:
        top = _scalar_product(coefficient, scalars)
        lead.append(tree.Quotient(top, juxtaposed(*below)))
    else:
        if coefficient != 1 or (not scalars and body is None):
            lead.append(ratio(coefficient))
        lead += scalars
    if body is None:
        return juxtaposed(*lead)
    if not lead:
        return body
    if below and not scalars and coefficient == 1 and len(tree.plain_factors(body)) == 1:
        return tree.Quotient(body, juxtaposed(*below))
    return juxtaposed(*lead, *tree.plain_factors(body))


def _scalar_product(coefficient: Fraction, scalars: list[Node]) -> Node:
    if not scalars:
        return ratio(coefficient)
    return juxtaposed(*([ratio(coefficient)] if coefficient != 1 else []), *scalars)
