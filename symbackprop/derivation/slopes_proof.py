"""Slopes of functions, found by SymPy, against dual numbers of the function's own formula."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from symbackprop.algebra.slopes import OUTPUT, Slope
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Domain, DomainProblem, Redraw
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact, bounds
from symbackprop.algebra.values.gfp import GFp
from symbackprop.derivation.model import Model
from symbackprop.derivation.steps import Check
from symbackprop.notation import tree

POINTS = (Fraction(-37, 10), Fraction(-2, 3), Fraction(-1, 7), Fraction(1, 5), Fraction(7, 9), Fraction(29, 10))
"""Where a function by cases is looked at: points on every piece of the table's rows."""


class SlopeFailed(ArithmeticError):
    """A derivative of a function of the table disagrees with dual numbers: our own fault."""


def slope_checks(model: Model, slopes: Mapping[str, Slope]) -> Iterator[Check]:
    """One line for all functions whose derivative the report shows."""
    tried = 0
    for name, slope in slopes.items():
        tried += prove(slope, name, model.exercise.functions, options=_options(model, name))
    if tried:
        yield Check(kind="slope", what=tuple(slopes), agreed=tried, tried=tried)


def _options(model: Model, name: str) -> tuple[tuple[str, tree.Node], ...]:
    for equation in model.exercise.equations:
        for call in model.calls(equation.body):
            if call.function == name:
                return call.options
    return ()


def prove(
    slope: Slope,
    name: str,
    functions: Mapping[str, Any],
    *,
    options: Sequence[tuple[str, tree.Node]] = (),
) -> int:
    """Compare `slope` with dual numbers; how many points agreed. Raises SlopeFailed."""
    prime = tree.Call(name, (tree.Name("u"),), tuple(options), 1)
    value = tree.Call(name, (tree.Name("u"),), tuple(options))
    if len(slope.branches) == 1:
        return _smooth(slope, prime, value, functions)
    return _by_cases(slope, prime, functions)


def _smooth(slope: Slope, prime: tree.Node, value: tree.Node, functions: Mapping[str, Any]) -> int:
    agreed = 0
    for seed in range(40):
        domain = GFp(f"slope/{seed}")
        working: Evaluator[int] = Evaluator(domain, {}, functions)
        env = {"u": domain.draw_array(())}
        try:
            expected = working.evaluate(prime, env).item
            found = working.evaluate(slope.branches[0].value, env).item
            other = found
            if slope.by_output is not None:
                output = working.evaluate(value, env)
                other = working.evaluate(slope.by_output, {**env, OUTPUT: output}).item
        except Redraw:
            continue
        if not expected == found == other:
            raise SlopeFailed(slope.function.name)
        agreed += 1
        if agreed == 3:
            return agreed
    raise SlopeFailed(f"{slope.function.name}: no point found")


def _by_cases(slope: Slope, prime: tree.Node, functions: Mapping[str, Any]) -> int:
    domain: Domain[Any] = Exact(200)
    working: Evaluator[Any] = Evaluator(domain, {}, functions)
    agreed = 0
    for point in POINTS:
        env = {"u": Array((), (point,))}
        try:
            expected = working.evaluate(prime, env).item
            found = working.evaluate(_branch(slope, point, working), env).item
        except DomainProblem:
            continue
        low, high = bounds(domain.sub(expected, found))
        if not low <= 0 <= high or high - low > Fraction(1, 2**100):
            raise SlopeFailed(slope.function.name)
        agreed += 1
    return agreed


def _branch(slope: Slope, point: Fraction, working: Evaluator[Any]) -> tree.Node:
    for branch in slope.branches:
        if branch.bound is None or working.evaluate(branch.bound, {}).item <= point:
            return branch.value
    return slope.branches[-1].value
