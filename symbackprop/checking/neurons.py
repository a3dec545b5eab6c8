"""`h_1` and `o_2` as one hidden and one output neuron, where the exercise calls these layers otherwise.

They may as well be what the first or the second layer makes: a text is read so from the first line on that
holds so.
"""

from __future__ import annotations

import re
from fractions import Fraction

from symbackprop.checking.context import Context
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

LAYERS = {"h": 0, "o": -1, "delta": 0}
"""The letters of a network with one hidden layer; δ_1 beside δ_o is of a hidden neuron."""

_NAME = re.compile(r"(h|o|delta)(\d{1,2})")


def uses_units(context: Context, node: Node) -> bool:
    """Whether such names stand in a statement."""
    return len(context.ladder) == 2 and any(_unit(context, part) is not None for part in tree.walk(node))


def as_units(context: Context, node: Node) -> Node:
    """A statement with the entries that these names are."""
    found = _unit(context, node)
    if found is not None:
        return found
    return tree.rebuild(node, lambda part: as_units(context, part))


def _unit(context: Context, node: Node) -> Node | None:
    match node:
        case tree.Name(name) if (found := _NAME.fullmatch(name)) is not None:
            letter, number = found[1], tree.Number(Fraction(int(found[2])), found[2])
        case tree.Index(tree.Name(letter), (tree.Number(_, digits) as number,)) if digits.isdigit():
            pass
        case _:
            return None
    shapes = context.exercise.shapes
    if letter not in LAYERS:
        return None
    layer = context.ladder[LAYERS[letter]]
    if letter == "delta":
        quantity = tree.Gradient(tree.Index(tree.Name(layer.affine), (number,)), span=node.span)
        return quantity if context.worded else None
    if letter in shapes or letter in context.callable or f"{letter}{number.text}" in shapes:
        return None
    return tree.Index(tree.Name(layer.output), (number,), span=node.span)
