"""The delta recursion: the step from any layer to the one below it, and a table of all layers."""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop.notation import tree
from symbackprop.notation.tree import Name, Node, equation
from symbackprop.report.document import Block, Equation, Line, Paragraph, Table, Text
from symbackprop.report.ladder import LONG, Ladder, contribution
from symbackprop.report.view import View

NARROW = 4
"""Columns of so few numbers stand side by side in the table of values."""

_LETTERS = ("g", "phi", "psi")  # for the activation of any layer, where they differ


def recursion(view: View, *, short: bool = False) -> Iterator[Block]:
    """The step once for any layer, then every layer; `short` says what the page leaves to the table."""
    found = view.ladder
    if found is None:
        return
    general = _General(view, found)
    yield Paragraph(lead=Text("deep.title"), sentences=tuple(general.sentences()), keep_with_next=True)
    yield Equation(lines=(Line(formula=tree.Box(general.returning())),))
    own = general.own()
    if own:
        yield Paragraph(sentences=(Text(general.key("own")),), keep_with_next=True)
        yield Equation(lines=(Line(formula=tree.Row(tuple(own), ",")),))
    yield Paragraph(sentences=tuple(general.before_table(short)), keep_with_next=True)
    yield general.table()
    if short and found.hidden and (last := general.input()) is not None:
        yield Paragraph(sentences=(Text("deep.input", {"statement": last}),))


def repeated(view: View) -> frozenset[str]:
    """What the layers after the first compute, where they are many."""
    found = view.ladder
    if found is None or len(found) < LONG:
        return frozenset()
    return frozenset(name for rung in found.rungs[1:] for name in (rung.affine, rung.output))


def repeats(view: View) -> Iterator[Block]:
    """The values of all layers after the first as a table; without values only that they are alike."""
    found = view.ladder
    assert found is not None
    if view.value(found.rungs[1].affine) is None:
        yield Paragraph(sentences=(Text("deep.same"),))
        return
    yield Paragraph(sentences=(Text("deep.values"),), keep_with_next=True)
    pairs = [tuple(dict.fromkeys((rung.affine, rung.output))) for rung in found.rungs]
    narrow = all(len(view.shape(pair[0])) < 2 and _entries(view, pair[0]) <= NARROW for pair in pairs)
    rows: list[tuple[Node | Text | None, ...]] = []
    for place, pair in list(enumerate(pairs))[1:]:
        number, cells = tree.number(found.number(place)), [_value(view, name) for name in pair]
        if narrow:
            rows.append((number, *cells))
        else:
            rows += [(None if at else number, cell) for at, cell in enumerate(cells)]
    columns = [Text("deep.value")]
    if narrow:
        columns = [Text("deep.column", {"name": found.name(role)}) for role in pairs[0]]
    head = Text(_General(view, found).key("layer"))
    yield Table(columns=(head, *columns), rows=tuple(rows))


def _entries(view: View, name: str) -> int:
    numbers = view.numbers(name)
    return 0 if numbers is None else len(numbers.entries)


def _value(view: View, name: str) -> Node | None:
    """`z_2 ≈ (0.1 0.2)ᵀ`."""
    upright = len(view.shape(name)) == 1 and not view.lone(name)
    value = view.value(name, transposed=upright)
    if value is None:
        return Name(name)
    shown = tree.Transpose(value) if upright else value
    return tree.Chain((Name(name), shown), (view.relation(name),), (None,))


