"""A derivation in every format: what files it becomes, and their content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from symbackprop.exercise.faults import nearest
from symbackprop.exercise.model import Exercise
from symbackprop.notation.node import Plain

if TYPE_CHECKING:
    from symbackprop.derivation.steps import Derivation
    from symbackprop.report.document import Document
    from symbackprop.report.pdf import Engine
    from symbackprop.report.proofreading import Proof

Kind = Literal["tex", "pdf", "typ", "md", "json"]

KINDS: Final[tuple[Kind, ...]] = ("tex", "pdf", "typ", "md", "json")
"""The files that there can be, by suffix."""

ENGINES: Final = ("auto", "pdflatex", "typst")
DETAILS: Final = ("answer", "exam", "student", "full", "worksheet")
DEFAULT_DETAIL: Final = "full"
DEFAULT_LANGUAGE: Final = "en"


def one_of(what: str, value: str, known: Sequence[str]) -> str:
    """`value`, if it is known. Raises ValueError, naming the nearest and all that there are."""
    if value in known:
        return value
    near = nearest(value, known) if isinstance(value, str) else []
    advice = f"did you mean {near[0]}? " if near else ""
    raise ValueError(f"{what} {value!r}: {advice}it is one of {', '.join(known)}")


def kinds_of(text: str) -> list[Kind]:
    """`"tex,pdf"` as kinds, each once. Raises ValueError."""
    named = [one_of("--to", part.strip(), KINDS) for part in text.split(",")]
    return [kind for kind in KINDS if kind in named]


def language_of(exercise: Exercise, asked: str | None = None) -> str:
    """What was asked for, else the exercise's own language, else English."""
    return asked or exercise.language or DEFAULT_LANGUAGE


def file_name(exercise: Exercise, kind: Kind, detail: str = DEFAULT_DETAIL) -> str:
    """`neurona.tex`; `neurona-worksheet.tex` for another detail than full, so that both can be kept.

    JSON holds the whole derivation at every detail, and has one name.
    """
    apart = kind != "json" and detail != DEFAULT_DETAIL
    return f"{exercise.key}{f'-{detail}' if apart else ''}.{kind}"


def file_paths(exercise: Exercise, kinds: Sequence[Kind], detail: str, folder: Path) -> list[Path]:
    """The files that the kinds become in a folder."""
    return [folder / file_name(exercise, kind, detail) for kind in dict.fromkeys(kinds)]


@dataclass(frozen=True, eq=False, repr=False)
class Outputs(Plain):
    """The outputs of one derivation in one language and detail; each is made when asked for.

    Raises, besides what the parts raise: WordsError for an unknown language, TemplateError for a
    template at fault, TypesettingError where no PDF could be made.
    """

    derivation: Derivation
    language: str = DEFAULT_LANGUAGE
    detail: str = DEFAULT_DETAIL
    engine: Engine = "auto"
    templates: Path | None = None
    plots: bool = False

    @cached_property
    def document(self) -> Document:
        """The typed blocks."""
        from symbackprop.report.compose import compose

        return compose(self.derivation, detail=self.detail, plots=self.plots)

    @cached_property
    def tex(self) -> str:
        """The LaTeX file."""
        return self._rendered("tex")

    @cached_property
    def typ(self) -> str:
        """The Typst file."""
        return self._rendered("typ")

    @cached_property
    def md(self) -> str:
        """The Markdown file."""
        return self._rendered("md")

    @cached_property
    def json(self) -> str:
        """The JSON file."""
        from symbackprop.report.contract import to_json

        return to_json(self.derivation, language=self.language, templates=self.templates)

    @cached_property
    def pdf(self) -> bytes:
        """The PDF, by the engine; `auto` takes pdflatex where it is installed."""
        from symbackprop.report.pdf import chosen, to_pdf

        engine = chosen(self.engine)
        return to_pdf(self.tex if engine == "pdflatex" else self.typ, engine=engine)

    def content(self, kind: Kind) -> str | bytes:
        """The content of one file."""
        made: str | bytes = getattr(self, kind)
        return made

    @cached_property
    def proof(self) -> Proof | None:
        """The report read back; None where nothing of it can be judged, for want of a random point.

        What is read is the LaTeX of the same document with our own template and in a language of ours, for a
        teacher's template may leave out what tells claims from other formulas. Raises ProofError where a
        formula is wrong.
        """
        from symbackprop.algebra.values.domain import DomainProblem, EvaluationError, NotCertified
        from symbackprop.report.proofreading import function_words, proofread, refuse_wrong
        from symbackprop.report.words import languages, load_words

        language = self.language if self.language in languages() else DEFAULT_LANGUAGE
        words = load_words(language)
        try:
            found = proofread(
                self._rendered("tex", templates=None, language=language), self.derivation.exercise,
                functions=function_words(self.derivation.exercise, words), comma=words.decimal_mark == ",",
            )  # fmt: skip
        except (NotCertified, EvaluationError, DomainProblem, LookupError):
            return None  # said to the person; the certificate stands by itself
        refuse_wrong(found)
        return found

    def files(self, kinds: Sequence[Kind], folder: Path) -> Mapping[Path, str | bytes]:
        """Every file that was asked for, by its path, all rendered, once the report has been read back.

        Raises ProofError where that finds a mistake of ours.
        """
        if any(kind != "json" for kind in kinds):
            _ = self.proof
        paths = file_paths(self.derivation.exercise, kinds, self.detail, folder)
        return {path: self.content(kind) for path, kind in zip(paths, dict.fromkeys(kinds), strict=True)}

    def _rendered(self, form: str, **changed: Any) -> str:
        from symbackprop.derivation.results import capitals
        from symbackprop.exercise.layers import layer_names
        from symbackprop.report.render import render

        exercise = self.derivation.exercise
        language, templates = changed.get("language", self.language), changed.get("templates", self.templates)
        return render(
            self.document, format=form, language=language, words=exercise.words.get(language),
            functions=exercise.functions, loss=exercise.loss, templates=templates,
            capitals=capitals(exercise), layers=exercise.layer_marks,
            layer_names=layer_names(exercise.shapes),
        )  # fmt: skip
