"""A batch: which axis holds the examples is found by what depends on what, and the sums are the gradients."""

from typing import Any

import pytest

from symbackprop.derivation.batch import batch
from symbackprop.derivation.derive import derive
from symbackprop.derivation.steps import Derivation
from symbackprop.exercise import from_dict
from symbackprop.notation import tree
from symbackprop.notation.write import to_plain
from symbackprop.report.compose import compose
from symbackprop.report.document import Document, Equation, Table, Text

X = [[1, 2], [3, -1], ["1/2", 1]]
THREE = [[1, 0, 1], [0, 1, 1], [0, 0, 1]]
THREE_CLASSES = [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
TARGETS = [[1, 0], [0, 1], [0, 0]]
ROWS = {
    "model": {"Z": "X W + 1 b^T", "A": "relu(Z)", "L": "1/2 ||A - T||_F^2"},
    "values": {
        "X": X,
        "W": [["1/10", 2, 1], [1, "1/2", -1]],
        "b": [1, 2, 3],
        "T": [[1, 0, 1], [0, 1, 1], [0, 0, 1]],
    },
}
COLUMNS = {
    "model": {"Z": "W X + b 1^T", "A": "relu(Z)", "L": "mse(A, T) + 1/2 ||W||_F^2"},
    "values": {
        "X": [[1, 2, 3], [4, 5, "1/2"]],
        "W": [[1, 2], [3, 4]],
        "b": [1, -20],
        "T": [[1, 0, 1], [0, 1, 1]],
    },
}
LOGISTIC = {
    "model": {"z": "X w + b", "p": "sigmoid(z)", "L": "bce(p, y)"},
    "values": {"X": X, "w": [1, "-1/2"], "b": "1/3", "y": [1, 0, 1]},
}
LINE = {
    "model": {"yhat": "w x + b", "L": "1/2 ||yhat - y||^2"},
    "values": {"x": [1, 2, 3], "w": 2, "b": 1, "y": [3, 4, 6]},
}
TWO = {
    "model": {"Z": "X W^T + 1 b^T", "A": "tanh(Z)", "Y": "A V^T + 1 c^T", "L": "1/2 ||Y - T||_F^2"},
    "values": {
        "X": X, "W": [[1, 2], [3, 4]], "b": [1, 2], "V": [[1, 2], [3, 1]], "c": [0, 1], "T": TARGETS,
    },
}  # fmt: skip
SOFTMAX = {
    "model": {"Z": "X W + 1 b^T", "P": "softmax(Z)", "L": "-sum(T * log(P))"},
    "values": {
        "X": X,
        "W": [[1, 0, -1], ["1/2", 1, 0]],
        "b": [0, 1, 2],
        "T": [[0, 1, 0], [1, 0, 0], [0, 0, 1]],
    },
    "wanted": {"gradients": ["W", "b"]},
}
NAMES_THAT_SAY_NOTHING = {
    "model": {"Q": "R M + 1 c^T", "B": "relu(Q)", "J": "1/2 ||B - Y||_F^2"},
    "values": {
        "R": X,
        "M": [["1/10", 2, 1], [1, "1/2", -1]],
        "c": [1, 2, 3],
        "Y": [[1, 0, 1], [0, 1, 1], [0, 0, 1]],
    },
}
BATCHES = {
    "rows": (ROWS, {"X": 0, "Z": 0, "A": 0, "T": 0}, ("X", "T")),
    "columns": (COLUMNS, {"X": 1, "Z": 1, "A": 1, "T": 1}, ("X", "T")),
    "logistic": (LOGISTIC, {"X": 0, "z": 0, "p": 0, "y": 0}, ("X", "y")),
    "line": (LINE, {"x": 0, "yhat": 0, "y": 0}, ("x", "y")),
    "two layers": (TWO, {"X": 0, "Z": 0, "A": 0, "Y": 0, "T": 0}, ("X", "T")),
    "other names": (NAMES_THAT_SAY_NOTHING, {"R": 0, "Q": 0, "B": 0, "Y": 0}, ("R", "Y")),
}
NONE = {
    "a layer: its neurons are no examples": {
        "model": {"z": "W x + b", "p": "sigmoid(z)", "L": "1/2 ||p - y||^2"},
        "values": {"W": X, "x": [1, 2], "b": [1, 2, 3], "y": [1, 0, 1]},
    },
    "two layers of one example": {
        "model": {"h": "tanh(V x)", "z": "W h + b", "L": "1/2 ||z - y||^2"},
        "values": {"V": X, "x": [1, 2], "W": [[1, 2, 3], [3, 4, 5]], "b": [1, 2], "y": [1, 0]},
    },
    "batch normalisation mixes the examples": {
        "model": {"m": "mean(X, axis = 0)", "C": "X - 1 m^T", "Y": "C W", "L": "mse(Y, T)"},
        "values": {"X": X, "W": [[1, 2], [3, 4]], "T": TARGETS},
    },
    "a loss that is no sum over the examples": {
        "model": {"Z": "X W + 1 b^T", "L": "||Z - T||_F"},
        "values": {"X": X, "W": [[1, 2], [3, 4]], "b": [1, 2], "T": TARGETS},
    },
}  # fmt: skip


def worked(data: Any) -> Derivation:
    return derive(from_dict(data))


@pytest.mark.parametrize("name", BATCHES)
def test_examples_are_found(name: str) -> None:
    data, axes, given = BATCHES[name]
    found = batch(worked(data))
    assert found is not None
    assert (found.size, dict(found.axes), found.data) == (3, axes, given)


@pytest.mark.parametrize("name", NONE)
def test_where_there_are_none(name: str) -> None:
    derivation = worked(NONE[name])
    assert batch(derivation) is None
    assert "batch.title" not in keys(compose(derivation))


def test_symbols_have_no_example() -> None:
    assert batch(worked({"model": ROWS["model"]})) is None


def keys(document: Document) -> set[str]:
    return {
        part.key
        for block in document.blocks
        for part in (getattr(block, "text", None), *getattr(block, "sentences", ()))
        if isinstance(part, Text)
    }


# --- one example ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "text", "expected"),
    [
        (ROWS, "Z", "X[1,:] W + b^T"),
        (COLUMNS, "Z", "W X[:,1] + b"),
        (LOGISTIC, "z", "X[1,:] w + b"),
        (ROWS, "dW", "X[1,:]^T dZ[1,:]"),
        (ROWS, "db", "dZ[1,:]^T"),
        (COLUMNS, "db", "dZ[:,1]"),
        (LOGISTIC, "db", "dz[1]"),
    ],
)
def test_a_formula_for_one_example(data: Any, text: str, expected: str) -> None:
    derivation = worked(data)
    found = batch(derivation)
    assert found is not None
    made = to_plain(found.one(derivation.step(text).formula, tree.number(1)))
    assert made.replace("d(", "d").replace("Z[1,:])", "Z[1,:]") == expected


