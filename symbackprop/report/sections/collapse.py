"""Where two gradients cancel: what arrives is put in, fractions go, a fact is used, and p − t is left."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from symbackprop.algebra.indexform import Expr
from symbackprop.algebra.spell import size_node, spelled
from symbackprop.derivation.steps import Step
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, equation
from symbackprop.report.document import Text
from symbackprop.report.sections.loss import in_example
from symbackprop.report.view import View

Numbers = tuple[list[Node], tuple[tree.Relation, ...]]


def collapsed_lines(view: View, step: Step, entry_chain: Node, numbers: Numbers | None) -> list[Node]:
    """The chain rule, then the formula of what arrives put in and cancelled, the short form in its box."""
    found = step.collapse
    assert found is not None
    (made,) = step.substeps
    symbol = view.symbol("d" + step.target)
    by = tree.Gradient(view.entry_name(step.target, made.free))
    forms = [_spelled(view, expr) for expr in (found.put, found.cancelled, found.final)]
    members = list(dict.fromkeys(forms))
    box = tree.Box(equation(symbol, view.formula("d" + step.target)))
    lines = [entry_chain] if step.rule != "loss" else []
    lines.append(tree.Row((equation(by, *members), box), "implies"))
    if numbers is None:
        return lines
    return [*lines, in_example(symbol, numbers)]


def _spelled(view: View, expr: Expr) -> Node:
    made = spelled(expr, {}, avoid=view.derivation.exercise.shapes)
    return view.page(view.unindexed(made))


def collapse_reasons(view: View, step: Step) -> Iterator[Text]:
    """What is put in, and the fact that is used."""
    found = step.collapse
    if found is None:
        return
    if step.rule != "loss":
        above = view.symbol("d" + found.through)
        formula = view.formula("d" + found.through)
        parts = {"through": tree.Name(found.through), "statement": equation(above, formula)}
        yield Text("reason.put_in", parts)
    for fact in found.facts:
        yield Text("reason.fact", {"fact": _fact(view, fact.name, fact.summed, fact.value)})


def _fact(view: View, name: str, summed: tuple[int, ...], value: Fraction) -> Node:
    """`Σ_i t_i = 1`, `Σ_i t_ji = 1`."""
    shape = view.shape(name)
    letters = ["i" if axis in summed else "j" for axis in range(len(shape))]
    if len(summed) > 1:
        letters = ["j", "i"]
    body: Node = tree.Index(tree.Name(name), tuple(tree.Name(letter) for letter in letters))
    for axis in reversed(summed):
        body = tree.Sum(letters[axis], tree.number(1), size_node(shape[axis]), body)
    return equation(body, tree.number(value))
