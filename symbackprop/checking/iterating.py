"""A second pass: after `W ← W − η dW = (…)` in numbers, a text may go on with the new weights."""

from __future__ import annotations

from dataclasses import replace

from symbackprop.checking.claims import Claim
from symbackprop.checking.descending import goes_by, rates_so_far
from symbackprop.checking.desk import Desk
from symbackprop.checking.member import numbers_of
from symbackprop.checking.numeric import is_numeric
from symbackprop.checking.remembering import key_of, place_among, with_one
from symbackprop.checking.updating import Update, as_entry, is_parameter
from symbackprop.notation import tree
from symbackprop.notation.tree import Node


def keep_step(desk: Desk, claim: Claim) -> None:
    """The new value of a weight, or of one entry of it, that a step ends with."""
    old, number = claim.stepped, claim.last
    if old is None or number is None or not number.numeric:
        return
    value = numbers_of(number, desk.example, desk)
    name, places = _name_of(desk, old)
    known = None if name is None else desk.stepped.get(name, desk.exercise.values.get(name))
    if value is None or name is None or known is None:
        return
    if not places:
        if len(value.entries) == len(known.entries):
            desk.stepped[name] = value.reshaped(known.shape)
        return
    at = place_among(known.shape, places)
    if at is not None and len(value.entries) == 1:
        desk.stepped[name] = with_one(known, at, value)


def listed_step(desk: Desk, chain: tree.Chain) -> Update | None:
    """`b = 7.2` among new weights: a step down by the rate that the text has, though it does not say so."""
    first, rest = chain.members[0], chain.members[1:]
    numbers = all(map(is_numeric, rest)) and set(chain.relations) <= {"=", "≈"}
    old = as_entry(desk.context, first)
    if not numbers or not is_parameter(desk.context, old):
        return None
    update = Update(old, "", tuple(rest))
    rates = rates_so_far(desk)
    return update if rates and goes_by(desk, update, rates) else None


def _name_of(desk: Desk, old: Node) -> tuple[str | None, tuple[int, ...]]:
    """The given name that a step is of, and of which entry."""
    core = old.base if isinstance(old, tree.Index) else old
    places = old.places if isinstance(old, tree.Index) else ()
    if not isinstance(core, tree.Name) or not all(isinstance(one, tree.Number) for one in places):
        return None, ()
    numbers = tuple(int(one.value) for one in places if isinstance(one, tree.Number))
    return desk.context.variable(core.name), numbers


def begins_pass(desk: Desk, claim: Claim) -> bool:
    """Whether a line that is wrong may be one of the next pass: about the forward pass, or a new weight."""
    if not desk.stepped or claim.anchor is None:
        return False
    bare = tree.undressed(claim.anchor.node)
    bare = bare.base if isinstance(bare, tree.Index) else bare
    known = {*desk.exercise.computed, *desk.stepped, *desk.context.meanings}
    forward = isinstance(bare, tree.Name) and bare.name in known
    return forward and not desk.is_gradient(key_of(bare, desk) or desk.exercise.loss)


def next_pass(desk: Desk) -> Desk:
    """The desk of the next pass: the same exercise with the new weights; nothing of it is written yet."""
    exercise = replace(desk.exercise, values={**desk.exercise.values, **desk.stepped})
    old = desk.context.by_numbers
    kept = {name: meaning for name, meaning in desk.context.meanings.items() if name not in old}
    context = replace(desk.context, exercise=exercise, meanings=kept)
    return Desk(exercise, context, given=dict(desk.given), few=desk.few, rows=desk.rows, rate=desk.rate)
