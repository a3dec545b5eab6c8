"""Arrays as NumPy handles them: broadcasting, views by strides, reductions, products. Any kind of number.

Every result is checked against the limits before it is built.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NoReturn, TypeVar

from symbackprop import limits
from symbackprop.algebra.values.arrays import RANK, Array
from symbackprop.algebra.values.domain import Domain, EvaluationError

T = TypeVar("T")
Dims = tuple[int, ...]
Index = int | slice | None
"""One place in square brackets: a number, a slice, or a new axis."""


def refuse(message: str) -> NoReturn:
    """Raise the EvaluationError for code that NumPy would refuse."""
    raise EvaluationError(None, message)


class NotRead(EvaluationError):
    """Code that is not read here, whatever NumPy makes of it; `node` is the part of the syntax tree."""


def unread(message: str) -> NoReturn:
    """Raise NotRead; the part of the code that it is about is known to whoever evaluates it."""
    raise NotRead(None, message)


def shown(shape: Dims) -> str:
    """A shape as NumPy prints it."""
    return str(tuple(shape)).replace(" ", "")


def checked(shape: Dims) -> Dims:
    """`shape`, if it is within the limits."""
    if len(shape) > RANK:
        unread(f"an array with more than {RANK} axes is not read")
    if any(size > limits.SIZE for size in shape) or prod(shape) > limits.ENTRIES:
        unread(f"an array of shape {shown(shape)} is beyond the limit")
    return shape


def strides(shape: Dims) -> Dims:
    """How far apart neighbours along each axis are, row by row."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def gathered(a: Array[T], shape: Dims, steps: Sequence[int], start: int = 0) -> Array[T]:
    """The array whose entry at i, j, … is `a.entries[start + i·steps[0] + j·steps[1] + …]`."""
    places = [start]
    for size, step in zip(checked(shape), steps, strict=True):
        places = [place + step * at for place in places for at in range(size)]
    return Array(shape, tuple([a.entries[place] for place in places]))


def common_shape(*shapes: Dims) -> Dims:
    """The shape that NumPy broadcasts to. Raises EvaluationError where it would raise ValueError."""
    rank = max(map(len, shapes), default=0)
    result = []
    for sizes in zip(*((1,) * (rank - len(shape)) + shape for shape in shapes), strict=True):
        wide = {size for size in sizes if size != 1}
        if len(wide) > 1:
            listed = " ".join(map(shown, shapes))
            refuse(f"operands could not be broadcast together with shapes {listed}")
        result.append(wide.pop() if wide else 1)
    return checked(tuple(result))


def spread(a: Array[T], shape: Dims) -> Array[T]:
    """`a` broadcast to `shape`, which it fits."""
    if a.shape == shape:
        return a
    padded = (1,) * (len(shape) - len(a.shape)) + a.shape
    steps = [0 if size == 1 else step for size, step in zip(padded, strides(padded), strict=True)]
    return gathered(a, shape, steps)


def transposed(a: Array[T], axes: Dims | None = None) -> Array[T]:
    """All axes in reverse order, or in the given one. A flat array is its own transpose."""
    order = (
        tuple(reversed(range(len(a.shape)))) if axes is None else tuple(axis_of(one, a.shape) for one in axes)
    )
    if sorted(order) != list(range(len(a.shape))):
        refuse("axes don't match array")
    steps = strides(a.shape)
    return gathered(a, tuple(a.shape[axis] for axis in order), [steps[axis] for axis in order])


def axis_of(axis: int, shape: Dims) -> int:
    """An axis counted from 0. Raises EvaluationError outside the array."""
    if not -len(shape) <= axis < len(shape):
        refuse(f"axis {axis} is out of bounds for array of dimension {len(shape)}")
    return axis % len(shape)


