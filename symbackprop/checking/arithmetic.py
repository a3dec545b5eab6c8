"""Numbers that are wrong: those that a mistake in the formula makes, else a slip in the arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Domain, EvaluationError
from symbackprop.algebra.values.exact import bounds
from symbackprop.checking.claims import Claim
from symbackprop.checking.compare import Side, TooMany, side, sides
from symbackprop.checking.desk import Desk
from symbackprop.checking.difference import places_of
from symbackprop.checking.entry_form import entry_form, entry_of_name
from symbackprop.checking.findings import Named
from symbackprop.checking.member import Member, numbers_of
from symbackprop.checking.numbers import match, spread, tolerances
from symbackprop.checking.resolve import Resolved
from symbackprop.checking.values import evaluator_in, scope_in
from symbackprop.checking.worlds import World
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

COARSE = Fraction(1, 100)
"""The share of a number that its last digit may leave open: of fewer digits nobody can tell a mistake."""

_ERRORS = (ArithmeticError, EvaluationError)


def as_written(desk: Desk, right: Member) -> Callable[[Node], bool | None]:
    """Whether a formula has, at the example, the number that a person wrote, to its digits."""
    variant = right.variants[0]
    worlds = tuple(world for world in (desk.example, desk.digits) if world is not None)
    off = _off(desk, variant.node, worlds[0])

    def same(node: Node) -> bool | None:
        found: bool | None = None
        for world in worlds:
            try:
                one, two = _both(desk, world, Resolved(node, variant.free), variant)
            except TooMany:
                return None
            except _ERRORS:
                continue
            loose = one.loose or two.loose
            found = match(world.domain, one.array, two.array, off, loose=loose)[0] != "different"
            if found:
                return True
        return found

    return same


def _both(desk: Desk, world: World, formula: Resolved, written: Resolved) -> tuple[Side, Side]:
    """Both values; a vector of ones is as long as what is written."""
    working = evaluator_in(world, desk.reader)
    if isinstance(formula.node, tree.Ones):
        two = side(working, written, {})
        return side(working, formula, {}, (len(two.array.entries),)), two
    return sides(working, formula, written, {})


def _off(desk: Desk, node: Node, world: World) -> tuple[Fraction, ...] | None:
    """How far each number may be off; None where it is exact, or has too few digits to say anything."""

    def value(part: Node) -> Array[Any]:
        return evaluator_in(world, desk.reader).value(part, scope_in(world, {}))

    found = tolerances(node, approximate=False) or spread(node, world.domain, value, ())
    if found is None or not any(found):
        return None
    try:
        sizes = [max(map(abs, bounds(entry))) for entry in value(node).entries]
    except _ERRORS:
        return None
    fine = all(off <= COARSE * size for off, size in zip(found, sizes, strict=False) if size)
    return found if fine else None


# --- slips ------------------------------------------------------------------------------------------


def slip(desk: Desk, claim: Claim) -> Named | None:
    """A number that does not follow from what stands before it: the sign of an entry, else arithmetic.

    Of an operation, `−0.27 · 0.73` for dz, nobody can say that it is badly calculated: it is another one.
    """
    left, right = claim.left, claim.right
    if left is None or right is None or not right.numeric:
        return None
    if not left.numeric and tolerances(right.node, approximate=True) is None:
        return None
    core = tree.undressed(left.node)
    while isinstance(core, tree.Transpose | tree.Index):
        core = core.body if isinstance(core, tree.Transpose) else core.base
    given = isinstance(core, tree.Name) and core.name in desk.exercise.given
    world = desk.carried or desk.example
    one, two = (numbers_of(member, world, desk) for member in (left, right))
    if one is None or two is None:
        return None
    if len(one.entries) != len(two.entries):
        return Named(id="arithmetic") if left.numeric else None
    allowed = tolerances(right.node, approximate=True)
    domain, every = world.domain, range(len(two.entries))
    wrong = [at for at in every if _differs(domain, one, two, allowed, at)]
    turned = two.map(domain.neg)
    lost = bool(wrong) and not any(_differs(domain, one, turned, allowed, at) for at in wrong)
    if lost and len(wrong) < len(every):
        about = _entries(desk, claim, one.shape, wrong)
        if about is not None:
            return Named(id="entry_sign", about=about)
    return None if given else Named(id="arithmetic")


def _differs(
    domain: Domain[Any], a: Array[Any], b: Array[Any], allowed: tuple[Fraction, ...] | None, at: int
) -> bool:
    """Whether two entries differ by more than their rounding."""
    tolerance = None if allowed is None or len(allowed) != len(a.entries) else (allowed[at],)
    one, other = (Array((), (array.entries[at],)) for array in (a, b))
    return match(domain, one, other, tolerance, loose=True)[0] == "different"


def _entries(desk: Desk, claim: Claim, shape: tuple[int, ...], wrong: list[int]) -> Node | None:
    """The entries of what the line is about, `dW_3`; None where that has no name."""
    for member in (claim.anchor, claim.left):
        if member is not None:
            own = shape if member is claim.left else (_shape(desk, member) or shape)
            named = [entry_named(member.node, own, at, desk.exercise) for at in wrong]
            if all(named):
                return named[0] if len(named) == 1 else tree.Row(tuple(one for one in named if one), ",")
    return None


def _shape(desk: Desk, member: Member) -> tuple[int, ...] | None:
    found = numbers_of(member, desk.example, desk)
    return None if found is None else found.shape


def entry_named(node: Node, shape: tuple[int, ...], at: int, exercise: Exercise) -> Node | None:
    """`dW_12` for the entry `at` (from 0) of `dW`, and of its transpose; None for what has no name."""
    bare = tree.undressed(node)
    if not shape:
        return bare if isinstance(bare, tree.Index | tree.Gradient | tree.Name | tree.Derivative) else None
    places = places_of(shape, at)
    if isinstance(bare, tree.Transpose) and entry_of_name(bare.body, ()) is not None:
        made = entry_form(bare, places, exercise)
        return None if isinstance(made, tree.Index) and isinstance(made.base, tree.Transpose) else made
    return entry_of_name(bare, places)
