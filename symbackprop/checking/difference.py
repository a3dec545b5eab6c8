"""How a wrong line differs from the right one, where no typical mistake explains it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.checking.findings import Reason
from symbackprop.notation import tree
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node

NAMED_ENTRIES = 3
"""Entries that are told one by one; of more, only how many there are."""

NICE = 1_000
"""The largest numerator and denominator of a factor that is told: of residues any two have a quotient."""


def smallest_difference(
    right: Array[Any],
    wrong: Array[Any] | None,
    written: Node | None,
    expected: Node,
    *,
    modulus: int | None = None,
    sizes: Mapping[int, str] | None = None,
    numbers: bool = True,
    entry: Callable[[tuple[Node, ...]], Node] | None = None,
) -> tuple[Reason, ...]:
    """What to say about the values of a right and a wrong line, a sentence each; empty if nothing is simple.

    The entries are exact numbers, or with `modulus` residues of values at a random point, of which only
    factors and places are told. `wrong` is None where the line `written` has no value. `sizes` are the
    letters that the numbers of entries stand for; without `numbers` the values are of no interest, and
    `entry` says what is due at a place.
    """
    if wrong is None or written == expected:
        return ()
    if len(right.entries) == len(wrong.entries) == 1:
        wrong = wrong.reshaped(right.shape)  # the entry of a 1×1 matrix is a number
    if right.shape != wrong.shape:
        return tuple(_shapes(right, wrong, sizes or {}))
    if modulus is None and not all(
        isinstance(one, Fraction | int) for one in (*right.entries, *wrong.entries)
    ):
        return ()
    pairs = _Pairs(right, wrong, modulus, numbers and modulus is None, entry)
    for say in _SAYINGS:
        found = say(pairs)
        if found:
            return found
    return ()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Pairs(Plain):
    """Two arrays of one shape, entry by entry."""

    right: Array[Any]
    wrong: Array[Any]
    modulus: int | None
    numbers: bool
    entry: Callable[[tuple[Node, ...]], Node] | None

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return zip(self.right.entries, self.wrong.entries, strict=True)

    @property
    def apart(self) -> list[int]:
        """The offsets of the entries that differ."""
        return [at for at, (a, b) in enumerate(self) if a != b]

    def quotient(self, above: Any, below: Any) -> Fraction | None:
        """Their quotient as a fraction of small numbers; None if there is none."""
        if self.modulus is None:
            found: Fraction | None = Fraction(above) / Fraction(below)
        else:
            found = _fraction_of(above * pow(below, -1, self.modulus) % self.modulus, self.modulus)
        small = found is not None and max(abs(found.numerator), found.denominator) <= NICE
        return found if small else None


def place_of(shape: tuple[int, ...], offset: int) -> Node:
    """The indices of an entry, from 1."""
    return tree.Bracket(tree.Row(places_of(shape, offset), ","))


def places_of(shape: tuple[int, ...], offset: int) -> tuple[Node, ...]:
    """The same, without brackets."""
    places: list[Node] = []
    for size in reversed(shape):
        offset, one = divmod(offset, size)
        places.append(tree.number(one + 1))
    return tuple(reversed(places))


def _fraction_of(residue: int, modulus: int) -> Fraction | None:
    """The fraction of numbers up to NICE that has this residue; Euclid's algorithm stopped half-way."""
    before, now, first, second = modulus, residue, 0, 1
    while now > NICE:
        times = before // now
        before, now, first, second = now, before - times * now, second, first - times * second
    return Fraction(now, second) if 0 < abs(second) <= NICE else None


# --- what can be said, the simplest first -------------------------------------------------------


def common(every: Sequence[tuple[Reason, ...]]) -> tuple[Reason, ...]:
    """What is told at all of several points alike, at one it may be so by accident; of single entries all
    that differ at one of them."""
    told = [{one.key: one for one in reasons} for reasons in every if reasons]
    if not told or len(told) < len(every):
        return ()
    if all(set(one) == {"check.differs_due"} for one in told):
        places = {str(one.parts): one for reasons in every for one in reasons}
        return tuple(places.values()) if len(places) <= NAMED_ENTRIES else ()
    parts = [[(one.key, dict(one.parts)) for one in reasons] for reasons in every]
    return every[0] if all(one == parts[0] for one in parts) else ()


