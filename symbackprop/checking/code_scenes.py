"""What a line of code is judged with: the loops whose indices it uses, and the conditions around it."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from symbackprop.algebra.values.domain import EvaluationError, Missing
from symbackprop.checking.code import Around, CodeLine, Loop
from symbackprop.checking.code_arrays import NotRead
from symbackprop.checking.code_canonical import exact
from symbackprop.checking.code_loops import Filled, filling
from symbackprop.checking.code_names import code_name, names_in
from symbackprop.checking.code_runs import Carried, Program, Run, Scene, Unsure
from symbackprop.checking.code_values import said
from symbackprop.checking.desk import Desk
from symbackprop.checking.findings import Finding
from symbackprop.checking.member import reason
from symbackprop.notation.tree import Node, Span


@dataclass(frozen=True, slots=True)
class Line:
    """An assignment: `plain` is its value as it is written, `value` with the versions of its names."""

    name: str
    target: Node | None
    plain: ast.expr
    value: ast.expr
    scene: Scene
    places: tuple[ast.expr, ...] = ()
    augmented: str = ""

    def whole(self, before: str | None) -> ast.expr:
        """The value where the conditions hold, else what the name was before."""
        value = self.value
        if before is not None:
            for test in reversed(self.scene.tests):
                value = ast.IfExp(test, value, ast.Name(before, ast.Load()))
        return value

    def filled(self, base: ast.expr, op: ast.operator | None, depth: int) -> ast.expr:
        """The array `base` after all passes of the loops have put this value into their places."""
        generators = self.scene.generators(depth) or [_once(self.scene.tests)]
        return filling(base, list(self.places), op, self.value, generators)

    def summed(self, base: ast.expr, op: ast.operator, depth: int) -> ast.expr:
        """`base` after all passes of the loops beyond its own have added this value."""
        generators = self.scene.generators(depth)
        if not generators and not self.scene.tests:
            return ast.BinOp(base, op, self.value)
        if not isinstance(op, ast.Add | ast.Sub):
            raise NotRead(self.plain, "what a loop multiplies is not followed")
        parts = ast.GeneratorExp(self.value, generators or [_once(self.scene.tests)])
        return ast.BinOp(base, op, ast.Call(ast.Name("sum", ast.Load()), [parts], []))


def _once(tests: tuple[ast.expr, ...]) -> ast.comprehension:
    over = ast.Call(ast.Name("range", ast.Load()), [exact(1)], [])
    return ast.comprehension(ast.Name("once", ast.Store()), over, list(tests), 0)


def scene_of(
    desk: Desk, program: Program, line: CodeLine, value: ast.expr
) -> tuple[Scene, tuple[ast.expr, ...]]:
    """The scene of a line with everything resolved, and its places."""
    places = tuple(program.resolved(one) for one in line.places)
    whole = Scene.of(line.around)
    read = tuple(program.resolved(one) for one in whole.tests if not _is_main(one))
    tests = tuple(one for one in read if _is_read(desk, program, one, whole))
    loops = tuple(replace(one, over=program.resolved(one.over)) for one in whole.loops)
    if not line.augmented:
        used = {name for one in (value, *places, *tests) for name in names_in(one)}
        loops = _used(loops, used)
    return Scene(loops, tests, whole.depth, vague=len(tests) < len(read)), places


def _is_main(test: ast.expr) -> bool:
    """`if __name__ == "__main__":`, which always holds."""
    return "__name__" in names_in(test)


def _is_read(desk: Desk, program: Program, test: ast.expr, scene: Scene) -> bool:
    """Whether a condition is about what is known, and not `if activation == "relu":`."""
    if names_in(test) & {name for loop in scene.loops for name in names_in(loop.target)}:
        return True
    try:
        Run(program, desk, desk.worlds.own[0], program.columns is not False).running().holds(test)
    except (NotRead, Missing):
        return False
    except (ArithmeticError, EvaluationError):
        return True
    return True


def binds(program: Program, around: Around) -> None:
    """Inside a loop its index is what the loop says."""
    for loop in around.loops:
        for name in names_in(loop.target):
            program.current.pop(name, None)
            program.unsure.discard(name)


def _used(loops: tuple[Loop, ...], used: set[str]) -> tuple[Loop, ...]:
    """The loops whose indices occur, or are needed by those that do."""
    kept: list[Loop] = []
    for loop in reversed(loops):
        if used & names_in(loop.target):
            kept.insert(0, loop)
            used = used | names_in(loop.over)
    return tuple(kept)


_KEYS: Mapping[type, str] = {
    Missing: "check.code_unknown", Carried: "check.code_carried", Unsure: "check.code_unsure",
}  # fmt: skip
_WORD = re.compile(r"[^\W\d]\w*")

_SHOWN = 60
"""Characters of a part that is not read that are shown."""


def unread(blank: Finding, error: NotRead | Missing, text: str, plain: ast.expr) -> Finding:
    """The finding of a line with something that is not read, which is named as it is written."""
    if isinstance(error, Missing | Unsure):
        key = next(_KEYS[kind] for kind in type(error).__mro__ if kind in _KEYS)
        name, place = _as_written(error.name.partition("#")[0], blank.text)
        return replace(blank, reasons=(reason(key, name=name),), place=place)
    node = error.node if isinstance(error.node, ast.expr) else None
    part = None if node is None else _segment(text, node, plain)
    if part is not None and part in blank.text:
        at = blank.text.index(part)
        why = reason("check.code_unread", part=part[:_SHOWN])
        return replace(blank, reasons=(why,), place=Span(at, at + len(part)))
    made = node is None or any(isinstance(one, Filled) or "#" in str(one) for one in _leaves(node))
    said_of = blank.text[:_SHOWN] if made or node is None else said(node)
    return replace(blank, reasons=(reason("check.code_unread", part=said_of),))


def _leaves(node: ast.expr) -> list[object]:
    return [part.id if isinstance(part, ast.Name) else part for part in ast.walk(node)]


def _segment(text: str, node: ast.expr, plain: ast.expr) -> str | None:
    """How an expression is written in the text, if it stands there and not in another place of the file."""
    if not any(_place(node) == _place(one) for one in ast.walk(plain)):
        return None
    try:
        return ast.get_source_segment(text, node)
    except (IndexError, AttributeError):
        return None


def _place(node: ast.AST) -> tuple[object, ...]:
    """The kind of a node and where it stands; what has no place is like nothing else."""
    if not isinstance(node, ast.expr) or not hasattr(node, "lineno"):
        return (id(node),)
    return type(node), node.lineno, node.col_offset, node.end_lineno, node.end_col_offset


def _as_written(name: str, text: str) -> tuple[str, Span | None]:
    """A name as it stands in a line, `y_hat` for yhat, and where."""
    for found in _WORD.finditer(text):
        if code_name(found.group(), frozenset([name])) == name:
            return found.group(), Span(*found.span())
    return name, None
