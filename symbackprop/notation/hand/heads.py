"""Fractions and what takes in the factors behind it: Σ, ∇, d/dz."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from symbackprop.notation.hand import commands as known
from symbackprop.notation.hand.actions import Over
from symbackprop.notation.hand.items import Item, Items
from symbackprop.notation.hand.nodes import Marked
from symbackprop.notation.parts import unbracketed
from symbackprop.notation.tree import (
    Add,
    Chain,
    Derivative,
    Gradient,
    Index,
    Name,
    Neg,
    Node,
    Number,
    Power,
    Quotient,
    Span,
    Transpose,
    names_in,
)

if TYPE_CHECKING:
    from symbackprop.notation.hand.translate import Translator

# --- fractions


def fraction(reader: Translator, item: Item) -> None:
    """`\\frac{A}{B}`; with a d or ∂ at the head of both it is a derivative, or d/dz alone."""
    above, below = item.groups
    over, under = _differential(reader, above), _differential(reader, below)
    whole = Span(item.start, item.end)
    if over is None or under is None or not under[1]:
        top = _side(reader, above, item)
        bottom = _side(reader, below, item)
        reader.made(item, Quotient(unbracketed(top), unbracketed(bottom), span=whole))
        return
    if over[0] != under[0]:
        hint = "write both with d or both with \\partial"
        reader.context.refuse("d and ∂ stand in one fraction", item.start, item.end, hint)
    straight = over[0] == "d"
    if over[1] and over[1][0].kind == "sup":
        hint = "only first derivatives are read"
        reader.context.refuse("this is a second derivative", item.start, item.end, hint)
    by = reader.inner(under[1], whole).expression()
    core = by.body if isinstance(by, Transpose) else by
    if isinstance(core, Power) and not isinstance(core.exponent, Number):  # w^l_{jk}: a layer's mark
        core = core.base
    if not isinstance(unbracketed(core), Name | Index | Marked | Gradient):
        hint = "a derivative is taken with respect to one name: \\frac{dL}{dW}"
        reader.context.refuse("this is no derivative that is read", item.start, item.end, hint)
    if not over[1]:
        head = Over("derivative", by=by, straight=straight)
        reader.put("PREFIX", item, "d", head)
        return
    of = reader.inner(over[1], whole).expression()
    if isinstance(of, Add | Neg):
        hint = "put what is differentiated in brackets"
        reader.context.refuse("it is not clear what is differentiated", item.start, item.end, hint)
    reader.made(item, Derivative(unbracketed(of), by, straight, span=whole))


def _side(reader: Translator, items: Items, item: Item) -> Node:
    if not items:
        reader.context.refuse("a side of this fraction is empty", item.start, item.end)
    return reader.inner(items, Span(items[0].start, items[-1].end)).expression()


def _differential(reader: Translator, items: Items) -> tuple[str, Items] | None:
    """The sign of a differential at the head of a side, and what follows it."""
    if not items:
        return None
    first = items[0]
    if first.kind == "group" and len(items) == 1:
        return _differential(reader, first.groups[0])
    if first.kind == "command" and first.text in known.KEEPS and len(first.groups[0]) == 1:
        inner = _differential(reader, first.groups[0])
        return (inner[0], items[1:]) if inner and not inner[1] else None
    if first.kind == "sign" and first.text == "∂":
        return "∂", items[1:]
    if first.kind in ("operator", "text") and first.text.strip() == "d":
        return "d", items[1:]
    if first.kind != "word" or not first.letters:
        return None
    if first.letters[0][0] == "delta" and "delta" not in reader.context.names and len(items) > 1:
        return "∂", items[1:]
    if first.letters[0][0] != "d" or first.text in reader.context.names:
        return None
    rest = first.letters[1:]
    if not rest:
        return "d", items[1:]
    text = "".join(letter for letter, _, _ in rest)
    kept = Item("word", text, rest[0][1], first.end, letters=rest)
    return "d", (kept, *items[1:])


# --- ∂ and ∇


def partial(reader: Translator, item: Item) -> None:
    """`∂L` before a slash is what `dL` is; `∂_W L` a derivative."""
    below = reader.next("sub")
    if below is not None:
        reader.at += 1
        by = reader.inner(below.groups[0], Span(below.start, below.end)).expression()
        reader.put("PREFIX", item, "∂", Over("derivative", by=by))
        return
    if reader.next("sup"):
        reader.context.refuse("this is a second derivative", item.start, item.end)
    if reader.differential is not None:
        reader.lonely(reader.differential)
    reader.differential = item


def nabla(reader: Translator, item: Item) -> None:
    """`∇_W L`, `∇L`."""
    below = reader.next("sub")
    by: Node | None = None
    if below is not None:
        reader.at += 1
        by = reader.inner(below.groups[0], Span(below.start, below.end)).expression()
    if reader.next("sup"):
        reader.context.refuse("this is a second derivative", item.start, item.end)
    reader.put("PREFIX", item, "∇", Over("nabla", by=by))


# --- sums


def summed(reader: Translator, item: Item) -> None:
    """`\\sum_{i=1}^n`: one head for each index."""
    below: Item | None = None
    above: Item | None = None
    while script := reader.next("sub", "sup"):
        reader.at += 1
        if script.kind == "sub" and below is None:
            below = script
        elif script.kind == "sup" and above is None:
            above = script
        else:
            reader.context.refuse("a sum has two ends", script.start, script.end)
    if below is None:
        hint = "write \\sum_i or \\sum_{i=1}^n"
        reader.context.refuse("this sum does not say over what", item.start, item.end, hint)
    below, guards = _guarded(reader, below)
    ranges, unequal = _ranges(reader, below)
    guards += unequal
    if above is not None:
        if len(ranges) != 1 or ranges[0][2] is not None:
            reader.context.refuse("it is not clear where this sum ends", below.start, above.end)
        inside = above.groups[0]
        high = reader.inner(inside, Span(above.start, above.end)).expression()
        ranges = [(ranges[0][0], ranges[0][1], high)]
    for index, low, high_ in ranges:
        reader.put("PREFIX", item, "∑", Over("sum", index, low, high_, guards=guards))


def _guarded(reader: Translator, below: Item) -> tuple[Item, tuple[Node, ...]]:
    """`\\substack{a=1 \\\\ 1 ≤ p − a + 1 ≤ 3}`: the range, and the conditions under it."""
    inside = below.groups[0]
    if len(inside) != 1 or inside[0].kind != "command" or inside[0].text != "substack":
        return below, ()
    rows: list[Items] = [()]
    for part in inside[0].groups[0]:
        if part.kind == "row":
            rows.append(())
        else:
            rows[-1] = (*rows[-1], part)
    if not all(rows):
        reader.context.refuse("a line under this sum is empty", below.start, below.end)
    conditions = tuple(reader.inner(row, Span(row[0].start, row[-1].end)).chain() for row in rows[1:])
    if not all(isinstance(one, Chain) for one in conditions):
        reader.context.refuse("a condition of this sum is not read", below.start, below.end)
    return replace(below, groups=(rows[0],)), conditions


Range = tuple[str, Node, Node | None]
"""An index and its ends."""


def _ranges(reader: Translator, below: Item) -> tuple[list[Range], tuple[Node, ...]]:
    """Each index of a sum with its ends: `i=1`, `i`, `i,j`, `1 ≤ i ≤ n`; and what it is not, of `j ≠ i`."""
    pieces: list[Items] = [()]
    for part in below.groups[0]:
        if part.kind == "sign" and part.text == ",":
            pieces.append(())
        else:
            pieces[-1] = (*pieces[-1], part)
    if not all(pieces):
        reader.context.refuse("an index is missing", below.start, below.end)
    if len(pieces) == 1 and len(pieces[0]) == 1 and pieces[0][0].kind == "word":
        letters = pieces[0][0].letters
        pieces = [(Item("word", c, s, e, letters=((c, s, e),)),) for c, s, e in letters]
    nodes = [reader.inner(piece, Span(below.start, below.end)).chain() for piece in pieces]
    unequal = tuple(node for node in nodes if isinstance(node, Chain) and node.relations == ("≠",))
    named = [node for node in nodes if node not in unequal]
    indices = {_range(reader, node, below)[0] for node in named}
    alone = [node for node in unequal if indices.isdisjoint(names_in(node.members[0]))]
    return [_range(reader, node, below) for node in (*named, *alone)], unequal


def _range(reader: Translator, node: Node, below: Item) -> Range:
    match node:
        case Name(index):
            return index, Number(Fraction(1), "1"), None
        case Chain((Name(index), _), ("≠",)):
            return index, Number(Fraction(1), "1"), None
        case Chain((Name(index), low), ("=",)):
            return index, low, None
        case Chain((low, Name(index), high), ("≤", "≤")):
            return index, low, high
    hint = "write \\sum_{i=1}^n"
    return reader.context.refuse("this range of a sum is not read", below.start, below.end, hint)
