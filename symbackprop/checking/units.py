"""Unit vectors in a sum: `p - e_2` of three classes is `p - (0, 1, 0)`."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from symbackprop.checking.context import Context
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.checking.resolve import Resolver


def with_units(self: Resolver, node: tree.Add) -> tree.Add:
    """A sum with its unit vectors written out, where e is no name and the sum has one size."""
    if self.context.knows("e") or not any(_number(term) for term in node.terms):
        return node
    lengths = {length for term in node.terms for length in _lengths(self.context, term)}
    if len(lengths) != 1:
        return node
    (length,) = lengths
    return tree.Add(tuple(_written(term, length) for term in node.terms), span=node.span)


def _number(term: Node) -> int | None:
    match term:
        case tree.Neg(body):
            return _number(body)
        case tree.Index(tree.Name("e"), (tree.Number(value),)) if value.denominator == 1:
            return int(value)
    return None


def _lengths(context: Context, term: Node) -> Iterator[int]:
    """The length of a term that is one vector of the exercise."""
    bare = tree.undressed(term)
    bare = bare.body if isinstance(bare, tree.Neg) else bare
    name = context.variable(bare.name) if isinstance(bare, tree.Name) else None
    shape = () if name is None else context.shape(name) or ()
    yield from (size for size in shape if len(shape) == 1 and isinstance(size, int))


def _written(term: Node, length: int) -> Node:
    at = _number(term)
    if at is None or not 1 <= at <= length:
        return term
    numbers = [int(place == at) for place in range(1, length + 1)]
    entries = tuple(tree.Number(Fraction(number), str(number)) for number in numbers)
    vector = hand.Tuple(entries, span=term.span)
    return tree.Neg(vector, span=term.span) if isinstance(term, tree.Neg) else vector
