"""Mistakes in matrix products: transposes, order, and what is summed over."""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop import limits
from symbackprop.derivation.slips import (
    Place,
    Wrong,
    at_each,
    matrix_product,
    transposed,
    with_factor,
    without,
)
from symbackprop.notation import tree
from symbackprop.notation.tree import Node


def hadamard_as_dot(place: Place) -> Iterator[Wrong]:
    """dŷ ⊙ g′(z)  ->  dŷᵀ g′(z)"""

    def change(node: Node) -> Iterator[Wrong]:
        match node:
            case tree.Product((left, right), ("odot",)):
                first = tree.Transpose(left) if len(place.shape) == 1 else left
                yield Wrong(tree.juxtaposed(first, right))

    yield from at_each(place.formula, change)


def transpose_missing(place: Place) -> Iterator[Wrong]:
    """Wᵀ dz  ->  W dz"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Transpose):
            yield Wrong(node.body, node)

    yield from at_each(place.formula, change)


def result_transposed(place: Place) -> Iterator[Wrong]:
    """dz xᵀ  ->  x dzᵀ"""
    if place.shape and matrix_product(place.formula):
        yield Wrong(transposed(place.formula))


def factors_swapped(place: Place) -> Iterator[Wrong]:
    """Wᵀ dz  ->  dz Wᵀ"""

    def change(node: Node) -> Iterator[Wrong]:
        pair = matrix_product(node)
        if pair is not None and place.shape:
            yield Wrong(tree.juxtaposed(*reversed(pair)))

    yield from at_each(place.formula, change)


def inner_for_outer(place: Place) -> Iterator[Wrong]:
    """dz xᵀ  ->  dzᵀ x"""
    pair = matrix_product(place.formula)
    if pair is not None and len(place.shape) == 2:
        yield Wrong(tree.juxtaposed(*map(transposed, pair)))


def summed(place: Place) -> Iterator[Wrong]:
    """a vector  ->  the sum of its entries"""
    if len(place.shape) == 1:
        yield Wrong(tree.Call("sum", (place.formula,)))


def factor_forgotten(place: Place) -> Iterator[Wrong]:
    """dz xᵀ  ->  dz, or each entry of dz repeated;  Wᵀ dz  ->  dz"""

    def change(node: Node) -> Iterator[Wrong]:
        if not isinstance(node, tree.Product):
            return
        for at, factor in enumerate(node.factors):
            bare = factor.body if isinstance(factor, tree.Transpose) else factor
            if isinstance(bare, tree.Index) and isinstance(bare.base, tree.Name):
                yield Wrong(without(node, at), bare)
            if not isinstance(bare, tree.Name) or (place.shape and not place.rank(bare.name)):
                continue
            yield Wrong(without(node, at), bare)
            if isinstance(factor, tree.Transpose) and place.rank(bare.name) == 1:
                yield Wrong(with_factor(node, at, tree.Transpose(tree.Ones())), bare)

    yield from at_each(place.formula, change)


def not_summed(place: Place) -> Iterator[Wrong]:
    """dZᵀ 1  ->  dZ: every row of the batch in place of their sum"""
    match place.formula:
        case tree.Product((left, tree.Ones()), ("",)) if len(place.shape) == 1:
            yield Wrong(left.body if isinstance(left, tree.Transpose) else left)
        case tree.Call("sum" | "mean", (body,), options) if options and len(place.shape) == 1:
            yield Wrong(body)


# --- what only a checker looks for ------------------------------------------------------------


def any_hadamard_as_dot(place: Place) -> Iterator[Wrong]:
    """dŷ ⊙ g′(z)  ->  dŷ g′(z), and dŷ g′(z)ᵀ; one ⊙ of several"""

    def change(node: Node) -> Iterator[Wrong]:
        if not isinstance(node, tree.Product):
            return
        for at, sign in enumerate(node.signs):
            if sign in {"odot", "*"}:
                left, right = node.factors[at : at + 2]
                for pair in ((left, right), (left, tree.Transpose(right)), (tree.Transpose(left), right)):
                    product = tree.juxtaposed(*pair)
                    factors = (*node.factors[:at], product, *node.factors[at + 2 :])
                    yield Wrong(_product(factors, node.signs[:at] + node.signs[at + 1 :]))

    yield from at_each(place.formula, change)


def _product(factors: tuple[Node, ...], signs: tuple[str, ...]) -> Node:
    return tree.Product(factors, signs) if signs else factors[0]


def dot_as_hadamard(place: Place) -> Iterator[Wrong]:
    """Wᵀ dz  ->  Wᵀ ⊙ dz"""

    def change(node: Node) -> Iterator[Wrong]:
        pair = matrix_product(node)
        if pair is not None and place.shape:
            yield Wrong(tree.times(*pair, sign="odot"))

    yield from at_each(place.formula, change)


def transpose_extra(place: Place) -> Iterator[Wrong]:
    """W x  ->  Wᵀ x"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Product):
            for at, factor in enumerate(node.factors):
                name = factor.of if isinstance(factor, tree.Gradient) else factor
                if isinstance(name, tree.Name) and place.rank(name.name):
                    turned = tree.Transpose(factor)
                    yield Wrong(with_factor(node, at, turned), turned)

    yield from at_each(place.formula, change)


