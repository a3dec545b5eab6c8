"""Functions by their names alone, `σ' = σ (1 − σ)`: what they are applied to."""

from __future__ import annotations

from symbackprop.algebra.functions import TABLE
from symbackprop.checking.calls import Head, head_of
from symbackprop.checking.context import FUNCTION_LETTERS, Context
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node

_CONTENT = (tree.Bracket, hand.Tuple)


def with_arguments(node: Node, context: Context) -> Node:
    """A statement with each bare function applied to its pre-activation; itself where nobody can tell which.

    Where nothing but functions and numbers stands there, any pre-activation of the function will do.
    """
    heads = {head.name for part in tree.walk(node) if (head := _function(part, context)) is not None}
    by = {part.by for part in tree.walk(node) if isinstance(part, tree.Derivative)}  # dσ/dz
    pure = {tree.Name(name) for name in tree.names_in(node) if name not in heads} <= by
    table: dict[str, Node] = {}
    for letter in heads:
        known = {**context.callable, **context.functions}.get(letter)
        found = [
            name for name in context.activations
            if (call := context.activation(letter, tree.Name(name))) is not None
            and known in (None, call.function)
        ]  # fmt: skip
        if pure and not found and known in TABLE:
            found = [*context.activations][:1]  # tanh, which the model does not have
        same = len({context.activations[name].function for name in found}) == 1
        if len(found) == 1 or (same and pure):
            table[letter] = tree.Name(found[0])
    return _applied(node, table, context) if table else node


def _function(node: Node, context: Context) -> Head | None:
    """The head of a call that a node is by itself: `σ`, `σ'`, `tanh²`."""
    head = head_of(node)
    if head is None or context.variable(head.name) is not None:
        return None
    known = head.name in context.callable or head.name in context.functions
    return head if known or head.name in FUNCTION_LETTERS else None


def _applied(node: Node, table: dict[str, Node], context: Context) -> Node:
    if isinstance(node, tree.Derivative) and isinstance(node.by, tree.Name):
        head = _function(node.of, context)
        if head is not None and context.variable(node.by.name) in context.activations:
            return tree.Derivative(
                _call(node.of, node.by), node.by, node.straight, node.inline, span=node.span
            )
    if isinstance(node, tree.Product):
        return _in_product(node, table, context)
    head = _function(node, context)
    if head is not None:
        return _call(node, table[head.name]) if head.name in table else node
    return tree.rebuild(node, lambda part: _applied(part, table, context))


def _call(head: Node, argument: Node) -> Node:
    return tree.Product((head, tree.Bracket(argument)), ("",), span=head.span)


def _in_product(node: tree.Product, table: dict[str, Node], context: Context) -> Node:
    """In `σ (1 − σ)` the bracket is a factor, in `σ(z) (1 − σ(z))` the first one is an argument."""
    factors: list[Node] = []
    signs: list[str] = []
    for at, factor in enumerate(node.factors):
        signs += [node.signs[at - 1]] if at else []
        head = _function(factor, context)
        factors.append(_applied(factor, table, context) if head is None else factor)
        if head is not None and head.name in table and not _is_applied(node, at, context):
            factors.append(tree.Bracket(table[head.name]))
            signs.append("")
    return tree.Product(tuple(factors), tuple(signs), span=node.span)


def _is_applied(node: tree.Product, at: int, context: Context) -> bool:
    """Whether the argument of a function stands behind it."""
    behind = node.factors[at + 1] if at + 1 < len(node.factors) and node.signs[at] == "" else None
    return isinstance(behind, _CONTENT) and not _has_bare(behind, context)


def _has_bare(node: Node, context: Context) -> bool:
    """Whether a function stands somewhere without an argument."""
    if _function(node, context) is not None:
        return True
    if isinstance(node, tree.Product):
        return any(
            not _is_applied(node, at, context) if _function(factor, context) is not None
            else _has_bare(factor, context)
            for at, factor in enumerate(node.factors)
        )  # fmt: skip
    return any(_has_bare(child, context) for child in tree.children(node))
