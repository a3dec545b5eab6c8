"""Lines of code judged: each assignment by itself, with NumPy's meaning, at the points where formulas are.

Vectors may be columns or flat arrays: a line holds if it does for one of the two throughout.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from symbackprop.algebra.values.arrays import Array, form
from symbackprop.algebra.values.domain import EvaluationError, Missing
from symbackprop.checking.budget import OverBudget
from symbackprop.checking.code import MASKED, CodeLine, own_functions, read_code
from symbackprop.checking.code_runs import (
    CHANGED,
    OFTEN,
    Program,
    Run,
    target_of,
    truth,
    truth_of,
)
from symbackprop.checking.code_steps import names_itself, stepped_down, steps_down
from symbackprop.checking.code_tree import tree_of
from symbackprop.checking.compare import same
from symbackprop.checking.desk import Desk
from symbackprop.checking.examples_axis import examples_too_many
from symbackprop.checking.findings import Finding, Named, Reason
from symbackprop.checking.fragments import Fragment
from symbackprop.checking.member import reason
from symbackprop.checking.why import named_mistakes
from symbackprop.checking.worlds import World
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Span

if TYPE_CHECKING:
    from symbackprop.checking.session import Session

_ERRORS = (ArithmeticError, EvaluationError)

Fit = Literal["equal", "turned", "different", "shape"]
"""The target's value; a row for a column; another value; another shape, or none at all."""


def judge_code(session: Session, fragment: Fragment) -> Iterator[Finding]:
    """The findings of one statement of code."""
    program = session.program
    program.statements.append(fragment.text)
    program.own = {**program.own, **own_functions(program.statements[-2:])}  # `return` stands behind `def`
    known = frozenset({*session.desk.exercise.shapes, *program.assigned})
    for line in read_code(fragment.text, known):
        if not line.skipped:
            session.desk.budget.begin()
            found = _line(session, fragment, line)
            if found is not None:
                yield found


def _line(session: Session, fragment: Fragment, line: CodeLine) -> Finding | None:
    """The finding of a line; one that claims nothing has none."""
    at, column = fragment.place(line.span.start)
    text = fragment.text[line.span.start : line.span.end]
    blank = Finding(
        line=at,
        column=column,
        cell=fragment.cell,
        text=text,
        verdict="not read",
        kind="code",
        reading_text=text,
    )
    if line.error is not None:
        session.program.unsure |= set(CHANGED.findall(text))
        place = Span(line.error.span.start - line.span.start, line.error.span.end - line.span.start)
        return replace(blank, reasons=(reason("check.read"),), place=place, detail=line.error.message)
    if line.value is None or (not line.name and isinstance(line.value, ast.Name | ast.Constant)):
        return None
    try:
        return _judged(session, blank, line, line.value)
    except (OverBudget, RecursionError) as error:
        session.program.unsure |= set(CHANGED.findall(text))
        key = "check.too_deep" if isinstance(error, RecursionError) else "check.too_much"
        return replace(blank, reasons=(reason(key),))


def _judged(session: Session, blank: Finding, line: CodeLine, value: ast.expr) -> Finding | None:
    desk, program = session.desk, session.program
    target = target_of(desk, line.name) if line.name else None
    if isinstance(target, tree.Name) and not line.augmented and names_itself(target.name, desk, value):
        return stepped_down(desk, program, blank, target.name, value)
    if line.augmented:
        return _updated(session, blank, line, value, target)
    program.unsure.discard(line.name)
    program.begun.pop(line.name, None)
    if target is None:
        return _new(desk, program, blank, line, value)
    return _target(session, blank, target, line.name, value)


def _target(session: Session, blank: Finding, target: Node, name: str, value: ast.expr) -> Finding:
    """What is assigned to a name of the exercise, or to a gradient of it."""
    desk, program = session.desk, session.program
    fits, notes, message = fitted(desk, program, target, value)
    reading = _reading(desk, target, value)
    blank = replace(blank, reading=reading)
    if message is not None and fits == "different":
        return replace(blank, reasons=(reason("check.not_evaluated", message=message),))
    if fits == "equal":
        reasons: tuple[Reason, ...] = (reason("check.broadcast"),) if "broadcast" in notes else ()
        if isinstance(target, tree.Gradient) and target.of.name in desk.context.per_example:  # type: ignore[attr-defined]
            return replace(blank, verdict="convention", reasons=(reason("check.per_example"),))
        given = isinstance(target, tree.Name) and target.name in desk.exercise.given
        if isinstance(target, tree.Name) and given and program.columns is None:
            program.columns = _layout(desk, program, target.name, value)
        return replace(blank, verdict="definition" if given else "correct", reasons=reasons)
    if fits == "turned":
        return replace(blank, verdict="convention", reasons=(reason("check.transposed"),))
    if program.growing.get(name, 0) > 0:  # what is added to it comes later
        program.begun[name] = value
        return replace(blank, verdict="definition")
    session.scaled.update(_times_examples(desk, program, target, value))
    reasons = (reason("check.code_shape", message=message),) if message else ()
    named, expected = named_mistakes(desk, target, _written(desk, value), _same(desk, program, value))
    if not named:
        named = _updated_early(desk, program, target, value)
    if not named and not message and _only_numbers(value) and not _is_operation(value):
        named = (Named(id="arithmetic"),)
    right = None if expected is None else tree.equation(target, expected)
    return replace(blank, verdict="wrong", reasons=reasons, mistakes=named, expected=right)


