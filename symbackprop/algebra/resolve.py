"""Derivatives of elementary functions put in: `exp'(z)` is `exp(z)`, `log'(p)` is `1/p`.

Activations keep their prime (`g'(z)`): the report derives them apart, and a chain reads better
with names. Only in the loss, where there is no such unit, a derivative that is itself a row of
the table gets that name: `softplus'(z)` is `sigmoid(z)`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.collapsing import with_powers
from symbackprop.algebra.functions import TABLE
from symbackprop.algebra.indexform import Expr, Factor, Term
from symbackprop.algebra.lower import Lowering
from symbackprop.algebra.slopes import Slope, slope
from symbackprop.algebra.values.apply import formula
from symbackprop.notation import tree


def resolved(expr: Expr, lowering: Lowering, *, all_rows: bool = False) -> Expr:
    """`expr` with every derivative of a smooth elementary function replaced by its formula.

    `all_rows`: also derivatives of activations that are rows of the table themselves.
    """
    return _Resolver(lowering, all_rows).expr(expr)


@cache
def _slope(function: str) -> Slope:
    """The slope of a row of the table with its default options; rows are made of rows of the table."""
    return slope(TABLE[function], lambda text, _: formula(text))


class _Resolver:
    def __init__(self, lowering: Lowering, all_rows: bool) -> None:
        self.lowering = lowering
        self.all_rows = all_rows

    def expr(self, expr: Expr) -> Expr:
        if not any(_has_slope(term) for term in expr):
            return expr
        parts: list[Term] = []
        for term in expr:
            factors = [self.factor(factor) for factor in term.factors]
            parts += ix.multiply((replace(term, factors=()),), *factors)
        return ix.merged(tuple(with_powers(term) for term in parts))

    def factor(self, factor: Factor) -> Expr:
        match factor:
            case ix.Group(body):
                return ix.grouped(self.expr(body))
            case ix.Power(base, exponent):
                return ix.power(self.expr(base), self.expr(exponent))
            case ix.Apply(function, args, order, options):
                args = tuple(self.expr(arg) for arg in args)
                return self.applied(ix.Apply(function, args, order, options))
        return ix.single(factor)

    def applied(self, factor: ix.Apply) -> Expr:
        row = None if factor.function in self.lowering.functions else TABLE.get(factor.function)
        if factor.order != 1 or row is None or not row.smooth:
            return ix.single(factor)
        if row.kind == "elementwise":
            return self.derived(factor.function, factor.args[0])
        named = _slope(factor.function).recognised if self.all_rows and not factor.options else None
        if named is None or named in self.lowering.functions:
            return ix.single(factor)
        return ix.single(ix.Apply(named, factor.args))

    def derived(self, function: str, argument: Expr) -> Expr:
        """f'(argument), lowered from the tree that SymPy's derivative became."""
        found = _slope(function)
        inner = Lowering({"u": ()}, {}, self.lowering.read)
        body = inner.scalar(tree.undressed(found.branches[0].value))
        return _replaced(body, argument)


def _has_slope(term: Term) -> bool:
    """Whether anything in a term is derived."""
    return any(_is_derived(factor) for factor in term.factors)


def _is_derived(factor: Factor) -> bool:
    match factor:
        case ix.Group(body):
            return any(map(_has_slope, body))
        case ix.Power(base, exponent):
            return any(map(_has_slope, (*base, *exponent)))
        case ix.Apply(_, args, order, _):
            return order > 0 or any(_has_slope(term) for arg in args for term in arg)
    return False


def _replaced(expr: Expr, argument: Expr) -> Expr:
    """The argument in place of the scalar u."""
    parts: list[Term] = []
    for term in expr:
        factors = [_put(factor, argument) for factor in term.factors]
        parts += ix.multiply((replace(term, factors=()),), *factors)
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
            inner = tuple(_replaced(arg, argument) for arg in args)
            return ix.single(ix.Apply(function, inner, order, options))
    return ix.single(factor)
