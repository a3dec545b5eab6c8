"""Exercises with index equations, computed sizes, arrays of three and four axes, and facts about rows."""

from fractions import Fraction
from typing import Any

import pytest

from symbackprop.exercise import Exercise, ExerciseError, from_parts, from_text
from symbackprop.notation import tree

CONVOLUTION = (
    '[model]\n"y[i,j]" = "sum(a, b: K[a,b] x[i + a - 1, j + b - 1])"\nL = "1/2 ||y - t||_F^2"\n'  # 1 to 3
)
SIZES = '[shapes]\nx = ["m", "n"]\nK = ["r", "s"]\n'
NUMBERS = "[values]\nx = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]\nK = [[1, 2], [3, 4]]\n"  # 4 to 6


def faults(text: str) -> list[str]:
    with pytest.raises(ExerciseError) as caught:
        from_text(text, key="case")
    return [str(fault).splitlines()[0] for fault in caught.value.faults]


# --- what is read -----------------------------------------------------------------------


def test_a_convolution_of_any_size() -> None:
    exercise = from_text(CONVOLUTION + SIZES)
    assert exercise.shapes["y"] == exercise.shapes["t"] == ("m - r + 1", "n - s + 1")
    assert exercise.sizes == ("r", "s", "m", "n")
    assert exercise.declared_sizes == {"m": "m", "n": "n", "r": "r", "s": "s"}
    assert exercise.computed == ("y", "L")
    assert exercise.given == ("K", "x", "t")
    assert exercise.wanted == ("K", "x")
    body = exercise.equations[0].body
    assert isinstance(body, tree.Entrywise)
    assert body.indices == ("i", "j")
    assert exercise.equations[0].text == "sum(a, b: K[a,b] x[i + a - 1, j + b - 1])"


def test_a_convolution_of_numbers() -> None:
    exercise = from_text(CONVOLUTION + NUMBERS + SIZES)
    assert exercise.shapes["y"] == (2, 2)
    assert exercise.sizes == ()
    assert exercise.declared_sizes == {"m": 3, "n": 3, "r": 2, "s": 2}


def test_a_declared_computed_size() -> None:
    declared = CONVOLUTION + SIZES + 'y = ["m - r + 1", "1 - s + n"]\n'
    assert from_text(declared).shapes["y"] == ("m - r + 1", "n - s + 1")
    assert from_text(declared + NUMBERS).shapes["y"] == (2, 2)


def test_one_name_is_learnt_from_a_computed_size() -> None:
    """t has 4 places, so m − r + 1 = 4, and r = 2 says that m = 5."""
    text = '[model]\n"y[i]" = "sum(a: K[a] x[i + a - 1])"\nL = "||y - t||^2"\n'
    text += '[shapes]\nx = ["m"]\nK = ["r"]\nt = ["m - r + 1"]\n[values]\nK = [1, 2]\nt = [1, 2, 3, 4]\n'
    exercise = from_text(text)
    assert exercise.shapes["x"] == (5,)
    assert exercise.declared_sizes == {"m": 5, "r": 2}


def test_padding_is_a_guard() -> None:
    text = '[model]\n"y[i]" = "sum(a: K[a] x[i + a - 2] where 1 <= i + a - 2 <= m)"\nL = "sum(y)"\n'
    text += '[shapes]\nx = ["m"]\ny = ["m"]\n[values]\nK = [1, 2, 1]\n'
    assert from_text(text).shapes["y"] == ("m",)
    assert from_text(text + "x = [1, 2, 3, 4]\n").shapes["y"] == (4,)


