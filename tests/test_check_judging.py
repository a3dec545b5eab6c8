"""How a line is judged, one rule a row: a small document, and the verdict of each of its statements.

The rules are those that two careful examiners would otherwise settle differently: what is a definition,
what a chain with a wrong member is, what a rounded number, an error carried on, a convention.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from symbackprop.checking import session
from symbackprop.checking.check import check_text
from symbackprop.checking.claims import Claim, Claims
from symbackprop.checking.findings import Checked
from symbackprop.checking.settings import Settings
from symbackprop.exercise import Exercise, bundled, from_parts, load
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

WORDS = {
    "definition": "definition", "correct": "correct", "example": "correct for this example",
    "rounded": "rounded", "carried": "carried", "convention": "convention", "wrong": "wrong",
    "unread": "not read",
}  # fmt: skip


AS_IT_COMES = Settings()


@dataclass(frozen=True, slots=True)
class Rule:
    """A document about an exercise. `due` has a word a statement, or several with `|` between them.

    `reason` is a key that one of the statements must give. `settings` are those of the checker.
    """

    name: str
    exercise: str
    text: str
    due: str
    suffix: str = ".md"
    reason: str = ""
    settings: Settings = AS_IT_COMES


def displays(*lines: str) -> str:
    return "".join(f"$${line}$$\n\n" for line in lines)


def tex(name: str, exercise: str, lines: list[str], due: str, reason: str = "", **settings: Any) -> Rule:
    return Rule(name, exercise, displays(*lines), due, ".md", reason, Settings(**settings))


def txt(name: str, exercise: str, lines: list[str], due: str, reason: str = "") -> Rule:
    return Rule(name, exercise, "\n".join(lines) + "\n", due, ".txt", reason)


def code(name: str, exercise: str, lines: list[str], due: str, reason: str = "") -> Rule:
    return Rule(name, exercise, "\n".join(lines) + "\n", due, ".py", reason)


# --- the exercises --------------------------------------------------------------------------------


def sigmoid_at(z: str) -> Exercise:
    return from_parts(
        model={"z": "W x + b", "yhat": "sigmoid(z)", "L": "1/2 (yhat - y)^2"},
        values={"W": [[z]], "x": [1], "b": [0], "y": [1]},
        wanted=["W", "b"],
    )


def without_bias() -> Exercise:
    """A neuron whose b happens to be 0: z = 3, ŷ = 3, dŷ = dz = 2."""
    return from_parts(
        model={"z": "W x + b", "yhat": "relu(z)", "L": "1/2 (yhat - y)^2"},
        values={"W": [[1, 2]], "x": [1, 1], "b": [0], "y": [1]},
        wanted=["W", "b", "x"],
        kinks={"relu": {"0": 1}},
    )


def batch(activation: str, loss: str) -> Exercise:
    """m examples as rows, k units; nothing but sizes that are names."""
    return from_parts(
        model={"Z": "X W^T + 1 b^T", "A": f"{activation}(Z)", "L": loss},
        shapes={"X": ["m", "n"], "W": ["k", "n"]},
        functions={"g": "generic", "h": "generic"},
        wanted=["W", "b", "X"],
    )


def tanh_layer() -> Exercise:
    return from_parts(
        model={"z": "W x + b", "h": "tanh(z)", "L": "1/2 ||h - y||^2"},
        shapes={"W": ["k", "n"]},
        wanted=["W", "b", "x"],
    )


OWN: dict[str, Callable[[], Exercise]] = {
    "sigmoid at 0.21": lambda: sigmoid_at("0.21"),
    "sigmoid at 0.125": lambda: sigmoid_at("0.125"),
    "no bias": without_bias,
    "batch": lambda: batch("g", "(1/m) sum(h(A))"),
    "logistic batch": lambda: batch("sigmoid", "-(1/m) sum(Y * log(A) + (1 - Y) * log(1 - A))"),
    "tanh layer": tanh_layer,
}


@cache
def exercise(name: str) -> Exercise:
    return load(name) if name in bundled() else OWN[name]()


# --- the rules ------------------------------------------------------------------------------------

ROWS_OF = r"\begin{aligned} %s \end{aligned}"
CASES_FROM_0 = r"\begin{cases} %s & z \ge 0 \\ %s & z < 0 \end{cases}"
CASES = r"\begin{cases} %s & z > 0 \\ %s & z \le 0 \end{cases}"

DEFINITIONS = [
    tex("a model equation restated", "neurona", ["z = W x + b"], "definition"),
    tex("the loss restated", "neurona", [r"L = \frac{1}{2} (\hat y - y)^2"], "definition"),
    tex("the activation restated", "neurona", [r"\hat y = \operatorname{ReLU}(z)"], "definition"),
    tex("a given value restated", "neurona", ["b = 7"], "definition"),
    tex("a given value misstated", "neurona", ["b = 8"], "wrong"),
    tex("given values side by side", "neurona", [r"b = 7, \quad y = 5"], "definition definition"),
    tex("a model equation rewritten", "neurona", ["z = b + W x"], "correct"),
    tex("the loss rewritten", "neurona", [r"L = \frac{(\hat y - y)^2}{2}"], "correct"),
    tex("a model equation with a wrong sign", "neurona", ["z = W x - b"], "wrong"),
    tex("the loss without its half", "neurona", [r"L = (\hat y - y)^2"], "wrong"),
    tex("a new name is what its first member says", "neurona", ["S = W x"], "definition"),
    tex("the rest of a new name's chain is judged", "neurona", ["S = W x = -6"], "correct|example"),
    tex("and may be wrong", "neurona", ["S = W x = -5"], "wrong"),
    tex("a new name is used", "neurona", ["S = W x", "z = S + b"], "definition correct"),
    tex("a new name is used wrongly", "neurona", ["S = W x", "z = S - b"], "definition wrong"),
    txt("a new name of letters and digits", "general", ["W2n = W - 0.5 dW", "V = W2n"],
        "definition definition"),
    tex("a function is what its first member says", "general", ["h(z) = g'(z)", r"dz = d\hat y \odot h(z)"],
        "definition correct"),
    tex("a space", "neurona", [r"x \in \mathbb{R}^3"], "definition"),
    tex("the wrong space", "neurona", [r"x \in \mathbb{R}^4"], "wrong"),
    tex("a space with names", "general", [r"W \in \mathbb{R}^{k \times n}"], "definition"),
    tex("a transposed space", "general", [r"W \in \mathbb{R}^{n \times k}"], "wrong"),
]  # fmt: skip

CHAINS = [
    tex("a right chain", "neurona", [r"dW = dz\, x^T = (-4) (1, 0, 2) = (-4, 0, -8)"], "correct|example"),
    tex("a right end through a wrong middle", "neurona",
        [r"dW = dz\, x^T = (-4) (1, 0, 3) = (-4, 0, -8)"], "wrong"),
    tex("a wrong end", "neurona", [r"dW = dz\, x^T = (-4, 0, 8)"], "wrong"),
    tex("aligned rows, each judged", "neurona",
        [ROWS_OF % r"db &= dz \\ &= (-4) \cdot 1 \\ &= -8"], "correct correct|example wrong"),
    tex("aligned rows: where the false equality stands, a true value is wrong", "neurona",
        [ROWS_OF % r"db &= dz \\ &= -8 \\ &= -4"], "correct wrong wrong"),
    tex("a true statement after a wrong one is correct", "neurona", ["dz = 4", "db = -4"], "wrong correct"),
    tex("a chain goes on in the next display", "general", [r"dx = W^T dz", r"= W^T (d\hat y \odot g'(z))"],
        "correct correct"),
    tex("and goes wrong there", "general", [r"dx = W^T dz", r"= W (d\hat y \odot g'(z))"], "correct wrong"),
    tex("a label that is right", "general",
        [r"dz = \underbrace{\frac{dL}{d\hat y}}_{d\hat y} \odot g'(z)"], "correct"),
    tex("a label that is wrong makes the line wrong", "general",
        [r"dz = \underbrace{\frac{dL}{d\hat y}}_{dz} \odot g'(z)"], "wrong", "check.label"),
    tex("a numeric label", "neurona",
        [r"dz = \underbrace{\frac{dL}{d\hat y}}_{-4} \cdot \frac{d\hat y}{dz} = -4"], "correct|example"),
    tex("a numeric label that is wrong", "neurona",
        [r"dz = \underbrace{\frac{dL}{d\hat y}}_{4} \cdot \frac{d\hat y}{dz} = -4"], "wrong", "check.label"),
    tex("a label of words is not judged", "general", [r"db = \underbrace{dz}_{\text{llega}}"], "correct"),
    tex("two statements in a line", "general", [r"dW = dz\, x^T, \quad db = 1"], "correct wrong"),
    tex("two statements and an arrow", "neurona", [r"db = dz \Rightarrow db = -4"], "correct correct"),
]  # fmt: skip

NUMBERS = [
    tex("a number that is the exercise's", "neurona", ["L = 8"], "correct"),
    tex("with a decimal too many", "neurona", ["L = 8.0"], "correct"),
    tex("as a fraction", "neurona", [r"db = -\frac{8}{2}"], "correct"),
    tex("another number", "neurona", ["L = 7"], "wrong"),
    tex("a product rounded", "sigmoid at 0.21", [r"\sigma'(z) = 0.5523 \cdot 0.4477 = 0.2473"], "rounded"),
    tex("a slip in the last digit", "sigmoid at 0.21", [r"\sigma'(z) = 0.5523 \cdot 0.4477 = 0.2474"],
        "wrong", "check.slip"),
    tex("rounded with =", "sigmoid at 0.21", [r"\hat y = 0.5523"], "rounded"),
    tex("rounded with ≈", "sigmoid at 0.21", [r"\hat y \approx 0.5523"], "rounded"),
    tex("rounded the wrong way", "sigmoid at 0.21", [r"\hat y = 0.5524"], "wrong"),
    tex("≈ excuses no slip", "sigmoid at 0.21", [r"\hat y \approx 0.5524"], "wrong"),
    tex("a tie goes down", "sigmoid at 0.125", ["z = 0.12"], "rounded"),
    tex("a tie goes up", "sigmoid at 0.125", ["z = 0.13"], "rounded"),
    tex("beside a tie", "sigmoid at 0.125", ["z = 0.14"], "wrong"),
    tex("right from the written digits", "sigmoid at 0.21",
        [r"\hat y = 0.55", r"\hat y (1 - \hat y) = 0.2475"], "rounded rounded"),
    tex("right from the exact values", "sigmoid at 0.21",
        [r"\hat y = 0.55", r"\hat y (1 - \hat y) = 0.2473"], "rounded rounded"),
    tex("right from neither", "sigmoid at 0.21", [r"\hat y = 0.55", r"\hat y (1 - \hat y) = 0.2485"],
        "rounded wrong"),
    tex("rounded operands", "red",
        [r"\frac{\partial L}{\partial w^{(2)}_{11}} = 0.7414 \cdot 0.1868 \cdot 0.5933 = 0.08217"],
        "rounded"),
    tex("rounded operands and a slip", "red",
        [r"\frac{\partial L}{\partial w^{(2)}_{11}} = 0.7414 \cdot 0.1868 \cdot 0.5933 = 0.08317"], "wrong"),
    tex("from the rounded number above", "sigmoide",
        [r"dz = -0.0529", r"dW = dz\, x^T = -0.0529 \cdot (2, 3) = (-0.1058, -0.1587)"], "rounded rounded"),
    tex("a matrix rounded", "sigmoide", ["dW = (-0.1058, -0.1586)"], "rounded"),
    tex("a matrix with one slip", "sigmoide", ["dW = (-0.1058, -0.1587)"], "wrong"),
    tex("a power of ten", "sigmoide", [r"dz = -5.288 \cdot 10^{-2}"], "rounded"),
    tex("a power of ten with a slip", "sigmoide", [r"dz = -5.289 \cdot 10^{-2}"], "wrong"),
]  # fmt: skip

CARRIED = [
    tex("what follows from a wrong number", "neurona", ["dz = 4", r"dW = dz\, x^T = (4, 0, 8)"],
        "wrong carried", "check.carried"),
    tex("a number alone", "neurona", ["dz = 4", "db = 4"], "wrong carried"),
    tex("nothing is won by a zero", "neurona", ["dz = 0", r"dW = dz\, x^T = (0, 0, 0)"],
        "wrong carried", "check.carried_trivial"),
    tex("a second slip", "neurona", ["dz = 4", r"dW = dz\, x^T = (4, 0, 6)"], "wrong wrong"),
    tex("a right formula stays right", "neurona", ["dz = 4", r"dW = dz\, x^T"], "wrong correct"),
    tex("a mistake restated counts once", "neurona", ["dz = 4", r"\frac{dL}{dz} = 4"], "wrong carried"),
    tex("through the forward pass", "neurona", ["z = 2", r"\hat y = 2", r"L = \frac{1}{2} (2 - 5)^2 = 4.5"],
        "wrong carried carried"),
    tex("a formula that follows from a wrong one", "general", [r"dz = d\hat y", r"dW = d\hat y\, x^T"],
        "wrong carried"),
    tex("a second mistake in a formula", "general", [r"dz = d\hat y", r"dW = x\, d\hat y^T"], "wrong wrong"),
]  # fmt: skip

GENERIC = [
    tex("a formula that only the numbers excuse", "neurona", [r"dW = d\hat y\, x^T"], "wrong"),
    tex("no slope, and the slope is 1 here", "neurona", [r"dz = d\hat y"], "wrong"),
    tex("the same with the number put in", "neurona", [r"dz = d\hat y \cdot 1 = -4"], "example"),
    tex("a condition is named", "no bias", ["z = W x"], "wrong", "check.condition"),
    tex("and holds in this example", "no bias", ["z = W x = 3"], "example"),
    tex("entries of a gradient", "general", [r"\frac{\partial L}{\partial w_{ij}} = dz_i\, x_j"], "correct"),
    tex("with the indices swapped", "general", [r"\frac{\partial L}{\partial w_{ij}} = dz_j\, x_i"], "wrong"),
    tex("a sum over units", "general", [r"\frac{dL}{dx_i} = \sum_{j=1}^k dz_j w_{ji}"], "correct"),
    tex("a sum with swapped indices", "general", [r"\frac{dL}{dx_i} = \sum_{j=1}^k dz_j w_{ij}"], "wrong"),
    tex("a sum without bounds", "general", [r"\frac{dL}{dx_i} = \sum_j dz_j w_{ji}"], "correct"),
    tex("an entry of a Jacobian", "general", [r"\frac{\partial z_j}{\partial x_i} = w_{ji}"], "correct"),
    tex("and swapped", "general", [r"\frac{\partial z_j}{\partial x_i} = w_{ij}"], "wrong"),
    tex("a column of a Jacobian", "general", [r"\frac{dz}{dx_i} = w_{:,i}"], "correct"),
    tex("softmax and cross-entropy", "softmax", ["dz = p - t"], "correct"),
    tex("with the sign lost", "softmax", ["dz = t - p"], "wrong"),
    tex("numbers and symbols", "capa", [r"d\hat y = \begin{pmatrix} 1 - y_1 \\ 5 - y_2 \end{pmatrix}"],
        "correct|example"),
    tex("a missing transpose", "general", ["dx = W dz"], "wrong"),
    tex("a new name for a part", "general", [r"S = g'(z)", r"dz = d\hat y \odot S"], "definition correct"),
    tex("over time", "recurrente", ["db = dz_1 + dz_2 + dz_3"], "correct"),
    tex("and one step forgotten", "recurrente", ["db = dz_2 + dz_3"], "wrong"),
    tex("numbers, one entry wrong", "capa",
        [r"dW = \begin{pmatrix} dz_1 & 0 & 2 dz_2 \\ dz_2 & 0 & 2 dz_2 \end{pmatrix}"], "wrong"),
    tex("nabla", "general", [r"\nabla_W L = dz\, x^T"], "correct"),
    tex("everything put in", "general", [r"\nabla_W L = \left((\hat y - y) \odot g'(z)\right) x^T"],
        "correct"),
]  # fmt: skip

RELU = r"f(z) = \max(z, 0)"
CONVENTIONS = [
    tex("the slope at the kink", "neurona", [RELU, "f'(z) = " + CASES % (1, 0)], "definition convention",
        "check.kink"),
    tex("the slope that the exercise chose", "neurona", [RELU, "f'(z) = " + CASES_FROM_0 % (1, 0)],
        "definition convention", "check.kink_same"),
    tex("a slope that is none", "neurona", [RELU, "f'(z) = " + CASES % (2, 0)], "definition wrong"),
    tex("an indicator", "capa", [r"dz = d\hat y \odot \mathbb{1}_{z > 0}"], "convention",
        "check.kink"),
    tex("away from the kink", "neurona", [r"\operatorname{ReLU}'(1) = 1"], "correct"),
    tex("a product with a number", "neurona", [r"dx = dz\, W^T"], "convention", "check.scalar_only"),
    tex("is none for a layer", "general", [r"dx = dz\, W^T"], "wrong"),
    tex("xᵀ dz of one neuron", "neurona", [r"dW = x^T dz"], "convention"),
    tex("and of a layer", "general", [r"dW = x^T dz"], "wrong"),
    tex("strictly, another slope than the exercise's", "neurona", [RELU, "f'(z) = " + CASES % (1, 0)],
        "definition wrong", strict=True),
    tex("strict conventions change no verdict of a right line", "general", ["dW = dz x^T"], "correct",
        strict=True),
    tex("a transposed gradient where the layout is set so", "general", ["dW = x dz^T"], "correct|convention",
        layout="numerator"),
    tex("a dot product", "general", [r"dx_i = dz \cdot w_{:,i}"], "convention", "check.dot_product"),
    tex("a dot for ⊙", "general", [r"dz = d\hat y \cdot g'(z)"], "wrong"),
    tex("a dot for ⊙ where it is set so", "general", [r"dz = d\hat y \cdot g'(z)"], "correct|convention",
        dot="hadamard"),
    tex("equal shapes side by side", "general", [r"dz = d\hat y\, g'(z)"], "correct", "check.hadamard"),
    txt("a star for ⊙", "general", ["dz = dyhat * g'(z)"], "correct"),
]  # fmt: skip

READING = [
    tex("dL/dy is never dL/dŷ", "neurona", [r"\frac{dL}{dy} = \hat y - y"], "wrong"),
    tex("it is what it says", "neurona", [r"\frac{dL}{dy} = y - \hat y"], "correct"),
    tex("dy as the text uses it", "neurona", [r"dy = \frac{dL}{d\hat y}", r"dy = \hat y - y"],
        "definition correct"),
    tex("dy as it is set", "neurona", [r"dy = \hat y - y"], "correct", dy="yhat"),
    tex("dy as it is set otherwise", "neurona", [r"dy = \hat y - y"], "wrong", dy="y"),
    tex("𝓛", "neurona", [r"\frac{d\mathcal L}{db} = dz"], "correct"),
    tex("ℓ", "neurona", [r"\frac{d\ell}{db} = dz"], "correct"),
    tex("J", "neurona", [r"\frac{\partial J}{\partial b} = dz"], "correct"),
    tex("E", "neurona", [r"\frac{\partial E}{\partial b} = dz"], "correct"),
    tex("C", "neurona", [r"\frac{\partial C}{\partial b} = dz"], "correct"),
    tex("δ is dz", "general", [r"dW = \delta x^T"], "correct"),
    tex("δ as it is defined", "general", [r"\delta = d\hat y", r"dz = \delta \odot g'(z)"],
        "definition correct"),
    tex("δ as the error at the output", "general", [r"\delta = \hat y - y", r"dz = \delta \odot g'(z)"],
        "definition|correct correct"),
    tex("δ with a number, as it is defined", "general", [r"\delta_3 = \frac{\partial L}{\partial z}",
        r"\delta_3 = (\hat y - y) \odot g'(z)"], "definition correct"),
    tex("e is a name like any other", "general", [r"e = \hat y - y", r"dz = e \odot g'(z)"],
        "definition correct"),
    tex("and Euler's number under an exponent", "softmax", [r"p_1 = \frac{e^{z_1}}{\sum_j e^{z_j}}"],
        "correct"),
    tex("layers in brackets", "red", [r"z^{[1]} = W^{[1]} x + b^{[1]}"], "definition"),
    tex("layers in round ones", "red", [r"dW^{(2)} = dz^{(2)} (a^{(1)})^T"], "correct"),
    tex("layers as subscripts", "red", [r"dW_2 = dz_2 a_1^T"], "correct"),
    tex("the wrong layer", "red", [r"dW_2 = dz_1 a_1^T"], "wrong"),
    txt("layers as digits", "red", ["dW2 = dz2 a1^T"], "correct"),
    tex("δ of a layer", "red", [r"\delta^{(1)} = (W^{(2)})^T \delta^{(2)} \odot \sigma'(z^{(1)})"],
        "correct"),
    tex("wᵢ of one neuron", "neurona", [r"\frac{dz}{dw_i} = x_i"], "correct"),
    tex("a gradient's entry", "neurona", [r"\frac{dL}{dw_2} = 0"], "correct"),
    tex("squares of a vector", "tanh layer", [r"dz = dh \odot (1 - h^2)"],
        "correct", "check.entrywise_power"),
]  # fmt: skip

TUPLES = [
    tex("a tuple is a row where a row is due", "neurona", ["dW = (-4, 0, -8)"], "correct"),
    tex("and a column where a column is due", "neurona", ["dx = (-16, -8, 20)"], "correct"),
    tex("a decimal comma in braces", "sigmoid at 0.21", [r"\hat y \approx 0{,}5523"], "rounded"),
    tex("semicolons separate", "sigmoide", ["b = 0,75", "W = (0,5; -0,25)"], "definition definition"),
    tex("a comma and a space separate", "sigmoide",
        [r"\hat y \approx 0,7311", r"dx \approx (-0,0264, 0,0132)"], "rounded rounded"),
    tex("a comma between numbers that have points", "sigmoide", ["b = 0.75", "x = (2,3)"],
        "definition definition"),
    txt("square brackets", "neurona", ["x = [1, 0, 2]"], "definition"),
    txt("square brackets take the left side's shape", "neurona", ["dW = [-4, 0, -8]"], "correct"),
    txt("where it is unique", "capa", ["dW = [-4, 0, -8]"], "wrong"),
]  # fmt: skip

CODE = [
    code("an outer product", "general", ["dW = np.outer(dz, x)"], "correct"),
    code("a column times a row", "general", ["dW = dz @ x.T"], "correct"),
    code("two columns", "general", ["dW = dz @ x"], "wrong"),
    code("a transpose", "general", ["dx = W.T @ dz"], "correct"),
    code("no transpose", "general", ["dx = W @ dz"], "wrong"),
    code("each assignment by itself", "general", ["dz = dyhat", "dW = np.outer(dz, x)"], "wrong correct"),
    code("imports and prints are not listed", "general", ["import numpy as np", "db = dz", "print(db)"],
         "correct"),
    code("the sum of a batch", "batch", ["db = dZ.sum(axis=0)"], "correct"),
    code("over the wrong axis", "batch", ["db = dZ.sum(axis=1)"], "wrong"),
    code("weights of a batch", "batch", ["dW = dZ.T @ X"], "correct"),
    code("weights transposed", "batch", ["dW = X.T @ dZ"], "wrong"),
    code("inputs of a batch", "batch", ["dX = dZ @ W"], "correct"),
    code("broadcasting", "batch", ["Z = X @ W.T + b"], "correct|definition", "check.broadcast"),
    code("a stray name", "general", ["dW = np.outer(delta_q, x)"], "unread"),
]  # fmt: skip

BATCHES = [
    tex("1/m where it is due", "logistic batch", [r"dZ = \frac{1}{m} (A - Y)"], "correct"),
    tex("per example, 1/m stands later", "logistic batch",
        ["dZ = A - Y", r"dW = \frac{1}{m} dZ^T X", r"db = \frac{1}{m} dZ^T \mathbf{1}"],
        "convention correct|convention correct|convention", "check.per_example"),
    tex("1/m missing for good", "logistic batch", ["dZ = A - Y", "dW = dZ^T X"], "wrong correct"),
    tex("1/m once too often", "logistic batch", [r"dZ = \frac{1}{m} (A - Y)", r"dW = \frac{1}{m} dZ^T X"],
        "correct wrong"),
]  # fmt: skip

DEEP = "(" * 3000 + "z" + ")" * 3000
NOT_READ = [
    tex("an unknown symbol", "general", [r"dW = q\, x^T"], "unread", "check.unknown_name"),
    tex("and the other statement is judged", "general", [r"db = q, \quad dW = dz\, x^T"], "unread correct"),
    tex("a fraction without end", "general", [r"dW = \frac{dz}{"], "unread"),
    tex("a product over an index", "general", [r"z = \prod_i x_i"], "unread"),
    tex("a tower of powers", "neurona", ["L = 9^{9^{9^{9}}}"], "unread"),
    tex("a sum of a thousand million", "neurona", [r"L = \sum_{i=1}^{1000000000} i"], "unread"),
    tex("very many brackets", "neurona", [f"L = {DEEP}"], "unread"),
    tex("a very long line", "neurona", ["L = " + "1 + " * 6000 + "1"], "unread"),
    tex("a very long number", "neurona", ["L = " + "8" * 200], "unread"),
    Rule("prose", "neurona", "El gradiente llega desde la derecha.\n\nAsí de simple: no hay más.\n", ""),
    Rule("money", "neurona", "It costs $5 here and $6 there.\n", ""),
    Rule("a bare name", "neurona", "Hay $k$ neuronas y $n$ entradas.\n", ""),
    Rule("a bare arrow", "neurona", r"La red es $n \to h \to k$." + "\n", ""),
    Rule("nothing", "neurona", "\n", ""),
    Rule("prose in plain text", "neurona", "Primero la pérdida\ndb = dz\nporque b entra sumando\n",
         "correct", ".txt"),
]  # fmt: skip

RULES = [
    *DEFINITIONS, *CHAINS, *NUMBERS, *CARRIED, *GENERIC, *CONVENTIONS, *READING, *TUPLES, *CODE, *BATCHES,
    *NOT_READ,
]  # fmt: skip


# --- the tests ------------------------------------------------------------------------------------


def checked(rule: Rule) -> Checked:
    return check_text(rule.text, [exercise(rule.exercise)], suffix=rule.suffix, settings=rule.settings)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.exercise}: {rule.name}")
def test_the_rule(rule: Rule) -> None:
    found = checked(rule).findings
    due = [{WORDS[word] for word in words.split("|")} for words in rule.due.split()]
    got = [one.verdict for one in found]
    said = [(one.text[:60], one.verdict, [why.key for why in one.reasons]) for one in found]
    assert len(got) == len(due), said
    assert all(verdict in allowed for verdict, allowed in zip(got, due, strict=True)), said
    if rule.reason:
        assert rule.reason in {why.key for one in found for why in one.reasons}, said


def test_a_fault_of_the_program_costs_one_line_only(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = Claims.judge

    def failing(self: Claims, node: Node) -> Claim:
        if isinstance(node, tree.Chain) and node.members[0] == tree.Gradient(tree.Name("b")):
            raise IndexError("a list has no such place")
        return judged(self, node)

    monkeypatch.setattr(Claims, "judge", failing)
    monkeypatch.setattr(session, "FAULTS", (LookupError,))
    found = check_text("dW = dz x^T\ndb = dz\ndx = W^T dz\n", [load("general")]).findings
    assert [one.verdict for one in found] == ["correct", "not read", "correct"]
    assert [one.key for one in found[1].reasons] == ["check.fault"]


def test_there_are_rules_enough_and_none_twice() -> None:
    assert len(RULES) >= 120
    names = [(rule.exercise, rule.name) for rule in RULES]
    assert len(set(names)) == len(names)
    words = {word for rule in RULES for words in rule.due.split() for word in words.split("|")}
    assert words == set(WORDS)


CODES = [
    ("all that was read holds", displays("db = dz"), 0),
    ("a convention holds", displays(r"dx = dz\, W^T"), 0),
    ("what was not read does not count", displays("db = dz", "db = q"), 0),
    ("something is wrong", displays("db = dz", "db = 1"), 1),
    ("nothing could be read", displays("db = q"), 2),
    ("there is nothing", "Solo palabras.\n", 2),
]


@pytest.mark.parametrize(("name", "text", "due"), CODES, ids=lambda value: str(value)[:40])
def test_exit_codes(name: str, text: str, due: int) -> None:
    assert check_text(text, [exercise("neurona")], suffix=".md").code == due, name


def test_a_statement_stands_where_it_starts() -> None:
    """Line and column in the file, from 1: of a row its own, of a part set off its own."""
    text = (
        "Los gradientes:\n\n$$\n\\begin{aligned}\ndb &= dz \\\\\ndW &= dz\\, x^T, \\quad dx = W^T dz\n"
        "\\end{aligned}\n$$\n\ny $db = dz$.\n"
    )
    found = check_text(text, [exercise("general")], suffix=".md").findings
    assert [(one.line, one.column) for one in found] == [
        (5, 1), (6, 1), (6, text.splitlines()[5].index("dx") + 1), (10, 4),
    ]  # fmt: skip
    assert [one.kind for one in found] == ["display", "display", "display", "inline"]
    assert {one.verdict for one in found} == {"correct"}


def test_cells_of_a_notebook() -> None:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["Primero\n", "\n", "$$dW = dz\\, x^T$$"]},
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None,
         "source": ["import numpy as np\n", "dx = W @ dz"]},
    ]  # fmt: skip
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    found = check_text(text, [exercise("general")], suffix=".ipynb").findings
    assert [(one.cell, one.line, one.verdict) for one in found] == [(1, 3, "correct"), (2, 2, "wrong")]


def test_two_mistakes_that_explain_a_line_equally_are_both_named() -> None:
    """y − ŷ: the sign, or the derivative with respect to y."""
    found = check_text(
        displays(r"\frac{dL}{d\hat y} = y - \hat y"), [exercise("neurona")], suffix=".md"
    ).findings
    ids = {row.id for row in found[0].mistakes}
    assert "sign" in ids
    assert len(ids) >= 2


def test_a_wrong_line_shows_the_right_one() -> None:
    found = check_text(displays("dx = W dz"), [exercise("general")], suffix=".md").findings
    assert found[0].expected is not None
    assert {row.id for row in found[0].mistakes} == {"transpose_missing"}


def test_the_reading_is_always_echoed() -> None:
    text = displays("dW = dz x^T", r"\frac{d\ell}{db} = dz", "dx = W dz")
    found = check_text(text, [exercise("general")], suffix=".md").findings
    assert len(found) == 3
    assert all(one.reading is not None or one.reading_text for one in found)
