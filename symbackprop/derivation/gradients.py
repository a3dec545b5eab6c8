"""The order of the backward pass, and each gradient in it: from the loss down, simplest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.assumed import SumFact
from symbackprop.algebra.factors import Unreadable
from symbackprop.algebra.functions import Function
from symbackprop.algebra.readback import gradient
from symbackprop.algebra.slopes import slope
from symbackprop.algebra.symbolic import NotSymbolic
from symbackprop.algebra.values.apply import formula
from symbackprop.derivation.backward import contribution
from symbackprop.derivation.collapse import by_facts, collapse
from symbackprop.derivation.links import backward_links
from symbackprop.derivation.model import Model
from symbackprop.derivation.reading import together
from symbackprop.derivation.steps import Contribution, Rule, Step
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Shape, Size


def backward(model: Model) -> Iterator[Step]:
    """dL first, then each computed name after all that use it, its given names right behind."""
    yield from _Backward(model).steps()


@dataclass(slots=True)
class _Backward:
    """The model, the names that the loss depends on, and the steps made so far."""

    model: Model
    reached: set[str] = field(default_factory=set)
    made: dict[str, Step] = field(default_factory=dict)
    facts: tuple[SumFact, ...] = ()
    outputs_known: dict[str, Node | None] = field(default_factory=dict)  # SymPy takes long over each

    def steps(self) -> Iterator[Step]:
        exercise = self.model.exercise
        self.reached = self.model.reaching()
        self.facts = tuple(self.model.sum_facts())
        needed = self.needed()
        yield _seed(self.model)
        done = {exercise.loss}
        waiting = [name for name in (*exercise.wanted, *exercise.given) if name not in exercise.computed]
        wanted = [name for name in dict.fromkeys(waiting) if name in exercise.wanted]
        left = {name: sum(user.name not in done for user in self.model.users(name)) for name in wanted}
        for name in reversed(exercise.computed[:-1]):
            if name in needed:
                yield self.step(name)
            done.add(name)
            for used in tree.names_in(self.model.equation(name).body):
                if used in left:
                    left[used] -= 1
            ready = [one for one in wanted if left[one] <= 0]
            yield from _simplest_first([self.step(one) for one in ready])
            wanted = [one for one in wanted if left[one] > 0]
        yield from _simplest_first([self.step(one) for one in wanted])

    def needed(self) -> set[str]:
        """The computed names that a wanted gradient passes through, wanted ones included."""
        found = set(self.model.exercise.wanted)
        for one in self.model.exercise.equations:
            if one.name in found or not found.isdisjoint(tree.names_in(one.body)):
                found.add(one.name)
        return found

    def step(self, target: str) -> Step:
        """d`target`, as the sum of what comes back through each equation that uses it."""
        model = self.model
        made: list[Contribution] = []
        for user in model.users(target):
            if user.name in self.reached:
                last = user.name == model.exercise.loss
                tensor = model.tensor(user.name)
                made.append(
                    contribution(model.lowering, user.name, user.body, target, loss=last, tensor=tensor)
                )
        parts = tuple(part for part in made if part.entry)
        if not parts:
            rule: Rule = "unreached"
            total: Node = tree.number(0)
        else:
            rule = parts[0].rule if len(parts) == 1 else "sum"
            total = _total(parts, target, model.exercise.shapes)
        step = Step(
            rule=rule, target=target, gradient=True, shape=model.exercise.shapes[target], formula=total,
            uses=tuple("d" + part.through for part in parts), links=(), substeps=parts,
        )  # fmt: skip
        self.made[target] = backward_links(model.exercise, self.shorter(step))
        return self.made[target]

    def shorter(self, step: Step) -> Step:
        """The step with what arrives put in, where the two cancel: p − t."""
        if len(step.substeps) != 1:
            return step
        (made,) = step.substeps
        above = self.made.get(made.through)
        ranges: dict[str, Size] = dict(zip(made.free, step.shape, strict=True))
        if above is None:  # the loss itself
            found = by_facts(made.entry, made.through, self.facts)
        else:
            found = collapse(
                made, above, partial(self.outputs, made), self.model.lowering, self.facts, ranges
            )
        if found is None:
            return step
        try:
            shorter = gradient(found.final, tuple(ranges.items()))
        except Unreadable:
            return step
        return replace(step, formula=shorter, uses=(), collapse=found)

    def outputs(self, made: Contribution) -> dict[str, Node]:
        """The derivative in the output, of the one function that an elementwise equation applies."""
        if made.rule != "elementwise":
            return {}
        body = tree.undressed(self.model.equation(made.through).body)
        row = self.model.row(body.function) if isinstance(body, tree.Call) else None
        if not isinstance(body, tree.Call) or row is None or not row.smooth or body.options:
            return {}
        if row.name not in self.outputs_known:
            self.outputs_known[row.name] = self._by_output(row)
        found = self.outputs_known[row.name]
        return {} if found is None else {row.name: found}

    def _by_output(self, row: Function) -> Node | None:
        own = frozenset(self.model.exercise.functions)
        try:
            found = slope(row, lambda text, _: formula(text, own), functions=self.model.exercise.functions)
        except NotSymbolic:
            return None
        return found.by_output


def _simplest_first(steps: list[Step]) -> list[Step]:
    """db = dz before dW = dz xᵀ, as on the board."""
    return sorted(steps, key=lambda step: not isinstance(step.formula, tree.Gradient))


def _seed(model: Model) -> Step:
    return Step(
        rule="seed", target=model.exercise.loss, gradient=True, shape=(), formula=tree.number(1), uses=(),
        links=(),
    )  # fmt: skip


def _total(made: Sequence[Contribution], target: str, shapes: Mapping[str, Shape]) -> Node:
    """The sum of what comes back, its terms in one row; arrays by their entries add up entry by entry."""
    parts = [part.matrix for part in made if part.matrix is not None]
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(part, tree.Matrix) for part in parts):
        return _cell_by_cell([part for part in parts if isinstance(part, tree.Matrix)])
    if any(isinstance(part, tree.Call) and part.function in {"stack", "hstack"} for part in parts):
        (free, *_) = (one.free for one in made)
        entries = (ix.renamed(one.entry, dict(zip(one.free, free, strict=True))) for one in made)
        try:
            axes = tuple(zip(free, shapes[target], strict=True))
            return together(tuple(term for entry in entries for term in entry), axes, shapes)
        except Unreadable:
            return _row(parts)
    given = [part for part in parts if isinstance(part, tree.Entrywise)]
    if given and all(_entry(part, given[0], shapes) is not None for part in parts):
        entries_of = [entry for part in parts if (entry := _entry(part, given[0], shapes)) is not None]
        return replace(given[0], body=_row(entries_of))
    return _row(parts)


def _row(parts: list[Node]) -> Node:
    terms: list[Node] = []
    for part in parts:
        terms += part.terms if isinstance(part, tree.Add) else (part,)
    return tree.plus(*terms)


def _entry(part: Node, like: tree.Entrywise, shapes: Mapping[str, Shape]) -> Node | None:
    """The entry of an array at the indices of another one; None where it has no simple form."""
    if isinstance(part, tree.Entrywise):
        same = part.indices == like.indices and part.sizes == like.sizes
        return part.body if same else None
    name = part.of if isinstance(part, tree.Gradient) else part
    if not isinstance(name, tree.Name):
        return None
    if not shapes.get(name.name):
        return part  # one number stands beside every entry
    made = tree.Index(name, tuple(map(tree.Name, like.indices)))
    return tree.Gradient(made) if isinstance(part, tree.Gradient) else made


def _cell_by_cell(written: list[tree.Matrix]) -> Node:
    cells = zip(*(part.rows for part in written), strict=True)
    rows = tuple(tuple(_cell(column) for column in zip(*row, strict=True)) for row in cells)
    return tree.Matrix(rows, written[0].form)


def _cell(values: tuple[Node, ...]) -> Node:
    left = [value for value in values if value != tree.number(0)]
    return tree.plus(*left) if left else tree.number(0)
