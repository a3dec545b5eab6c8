"""What a person's own values are from a line on: rounded, or wrong, whole or in one entry."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.checking.claims import Claim
from symbackprop.checking.desk import Desk
from symbackprop.checking.findings import Reason
from symbackprop.checking.links import Links
from symbackprop.checking.member import Member, numbers_of, reason
from symbackprop.checking.numbers import distance, tolerances
from symbackprop.notation import tree
from symbackprop.notation.tree import Node


def _keep_right_digits(desk: Desk, key: str, value: Array[Any], number: Member | None) -> None:
    """The entries of a wrong array that are only rounded are gone on with, and no mistake."""
    allowed = None if number is None else tolerances(number.node, approximate=True)
    world = desk.digits or desk.example
    try:
        right = world.gradient(key[1:]) if desk.is_gradient(key) else world.value(key)
    except (ArithmeticError, EvaluationError):
        return
    if allowed is None or not len(allowed) == len(right.entries) == len(value.entries) > 1:
        return
    pairs = zip(value.entries, right.entries, allowed, strict=True)
    try:
        kept = [mine if distance(world.domain, mine, true) <= off else true for mine, true, off in pairs]
    except ArithmeticError:
        return  # a symbol
    desk.written[key] = right.with_entries(kept)


def _with_entry(
    desk: Desk, key: str, places: tuple[int, ...], value: Array[Any], unit: tuple[Fraction, ...]
) -> tuple[Array[Any], tuple[Fraction, ...]] | None:
    """A whole value with one entry as the person has it, the others as they were, or as they follow; and half
    a unit of the last digit of each that is the person's."""
    gradient = desk.is_gradient(key)
    world = (desk.worked(carried=True) if desk.wrong_numbers else None) or desk.digits or desk.example
    try:
        right = world.gradient(key[1:]) if gradient else world.value(key)
    except (ArithmeticError, EvaluationError):
        return None
    whole = desk.wrong_numbers.get(key, desk.written.get(key, right))
    at = place_among(whole.shape, places)
    if at is None:
        return None
    units = list(desk.wrong_units.get(key) or [Fraction(0)] * len(whole.entries))
    units[at : at + 1] = unit or (Fraction(0),)
    return with_one(whole, at, value), tuple(units)


def remember(desk: Desk, claim: Claim, verdict: str, line: int) -> None:
    """The person's own values, rounded or wrong, for what comes after."""
    anchor = claim.anchor
    if anchor is None or claim.about_label:
        return
    key, places = key_of(anchor.node, desk), None
    if key is None:
        key, places = entry_of(anchor.node, desk)
    if key is None:
        return
    members = [claim.last, claim.right]
    number = next((one for one in members if one is not None and one.numeric), None)
    value = None if number is None else numbers_of(number, desk.example, desk)
    units = () if number is None else tolerances(number.node, approximate=True) or ()
    if places is not None:
        if verdict == "rounded" and number is not None and _is_result(number):
            desk.entries[tree.undressed(anchor.node)] = number.node
            _piece(desk, key, places, value)
        exact = verdict not in ("wrong", "carried") or value is None
        made = None if exact or value is None else _with_entry(desk, key, places, value, units)
        if made is None:
            return
        value, units = made
    if value is not None and not _fits(desk, key, value):
        if verdict in ("wrong", "carried"):
            desk.misfits.setdefault(key, (value, line))
        return  # a number for a vector: nothing can be worked out with it
    if verdict in ("wrong", "carried"):
        desk.lines.setdefault(key, line)
        if value is not None:
            desk.wrong_numbers[key] = value
            desk.wrong_units[key] = units
            _keep_right_digits(desk, key, value, number)
        right = claim.right
        if right is not None and not right.numeric and verdict == "wrong" and places is None:
            desk.wrong_formulas[key] = right.variants[0]
        elif value is not None and verdict == "wrong":
            desk.wrong_formulas.pop(key, None)
        return
    if number is not None and _is_result(number) and key in desk.context.meanings:
        desk.noted[key] = desk.context.meanings[key], number.node
    if verdict == "rounded" and value is not None and number is not None and _is_result(number):
        desk.written[key] = value
        desk.pieces.pop(key, None)


