"""What the command line prints: the gradients as a short table, the list of what comes along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from symbackprop.algebra.functions import OPERATIONS, ROWS, Function
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.decimals import to_tree
from symbackprop.derivation.steps import Derivation, Step
from symbackprop.exercise import bundled, load
from symbackprop.exercise.faults import shortened
from symbackprop.notation.shape_algebra import shown_size
from symbackprop.notation.tree import Shape
from symbackprop.notation.write import to_plain

Row = tuple[str, ...]

_MOST_ROWS: Final = 20  # of the table; of more gradients only those that were asked for are shown
_WIDE: Final = 60  # characters of a cell
_MOST_ENTRIES: Final = 64  # of a value that is looked at for the table

HEADINGS: Final[Row] = ("gradient", "formula", "shape", "value")


def gradient_rows(derivation: Derivation) -> list[Row]:
    """The gradients with formula, shape and value, as text."""
    steps = [step for step in derivation.backward if step.rule != "seed"]
    if len(steps) > _MOST_ROWS:
        steps = [step for step in steps if step.target in derivation.exercise.wanted]
    return [_row(derivation, step) for step in steps]


def _row(derivation: Derivation, step: Step) -> Row:
    name = "d" + step.target
    numbers = derivation.quantities[name].numbers
    shown = "" if numbers is None else value_text(numbers, derivation.digits)
    return name, shortened(to_plain(step.formula), _WIDE), shape_text(step.shape), shown


def descent_line(derivation: Derivation) -> str | None:
    """`descent (sgd, rate 1/2): E goes from ≈ 0.2984 to ≈ 0.2910 in 1 step; W1, W2 updated`."""
    made = derivation.descent
    if made is None:
        return None
    plan = made.plan
    losses = (Array.scalar(made.moments[at].loss) for at in (0, -1))
    first, last = (value_text(loss, derivation.digits) for loss in losses)
    count = f"{plan.steps:,} step{'s' * (plan.steps != 1)}"
    names = shortened(", ".join(plan.parameters), _WIDE)
    rate = to_plain(to_tree(plan.rate)[0])
    about = f"descent ({plan.optimizer}, rate {rate})"
    return f"{about}: {derivation.exercise.loss} goes from {first} to {last} in {count}; {names} updated"


def shape_text(shape: Shape) -> str:
    """`1×3`; `3` for a vector, `1` for a number."""
    return "×".join(map(shown_size, shape)) or "1"


def value_text(numbers: Array[Any], digits: int) -> str:
    """`-4`, `(-16, -8, 20)ᵀ` for a column, `(1, 2; 3, 4)` for a matrix; ≈ before what is rounded."""
    if len(numbers.entries) > _MOST_ENTRIES:
        return "(…)"
    trees = [to_tree(entry, digits) for entry in numbers.entries]
    texts = [to_plain(node) for node, _ in trees]
    about = "" if all(exact for _, exact in trees) else "≈ "
    if len(texts) == 1:
        return about + shortened(texts[0], _WIDE)
    column = len(numbers.shape) == 1
    rows = (
        [", ".join(texts)]
        if column
        else [", ".join(row) for row in Array(numbers.shape, tuple(texts)).rows()]
    )
    return about + shortened(f"({'; '.join(rows)})", _WIDE) + ("ᵀ" if column else "")


def aligned(rows: Sequence[Row]) -> Iterator[str]:
    """Rows as lines of plain text with their columns one below the other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


# --- what comes along -----------------------------------------------------------------------


def exercise_rows() -> list[Row]:
    """The bundled exercises with their titles."""
    return [(name, load(name).title_in("en")) for name in bundled()]


def exam_rows() -> list[Row]:
    """The bundled exams with their titles."""
    from symbackprop.exams.file import bundled_exams, load_exam  # nobody else needs exams here

    return [(name, load_exam(name).title.get("en", name)) for name in bundled_exams()]


def function_rows(kind: str) -> list[Row]:
    """The functions of a kind, with their formulas and other names."""
    return [_function_row(row) for row in ROWS if row.kind == kind and row.public]


def _function_row(row: Function) -> Row:
    options = [f"{name} = {default}" for name, default in row.options]
    also = [f"also {', '.join(row.aliases)}"] if row.aliases else []
    formula = _formula(row)
    shown = [formula] if formula != f"{row.name}(u)" else []
    return f"{row.name}({', '.join([*row.arguments, *options])})", "; ".join([*shown, *also])


def _formula(row: Function) -> str:
    over = {"sum": "sum of ", "mean": "mean of ", None: ""}[row.reduce]
    if row.smooth:
        return over + row.pieces[0].formula
    parts = [
        f"{piece.formula} if {row.on} >= {piece.bound}"
        if piece.bound is not None
        else f"else {piece.formula}"
        for piece in row.pieces
    ]
    return ", ".join(parts)


def operation_names() -> str:
    """The operations that are not entry by entry."""
    return ", ".join(sorted(OPERATIONS))
