"""Functions of whole arrays of floats: rows of the table, own functions, operations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from symbackprop.algebra.functions import TABLE, Function
from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.domain import EvaluationError, Missing
from symbackprop.algebra.values.floating import np
from symbackprop.algebra.values.floating.atoms import WHOLE, Dual, Number, atom, chosen, core, power
from symbackprop.algebra.values.floating.evaluate import Floating, Frame, lifted, paired, total
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

PRIMES = 4  # derivatives of one function


def call(self: Floating, node: tree.Call, frame: Frame) -> Any:
    """The value of a call. Raises EvaluationError for an unknown function or a wrong number of arguments,
    Missing for a function without formula."""
    operation = _OPERATIONS.get(node.function)
    if operation is not None and not node.primes:
        return operation(self, node, frame)
    row = self.row(node.function)
    if row is None:
        raise EvaluationError(node, f"there is no function {node.function}")
    if not row.pieces:
        raise Missing(row.name)
    if len(node.args) != len(row.arguments):
        raise EvaluationError(node, f"{row.name} takes {len(row.arguments)} arguments, not {len(node.args)}")
    if node.primes > PRIMES:
        raise EvaluationError(node, f"more than {PRIMES} derivatives")
    args = _side_by_side(self, node, frame)
    made = _derived(self, row, args, _options(self, row, node, frame, args[0]), node.primes)
    return _reduced(row, np.asarray(made), len(frame.axes), node.primes, args)


def _side_by_side(self: Floating, node: tree.Call, frame: Frame) -> list[Any]:
    k = len(frame.axes)
    args = [self.value(arg, frame) for arg in node.args]
    for place in range(1, len(args)):
        args[0], args[place] = paired(node, k, args[0], args[place])
    rank = max(arg.ndim for arg in args) - k
    return [lifted(arg, rank) if arg.ndim == k else arg for arg in args]


def _options(self: Floating, row: Function, node: tree.Call, frame: Frame, like: Any) -> dict[str, Number]:
    given = dict(node.options)
    for name in given:
        if name not in dict(row.options):
            raise EvaluationError(node, f"{row.name} has no option {name}")
    made: dict[str, Number] = {}
    for name, default in row.options:
        if name in given:
            value = self.scalar(given[name], frame)
            made[name] = float(value) if not value.ndim else lifted(value, like.ndim - value.ndim)
        else:
            made[name] = _entry(self, formula(default, frozenset(self.functions)), {})
    return made


def _reduced(row: Function, made: Any, k: int, primes: int, args: Sequence[Any]) -> Any:
    """A loss adds its entries up or takes their mean; its derivative has one entry per argument entry."""
    if row.reduce is None:
        return made
    made = np.broadcast_to(made, np.broadcast_shapes(made.shape, *(arg.shape for arg in args)))
    if row.reduce == "mean":
        made = made / math.prod(made.shape[k:])
    return made if primes else total(made, k)


# --- rows ----------------------------------------------------------------------------------------


def _derived(
    self: Floating, row: Function, args: Sequence[Number], options: Mapping[str, Number], primes: int
) -> Number:
    """The function, `primes` times differentiated by its first argument, entry by entry."""
    if primes == 0:
        return _applied(self, row, args, options)
    moved = _derived(self, row, [Dual(args[0], 1.0), *args[1:]], options, primes - 1)
    slope = moved.slope if isinstance(moved, Dual) else 0.0
    shape = np.broadcast_shapes(*(np.shape(core(arg)) for arg in args))
    return slope if isinstance(slope, Dual) else np.broadcast_to(slope, shape)


def _applied(self: Floating, row: Function, args: Sequence[Number], options: Mapping[str, Number]) -> Number:
    if row.name in WHOLE and row is TABLE.get(row.name):
        return atom(row.name, args[0])
    env = {**dict(zip(row.arguments, args, strict=True)), **options}
    if row.smooth:
        return _formula(self, row, row.pieces[0].formula, env)
    if any(isinstance(arg, Dual) for arg in args):
        return _chained(self, row, args, options)
    on = _formula(self, row, row.on or row.arguments[0], env)
    *upper, last = row.pieces
    made = _formula(self, row, last.formula, env)
    for piece in reversed(upper):
        bound = _formula(self, row, piece.bound or "0", env)
        made = np.where(on >= bound, _formula(self, row, piece.formula, env), made)
    return made


def _chained(self: Floating, row: Function, args: Sequence[Number], options: Mapping[str, Number]) -> Number:
    """A function by cases of one dual number: its own slope, times the argument's."""
    (arg,) = args  # only rows of one argument have cases
    value = _applied(self, row, [arg.value], options)
    return Dual(value, _slope_by_cases(self, row, arg.value, options) * arg.slope)


