"""Indices that the exercise tells: Kronecker's δ, the places of `K_ab`, a letter for the number of a name."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from symbackprop.checking.context import Context, Unclear
from symbackprop.checking.counted import LAYER, STEP, counts_steps, last_step
from symbackprop.checking.marks import mark_number
from symbackprop.checking.ranges import holds
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.checking.resolve import Resolver

MOST_LAYERS = 60
"""Instances of a line about any layer or step, `δ^{(l)} = …`; terms of a sum over the numbers in names."""


def lettered(self: Resolver, name: str, node: Node) -> Node | None:
    """`K_ab`, read as one name, where K is a matrix and a, b are indices; `δ_ab`."""
    stem, _, letters = name.partition("_")
    places = tuple(tree.Name(letter, span=node.span) for letter in letters)
    rank = 2 if stem == "delta" else len(self.context.shape(self.context.variable(stem) or "") or ())
    if not letters or len(letters) != rank or not all(_is_place(self.context, letter) for letter in letters):
        return None
    return self.at(tree.Index(tree.Name(stem, span=node.span), places, span=node.span))


def _is_place(context: Context, letter: str) -> bool:
    return letter.isalpha() and (letter.islower() or context.size_known(letter))


def spelt(context: Context, node: Node) -> Node:
    """`z_{pH}` with its places apart, as `z_{p1}` has them."""
    if isinstance(node, tree.Name):
        stem, _, letters = node.name.partition("_")
        rank = len(context.shape(context.variable(stem) or "") or ())
        if len(letters) == rank > 1 and all(_is_place(context, letter) for letter in letters):
            return tree.Index(tree.Name(stem), tuple(map(tree.Name, letters)), span=node.span)
    return tree.rebuild(node, lambda part: spelt(context, part))


def is_kronecker(self: Resolver) -> bool:
    """Whether δ_{jp} is Kronecker's: where the text does not define δ, and no dz has two places."""
    context = self.context
    if context.knows("delta"):
        return False
    ranks = [len(context.exercise.shapes[name]) for name in context.preactivations]
    return context.settings.proof or context.kronecker or 2 not in ranks


def may_be_kronecker(context: Context, node: Node) -> bool:
    """Whether δ_{jp} stands for an entry of dZ, and may be Kronecker's all the same."""
    if context.kronecker or context.knows("delta"):
        return False
    return any(
        (isinstance(part, tree.Name) and part.name.startswith("delta_") and len(part.name) == len("delta_cj"))
        or (isinstance(part, tree.Index) and part.base == tree.Name("delta")
            and len(spread_places(part.places)) == 2)
        for part in tree.walk(node)
    )  # fmt: skip


def spread_places(places: tuple[Node, ...]) -> tuple[Node, ...]:
    """`w_{2,pq}`: two places of the matrix W2."""
    if len(places) != 1 or not isinstance(places[0], tree.Product):
        return places
    factors = places[0].factors
    single = len(factors) == 2 and all(
        (isinstance(one, tree.Name) and one.name[1:] in ("", "…")) or isinstance(one, tree.Number)
        for one in factors
    )
    return factors if single and places[0].signs == ("",) else places


def is_numbered(context: Context, base: Node, place: Node) -> bool:
    """Whether a letter is only one with a number: z of z1, z2, z3; or l counts the layers that it has."""
    if not isinstance(base, tree.Name):
        return False
    stems = {name.rstrip("0123456789") for name in context.exercise.shapes if name[-1:].isdigit()}
    any_layer = not LAYER.isdisjoint(tree.names_in(place))
    taken = context.takes(base.name) if any_layer else context.variable(base.name) is not None
    if taken:  # x_l of a report that has x1, x2 after x
        return any_layer and base.name in stems and context.settings.proof
    return base.name in stems or (any_layer and context.counts_layers(base.name))


