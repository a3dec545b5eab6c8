"""Numbers that a person wrote: read exactly, in the decimals of the exam's language, or not at all.

What could mean two things (`1.234` where decimals have a comma, `1,5` for one number or two) is taken as what
fits the number of answers that are due; where that does not settle it, a person is asked.

Rounding: a number that is correctly rounded counts as right if it has two decimals or more that tell
something, or three significant digits or more: 3,13 for 25/8 and 10,1 for 81/8, but not 3,1 for 25/8. A tie
may go either way. A whole number is due exactly.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
_EQUAL: Final = re.compile(r"[=≈≃≅~]")
_NAMED: Final = re.compile(r"^(?![+-]?\d)[^=\d;()\[\]]{0,20}?[\w)']{1,12}\s*[=:]\s*")
_BETWEEN: Final = re.compile(r"[\])}]\s*[,;]?\s*[\[({]")
_TRANSPOSED: Final = re.compile(r"(?<=[\])}])\s*(?:\^\s*\{?\s*(?:[tT⊤]|\\top)\s*\}?|[ᵀ⊤'′])\s*$")
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
        """Whether this is the number that is due, exactly or correctly rounded."""
        if self.value == due:
            return "right"
        return "rounded" if self._is_close(due) and self._is_fine else None

    def is_coarse(self, due: Fraction) -> bool:
        """Whether this is the number that is due, correctly rounded to fewer digits than count."""
        return bool(self.value) and self.value != due and self._is_close(due) and not self._is_fine

    @property
    def possible(self) -> tuple[Fraction, Fraction]:
        """Between which numbers lies what this was rounded from: half a unit either way of decimals that tell
        enough; of any other number it is the number itself."""
        half = self.unit / 2 if self._is_fine and self.unit < 1 else Fraction(0)
        return self.value - half, self.value + half

    @property
    def _is_fine(self) -> bool:
        return self.digits >= 3 or (self.digits >= 2 and self.unit <= Fraction(1, 100))

    def _is_close(self, due: Fraction) -> bool:
        return bool(self.unit) and abs(self.value - due) * 2 <= self.unit and due.denominator != 1


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of one answer, row by row; None is a place left empty.

    `shape` is what the text shows by rows of several numbers each; None where it shows none.
    """

    cells: tuple[Written | None, ...]
    shape: tuple[int, ...] | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is written at all."""
        return all(cell is None for cell in self.cells)

    def array(self, shape: tuple[int, ...]) -> Array[Fraction] | None:
        """The numbers in a shape; None if one is missing."""
        values = [cell.value for cell in self.cells if cell is not None]
        return Array(shape, tuple(values)) if len(values) == len(self.cells) else None

    def ranges(self, shape: tuple[int, ...]) -> Array[tuple[Fraction, Fraction]] | None:
        """What the numbers may have been rounded from; None if one is missing."""
        values = [cell.possible for cell in self.cells if cell is not None]
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
    """All numbers of an answer in one text: `1 2; 3 4`, `(8; 0)`, `[[1, 2], [3, 4]]`, `dW = …`, `(8 0)^T`.

    Mixed numbers (`7 1/2`) are read where there are too many numbers without. What is written more than once,
    `49/8 = 6,125`, must agree. `count` is how many are due. Raises Unread where they cannot be read, or are
    more or fewer.
    """
    pieces = [piece for piece in _EQUAL.split(_NAMED.sub("", text.strip())) if piece.strip()]
    made = [_read_one_of(pieces, at, count, mark) for at in range(len(pieces))] or [_read("", count, mark)]
    cells = made[0].cells
    for one in made[1:]:
        if not all(map(_is_same, cells, one.cells)):
            raise Unread("disagree", text=text.strip())
        cells = tuple(map(_finer, cells, one.cells))
    return Numbers(cells, made[0].shape)


def _read_one_of(pieces: Sequence[str], at: int, count: int, mark: str) -> Numbers:
    """One of several ways of writing the same: `6.125` has decimals if that agrees with the others."""
    try:
        return _read(pieces[at], count, mark)
    except Unread as problem:
        if problem.why != "grouped" or len(pieces) == 1:
            raise
        return _read(pieces[at], count, "." if mark == "," else ",")


def _is_same(first: Written | None, second: Written | None) -> bool:
    """Whether two ways of writing are one number, perhaps rounded."""
    if first is None or second is None:
        return first is second
    return any(one.agrees(two.value) or one.is_coarse(two.value)
               for one, two in ((first, second), (second, first)))  # fmt: skip


def _finer(first: Written | None, second: Written | None) -> Written | None:
    """Of two ways of writing one number the one that says more; a fraction says all."""
    return second if first is not None and second is not None and second.unit < first.unit else first


def _read(text: str, count: int, mark: str) -> Numbers:
    clean, turned = _cleaned(text)
    if not clean.strip():
        return Numbers((None,) * count)
    made: list[Numbers] = []
    problems: list[Unread] = []
    for separates in _readings(mark):
        try:
            found = _rows(clean, mark, separates=separates)
        except Unread as problem:
            problems.append(problem)
            continue
        fitting = next((one for one in _as_mixed(found) if _count(one) == count), None)
        if fitting is not None:
            return _numbers(fitting, turned=turned)
        made.append(_numbers(found, turned=turned))
        if mark == "," and not separates:
            break  # it is readable as decimals, and there are not as many as are due
    if made:
        raise Miscounted(made[0], count)
    raise problems[0]


def commas_apart(text: str, mark: str) -> Numbers | None:
    """The numbers of a text whose commas stand between them, whatever the language; None if it has none."""
    clean, turned = _cleaned(text)
    if "," not in clean:
        return None
    try:
        return _numbers(_rows(clean, mark, separates=True), turned=turned)
    except Unread:
        return None


def is_bracketed(text: str) -> bool:
    """Whether there are brackets around something, as around the numbers of an array."""
    return re.search(r"[\[({]", text) is not None


class Miscounted(Unread):
    """Every number can be read, and there are more or fewer than are due."""

    def __init__(self, numbers: Numbers, due: int) -> None:
        self.numbers = numbers
        super().__init__("count", count=len(numbers.cells), due=due)


def _readings(mark: str) -> tuple[bool, bool]:
    """Whether a bare comma stands between numbers: what is tried first is usual in the language."""
    return (False, True) if mark == "," else (True, False)


def _cleaned(text: str) -> tuple[str, bool]:
    """A text without signs that say nothing of the numbers, where rows end with semicolons; and whether it is
    transposed."""
    plain = unicodedata.normalize("NFC", text).translate(_SIGNS).strip().rstrip(".").rstrip()
    turned = _TRANSPOSED.search(plain)
    if turned is not None:
        plain = plain[: turned.start()]
    plain = re.sub(r"\s*/\s*", "/", plain)
    plain = _BETWEEN.sub(" ; ", plain.replace("\r", "\n").replace("\n", ";"))
    return plain.translate(_BRACKETS), turned is not None


_Tokens = list[list[tuple[str, Written]]]
"""The numbers row by row, each with its text."""


def _rows(clean: str, mark: str, *, separates: bool) -> _Tokens:
    plain = clean.replace(",", " ") if separates else re.sub(r",(?=\s|;|$)|(?<=\s),", " ", clean)
    rows = [row.split() for row in plain.split(";")]
    return [[(token, read_number(token, mark)) for token in row] for row in rows if row]


def _count(rows: _Tokens) -> int:
    return sum(map(len, rows))


def _as_mixed(rows: _Tokens) -> Iterator[_Tokens]:
    """As it stands, and with each `7 1/2` as one number."""
    yield rows
    yield [_mixed(row) for row in rows]


def _mixed(row: list[tuple[str, Written]]) -> list[tuple[str, Written]]:
    made: list[tuple[str, Written]] = []
    for token, written in row:
        proper = "/" in token and token[0].isdigit() and written.value < 1
        if proper and made and made[-1][0].lstrip("+-").isdigit():
            whole, value = made[-1]
            exact = value.value - written.value if whole.startswith("-") else value.value + written.value
            made[-1] = f"{whole} {token}", Written(exact)
        else:
            made.append((token, written))
    return made


def _numbers(rows: _Tokens, *, turned: bool) -> Numbers:
    read = [[written for _, written in row] for row in rows]
    if turned and len({len(row) for row in read}) == 1:
        read = [list(column) for column in zip(*read, strict=True)]
    cells = tuple(cell for row in read for cell in row)
    shape = None
    if len(read) > 1 and len(read[0]) > 1 and len({len(row) for row in read}) == 1:
        shape = (len(read), len(read[0]))
    return Numbers(cells, shape)


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
        return Numbers(tuple(one.cells[0] for one in made))
    return read_numbers(shown, count, mark)
