"""Where mathematics stands in LaTeX and Markdown: between dollars, brackets and in environments.

One pass finds what is opaque (comments, code, verbatim), a second one the mathematics in the rest. Every
search for an end is a lookup in a sorted list, so that the time is linear in the text, whatever it holds.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from symbackprop.notation.node import Plain

Kind = Literal["display", "inline", "plain", "code"]

MASK = "\0"
"""Stands in the rest of a text for what was taken out of it; newlines stay."""

VERBATIM = "verbatim"
"""The language of a listing in LaTeX that names none: code, or nothing that is read."""

_DISPLAYS = frozenset({
    "equation", "align", "gather", "multline", "eqnarray", "displaymath", "alignat", "flalign", "dmath",
    "IEEEeqnarray",
})  # fmt: skip
_INNER = frozenset({"aligned", "gathered", "split", "alignedat"})  # displays too, where no dollars stand
_ARGUMENT = re.compile(r"\s*(?:\[\w?\])?\s*(?:\{[\w@{}]{0,40}?\})?")
_WITH_ARGUMENT = frozenset({"alignat", "alignedat", "IEEEeqnarray"})

_TOKEN = re.compile(
    r"\\\\|\\[\[\]()$]|\$\$|\$|\\(?:begin|end)\s?\{([A-Za-z]{1,20})\*?\}|\n[ \t\r]*\n",
)
_CLOSERS = {"$$": "$$", "\\[": "\\]", "\\(": "\\)", "$": "$"}
_VERBATIM = ("verbatim", "Verbatim", "lstlisting", "minted", "comment", "alltt", "tikzpicture", "algorithmic")
_TEX_OPAQUE = re.compile(
    rf"\\begin\{{({'|'.join(_VERBATIM)})(\*?)\}}|\\verb\*?([^\w\s])[^\n]{{0,200}}?\3|\\.|%[^\n]*"
)
_TEX_LANGUAGE = re.compile(r"\s*(?:\[([^\]\n]{0,200})\])?\s*(?:\{(\w{0,20})\})?")
_LISTED = re.compile(r"language\s*=\s*\{?(?:\[\w*\])?(\w+)", re.IGNORECASE)
_FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?(`{3,}|~{3,})[ \t]*\{?\.?([\w+-]*)")
_TICKS = re.compile(r"`+|<!--|\\`")


class Region(NamedTuple):
    """A part of a text: mathematics of some kind, or a listing in a language (`kind` "code")."""

    start: int
    end: int
    kind: Kind
    language: str = ""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Scanned(Plain):
    """The mathematics and the listings of a text, and the rest with `MASK` in their place."""

    regions: tuple[Region, ...]
    rest: str


def masked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """`text` with all that stands in `spans` (sorted, apart) replaced by `MASK`, save newlines."""
    out, at = [], 0
    for start, end in spans:
        lines = text[start:end].split("\n")
        out += [text[at:start], "\n".join(MASK * len(line) for line in lines)]
        at = end
    return "".join([*out, text[at:]])


def scan_tex(text: str) -> Scanned:
    """A LaTeX source: comments, preamble and verbatim text are no mathematics."""
    opaque, listings = _tex_opaque(text)
    return _scanned(text, opaque, listings, lambda content, tight, digit: True)


def scan_markdown(text: str, is_formula: Callable[[str], bool]) -> Scanned:
    """Markdown, or text with dollars; `is_formula` tells a formula from prose between two sums of money.

    Inline code comes as a region of kind "plain".
    """
    opaque, listings = _markdown_opaque(text)

    def accepted(content: str, tight: bool, digit: bool) -> bool:
        if digit or not content.strip():
            return False
        return (tight and not content[0].isdigit()) or is_formula(content)

    return _scanned(text, opaque, listings, accepted)


def _scanned(
    text: str,
    opaque: list[tuple[int, int]],
    listings: list[Region],
    accepted: Callable[[str, bool, bool], bool],
) -> Scanned:
    hidden = masked(text, opaque)
    found, outer = _mathematics(hidden, accepted)
    rest = masked(hidden, outer)
    return Scanned(tuple(sorted([*listings, *found])), rest)


# --- mathematics ---------------------------------------------------------------------------


class _Token(NamedTuple):
    text: str
    start: int
    end: int


def _mathematics(
    text: str, accepted: Callable[[str, bool, bool], bool]
) -> tuple[list[Region], list[tuple[int, int]]]:
    """The regions (without their dollars), and the spans they take up (with them)."""
    tokens = [_Token(_shape(found), found.start(), found.end()) for found in _TOKEN.finditer(text)]
    places: dict[str, list[int]] = {}
    for place, token in enumerate(tokens):
        places.setdefault(token.text, []).append(place)
        if token.text == "$$":  # it also ends `$x$` before `$y$`
            places.setdefault("$", []).append(place)
    found: list[Region] = []
    outer: list[tuple[int, int]] = []
    place, at = 0, 0
    while place < len(tokens):
        token = tokens[place]
        if token.start < at:  # the first half of this $$ was the end of an inline formula
            token = _Token("$", at, token.end)
        end = _partner(text, tokens, places, place, token)
        region = None if end is None else _region(text, token, tokens[end], accepted)
        if region is None or end is None:
            place += 1
            continue
        found.append(region)
        halved = token.text == "$" and tokens[end].text == "$$"
        at = tokens[end].start + 1 if halved else tokens[end].end
        outer.append((token.start, at))
        place = end if halved else end + 1
    return found, outer


def _shape(found: re.Match[str]) -> str:
    name = found.group(1)
    if name:
        return f"{found.group()[1]}:{name}"
    return "blank" if found.group()[0] == "\n" else found.group()


def _partner(
    text: str, tokens: list[_Token], places: dict[str, list[int]], place: int, token: _Token
) -> int | None:
    """The place of the token that closes `token`; None where it opens nothing, or nothing closes it."""
    if token.text.startswith("b:"):
        name = token.text[2:]
        if name not in _DISPLAYS and not (name in _INNER and _begins_line(text, token.start)):
            return None
        return _next(places, f"e:{name}", place)
    closer = _CLOSERS.get(token.text)
    end = _next(places, closer, place) if closer else None
    if end is None:
        return None
    blank = _next(places, "blank", place)
    if blank is not None and blank < end:
        alone = token.text != "$" and _alone(text, token) and _alone(text, tokens[end])
        return end if alone and token.text in ("$$", "\\[") else None
    return end


def _next(places: dict[str, list[int]], kind: str, after: int) -> int | None:
    listed = places.get(kind, [])
    at = bisect_right(listed, after)
    return listed[at] if at < len(listed) else None


def _begins_line(text: str, at: int) -> bool:
    before = text[max(0, at - 200, text.rfind("\n", max(0, at - 200), at) + 1) : at]
    return not before.strip(" \t\r>*-")


def _alone(text: str, token: _Token) -> bool:
    after = text[token.end : token.end + 200].partition("\n")[0]
    return _begins_line(text, token.start) and not after.strip()


def _region(
    text: str, opened: _Token, closed: _Token, accepted: Callable[[str, bool, bool], bool]
) -> Region | None:
    start, end = opened.end, closed.start
    if opened.text.startswith("b:") and opened.text[2:] in _WITH_ARGUMENT:
        found = _ARGUMENT.match(text, start, end)
        start = found.end() if found else start
    content = text[start:end]
    if opened.text == "$":
        tight = not (content[:1].isspace() or content[-1:].isspace())
        if not content or not accepted(content, tight, text[end + 1 : end + 2].isdigit()):
            return None
    return Region(start, end, "inline" if opened.text in ("$", "\\(") else "display")


# --- what is opaque -------------------------------------------------------------------------


def _tex_opaque(text: str) -> tuple[list[tuple[int, int]], list[Region]]:
    begin, finish = text.find("\\begin{document}"), text.find("\\end{document}")
    start = 0 if begin < 0 else begin + len("\\begin{document}")
    stop = len(text) if finish < start else finish
    spans, listings = [(0, start)], []
    at = start
    while (found := _TEX_OPAQUE.search(text, at, stop)) is not None:
        at = found.end()
        if found.group(1):
            end = text.find(f"\\end{{{found.group(1)}{found.group(2)}}}", at, stop)
            end = stop if end < 0 else end
            listing = _tex_listing(text, found.group(1), at, end)
            listings += [listing] if listing else []
            spans.append((found.start(), end))
            at = end
        elif found.group()[0] == "%" or found.group(3):
            spans.append((found.start(), at))
    return [*spans, (stop, len(text))], listings


def _tex_listing(text: str, name: str, start: int, end: int) -> Region | None:
    if name not in ("verbatim", "Verbatim", "lstlisting", "minted", "alltt"):
        return None
    head = _TEX_LANGUAGE.match(text, start, end) if name in ("lstlisting", "minted") else None
    if head is None:
        return Region(start, end, "code", VERBATIM)
    named = _LISTED.search(head.group(1) or "")
    language = named.group(1) if named else (head.group(2) or "" if name == "minted" else "")
    return Region(head.end(), end, "code", language.lower() or VERBATIM)


def _markdown_opaque(text: str) -> tuple[list[tuple[int, int]], list[Region]]:
    spans: list[tuple[int, int]] = []
    regions: list[Region] = []
    comments_end = text.rfind("-->")
    at = _front_matter(text)
    if at:
        spans.append((0, at))
    while at < len(text):
        newline = text.find("\n", at)
        end = len(text) if newline < 0 else newline
        if end == at:
            at += 1
            continue
        fence = _FENCE.match(text, at, end)
        if fence:
            inside, stop, after = _fence_end(text, end, fence.group(1))
            kind: Kind = "display" if fence.group(2).lower() == "math" else "code"
            regions.append(Region(inside, stop, kind, fence.group(2).lower()))
            spans.append((at, after))
            at = after + 1
            continue
        comment = _line_opaque(text, at, end, spans, regions, comments_end)
        at = end + 1
        if comment is not None:
            closed = text.find("-->", comment) + 3
            spans.append((comment, closed))
            at = closed
    return spans, regions


def _front_matter(text: str) -> int:
    """Where the metadata at the head of a Markdown file ends; 0 where there is none."""
    if not text.startswith("---\n"):
        return 0
    end = text.find("\n---\n", 3)
    return 0 if end < 0 else end + 5


def _fence_end(text: str, at: int, marks: str) -> tuple[int, int, int]:
    """Where the inside of a fence starts and ends, and where its last line ends."""
    inside = min(at + 1, len(text))
    line = inside
    while line < len(text):
        newline = text.find("\n", line)
        end = len(text) if newline < 0 else newline
        closing = text[line : min(end, line + 200)].strip(" \t\r>")
        if len(closing) >= len(marks) and not closing.strip(marks[0]) and end - line < 200:
            return inside, line, end
        line = end + 1
    return inside, len(text), len(text)


def _line_opaque(
    text: str, start: int, end: int, spans: list[tuple[int, int]], regions: list[Region], comments_end: int
) -> int | None:
    """Inline code of one line, added to the lists; the start of an HTML comment, if one opens there."""
    ticks = list(_TICKS.finditer(text, start, end))
    later: dict[str, list[int]] = {}
    for place, tick in enumerate(ticks):
        later.setdefault(tick.group(), []).append(place)
    place = 0
    while place < len(ticks):
        tick = ticks[place]
        if tick.group() == "<!--" and tick.start() < comments_end:
            return tick.start()
        partner = _next(later, tick.group(), place) if tick.group()[0] == "`" else None
        # $`x`$ is mathematics in some dialects of Markdown.
        if partner is None or text[tick.start() - 1 : tick.start()] == "$":
            place += 1
            continue
        regions.append(Region(tick.end(), ticks[partner].start(), "plain"))
        spans.append((tick.start(), ticks[partner].end()))
        place = partner + 1
    return None
