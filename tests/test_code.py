"""The lines that a student pastes really run, and give the report's numbers."""

import os
import re
import subprocess
import sys
from fractions import Fraction
from importlib.util import find_spec

import pytest

from symbackprop.derivation.derive import derive
from symbackprop.exercise import Exercise, from_dict, from_parts, load
from symbackprop.report.compose import compose
from symbackprop.report.document import Code
from symbackprop.report.facts import Facts
from symbackprop.report.sections.code import code
from symbackprop.report.view import View

LEAKY = from_parts(
    model={"Z": "X W^T + 1 b^T", "Yhat": "leaky_relu(Z, slope = 1/10)", "L": "mse(Yhat, Y) + 1/2 sum(W^2)"},
    values={
        "X": [[1, 2], [3, -1], [0, 1]],
        "W": [[1, -1], [2, "1/2"]],
        "b": [2, 3],
        "Y": [[1, 0], [0, 1], [2, 0]],
    },
)
TANH = from_parts(
    model={"h": "tanh(V x)", "z": "W h + b", "yhat": "sigmoid(z)", "L": "bce(yhat, y)"},
    values={"V": [[1, "1/2"], [-1, 2]], "x": [1, "1/3"], "W": [[1, -1]], "b": ["1/4"], "y": [1]},
)
KINK = from_parts(
    model={"z": "W x + b", "yhat": "relu(z)", "L": "1/2 ||yhat - y||^2"},
    values={"W": [[1, 2], [2, -1]], "x": [2, 1], "b": [-4, 1], "y": [1, 1]},
    kinks={"relu": {"0": "1/2"}},
)
EXERCISES = [load("neurona"), load("capa-numerica"), load("sigmoide"), LEAKY, TANH, KINK]


def snippets(exercise: Exercise) -> list[str]:
    document = compose(derive(exercise))
    return [block.text for block in document.blocks if isinstance(block, Code)]


def run(program: str) -> list[float]:
    """What a program prints, as one row of numbers."""
    made = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, env=dict(os.environ)
    )
    assert made.returncode == 0, made.stderr
    plain = re.sub(r"dtype=\S+", "", made.stdout)
    return [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e[+-]?\d+)?", plain)]


def numbers(exercise: Exercise, wanted: list[str]) -> list[float]:
    derivation = derive(exercise, digits=12)
    found: list[float] = []
    for name in wanted:
        array = derivation.quantities["d" + name].numbers
        assert array is not None
        found += [
            float(entry) if isinstance(entry, Fraction) else float(entry.mid()) for entry in array.entries
        ]
    return found


@pytest.mark.parametrize("exercise", EXERCISES, ids=range(len(EXERCISES)))
def test_numpy(exercise: Exercise) -> None:
    program = snippets(exercise)[0]
    steps = [step.target for step in derive(exercise).backward if step.rule != "seed"]
    assert run(program) == pytest.approx(numbers(exercise, steps), rel=1e-6, abs=1e-6)


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("exercise", EXERCISES[:-1], ids=range(len(EXERCISES) - 1))
def test_pytorch(exercise: Exercise) -> None:
    program = "import torch; torch.set_printoptions(precision=12)\n" + snippets(exercise)[1]
    assert run(program) == pytest.approx(numbers(exercise, list(exercise.wanted)), rel=1e-6, abs=1e-6)


def test_no_pytorch_on_a_kink() -> None:
    """PyTorch takes 0 there whatever the exercise says: its numbers would be others than ours."""
    assert len(snippets(KINK)) == 1
    assert "== 0" in snippets(KINK)[0]


# --- the new operations -----------------------------------------------------------------------

