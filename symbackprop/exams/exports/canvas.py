"""A pool for Canvas: quizzes in QTI 1.2, written as text2qti's Markdown and converted by text2qti itself.

One numerical item a cell; what must be 0 is not asked. A question group of Canvas picks items one by one, so
it could not keep the cells of a variant together: each variant is a quiz of its own, in a package of its own.
Canvas knows no partial credit for a number and no follow-through: named mistakes stand in the feedback. The
solution and the rubric of an essay are left out, since all that an item holds is shown to students.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from itertools import count

from symbackprop.exams.exports.canvas_check import lint, read_back
from symbackprop.exams.exports.html import decimal
from symbackprop.exams.exports.packing import archive, check_names
from symbackprop.exams.exports.pool import (
    Choice,
    Essay,
    ExportError,
    Files,
    Formula,
    Numbers,
    Pool,
    PoolQuestion,
    PoolVariant,
    Words,
)

__all__ = ["export", "lint", "read_back"]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_PLACES = 10**4  # text2qti writes four decimals, and Canvas compares no more
_DATE = "1980-01-01"

_NO_MATHS = re.compile("(&#92;|&#36;)((?<=&#92;)&#40;|(?<=&#92;)&#91;|(?<=&#36;)&#36;)")
r"""Where Canvas looks for LaTeX in a text, \( and \[ and $$: a tag between the two signs hides it."""


def export(pool: Pool) -> Files:
    """A package `<key>-canvas-<n>.zip` for each variant; where a question has fewer, its own come again.

    ExportError for a key with more than four decimals, and for what text2qti refuses.
    """
    check_names(pool)
    scale = _scale(pool)
    most = max((len(question.variants) for question in pool.questions), default=0)
    return {
        f"{pool.key}-canvas-{number:03}.zip": _package(_Quiz(pool, number, scale).text())
        for number in range(1, most + 1)
    }


def _scale(pool: Pool) -> int:
    """What all points are multiplied by, since text2qti takes whole and half points only: 3 for thirds."""
    parts = [part for question in pool.questions for variant in question.variants for part in variant.parts]
    points = [part.points for part in parts if not isinstance(part, Numbers)]
    points += [cell.points for part in parts if isinstance(part, Numbers) for cell in part.cells]
    return math.lcm(*((2 * value).denominator for value in points))


def _package(text: str) -> bytes:
    """A quiz as text2qti makes it, but without the day's date. Nothing is run and nothing fetched for it."""
    from text2qti.config import Config
    from text2qti.err import Text2qtiError
    from text2qti.qti import QTI
    from text2qti.quiz import Quiz
    from text2qti.xml_imsmanifest import imsmanifest

    try:
        quiz = Quiz(text, config=Config(run_code_blocks=False, pandoc_mathml=False))
    except Text2qtiError as fault:
        raise ExportError(f"text2qti cannot make a quiz for Canvas of this: {fault}") from None
    made = QTI(quiz)
    manifest = imsmanifest(
        manifest_identifier=made.manifest_identifier,
        assessment_identifier=made.assessment_identifier,
        dependency_identifier=made.dependency_identifier,
        images={},
        date=_DATE,
    )
    folder = made.assessment_identifier
    texts = {
        "imsmanifest.xml": manifest,
        f"{folder}/assessment_meta.xml": made.assessment_meta,
        f"{folder}/{folder}.xml": made.assessment,
    }
    return archive({path: text.encode() for path, text in texts.items()})


# --- text2qti's Markdown --------------------------------------------------------------------


class _Quiz:
    """The text of one quiz, item by item."""

    def __init__(self, pool: Pool, number: int, scale: int) -> None:
        self.pool, self.number, self.scale = pool, number, scale
        self.items = count(1)

    def text(self) -> str:
        """The whole file."""
        times = f" (×{self.scale})" if self.scale > 1 else ""
        head = f"Quiz title: {_plain(self.pool.title)} · {self.number}{times}\n"
        options = "Shuffle answers: false\nShow correct answers: false\n\n"
        questions = (self.question(at, question) for at, question in enumerate(self.pool.questions, 1))
        return head + options + "\n".join(questions)

    def question(self, at: int, question: PoolQuestion) -> str:
        """A text region with what is given, then the items of its parts."""
        variant = question.variants[(self.number - 1) % len(question.variants)]
        # Canvas knows an item by a hash of its text: it must be no other quiz's, or it would take its place.
        heading = f"{self.pool.key} {self.number}.{at} · {question.title}"
        lines = [_words(line) for line in (*variant.text, (self.pool.sentences["no_fractions"],))]
        given = f"Text title: {_plain(heading)}\nText: {_below(lines, 4)}\n\n"
        parts = (self.part(heading, question, variant, part) for part in variant.parts)
        return given + "".join(parts)

    def part(
        self, heading: str, question: PoolQuestion, variant: PoolVariant, part: Numbers | Choice | Essay
    ) -> str:
        """The items of one part."""
        where = f"{question.id}/{variant.name}/{part.slug}"
        match part:
            case Numbers():
                asked = (at for at, cell in enumerate(part.cells) if not cell.forced)
                return "".join(self.cell(heading, f"{where}/{at + 1}", part, at) for at in asked)
            case Choice():
                answer = self.options(where, part)
                lines = [_words(line) for line in (part.prompt, *part.shown)]
            case Essay():
                answer, lines = "____\n", [_words(part.prompt)]
        return self.item(heading, where, part.points, lines, answer)

    def item(self, heading: str, name: str, points: Fraction, lines: list[str], answer: str) -> str:
        """One item of the quiz; its title says which part of which variant it is."""
        start = f"{next(self.items)}. "
        shown = _below([_text(heading), *lines], len(start))
        worth = decimal(points * self.scale)
        return f"Title: {name}\nPoints: {worth}\n{start}{shown}\n{answer}\n"

    def cell(self, heading: str, name: str, part: Numbers, at: int) -> str:
        """The item of one number, with what is said about it."""
        key = part.cells[at].key
        if (_PLACES * key).denominator != 1:
            raise ExportError(
                f"{name}: Canvas compares numbers to four decimals, and the key {key} has more; "
                "export this question to STACK or PrairieLearn"
            )
        asked = [_words(part.prompt), _words((_entry(part, at), " = ?"))]
        sentences = self.pool.sentences
        wrong = [_text(sentences["wrong"])]
        wrong += [
            f"{_text(self.shown(value))}: {_words(guess.feedback)}" for value, guess in part.mistaken(at)
        ]
        said = f"+ {_text(sentences['right'])}\n- {'<br>'.join(wrong)}\n"
        # Of 0 alone text2qti wants a margin: to Canvas an exact 0 is no answer.
        exact = key.denominator == 1 and key != 0
        answer = f"{said}= {decimal(key)}{'' if exact else ' +- 0.0005'}\n"
        return self.item(heading, name, part.cells[at].points, asked, answer)

    def shown(self, value: Fraction) -> str:
        """A number in a sentence, with the language's decimal mark."""
        return (decimal(value) or str(value)).replace(".", self.pool.decimal_mark)

    def options(self, where: str, part: Choice) -> str:
        """The options, each with its feedback."""
        if len(part.options) > len(_LETTERS):
            raise ExportError(f"{where}: text2qti has letters for {len(_LETTERS)} options at most")
        lines = []
        for letter, option in zip(_LETTERS, part.options, strict=False):
            lines.append(f"{'*' if option.right else ''}{letter}) {_words(option.text)}\n")
            lines += [f"... {_words(option.feedback)}\n"] if option.feedback else []
        return "".join(lines)


def _entry(part: Numbers, at: int) -> Formula:
    """The name of one entry of an array, counted from 1: [dW]_{2,3}."""
    if not part.shape:
        return part.symbol
    columns = (*part.shape, 1)[1]
    row, column = divmod(at, columns)
    index = f"{row + 1}" if len(part.shape) == 1 else f"{row + 1},{column + 1}"
    latex = rf"\left[ {part.symbol.latex} \right]_{{{index}}}"
    return Formula(latex=latex, mathml="")


def _below(lines: list[str], indent: int) -> str:
    """Paragraphs, the first where it stands, the others indented below it."""
    return ("\n\n" + " " * indent).join(line or "&#160;" for line in lines)


def _words(words: Words) -> str:
    """Running text as Markdown, on one line."""
    pieces: list[str] = []
    for word in words:
        shown = _formula(word) if isinstance(word, Formula) else _text(word)
        apart = bool(pieces) and pieces[-1].endswith("$") and shown.startswith("$")
        pieces.append(f" {shown}" if apart else shown)
    return "".join(pieces).strip()


def _text(text: str) -> str:
    """Every sign that might mean something to Markdown or to text2qti, as a character reference."""
    shown = re.sub(r"[!-/:-@\[-`{-~]", lambda sign: f"&#{ord(sign[0])};", _line(text))
    return _NO_MATHS.sub(r"\1<span>\2</span>", shown)


def _plain(text: str) -> str:
    """A title, which text2qti takes as it stands."""
    return _line(text).strip()


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _formula(formula: Formula) -> str:
    """A formula between dollars, which text2qti turns into an image that Canvas draws.

    Markdown still looks into that image, and `](`, `][` or `![` would be a link to it; TeX minds no space.
    ExportError for a backtick, which would be code to it.
    """
    if "`" in formula.latex:
        raise ExportError(f"text2qti would take the backticks of a formula for code: {formula.latex}")
    latex = re.sub(r"\](?=[(\[{:])|!(?=\[)", r"\g<0> ", _line(formula.latex).strip())
    return f"${latex}$"
