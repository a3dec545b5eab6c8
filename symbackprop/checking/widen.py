"""The same model with a name for every size, so that nothing fits by accident: one neuron becomes k."""

from __future__ import annotations

from dataclasses import replace

from symbackprop.derivation.general import with_named_sizes
from symbackprop.derivation.model import Model
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.tree import Node


def widened(exercise: Exercise) -> Exercise | None:
    """The exercise with named sizes; None where the model needs those it has.

    A loss written for one neuron, ½(ŷ − y)², is taken entry by entry and added up.
    """
    if all(isinstance(size, str) for shape in exercise.shapes.values() for size in shape):
        return None  # its sizes are names already
    for made in (exercise, _summed(exercise)):
        found = with_named_sizes(Model.of(made))
        if found is not None:
            return found.exercise
    return None


def _summed(exercise: Exercise) -> Exercise:
    *before, loss = exercise.equations
    body = tree.Call("sum", (_entrywise(loss.body),))
    # the shapes of the names come out of the equations anew
    return replace(exercise, equations=(*before, replace(loss, body=body)))


def _entrywise(node: Node) -> Node:
    """`u^2` as `square(u)`, which acts on every entry."""
    made = tree.rebuild(node, _entrywise)
    match made:
        case tree.Power(base, tree.Number(value)) if value == 2 and not isinstance(base, tree.Norm):
            return tree.Call("square", (base,))
    return made
