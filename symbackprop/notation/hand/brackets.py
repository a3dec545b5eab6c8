"""Brackets and what stands in them: a group, a list, a matrix, a condition, a norm."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from symbackprop.notation.hand import commands as known
from symbackprop.notation.hand.actions import Made, Script
from symbackprop.notation.hand.items import Item, Items
from symbackprop.notation.hand.matrices import entry, left_cases, matrix, rows
from symbackprop.notation.hand.nodes import Indicator, Tuple
from symbackprop.notation.hand.pairing import closing, has_relation, split_list
from symbackprop.notation.hand.scripts import entry_places, indices
from symbackprop.notation.hand.units import INDEX_LETTERS, TURNED
from symbackprop.notation.tree import (
    Bracket,
    Call,
    Chain,
    Gradient,
    Matrix,
    Name,
    Node,
    Norm,
    Span,
)

if TYPE_CHECKING:
    from symbackprop.notation.hand.translate import Translator

_PAIRS = {
    ("(", ")"): "(", ("[", "]"): "[", ("\\{", "\\}"): "\\{", ("⟨", "⟩"): "⟨", ("|", "|"): "|",
    ("||", "||"): "||", ("|(", "|)"): "|", ("||(", "||)"): "||", ("null", "null"): "null",
    ("\\{", "null"): "cases",
}  # fmt: skip
"""What opens and what closes, and what the two are together."""


def bracket(reader: Translator, item: Item) -> None:
    """The bracket that opens at `item`, which was just taken, with all that is in it."""
    start = reader.at - 1
    end = closing(reader.items, start)
    shown = reader.context.text[item.start : item.end]
    if end is None:
        reader.context.refuse(f"“{shown}” is never closed", item.start, item.end, "close it")
    close = reader.items[end]
    inside = reader.items[start + 1 : end]
    reader.at = end + 1
    kind = _PAIRS.get((item.text, close.text), "")
    whole = Span(item.start, close.end)
    if not kind:
        hint = "the two brackets are of one kind"
        if item.text == "null":
            hint = "a value at a point is not read: write f'(1) = …"
        reader.context.refuse("these brackets are no pair", item.start, close.end, hint)
    if not inside:
        reader.context.refuse("there is nothing between the brackets", item.start, close.end)
    drawn = _drawn_rows(reader, kind, start, end)
    if drawn is not None:
        reader.made(Item("group", "", item.start, drawn.span.end if drawn.span else close.end), drawn)
        return
    if any(part.kind == "text" for part in inside) and _is_remark(reader, kind, inside):
        return
    if kind == "null":
        reader.splice(inside, Item("group", "{", item.start, close.end, (inside,)))
        return
    if (item.text == "[" and _is_index(reader, item)) or _is_entry(reader, item, close):
        places = Item("sub", "[", item.start, close.end, (_places(reader, inside),))
        reader.put("SCRIPT", places, "^", Script("index", indices(reader, places)))
        reader.behind()
        return
    node = _bracketed(reader, kind, inside, whole)
    reader.made(Item("group", "", item.start, close.end), node)


def _is_remark(reader: Translator, kind: str, inside: Items) -> bool:
    """Words in brackets behind a formula, `(regla de la cadena)`; one word alone may be a factor."""
    words = sum(len(part.text.split()) for part in inside if part.kind in ("text", "word", "operator"))
    if any(part.text.lower() in TURNED for part in inside):
        return False
    return kind == "(" and words > 1 and reader.at == len(reader.items) and not has_relation(inside)


def _is_index(reader: Translator, item: Item) -> bool:
    """`W[1,2]` in plain text: brackets right behind a name, or behind its index."""
    before = reader.out[-1] if reader.out else None
    if reader.context.latex or before is None or before.end != item.start or not isinstance(before, Made):
        return False
    return isinstance(before.value, Name | Gradient) or (
        isinstance(before.value, Script) and before.value.kind == "index"
    )


def _drawn_rows(reader: Translator, kind: str, start: int, end: int) -> Node | None:
    """The matrix whose rows stand in brackets of their own, one below the other, in plain text; or in one
    bracket that goes over several lines. None where there is only one line."""
    if reader.context.latex or kind not in ("(", "[", "|"):
        return None
    items, text = reader.items, reader.context.text
    rows = _by_lines(reader, items[start + 1 : end])
    stop = end + 1
    one_line = len(rows) == 1
    while one_line and stop < len(items) and items[stop].text == items[start].text:
        low, high = stop, closing(items, stop)
        if high is None or "\n" not in text[items[low - 1].end : items[low].start]:
            break
        rows += _by_lines(reader, items[low + 1 : high])
        stop = high + 1
    cells = [_entries(row) for row in rows]
    if len(cells) < 2 or not all(cells) or len({len(row) for row in cells}) > 1:
        return None
    reader.at = stop
    return matrix(reader, cells, Span(items[start].start, items[stop - 1].end))


def _by_lines(reader: Translator, inside: Items) -> list[Items]:
    """Items cut where a new line begins, without the signs that stand there."""
    rows: list[Items] = [()]
    for place, item in enumerate(inside):
        if place and "\n" in reader.context.text[inside[place - 1].end : item.start]:
            rows.append(())
        rows[-1] = (*rows[-1], item)
    return [row[:-1] if len(row) > 1 and row[-1].text in (";", ",") else row for row in rows]


_ENTRY = re.compile(r"\([1-9],\s?[1-9]\)")


def _is_entry(reader: Translator, item: Item, close: Item) -> bool:
    """`dW(1,2) = …` in plain text: two places right behind a gradient that is all of a left side."""
    before = reader.out[-1] if reader.out else None
    if reader.context.latex or not isinstance(before, Made) or not isinstance(before.value, Gradient):
        return False
    if before.end != item.start or not _ENTRY.fullmatch(reader.context.text[item.start : close.end]):
        return False
    after = reader.next("sign")
    left = [token.kind for token in reader.out] in (["MADE"], ["MADE", "SLASH", "MADE"])
    return left and after is not None and after.text in known.RELATIONS


def _places(reader: Translator, inside: Items) -> Items:
    """Two places between which a comma was taken for a decimal one: `1,2`."""
    first = inside[0]
    if len(inside) > 1 or first.kind != "number" or reader.context.text[first.start + 1] != ",":
        return inside
    return entry_places(first)


def _bracketed(reader: Translator, kind: str, inside: Items, whole: Span) -> Node:
    if kind == "cases":
        return left_cases(reader, inside, whole)
    if kind in ("|", "||"):
        body = reader.inner(inside, whole).expression()
        if kind == "|":
            return Call("abs", (body,), span=whole)
        return Norm(body, _norm_kind(reader), span=whole)
    if len(inside) == 1 and inside[0].kind == "rows" and inside[0].text in known.MATRICES:
        return rows(reader, inside[0])
    pieces, separators = split_list(inside)
    if len(pieces) > 1 and not pieces[-1] and separators[-1].text == ",":
        pieces, separators = pieces[:-1], separators[:-1]
    if not all(pieces):
        last = separators[-1] if separators else inside[-1]  # of `(,)` the one comma went already
        place = next((s for s, piece in zip(separators, pieces, strict=False) if not piece), last)
        reader.context.refuse("something is missing beside this", place.start, place.end)
    if len(pieces) > 1 or (kind == "[" and _is_square(inside)):
        return _listed(reader, kind, pieces, separators, whole)
    if kind == "⟨":
        reader.context.refuse("an inner product has two factors", whole.start, whole.end)
    return _single(reader, kind, inside, whole)


def _norm_kind(reader: Translator) -> Literal["2", "1", "F"]:
    below = reader.next("sub")
    later = reader.items[reader.at + 1] if reader.at + 1 < len(reader.items) else None
    if below is None and reader.next("sup") and later is not None and later.kind == "sub":
        below = later
    if below is None:
        return "2"
    inside = below.groups[0]
    text = inside[0].text if len(inside) == 1 else ""
    if text not in ("1", "2", "F"):
        reader.context.refuse("this norm is not read", below.start, below.end, "1, 2 and F are")
    if below is later:
        reader.items = (*reader.items[: reader.at + 1], *reader.items[reader.at + 2 :])
    else:
        reader.at += 1
    return "1" if text == "1" else "F" if text == "F" else "2"


def _single(reader: Translator, kind: str, inside: Items, whole: Span) -> Node:
    spaced = _spaced_numbers(inside)
    if spaced:
        entries = tuple(reader.inner(one, whole).expression() for one in spaced)
        return Tuple(entries, " ", kind == "[", span=whole)
    node = reader.inner(inside, whole).chain()
    if isinstance(node, Chain):
        comparison = all(relation in known.COMPARISONS for relation in node.relations)
        comparison = comparison or (kind == "[" and _is_of_indices(node))
        if comparison and (kind == "[" or (kind == "(" and _is_factor(reader, whole))):
            return Indicator(node, span=whole)
        hint = "conditions stand in \\begin{cases}, or as \\mathbb{1}_{z > 0}"
        reader.context.refuse("a relation stands in brackets", whole.start, whole.end, hint)
    if kind == "[" and not reader.context.latex and inside[0].kind in ("number", "sign") and len(inside) <= 2:
        return Matrix(((node,),), "column", span=whole)
    return Bracket(node, span=whole)


def _is_of_indices(node: Chain) -> bool:
    """`[i = j]`, Iverson's bracket."""
    return all(isinstance(one, Name) and one.name in INDEX_LETTERS for one in node.members)


