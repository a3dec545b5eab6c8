"""Plots of activations: the curves are the functions, jumps show, and what has no value has no curve."""

from collections.abc import Iterator
from fractions import Fraction
from math import exp, log, tanh
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sb
from symbackprop.cli import run as main_run
from symbackprop.derivation.derive import derive
from symbackprop.exercise import from_dict
from symbackprop.notation import tree
from symbackprop.notation.write import to_plain
from symbackprop.report.compose import compose
from symbackprop.report.curves import thinned
from symbackprop.report.document import Document, Panel, Plot
from symbackprop.report.pdf import overfull_boxes, typeset
from symbackprop.report.render import render

DATA = {"W": [[1, 2], [-3, 1]], "x": [1, "1/2"], "b": [0, "1/2"], "y": [1, 2]}


def document(activation: str, **more: Any) -> Document:
    model = {"z": "W x + b", "a": activation, "L": "1/2 ||a - y||^2"}
    return compose(derive(from_dict({"model": model, "values": DATA, **more})), detail="student", plots=True)


def panels(made: Document) -> list[Panel]:
    return [panel for block in made.blocks if isinstance(block, Plot) for panel in block.panels]


def places(panel: Panel, *, slope: bool) -> Iterator[tuple[float, float]]:
    """The points of a curve, from cm back to argument and value by the ticks."""
    first, last = panel.across[0], panel.across[-1]
    low, high = panel.up[0], panel.up[-1]
    for curve in panel.curves:
        if curve.slope is slope:
            for x, y in curve.points:
                yield _at(x, first, last), _at(y, low, high)


def _at(cm: float, low: Any, high: Any) -> float:
    start, end = value(low.label), value(high.label)
    share: float = (cm - low.at) / (high.at - low.at)
    return start + share * (end - start)


def value(node: tree.Node) -> float:
    if isinstance(node, tree.Neg):
        return -value(node.body)
    assert isinstance(node, tree.Number)
    return float(node.value)


CURVES = [
    ("tanh(z)", tanh, lambda u: 1 - tanh(u) ** 2),
    ("sigmoid(z)", lambda u: 1 / (1 + exp(-u)), lambda u: exp(-u) / (1 + exp(-u)) ** 2),
    ("softplus(z)", lambda u: log(1 + exp(u)), lambda u: 1 / (1 + exp(-u))),
    (
        "elu(z, alpha = 1/2)",
        lambda u: u if u >= 0 else (exp(u) - 1) / 2,
        lambda u: 1 if u > 0 else exp(u) / 2,
    ),
]


@pytest.mark.parametrize(("activation", "function", "slope"), CURVES)
def test_the_curves_are_the_function_and_its_derivative(activation: str, function: Any, slope: Any) -> None:
    """Against Python's own functions: another route than the formulas of the table and SymPy."""
    (panel,) = panels(document(activation))
    for kind, known in ((False, function), (True, slope)):
        found = list(places(panel, slope=kind))
        assert len(found) > 5
        for at, seen in found:
            if abs(at) > 1e-2 or kind is False:  # at 0 ELU's slope jumps
                assert seen == pytest.approx(known(at), abs=0.02)


def test_the_example_is_on_both_curves() -> None:
    """z = (2, −2): relu is 2 and 0 there, its slope 1 and 0."""
    (panel,) = panels(document("relu(z)"))
    marks = {
        (
            mark.slope,
            round(_at(mark.at[0], panel.across[0], panel.across[-1]), 2),
            round(_at(mark.at[1], panel.up[0], panel.up[-1]), 2),
        )
        for mark in panel.marks
        if not mark.open
    }
    assert marks >= {(False, 2.0, 2.0), (False, -2.0, 0.0), (True, 2.0, 1.0), (True, -2.0, 0.0)}


