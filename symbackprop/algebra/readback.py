"""Entries back to matrices: `dz_p x_q` is `dz xᵀ`, `Σ_j dz_j W_jp` is `Wᵀ dz`.

A term is a network: each factor with one index is a vector on it, each factor with two is a
matrix between them. Bound indices are eliminated one by one (a matrix times a vector, a matrix
times a matrix, a dot product); what is left stands on the free indices. The result is in a
normal form that follows from the order of the free indices, so it is `dZᵀ X` and never
`(Xᵀ dZ)ᵀ`. Nothing here is trusted: `derivation/certify.py` proves each reading at random points.
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.factors import Axes, Unreadable, factor_node, filled, in_order
from symbackprop.algebra.indexform import Expr, Factor, Term
from symbackprop.algebra.products import ONE, entrywise, hadamard, joined, total, transposed, with_scalars
from symbackprop.algebra.spell import place_node, size_node
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Size, juxtaposed


def gradient(expr: Expr, axes: Axes) -> Node:
    """As `matrices`, in the full shape of `axes`: a lone number c stands for `c 1`, an array of it."""
    if not expr:
        return tree.Number(Fraction(0))
    terms = [_signed(term, axes) for term in expr]
    plain = all(size == 1 for _, size in axes) or any(ix.free_indices(term) for term in expr)
    return total(terms if plain else [filled(term, axes) for term in terms])


def matrices(expr: Expr, axes: Axes) -> Node:
    """The tree whose entry at `axes` is `expr`. Raises Unreadable."""
    return total([_signed(term, axes) for term in expr]) if expr else tree.Number(Fraction(0))


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
    above: list[Node]
    below: list[Node]

    @property
    def node(self) -> Node:
        """The whole matrix."""
        return entrywise(self.above, self.below) or ONE

    def turned(self) -> "_Edge":
        """The transpose."""
        return _Edge(self.column, self.row, *([*map(transposed, part)] for part in (self.above, self.below)))


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
        _place(net, factor, axes)
    _merge_edges(net, axes)
    waiting = _whole_sums(net, [index for index, _ in term.bound])
    while waiting:
        index = min(waiting, key=lambda one: _effort(net, one))
        waiting.remove(index)
        _eliminate(net, index)
        _merge_edges(net, axes)
    body, divisor = _on_axes(net, axes)
    return with_scalars(term.coefficient, net.scalars, net.below, body, divisor)


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
    above: list[Node] = []
    under: list[Node] = []
    for factor in term.factors:
        if ix.free_indices(factor) & {*net.sizes}:
            factor, below = _positive(factor)
            (under if below else above).append(factor_node(factor, axes, matrices))
        else:
            _place(net, factor, axes)
    body, divisor = (hadamard(part) if part else None for part in (above, under))
    return with_scalars(term.coefficient, net.scalars, net.below, body, divisor)


# --- placing factors --------------------------------------------------------------------


def _place(net: _Network, factor: Factor, axes: Axes) -> None:
    factor, below = _positive(factor)
    order = [index for index, _ in axes]
    indices = [index for index in in_order(factor, order) if index in net.sizes]
    node = factor_node(factor, tuple((index, net.sizes[index]) for index in indices), matrices)
    match indices:
        case []:
            (net.below if below else net.scalars).append(node)
        case [index]:
            (net.divisors if below else net.vectors).setdefault(index, []).append(node)
        case [row, column]:
            net.edges.append(_Edge(row, column, *(([], [node]) if below else ([node], []))))
        case _:
            raise Unreadable("a factor has more than two indices")


def _positive(factor: Factor) -> tuple[Factor, bool]:
    """A factor and whether it stands below: `s^(−2)` is `s^2` below."""
    if isinstance(factor, ix.Power):
        value = ix.number_of(factor.exponent)
        if value is not None and value < 0:
            return ix.Power(factor.base, ix.constant(-value)), True
    return factor, False


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
    vector = entrywise(net.vectors.pop(index, []), net.divisors.pop(index, []))
    lone = net.sizes[index] == 1
    if not touching:
        net.scalars.append(_full_sum(vector, lone))
    elif len(touching) == 1:
        edge = touching[0]
        other = edge.row if edge.column == index else edge.column
        matrix = edge.node if edge.column == index else transposed(edge.node)
        # of a matrix with one column too, the product with 1 is the vector that is meant
        made = joined(matrix, vector or tree.Ones(size_node(net.sizes[index])))
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
        return joined(transposed(first), second)
    return _sum_of(vector, "2")


def _sum_of(array: Node, kind: Literal["2", "F"]) -> Node:
    """The sum of all entries; of squares, it is a squared norm."""
    match array:
        case tree.Call("square", (body,), ()):
            return tree.Power(tree.Norm(body, kind), tree.Number(Fraction(2)))
    return tree.Call("sum", (array,))


def _join_edges(net: _Network, index: str, pair: list[_Edge], vector: Node | None) -> None:
    first, second = pair
    left = first.node if first.column == index else transposed(first.node)
    start = first.row if first.column == index else first.column
    right = second.node if second.row == index else transposed(second.node)
    end = second.column if second.row == index else second.row
    if vector is not None:
        left = hadamard([left, joined(tree.Ones(size_node(net.sizes[start])), transposed(vector))])
    if start == end:
        net.scalars.append(tree.Call("trace", (joined(left, right),)))
        return
    net.edges.append(_Edge(start, end, [joined(left, right)], []))


def _merge_edges(net: _Network, axes: Axes) -> None:
    """Two matrices between the same indices are one Hadamard product."""
    order = [index for index, _ in axes]
    merged: list[_Edge] = []
    for edge in net.edges:
        if edge.row == edge.column:
            raise Unreadable("the diagonal of a matrix has no name here")
        if edge.row in order and edge.column in order and order.index(edge.row) > order.index(edge.column):
            edge = edge.turned()
        for known in merged:
            if {known.row, known.column} == {edge.row, edge.column}:
                same = edge if known.row == edge.row else edge.turned()
                known.above += same.above
                known.below += same.below
                break
        else:
            merged.append(edge)
    net.edges = merged


# --- what is left on the free indices --------------------------------------------------------


def _on_axes(net: _Network, axes: Axes) -> tuple[Node | None, Node | None]:
    """What stands on the free indices, and what it is divided by, entry by entry."""
    if not axes:
        return None, None
    if len(axes) == 1:
        ((index, _),) = axes
        return _product(net.vectors.get(index)), _product(net.divisors.get(index))
    if len(axes) != 2:
        raise Unreadable("an array has more than two axes")
    if not net.edges:
        rows, columns = (entrywise(net.vectors.get(i, []), net.divisors.get(i, [])) for i, _ in axes)
        if rows is None and axes[0][1] == 1 and columns is not None:
            return transposed(columns), None
        return _outer(rows, columns, axes), None
    (edge,) = net.edges
    above = _spread(edge.above, [net.vectors.get(index) for index, _ in axes], axes)
    below = _spread(edge.below, [net.divisors.get(index) for index, _ in axes], axes)
    return _product(above), _product(below)


def _product(factors: list[Node] | None) -> Node | None:
    return hadamard(factors) if factors else None


def _spread(matrices_there: list[Node], vectors: list[list[Node] | None], axes: Axes) -> list[Node]:
    """Matrices and the outer product of the vectors beside them; what arrives from above goes first."""
    rows, columns = map(_product, vectors)
    outer = _outer(rows, columns, axes)
    if outer is None:
        return matrices_there
    arrives = any(isinstance(part, tree.Gradient) for part in tree.walk(outer))
    return [outer, *matrices_there] if arrives else [*matrices_there, outer]


def _outer(rows: Node | None, columns: Node | None, axes: Axes) -> Node | None:
    """`rows columnsᵀ`; what is missing is a vector of ones."""
    if rows is None and columns is None:
        return None
    left = rows if rows is not None else tree.Ones(size_node(axes[0][1]))
    right = columns if columns is not None else tree.Ones(size_node(axes[1][1]))
    return joined(left, transposed(right))
