"""What a paper is called by: codes that hold no name and no seed, and the QR code on every page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final, Literal

Form = Literal["tex", "typ"]
"""The two formats of papers."""

SecretMac = Callable[[str], str]
"""The message authentication code of a text under the exam's secret, in letters and digits."""

CODE: Final = 12
"""Characters of a variant's code: of 10,000 papers two have the same one once in five million exams."""

PAGE_MAC: Final = 8
_MASK: Final = 3  # any of the eight is right; trying them all takes five times as long
_PIECE: Final = 8  # squares
_BLACK: Final = re.compile("1+")
_FIT: Final = re.compile(r"[0-9A-Za-z]+")


def variant_code(exam: str, student: str, secret_mac: SecretMac) -> str:
    """The anonymous number of a student's paper, from the exam's key and the student's id.

    Raises ValueError where `secret_mac` gives too few letters and digits.
    """
    return _cut(secret_mac(f"paper\n{exam}\n{student}"), CODE)


def payload(exam: str, code: str, page: int, secret_mac: SecretMac) -> str:
    """What the QR code of a page says: `neurona:3f2a9c1b77de:2:91ab04cd`."""
    mac = _cut(secret_mac(f"page\n{exam}\n{code}\n{page}"), PAGE_MAC)
    return f"{exam}:{code}:{page}:{mac}"


def _cut(mac: str, length: int) -> str:
    if len(mac) < length or not _FIT.fullmatch(mac):
        raise ValueError(f"secret_mac gives {mac!r}: {length} letters and digits are needed")
    return mac[:length]


class Codes:
    """QR codes of many texts of one length, made by exclusive-or.

    With the version and the mask fixed, each square is a sum modulo 2 of bits of the text, since the bytes
    that correct errors are linear in it: what one bit changes is found once, and then serves every text.
    """

    def __init__(self, sample: str) -> None:
        self._sample = sample.encode()
        made = _made(self._sample, None)
        self.version: int = made.version
        self.size = len(made.matrix)
        self._base = _whole(made.matrix)
        self._bits: dict[tuple[int, int], int] = {}
        self._bytes: dict[tuple[int, int], int] = {}

    def squares(self, text: str) -> int:
        """The squares row by row as the bits of a number, black ones 1, the first one highest."""
        whole = self._base
        for pair in zip(enumerate(text.encode()), self._sample, strict=True):
            place, known = pair
            if place[1] != known:
                whole ^= self._bytes.get(place) or self._change(place)
        return whole

    def _change(self, place: tuple[int, int]) -> int:
        """What another byte at a place of the text changes."""
        at, byte = place
        changed = byte ^ self._sample[at]
        whole = 0
        for bit in range(8):
            if changed >> bit & 1:
                whole ^= self._bit(at, bit)
        self._bytes[place] = whole
        return whole

    def _bit(self, at: int, bit: int) -> int:
        if (at, bit) not in self._bits:
            text = bytearray(self._sample)
            text[at] ^= 1 << bit
            self._bits[at, bit] = _whole(_made(bytes(text), self.version).matrix) ^ self._base
        return self._bits[at, bit]


def _made(text: bytes, version: int | None) -> Any:
    import segno  # only papers have one

    return segno.make(
        text, error="m", mode="byte", version=version, mask=_MASK, micro=False, boost_error=False
    )


def _whole(matrix: Iterable[Iterable[int]]) -> int:
    return int("".join(str(square) for row in matrix for square in row), 2)


def drawn(squares: int, size: int, form: Form) -> str:
    """The squares for the templates, row by row: in LaTeX as rectangles of a PDF's path, in Typst as bits."""
    bits = format(squares, f"0{size * size}b")
    rows = [bits[at : at + size] for at in range(0, size * size, size)]
    if form == "typ":
        return "(" + ", ".join(f'"{row}"' for row in rows) + ")"
    drawings = []
    for height, row in enumerate(rows):
        across = "".join([_rectangles(at, row[at : at + _PIECE]) for at in range(0, size, _PIECE)])
        drawings.append(across.replace("y", str(height)))
    return f"{size}:{''.join(drawings)}"


@cache
def _rectangles(start: int, squares: str) -> str:
    """The black squares in a piece of any row, at height y: there are not many kinds of pieces."""
    return "".join(
        f"{start + run.start()} y {run.end() - run.start()} 1 re " for run in _BLACK.finditer(squares)
    )
