"""Where a formula in a line of plain text begins and ends, and whether it claims anything."""

import re

from symbackprop.checking.fragment_tokens import ARROW, Token, near, tokens_of
from symbackprop.checking.fragment_words import CONJUNCTIONS, OPERATIONS, is_mathematical
from symbackprop.notation.hand.by_cases import IF

CLAIMS = frozenset(
    ["=", "≈", ":=", "->", "→", "∈", "≃", "≅", "~=", "≡", "<-", "←", "==", "\\in", "\\approx", "\\to"]
)
"""Relations that make a claim of what stands on both sides."""

OPERANDS = frozenset(["word", "number", "close", "transpose"])
"""Kinds of tokens that an operand ends with."""

_STARTS = frozenset(["=", "≈", ":=", "≃", "≅", "~=", "≡", "∈"])
_ONLY = frozenset(["unless", "except", "salvo", "excepto", "only", "solo", "sólo"])
_OF = frozenset(["de", "del", "of", "respecto", "respect"])
_PAIRS = {")": "(", "]": "[", "}": "{", "⟩": "⟨"}


def trimmed(tokens: list[Token], low: int, high: int, language: str | None) -> tuple[int, int]:
    """A run without arrows before it, punctuation behind it, and conjunctions of one letter at its ends."""
    low, high = _unpunctuated(tokens, low, high)
    short = CONJUNCTIONS.get(language or "", frozenset())
    if high - low > 2 and tokens[low].text in short and _is_conjunction_before(tokens, low):
        low += 1
    behind = near(tokens, high - 1, 1) if high else None
    if high - low > 2 and tokens[high - 1].text in short and tokens[high - 2].kind == "space" and behind:
        before = near(tokens, high - 1, -1)
        if before and (before[1].kind in OPERANDS or before[1].kind == "sep"):
            high -= 1
    low, high = _unpunctuated(tokens, low, high)
    return _balanced(tokens, low, high)


def _is_conjunction_before(tokens: list[Token], place: int) -> bool:
    after = near(tokens, place, 1)
    return after is not None and after[0] > place + 1 and after[1].kind in ("word", "latex", "open")


def _unpunctuated(tokens: list[Token], low: int, high: int) -> tuple[int, int]:
    while low < high and (tokens[low].kind in ("space", "sep") or ARROW.fullmatch(tokens[low].text)):
        low += 1
    while low < high and (tokens[high - 1].kind in ("space", "sep") or _is_trailing(tokens[high - 1].text)):
        high -= 1
    return low, high


def _is_trailing(sign: str) -> bool:
    return bool(ARROW.fullmatch(sign)) or sign in ("<-", "←")


def _balanced(tokens: list[Token], low: int, high: int) -> tuple[int, int]:
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


def is_claim(tokens: list[Token], low: int, high: int) -> bool:
    """Whether a run says something: a relation with a left side, or one that opens the line."""
    relations = [place for place in range(low, high) if tokens[place].text in CLAIMS]
    if not relations:
        return False
    first = relations[0]
    before = near(tokens, low, -1)
    if first == low or (first == low + 1 and tokens[low].kind == "open"):
        opens = before is None or (before[1].kind == "open" and near(tokens, before[0], -1) is None)
        return opens and tokens[first].text in _STARTS and high > first + 1
    if high == first + 1 and before is not None and len(relations) == 1 and high < len(tokens):
        return False
    left = tokens[low:first]
    if all(token.kind in ("space", "sep", "close", "relation") for token in left):
        return False
    return not (before is not None and before[1].text.lower() in _OF and not is_gradient(tokens[low]))


_NUMERIC = frozenset(["number", "space", "op", "open", "close", "relation"])
_EQUAL = frozenset(["=", "≈"])


def without_words(tokens: list[Token], low: int, high: int) -> int:
    """Where a chain of numbers alone begins behind `sum of exps =`; `low` where it is none.

    What the words name is not judged, but whether the arithmetic holds.
    """
    before = near(tokens, low, -1)
    if low >= high or tokens[low].text != "=" or before is None or before[1].kind != "word":
        return low
    rest = tokens[low + 1 : high]
    numeric = all(one.kind in _NUMERIC and (one.kind != "op" or one.text in "+-−*/^·×⋅∗⁄") for one in rest)
    signs = [one.text for one in rest if one.kind == "relation"]
    return low + 1 if numeric and signs and _EQUAL.issuperset(signs) else low


_REMARK = re.compile(r"(?<=\S)(?:[ ]{2,}|[ ]*\t)[ \t]*\(([^()]{3,200})\)[ \t.]*\Z")


def without_remark(body: str, names: frozenset[str]) -> str:
    """A line without a remark in brackets that begins like a formula: `dx = W^T dz   (W is 1x3)`.

    One that states a condition stays, one with a claim of its own, and one that says what a 1 is.
    """
    found = _REMARK.search(body[-220:])
    if found is None:
        return body
    tokens = [token for token in tokens_of(found.group(1), 0) if token.kind != "space"]
    prose = [_is_word(token, names) for token in tokens]
    words = {token.text.lower() for token in tokens if token.kind == "word"}
    claims = any(token.text in CLAIMS and not any(prose[at + 1 : at + 2]) for at, token in enumerate(tokens))
    begins = not prose[0] and tokens[0].kind != "masked"
    compared = any(token.kind == "relation" and token.text not in CLAIMS for token in tokens)
    needed = compared or claims or tokens[0].text == "1" or not words.isdisjoint(IF | _ONLY | OPERATIONS)
    if not any(prose) or not begins or needed:
        return body
    return body[: len(body) - len(found.group())].rstrip()


def _is_word(token: Token, names: frozenset[str]) -> bool:
    return token.kind == "word" and not is_mathematical(token.text, "", names)


def is_gradient(token: Token) -> bool:
    """`dW`, ∂, ∇ or a command: what can stand on the left even behind “of”."""
    return token.kind == "latex" or token.text[0] in "∂∇" or (token.text[0] == "d" and len(token.text) > 1)
