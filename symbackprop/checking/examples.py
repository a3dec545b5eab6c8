"""A batch gradient without the 1/m of the mean: a mistake, or a convention if 1/m stands later."""

from __future__ import annotations

from collections.abc import Mapping

from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.checking.claims import Claim
from symbackprop.checking.desk import Desk
from symbackprop.checking.examples_axis import examples_too_many
from symbackprop.checking.values import evaluator_in, scope_in
from symbackprop.notation import tree


def times_examples(desk: Desk, claim: Claim) -> dict[str, int]:
    """The gradient that a wrong statement makes m times too large, m the length of an axis of it."""
    if claim.anchor is None or claim.right is None:
        return {}
    node = tree.undressed(claim.anchor.node)
    of = (
        node.of if isinstance(node, tree.Gradient) else node.by if isinstance(node, tree.Derivative) else None
    )
    if not isinstance(of, tree.Name) or of.name not in desk.exercise.shapes:
        return {}
    world = desk.worlds.own[0]
    try:
        wrong = evaluator_in(world, desk.reader).value(claim.right.node, scope_in(world, {}))
        return examples_too_many(world, of.name, wrong)
    except (ArithmeticError, EvaluationError):
        return {}


def alike(desk: Desk, scaled: Mapping[str, int]) -> dict[str, int]:
    """These gradients, and those of every computed name with the same axis of examples: who writes dZ₂
    without 1/m means dZ₁ = W₂ᵀ dZ₂ ⊙ g′(Z₁) without it too."""
    found = dict(scaled)
    exercise, world = desk.exercise, desk.worlds.own[0]
    for name, examples in scaled.items():
        axis = world.value(name).shape.index(examples)
        size = exercise.shapes[name][axis]
        for other in exercise.computed:
            theirs = exercise.shapes[other]
            if other != exercise.loss and axis < len(theirs) and theirs[axis] == size:
                found[other] = examples
    return found
