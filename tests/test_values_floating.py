"""Whole arrays of floats mean what the exact evaluator says, entry by entry."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from symbackprop.algebra.functions import ALIASES, OPERATIONS, ROWS, Function, Piece
from symbackprop.algebra.slopes import slope
from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError, Missing
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact, bounds
from symbackprop.algebra.values.floating import indices
from symbackprop.algebra.values.floating.atoms import WHOLE, Dual, atom, power
from symbackprop.algebra.values.floating.calls import _OPERATIONS
from symbackprop.algebra.values.floating.evaluate import Floating
from symbackprop.notation.read import Vocabulary, read
from symbackprop.notation.tree import Node

SHAPES = {
    "a": (), "c": (), "u": (2,), "v": (3,), "w": (3,), "A": (2, 3), "B": (3, 4), "C": (2, 3), "S": (3, 3),
    "o": (1,), "M": (1, 1), "r": (1, 3), "x": (6,), "X": (5, 6), "K": (2, 3), "T": (2, 2, 3),
    "Q": (2, 1, 3, 2),
}  # fmt: skip
SIZES = {"n": 3, "m": 2}
WORDS = Vocabulary(functions={**ALIASES, **{name: name for name in OPERATIONS}}, names=None)


def arrays(seed: int = 1) -> dict[str, Array[Fraction]]:
    source = random.Random(seed)

    def entries(shape: tuple[int, ...]) -> Iterator[Fraction]:
        for _ in range(int(np.prod(shape))):
            yield Fraction(source.randrange(-300, 300), 97)

    return {name: Array(shape, tuple(entries(shape))) for name, shape in SHAPES.items()}


EXACT = arrays()
FLOATS = {
    name: np.array([float(one) for one in array.entries]).reshape(array.shape)
    for name, array in EXACT.items()
}


def node_of(text: str) -> Node:
    return read(text, WORDS)


def floats(text: str, **more: Any) -> Any:
    with np.errstate(all="ignore"):
        return Floating(SIZES, **more).evaluate(node_of(text), FLOATS)


def middle(entry: Any) -> float:
    return float(sum(bounds(entry)) / 2)


FORMULAS = """
A v | A B | v w^T | v^T w | v^T A^T | a A + 1 | A ⊙ C | A * C | o v | v o | M A | o + a | a - M | r + r
A / a | a / A | A / C | A^T | v^T | a^T | -v | 1/2 A - C + A | ||v|| | ||v||^2 | ||A||_F^2 | ||A - C||_F
||v||_1 | ||v||^4 | v ⊙ ones(3) | ones(n) v^T | ones(2)^T A | 2 a c v | (a)^3 | a^(-2) | 2^a | (1 + a^2)^c
(1 + a^2)^(1/2) | pi a | sum(A) | mean(A) | sum(A, axis = 0) | mean(A, axis = 1) | sum(v, axis = 0)
sum(square(v)) | sum(T) | mean(Q) | softmax(v) | softmax(A) | softmax(A, axis = 0) | log_softmax(A)
log_softmax(v) | cross_entropy_logits(v, w) | cross_entropy_logits(A, C) | trace(S) | diag(S) | diag(v)
eye(n) | zeros(m, n) | zeros(2) | dot(v, w) | outer(u, v) | onehot(2, 3) | stack(v, u, a) | stack(A, C)
hstack(A, C, u) | T + a | T ⊙ T | tanh(Q) | v[2:3] | A[:, 2:3] | A[1:2, :] | A[2,:] | A[:,2] | x[n] | S[2,3]
T[1,2,:] | Q[:,1,2,1] | (A B)[2,4] | x[m + 1:2 m] | tanh(A)
sigmoid(v) + swish(v) + softplus(v) + gelu(v) + elu(v, alpha = 2) + gelu_tanh(v) | exp(-v)
erf(v) + log(9 + dot(v, v)) | relu(A) + leaky_relu(A) + abs(A) | leaky_relu(A, slope = 1/5)
elu(v, alpha = a) | max(v, w) + min(v, a) | max(a, A) | tanh'(A)
sigmoid'(v) + swish'(v) + softplus'(v) + gelu'(v) + elu'(v, alpha = 2) + gelu_tanh'(v) | identity'(v)
relu'(A) + leaky_relu'(A) + abs'(A) | tanh''(v) | elu''(v) | sin'(v) + cos''(v) + erf'(v) + exp'(v)
max'(v, w) | half_squared_error(v, w) | mse(A, C) | huber(v, w, delta = 1/2) | hinge(v, w) | mse(v, 1)
squared_error(o, a) | bce_logits(A, C) | absolute_error(a, o) | mse'(v, w) | huber'(v, w)
sum(i = 1..3: v[i] w[i]) | sum(i = 1..n: v[i]) | sum(i = 1..3: i v[i]) | sum(i = 1..3: 2)
sum(i = 1..2: A[i,:] v) | sum(i = 2..1: v[i]) | sum(i = 1..3: sum(j = 1..i: S[i,j]))
sum(i = 1..3: sum(j = 1..3: S[i,j] where j <= i)) | sum(i = 1..2: ||A[:,i]||^2) | sum(i = 1..3: v[i]^i)
sum(i = 1..3, j = 1..2: A[j,i] tanh(v[i] + u[j]))
entries(i = 1..5, j = 1..4: sum(b = 1..3: K[1,b] X[i, j + b - 1])) | entries(i = 1..3: (S v)[i])
entries(i = 1..3: 1) | entries(i = 1..6: sum(b = 1..3: v[b] x[i + b - 2] where 1 <= i + b - 2 <= 6))
entries(i = 1..3: v[i] where i >= 2) | entries(i = 1..2: sum(b = 1..3: v[b] x[2 i + b - 1]))
entries(i = 1..3: sum(j = 1..3: S[i,j] v[j]) tanh(w[i]))
entries(i = 1..2, j = 1..2, k = 1..3: T[i,j,k] + A[i,k]) | entries(i = 1..3: i^2 v[i])
entries(i = 1..3: max(v[i], w[i])) | entries(i = 1..2, j = 1..3: sum(k = 1..3: S[j,k] where k < j) A[i,j])
entries(i = 1..3: softmax(v)[i]) | entries(i = 1..2: A[i,:] v) | entries(i = 1..3: dot(S[:,i], v))
entries(i = 1..2: stack(u[i], v)[2]) | entries(i = 1..3: leaky_relu(v[i], slope = 1/5))
"""
CASES = [text.strip() for text in FORMULAS.replace("\n", " | ").split(" | ") if text.strip()]


@pytest.mark.parametrize("text", CASES)
def test_like_the_exact_evaluator(text: str) -> None:
    exact = Evaluator(Exact(256), SIZES).evaluate(node_of(text), EXACT, like=(3,))
    expected = np.array([middle(entry) for entry in exact.entries]).reshape(exact.shape)
    found = floats(text)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def test_there_are_cases_for_every_operation_and_every_public_row() -> None:
    assert set(_OPERATIONS) == OPERATIONS
    shown = " ".join(CASES)
    assert [name for name in OPERATIONS if f"{name}(" not in shown] == []
    untested = {"bce", "cross_entropy"}  # they need numbers between 0 and 1: see the next test
    rows = {
        row.name for row in ROWS if row.public and f"{row.name}(" not in shown and f"{row.name}'" not in shown
    }
    assert rows <= untested | {"cos", "sin", "sqrt", "square"}


@pytest.mark.parametrize("text", ["bce(p, t)", "cross_entropy(p, t)", "bce'(p, t)"])
def test_losses_of_probabilities(text: str) -> None:
    p, t = (Fraction(1, 3), Fraction(1, 2)), (Fraction(1), Fraction(1, 4))
    exact = Evaluator(Exact(256)).evaluate(node_of(text), {"p": Array((2,), p), "t": Array((2,), t)})
    env = {"p": np.array([float(one) for one in p]), "t": np.array([float(one) for one in t])}
    found = Floating().evaluate(node_of(text), env)
    np.testing.assert_allclose(found.ravel(), [middle(entry) for entry in exact.entries], rtol=1e-14)


# --- elementary functions ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_slopes_are_what_sympy_finds(name: str) -> None:
    """The slope that stands in the table against the derivative of the row's formula."""
    row = next(one for one in ROWS if one.name == name)
    derived = slope(row, lambda text, _: formula(text)).branches[0].value
    places = [Fraction(k, 7) for k in range(1 if name in {"log", "sqrt"} else -25, 26)]
    exact = Evaluator(Exact(256))
    expected = [middle(exact.evaluate(derived, {"u": Array((), (place,))}).item) for place in places]
    moved = atom(name, Dual(np.array([float(one) for one in places]), 1.0))
    slopes = np.broadcast_to(moved.slope, len(places))
    np.testing.assert_allclose(slopes, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("sigmoid(z)", -800.0, 0.0),
        ("sigmoid(z)", 800.0, 1.0),
        ("softplus(z)", 800.0, 800.0),
        ("softplus'(z)", 800.0, 1.0),
        ("swish(z)", -800.0, 0.0),
        ("swish'(z)", -800.0, 0.0),
        ("tanh(z)", 800.0, 1.0),
        ("tanh'(z)", -800.0, 0.0),
        ("sigmoid'(z)", 900.0, 0.0),
        ("bce_logits(z, 1)", 1000.0, 0.0),
        ("softmax(stack(z, 0))[1]", 1000.0, 1.0),
        ("log_softmax(stack(z, 0))[2]", 1000.0, -1000.0),
        ("elu(z)", -1000.0, -1.0),
        ("elu(z)", 900.0, 900.0),
    ],
)
def test_nothing_overflows_that_need_not(text: str, at: float, expected: float) -> None:
    with np.errstate(over="ignore"):
        assert Floating().evaluate(node_of(text), {"z": np.array(at)}) == expected


