"""The backward pass: one unit for each gradient, with its chain, its reason and its numbers."""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop.algebra.spell import spelled
from symbackprop.derivation.steps import Contribution, Step
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, equation, times
from symbackprop.report.document import Block, Heading, Paragraph, Text
from symbackprop.report.sections.collapse import collapse_reasons, collapsed_lines
from symbackprop.report.sections.deep import recursion
from symbackprop.report.sections.indexed import chain_rule, gradient_lines, is_indexed
from symbackprop.report.sections.indexed import reasons as indexed_reasons
from symbackprop.report.sections.loss import in_example, number_members, together
from symbackprop.report.sections.remarks import remarks
from symbackprop.report.view import EXAMPLE, View, chain


def backward(view: View, *, reasons: bool = True, short: bool = False) -> Iterator[Block]:
    """Every gradient below the loss's own, in the order in which they can be worked out.

    In a `short` one of a deep net, layers that only repeat the step before stand in the table alone.
    """
    hidden = view.ladder.hidden if short and view.ladder is not None else frozenset()
    steps = [
        step for step in view.derivation.backward
        if step.rule not in {"loss", "seed"} and step.target not in hidden
    ]  # fmt: skip
    if not steps:
        return
    yield Heading(text=Text("backward.title"), label="backward")
    if reasons:
        yield Paragraph(sentences=tuple(_start(view)), keep_with_next=True)
    pair, remark = _order(view, steps)
    for step in steps:
        yield from unit(view, step, reasons)
        if reasons and step is pair:
            yield from remark
    if reasons:
        yield from recursion(view, short=short)


def _start(view: View) -> Iterator[Text]:
    first = next((step for step in view.derivation.backward if step.rule == "loss"), None)
    if first is None:
        return
    symbol = view.symbol("d" + first.target)
    value = view.value("d" + first.target)
    known: Node = symbol
    if value is not None and view.lone(first.target):
        known = tree.Chain((symbol, value), (view.relation("d" + first.target),), (None,))
    yield Text("backward.start", {"gradient": known})


def unit(view: View, step: Step, reasons: bool) -> Iterator[Block]:
    """One gradient: lead, reason, displays."""
    symbol = view.symbol("d" + step.target)
    if reasons:
        yield Paragraph(lead=symbol, sentences=tuple(reasons_of(view, step)), keep_with_next=True)
    margin = view.membership("d" + step.target) if reasons else None
    formulas = displays(view, step)
    yield together(formulas, margin)
    if reasons:
        yield from _zeros(view, step)
        yield from remarks(view, step)


def _order(view: View, steps: list[Step]) -> tuple[Step | None, list[Block]]:
    """With one neuron dz is a number: `dz xᵀ = xᵀ dz`; said after the later of the two."""
    pairs = [step for step in steps if _two_factors(step) and view.lone(step.substeps[0].through)]
    outer = [step for step in pairs if isinstance(_factor(step, 0), tree.Gradient)]
    inner = [step for step in pairs if isinstance(_factor(step, 1), tree.Gradient)]
    if not outer or not inner or outer[0].formula == inner[0].formula:
        return None, []
    gradient = next(f for f in tree.walk(outer[0].formula) if isinstance(f, tree.Gradient))
    first, second = (_swapped(view, one[0].formula) for one in (outer, inner))
    parts = {"gradient": gradient, "first": first, "second": second}
    later = max(outer[0], inner[0], key=steps.index)
    return later, [Paragraph(sentences=(Text("backward.order", parts),))]


def _two_factors(step: Step) -> bool:
    made = step.formula
    product = isinstance(made, tree.Product) and made.signs == ("",) and len(_gradients(made)) == 1
    return product and len(step.substeps) == 1


def _factor(step: Step, place: int) -> Node | None:
    return step.formula.factors[place] if isinstance(step.formula, tree.Product) else None


def _gradients(node: Node) -> list[tree.Gradient]:
    """The gradients in a formula."""
    return [part for part in tree.walk(node) if isinstance(part, tree.Gradient)]


def _swapped(view: View, formula: Node) -> Node:
    assert isinstance(formula, tree.Product)
    return equation(formula, tree.juxtaposed(*reversed(formula.factors)))


# --- the chain ------------------------------------------------------------------------------


