"""The linear part a second way: SymPy's matrix calculus on the inner product ⟨dz, W x + b⟩.

SymPy is given the whole equation as a matrix expression and derives tr(dzᵀ (W x + b)) by W, x and
b; nothing of the index calculus is used. Its answer is compared with ours at a random point.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from symbackprop.algebra.symbolic import sympy_module
from symbackprop.algebra.values.gfp import GFp
from symbackprop.derivation.failed import CertificateFailed
from symbackprop.derivation.model import Model
from symbackprop.derivation.numbers import evaluator, shaped
from symbackprop.derivation.steps import Check, Contribution, Step
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Shape


class SecondRouteFailed(CertificateFailed):
    """SymPy's matrix calculus disagrees with the index calculus: our own fault."""


class _NoMatrix(ValueError):
    """The equation is no plain expression of matrices: SymPy's calculus is not asked."""


def linear_checks(model: Model, steps: Sequence[Step]) -> Iterator[Check]:
    """One line for all gradients through linear equations that SymPy's matrices can say."""
    agreed: list[str] = []
    for step in steps:
        for made in step.substeps:
            if made.rule == "affine" and _agrees(model, made):
                agreed.append("d" + made.target)
    if agreed:
        count = len(agreed)
        yield Check(kind="second", what=tuple(dict.fromkeys(agreed)), agreed=count, tried=count)


def _agrees(model: Model, made: Contribution) -> bool:
    """Whether SymPy could be asked; raises SecondRouteFailed where it disagrees."""
    body = model.equation(made.through).body
    shapes = model.exercise.shapes
    if len(shapes[made.through]) == 0:
        return False
    symbols = _Symbols(shapes)
    try:
        expression = symbols.expression(body)
        arriving = symbols.symbol("d" + made.through, shapes[made.through])
        target = symbols.symbol(made.target, shapes[made.target])
        derived = _by_trace(arriving, expression, target)
        answer = symbols.tree(derived)
    except _NoMatrix:
        return False
    _compare(model, made, answer)
    return True


def _by_trace(arriving: Any, expression: Any, target: Any) -> Any:
    """∂ tr(dzᵀ E)/∂X. A sum is derived term by term: SymPy's own sum rule loses terms of 1×1."""
    sy = sympy_module()
    terms = expression.args if isinstance(expression, sy.MatAdd) else (expression,)
    total = None
    for term in terms:
        if not term.has(target):
            continue
        part = sy.Trace(arriving.T * term).diff(target)
        if not isinstance(part, sy.MatrixExpr):
            raise _NoMatrix
        total = part if total is None else total + part
    if total is None:
        raise _NoMatrix
    return total.doit()


def _compare(model: Model, made: Contribution, answer: Node) -> None:
    domain = GFp("second")
    names = {size: place for place, size in enumerate(model.exercise.sizes, 3)}

    def fixed(shape: Shape) -> tuple[int, ...]:
        return tuple(size if isinstance(size, int) else names[size] for size in shape)

    env = {name: domain.draw_array(fixed(shape)) for name, shape in model.exercise.shapes.items()}
    env["d" + made.through] = domain.draw_array(fixed(model.exercise.shapes[made.through]))
    working = evaluator(model, domain, names)
    shape = fixed(model.exercise.shapes[made.target])
    assert made.matrix is not None
    ours = shaped(working.evaluate(made.matrix, env, like=shape), shape)
    theirs = shaped(working.evaluate(answer, env, like=shape), shape)
    if ours != theirs:
        raise SecondRouteFailed(f"d{made.target}", f"SymPy's matrix calculus, through {made.through}")


class _Symbols:
    """Trees as SymPy matrix expressions and back; every array is a column or a matrix."""

    def __init__(self, shapes: Any) -> None:
        self.sy = sympy_module()
        self.shapes = shapes
        self.made: dict[str, Any] = {}
        self.sizes: dict[str, Any] = {}
        self.back: dict[Any, Node] = {}

    def size(self, size: tree.Size) -> Any:
        if isinstance(size, int):
            return self.sy.Integer(size)
        return self.sizes.setdefault(size, self.sy.Dummy(integer=True, positive=True))

    def symbol(self, name: str, shape: Shape) -> Any:
        if name not in self.made:
            if not shape:
                raise _NoMatrix
            rows, columns = (*shape, 1) if len(shape) == 1 else shape
            made = self.sy.MatrixSymbol(f"M{len(self.made)}", self.size(rows), self.size(columns))
            self.made[name] = made
            gradient = name not in self.shapes
            self.back[made] = tree.Gradient(tree.Name(name[1:])) if gradient else tree.Name(name)
        return self.made[name]

    def expression(self, node: Node) -> Any:
        match node:
            case tree.Name(name) if name in self.shapes:
                return self.symbol(name, self.shapes[name])
            case tree.Neg(body):
                return -self.expression(body)
            case tree.Add(terms):
                parts = [self.expression(term) for term in terms]
                if any(part.shape != parts[0].shape for part in parts):
                    raise _NoMatrix
                return self.sy.MatAdd(*parts)
            case tree.Transpose(body):
                return self.expression(body).T
            case tree.Bracket(body) | tree.Brace(body) | tree.Box(body):
                return self.expression(body)
            case tree.Ones(size) if size is not None:
                rows = self.size(int(size.value)) if isinstance(size, tree.Number) else self.size(size.name)  # type: ignore[attr-defined]  # a size is a number or a name
                return self.sy.OneMatrix(rows, 1)
            case tree.Product(factors, signs) if all(sign in {"", "cdot"} for sign in signs):
                return self.product(factors)
        raise _NoMatrix

    def product(self, factors: tuple[Node, ...]) -> Any:
        result = None
        for factor in factors:
            part = (
                self.sy.Rational(factor.value.numerator, factor.value.denominator)
                if isinstance(factor, tree.Number)
                else self.expression(factor)
            )
            if result is not None and getattr(result, "is_Matrix", False) and result.shape[1] != part.shape[0]:
                raise _NoMatrix
            result = part if result is None else result * part
        return result

    def tree(self, expr: Any) -> Node:
        sy = self.sy
        if expr in self.back:
            return self.back[expr]
        if isinstance(expr, sy.MatAdd):
            return tree.plus(*(self.tree(part) for part in expr.args))
        if isinstance(expr, sy.MatMul):
            return tree.juxtaposed(*(self.tree(part) for part in expr.args))
        if isinstance(expr, sy.Transpose):
            return tree.Transpose(self.tree(expr.arg))
        if isinstance(expr, sy.OneMatrix) and expr.shape[1] == 1:
            return tree.Ones(self.size_tree(expr.shape[0]))
        if expr.is_Rational:
            value = Fraction(int(expr.p), int(expr.q))
            return tree.Bracket(tree.number(value))
        raise _NoMatrix

    def size_tree(self, size: Any) -> Node:
        for name, made in self.sizes.items():
            if made == size:
                return tree.Name(name)
        return tree.number(int(size))
