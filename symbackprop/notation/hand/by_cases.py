"""A function by cases written in one line, `f'(z) = 1 si z > 0, 0 si z < 0`; words that compare."""

import re
from collections.abc import Iterator
from dataclasses import replace

from symbackprop.notation.hand.items import Item, Items
from symbackprop.notation.hand.pairing import has_relation, relations
from symbackprop.notation.hand.pieces import Piece

IF = frozenset({"si", "if", "when", "cuando", "whenever", "siempre que", "cuando sea", "iff"})
"""Words before the condition under which a formula holds."""

OTHERWISE = frozenset({
    "si no", "sino", "otherwise", "else", "en otro caso", "en caso contrario", "otro caso",
    "caso contrario", "in other case", "in any other case", "in all other cases", "any other case",
    "all other cases", "en los demás casos", "en cualquier otro caso", "de lo contrario", "resto",
    "en el resto", "para el resto", "elsewhere", "otros casos",
})  # fmt: skip
"""Words for the case that is left."""

AND = frozenset({"y", "e", "and"})
_UNEQUAL = ("distinto de", "distinta de", "diferente de", "not equal to", "different from", "no igual a")
_EQUAL = ("igual a", "equal to")
_GREATER = ("mayor que", "greater than", "larger than", "bigger than")
_LESS = ("menor que", "less than", "smaller than")
_COMPARING = {
    **dict.fromkeys(_UNEQUAL, "≠"), **dict.fromkeys(_EQUAL, "="), **dict.fromkeys(_GREATER, ">"),
    **dict.fromkeys(_LESS, "<"), "equals": "=", "no es igual a": "≠", "is not equal to": "≠",
    "mayor o igual que": "≥", "greater than or equal to": "≥", "menor o igual que": "≤",
    "less than or equal to": "≤",
}  # fmt: skip
_IS = frozenset({"es", "sea", "is", "be", "are", "son"})


# --- words that compare -----------------------------------------------------------------------------


def compared(items: Items, *, asked: bool = False) -> Items:
    """Words behind an `if` that compare two things, `\\text{distinto de}`, as the sign for them.

    `asked`: an `if` need not stand there, as in a case of a function.
    """
    found: list[Item] = []
    place = 0
    while place < len(items):
        item = items[place]
        end = place + 1
        if item.kind == "text":
            while end < len(items) and items[end].kind == "text":
                end += 1
            sign = _comparing(items[place:end]) if asked and found and end < len(items) else None
            asked = asked or _said(items[place:end]) in IF
            found += [sign] if sign is not None else items[place:end]
        elif item.kind == "rows":
            found.append(replace(item, cells=tuple(_cells(row) for row in item.cells)))
        else:
            found.append(item)
        place = end
    return tuple(found)


def _cells(row: tuple[Items, ...]) -> tuple[Items, ...]:
    """The cells of a row: behind an alignment mark a condition may stand without its `if`."""
    return tuple(compared(cell, asked=place > 0) for place, cell in enumerate(row))


def _said(texts: Items) -> str:
    return " ".join(" ".join(item.text.split()) for item in texts).lower().strip(" .,;:()~")


def _comparing(texts: Items) -> Item | None:
    sign = sign_of(_said(texts))
    return None if sign is None else Item("sign", sign, texts[0].start, texts[-1].end)


def sign_of(words: str) -> str | None:
    """The sign for words that compare, or None: `es distinto de`."""
    first, _, rest = words.partition(" ")
    return _COMPARING.get(words) or (_COMPARING.get(rest) if first in _IS else None)


_WHOLE = re.compile(
    rf"\s*({'|'.join(sorted(IF))})\s+([a-z](?:_[a-z0-9])?)\s*([=<>≠≤≥]|[a-z ]{{2,40}}?)"
    r"\s*([a-z](?:_[a-z0-9])?|[0-9])[\s.,;]*",
    re.IGNORECASE,
)


def whole_condition(words: str) -> tuple[tuple[int, int], ...] | None:
    """The places of the `if`, the two sides and what compares them, of a condition all in words: `si i es
    distinto de j`."""
    found = _WHOLE.fullmatch(words)
    if found is None or (len(found.group(3)) > 1 and sign_of(found.group(3).strip().lower()) is None):
        return None
    return tuple(found.span(part) for part in range(1, 5))


# --- cases in one line ------------------------------------------------------------------------------


def in_cases(pieces: list[Piece]) -> list[Piece]:
    """Each formula with two cases or more beside it as one whose last member is a function by cases."""
    found: list[Piece] = []
    place = 0
    while place < len(pieces):
        branches, end = _branches(pieces, place)
        piece = pieces[place]
        if len(branches) > 1:
            cut = relations(piece.items)[-1] + 1
            low, high = piece.items[cut].start, branches[-1][1][-1].end
            rows = Item("rows", "cases", low, high, cells=tuple(branches))
            piece = replace(piece, items=(*piece.items[:cut], rows))
            place = end
        else:
            place += 1
        found.append(piece)
    return found


def _branches(pieces: list[Piece], place: int) -> tuple[list[tuple[Items, Items]], int]:
    """The value and the condition of each case, and the place behind them; none where they are no cases."""
    first = pieces[place]
    equal = relations(first.items) if has_relation(first.items, frozenset("=")) else []
    value = first.items[equal[-1] + 1 :] if equal else ()
    branches: list[tuple[Items, Items]] = []
    for at in range(place + 1, len(pieces)):
        piece = pieces[at]
        said = _without_and(piece.said)
        if said in OTHERWISE and branches and bool(value) != bool(piece.items) and not _relates(piece):
            last = value or piece.items  # `0 otherwise` or `else 0`
            words = Item("text", said, last[-1].end, last[-1].end)
            return [*branches, (last, (words,))], at + 1
        if value and said in IF and _relates(piece):
            branches.append((value, piece.items))
            value = ()
        elif branches and not value and piece.items and not said and not _relates(piece):
            value = piece.items
        else:
            return ([] if value else branches), at
    return ([] if value else branches), len(pieces)


def _relates(piece: Piece) -> bool:
    return has_relation(piece.items)


def _without_and(said: str) -> str:
    """Words without the one that only joins: `y en otro caso`."""
    first, _, rest = said.lower().strip(" ,.:;()~").partition(" ")
    return rest.strip() if first in AND else f"{first} {rest}".strip()


# --- conditions in words ----------------------------------------------------------------------------


def asks_in_words(piece: Piece) -> bool:
    """Whether words behind a formula make a condition of their own: `\\text{if active}`, `si z`."""
    return not has_relation(piece.items) and any(word in IF for word in _words(piece.said))


def _words(said: str) -> Iterator[str]:
    return (word.strip(" ,.:;()~") for word in said.lower().split())
