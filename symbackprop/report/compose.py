"""A derivation as a document: which sections, in which order, at which level of detail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType

from symbackprop.derivation.steps import Derivation
from symbackprop.report.document import Block, Document, Literally, Text
from symbackprop.report.facts import Facts
from symbackprop.report.sections.activation import activation
from symbackprop.report.sections.axis import axis_functions
from symbackprop.report.sections.backward import backward
from symbackprop.report.sections.batch import examples
from symbackprop.report.sections.code import code
from symbackprop.report.sections.drawing import drawing
from symbackprop.report.sections.forward import forward
from symbackprop.report.sections.given import given
from symbackprop.report.sections.graph import picture
from symbackprop.report.sections.layer import layer
from symbackprop.report.sections.ledger import ledger
from symbackprop.report.sections.levels import levels
from symbackprop.report.sections.loss import loss
from symbackprop.report.sections.summary import checks, summary
from symbackprop.report.sections.worksheet import worksheet
from symbackprop.report.view import View

Section = Callable[[View], Iterator[Block]]


def descent(view: View, *, reasons: bool = True, only_table: bool = False) -> Iterator[Block]:
    """The section on gradient descent, which is only imported where there is one."""
    if view.derivation.descent is not None:
        from symbackprop.report.sections.descent import descent as section

        yield from section(view, reasons=reasons, only_table=only_table)


def plots_of(view: View) -> Iterator[Block]:
    """The plots, which are only imported where they are asked for."""
    from symbackprop.report.sections.plots import plots

    yield from plots(view)


_GIVEN_TO_BACK: tuple[Section, ...] = (
    given, drawing, forward, loss, activation, axis_functions, backward, examples, ledger,
)  # fmt: skip
_SHORT: tuple[Section, ...] = (
    partial(given, short=True), drawing, partial(forward, short=True), loss, activation, axis_functions,
    partial(backward, short=True), examples, partial(ledger, short=True),
)  # fmt: skip
"""The same, with the layers of a deep net that say nothing new left to tables."""

DETAILS: Mapping[str, tuple[Section, ...]] = MappingProxyType(
    {
        "answer": (summary, partial(descent, only_table=True)),
        "exam": (
            *(partial(section, reasons=False) for section in (given, forward, loss, backward)),
            summary,
            partial(descent, reasons=False),
        ),
        "student": (*_SHORT, partial(layer, short=True), summary, descent),
        # the picture of what an input gets back stands among the levels there
        "full": (
            *_GIVEN_TO_BACK, picture, partial(layer, picture=False), levels, summary, descent, checks,
            code,
        ),
        "worksheet": (given, worksheet),
    }
)  # fmt: skip
"""The sections of each level of detail, in order."""


def _sections(detail: str, plots: bool) -> tuple[Section, ...]:
    """The sections of a detail; the plots right behind what is said of the activations, or at the end."""
    sections = DETAILS[detail]
    if not plots:
        return sections
    place = sections.index(activation) + 1 if activation in sections else len(sections)
    return (*sections[:place], plots_of, *sections[place:])


def compose(derivation: Derivation, *, detail: str = "full", plots: bool = False) -> Document:
    """The document of a derivation, with `plots` of its activations if asked.

    Raises KeyError for an unknown detail.
    """
    view = View(derivation, Facts(derivation), derivation.digits)
    key = "title.worksheet" if detail == "worksheet" else "title.report"
    return Document(
        title=Text(key),
        subtitle=Literally(derivation.exercise.title),
        blocks=tuple(block for section in _sections(detail, plots) for block in section(view)),
    )
