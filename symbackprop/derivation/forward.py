"""The steps from the inputs to the loss: the equations as they are written."""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop.derivation.links import forward_links
from symbackprop.derivation.model import Model
from symbackprop.derivation.steps import Step
from symbackprop.notation import tree


def forward_steps(model: Model) -> Iterator[Step]:
    """The steps from the inputs to the loss: the equations as they are written. Needs no SymPy."""
    for one in model.exercise.equations:
        uses = tuple(name for name in tree.names_in(one.body) if name in model.exercise.shapes)
        yield Step(
            rule="forward",
            target=one.name,
            gradient=False,
            shape=model.exercise.shapes[one.name],
            formula=one.body,
            uses=uses,
            links=forward_links(one),
        )
