"""Marks above a name, `W^{[1]}`: the layer's, the neuron's, the example's."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from symbackprop.checking.rows import example
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.checking.resolve import Resolver


def delta_of(self: Resolver, node: Node, layer: int | None = None) -> Node:
    """δ is dz of its layer, where the text does not define it."""
    context = self.context
    names = context.preactivations
    if layer is not None:
        name = context.before_activation(layer)
        names = (name,) if name is not None else ()
    if len(names) != 1:
        raise self.refuse("check.unknown_name", node, name=node)
    quantity = tree.Name(names[0])
    made: Node = tree.Gradient(quantity, span=node.span)
    if context.differentials:  # dz is a change there, and δ no change
        made = tree.Derivative(tree.Name(context.exercise.loss), quantity, span=node.span)
    return tree.Neg(made, span=node.span) if context.settings.delta == "-dz" else made


def marked(self: Resolver, node: hand.Marked) -> Node:
    """`W^{[1]}`: the layer's, if the model has one; else the neuron's row or entry, or the example's."""
    of_example = example(self, node)
    if of_example is not None:
        return of_example
    number = mark_number(self, node.mark)
    if number is None:
        raise self.refuse("check.unknown_name", node, name=node)
    body = node.body
    context = self.context
    if isinstance(body, tree.Gradient):
        inner = self.at(hand.Marked(body.of, node.kind, node.mark, span=node.span))
        return _gradient_of(self, inner, node)
    if not isinstance(body, tree.Name):
        raise self.refuse("check.unknown_name", node, name=node)
    if body.name == "delta" and not context.knows("delta"):
        return delta_of(self, node, number)
    if body.name == "yhat" and context.knows("yhat"):
        return tree.Name("yhat", span=node.span)
    alone = node.kind == "(" and not context.layers and context.settings.marks == "auto"
    if context.settings.marks in ("auto", "layer") and not alone:
        found = context.layered(body.name, number)
        if found is not None:
            return tree.Name(found, span=node.span)
    if context.settings.marks != "layer" and node.kind == "(":
        return _neuron(self, node, body, number)
    raise self.refuse("check.unknown_name", node, name=node)


def _gradient_of(self: Resolver, inner: Node, node: Node) -> Node:
    core = inner.base if isinstance(inner, tree.Index) else inner
    if not isinstance(core, tree.Name) or core.name not in self.context.exercise.shapes:
        raise self.refuse("check.no_gradient", node, name=node)
    return tree.Gradient(inner, span=node.span)


def _neuron(self: Resolver, node: hand.Marked, body: tree.Name, number: int) -> Node:
    name = self.context.variable(body.name)
    shape = None if name is None else self.context.shape(name)
    if name is None or not shape:
        raise self.refuse("check.unknown_name", node, name=node)
    self.sized = True
    place: Node = tree.Number(Fraction(number), str(number))
    if len(shape) == 1:
        return tree.Index(tree.Name(name), (place,), span=node.span)
    if len(shape) == 2:
        return tree.Index(tree.Name(name), (place, tree.Slice()), span=node.span)
    raise self.refuse("check.unknown_name", node, name=node)


def mark_number(self: Resolver, mark: Node) -> int | None:
    """The number in a mark; `l` is the layer of this instance, `L` the last one."""
    match mark:
        case tree.Number(value) if value.denominator == 1:
            return int(value)
        case tree.Name("L" | "calL"):
            return self.context.layers
        case tree.Name("l" | "ell" | "t"):
            return self.layer  # None in a line about none
        case tree.Neg(body):
            found = mark_number(self, body)
            return None if found is None else -found
        case tree.Add(terms):
            numbers = [mark_number(self, term) for term in terms]
            return None if None in numbers else sum(number for number in numbers if number is not None)
        case tree.Bracket(body):
            return mark_number(self, body)
    return None
