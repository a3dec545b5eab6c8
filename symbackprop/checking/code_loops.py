"""What runs more than one step in code: functions of the file, comprehensions, entries filled in by loops."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from symbackprop import limits
from symbackprop.algebra.values.arrays import Array
from symbackprop.checking import code_arrays as arrays
from symbackprop.checking.code_arrays import refuse, unread
from symbackprop.checking.code_functions import Chooses, Gives, OwnFunction, Sets, Step
from symbackprop.checking.code_values import Running, Value, place_of, stacked

T = TypeVar("T")


class Filled(ast.expr):
    """`base` with `value` put into `places` for every pass of loops; `op` is added, or None."""

    _fields = ("base", "places", "op", "value", "generators")
    base: ast.expr
    places: list[ast.expr]
    op: ast.operator | None
    value: ast.expr
    generators: list[ast.comprehension]


def filling(
    base: ast.expr,
    places: list[ast.expr],
    op: ast.operator | None,
    value: ast.expr,
    generators: list[ast.comprehension],
) -> Filled:
    """The expression for an array whose places loops have filled in."""
    made = Filled()
    made.base, made.places, made.op, made.value, made.generators = base, places, op, value, generators
    return made


_PASS = 12  # what one pass of a loop, or one call, costs
_OWN_DEPTH = 8  # calls of functions of the file inside each other


def inlined(
    run: Running[T],
    function: OwnFunction,
    name: str,
    arguments: Sequence[Value[T]],
    named: Mapping[str, Value[T]],
) -> Value[T]:
    """A function that the file defines, at its arguments."""
    if function.steps is None:
        unread(f"what {name} does is not followed")
    if len(arguments) > len(function.parameters) or not set(named) <= set(function.parameters):
        refuse(f"{name} takes {len(function.parameters)} arguments")
    if run.depth >= _OWN_DEPTH:
        unread(f"functions of the file call each other more than {_OWN_DEPTH} deep")
    run.spend(_PASS)
    local = {**dict(zip(function.parameters, arguments, strict=False)), **named}
    for parameter in function.parameters:
        if parameter not in local:
            if parameter not in function.defaults:
                refuse(f"{name} is missing its argument {parameter}")
            local[parameter] = run.value(function.defaults[parameter])
    inner = replace(run, depth=run.depth + 1, local=local)
    found = _followed(inner, function.steps)
    return unread(f"{name} returns nothing") if found is None else found


def _followed(run: Running[T], steps: Sequence[Step]) -> Value[T] | None:
    """What some steps of a function return; None where they go on behind them. `run` is changed."""
    for step in steps:
        found = None
        match step:
            case Gives(value):
                return run.value(value)
            case Sets(name, value):
                run.local = {**run.local, name: run.value(value)}
            case Chooses(test, first, second):
                found = _followed(run, first if run.holds(test) else second)
        if found is not None:
            return found
    return None


def chosen(run: Running[T], node: ast.IfExp) -> Value[T]:
    """`z if z > 0 else 0`."""
    return run.value(node.body if run.holds(node.test) else node.orelse)


def boolean(run: Running[T], node: ast.BoolOp) -> Value[T]:
    """`z > 0 and y > 0`, of single truths."""
    wanted = isinstance(node.op, ast.Or)
    decided = any(run.holds(one) == wanted for one in node.values)
    return Value(run.scalar(int(decided == wanted)), truth=True)


def listed(run: Running[T], node: ast.ListComp | ast.GeneratorExp) -> Value[T]:
    """A list of what an expression is for every i."""
    parts = [inner.value(node.elt) for inner in passes(run, node.generators)]
    if not parts:
        unread("an empty list")
    return stacked(parts)


def passes(run: Running[T], generators: Sequence[ast.comprehension]) -> Iterator[Running[T]]:
    """The runs for all values of the indices of loops, the last index first to change."""
    if not generators:
        run.spend(_PASS)
        yield run
        return
    first, *rest = generators
    for bound in _bindings(run, first.target, first.iter):
        inner = run.within(bound)
        if all(inner.holds(test) for test in first.ifs):
            yield from passes(inner, rest)


def _bindings(run: Running[T], target: ast.expr, over: ast.expr) -> Iterator[Mapping[str, Value[T]]]:
    for item in _items(run, over):
        match target, item:
            case ast.Name(id=name), Value():
                yield {name: item}
            case ast.Tuple(elts=names), tuple() if len(names) == len(item):
                bound: dict[str, Value[T]] = {}
                for one, part in zip(names, item, strict=True):
                    if not isinstance(one, ast.Name) or not isinstance(part, Value):
                        unread("this loop is not read")
                    bound[one.id] = part
                yield bound
            case _:
                unread("this loop is not read")


def _items(run: Running[T], over: ast.expr) -> Iterator[Value[T] | tuple[Value[T], ...]]:
    """What a loop goes over: `range(3)`, `enumerate(x)`, `zip(X, Y)`, or the rows of an array."""
    match over:
        case ast.Call(func=ast.Name(id="range"), args=args) if 1 <= len(args) <= 3:
            bounds = [run.whole(one) for one in args]
            if len(bounds) == 3 and not bounds[2]:
                refuse("range() arg 3 must not be zero")
            chosen = range(*bounds)
            if len(chosen) > limits.SIZE:
                unread("a loop of so many passes is not read")
            yield from (Value(run.scalar(at)) for at in chosen)
        case ast.Call(func=ast.Name(id="reversed"), args=[inner]):
            yield from reversed(list(_items(run, inner)))
        case ast.Call(func=ast.Name(id="enumerate"), args=[inner]):
            for at, item in enumerate(_items(run, inner)):
                if isinstance(item, tuple):
                    unread("this loop is not read")
                yield Value(run.scalar(at)), item
        case ast.Call(func=ast.Name(id="zip"), args=parts) if parts:
            for items in zip(*(_items(run, one) for one in parts), strict=False):
                if not all(isinstance(one, Value) for one in items):
                    unread("this loop is not read")
                yield tuple(one for one in items if isinstance(one, Value))
        case ast.Call():
            unread("what this loop goes over is not read")
        case _:
            whole = run.value(over)
            if not whole.shape:
                refuse("iteration over a 0-d array")
            yield from (Value(arrays.indexed(whole.array, [at])) for at in range(whole.shape[0]))


def filled(run: Running[T], node: Filled) -> Value[T]:
    """An array after loops that set or change its entries."""
    whole = run.value(node.base).array
    entries = list(whole.entries)
    offsets = Array(whole.shape, tuple(range(len(entries))))
    for inner in passes(run, node.generators):
        region = arrays.indexed(offsets, [place_of(inner, one) for one in node.places])
        made = inner.array(node.value)
        made = made.reshaped(()) if len(made.entries) == 1 else made
        if arrays.common_shape(region.shape, made.shape) != region.shape:
            refuse(
                f"could not broadcast from shape {arrays.shown(made.shape)} into {arrays.shown(region.shape)}"
            )
        for at, entry in zip(region.entries, arrays.spread(made, region.shape).entries, strict=True):
            entries[at] = entry if node.op is None else _combined(inner, node.op, entries[at], entry)
    return Value(Array(whole.shape, tuple(entries)))


def _combined(run: Running[T], op: ast.operator, old: T, new: T) -> T:
    domain = run.domain
    match op:
        case ast.Add():
            return domain.add(old, new)
        case ast.Sub():
            return domain.sub(old, new)
        case ast.Mult():
            return domain.mul(old, new)
        case ast.Div():
            return domain.div(old, new)
    return unread("this change of an entry is not read")
