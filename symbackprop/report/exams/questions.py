"""A question as it stands on the paper: its model, the places of its data, and what its parts ask.

Everything that differs between students stands in a slot of fixed height, so that the boxes for the answers
are in the same place in every variant. Lengths are in em: large print takes more of everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, Final

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.decimals import exactly
from symbackprop.derivation.forward import forward_steps
from symbackprop.derivation.model import Model
from symbackprop.derivation.naming import named_parts
from symbackprop.derivation.results import capitals
from symbackprop.derivation.steps import Derivation, Quantity
from symbackprop.exams.model import FaultyLine, Part, Question
from symbackprop.exercise.layers import layer_names
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, equation
from symbackprop.notation.write import Style
from symbackprop.report.document import Part as Filling
from symbackprop.report.document import Text
from symbackprop.report.exams.conventions import conventions
from symbackprop.report.exams.functions import model_equations
from symbackprop.report.exams.marks import Cells, Marks, Numbers, array_node, is_fraction
from symbackprop.report.facts import Facts
from symbackprop.report.render import FORMATS, setters
from symbackprop.report.setting import Setter
from symbackprop.report.view import EXAMPLE, View
from symbackprop.report.words import Words, load_words

Fields = dict[str, Any]

_ROW: Final = 1.32  # em of height of a row of a matrix
_TALL_ROW: Final = 1.8  # the same with fractions in it
_MODEL: Final = 2.3  # a line of the model
_CASE: Final = 1.4  # a branch of a function by cases
_AROUND: Final = 0.75  # above and below a display
_BESIDE: Final = 0.45  # above and below a line among others
_WORKING: Final = 6.0  # of room to work a result out
_STEP: Final = 5.5  # to derive one gradient
_REASON: Final = 6.5  # to say which line is wrong, why, and to write it anew
_PLAIN: Final = 10**9  # the largest whole number that is set as it is in every case
_MOST: Final = 4  # data in one line
_SURE: Final = 0.93  # of a line that they may fill


@dataclass(frozen=True, eq=False, repr=False)
class Asked:
    """A question in a format and a language; `setter` sets what is in it, `plain` the same as bare text."""

    question: Question
    view: View
    setter: Setter
    plain: Setter
    _kept: dict[tuple[str, Node, tuple[int, ...]], Numbers] = field(default_factory=dict)

    @classmethod
    def of(cls, question: Question, form: str, words: Words, room: float) -> Asked:
        """`room` is the width of a line in em. Derives nothing."""
        exercise = named_parts(question.exercise)
        style = Style(
            decimal_mark=words.decimal_mark, loss=exercise.loss,
            words={**words.formula, EXAMPLE: words.page["exam_example"]},
            layers=exercise.layer_marks, layer_names=layer_names(exercise.shapes),
            capitals=capitals(exercise),
        )  # fmt: skip
        setter, plain = setters(FORMATS[form], words, style, exercise.functions, sections={}, room=room)
        derivation = Derivation(
            exercise=exercise, steps=tuple(forward_steps(Model.of(exercise))), slopes={},
            quantities={name: _symbol(name, shape) for name, shape in exercise.shapes.items()},
        )  # fmt: skip
        return cls(question, View(derivation, Facts(derivation)), setter, plain)

    @classmethod
    def spoken(
        cls, question: Question, form: str, language: str, templates: Path | None, room: float
    ) -> Asked:
        """The same in a language, with the exercise's own words. Raises WordsError."""
        words = load_words(language, templates, question.exercise.words.get(language))
        return cls.of(question, form, words, room)

    @cached_property
    def cells(self) -> Cells:
        """How single numbers are set."""
        return Cells(lambda value: self.setter.formula(self.view.entry(value)))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The given names with values, in order of first use."""
        question = self.question
        return tuple(
            name for name in self.view.derivation.exercise.given
            if name in question.draws or name in question.fixed
        )  # fmt: skip

    @cached_property
    def numbers(self) -> Mapping[str, Numbers]:
        """How the values of each given name are set."""
        return {name: Numbers.of(self.shape(name), self.cells, self.setter.formula) for name in self.names}

    def shape(self, name: str) -> tuple[int, ...]:
        """The sizes of a name or of its gradient. Raises ValueError where one is no number."""
        shapes = self.view.derivation.exercise.shapes
        found = shapes[name] if name in shapes else shapes[name.removeprefix("d")]
        sizes = tuple(size for size in found if isinstance(size, int))
        if len(sizes) < len(found):
            raise ValueError(f"{self.question.id}: {name} has no size in numbers: an exam needs them all")
        return sizes

    # --- model and data ------------------------------------------------------------------

    def model(self) -> list[Fields]:
        """The equations of the model, as many to a line as it holds: `text` and `height`."""
        lines = self._lines([(part, part) for part in model_equations(self.view)])
        return [{"text": self.setter.formula(line), "height": _model_height(line)} for line in lines]

    def lead(self) -> Text:
        """What stands before the model: with the slopes taken where a function has none, if a gradient is
        asked for and there are any."""
        shapes = self.view.derivation.exercise.shapes
        forward = all(part.kind == "value" and part.name in shapes for part in self.question.parts)
        slopes = () if forward else conventions(self.view)
        if not slopes:
            return Text("exam.model")
        return Text("exam.model_convention", {"slopes": slopes, "count": len(slopes)})

    def data(self, marks: Marks) -> list[Fields]:
        """The data in lines, a place for each array: `text` and `height`."""
        shown = [(self._datum(name, self._widest(name)), name) for name in self.names]
        places = {name: tree.number(int(marks.new())) for name in self.names}
        lines = list(self._lines([(wide, self._datum(name, places[name])) for wide, name in shown]))
        heights = {self.setter.formula(place): self._height(name) for name, place in places.items()}
        made = []
        for line in lines:
            text = self.setter.formula(line)
            height = max(height for place, height in heights.items() if place in text)
            made.append({"text": text, "height": height})
        return made

    def _lines(self, items: Sequence[tuple[Node, Node]]) -> list[Node]:
        """What is shown of each pair, in as few lines as the measured ones fill, of about the same length:
        two and two rather than three and one."""
        lines = self._filled(items, _MOST)
        evenly = range(-(-len(items) // max(1, len(lines))), _MOST)
        tried = (self._filled(items, most) for most in evenly)
        best = next((made for made in tried if len(made) == len(lines)), lines)
        return [_row([shown for _, shown in line]) for line in best]

    def _filled(self, items: Sequence[tuple[Node, Node]], most: int) -> list[list[tuple[Node, Node]]]:
        """Pairs in lines of so many at most, as many to each as it holds."""
        lines: list[list[tuple[Node, Node]]] = []
        for item in items:
            if lines and len(lines[-1]) < most:
                tried = tree.Row((*(wide for wide, _ in lines[-1]), item[0]), ",")
                if self.setter.measure(tried) <= _SURE * self.setter.room:
                    lines[-1].append(item)
                    continue
            lines.append([item])
        return lines

    def _datum(self, name: str, value: Node) -> Node:
        return tree.Chain((tree.Name(name), value, self.view.space(name)), ("=", "∈"), (None, None))

    def _candidates(self, name: str) -> tuple[Fraction, ...]:
        """Numbers as wide and as tall as any that the name may have."""
        draw = self.question.draws.get(name)
        if draw is None:
            return tuple(self.question.fixed[name].entries)
        return (draw.low, draw.high, draw.low + draw.step, draw.high - draw.step)

    def _widest(self, name: str) -> Node:
        shape = self.shape(name)
        nodes = [self.view.entry(value) for value in self._candidates(name)]
        widest = max(nodes, key=self.setter.measure)
        return array_node(Array(shape, (widest,) * prod(shape)))

    def _height(self, name: str) -> float:
        """em of height of an array on the paper."""
        tall = any(is_fraction(self.cells[v.numerator, v.denominator]) for v in self._candidates(name))
        return _height(self.shape(name)[:1], _TALL_ROW if tall else _ROW)

    # --- parts -------------------------------------------------------------------------------

    def symbol(self, name: str) -> Node:
        """`z` or `dz`."""
        if name in self.view.derivation.exercise.shapes:
            return tree.Name(name)
        return tree.Gradient(tree.Name(name.removeprefix("d")))

    def prompt(self, part: Part) -> Text:
        """What a part asks."""
        if part.kind == "mistake":
            return Text("exam.mistake", self.notation())
        if part.kind == "derive":
            names = tuple(map(self.symbol, part.names))
            return Text("exam.derive", {"names": names, "count": len(names)})
        if part.name == self.view.loss:
            return Text("exam.calculate_loss", {"formula": self.view.loss_call()})
        if part.name in self.view.derivation.exercise.computed:
            body = self.view.page(self.view.derivation.step(part.name).formula)
            return Text("exam.calculate", {"formula": equation(*tree.stated(self.symbol(part.name), body))})
        target = tree.Name(part.name.removeprefix("d"))
        derivative = tree.Derivative(tree.Name(self.view.loss), target, inline=True)
        made = equation(self.symbol(part.name), derivative)
        return Text("exam.calculate_gradient", {"formula": made})

    def notation(self) -> dict[str, Filling]:
        """`dA` and `∂L/∂A`, for a sentence about what the first stands for; A is no name of the model."""
        taken = self.view.derivation.exercise.shapes
        letter = tree.Name(next((letter for letter in "AVUQKMN" if letter not in taken), "A"))
        derivative = tree.Derivative(tree.Name(self.view.loss), letter, inline=True)
        return {"gradient": tree.Gradient(letter), "derivative": derivative}

    def box(self, part: Part) -> float:
        """em of height of the box for the answer."""
        if part.kind == "mistake":
            return _REASON + max(_height(self.shape(name)[:1], _ROW) for name in part.names)
        if part.kind == "derive":
            return _STEP * len(part.names) + 1.0
        return _WORKING + _height(self.shape(part.name)[:1], _ROW)

    def line_height(self, name: str) -> float:
        """em of height of a line of a derivation with a mistake in it."""
        return round(_height(self.shape(name)[:1], self._line_row) - _AROUND + _BESIDE, 2)

    @cached_property
    def _line_row(self) -> float:
        """em of height of a row there: a result may be a fraction where some number is none that ends."""
        values = (value for name in self.names for value in self._candidates(name))
        return _TALL_ROW if any(exactly(value, 4) is None for value in values) else _ROW

    def exact(self, value: Fraction) -> bool:
        """Whether a number is shown as it is, and not rounded."""
        return _is_plain(value) or self.view.facts.shown(value, self.view.digits)[1]

    def line(self, one: FaultyLine) -> str:
        """A line of a derivation with a mistake in it."""
        if not all(map(_is_plain, one.array.entries)):
            return self.setter.formula(self.line_node(one))
        key = (one.name, one.formula, one.array.shape)
        made = self._kept.get(key)
        if made is None:
            self._kept[key] = made = self._line(one)
        return made.text(one.array)

    def _line(self, one: FaultyLine) -> Numbers:
        """A line with whole numbers, whichever they are."""

        def around(value: Node) -> Node:
            return self._stated(one, value, "=")

        return Numbers.of(one.array.shape, self.cells, self.setter.formula, around)

    def line_node(self, one: FaultyLine) -> Node:
        """The same as a tree."""
        exact = all(map(self.exact, one.array.entries))
        return self._stated(one, self.view.array(one.array), "=" if exact else "≈")

    def _stated(self, one: FaultyLine, value: Node, relation: tree.Relation) -> Node:
        left = self.view.loss_call() if one.name == self.view.loss else self.symbol(one.name)
        members = tree.stated(left, self.view.page(one.formula))
        return tree.Chain((*members, value), ("=", relation), (None, None))


def _symbol(name: str, shape: tree.Shape) -> Quantity:
    return Quantity(name=name, target=name, gradient=False, shape=shape, formula=None, numbers=None)


def _row(items: Sequence[Node]) -> Node:
    return items[0] if len(items) == 1 else tree.Row(tuple(items), ",")


def _is_plain(value: Fraction) -> bool:
    return value.denominator == 1 and abs(value) <= _PLAIN


def _model_height(line: Node) -> float:
    """em of height of a line of the model: of one with a function by cases, that of its branches."""
    rows = max((len(part.branches) for part in tree.walk(line) if isinstance(part, tree.Cases)), default=0)
    return max(_MODEL, _height((rows,), _CASE))


def _height(shape: tuple[int, ...], row: float) -> float:
    return round(row * (shape[0] if shape else 1) + _AROUND, 2)
