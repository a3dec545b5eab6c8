"""Formulas in lines of plain text: what belongs to them, and where prose begins.

A line is cut into tokens; a run of tokens that are mathematics, with a relation in it, is a formula. A cut
must never shorten a formula into another one: a word behind an operator belongs to the formula, whatever it
is, so that the reader refuses it rather than judging half of what was written.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from symbackprop import limits
from symbackprop.checking.fragment_code import looks_like_code
from symbackprop.checking.fragment_conditions import Under, under_words
from symbackprop.checking.fragment_ends import (
    CLAIMS,
    OPERANDS,
    is_claim,
    is_gradient,
    trimmed,
    without_remark,
    without_words,
)
from symbackprop.checking.fragment_items import points
from symbackprop.checking.fragment_joins import claims, rejoined, without_cases
from symbackprop.checking.fragment_parts import parted
from symbackprop.checking.fragment_quotes import is_quoted
from symbackprop.checking.fragment_spans import MASK, Kind
from symbackprop.checking.fragment_tokens import Token, near, tokens_of
from symbackprop.checking.fragment_words import (
    ENDINGS,
    GRADIENTS,
    is_mathematical,
)
from symbackprop.notation.hand.units import NEW, OLD
from symbackprop.notation.spelling import GREEK_NAMES

_BULLET = re.compile(
    r"[ \t\r]*(?:>[ \t]*){0,5}"
    r"(?:(?:[-*+•‣◦▪–—·][ \t]+|\(?(?:\d{1,3}|[a-h]|[ivx]{1,4})[.)][ \t]+|\#{1,6}[ \t]+)"
    r"(?:\[[ xX]\][ \t]+)?)?(?:\*\*|__)?[ \t]*"
)
_LABEL = re.compile(r"\s*(?:[^\W\d_]{2,}\s+){0,3}(?:[^\W\d_]{2,}|\d{1,3})\s*:\s+")
"""Words before a formula: `Step 1: db = 7`."""
_RULE = re.compile(r"[\s=\-_*~#.|+:]+\Z")
_NUMBERED = re.compile(r"(?:[ ]{2,}|\t)[ \t]*\((?:\d{1,3}(?:\.\d{1,3})?|\*+)\)\s*\Z")
_SIZED = re.compile(
    r"(?<=[\w)\]ᵀ'⊤])[ \t]+[(\[][ \t]*"
    r"(?:\w{1,2}[ \t]*[x×][ \t]*\w{1,2}|\d{1,2}(?:[.,]\d{1,2})?[ \t]*(?:p|pts?|puntos?|points?|marks?)\.?)"
    r"[ \t]*[)\]][ \t.]*\Z",
    re.IGNORECASE,
)
"""A remark behind a formula, on its shape or its marks: `dW = dz x^T  (k × n)`, `db = dz  (2 puntos)`."""

_DEFINED = re.compile(
    r"^[ \t]*(?:[-*+•][ \t]+|\d{1,3}[.)][ \t]+)?([^\W\d]\w{0,40})\s*(?::=|=)(?!=)", re.MULTILINE
)
_UNENDED = re.compile(r"[=+*·/(\[,⊙×−&]\s*\Z|\s-\s*\Z|\\\\\s*\Z")
_BINARY = frozenset("*·•∙⊙∘×⊗@^/+⋅∗⁄_")
_LATEX = re.compile(r"\\[A-Za-z,;!:|{}]|[\^_]\{")
_LETTERS = "|".join(name for name in GREEK_NAMES if len(name) > 2)
_WORDED = re.compile(
    rf"\b(?:sum|suma)[_ (]|(?<![A-Za-z])d?(?:{_LETTERS})(?![A-Za-z])"
    r"|[^\s\\]_[a-z0-9]{2}|[₀-₉]_|\w\[\w+, ?\w+\]"
)
"""What is no LaTeX, words that are no commands, `z_32`, `z[i, j]`: a line with it is plain text, though
braces stand in it."""
_JOINED_LINES = 60


class Piece(NamedTuple):
    """A formula or a line of code: its span in the text, and how to read it."""

    start: int
    end: int
    kind: Kind
    latex: bool
    under: Under = ""
    given: str = ""


def defined_names(text: str) -> frozenset[str]:
    """The words that stand alone on the left of a line: `scores = W x`."""
    return frozenset(found.group(1) for found in _DEFINED.finditer(text))


def is_formula(content: str) -> bool:
    """Whether there is nothing but mathematics in a text, as between two dollars that may be money."""
    tokens = tokens_of(content[: limits.LINE_BYTES], 0)
    return not any(_is_prose(tokens, place, frozenset()) for place in range(len(tokens)))


def pieces(
    rest: str, names: frozenset[str], language: str | None, *, strict: bool, code: bool = True
) -> Iterator[Piece]:
    """The formulas and lines of code in a text whose other mathematics is masked.

    `strict`, as in Markdown: only lines that hold nothing else, or begin with a formula. `code` tells whether
    lines may be code.
    """
    for start, end in _logical_lines(rest):
        listed = tuple(points(rest[start:end]))
        for low, high in listed or ((0, end - start),):
            yield from _line(rest, start + low, start + high, names, language, strict=strict, code=code)


def _line(
    rest: str, start: int, end: int, names: frozenset[str], language: str | None, *, strict: bool, code: bool
) -> Iterator[Piece]:
    """The formulas in one line, or in one point of a list."""
    line = rest[start:end]
    if line.strip() and not _RULE.match(line):
        found = _BULLET.match(line)
        begin = found.end() if found else 0
        body = line[begin:].rstrip()
        if strict and body.endswith(("**", "__")):
            body = body[:-2].rstrip()
        if code and MASK not in body and looks_like_code(body):
            yield Piece(start + begin, start + begin + len(body), "code", False)
        else:
            yield from _formulas(body, start + begin, names, language, strict)


def _logical_lines(text: str) -> Iterator[tuple[int, int]]:
    """The lines of a text; one that ends in an operator or inside an environment takes in the next."""
    at = 0
    while at < len(text):
        if text[at] == "\n":
            at += 1
            continue
        end, count = _line_end(text, at), 1
        while end < len(text) and count < _JOINED_LINES and _goes_on(text, at, end):
            end, count = _line_end(text, end + 1), count + 1
        yield at, end
        at = end + 1


def _line_end(text: str, at: int) -> int:
    newline = text.find("\n", at)
    return len(text) if newline < 0 else newline


_ROWS = frozenset("[(|-−+.0123456789")
"""What a row of numbers begins with."""


def _is_next_row(written: str, following: str) -> bool:
    from symbackprop.checking.fragment_columns import goes_on  # few texts have arrays over lines

    return goes_on(written, following)


def _is_unreadable(body: str) -> bool:
    if "\n" not in body:
        return False
    from symbackprop.checking.fragment_columns import is_unreadable

    return is_unreadable(body)


def _goes_on(text: str, start: int, end: int) -> bool:
    following = text[end + 1 : _line_end(text, end + 1)].rstrip()
    if end - start > limits.LINE_BYTES or not following:
        return False
    line = text[start:end]
    rows = any(one.lstrip()[:1] in _ROWS for one in (line, following))
    if rows and _is_next_row(line, following):
        return True
    if line.count("\\begin{") > line.count("\\end{"):
        return True
    if "=" not in line or _RULE.match(line[line.rfind("\n") + 1 :]):
        return False
    return bool(_UNENDED.search(line[-40:])) and MASK not in line


# --- one line -------------------------------------------------------------------------------


def _formulas(
    body: str, at: int, names: frozenset[str], language: str | None, strict: bool
) -> Iterator[Piece]:
    if not any(sign in body for sign in CLAIMS):
        return
    sized = _SIZED.search(body[-60:])
    if sized:
        body = body[: len(body) - len(sized.group())].rstrip()
    numbered = _NUMBERED.search(body[-60:])
    if numbered:
        body = body[: len(body) - (len(numbered.group()))].rstrip()
    body = without_remark(body, names)
    if len(body) > limits.LINE_BYTES:
        # Prose and mathematics are not told apart there: the reader says that it is too long.
        yield Piece(at, at + len(body), "plain", "\\" in body)
        return
    label = _LABEL.match(body) if strict else None
    if label is not None:  # Step 1: db = 7
        body, at = body[label.end() :], at + label.end()
    tokens = tokens_of(body, at)
    runs = _runs(tokens, names)
    alone = len(runs) == 1 and _is_whole(tokens, runs[0])
    if strict and not alone and not (runs and _leads(tokens, runs[0])):
        return
    under = under_words(without_cases(body, at, tokens, runs))
    cut = under or ("cut" if _goes_on_behind(tokens, runs) or _is_unreadable(body) else "")
    runs = [(_with_gradient(tokens, low), high) for low, high in runs]
    for part in (part for run in runs for part in parted(tokens, *run, language)):
        low, high = trimmed(tokens, *part, language)
        low = without_words(tokens, low, high)
        if low < high and is_claim(tokens, low, high):
            start, end = tokens[low].start, tokens[high - 1].end
            told: Under = "quoted" if is_quoted(body[max(0, start - at - BEFORE) : start - at]) else cut
            yield Piece(start, end, "plain", _is_latex(body[start - at : end - at]), told)


def _with_gradient(tokens: list[Token], low: int) -> int:
    """A run from the word before it that makes a gradient of its first name: `gradiente de W = …`."""
    before = near(tokens, low, -1)
    if before is not None and before[1].text.lower() in ("de", "of"):
        before = near(tokens, before[0], -1)
    if before is None or before[1].text.lower() not in GRADIENTS or is_gradient(tokens[low]):
        return low  # el gradiente dL/db = …
    return before[0]


def _goes_on_behind(tokens: list[Token], runs: list[tuple[int, int]]) -> bool:
    """Whether words part a formula from more of it: `dW = dz (que ya tenemos) x^T`, `W dz traspuesta`."""
    for low, high in runs:
        behind = near(tokens, high - 1, 1)
        if behind is not None and behind[1].text.lower() in ENDINGS:
            return True
        stated = claims(tokens, (low, high))
        quiet = ("space", "close", "sep")
        first = next((token for token in tokens[low:high] if token.kind not in quiet), None)
        named = first is not None and first.kind in ("word", "latex") and len(first.text) > 1
        if not stated and low and named:
            return any(token.text in CLAIMS for token in tokens[:low])
    return False


def _is_latex(text: str) -> bool:
    summed = "\\" not in text and _WORDED.search(text)  # dx_j = sum_i W_{ij} delta_i
    return bool(_LATEX.search(text)) and not summed


def _leads(tokens: list[Token], run: tuple[int, int]) -> bool:
    """Whether a line begins with a formula that claims something."""
    spaces = all(token.kind == "space" for token in tokens[: run[0]])
    return spaces and claims(tokens, run)


BEFORE = 200
"""Characters before a formula in which words may say that it is a mistake."""


def _is_whole(tokens: list[Token], run: tuple[int, int]) -> bool:
    outside = [*tokens[: run[0]], *tokens[run[1] :]]
    return all(token.kind == "space" or token.text in (".", ",", ";", ":") for token in outside)


def _runs(tokens: list[Token], names: frozenset[str]) -> list[tuple[int, int]]:
    """The maximal stretches of mathematics: places of the first token and one past the last."""
    prose = _prose(tokens, names)
    remark = next((place for place in range(len(tokens)) if _starts_remark(tokens, place)), len(tokens))
    prose[remark:] = [True] * (len(tokens) - remark)
    runs: list[tuple[int, int]] = []
    start: int | None = None
    for place, token in enumerate(tokens):
        if prose[place]:
            if start is not None:
                runs.append((start, place))
            start = None
        elif start is None and token.kind != "space":
            start = place
    if start is not None:
        runs.append((start, len(tokens)))
    return rejoined(tokens, runs)


def _starts_remark(tokens: list[Token], place: int) -> bool:
    """Whether the rest of the line is a remark: behind `#`, `//`, or a dash with a space before it."""
    token = tokens[place]
    if token.text in ("<-", "←"):  # an assignment, or a remark on an equation
        return any(before.text in ("=", "≈") for before in tokens[:place])
    dash = token.text[:2] == "--"
    return token.kind == "comment" and (not dash or (place > 0 and tokens[place - 1].kind == "space"))


def _prose(tokens: list[Token], names: frozenset[str]) -> list[bool]:
    """For each token, whether it is prose, or ends a formula as a stop does."""
    prose: list[bool] = []
    for place, token in enumerate(tokens):
        said = _is_prose(tokens, place, names)
        if said and token.kind == "word":
            said = not _belongs(tokens, place, prose)
        prose.append(said)
    for place, token in enumerate(tokens):
        if token.kind == "open" and not prose[place] and _opens_prose(tokens, place, prose):
            prose[place] = True
    return prose


def _is_prose(tokens: list[Token], place: int, names: frozenset[str]) -> bool:
    token = tokens[place]
    follows = tokens[place + 1] if place + 1 < len(tokens) else None
    if token.kind == "word":
        return not is_mathematical(token.text, follows.text[:1] if follows else "", names)
    if token.kind == "stop":
        if token.text == "." and _is_product(tokens, place):
            return False
        if token.text == ":":
            return not _is_signature(tokens, place)
        return not (token.text == "!" and follows is not None and follows.text == "=")
    return token.kind in ("masked", "url", "dont", "other")


def _is_product(tokens: list[Token], place: int) -> bool:
    """Whether a full stop between spaces multiplies: `dz . x^T`, `dL/dz . dz/dW = …`."""
    around = tokens[max(0, place - 1) : place + 2]
    before, after = near(tokens, place, -1), near(tokens, place, 1)
    if len(around) != 3 or not around[0].kind == around[2].kind == "space" or before is None or after is None:
        return False
    if before[1].kind not in OPERANDS or after[1].kind not in ("word", "number", "open", "latex"):
        return False
    if len(after[1].text) > 1 and not is_mathematical(after[1].text, "", frozenset()):
        return False
    relation = next((at for at in range(place + 1, len(tokens)) if tokens[at].text in CLAIMS), None)
    stop = next((at for at in range(place + 1, len(tokens)) if tokens[at].kind == "stop"), len(tokens))
    chained = f"{before[1].text}/" == "".join(token.text for token in tokens[after[0] : after[0] + 2])
    earlier = [token for token in tokens[:place] if token.kind in ("word", "masked")]
    if not any(token.text in CLAIMS for token in tokens[:place]):  # dL/dz . x^T = dW
        return all(is_mathematical(token.text, "", frozenset()) for token in earlier)
    return chained or relation is None or stop < relation


def _is_signature(tokens: list[Token], place: int) -> bool:
    """Whether a colon stands inside brackets (`w[:, i]`) or before a space of numbers (`L: ℝ × ℝ → ℝ`)."""
    depth = 0
    for token in tokens[max(0, place - 60) : place]:
        depth += (token.kind == "open") - (token.kind == "close")
    if depth > 0:
        return True
    after = [token for token in tokens[place + 1 : place + 4] if token.kind != "space"]
    return (
        bool(after)
        and after[0].text in ("ℝ", "R", "\\mathbb")
        and any(token.text in ("→", "->", "\\to", "\\rightarrow") for token in tokens[place:])
    )


def _belongs(tokens: list[Token], place: int, prose: list[bool]) -> bool:
    """Whether a word that is none of mathematics still is part of a formula, by what stands beside it."""
    before, after = near(tokens, place, -1), near(tokens, place, 1)
    if before is not None and not prose[before[0]]:
        at, token = before
        if token.kind == "relation" or (token.kind == "op" and token.text not in "'’′ᵀ⊤%|‖∥²³&½¼¾"):
            return near(tokens, at, -1) is not None or token.text in "-−+∂∇"
        if token.kind == "open":
            return _attached(tokens, at, prose)
        if after is not None and after[1].kind == "op" and after[1].text in _BINARY:
            return token.kind in OPERANDS
    if _is_derivative(tokens, place) or _is_mark(tokens, place, prose):
        return True
    alone = before is None or (prose[before[0]] and before[1].kind == "stop") or before[1].kind == "sep"
    return alone and after is not None and after[1].text in (":=", "=", "≈")


def _is_derivative(tokens: list[Token], place: int) -> bool:
    """`da/dz`, `de / dw`: a word of prose, were it not for the differential below the slash."""
    slash = near(tokens, place, 1)
    below = near(tokens, slash[0], 1) if slash is not None and slash[1].text == "/" else None
    if below is None or below[1].kind != "word":
        return False
    return all(token.text[0] == "d" and len(token.text) > 1 for token in (tokens[place], below[1]))


def _is_mark(tokens: list[Token], place: int, prose: list[bool]) -> bool:
    """`W nuevo = …`, `new W = …`, `W - 0.1 dW` with “W old”: which value of a name is meant."""
    if tokens[place].text.lower() not in NEW | OLD:
        return False
    before, after = near(tokens, place, -1), near(tokens, place, 1)
    if before is not None and before[1].kind == "word" and not prose[before[0]]:
        return True
    named = after is not None and after[1].kind == "word" and is_mathematical(after[1].text, "", frozenset())
    behind = near(tokens, after[0], 1) if after is not None and named else None
    return behind is not None and behind[1].text in CLAIMS


def _attached(tokens: list[Token], place: int, prose: list[bool]) -> bool:
    """Whether a bracket belongs to what stands before it: to a name without a space, or to an operator."""
    before = near(tokens, place, -1)
    while before is not None and before[1].kind == "open" and not prose[before[0]]:
        place, before = before[0], near(tokens, before[0], -1)
    if before is None or prose[before[0]]:
        return False
    return before[1].kind in ("relation", "op", "latex") or before[0] == place - 1


def _opens_prose(tokens: list[Token], place: int, prose: list[bool]) -> bool:
    after = near(tokens, place, 1)
    return after is None or prose[after[0]]
