"""What the functions of a model are, where no equation of the paper says it: `clip(u) = { 2 if u ≥ 2 …`.

A report derives them in a section of its own; on a paper it is part of the question.
"""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop.algebra.functions import ATOMS
from symbackprop.derivation.slope_cases import holds_for
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, equation
from symbackprop.report.sections.given import statement
from symbackprop.report.view import View

_KNOWN = ATOMS | {"abs", "max", "min", "sum", "mean", "square", "tanh", "identity", "softmax"}
"""What everybody knows by its name or sign."""


def model_equations(view: View) -> list[Node]:
    """The equations of a model, and what the functions in them are that these leave unsaid."""
    stated = [node for step in view.derivation.forward for node in statement(view, step.target)]
    return [*stated, *_unsaid(view, stated)]


def _unsaid(view: View, stated: list[Node]) -> Iterator[Node]:
    """One equation for each function that is called, and defined by none of the equations."""
    said = {
        one.members[0].function
        for one in stated
        if isinstance(one, tree.Chain) and isinstance(one.members[0], tree.Call) and len(one.members) > 1
    }
    said |= {name for name, letter in view.letters.items() if letter in said and _is_short(view, name)}
    calls: dict[tuple[str, tuple[tuple[str, Node], ...]], tree.Call] = {}
    for node in (*(step.formula for step in view.derivation.forward), *view.loss_formula()):
        for call in view.facts.model.calls(node):
            calls.setdefault((call.function, call.options), call)
    for call in calls.values():
        row = view.row(call.function)
        if row.kind == "loss" or not row.pieces or call.function in _KNOWN | said:
            continue
        bare = tree.Call(call.function, tuple(map(tree.Name, row.arguments)), call.options)
        yield equation(bare, view.page(_formula(view, bare)))


def _is_short(view: View, function: str) -> bool:
    """Whether the equation that gives a function its letter also says what it is."""
    bare = tree.Call(function, tuple(map(tree.Name, view.row(function).arguments)))
    return view.facts.compact(bare) is not None


def _formula(view: View, call: tree.Call) -> Node:
    """A function in one formula, or by cases."""
    row = view.row(call.function)
    short = view.facts.compact(call)
    if short is not None:
        return short
    decides = view.facts.put_in(call, row.on or row.arguments[0])
    rows: list[tuple[Node, Node]] = []
    above: Node | None = None
    for piece in row.pieces:
        bound = None if piece.bound is None else view.facts.put_in(call, piece.bound)
        rows.append((view.facts.put_in(call, piece.formula), holds_for(decides, bound, above)))
        above = bound
    return tree.Cases(tuple(rows))
