"""Which names go through a function with kinks, and where those are."""

from __future__ import annotations

from fractions import Fraction

from symbackprop.derivation.model import Model
from symbackprop.exercise.sections import bound_of
from symbackprop.notation import tree


def kinks(model: Model) -> dict[str, tuple[Fraction, ...]]:
    """The computed names to which a function with pieces is applied entry by entry, and the numbers where one
    piece ends. A bound that is no number, as a name that the model has, is not among them."""
    found: dict[str, dict[Fraction, None]] = {}
    computed = set(model.exercise.computed)
    for equation in model.exercise.equations:
        for call in model.calls(equation.body):
            row = model.row(call.function)
            if row is None or row.on not in row.arguments:
                continue
            argument = call.args[row.arguments.index(row.on)]
            if not isinstance(argument, tree.Name) or argument.name not in computed:
                continue
            for piece in row.pieces:
                bound = bound_of(piece.bound) if piece.bound else None
                if bound is not None:
                    found.setdefault(argument.name, {})[bound] = None
    return {name: tuple(bounds) for name, bounds in found.items()}


def gated_names(model: Model) -> frozenset[str]:
    """The computed names to which ReLU or the like is applied entry by entry: the only kink is at 0, and
    their units are active or not."""
    return frozenset(name for name, bounds in kinks(model).items() if not any(bounds))
