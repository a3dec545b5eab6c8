"""A document as text in a format: LaTeX, Typst or Markdown, through the templates.

To add a format: a row in `FORMATS` and a folder in `templates/`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from symbackprop.algebra.functions import TABLE, Function
from symbackprop.exercise.model import LayerMarks
from symbackprop.notation.tree import Node
from symbackprop.notation.write import Style, to_latex, to_plain
from symbackprop.notation.write_typst import to_typst
from symbackprop.report.circuit import SIGNS
from symbackprop.report.document import Document
from symbackprop.report.escape import (
    latex_string,
    latex_text,
    markdown_text,
    printable,
    typst_string,
    typst_text,
)
from symbackprop.report.layout import ROOM
from symbackprop.report.measure import width
from symbackprop.report.page import page, section_numbers
from symbackprop.report.setting import Format, Setter
from symbackprop.report.templating import TemplateError, fill
from symbackprop.report.words import Words, WordsError, load_words

__all__ = ["FORMATS", "TemplateError", "WordsError", "render"]


def _plain_formula(node: Node, style: Style, *, align: bool = False) -> str:
    """Plain text has nothing to align."""
    return to_plain(node, style)


FORMATS: Final[Mapping[str, Format]] = {
    row.name: row
    for row in (
        Format(
            name="tex", suffix=".tex", template="latex/report.tex", formula=to_latex, operators="latex",
            operator=lambda name: rf"\operatorname{{{name}}}", macros=True, escape=latex_text,
            string=latex_string, inline=("$", "$"), shrunk=(r"\fit[0.95\linewidth]{$", "$}"),
            marks={"bold": (r"\textbf{", "}"), "red": (r"\grad{", "}"), "code": (r"\texttt{", "}")},
            reference=lambda label, number: rf"\ref{{sec:{label}}}",
        ),
        Format(
            name="typ", suffix=".typ", template="typst/report.typ", formula=to_typst, operators="typst",
            operator=lambda name: f'op("{name}")', macros=False, escape=typst_text,
            string=typst_string, inline=("$", "$"), shrunk=("#fit($", "$);"),
            marks={"bold": ("#strong[", "]"), "red": ("#red[", "]"), "code": ("#mono[", "]")},
            reference=lambda label, number: str(number), apart=";",
        ),
        Format(
            name="md", suffix=".md", template="markdown/report.md", formula=to_latex, operators="latex",
            operator=lambda name: rf"\operatorname{{{name}}}", macros=False, escape=markdown_text,
            string=markdown_text, inline=("$", "$"), shrunk=("$", "$"),
            marks={"bold": ("**", "**"), "red": ("", ""), "code": ("<code>", "</code>")},
            reference=lambda label, number: str(number), folds=False,
        ),
    )
}  # fmt: skip
"""One row a format."""

_PLAIN: Final = Format(
    name="plain", suffix=".txt", template="", formula=_plain_formula, operators="plain",
    operator=str, macros=False, escape=printable, string=printable, inline=("", ""), shrunk=("", ""),
    marks={"bold": ("", ""), "red": ("", ""), "code": ("", "")}, reference=lambda label, number: str(number),
)  # fmt: skip
"""Bare text, for what a PDF says of itself and for the graph's description."""


def render(
    document: Document,
    *,
    format: str,  # noqa: A002 - the word that callers expect
    language: str,
    words: Mapping[str, str] | None = None,
    functions: Mapping[str, Function] | None = None,
    loss: str = "L",
    names: Mapping[str, str] | None = None,
    straight_d: bool = False,
    decimal_mark: str | None = None,
    templates: Path | None = None,
    capitals: frozenset[str] = frozenset(),
    layers: LayerMarks = "sub",
    layer_names: frozenset[str] = frozenset(),
) -> str:
    """The document as text in a format (`tex`, `typ`, `md`).

    `words` are an exercise's own sentences by key; `functions` its own functions as rows of the
    table; `loss` the name of its loss; `names` says how names print, in LaTeX. The decimal mark is
    the language's own if none is given. `templates` is a teacher's folder, which shadows ours. The
    entries of a matrix are named by its small letter, unless it is one of the `capitals`.
    `layers` says how the numbers of `layer_names` are set.
    Raises KeyError for an unknown format, WordsError for words at fault (an unknown language, a
    missing sentence), TemplateError for a template at fault.
    """
    own = FORMATS[format]
    spoken = load_words(language, templates, words)
    table = {**TABLE, **(functions or {})}

    def setter(kind: Format) -> Setter:
        shown = {**SIGNS, **(names or {})} if kind.formula is to_latex else {}
        style = Style(
            decimal_mark=decimal_mark or spoken.decimal_mark,
            words=spoken.formula,
            functions=_operators(kind, table, spoken),
            loss=loss,
            straight_d=straight_d,
            names=shown,
            macros=kind.macros,
            capitals=capitals,
            layers=layers,
            layer_names=layer_names,
        )
        return Setter(format=kind, words=spoken, style=style, sections=numbers, measure=measure, room=ROOM)

    def measure(node: Node) -> float:
        return width(to_latex(node, measured))

    numbers = section_numbers(document)
    measured = setter(FORMATS["tex"]).style
    fields: dict[str, Any] = page(document, setter(own), setter(_PLAIN))
    return fill(own.template, fields, templates)


def _operators(kind: Format, table: Mapping[str, Function], words: Words) -> dict[str, str]:
    """The operators of all functions in a format, with the names that the language has for some."""
    found = {
        name: str(getattr(row, kind.operators))
        for name, row in table.items()
        if name not in {"sqrt", "abs", "square"} or row is not TABLE[name]  # these have signs: √u, |u|
    }
    for name, spoken in words.functions.items():
        if (name in table and spoken != table[name].plain) or (name not in table and spoken != name):
            found[name] = kind.operator(spoken)
    return found
