"""Numbers that a person wrote: read exactly, in the decimals of the exam's language, or not at all.

What could mean two things (`1.234` where decimals have a comma, `1,5` for one number or two) is taken as what
fits the number of answers that are due; where that does not settle it, a person is asked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, Literal

from symbackprop.algebra.values.arrays import Array

Agreement = Literal["right", "rounded"]

_LONGEST: Final = 200  # characters of one number
_POWER: Final = 30  # of ten
_DIGITS: Final = r"(?:\d+(?:[.,]\d*)?|[.,]\d+)"
_NUMBER: Final = re.compile(rf"[+-]?(?P<digits>{_DIGITS})(?:[eE](?P<power>[+-]?\d{{1,3}}))?")
_FRACTION: Final = re.compile(rf"[+-]?(?P<above>{_DIGITS})/(?P<below>{_DIGITS})")
_GROUPED: Final = re.compile(r"[1-9]\d{0,2}(?:[.,]\d{3})+")
_SIGNS: Final = str.maketrans(
    {"−": "-", "–": "-", "‐": "-", "‑": "-", "﹣": "-", "－": "-", "＋": "+", "⁄": "/"}
)
_ABOUT: Final = re.compile(r"[≈≃≅~]")
_NAMED: Final = re.compile(r"^[^=\d;()\[\]]{0,20}?[\w)']{1,12}\s*[=:]\s*")
_BETWEEN: Final = re.compile(r"[\])}]\s*[,;]?\s*[\[({]")
_BRACKETS: Final = str.maketrans(dict.fromkeys("[](){}|", " "))


class Unread(ValueError):
    """What a person wrote cannot be read surely. `why` is a key of the language files, under `grade.why_`."""

    def __init__(self, why: str, **parts: str | int) -> None:
        self.why = why
        self.parts: Mapping[str, str | int] = parts
        super().__init__(f"{why}: {parts}")


@dataclass(frozen=True, slots=True)
class Written:
    """A number as it was written. `unit` is that of its last digit, `digits` how many of them tell something
    (without leading zeros); both 0 for a fraction, which is exact."""

    value: Fraction
    unit: Fraction = Fraction(0)
    digits: int = 0

    def agrees(self, due: Fraction) -> Agreement | None:
        """Whether this is the number that is due, exactly or correctly rounded.

        A rounded one has two decimals or more that tell something, or three digits or more. A tie may go
        either way.
        """
        if self.value == due:
            return "right"
        enough = self.digits >= 3 or (self.digits >= 2 and self.unit <= Fraction(1, 100))
        if enough and self.unit and abs(self.value - due) * 2 <= self.unit and due.denominator != 1:
            return "rounded"
        return None


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of one answer, row by row; None is a place left empty.

    `shape` is what the text shows by rows of several numbers each; None where it shows none.
    """

    cells: tuple[Written | None, ...]
    shape: tuple[int, ...] | None = None
    text: str = field(default="", compare=False)

    @property
    def empty(self) -> bool:
        """Whether nothing is written at all."""
        return all(cell is None for cell in self.cells)

    def array(self, shape: tuple[int, ...]) -> Array[Fraction] | None:
        """The numbers in a shape; None if one is missing."""
        values = [cell.value for cell in self.cells if cell is not None]
        return Array(shape, tuple(values)) if len(values) == len(self.cells) else None


def read_number(text: str, mark: str) -> Written:
    """One number: `-4`, `0,375`, `1/3`, `1.5e-3`; `mark` is the language's decimal mark. Raises Unread."""
    token = text.strip()
    if len(token) > _LONGEST:
        raise Unread("number", text=token[:_LONGEST])
    fraction = _FRACTION.fullmatch(token)
    if fraction is not None:
        above, below = (_decimal(fraction[name], mark) for name in ("above", "below"))
        if not below.value:
            raise Unread("number", text=token)
        value = above.value / below.value
        return Written(-value if token.startswith("-") else value)
    match = _NUMBER.fullmatch(token)
    if match is None or abs(int(match["power"] or 0)) > _POWER:
        raise Unread("number", text=token)
    made = _decimal(match["digits"], mark)
    scale = Fraction(10) ** int(match["power"] or 0)
    value = made.value * scale
    return Written(-value if token.startswith("-") else value, made.unit * scale, made.digits)


