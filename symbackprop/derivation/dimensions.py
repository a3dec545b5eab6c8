"""Dimensions of a written product, as on paper, and the argument by dimensions.

On paper a vector is a column n×1 and a number has no dimensions; a product of matrices fits where
neighbours agree. The argument: with sizes all different, only one product of two factors,
transposed or not, has the dimensions of a gradient. It helps the memory and proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise, product

from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Shape, Size

Dimensions = tuple[Size, Size] | None
"""Rows and columns; None for a number."""


class Misfit(ValueError):
    """A product whose neighbours do not agree: `parts` are the dimensions of its factors."""

    def __init__(self, parts: tuple[tuple[Size, Size], ...], sign: str) -> None:
        super().__init__(parts)
        self.parts, self.sign = parts, sign


class Unknown(ValueError):
    """A formula that is not made of names, gradients, transposes and products."""


def of_shape(shape: Shape) -> Dimensions:
    """(n,) is n×1. Raises Unknown beyond rank 2."""
    if len(shape) > 2:
        raise Unknown(shape)
    return None if not shape else (shape[0], shape[1] if len(shape) == 2 else 1)


def dimensions(node: Node, shapes: Mapping[str, Shape]) -> Dimensions:
    """What a formula's dimensions are on paper. Raises Misfit, Unknown."""
    match node:
        case tree.Number() | tree.Constant() | tree.Quotient(tree.Number(), tree.Number()):
            return None
        case tree.Name(name) | tree.Gradient(tree.Name(name)):
            if name not in shapes:
                return None  # a size
            return of_shape(shapes[name])
        case tree.Neg(body) | tree.Bracket(body):
            return dimensions(body, shapes)
        case tree.Transpose(body):
            inner = dimensions(body, shapes)
            return None if inner is None else (inner[1], inner[0])
        case tree.Ones(size) if isinstance(size, tree.Number):
            return int(size.value), 1
        case tree.Ones(tree.Name(name)):
            return name, 1
        case tree.Call(_, (body,), _, primes) if primes:
            return dimensions(body, shapes)
        case tree.Call("sum", _, (), 0):
            return None
        case tree.Product(factors, signs):
            return _product([dimensions(factor, shapes) for factor in factors], signs)
    raise Unknown(node)


def _product(parts: list[Dimensions], signs: tuple[str, ...]) -> Dimensions:
    known = tuple(part for part in parts if part is not None)
    entrywise = "odot" in signs
    if entrywise and any(signs.count(sign) != len(signs) for sign in signs):
        raise Unknown(signs)
    for left, right in pairwise(known):
        if left != right if entrywise else left[1] != right[0]:
            raise Misfit(known, "odot" if entrywise else "")
    if not known:
        return None
    return known[0] if entrywise else (known[0][0], known[-1][1])


# --- the argument by dimensions -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlyProduct:
    """`formula` is the only product of these two factors with the dimensions of its gradient."""

    factors: tuple[Node, Node]
    formula: Node


def only_product(formula: Node, target: str, shapes: Mapping[str, Shape]) -> OnlyProduct | None:
    """The argument for `target`; None where another product fits too, or the formula is no product of two.

    `shapes` have a name for every size that could be another; all eight products of the two
    factors, transposed or not, in either order, are looked at.
    """
    bare = _two_factors(formula)
    if bare is None:
        return None
    try:
        wanted = of_shape(shapes[target])
        sides = _sides(bare, wanted, shapes) if wanted is not None else None
    except (KeyError, Unknown):
        return None
    if sides is None or wanted is None:
        return None
    fitting = []
    for (first, second), flip, turn in product(((0, 1), (1, 0)), (False, True), (False, True)):
        left, right = _turned(sides[first], flip), _turned(sides[second], turn)
        if left[1] == right[0] and (left[0], right[1]) == wanted:
            fitting.append((first, flip, turn))
    return OnlyProduct(factors=bare, formula=formula) if len(fitting) == 1 else None


def _two_factors(formula: Node) -> tuple[Node, Node] | None:
    """The two factors without their transposes; numbers in front are left out."""
    if not isinstance(formula, tree.Product) or any(formula.signs):
        return None
    factors = [factor for factor in formula.factors if not isinstance(factor, tree.Number | tree.Quotient)]
    bare = [factor.body if isinstance(factor, tree.Transpose) else factor for factor in factors]
    if len(bare) != 2 or not all(isinstance(one, tree.Name | tree.Gradient | tree.Ones) for one in bare):
        return None
    return bare[0], bare[1]


def _sides(
    bare: tuple[Node, Node], wanted: tuple[Size, Size], shapes: Mapping[str, Shape]
) -> list[tuple[Size, Size]] | None:
    """The dimensions of both; a vector of ones is as long as the other has examples."""
    found = [None if isinstance(one, tree.Ones) else dimensions(one, shapes) for one in bare]
    if isinstance(bare[0], tree.Ones) or isinstance(bare[1], tree.Ones):
        place = 0 if isinstance(bare[0], tree.Ones) else 1
        other = found[1 - place]
        if other is None or wanted[1] != 1:
            return None
        found[place] = (other[0] if other[1] == wanted[0] else other[1], 1)
    return [side for side in found if side is not None] if None not in found else None


def _turned(sides: tuple[Size, Size], flip: bool) -> tuple[Size, Size]:
    return (sides[1], sides[0]) if flip else sides
