"""The derivation: gradients against published and hand-checked values, formulas as trees."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from worked import formulas, numbers, worked

import symbackprop.derivation.derive as derive_module
from symbackprop.algebra.functions import TABLE
from symbackprop.algebra.lower import CannotDerive
from symbackprop.algebra.slopes import OUTPUT, Slope
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import DomainProblem, NotCertified
from symbackprop.algebra.values.exact import Exact, bounds
from symbackprop.derivation import backward
from symbackprop.derivation.certify import certificate
from symbackprop.derivation.derive import derive
from symbackprop.derivation.failed import CertificateFailed
from symbackprop.derivation.model import Model
from symbackprop.derivation.second import SecondRouteFailed, linear_checks
from symbackprop.derivation.steps import Derivation
from symbackprop.exercise import ExerciseError, from_parts, load
from symbackprop.notation import tree
from symbackprop.notation.read import Vocabulary, read
from symbackprop.notation.tree import Node
from symbackprop.notation.write import to_plain

# --- the notes' example: issue 2, section 5 ---------------------------------------------------


def test_one_neuron_is_the_notes_example() -> None:
    made = derive(load("neurona"))
    expected = {
        "z": [1], "yhat": [1], "L": 8, "dL": 1, "dyhat": [-4], "dz": [-4], "db": [-4],
        "dW": [[-4, 0, -8]], "dx": [-16, -8, 20],
    }  # fmt: skip
    assert {name: numbers(made, name) for name in expected} == expected
    assert formulas(made) == {
        "dyhat": "yhat - y", "dz": "dyhat ⊙ relu'(z)", "db": "dz", "dW": "dz x^T", "dx": "W^T dz",
    }  # fmt: skip


def test_two_neurons_with_a_symbolic_target() -> None:
    made = derive(load("capa"))
    assert numbers(made, "z") == numbers(made, "yhat") == [1, 5]
    assert str(numbers(made, "dz")[0]) == "1·1 + -1·y[1]^1"
    # dW has the rows dz_1 (1, 0, 2) and dz_2 (1, 0, 2)
    assert [row[1] for row in numbers(made, "dW")] == [0, 0]
    # dx_1 = 4 (1 - y_1) + 7 (5 - y_2) = 39 - 4 y_1 - 7 y_2
    assert str(numbers(made, "dx")[0]) == "39·1 + -4·y[1]^1 + -7·y[2]^1"


def test_a_layer_with_one_unit_off() -> None:
    made = derive(load("capa-numerica"))
    # z = (7, -5), yhat = (7, 0), dyhat = (3, -6), and the second unit lets nothing through
    assert numbers(made, "dz") == [3, 0]
    assert numbers(made, "dW") == [[6, 9, 15], [0, 0, 0]]
    assert numbers(made, "dx") == [9, -12, 6]


def test_a_sigmoid_neuron() -> None:
    made = derive(load("sigmoide"))
    # z = 1, σ(1) = 0.7310585786300049, σ'(1) = 0.19661193324148185, dz = (σ(1) - 1) σ'(1)
    (dz,) = numbers(made, "dz")
    low, high = bounds(dz)
    assert low <= Fraction("-0.052877092784267") <= high or abs(float(low) + 0.052877092784267) < 1e-13
    assert made.slopes["sigmoid"].by_output is not None


def test_any_sizes() -> None:
    made = derive(load("general"))
    assert formulas(made) == {
        "dyhat": "yhat - y", "dz": "dyhat ⊙ g'(z)", "db": "dz", "dW": "dz x^T", "dx": "W^T dz",
    }  # fmt: skip
    assert made.step("dW").shape == ("k", "n")
    assert made.step("dx").shape == ("n",)
    assert all(check.agreed == check.tried > 0 for check in made.checks)


# --- formulas --------------------------------------------------------------------------------

LAYER = {"W": "kn"}

FORMULAS: list[tuple[tuple[str, ...], dict[str, str], dict[str, str]]] = [
    # rows as examples
    (
        ("Z = X W^T + 1 b^T", "A = sigmoid(Z)", "L = 1/2 ||A - Y||_F^2"),
        {"X": "mn", "W": "kn", "b": "k"},
        {"dA": "A - Y", "dZ": "dA ⊙ sigmoid'(Z)", "dX": "dZ W", "dW": "dZ^T X", "db": "dZ^T ones(m)"},
    ),
    # columns as examples
    (
        ("Z = W X + b 1^T", "L = 1/2 ||Z - Y||_F^2"),
        {"X": "nm", "W": "kn", "b": "k"},
        {"dZ": "Z - Y", "dX": "W^T dZ", "dW": "dZ X^T", "db": "dZ ones(m)"},
    ),
    (("z = W x + x", "L = 1/2 ||z - y||^2"), {"W": "nn"}, {"dx": "W^T dz + dz", "dW": "dz x^T"}),
    (
        ("z = W x + b", "a = tanh(z)", "s = V a + c", "L = half_squared_error(s, y)"),
        {"W": "hn", "V": "kh"},
        {"ds": "s - y", "dV": "ds a^T", "dc": "ds", "da": "V^T ds", "dz": "da ⊙ tanh'(z)", "dW": "dz x^T"},
    ),
    # a shared weight: one contribution for each use
    (
        ("a = W x", "s = W a", "L = 1/2 ||s - y||^2"),
        {"W": "nn"},
        {"da": "W^T ds", "dW": "da x^T + ds a^T", "dx": "W^T da"},
    ),
    # a branch that meets again
    (
        ("z = W x", "a = relu(z)", "s = a + x", "L = 1/2 ||s - y||^2"),
        {"W": "nn"},
        {"da": "ds", "dx": "W^T dz + ds"},
    ),
    (("z = W x", "L = 1/2 ||z - y||^2 + 1/2 sum(W^2)"), LAYER, {"dW": "dz x^T + W", "dx": "W^T dz"}),
    (
        ("z = W x", "L = 1/2 ||z - y||^2 + r/2 ||W||_F^2"),
        {**LAYER, "r": ""},
        {"dW": "dz x^T + r W", "dr": "1/2 ||W||_F^2"},
    ),
    (("L = x^T A x",), {"A": "nn"}, {"dx": "(A + A^T) x", "dA": "x x^T"}),
    (("L = u^T A B v",), {"A": "nm", "B": "mk", "u": "n", "v": "k"}, {"dA": "u v^T B^T", "dB": "A^T u v^T"}),
    (("z = (W x) * v", "L = sum(z)"), LAYER, {"dz": "ones(k)", "dW": "(dz ⊙ v) x^T", "dv": "dz ⊙ W x"}),
    (("q = v / z", "L = sum(q)"), {"z": "k"}, {"dv": "dq / z", "dz": "-(dq ⊙ v) / square(z)"}),
    (("q = z / (1 + v^T v)", "L = sum(q)"), {"z": "k", "v": "k"}, {"dz": "dq / (1 + v^T v)"}),
    (("m = mean(X, axis = 0)", "L = m^T v"), {"X": "kn"}, {"dX": "(1 / k) ones(k) dm^T"}),
    (("m = mean(X, axis = 1)", "L = m^T v"), {"X": "kn"}, {"dX": "(1 / n) dm ones(n)^T"}),
    (("L = mean(x)",), {"x": "n"}, {"dx": "(1 / n) ones(n)"}),
    (("L = sum(A B)",), {"A": "mn", "B": "nk"}, {
        "dA": "ones(m) ones(k)^T B^T", "dB": "A^T ones(m) ones(k)^T",
    }),
    (("G = A^T A", "L = 1/2 ||G||_F^2"), {"A": "mn"}, {"dA": "A (dG + dG^T)"}),
    (("M = u v^T", "L = 1/2 ||M - A||_F^2"), {"A": "mn", "u": "m", "v": "n"}, {"du": "dM v", "dv": "dM^T u"}),
    (("L = sum(sin(x) * cos(x))",), {"x": "n"}, {"dx": "square(cos(x)) - square(sin(x))"}),
    (("L = a^3 + 2^a",), {"a": ""}, {"da": "3 a^2 + log(2) 2^a"}),
    (("L = ||z - y||",), {"z": "k"}, {"dz": "(z - y) / ||z - y||"}),
    (("L = ||A||_F",), {"A": "mn"}, {"dA": "A / ||A||_F"}),
    (("L = ||z||_1",), {"z": "k"}, {"dz": "abs'(z)"}),
    (("L = log(sum(exp(z))) - t^T z",), {"z": "k"}, {"dS": "1 / S", "dz": "dS exp(z) - t"}),
    (("S = sum(exp(z))", "p = exp(z) / S", "L = -sum(t * log(p))"), {"z": "k"}, {
        "dp": "-t / p", "dS": "-exp(z)^T dp / S^2", "dz": "dS exp(z) + (dp ⊙ exp(z)) / S",
    }),
    # losses
    (("L = half_squared_error(z, y)",), {"z": "k"}, {"dz": "z - y"}),
    (("L = squared_error(z, y)",), {"z": "k"}, {"dz": "2 (z - y)"}),
    (("L = mse(z, y)",), {"z": "k"}, {"dz": "(2 / k) (z - y)"}),
    (("L = mse(Z, Y)",), {"Z": "mk"}, {"dZ": "2 / (m k) (Z - Y)"}),
    (("L = mse(z, y)",), {"z": "5"}, {"dz": "2/5 (z - y)"}),
    (("L = absolute_error(z, y)",), {"z": "k"}, {"dz": "abs'(z - y)"}),
    (("L = bce(p, y)",), {"p": "k"}, {"dp": "(1 - y) / (1 - p) - y / p"}),
    (("L = bce_logits(z, y)",), {"z": "k"}, {"dz": "sigmoid(z) - y"}),
    (("L = hinge(s, y)",), {"s": "k"}, {"ds": "-hinge_core'(1 - y ⊙ s) ⊙ y"}),
    (("L = huber(s, y)",), {"s": "k"}, {"ds": "huber_core'(s - y, delta = 1)"}),
    # functions of two arguments, and own ones
    (("a = max(z, 0)", "L = sum(a)"), {"z": "k"}, {"dz": "da ⊙ excess'(z)"}),
    # scalars only, and size 1 beside scalars
    (("z = w x + b", "L = (z - y)^2"), dict.fromkeys("wxby", ""), {
        "dz": "2 (z - y)", "dw": "dz x", "db": "dz",
    }),
    (("z = W x + b", "L = (z - y)^2"), {"W": "1n", "b": "", "y": ""}, {
        "dW": "dz x^T", "db": "dz", "dx": "W^T dz",
    }),
    (("z = W x + b", "L = 1/2 ||z||^2"), {"W": "kn", "b": ""}, {"db": "sum(dz)"}),
    # entries and slices of explicit sizes
    (("L = z[1]^2 + z[3]",), {"z": "3"}, {"dz": "[2 z[1], 0, 1]"}),
    (("z = W[2,:] x", "L = sum(z)"), {"W": "32"}, {"dx": "dz W[2,:]^T"}),
    (("z = W[:,1]", "L = sum(z)"), {"W": "32"}, {"dW": "[[dz[1], 0], [dz[2], 0], [dz[3], 0]]"}),
]  # fmt: skip


@pytest.mark.parametrize(("equations", "shapes", "expected"), FORMULAS, ids=lambda part: str(part)[:60])
def test_formulas(equations: tuple[str, ...], shapes: dict[str, str], expected: dict[str, str]) -> None:
    computed = {one.split("=")[0].strip() for one in equations}
    wanted = [name[1:] for name in expected if name[1:] not in computed and name != "dS"]
    found = formulas(worked(*equations, shapes=shapes, wanted=wanted or None))
    assert {name: found[name] for name in expected} == expected


# --- activations, their slopes, options -------------------------------------------------------


def slope_of(name: str, call: str = "", **more: Any) -> Slope:
    made = worked(f"a = {call or name + '(z)'}", "L = sum(a)", shapes={"z": "k"}, wanted=["z"], **more)
    return made.slopes[name]


def test_every_activation_of_the_table_has_a_proved_slope() -> None:
    tested = 0
    for row in TABLE.values():
        if row.kind == "activation":
            made = worked(f"a = {row.name}(z)", "L = sum(a)", shapes={"z": "k"})
            (check,) = (check for check in made.checks if check.kind == "slope")
            assert check.what == (row.name,)
            assert check.agreed >= 3
            tested += 1
    assert tested >= 10


SLOPES = [
    ("sigmoid", ["exp(-u) / (1 + exp(-u))^2"], "a (1 - a)", None),
    ("tanh", ["1 - tanh(u)^2"], "1 - a^2", None),
    ("softplus", ["exp(u) / (exp(u) + 1)"], None, "sigmoid"),
    ("relu", ["1", "0"], None, None),
    ("identity", ["1"], None, None),
    ("leaky_relu", ["1", "1/100"], None, None),
    ("elu", ["1", "exp(u)"], None, None),
    ("swish", ["u exp(-u) / (1 + exp(-u))^2 + 1 / (1 + exp(-u))"], None, None),
]


@pytest.mark.parametrize(("name", "branches", "by_output", "recognised"), SLOPES)
def test_slopes(name: str, branches: list[str], by_output: str | None, recognised: str | None) -> None:
    made = slope_of(name)
    assert [to_plain(branch.value) for branch in made.branches] == branches
    assert made.recognised == recognised
    found = made.by_output and tree.replace_names(made.by_output, {OUTPUT: tree.Name("a")})
    assert (found and to_plain(found)) == by_output


def test_a_tanh_of_ones_own_is_recognised_as_tanh() -> None:
    made = slope_of("f", functions={"f": "(exp(2 u) - 1) / (exp(2 u) + 1)"})
    assert to_plain(made.branches[0].value) == "1 - tanh(u)^2"
    # a factor 2 in the exponent is something else
    other = slope_of("f", functions={"f": "(exp(3 u) - 1) / (exp(3 u) + 1)"})
    assert "tanh" not in to_plain(other.branches[0].value)


def test_an_own_function_whose_slope_is_a_row() -> None:
    assert slope_of("f", functions={"f": "log(1 + exp(u)) + 3"}).recognised == "sigmoid"
    assert slope_of("f", functions={"f": "2 log(1 + exp(u))"}).recognised is None


def test_one_function_with_two_sets_of_options() -> None:
    made = worked(
        "z = W x",
        "a = leaky_relu(z, slope = 1/10)",
        "c = leaky_relu(a, slope = 1/5)",
        "L = sum(c)",
        shapes=LAYER,
    )
    assert set(made.slopes) == {"leaky_relu", "leaky_relu(slope = 1/10)"}
    for step in (made.step("dz"), made.step("da")):
        (call,) = (part for part in tree.walk(step.formula) if isinstance(part, tree.Call))
        found = made.slope_of(call)
        assert found is not None
        assert found.branches[1].value == dict(call.options)["slope"]


def test_a_symbol_as_an_option() -> None:
    made = worked("a = elu(z, alpha = c)", "L = sum(a)", shapes={"z": "k", "c": ""}, wanted=["z"])
    assert [to_plain(branch.value) for branch in made.slopes["elu"].branches] == ["1", "c exp(u)"]
    with pytest.raises(CannotDerive, match=r"model\.a: dc cannot be derived .* option alpha of elu"):
        worked("a = elu(z, alpha = c)", "L = sum(a)", shapes={"z": "k", "c": ""}, wanted=["c"])


def test_own_functions_made_of_functions_by_cases_are_written_out() -> None:
    functions = {"f": "relu(u) + u^2", "g": "generic"}
    made = worked("a = f(z)", "L = sum(g(a))", shapes={"z": "k"}, functions=functions)
    assert formulas(made) == {"da": "g'(a)", "dz": "da ⊙ (relu'(z) + 2 z)"}


def test_cases_decided_by_something_else_than_the_argument() -> None:
    step = {"pieces": [{"formula": "3 u", "bound": "1"}, {"formula": "u"}], "on": "2 u - 3"}
    made = slope_of("f", functions={"f": step})
    assert to_plain(made.branches[0].bound or tree.number(0)) == "2"
    falling = {"pieces": [{"formula": "u", "bound": "0"}, {"formula": "0"}], "on": "-u"}
    with pytest.raises(CannotDerive, match="does not grow with its argument"):
        slope_of("f", functions={"f": falling})


# --- kinks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("taken", ["0", "1/2", "1", "0.3"])
def test_every_convention_at_the_kink_of_relu(taken: str) -> None:
    made = worked(
        "a = relu(z)", "L = sum(a)", values={"z": [0, 2, -1]}, kinks={"relu": {"0": taken}}, wanted=["z"]
    )
    assert numbers(made, "dz") == [Fraction(taken), 1, 0]
    (kink,) = (check for check in made.checks if check.kind == "kink")
    assert (kink.agreed, kink.what) == (1, ("dz",))
    (found,) = made.slopes["relu"].kinks
    assert (found.exact_at, found.exact_taken) == (0, Fraction(taken))


@pytest.mark.parametrize(
    ("key", "equation", "taken"),
    [("relu", "relu(z)", "-1/10"), ("relu", "relu(z)", "11/10"), ("abs", "abs(z)", "2"),
     ("hinge", "hinge(1 - z, 1)", "2"), ("leaky_relu", "leaky_relu(z, slope = 1/2)", "1/3"),
     ("max", "max(z, 0)", "2")],
)  # fmt: skip
def test_a_convention_outside_is_refused(key: str, equation: str, taken: str) -> None:
    with pytest.raises(ExerciseError, match=rf"conventions\.kinks\.{key}") as caught:
        worked(f"L = sum({equation})", values={"z": [0, 2]}, kinks={key: {"0": taken}}, wanted=["z"])
    assert "is not between" in str(caught.value)


def test_the_convention_of_a_loss_is_used() -> None:
    for taken in (0, Fraction(1, 2), 1):
        made = worked(
            "L = hinge(s, y)", values={"s": [1], "y": [1]}, kinks={"hinge": {"0": taken}}, wanted=["s"]
        )
        assert numbers(made, "ds") == [-taken]


def test_a_kink_in_a_large_model_whose_equations_use_one_another() -> None:
    """x is used by z, and by y, which uses z too: d(x) comes of each equation by itself, z held still."""
    n = 12
    made = worked(
        "z = W x", "y = z ⊙ x", "L = sum(y * y) + sum(abs(z - W x))", shapes={"W": [n, n], "x": [n]},
        values={
            "W": [[i * j % 5 - 2 for j in range(n)] for i in range(n)], "x": [i % 3 + 1 for i in range(n)],
        },
    )  # fmt: skip
    (numbers,) = (check for check in made.checks if check.kind == "numbers")
    assert numbers.note == "steps"
    assert {"dx", "dW"} <= set(numbers.what)


def test_smooth_joints_are_no_kinks() -> None:
    assert slope_of("elu").kinks == ()
    assert [kink.exact_taken for kink in slope_of("elu", "elu(z, alpha = 2)").kinks] == [2]
    huber = worked("L = huber(z, y, delta = 2)", shapes={"z": "k"})
    assert huber.slopes["huber_core"].kinks == ()
    # at the joint itself central differences still hold
    made = worked("L = huber(z, y)", values={"z": [3], "y": [2]}, wanted=["z"])
    assert numbers(made, "dz") == [1]
    bent = {"pieces": [{"formula": "exp(u)", "bound": "1"}, {"formula": "exp(1) u"}]}
    assert slope_of("f", functions={"f": bent}).kinks == ()


def test_a_tie_of_max_takes_half_of_each() -> None:
    made = worked("L = sum(max(u, v))", values={"u": [1, 5], "v": [1, 2]}, wanted=["u", "v"])
    assert numbers(made, "du") == [Fraction(1, 2), 1]
    assert numbers(made, "dv") == [Fraction(1, 2), 0]


# --- numbers that were worked out by hand -----------------------------------------------------

VALUES: list[tuple[tuple[str, ...], dict[str, Any], dict[str, Any]]] = [
    # x^T A x with A not symmetric: (A + A^T) x
    (("L = x^T A x",), {"A": [[1, 2], [0, 3]], "x": [1, -1]}, {"dx": [0, -4], "dA": [[1, -1], [-1, 1]]}),
    # one batch of two examples
    (
        ("Z = X W^T + 1 b^T", "L = 1/2 ||Z||_F^2"),
        {"X": [[1, 2], [3, 4]], "W": [[1, 0]], "b": [1]},
        {"dZ": [[2], [4]], "dW": [[14, 20]], "db": [6], "dX": [[2, 0], [4, 0]]},
    ),
    # mean over axes: mean of the columns of X is (2, 3); dX is half of each on both rows
    (
        ("m = mean(X, axis = 0)", "L = 1/2 ||m||^2"),
        {"X": [[1, 2], [3, 4]]},
        {"dX": [[1, Fraction(3, 2)]] * 2},
    ),
    (("L = mse(z, y)",), {"z": [1, 2, 3], "y": [0, 0, 6]}, {"dz": [Fraction(2, 3), Fraction(4, 3), -2]}),
    (("L = ||z||",), {"z": [3, -4]}, {"dz": [Fraction(3, 5), Fraction(-4, 5)]}),
    (("L = ||z||_1",), {"z": [3, -4]}, {"dz": [1, -1]}),
    (("L = huber(z, y, delta = 2)",), {"z": [5, 1], "y": [1, 0]}, {"dz": [2, 1]}),
    (("L = bce(p, y)",), {"p": ["1/4", "1/2"], "y": [1, 0]}, {"dp": [-4, 2]}),
    (("L = z[1]^2 + z[3] z[2]",), {"z": [3, 5, 7]}, {"dz": [6, 7, 5]}),
    # a size-1 vector beside scalars
    (
        ("z = W x + b", "L = (z - y)^2"),
        {"W": [[1, 2]], "x": [3, 4], "b": 1, "y": 10},
        {"dW": [[12, 16]], "db": 4},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("equations", "values", "expected"), VALUES, ids=lambda part: str(part)[:50])
def test_values(equations: tuple[str, ...], values: dict[str, Any], expected: dict[str, Any]) -> None:
    made = worked(*equations, values=values, wanted=list(values))
    assert {name: numbers(made, name) for name in expected} == expected


COLLAPSES = [
    (("p = softmax(z)", "L = cross_entropy(p, t)"), {"z": "k"}, [], "sum(t) p - t"),
    (("p = softmax(z)", "L = cross_entropy(p, t)"), {"z": "k"}, ["sum(t) = 1"], "p - t"),
    (("p = softmax(z)", "L = -sum(t * log(p))"), {"z": "k"}, ["sum(t) = 1"], "p - t"),
    (("L = cross_entropy_logits(z, t)",), {"z": "k"}, ["sum(t) = 1"], "softmax(z) - t"),
    (("P = softmax(Z)", "L = (1/N) cross_entropy(P, T)"), {"Z": "Nk"}, ["T 1 = 1"], "(P - T) / N"),
    (("P = softmax(Z)", "L = cross_entropy(P, T)"), {"Z": "Nk"}, ["sum(T, axis = 1) = 1"], "P - T"),
    (("P = softmax(Z, axis = 0)", "L = cross_entropy(P, T)"), {"Z": "kN"}, ["sum(T, axis = 0) = 1"], "P - T"),
    (("t = onehot(2, 3)", "p = softmax(z)", "L = cross_entropy(p, t)"), {"z": "3"}, [], "p - t"),
    (("p = sigmoid(z)", "L = bce(p, y)"), {"z": "k"}, [], "p - y"),
    (("a = sigmoid(z)", "L = mean(-y * log(a) - (1 - y) * log(1 - a))"), {"z": "k"}, [], "(a - y) / k"),
]


@pytest.mark.parametrize(("equations", "shapes", "facts", "expected"), COLLAPSES)
def test_gradients_that_cancel_collapse(
    equations: tuple[str, ...], shapes: dict[str, str], facts: list[str], expected: str
) -> None:
    (name,) = shapes
    made = worked(*equations, shapes=shapes, wanted=[name], facts=facts)
    assert formulas(made)["d" + name] == expected
    assert made.step("d" + name).collapse is not None or "sum" in expected


def test_a_fact_that_does_not_hold_at_the_points_is_no_ground() -> None:
    """The collapse is proved where the fact holds, and only there."""
    made = worked("p = softmax(z)", "L = cross_entropy(p, t)", shapes={"z": "k"}, wanted=["z"])
    broken = replace(made.step("dz"), formula=tree.plus(tree.Name("p"), tree.Neg(tree.Name("t"))))
    steps = tuple(broken if step.target == "z" and step.gradient else step for step in made.steps)
    with pytest.raises(CertificateFailed):
        certificate(Model.of(made.exercise), replace(made, steps=steps))


def test_softmax_with_cross_entropy_gives_p_minus_t() -> None:
    made = worked(
        "p = exp(z) / sum(exp(z))",
        "L = -sum(t * log(p))",
        values={"z": [0, 1, -2], "t": [0, 1, 0]},
        wanted=["z"],
    )
    p = numbers(made, "p")
    for place, (probability, slope) in enumerate(zip(p, numbers(made, "dz"), strict=True)):
        low, high = bounds(Exact(200).sub(slope, Exact(200).sub(probability, Fraction(int(place == 1)))))
        assert low <= 0 <= high
        assert high - low < Fraction(1, 10**12)


# --- errors -----------------------------------------------------------------------------------

CANNOT = [
    (("L = sum(elu(x, alpha = sum(x)))",), {"x": "n"}, "model.L", "in the option alpha"),
]


@pytest.mark.parametrize(("equations", "shapes", "place", "words"), CANNOT)
def test_what_cannot_be_derived_is_named(
    equations: tuple[str, ...], shapes: dict[str, str], place: str, words: str
) -> None:
    with pytest.raises(CannotDerive) as caught:
        worked(*equations, shapes=shapes)
    message = str(caught.value)
    assert message.startswith(place + ": ")
    assert words in message
    assert "~" not in message


DOMAIN = [
    (("z = log(x)", "L = sum(z)"), {"x": [1, 0]}, r"log of 0 .*entry 2.*equation z|equation z.*entry 2"),
    (("z = x / y", "L = sum(z)"), {"x": [1, 2], "y": [3, 0]}, r"division by 0 .*equation z"),
    (("z = sqrt(x)", "L = sum(z)"), {"x": [1, 0]}, r"gradient dx"),
    (("L = ||x||",), {"x": [0, 0]}, r"gradient dx"),
]


@pytest.mark.parametrize(("equations", "values", "words"), DOMAIN)
def test_a_function_without_a_value_names_its_place(
    equations: tuple[str, ...], values: dict[str, Any], words: str
) -> None:
    with pytest.raises(DomainProblem, match=words):
        worked(*equations, values=values, wanted=["x"])


def test_a_model_without_a_value_anywhere() -> None:
    with pytest.raises(NotCertified, match="division by 0"):
        worked("L = x / 0", shapes={"x": ""})


def test_names_of_the_model_are_never_indices() -> None:
    shapes = {"p": "mk", "q": "k", "i": "m", "j": "m"}
    made = worked("z = p q + i", "L = 1/2 ||z - j||^2", shapes=shapes, wanted=["p", "q", "i"])
    assert formulas(made) == {"dz": "z - j", "di": "dz", "dp": "dz q^T", "dq": "p^T dz"}
    for step in made.backward:
        for part in step.substeps:
            assert not set(part.free) & {"p", "q", "i", "j", "z", "L"}


# --- the certificate ----------------------------------------------------------------------------


def first(kind: type[Node], change: Callable[[Any], Node]) -> Callable[[Node], Node]:
    """A mutation: the first node of a kind changed."""

    def mutate(node: Node) -> Node:
        done = False

        def go(part: Node) -> Node:
            nonlocal done
            if isinstance(part, kind) and not done:
                done = True
                return change(part)
            return tree.rebuild(part, go)

        return go(node)

    return mutate


MUTATIONS: list[tuple[str, Callable[[Node], Node]]] = [
    ("a transpose lost", first(tree.Transpose, lambda node: node.body)),
    ("a sign lost", first(tree.Neg, lambda node: node.body)),
    ("a sign too many", lambda node: tree.Neg(node)),
    ("g for g'", first(tree.Call, lambda node: tree.Call(node.function, node.args, node.options, 0))),
    ("factors swapped", first(tree.Product, lambda node: tree.Product(node.factors[::-1], node.signs))),
    ("a factor lost", first(tree.Product, lambda node: node.factors[0])),
    ("a term lost", first(tree.Add, lambda node: node.terms[0])),
    ("a factor 2", lambda node: tree.juxtaposed(tree.number(2), node)),
]


@pytest.mark.parametrize("sizes", ["symbols", "numbers"])
@pytest.mark.parametrize(("what", "mutate"), MUTATIONS)
def test_a_broken_formula_is_caught(
    what: str, mutate: Callable[[Node], Node], sizes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every formula that a mutation changes must be caught, one at a time."""
    equations = ("z = W x + b", "a = sigmoid(z)", "s = a + x", "L = 1/2 ||s - y||^2")
    values = None if sizes == "symbols" else {
        "W": [[1, 2, 3], [4, 5, 7], [1, 0, 2]], "x": [1, 2, 5], "b": [0, 1, 3], "y": [1, 3, 2],
    }  # fmt: skip
    shapes = {"W": "nn"} if values is None else None
    good = backward.array
    total = len(worked(*equations, shapes=shapes, values=values).backward) + 5
    caught = 0
    for place in range(total):
        count = iter(range(1000))

        def broken(*args: Any, count: Any = count, place: int = place) -> Node:
            made = good(*args)
            return mutate(made) if next(count) == place else made

        monkeypatch.setattr(backward, "array", broken)
        changed = _changes(lambda: worked(*equations, shapes=shapes, values=values))
        caught += changed
    assert caught or what == "a sign lost"