def reshaped(a: Array[T], sizes: Dims) -> Array[T]:
    """The same entries in another shape; one size may be -1."""
    if any(size < -1 for size in sizes) or sizes.count(-1) > 1:
        refuse("can only specify one unknown dimension")
    rest = prod(size for size in sizes if size != -1)
    total = len(a.entries)
    if -1 in sizes:
        if not rest or total % rest:
            refuse(f"cannot reshape array of size {total} into shape {shown(sizes)}")
        sizes = tuple(total // rest if size == -1 else size for size in sizes)
    if prod(sizes) != total:
        refuse(f"cannot reshape array of size {total} into shape {shown(sizes)}")
    return Array(checked(sizes), a.entries)


def indexed(a: Array[T], places: Sequence[Index]) -> Array[T]:
    """`a[places]`: numbers, slices and new axes; Raises EvaluationError outside the array."""
    if sum(place is not None for place in places) > len(a.shape):
        refuse(f"too many indices for array: array is {len(a.shape)}-dimensional")
    steps, axis, start = strides(a.shape), 0, 0
    shape: list[int] = []
    kept: list[int] = []
    for place in [*places, *[slice(None)] * (len(a.shape) - sum(one is not None for one in places))]:
        if place is None:
            shape.append(1)
            kept.append(0)
            continue
        size, step = a.shape[axis], steps[axis]
        if isinstance(place, int):
            if not -size <= place < size:
                refuse(f"index {place} is out of bounds for axis {axis} with size {size}")
            start += step * (place % size)
        else:
            chosen = range(*place.indices(size))
            shape.append(len(chosen))
            kept.append(step * chosen.step)
            start += step * chosen.start if len(chosen) else 0
        axis += 1
    return gathered(a, tuple(shape), kept, start)


def reduced(a: Array[T], axes: Dims | None, keep: bool, combine: Callable[[Sequence[T]], T]) -> Array[T]:
    """`combine` of the entries along some axes (None: all)."""
    chosen = tuple(range(len(a.shape))) if axes is None else tuple(axis_of(one, a.shape) for one in axes)
    if len(set(chosen)) != len(chosen):
        refuse("duplicate value in 'axis'")
    rest = [axis for axis in range(len(a.shape)) if axis not in chosen]
    ordered = transposed(a, (*rest, *chosen))
    width = prod(a.shape[axis] for axis in chosen)
    count = prod(a.shape[axis] for axis in rest)
    values = tuple(combine(ordered.entries[at * width : (at + 1) * width]) for at in range(count))
    if keep:
        return Array(tuple(1 if axis in chosen else size for axis, size in enumerate(a.shape)), values)
    return Array(tuple(a.shape[axis] for axis in rest), values)


# --- products -------------------------------------------------------------------------------------


def matmul(domain: Domain[T], a: Array[T], b: Array[T]) -> Array[T]:
    """`a @ b` by NumPy's rules: flat arrays are rows on the left and columns on the right."""
    if not a.shape or not b.shape:
        refuse("matmul: Input operand does not have enough dimensions")
    left = a.reshaped((1, *a.shape)) if len(a.shape) == 1 else a
    right = b.reshaped((*b.shape, 1)) if len(b.shape) == 1 else b
    if left.shape[-1] != right.shape[-2]:
        refuse(
            f"matmul: Input operand 1 has a mismatch in its core dimension 0: shapes {shown(a.shape)} and "
            f"{shown(b.shape)}, {left.shape[-1]} ≠ {right.shape[-2]}"
        )
    stack = common_shape(left.shape[:-2], right.shape[:-2])
    rows, inner, columns = left.shape[-2], left.shape[-1], right.shape[-1]
    shape = (*stack, rows, columns)
    _affordable(prod(shape) * inner)
    checked(shape)
    lefts = spread(left, (*stack, rows, inner)).entries
    rights = spread(right, (*stack, inner, columns)).entries
    entries: list[T] = []
    for at in range(prod(stack)):
        first = lefts[at * rows * inner : (at + 1) * rows * inner]
        second = rights[at * inner * columns : (at + 1) * inner * columns]
        entries += _flat_product(domain, first, second, rows, inner, columns)
    dropped = (*stack, *((rows,) if len(a.shape) > 1 else ()), *((columns,) if len(b.shape) > 1 else ()))
    return Array(dropped, tuple(entries))


def _flat_product(
    domain: Domain[T], left: Sequence[T], right: Sequence[T], rows: int, inner: int, columns: int
) -> list[T]:
    if not inner:
        return [domain.zero] * (rows * columns)
    lines = [left[at * inner : (at + 1) * inner] for at in range(rows)]
    return domain.matmul(lines, [right[at::columns] for at in range(columns)])


def dot(domain: Domain[T], a: Array[T], b: Array[T]) -> Array[T]:
    """`np.dot`: a product with a scalar, else over the last axis of `a` and the last but one of `b`."""
    if not a.shape or not b.shape:
        shape = common_shape(a.shape, b.shape)
        return Array(shape, tuple(map(domain.mul, spread(a, shape).entries, spread(b, shape).entries)))
    if len(b.shape) <= 2:
        inner = b.shape[-2] if len(b.shape) == 2 else b.shape[0]
        if a.shape[-1] != inner:
            refuse(f"shapes {shown(a.shape)} and {shown(b.shape)} not aligned: {a.shape[-1]} ≠ {inner}")
        rows = reshaped(a, (prod(a.shape[:-1]), a.shape[-1]))
        return reshaped(matmul(domain, rows, b), (*a.shape[:-1], *b.shape[1:]))
    if a.shape[-1] != b.shape[-2]:
        refuse(f"shapes {shown(a.shape)} and {shown(b.shape)} not aligned: {a.shape[-1]} ≠ {b.shape[-2]}")
    rank = len(b.shape)
    moved = transposed(b, (rank - 2, *range(rank - 2), rank - 1))
    flat = reshaped(moved, (b.shape[-2], prod(b.shape[:-2]) * b.shape[-1]))
    rows = reshaped(a, (prod(a.shape[:-1]), a.shape[-1]))
    return reshaped(matmul(domain, rows, flat), (*a.shape[:-1], *b.shape[:-2], b.shape[-1]))


def outer(domain: Domain[T], a: Array[T], b: Array[T]) -> Array[T]:
    """`np.outer`: both flattened."""
    shape = checked((len(a.entries), len(b.entries)))
    return Array(shape, tuple(domain.mul(left, right) for left in a.entries for right in b.entries))


def einsum(domain: Domain[T], pattern: str, operands: Sequence[Array[T]]) -> Array[T]:
    """`np.einsum` with letters only; an index that is not in the result is summed."""
    inputs, arrow, output = pattern.replace(" ", "").partition("->")
    parts = inputs.split(",")
    letters = "".join(parts)
    if not arrow:
        output = "".join(sorted(one for one in set(letters) if letters.count(one) == 1))
    if not (letters + output).isalpha() or not letters.isascii():
        unread(f"einsum({pattern!r}) is not read")
    if len(parts) != len(operands) or any(
        len(p) != len(a.shape) for p, a in zip(parts, operands, strict=False)
    ):
        refuse(f"einsum({pattern!r}): the operands have other numbers of axes")
    if len(set(output)) != len(output) or not set(output) <= set(letters):
        refuse(f"einsum({pattern!r}): the result has an index twice, or one that no operand has")
    sizes = _einsum_sizes(pattern, parts, operands)
    summed = [one for one in dict.fromkeys(letters) if one not in output]
    order = [*output, *summed]
    shape = tuple(sizes[one] for one in order)
    _affordable(prod(shape) * len(operands))
    product: list[T] | None = None
    for part, operand in zip(parts, operands, strict=True):
        steps = strides(operand.shape)
        moves = dict.fromkeys(order, 0)
        for axis, one in enumerate(part):
            moves[one] += steps[axis] if operand.shape[axis] != 1 else 0
        places = [0]
        for one in order:
            places = [place + moves[one] * at for place in places for at in range(sizes[one])]
        entries = [operand.entries[place] for place in places]
        product = entries if product is None else list(map(domain.mul, product, entries))
    values, width = product or [], prod(sizes[one] for one in summed)
    total = tuple(
        domain.total(values[at * width : (at + 1) * width])
        for at in range(prod(sizes[one] for one in output))
    )
    return Array(checked(tuple(sizes[one] for one in output)), total)


def _einsum_sizes(pattern: str, parts: Sequence[str], operands: Sequence[Array[Any]]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for part, operand in zip(parts, operands, strict=True):
        for one, size in zip(part, operand.shape, strict=True):
            if sizes.get(one, 1) not in (1, size) and size != 1:
                refuse(f"einsum({pattern!r}): the index {one} is {sizes[one]} and {size}")
            sizes[one] = size if sizes.get(one, 1) == 1 else sizes[one]
    return sizes


def _affordable(count: int) -> None:
    if count > limits.LOOP:
        unread(f"a product of {count:,} terms is beyond the limit of {limits.LOOP:,}")
