"""What each kind of expression in code means: names, numbers, operators, comparisons, parts of arrays."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeVar

from symbackprop import limits
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Domain
from symbackprop.checking import code_arrays as arrays
from symbackprop.checking.code_arrays import refuse, unread
from symbackprop.checking.code_loops import Filled, boolean, chosen, filled, listed
from symbackprop.checking.code_names import MODULES
from symbackprop.checking.code_values import Running, Value, is_new_axis, place_of, said, stacked
from symbackprop.notation import tree

T = TypeVar("T")

_POWER = 12  # of a norm that is taken without a root


# --- leaves ---------------------------------------------------------------------------------------


def _constant(run: Running[T], node: ast.Constant) -> Value[T]:
    if isinstance(node.value, bool):
        return Value(run.scalar(int(node.value)), truth=True)
    if isinstance(node.value, Fraction):
        return Value(run.scalar(node.value))
    return unread(f"{said(node)} is no number")


def _name(run: Running[T], node: ast.Name) -> Value[T]:
    if node.id in run.local:
        return run.local[node.id]
    if node.id in MODULES:
        unread(f"{node.id} is a module, not a value")
    found = run.lookup(node.id)
    if run.columns and len(found.shape) == 1 and "#" not in node.id:  # what the code made has its own shape
        found = found.reshaped((found.shape[0], 1))
    return Value(found)


def _list(run: Running[T], node: ast.List | ast.Tuple) -> Value[T]:
    """A list of numbers, of lists or of arrays of one shape."""
    return stacked([run.value(part) for part in node.elts])


# --- operators ------------------------------------------------------------------------------------


def _unary(run: Running[T], node: ast.UnaryOp) -> Value[T]:
    if isinstance(node.op, ast.Not):
        return Value(run.scalar(int(not run.holds(node.operand))), truth=True)
    operand = run.value(node.operand)
    if operand.listed:
        refuse("a sign before a list")
    match node.op:
        case ast.USub():
            if operand.truth:
                refuse("the numpy boolean negative, the `-` operator, is not supported")
            return Value(operand.array.map(run.domain.neg))
        case ast.UAdd():
            return Value(operand.array)
        case ast.Invert() if operand.truth and operand.shape:
            return Value(_negated(run, operand.array), truth=True)
    return unread(f"{said(node)} is not read in code")


def _negated(run: Running[T], truths: Array[T]) -> Array[T]:
    return truths.map(lambda a: run.domain.one if run.domain.is_zero(a) else run.domain.zero)


def _binary(run: Running[T], node: ast.BinOp) -> Value[T]:
    if isinstance(node.op, ast.Pow):
        return _power(run, node)
    left, right = run.value(node.left), run.value(node.right)
    if (left.listed and (right.listed or not right.shape)) or (right.listed and not left.shape):
        unread("a list is no array: Python repeats or joins it; write np.array([…])")
    if isinstance(node.op, ast.MatMult):
        if left.truth and right.truth:
            unread("a product of truth values is not read")
        return Value(arrays.matmul(run.domain, left.array, right.array))
    if isinstance(node.op, ast.BitAnd | ast.BitOr) and left.truth and right.truth:
        return Value(_logical(run, node.op, left.array, right.array), truth=True)
    combine = _COMBINE.get(type(node.op))
    if combine is None:
        unread(f"{said(node)} is not read in code")
    both = left.truth and right.truth
    if both and isinstance(node.op, ast.Add | ast.Sub):
        unread("truth values do not add or subtract like numbers in NumPy; write .astype(float)")
    done = run.entrywise(combine(run.domain), left.array, right.array)
    return Value(done, truth=both and isinstance(node.op, ast.Mult))


_COMBINE: Mapping[type[ast.operator], Callable[[Domain[Any]], Callable[[Any, Any], Any]]] = {
    ast.Add: lambda domain: domain.add,
    ast.Sub: lambda domain: domain.sub,
    ast.Mult: lambda domain: domain.mul,
    ast.Div: lambda domain: domain.div,
}


def _logical(run: Running[T], op: ast.operator, left: Array[T], right: Array[T]) -> Array[T]:
    """And, or of 0 and 1."""
    domain = run.domain

    def either(a: T, b: T) -> T:
        return domain.sub(domain.add(a, b), domain.mul(a, b))

    return run.entrywise(domain.mul if isinstance(op, ast.BitAnd) else either, left, right)


def _power(run: Running[T], node: ast.BinOp) -> Value[T]:
    exponent = _exponent(run, node.right)
    if exponent is not None and exponent % 2 == 0 and 0 < exponent <= _POWER:
        squares = _norm_squared(run, node.left)
        if squares is not None:  # a norm squared needs no root: rational stays rational
            return Value(squares.map(lambda a: run.domain.power(a, exponent / 2)))
    base = run.value(node.left)
    if base.listed:
        refuse("a power of a list")
    return Value(power(run, base.array, node.right))


def power(run: Running[T], base: Array[T], exponent_node: ast.expr) -> Array[T]:
    """`base ** exponent`, entry by entry."""
    exponent = _exponent(run, exponent_node)
    if exponent is not None:
        if abs(exponent) > limits.EXPONENT:
            unread(f"an exponent beyond {limits.EXPONENT}")
        return run.evaluator.each(base.shape, lambda a: run.domain.power(a, exponent), base.entries)
    node = tree.Power(tree.Name("#0"), tree.Name("#1"))
    shape, entries = run.paired(base, run.array(exponent_node))

    def raised(a: T, q: T) -> T:
        env = {"#0": Array((), (a,)), "#1": Array((), (q,))}
        return run.evaluator.evaluate(node, env).entries[0]

    return run.evaluator.each(shape, raised, *entries)


def _exponent(run: Running[T], node: ast.expr) -> Fraction | None:
    """An exponent that is a number as written."""
    match node:
        case ast.Constant(value=Fraction() as number):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _exponent(run, operand)
            return None if inner is None else -inner
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            above, below = _exponent(run, left), _exponent(run, right)
            return above / below if above is not None and below else None
    return None


def _norm_squared(run: Running[T], node: ast.expr) -> Array[T] | None:
    """Σ a² of the argument of `np.linalg.norm(a)`; None for anything else."""
    match node:
        case ast.Call(func=ast.Attribute(attr="norm"), args=[argument], keywords=[]):
            entries = run.array(argument).entries
            return Array((), (run.domain.dot(entries, entries),))
    return None


_TRUE: Mapping[type[ast.cmpop], Callable[[int], bool]] = {
    ast.Gt: lambda sign: sign > 0, ast.GtE: lambda sign: sign >= 0, ast.Lt: lambda sign: sign < 0,
    ast.LtE: lambda sign: sign <= 0, ast.Eq: lambda sign: sign == 0, ast.NotEq: lambda sign: sign != 0,
}  # fmt: skip


def _compare(run: Running[T], node: ast.Compare) -> Value[T]:
    """1 where it holds and 0 elsewhere, entry by entry."""
    if len(node.ops) != 1 or type(node.ops[0]) not in _TRUE:
        unread(f"{said(node)} is not read in code")
    left, right = run.value(node.left), run.value(node.comparators[0])
    if left.listed and right.listed:
        refuse("lists compare as wholes; write np.array([…])")
    holds, domain = _TRUE[type(node.ops[0])], run.domain

    def truth(a: T, b: T) -> T:
        return domain.one if holds(domain.sign(domain.sub(a, b))) else domain.zero

    return Value(run.entrywise(truth, left.array, right.array), truth=True)


# --- parts of arrays ------------------------------------------------------------------------------


def _subscript(run: Running[T], node: ast.Subscript) -> Value[T]:
    if isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
        return Value(run.scalar(run.whole(node)))
    owner = run.value(node.value)
    if owner.listed:
        unread("a part of a list")
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    places: list[arrays.Index] = []
    for at, part in enumerate(parts):
        if isinstance(part, ast.Constant) and part.value is ...:
            named = sum(not is_new_axis(one) for one in parts) - 1
            rest = len(owner.shape) - named
            if any(isinstance(one, ast.Constant) and one.value is ... for one in parts[at + 1 :]) or rest < 0:
                refuse("an index can only have a single ellipsis ('...')")
            places += [slice(None)] * rest
        else:
            places.append(place_of(run, part))
    return Value(arrays.indexed(owner.array, places), truth=owner.truth)


def _attribute(run: Running[T], node: ast.Attribute) -> Value[T]:
    if isinstance(node.value, ast.Name) and node.value.id in MODULES:
        if node.attr == "pi":
            return Value(Array((), (run.domain.pi(),)))
        if node.attr == "e":
            return Value(Array((), (run.domain.atom("exp", run.domain.one),)))
        unread(f"{node.value.id}.{node.attr} is no value that is read")
    match node.attr:
        case "T" | "mT":
            owner = run.value(node.value)
            if owner.listed:
                refuse("'list' object has no attribute 'T'")
            return Value(arrays.transposed(owner.array), truth=owner.truth)
        case "size":
            return Value(run.scalar(run.whole(node)))
        case "data":
            return run.value(node.value)
    return unread(f"“.{node.attr}” is not read in code")


def _call(run: Running[T], node: ast.Call) -> Value[T]:
    from symbackprop.checking.code_calls import called  # the two modules need each other

    return called(run, node)


HANDLERS: Mapping[type[ast.expr], Callable[[Any, Any], Value[Any]]] = {
    ast.Constant: _constant, ast.Name: _name, ast.List: _list, ast.Tuple: _list, ast.UnaryOp: _unary,
    ast.BinOp: _binary, ast.Compare: _compare, ast.Subscript: _subscript, ast.Attribute: _attribute,
    ast.Call: _call, ast.IfExp: chosen, ast.BoolOp: boolean, ast.ListComp: listed, ast.GeneratorExp: listed,
    Filled: filled,
}  # fmt: skip
"""What each kind of expression means."""
