"""One evaluator of trees, over any domain of numbers.

`evaluate(node, env, domain)` says what each node means when every shape is known; the rules are those of
`notation/shapes.py`. It knows no derivative, and imports nothing of the route that finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Generic, TypeVar

from symbackprop import limits
from symbackprop.algebra.functions import TABLE, Function
from symbackprop.algebra.values import indexing, loops
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Domain, DomainProblem, EvaluationError, Missing
from symbackprop.algebra.values.exact import Exact
from symbackprop.algebra.values.linear import linear
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

T = TypeVar("T")

Kinks = Mapping[str, Mapping[Fraction, Fraction]]
"""Function -> bound -> slope there, with respect to the quantity that decides (`on`)."""


@dataclass(frozen=True, slots=True)
class Scope(Generic[T]):
    """What a node can see. `like` is the shape of its surroundings, for a bare vector of ones.

    `entrywise`: inside a formula of the table, where every product is entry by entry; `powers`: directly
    under a sum, where a power of an array is entry by entry.
    """

    env: Mapping[str, Array[T]]
    indices: Mapping[str, int] = field(default_factory=dict)
    like: tuple[int, ...] | None = None
    entrywise: bool = False
    powers: bool = False

    def __call__(self, *, like: tuple[int, ...] | None = None, powers: bool = False) -> Scope[T]:
        """The scope of a part."""
        if like == self.like and powers == self.powers:
            return self
        return Scope(self.env, self.indices, like, self.entrywise, powers or self.entrywise)

    def inside(self, point: Mapping[str, int]) -> Scope[T]:
        """The scope of a body whose indices have these values."""
        return Scope(self.env, {**self.indices, **point}, None, self.entrywise, self.entrywise)

    def without(self, indices: Sequence[str]) -> Scope[T]:
        """The scope of a body that gives these indices a meaning of its own."""
        kept = {name: value for name, value in self.indices.items() if name not in indices}
        return Scope(self.env, kept, None, self.entrywise, self.entrywise)


class NoSize(EvaluationError):
    """A vector of ones whose size its surroundings have not said yet."""


@dataclass(frozen=True, slots=True)
class Evaluator(Generic[T]):
    """A domain with everything that does not change between evaluations.

    `sizes`: the numbers behind symbolic sizes; `functions`: own functions of the exercise, by name;
    `kinks`: conventions, used where a derivative is taken at a kink (else the row's `tie`).
    """

    domain: Domain[T]
    sizes: Mapping[str, int] = field(default_factory=dict)
    functions: Mapping[str, Function] = field(default_factory=dict)
    kinks: Kinks = field(default_factory=dict)

    def evaluate(
        self, node: Node, env: Mapping[str, Array[T]], like: tuple[int, ...] | None = None
    ) -> Array[T]:
        """The value of `node`. `like` is the shape expected, only needed for a bare vector of ones.

        Raises Missing for a name without value, EvaluationError where the tree has no meaning,
        DomainProblem (with its place) where a function has no value, and what the domain raises.
        """
        return self.value(node, Scope(env, like=like))

    def over(self, domain: Domain[Any]) -> Evaluator[Any]:
        """The same over another domain."""
        return Evaluator(domain, self.sizes, self.functions, self.kinks)

    def row(self, name: str) -> Function | None:
        """The function of that name, own ones first."""
        return self.functions.get(name) or TABLE.get(name)

    # --- for the handlers

    def value(self, node: Node, scope: Scope[T]) -> Array[T]:
        handler = _HANDLERS.get(type(node))
        if handler is None:
            raise EvaluationError(node, f"a {type(node).__name__} has no value")
        return handler(self, node, scope)

    def number(self, node: Node, scope: Scope[T]) -> T:
        """The value of a scalar, or of an array of size 1."""
        value = self.value(node, scope)
        if len(value.entries) != 1:
            raise EvaluationError(node, f"a single number is needed here, not an array {value.shape}")
        return value.entries[0]

    def known(self, name: str, scope: Scope[T]) -> int | None:
        """The number behind an index or a size; None for any other name."""
        bound = scope.indices.get(name)
        if bound is not None or name in scope.env:
            return bound
        return self.sizes.get(name)

    def constant(self, node: Node, scope: Scope[T]) -> Fraction | None:
        """`node` as a rational made of numbers, sizes and indices; None if it holds anything else."""
        form = linear(node, lambda name: self.known(name, scope))
        if form is not None:
            return form.constant
        hidden = {name: size for name, size in self.sizes.items() if name not in scope.env}
        plain: Evaluator[Any] = Evaluator(Exact(), hidden)
        try:
            value = plain.value(node, Scope({}, scope.indices))
        except Missing:
            return None
        return Exact().rational(value.entries[0]) if not value.shape else None

    def whole(self, node: Node, scope: Scope[T]) -> int:
        """An index or a size."""
        value = self.constant(node, scope)
        if value is None or value.denominator != 1:
            raise EvaluationError(node, "an index must be a whole number")
        return value.numerator

    def paired(
        self, node: Node, a: Array[T], b: Array[T], *, loose: bool = False
    ) -> tuple[tuple[int, ...], Sequence[T], Sequence[T]]:
        """The entries of two operands side by side. `loose`: any array of size 1 counts as a scalar."""
        if a.shape == b.shape:
            return a.shape, a.entries, b.entries
        small_a, small_b = len(a.entries) == 1, len(b.entries) == 1
        if small_a and small_b:
            return max(a.shape, b.shape, key=len), a.entries, b.entries
        if not a.shape or (loose and small_a):
            return b.shape, a.entries * len(b.entries), b.entries
        if not b.shape or (loose and small_b):
            return a.shape, a.entries, b.entries * len(a.entries)
        raise EvaluationError(node, f"shapes {a.shape} and {b.shape} do not fit")

    def each(self, shape: tuple[int, ...], compute: Callable[..., T], *columns: Sequence[Any]) -> Array[T]:
        """`compute` entry by entry; an error knows the entry."""
        done: list[T] = []
        try:
            for args in zip(*columns, strict=True):
                done.append(compute(*args))
        except DomainProblem as problem:
            if problem.entry is None:
                problem.entry = len(done)
            raise
        return Array(shape, tuple(done))


def evaluate(
    node: Node,
    env: Mapping[str, Array[T]],
    domain: Domain[T],
    *,
    sizes: Mapping[str, int] | None = None,
    functions: Mapping[str, Function] | None = None,
    kinks: Kinks | None = None,
    like: tuple[int, ...] | None = None,
) -> Array[T]:
    """The value of `node`; see `Evaluator` for the arguments and for what is raised."""
    return Evaluator(domain, sizes or {}, functions or {}, kinks or {}).evaluate(node, env, like)


# --- leaves ----------------------------------------------------------------------------


def _number(self: Evaluator[T], node: tree.Number, scope: Scope[T]) -> Array[T]:
    return Array((), (self.domain.from_fraction(node.value),))


def _constant(self: Evaluator[T], node: tree.Constant, scope: Scope[T]) -> Array[T]:
    return Array((), (self.domain.pi(),))


def _name(self: Evaluator[T], node: tree.Name, scope: Scope[T]) -> Array[T]:
    name = node.name
    if name in scope.indices:
        return Array((), (self.domain.from_fraction(Fraction(scope.indices[name])),))
    if name in scope.env:
        return scope.env[name]
    if name in self.sizes:
        return Array((), (self.domain.from_fraction(Fraction(self.sizes[name])),))
    raise Missing(name)


def _gradient(self: Evaluator[T], node: tree.Gradient, scope: Scope[T]) -> Array[T]:
    of = node.of
    if isinstance(of, tree.Name):
        return _name(self, tree.Name("d" + of.name), scope)
    if isinstance(of, tree.Index) and isinstance(of.base, tree.Name):
        return indexing.index(self, tree.Index(tree.Name("d" + of.base.name), of.places), scope)
    raise EvaluationError(node, "a gradient belongs to a name")


def _ones(self: Evaluator[T], node: tree.Ones, scope: Scope[T]) -> Array[T]:
    if node.size is not None:
        size = self.whole(node.size, scope)
    elif scope.like:
        size = scope.like[0]
    else:
        raise NoSize(node, "nothing says the size of this vector of ones")
    if not 1 <= size <= limits.SIZE:
        raise EvaluationError(node, f"a size of {size}")
    return Array((size,), (self.domain.one,) * size)


def _dressed(self: Evaluator[T], node: Any, scope: Scope[T]) -> Array[T]:
    return self.value(node.body, scope)


# --- arithmetic --------------------------------------------------------------------------


def _neg(self: Evaluator[T], node: tree.Neg, scope: Scope[T]) -> Array[T]:
    return self.value(node.body, scope).map(self.domain.neg)


def _add(self: Evaluator[T], node: tree.Add, scope: Scope[T]) -> Array[T]:
    terms = _terms(self, node, scope)
    result, (first, *others) = terms[0], node.terms
    if isinstance(first, tree.Neg):
        result = result.map(self.domain.neg)
    for term, value in zip(others, terms[1:], strict=True):
        shape, left, right = self.paired(node, result, value)
        combine = self.domain.sub if isinstance(term, tree.Neg) else self.domain.add
        result = Array(shape, tuple(map(combine, left, right)))
    return result


def _terms(self: Evaluator[T], node: tree.Add, scope: Scope[T]) -> list[Array[T]]:
    """The terms without their minus; those with a bare vector of ones last, as its size follows."""
    bodies = [term.body if isinstance(term, tree.Neg) else term for term in node.terms]
    values: dict[int, Array[T]] = {}
    late = []
    for place, body in enumerate(bodies):
        try:
            values[place] = self.value(body, scope)
        except NoSize:
            late.append(place)
    if late and not values:
        raise NoSize(node, "nothing says the size of these vectors of ones")
    for place in late:
        like = max((value.shape for value in values.values()), key=len)
        values[place] = self.value(bodies[place], scope(like=like, powers=scope.powers))
    return [values[place] for place in range(len(bodies))]


def _product(self: Evaluator[T], node: tree.Product, scope: Scope[T]) -> Array[T]:
    factors = node.factors
    result = _factor(self, node, 0, None, scope)
    for place, sign in enumerate(node.signs, start=1):
        value = _factor(self, node, place, result, scope)
        if scope.entrywise or sign in ("*", "odot"):
            shape, left, right = self.paired(node, result, value, loose=sign == "*")
            result = Array(shape, tuple(map(self.domain.mul, left, right)))
        else:
            result = _times(self, tree.Product(factors[: place + 1], node.signs[:place]), result, value)
    return result


def _factor(
    self: Evaluator[T], node: tree.Product, place: int, before: Array[T] | None, scope: Scope[T]
) -> Array[T]:
    """A factor; a bare vector of ones takes its size from what stands beside it."""
    factor = node.factors[place]
    flipped = isinstance(factor, tree.Transpose)
    bare = factor.body if isinstance(factor, tree.Transpose) else factor
    if not (isinstance(bare, tree.Ones) and bare.size is None):
        return self.value(factor, scope)
    if flipped and place + 1 < len(node.factors):
        like: tuple[int, ...] | None = self.value(node.factors[place + 1], scope).shape[:1]
    elif not flipped and before is not None and before.shape:
        like = before.shape[1:] or before.shape
    else:
        like = scope.like[::-1] if flipped and scope.like else scope.like
    return self.value(factor, scope(like=like))


def _times(self: Evaluator[T], node: Node, a: Array[T], b: Array[T]) -> Array[T]:
    """Scalar times anything, else the matrix product with a vector seen as one column."""
    mul = self.domain.mul
    if not a.shape:
        factor = a.entries[0]
        return b.with_entries([mul(factor, entry) for entry in b.entries])
    if not b.shape:
        factor = b.entries[0]
        return a.with_entries([mul(entry, factor) for entry in a.entries])
    width = a.shape[1] if len(a.shape) == 2 else 1
    fits = width == b.shape[0] and len(a.shape) <= 2 and len(b.shape) <= 2
    if fits and (len(a.shape) == 2 or len(b.shape) == 2 or b.shape == (1,)):
        shape: tuple[int, ...] = (a.shape[0], *b.shape[1:])
        return Array(shape, tuple(self.domain.matmul(list(a.rows()), b.columns())))
    if len(a.entries) == 1 or len(b.entries) == 1:
        shape, left, right = self.paired(node, a, b, loose=True)
        return Array(shape, tuple(map(mul, left, right)))
    raise EvaluationError(node, f"shapes {a.shape} and {b.shape} do not fit in a product")


def _quotient(self: Evaluator[T], node: tree.Quotient, scope: Scope[T]) -> Array[T]:
    above, below = self.value(node.above, scope), self.value(node.below, scope)
    shape, left, right = self.paired(node, above, below, loose=True)
    try:
        return self.each(shape, self.domain.div, left, right)
    except DomainProblem as problem:
        raise problem if scope.entrywise else problem.placed(shape) from None


def _power(self: Evaluator[T], node: tree.Power, scope: Scope[T]) -> Array[T]:
    exponent = self.constant(node.exponent, scope)
    base_node = tree.bare(node.base)
    if isinstance(base_node, tree.Norm) and base_node.kind != "1" and exponent and exponent % 2 == 0:
        # ||v||^2 needs no root: rational stays rational, and it has a slope at 0.
        return Array((), (self.domain.power(_squares(self, base_node, scope), exponent / 2),))
    base = self.value(node.base, scope)
    if len(base.entries) != 1 and not (scope.powers or scope.entrywise):
        raise EvaluationError(node, "a power of an array: write ||v||^2 or square(v)")
    try:
        if exponent is not None:
            return self.each(base.shape, lambda a: self.domain.power(a, exponent), base.entries)
        value = self.value(node.exponent, scope(powers=scope.powers))
        shape, left, right = self.paired(node, base, value, loose=True)
        return self.each(shape, lambda a, q: _variable_power(self, a, q), left, right)
    except DomainProblem as problem:
        raise problem if scope.entrywise else problem.placed(base.shape) from None


def _variable_power(self: Evaluator[T], a: T, exponent: T) -> T:
    """a^q for an exponent that is known only now; exp(q log a) unless it is rational."""
    domain = self.domain
    known = domain.rational(exponent)
    if known is not None:
        return domain.power(a, known)
    return domain.atom("exp", domain.mul(exponent, domain.atom("log", a)))


def _transpose(self: Evaluator[T], node: tree.Transpose, scope: Scope[T]) -> Array[T]:
    value = self.value(node.body, scope(like=scope.like))
    if len(value.shape) > 2:
        raise EvaluationError(node, f"an array of shape {value.shape} has no transpose")
    return value.transposed()


def _squares(self: Evaluator[T], node: tree.Norm, scope: Scope[T]) -> T:
    value = self.value(node.body, scope(powers=False))
    if node.kind == "2" and len(value.shape) > 1 and len(value.entries) > 1:
        raise EvaluationError(node, "a Euclidean norm of a matrix: write ||A||_F")
    return self.domain.dot(value.entries, value.entries)


def _norm(self: Evaluator[T], node: tree.Norm, scope: Scope[T]) -> Array[T]:
    if node.kind == "1":
        return self.value(tree.Call("sum", (tree.Call("abs", (node.body,)),)), scope)
    return Array((), (self.domain.atom("sqrt", _squares(self, node, scope)),))


# --- functions ---------------------------------------------------------------------------


def _call(self: Evaluator[T], node: tree.Call, scope: Scope[T]) -> Array[T]:
    from symbackprop.algebra.values.apply import call  # the two modules need each other

    return call(self, node, scope)


_HANDLERS: dict[type[Node], Callable[[Any, Any, Any], Array[Any]]] = {
    tree.Number: _number, tree.Constant: _constant, tree.Name: _name, tree.Ones: _ones,
    tree.Gradient: _gradient, tree.Bracket: _dressed, tree.Brace: _dressed, tree.Box: _dressed,
    tree.Coloured: _dressed, tree.Neg: _neg, tree.Add: _add, tree.Product: _product,
    tree.Quotient: _quotient, tree.Power: _power, tree.Transpose: _transpose, tree.Norm: _norm,
    tree.Index: indexing.index, tree.Sum: loops.indexed_sum, tree.Where: loops.where,
    tree.Entrywise: loops.entrywise, tree.Delta: indexing.delta, tree.Matrix: indexing.matrix,
    tree.Call: _call,
}  # fmt: skip
"""What each node means."""
