"""An exam as a pool of questions for learning platforms: all texts in words, all formulas written out.

The exporters know neither models nor languages; they get what is made here.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from symbackprop.exams.exports.pool import (
    SENTENCES,
    Cell,
    Choice,
    Essay,
    Follow,
    Formula,
    Guess,
    Numbers,
    Option,
    Pool,
    PoolQuestion,
    PoolVariant,
    Words,
)
from symbackprop.exams.follow import Following
from symbackprop.exams.model import Exam, Faulty, FaultyLine, Question, Sheet, Texts, Variant, in_language
from symbackprop.exams.rubric import RubricMistake, Rubrics, RubricStep
from symbackprop.notation.tree import Node, equation
from symbackprop.notation.write import Style
from symbackprop.report.document import Text
from symbackprop.report.exams.functions import model_equations
from symbackprop.report.exams.questions import Asked
from symbackprop.report.exams.quoting import mistake_text
from symbackprop.report.exams.teachers import TexOnPlatforms, paragraphs_of
from symbackprop.report.exams.worked import Worked, points_text
from symbackprop.report.render import FORMATS, setters, text_setter
from symbackprop.report.setting import Format, Setter
from symbackprop.report.words import load_words

_ROOM: Final = 60.0  # em of a line on a web page
_MARK: Final = "\x02"
_TEX: Final = re.compile(r"[\\$]")
_MATHML: Final = '<math xmlns="http://www.w3.org/1998/Math/MathML">{0}</math>'


def pool_of(
    exam: Exam, variants: Sequence[Variant], rubrics: Rubrics, *, language: str, templates: Path | None = None
) -> Pool:
    """The questions of an exam with these variants, in a language.

    Raises WordsError for words at fault. A teacher's text with LaTeX in it is left out, with a warning.
    """
    making = _Making(exam, rubrics, language, templates)
    steps = [rubrics.steps(variant) for variant in variants]
    words = load_words(language, templates)
    plain = text_setter(words, Style(), {})
    return Pool(
        key=exam.key, title=making.text("title", exam.title) or exam.key, language=language,
        decimal_mark=words.decimal_mark,
        questions=tuple(
            making.question(question, list(zip(variants, steps, strict=True)), at)
            for at, question in enumerate(exam.questions)
        ),
        sentences={key: plain.text(Text(f"pool.{key}")) for key in SENTENCES},
    )  # fmt: skip


@dataclass(slots=True)
class _Making:
    """An exam being made into a pool."""

    exam: Exam
    rubrics: Rubrics
    language: str
    templates: Path | None

    def text(self, where: str, texts: Texts) -> str:
        """A teacher's text; nothing where LaTeX stands in it, with a warning (TexOnPlatforms)."""
        found = in_language(texts, self.language)
        if not _TEX.search(found):
            return found
        warnings.warn(f"{where} has LaTeX in it, and goes to no platform", TexOnPlatforms, stacklevel=2)
        return ""

    def question(
        self, question: Question, variants: Sequence[tuple[Variant, tuple[RubricStep, ...]]], at: int
    ) -> PoolQuestion:
        writing = Writing.of(question, self.language, self.templates)
        where = f"questions.{question.id}"
        text = self.text(f"{where}.text", question.text)
        following = self.rubrics.following[question.id]
        made = []
        different = variants if question.has_numbers else variants[:1]
        for number, (variant, steps) in enumerate(different, start=1):
            own = [step for step in steps if step.question == question.id]
            one = _Variant(self.exam, writing, following, variant.sheets[at], own)
            made.append(one.made(f"{question.id}-{number:03d}", text))
        title = self.text(f"{where}.title", question.title) or question.id
        return PoolQuestion(id=question.id, title=title, variants=tuple(made))


