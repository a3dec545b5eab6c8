"""Why a line is wrong: the mistake that is named, the line that is due, and what is not to be said."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from symbackprop.checking.check import check_text
from symbackprop.checking.findings import Checked, Finding
from symbackprop.exercise import Exercise, from_parts, load
from symbackprop.notation.write_readable import to_readable
from symbackprop.report.checked.outputs import CheckedOutputs

OWN: dict[str, dict[str, Any]] = {
    "layers": {
        "model": {
            "z1": "W1 x + b1",
            "a1": "sigmoid(z1)",
            "z2": "W2 a1 + b2",
            "a2": "sigmoid(z2)",
            "C": "1/2 ||a2 - y||^2",
        },
        "shapes": {"W1": ["h", "n"], "W2": ["k", "h"]},
    },
    "batch": {
        "model": {"Z": "X W^T + 1 b^T", "A": "sigmoid(Z)", "L": "1/(2 m) ||A - Y||_F^2"},
        "shapes": {"X": ["m", "n"], "W": ["k", "n"]},
    },
    "ridge": {
        "model": {"z": "W x + b", "yhat": "tanh(z)", "L": "1/2 ||yhat - y||^2 + lambda/2 ||W||_F^2"},
        "shapes": {"W": ["k", "n"], "lambda": []},
    },
}


@cache
def exercise(name: str) -> Exercise:
    return from_parts(**OWN[name]) if name in OWN else load(name)


def checked(name: str, text: str) -> Checked:
    suffix = ".py" if text.startswith("#") else ".md" if "$" in text else ".txt"
    return check_text(text, [exercise(name)], suffix=suffix)


def wrong(name: str, text: str) -> Finding:
    (found,) = checked(name, text).findings
    assert found.verdict == "wrong", (found.verdict, text)
    return found


@dataclass(frozen=True, slots=True)
class Line:
    """A wrong line, the ids of what is named, and the right side that is shown."""

    exercise: str
    text: str
    named: str
    due: str | None = None


LINES = [
    # entries, in indices
    Line(
        "general", r"$\frac{\partial L}{\partial w_{ij}}=(\hat y_i-y_i)g'(z_i)$", "factor_forgotten", "dzᵢ xⱼ"
    ),
    Line(
        "general", r"$\frac{\partial L}{\partial x_j}=\sum_i(\hat y_i-y_i)g'(z_i)$", "factor_forgotten",
        "Σ(i: W[i,j] dzᵢ)",
    ),
    Line(
        "general", r"$\frac{\partial E}{\partial\hat y_i}=\frac12(\hat y_i-y_i)^2$", "square_kept", "ŷᵢ - yᵢ"
    ),
    Line("general", r"$\frac{\partial L}{\partial b_i}=1$", "bias_one", "dzᵢ"),
    Line("general", r"$\frac{\partial L}{\partial x_j}=\sum_j w_{ij}\delta_i$", "sum_index"),
    Line("general", r"$\frac{\partial L}{\partial w_{ij}}=\delta_j x_i$", "indices_swapped"),
    Line("general", r"$\frac{\partial z_i}{\partial w_{ij}}=x_i$", "wrong_index", "xⱼ"),
    Line("general", r"$\frac{\partial\hat y_i}{\partial z_i}=g(z_i)$", "function_for_slope", "g'(zᵢ)"),
    Line("neurona", "dL/dx_i = dL/dz w_1", "wrong_index", "W[1,i] dz₁"),
    Line("neurona", r"$\frac{\partial L}{\partial w_3}=\delta x_2$", "wrong_index", "dz₁ x₃"),
    Line("ridge", r"$\frac{\partial L}{\partial b_i}=\delta_i+\lambda b_i$", "bias_regularised", "dzᵢ"),
    Line(
        "softmax", r"$\frac{\partial p_i}{\partial z_j}=p_i(1-p_i)$", "softmax_elementwise",
        "δ[i,j] pᵢ - pᵢ pⱼ",
    ),
    Line("softmax", r"$\frac{\partial p}{\partial z}=\mathrm{diag}(p)$", "term_forgotten", "diag(p) - p pᵀ"),
    Line("softmax", r"$\frac{\partial p}{\partial z}=\mathrm{diag}(p)+pp^T$", "term_sign", "diag(p) - p pᵀ"),
    Line("softmax", r"$\frac{\partial L}{\partial z_i}=-\frac{t_i}{p_i} p_i(1-p_i)$", "softmax_elementwise"),
    Line("atencion", "$dS_{ij} = P_{ij}(1-P_{ij})dP_{ij}$", "softmax_elementwise"),
    Line("batch", r"$\frac{\partial L}{\partial b_j}=\sum_i\sum_j dZ_{ij}$", "summed", "Σ(i: dZ[i,j])"),
    # with numbers, exact and rounded
    Line("sigmoide", "dL/dz = -0.2689 * 0.7311 = -0.1966", "function_for_slope"),
    Line("sigmoide", "dz = -0.2689", "slope_missing"),
    Line("sigmoide", "dz = (0.7311 - 1) * sigma'(0.7311) = -0.0590", "slope_at_output"),
    Line("logistica", "db = 0.3804", "mean_missing"),
    Line("red", "$dw^{[2]}_{21} = 0.0226$", "sign"),
    Line("capa-numerica", "db = (1, 1)", "bias_one"),
    Line("capa-numerica", "z = (4, -5)", "arithmetic"),
    Line("neurona", "dW = -4 * [1 0 2] = [-4 0 8]", "entry_sign"),
    Line("neurona", r"$\hat y - y = 1 + 5 = 6$", "term_sign"),
    Line("neurona", "dz = 4", "sign"),
    Line("neurona", r"$\frac{\partial L}{\partial w_3} = (\hat y - y)\cdot 1 = -4$", "factor_forgotten"),
    Line("neurona", r"$\frac{\partial L}{\partial w_2} = -4 \cdot 2 = -8$", "wrong_index"),
    Line("softmax", r"$\nabla_b L = (1,1,1)^T$", "bias_one"),
    Line("softmax", "#\ndb = np.ones((3,1))", "bias_one"),
    Line("neurona", "#\ndW = np.array([[-4, 0, -9]])", "arithmetic"),
    # means
    Line("batch", "dA = A - Y", "mean_missing factor_forgotten", "(A - Y) / m"),
    Line("batch", "dA = (A - Y) / m^2", "mean_twice", "(A - Y) / m"),
    Line("batch", "dA = (A - Y)^2 / m", "square_kept", "(A - Y) / m"),
    # y for ŷ
    Line("general", r"$\frac{\partial L}{\partial y}=\hat y-y$", "sign wrong_variable", "y - ŷ"),
    # only what fits the line
    Line("general", "dW = dz yhat^T", "output_for_input"),
    Line("neurona", "dW = x dz^T", "result_transposed"),
    Line("softmax", "dz = -t*(1-p)", "softmax_elementwise"),
    Line("softmax", r"$\frac{\partial L}{\partial b}=\sum_i(p_i-t_i)$", "summed"),
    Line("ridge", "dW = lambda W", "term_forgotten"),
    Line("ridge", "dW = -((yhat - y) * (1 - yhat^2)) x^T + lambda W", "term_sign"),
    Line("atencion", "dX = dQ W_q^T + dK W_k^T", "term_forgotten"),
    Line("dropout", "dW2 = dyhat a1^T", "wrong_factor"),
    Line("recurrente", r"$\frac{\partial L}{\partial U} = \delta_3 h_2^T$", "term_forgotten"),
    Line("capa", r"$dW=\langle dz,x\rangle$", "inner_for_outer"),
    Line("logistica", "#\ndw = (p - y) @ X.T / 4", "factors_swapped"),
    # any layer
    Line("layers", r"$\frac{\partial C}{\partial b^l_j} = \delta^{l-1}_j$", "wrong_layer"),
    Line(
        "layers", r"$\delta^l = (w^{l+1}\delta^{l+1})\odot\sigma'(z^l)$", "transpose_missing",
        "W₂ᵀ dz₂ ⊙ sigmoid'(z₁)",
    ),
    # the derivative of a function
    Line("sigmoide", r"$\sigma'(z)=\sigma(z)(1+\sigma(z))$", "term_sign", "sigmoid(z) (1 - sigmoid(z))"),
    Line("sigmoide", r"$\sigma'(z)=\frac{e^{z}}{(1+e^{-z})^2}$", "argument_sign"),
    Line("ridge", r"$\tanh'(z)=1-\tanh z$", "slope_square", "1 - tanh(z)^2"),
    Line("capa", r"$\mathrm{ReLU}'(z)=\mathrm{ReLU}(z)$", "function_for_slope", "{1 if z ≥ 0; 0 if z < 0}"),
    Line("capa", r"$\frac{\partial\hat y}{\partial z}=\hat y$", "function_for_slope", "diag(relu'(z))"),
]  # fmt: skip


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.exercise}: {line.text}")
def test_the_mistake_and_what_is_due(line: Line) -> None:
    found = wrong(line.exercise, line.text)
    assert [one.id for one in found.mistakes] == line.named.split()
    if line.due is not None:
        assert found.expected is not None
        assert to_readable(found.expected.members[1]) == line.due  # type: ignore[attr-defined]


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.exercise}: {line.text}")
@pytest.mark.parametrize("language", ["es", "en"])
def test_no_sentence_has_a_gap_or_a_number_of_the_field(line: Line, language: str) -> None:
    text = CheckedOutputs(checked(line.exercise, line.text), language).text.partition("\n 1 ")[2]
    said = re.sub(r"[^\n]*\n", "", text, count=1)
    assert " ... " not in said
    assert "·ᵢ" not in said
    assert not re.search(r"\d{7}", said)


RIGHT = [
    ("general", r"$\frac{\partial L}{\partial w_{ij}}=(\hat y_i-y_i)g'(z_i)x_j$"),
    ("general", r"$\frac{\partial L}{\partial x_j}=\sum_i w_{ij}\delta_i$"),
    ("general", r"$\frac{\partial z_i}{\partial w_{ij}}=x_j$"),
    ("softmax", r"$\frac{\partial p_i}{\partial z_j}=p_i(\delta_{ij}-p_j)$"),
    ("softmax", r"$\frac{\partial p}{\partial z}=\mathrm{diag}(p)-pp^T$"),
    ("sigmoide", "dz = -0.2689 * 0.1966 = -0.0529"),
    ("batch", r"$\frac{\partial L}{\partial b_j}=\sum_i dZ_{ij}$"),
    ("batch", "dA = (A - Y) / m"),
    ("neurona", r"$\hat y - y = 1 - 5 = -4$"),
]


@pytest.mark.parametrize(("name", "text"), RIGHT)
def test_the_right_line_beside_it_holds(name: str, text: str) -> None:
    (found,) = checked(name, text).findings
    assert found.verdict in ("correct", "rounded", "correct for this example"), found.verdict


# --- what is told ---------------------------------------------------------------------------------


def told(name: str, text: str, language: str = "en") -> str:
    return " ".join(CheckedOutputs(checked(name, text), language).text.split())


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("capa-numerica", "z = (4, -5)", "Recomputed, z₁ is 7."),
        ("capa-numerica", "W^T = [[3, -4], [-4, 2], [2, 1]]", "The exercise says W[2,3] = -1."),
        ("neurona", "dW = -4 * [1 0 2] = [-4 0 8]", "The sign of dW[1,3] is wrong."),
        ("sigmoide", "dz = -0.05290001", "Recomputed, dz is -0.052877093"),
        ("general", r"$W\in\mathbb R^{n\times k}$", "W is a matrix k×n: it does not lie in ℝ^{n×k}."),
        ("capa", r"$x\in\mathbb R^2$", "x is a vector with 3 entries: it does not lie in ℝ^2."),
        ("general", "dW = y yhat^T", "This is a matrix k×k; a matrix k×n is due."),
        ("norma-lote", r"$s_j=\sqrt{v_j+\epsilon^2}$", "This holds if ε = 1, but not in general."),
        ("capa", r"$\frac{\partial L}{\partial z_1}=\hat y_1-y_1$", "This holds if z > 0, but"),
        ("sigmoide", r"$\sigma'(z)=\sigma(z)(1+\sigma(z))$", "The term σ(z) has the opposite sign."),
        ("sigmoide", r"$\sigma'(z)=\frac{e^{z}}{(1+e^{-z})^2}$", "The sign of the argument z"),
        ("softmax", r"$\frac{\partial p}{\partial z}=\mathrm{diag}(p)+pp^T$", "The term p pᵀ has"),
        ("capa", r"$dx=\begin{pmatrix}w_{11}dz_1+w_{21}dz_2\\w_{12}dz_1\\w_{13}dz_1+w_{23}dz_2\end{pmatrix}$",
         "The entry (2) is wrong; Σ(i: W[i,2] dzᵢ) is due there."),
        ("general", "dx = W dz^T", "Two mistakes stand in it:"),
        ("general", r"$\frac{\partial L}{\partial x_j}=\sum_i\delta_i\frac{\partial z_j}{\partial x_i}$",
         "An index of"),
    ],
)  # fmt: skip
def test_a_sentence(name: str, text: str, sentence: str) -> None:
    assert sentence in told(name, text)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("red", r"$\delta^{[1]}=W^{[2]}\delta^{[2]}\odot\sigma'(z^{[1]})$", "This holds if"),
        ("recurrente", r"$\frac{\partial L}{\partial U} = \delta_3 h_2^T$", "This holds if"),
        ("capa", r"$\frac{\partial L}{\partial z}=\hat y\odot(\hat y-y)$", "0 times"),
        ("capa", r"$\hat y=\max(z,1)$", "in every entry"),
        ("neurona", r"$\frac{\partial L}{\partial w_3}=\delta x_2$", "The shape"),
    ],
)
def test_what_is_not_said(name: str, text: str, words: str) -> None:
    assert words not in told(name, text)


def test_a_right_row_after_a_wrong_one_has_no_mistake_of_its_own() -> None:
    rows = r"$$\begin{aligned}\frac{\partial L}{\partial x} &= W\delta \\ &= W^T\delta\end{aligned}$$"
    first, second = checked("capa", rows).findings
    assert [one.id for one in first.mistakes] == ["transpose_missing"]
    assert second.verdict == "wrong"
    assert second.mistakes == ()
    assert [one.key for one in second.reasons] == ["check.row_before"]


def test_what_is_carried_names_its_cause() -> None:
    """db and dW follow from dz of the first line, though a wrong dx stands between them."""
    lines = "dz = 4\ndx = 4*(4,2,-5) = (16,8,-20)\ndb = 4\ndW = dz x^T = (4,0,8)\n"
    first, *others = checked("neurona", lines).findings
    assert first.verdict == "wrong"
    for one in others:
        assert one.verdict == "carried"
        assert one.reasons[0].parts["line"] == 1


def test_of_two_causes_the_one_that_the_line_needs_is_named() -> None:
    lines = "$dz = d\\hat y \\odot g(z)$\n\n$dW = x\\,dz^T$\n\n$db = d\\hat y\\odot g(z)$\n"
    findings = checked("general", lines).findings
    assert [one.verdict for one in findings] == ["wrong", "wrong", "carried"]
    assert findings[2].reasons[0].parts["line"] == 1
