"""Slopes of functions, found by SymPy, against dual numbers of the function's own formula."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from symbackprop.algebra.functions import Function
from symbackprop.algebra.slopes import OUTPUT, Branch, Slope
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Domain, DomainProblem, Redraw, Undecided
from symbackprop.algebra.values.evaluate import Evaluator, Kinks
from symbackprop.algebra.values.exact import Exact, bounds
from symbackprop.algebra.values.gfp import GFp
from symbackprop.derivation.failed import CertificateFailed
from symbackprop.derivation.model import Model
from symbackprop.derivation.steps import Check
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

BITS = 200
POINTS = 3
"""Of the finite field, where a smooth function is looked at."""

_BESIDE = (Fraction(1, 7), Fraction(29, 10))
"""How far from the outermost bounds a function by cases is looked at."""


class SlopeFailed(CertificateFailed):
    """A derivative of a function of the table disagrees with dual numbers: our own fault."""


def slope_checks(model: Model, slopes: Mapping[str, Slope]) -> Iterator[Check]:
    """One line for all functions whose derivative the report shows. Raises SlopeFailed."""
    exercise = model.exercise
    tried = 0
    for one in slopes.values():
        try:
            tried += prove(one, exercise.functions, exercise.kinks)
        except DomainProblem as problem:
            raise problem.at(f"equation {_user(model, one.function)}") from None
    if tried:
        yield Check(kind="slope", what=tuple(slopes), agreed=tried, tried=tried)


def _user(model: Model, function: Function) -> str:
    """The first equation in which a function stands, or one that is made of it."""

    def uses(called: str) -> bool:
        row = model.row(called)
        return row is not None and (
            row.name == function.name or any(function.name in piece.formula for piece in row.pieces)
        )

    for one in model.exercise.equations:
        if any(isinstance(part, tree.Call) and uses(part.function) for part in tree.walk(one.body)):
            return one.name
    return model.exercise.loss


def prove(slope: Slope, functions: Mapping[str, Function], kinks: Kinks | None = None) -> int:
    """Compare `slope` with dual numbers; how many points agreed.

    Raises SlopeFailed, and DomainProblem where an option leaves the function without any value.
    """
    case = _Case(slope, functions, kinks or {})
    return case.smooth() if len(slope.branches) == 1 else case.by_cases()


@dataclass(frozen=True, slots=True)
class _Case:
    slope: Slope
    functions: Mapping[str, Function]
    kinks: Kinks

    def call(self, primes: int) -> Node:
        return tree.Call(self.slope.function.name, (tree.Name("u"),), self.slope.options, primes)

    def fail(self) -> SlopeFailed:
        return SlopeFailed(f"the derivative of {self.slope.function.name}", "dual numbers")

    @property
    def symbols(self) -> list[str]:
        """The names in the options: they are numbers of the model without a value here."""
        return [name for _, value in self.slope.options for name in tree.names_in(value)]

    # --- one formula

    def smooth(self) -> int:
        agreed = 0
        for seed in range(40):
            domain = GFp(f"slope/{seed}")
            working: Evaluator[int] = Evaluator(domain, {}, self.functions)
            env = {name: domain.draw_array(()) for name in ("u", *self.symbols)}
            try:
                if not self.same(working, env):
                    raise self.fail()
            except Redraw:
                continue
            agreed += 1
            if agreed == POINTS:
                return agreed
        raise self.fail()

    def same(self, working: Evaluator[int], env: dict[str, Array[int]]) -> bool:
        """Whether every form of the derivative has the value that dual numbers give."""
        slope = self.slope
        output = working.evaluate(self.call(0), env)
        if working.evaluate(slope.values[0].value, env).item != output.item:
            return False
        forms = [slope.branches[0].value]
        if slope.by_output is not None:
            forms.append(slope.by_output)
        if slope.recognised is not None:
            forms.append(tree.Call(slope.recognised, (tree.Name("u"),)))
        expected = working.evaluate(self.call(1), env).item
        known = {**env, OUTPUT: output}
        return all(working.evaluate(form, known).item == expected for form in forms)

    # --- cases

    def by_cases(self) -> int:
        domain = Exact(BITS)
        working: Evaluator[Any] = Evaluator(domain, {}, self.functions, self.kinks)
        env = {name: Array((), (Fraction(place, 7),)) for place, name in enumerate(self.symbols, 2)}
        found = [
            working.evaluate(branch.bound, env).item
            for branch in self.slope.branches
            if branch.bound is not None
        ]
        at_kink = {kink.exact_at: kink.taken for kink in self.slope.kinks}
        agreed, problems = 0, []
        for point in _points([bound for bound in found if isinstance(bound, Fraction)]):
            here = {**env, "u": Array((), (point,))}
            taken = at_kink.get(point)
            try:
                shown = taken if taken is not None else _branch(self.slope.branches, point, working, here)
                self.compare(domain, working, here, shown)
            except DomainProblem as problem:
                problems.append(problem)
                continue
            except Undecided:
                continue
            agreed += 1
        if not agreed:
            raise problems[0] if problems else self.fail()
        return agreed

    def compare(
        self, domain: Domain[Any], working: Evaluator[Any], env: Mapping[str, Array[Any]], shown: Node
    ) -> None:
        point = env["u"].item
        value = _branch(self.slope.values, point, working, env)
        for left, right in ((self.call(1), shown), (self.call(0), value)):
            gap = domain.sub(working.evaluate(left, env).item, working.evaluate(right, env).item)
            low, high = bounds(gap)
            if not low <= 0 <= high or high - low > Fraction(1, 2 ** (BITS // 2)):
                raise self.fail()


def _points(found: list[Fraction]) -> list[Fraction]:
    """The bounds, points on each side of all and between two."""
    if not found:
        return [-_BESIDE[1], -_BESIDE[0], *_BESIDE]
    places = sorted(found)
    between = [(2 * low + high) / 3 for low, high in pairwise(places)]
    outside = [places[0] - step for step in _BESIDE] + [places[-1] + step for step in _BESIDE]
    return [*places, *between, *outside]


def _branch(
    branches: tuple[Branch, ...], point: Fraction, working: Evaluator[Any], env: Mapping[str, Array[Any]]
) -> Node:
    """The value of the first branch whose bound the point reaches."""
    for branch in branches:
        if branch.bound is None:
            return branch.value
        gap = working.domain.sub(point, working.evaluate(branch.bound, env).item)
        if working.domain.sign(gap) >= 0:
            return branch.value
    return branches[-1].value
