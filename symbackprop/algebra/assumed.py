"""Facts about sums, used in indices: with Σ_i t_i = 1, `p_j Σ_i t_i` is `p_j`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.indexform import Entry, Expr, Term
from symbackprop.algebra.places import guard_indices, indices_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SumFact:
    """The entries of `name`, summed over the axes `summed`, are `value` wherever the others stand."""

    name: str
    summed: tuple[int, ...]
    value: Fraction


def sum_fact(left: Expr, right: Expr) -> SumFact | None:
    """`Σ_j T_ij = 1` as a fact; None where an equation says anything else."""
    value = ix.number_of(right)
    if value is None or len(left) != 1:
        return None
    (term,) = left
    if len(term.factors) != 1 or term.deltas or term.guards or not term.coefficient:
        return None
    (entry,) = term.factors
    if not isinstance(entry, Entry) or entry.gradient or len(set(entry.places)) < len(entry.places):
        return None
    bound = {index for index, _ in term.bound}
    summed = tuple(at for at, place in enumerate(entry.places) if place in bound)
    if len(summed) != len(bound) or any(not isinstance(place, str) for place in entry.places):
        return None
    return SumFact(name=entry.name, summed=summed, value=value / term.coefficient)


def with_facts(expr: Expr, facts: Sequence[SumFact]) -> tuple[Expr, tuple[SumFact, ...]]:
    """`expr` with the sums that facts give replaced by their values, and the facts that were of use."""
    used: dict[SumFact, None] = {}
    terms = []
    for term in expr:
        for fact in facts:
            found = _applied(term, fact)
            while found is not None:
                used[fact] = None
                term, found = found, _applied(found, fact)
        terms.append(term)
    return ix.merged(tuple(terms)), tuple(used)


def _applied(term: Term, fact: SumFact) -> Term | None:
    bound = {index for index, _ in term.bound}
    for at, factor in enumerate(term.factors):
        if not isinstance(factor, Entry) or factor.gradient or factor.name != fact.name:
            continue
        indices = [factor.places[axis] for axis in fact.summed]
        rest = replace(term, factors=(*term.factors[:at], *term.factors[at + 1 :]))
        if set(indices) <= bound and len(set(indices)) == len(indices) and not _met(rest) & set(indices):
            left = tuple(item for item in term.bound if item[0] not in indices)
            return replace(rest, bound=left, coefficient=term.coefficient * fact.value)
    return None


def _met(term: Term) -> set[object]:
    """The indices in a term's factors, deltas and guards."""
    found: set[object] = set().union(*(ix.free_indices(factor) for factor in term.factors))
    found.update(index for pair in term.deltas for place in pair for index in indices_of(place))
    found.update(index for guard in term.guards for index in guard_indices(guard))
    return found
