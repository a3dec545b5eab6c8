"""A batch: one example worked in full, the others as a table, and what is added up over all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from symbackprop.algebra.values.arrays import Array, form
from symbackprop.algebra.values.vanish import vanishes
from symbackprop.derivation.batch import Batch, batch, letter
from symbackprop.derivation.steps import Step
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, equation
from symbackprop.report.document import Block, Equation, Heading, Line, Paragraph, Part, Table, Text
from symbackprop.report.substitution import Substitution
from symbackprop.report.view import View, chain

ROWS = 8
"""Examples in the table; of more, the first ones and the last."""

STEPS = 8
"""Computed names of a model beyond which no example is worked in full."""

SUMMED = 4  # examples whose matrices stand one beside the other
WIDE = 4  # columns of such a matrix, and of what stands in the table


def examples(view: View) -> Iterator[Block]:
    """Nothing where the model has no examples, or no numbers for them."""
    found = batch(view.derivation)
    if found is None:
        return
    made = _Examples(view, found)
    yield Heading(text=Text("batch.title"), label="batch")
    if len(made.computed) <= STEPS:
        yield Paragraph(sentences=tuple(made.introduction()), keep_with_next=True)
        for formula in made.first():
            yield Equation(lines=(Line(formula=formula),))
    yield Paragraph(sentences=tuple(made.before_table()), keep_with_next=True)
    yield made.table()
    sums = list(made.sums())
    if sums:
        yield Paragraph(sentences=(Text("batch.sums"),), keep_with_next=True)
        for formula in sums:
            yield Equation(lines=(Line(formula=formula),))


@dataclass(frozen=True)
class _Examples:
    """A batch as the page shows it."""

    view: View
    batch: Batch

    @cached_property
    def index(self) -> str:
        """The letter that counts the examples."""
        return letter(self.view.derivation)

    @cached_property
    def computed(self) -> list[Step]:
        """The forward steps that have a value for each example."""
        return [step for step in self.view.derivation.forward if step.target in self.batch.axes]

    @cached_property
    def back(self) -> list[Step]:
        """The gradients that have a value for each example, the data's own left out."""
        steps = self.view.derivation.backward
        return [s for s in steps if s.target in self.batch.axes and s.target not in self.batch.data]

    def introduction(self) -> Iterator[Text]:
        """Where the examples stand."""
        axis = self.batch.axes[self.batch.data[0]]
        lone = self.batch.ranks[self.batch.data[0]] == 1
        key = "batch.entries" if lone else "batch.columns" if axis else "batch.rows"
        first, *others = self.batch.data
        parts: dict[str, Part] = {
            "name": tree.Name(first),
            "others": tuple(map(tree.Name, others)),
            "size": self.batch.size,
        }
        yield Text(key, parts)
        yield Text("batch.first")

    # --- values and formulas of one example

    def one(self, node: Node, place: int | str, *, spread: bool = True) -> Node:
        """A formula of the batch for one example; see `Batch.one`."""
        at = tree.number(place) if isinstance(place, int) else tree.Name(place)
        return self.batch.one(node, at, spread=spread)

    def value(self, node: Node, place: int, *, spread: bool = True) -> Array[Any] | None:
        """The value of a formula for one example."""
        return self.view.facts.evaluated(self.one(node, place, spread=spread))

    def shown(self, node: Node, place: int) -> tuple[Node, bool] | None:
        """It as a tree, and whether it is exact."""
        made = self.value(node, place)
        if made is None:
            return None
        return self.view.array(made), all(self.view.facts.shown(v, self.view.digits)[1] for v in made.entries)

    # --- one example in full

    def first(self) -> Iterator[Node]:
        """The lines of the first example, forward and backward."""
        for step in self.computed:
            yield from self._line(tree.Name(step.target), step)
        losses = self.losses
        if losses is not None:
            yield from self._loss_line(losses)
        for step in self.back:
            yield from self._line(tree.Gradient(tree.Name(step.target)), step)

    def _line(self, name: Node, step: Step) -> Iterator[Node]:
        """`z_{1,:} = x_{1,:} W + bᵀ = (…) = (…)`; only the value where that is another one."""
        made = self.shown(name, 1)
        if made is None:
            return
        value, exact = made
        last: tree.Relation = "=" if exact else "≈"
        left, formula = self.one(name, 1), self._first_formula(name, step)
        if formula is None:
            yield tree.Chain((left, value), (last,), (None,))
            return
        inside = self.view.relation(*self.view.used(step.formula))
        numbers = self.view.page(_OfOne(self.view, False).go(formula))
        if any(isinstance(part, tree.Quotient) and _has_matrix(part) for part in tree.walk(numbers)):
            numbers = tree.Box(value)  # a fraction of rows says nothing
        result: tree.Relation = "≈" if "≈" in (inside, last) else "="
        page = self.view.page(formula)
        yield chain(left, page, numbers, tree.Box(value), relations=("=", inside, result))

    def _first_formula(self, name: Node, step: Step) -> Node | None:
        """The step's formula for the first example, if it gives the example's value."""
        for spread in (True, False):
            formula = self.one(step.formula, 1, spread=spread)
            if self._same(self.view.facts.evaluated(formula), self.value(name, 1)):
                return formula
        return None

    def _same(self, first: Array[Any] | None, second: Array[Any] | None) -> bool:
        if first is None or second is None or form(first.shape) != form(second.shape):
            return False
        sub = self.view.facts.exact.sub
        return all(vanishes(sub(a, b)) for a, b in zip(first.entries, second.entries, strict=True))

    # --- the loss of each example

    @cached_property
    def losses(self) -> _Losses | None:
        """What each example adds to the loss; None where the loss does not say it."""
        view = self.view
        body = tree.undressed(view.derivation.step(view.loss).formula)
        terms = body.terms if isinstance(body, tree.Add) else (body,)
        own = [term for term in terms if any(name in self.batch.axes for name in tree.names_in(term))]
        rest = [term for term in terms if term not in own]
        if not own:
            return None
        formula = tree.plus(*own)
        values = [self._number(self._of_one(formula, place)) for place in self._places]
        others = [self._number(term) for term in rest]
        total = view.numbers(view.loss)
        if total is None or any(value is None for value in (*values, *others)):
            return None
        add, sub, mul = (getattr(view.facts.exact, name) for name in ("add", "sub", "mul"))
        share, left = Fraction(0), total.item
        for value in values:
            share = add(share, value)
        for value in others:
            left = sub(left, value)
        for factor in (Fraction(1), Fraction(1, self.batch.size)):
            if vanishes(sub(left, mul(factor, share))):
                return _Losses(formula, tuple(rest), factor, tuple(values))
        return None

    @property
    def _places(self) -> range:
        return range(1, self.batch.size + 1)

    def _of_one(self, formula: Node, place: int) -> Node:
        """The loss of one example; a column's norm is that of a vector, where a batch's is a matrix's."""
        made = self.one(formula, place)
        return made if self._number(made) is not None else _plain_norms(made)

    def _number(self, node: Node) -> Any:
        made = self.view.facts.evaluated(node)
        return None if made is None or len(made.entries) != 1 else made.item

    def _loss_name(self, place: int | str) -> Node:
        at = tree.number(place) if isinstance(place, int) else tree.Name(place)
        return tree.Index(tree.Name(self.view.loss), (at,))

    def _loss_line(self, losses: _Losses) -> Iterator[Node]:
        formula = self.view.page(_plain_norms(self._of_one(losses.formula, 1)))
        value, exact = self.view.facts.shown(losses.values[0], self.view.digits)
        relations: tuple[tree.Relation, ...] = ("=", "=" if exact else "≈")
        yield chain(self._loss_name(1), formula, tree.Box(value), relations=relations)

    # --- the table

    def before_table(self) -> Iterator[Text]:
        """What the table holds, and how the loss is made of its column."""
        losses = self.losses
        if losses is not None:
            total: Node = tree.Sum(
                self.index, tree.number(1), tree.number(self.batch.size), self._loss_name(self.index)
            )
            if losses.factor != 1:
                total = tree.juxtaposed(tree.Quotient(tree.number(1), tree.number(self.batch.size)), total)
            rest = tuple(map(self.view.page, losses.rest))
            yield Text(
                "batch.loss", {"statement": equation(tree.Name(self.view.loss), tree.plus(total, *rest))}
            )
        yield Text("batch.table")

    def table(self) -> Table:
        """A line for each example: z, what is made of it, its loss, dz."""
        columns = self._columns()
        losses = self.losses
        heads = [self.one(name, self.index) for name in columns]
        if losses is not None:
            heads.insert(_before_gradients(columns), self._loss_name(self.index))
        rows: list[tuple[Node | Text | None, ...]] = []
        for place in _some(self.batch.size):
            if place is None:
                rows.append(tuple(tree.Dots("v") for _ in range(len(heads) + 1)))
                continue
            cells: list[Node | Text | None] = [self._cell(name, place) for name in columns]
            if losses is not None:
                value = self.view.entry(losses.values[place - 1])
                cells.insert(_before_gradients(columns), value)
            rows.append((tree.number(place), *cells))
        names = [tree.Name(self.index), *heads]
        texts = tuple(Text("batch.column", {"name": name}) for name in names)
        claims = ("row", *("at",) * (len(texts) - 1))
        return Table(columns=texts, rows=tuple(rows), claims=claims)

    def _columns(self) -> list[Node]:
        """The last layer: its z, its output where that is another, and the gradient of z."""
        output = self.computed[-1]
        before = [step for step in self.computed if tree.Name(step.target) in _arguments(output.formula)]
        last = [*before[-1:], output]
        gradients = {step.target for step in self.back}
        names: list[Node] = [tree.Name(step.target) for step in last]
        arriving = next((step.target for step in last if step.target in gradients), None)
        return names if arriving is None else [*names, tree.Gradient(tree.Name(arriving))]

    def _cell(self, name: Node, place: int) -> Node | None:
        made = self.value(name, place)
        if made is None:
            return None
        if len(made.shape) == 1 and len(made.entries) > 1:
            return tree.Transpose(self.view.array(made.transposed()))
        return self.view.array(made)

    # --- the sums

    def sums(self) -> Iterator[Node]:
        """`dW = Xᵀ dZ = Σ_i x_iᵀ dz_i = … + … = …` for everything that all examples share."""
        for step in self.view.derivation.backward:
            if step.target not in self.batch.axes and step.rule not in {"seed", "unreached"}:
                made = self._sum(step)
                if made is not None:
                    yield made

    def _sum(self, step: Step) -> Node | None:
        terms = step.formula.terms if isinstance(step.formula, tree.Add) else (step.formula,)
        own = [term for term in terms if any(name in self.batch.axes for name in tree.names_in(term))]
        rest = [term for term in terms if term not in own]
        value = self.view.numbers("d" + step.target)
        if not own or value is None:
            return None
        body = tree.plus(*own)
        others = [self.view.facts.evaluated(term) for term in rest]
        for spread in (True, False):
            parts = [self.value(body, place, spread=spread) for place in self._places]
            if self._add_up([*parts, *others], value):
                break
        else:
            return None
        inner = self.view.page(self.one(body, self.index, spread=spread))
        if isinstance(inner, tree.Add | tree.Neg):
            inner = tree.Bracket(inner)
        total = tree.Sum(self.index, tree.number(1), tree.number(self.batch.size), inner)
        members: list[Node] = [self.view.symbol("d" + step.target), self.view.page(step.formula)]
        members.append(tree.plus(total, *map(self.view.page, rest)))
        relations: list[tree.Relation] = ["=", "="]
        inside = self.view.relation(*self.view.used(step.formula))
        small = self.batch.size <= SUMMED and max((*value.shape[1:], 1)) <= WIDE
        if small:
            known = [part for part in (*parts, *others) if part is not None]
            members.append(_added([self.view.array(part.reshaped(value.shape)) for part in known]))
            relations.append(inside)
        last = "≈" if "≈" in (inside, self.view.relation("d" + step.target)) else "="
        return chain(*members, tree.Box(self.view.array(value)), relations=(*relations, last))  # type: ignore[arg-type]

    def _add_up(self, parts: Sequence[Array[Any] | None], value: Array[Any]) -> bool:
        """Whether the parts have the shape of the gradient and add up to it."""
        if any(part is None or form(part.shape) != form(value.shape) for part in parts):
            return False
        add, sub = self.view.facts.exact.add, self.view.facts.exact.sub
        for at, wanted in enumerate(value.entries):
            total: Any = Fraction(0)
            for part in parts:
                total = add(total, part.entries[at])  # type: ignore[union-attr]  # none of them is None
            if not vanishes(sub(total, wanted)):
                return False
        return True


