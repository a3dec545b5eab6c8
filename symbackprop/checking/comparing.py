"""`z_1 = 1 > 0`: comparisons of numbers, which hold in the example or do not."""

from __future__ import annotations

from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.checking.branches import holds
from symbackprop.checking.context import Unclear
from symbackprop.checking.desk import Desk
from symbackprop.checking.member import Judged, Member, reason
from symbackprop.checking.values import evaluator_in, scope_in
from symbackprop.notation import tree


def compared(desk: Desk, left: Member, relation: tree.Relation, right: Member) -> Judged:
    """Whether one number is greater than another. Raises Unclear where the example does not say."""
    chain = tree.Chain((left.node, right.node), (relation,), (None,))
    worlds = [world for world in (desk.carried, desk.digits, desk.example) if world is not None]
    for world in reversed(worlds):
        working = evaluator_in(world, desk.reader)
        try:
            true = all(holds(working, chain, scope_in(world, {})).entries)
        except (ArithmeticError, EvaluationError):
            raise Unclear(reason("check.relation", name=relation), right.written.span) from None
        if true:
            return Judged("correct")
    return Judged("wrong", (reason("check.compared", claim=chain),))
