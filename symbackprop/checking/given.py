"""Statements that claim nothing new: a given value, the model's own equation, the formula of a function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from symbackprop.checking.calls import head_of
from symbackprop.checking.context import FUNCTION_LETTERS, LOSS_LETTERS, Context, Unclear
from symbackprop.checking.findings import Reason
from symbackprop.checking.numeric import is_numeric
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.checking.claims import Claims


def states_given(claims: Claims, written: list[Node]) -> bool:
    """Whether a chain states what is given: a value, the model's own equation, a function's formula."""
    if len(written) < 2:
        return False
    first = written[0]
    context = claims.desk.context
    name = _name_of(claims, first)
    if name is not None and name in context.exercise.given:
        return True
    if name is not None and name in context.equations:
        return len(written) == 2 and _word_for_word(claims, name, written[1])
    if is_differential(claims, first) and not is_numeric(written[1]):
        raise Unclear(Reason(key="check.differential", parts={"name": first}), first.span)
    if isinstance(first, tree.Gradient) and len(written) == 2:
        return isinstance(unboxed(written[1]), tree.Derivative | hand.Nabla)  # dy = dL/dŷ: a name
    call = _call_of_letter(claims, first)
    if call is not None:
        return not call.primes
    return _restates_loss(claims, written)


def is_differential(claims: Claims, node: Node) -> bool:
    """`dL` alone: hardly the gradient 1 of the loss."""
    of = node.of if isinstance(node, tree.Gradient) else None
    return isinstance(of, tree.Name) and claims.desk.context.variable(of.name) == claims.desk.exercise.loss


def _name_of(claims: Claims, node: Node) -> str | None:
    """The name that a left side is, with its mark or number understood."""
    if not isinstance(node, tree.Name | hand.Marked | tree.Index):
        return None
    try:
        made = claims.member(node).node
    except Unclear:
        return None
    return made.name if isinstance(made, tree.Name) else None


def _word_for_word(claims: Claims, name: str, node: Node) -> bool:
    try:
        made = claims.member(node).node
    except Unclear:
        return False
    return plain(made) == plain(claims.desk.context.equations[name].body)


def _restates_loss(claims: Claims, written: list[Node]) -> bool:
    """`𝓛(ŷ, y) = ½ (ŷ − y)²`."""
    match written:
        case [tree.Product((tree.Name(name), hand.Tuple(_)), ("",)), right] if name in LOSS_LETTERS:
            return _word_for_word(claims, claims.desk.exercise.loss, right)
    return False


def _call_of_letter(claims: Claims, node: Node) -> tree.Call | None:
    """`f(z)`, a letter applied to something: the call that it is."""
    match node:
        case tree.Product((tree.Name(name), tree.Bracket(_)), ("",)) if (
            name in FUNCTION_LETTERS or name in claims.desk.context.functions
        ):
            try:
                made = claims.member(node).node
            except Unclear:
                return None
            return made if isinstance(made, tree.Call) else None
    return None


def is_function_formula(node: Node, context: Context) -> bool:
    """Whether a statement is about a function of one name: `σ'(z) = …`, `f(u) = …`."""
    chain = unboxed(node)
    if not isinstance(chain, tree.Chain):
        return False
    match unboxed(chain.members[0]):
        case tree.Call(_, (tree.Name() | tree.Index() | hand.Marked(),)):
            return True
        case tree.Product((head, tree.Bracket(tree.Name() | tree.Index() | hand.Marked())), ("",)):
            found = head_of(head)
            return found is not None and (found.name in FUNCTION_LETTERS or found.name in context.callable)
    return False


def unboxed(node: Node) -> Node:
    """What stands in a box."""
    while isinstance(node, tree.Box):
        node = node.body
    return node


def plain(node: Node) -> Node:
    """A formula without what is only dress, for "word for word"."""
    made = tree.undressed(node)

    def bared(part: Node) -> Node:
        part = tree.rebuild(part, bared)
        match part:
            case tree.Product(factors, signs):
                return tree.Product(factors, tuple("" if sign == "cdot" else sign for sign in signs))
            case tree.Quotient(above, below):
                return tree.Quotient(above, below)
            case tree.Number(value):
                return tree.Number(value)
        return part

    return bared(made)


def with_parts(context: Context, node: Node) -> Context:
    """The context in which the ℓ of `L = ℓ + λ/2 ‖w‖²` is not the loss, which the exercise calls L."""
    members = node.members if isinstance(node, tree.Chain) else (node,)
    if sum(name in LOSS_LETTERS for name in tree.names_in(node)) < 2:
        return context
    names = set(_values(node))
    sums = [part for one in members[1:] for part in tree.walk(one) if isinstance(part, tree.Add)]
    summed = {name for part in sums for name in _values(part)}
    letters = {name for name in summed if name in LOSS_LETTERS and not context.knows(name)}
    if context.exercise.loss not in names or letters <= context.apart:
        return context
    return replace(context, apart=context.apart | letters)


def _values(node: Node) -> Iterator[str]:
    """The names that stand for values, and not for the number of a layer: the L of `a^L` is none."""
    match node:
        case tree.Name(name):
            yield name
        case hand.Marked(body) | tree.Index(body) | tree.Power(body):
            yield from _values(body)
        case tree.Sum(body=body):
            yield from _values(body)
        case _:
            for part in tree.children(node):
                yield from _values(part)
