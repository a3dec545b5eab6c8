"""`W -= lr * dW`, `W = W - lr * dW` in code: steps of gradient descent."""

from __future__ import annotations

import ast
from dataclasses import replace
from fractions import Fraction
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.checking.code_runs import Program, Run, target_of, truth
from symbackprop.checking.descending import RATE, RATES, Way, way
from symbackprop.checking.desk import Desk
from symbackprop.checking.findings import Finding
from symbackprop.checking.member import reason
from symbackprop.checking.worlds import World
from symbackprop.notation import tree

_ERRORS = (ArithmeticError, EvaluationError)


def names_itself(name: str, desk: Desk, value: ast.expr) -> bool:
    """Whether `W = W - …` gives a parameter a new value."""
    names = {part.id for part in ast.walk(value) if isinstance(part, ast.Name)}
    return name in desk.exercise.given and any(target_of(desk, one) == tree.Name(name) for one in names)


def stepped_down(desk: Desk, program: Program, blank: Finding, name: str, value: ast.expr) -> Finding:
    """A step of gradient descent: what is taken away is a positive multiple of the gradient."""
    change = ast.BinOp(ast.Name(name), ast.Sub(), value)
    fits = steps_down(desk, program, name, change)
    if fits is None:
        return replace(blank, reasons=(reason("check.update", name="="),))
    program.stepped[name] = value
    return replace(blank, verdict="correct" if fits else "wrong")


def steps_down(desk: Desk, program: Program, name: str, value: ast.expr) -> bool | None:
    """Whether what is taken away is a multiple of the gradient by a rate: None where it has no value."""
    found: bool | None = None
    for columns in program.layouts:
        try:
            ways = {_way_of(desk, program, name, value, columns, world) for world in desk.worlds.own}
        except _ERRORS:
            continue
        ways.discard("any")
        found = ways <= {"down"} or bool(found)
        if found:
            return True
    return found


def _way_of(desk: Desk, program: Program, name: str, value: ast.expr, columns: bool, world: World) -> Way:
    """Where a change goes: down the gradient, up, or neither; "any" where the gradient is 0."""
    rated = _Rated(program, desk, world, columns)
    made, _ = rated.value(value)
    numbers = [part.value for part in ast.walk(value) if isinstance(part, ast.Constant)]
    rates = tuple(Fraction(one) for one in numbers if isinstance(one, int | Fraction))
    return way(world, made, world.gradient(name), rates)


class _Rated(Run):
    """A learning rate without a value is some number."""

    __slots__ = ()

    def look_up(self, name: str) -> Array[Any]:
        if name in RATES and truth(self.desk, self.world, name) is None and name not in self.program.assigned:
            return Array((), (self.world.domain.from_fraction(RATE),))
        return Run.look_up(self, name)
