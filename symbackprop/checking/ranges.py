"""For which values of its indices a formula holds: `i ≠ j`, `l ∈ (L − 1, …, 1)`, `k ∈ (1, 2)`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node

Lookup = Callable[[str], int | None]
"""The number behind the name of an index or a size."""

_HOLDS: dict[str, Callable[[int, int], bool]] = {
    "=": int.__eq__, "≠": int.__ne__, "<": int.__lt__, ">": int.__gt__, "≤": int.__le__, "≥": int.__ge__,
}  # fmt: skip


def holds(condition: Node, lookup: Lookup) -> bool:
    """Whether a condition holds, as far as its names have numbers."""
    if not isinstance(condition, tree.Chain):
        return True
    pairs = zip(condition.relations, pairwise(condition.members), strict=True)
    return all(_one(relation, left, right, lookup) for relation, (left, right) in pairs)


def _one(relation: str, left: Node, right: Node, lookup: Lookup) -> bool:
    if isinstance(right, hand.Tuple):
        return _listed(_number(left, lookup), right.items, lookup)
    a, b = _number(left, lookup), _number(right, lookup)
    return a is None or b is None or relation not in _HOLDS or _HOLDS[relation](a, b)


def _listed(at: int | None, items: Sequence[Node], lookup: Lookup) -> bool:
    if at is None:
        return True
    numbers = [_number(item, lookup) for item in items if not isinstance(item, tree.Dots)]
    if not any(isinstance(item, tree.Dots) for item in items):
        return at in numbers or None in numbers
    ends = (numbers[0], numbers[-1])
    known = [end for end in ends if end is not None]
    if len(known) == 2:
        return min(known) <= at <= max(known)
    rising = ends[1] is None  # 1, …, n of an n that nobody knows
    return not known or (at >= known[0] if rising else True)


def _number(node: Node, lookup: Lookup) -> int | None:
    match node:
        case tree.Number(value) if value.denominator == 1:
            return int(value)
        case tree.Name(name):
            return lookup(name)
        case tree.Neg(body):
            found = _number(body, lookup)
            return None if found is None else -found
        case tree.Bracket(body):
            return _number(body, lookup)
        case tree.Add(terms):
            numbers = [_number(term, lookup) for term in terms]
            return None if None in numbers else sum(number for number in numbers if number is not None)
    return None


def is_whole(condition: Node) -> bool:
    """Whether a condition is only the range of an index, `i = 1, …, n`, from its beginning to its end."""
    match condition:
        case tree.Chain((tree.Name(), hand.Tuple(items)), ("∈",)):
            return any(isinstance(item, tree.Dots) for item in items)
        case tree.Chain((_, tree.Name(), _), relations):
            return set(relations) <= {"≤", "<"}
    return False


def strangers(condition: Node, known: Callable[[str], bool]) -> list[str]:
    """The names of a condition that have no number, where it needs them."""
    return [] if is_whole(condition) else [name for name in tree.names_in(condition) if not known(name)]