def _decimal(text: str, mark: str) -> Written:
    """Digits with a decimal mark in them or none. Raises Unread where it may stand between thousands."""
    if _GROUPED.fullmatch(text) and (mark not in text or text.count(mark) > 1):
        raise Unread("grouped", text=text)
    plain = text.replace(",", ".")
    places = len(plain.partition(".")[2])
    digits = plain.replace(".", "").lstrip("0")
    return Written(Fraction(f"0{plain}" if plain.startswith(".") else plain.rstrip(".")),
                   Fraction(1, 10**places), len(digits))  # fmt: skip


def read_numbers(text: str, count: int, mark: str) -> Numbers:
    """All numbers of an answer in one text: `1 2 3; 4 5 6`, `(8; 0)`, `[[1, 2], [3, 4]]`, `dW = …`.

    `count` is how many are due. Raises Unread where they cannot be read, or are more or fewer.
    """
    clean = _cleaned(text)
    if not clean.strip():
        return Numbers((None,) * count, text=text.strip())
    made: list[Numbers] = []
    problems: list[Unread] = []
    for separates in _readings(mark):
        try:
            found = _rows(clean, text, mark, separates=separates)
        except Unread as problem:
            problems.append(problem)
            continue
        if len(found.cells) == count:
            return found
        made.append(found)
        if mark == "," and not separates:
            break  # it is readable as decimals, and there are not as many as are due
    if made:
        raise Miscounted(made[0], count)
    raise problems[0]


class Miscounted(Unread):
    """Every number can be read, and there are more or fewer than are due."""

    def __init__(self, numbers: Numbers, due: int) -> None:
        self.numbers = numbers
        super().__init__("count", count=len(numbers.cells), due=due)


def _readings(mark: str) -> tuple[bool, bool]:
    """Whether a bare comma stands between numbers: what is tried first is usual in the language."""
    return (False, True) if mark == "," else (True, False)


def _cleaned(text: str) -> str:
    """Without signs that say nothing of the numbers; rows end with semicolons."""
    plain = unicodedata.normalize("NFC", text).translate(_SIGNS)
    plain = re.sub(r"\s*/\s*", "/", _NAMED.sub("", _ABOUT.sub(" ", plain).strip()))
    plain = _BETWEEN.sub(" ; ", plain.replace("\r", "\n").replace("\n", ";"))
    return plain.translate(_BRACKETS)


def _rows(clean: str, text: str, mark: str, *, separates: bool) -> Numbers:
    plain = clean.replace(",", " ") if separates else re.sub(r",(?=\s|;|$)|(?<=\s),", " ", clean)
    rows = [row.split() for row in plain.split(";")]
    read = [[read_number(token, mark) for token in row] for row in rows if row]
    cells = tuple(cell for row in read for cell in row)
    shape = None
    if len(read) > 1 and len(read[0]) > 1 and len({len(row) for row in read}) == 1:
        shape = (len(read), len(read[0]))
    return Numbers(cells, shape, text.strip())


def read_cells(cells: Sequence[str], count: int, mark: str) -> Numbers:
    """The numbers of an answer in columns: one a column, or all in one, or a row in each.

    Empty columns are numbers left out where there are as many columns as are due; those behind them count for
    nothing. Raises Unread.
    """
    filled = [cell for cell in cells if cell.strip()]
    shown = " ; ".join(cell.strip() for cell in filled)
    if not filled:
        return Numbers((None,) * count)
    if len(filled) == 1 and cells[0].strip():
        try:
            return read_numbers(filled[0], count, mark)
        except Miscounted as problem:
            if len(problem.numbers.cells) != 1 or len(cells) < count:
                raise
    if len(filled) < len(cells) and len(cells) >= count and not any(c.strip() for c in cells[count:]):
        made = [read_numbers(cell, 1, mark) for cell in cells[:count]]
        return Numbers(tuple(one.cells[0] for one in made), text=shown)
    return read_numbers(shown, count, mark)