def displays(view: View, step: Step) -> list[Node]:
    """The chain of `step` in its box, and the numbers beside it or under it."""
    if is_indexed(step):
        return gradient_lines(view, step)
    symbol = view.symbol("d" + step.target)
    formula = view.formula("d" + step.target)
    numbers = number_members(view, step)
    if step.rule == "unreached":
        return [tree.Box(equation(symbol, formula))]
    if step.collapse is not None:
        return collapsed_lines(view, step, _entry_chain(view, step.substeps[0]), numbers)
    if len(step.substeps) == 1 and view.lone(step.substeps[0].through):
        general = equation(symbol, *_factors(view, step.substeps[0], symbol), formula)
        return [_with_numbers(tree.Box(general), numbers)]
    if len(step.substeps) == 1:
        entry = _entry_chain(view, step.substeps[0])
        first = tree.Row((entry, tree.Box(equation(symbol, formula))), "implies")
        return [first, *([in_example(symbol, numbers)] if numbers else [])]
    members = [_through(step.target, made.through) for made in step.substeps]
    parts = [view.page(made.matrix) for made in step.substeps if made.matrix is not None]
    braced = tuple(
        tree.Brace(tree.Bracket(part) if place and isinstance(part, tree.Neg) else part, label)
        for place, (part, label) in enumerate(zip(parts, members, strict=True))
    )
    general = equation(
        symbol, tree.Derivative(tree.Name(view.loss), tree.Name(step.target)), tree.Add(braced)
    )
    if tree.undressed(tree.plus(*parts)) != tree.undressed(formula):
        general = equation(*general.members, formula)
    return [tree.Box(general), *([in_example(symbol, numbers)] if numbers else [])]


def _through(target: str, through: str) -> Node:
    return tree.Chain((tree.Name(through), tree.Name(target)), ("→",), (None,))


def _with_numbers(box: Node, numbers: tuple[list[Node], tuple[tree.Relation, ...]] | None) -> Node:
    if numbers is None:
        return box
    members, relations = numbers
    over = (EXAMPLE,) + (None,) * (len(relations) - 1)
    return chain(box, *members, relations=relations, over=over)


def _factors(view: View, made: Contribution, symbol: Node) -> list[Node]:
    """`∂L/∂W`, then `∂L/∂z · ∂z/∂W` with a brace under each: in the order of the formula."""
    of, by, through = tree.Name(view.loss), tree.Name(made.target), tree.Name(made.through)
    members: list[Node] = [tree.Derivative(of, by)]
    if made.local is None:
        return members
    arriving = tree.Brace(tree.Derivative(of, through), tree.Gradient(through))
    local = tree.Brace(tree.Derivative(through, by), view.page(made.local))
    ordered = [local, arriving] if _local_first(made) else [arriving, local]
    return [*members, times(*ordered)]


def _local_first(made: Contribution) -> bool:
    """Whether the formula has what arrives last, as in Wᵀ dz."""
    formula = made.matrix
    if isinstance(formula, tree.Product):
        return not isinstance(formula.factors[0], tree.Gradient) and isinstance(
            formula.factors[-1], tree.Gradient
        )
    return False


def _entry_chain(view: View, made: Contribution) -> Node:
    """`dw_pq = Σ_j dz_j · ∂z_j/∂w_pq = dz_p x_q`, with braces under the two factors."""
    avoid = view.derivation.exercise.shapes
    letters = view.facts.letters_for(made)
    by = view.entry_name(made.target, made.free)
    body = chain_rule(view, made, made.collapsed)
    result = view.page(view.unindexed(spelled(made.entry, dict(letters), avoid=avoid)))
    axes = [*zip(made.free, view.shape(made.target), strict=True)]
    axes += [(letters[axis], size) for axis, size in zip(made.summed, view.shape(made.through), strict=True)]
    gone = frozenset(letter for letter, size in axes if size == 1)
    chained = equation(tree.Gradient(by), body)
    return equation(*(view.unindexed(_without(part, gone)) for part in chained.members), result)


def _without(node: Node, letters: frozenset[str]) -> Node:
    """`node` without the deltas of axes of one entry, whose indices are left out."""
    if isinstance(node, tree.Delta):
        return tree.number(1) if letters & set(tree.names_in(node)) else node
    if isinstance(node, tree.Product):
        pairs = [(factor, _without(factor, letters)) for factor in node.factors]
        kept = [new for old, new in pairs if not isinstance(old, tree.Delta) or new == old]
        if len(kept) < len(pairs):
            return tree.juxtaposed(*kept) if kept else tree.number(1)
    return tree.rebuild(node, lambda part: _without(part, letters))


# --- the reasons ------------------------------------------------------------------------------


