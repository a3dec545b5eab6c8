"""A derivation as a document: which sections, in which order, at which level of detail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
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

Section = Callable[[View], Iterator[Block]]

_GIVEN_TO_BACK: tuple[Section, ...] = (given, forward, loss, activation, backward, ledger)

DETAILS: Mapping[str, tuple[Section, ...]] = MappingProxyType(
    {
        "answer": (summary,),
        "exam": (
            *(partial(section, reasons=False) for section in (given, forward, loss, backward)),
            summary,
        ),
        "student": (*_GIVEN_TO_BACK, layer, summary),
        # the picture of what an input gets back stands among the levels there
        "full": (
            *_GIVEN_TO_BACK, picture, partial(layer, picture=False), levels, summary, checks, code,
        ),
        "worksheet": (given, worksheet),
    }
)  # fmt: skip
"""The sections of each level of detail, in order."""


def compose(derivation: Derivation, *, detail: str = "full") -> Document:
    """The document of a derivation. Raises KeyError for an unknown detail."""
    view = View(derivation, Facts(derivation), derivation.digits)
    key = "title.worksheet" if detail == "worksheet" else "title.report"
    return Document(
        title=Text(key),
        subtitle=Literally(derivation.exercise.title),
        blocks=tuple(block for section in DETAILS[detail] for block in section(view)),
    )
