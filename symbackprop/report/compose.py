"""A derivation as a document: which sections, in which order, at which level of detail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from symbackprop.derivation.steps import Derivation
from symbackprop.report.document import Block, Document, Literally, Text
from symbackprop.report.facts import Facts
from symbackprop.report.sections.activation import activation
from symbackprop.report.sections.backward import backward
from symbackprop.report.sections.code import code
from symbackprop.report.sections.forward import forward
from symbackprop.report.sections.given import given
from symbackprop.report.sections.layer import layer
from symbackprop.report.sections.levels import levels
from symbackprop.report.sections.loss import loss
from symbackprop.report.sections.summary import checks, ledger, picture, summary
from symbackprop.report.sections.worksheet import worksheet
from symbackprop.report.view import View

Sections = Callable[[View], Iterator[Block]]


def _answer(view: View) -> Iterator[Block]:
    yield from summary(view)


def _exam(view: View) -> Iterator[Block]:
    yield from given(view, reasons=False)
    yield from forward(view, reasons=False)
    yield from loss(view, reasons=False)
    yield from backward(view, reasons=False)
    yield from summary(view)


def _student(view: View) -> Iterator[Block]:
    yield from given(view)
    yield from forward(view)
    yield from loss(view)
    yield from activation(view)
    yield from backward(view)
    yield from ledger(view)
    yield from layer(view)
    yield from summary(view)


def _full(view: View) -> Iterator[Block]:
    yield from given(view)
    yield from forward(view)
    yield from loss(view)
    yield from activation(view)
    yield from backward(view)
    yield from ledger(view)
    yield from picture(view)
    yield from layer(view, picture=False)
    yield from levels(view)
    yield from summary(view)
    yield from checks(view)
    yield from code(view)


def _worksheet(view: View) -> Iterator[Block]:
    yield from given(view)
    yield from worksheet(view)


DETAILS: Mapping[str, Sections] = MappingProxyType(
    {"answer": _answer, "exam": _exam, "student": _student, "full": _full, "worksheet": _worksheet}
)
"""One row a level of detail."""


def compose(derivation: Derivation, *, detail: str = "full") -> Document:
    """The document of a derivation. Raises KeyError for an unknown detail."""
    view = View(derivation, Facts(derivation), derivation.digits)
    key = "title.worksheet" if detail == "worksheet" else "title.report"
    return Document(
        title=Text(key),
        subtitle=Literally(derivation.exercise.title),
        blocks=tuple(DETAILS[detail](view)),
    )
