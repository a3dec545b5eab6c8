"""One mistake put in: a row of the table, a transpose, prime or index lost in writing, a slip in a number.

A mistake is put in only where it is one for sure: the value or the shape differs at random points, however
generously products are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

from symbackprop.derivation.mistakes import every_wrong_formula
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

from .entries import NoEntries, shape
from .facts import Facts, facts
from .figures import Figures, sign_lost, slipped
from .variants import by_hand

ARITHMETIC = "arithmetic"


@dataclass(frozen=True, slots=True)
class Mutated:
    """The members of a wrong chain; with `figures` the slip is in its numbers, and these are right."""

    claims: tuple[Node, ...]
    mistake: str
    figures: bool = False


def in_formula(exercise: Facts, target: str, claim: Node, rng: Random) -> Mutated | None:
    """A wrong formula for a target; None where no row makes one."""
    if rng.random() < 0.3:
        for made, mistake in _shuffled(list(_miswritten(claim)), rng):
            if surely_wrong(exercise.name, target, made):
                return Mutated((made,), mistake)
    found = rows(exercise.name, target)
    if not found:
        return None
    row = rng.choice(sorted(found))
    return Mutated((rng.choice(found[row]),), row)


def _shuffled(found: list[tuple[Node, str]], rng: Random) -> list[tuple[Node, str]]:
    rng.shuffle(found)
    return found


@cache
def rows(name: str, target: str) -> dict[str, list[Node]]:
    """Every formula that a row makes of a step and that is surely wrong, by the id of the row."""
    exercise = facts(name)
    made: dict[str, list[Node]] = {}
    for row, wrong in every_wrong_formula(exercise.exercise, exercise.by_target[target], exercise.steps):
        try:
            formula = by_hand(exercise, wrong.formula)
        except (NoEntries, ValueError, KeyError):
            continue
        unwritable = any(isinstance(part, tree.Matrix | tree.Entrywise) for part in tree.walk(formula))
        same = row.id == "dot_as_hadamard" and any(_has_one(exercise, part) for part in tree.walk(formula))
        if not unwritable and not same and surely_wrong(name, target, formula):
            made.setdefault(row.id, []).append(formula)
    return made


def _has_one(exercise: Facts, node: Node) -> bool:
    """Whether ⊙ stands beside a vector of one entry: it is written · there, as a matrix product is."""
    if not isinstance(node, tree.Product) or "odot" not in node.signs:
        return False
    return any(set(shape(exercise, factor)) == {1} for factor in node.factors)


def _miswritten(node: Node) -> Iterator[tuple[Node, str]]:
    """A transpose or a prime lost somewhere; the whole result's transpose is a matter of its own."""
    match node:
        case tree.Transpose(body):
            yield body, "transpose_missing"
        case tree.Call(function, args, options, 1):
            yield tree.Call(function, args, options), "function_for_slope"
    children = list(tree.children(node))
    if isinstance(node, tree.Gradient | tree.Index):
        return
    for at, child in enumerate(children):
        for made, mistake in _miswritten(child):
            left = iter(range(len(children)))
            yield (
                tree.rebuild(node, lambda c, made=made, at=at, left=left: made if next(left) == at else c),
                mistake,
            )


@cache
def surely_wrong(name: str, target: str, formula: Node) -> bool:
    """Whether a formula is wrong however its products are read."""
    exercise = facts(name)
    return all(exercise.fails(target, reading) for reading in _readings(exercise, formula))


def _readings(exercise: Facts, formula: Node) -> Iterator[Node]:
    yield formula
    for read in (_entry_by_entry, _as_dots, _spread):
        generous = read(exercise, formula)
        if generous != formula:
            yield generous


def clear_with_stars(exercise: Facts, formula: Node) -> bool:
    """Whether `*` for ⊙ says what is meant: between unequal shapes it is a product of matrices."""
    for part in tree.walk(formula):
        if isinstance(part, tree.Product) and "odot" in part.signs:
            sizes = {shape(exercise, factor) for factor in part.factors} - {()}
            if len(sizes) > 1:
                return False
    return True


def _entry_by_entry(exercise: Facts, node: Node) -> Node:
    """Equal shapes side by side as ⊙, as many people write."""
    node = tree.rebuild(node, lambda child: _entry_by_entry(exercise, child))
    match node:
        case tree.Product((left, right), ("" | "cdot",)):
            sizes = shape(exercise, left)
            spread = any(isinstance(part, tree.Ones) for part in tree.walk(right))  # H (1 γᵀ)
            if sizes and (sizes == shape(exercise, right) or spread):
                return tree.Product((left, right), ("odot",))
    return node


def _spread(exercise: Facts, node: Node) -> Node:
    """`1 ⊙ βᵀ`: the row beside each example."""
    node = tree.rebuild(node, lambda child: _spread(exercise, child))
    match node:
        case tree.Product((tree.Ones(), _), ("odot",)):
            return tree.Product(node.factors, ("",))
    return node


def _as_dots(exercise: Facts, node: Node) -> Node:
    """Two vectors of one size side by side as their inner product."""
    node = tree.rebuild(node, lambda child: _as_dots(exercise, child))
    match node:
        case tree.Product((left, right), ("" | "cdot",)):
            sizes = shape(exercise, left)
            if len(sizes) == 1 and sizes == shape(exercise, right):
                return tree.Product((tree.Transpose(left), right), ("",))
    return node


# --- indices ---------------------------------------------------------------------------------


def in_index_form(
    exercise: Facts, target: str, whole: tree.Entrywise, rng: Random
) -> tuple[tree.Entrywise, str] | None:
    """A wrong index form: two indices swapped, or a sign."""
    found = [
        (tree.Entrywise(whole.indices, whole.sizes, body), "indices_swapped") for body in _swapped(whole.body)
    ]
    if isinstance(whole.body, tree.Product) or not found:
        found.append((tree.Entrywise(whole.indices, whole.sizes, tree.Neg(_single(whole.body))), "sign"))
    rng.shuffle(found)
    for made, mistake in found:
        if surely_wrong(exercise.name, target, made):
            return made, mistake
    return None


def _single(node: Node) -> Node:
    return tree.Bracket(node) if isinstance(node, tree.Add | tree.Neg) else node


def _swapped(node: Node) -> Iterator[Node]:
    match node:
        case tree.Index(base, (first, second)) if first != second:
            yield tree.Index(base, (second, first))
        case tree.Gradient(tree.Index() as of):
            yield from (tree.Gradient(made) for made in _swapped(of))
            return
    children = list(tree.children(node))
    for at, child in enumerate(children):
        for made in _swapped(child):
            left = iter(range(len(children)))
            yield tree.rebuild(node, lambda c, made=made, at=at, left=left: made if next(left) == at else c)


# --- numbers ---------------------------------------------------------------------------------


def in_figures(right: Figures, mistake: str, rng: Random) -> Figures | None:
    """A slip in one of the written numbers; None where there is none to make."""
    return sign_lost(right, rng) if mistake == "entry_sign" else slipped(right, rng)
