"""Which names go through a function with a kink at 0: their units are active or not."""

from __future__ import annotations

from symbackprop.derivation.model import Model
from symbackprop.notation import tree


def gated_names(model: Model) -> frozenset[str]:
    """The computed names to which ReLU or the like is applied entry by entry."""
    found = set()
    computed = set(model.exercise.computed)
    for equation in model.exercise.equations:
        for call in model.calls(equation.body):
            row = model.row(call.function)
            bounds = set() if row is None else {piece.bound for piece in row.pieces if piece.bound}
            argument = call.args[0] if call.args else None
            if bounds == {"0"} and isinstance(argument, tree.Name) and argument.name in computed:
                found.add(argument.name)
    return frozenset(found)
