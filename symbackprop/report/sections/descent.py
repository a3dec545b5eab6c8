"""Gradient descent on the page: the rule, the first step with its numbers, and a table of all steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

from symbackprop.algebra.optimizers import COUNT, GRADIENT, PARAMETER, RATE
from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.exact import bounds
from symbackprop.derivation.descent import Moment
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, equation
from symbackprop.report.descent_board import Board, put_in
from symbackprop.report.document import (
    AnswerBox,
    Block,
    Equation,
    Heading,
    Line,
    Paragraph,
    Part,
    Table,
    Text,
)
from symbackprop.report.view import View, chain

MOST_ROWS: Final = 12
"""Steps that the table has one by one; of more, the first ones and then 10, 20, 50, 100 …"""

FIRST_ROWS: Final = 5
MOST_COLUMNS: Final = 8  # of all parameters together, side by side in one row of the table
MOST_HEIGHT: Final = 3  # rows of a parameter that stands in the table
STACKED: Final = 5  # formulas in one display, which no page breaks


def descent(view: View, *, reasons: bool = True, only_table: bool = False) -> Iterator[Block]:
    """The whole section; nothing where the exercise asks for no descent."""
    made = view.derivation.descent
    if made is None:
        return
    yield Heading(text=Text("descent.title"), label="descent")
    board = Board(view, made)
    if not only_table:
        yield from _rule(board)
        yield from _first_step(board, reasons)
    yield from _table(board, only_table)
    if not only_table:
        yield from _afterwards(board)


def descent_worksheet(view: View) -> Iterator[Block]:
    """The rule, and boxes for the first step and the loss that it leads to."""
    made = view.derivation.descent
    if made is None:
        return
    board = Board(view, made)
    yield Heading(text=Text("descent.title"), label="descent")
    yield from _rule(board)
    yield Paragraph(sentences=(Text("descent.task"),))
    for name in made.plan.parameters:
        shape = view.shape(name)
        rows = int(shape[0]) if shape else 1
        label = tree.Chain((tree.Name(name), tree.Word("nothing")), ("←",), (None,))
        yield AnswerBox(label=label, lines=2 + min(rows, 8))
    yield AnswerBox(label=equation(tree.Name(view.loss), tree.Word("nothing")), lines=3)


# --- the rule ---------------------------------------------------------------------------------------


def _rule(board: Board) -> Iterator[Block]:
    """`W ← W − η dW` in a box, with what its letters are."""
    plan = board.made.plan
    rate = equation(board.letter(RATE), board.number(plan.rate))
    name = board.letter(PARAMETER)
    moved = tuple(tree.Name(one) for one in plan.parameters)
    fixed = tuple(
        tree.Name(one) for one in board.view.derivation.exercise.given if one not in plan.parameters
    )
    parts: dict[str, Part] = {"names": moved}
    if fixed:
        parts |= {"fixed": fixed, "count": len(fixed)}
    sentences = [Text("descent.moved_fixed" if fixed else "descent.moved", parts)]
    key = "descent.rule_alone" if board.alone else "descent.rule"
    sentences.append(Text(key, {"name": name, "rate": rate}))
    yield Paragraph(sentences=tuple(sentences), keep_with_next=True)
    boxed = [
        tree.Box(tree.Chain((left, right), ("←",), (None,))) if target == PARAMETER
        else tree.Chain((left, right), ("←",), (None,))
        for target, left, right in board.formulas()
    ]  # fmt: skip
    yield Equation(lines=tuple(Line(formula=one) for one in _in_rows(boxed)))
    remarks = list(_remarks(board))
    if remarks:
        yield Paragraph(sentences=tuple(remarks))


def _in_rows(formulas: Sequence[Node]) -> Iterator[Node]:
    """Two formulas to a line, the last one by itself where their number is odd."""
    for start in range(0, len(formulas), 2):
        pair = tuple(formulas[start : start + 2])
        yield pair[0] if len(pair) == 1 else tree.Row(pair, "quad")


def _remarks(board: Board) -> Iterator[Text]:
    """The optimiser by name, what its states begin with, its options."""
    row, plan = board.row, board.made.plan
    if row.states:
        states = tuple(tree.Name(board.letters[name]) for name in row.states)
        yield Text("descent.states", {"optimizer": row.shown, "states": states, "count": len(states)})
    if row.options:
        values = tuple(
            equation(board.letter(one.symbol), board.number(plan.options[one.name])) for one in row.options
        )
        yield Text("descent.options", {"options": values})
    bodies = [formula(text) for _, text in row.updates]
    if any(COUNT in tree.names_in(body) for body in bodies):
        yield Text("descent.count", {"letter": board.letter(COUNT)})
    calls = any(isinstance(part, tree.Call) for body in bodies for part in tree.walk(body))
    if calls and not board.lone:
        yield Text("descent.entrywise")


# --- the first step ---------------------------------------------------------------------------------


def _first_step(board: Board, reasons: bool) -> Iterator[Block]:
    """`W ← W − η dW = (…) − ½ (…) = (…)`, for each parameter where that is one formula."""
    names = board.made.plan.parameters
    worked = names if len(board.row.updates) <= 2 else names[:1]
    sentences = [Text("descent.first")] if reasons else []
    yield Paragraph(lead=Text("descent.first_title"), sentences=tuple(sentences), keep_with_next=True)
    yield from _stacked([line for name in worked for line in _worked(board, name)])
    rest = names[len(worked) :]
    if rest:
        likewise = Text("descent.likewise", {"names": tuple(map(tree.Name, rest))})
        yield Paragraph(sentences=(likewise,), about="values: 1")
        results = [_result(board, name, board.made.first[name][PARAMETER]) for name in rest]
        yield from _side_by_side(results)


def _worked(board: Board, name: str) -> Iterator[Node]:
    """One parameter: every formula with its numbers, in order."""
    start = board.made.moments[0]
    assert start.parameters is not None  # the start is always kept
    assert start.gradients is not None
    first = board.made.first[name]
    known: dict[str, Array[Any]] = {
        PARAMETER: start.parameters[name], GRADIENT: start.gradients[name],
        RATE: Array.scalar(board.made.plan.rate), COUNT: Array.scalar(Fraction(1)),
        **{one.symbol: Array.scalar(board.made.plan.options[one.name]) for one in board.row.options},
        **dict.fromkeys(board.row.states, Array.scalar(Fraction(0))),
    }  # fmt: skip
    for (target, left, right), (_, text) in zip(board.formulas(name), board.row.updates, strict=True):
        used = [known[one] for one in tree.names_in(formula(text))]
        members = [left, right]
        relations: list[tree.Relation] = ["←"]
        numbers = put_in(board, formula(text), known)
        if numbers is not None:
            members.append(numbers)
            relations.append(board.relation(*used))
        members.append(board.view.array(first[target]))
        relations.append(board.relation(*used, first[target]))
        yield chain(*members, relations=tuple(relations))
        known[target] = first[target]


def _stacked(formulas: Sequence[Node]) -> Iterator[Block]:
    """Formulas one under the other, as many to a display as a page can take."""
    for start in range(0, len(formulas), STACKED):
        yield Equation(lines=tuple(Line(formula=one) for one in formulas[start : start + STACKED]))


def _result(board: Board, name: str, array: Array[Any]) -> Node:
    relation = board.relation(array)
    return tree.Chain((tree.Name(name), board.view.array(array)), (relation,), (None,))


def _side_by_side(items: Sequence[Node]) -> Iterator[Block]:
    for start in range(0, len(items), 4):
        yield Equation(lines=(Line(formula=tree.Row(tuple(items[start : start + 4]), ",")),))


# --- the table --------------------------------------------------------------------------------------


def _table(board: Board, only_table: bool) -> Iterator[Block]:
    """A row for each step: the parameters, while they are small, and the loss."""
    view, moments = board.view, board.made.moments
    rows = _chosen(moments)
    names = board.made.plan.parameters if _fits(board, rows) else ()
    symbols = [*names, view.loss]
    columns = (Text("descent.step"), *(Text("descent.column", {"name": tree.Name(s)}) for s in symbols))
    cells = [_row(board, moment, names) for moment in rows]
    if not only_table:
        sentences = tuple(_outcome(board))
        yield Paragraph(lead=Text("descent.table_title"), sentences=sentences, keep_with_next=True)
    claims = ("step", *("at",) * len(symbols))
    yield Table(columns=columns, rows=tuple(cells), claims=claims)


def _row(board: Board, moment: Moment, names: Sequence[str]) -> tuple[Node | Text | None, ...]:
    parameters = moment.parameters or {}
    tall = any(len(board.view.shape(name)) == 2 and board.view.shape(name)[0] != 1 for name in names)
    cells = [_cell(board, parameters[name], tall) for name in names]
    return (tree.number(moment.number), *cells, _cell(board, Array.scalar(moment.loss), tall))


def _cell(board: Board, array: Array[Any], tall: bool) -> Node:
    """A value, with `≈` before what is rounded; a vector lies down in a row of low ones."""
    lying = len(array.shape) == 1 and len(array.entries) > 1 and not tall
    value = tree.Transpose(board.view.array(array.transposed())) if lying else board.view.array(array)
    if board.exact(array):
        return value
    return tree.Chain((tree.Word("nothing"), value), ("≈",), (None,))


def _chosen(moments: Sequence[Moment]) -> list[Moment]:
    """All of them, or the start, the first ones, 10, 20, 50, 100 … and the last."""
    if len(moments) <= MOST_ROWS + 1:
        return list(moments)
    last = moments[-1].number
    round_ones = {digit * 10**power for power in range(1, 6) for digit in (1, 2, 5)}
    return [one for one in moments if one.number <= FIRST_ROWS or one.number in {*round_ones, last}]


def _fits(board: Board, rows: Sequence[Moment]) -> bool:
    """Whether the parameters can stand in the table."""
    width = 0
    for name in board.made.plan.parameters:
        shape = [int(size) for size in board.view.shape(name)]
        if len(shape) > 2 or (len(shape) == 2 and shape[0] > MOST_HEIGHT):
            return False
        width += shape[-1] if shape else 1
    return width <= MOST_COLUMNS and all(moment.parameters is not None for moment in rows)


def _outcome(board: Board) -> Iterator[Text]:
    """What happened to the loss, and how sure the numbers are."""
    made = board.made
    count = made.plan.steps
    first, last = (board.view.entry(one.loss) for one in (made.moments[0], made.moments[-1]))
    parts: dict[str, Part] = {
        "loss": tree.Name(board.view.loss), "first": first, "last": last, "steps": tree.number(count),
        "count": count,
    }  # fmt: skip
    yield Text("descent.outcome", parts)
    pairs = pairwise(made.moments)
    rise = next((one.number for before, one in pairs if _surely_more(one, before)), None)
    if rise is not None:
        yield Text("descent.rises", {"step": tree.number(rise)})
    if not made.certified:
        low, high = tree.number(made.bits // 2), tree.number(made.bits)
        yield Text("descent.agreed", {"low": low, "high": high})
    elif any(not isinstance(value, Fraction) for value in made.last[board.view.loss].entries):
        yield Text("descent.certain")
    elif not board.exact(*made.last.values(), *made.parameters.values()):
        yield Text("descent.exact")


def _surely_more(one: Moment, before: Moment) -> bool:
    return bounds(one.loss)[0] > bounds(before.loss)[1]


# --- afterwards -------------------------------------------------------------------------------------


def _afterwards(board: Board) -> Iterator[Block]:
    """The parameters where the table has none, and the forward pass once more."""
    made, view = board.made, board.view
    yield Paragraph(
        lead=Text("descent.again_title"), sentences=(Text("descent.again"),), keep_with_next=True,
        about="values: last",
    )  # fmt: skip
    if not _fits(board, _chosen(made.moments)):
        yield from _side_by_side([_result(board, *one) for one in made.parameters.items()])
    formulas = []
    for step in view.derivation.forward:
        left: Node = view.loss_call() if step.target == view.loss else tree.Name(step.target)
        body = view.loss_formula() if step.target == view.loss else [view.page(step.formula)]
        value = made.last[step.target]
        members = (left, *body, view.array(value))
        equals: list[tree.Relation] = ["=" for _ in body]
        relations = (*equals, board.relation(value))
        formulas.append(chain(*members, relations=relations))
    yield from _stacked(formulas)
