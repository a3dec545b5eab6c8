"""Scalar formulas at many values of their indices at once: entries of index equations, terms of sums.

A *frame* is a list of points, each with a value for every index. A formula becomes one list with an entry
for each point: `x[i + a - 1]` gathers, `+` maps, a sum widens the frame and adds the terms up again, and a
guard drops the points at which it fails before anything else is looked at. What depends on fewer indices
than the frame has is computed once for each of their values. What is no scalar by itself (`W[i,:] x`) goes
through the evaluator point by point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate, pairwise
from operator import eq, ge, gt, le, lt, ne
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from symbackprop import limits
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.contract import contracted
from symbackprop.algebra.values.domain import DomainProblem, EvaluationError
from symbackprop.algebra.values.frames import Frame, added, column_of, said, widened
from symbackprop.algebra.values.linear import Form, linear
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.algebra.values.evaluate import Evaluator, Scope

T = TypeVar("T")

_HEAVY = (tree.Call, tree.Power, tree.Quotient, tree.Sum, tree.Norm)
"""Worth computing once for each value of the indices that they hold."""

_PEELED = (tree.Sum, tree.Where, *tree.DRESS)

_RELATIONS: Mapping[str, Callable[[Any, Any], bool]] = {"=": eq, "≠": ne, "<": lt, ">": gt, "≤": le, "≥": ge}


class _NoScalar(Exception):
    """An array stands where the formula needs a look from further out: `W[i,:]` in `W[i,:] x`."""


@dataclass(frozen=True, slots=True)
class Loop(Generic[T]):
    """Formulas over frames, seen from one scope of an evaluator."""

    evaluator: Evaluator[T]
    scope: Scope[T]
    _needs: dict[int, frozenset[str]] = field(default_factory=dict)
    _bases: dict[int, Array[T]] = field(default_factory=dict)

    def values(self, node: Node, frame: Frame) -> Sequence[T]:
        """The value of `node` at each point. Raises what the evaluator raises."""
        try:
            return self.go(node, frame)
        except _NoScalar:
            raise EvaluationError(node, "a single number is needed here, not an array") from None

    def go(self, node: Node, frame: Frame) -> Sequence[T]:
        """Like `values`; an array raises _NoScalar."""
        if not frame.count:
            return []
        node = tree.bare(node)
        names = [name for name in frame.columns if name in self.needs(node)]
        if not names:
            return [self.single(node, self.scope)] * frame.count
        handler = _HANDLERS.get(type(node))
        if (handler is None or isinstance(node, _HEAVY)) and len(names) < len(frame.columns):
            narrow, where = frame.narrowed(names)
            made = self.go(node, narrow)
            return [made[place] for place in where]
        if handler is None:
            return self.one_by_one(node, frame)
        try:
            return handler(self, node, frame)
        except _NoScalar:
            return self.one_by_one(node, frame)
        except DomainProblem as problem:
            if problem.entry is not None:
                problem.at(said(frame.point(problem.entry)))
                problem.entry = None
            raise

    def needs(self, node: Node) -> frozenset[str]:
        """The names that are free in `node`."""
        found = self._needs.get(id(node))
        if found is None:
            found = self._needs[id(node)] = frozenset(self._free(node))
        return found

    def _free(self, node: Node) -> Iterator[str]:
        if isinstance(node, tree.Name):
            yield node.name
        own = set(node.indices if isinstance(node, tree.Entrywise) else ())
        for child in tree.children(node):
            inside = isinstance(node, tree.Sum) and child is node.body
            bound = own | ({node.index} if isinstance(node, tree.Sum) and inside else set())
            yield from self.needs(child) - bound

    def single(self, node: Node, scope: Scope[T]) -> T:
        """A value without an index of the frame."""
        value = self.evaluator.value(node, scope)
        if len(value.entries) != 1:
            raise _NoScalar
        return value.entries[0]

    def one_by_one(self, node: Node, frame: Frame) -> list[T]:
        """Each point by itself, through the evaluator."""
        made = []
        for place in range(frame.count):
            at = frame.point(place)
            try:
                made.append(self.single(node, self.scope.inside(at)))
            except DomainProblem as problem:
                raise problem.at(said(at)) from None
        return made

    # --- places

    def form(self, node: Node, frame: Frame) -> Form | None:
        """A place, an end of a sum or a side of a guard in the indices of the frame."""
        return linear(node, lambda name: self.evaluator.known(name, self.scope), frame.columns)

    def fixed(self, node: Node) -> int | None:
        """A whole number that hangs on no index of a frame; None for anything else."""
        form = self.form(node, Frame(1, {}))
        return form.constant.numerator if form is not None and form.constant.denominator == 1 else None

    def numbers(self, node: Node, frame: Frame) -> Sequence[Any]:
        """`node` at each point, as rational numbers. Raises EvaluationError if it is none."""
        form = self.form(node, frame)
        if form is None:
            scopes = (self.scope.inside(frame.point(place)) for place in range(frame.count))
            found = [self.evaluator.constant(node, scope) for scope in scopes]
            if any(one is None for one in found):
                raise EvaluationError(node, "this must follow from indices and sizes")
            return found
        return column_of(form, frame)

    def wholes(self, node: Node, frame: Frame) -> Sequence[int]:
        """`node` at each point, as whole numbers. Raises EvaluationError if one is not."""
        found = self.numbers(node, frame)
        if all(type(one) is int for one in found):
            return found
        if any(one.denominator != 1 for one in found):
            raise EvaluationError(node, "an index must be a whole number")
        return [int(one) for one in found]

    def mask(self, conditions: Sequence[Node], frame: Frame) -> list[bool]:
        """Whether all conditions hold, point by point."""
        mask = [True] * frame.count
        for chain in conditions:
            if not isinstance(chain, tree.Chain) or any(sign not in _RELATIONS for sign in chain.relations):
                raise EvaluationError(chain, "a condition compares indices with <, ≤, >, ≥, = or ≠")
            members = [self.numbers(member, frame) for member in chain.members]
            for sign, (left, right) in zip(chain.relations, pairwise(members), strict=True):
                holds = map(_RELATIONS[sign], left, right)
                mask = [a and b for a, b in zip(mask, holds, strict=True)]
        return mask

    def base(self, node: Node) -> Array[T]:
        """The array that is indexed."""
        found = self._bases.get(id(node))
        if found is None:
            found = self._bases[id(node)] = self.evaluator.value(node, self.scope(powers=False))
        return found

    # --- sums

    def sums(self, node: Node, frame: Frame) -> Sequence[T]:
        """A sum (of sums, of guarded terms) at each point: one wide frame, added up point by point."""
        counts: list[int] = [1] * frame.count
        while isinstance(node, _PEELED):
            if isinstance(node, tree.Sum):
                if node.high is None:
                    raise EvaluationError(node, f"nothing says how far {node.index} runs")
                low, high = self.wholes(node.low, frame), self.wholes(node.high, frame)
                frame, widths = widened(node, frame, low, high)
                counts = added(widths, counts)
            elif isinstance(node, tree.Where):
                mask = self.mask(node.conditions, frame)
                if not all(mask):
                    frame, counts = frame.kept(mask), added([int(kept) for kept in mask], counts)
            node = node.body
        return self.totals(node, frame, counts)

    def totals(self, node: Node, frame: Frame, counts: Sequence[int]) -> list[T]:
        """The terms added up, so many for each point; of products as inner products."""
        domain = self.evaluator.domain
        ends = [0, *accumulate(counts)]
        if isinstance(node, tree.Product):
            try:
                left, right = self.go(node.factors[0], frame), _multiplied(self, node.factors[1:], frame)
            except _NoScalar:
                pass  # `W[i,:] x` is a number, its factors are none
            else:
                return [domain.dot(left[a:b], right[a:b]) for a, b in pairwise(ends)]
        terms = self.go(node, frame)
        return [domain.total(terms[a:b]) for a, b in pairwise(ends)]


# --- what the nodes mean -------------------------------------------------------------------


def _name(self: Loop[T], node: tree.Name, frame: Frame) -> Sequence[T]:
    column = frame.columns[node.name]
    made = {value: self.evaluator.domain.from_fraction(Fraction(value)) for value in set(column)}
    return [made[value] for value in column]


def _neg(self: Loop[T], node: tree.Neg, frame: Frame) -> Sequence[T]:
    return list(map(self.evaluator.domain.neg, self.go(node.body, frame)))


def _add(self: Loop[T], node: tree.Add, frame: Frame) -> Sequence[T]:
    domain = self.evaluator.domain
    total = self.go(node.terms[0], frame)
    for term in node.terms[1:]:
        minus = isinstance(term, tree.Neg)
        value = self.go(term.body if isinstance(term, tree.Neg) else term, frame)
        total = list(map(domain.sub if minus else domain.add, total, value))
    return total


def _product(self: Loop[T], node: tree.Product, frame: Frame) -> Sequence[T]:
    return _multiplied(self, node.factors, frame)


def _multiplied(self: Loop[T], factors: Sequence[Node], frame: Frame) -> Sequence[T]:
    mul = self.evaluator.domain.mul
    total = self.go(factors[0], frame)
    for factor in factors[1:]:
        total = list(map(mul, total, self.go(factor, frame)))
    return total


def _quotient(self: Loop[T], node: tree.Quotient, frame: Frame) -> Sequence[T]:
    above, below = self.go(node.above, frame), self.go(node.below, frame)
    return self.evaluator.each((frame.count,), self.evaluator.domain.div, above, below).entries


def _power(self: Loop[T], node: tree.Power, frame: Frame) -> Sequence[T]:
    """A whole or rational power; with an exponent that is known only now, as the evaluator does it."""
    base = tree.bare(node.base)
    form = self.form(node.exponent, frame)
    if form is None or isinstance(base, tree.Norm):  # ||v||^2 needs no root
        return self.one_by_one(node, frame)
    exponents = [Fraction(one) for one in column_of(form, frame)]
    return self.evaluator.each(
        (frame.count,), self.evaluator.domain.power, self.go(base, frame), exponents
    ).entries


def _index(self: Loop[T], node: tree.Index, frame: Frame) -> Sequence[T]:
    if not self.needs(node.base).isdisjoint(frame.columns):
        return self.one_by_one(node, frame)
    return _gathered(self, node, self.base(node.base), frame)


def _gradient(self: Loop[T], node: tree.Gradient, frame: Frame) -> Sequence[T]:
    of = node.of
    if not isinstance(of, tree.Index) or not isinstance(of.base, tree.Name):
        raise EvaluationError(node, "a gradient belongs to a name")
    base = self.evaluator.value(tree.Name("d" + of.base.name), self.scope)
    return _gathered(self, of, base, frame)


def _gathered(self: Loop[T], node: tree.Index, base: Array[T], frame: Frame) -> Sequence[T]:
    """The entries at the places, each checked against its axis."""
    if any(isinstance(place, tree.Slice) for place in node.places):
        raise _NoScalar
    if len(node.places) != len(base.shape):
        raise EvaluationError(node, f"{len(node.places)} indices for an array of shape {base.shape}")
    offsets: Sequence[int] | None = None
    for place, length in zip(node.places, base.shape, strict=True):
        column = self.wholes(place, frame)
        if min(column) < 1 or max(column) > length:
            bad = next(at for at, value in enumerate(column) if not 1 <= value <= length)
            where = said(frame.point(bad))
            raise EvaluationError(node, f"index {column[bad]} is outside 1..{length}, at {where}")
        if offsets is None:
            offsets = [a - 1 for a in column]
        else:
            offsets = [a * length + b - 1 for a, b in zip(offsets, column, strict=True)]
    entries = base.entries
    return [entries[offset] for offset in offsets or ()]


def _sum(self: Loop[T], node: tree.Sum, frame: Frame) -> Sequence[T]:
    return self.sums(node, frame)


def _where(self: Loop[T], node: tree.Where, frame: Frame) -> Sequence[T]:
    mask = self.mask(node.conditions, frame)
    made = iter(self.go(node.body, frame.kept(mask)))
    zero = self.evaluator.domain.zero
    return [next(made) if kept else zero for kept in mask]


def _delta(self: Loop[T], node: tree.Delta, frame: Frame) -> Sequence[T]:
    one, zero = self.evaluator.domain.one, self.evaluator.domain.zero
    pairs = zip(self.numbers(node.first, frame), self.numbers(node.second, frame), strict=True)
    return [one if a == b else zero for a, b in pairs]


def _call(self: Loop[T], node: tree.Call, frame: Frame) -> Sequence[T]:
    """A row of the table on all points at once; anything else point by point."""
    from symbackprop.algebra.values.apply import applied, rowwise  # they need the evaluator, it needs us

    row = rowwise(self.evaluator, node)
    held = frozenset().union(*(self.needs(value) for _, value in node.options))
    if row is None or not held.isdisjoint(frame.columns):
        return self.one_by_one(node, frame)
    columns = [self.go(arg, frame) for arg in node.args]
    return applied(self.evaluator, row, node, columns, self.scope)


_HANDLERS: dict[type[Node], Callable[[Any, Any, Frame], Sequence[Any]]] = {
    tree.Name: _name, tree.Neg: _neg, tree.Add: _add, tree.Product: _product, tree.Quotient: _quotient,
    tree.Power: _power, tree.Index: _index, tree.Gradient: _gradient, tree.Sum: _sum, tree.Where: _where,
    tree.Delta: _delta, tree.Call: _call,
}  # fmt: skip


# --- from the evaluator ----------------------------------------------------------------------


def entrywise(evaluator: Evaluator[T], node: tree.Entrywise, scope: Scope[T]) -> Array[T]:
    """The array whose entry at the indices is the body. Raises EvaluationError without sizes."""
    if not node.sizes:
        raise EvaluationError(node, "nothing says the sizes of this array")
    sizes = tuple(evaluator.whole(size, scope) for size in node.sizes)
    count = 1
    for size in sizes:
        count *= size
    if not all(size >= 1 for size in sizes) or count > limits.ENTRIES:
        raise EvaluationError(node, f"an array of shape {sizes}")
    loop = Loop(evaluator, scope.without(node.indices))
    named = dict(zip(node.indices, sizes, strict=True))
    made = contracted(loop, node.body, named)
    if made is not None:
        return made
    frame = Frame.over({name: range(1, size + 1) for name, size in named.items()})
    return Array(sizes, tuple(loop.values(node.body, frame)))


def indexed_sum(evaluator: Evaluator[T], node: tree.Sum, scope: Scope[T]) -> Array[T]:
    """`Σ_{i=low}^{high} body`, a scalar."""
    loop = Loop(evaluator, scope.without((node.index,)))
    try:
        return Array((), tuple(loop.sums(node, Frame(1, {}))))
    except _NoScalar:
        raise EvaluationError(node, "the terms of a sum over an index are single numbers") from None


def where(evaluator: Evaluator[T], node: tree.Where, scope: Scope[T]) -> Array[T]:
    """The body where its conditions hold, else the number 0; the body is then not looked at."""
    (holds,) = Loop(evaluator, scope).mask(node.conditions, Frame(1, {}))
    return evaluator.value(node.body, scope) if holds else Array((), (evaluator.domain.zero,))
