"""`W -= lr * dW`, `W = W - lr * dW` in code: steps of gradient descent."""

from __future__ import annotations

import ast
from dataclasses import replace
from fractions import Fraction

from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.checking.code_arrays import NotRead
from symbackprop.checking.code_canonical import exact
from symbackprop.checking.code_early import updated_early
from symbackprop.checking.code_names import MODULES
from symbackprop.checking.code_runs import Program, Run, Unsure, target_of
from symbackprop.checking.descending import RATE, RATES, way
from symbackprop.checking.desk import Desk
from symbackprop.checking.findings import Finding, Named
from symbackprop.checking.member import reason
from symbackprop.checking.stepping import Way
from symbackprop.checking.worlds import World
from symbackprop.notation import tree


def stepped(desk: Desk, program: Program, blank: Finding, name: str, new: ast.expr) -> Finding:
    """A step of gradient descent from what a parameter is to `new`, which is resolved: what is taken away is
    a positive multiple of the gradient, by a rate that nobody need know."""
    for part in ast.walk(new):
        if isinstance(part, ast.Name) and part.id in program.unsure:
            raise Unsure(part.id)
    rated = _rated(desk, program, new)
    old = ast.Name(program.current.get(name, name), ast.Load())
    found = None if rated is None else _way(desk, program, name, ast.BinOp(old, ast.Sub(), rated))
    if rated is None or found is None:
        program.forgets(name)
        return replace(blank, reasons=(reason("check.no_update", name=tree.Name(name)),))
    early = None if found == "down" else _early(desk, program, name, rated)
    program.stepped[name] = program.sets(name, rated)
    if found == "down":
        return replace(blank, verdict="correct")
    if early is not None:
        return replace(blank, verdict="wrong", mistakes=(early,))
    why = reason("check.step_up" if found == "up" else "check.no_step", name=tree.Name(name))
    return replace(blank, verdict="wrong", reasons=(why,))


def _early(desk: Desk, program: Program, name: str, rated: ast.expr) -> Named | None:
    """Whether the gradient of the step is taken with other parameters after theirs."""
    old = ast.Name(program.current.get(name, name), ast.Load())
    change = ast.BinOp(old, ast.Sub(), rated)
    return updated_early(desk, program, change, lambda before: _way(desk, before, name, change) == "down")


def _rated(desk: Desk, program: Program, new: ast.expr) -> ast.expr | None:
    """The new value with a number for the learning rate, a name of which nobody has said what it is; None
    where it has several such names, or no gradient."""
    called = {part.func for part in ast.walk(new) if isinstance(part, ast.Call)}
    names = {part.id for part in ast.walk(new) if isinstance(part, ast.Name) and part not in called}
    unknown = {name for name in names if _is_unknown(desk, program, name)}
    slopes = any("#" in name or isinstance(target_of(desk, name), tree.Gradient) for name in names)
    if len(unknown - RATES) > 1 or (unknown - RATES and not slopes):
        return None

    class Rating(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return exact(RATE) if node.id in unknown else node

    made = Rating().visit(new)
    assert isinstance(made, ast.expr)
    return made


def _is_unknown(desk: Desk, program: Program, name: str) -> bool:
    if name in MODULES or "#" in name or name in program.unsure or target_of(desk, name) is not None:
        return False
    return name not in desk.worlds.own[0].working.sizes and name not in desk.context.sizes


def _way(desk: Desk, program: Program, name: str, change: ast.expr) -> Way | None:
    """Where a change goes: down the gradient, up, or neither; None where it has no value."""
    best: Way | None = None
    for columns in program.layouts:
        ways: set[Way]
        try:
            ways = {_way_at(desk, program, name, change, columns, world) for world in desk.worlds.own}
        except (NotRead, ArithmeticError):
            continue
        except EvaluationError:
            ways = {"none"}  # NumPy would refuse it
        ways.discard("any")
        found: Way = "down" if ways <= {"down"} else "up" if ways == {"up"} else "none"
        if best is None or found == "down" or best == "none":
            best = found
    return best


def _way_at(desk: Desk, program: Program, name: str, change: ast.expr, columns: bool, world: World) -> Way:
    made, _ = Run(program, desk, world, columns).value(change)
    found = way(world, made, world.gradient(name), tuple(_numbers(program, change)))
    if found != "up":
        return found
    upwards = made.map(world.domain.neg)
    opposite = way(world, upwards, world.gradient(name), tuple(_numbers(program, change)))
    return "up" if opposite == "down" else "none"


def _numbers(program: Program, node: ast.expr) -> set[Fraction]:
    """The numbers in an expression, and in what its names stand for."""
    found: set[Fraction] = set()
    waiting, seen = [node], set[str]()
    while waiting:
        for part in ast.walk(waiting.pop()):
            match part:
                case ast.Constant(value=Fraction() as number):
                    found.add(number)
                case ast.Name(id=name) if name in program.assigned and name not in seen:
                    seen.add(name)
                    waiting.append(program.assigned[name])
    return found