def stepped(self: Resolver, base: Node, places: tuple[Node, ...]) -> tuple[Node, ...]:
    """The number of `z_{t-1}` in the instance of a line about any step."""
    context = self.context
    numbered = bool(places) and (is_numbered(context, base, places[0]) or is_stepped(context, base, places))
    if self.layer is None or not numbered:
        return places
    letters = [name for name in tree.names_in(places[0]) if name not in self.bound]
    if len(letters) != 1:
        return places
    number = mark_number(self, tree.replace_names(places[0], {letters[0]: tree.number(self.layer)}))
    if number is None:
        return places
    return tree.Number(Fraction(number), str(number), span=places[0].span), *places[1:]


def is_stepped(context: Context, base: Node, places: tuple[Node, ...]) -> bool:
    """`δ_t`, `δ_{t+1}`: δ of any step, which is dz of that step; `δ_{lp}` is Kronecker's."""
    letters = set(tree.names_in(places[0]))
    told = STEPPED in context.meanings  # δ_{t,i} is entry i of δ_t
    alone = len(spread_places(places)) == 1 or (told and len(places) == 2)
    several = context.layers > 1 or any(name[-1:].isdigit() for name in context.exercise.computed)
    return base == tree.Name("delta") and several and alone and bool(letters) and letters <= LAYER | {STEP}


STEPPED = "δ·"
"""What keeps the meaning of δ at any step; nobody can write this name."""


def step_meaning(context: Context, places: tuple[Node, ...]) -> Node | None:
    """What δ_3 is where the text defines `δ_t = ∂L/∂h_t`."""
    meaning = context.meanings.get(STEPPED)
    if not isinstance(meaning, tree.Entrywise) or not isinstance(places[0], tree.Number):
        return None
    made = _counted(tree.replace_names(meaning.body, {meaning.indices[0]: places[0]}))
    inner = made.by if isinstance(made, tree.Derivative) else made
    if len(places) == 1:
        return made
    return tree.Index(tree.Gradient(inner) if inner is not made else made, places[1:])


def is_about_steps(node: Node, context: Context) -> bool:
    """Whether a formula has names with a letter for their number: `z_t = W x_t + U h_{t-1} + b`."""
    summed = {part.index for part in tree.walk(node) if isinstance(part, tree.Sum)} | set(_in_pairs(node))
    summed |= set(_of_entries(node, context))
    return any(
        isinstance(part, tree.Index)
        and (is_numbered(context, part.base, part.places[0]) or is_stepped(context, part.base, part.places))
        and set(tree.names_in(part.places[0])) - summed
        for part in tree.walk(node)
    )  # fmt: skip


def _in_pairs(node: Node) -> Iterator[str]:
    """Letters that are one of several places: the l of `w_{il}` is an entry's."""
    for part in tree.walk(node):
        if isinstance(part, tree.Index):
            places = spread_places(part.places)
            if len(places) > 1:
                yield from (name for place in places[1:] for name in tree.names_in(place))


def _of_entries(node: Node, context: Context) -> Iterator[str]:
    """Letters that are the place of an entry of a vector: the j of `e_j = d_j − y_j` counts no layers."""
    for part in tree.walk(node):
        if isinstance(part, tree.Index) and isinstance(part.base, tree.Name) and len(part.places) == 1:
            rank = len(context.shape(context.variable(part.base.name) or "") or ())
            if rank == 1:
                yield from set(tree.names_in(part.places[0])) - LAYER - {STEP}


def instances(node: Node, context: Context) -> Iterator[int | None]:
    """The layers for which a line about any layer speaks; one None for a line about none."""
    summed = {part.index for part in tree.walk(node) if isinstance(part, tree.Sum)}
    marks = [part.mark for part in tree.walk(node) if isinstance(part, hand.Marked)]
    loose = {name for mark in marks for name in tree.names_in(mark)} - summed
    if loose & LAYER:
        yield from range(1, min(context.layers, MOST_LAYERS) + 1)
    elif is_about_steps(node, context) or (STEP in loose and counts_steps(context)):
        yield from range(min(last_step(context), MOST_LAYERS) + 1)
    else:
        yield None


