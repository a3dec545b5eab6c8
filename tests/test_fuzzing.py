"""Noise and hostile text end in a verdict: no crash, no hang. `python -m tests.fuzzing` tries far more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from symbackprop.checking.check import check_text
from symbackprop.exercise import Exercise, from_parts, load
from tests.fuzzing.trial import judged, tried

COUNT = 400
PATIENCE = 5.0
"""Seconds of processor time, on a machine that may be slow and busy: a hang takes far more."""


@pytest.mark.parametrize("start", range(0, COUNT, 50))
def test_mutated_lines_do_not_crash_or_hang(start: int) -> None:
    trials = [tried(1, number) for number in range(start, start + 50)]
    assert not [one.error for one in trials if one.error]
    assert max(one.seconds for one in trials) < PATIENCE
    assert any(one.verdicts for one in trials)


def rows(entry: str, size: int) -> str:
    """A square matrix in LaTeX."""
    inside = r" \\ ".join([" & ".join([entry] * size)] * size)
    return rf"\begin{{pmatrix}} {inside} \end{{pmatrix}}"


LATEX = {
    "a tower of powers": "z = 9^{9^{9^{9}}}",
    "a tower of names": "z = z^{z^{z^{z}}}",
    "a sum to a billion": r"z = \sum_{i=1}^{10^9} x_i",
    "sums in sums": r"z = \sum_{i=1}^{400} \sum_{j=1}^{400} \sum_{k=1}^{400} i j k",
    "thirty sums": "z = " + r"\sum_{i=1}^{9}" * 30 + "1",
    "a sum of powers": r"z = \sum_{i=1}^{4000} x_1^{400}",
    "open brackets": "z = " + "(" * 100_000,
    "open braces": "z = " + "{" * 100_000,
    "balanced brackets": "z = " + "(" * 4000 + "1" + ")" * 4000,
    "fractions in fractions": "z = " + r"\frac{" * 400 + "z" + "}{2}" * 400,
    "scripts of scripts": "x" + "_" * 1000 + "z",
    "raised minus signs": "x^{" + "-" * 3000 + "1}",
    "brackets as scripts": "x" + "_(" * 1000 + "z",
    "only a comma": "z = g(,) + [,]",
    "a space first": r"f : \mathbb{R}^n = z",
    "many terms": "z = " + "W x + " * 600 + "b",
    "more tokens than the limit": "z = " + "1 + " * 6000 + "1",
    "a long chain": "z" + " = W x + b" * 500,
    "a long wrong chain": "dW" + " = dz = 2 dz" * 300,
    "a large number": "z = 1e400",
    "a long number": "z = " + "9" * 61,
    "powers of powers": "z = ((((2^{400})^{400})^{400})^{400})",
    "a matrix": "W = " + rows("1", 60),
    "many indices": r"W_{ij} x_k b_l z_p y_q = W_{ij} x_k b_l z_p y_q",
    "derivatives of derivatives": "z = " + r"\frac{d}{dx}" * 30 + "z",
    "vectors of another size": "dw = X^T * ((1/4) * (p - dw))",
}


@pytest.mark.parametrize("name", ["neurona", "logistica", "convolucion"])
@pytest.mark.parametrize("text", LATEX.values(), ids=LATEX)
def test_a_hostile_formula_ends_in_a_verdict(name: str, text: str) -> None:
    trial = judged(f"$${text}$$", load(name), suffix=".md")
    assert not trial.error
    assert trial.seconds < PATIENCE


@pytest.mark.parametrize(
    "text",
    [
        "S = S + 1",
        "a = b\n\nb = a\n\nz = a",
        "a0 = z\n\n" + "\n\n".join(f"a{n} = a{n - 1} + a{n - 1}" for n in range(1, 50)),
        "q = z\n\nq = q + q\n\n" * 20,
    ],
    ids=["itself", "in a circle", "doubled 50 times", "changed often"],
)
def test_names_defined_by_each_other(text: str) -> None:
    trial = judged(text, load("neurona"), suffix=".txt")
    assert not trial.error
    assert trial.seconds < 2 * PATIENCE


CODE = {
    "powers": "z = 9 ** 9 ** 9 ** 9",
    "a large array": "z = np.zeros((10000, 10000))",
    "a large product": "z = np.eye(4000) @ np.eye(4000)",
    "brackets": "z = " + "(" * 300 + "z" + ")" * 300,
    "signs": "z = " + "-" * 3000 + "z",
    "many terms": "z = " + "z + " * 5000 + "z",
    "recursion": "def f(x):\n    return f(x)\nz = f(x)",
    "doubled": "q = z\n" + "q = q + q\n" * 60,
    "outer products": "q = np.outer(np.outer(np.outer(W, W), np.outer(W, W)), np.outer(W, W))",
}


@pytest.mark.parametrize("text", CODE.values(), ids=CODE)
def test_hostile_code_ends_in_a_verdict(text: str) -> None:
    trial = judged(text, load("neurona"), suffix=".py")
    assert not trial.error
    assert trial.seconds < 2 * PATIENCE


def test_code_is_never_run(tmp_path: Path) -> None:
    path = tmp_path / "made"
    for text in (f"open({str(path)!r}, 'w')", f"__import__('os').system('touch {path}')"):
        for suffix, line in ((".py", f"z = {text}"), (".txt", f"z = {text}"), (".md", f"$$z = {text}$$")):
            judged(line, load("neurona"), suffix=suffix)
    assert not path.exists()


def test_a_notebook_of_many_cells() -> None:
    cells = [{"cell_type": "markdown", "source": ["words $y = 5$"]}] * 1000
    found = check_text(json.dumps({"cells": cells}), [load("neurona")], suffix=".ipynb").findings
    assert len(found) == 1000
    assert {one.verdict for one in found} == {"definition"}
    assert [one.cell for one in found] == list(range(1, 1001))


def deep(layers: int) -> Exercise:
    """A network of small layers."""
    model, before = {}, "x"
    for n in range(1, layers + 1):
        model |= {f"z{n}": f"W{n} {before} + b{n}", f"a{n}": f"relu(z{n})"}
        before = f"a{n}"
    shapes = {f"W{n}": [2, 2] for n in range(1, layers + 1)}
    return from_parts(model={**model, "L": f"1/2 ||{before} - y||^2"}, shapes=shapes, wanted=["W1"])


def test_a_line_that_takes_too_much_work_is_neither_right_nor_wrong() -> None:
    text = r"$$L = \sum_{i=1}^{4000} \sum_{j=1}^{4000} 0$$"
    (found,) = check_text(text, [deep(3)], suffix=".md").findings
    assert found.verdict == "not read"
    assert [why.key for why in found.reasons] == ["check.too_much"]


def test_a_derivative_of_a_derivative_is_not_taken_for_zero() -> None:
    """d/dx of dz is no 0: what is not followed is not judged."""
    for text in (
        r"\frac{\partial dz}{\partial x} = 0",
        r"\frac{\partial}{\partial b} \frac{\partial L}{\partial z} = 0",
    ):
        (found,) = check_text(f"$${text}$$", [load("general")], suffix=".md").findings
        assert found.verdict == "not read"
