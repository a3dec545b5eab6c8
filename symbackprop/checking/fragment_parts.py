"""Where one formula in a line of plain text ends and the next begins: at `y` between two equations."""

from collections.abc import Iterator

from symbackprop.checking.fragment_ends import CLAIMS, OPERANDS
from symbackprop.checking.fragment_tokens import Token, near
from symbackprop.checking.fragment_words import CONJUNCTIONS

_DIFFERENTIALS = "d∂"
_LONGEST = 40  # tokens of a left side; no more are looked at
_MARKED = ("'", "’", "′")


def parted(tokens: list[Token], low: int, high: int, language: str | None) -> Iterator[tuple[int, int]]:
    """A run cut at each conjunction of one letter between two equations: `y = 5 y x = 3`."""
    short = CONJUNCTIONS.get(language or "", frozenset()) & frozenset("yeou")
    depth, claims = 0, False
    for place in range(low, high):
        token = tokens[place]
        depth += (token.kind == "open") - (token.kind == "close")
        claims = claims or token.text in CLAIMS
        if token.text not in short or not low < place < high - 1:
            continue
        if tokens[place - 1].kind == tokens[place + 1].kind == "space":
            before = near(tokens, place, -1)
            ends = before is not None and before[0] > low and before[1].kind in OPERANDS
            begins = token.text == "y" and claims and not depth and _begins_left(tokens, place, high)
            if ends and (begins or _begins_name(tokens, place)):
                yield low, place
                low, depth, claims = place + 1, 0, False
    yield low, high


def _begins_name(tokens: list[Token], place: int) -> bool:
    """Whether a bare name and a relation follow."""
    left = near(tokens, place, 1)
    sign = near(tokens, left[0], 1) if left else None
    return bool(left and sign and left[1].kind in ("word", "latex") and sign[1].text in CLAIMS)


def _begins_left(tokens: list[Token], place: int, high: int) -> bool:
    """Whether what follows `y` can only be the left side of an equation of its own.

    A derivative or a call, alone before its relation: `L = 8 y dL/db = -4`. Behind `y` as a factor stands
    more than that, or its own derivative: `2 y dy/dw = …` is a product.
    """
    left = _left_side(tokens, place + 2, high)
    if not left:
        return False
    written = "".join(token.text for token in left)
    above, slash, below = written.partition("/")
    if slash:
        sides = above[:1], below[:1]
        return all(side and side in _DIFFERENTIALS for side in sides) and above[1:] not in ("y", "yhat", "ŷ")
    called = left[-1].kind == "close" and left[0].kind in ("word", "latex") and "(" in written
    return called and (left[0].text.endswith(_MARKED) or len(left[0].text) > 1)


def _left_side(tokens: list[Token], start: int, high: int) -> list[Token]:
    """What stands from `start` to the next relation if it is one operand: no space outside brackets but
    round a slash. Else nothing."""
    found: list[Token] = []
    depth = 0
    for place in range(start, min(high, start + _LONGEST)):
        token = tokens[place]
        depth += (token.kind == "open") - (token.kind == "close")
        if token.text in CLAIMS and not depth:
            return found
        if token.kind == "space":
            after = near(tokens, place, 1)
            joined = after is not None and (after[1].text == "/" or (found and found[-1].text == "/"))
            if not (depth or joined or (after is not None and after[1].text in CLAIMS)):
                return []
            continue
        found.append(token)
    return []
