"""Trees to entries: `W x + b` becomes `Σ_i W_ji x_i + b_j`.

A tree is taken apart bottom up into tensors: a shape, one index symbol for each axis, and the
expression of the entry at those indices. What a product means follows from the shapes
(the same rules as `notation/shapes.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.functions import Function
from symbackprop.algebra.indexform import Expr, Place
from symbackprop.notation import sizes, tree
from symbackprop.notation.tree import Node, Shape, Size


class CannotDerive(ValueError):
    """A tree that the calculus does not cover.

    `node` is the part that stopped it, `equation` the name of the equation it stands in (empty
    until somebody knows), `message` what is wrong in words, `suggestion` what would do instead.
    """

    def __init__(self, node: Node, message: str, suggestion: str = "", *, equation: str = "") -> None:
        super().__init__(node, message, suggestion, equation)
        self.node = node
        self.message = message
        self.suggestion = suggestion
        self.equation = equation

    def __str__(self) -> str:
        from symbackprop.notation.write import to_plain  # only for messages

        place = f"model.{self.equation}: " if self.equation else ""
        advice = f" {self.suggestion}" if self.suggestion else ""
        return f"{place}{self.message}: {to_plain(self.node)}.{advice}"

    def within(self, equation: str) -> CannotDerive:
        """The same error, knowing its equation."""
        self.equation = self.equation or equation
        return self


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
    sizes: frozenset[str] = frozenset()

    @property
    def entrywise(self) -> bool:
        """Whether every product is entry by entry, as in the formula of a function."""
        return False

    def tensor(self, node: Node) -> Tensor:
        """The tensor of `node`. Raises CannotDerive."""
        method = _rules().get(type(node))
        if method is None:
            raise CannotDerive(node, "the calculus has no rule for this")
        return method(self, node)

    def scalar(self, node: Node) -> Expr:
        """The value of a node that is one number; a size-1 axis is summed away."""
        made = self.tensor(node)
        if not made.lone:
            raise CannotDerive(node, "a single number is needed here, and this is an array")
        return total(made)


def total(made: Tensor) -> Expr:
    """The sum of all entries."""
    expr = made.expr
    for axis, size in zip(made.axes, made.shape, strict=True):
        expr = ix.summed(expr, axis, size or 1)
    return expr


def fresh_axes(shape: tuple[Size | None, ...]) -> tuple[str, ...]:
    """A new index symbol for each axis."""
    return tuple(ix.fresh(letter) for letter in "jilr"[: len(shape)])


def moved_to(made: Tensor, axes: tuple[str, ...]) -> Expr:
    """The entry at other indices."""
    table: dict[str, Place] = dict(zip(made.axes, axes, strict=True))
    return ix.renamed(made.expr, table)


# --- leaves and layout ----------------------------------------------------------------


def _number(_: Lowering, node: tree.Number) -> Tensor:
    return Tensor((), (), ix.constant(node.value))


def _constant(_: Lowering, node: tree.Constant) -> Tensor:
    return Tensor((), (), ix.single(ix.Pi()))


def _name(self: Lowering, node: tree.Name) -> Tensor:
    if node.name not in self.shapes:
        number = ix.Length(node.name) if node.name in self.sizes else ix.Counter(node.name)
        return Tensor((), (), ix.single(number))
    shape = self.shapes[node.name]
    axes = fresh_axes(shape)
    return Tensor(shape, axes, ix.single(ix.Entry(node.name, axes)))


def _gradient(self: Lowering, node: tree.Gradient) -> Tensor:
    made = self.tensor(node.of)
    factors = tuple(
        ix.Entry(f.name, f.places, True) for t in made.expr for f in t.factors if isinstance(f, ix.Entry)
    )
    return Tensor(made.shape, made.axes, (ix.Term(Fraction(1), factors),))


def _ones(_: Lowering, node: tree.Ones) -> Tensor:
    size = None if node.size is None else sizes.size_of_tree(node.size)
    return Tensor((size,), fresh_axes((size,)), ix.ONE)


def _layout(self: Lowering, node: tree.Bracket | tree.Brace | tree.Box | tree.Coloured) -> Tensor:
    return self.tensor(node.body)


def _matrix(self: Lowering, node: tree.Matrix) -> Tensor:
    """An array written out is a sum over its places: `Σ value δ_{j,row} δ_{i,column}`."""
    shape: Shape = (len(node.rows), len(node.rows[0]))
    if node.form == "column":
        shape = shape[:1]
    axes = fresh_axes(shape)
    terms: list[ix.Term] = []
    for row, cells in enumerate(node.rows, 1):
        for column, cell in enumerate(cells, 1):
            at: tuple[Place, ...] = (row, column)
            deltas = tuple(zip(axes, at, strict=False))
            terms += (replace(term, deltas=term.deltas + deltas) for term in self.scalar(cell))
    return Tensor(shape, axes, tuple(terms))


# --- arithmetic -----------------------------------------------------------------------


def _neg(self: Lowering, node: tree.Neg) -> Tensor:
    made = self.tensor(node.body)
    return Tensor(made.shape, made.axes, ix.scale(made.expr, -1))


def _add(self: Lowering, node: tree.Add) -> Tensor:
    return entry_by_entry(node, [self.tensor(term) for term in node.terms], ix.add)


def entry_by_entry(node: Node, parts: list[Tensor], join: Callable[..., Expr]) -> Tensor:
    """`join` entry by entry; what is one number goes with every entry.

    A size-1 axis that only that number has becomes a sum of one term.
    """
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
        same = len(part.axes) == len(axes) and part.lone == widest.lone  # r of one entry has no x[i]'s i
        moved.append(moved_to(part, axes) if same else total(part))
    return Tensor(tuple(shape), axes, join(*moved))


def _product(self: Lowering, node: tree.Product) -> Tensor:
    result = self.tensor(node.factors[0])
    for sign, factor in zip(node.signs, node.factors[1:], strict=True):
        result = _pair(node, result, "*" if self.entrywise else sign, self.tensor(factor))
    return result


def _join_product(*parts: Expr) -> Expr:
    """The product; a sum of several terms stays in its brackets."""
    return ix.multiply(*(part if len(part) == 1 else ix.grouped(part) for part in parts))


def _pair(node: Node, left: Tensor, sign: str, right: Tensor) -> Tensor:
    if not left.shape or not right.shape or sign in {"*", "odot"}:
        return entry_by_entry(node, [left, right], _join_product)
    return _matrix_product(node, left, right)


def _matrix_product(node: Node, left: Tensor, right: Tensor) -> Tensor:
    inner = left.shape[1] if len(left.shape) == 2 else 1
    first = right.shape[0]
    if not (inner is None or first is None or inner == first):
        if left.lone or right.lone:
            return entry_by_entry(node, [left, right], _join_product)
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

    return entry_by_entry(node, [above, below], divide)


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
    return total(Tensor(made.shape, made.axes, ix.power(ix.grouped(made.expr), ix.constant(2))))


def _norm(self: Lowering, node: tree.Norm) -> Tensor:
    if node.kind == "1":
        made = self.tensor(node.body)
        return Tensor((), (), total(Tensor(made.shape, made.axes, ix.single(ix.Apply("abs", (made.expr,))))))
    return Tensor((), (), ix.power(_sum_of_squares(self, node.body), ix.constant(Fraction(1, 2))))


def _transpose(self: Lowering, node: tree.Transpose) -> Tensor:
    made = self.tensor(node.body)
    if len(made.shape) == 2:
        return Tensor(made.shape[::-1], made.axes[::-1], made.expr)
    if len(made.shape) == 1:
        return Tensor((1, *made.shape), (ix.fresh("j"), *made.axes), made.expr)
    return made


@cache
def _rules() -> Mapping[type, Callable[..., Tensor]]:
    """What to do with each kind of node."""
    from symbackprop.algebra import lower_calls, lower_indices  # they build on this module

    return {
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
        tree.Index: lower_indices.index,
        tree.Sum: lower_indices.total,
        tree.Entrywise: lower_indices.entrywise,
        tree.Where: lower_indices.where,
        tree.Call: lower_calls.call,
    }
