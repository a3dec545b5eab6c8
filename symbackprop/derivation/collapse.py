"""Where two gradients one after the other cancel: softmax and cross-entropy give dz = p − t.

What arrives (dp_i = −t_i/p_i) is put into the chain rule (dz_j = Σ_i dp_i p_i (δ_ij − p_j)) and
multiplied out; facts such as Σ t = 1 are then used. The shorter form is only taken where it is
shorter, and it is certified like every other formula.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.assumed import SumFact, with_facts
from symbackprop.algebra.collapsing import factored, multiplied_out, positive_first
from symbackprop.algebra.indexform import Entry, Expr, Factor, Power, Term
from symbackprop.algebra.lower import Lowering
from symbackprop.algebra.places import Ranges
from symbackprop.algebra.slopes import OUTPUT
from symbackprop.derivation.steps import Collapse, Contribution, Step
from symbackprop.notation.tree import Node


def collapse(
    made: Contribution,
    arriving: Step,
    outputs: Callable[[], Mapping[str, Node]],
    lowering: Lowering,
    facts: Sequence[SumFact],
    ranges: Ranges,
) -> Collapse | None:
    """The shorter form of `made` with `arriving` put in; None where it is not shorter.

    `outputs` gives, for a function applied to the target, its derivative in terms of its own output;
    that is only asked for where there is a division that it may cancel.
    """
    if not arriving.substeps or any(_arrives(part.entry) for part in arriving.substeps):
        return None
    free = arriving.substeps[0].free
    above: Expr = tuple(term for part in arriving.substeps for term in _at(part, free))
    put = _put(made.entry, made.through, free, above)
    by_output = _with_outputs(put, made, outputs(), lowering) if _divides(put) else put
    cancelled = positive_first(multiplied_out(by_output, ranges))
    final, used = with_facts(cancelled, facts)
    cancels = bool(used) or (_divides(by_output) and not _divides(final))
    if not final or _arrives(final) or not cancels or _size(final) >= _size(made.entry):
        return None
    final = factored(positive_first(final))
    return Collapse(through=made.through, put=by_output, cancelled=cancelled, final=final, facts=used)


def by_facts(entry: Expr, through: str, facts: Sequence[SumFact]) -> Collapse | None:
    """An entry that a fact makes shorter as it stands."""
    final, used = with_facts(entry, facts)
    if not used or not final:
        return None
    final = factored(positive_first(final))
    return Collapse(through=through, put=entry, cancelled=entry, final=final, facts=used)


def _at(part: Contribution, free: tuple[str, ...]) -> Expr:
    return ix.renamed(part.entry, dict(zip(part.free, free, strict=True)))


def _arrives(expr: Expr) -> bool:
    return any(entry.gradient for entry in ix.entries(expr))


def _divides(expr: Expr) -> bool:
    """Whether anything with entries in it stands below."""
    return any(
        isinstance(factor, Power)
        and (ix.number_of(factor.exponent) or 0) < 0
        and any(True for _ in ix.entries(factor))
        for term in expr
        for factor in term.factors
    )


def _size(expr: Expr) -> int:
    """How much there is to write: factors with entries in them, sums and divisions."""
    return sum(len(term.bound) + max(1, sum(map(_factor_size, term.factors))) for term in expr)


def _factor_size(factor: Factor) -> int:
    """A power counts twice; so does a derivative with a prime, whose formula has to be looked up."""
    if not any(True for _ in ix.entries(factor)):
        return 0
    return 2 if isinstance(factor, Power) or (isinstance(factor, ix.Apply) and factor.order) else 1


def _put(expr: Expr, name: str, free: tuple[str, ...], above: Expr) -> Expr:
    """Every d`name` by its formula."""
    parts: list[Term] = []
    for term in expr:
        factors = [_factor_put(factor, name, free, above) for factor in term.factors]
        parts += ix.multiply((replace(term, factors=()),), *factors)
    return tuple(parts)


def _factor_put(factor: Factor, name: str, free: tuple[str, ...], above: Expr) -> Expr:
    if isinstance(factor, Entry) and factor.gradient and factor.name == name:
        placed = ix.renamed(above, dict(zip(free, factor.places, strict=True)))
        return tuple(ix.renewed(term) for term in placed)
    return ix.single(factor)


def _with_outputs(expr: Expr, made: Contribution, outputs: Mapping[str, Node], lowering: Lowering) -> Expr:
    """g′(z_j) in terms of what g gave: p_j (1 − p_j)."""
    parts: list[Term] = []
    for term in expr:
        factors = []
        for factor in term.factors:
            found = (
                outputs.get(factor.function) if isinstance(factor, ix.Apply) and factor.order == 1 else None
            )
            entry = next(ix.entries(factor), None)
            if found is None or entry is None or entry.name != made.target:
                factors.append(ix.single(factor))
                continue
            inner = Lowering({OUTPUT: ()}, {}, lowering.read)
            factors.append(_placed(inner.scalar(found), Entry(made.through, entry.places)))
        parts += ix.multiply((replace(term, factors=()),), *factors)
    return tuple(parts)


def _placed(expr: Expr, entry: Entry) -> Expr:
    """The output's name by an entry of the array that it is."""

    def put(factor: Factor) -> Factor:
        match factor:
            case Entry(name) if name == OUTPUT:
                return entry
            case ix.Group(body):
                return ix.Group(_placed(body, entry))
            case Power(base, exponent):
                return Power(_placed(base, entry), exponent)
        return factor

    return tuple(replace(term, factors=tuple(map(put, term.factors))) for term in expr)