def _slope_by_cases(self: Floating, row: Function, u: Number, options: Mapping[str, Number]) -> Number:
    env = {row.arguments[0]: Dual(u, 1.0), **options}
    on = _formula(self, row, row.on or row.arguments[0], env)
    slopes = [_slope(_formula(self, row, piece.formula, env)) for piece in row.pieces]
    made = slopes[-1]
    for place in reversed(range(len(row.pieces) - 1)):
        bound = _formula(self, row, row.pieces[place].bound or "0", env)
        gap = core(on) - core(bound)
        tie = _at_kink(self, row, core(bound), slopes[place], slopes[place + 1], _slope(on))
        made = chosen(gap > 0, slopes[place], chosen(gap == 0, tie, made))
    # where the argument is no number, neither is the slope
    return chosen(np.isnan(core(u)), np.nan, made)


def _slope(number: Number) -> Number:
    return number.slope if isinstance(number, Dual) else 0.0


def _at_kink(
    self: Floating, row: Function, bound: Any, upper: Number, lower: Number, decides: Number
) -> Number:
    """What the exercise says of a kink, with respect to what decides; else the row's share of both sides."""
    for at, slope in self.kinks.get(row.convention or row.name, {}).items():
        if np.all(bound == float(at)):
            return decides * float(slope)
    share = _fraction(row.tie)
    return upper * share + lower * (1.0 - share)


@lru_cache(maxsize=256)
def _fraction(text: str) -> float:
    above, _, below = text.partition("/")
    return float(above) / float(below or 1)


# --- formulas of rows ----------------------------------------------------------------------------


def _formula(self: Floating, row: Function, text: str, env: Mapping[str, Number]) -> Number:
    return _entry(self, formula(text, frozenset(self.functions)), env)


def _entry(self: Floating, node: Node, env: Mapping[str, Number]) -> Number:
    """A formula in which everything acts entry by entry, over arrays or dual numbers."""
    match node:
        case tree.Number(value):
            return float(value)
        case tree.Constant(name):
            return math.pi if name == "pi" else math.e
        case tree.Name(name):
            if name not in env:
                raise Missing(name)
            return env[name]
        case tree.Bracket(body):
            return _entry(self, body, env)
        case tree.Neg(body):
            return -_entry(self, body, env)
        case tree.Add(terms):
            result = _entry(self, terms[0], env)
            for term in terms[1:]:
                result = result + _entry(self, term, env)
            return result
        case tree.Product(factors):
            result = _entry(self, factors[0], env)
            for factor in factors[1:]:
                result = result * _entry(self, factor, env)
            return result
        case tree.Quotient(above, below):
            return _divided(_entry(self, above, env), _entry(self, below, env))
        case tree.Power(base, exponent):
            return power(_entry(self, base, env), _entry(self, exponent, env))
        case tree.Call():
            return _inner_call(self, node, env)
    raise EvaluationError(node, f"a {type(node).__name__} is no part of a function's formula")


def _divided(above: Number, below: Number) -> Number:
    """Two Python floats would raise where arrays say infinity."""
    return (
        np.float64(above) / below if isinstance(above, float) and isinstance(below, float) else above / below
    )


def _inner_call(self: Floating, node: tree.Call, env: Mapping[str, Number]) -> Number:
    row = self.row(node.function)
    if row is None or node.primes:
        raise EvaluationError(node, f"there is no function {node.function} here")
    if not row.pieces:
        raise Missing(row.name)
    args = [_entry(self, arg, env) for arg in node.args]
    given = dict(node.options)
    options = {
        name: _entry(self, given.get(name, formula(default, frozenset(self.functions))), env)
        for name, default in row.options
    }
    return _applied(self, row, args, options)


# --- operations ------------------------------------------------------------------------------------


def _axis(node: tree.Call) -> int | None:
    axis = dict(node.options).get("axis")
    if axis is None:
        return None
    if not isinstance(axis, tree.Number) or axis.value not in (0, 1):
        raise EvaluationError(node, "axis is 0 or 1")
    return int(axis.value)


def _sum(self: Floating, node: tree.Call, frame: Frame) -> Any:
    return _gathered(self, node, frame, np.sum)


def _mean(self: Floating, node: tree.Call, frame: Frame) -> Any:
    return _gathered(self, node, frame, np.mean)


def _gathered(self: Floating, node: tree.Call, frame: Frame, how: Callable[..., Any]) -> Any:
    """All entries, or down the columns (axis 0), or along the rows (axis 1)."""
    value, k, axis = self.value(node.args[0], frame), len(frame.axes), _axis(node)
    if axis is None:
        return how(value, axis=tuple(range(k, value.ndim))) if value.ndim > k else value
    if value.ndim - k not in (1, 2) or k + axis >= value.ndim:
        raise EvaluationError(node, f"axis = {axis} of an array of shape {value.shape[k:]}")
    return how(value, axis=k + axis)


