"""Ellipses: `w_1 x_1 + … + w_n x_n` as a sum, `(x_1, …, x_n)` as a vector."""

from __future__ import annotations

from collections.abc import Sequence

from symbackprop.notation import tree
from symbackprop.notation.tree import Node

INDEX = "i…"
"""The index of what dots stand for; nobody can write this name."""

Run = tuple[str, Node, Node, Node]
"""Index, from, to, and what stands at each."""


def expanded_sum(node: tree.Add) -> Node | None:
    """`a_1 + a_2 + … + a_n + b` as `Σ a_i + b`; None where the dots do not say of what."""
    places = [at for at, term in enumerate(node.terms) if isinstance(term, tree.Dots)]
    if len(places) != 1:
        return None
    (dots,) = places
    if dots == 0 or dots + 1 >= len(node.terms):
        return None
    for start in range(dots):
        made = expanded_tuple((*node.terms[start : dots + 1], node.terms[dots + 1]))
        if made is not None:
            index, low, high, body = made
            total = tree.Sum(index, low, high, body, span=node.span)
            return tree.plus(*node.terms[:start], total, *node.terms[dots + 2 :])
    return None


def expanded_tuple(items: Sequence[Node]) -> Run | None:
    """`x_1, x_2, …, x_n`: what stands before and after the dots differs in one index only."""
    places = [at for at, item in enumerate(items) if isinstance(item, tree.Dots)]
    if len(places) != 1 or places[0] == 0 or places[0] != len(items) - 2:
        return None
    last = items[-1]
    written = items[: places[0]]
    first = _general(written[0], last) or _general(tree.undressed(written[0]), tree.undressed(last))
    if first is None:
        return None
    body, low, high = first
    start = _whole(low)
    if start is None:
        return None
    for offset, item in enumerate(written[1:], start=1):
        if _at(body, tree.number(start + offset)) != tree.undressed(item):
            return None
    return INDEX, low, high, body


def _whole(node: Node) -> int | None:
    return int(node.value) if isinstance(node, tree.Number) and node.value.denominator == 1 else None


def _at(body: Node, place: Node) -> Node:
    return tree.undressed(tree.replace_names(body, {INDEX: place}))


def _general(first: Node, last: Node) -> tuple[Node, Node, Node] | None:
    """What two terms have in common, and what stands at the index in each."""
    found: list[tuple[Node, Node]] = []

    def merged(a: Node, b: Node) -> Node | None:
        if a == b:
            return a
        if isinstance(a, tree.Number) and a.text.isdigit() and isinstance(b, tree.Number | tree.Name):
            if found and found[0] != (a, b):
                return None
            found.append((a, b))
            return tree.Name(INDEX)
        if type(a) is not type(b):
            return None
        return _merged_parts(a, b, merged)

    body = merged(first, last)
    if body is None or not found:
        return None
    return body, found[0][0], found[0][1]


def _merged_parts(a: Node, b: Node, merged: object) -> Node | None:
    ours, theirs = list(tree.children(a)), list(tree.children(b))
    if len(ours) != len(theirs) or not ours:
        return None
    made = [merged(x, y) for x, y in zip(ours, theirs, strict=True)]  # type: ignore[operator]
    if any(part is None for part in made):
        return None
    rest = iter(made)
    whole = tree.rebuild(a, lambda _: next(rest))
    other = iter(made)
    return whole if whole == tree.rebuild(b, lambda _: next(other)) else None
