"""The picture of the computation with what its boxes and arrows say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from symbackprop.algebra.values.arrays import Array
from symbackprop.exercise.layers import layer_names
from symbackprop.notation import tree
from symbackprop.notation.tree import Node
from symbackprop.report.diagram import graph, room_of, width_with
from symbackprop.report.document import Block, Diagram, Paragraph, Text
from symbackprop.report.ladder import contribution
from symbackprop.report.operations import free_names
from symbackprop.report.view import View

MOST_IN_GRAPH = 14
"""Equations beyond which the picture would be no picture."""

SMALLEST = 0.8
"""Of its size: a picture that has to shrink further is tried with less in its boxes."""

TINY = 0.45
"""The same, and below it there is no picture at all."""

READABLE = 0.5
"""The same, with a fold counted: below it only names are left in the boxes."""

_FOLDED = 0.15  # of its size: what it is worth to have the picture in one row
_READ = 24  # leaves of a value; longer ones are left out
_LONE_ROUTES = 2  # arrows besides the first that given variables may send about the picture


def picture(view: View) -> Iterator[Block]:
    """The graph: forward values in black, gradients in red."""
    exercise = view.derivation.exercise
    if len(exercise.equations) > MOST_IN_GRAPH:
        return
    sentences = [Text("graph.sentence")]
    repeated = repeated_names(view)
    if repeated:
        names = tuple(tree.Name(name) for name in repeated)
        sentences.append(Text("graph.repeated", {"names": names, "count": len(names)}))
    made = best(view, repeated)
    if room_of(made)[0] < TINY:
        return
    yield Paragraph(lead=Text("graph.title"), sentences=tuple(sentences), keep_with_next=True)
    yield made


def repeated_names(view: View) -> tuple[str, ...]:
    """The given names that the picture draws at each of their uses, lest arrows run everywhere."""
    exercise = view.derivation.exercise
    uses = Counter(name for one in exercise.equations for name in set(free_names(one.body)))
    several = [name for name in exercise.given if uses[name] > 1 and "d" + name in view.derivation.quantities]
    if sum(uses[name] - 1 for name in several) <= _LONE_ROUTES:
        return ()
    return tuple(several)


def best(view: View, repeated: tuple[str, ...] = ()) -> Diagram:
    """The picture with as much in its boxes as the page has room for."""
    found: list[tuple[float, Diagram]] = []
    valued = any(view.value(name) is not None for name in view.derivation.exercise.given)
    for rich, upright in ((True, False), (False, True)):
        made = _Labels(view, rich=rich, upright=upright, named=not valued).picture(repeated)
        size, folded = room_of(made)
        if size >= SMALLEST and not folded:
            return made
        found.append((size - (_FOLDED if folded else 0.0), made))
    size, made = max(found, key=lambda one: one[0])
    if size >= READABLE or not valued:
        return made
    named = _Labels(view, rich=False, upright=False, named=True).picture(repeated)
    return named if room_of(named)[0] > 0 else made


@dataclass(frozen=True)
class _Labels:
    """What the boxes say: with `rich` also the intermediates, `upright` columns, or names alone (`named`)."""

    view: View
    rich: bool
    upright: bool
    named: bool

    def picture(self, repeated: tuple[str, ...]) -> Diagram:
        exercise = self.view.derivation.exercise
        names = tuple(tree.Name(one.name) for one in exercise.equations)
        inputs = tuple(tree.Name(name) for name in exercise.given)
        return graph(
            [(one.name, self.view.page(one.body)) for one in exercise.equations],
            upper=self.labelled,
            lower=lambda name: self.labelled("d" + name) if "d" + name in self.computed else None,
            factor=self.factor,
            inner=self.inner,
            note=self.note,
            local=self.local if self.scalars else None,
            shown=self.valued,
            share=self.share,
            repeated=repeated,
            split=self.scalars,
            label_width=width_with(exercise.layer_marks, layer_names(exercise.shapes)),
            alternative=Text("graph.text", {"inputs": inputs, "names": names}),
        )

    @cached_property
    def computed(self) -> frozenset[str]:
        steps = self.view.derivation.steps
        return frozenset(("d" if step.gradient else "") + step.target for step in steps)

    @cached_property
    def scalars(self) -> bool:
        """A circuit of plain numbers, whose last equation compares nothing with data."""
        exercise = self.view.derivation.exercise
        names = {name for one in exercise.equations for name in free_names(one.body)}
        if any(exercise.shapes.get(name, ()) != () for name in names):
            return False
        data = {tree.Name(name) for name in exercise.given if "d" + name not in self.computed}
        compared = [
            term.body if isinstance(term, tree.Neg) else term
            for part in tree.walk(exercise.equations[-1].body) if isinstance(part, tree.Add)
            for term in part.terms
        ]  # fmt: skip
        model = self.view.facts.model
        rows = [model.row(call.function) for call in model.calls(exercise.equations[-1].body)]
        named = any(row is not None and row.kind == "loss" for row in rows)
        return not named and not data & set(compared)

    # --- boxes -------------------------------------------------------------------------------

    def labelled(self, name: str) -> Node:
        """`z = 1`; a column as the transpose of a row; only the name where there is no short value."""
        view = self.view
        symbol = view.symbol(name)
        numbers = None if self.named or view.expanded(name) else view.numbers(name)
        if numbers is None or not self.short(numbers):
            return symbol
        column = len(numbers.shape) == 1 and len(numbers.entries) > 1 and not self.upright
        value = view.array(numbers.transposed() if column else numbers)
        if _leaves(value) > _READ:
            return symbol
        shown = tree.Transpose(value) if column else value
        return tree.Chain((symbol, shown), (view.relation(name),), (None,))

    def short(self, numbers: Array[object]) -> bool:
        """Whether a box has room for an array."""
        most = 3 if self.upright and len(numbers.shape) == 1 else 4
        if len(numbers.shape) > 2 or len(numbers.entries) > most:
            return False
        return len(numbers.shape) < 2 or numbers.shape[0] <= 2

    def note(self, name: str) -> Node | None:
        given = name in self.view.derivation.exercise.given
        return tree.Word("datum") if given and "d" + name not in self.computed else None

    def share(self, name: str, through: str) -> Node | None:
        """`+ dz_2 h_1ᵀ`: what comes back to a shared variable from one of its uses."""
        made = contribution(self.view.derivation.step("d" + name), through)
        if made is None or made.matrix is None:
            return None
        formula = self.view.page(made.matrix)
        value = None if self.named else self.view.facts.evaluated(made.matrix)
        if value is not None and self.short(value):
            formula = self.view.array(value)
        return tree.Add((tree.Word("nothing"), formula))

    def inner(self, expression: Node, gradient: Node | None) -> tuple[Node, Node | None] | None:
        """`Wx = −6` for what stands between two operations, and its gradient; None for no box."""
        view = self.view
        value = view.facts.evaluated(expression)
        if value is None or len(value.entries) != 1 or self.named:
            shown = (gradient is not None and not tree.names_in(gradient)) or self.scalars
            red = None if gradient is None or not shown else view.page(gradient)
            return (view.page(expression), red) if self.rich or self.scalars else None
        arriving = None if gradient is None else view.facts.evaluated(gradient)
        red = None
        if arriving is not None and len(arriving.entries) == 1:
            red = view.facts.shown(arriving.entries[0], view.digits)[0]
        return self.with_value(view.page(expression), value), red

    def with_value(self, formula: Node, value: Array[object]) -> Node:
        node, exact = self.view.facts.shown(value.entries[0], self.view.digits)
        return tree.Chain((formula, node), ("=" if exact else "≈",), (None,))

    # --- factors -----------------------------------------------------------------------------

    def factor(self, target: str, through: str) -> Node | None:
        """The local factor beside the arrow from `through` back to `target`."""
        made = contribution(self.view.derivation.step("d" + target), through)
        if made is None or (made.matrix is None and made.local is None):
            return None
        if made.rule == "loss":
            return self.valued(made.matrix) if made.matrix is not None else None
        if made.local is not None:
            return self.valued(made.local)
        through_it = tree.Gradient(tree.Name(through))
        rest = [part for part in _flat(made.matrix) if part != through_it]
        plain = rest and not any(isinstance(part, tree.Gradient) for one in rest for part in tree.walk(one))
        return self.view.page(tree.juxtaposed(*rest)) if plain else None

    def valued(self, local: Node) -> Node:
        """`g'(1) = 1`, `z = −4`: a factor that is one number, with its value."""
        page = self.view.page(local)
        value = None if self.named else self.view.facts.evaluated(local)
        if value is None or len(value.entries) != 1 or not tree.names_in(local):
            return page
        node, exact = self.view.facts.shown(value.entries[0], self.view.digits)
        if isinstance(local, tree.Call) and local.primes:
            page = self.view.page(tree.rebuild(local, self.view.with_numbers))
        strange = {part.function for part in tree.walk(page) if isinstance(part, tree.Call)} - self.functions
        if strange or _leaves(page) > 4:
            return node if exact else tree.Chain((tree.Word("nothing"), node), ("≈",), (None,))
        return tree.Chain((page, node), ("=" if exact else "≈",), (None,))

    @cached_property
    def functions(self) -> frozenset[str]:
        """The functions that the model's equations show."""
        equations = self.view.derivation.exercise.equations
        pages = [self.view.page(one.body) for one in equations]
        return frozenset(c.function for page in pages for c in tree.walk(page) if isinstance(c, tree.Call))

    def local(self, operation: Node, place: int) -> Node | None:
        """The derivative of an operation on numbers by one of its operands."""
        match operation:
            case tree.Product(factors):
                rest = [factor for at, factor in enumerate(factors) if at != place]
                return tree.juxtaposed(*rest) if rest else None
            case tree.Quotient(above, below):
                over = tree.Power(below, tree.number(2))
                if place == 0:
                    return tree.Quotient(tree.number(1), below)
                return tree.Neg(tree.Quotient(above, over))
            case tree.Power(tree.Constant()):
                return operation
            case tree.Power(base, tree.Number(value)) if value == 2:
                return tree.juxtaposed(tree.number(2), base)
            case tree.Power(base, tree.Number(value)):
                power = tree.Power(base, tree.number(value - 1))
                return tree.juxtaposed(tree.number(value), power)
            case tree.Neg():
                return tree.number(-1)
            case tree.Call("max" | "min" as which, (first, second), _, 0):
                return self.chosen(which, (first, second), place)
            case tree.Call(function, (argument,), options, 0):
                return tree.Call(function, (argument,), options, 1)
        return None

    def chosen(self, which: str, args: tuple[Node, Node], place: int) -> Node | None:
        """1 for the operand that max takes and 0 for the other; None at a tie, and without numbers."""
        values = [self.view.facts.evaluated(arg) for arg in args]
        entries = [None if value is None else value.entries[0] for value in values]
        if None in entries:
            return None
        sign = self.view.facts.sign(entries[0] - entries[1])  # type: ignore[operator]
        if not sign:
            return None
        return tree.number(int((sign > 0) == ((which == "max") == (place == 0))))


def _leaves(node: Node) -> int:
    """How much there is to read."""
    parts = tree.Number | tree.Name | tree.Neg | tree.Add
    return sum(isinstance(part, parts) for part in tree.walk(node))


def _flat(node: Node | None) -> tuple[Node, ...]:
    if isinstance(node, tree.Product):
        return node.factors
    return () if node is None else (node,)
