"""The ledger of dimensions, the graph, the summary of all gradients, the checks, and the code to paste."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from symbackprop.algebra.spell import size_node
from symbackprop.derivation.steps import Check, Layer, Step
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Shape, equation
from symbackprop.report.diagram import graph
from symbackprop.report.document import Block, Diagram, Heading, Paragraph, Part, Table, Text
from symbackprop.report.view import View

MOST_IN_GRAPH = 14
"""Equations beyond which the picture would be no picture."""


# --- dimensions ------------------------------------------------------------------------------


def ledger(view: View) -> Iterator[Block]:
    """Every formula with the dimensions of its factors: the product has the target's."""
    steps = [step for step in view.derivation.backward if step.rule not in {"seed", "unreached"}]
    layers = tuple(view.facts.alone)
    general = any(isinstance(size, int) for layer in layers for size in layer.sizes.values())
    columns = [Text("ledger.gradient"), Text("ledger.here")]
    if general:
        sizes = tuple(tree.Name(name) for name, size in layers[0].sizes.items() if name != str(size))
        columns.append(Text("ledger.general", {"sizes": sizes, "count": len(sizes)}))
    columns.append(Text("ledger.like"))
    rows = [_ledger_row(view, step, layers if general else ()) for step in steps]
    has_odot = any(_has_sign(step.formula, "odot") and not view.lone(step.target) for step in steps)
    sentences = [Text("ledger.sentence")]
    if has_odot:
        sentences.append(
            Text("ledger.hadamard", {"sign": tree.times(tree.Name("u"), tree.Name("v"), sign="odot")})
        )
    yield Paragraph(lead=Text("ledger.title"), sentences=tuple(sentences), keep_with_next=True)
    yield Table(columns=tuple(columns), rows=tuple(rows))


def _has_sign(node: Node, sign: str) -> bool:
    return any(isinstance(part, tree.Product) and sign in part.signs for part in tree.walk(node))


def _ledger_row(view: View, step: Step, layers: tuple[Layer, ...]) -> tuple[Node | Text | None, ...]:
    symbol = view.symbol("d" + step.target)
    shapes = {**view.derivation.exercise.shapes}
    cells: list[Node | Text | None] = [
        equation(symbol, view.page(step.formula)),
        _dimensions(step.formula, step.shape, shapes),
    ]
    if layers:
        layer = next((one for one in layers if step.target in one.shapes), None)
        if layer is None:
            cells.append(None)
        elif not _inside(step, layer):
            cells.append(_sizes(layer.shapes[step.target]))
        else:
            cells.append(_dimensions(step.formula, layer.shapes[step.target], layer.shapes))
    cells.append(tree.Name(step.target))
    return tuple(cells)


def _inside(step: Step, layer: Layer) -> bool:
    return all(name in layer.shapes for name in tree.names_in(step.formula))


def _dimensions(formula: Node, shape: Shape, shapes: Mapping[str, Shape]) -> Node:
    """`(k×1)(1×n) = k×n`; only the result where the formula is no plain product."""
    result = _sizes(shape)
    if not isinstance(formula, tree.Product):
        return result
    parts = [_factor_shape(factor, shapes) for factor in formula.factors]
    if any(part is None for part in parts):
        return result
    factors = tuple(tree.Bracket(_sizes(part)) for part in parts if part is not None)
    return equation(tree.Product(factors, formula.signs), result)


def _factor_shape(factor: Node, shapes: Mapping[str, Shape]) -> Shape | None:
    match factor:
        case tree.Name(name):
            return shapes.get(name)
        case tree.Gradient(tree.Name(name)):
            return shapes.get(name)
        case tree.Transpose(body):
            inner = _factor_shape(body, shapes)
            return None if inner is None else (*reversed(inner),) if len(inner) == 2 else (1, *inner)
        case tree.Call(_, (arg,), _, _):
            return _factor_shape(arg, shapes)
    return None


def _sizes(shape: Shape) -> Node:
    full = (*shape, *((1,) * (2 - len(shape))))
    return tree.Sizes(tuple(size_node(size) for size in full))


# --- the graph ---------------------------------------------------------------------------------


