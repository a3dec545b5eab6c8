"""Derivatives called by the name of what was derived: with p = softmax(z), ∂p_i/∂z_j = p_i (δ_ij − p_j).

The same for a root (q = ‖x‖ has the slope x/q) and for the exponential (e = exp(z) has the slope e).
"""

from __future__ import annotations

from dataclasses import replace

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.indexform import Along, Apply, Entry, Expr, Factor, Power, Term


def cited(expr: Expr, whole: Expr, name: str, axes: tuple[str, ...]) -> Expr:
    """`expr` with what the equation `name = whole` computes called by its name.

    `axes` are the indices of `whole`; `expr` stands at the same ones.
    """
    guards = whole[0].guards if len(whole) == 1 else ()
    own = ix.lone_factor(tuple(replace(term, guards=()) for term in whole))
    if guards and isinstance(own, Apply) and own.function == "exp":  # e^s where j ≤ i, and 0 elsewhere
        return tuple(_guarded(term, own, guards, name, axes) for term in expr)
    if guards or not isinstance(own, Along | Power | Apply):
        return expr
    return tuple(_term(term, own, name, axes) for term in expr)


def _guarded(term: Term, own: Factor, guards: tuple[ix.Guard, ...], name: str, axes: tuple[str, ...]) -> Term:
    if own not in term.factors or not set(guards) <= set(term.guards):
        return term
    made = _term(term, own, name, axes)
    return replace(made, guards=tuple(guard for guard in made.guards if guard not in guards))


def _term(term: Term, own: Factor, name: str, axes: tuple[str, ...]) -> Term:
    return replace(term, factors=tuple(_factor(factor, own, name, axes) for factor in term.factors))


def _factor(factor: Factor, own: Factor, name: str, axes: tuple[str, ...]) -> Factor:
    match factor, own:
        case ix.Group(body), _:
            return ix.Group(tuple(_term(term, own, name, axes) for term in body))
        case Along(), Along():
            if factor.function == own.function and _same_row(factor, own):
                places = tuple(factor.place if axis == own.place else axis for axis in axes)
                return Entry(name, places)
        case Power(base, exponent), Power(root, degree):
            if base == root and exponent == ix.scale(degree, -1):
                return Power(ix.single(Entry(name, axes)), ix.constant(-1))
        case Apply("exp"), Apply("exp") if factor == own:
            return Entry(name, axes)
    return factor


def _same_row(factor: Along, own: Along) -> bool:
    return ix.renamed(factor.arg, {factor.index: own.index}) == own.arg
