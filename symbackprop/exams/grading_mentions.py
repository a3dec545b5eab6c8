"""What a derivation names and nobody read: `| $z$ | $(4, -6)$ |`, `z vale 4 y -6`. It is for a person."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final

from symbackprop.exams.grading_places import called

_CELL: Final = re.compile(r"(?<!\\)[|&]|\t")
_FORMULA: Final = re.compile(r"\$+([^$]+)\$+|\\\((.+?)\\\)|\\\[(.+?)\\\]|`([^`]+)`")
_SIDE: Final = re.compile(r"[=:<>∈≈~→]|\\(?:in|to|propto|approx|simeq|rightarrow|mapsto|ne|le|ge|equiv)\b")
_FRACTION: Final = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_COMMAND: Final = re.compile(r"\\(?!partial|hat)[a-zA-Z]+")
_INDEX: Final = re.compile(r"[_\[(].*$")
_TOKEN: Final = re.compile(r"[^\s:;,=|$*_`()]+")
_AMBIGUOUS: Final = frozenset("aeiouyAEIOUY")
"""Names that are words too."""

_Finds = Callable[[str, Sequence[str], Collection[str]], Iterator[str]]

_LONGEST: Final = 1_000  # characters of a line that are looked at
_NEAR: Final = 40  # lines below a heading of a table that are looked at
_BESIDE: Final = 24  # characters between a name and its numbers
_VALUE: Final = re.compile(r"\s*(?:\$|\\\[|\\begin|[\[({+−-]|\d)")
_SOFT: Final = re.compile(r"[\s>*#_`$.:=-]+")


def about(text: str, names: Collection[str]) -> str | None:
    """Which of the names a formula begins with, before the first sign of a relation; None if none."""
    left = _SIDE.split(_FRACTION.sub(r"\1/\2", text.replace(r"\partial", "∂")), maxsplit=1)[0]
    plain = _COMMAND.sub("", left).replace(r"\hat", "hat").replace("&", "")
    return next((name for name in (called(plain), called(_INDEX.sub("", plain))) if name in names), None)


def mentions(lines: Mapping[int, str], names: Collection[str]) -> dict[str, int]:
    """The names that lines give numbers to, it seems, each with the first such line. `lines` are those that
    nobody read, by number."""
    return _first(lines, names, _with_numbers)


def formulas(lines: Mapping[int, str], names: Collection[str]) -> dict[str, int]:
    """The same for names that lines say something of by a formula."""
    return _first(lines, names, _with_formula)


def _first(lines: Mapping[int, str], names: Collection[str], finds: _Finds) -> dict[str, int]:
    found: dict[str, int] = {}
    order = sorted(lines)
    for at, number in enumerate(order):
        near = [lines[one][:_LONGEST] for one in order[at : at + _NEAR]]
        for name in finds(near[0], near[1:], names):
            found.setdefault(name, number)
    return found


def _with_formula(line: str, below: Sequence[str], names: Collection[str]) -> Iterator[str]:
    yield from _in_cells(line, (), names, _has_letter)
    for match in _FORMULA.finditer(line):
        written = next(filter(None, match.groups()), "")
        name = about(written, names)
        if name is not None and any(map(_has_letter, _SIDE.split(written)[1:])):
            yield name


def _with_numbers(line: str, below: Sequence[str], names: Collection[str]) -> Iterator[str]:
    yield from _in_cells(line, below, names, _has_digit)
    for match in _FORMULA.finditer(line):
        name = about(next(filter(None, match.groups()), ""), names)
        if name is not None and (_has_digit(match[0]) or _has_digit(line[match.end() :])):
            yield name
    yield from _in_words(line, names)
    name = about(_SOFT.sub(" ", line).strip(), names)
    if name is not None:
        after = next((one for one in below if one.strip()), "")
        if _VALUE.match(after) and (_has_digit(after) or _opens(after)):
            yield name


def _in_cells(
    line: str, below: Sequence[str], names: Collection[str], says: Callable[[str], bool]
) -> Iterator[str]:
    """The names in a row of a table that have something behind them, or below them in their column."""
    cells = _CELL.split(line)
    if len(cells) < 2:
        return
    rows = [_CELL.split(one) for one in _table(below)]
    for at, cell in enumerate(cells):
        name = about(cell.strip().strip("$*` "), names)
        under = (row[at] for row in rows if at < len(row))
        if name is not None and (says("".join(cells[at + 1 :])) or any(map(says, under))):
            yield name


def _table(below: Sequence[str]) -> Iterator[str]:
    for line in below:
        if not _CELL.search(line):
            return
        yield line


def _in_words(line: str, names: Collection[str]) -> Iterator[str]:
    for match in _TOKEN.finditer(line):
        name = called(match[0])
        if name not in names or (name in _AMBIGUOUS and line[: match.start()].strip(" *#>-$`")):
            continue
        gap = re.match(rf"[^\d\n]{{0,{_BESIDE}}}\d", line[match.end() :])
        if gap is not None:
            yield name


def _has_digit(text: str) -> bool:
    return re.search(r"(?<![\w^\\])(?<![_^]\{)\d", text) is not None


def _has_letter(text: str) -> bool:
    return re.search(r"[^\W\d_]", text) is not None


def _opens(text: str) -> bool:
    """Whether a formula begins on a line, with its numbers further down."""
    return text.strip() in ("$$", r"\[") or r"\begin" in text
