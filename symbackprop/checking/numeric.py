"""Whether a formula is made of numbers, or mixes numbers in that stand for values."""

from __future__ import annotations

from fractions import Fraction

from symbackprop.algebra.functions import TABLE
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node


def is_numeric(node: Node) -> bool:
    """Whether a formula is made of numbers only."""
    return not any(
        isinstance(part, tree.Name | tree.Gradient | tree.Derivative | tree.Dots | tree.Ones)
        for part in tree.walk(node)
    )


def has_numbers(node: Node) -> bool:
    """Whether a formula mixes in numbers that stand for values: not indices, exponents, ½ or 2."""
    match node:
        case tree.Number(value):
            return value not in _STRUCTURAL
        case tree.Index(base, _) | tree.Power(base, _):
            return has_numbers(base)
        case tree.Sum(_, _, _, body) | tree.Entrywise(_, _, body):
            return has_numbers(body)
        case tree.Cases() | hand.Indicator():
            return False
        case tree.Quotient(tree.Number(), tree.Number()):
            return False
        case tree.Matrix() | hand.Tuple() if is_numeric(node):
            return True  # (1, 0) for g'(z)
        case tree.Matrix() | hand.Tuple() | tree.Call():
            return any(has_numbers(part) for part in tree.children(node) if not _is_plain(part))
        case tree.Product(factors) if any(_is_one(factor) for factor in factors):
            return True  # (ŷ − y) · 1
    return any(map(has_numbers, tree.children(node)))


def _is_plain(entry: Node) -> bool:
    """0 and 1 in an array of formulas, or in max(0, z): they say nothing of the example."""
    number = tree.bare(entry)
    return isinstance(number, tree.Number) and number.value in (0, 1)


_STRUCTURAL = frozenset({Fraction(1), Fraction(2), Fraction(1, 2)})


def _is_one(node: Node) -> bool:
    number = tree.bare(node)
    return isinstance(number, tree.Number) and number.value == 1


def has_pieces(*nodes: Node) -> bool:
    """Whether formulas have |u|, max or cases in them."""
    return any(map(_is_by_pieces, (part for node in nodes for part in tree.walk(node))))


def _is_by_pieces(part: Node) -> bool:
    if isinstance(part, tree.Call):
        row = TABLE.get(part.function)
        return part.function in ("abs", "max", "min") or (row is not None and not row.smooth)
    return isinstance(part, tree.Cases | hand.Indicator)


FEW_POINTS = 3
"""Points of a model without pieces, which are too few for a line that has some of its own."""
