"""Whether two formulas are written alike: for lines that have no value, such as `W dz` in place of `Wᵀ dz`.

Brackets, braces and frames are left out, `·` and juxtaposition count as the same sign, a minus and the
numbers of a product stand in front. Nothing else is computed; a part that has a value may be compared
by it, so that `W (ŷ − y) ⊙ g′(z)` is written like `W dz`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

from symbackprop.notation import tree
from symbackprop.notation.hand.nodes import Nabla
from symbackprop.notation.tree import Node

Value = Callable[[Node], object | None]
"""The value of a formula as something that can be compared, its shape included; None if it has none."""

FACTORS = 8  # of a product whose parts are compared in groups


@dataclass(frozen=True, slots=True)
class Likeness:
    """`scalars` are the names of numbers, `loss` is the name of the loss; `value` tells values if given."""

    scalars: Collection[str]
    loss: str
    value: Value | None = None

    def alike(self, first: Node, second: Node) -> bool:
        """Whether two formulas in normal form are the same, or their parts have the same values in pairs."""
        return first == second or self._parts_alike(first, second)

    def _parts_alike(self, first: Node, second: Node) -> bool:
        match first, second:
            case tree.Neg(a), tree.Neg(b):
                return self._same(a, b)
            case tree.Transpose(a), tree.Transpose(b):
                return self._same(a, b)
            case tree.Quotient(a, b), tree.Quotient(c, d):
                return self._same(a, c) and self._same(b, d)
            case tree.Product(), tree.Product() if len(first.factors) <= len(second.factors) <= FACTORS:
                return any(self._in_pairs(first, group) for group in _grouped(second, len(first.factors)))
            case tree.Add(terms), tree.Add(others) if len(terms) == len(others):
                return all(map(self._same, terms, others))
        return False

    def _in_pairs(self, first: tree.Product, second: tree.Product) -> bool:
        return _signs_alike(first.signs, second.signs) and all(map(self._same, first.factors, second.factors))

    def _same(self, first: Node, second: Node) -> bool:
        if self.alike(first, second):
            return True
        if self.value is None:
            return False
        value = self.value(first)
        return value is not None and value == self.value(second)

    def one_gradient(self, right: Node, written: Node) -> Iterator[tuple[Node, Node]]:
        """Where formulas in normal form differ in one gradient alone: the one due, and what stands there."""
        if isinstance(right, tree.Gradient):
            yield right, written
        for first, second in self._one_part(right, written):
            yield from self.one_gradient(first, second)

    def _one_part(self, right: Node, written: Node) -> Iterator[tuple[Node, Node]]:
        match right, written:
            case tree.Neg(a), tree.Neg(b):
                yield a, b
            case tree.Transpose(a), tree.Transpose(b):
                yield a, b
            case tree.Quotient(a, below), tree.Quotient(b, under) if self._same(below, under):
                yield a, b
            case tree.Add(terms), tree.Add(others) if len(terms) == len(others):
                yield from self._only_pair(terms, others)
            case tree.Product(factors, signs), tree.Product() if len(written.factors) <= FACTORS:
                for group in _grouped(written, len(factors)):
                    if _signs_alike(group.signs, signs):
                        yield from self._only_pair(factors, group.factors)

    def _only_pair(self, rights: tuple[Node, ...], others: tuple[Node, ...]) -> Iterator[tuple[Node, Node]]:
        apart = [pair for pair in zip(rights, others, strict=True) if not self._same(*pair)]
        if len(apart) == 1:
            yield apart[0]

    # --- normal form

    def normal(self, node: Node) -> Node:
        """The formula without what is only layout."""
        match node:
            case tree.Bracket(body) | tree.Brace(body) | tree.Box(body) | tree.Coloured(body):
                return self.normal(body)
            case tree.Derivative(tree.Name(self.loss), by) | Nabla(tree.Name(self.loss), tree.Name() as by):
                return tree.Gradient(self.normal(by))
            case tree.Quotient(above, below) if self._is_number(below) and not self._is_number(above):
                part = tree.Quotient(tree.number(1), below)
                return self.normal(tree.juxtaposed(part, above))
            case tree.Quotient(above, below):
                return tree.Quotient(self.normal(above), self.normal(below))
            case tree.Call("dot" | "outer" as kind, (first, second)):
                a, b = map(self.normal, (first, second))
                turned = (tree.Transpose(a), b) if kind == "dot" else (a, tree.Transpose(b))
                return tree.juxtaposed(*turned)
            case tree.Neg(body):
                return _negative(self.normal(body))
            case tree.Product():
                return self._product(node)
        return tree.rebuild(node, self.normal)

    def _product(self, node: tree.Product) -> Node:
        outer = tuple("" if sign == "cdot" else sign for sign in node.signs)
        minus, signs = False, [""]
        factors: list[Node] = []
        for sign, factor in zip(("", *outer), node.factors, strict=True):
            plain = self.normal(factor)
            if isinstance(plain, tree.Neg):
                minus, plain = not minus, plain.body
            if isinstance(plain, tree.Product) and len({*plain.signs, *outer}) == 1:
                factors += plain.factors  # A (B C) is A B C; (A ⊙ B) C is not A ⊙ B C
                signs += [sign, *plain.signs]
            else:
                factors.append(plain)
                signs.append(sign)
        made = self._numbers_first(factors, signs[2:])
        return tree.Neg(made) if minus else made

    def _numbers_first(self, factors: list[Node], signs: list[str]) -> Node:
        pairs = list(zip(factors, ["", *signs], strict=True))
        numbers = sorted((one for one, _ in pairs if self._is_number(one)), key=repr)
        rest = [(one, sign) for one, sign in pairs if not self._is_number(one)]
        every = [*numbers, *(one for one, _ in rest)]
        if len(every) == 1:
            return every[0]
        gaps = [*[""] * max(len(numbers) - (not rest), 0), *(sign for _, sign in rest[1:])]
        return tree.Product(tuple(every), tuple(gaps))

    def _is_number(self, node: Node) -> bool:
        match node:
            case tree.Number():
                return True
            case tree.Name(name) | tree.Gradient(tree.Name(name)):
                return name in self.scalars
            case tree.Quotient(above, below):
                return self._is_number(above) and self._is_number(below)
        return False


def _signs_alike(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """`*` is what people type for any product."""
    return all(a == b or "*" in (a, b) for a, b in zip(first, second, strict=True))


def flat(node: Node) -> Node:
    """Products as one row of factors where no bracket was written: `a ⊙ b c` does not say what goes first."""
    if isinstance(node, tree.Product):
        factors: list[Node] = []
        signs: list[str] = []
        for sign, factor in zip(("", *node.signs), map(flat, node.factors), strict=True):
            inner = factor if isinstance(factor, tree.Product) else tree.Product((factor,), ())
            factors += inner.factors
            signs += [sign, *inner.signs]
        return tree.Product(tuple(factors), tuple(signs[1:]))
    return tree.rebuild(node, flat)


def _negative(node: Node) -> Node:
    return node.body if isinstance(node, tree.Neg) else tree.Neg(node)


def _grouped(product: tree.Product, count: int) -> Iterator[tree.Product]:
    """The product with its factors bracketed into `count` groups, in every way."""
    total = len(product.factors)
    if count > total:
        return
    for cuts in combinations(range(1, total), count - 1):
        edges = [0, *cuts, total]
        groups = [_part(product, start, end) for start, end in pairwise(edges)]
        yield tree.Product(tuple(groups), tuple(product.signs[cut - 1] for cut in cuts))


def _part(product: tree.Product, start: int, end: int) -> Node:
    if end - start == 1:
        return product.factors[start]
    return tree.Product(product.factors[start:end], product.signs[start : end - 1])
