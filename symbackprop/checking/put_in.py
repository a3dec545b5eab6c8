"""Numbers that may be structure or values, 0, 1, 2 and ½: whether one stands for a value of the example."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.checking.compare import look
from symbackprop.checking.desk import Desk
from symbackprop.checking.resolve import Resolved
from symbackprop.checking.values import evaluator_in, scope_in
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node

TRIES = 24
"""Values that are tried for the numbers of a line."""


def stands_for_value(desk: Desk, a: Resolved, b: Resolved) -> bool:
    """`∂L/∂ŷ = 1 − y` where ŷ = 1: with ŷ for 1 it holds, whatever the other numbers are.

    It holds then at random points with some pattern of signs: that of the example, whose slopes are left out.
    """
    worlds = desk.worlds.own
    for one, two in islice(_with_values(desk, a, b), TRIES):
        try:
            if any(look(one, two, (world,), desk.reader).equal for world in worlds):
                return True
        except (ArithmeticError, EvaluationError):
            continue
    return False


def _with_values(desk: Desk, a: Resolved, b: Resolved) -> Iterator[tuple[Resolved, Resolved]]:
    """Both members with one number of them replaced by what has its value in the example."""
    for member, other, first in ((a, b, True), (b, a, False)):
        for number in _numbers(member.node):
            for name in _named(desk, number):
                made = replace(member, node=_replaced(member.node, number, name), sized=True)
                yield (made, other) if first else (other, made)


def _numbers(node: Node) -> Iterator[tree.Number]:
    """The numbers of a formula that are no indices, exponents or fractions."""
    match node:
        case tree.Number():
            yield node
        case tree.Index() | tree.Cases() | hand.Indicator() | tree.Matrix() | hand.Tuple():
            return
        case tree.Quotient(tree.Number(), tree.Number()):
            return
        case tree.Power(base, _):
            yield from _numbers(base)
        case tree.Sum(_, _, _, body) | tree.Entrywise(_, _, body):
            yield from _numbers(body)
        case _:
            for part in tree.children(node):
                yield from _numbers(part)


def _named(desk: Desk, number: tree.Number) -> Iterator[Node]:
    """The names and entries that have a value in the example; first what is computed."""
    exercise, values = desk.exercise, desk.example.values
    for name in (*exercise.computed, *exercise.given):
        array = values.get(name)
        if array is None or name == exercise.loss:
            continue
        if len(array.entries) == 1:
            if _is(array.entries[0], number):
                yield tree.Name(name)
        elif len(array.shape) == 1:
            yield from _entries(name, array, number)


def _entries(name: str, array: Array[object], number: tree.Number) -> Iterator[Node]:
    for at, entry in enumerate(array.entries, start=1):
        if _is(entry, number):
            yield tree.Index(tree.Name(name), (tree.number(at),))


def _is(entry: object, number: tree.Number) -> bool:
    return bool(entry == number.value)


def _replaced(node: Node, number: tree.Number, name: Node) -> Node:
    return name if node is number else tree.rebuild(node, lambda part: _replaced(part, number, name))


def are_listed(desk: Desk, a: Resolved, b: Resolved) -> bool:
    """`ŷ = z = (1, 5)`, `dw_21 = dw_22 = 0`: values of the forward pass, entries of one gradient or zeros,
    each by its name, in a chain that ends in their number.
    """
    one, two = tree.undressed(a.node), tree.undressed(b.node)
    forward = {*desk.exercise.computed, *desk.exercise.given}
    if all(isinstance(node, tree.Name) and node.name in forward for node in (one, two)):
        return True
    entries = [_entry(node) for node in (one, two)]
    if any(entry is None for entry in entries):
        return False
    named = [entry for entry in entries if isinstance(entry, tree.Name) and entry.name in forward]
    if entries[0] == entries[1] or len(named) == 2:
        return True
    world = desk.example
    working = evaluator_in(world, desk.reader)
    try:
        return all(world.domain.is_zero(entry) for entry in working.value(one, scope_in(world, {})).entries)
    except (ArithmeticError, EvaluationError):
        return False


def _entry(node: Node) -> Node | None:
    """Of `dw_{21}` and `ŷ_1`, one entry by numbers, what it is an entry of."""
    match node:
        case tree.Index(base, places) if all(isinstance(one, tree.Number) for one in places):
            return base
        case tree.Derivative(_, tree.Index(base, places)) | tree.Gradient(tree.Index(base, places)) if all(
            isinstance(one, tree.Number) for one in places
        ):
            return tree.Gradient(base)
    return None