def _lined(self: Floating, node: tree.Call, frame: Frame) -> tuple[Any, int]:
    """The argument, and the axis along which it is normalised: of a matrix each row, or each column."""
    value, k, axis = self.value(node.args[0], frame), len(frame.axes), _axis(node)
    if value.ndim == k:
        return lifted(value, 1), k
    return value, value.ndim - 1 if axis is None else k + axis


def _softmax(self: Floating, node: tree.Call, frame: Frame) -> Any:
    value, axis = _lined(self, node, frame)
    grown = np.exp(value - value.max(axis=axis, keepdims=True))
    return grown / grown.sum(axis=axis, keepdims=True)


def _log_softmax(self: Floating, node: tree.Call, frame: Frame) -> Any:
    value, axis = _lined(self, node, frame)
    shifted = value - value.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def _cross_entropy_logits(self: Floating, node: tree.Call, frame: Frame) -> Any:
    logits = tree.Call("log_softmax", node.args[:1], node.options)
    left, right = paired(
        node, len(frame.axes), self.value(node.args[1], frame), _log_softmax(self, logits, frame)
    )
    return -total(left * right, len(frame.axes))


def _vectors(self: Floating, node: tree.Call, frame: Frame) -> tuple[Any, Any]:
    k = len(frame.axes)
    first, second = (self.value(arg, frame) for arg in node.args)
    flat = [
        value.reshape((*value.shape[:k], -1)) if value.ndim != k + 1 else value for value in (first, second)
    ]
    return flat[0], flat[1]


def _dot(self: Floating, node: tree.Call, frame: Frame) -> Any:
    left, right = _vectors(self, node, frame)
    return (left * right).sum(axis=-1)


def _outer(self: Floating, node: tree.Call, frame: Frame) -> Any:
    left, right = _vectors(self, node, frame)
    return left[..., :, None] * right[..., None, :]


def _trace(self: Floating, node: tree.Call, frame: Frame) -> Any:
    return np.trace(self.value(node.args[0], frame), axis1=-2, axis2=-1)


def _diag(self: Floating, node: tree.Call, frame: Frame) -> Any:
    value = self.value(node.args[0], frame)
    if value.ndim - len(frame.axes) == 2:
        return np.diagonal(value, axis1=-2, axis2=-1)
    return value[..., :, None] * np.eye(value.shape[-1])


def _made(self: Floating, frame: Frame, array: Any) -> Any:
    return array.reshape((1,) * len(frame.axes) + array.shape)


def _eye(self: Floating, node: tree.Call, frame: Frame) -> Any:
    return _made(self, frame, np.eye(self.whole(node.args[0], frame)))


def _zeros(self: Floating, node: tree.Call, frame: Frame) -> Any:
    return _made(self, frame, np.zeros(tuple(self.whole(arg, frame) for arg in node.args)))


def _onehot(self: Floating, node: tree.Call, frame: Frame) -> Any:
    place, size = (self.whole(arg, frame) for arg in node.args)
    return _made(self, frame, (np.arange(1, size + 1) == place).astype(np.float64))


def _stack(self: Floating, node: tree.Call, frame: Frame) -> Any:
    """One above the other; a scalar counts as one entry."""
    k = len(frame.axes)
    values = [self.value(arg, frame) for arg in node.args]
    values = [lifted(value, 1) if value.ndim == k else value for value in values]
    return _joined(values, k, k)


def _hstack(self: Floating, node: tree.Call, frame: Frame) -> Any:
    """Side by side; a vector is one column."""
    k = len(frame.axes)
    values = [self.value(arg, frame) for arg in node.args]
    return _joined([lifted(value, k + 2 - value.ndim) for value in values], k, k + 1)


def _joined(values: Sequence[Any], k: int, axis: int) -> Any:
    lead = np.broadcast_shapes(*(value.shape[:k] for value in values))
    return np.concatenate([np.broadcast_to(v, lead + v.shape[k:]) for v in values], axis=axis)


_OPERATIONS: Mapping[str, Callable[[Floating, tree.Call, Frame], Any]] = {
    "sum": _sum, "mean": _mean, "softmax": _softmax, "log_softmax": _log_softmax,
    "cross_entropy_logits": _cross_entropy_logits, "dot": _dot, "outer": _outer, "trace": _trace,
    "diag": _diag, "eye": _eye, "zeros": _zeros, "onehot": _onehot, "stack": _stack, "hstack": _hstack,
}  # fmt: skip
"""The calls that are no rows of the table."""
