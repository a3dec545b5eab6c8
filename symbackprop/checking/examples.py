"""A batch gradient without the 1/m of the mean: a mistake, or a convention if 1/m stands later."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.checking.claims import Claim
from symbackprop.checking.compare import assignments, side
from symbackprop.checking.desk import Desk
from symbackprop.checking.examples_axis import examples_too_many, has_mean
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
    if isinstance(of, tree.Index) and isinstance(of.base, tree.Name):
        return _entry_times(desk, claim, of.base.name)
    if not isinstance(of, tree.Name) or of.name not in desk.exercise.shapes:
        return {}
    world = desk.worlds.own[0]
    try:
        wrong = evaluator_in(world, desk.reader).value(claim.right.node, scope_in(world, {}))
        return examples_too_many(world, of.name, wrong)
    except (ArithmeticError, EvaluationError):
        return {}


def _entry_times(desk: Desk, claim: Claim, name: str) -> dict[str, int]:
    """The same of a line about any example: `dz^{(i)} = p^{(i)} − y^{(i)}`."""
    world = desk.worlds.own[0]
    if claim.anchor is None or claim.right is None or name not in desk.exercise.shapes:
        return {}
    left, right = claim.anchor.variants[0], claim.right.variants[0]
    working = evaluator_in(world, desk.reader)
    try:
        pairs = [
            (entry, other) for indices in assignments(working, left, right)
            for entry, other in zip(
                side(working, left, indices).array.entries, side(working, right, indices).array.entries,
                strict=True,
            )
        ]  # fmt: skip
    except (ArithmeticError, EvaluationError, ValueError):
        return {}
    domain = world.domain
    for examples in world.value(name).shape:
        times = domain.from_fraction(Fraction(examples))
        if (
            examples > 1
            and has_mean(desk.exercise, examples)
            and all(domain.is_zero(domain.sub(b, domain.mul(times, a))) for a, b in pairs)
        ):
            return {name: examples}
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
