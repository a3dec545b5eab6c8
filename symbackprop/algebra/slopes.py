"""The derivative of a row of the table of functions: found by SymPy from its formula.

Nothing is typed in: the pieces of the derivative, the kinks (where one-sided slopes differ), the
shorter form in the output (`σ' = σ(1 − σ)`) and the row that the derivative itself is (`softplus' = σ`)
all follow from the row's formula.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symbackprop.algebra.functions import TABLE, Function
from symbackprop.algebra.shorter import as_tanh, in_output, recognised, same_number
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
    """The function and its derivative by cases in the argument `u`; `by_output` in the output.

    `options` are the named arguments that it was derived with. `recognised` is the row of the
    table that the derivative itself is (`sigmoid` for softplus), if there is one.
    """

    function: Function
    values: tuple[Branch, ...]
    branches: tuple[Branch, ...]
    kinks: tuple[Kink, ...]
    by_output: Node | None
    options: tuple[tuple[str, Node], ...] = ()
    recognised: str | None = None


class OutsideKink(ValueError):
    """A slope chosen for a kink that does not lie between the one-sided slopes.

    `at` and `chosen` are the bound and the slope; `left` and `right` the slopes on its sides.
    """

    def __init__(self, row: Function, at: Fraction, chosen: Fraction, left: Node, right: Node) -> None:
        super().__init__(row.name, at, chosen)
        self.row, self.at, self.chosen, self.left, self.right = row, at, chosen, left, right


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
    at its kinks, by place. Raises NotSymbolic for a function without a formula, OutsideKink.
    """
    maker = _Maker(row, read, dict(options or {}), functions or {})
    pieces = [maker.formula(piece.formula) for piece in row.pieces]
    bounds = maker.bounds()
    if not pieces:
        raise NotSymbolic(f"{row.name} is generic")
    known = [as_tanh(piece, maker.u) for piece in pieces]
    derived = [piece.diff(maker.u) for piece in known]
    branches = _branches(maker, derived, bounds)
    found = recognised(row.name, derived[0], branches[0].value, maker.u) if len(pieces) == 1 else None
    shorter = in_output(known[0], derived[0], maker.u, maker.back) if len(pieces) == 1 and not found else None
    return Slope(
        function=row,
        values=_branches(maker, pieces, bounds),
        branches=branches,
        kinks=maker.kinks(derived, bounds, kinks or {}),
        by_output=None if shorter is None else tree.replace_names(shorter, {"": tree.Name(OUTPUT)}),
        options=tuple((options or {}).items()),
        recognised=found,
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

    def bounds(self) -> list[Any]:
        """The bounds as values of the argument; None for the piece that holds everywhere else."""
        row = self.row
        found = [None if piece.bound is None else self.formula(piece.bound) for piece in row.pieces]
        decides = self.u if row.on is None else self.formula(row.on)
        if decides == self.u:
            return found
        factor = decides.diff(self.u)
        if not (factor.is_Rational and factor > 0):
            raise NotSymbolic(f"what decides between the cases of {row.name} does not grow with its argument")
        start = decides.subs(self.u, 0)
        return [None if bound is None else (bound - start) / factor for bound in found]

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
                value = dict(node.options).get(key, self.read(default, inner))
                names[key] = to_sympy(value, self.names, self.call)
            return to_sympy(self.read(inner.pieces[0].formula, inner), names, self.call)

    def tree(self, expr: Any) -> Node:
        return to_tree(expr, self.back)

    def kinks(
        self, derived: list[Any], bounds: list[Any], taken: Mapping[Fraction, Fraction]
    ) -> tuple[Kink, ...]:
        """Where neighbouring pieces meet with different slopes."""
        found = []
        for place, bound in enumerate(bounds):
            if bound is None:
                continue
            right = derived[place].subs(self.u, bound)
            left = derived[place + 1].subs(self.u, bound)
            if not same_number(right, left):
                found.append(self.kink(bound, left, right, taken))
        return tuple(found)

    def kink(self, bound: Any, left: Any, right: Any, taken: Mapping[Fraction, Fraction]) -> Kink:
        """What is taken at a kink: the exercise's choice, else the share of the row's `tie`."""
        sy = sympy_module()
        at = _fraction(bound)
        share = sy.Rational(self.row.tie)
        value = share * right + (1 - share) * left
        if at is not None and at in taken:
            value = sy.Rational(taken[at].numerator, taken[at].denominator)
            if ((value - left) * (value - right)).is_positive:
                raise OutsideKink(self.row, at, taken[at], self.tree(left), self.tree(right))
        return Kink(
            at=self.tree(bound),
            left=self.tree(left),
            right=self.tree(right),
            taken=self.tree(value),
            exact_at=at,
            exact_taken=_fraction(value),
        )


def _fraction(value: Any) -> Fraction | None:
    return Fraction(int(value.p), int(value.q)) if value.is_Rational else None
