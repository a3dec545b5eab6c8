"""Whether a line of code gives what it is assigned to, at all points and at every pass of its loops."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from symbackprop.algebra.values.arrays import Array, form
from symbackprop.algebra.values.domain import DomainProblem, EvaluationError, Missing, Redraw
from symbackprop.checking.code_arrays import NotRead
from symbackprop.checking.code_loops import Filled
from symbackprop.checking.code_names import MODULES
from symbackprop.checking.code_runs import NOWHERE, Program, Run, Scene, truth_of
from symbackprop.checking.compare import same
from symbackprop.checking.desk import Desk
from symbackprop.checking.worlds import REAL, World
from symbackprop.notation.tree import Node

Fit = Literal["equal", "turned", "unread", "different", "shape", "nowhere"]
"""The target's value; a row for a column; not known, as something is not read; another value; NumPy refuses
it; the conditions around it hold nowhere."""

NOTHING: Mapping[str, ast.expr] = {}

_ORDER: tuple[Fit, ...] = ("equal", "turned", "unread", "different", "shape", "nowhere")


@dataclass(frozen=True, slots=True)
class Fitted:
    """How an expression fits. `trouble` is what was raised; `wrong` and `right` are the values where it
    does not fit, `world` the point."""

    fit: Fit
    notes: frozenset[str] = frozenset()
    trouble: Exception | None = None
    wrong: Array[Any] | None = None
    right: Array[Any] | None = None
    world: World | None = None


NOT_KNOWN = Fitted("unread")
"""Of a name that the exercise does not have."""


def fitted(
    desk: Desk,
    program: Program,
    target: Node,
    value: ast.expr,
    scene: Scene = NOWHERE,
    places: tuple[ast.expr, ...] = (),
) -> Fitted:
    """How a resolved expression fits its target at all points, in the better of the two layouts."""
    found: list[Fitted] = []
    for columns in program.layouts:
        found.append(_fitted(desk, program, target, value, columns, scene, places))
        if found[-1].fit == "equal":
            if columns and _only_columns(desk, program, target, value, scene, places):
                program.columns = True  # `dz @ x.T`: from here on vectors are columns
            return found[-1]
        if found[-1].fit == "different" and _has_logarithms(value) and len(desk.real_points) >= REAL:
            real = _fitted(desk, program, target, value, columns, scene, places, desk.real_points)
            if real.fit == "equal":
                return real
    return min(found, key=lambda one: _ORDER.index(one.fit))


def _only_columns(
    desk: Desk, program: Program, target: Node, value: ast.expr, scene: Scene, places: tuple[ast.expr, ...]
) -> bool:
    """Whether a line that holds of columns has no meaning, or another one, where vectors are flat."""
    turns = any(isinstance(part, ast.Attribute) and part.attr == "T" for part in ast.walk(value))
    if program.columns is not None or not turns:
        return False
    return _fitted(desk, program, target, value, False, scene, places).fit in ("different", "shape")


def _fitted(
    desk: Desk, program: Program, target: Node, value: ast.expr, columns: bool, scene: Scene,
    places: tuple[ast.expr, ...], worlds: tuple[World, ...] = (),
) -> Fitted:  # fmt: skip
    single = all(len(desk.exercise.shapes[name]) < 2 for name in desk.context.preactivations)
    upright = program.columns is True and single  # no batch, whose rows are examples
    worst: Fit = "nowhere"
    notes: frozenset[str] = frozenset()
    numbers = only_numbers(value, program.assigned) and not scene.loops and not scene.tests
    numbers = numbers and not (isinstance(value, ast.Constant) and not _is_known(desk, target))
    missed: Redraw | None = None
    for world in worlds or ((desk.example,) if numbers else desk.worlds.own):
        run = Run(program, desk, world, columns)
        try:
            whole = truth_of(world, target, desk)
            for running in run.passes(scene):
                made = run.spent(running, value).array
                wanted = _part(running, whole, places)
                notes |= frozenset(running.notes)
                fit = fit_of(world, made, wanted, upright=upright)
                if fit == "different":
                    return Fitted("different", notes, None, made, wanted, world)
                worst = "turned" if "turned" in (fit, worst) else "equal"
        except Redraw as error:
            missed = error  # of a root there may be none at this point
        except (NotRead, Missing, ArithmeticError) as error:
            return Fitted("unread", notes, error)
        except EvaluationError as error:
            return Fitted("shape", notes, error)
    if missed is not None and worst == "nowhere":
        none = _is_nan(desk, program, value, columns)
        return Fitted("different" if none else "unread", notes, missed)
    return Fitted(worst, notes)


def _is_nan(desk: Desk, program: Program, value: ast.expr, columns: bool) -> bool:
    """Whether NumPy would find no number in the example: the root of a negative one."""
    run = Run(program, desk, desk.example, columns)
    try:
        run.value(value)
    except DomainProblem:
        return True
    except (NotRead, ArithmeticError, EvaluationError):
        pass
    return False


def _has_logarithms(value: ast.expr) -> bool:
    """Whether log e^u or log(uv) may stand there, which in the field are unknown numbers."""
    names = {part.attr for part in ast.walk(value) if isinstance(part, ast.Attribute)}
    names |= {part.id for part in ast.walk(value) if isinstance(part, ast.Name)}
    return any("log" in name for name in names)


def _is_known(desk: Desk, target: Node) -> bool:
    """Whether the example has a value for what a number is said to be."""
    try:
        truth_of(desk.example, target, desk)
    except (ArithmeticError, EvaluationError):
        return False
    return True


def _part(running: Any, whole: Array[Any], places: tuple[ast.expr, ...]) -> Array[Any]:
    """The entries of the right value that a line is about: `dW[i, j]`."""
    if not places:
        return whole
    inner = running.within({})
    inner.lookup = lambda name: whole if name == _WHOLE else running.lookup(name)
    at = ast.Tuple(list(places), ast.Load())
    part: Array[Any] = inner.value(ast.Subscript(ast.Name(_WHOLE), at, ast.Load())).array
    return part


_WHOLE = "the whole array"


def fit_of(world: World, made: Array[Any], wanted: Array[Any], *, upright: bool = False) -> Fit:
    """A flat array, or a row, serves for a vector, unless vectors are columns for certain (`upright`); a
    matrix must be the right way round."""
    domain = world.domain
    if len(made.entries) != len(wanted.entries):
        return "different"
    equal = all(same(domain, a, b) for a, b in zip(made.entries, wanted.entries, strict=True))
    if upright and len(wanted.shape) == 1 and made.shape == (1, *wanted.shape) and wanted.shape[0] > 1:
        return "different"  # b - lr * dz.T is a matrix
    one_axis = sum(size > 1 for size in wanted.shape) <= 1 and sum(size > 1 for size in made.shape) <= 1
    if equal and (form(made.shape) == form(wanted.shape) or (one_axis and len(wanted.shape) < 2)):
        return "equal"
    both = len(made.shape) == len(wanted.shape) == 2  # a column for a row: W -= lr * dW would be a matrix
    return "turned" if equal and one_axis and not both else "different"


_FILLING = frozenset(["zeros", "ones", "zeros_like", "ones_like", "empty", "empty_like"])


def only_numbers(value: ast.expr, assigned: Mapping[str, ast.expr] = NOTHING) -> bool:
    """Whether an expression, with what its names stand for, is about the example: it has numbers, and no
    names but those of functions. `np.zeros_like(W)` has nothing of W but its shape."""
    waiting, seen, found = [value], set[str](), False
    while waiting:
        part = waiting.pop()
        match part:
            case ast.Constant():
                found = True
            case ast.Call(func=ast.Attribute(attr=name)) if name in _FILLING:
                continue
            case ast.Attribute(attr="shape") | ast.Subscript(value=ast.Attribute(attr="shape")):
                continue
            case ast.Name(id=name) if name in assigned:
                waiting += [] if name in seen else [assigned[name]]
                seen.add(name)
            case ast.Name(id=name) if name not in MODULES:
                return False
            case Filled():
                bound = {
                    one.id
                    for each in part.generators
                    for one in ast.walk(each.target)
                    if isinstance(one, ast.Name)
                }
                if bound & {one.id for one in ast.walk(part.value) if isinstance(one, ast.Name)}:
                    return False
                waiting += [part.base, part.value]
                continue
        waiting += ast.iter_child_nodes(part)  # type: ignore[arg-type]
    return found
