"""Functions of a whole axis (softmax): one row each, holding the formula of one entry.

The Jacobian is derived from the formula with SymPy, in indices; what it has of the function's own
output is then called by its name: `e^{u_i}/Σ_l e^{u_l}` is `softmax(u)_i`, so that
∂p_i/∂u_m = p_i (δ_im − p_m).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.collapsing import collapsed
from symbackprop.algebra.indexform import Along, Entry, Expr, Factor, Power, Term
from symbackprop.algebra.places import moved

if TYPE_CHECKING:
    from symbackprop.algebra.lower import Lowering


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisFunction:
    """`entry` is the formula of one entry, over a vector u of n entries, at the place i.

    `above` and `below` are a quotient that the Jacobian has in it, and `quotient` the row that it is.
    """

    name: str
    entry: str
    above: str
    below: str
    quotient: str


_SOFTMAX = {"above": "exp(u[i])", "below": "sum(l = 1..n: exp(u[l]))", "quotient": "softmax"}

ROWS: tuple[AxisFunction, ...] = (
    AxisFunction(name="softmax", entry="exp(u[i]) / sum(l = 1..n: exp(u[l]))", **_SOFTMAX),
    AxisFunction(name="log_softmax", entry="u[i] - log(sum(l = 1..n: exp(u[l])))", **_SOFTMAX),
)

TABLE: Mapping[str, AxisFunction] = MappingProxyType({row.name: row for row in ROWS})
"""The rows by their names."""

RUNNING = "l~"
"""The index that runs along the axis; it is bound in the argument, so that one name serves all."""

PLACE, BY, OVER, LENGTH = "i", "m~", "u", "n"
"""The place of the entry, the place derived by, the vector and its size, in formulas and Jacobians."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jacobian:
    """∂f(u)_i/∂u_m: as SymPy leaves it, and with the function's output called by its name."""

    derived: Expr
    folded: Expr


@cache
def jacobian(function: str) -> Jacobian:
    """The Jacobian of a row, in the indices PLACE and BY over the vector OVER."""
    from symbackprop.algebra.differentiate import by_entry  # the two modules need each other
    from symbackprop.algebra.resolve import resolved

    row = TABLE[function]
    derived = collapsed(resolved(by_entry(entry_of(function), Entry(OVER, (BY,))), _lowering()))
    folded = _folded(derived, _read(row.above), _read(row.below), row.quotient)
    return Jacobian(derived=derived, folded=folded)


def entry_of(function: str) -> Expr:
    """The formula of a row's entry at PLACE, over the vector OVER."""
    return _read(TABLE[function].entry)


def _lowering() -> Lowering:
    from symbackprop.algebra.lower import Lowering  # the two modules need each other
    from symbackprop.algebra.values.apply import formula

    return Lowering({OVER: (LENGTH,)}, {}, lambda text, _: formula(text), frozenset({LENGTH}))


def _read(text: str) -> Expr:
    from symbackprop.algebra.values.apply import formula

    return _lowering().scalar(formula(text))


def _folded(expr: Expr, above: Expr, below: Expr, name: str) -> Expr:
    """`e^{u_x} / S` as `softmax(u)_x`, as often as S stands below."""
    (numerator,) = above[0].factors
    own = _without_letters(below)
    return ix.merged(tuple(_folded_term(term, numerator, own, name) for term in expr))


def _folded_term(term: Term, numerator: Factor, below: object, name: str) -> Term:
    kept: list[Factor] = []
    times = 0
    for factor in term.factors:
        exponent = ix.number_of(factor.exponent) if isinstance(factor, Power) else None
        if isinstance(factor, Power) and exponent is not None and exponent < 0:
            base = ix.lone_factor(factor.base)
            if _without_letters(base.body if isinstance(base, ix.Group) else factor.base) == below:
                times += -int(exponent)
                continue
        kept.append(factor)
    made: list[Factor] = []
    for factor in kept:
        places = [place for entry in ix.entries(factor) for place in entry.places]
        if times and len(places) == 1 and ix.rename_factor(numerator, {PLACE: places[0]}) == factor:
            times -= 1
            factor = Along(name, ix.single(Entry(OVER, (RUNNING,))), RUNNING, LENGTH, places[0])
        made.append(factor)
    return term if times else replace(term, factors=tuple(made))


def _without_letters(expr: Expr) -> object:
    """An expression but for the letters of its bound indices."""
    return tuple(
        ix.rename_term(replace(term, bound=()), {index: f"#{at}" for at, (index, _) in enumerate(term.bound)})
        for term in expr
    )


def derivative(factor: Along, inner: Callable[[Expr], Expr]) -> Expr:
    """`Σ_m ∂f_i/∂a_m · inner(a_m)`, where `inner` derives an entry of the argument."""
    by = ix.fresh("m")
    arrives = inner(ix.renamed(factor.arg, {factor.index: by}))
    if not arrives:
        return ix.ZERO
    outer = tuple(_placed(term, factor, by) for term in jacobian(factor.function).folded)
    return collapsed(ix.summed(ix.multiply(outer, arrives), by, factor.size))


def _placed(term: Term, factor: Along, by: str) -> Term:
    """A term of the Jacobian over the argument and at the places of `factor`."""
    table = {PLACE: factor.place, BY: by}
    put = tuple(
        replace(one, arg=factor.arg, index=factor.index, size=factor.size, place=moved(one.place, table))
        if isinstance(one, Along)
        else one
        for one in term.factors
    )
    deltas = tuple((moved(first, table), moved(second, table)) for first, second in term.deltas)
    return replace(term, factors=put, deltas=deltas)