def step_letters(node: Node, context: Context) -> frozenset[str]:
    """The letters that stand for the number of a layer or step in a line about any."""
    marks = {
        name for part in tree.walk(node) if isinstance(part, hand.Marked) for name in tree.names_in(part.mark)
    }
    below = {
        name for part in tree.walk(node) if isinstance(part, tree.Index)
        if is_numbered(context, part.base, part.places[0]) or is_stepped(context, part.base, part.places)
        for name in tree.names_in(part.places[0])
    }  # fmt: skip
    return frozenset(marks & (LAYER | {STEP}) | below)


def meant_for(context: Context, node: Node, instance: int | None, conditions: tuple[Node, ...]) -> bool:
    """Whether a line is meant for one of its layers or steps: `l = L-1, …, 1`."""
    if instance is None or not conditions:
        return True
    letters = step_letters(node, context)
    ends = {"L": context.layers, "T": last_step(context)}
    return all(holds(one, lambda name: instance if name in letters else ends.get(name)) for one in conditions)


def about_entries(context: Context, node: Node, conditions: tuple[Node, ...]) -> tuple[Node, ...]:
    """The conditions that are not about the number of a layer or step."""
    if not conditions:
        return ()
    letters = step_letters(node, context)
    return tuple(one for one in conditions if letters.isdisjoint(tree.names_in(one)))


def written_out(self: Resolver, node: tree.Sum) -> Node | None:
    """`Σ_{t=1}^{3} dz_t x_tᵀ`, where t is the number in a name, term by term."""
    context = self.context
    numbered = any(
        isinstance(part, tree.Index)
        and (is_numbered(context, part.base, part.places[0]) or is_stepped(context, part.base, part.places))
        and node.index in tree.names_in(part.places[0])
        for part in tree.walk(node.body)
    )  # fmt: skip
    if not numbered:
        return None
    if node.high is None and node.low.span is None:
        return _all_steps(self, node)
    low, high = (_end(self.context, end) for end in (node.low, node.high))
    if low is None or high is None:
        raise self.refuse("check.unknown_name", node, name=tree.Name(node.index))
    terms = [self.at(_term(node, at)) for at in range(low, min(high, low + MOST_LAYERS) + 1)]
    return tree.Bracket(tree.plus(*terms)) if terms else tree.number(0)


def _term(node: tree.Sum, at: int) -> Node:
    return _counted(tree.replace_names(node.body, {node.index: tree.number(at)}))


def _end(context: Context, end: Node | None) -> int | None:
    """The number at which a sum over steps begins or ends; a letter that nobody knows is the last step."""
    if isinstance(end, tree.Name) and len(end.name) == 1 and not context.knows(end.name):
        return last_step(context)
    match end:
        case tree.Number(value) if value.denominator == 1:
            return int(value)
        case tree.Add((first, tree.Neg(tree.Number(value)))):
            found = _end(context, first)
            return None if found is None else found - int(value)
    return None


def _all_steps(self: Resolver, node: tree.Sum) -> Node:
    """`Σ_t dz_t h_{t-1}ᵀ`: the steps at which all that is summed exists."""
    terms: dict[int, Node] = {}
    trouble: Unclear | None = None
    for at in range(min(last_step(self.context), MOST_LAYERS) + 1):
        try:
            terms[at] = self.at(_term(node, at))
        except Unclear as error:
            trouble = error
    if not terms or len(terms) != max(terms) - min(terms) + 1:
        raise trouble or self.refuse("check.unknown_name", node, name=tree.Name(node.index))
    return tree.Bracket(tree.plus(*terms.values()))


def _counted(node: Node) -> Node:
    """`3 - 1` in the place of an index as 2."""
    made = tree.rebuild(node, _counted)
    if isinstance(made, tree.Index):
        return tree.Index(made.base, tuple(map(_number, made.places)), span=node.span)
    return made


def _number(place: Node) -> Node:
    match place:
        case tree.Number(value):
            return tree.Number(value, str(value), span=place.span)
        case tree.Add((tree.Number(first), tree.Neg(tree.Number(second)))):
            return tree.Number(first - second, str(first - second), span=place.span)
        case tree.Add((tree.Number(first), tree.Number(second))):
            return tree.Number(first + second, str(first + second), span=place.span)
    return place
