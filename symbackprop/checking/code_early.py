"""Gradients taken with weights after their step: `W2 -= lr * dW2`, then `da1 = W2.T @ dz2`."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from symbackprop.checking.code_names import names_in
from symbackprop.checking.code_runs import Program
from symbackprop.checking.desk import Desk
from symbackprop.checking.findings import Named
from symbackprop.notation import tree


def updated_early(
    desk: Desk, program: Program, value: ast.expr, holds: Callable[[Program], bool]
) -> Named | None:
    """The parameter with which a line `holds` if it is taken from before its step, also where an earlier
    line has it, or where the new one has a name of its own."""
    used = _used(program, value)
    for name, version in program.stepped.items():
        if version in used and holds(_before(program, version, name)):
            return Named(id="updated_too_early", about=tree.Name(name))
    for version in used:
        olds = names_in(program.assigned[version])
        for old in sorted(olds & set(desk.exercise.given)):
            if version.partition("#")[0] != old and holds(_before(program, version, old)):
                instead = tree.Name(version.partition("#")[0])
                return Named(id="updated_too_early", about=tree.Name(old), instead=instead)
    return None


def _used(program: Program, value: ast.expr) -> list[str]:
    """The versions of names that an expression uses, also through others."""
    found: list[str] = []
    waiting = [value]
    while waiting:
        for part in ast.walk(waiting.pop()):
            if isinstance(part, ast.Name) and part.id in program.assigned and part.id not in found:
                found.append(part.id)
                waiting.append(program.assigned[part.id])
    return found


def _before(program: Program, version: str, name: str) -> Program:
    """The program in which a version of a name is what the exercise says."""
    return replace(program, assigned={**program.assigned, version: ast.Name(name, ast.Load())}, values={})
