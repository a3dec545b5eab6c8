"""The numeric path: exercises read as floats, plans that are kept, arrays as JSON, the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import symbackprop as sb
from symbackprop.algebra.values.exact import bounds
from symbackprop.cli import run
from symbackprop.derivation.floats import approximate
from symbackprop.exercise import ExerciseError, bundled, load
from symbackprop.exercise.floats import float_source
from symbackprop.report.float_text import FEW, as_json

LAYER = {
    "model": {"z": "W x + b", "a": "tanh(z)", "L": "1/2 ||a - y||^2"},
    "values": {"W": [[1, "1/3"], [0.25, -2]], "x": [0.5, -1], "b": [0, "1e-3"], "y": [1, 0]},
}

COMPLETE = [name for name in bundled() if set(load(name).given) <= set(load(name).values)]


def exact(name: str) -> dict[str, Any]:
    """Every quantity of the exact derivation that has numbers, as floats."""
    found = {}
    for key, quantity in sb.derive(name).derivation.quantities.items():
        if quantity.numbers is not None:
            entries = [float(sum(bounds(entry)) / 2) for entry in quantity.numbers.entries]
            found[key] = np.array(entries).reshape(quantity.numbers.shape)
    return found


@pytest.mark.parametrize("name", COMPLETE)
def test_bundled_exercises_are_as_in_exact_numbers(name: str) -> None:
    made, expected = sb.derive_floats(name), exact(name)
    assert set(made.gradients) <= set(expected)
    assert made.warnings == ()
    shared = set(made) & set(expected)
    assert {"L" if "L" in expected else load(name).loss, *made.gradients} <= shared
    for key in shared:
        np.testing.assert_allclose(made[key], expected[key], rtol=1e-11, atol=1e-12, err_msg=key)


def test_most_bundled_exercises_have_numbers() -> None:
    assert len(COMPLETE) > 8


# --- reading -----------------------------------------------------------------------------------------

TEXT = """\
title = "A layer" # with comments
[model]
z = "W x + b"
L = "1/2 ||z - y||^2"
[shapes]
W = [2, 3]
[values]
W = [[1, 2.5, -3e-1],  # a comment inside
     [0, 1e2, 4]]
