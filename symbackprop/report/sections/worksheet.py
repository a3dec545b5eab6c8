"""The student's sheet: everything that is asked, with boxes of the right size to fill in."""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop.notation import tree
from symbackprop.notation.tree import Node, equation
from symbackprop.report.document import AnswerBox, Block, Heading, Paragraph, Text
from symbackprop.report.view import View

ROOM = 3
"""Lines of room round a result, for the working."""


def worksheet(view: View) -> Iterator[Block]:
    """Forward, then each gradient: formula and numbers, blank."""
    yield Heading(text=Text("worksheet.forward"), label="forward")
    yield Paragraph(sentences=(Text("worksheet.forward_task"),))
    for step in view.derivation.forward:
        symbol: Node = view.loss_call() if step.target == view.loss else tree.Name(step.target)
        yield AnswerBox(label=equation(symbol, tree.Word("nothing")), lines=ROOM + _height(view, step.target))
    yield Heading(text=Text("worksheet.backward"), label="backward")
    yield Paragraph(sentences=(Text("worksheet.backward_task"),))
    for step in view.derivation.backward:
        if step.rule == "seed":
            continue
        name = "d" + step.target
        of, by = tree.Name(view.loss), tree.Name(step.target)
        label = equation(view.symbol(name), tree.Derivative(of, by, inline=True), tree.Word("nothing"))
        yield AnswerBox(label=label, lines=ROOM + _height(view, name))
    if view.derivation.descent is not None:
        from symbackprop.report.sections.descent import descent_worksheet  # only where there is one

        yield from descent_worksheet(view)


def _height(view: View, name: str) -> int:
    """Lines that the value takes: one for each row."""
    shape = view.shape(name)
    rows = shape[0] if shape and isinstance(shape[0], int) else 2
    return min(rows, 8)
