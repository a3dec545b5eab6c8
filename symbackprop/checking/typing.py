"""`W ∈ ℝ^{k×n}`: whether a member has these dimensions; letters for sizes are defined by it."""

from __future__ import annotations

from symbackprop.algebra.values.arrays import form
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.checking.compare import assignments
from symbackprop.checking.context import Context
from symbackprop.checking.desk import Desk
from symbackprop.checking.difference import shape_told
from symbackprop.checking.member import Judged, Member, misfit, reason
from symbackprop.checking.values import evaluator_in, scope_in
from symbackprop.notation import tree
from symbackprop.notation.tree import Node


def typed(desk: Desk, member: Member, space: tree.Space) -> tuple[Judged, Context]:
    """Whether the member lies in the space, and the context that knows the sizes it names."""
    world = desk.worlds.own[0]
    working = evaluator_in(world, desk.reader)
    if any(variant.unfinished for variant in member.variants):
        return Judged("definition"), desk.context
    try:
        indices = next(assignments(working, *member.variants[:1]), {})
        shape = working.value(member.node, scope_in(world, indices)).shape
    except EvaluationError as error:
        return Judged("wrong", (misfit(error.node if isinstance(error.node, Node) else None),)), desk.context
    except ArithmeticError as error:
        return Judged("not read", (reason("check.not_evaluated", message=str(error)),)), desk.context
    context = desk.context
    sizes = list(space.sizes)
    wanted: list[int | None] = []
    name = member.node.name if isinstance(member.node, tree.Name) else None
    for axis, size in enumerate(sizes):
        length, context = _length(desk, context, size, name, axis, shape)
        wanted.append(length)
    if any(length is None for length in wanted):
        return Judged("definition"), context
    lengths = tuple(length for length in wanted if length is not None)
    if form(lengths) == form(shape):
        return Judged("definition"), context
    if len(lengths) == 2 and lengths[0] == 1 and form(lengths[1:]) == form(shape):
        return Judged("convention", (reason("check.transposed"),)), context  # a row for a column
    found = shape_told(form(shape), desk.letters)
    return Judged("wrong", (reason("check.shape", name=member.node, found=found, space=space),)), desk.context


def _length(
    desk: Desk, context: Context, size: Node, name: str | None, axis: int, shape: tuple[int, ...]
) -> tuple[int | None, Context]:
    """The length that a size stands for; a letter that nobody knows is defined here."""
    match size:
        case tree.Index(tree.Name(stem), (tree.Number(_, text),)) if not context.knows(stem):
            size = tree.Name(stem + text)  # n_1
    if isinstance(size, tree.Number) and size.value.denominator == 1:
        return int(size.value), context
    if isinstance(size, tree.Name):
        world = desk.worlds.own[0]
        if size.name in context.sizes:
            known, at = context.sizes[size.name]
            return world.value(known).shape[at], context
        if size.name in world.working.sizes:
            return world.working.sizes[size.name], context
        if name is not None and axis < len(shape) and not context.knows(size.name):
            return shape[axis], context.sizing(size.name, name, axis)
    return None, context
