"""Products, quotients and sums of arrays as trees, put together as on the board."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from symbackprop.algebra.spell import ratio
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, juxtaposed, plus, times

ONE = tree.Number(Fraction(1))


def joined(left: Node, right: Node) -> Node:
    """`left right`, products kept flat."""
    return juxtaposed(*tree.plain_factors(left), *tree.plain_factors(right))


def transposed(node: Node) -> Node:
    """`nodeᵀ`, taken into products: `(A B)ᵀ` is `Bᵀ Aᵀ`."""
    if isinstance(node, tree.Transpose):
        return node.body
    if isinstance(node, tree.Product) and not any(node.signs):
        return juxtaposed(*(transposed(factor) for factor in reversed(node.factors)))
    return tree.Transpose(node)


def hadamard(factors: Sequence[Node]) -> Node:
    """`a ⊙ b`, products kept flat."""
    flat: list[Node] = []
    for factor in factors:
        inner = isinstance(factor, tree.Product) and set(factor.signs) == {"odot"}
        flat += factor.factors if inner and isinstance(factor, tree.Product) else (factor,)
    return times(*flat, sign="odot")


def entrywise(above: Sequence[Node], below: Sequence[Node]) -> Node | None:
    """Entry by entry, `above` over `below`; None where there is nothing."""
    if not above and not below:
        return None
    top = hadamard(above) if above else ONE
    return tree.Quotient(top, hadamard(below)) if below else top


def with_scalars(
    coefficient: Fraction,
    above: Sequence[Node],
    below: Sequence[Node],
    body: Node | None,
    divisor: Node | None,
) -> Node:
    """`coefficient · above · body / (below · divisor)`; body and divisor are arrays, or None.

    A factor of numbers and scalars stands before the array (`2/N (P − T)`); a single array stands
    above what divides it (`dS K / N`, but `(P − T) / N`), and so do all over a divisor (`ds / (2 s)`).
    """
    under = list(below)
    if coefficient.denominator != 1 and (under or divisor is not None):
        under.insert(0, tree.Number(Fraction(coefficient.denominator)))
        coefficient = Fraction(coefficient.numerator)
    lead = [*([ratio(coefficient)] if coefficient != 1 else []), *above]
    arrays = () if body is None else tree.plain_factors(body)
    if divisor is not None:
        top = juxtaposed(*lead, *arrays) if lead or arrays else ONE
        return tree.Quotient(top, juxtaposed(*under, *tree.plain_factors(divisor)))
    if under and not lead and len(arrays) == 1:
        return tree.Quotient(arrays[0], juxtaposed(*under))
    if under:
        lead = [tree.Quotient(juxtaposed(*lead) if lead else ONE, juxtaposed(*under))]
    return juxtaposed(*lead, *arrays) if lead or arrays else ONE


def total(terms: Sequence[Node]) -> Node:
    """The sum; a matrix and its transpose go together: `A x + Aᵀ x − b` is `(A + Aᵀ) x − b`."""
    rest = list(terms)
    for at, first in enumerate(rest):
        for other in range(at + 1, len(rest)):
            made = _with_transpose(first, rest[other])
            if made is not None:
                return total([*rest[:at], made, *rest[at + 1 : other], *rest[other + 1 :]])
    return plus(*rest)


def _with_transpose(first: Node, second: Node) -> Node | None:
    """Two products that differ in one factor, which is a matrix in one and its transpose in the other."""
    if isinstance(first, tree.Neg) or isinstance(second, tree.Neg):
        both = isinstance(first, tree.Neg) and isinstance(second, tree.Neg)
        made = _with_transpose(first.body, second.body) if both else None  # type: ignore[attr-defined]
        return None if made is None else tree.Neg(made)
    rows = tree.plain_factors(first), tree.plain_factors(second)
    if len(rows[0]) != len(rows[1]) or len(rows[0]) < 2:
        return None
    differing = [at for at, (one, other) in enumerate(zip(*rows, strict=True)) if one != other]
    if len(differing) != 1:
        return None
    (at,) = differing
    pair = sorted((row[at] for row in rows), key=lambda part: isinstance(part, tree.Transpose))
    if pair[1] != tree.Transpose(pair[0]):
        return None
    return juxtaposed(*rows[0][:at], plus(*pair), *rows[0][at + 1 :])
