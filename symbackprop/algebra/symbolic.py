"""Trees to SymPy and back, for scalar formulas and for whole matrix expressions.

Names that a person wrote never become SymPy names: every name is a fresh dummy, and the way
back goes through a table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from typing import Any

from symbackprop.notation import tree
from symbackprop.notation.tree import Node


@cache
def sympy_module() -> Any:
    """SymPy, imported when it is first needed (0.3 s)."""
    import sympy

    return sympy


class NotSymbolic(ValueError):
    """A node that has no SymPy counterpart here."""


def to_sympy(node: Node, names: Mapping[str, Any], call: Callable[[tree.Call, list[Any]], Any]) -> Any:
    """A scalar tree as a SymPy expression. `call` turns a function of ours into one of SymPy's."""
    sy = sympy_module()

    def go(part: Node) -> Any:
        match part:
            case tree.Number(value):
                return sy.Rational(value.numerator, value.denominator)
            case tree.Constant():
                return sy.pi
            case tree.Name(name) if name in names:
                return names[name]
            case tree.Neg(body):
                return -go(body)
            case tree.Add(terms):
                return sy.Add(*(go(term) for term in terms))
            case tree.Product(factors, _):
                return sy.Mul(*(go(factor) for factor in factors))
            case tree.Quotient(above, below, _):
                return go(above) / go(below)
            case tree.Power(base, exponent):
                return go(base) ** go(exponent)
            case tree.Bracket(body) | tree.Brace(body) | tree.Box(body) | tree.Coloured(body):
                return go(body)
            case tree.Call():
                return call(part, [go(arg) for arg in part.args])
        raise NotSymbolic(f"{type(part).__name__} in a scalar formula")

    return go(node)


_CALLS = ("exp", "log", "sin", "cos", "erf", "tanh", "sqrt")


def atom(name: str, args: list[Any]) -> Any:
    """One of the elementary functions in SymPy. Raises NotSymbolic for any other name."""
    sy = sympy_module()
    if name not in _CALLS:
        raise NotSymbolic(name)
    return getattr(sy, name)(*args)


def to_tree(expr: Any, names: Mapping[Any, Node]) -> Node:
    """A SymPy scalar as a tree, in the order of the board: what is positive comes first."""
    sy = sympy_module()
    if expr in names:
        return names[expr]
    if expr.is_Rational:
        return rational(Fraction(int(expr.p), int(expr.q)))
    if expr is sy.pi:
        return tree.Constant("pi")
    if expr is sy.E:
        return tree.Call("exp", (tree.number(1),))
    if expr.is_Add:
        return _sum(expr, names)
    if expr.is_Mul:
        return _product(expr, names)
    if isinstance(expr, sy.exp):
        return tree.Call("exp", (to_tree(expr.exp, names),))
    if expr.is_Pow:
        return _power(expr, names)
    for name in _CALLS[:-1]:
        if isinstance(expr, getattr(sy, name)):
            return tree.Call(name, (to_tree(expr.args[0], names),))
    raise NotSymbolic(type(expr).__name__)


def rational(value: Fraction) -> Node:
    """A rational as a tree: `-1/2` is the negative of a quotient."""
    if value < 0:
        return tree.Neg(rational(-value))
    if value.denominator == 1:
        return tree.Number(value)
    return tree.Quotient(
        tree.Number(Fraction(value.numerator)), tree.Number(Fraction(value.denominator)), inline=True
    )


def _sum(expr: Any, names: Mapping[Any, Node]) -> Node:
    terms = [to_tree(term, names) for term in expr.as_ordered_terms()]
    positive = [term for term in terms if not isinstance(term, tree.Neg)]
    negative = [term for term in terms if isinstance(term, tree.Neg)]
    return tree.plus(*positive, *negative)


def _product(expr: Any, names: Mapping[Any, Node]) -> Node:
    sy = sympy_module()
    coefficient, factors = expr.as_coeff_mul()
    value = Fraction(int(coefficient.p), int(coefficient.q)) if coefficient.is_Rational else Fraction(1)
    if value < 0:
        return tree.Neg(to_tree(-expr, names))
    above: list[Node] = [] if value.numerator == 1 else [rational(Fraction(value.numerator))]
    below: list[Node] = [] if value.denominator == 1 else [rational(Fraction(value.denominator))]
    for factor in sorted(factors, key=lambda part: (part.is_Add is True, part.has(sy.exp), str(type(part)))):
        if factor.is_Pow and factor.exp.is_Rational and factor.exp < 0 and not isinstance(factor, sy.exp):
            below.append(to_tree(1 / factor, names))
        else:
            above.append(to_tree(factor, names))
    if not below:
        return tree.juxtaposed(*above)
    if len(below) == 1 and isinstance(below[0], tree.Number) and value.numerator == 1:
        return tree.juxtaposed(rational(value), *above)
    top = tree.juxtaposed(*above) if above else tree.Number(Fraction(1))
    return tree.Quotient(top, tree.juxtaposed(*below))


def _power(expr: Any, names: Mapping[Any, Node]) -> Node:
    sy = sympy_module()
    if expr.exp.is_Rational and expr.exp < 0:
        return tree.Quotient(tree.Number(Fraction(1)), to_tree(1 / expr, names))
    if expr.exp == sy.Rational(1, 2):
        return tree.Call("sqrt", (to_tree(expr.base, names),))
    return tree.Power(to_tree(expr.base, names), to_tree(expr.exp, names))
