"""The summary of all gradients, and the checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.derivation.steps import Check
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, equation
from symbackprop.notation.write import to_latex
from symbackprop.report.document import Block, Heading, Part, Table, Text
from symbackprop.report.ladder import LONG
from symbackprop.report.measure import width
from symbackprop.report.sections.given import MANY_NUMBERS
from symbackprop.report.view import View

MOST_SIZES = 8
WIDE = 18
"""em of a value in the table; of a wider one the first columns and the last stand there."""


# --- summary -------------------------------------------------------------------------------------


def summary(view: View) -> Iterator[Block]:
    """All gradients with formula, shape and value."""
    yield Heading(text=Text("summary.title"), label="summary")
    steps = [step for step in view.derivation.backward if step.rule != "seed"]
    valued = any(view.value("d" + step.target) is not None for step in steps)
    columns = [Text("summary.gradient"), Text("summary.formula"), Text("summary.shape")]
    if valued:
        columns.append(Text("summary.value"))
    rows = []
    for step in steps:
        name = "d" + step.target
        row: list[Node | Text | None] = [
            *tree.stated(view.symbol(name), view.formula(name)),
            Text("summary.like", {"space": view.space(name), "name": tree.Name(step.target)}),
        ]
        if valued:
            row.append(_value_cell(view, name))
        rows.append(tuple(row))
    claims = ("name", "=", "in", "value")[: len(columns)]
    yield Table(columns=tuple(columns), rows=tuple(rows), claims=claims)


def _value_cell(view: View, name: str) -> Node | None:
    deep = view.ladder is not None and len(view.ladder) >= LONG
    lying = deep and len(view.shape(name)) == 1 and not view.lone(name)
    numbers = view.numbers(name)
    if numbers is None or view.expanded(name):
        return None
    value = _narrow(view, numbers.transposed() if lying else numbers)
    value = tree.Transpose(value) if lying else value
    return value if view.exact(name) else tree.Chain((tree.Word("nothing"), value), ("≈",), (None,))


def _narrow(view: View, numbers: Array[Any]) -> Node:
    """A value as a tree; with dots, of what a table of so many numbers has no room for."""
    many = sum(_count(view, "d" + step.target) for step in view.derivation.backward) > MANY_NUMBERS
    value = view.array(numbers, 4) if many else view.array(numbers)
    for most in (6, 5, 4, 3):
        if width(to_latex(value)) <= WIDE:
            break
        value = view.array(numbers, most)
    return value


def _count(view: View, name: str) -> int:
    numbers = view.numbers(name)
    return 0 if numbers is None else len(numbers.entries)


# --- checks ----------------------------------------------------------------------------------------


def checks(view: View) -> Iterator[Block]:
    """What was checked and how, and what was not."""
    yield Heading(text=Text("checks.title"), label="checks")
    columns = (Text("checks.what"), Text("checks.how"), Text("checks.result"))
    made = view.derivation.checks
    kinds = [check.kind for check in made]
    rows = [_check_row(check, again=check.kind in kinds[:at]) for at, check in enumerate(made)]
    rows += _conventions(view)
    rows.append((Text("checks.read_what"), Text("checks.read_how"), Text("checks.read_result")))
    yield Table(columns=columns, rows=tuple(rows), widths=(0.24, 0.52, 0.2), small=True)


_COMPARED = {"some", "steps", "together"}
"""The notes of a check that say what was compared by itself."""


def _check_row(check: Check, *, again: bool) -> tuple[Node | Text | None, ...]:
    parts: dict[str, Part] = {}
    suffix, notes = "", check.note.split()
    if check.kind in {"formula", "general"} and "real" not in notes:
        parts["prime"] = tree.Add((tree.Power(tree.number(2), tree.number(61)), tree.Neg(tree.number(1))))
    if "real" in notes:
        suffix = "_real"
    if check.sizes:
        parts["sizes"] = tuple(_pair(one) for one in check.sizes)
        suffix += "_sizes" if check.kind == "formula" else ""
    if check.kind == "numbers" and check.exact:
        suffix = "_exact"
    compared = [f"_{note}" for note in notes if note in _COMPARED]
    which = "_sizes" if again and check.kind == "formula" and check.sizes else "".join(compared)
    what = Text(f"checks.{check.kind}_what{which}")
    agreed = Text("checks.agree", {"agreed": check.agreed, "tried": check.tried})
    return what, Text(f"checks.{check.kind}_how{suffix}", parts), agreed


def _pair(sizes: tuple[int, ...]) -> Node:
    """`(3, 2)`; of many sizes the first three and the last."""
    numbers = tuple(tree.number(size) for size in sizes)
    if len(numbers) > MOST_SIZES:
        numbers = (*numbers[:3], tree.Dots("h"), numbers[-1])
    return tree.Bracket(numbers[0] if len(numbers) == 1 else tree.Row(numbers, ","))


def _conventions(view: View) -> list[tuple[Node | Text | None, ...]]:
    """The value at a kink is nothing that can be checked."""
    rows: list[tuple[Node | Text | None, ...]] = []
    for slope in view.derivation.slopes.values():
        for kink in slope.kinks:
            statement = equation(view.applied(slope, kink.at, 1), kink.taken)
            sits = view.facts.sits_on(slope, kink)
            how = "checks.convention_how_on" if sits else "checks.convention_how"
            if sits is None:
                how = "checks.convention_how_open"
            rows.append((statement, Text(how), Text("checks.none")))
    return rows
