"""The gradients of a small network in floating point: ours from the file to the JSON, PyTorch's autograd.

PyTorch is given tensors and hands tensors back; reading and writing are no part of its time. What is
measured of ours says in each line where it begins and where it ends.
"""

import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

import symbackprop
from symbackprop.cli import run
from symbackprop.derivation.floats import approximate, evaluated, planned
from symbackprop.exercise.floats import FloatSource, float_source
from symbackprop.report.floats import to_json

LAYERS, WIDTH, BATCH = 3, 64, 32
NAMES = [f"{letter}{place}" for place in range(1, LAYERS + 1) for letter in "Wb"]


def exercise_text(width: int = WIDTH, batch: int = BATCH) -> str:
    """A batch of examples as rows through three tanh layers, mean squared error; as a teacher writes it."""
    source = Random(1)

    def matrix(rows: int, columns: int) -> str:
        return "[" + ",\n  ".join(vector(columns) for _ in range(rows)) + "]"

    def vector(count: int) -> str:
        return "[" + ", ".join(f"{source.gauss(0, 0.3):.6f}" for _ in range(count)) + "]"

    lines, before = ["[model]"], "X"
    for place in range(1, LAYERS + 1):
        lines += [f'Z{place} = "{before} W{place}^T + 1 b{place}^T"', f'A{place} = "tanh(Z{place})"']
        before = f"A{place}"
    lines += [f'L = "mean(square({before} - Y))"', "[values]", f"X = {matrix(batch, width)}"]
    for place in range(1, LAYERS + 1):
        lines += [f"W{place} = {matrix(width, width)}", f"b{place} = {vector(width)}"]
    lines += [f"Y = {matrix(batch, width)}", "[wanted]", f"gradients = {json.dumps(NAMES)}"]
    return "\n".join(lines) + "\n"


def seconds(work: Callable[[], object], repeat: int = 30) -> float:
    """The shortest of `repeat` runs after one that does not count."""
    work()
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def torch_work(values: dict[str, Any]) -> Callable[[], list[Any]]:
    """Forward and backward in PyTorch, in float64."""
    import torch

    given = {name: torch.tensor(nested, dtype=torch.float64) for name, nested in values.items()}
    weights = [given[name].requires_grad_() for name in NAMES]

    def work() -> list[Any]:
        a = given["X"]
        for place in range(1, LAYERS + 1):
            a = torch.tanh(a @ given[f"W{place}"].T + given[f"b{place}"])
        loss = ((a - given["Y"]) ** 2).mean()
        return list(torch.autograd.grad(loss, weights))

    return work


def has_torch() -> bool:
    """Whether PyTorch is installed (the extra `torch`)."""
    return find_spec("torch") is not None


def ours(path: Path) -> dict[str, Callable[[], object]]:
    """What is measured of ours, by what it is, in one process that knows the model already."""
    source = float_source(path)
    plan, given = planned(source), dict(source.named())
    folder = path.parent / "out"
    command = ["derive", str(path), "--detail", "answer", "--to", "json", "--floats", "--output", str(folder)]
    return {
        "values to gradients": lambda: evaluated(plan, given),
        "values to JSON text": lambda: to_json(approximate(source)),
        "text of the file to JSON text": lambda: to_json(approximate(float_source(path))),
        "the command, file to file": lambda: run(command),
        "the formulas, derived and certified anew": lambda: planned(source),
    }


def by_hand(path: Path) -> str:
    """What a script does around PyTorch: tomllib, tensors, gradients, json."""
    values = tomllib.loads(path.read_text())["values"]
    made = torch_work(values)()
    return json.dumps({name: slope.tolist() for name, slope in zip(NAMES, made, strict=True)})


def largest_gap(source: FloatSource, work: Callable[[], list[Any]]) -> float:
    """Between our gradients and PyTorch's, relative to the largest entry."""
    mine = approximate(source).values
    gaps = []
    for name, slope in zip(NAMES, work(), strict=True):
        other = slope.numpy()
        gaps.append(float(abs(mine["d" + name] - other).max() / abs(other).max()))
    return max(gaps)


COLD = """
import sys, time
{imports}
start = time.perf_counter()
{work}
print(time.perf_counter() - start)
"""

COLD_OURS = (
    """
import jinja2, lark, numpy, sympy, symbackprop.cli
from symbackprop.derivation.floats import approximate
from symbackprop.exercise.floats import float_source
from symbackprop.report.floats import to_json
""",
    "to_json(approximate(float_source(sys.argv[1])))",
)
COLD_TORCH = (
    """
import tomllib
from benchmarks.floats import torch_work
work = torch_work(tomllib.loads(open(sys.argv[1]).read())["values"])
""",
    "work()",
)
"""What is imported before the time is taken, and what it is taken of."""


def cold(path: Path, imports: str, work: str) -> float:
    """Seconds of the first run in a process of its own, imports left out."""
    here = Path(__file__).resolve().parent.parent
    places = os.pathsep.join(map(str, (Path(symbackprop.__file__).resolve().parent.parent, here)))
    found = subprocess.run(
        [sys.executable, "-c", COLD.format(imports=imports, work=work), str(path)],
        capture_output=True, check=True, text=True, env={**os.environ, "PYTHONPATH": places},
    )  # fmt: skip
    return float(found.stdout)


def written(folder: str, width: int = WIDTH, batch: int = BATCH) -> Path:
    """The exercise as a file."""
    path = Path(folder) / "network.toml"
    path.write_text(exercise_text(width, batch))
    return path
