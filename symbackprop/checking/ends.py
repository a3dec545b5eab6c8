"""Letters at the upper end of a sum: in `1/m Σ_{i=1}^m y_i` the m is how many entries y has."""

from __future__ import annotations

from dataclasses import replace

from symbackprop.checking.context import Context
from symbackprop.checking.lettered import spread_places
from symbackprop.checking.rows import row_axis
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node, Number


def with_ends(context: Context, node: Node) -> Context:
    """The context that knows the letters at the ends of a statement's sums, as far as nobody else does."""
    found = dict(context.ends)
    for part in tree.walk(node):
        if not isinstance(part, tree.Sum) or not isinstance(part.high, tree.Name):
            continue
        letter = part.high.name
        free = context.variable(letter) is None and not context.size_known(letter)
        axis = _axis(context, part.index, part.body) if free and _is_one(part.low) else None
        if axis is None:
            continue
        if found.setdefault(letter, axis) is not None and _length(context, found[letter]) != _length(
            context, axis
        ):
            found[letter] = None  # it stands for two lengths
    return replace(context, ends=found) if found != context.ends else context


def _is_one(node: Node) -> bool:
    return isinstance(node, Number) and node.value == 1


def _axis(context: Context, index: str, body: Node) -> tuple[str, int] | None:
    """A name of the exercise, and its axis along which an index runs."""
    for part in tree.walk(body):
        if (
            isinstance(part, hand.Marked)
            and part.mark == tree.Name(index)
            and isinstance(part.body, tree.Name)
        ):
            of = context.variable(part.body.name)
            if of is not None and context.shape(of):
                return of, row_axis(context, of) if len(context.shape(of) or ()) == 2 else 0
        base = part.base if isinstance(part, tree.Index) else None
        base = base.of if isinstance(base, tree.Gradient) else base
        name = context.variable(base.name) if isinstance(base, tree.Name) else None
        if not isinstance(part, tree.Index) or name is None:
            continue
        places = spread_places(part.places)
        rank = len(context.shape(name) or ())
        if len(places) == rank and tree.Name(index) in places:
            return name, places.index(tree.Name(index))
        if rank == 2 and places == (tree.Name(index),):
            return name, row_axis(context, name)
    return None


def _length(context: Context, axis: tuple[str, int] | None) -> object:
    return None if axis is None else (context.shape(axis[0]) or ())[axis[1]]
