"""Whole derivations as books, teachers and students write them: what each line is, by our own mathematics.

A document of `cases/documents` starts with `=== name | exercise | form`. Behind `@@` stands a word for each
finding of that line: right (also a definition, rounded, or right for the example), convention, carried,
wrong, unread, or any, where only a crash would be a mistake. A line without `@@` is prose. The exercise
is a bundled one, one of those below, or a file of `cases/documents/exercises`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from symbackprop.checking.check import check_text
from symbackprop.checking.findings import VERDICTS
from symbackprop.exercise import Exercise, bundled, from_parts, load

FOLDER = Path(__file__).resolve().parent / "cases" / "documents"
RIGHT = frozenset({"definition", "correct", "correct for this example", "rounded"})
MEANS = {
    "right": RIGHT, "convention": {"convention"}, "carried": {"carried"}, "wrong": {"wrong"},
    "unread": {"not read"}, "any": frozenset(VERDICTS),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Document:
    """A derivation: its lines, and the words due to the findings of each."""

    name: str
    exercise: str
    form: str
    lines: tuple[str, ...]
    due: tuple[tuple[str, ...], ...]


def documents() -> Iterator[Document]:
    for file in sorted(FOLDER.glob("*.txt")):
        for part in file.read_text("utf-8").split("=== ")[1:]:
            head, _, body = part.partition("\n")
            name, exercise, form = (word.strip() for word in head.split("|"))
            pairs = [line.partition("  @@ ") for line in body.rstrip("\n").split("\n")]
            lines = tuple(line for line, _, _ in pairs)
            yield Document(name, exercise, form, lines, tuple(tuple(due.split()) for _, _, due in pairs))


DOCUMENTS = tuple(documents())

# --- the exercises --------------------------------------------------------------------------------

EXERCISES: dict[str, dict[str, Any]] = {
    "red-wide": {
        "model": {"h": "2 x", "L": "1/2 ||h - t||^2"},
        "values": {"x": [1, 2, 3, 4, 5, 6]},
        "shapes": {"t": [6]},
        "wanted": ["x"],
    },
    "relusm": {
        "model": {
            "z1": "W1 x + b1",
            "h": "relu(z1)",
            "z2": "W2 h + b2",
            "p": "softmax(z2)",
            "L": "cross_entropy(p, t)",
        },
        "shapes": {"W1": ["m", "n"], "W2": ["k", "m"]},
        "facts": ["sum(t) = 1"],
        "wanted": ["W1", "b1", "W2"],
    },
    "theta": {
        "model": {
            "u": "W1 x + b1",
            "h": "sigmoid(u)",
            "theta": "W2 h + b2",
            "y": "theta",
            "E": "1/2 ||y - t||^2",
        },
        "shapes": {"W1": ["m", "n"], "W2": ["k", "m"]},
        "wanted": ["W1", "W2"],
    },
    "nglog": {
        "model": {"z": "w^T x + b", "a": "sigmoid(z)", "L": "bce(a,y)"},
        "shapes": {"w": ["n"], "b": [], "y": []},
        "wanted": ["w", "b"],
    },
    "ng2": {
        "model": {
            "z1": "W1 x + b1",
            "a1": "g(z1)",
            "z2": "W2 a1 + b2",
            "a2": "sigmoid(z2)",
            "L": "bce(a2,y)",
        },
        "functions": {"g": "generic"},
        "shapes": {"W1": ["h", "n"], "W2": [1, "h"]},
        "wanted": ["W1", "b1", "W2", "b2"],
    },
    "ngbatch": {
        "model": {
            "Z1": "W1 X + b1 1^T",
            "A1": "g(Z1)",
            "Z2": "W2 A1 + b2 1^T",
            "A2": "sigmoid(Z2)",
            "J": "(1/m) bce(A2,Y)",
        },
        "functions": {"g": "generic"},
        "shapes": {"W1": ["h", "n"], "W2": [1, "h"], "X": ["n", "m"]},
        "wanted": ["W1", "b1", "W2", "b2"],
    },
    "ngreg": {
        "model": {
            "Z1": "W1 X + b1 1^T",
            "A1": "relu(Z1)",
            "Z2": "W2 A1 + b2 1^T",
            "A2": "sigmoid(Z2)",
            "J": "(1/m) bce(A2,Y) + lambda/(2 m) (||W1||_F^2 + ||W2||_F^2)",
        },
        "shapes": {"W1": ["h", "n"], "W2": [1, "h"], "X": ["n", "m"], "lambda": []},
        "wanted": ["W1", "b1", "W2", "b2"],
    },
    "nielsen": {
        "model": {
            "z2": "w2 x + b2",
            "a2": "sigma(z2)",
            "z3": "w3 a2 + b3",
            "a3": "sigma(z3)",
            "C": "1/2 ||y - a3||^2",
        },
        "functions": {"sigma": "generic"},
        "shapes": {"w2": ["m", "n"], "w3": ["k", "m"]},
        "wanted": ["w2", "b2", "w3", "b3"],
    },
    "cs231": {
        "model": {
            "H": "relu(X W1 + 1 b1^T)",
            "S": "H W2 + 1 b2^T",
            "P": "softmax(S)",
            "L": "-(1/N) sum(Y * log(P))",
        },
        "shapes": {"X": ["N", "D"], "W1": ["D", "H1"], "W2": ["H1", "C"]},
        "facts": ["Y 1 = 1"],
        "wanted": ["W1", "b1", "W2", "b2"],
    },
    "bishop": {
        "model": {"a": "V x", "z": "tanh(a)", "y": "W z", "E": "1/2 ||y - t||^2"},
        "shapes": {"V": ["m", "d"], "W": ["k", "m"]},
        "wanted": ["V", "W"],
    },
    "goodfellow": {
        "model": {
            "a1": "b1 + W1 x",
            "h1": "f(a1)",
            "a2": "b2 + W2 h1",
            "yhat": "f(a2)",
            "J": "1/2 ||yhat - y||^2 + lambda/2 (||W1||_F^2+||W2||_F^2)",
        },
        "functions": {"f": "generic"},
        "shapes": {"W1": ["p", "n"], "W2": ["k", "p"], "lambda": []},
        "wanted": ["W1", "b1", "W2", "b2"],
    },
    "sig2": {
        "model": {
            "z1": "W1 x + b1",
            "a1": "sigmoid(z1)",
            "z2": "W2 a1 + b2",
            "yhat": "sigmoid(z2)",
            "L": "1/2 ||yhat - y||^2",
        },
        "shapes": {"W1": ["h", "n"], "W2": ["k", "h"]},
        "wanted": ["W1", "b1", "W2", "b2", "x"],
    },
    "l2neuron": {
        "model": {"z": "w^T x + b", "yhat": "sigmoid(z)", "L": "1/2 (yhat - y)^2 + lambda/2 ||w||^2"},
        "shapes": {"w": ["n"], "b": [], "y": [], "lambda": []},
        "wanted": ["w", "b"],
    },
    "linreg": {
        "model": {"yhat": "X w + b 1", "L": "1/(2 m) ||yhat - y||^2"},
        "shapes": {"X": ["m", "n"], "b": []},
        "wanted": ["w", "b"],
    },
    "smx": {
        "model": {
            "z1": "W1 x + b1",
            "h": "relu(z1)",
            "z2": "W2 h + b2",
            "p": "softmax(z2)",
            "L": "cross_entropy(p,y)",
        },
        "facts": ["sum(y) = 1"],
        "shapes": {"W1": ["m", "n"], "W2": ["k", "m"]},
        "wanted": ["W1", "b1", "W2", "b2"],
    },
    "rnn": {
        "model": {
            "a1": "W h0 + U x1 + b",
            "h1": "tanh(a1)",
            "a2": "W h1 + U x2 + b",
            "h2": "tanh(a2)",
            "o": "V h2 + c",
            "L": "1/2 ||o - y||^2",
        },
        "shapes": {"W": ["n", "n"], "U": ["n", "d"], "V": ["k", "n"]},
        "wanted": ["W", "U", "b", "V", "c"],
    },
    "rows": {
        "model": {"Z": "X W + 1 b^T", "A": "sigmoid(Z)", "L": "1/(2 N) ||A - T||_F^2"},
        "shapes": {"X": ["N", "D"], "W": ["D", "K"]},
        "wanted": ["W", "b", "X"],
    },
    "mlp3": {
        "model": {
            "z1": "W1 x + b1",
            "a1": "relu(z1)",
            "z2": "W2 a1 + b2",
            "a2": "tanh(z2)",
            "z3": "W3 a2 + b3",
            "yhat": "sigmoid(z3)",
            "L": "bce(yhat,y)",
        },
        "shapes": {"W1": ["p", "n"], "W2": ["q", "p"], "W3": [1, "q"]},
        "wanted": ["W1", "W2", "W3", "b1", "b2", "b3"],
    },
    "num": {
        "model": {"z1": "W1 x + b1", "h": "sigmoid(z1)", "o": "W2 h + b2", "L": "1/2 (o - t)^2"},
        "values": {
            "W1": [["0.5", "-1"], ["1", "2"]],
            "x": [1, 2],
            "b1": ["0.5", "-4"],
            "W2": [[2, -3]],
            "b2": [1],
            "t": [1],
        },
        "wanted": ["W1", "b1", "W2", "b2"],
    },
    "conv": {
        "model": {"y[i]": "sum(a: w[a] x[i+a-1]) + b", "L": "1/2 ||y - t||^2"},
        "shapes": {"w": ["r"], "x": ["n"], "b": []},
        "wanted": ["w", "x", "b"],
    },
}


@cache
def exercise(name: str) -> Exercise:
    if name in EXERCISES:
        return from_parts(**EXERCISES[name])
    return load(name) if name in bundled() else load(FOLDER / "exercises" / f"{name}.toml")


# --- the lines ------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.name)
def test_every_line_is_what_it_is(document: Document) -> None:
    text = "\n".join(document.lines) + "\n"
    found = check_text(text, [exercise(document.exercise)], suffix=document.form).findings
    wrong = []
    for number, (line, due) in enumerate(zip(document.lines, document.due, strict=True), start=1):
        here = [one for one in found if one.line == number]
        fits = len(here) == len(due) and all(
            one.verdict in MEANS[word] for one, word in zip(here, due, strict=True)
        )
        if not fits:
            wrong.append((number, line, due, [one.verdict for one in here]))
    assert not wrong


def test_the_documents_have_right_and_wrong_lines() -> None:
    words = [word for one in DOCUMENTS for due in one.due for word in due]
    assert len(DOCUMENTS) >= 60
    assert words.count("right") > 400
    assert words.count("wrong") > 100
