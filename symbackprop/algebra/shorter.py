"""Shorter forms of a derivative, each found by computation: in the output, or as another row."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from symbackprop.algebra.functions import TABLE
from symbackprop.algebra.symbolic import NotSymbolic, atom, sympy_module, to_sympy, to_tree
from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.domain import Redraw
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.gfp import GFp
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

SLOT = ""
"""The name that stands for the output in what `in_output` gives."""


def same_number(left: Any, right: Any) -> bool:
    """Whether two constants (or expressions in options) are equal; numbers by 50 digits."""
    sy = sympy_module()
    gap = left - right
    if gap.is_Rational:
        return bool(gap == 0)
    if gap.free_symbols:
        return bool(sy.cancel(gap) == 0)
    return bool(abs(gap.n(50, maxn=200)) < sy.Float(10) ** -40)


def as_tanh(value: Any, u: Any) -> Any:
    """SymPy's tanh(u), if that is what a formula in exp(u) is; else the formula."""
    sy = sympy_module()
    e = sy.Dummy("e", positive=True)
    turned = value.subs(sy.exp(u), e)
    if turned == value or turned.has(u) or turned.has(sy.exp) or turned.has(sy.log):
        return value
    known = (e**2 - 1) / (e**2 + 1)
    return sy.tanh(u) if sy.cancel(turned - known) == 0 else value


def recognised(own: str, derived: Any, as_tree: Node, u: Any) -> str | None:
    """The smooth activation of the table that `derived` is: `sigmoid` for the slope of softplus.

    Candidates are found by values in a finite field, and confirmed by cancelling the difference.
    """
    sy = sympy_module()
    if not derived.has(u):
        return None
    e = sy.Dummy("e", positive=True)
    for name in _candidates():
        if name != own and _same_value(as_tree, tree.Call(name, (tree.Name("u"),))):
            gap = (derived - _formula(name, u)).subs(sy.exp(u), e)
            if sy.cancel(sy.together(gap)) == 0:
                return name
    return None


@cache
def _candidates() -> tuple[str, ...]:
    return tuple(
        row.name for row in TABLE.values()
        if row.kind == "activation" and row.smooth and not row.options and len(row.arguments) == 1
    )  # fmt: skip


def _formula(name: str, u: Any) -> Any:
    """A row of the table in SymPy, the rows that it calls written out."""

    def call(node: tree.Call, args: list[Any]) -> Any:
        try:
            return atom(node.function, args)
        except NotSymbolic:
            return to_sympy(formula(TABLE[node.function].pieces[0].formula), {"u": args[0]}, call)

    return to_sympy(formula(TABLE[name].pieces[0].formula), {"u": u}, call)


def _same_value(left: Node, right: Node) -> bool:
    for seed in range(10):
        domain = GFp(f"recognised/{seed}")
        env = {"u": domain.draw_array(())}
        working: Evaluator[int] = Evaluator(domain)
        try:
            return working.evaluate(left, env).item == working.evaluate(right, env).item
        except Redraw:
            continue
    return False


def in_output(value: Any, derived: Any, u: Any, names: Mapping[Any, Node]) -> Node | None:
    """The derivative in the output, where the argument drops out and it is shorter.

    The output stands under the name `SLOT`.
    """
    sy = sympy_module()
    if not derived.has(u) or value.is_polynomial(u):
        return None
    output = sy.Dummy("a")
    found = derived.subs(value, output)
    if found.has(u):
        found = _through_exp(value, derived, u, output)
    if found is None or found.has(u):
        return None
    shorter = _board_form(found)
    if shorter.count_ops() >= derived.count_ops():
        return None
    return to_tree(shorter, {**names, output: tree.Name(SLOT)})


def _through_exp(value: Any, derived: Any, u: Any, output: Any) -> Any | None:
    """`value = output` solved for exp(u), and that put into the derivative."""
    sy = sympy_module()
    e = sy.Dummy("e", positive=True)
    turned, slope = value.subs(sy.exp(u), e), derived.subs(sy.exp(u), e)
    if turned.has(u) or slope.has(u):
        return None
    left = output
    if isinstance(turned, sy.log):  # a = log R(e): then R(e) = exp(a)
        left, turned = sy.exp(output), turned.args[0]
    numerator, denominator = sy.fraction(sy.together(turned))
    equation = sy.expand(left * denominator - numerator)
    if not equation.is_polynomial(e):
        return None
    found = sy.Poly(equation, e)
    if found.degree() != 1:
        return None
    first, rest = found.all_coeffs()
    return sy.cancel(slope.subs(e, -rest / first))


def _board_form(expr: Any) -> Any:
    """Factored, with the minus sign in the sum: `a (1 − a)`; with several sums, expanded: `1 − a²`."""
    sy = sympy_module()
    factored = sy.factor(expr)
    sums = [part for part in sy.Mul.make_args(factored) if part.is_Add]
    if len(sums) > 1:
        return sy.expand(expr)
    if sums and factored.could_extract_minus_sign():
        rest = -factored / sums[0]
        return sy.Mul(rest, sy.Add(*(-term for term in sums[0].args)), evaluate=False)
    return factored
