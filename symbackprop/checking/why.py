"""Why a line is wrong: the mistake that explains it, what would be right, else the smallest difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from symbackprop import limits
from symbackprop.algebra.values.arrays import Array, form
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.checking import arithmetic
from symbackprop.checking.budget import OverBudget
from symbackprop.checking.claims import Claim
from symbackprop.checking.compare import TooMany, assignments, look, side
from symbackprop.checking.desk import Desk
from symbackprop.checking.difference import common, shape_told, smallest_difference
from symbackprop.checking.entry_form import entry_form
from symbackprop.checking.findings import Finding, Named, Reason
from symbackprop.checking.fitting import hidden
from symbackprop.checking.links import Links
from symbackprop.checking.member import Member, reason
from symbackprop.checking.repairs import repaired
from symbackprop.checking.resolve import Resolved
from symbackprop.checking.values import evaluator_in, scope_in
from symbackprop.checking.worlds import World
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

_ERRORS = (ArithmeticError, EvaluationError)

_STOPPED = (*_ERRORS, OverBudget, RecursionError)
"""What ends an attempt to explain: the line is wrong all the same."""


def explained(desk: Desk, finding: Finding, claim: Claim) -> Finding:
    """The finding with its mistakes named, the right line, or the smallest difference."""
    claim = _of_one_layer(desk, claim)
    if claim.right is None or claim.left is None or isinstance(claim.right.node, tree.Space):
        return finding
    subject = claim.left if claim.about_label else claim.anchor
    if subject is None:
        return finding
    if _right_by_itself(desk, claim):
        return replace(finding, reasons=(reason("check.row_before"),))
    slip = arithmetic.slip(desk, claim)
    named: tuple[Named, ...] = ()
    expected: Node | None = None
    with suppress(*_STOPPED):
        named, expected = _by_rows(desk, claim, subject)
    if slip is not None and (not named or claim.left.numeric):
        named = (slip,)
    reasons = finding.reasons
    if named:
        reasons = tuple(one for one in reasons if not _far_fetched(one, claim))
    elif expected is not None:
        with suppress(*_STOPPED):
            reasons = (*reasons, *_difference(desk, claim, expected))
    if not named and not reasons:
        with suppress(*_STOPPED):
            reasons = tuple(_plainly(desk, claim))
    right = None if expected is None else tree.equation(subject.node, expected)
    return replace(finding, mistakes=named, expected=right, reasons=reasons)


def _of_one_layer(desk: Desk, claim: Claim) -> Claim:
    """A line about any layer as one about the first for which it is wrong."""
    left, right = claim.left, claim.right
    if left is None or right is None or len(left.variants) == len(right.variants) == 1:
        return claim
    for b in right.variants:
        pairs = [a for a in left.variants if None in (a.instance, b.instance) or a.instance == b.instance]
        for a in pairs:
            one, two = Member(left.written, (a,)), Member(right.written, (b,))
            if Links(desk).judge(one, two).verdict == "wrong":
                number = b.instance if a.instance is None else a.instance
                return replace(claim, left=one, right=two, anchor=_of_layer(claim.anchor, number, left, one))
    return claim


def _of_layer(anchor: Member | None, number: int | None, left: Member, one: Member) -> Member | None:
    if anchor is None or anchor is left:
        return one if anchor is left else None
    same = [variant for variant in anchor.variants if variant.instance in (number, None)]
    return Member(anchor.written, tuple(same[:1])) if same else anchor


def _right_by_itself(desk: Desk, claim: Claim) -> bool:
    """`= Wᵀδ` in the row after `∂L/∂x = Wδ`: what is false is that it equals the row before."""
    left, anchor, right = claim.left, claim.anchor, claim.right
    if claim.about_label or anchor is None or left is None or right is None or left is anchor:
        return False
    with suppress(*_STOPPED):
        return Links(desk).judge(anchor, right).verdict in ("correct", "rounded")
    return False


def _far_fetched(one: Reason, claim: Claim) -> bool:
    """A condition that has nothing to do with a named mistake: `y = 0` where y stands in the line."""
    found = one.parts.get("condition")
    if not isinstance(found, tree.Chain) or found.relations != ("=",) or claim.right is None:
        return False
    return bool({*tree.names_in(found.members[0])} & {*tree.names_in(claim.right.node)})


def _plainly(desk: Desk, claim: Claim) -> Iterator[Reason]:
    """What is not equal to what; a derivative that is upside down; a shape that cannot be."""
    left, right = claim.left, claim.right
    assert left is not None
    assert right is not None
    for one, other in ((left, right), (right, left)):
        bare = tree.undressed(one.node)
        if isinstance(bare, tree.Derivative):
            turned = tree.Derivative(bare.by, bare.of)
            upright = Resolved(turned, one.variants[0].free)
            with suppress(*_ERRORS):
                if look(upright, other.variants[0], desk.worlds.own, desk.reader).ways:
                    yield reason("check.upside_down", member=other.node, turned=turned, left=bare)
                    return
    wanted, found = _shape(desk, left), _shape(desk, right)
    if wanted is not None and found is not None and wanted != found:
        got, due = (shape_told(one, desk.letters) for one in (found, wanted))
        yield reason("check.differs_shape", got=got, wanted=due)
        return
    yield reason("check.wrong_member", member=right.node, left=left.node)


def _shape(desk: Desk, member: Member) -> tuple[int, ...] | None:
    """The shape of a member, as it shows."""
    world = desk.worlds.own[0]
    working = evaluator_in(world, desk.reader)
    try:
        indices = next(assignments(working, member.variants[0]), {})
        return form(working.value(member.node, scope_in(world, indices)).shape)
    except _ERRORS:
        return None


# --- rows ------------------------------------------------------------------------------------------


def _by_rows(desk: Desk, claim: Claim, subject: Member) -> tuple[tuple[Named, ...], Node | None]:
    """What the table of mistakes says, and the right formula."""
    right = claim.right
    assert right is not None
    written = None if right.numeric else right.node
    if max(sum(1 for _ in tree.walk(one.node)) for one in (subject, right)) > limits.EXPLAINED_PARTS:
        return (), None
    by_places: tuple[Named, ...] = ()
    if not right.numeric and _has_places(right.node):  # the cheaper search, and the nearer one
        with suppress(OverBudget, RecursionError):
            by_places = _repaired(desk, claim, right)
    desk.budget.renew(limits.EXPLAINED_OPERATIONS)
    named, expected = named_mistakes(desk, subject.node, written, _same(desk, right, subject))
    if right.numeric:
        return named, expected
    if not named and right.mixed:  # (ŷ − y) · 1: the 1 is a value of the example
        found, _ = named_mistakes(desk, subject.node, written, arithmetic.as_written(desk, right))
        named = tuple(one for one in found if one.id in AT_EXAMPLE)
    if not named and not by_places:
        with suppress(OverBudget, RecursionError):
            by_places = _repaired(desk, claim, right)
    known = {one.id for one in named}
    every = (*named, *(one for one in by_places if one.id not in known))
    weaker = hidden({one.id for one in every})
    named = tuple(one for one in every if one.id not in weaker)[: limits.EXPLANATIONS]
    early = None if named else _updated_early(desk, claim, right)
    return ((early,) if early is not None else named), expected


AT_EXAMPLE = frozenset({"factor_forgotten", "upstream_forgotten", "slope_missing", "sign", "term_sign"})
"""Rows that are looked for with the example's numbers, in a line that mixes some in."""


