"""What is given: the model, the data with their shapes, what is asked, the notation."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from symbackprop.algebra.functions import ATOMS, Function
from symbackprop.algebra.spell import size_node
from symbackprop.derivation.slope_cases import cases
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, equation
from symbackprop.notation.write import to_latex
from symbackprop.report.document import Block, Equation, Heading, Line, Paragraph, Text
from symbackprop.report.layout import ROOM
from symbackprop.report.measure import width
from symbackprop.report.view import View

LONG_MODEL = 5
"""More formulas than these are set in lines, one for each layer."""

MANY_NUMBERS = 120
"""Of so many numbers a short report shows the corners of each array."""

CORNER = 3
"""Rows and columns of an array of which only the corners are shown."""

_SURE = 0.93  # the share of a line that data may fill

MANY_LAYERS = 8
"""Of more layers alike than these the model states the first two and the last."""


def given(view: View, *, reasons: bool = True, short: bool = False) -> Iterator[Block]:
    """Model, data, what is asked; a `short` one shows of many large arrays only the corners."""
    yield Heading(text=Text("given.title"), label="given")
    yield Paragraph(sentences=(Text("given.model"),))
    yield _model(view)
    yield from _data(view, short)
    if reasons:
        yield from _remarks(view)
    yield _asked(view, reasons)


def _remarks(view: View) -> Iterator[Block]:
    """What the formulas leave unsaid: numbers beside arrays, and what a mean is taken over."""
    sentences = []
    if view.facts.broadcasts():
        sentences.append(Text("given.broadcast"))
    for count, factor in view.facts.means():
        sentences.append(Text("given.mean", {"size": count, "factor": factor}))
    named = view.derivation.exercise.named
    if named:
        names = tuple(tree.Name(name) for name in named)
        sentences.append(Text("given.named", {"names": names, "count": len(names)}))
    if sentences:
        yield Paragraph(sentences=tuple(sentences))


def _model(view: View) -> Equation:
    groups: list[list[Node]] = []
    between = _between(view)
    for step in view.derivation.forward:
        if step.target in between:
            groups += [[tree.Dots("v")]] if groups[-1] != [tree.Dots("v")] else []
            continue
        new = step.target == view.loss or view.facts.has_products(step.target)
        if new or not groups:
            groups.append([])
        groups[-1] += statement(view, step.target)
    parts = [part for group in groups for part in group]
    if len(parts) <= LONG_MODEL:
        groups = [parts]
    lines = (group[0] if len(group) == 1 else tree.Row(tuple(group), ",") for group in groups)
    return Equation(lines=tuple(Line(formula=line) for line in lines))


def _between(view: View) -> frozenset[str]:
    """What the layers of a very deep net compute that the model need not say: all but the ends."""
    if view.ladder is None or len(view.ladder) <= MANY_LAYERS:
        return frozenset()
    return frozenset(name for rung in view.ladder.rungs[2:-1] for name in (rung.affine, rung.output))


def statement(view: View, name: str) -> list[Node]:
    """`ŷ = g(z), g(z) = ReLU(z) = max(z, 0)`: an equation of the model and what it uses."""
    body = view.derivation.step(name).formula
    if name == view.loss:
        formula = view.loss_formula()
        return [
            equation(view.loss_call(), *_named(view, body), *formula),
            *definitions(view, body),
            *_inside(view, formula),
        ]
    first = equation(*tree.stated(tree.Name(name), view.page(body)))
    return [first, *definitions(view, body)]


def _named(view: View, body: Node) -> list[Node]:
    """`¼ BCE(p, y)`, before what it stands for: the name that the page gives the loss later on."""
    calls = [call for call in view.facts.model.calls(body) if not call.primes]
    rows = [row for call in calls if (row := view.facts.model.row(call.function)) is not None]
    return [view.page(body)] if any(row.kind == "loss" and is_short(row) for row in rows) else []


def is_short(row: Function) -> bool:
    """Whether a named loss has a name fit for a formula: BCE, CE, MSE."""
    return row.kind == "loss" and row.plain.isupper()


def definitions(view: View, body: Node) -> Iterator[Node]:
    """`g(z) = ReLU(z)` for an activation that has a letter on this page, where it comes first."""
    for function in dict.fromkeys(part.function for part in tree.walk(body) if isinstance(part, tree.Call)):
        if function in view.letters and view.facts.first_use(function) is body:
            options = next(c.options for c in view.facts.model.calls(body) if c.function == function)
            part = tree.Call(function, (view.facts.argument_of(function),), options)
            members = [view.page(part), part]
            compact = view.facts.compact(part)
            if compact is not None:
                members.append(view.page(compact))
            yield equation(*members)


def _inside(view: View, formula: Sequence[Node]) -> Iterator[Node]:
    """`softplus(u) = log(1 + eᵘ)`: what a named loss is made of and nothing else on the page says."""
    argument = tree.Name("u")
    known = {*ATOMS, "abs", *view.facts.activations}
    calls = [call for node in formula for call in view.facts.model.calls(node)]
    for part in dict.fromkeys(call.function for call in calls if len(call.args) == 1):
        slope = view.derivation.slopes.get(part)
        compact = view.facts.compact(tree.Call(part, (argument,)))
        if part in known or (slope is None and compact is None):
            continue
        if slope is not None and len(slope.branches) > 1:
            yield equation(tree.Call(part, (argument,)), view.page(cases(slope.values, argument)))
        elif compact is not None:
            yield equation(tree.Call(part, (argument,)), view.page(compact))


def _data(view: View, short: bool) -> Iterator[Block]:
    names = [name for name in view.derivation.exercise.given if name in view.derivation.exercise.shapes]
    valued = [name for name in names if view.value(name) is not None]
    symbolic = [name for name in names if name not in valued]
    if valued:
        sizes = tuple(_layer_sizes(view))
        if sizes:
            yield Paragraph(sentences=sizes)
        yield Paragraph(sentences=(Text("given.data"),))
        entries = sum(len(_entries(view, name)) for name in valued)
        yield from _in_lines([_datum(view, name, short and entries > MANY_NUMBERS) for name in valued])
    if symbolic:
        key = "given.symbols_too" if valued else "given.symbols"
        items = tuple(_symbolic(view, name) for name in symbolic)
        if not valued:
            lone = {name: () if view.lone(name) else view.shape(name) for name in symbolic}
            items = tuple(memberships(lone))
        yield Paragraph(sentences=(Text(key, {"names": items, "count": len(items)}), *_sizes(view)))


def _layer_sizes(view: View) -> Iterator[Text]:
    """`W ∈ ℝ^{k×n}, x ∈ ℝ^n; here n = 3 and k = 1`: where a layer names the sizes of the data."""
    layer = next(iter(view.facts.alone), None)
    if layer is None:
        return
    here = {
        name: size
        for name, size in layer.sizes.items()
        if isinstance(name, str) and isinstance(size, int) and name != str(size)
    }
    if not here:
        return
    shapes = memberships(layer.shapes)
    statements = tuple(
        equation(tree.Name(name), size_node(size)) for name, size in sorted(here.items(), reverse=True)
    )
    yield Text("given.sizes", {"shapes": tuple(shapes), "sizes": statements})


def memberships(shapes: Mapping[str, tree.Shape]) -> Iterator[Node]:
    """`W ∈ ℝ^{k×n}`, and names of one shape together: `z, ŷ, b ∈ ℝ^k`."""
    together: dict[tree.Shape, list[Node]] = {}
    for name, shape in shapes.items():
        together.setdefault(shape, []).append(tree.Name(name))
    for shape, names in together.items():
        left = names[0] if len(names) == 1 else tree.Row(tuple(names), ",")
        space = tree.Space(() if all(size == 1 for size in shape) else tuple(map(size_node, shape)))
        yield tree.Chain((left, space), ("∈",), (None,))


def _sizes(view: View) -> Iterator[Text]:
    sizes = tuple(tree.Name(size) for size in view.derivation.exercise.sizes)
    if sizes:
        yield Text("given.any_size", {"sizes": sizes, "count": len(sizes)})


def _entries(view: View, name: str) -> tuple[object, ...]:
    numbers = view.numbers(name)
    return () if numbers is None else numbers.entries


def _datum(view: View, name: str, small: bool) -> Node:
    numbers = view.numbers(name)
    assert numbers is not None
    value = view.array(numbers, CORNER) if small else view.value(name)
    assert value is not None
    return tree.Chain((tree.Name(name), value, view.space(name)), (view.relation(name), "∈"), (None, None))


def _symbolic(view: View, name: str) -> Node:
    """`y = (y_1, y_2)ᵀ ∈ ℝ²` while that is short, else `y ∈ ℝ^k`."""
    entries = view.symbols(name)
    if entries is not None and len(view.shape(name)) == 1:
        row = tree.Transpose(tree.Matrix((tuple(cell for (cell,) in entries.rows),), "row"))  # type: ignore[attr-defined]  # a column is a Matrix
        return tree.Chain((tree.Name(name), row, view.space(name)), ("=", "∈"), (None, None))
    return tree.Chain((tree.Name(name), view.space(name)), ("∈",), (None,))


def _in_lines(items: list[Node]) -> Iterator[Equation]:
    """As many to a line as it holds, four at most; each line in the middle."""
    line: list[Node] = []
    for item in items:
        if line and (len(line) == 4 or width(to_latex(tree.Row((*line, item), ","))) > _SURE * ROOM):
            yield Equation(lines=(Line(formula=tree.Row(tuple(line), ",")),))
            line = []
        line.append(item)
    if line:
        yield Equation(lines=(Line(formula=tree.Row(tuple(line), ",")),))


def _any_name() -> Iterator[str]:
    """Letters for a variable of no model in particular."""
    yield from "AVXMQSUBHGRNPJ"
    yield from (f"V{number}" for number in itertools.count(1))


def _asked(view: View, reasons: bool) -> Paragraph:
    loss = tree.Name(view.loss)
    wanted = tuple(tree.Name(name) for name in view.derivation.exercise.wanted)
    sentences = [Text("given.wanted", {"loss": loss, "names": wanted, "count": len(wanted)})]
    if reasons:
        taken = {*view.derivation.exercise.shapes, *view.derivation.exercise.sizes}
        first = tree.Name(next(letter for letter in _any_name() if letter not in taken))
        some = tuple(
            equation(
                view.symbol("d" + step.target), tree.Derivative(loss, tree.Name(step.target), inline=True)
            )
            for step in view.derivation.backward[1:4]
        )
        sentences.append(
            Text(
                "given.notation",
                {
                    "gradient": tree.Gradient(first),
                    "derivative": tree.Derivative(loss, first, inline=True),
                    "name": first,
                    "examples": some,
                },
            )
        )
    return Paragraph(sentences=tuple(sentences))
