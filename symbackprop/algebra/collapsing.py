"""Kronecker deltas used up: `Σ_j a_j δ_jp` is `a_p`, and what leaves an array gets a guard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.indexform import Entry, Expr, Factor, Power, Term
from symbackprop.algebra.places import (
    NO_RANGES,
    Guard,
    Linear,
    Place,
    Ranges,
    combined,
    ends,
    guard_indices,
    in_range,
    linear,
    never_negative,
    of_size,
    plus,
    simplest,
    size_between,
    solved,
    span,
    verdict,
)
from symbackprop.notation.tree import Size


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
            kept.append(_plain(guard))
    return _narrowed(replace(term, guards=tuple(kept)))


def _plain(guard: Guard) -> Guard:
    """`1 ≤ q − 1 ≤ 2` as `2 ≤ q ≤ 3`."""
    indices = guard_indices(guard)
    found = ends(guard, indices[0]) if len(indices) == 1 else None
    if found is None:
        return guard
    low, high = (None if end is None else simplest(end) for end in found)
    return Guard(low, indices[0], high)


def _narrowed(term: Term) -> Expr:
    """Sums over the places only where the guards on their own index hold: `Σ_{i=4}^{6}`, counted from 1."""
    for index, size in term.bound:
        own = [guard for guard in term.guards if guard_indices(guard) == (index,)]
        found = span(own, index, size) if own else None
        if found is None:
            continue
        low, high = found
        length = size_between(low, high)
        if length == 1:
            return _narrowed(_fixed(term, index, low, own))
        if isinstance(length, int) and length < 1:
            return ix.ZERO
        if never_negative(plus(simplest(of_size(length)), 1, -1)):
            return _narrowed(_counted_from(term, index, low, length, own))
    return (term,)


def _fixed(term: Term, index: str, place: Linear, used: list[Guard]) -> Term:
    guards = tuple(guard for guard in term.guards if guard not in used)
    bound = tuple(item for item in term.bound if item[0] != index)
    return ix.rename_term(replace(term, bound=bound, guards=guards), {index: simplest(place)})


def _counted_from(term: Term, index: str, low: Linear, length: Size, used: list[Guard]) -> Term:
    new = ix.fresh(index.partition("~")[0])
    place = simplest(combined([(1, linear(new)), (1, low), (-1, linear(1))]))
    bound = tuple((new, length) if item[0] == index else item for item in term.bound)
    guards = tuple(guard for guard in term.guards if guard not in used)
    made = ix.rename_term(replace(term, bound=(), guards=guards), {index: place})
    return replace(made, bound=bound)


def with_powers(term: Term) -> Term:
    """Factors that occur twice as powers, where the first one stands."""
    kept: list[Factor] = []
    late: list[Factor] = []  # b a^(b − 1)
    for factor in term.factors:
        base, exponent = _as_power(factor)
        for place, known in enumerate(kept):
            known_base, known_exponent = _as_power(known)
            lifted = _lifted(factor, known)
            if lifted is not None:
                kept.pop(place)
                late.append(lifted)
                break
            if exponent and known_exponent and base == known_base:
                total = exponent + known_exponent
                joined = base if total == 1 else Power(ix.single(base), ix.constant(total))
                kept[place : place + 1] = [joined] if total else []
                break
        else:
            kept.append(factor)
    return replace(term, factors=(*kept, *late))


def multiplied_out(expr: Expr, ranges: Ranges = NO_RANGES) -> Expr:
    """Fractions cancelled, then brackets multiplied out, until neither does anything."""
    expr = collapsed(expr, ranges)
    while True:
        parts: list[Term] = []
        for term in map(_pinned, expr):
            factors = [f.body if isinstance(f, ix.Group) else ix.single(f) for f in term.factors]
            parts += ix.multiply((replace(term, factors=()),), *factors)
        done = ix.merged(tuple(with_powers(term) for term in parts))
        if done == expr:
            return expr
        expr = done


def _pinned(term: Term) -> Term:
    """`p_j δ_j2` as `p_2 δ_j2`, which can meet another p_2."""
    table: dict[str, Place] = {}
    for first, second in term.deltas:
        index, place = (second, first) if isinstance(first, int) else (first, second)
        if isinstance(index, str) and isinstance(place, int):
            table[index] = place
    if not table:
        return term
    return replace(term, factors=tuple(ix.rename_factor(factor, table) for factor in term.factors))


def _lifted(first: Factor, second: Factor) -> Factor | None:
    """`a^b a^(−1)` as `a^(b − 1)`, where the exponent b is no number."""
    for power, other in ((first, second), (second, first)):
        if not isinstance(power, Power) or ix.number_of(power.exponent) is not None:
            continue
        base, exponent = _as_power(other)
        if exponent and ix.lone_factor(power.base) == base:
            return Power(power.base, ix.add(_opened_group(power.exponent), ix.constant(exponent)))
    return None


def _opened_group(expr: Expr) -> Expr:
    lone = ix.lone_factor(expr)
    return lone.body if isinstance(lone, ix.Group) else expr


def positive_first(expr: Expr) -> Expr:
    """`p − t` rather than `−t + p`."""
    return tuple(sorted(expr, key=lambda term: term.coefficient < 0))


def factored(expr: Expr) -> Expr:
    """What all terms have in common before a bracket: `p_j dp_j − p_j Σ_i p_i dp_i` as `p_j (dp_j − …)`."""
    expr = _opened(expr)
    if len(expr) < 2 or any(term.deltas or term.guards for term in expr):
        return expr
    first, *others = expr
    common = [factor for factor in first.factors if all(factor in term.factors for term in others)]
    bound = {index for term in expr for index, _ in term.bound}
    common = [factor for factor in dict.fromkeys(common) if not ix.free_indices(factor) & bound]
    share = _share(expr)
    fractions = any(isinstance(factor, Power) for term in expr for factor in term.factors)
    if not common and (abs(share) == 1 or fractions):
        return expr  # −1 − log p, and n/(2 s) − v/(2 s²)
    rest = _opened(tuple(_without_factors(term, common, share) for term in expr))
    if len(rest) == 1:
        (only,) = rest
        return (replace(only, coefficient=share * only.coefficient, factors=(*common, *only.factors)),)
    return (Term(share, (*common, ix.Group(rest))),)


def _share(expr: Expr) -> Fraction:
    """The coefficient of all terms, their common sign with it."""
    sizes = {abs(term.coefficient) for term in expr}
    share = sizes.pop() if len(sizes) == 1 else Fraction(1)
    return -share if all(term.coefficient < 0 for term in expr) else share


def _opened(expr: Expr) -> Expr:
    """Brackets opened where terms then cancel or go together: `(a − p) − (a − q)` is `q − p`."""
    parts: list[Term] = []
    for term in expr:
        group = term.factors[0] if len(term.factors) == 1 else None
        opens = isinstance(group, ix.Group) and not (term.bound or term.deltas or term.guards)
        parts += ix.scale(group.body, term.coefficient) if opens and isinstance(group, ix.Group) else (term,)
    found = ix.merged(tuple(parts))
    return positive_first(found) if len(found) < len(parts) else expr


def with_group_turned(expr: Expr) -> Expr:
    """`−(y − z)` as `z − y`, where nothing that arrives from above stands beside the bracket."""
    return tuple(map(_turned, expr))


def _turned(term: Term) -> Term:
    groups = [factor for factor in term.factors if isinstance(factor, ix.Group)]
    plain = not any(entry.gradient for entry in ix.entries(term))
    if term.coefficient > 0 or term.bound or len(groups) != 1 or not plain:
        return term
    (group,) = groups
    if len(group.body) != 2 or group.body[0].coefficient * group.body[1].coefficient > 0:
        return term
    turned = ix.Group(positive_first(ix.scale(group.body, -1)))
    kept = tuple(turned if factor is group else factor for factor in term.factors)
    return replace(term, coefficient=-term.coefficient, factors=kept)


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
