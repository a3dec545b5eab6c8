"""The ledger of dimensions: every equation and every gradient with the sizes of its factors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from symbackprop.algebra.spell import size_node
from symbackprop.derivation.steps import Layer, Step
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Shape, equation
from symbackprop.notation.write import to_latex
from symbackprop.report.document import Block, Paragraph, Table, Text
from symbackprop.report.measure import width
from symbackprop.report.sections.given import is_short
from symbackprop.report.view import View

WIDEST_ROW = 42
"""em of a formula and its dimensions; beside a longer one only the dimensions of the result stand."""

Row = tuple[Node | Text | None, ...]


def ledger(view: View, *, short: bool = False) -> Iterator[Block]:
    """Every formula with the dimensions of its factors: the product has the target's.

    A `short` one leaves out the layers that only repeat another.
    """
    derivation = view.derivation
    hidden = view.ladder.hidden if short and view.ladder is not None else frozenset()
    forward = [step for step in derivation.forward if step.target not in hidden]
    backward = [
        step for step in derivation.backward
        if step.rule not in {"seed", "unreached"} and step.target not in hidden
    ]  # fmt: skip
    layers = tuple(view.facts.alone)
    general = any(isinstance(size, int) for layer in layers for size in layer.sizes.values())
    columns = [Text("ledger.formula"), Text("ledger.here")]
    if general:
        sizes = tuple(tree.Name(name) for name, size in layers[0].sizes.items() if name != str(size))
        columns.append(Text("ledger.general", {"sizes": sizes, "count": len(sizes)}))
    columns.append(Text("ledger.like"))
    rows = [_row(view, step, layers if general else ()) for step in (*forward, *backward)]
    sentences = [Text("ledger.sentence")]
    if any(_has_sign(step.formula, "odot") and not view.lone(step.target) for step in backward):
        sign = tree.times(tree.Name("u"), tree.Name("v"), sign="odot")
        sentences.append(Text("ledger.hadamard", {"sign": sign}))
    if hidden:
        sentences.append(Text("levels.same"))
    yield Paragraph(lead=Text("ledger.title"), sentences=tuple(sentences), keep_with_next=True)
    claims = ("is", *("sizes",) * (len(columns) - 2), "")
    yield Table(columns=tuple(columns), rows=tuple(rows), claims=claims)


def _has_sign(node: Node, sign: str) -> bool:
    return any(isinstance(part, tree.Product) and sign in part.signs for part in tree.walk(node))


def _row(view: View, step: Step, layers: tuple[Layer, ...]) -> Row:
    name = ("d" if step.gradient else "") + step.target
    left, right = tree.stated(view.symbol(name), _formula(view, step))
    here = dimensions(step.formula, step.shape, view.derivation.exercise.shapes)
    if width(to_latex(equation(left, right))) + width(to_latex(here)) > WIDEST_ROW:
        here = sizes_of(step.shape)
    cells: list[Node | Text | None] = [equation(left, right), here]
    if layers:
        cells.append(_in_general(step, layers))
    cells.append(tree.Name(step.target) if step.gradient else None)
    return tuple(cells)


def _formula(view: View, step: Step) -> Node:
    """The formula; of a loss with a long name (`half_squared_error`) what it stands for."""
    calls = [call for call in view.facts.model.calls(step.formula) if not step.gradient]
    rows = [row for call in calls if (row := view.facts.model.row(call.function)) is not None]
    if any(row.kind == "loss" and not is_short(row) for row in rows):
        return view.loss_formula()[-1]
    return view.page(step.formula)


def _in_general(step: Step, layers: tuple[Layer, ...]) -> Node | None:
    """The same with any sizes, where the step is one of a layer's."""
    layer = next((one for one in layers if step.target in one.shapes), None)
    if layer is None:
        return None
    shape = layer.shapes[step.target]
    formula = _any_ones(step.formula, layer)
    inside = formula is not None and all(name in layer.shapes for name in tree.names_in(step.formula))
    return dimensions(formula, shape, layer.shapes) if formula is not None and inside else sizes_of(shape)


