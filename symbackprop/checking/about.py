"""What a relation is about: any numbers, the example's, its targets; logarithms, matrices, gradients."""

from __future__ import annotations

from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.checking.compare import assignments, look
from symbackprop.checking.desk import Desk
from symbackprop.checking.member import Member
from symbackprop.checking.resolve import Resolved
from symbackprop.checking.values import evaluator_in, scope_in
from symbackprop.checking.worlds import REAL
from symbackprop.notation import tree
from symbackprop.notation.tree import Node


def is_mixed(desk: Desk, *members: Member) -> bool:
    """Whether a relation is about the example: numbers are put in, or all is that has a number."""
    numbers = desk.context.by_numbers
    return any(
        one.mixed or _is_put_in(desk, one.node) or not numbers.isdisjoint(tree.names_in(one.node))
        for one in members
    )


def _is_put_in(desk: Desk, node: Node) -> bool:
    """`2 (1 − y_1)`, where y is what the example leaves open."""
    if any(isinstance(part, tree.Gradient | tree.Derivative | tree.Call) for part in tree.walk(node)):
        return False
    names = [name for name in tree.names_in(node) if name in desk.exercise.shapes]
    known = {*desk.exercise.values, *desk.exercise.computed, *desk.given}
    left_open = known.isdisjoint(names)
    numbers = any(isinstance(part, tree.Number) for part in tree.walk(node))
    return bool(names) and left_open and numbers


def holds_for_labels(desk: Desk, a: Resolved, b: Resolved) -> bool:
    """`∂L/∂z_2 = p_2 − 1`, `L = −log p_2`: right for the exercise's one-hot target, whatever else is."""
    counted = desk.counted
    if counted and look(a, b, counted, desk.reader).equal:
        return True
    numbers = {part.value for one in (a, b) for part in tree.walk(one.node) if isinstance(part, tree.Number)}
    worlds = desk.labelled(numbers, entries=a.sized or b.sized or bool(a.conditions or b.conditions))
    if not worlds:
        return False
    if look(a, b, worlds, desk.reader).equal:
        return True
    real = desk.labelled_real if has_logarithms(desk, a, b) else ()
    return len(real) >= REAL and look(a, b, real, desk.reader).equal


def has_logarithms(desk: Desk, a: Resolved, b: Resolved) -> bool:
    """Whether log e^u or log(uv) may stand there, which in the field are unknown numbers."""
    words = desk.logarithmic
    return any(
        (isinstance(part, tree.Call) and part.function in words)
        or (isinstance(part, tree.Name) and part.name in words)
        for member in (a, b) for part in tree.walk(member.node)
    )  # fmt: skip


def is_matrix(desk: Desk, member: Resolved, *, here: bool) -> bool:
    """Whether a value has two axes longer than 1: a row for a column is a matter of layout.

    `here`: with the exercise's own sizes, as numbers have; else with any.
    """
    wide = () if here else desk.worlds.wide
    world = (wide or desk.worlds.own)[0]
    try:
        indices = next(assignments(evaluator_in(world, desk.reader), member))
        shape = evaluator_in(world, desk.reader).value(member.node, scope_in(world, indices)).shape
    except (EvaluationError, ArithmeticError, StopIteration):
        return False
    return sum(size > 1 for size in shape) > 1


def is_computed(desk: Desk, *members: Resolved) -> bool:
    """Whether a side is a value of the forward pass by its name."""
    named = (tree.undressed(member.node) for member in members)
    return any(isinstance(one, tree.Name) and one.name in desk.exercise.computed for one in named)


def is_gradient(desk: Desk, *members: Resolved) -> bool:
    """Whether a side is a derivative of the loss."""
    loss = tree.Name(desk.exercise.loss)
    bare = (tree.undressed(member.node) for member in members)
    return any(
        isinstance(one, tree.Gradient) or (isinstance(one, tree.Derivative) and one.of == loss)
        for one in bare
    )


def is_lower(desk: Desk, member: Member) -> bool:
    """Whether a gradient is by w, for a W of one row: of a vector the gradient may be a column."""
    context, bare = desk.context, tree.undressed(member.node)
    by = (
        bare.by if isinstance(bare, tree.Derivative) else bare.of if isinstance(bare, tree.Gradient) else None
    )
    if not isinstance(by, tree.Name) or by.name.islower() or (context.shape(by.name) or ())[:1] != (1,):
        return False
    return by.name.lower() in tree.names_in(member.written)
