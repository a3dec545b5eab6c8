"""Arrays of fractions out of numerators, made when somebody looks at them.

An exam of a thousand variants has a hundred thousand numbers, of which a paper prints a few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import overload

from symbackprop.algebra.values.arrays import Array
from symbackprop.exams.model import Slip
from symbackprop.exams.plan import Quantity, WrongCode
from symbackprop.exams.tracer import WrongKind


class LazyArrays(Mapping[str, "Array[Fraction]"]):
    """Quantities by name, at their places among numerators."""

    __slots__ = ("_below", "_made", "_numerators", "_places")

    def __init__(
        self, places: Sequence[Quantity], numerators: Sequence[int], denominators: Sequence[int]
    ) -> None:
        self._places = {one.name: one for one in places}
        self._numerators = numerators
        self._below = denominators
        self._made: dict[str, Array[Fraction]] = {}

    def __getitem__(self, name: str) -> Array[Fraction]:
        found = self._made.get(name)
        if found is None:
            found = self._made[name] = self._places[name].array(self._numerators, self._below)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class LazySlips(Sequence[Slip]):
    """The answers that common mistakes give, those that can be told apart."""

    __slots__ = ("_code", "_numerators", "_told")

    def __init__(self, code: WrongCode, told: Sequence[int], numerators: Sequence[int]) -> None:
        self._code = code
        self._told = told
        self._numerators = numerators

    @overload
    def __getitem__(self, at: int) -> Slip: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Slip]: ...
    def __getitem__(self, at: int | slice) -> Slip | Sequence[Slip]:
        if isinstance(at, slice):
            return [self._slip(self._code.kinds[one]) for one in self._told[at]]
        return self._slip(self._code.kinds[self._told[at]])

    def __len__(self) -> int:
        return len(self._told)

    def _slip(self, kind: WrongKind) -> Slip:
        above, below = (part[kind.start : kind.end] for part in (self._numerators, self._code.denominators))
        return Slip(
            part=kind.part, mistake=kind.mistake, about=kind.about, instead=kind.instead,
            array=Array(kind.shape, tuple(map(Fraction, above, below))),
        )  # fmt: skip