def test_what_has_no_value_is_no_number() -> None:
    with np.errstate(all="ignore"):
        assert np.isnan(Floating().evaluate(node_of("sqrt(z)"), {"z": np.array(-1.0)}))
        assert np.isneginf(Floating().evaluate(node_of("log(z)"), {"z": np.array(0.0)}))
        assert np.isnan(Floating().evaluate(node_of("relu'(z)"), {"z": np.array(np.nan)}))
        assert np.isinf(Floating().evaluate(node_of("1 / z"), {"z": np.array(0.0)}))


def test_dual_numbers() -> None:
    u = Dual(3.0, 1.0)
    assert (u * u * u).slope == 27
    assert (2.0 / u).slope == pytest.approx(-2 / 9)
    assert (1.0 - u).slope == -1
    assert (u - 1.0).value == 2
    assert power(u, 0.0).slope == 0
    assert power(u, u).slope == pytest.approx(27 * (1 + np.log(3)))
    second = atom("exp", Dual(Dual(1.0, 1.0), 1.0))
    assert second.slope.slope == pytest.approx(np.e)


# --- kinks -------------------------------------------------------------------------------------------

AT_KINKS = [
    ("relu'(z)", {}, 0.0),
    ("relu'(z)", {"relu": {Fraction(0): Fraction(1)}}, 1.0),
    ("abs'(z)", {}, 0.0),
    ("abs'(z)", {"abs": {Fraction(0): Fraction(1, 2)}}, 0.5),
    ("leaky_relu'(z)", {}, 0.01),
    ("max'(z, 0)", {}, 0.5),
    ("min'(z, 0)", {}, 0.5),
    ("elu'(z)", {}, 1.0),
    ("hinge'(1 + z, 1)", {}, 0.0),
    ("huber'(z + 1, 0)", {}, 1.0),
]