def _is_factor(reader: Translator, whole: Span) -> bool:
    """Whether `(z > 0)` is multiplied, and no remark on the side."""
    if not reader.context.latex:
        return True
    before = reader.out[-1] if reader.out else None
    return (before is not None and before.kind in ("CDOT", "STAR", "ODOT")) or reader.next_sign(
        "·", "*", "⊙", "×"
    )


def _spaced_numbers(inside: Items) -> list[Items]:
    """`(4 2 -5)`: numbers side by side, two of which have no sign between them; else nothing."""
    return _entries(inside) if _is_evident(inside) else []


def _is_evident(inside: Items) -> bool:
    return any(one.kind == two.kind == "number" for one, two in pairwise(_opened(inside)))


def _spaced_rows(pieces: list[Items]) -> list[list[Items]]:
    """`[0 -2; 0 4]`: rows of numbers side by side, equally many; nothing where all may be differences."""
    found = [_entries(piece) for piece in pieces]
    equal = len(found[0]) > 1 and len({len(row) for row in found}) == 1
    return found if equal and any(map(_is_evident, pieces)) else []


def _entries(inside: Items) -> list[Items]:
    """Numbers with nothing but space between them, each with its sign; nothing where a minus may subtract."""
    entries: list[Items] = []
    sign: Items = ()
    end = -1
    inside = _opened(inside)
    for place, item in enumerate(inside):
        if item.kind == "number":
            entries.append((*sign, item))
            sign = ()
        elif item.kind == "sign" and item.text == "-" and not sign:
            after = inside[place + 1] if place + 1 < len(inside) else None
            if item.start == end or after is None or after.start != item.end:
                return []
            sign = (item,)
        else:
            return []
        end = item.end
    return [] if sign else entries


