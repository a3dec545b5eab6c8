"""Matrices and functions by cases."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from symbackprop.notation.hand import commands as known
from symbackprop.notation.hand.by_cases import AND, IF, OTHERWISE
from symbackprop.notation.hand.items import Item, Items
from symbackprop.notation.hand.nodes import Indicator
from symbackprop.notation.hand.pairing import has_relation, split_list
from symbackprop.notation.tree import (
    Cases,
    Chain,
    Matrix,
    Name,
    Node,
    Number,
    Product,
    Span,
    Word,
)

if TYPE_CHECKING:
    from symbackprop.notation.hand.translate import Translator

_IF = IF | {"for", "para", "where", "donde", "con", "with"}
_KEYWORDS = frozenset({"axis", "keepdims", "dim", "slope", "alpha", "delta"})


def entry(reader: Translator, piece: Items, whole: Span) -> Node:
    """One entry; also `axis = 0`."""
    if len(piece) > 2 and piece[0].text in _KEYWORDS and piece[1].kind == "sign" and piece[1].text == "=":
        span = Span(piece[0].start, piece[-1].end)
        left = Name(piece[0].text, span=Span(piece[0].start, piece[0].end))
        right = reader.inner(piece[2:], whole).expression()
        return Chain((left, right), ("=",), (None,), span=span)
    return reader.inner(piece, whole).expression()


def rows(reader: Translator, item: Item) -> Node:
    """A matrix, or a function by cases."""
    whole = Span(item.start, item.end)
    if item.text in known.CASES:
        return _cases(reader, item.cells, whole)
    if item.text not in known.MATRICES or item.text in ("vmatrix", "Vmatrix"):
        hint = "write one formula at a time"
        reader.context.refuse(f"{item.text} is not read inside a formula", item.start, item.start + 6, hint)
    cells: list[list[Items]] = []
    for row in item.cells:
        listed = list(row)
        if len(listed) == 1:
            listed = split_list(listed[0], ",")[0]
        cells.append(listed)
    return matrix(reader, cells, whole)


def matrix(reader: Translator, cells: list[list[Items]], whole: Span) -> Node:
    """The matrix of these cells, row by row. A cell that is empty is refused."""
    drawn = [_drawn(row) for row in cells]
    if any(drawn):
        cells = [[line] if line else _lone(row) for line, row in zip(drawn, cells, strict=True)]
    made: list[tuple[Node, ...]] = []
    for row in cells:
        for cell in row:
            if not cell:
                reader.context.refuse("an entry of this matrix is empty", whole.start, whole.end)
        made.append(tuple(entry(reader, cell, Span(cell[0].start, cell[-1].end)) for cell in row))
    if len({len(row) for row in made}) > 1:
        message = "the rows of this matrix are not equally long"
        reader.context.refuse(message, whole.start, whole.end, "all rows have the same number of entries")
    form: Literal["matrix", "column", "row"] = "matrix"
    if any(drawn):
        form = "matrix"
    elif len(made) > 1 and len(made[0]) == 1:
        form = "column"
    elif len(made) == 1 and len(made[0]) > 1:
        form = "row"
    return Matrix(tuple(made), form, span=whole)


def _drawn(row: list[Items]) -> Items:
    """What stands between the dashes of a row drawn as a line: `- w^{(1)} -`; else nothing."""
    flat = tuple(item for cell in row for item in cell)
    if len(flat) < 3 or not _is_dash(flat[0]) or not _is_dash(flat[-1]):
        return ()
    low, high = 0, len(flat)
    while low < high and _is_dash(flat[low]):
        low += 1
    while high > low and _is_dash(flat[high - 1]):
        high -= 1
    return flat[low:high]


def _lone(row: list[Items]) -> list[Items]:
    """Between rows drawn as lines: the dots of `\\text{} & \\vdots & \\text{}`."""
    kept = [cell for cell in row if any(item.kind != "text" or item.text.strip() for item in cell)]
    return kept if len(kept) == 1 else row


def _is_dash(item: Item) -> bool:
    if item.kind == "text":
        return item.text.strip() in ("-", "--", "---", "—", "–")
    return item.kind == "sign" and item.text == "-"


def left_cases(reader: Translator, inside: Items, whole: Span) -> Node:
    """Cases behind a brace that only opens: `\\left\\{ \\begin{array} … \\end{array} \\right.`"""
    only = inside[0]
    if len(inside) != 1 or only.kind != "rows" or only.text not in known.ROWS | known.CASES:
        hint = "write \\begin{cases} … \\end{cases}"
        reader.context.refuse("this brace is never closed", whole.start, whole.start + 1, hint)
    return _cases(reader, only.cells, whole)


def _cases(reader: Translator, cells: Sequence[Sequence[Items]], whole: Span) -> Node:
    branches = tuple(_branch(reader, row, whole) for row in cells if any(row))
    if not branches:
        reader.context.refuse("there are no cases here", whole.start, whole.end)
    return Cases(branches, span=whole)


def _branch(reader: Translator, row: Sequence[Items], whole: Span) -> tuple[Node, Node]:
    """The value and the condition of one case."""
    flat = tuple(item for cell in row[1:] for item in cell)
    value = row[0]
    if not flat:
        cut = next((n for n, item in enumerate(value) if _starts_condition(item)), len(value))
        value, flat = value[:cut], value[cut:]
    while value and value[-1].kind == "sign" and value[-1].text in (",", ";", ":"):
        value = value[:-1]
    while flat and flat[-1].kind == "sign" and flat[-1].text in (",", ";", "."):
        flat = flat[:-1]
    if not value or not flat:
        start = row[0][0] if row[0] else None
        place = Span(start.start, start.end) if start else whole
        hint = "a case is: value & \\text{if } condition"
        reader.context.refuse("a case lacks its value or its condition", place.start, place.end, hint)
    node = reader.inner(value, Span(value[0].start, value[-1].end)).expression()
    return node, _condition(reader, flat)


def _starts_condition(item: Item) -> bool:
    if item.kind == "text":
        return True
    return item.kind in ("word", "sign") and (item.text in _IF | OTHERWISE or item.text == ",")


def _condition(reader: Translator, items: Items) -> Node:
    span = Span(items[0].start, items[-1].end)
    while items and items[0].kind == "sign" and items[0].text in (",", ":"):
        items = items[1:]
    said = " ".join(item.text.strip() for item in items).lower().strip(" .,;")
    if all(item.kind in ("text", "word", "operator") for item in items) and said in OTHERWISE:
        return Word("otherwise", span=span)
    worded = bool(items) and items[0].kind in ("text", "word", "operator")
    if worded and items[0].text.lower().strip(" ,.:") in _IF:
        items = items[1:]
    if not items:
        reader.context.refuse("a condition is missing", span.start, span.end)
    parts = [_one_condition(reader, part, span) for part in _conjuncts(items)]
    if len(parts) == 1:
        return parts[0]
    factors = tuple(Indicator(part, span=part.span) for part in parts)
    both = Product(factors, ("",) * (len(factors) - 1), span=span)
    return Chain((both, Number(Fraction(1), "1")), ("=",), (None,), span=span)


def _conjuncts(items: Items) -> list[Items]:
    """The conditions that hold together: `i = j \\text{ and } z_i > 0`, `i = j, z_i > 0`, with ∧."""
    parts: list[Items] = [()]
    for item in items:
        words = item.text.lower().strip(" ,.:").split() if item.kind == "text" else ["-"]
        joins = item.text in ("land", "wedge", "quad", "qquad") if item.kind == "break" else item.text == ","
        if joins or (words and words[0] in AND and _IF.issuperset(words[1:])):
            parts.append(())
        else:
            parts[-1] = (*parts[-1], item)
    listed = all(map(has_relation, parts))
    return parts if listed else [items]


def _one_condition(reader: Translator, items: Items, span: Span) -> Chain:
    node = reader.inner(items, span).chain()
    if not isinstance(node, Chain):
        hint = "write a condition, z > 0, or “otherwise”"
        reader.context.refuse("this is no condition", span.start, span.end, hint)
    return node
