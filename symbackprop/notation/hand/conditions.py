"""What a statement needs beside it: a condition, or words that stand for a part of it."""

from dataclasses import replace

from symbackprop.notation.hand import commands as known
from symbackprop.notation.hand.by_cases import IF, asks_in_words
from symbackprop.notation.hand.items import Items
from symbackprop.notation.hand.pairing import has_relation
from symbackprop.notation.hand.pieces import CONTINUES, Piece, leans
from symbackprop.notation.hand.units import INDEX_LETTERS

_EXCEPTIONS = frozenset({"unless", "except", "excepto", "salvo"})
_CONDITIONAL = (
    "this holds under a condition, which is not read here",
    "write it as \\begin{cases} … \\end{cases} or \\mathbb{1}_{z > 0}",
)
_WORDS = ("words stand inside a formula", "words stand between formulas")
_OPERATING = frozenset({
    "por", "times", "veces", "más", "mas", "menos", "plus", "minus", "entre", "over", "dividido",
    "multiplicado", "traspuesta", "transpuesta", "transpose", "transposed", "squared", "cuadrado",
    "cubed", "t", "partido",
})  # fmt: skip
_FOR = frozenset({"for", "para", "for all", "para todo", "para cada", "for each"})


def conditional(pieces: list[Piece]) -> list[Piece]:
    """A claim and the condition beside it become one piece, which is not judged without it."""
    found: list[Piece] = []
    place = 0
    while place < len(pieces):
        piece = pieces[place]
        after = pieces[place + 1] if place + 1 < len(pieces) else None
        before = found[-1] if found and _states(found[-1]) else None
        if _is_condition(piece):
            leads = after is not None and (after.gap == "=>" or _asks(piece.said))
            leads = leads or (after is not None and not found)
            follows = before is not None and (not leads or (piece.gap != "=>" and _asks(piece.said)))
            parts = [found.pop()] if follows else []  # A si B, C: it may be the condition of both
            parts.append(piece)
            if leads and after is not None and _states(after):
                parts.append(after)
                place += 1
            refused = _CONDITIONAL if len(parts) > 1 else piece.refused
            items = tuple(item for part in parts for item in part.items)
            found.append(replace(parts[0], items=items, refused=refused))
        elif before is not None and asks_in_words(piece):
            found[-1] = replace(before, items=before.items + piece.items, refused=_CONDITIONAL)
        else:
            found.append(piece)
        place += 1
    return found


def _content(piece: Piece) -> Items:
    """The items of a piece, without the box round them."""
    first = piece.items[0]
    boxed = len(piece.items) == 1 and first.kind == "command" and first.text in known.BOXES
    return first.groups[0] if boxed else piece.items


def _states(piece: Piece) -> bool:
    return has_relation(_content(piece))


def _last_word(said: str) -> str:
    words = said.lower().strip(" ,.:;()~").split()
    return words[-1].strip(",.:;()") if words else ""


def _asks(said: str) -> bool:
    return said.lower().strip(" ,.:;()~") in IF or _last_word(said) in IF


def _is_condition(piece: Piece) -> bool:
    """Whether a piece says when another holds: a comparison, or an equation behind `if`."""
    items = _content(piece)
    if not has_relation(items):
        return False
    if not _EXCEPTIONS.isdisjoint(piece.said.lower().split()):
        return True
    if has_relation(items, frozenset("<>≤≥≠")) and not has_relation(items, frozenset("=≈")):
        return True
    if has_relation(items, frozenset("∈:")):
        return False
    if not piece.said:
        return False
    first = items[0]
    is_index = first.kind == "word" and first.text in INDEX_LETTERS
    whole = piece.said.lower().strip(" ,.:;()~")
    quantified = whole in _FOR or _last_word(piece.said) in _FOR
    return _asks(piece.said) or (quantified and not is_index)


# --- words


def worded(pieces: list[Piece]) -> list[Piece]:
    """Words that stand inside a formula, or for a part of it, make it one that cannot be read."""
    found: list[Piece] = []
    for piece in pieces:
        before = found[-1] if found else None
        if piece.said and _stands_inside(before, piece):
            if before is None:
                found.append(replace(piece, refused=_WORDS))
            else:
                found[-1] = replace(before, items=before.items + piece.items, refused=_WORDS)
        elif piece.items:
            found.append(piece)
        elif before is not None and asks_in_words(piece):
            found[-1] = replace(before, refused=_CONDITIONAL)
    return found


def _stands_inside(before: Piece | None, piece: Piece) -> bool:
    words = piece.said.lower().strip(" .,;:()").split()
    operating = bool(words) and all(word in _OPERATING for word in words)
    hangs = before is not None and leans(before.items[-1])
    if not piece.items:
        return hangs or (operating and before is not None)
    first = piece.items[0]
    if hangs or first.kind in ("sub", "sup", "prime"):
        return True
    if first.kind == "sign" and first.text in CONTINUES:
        return before is not None or first.text != "-"
    if leans(first):
        return before is None or piece.gap != "text"
    return operating and before is not None
