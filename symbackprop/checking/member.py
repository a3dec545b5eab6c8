"""A member of a chain, understood, and what is found of a relation between two."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.checking.compare import Seen
from symbackprop.checking.desk import Desk
from symbackprop.checking.findings import VERDICTS, Argument, Reason, Verdict
from symbackprop.checking.numeric import has_numbers, is_numeric
from symbackprop.checking.resolve import Resolved
from symbackprop.checking.values import evaluator_in, scope_in
from symbackprop.checking.worlds import World
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node, Shape


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Member(Plain):
    """A member of a chain: as written, and as formulas about the exercise, one for each layer it is about."""

    written: Node
    variants: tuple[Resolved, ...]

    @property
    def node(self) -> Node:
        """The formula, of the first layer."""
        return self.variants[0].node

    @property
    def numeric(self) -> bool:
        """Whether it is made of numbers only."""
        return is_numeric(self.node)

    @property
    def mixed(self) -> bool:
        """Whether it mixes numbers in."""
        return has_numbers(self.node)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Judged(Plain):
    """What a link, a label or a whole statement is found to be."""

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    seen: Seen | None = None
    entry: int | None = None


def worst(judged: Sequence[Judged]) -> Verdict:
    """A chain is as good as its worst link."""
    return max((one.verdict for one in judged), key=VERDICTS.index)


def reason(key: str, **parts: Argument) -> Reason:
    """A sentence of the language files with its parts."""
    return Reason(key=key, parts=parts)


def misfit(node: Node | None) -> Reason:
    """Shapes that do not fit, and where if that can be shown."""
    if node is None or isinstance(node, tree.Dots):
        return reason("check.no_shape")
    inner = node.of if isinstance(node, tree.Gradient) else node
    if isinstance(inner, tree.Index):
        return reason("check.outside", name=node)
    return reason("check.shape_misfit", product=node)


def numbers_of(member: Member, world: World, desk: Desk) -> Array[Any] | None:
    """The value of a member in a world, None where it has none."""
    working = evaluator_in(world, desk.reader)
    try:
        return working.value(member.node, scope_in(world, {}))
    except (ArithmeticError, EvaluationError):
        return None


def is_tuple(node: Node) -> bool:
    """Whether a member is a tuple, which is neither row nor column."""
    return isinstance(tree.undressed(node), hand.Tuple)


def shape_of(node: Node, desk: Desk) -> Shape | None:
    """The shape of a formula at the exercise's sizes."""
    for world in (desk.example, *desk.worlds.own[:1]):
        with suppress(ArithmeticError, EvaluationError):
            return evaluator_in(world, desk.reader).value(node, scope_in(world, {})).shape
    return None
