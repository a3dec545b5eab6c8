"""Why a line is wrong: the mistake that explains it, what would be right, else the smallest difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from typing import Any

from symbackprop import limits
from symbackprop.algebra.values.arrays import Array, form
from symbackprop.algebra.values.domain import Domain, EvaluationError
from symbackprop.checking.budget import OverBudget
from symbackprop.checking.claims import Claim
from symbackprop.checking.compare import TooMany, assignments, look, side
from symbackprop.checking.desk import Desk
from symbackprop.checking.findings import Finding, Named, Reason
from symbackprop.checking.member import Member, numbers_of, reason
from symbackprop.checking.numbers import match, tolerances
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
    if claim.right is None or claim.left is None:
        return finding
    subject = claim.left if claim.about_label else claim.anchor
    if subject is None:
        return finding
    slip = _slip(desk, claim) if claim.right.numeric else None
    named: tuple[Named, ...] = ()
    expected: Node | None = None
    with suppress(*_STOPPED):
        named, expected = _by_rows(desk, claim, subject)
    if slip is not None and (not named or claim.left.numeric):
        named = (slip,)
    elif slip is not None and claim.left is not claim.anchor:
        named = (slip, *named)[: limits.EXPLANATIONS]  # the formula before it is right
    reasons = finding.reasons
    if not named and expected is not None:
        with suppress(*_STOPPED):
            reasons = (*reasons, *_difference(desk, claim, expected))
    if not named and not reasons:
        with suppress(*_STOPPED):
            reasons = tuple(_plainly(desk, claim))
    right = None if expected is None else tree.equation(subject.node, expected)
    return replace(finding, mistakes=named, expected=right, reasons=reasons)


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
        yield reason("check.shape", found=_sizes(found), wanted=_sizes(wanted))
        return
    yield reason("check.wrong_member", member=right.node, left=left.node)


def _sizes(shape: tuple[int, ...]) -> Node:
    return tree.Space(tuple(map(tree.number, shape)))


def _shape(desk: Desk, member: Member) -> tuple[int, ...] | None:
    """The shape of a member, as it shows."""
    world = desk.worlds.own[0]
    working = evaluator_in(world, desk.reader)
    try:
        indices = next(assignments(working, member.variants[0]), {})
        return form(working.value(member.node, scope_in(world, indices)).shape)
    except _ERRORS:
        return None


# --- numbers ---------------------------------------------------------------------------------------


def _slip(desk: Desk, claim: Claim) -> Named | None:
    """A number that does not follow from what stands before it: the sign of an entry, else arithmetic."""
    left, right = claim.left, claim.right
    assert left is not None
    assert right is not None
    world = desk.carried or desk.example
    values = [numbers_of(one, world, desk) for one in (left, right)]
    if values[0] is None or values[1] is None:
        return None
    one, two = values[0], values[1]
    if len(one.entries) != len(two.entries):
        return Named(id="arithmetic") if left.numeric else None
    allowed = tolerances(right.node, approximate=True)
    domain = world.domain
    turned = [_differs(domain, one, two.map(domain.neg), allowed, at) for at in range(len(two.entries))]
    wrong = [at for at in range(len(two.entries)) if _differs(domain, one, two, allowed, at)]
    lost = wrong and not any(turned[at] for at in wrong) and len(two.entries) > 1
    return Named(id="entry_sign" if lost and len(wrong) < len(two.entries) else "arithmetic")


def _differs(
    domain: Domain[Any], a: Array[Any], b: Array[Any], allowed: tuple[Fraction, ...] | None, at: int
) -> bool:
    """Whether two entries differ by more than their rounding."""
    tolerance = None if allowed is None or len(allowed) != len(a.entries) else (allowed[at],)
    one, other = (Array((), (array.entries[at],)) for array in (a, b))
    return match(domain, one, other, tolerance, loose=True)[0] == "different"


# --- rows ------------------------------------------------------------------------------------------


def _by_rows(desk: Desk, claim: Claim, subject: Member) -> tuple[tuple[Named, ...], Node | None]:
    """What the table of mistakes says, and the right formula."""
    right = claim.right
    assert right is not None
    written = None if right.numeric else right.node
    by_places: tuple[Named, ...] = ()
    if not right.numeric and _has_places(right.node):  # the cheaper search, and the nearer one
        with suppress(OverBudget, RecursionError):
            by_places = _repaired(desk, claim, right)
    desk.budget.renew(limits.EXPLAINED_OPERATIONS)
    named, expected = named_mistakes(desk, subject.node, written, _same(desk, right))
    if right.numeric:
        return named, expected
    if not named and not by_places:
        with suppress(OverBudget, RecursionError):
            by_places = _repaired(desk, claim, right)
    known = {one.id for one in named}
    named = (*named, *(one for one in by_places if one.id not in known))[: limits.EXPLANATIONS]
    early = None if named else _updated_early(desk, claim, right)
    return ((early,) if early is not None else named), expected


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

    return repaired(variant.node, holds)


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
    from symbackprop.checking.explain import explain  # with SymPy behind it: only a wrong line needs it

    exercise, steps = desk.steps
    slope = _slope_of(desk, subject)
    if slope is not None:
        argument, call = slope
        made = explain(
            steps, exercise, "d" + argument, same, written=written, right=call,
            shape=exercise.shapes[argument], value=_value(desk),
        )  # fmt: skip
        return made.named, made.expected
    found = _target(desk, subject)
    if found is None:
        return (), None
    target, entry = found
    whole = next((s for s in steps if ("d" if s.gradient else "") + s.target == target), None)
    if whole is None:
        return (), None
    formula = None if entry is None else tree.Index(whole.formula, entry.places)
    made = explain(steps, exercise, target, same, written=written, right=formula, value=_value(desk))
    mean = None if made.expected is None else _of_examples(desk, target, made.expected)
    if made.expected is None or mean is None:
        return made.named, made.expected
    return ((Named(id="mean_missing"),) if same(made.expected) else made.named), mean


def _of_examples(desk: Desk, target: str, expected: Node) -> Node | None:
    """Where dZ is meant per example, 1/m belongs to dW = 1/m dZ Xᵀ; None where that is no matter here."""
    meant = desk.context.per_example
    if target.removeprefix("d") in meant:
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


def _slope_of(desk: Desk, node: Node) -> tuple[str, tree.Call] | None:
    """`σ'(z)`, or ∂ŷ/∂z, as the call that it is, and the name of its argument."""
    bare = tree.undressed(node)
    known = desk.context.activations
    match bare:
        case tree.Call(function, (tree.Name(name),), options, 1) if name in desk.exercise.shapes:
            return name, tree.Call(function, (tree.Name(name),), options, 1)
        case tree.Derivative(tree.Name(of), tree.Name(by)) if (
            by in known and desk.context.output_of(by) == of
        ):
            call = known[by]
            return by, tree.Call(call.function, call.args, call.options, 1)
    return None


def _target(desk: Desk, node: Node) -> tuple[str, tree.Index | None] | None:
    """`dW` or `z` for what a statement is about, and the entry where it is about one."""
    bare = tree.undressed(node)
    if isinstance(bare, tree.Name) and bare.name in desk.context.meanings:
        bare = desk.context.meanings[bare.name]  # δ, which the text defined as dz
    prefix = ""
    if isinstance(bare, tree.Gradient):
        prefix, bare = "d", bare.of
    elif isinstance(bare, tree.Derivative) and bare.of == tree.Name(desk.exercise.loss):
        prefix, bare = "d", bare.by
    entry = bare if isinstance(bare, tree.Index) else None
    core = entry.base if entry is not None else bare
    if isinstance(core, tree.Gradient):
        prefix, core = "d", core.of
    if not isinstance(core, tree.Name) or core.name not in desk.exercise.shapes:
        return None
    if not prefix and core.name not in desk.exercise.computed:
        return None
    return prefix + core.name, entry


def _same(desk: Desk, right: Member) -> Callable[[Node], bool | None]:
    """Whether a formula has the value that the person wrote."""
    variant = right.variants[0]
    worlds: tuple[World, ...] = (desk.example,) if right.numeric else desk.worlds.own

    def same(node: Node) -> bool | None:
        try:
            seen = look(Resolved(node, variant.free), variant, worlds, desk.reader)
            if seen.trouble == "undefined" and not right.numeric:
                seen = look(Resolved(node, variant.free), variant, desk.more_points, desk.reader)
        except TooMany:
            return None
        return None if seen.trouble else seen.equal

    return same


def _value(desk: Desk) -> Callable[[Node], object | None]:
    """The value of a part of a formula at one point, to be compared."""
    world = desk.worlds.own[0]

    def value(node: Node) -> object | None:
        working = evaluator_in(world, desk.reader)
        try:
            made = working.value(node, scope_in(world, {}))
        except _ERRORS:
            return None
        return made.shape, made.entries

    return value


# --- the smallest difference ------------------------------------------------------------------------


def _difference(desk: Desk, claim: Claim, expected: Node) -> tuple[Reason, ...]:
    from symbackprop.checking.difference import smallest_difference

    assert claim.right is not None
    variant = claim.right.variants[0]
    world = desk.example if claim.right.numeric else desk.worlds.own[0]
    working = evaluator_in(world, desk.reader)
    indices = next(assignments(working, variant), {})
    right = working.value(expected, scope_in(world, indices))
    wrong: Array[Any] | None
    try:
        wrong = side(working, variant, indices).array
    except _ERRORS:
        wrong = None
    return smallest_difference(right, wrong, variant.node, expected)
