"""The linear part a second way: SymPy's gradient of the inner product ⟨dz, W x + b⟩.

The equation is evaluated as it stands over one of SymPy's polynomial rings, with a generator for
every entry; SymPy derives ⟨dz, W x + b⟩ by each of them. Indices, deltas and the reading as
matrices have no part in it. Our formula over the same ring must give the very same polynomials.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from fractions import Fraction
from math import prod
from typing import Any

from symbackprop.algebra.symbolic import sympy_module
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Domain, EvaluationError, Symbolic
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.derivation.failed import CertificateFailed
from symbackprop.derivation.model import Model
from symbackprop.derivation.numbers import shaped
from symbackprop.derivation.points import allowed, numbers_of
from symbackprop.derivation.steps import Check, Contribution, Layer, Step
from symbackprop.notation import tree
from symbackprop.notation.sizes import names as size_names
from symbackprop.notation.tree import Node, Shape

SIZES = range(2, 1000)
"""Numbers for the sizes that have none: in one equation no two are alike."""

GENERATORS = 120
"""Entries up to which an equation is looked at: a layer is, at small sizes of its own, in any case."""


class SecondRouteFailed(CertificateFailed):
    """The inner product has another gradient than the index calculus says: our own fault."""


def linear_checks(model: Model, steps: Sequence[Step], layers: Sequence[Layer]) -> Iterator[Check]:
    """One line for all gradients through equations that are polynomials in their entries."""
    agreed: list[str] = []
    stated = {name for fact in model.exercise.facts for name in tree.names_in(fact.chain)}
    for layer in layers:
        bodies = {one.name: one.body for one in layer.equations}
        for made in layer.contributions:
            if _agrees(made, bodies[made.through], layer.shapes, sorted(layer.sizes, reverse=True)):
                agreed.append("d" + made.target)
    for step in steps:
        for made in step.substeps:
            if made.rule == "loss" or "d" + made.target in agreed:
                continue
            body = model.equation(made.through).body
            if _agrees(made, body, model.exercise.shapes, model.exercise.sizes, stated):
                agreed.append("d" + made.target)
    if agreed:
        names = tuple(dict.fromkeys(agreed))
        yield Check(kind="second", what=names, agreed=len(agreed), tried=len(agreed))


def _agrees(
    made: Contribution,
    body: Node,
    shapes: Mapping[str, Shape],
    symbols: Sequence[str],
    stated: Set[str] = frozenset(),
) -> bool:
    """Whether SymPy could be asked. Raises SecondRouteFailed where the polynomials differ."""
    if made.matrix is None or made.rule == "elementwise":
        return False
    names = [name for name in tree.names_in(body) if name in shapes]
    if not stated.isdisjoint(names):
        return False  # with a fact the formula is another polynomial, equal only where the fact holds
    seen = [shapes[name] for name in (*names, made.through, made.target)]
    here = {name for shape in seen for size in shape for name in size_names(size)}
    here |= set(tree.names_in(body)) | set(tree.names_in(made.matrix))
    sizes = allowed(dict(zip((size for size in symbols if size in here), SIZES, strict=False)), seen)
    wanted = {name: numbers_of(shapes[name], sizes) for name in names}
    wanted["d" + made.through] = numbers_of(shapes[made.through], sizes)
    if sum(map(prod, wanted.values())) > GENERATORS:
        return False
    ring, env = _generators(wanted)
    working: Evaluator[Any] = Evaluator(ring, sizes)
    try:
        answer = _inner_product_gradient(working, env, body, made)
        shape = wanted[made.target]
        ours = shaped(working.evaluate(made.matrix, env, like=shape), shape)
    except (Symbolic, EvaluationError):
        return False
    if ours.entries != answer:
        raise SecondRouteFailed(f"d{made.target}", f"the inner product, through {made.through}")
    return True


def _generators(wanted: Mapping[str, tuple[int, ...]]) -> tuple[_Ring, dict[str, Array[Any]]]:
    """A ring with a generator for each entry, and the arrays of them."""
    sy = sympy_module()
    count = sum(map(prod, wanted.values()))
    made, *generators = sy.ring([f"x{place}" for place in range(count)], sy.QQ)
    env: dict[str, Array[Any]] = {}
    rest = iter(generators)
    for name, shape in wanted.items():
        env[name] = Array(shape, tuple(next(rest) for _ in range(prod(shape))))
    return _Ring(made), env


def _inner_product_gradient(
    working: Evaluator[Any], env: Mapping[str, Array[Any]], body: Node, made: Contribution
) -> tuple[Any, ...]:
    """∂⟨dC, body⟩/∂target, entry by entry, by SymPy."""
    arriving = env["d" + made.through]
    value = shaped(working.evaluate(body, env, like=arriving.shape), arriving.shape)
    product = working.domain.dot(arriving.entries, value.entries)
    return tuple(product.diff(generator) for generator in env[made.target].entries)


class _Ring(Domain[Any]):
    """Polynomials with rational coefficients; whatever leaves the ring raises Symbolic."""

    def __init__(self, ring: Any) -> None:
        self.ring = ring
        self.zero = ring.zero
        self.one = ring.one

    def from_fraction(self, value: Fraction) -> Any:
        return self.ring(self.ring.domain(value.numerator, value.denominator))

    def add(self, a: Any, b: Any) -> Any:
        return a + b

    def sub(self, a: Any, b: Any) -> Any:
        return a - b

    def mul(self, a: Any, b: Any) -> Any:
        return a * b

    def div(self, a: Any, b: Any) -> Any:
        constant = self.rational(b)
        if not constant:
            raise Symbolic("a quotient of polynomials")
        return a * self.from_fraction(1 / constant)

    def neg(self, a: Any) -> Any:
        return -a

    def power(self, a: Any, exponent: Fraction) -> Any:
        if exponent.denominator != 1 or exponent < 0:
            raise Symbolic("no power of a polynomial")
        return a ** int(exponent)

    def atom(self, name: str, a: Any) -> Any:
        raise Symbolic(f"{name} of a polynomial")

    def pi(self) -> Any:
        raise Symbolic("pi is no polynomial")

    def sign(self, a: Any) -> int:
        raise Symbolic("the sign of a polynomial")

    def is_zero(self, a: Any) -> bool:
        return not a

    def rational(self, a: Any) -> Fraction | None:
        if not a:
            return Fraction(0)
        if not a.is_ground:
            return None
        coefficient = a.coeff(1)
        return Fraction(int(coefficient.numerator), int(coefficient.denominator))

    def generic(self, name: str, orders: tuple[int, ...], args: Sequence[Any]) -> Any:
        raise Symbolic(f"{name} of a polynomial")
