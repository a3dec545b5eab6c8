"""Each activation and its derivative, by cases; what is taken at a kink."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symbackprop.algebra.slopes import OUTPUT, Kink, Slope
from symbackprop.derivation.slope_cases import cases
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, equation
from symbackprop.notation.write_operations import CORES, is_core
from symbackprop.report.document import Block, Equation, Heading, Line, Paragraph, Text
from symbackprop.report.sections.plots import slope_of
from symbackprop.report.view import View


def activation(view: View, *, reasons: bool = True) -> Iterator[Block]:
    """One unit for each function whose prime occurs in a gradient."""
    slopes = list(view.derivation.slopes.values())
    slopes.sort(key=lambda slope: view.facts.primed.index(slope.function.name))
    slopes += _cancelled(view, slopes)
    known = [slope.function.name for slope in slopes]
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


def _cancelled(view: View, slopes: Sequence[Slope]) -> Iterator[Slope]:
    """The derivatives that the chain rule needs, though they cancel: σ' on the way to dz = p − y."""
    known = {slope.function.name for slope in slopes}
    for step in view.derivation.backward:
        if step.collapse is None or step.rule == "loss":
            continue
        for call in view.facts.model.calls(view.derivation.step(step.collapse.through).formula):
            row = view.facts.model.row(call.function)
            if row is None or row.kind != "activation" or not row.pieces or row.name in known:
                continue
            made = slope_of(view, call)
            if made is not None:
                known.add(row.name)
                yield made


def _one(view: View, slope: Slope, reasons: bool) -> Iterator[Block]:
    name = slope.function.name
    argument = view.facts.argument_of(name)
    value = view.applied(slope, argument)
    prime = view.applied(slope, argument, 1)
    if reasons:
        key = "activation.cases" if len(slope.branches) > 1 else "activation.formula"
        yield Paragraph(sentences=(Text(key, {"function": tree.Call(name, (argument,))}),))
    values = view.page(cases(slope.values, argument))
    slopes = view.page(cases(slope.branches, argument, slope.kinks))
    maximum = [tree.Call("max", (tree.number(0), argument))] if name in CORES else []
    row = tree.Row((equation(value, *maximum, values), equation(prime, slopes)), "implies")
    yield Equation(lines=(Line(formula=row),))
    if reasons:
        yield from _indicator(view, slope, argument)
    if slope.recognised is not None:
        if reasons:
            yield Paragraph(sentences=(Text("activation.recognised"),))
        known = tree.Call(slope.recognised, (argument,))
        yield Equation(lines=(Line(formula=tree.Box(equation(prime, view.page(known)))),))
    yield from _by_output(view, name, slope, prime, argument, reasons)
    for kink in slope.kinks:
        yield Paragraph(sentences=tuple(_convention(view, slope, kink, argument)))
    yield from _at_example(view, slope)


def _indicator(view: View, slope: Slope, argument: Node) -> Iterator[Block]:
    """How the formulas write a part that has no sign of its own: `max(0, z − w)`, `1_{z > w}`."""
    name = slope.function.name
    calls = [c for step in view.derivation.backward for c in view.facts.model.calls(step.formula)]
    used = next(
        (call for call in calls if call.function == name and call.primes == 1 and is_core(call)), None
    )
    if name not in CORES or used is None:
        return
    parts = {
        "slope": view.applied(slope, argument, 1),
        "at": tree.undressed(used.args[0]),
        "indicator": used,
    }
    yield Paragraph(sentences=(Text("activation.indicator", parts),))


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
