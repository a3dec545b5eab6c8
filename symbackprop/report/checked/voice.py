"""The language and the look of a report on findings: what the exercises say, else the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from symbackprop.algebra.functions import Function
from symbackprop.checking.findings import Checked
from symbackprop.exercise.layers import layer_names
from symbackprop.exercise.model import Exercise
from symbackprop.notation.node import Plain
from symbackprop.notation.write_operations import kept_capitals
from symbackprop.notation.write_style import Style
from symbackprop.report.render import render, text_setter
from symbackprop.report.setting import Setter
from symbackprop.report.words import load_words

if TYPE_CHECKING:
    from symbackprop.report.document import Document

DEFAULT: Final = "en"


def language_of(exercises: tuple[Exercise, ...], asked: str | None = None) -> str:
    """What was asked for, else the language of the first exercise that has one, else English."""
    return asked or next((one.language for one in exercises if one.language), DEFAULT)


@dataclass(frozen=True, eq=False, repr=False)
class Voice(Plain):
    """How findings are put into words and signs. Where exercises differ, the first one counts."""

    checked: Checked
    language: str
    templates: Path | None = None

    @cached_property
    def words(self) -> Mapping[str, str]:
        """The exercises' own sentences."""
        found: dict[str, str] = {}
        for exercise in reversed(self.checked.exercises):
            found |= exercise.words.get(self.language, {})
        return found

    @cached_property
    def functions(self) -> Mapping[str, Function]:
        """The exercises' own functions."""
        found: dict[str, Function] = {}
        for exercise in reversed(self.checked.exercises):
            found |= exercise.functions
        return found

    @cached_property
    def style(self) -> Style:
        """The style of our own formulas: readings, and what was expected."""
        exercises = self.checked.exercises
        if not exercises:
            return Style()
        capitals: frozenset[str] = frozenset()
        for exercise in exercises:
            equations = [(equation.name, equation.body) for equation in exercise.equations]
            capitals |= kept_capitals(equations, {*exercise.shapes, *exercise.sizes})
        first = exercises[0]
        return Style(
            loss=first.loss, capitals=capitals, layers=first.layer_marks,
            layer_names=layer_names({name for exercise in exercises for name in exercise.shapes}),
        )  # fmt: skip

    @cached_property
    def text(self) -> Setter:
        """Sets sentences as text to look at."""
        spoken = load_words(self.language, self.templates, self.words)
        return text_setter(spoken, self.style, self.functions)

    def rendered(self, document: Document, form: str) -> str:
        """The document in a format (`tex`, `typ`, `md`, `html`)."""
        style = self.style
        return render(
            document, format=form, language=self.language, words=self.words, functions=self.functions,
            loss=style.loss, templates=self.templates, capitals=style.capitals, layers=style.layers,
            layer_names=style.layer_names,
        )  # fmt: skip