def _has_places(node: Node) -> bool:
    """Whether a line is written in indices: there a lost transpose shows as swapped indices."""
    return any(isinstance(part, tree.Index) for part in tree.walk(node))


def _repaired(desk: Desk, claim: Claim, right: Member) -> tuple[Named, ...]:
    """What single change would make the line hold."""
    left, variant = claim.left, right.variants[0]
    if left is None:
        return ()

    parts = sum(1 for _ in tree.walk(variant.node))

    def holds(node: Node) -> bool:
        desk.budget.spend(parts)  # for making the formula
        try:
            return look(left.variants[0], Resolved(node, variant.free), desk.worlds.own, desk.reader).equal
        except TooMany:
            return False

    return repaired(variant.node, holds, left.node)


def _updated_early(desk: Desk, claim: Claim, right: Member) -> Named | None:
    """V = W − η dW in place of W: the line would hold with the weights from before the step."""
    left = claim.left
    for name in tree.names_in(right.node):
        meaning = desk.context.meanings.get(name)
        if meaning is None or left is None:
            continue
        for old in tree.names_in(meaning):
            if old in desk.exercise.given and tree.Gradient(tree.Name(old)) in set(tree.walk(meaning)):
                variant = right.variants[0]
                before = Resolved(tree.replace_names(variant.node, {name: tree.Name(old)}), variant.free)
                if look(left.variants[0], before, desk.worlds.own, desk.reader).equal:
                    return Named(id="updated_too_early", about=tree.Name(old), instead=tree.Name(name))
    return None


