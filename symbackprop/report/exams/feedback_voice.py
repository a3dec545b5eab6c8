"""What the reports on a graded exam have in common: words, formulas of each question, points, and formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from symbackprop.algebra.functions import Function
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.decimals import fixed
from symbackprop.checking.findings import Named
from symbackprop.exams.grading_model import Graded
from symbackprop.exams.model import Exam, Part, Question, in_language
from symbackprop.notation import tree
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node
from symbackprop.notation.write_style import Style
from symbackprop.report.checked.sentences import mistaken
from symbackprop.report.document import Part as Filling
from symbackprop.report.document import Text
from symbackprop.report.exams.questions import Asked
from symbackprop.report.render import render, text_setter
from symbackprop.report.setting import Setter
from symbackprop.report.words import Words, load_words

if TYPE_CHECKING:
    from symbackprop.report.document import Document

_ROOM: Final = 42.0  # em of a line
_PLACES: Final = 2  # decimals of points


def decimals_of(points: Fraction, mark: str, *, whole: bool = False) -> str:
    """Points as a decimal, correctly rounded to two places: `14,33`; with `whole` all places are kept."""
    made = fixed(points, _PLACES)
    if not whole:
        made = made.rstrip("0").rstrip(".") if "." in made else made
    return made.replace(".", mark)


@dataclass(frozen=True, eq=False, repr=False)
class Voice(Plain):
    """The language and the look of the reports on a graded exam."""

    graded: Graded
    language: str
    templates: Path | None = None

    @cached_property
    def words(self) -> Words:
        """The words of the language. Raises WordsError."""
        return load_words(self.language, self.templates)

    @cached_property
    def _setter(self) -> Setter:
        return text_setter(self.words, Style(), {})

    def said(self, key: str, parts: Mapping[str, Filling] | None = None) -> str:
        """A sentence as bare text."""
        return self._setter.text(Text(key, parts or {}))

    @property
    def exam(self) -> Exam:
        """The exam."""
        return self.graded.exam

    @cached_property
    def questions(self) -> Mapping[str, Question]:
        """The questions by id."""
        return {question.id: question for question in self.exam.questions}

    @cached_property
    def asked(self) -> Mapping[str, Asked]:
        """How each question's formulas are written."""
        return {name: Asked.of(one, "md", self.words, _ROOM) for name, one in self.questions.items()}

    @property
    def exam_title(self) -> str:
        """The exam's title, else its key."""
        return in_language(self.exam.title, self.language) or self.exam.key

    def title(self, question: Question) -> str:
        """A question's title; "" if it has none."""
        return in_language(question.title, self.language)

    # --- numbers and formulas

    def points(self, value: Fraction) -> str:
        """`14,33`"""
        return decimals_of(value, self.words.decimal_mark)

    def of(self, value: Fraction, maximum: Fraction) -> Text:
        """`1,5 de 3`"""
        return Text("grade.of", {"points": self.points(value), "maximum": self.points(maximum)})

    def symbol(self, question: str, name: str) -> Node:
        """`dW`"""
        return self.asked[question].symbol(name)

    def array(self, question: str, array: Array[Fraction]) -> Node:
        """Numbers as they stand on a page."""
        return self.asked[question].view.array(array)

    def formula(self, question: str, name: str) -> Node:
        """`dW = dz xᵀ`"""
        body = self.asked[question].view.page(self.graded.formulas[question][name])
        return tree.equation(*tree.stated(self.symbol(question, name), body))

    def mistake(self, question: str, named: Named) -> Text:
        """The sentence about a mistake."""
        view = self.asked[question].view
        about, instead = (None if node is None else view.page(node) for node in (named.about, named.instead))
        return mistaken(Named(id=named.id, about=about, instead=instead))

    def part(self, question: str, part: Part) -> Node | Text:
        """What a part is called in a table."""
        if part.kind == "value":
            return self.symbol(question, part.name)
        return Text(f"grade.part_{part.kind}")

    # --- formats

    @cached_property
    def _look(self) -> tuple[dict[str, Function], frozenset[str], frozenset[str]]:
        functions: dict[str, Function] = {}
        capitals: frozenset[str] = frozenset()
        layers: frozenset[str] = frozenset()
        for one in reversed(list(self.asked.values())):
            functions |= one.view.derivation.exercise.functions
            capitals |= one.setter.style.capitals
            layers |= one.setter.style.layer_names
        return functions, capitals, layers

    def rendered(self, document: Document, form: str) -> str:
        """A document in a format (`tex`, `typ`, `md`). Where exercises differ in style, the first counts."""
        functions, capitals, layers = self._look
        style = next(iter(self.asked.values())).setter.style
        return render(
            document, format=form, language=self.language, functions=functions, loss=style.loss,
            templates=self.templates, capitals=capitals, layers=style.layers, layer_names=layers,
        )  # fmt: skip
