"""The derivation: gradients against published and hand-checked values, formulas as trees."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest

from symbackprop.algebra.values.exact import bounds
from symbackprop.derivation.derive import derive
from symbackprop.derivation.steps import Derivation
from symbackprop.exercise import from_parts, load
from symbackprop.notation.read import read
from symbackprop.notation.tree import Node
from symbackprop.notation.write import to_plain


def worked(
    *equations: str,
    shapes: Mapping[str, Any] | None = None,
    values: Mapping[str, Any] | None = None,
    **more: Any,
) -> Derivation:
    """A derivation of equations written `z = W x + b`; a shape is `kn`, its sizes letter by letter."""
    model = dict((side.strip() for side in one.split("=", 1)) for one in equations)
    sizes = {
        name: [int(s) if s.isdigit() else s for s in shape] for name, shape in (shapes or {}).items()
    }
    return derive(from_parts(model=model, shapes=sizes, values=values, **more))


def formulas(derivation: Derivation) -> dict[str, str]:
    """Every gradient but that of the loss, as plain text."""
    return {"d" + step.target: to_plain(step.formula) for step in derivation.backward[1:]}


def numbers(derivation: Derivation, name: str) -> Any:
    """The exact value as nested lists."""
    found = derivation.quantities[name].numbers
    assert found is not None
    return found.nested()


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
    (("L = x^T A x",), {"A": "nn"}, {"dx": "A x + A^T x", "dA": "x x^T"}),
    (("L = u^T A B v",), {"A": "nm", "B": "mk", "u": "n", "v": "k"}, {"dA": "u v^T B^T", "dB": "A^T u v^T"}),
    (("z = (W x) * v", "L = sum(z)"), LAYER, {"dz": "ones(k)", "dW": "(dz ⊙ v) x^T", "dv": "dz ⊙ W x"}),
    (("q = v / z", "L = sum(q)"), {"z": "k"}, {"dv": "dq / z", "dz": "-(dq ⊙ v) / square(z)"}),
    (("q = z / (1 + v^T v)", "L = sum(q)"), {"z": "k", "v": "k"}, {"dz": "dq / (1 + v^T v)"}),
    (("m = mean(X, axis = 0)", "L = m^T v"), {"X": "kn"}, {"dX": "1 / (k) ones(k) dm^T"}),
    (("m = mean(X, axis = 1)", "L = m^T v"), {"X": "kn"}, {"dX": "1 / (n) dm ones(n)^T"}),
    (("L = mean(x)",), {"x": "n"}, {"dx": "1 / (n) ones(n)"}),
    (("L = sum(A B)",), {"A": "mn", "B": "nk"}, {"dA": "ones(m) ones(k)^T B^T", "dB": "A^T ones(m) ones(k)^T"}),
    (("G = A^T A", "L = 1/2 ||G||_F^2"), {"A": "mn"}, {"dA": "A dG^T + A dG"}),
    (("M = u v^T", "L = 1/2 ||M - A||_F^2"), {"A": "mn", "u": "m", "v": "n"}, {"du": "dM v", "dv": "dM^T u"}),
    (("L = sum(sin(x) * cos(x))",), {"x": "n"}, {"dx": "square(cos(x)) - square(sin(x))"}),
    (("L = a^3 + 2^a",), {"a": ""}, {"da": "3 a^2 + log(2) 2^a"}),
    (("L = ||z - y||",), {"z": "k"}, {"dz": "(z - y) / ||z - y||"}),
    (("L = ||A||_F",), {"A": "mn"}, {"dA": "A / ||A||_F"}),
    (("L = ||z||_1",), {"z": "k"}, {"dz": "abs'(z)"}),
    (("L = log(sum(exp(z))) - t^T z",), {"z": "k"}, {"dz": "exp(z) / sum(exp(z)) - t"}),
    (("S = sum(exp(z))", "p = exp(z) / S", "L = -sum(t * log(p))"), {"z": "k"}, {
        "dp": "-t / p", "dS": "-exp(z)^T dp / S^2", "dz": "dS exp(z) + (dp ⊙ exp(z)) / S",
    }),
    # losses
    (("L = half_squared_error(z, y)",), {"z": "k"}, {"dz": "z - y"}),
    (("L = squared_error(z, y)",), {"z": "k"}, {"dz": "2 (z - y)"}),
    (("L = mse(z, y)",), {"z": "k"}, {"dz": "2 / (k) (z - y)"}),
    (("L = mse(Z, Y)",), {"Z": "mk"}, {"dZ": "2 / (m k) (Z - Y)"}),
    (("L = mse(z, y)",), {"z": "5"}, {"dz": "2/5 (z - y)"}),
    (("L = absolute_error(z, y)",), {"z": "k"}, {"dz": "abs'(z - y)"}),
    (("L = bce(p, y)",), {"p": "k"}, {"dp": "-y / p + (1 - y) / (1 - p)"}),
    (("L = bce_logits(z, y)",), {"z": "k"}, {"dz": "sigmoid(z) - y"}),
    (("L = hinge(s, y)",), {"s": "k"}, {"ds": "-hinge_core'(1 - y ⊙ s) ⊙ y"}),
    (("L = huber(s, y)",), {"s": "k"}, {"ds": "huber_core'(s - y, delta = 1)"}),
    # functions of two arguments, and own ones
    (("a = max(z, 0)", "L = sum(a)"), {"z": "k"}, {"dz": "da ⊙ excess'(z)"}),
    # scalars only, and size 1 beside scalars
    (("z = w x + b", "L = (z - y)^2"), dict.fromkeys("wxby", ""), {"dz": "2 (z - y)", "dw": "dz x", "db": "dz"}),
    (("z = W x + b", "L = (z - y)^2"), {"W": "1n", "b": "", "y": ""}, {"dW": "dz x^T", "db": "dz", "dx": "W^T dz"}),
    (("z = W x + b", "L = 1/2 ||z||^2"), {"W": "kn", "b": ""}, {"db": "sum(dz)"}),
    # entries and slices of explicit sizes
    (("L = z[1]^2 + z[3]",), {"z": "3"}, {"dz": "[2 z[1], 0, 1]"}),
    (("z = W[2,:] x", "L = sum(z)"), {"W": "32"}, {"dx": "dz W[2,:]^T"}),
    (("z = W[:,1]", "L = sum(z)"), {"W": "32"}, {"dW": "[[dz[1], 0], [dz[2], 0], [dz[3], 0]]"}),
]  # fmt: skip


@pytest.mark.parametrize(("equations", "shapes", "expected"), FORMULAS, ids=lambda part: str(part)[:60])
def test_formulas(equations: tuple[str, ...], shapes: dict[str, str], expected: dict[str, str]) -> None:
    computed = {one.split("=")[0].strip() for one in equations}
    wanted = [name[1:] for name in expected if name[1:] not in computed]
    found = formulas(worked(*equations, shapes=shapes, wanted=wanted or None))
    assert {name: found[name] for name in expected} == expected
