"""Exercises that are wrong: every fault with its place, and input that means harm."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop import limits
from symbackprop.exercise import Exercise, ExerciseError, from_dict, from_text, load
from symbackprop.exercise.faults import nearest, one_slip

# --- faults ---------------------------------------------------------------------------

MODEL = '[model]\nz = "W x + b"\nyhat = "relu(z)"\nL = "1/2 ||yhat - y||^2"\n'  # lines 1 to 4
VALUES = "[values]\nW = [[4, 2, -5], [7, -1, 0]]\nx = [1, 0, 2]\nb = [7, -2]\n"  # lines 5 to 8
BOTH = MODEL + VALUES
Expected = tuple[str, int | None, str, str]

FAULTS: list[tuple[str, str, list[Expected]]] = [
    # shapes
    (
        "inner sizes", BOTH.replace("[1, 0, 2]", "[1, 2]"),
        [("model.z", 2, "W is 2×3 and x is 2×1: 3 ≠ 2", "Did you mean Wᵀ x?")],
    ),
    (
        "a transpose too many", BOTH.replace("W x", "W^T x"),
        [("model.z", 2, "W^T is 3×2 and x is 3×1: 2 ≠ 3", "Did you mean W x?")],
    ),
    (
        "bias of another size", BOTH.replace("[7, -2]", "[7, -2, 1]"),
        [("model.z", 2, "W x is 2×1 and b is 3×1: 2 ≠ 3", "")],
    ),
    (
        "symbolic sizes", MODEL + '[shapes]\nW = ["k", "n"]\nx = ["k"]\n',
        [("model.z", 2, "W is k×n and x is k×1: n ≠ k", "Did you mean Wᵀ x?")],
    ),
    (
        "flat list for a matrix",
        BOTH.replace("[[4, 2, -5], [7, -1, 0]]", "[4, 2, -5]").replace("[7, -2]", "[7]"),
        [("values.W", 6, "W is a flat list, a vector (3×1), and model.z needs a matrix", "[[4, 2, -5]].")],
    ),
    (
        "flat list for a declared matrix",
        BOTH.replace("[[4, 2, -5], [7, -1, 0]]", "[4, 2, -5]") + '[shapes]\nW = ["k", "n"]\n',
        [("values.W", 6, "a flat list", "Write W = [[4, 2, -5]].")],
    ),
    (
        "flat list for a column", '[model]\nL = "||A||_F^2"\n[values]\nA = [1, 2]\n[shapes]\nA = ["n", 1]\n',
        [("values.A", 4, "a flat list", "Write A = [[1], [2]].")],
    ),
    (
        "values against declared sizes",
        BOTH.replace("[1, 0, 2]", "[1, 2]") + '[shapes]\nW = ["k", "n"]\nx = ["n"]\n',
        [("values.x", 7, "x is 2×1, so n = 2, but values.W says n = 3", "")],
    ),
    (
        "values against declared numbers", BOTH + "[shapes]\nx = [4]\n",
        [("values.x", 7, "x is 3×1, and shapes.x says 4: 3 ≠ 4", "")],
    ),
    (
        "a number for a vector", BOTH.replace("[7, -2]", "7") + '[shapes]\nW = ["k", "n"]\nb = ["k"]\n',
        [("values.b", 8, "so k = 1, but values.W says k = 2", "")],
    ),
    (
        "a matrix for a vector", BOTH.replace("[1, 0, 2]", "[[1, 0, 2]]") + '[shapes]\nx = ["n"]\n',
        [("values.x", 7, "x is a matrix (1×3), and shapes.x says n×1", "")],
    ),
    (
        "a declared shape of a computed name", BOTH + "[shapes]\nz = [3]\n",
        [("model.z", 2, "z is declared 3×1 and this is 2×1", "")],
    ),
    (
        "loss that is no scalar", BOTH.replace("1/2 ||yhat - y||^2", "yhat - y"),
        [("model.L", 4, "the loss L must be a scalar, and this is 2×1", "1/2 ||…||^2, sum(…) or mean(…)")],
    ),
    (
        "power of a vector", BOTH.replace("||yhat - y||^2", "(yhat - y)^2"),
        [("model.L", 4, "(yhat - y) is 2×1, and only a scalar has powers", "Write ||yhat - y||^2 (a")],
    ),
    (
        "row and matrix",
        '[model]\nZ = "X W^T + b^T"\nL = "sum(Z)"\n[shapes]\nX = ["m", "n"]\nW = ["k", "n"]\nb = ["k"]',
        [("model.Z", 2, "X W^T is m×k and b^T is 1×k: m ≠ 1", "write 1 b^T")],
    ),
    (
        "two equations at once",
        '[model]\na = "W x"\nc = "V u"\nL = "sum(a + c)"\n[shapes]\nW = [2, 3]\nx = [2]\nV = [2, 3]\nu = [2]',
        [("model.a", 2, "W is 2×3 and x is 2×1", "Wᵀ x"), ("model.c", 3, "V is 2×3 and u is 2×1", "Vᵀ u")],
    ),
    (
        "nothing says the shape", '[model]\nz = "W x + b"\nL = "half_squared_error(z, y)"\n',
        [
            ("model.z", 2, "nothing says the shape of W", 'W = ["k", "n"] under [shapes]'),
            ("model.z", 2, "nothing says the shape of x", "Give it a value"),
            ("model.z", 2, "nothing says the shape of b", "Give it a value"),
            ("model.L", 3, "nothing says the shape of y", "Give it a value"),
        ],
    ),
    (
        "a capital is no scalar by habit", '[model]\nz = "W x + b"\nL = "1/2 (z - y)^2"\n',
        [("model.z", 2, "nothing says the shape of W", 'W = ["k", "n"]')],
    ),
    # values
    ("ragged", BOTH.replace("-1, 0]", "-1]"), [("values.W", 6, "row 1 has 3, row 2 has 2", "same number")]),
    (
        "mixed", BOTH.replace("[7, -1, 0]]", "7]"),
        [("values.W", 6, "numbers and rows stand side by side", "")],
    ),
    ("five deep", BOTH.replace("[1, 0, 2]", "[[[[[1]]]]]"), [("values.x", 7, "nest at most 4 deep", "")]),
    (
        "ragged, deep", BOTH.replace("[1, 0, 2]", "[[[1, 2], [3, 4]], [[5, 6], [7]]]"),
        [("values.x", 7, "the parts have different lengths: part 1 has 2, part 4 has 1", "same number")],
    ),
    (
        "text, deep", BOTH.replace("[1, 0, 2]", '[[[1, 2]], [[5, "a"]]]'),
        [("values.x", 7, "part 2, part 1, entry 2: “a” is not a number", "")],
    ),
    ("empty", BOTH.replace("[1, 0, 2]", "[]"), [("values.x", 7, "the list is empty, and size 0", "symbol")]),
    ("empty row", BOTH.replace("[1, 0, 2]", "[[], []]"), [("values.x", 7, "row 1 is empty, and size 0", "")]),
    ("text", BOTH.replace("-2]", '"two"]'), [("values.b", 8, "entry 2: “two” is not a number", '"1/3"')]),
    ("comma", BOTH.replace("-2]", '"0,5"]'), [("values.b", 8, "“0,5” is not a number", "Write 0.5.")]),
    ("inf", BOTH.replace("-2]", "inf]"), [("values.b", 8, "entry 2: inf is not a number", "finite")]),
    ("nan", BOTH.replace("-2]", "-nan]"), [("values.b", 8, "entry 2: -nan is not a number", "finite")]),
    ("inf as text", BOTH.replace("-2]", '"inf"]'), [("values.b", 8, "inf is not a number", "finite")]),
    ("true", BOTH.replace("-2]", "true]"), [("values.b", 8, "true is not a number", "Write 1 or 0.")]),
    ("date", BOTH.replace("-2]", "2020-01-01]"), [("values.b", 8, "2020-01-01 is a date, not a number", "")]),
    ("table", BOTH.replace("-2]", "{ a = 1 }]"), [("values.b", 8, "this is a table, not a number", "")]),
    ("zero below", BOTH.replace("-2]", '"1/0"]'), [("values.b", 8, "1/0 divides by zero", "")]),
    ("digits", BOTH.replace("-2]", "9" * 4001 + "]"), [("values.b", 8, "more than 4,000 digits", "")]),
    ("many digits", BOTH.replace("-2]", "9" * 9000 + "]"), [("", 8, "more than 4,000 digits", "")]),
    (
        "decimals", BOTH.replace("-2]", "0." + "9" * 4001 + "]"),
        [("values.b", 8, "more than 4,000 digits", "")],
    ),
    ("exponent", BOTH.replace("-2]", "1e401]"), [("values.b", 8, "over the limit of 400", "")]),
    ("huge exponent", BOTH.replace("-2]", "1e-99999999999]"), [("values.b", 8, "over the limit of 400", "")]),
    ("hex", BOTH.replace("-2]", "0x" + "f" * 4000 + "]"), [("values.b", 8, "more than 4,000 digits", "")]),
    (
        "too long", f"{MODEL}[values]\nx = {[1] * 4097}\n",
        [("values.x", 6, "4,097 entries; the limit is 4,096", "")],
    ),
    (
        "computed", BOTH + "z = [1, 2]\n",
        [("values.z", 9, "z is computed by model.z", "Take the value away.")],
    ),
    (
        "unknown names", BOTH + "X = [3]\nyhatt = [1]\nq = 1\n",
        [
            ("values.X", 9, "no equation uses X", "Did you mean x?"),
            ("values.yhatt", 10, "no equation uses yhatt", "Did you mean yhat?"),
            ("values.q", 11, "no equation uses q", ""),
        ],
    ),
    (
        "unknown shape", BOTH + "[shapes]\nw = [3]\n",
        [("shapes.w", 10, "no equation uses w", "Did you mean W?")],
    ),
    (
        "one name twice", BOTH + '"W₁" = 1\nW1 = 2\n',
        [
            ("values.W1", 10, "W1 is given twice: W₁ and W1 are one name", ""),
            ("values.W₁", 9, "no equation uses W1", ""),
        ],
    ),
    # declared shapes
    (
        "no list", BOTH + '[shapes]\nx = "n"\n',
        [("shapes.x", 10, "a shape is a list of sizes", 'Write ["n"]')],
    ),
    (
        "five sizes", BOTH + "[shapes]\nx = [1, 2, 3, 4, 5]\n",
        [("shapes.x", 10, "at most 4 sizes, and this has 5", "")],
    ),
    ("size 0", BOTH + "[shapes]\nx = [0]\n", [("shapes.x", 10, "the size 0 is not between 1 and 4,096", "")]),
    ("size -1", BOTH + "[shapes]\nx = [-1]\n", [("shapes.x", 10, "the size -1 is not between", "")]),
    (
        "size 1.5", BOTH + "[shapes]\nx = [1.5]\n",
        [("shapes.x", 10, "“1.5” is no size", "a number or a name")],
    ),
    ("size a b", BOTH + '[shapes]\nx = ["m n"]\n', [("shapes.x", 10, "“m n” is no size", "m - r + 1")]),
    ("size a / b", BOTH + '[shapes]\nx = ["m/2"]\n', [("shapes.x", 10, "“m/2” is no size", "m - r + 1")]),
    ("size true", BOTH + "[shapes]\nx = [true]\n", [("shapes.x", 10, "“True” is no size", "")]),
    (
        "size and array", BOTH + '[shapes]\ny = ["x"]\n',
        [("shapes", 9, "x is the name of a size and of an array", "another name")],
    ),
    # names
    ("Wx", BOTH.replace("W x", "Wx"), [("model.z", 2, "unknown name Wx", "Did you mean W x, with a space?")]),
    ("a slip", BOTH.replace("||yhat", "||yhta"), [("model.L", 4, "unknown name yhta", "Did you mean yhat?")]),
    ("unknown function", BOTH.replace("relu", "rleu"), [("model.yhat", 3, "no function “rleu”", "relu")]),
    (
        "unknown function, space", BOTH.replace("relu(", "rleu ("),
        [("model.yhat", 3, "unknown name rleu", "relu(…)")],
    ),
    ("no brackets", BOTH.replace("relu(z)", "relu z"), [("model.yhat", 3, "relu is a function", "relu(z)")]),
    (
        "two names, one", BOTH.replace("yhat =", '"ŷ" = "z"\nyhat =') ,
        [("model.yhat", 4, "yhat is defined twice: ŷ and yhat are one name", "")],
    ),
    (
        "before its definition",
        '[model]\nyhat = "relu(z)"\nz = "W x + b"\nL = "1/2 ||yhat - y||^2"\n' + VALUES,
        [("model.yhat", 2, "z is used before its definition", "Move the equation of z up.")],
    ),
    (
        "a circle", '[model]\na = "2 c"\nc = "a + 1"\nL = "c^2"\n',
        [("model.a", 2, "in a circle: a → c → a", "")],
    ),
    (
        "itself", '[model]\na = "a + 1"\nL = "a^2"\n',
        [("model.a", 2, "a is defined through itself", "another name")],
    ),
    (
        "name of a gradient",
        MODEL.replace("+ b", "+ dW x") + "[values]\nW = [[1, 2]]\nx = [1, 2]\ndW = [[3, 4]]\n",
        [("values.dW", 8, "dW is the name of the gradient of W", "another name")],
    ),
    (
        "computed name of a gradient", '[model]\nz = "2 x"\ndz = "z + 1"\nL = "dz^2"\n',
        [("model.dz", 3, "dz is the name of the gradient of z", "another name")],
    ),
    ("a function's name", '[model]\nexp = "2 x"\nL = "x"\n', [("model.exp", 2, "exp is a function", "")]),
    ("pi", '[model]\n"π" = "2 x"\nL = "x"\n', [("model.π", 2, "pi is the number π", "another name")]),
    ("no name", '[model]\n"2z" = "x"\nL = "x"\n', [("model.2z", 2, "not a name", "z, yhat, W1, z'")]),
    (
        "an index of nothing", '[model]\n"y[i]" = "x"\nL = "x"\n',
        [("model.y[i]", 2, "nothing says how far i runs", 'Write y = ["p"] under [shapes].')],
    ),
    ("no text", '[model]\nL = 5\n', [("model.L", 2, "a formula is a text", 'Write L = "5".')]),
    (
        "free index", '[model]\nL = "x[i]"\n[values]\nx = [1, 2]\n',
        [("model.L", 2, "no sum binds the index i", "sum(i = 1..n")],
    ),
    ("a derivative", '[model]\nL = "∂x/∂y"\n', [("model.L", 2, "a derivative is no part of a model", "")]),
    ("a relation", '[model]\nL = "x = 2"\n', [("model.L", 2, "a relation stands where", "")]),
    ("syntax", BOTH.replace("W x + b", "W x + )"), [("model.z", 2, "“)” closes nothing", "")]),
    ("no formula", '[model]\nL = ""\n', [("model.L", 2, "there is no formula", "")]),
    # the file
    ("no model", VALUES, [("model", None, "there is no [model]", "Write [model]")]),
    ("empty model", "[model]\n" + VALUES, [("model", 1, "the model has no equations", "")]),
    ("model no table", "model = 3\n", [("model", 1, "[model] is a table", "")]),
    (
        "unknown keys", 'tittle = "x"\n' + BOTH + "[wants]\na = 1\n",
        [("tittle", 1, "unknown key tittle", "title"), ("wants", 10, "unknown key wants", "wanted")],
    ),
    (
        "language", 'language = "spanish"\n' + BOTH,
        [("language", 1, "spanish is no language code", 'Write "es".')],
    ),
    ("title", "title = 3\n" + BOTH, [("title", 1, "a text belongs here", "title = ")]),
    ("title text", "title = { es = 3 }\n" + BOTH, [("title.es", 1, "a text belongs here", "")]),
    ("words", BOTH + "[words]\nkey = 3\n", [("words.key", 10, "a sentence belongs here", "")]),
    ("wanted", BOTH + '[wanted]\ngradients = ["dW", "w", "b", "b"]\n', [
        ("wanted.gradients", 10, "dW is the gradient of W", 'Write "W".'),
        ("wanted.gradients", 10, "unknown name w", "Did you mean W?"),
        ("wanted.gradients", 10, "b is asked twice", ""),
    ]),
    (
        "wanted key", BOTH + '[wanted]\ngradient = ["W"]\n',
        [("wanted.gradient", 10, "unknown key", "gradients")],
    ),
    (
        "wanted none", BOTH + "[wanted]\ngradients = []\n",
        [("wanted.gradients", 10, "a list of names", '["W", "x", "b"]')],
    ),
    (
        "kinks",
        BOTH + '[conventions.kinks]\nrleu = { "0" = 1 }\nrelu = { "1" = 1 }\nsigmoid = { "0" = 1 }\n'
        'absolute_error = { "0" = 0 }\nabs = 1\nhinge = { "0" = "x" }\n', [
        ("conventions.kinks.rleu", 10, "unknown function rleu", "relu"),
        ("conventions.kinks.relu.1", 11, "relu has no kink at 1", 'Write "0".'),
        ("conventions.kinks.sigmoid", 12, "sigmoid has no kink", ""),
        ("conventions.kinks.absolute_error", 13, "no kink of its own", "made of abs"),
        ("conventions.kinks.abs", 14, "a kink is a bound and a slope", 'abs = { "0" = 1 }'),
        ("conventions.kinks.hinge.0", 15, "“x” is not a number", ""),
    ]),
    (
        "conventions", BOTH + "[conventions]\nkink = 1\n",
        [("conventions.kink", 10, "unknown key kink", "kinks")],
    ),
    ("functions", '[functions]\nf = "f(u)"\ng = "v"\nk = 3\nexp = "u"\nsum = "u"\n' + BOTH, [
        ("functions.f", 2, "f is defined through itself", ""),
        ("functions.g", 3, "“v” is not declared", ""),
        ("functions.k", 4, "a formula in u belongs here", ""),
        ("functions.exp", 5, "exp cannot be defined anew", ""),
        ("functions.sum", 6, "sum cannot be defined anew", ""),
    ]),
    ("facts", BOTH + '[assume]\nfacts = ["sum(b) = 6", "sum(q) = 1", "b", "z[1] > 1"]\n', [
        ("assume.facts", 10, "the values contradict “sum(b) = 6”", ""),
        ("assume.facts", 10, "“q” is not declared", ""),
        ("assume.facts", 10, "“b” is no fact", "sum(t) = 1"),
        ("assume.facts", 10, "the values contradict “z[1] > 1”", ""),
    ]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS]
)
def test_faults(text: str, expected: list[Expected]) -> None:
    with pytest.raises(ExerciseError) as caught:
        from_text(text, key="case")
    faults = list(caught.value.faults)
    for key, line, message, suggestion in expected:
        found = [
            fault
            for fault in faults
            if (fault.key, fault.line) == (key, line)
            and message in fault.message
            and suggestion in fault.suggestion
        ]
        assert found, f"{key}, line {line}: {message} …\n--- in ---\n{caught.value}"
        faults.remove(found[0])
    assert not faults, "\n".join(map(str, faults))
    assert all(fault.file == "case.toml" for fault in caught.value.faults)


def test_all_faults_come_at_once_in_the_order_of_the_file() -> None:
    text = (
        'tittle = "x"\n'
        + BOTH.replace("relu(z)", "rel(z").replace("-1, 0]", "-1]")
        + "[wanted]\ngradients = 1\n"
    )
    with pytest.raises(ExerciseError) as caught:
        from_text(text)
    assert [fault.line for fault in caught.value.faults] == [1, 4, 7, 11]


def test_a_fault_reads_like_this() -> None:
    with pytest.raises(ExerciseError) as caught:
        from_text(BOTH.replace("[1, 0, 2]", "[1, 2]"), key="capa")
    assert str(caught.value) == (
        "capa.toml:2: model.z: W is 2×3 and x is 2×1: 3 ≠ 2. Did you mean Wᵀ x?\n    W x + b\n    ^^^"
    )


# --- TOML that is none ----------------------------------------------------------------

SYNTAX = [
    ('[model]\nŷ = "W x"\n', 2, '"ŷ" = …'),
    ('[model]\nz\' = "W x"\n', 2, '"z\'" = …'),
    ('[model]\ny[i,j] = "W x"\n', 2, '"y[i,j]" = …'),
    ("[model]\nz = W x + b\n", 2, 'z = "W x + b"'),
    ('[model]\nz = "x"\nz = "y"\n', 3, "z stands there twice"),
    ('[model]\nz = "x\n', 2, ""),
    ("[model\n", 1, ""),
    ("[values]\nx = [1, 2\n", 3, ""),
    ("x = 1 y = 2\n", 1, ""),
    ("\x00", 1, ""),
]


@pytest.mark.parametrize(("text", "line", "hint"), SYNTAX)
def test_toml_errors_come_alone_with_a_hint(text: str, line: int, hint: str) -> None:
    with pytest.raises(ExerciseError) as caught:
        from_text(text)
    (fault,) = caught.value.faults
    assert "this is not TOML" in fault.message
    assert fault.line == line
    assert hint in fault.suggestion


# --- files ----------------------------------------------------------------------------


def fault_of(path: str | Path) -> str:
    with pytest.raises(ExerciseError) as caught:
        load(path)
    (fault,) = caught.value.faults
    return str(fault)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "Did you mean the bundled neurona" in fault_of("neuron")
    assert "Bundled exercises: neurona, capa" in fault_of(tmp_path / "xyz.toml")
    assert "this is a folder" in fault_of(tmp_path)
    (tmp_path / "mine.toml").write_text(BOTH, encoding="utf-8")
    assert "mine.toml?" in fault_of(tmp_path / "mine")
    (tmp_path / "empty.toml").write_text(" \n")
    assert "the file is empty" in fault_of(tmp_path / "empty.toml")
    (tmp_path / "latin.toml").write_bytes(b"[model]\ntitle = 'a\xf1o'\n")
    assert "line 2 is not UTF-8" in fault_of(tmp_path / "latin.toml")
    (tmp_path / "big.toml").write_bytes(b"#" * (limits.FILE_BYTES + 1))
    assert "more than 1,000,000 bytes" in fault_of(tmp_path / "big.toml")
    os.mkfifo(tmp_path / "pipe.toml")
    assert "no ordinary file" in fault_of(tmp_path / "pipe.toml")


def test_a_file_with_a_byte_order_mark_and_windows_lines(tmp_path: Path) -> None:
    path = tmp_path / "capa dos.toml"
    path.write_bytes(b"\xef\xbb\xbf" + BOTH.replace("\n", "\r\n").encode())
    exercise = load(path)
    assert exercise.key == "capa dos"
    path.write_bytes(b"\xef\xbb\xbf" + BOTH.replace("W x", "W^T x").replace("\n", "\r\n").encode())
    with pytest.raises(ExerciseError) as caught:
        load(path)
    assert caught.value.faults[0].line == 2
    assert caught.value.faults[0].file == str(path)


@pytest.mark.parametrize("key", ["", "../x", "a/b", ".hidden", "a\\b", "x" * 300])
def test_a_key_must_be_a_file_name(key: str) -> None:
    with pytest.raises(ValueError, match="cannot name output files"):
        from_text(BOTH, key=key)


# --- own functions and Euler's number ---------------------------------------------------


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ('{ pieces = [{ formula = "u", bound = "-1" }, { formula = "-u", bound = "1" }, { formula = "0" }] }',
         "from the highest bound down, and 1 comes after -1"),
        ('{ pieces = [{ formula = "u", bound = "1" }, { formula = "2", bound = "1" }, { formula = "0" }] }',
         "from the highest bound down, and 1 comes after 1"),
        ('"||u||"', "acts on one number, which has no norm"),
    ],
)  # fmt: skip
def test_own_functions_that_mean_nothing(function: str, said: str) -> None:
    """They reached the proofs once, which failed as if that were our fault."""
    with pytest.raises(ExerciseError) as caught:
        from_text(f'[model]\nL = "f(x)"\n[functions]\nf = {function}\n')
    (fault,) = caught.value.faults
    assert said in fault.message
    assert fault.line == 4


@pytest.mark.parametrize(
    ("model", "warned"),
    [("e^x", True), ("1 / (1 + e^(-x))", True), ("e x", False), ("x^e", False), ("exp(x)", False)],
)
def test_e_without_a_value_is_no_number(model: str, warned: bool) -> None:
    found = from_text(f'[model]\nL = "{model}"\n').warnings
    assert any("Euler's number is exp(1)" in warning for warning in found) is warned


def test_e_with_a_value_is_what_it_is() -> None:
    assert from_text('[model]\nL = "e^x"\n[values]\ne = 3\n').warnings == ()


@pytest.mark.parametrize("formula", ["cross_entropi(z, t)", "sum(cross_entropi((z), t))"])
def test_a_comma_after_what_is_no_function(formula: str) -> None:
    """The name is at fault, not the comma."""
    with pytest.raises(ExerciseError) as caught:
        from_text(f'[model]\nL = "{formula}"\n')
    (fault,) = caught.value.faults
    assert "there is no function “cross_entropi”" in fault.message
    assert fault.span is not None
    assert formula[fault.span.start : fault.span.end] == "cross_entropi"


# --- input that means harm ------------------------------------------------------------

HOSTILE = [
    MODEL + "[values]\nx = " + "[" * 10_000,
    MODEL + "[values]\nx = " + "[" * 10_000 + "1" + "]" * 10_000,
    MODEL + "[values]\nx = " + "{a = " * 10_000,
    "a." * 100_000 + "b = 1",
    "[" + "a." * 100_000 + "b]",
    '[model]\nL = "' + "(" * 10_000 + "x" + ")" * 10_000 + '"\n',
    '[model]\nL = "' + "-" * 15_000 + 'x"\n',
    '[model]\nL = "' + "x^" * 5_000 + '2"\n',
    '[model]\nL = "' + "a + " * 240_000 + 'b"\n',
    '[model]\nL = "2^(9^(9^9))"\n',
    '[model]\nL = "x"\n[values]\nx = ' + "9" * 900_000 + "\n",
    '[model]\nL = "x"\n[values]\nx = 0x' + "f" * 900_000 + "\n",
    '[model]\nL = "x"\n[values]\nx = 1' + "_1" * 400_000 + "\n",
    '[model]\nL = "x"\n[values]\nx = "1e999999999999999999"\n',
    '[model]\nL = "x"\n[values]\nx = "' + "1" * 400_000 + '/3"\n',
    "[model]\nL = \"__import__('os').system('x')\"\n",
    '[model]\n"\\u001b[2J" = "x"\nL = "\\u001b[2J"\n',
    "[model]\n" + "".join(f'x{i} = "y"\n' for i in range(5_000)),
    "#" * 999_999,
    '"' * 999_999,
    "'''" + "x" * 900_000,
    '[model]\nL = "x"\n[shapes]\nx = [' + "9" * 4_000 + "]\n",
    '[functions]\nf = "' + "exp(" * 5_000 + "u" + ")" * 5_000 + '"\n[model]\nL = "f(x)"\n',
    '[wanted]\ngradients = ["' + "W" * 100_000 + '"]\n' + BOTH,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_input_is_a_short_clear_fault(text: str) -> None:
    with pytest.raises(ExerciseError) as caught:
        from_text(text)
    shown = str(caught.value)
    assert len(shown) < 3_000
    assert "\x1b" not in shown
    assert caught.value.faults


def _exercise_or_faults(make: Callable[[], Exercise]) -> None:
    """Either an exercise with equations, or faults that all say something; never anything else."""
    try:
        made = make()
    except ExerciseError as error:
        faults = error.faults
    else:
        assert made.equations
        return
    assert faults
    assert all(fault.message for fault in faults)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_an_exercise_or_a_fault(text: str) -> None:
    _exercise_or_faults(lambda: from_text(text))


_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
_ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
_SECTIONS = [
    "title", "language", "model", "shapes", "values", "wanted", "conventions", "functions", "words", "assume",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(_SECTIONS), _ANYTHING))
def test_any_mapping_is_an_exercise_or_a_fault(mapping: Mapping[str, Any]) -> None:
    whole = {"model": {"z": "W x + b", "L": "1/2 ||z||^2"}, "values": {"W": [[1, 2]]}, **mapping}
    _exercise_or_faults(lambda: from_dict(whole))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(_SECTIONS), st.sampled_from(["W", "z", "gradients", "kinks", "facts", "f"]), _ANYTHING)
def test_any_value_in_a_section_is_taken_or_a_fault(section: str, key: str, value: Any) -> None:
    whole: dict[str, Any] = {"model": {"z": "W x + b", "L": "1/2 ||z||^2"}, "values": {"W": [[1, 2]]}}
    whole[section] = {**whole.get(section, {}), key: value}
    _exercise_or_faults(lambda: from_dict(whole))


# --- small ones -----------------------------------------------------------------------


def test_one_slip() -> None:
    same = [("yhat", "yhta"), ("yhat", "yha"), ("yhat", "yhatt"), ("yhat", "yhot"), ("yhat", "hyat")]
    assert all(one_slip(a, b) and one_slip(b, a) for a, b in same)
    assert not any(one_slip(a, b) for a, b in [("yhat", "yhat"), ("yhat", "haty"), ("yhat", "x")])


def test_nearest() -> None:
    assert nearest("w", ["W", "x"]) == ["W"]
    assert nearest("reul", ["relu", "elu", "exp"])[0] == "relu"
    assert nearest("zzz", ["relu"]) == []


def test_every_bad_entry_of_a_value_is_reported() -> None:
    """Not the first only: a teacher mends them all at once."""
    with pytest.raises(ExerciseError) as caught:
        from_text(
            '[model]\nL = "sum(x) + sum(W)"\n[values]\nx = ["hola", inf, 1, true]\nW = [[1, nan], ["a", 2]]\n'
        )
    places = [(fault.key, fault.message.split(":")[0]) for fault in caught.value.faults]
    assert places == [
        ("values.x", "entry 1"),
        ("values.x", "entry 2"),
        ("values.x", "entry 4"),
        ("values.W", "row 1, entry 2"),
        ("values.W", "row 2, entry 1"),
    ]
