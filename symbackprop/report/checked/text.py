"""Findings as text for a terminal: a line each, a caret under what is wrong, and why below.

notes.md · exercises: neurona, capa · 45 lines

  6  ✓ definition  x = \\begin{pmatrix} 1 \\\\ 0 \\\\ 2 \\end{pmatrix} \\in \\mathbb{R}^3
 87  ✗ wrong       db = \\frac{d\\ell}{db} = \\underbrace{\\frac{d\\ell}{d\\hat{y}}}_{dz} \\cdot …
                                                                             ^^
                   Read as: db = ∂L/∂b = …
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from symbackprop.checking.findings import Finding
from symbackprop.exercise.faults import visible
from symbackprop.notation.node import Plain, Span
from symbackprop.report.checked.said import said
from symbackprop.report.checked.sentences import SHOWN, SIGNS, head, notes, place, summary
from symbackprop.report.checked.voice import Voice

Tone = Literal["", "right", "near", "wrong", "unread", "quiet"]

Piece = tuple[str, Tone]
"""Some characters of a line, and how they are coloured where there are colours."""

WIDTH: Final = 100
"""Columns of a line, where nobody says how many there are."""

_LONGEST_WORD: Final = 16  # columns of a verdict; after a longer one the line begins later
_LEAST: Final = 30  # columns for what was written, however narrow the terminal
_BEFORE: Final = 0.6  # the share of them that may stand before the wrong place


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Columns(Plain):
    """Where things stand in a line."""

    places: int
    verdicts: int
    width: int

    @property
    def indent(self) -> int:
        return 1 + self.places + 2 + 2 + self.verdicts + 2

    @property
    def room(self) -> int:
        return max(_LEAST, self.width - self.indent)


def lines(voice: Voice, width: int = WIDTH) -> Iterator[tuple[Piece, ...]]:
    """The whole report, line by line."""
    checked, setter = voice.checked, voice.text
    yield ((visible(setter.text(head(checked))), ""),)
    findings = checked.findings
    if findings:
        yield ()
        columns = _Columns(
            places=max(len(place(finding)) for finding in findings),
            verdicts=min(
                _LONGEST_WORD,
                max(columns_of(setter.text(SHOWN[finding.verdict].word)) for finding in findings),
            ),
            width=width,
        )
        for finding in findings:
            yield from _finding(finding, voice, columns)
    yield ()
    for line in _wrapped(" ".join(setter.text(text) for text in summary(checked)), width):
        yield ((line, ""),)


def plain_text(voice: Voice, width: int = WIDTH) -> str:
    """The whole report without colours."""
    made = ("".join(text for text, _ in line).rstrip() for line in lines(voice, width))
    return "\n".join(made) + "\n"


def _finding(finding: Finding, voice: Voice, columns: _Columns) -> Iterator[tuple[Piece, ...]]:
    shown = SHOWN[finding.verdict]
    word = voice.text.text(shown.word)
    later = max(0, columns_of(word) - columns.verdicts)
    gap = " " * (max(0, columns.verdicts - columns_of(word)) + 2)
    written, carets = pointed(finding.text, finding.place, max(_LEAST, columns.room - later))
    yield (
        (f" {place(finding).rjust(columns.places)}  ", "quiet"),
        (f"{SIGNS[shown.mark]} {word}", shown.mark),
        (gap + written, ""),
    )
    space = " " * columns.indent
    if carets:
        yield ((space + " " * later + carets, shown.mark),)
    for note in notes(finding):
        for line in _wrapped(voice.text.text(note), columns.room):
            yield ((space + line, ""),)
    if finding.detail and voice.language == READER and not said(finding.detail):
        for line in _wrapped(_flat(finding.detail), columns.room):
            yield ((space + line, "quiet"),)


READER: Final = "en"
"""The language in which the reader says what it could not read."""


def _wrapped(text: str, width: int) -> list[str]:
    """A sentence in lines; a long formula in it may break at its spaces."""
    return textwrap.wrap(visible(text), max(width, _LEAST), break_long_words=False, break_on_hyphens=False)


# --- what was written -----------------------------------------------------------------------------


def pointed(text: str, wrong: Span | None, room: int) -> tuple[str, str]:
    """What was written, on one line and cut to `room` columns, and carets under the wrong part or nothing.

    Carets stand by columns: a combining accent has none, a wide character two.
    """
    chars = list(_flat(text))
    if wrong is None:
        return _cut(chars, 0, room)[0], ""
    start = max(0, min(wrong.start, len(chars)))
    end = max(start, min(wrong.end, len(chars)))
    whole = columns_of("".join(chars))
    low = 0
    if whole > room and columns_of("".join(chars[:end])) > room - 1:
        low = _back(chars, start, int(room * _BEFORE))
    shown, high = _cut(chars, low, room)
    before = ("…" if low else "") + "".join(chars[low:start])
    marked = columns_of("".join(chars[start : min(end, high)]))
    return shown, " " * columns_of(before) + "^" * max(1, marked)


def _flat(text: str) -> str:
    """The text with as many characters and none that would move the cursor."""
    return "".join(" " if char.isspace() else visible(char) for char in text)


def _back(chars: list[str], start: int, room: int) -> int:
    """The first character of those that fit into `room` before `start`."""
    low = start
    while low > 0 and room > 0:
        low -= 1
        room -= columns_of(chars[low])
    return low


def _cut(chars: list[str], low: int, room: int) -> tuple[str, int]:
    """As much from `low` on as the room holds, with dots where something is left out, and where it ends."""
    left = room - (1 if low else 0)
    if columns_of("".join(chars[low:])) <= left:
        return ("…" if low else "") + "".join(chars[low:]), len(chars)
    high = low
    while high < len(chars) and left - columns_of(chars[high]) >= 1:
        left -= columns_of(chars[high])
        high += 1
    return ("…" if low else "") + "".join(chars[low:high]) + "…", high


def columns_of(text: str) -> int:
    """Columns of a terminal."""
    return sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
