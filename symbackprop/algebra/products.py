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
    """The sum; what all terms begin or end with is taken out: `A x + Aᵀ x` is `(A + Aᵀ) x`."""
    if len(terms) < 2:
        return terms[0]
    made = _gathered(terms)
    return plus(*_with_transposes(terms)) if made is None else made


def _with_transposes(terms: Sequence[Node]) -> list[Node]:
    """`A x + Aᵀ x − b` as `(A + Aᵀ) x − b`."""
    rest = list(terms)
    for at, first in enumerate(rest):
        for other in range(at + 1, len(rest)):
            made = _gathered([first, rest[other]])
            if made is not None and any(_is_pair(part) for part in tree.walk(made)):
                return _with_transposes([*rest[:at], made, *rest[at + 1 : other], *rest[other + 1 :]])
    return rest


def _is_pair(node: Node) -> bool:
    return isinstance(node, tree.Add) and len(node.terms) == 2 and node.terms[1] == transposed(node.terms[0])


def _gathered(terms: Sequence[Node]) -> Node | None:
    """What all terms begin or end with before and behind a bracket; None where there is nothing."""
    negative = [isinstance(term, tree.Neg) for term in terms]
    rows = [tree.plain_factors(term.body if isinstance(term, tree.Neg) else term) for term in terms]
    front = _common(rows)
    back = _common([row[front:][::-1] for row in rows])
    middles = [row[front : len(row) - back] for row in rows]
    if not front + back or not all(middles):
        return None
    every = all(negative)
    parts = [juxtaposed(*middle) for middle in middles]
    inside = [
        tree.Neg(part) if minus and not every else part for part, minus in zip(parts, negative, strict=True)
    ]
    inside.sort(key=lambda part: isinstance(part, tree.Transpose))  # A + Aᵀ
    made = juxtaposed(*rows[0][:front], plus(*inside), *rows[0][len(rows[0]) - back :])
    return tree.Neg(made) if every else made


def _common(rows: Sequence[Sequence[Node]]) -> int:
    """How many factors all rows begin with."""
    count = 0
    for column in zip(*rows, strict=False):
        if any(factor != column[0] for factor in column):
            break
        count += 1
    return count
