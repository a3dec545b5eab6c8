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
from symbackprop.checking.fragment_spans import MASK, Kind
from symbackprop.checking.fragment_words import (
    CONJUNCTIONS,
    ENDINGS,
    is_mathematical,
    says_condition,
    says_consequence,
    says_operation,
)

_TOKEN = re.compile(
    r"""
    (?P<masked>\0+) | (?P<url>\w{2,8}://[^\s\0]+|www\.[^\s\0]+|[\w.]+@\w+\.\w[\w.]*)
  | (?P<latex>\\(?:text\w{0,3}|mathrm|mathbf|operatorname\*?|mbox|begin|end|boldsymbol|bm)
          \s?\{[^{}\n]{0,200}\}
        | \\[A-Za-z]+ | \\[,;!:\\{}|%& ])
  | (?P<dont>[^\W\d_]{2,}['’][^\W\d_]{1,2}(?![\w(]))
  | (?P<word>[^\W\d_](?:\w|[\u0300-\u036f])*['’′″]*)
  | (?P<number>\d+(?:[.,]\d+)*(?:[eE][-+]?\d+)?|\.\d+)
  | (?P<space>[ \t\r\n\xa0]+)
  | (?P<dots>\.\.\.+|…)
  | (?P<relation>:=|~=|==|!=|<=|>=|<?=>|<?[-=]*->|[-=]{1,3}>|<-(?!\s?\d)|[=≈≃≅∈→⇒⟹⟶≡≤≥<>≠←↦⇔])
  | (?P<comment>//|--+(?!>)|\#|←\s)
  | (?P<open>[([{⟨]) | (?P<close>[)\]}⟩])
  | (?P<transpose>\.T\b)
  | (?P<dotted>\.[-+*/^×'])
  | (?P<op>[-+*/^_·•∙⊙∘×⊗@|‖∥′'’ᵀ⊤∂∇∑Σ√⋅−∗⁄&½¼¾²³¹⁰⁴-⁹₀-₉⋯⋮∞±%])
  | (?P<sep>[,;])
  | (?P<stop>[.:?!—–¿¡"“”«»`~])
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BULLET = re.compile(
    r"[ \t\r]*(?:>[ \t]*){0,5}"
    r"(?:(?:[-*+•‣◦▪–—·][ \t]+|\(?(?:\d{1,3}|[a-h]|[ivx]{1,4})[.)][ \t]+|\#{1,6}[ \t]+)"
    r"(?:\[[ xX]\][ \t]+)?)?(?:\*\*|__)?[ \t]*"
)
_RULE = re.compile(r"[\s=\-_*~#.|+:]+\Z")
_NUMBERED = re.compile(r"(?:[ ]{2,}|\t)[ \t]*\((?:\d{1,3}(?:\.\d{1,3})?|\*+)\)\s*\Z")
_SIZED = re.compile(r"(?<=[\w)\]ᵀ'⊤])[ \t]+[(\[][ \t]*\w{1,2}[ \t]*[x×][ \t]*\w{1,2}[ \t]*[)\]][ \t.]*\Z")
"""A remark on the shape behind a formula: `dW = dz x^T  (k × n)`."""

_DEFINED = re.compile(
    r"^[ \t]*(?:[-*+•][ \t]+|\d{1,3}[.)][ \t]+)?([^\W\d]\w{0,40})\s*(?::=|=)(?!=)", re.MULTILINE
)
_ARROWS = frozenset(["=>", "==>", "⇒", "⟹", "->", "-->", "→", "⟶", "<=>", "⇔"])
_TRAILING = _ARROWS | {"<-", "←"}
_CLAIMS = frozenset(
    ["=", "≈", ":=", "->", "→", "∈", "≃", "≅", "~=", "≡", "<-", "←", "==", "\\in", "\\approx", "\\to"]
)
_COMPARED = frozenset(["<", ">", "≤", "≥", "≠", "=", "<=", ">=", "!=", "==", "∈"])
_STARTS = frozenset(["=", "≈", ":=", "≃", "≅", "~=", "≡", "∈"])
_UNENDED = re.compile(r"[=+*·/(\[,⊙×−&]\s*\Z|\s-\s*\Z|\\\\\s*\Z")
_BINARY = frozenset("*·•∙⊙∘×⊗@^/+⋅∗⁄_")
_OF = frozenset(["de", "del", "of", "respecto", "respect"])
_LATEX = re.compile(r"\\[A-Za-z,;!:|{}]|[\^_]\{")
_SUMMED = re.compile(r"\b(?:sum|suma)[_ (]")
_OPERANDS = frozenset(["word", "number", "close", "transpose"])
_PAIRS = {")": "(", "]": "[", "}": "{", "⟩": "⟨"}
_JOINED_LINES = 60


class Piece(NamedTuple):
    """A formula or a line of code: its span in the text, and how to read it."""

    start: int
    end: int
    kind: Kind
    latex: bool
    under: Under = ""


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


def defined_names(text: str) -> frozenset[str]:
    """The words that stand alone on the left of a line: `scores = W x`."""
    return frozenset(found.group(1) for found in _DEFINED.finditer(text))


def is_formula(content: str) -> bool:
    """Whether there is nothing but mathematics in a text, as between two dollars that may be money."""
    tokens = _tokens(content[: limits.LINE_BYTES], 0)
    return not any(_is_prose(tokens, place, frozenset()) for place in range(len(tokens)))


def pieces(
    rest: str, names: frozenset[str], language: str | None, *, strict: bool, code: bool = True
) -> Iterator[Piece]:
    """The formulas and lines of code in a text whose other mathematics is masked.

    `strict`, as in Markdown: only lines that hold nothing else. `code` tells whether lines may be code.
    """
    for start, end in _logical_lines(rest):
        line = rest[start:end]
        if not line.strip() or _RULE.match(line):
            continue
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


def _goes_on(text: str, start: int, end: int) -> bool:
    if end - start > limits.LINE_BYTES or not text[end + 1 : _line_end(text, end + 1)].strip():
        return False
    line = text[start:end]
    if line.count("\\begin{") > line.count("\\end{"):
        return True
    if "=" not in line or _RULE.match(line[line.rfind("\n") + 1 :]):
        return False
    return bool(_UNENDED.search(line[-40:])) and MASK not in line


# --- one line -------------------------------------------------------------------------------


def _tokens(line: str, at: int) -> list[_Token]:
    return [_Token(f.lastgroup or "", f.group(), at + f.start(), at + f.end()) for f in _TOKEN.finditer(line)]


def _formulas(
    body: str, at: int, names: frozenset[str], language: str | None, strict: bool
) -> Iterator[Piece]:
    if not any(sign in body for sign in _CLAIMS):
        return
    sized = _SIZED.search(body[-60:])
    if sized:
        body = body[: len(body) - len(sized.group())].rstrip()
    numbered = _NUMBERED.search(body[-60:])
    if numbered:
        body = body[: len(body) - (len(numbered.group()))].rstrip()
    if len(body) > limits.LINE_BYTES:
        # Prose and mathematics are not told apart there: the reader says that it is too long.
        yield Piece(at, at + len(body), "plain", "\\" in body)
        return
    tokens = _tokens(body, at)
    runs = _runs(tokens, names)
    if strict and (len(runs) != 1 or not _is_whole(tokens, runs[0])):
        return
    under = under_words(body)
    cut = under or ("cut" if _goes_on_behind(tokens, runs) else "")
    for part in (part for run in runs for part in _parted(tokens, *run, language)):
        low, high = _trimmed(tokens, *part, language)
        if low < high and _is_claim(tokens, low, high):
            start, end = tokens[low].start, tokens[high - 1].end
            yield Piece(start, end, "plain", _is_latex(body[start - at : end - at]), cut)


def _goes_on_behind(tokens: list[_Token], runs: list[tuple[int, int]]) -> bool:
    """Whether words part a formula from more of it: `dW = dz (que ya tenemos) x^T`, `W dz traspuesta`."""
    for low, high in runs:
        behind = _near(tokens, high - 1, 1)
        if behind is not None and behind[1].text.lower() in ENDINGS:
            return True
        claims = any(token.text in _CLAIMS for token in tokens[low:high])
        quiet = ("space", "close", "sep")
        first = next((token for token in tokens[low:high] if token.kind not in quiet), None)
        named = first is not None and first.kind in ("word", "latex") and len(first.text) > 1
        if not claims and low and named:
            return any(token.text in _CLAIMS for token in tokens[:low])
    return False


def _is_latex(text: str) -> bool:
    summed = "\\" not in text and _SUMMED.search(text)  # dx_j = sum_i W_{ij} dz_i
    return bool(_LATEX.search(text)) and not summed


def _is_whole(tokens: list[_Token], run: tuple[int, int]) -> bool:
    outside = [*tokens[: run[0]], *tokens[run[1] :]]
    return all(token.kind == "space" or token.text in (".", ",", ";", ":") for token in outside)


def _runs(tokens: list[_Token], names: frozenset[str]) -> list[tuple[int, int]]:
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
    return _rejoined(tokens, runs)


def _starts_remark(tokens: list[_Token], place: int) -> bool:
    """Whether the rest of the line is a remark: behind `#`, `//`, or a dash with a space before it."""
    token = tokens[place]
    if token.text in ("<-", "←"):  # an assignment, or a remark on an equation
        return any(before.text in ("=", "≈") for before in tokens[:place])
    dash = token.text[:2] == "--"
    return token.kind == "comment" and (not dash or (place > 0 and tokens[place - 1].kind == "space"))


def _rejoined(tokens: list[_Token], runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Runs that no cut may part: with words for an operation between them, or a condition of the other one.

    `f'(z) = 1 si z > 0` without its condition would be another claim, and a wrong one.
    """
    done: list[tuple[int, int]] = []
    behind = 0
    conditional = False
    for run in runs:
        words = [token.text for token in tokens[behind : run[0]] if token.kind != "space"]
        compared = any(token.text in _COMPARED for token in tokens[run[0] : run[1]])
        if done and (says_operation(words) or (compared and says_condition(words))):
            done[-1] = (done[-1][0], run[1])
        elif done and conditional and says_consequence(words):
            done[-1] = (done[-1][0], run[1])
            conditional = False
        else:
            low = run[0]
            conditional = compared and bool(words) and says_condition(words[-1:])
            if conditional:
                low = next(at for at in range(low - 1, -1, -1) if tokens[at].kind != "space")
            done.append((low, run[1]))
        behind = run[1]
    return done


def _prose(tokens: list[_Token], names: frozenset[str]) -> list[bool]:
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


def _is_prose(tokens: list[_Token], place: int, names: frozenset[str]) -> bool:
    token = tokens[place]
    follows = tokens[place + 1] if place + 1 < len(tokens) else None
    if token.kind == "word":
        return not is_mathematical(token.text, follows.text[:1] if follows else "", names)
    if token.kind == "stop":
        if token.text == ":":
            return not _is_signature(tokens, place)
        return not (token.text == "!" and follows is not None and follows.text == "=")
    return token.kind in ("masked", "url", "dont", "other")


def _is_signature(tokens: list[_Token], place: int) -> bool:
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


def _near(tokens: list[_Token], place: int, step: int) -> tuple[int, _Token] | None:
    """The next token before (`step` -1) or behind (1) that is no space, and its place."""
    place += step
    while 0 <= place < len(tokens):
        if tokens[place].kind != "space":
            return place, tokens[place]
        place += step
    return None


def _belongs(tokens: list[_Token], place: int, prose: list[bool]) -> bool:
    """Whether a word that is none of mathematics still is part of a formula, by what stands beside it."""
    before, after = _near(tokens, place, -1), _near(tokens, place, 1)
    if before is not None and not prose[before[0]]:
        at, token = before
        if token.kind == "relation" or (token.kind == "op" and token.text not in "'’′ᵀ⊤%|‖∥²³&½¼¾"):
            return _near(tokens, at, -1) is not None or token.text in "-−+∂∇"
        if token.kind == "open":
            return _attached(tokens, at, prose)
        if after is not None and after[1].kind == "op" and after[1].text in _BINARY:
            return token.kind in _OPERANDS
    alone = before is None or (prose[before[0]] and before[1].kind == "stop") or before[1].kind == "sep"
    return alone and after is not None and after[1].text in (":=", "=", "≈")


def _attached(tokens: list[_Token], place: int, prose: list[bool]) -> bool:
    """Whether a bracket belongs to what stands before it: to a name without a space, or to an operator."""
    before = _near(tokens, place, -1)
    while before is not None and before[1].kind == "open" and not prose[before[0]]:
        place, before = before[0], _near(tokens, before[0], -1)
    if before is None or prose[before[0]]:
        return False
    return before[1].kind in ("relation", "op", "latex") or before[0] == place - 1


def _opens_prose(tokens: list[_Token], place: int, prose: list[bool]) -> bool:
    after = _near(tokens, place, 1)
    return after is None or prose[after[0]]


def _parted(tokens: list[_Token], low: int, high: int, language: str | None) -> Iterator[tuple[int, int]]:
    """A run cut at each conjunction of one letter between two equations: `y = 5 y x = 3`."""
    short = CONJUNCTIONS.get(language or "", frozenset()) & frozenset("yeou")
    for place in range(low + 1, high - 1):
        if tokens[place].text in short and tokens[place - 1].kind == tokens[place + 1].kind == "space":
            before, left = _near(tokens, place, -1), _near(tokens, place, 1)
            sign = _near(tokens, left[0], 1) if left else None
            ends = before is not None and before[0] > low and before[1].kind in _OPERANDS
            if ends and left and sign and left[1].kind in ("word", "latex") and sign[1].text in _CLAIMS:
                yield low, place
                low = place + 1
    yield low, high


# --- the ends of a run ----------------------------------------------------------------------------


def _trimmed(tokens: list[_Token], low: int, high: int, language: str | None) -> tuple[int, int]:
    """A run without arrows before it, punctuation behind it, and conjunctions of one letter at its ends."""
    low, high = _unpunctuated(tokens, low, high)
    short = CONJUNCTIONS.get(language or "", frozenset())
    if high - low > 2 and tokens[low].text in short and _is_conjunction_before(tokens, low):
        low += 1
    behind = _near(tokens, high - 1, 1) if high else None
    if high - low > 2 and tokens[high - 1].text in short and tokens[high - 2].kind == "space" and behind:
        before = _near(tokens, high - 1, -1)
        if before and (before[1].kind in _OPERANDS or before[1].kind == "sep"):
            high -= 1
    low, high = _unpunctuated(tokens, low, high)
    return _balanced(tokens, low, high)


def _is_conjunction_before(tokens: list[_Token], place: int) -> bool:
    after = _near(tokens, place, 1)
    return after is not None and after[0] > place + 1 and after[1].kind in ("word", "latex", "open")


def _unpunctuated(tokens: list[_Token], low: int, high: int) -> tuple[int, int]:
    while low < high and (tokens[low].kind in ("space", "sep") or tokens[low].text in _ARROWS):
        low += 1
    while low < high and (tokens[high - 1].kind in ("space", "sep") or tokens[high - 1].text in _TRAILING):
        high -= 1
    return low, high


def _balanced(tokens: list[_Token], low: int, high: int) -> tuple[int, int]:
    """A run without brackets at its ends that have no partner in it."""
    open_: list[int] = []
    loose: list[int] = []
    for place in range(low, high):
        if tokens[place].kind == "open":
            open_.append(place)
        elif tokens[place].kind == "close":
            if open_ and tokens[open_[-1]].text == _PAIRS[tokens[place].text]:
                open_.pop()
            else:
                loose.append(place)
    while loose and loose[-1] == high - 1:
        loose.pop()
        high -= 1
    while open_ and open_[0] == low:
        open_.pop(0)
        low += 1
    while open_ and open_[-1] == high - 1:
        open_.pop()
        high -= 1
    return _unpunctuated(tokens, low, high)


def _is_claim(tokens: list[_Token], low: int, high: int) -> bool:
    """Whether a run says something: a relation with a left side, or one that opens the line."""
    relations = [place for place in range(low, high) if tokens[place].text in _CLAIMS]
    if not relations:
        return False
    first = relations[0]
    before = _near(tokens, low, -1)
    if first == low or (first == low + 1 and tokens[low].kind == "open"):
        opens = before is None or (before[1].kind == "open" and _near(tokens, before[0], -1) is None)
        return opens and tokens[first].text in _STARTS and high > first + 1
    if high == first + 1 and before is not None and len(relations) == 1 and high < len(tokens):
        return False
    left = tokens[low:first]
    if all(token.kind in ("space", "sep", "close", "relation") for token in left):
        return False
    return not (before is not None and before[1].text.lower() in _OF and not _is_gradient(tokens[low]))


def _is_gradient(token: _Token) -> bool:
    """`dW`, ∂, ∇ or a command: what can stand on the left even behind “of”."""
    return token.kind == "latex" or token.text[0] in "∂∇" or (token.text[0] == "d" and len(token.text) > 1)
