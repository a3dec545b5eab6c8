"""The value of a line of code: NumPy's meaning over any kind of number, exact.

What NumPy would refuse is an EvaluationError, and so is what is not read here: it is never guessed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Generic, TypeVar

from symbackprop import limits
from symbackprop.algebra.functions import ALIASES
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Domain
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.operations import OPERATIONS
from symbackprop.checking.code_arrays import (
    Dims,
    Index,
    NotRead,
    checked,
    common_shape,
    refuse,
    spread,
    unread,
)
from symbackprop.checking.code_functions import OwnFunction
from symbackprop.notation import tree

T = TypeVar("T")

DERIVATIVES = (
    "{}_prime", "{}_derivative", "{}_deriv", "{}_der", "{}_grad", "d_{}", "d{}", "grad_{}", "deriv_{}",
    "{}_derivada", "derivada_{}", "{}Prime", "{}_p",
)  # fmt: skip
"""How code names the derivative of a function: `relu_prime(z)` is relu'(z)."""


@dataclass(frozen=True, slots=True)
class Flat(Generic[T]):
    """An array with NumPy's shape. `notes`: "broadcast" where two arrays of different shapes met."""

    array: Array[T]
    notes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Value(Generic[T]):
    """An array on the way. `truth`: of True and False, which do not add like numbers; `listed`: a list of
    Python's, which is no array until a function takes it."""

    array: Array[T]
    truth: bool = False
    listed: bool = False

    @property
    def shape(self) -> Dims:
        """NumPy's shape."""
        return self.array.shape


def code_value(
    value: ast.expr,
    lookup: Callable[[str], Array[T]],
    evaluator: Evaluator[T],
    *,
    columns: bool,
    calls: Mapping[str, str] | None = None,
    own: Mapping[str, OwnFunction] | None = None,
    local: Mapping[str, Value[T]] | None = None,
) -> Flat[T]:
    """What an expression of `read_code` evaluates to.

    `lookup` gives the values of names and raises for others; with `columns`, flat arrays of it are n×1
    columns. `calls` are further words for functions (`g`), `own` the functions that the file defines, `local`
    values of names that come before all others, such as the i of a loop.
    Raises EvaluationError where NumPy would raise, NotRead where the code is not read, what `lookup` raises,
    and what the domain raises: Undecided or Symbolic for a sign that is not known, DomainProblem for 1/0.
    """
    running: Running[T] = Running(evaluator, lookup, columns, calls or {}, own or {}, local=local or {})
    found = running.value(value)
    if found.listed and not found.array.entries:
        refuse("an empty list is no array")
    return Flat(found.array, frozenset(running.notes))