class _General:
    """The formulas of any layer, taken from those of the lowest one."""

    def __init__(self, view: View, ladder: Ladder) -> None:
        self.view, self.ladder = view, ladder
        self.first, self.above = ladder.rungs[0], ladder.rungs[1]

    def any(self, node: Node) -> Node:
        """A formula of the lowest layer as one of any layer."""
        return self.renamed(self.ladder.general(node, 0))

    def renamed(self, node: Node) -> Node:
        """The activation by one letter where the layers have several."""
        if len(self.ladder.functions) < 2:
            return node
        taken = {*self.view.derivation.exercise.shapes, *self.view.letters.values()}
        letter = next((one for one in _LETTERS if one not in taken), "g")
        functions = {self.view.letters.get(name, name) for name in self.ladder.functions}

        def change(part: Node) -> Node:
            part = tree.rebuild(part, change)
            if isinstance(part, tree.Call) and part.function in functions and len(part.args) == 1:
                return tree.Call(letter, part.args, (), part.primes)
            return part

        return change(node)

    # --- what is said ------------------------------------------------------------------------

    def key(self, what: str, more: str = "") -> str:
        """The sentence as it is said of layers, or of the steps of a recurrent cell."""
        of = "_cell" if self.ladder.shared else ""
        return f"deep.{what}{of}{more}"

    def sentences(self) -> Iterator[Text]:
        equations = [self.forward(self.first.affine)]
        if self.first.output != self.first.affine:
            equations.append(self.forward(self.first.output))
        first = self.ladder.zeroth()
        suffix = "" if first != Name(self.first.incoming) else "_only"
        statement = equation(first, Name(self.first.incoming))
        yield Text(self.key("form", suffix), {"equations": tuple(equations), "first": statement})
        yield from self.last()
        if self.first.output == self.first.affine:
            yield Text(self.key("step", "_bare"))
            return
        arriving = tree.Gradient(self.ladder.name(self.first.output))
        statement = equation(arriving, self.any(self.formula(self.first.output)))
        yield Text(self.key("step"), {"statement": statement})

    def last(self) -> Iterator[Text]:
        """What the last layer applies where that is another function, or none."""
        rung = self.ladder.rungs[-1]
        if rung.function in self.ladder.functions or self.first.output == self.first.affine:
            return
        if rung.output == rung.affine:
            yield Text("deep.last_bare", {"name": Name(rung.affine)})
            return
        body = self.view.page(self.view.derivation.step(rung.output).formula)
        yield Text("deep.last", {"statement": equation(Name(rung.output), body)})

    def forward(self, name: str) -> Node:
        body = self.view.page(self.view.derivation.step(name).formula)
        return equation(self.any(Name(name)), self.any(body))

    def formula(self, name: str) -> Node:
        return self.view.formula("d" + name)

    # --- the step ----------------------------------------------------------------------------

    def returning(self) -> Node:
        """`dz_l = (W_{l+1}ᵀ dz_{l+1}) ⊙ g'(z_l)`."""
        symbol = tree.Gradient(self.ladder.name(self.first.affine))
        return equation(symbol, self.any(self.whole(0)))

    def whole(self, place: int) -> Node:
        """The gradient of z in that of the layer above, with what stands between put in."""
        rung = self.ladder.rungs[place]
        formula = self.formula(rung.affine)
        if rung.output == rung.affine or place == len(self.ladder) - 1:
            return formula
        arriving = tree.Gradient(Name(rung.output))
        return _put(formula, arriving, tree.Bracket(self.formula(rung.output)))

    def own(self) -> list[Node]:
        """`dW_l = dz_l a_{l-1}ᵀ`, `db_l = dz_l`; a sum over all layers for what they share."""
        made: list[Node] = []
        for name in self.first.own:
            formula = self.of_own(name, 0)
            if formula is None:
                continue
            general = self.any(formula)
            if name in self.ladder.shared:
                high = tree.number(self.ladder.number(len(self.ladder) - 1))
                general = tree.Sum(self.ladder.index, tree.number(self.ladder.number(0)), high, general)
                made.append(equation(tree.Gradient(Name(name)), general))
            else:
                made.append(equation(tree.Gradient(self.ladder.name(name)), general))
        return made

    def of_own(self, role: str, place: int) -> Node | None:
        """What a layer sends back to W: its whole gradient, or a share of it where W is shared."""
        name = self.ladder.names(role)[place]
        if "d" + name not in self.view.derivation.quantities:
            return None
        step = self.view.derivation.step("d" + name)
        if role not in self.ladder.shared and len(step.substeps) > 1:
            return None  # it is used elsewhere too: the whole gradient is no layer's own
        made = contribution(step, self.ladder.rungs[place].affine)
        if role in self.ladder.shared:
            return None if made is None or made.matrix is None else self.view.page(made.matrix)
        return self.formula(name)

    # --- the table ---------------------------------------------------------------------------

    def before_table(self, short: bool) -> Iterator[Text]:
        if short and self.ladder.hidden:
            yield Text("deep.short")
        if self.ladder.shared:
            names = tuple(Name(name) for name in self.ladder.shared)
            yield Text("deep.shared", {"names": names, "count": len(names)})
        last = self.ladder.rungs[-1].affine
        yield Text(self.key("table"), {"last": equation(tree.Gradient(Name(last)), self.formula(last))})

    def table(self) -> Table:
        """Layer, z, dz and its own gradients, from the last layer down."""
        roles = [name for name in self.first.own if self.of_own(name, 0) is not None]
        symbols = [self.ladder.name(self.first.affine)]
        gradients = [tree.Gradient(self.ladder.name(name)) for name in (self.first.affine, *roles)]
        columns = [Text(self.key("layer"))]
        columns += [Text("deep.column", {"name": symbol}) for symbol in (*symbols, *gradients)]
        rows = [self.row(place, roles) for place in reversed(range(len(self.ladder)))]
        return Table(columns=tuple(columns), rows=tuple(rows))

    def row(self, place: int, roles: list[str]) -> tuple[Node | Text | None, ...]:
        rung = self.ladder.rungs[place]
        body = self.view.page(self.view.derivation.step(rung.affine).formula)
        cells: list[Node | Text | None] = [
            tree.number(self.ladder.number(place)),
            equation(Name(rung.affine), body),
            equation(tree.Gradient(Name(rung.affine)), self.whole(place)),
        ]
        for role in roles:
            formula = self.of_own(role, place)
            name = self.ladder.names(role)[place]
            if formula is None:
                cells.append(None)
            elif role in self.ladder.shared:
                cells.append(formula)
            else:
                cells.append(equation(tree.Gradient(Name(name)), formula))
        return tuple(cells)

    def input(self) -> Node | None:
        """`dx = W_1ᵀ dz_1`, where it was asked for."""
        name = self.first.incoming
        if "d" + name not in self.view.derivation.quantities:
            return None
        return equation(tree.Gradient(Name(name)), self.formula(name))


def _put(node: Node, old: Node, new: Node) -> Node:
    """`node` with one part replaced."""
    return new if node == old else tree.rebuild(node, lambda part: _put(part, old, new))
