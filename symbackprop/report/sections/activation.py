"""Each activation and its derivative, by cases; what is taken at a kink."""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop.algebra.slopes import OUTPUT, Branch, Kink, Slope
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, equation
from symbackprop.report.document import Block, Equation, Heading, Line, Paragraph, Text
from symbackprop.report.view import View


def activation(view: View, *, reasons: bool = True) -> Iterator[Block]:
    """One unit for each function whose prime occurs in a gradient."""
    slopes = list(view.derivation.slopes.values())
    known = [slope.function.name for slope in slopes]
    slopes.sort(key=lambda slope: view.facts.primed.index(slope.function.name))
    generic = [name for name in view.facts.primed if name not in known]
    if not slopes and not generic:
        return
    # what stands inside a loss (hinge, Huber) is no activation
    own = all(name in view.facts.activations for name in known)
    title = "activation.title" if own else "activation.title_functions"
    yield Heading(text=Text(title, {"count": len(slopes) + len(generic)}), label="activation")
    for slope in slopes:
        yield from _one(view, slope, reasons)
    for name in generic:
        argument = view.facts.argument_of(name)
        call = tree.Call(name, (argument,))
        parts = {"function": call, "slope": tree.Call(name, (argument,), (), 1)}
        yield Paragraph(sentences=(Text("activation.generic", parts),))


def _one(view: View, slope: Slope, reasons: bool) -> Iterator[Block]:
    name = slope.function.name
    argument = view.facts.argument_of(name)
    value = view.applied(slope, argument)
    prime = view.applied(slope, argument, 1)
    if reasons:
        key = "activation.cases" if len(slope.branches) > 1 else "activation.formula"
        yield Paragraph(sentences=(Text(key, {"function": tree.Call(name, (argument,))}),))
    values, slopes = (view.page(cases(part, argument)) for part in (slope.values, slope.branches))
    row = tree.Row((equation(value, values), equation(prime, slopes)), "implies")
    yield Equation(lines=(Line(formula=row),))
    if slope.recognised is not None:
        if reasons:
            yield Paragraph(sentences=(Text("activation.recognised"),))
        known = tree.Call(slope.recognised, (argument,))
        yield Equation(lines=(Line(formula=tree.Box(equation(prime, view.page(known)))),))
    yield from _by_output(view, name, slope, prime, argument, reasons)
    for kink in slope.kinks:
        yield Paragraph(sentences=tuple(_convention(view, slope, kink, argument)))
    yield from _at_example(view, slope)


def cases(branches: tuple[Branch, ...], argument: Node) -> Node:
    """One formula, or cases `if z ≥ 0`, `if z < 0`."""
    table = {"u": argument}
    if len(branches) == 1:
        return tree.replace_names(branches[0].value, table)
    rows: list[tuple[Node, Node]] = []
    above: Node | None = None
    for branch in branches:
        condition = _condition(argument, branch.bound, above)
        rows.append((tree.replace_names(branch.value, table), condition))
        above = branch.bound
    return tree.Cases(tuple(rows))


def _condition(argument: Node, bound: Node | None, above: Node | None) -> Node:
    if bound is not None and above is None:
        return tree.Chain((argument, bound), ("≥",), (None,))
    if bound is None and above is not None:
        return tree.Chain((argument, above), ("<",), (None,))
    if bound is not None and above is not None:
        return tree.Chain((bound, argument, above), ("≤", "<"), (None, None))
    return tree.Word("otherwise")


def _by_output(
    view: View, name: str, slope: Slope, prime: Node, argument: Node, reasons: bool
) -> Iterator[Block]:
    """`σ'(z) = σ(z)(1 − σ(z)) = ŷ(1 − ŷ)`, derived, where it is shorter."""
    if slope.by_output is None:
        return
    call = view.applied(slope, argument)
    inside = tree.replace_names(slope.by_output, {OUTPUT: call})
    members: list[Node] = [prime, inside]
    output = view.facts.output_of(name)
    plain = view.page(tree.replace_names(slope.branches[0].value, {"u": argument}))
    if output is None and view.page(inside) == plain:
        return  # the derivative was found in this form already
    if output is not None:
        named = tree.replace_names(slope.by_output, {OUTPUT: tree.Name(output)})
        members.append(named if view.lone(output) else view.facts.entrywise(named, output))
    if reasons:
        yield Paragraph(sentences=(Text("activation.by_output", {"function": call}),))
    yield Equation(lines=(Line(formula=tree.Box(equation(*members))),))


def _convention(view: View, slope: Slope, kink: Kink, argument: Node) -> Iterator[Text]:
    at = view.applied(slope, kink.at, 1)
    parts = {
        "function": tree.Call(slope.function.name, (argument,)),
        "where": equation(argument, kink.at),
        "left": kink.left,
        "right": kink.right,
        "convention": equation(at, kink.taken),
    }
    yield Text("activation.kink", parts)
    sits = view.facts.sits_on(slope, kink)
    if sits is None:
        return
    yield Text(
        "activation.on_kink" if sits else "activation.off_kink", {"where": equation(argument, kink.at)}
    )


def _at_example(view: View, slope: Slope) -> Iterator[Block]:
    """`g'(1) = 1`: the slopes at the example's arguments."""
    found = view.facts.slopes_at(slope)
    if not found:
        return
    statements: list[tree.Chain] = []
    for value, made in found:
        at, _ = view.facts.shown(value, view.digits)
        result, exact = view.facts.shown(made, view.digits)
        relation: tree.Relation = "=" if exact and view.facts.shown(value, view.digits)[1] else "≈"
        statement = tree.Chain((view.applied(slope, at, 1), result), (relation,), (None,))
        if statement not in statements and len(statements) < 6:
            statements.append(statement)
    yield Paragraph(sentences=(Text("activation.at_example", {"values": tuple(statements)}),))
