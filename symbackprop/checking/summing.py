"""The summation convention, where a text announces it: `z_i = W_ij x_j` is summed over j."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from symbackprop.checking.context import INDICES
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node


def with_sums(node: Node, left: Node | None) -> Node:
    """A statement with each index summed that occurs more than once in a product, and not on the left."""
    if not isinstance(node, tree.Chain):
        return node
    first = node.members[0]
    kept = set(_letters(left if isinstance(first, hand.Omitted) and left is not None else first))
    members = tuple(_summed(member, kept) for member in node.members[1:])
    return tree.Chain((first, *members), node.relations, node.over, span=node.span)


def _letters(node: Node) -> list[str]:
    """The indices of entries in a formula, as often as they occur."""
    found: list[str] = []
    for part in tree.walk(node):
        if isinstance(part, tree.Index):
            places = (one for place in part.places for one in tree.walk(place))
            found += [one.name for one in places if isinstance(one, tree.Name) and one.name in INDICES]
    return found


def _summed(node: Node, kept: set[str]) -> Node:
    match node:
        case tree.Add(terms):
            return tree.Add(tuple(_summed(term, kept) for term in terms), span=node.span)
        case tree.Neg(body):
            return tree.Neg(_summed(body, kept), span=node.span)
        case tree.Box(body):
            return tree.Box(_summed(body, kept), span=node.span)
        case tree.Sum():
            return node
    made = node
    for letter, count in Counter(_letters(node)).items():
        if count > 1 and letter not in kept:
            made = tree.Sum(letter, tree.Number(Fraction(1), "1"), None, made, span=node.span)
    return made
