"""The slope where there is none: ReLU′(0) is 0, 1 or ½ by convention, and no line is wrong by it."""

from __future__ import annotations

from fractions import Fraction

from symbackprop.algebra.functions import TABLE
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.checking.compare import side, ways_of
from symbackprop.checking.desk import Desk
from symbackprop.checking.findings import Reason
from symbackprop.checking.member import Judged, Member, reason
from symbackprop.checking.values import evaluator_in, scope_in
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node


def at_kink(desk: Desk, left: Member, right: Member) -> Judged | None:
    """What a line with cases or an indicator says of the slope at a kink, if anything."""
    if not any(_by_cases(member) for member in (left, right)):
        return None
    direct = any(_is_slope(member.node, desk.exercise.loss) for member in (left, right))
    for name, call in desk.context.activations.items():
        row = desk.exercise.functions.get(call.function) or TABLE.get(call.function)
        if row is None or row.smooth:
            continue
        agrees = _agree_at(desk, left, right, name)
        if agrees is None:
            continue
        if agrees and not direct:
            return None
        if not agrees and _same_there(desk, left, right, name, call):
            continue
        if not agrees and desk.context.settings.strict:
            return Judged("wrong", (_said(desk, left, right, name, call, agrees),))
        return Judged("convention", (_said(desk, left, right, name, call, agrees),))
    return None


def _same_there(desk: Desk, left: Member, right: Member, name: str, call: tree.Call) -> bool:
    """Whether the line has the exercise's own slope there, and differs in something else."""
    said = _said(desk, left, right, name, call, False)
    return said.parts["here"] == said.parts["there"]


def _said(desk: Desk, left: Member, right: Member, name: str, call: tree.Call, agrees: bool) -> Reason:
    """The two slopes at the kink: the line's and the exercise's."""
    at = tree.equation(tree.Name(name), tree.number(0))
    slope = tree.Call(call.function, call.args, call.options, 1)
    there = _at_zero(desk, slope, name)
    cases = [
        part for member in (left, right) for part in tree.walk(member.node)
        if isinstance(part, tree.Cases | hand.Indicator)
    ]  # fmt: skip
    here = there if agrees else _at_zero(desk, cases[0], name)
    if agrees:
        return reason("check.kink_same", at=at, here=here)
    return reason("check.kink", at=at, here=here, there=there)


def _at_zero(desk: Desk, node: Node, name: str) -> Node:
    """The first entry of a formula where `name` is 0, as a number."""
    world = desk.worlds.own[0]
    here = world.force({name: world.value(name).map(lambda _: world.domain.zero)})
    value = evaluator_in(here, desk.reader).value(node, scope_in(here, {}))
    entry = value.entries[0]
    for number in (0, 1, -1):
        if entry == world.domain.from_fraction(Fraction(number)):
            return tree.number(number)
    for below in range(2, 101):
        for above in range(1, below):
            if entry == world.domain.from_fraction(Fraction(above, below)):
                return tree.number(Fraction(above, below))
    return node


def _by_cases(member: Member) -> bool:
    return any(isinstance(part, tree.Cases | hand.Indicator) for part in tree.walk(member.node))


def _is_slope(node: Node, loss: str) -> bool:
    """Whether a side is a slope itself, and no gradient of the loss that has it as a factor."""
    bare = tree.undressed(node)
    if isinstance(bare, tree.Index):
        bare = bare.base
    if isinstance(bare, tree.Derivative):
        return tree.bare(bare.of) != tree.Name(loss)
    return isinstance(bare, tree.Call) and bare.primes > 0


def _agree_at(desk: Desk, left: Member, right: Member, name: str) -> bool | None:
    """Whether both sides are the same where `name` is 0; None where they do not differ in anything else."""
    world = desk.worlds.own[0]
    try:
        zero = world.value(name).map(lambda _: world.domain.zero)
        here = world.force({name: zero})
        working = evaluator_in(here, desk.reader)
        a, b = side(working, left.variants[0], {}), side(working, right.variants[0], {})
        return "equal" in ways_of(working, a, b) or bool(ways_of(working, a, b))
    except (ArithmeticError, EvaluationError):
        return None
