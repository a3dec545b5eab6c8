"""What code assigns to a name of the exercise, or to a gradient of it, judged."""

from __future__ import annotations

import ast
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from symbackprop.algebra.values.domain import EvaluationError, Missing
from symbackprop.checking.code_arrays import NotRead
from symbackprop.checking.code_fits import Fitted, fitted, only_numbers
from symbackprop.checking.code_names import names_in
from symbackprop.checking.code_runs import Program, Run
from symbackprop.checking.code_scenes import Line
from symbackprop.checking.code_why import explained_code, reading_of
from symbackprop.checking.desk import Desk
from symbackprop.checking.examples_axis import examples_too_many
from symbackprop.checking.findings import Finding, Reason
from symbackprop.checking.member import reason
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.checking.session import Session

_ERRORS = (ArithmeticError, EvaluationError)


def judged_target(session: Session, blank: Finding, line: Line) -> Finding:
    """What is assigned to a name of the exercise, or to a gradient of it."""
    desk, program, target = session.desk, session.program, line.target
    assert target is not None
    if (
        isinstance(target, tree.Name)
        and target.name in desk.exercise.computed
        and _is_new_pass(program, line)
    ):
        program.stepped.clear()  # what comes now is taken with the weights that it uses
        for name in desk.exercise.given:
            program.current.pop(name, None)
        line = replace(line, value=program.resolved(line.plain))
    if not line.places:
        blank = replace(blank, reading=reading_of(desk, target, line.plain))
    fit = fitted(desk, program, target, line.value, line.scene, line.places)
    done = right(desk, program, blank, line, fit)
    if done is not None:
        return done
    session.scaled.update(_times_examples(desk, program, target, line.value))
    return explained_code(desk, program, blank, target, line.plain, line.value, fit)


def _is_new_pass(program: Program, line: Line) -> bool:
    """Whether a line of the forward pass uses parameters after their step: the next pass begins."""
    used = names_in(line.value)
    return bool(used & set(program.stepped.values()))


def right(desk: Desk, program: Program, blank: Finding, line: Line, fit: Fitted) -> Finding | None:
    """The finding of a line that is right, or cannot be judged; None for a wrong one."""
    target = line.target
    if fit.fit == "nowhere":
        return replace(blank, reasons=(reason("check.under_condition"),))
    if fit.fit == "unread":
        assert fit.trouble is not None
        if isinstance(fit.trouble, NotRead | Missing):
            raise fit.trouble
        return replace(blank, reasons=(reason("check.not_evaluated", message=str(fit.trouble)),))
    if fit.fit == "turned":
        return replace(blank, verdict="convention", reasons=(reason("check.transposed"),))
    if fit.fit != "equal":
        return None
    reasons: tuple[Reason, ...] = (reason("check.broadcast"),) if "broadcast" in fit.notes else ()
    if isinstance(target, tree.Gradient) and target.of.name in desk.context.per_example:  # type: ignore[attr-defined]
        return replace(blank, verdict="convention", reasons=(reason("check.per_example"),))
    given = isinstance(target, tree.Name) and target.name in desk.exercise.given
    if isinstance(target, tree.Name) and given and program.columns is None:
        program.columns = _layout(desk, program, target.name, line.value)
    return replace(blank, verdict="definition" if given else "correct", reasons=reasons)


def _layout(desk: Desk, program: Program, name: str, value: ast.expr) -> bool | None:
    """Whether the code gives a vector as a column; None where it does not show."""
    if len(desk.exercise.shapes[name]) != 1 or not only_numbers(value):
        return None
    made, _ = Run(program, desk, desk.example, columns=True).value(value)
    return len(made.shape) == 2 if len(made.entries) > 1 else None


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
