"""Lines of code judged: each assignment by itself, with NumPy's meaning, at the points where formulas are.

Vectors may be columns or flat arrays: a line holds if it does for one of the two throughout.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from symbackprop.algebra.values.domain import EvaluationError, Missing
from symbackprop.checking.budget import OverBudget
from symbackprop.checking.code import CodeLine, read_code
from symbackprop.checking.code_arrays import NotRead
from symbackprop.checking.code_changes import begin, changed, entry, settle
from symbackprop.checking.code_fits import fitted, only_numbers
from symbackprop.checking.code_names import names_in
from symbackprop.checking.code_outline import changed_names
from symbackprop.checking.code_runs import Carried, Program, Run, Scene, target_of
from symbackprop.checking.code_scenes import Line, binds, scene_of, unread
from symbackprop.checking.code_steps import stepped
from symbackprop.checking.code_targets import judged_target
from symbackprop.checking.context import LOSS_LETTERS
from symbackprop.checking.desk import Desk
from symbackprop.checking.findings import Finding
from symbackprop.checking.fragments import Fragment
from symbackprop.checking.member import reason
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Span

if TYPE_CHECKING:
    from symbackprop.checking.session import Session

_ERRORS = (ArithmeticError, EvaluationError)


def judge_code(session: Session, fragment: Fragment) -> Iterator[Finding]:
    """The findings of one statement of code."""
    program, desk = session.program, session.desk
    program.at += 1
    outline = program.outline
    if program.at >= len(outline.texts):
        outline.add(fragment)  # a statement that is judged by itself
    known = outline.known(frozenset(desk.exercise.shapes))
    if outline.is_helper(program.at, known):
        return
    program.enters(outline.function_of(program.at))
    around = outline.around(program.at, known)
    for line in read_code(fragment.text, known | frozenset(program.current)):
        if not line.skipped:
            desk.budget.begin()
            found = _line(session, fragment, replace(line, around=around + line.around), known)
            if found is not None:
                yield found


def _line(session: Session, fragment: Fragment, line: CodeLine, known: frozenset[str]) -> Finding | None:
    """The finding of a line; one that claims nothing has none."""
    at, column = fragment.place(line.span.start)
    text = fragment.text[line.span.start : line.span.end]
    blank = Finding(
        line=at, column=column, cell=fragment.cell, text=text, verdict="not read", kind="code",
        reading_text=text,
    )  # fmt: skip
    if line.error is not None:
        _forget(session, text, known)
        if session.program.outline.is_judged_elsewhere(text, known):
            return None
        place = Span(line.error.span.start - line.span.start, line.error.span.end - line.span.start)
        return replace(blank, reasons=(reason("check.read"),), place=place, detail=line.error.message)
    if line.value is None or not line.name or _is_random(line.value):
        if line.name:
            _forget_line(session, line)
        return None
    try:
        return _judged(session, blank, line, line.value)
    except (NotRead, Missing) as error:
        _forget_line(session, line)
        return unread(blank, error, fragment.text, line.value)
    except (OverBudget, RecursionError) as error:
        _forget_line(session, line)
        key = "check.too_deep" if isinstance(error, RecursionError) else "check.too_much"
        return replace(blank, reasons=(reason(key),))


def _forget(session: Session, text: str, known: frozenset[str]) -> None:
    """What a line that could not be read does to its names."""
    program = session.program
    for name, in_place in changed_names(text, known):
        if not in_place and target_of(session.desk, name) is not None:
            program.current.pop(name, None)  # it means what the exercise says
        elif in_place or target_of(session.desk, name) is None:
            settle(session, name)
            program.forgets(name)


def _forget_line(session: Session, line: CodeLine) -> None:
    target = target_of(session.desk, line.name)
    if target is not None and not line.augmented and not line.places:
        session.program.current.pop(line.name, None)  # it means what the exercise says
    else:
        settle(session, line.name)
        session.program.forgets(line.name)


def _is_random(value: ast.expr) -> bool:
    """`W = 0.01 * np.random.randn(2, 3)`: where training starts, which claims nothing."""
    return any(
        isinstance(part, ast.Attribute) and part.attr in ("random", "randn", "rand", "default_rng")
        for part in ast.walk(value)
    )


def _judged(session: Session, blank: Finding, line: CodeLine, value: ast.expr) -> Finding | None:
    """The finding of an assignment; what is wrong under a condition that is not read need not be."""
    here = _understood(session, line, value)
    found = _by_kind(session, blank, here)
    if here.scene.vague and found is not None and found.verdict in ("wrong", "carried"):
        return replace(blank, reasons=(reason("check.under_condition"),))
    return found


def _understood(session: Session, line: CodeLine, value: ast.expr) -> Line:
    desk, program = session.desk, session.program
    target = target_of(desk, line.name)
    if line.name.startswith("delta") and isinstance(target, tree.Gradient):
        target = _delta(desk, program, line, value, target)
    binds(program, line.around)
    own = line.name if line.places and not line.augmented and target is not None else ""
    _follows(desk, program, value)
    resolved = program.resolved(value, but=own)
    scene, places = scene_of(desk, program, line, resolved)
    if target == tree.Name(desk.exercise.loss) and not _is_loss(desk, program, line, resolved, scene):
        target = None
    return Line(line.name, target, value, resolved, scene, places, line.augmented)


def _follows(desk: Desk, program: Program, value: ast.expr) -> None:
    """Raise NotRead for a name that a loop carries from one pass to the next: `dh = U.T @ dh`."""
    used = names_in(value) & set(program.current)
    if not used:
        return
    known = program.outline.known(frozenset(desk.exercise.shapes))
    for header, names in program.outline.carried(program.at, known):
        for name in sorted(used & names):
            if program.places.get(name, -1) < header:
                raise Carried(name)


def _by_kind(session: Session, blank: Finding, line: Line) -> Finding | None:
    desk, target = session.desk, line.target
    if isinstance(target, tree.Name) and target.name in desk.exercise.given and not line.places:
        return _given(session, blank, line, target.name)
    if line.places:
        return entry(session, blank, line)
    itself = line.name in session.program.current and line.name in names_in(line.plain)
    if line.augmented or (itself and target is not None):
        return changed(session, blank, line)
    if target is None:
        return _new(desk, session.program, blank, line)
    return begin(session, judged_target(session, blank, line), line)


def _is_loss(desk: Desk, program: Program, line: CodeLine, value: ast.expr, scene: Scene) -> bool:
    """Whether a letter of losses is about the loss. It is an ordinary name where what it gets is no number
    that a formula makes: `E = np.exp(z)`, `C = 3`."""
    loss = desk.exercise.loss
    if line.name not in LOSS_LETTERS:
        return True
    if only_numbers(value):
        layers = isinstance(value, ast.Constant) and value.value == desk.context.layers
        return line.name == loss and not layers
    with suppress(*_ERRORS, OverBudget):
        run = Run(program, desk, desk.worlds.own[0], program.columns is not False)
        running = next(run.passes(scene), None)
        return running is None or len(run.spent(running, value).array.entries) == 1
    return line.name == loss


def _delta(desk: Desk, program: Program, line: CodeLine, value: ast.expr, target: Node) -> Node | None:
    """What `delta1` is: the gradient of z1, unless the file numbers its deltas from the output down."""
    if not program.own_deltas and not line.augmented and not line.places:
        resolved = program.resolved(value)
        others = [tree.Gradient(tree.Name(name)) for name in desk.context.activations]
        if fitted(desk, program, target, resolved).fit != "equal":
            fits = (one for one in others if one != target)
            program.own_deltas = any(fitted(desk, program, one, resolved).fit == "equal" for one in fits)
    return None if program.own_deltas else target


# --- what is given ------------------------------------------------------------------------------------


def _given(session: Session, blank: Finding, line: Line, name: str) -> Finding | None:
    """What is given stated, handed on (`self.x = x`), or moved down its gradient."""
    desk, program = session.desk, session.program
    now = ast.Name(program.current.get(name, name), ast.Load())
    if line.augmented in ("-=", "+="):
        operation = ast.Sub() if line.augmented == "-=" else ast.Add()
        return stepped(desk, program, blank, name, ast.BinOp(now, operation, line.value))
    if line.augmented:
        program.forgets(name)
        return replace(blank, reasons=(reason("check.no_update", name=tree.Name(name)),))
    used = names_in(line.plain)
    if not any(target_of(desk, one) == tree.Name(name) for one in used):
        if name not in {*desk.exercise.values, *desk.given} and _is_new_value(
            desk, program, name, line.value
        ):
            return replace(blank, verdict="definition")
        return judged_target(session, blank, line)
    assert line.target is not None
    if fitted(desk, program, line.target, line.value, line.scene).fit in ("equal", "turned"):
        return replace(blank, verdict="definition")
    match line.plain:
        case ast.BinOp(op=ast.Add() | ast.Sub()):  # W - lr * dW
            return stepped(desk, program, blank, name, line.value)
    program.forgets(name)  # it is another now, such as x / 255 or X.T
    return replace(blank, reasons=(reason("check.no_update", name=tree.Name(name)),))


def _is_new_value(desk: Desk, program: Program, name: str, value: ast.expr) -> bool:
    """Whether numbers are the value of a given name for which the exercise has none; then they stand."""
    shape = tuple(size for size in desk.exercise.shapes[name] if isinstance(size, int))
    if not only_numbers(value, program.assigned) or len(shape) < len(desk.exercise.shapes[name]):
        return False
    with suppress(*_ERRORS):
        made, _ = Run(program, desk, desk.example, True).value(value)
        if len(made.entries) == prod(shape):
            desk.given[name] = made.reshaped(shape)
            return True
    return False


# --- what the exercise has not -------------------------------------------------------


def _new(desk: Desk, program: Program, blank: Finding, line: Line) -> Finding | None:
    """A name of the code's own is defined."""
    if only_numbers(line.value) and line.name in desk.worlds.own[0].working.sizes:
        return replace(blank, verdict="definition")  # d = 2: the points have sizes of their own
    trouble: Exception | None = None
    for columns in program.layouts:
        try:
            run = Run(program, desk, desk.worlds.own[0], columns)
            for running in run.passes(line.scene):
                run.spent(running, line.value)
                break
            break
        except NotRead as error:
            trouble = error
        except Missing as error:
            raise error from None
        except _ERRORS as error:
            trouble = trouble or error
    else:
        if isinstance(trouble, NotRead):
            raise trouble
        program.forgets(line.name)
        return _misfit(blank, trouble)
    whole, scene = line.whole(program.current.get(line.name)), line.scene
    program.sets(line.name, whole, depth=scene.depth, looped=bool(scene.loops))
    return replace(blank, verdict="definition")


def _misfit(blank: Finding, trouble: Exception | None) -> Finding:
    if isinstance(trouble, EvaluationError):
        why = reason("check.code_shape", message=str(trouble))
        return replace(blank, verdict="wrong", reasons=(why,))
    return replace(blank, reasons=(reason("check.not_evaluated", message=str(trouble)),))