def picture(view: View) -> Iterator[Block]:
    """The graph: forward values in black, gradients in red."""
    exercise = view.derivation.exercise
    if len(exercise.equations) > MOST_IN_GRAPH:
        return
    yield Paragraph(lead=Text("graph.title"), sentences=(Text("graph.sentence"),), keep_with_next=True)
    yield _graph(view)


def _graph(view: View) -> Diagram:
    exercise = view.derivation.exercise
    computed = {("d" if step.gradient else "") + step.target for step in view.derivation.steps}

    def upper(name: str) -> Node:
        return _labelled(view, name)

    def lower(name: str) -> Node | None:
        return _labelled(view, "d" + name) if "d" + name in computed else None

    def note(name: str) -> Node | None:
        return tree.Word("datum") if name in exercise.given and "d" + name not in computed else None

    def factor(target: str, through: str) -> Node | None:
        return _factor(view, target, through)

    def inner(expression: Node) -> tuple[Node, Node | None]:
        return _inner(view, expression)

    names = tuple(tree.Name(one.name) for one in exercise.equations)
    inputs = tuple(tree.Name(name) for name in exercise.given)
    alternative = Text("graph.text", {"inputs": inputs, "names": names})
    equations = [(one.name, view.page(one.body)) for one in exercise.equations]
    return graph(
        equations, upper=upper, lower=lower, factor=factor, alternative=alternative, inner=inner, note=note
    )


def _labelled(view: View, name: str) -> Node:
    """`z = 1`; a column as the transpose of a row; only the name where there is no short value."""
    symbol = view.symbol(name)
    numbers = None if view.expanded(name) else view.numbers(name)
    if numbers is None or len(numbers.entries) > 4 or (len(numbers.shape) == 2 and numbers.shape[0] > 2):
        return symbol
    column = len(numbers.shape) == 1 and len(numbers.entries) > 1
    value = view.array(numbers.transposed() if column else numbers)
    if len(to_words(value)) > 24:
        return symbol
    shown = tree.Transpose(value) if column else value
    return tree.Chain((symbol, shown), (view.relation(name),), (None,))


def to_words(node: Node) -> list[Node]:
    """The leaves of a tree: a measure of how much there is to read."""
    return [
        part for part in tree.walk(node) if isinstance(part, tree.Number | tree.Name | tree.Neg | tree.Add)
    ]


def _factor(view: View, target: str, through: str) -> Node | None:
    """The local factor beside the arrow from `through` back to `target`."""
    step = view.derivation.step("d" + target)
    made = next((part for part in step.substeps if part.through == through), None)
    if made is None:
        return None
    if made.rule == "loss":
        formula = view.page(made.matrix) if made.matrix is not None else None
        value = view.value("d" + target)
        if formula is not None and value is not None and view.lone(target) and len(step.substeps) == 1:
            return tree.Chain((formula, value), (view.relation("d" + target),), (None,))
        return formula
    if made.local is not None:
        return _with_value(view, view.page(made.local), made.local)
    rest = [part for part in _flat(made.matrix) if part != tree.Gradient(tree.Name(through))]
    return view.page(tree.juxtaposed(*rest)) if rest else None


def _with_value(view: View, shown: Node, local: Node) -> Node:
    """`g'(1) = 1` where the factor is the slope of one number."""
    if isinstance(local, tree.Call) and local.primes:
        value = view.facts.evaluated(local)
        if value is not None and len(value.entries) == 1:
            at = view.page(tree.rebuild(local, view.with_numbers))
            node, exact = view.facts.shown(value.entries[0], view.digits)
            return tree.Chain((at, node), ("=" if exact else "≈",), (None,))
    return shown


def _flat(node: Node | None) -> tuple[Node, ...]:
    if isinstance(node, tree.Product):
        return node.factors
    return () if node is None else (node,)


def _inner(view: View, expression: Node) -> tuple[Node, Node | None]:
    """`Wx = −6` for what stands between two operations; its gradient is what arrives."""
    value = view.facts.evaluated(expression)
    page = view.page(expression)
    if value is None or len(value.entries) != 1:
        return page, None
    node, exact = view.facts.shown(value.entries[0], view.digits)
    shown = tree.Chain((page, node), ("=" if exact else "≈",), (None,))
    return shown, _arriving(view, expression)