X = [[1, 2], [3, -1], ["1/2", 1]]
SQUARE = [[1, 2], [3, 4]]
ONE_OF_THREE = {"facts": ["sum(t) = 1"]}
OPERATIONS: dict[str, tuple[dict[str, str], dict[str, object], dict[str, object]]] = {
    "logits": (
        {"z": "W x + b", "L": "cross_entropy_logits(z, t)"},
        {"W": [[1, 2], [0, "1/2"], [-1, 1]], "x": [1, "1/2"], "b": [0, 1, "1/3"], "t": [0, 1, 0]},
        {"assume": ONE_OF_THREE},
    ),
    "probabilities": (
        {"z": "W x + b", "p": "softmax(z)", "L": "cross_entropy(p, t)"},
        {"W": [[1, 2], [0, "1/2"], [-1, 1]], "x": [1, "1/2"], "b": [0, 1, "1/3"], "t": [0, 1, 0]},
        {"assume": ONE_OF_THREE},
    ),
    "rows": (
        {"Z": "X W + 1 b^T", "P": "softmax(Z)", "L": "-1/3 sum(T * log(P))"},
        {
            "X": X, "W": [[1, 0, -1], ["1/2", 1, 0]], "b": [0, 1, "1/3"],
            "T": [[0, 1, 0], [1, 0, 0], [0, 0, 1]],
        },
        {},
    ),
    "convolution": (
        {"y[i,j]": "sum(a, b: K[a,b] x[i+a-1, j+b-1])", "L": "1/2 sum((y - t)^2)"},
        {"K": [[1, 2], [3, -1]], "x": [[1, 2, 3], [4, 5, 6], [7, 8, 10]], "t": [[1, 0], [0, 1]]},
        {},
    ),
    "padding": (
        {
            "y[i]": "sum(a: K[a] x[i+a-2] where 1 <= i + a - 2 <= 4)", "q": "tanh(y)",
            "L": "1/2 ||q - t||^2",
        },
        {"K": [1, -2, "1/2"], "x": [1, 2, 3, 4], "t": [1, 0, 0, 1]},
        {"shapes": {"y": [4]}},
    ),
    "stride": (
        {"y[i]": "sum(a: K[a] x[2 i + a - 2])", "L": "1/2 ||y - t||^2"},
        {"K": [1, -2], "x": [1, 2, 3, 4], "t": [1, 0]},
        {},
    ),
    "channels": (
        {"y[o,i]": "sum(c, a: K[o,c,a] x[c,i+a-1])", "L": "1/2 sum(y^2)"},
        {"K": [[[1, 2], [0, 1]], [[1, 0], [2, -1]]], "x": [[1, 2, 3], [4, 5, 6]]},
        {},
    ),
    "stack": (
        {"u": "stack(a, b)", "z": "W u", "L": "1/2 ||z - y||^2"},
        {"a": [1, 2], "b": [3], "W": [[1, 2, 3], [0, 1, 1]], "y": [1, 1]},
        {},
    ),
    "trace": ({"M": "A B", "L": "1/2 trace(M)^2"}, {"A": SQUARE, "B": [[1, 0], ["1/2", 1]]}, {}),
    "diag": ({"M": "diag(v) A", "d": "diag(M)", "L": "1/2 ||d||^2"}, {"A": SQUARE, "v": [1, "1/2"]}, {}),
    "slices": (
        {"h": "X[:, 2:3]", "z": "h w + x[2:3]", "L": "1/2 ||z - y||^2"},
        {"X": [[1, 2, 3], [3, 4, 5]], "w": [1, 2], "x": [1, 2, 3, 4], "y": [0, 1]},
        {},
    ),
    "onehot": (
        {"z": "W x", "p": "softmax(z)", "L": "-log(dot(p, onehot(2, 3)))"},
        {"W": [[1, 2], [0, 1], [-1, 1]], "x": [1, "1/2"]},
        {},
    ),
    "outer": (
        {"M": "outer(a, b)", "L": "1/2 ||M - T||_F^2"},
        {"a": [1, 2], "b": [1, 2, 3], "T": [[1, 0, 0], [0, 1, 0]]},
        {},
    ),
    "max and min": ({"u": "max(a, b)", "v": "min(u, c)", "L": "u v + a"}, {"a": 2, "b": 3, "c": 1}, {}),
    "circuit": ({"f": "(x + sigmoid(y)) / (sigmoid(x) + (x + y)^2)"}, {"x": 3, "y": -4}, {}),
    "norms": (
        {"z": "W x", "L": "||z|| + ||W||_F^2 + 1/10 ||x||_1"},
        {"W": SQUARE, "x": [1, "1/2"]},
        {},
    ),
    "batch normalisation": (
        {
            "m": "mean(X, axis = 0)", "C": "X - 1 m^T", "v": "mean(C^2, axis = 0)", "s": "sqrt(v + 1/1000)",
            "H": "C / (1 s^T)", "L": "1/2 sum((H - T)^2)",
        },
        {"X": X, "T": [[0, 1], [1, 0], [0, 0]]},
        {},
    ),
    "attention": (
        {"S": "Q K^T / sqrt(2)", "A": "softmax(S)", "O": "A V", "L": "1/2 ||O - T||_F^2"},
        {"Q": [[1, 2], [0, 1]], "K": [[1, 0], [1, 1], [0, 1]], "V": [[1], [2], [3]], "T": [[1], [0]]},
        {},
    ),
    "recurrent": (
        {"h1": "tanh(W h0 + U x1)", "h2": "tanh(W h1 + U x2)", "L": "1/2 ||h2 - y||^2"},
        {"W": [[1, "1/2"], [0, 1]], "U": [[1], [2]], "h0": [0, 1], "x1": [1], "x2": ["1/2"], "y": [0, 1]},
        {},
    ),
    "gelu": (
        {"z": "W x", "a": "gelu(z)", "L": "huber(a, y, delta = 1/2)"},
        {"W": SQUARE, "x": [1, "-1/2"], "y": [1, 0]},
        {},
    ),
    "hinge": (
        {"z": "W x", "a": "elu(z)", "s": "leaky_relu(a)", "L": "hinge(s, y)"},
        {"W": SQUARE, "x": [1, -1], "y": [1, -1]},
        {},
    ),
    "keywords": ({"lambda": "w range", "L": "1/2 (lambda - np)^2"}, {"w": 2, "range": 3, "np": 1}, {}),
}  # fmt: skip


