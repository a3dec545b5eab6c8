"""Indices, layer marks and places of a formula by hand: which entry, which layer, which neuron is meant."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from symbackprop.checking.context import INDICES, Context
from symbackprop.checking.layer_letters import by_letter
from symbackprop.checking.lettered import is_kronecker, spread_places, step_meaning, stepped
from symbackprop.checking.marks import delta_of
from symbackprop.checking.rows import lying, row, upright
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.checking.resolve import Resolver

ROW = "r…"
"""The index of the row that a formula about the entries of one row is about; nobody can write this name."""


def entry(self: Resolver, node: tree.Index) -> Node:
    """`w[1, 2]`, `δ_1`, `x_i`: the entry, or the name that an index is part of."""
    base, places = node.base, node.places
    told = by_letter(self, base, places)
    if told is not None:
        return told
    if base == tree.Name("delta"):
        places = stepped(self, base, places)
        meant = step_meaning(self.context, places)
        if meant is not None:
            return self.at(meant)
    if base == tree.Name("delta") and isinstance(places[0], tree.Number):
        of = self.context.numbered_delta("delta" + places[0].text)
        named = self.context.knows("delta") or self.context.knows("delta" + places[0].text)
        several = self.context.layers > 1 or not self.context.shape(of or "")
        if of is not None and not named and several:  # of one layer δ_1 is an entry, as δ_2 is
            made = delta_of(self, node, int(places[0].value))
            return self.at(tree.Index(made, places[1:], span=node.span)) if places[1:] else made
    numbered_delta = isinstance(places[0], tree.Number) and self.context.knows("delta" + places[0].text)
    if base == tree.Name("delta") and len(places) == 2 and not numbered_delta and is_kronecker(self):
        first, second = (_place_of_entry(self, one) for one in places)
        return tree.Delta(first, second, span=node.span)
    if base == tree.Name("I") and self.context.variable("I") is None and isinstance(places[0], tree.Name):
        return base  # I_n, the identity
    own = isinstance(places[0], tree.Number) and self.context.knows("e" + places[0].text)
    if base == tree.Name("e") and not own and not self.context.knows("e"):
        raise self.refuse("check.unknown_name", node, name=node)  # a unit vector, not Euler's number
    numbered = _numbered_name(self, base, stepped(self, base, places))
    if numbered is not None:
        name, rest = numbered
        rest = spread_places(rest) if rank_of(self, name) == 2 else rest
        return self.at(tree.Index(name, rest, span=node.span)) if rest else self.at(name)
    known = self.context.variable(base.name) if isinstance(base, tree.Name) else None
    known = None if known is None else self.context.alias(known)
    core = self.at(base) if known is None else tree.Name(known, span=base.span)  # no index has an index
    core = _meant(self, _gradient_in(self, core))
    shown = [_place_of_entry(self, one) for one in places]
    core = lying(core)
    row_of = core.of if isinstance(core, tree.Gradient) else core
    if isinstance(row_of, tree.Index) and len(shown) == 1 and row_of.places.count(tree.Slice()) == 1:
        filled = tuple(shown[0] if one == tree.Slice() else one for one in row_of.places)  # x^{(i)}_j
        entry_of: Node = tree.Index(row_of.base, filled, span=node.span)
        return tree.Gradient(entry_of, span=node.span) if isinstance(core, tree.Gradient) else entry_of
    rank = rank_of(self, core)
    if rank is None:
        split = _two_digits(places[0]) if len(places) == 1 and own_rank(self.context, core) == 2 else None
        return tree.Index(core, split or tuple(shown), span=node.span)
    fitted = _fitted(self, core, places, shown, rank)
    if fitted is None:
        raise self.refuse("check.places", node, name=node)
    if not fitted:
        return core
    if any(isinstance(place, tree.Number) for place in fitted):
        self.sized = True
    single = len(fitted) == 2 and len(spread_places(places)) == 1
    single = single and isinstance(shown[0], tree.Name | tree.Number) and tree.Slice() in fitted
    made = tree.Index(core.of if isinstance(core, tree.Gradient) else core, fitted, span=node.span)
    whole: Node = tree.Gradient(made, span=node.span) if isinstance(core, tree.Gradient) else made
    return upright(self.context, whole) if single else whole


def _numbered_name(
    self: Resolver, base: Node, places: Sequence[Node]
) -> tuple[Node, tuple[Node, ...]] | None:
    """`z_1` where the model has a z1 and no z; `w_{1,2}` of W1 is none."""
    if not isinstance(base, tree.Name) or not places:
        return None
    context, first, rest = self.context, places[0], tuple(places[1:])
    named = context.takes(base.name) if self.layer is not None else context.variable(base.name) is not None
    stems = tuple(dict.fromkeys((base.name, base.name.swapcase() if len(base.name) == 1 else base.name)))
    if isinstance(first, tree.Name) and not named:
        for stem in stems if rest else stems[:1]:
            for letter in dict.fromkeys((first.name, first.name.swapcase())):
                if context.knows(stem + letter) and (letter == first.name or len(letter) == 1):
                    return tree.Name(stem + letter, span=base.span), rest  # W_q and W_Q for Wq
    if first == tree.Neg(tree.number(1)) and not named:
        below = context.layered(base.name, -1)  # h_{-1} before h_0
        return None if below is None else (tree.Name(below, span=base.span), rest)
    if not isinstance(first, tree.Number) or not first.text.isdigit():
        return None
    found = [
        stem + first.text for stem in stems
        if context.knows(stem + first.text) or context.size_known(stem + first.text)
    ]  # fmt: skip
    if named and found and not context.settings.proof and not _is_whole(self, found[0], rest):
        found = []  # w_{2,1} of W, though there is a W2; in a report W_2 is W2
    if not found and (
        first.value == 0 or (not named and (self.layer is not None or context.counts_layers(base.name)))
    ):
        found = [name for name in (context.layered(base.name, int(first.text)),) if name is not None]
    return (tree.Name(found[0], span=base.span), rest) if found else None


def _is_whole(self: Resolver, name: str, rest: Sequence[Node]) -> bool:
    """Whether `w_{2,ji}` can only be an entry of W2: a place for each of its axes follows the number."""
    shape = self.context.shape(name)
    return shape is not None and len(shape) == 2 and len(spread_places(tuple(rest))) == 2


def _gradient_in(self: Resolver, core: Node) -> Node:
    """`[∇_W L]`, of which an entry is asked for, as dW."""
    match tree.bare(core):
        case tree.Derivative(of, tree.Name() as by) if of == tree.Name(self.context.exercise.loss):
            return tree.Gradient(by, span=core.span)
        case tree.Gradient() as gradient:
            return gradient
    return core


def _meant(self: Resolver, core: Node) -> Node:
    """An entry of δ, which the text defines as dz, is one of dz."""
    meaning = self.context.meanings.get(core.name) if isinstance(core, tree.Name) else None
    match meaning:
        case tree.Gradient(tree.Name()):
            return meaning
        case tree.Derivative(of, tree.Name() as by) if of == tree.Name(self.context.exercise.loss):
            return tree.Gradient(by, span=core.span)
    return core


def rank_of(self: Resolver, core: Node) -> int | None:
    """How many axes what is indexed has, where it is a name or a gradient."""
    bare = core.of if isinstance(core, tree.Gradient) else core
    if isinstance(bare, tree.Name):
        shape = self.context.shape(bare.name)
        return None if shape is None else len(shape)
    return None


def own_rank(context: Context, node: Node) -> int | None:
    """How many axes a formula of the text's own has, as far as that can be told without numbers."""
    match tree.bare(node):
        case tree.Name(name) if name in context.meanings:
            return own_rank(context, context.meanings[name])
        case tree.Name(name):
            shape = context.shape(name)
            return None if shape is None else len(shape)
        case tree.Entrywise(indices):
            return len(indices)
        case tree.Derivative(of, by) if of == tree.Name(context.exercise.loss):
            return own_rank(context, by)
        case tree.Gradient(body) | tree.Transpose(body) | tree.Neg(body) | tree.Quotient(body, _):
            return own_rank(context, body)
        case tree.Add(parts):
            return max((own_rank(context, part) or 0 for part in parts), default=None)
        case tree.Product(parts):
            ranks = [own_rank(context, part) or 0 for part in parts]
            outer = len(parts) == 2 and ranks == [1, 1] and isinstance(parts[1], tree.Transpose)
            return 2 if outer or (all(rank in (0, 2) for rank in ranks) and 2 in ranks) else None
    return None


