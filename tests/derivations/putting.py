"""Formulas with the numbers put in that are written so far: `(−4) (1 0 2)` for `dz xᵀ`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from symbackprop.notation import tree
from symbackprop.notation.tree import Node

from .entries import shape
from .facts import Facts
from .figures import Figure, Figures, Value, figures

LONGEST = 16
"""Nodes of a formula that somebody puts numbers into."""


@dataclass(frozen=True)
class Putting:
    """What is written so far, by name; `braces` says under each array what it is."""

    facts: Facts
    written: Mapping[str, Figures]
    braces: bool = False

    def put(self, formula: Node) -> Node | None:
        """The formula with numbers for all names; None where some are not written, or it is too long."""
        if isinstance(formula, tree.Name | tree.Gradient) or len(list(tree.walk(formula))) > LONGEST:
            return None
        try:
            return self._with_numbers(formula, tall=False)
        except KeyError:
            return None

    def _value(self, key: str, name: Node, *, row: bool = False, tall: bool = False) -> Node:
        made = Value(self.written[key], row, tall)
        return tree.Brace(made, name) if self.braces and len(made.figures.entries) > 1 else made

    def _with_numbers(self, node: Node, *, tall: bool) -> Node:
        """`tall`: a vector stands in a product with a matrix, and must be seen as a column."""
        match node:
            case tree.Name(name):
                return self._value(name, node, tall=tall)
            case tree.Gradient(tree.Name(name)):
                return self._value("d" + name, node, tall=tall)
            case tree.Transpose(tree.Name(name)) if len(self.facts.exercise.shapes[name]) == 1:
                return self._value(name, node, row=True)
            case tree.Transpose(tree.Gradient(tree.Name(name))) if len(self.facts.exercise.shapes[name]) == 1:
                return self._value("d" + name, node, row=True)
            case tree.Call("relu", (tree.Name(name),), (), 1):
                return self._slope(node, name)
            case tree.Product(factors, signs) if not any(sign in ("odot", "*") for sign in signs):
                matrix = any(len(shape(self.facts, factor)) == 2 for factor in factors)
                return tree.Product(tuple(self._with_numbers(one, tall=matrix) for one in factors), signs)
            case tree.Product() | tree.Add() | tree.Neg() | tree.Bracket() | tree.Quotient():
                return tree.rebuild(node, lambda child: self._with_numbers(child, tall=False))
            case tree.Number():
                return node
        raise KeyError(type(node).__name__)

    def _slope(self, node: Node, name: str) -> Node:
        """ReLU′ where it is 0 or 1 for what is written."""
        array = self.written[name].array
        slope = self.facts.value(node, {name: array}, array.shape)
        if slope is None or not all(entry in (0, 1) for entry in slope.entries):
            raise KeyError("a slope")
        return Value(figures(slope, 2))


def spelled(facts: Facts, written: Mapping[str, Figures], formula: Node) -> Node | None:
    """For one neuron: 4·1 + 2·0 + (−5)·2 + 7."""
    match formula:
        case tree.Add((tree.Product((tree.Name(w), tree.Name(x)), ("",)), tree.Name(b))):
            rows = written[w]
            if len(rows.shape) == 2 and rows.shape[0] == 1 and facts.single(b):
                pairs = zip(rows.entries, written[x].entries, strict=True)
                terms = [tree.times(_one(left), _one(right)) for left, right in pairs]
                return tree.Add((*terms, _one(written[b].entries[0])))
    return None


def _one(figure: Figure) -> Node:
    return Value(Figures((), (figure,), True))
