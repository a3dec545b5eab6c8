"""The loss and its derivative by what enters it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.collapsing import collapsed
from symbackprop.algebra.differentiate import by_entry, power_derivative
from symbackprop.algebra.spell import spelled
from symbackprop.derivation.steps import Contribution, Step
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, equation, times
from symbackprop.report.document import Block, Equation, Heading, Line, Paragraph, Text
from symbackprop.report.sections.remarks import remarks
from symbackprop.report.view import EXAMPLE, View, chain


def loss(view: View, *, reasons: bool = True) -> Iterator[Block]:
    """The steps whose only link is the loss itself."""
    steps = [step for step in view.derivation.backward if step.rule == "loss"]
    if not steps:
        return
    yield Heading(text=Text("loss.title"), label="loss")
    for step in steps:
        if reasons:
            yield Paragraph(sentences=tuple(_reasons(view, step)))
        formulas = lines(view, step)
        margin = view.membership("d" + step.target) if reasons else None
        yield together(formulas, margin)
        if reasons:
            yield from _meaning(view, step)
            yield from remarks(view, step)


def together(formulas: Sequence[Node], margin: Node | None) -> Equation:
    """A formula and its numbers as one display, which no page breaks; the shape beside the last."""
    *first, last = formulas
    return Equation(lines=(*(Line(formula=formula) for formula in first), Line(formula=last, margin=margin)))


def _reasons(view: View, step: Step) -> Iterator[Text]:
    names = tree.names_in(view.derivation.step(view.loss).formula)
    data = [
        n for n in names if n in view.derivation.exercise.given and n not in view.derivation.exercise.wanted
    ]
    target = tree.Name(step.target)
    if not view.lone(step.target) and not _bound(step):
        entry = tree.Index(target, tuple(tree.Name(place) for place in step.substeps[0].free))
        yield Text("loss.one_term", {"entry": view.unindexed(entry)})
    if data:
        fixed = tuple(tree.Name(name) for name in data)
        yield Text("loss.by", {"name": target, "fixed": fixed, "count": len(fixed)})
    else:
        yield Text("loss.by_alone", {"name": target})


def _bound(step: Step) -> bool:
    return any(term.bound for term in step.substeps[0].entry)


def lines(view: View, step: Step) -> list[Node]:
    """The chain of one gradient: `dŷ = ∂L/∂ŷ = ½ · 2(ŷ − y) · ∂(ŷ − y)/∂ŷ = ŷ − y`, then numbers."""
    made = step.substeps[0]
    gradient = view.symbol("d" + step.target)
    of, by = tree.Name(view.loss), tree.Name(step.target)
    formula = view.page(step.formula)
    numbers = number_members(view, step)
    if view.lone(step.target):
        middle = _power_rule(view, made)
        members = [gradient, tree.Derivative(of, by), *([middle] if middle else []), formula]
        return [_boxed(equation(*members), numbers)]
    places = tuple(tree.Name(letter) for letter in made.free)
    entry_by = view.unindexed(tree.Index(by, places))
    middle = _power_rule(view, made)
    entry = view.page(view.unindexed(spelled(made.entry, {}, avoid=view.derivation.exercise.shapes)))
    members = [tree.Gradient(entry_by), tree.Derivative(of, entry_by), *([middle] if middle else []), entry]
    first = tree.Row((equation(*members), tree.Box(equation(gradient, formula))), "implies")
    if not numbers:
        return [first]
    return [first, in_example(gradient, numbers)]


def in_example(symbol: Node, numbers: tuple[list[Node], tuple[tree.Relation, ...]]) -> Node:
    """`dz = (…) ⊙ (…) = (…)`, "in the example" over the first sign."""
    members, relations = numbers
    return chain(symbol, *members, relations=relations, over=(EXAMPLE, *((None,) * (len(relations) - 1))))


def _boxed(general: tree.Chain, numbers: tuple[list[Node], tuple[tree.Relation, ...]] | None) -> Node:
    """The general chain in its box and, outside it, the example's numbers."""
    box = tree.Box(general)
    if numbers is None:
        return box
    members, relations = numbers
    over = (EXAMPLE,) + (None,) * (len(relations) - 1)
    return chain(box, *members, relations=relations, over=over)


