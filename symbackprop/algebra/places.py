"""Where an entry stands: `j`, 2, or a linear form such as the `i + a − 1` of a convolution.

A guard says where a term counts: `1 ≤ p − a + 1 ≤ H`. Dropping one would be wrong at the borders,
so a guard goes only where the ranges of its indices prove it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from symbackprop.notation import sizes as size_forms
from symbackprop.notation.tree import Size

Parts = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Linear:
    """`Σ c·index + Σ c·size + constant`, each part with its whole coefficient, sorted by name."""

    indices: Parts = ()
    sizes: Parts = ()
    constant: int = 0


Place = str | int | Linear
"""An index symbol, a fixed place (from 1), or a linear form of indices and sizes."""


@dataclass(frozen=True, slots=True)
class Guard:
    """`low ≤ place ≤ high`; an end that is None is open. Elsewhere the term is 0."""

    low: Place | None
    place: Place
    high: Place | None


def linear(place: Place) -> Linear:
    """Any place as a linear form."""
    if isinstance(place, Linear):
        return place
    return Linear(constant=place) if isinstance(place, int) else Linear(((place, 1),))


def of_size(size: Size) -> Linear:
    """A size as a linear form in its names."""
    if isinstance(size, int):
        return Linear(constant=size)
    names, constant = size_forms.linear(size)
    return Linear((), tuple(sorted(names.items())), constant)


def simplest(form: Linear) -> Place:
    """The form as an index symbol or a number where it is no more than that."""
    if not form.indices and not form.sizes:
        return form.constant
    if not form.sizes and not form.constant and len(form.indices) == 1 and form.indices[0][1] == 1:
        return form.indices[0][0]
    return form


def combined(parts: Iterable[tuple[int, Linear]]) -> Linear:
    """`Σ c · form`."""
    indices: dict[str, int] = {}
    sizes: dict[str, int] = {}
    constant = 0
    for factor, form in parts:
        constant += factor * form.constant
        for table, named in ((indices, form.indices), (sizes, form.sizes)):
            for name, coefficient in named:
                table[name] = table.get(name, 0) + factor * coefficient
    return Linear(_kept(indices), _kept(sizes), constant)


def _kept(table: Mapping[str, int]) -> Parts:
    return tuple(sorted((name, value) for name, value in table.items() if value))


def plus(first: Place, second: Place, factor: int = 1) -> Linear:
    """`first + factor · second`."""
    return combined([(1, linear(first)), (factor, linear(second))])


def moved(place: Place, table: Mapping[str, Place]) -> Place:
    """A place with indices replaced."""
    if isinstance(place, str):
        return table.get(place, place)
    if isinstance(place, int) or not any(name in table for name, _ in place.indices):
        return place
    parts = [(1, Linear((), place.sizes, place.constant))]
    parts += [(factor, linear(table.get(name, name))) for name, factor in place.indices]
    return simplest(combined(parts))


def moved_guard(guard: Guard, table: Mapping[str, Place]) -> Guard:
    """A guard with indices replaced."""
    low = None if guard.low is None else moved(guard.low, table)
    high = None if guard.high is None else moved(guard.high, table)
    return Guard(low, moved(guard.place, table), high)


def indices_of(place: Place | None) -> tuple[str, ...]:
    """The index symbols in a place."""
    if isinstance(place, str):
        return (place,)
    return tuple(name for name, _ in place.indices) if isinstance(place, Linear) else ()


def guard_indices(guard: Guard) -> tuple[str, ...]:
    """The index symbols in a guard."""
    return (*indices_of(guard.low), *indices_of(guard.place), *indices_of(guard.high))


def in_range(place: Place, size: Size) -> Guard:
    """`1 ≤ place ≤ size`."""
    return Guard(1, place, simplest(of_size(size)))


Ranges = Mapping[str, Size]
"""Index -> the size up to which it counts, from 1."""

NO_RANGES: Ranges = MappingProxyType({})


def verdict(guard: Guard, ranges: Ranges) -> bool | None:
    """True where the ranges prove the guard, False where they refute it, else None."""
    gaps = []
    if guard.low is not None:
        gaps.append(plus(guard.place, guard.low, -1))
    if guard.high is not None:
        gaps.append(plus(guard.high, guard.place, -1))
    if any(never_negative(plus(-1, gap, -1), ranges) for gap in gaps):
        return False
    return True if all(never_negative(gap, ranges) for gap in gaps) else None


def ends(guard: Guard, index: str) -> tuple[Linear | None, Linear | None] | None:
    """The least and the greatest `index` for which the guard holds; None where they need not be fixed."""
    place = linear(guard.place)
    factor = dict(place.indices).get(index, 0)
    if abs(factor) != 1 or guard_indices(guard) != (index,):
        return None
    rest = Linear((), place.sizes, place.constant)
    low, high = (None if end is None else plus(end, rest, -1) for end in (guard.low, guard.high))
    return (low, high) if factor > 0 else (_negative(high), _negative(low))


def _negative(form: Linear | None) -> Linear | None:
    return None if form is None else combined([(-1, form)])


def span(guards: Iterable[Guard], index: str, size: Size) -> tuple[Linear, Linear] | None:
    """From where to where an index of `size` places counts under guards that are about it alone.

    None where that cannot be decided for all sizes.
    """
    low, high = linear(1), of_size(size)
    for guard in guards:
        found = ends(guard, index)
        if found is None:
            return None
        first, last = found
        if first is not None and not never_negative(plus(low, first, -1)):
            if not never_negative(plus(first, low, -1)):
                return None
            low = first
        if last is not None and not never_negative(plus(last, high, -1)):
            if not never_negative(plus(high, last, -1)):
                return None
            high = last
    return low, high


def size_between(low: Linear, high: Linear) -> Size:
    """How many places there are from `low` to `high`; below 1 where there are none."""
    length = combined([(1, high), (-1, low), (1, linear(1))])
    return size_forms.canonical(dict(length.sizes), length.constant)


def never_negative(gap: Linear, ranges: Ranges = NO_RANGES) -> bool:
    """Whether the least value of `gap` over all ranges is proved to be at least 0."""
    parts = [(1, Linear((), gap.sizes, gap.constant))]
    for name, factor in gap.indices:
        if name not in ranges:
            return False
        parts.append((factor, Linear(constant=1) if factor > 0 else of_size(ranges[name])))
    least = combined(parts)
    # every size is at least 1
    return all(c > 0 for _, c in least.sizes) and sum(c for _, c in least.sizes) + least.constant >= 0


def solved(difference: Linear, index: str) -> Place | None:
    """The place that `index` has where `difference` is 0; None where that need not be whole."""
    factor = dict(difference.indices).get(index, 0)
    if abs(factor) != 1:
        return None
    rest = Linear(
        tuple(part for part in difference.indices if part[0] != index), difference.sizes, difference.constant
    )
    return simplest(combined([(-factor, rest)]))