def reasons_of(view: View, step: Step) -> Iterator[Text]:
    """Why the step is what it is, in one sentence or two."""
    target = tree.Name(step.target)
    if step.rule == "unreached":
        yield Text("reason.unreached", {"name": target, "loss": tree.Name(view.loss)})
        return
    if len(step.substeps) > 1:
        through = tuple(tree.Name(made.through) for made in step.substeps)
        shared = view.ladder is not None and step.target in view.ladder.shared
        yield Text("reason.shared" if shared else "reason.sum", {"name": target, "through": through})
        return
    (made,) = step.substeps
    if step.collapse is not None:
        yield from collapse_reasons(view, step)
    else:
        yield from indexed_reasons(view, made) if is_indexed(step) else _reason(view, made)


def _reason(view: View, made: Contribution) -> Iterator[Text]:
    target, through = tree.Name(made.target), tree.Name(made.through)
    parts: dict[str, Node] = {"name": target, "through": through, "loss": tree.Name(view.loss)}
    lone = view.lone(made.through)
    body = view.derivation.step(made.through).formula
    times_used = sum(part == target for part in tree.walk(body))
    if times_used > 1 and not any(isinstance(part, tree.Sum) for part in tree.walk(body)):
        yield Text("reason.several", {"name": target, "through": through, "times": times_used})
    elif made.rule == "elementwise":
        if lone:
            yield Text("reason.only_through", parts)
        else:
            letters = view.facts.letters_for(made)
            entry = tuple(letters[axis] for axis in made.summed)
            body = view.page(view.derivation.step(made.through).formula)
            at = tree.replace_names(body, {made.target: view.entry_name(made.target, entry)})
            statement = view.unindexed(equation(view.entry_name(made.through, entry), at))
            yield Text("reason.entrywise", {**parts, "statement": statement})
    elif made.rule == "affine" and made.local == tree.number(1):
        statement = equation(through, view.page(view.derivation.step(made.through).formula))
        yield Text("reason.shift", {**parts, "statement": statement})
    elif made.rule == "affine":
        yield from _affine_reason(view, made, parts, lone)
    else:
        yield Text("reason.chain", parts)


def _affine_reason(view: View, made: Contribution, parts: dict[str, Node], lone: bool) -> Iterator[Text]:
    letters = dict(view.facts.letters_for(made))
    entry = view.facts.entry_of_target(made, view)
    derivative = spelled(made.collapsed, letters, avoid=view.derivation.exercise.shapes)
    if lone and made.local is not None:
        factor = view.facts.entry_of_local(made, view)
        statement = equation(tree.Derivative(parts["through"], entry, inline=True), factor)
        if _varies(made, factor):
            yield Text("reason.slope", {**parts, "statement": statement})
            return
        if view.lone(made.target):
            yield Text("reason.times", {**parts, "factor": factor, "statement": statement})
            return
        key = "reason.row" if len(view.shape(made.target)) == 2 else "reason.column"
        yield Text(
            key, {**parts, "entry": entry, "factor": factor, "statement": statement, "local": made.local}
        )
        return
    deltas = any(term.deltas for term in made.collapsed)
    if deltas:
        only = view.facts.only_through(made)
        if only is not None:
            where, factor = only
            key = "reason.one_entry_slope" if _varies(made, factor) else "reason.one_entry"
            yield Text(key, {**parts, "entry": entry, "where": where, "factor": view.page(factor)})
            return
        yield Text("reason.chain", parts)
        return
    yield Text("reason.feeds_all", {**parts, "entry": entry, "derivative": view.page(derivative)})


def _varies(made: Contribution, factor: Node) -> bool:
    """Whether a slope is no fixed factor beside the target: 1/(2s), where s = √v."""
    return bool({made.target, made.through} & set(tree.names_in(factor)))


# --- what the numbers say ------------------------------------------------------------------------


def _zeros(view: View, step: Step) -> Iterator[Block]:
    """Why a component of a gradient is 0, where the zero of an input is the reason."""
    found, key = view.facts.zero_by_input(step), "backward.zero"
    if found is None:
        found, key = view.facts.zero_by_slope(step), "backward.zero_slope"
    elif any(isinstance(part, tree.Slice) for part in tree.walk(found[0])):
        key = "backward.zero_column"
    if found is None:
        return
    place, cause = found
    parts = {"place": place, "cause": equation(view.page(cause), tree.number(0))}
    yield Paragraph(sentences=(Text(key, parts),))
