"""Polynomials in the entries of given arrays that have no values: `39 - 4 y_1 - 7 y_2`.

They let a derivation go as far in numbers as the values allow. Coefficients are what `exact.py` computes
with (Fractions or balls); this module only keeps the terms in order.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Symbolic
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Add, Index, Name, Neg, Node, Number, Power, Product

TERMS = 2_000  # of one polynomial
DEGREE = 60  # of one polynomial

Coefficient = Any
"""A Fraction or a ball; `exact.py` knows how to compute with both."""


class Variable(NamedTuple):
    """An entry of a given array. `rank` puts the names in order (of the model), `places` the entries."""

    rank: int
    name: str
    places: tuple[int, ...]


Monomial = tuple[tuple[Variable, int], ...]
"""Variables with their powers, in order; `()` is 1."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Poly(Plain):
    """`terms` holds no zero coefficient, and at least one monomial other than 1."""

    terms: Mapping[Monomial, Coefficient]

    def ordered(self) -> Iterator[tuple[Monomial, Coefficient]]:
        """The constant first, then by degree, then by the order of the variables."""
        for monomial in sorted(self.terms, key=_order):
            yield monomial, self.terms[monomial]

    def __str__(self) -> str:
        return " + ".join(f"{value}·{_text(monomial)}" for monomial, value in self.ordered())


def leftover(name: str, shape: tuple[int, ...], rank: int = 0) -> Array[Poly]:
    """The symbols of a given array without values: `y`, `y[1]`, `W[1,2]`."""
    sized = Array(shape, (0,) * _size(shape))
    entries = (Poly({((Variable(rank, name, places), 1),): Fraction(1)}) for places in sized.places())
    return Array(shape, tuple(entries))


def add(
    a: Mapping[Monomial, Coefficient],
    b: Mapping[Monomial, Coefficient],
    plus: Callable[[Coefficient, Coefficient], Coefficient],
) -> dict[Monomial, Coefficient]:
    """The terms of the sum, zeros included."""
    result = dict(a)
    for monomial, value in b.items():
        result[monomial] = plus(result[monomial], value) if monomial in result else value
    return result


def multiply(
    a: Mapping[Monomial, Coefficient],
    b: Mapping[Monomial, Coefficient],
    plus: Callable[[Coefficient, Coefficient], Coefficient],
    times: Callable[[Coefficient, Coefficient], Coefficient],
) -> dict[Monomial, Coefficient]:
    """The terms of the product, zeros included. Raises Symbolic beyond `TERMS` or `DEGREE`."""
    result: dict[Monomial, Coefficient] = {}
    for left, value in a.items():
        for right, other in b.items():
            monomial = _product(left, right)
            part = times(value, other)
            result[monomial] = plus(result[monomial], part) if monomial in result else part
        if len(result) > TERMS:
            raise Symbolic(f"a polynomial of more than {TERMS} terms")
    return result


def _product(a: Monomial, b: Monomial) -> Monomial:
    powers = dict(a)
    for variable, power in b:
        powers[variable] = powers.get(variable, 0) + power
    if sum(powers.values()) > DEGREE:
        raise Symbolic(f"a polynomial of degree above {DEGREE}")
    return tuple(sorted(powers.items()))


def to_tree(poly: Poly, coefficient: Callable[[Monomial, Coefficient], Node]) -> Node:
    """`39 - 4 y_1 - 7 y_2`: the constant first. `coefficient` makes the node of a number, a Neg if < 0."""
    terms = [_term(monomial, coefficient(monomial, value)) for monomial, value in poly.ordered()]
    return terms[0] if len(terms) == 1 else Add(tuple(terms))


def _term(monomial: Monomial, number: Node) -> Node:
    factors = tuple(_factor(variable, power) for variable, power in monomial)
    if not factors:
        return number
    if isinstance(number, Neg):
        return Neg(_term(monomial, number.body))
    if isinstance(number, Product):  # 3.2 · 10^-7, as one product with the variables
        return Product((*number.factors, *factors), (*number.signs, *("",) * len(factors)))
    parts = factors if number == Number(Fraction(1)) else (number, *factors)
    return parts[0] if len(parts) == 1 else Product(parts, ("",) * (len(parts) - 1))


def _factor(variable: Variable, power: int) -> Node:
    entry: Node = Name(variable.name)
    if variable.places:
        entry = Index(entry, tuple(Number(Fraction(place)) for place in variable.places))
    return entry if power == 1 else Power(entry, Number(Fraction(power)))


def _order(monomial: Monomial) -> tuple[int, Monomial]:
    """By degree, then y_1² before y_1 y_2 before y_2²."""
    return sum(power for _, power in monomial), tuple((v, -power) for v, power in monomial)


def _text(monomial: Monomial) -> str:
    return "·".join(f"{v.name}{list(v.places) or ''}^{power}" for v, power in monomial) or "1"


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size
