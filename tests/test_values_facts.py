"""Points that fulfil facts: the equations are solved, in a field and in the real numbers."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbackprop.algebra.values.affine import Affine, Affines, replaced, solved
from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Symbolic
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact
from symbackprop.algebra.values.gfp import GFp
from symbackprop.derivation.fulfil import FactFails, fulfilled
from symbackprop.derivation.model import Model
from symbackprop.derivation.numbers import evaluator
from symbackprop.derivation.points import Point, allowed, point, real_points
from symbackprop.exercise import Exercise, ExerciseError, from_dict

DOMAIN: Affines[Fraction] = Affines(Exact())


def form(constant: int, *parts: int) -> Affine[Any]:
    return Affine(Fraction(constant), {i: Fraction(part) for i, part in enumerate(parts) if part})


# --- affine forms ------------------------------------------------------------------------------


def test_an_equation_shows_its_coefficients() -> None:
    env = {"t": Array((3,), tuple(map(DOMAIN.unknown, range(3)))), "a": Array((), (form(2),))}
    made = Evaluator(DOMAIN).evaluate(formula("a (sum(t) - t[1]) / 4 - mean(t) + 3"), env).item
    third = Fraction(1, 3)
    assert made == Affine(Fraction(3), {0: -third, 1: Fraction(1, 2) - third, 2: Fraction(1, 2) - third})


@pytest.mark.parametrize("text", ["t[1] t[2]", "||t||^2", "1 / t[1]", "exp(t[1])", "relu(t[1])", "t[1]^2"])
def test_what_is_not_affine(text: str) -> None:
    env = {"t": Array((3,), tuple(map(DOMAIN.unknown, range(3))))}
    with pytest.raises(Symbolic):
        Evaluator(DOMAIN).evaluate(formula(text), env)


@given(st.lists(st.tuples(*(st.integers(-2, 2),) * 5), min_size=1, max_size=5))
def test_elimination_solves_every_equation(rows: list[tuple[int, ...]]) -> None:
    """Right sides are chosen so that (1, 2, 3, 4, 5) is a solution; any free choice extends."""
    truth = (1, 2, 3, 4, 5)
    forms = [form(-sum(a * b for a, b in zip(row, truth, strict=True)), *row) for row in rows]
    found = solved(forms, DOMAIN)
    assert found is not None
    chosen = {i: DOMAIN.from_fraction(Fraction(7 * i + 1, 3)) for i in range(5)}
    full = chosen | {i: replaced(answer, chosen, DOMAIN) for i, answer in found.items()}
    assert all(DOMAIN.is_zero(replaced(one, full, DOMAIN)) for one in forms)


def test_a_contradiction_is_found() -> None:
    assert solved([form(-1, 1, 1), form(-2, 1, 1)], DOMAIN) is None
    assert solved([form(-1, 1, 1), form(-2, 2, 2)], DOMAIN) is not None


# --- points ------------------------------------------------------------------------------------


def exercise(facts: list[str], model: Mapping[str, str], shapes: Mapping[str, list[str]]) -> Exercise:
    return from_dict({"model": model, "shapes": shapes, "assume": {"facts": facts}})


def classifier(*facts: str) -> Exercise:
    model = {"z": "W x + b", "p": "softmax(z)", "L": "-sum(t * log(p))"}
    return exercise(list(facts), model, {"W": ["k", "n"], "t": ["k"]})


def at(one: Exercise, **sizes: int) -> Point:
    return point(Model.of(one), sizes, "random", "0")


def holds(one: Exercise, text: str, **sizes: int) -> bool:
    """Whether `text` is 0 at a random point."""
    here = at(one, **sizes)
    working = evaluator(Model.of(one), here.domain, sizes)
    values = working.evaluate(formula(text), here.values)
    return all(here.domain.is_zero(entry) for entry in values.entries)


def test_targets_that_sum_to_one() -> None:
    assert holds(classifier("sum(t) = 1"), "sum(t) - 1", k=4, n=2)
    assert not holds(classifier(), "sum(t) - 1", k=4, n=2)
    assert holds(classifier("1^T t = 1", "t[1] = t[2]", "t > 0"), "t[1] - t[2] + sum(t) - 1", k=4, n=2)
    assert holds(classifier("mean(t) = 1/2"), "sum(t) - 2", k=4, n=2)
    assert holds(classifier("sum(t) = 1", "sum(p) = 1"), "sum(t) - 1", k=3, n=2)


def test_rows_and_columns_of_a_matrix() -> None:
    shapes = {"T": ["N", "k"], "Y": ["N", "k"]}
    both = exercise(["T 1 = 3", "1^T T = 2", "sum(Y, axis = 1) = 1"], {"L": "||T - Y||_F^2"}, shapes)
    rows, columns, others = "T ones(k) - 3", "ones(N)^T T - 2", "Y ones(k) - 1"
    assert holds(both, f"sum({rows}) + sum({columns})", N=2, k=3)
    assert holds(both, rows, N=2, k=3)
    assert holds(both, columns, N=2, k=3)
    assert holds(both, others, N=2, k=3)


def test_facts_about_two_names() -> None:
    shapes: dict[str, list[str]] = {"x": [], "y": []}
    assert holds(exercise(["x + 2 y = 1"], {"L": "x^2 y"}, shapes), "x + 2 y - 1")
    # not linear in both together, but in one with the other drawn
    inner = exercise(["u^T v = 1"], {"L": "||u - v||^2"}, {"u": ["n"]})
    assert holds(inner, "u^T v - 1", n=3)


def test_label_smoothing_follows() -> None:
    model = {"s": "(1 - a) t + a / k * ones(k)", "L": "cross_entropy(p, s)"}
    shapes = {"t": ["k"], "p": ["k"], "a": []}
    assert holds(exercise(["sum(t) = 1", "sum(s) = 1"], model, shapes), "sum(s) - 1", k=3)
    with pytest.raises(ExerciseError, match=r"assume.facts: “sum\(s\) = 1” does not follow.*s, which"):
        at(exercise(["sum(s) = 1"], model, shapes), k=3)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (["||t||^2 = 1"], r"“\|\|t\|\|\^2 = 1” is not linear in t"),
        (["sum(t) = 1", "sum(z) = 1"], r"“sum\(z\) = 1” does not follow from the model"),
        (["sum(t) = 1", "sum(t) = 2"], r"“sum\(t\) = 2” cannot hold, with the other facts"),
    ],
)
def test_facts_that_cannot_be_used(facts: list[str], message: str) -> None:
    with pytest.raises(FactFails, match=message):
        at(classifier(*facts), k=3, n=2)


def test_real_points_stay_positive() -> None:
    """In the real numbers what follows from the others is a probability too, so that it has a logarithm."""
    one = classifier("sum(t) = 1", "sum(p) = 1")
    made = next(real_points(Model.of(one), {"k": 5, "n": 2}, "0"))
    assert made.real
    assert sum(made.values["t"].entries) == 1
    assert min(made.values["t"].entries) > 0
    with pytest.raises(FactFails):
        next(real_points(Model.of(classifier("sum(z) = 1")), {"k": 5, "n": 2}, "0"))


@pytest.mark.parametrize(
    ("sizes", "shape", "expected"),
    [
        ({"m": 2, "r": 5}, ("m - r + 1",), {"m": 6, "r": 5}),
        ({"m": 6, "r": 3}, ("m - r + 1", "m"), {"m": 6, "r": 3}),
        ({"m": 2, "r": 2}, ("2 m - 3 r",), {"m": 4, "r": 2}),
        ({"n": 3}, ("n", "n + 1", 4), {"n": 3}),
    ],
)
def test_computed_sizes_are_positive(sizes: Any, shape: Any, expected: Any) -> None:
    assert allowed(sizes, [shape]) == expected


def test_facts_in_a_large_batch_are_fast() -> None:
    """One row after another, not one system of all."""
    one = exercise(["T 1 = 1"], {"L": "||T||_F^2"}, {"T": ["N", "k"]})
    domain = GFp(1)
    working = evaluator(Model.of(one), domain, {"N": 200, "k": 10})
    made = fulfilled(one, working, {"T": domain.draw_array((200, 10))})["T"]
    assert {sum(row) % domain.modulus for row in made.rows()} == {1}
