"""Formulas that stand in several equations: once one of them has a name, all use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symbackprop.exercise.model import Equation
from symbackprop.notation import tree
from symbackprop.notation.tree import Node


def shared(equations: Sequence[Equation], named: frozenset[str]) -> tuple[Equation, ...]:
    """The equations with the bodies of those in `named` called by their names wherever they stand.

    `d = x − μ`, named for one formula, is then used in `v = mean(square(x − μ))` too; its equation
    moves up as far as that needs and what it is made of allows.
    """
    bodies = {one.body: one.name for one in equations if one.name in named}
    again = {
        bodies[part]
        for one in equations
        for part in tree.walk(one.body)
        if type(part) in _SHARED and part in bodies and bodies[part] != one.name
    }
    made = list(equations)
    for body, name in bodies.items():
        if name in again:
            made = _shared(made, body, name)
    return tuple(made)


_SHARED = frozenset({tree.Add, tree.Product, tree.Quotient, tree.Call, tree.Norm, tree.Power})


def _shared(made: list[Equation], body: Node, name: str) -> list[Equation]:
    places = {one.name: place for place, one in enumerate(made)}
    at = places[name]
    first = next(place for place, one in enumerate(made) if place != at and _contains(one.body, body))
    earliest = max((places[used] + 1 for used in tree.names_in(body) if used in places), default=0)
    start = min(at, max(earliest, first))
    made.insert(start, made.pop(at))
    return [*made[: start + 1], *(_citing(one, body, name) for one in made[start + 1 :])]


def _contains(node: Node, part: Node) -> bool:
    return any(type(inner) is type(part) and inner == part for inner in tree.walk(node))


def _citing(one: Equation, body: Node, name: str) -> Equation:
    from symbackprop.notation.write import to_plain  # only where something changes

    made = replaced(one.body, body, tree.Name(name))
    return one if made is one.body else replace(one, body=made, text=to_plain(made))


def replaced(node: Node, part: Node, by: Node) -> Node:
    """`node` with `by` for `part`, its brackets taken with it."""
    if node == part or (isinstance(node, tree.Bracket) and node.body == part):
        return by
    return tree.rebuild(node, lambda child: replaced(child, part, by))
