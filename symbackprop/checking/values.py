"""What a formula by hand is worth in a world: products resolved by shape, derivatives by dual numbers.

The nodes of models mean here what they mean there. What only people write is added: products that
are matrix, Hadamard or dot products by their shapes, chains of derivatives (contracted along what
they are about), functions by cases, indicators, tuples. What had to be decided is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from symbackprop import limits
from symbackprop.algebra.values import indexing
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import (
    Domain,
    EvaluationError,
    Missing,
    TooLarge,
)
from symbackprop.algebra.values.evaluate import Evaluator, NoSize, Scope
from symbackprop.algebra.values.poly import Poly
from symbackprop.checking.branches import cases, indicator
from symbackprop.checking.budget import Budget
from symbackprop.checking.examples_axis import batched, examples_are_rows
from symbackprop.checking.products import product
from symbackprop.checking.slopes import derivative, gradient, with_name
from symbackprop.checking.worlds import World
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Reader(Plain):
    """What does not depend on the world: names that the text defines, sizes that it names.

    `meanings` has the formula of every name that the text defines; `sizes` says of which name and axis
    a size is the length that only the text names (n, k), `numbers` what it is, `ends` the same of the upper
    ends of sums, which stand for whole ranges there. `per_example`: gradients that the text takes for
    each example of a batch, without the factor 1/m of the mean, and m. `numerator`: ∂L/∂v is a row, and
    ∂L/∂W has the shape of Wᵀ. `direct`: ∂c/∂a is that of c's equation alone, whatever else there moves with
    a. `budget` is what is left to spend on the line.
    """

    meanings: Mapping[str, Node] = field(default_factory=dict)
    sizes: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
    ends: Mapping[str, tuple[str, int] | None] = field(default_factory=dict)
    dot: str = "auto"
    numerator: bool = False
    direct: bool = False
    per_example: Mapping[str, int] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)


@dataclass(frozen=True, slots=True)
class HandEvaluator(Evaluator[Any]):
    """An evaluator of formulas by hand in a `world`; `notes` collects what had to be decided."""

    world: World | None = None
    reader: Reader = field(default_factory=Reader)
    notes: dict[str, Node] = field(default_factory=dict)
    jacobians: dict[Any, Array[Any]] = field(default_factory=dict)
    defined: dict[str, Array[Any]] = field(default_factory=dict)

    def over(self, domain: Domain[Any]) -> Evaluator[Any]:
        return replace(self, domain=domain)

    @property
    def here(self) -> World:
        """The world, which an evaluator in use always has."""
        assert self.world is not None
        return self.world

    def value(self, node: Node, scope: Scope[Any]) -> Array[Any]:
        handler = None if scope.entrywise else _HANDLERS.get(type(node))
        budget = self.reader.budget
        budget.spend(1)
        made = Evaluator.value(self, node, scope) if handler is None else handler(self, node, scope)
        budget.spend(len(made.entries) >> 3)
        self.weigh(made)
        return made

    def weigh(self, made: Array[Any]) -> None:
        """Spend what a value of the example has in symbols, which grows with each factor."""
        if self.here.example:
            self.reader.budget.spend(sum(len(one.terms) for one in made.entries if isinstance(one, Poly)))

    def known(self, name: str, scope: Scope[Any]) -> int | None:
        """The number behind an index or a size, also one that only the text names."""
        found = Evaluator.known(self, name, scope)
        if found is not None or name in scope.env:
            return found
        if name in self.reader.sizes:
            named, axis = self.reader.sizes[name]
            return self.here.value(named).shape[axis]
        end = self.reader.ends.get(name)
        if end is not None:
            return self.here.value(end[0]).shape[end[1]]
        return self.reader.numbers.get(name)

    def shape_of(self, name: str) -> tuple[int, ...] | None:
        """The shape of a name of the exercise or of the text, None where it has none here."""
        if name in self.here.values:
            return self.here.values[name].shape
        if name in self.reader.meanings:
            return self.meaning(name, scope_in(self.here, {})).shape
        return None

    def meaning(self, name: str, scope: Scope[Any]) -> Array[Any]:
        """The value of a name that the text defines; it is found once, however often it is used."""
        if scope.env is not self.here.values:  # dual numbers: another value in each direction
            return self.value(self.reader.meanings[name], scope)
        if name not in self.defined:
            self.defined[name] = self.value(self.reader.meanings[name], scope)
        return self.defined[name]

    def note(self, key: str, node: Node) -> None:
        """Remember a decision, and the first place where it was taken."""
        self.notes.setdefault(key, node)


def evaluator_in(world: World, reader: Reader) -> HandEvaluator:
    """The evaluator of a world, with nothing noted."""
    working = world.working
    return HandEvaluator(
        working.domain, working.sizes, working.functions, working.kinks, world=world, reader=reader
    )


def scope_in(world: World, indices: Mapping[str, int], like: tuple[int, ...] | None = None) -> Scope[Any]:
    """The scope of a formula in a world, with numbers for its free indices, and the shape it should have."""
    return Scope(world.values, indices, like)


# --- names ------------------------------------------------------------------------------------


def _name(self: HandEvaluator, node: tree.Name, scope: Scope[Any]) -> Array[Any]:
    name = node.name
    if name in scope.indices or name in scope.env:
        return Evaluator.value(self, node, scope)
    if name in self.reader.meanings:
        return self.meaning(name, scope.without(tuple(scope.indices)))
    number = self.known(name, scope)
    if number is not None:
        return Array((), (self.domain.from_fraction(Fraction(number)),))
    if name == "I" and name not in scope.env:
        return _identity(self, node, scope)
    return Evaluator.value(self, node, scope)


def _identity(self: HandEvaluator, node: tree.Name, scope: Scope[Any]) -> Array[Any]:
    """I of the size of what it is added to, or compared with."""
    like = scope.like
    if like is None or len(like) != 2 or like[0] != like[1]:
        raise NoSize(node, "nothing says the size of this identity")
    one, zero = self.domain.one, self.domain.zero
    size = like[0]
    return Array(like, tuple(zero if place % (size + 1) else one for place in range(size * size)))


# --- sums, powers, arrays -----------------------------------------------------------------------


def _sum(self: HandEvaluator, node: tree.Sum, scope: Scope[Any]) -> Array[Any]:
    low = self.whole(node.low, scope)
    high = _bound(self, node.high, scope, node.index, node.body)
    if high is None:
        raise EvaluationError(node, f"nothing says how far {node.index} runs")
    if high - low + 1 > limits.SIZE:
        raise TooLarge("a sum", "", f"more than {limits.SIZE:,} terms, which is the limit")
    total: Array[Any] | None = None
    for at in range(low, high + 1):
        term = self.value(node.body, Scope(scope.env, {**scope.indices, node.index: at}))
        total = term if total is None else _added(self, node, total, term)
    return total if total is not None else Array((), (self.domain.zero,))


def _bound(self: HandEvaluator, high: Node | None, scope: Scope[Any], index: str, body: Node) -> int | None:
    """The upper end; none, or a name that nobody knows, stands for the whole range of the index."""
    if high is None or (isinstance(high, tree.Name) and high.name in self.reader.ends):
        return _length(self, index, body, scope)
    try:
        return self.whole(high, scope)
    except (Missing, EvaluationError):
        length = _length(self, index, body, scope)
        if isinstance(high, tree.Name) and (
            high.name not in self.here.exercise.shapes or _counts(self, high.name, length)
        ):
            return length
        raise


def _counts(self: HandEvaluator, name: str, length: int | None) -> bool:
    """Whether a given number, m, is how long this axis is, though at a random point it is another one."""
    known = self.here.exercise.values.get(name)
    return length is not None and known is not None and known.entries == (Fraction(length),)


def _length(self: HandEvaluator, index: str, body: Node, scope: Scope[Any]) -> int | None:
    """The length of the axis that an index runs along, from what it stands in."""
    for name, axis in indexed(body, index):
        shape = self.shape_of(name)
        if shape is not None and axis < len(shape):
            return shape[axis]
    return None


def indexed(node: Node, index: str) -> Iterator[tuple[str, int]]:
    """The names that have `index` as a place of its own, and on which axis."""
    for part in tree.walk(node):
        if isinstance(part, tree.Index):
            base = tree.bare(part.base)
            base = base.of if isinstance(base, tree.Gradient) else base
            base = base.body if isinstance(base, tree.Transpose) else base
            if isinstance(base, tree.Name):
                for axis, place in enumerate(part.places):
                    if place == tree.Name(index):
                        yield base.name, axis


def _add(self: HandEvaluator, node: tree.Add, scope: Scope[Any]) -> Array[Any]:
    values: dict[int, Array[Any]] = {}
    late: list[int] = []
    for place, term in enumerate(node.terms):
        try:
            values[place] = self.value(term, Scope(scope.env, scope.indices, scope.like))
        except NoSize:
            late.append(place)
    if late and not values:
        raise NoSize(node, "nothing says the size of these vectors of ones")
    for place in late:  # 1 bᵀ beside X Wᵀ has the size of that
        like = max((value.shape for value in values.values()), key=len)
        values[place] = self.value(node.terms[place], Scope(scope.env, scope.indices, like))
    columns = {value.shape for value in values.values() if len(value.shape) == 1}
    for place, term in enumerate(node.terms):
        if (size := values[place].shape[1:]) in columns and _is_column(term):
            values[place] = values[place].reshaped(size)  # p − (0, 1, 0)ᵀ
    total = values[0]
    for place in range(1, len(node.terms)):
        total = _added(self, node, total, values[place])
    return total


def _is_column(node: Node) -> bool:
    """Whether a term is a tuple with ᵀ behind it, which is how people write a column."""
    while isinstance(node, tree.Neg | tree.Bracket):
        node = node.body
    return isinstance(node, tree.Transpose) and isinstance(tree.bare(node.body), hand.Tuple)


def _quotient(self: HandEvaluator, node: tree.Quotient, scope: Scope[Any]) -> Array[Any]:
    """`C / (1 sᵀ)`: ones below take their size from above."""
    try:
        return Evaluator.value(self, node, scope)
    except NoSize:
        like = self.value(node.above, scope).shape
        below = self.value(node.below, Scope(scope.env, scope.indices, like))
        named = Scope({**scope.env, "·": below}, scope.indices, scope.like)
        return Evaluator.value(self, tree.Quotient(node.above, tree.Name("·")), named)


def _added(self: HandEvaluator, node: Node, a: Array[Any], b: Array[Any]) -> Array[Any]:
    """The sum; `W X + b` adds b to each example of a batch, as people write it."""
    if a.shape != b.shape and max(len(a.shape), len(b.shape)) == 2:
        larger, smaller = (a, b) if len(a.entries) >= len(b.entries) else (b, a)
        repeated = batched(smaller, larger.shape, rows=examples_are_rows(self.here.exercise))
        if repeated is not None:
            self.note("check.broadcast", node)
            a, b = (a, repeated) if larger is a else (repeated, b)
    shape, left, right = self.paired(node, a, b)
    return Array(shape, tuple(map(self.domain.add, left, right)))


def _power(self: HandEvaluator, node: tree.Power, scope: Scope[Any]) -> Array[Any]:
    base = tree.bare(node.base)
    if isinstance(base, tree.Norm):
        norm = _frobenius(self, base, scope)
        return Evaluator.value(self, tree.Power(norm, node.exponent, span=node.span), scope)
    value = self.value(node.base, scope)
    if len(value.entries) > 1:
        self.note("check.entrywise_power", node)
    return Evaluator.value(self, node, Scope(scope.env, scope.indices, scope.like, scope.entrywise, True))


def _norm(self: HandEvaluator, node: tree.Norm, scope: Scope[Any]) -> Array[Any]:
    """`‖W‖` of a matrix is the root of the sum of its squares, though nobody wrote the F."""
    return Evaluator.value(self, _frobenius(self, node, scope), scope)


def _call(self: HandEvaluator, node: tree.Call, scope: Scope[Any]) -> Array[Any]:
    """`diag(P_i)` of one column, as of a vector; the trace of a number, which is that number."""
    if node.function in ("diag", "trace") and len(node.args) == 1:
        value = self.value(node.args[0], Scope(scope.env, scope.indices))
        if node.function == "trace" and len(value.entries) == 1:
            return value.reshaped(())
        if node.function == "diag" and len(value.shape) == 2 and value.shape[1] == 1:
            flat = value.reshaped(value.shape[:1])
            return Evaluator.value(self, tree.Call("diag", (tree.Name("·"),)), with_name(scope, "·", flat))
    return Evaluator.value(self, node, scope)


def _frobenius(self: HandEvaluator, node: tree.Norm, scope: Scope[Any]) -> tree.Norm:
    if node.kind == "2" and len(self.value(node.body, Scope(scope.env, scope.indices)).shape) == 2:
        return tree.Norm(node.body, "F", span=node.span)
    return node


def _tuple(self: HandEvaluator, node: hand.Tuple, scope: Scope[Any]) -> Array[Any]:
    return Array((len(node.items),), tuple(self.number(item, scope) for item in node.items))


def _matrix(self: HandEvaluator, node: tree.Matrix, scope: Scope[Any]) -> Array[Any]:
    """An array written out; rows may be arrays themselves, one under the other."""
    if all(len(row) == 1 for row in node.rows) and len(node.rows) > 1:
        values = [self.value(row[0], Scope(scope.env, scope.indices)) for row in node.rows]
        if all(len(value.entries) > 1 and value.shape == values[0].shape for value in values):
            return Array((len(values), len(values[0].entries)), tuple(e for v in values for e in v.entries))
    return indexing.matrix(self, node, Scope(scope.env, scope.indices))


def _entrywise(self: HandEvaluator, node: tree.Entrywise, scope: Scope[Any]) -> Array[Any]:
    """`(dz_1 xᵀ, …, dz_k xᵀ)`: what dots stand for, one under the other; rows make a matrix."""
    if len(node.indices) != 1 or len(node.sizes) != 1:
        return Evaluator.value(self, node, scope)
    (index,), (size,) = node.indices, node.sizes
    high = _bound(self, size, scope, index, node.body)
    if high is None or high > limits.SIZE or high < 1:
        raise EvaluationError(node, f"nothing says how far {index} runs")
    around = scope.without(node.indices)
    rows = [self.value(node.body, around.inside({index: at})) for at in range(1, high + 1)]
    if any(row.shape != rows[0].shape for row in rows):
        raise EvaluationError(node, "the rows have different shapes")
    entries = tuple(entry for row in rows for entry in row.entries)
    width = len(rows[0].entries)
    return Array((high,) if width == 1 else (high, width), entries)


_HANDLERS: dict[type[Node], Callable[[Any, Any, Any], Array[Any]]] = {
    tree.Name: _name, tree.Gradient: gradient, tree.Derivative: derivative, tree.Product: product,
    tree.Sum: _sum, tree.Add: _add, tree.Power: _power, tree.Matrix: _matrix, tree.Cases: cases,
    tree.Quotient: _quotient, tree.Norm: _norm, tree.Call: _call,
    hand.Tuple: _tuple, hand.Indicator: indicator, tree.Entrywise: _entrywise,
}  # fmt: skip
"""What is different by hand."""
