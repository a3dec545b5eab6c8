"""What makes a line that looks wrong doubtful: a prime or a transpose, a letter that nobody explained."""

from __future__ import annotations

from dataclasses import replace

from symbackprop.checking.claims import Claim
from symbackprop.checking.context import Context
from symbackprop.checking.desk import Desk
from symbackprop.checking.links import Links
from symbackprop.checking.rows import lying
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node


def prime_of_output(node: Node, context: Context) -> Node | None:
    """`a'` of what a function makes: its derivative, or a transpose? Where one is wrong, nobody can tell."""
    outputs = {context.output_of(name) for name in context.activations}
    again = context.stepped("'")
    if not again:
        outputs |= {name for name in context.exercise.computed if set(context.exercise.shapes[name]) <= {1}}
    chain = node if isinstance(node, tree.Chain) else None
    left = None if chain is None else chain.members[0]
    if not again and isinstance(left, hand.Primed) and isinstance(left.body, tree.Name):
        outputs |= {context.variable(left.body.name)}  # W' = …: Wᵀ, or W after a step?
    heads = [part.factors[0] for part in tree.walk(node)
             if isinstance(part, tree.Product) and isinstance(part.factors[1], tree.Bracket)]  # fmt: skip
    for part in tree.walk(node):
        if any(part is head for head in heads):
            continue  # L'(ŷ) is a derivative
        body = part.body if isinstance(part, hand.Primed) else None
        if isinstance(body, tree.Index) and isinstance(body.base, tree.Name) and len(body.places) == 1:
            (place,) = body.places
            body = tree.Name(body.base.name + place.text) if isinstance(place, tree.Number) else body
        known = context.variable(body.name) if isinstance(body, tree.Name) else None
        if known is not None and context.alias(known) in outputs:
            return part
    return None


def only_numbers(desk: Desk, claim: Claim) -> bool:
    """Whether the formula with a prime is right as it is read, and only the number behind it is wrong."""
    left, right, anchor = claim.left, claim.right, claim.anchor
    if left is None or right is None or anchor is None or not right.numeric or left.numeric:
        return False
    return Links(desk).judge(anchor, left).verdict == "correct"


def with_slopes(context: Context, node: Node) -> Context | None:
    """The context in which `a'` is the derivative of the function that makes a; None without such a prime."""
    primed = [part for part in tree.walk(node) if isinstance(part, hand.Primed) and part.count == 1]
    if not primed:
        return None
    made = {context.output_of(name): call for name, call in context.activations.items()}
    found: dict[str, Node] = {}
    for part in primed:
        if isinstance(part.body, tree.Name):
            name = part.body.name
            call = made.get(context.alias(context.variable(name) or name))
            if call is not None and not context.knows(name + "'"):
                found[name + "'"] = tree.Call(call.function, call.args, call.options, 1)
    return replace(context, meanings={**context.meanings, **found}) if found else None


def without_slopes(context: Context, node: Node) -> tuple[Context, Node] | None:
    """The statement with such primes as transposes, and the context for it; None where there are none."""
    slopes = {name: meaning for name, meaning in context.meanings.items()
              if name.endswith("'") and isinstance(meaning, tree.Call) and meaning.primes == 1}  # fmt: skip
    if slopes.keys().isdisjoint(tree.names_in(node)):
        return None
    table: dict[str, Node] = {name: hand.Primed(tree.Name(name[:-1]), 1) for name in slopes}
    kept = {name: meaning for name, meaning in context.meanings.items() if name not in slopes}
    return replace(context, meanings=kept), tree.replace_names(node, table)


def picked(claim: Claim, context: Context) -> Node | None:
    """The c of `L = −log p_c`, the right class, which nobody has said."""
    left, right = claim.left, claim.right
    if left is None or right is None or tree.undressed(left.node) != tree.Name(context.exercise.loss):
        return None
    free = right.variants[0].free
    return tree.Name(free[0], span=right.written.span) if free else None


def other_delta(node: Node, context: Context) -> Node | None:
    """δ_j where the text defines δ_k: books tell layers apart by that letter."""
    defined = context.meanings.get("delta")
    if not isinstance(defined, tree.Entrywise) or context.by_letter:
        return None
    for part in tree.walk(node):
        if isinstance(part, tree.Index) and part.base == tree.Name("delta"):
            letters = [place for place in part.places if isinstance(place, tree.Name)]
            if any(letter.name not in defined.indices for letter in letters):
                return part
    return None


def has_rows(claim: Claim) -> bool:
    """Whether `w_j` stands in a claim: a vector, or a row."""
    members = [one for one in (claim.left, claim.right) if one is not None]
    return any(lying(part) is not part for one in members for part in tree.walk(one.node))


def has_times_one(node: Node) -> bool:
    """Whether `dZ * 1` stands there: the number, or a vector of ones?"""
    products = (part for part in tree.walk(node) if isinstance(part, tree.Product))
    return any(
        sign == "*" and factor == tree.number(1)
        for part in products for sign, factor in zip(part.signs, part.factors[1:], strict=True)
    )  # fmt: skip


def has_marks(node: Node) -> bool:
    """Whether `W^{(1)}` stands there: a layer's, a neuron's or an example's."""
    return any(isinstance(part, hand.Marked) for part in tree.walk(node))
