"""Calls to entries: functions entry by entry, losses by their formulas, sums and means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from symbackprop.algebra import indexform as ix
from symbackprop.algebra import lower_indices
from symbackprop.algebra.axes import RUNNING
from symbackprop.algebra.axes import TABLE as AXIS_FUNCTIONS
from symbackprop.algebra.functions import OPERATIONS, TABLE, Function
from symbackprop.algebra.indexform import Expr
from symbackprop.algebra.lower import (
    CannotDerive,
    Lowering,
    Tensor,
    entry_by_entry,
    fresh_axes,
    moved_to,
    total,
)
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Size

_POWERS = {"square": Fraction(2), "sqrt": Fraction(1, 2)}
"""Rows that are powers: as such they meet other powers of the same base."""


_SYMMETRIC = frozenset({"max", "min"})


def call(lowering: Lowering, node: tree.Call) -> Tensor:
    """The tensor of a call. Raises CannotDerive."""
    if node.function in _OPERATIONS:
        return _OPERATIONS[node.function](lowering, node)
    row = row_of(lowering, node.function)
    if row is None:
        raise CannotDerive(node, f"{node.function} is no function that the calculus knows")
    if row.smooth and (row.kind == "loss" or len(row.arguments) > 1 or made_of_cases(lowering, row)):
        return _by_formula(lowering, node, row)
    if len(row.arguments) > 1 or row.reduce is not None:
        kind = "without a formula" if not row.pieces else "by cases"
        raise CannotDerive(node, f"a function {kind} has one argument here, and {row.name} has more")
    made = lowering.tensor(node.args[0])
    power = _POWERS.get(row.name)
    if power is not None and not node.primes and row is TABLE[row.name]:
        return Tensor(made.shape, made.axes, ix.power(ix.grouped(made.expr), ix.constant(power)))
    options = tuple((key, lowering.scalar(value)) for key, value in node.options)
    applied = ix.single(ix.Apply(row.name, (made.expr,), node.primes, options))
    return Tensor(made.shape, made.axes, applied)


def row_of(lowering: Lowering, name: str) -> Function | None:
    """A function of the exercise or of the table."""
    return lowering.functions.get(name) or TABLE.get(name)


def made_of_cases(lowering: Lowering, row: Function) -> bool:
    """Whether the one formula of a row calls functions by cases or without a formula."""
    return any(not inner.smooth or made_of_cases(lowering, inner) for inner in _called(lowering, row))


def _called(lowering: Lowering, row: Function) -> Iterator[Function]:
    for piece in row.pieces:
        for part in tree.walk(lowering.read(piece.formula, row)):
            if isinstance(part, tree.Call) and part.function not in OPERATIONS | {row.name}:
                inner = row_of(lowering, part.function)
                if inner is not None:
                    yield inner


def _by_formula(lowering: Lowering, node: tree.Call, row: Function) -> Tensor:
    """A loss, or a function of two arguments: its formula with the arguments put in."""
    if node.primes:
        raise CannotDerive(node, f"a model cannot use the derivative of {row.name} itself")
    parts = [lowering.tensor(arg) for arg in node.args]
    if row.name in _SYMMETRIC and ix.number_of(parts[0].expr) is not None:
        parts.reverse()  # max(0, z) is max(z, 0), which is shorter
    slots = dict(zip(row.arguments, parts, strict=True))
    given = dict(node.options)
    for key, default in row.options:
        value = given.get(key, lowering.read(default, row))
        slots[key] = Tensor((), (), lowering.scalar(value))
    inner = _WithSlots(lowering.shapes, lowering.functions, lowering.read, lowering.sizes, slots)
    made = inner.tensor(lowering.read(row.pieces[0].formula, row))
    made = entry_by_entry(node, [made, *parts], lambda first, *_: first)
    if row.reduce is None:
        return made
    expr = total(made)
    if row.reduce == "mean":
        expr = ix.multiply(_share(made.shape), expr)
    return Tensor((), (), expr)


@dataclass(frozen=True, slots=True)
class _WithSlots(Lowering):
    """Lowering of a row's formula: arguments and options of the row stand for tensors."""

    slots: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def entrywise(self) -> bool:
        return True

    def tensor(self, node: Node) -> Tensor:
        if isinstance(node, tree.Name) and node.name in self.slots:
            part = self.slots[node.name]
            axes = fresh_axes(part.shape)
            return Tensor(part.shape, axes, moved_to(part, axes))
        return Lowering.tensor(self, node)


def _share(shape: tuple[Size | None, ...]) -> Expr:
    """1 over the number of entries."""
    result = ix.ONE
    for size in shape:
        if isinstance(size, int):
            result = ix.scale(result, Fraction(1, size))
        else:
            result = ix.multiply(result, ix.power(ix.length(size or 1), ix.constant(-1)))
    return result


def _along(lowering: Lowering, node: tree.Call) -> Tensor:
    """softmax of a vector, of every row of a matrix, or (`axis = 0`) of every column."""
    made = lowering.tensor(node.args[0])
    axis = dict(node.options).get("axis")
    columns = axis is not None and tree.undressed(axis) == tree.number(0) and len(made.shape) == 2
    at = 0 if columns else len(made.shape) - 1
    if at < 0:
        raise CannotDerive(node, f"{node.function} is of a vector, or of the rows of a matrix")
    index = RUNNING
    arg = ix.renamed(made.expr, {made.axes[at]: index})
    factor = ix.Along(node.function, arg, index, made.shape[at] or 1, made.axes[at])
    return Tensor(made.shape, made.axes, ix.single(factor))


def _cross_entropy_logits(lowering: Lowering, node: tree.Call) -> Tensor:
    """`−Σ t log softmax(z)`."""
    logits, targets = node.args
    logs = tree.Call("log_softmax", (logits,))
    product = tree.times(targets, logs, sign="*")
    return lowering.tensor(tree.Neg(tree.Call("sum", (product,))))


def _reduction(lowering: Lowering, node: tree.Call) -> Tensor:
    made = lowering.tensor(node.args[0])
    axis = dict(node.options).get("axis")
    axis = None if axis is None else tree.undressed(axis)
    expr, shape, axes = made.expr, made.shape, made.axes
    if axis is None:
        gone = list(range(len(shape)))
    elif isinstance(axis, tree.Number) and axis.value in range(len(shape)):
        gone = [int(axis.value)]
    else:
        raise CannotDerive(node, "axis is 0 or 1, and the array must have that axis")
    for at in gone:
        expr = ix.summed(expr, axes[at], shape[at] or 1)
    if node.function == "mean":
        expr = ix.multiply(_share(tuple(shape[at] for at in gone)), expr)
    kept = [at for at in range(len(shape)) if at not in gone]
    return Tensor(tuple(shape[at] for at in kept), tuple(axes[at] for at in kept), expr)


_OPERATIONS: Mapping[str, Callable[[Lowering, tree.Call], Tensor]] = {
    "sum": _reduction,
    "mean": _reduction,
    **dict.fromkeys(AXIS_FUNCTIONS, _along),
    "cross_entropy_logits": _cross_entropy_logits,
    "stack": lower_indices.stack,
    "hstack": lower_indices.hstack,
    "diag": lower_indices.diag,
    "trace": lower_indices.trace,
    "eye": lower_indices.eye,
    "zeros": lower_indices.zeros,
    "onehot": lower_indices.onehot,
    "dot": lower_indices.dot,
    "outer": lower_indices.outer,
}
"""Calls that are no rows of the table of functions, and what each is in indices."""