def _changes(run: Callable[[], Derivation]) -> bool:
    """Whether a proof failed; what goes through must have the right formulas."""
    try:
        made = run()
    except CertificateFailed:
        return True
    right = {
        "ds": "s - y", "da": "ds", "dz": "da ⊙ sigmoid'(z)", "db": "dz", "dW": "dz x^T", "dx": "W^T dz + ds",
    }  # fmt: skip
    found = formulas(made)
    same = {"sigmoid'(z) ⊙ da": "da ⊙ sigmoid'(z)"}  # swapped factors of a Hadamard product are no fault
    assert {name: same.get(text, text) for name, text in found.items()} == right
    return False


def test_a_broken_formula_in_a_long_model_is_caught_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """There all gradients are compared together first."""
    good = backward.array

    def deep() -> Derivation:
        layers = [f"a{i} = tanh(W{i} a{i - 1} + b{i})" for i in range(1, 9)]
        shapes = {f"W{i}": ["k" if i % 2 else "n", "n" if i % 2 else "k"] for i in range(1, 9)}
        return worked(*layers, "L = 1/2 ||a8 - y||^2", shapes=shapes)

    assert all(check.agreed == check.tried for check in deep().checks)

    def broken(entry: Any, axes: Any, shapes: Any) -> Node:
        made = good(entry, axes, shapes)
        return tree.Neg(made) if "W5" in tree.names_in(made) and len(axes) == 1 else made

    monkeypatch.setattr(backward, "array", broken)
    with pytest.raises(CertificateFailed, match="certificate of d"):
        deep()


