"""From formulas to constraints: a variable for every part, a relation for every operation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from symbackprop.notation import sizes, tree
from symbackprop.notation.constraints import (
    Constraint,
    Flip,
    Lone,
    Mix,
    Pick,
    Pile,
    Rank,
    Reduce,
    Square,
    Times,
)
from symbackprop.notation.shape_algebra import (
    OPERATION_SIGNATURES,
    Signature,
    axis_number,
    keeps_entries,
    size_of,
)
from symbackprop.notation.shape_ranges import guards_of, is_guarded
from symbackprop.notation.sizes import Linear
from symbackprop.notation.tree import Node, Size
from symbackprop.notation.unknowns import ShapeVar, SizeVar, Solver

ONES = "ones "
"""A name that begins so (no written one can) stands for the size of a bare 1 while solving."""


@dataclass(slots=True, eq=False)
class Running:
    """An index and what says how far it runs.

    `end` is the variable of its upper end, where the lower one is 1 and shapes can say it; `asked`
    that they must. `found` is the end that the places in `stands` leave room for.
    """

    name: str
    node: Node
    equation: str
    low: Linear | None
    high: Linear | None
    end: SizeVar | None
    asked: bool
    left: bool = False
    declared: bool = False
    stands: list["Stand"] = field(default_factory=list)
    found: Size | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Stand:
    """A place that an index stands in: an axis of an array, within other indices."""

    index: tree.Index
    form: Linear
    base: ShapeVar
    axis: int
    scope: Mapping[str, Running]
    guarded: bool

    def bare(self) -> bool:
        """Whether the index stands there by itself."""
        return isinstance(tree.undressed(self.index.places[self.axis]), tree.Name)

    def size(self) -> SizeVar | None:
        """The variable of the axis, once the array has one."""
        axes = self.base.axes
        return axes[self.axis] if axes is not None and len(axes) == len(self.index.places) else None


@dataclass(slots=True)
class Collector:
    """Walks formulas; makes a variable for every part and the constraints between them."""

    solver: Solver
    functions: Mapping[str, Signature]
    size_names: frozenset[str] = frozenset()
    names: dict[str, ShapeVar] = field(default_factory=dict)
    constraints: list[Constraint] = field(default_factory=list)
    bound: Mapping[str, Running] = field(default_factory=dict)  # the indices around
    guards: Sequence[Linear] = ()
    running: list[Running] = field(default_factory=list)  # every index that was met
    declared: frozenset[str] = frozenset()  # names whose shape is given
    equation: str = ""
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
    lower = _is_small(node.factors[0])
    for sign, factor in zip(node.signs, node.factors[1:], strict=True):
        joined, right = ShapeVar(), self.variable(factor, entrywise=by_entries)
        if sign in {"*", "odot"}:
            self.add(Mix(joined, (result, right)))
        else:
            upper = isinstance(factor, tree.Name) and factor.name[:1].isupper()
            self.add(Times(joined, result, right, lower, upper))
        lower = result.rank == 0 and _is_small(factor)
        result = joined
    return result


def _is_small(node: Node) -> bool:
    return isinstance(node, tree.Name) and node.name[:1].islower()


def _is_capital(node: Node) -> bool:
    """Whether a name, or the last factor of a product, begins with a capital: it is a matrix then."""
    if isinstance(node, tree.Product | tree.Transpose):
        return _is_capital(node.factors[-1] if isinstance(node, tree.Product) else node.body)
    return isinstance(node, tree.Name) and node.name[:1].isupper()


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
    kept: list[bool] = []
    own: list[SizeVar | None] = []
    ends: list[SizeVar | None] = []
    cut: list[Size] = []
    for axis, place in enumerate(node.places):
        slice_ = place if isinstance(place, tree.Slice) else None
        kept.append(slice_ is not None)
        size, before = _slice_size(slice_) if slice_ else (None, 0)
        own.append(None if size is None else self.solver.size(size))
        cut.append(before)
        ends.append(None if slice_ else _stand(self, node, axis, base))
        for part in (place,) if slice_ is None else (slice_.low, slice_.high):
            if part is not None:
                self.scalar(part)
    self.add(Pick(result, base, kept, own, ends, cut))
    return result


def _stand(self: Collector, node: tree.Index, axis: int, base: ShapeVar) -> SizeVar | None:
    """Note where indices stand; the end of one that stands there by itself and is free to leave none out."""
    form = sizes.linear_form(node.places[axis])
    if form is None:
        return None
    guarded = is_guarded(form, self.guards, self.bound)
    stand = Stand(node, form, base, axis, self.bound, guarded)
    for name in form[0]:
        if name in self.bound:
            self.bound[name].stands.append(stand)
    place = tree.undressed(node.places[axis])
    running = self.bound.get(place.name) if isinstance(place, tree.Name) else None
    return None if running is None or guarded else running.end


def _slice_size(place: tree.Slice) -> tuple[Size | None, Size]:
    """The size that a slice writes, if it does; else how much it cuts off at the beginning."""
    low = 1 if place.low is None else size_of(place.low)
    high = None if place.high is None else size_of(place.high)
    if low is None or (place.high is not None and high is None):
        return "", 0  # some size
    before = sizes.subtract(low, 1)
    if high is not None:
        left = sizes.subtract(high, before)
        return left if isinstance(left, str) or left > 0 else "", 0
    return (None if before == 0 else ""), before


def _sum(self: Collector, node: tree.Sum) -> ShapeVar:
    self.scalar(node.low)
    low = sizes.linear_form(node.low)
    if node.high is None:
        running = Running(node.index, node, self.equation, low, None, SizeVar(), asked=True)
    else:
        self.scalar(node.high)
        named = isinstance(node.high, tree.Name) and size_of(node.low) == 1
        end = self.solver.size(node.high.name) if named and isinstance(node.high, tree.Name) else None
        high = sizes.linear_form(node.high)
        running = Running(node.index, node, self.equation, low, high, end, asked=False)
    _inside(self, (running,), node.body)
    return ShapeVar(())


def _entrywise(self: Collector, node: tree.Entrywise) -> ShapeVar:
    asked = len(node.sizes) != len(node.indices)
    written = [None if asked else size_of(size) for size in node.sizes] or [None] * len(node.indices)
    ends = [SizeVar() if size is None else self.solver.size(size) for size in written]
    made = [
        Running(
            name, node, self.equation, ({}, 1), None if size is None else sizes.linear(size), end, asked, True
        )
        for name, size, end in zip(node.indices, written, ends, strict=True)
    ]  # fmt: skip
    _inside(self, made, node.body)
    return ShapeVar(tuple(ends))


def _inside(self: Collector, indices: Sequence[Running], body: Node) -> None:
    """The body under indices, which must be a scalar."""
    self.running += indices
    before, guards = self.bound, self.guards
    names = {index.name: index for index in indices}
    self.bound = {**{name: own for name, own in before.items() if name not in names}, **names}
    self.guards = [guard for guard in guards if not guard[0].keys() & names.keys()]
    self.scalar(body)
    self.bound, self.guards = before, guards


def _where(self: Collector, node: tree.Where) -> ShapeVar:
    before = self.guards
    self.guards = [*before, *(form for one in node.conditions for form in guards_of(one) or ())]
    result = self.variable(node.body, entrywise=self.entrywise)
    self.guards = before
    return result


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
    if signature.kind == "operation":
        enough = len(node.args) >= signature.arguments
        return _OPERATIONS[node.function](self, node) if enough else ShapeVar()
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


# --- operations -------------------------------------------------------------------------


def _trace(self: Collector, node: tree.Call) -> ShapeVar:
    self.add(Square(self.variable(node.args[0])))
    return ShapeVar(())


def _diag(self: Collector, node: tree.Call) -> ShapeVar:
    result = ShapeVar()
    self.add(Square(self.variable(node.args[0]), result))
    return result


def _filled(self: Collector, node: tree.Call) -> ShapeVar:
    """zeros(m, n), eye(n) and onehot(place, n): sizes are written."""
    args = node.args[1:] if node.function == "onehot" else node.args
    axes = tuple(self.solver.size(size_of(arg) or "") for arg in args)
    return ShapeVar(axes * 2 if node.function == "eye" else axes)


def _dot(self: Collector, node: tree.Call) -> ShapeVar:
    size = SizeVar()
    for arg in node.args:
        self.solver.learn(self.variable(arg), (size,))
    return ShapeVar(())


def _outer(self: Collector, node: tree.Call) -> ShapeVar:
    axes = tuple(SizeVar() for _ in node.args[:2])
    for arg, size in zip(node.args, axes, strict=False):
        self.solver.learn(self.variable(arg), (size,))
    return ShapeVar(axes)


def _pile(self: Collector, node: tree.Call) -> ShapeVar:
    result = ShapeVar()
    capitals = [_is_capital(arg) for arg in node.args]
    parts = [self.variable(arg) for arg in node.args]
    self.add(Pile(result, parts, 0 if node.function == "stack" else 1, capitals))
    return result


_OPERATIONS: Mapping[str, Callable[[Collector, tree.Call], ShapeVar]] = {
    "trace": _trace, "diag": _diag, "eye": _filled, "zeros": _filled, "onehot": _filled, "dot": _dot,
    "outer": _outer, "stack": _pile, "hstack": _pile,
}  # fmt: skip

_COLLECT: Mapping[type[Node], Callable[[Collector, Any], ShapeVar]] = {
    tree.Number: _leaf, tree.Constant: _leaf, tree.Delta: _leaf, tree.Name: _name,
    tree.Neg: _body, tree.Bracket: _body, tree.Brace: _body, tree.Box: _body, tree.Coloured: _body,
    tree.Ones: _ones, tree.Gradient: _gradient, tree.Matrix: _matrix, tree.Add: _add,
    tree.Product: _product, tree.Quotient: _quotient, tree.Power: _power, tree.Transpose: _transpose,
    tree.Norm: _norm, tree.Index: _index, tree.Sum: _sum, tree.Cases: _cases, tree.Chain: _chain,
    tree.Call: _call, tree.Entrywise: _entrywise, tree.Where: _where,
}  # fmt: skip
