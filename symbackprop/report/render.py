"""A document as text in a format: LaTeX, Typst or Markdown, through the templates.

To add a format: a row in `FORMATS` and a folder in `templates/`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from symbackprop.algebra.functions import TABLE, Function
from symbackprop.exercise.faults import visible
from symbackprop.exercise.model import LayerMarks
from symbackprop.notation.tree import Node
from symbackprop.notation.write import Style, to_latex, to_plain
from symbackprop.notation.write_names import is_greek
from symbackprop.notation.write_readable import readable_name, to_readable
from symbackprop.notation.write_typst import to_typst
from symbackprop.report.escape import (
    html_text,
    latex_string,
    latex_text,
    markdown_text,
    printable,
    typst_string,
    typst_text,
)
from symbackprop.report.layout import ROOM
from symbackprop.report.setting import Format, Setter
from symbackprop.report.templating import TemplateError, fill
from symbackprop.report.words import Words, WordsError, load_words

if TYPE_CHECKING:
    from symbackprop.report.document import Document

__all__ = ["FORMATS", "TemplateError", "WordsError", "render", "setters", "text_setter"]


def _plain_formula(node: Node, style: Style, *, align: bool = False) -> str:
    """Plain text has nothing to align."""
    return to_plain(node, style)


def _mathml(node: Node, style: Style, *, align: bool = False) -> str:
    from symbackprop.notation.write_mathml import to_mathml  # no other format needs it

    return to_mathml(node, style)


def _mathml_operator(name: str) -> str:
    return f'<mi mathvariant="normal">{html_text(name)}</mi>'


FORMATS: Final[Mapping[str, Format]] = {
    row.name: row
    for row in (
        Format(
            name="tex", suffix=".tex", template="latex/report.tex", formula=to_latex, operators="latex",
            operator=lambda name: rf"\operatorname{{{name}}}", macros=True, escape=latex_text,
            string=latex_string, inline=("$", "$"), shrunk=(r"\fit[0.95\linewidth]{$", "$}"),
            marks={"bold": (r"\textbf{", "}"), "red": (r"\grad{", "}"), "code": (r"\texttt{", "}")},
            reference=lambda label, number: rf"\ref{{sec:{label}}}", supposed=(r"\supposed{", "}"),
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
        Format(
            name="html", suffix=".html", template="html/report.html", formula=_mathml, operators="plain",
            operator=_mathml_operator, macros=False, escape=html_text, string=html_text,
            inline=("<math>", "</math>"), shrunk=("<math>", "</math>"),
            marks={
                "bold": ("<strong>", "</strong>"), "red": ('<span class="red">', "</span>"),
                "code": ("<code>", "</code>"),
            },
            reference=lambda label, number: f'<a href="#{label}">{number}</a>', folds=False,
            greek=True,
        ),
    )
}  # fmt: skip
"""One row a format."""

_READABLE: Final = Format(
    name="text", suffix=".txt", template="", formula=to_readable, operators="plain", operator=str,
    macros=False, escape=visible, string=visible, inline=("", ""), shrunk=("", ""),
    marks={"bold": ("", ""), "red": ("", ""), "code": ("", "")}, reference=lambda label, number: str(number),
    greek=True,
)  # fmt: skip
"""Text for a terminal, with the board's own signs."""

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
    from symbackprop.report.page import page, section_numbers  # a terminal shows no page

    own = FORMATS[format]
    spoken = load_words(language, templates, words)
    style = Style(
        decimal_mark=decimal_mark or spoken.decimal_mark, words=spoken.formula, loss=loss,
        straight_d=straight_d, names=names or {}, capitals=capitals, layers=layers, layer_names=layer_names,
    )  # fmt: skip
    setter, plain = setters(own, spoken, style, functions or {}, sections=section_numbers(document))
    fields: dict[str, Any] = page(document, setter, plain)
    return fill(own.template, fields, templates)


def setters(
    kind: Format,
    spoken: Words,
    style: Style,
    functions: Mapping[str, Function],
    *,
    sections: Mapping[str, int],
    room: float = ROOM,
) -> tuple[Setter, Setter]:
    """What sets a page in a format, and what sets the same as bare text; `room` is the width of a line in em.

    `functions` are an exercise's own as rows of the table, `sections` the numbers of labelled headings.
    """
    table = {**TABLE, **functions}
    measure = _measure(_styled(FORMATS["tex"], style, table, spoken))

    def setter(one: Format) -> Setter:
        return Setter(
            format=one, words=spoken, style=_styled(one, style, table, spoken), sections=sections,
            measure=measure, room=room, operators=_own_operators(one, table),
        )  # fmt: skip

    return setter(kind), setter(_PLAIN)


def text_setter(spoken: Words, style: Style, functions: Mapping[str, Function]) -> Setter:
    """What sets sentences and formulas as text for people to look at, on a terminal: nothing is shrunk."""
    table = {**TABLE, **functions}
    whole = replace(style, decimal_mark=spoken.decimal_mark, words=spoken.formula)
    return Setter(
        format=_READABLE, words=spoken, style=_styled(_READABLE, whole, table, spoken), sections={},
        measure=lambda _: 0.0, room=ROOM, operators=_own_operators(_READABLE, table),
    )  # fmt: skip


def _styled(kind: Format, style: Style, table: Mapping[str, Function], words: Words) -> Style:
    """The style in one format."""
    names: Mapping[str, str] = {}
    if kind.formula is to_latex:
        from symbackprop.report.circuit import SIGNS

        names = {**SIGNS, **style.names}
    return replace(style, functions=_operators(kind, table, words), names=names, macros=kind.macros)


def _measure(style: Style) -> Callable[[Node], float]:
    """How wide a formula is, in em; a person's own formula about as wide as one of ours."""
    from symbackprop.report.measure import width

    return lambda node: width(to_latex(node, style))


def _operators(kind: Format, table: Mapping[str, Function], words: Words) -> dict[str, str]:
    """The operators of all functions in a format, with the names that the language has for some."""
    found = _own_operators(kind, table)
    for name, spoken in words.functions.items():
        if (name in table and spoken != table[name].plain) or (name not in table and spoken != name):
            found[name] = kind.operator(spoken)
    return found


def _own_operators(kind: Format, table: Mapping[str, Function]) -> dict[str, str]:
    """The same without a language: as the table of functions has them."""
    shown = _greek if kind.greek else (lambda row: str(getattr(row, kind.operators)))
    made = {
        name: shown(row)
        for name, row in table.items()
        if name not in {"sqrt", "abs", "square"} or row is not TABLE[name]  # these have signs: √u, |u|
    }
    return {name: kind.operator(text) for name, text in made.items()} if kind.greek else made


def _greek(row: Function) -> str:
    """A function's name as text; the letter itself (σ) where LaTeX has a command for it."""
    letter = row.latex.removeprefix("\\")
    return readable_name(letter) if is_greek(letter) else row.plain
