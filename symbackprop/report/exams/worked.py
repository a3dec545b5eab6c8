"""The solution of a question: the steps of the worked derivation that lead to what each part asks.

A question is derived once. A student's numbers are put into that derivation: every quantity of a sheet is
known, so that nothing is derived, or worked out, for each student again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from symbackprop.algebra.lower import CannotDerive
from symbackprop.algebra.values.decimals import to_text
from symbackprop.derivation.derive import derive
from symbackprop.derivation.general import with_named_sizes
from symbackprop.derivation.model import Model
from symbackprop.derivation.steps import Derivation, Step
from symbackprop.exams.marks import found_shares
from symbackprop.exams.model import Faulty, Part, Sheet
from symbackprop.exams.tracer import step_name
from symbackprop.exercise.faults import ExerciseError
from symbackprop.notation import tree
from symbackprop.notation.tree import Node
from symbackprop.report.document import Block, Document, Equation, Line, Literally, Paragraph, Text
from symbackprop.report.exams.questions import Asked
from symbackprop.report.exams.quoting import mistake_text
from symbackprop.report.facts import Facts
from symbackprop.report.page import page
from symbackprop.report.sections import loss
from symbackprop.report.sections.backward import displays
from symbackprop.report.sections.forward import one
from symbackprop.report.sections.indexed import forward_lines, is_indexed
from symbackprop.report.setting import Setter
from symbackprop.report.view import View

Fields = dict[str, Any]


def step_points(part: Part, method: Fraction) -> tuple[Fraction, ...]:
    """The points at the steps of a part's solution; they add up to the part's.

    Numbers: all at the step that gives them. A derivation in general: each gradient the same. A mistake to
    find: the share of the `method` for the line and the reason, the rest for the line as it should be.
    """
    if part.kind == "mistake":
        shares = found_shares(part.points, method)
        return shares.line + shares.reason, shares.right
    steps = len(part.names)
    return (part.points / steps,) * steps


def worth(points: Fraction, setter: Setter) -> Text:
    """`2 puntos`, for a place in a sentence."""
    return Text("exam.points", {"points": number_text(points, setter), "count": 1 if points == 1 else 2})


def points_text(points: Fraction, setter: Setter) -> str:
    """`2 puntos`, `1,5 puntos`, `2/3 puntos`."""
    return setter.text(worth(points, setter))


def number_text(value: Fraction, setter: Setter) -> str:
    """A number of points: whole, as a decimal of two places at most, else as a fraction."""
    if (value * 100).denominator != 1:
        return f"{value.numerator}/{value.denominator}"
    return to_text(value)[0].replace(".", setter.words.decimal_mark)


@dataclass(frozen=True, eq=False, repr=False)
class Worked:
    """The solutions of one question. `asked` is the question as it stands on the paper; `room` is the width
    of a line of its solutions, in em; `method` the share of the points that a method earns."""

    asked: Asked
    room: float
    method: Fraction = Fraction(1, 2)

    @cached_property
    def derivation(self) -> Derivation:
        """The derivation in symbols, certified."""
        return derive(self.asked.question.exercise)

    @cached_property
    def general(self) -> View:
        """The same without numbers."""
        blank = {
            name: replace(quantity, numbers=None) for name, quantity in self.derivation.quantities.items()
        }
        exercise = replace(self.derivation.exercise, values={})
        return _view(replace(self.derivation, exercise=exercise, quantities=blank))

    @cached_property
    def any_sizes(self) -> View:
        """The same for any sizes, where the model has a meaning for them; else for the question's own."""
        model = with_named_sizes(Model.of(self.asked.question.exercise))
        if model is None:
            return self.general
        try:
            lifted = derive(model.exercise)
        except (CannotDerive, ExerciseError):
            return self.general
        return _view(lifted) if set(self.derivation.quantities) <= set(lifted.quantities) else self.general

    def sizes(self) -> tuple[Node, ...]:
        """`W ∈ ℝ^{k×n}` for each given matrix whose sizes have names in the derivation in general."""
        view = self.any_sizes
        shapes = view.derivation.exercise.shapes
        return tuple(
            tree.Chain((tree.Name(name), view.space(name)), ("∈",), (None,))
            for name in view.derivation.exercise.given
            if len(shapes[name]) == 2 and all(isinstance(size, str) for size in shapes[name])
        )

    def chains(self, name: str) -> list[Node]:
        """The chain and the formula of a gradient in general."""
        view = self.any_sizes
        return step_formulas(view, view.derivation.step(name))

    @cached_property
    def _general_parts(self) -> Mapping[str, list[Block]]:
        return {part.id: self._derived(part) for part in self.asked.question.parts if part.kind == "derive"}

    def view(self, sheet: Sheet) -> View:
        """The derivation with a student's numbers."""
        known = {**sheet.values, **sheet.key}
        quantities = {
            name: replace(quantity, numbers=known.get(name))
            for name, quantity in self.derivation.quantities.items()
        }
        exercise = replace(self.derivation.exercise, values=sheet.values)
        return _view(replace(self.derivation, exercise=exercise, quantities=quantities))

    def parts(self, sheet: Sheet) -> list[list[Fields]]:
        """The blocks of each part's solution, as the templates get them."""
        view = self.view(sheet)
        shown: set[str] = set()
        made = [self._part(view, sheet, part, shown) for part in self.asked.question.parts]
        fields = iter(self._set([block for blocks in made for block in blocks]))
        return [[next(fields) for _ in blocks] for blocks in made]

    def _part(self, view: View, sheet: Sheet, part: Part, shown: set[str]) -> list[Block]:
        if part.kind == "derive":
            return self._general_parts[part.id]
        if part.kind == "mistake":
            return self._found(view, part, sheet.faulty[part.id])
        return list(self._worked_out(view, part, shown))

    def _worked_out(self, view: View, part: Part, shown: set[str]) -> Iterator[Block]:
        """The step of a quantity, after those that lead there and that no part before has `shown`."""
        needed = {part.name}
        for step in reversed(view.derivation.steps):
            needed |= set(step.uses) if step_name(step) in needed - shown else set()
        for step in view.derivation.steps:
            name = step_name(step)
            if name in needed - shown and name != part.name and step.rule != "seed":
                yield Equation(lines=tuple(Line(formula=one) for one in step_formulas(view, step)))
        shown |= needed
        yield self._step(view, part.name, part.points)

    def _derived(self, part: Part) -> list[Block]:
        sizes = self.sizes()
        said = Text("exam.any_sizes", {"sizes": sizes})
        before: list[Block] = [Paragraph(sentences=(said,), keep_with_next=True)] if sizes else []
        return before + [
            _with_points(self.chains(name), self._margin(points))
            for name, points in zip(part.names, step_points(part, self.method), strict=True)
        ]

    def _step(self, view: View, name: str, points: Fraction) -> Block:
        return _with_points(step_formulas(view, view.derivation.step(name)), self._margin(points))

    def _margin(self, points: Fraction) -> Node:
        return tree.Word(points_text(points, self.asked.plain))

    def _found(self, view: View, part: Part, faulty: Faulty) -> list[Block]:
        """Which line is wrong, why, and the line as it should be."""
        first, second = step_points(part, self.method)
        sentences = (
            Text("exam.mistake_line", {"line": faulty.at + 1}),
            mistake_text(view, faulty.mistake, faulty.about, faulty.instead),
            Text("exam.worth", {"points": points_text(first, self.asked.plain)}),
        )
        right = self.asked.line_node(faulty.right)
        return [
            Paragraph(sentences=(*sentences, Text("exam.right_line")), keep_with_next=True),
            Equation(lines=(Line(formula=right, margin=self._margin(second)),)),
        ]

    def _set(self, blocks: list[Block]) -> list[Fields]:
        """Blocks as the templates get them."""
        document = Document(title=Text("exam.right_line"), subtitle=Literally({}), blocks=tuple(blocks))
        made: list[Fields] = page(document, replace(self.asked.setter, room=self.room), self.asked.plain)[
            "blocks"
        ]
        return made


def _view(derivation: Derivation) -> View:
    return View(derivation, Facts(derivation), derivation.digits)


def step_formulas(view: View, step: Step) -> list[Node]:
    """A step as it is worked at the detail `exam`."""
    if not step.gradient:
        return forward_lines(view, step) if is_indexed(step) else [one(view, step)]
    return loss.lines(view, step) if step.rule == "loss" else displays(view, step)


def _with_points(formulas: list[Node], margin: Node) -> Equation:
    *first, last = formulas
    return Equation(lines=(*(Line(formula=formula) for formula in first), Line(formula=last, margin=margin)))
