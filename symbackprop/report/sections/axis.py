"""Softmax and its kin: the formula of one entry, and the Jacobian in indices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from symbackprop.algebra import axes
from symbackprop.algebra import indexform as ix
from symbackprop.algebra.collapsing import factored
from symbackprop.algebra.indexform import Expr
from symbackprop.algebra.spell import spelled
from symbackprop.derivation.steps import Step
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, equation
from symbackprop.report.document import Block, Equation, Heading, Line, Paragraph, Text
from symbackprop.report.view import View


def axis_functions(view: View, *, reasons: bool = True) -> Iterator[Block]:
    """One unit for each function of a whole axis that an equation applies."""
    met: dict[str, Step] = {}
    for step in view.derivation.forward:
        body = tree.undressed(step.formula)
        reached = any(
            made.through == step.target for one in view.derivation.backward for made in one.substeps
        )
        if isinstance(body, tree.Call) and body.function in axes.TABLE and reached:
            met.setdefault(body.function, step)
    if not met:
        return
    yield Heading(text=Text("axis.title"), label="axis")
    for step in met.values():
        yield from _unit(view, step, reasons)


def _unit(view: View, step: Step, reasons: bool) -> Iterator[Block]:
    body = tree.undressed(step.formula)
    assert isinstance(body, tree.Call)
    row = axes.TABLE[body.function]
    jacobian = axes.jacobian(body.function)
    rows = len(view.shape(step.target)) == 2
    if reasons:
        key = "axis.rows" if rows else "axis.formula"
        yield Paragraph(sentences=(Text(key, {"function": _entry(view, step, "j")}),))
    over = body.args[0] if isinstance(body.args[0], tree.Name) else tree.Name("u")
    spell = _Spelling(view, over, step.target, body.function)
    formula = spell.node(axes.entry_of(row.name))
    yield Equation(lines=(Line(formula=equation(_entry(view, step, "j"), formula)),))
    if reasons:
        yield Paragraph(sentences=(Text("axis.jacobian"),))
    derivative = tree.Derivative(_entry(view, step, "j"), tree.Index(over, (tree.Name("m"),)))
    members = [derivative, spell.node(jacobian.derived), spell.node(jacobian.folded, shortest=True)]
    yield Equation(lines=(Line(formula=tree.Box(equation(*members))),))


def _entry(view: View, step: Step, place: str) -> Node:
    return tree.Index(tree.Name(step.target), (tree.Name(place),))


@dataclass(frozen=True, slots=True)
class _Spelling:
    """A row's formula over the vector of the exercise, its own entries by the name of its equation."""

    view: View
    over: Node
    name: str
    function: str

    def node(self, expr: Expr, *, shortest: bool = False) -> Node:
        letters = {axes.PLACE: "j", axes.BY: "m"}
        named = self.named(expr)
        made = spelled(
            factored(named) if shortest else named, letters, avoid=self.view.derivation.exercise.shapes
        )
        return self.view.page(tree.replace_names(made, {axes.OVER: self.over}))

    def named(self, expr: Expr) -> Expr:
        size = self.view.shape(self.name)[-1]
        return tuple(
            replace(
                term, bound=tuple((index, size) for index, _ in term.bound),
                factors=tuple(map(self.factor, term.factors)),
            )
            for term in expr
        )  # fmt: skip

    def factor(self, factor: ix.Factor) -> ix.Factor:
        match factor:
            case ix.Along(function, _, _, _, place) if function == self.function:
                return ix.Entry(self.name, (place,))
            case ix.Group(inner):
                return ix.Group(self.named(inner))
            case ix.Power(base, exponent):
                return ix.Power(self.named(base), exponent)
            case ix.Apply(name, args, order, options):
                return ix.Apply(name, tuple(map(self.named, args)), order, options)
        return factor
