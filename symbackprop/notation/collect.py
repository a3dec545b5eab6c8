"""From formulas to constraints: a variable for every part, a relation for every operation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from symbackprop.notation import tree
from symbackprop.notation.constraints import (
    Constraint,
    Flip,
    Lone,
    Mix,
    Pick,
    Rank,
    Reduce,
    Times,
)
from symbackprop.notation.shape_algebra import (
    OPERATION_SIGNATURES,
    Signature,
    axis_number,
    keeps_entries,
    size_of,
)
from symbackprop.notation.tree import Node, Size
from symbackprop.notation.unknowns import ShapeVar, SizeVar, Solver

ONES = "ones "
"""A name that begins so (no written one can) stands for the size of a bare 1 while solving."""


@dataclass(slots=True)
class Collector:
    """Walks formulas; makes a variable for every part and the constraints between them."""

    solver: Solver
    functions: Mapping[str, Signature]
    size_names: frozenset[str] = frozenset()
    names: dict[str, ShapeVar] = field(default_factory=dict)
    constraints: list[Constraint] = field(default_factory=list)
    bound: Mapping[str, SizeVar | None] = field(default_factory=dict)  # indices of sums, and their ends
    entrywise: bool = False  # whether a power of an array is taken entry by entry here

    def variable(self, node: Node, *, entrywise: bool = False) -> ShapeVar:
        method = _COLLECT.get(type(node))
        if method is None:
            return ShapeVar()
        before, self.entrywise = self.entrywise, entrywise
        result = method(self, node)
        self.entrywise = before
        return result

    def add(self, constraint: Constraint) -> None:
        self.constraints.append(constraint)

    def scalar(self, node: Node) -> None:
        self.add(Lone(self.variable(node)))


def _leaf(_: Collector, __: Node) -> ShapeVar:
    return ShapeVar(())


def _name(self: Collector, node: tree.Name) -> ShapeVar:
    is_size = node.name in self.solver.sizes or node.name in self.size_names
    if node.name in self.bound or (is_size and node.name not in self.names):
        return ShapeVar(())
    return self.names.setdefault(node.name, ShapeVar())


def _body(self: Collector, node: Any) -> ShapeVar:
    return self.variable(node.body, entrywise=self.entrywise)


def _ones(self: Collector, node: tree.Ones) -> ShapeVar:
    if isinstance(node.size, tree.Name) and node.size.name.startswith(ONES):
        return ShapeVar((self.solver.sizes.setdefault(node.size.name, SizeVar()),))
    size = None if node.size is None else size_of(node.size)
    return ShapeVar((SizeVar() if size is None else self.solver.size(size),))


def _gradient(self: Collector, node: tree.Gradient) -> ShapeVar:
    return self.variable(node.of)


def _matrix(self: Collector, node: tree.Matrix) -> ShapeVar:
    for row in node.rows:
        for cell in row:
            self.scalar(cell)
    sizes = (len(node.rows),) if node.form == "column" else (len(node.rows), len(node.rows[0]))
    return self.solver.shape(sizes)


def _mix(
    self: Collector, parts: Sequence[Node], *, divides: bool = False, entrywise: bool = False
) -> ShapeVar:
    if len(parts) == 1:
        return self.variable(parts[0], entrywise=entrywise)
    result = ShapeVar()
    self.add(Mix(result, [self.variable(part, entrywise=entrywise) for part in parts], divides))
    return result


def _add(self: Collector, node: tree.Add) -> ShapeVar:
    return _mix(self, node.terms, entrywise=self.entrywise)


def _product(self: Collector, node: tree.Product) -> ShapeVar:
    by_entries = self.entrywise and keeps_entries(node)
    result = self.variable(node.factors[0], entrywise=by_entries)
    lower = isinstance(node.factors[0], tree.Name) and node.factors[0].name[:1].islower()
    for sign, factor in zip(node.signs, node.factors[1:], strict=True):
        joined, right = ShapeVar(), self.variable(factor, entrywise=by_entries)
        if sign in {"*", "odot"}:
            self.add(Mix(joined, (result, right)))
        else:
            upper = isinstance(factor, tree.Name) and factor.name[:1].isupper()
            self.add(Times(joined, result, right, lower, upper))
        result, lower = joined, False
    return result


def _quotient(self: Collector, node: tree.Quotient) -> ShapeVar:
    return _mix(self, (node.above, node.below), divides=True, entrywise=self.entrywise)


def _power(self: Collector, node: tree.Power) -> ShapeVar:
    self.scalar(node.exponent)
    base = self.variable(node.base, entrywise=self.entrywise)
    if not self.entrywise:
        self.add(Lone(base))
    return base


def _transpose(self: Collector, node: tree.Transpose) -> ShapeVar:
    result, body = ShapeVar(), self.variable(node.body)
    result._crosswise = True
    self.add(Flip(result, body))
    return result


def _norm(self: Collector, node: tree.Norm) -> ShapeVar:
    self.add(Rank(self.variable(node.body), 2 if node.kind == "F" else 1))
    return ShapeVar(())


def _index(self: Collector, node: tree.Index) -> ShapeVar:
    result, base = ShapeVar(), self.variable(node.base)
    kept, sizes, ends = [], [], []
    for place in node.places:
        kept.append(isinstance(place, tree.Slice))
        size = _slice_size(place) if isinstance(place, tree.Slice) else None
        sizes.append(None if size is None else self.solver.size(size))
        ends.append(self.bound.get(place.name) if isinstance(place, tree.Name) else None)
        for part in (place,) if not isinstance(place, tree.Slice) else (place.low, place.high):
            if part is not None:
                self.scalar(part)
    self.add(Pick(result, base, kept, sizes, ends))
    return result


def _slice_size(place: tree.Slice) -> Size | None:
    low = 1 if place.low is None else size_of(place.low)
    high = None if place.high is None else size_of(place.high)
    if low == 1:
        return high
    return high - low + 1 if isinstance(low, int) and isinstance(high, int) and high >= low else None


def _sum(self: Collector, node: tree.Sum) -> ShapeVar:
    self.scalar(node.low)
    self.scalar(node.high)
    named = isinstance(node.high, tree.Name) and size_of(node.low) == 1
    end = self.solver.size(node.high.name) if named and isinstance(node.high, tree.Name) else None
    before, self.bound = self.bound, {**self.bound, node.index: end}
    self.scalar(node.body)
    self.bound = before
    return ShapeVar(())


def _cases(self: Collector, node: tree.Cases) -> ShapeVar:
    for _, condition in node.branches:
        self.variable(condition)
    return _mix(self, [value for value, _ in node.branches])


def _chain(self: Collector, node: tree.Chain) -> ShapeVar:
    return _mix(self, [m for m in node.members if not isinstance(m, tree.Space | tree.Sizes | tree.Word)])


def _call(self: Collector, node: tree.Call) -> ShapeVar:
    for _, value in node.options:
        self.scalar(value)
    signature = self.functions.get(node.function) or OPERATION_SIGNATURES.get(node.function)
    if signature is None or not node.args:
        return ShapeVar()
    if signature.kind == "reduction":
        return _reduction(self, node)
    body = _mix(self, node.args)
    return ShapeVar(()) if signature.kind == "loss" else body


def _reduction(self: Collector, node: tree.Call) -> ShapeVar:
    body = self.variable(node.args[0], entrywise=True)
    axis = dict(node.options).get("axis")
    gone = None if axis is None else axis_number(axis)
    if gone is None:
        return ShapeVar(() if axis is None else None)
    result = ShapeVar()
    self.add(Reduce(result, body, gone))
    return result


_COLLECT: Mapping[type[Node], Callable[[Collector, Any], ShapeVar]] = {
    tree.Number: _leaf, tree.Constant: _leaf, tree.Delta: _leaf, tree.Name: _name,
    tree.Neg: _body, tree.Bracket: _body, tree.Brace: _body, tree.Box: _body, tree.Coloured: _body,
    tree.Ones: _ones, tree.Gradient: _gradient, tree.Matrix: _matrix, tree.Add: _add,
    tree.Product: _product, tree.Quotient: _quotient, tree.Power: _power, tree.Transpose: _transpose,
    tree.Norm: _norm, tree.Index: _index, tree.Sum: _sum, tree.Cases: _cases, tree.Chain: _chain,
    tree.Call: _call,
}  # fmt: skip