@dataclass(slots=True)
class Running(Generic[T]):
    """One evaluation: where names come from, and what was noted. `spend` takes what loops and calls cost."""

    evaluator: Evaluator[T]
    lookup: Callable[[str], Array[T]]
    columns: bool
    calls: Mapping[str, str]
    own: Mapping[str, OwnFunction]
    depth: int = 0
    local: Mapping[str, Value[T]] = field(default_factory=dict)
    notes: set[str] = field(default_factory=set)
    spend: Callable[[int], None] = lambda cost: None

    @property
    def domain(self) -> Domain[T]:
        """The kind of numbers."""
        return self.evaluator.domain

    def value(self, node: ast.expr) -> Value[T]:
        """The value of any expression."""
        from symbackprop.checking.code_operators import HANDLERS  # the two modules need each other

        handler = HANDLERS.get(type(node))
        try:
            if handler is None:
                unread(f"{said(node)} is not read in code")
            return handler(self, node)
        except NotRead as error:
            error.node = error.node or node
            raise

    def within(self, local: Mapping[str, Value[T]]) -> Running[T]:
        """The same with further values of names, as in the body of a function or a loop."""
        return replace(self, local={**self.local, **local})

    def holds(self, node: ast.expr) -> bool:
        """Whether a condition holds. One about several entries, which NumPy refuses, is hardly meant so."""
        found = self.value(node)
        if len(found.array.entries) != 1:
            unread("The truth value of an array with more than one element is ambiguous.")
        (entry,) = found.array.entries
        return not self.domain.is_zero(entry) if found.truth else self.domain.sign(entry) != 0

    def array(self, node: ast.expr) -> Array[T]:
        """The value of an expression as numbers; True is 1."""
        return self.value(node).array

    def scalar(self, number: Fraction | int) -> Array[T]:
        """An exact number."""
        return Array((), (self.domain.from_fraction(Fraction(number)),))

    def paired(self, *operands: Array[T]) -> tuple[Dims, list[tuple[T, ...]]]:
        """Operands broadcast to one shape; noted where arrays of different shapes met."""
        shape = common_shape(*(one.shape for one in operands))
        if len({one.shape for one in operands if one.shape}) > 1:
            self.notes.add("broadcast")
        return shape, [spread(one, shape).entries for one in operands]

    def entrywise(self, combine: Callable[..., T], *operands: Array[T]) -> Array[T]:
        """`combine` entry by entry; an error knows its place."""
        shape, entries = self.paired(*operands)
        return self.evaluator.each(shape, combine, *entries)

    def applied(self, function: str, primes: int, *operands: Array[T]) -> Array[T]:
        """A function of the table or the exercise on arrays that are broadcast to one shape."""
        shape, entries = self.paired(*operands)
        names = [f"#{place}" for place in range(len(operands))]
        env = {name: Array(shape, one) for name, one in zip(names, entries, strict=True)}
        node = tree.Call(function, tuple(tree.Name(name) for name in names), primes=primes)
        return self.evaluator.evaluate(node, env)

    def applied_whole(self, function: str, operand: Array[T]) -> Array[T]:
        """A function of a whole array, such as softmax."""
        return self.evaluator.evaluate(tree.Call(function, (tree.Name("#0"),)), {"#0": operand})

    def sign(self, a: T) -> int:
        """-1, 0 or 1, as the domain says."""
        return self.domain.sign(a)

    def function(self, word: str) -> tuple[str, int] | None:
        """The function that a word calls, and how often differentiated; None where there is none."""
        for name, primes in readings(word):
            found = self.calls.get(name) or (name if self.evaluator.row(name) else "")
            found = found or ALIASES.get(name, "") or ALIASES.get(name.lower(), "")
            if name == "softmax" or (name in OPERATIONS and not primes):
                found = found or name
            if found:
                return found, primes
        return None

    def whole(self, node: ast.expr) -> int:
        """A whole number known beforehand: an axis, a size, an index."""
        match node:
            case ast.Constant(value=Fraction(denominator=1) as number):
                return int(number)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.whole(operand)
            case ast.Call(func=ast.Name(id="len"), args=[argument]):
                shape = self.value(argument).shape
                return shape[0] if shape else refuse("object of type 'float' has no len()")
            case ast.Subscript(value=ast.Attribute(attr="shape", value=owner), slice=place):
                shape = self.value(owner).shape
                at = self.whole(place)
                return shape[at] if -len(shape) <= at < len(shape) else refuse("tuple index out of range")
            case ast.Attribute(attr="size", value=owner):
                return len(self.value(owner).array.entries)
            case ast.BinOp(left=left, op=ast.Mult() | ast.Add() | ast.Sub() as op, right=right):
                first, second = self.whole(left), self.whole(right)
                match op:
                    case ast.Mult():
                        return _small(first * second)
                    case ast.Add():
                        return _small(first + second)
                return _small(first - second)
            case ast.Name(id=name) if name in self.evaluator.sizes and name not in self.local:
                return self.evaluator.sizes[name]
            case ast.Name():
                found = self.array(node)
                entry = found.entries[0] if not found.shape else None
                if isinstance(entry, int) and 0 <= entry <= limits.SIZE:
                    return entry  # a residue: a random one is never so small
                number = self.domain.rational(entry) if entry is not None else None
                if number is not None and number.denominator == 1:
                    return _small(int(number))
        raise NotRead(node, "a whole number is needed here")

    def shape(self, node: ast.expr) -> Dims:
        """A shape: `(2, 3)`, `n`, or `x.shape`."""
        match node:
            case ast.Tuple(elts=sizes) | ast.List(elts=sizes):
                return tuple(self.whole(size) for size in sizes)
            case ast.Attribute(attr="shape", value=owner):
                return self.value(owner).shape
        return (self.whole(node),)


def _small(number: int) -> int:
    return number if abs(number) <= limits.ENTRIES else unread(f"{number} is beyond the limit")


def stacked(parts: Sequence[Value[T]]) -> Value[T]:
    """Values of one shape as a list."""
    if len({part.shape for part in parts}) > 1:
        unread("the rows of this list have different lengths")
    inner = parts[0].shape if parts else ()
    entries = tuple(entry for part in parts for entry in part.array.entries)
    truth = bool(parts) and all(part.truth for part in parts)
    return Value(Array(checked((len(parts), *inner)), entries), truth=truth, listed=True)


def is_new_axis(node: ast.expr) -> bool:
    """Whether a place in square brackets is `None` or `np.newaxis`."""
    match node:
        case ast.Constant(value=None) | ast.Attribute(attr="newaxis"):
            return True
    return False


def place_of(run: Running[T], node: ast.expr) -> Index:
    """One place in square brackets."""
    if is_new_axis(node):
        return None
    if isinstance(node, ast.Slice):
        low, high, step = (
            None if one is None else run.whole(one) for one in (node.lower, node.upper, node.step)
        )
        return slice(low, high, step) if step != 0 else refuse("slice step cannot be zero")
    if isinstance(node, ast.Compare | ast.List):
        unread("indexing by an array is not read")
    return run.whole(node)


def readings(word: str) -> list[tuple[str, int]]:
    """What a word may mean as a function: itself, or the derivative of a part of it."""
    found = [(word, 0)]
    for pattern in DERIVATIVES:
        before, after = pattern.split("{}")
        if word.startswith(before) and word.endswith(after) and len(word) > len(before) + len(after):
            found.append((word[len(before) : len(word) - len(after)], 1))
    return found


def said(node: ast.expr) -> str:
    """What an expression is called in a message."""
    return _CALLED.get(type(node), f"“{_FRACTION.sub(_decimal, ast.unparse(node))[:60]}”")


def _decimal(found: re.Match[str]) -> str:
    above, below = found.groups()
    return above if below == "1" else f"{above}/{below}"


_FRACTION = re.compile(r"Fraction\((-?\d+), (\d+)\)")
_CALLED: Mapping[type[ast.expr], str] = {
    ast.IfExp: "a condition", ast.Lambda: "a lambda", ast.ListComp: "a comprehension", ast.BoolOp: "and/or",
    ast.GeneratorExp: "a comprehension", ast.Dict: "a dictionary", ast.Starred: "a star",
    ast.JoinedStr: "a text",
}  # fmt: skip