def _piece(desk: Desk, key: str, places: tuple[int, ...], value: Array[Any] | None) -> None:
    """A value of the forward pass with one entry as it is written."""
    if value is None or desk.is_gradient(key):
        return
    known = desk.written.get(key) or (desk.digits or desk.example).values.get(key)
    whole = desk.pieces.get(key, known)
    at = None if whole is None else place_among(whole.shape, places)
    if whole is not None and at is not None:
        desk.pieces[key] = with_one(whole, at, value)


def with_one(whole: Array[Any], at: int, value: Array[Any]) -> Array[Any]:
    """An array with one entry, counted from 0, as the first of `value`."""
    entries = list(whole.entries)
    entries[at] = value.entries[0]
    return whole.with_entries(entries)


def place_among(shape: tuple[int, ...], places: tuple[int, ...]) -> int | None:
    """Where an entry stands among all, counted from 0; None where there is no such one."""
    if len(places) == 1 and len(shape) == 2 and 1 in shape:  # dw_2 of one neuron
        places = (1, *places) if shape[0] == 1 else (*places, 1)
    if len(places) != len(shape) or not all(
        1 <= one <= size for one, size in zip(places, shape, strict=True)
    ):
        return None
    at = 0
    for one, size in zip(places, shape, strict=True):
        at = at * size + one - 1
    return at


def _fits(desk: Desk, key: str, value: Array[Any]) -> bool:
    """Whether a written value has as many entries as what it is said to be."""
    shapes = desk.exercise.shapes
    shape = shapes.get(key[1:] if desk.is_gradient(key) else key)
    sizes = [size for size in shape or () if isinstance(size, int)]
    return shape is None or len(sizes) != len(shape) or prod(sizes) == len(value.entries)


def restated(desk: Desk, claim: Claim) -> Reason | None:
    """Why a line is no new mistake: it says again that a vector is the number that it was said to be."""
    anchor, number = claim.anchor, claim.last
    key = None if anchor is None else key_of(anchor.node, desk)
    if key is None or key not in desk.misfits or number is None or not number.numeric:
        return None
    value, line = desk.misfits[key]
    if numbers_of(number, desk.example, desk) != value:
        return None
    return reason("check.carried", name=Links(desk).shown(key), line=line)


def key_of(node: Node, desk: Desk) -> str | None:
    """`z` or `dz`: the computed name or the gradient that a statement is about; None for anything else."""
    bare = tree.undressed(node)
    if isinstance(bare, tree.Name) and bare.name in desk.context.meanings:
        meant = desk.context.meanings[bare.name]
        return key_of(meant, desk) if isinstance(meant, tree.Gradient | tree.Derivative) else bare.name
    match bare:
        case tree.Name(name) if name in desk.exercise.computed:
            return name
        case tree.Gradient(tree.Name(name)) if name != desk.exercise.loss:
            return "d" + name
        case tree.Derivative(tree.Name(of), tree.Name(by)) if of == desk.exercise.loss and by != of:
            return "d" + by
    return None


def entry_of(node: Node, desk: Desk) -> tuple[str | None, tuple[int, ...] | None]:
    """Of `dw_{13}` and `z_2` the name or gradient, and which entry of it, counted from 1."""
    bare = tree.undressed(node)
    gradient = isinstance(bare, tree.Gradient | tree.Derivative)
    if isinstance(bare, tree.Derivative):
        entry = bare.by if bare.of == tree.Name(desk.exercise.loss) else None
    else:
        entry = bare.of if isinstance(bare, tree.Gradient) else bare
    match entry:
        case tree.Index(tree.Name(name), places) if all(isinstance(one, tree.Number) for one in places):
            known = name in desk.exercise.shapes if gradient else name in desk.exercise.computed
            at = tuple(int(one.value) for one in places if isinstance(one, tree.Number))
            return (("d" if gradient else "") + name, at) if known else (None, None)
    return None, None


def _is_result(member: Member) -> bool:
    return tolerances(member.node, approximate=True) is not None
