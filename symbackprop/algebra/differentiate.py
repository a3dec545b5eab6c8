"""Derivatives of entries: SymPy derives, and is only imported when something is derived.

Every atom (an entry, a bracket, a function's argument) goes to SymPy as a fresh dummy; SymPy
derives by the dummy; the chain rule and the Kronecker deltas are attached here. No name that a
person wrote reaches SymPy. Derivatives by an entry use fresh indices p, q, so nothing is captured.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.axes import derivative
from symbackprop.algebra.indexform import Entry, Expr, Factor, Term
from symbackprop.algebra.symbolic import sympy_module
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    import sympy


class NoDerivative(ValueError):
    """A dependence that the calculus has no derivative for; the message completes "because …"."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.advice = advice


def by_entry(expr: Expr, target: Entry) -> Expr:
    """∂expr/∂target, with deltas; `target` carries fresh index symbols (W_pq).

    Bound sums are kept; call `indexform.collapsed` to use the deltas up.
    """
    parts = []
    for term in expr:
        if not any(_same_array(entry, target) for entry in ix.entries(term)):
            continue
        for derived in _by_entry_in_term(term, target):
            # a bound index of the inner derivative never meets the term's own: all are unique
            parts.append(
                Term(
                    derived.coefficient,
                    derived.factors,
                    term.deltas + derived.deltas,
                    term.bound + derived.bound,
                    term.guards + derived.guards,
                )
            )
    return tuple(parts)


def _same_array(entry: Entry, target: Entry) -> bool:
    return entry.name == target.name and entry.gradient == target.gradient


def _by_entry_in_term(term: Term, target: Entry) -> Expr:
    """∂(coefficient · factors)/∂target: SymPy derives the product by each of its atoms."""
    powers = _monomial(term.factors)
    if powers is not None:
        return _by_entry_in_monomial(term, powers, target)
    sy = sympy_module()
    atoms = _Atoms(sy, target)
    product = sy.Integer(1)
    for factor in term.factors:
        product = product * atoms.symbolic(factor)
    total: list[Term] = []
    for dummy, inner in atoms.inner.items():
        inner_derivative = _inner_derivative(inner, target)
        if not inner_derivative:
            continue
        outer = atoms.back(product.diff(dummy))
        joined = ix.multiply(outer, inner_derivative)
        total += ix.scale(joined, term.coefficient)
    return tuple(total)


def power_derivative(base: Node, exponent: int) -> Node:
    """∂baseᵐ/∂base as SymPy finds it: `2 (ŷ − y)` of `(ŷ − y)²`. The exponent is at least 2."""
    sy = sympy_module()
    _, generator = sy.ring(["x"], sy.QQ)
    (((power,), coefficient),) = (generator**exponent).diff(generator).terms()
    rest = base if power == 1 else tree.Power(base, tree.number(int(power)))
    return tree.juxtaposed(tree.number(int(coefficient)), rest)


Atom = Entry | ix.Along | Expr
"""What a product is derived by."""

Powers = dict[Atom, int]
"""The atoms of a product with their whole, positive exponents."""


def _monomial(factors: tuple[Factor, ...]) -> Powers | None:
    """The product as powers of atoms; None where a function or another exponent stands in it."""
    powers: Powers = {}
    for factor in factors:
        exponent: Fraction | None = Fraction(1)
        if isinstance(factor, ix.Power):
            exponent = ix.number_of(factor.exponent)
            inner = factor.base[0].factors if len(factor.base) == 1 else ()
            if len(inner) != 1 or factor.base != ix.single(inner[0]):
                return None
            factor = inner[0]
        if not isinstance(factor, Entry | ix.Group | ix.Along):
            return None
        if exponent is None or exponent.denominator != 1 or exponent < 1:
            return None
        atom = factor.body if isinstance(factor, ix.Group) else factor
        powers[atom] = powers.get(atom, 0) + int(exponent)
    return powers


def _by_entry_in_monomial(term: Term, powers: Powers, target: Entry) -> Expr:
    """The same in one of SymPy's polynomial rings, which spares it its general machinery (25 ms)."""
    inner = {atom: _inner_derivative(atom, target) for atom in powers}
    if not any(inner.values()):
        return ix.ZERO
    sy = sympy_module()
    _, *generators = sy.ring([f"x{place}" for place in range(len(powers))], sy.QQ)
    product = generators[0] ** 0
    for generator, exponent in zip(generators, powers.values(), strict=True):
        product = product * generator**exponent
    total: list[Term] = []
    for generator, atom in zip(generators, powers, strict=True):
        if not inner[atom]:
            continue
        for exponents, coefficient in product.diff(generator).terms():
            outer = ix.constant(Fraction(int(coefficient.numerator), int(coefficient.denominator)))
            for one, exponent in zip(powers, exponents, strict=True):
                base = ix.grouped(one) if isinstance(one, tuple) else ix.single(one)
                outer = ix.multiply(outer, ix.power(base, ix.constant(exponent)))
            total += ix.scale(ix.multiply(outer, inner[atom]), term.coefficient)
    return tuple(total)


