"""What a new name stands for: δ that nobody defined before, and names that are given by numbers only."""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop.checking.claims import Claims
from symbackprop.checking.context import Unclear
from symbackprop.checking.desk import Desk
from symbackprop.checking.layers import AFFINE, OUTPUT
from symbackprop.checking.links import Links
from symbackprop.checking.member import Member
from symbackprop.checking.resolve import Resolved
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node

HOLDS = frozenset({"correct", "rounded", "correct for this example"})

ERRORS = frozenset({"e", "r", "err", "error", "delta"})
"""What people call a gradient that arrives."""


def is_dz(desk: Desk, first: Node, second: Node) -> bool | Node:
    """Of `δ = …`: True where δ is to be read as dz, or the gradient that the formula is instead.

    δ is dz of its layer. It may be said to be another gradient, dŷ, or one with the other sign; a formula
    that is none of the model's gradients is one of dz, and wrong.
    """
    try:
        read = Claims(desk).member(first)
        written = Claims(desk).member(second)
    except Unclear:
        return False
    for node in (read.node, *_gradients(desk, read.node)):
        if _is_same(desk, node, written):
            return True if node is read.node else node
    return True


def turns_delta(node: Node) -> bool:
    """Whether a statement gives δ of a layer the other sign: `δ_j^{(2)} = −∂E/∂v_j^{(2)}`."""
    match node:
        case tree.Chain((left, tree.Neg(body), *_), ("=", *_)):
            inner = body.body if isinstance(body, tree.Bracket) else body
            gradient = isinstance(inner, tree.Gradient | tree.Derivative | hand.Nabla)
            return gradient and "delta" in {name.rstrip("0123456789") for name in tree.names_in(left)}
    return False


def _gradients(desk: Desk, read: Node) -> Iterator[Node]:
    """The other gradients at the same places, and all of them with the other sign."""
    places = read.of.places if isinstance(read, tree.Gradient) and isinstance(read.of, tree.Index) else ()
    for name in desk.exercise.computed[:-1]:
        of: Node = tree.Index(tree.Name(name), places) if places else tree.Name(name)
        yield tree.Gradient(of)
    yield tree.Neg(read)
    for name in desk.exercise.computed[:-1]:
        of = tree.Index(tree.Name(name), places) if places else tree.Name(name)
        yield tree.Neg(tree.Gradient(of))


def named_quantity(desk: Desk, name: str, second: Node) -> Node | None:
    """Of `a = 0.7311` or `a = σ(z)` the quantity of the exercise that this is, if people call it so."""
    try:
        written = Claims(desk).member(second)
    except Unclear:
        return None
    if not written.numeric and name in ERRORS:
        return None  # δ = dŷ, e = ŷ − y: formulas of their own
    found = [node for node in _candidates(desk, name) if _is_same(desk, node, written)]
    return found[0] if found else None


def _candidates(desk: Desk, name: str) -> Iterator[Node]:
    """What a letter like this is used for, the likeliest first."""
    exercise, letter = desk.exercise, name.lower().rstrip("0123456789")
    computed = exercise.computed[:-1]
    outputs = [desk.output_of(argument) for argument in desk.context.activations]
    if letter in ERRORS:
        yield from (tree.Gradient(tree.Name(one)) for one in reversed(computed))
    elif letter in OUTPUT:
        yield from (tree.Name(one) for one in computed if one in outputs)
    elif letter in AFFINE:
        yield from (tree.Name(one) for one in computed if one not in outputs)


def _is_same(desk: Desk, node: Node, written: Member) -> bool:
    """Whether a formula is a quantity of the exercise; where it fits in no way, it is not."""
    try:
        judged = Links(desk).judge(Member(node, (Resolved(node, _free(node)),)), written)
    except Unclear:
        return False
    return judged.verdict in HOLDS


def _free(node: Node) -> tuple[str, ...]:
    indices = [
        name for part in tree.walk(node) if isinstance(part, tree.Index)
        for place in part.places for name in tree.names_in(place)
    ]  # fmt: skip
    return tuple(dict.fromkeys(indices))