def test_values_with_three_and_four_axes() -> None:
    exercise = from_parts(
        model={"y[o]": "sum(c, a, b: K[o,c,a,b] x[c,a,b])", "L": "sum(y)"},
        values={"x": [[[1, 2], [3, "1/2"]]], "K": [[[[1, 2], [3, 4]]], [[[5, 6], [7, 8]]]]},
    )
    assert exercise.values["x"].shape == (1, 2, 2)
    assert list(exercise.values["x"].entries) == [Fraction(n, 2) for n in (2, 4, 6, 1)]
    assert exercise.values["K"].shape == (2, 1, 2, 2)
    assert list(exercise.values["K"].entries) == list(map(Fraction, range(1, 9)))
    assert exercise.shapes["y"] == (2,)


@pytest.mark.parametrize(
    ("facts", "checked"),
    [
        (["sum(T, axis = 1) = 1", "T 1 = 1"], [True, True]),
        (["sum(P, axis = 1) = 1"], [None]),
    ],
)
def test_facts_about_rows(facts: list[str], checked: list[bool | None]) -> None:
    exercise = from_parts(
        model={"P": "softmax(Z)", "L": "cross_entropy(P, T)"},
        values={"Z": [[1, 2], [3, 4]], "T": [[1, 0], ["1/2", "1/2"]]},
        facts=facts,
    )
    assert [fact.text for fact in exercise.facts] == facts
    for fact, known in zip(exercise.facts, checked, strict=True):
        assert known is None or fact.checked is known


def test_a_fact_about_rows_that_the_values_contradict() -> None:
    text = '[model]\nL = "sum(T)"\n[values]\nT = [[1, 0], [1, 1]]\n[assume]\nfacts = ["T 1 = 1"]\n'
    (fault,) = faults(text)
    assert fault.startswith("case.toml:6: assume.facts: the values contradict “T 1 = 1”. Change the values")


# --- what is refused --------------------------------------------------------------------

REFUSED: list[tuple[str, str, str]] = [
    (
        "a target of another size", CONVOLUTION + NUMBERS + "t = [[1, 2, 3], [4, 5, 6]]\n",
        "case.toml:3: model.L: y is 2×2 and t is 2×3: 2 ≠ 3",
    ),
    (
        "a value against a computed size",
        CONVOLUTION + NUMBERS + "t = [[1, 2, 3], [4, 5, 6]]\n" + SIZES + 't = ["m - r + 1", "n - s + 1"]\n',
        "case.toml:7: values.t: t is 2×3, and shapes.t says n - s + 1 = 2: 3 ≠ 2",
    ),
    (
        "an index that names something", '[model]\n"y[x]" = "x[1]"\nL = "sum(y)"\n[values]\nx = [1]\n',
        "case.toml:2: model.y[x]: “x” is a name of the model. An index is a letter that names nothing else.",
    ),
    (
        "one index twice", '[model]\n"y[i,i]" = "x[i]"\nL = "sum(y)"\n[values]\nx = [1]\n',
        "case.toml:2: model.y[i,i]: the index “i” stands twice. Each index has its own letter; a diagonal is",
    ),
    (
        "an index without a sum", '[model]\n"y[i]" = "A[i,j]"\nL = "sum(y)"\n[values]\nA = [[1]]\n',
        "case.toml:2: model.y[i]: no sum binds the index j. Write a number, or sum(j = 1..n: …).",
    ),
    (
        "a guard without a size", '[model]\n"y[i]" = "x[i] where i <= q"\nL = "sum(y)"\n[values]\nx = [1]\n',
        'case.toml:2: model.y[i]: q is no index here, and no size. Write a number, or x = ["q"] under',
    ),
    (
        "a recurrence", '[model]\n"y[t]" = "w y[t - 1] where t >= 2"\nL = "sum(y)"\n',
        "case.toml:2: model.y[t]: y is defined through itself. Give each step a name of its own: y1, y2, …",
    ),
    (
        "a key without quotes", '[model]\ny[i] = "x[i]"\n',
        "case.toml:2: this is not TOML: Expected '=' after a key in a key/value pair. A name with other",
    ),
    (
        "indices among the values", '[model]\nL = "sum(y)"\n[values]\n"y[i]" = [1]\n',
        "case.toml:4: values.y[i]: this is not a name. The name alone: y.",
    ),
    (
        "an index equation as the loss", '[model]\n"y[i]" = "x[i]"\n[values]\nx = [1, 2]\n',
        "case.toml:2: model.y[i]: the loss y must be a scalar, and this is 2×1. Did you mean 1/2 ||…||^2",
    ),
    (
        "a computed size of nothing",
        '[model]\nL = "sum(x) + sum(u)"\n[shapes]\nx = ["m - 3"]\nu = ["m"]\n[values]\nu = [1, 2]\n',
        "case.toml:2: model.L: x would have -1 places along an axis",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED])
