"""The derivative of a row of the table of functions: found by SymPy from its formula.

Nothing is typed in: the pieces of the derivative, the kinks (where one-sided slopes differ), and
the shorter form in the output (`σ' = σ(1 − σ)`) all follow from the row's formula.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symbackprop.algebra.functions import TABLE, Function
from symbackprop.algebra.symbolic import NotSymbolic, atom, sympy_module, to_sympy, to_tree
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

OUTPUT = "output~"
"""The name under which a function's own output stands in `Slope.by_output`."""

Reader = Callable[[str, Function], Node]


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """`value` where the argument is at least `bound`; None: everywhere else."""

    value: Node
    bound: Node | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kink:
    """A place where the slopes from the left and from the right differ, and what is taken there."""

    at: Node
    left: Node
    right: Node
    taken: Node
    exact_at: Fraction | None
    exact_taken: Fraction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """The function and its derivative by cases in the argument `u`; `by_output` in the output."""

    function: Function
    values: tuple[Branch, ...]
    branches: tuple[Branch, ...]
    kinks: tuple[Kink, ...]
    by_output: Node | None


def slope(
    row: Function,
    read: Reader,
    *,
    options: Mapping[str, Node] | None = None,
    kinks: Mapping[Fraction, Fraction] | None = None,
    functions: Mapping[str, Function] | None = None,
) -> Slope:
    """The derivative of a row of one argument.

    `options` are the values of its named arguments, `kinks` the slopes that the exercise takes
    at its kinks, by place. Raises NotSymbolic for a function without a formula.
    """
    maker = _Maker(row, read, dict(options or {}), functions or {})
    pieces = [maker.formula(piece.formula) for piece in row.pieces]
    bounds = [maker.formula(piece.bound) if piece.bound is not None else None for piece in row.pieces]
    if not pieces:
        raise NotSymbolic(f"{row.name} is generic")
    derived = [piece.diff(maker.u) for piece in pieces]
    made = maker.kinks(derived, bounds, kinks or {})
    smooth_at = [bound for bound in bounds if bound is not None]
    return Slope(
        function=row,
        values=_branches(maker, pieces, bounds),
        branches=_branches(maker, derived, bounds),
        kinks=made,
        by_output=maker.by_output(pieces[0], derived[0]) if not smooth_at else None,
    )


def _branches(maker: _Maker, parts: list[Any], bounds: list[Any]) -> tuple[Branch, ...]:
    return tuple(
        Branch(value=maker.tree(part), bound=None if bound is None else maker.tree(bound))
        for part, bound in zip(parts, bounds, strict=True)
    )


class _Maker:
    """SymPy's view of one row: `u` and the options as dummies."""

    def __init__(
        self, row: Function, read: Reader, options: dict[str, Node], functions: Mapping[str, Function]
    ) -> None:
        sy = sympy_module()
        self.row, self.read, self.functions = row, read, functions
        self.u = sy.Dummy("u", real=True)
        self.names: dict[str, Any] = {row.arguments[0]: self.u}
        self.back: dict[Any, Node] = {self.u: tree.Name("u")}
        for key, default in row.options:
            node = options.get(key, self.read(default, row))
            try:
                self.names[key] = to_sympy(node, {}, self.call)
            except NotSymbolic:
                symbol = sy.Dummy(key, positive=True)
                self.names[key] = symbol
                self.back[symbol] = node

    def formula(self, text: str) -> Any:
        return to_sympy(self.read(text, self.row), self.names, self.call)

    def call(self, node: tree.Call, args: list[Any]) -> Any:
        """An atom stays; any other row is replaced by its formula."""
        try:
            return atom(node.function, args)
        except NotSymbolic:
            inner = self.functions.get(node.function) or TABLE.get(node.function)
            if inner is None or not inner.smooth or len(inner.arguments) != len(args):
                raise
            names = dict(zip(inner.arguments, args, strict=True))
            for key, default in inner.options:
                names[key] = to_sympy(dict(node.options).get(key, self.read(default, inner)), self.names, self.call)
            return to_sympy(self.read(inner.pieces[0].formula, inner), names, self.call)

    def tree(self, expr: Any) -> Node:
        return to_tree(expr, self.back)

    def kinks(
        self, derived: list[Any], bounds: list[Any], taken: Mapping[Fraction, Fraction]
    ) -> tuple[Kink, ...]:
        """Where neighbouring pieces meet with different slopes."""
        sy = sympy_module()
        found = []
        for place, bound in enumerate(bounds):
            if bound is None:
                continue
            right = derived[place].subs(self.u, bound)
            left = derived[place + 1].subs(self.u, bound)
            if sy.simplify(right - left) == 0:
                continue
            exact = Fraction(int(bound.p), int(bound.q)) if bound.is_Rational else None
            tie = Fraction(self.row.tie)
            share = sy.Rational(tie.numerator, tie.denominator)
            value = share * right + (1 - share) * left
            if exact is not None and exact in taken:
                value = sy.Rational(taken[exact].numerator, taken[exact].denominator)
            number = Fraction(int(value.p), int(value.q)) if value.is_Rational else None
            found.append(
                Kink(
                    at=self.tree(bound),
                    left=self.tree(left),
                    right=self.tree(right),
                    taken=self.tree(value),
                    exact_at=exact,
                    exact_taken=number,
                )
            )
        return tuple(found)

    def by_output(self, value: Any, derived: Any) -> Node | None:
        """The derivative in the output, where the argument drops out and it is shorter."""
        sy = sympy_module()
        if not derived.has(self.u) or value.is_polynomial(self.u):
            return None
        e = sy.Dummy("e", positive=True)
        output = sy.Dummy("a")
        turned = value.subs(sy.exp(self.u), e)
        turned_slope = derived.subs(sy.exp(self.u), e)
        if isinstance(value, sy.tanh):
            turned, turned_slope = value.rewrite(sy.exp).subs(sy.exp(self.u), e), derived
        if turned.has(self.u) or turned_slope.has(self.u):
            return None
        outer = None
        if isinstance(turned, sy.log):  # a = log R(e): then R(e) = exp(a)
            outer, turned = sy.exp(output), turned.args[0]
        numerator, denominator = sy.fraction(sy.together(turned))
        equation = sy.expand((outer if outer is not None else output) * denominator - numerator)
        solution = _single_root(equation, e)
        if solution is None:
            return None
        shorter = sy.factor(sy.cancel(turned_slope.subs(e, solution)))
        if shorter.count_ops() >= derived.count_ops():
            return None
        return to_tree(shorter, {**self.back, output: tree.Name(OUTPUT)})


def _single_root(equation: Any, e: Any) -> Any | None:
    """The one root that a positive e can be: of a linear equation, or of `c2 e² + c0`."""
    sy = sympy_module()
    if not equation.is_polynomial(e):
        return None
    found = sy.Poly(equation, e)
    if found.degree() == 1:
        first, rest = found.all_coeffs()
        return -rest / first
    if found.degree() == 2 and found.all_coeffs()[1] == 0:
        first, _, rest = found.all_coeffs()
        return sy.sqrt(-rest / first)
    return None
