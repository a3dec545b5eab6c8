"""Which formulas between words hold under a condition only: `Si $z > 0$, $f'(z) = 1$`.

Words are skipped, but not those that make another claim of a formula: judged without its condition, a right
line would be called wrong, or a wrong one right.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from symbackprop.checking.fragment_quotes import goes_on, is_quoted
from symbackprop.checking.fragment_spans import MASK, Region

Under = Literal["", "condition", "compared", "equation", "cut", "quoted", "continued"]
"""What a formula is in its sentence: nothing special; a condition of another one, and no claim; a claim
under a comparison or words, which is not judged; one under an equation, which may be right without it; one
that may go on behind words; one that the text itself calls wrong; one that begins with a relation behind
words."""

_END = re.compile(
    r"[.;!?](?=\s|\Z)|\n[ \t\r]*\n|\n[ \t]*(?:[-*+•#]+|\(?\d{1,3}[.)]|[a-z]\))[ \t]"
    r"|\\item\b|\\(?:sub)*section\b|\\paragraph\b|\\\\\s*\n"
)
_IF = r"(?:si|if|when|cuando|whenever|siempre\s+que|iff|supon\w+|assum\w+|suppose)"
_FOR = r"(?:para|for|donde|where|en|in|con|with|caso|case|as\s+long\s+as|mientras|while)"
_FEW = r"(?:\s+(?!\0)[^\W\d_]+){0,3}[\s:,(~]*\Z"
_ASKS = re.compile(rf"\b{_IF}{_FEW}", re.IGNORECASE)
_LIMITS = re.compile(rf"\b{_FOR}{_FEW}", re.IGNORECASE)
_STATE = (
    r"(?:activ\w*|inactiv\w*|apagad\w*|encendid\w*|dead|muert\w*|saturad\w*|saturat\w*|positiv\w*|negativ\w*"
    r"|switched|off)"
)
_SAID = re.compile(rf"\b(?:{_IF}|{_FOR})\b[^\0]{{0,80}}\b{_STATE}\b", re.IGNORECASE)
_ELSE = re.compile(
    r"\b(?:en\s+(?:el\s+)?caso\s+contrario|de\s+lo\s+contrario|en\s+otro\s+caso|en\s+el\s+resto|elsewhere|si\s+no|otherwise|(?:or\s+)?else"
    r"|(?:off|outside|on)[\s-]+the[\s-]+diagonal|off-diagonal\w*|fuera\s+de\s+la\s+diagonal|en\s+la\s+diagonal"
    r"|(?:clases|[íi]ndices|neuronas|unidades)\s+distint[ao]s|(?:different|distinct)\s+(?:class|ind|unit|neuron)\w*)\b",
    re.IGNORECASE,
)
_COMPARED = re.compile(r"[<>≤≥≠]|\\(?:leq?|geq?|neq?|lt|gt|leqslant|geqslant)(?![A-Za-z])")
_NUMBER = re.compile(r"\s*[^=]{1,30}=\s*[-−+]?\s*(?:\d+(?:[.,]\d+)?|[a-z])\s*")
_EQUATION = re.compile(r"=")
_LETTER = r"(?:[i-nkp-t]|\\ell)"
_UNEQUAL = r"(?:\\neq?|\\not\s*=|≠|!=|<|>|\\[lg]eq?|≤|≥|\\[lg]t)(?![A-Za-z])"
_PLACES = r"(?:[\w\s,+\-−.…]|\\ell|\\[lc]?dots|\\[{}])"
_RANGE = re.compile(
    rf"\s*(?:{_LETTER}\s*(?:=|{_UNEQUAL})\s*{_LETTER}|[ijlt]\s*(?:=|{_UNEQUAL})\s*[\dLT]"
    rf"|{_LETTER}\s*(?:=|\\in(?![a-z])|∈)\s*{_PLACES}{{1,60}},{_PLACES}{{1,60}})\s*"
)
"""What an index may be: `i \\neq j`, `l = L`, `k = 1, \\dots, K`."""


class Told(NamedTuple):
    """What words around a formula say of it; `given` are the indices for which it is claimed."""

    under: Under = ""
    given: str = ""


def conditions(text: str, rest: str, regions: Sequence[Region]) -> dict[int, Told]:
    """For the formulas that stand beside or under a condition, by where they start: what they are.

    `rest` is the text with its mathematics masked.
    """
    found: dict[int, Told] = {}
    formulas = [region for region in regions if region.kind in ("inline", "display")]
    displays = [one for one in formulas if one.kind == "display"]
    ends = {0, len(rest), *(one.end for one in displays)}
    ends |= {end.end() for end in _END.finditer(rest) if not _goes_on(rest, end)}
    ends |= {one.start for one in displays if not _leads(rest, one.start)}
    place = 0
    for start, end in pairwise(sorted(ends)):
        here = []
        while place < len(formulas) and formulas[place].start < end:
            here.append(formulas[place])
            place += 1
        if here:
            found.update(_sentence(text, rest, start, end, here))
    return found


def _goes_on(rest: str, end: re.Match[str]) -> bool:
    """Whether a sentence goes on behind a blank line: before it stands a colon or a comma."""
    before = rest[max(0, end.start() - 40) : end.start()].rstrip(" \t\r")
    return end.group()[:1] == "\n" == end.group()[-1:] and before.endswith((":", ","))


def _leads(rest: str, place: int) -> bool:
    """Whether the words before a display go on in it: they end in a colon, a comma or no stop at all."""
    before = rest[max(0, place - 200) : place].rstrip(MASK).rstrip(" \t\r\n\\[$}*_")  # without its own \\[
    if before.endswith(MASK):
        words = before.rstrip(MASK)
        return bool(_ASKS.search(words) or _LIMITS.search(words))
    return before.endswith((":", ",")) or before[-1:].isalpha()


def _sentence(text: str, rest: str, start: int, end: int, here: Sequence[Region]) -> dict[int, Told]:
    kinds: dict[int, Under] = {}
    ranges: list[int] = []
    at = start
    worst: Under = ""
    for region in here:
        said, content = rest[at : region.start].strip("$\\([" + MASK)[-120:], text[region.start : region.end]
        at = region.end
        if is_quoted(said) or goes_on(said, content):
            kinds[region.start] = "quoted" if is_quoted(said) else "continued"
            continue
        asked = bool(_ASKS.search(said))
        heads = not said.strip(" \t\n-*+•.)(") and rest[at:].lstrip(MASK + "$\\)").startswith(":")
        if _RANGE.fullmatch(content) and (asked or heads or _LIMITS.search(said)):
            kinds[region.start] = "condition"
            ranges.append(region.start)
        elif _COMPARED.search(content) and "=" not in content and (asked or _LIMITS.search(said)):
            kinds[region.start], worst = "condition", "compared"
        elif asked and _EQUATION.search(content):
            kinds[region.start] = "condition" if _NUMBER.fullmatch(content) else "equation"
            worst = worst or "equation"
    worst = under_words(rest[start:end]) or worst
    if worst:
        for region in here:
            kinds.setdefault(region.start, worst)
    told = {place: Told(under) for place, under in kinds.items()}
    if ranges and not worst:
        told.update(_given(text, here, ranges, kinds))
    return told


def _given(
    text: str, here: Sequence[Region], ranges: Sequence[int], kinds: Mapping[int, Under]
) -> Iterator[tuple[int, Told]]:
    """The range of each formula: the last one before it, or the next where the sentence begins otherwise."""
    content = {region.start: text[region.start : region.end] for region in here}
    leads = here[0].start in ranges
    for region in here:
        if region.start not in ranges and region.start not in kinds:
            near = [at for at in ranges if (at < region.start) == leads]
            place = (near[-1] if leads else near[0]) if near else None
            yield region.start, Told("equation") if place is None else Told("", content[place])


def under_words(words: str) -> Under:
    """What words alone make of the formulas among them: “si la neurona está activa”, “otherwise”."""
    return "compared" if _SAID.search(words) or _ELSE.search(words) else ""