def _two_digits(place: Node) -> tuple[Node, ...] | None:
    """`12` as the places 1 and 2."""
    if isinstance(place, tree.Number) and len(place.text) == 2 and "0" not in place.text:
        return tuple(tree.Number(Fraction(int(c)), c, span=place.span) for c in place.text)
    return None


def _fitted(
    self: Resolver, core: Node, written: Sequence[Node], shown: list[Node], rank: int
) -> tuple[Node, ...] | None:
    """As many places as there are axes: `w_{11}` is two, `w_i` of one neuron is w_{1i}; a number has none."""
    if len(shown) == rank:
        return tuple(shown)
    bare = core.of if isinstance(core, tree.Gradient) else core
    assert isinstance(bare, tree.Name)
    shape = self.context.exercise.shapes[bare.name]
    if len(shown) == 1 and rank == 2:
        split = _two_digits(written[0])
        if split is not None:
            return split
        one = tree.Number(Fraction(1), "1")
        if shape[0] == 1:
            self.sized = True
            return one, shown[0]
        if shape[1] == 1:
            self.sized = True
            return shown[0], one
    if len(shown) == 1 and rank == 2 and self.context.settings.proof:
        self.free.setdefault(ROW)
        return tree.Name(ROW), shown[0]  # P_j in a row of P, whichever it is
    if len(shown) == 1 and rank == 2:
        match shown[0]:
            case tree.Slice(low, None) if low is not None:
                return low, tree.Slice()  # W_{j:}
            case tree.Name():
                return row(self.context, bare.name, shown[0])
            case tree.Number(_, text) if len(text) == 1:
                return row(self.context, bare.name, shown[0])  # w_1 of the first neuron
    if rank == 0 and all(isinstance(place, tree.Number) and place.value == 1 for place in shown):
        return ()
    if rank == 1 and len(shown) == 2 and shown[1] == tree.Number(Fraction(1)):
        return (shown[0],)
    return None


def _place_of_entry(self: Resolver, node: Node) -> Node:
    """A place of an entry; `z_k` is any entry of z, though k is also how many there are."""
    letter = node.name if isinstance(node, tree.Name) else ""
    if letter in INDICES and letter not in self.bound and self.context.size_known(letter):
        self.free.setdefault(letter)
        return node
    return place(self, node)


def place(self: Resolver, node: Node) -> Node:
    """A place: a number, a size, a bound or free index, a sum of those, or a slice."""
    if isinstance(node, tree.Slice):
        low = None if node.low is None else place(self, node.low)
        high = None if node.high is None else place(self, node.high)
        return tree.Slice(low, high, span=node.span)
    if isinstance(node, tree.Name):
        name = node.name
        number = self.context.size_known(name) or self.context.ends.get(name) is not None
        if name in self.bound or (number and name not in self.free):
            return node
        if len(name) == 1 and name.isalpha() and name.islower():
            self.free.setdefault(name)
            return node
        raise self.refuse("check.unknown_name", node, name=node)
    if isinstance(node, tree.Number):
        return node
    return tree.rebuild(node, lambda part: place(self, part))
