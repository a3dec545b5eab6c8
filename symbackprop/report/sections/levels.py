"""The three levels of a product's gradient: entry, row or column, matrix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from symbackprop.algebra.spell import size_node, spelled
from symbackprop.derivation.backward import levels as coarser
from symbackprop.derivation.steps import Contribution, Layer, Level
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, equation, times
from symbackprop.report.document import Block, Equation, Heading, Line, Paragraph, Text
from symbackprop.report.roles import examples_in, holds_examples
from symbackprop.report.sections.given import memberships
from symbackprop.report.sections.layer import neurons
from symbackprop.report.view import View, belongs, space_of


def levels(view: View) -> Iterator[Block]:
    """Every affine equation with any numbers of inputs and neurons, entry by entry and as matrices."""
    groups = [group for group in view.facts.general if not _one_number(group)]
    if not groups:
        return
    yield Heading(text=Text("levels.title"), label="levels")
    shown = {_form(group): group for group in reversed(groups)}
    for place, group in enumerate(reversed(shown.values())):
        names = tuple(memberships(group.shapes))
        batch = any(examples_in(view.derivation.exercise, one.body) for one in group.equations)
        sentences = [Text("levels.stack_batch" if batch else "levels.stack", {"names": names})]
        if place == 0:
            sentences.append(
                Text("levels.delta", {"delta": _delta("p"), "j": tree.Name("j"), "p": tree.Name("p")})
            )
        yield Paragraph(sentences=tuple(sentences), keep_with_next=True, about="sizes: anew")
        for made in group.contributions:
            yield from _unit(view, made, group)
    yield from _others(view, len(shown))


def _one_number(group: Layer) -> bool:
    """Whether the equation gives a single number: its levels are those of the section before."""
    return all(size == 1 for size in group.shapes[group.equations[0].name])


def _form(group: Layer) -> object:
    """What layers have in common that differ in names, or in the function that is applied."""
    table: dict[str, Node] = {}
    for one in group.equations:
        for name in (*tree.names_in(one.body), one.name):
            table.setdefault(name, tree.Name(f"#{len(table)}"))
    return tuple(_no_function(tree.replace_names(one.body, table)) for one in group.equations)


def _no_function(node: Node) -> Node:
    if isinstance(node, tree.Call):
        return tree.Call("", tuple(map(_no_function, node.args)))
    return tree.rebuild(node, _no_function)


def _others(view: View, shown: int) -> Iterator[Block]:
    """Layers that are not shown, for they say nothing new."""
    equations = view.derivation.exercise.equations[:-1]
    if shown == 1 and sum(view.facts.has_products(one.name) for one in equations) > shown:
        yield Paragraph(sentences=(Text("levels.same"),))


def _delta(letter: str) -> Node:
    return tree.Delta(tree.Name("j"), tree.Name(letter))


def _unit(view: View, made: Contribution, group: Layer) -> Iterator[Block]:
    shapes = group.shapes
    entry = _entry(made.target, made.free, shapes)
    if made.rule == "elementwise":
        yield from _entrywise(view, made, shapes, entry)
    elif any(term.bound for term in made.entry):
        yield from _summed(view, made, shapes, entry)
    else:
        yield from _picked(view, made, group, entry)


def _entry(name: str, places: tuple[str, ...], shapes: Mapping[str, tree.Shape]) -> Node:
    if not shapes.get(name, ()):
        return tree.Name(name)
    return tree.Index(tree.Name(name), tuple(tree.Name(place) for place in places))


def _sum_over(view: View, made: Contribution, shapes: Mapping[str, tree.Shape]) -> tuple[Node, Node]:
    """`Σ_j dz_j · ∂z_j/∂w_pq` and `Σ_j dz_j δ_jp x_q`."""
    letters = dict(view.facts.letters_for(made))
    avoid = view.derivation.exercise.shapes
    axes = tuple(letters[axis] for axis in made.summed)
    through = _entry(made.through, axes, shapes)
    by = _entry(made.target, made.free, shapes)
    first: Node = times(tree.Gradient(through), tree.Derivative(through, by))
    second: Node = tree.juxtaposed(
        tree.Gradient(through), *tree.plain_factors(view.page(spelled(made.collapsed, letters, avoid=avoid)))
    )
    for axis, size in reversed(list(zip(axes, shapes[made.through], strict=True))):
        first = tree.Sum(axis, tree.number(1), size_node(size), first)
        second = tree.Sum(axis, tree.number(1), size_node(size), second)
    return first, second


def _result(view: View, made: Contribution) -> Node:
    letters = dict(view.facts.letters_for(made))
    return view.page(spelled(made.entry, letters, avoid=view.derivation.exercise.shapes))


def _box(view: View, made: Contribution) -> Node:
    assert made.matrix is not None
    return tree.Box(equation(tree.Gradient(tree.Name(made.target)), view.page(made.matrix)))


def _implied(entry: Node, members: list[Node], box: Node) -> Node:
    return tree.Row((equation(tree.Gradient(entry), *members), box), "implies")


def _entrywise(
    view: View, made: Contribution, shapes: Mapping[str, tree.Shape], entry: Node
) -> Iterator[Block]:
    letters = dict(view.facts.letters_for(made))
    axes = tuple(letters[axis] for axis in made.summed)
    through = _entry(made.through, axes, shapes)
    derivative = view.page(spelled(made.collapsed, letters, avoid=view.derivation.exercise.shapes))
    statement = equation(tree.Derivative(through, entry, inline=True), derivative)
    yield Paragraph(
        lead=tree.Gradient(tree.Name(made.target)),
        sentences=(Text("levels.entrywise", {"statement": statement}),),
        keep_with_next=True,
    )
    first, second = _sum_over(view, made, shapes)
    formula = _implied(entry, [first, second, _result(view, made)], _box(view, made))
    margin = belongs(tree.Gradient(tree.Name(made.target)), shapes[made.target])
    yield Equation(lines=(Line(formula=formula, margin=margin),))


def _picked(view: View, made: Contribution, group: Layer, entry: Node) -> Iterator[Block]:
    """The delta picks one summand: dW, db."""
    shapes = group.shapes
    gradient = tree.Gradient(tree.Name(made.target))
    letters = dict(view.facts.letters_for(made))
    avoid = view.derivation.exercise.shapes
    through = _entry(made.through, tuple(letters[axis] for axis in made.summed), shapes)
    axes, expr = group.expr(made.through)
    body = view.page(
        spelled(expr, dict(zip(axes, letters.values(), strict=False)), avoid={*avoid, *made.free})
    )
    plain = view.page(spelled(made.jacobian, dict(letters), avoid=avoid))
    jacobian = view.page(spelled(made.jacobian, dict(letters), avoid=avoid, braced=made.target))
    collapsed = view.page(spelled(made.collapsed, letters, avoid=avoid))
    statement = equation(through, body)
    at_once = plain == collapsed
    if at_once:
        derived = equation(tree.Derivative(through, entry, inline=True), collapsed)
        reason = Text("levels.computes_so", {"statement": statement, "derivative": derived})
    else:
        reason = Text("levels.computes", {"statement": statement, "entry": entry})
    lead = Text("levels.by_entries", {"gradient": gradient})
    yield Paragraph(lead=lead, sentences=(reason,), keep_with_next=True)
    first, second = _sum_over(view, made, shapes)
    if not at_once:
        derivative = tree.Derivative(through, entry)
        yield Equation(lines=(Line(formula=equation(derivative, jacobian, collapsed)),))
    coarse = coarser(made, shapes)
    last = equation(tree.Gradient(entry), first, second, _result(view, made))
    if coarse:
        yield Equation(lines=(Line(formula=last, margin=belongs(tree.Gradient(entry), ())),))
        yield from _rows(view, made, coarse[0], shapes)
    else:
        formula = tree.Row((last, _box(view, made)), "implies")
        yield Equation(lines=(Line(formula=formula, margin=belongs(gradient, shapes[made.target])),))


def _rows(view: View, made: Contribution, level: Level, shapes: Mapping[str, tree.Shape]) -> Iterator[Block]:
    """Row p of dW, and the rows one under the other."""
    gradient = tree.Gradient(tree.Name(made.target))
    shape = shapes[made.target]
    parts = {"index": tree.Name(level.fixed), "gradient": gradient}
    sentences = (Text("levels.row", parts),)
    yield Paragraph(lead=Text("levels.by_rows"), sentences=sentences, keep_with_next=True)
    written = _written_row(view, made, shape)
    members = [*([written] if written is not None else []), view.page(level.right)]
    margin = belongs(level.left, (1, shape[1]))
    yield Equation(lines=(Line(formula=equation(level.left, *members), margin=margin),))
    yield Paragraph(
        lead=Text("levels.as_matrix"), sentences=(Text("levels.rows_below"),), keep_with_next=True
    )
    stack = _stack(level.right, level.fixed, shape[0], view)
    members = [stack, *_common_row(view.page(level.right), level.fixed, shape[0], view)]
    formula = tree.Row((equation(gradient, *members), _box(view, made)), "implies")
    yield Equation(lines=(Line(formula=formula, margin=belongs(gradient, shape)),))


def _common_row(part: Node, index: str, size: tree.Size, view: View) -> list[Node]:
    """`(dz_1 ⋮ dz_k) xᵀ`: the row that all have in common, drawn out."""
    if not isinstance(part, tree.Product) or any(part.signs):
        return []
    moving = [index in tree.names_in(factor) for factor in part.factors]
    if moving != [True, *([False] * (len(moving) - 1))]:
        return []
    return [tree.juxtaposed(_stack(part.factors[0], index, size, view), *part.factors[1:])]


def _written_row(view: View, made: Contribution, shape: tree.Shape) -> Node | None:
    """`(dz_p x_1, dz_p x_2, …, dz_p x_n)`."""
    if not isinstance(shape[1], str):
        return None
    entry = _result(view, made)
    index = made.free[1]
    cells = [tree.replace_names(entry, {index: node}) for node in (tree.number(1), tree.number(2))]
    last = tree.replace_names(entry, {index: tree.Name(shape[1])})
    return tree.Matrix(((*cells, tree.Dots("c"), last),), "row")


def _stack(part: Node, index: str, size: tree.Size, view: View) -> Node:
    """The parts for index 1, …, size, one under the other."""
    part = view.page(part)
    first = tree.replace_names(part, {index: tree.number(1)})
    last = tree.replace_names(part, {index: size_node(size)})
    return tree.Matrix(((first,), (tree.Dots("v"),), (last,)), "column")


def _summed(view: View, made: Contribution, shapes: Mapping[str, tree.Shape], entry: Node) -> Iterator[Block]:
    """x_i feeds all neurons: what comes back is added up."""
    gradient = tree.Gradient(tree.Name(made.target))
    letters = dict(view.facts.letters_for(made))
    avoid = view.derivation.exercise.shapes
    through = _entry(made.through, tuple(letters[axis] for axis in made.summed), shapes)
    yield Paragraph(
        lead=Text("levels.by_entries", {"gradient": gradient}),
        sentences=(_feeding(view, made, entry),),
        keep_with_next=True,
    )
    picture = neurons(view, made, shapes, through, entry)
    if picture is not None:
        yield picture
    else:
        derivative = view.page(spelled(made.collapsed, letters, avoid=avoid))
        yield Equation(lines=(Line(formula=equation(tree.Derivative(through, entry), derivative)),))
    first, _ = _sum_over(view, made, shapes)
    margin = belongs(tree.Gradient(entry), ())
    yield Equation(
        lines=(Line(formula=equation(tree.Gradient(entry), first, _result(view, made)), margin=margin),)
    )
    for level in coarser(made, shapes):
        yield from _columns(view, made, level, shapes)


def _feeding(view: View, made: Contribution, entry: Node) -> Text:
    # one entry of a vector feeds all neurons; of a batch or a shared weight, some entries
    weight = view.facts.weight_of(made)
    if weight is not None:
        data = holds_examples(view.derivation.exercise, weight, made.target)
        return Text("levels.feeds_examples" if data else "levels.feeds_all", {"entry": entry})
    parts = {"entry": entry, "through": tree.Name(made.through), "loss": tree.Name(view.loss)}
    return Text("levels.feeds_some", parts)


def _columns(
    view: View, made: Contribution, level: Level, shapes: Mapping[str, tree.Shape]
) -> Iterator[Block]:
    gradient = tree.Gradient(tree.Name(made.target))
    shape = shapes[made.target]
    column = view.facts.column_of(level)
    index = tree.Name(level.fixed)
    if len(shape) == 2:
        yield Paragraph(
            lead=Text("levels.by_rows"),
            sentences=(Text("levels.row", {"index": index, "gradient": gradient}),),
            keep_with_next=True,
        )
        margin = belongs(level.left, (1, shape[1]))
        yield Equation(lines=(Line(formula=equation(level.left, view.page(level.right)), margin=margin),))
    elif column is not None:
        through = tree.Name(made.through)
        by = tree.Index(tree.Name(made.target), (index,))
        statement = tree.Chain(
            (tree.Derivative(through, by, inline=True), column, space_of(shapes[made.through])),
            ("=", "∈"),
            (None, None),
        )
        weight = tree.names_in(column)[0]
        parts = {"index": index, "statement": statement, "weight": tree.Name(weight)}
        data = holds_examples(view.derivation.exercise, weight, made.target)
        yield Paragraph(
            lead=Text("levels.by_columns"),
            sentences=(Text("levels.column_data" if data else "levels.column", parts),),
            keep_with_next=True,
        )
        members = [*_dot_product(view, made, level, column, shapes), level.right]
        margin = belongs(level.left, ())
        yield Equation(lines=(Line(formula=equation(level.left, *members), margin=margin),))
    below = Text("levels.columns_below", {"size": size_node(shape[0])})
    if len(shape) == 2:
        below = Text("levels.rows_below")
    yield Paragraph(lead=Text("levels.as_matrix"), sentences=(below,), keep_with_next=True)
    stack = _stack(level.right, level.fixed, shape[0], view)
    formula = tree.Row((equation(gradient, stack), _box(view, made)), "implies")
    yield Equation(lines=(Line(formula=formula, margin=belongs(gradient, shape)),))


def _dot_product(
    view: View, made: Contribution, level: Level, column: Node, shapes: Mapping[str, tree.Shape]
) -> list[Node]:
    """`(w_1i ⋯ w_ki) (dz_1 ⋮ dz_k)`, each over its name."""
    size = shapes[made.through][0]
    weight = tree.names_in(column)[0]
    if not isinstance(size, str) or not isinstance(column, tree.Index):
        return []
    at = [tree.number(1), tree.Name(size)]
    cells = [
        tree.Index(tree.Name(weight), tuple(place if isinstance(p, tree.Slice) else p for p in column.places))
        for place in at
    ]
    row = tree.Matrix(((cells[0], tree.Dots("c"), cells[1]),), "row")
    arriving = [tree.Gradient(tree.Index(tree.Name(made.through), (place,))) for place in at]
    stack = tree.Matrix(((arriving[0],), (tree.Dots("v"),), (arriving[1],)), "column")
    gradient = tree.Gradient(tree.Name(made.through))
    return [tree.juxtaposed(tree.Brace(row, tree.Transpose(column)), tree.Brace(stack, gradient))]
