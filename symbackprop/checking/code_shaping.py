"""Calls in code that make or shape arrays, and what the arguments of all calls have in common."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Any, TypeVar

from symbackprop.algebra.values.arrays import Array
from symbackprop.checking import code_arrays as arrays
from symbackprop.checking.code_arrays import Dims, refuse, unread
from symbackprop.checking.code_values import Running, Value

T = TypeVar("T")
Args = Sequence[ast.expr]
Options = Mapping[str, ast.expr]
Handler = Callable[[Any, Args, Options], Value[Any]]


# --- arguments ------------------------------------------------------------------------------------


def only(options: Options, *allowed: str) -> None:
    """No other keyword argument than these."""
    for name in options:
        if name not in allowed:
            unread(f"the argument {name}= is not read")


def exactly(args: Args, least: int, most: int | None = None) -> None:
    """This many arguments, or from `least` to `most`."""
    if not least <= len(args) <= (least if most is None else most):
        unread(f"a call with {len(args)} arguments is not read")


def axes_of(run: Running[T], node: ast.expr | None) -> Dims | None:
    """The axes that an argument names; None for all of them."""
    if node is None or (isinstance(node, ast.Constant) and node.value is None):
        return None
    return run.shape(node)


def flag(node: ast.expr | None) -> bool:
    """`keepdims=True` and the like; nothing is False."""
    match node:
        case None:
            return False
        case ast.Constant(value=bool() as said):
            return said
        case ast.Constant(value=Fraction(denominator=1) as number):
            return number != 0
    return unread("True or False is needed here")


# --- making and shaping ---------------------------------------------------------------------------


def make_filled(number: int, like: bool) -> Handler:
    """`zeros`, `ones` of a shape, or `zeros_like`, `ones_like` of an array."""

    def handler(run: Running[T], args: Args, options: Options) -> Value[T]:
        only(options, "dtype", "shape")
        if like:
            exactly(args, 1)
            shape = run.value(args[0]).shape
        else:
            given = [*args, *([options["shape"]] if "shape" in options else [])]
            exactly(given, 1, 4)
            # np.ones(2, 3) takes 3 for a kind of number; torch.ones(2, 3) is a shape.
            shape = run.shape(given[0]) if len(given) == 1 else unread("write the shape as a tuple")
        if any(size < 0 for size in shape):
            refuse("negative dimensions are not allowed")
        entry = run.domain.from_fraction(Fraction(number))
        return Value(Array(arrays.checked(shape), (entry,) * prod(shape)))

    return handler


def make_eye(run: Running[T], args: Args, options: Options) -> Value[T]:
    """The identity matrix."""
    exactly(args, 1)
    only(options, "dtype")
    count = run.whole(args[0])
    arrays.checked((max(count, 0), max(count, 0)))
    one, zero = run.domain.one, run.domain.zero
    return Value(
        Array((count, count), tuple(one if i == j else zero for i in range(count) for j in range(count)))
    )


def make_diag(run: Running[T], args: Args, options: Options) -> Value[T]:
    """The matrix with a flat array on its diagonal, or the diagonal of a matrix."""
    exactly(args, 1)
    only(options)
    value = run.array(args[0])
    if len(value.shape) == 2:
        rows, width = value.shape
        return Value(
            Array(
                (min(rows, width),), tuple(value.entries[at * (width + 1)] for at in range(min(rows, width)))
            )
        )
    if len(value.shape) != 1:
        refuse("Input must be 1- or 2-d.")
    return Value(diagonal(run, value.entries))


def diagonal(run: Running[T], entries: Sequence[T]) -> Array[T]:
    """The square matrix with these entries on its diagonal."""
    count = len(entries)
    arrays.checked((count, count))
    zero = run.domain.zero
    return Array(
        (count, count), tuple(entries[i] if i == j else zero for i in range(count) for j in range(count))
    )


def make_array(run: Running[T], args: Args, options: Options) -> Value[T]:
    """`np.array(x)` and its kin: the same numbers."""
    exactly(args, 1, 2)
    only(options, "dtype", "copy", "requires_grad", "ndmin", "device", "order")
    if "ndmin" in options:
        unread("ndmin= is not read")
    found = run.value(args[0])
    return Value(found.array, truth=found.truth)


def as_reshape(run: Running[T], args: Args, options: Options) -> Value[T]:
    """The same entries in another shape, as a tuple or as several sizes; one may be −1."""
    only(options)
    exactly(args, 2, 5)
    sizes = run.shape(args[1]) if len(args) == 2 else tuple(run.whole(one) for one in args[1:])
    found = run.value(args[0])
    return Value(arrays.reshaped(found.array, sizes), truth=found.truth)


def as_flatten(run: Running[T], args: Args, options: Options) -> Value[T]:
    """All entries along one axis."""
    exactly(args, 1)
    only(options)
    found = run.value(args[0])
    return Value(found.array.reshaped((len(found.array.entries),)), truth=found.truth)


def as_squeeze(run: Running[T], args: Args, options: Options) -> Value[T]:
    """Without the axes of length 1, or those of them that are named."""
    exactly(args, 1, 2)
    only(options, "axis", "dim")
    found = run.value(args[0])
    node = args[1] if len(args) == 2 else options.get("axis", options.get("dim"))
    axes = axes_of(run, node)
    chosen = range(len(found.shape)) if axes is None else [arrays.axis_of(one, found.shape) for one in axes]
    if axes is not None and any(found.shape[axis] != 1 for axis in chosen):
        refuse("cannot select an axis to squeeze out which has size not equal to one")
    shape = tuple(size for axis, size in enumerate(found.shape) if axis not in chosen or size != 1)
    return Value(found.array.reshaped(shape), truth=found.truth)


def as_expand(run: Running[T], args: Args, options: Options) -> Value[T]:
    """With one axis of length 1 more."""
    given = [*args, *options.values()]
    only(options, "axis", "dim")
    exactly(given, 2)
    found = run.value(given[0])
    at = arrays.axis_of(run.whole(given[1]), (*found.shape, 1))
    return Value(found.array.reshaped((*found.shape[:at], 1, *found.shape[at:])), truth=found.truth)


def as_transpose(run: Running[T], args: Args, options: Options) -> Value[T]:
    """The axes in another order; without one, the other way round."""
    only(options, "axes")
    found = run.value(args[0])
    given = [*args[1:], *options.values()]
    axes = None if not given else run.shape(given[0]) if len(given) == 1 else tuple(map(run.whole, given))
    return Value(arrays.transposed(found.array, axes), truth=found.truth)


def as_same(run: Running[T], args: Args, options: Options) -> Value[T]:
    """What changes no number: a copy, `detach()`."""
    exactly(args, 1)
    only(options)
    found = run.value(args[0])
    return Value(found.array, truth=found.truth)


def as_number(run: Running[T], args: Args, options: Options) -> Value[T]:
    """`float(x)` or `x.item()`: one number."""
    exactly(args, 1)
    only(options)
    found = run.array(args[0])
    if len(found.entries) != 1:
        refuse("only length-1 arrays can be converted to Python scalars")
    return Value(found.reshaped(()))


def as_astype(run: Running[T], args: Args, options: Options) -> Value[T]:
    """Truth values become 0 and 1; numbers stay, for a kind that would cut them is not read."""
    exactly(args, 2)
    only(options)
    kind = ast.unparse(args[1]).rpartition(".")[2].strip("'\"")
    found = run.value(args[0])
    if kind in _FLOATS or (found.truth and kind in _WHOLE):
        return Value(found.array)
    return unread(f"astype({kind[:30]}) is not read")


def as_floats(run: Running[T], args: Args, options: Options) -> Value[T]:
    """`np.float64(x)`, `x.double()`: the same numbers, for they are exact here."""
    exactly(args, 1)
    only(options)
    return Value(run.array(args[0]))


def as_whole(run: Running[T], args: Args, options: Options) -> Value[T]:
    """`np.int64(z > 0)`, `int(z > 0)`: 0 and 1; a number with decimals would be cut."""
    exactly(args, 1)
    only(options)
    found = run.value(args[0])
    if not found.truth:
        unread("int(…) of a number cuts its decimals")
    return Value(found.array)


def as_truth(run: Running[T], args: Args, options: Options) -> Value[T]:
    """`bool(z > 0)`."""
    exactly(args, 1)
    only(options)
    return Value(run.scalar(int(run.holds(args[0]))), truth=True)


def make_diagonal(run: Running[T], args: Args, options: Options) -> Value[T]:
    """The matrix with all entries of an array on its diagonal: `np.diagflat(p)`."""
    exactly(args, 1)
    only(options)
    return Value(diagonal(run, run.array(args[0]).entries))


_FLOATS = frozenset(["float", "float16", "float32", "float64", "double", "f", "f4", "f8", "d"])
_WHOLE = frozenset(["int", "int8", "int16", "int32", "int64", "uint8", "i", "i4", "i8", "long"])
