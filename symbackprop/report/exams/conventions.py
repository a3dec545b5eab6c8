"""What slope is taken where a function of the model has none: `ReLU′(0) = 1`.

The slopes are those of the function's own formula, in dual numbers, on the two sides: nothing is derived.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from symbackprop.algebra.functions import Function
from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.decimals import to_tree
from symbackprop.algebra.values.domain import (
    DomainProblem,
    EvaluationError,
    Missing,
    NoSlope,
    Symbolic,
    Undecided,
)
from symbackprop.algebra.values.evaluate import Evaluator, Scope
from symbackprop.algebra.values.exact import Exact
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, equation
from symbackprop.report.view import View

_NO_NUMBER = (DomainProblem, EvaluationError, Missing, NoSlope, Symbolic, Undecided)


def conventions(view: View) -> tuple[Node, ...]:
    """For each function that the model calls and each of its kinks, the slope that is taken there.

    Functions of one argument; what is no number (an option without a value) is left out.
    """
    model = view.facts.model
    calls: dict[tuple[str, Any], tree.Call] = {}
    for step in view.derivation.forward:
        for call in model.calls(step.formula):
            calls.setdefault((call.function, call.options), call)
    return tuple(made for call in calls.values() for made in _of(view, call))


def _of(view: View, call: tree.Call) -> Iterator[Node]:
    row = view.row(call.function)
    if row.smooth or not row.pieces or len(row.arguments) > 1:
        return
    exercise = view.derivation.exercise
    numbers: Evaluator[Any] = Evaluator(Exact(), {}, exercise.functions, exercise.kinks)
    for piece in row.pieces[:-1]:
        try:
            at = _place(numbers, row, call, piece.bound or "0")
            left, right = (_side(numbers, row, call, at, tie) for tie in ("0", "1"))
            taken = _slope(numbers, call, at)
        except _NO_NUMBER:
            continue
        if left != right:
            where = tree.Call(call.function, (_node(at),), call.options, 1)
            yield equation(where, _node(taken))


def _place(numbers: Evaluator[Any], row: Function, call: tree.Call, bound: str) -> Any:
    """The argument at which a bound is reached; what decides between pieces grows with it on a line."""
    start, step = (_decides(numbers, row, call, Fraction(u)) for u in (0, 1))
    return (_formula(numbers, row, call, bound, Fraction(0)) - start) / (step - start)


def _decides(numbers: Evaluator[Any], row: Function, call: tree.Call, at: Fraction) -> Any:
    return _formula(numbers, row, call, row.on or row.arguments[0], at)


def _formula(numbers: Evaluator[Any], row: Function, call: tree.Call, text: str, at: Fraction) -> Any:
    """A formula of the row at an argument."""
    own = frozenset(numbers.functions)
    given = dict(call.options)
    options = {name: given.get(name) or formula(default, own) for name, default in row.options}
    env = {name: numbers.value(node, Scope({})) for name, node in options.items()}
    env[row.arguments[0]] = Array((), (at,))
    return numbers.value(formula(text, own), Scope(env, entrywise=True)).entries[0]


def _side(numbers: Evaluator[Any], row: Function, call: tree.Call, at: Any, tie: str) -> Any:
    """The slope from the left (`tie` 0) or from the right (1)."""
    functions = {**numbers.functions, call.function: replace(row, tie=tie)}
    return _slope(Evaluator(numbers.domain, {}, functions), call, at)


def _slope(numbers: Evaluator[Any], call: tree.Call, at: Any) -> Any:
    node = tree.Call(call.function, (tree.Name("u"),), call.options, 1)
    return numbers.value(node, Scope({"u": Array((), (at,))})).entries[0]


def _node(value: Any) -> Node:
    return to_tree(value)[0]
