"""Questions about a node that the rules for brackets ask; pure, and the same for every format."""

from symbackprop.notation.tree import (
    Add,
    Bracket,
    Coloured,
    Index,
    Name,
    Neg,
    Node,
    Number,
    Product,
    Quotient,
    Sum,
    Where,
)
from symbackprop.notation.write_names import is_symbol

GROUP = frozenset({"", "cdot"})
"""The signs that bind more tightly than `*` and `⊙`."""


def is_negative_start(node: Node) -> bool:
    """Whether what is written begins with a minus."""
    match node:
        case Neg():
            return True
        case Add(terms):
            return is_negative_start(terms[0])
        case Product(factors, signs):
            return signs[0] == "" and is_negative_start(factors[0])
        case Coloured(body):
            return is_negative_start(body)
        case Quotient(above, _, True):
            return is_negative_start(above)
    return False


def is_open(node: Node) -> bool:
    """Whether the node ends in a sum Σ, which would swallow a factor written after it."""
    match node:
        case Sum():
            return True
        case Neg(body) | Coloured(body) | Where(body):
            return is_open(body)
        case Product(factors):
            return is_open(factors[-1])
    return False


def is_ratio(node: Node) -> bool:
    """Whether this is a number over a number, which is set as one small fraction: ½."""
    return isinstance(node, Quotient) and type(node.above) is Number and type(node.below) is Number


def left_to_right(node: Product) -> Product:
    """Factors combine from left to right: `a ⊙ b c` as one product is `(a ⊙ b) c`, and is nested so."""
    signs = node.signs
    if len(signs) == 1 or GROUP.issuperset(signs) or GROUP.isdisjoint(signs):
        return node
    made, between = [node.factors[0]], list[str]()
    for sign, factor in zip(signs, node.factors[1:], strict=True):
        if between and (sign in GROUP) != (between[-1] in GROUP):
            made, between = [Product(tuple(made), tuple(between))], []
        made.append(factor)
        between.append(sign)
    return Product(tuple(made), tuple(between))


def bare(node: Node) -> Node:
    """The node without written brackets, for a place that groups by itself (`\\frac`, an exponent)."""
    while type(node) is Bracket:
        node = node.body
    return node


def is_one_sign(place: Node) -> bool:
    """Whether an index prints as one sign: a letter or a digit."""
    if type(place) is Name:
        return is_symbol(place.name)
    return type(place) is Number and place.value < 10 and place.value.denominator == 1


def subscripts(node: Node) -> int:
    """How many indices a node prints with."""
    return len(node.places) if isinstance(node, Index) else 0
