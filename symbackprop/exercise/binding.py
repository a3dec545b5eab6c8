"""Sizes: what is declared against what the values say."""

from fractions import Fraction

from symbackprop.algebra.values.arrays import Array
from symbackprop.exercise.draft import Draft
from symbackprop.exercise.numbers import as_written
from symbackprop.notation.shapes import shown
from symbackprop.notation.sizes import linear, replaced
from symbackprop.notation.tree import Shape, Size


def bind_sizes(draft: Draft) -> None:
    """A declared size name that a value fills becomes that number; values must agree."""
    for name, value in list(draft.values.items()):
        shape = draft.declared.get(name)
        if shape is None:
            continue
        if len(shape) != len(value.shape):
            fitted = _fitted(draft, name, value, shape)
            if fitted is None:
                continue
            draft.values[name] = value = fitted
        for size, number in zip(shape, value.shape, strict=True):
            if size and (not isinstance(size, str) or " " not in size):
                _bind(draft, name, size, number)
    _bind_computed(draft)
    for name, shape in draft.declared.items():
        draft.declared[name] = tuple(_put_in(draft, size) for size in shape)


def _put_in(draft: Draft, size: Size) -> Size:
    """A declared size with the numbers that the values give its names."""
    return replaced(size, {name: number for name, (number, _) in draft.bound.items()})


def _bind(draft: Draft, name: str, size: Size, number: int) -> None:
    path = draft.path("values", name)
    if isinstance(size, int):
        if size != number:
            message = f"{name} is {shown(draft.values[name].shape)}, and {draft.says(name)} says {size}"
            draft.collected.add(path, f"{message}: {number} ≠ {size}")
            draft.misfits.add(name)
        return
    known, source = draft.bound.setdefault(size, (number, ".".join(path)))
    if known != number:
        message = f"{name} is {shown(draft.values[name].shape)}, so {size} = {number}"
        draft.misfits.add(name)
        draft.collected.add(path, f"{message}, but {source} says {size} = {known}")


def _bind_computed(draft: Draft) -> None:
    """Sizes such as `m − r + 1` against the values: one name without number is learnt, else they agree."""
    waiting = [
        (name, size, number)
        for name, value in draft.values.items()
        if len(shape := draft.declared.get(name, ())) == len(value.shape)
        for size, number in zip(shape, value.shape, strict=True) if isinstance(size, str) and " " in size
    ]  # fmt: skip
    for name, size, number in [*waiting, *waiting]:  # what the last one teaches may help the first
        left = _put_in(draft, size)
        coefficients, constant = linear(left)
        if len(coefficients) == 1:
            ((base, count),) = coefficients.items()
            if (number - constant) % count == 0 and (number - constant) // count >= 1:
                draft.bound[base] = ((number - constant) // count, ".".join(draft.path("values", name)))
    for name, size, number in waiting:
        says = _put_in(draft, size)
        if says != number and (isinstance(says, int) or len(linear(says)[0]) == 1):
            message = f"{name} is {shown(draft.values[name].shape)}, and {draft.says(name)} says {size}"
            same = f" = {says}" if isinstance(says, int) else ""
            draft.collected.add(draft.path("values", name), f"{message}{same}: {number} ≠ {says}")
            draft.misfits.add(name)


def _fitted(draft: Draft, name: str, value: Array[Fraction], shape: Shape) -> Array[Fraction] | None:
    """A value whose rank is not the declared one: one number fits anywhere; a flat list is no matrix."""
    if len(value.entries) == 1:
        return value.reshaped((1,) * len(shape))
    path = draft.path("values", name)
    draft.misfits.add(name)
    advice = ""
    if len(value.shape) == 1 and len(shape) == 2:
        rows = shape[1] == 1 or shape[0] == value.shape[0]
        other = value.reshaped((value.shape[0], 1) if rows else (1, value.shape[0]))
        advice = f"Write {name} = {as_written(other)}."
    kinds = {0: "a number", 1: "a flat list, a vector", 2: "a matrix"}
    kind = kinds.get(len(value.shape), f"an array with {len(value.shape)} axes")
    draft.collected.add(
        path, f"{name} is {kind} ({shown(value.shape)}), and {draft.says(name)} says {shown(shape)}", advice
    )
    return None