@dataclass(frozen=True, slots=True)
class _Losses:
    """`L = factor · Σ_i L_i + rest`, with the formula of L_i as one of the whole batch."""

    formula: Node
    rest: tuple[Node, ...]
    factor: Fraction
    values: tuple[Any, ...]


class _OfOne(Substitution):
    """Numbers for the rows and columns of one example."""

    def go(self, node: Node) -> Node:
        match node:
            case (
                tree.Index()
                | tree.Gradient(tree.Index())
                | tree.Transpose(tree.Index() | tree.Gradient(tree.Index()))
            ):
                made = self.view.facts.evaluated(node)
                return node if made is None else self.view.array(made)
        return super().go(node)


def _arguments(formula: Node) -> tuple[Node, ...]:
    """What a function is applied to, where the formula is nothing else."""
    bare = tree.undressed(formula)
    return bare.args if isinstance(bare, tree.Call) else ()


def _has_matrix(node: Node) -> bool:
    return any(isinstance(part, tree.Matrix) for part in tree.walk(node))


def _plain_norms(node: Node) -> Node:
    """The norm of one example is that of a vector, whatever the batch is."""
    node = tree.rebuild(node, _plain_norms)
    if isinstance(node, tree.Norm) and node.kind == "F":
        return tree.Norm(node.body)
    return node


def _before_gradients(columns: Sequence[Node]) -> int:
    return sum(not isinstance(name, tree.Gradient) for name in columns)


def _some(size: int) -> list[int | None]:
    """The examples of the table: all, or the first ones, a gap and the last."""
    if size <= ROWS:
        return list(range(1, size + 1))
    return [*range(1, ROWS - 1), None, size]


def _added(parts: Sequence[Node]) -> Node:
    """`M₁ + M₂`; a negative number that is added stands in brackets."""
    first, *others = parts
    return tree.plus(first, *(tree.Bracket(part) if isinstance(part, tree.Neg) else part for part in others))