def test_a_wrong_number_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    good = derive_module.quantities

    def broken(*args: Any) -> Any:
        found = dict(good(*args))
        array = found["dW"].numbers
        entries = (array.entries[0] + Fraction(1, 10**5), *array.entries[1:])
        found["dW"] = replace(found["dW"], numbers=Array(array.shape, entries))
        return found

    monkeypatch.setattr(derive_module, "quantities", broken)
    with pytest.raises(CertificateFailed, match="value of dW"):
        derive(load("neurona"))


@pytest.mark.parametrize("text", ["2", "u", "1 - u"])
def test_a_wrong_slope_is_caught(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    good = derive_module.slope

    def broken(*args: Any, **more: Any) -> Slope:
        made = good(*args, **more)
        wrong = replace(made.branches[0], value=read(text, Vocabulary(functions={}, names=None)))
        return replace(made, branches=(wrong, *made.branches[1:]))

    monkeypatch.setattr(derive_module, "slope", broken)
    for name in ("neurona", "sigmoide"):
        with pytest.raises(CertificateFailed, match="derivative of"):
            derive(load(name))


@pytest.mark.parametrize("wrong", ["x dz^T", "2 dz x^T", "-dz x^T"])
def test_the_second_route_catches_a_wrong_formula(wrong: str) -> None:
    """Each of these has the right shape at n = k, and none is the gradient of ⟨dz, W x + b⟩."""
    exercise = from_parts(
        model={"z": "W x + b", "L": "1/2 ||z - y||^2"},
        shapes={"W": [2, 2], "x": [2], "b": [2], "y": [2]},
    )
    made = derive(exercise)
    names = Vocabulary(functions={}, names=frozenset({"W", "x", "z", "b"}))
    step = made.step("dW")
    (part,) = step.substeps
    broken = replace(step, substeps=(replace(part, matrix=read(wrong, names)),))
    assert [check.agreed for check in linear_checks(Model.of(exercise), [step], ())] == [1]
    with pytest.raises(SecondRouteFailed, match="dW"):
        list(linear_checks(Model.of(exercise), [broken], ()))


def test_formulas_agree_with_sympys_matrix_calculus() -> None:
    """Gradients of a product of matrices against SymPy's own derivatives of traces."""
    import sympy as sy

    n, k, m = sy.symbols("n k m", integer=True, positive=True)
    symbols = {
        "W": sy.MatrixSymbol("W", k, n), "X": sy.MatrixSymbol("X", n, m), "b": sy.MatrixSymbol("b", k, 1),
        "v": sy.MatrixSymbol("v", m, 1), "Z": sy.MatrixSymbol("dZ", k, m),
    }  # fmt: skip
    shapes: dict[str, Any] = {"W": ("k", "n"), "X": ("n", "m"), "b": ("k",), "v": ("m",), "Z": ("k", "m")}
    text = "2 W X - b v^T"
    made = worked(f"Z = {text}", "L = half_squared_error(Z, Y)", shapes={**shapes, "Y": ("k", "m")})
    trace = sy.Trace(symbols["Z"].T * (2 * symbols["W"] * symbols["X"] - symbols["b"] * symbols["v"].T))

    def matrix(node: Node) -> Any:
        match node:
            case tree.Neg(inner):
                return -matrix(inner)
            case tree.Number(value):
                return sy.Rational(value.numerator, value.denominator)
            case tree.Transpose(inner):
                return matrix(inner).T
            case tree.Gradient():
                return symbols["Z"]
            case tree.Name(name):
                return symbols[name]
            case tree.Product(factors, _):
                return sy.Mul(*map(matrix, factors))
        raise AssertionError(node)

    for name in ("W", "X", "b", "v"):
        ours = made.step("d" + name).formula
        assert (trace.diff(symbols[name]) - matrix(ours)).doit() == sy.ZeroMatrix(*symbols[name].shape)


# --- levels -------------------------------------------------------------------------------------


def test_rows_and_columns() -> None:
    made = derive(load("general"))
    shapes = made.exercise.shapes
    found = {
        part.target: [
            (to_plain(level.left), to_plain(level.right)) for level in backward.levels(part, shapes)
        ]
        for step in made.backward
        for part in step.substeps
    }
    assert found["W"] == [("dW[p,:]", "dz[p] x^T")]
    assert found["x"] == [("dx[i]", "W[:,i]^T dz")]


def test_rows_of_a_batch_within_the_loss() -> None:
    """A row of X W^T stands beside b there."""
    made = worked("L = 1/2 ||X W^T + 1 b^T - Y||_F^2", shapes={"X": "mn", "W": "kn"}, wanted=["X", "W", "b"])
    (part,) = made.step("dX").substeps
    (level,) = backward.levels(part, made.exercise.shapes)
    assert to_plain(level.right) == "(W X[p,:]^T + b - Y[p,:]^T)^T W"


def test_a_vector_of_one_entry_beside_one_of_n() -> None:
    made = worked(
        "r = sqrt(x^T x)", "u = x / r", "L = 1/2 ||u - t||^2",
        values={"x": [3, 4], "t": [1, 0]}, wanted=["x"],
    )  # fmt: skip
    # by hand: u = (3, 4)/5, du = u - t = (-2, 4)/5, dx = (du - (u . du) u)/5 with u . du = 2/5
    assert numbers(made, "dx") == [Fraction(-16, 125), Fraction(12, 125)]
    assert worked("r = sqrt(x^T x)", "u = x / r", "L = 1/2 ||u - t||^2", shapes={"x": "n"}, wanted=["x"])


# --- speed --------------------------------------------------------------------------------------


@pytest.mark.parametrize("numeric", [False, True])
def test_a_wide_layer(numeric: bool) -> None:
    source = Random(1)
    size = 64

    def values(*shape: int) -> Any:
        return [values(*shape[1:]) for _ in range(shape[0])] if shape else Fraction(source.randint(-9, 9), 8)

    drawn = {"W": values(size, size), "x": values(size), "b": values(size), "y": values(size)}
    made = worked(
        "z = W x + b", "a = sigmoid(z)", "L = 1/2 ||a - y||^2",
        shapes=None if numeric else {"W": [size, size]},  # type: ignore[dict-item]  # sizes as they are
        values=drawn if numeric else None,
        wanted=["W", "b", "x"],
    )  # fmt: skip
    assert made.step("dW").shape == (size, size)