def _any_ones(formula: Node, layer: Layer) -> Node | None:
    """The formula with `ones(4)` as `ones(m)`; None where two sizes are 4 and either may be meant."""
    counts = {part.size for part in tree.walk(formula) if isinstance(part, tree.Ones)}
    table: dict[Node, Node] = {}
    for count in counts:
        if isinstance(count, tree.Number):
            meant = [name for name, size in layer.sizes.items() if size == count.value]
            if len(meant) != 1:
                return None
            table[count] = tree.Name(meant[0])

    def change(node: Node) -> Node:
        if isinstance(node, tree.Ones):
            return tree.Ones(table.get(node.size, node.size)) if node.size is not None else node
        return tree.rebuild(node, change)

    return change(formula)


def dimensions(formula: Node, shape: Shape, shapes: Mapping[str, Shape]) -> Node:
    """`(k×n)(n×1) + k×1 = k×1`; only the result where a part has no dimensions to show."""
    result = sizes_of(shape)
    made = None if isinstance(formula, tree.Entrywise) else _worked(formula, shapes)
    return result if made is None or made == result else equation(made, result)


def sizes_of(shape: Shape) -> Node:
    """`k×n`; a vector is a column, one number 1×1."""
    full = (*shape, *((1,) * (2 - len(shape))))
    return tree.Sizes(tuple(size_node(size) for size in full))


def _worked(node: Node, shapes: Mapping[str, Shape]) -> Node | None:
    """The dimensions of a formula, factor by factor; None where they say nothing."""
    match node:
        case tree.Add(terms):
            made = [_worked(term, shapes) for term in terms]
            known = [
                tree.Neg(part) if isinstance(term, tree.Neg) else part
                for term, part in zip(terms, made, strict=True)
                if part is not None
            ]
            if len(known) < len(made) or all(isinstance(part, tree.Sizes) for part in made):
                return None  # equal dimensions on both sides of a sign: nothing to see
            return tree.plus(*known)
        case tree.Product(factors, signs):
            return _product(factors, signs, shapes)
        case tree.Neg(body) | tree.Bracket(body):
            return _worked(body, shapes)
    shape = _shape(node, shapes)
    return None if shape is None else sizes_of(shape)


def _product(factors: tuple[Node, ...], signs: tuple[str, ...], shapes: Mapping[str, Shape]) -> Node | None:
    """`(k×1)(1×n)`; a factor that is one number has no part in it."""
    kept: list[Node] = []
    between: list[str] = []
    for place, factor in enumerate(factors):
        if _is_number(factor, shapes):
            continue
        made = _worked(factor, shapes)
        if made is None:
            return None
        if kept:
            between.append("odot" if signs[place - 1] in ("odot", "*") else "")
        kept.append(tree.Bracket(made))
    if len(kept) < 2:
        only = kept[0] if kept else None
        return only.body if isinstance(only, tree.Bracket) else None
    return tree.Product(tuple(kept), tuple(between))


def _is_number(node: Node, shapes: Mapping[str, Shape]) -> bool:
    """Whether a factor is a single number without any axis."""
    names = [part for part in tree.walk(node) if isinstance(part, tree.Name)]
    plain = isinstance(node, tree.Number | tree.Name | tree.Gradient | tree.Quotient | tree.Neg)
    return plain and all(shapes.get(part.name, ()) == () for part in names)


def _shape(node: Node, shapes: Mapping[str, Shape]) -> Shape | None:
    """The shape of a factor: a name, its transpose, or a function of it."""
    match node:
        case tree.Name(name) | tree.Gradient(tree.Name(name)):
            return shapes.get(name)
        case tree.Transpose(body):
            inner = _shape(body, shapes)
            if inner is None or len(inner) > 2:
                return None
            return (1, *inner) if len(inner) == 1 else (*reversed(inner),)
        case tree.Call(function, (arg,), options, _) if function not in _GATHERING and not options:
            return _shape(arg, shapes)
        case tree.Bracket(body) | tree.Neg(body):
            return _shape(body, shapes)
        case tree.Ones(size) if isinstance(size, tree.Number | tree.Name):
            return (int(size.value),) if isinstance(size, tree.Number) else (size.name,)
    return None


_GATHERING = frozenset({"sum", "mean", "trace", "diag", "eye", "zeros", "ones"})
"""Calls of one argument whose result has other dimensions."""
