"""`(3,0)` where decimals have a comma, and `(3 -6)`: two numbers, if the shape it must have says so."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

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


def has_sums(node: Node) -> bool:
    """Whether brackets hold sums, whose terms may be the numbers of a list, or of rows."""
    body = node.body if isinstance(node, tree.Transpose) else node
    rows = _rows(body)
    return bool(rows) and all(isinstance(row, tree.Add) for row in rows)


def side_by_side(node: Node, size: int) -> Node | None:
    """`(3 -6)` and `[0 -2; 0 -4]` as `size` numbers; None for all else.

    Each minus has a space before it and none behind it.
    """
    if isinstance(node, tree.Transpose):
        made = side_by_side(node.body, size)
        return None if made is None else tree.Transpose(made, span=node.span)
    rows = tuple(row.terms for row in _rows(node) if isinstance(row, tree.Add) and _are_apart(row.terms))
    if len({len(row) for row in rows}) != 1 or len(rows) != len(_rows(node)) or sum(map(len, rows)) != size:
        return None
    if isinstance(node, tree.Bracket):
        return hand.Tuple(rows[0], " ", span=node.span)
    return tree.Matrix(rows, "matrix", span=node.span)


def _rows(node: Node) -> tuple[Node, ...]:
    """What stands between the semicolons in brackets."""
    match node:
        case tree.Bracket(body):
            return (body,)
        case hand.Tuple(items, ";"):
            return items
        case tree.Matrix(rows, "column"):
            return tuple(row[0] for row in rows)
    return ()


def _are_apart(terms: tuple[Node, ...]) -> bool:
    """Whether each term is a number with its sign right before it, and a space stands before that."""
    for before, after in pairwise(terms):
        match before, after:
            case ((tree.Number() | tree.Neg(tree.Number())), tree.Neg(tree.Number() as number)):
                spans = before.span, after.span, number.span
                if None in spans:
                    return False
                left, signed, bare = (span for span in spans if span is not None)
                if left.end == signed.start or bare.start != signed.start + 1:
                    return False
            case _:
                return False
    return True


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
