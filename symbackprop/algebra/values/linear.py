"""Places as linear forms: `2 i + a - m` is a constant and a coefficient for each index.

Index places, the ends of sums and the sides of guards are nearly always linear in the indices, with sizes
that are numbers here. As a form they cost one addition a point instead of a walk through a tree.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from fractions import Fraction
from typing import NamedTuple

from symbackprop.notation import tree
from symbackprop.notation.tree import Node


class Form(NamedTuple):
    """`constant + Σ coefficients[name] · name`; no coefficient is 0."""

    constant: Fraction
    coefficients: dict[str, Fraction]

    def plus(self, other: Form, share: int = 1) -> Form:
        """`self + share · other`."""
        made = dict(self.coefficients)
        for name, value in other.coefficients.items():
            made[name] = made.get(name, Fraction(0)) + share * value
        kept = {name: value for name, value in made.items() if value}
        return Form(self.constant + share * other.constant, kept)

    def times(self, factor: Fraction) -> Form:
        """`factor · self`."""
        if not factor:
            return Form(Fraction(0), {})
        scaled = {name: factor * value for name, value in self.coefficients.items()}
        return Form(factor * self.constant, scaled)


def linear(node: Node, number: Callable[[str], int | None], loops: Collection[str] = ()) -> Form | None:
    """`node` as a form in the names of `loops`; None where it is none.

    `number` gives the value of any other name (a size, an index that is fixed), or None.
    """
    match tree.bare(node):
        case tree.Number(value):
            return Form(value, {})
        case tree.Name(name):
            if name in loops:
                return Form(Fraction(0), {name: Fraction(1)})
            known = number(name)
            return None if known is None else Form(Fraction(known), {})
        case tree.Neg(body):
            made = linear(body, number, loops)
            return None if made is None else made.times(Fraction(-1))
        case tree.Add(terms):
            return _sum([linear(term, number, loops) for term in terms])
        case tree.Product(factors, _):
            return _product([linear(factor, number, loops) for factor in factors])
        case tree.Quotient(above, below):
            top, bottom = linear(above, number, loops), linear(below, number, loops)
            if top is None or bottom is None or bottom.coefficients or not bottom.constant:
                return None
            return top.times(1 / bottom.constant)
    return None


def _sum(parts: Sequence[Form | None]) -> Form | None:
    total = Form(Fraction(0), {})
    for part in parts:
        if part is None:
            return None
        total = total.plus(part)
    return total


def _product(parts: Sequence[Form | None]) -> Form | None:
    """At most one factor may hold an index."""
    total = Form(Fraction(1), {})
    for part in parts:
        if part is None or (part.coefficients and total.coefficients):
            return None
        total = part.times(total.constant) if not total.coefficients else total.times(part.constant)
    return total
