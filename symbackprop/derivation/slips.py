"""Changing one place of a formula: what the rows of `mistakes.py` are made with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from symbackprop import limits
from symbackprop.notation import tree
from symbackprop.notation.tree import Node


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong formula for a gradient; `about` is the part concerned, `instead` what stands there now."""

    formula: Node
    about: Node | None = None
    instead: Node | None = None


def at_each(node: Node, change: Callable[[Node], Iterable[Wrong]]) -> Iterator[Wrong]:
    """`node` with one part replaced by what `change` makes of it, for each part in turn.

    What stands inside a call, or under a d, is left alone.
    """
    yield from change(node)
    if isinstance(node, tree.Call | tree.Gradient):
        return
    for place, child in enumerate(tree.children(node)):
        for new in at_each(child, change):
            yield Wrong(_with_child(node, place, new.formula), new.about, new.instead)


def _with_child(node: Node, place: int, new: Node) -> Node:
    left = iter(range(limits.TOKENS))
    return tree.rebuild(node, lambda child: new if next(left) == place else child)


def without(product: tree.Product, place: int) -> Node:
    """A product without one of its factors (and without the sign before it)."""
    factors = product.factors[:place] + product.factors[place + 1 :]
    gap = max(place - 1, 0)
    signs = product.signs[:gap] + product.signs[gap + 1 :]
    return tree.Product(factors, signs) if signs else factors[0]


def negative(node: Node) -> Node:
    """−A, and A for −A."""
    return node.body if isinstance(node, tree.Neg) else tree.Neg(node)


def transposed(node: Node) -> Node:
    """The transpose, written as a person would: (A B)ᵀ as Bᵀ Aᵀ, (Aᵀ)ᵀ as A."""
    match node:
        case tree.Transpose(body):
            return body
        case tree.Product(factors, signs) if not any(signs):
            return tree.juxtaposed(*(transposed(factor) for factor in reversed(factors)))
        case tree.Number() | tree.Quotient():
            return node
    return tree.Transpose(node)


def matrix_product(node: Node) -> tuple[Node, Node] | None:
    """The two factors of a juxtaposition such as `dz xᵀ`, numbers apart."""
    match node:
        case tree.Product((left, right), ("",)) if not isinstance(left, tree.Number | tree.Quotient):
            return left, right
    return None
