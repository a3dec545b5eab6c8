"""Affine forms `c + Σ aᵢ xᵢ` in numbered unknowns, over any domain of numbers.

An equation evaluated over them shows its coefficients, whatever way it was written; what is not affine raises
Symbolic. `solved` is elimination: it says how some unknowns follow from the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Generic, TypeVar

from symbackprop.algebra.values.domain import Domain, Symbolic

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Affine(Generic[T]):
    """`constant + Σ parts[i] · x_i`; no part is 0."""

    constant: T
    parts: Mapping[int, T]


class Affines(Domain[Affine[T]]):
    """Affine forms over `base`."""

    def __init__(self, base: Domain[T]) -> None:
        self.base = base
        self.zero = self.lift(base.zero)
        self.one = self.lift(base.one)

    def lift(self, value: T) -> Affine[T]:
        """A number."""
        return Affine(value, {})

    def unknown(self, place: int) -> Affine[T]:
        """x_place."""
        return Affine(self.base.zero, {place: self.base.one})

    def from_fraction(self, value: Fraction) -> Affine[T]:
        return self.lift(self.base.from_fraction(value))

    def add(self, a: Affine[T], b: Affine[T]) -> Affine[T]:
        return self._made(self.base.add(a.constant, b.constant), a.parts, b.parts)

    def total(self, values: Iterable[Affine[T]]) -> Affine[T]:
        listed = list(values)
        constant = self.base.total([value.constant for value in listed])
        return self._made(constant, *(value.parts for value in listed))

    def sub(self, a: Affine[T], b: Affine[T]) -> Affine[T]:
        return self.add(a, self.neg(b))

    def neg(self, a: Affine[T]) -> Affine[T]:
        return Affine(self.base.neg(a.constant), {i: self.base.neg(part) for i, part in a.parts.items()})

    def mul(self, a: Affine[T], b: Affine[T]) -> Affine[T]:
        if a.parts and b.parts:
            raise Symbolic("a product of unknowns")
        form, factor = (a, b.constant) if a.parts else (b, a.constant)
        mul = self.base.mul
        parts = {i: mul(part, factor) for i, part in form.parts.items()}
        return self._made(mul(form.constant, factor), parts)

    def div(self, a: Affine[T], b: Affine[T]) -> Affine[T]:
        divisor = self.number(b)
        parts = {i: self.base.div(part, divisor) for i, part in a.parts.items()}
        return self._made(self.base.div(a.constant, divisor), parts)

    def power(self, a: Affine[T], exponent: Fraction) -> Affine[T]:
        return a if exponent == 1 else self.lift(self.base.power(self.number(a), exponent))

    def atom(self, name: str, a: Affine[T]) -> Affine[T]:
        return self.lift(self.base.atom(name, self.number(a)))

    def pi(self) -> Affine[T]:
        return self.lift(self.base.pi())

    def sign(self, a: Affine[T]) -> int:
        return self.base.sign(self.number(a))

    def is_zero(self, a: Affine[T]) -> bool:
        return not a.parts and self.base.is_zero(a.constant)

    def rational(self, a: Affine[T]) -> Fraction | None:
        return None if a.parts else self.base.rational(a.constant)

    def generic(self, name: str, orders: tuple[int, ...], args: Sequence[Affine[T]]) -> Affine[T]:
        return self.lift(self.base.generic(name, orders, [self.number(arg) for arg in args]))

    def number(self, a: Affine[T]) -> T:
        """A form without unknowns. Raises Symbolic for any other."""
        if a.parts:
            raise Symbolic("a function of unknowns")
        return a.constant

    def _made(self, constant: T, *parts: Mapping[int, T]) -> Affine[T]:
        total: dict[int, T] = {}
        for one in parts:
            for place, part in one.items():
                total[place] = self.base.add(total[place], part) if place in total else part
        return Affine(constant, {i: part for i, part in total.items() if not self.base.is_zero(part)})


def solved(forms: Iterable[Affine[T]], domain: Affines[T]) -> dict[int, Affine[T]] | None:
    """Unknown -> what it is in terms of the others, so that every form is 0; None if that cannot be.

    The last unknown of each form is the one that follows.
    """
    found: dict[int, Affine[T]] = {}
    for form in forms:
        left = replaced(form, found, domain)
        if not left.parts:
            if not domain.is_zero(left):
                return None
            continue
        place = max(left.parts)
        rest = Affine(left.constant, {i: part for i, part in left.parts.items() if i != place})
        answer = domain.neg(domain.div(rest, domain.lift(left.parts[place])))
        for other, value in found.items():
            if place in value.parts:
                found[other] = replaced(value, {place: answer}, domain)
        found[place] = answer
    return found


def replaced(form: Affine[T], answers: Mapping[int, Affine[T]], domain: Affines[T]) -> Affine[T]:
    """`form` with some unknowns replaced."""
    kept = {i: part for i, part in form.parts.items() if i not in answers}
    changed: list[Any] = [Affine(form.constant, kept)]
    for place in form.parts.keys() & answers.keys():
        changed.append(domain.mul(domain.lift(form.parts[place]), answers[place]))
    return domain.total(changed)
