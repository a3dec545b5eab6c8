"""Indicators, spaces, boxes and braces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symbackprop.notation.hand.actions import Made
from symbackprop.notation.hand.items import Item, Items
from symbackprop.notation.hand.nodes import Indicator, Said
from symbackprop.notation.hand.pairing import closing, has_relation, split_list
from symbackprop.notation.tree import (
    Box,
    Brace,
    Node,
    Ones,
    Space,
    Span,
)

if TYPE_CHECKING:
    from symbackprop.notation.hand.translate import Translator

_COMPARED = frozenset("<>≤≥≠")
"""What a brace that prints nothing may hold behind a 1: `1{z>0}` is no product."""

# --- indicators, spaces, boxes and braces


def indicator_behind(reader: Translator, item: Item, *, bold: bool) -> Node | None:
    """The indicator that a 1 begins: `1_{z>0}`, `1\\{z>0\\}`, `\\mathbb 1[z>0]`, `1{z>0}`; None where it is
    none."""
    below = reader.next("sub")
    if below is not None:
        inside = unwrapped(below.groups[0])
        if not has_relation(inside):
            return None
        reader.at += 1
        return _indicator(reader, inside, item, below.end)
    group = reader.next("group")
    if group is not None and group.start == item.end and has_relation(group.groups[0], _COMPARED):
        reader.at += 1
        return _indicator(reader, group.groups[0], item, group.end)
    opens = reader.next("sign")
    if opens is None or opens.text not in (("\\{", "[", "(") if bold else ("\\{", "[")):
        return None
    end = closing(reader.items, reader.at)
    if end is None or not has_relation(reader.items[reader.at + 1 : end]):
        return None
    inside = reader.items[reader.at + 1 : end]
    reader.at = end + 1
    return _indicator(reader, inside, item, reader.items[end].end)


def unwrapped(inside: Items) -> Items:
    """The items without the brackets that enclose all of them."""
    while len(inside) > 2 and inside[0].kind == "sign" and closing(inside, 0) == len(inside) - 1:
        inside = inside[1:-1]
    return inside


def _indicator(reader: Translator, inside: Items, item: Item, end: int) -> Node:
    span = Span(item.start, end)
    return Indicator(reader.inner(inside, span).chain(), span=span)


def blackboard(reader: Translator, item: Item) -> None:
    """`\\mathbb R` is a space, `\\mathbb 1` ones or an indicator."""
    inside = item.groups[0]
    text = inside[0].text if len(inside) == 1 else ""
    if text == "R":
        space(reader, item)
    elif text in ("1", "I"):
        node = indicator_behind(reader, item, bold=True)
        if node is not None:
            reader.made(item, node, reader.items[reader.at - 1].end)
        elif text == "1":
            reader.made(item, _ones(reader, item))
        else:
            reader.context.refuse("a condition belongs behind this", item.start, item.end)
    else:
        reader.context.refuse(f"\\mathbb{{{text}}} is not read here", item.start, item.end)


def _ones(reader: Translator, item: Item) -> Node:
    below = reader.next("sub")
    if below is None:
        return Ones(span=Span(item.start, item.end))
    reader.at += 1
    size = reader.inner(below.groups[0], Span(below.start, below.end)).expression()
    return Ones(size, span=Span(item.start, below.end))


def space(reader: Translator, item: Item) -> None:
    """`ℝ`, `ℝ^n`, `ℝ^{k×n}`."""
    above = reader.next("sup")
    sizes: tuple[Node, ...] = ()
    end = item.end
    if above is not None:
        reader.at += 1
        end = above.end
        pieces, _ = split_list(_with_crosses(unwrapped(above.groups[0])), "×,")
        if not all(pieces):
            reader.context.refuse("a size is missing", above.start, above.end)
        whole = Span(above.start, above.end)
        sizes = tuple(reader.inner(piece, whole).expression() for piece in pieces)
    node = Space(sizes, span=Span(item.start, end))
    reader.out.append(Made("MADE", "", item.start, end, value=node))
    after = reader.next("sub", "sup")
    if after:
        reader.context.refuse("this space is not read", item.start, after.end)


def _with_crosses(items: Items) -> Items:
    """`k x n`, where the letter x stands for ×."""
    found: list[Item] = []
    for item in items:
        if item.kind == "word" and len(item.letters) > 1 and any(c == "x" for c, _, _ in item.letters[1:-1]):
            found += [Item("word", c, s, e, letters=((c, s, e),)) for c, s, e in item.letters]
        else:
            found.append(item)
    return tuple(
        Item("sign", "×", item.start, item.end) if item.text == "x" and 0 < n < len(found) - 1 else item
        for n, item in enumerate(found)
    )


def box(reader: Translator, item: Item) -> Node:
    """`\\boxed{…}`, round a formula or a chain."""
    body = reader.inner(item.groups[0], Span(item.start, item.end)).chain()
    return Box(body, span=Span(item.start, item.end))


def brace(reader: Translator, item: Item) -> None:
    """`\\underbrace{A}_{B}`; without its label just A."""
    above = item.text == "overbrace"
    label = reader.next("sup" if above else "sub")
    if label is None:
        reader.splice(item.groups[0], Item("group", "{", item.start, item.end, item.groups))
        return
    body = reader.inner(item.groups[0], Span(item.start, item.end)).chain()
    reader.at += 1
    node = Brace(body, _label(reader, label), above, span=Span(item.start, label.end))
    reader.made(item, node, label.end)


def _label(reader: Translator, item: Item) -> Node:
    """What stands under a brace: words, or a formula that words may stand beside."""
    inside = item.groups[0]
    span = Span(item.start, item.end)
    if not inside:
        reader.context.refuse("there is nothing under this brace", item.start, item.end)
    formula = inside
    while formula and formula[0].kind in ("text", "break"):
        formula = formula[1:]
    while formula and formula[-1].kind in ("text", "break"):
        formula = formula[:-1]
    if not formula and len(inside) == 1:
        return Said(inside[0].text.strip(), span=span)
    if not formula or _is_prose(reader, formula):
        return Said(reader.context.text[inside[0].start : inside[-1].end], span=span)
    return reader.inner(formula, span).chain()


def _is_prose(reader: Translator, inside: Items) -> bool:
    """Words that were written without \\text: `_{error}`."""
    names = reader.context.names
    return any(
        item.kind == "word" and len(item.letters) > 3 and item.text not in names
        and sum(letter not in names for letter, _, _ in item.letters) > 1
        and item.text.lower() not in reader.context.functions
        for item in inside
    )  # fmt: skip
