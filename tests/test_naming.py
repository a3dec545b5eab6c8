"""Which parts of a formula get an equation of their own, and what they are called."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from worked import equations, formulas, numbers, worked

from symbackprop.derivation.naming import named_parts
from symbackprop.exercise import from_parts
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree


def made(*lines: str, shapes: Mapping[str, Any] | None = None, **more: Any) -> Exercise:
    pairs = (one.split("=", 1) for one in lines)
    model = {left.strip(): right.strip() for left, right in pairs}
    return named_parts(from_parts(model=model, shapes={k: [*v] for k, v in (shapes or {}).items()}, **more))


NAMED = [
    # a net in one line reads layer by layer
    (
        ("L = 1/2 ||W2 tanh(W1 x + b1) + b2 - y||^2",), {"W1": "hn", "W2": "kh"},
        ["z1 = W1 x + b1", "a1 = tanh(z1)", "z2 = W2 a1 + b2", "L = 1/2 ||z2 - y||^2"],
    ),
    (
        ("L = bce(sigmoid(w^T relu(V x + b) + c), y)",), {"V": "mn", "w": "m"},
        ["z = V x + b", "a = relu(z)", "s = w^T a + c", "h = sigmoid(s)", "L = bce(h, y)"],
    ),
    (("p = softmax(W x + b)", "L = cross_entropy(p, t)"), {"W": "kn"}, [
        "z = W x + b", "p = softmax(z)", "L = cross_entropy(p, t)",
    ]),
    # the argument of each step of a recurrent net carries the step's number
    (("h1 = tanh(W h0 + b)", "h2 = tanh(W h1 + b)", "L = sum(h2)"), {"W": "nn"}, [
        "z1 = W h0 + b", "h1 = tanh(z1)", "z2 = W h1 + b", "h2 = tanh(z2)", "L = sum(h2)",
    ]),
    # gates are told apart by their equations
    (
        ("f = sigmoid(U x + V h)", "g = tanh(P x + Q h)", "c = f * c0 + g", "L = sum(c)"),
        {"U": "kn", "P": "kn", "V": "kk", "Q": "kk"},
        [
            "z_f = U x + V h", "f = sigmoid(z_f)", "z_g = P x + Q h", "g = tanh(z_g)", "c = f * c0 + g",
            "L = sum(c)",
        ],
    ),
    # a mean, a variance and their root; what stands there twice is used twice
    (
        ("y = g * (x - mean(x)) / sqrt(mean(square(x - mean(x))) + e)", "L = sum(y * t)"),
        {"x": "n", "e": ""},
        [
            "mu = mean(x)", "u = x - mu", "v = mean(square(u))", "q = sqrt(v + e)", "y = g * u / q",
            "L = sum(y * t)",
        ],
    ),
    # beside ones only what is spread out
    (
        ("v = mean(square(X), axis = 0)", "H = X / (1 sqrt(v + e)^T)", "L = sum(H * G)"),
        {"X": "Nn", "e": ""},
        ["v = mean(square(X), axis = 0)", "q = sqrt(v + e)", "H = X / (ones(N) q^T)", "L = sum(H * G)"],
    ),
    # a minus stays with the function
    (("f = 1 / (1 + exp(-(w0 x0 + w1 x1 + w2)))",), dict.fromkeys(("w0", "w1", "w2", "x0", "x1"), ""), [
        "z = w0 x0 + w1 x1 + w2", "q = 1 + exp(-z)", "f = 1 / q",
    ]),
    (("L = log(sum(exp(z))) - t^T z",), {"z": "k"}, ["S = sum(exp(z))", "L = log(S) - t^T z"]),
    (("h = (W x + b) * sigmoid(V x + c)", "L = sum(h)"), {"W": "kn", "V": "kn"}, [
        "z = W x + b", "s = V x + c", "h = z * sigmoid(s)", "L = sum(h)",
    ]),
    (("y[i] = relu(sum(a: K[a] x[i+a-1]) + c)", "L = sum(y)"), {"K": "r", "x": "m", "c": ""}, [
        "z[i] = sum(a = 1..r: K[a] x[i + a - 1]) + c", "y[i] = relu(z[i])", "L = sum(y)",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "shapes", "expected"), NAMED, ids=lambda part: str(part)[:50])
def test_parts_are_named_as_on_the_board(
    lines: tuple[str, ...], shapes: dict[str, str], expected: list[str]
) -> None:
    derivation = worked(*lines, shapes=shapes)
    assert equations(derivation) == expected
    own = {line.split("=")[0].split("[")[0].strip() for line in lines}
    assert set(derivation.exercise.named) == {one.name for one in derivation.exercise.equations} - own


COMPACT = [
    (("z = W x + b", "a = tanh(z)", "L = 1/2 ||a - y||^2"), {"W": "kn"}),
    (("L = 1/2 ||X w - y||^2 + r/2 ||w||^2",), {"X": "mn", "r": ""}),
    (("f = (x + y) z",), dict.fromkeys("xyz", "")),
    (("L = half_squared_error(W x + b, y)",), {"W": "kn"}),
    (("h = o * tanh(c)", "L = sum(h)"), {"c": "n"}),
    (("L = log(1 + exp(z))",), {"z": ""}),
    (("a = x * sigmoid(x)", "L = sum(a)"), {"x": "n"}),
    (("u = x / s", "L = sum(u)"), {"x": "n", "s": ""}),
    (("L = sum(sin(x) * cos(x))",), {"x": "n"}),
    (("O = (X P) (X Q)^T", "L = sum(O)"), {"X": "mn", "P": "nk", "Q": "nk"}),
]


@pytest.mark.parametrize(("lines", "shapes"), COMPACT[:3] + COMPACT[4:], ids=lambda part: str(part)[:50])
def test_a_short_model_stays_as_it_was_written(lines: tuple[str, ...], shapes: dict[str, str]) -> None:
    assert made(*lines, shapes=shapes).named == ()


def test_only_what_a_wanted_gradient_passes_through_is_named() -> None:
    lines = ("y = tanh(V u + c)", "z = W x", "L = 1/2 ||z - y||^2")
    assert made(*lines, shapes={"V": "kn", "W": "km"}, wanted=["W"]).named == ()
    assert made(*lines, shapes={"V": "kn", "W": "km"}, wanted=["V"]).named == ("s",)


def test_names_never_collide() -> None:
    """Not with names, sizes, indices, functions or gradients, whatever the model has already."""
    taken = {"z": "k", "s": "k", "t": "k"}
    exercise = made(
        "a = tanh(W x + b)", "m = sum(i = 1..n: x[i])", "L = sum(a * z * s) + m sum(t)",
        shapes={**taken, "W": "kn", "x": "n"}, functions={"u": "3 u"},
    )  # fmt: skip
    (name,) = exercise.named
    assert name not in {*exercise.sizes, *taken, "i", "u", "a", "m", "L", "W", "x", "b"}
    assert exercise.shapes[name] == ("k",)
    assert "d" + name not in exercise.shapes


def test_naming_again_changes_nothing() -> None:
    once = made("L = 1/2 ||W2 tanh(W1 x + b1) + b2 - y||^2", shapes={"W1": "hn", "W2": "kh"})
    again = named_parts(replace(once, named=()))
    assert again.equations == once.equations


def test_a_longer_list_of_equations_has_the_same_values_and_gradients() -> None:
    """A named net against the same one written in layers."""
    values = {
        "W1": [[1, -2], [3, 1], [0, 2]],
        "W2": [[1, 2, -1]],
        "b1": [0, 1, -1],
        "b2": [3],
        "x": [2, 1],
        "y": [5],
    }
    short = worked("L = 1/2 ||W2 relu(W1 x + b1) + b2 - y||^2", values=values, wanted=list(values))
    layers = ("z1 = W1 x + b1", "a1 = relu(z1)", "z2 = W2 a1 + b2", "L = 1/2 ||z2 - y||^2")
    long = worked(*layers, values=values, wanted=list(values))
    assert formulas(short) == formulas(long)
    for name in ("L", "dW1", "dW2", "db1", "db2", "dx", "dy"):
        assert numbers(short, name) == numbers(long, name)
    # z1 = (0, 8, 1), a1 = (0, 8, 1), z2 = 18, L = 13²/2
    assert numbers(short, "L") == Fraction(169, 2)
    assert numbers(short, "dW2") == [[0, 104, 13]]


def test_the_slope_at_a_kink_is_that_of_the_convention_inside_of_a_named_part_too() -> None:
    for taken in (0, 1):
        derivation = worked(
            "L = 1/2 ||V relu(W x + b) - y||^2",
            values={"V": [[1, 1]], "W": [[1], [1]], "x": [1], "b": [-1, 2], "y": [1]},
            kinks={"relu": {"0": taken}},
        )
        assert numbers(derivation, "dW") == [[2 * taken], [2]]  # relu gives (0, 3), and 3 − 1 arrives


def test_a_deep_net_in_one_line_a_layer_stays_linear() -> None:
    depth = 12
    lines = [f"a{i} = tanh(W{i} a{i - 1} + b{i})" for i in range(1, depth + 1)]
    derivation = worked(
        *lines, f"L = 1/2 ||a{depth} - y||^2", shapes={f"W{i}": "nn" for i in range(1, depth + 1)}
    )
    assert derivation.exercise.named == tuple(f"z{i}" for i in range(1, depth + 1))
    sizes = [sum(1 for _ in tree.walk(step.formula)) for step in derivation.backward]
    assert max(sizes) <= 8