def _inner_derivative(inner: Atom, target: Entry) -> Expr:
    """∂(atom)/∂target: deltas for an entry, the rule again for a sum."""
    if isinstance(inner, tuple):
        # the atom itself may stand on beside its derivative: their bound indices must differ
        return tuple(ix.renewed(term) for term in by_entry(inner, target))
    if isinstance(inner, ix.Along):
        return derivative(inner, lambda arg: _inner_derivative(arg, target))
    if not _same_array(inner, target):
        return ix.ZERO
    return (Term(Fraction(1), (), tuple(zip(inner.places, target.places, strict=True))),)


class _Atoms:
    """The dummies of one product, what each stands for, and the way back."""

    def __init__(self, sy: Any, target: Entry) -> None:
        self.sy = sy
        self.target = target
        self.dummies: dict[Atom, sympy.Dummy] = {}
        self.inner: dict[sympy.Dummy, Atom] = {}
        self.other: dict[sympy.Dummy, Factor] = {}
        self.functions: dict[Any, ix.Apply] = {}

    def dummy(self, atom: Atom) -> sympy.Dummy:
        if atom not in self.dummies:
            made = self.sy.Dummy(positive=True)
            self.dummies[atom] = made
            self.inner[made] = atom
        return self.dummies[atom]

    def symbolic(self, factor: Factor) -> Any:
        """The factor in SymPy, its atoms as dummies."""
        match factor:
            case Entry() | ix.Along():
                return self.dummy(factor)
            case ix.Group(body):
                return self.dummy(body)
            case ix.Power(base, exponent) if not _is_surd(base, exponent):
                return self.part(base) ** self.part(exponent)
            case ix.Apply():
                return self.applied(factor)
        made = self.sy.Dummy(positive=True)
        self.other[made] = factor
        return made

    def part(self, expr: Expr) -> Any:
        """A base or an exponent: a number, one factor, or an atom."""
        value = ix.number_of(expr)
        if value is not None:
            return self.sy.Rational(value.numerator, value.denominator)
        if len(expr) == 1 and len(expr[0].factors) == 1 and not expr[0].bound and expr[0].coefficient == 1:
            factor = expr[0].factors[0]
            if isinstance(factor, Entry | ix.Group):
                return self.symbolic(factor)
        return self.dummy(expr)

    def applied(self, factor: ix.Apply) -> Any:
        for name, value in factor.options:
            if any(_same_array(entry, self.target) for entry in ix.entries(value)):
                own = self.target.name
                raise NoDerivative(
                    f"{own} is in the option {name} of {factor.function}",
                    f"Write the function with max and min, or ask for no gradient that passes through {own}.",
                )
        for function, known in self.functions.items():
            same = known.function == factor.function and known.order == factor.order
            if same and known.options == factor.options:
                return function(*(self.part(arg) for arg in factor.args))
        function = self.sy.Function(f"f{len(self.functions)}")
        self.functions[function] = factor
        return function(*(self.part(arg) for arg in factor.args))

    def back(self, result: Any) -> Expr:
        """A SymPy product of dummies, powers and functions as an expression of ours."""
        sy = self.sy
        if result.is_Rational:
            return ix.constant(Fraction(int(result.p), int(result.q)))
        if result.is_Add:
            return ix.add(*(self.back(part) for part in result.args))
        if result.is_Mul:
            return ix.multiply(*(self.back(part) for part in sorted(result.args, key=self.order)))
        if result.is_Pow:
            return ix.power(self.back(result.base), self.back(result.exp))
        if isinstance(result, sy.log):
            return ix.single(ix.Apply("log", (self.back(result.args[0]),)))
        if isinstance(result, sy.Derivative):
            return self._function(result.expr, int(result.derivative_count))
        if isinstance(result, sy.Subs):
            expr = result.expr
            applied = expr.expr.subs(result.variables[0], result.point[0])
            return self._function(applied, int(expr.derivative_count))
        if result in self.other:
            return ix.single(self.other[result])
        if result in self.inner:
            atom = self.inner[result]
            return ix.grouped(atom) if isinstance(atom, tuple) else ix.single(atom)
        return self._function(result, 0)

    def order(self, part: Any) -> int:
        """Dummies in the order they were met, so that products come back as written."""
        found = sorted(d.dummy_index for d in part.atoms(self.sy.Dummy))
        return found[0] if found else -1

    def _function(self, applied: Any, order: int) -> Expr:
        known = self.functions[applied.func]
        args = tuple(self.back(arg) for arg in applied.args)
        args = tuple(_ungrouped(arg) for arg in args)
        return ix.single(ix.Apply(known.function, args, known.order + order, known.options))


def _is_surd(base: Expr, exponent: Expr) -> bool:
    """A root of a number, which SymPy would write in its own way: `1/√2` as `√2/2`."""
    power = ix.number_of(exponent)
    return ix.number_of(base) is not None and power is not None and power.denominator != 1


def _ungrouped(expr: Expr) -> Expr:
    if len(expr) == 1 and expr[0].factors and len(expr[0].factors) == 1:
        only = expr[0]
        factor = only.factors[0]
        if isinstance(factor, ix.Group) and only.coefficient == 1 and not only.bound:
            return factor.body
    return expr
