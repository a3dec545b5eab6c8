"""Dual numbers: against exact derivatives of polynomials, against each other, and through whole models."""

import time
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.algebra.functions import Function
from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import DomainProblem, Redraw
from symbackprop.algebra.values.dual import Dual, Duals
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact
from symbackprop.algebra.values.gfp import GFp
from symbackprop.algebra.values.run import dependents, directional, forward

F = Fraction
fractions = st.fractions(min_value=-9, max_value=9, max_denominator=12)


def model(*pairs: tuple[str, str]) -> list[tuple[str, Any]]:
    return [(name, formula(text, frozenset({"g"}))) for name, text in pairs]


def arrays(**rows: Any) -> dict[str, Array[Fraction]]:
    return {name: Array.from_nested(row).map(F) for name, row in rows.items()}


@given(st.lists(fractions, min_size=1, max_size=6), fractions)
def test_polynomials(coefficients: list[Fraction], at: Fraction) -> None:
    """Horner in duals, against the derivative written out."""
    duals = Duals(Exact())
    result, u = duals.zero, Dual(at, F(1))
    for c in coefficients:
        result = duals.add(duals.mul(result, u), duals.lift(c))
    degree = len(coefficients) - 1
    slope = sum((c * (degree - i) * at ** (degree - i - 1) for i, c in enumerate(coefficients[:-1])), F(0))
    assert result == Dual(sum((c * at ** (degree - i) for i, c in enumerate(coefficients)), F(0)), slope)


@given(fractions, st.integers(-4, 5))
def test_powers_and_quotients(at: Fraction, n: int) -> None:
    if at == 0 and n <= 1:
        return
    duals = Duals(Exact())
    u = Dual(at, F(1))
    assert duals.power(u, F(n)) == Dual(at**n, n * at ** (n - 1) if n else F(0))
    if at:
        assert duals.div(duals.one, u) == Dual(1 / at, -1 / at**2)


@settings(max_examples=40)
@given(st.lists(st.tuples(fractions, fractions), min_size=12, max_size=12))
def test_matrix_products_are_sums_of_products(pairs: list[tuple[Fraction, Fraction]]) -> None:
    duals = Duals(Exact())
    entries = [Dual(*pair) for pair in pairs]
    left, columns = [entries[:3], entries[3:6]], [entries[6:9], entries[9:]]
    plain = [duals.total(map(duals.mul, row, column)) for row in left for column in columns]
    assert duals.matmul(left, columns) == plain
    for still in (left, columns):
        for row in still:
            row[:] = [duals.lift(a.value) for a in row]
        plain = [duals.total(map(duals.mul, row, column)) for row in left for column in columns]
        assert duals.matmul(left, columns) == plain


@given(fractions)
def test_second_derivatives_by_duals_of_duals(at: Fraction) -> None:
    """u³ u⁻¹ ... : u⁵ has 20 u³."""
    inner = Duals(Exact())
    outer = Duals(inner)
    u = Dual(Dual(at, F(1)), Dual(F(1), F(0)))
    assert outer.power(u, F(5)).slope.slope == 20 * at**3


def test_the_derivative_of_sqrt_at_zero() -> None:
    with pytest.raises(DomainProblem, match="derivative of sqrt"):
        Duals(Exact()).atom("sqrt", Dual(F(0), F(1)))


NEURON = [("z", "W x + b"), ("yhat", "relu(z)"), ("L", "1/2 (yhat - y)^2")]
KINKS = {"relu": {F(0): F(1)}}


def test_the_notes_gradients() -> None:
    given_ = arrays(W=[[4, 2, -5]], x=[1, 0, 2], b=[7], y=[5])
    equations, exact = model(*NEURON), Evaluator(Exact(), kinks=KINKS)
    values = forward(equations, given_, exact)
    assert (values["z"].nested(), values["yhat"].nested(), values["L"].nested()) == ([1], [1], 8)
    expected = {"W": [[-4, 0, -8]], "b": [-4], "x": [-16, -8, 20], "z": [-4], "yhat": [-4], "y": [4], "L": 1}
    for name, gradient in expected.items():
        array = values[name]
        zero = array.map(lambda _: F(0))
        units = [zero.replaced(at, F(1)) for at in array.places()]
        found = [directional(equations, given_, {name: one}, exact) for one in units]
        assert array.with_entries(found).nested() == gradient, name


