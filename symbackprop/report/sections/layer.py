"""Many neurons: W with its rows, and what an input receives back from all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from symbackprop import limits
from symbackprop.algebra.spell import size_node, spelled
from symbackprop.derivation.backward import levels as coarser
from symbackprop.derivation.steps import Contribution, Layer, Level
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, equation
from symbackprop.report.diagram import fan
from symbackprop.report.document import Block, Equation, Heading, Line, Paragraph, Text
from symbackprop.report.ladder import LONG
from symbackprop.report.roles import holds_examples
from symbackprop.report.view import View, belongs


def layer(view: View, *, picture: bool = True, short: bool = False) -> Iterator[Block]:
    """For each layer with more than one neuron: its rows, and (`picture`) what an input gets back.

    A `short` one shows the first layer alone where there are many.
    """
    found = [one for one in view.facts.general if _weight(view, one) is not None]
    if not found:
        return
    yield Heading(text=Text("layer.title"), label="layer")
    others = short and view.ladder is not None and len(view.ladder) >= LONG
    found = found[:1] if others else found
    for one in found:
        yield from _rows(view, one)
        if picture:
            yield from _input(view, one)
    if others:
        yield Paragraph(sentences=(Text("levels.same"),))


def _weight(view: View, one: Layer) -> str | None:
    """The matrix of a layer whose rows are neurons, where there are several."""
    for made in one.contributions:
        name = view.facts.weight_of(made)
        if name is None or holds_examples(view.derivation.exercise, name, made.target):
            continue
        if len(view.shape(name)) == 2 and view.shape(name)[0] != 1:
            return name
    return None


def _rows(view: View, one: Layer) -> Iterator[Block]:
    weight = _weight(view, one)
    assert weight is not None
    shape = view.shape(weight)
    through = one.equations[0].name
    count = size_node(shape[0])
    parts = {"size": count, "name": tree.Name(weight), "through": tree.Name(through)}
    yield Paragraph(sentences=(Text("layer.rows", parts),))
    members: list[Node] = [tree.Name(weight), _stacked(weight, shape[0])]
    value = view.value(weight)
    if value is not None:
        members.append(value)
    signs: list[tree.Relation] = ["="] * (len(members) - 1)
    statement = tree.Chain((*members, view.space(weight)), (*signs, "∈"), (None,) * len(members))
    yield Equation(lines=(Line(formula=statement),))


def _stacked(weight: str, size: tree.Size) -> Node:
    """The rows `w_{1,:}` … `w_{k,:}`, each between rules."""

    def row(place: Node) -> tuple[Node, ...]:
        entry = tree.Index(tree.Name(weight), (place, tree.Slice()))
        return (tree.Word("rule"), entry, tree.Word("rule"))

    if isinstance(size, int) and size <= min(4, limits.SHOWN_ROWS):
        return tree.Matrix(tuple(row(tree.number(place)) for place in range(1, size + 1)), "matrix")
    dots: tuple[Node, ...] = (tree.Word("nothing"), tree.Dots("v"), tree.Word("nothing"))
    return tree.Matrix((row(tree.number(1)), dots, row(size_node(size))), "matrix")


def _input(view: View, one: Layer) -> Iterator[Block]:
    """«If I am x_i»: I feed all neurons through column i; what comes back is added up."""
    for made in one.contributions:
        if view.facts.weight_of(made) is None:
            continue
        for level in coarser(made, one.shapes):
            column = view.facts.column_of(level)
            if column is None:
                continue
            yield from returning(view, made, level, column, one.shapes)


def returning(
    view: View, made: Contribution, level: Level, column: Node, shapes: Mapping[str, tree.Shape]
) -> Iterator[Block]:
    """The rows of z with their x_i beside the fan of arrows, and the sum that comes back."""
    entry = tree.Index(tree.Name(made.target), (tree.Name(level.fixed),))
    derivative = tree.Derivative(tree.Name(made.through), entry, inline=True)
    yield Paragraph(
        sentences=(Text("layer.input", {"entry": entry, "statement": equation(derivative, column)}),)
    )
    through = tree.Index(tree.Name(made.through), (tree.Name("j"),))
    drawn = neurons(view, made, shapes, through, entry)
    if drawn is not None:
        yield drawn
    total = tree.Sum("j", tree.number(1), size_node(shapes[made.through][0]), _term(view, made))
    yield Equation(lines=(Line(formula=equation(level.left, total, level.right)),))


def _term(view: View, made: Contribution) -> Node:
    letters = dict(view.facts.letters_for(made))
    through = tree.Gradient(tree.Index(tree.Name(made.through), (tree.Name("j"),)))
    return tree.juxtaposed(through, spelled(made.collapsed, letters, avoid=view.derivation.exercise.shapes))


def neurons(
    view: View, made: Contribution, shapes: Mapping[str, tree.Shape], through: Node, entry: Node
) -> Block | None:
    """The rows of z with their x_i, beside the fan of arrows (the notes' last page)."""
    weight = view.facts.weight_of(made)
    size = shapes[made.through][0] if len(shapes[made.through]) == 1 else None
    if weight is None or not isinstance(size, str) or made.free != ("i",):
        return None
    letters = dict(view.facts.letters_for(made))
    index = letters[made.summed[0]]
    factor = spelled(made.collapsed, letters, avoid=view.derivation.exercise.shapes)
    rows: list[Node] = []
    for place in (tree.number(1), tree.number(2), None, tree.Name(size)):
        if place is None:
            rows.append(tree.Dots("v"))
            continue
        term = tree.replace_names(tree.juxtaposed(*tree.plain_factors(factor), entry), {index: place})
        left = tree.replace_names(through, {index: place})
        rows.append(equation(left, tree.Add((tree.Dots("c"), term, tree.Dots("c")))))
    statement = equation(tree.Derivative(through, entry), view.page(factor))
    stack = tree.Stack(tuple(rows), belongs(tree.Name(made.through), shapes[made.through]))
    parts = {"source": entry, "layer": tree.Name(made.through), "size": tree.Name(size)}
    picture = fan(made.through, made.target, weight, size=size, alternative=Text("levels.fan_text", parts))
    return replace(picture, beside=tree.Row((stack, statement), "implies"))
