"""A sigmoid layer of k neurons with n inputs, derived by us and by SymPy alone."""

import gc
import time
from collections.abc import Callable, Iterator
from typing import Any

import sympy as sy
from sympy.core.cache import clear_cache

from symbackprop.derivation.derive import derive
from symbackprop.derivation.steps import Derivation
from symbackprop.exercise import Exercise, from_parts
from symbackprop.report.instances import instances
from symbackprop.report.outputs import Outputs

MODEL = {"z": "W x + b", "yhat": "sigmoid(z)", "L": "1/2 ||yhat - y||^2"}


def seconds(work: Callable[[], object], repeat: int = 1) -> float:
    """The shortest time of `repeat` runs, each with SymPy's cache empty."""
    best = float("inf")
    for _ in range(repeat):
        clear_cache()
        gc.collect()
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


# --- ours -------------------------------------------------------------------------------


def exercise(n: int, k: int) -> Exercise:
    """The layer with sizes that are numbers and no values."""
    return from_parts(model=MODEL, shapes={"W": [k, n]})


def report(n: int, k: int) -> str:
    """(a) Everything: validated, derived, proved, written as the full report."""
    return Outputs(derive(exercise(n, k))).tex


def general() -> Derivation:
    """The layer derived once, for any n and k."""
    return derive(from_parts(model=MODEL))


def written_out(derivation: Derivation, n: int, k: int) -> dict[str, str]:
    """(b) Every gradient entry by entry, from the derivation that there is."""
    return instances(derivation, {"n": n, "k": k})


# --- SymPy alone ------------------------------------------------------------------------


def explicit_loss(n: int, k: int) -> tuple[Any, list[Any]]:
    """The loss as one expression in all its entries, and the entries of W, b and x."""
    weights = [[sy.Symbol(f"w_{j}_{i}", real=True) for i in range(n)] for j in range(k)]
    biases = [sy.Symbol(f"b_{j}", real=True) for j in range(k)]
    inputs = [sy.Symbol(f"x_{i}", real=True) for i in range(n)]
    targets = [sy.Symbol(f"y_{j}", real=True) for j in range(k)]
    sums = [sy.Add(*(weights[j][i] * inputs[i] for i in range(n))) + biases[j] for j in range(k)]
    loss = sy.Add(*((1 / (1 + sy.exp(-sums[j])) - targets[j]) ** 2 / 2 for j in range(k)))
    return loss, [*(entry for row in weights for entry in row), *biases, *inputs]


def sympy_explicit(n: int, k: int) -> int:
    """`diff` and `latex` of the explicit loss, entry by entry; the number of characters written."""
    loss, entries = explicit_loss(n, k)
    return sum(len(sy.latex(sy.diff(loss, entry))) for entry in entries)


def _column(letter: str, size: int) -> Any:
    return sy.Matrix([sy.Symbol(f"{letter}_{place}") for place in range(1, size + 1)])


def sympy_named(n: int, k: int) -> Iterator[str]:
    """Named gradients in SymPy's matrices, written by SymPy's printer: what (b) writes."""
    weights = sy.Matrix(k, n, lambda j, i: sy.Symbol(f"w_{{{j + 1},{i + 1}}}"))
    x, y, yhat, upstream, z = (
        _column("x", n), _column("y", k), _column(r"\hat{y}", k), _column(r"d\hat{y}", k), _column("dz", k),
    )  # fmt: skip
    yield sy.latex(yhat - y)
    yield sy.latex(upstream.multiply_elementwise(yhat.multiply_elementwise(sy.ones(k, 1) - yhat)))
    yield sy.latex(z)
    yield sy.latex(z * x.T)
    yield sy.latex(weights.T * z)


def warm_up() -> None:
    """Load SymPy, Jinja2 and whatever is loaded once, by an exercise of another form."""
    Outputs(derive(from_parts(model={"L": "(w x - y)^2"}, values={"w": "2", "x": "3", "y": "1"}))).tex  # noqa: B018
    sy.latex(sy.diff(sy.exp(sy.Symbol("u")) ** 2, sy.Symbol("u")))
