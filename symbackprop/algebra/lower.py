"""Trees to entries: `W x + b` becomes `Σ_i W_ji x_i + b_j`.

A tree is taken apart bottom up into tensors: a shape, one index symbol for each axis, and the
expression of the entry at those indices. What a product means follows from the shapes
(the same rules as `notation/shapes.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.functions import TABLE, Function
from symbackprop.algebra.indexform import Expr, Place
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Shape, Size


class CannotDerive(ValueError):
    """A tree that the calculus does not cover; `node` is the part that stopped it."""

    def __init__(self, node: Node, message: str) -> None:
        super().__init__(message)
        self.node = node
        self.message = message


@dataclass(frozen=True, slots=True)
class Tensor:
    """The entry `expr` at the indices `axes`, one for each axis of `shape`."""

    shape: tuple[Size | None, ...]
    axes: tuple[str, ...]
    expr: Expr

    @property
    def lone(self) -> bool:
        """One number: a scalar, or size 1 along every axis."""
        return all(size == 1 for size in self.shape)


@dataclass(frozen=True, slots=True)
class Lowering:
    """What is needed to lower a tree: shapes of the names, and the table of functions."""

    shapes: Mapping[str, Shape]
    functions: Mapping[str, Function]
    read: Callable[[str, Function], Node]

    def tensor(self, node: Node) -> Tensor:
        """The tensor of `node`. Raises CannotDerive."""
        method = _METHODS.get(type(node))
        if method is None:
            raise CannotDerive(node, f"no index form for {type(node).__name__}")
        return method(self, node)

    def scalar(self, node: Node) -> Expr:
        """The value of a node that is one number; a size-1 axis is summed away."""
        made = self.tensor(node)
        if not made.lone:
            raise CannotDerive(node, "a single number is needed here")
        return _total(made)


def _total(made: Tensor) -> Expr:
    expr = made.expr
    for axis, size in zip(made.axes, made.shape, strict=True):
        expr = ix.summed(expr, axis, size or 1)
    return expr


def _fixed(made: Tensor) -> Expr:
    """A lone tensor as a scalar factor; its size-1 axes become sums of one term."""
    return _total(made) if made.axes else made.expr


def _axes(shape: tuple[Size | None, ...]) -> tuple[str, ...]:
    return tuple(ix.fresh(letter) for letter in "ji"[: len(shape)])


def _moved(made: Tensor, axes: tuple[str, ...]) -> Expr:
    table: dict[str, Place] = dict(zip(made.axes, axes, strict=True))
    return ix.renamed(made.expr, table)


# --- leaves and layout ----------------------------------------------------------------


def _number(_: Lowering, node: tree.Number) -> Tensor:
    return Tensor((), (), ix.constant(node.value))


def _constant(_: Lowering, node: tree.Constant) -> Tensor:
    return Tensor((), (), ix.single(ix.Pi()))


def _name(self: Lowering, node: tree.Name) -> Tensor:
    if node.name not in self.shapes:
        return Tensor((), (), ix.single(ix.Length(node.name)))
    shape = self.shapes[node.name]
    axes = _axes(shape)
    return Tensor(shape, axes, ix.single(ix.Entry(node.name, axes)))


def _gradient(self: Lowering, node: tree.Gradient) -> Tensor:
    made = self.tensor(node.of)
    factors = tuple(
        ix.Entry(f.name, f.places, True) for t in made.expr for f in t.factors if isinstance(f, ix.Entry)
    )
    return Tensor(made.shape, made.axes, (ix.Term(Fraction(1), factors),))


def _ones(_: Lowering, node: tree.Ones) -> Tensor:
    size: Size | None = None
    if isinstance(node.size, tree.Number):
        size = int(node.size.value)
    elif isinstance(node.size, tree.Name):
        size = node.size.name
    return Tensor((size,), _axes((size,)), ix.ONE)


def _layout(self: Lowering, node: tree.Bracket | tree.Brace | tree.Box | tree.Coloured) -> Tensor:
    return self.tensor(node.body)


def _matrix(self: Lowering, node: tree.Matrix) -> Tensor:
    """An array written out is a sum over its places: `Σ value δ_{j,row} δ_{i,column}`."""
    shape: Shape = (len(node.rows), len(node.rows[0]))
    if node.form == "column":
        shape = shape[:1]
    axes = _axes(shape)
    terms: list[ix.Term] = []
    for row, cells in enumerate(node.rows, 1):
        for column, cell in enumerate(cells, 1):
            at: tuple[Place, ...] = (row, column)
            deltas = tuple(zip(axes, at, strict=False))
            terms += (ix.Term(t.coefficient, t.factors, t.deltas + deltas, t.bound) for t in self.scalar(cell))
    return Tensor(shape, axes, tuple(terms))


# --- arithmetic -----------------------------------------------------------------------


def _neg(self: Lowering, node: tree.Neg) -> Tensor:
    made = self.tensor(node.body)
    return Tensor(made.shape, made.axes, ix.scale(made.expr, -1))


def _add(self: Lowering, node: tree.Add) -> Tensor:
    return _entrywise(node, [self.tensor(term) for term in node.terms], ix.add)


def _entrywise(node: Node, parts: list[Tensor], join: Callable[..., Expr]) -> Tensor:
    """`join` entry by entry; what is one number goes with every entry."""
    widest = max(parts, key=lambda part: (not part.lone, len(part.shape)))
    shape = list(widest.shape)
    for part in parts:
        if part.lone:
            continue
        if len(part.shape) != len(shape):
            raise CannotDerive(node, "these shapes do not go together entry by entry")
        for place, size in enumerate(part.shape):
            shape[place] = size if shape[place] is None else shape[place]
            if size is not None and size != shape[place]:
                raise CannotDerive(node, f"{size} is not {shape[place]}")
    axes = widest.axes
    moved = []
    for part in parts:
        same = len(part.axes) == len(axes)
        moved.append(_moved(part, axes) if same else _fixed(part))
    return Tensor(tuple(shape), axes, join(*moved))


def _product(self: Lowering, node: tree.Product) -> Tensor:
    result = self.tensor(node.factors[0])
    for sign, factor in zip(node.signs, node.factors[1:], strict=True):
        result = _pair(node, result, sign, self.tensor(factor))
    return result


def _join_product(*parts: Expr) -> Expr:
    return ix.multiply(*(ix.grouped(part) for part in parts))


def _pair(node: Node, left: Tensor, sign: str, right: Tensor) -> Tensor:
    if not left.shape or not right.shape or sign in {"*", "odot"}:
        return _entrywise(node, [left, right], _join_product)
    return _matrix_product(node, left, right)


def _matrix_product(node: Node, left: Tensor, right: Tensor) -> Tensor:
    inner = left.shape[1] if len(left.shape) == 2 else 1
    first = right.shape[0]
    if not (inner is None or first is None or inner == first):
        if left.lone or right.lone:
            return _entrywise(node, [left, right], _join_product)
        raise CannotDerive(node, f"{inner} is not {first} in a product")
    axes = left.axes[:1] + right.axes[1:]
    expr = _join_contraction(left, right, inner if inner is not None else first)
    return Tensor(left.shape[:1] + right.shape[1:], axes, expr)


def _join_contraction(left: Tensor, right: Tensor, size: Size | None) -> Expr:
    if len(left.axes) == 2:
        table: dict[str, Place] = {right.axes[0]: left.axes[1]}
        joined = _join_product(left.expr, ix.renamed(right.expr, table))
        return ix.summed(joined, left.axes[1], size or 1)
    # a column times a row: the inner axis has one place, and only the row has it as an axis
    return ix.summed(_join_product(left.expr, right.expr), right.axes[0], 1)


def _quotient(self: Lowering, node: tree.Quotient) -> Tensor:
    above, below = self.tensor(node.above), self.tensor(node.below)

    def divide(top: Expr, bottom: Expr) -> Expr:
        return _join_product(top, ix.power(ix.grouped(bottom), ix.constant(-1)))

    return _entrywise(node, [above, below], divide)


def _power(self: Lowering, node: tree.Power) -> Tensor:
    if isinstance(node.base, tree.Norm) and node.base.kind != "1":
        exponent = self.scalar(node.exponent)
        squares = _sum_of_squares(self, node.base.body)
        half = ix.scale(exponent, Fraction(1, 2))
        return Tensor((), (), ix.power(squares, half) if half != ix.ONE else squares)
    base = self.tensor(node.base)
    return Tensor(base.shape, base.axes, ix.power(ix.grouped(base.expr), self.scalar(node.exponent)))


def _sum_of_squares(self: Lowering, node: Node) -> Expr:
    made = self.tensor(node)
    return _total(Tensor(made.shape, made.axes, ix.power(ix.grouped(made.expr), ix.constant(2))))


def _norm(self: Lowering, node: tree.Norm) -> Tensor:
    if node.kind == "1":
        made = self.tensor(node.body)
        return Tensor((), (), _total(Tensor(made.shape, made.axes, ix.single(ix.Apply("abs", (made.expr,))))))
    return Tensor((), (), ix.power(_sum_of_squares(self, node.body), ix.constant(Fraction(1, 2))))


def _transpose(self: Lowering, node: tree.Transpose) -> Tensor:
    made = self.tensor(node.body)
    if len(made.shape) == 2:
        return Tensor(made.shape[::-1], made.axes[::-1], made.expr)
    if len(made.shape) == 1:
        return Tensor((1, *made.shape), (ix.fresh("j"), *made.axes), made.expr)
    return made


def _index(self: Lowering, node: tree.Index) -> Tensor:
    made = self.tensor(node.base)
    table: dict[str, Place] = {}
    kept: list[int] = []
    for at, (axis, place) in enumerate(zip(made.axes, node.places, strict=True)):
        match place:
            case tree.Number(value):
                table[axis] = int(value)
            case tree.Name(name):
                table[axis] = name
            case tree.Slice(None, None):
                kept.append(at)
            case _:
                raise CannotDerive(node, "this index is not read by the calculus")
    shape = tuple(made.shape[at] for at in kept)
    axes = tuple(made.axes[at] for at in kept)
    expr = ix.renamed(made.expr, table)
    if kept == [1]:  # a row of a matrix stays a row
        return Tensor((1, *shape), (ix.fresh("j"), *axes), expr)
    return Tensor(shape, axes, expr)


def _sum_node(self: Lowering, node: tree.Sum) -> Tensor:
    if not (isinstance(node.low, tree.Number) and node.low.value == 1):
        raise CannotDerive(node, "a sum must start at 1")
    size: Size
    match node.high:
        case tree.Number(value):
            size = int(value)
        case tree.Name(name):
            size = name
        case _:
            raise CannotDerive(node, "a sum must end at a size")
    made = self.tensor(node.body)
    index = ix.fresh(node.index)
    expr = ix.summed(ix.renamed(made.expr, {node.index: index}), index, size)
    return Tensor(made.shape, made.axes, expr)


# --- functions --------------------------------------------------------------------------


def _call(self: Lowering, node: tree.Call) -> Tensor:
    if node.function in {"sum", "mean"}:
        return _reduction(self, node)
    row = self.functions.get(node.function) or TABLE.get(node.function)
    if row is None:
        raise CannotDerive(node, f"unknown function {node.function}")
    if row.smooth and (row.kind == "loss" or len(row.arguments) > 1):
        return _by_formula(self, node, row)
    if row.name == "square" and not node.primes:
        made = self.tensor(node.args[0])
        return Tensor(made.shape, made.axes, ix.power(ix.grouped(made.expr), ix.constant(2)))
    made = self.tensor(node.args[0])
    options = tuple((key, self.scalar(value)) for key, value in node.options)
    applied = ix.single(ix.Apply(row.name, (made.expr,), node.primes, options))
    return Tensor(made.shape, made.axes, applied)


def _by_formula(self: Lowering, node: tree.Call, row: Function) -> Tensor:
    """A loss, or a function of two arguments: its formula with the arguments put in."""
    if node.primes:
        raise CannotDerive(node, f"{row.name} has several arguments: say by which to derive")
    parts = [self.tensor(arg) for arg in node.args]
    options = {**{key: self.read(text, row) for key, text in row.options}, **dict(node.options)}
    slots = dict(zip(row.arguments, parts, strict=True))
    body = tree.replace_names(self.read(row.pieces[0].formula, row), dict(options))
    made = _WithSlots(self.shapes, self.functions, self.read, slots).tensor(body)
    if row.reduce is None:
        return made
    expr = _total(made)
    if row.reduce == "mean":
        expr = ix.multiply(_share(made.shape), expr)
    return Tensor((), (), expr)


@dataclass(frozen=True, slots=True)
class _WithSlots(Lowering):
    """Lowering of a row's formula: the row's arguments stand for tensors."""

    slots: Mapping[str, Tensor]

    def tensor(self, node: Node) -> Tensor:
        if isinstance(node, tree.Name) and node.name in self.slots:
            part = self.slots[node.name]
            axes = _axes(part.shape)
            return Tensor(part.shape, axes, _moved(part, axes))
        return Lowering.tensor(self, node)


def _share(shape: tuple[Size | None, ...]) -> Expr:
    """1 over the number of entries."""
    result = ix.ONE
    for size in shape:
        if isinstance(size, int):
            result = ix.scale(result, Fraction(1, size))
        else:
            result = ix.multiply(result, ix.power(ix.single(ix.Length(str(size))), ix.constant(-1)))
    return result


def _reduction(self: Lowering, node: tree.Call) -> Tensor:
    made = self.tensor(node.args[0])
    options = dict(node.options)
    axis = options.get("axis")
    expr, shape, axes = made.expr, made.shape, made.axes
    if axis is None:
        gone = list(range(len(shape)))
    elif isinstance(axis, tree.Number):
        gone = [int(axis.value)]
    else:
        raise CannotDerive(node, "axis must be 0 or 1")
    for at in gone:
        expr = ix.summed(expr, axes[at], shape[at] or 1)
    if node.function == "mean":
        expr = ix.multiply(_share(tuple(shape[at] for at in gone)), expr)
    kept = [at for at in range(len(shape)) if at not in gone]
    return Tensor(tuple(shape[at] for at in kept), tuple(axes[at] for at in kept), expr)


_METHODS: dict[type, Callable[..., Tensor]] = {
    tree.Number: _number,
    tree.Constant: _constant,
    tree.Name: _name,
    tree.Gradient: _gradient,
    tree.Ones: _ones,
    tree.Bracket: _layout,
    tree.Brace: _layout,
    tree.Box: _layout,
    tree.Coloured: _layout,
    tree.Matrix: _matrix,
    tree.Neg: _neg,
    tree.Add: _add,
    tree.Product: _product,
    tree.Quotient: _quotient,
    tree.Power: _power,
    tree.Norm: _norm,
    tree.Transpose: _transpose,
    tree.Index: _index,
    tree.Sum: _sum_node,
    tree.Call: _call,
}
