"""Central differences: the notes' example, kinks, irrational models, and that wrong slopes are refused."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.differences import Difference, Estimate, central_difference, unit
from symbackprop.algebra.values.domain import NotCertified, Symbolic, Undecided
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact, bounds
from symbackprop.algebra.values.poly import leftover
from symbackprop.algebra.values.run import directional, forward

F = Fraction


def neuron(activation: str, b: Any = 7) -> tuple[list[tuple[str, Any]], dict[str, Array[Any]]]:
    pairs = [("z", "W x + b"), ("yhat", f"{activation}(z)"), ("L", "1/2 (yhat - y)^2")]
    values = {"W": [[4, 2, -5]], "x": [1, 0, 2], "b": [b], "y": [5]}
    arrays = {name: Array.from_nested(rows).map(F) for name, rows in values.items()}
    return [(name, formula(text)) for name, text in pairs], arrays


def test_the_notes_differences_are_exact() -> None:
    """While z keeps its sign the loss is quadratic in each variable: 9 of 9, with error 0."""
    equations, values = neuron("relu")
    expected = {"W": [-4, 0, -8], "b": [-4], "x": [-16, -8, 20], "z": [-4], "yhat": [-4]}
    known = forward(equations, values, Evaluator(Exact()))
    tried = 0
    for name, slopes in expected.items():
        for place, slope in zip(known[name].places(), slopes, strict=True):
            found = central_difference(equations, values, name, unit(known[name].shape, place))
            assert found.central == Estimate(F(slope), F(0))
            assert found.step == F(1, 1000)
            assert found.confirms(F(slope))
            assert not found.confirms(F(slope) + F(1, 10**9))
            tried += 1
    assert tried == 9


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "gelu", "swish", "softplus", "elu", "gelu_tanh"])
def test_smooth_models_agree_with_dual_numbers(activation: str) -> None:
    equations, values = neuron(activation)
    for name, place in (("W", (1, 3)), ("b", (1,)), ("x", (1,)), ("z", (1,)), ("yhat", (1,))):
        shape = (1, 3) if name == "W" else (3,) if name == "x" else (1,)
        direction = unit(shape, place)
        found = central_difference(equations, values, name, direction)
        slope = directional(equations, values, {name: direction}, Evaluator(Exact(256)))
        assert found.central is not None
        assert found.confirms(slope)
        assert found.central.error < F(1, 10**25)
        assert not found.confirms(Exact(256).add(slope, F(1, 10**20)))


@pytest.mark.parametrize(
    ("slope", "between"), [(0, True), (-5, True), (F(-5, 2), True), (1, False), (-6, False)]
)
def test_on_a_kink_the_convention_lies_between_the_sides(slope: Fraction, between: bool) -> None:
    equations, values = neuron("relu", 6)
    found = central_difference(equations, values, "b", unit((1,), (1,)))
    assert found.at_kink
    assert found.left == Estimate(F(0), F(0))
    assert found.right is not None
    assert found.right.value == -5
    assert found.right.error < F(1, 10**6)
    assert found.confirms(F(slope)) is between


def test_a_direction_that_does_not_leave_the_kink_is_smooth() -> None:
    """x_2 = 0, so moving w_2 leaves z at 0."""
    equations, values = neuron("relu", 6)
    found = central_difference(equations, values, "W", unit((1, 3), (1, 2)))
    assert found.central == Estimate(F(0), F(0))


def test_a_kink_nearby_makes_the_step_smaller() -> None:
    equations, values = neuron("relu", F(60003, 10000))
    found = central_difference(equations, values, "b", unit((1,), (1,)))
    assert found.step == F(1, 10**6)
    assert found.central == Estimate(F(3, 10000) - 5, F(0))


def test_a_kink_of_an_irrational_model() -> None:
    """abs(exp(b) − exp(6)) sits on its kink at b = 6, but exp(6) is irrational: the sign never settles."""
    equations = [("z", formula("exp(b) - exp(6)")), ("L", formula("abs(z)"))]
    values = {"b": Array((), (F(6),))}
    with pytest.raises(NotCertified):
        central_difference(equations, values, "b", unit((), ()))
    equations = [("z", formula("exp(b) - 1")), ("L", formula("abs(z)"))]
    found = central_difference(equations, {"b": Array((), (F(0),))}, "b", unit((), ()))
    assert found.at_kink
    assert found.left is not None
    assert found.right is not None
    for side, slope in ((found.left, -1), (found.right, 1)):
        low, high = side.range()
        assert low <= slope <= high
        assert high - low < F(1, 10**6)


def test_symbols_without_values() -> None:
    pairs = [("z", "W x + b"), ("yhat", "relu(z)"), ("L", "half_squared_error(yhat, y)")]
    equations = [(name, formula(text)) for name, text in pairs]
    rows = {"W": [[4, 2, -5], [7, -1, 0]], "x": [1, 0, 2], "b": [7, -2]}
    values: dict[str, Array[Any]] = {name: Array.from_nested(row).map(F) for name, row in rows.items()}
    values["y"] = leftover("y", (2,))
    domain = Exact()
    for place in ((1,), (2,), (3,)):
        direction = unit((3,), place)
        slope = directional(equations, values, {"x": direction}, Evaluator(domain))
        found = central_difference(equations, values, "x", direction)
        assert found.confirms(slope)
        assert not found.confirms(domain.add(slope, F(1, 1000)))
    values["b"] = Array((2,), (F(7), F(-7)))  # the second unit sits at 0
    direction = unit((3,), (1,))
    found = central_difference(equations, values, "x", direction)
    assert found.at_kink
    for share, inside in ((F(0), True), (F(1, 3), True), (F(1), True), (F(3, 2), False)):
        working = Evaluator(domain, kinks={"relu": {F(0): share}})
        assert found.confirms(directional(equations, values, {"x": direction}, working)) is inside


def test_what_has_no_difference() -> None:
    equations = [("L", formula("exp(y)"))]
    with pytest.raises(Symbolic):
        central_difference(equations, {"y": leftover("y", ())}, "y", unit((), ()))
    wide = Exact(4).atom("exp", F(1))
    with pytest.raises(Undecided, match="too wide"):
        Difference(step=F(1), central=Estimate(F(3), F(0))).confirms(wide)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.fractions(-3, 3, max_denominator=5), min_size=6, max_size=6),
    st.sampled_from(["relu", "leaky_relu", "abs", "identity", "square", "tanh", "sigmoid"]),
)
def test_random_layers_confirm_dual_numbers(parts: list[Fraction], activation: str) -> None:
    """Every direction of a 2×2 layer, kinks and all."""
    equations = [("z", formula("W x")), ("L", formula(f"sum({activation}(z)) + z[1] z[2]"))]
    values = {"W": Array((2, 2), tuple(parts[:4])), "x": Array((2,), tuple(parts[4:]))}
    for place in ((1, 1), (2, 2)):
        direction = unit((2, 2), place)
        slope = directional(equations, values, {"W": direction}, Evaluator(Exact(256)))
        found = central_difference(equations, values, "W", direction)
        assert found.confirms(slope)
        low, high = bounds(slope)
        if not found.at_kink:
            assert not found.confirms(low + F(1, 100))
            assert not found.confirms(high - F(1, 100))
