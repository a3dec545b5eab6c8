"""What an export to a platform is made of: texts in the exam's language, exact numbers, and nothing else.

An exporter knows neither models nor languages: all sentences come in words, and all formulas written out
in each notation that a platform may want. It turns a pool into the files of one platform.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """One formula without delimiters: `latex` for MathJax, `mathml` (`<math …>…</math>`)."""

    latex: str
    mathml: str


Words = tuple[str | Formula, ...]
"""Running text with formulas in it; the text is plain, to be escaped by whoever writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """The answer to one part that comes of a common mistake, as a whole array, row by row.

    `shape` may not be the part's own (a transposed matrix): then it fits no grid of the part. `credit` is
    the share (0 to 1) of a cell's points that its value earns. `feedback` names the mistake in a sentence.
    """

    mistake: str
    shape: tuple[int, ...]
    entries: tuple[Fraction, ...]
    credit: Fraction
    feedback: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """How an answer follows from the student's own earlier answers: cell = constant + Σ coefficient · answer.

    `sources` are the earlier cells, (slug of the part, offset in its cells); `coefficients` has a row for
    each cell of this part, one number for each source. `least`: for each slug among the sources, how many of
    the student's answers must not be 0 for it to count: those of the key.
    """

    sources: tuple[tuple[str, int], ...]
    coefficients: tuple[tuple[Fraction, ...], ...]
    constants: tuple[Fraction, ...]
    least: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One number that is asked. `points` is 0 for one that must be 0 (`forced`)."""

    key: Fraction
    points: Fraction

    @property
    def forced(self) -> bool:
        """Whether it must be 0, and so gives no points."""
        return not self.points


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """A part that asks for an array of numbers. Its points are those of its cells.

    `slug` is the part's name in ASCII letters and digits (`dW`, `dyhat`), `symbol` its name as a formula.
    A vector has shape (k,), a number (); cells are row by row.
    """

    slug: str
    symbol: Formula
    prompt: Words
    shape: tuple[int, ...]
    cells: tuple[Cell, ...]
    guesses: tuple[Guess, ...]
    follow: Follow | None

    @property
    def points(self) -> Fraction:
        """The points of all cells."""
        return sum((cell.points for cell in self.cells), Fraction(0))

    def mistaken(self, offset: int) -> tuple[tuple[Fraction, Guess], ...]:
        """The wrong values of one cell that name a mistake, each once, with the guess that gives most for it.

        Never the key; never 0, for which whoever writes 0 everywhere would be given credit; and nothing of a
        guess whose shape is not the part's own.
        """
        found: dict[Fraction, Guess] = {}
        for guess in self.guesses:
            if guess.shape == self.shape:
                value = guess.entries[offset]
                if value not in (0, self.cells[offset].key) and (
                    value not in found or guess.credit > found[value].credit
                ):
                    found[value] = guess
        return tuple(found.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One choice; exactly one of a `Choice` is right."""

    text: Words
    right: bool
    feedback: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A part with options to choose from. `shown` are lines that stand before the options (a derivation
    with a mistake in it), each a paragraph."""

    slug: str
    prompt: Words
    shown: tuple[Words, ...]
    options: tuple[Option, ...]
    points: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Essay:
    """A part that a person marks: a derivation in general. `model` is the solution, `rubric` the marking."""

    slug: str
    prompt: Words
    model: tuple[Words, ...]
    rubric: tuple[Words, ...]
    points: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolVariant:
    """One variant of a question. `name` is unique in the pool, ASCII; `text` are the paragraphs of the
    question, data and all."""

    name: str
    text: tuple[Words, ...]
    parts: tuple[Numbers | Choice | Essay, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolQuestion:
    """A question with its variants, all of one structure: the same parts, slugs and shapes, in order."""

    id: str
    title: str
    variants: tuple[PoolVariant, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """What is exported: `key` names files, `decimal_mark` is "," or ".", `sentences` are the platform's few
    own sentences in the exam's language, by key: see `SENTENCES`."""

    key: str
    title: str
    language: str
    decimal_mark: str
    questions: tuple[PoolQuestion, ...]
    sentences: Mapping[str, str]


SENTENCES = ("no_fractions", "right", "wrong", "follow", "forced", "empty")
"""The keys of `Pool.sentences`: write decimals and no fractions (where a platform's own way of entering
numbers needs saying); right; wrong; right for your earlier answer; this entry must be 0 and gives no points;
an empty field counts as wrong."""


class ExportError(ValueError):
    """A pool that a platform cannot take; the message says what, where, and which platform can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadKey:
    """A key read back from an emitted file, to be compared with the pool: which question, variant, part, and
    the cells' values in order."""

    question: str
    variant: str
    slug: str
    keys: tuple[Fraction, ...]


Files = Mapping[str, bytes]
"""What an export writes: relative paths (with /) and contents."""