def test_one_fault_and_no_consequence(text: str, expected: str) -> None:
    (fault,) = faults(text)
    assert fault.startswith(expected)


def test_a_bare_key_is_advised_to_be_quoted() -> None:
    (fault,) = faults('[model]\ny[i,j] = "x[j,i]"\n')
    assert fault.endswith('needs quotes: "y[i,j]" = …')


# --- names that are taken for something ---------------------------------------------------


def test_a_small_letter_taken_for_a_matrix_is_a_warning() -> None:
    def read(**more: Any) -> Exercise:
        model = {"z": "w x + b", "L": "||z||^2"}
        return from_parts(model=model, values={"x": [1, 2, 3], "b": [1, 2]}, **more)

    (warning,) = read().warnings
    assert warning == "w has no value and is taken for a 2×3 matrix; [shapes] can say otherwise"
    assert read(shapes={"w": ["k", "n"]}).warnings == ()
    indexed = from_parts(model={"y[i]": "sum(j: k[i,j] x[j])", "L": "sum(y)"}, values={"x": [1, 2]})
    assert indexed.warnings == ()


def test_a_slip_is_found_beside_a_formula_that_cannot_be_read() -> None:
    text = '[model]\nz = "W x +"\nyhat = "relu(z)"\nL = "sum(yhat - y)"\n[values]\nyhatt = [1]\nq = 1\n'
    found = faults(text)
    assert "case.toml:6: values.yhatt: no equation uses yhatt. Did you mean yhat?" in found
    assert not any("uses q" in fault for fault in found)


def test_a_sum_without_terms_is_no_sum() -> None:
    (said,) = faults('[model]\nL = "sum(i = 3..2: x[i])"\n[values]\nx = [1, 2, 3]\n')
    assert said.endswith("model.L: the sum has no terms: i runs from 3 to 2")
    from_text('[model]\nL = "sum(i = 3..3: x[i])"\n[values]\nx = [1, 2, 3]\n')


def test_greek_letters_are_no_slips_of_one_another() -> None:
    """`beta` beside `eta` is a name of its own, as in a generalised linear model."""
    shapes = '[shapes]\nX = ["m", "n"]\n'
    exercise = from_text('[model]\neta = "X beta"\nL = "sum(exp(eta)) - y^T eta"\n' + shapes)
    assert exercise.shapes["beta"] == ("n",)


def test_a_product_of_size_one_is_no_number() -> None:
    values = "[values]\ns = [1, 2, 3]\nt = [0, 1, 0]\n"
    (said,) = faults('[model]\nc = "t^T s"\nL = "sum(relu(s - c + 1))"\n' + values)
    assert "model.L: s is 3×1 and c is 1×1: 3 ≠ 1. c is a vector with one entry" in said
    assert "dot(a, b)" in said
    from_text('[model]\nc = "dot(t, s)"\nL = "sum(relu(s - c + 1))"\n' + values)


def test_a_guess_is_not_called_a_declaration() -> None:
    said = faults('[model]\nw = "A v"\nL = "(w - y)^2"\n[shapes]\nA = [3, 2]\nv = [2]\ny = []\n')
    assert not any("declared" in one for one in said), said