@pytest.mark.parametrize(
    ("kink", "hollow", "full"), [("0", {1.0}, 0.0), ("1", {0.0}, 1.0), ("1/2", {0.0, 1.0}, 0.5)]
)
def test_a_jump_of_the_derivative_is_a_convention(kink: str, hollow: set[float], full: float) -> None:
    (panel,) = panels(document("relu(z)", conventions={"kinks": {"relu": {"0": kink}}}))
    at_zero = [mark for mark in panel.marks if mark.slope and mark.at[0] == panel.zero[0]]
    values: dict[bool, set[float]] = {mark.open: set() for mark in at_zero}
    for mark in at_zero:
        values[mark.open].add(round(_at(mark.at[1], panel.up[0], panel.up[-1]), 2))
    assert values == {True: hollow, False: {full}}
    # no line joins the two sides
    assert all(len({x for x, _ in curve.points}) > 1 for curve in panel.curves)


def test_a_logarithm_has_no_curve_on_the_left() -> None:
    made = document("lg(z)", functions={"lg": "log(u)"}, values={**DATA, "b": [0, 6]})
    (panel,) = panels(made)
    for kind in (False, True):
        arguments = [at for at, _ in places(panel, slope=kind)]
        assert min(arguments) > 0  # though 1/u has values for u < 0
        assert max(arguments) > 3


def test_a_pole_is_no_line() -> None:
    (panel,) = panels(document("f(z)", functions={"f": "1 / (u - 1/3)"}))
    for curve in panel.curves:
        arguments = [_at(x, panel.across[0], panel.across[-1]) for x, _ in curve.points]
        assert min(arguments) > 1 / 3 or max(arguments) < 1 / 3


def test_several_functions_stand_side_by_side() -> None:
    model = {"z": "W x + b", "a": "relu(z)", "c": "tanh(a)", "d": "sigmoid(c)", "f": "gelu(d)"}
    made = compose(
        derive(from_dict({"model": {**model, "L": "1/2 ||f - y||^2"}, "values": DATA})), plots=True
    )
    rows = [len(block.panels) for block in made.blocks if isinstance(block, Plot)]
    assert rows == [2, 2]
    names = [to_plain(panel.function) for panel in panels(made)]
    assert len(names) == len(set(names)) == 4


def test_no_plots_unless_asked_and_none_without_functions() -> None:
    linear = {"z": "W x + b", "L": "1/2 ||z - y||^2"}
    derivation = derive(from_dict({"model": linear, "values": DATA}))
    assert not panels(compose(derivation, plots=True))
    assert not panels(compose(derive(from_dict({"model": {**linear, "z": "relu(W x + b)"}, "values": DATA}))))


def test_symbols_are_drawn_without_places() -> None:
    exercise = from_dict({"model": {"z": "W x + b", "a": "tanh(z)", "L": "1/2 ||a - y||^2"}})
    (panel,) = panels(compose(derive(exercise), plots=True))
    assert panel.curves
    assert not panel.marks


def test_both_engines_and_the_decimal_comma(pdflatex: str) -> None:
    made = document("tanh(z)")
    tex = render(made, format="tex", language="es", loss="L")
    assert "0{,}5" in tex[tex.index("tikzpicture") :] or "0,5" in tex[tex.index("tikzpicture") :]
    assert overfull_boxes(typeset(tex, engine="pdflatex").log) == []
    typst = render(made, format="typ", language="en", loss="L")
    assert typeset(typst, engine="typst").pdf.startswith(b"%PDF")
    table = render(made, format="md", language="en", loss="L")
    assert "| $2$ | $0.9640$ | $0.0707$ |" in table


def test_what_lies_on_a_line_is_left_out() -> None:
    run = tuple((Fraction(at), Fraction(max(at, 0))) for at in range(-5, 6))
    kept = thinned(run, lambda place: (float(place[0]), float(place[1])), 1e-6)
    assert [int(at) for at, _ in kept] == [-5, 0, 5]


def test_the_command_and_the_api_ask_for_them(tmp_path: Path) -> None:
    assert main_run(["derive", "sigmoide", "--plots", "--to", "tex", "--output", str(tmp_path)]) == 0
    assert "slope curve" in (tmp_path / "sigmoide.tex").read_text("utf-8")
    worked = sb.derive("sigmoide")
    assert "#plot(" in worked.to_typst(plots=True)
    assert "#plot(" not in worked.to_typst()
