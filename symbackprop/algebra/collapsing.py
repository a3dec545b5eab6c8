"""Kronecker deltas used up: `Σ_j a_j δ_jp` is `a_p`, and what leaves an array gets a guard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.indexform import Entry, Expr, Factor, Power, Term
from symbackprop.algebra.places import (
    Linear,
    Place,
    Ranges,
    in_range,
    plus,
    solved,
    verdict,
)
from symbackprop.notation.tree import Size

NO_RANGES: Ranges = MappingProxyType({})


def collapsed(expr: Expr, ranges: Ranges = NO_RANGES) -> Expr:
    """Every delta over a bound index used up, as far as that goes; `a a` becomes `a²`.

    `ranges` are the sizes of the free indices' axes.
    """
    return ix.merged(tuple(with_powers(done) for term in expr for done in _collapse(term, ranges)))


def _collapse(term: Term, ranges: Ranges) -> Expr:
    """The term without the deltas that a bound index uses up; nothing where one cannot hold."""
    waiting = True
    while waiting:
        waiting = False
        for pair in term.deltas:
            difference = plus(pair[0], pair[1], -1)
            if difference == Linear():
                term = _without(term, pair)
            elif not difference.indices and not difference.sizes:
                return ix.ZERO
            else:
                index = _index_to_go(term, pair, difference)
                if index is None:
                    continue
                term = _substituted(_without(term, pair), index, difference, ranges)
            waiting = True
            break
    return _guarded(term, ranges)


def _index_to_go(term: Term, pair: tuple[Place, Place], difference: Linear) -> str | None:
    """The bound index that this delta fixes: by choice one of what arrives from above.

    `Σ_i Σ_a dy_i K_a δ_{i+a−1,p}` becomes `Σ_a dy_{p−a+1} K_a`.
    """
    bound = {index for index, _ in term.bound}
    found = [index for index, factor in difference.indices if index in bound and abs(factor) == 1]
    arriving = {
        index
        for factor in term.factors
        if isinstance(factor, Entry) and factor.gradient
        for index in ix.free_indices(factor)
    }
    plain = [place for place in pair if place in found]  # of two mere indices the model's own
    return min(plain or found, key=lambda index: not plain and index not in arriving, default=None)


def _substituted(term: Term, index: str, difference: Linear, ranges: Ranges) -> Term:
    place = solved(difference, index)
    assert place is not None
    size = dict(term.bound)[index]
    guard = in_range(place, size)
    bound = tuple(item for item in term.bound if item[0] != index)
    rest = ix.rename_term(replace(term, bound=bound), {index: place})
    known: dict[str, Size] = {**ranges, **dict(bound)}
    if verdict(guard, known) or _same_axis(place, size, known):
        return rest
    return replace(rest, guards=(*rest.guards, guard))


def _same_axis(place: Place, size: Size, known: Mapping[str, Size]) -> bool:
    """An entry that the model names exists: `x_3` of n entries; and so does one of unknown range."""
    if isinstance(place, int):
        return not isinstance(size, int)
    return isinstance(place, str) and place not in known


def _guarded(term: Term, ranges: Ranges) -> Expr:
    """The term with the guards that do not follow from the ranges of its indices."""
    known = {**ranges, **dict(term.bound)}
    kept = []
    for guard in dict.fromkeys(term.guards):
        found = verdict(guard, known)
        if found is False:
            return ix.ZERO
        if found is None:
            kept.append(guard)
    return (replace(term, guards=tuple(kept)),)


def with_powers(term: Term) -> Term:
    """Factors that occur twice as powers, where the first one stands."""
    kept: list[Factor] = []
    for factor in term.factors:
        base, exponent = _as_power(factor)
        for place, known in enumerate(kept):
            known_base, known_exponent = _as_power(known)
            if exponent and known_exponent and base == known_base:
                total = exponent + known_exponent
                joined = base if total == 1 else Power(ix.single(base), ix.constant(total))
                kept[place : place + 1] = [joined] if total else []
                break
        else:
            kept.append(factor)
    return replace(term, factors=tuple(kept))


def factored(expr: Expr) -> Expr:
    """What all terms have in common before a bracket: `p_j dp_j − p_j Σ_i p_i dp_i` as `p_j (dp_j − …)`."""
    if len(expr) < 2:
        return expr
    first, *others = expr
    common = [factor for factor in first.factors if all(factor in term.factors for term in others)]
    bound = {index for term in expr for index, _ in term.bound}
    common = [factor for factor in dict.fromkeys(common) if not ix.free_indices(factor) & bound]
    shares = {abs(term.coefficient) for term in expr}
    share = shares.pop() if len(shares) == 1 else Fraction(1)
    if not common and share == 1:
        return expr
    rest = tuple(_without_factors(term, common, share) for term in expr)
    return (Term(share, (*common, ix.Group(rest))),)


def _without_factors(term: Term, common: list[Factor], share: Fraction) -> Term:
    left = list(term.factors)
    for factor in common:
        left.remove(factor)
    return replace(term, factors=tuple(left), coefficient=term.coefficient / share)


def _as_power(factor: Factor) -> tuple[Factor, Fraction]:
    """A factor as a base and a whole exponent; the exponent is 0 where there is no such form."""
    if not isinstance(factor, Power):
        return factor, Fraction(1)
    exponent = ix.number_of(factor.exponent)
    base = ix.lone_factor(factor.base)
    if exponent is None or base is None or exponent.denominator != 1:
        return factor, Fraction(0)
    return base, exponent


def _without(term: Term, pair: tuple[Place, Place]) -> Term:
    """`term` without one delta."""
    deltas = list(term.deltas)
    deltas.remove(pair)
    return replace(term, deltas=tuple(deltas))
