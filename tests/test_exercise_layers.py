"""The shorthand for layers: the equations that it stands for, and faults at its key."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from symbackprop.cli import app
from symbackprop.derivation.results import style
from symbackprop.exercise import Exercise, ExerciseError, from_parts, from_text
from symbackprop.exercise.layers import layer_names, with_marks
from symbackprop.notation import tree
from symbackprop.notation.write import to_latex


def written(exercise: Exercise) -> list[str]:
    return [f"{equation.name} = {equation.text}" for equation in exercise.equations]


def faults(text: str) -> list[str]:
    with pytest.raises(ExerciseError) as caught:
        from_text(text, key="case")
    return [str(fault).splitlines()[0] for fault in caught.value.faults]


# --- equations --------------------------------------------------------------------------

TWO: list[dict[str, Any]] = [
    {"neurons": 4, "activation": "relu"},
    {"neurons": 3, "activation": "softmax"},
]

MODELS: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"layers": TWO, "loss": "cross_entropy(yhat, t)"},
        ["z1 = W1 x + b1", "a1 = relu(z1)", "z2 = W2 a1 + b2", "yhat = softmax(z2)",
         "L = cross_entropy(yhat, t)"],
    ),
    (
        {"input": "u", "layers": [{**TWO[0], "bias": False}, TWO[1]], "L": "cross_entropy(a2, t)"},
        ["z1 = W1 u", "a1 = relu(z1)", "z2 = W2 a1 + b2", "a2 = softmax(z2)", "L = cross_entropy(a2, t)"],
    ),
    (
        {"layers": [{"neurons": "h", "activation": "elu", "name": "h1", "options": {"alpha": "1/2"}},
                    {"neurons": 2}], "R": "||W1||_F^2", "L": "mse(yhat, y) + R"},
        ["z1 = W1 x + b1", "h1 = elu(z1, alpha = 1/2)", "yhat = W2 h1 + b2", "R = ||W1||_F^2",
         "L = mse(yhat, y) + R"],
    ),
    (
        {"batch": "rows", "layers": TWO, "L": "cross_entropy(Yhat, T)"},
        ["Z1 = X W1 + 1 b1^T", "A1 = relu(Z1)", "Z2 = A1 W2 + 1 b2^T", "Yhat = softmax(Z2)",
         "L = cross_entropy(Yhat, T)"],
    ),
    (
        {"batch": "columns", "layers": TWO, "L": "cross_entropy(yhat, T)"},
        ["Z1 = W1 X + b1 1^T", "A1 = relu(Z1)", "Z2 = W2 A1 + b2 1^T", "yhat = softmax(Z2, axis = 0)",
         "L = cross_entropy(yhat, T)"],
    ),
    (
        {"x": "2 u", "layers": [{"neurons": 1, "activation": "σ"}], "loss": "bce(yhat, y)"},
        ["x = 2 u", "z1 = W1 x + b1", "yhat = σ(z1)", "L = bce(yhat, y)"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("model", "equations"), MODELS)
def test_layers_stand_for_equations(model: dict[str, Any], equations: list[str]) -> None:
    assert written(from_parts(model=model)) == equations


def test_the_same_exercise_as_written_out() -> None:
    values = {"x": [1, 2], "t": [0, 1, 0]}
    short = from_parts(model={"layers": TWO, "loss": "cross_entropy(yhat, t)"}, values=values)
    model = dict(line.split(" = ", 1) for line in written(short))
    long = from_parts(
        model=model, values=values, shapes={"b1": [4], "b2": [3]}, wanted=["W1", "b1", "W2", "b2"]
    )
    assert [e.body for e in short.equations] == [e.body for e in long.equations]
    assert short.shapes == long.shapes
    assert short.wanted == long.wanted


def test_neurons_say_the_sizes() -> None:
    exercise = from_parts(model=MODELS[0][0])
    assert exercise.shapes["W1"] == (4, "n")
    assert exercise.shapes["W2"] == (3, 4)
    assert exercise.shapes["t"] == exercise.shapes["b2"] == (3,)
    rows = from_parts(model=MODELS[3][0], values={"X": [[1, 2], [3, 4], [5, 6], [7, 8], [9, 0]]})
    assert (rows.shapes["W1"], rows.shapes["W2"]) == ((2, 4), (4, 3))
    assert (rows.shapes["Yhat"], rows.shapes["b1"]) == ((5, 3), (4,))
    columns = from_parts(model=MODELS[4][0], values={"X": [[1, 2], [3, 4], [5, 6]]})
    assert (columns.shapes["W1"], columns.shapes["yhat"]) == ((4, 3), (3, 2))


def test_neurons_may_be_a_name() -> None:
    layers = [{"neurons": "h", "activation": "tanh"}, {"neurons": "c"}]
    symbolic = from_parts(model={"layers": layers, "loss": "half_squared_error(yhat, y)"})
    assert (symbolic.shapes["W2"], symbolic.shapes["y"]) == (("c", "h"), ("c",))
    filled = from_parts(
        model={"layers": layers, "loss": "half_squared_error(yhat, y)"},
        values={"b1": [1, 2, 3], "y": [1, 2]},
    )
    assert filled.shapes["W2"] == (2, 3)
    assert filled.declared_sizes == {"h": 3, "c": 2}


def test_weights_are_wanted_unless_the_file_says() -> None:
    model = MODELS[1][0]
    assert from_parts(model=model).wanted == ("W1", "W2", "b2")
    assert from_parts(model=model, wanted=["u"]).wanted == ("u",)


def test_a_weight_may_be_computed_before_the_layers() -> None:
    model = {
        "W2": "W1^T",
        "layers": [{"neurons": 2, "activation": "tanh"}, {"neurons": 3}],
        "L": "||yhat - x||^2",
    }
    exercise = from_parts(model=model)
    assert exercise.wanted == ("W1", "b1", "b2")
    assert exercise.shapes["W2"] == (3, 2)


# --- faults -----------------------------------------------------------------------------

HEAD = "case.toml:2: model.layers: "
NO_LIST = f"{HEAD}layers is a list of tables. Write layers = [{{ neurons = 4, activation ="
WRONG: list[tuple[str, list[str]]] = [
    ('layers = "4, 3"', [NO_LIST]),
    ("layers = []", [NO_LIST]),
    ("layers = [4, 3]", [NO_LIST]),
    (
        'layers = [{ neurons = 4, activation = "rleu" }, { neuron = 2 }]',
        [
            f"{HEAD}layer 1: there is no activation rleu. Did you mean relu?",
            f"{HEAD}layer 2: unknown key neuron. Did you mean neurons?",
            f"{HEAD}layer 2 does not say how many neurons it has. Write neurons = 4.",
        ],
    ),
    (
        'layers = [{ neurons = 0 }, { neurons = "a b" }, { neurons = 2, bias = "no", name = 3 }]',
        [
            f"{HEAD}layer 1, neurons: the size 0 is not between 1 and 4,096",
            f"{HEAD}layer 2, neurons: “a b” is no size. A size is a number or a name, or a sum of them",
            f"{HEAD}layer 3: bias is true or false. Write bias = false.",
            f'{HEAD}layer 3: “3” is no name. Write name = "h".',
        ],
    ),
    ('layers = [{ neurons = 2, activation = "mse" }]', [f"{HEAD}layer 1: there is no activation mse."]),
    (
        'layers = [{ neurons = 2, activation = "relu", options = { slope = 1 } }]',
        [f"{HEAD}relu has no option slope"],
    ),
    (
        'layers = [{ neurons = 2 }]\nyhat = "x"',
        ["case.toml:3: model.yhat: yhat is a name of the layers. Choose another name, or give the layer"],
    ),
    (
        'layers = [{ neurons = 2 }]\nW1 = "x"',
        ["case.toml:3: model.W1: W1 is a weight of the layers. Move its equation before the layers."],
    ),
    (
        'layers = [{ neurons = 2 }]\nbatch = "cols"',
        ['case.toml:3: model.batch: “cols” is no batch. Write "rows" or "columns".'],
    ),
    (
        'layers = [{ neurons = 2 }]\ninput = "2 x"',
        ["case.toml:3: model.input: the input of the layers is a name, and “2 x” is none. Write input ="],
    ),
]


@pytest.mark.parametrize(("lines", "expected"), WRONG)
def test_faults_point_at_the_key(lines: str, expected: list[str]) -> None:
    found = faults(f'[model]\n{lines}\nloss = "half_squared_error(yhat, y)"\n')
    assert len(found) == len(expected)
    for fault, start in zip(found, expected, strict=True):
        assert fault.startswith(start)


def test_a_missing_loss_is_said() -> None:
    assert faults('[model]\nlayers = [{ neurons = 1, activation = "relu" }]\n') == [
        HEAD + "no equation follows the layers: the loss is missing. Write loss = "
        '"half_squared_error(yhat, y)".'
    ]


def test_a_value_that_does_not_fit_the_neurons() -> None:
    model = '[model]\nlayers = [{ neurons = 2 }]\nloss = "mse(yhat, y)"\n'
    assert faults(model + "[values]\nW1 = [[1, 2], [3, 4], [5, 6]]\n") == [
        "case.toml:5: values.W1: W1 is 3×2, and model.layers says 2: 3 ≠ 2"
    ]


def test_a_slip_of_layers_is_guessed() -> None:
    found = faults('[model]\nlayer = [{ neurons = 2 }]\nL = "2"\n')
    assert found == ["case.toml:2: model.layer: a formula is a text. Did you mean layers = […]?"]


# --- how layers are marked --------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "marked"),
    [
        (["W1", "b1", "z1", "a1", "x", "y"], {"W1", "b1", "z1", "a1"}),
        (["x1", "x2", "w", "f"], {"x1", "x2"}),
        (["x1", "w", "f"], set()),
        (["W", "x0", "h1", "h2'", "W_out"], {"h1", "h2'"}),
    ],
)
def test_which_names_carry_a_layer(names: list[str], marked: set[str]) -> None:
    assert layer_names(names) == marked


@pytest.mark.parametrize(("marks", "expected"), [("W_1", "W_1"), ("W^[1]", "W^{[1]}"), ("W^(1)", "W^{(1)}")])
def test_layers_are_marked_as_the_file_says(marks: str, expected: str) -> None:
    model = '[model]\nlayers = [{ neurons = 2 }]\nloss = "mse(yhat, y)"\n'
    exercise = from_text(f'{model}[style]\nlayers = "{marks}"\n')
    assert to_latex(tree.Name("W1"), style(exercise)) == expected
    assert with_marks(from_text(model), marks).layer_marks == exercise.layer_marks
    assert to_latex(tree.Name("x"), style(exercise)) == "x"


def test_unknown_marks() -> None:
    model = '[model]\nL = "x^2"\n[style]\nlayers = "W[1]"\nfont = 1\n'
    assert faults(model) == [
        'case.toml:4: style.layers: “W[1]” is no way to mark layers. Write "W_1" or "W^[1]" or "W^(1)".',
        "case.toml:5: style.font: unknown key font. Known: layers.",
    ]
    with pytest.raises(ValueError, match=r"it is one of W_1, W\^\[1\], W\^\(1\)"):
        with_marks(from_parts(model={"L": "x^2"}), "W1")


def test_the_command_line_marks_layers(tmp_path: Path) -> None:
    file = tmp_path / "net.toml"
    file.write_text('[model]\nlayers = [{ neurons = 1 }]\nloss = "(yhat - y)^2"\n', "utf-8")
    arguments = ["derive", str(file), "--to", "tex", "--detail", "answer", "--output", str(tmp_path)]
    made = CliRunner().invoke(app, [*arguments, "--layers", "W^[1]"])
    assert made.exit_code == 0, made.output
    assert "W^{[1]}" in (tmp_path / "net-answer.tex").read_text("utf-8")
    refused = CliRunner().invoke(app, [*arguments, "--layers", "W1"])
    assert refused.exit_code == 2
