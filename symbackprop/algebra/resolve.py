"""Derivatives of elementary functions put in: `exp'(z)` is `exp(z)`, `log'(p)` is `1/p`.

Activations keep their prime (`g'(z)`): the report derives them apart, and a chain reads better
with names.
"""

from __future__ import annotations

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.functions import TABLE
from symbackprop.algebra.indexform import Expr, Factor, Term
from symbackprop.algebra.lower import Lowering
from symbackprop.algebra.slopes import slope
from symbackprop.notation import tree


def resolved(expr: Expr, lowering: Lowering, *, all_rows: bool = False) -> Expr:
    """`expr` with every derivative of a smooth elementary function replaced by its formula."""
    parts: list[Term] = []
    for term in expr:
        factors: list[Expr] = [_factor(factor, lowering) for factor in term.factors]
        bare = Term(term.coefficient, (), term.deltas, term.bound)
        parts += ix.multiply((bare,), *factors)
    return ix.merged(tuple(parts))


def _factor(factor: Factor, lowering: Lowering) -> Expr:
    match factor:
        case ix.Group(body):
            return ix.grouped(resolved(body, lowering))
        case ix.Power(base, exponent):
            return ix.power(resolved(base, lowering), exponent)
        case ix.Apply(function, args, order, options):
            args = tuple(resolved(arg, lowering) for arg in args)
            row = TABLE.get(function)
            if order == 1 and row is not None and row.kind == "elementwise" and row.smooth:
                return _derived(function, args[0], lowering)
            return ix.single(ix.Apply(function, args, order, options))
    return ix.single(factor)


def _derived(function: str, argument: Expr, lowering: Lowering) -> Expr:
    """f'(argument), lowered from the tree that SymPy's derivative became."""
    found = slope(TABLE[function], lowering.read, functions=lowering.functions)
    inner = Lowering({"u": ()}, lowering.functions, lowering.read)
    body = inner.scalar(tree.undressed(found.branches[0].value))
    return _replaced(body, argument)


def _replaced(expr: Expr, argument: Expr) -> Expr:
    """The argument in place of the scalar u."""
    parts: list[Term] = []
    for term in expr:
        factors = [_put(factor, argument) for factor in term.factors]
        parts += ix.multiply((Term(term.coefficient, (), term.deltas, term.bound),), *factors)
    return tuple(parts)


def _put(factor: Factor, argument: Expr) -> Expr:
    match factor:
        case ix.Entry("u", (), False):
            return ix.grouped(argument)
        case ix.Group(body):
            return ix.grouped(_replaced(body, argument))
        case ix.Power(base, exponent):
            return ix.power(_replaced(base, argument), _replaced(exponent, argument))
        case ix.Apply(function, args, order, options):
            return ix.single(ix.Apply(function, tuple(_replaced(a, argument) for a in args), order, options))
    return ix.single(factor)
