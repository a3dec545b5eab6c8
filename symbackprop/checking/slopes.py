"""Gradients and Jacobians in formulas by hand: by dual numbers, never by formulas of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

from symbackprop.algebra.values import indexing
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError, Missing, Undecided
from symbackprop.algebra.values.dual import Duals
from symbackprop.algebra.values.evaluate import Scope
from symbackprop.checking.examples_axis import per_example
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.checking.values import HandEvaluator


def gradient(self: HandEvaluator, node: tree.Gradient, scope: Scope[Any]) -> Array[Any]:
    """dL/d`of`, of the shape of `of`, which is a name or an entry of one."""
    of = tree.bare(node.of)
    if isinstance(of, tree.Index):
        base = gradient(self, tree.Gradient(of.base), scope)
        try:
            return indexing.index(self, tree.Index(tree.Name("·"), of.places), with_name(scope, "·", base))
        except EvaluationError as error:
            raise EvaluationError(node, error.message) from None  # about dz_2, not about ·
    if not isinstance(of, tree.Name):
        raise EvaluationError(node, "a gradient belongs to a name")
    if of.name not in self.here.exercise.shapes:
        raise Missing(of.name)
    if of.name in self.here.changes:
        return self.here.changes[of.name]
    return _slope(self, of)


def _slope(self: HandEvaluator, of: tree.Name) -> Array[Any]:
    """dL/d`of`."""
    self.reader.budget.spend(self.here.cost(of.name))
    return _lifted(self, per_example(self.here, of.name, self.reader.per_example))


def _lifted(self: HandEvaluator, array: Array[Any]) -> Array[Any]:
    """A derivative, which is no constant: within another one it moves, and Undecided is raised."""
    if isinstance(self.domain, Duals):
        raise Undecided("a derivative of a derivative is not judged")
    return array


def with_name(scope: Scope[Any], name: str, value: Array[Any]) -> Scope[Any]:
    """The scope in which a name has this value."""
    return Scope({**scope.env, name: value}, scope.indices, scope.like, scope.entrywise, scope.powers)


def derivative(self: HandEvaluator, node: tree.Derivative, scope: Scope[Any]) -> Array[Any]:
    """∂of/∂by, of the shape of `of` and then that of `by`."""
    of, by = tree.bare(node.of), tree.bare(node.by)
    if of == tree.Name(self.here.exercise.loss):
        if isinstance(by, tree.Name) and by.name in self.here.exercise.shapes:
            value = _slope(self, by)
            return value.transposed() if self.reader.numerator and 1 <= len(value.shape) <= 2 else value
        return gradient(self, tree.Gradient(by), scope)
    if isinstance(by, tree.Index) and isinstance(by.base, tree.Name):
        return _picked(self, _jacobian(self, of, by.base, scope), by, scope)
    if not isinstance(by, tree.Name):
        raise EvaluationError(node, "a derivative goes by a name or an entry")
    return _jacobian(self, of, by, scope)


def _jacobian(self: HandEvaluator, of: Node, by: tree.Name, scope: Scope[Any]) -> Array[Any]:
    world = self.here
    if by.name not in world.exercise.shapes:
        raise Missing(by.name)
    if isinstance(of, tree.Index) and isinstance(of.base, tree.Name) and of.base.name in world.values:
        return _rows_of(self, of, _jacobian(self, of.base, by, scope), scope)
    known = isinstance(of, tree.Name) and of.name in world.values
    free = () if known else tuple(sorted(scope.indices.items()))
    kept = world.kept if known else self.jacobians
    key = (of, by.name, free, self.reader.direct)
    if key not in kept:
        kept[key] = _differentiated(self, of, by.name, scope)
    return _lifted(self, kept[key])


def _rows_of(self: HandEvaluator, of: tree.Index, whole: Array[Any], scope: Scope[Any]) -> Array[Any]:
    """The part of a Jacobian that is of some entries only."""
    assert isinstance(of.base, tree.Name)
    shape = self.here.value(of.base.name).shape
    places: Array[Any] = Array(shape, tuple(range(prod(shape))))
    chosen = indexing.index(self, of, with_name(scope, of.base.name, places))
    inner = whole.shape[len(shape) :]
    size = prod(inner)
    entries = [entry for row in chosen.entries for entry in whole.entries[row * size : (row + 1) * size]]
    return Array((*chosen.shape, *inner), tuple(entries))


def _differentiated(self: HandEvaluator, of: Node, by: str, scope: Scope[Any]) -> Array[Any]:
    """Column by column: what moves in `of` when an entry of `by` does."""
    world = self.here
    source = world.value(by)
    duals: Duals[Any] = Duals(world.domain)
    over = replace(self, domain=duals)
    still = {name: duals.lift_array(value) for name, value in world.values.items()}
    columns: list[Array[Any]] = []
    size = len(source.entries)
    for place in range(size):
        self.reader.budget.spend(len(world.exercise.equations))
        direction = [world.domain.zero] * size
        direction[place] = world.domain.one
        moving = _moving(self, of, by, Array(source.shape, tuple(direction)))
        columns.append(over.value(of, Scope({**still, **moving}, scope.indices)))
    shape = columns[0].shape
    if prod(shape) == 1 and not (isinstance(of, tree.Name) and of.name in world.values):
        shape = ()  # a part of the loss, by a name of the text: its gradient, and no row
    entries = tuple(column.entries[at].slope for at in range(prod(shape)) for column in columns)
    return Array((*shape, *source.shape), entries)


def _moving(self: HandEvaluator, of: Node, by: str, direction: Array[Any]) -> Mapping[str, Array[Any]]:
    """What moves with `by`; where derivatives are read as those of one equation alone, only that one."""
    if self.reader.direct and isinstance(of, tree.Name):
        from symbackprop.checking.partials import directly  # few write so

        found = directly(self.here, of.name, by, direction)
        if found is not None:
            return found
    return self.here.moved(by, direction)


def _picked(self: HandEvaluator, whole: Array[Any], by: tree.Index, scope: Scope[Any]) -> Array[Any]:
    """The part of a Jacobian that goes by some entries only."""
    assert isinstance(by.base, tree.Name)
    shape = self.here.value(by.base.name).shape
    size = prod(shape)
    places: Array[Any] = Array(shape, tuple(range(size)))
    chosen = indexing.index(self, by, with_name(scope, by.base.name, places))
    outer = whole.shape[: len(whole.shape) - len(shape)]
    entries = [whole.entries[row * size + place] for row in range(prod(outer)) for place in chosen.entries]
    return Array((*outer, *chosen.shape), tuple(entries))