@pytest.mark.parametrize(("text", "kinks", "expected"), AT_KINKS)
def test_slopes_at_kinks(text: str, kinks: Any, expected: float) -> None:
    """The convention in force, as in exact numbers."""
    exact = Evaluator(Exact(64), kinks=kinks).evaluate(node_of(text), {"z": Array((), (Fraction(0),))})
    found = Floating(kinks=kinks).evaluate(node_of(text), {"z": np.array(0.0)})
    assert found == expected == middle(exact.item)


def test_a_function_of_ones_own() -> None:
    """By cases, with a bound that an option says, a tie, and a call of another row."""
    row = Function(
        name="bend", kind="elementwise", latex="b", typst="b", plain="bend", on="u", tie="1/4",
        pieces=(Piece("square(u) + tanh(u - c)", "c"), Piece("square(u)")), options=(("c", "1/2"),),
    )  # fmt: skip
    words = Vocabulary(functions={**WORDS.functions, "bend": "bend"}, names=None)
    for text in ("bend(v)", "bend'(v)", "bend(v, c = 1)", "bend'(stack(1/2, v))", "bend''(v)"):
        node = read(text, words)
        exact = Evaluator(Exact(256), functions={"bend": row}).evaluate(node, EXACT)
        found = Floating(functions={"bend": row}).evaluate(node, FLOATS)
        np.testing.assert_allclose(found, [middle(one) for one in exact.entries], rtol=1e-12)


# --- indices -----------------------------------------------------------------------------------------


def test_a_long_sum_goes_term_by_term(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [text for text in CASES if "sum(i" in text or "sum(b" in text or "sum(j" in text]
    before = [floats(text) for text in texts]
    monkeypatch.setattr(indices, "AT_ONCE", 4)
    for text, expected in zip(texts, before, strict=True):
        np.testing.assert_allclose(floats(text), expected, rtol=1e-13, atol=1e-14)
    assert len(texts) > 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("v[4]", "outside"),
        ("A[1:3,:]", "outside"),
        ("sum(i = 1..4: v[i])", "outside"),
        ("A + B", "do not fit"),
        ("A A", "do not fit in a product"),
        ("T^T", "two axes"),
        ("sum(i = 1..3: A)", "single number"),
        ("entries(i = 1..3: v[i] where i >= 1) + A", "do not fit"),
        ("v[1,2]", "2 indices"),
        ("ones(q)", "neither"),
        ("sum(i = 1..3: v[i + 1] where i <= 3)", "outside"),
        ("sum(v, axis = 2)", "axis"),
    ],
)
def test_what_has_no_meaning(text: str, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        floats(text)


def test_a_guard_hides_what_is_not_there() -> None:
    assert floats("sum(i = 1..4: v[i] where i <= 3)") == pytest.approx(FLOATS["v"].sum())


def test_names_without_value() -> None:
    with pytest.raises(Missing):
        floats("unknown + 1")
    generic = Function(name="g", kind="elementwise", latex="g", typst="g", plain="g", pieces=())
    words = Vocabulary(functions={"g": "g"}, names=None)
    with pytest.raises(Missing):
        Floating(functions={"g": generic}).evaluate(read("g'(a)", words), FLOATS)
