"""Which line of a calculation somebody calls wrong, as people say it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from symbackprop.exams.grading_numbers import Unread
from symbackprop.exams.grading_places import called

_ORDINALS: Final[tuple[str, ...]] = (
    "primer[ao]?|first|1st", "segund[ao]|second|2nd", "tercer[ao]?|third|3rd", "cuart[ao]|fourth|4th",
    "quint[ao]|fifth|5th", "sext[ao]|sixth|6th", "septim[ao]|seventh|7th", "octav[ao]|eighth|8th",
    "noven[ao]|ninth|9th", "decim[ao]|tenth|10th", "undecim[ao]|eleventh|11th", "duodecim[ao]|twelfth|12th",
)  # fmt: skip
"""The lines of a calculation in words, from the first on; a paper shows no more."""

_LINE: Final = "(?:linea|line|renglon|paso|step)"
_IS: Final = "(?:es|is|sea|seria)"
_THE: Final = "(?:la|el|the)"
_SIGN: Final = "№"
"""Stands before a number that is written in brackets, or after `n.º`, `number`."""

_SWAPPED: Final = re.compile(rf"(?<!\w)(\d{{1,2}})\s+({_LINE})(?!\w)")
_MARKED: Final = (
    re.compile(r"(?<!\w)(\d{1,2})\.?[ªº](?!\w)"),
    re.compile(r"(?<![\w)])\(\s*(\d{1,3})\s*\)"),
    re.compile(r"(?<!\w)(?:n[.ºo°]{1,2}|numero|number|n)\s*№?(\d{1,3})(?!\w)"),
)
_NUMBER: Final = rf"{_SIGN}?(\d{{1,3}})(?![\d/]|[.,]\d)"
_SAID: Final = (
    re.compile(rf"(?<!\w){_LINE}\W{{0,3}}{_NUMBER}"),
    re.compile(rf"(?<!\w){_LINE}(?!\w)[^\d\n.;:=${_SIGN}]{{0,40}}?\b{_IS}\s+(?:{_THE}\s+)?{_NUMBER}"),
)
_BARE: Final = re.compile(
    rf"^[^\w{_SIGN}\n]*(?:(?:it\s+)?{_IS}\s+)?(?:{_THE}\s+{_SIGN}?|{_SIGN})(\d{{1,3}})"
    r"(?=\s*[:.;,*]|\s*$|\s+(?:esta|is)\b)",
    re.M,
)
"""Without the word for a line: `La (4): …`, `number 4`, at the beginning of a line of text."""

_PLAIN: Final = re.compile(
    r"\s*(?:l[ií]nea|line|rengl[oó]n|paso|step|l)?\W{0,3}(?:n[uú]mero\s+|n[\Wºª]{0,3})?"
    r"\(?\s*(\d{1,3})\s*\)?(?![\d/ªº]|\.[ªº])[\s:;,.]*(.*)",
    re.I | re.S,
)
_NAME: Final = re.compile(r"\s*([^\s=:;,]+)[\s=:;,]*(.*)", re.S)
_ANY: Final = r"(?s:.{0,2000}?)"
_FORMULA: Final = re.compile(
    rf"\$\${_ANY}\$\$|\$[^$]{{0,2000}}\$|\\\[{_ANY}\\\]|\\\({_ANY}\\\)"
    rf"|\\begin\{{(\w+)\*?\}}{_ANY}\\end\{{\1\*?\}}|\\\w+"
)
_FEW: Final = 6
"""Words that are no reason: `está mal, debe ser`, a heading."""

_HEAD: Final = re.compile(r"([^:;,=\n]*)[:;,=\n]?(.*)", re.S)


def line_named(text: str) -> int | None:
    """The number of the line that a text calls wrong; None if it names none, or more than one."""
    plain = _folded(text)
    found = {int(match[1]) for pattern in _SAID for match in pattern.finditer(plain)}
    found = found or {int(match[1]) for match in _BARE.finditer(plain)}
    return found.pop() if len(found) == 1 else None


def line_of(text: str, names: Sequence[str]) -> tuple[int, str]:
    """The number of the line that an answer begins with, and what comes behind it; `names` are those of the
    lines. Raises Unread."""
    match = _PLAIN.fullmatch(text)
    if match is not None:
        return int(match[1]), match[2]
    match = _NAME.fullmatch(text)
    if match is not None and called(match[1]) in names:
        return names.index(called(match[1])) + 1, match[2]
    match = _HEAD.fullmatch(text)
    line = None if match is None else line_named(match[1])
    if match is None or line is None:
        raise Unread("line_number", text=text, count=len(names))
    return line, match[2]


def _folded(text: str) -> str:
    """Without accents and capitals, and numbers of lines in one form: `la sexta línea` is `la linea 6`."""
    plain = _MARKED[0].sub(r"\1", text.casefold())
    plain = unicodedata.normalize("NFD", plain)
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    for number, words in enumerate(_ORDINALS, 1):
        plain = re.sub(rf"\b(?:{words})\b", str(number), plain)
    for pattern in _MARKED[1:]:
        plain = pattern.sub(rf"{_SIGN}\1", plain)
    return _SWAPPED.sub(r"\2 \1", plain)


def says_more(text: str) -> bool:
    """Whether a text has words beyond those that name a line: perhaps a reason."""
    plain = _folded(text)
    for pattern in (*_SAID, _BARE):
        plain = pattern.sub(" ", plain)
    return len(re.findall(r"[^\W\d_]{3,}", _FORMULA.sub(" ", plain))) > _FEW
