"""Findings in every format: what files they become, and their content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin, get_type_hints

from symbackprop.checking.findings import Checked
from symbackprop.checking.settings import Settings
from symbackprop.notation.node import Plain
from symbackprop.report.checked.voice import Voice
from symbackprop.report.outputs import one_of

if TYPE_CHECKING:
    from symbackprop.report.document import Document

Kind = Literal["text", "pdf", "md", "html", "json"]

KINDS: Final[tuple[Kind, ...]] = ("text", "pdf", "md", "html", "json")
"""What there can be; `text` is printed, the others are files with these suffixes."""

_NAMELESS: Final = "derivation"
"""What the report on standard input is called."""


def kinds_of(text: str) -> list[Kind]:
    """`"text,pdf"` as kinds, each once. Raises ValueError."""
    named = [one_of("--to", part.strip(), KINDS) for part in text.split(",")]
    return [kind for kind in KINDS if kind in named]


def settings_of(values: Mapping[str, Any], prefix: str = "") -> Settings:
    """The settings with these values. Raises ValueError for a name or a value that is none."""
    known = get_type_hints(Settings)
    for name, value in values.items():
        one_of("the setting", name, tuple(known))
        allowed = get_args(known[name])
        if get_origin(known[name]) is Literal:
            one_of(f"{prefix}{name}", value, allowed)
    return Settings(**values)


def file_paths(path: str, kinds: Sequence[Kind], folder: Path) -> dict[Kind, Path]:
    """The files that the kinds become: `notes-check.pdf` for `notes.md`."""
    stem = _NAMELESS if path == "-" else PurePath(path).stem
    return {kind: folder / f"{stem}-check.{kind}" for kind in kinds if kind != "text"}


@dataclass(frozen=True, eq=False, repr=False)
class CheckedOutputs(Plain):
    """The outputs of one check in one language; each is made when asked for.

    Raises, besides what the parts raise: WordsError for an unknown language, TemplateError for a
    template at fault, TypesettingError where no PDF could be made.
    """

    checked: Checked
    language: str
    engine: Literal["auto", "pdflatex", "typst"] = "auto"
    templates: Path | None = None

    @cached_property
    def voice(self) -> Voice:
        """Its words and its signs."""
        return Voice(self.checked, self.language, self.templates)

    @cached_property
    def document(self) -> Document:
        """The typed blocks."""
        from symbackprop.report.checked.compose import compose  # a terminal has none

        return compose(self.checked)

    @property
    def text(self) -> str:
        """What is printed, without colours."""
        from symbackprop.report.checked.text import plain_text

        return plain_text(self.voice)

    @property
    def md(self) -> str:
        """The Markdown file."""
        return self.voice.rendered(self.document, "md")

    @property
    def html(self) -> str:
        """The web page, which needs nothing beside itself."""
        return self.voice.rendered(self.document, "html")

    @property
    def json(self) -> str:
        """The JSON file."""
        from symbackprop.report.checked.contract import to_json

        return to_json(self.voice)

    @property
    def pdf(self) -> bytes:
        """The PDF, by the engine; `auto` takes pdflatex where it is installed."""
        from symbackprop.report.pdf import FORM, chosen, to_pdf

        engine = chosen(self.engine)
        return to_pdf(self.voice.rendered(self.document, FORM[engine]), engine=engine)

    def content(self, kind: Kind) -> str | bytes:
        """The content of one kind."""
        made: str | bytes = getattr(self, kind)
        return made

    def files(self, paths: Mapping[Kind, Path]) -> dict[Path, str | bytes]:
        """Every file that was asked for, by its path, all rendered."""
        return {path: self.content(kind) for kind, path in paths.items()}
