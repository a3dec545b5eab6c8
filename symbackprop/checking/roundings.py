"""How far rounded numbers lead: `½ (0.7311 − 1)² ≈ ½ · 0.0723`, and values that are worked on with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.algebra.values.evaluate import Scope
from symbackprop.algebra.values.exact import bounds
from symbackprop.checking.compare import side
from symbackprop.checking.desk import Desk
from symbackprop.checking.numbers import OPERANDS, distance, match, spread, tolerances
from symbackprop.checking.numeric import is_numeric
from symbackprop.checking.resolve import Resolved
from symbackprop.checking.values import Reader, evaluator_in, scope_in
from symbackprop.checking.worlds import World
from symbackprop.notation import tree
from symbackprop.notation.tree import Node


def both_rounded(world: World, reader: Reader, a: Resolved, b: Resolved) -> bool:
    """Whether two members made of numbers are as near as the digits of both let them be."""

    def value(node: Node) -> Array[Any]:
        return evaluator_in(world, reader).value(node, scope_in(world, {}))

    off = [
        tolerances(member.node, approximate=True) or spread(member.node, world.domain, value, ()) or ()
        for member in (a, b)
    ]
    try:
        working = evaluator_in(world, reader)
        left, right = side(working, a, {}), side(working, b, {})
    except (ArithmeticError, EvaluationError):
        return False
    size = len(left.array.entries)
    loose = left.loose or right.loose
    each = [part or (Fraction(0),) * size for part in off]
    if any(len(part) != size for part in each):
        return False
    allowed = tuple(sum(pair, Fraction(0)) for pair in zip(*each, strict=True))
    found, _ = match(world.domain, left.array, right.array, allowed, loose=loose)
    return found != "different"


def off_by_rounding(desk: Desk, a: Resolved, b: Resolved, approximate: bool) -> bool:
    """Whether a number is off by no more than twice what the rounded numbers before it make."""
    if desk.digits is None:
        return False
    for value, result in ((a, b), (b, a)):
        allowed = tolerances(result.node, approximate=approximate)
        if allowed is None or is_numeric(value.node):
            continue
        try:
            here = [evaluator_in(world, desk.reader) for world in (desk.example, desk.digits)]
            exact, rounded = (side(working, value, {}).array for working in here)
            number = side(here[0], result, {})
            pairs = zip(exact.entries, rounded.entries, strict=True)
            moved = tuple(distance(desk.example.domain, u, v) for u, v in pairs)
        except (ArithmeticError, EvaluationError):
            continue
        if len(moved) == len(allowed) == len(number.array.entries):
            wider = tuple(own + 2 * more for own, more in zip(allowed, moved, strict=True))
            found, _ = match(desk.example.domain, exact, number.array, wider, loose=number.loose)
            return found != "different"
    return False


def carried_by_rounding(desk: Desk, a: Resolved, b: Resolved, approximate: bool) -> bool:
    """Whether a number follows from the person's wrong ones as far as the digits of those tell."""
    loose = [
        (name, place, half) for name, units in desk.wrong_units.items()
        if len(units) == len(desk.wrong_numbers[name].entries)
        for place, half in enumerate(units) if half
    ]  # fmt: skip
    base = desk.carried
    if base is not None and put_in_rounded(desk, a, b, base):
        return True
    if base is None or not loose or len(loose) > OPERANDS:
        return False
    domain = desk.example.domain
    for value, result in ((a, b), (b, a)):
        allowed = tolerances(result.node, approximate=approximate)
        if allowed is None or is_numeric(value.node):
            continue
        try:
            here = side(evaluator_in(base, desk.reader), value, {}).array
            number = side(evaluator_in(base, desk.reader), result, {})
            wider = list(allowed)
            for name, place, half in loose:
                moved = desk.carried_but(name, place, half)
                other = side(evaluator_in(moved, desk.reader), value, {}).array
                for at, (u, v) in enumerate(zip(here.entries, other.entries, strict=True)):
                    wider[at] += distance(domain, u, v)
        except (ArithmeticError, EvaluationError, IndexError, ValueError):
            continue
        found, _ = match(domain, here, number.array, tuple(wider), loose=number.loose)
        if found != "different":
            return True
    return False


def put_in_rounded(desk: Desk, a: Resolved, b: Resolved, world: World | None = None) -> bool:
    """`0.5523 · 0.4477` for a value: right as far as the operands, which are rounded themselves, tell.

    In the example, from what the person goes on with, or in the `world` where the wrong values stand.
    """
    if world is None:
        worlds = (desk.example, desk.digits, desk.pieced)
        return any(put_in_rounded(desk, a, b, one) for one in worlds if one is not None)
    for whole, part in ((a, b), (b, a)):
        operation, written = as_written(desk, part), as_written(desk, whole)
        if is_numeric(whole.node) or part.free or whole.free or not _has_decimals(operation.node):
            continue
        known = (entry for array in world.values.values() for entry in array.entries)
        exact = {entry for entry in known if isinstance(entry, Fraction)}
        allowed = spread(operation.node, world.domain, lambda node: _value(desk, node, world), exact)
        values = (whole,) if written is whole else (whole, written)
        if allowed is not None and any(_agree(desk, world, value, operation, allowed) for value in values):
            return True
    return False


def _agree(
    desk: Desk, world: World, value: Resolved, operation: Resolved, allowed: tuple[Fraction, ...]
) -> bool:
    try:
        working = evaluator_in(world, desk.reader)
        left, right = side(working, value, {}), side(working, operation, {})
    except (ArithmeticError, EvaluationError):
        return False
    found, _ = match(world.domain, left.array, right.array, allowed, loose=left.loose or right.loose)
    return found != "different"