def _is_operation(value: ast.expr) -> bool:
    return any(isinstance(part, ast.BinOp) for part in ast.walk(value))


def _layout(desk: Desk, program: Program, name: str, value: ast.expr) -> bool | None:
    """Whether the code gives a vector as a column; None where it does not show."""
    if len(desk.exercise.shapes[name]) != 1 or not _only_numbers(value):
        return None
    made, _ = Run(program, desk, desk.example, columns=True).value(value)
    return len(made.shape) == 2 if len(made.entries) > 1 else None


def _updated_early(desk: Desk, program: Program, target: Node, value: ast.expr) -> tuple[Named, ...]:
    """Whether a line would hold with the parameters from before their step."""
    used = {part.id for part in ast.walk(value) if isinstance(part, ast.Name)}
    for name in program.stepped:
        if name in used:
            kept = {other: step for other, step in program.stepped.items() if other != name}
            if fitted(desk, replace(program, stepped=kept), target, value)[0] == "equal":
                return (Named(id="updated_too_early", about=tree.Name(name)),)
    return _assigned_early(desk, program, target, value, used)


def _assigned_early(
    desk: Desk, program: Program, target: Node, value: ast.expr, used: Collection[str]
) -> tuple[Named, ...]:
    """The same, where the new parameters have a name of their own."""
    for name, made in program.assigned.items():
        olds = {part.id for part in ast.walk(made) if isinstance(part, ast.Name)}
        for old in olds if name in used else ():
            if old in desk.exercise.given:
                before = replace(program, assigned={**program.assigned, name: ast.Name(old)})
                if fitted(desk, before, target, value)[0] == "equal":
                    about, instead = tree.Name(old), tree.Name(name)
                    return (Named(id="updated_too_early", about=about, instead=instead),)
    return ()


def _times_examples(desk: Desk, program: Program, target: Node, value: ast.expr) -> dict[str, int]:
    """The gradient that a line of code makes m times too large, m the length of an axis of it."""
    of = target.of if isinstance(target, tree.Gradient) else None
    if not isinstance(of, tree.Name):
        return {}
    world = desk.worlds.own[0]
    with suppress(*_ERRORS):
        made = Run(program, desk, world, True).value(value)[0]
        return examples_too_many(world, of.name, made)
    return {}


def _new(desk: Desk, program: Program, blank: Finding, line: CodeLine, value: ast.expr) -> Finding | None:
    """A name of the code's own is defined; an expression alone is only read."""
    world = desk.worlds.own[0]
    trouble = None
    for columns in program.layouts:
        try:
            Run(program, desk, world, columns).value(value)
            break
        except Missing as error:
            return replace(blank, reasons=(reason("check.unknown_name", name=tree.Name(error.name)),))
        except _ERRORS as error:
            trouble = error
    else:
        return replace(blank, reasons=(reason("check.not_evaluated", message=str(trouble)),))
    if not line.name:
        return replace(blank, verdict="correct")
    program.assigned[line.name] = value
    return replace(blank, verdict="definition", reading=_reading(desk, tree.Name(line.name), value))


def _updated(
    session: Session, blank: Finding, line: CodeLine, value: ast.expr, target: Node | None
) -> Finding:
    """`dW += reg * W` adds to what came before; `W -= lr * dW` is a step of descent."""
    desk, program, name = session.desk, session.program, line.name
    program.growing[name] = program.growing.get(name, 1) - 1
    if isinstance(target, tree.Name) and line.augmented == "-=" and target.name in desk.exercise.given:
        fits = steps_down(desk, program, target.name, value)
        if fits is not None:
            program.stepped[target.name] = ast.BinOp(ast.Name(target.name), ast.Sub(), value)
            return replace(blank, verdict="correct" if fits else "wrong")
    before = program.begun.pop(name, None) or program.assigned.get(name)
    operation = _OPERATIONS.get(line.augmented)
    program.grown[name] += 1
    often = program.grown[name] > OFTEN
    if before is None or operation is None or often or name in program.unsure:
        program.unsure.add(name)
        return replace(blank, reasons=(reason("check.update", name=line.augmented),))
    whole: ast.expr = _put_in(value, name, before)
    if line.augmented != MASKED:
        whole = ast.BinOp(before, operation(), whole)
    if target is not None:
        return _target(session, blank, target, name, whole)
    program.assigned[name] = whole
    return replace(blank, verdict="definition")