# --- the page ------------------------------------------------------------------------------------------


def section(data: Any, detail: str = "student") -> list[Any]:
    blocks = list(compose(worked(data), detail=detail).blocks)
    titles = [
        at
        for at, block in enumerate(blocks)
        if getattr(getattr(block, "text", None), "key", "") == "batch.title"
    ]
    assert len(titles) == 1
    return blocks[titles[0] :]


@pytest.mark.parametrize("data", [ROWS, COLUMNS, LOGISTIC, LINE, TWO, SOFTMAX])
def test_every_shared_name_has_its_sum(data: Any) -> None:
    """The chains are checked by computing every member (test_report); here that none is missing."""
    derivation = worked(data)
    found = batch(derivation)
    assert found is not None
    shared = [s.target for s in derivation.backward if s.target not in found.axes and s.rule != "seed"]
    sums = [
        line.formula for block in section(data) if isinstance(block, Equation) for line in block.lines
        if any(isinstance(part, tree.Sum) for part in tree.walk(line.formula))
    ]  # fmt: skip
    assert [to_plain(chain.members[0]) for chain in sums][: len(shared)] == [f"d{name}" for name in shared]  # type: ignore[attr-defined]


def test_the_table_has_a_line_for_each_example() -> None:
    table = next(block for block in section(ROWS) if isinstance(block, Table))
    assert len(table.rows) == 3
    assert len(table.columns) == 5  # i, z, a, the loss, dz


def test_many_examples_end_in_dots() -> None:
    many = {
        "model": LINE["model"],
        "values": {"x": list(range(1, 13)), "w": 2, "b": 1, "y": list(range(2, 14))},
    }
    table = next(block for block in section(many) if isinstance(block, Table))
    assert len(table.rows) == 8
    assert table.rows[-2][0] == tree.Dots("v")
    assert table.rows[-1][0] == tree.number(12)


def test_the_losses_of_the_examples_make_the_loss() -> None:
    """1/2 (1·2 + 1 − 3)² = 0, 1/2 (5 − 4)² = 1/2, 1/2 (7 − 6)² = 1/2: L = 1."""
    table = next(block for block in section(LINE) if isinstance(block, Table))
    assert [to_plain(row[2]) for row in table.rows] == ["0", "0.5", "0.5"]  # type: ignore[arg-type]
    assert "batch.loss" in keys(compose(worked(LINE)))
