"""The one small change that would make a line right: what a person lost or put in, told from the line itself.

Where no row of the table of mistakes explains a line, because it is written in another way than the worked
step, single places of it are changed: a transpose more or less, indices the other way round, a sign, a prime.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from symbackprop import limits
from symbackprop.checking.findings import Named
from symbackprop.notation import tree
from symbackprop.notation.tree import Node


@dataclass(frozen=True, slots=True)
class Changed:
    """The formula as it becomes; what is due, and what stands there."""

    node: Node
    about: Node
    instead: Node


Change = Callable[[Node], Iterator[Changed]]


def repaired(node: Node, holds: Callable[[Node], bool], left: Node) -> tuple[Named, ...]:
    """The kinds of change, each with its first place, by which a right side becomes equal to a left one."""
    found: dict[str, Named] = {}
    tried = 0
    for kind, change in (*CHANGES, ("wrong_index", reindexed(_letters(left)))):
        if kind == "wrong_index" and found:
            break
        for made in _changed(node, change):
            tried += 1
            if tried > limits.EXPLAINED_TIES:
                return tuple(found.values())
            if kind not in found and holds(made.node):
                found[kind] = Named(id=kind, about=made.about, instead=made.instead)
    if found.keys() & {"argument_sign", "term_sign"}:
        found.pop("sign", None)  # they say which sign it is
    return tuple(found.values())


def _changed(node: Node, change: Change) -> Iterator[Changed]:
    """The whole formula with one place changed, for each place."""
    yield from change(node)
    kids = list(tree.children(node))
    for at, child in enumerate(kids):
        for inner in _changed(child, change):
            yield Changed(_with(node, at, inner.node), inner.about, inner.instead)


def _with(node: Node, at: int, new: Node) -> Node:
    places = iter(range(len(list(tree.children(node)))))
    return tree.rebuild(node, lambda child: new if next(places) == at else child)


def _turned(node: Node) -> Iterator[Changed]:
    if isinstance(node, tree.Name | tree.Gradient | tree.Bracket | tree.Derivative):
        turned = tree.Transpose(node)
        yield Changed(turned, turned, node)


def _upright(node: Node) -> Iterator[Changed]:
    if isinstance(node, tree.Transpose):
        yield Changed(node.body, node, node)


def _swapped(node: Node) -> Iterator[Changed]:
    match node:
        case tree.Index(base, (first, second)):
            made: Node = tree.Index(base, (second, first))
        case tree.Gradient(tree.Index(base, (first, second))):
            made = tree.Gradient(tree.Index(base, (second, first)))
        case tree.Derivative(tree.Index(of, (first,)), tree.Index(by, (second,))):
            made = tree.Derivative(tree.Index(of, (second,)), tree.Index(by, (first,)))
        case _:
            return
    yield Changed(made, tree.Row((first, second), ","), node)


def _letters(node: Node) -> dict[Node, None]:
    """The letters and numbers that stand as indices."""
    return dict.fromkeys(
        place
        for part in tree.walk(node) if isinstance(part, tree.Index)
        for place in part.places if isinstance(place, tree.Name | tree.Number)
    )  # fmt: skip


def reindexed(others: Iterable[Node]) -> Change:
    """δ_i x_i  ->  δ_i x_j, where j is among the indices of the other side"""

    def change(node: Node) -> Iterator[Changed]:
        inner = node.of if isinstance(node, tree.Gradient) else node
        if not isinstance(inner, tree.Index):
            return
        for at, place in enumerate(inner.places):
            for other in others:
                if other != place:
                    made: Node = tree.Index(inner.base, (*inner.places[:at], other, *inner.places[at + 1 :]))
                    made = tree.Gradient(made) if isinstance(node, tree.Gradient) else made
                    yield Changed(made, made, node)

    return change


def _primed(node: Node) -> Iterator[Changed]:
    if isinstance(node, tree.Call) and not node.primes and len(node.args) == 1:
        primed = tree.Call(node.function, node.args, node.options, 1)
        yield Changed(primed, primed, node)


def _other_sign(node: Node) -> Iterator[Changed]:
    """The argument of a function, the exponent: e^{−z}."""
    if isinstance(node, tree.Call) and len(node.args) == 1 and node.function not in {"sum", "mean"}:
        (argument,) = node.args
        other = argument.body if isinstance(argument, tree.Neg) else tree.Neg(argument)
        if not isinstance(argument, tree.Number):
            yield Changed(tree.Call(node.function, (other,), node.options, node.primes), argument, node)


def _unsigned(node: Node) -> Iterator[Changed]:
    if isinstance(node, tree.Neg):
        yield Changed(node.body, node.body, node)


def _negated(node: Node) -> Iterator[Changed]:
    match node:
        case tree.Add(terms):
            for at, term in enumerate(terms):
                plain = term.body if isinstance(term, tree.Neg) else term
                other = plain if isinstance(term, tree.Neg) else tree.Neg(term)
                yield Changed(tree.Add((*terms[:at], other, *terms[at + 1 :])), plain, term)


def _entrywise(node: Node) -> Iterator[Changed]:
    if isinstance(node, tree.Product) and "cdot" in node.signs:
        for at, sign in enumerate(node.signs):
            if sign == "cdot":
                made = tree.Product(node.factors, (*node.signs[:at], "odot", *node.signs[at + 1 :]))
                yield Changed(made, made, node)


def _summed_over(node: Node) -> Iterator[Changed]:
    """Σ_j w_ij δ_i  ->  Σ_i w_ij δ_i"""
    if not isinstance(node, tree.Sum):
        return
    for letter in _letters(node.body):
        if isinstance(letter, tree.Name) and letter.name != node.index:
            made = tree.Sum(letter.name, tree.number(1), None, node.body)
            yield Changed(made, letter, tree.Name(node.index))


CHANGES: tuple[tuple[str, Change], ...] = (
    ("indices_swapped", _swapped), ("sum_index", _summed_over), ("transpose_missing", _turned),
    ("transpose_extra", _upright), ("function_for_slope", _primed), ("hadamard_as_dot", _entrywise),
    ("argument_sign", _other_sign), ("sign", _unsigned), ("term_sign", _negated),
)  # fmt: skip
"""The kinds of mistake, as rows of the table of mistakes call them, and what undoes each."""