@dataclass(frozen=True, eq=False, repr=False)
class Writing:
    """Sentences and formulas of one question, in each notation at once."""

    asked: Asked
    worked: Worked
    latex: Setter
    mathml: Setter
    readable: Setter
    _formulas: dict[Node, Formula] = field(default_factory=dict)
    _mistakes: dict[tuple[str, str, str], Words] = field(default_factory=dict)

    @classmethod
    def of(cls, question: Question, language: str, templates: Path | None) -> Writing:
        """What writes a question in a language."""
        asked = Asked.spoken(question, "md", language, templates, _ROOM)
        words = asked.setter.words
        style, functions = asked.setter.style, question.exercise.functions
        mathml, _ = setters(FORMATS["html"], words, style, functions, sections={})
        return cls(
            asked=asked, worked=Worked(asked, _ROOM), latex=asked.setter, mathml=mathml,
            readable=text_setter(words, style, functions),
        )  # fmt: skip

    def formula(self, node: Node) -> Formula:
        """One formula in each notation."""
        made = self._formulas.get(node)
        if made is None:
            made = self._formulas[node] = Formula(
                latex=self.latex.formula(node),
                mathml=_MATHML.format(self.mathml.formula(node)),
            )
        return made

    def mistake(self, mistake: str, about: str, instead: str) -> Words:
        """The sentence about a mistake, which is the same in every variant."""
        key = (mistake, about, instead)
        made = self._mistakes.get(key)
        if made is None:
            made = self._mistakes[key] = self.words(mistake_text(self.asked.view, *key))
        return made

    def words(self, text: Text) -> Words:
        """A sentence, with its formulas apart."""
        found: list[Node] = []

        def keep(node: Node, style: Any, *, align: bool = False) -> str:
            found.append(node)
            return str(len(found) - 1)

        marked = Setter(
            format=_marking(self.readable.format, keep), words=self.readable.words,
            style=self.readable.style, sections={}, measure=lambda _: 0.0, room=_ROOM,
        )  # fmt: skip
        pieces = marked.text(text).split(_MARK)
        made: list[str | Formula] = []
        for at, piece in enumerate(pieces):
            if at % 2:
                made.append(self.formula(found[int(piece)]))
            elif piece:
                made.append(piece)
        return tuple(made)


def _marking(kind: Format, keep: Any) -> Format:
    """A format that sets formulas as numbers between marks, and text as it is."""
    return replace(kind, formula=keep, inline=(_MARK, _MARK), shrunk=(_MARK, _MARK), escape=_unmarked)


def _unmarked(text: str) -> str:
    return text.replace(_MARK, " ")


