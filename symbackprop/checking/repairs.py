"""The one small change that would make a line right: what a person lost or put in, told from the line itself.

Where no row of the table of mistakes explains a line, because it is written in another way than the worked
step, single places of it are changed: a transpose more or less, indices the other way round, a sign, a prime.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from symbackprop import limits
from symbackprop.checking.findings import Named
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

Change = Callable[[Node], Iterator[Node]]


def repaired(node: Node, holds: Callable[[Node], bool]) -> tuple[Named, ...]:
    """The kinds of change, each with its first place, by which a right side becomes right."""
    found: dict[str, Named] = {}
    tried = 0
    for kind, change in CHANGES:
        for place, other, whole in _changed(node, change):
            tried += 1
            if tried > limits.EXPLAINED_TIES:
                return tuple(found.values())
            if kind not in found and holds(whole):
                found[kind] = Named(id=kind, about=other, instead=place)
    return tuple(found.values())


def _changed(node: Node, change: Change) -> Iterator[tuple[Node, Node, Node]]:
    """Each place, what it becomes, and the whole formula with that."""
    for other in change(node):
        yield node, other, other
    kids = list(tree.children(node))
    for at, child in enumerate(kids):
        for place, other, inner in _changed(child, change):
            yield place, other, _with(node, at, inner)


def _with(node: Node, at: int, new: Node) -> Node:
    places = iter(range(len(list(tree.children(node)))))
    return tree.rebuild(node, lambda child: new if next(places) == at else child)


def _turned(node: Node) -> Iterator[Node]:
    if isinstance(node, tree.Name | tree.Gradient | tree.Bracket | tree.Derivative):
        yield tree.Transpose(node)


def _upright(node: Node) -> Iterator[Node]:
    if isinstance(node, tree.Transpose):
        yield node.body


def _swapped(node: Node) -> Iterator[Node]:
    match node:
        case tree.Index(base, (first, second)):
            yield tree.Index(base, (second, first))
        case tree.Gradient(tree.Index(base, (first, second))):
            yield tree.Gradient(tree.Index(base, (second, first)))


def _primed(node: Node) -> Iterator[Node]:
    if isinstance(node, tree.Call) and not node.primes and len(node.args) == 1:
        yield tree.Call(node.function, node.args, node.options, 1)


def _unsigned(node: Node) -> Iterator[Node]:
    if isinstance(node, tree.Neg):
        yield node.body


def _negated(node: Node) -> Iterator[Node]:
    match node:
        case tree.Add(terms):
            for at in range(len(terms)):
                term = terms[at]
                other = term.body if isinstance(term, tree.Neg) else tree.Neg(term)
                yield tree.Add((*terms[:at], other, *terms[at + 1 :]))


def _entrywise(node: Node) -> Iterator[Node]:
    if isinstance(node, tree.Product) and "cdot" in node.signs:
        for at, sign in enumerate(node.signs):
            if sign == "cdot":
                yield tree.Product(node.factors, (*node.signs[:at], "odot", *node.signs[at + 1 :]))


CHANGES: tuple[tuple[str, Change], ...] = (
    ("indices_swapped", _swapped), ("transpose_missing", _turned), ("transpose_extra", _upright),
    ("function_for_slope", _primed), ("hadamard_as_dot", _entrywise), ("sign", _unsigned),
    ("term_sign", _negated),
)  # fmt: skip
"""The kinds of mistake, as rows of the table of mistakes call them, and what undoes each."""
