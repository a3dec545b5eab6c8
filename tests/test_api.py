"""symbackprop from Python: sources, results in SymPy, reports, and what is refused."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import pytest
import sympy as sp

import symbackprop as sb
from symbackprop.algebra.symbolic import NotSymbolic
from symbackprop.api import Worked
from symbackprop.derivation.expressions import expression
from symbackprop.notation import tree
from symbackprop.report.files import NotOursError

NEURONA: dict[str, Any] = {
    "model": {"z": "W x + b", "yhat": "relu(z)", "L": "1/2 (yhat - y)^2"},
    "values": {"W": [[4, 2, -5]], "x": [1, 0, 2], "b": [7], "y": [5]},
}
ROOT = Path(sb.__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def neurona() -> Worked:
    return sb.derive("neurona")


@pytest.fixture(scope="module")
def capa() -> Worked:
    return sb.derive("capa")


# --- import, sources ------------------------------------------------------------------------


def test_importing_is_cheap() -> None:
    """No SymPy, no Lark, no Typer before something is used."""
    code = (
        "import sys, symbackprop; heavy = {'sympy', 'jinja2', 'lark', 'typer', 'rich', 'flint', 'typst'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules);"
        "symbackprop.load('neurona');"
        "assert 'sympy' not in sys.modules; print(sorted(n for n in dir(symbackprop) if n[0] != '_'))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert "'derive'" in ran.stdout


def test_every_public_name_is_there() -> None:
    assert list(sb.__all__) == sorted(sb.__all__)
    assert all(getattr(sb, name) is not None for name in sb.__all__)
    with pytest.raises(AttributeError, match="no attribute 'deriv'"):
        sb.deriv  # noqa: B018  # looking it up is what is tested


def test_one_version_everywhere() -> None:
    import tomllib

    from symbackprop.report.files import GENERATOR

    stated = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert sb.__version__ == stated
    assert f"symbackprop {stated}" == GENERATOR


def test_five_ways_to_say_an_exercise(tmp_path: Path) -> None:
    text = '[model]\nz = "W x + b"\nyhat = "relu(z)"\nL = "1/2 (yhat - y)^2"\n'
    text += "[values]\nW = [[4, 2, -5]]\nx = [1, 0, 2]\nb = [7]\ny = [5]\n"
    file = tmp_path / "mine.toml"
    file.write_text(text, "utf-8")
    ways = [sb.derive(NEURONA), sb.derive(sb.from_parts(**NEURONA)), sb.derive(file), sb.derive(str(file)),
            sb.derive(sb.load("neurona"))]  # fmt: skip
    for worked in ways:
        assert worked["dW"].value == sp.Matrix([[-4, 0, -8]])
    assert [worked.exercise.key for worked in ways] == ["exercise", "exercise", "mine", "mine", "neurona"]


def test_what_is_no_exercise() -> None:
    with pytest.raises(TypeError, match="not int"):
        sb.derive(7)  # type: ignore[arg-type]  # that is what is tested
    with pytest.raises(sb.ExerciseError, match="neurona"):
        sb.derive("neuron")


@pytest.mark.parametrize("digits", [-1, 101, 1.5, True, "4"])
def test_digits_out_of_range(digits: Any) -> None:
    with pytest.raises(ValueError, match="0 to 100"):
        sb.derive("neurona", digits=digits)


# --- results --------------------------------------------------------------------------------


def test_the_notes_example(neurona: Worked) -> None:
    expected = {
        "z": [[1]], "yhat": [[1]], "dyhat": [[-4]], "dz": [[-4]], "db": [[-4]],
        "dW": [[-4, 0, -8]], "dx": [[-16], [-8], [20]],
    }  # fmt: skip
    for name, entries in expected.items():
        assert neurona[name].value == sp.Matrix(entries)
    assert neurona["L"].value == 8
    assert neurona["dW"].shape == (1, 3)
    assert neurona["dx"].shape == (3,)
    assert neurona.gradients == ("dW", "db", "dx")
    assert list(neurona)[:4] == ["W", "x", "b", "y"]
    assert "dW" in neurona
    assert "dQ" not in neurona


def test_symbolic_is_made_of_matrix_symbols(neurona: Worked) -> None:
    x, dz = sp.MatrixSymbol("x", 3, 1), sp.MatrixSymbol("dz", 1, 1)
    assert neurona["dW"].symbolic == dz * x.T
    assert neurona["dx"].symbolic == sp.MatrixSymbol("W", 1, 3).T * dz


def test_symbolic_sizes_and_generic_functions() -> None:
    worked = sb.derive("general")
    k, n = sp.symbols("k n", integer=True, positive=True)
    dz, x, dyhat, z = (
        sp.MatrixSymbol(*one) for one in (("dz", k, 1), ("x", n, 1), ("dyhat", k, 1), ("z", k, 1))
    )
    assert worked["dW"].symbolic == dz * x.T
    assert worked["dW"].value is None
    product = worked["dz"].symbolic
    assert isinstance(product, sp.HadamardProduct)
    assert product.shape == (k, 1)
    assert product.args[0] == dyhat
    u = sp.Symbol("u")
    assert product.args[1].expr == z
    assert product.args[1].function(u).doit() == sp.Function("g")(u).diff(u)


def test_values_are_exact_and_symbols_stay(capa: Worked) -> None:
    one, two = sp.symbols("y_1 y_2")
    assert capa["dx"].value == sp.Matrix([39 - 4 * one - 7 * two, -3 - 2 * one + two, -5 + 5 * one])
    assert capa["y"].value == sp.Matrix([one, two])
    assert capa["L"].value.equals((1 - one) ** 2 / 2 + (5 - two) ** 2 / 2)
    third = sb.derive({"model": {"L": "w^2"}, "values": {"w": "1/3"}})
    assert third["L"].value == sp.Rational(1, 9)
    assert third["dw"].value == sp.Rational(2, 3)


def test_irrational_values_have_only_digits_that_are_certain() -> None:
    value = sb.derive("sigmoide")["yhat"].value[0, 0]
    with mpmath.workdps(80):
        error = abs(mpmath.mpf(str(sp.N(value, 60))) - 1 / (1 + mpmath.exp(-1)))
    assert isinstance(value, sp.Float)
    assert 15 < value._prec * 0.30103 < 45
    assert error < mpmath.mpf(10) ** -30


def test_values_are_new_each_time(neurona: Worked) -> None:
    first = neurona["dW"].value
    first[0, 0] = 99
    assert neurona["dW"].value[0, 0] == -4
    with pytest.raises(dataclasses.FrozenInstanceError):
        neurona.derivation = None  # type: ignore[misc,assignment]  # that is what is tested


def test_names_may_be_written_as_on_the_board(neurona: Worked) -> None:
    assert neurona["ŷ"].name == "yhat"
    assert neurona["dŷ"].name == "dyhat"
    with pytest.raises(KeyError, match="did you mean dyhat"):
        neurona["dyhta"]
    for odd in ("", "d", "dd", "W x", "W\x1b", "('", "d" * 5000):
        with pytest.raises(KeyError):
            neurona[odd]


def test_how_they_show_themselves(neurona: Worked) -> None:
    assert repr(neurona["dW"]) == "<dW = dz x^T = [[-4, 0, -8]] (1×3)>"
    assert repr(neurona["L"]) == "<L = 1/2 (yhat - y)^2 = 8 (scalar)>"
    assert repr(neurona) == "<Worked 'neurona': dW = dz x^T, db = dz, dx = W^T dz>"
    latex = neurona["dW"]._repr_latex_()
    assert latex == r"$\displaystyle dW = dz\;x^T = \begin{pmatrix} -4 & 0 & -8 \end{pmatrix}$"
    assert "≈ 0.7311" in repr(sb.derive("sigmoide")["yhat"])


def test_a_wide_value_is_not_printed() -> None:
    wide = sb.derive({"model": {"L": "sum(x)"}, "values": {"x": list(range(40))}})
    assert repr(wide["x"]) == "<x (40)>"
    assert wide["dx"].value == sp.ones(40, 1)


# --- symbolic against values ----------------------------------------------------------------

_W = [[1, -2, 3], [2, "1/2", -1]]
_LAYERS = [
    ("relu(z)", "1/2 ||yhat - y||^2"), ("tanh(z)", "mse(yhat, y)"),
    ("leaky_relu(z)", "huber(yhat, y, delta = 2)"),
    ("elu(z)", "absolute_error(yhat, y)"), ("z", "hinge(yhat, y)"), ("z", "bce_logits(yhat, y)"),
    ("softplus(z)", "sum((yhat - y)^2) + 1/2 ||W||_F^2"), ("max(z, y)", "mean(square(yhat))"),
    ("gelu(z)", "squared_error(yhat, y)"), ("swish(z) / 2", "||yhat - y||"), ("z * z", "sum(yhat * y)"),
    ("1 - z", "y^T yhat"), ("exp(z) / 3", "half_squared_error(yhat, y) + b[2]^2"),
]  # fmt: skip
_MODELS: list[Mapping[str, Any]] = [
    *({"model": {"z": "W x + b", "yhat": activation, "L": loss},
       "values": {"W": _W, "x": [1, 2, -1], "b": ["1/2", 1], "y": [1, -1]}} for activation, loss in _LAYERS),
    {"model": {"z": "W x + b", "p": "sigmoid(z)", "L": "bce(p, y)"},
     "values": {"W": _W, "x": [1, 2, -1], "b": ["1/2", 1], "y": [1, 0]}},
    {"model": {"Z": "X W^T + ones(2) b^T", "A": "tanh(Z)", "L": "1/2 ||A - Y||_F^2"},
     "values": {"X": [[1, 2, 3], [0, 1, -1]], "W": _W, "b": [1, 2], "Y": [[1, 0], [0, 1]]}},
    {"model": {"z": "w x + b", "L": "(z - y)^2"}, "values": {"w": 2, "x": 3, "b": 1, "y": "1/3"}},
    {"model": {"L": "sum(exp(x)) + x[2]^2 + W[1,2]"}, "values": {"x": [1, 2, -1], "W": _W}},
]  # fmt: skip


def plugged(worked: Worked, name: str) -> Any:
    """The symbolic form with the values of everything else put in by SymPy."""
    table: dict[Any, Any] = {}
    for other in worked:
        value = worked[other].value
        if value is None:
            continue
        if worked[other].shape == ():
            table[sp.Symbol(other)] = value
        else:
            table[sp.MatrixSymbol(other, *value.shape)] = sp.ImmutableMatrix(value)
    made = worked[name].symbolic
    made = (table[made] if isinstance(made, sp.MatrixSymbol) else made.subs(table)).doit()
    return sp.Matrix(made) if hasattr(made, "shape") else sp.Matrix([[made]])


@pytest.mark.parametrize("source", ["neurona", "capa", "capa-numerica", "sigmoide", *_MODELS], ids=str)
def test_symbolic_gives_the_value(source: Any) -> None:
    """Every formula in SymPy, evaluated by SymPy, is the value that the program computed without it."""
    worked = sb.derive(source)
    seen = 0
    for name in worked:
        value = worked[name].value
        expected = sp.Matrix(value) if hasattr(value, "shape") else sp.Matrix([[value]])
        for one, other in zip(plugged(worked, name), expected, strict=True):
            gap = sp.expand(one - other)
            assert gap == 0 if gap.free_symbols else abs(sp.N(gap, 40)) < 1e-25
            seen += 1
    assert seen >= 4


def test_a_convention_at_a_kink_is_in_the_symbolic_form() -> None:
    half = {
        "model": {"z": "w x", "L": "relu(z)"},
        "values": {"w": [0], "x": 3},
        "conventions": {"kinks": {"relu": {"0": "1/4"}}},
    }
    worked = sb.derive(half)
    assert worked["dz"].value == sp.Matrix([sp.Rational(1, 4)])
    assert plugged(worked, "dz") == worked["dz"].value


def test_what_sympy_cannot_say_is_said() -> None:
    exercise = sb.load("general")
    with pytest.raises(NotSymbolic, match="cannot say this formula"):
        expression(exercise, tree.Cases(()), ("k",))
    with pytest.raises(NotSymbolic, match="a matrix stands where a number is needed"):
        expression(exercise, tree.Name("W"), ())


def test_a_hostile_name_is_only_a_name() -> None:
    """Names reach SymPy as names of symbols, never as code."""
    worked = sb.derive({"model": {"L": "(lambda - E)^2 + S^2 + I"}, "values": {"E": 2, "S": 1, "I": 0}})
    assert worked["dlambda"].symbolic.free_symbols == {sp.Symbol("lambda"), sp.Symbol("E")}
    assert worked["dS"].value == 2


# --- reports --------------------------------------------------------------------------------


def test_reports_in_each_format(neurona: Worked) -> None:
    latex = neurona.to_latex()
    assert r"\documentclass" in latex
    assert "spanish" in latex, "the exercise says Spanish"
    assert "english" in neurona.to_latex(language="en")
    assert "$dW$" in neurona.to_markdown(detail="answer")
    assert len(neurona.to_typst()) > 1000
    assert '"dW"' in neurona.to_json()
    assert neurona._repr_markdown_() == neurona.to_markdown(detail="answer")


def test_details_differ(neurona: Worked) -> None:
    texts = [
        neurona.to_markdown(language="en", detail=one)
        for one in ("answer", "exam", "student", "full", "worksheet")
    ]
    assert len(set(texts)) == 5
    assert len(texts[0]) < len(texts[1]) < len(texts[2]) < len(texts[3])
    assert "-16" not in texts[4], "a worksheet does not give the results"


@pytest.mark.parametrize(
    ("call", "match"),
    [
        ({"language": "fr"}, "one of en, es"),
        ({"language": "../es"}, "language"),
        ({"detail": "ful"}, "did you mean full"),
        ({"detail": "brief"}, "one of answer, exam, student, full, worksheet"),
    ],
)
def test_options_that_do_not_exist(neurona: Worked, call: dict[str, str], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        neurona.to_latex(**call)  # type: ignore[arg-type]  # that is what is tested


def test_a_pdf(neurona: Worked, tmp_path: Path) -> None:
    path = neurona.to_pdf(tmp_path / "deep" / "one.pdf", engine="typst", detail="answer")
    assert path.read_bytes().startswith(b"%PDF-")
    with pytest.raises(ValueError, match="did you mean typst"):
        neurona.to_pdf(tmp_path / "two.pdf", engine="typts")
    with pytest.raises(ValueError, match=r"ends in \.pdf"):
        neurona.to_pdf(tmp_path / "two.tex", engine="typst")
    theirs = tmp_path / "theirs.pdf"
    theirs.write_bytes(b"%PDF- somebody else's startxref")
    with pytest.raises(NotOursError):
        neurona.to_pdf(theirs, engine="typst")
    assert theirs.read_bytes().startswith(b"%PDF- somebody")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["deep", "theirs.pdf"]


def test_fractions_reach_sympy_as_rationals(neurona: Worked) -> None:
    assert all(isinstance(entry, sp.Integer) for entry in neurona["W"].value)
    assert isinstance(
        sb.derive({"model": {"L": "w"}, "values": {"w": Fraction(1, 7)}})["w"].value, sp.Rational
    )


def test_variants_of_an_exam() -> None:
    """The same numbers as the command line makes; one student's hang on no other's."""
    secret = b"a secret of sixteen bytes"
    three = sb.exam_variants("examen-capa", 3, secret)
    alone = sb.exam_variants("examen-capa", ["2"], secret)
    assert dict(three[1].sheets[0].values) == dict(alone[0].sheets[0].values)
    sheet = three[-1].sheets[0]
    dz, x = sheet.key["dz"].entries, sheet.values["x"].entries
    assert sheet.key["dW"].nested() == [[d * a for a in x] for d in dz]
    with pytest.raises(ValueError, match="an id of their own"):
        sb.exam_variants("examen-capa", ["1", "1"])
    with pytest.raises(ValueError, match="between 1 and"):
        sb.exam_variants("examen-capa", 0)
