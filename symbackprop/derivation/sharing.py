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
    made = list(equations)
    bodies = {one.body: one.name for one in made if one.name in named}
    for body, name in bodies.items():
        users = [at for at, one in enumerate(made) if one.name != name and _contains(one.body, body)]
        if not users:
            continue
        at = next(place for place, one in enumerate(made) if one.name == name)
        known = set(tree.names_in(body))
        earliest = max((place + 1 for place, one in enumerate(made) if one.name in known), default=0)
        made.insert(min(at, max(earliest, users[0])), made.pop(at))
        start = next(place for place, one in enumerate(made) if one.name == name)
        for place in range(start + 1, len(made)):
            made[place] = _citing(made[place], body, name)
    return tuple(made)


def _contains(node: Node, part: Node) -> bool:
    return any(inner == part for inner in tree.walk(node) if type(inner) is type(part))


def _citing(one: Equation, body: Node, name: str) -> Equation:
    from symbackprop.notation.write import to_plain  # only where something changes

    made = replaced(one.body, body, tree.Name(name))
    return one if made is one.body else replace(one, body=made, text=to_plain(made))


def replaced(node: Node, part: Node, by: Node) -> Node:
    """`node` with `by` for `part`, its brackets taken with it."""
    if node == part or (isinstance(node, tree.Bracket) and node.body == part):
        return by
    return tree.rebuild(node, lambda child: replaced(child, part, by))
