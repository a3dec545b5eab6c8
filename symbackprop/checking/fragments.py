"""The formulas and lines of code in a file, each with its place; prose around them is skipped.

A file is LaTeX, Markdown, plain text, a notebook or code; without a name that says which, its content
decides. What a fragment means is for the readers: here it is only found.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from symbackprop import limits
from symbackprop.checking.fragment_code import could_be_code, is_code, looks_like_code, statements
from symbackprop.checking.fragment_conditions import Told, Under, conditions
from symbackprop.checking.fragment_habits import comma_decimals
from symbackprop.checking.fragment_habits import language_of as language_of
from symbackprop.checking.fragment_lines import Piece, defined_names, is_formula, pieces
from symbackprop.checking.fragment_quotes import announces_sums
from symbackprop.checking.fragment_spans import VERBATIM, Kind, Region, Scanned, scan_markdown, scan_tex
from symbackprop.notation.node import Plain

_PYTHON = frozenset(
    ["python", "py", "python3", "numpy", "ipython", "ipython3", "pycon", "jax", "torch", "pytorch"]
)
_MAGIC = re.compile(r"\s*%%(\w*)")
_MAGICS_OF_PYTHON = frozenset(["time", "timeit", "capture", "prun", "memit", "mprun", "python", "python3"])
_LATEX = frozenset(["latex", "tex", "katex", "mathjax"])
_TEXT = frozenset(["", "text", "txt", "plain", "plaintext"])
_IS_TEX = re.compile(
    r"\\(?:documentclass|begin\{document\}|usepackage|section\*?\{|subsection\*?\{|maketitle)"
)
_HAS_MATHEMATICS = re.compile(r"\$\$|\\\[|\\\(|^[ \t]*(?:```|~~~)|\$[^$\n]{1,2000}\$", re.MULTILINE)
_IS_MARKDOWN = re.compile(r"^(?:#{1,6} \w|\*\*\w)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Fragment(Plain):
    """A formula, or a statement of code, as it stands in a file.

    `text` is a slice of the file, in a notebook of the text of the `cell` (from 1, over all cells); `line`
    and `column` (from 1) say where it starts. `latex` tells LaTeX from plain text. `under`: words around it
    make it a condition, or a claim under one. `given`: the indices for which it is claimed, `i \\neq j`.
    `summed`: indices that occur twice are summed over.
    """

    text: str
    line: int
    column: int
    kind: Kind
    latex: bool
    cell: int | None = None
    under: Under = ""
    given: str = ""
    summed: bool = False

    def place(self, offset: int) -> tuple[int, int]:
        """The line and the column in the file of a character of `text`; a tab is one column."""
        before = self.text[:offset]
        lines = before.count("\n")
        if not lines:
            return self.line, self.column + len(before)
        return self.line + lines, len(before) - before.rindex("\n")


class _Habits(NamedTuple):
    """What a document defines by words of its own, and its language."""

    names: frozenset[str]
    language: str | None


def fragments(text: str, suffix: str) -> tuple[Fragment, ...]:
    """The fragments of a file, in order. `suffix` is .tex, .md, .txt, .ipynb, .py, or "": by content.

    Raises ValueError for a notebook that is none, and for a text over the limit of a file.
    """
    if len(text) > limits.FILE_BYTES:
        raise ValueError(f"the text has more than {limits.FILE_BYTES:,} characters, which is the limit")
    form = suffix or _form(text)
    if form == ".ipynb":
        return _notebook(text)
    return _placed(text, _FORMS.get(form, _plain)(text))


def decimal_comma(text: str) -> bool:
    """Whether a document writes decimals with a comma: `0,5` or `1{,}5` somewhere, and `0.5` nowhere.

    Only formulas count, and no code; where the text is no notebook that can be read, it does not.
    """
    try:
        found = fragments(text, "")
    except ValueError:
        return False
    read = (one.text for one in found if one.kind != "code" and len(one.text) <= limits.LINE_BYTES)
    return comma_decimals(read, language_of(text))


def _form(text: str) -> str:
    """The form of a text by what is in it."""
    start = text.lstrip()[:1]
    if start == "{" and '"cells"' in text and '"cell_type"' in text:
        return ".ipynb"
    if _IS_TEX.search(text):
        return ".tex"
    if not _HAS_MATHEMATICS.search(text) and is_code(text):
        return ".py"
    return ".md" if _IS_MARKDOWN.search(text) else ".txt"


def _placed(text: str, found: Iterator[Piece], cell: int | None = None) -> tuple[Fragment, ...]:
    """Pieces as fragments, in order, without the space around them."""
    announced = announces_sums(text)
    starts = [0, *(newline.end() for newline in re.finditer("\n", text))]
    done = []
    for piece in sorted(found):
        content = text[piece.start : piece.end]
        inner = content.strip()
        if not inner:
            continue
        start = piece.start + len(content) - len(content.lstrip())
        line = bisect_right(starts, start)
        column = start - starts[line - 1] + 1
        done.append(
            Fragment(
                text=inner,
                line=line,
                column=column,
                kind=piece.kind,
                latex=piece.latex,
                cell=cell,
                under=piece.under,
                given=piece.given,
                summed=announced is not None and start > announced,
            )
        )
    return tuple(done)


# --- the forms of files -----------------------------------------------------------------------------


def _tex(text: str) -> Iterator[Piece]:
    scanned = scan_tex(text)
    habits = _Habits(defined_names(text), language_of(text))
    yield from _regions(text, scanned, habits)


def _markdown(text: str) -> Iterator[Piece]:
    yield from _with_dollars(text, strict=True)


def _plain(text: str) -> Iterator[Piece]:
    yield from _with_dollars(text, strict=False)


def _with_dollars(text: str, *, strict: bool) -> Iterator[Piece]:
    """Markdown (`strict`), or plain text in which formulas may stand between dollars too."""
    scanned: Scanned = scan_markdown(text, is_formula)
    habits = _Habits(defined_names(text), language_of(text))
    yield from _regions(text, scanned, habits)
    yield from pieces(scanned.rest, habits.names, habits.language, strict=strict)


def _regions(text: str, scanned: Scanned, habits: _Habits) -> Iterator[Piece]:
    under = conditions(text, scanned.rest, scanned.regions)
    for region in scanned.regions:
        for piece in _region(text, region, habits):
            told = under.get(region.start, Told())
            yield piece._replace(under=told.under, given=told.given)


def _code(text: str) -> Iterator[Piece]:
    for start, end in statements(text):
        yield Piece(start, end, "code", False)


_FORMS = {".tex": _tex, ".md": _markdown, ".txt": _plain, ".py": _code}


def _region(text: str, region: Region, habits: _Habits) -> Iterator[Piece]:
    start, end, kind, _ = region
    if kind == "plain":
        yield from _inline_code(text, start, end, habits)
    elif kind == "code":
        yield from _listing(text, region, habits)
    else:
        if text[start:end].startswith("`") and text[start:end].endswith("`") and end - start > 2:
            start, end = start + 1, end - 1
        yield Piece(start, end, kind, True)


def _inline_code(text: str, start: int, end: int, habits: _Habits) -> Iterator[Piece]:
    """A formula or a statement between backticks; a bare name or a word is none."""
    content = text[start:end]
    if "=" in content or "≈" in content:
        yield from _shifted(pieces(content, habits.names, None, strict=True), start)


def _listing(text: str, region: Region, habits: _Habits) -> Iterator[Piece]:
    """Code of a language that we read, LaTeX, or formulas line by line; other languages are skipped."""
    start, end, _, language = region
    content = text[start:end]
    if language in _LATEX:
        yield from _shifted(_formulas_of_tex(content, habits), start)
    elif language in _PYTHON or (language in (*_TEXT, VERBATIM) and _is_listing(content)):
        for low, high in statements(text, start, end):
            yield Piece(low, high, "code", False)
    elif language in _TEXT:
        yield from _shifted(pieces(content, habits.names, habits.language, strict=False), start)


def _formulas_of_tex(content: str, habits: _Habits) -> Iterator[Piece]:
    """The formulas of a listing in LaTeX; where nothing marks them, all of it is one formula a line."""
    scanned = scan_tex(content)
    if scanned.regions:
        for region in scanned.regions:
            yield from _region(content, region, habits)
    else:
        yield from (
            piece._replace(latex=True)
            for piece in pieces(content, habits.names, None, strict=False, code=False)
        )


def _is_listing(content: str) -> bool:
    """Whether a listing without a language is code."""
    lines = [line for line in content.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    return any(looks_like_code(line) for line in lines) and all(
        could_be_code(line.partition("#")[0]) for line in lines
    )


def _shifted(found: Iterator[Piece], by: int) -> Iterator[Piece]:
    for piece in found:
        yield piece._replace(start=piece.start + by, end=piece.end + by)


# --- notebooks ---------------------------------------------------------------------------------------


def _notebook(text: str) -> tuple[Fragment, ...]:
    done: list[Fragment] = []
    summed = False
    for number, cell in enumerate(_cells(text), start=1):
        source = _source(cell, number)
        kind = cell.get("cell_type")
        if kind == "markdown":
            placed = _placed(source, _markdown(source), number)
            done.extend(replace(one, summed=one.summed or summed) for one in placed)
            summed = summed or announces_sums(source) is not None
        elif kind == "code" and _is_python(source):
            done.extend(_placed(source, _code(source), number))
    return tuple(done)


def _is_python(source: str) -> bool:
    """Whether a cell is code of ours: `%%time` only times it, `%%bash` is another language."""
    magic = _MAGIC.match(source)
    return magic is None or magic.group(1) in _MAGICS_OF_PYTHON


def _cells(text: str) -> list[dict[str, Any]]:
    try:
        data = json.loads(text)
    except RecursionError:
        raise ValueError("this is no notebook: its brackets are nested too deep") from None
    except ValueError as error:
        raise ValueError(f"this is no notebook: {error}; a notebook is JSON, as Jupyter saves it") from None
    cells = data.get("cells") if isinstance(data, dict) else None
    if cells is None and isinstance(data, dict) and isinstance(data.get("worksheets"), list):
        sheets = [sheet for sheet in data["worksheets"] if isinstance(sheet, dict)]  # as Jupyter saved once
        cells = [cell for sheet in sheets for cell in sheet.get("cells") or ()]
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise ValueError("this is no notebook: there is no list of cells; save it anew with Jupyter")
    return cells


def _source(cell: dict[str, Any], number: int) -> str:
    source = cell.get("source", cell.get("input", ""))
    lines = source if isinstance(source, list) else [source]
    if not all(isinstance(line, str) for line in lines):
        raise ValueError(f"this is no notebook: cell {number} has no text as its source")
    return "".join(lines).replace("\r\n", "\n")