def as_written(desk: Desk, member: Resolved) -> Resolved:
    """A member with the numbers that the person has written for names of the text's own, S of `e^z / S`, and
    for entries."""
    meanings = desk.context.meanings
    table: dict[Node, Node] = {
        tree.Name(name): node for name, (meant, node) in desk.noted.items() if meanings.get(name) is meant
    }
    table |= desk.entries
    if not table or table.keys().isdisjoint(tree.walk(member.node)):
        return member
    return replace(member, node=_replaced(member.node, table))


def _replaced(node: Node, table: dict[Node, Node]) -> Node:
    """A formula with numbers for names; what is differentiated stays a formula."""
    if node in table:
        return tree.Bracket(table[node])
    if isinstance(node, tree.Derivative | tree.Gradient):
        return node
    return tree.rebuild(node, lambda part: _replaced(part, table))


def from_exact(desk: Desk, a: Resolved, b: Resolved) -> bool:
    """`½ (0.01 − 0.7514)² = 0.2748`, right from the exact value that a rounded operand stands for."""
    allowed = tolerances(b.node, approximate=False)
    operands = {part.text: part for part in tree.walk(a.node)
                if isinstance(part, tree.Number) and len(part.text.partition(".")[2]) >= DIGITS}  # fmt: skip
    if allowed is None or not operands or len(operands) > OPERANDS:
        return False
    world = desk.example
    known = [entry for array in world.values.values() for entry in array.entries]
    exact: dict[str, Any] = {}
    for text, operand in operands.items():
        try:
            near = [one for one in known if _rounds_to(bounds(one), operand)]
        except ArithmeticError:  # a symbol among them
            return False
        if near:
            exact[text] = near[0]
    try:
        value = _with_values(desk, a.node, exact)
        number = side(evaluator_in(world, desk.reader), b, {})
    except (ArithmeticError, EvaluationError):
        return False
    found, _ = match(world.domain, value, number.array, allowed, loose=number.loose)
    return found != "different"


def _with_values(desk: Desk, node: Node, exact: dict[str, Any]) -> Array[Any]:
    """The value of a formula in which some of the numbers, by their digits, have these values."""
    names = {text: f"{text}·" for text in exact}  # nobody can write these names

    def named(part: Node) -> Node:
        if isinstance(part, tree.Number) and part.text in names:
            return tree.Name(names[part.text])
        return tree.rebuild(part, named)

    world = desk.example
    extra = {name: Array((), (exact[text],)) for text, name in names.items()}
    scope = Scope({**world.values, **extra}, {})
    return evaluator_in(world, desk.reader).value(named(node), scope)


DIGITS = 4
"""Decimals of an operand that can stand for one value only."""


def _has_decimals(node: Node) -> bool:
    return any(isinstance(part, tree.Number) and "." in part.text for part in tree.walk(node))


def _value(desk: Desk, node: Node, world: World) -> Array[Any]:
    return evaluator_in(world, desk.reader).value(node, scope_in(world, {}))


def works_on(desk: Desk, a: Resolved, b: Resolved) -> bool:
    """`σ(1) (1 − σ(1)) = 0.7311 · 0.2689`: each rounded operand is the value of a part of the left side."""
    world = desk.example
    written = {part.value for part in tree.walk(a.node) if isinstance(part, tree.Number)}
    operands = [
        part for part in tree.walk(b.node)
        if isinstance(part, tree.Number) and "." in part.text and part.value not in written
    ]  # fmt: skip
    if not operands or tolerances(b.node, approximate=False) is not None:
        return False
    parts = list(_numbers_in(desk, a.node))
    if not all(any(_rounds_to(part, operand) for part in parts) for operand in operands):
        return False
    allowed = spread(b.node, world.domain, lambda node: _value(desk, node, world), written)
    return allowed is not None and _agree(desk, world, a, b, allowed)


def _numbers_in(desk: Desk, node: Node) -> Iterator[tuple[Fraction, Fraction]]:
    """The bounds of the values of all parts of a formula."""
    parts = list(tree.walk(node))
    parts += [tree.Call(part.function, part.args, part.options) for part in parts
              if isinstance(part, tree.Call) and part.primes]  # fmt: skip
    for part in parts:
        with suppress(ArithmeticError, EvaluationError):
            for entry in _value(desk, part, desk.example).entries:
                low, high = bounds(entry)
                yield low, high
                yield 1 - high, 1 - low  # σ' = σ (1 − σ)


def _rounds_to(value: tuple[Fraction, Fraction], operand: tree.Number) -> bool:
    half = Fraction(1, 2 * 10 ** len(operand.text.partition(".")[2]))
    low, high = value
    return any(one - half <= low and high <= one + half for one in (operand.value, -operand.value))


def is_near(desk: Desk, operation: Resolved, result: Resolved) -> bool:
    """Whether a result may stand for an operation that it is not quite: `0.40 · 0.59327 + 0.6 = 0.83731`.

    Numbers as they stand are no operation: `8 = 7` is no rounding.
    """
    if tolerances(operation.node, approximate=False) is not None:
        return False
    if both_rounded(desk.example, desk.reader, operation, result):
        return True
    try:
        one, two = (_value(desk, member.node, desk.example) for member in (operation, result))
        pairs = zip(one.entries, two.entries, strict=True)
        return all(distance(desk.example.domain, u, v) <= CLOSE * max(map(abs, bounds(v))) for u, v in pairs)
    except (ArithmeticError, EvaluationError, ValueError):
        return False


CLOSE = Fraction(1, 100)
"""How far apart an operation with rounded operands and its result may be."""