def operation(name: str) -> Exercise:
    model, values, more = OPERATIONS[name]
    return from_dict({"model": model, "values": values, **more})


def programs(exercise: Exercise) -> list[str]:
    derivation = derive(exercise)
    view = View(derivation, Facts(derivation), derivation.digits)
    return [block.text for block in code(view) if isinstance(block, Code)]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_in_numpy(name: str) -> None:
    """Our own formulas, written for NumPy, give our own exact numbers."""
    exercise = operation(name)
    steps = [step.target for step in derive(exercise).backward if step.rule != "seed"]
    assert run(programs(exercise)[0]) == pytest.approx(numbers(exercise, steps), rel=1e-6, abs=1e-6)


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_in_pytorch(name: str) -> None:
    """PyTorch knows nothing of our formulas."""
    exercise = operation(name)
    program = "import torch; torch.set_printoptions(precision=12)\n" + programs(exercise)[1]
    assert run(program) == pytest.approx(numbers(exercise, list(exercise.wanted)), rel=1e-6, abs=1e-6)


def test_places_count_from_zero() -> None:
    numpy, torch = programs(operation("convolution"))
    assert "sum(K[a, b] * x[i + a, j + b] for a in range(2) for b in range(2))" in numpy
    assert "for i in range(2) for j in range(2)), 2, 2)" in torch
    assert "if 1 <= i + a <= 4" in programs(operation("padding"))[0]  # i + a - 2 from 1 is i + a from 0
    assert "X[:, 1:3]" in programs(operation("slices"))[0]
