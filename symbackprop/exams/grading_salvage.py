"""Rows of numbers that a derivation writes as on paper, and that formulas do not have: `[-5,25 -1,75 -7]`.

In a formula that is a subtraction. It is read as a row where an array of that many numbers is due; where it
is not, nobody can tell.
"""

from __future__ import annotations

import re
from typing import Final

from symbackprop.exams.grading_numbers import Numbers, Unread, is_bracketed, read_numbers

_EQUAL: Final = re.compile(r"=|≈|≃|\\approx\b|\\simeq\b")
_FRACTION: Final = re.compile(r"\\[dt]?frac\s*\{\s*(\d+)\s*\}\s*\{\s*(\d+)\s*\}")
_REWRITTEN: Final = (
    (re.compile(r"\{([,.])\}"), r"\1"),
    (_FRACTION, r"\1/\2"),
    (re.compile(r"\\(?:begin|end)\s*\{[a-zA-Z]*matrix\*?\}"), " "),
    (re.compile(r"\\(?:left|right|[bB]igg?[lr]?)(?![a-zA-Z])"), ""),
    (re.compile(r"\\\\"), " ; "),
    (re.compile(r"\\(?:q?quad|enspace|thinspace)(?![a-zA-Z])|\\[,;:! ]|[&~]"), " "),
    (re.compile(r"[\s$]+"), " "),
)
"""How LaTeX is written as plain text, in this order."""

_LONGEST: Final = 2_000  # characters of a line of code
_ONE: Final = r"(?:\d+(?:[.,]\d+)?|[.,]\d+)(?:/\d+)?"
_ROW: Final = re.compile(rf"\s*[\[({{]*\s*[+−-]?{_ONE}(?:\s+[+−-]?{_ONE})*\s*[\])}}]*\s*[.;,]?\s*")
_ARRAY: Final = re.compile(r"[\w. :]+=\s*(?:[A-Za-z_][\w.]*\()?([-+\d.\s,/\[\]()]+)")
_TYPE: Final = re.compile(r",\s*dtype\s*=[^,()]*|#[^\n]*")
_MINUS: Final = re.compile(r"[\d.,]\s+[−-][\d.,]")


def head_of(text: str) -> str:
    """An equation without its last member, in one column; "" where it has two only."""
    found = list(_EQUAL.finditer(text))
    return text[: found[-1].start()].replace("&", " ") if len(found) > 1 else ""


def row_of(text: str, count: int) -> Numbers | None:
    """The numbers at the end of an equation, if it is `count` of them written out; None else."""
    tail = _tail(text)
    try:
        made = read_numbers(tail, count, ",") if tail.strip() else None
    except Unread:
        return None
    return None if made is None or None in made.cells else made


def code_array(text: str, count: int) -> Numbers | None:
    """The numbers of `dz = np.array([[4], [-4]])`, if it is `count` of them; None else."""
    match = _ARRAY.fullmatch(_TYPE.sub("", text[:_LONGEST]).strip())
    if match is None:
        return None
    try:
        made = read_numbers(match[1], count, ".")
    except Unread:
        return None
    return None if None in made.cells else made


def comment(text: str, line: int) -> str:
    """What stands behind a line (from 1) of a program, after its `#`; "" for nothing."""
    lines = text.split("\n")
    return lines[line - 1].partition("#")[2].strip() if 0 < line <= len(lines) else ""


def is_doubtful(text: str, count: int) -> bool:
    """Whether an equation ends with what may be a row of numbers or a subtraction: blanks before its minus
    signs, and none behind them. `count` is how many numbers are due."""
    tail = _tail(text)
    row = _ROW.fullmatch(tail) is not None and _MINUS.search(tail) is not None
    return row and (count > 1 or is_bracketed(tail))


def _tail(text: str) -> str:
    found = list(_EQUAL.finditer(text))
    tail = text[found[-1].end() :] if found else text
    for pattern, instead in _REWRITTEN:
        tail = pattern.sub(instead, tail)
    return tail