def shape_told(shape: tuple[int, ...], sizes: Mapping[int, str]) -> Reason:
    """`a vector with 3 entries`, `a k×n matrix`."""
    shown = tree.Sizes(tuple(tree.Name(sizes[one]) if one in sizes else tree.number(one) for one in shape))
    match shape:
        case ():
            return Reason(key="shape.number")
        case (size,) if size in sizes:
            return Reason(key="shape.vector_any", parts={"size": tree.Name(sizes[size])})
        case (size,):
            return Reason(key="shape.vector", parts={"count": size})
        case (_, _):
            return Reason(key="shape.matrix", parts={"sizes": shown})
    return Reason(key="shape.array", parts={"sizes": shown})


def _shapes(right: Array[Any], wrong: Array[Any], sizes: Mapping[int, str]) -> Iterator[Reason]:
    if len(right.shape) == 2 and wrong.shape == right.shape[::-1] and _transposed(wrong) == right.entries:
        yield Reason(key="check.differs_transposed")
    got, wanted = (shape_told(array.shape, sizes) for array in (wrong, right))
    yield Reason(key="check.differs_shape", parts={"got": got, "wanted": wanted})


def _transposed(array: Array[Any]) -> tuple[Any, ...]:
    rows, columns = array.shape
    return tuple(array.entries[row * columns + column] for column in range(columns) for row in range(rows))


def _factor(pairs: _Pairs) -> tuple[Reason, ...]:
    """All entries are the right ones times one number; a single entry that is off tells no factor."""
    known = [(a, b) for a, b in pairs if a]
    if not known or any(b for a, b in pairs if not a):
        return ()
    factors = {pairs.quotient(b, a) for a, b in known}
    if len(factors) != 1:
        return ()
    (factor,) = factors
    if not factor or (len(known) == 1 and pairs.numbers and factor not in _FACTORS):
        return ()
    if factor == -1:
        return (Reason(key="check.differs_sign"),)
    return (Reason(key="check.differs_factor", parts={"factor": _shown(factor)}),)


def _entries(pairs: _Pairs) -> tuple[Reason, ...]:
    """A few entries differ, and others are right."""
    apart, total = pairs.apart, len(pairs.right.entries)
    if len(apart) == total:
        return ()
    if len(apart) > NAMED_ENTRIES:
        return (Reason(key="check.differs_entries", parts={"count": len(apart), "total": total}),)
    return tuple(_entry(pairs, at) for at in apart)


def _entry(pairs: _Pairs, at: int) -> Reason:
    place = place_of(pairs.right.shape, at)
    if pairs.entry is not None:
        due = pairs.entry(places_of(pairs.right.shape, at))
        return Reason(key="check.differs_due", parts={"place": place, "due": due})
    if not pairs.numbers:
        return Reason(key="check.differs_place", parts={"place": place})
    got, wanted = _shown(pairs.wrong.entries[at]), _shown(pairs.right.entries[at])
    return Reason(key="check.differs_entry", parts={"place": place, "got": got, "wanted": wanted})


def _constant(pairs: _Pairs) -> tuple[Reason, ...]:
    """All entries are off by the same number."""
    gaps = {b - a for a, b in pairs}
    if not pairs.numbers or len(gaps) != 1 or len(pairs.right.entries) == 1 or 0 in gaps:
        return ()
    return (Reason(key="check.differs_constant", parts={"constant": _shown(gaps.pop())}),)


_SAYINGS: tuple[Callable[[_Pairs], tuple[Reason, ...]], ...] = (_factor, _entries, _constant)

_FACTORS = {Fraction(n, d) for n, d in ((-1, 1), (2, 1), (1, 2), (-2, 1), (-1, 2))}
"""Factors that are told of a single number: with any two numbers, one is some multiple of the other."""


def _shown(value: Any) -> Node:
    exact = Fraction(value)
    if exact.denominator == 1:
        return tree.number(exact)
    above = tree.Quotient(tree.number(abs(exact.numerator)), tree.number(exact.denominator), inline=True)
    return tree.Neg(above) if exact < 0 else above
