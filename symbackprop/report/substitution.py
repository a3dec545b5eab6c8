"""Formulas with numbers in: each name that has a value gives way to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from symbackprop.algebra.functions import Function
from symbackprop.algebra.values.arrays import Array
from symbackprop.notation import tree
from symbackprop.notation.tree import Node
from symbackprop.report.unfold import is_numeral

if TYPE_CHECKING:
    from symbackprop.report.view import View

SUMMED = 6
"""Entries of a sum that are written out; of more, the first ones and the last."""


def ends(items: tuple[Any, ...], most: int) -> list[Any]:
    """The items, or the first ones, a gap and the last one."""
    if len(items) <= most:
        return list(items)
    return [*items[: most - 2], None, items[-1]]


@dataclass(frozen=True, slots=True)
class Substitution:
    """Values for names, from the inside out; products of plain numbers get their dots."""

    view: View
    braces: bool

    def go(self, node: Node) -> Node:
        match node:
            case tree.Name(name):
                return self.known(name, node)
            case tree.Gradient(tree.Name(name)):
                return self.known("d" + name, node)
            case tree.Transpose(tree.Name() | tree.Gradient()):
                return self.transposed(node)
            case tree.Call(_, args, _, primes) if primes:
                return self.slope(node, args)
            case tree.Call(_, args, _, 0) if (row := self.view.facts.model.row(node.function)) is not None:
                return self.applied(node, args, row)
            case tree.Call("sum" | "mean", (arg,), (), 0):
                return self.added(node, arg)
            case tree.Add(terms):
                return tree.Add((self.go(terms[0]), *(_added(term, self.go(term)) for term in terms[1:])))
            case tree.Product():
                return self.product(node)
            case tree.Ones(size) if isinstance(size, tree.Number):
                return self.view.array(Array((int(size.value),), (Fraction(1),) * int(size.value)))
        return tree.rebuild(node, self.go)

    def known(self, name: str, node: Node) -> Node:
        value = self.view.value(name) if name in self.view.derivation.quantities else None
        if value is None:
            return self.view.symbols(name) or node
        return tree.Brace(value, node) if self.braces else value

    def transposed(self, node: tree.Transpose) -> Node:
        inner = node.body
        name = inner.name if isinstance(inner, tree.Name) else "d" + tree.names_in(inner)[0]
        if name not in self.view.derivation.quantities:
            return node
        value = self.view.value(name, transposed=True)
        if value is None:
            return node
        return tree.Brace(value, node) if self.braces else value

    def slope(self, node: tree.Call, args: tuple[Node, ...]) -> Node:
        """`g'(z)`: its value, with a brace that says so where it is one number."""
        made = self.view.facts.evaluated(node)
        if made is None:
            return tree.rebuild(node, self.go)
        value = self.view.array(made)
        if len(made.entries) != 1:
            return value
        at = tuple(self.go(arg) for arg in args)
        return tree.Brace(value, tree.Call(node.function, at, node.options, node.primes))

    def applied(self, node: tree.Call, args: tuple[Node, ...], row: Function) -> Node:
        """`σ(z)`: of an array its values, for a function before a column of numbers says nothing."""
        made = self.view.facts.evaluated(node) if row.kind != "loss" else None
        if made is None or len(made.entries) == 1 or not all(isinstance(arg, tree.Name) for arg in args):
            return tree.rebuild(node, self.go)
        return self.view.array(made)

    def added(self, node: tree.Call, arg: Node) -> Node:
        """The sum of all entries written out, `1 + 4 + (−2) + 5`; the mean with its factor before it."""
        made = self.view.facts.evaluated(arg)
        if made is None or not made.shape or len(made.entries) < 2:
            return tree.rebuild(node, self.go)
        first, *rest = ends(made.entries, SUMMED)
        others = (tree.Dots("c") if value is None else self.view.entry(value) for value in rest)
        total = tree.plus(self.view.entry(first), *map(_bracketed, others))
        if node.function == "sum":
            return total
        share = tree.Quotient(tree.number(1), tree.number(len(made.entries)))
        return tree.juxtaposed(share, tree.Bracket(total))

    def product(self, node: tree.Product) -> Node:
        factors = tuple(self.go(factor) for factor in node.factors)
        signs = []
        for left, sign, right in zip(factors, node.signs, factors[1:], strict=False):
            plain = is_numeral(left) and is_numeral(right)
            signs.append("cdot" if plain else "" if sign == "odot" and _scalar(left, right) else sign)
        first, *rest = factors
        return tree.Product((first, *map(_bracketed, rest)), tuple(signs))


def _added(term: Node, put_in: Node) -> Node:
    """A term with its number in: in brackets where the number, and not the formula, has a minus."""
    return put_in if isinstance(term, tree.Neg) else _bracketed(put_in)


def _bracketed(term: Node) -> Node:
    """`(−1)` over its name, for a negative number that is added."""
    if isinstance(term, tree.Brace) and isinstance(term.body, tree.Neg):
        return replace(term, body=tree.Bracket(term.body))
    return tree.Bracket(term) if isinstance(term, tree.Neg) and is_numeral(term) else term


def _scalar(left: Node, right: Node) -> bool:
    return is_numeral(left) and is_numeral(right)
