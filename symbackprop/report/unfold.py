"""Sums written out: `Σ_i w_i x_i` with numbers is `4·1 + 2·0 + (−5)·2`, in board order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise, product
from types import MappingProxyType

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.indexform import Expr, Factor, Term
from symbackprop.algebra.places import moved
from symbackprop.algebra.spell import place_node, ratio, spelled
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

EntryValue = Callable[[ix.Entry], Node]
"""An entry with all its places fixed, as a node: its number, or its name where it has none."""

Worked = Callable[[ix.Power], Node | None]
"""A power with all its places fixed, worked out; None where it stays as it is."""

LONGEST = 5
"""Terms of a sum that are written out; a longer one shows its ends and dots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfolded:
    """The written-out terms of one term of an expression; `sum` tells that it was a sum."""

    node: Node
    sum: bool
    term: Term


def unfolded(
    expr: Expr, at: Mapping[str, int], value: EntryValue, worked: Worked | None = None, longest: int = LONGEST
) -> list[Unfolded]:
    """Each term of `expr` at fixed free indices, its sums written out with values put in.

    Of a sum of more than `longest` terms the first ones and the last stand there.
    """
    table: dict[str, ix.Place] = dict(at)
    found = []
    for term in expr:
        moved = ix.rename_term(term, table)
        node = _term(moved, value, worked, longest)
        found.append(Unfolded(node=node, sum=any(size != 1 for _, size in term.bound), term=term))
    return found


def _term(term: Term, value: EntryValue, worked: Worked | None, longest: int) -> Node:
    ranges = []
    for _, size in term.bound:
        if not isinstance(size, int):
            raise ValueError("a sum over a size that has no number")
        ranges.append(range(1, size + 1))
    sign = term.coefficient < 0
    coefficient = abs(term.coefficient)
    if not term.bound and not _holds(term):
        return tree.Number(Fraction(0))
    if not term.bound:
        body = _factors(coefficient, term.factors, value, worked, longest)
    else:
        body = _written_out(term, ranges, value, worked, longest)
        if coefficient != 1:
            body = _product([ratio(coefficient), body])
    return tree.Neg(body) if sign else body


def _written_out(
    term: Term, ranges: list[range], value: EntryValue, worked: Worked | None, longest: int
) -> Node:
    indices = [index for index, _ in term.bound]
    places = [place for place in product(*ranges) if _holds(term, dict(zip(indices, place, strict=True)))]
    if not places:
        return tree.Number(Fraction(0))
    kept: list[tuple[int, ...] | None] = list(places)
    if len(places) > longest:
        kept = [*places[: max(1, longest - 2)], None, places[-1]]
    terms: list[Node] = []
    for place in kept:
        if place is None:
            terms.append(tree.Dots("c"))
            continue
        here: dict[str, ix.Place] = dict(zip(indices, place, strict=True))
        moved = ix.rename_term(replace(term, bound=(), coefficient=Fraction(1)), here)
        terms.append(_factors(Fraction(1), moved.factors, value, worked, longest))
    return tree.plus(*terms)


def _holds(term: Term, at: Mapping[str, int] = MappingProxyType({})) -> bool:
    """Whether the guards of a term hold, and its deltas, where its indices are given."""
    for guard in term.guards:
        low, place, high = (
            None if end is None else moved(end, at) for end in (guard.low, guard.place, guard.high)
        )
        if not isinstance(place, int) or not all(isinstance(end, int | None) for end in (low, high)):
            raise ValueError("a guard over a size that has no number")
        if (isinstance(low, int) and place < low) or (isinstance(high, int) and place > high):
            return False
    return all(moved(first, at) == moved(second, at) for first, second in term.deltas)


def _factors(
    coefficient: Fraction, factors: tuple[Factor, ...], value: EntryValue, worked: Worked | None, longest: int
) -> Node:
    above: list[Node] = [] if coefficient == 1 else [ratio(coefficient)]
    below: list[Node] = []
    for factor in factors:
        if isinstance(factor, ix.Power):
            exponent = ix.number_of(factor.exponent)
            if exponent is not None and exponent < 0:
                below.append(_factor(ix.Power(factor.base, ix.constant(-exponent)), value, worked, longest))
                continue
        above.append(_factor(factor, value, worked, longest))
    top = _product(above) if above else tree.Number(Fraction(1))
    return tree.Quotient(top, _product(below)) if below else top


def _product(factors: list[Node]) -> Node:
    """Numbers have a dot between them; a number before a bracket or a function has none."""
    if len(factors) == 1:
        return factors[0]
    signs = tuple(
        "cdot" if _is_constant(left) and (is_numeral(right) or isinstance(right, tree.Call)) else ""
        for left, right in pairwise(factors)
    )
    return tree.Product(tuple(factors), signs)


def _is_constant(node: Node) -> bool:
    if isinstance(node, tree.Quotient):
        return is_numeral(node.above) and is_numeral(node.below)
    return is_numeral(node)


def is_numeral(node: Node) -> bool:
    """A plain number, with or without its sign."""
    return isinstance(tree.undressed(node.body if isinstance(node, tree.Neg) else node), tree.Number)


def _factor(factor: Factor, value: EntryValue, worked: Worked | None, longest: int) -> Node:
    match factor:
        case ix.Entry():
            return value(factor)
        case ix.Group(body):
            return _expr(body, value, worked, longest)
        case ix.Power(base, exponent):
            number = ix.number_of(exponent)
            if worked is not None and (done := worked(factor)) is not None:
                return done
            if number == 1:
                return _expr(base, value, worked, longest)
            if number == Fraction(1, 2):
                return tree.Call("sqrt", (_expr(base, value, worked, longest),))
            return tree.Power(_expr(base, value, worked, longest), _expr(exponent, value, worked, longest))
        case ix.Apply(function, args, order, options):
            named = tuple((key, _expr(part, value, worked, longest)) for key, part in options)
            given = tuple(_expr(arg, value, worked, longest) for arg in args)
            return tree.Call(function, given, named, order)
        case ix.Length(name):
            return tree.Name(name)
        case ix.Counter(place):
            return place_node(place)
        case ix.Along():
            return spelled(ix.single(factor), {})
        case _:
            return tree.Constant("pi")


def _expr(expr: Expr, value: EntryValue, worked: Worked | None, longest: int) -> Node:
    if not expr:
        return tree.Number(Fraction(0))
    return tree.plus(*(_term(term, value, worked, longest) for term in expr))