def _opened(inside: Items) -> Items:
    """The items with those of braces among them, which only group."""
    return tuple(part for item in inside for part in (item.groups[0] if item.kind == "group" else (item,)))


def _listed(
    reader: Translator, kind: str, pieces: list[Items], separators: Sequence[Item], whole: Span
) -> Node:
    signs = {sign.text for sign in separators}
    if kind == "\\{" and not _is_called(reader):
        reader.context.refuse("a set is not read here", whole.start, whole.end, "write (…) or \\max(…)")
    if kind == "⟨":
        if len(pieces) != 2:
            reader.context.refuse("an inner product has two factors", whole.start, whole.end)
        reader.out.append(Made("MADE", "", whole.start, whole.start, value=Name("dot", span=whole)))
    if kind == "[" and all(_is_square(piece) for piece in pieces):
        return _nested(reader, pieces, whole)
    grid = _spaced_rows(pieces) if signs == {";"} and kind in ("(", "[") else []
    if grid:
        return matrix(reader, grid, whole)
    if len(signs) > 1 or (kind == "[" and signs == {";"}):
        if kind != "[" and not _is_by_rows(pieces, separators):
            hint = "write a matrix as \\begin{pmatrix} … \\end{pmatrix}"
            reader.context.refuse("commas and semicolons are mixed", whole.start, whole.end, hint)
        return _octave(reader, pieces, separators, whole)
    if not _is_called(reader) and not all(_is_plain(piece) for piece in pieces):
        for sign, before, after in zip(separators, pieces[:-1], pieces[1:], strict=True):
            bare = before[-1].kind == after[0].kind == "number"
            if bare and sign.text == "," and before[-1].end == sign.start and sign.end == after[0].start:
                hint = "write 0.5 or 0{,}5, or a space behind the comma"
                message = "it is not clear whether this comma is a decimal one"
                reader.context.refuse(message, before[-1].start, after[0].end, hint)
    items = tuple(entry(reader, piece, whole) for piece in pieces)
    shown: Any = signs.pop()
    return Tuple(items, shown, kind == "[", span=whole)


def _is_by_rows(pieces: list[Items], separators: Sequence[Item]) -> bool:
    """`(1, 2; 3, 4)`, row by row, with a space behind each comma: else it might be a decimal one."""
    return all(
        sign.text == ";" or after[0].start > sign.end
        for sign, after in zip(separators, pieces[1:], strict=True)
    )


def _is_plain(piece: Items) -> bool:
    """A number, with a sign perhaps; dots."""
    signs = piece[:-1]
    last = piece[-1]
    return (last.kind == "number" or last.text in known.DOTS) and all(one.text == "-" for one in signs)


def _is_called(reader: Translator) -> bool:
    before = reader.out[-1] if reader.out else None
    node = before.value if isinstance(before, Made) else None
    return isinstance(node, Name) and node.name in set(reader.context.functions.values())


def _is_square(piece: Items) -> bool:
    opens = piece[0].kind == "sign" and piece[0].text == "["
    return opens and closing(piece, 0) == len(piece) - 1


def _nested(reader: Translator, pieces: list[Items], whole: Span) -> Node:
    cells = [split_list(piece[1:-1], ",")[0] for piece in pieces]
    return matrix(reader, cells, whole)


def _octave(reader: Translator, pieces: list[Items], separators: Sequence[Item], whole: Span) -> Node:
    cells: list[list[Items]] = [[pieces[0]]]
    for sign, piece in zip(separators, pieces[1:], strict=True):
        if sign.text == ";":
            cells.append([piece])
        else:
            cells[-1].append(piece)
    return matrix(reader, cells, whole)
