"""The lines that a student pastes really run, and give the report's numbers."""

import os
import re
import subprocess
import sys
from fractions import Fraction
from importlib.util import find_spec

import pytest

from symbackprop.derivation.derive import derive
from symbackprop.exercise import Exercise, from_parts, load
from symbackprop.report.compose import compose
from symbackprop.report.document import Code

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


def run(code: str) -> list[float]:
    """What the code prints, as one row of numbers."""
    made = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=dict(os.environ)
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
    code = snippets(exercise)[0]
    steps = [step.target for step in derive(exercise).backward if step.rule != "seed"]
    assert run(code) == pytest.approx(numbers(exercise, steps), rel=1e-6, abs=1e-6)


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("exercise", EXERCISES[:-1], ids=range(len(EXERCISES) - 1))
def test_pytorch(exercise: Exercise) -> None:
    code = "import torch; torch.set_printoptions(precision=12)\n" + snippets(exercise)[1]
    assert run(code) == pytest.approx(numbers(exercise, list(exercise.wanted)), rel=1e-6, abs=1e-6)


def test_no_pytorch_on_a_kink() -> None:
    """PyTorch takes 0 there whatever the exercise says: its numbers would be others than ours."""
    assert len(snippets(KINK)) == 1
    assert "== 0" in snippets(KINK)[0]
