"""Functions that a file of code defines: `def dsigmoid(a): return a * (1 - a)`, or `f = lambda u: …`.

Straight lines and conditions are followed when such a function is called; loops are not.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from symbackprop.checking.code import masked
from symbackprop.checking.code_canonical import Source
from symbackprop.checking.code_names import spelled
from symbackprop.checking.code_text import parsed
from symbackprop.notation.spelling import ReadError

_DEFINES = re.compile(r"(?:def\s+)?([^\W\d]\w*)\s*[(=]")


@dataclass(frozen=True, slots=True)
class Gives:
    """`return value`."""

    value: ast.expr


@dataclass(frozen=True, slots=True)
class Sets:
    """`name = value`, inside a function."""

    name: str
    value: ast.expr


@dataclass(frozen=True, slots=True)
class Chooses:
    """`if test: … else: …`, inside a function."""

    test: ast.expr
    steps: tuple[Step, ...]
    other: tuple[Step, ...]


Step = Gives | Sets | Chooses


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFunction:
    """A function that the file defines; `steps` is None where what it does is not followed."""

    parameters: tuple[str, ...] = ()
    defaults: Mapping[str, ast.expr] = field(default_factory=dict)
    steps: tuple[Step, ...] | None = None


def own_functions(sources: Sequence[str], known: frozenset[str] = frozenset()) -> dict[str, OwnFunction]:
    """The functions that pieces of code define, each a whole `def` with its body, or `f = lambda u: …`."""
    found: dict[str, OwnFunction] = {}
    for text in sources:
        made = _own_function(text.strip(), known)
        if made is not None:
            found[made[0]] = made[1]
    return found


def _own_function(text: str, known: frozenset[str]) -> tuple[str, OwnFunction] | None:
    if not (text.startswith("def ") or "lambda" in text):
        return None
    try:
        module, places = parsed(text)
        match module.body:
            case [ast.FunctionDef(name=name, args=args, body=body)]:
                return name, _inlinable(args, body, Source(text, places, known))
            case [ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda(args=args, body=value))]:
                returned = ast.copy_location(ast.Return(value), value)
                return name, _inlinable(args, [returned], Source(text, places, known))
    except ReadError:
        pass
    named = _DEFINES.match(text)
    return (named.group(1), OwnFunction()) if named else None


def _inlinable(args: ast.arguments, body: Sequence[ast.stmt], source: Source) -> OwnFunction:
    """Plain parameters, perhaps with values of their own; what has stars is not followed."""
    if args.kwonlyargs or args.vararg or args.kwarg or args.posonlyargs:
        return OwnFunction()
    names = tuple(spelled(arg.arg) for arg in args.args if arg.arg != "self")
    inner = Source(source.text, source.places, source.known | frozenset(names))
    values = [inner.canonical(one) for one in args.defaults]
    defaults = dict(zip(names[len(names) - len(values) :], values, strict=True))
    try:
        return OwnFunction(parameters=names, defaults=defaults, steps=tuple(_steps(body, inner)))
    except (_NotFollowed, ReadError):
        return OwnFunction(parameters=names)


class _NotFollowed(Exception):
    """A function does more than straight lines and conditions."""


def _steps(body: Sequence[ast.stmt], source: Source) -> Iterator[Step]:
    for one in body:
        match one:
            case ast.Return(value=ast.expr() as value):
                yield Gives(source.canonical(value))
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield Sets(spelled(name), source.canonical(value))
            case ast.Assign(targets=[ast.Subscript() as target], value=value):
                put = masked(target, value)
                if put is None:
                    raise _NotFollowed
                yield Sets(spelled(put[0].id), source.canonical(put[1]))
            case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=value):
                old = ast.copy_location(ast.Name(name, ast.Load()), target)
                whole = ast.copy_location(ast.BinOp(old, op, value), value)
                yield Sets(spelled(name), source.canonical(whole))
            case ast.If(test=test, body=then, orelse=other):
                chosen = tuple(_steps(then, source)), tuple(_steps(other, source))
                yield Chooses(source.canonical(test), *chosen)
            case ast.Expr(value=ast.Constant(value=str())) | ast.Pass() | ast.Assert():
                pass
            case _:
                raise _NotFollowed
