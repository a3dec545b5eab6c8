"""The linear part a second way: the gradient of the inner product ⟨dz, W x + b⟩ by its cyclic rule.

⟨dC, L X R⟩ = tr(dCᵀ L X R) = ⟨Lᵀ dC Rᵀ, X⟩, so the gradient by X is Lᵀ dC Rᵀ; where Xᵀ stands in
the product it is R dCᵀ L. A name that occurs several times has the sum. Nothing of the index
calculus is used here, and the answer is compared with it at a random point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, pairwise

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.gfp import GFp
from symbackprop.derivation.failed import CertificateFailed
from symbackprop.derivation.model import Model
from symbackprop.derivation.numbers import evaluator, shaped
from symbackprop.derivation.points import draw, drawn, numbers_of
from symbackprop.derivation.steps import Check, Contribution, Step
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Shape

SIZES = (3, 4, 2, 5, 6)
"""Numbers for the sizes that are symbols, in turn."""


class SecondRouteFailed(CertificateFailed):
    """The inner product has another gradient than the index calculus says: our own fault."""


class _NotLinear(ValueError):
    """The equation is no sum of plain products of matrices: this route says nothing."""


def linear_checks(model: Model, steps: Sequence[Step]) -> Iterator[Check]:
    """One line for all gradients through equations that are sums of products of matrices."""
    agreed: list[str] = []
    for step in steps:
        for made in step.substeps:
            if made.rule in {"affine", "general"} and _agrees(model, made):
                agreed.append("d" + made.target)
    if agreed:
        count = len(agreed)
        yield Check(kind="second", what=tuple(dict.fromkeys(agreed)), agreed=count, tried=count)


def _agrees(model: Model, made: Contribution) -> bool:
    """Whether the rule applies; raises SecondRouteFailed where it disagrees."""
    shapes = model.exercise.shapes
    if made.matrix is None or not shapes[made.through] or not shapes[made.target]:
        return False
    try:
        answer = by_inner_product(model.equation(made.through).body, made.through, made.target, shapes)
    except _NotLinear:
        return False
    same = drawn("second", lambda domain: _same(model, made, answer, domain))
    if same is False:
        raise SecondRouteFailed(f"d{made.target}", f"the inner product, through {made.through}")
    return bool(same)


def _same(model: Model, made: Contribution, answer: Sequence[Node], domain: GFp) -> bool:
    shapes = model.exercise.shapes
    sizes = dict(zip(model.exercise.sizes, cycle(SIZES), strict=False))
    names = {*tree.names_in(model.equation(made.through).body), made.target} & set(shapes)
    env: dict[str, Array[int]] = {name: _draw(domain, shapes[name], sizes) for name in sorted(names)}
    env["d" + made.through] = _draw(domain, shapes[made.through], sizes)
    working = evaluator(model, domain, sizes)
    shape = numbers_of(shapes[made.target], sizes)
    assert made.matrix is not None

    def value(node: Node) -> Array[int]:
        return shaped(working.evaluate(node, env, like=shape), shape)

    parts = [value(term).entries for term in answer]
    return value(made.matrix).entries == tuple(domain.total(column) for column in zip(*parts, strict=True))


def _draw(domain: GFp, shape: Shape, sizes: Mapping[str, int]) -> Array[int]:
    return draw(domain, numbers_of(shape, sizes), "")


# --- the rule ------------------------------------------------------------------------------


def by_inner_product(body: Node, through: str, target: str, shapes: Mapping[str, Shape]) -> list[Node]:
    """∂⟨dC, body⟩/∂target, where C is `through`: one term for each place. Raises _NotLinear."""
    arriving = tree.Gradient(tree.Name(through))
    terms: list[Node] = []
    for term in _terms(body):
        negative = isinstance(term, tree.Neg)
        factors = _factors(term.body if isinstance(term, tree.Neg) else term, shapes)
        for place, factor in enumerate(factors):
            if _name(factor) == target:
                made = _one(factors, place, arriving, shapes)
                terms.append(tree.Neg(made) if negative else made)
            elif target in tree.names_in(factor):
                raise _NotLinear
    if not terms:
        raise _NotLinear
    return terms


def _terms(body: Node) -> Iterator[Node]:
    bare = tree.undressed(body)
    if isinstance(bare, tree.Add):
        for term in bare.terms:
            yield from _terms(term)
    else:
        yield bare


def _factors(term: Node, shapes: Mapping[str, Shape]) -> list[Node]:
    """The factors of a product whose shapes chain, each a name, its transpose, ones or a number."""
    factors = [*_flat(term)]
    arrays = [side for side in (_sides(factor, shapes) for factor in factors) if side is not None]
    if any(left[1] != right[0] for left, right in pairwise(arrays)):
        raise _NotLinear
    return factors


def _flat(term: Node) -> Iterator[Node]:
    if isinstance(term, tree.Product):
        if any(sign not in {"", "cdot"} for sign in term.signs):
            raise _NotLinear
        for factor in term.factors:
            yield from _flat(factor)
    else:
        yield term


def _sides(factor: Node, shapes: Mapping[str, Shape]) -> tuple[tree.Size, tree.Size] | None:
    """Rows and columns; None for a number."""
    match factor:
        case tree.Number():
            return None
        case tree.Name(name) if name in shapes:
            shape = shapes[name]
            return None if not shape else (shape[0], shape[1] if len(shape) == 2 else 1)
        case tree.Ones(tree.Number(value)):
            return int(value), 1
        case tree.Ones(tree.Name(name)):
            return name, 1
        case tree.Transpose(body):
            sides = _sides(body, shapes)
            return None if sides is None else sides[::-1]
    raise _NotLinear


def _name(factor: Node) -> str | None:
    """The name that a factor or its transpose is."""
    while isinstance(factor, tree.Transpose):
        factor = factor.body
    return factor.name if isinstance(factor, tree.Name) else None


def _one(factors: list[Node], place: int, arriving: Node, shapes: Mapping[str, Shape]) -> Node:
    """The gradient by one occurrence of the target."""
    numbers = [f for at, f in enumerate(factors) if at != place and _sides(f, shapes) is None]
    left = [f for f in factors[:place] if _sides(f, shapes) is not None]
    right = [f for f in factors[place + 1 :] if _sides(f, shapes) is not None]
    if _is_transposed(factors[place]):
        inner = [*right, tree.Transpose(arriving), *left]
    else:
        inner = [*map(tree.Transpose, reversed(left)), arriving, *map(tree.Transpose, reversed(right))]
    return tree.juxtaposed(*numbers, *inner)


def _is_transposed(factor: Node) -> bool:
    return isinstance(factor, tree.Transpose) and not _is_transposed(factor.body)
