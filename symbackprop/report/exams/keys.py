"""The keys of all variants as one LaTeX text, made by joining strings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from symbackprop.exams.model import Exam, Part, Question, Sheet, Variant, in_language
from symbackprop.notation.tree import Node, equation
from symbackprop.report.document import Text
from symbackprop.report.exams.marks import Numbers
from symbackprop.report.exams.questions import Asked
from symbackprop.report.exams.teachers import own
from symbackprop.report.page import spoken
from symbackprop.report.render import FORMATS
from symbackprop.report.templating import fill
from symbackprop.report.words import Words, load_words

_ROOM = 48.0  # em of a line


def keys_text(
    exam: Exam, variants: Iterable[tuple[Variant, str]], *, language: str, templates: Path | None = None
) -> Iterator[str]:
    """The keys of all variants, which come with their codes, as the text of a LaTeX file in pieces.

    Raises WordsError, TemplateError.
    """
    words = load_words(language, templates)
    escape = FORMATS["tex"].escape
    fields = {
        "title": own(in_language(exam.title, language), "tex") or escape(exam.key),
        **spoken(words, FORMATS["tex"]),
    }
    questions = [_Keys(question, words) for question in exam.questions]
    before, _, after = fill("exam/keys.tex", {**fields, "rows": _HERE}, templates).partition(_HERE)
    yield before
    for variant, code in variants:
        name = "" if exam.anonymous else escape(variant.student.name)
        yield "\n".join(_rows(questions, variant, name, code)) + "\n"
    yield after


_HERE = "%%% rows %%%"
_NOTHING = "---"  # of a derivation in general there are no numbers


def _rows(questions: Sequence[_Keys], variant: Variant, name: str, code: str) -> Iterator[str]:
    yield f"\\variant{{{variant.student.number:04}}}{{{name}}}{{{code}}}"
    for at, (keys, sheet) in enumerate(zip(questions, variant.sheets, strict=True), start=1):
        shown = r"\quad ".join(keys.shown(sheet)) or _NOTHING
        yield f"\\keys{{{at}.}}{{{shown}}}"


class _Keys:
    """How the keys of one question are set: `dW = …`, by part."""

    def __init__(self, question: Question, words: Words) -> None:
        self.asked = Asked.of(question, "tex", words, _ROOM)
        self.parts: Mapping[str, Numbers] = {
            part.name: self._numbers(part) for part in question.parts if part.kind == "value"
        }

    def shown(self, sheet: Sheet) -> Iterator[str]:
        """The key of each part: `dW = …`; of a mistake to be found the line, and the line as it should be."""
        for part in self.asked.question.parts:
            if part.kind == "value":
                yield f"${self.parts[part.name].text(sheet.key[part.name])}$"
            elif part.kind == "mistake":
                faulty = sheet.faulty[part.id]
                line = self.asked.setter.text(Text("exam.key_line", {"line": faulty.at + 1}))
                yield f"{line}: ${self.asked.line(faulty.right)}$"

    def _numbers(self, part: Part) -> Numbers:
        asked = self.asked
        symbol = asked.view.loss_call() if part.name == asked.view.loss else asked.symbol(part.name)

        def stated(value: Node) -> Node:
            return equation(symbol, value)

        return Numbers.of(asked.shape(part.name), asked.cells, asked.setter.formula, stated)