@dataclass(frozen=True, eq=False, repr=False)
class _Variant:
    """One variant of one question."""

    exam: Exam
    writing: Writing
    following: Following
    sheet: Sheet
    steps: Sequence[RubricStep]

    def made(self, name: str, text: str) -> PoolVariant:
        """The variant with the teacher's `text`, its numbers and what is asked."""
        return PoolVariant(
            name=name,
            text=tuple(self._text(text)),
            parts=tuple(self._part(step) for step in self.steps),
        )  # fmt: skip

    # --- texts

    def _text(self, own: str) -> Iterator[Words]:
        """The teacher's text, the model, and the data."""
        yield from ((paragraph,) for paragraph in paragraphs_of(own) if paragraph)
        asked = self.writing.asked
        model = model_equations(asked.view)
        yield (*self.writing.words(asked.lead()), *self._listed(model))
        if not asked.names:
            return
        data = [self._stated(name, self.sheet.values[name]) for name in asked.names]
        yield (*self.writing.words(Text("exam.data")), *self._listed(data))

    def _listed(self, nodes: Sequence[Node]) -> Iterator[str | Formula]:
        for at, node in enumerate(nodes):
            yield ",  " if at else " "
            yield self.writing.formula(node)

    def _stated(self, name: str, array: Any) -> Node:
        asked = self.writing.asked
        return equation(asked.symbol(name), asked.view.array(array))

    # --- parts

    def _part(self, step: RubricStep) -> Numbers | Choice | Essay:
        kinds: dict[str, Callable[[RubricStep], Numbers | Choice | Essay]] = {
            "value": self._numbers, "derive": self._essay, "mistake": self._choice,
        }  # fmt: skip
        return kinds[step.part.kind](step)

    def _numbers(self, step: RubricStep) -> Numbers:
        part, key = step.part, step.key
        assert key is not None, "a part that asks for numbers has a key"
        asked = self.writing.asked
        symbol = asked.view.loss_call() if part.name == asked.view.loss else asked.symbol(part.name)
        return Numbers(
            slug=slug(part.name), symbol=self.writing.formula(symbol),
            prompt=self.writing.words(asked.prompt(part)), shape=key.shape,
            cells=tuple(
                Cell(key=value, points=points)
                for value, points in zip(key.entries, step.numbers, strict=True)
            ),
            guesses=tuple(map(self._guess, step.mistakes)), follow=self._follow(part.name),
        )  # fmt: skip

    def _guess(self, mistake: RubricMistake) -> Guess:
        slip = mistake.slip
        return Guess(
            mistake=slip.mistake, shape=slip.array.shape, entries=slip.array.entries,
            credit=self.exam.mistake, feedback=self.writing.mistake(slip.mistake, slip.about, slip.instead),
        )  # fmt: skip

    def _follow(self, name: str) -> Follow | None:
        """How an answer follows from the student's own gradients."""
        found = self.following.linear(name, self.sheet)
        if found is None:
            return None
        sources, rows, constants = found
        arrays = {one: self.sheet.key[one].entries for one in sources}
        return Follow(
            sources=tuple((slug(one), at) for one in sources for at in range(len(arrays[one]))),
            coefficients=tuple(map(tuple, rows)), constants=tuple(constants),
            least={slug(one): sum(1 for value in entries if value) for one, entries in arrays.items()},
        )  # fmt: skip

    def _essay(self, step: RubricStep) -> Essay:
        """A derivation in general: its chains are the model, the rubric says what each is worth."""
        part, writing = step.part, self.writing
        sizes = writing.worked.sizes()
        chains = [writing.words(Text("exam.any_sizes", {"sizes": sizes}))] if sizes else []
        chains += [tuple(self._listed(writing.worked.chains(name))) for name in part.names]
        each = step.points / len(part.names)
        rubric = tuple(
            writing.words(
                Text(
                    "pool.worth",
                    {"name": writing.asked.symbol(name), "points": points_text(each, writing.readable)},
                )
            )
            for name in part.names
        )
        return Essay(
            slug=part.id, prompt=writing.words(writing.asked.prompt(part)), model=tuple(chains),
            rubric=rubric, points=step.points,
        )  # fmt: skip

    def _choice(self, step: RubricStep) -> Choice:
        """A derivation with a mistake in it: which line is wrong."""
        faulty = self.sheet.faulty[step.part.id]
        right = (
            *self.writing.mistake(faulty.mistake, faulty.about, faulty.instead),
            " ",
            *self._corrected(faulty),
        )
        options = tuple(
            Option(
                text=self._line(at, line), right=at == faulty.at,
                feedback=right if at == faulty.at else self.writing.words(Text("pool.line_is_right")),
            )
            for at, line in enumerate(faulty.lines)
        )  # fmt: skip
        prompt = Text("pool.which_line", self.writing.asked.notation())
        return Choice(
            slug=step.part.id, prompt=self.writing.words(prompt), shown=(),
            options=options, points=step.points,
        )  # fmt: skip

    def _corrected(self, faulty: Faulty) -> Words:
        shown = self.writing.asked.line_node(faulty.right)
        return (*self.writing.words(Text("exam.right_line")), " ", self.writing.formula(shown))

    def _line(self, at: int, line: FaultyLine) -> Words:
        return (f"({at + 1}) ", self.writing.formula(self.writing.asked.line_node(line)))


def slug(name: str) -> str:
    """A name in ASCII letters and digits: `dW1`, `dyhat`; other signs by their number."""
    return "".join(sign if sign.isascii() and sign.isalnum() else f"u{ord(sign):x}" for sign in name)