def test_a_computed_name_is_cut_from_its_equation() -> None:
    """L = z² + W with z = 3 W: by W it is 2 z · 3 + 1, by z alone 2 z."""
    equations = model(("z", "3 W"), ("L", "z^2 + W"))
    given_ = arrays(W=2)
    exact = Evaluator(Exact())
    one = {"W": Array((), (F(1),))}
    assert directional(equations, given_, one, exact) == 37
    assert directional(equations, given_, {"z": one["W"]}, exact) == 12
    assert [name for name, _ in dependents(equations, ["z"])] == ["L"]
    assert directional(equations, {**given_, "q": one["W"]}, {"q": one["W"]}, exact) == 0


def test_a_variable_used_twice_and_a_generic_function() -> None:
    """L = sum(g(W x) ⊙ (W x)), g generic: dL/dz = g'(z) ⊙ z + g(z)."""
    g = Function(name="g", kind="activation", latex="g", typst="g", plain="g", pieces=())
    equations = model(("z", "W x"), ("L", "sum(g(z) ⊙ z)"))
    domain = GFp("generic")
    values = {"W": domain.draw_array((3, 2)), "x": domain.draw_array((2,))}
    evaluator = Evaluator(domain, functions={"g": g})
    known = forward(equations, values, evaluator)
    known["dz"] = evaluator.evaluate(formula("g'(z) ⊙ z + g(z)", frozenset({"g"})), known)
    for name, gradient in (("W", "dz x^T"), ("x", "W^T dz"), ("z", "dz")):
        direction = domain.draw_array(known[name].shape)
        expected = evaluator.evaluate(formula(gradient), known)
        found = directional(equations, values, {name: direction}, evaluator)
        assert found == domain.dot(expected.entries, direction.entries)


ROWS = [
    "identity(z)", "relu(z)", "leaky_relu(z)", "elu(z)", "sigmoid(z)", "tanh(z)", "softplus(z)", "gelu(z)",
    "gelu_tanh(z)", "swish(z)", "exp(z)", "log(z)", "sin(z)", "cos(z)", "erf(z)", "square(z)", "abs(z)",
    "max(z, b)", "min(z, b)",
]  # fmt: skip


@pytest.mark.parametrize("text", ROWS)
@pytest.mark.parametrize("signs", ["random", "on", "off"])
def test_dual_slopes_equal_the_primed_call_in_gfp(text: str, signs: Any) -> None:
    """d/dε of g(z + ε v) is g'(z) ⊙ v: whole-model duals against `primes=1`."""
    for seed in range(20):
        domain = GFp(f"{text}{seed}", signs=signs)
        env = {"z": domain.draw_array((3,)), "b": domain.draw_array((3,)), "v": domain.draw_array((3,))}
        duals = Duals(domain)
        moved = {"z": duals.seeded(env["z"], env["v"]), "b": duals.lift_array(env["b"])}
        name, rest = text.split("(", 1)
        try:
            slopes = [a.slope for a in Evaluator(duals).evaluate(formula(text), moved).entries]
            expected = Evaluator(domain).evaluate(formula(f"{name}'({rest} ⊙ v"), env)
        except Redraw:
            continue
        assert slopes == list(expected.entries)
        return
    pytest.fail("no usable point was drawn")


def test_a_layer_of_64_is_fast() -> None:
    domain = GFp()
    n = 64
    given_ = {"W": domain.draw_array((n, n))}
    given_ |= {name: domain.draw_array((n,)) for name in ("x", "b", "y")}
    equations = model(("z", "W x + b"), ("yhat", "sigmoid(z)"), ("L", "1/2 ||yhat - y||^2"))
    evaluator = Evaluator(domain)
    values = forward(equations, given_, evaluator)
    direction = domain.draw_array((n, n))
    start = time.perf_counter()
    found = directional(equations, values, {"W": direction}, evaluator)
    assert time.perf_counter() - start < 0.5  # measured: 0.01 s
    gradient = evaluator.evaluate(formula("((yhat - y) ⊙ yhat ⊙ (1 - yhat)) x^T"), values)
    assert found == domain.dot(gradient.entries, direction.entries)