def _arriving(view: View, expression: Node) -> Node | None:
    """The gradient of a term of a sum: that of the sum itself."""
    for step in view.derivation.forward:
        body = tree.undressed(step.formula)
        if (
            isinstance(body, tree.Add)
            and expression in body.terms
            and "d" + step.target in view.derivation.quantities
        ):
            return view.value("d" + step.target)
    return None


# --- summary -------------------------------------------------------------------------------------


def summary(view: View) -> Iterator[Block]:
    """All gradients with formula, shape and value."""
    yield Heading(text=Text("summary.title"), label="summary")
    steps = [step for step in view.derivation.backward if step.rule != "seed"]
    valued = any(view.value("d" + step.target) is not None for step in steps)
    columns = [Text("summary.gradient"), Text("summary.formula"), Text("summary.shape")]
    if valued:
        columns.append(Text("summary.value"))
    rows = []
    for step in steps:
        name = "d" + step.target
        row: list[Node | Text | None] = [
            view.symbol(name),
            view.formula(name),
            Text("summary.like", {"space": view.space(name), "name": tree.Name(step.target)}),
        ]
        if valued:
            row.append(_value_cell(view, name))
        rows.append(tuple(row))
    yield Table(columns=tuple(columns), rows=tuple(rows))


def _value_cell(view: View, name: str) -> Node | None:
    value = None if view.expanded(name) else view.value(name)
    if value is None:
        return None
    return value if view.exact(name) else tree.Chain((tree.Word("nothing"), value), ("≈",), (None,))


# --- checks ----------------------------------------------------------------------------------------


def checks(view: View) -> Iterator[Block]:
    """What was checked and how, and what was not."""
    yield Heading(text=Text("checks.title"), label="checks")
    columns = (Text("checks.what"), Text("checks.how"), Text("checks.result"))
    made = view.derivation.checks
    kinds = [check.kind for check in made]
    rows = [_check_row(check, again=check.kind in kinds[:at]) for at, check in enumerate(made)]
    rows += _conventions(view)
    yield Table(columns=columns, rows=tuple(rows), widths=(0.24, 0.52, 0.2), small=True)


def _check_row(check: Check, *, again: bool) -> tuple[Node | Text | None, ...]:
    parts: dict[str, Part] = {}
    suffix = ""
    if check.kind in {"formula", "general"}:
        parts["prime"] = tree.Add((tree.Power(tree.number(2), tree.number(61)), tree.Neg(tree.number(1))))
    if check.sizes:
        parts["sizes"] = tuple(_pair(one) for one in check.sizes)
        suffix = "_sizes" if check.kind == "formula" else ""
    if check.kind == "numbers" and check.exact:
        suffix = "_exact"
    which = "_sizes" if again and suffix == "_sizes" else "_some" if check.note == "some" else ""
    what = Text(f"checks.{check.kind}_what{which}")
    agreed = Text("checks.agree", {"agreed": check.agreed, "tried": check.tried})
    return what, Text(f"checks.{check.kind}_how{suffix}", parts), agreed


def _pair(sizes: tuple[int, ...]) -> Node:
    """`(3, 2)`."""
    numbers = tuple(tree.number(size) for size in sizes)
    return tree.Bracket(numbers[0] if len(numbers) == 1 else tree.Row(numbers, ","))


def _conventions(view: View) -> list[tuple[Node | Text | None, ...]]:
    """The value at a kink is nothing that can be checked."""
    rows: list[tuple[Node | Text | None, ...]] = []
    for slope in view.derivation.slopes.values():
        for kink in slope.kinks:
            statement = equation(view.applied(slope, kink.at, 1), kink.taken)
            sits = view.facts.sits_on(slope, kink)
            how = "checks.convention_how_on" if sits else "checks.convention_how"
            if sits is None:
                how = "checks.convention_how_open"
            rows.append((statement, Text(how), Text("checks.none")))
    return rows
