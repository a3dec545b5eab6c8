"""Which stretches of mathematics in a line no cut may part: an operation in words, a condition, cases."""

from symbackprop.checking.fragment_ends import CLAIMS
from symbackprop.checking.fragment_spans import MASK
from symbackprop.checking.fragment_tokens import Token
from symbackprop.checking.fragment_words import (
    says_condition,
    says_consequence,
    says_operation,
    says_otherwise,
)
from symbackprop.notation.hand.by_cases import sign_of

_COMPARED = frozenset(["<", ">", "≤", "≥", "≠", "=", "<=", ">=", "!=", "==", "∈"])


def rejoined(tokens: list[Token], runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Runs that no cut may part: with words for an operation between them, or a condition of the other one.

    `f'(z) = 1 si z > 0` without its condition would be another claim, and a wrong one.
    """
    done: list[tuple[int, int]] = []
    behind = 0
    conditional = cases = False
    single = frozenset(runs)
    for run in _compared_in_words(tokens, runs):
        words = [token.text for token in tokens[behind : run[0]] if token.kind != "space"]
        compared = any(token.text in _COMPARED for token in tokens[run[0] : run[1]]) or run not in single
        left = cases and (says_otherwise(words) or (words == ["and"] and not claims(tokens, run)))
        if done and (left or says_operation(words) or (compared and says_condition(words))):
            done[-1] = (done[-1][0], run[1])
            cases = compared or (cases and left)
        elif done and conditional and says_consequence(words):
            done[-1] = (done[-1][0], run[1])
            conditional = False
        else:
            low = run[0]
            conditional = compared and bool(words) and says_condition(words[-1:])
            if conditional:
                low = next(at for at in range(low - 1, -1, -1) if tokens[at].kind != "space")
            done.append((low, run[1]))
            cases = False
        behind = run[1]
    if cases:
        done[-1] = (done[-1][0], _behind_cases(tokens, behind))
    return done


def _compared_in_words(tokens: list[Token], runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Runs with the two sides of each condition in words as one: `si i distinto de j`."""
    found: list[tuple[int, int]] = []
    asked = False
    behind = 0
    for low, high in runs:
        words = [token.text.lower() for token in tokens[behind:low] if token.kind != "space"]
        article = ["a"] if tokens[low].text == "a" else []  # igual a
        if asked and sign_of(" ".join([*words, *article])):
            found[-1] = (found[-1][0], high)
            asked = False
        else:
            asked = says_condition(words)
            found.append((low, high))
        behind = high
    return found


def claims(tokens: list[Token], run: tuple[int, int]) -> bool:
    """Whether a sign of a relation stands in a run."""
    return any(token.text in CLAIMS for token in tokens[run[0] : run[1]])


def _behind_cases(tokens: list[Token], end: int) -> int:
    """Where a function by cases ends: behind `en otro caso`, if that is what follows its last value."""
    for place in range(end + 1, min(len(tokens), end + 12) + 1):
        words = [token.text for token in tokens[end:place] if token.kind != "space"]
        whole = place == len(tokens) or tokens[place].kind in ("stop", "sep")
        if whole and says_otherwise(words):
            return place
    return end


LONGEST = 8
"""Words at the end of a formula among which those for the case that is left are looked for."""


def without_cases(body: str, at: int, tokens: list[Token], runs: list[tuple[int, int]]) -> str:
    """A line without its functions by cases: their `en otro caso` is read with them."""
    for low, high in runs:
        words = [token.text for token in tokens[low:high] if token.kind == "word"][-LONGEST:]
        if any(says_otherwise(words[place:]) for place in range(len(words))) or says_otherwise(words[-2:-1]):
            start, end = tokens[low].start - at, tokens[high - 1].end - at
            body = body[:start] + MASK * (end - start) + body[end:]
    return body
