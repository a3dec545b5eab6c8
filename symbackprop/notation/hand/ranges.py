"""For which indices a formula holds, as it is said beside it: `(i ≠ j)`, `l = L-1, …, 1`, `k ∈ {1, 2}`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from symbackprop.notation.hand import commands as known
from symbackprop.notation.hand.context import Context, span_of
from symbackprop.notation.hand.items import Item, Items
from symbackprop.notation.hand.nodes import Tuple
from symbackprop.notation.hand.pairing import closing, has_relation, split_list, top_level
from symbackprop.notation.hand.pieces import Piece, leans
from symbackprop.notation.hand.units import INDEX_LETTERS
from symbackprop.notation.tree import Chain, Name, Node

if TYPE_CHECKING:
    from symbackprop.notation.hand.translate import Translator

LETTERS = INDEX_LETTERS | {"ell"}
_SAYS = frozenset({
    "si", "if", "when", "cuando", "whenever", "que", "for", "para", "todo", "cada", "all", "each", "every",
    "con", "with", "donde", "where", "caso", "case", "y", "and", "o", "or", "en", "in", "sea", "then",
    "entonces", "both", "indices", "índices",
})  # fmt: skip
_OPERANDS = ("word", "number")
_NOT = frozenset({"no", "not", "unless", "except", "excepto", "salvo", "menos"})
_SIGNS = frozenset("+-,=≠<>≤≥∈") | {"\\{", "\\}", "(", ")", "[", "]"} | known.DOTS.keys()


# --- which items are a range --------------------------------------------------------------------


def is_range(items: Items, context: Context) -> bool:
    """Whether items say what an index may be, and nothing else."""
    items = unwrapped(items)
    if len(items) < 3 or known.RELATIONS.get(items[1].text) is None or not all(map(_is_part, items)):
        return False
    if any(one.kind in _OPERANDS and two.kind in _OPERANDS for one, two in pairwise(items)):
        return False  # a product
    if items[1].text == "=" and items[2].text == "[":
        return False  # s = [7, -5]
    return bool(_ranging(items, context))


def _ranging(items: Items, context: Context) -> frozenset[str]:
    """The indices that a range is about: those before a relation, and those on both sides of `i ≠ j`."""
    inner = unwrapped(items)
    if len(inner) < 3:
        return frozenset()  # ([=])
    found = {item.text for item in inner if _is_index(item, context)}
    first, relation = inner[:2]
    if relation.kind == "sign" and known.RELATIONS.get(relation.text) in ("=", "∈"):
        return frozenset({first.text} & found)
    return frozenset(found)


def _is_index(item: Item, context: Context) -> bool:
    return item.kind == "word" and item.text in LETTERS and (item.text not in context.names - context.sizes)


def _is_part(item: Item) -> bool:
    if item.kind == "sign":
        return known.RELATIONS.get(item.text, item.text) in _SIGNS
    if item.kind == "group":
        return all(_is_part(part) for part in item.groups[0])
    if item.kind == "number":
        return item.text.isdecimal()
    return item.kind == "sub" or (item.kind == "word" and (len(item.text) == 1 or item.text in LETTERS))


def unwrapped(items: Items) -> Items:
    """A range without the brackets round it."""
    if len(items) > 2 and items[0].kind == "sign" and items[0].text in ("(", "["):
        return items[1:-1] if closing(items, 0) == len(items) - 1 else items
    return items


def _places(items: Sequence[Item]) -> Iterator[str]:
    """The letters that stand below a name, or in a mark above one."""
    for place, item in enumerate(items):
        named = place > 0 and items[place - 1].kind in ("word", "operator", "sub", "sup")
        if item.kind == "sub" or (item.kind == "sup" and named):
            yield from (part for inner in item.groups[0] for part in _letters(inner))
        else:
            for group in (*item.groups, *(cell for row in item.cells for cell in row)):
                yield from _places(group)


def _letters(item: Item) -> Iterator[str]:
    if item.kind == "word":
        yield item.text
        yield from (letter for letter, _, _ in item.letters)
    for group in item.groups:
        yield from (letter for inner in group for letter in _letters(inner))


# --- which formula it belongs to --------------------------------------------------------------------


def set_off(row: Items, context: Context) -> Items:
    """A row with a break before each range in brackets that ends a formula: `-p_i p_j (i ≠ j)`."""
    places = set(top_level(row))
    found: list[Item] = []
    for place, item in enumerate(row):
        inside = row[place + 1 : place + 3]
        opens = place not in places and place > 0 and item.kind == "sign" and item.text == "("
        if opens and len(inside) == 2 and known.RELATIONS.get(inside[1].text):
            end = closing(row, place)
            after = row[end + 1] if end is not None and end + 1 < len(row) else None
            ends = after is None or after.kind in ("break", "text") or after.text in (",", ";", ".", ":")
            apart = end is not None and ends and not leans(row[place - 1])
            if apart and end is not None and is_range(row[place : end + 1], context):
                found.append(Item("break", "quad", item.start, item.start))
        found.append(item)
    return tuple(found)


def ranged(pieces: list[Piece], context: Context) -> list[Piece]:
    """Each range with the formula whose indices it is about; one that is about none says nothing."""
    found: list[Piece] = []
    waiting: list[Piece] = []
    for place, piece in enumerate(pieces):
        after = pieces[place + 1] if place + 1 < len(pieces) else None
        before = found[-1] if found else None
        if not _says_range(piece, context):
            if waiting and has_relation(piece.items):
                ranges = tuple(one.items for one in waiting)
                piece = replace(piece, gap=waiting[0].gap, conditions=(*ranges, *piece.conditions))
                waiting = []
            found.append(piece)
            continue
        leads = after is not None and after.gap == "=>" and (before is None or bool(before.conditions))
        if before is not None and not leads and _is_about(piece, before, context):
            found[-1] = replace(before, conditions=(*before.conditions, piece.items))
        elif after is not None and (leads or before is None) and _is_about(piece, after, context):
            waiting.append(piece)
        elif not _is_free(piece.items, context):
            found.append(piece)
    return found


def _says_range(piece: Piece, context: Context) -> bool:
    words = piece.said.lower().replace(",", " ").replace(":", " ").replace("~", " ").split()
    plain = not words or (words[-1].strip(".()") in _SAYS and _NOT.isdisjoint(words))
    return plain and piece.refused is None and is_range(piece.items, context)


def _is_about(piece: Piece, formula: Piece, context: Context) -> bool:
    if not has_relation(formula.items) or is_range(formula.items, context):
        return False
    return not _ranging(piece.items, context).isdisjoint(_places(formula.items))


def _is_free(items: Items, context: Context) -> bool:
    """Whether a range by itself claims nothing: an index in a list, or beside another one."""
    items = unwrapped(items)
    relation = known.RELATIONS.get(items[1].text)
    listed = any(item.kind == "sign" and item.text == "," for item in items)
    dotted = any(item.kind == "sign" and item.text in known.DOTS for item in items)
    both = len(items) == 3 and _is_index(items[0], context) and _is_index(items[2], context)
    sized = not context.sizes.isdisjoint(item.text for item in items)
    return ((listed or relation == "∈") and not dotted) or (both and not sized)


# --- its tree ---------------------------------------------------------------------------------------


def condition(reader: Translator, items: Items) -> Node:
    """`i ≠ j` as a chain; a list as `k ∈ (1, 2)`, whose dots stay."""
    items = unwrapped(items)
    first, relation, *rest = items
    if known.RELATIONS.get(relation.text) in ("=", "∈"):
        inside = tuple(rest)
        while len(inside) > 2 and inside[0].text in ("\\{", "(") and closing(inside, 0) == len(inside) - 1:
            inside = inside[1:-1]
        parts, _ = split_list(inside, ",")
        if len(parts) > 1 or relation.text == "∈":
            places = tuple(reader.inner(part, span_of(part)).expression() for part in parts if part)
            return Chain((Name(first.text), Tuple(places)), ("∈",), (None,), span=span_of(items))
    node = reader.inner(items, span_of(items)).chain()
    if not isinstance(node, Chain):
        reader.context.refuse("this is no condition", items[0].start, items[-1].end)
    return node
