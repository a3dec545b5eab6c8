"""`(3,0)` where decimals have a comma: two numbers, if the shape it must have says so."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node


def has_commas(node: Node) -> bool:
    """Whether a list of numbers has decimals in it."""
    body = node.body if isinstance(node, tree.Transpose) else node
    return isinstance(body, tree.Bracket | hand.Tuple) and any(
        isinstance(part, tree.Number) and "." in part.text for part in tree.walk(body)
    )


def apart(node: Node, size: int) -> Node | None:
    """A list of numbers with each decimal comma taken as a separator; None unless it has `size` entries then.

    Only the outermost brackets are a list; a transpose may stand behind them.
    """
    match node:
        case tree.Transpose(body):
            made = apart(body, size)
            return None if made is None else tree.Transpose(made, span=node.span)
        case tree.Bracket(body):
            items: tuple[Node, ...] = (body,)
            square = False
        case hand.Tuple(items, ",", square):
            pass
        case _:
            return None
    if len(items) == size:
        return None
    split = [part for item in items for part in _split(item)]
    if len(split) != size:
        return None
    return hand.Tuple(tuple(split), ",", square, span=node.span)


def _split(item: Node) -> Iterator[Node]:
    """The whole numbers on both sides of a comma; what is no decimal stays."""
    match item:
        case tree.Number(_, text) if "." in text and not _is_sure(text):
            before, after = text.split(".")
            yield tree.Number(Fraction(int(before)), before, span=item.span)
            yield tree.Number(Fraction(int(after)), after, span=item.span)
        case tree.Neg(tree.Number() as number) if len(parts := list(_split(number))) == 2:
            yield tree.Neg(parts[0], span=item.span)
            yield parts[1]
        case _:
            yield item


def _is_sure(text: str) -> bool:
    """Whether it can only be a decimal: `1,05`."""
    before, after = text.split(".")
    return not (before.isdigit() and after.isdigit()) or (len(after) > 1 and after.startswith("0"))