def any_result_transposed(place: Place) -> Iterator[Wrong]:
    """db = dz  ->  dzᵀ"""
    if place.shape and not matrix_product(place.formula):
        yield Wrong(tree.Transpose(place.formula))


def neighbours_swapped(place: Place) -> Iterator[Wrong]:
    """1/2 Wᵀ dz  ->  1/2 dz Wᵀ;  of three factors and more, two that stand side by side"""

    def change(node: Node) -> Iterator[Wrong]:
        if not isinstance(node, tree.Product) or len(node.factors) < 3 or not place.shape:
            return
        for at, sign in enumerate(node.signs):
            left, right = node.factors[at : at + 2]
            if sign == "" and not isinstance(left, tree.Number | tree.Quotient):
                yield Wrong(
                    tree.Product((*node.factors[:at], right, left, *node.factors[at + 2 :]), node.signs)
                )

    yield from at_each(place.formula, change)


def any_summed(place: Place) -> Iterator[Wrong]:
    """a matrix  ->  the sum of its entries, of its rows, of its columns"""
    if len(place.shape) == 2:
        yield Wrong(tree.Call("sum", (place.formula,)))
        for axis in (0, 1):
            yield Wrong(tree.Call("sum", (place.formula,), (("axis", tree.number(axis)),)))


def sum_forgotten(place: Place) -> Iterator[Wrong]:
    """db = sum(dz)  ->  dz;  Σ_j dz_j w_ji  ->  dz_j w_ji"""

    def change(node: Node) -> Iterator[Wrong]:
        match node:
            case tree.Call("sum" | "mean", (body,)) | tree.Sum(body=body):
                yield Wrong(body)
            case tree.Product((*before, tree.Ones()), signs) if before and not signs[-1]:
                yield Wrong(_product(tuple(before), signs[:-1]))

    yield from at_each(place.formula, change)


def product_for_sum(place: Place) -> Iterator[Wrong]:
    """dQ Wqᵀ + dK Wkᵀ  ->  their product, entry by entry"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Add):
            yield Wrong(tree.times(*node.terms, sign="odot" if place.shape else ""))

    yield from at_each(place.formula, change, into_quotients=False)


def indices_swapped(place: Place) -> Iterator[Wrong]:
    """dz_j x_i  ->  dz_i x_j, or w_ij for w_ji, w_12 for w_21: formulas of one entry"""
    every = _indices(place.formula)
    for at, first in enumerate(every):
        for second in every[at + 1 :]:
            about = tree.Row((first, second), ",")
            yield from _turned(place, {first: second, second: first}, about)


def _indices(node: Node) -> list[Node]:
    """The letters and the numbers that stand as indices."""
    return list(dict.fromkeys(
        part
        for index in tree.walk(node) if isinstance(index, tree.Index)
        for one in index.places for part in tree.walk(one) if isinstance(part, tree.Name | tree.Number)
    ))  # fmt: skip


def wrong_index(place: Place) -> Iterator[Wrong]:
    """dz_i x_j  ->  dz_i x_i, dz_i x_1;  dz x_3  ->  dz x_2"""
    letters = dict.fromkeys((*_indices(place.formula), tree.number(1)))

    def change(node: Node) -> Iterator[Wrong]:
        inner = node.of if isinstance(node, tree.Gradient) else node
        if not isinstance(inner, tree.Index):
            return
        for at, due in enumerate(inner.places):
            numbers = _numbers(place, inner.base, at) if isinstance(due, tree.Number) else ()
            for other in dict.fromkeys((*letters, *numbers)):
                if other != due:
                    made = tree.Index(inner.base, (*inner.places[:at], other, *inner.places[at + 1 :]))
                    whole = tree.Gradient(made) if isinstance(node, tree.Gradient) else made
                    yield Wrong(whole, node, whole)

    yield from at_each(place.formula, change)


def _numbers(place: Place, base: Node, axis: int) -> tuple[Node, ...]:
    """The numbers that an axis has, where there are few."""
    shape = place.exercise.shapes.get(base.name, ()) if isinstance(base, tree.Name) else ()
    size = shape[axis] if axis < len(shape) else 0
    few = isinstance(size, int) and size <= limits.SHOWN_COLUMNS
    return tuple(tree.number(one + 1) for one in range(size)) if few and isinstance(size, int) else ()


def _turned(place: Place, turned: dict[Node, Node], about: Node) -> Iterator[Wrong]:
    """With two indices exchanged in one place, and in all."""

    def other(node: Node) -> Node:
        return turned[node] if node in turned else tree.rebuild(node, other)

    def renamed(node: Node) -> Node:
        if isinstance(node, tree.Index):
            return tree.Index(node.base, tuple(map(other, node.places)))
        return tree.rebuild(node, renamed)

    def change(node: Node) -> Iterator[Wrong]:
        inner = node.of if isinstance(node, tree.Gradient) else node
        if isinstance(inner, tree.Index):
            made = renamed(inner)
            yield Wrong(tree.Gradient(made) if isinstance(node, tree.Gradient) else made, about)

    yield from at_each(place.formula, change)
    if not isinstance(place.formula, tree.Index | tree.Gradient):
        yield Wrong(renamed(place.formula), about)
