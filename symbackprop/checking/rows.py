"""One example of a batch, or one neuron of a matrix of weights: `x^{(i)}`, `w_j`, `P_i` as a vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symbackprop.checking.context import INDICES, Context
from symbackprop.checking.counted import STEP, counts_steps
from symbackprop.checking.examples_axis import examples_are_rows
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.checking.resolve import Resolver


def row(context: Context, name: str, place: Node) -> tuple[Node, ...] | None:
    """The places of what one index takes of a vector or a matrix; None of anything else."""
    rank = len(context.shape(name) or ())
    if rank == 1:
        return (place,)
    if rank != 2:
        return None
    return (place, tree.Slice()) if row_axis(context, name) == 0 else (tree.Slice(), place)


def upright(context: Context, node: Node) -> Node:
    """A row of a matrix as the vector that people mean by `x^{(i)}` and `w_j`, whose products they write."""
    return tree.Transpose(node, span=node.span) if is_row(node) and not context.lying else node


def is_row(node: Node) -> bool:
    """Whether a node is a row of a matrix, or its gradient: `W[j, :]`."""
    index = node.of if isinstance(node, tree.Gradient) else node
    return isinstance(index, tree.Index) and len(index.places) == 2 and index.places[1] == tree.Slice()


def lying(node: Node) -> Node:
    """The row itself that `upright` stood up; anything else as it is."""
    return node.body if isinstance(node, tree.Transpose) and is_row(node.body) else node


def row_axis(context: Context, name: str) -> int:
    """The axis along which the examples lie, or of a matrix of weights its neurons."""
    sides = [found for one in context.exercise.equations for found in _sides(context, one.body)]
    own = [axis for weight, axis, _ in sides if weight == name]
    if own:
        return own[0]
    if not examples_are_rows(context.exercise):
        return 1
    return next((axis for _, _, axis in sides if axis is not None), 0)


def _sides(context: Context, node: Node) -> list[tuple[str, int, int | None]]:
    """Of each product with weights: their name, the axis of the neurons, that of the other's examples."""
    found: list[tuple[str, int, int | None]] = []
    for part in tree.walk(node):
        if not isinstance(part, tree.Product) or len(part.factors) != 2:
            continue
        left, right = part.factors
        for weight, other, first in ((left, right, True), (right, left, False)):
            turned = isinstance(weight, tree.Transpose)
            bare = weight.body if isinstance(weight, tree.Transpose) else weight
            if isinstance(bare, tree.Name) and _is_weight(context, bare.name):
                across = isinstance(other, tree.Name) and len(context.shape(other.name) or ()) == 2
                found.append((bare.name, int(turned == first), int(first) if across else None))
                break
    return found


def _is_weight(context: Context, name: str) -> bool:
    exercise = context.exercise
    return name in exercise.given and len(exercise.shapes[name]) == 2 and name[0] not in "xX"


def example(self: Resolver, node: hand.Marked) -> Node | None:
    """`x^{(i)}`, `a^{[2](i)}`: the example i, or the neuron of weights; None where the mark says no index."""
    if node.kind != "(" or not isinstance(node.mark, tree.Name) or node.mark.name not in INDICES:
        return None
    if node.mark.name == "l" or (node.mark.name == STEP and counts_steps(self.context)):
        return None  # the layer's, or the step's
    name = _marked_name(self, node.body)
    places = None if name is None else row(self.context, name, node.mark)
    if name is None or places is None:
        return None
    if node.mark.name not in self.bound:
        self.free.setdefault(node.mark.name)
    made: Node = tree.Index(tree.Name(name), places, span=node.span)
    whole = tree.Gradient(made, span=node.span) if _is_delta(self, node.body) else made
    return upright(self.context, whole)


def _is_delta(self: Resolver, body: Node) -> bool:
    core = body.body if isinstance(body, hand.Marked) else body
    return core == tree.Name("delta") and not self.context.knows("delta")


def _marked_name(self: Resolver, body: Node) -> str | None:
    """The name under the mark of an example, which may have a layer's mark of its own."""
    if isinstance(body, tree.Name) and not _is_delta(self, body):
        return self.context.variable(body.name)
    if not isinstance(body, tree.Name | hand.Marked):
        return None
    found = self.at(body)
    found = found.of if isinstance(found, tree.Gradient) else found
    return found.name if isinstance(found, tree.Name) else None
