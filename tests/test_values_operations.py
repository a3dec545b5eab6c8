"""Operations on whole arrays: by hand, and in every kind of number."""

from fractions import Fraction
from typing import Any

import pytest

from symbackprop.algebra.functions import OPERATIONS as NAMES
from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.algebra.values.evaluate import evaluate
from symbackprop.algebra.values.exact import Exact, bounds
from symbackprop.algebra.values.gfp import GFp
from symbackprop.algebra.values.operations import OPERATIONS
from symbackprop.algebra.values.run import directional

ENV: dict[str, Array[Fraction]] = {
    name: Array.from_nested(rows).map(Fraction)
    for name, rows in {
        "A": [[1, 2], [3, 4]],
        "B": [[1, 0, 2], [2, 1, -1]],
        "u": [1, 2, 3],
        "v": [2, -1, 0],
        "w": [3, 4],
        "a": 7,
        "r": [[5, 6]],
        "T": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]],
    }.items()
}


def value(text: str, **more: Any) -> Any:
    return evaluate(formula(text), ENV, Exact(), **more).nested()


def test_every_operation_has_a_value() -> None:
    assert set(OPERATIONS) == set(NAMES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("trace(A)", 5),
        ("trace(w w^T)", 25),
        ("diag(w)", [[3, 0], [0, 4]]),
        ("diag(A)", [1, 4]),
        ("diag(w) A", [[3, 6], [12, 16]]),
        ("eye(2)", [[1, 0], [0, 1]]),
        ("eye(n + 1) u - u", [0, 0, 0]),
        ("zeros(2)", [0, 0]),
        ("zeros(n, 1)", [[0], [0]]),
        ("dot(u, v)", 0),
        ("dot(u, u + 1)", 20),
        ("outer(w, u)", [[3, 6, 9], [4, 8, 12]]),
        ("onehot(2, 3)", [0, 1, 0]),
        ("onehot(n, n)", [0, 1]),
        ("stack(w, u)", [3, 4, 1, 2, 3]),
        ("stack(w, a, 1)", [3, 4, 7, 1]),
        ("stack(A, r)", [[1, 2], [3, 4], [5, 6]]),
        ("hstack(A, w)", [[1, 2, 3], [3, 4, 4]]),
        ("hstack(w, w, B)", [[3, 3, 1, 0, 2], [4, 4, 2, 1, -1]]),
        ("hstack(a, r)", [[7, 5, 6]]),
        ("sum(T)", 36),
        ("mean(T)", "9/2"),
        ("sum(T * T - T)", 204 - 36),
        ("||T||_F^2", 204),
        ("relu(3 - T)", [[[2, 1], [0, 0]], [[0, 0], [0, 0]]]),
        ("T[2,:,1]", [5, 7]),
        ("T[1,:,:]", [[1, 2], [3, 4]]),
        ("T[1:1,2,:]", [[3, 4]]),
        ("u[2:3]", [2, 3]),
        ("u[n:3]", [2, 3]),
        ("B[:, 2:3]", [[0, 2], [1, -1]]),
        ("B[2:2, :]", [[2, 1, -1]]),
        ("B[2, 2:3]", [[1, -1]]),
        ("B[1:2, 3]", [2, -1]),
        ("softmax(0 u)", ["1/3", "1/3", "1/3"]),
        ("softmax(5 + 0 w)", ["1/2", "1/2"]),
        ("cross_entropy_logits(0 u, onehot(1, 3)) - log(3)", 0),
    ],
)
def test_by_hand(text: str, expected: Any) -> None:
    found = evaluate(formula(text), ENV, Exact(), sizes={"n": 2})
    assert found.shape == Array.from_nested(expected).shape
    for entry, right in zip(found.entries, Array.from_nested(expected).entries, strict=True):
        low, high = bounds(entry)
        assert low <= Fraction(right) <= high
        assert high - low < Fraction(1, 10**30)


@pytest.mark.parametrize(
    "text",
    [
        "trace(B)", "trace(u)", "diag(B)", "dot(u, w)", "dot(A, A)", "outer(A, u)", "stack(A, u)",
        "stack(A, B)", "hstack(A, u)", "zeros(0)", "zeros(a)", "onehot(4, 3)", "onehot(0, 3)", "eye(1/2)",
        "trace(A, axis = 0)", "dot(u)", "T w", "T^T", "stack(T, T)", "sum(T, axis = 0)", "softmax(T)",
        "softmax(u, axis = 1)", "cross_entropy_logits(u, w)", "cross_entropy_logits(u)", "eye(9999)",
    ],
)  # fmt: skip
def test_what_does_not_fit(text: str) -> None:
    with pytest.raises(EvaluationError):
        value(text)


def same(left: str, right: str, env: dict[str, Array[int]], domain: GFp) -> bool:
    found = [evaluate(formula(text), env, domain).entries for text in (left, right)]
    return found[0] == found[1]


def test_cross_entropy_of_logits_in_other_words() -> None:
    """Rows, columns and a single vector, modulo p: Σ −t log p with p = softmax(z)."""
    domain = GFp(5)
    env = {name: domain.draw_array((2, 3)) for name in ("Z", "T")}
    env |= {name: domain.draw_array((3,)) for name in ("z", "t")}
    assert same("cross_entropy_logits(z, t)", "-sum(t * log_softmax(z))", env, domain)
    assert same("cross_entropy_logits(Z, T)", "-sum(T * log_softmax(Z))", env, domain)
    columns = "-sum(T * log_softmax(Z, axis = 0))"
    assert same("cross_entropy_logits(Z, T, axis = 0)", columns, env, domain)
    assert same("log_softmax(z)", "log_softmax(z)", env, domain)
    assert not same("cross_entropy_logits(Z, T)", columns, env, domain)
    rows = "log_softmax(Z[1,:]^T[:,1]) - log_softmax(Z)[1,:]^T[:,1]"
    assert set(evaluate(formula(rows), env, domain).entries) == {0}


def test_the_slope_of_cross_entropy_of_logits() -> None:
    """dz = (Σt) softmax(z) − t, in dual numbers against the formula."""
    domain = GFp(6)
    env = {name: domain.draw_array((4,)) for name in ("z", "t")}
    direction: Array[int] = domain.draw_array((4,))
    from symbackprop.algebra.values.evaluate import Evaluator

    equations = [("L", formula("cross_entropy_logits(z, t)"))]
    found = directional(equations, env, {"z": direction}, Evaluator(domain))
    slope = evaluate(formula("sum(t) softmax(z) - t"), env, domain)
    assert found == domain.dot(slope.entries, direction.entries)


def test_large_logits_have_a_softmax() -> None:
    env = {"z": Array((2,), (Fraction(10**7), Fraction(10**7 - 1)))}
    found = evaluate(formula("softmax(z)"), env, Exact()).entries
    low, high = bounds(found[0])
    assert low < high < Fraction(731059, 10**6)  # 1/(1 + 1/e) = 0.7310585786…
    assert low > Fraction(731058, 10**6)