def named_mistakes(
    desk: Desk, subject: Node, written: Node | None, same: Callable[[Node], bool | None]
) -> tuple[tuple[Named, ...], Node | None]:
    """The mistakes that make what stands for `subject` of the right formula, and that formula.

    Nothing is named where looking for them takes more work than the limit.
    """
    desk.budget.renew(limits.EXPLAINED_OPERATIONS)
    try:
        return _named_mistakes(desk, subject, written, same)
    except (OverBudget, RecursionError):
        return (), None
    finally:
        desk.budget.renew(limits.EXPLAINED_OPERATIONS // 4)  # for what is tried besides


def _named_mistakes(
    desk: Desk, subject: Node, written: Node | None, same: Callable[[Node], bool | None]
) -> tuple[tuple[Named, ...], Node | None]:
    from symbackprop.checking.due import (
        due,
        formula_itself,
    )  # with SymPy behind them: only a wrong line needs them
    from symbackprop.checking.explain import explain_in

    wanted = due(desk, subject)
    if wanted is None and written is None:
        wanted = formula_itself(desk, subject)
    if wanted is None:
        return (), None
    if written is not None:
        written = tree.replace_names(written, dict(desk.context.meanings))  # δ as what it was said to be
    if wanted.places:
        desk.budget.renew(limits.EXPLAINED_OPERATIONS // 2)  # every value of the indices takes its time
    made = explain_in(
        wanted.steps, wanted.exercise, wanted.forms, same, written=written, value=_value(desk),
        shown=wanted.shown, places=wanted.places, whole=wanted.whole,
    )  # fmt: skip
    expected = made.expected if wanted.shown != subject else None
    step = wanted.whole or wanted.forms[0]
    mean = _of_examples(desk, step.target, expected) if expected is not None and step.gradient else None
    if mean is None or expected is None:
        return made.named, expected
    return ((Named(id="mean_missing"),) if same(expected) else made.named), mean


def _of_examples(desk: Desk, target: str, expected: Node) -> Node | None:
    """Where dZ is meant per example, 1/m belongs to dW = 1/m dZ Xᵀ; None where that is no matter here."""
    meant = desk.context.per_example
    if target in meant:
        return None
    slopes = {part.of for part in tree.walk(expected) if isinstance(part, tree.Gradient)}
    name = next((name for name in meant if tree.Name(name) in slopes), None)
    if name is None:
        return None
    axis = desk.worlds.own[0].value(name).shape.index(meant[name])
    size = desk.exercise.shapes[name][axis]
    examples = tree.Name(size) if isinstance(size, str) else tree.number(size)
    factor = tree.Quotient(tree.number(1), examples)
    return tree.juxtaposed(factor, *tree.plain_factors(expected))


def _same(desk: Desk, right: Member, subject: Member) -> Callable[[Node], bool | None]:
    """Whether a formula has the value that the person wrote, for all entries of the subject."""
    if right.numeric:
        return arithmetic.as_written(desk, right)
    variant, about = right.variants[0], subject.variants[0]

    def same(node: Node) -> bool | None:
        try:
            one = Resolved(node, variant.free)
            beside = [about] if set(about.free) <= set(variant.free) else []
            seen = look(one, variant, desk.worlds.own, desk.reader, beside=beside)
            if seen.trouble == "undefined":
                seen = look(one, variant, desk.more_points, desk.reader, beside=beside)
        except TooMany:
            return None
        return None if seen.trouble else seen.equal

    return same


def _all_on(desk: Desk, world: World) -> bool:
    names = [name for name in desk.context.activations if name in world.values]
    return all(world.domain.sign(entry) == 1 for name in names for entry in world.values[name].entries)


def _value(desk: Desk) -> Callable[[Node], object | None]:
    """The values of a part of a formula at two points, to be compared: at one all units are on, so that no
    part is 0 there; at the other their slopes differ."""
    points = desk.worlds.own
    worlds = (next((one for one in points if _all_on(desk, one)), points[0]), points[-1])

    def value(node: Node) -> object | None:
        found = []
        for world in worlds:
            working = evaluator_in(world, desk.reader)
            try:
                made = working.value(node, scope_in(world, {}))
            except _ERRORS:
                return None
            found.append((made.shape, made.entries))
        return tuple(found)

    return value


# --- the smallest difference ------------------------------------------------------------------------

POINTS = 4
"""Points at which a difference is looked at: what is told must be so at all of them."""


def _difference(desk: Desk, claim: Claim, expected: Node) -> tuple[Reason, ...]:
    assert claim.right is not None
    variant = claim.right.variants[0]
    worlds = (desk.example,) if claim.right.numeric else desk.worlds.own[:POINTS]
    found = (_difference_in(desk, world, variant, expected) for world in worlds)
    return common([one for one in found if one is not None])


def _difference_in(desk: Desk, world: World, variant: Resolved, expected: Node) -> tuple[Reason, ...] | None:
    """The difference at one point; None where both sides are the same there."""
    working = evaluator_in(world, desk.reader)
    indices = next(assignments(working, variant), {})
    right = working.value(expected, scope_in(world, indices))
    wrong: Array[Any] | None
    try:
        wrong = side(working, variant, indices).array
    except _ERRORS:
        wrong = None
    if wrong is not None and wrong.entries == right.entries:
        return None
    modulus = getattr(world.domain, "modulus", None)

    def entry(places: tuple[Node, ...]) -> Node:
        return entry_form(expected, places, desk.steps[0])

    return smallest_difference(
        right, wrong, variant.node, expected, modulus=modulus, sizes=desk.letters, numbers=world.example,
        entry=None if world.example else entry,
    )  # fmt: skip