def number_members(view: View, step: Step) -> tuple[list[Node], tuple[tree.Relation, ...]] | None:
    """The formula with numbers in and its value, with the relation before each."""
    value = view.value("d" + step.target)
    if value is None:
        return None
    if tree.undressed(view.page(step.formula)) == tree.undressed(value):
        return None  # the formula is the value: it has been said
    put_in = view.page(view.with_numbers(step.formula))
    if any(isinstance(p, tree.Quotient) and _has_matrix(p) for p in tree.walk(put_in)):
        put_in = value  # a fraction of columns says nothing
    if view.too_wide(put_in):
        put_in = value
    used = view.used(step.formula)
    first = view.relation(*used) if used else "="
    members = [put_in, value]
    if tree.undressed(put_in) == tree.undressed(value):
        return [value], (view.relation("d" + step.target),)
    last: tree.Relation = "≈" if first == "≈" or not view.exact("d" + step.target) else "="
    return members, (first, last)


def _has_matrix(node: Node) -> bool:
    return any(isinstance(part, tree.Matrix) for part in tree.walk(node))


def _power_rule(view: View, made: Contribution) -> Node | None:
    """`½ · 2(ŷ − y) · ∂(ŷ − y)/∂ŷ`, each factor where it came from; None for another form."""
    expr = view.facts.tensor(made.through).expr
    if len(expr) != 1:
        return None
    (term,) = expr
    powers = [
        f
        for f in term.factors
        if isinstance(f, ix.Power) and any(e.name == made.target for e in ix.entries(f))
    ]
    others = [f for f in term.factors if f not in powers]
    if len(powers) != 1 or any(e.name == made.target for f in others for e in ix.entries(f)):
        return None
    exponent = ix.number_of(powers[0].exponent)
    if exponent is None or exponent.denominator != 1 or exponent < 2:
        return None
    return _three_factors(view, made, term, powers[0], exponent, others)


def _three_factors(
    view: View,
    made: Contribution,
    term: ix.Term,
    power: ix.Power,
    exponent: Fraction,
    others: list[ix.Factor],
) -> Node | None:
    axes = list(dict.fromkeys(e.places for e in ix.entries(power.base) if e.name == made.target))
    if len(axes) != 1:
        return None
    table: dict[str, ix.Place] = dict(zip((str(p) for p in axes[0]), made.free, strict=False))
    renamed = ix.renamed(power.base, table)
    base = view.unindexed(spelled(renamed, {}))
    by = view.unindexed(tree.Index(tree.Name(made.target), tuple(tree.Name(p) for p in made.free)))
    if not made.free:
        by = tree.Name(made.target)
    inner = ix.number_of(collapsed(by_entry(renamed, ix.Entry(made.target, made.free))))
    if inner is None:
        return None
    lead = ix.Term(term.coefficient, tuple(others))
    parts: list[Node] = []
    if term.coefficient != 1 or others:
        parts.append(spelled((lead,), {}))
    single = isinstance(base, tree.Name | tree.Index)
    parts.append(power_derivative(base if single else tree.Bracket(base), int(exponent)))
    if base != by:
        over = base if single else tree.Bracket(base)
        parts.append(tree.Brace(tree.Derivative(over, by), tree.number(inner)))
    return times(*parts)


def _meaning(view: View, step: Step) -> Iterator[Block]:
    """One line of meaning, where it is free: what the sign of dŷ says."""
    numbers = view.numbers("d" + step.target)
    if numbers is None or not view.lone(step.target) or numbers.entries[0] is None:
        return
    sign = view.facts.sign(numbers.item)
    parts = {
        "gradient": view.symbol("d" + step.target),
        "name": tree.Name(step.target),
        "loss": tree.Name(view.loss),
    }
    if sign:
        yield Paragraph(sentences=(Text("loss.falls_up" if sign < 0 else "loss.falls_down", parts),))
    elif sign == 0:
        yield Paragraph(sentences=(Text("loss.stands", parts),))
