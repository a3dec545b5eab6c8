"""Names that code changes in place: `dW += reg * W`, `dW /= m`, `dW[i, j] = …`, `dh[h <= 0] = 0`.

What such a name is at first need not be right, if it is in the end. If that cannot be told, or is not so, the
first line is looked at again by itself.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from symbackprop.algebra.values.arrays import form
from symbackprop.algebra.values.domain import EvaluationError, Missing
from symbackprop.checking.code import MASKED
from symbackprop.checking.code_arrays import NotRead
from symbackprop.checking.code_fits import NOT_KNOWN, Fitted, fitted
from symbackprop.checking.code_names import names_in
from symbackprop.checking.code_runs import Carried, Program, Run, Unsure
from symbackprop.checking.code_scenes import Line
from symbackprop.checking.code_targets import judged_target, right
from symbackprop.checking.code_why import difference, explained_code, reading_of
from symbackprop.checking.desk import Desk
from symbackprop.checking.findings import Finding
from symbackprop.checking.member import reason

if TYPE_CHECKING:
    from symbackprop.checking.session import Session

_OPERATIONS: Mapping[str, type[ast.operator]] = {
    "+=": ast.Add, "-=": ast.Sub, "*=": ast.Mult, "/=": ast.Div, "@=": ast.MatMult, "**=": ast.Pow,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """A first value that is not right yet: the place of its finding, and what it would be if it stays."""

    place: int
    wrong: Finding
    misshapen: bool


_MENDED = frozenset([
    "term_forgotten", "term_sign", "term_factor", "factor_forgotten", "upstream_forgotten", "mean_missing",
    "mean_twice", "slope_missing", "sign", "doubled", "halved",
])  # fmt: skip
"""Mistakes that a later `+=` or `*=` makes good."""


def begin(session: Session, found: Finding, line: Line) -> Finding:
    """The finding of a first value: where it is changed later, it may be wrong now."""
    program = session.program
    program.held.pop(line.name, None)
    program.spoiled.discard(line.name)
    program.current.pop(line.name, None)
    program.unsure.discard(line.name)
    later = program.later(session.desk, line.name)
    if not later:
        return found
    if found.verdict == "wrong" and _is_refused(session.desk, program, line):
        program.forgets(line.name)
        return found
    program.begun[line.name] = later
    program.sets(line.name, line.value, depth=line.scene.depth, looped=bool(line.scene.loops))
    if found.verdict != "wrong":
        return found
    number = isinstance(line.plain, ast.Constant)  # to which an array may be added
    misshapen = not number and _is_misshapen(session.desk, program, line)
    if misshapen or not _is_zero(session.desk, program, line):  # a sum starts at 0
        program.held[line.name] = Held(len(session.findings), found, misshapen)
    return replace(found, verdict="definition", reasons=(), mistakes=(), expected=None, place=None)


def _is_zero(desk: Desk, program: Program, line: Line) -> bool:
    """Whether a value is 0 throughout: `np.zeros_like(W)`."""
    with suppress(EvaluationError, ArithmeticError):
        made = [Run(program, desk, world, True).value(line.value)[0] for world in desk.worlds.own]
        domain = desk.worlds.own[0].domain
        return all(domain.is_zero(entry) for one in made for entry in one.entries)
    return False


def _is_refused(desk: Desk, program: Program, line: Line) -> bool:
    """Whether NumPy would refuse a value, so that nothing can mend it."""
    return (
        line.target is not None and fitted(desk, program, line.target, line.value, line.scene).fit == "shape"
    )


def _is_misshapen(desk: Desk, program: Program, line: Line) -> bool:
    """Whether a value has another number of entries or axes than its target."""
    fit = NOT_KNOWN if line.target is None else fitted(desk, program, line.target, line.value, line.scene)
    return fit.wrong is not None and fit.right is not None and form(fit.wrong.shape) != form(fit.right.shape)


def settle(session: Session, name: str) -> int | None:
    """Whether a first value is wrong by itself, now that what changes it does not make it right: its line.

    What a sum or a factor in place could mend says nothing; a shape, nothing in place can mend.
    """
    held = session.program.held.pop(name, None)
    if held is None:
        return None
    named = {one.id for one in held.wrong.mistakes}
    if not held.misshapen and (not named or named & _MENDED):
        return None
    session.findings[held.place] = held.wrong
    return held.wrong.line


def changed(session: Session, blank: Finding, line: Line) -> Finding:
    """`dW += reg * W`: what the name is after the change."""
    program, name = session.program, line.name
    before = _before(session, line)
    if program.places.get(name, program.at) < program.outline.repeated(program.at):
        raise Carried(name)
    if before is None:
        if line.target is None:
            raise Unsure(name) if name in program.unsure else Missing(name)
        program.forgets(name)
        return replace(blank, reasons=(reason("check.update", name=_sign(line)),))
    depth = program.depths.get(name, 0)
    if line.augmented in (MASKED, ""):
        whole = line.whole(program.current.get(name))
    else:
        if name in names_in(line.plain) and line.scene.loops:
            raise NotRead(line.plain, "what a loop does to a name by itself is not followed")
        whole = line.summed(before, _OPERATIONS[line.augmented](), depth)
    return _after(session, blank, replace(line, value=whole), depth)


def entry(session: Session, blank: Finding, line: Line) -> Finding:
    """`dW[i, j] = dz[i] * x[j]`, or a change of entries: of all passes of its loops."""
    program, name = session.program, line.name
    before, depth = _before(session, line), program.depths.get(name, 0)
    op = _OPERATIONS[line.augmented]() if line.augmented else None
    whole = None if before is None else line.filled(before, op, depth)
    if op is not None or line.target is None:
        if whole is None:
            if line.target is None:
                raise Unsure(name) if name in program.unsure else Missing(name)
            program.forgets(name)
            return replace(blank, reasons=(reason("check.update", name=_sign(line)),))
        if name in names_in(line.plain) and line.scene.loops:
            raise NotRead(line.plain, "what a loop does to an array by itself is not followed")
        scene = replace(line.scene, loops=line.scene.loops[:depth], tests=())
        return _after(session, blank, replace(line, value=whole, scene=scene, places=()), depth)
    found = judged_target(session, blank, line)
    remaining = program.counts_down(name)
    if whole is not None:
        program.sets(name, whole, depth=depth, looped=depth > 0)
    if found.verdict == "wrong":
        program.spoiled.add(name)
    if not remaining:
        found = _in_the_end(session, found, line, before, whole)
        _ends(program, name)
    elif found.verdict == "wrong" and isinstance(line.plain, ast.Constant) and not line.plain.value:
        return replace(blank, verdict="definition")
    return found


def _adds(desk: Desk, program: Program, line: Line) -> bool:
    """Whether a change only adds to a value or scales it, and does not turn it into another one."""
    if line.augmented in ("+=", "-="):
        return True
    if line.augmented not in ("*=", "/="):
        return False
    with suppress(EvaluationError, ArithmeticError):
        made, _ = Run(program, desk, desk.worlds.own[0], True).value(program.resolved(line.plain))
        return len(made.entries) == 1
    return False


def _in_the_end(
    session: Session, found: Finding, line: Line, before: ast.expr | None, whole: ast.expr | None
) -> Finding:
    """The finding of the last entry that is set: the array must be right as a whole now."""
    desk, program = session.desk, session.program
    held = program.held.pop(line.name, None)
    if (
        line.name in program.spoiled
        or before is None
        or whole is None
        or line.target is None
        or found.verdict != "correct"
    ):
        return found
    if fitted(desk, program, line.target, before).fit == "equal":
        return found  # a right entry of what was right already
    fit = fitted(desk, program, line.target, whole)
    if fit.fit != "different":
        return found
    if held is not None:
        session.findings[held.place] = held.wrong
        return found
    return replace(
        found, verdict="wrong", reasons=difference(fit) or (reason("check.code_differs", name=line.target),)
    )


def _sign(line: Line) -> str:
    return "=" if line.augmented == MASKED else line.augmented or "="


def _before(session: Session, line: Line) -> ast.expr | None:
    version = session.program.current.get(line.name)
    return None if version is None else ast.Name(version, ast.Load())


def _ends(program: Program, name: str) -> None:
    """From here on a name of the exercise means what the exercise says."""
    program.current.pop(name, None)
    program.begun.pop(name, None)


def _after(session: Session, blank: Finding, line: Line, depth: int) -> Finding:
    """The finding of a change, after which the name is `line.value`."""
    desk, program, name = session.desk, session.program, line.name
    remaining = program.counts_down(name)
    if line.target is None:
        program.sets(name, line.value, depth=depth, looped=depth > 0)
        return replace(blank, verdict="definition")
    scene = replace(line.scene, loops=line.scene.loops[:depth], tests=())
    fit = fitted(desk, program, line.target, line.value, scene)
    program.sets(name, line.value, depth=depth, looped=depth > 0)
    blank = replace(blank, reading=reading_of(desk, line.target, line.value))
    found = _found(session, blank, line, fit, remaining)
    if not remaining:
        _ends(program, name)
    return found


def _found(session: Session, blank: Finding, line: Line, fit: Fitted, remaining: int) -> Finding:
    desk, program = session.desk, session.program
    assert line.target is not None
    done = right(desk, program, blank, line, fit)
    if done is not None:
        if fit.fit == "equal":
            program.held.pop(line.name, None)
        return done
    if fit.fit == "shape":
        program.forgets(line.name)
    elif remaining:
        return replace(blank, verdict="definition")
    guilty = settle(session, line.name) if _adds(desk, program, line) else None
    if guilty is not None:
        about = line.target
        why = reason("check.carried", name=about, line=guilty)
        return replace(blank, verdict="carried", reasons=(why,))
    return explained_code(desk, program, blank, line.target, line.plain, line.value, fit)