def _put_in(value: ast.expr, name: str, before: ast.expr) -> ast.expr:
    """An expression with what a name was until now in its place: `h = np.where(h > 0, h, 0)`."""

    class Putting(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return before if node.id == name else node

    made = Putting().visit(deepcopy(value))
    assert isinstance(made, ast.expr)
    return made


_OPERATIONS: Mapping[str, type[ast.operator]] = {
    "+=": ast.Add, "-=": ast.Sub, "*=": ast.Mult, "/=": ast.Div, "@=": ast.MatMult, MASKED: ast.Mult,
}  # fmt: skip


# --- values -----------------------------------------------------------------------------------------


def fitted(
    desk: Desk, program: Program, target: Node, value: ast.expr
) -> tuple[Fit, frozenset[str], str | None]:
    """How an expression fits its target at all points, in the better of the two layouts of vectors."""
    found: list[tuple[Fit, frozenset[str], str | None]] = []
    for columns in program.layouts:
        found.append(_fitted(desk, program, target, value, columns))
        if found[-1][0] == "equal":
            return found[-1]
    order = ("equal", "turned", "different", "shape")
    return min(found, key=lambda one: order.index(one[0]))


def _fitted(
    desk: Desk, program: Program, target: Node, value: ast.expr, columns: bool
) -> tuple[Fit, frozenset[str], str | None]:
    single = all(len(desk.exercise.shapes[name]) < 2 for name in desk.context.preactivations)
    upright = program.columns is True and single  # no batch, whose rows are examples
    worst: Fit = "equal"
    notes: frozenset[str] = frozenset()
    worlds = (desk.example,) if _only_numbers(value) else desk.worlds.own
    for world in worlds:
        try:
            made, more = Run(program, desk, world, columns).value(value)
            wanted = truth_of(world, target, desk)
        except EvaluationError as error:
            return "shape", notes, error.message
        except Missing as error:
            return "different", notes, f"{error.name} has no value"
        except ArithmeticError as error:
            return "different", notes, str(error)
        notes |= more
        fit = _fit(world, made, wanted, upright=upright)
        if fit == "different":
            return "different", notes, None
        worst = "turned" if fit == "turned" else worst
    return worst, notes, None


def _fit(world: World, made: Array[Any], wanted: Array[Any], *, upright: bool = False) -> Fit:
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


def _only_numbers(value: ast.expr) -> bool:
    """Whether an expression is about the example: numbers and no names but those of functions."""
    names = {part.id for part in ast.walk(value) if isinstance(part, ast.Name)}
    return not names - {"np", "numpy", "torch", "math", "jnp"} and any(
        isinstance(part, ast.Constant) for part in ast.walk(value)
    )


# --- words -------------------------------------------------------------------------------------------


def _written(desk: Desk, value: ast.expr) -> Node | None:
    """The same expression in the board's notation, where there is one."""

    def shape_of(name: str) -> tuple[int, ...]:
        found = truth(desk, desk.worlds.own[0], name)
        if found is None:
            raise Missing(name)
        return found.shape

    try:
        return tree_of(value, shape_of)
    except _ERRORS:
        return None


def _reading(desk: Desk, target: Node, value: ast.expr) -> Node | None:
    written = _written(desk, value)
    return None if written is None else tree.equation(target, written)


def _same(desk: Desk, program: Program, value: ast.expr) -> Callable[[Node], bool | None]:
    """Whether a formula has the value of the code, at every point."""
    from symbackprop.checking.values import evaluator_in, scope_in

    @cache
    def written(world: World, columns: bool) -> Array[Any]:
        return Run(program, desk, world, columns).value(value)[0]

    def agrees(node: Node) -> bool | None:
        for columns in program.layouts:
            try:
                worlds = (desk.example,) if _only_numbers(value) else desk.worlds.own
                if all(_equal(node, world, columns) for world in worlds):
                    return True
            except _ERRORS:
                continue
        return None

    def _equal(node: Node, world: World, columns: bool) -> bool:
        made = written(world, columns)
        like = (len(made.entries),) if isinstance(node, tree.Ones) else None
        other = evaluator_in(world, desk.reader).value(node, scope_in(world, {}, like))
        return _fit(world, made, other) == "equal"

    return agrees
