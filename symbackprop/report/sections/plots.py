"""A plot of each activation and its derivative, with the example's places on both curves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from symbackprop.algebra.slopes import Slope, slope
from symbackprop.algebra.symbolic import NotSymbolic
from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.domain import Symbolic
from symbackprop.algebra.values.exact import Exact
from symbackprop.derivation.numbers import evaluator
from symbackprop.notation import tree
from symbackprop.notation.tree import Node
from symbackprop.report.curves import Dot, Drawn, as_fraction
from symbackprop.report.document import Block, Panel, Paragraph, Plot, Text
from symbackprop.report.plotting import panel
from symbackprop.report.view import View

SIZES = {1: (8.4, 4.6), 2: (6.6, 4.2), 3: (4.1, 3.6)}
"""Width and height, in cm, of the axes of one, two and three panels in a row."""

MOST = 9
"""Functions of a model beyond which nobody looks at their pictures."""

BITS = 96
MARKS = 120  # places of the example on one curve
LISTED = 24  # of them in a text format


@dataclass(frozen=True, slots=True)
class _Function:
    """A function as the model calls it, with all its calls."""

    slope: Slope
    calls: tuple[tree.Call, ...]


def plots(view: View) -> Iterator[Block]:
    """Rows of up to three panels; nothing for a model without activations."""
    found = [made for one in _functions(view) if (made := _panel(view, one)) is not None][:MOST]
    if not found:
        return
    count = min(3, len(found)) if len(found) != 4 else 2
    if count != 3:
        found = [made for one in _functions(view) if (made := _panel(view, one, count)) is not None][:MOST]
    marked = any(panel.marks for panel, places in found if places)
    sentences = [Text("plots.sentence", {"count": len(found)})]
    if marked:
        sentences.append(Text("plots.places"))
    if any(mark.open for one, _ in found for mark in one.marks):
        sentences.append(Text("plots.jumps"))
    yield Paragraph(
        lead=Text("plots.title", {"count": len(found)}), sentences=tuple(sentences), keep_with_next=True
    )
    for start in range(0, len(found), count):
        row = found[start : start + count]
        names = tuple(one.function for one, _ in row if one.function is not None)
        yield Plot(
            panels=tuple(one for one, _ in row),
            places=tuple(places for _, places in row),
            alternative=Text("plots.text", {"names": names}),
        )


def _functions(view: View) -> Iterator[_Function]:
    """The activations and own functions of one argument that equations apply, by name and options."""
    found: dict[tuple[str, Any], list[tree.Call]] = {}
    for step in view.derivation.forward:
        for call in view.facts.model.calls(step.formula):
            if _is_drawn(view, call):
                found.setdefault((call.function, call.options), []).append(call)
    for calls in found.values():
        made = slope_of(view, calls[0])
        if made is not None:
            yield _Function(made, tuple(dict.fromkeys(calls)))


def _is_drawn(view: View, call: tree.Call) -> bool:
    row = view.row(call.function)
    own = call.function in view.derivation.exercise.functions
    return len(row.arguments) == 1 and bool(row.pieces) and (own or row.kind == "activation")


def slope_of(view: View, call: tree.Call) -> Slope | None:
    """The derivative that the derivation used, else one found now (`exp` needs none to be printed)."""
    known = view.derivation.slope_of(call)
    if known is not None:
        return known
    exercise = view.derivation.exercise
    row = view.row(call.function)
    try:
        return slope(
            row, lambda text, _: formula(text, frozenset(exercise.functions)), options=dict(call.options),
            kinks=exercise.kinks.get(row.convention or row.name, {}), functions=exercise.functions,
        )  # fmt: skip
    except NotSymbolic:
        return None


Places = tuple[tuple[Node, Node, Node], ...]


def _panel(view: View, one: _Function, count: int = 3) -> tuple[Panel, Places] | None:
    known = {key: q.numbers for key, q in view.derivation.quantities.items() if q.numbers is not None}
    drawn = Drawn(one.slope, evaluator(view.facts.model, Exact(BITS)), known)
    argument = view.facts.argument_of(one.slope.function.name)
    names = (view.applied(one.slope, argument), view.applied(one.slope, argument, 1), argument)
    values = list(_values(view, one.calls))
    made = panel(drawn, names, list(_dots(values)), SIZES[count])
    if made is None:
        return None
    shown = tuple((view.entry(at), view.entry(value), view.entry(there)) for at, value, there in values)
    return made, shown[:LISTED]


def _values(view: View, calls: Sequence[tree.Call]) -> Iterator[tuple[Any, Any, Any]]:
    """Argument, value and slope wherever the example applies the function, each argument once."""
    seen: set[Any] = set()
    for call in calls:
        prime = tree.Call(call.function, call.args, call.options, 1)
        columns = [view.facts.evaluated(node) for node in (call.args[0], call, prime)]
        if any(column is None for column in columns):
            continue
        for place in zip(*(column.entries for column in columns if column is not None), strict=True):
            try:
                at = as_fraction(place[0])
            except (Symbolic, ValueError):
                continue
            if at not in seen and len(seen) < MARKS:
                seen.add(at)
                yield place


def _dots(values: Sequence[tuple[Any, Any, Any]]) -> Iterator[Dot]:
    for at, value, there in values:
        place = as_fraction(at)
        yield Dot(at=(place, as_fraction(value)), slope=False)
        yield Dot(at=(place, as_fraction(there)), slope=True)