# y = [9, 9, 9]
"x" = [1, "1/3", 2]
b   = [0.1, -0.25] # behind
y = [
  7,
  0.5
]
[wanted]
gradients = ["W", "b"]
"""


def test_a_file_is_read_as_exact_numbers_are(tmp_path: Path) -> None:
    path = tmp_path / "layer.toml"
    path.write_text(TEXT)
    source = float_source(path)
    assert set(source.values) == {"b", "y"}  # the others are no plain arrays of JSON
    assert str(source.rest).count("\n") == TEXT.count("\n")
    assert "0.25" not in str(source.rest)
    made = sb.derive_floats(path)
    expected = sb.derive(path)
    for name in ("W", "b"):
        numbers = expected.derivation.quantities["d" + name].numbers
        np.testing.assert_allclose(made["d" + name].ravel(), [float(entry) for entry in numbers.entries])


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("[[1, 2], [3, 4]]", True), ("[1e5, -2.5E-3]", True), ("[1, 2,]", False), ("[1_000, 2]", False),
        ("[true, 1]", False), ("[nan, 1]", False), ("[NaN, 1]", False), ("[[1, 2], [3]]", False),
        ("[1, 2] 3", False), ("[]", False), ("[[1], 2]", False), ('["1/2", 2]', False), ("[1e999, 1]", False),
        ("[[[[1, 2]]]]", True), ("[[[[[1, 2]]]]]", False),
    ],
)  # fmt: skip
def test_only_plain_arrays_are_cut_out(value: str, plain: bool, tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    path.write_text(f'[model]\nL = "sum(x)"\n[values]\nx = {value}\n')
    source = float_source(path)
    assert bool(source.values) is plain
    if not plain:
        assert source.rest == path.read_text()


def test_a_text_that_might_hold_anything_is_not_cut(tmp_path: Path) -> None:
    path = tmp_path / "long.toml"
    path.write_text('title = """\n[values]\nx = [1, 2]\n"""\n[model]\nL = "sum(x)"\n[values]\nx = [1, 2]\n')
    assert float_source(path).values == {}
    assert sb.derive_floats(path)["L"] == 3


def test_faults_have_their_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(TEXT.replace("\n  0.5\n", "0.5, 9"))
    assert run(["derive", str(path), "--to", "json", "--floats", "--output", str(tmp_path)]) == 2
    exact_too = capsys.readouterr().err
    assert run(["derive", str(path), "--to", "json", "--output", str(tmp_path)]) == 2
    assert capsys.readouterr().err == exact_too
    assert "wrong.toml:4" in exact_too


def test_every_name_needs_a_value() -> None:
    with pytest.raises(ExerciseError) as caught:
        sb.derive_floats({"model": {"L": "sum(A x)"}, "values": {"A": [[1, 2]]}})
    assert [fault.key for fault in caught.value.faults] == ["values.x"]
    with pytest.raises(ExerciseError, match="generic"):
        sb.derive_floats({"model": {"L": "g(x)"}, "functions": {"g": "generic"}, "values": {"x": 1}})


def test_arrays_of_numpy_and_names_with_accents() -> None:
    made = sb.derive_floats(
        {"model": {"z": "W x", "L": "1/2 ||z - ŷ||^2"},
         "values": {"W": np.array([[1, 2], [3, 4]]), "x": np.array([1.5, -1]), "ŷ": (1, "1/2")},
         "wanted": {"gradients": ["W", "ŷ"]}}
    )  # fmt: skip
    np.testing.assert_array_equal(made["dyhat"], [1.5, 0.0])
    np.testing.assert_array_equal(made["dW"], [[-2.25, 1.5], [0.0, 0.0]])


# --- plans -------------------------------------------------------------------------------------------


def test_a_plan_serves_for_other_numbers_of_one_model() -> None:
    first = approximate(float_source(LAYER))
    other = {**LAYER, "values": {**LAYER["values"], "x": [3, 4]}}
    second = approximate(float_source(other))
    assert second.plan is first.plan
    assert not np.array_equal(first.values["dW"], second.values["dW"])
    np.testing.assert_allclose(second.values["dW"], approximate(float_source(other)).values["dW"])


def test_plans_differ_where_models_do() -> None:
    plan = approximate(float_source(LAYER)).plan
    for change in (
        {"model": {**LAYER["model"], "a": "sigmoid(z)"}},
        {"values": {**LAYER["values"], "W": [[1, 2, 3], [4, 5, 6]], "x": [1, 2, 3]}},
        {"wanted": {"gradients": ["b"]}},
    ):
        assert approximate(float_source({**LAYER, **change})).plan is not plan


def test_formulas_are_certified_at_sizes_of_their_own() -> None:
    plan = approximate(float_source(LAYER)).plan
    assert plan.check.agreed == plan.check.tried > 0
    assert len(plan.check.sizes) > 1
    assert set(plan.sizes.values()) == {2}


def test_a_gradient_that_is_0_has_its_shape() -> None:
    """Σ softmax(z) is 1, whatever z is."""
    made = sb.derive_floats({"model": {"L": "sum(softmax(z))"}, "values": {"z": [1, 2, 3]}})
    np.testing.assert_allclose(made["dz"], np.zeros(3), atol=1e-16)


def test_conventions_at_kinks() -> None:
    data = {"model": {"L": "relu(x)"}, "values": {"x": 0}}
    assert sb.derive_floats(data)["dx"] == 0
    assert sb.derive_floats({**data, "conventions": {"kinks": {"relu": {"0": 1}}}})["dx"] == 1


def test_facts_hold_up_to_rounding() -> None:
    data: dict[str, Any] = {
        "model": {"p": "softmax(z)", "L": "cross_entropy(p, t)"},
        "values": {"z": [1, 2, 3], "t": [0.1, 0.2, 0.7]},
        "assume": {"facts": ["sum(t) = 1"]},
    }
    made = sb.derive_floats(data)
    np.testing.assert_allclose(made["dz"], made["p"] - np.array([0.1, 0.2, 0.7]), atol=1e-15)
    with pytest.raises(ExerciseError, match=r"contradict .sum\(t\) = 1"):
        sb.derive_floats({**data, "values": {"z": [1, 2, 3], "t": [0.1, 0.2, 0.6]}})


# --- what floats cannot say ----------------------------------------------------------------------------


def test_warnings_name_what_is_no_number() -> None:
    made = sb.derive_floats({"model": {"u": "exp(x)", "L": "u^2"}, "values": {"x": 400}})
    assert made.warnings[0].startswith("u has entries as large as 5.2e+173")
    assert made.warnings[1].startswith("L: 1 of 1 entries")
    assert json.loads(made.to_json())["quantities"]["L"]["float"] is None
    made = sb.derive_floats({"model": {"u": "log(x)", "L": "sum(u)"}, "values": {"x": [1, -1, 2]}})
    assert made.warnings[0].startswith("u: 1 of 3 entries are no finite numbers")


# --- JSON --------------------------------------------------------------------------------------------


def test_the_contract() -> None:
    data = json.loads(sb.derive_floats(LAYER, key="layer").to_json())
    assert data["contract"] == "symbackprop.floats"
    assert data["version"] == 1
    assert data["numbers"] == "binary64"
    assert data["exercise"] == "layer"
    assert data["warnings"] == []
    assert list(data["quantities"]) == ["L", "db", "dW", "dx"]
    assert data["quantities"]["dW"]["text"] == "dz x^T"
    assert data["checks"][0]["kind"] == "formula"
    known = {key for one in data["quantities"].values() for key in one}
    assert known == {"kind", "of", "shape", "text", "float"}  # nothing here is called exact or decimal
    everything = json.loads(sb.derive_floats(LAYER).to_json("full"))["quantities"]
    assert list(everything) == ["z", "a", "L", "da", "dz", "db", "dW", "dx"]


FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)


@given(arrays.arrays(np.float64, st.integers(FEW + 1, FEW + 40), elements=FINITE))
def test_numbers_come_back_as_they_were(array: Any) -> None:
    assert np.array_equal(np.array(json.loads(as_json(array))), array)


@given(st.integers(-248, 248), st.integers(0, 2**32))
def test_many_digits_come_back_at_every_size(exponent: int, seed: int) -> None:
    source = np.random.default_rng(seed)
    array = source.uniform(1, 10, (40, 10)) * 10.0 ** np.clip(
        exponent + source.integers(-2, 3, (40, 10)), -248, 248
    )
    array *= source.choice([-1, 1], (40, 10))
    array[0, 0] = 0
    text = as_json(array)
    assert np.array_equal(np.array(json.loads(text)), array)
    assert text.count("e") == array.size


def test_powers_of_ten_and_their_neighbours() -> None:
    tens = 10.0 ** np.arange(-240, 241)
    array = np.concatenate([tens, np.nextafter(tens, 0), np.nextafter(tens, np.inf), -tens])
    assert np.array_equal(np.array(json.loads(as_json(array))), array)


def test_few_numbers_are_short() -> None:
    assert as_json(np.array([[0.1, -2.0], [np.inf, np.nan]])) == "[[0.1, -2.0], [null, null]]"
    assert as_json(np.array(-0.0)) == "0.0"
    many = np.full(FEW + 1, np.nan)
    assert json.loads(as_json(many)) == [None] * (FEW + 1)


# --- the command -------------------------------------------------------------------------------------


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["derive", "neurona", "--to", "json", "--floats", "--output", str(tmp_path)]
    assert run(call) == 0
    assert "dW        dz x^T   1×3    ≈ [[-4, 0, -8]]" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["neurona-floats.json"]
    data = json.loads((tmp_path / "neurona-floats.json").read_text())
    assert data["quantities"]["dW"]["float"] == [[-4.0, 0.0, -8.0]]
    assert run(call) == 0  # it is ours, and may be replaced
    (tmp_path / "neurona-floats.json").write_text("{}")
    assert run(call) == 2


def test_reports_are_exact(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["derive", "neurona", "--to", "json,tex", "--floats", "--output", str(tmp_path)]) == 2
    assert "--to json" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_without_numpy(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['numpy'] = None\n"
        "from symbackprop.cli import run\n"
        f"sys.exit(run(['derive', 'neurona', '--to', 'json', '--floats', '--output', {str(tmp_path)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: floating point needs NumPy: pip install 'symbackprop[floats]'\n"


def test_exact_derivations_need_no_numpy() -> None:
    code = (
        "import sys; sys.modules['numpy'] = None\n"
        "import symbackprop as sb; print(sb.derive('neurona').to_json()[:1])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "{\n"


def test_numbers_are_copies() -> None:
    made = sb.derive_floats(LAYER)
    made["dW"][0, 0] = 99
    assert made["dW"][0, 0] != 99
    assert repr(made) == "<InFloats 'exercise': dW, dx, db>"
    assert Fraction(1, 3) != made["W"][0, 1] == 1 / 3
