"""Chains of relations: their members without dress, and how they were read."""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop.checking.context import SIZES, Context
from symbackprop.checking.given import unboxed
from symbackprop.checking.member import Member
from symbackprop.checking.numeric import is_numeric
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node

COMPARED = frozenset({">", "<", "≥", "≤", "≠"})

EQUAL = frozenset({"=", "≈", "≡"})

_NO_CLAIM = (hand.Omitted, tree.Space, hand.Said)


def _common(members: list[Member]) -> int | None:
    """The first step, or layer, that all members have which are about any."""
    each = [[one.instance for one in member.variants] for member in members]
    loose = [numbers for numbers in each if None not in numbers]
    return (
        next((one for one in loose[0] if all(one in numbers for numbers in loose)), None) if loose else None
    )


def _shown(member: Member, instance: int | None = None) -> Node:
    dotted = any(isinstance(part, tree.Dots) for part in tree.walk(member.written))
    chosen = next((one.node for one in member.variants if one.instance == instance), member.node)
    node = member.written if dotted else _once(chosen)
    return node.body if isinstance(node, tree.Bracket) else node


def _once(node: Node) -> Node:
    """A row that was stood up for `w_j` and laid down again by `w_j^T` as that row."""
    made = tree.rebuild(node, _once)
    match made:
        case tree.Transpose(tree.Transpose(tree.Index() as row)):
            return row
    return made


def says_nothing(context: Context, label: Node) -> bool:
    """Whether a label is words, or a shape: k × n."""
    if isinstance(label, hand.Said | tree.Word):
        return True
    label = label.body if isinstance(label, tree.Bracket) else label
    if not isinstance(label, tree.Product) or len(label.factors) != 2 or label.signs != ("*",):
        return False
    names = [one for one in label.factors if isinstance(one, tree.Name)]
    sizes = [one for one in names if one.name in SIZES or context.size_known(one.name)]
    whole = sum(isinstance(one, tree.Number) for one in label.factors)
    return bool(sizes) and len(sizes) + whole == 2


def names_part(context: Context, label: Node) -> bool:
    """Whether a label gives a name to what stands at it: a letter of a loss that is not the loss."""
    name = label.name if isinstance(label, tree.Name) else ""
    return name in context.apart and context.variable(name) is None


def label_members(label: Node) -> Iterator[Node]:
    """What a label under a brace says of what stands at it, each for itself; nothing of the way of a term."""
    label = unboxed(label)
    if isinstance(label, tree.Chain) and "→" in label.relations:
        return  # z → W: the way that a term takes
    if isinstance(label, tree.Chain):
        yield from (part for part in label.members if not isinstance(part, _NO_CLAIM))
    else:
        yield label


def flattened(chain: tree.Chain) -> tree.Chain:
    """Boxes round the end of a chain are no members of their own."""
    members: list[Node] = []
    relations: list[tree.Relation] = []
    for at, member in enumerate(chain.members):
        if at:
            relations.append(chain.relations[at - 1])
        inner = member.body if isinstance(member, tree.Box) else member
        if isinstance(inner, tree.Chain):
            flat = flattened(inner)
            members += flat.members
            relations += flat.relations
        else:
            members.append(member)
    return tree.Chain(tuple(members), tuple(relations), (None,) * len(relations), span=chain.span)


def is_number_like(node: Node) -> bool:
    """Whether a member as written is made of numbers only."""
    return is_numeric(node) and not isinstance(node, hand.Omitted | tree.Space | hand.Said)


def tree_of(members: list[Member], relations: tuple[tree.Relation, ...]) -> Node:
    """How a chain was read; what has dots in it as it was written."""
    instance = _common(members)
    nodes = tuple(_shown(member, instance) for member in members)
    if len(nodes) == 1:
        return nodes[0]
    shown = EQUAL | COMPARED
    kept = [relation for relation in relations if relation in shown][: len(nodes) - 1]
    kept += ["="] * (len(nodes) - 1 - len(kept))
    return tree.Chain(nodes, tuple(kept), (None,) * len(kept))
