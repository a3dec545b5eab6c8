"""What to say about a text that cannot be read: the message, the place, and what would be right."""

from collections.abc import Iterable
from typing import NoReturn

from symbackprop.notation.parts import Reading, function_of
from symbackprop.notation.spelling import joined
from symbackprop.notation.tokens import END, Token
from symbackprop.notation.tree import Span

_KNOWN_NAMES_SHOWN = 12


def refuse_token(token: Token, row: dict[str, int], reading: Reading) -> NoReturn:
    """`token` cannot stand where it does; `row` holds what could."""
    place = reading.tokens.index(token)
    before = reading.tokens[place - 1] if place else None
    after = reading.tokens[place + 1] if place + 1 < len(reading.tokens) else None
    span = Span(token.start, token.end)
    last = reading.text[before.start : before.end] if before else ""
    if token.kind == END and before is None:
        reading.refuse("there is no formula", span, "write one, such as W x + b")
    if token.kind == END:
        hint = f"something must follow “{last}”, or take it away"
        reading.refuse("the formula stops too early", span, hint)
    shown = reading.text[token.start : token.end]
    if token.kind == "COMMA":
        _refuse_call(place, reading)
    hint = _advice(token, before, after)
    if not hint and before is not None and "NAME" in row and "PLUS" in row:
        hint = f"something is missing between “{last}” and “{shown}”"
    reading.refuse(f"“{shown}” cannot stand here", span, hint)


def _refuse_call(place: int, reading: Reading) -> None:
    """A comma in the brackets after a name that is no function: it is the name that is wrong."""
    depth = 0
    for at in range(place - 1, 0, -1):
        kind = reading.tokens[at].kind
        depth += (kind == "ROUND_CLOSE") - (kind == "ROUND_OPEN")
        if depth < 0:
            name = reading.tokens[at - 1]
            known = function_of(name.text.rstrip("'"), reading.vocabulary.functions)[0]
            if name.kind == "NAME" and not known and name.end == reading.tokens[at].start:
                nearest = _nearest(name.text, reading.vocabulary.functions)
                hint = f"did you mean {nearest}?" if nearest else "all functions: symbackprop list"
                reading.refuse(f"there is no function “{name.text}”", Span(name.start, name.end), hint)
            return


def _advice(token: Token, before: Token | None, after: Token | None) -> str:
    last = before.kind if before else ""
    match token.kind:
        case "COMMA" if last == "NUMBER" and after and after.kind == "NUMBER":
            return "write decimals with a point: 0.5"
        case "COMMA":
            return "commas separate arguments: max(u, v)"
        case "CURLY_OPEN":
            return "use round brackets"
        case "EQUALS" | "RELATION" if last in ("EQUALS", "RELATION"):
            return "one of the two relations is too many"
        case "EQUALS" | "RELATION" if before:
            return "a relation stands between two formulas, outside brackets; a condition follows “where”"
        case "ROUND_CLOSE" | "SQUARE_CLOSE" if last in ("ROUND_OPEN", "SQUARE_OPEN", "INDEX_OPEN"):
            return "there is nothing between the brackets"
        case "TRANSPOSE" | "CARET" if last:
            return "put what is transposed or raised in brackets"
        case "WHERE" if last:
            return "a condition stands at the end: in a sum, in round brackets or after the whole formula"
        case "CROSS":
            return "write * for a product; × stands between sizes only"
    return ""


def refuse_name(name: str, token: Token, span: Span, reading: Reading) -> NoReturn:
    """A name that nobody declared: suggest what was meant."""
    names, functions = reading.vocabulary.names or frozenset(), reading.vocabulary.functions
    bare = token.text.rstrip("'")
    missing = f"“{name}” is not declared"
    if function_of(bare, functions)[0]:
        after = reading.tokens[reading.tokens.index(token) + 1].kind
        message = f"{bare} is a function: its argument stands in brackets"
        reading.refuse(message, span, f"write {token.text}(z)" + ("^2" if after == "CARET" else ""))
    if joined(bare) in names:
        message = f"{missing}, and {bare} is no function"
        reading.refuse(message, span, f"the transpose is {bare}^T; a derivative is g'(z)")
    split = _split(name, names)
    if split:
        reading.refuse(missing, span, f"did you mean {' '.join(split)}, with a space?")
    if token.called == 2:
        name = name.rstrip("'")
        nearest = _nearest(name, functions)
        hint = f"did you mean {nearest}?" if nearest else f"a product is written with a space: {name} (…)"
        reading.refuse(f"there is no function “{name}”", span, hint)
    if name == "e":
        reading.refuse(missing, span, "Euler's number is exp(1), and e^z is exp(z)")
    nearest = _nearest(name, [*names, *functions] if token.called else names)
    known = ", ".join(sorted(names)[:_KNOWN_NAMES_SHOWN])
    reading.refuse(missing, span, f"did you mean {nearest}?" if nearest else f"declared here: {known}")


def _split(word: str, names: frozenset[str]) -> list[str]:
    """`word` as the fewest names written without spaces, or nothing."""
    best: list[list[str] | None] = [[], *[None] * len(word)]
    for end in range(1, len(word) + 1):
        for start in range(end):
            before, piece = best[start], word[start:end]
            if before is None or not (piece in names or (piece[0] == "d" and piece[1:] in names)):
                continue
            shortest = best[end]
            if shortest is None or len(before) + 1 < len(shortest):
                best[end] = [*before, piece]
    return best[-1] or []


def _nearest(name: str, candidates: Iterable[str]) -> str:
    from difflib import get_close_matches  # only an error pays for it

    found = get_close_matches(name, list(candidates), 1, 0.6)
    return found[0] if found else ""
