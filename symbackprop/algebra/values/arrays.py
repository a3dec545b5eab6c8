"""Arrays of numbers of any kind: a shape and the entries row by row.

`()` is a scalar, `(n,)` a column vector, `(m, n)` a matrix, and so on to rank 4; entries are in row-major
order: the last index runs fastest.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")

Nested = Any
"""A scalar, a list of scalars, a list of equally long lists of scalars, or deeper."""

RANK = 4
"""The largest number of indices of an array: `K[o,c,a,b]`."""


def form(shape: tuple[T, ...]) -> tuple[T, ...]:
    """The shape as it shows on paper: a number, a column (n,), a row (1, n), a matrix; (n, 1) is a column."""
    while shape and shape[-1] == 1:
        shape = shape[:-1]
    return shape


@dataclass(frozen=True, slots=True)
class Array(Generic[T]):
    """`entries` in row-major order; their number is the product of `shape`."""

    shape: tuple[int, ...]
    entries: tuple[T, ...]

    def __post_init__(self) -> None:
        size = 1
        for length in self.shape:
            size *= length
        if size != len(self.entries):
            raise ValueError(f"shape {self.shape} needs {size} entries, not {len(self.entries)}")

    @classmethod
    def scalar(cls, value: T) -> "Array[T]":
        """An array of shape `()`."""
        return cls((), (value,))

    @classmethod
    def from_nested(cls, nested: Nested) -> "Array[Any]":
        """A scalar, `[..]`, `[[..], ..]` or deeper (lists or tuples). Raises ValueError if it is ragged."""
        if not isinstance(nested, list | tuple):
            return Array((), (nested,))
        if not any(isinstance(part, list | tuple) for part in nested):
            return Array((len(nested),), tuple(nested))
        if not all(isinstance(part, list | tuple) for part in nested):
            raise ValueError("numbers and rows side by side")
        parts = [cls.from_nested(part) for part in nested]
        if len({len(part.shape) for part in parts}) != 1:
            raise ValueError("numbers and rows side by side")
        if len({part.shape for part in parts}) != 1:
            lengths = sorted({part.shape[0] for part in parts})
            raise ValueError(f"rows of different lengths: {lengths}")
        if len(parts[0].shape) >= RANK:
            raise ValueError(f"more than {RANK} levels of brackets")
        entries = tuple(entry for part in parts for entry in part.entries)
        return Array((len(parts), *parts[0].shape), entries)

    def nested(self) -> Nested:
        """A scalar, a list, or lists of lists as deep as the rank."""
        if not self.shape:
            return self.entries[0]
        if len(self.shape) == 1:
            return list(self.entries)
        return [part.nested() for part in self.parts()]

    def parts(self) -> "Iterator[Array[T]]":
        """The arrays of one rank less, along the first axis. Raises ValueError for a scalar."""
        if not self.shape:
            raise ValueError("a scalar has no parts")
        size = len(self.entries) // self.shape[0] if self.shape[0] else 0
        for start in range(0, len(self.entries), max(size, 1)):
            yield Array(self.shape[1:], self.entries[start : start + size])

    def rows(self) -> Iterator[tuple[T, ...]]:
        """The rows along the last axis; of a vector, its entries one by one."""
        width = self.shape[-1] if len(self.shape) > 1 else 1
        for start in range(0, len(self.entries), max(width, 1)):
            yield self.entries[start : start + width]

    def columns(self) -> list[tuple[T, ...]]:
        """The columns of a matrix; a vector is one column."""
        width = self.shape[1] if len(self.shape) == 2 else 1
        return [self.entries[start::width] for start in range(width)]

    def map(self, change: Callable[[T], U]) -> "Array[U]":
        """The array of the same shape with every entry changed."""
        return Array(self.shape, tuple(map(change, self.entries)))

    def with_entries(self, entries: Iterable[U]) -> "Array[U]":
        """An array of the same shape with other entries."""
        return Array(self.shape, tuple(entries))

    def reshaped(self, shape: tuple[int, ...]) -> "Array[T]":
        """The same entries in another shape of the same size."""
        return Array(shape, self.entries)

    def transposed(self) -> "Array[T]":
        """`(m, n)` to `(n, m)`; a vector `(n,)` to the row `(1, n)`; a scalar to itself.

        Raises ValueError beyond rank 2.
        """
        if not self.shape:
            return self
        if len(self.shape) == 1:
            return Array((1, self.shape[0]), self.entries)
        if len(self.shape) > 2:
            raise ValueError(f"an array of shape {self.shape} has no transpose")
        entries = tuple(entry for column in self.columns() for entry in column)
        return Array((self.shape[1], self.shape[0]), entries)

    def offset(self, places: Sequence[int]) -> int:
        """Where the entry at `places` (from 1) stands in `entries`. Raises IndexError outside the array."""
        if len(places) != len(self.shape):
            raise IndexError(f"{len(places)} indices for shape {self.shape}")
        where = 0
        for place, length in zip(places, self.shape, strict=True):
            if not 1 <= place <= length:
                raise IndexError(f"index {place} is outside 1..{length}")
            where = where * length + place - 1
        return where

    def at(self, *places: int) -> T:
        """The entry at `places`, counted from 1. Raises IndexError outside the array."""
        return self.entries[self.offset(places)]

    def replaced(self, places: Sequence[int], value: T) -> "Array[T]":
        """The array with one entry changed; `places` count from 1."""
        where = self.offset(places)
        return Array(self.shape, (*self.entries[:where], value, *self.entries[where + 1 :]))

    @property
    def item(self) -> T:
        """The only entry of a scalar or an array of size 1. Raises ValueError otherwise."""
        if len(self.entries) != 1:
            raise ValueError(f"an array of shape {self.shape} is no single number")
        return self.entries[0]

    def places(self) -> Iterator[tuple[int, ...]]:
        """The indices of the entries, from 1, in the order of `entries`."""
        yield from product(*(range(1, length + 1) for length in self.shape))
