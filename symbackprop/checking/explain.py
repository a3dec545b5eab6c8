"""Why a line is wrong: the rows of the table of mistakes that make just this line of the right one.

A person often writes with everything put in, `(ŷ − y) ⊙ σ(z) xᵀ` for `dz xᵀ`. So the rows are tried in the
step itself, and then in the steps upstream of it whose gradients the line does not name. A line that
has no value, because its shapes do not fit, is compared as it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from symbackprop import limits
from symbackprop.checking.alike import Likeness, Value, flat
from symbackprop.checking.budget import OverBudget
from symbackprop.checking.entry_form import entry_form, plain_products
from symbackprop.checking.findings import Named
from symbackprop.checking.fitting import Line, Made, as_told, fitting, of_numbers
from symbackprop.derivation.mistakes import BY_ID, Mistake, every_wrong_formula
from symbackprop.derivation.slips import Place, Wrong
from symbackprop.derivation.steps import Step
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Shape

Same = Callable[[Node], bool | None]
"""Whether a formula has the value of the person's line at every point; None where either has none."""

COMBINED = ("transpose_missing", "factors_swapped", "transpose_extra")
"""Rows that people make together: x dz for dz xᵀ."""

SIGN_OF_PRODUCT = ("hadamard_as_dot", "dot_as_hadamard")
"""Rows whose formula is written like the right one: only the sign of a product differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """The mistakes that explain a line equally well, none if no row does; the right side it should have."""

    named: tuple[Named, ...]
    expected: Node | None


def explain(
    derivation_steps: Sequence[Step],
    exercise: Exercise,
    target: str,
    same: Same,
    *,
    written: Node | None = None,
    right: Node | None = None,
    shape: Shape = (),
    value: Value | None = None,
) -> Explained:
    """Why a line about `target` (`dW`, `z`) is wrong.

    `written` is its right side, resolved. `right`, of `shape`, is what it should be where that is not the
    step's own formula: one entry, a slope. `value` compares parts of lines that have no value as a whole.
    """
    step = _step(derivation_steps, target)
    if step is None:
        return Explained(named=(), expected=right)
    if right is not None:
        step = replace(step, formula=right, shape=shape, collapse=None, rule="general")
    return explain_in(derivation_steps, exercise, (step,), same, written=written, value=value)


def explain_in(
    steps: Sequence[Step],
    exercise: Exercise,
    forms: tuple[Step, ...],
    same: Same,
    *,
    written: Node | None = None,
    value: Value | None = None,
    shown: Node | None = None,
    places: tuple[Node, ...] = (),
    whole: Step | None = None,
) -> Explained:
    """The same for a line whose right side is one of the `forms`; `shown` is how it is told.

    Of a line about the entry at `places`, `whole` is the step of the whole array: a mistake made in it is
    one of the entry.
    """
    scalars = frozenset(name for name, shape in exercise.shapes.items() if not shape)
    likeness = Likeness(scalars, exercise.loss, None if value is None else cache(value))
    looks = [None] if written is None else [likeness.normal(one) for one in (written, flat(written))]
    search = _Search(exercise, tuple(steps), same, likeness, looks[0], limits.EXPLAINED)
    found = [made for form in forms for made in search.by_value(form)]
    if whole is not None:
        found += replace(search, places=places).by_value(whole)
    for look in dict.fromkeys(looks):
        for form in forms:
            found = found or replace(search, written=look).by_look(form)
    line = None if written is None else Line(exercise, tuple(steps), written, likeness)
    found = of_numbers(found) if line is None else fitting(found, line)
    expected = shown if shown is not None else forms[0].formula
    if found and found[0].path and forms[0].gradient:
        expected = plain_products(found[0].right) if places else found[0].right
    return Explained(named=tuple(_named(found, exercise, written)), expected=expected)


def _named(found: Sequence[Made], exercise: Exercise, written: Node | None) -> Iterator[Named]:
    """One of each row, at most as many as a person wants to read."""

    def told(node: Node | None) -> Node | None:
        return None if node is None else as_told(node, exercise, written)

    first: dict[str, Made] = {}
    for made in found:
        first.setdefault(made.row.id, made)
    for made in list(first.values())[: limits.EXPLANATIONS]:
        about, instead = told(made.wrong.about), told(made.wrong.instead)
        yield Named(id=made.row.id, about=about, instead=instead, together=made.together)


def _step(steps: Sequence[Step], target: str) -> Step | None:
    """The step of `dW`, or of `z` in the forward pass."""
    return next((one for one in steps if ("d" if one.gradient else "") + one.target == target), None)


@dataclass(slots=True)
class _Search:
    """One line, and what is left of the work that may be spent on it."""

    exercise: Exercise
    steps: tuple[Step, ...]
    same: Same
    likeness: Likeness
    written: Node | None
    left: int
    places: tuple[Node, ...] = ()
    tried: dict[Node, bool | None] = field(default_factory=dict)
    rows: dict[tuple[str, bool, Node], list[tuple[Mistake, Wrong]]] = field(default_factory=dict)

    # --- by value

    def by_value(self, step: Step) -> list[Made]:
        """The rows whose formula has the line's value, nearest first.

        What stands upstream of a gradient that the line names cannot have gone wrong in it; of numbers alone
        nobody can tell, and the nearest explanation stands.
        """
        found: list[Made] = []
        nearest = self.written is None or not self._names()
        for depth in range(limits.EXPLAINED_DEPTH + 1):
            for made in self.candidates(step, depth):
                if self.left <= 0:
                    return found
                if self.agrees(self.at_places(made.formula)):
                    made = replace(
                        made, formula=self.at_places(made.formula), right=self.at_places(made.right)
                    )
                    found.append(made)
                    self.left = min(self.left, limits.EXPLAINED_TIES)
            if found and nearest:
                break
        return found

    def at_places(self, formula: Node) -> Node:
        """The entry of a formula that the line is about."""
        return entry_form(formula, self.places, self.exercise) if self.places else formula

    def agrees(self, formula: Node) -> bool:
        """Whether a formula has the line's value; each is evaluated once."""
        if formula not in self.tried:
            self.left -= 1
            try:
                self.tried[formula] = self.same(formula)
            except OverBudget:  # what was found till now stands
                self.left = 0
                return False
        return self.tried[formula] is True

    def _names(self) -> bool:
        named = tree.Name | tree.Call
        return self.written is not None and any(isinstance(one, named) for one in tree.walk(self.written))

    # --- the formulas

    def candidates(self, step: Step, depth: int) -> Iterator[Made]:
        """The wrong formulas for a step with a mistake made `depth` steps upstream of it."""
        if depth == 0:
            for one in _forms(step):
                for row, wrong in self.made_in(one):
                    yield Made(row, wrong, wrong.formula, step.formula)
            return
        for one in _forms(step):
            for part, above in self.upstream(one):
                for made in self.candidates(above, depth - 1):
                    formula = self.put(one.formula, part, made.formula)
                    right = self.put(step.formula, part, made.right)
                    yield Made(made.row, made.wrong, formula, right, (above.target, *made.path))

    def put(self, node: Node, old: Node, new: Node) -> Node:
        """`node` with `new` in place of `old`; an entry of `old` becomes an entry of `new`."""
        if isinstance(old, tree.Gradient) and isinstance(old.of, tree.Index):
            new = entry_form(new, old.of.places, self.exercise)
        return _put(node, old, new, self.exercise)

    def made_in(self, step: Step) -> list[tuple[Mistake, Wrong]]:
        """All that can go wrong in a step itself."""
        key = step.target, step.gradient, step.formula
        if key not in self.rows:
            every = every_wrong_formula(self.exercise, step, self.steps)
            self.rows[key] = [made for made, _ in zip(every, range(limits.EXPLAINED), strict=False)]
        return self.rows[key]

    def upstream(self, step: Step) -> Iterator[tuple[Node, Step]]:
        """What the formula of a step cites and the line does not, with the step behind it."""
        named = set() if self.written is None else set(tree.walk(self.written))
        cited = dict.fromkeys(
            part for part in tree.walk(step.formula)
            if isinstance(part, tree.Gradient if step.gradient else tree.Name) and part not in named
        )  # fmt: skip
        for part in cited:
            name = part.of if isinstance(part, tree.Gradient) else part
            base = name.base if isinstance(name, tree.Index) else name
            above = _step(self.steps, ("d" if step.gradient else "") + getattr(base, "name", ""))
            if above is not None:
                yield part, above

    # --- by look

    def by_look(self, step: Step) -> list[Made]:
        """The rows whose formula is written as the line is, one row or two that go together."""
        if self.written is None:
            return []
        likeness, written = self.likeness, self.written

        def fits(made: Made) -> bool:
            self.left -= 1
            forms = map(likeness.normal, self.put_in(made.formula))
            return self.left > 0 and any(likeness.alike(form, written) for form in forms)

        right = any(likeness.alike(likeness.normal(form.formula), written) for form in _forms(step))
        alone = [
            made for made in self.candidates(step, 0)
            if (made.row.id in SIGN_OF_PRODUCT or not right) and fits(made)
        ]  # fmt: skip
        alone += self.in_a_part(step)
        if alone or right:
            return alone
        for form in _forms(step):
            for first, second in self.pairs(form):
                if fits(second):
                    return [replace(one, together=True) for one in (first, second)]
        return []

    def in_a_part(self, step: Step) -> list[Made]:
        """What explains the one part of the line that differs, as a line about the gradient due there."""
        value = self.likeness.value
        if value is None or self.written is None:
            return []
        for form in _forms(step):
            for due, part in self.likeness.one_gradient(self.likeness.normal(form.formula), self.written):
                if isinstance(part, tree.Name | tree.Gradient | tree.Derivative):
                    continue  # a gradient that the line names did not go wrong in it
                above = next((one for cited, one in self.upstream(form) if cited == due), None)
                if above is not None and self.left > 0:
                    inner = self.about(part, value)
                    found = inner.by_value(above) or inner.by_look(above)
                    self.left = inner.left
                    if found:
                        return [self.within(form, due, above, made) for made in found]
        return []

    def within(self, form: Step, due: Node, above: Step, made: Made) -> Made:
        """A mistake in the gradient `due` as one of the whole line."""
        formula, right = (self.put(form.formula, due, one) for one in (made.formula, made.right))
        return replace(made, formula=formula, right=right, path=(above.target, *made.path))

    def about(self, part: Node, value: Value) -> _Search:
        """The same search for a part of the line."""
        wanted = value(part)

        def same(formula: Node) -> bool | None:
            found = None if wanted is None else value(formula)
            return None if found is None else found == wanted

        return replace(self, same=same, written=part, tried={})

    def pairs(self, step: Step) -> Iterator[tuple[Made, Made]]:
        """Two mistakes about the same product; the second one's formula has both."""
        for first in self.product_slips(step):
            after = replace(step, formula=first.formula, collapse=None, substeps=())
            for second in self.product_slips(after):
                yield first, second

    def product_slips(self, step: Step) -> Iterator[Made]:
        """What goes wrong with the order and the transposes of a step's products."""
        place = Place(self.exercise, step, self.steps)
        for row in map(BY_ID.__getitem__, COMBINED):
            for maker in (row.make, *row.more):
                for wrong in maker(place) if maker is not None else ():
                    yield Made(row, wrong, wrong.formula, step.formula)

    def put_in(self, formula: Node) -> Iterator[Node]:
        """The formula, and with the gradients put in that the line does not name, level by level."""
        yield formula
        if self.likeness.value is not None:
            return  # parts are compared by value
        for _ in range(limits.EXPLAINED_DEPTH):
            pseudo = Step(
                rule="general", target="", gradient=True, shape=(), formula=formula, uses=(), links=()
            )
            above = list(self.upstream(pseudo))
            if not above:
                return
            for part, step in above:
                formula = self.put(formula, part, step.formula)
            yield formula


def _forms(step: Step) -> Iterator[Step]:
    """The step, and as it is before what arrives cancels: dp ⊙ σ′(z) for p − y."""
    yield step
    if step.collapse is not None:
        matrix = step.substeps[0].matrix
        if matrix is not None and matrix != step.formula:
            yield replace(step, formula=matrix, collapse=None)


def _put(node: Node, old: Node, new: Node, exercise: Exercise) -> Node:
    if node == old:
        return new
    match node:
        case tree.Gradient(tree.Index(base, places)) if tree.Gradient(base) == old:
            return entry_form(new, places, exercise)
        case tree.Gradient():
            return node
    return tree.rebuild(node, lambda child: _put(child, old, new, exercise))
