"""The JSON contract: its values by hand, by mpmath, by plain fractions, and by deriving again."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import mpmath
import pytest

from symbackprop.derivation.derive import derive
from symbackprop.exercise import Exercise, bundled, from_dict, from_parts, load
from symbackprop.notation.read import Vocabulary, read_chain
from symbackprop.notation.write import to_plain
from symbackprop.report import contract, files
from symbackprop.report.words import load_words

KEYS = [
    "contract", "version", "exercise", "language", "title", "model", "shapes", "wanted", "functions", "facts",
    "conventions", "quantities", "slopes", "steps", "checks", "descent",
]  # fmt: skip


def data_of(exercise: Exercise, language: str = "en", digits: int = 4) -> Any:
    """What the file says, read back from its text."""
    return json.loads(contract.to_json(derive(exercise, digits=digits), language=language))


@cache
def bundled_data(name: str) -> Any:
    return data_of(load(name))


def values(data: Any, key: str = "exact") -> dict[str, Any]:
    return {name: one[key] for name, one in data["quantities"].items()}


# --- the notes' example, by hand ------------------------------------------------------------


def test_neurona_is_as_in_the_notes() -> None:
    assert values(bundled_data("neurona")) == {
        "W": [["4", "2", "-5"]], "x": ["1", "0", "2"], "b": ["7"], "y": ["5"],
        "z": ["1"], "yhat": ["1"], "L": "8",
        "dL": "1", "dyhat": ["-4"], "dz": ["-4"], "db": ["-4"],
        "dW": [["-4", "0", "-8"]], "dx": ["-16", "-8", "20"],
    }  # fmt: skip


def test_its_shapes_and_formulas() -> None:
    data = bundled_data("neurona")
    assert list(data) == KEYS
    assert (data["contract"], data["version"], data["exercise"]) == ("symbackprop.derivation", 1, "neurona")
    assert data["model"] == {"z": "W x + b", "yhat": "relu(z)", "L": "1/2 (yhat - y)^2"}
    assert data["shapes"] == {"W": [1, 3], "x": [3], "b": [1], "y": [1], "z": [1], "yhat": [1], "L": []}
    assert data["conventions"] == {
        "kinks": {"relu": {"0": "1"}}, "digits": 4, "indices_from": 1, "loss": "L", "layers": "W_1",
    }  # fmt: skip
    gradient = data["quantities"]["dW"]
    assert list(gradient) == ["kind", "of", "shape", "latex", "text", "exact", "decimal", "symbolic"]
    assert (gradient["kind"], gradient["of"], gradient["shape"]) == ("gradient", "W", [1, 3])
    assert gradient["text"] == "dz x^T"
    assert gradient["latex"].replace(" ", "") == r"dz\;x^T"
    kinds = [one["kind"] for one in data["quantities"].values()]
    assert kinds == ["given"] * 4 + ["computed"] * 3 + ["gradient"] * 6


def test_what_stays_symbolic() -> None:
    """y is left open: W^T (yhat - y) = (39 - 4 y1 - 7 y2, -3 - 2 y1 + y2, -5 + 5 y1), by hand."""
    quantities = bundled_data("capa")["quantities"]
    assert quantities["z"]["exact"] == ["1", "5"]
    assert quantities["y"]["exact"] == [None, None]
    assert quantities["dx"]["exact"] == quantities["dx"]["decimal"] == [None] * 3
    assert quantities["dx"]["symbolic"] == ["39 - 4 y[1] - 7 y[2]", "-3 - 2 y[1] + y[2]", "-5 + 5 y[1]"]
    assert quantities["dW"]["exact"] == [[None, "0", None], [None, "0", None]]
    assert quantities["dW"]["symbolic"][0] == ["1 - y[1]", None, "2 - 2 y[1]"]
    assert quantities["L"]["exact"] is None


def test_no_numbers_at_all() -> None:
    data = bundled_data("general")
    assert data["shapes"]["W"] == ["k", "n"]
    gradient = data["quantities"]["dW"]
    assert (gradient["shape"], gradient["exact"], gradient["decimal"]) == (["k", "n"], None, None)
    assert data["functions"] == {"g": "generic"}
    assert data["quantities"]["dL"]["exact"] == "1"


def test_known_sizes_without_values_have_nulls_in_their_shape() -> None:
    exercise = from_parts(model={"z": "W x", "L": "1/2 ||z - y||^2"}, shapes={"W": [2, 3]})
    quantities = data_of(exercise)["quantities"]
    assert quantities["dW"]["exact"] == [[None] * 3] * 2
    assert quantities["z"]["decimal"] == [None, None]
    assert quantities["L"]["exact"] is None


# --- numbers --------------------------------------------------------------------------------


def test_a_third_is_a_third() -> None:
    exercise = from_parts(model={"z": "w x", "L": "(z - y)^2"}, values={"w": "1/3", "x": 0.5, "y": [1]})
    data = data_of(exercise)
    assert data["quantities"]["w"] == {
        "kind": "given", "shape": [], "latex": "w", "text": "w",
        "exact": "1/3", "decimal": "0.3333", "symbolic": None,
    }  # fmt: skip
    assert data["quantities"]["x"]["exact"] == "1/2"
    assert data["quantities"]["x"]["decimal"] == "0.5"
    assert data["quantities"]["z"]["exact"] == "1/6"
    assert data["quantities"]["z"]["decimal"] == "0.1667"
    assert data["quantities"]["dw"]["exact"] == "-5/6"  # 2 (1/6 - 1) 1/2
    assert data["quantities"]["y"]["exact"] == ["1"], "a vector of one number stays a vector"


@pytest.mark.parametrize("digits", [0, 4, 30])
def test_irrational_numbers_are_rounded_correctly(digits: int) -> None:
    data = data_of(load("sigmoide"), digits=digits)
    with mpmath.workdps(60):
        y = 1 / (1 + mpmath.exp(-1))
        expected = {"yhat": y, "L": (y - 1) ** 2 / 2, "db": (y - 1) * y * (1 - y)}
        for name, value in expected.items():
            one = data["quantities"][name]
            assert one["exact"] in ([None], None)
            shown = one["decimal"] if name == "L" else one["decimal"][0]
            mantissa, _, exponent = shown.partition("e")
            assert len(mantissa.partition(".")[2]) == digits
            unit = mpmath.mpf(10) ** (int(exponent or 0) - digits)
            assert abs(mpmath.mpf(shown) - value) <= unit / 2


def test_the_decimal_point_is_a_point_in_spanish_too() -> None:
    text = contract.to_json(derive(load("sigmoide")), language="es")
    quantities = json.loads(text)["quantities"]
    assert quantities["b"]["decimal"] == ["0.75"]
    assert quantities["dW"]["decimal"] == [["-0.1058", "-0.1586"]]


def test_integers_longer_than_python_writes() -> None:
    long = 7 * 10**3999 + 1
    exercise = from_parts(model={"z": "w x", "L": "z^2"}, values={"w": long, "x": long})
    shown = data_of(exercise)["quantities"]["z"]["exact"]
    assert shown == f"49{'0' * 3997}14{'0' * 3998}1"  # (7 t + 1)^2 = 49 t^2 + 14 t + 1


# --- computing again ------------------------------------------------------------------------

OWN: dict[str, Any] = {
    "model": {"z": "W x + b", "a": "bent(z)", "s": "blend(a, z)", "L": "cost(s, y)"},
    "functions": {
        "bent": {"pieces": [{"formula": "2 u", "bound": "1/2"}, {"formula": "u + 1/2"}], "on": "u"},
        "blend": {"formula": "t u + (1 - t) v", "arguments": ["u", "v"], "options": {"t": "1/4"}},
        "cost": {"formula": "(p - q)^2", "arguments": ["p", "q"], "reduce": "sum"},
    },
    "values": {"W": [[1, "1/2"], [-2, 3]], "x": [2, -1], "b": [0, 1], "y": ["1/3", 2]},
    "conventions": {"kinks": {"bent": {"1/2": "3/2"}}},
}


@pytest.mark.parametrize("name", [*bundled(), "own"])
def test_the_file_says_all_that_is_needed(name: str) -> None:
    """The same derivation comes from what the JSON says of the exercise."""
    exercise = from_dict(OWN, key="own") if name == "own" else load(name)
    data = data_of(exercise)
    again = data_of(from_dict(contract.as_exercise(data), key=name))
    assert again == data


def dot(left: Sequence[Fraction], right: Sequence[Fraction]) -> Fraction:
    return sum((one * other for one, other in zip(left, right, strict=True)), Fraction(0))


def test_capa_numerica_by_plain_fractions() -> None:
    """Forward and backward in six lines of Python, from nothing but the file."""
    data = bundled_data("capa-numerica")
    exact = values(data)
    weights = [[Fraction(one) for one in row] for row in exact["W"]]
    x, b, y = ([Fraction(one) for one in exact[name]] for name in "xby")
    slope = Fraction(data["conventions"]["kinks"]["relu"]["0"])
    z = [dot(row, x) + start for row, start in zip(weights, b, strict=True)]
    yhat = [max(one, Fraction(0)) for one in z]
    dyhat = [one - want for one, want in zip(yhat, y, strict=True)]
    dz = [d * (1 if one > 0 else slope if one == 0 else 0) for d, one in zip(dyhat, z, strict=True)]
    assert exact["z"] == list(map(str, z))
    assert exact["dz"] == exact["db"] == list(map(str, dz))
    assert exact["dW"] == [[str(d * v) for v in x] for d in dz]
    assert exact["dx"] == [str(dot(column, dz)) for column in zip(*weights, strict=True)]
    assert exact["L"] == str(sum(d * d for d in dyhat) / 2)


@pytest.mark.parametrize("name", bundled())
def test_formulas_are_read_back(name: str) -> None:
    exercise = load(name)
    data = bundled_data(name)
    vocabulary = Vocabulary(functions=exercise.vocabulary.functions, names=None)
    texts = [one["text"] for one in data["quantities"].values()]
    symbolic = [one["symbolic"] for one in data["quantities"].values() if isinstance(one["symbolic"], list)]
    texts += [text for entries in symbolic for text in entries if isinstance(text, str)]
    for text in texts:
        assert to_plain(read_chain(text, vocabulary)) == text


# --- steps, reasons, checks -----------------------------------------------------------------


@pytest.mark.parametrize("name", bundled())
def test_steps_give_every_quantity_once_and_in_order(name: str) -> None:
    data = bundled_data(name)
    found = [step["quantity"] for step in data["steps"]]
    derived = [key for key, one in data["quantities"].items() if one["kind"] != "given"]
    assert found == derived
    seen = {key for key, one in data["quantities"].items() if one["kind"] == "given"}
    for step in data["steps"]:
        assert set(step["uses"]) <= seen, f"{step['quantity']} uses what comes later"
        seen.add(step["quantity"])


def test_the_last_link_of_a_step_is_its_formula() -> None:
    data = bundled_data("neurona")
    for step in data["steps"]:
        if step["links"]:
            last = step["links"][-1]
            assert last["left"]["text"] == step["quantity"]
            assert last["right"]["text"] == data["quantities"][step["quantity"]]["text"]
            assert last["relation"] == "="


def test_reasons_have_one_key_and_a_sentence_in_each_language() -> None:
    derivation = derive(load("neurona"))
    spanish, english = (contract.as_data(derivation, language=code) for code in ("es", "en"))
    pairs = [
        (one["reason"], other["reason"])
        for step, also in zip(spanish["steps"], english["steps"], strict=True)
        for one, other in zip(step["links"], also["links"], strict=True)
    ]
    assert len(pairs) > 10
    for one, other in pairs:
        assert one["key"] == other["key"]
        assert one["sentence"] != other["sentence"]
    assert spanish["title"] == "Ejemplo (1)"
    assert english["title"] == "Example (1)"
    assert {"steps", "language", "title"} == {key for key in spanish if spanish[key] != english[key]}


def test_every_reason_stands_alone_in_every_language() -> None:
    keys = {"link.model", "link.name", "link.derivative", "link.delta", "link.chain", "link.matrices",
            "link.sum", "link.unreached"}  # fmt: skip
    for code in ("es", "en"):
        words = load_words(code)
        assert keys <= set(words.sentences)
        assert all(not words.places(key) for key in words.sentences if key.startswith("link."))


def test_the_exercise_may_say_a_reason_in_its_own_words() -> None:
    exercise = from_parts(model={"L": "w^2"}, values={"w": 3})
    own = {"en": {"link.model": "as agreed in class"}}
    mapping = {"model": {"L": "w^2"}, "values": {"w": 3}, "words": own}
    assert "as agreed in class" not in contract.to_json(derive(exercise), language="en")
    assert "as agreed in class" in contract.to_json(derive(from_dict(mapping)), language="en")


def test_checks_say_how_many_agreed() -> None:
    checks = bundled_data("neurona")["checks"]
    assert {"formula", "readback", "second", "slope", "numbers"} <= {check["kind"] for check in checks}
    assert all(check["agreed"] == check["tried"] > 0 for check in checks if check["kind"] != "unchecked")
    numbers = next(check for check in checks if check["kind"] == "numbers")
    assert numbers["agreed"] == 9  # 1 + 1 + 1 + 3 + 3 entries of dyhat, dz, db, dW, dx
    assert numbers["exact"] is True


# --- the text -------------------------------------------------------------------------------


def test_the_text_is_the_same_on_every_run() -> None:
    code = (
        "from symbackprop.derivation.derive import derive; from symbackprop.exercise import load;"
        "from symbackprop.report.contract import to_json; import sys;"
        "sys.stdout.buffer.write(to_json(derive(load('capa')), language='es').encode())"
    )
    here = contract.to_json(derive(load("capa")), language="es").encode()
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(Path(contract.__file__).parents[2])}
    apart = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True)
    assert apart.stdout == here
    assert here.endswith(b"}\n")
    assert "ecuación".encode() in here, "UTF-8, not escapes"


def test_no_key_stands_twice() -> None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        assert len(names) == len(set(names))
        return dict(pairs)

    json.loads(contract.to_json(derive(load("capa")), language="en"), object_pairs_hook=once)


def test_a_matrix_has_a_line_a_row() -> None:
    text = contract.written({"m": [["1", "2"], ["3", "4"]], "v": ["1"] * 60, "empty": {}, "n": None})
    assert text == (
        '{\n  "m": [\n    ["1", "2"],\n    ["3", "4"]\n  ],\n  "v": ['
        + ", ".join(['"1"'] * 60)
        + '],\n  "empty": {},\n  "n": null\n}\n'
    )


def test_hostile_texts_stay_texts() -> None:
    title = 'a "quoted" \\ title\n\x1b[31m\u2028 </script> ŷ'
    exercise = from_dict({"title": {"en": title}, "model": {"L": "w^2"}, "values": {"w": 3}})
    text = contract.to_json(derive(exercise), language="en")
    assert json.loads(text)["title"] == title
    assert "\x1b" not in text


def test_the_file_is_json_and_knows_its_writer(tmp_path: Path) -> None:
    text = contract.to_json(derive(load("neurona")), language="en")
    path = files.write_whole(tmp_path / "neurona.json", text)
    data = json.loads(path.read_text("utf-8"))
    assert list(data) == ["generator", *KEYS]
    assert files.ours(".json", path.read_bytes()) is True
