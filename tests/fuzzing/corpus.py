"""Lines to mutate, each with the form of its file: the table of lines, the reader's cases, samples, code."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from tests import derivations

Form = Literal["latex", "plain", "code"]

CASES = Path(__file__).resolve().parents[1] / "cases"
SAMPLES = 6
"""Derivations of each bundled exercise, right and wrong ones."""

SUFFIXES: dict[Form, str] = {"latex": ".md", "plain": ".txt", "code": ".py"}

CODE = (
    "dW = np.outer(dz, x)", "dx = W.T @ dz", "dz = (yhat - y) * (z > 0)", "db = dz.sum(axis=0)",
    "W -= 0.1 * dW", "z = W @ x + b", "a = 1 / (1 + np.exp(-z))", "dW = dz[:, None] @ x[None, :]",
    "loss = 0.5 * np.sum((yhat - y) ** 2)", "dZ = np.where(Z > 0, dA, 0)", "h = np.maximum(0, z)",
    "dW = np.einsum('i,j->ij', dz, x)", "x = np.array([1, 0, 2])", "dW, db = np.outer(dz, x), dz",
    "p = np.exp(z) / np.exp(z).sum()", "W = np.zeros((2, 3)); b = np.ones(2)", "dW = dz.reshape(-1, 1) * x",
)  # fmt: skip


class Line(NamedTuple):
    """A line, how it is written, and the exercise that it is about, where it is about a bundled one."""

    text: str
    form: Form
    exercise: str | None = None


@cache
def lines() -> tuple[Line, ...]:
    """All of them, no two alike, in an order that does not change."""
    found = [*_table(), *_reader_cases(), *_samples(), *(Line(text, "code") for text in CODE)]
    return tuple(dict.fromkeys(found))


def _table() -> list[Line]:
    table = tomllib.loads((CASES / "hand_lines.toml").read_text("utf-8"))
    return [
        Line(one["formula"], "plain" if one.get("as") == "txt" else "latex", "neurona")
        for group in ("notes", "students")
        for one in table[group]
    ]


def _reader_cases() -> list[Line]:
    """A line in each paragraph of the reader's cases; what it reads as stands under it, indented."""
    return [
        Line(line, "plain" if path.stem == "plain" else "latex")
        for path in sorted((CASES / "hand").glob("*.txt"))
        for line in path.read_text("utf-8").splitlines()
        if line.strip() and not line.startswith((" ", "#"))
    ]


def _samples() -> list[Line]:
    made = []
    for name in derivations.names():
        for seed in range(SAMPLES):
            for sample in (derivations.right(name, seed), derivations.wrong(name, seed)):
                plain: Form = "code" if sample.suffix in (".py", ".ipynb") else "plain"
                form: Form = "latex" if "\\" in sample.text and plain == "plain" else plain
                made += [Line(one.text, form, name) for one in sample.lines]
    return made
