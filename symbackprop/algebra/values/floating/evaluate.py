"""What each node of the tree means for whole arrays of floats.

Inside a sum over an index, or an array given by its entries, every value carries one leading axis for each
index in force (of length 1 where it does not hang on it), so that a formula is computed for all values of
its indices at once. `k` is the number of those axes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

from symbackprop.algebra.functions import TABLE, Function
from symbackprop.algebra.values.domain import EvaluationError, Missing
from symbackprop.algebra.values.floating import np
from symbackprop.algebra.values.floating.atoms import Floats, power
from symbackprop.notation import tree
from symbackprop.notation.sizes import Linear, linear_form
from symbackprop.notation.tree import Node

Kinks = Mapping[str, Mapping[Fraction, Fraction]]


@dataclass(frozen=True, slots=True)
class Frame:
    """What a node can see: values, and the indices in force.

    `axes` are the lengths of the index axes, `indices` which of them an index is, `fixed` the indices that
    have one value. `mask` (over the axes) says where a guard lets the formula be looked at.
    """

    env: Mapping[str, Floats]
    axes: tuple[int, ...] = ()
    indices: Mapping[str, tuple[int, Any]] = field(default_factory=dict)  # name -> axis, its values
    fixed: Mapping[str, int] = field(default_factory=dict)
    mask: Any = None

    def wider(self, index: str, low: int, high: int) -> Frame:
        """The frame with one index more, as a new last axis."""
        length = high - low + 1
        values = np.arange(low, high + 1)
        fixed = {name: value for name, value in self.fixed.items() if name != index}
        return Frame(
            self.env, (*self.axes, length), {**self.indices, index: (len(self.axes), values)}, fixed,
            None if self.mask is None else self.mask[..., None],
        )  # fmt: skip

    def at(self, index: str, value: int) -> Frame:
        """The frame with one value for an index."""
        return replace(self, fixed={**self.fixed, index: value})

    def column(self, index: str) -> Any:
        """The values of an index, along its own axis."""
        axis, values = self.indices[index]
        return values.reshape((1,) * axis + (-1,) + (1,) * (len(self.axes) - axis - 1))


@dataclass(frozen=True, slots=True)
class Floating:
    """An evaluator. `sizes`: the numbers behind symbolic sizes; `functions`: the exercise's own; `kinks`:
    the slopes taken at kinks, where a derivative is asked for (else the row's `tie`)."""

    sizes: Mapping[str, int] = field(default_factory=dict)
    functions: Mapping[str, Function] = field(default_factory=dict)
    kinks: Kinks = field(default_factory=dict)

    def evaluate(self, node: Node, env: Mapping[str, Floats]) -> Floats:
        """The value of `node`; infinite or no number where floats cannot say it.

        Raises Missing for a name without value, EvaluationError where the tree has no meaning. The caller
        decides about NumPy's warnings (`numpy.errstate`).
        """
        return np.asarray(self.value(node, Frame(env)), dtype=np.float64)

    def row(self, name: str) -> Function | None:
        """The function of that name, own ones first."""
        return self.functions.get(name) or TABLE.get(name)

    def value(self, node: Node, frame: Frame) -> Any:
        """An array with one leading axis for each index of the frame."""
        handler = _HANDLERS.get(type(node))
        if handler is None:
            raise EvaluationError(node, f"a {type(node).__name__} has no value in floats")
        return handler(self, node, frame)

    def scalar(self, node: Node, frame: Frame) -> Any:
        """The value of a scalar or of an array of size 1, with the index axes only."""
        value = self.value(node, frame)
        k = len(frame.axes)
        if value.ndim == k:
            return value
        if math.prod(value.shape[k:]) != 1:
            raise EvaluationError(node, f"a single number is needed here, not an array {value.shape[k:]}")
        return value.reshape(value.shape[:k])

    def place(self, node: Node, frame: Frame) -> Any:
        """A whole number made of indices, sizes and numbers: an int, or an array along the index axes."""
        form = _form(node)
        if form is None:
            raise EvaluationError(node, "an index must be a whole number")
        coefficients, total = form
        result: Any = total
        for name, count in coefficients.items():
            result = result + count * self._whole(node, name, frame)
        return result

    def _whole(self, node: Node, name: str, frame: Frame) -> Any:
        if name in frame.fixed:
            return frame.fixed[name]
        if name in frame.indices:
            return frame.column(name)
        if name in self.sizes and name not in frame.env:
            return self.sizes[name]
        raise EvaluationError(node, f"{name} is neither an index nor a size")

    def whole(self, node: Node, frame: Frame) -> int:
        """A size: the same for all indices. Raises EvaluationError."""
        found = self.place(node, frame)
        if not isinstance(found, int):
            raise EvaluationError(node, "a size does not hang on an index")
        return found


@lru_cache(maxsize=4096)
def _form(node: Node) -> Linear | None:
    return linear_form(node)


# --- shapes ----------------------------------------------------------------------------------


def lifted(value: Any, rank: int) -> Any:
    """`value` with `rank` axes of length 1 behind its own."""
    return value.reshape(value.shape + (1,) * rank) if rank else value


def paired(node: Node, k: int, a: Any, b: Any, *, loose: bool = False) -> tuple[Any, Any]:
    """Two operands side by side: equal shapes, a scalar and anything, or arrays of size 1.

    `loose`: any array of size 1 counts as a scalar. Raises EvaluationError.
    """
    first, second = a.shape[k:], b.shape[k:]
    if first == second:
        return a, b
    small, other = math.prod(first) == 1, math.prod(second) == 1
    rank = max(len(first), len(second))
    if (not first or (loose and small)) and not (other and len(second) < len(first)):
        return a.reshape(a.shape[:k] + (1,) * rank), b
    if not second or (loose and other) or (small and other):
        if small and len(first) < rank:
            return a.reshape(a.shape[:k] + (1,) * rank), b
        return a, b.reshape(b.shape[:k] + (1,) * rank)
    raise EvaluationError(node, f"shapes {first} and {second} do not fit")


# --- leaves ----------------------------------------------------------------------------------


def _number(self: Floating, node: tree.Number, frame: Frame) -> Any:
    return _constant(node.value, len(frame.axes))


@lru_cache(maxsize=4096)
def _constant(value: Fraction, k: int) -> Any:
    return np.full((1,) * k, float(value))


def _pi(self: Floating, node: tree.Constant, frame: Frame) -> Any:
    return np.full((1,) * len(frame.axes), math.pi if node.name == "pi" else math.e)


def _name(self: Floating, node: tree.Name, frame: Frame) -> Any:
    return _named(self, node.name, frame)


def _named(self: Floating, name: str, frame: Frame) -> Any:
    k = len(frame.axes)
    if name in frame.fixed:
        return np.full((1,) * k, float(frame.fixed[name]))
    if name in frame.indices:
        return frame.column(name).astype(np.float64)
    value = frame.env.get(name)
    if value is not None:
        return value.reshape((1,) * k + value.shape) if k else value
    if name in self.sizes:
        return np.full((1,) * k, float(self.sizes[name]))
    raise Missing(name)


def _gradient(self: Floating, node: tree.Gradient, frame: Frame) -> Any:
    of = node.of
    if isinstance(of, tree.Name):
        return _named(self, "d" + of.name, frame)
    if isinstance(of, tree.Index) and isinstance(of.base, tree.Name):
        return self.value(tree.Index(tree.Name("d" + of.base.name), of.places), frame)
    raise EvaluationError(node, "a gradient belongs to a name")


def _ones(self: Floating, node: tree.Ones, frame: Frame) -> Any:
    if node.size is None:
        raise EvaluationError(node, "nothing says the size of this vector of ones")
    return np.ones((1,) * len(frame.axes) + (self.whole(node.size, frame),))


def _dressed(self: Floating, node: Any, frame: Frame) -> Any:
    return self.value(node.body, frame)


# --- arithmetic --------------------------------------------------------------------------------


def _neg(self: Floating, node: tree.Neg, frame: Frame) -> Any:
    return -self.value(node.body, frame)


def _add(self: Floating, node: tree.Add, frame: Frame) -> Any:
    k = len(frame.axes)
    first, *others = node.terms
    total = self.value(first, frame)
    for term in others:
        minus = isinstance(term, tree.Neg)
        value = self.value(term.body if isinstance(term, tree.Neg) else term, frame)
        if total.shape[k:] != value.shape[k:]:
            total, value = paired(node, k, total, value)
        total = total - value if minus else total + value
    return total


def _product(self: Floating, node: tree.Product, frame: Frame) -> Any:
    k = len(frame.axes)
    total = self.value(node.factors[0], frame)
    for sign, factor in zip(node.signs, node.factors[1:], strict=True):
        value = self.value(factor, frame)
        if sign in ("*", "odot"):
            left, right = paired(node, k, total, value, loose=sign == "*")
            total = left * right
        else:
            total = _times(node, k, total, value)
    return total


def _times(node: Node, k: int, a: Any, b: Any) -> Any:
    """Scalar times anything, else the matrix product with a vector seen as one column."""
    ranks = a.ndim - k, b.ndim - k
    if 0 in ranks:
        return lifted(a, ranks[1] - ranks[0]) * b if not ranks[0] else a * lifted(b, ranks[0])
    if max(ranks) <= 2:
        width = a.shape[-1] if ranks[0] == 2 else 1
        if width == b.shape[k] and (2 in ranks or b.shape[k:] == (1,)):
            return _matrix_product(ranks, width, a, b)
    left, right = paired(node, k, a, b, loose=True)
    if 1 not in (math.prod(a.shape[k:]), math.prod(b.shape[k:])):
        raise EvaluationError(node, f"shapes {a.shape[k:]} and {b.shape[k:]} do not fit in a product")
    return left * right


def _matrix_product(ranks: tuple[int, int], width: int, a: Any, b: Any) -> Any:
    left = a if ranks[0] == 2 else a[..., None]
    right = b if ranks[1] == 2 else b[..., None]
    made = left * right if width == 1 else left @ right
    return made if ranks[1] == 2 else made[..., 0]


def _quotient(self: Floating, node: tree.Quotient, frame: Frame) -> Any:
    above, below = self.value(node.above, frame), self.value(node.below, frame)
    left, right = paired(node, len(frame.axes), above, below, loose=True)
    return left / right


def _power(self: Floating, node: tree.Power, frame: Frame) -> Any:
    k = len(frame.axes)
    base, exponent = tree.bare(node.base), tree.bare(node.exponent)
    known = exponent.value if isinstance(exponent, tree.Number) else None
    if isinstance(base, tree.Norm) and base.kind != "1" and known and known % 2 == 0:
        return power(_squares(self, base, frame), float(known / 2))  # no root: it has a slope at 0
    value = self.value(node.base, frame)
    if known is not None:
        return power(value, float(known))
    if isinstance(exponent, tree.Neg) and isinstance(tree.bare(exponent.body), tree.Number):
        return power(value, float(self.scalar(exponent, frame).item()))
    left, right = paired(node, k, value, self.value(node.exponent, frame), loose=True)
    return power(left, right)


def _transpose(self: Floating, node: tree.Transpose, frame: Frame) -> Any:
    value = self.value(node.body, frame)
    rank = value.ndim - len(frame.axes)
    if rank > 2:
        raise EvaluationError(node, "a transpose has two axes")
    return value.swapaxes(-1, -2) if rank == 2 else value[..., None, :] if rank else value


def _squares(self: Floating, node: tree.Norm, frame: Frame) -> Any:
    value = self.value(node.body, frame)
    return total(value * value, len(frame.axes))


def total(value: Any, k: int) -> Any:
    """The sum of all entries, for each value of the indices."""
    return value.sum(axis=tuple(range(k, value.ndim)))


def _norm(self: Floating, node: tree.Norm, frame: Frame) -> Any:
    if node.kind == "1":
        return total(np.abs(self.value(node.body, frame)), len(frame.axes))
    return np.sqrt(_squares(self, node, frame))


def _matrix(self: Floating, node: tree.Matrix, frame: Frame) -> Any:
    """An array written out; a column is a vector."""
    cells = np.broadcast_arrays(*(self.scalar(cell, frame) for row in node.rows for cell in row))
    shape = (len(node.rows),) if node.form == "column" else (len(node.rows), len(node.rows[0]))
    return np.stack(cells, axis=-1).reshape(cells[0].shape + shape)


# --- the rest ----------------------------------------------------------------------------------


def _call(self: Floating, node: tree.Call, frame: Frame) -> Any:
    from symbackprop.algebra.values.floating.calls import call  # the two modules need each other

    return call(self, node, frame)


def _indexed(name: str) -> Callable[[Any, Any, Any], Any]:
    def handler(self: Floating, node: Node, frame: Frame) -> Any:
        from symbackprop.algebra.values.floating import indices  # the two modules need each other

        return getattr(indices, name)(self, node, frame)

    return handler


_HANDLERS: dict[type[Node], Callable[[Any, Any, Frame], Any]] = {
    tree.Number: _number, tree.Constant: _pi, tree.Name: _name, tree.Ones: _ones, tree.Gradient: _gradient,
    tree.Bracket: _dressed, tree.Brace: _dressed, tree.Box: _dressed, tree.Coloured: _dressed,
    tree.Neg: _neg, tree.Add: _add, tree.Product: _product, tree.Quotient: _quotient, tree.Power: _power,
    tree.Transpose: _transpose, tree.Norm: _norm, tree.Matrix: _matrix, tree.Call: _call,
    tree.Index: _indexed("index"), tree.Sum: _indexed("indexed_sum"), tree.Where: _indexed("where"),
    tree.Entrywise: _indexed("entrywise"), tree.Delta: _indexed("delta"),
}  # fmt: skip
"""What each node means."""
