"""Layers told apart by letters: δ_k of the output and δ_j of the hidden layer, `w_{kj}` from j to k.

Bishop's and Mitchell's books write so of a network with one hidden layer: i counts the inputs, j or h the
hidden units, k or o the outputs. A text is read so where it cannot be read otherwise, from the first line on
that holds so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from symbackprop.checking.context import Context
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.checking.desk import Desk
    from symbackprop.checking.resolve import Resolver

LAYERS = {"i": 0, "j": 1, "h": 1, "k": 2, "o": 2}
"""The layer that each letter counts the units of."""


def uses_letters(context: Context, node: Node) -> bool:
    """Whether letters may tell the layers apart in a statement of a network with one hidden layer."""
    if len(context.ladder) != 2 or context.by_letter:
        return False
    parts = (apart(part) for part in tree.walk(node))
    return any(
        isinstance(part, tree.Index) and isinstance(part.base, tree.Name) and part.base.name in ("delta", "w")
        and _letters(part.places) for part in parts
    )  # fmt: skip


def apart(node: Node) -> Node:
    """`w_{kh}`, read as one name, with its two places."""
    if isinstance(node, tree.Name) and node.name.startswith("w_") and len(node.name) == 4:
        letters = tuple(tree.Name(letter) for letter in node.name[2:])
        return tree.Index(tree.Name("w"), letters, span=node.span) if _letters(letters) else node
    return node


def agrees(desk: Desk, *, turned: bool) -> bool:
    """Whether the text's own δ_k is the output's gradient, or with the other sign if `turned`."""
    from symbackprop.checking.compare import look
    from symbackprop.checking.resolve import Resolved  # which needs this module

    meaning = desk.context.meanings.get("delta")
    if meaning is None:
        return not turned
    gradient: Node = tree.Gradient(tree.Index(tree.Name(desk.context.ladder[-1].affine), (tree.Name("k"),)))
    own = Resolved(tree.Index(tree.Name("delta"), (tree.Name("k"),)), ("k",))
    other = Resolved(tree.Neg(gradient) if turned else gradient, ("k",))
    return look(own, other, desk.worlds.own, desk.reader).equal


def by_letter(self: Resolver, base: Node, places: Sequence[Node]) -> Node | None:
    """`δ_j` as the gradient at the hidden layer, `w_{ji}` as one of its weights; None for all else."""
    context, letters = self.context, _letters(places)
    if not context.by_letter or not isinstance(base, tree.Name) or not letters:
        return None
    layer = LAYERS[letters[0]]
    if layer == 0:
        return None
    row = context.ladder[layer - 1]
    indices = tuple(tree.Name(letter) for letter in letters)
    for letter in letters:
        if letter not in self.bound:
            self.free.setdefault(letter)
    if base.name == "delta" and len(letters) == 1:
        made: Node = tree.Gradient(tree.Index(tree.Name(row.affine), indices))
        return tree.Neg(made) if context.settings.delta == "-dz" else made
    if base.name == "o" and len(letters) == 1:
        return tree.Index(tree.Name(row.output), indices)
    if base.name == "w" and len(letters) == 2 and LAYERS[letters[1]] == layer - 1:
        return tree.Index(tree.Name(row.weight), indices)
    return None


def _letters(places: Sequence[Node]) -> tuple[str, ...]:
    """The letters of layers that are the places of an entry; none where a place is anything else."""
    parts = places[0].factors if len(places) == 1 and isinstance(places[0], tree.Product) else places
    found = tuple(part.name for part in parts if isinstance(part, tree.Name) and part.name in LAYERS)
    return found if len(found) == len(parts) else ()
