"""Why a line of code is wrong: the mistakes that explain it, the right line, else the smallest difference."""

from __future__ import annotations

import ast
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any

from symbackprop.algebra.values.arrays import Array, form
from symbackprop.algebra.values.domain import EvaluationError, Missing
from symbackprop.checking.budget import OverBudget
from symbackprop.checking.code_early import updated_early
from symbackprop.checking.code_fits import Fitted, fit_of, fitted, only_numbers
from symbackprop.checking.code_runs import Program, Run, truth
from symbackprop.checking.code_tree import tree_of
from symbackprop.checking.desk import Desk
from symbackprop.checking.difference import smallest_difference
from symbackprop.checking.findings import Finding, Named, Reason
from symbackprop.checking.member import reason
from symbackprop.checking.why import named_mistakes
from symbackprop.checking.worlds import World
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

_ERRORS = (ArithmeticError, EvaluationError)


def explained_code(
    desk: Desk, program: Program, blank: Finding, target: Node, plain: ast.expr, value: ast.expr, fit: Fitted
) -> Finding:
    """The finding of a wrong line. `plain` is its value as written, `value` has the versions of its names."""
    early = _updated_early(desk, program, target, value)
    if early is not None:
        return replace(blank, verdict="wrong", mistakes=(early,))
    written = written_code(desk, plain)
    named, expected = named_mistakes(desk, target, written, _same(desk, program, value))
    reasons: tuple[Reason, ...] = ()
    if fit.fit == "shape" and fit.trouble is not None:
        reasons = (reason("check.code_shape", message=str(fit.trouble)),)
    elif not named and only_numbers(value) and not _is_operation(value):
        named, reasons = (Named(id="arithmetic"),), difference(fit)
    elif not named:
        reasons = difference(fit) or (reason("check.code_differs", name=target),)
    right = None if expected is None or expected == written else tree.equation(target, expected)
    return replace(blank, verdict="wrong", reasons=reasons, mistakes=named, expected=right)


def _is_operation(value: ast.expr) -> bool:
    return any(isinstance(part, ast.BinOp) for part in ast.walk(value))


def difference(fit: Fitted) -> tuple[Reason, ...]:
    """How the value differs from the right one."""
    if fit.wrong is None or fit.right is None or fit.world is None:
        return ()
    wrong, right = (one.reshaped(form(one.shape)) for one in (fit.wrong, fit.right))
    if not any(one != 0 for one in wrong.entries):
        return ()  # 0 times the right value says nothing
    modulus = getattr(fit.world.domain, "modulus", None)
    with suppress(*_ERRORS, OverBudget):
        return smallest_difference(right, wrong, None, tree.number(0), modulus=modulus)
    return ()


def _updated_early(desk: Desk, program: Program, target: Node, value: ast.expr) -> Named | None:
    """Whether a line would hold with the parameters from before their step."""
    return updated_early(
        desk, program, value, lambda before: fitted(desk, before, target, value).fit == "equal"
    )


# --- as formulas --------------------------------------------------------------------------------------


def written_code(desk: Desk, value: ast.expr) -> Node | None:
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


def reading_of(desk: Desk, target: Node, value: ast.expr) -> Node | None:
    """How a line of code was read, as an equation."""
    written = written_code(desk, value)
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
                worlds = (desk.example,) if only_numbers(value) else desk.worlds.own
                if all(_equal(node, world, columns) for world in worlds):
                    return True
            except _ERRORS:
                continue
        return None

    def _equal(node: Node, world: World, columns: bool) -> bool:
        made = written(world, columns)
        like = (len(made.entries),) if isinstance(node, tree.Ones) else None
        other = evaluator_in(world, desk.reader).value(node, scope_in(world, {}, like))
        return fit_of(world, made, other) == "equal"

    return agrees
