"""What a matrix is in a product: weights, or examples of which each row is one."""

from __future__ import annotations

from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.tree import Node


def holds_examples(exercise: Exercise, matrix: str, beside: str) -> bool:
    """Whether a matrix is data and what it multiplies a parameter: X and not w, in `X w`.

    The gradient of a parameter is wanted and that of data is not; where a gradient is wanted of the
    inputs alone, as for an adversarial example, a matrix called W is one of weights all the same.
    """
    if matrix not in exercise.given or beside not in exercise.given:
        return False
    data = matrix not in exercise.wanted and len(exercise.shapes.get(matrix, ())) == 2
    return data and beside in exercise.wanted and matrix[:1] not in "wW"


def examples_in(exercise: Exercise, body: Node) -> str | None:
    """The matrix of examples in an equation's right side, if it has one."""
    names = [name for name in tree.names_in(body) if name in exercise.shapes]
    return next((m for m in names if any(holds_examples(exercise, m, other) for other in names)), None)
