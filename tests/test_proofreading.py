"""The report proofreads itself, and the proofreader is tested: right reports pass, mutated ones do not."""

import re
from pathlib import Path

import pytest

import symbackprop
from symbackprop.derivation.derive import derive
from symbackprop.exercise import bundled
from symbackprop.report.outputs import Outputs
from symbackprop.report.proof_tables import claims_of
from symbackprop.report.proofreading import (
    Proof,
    ProofError,
    function_words,
    proof_lines,
    proofread,
    refuse_wrong,
)
from symbackprop.report.words import load_words
from tests.mutations import REPORTS, Report, mutations

FORMULAS = {
    "neurona": 130, "capa": 130, "general": 95, "capa-numerica": 130, "sigmoide": 115, "atencion": 160,
    "convolucion": 80, "dropout": 195, "logistica": 125, "norma-capa": 115, "norma-lote": 120,
    "recurrente": 205, "red": 195, "softmax": 110,
}  # fmt: skip
"""Formulas that are read back at full detail, at least: so that no report passes by having none."""


def proof_of(name: str, language: str, detail: str) -> Proof:
    """A bundled report read back."""
    derivation = derive(symbackprop.load(name))
    made = Outputs(derivation, language=language, detail=detail).proof
    assert made is not None
    return made


def test_the_table_has_every_bundled_exercise() -> None:
    assert set(FORMULAS) == set(bundled())


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("name", FORMULAS)
def test_every_formula_of_a_full_report_is_read_and_holds(name: str, language: str) -> None:
    proof = proof_of(name, language, "full")
    assert [one.text for one in (*proof.wrong, *proof.unread)] == []
    assert proof.held >= FORMULAS[name]
    assert proof.skipped < proof.held / 4


@pytest.mark.parametrize("detail", ["student", "exam", "answer", "worksheet"])
@pytest.mark.parametrize("name", ["neurona", "red", "norma-lote"])
def test_other_details_are_read_and_hold(name: str, detail: str) -> None:
    proof = proof_of(name, "es", detail)
    assert [one.text for one in (*proof.wrong, *proof.unread)] == []
    assert proof.held >= 5


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (r"= W^T dz \;}", r"= W dz \;}"),  # a transpose dropped
        (r"= d\hat y \cdot g'(z) \;}", r"= d\hat y \cdot g(z) \;}"),  # a prime
        (r"= \hat y - y \;}", r"= \hat y + y \;}"),  # a sign
        (r"\sum_{j=1}^{k} dz_j\,w_{ji}", r"\sum_{j=1}^{k} dz_j\,w_{ij}"),  # an index
        (r"-16 \\ -8 \\ 20", r"-16 \\ -8 \\ 21"),  # a digit
        (r"= dz\;x^T \;} \;\,", r"= x^T\;dz \;} \;\,"),  # two factors
        (r"$dx = W^T dz$ & $(3 \times 1)", r"$dx = W^T dz$ & $(3 \times 2)"),  # dimensions in the ledger
        (r"$-4$ \\ \addlinespace[1pt]" + "\n$dz$", r"$-5$ \\ \addlinespace[1pt]" + "\n$dz$"),  # the summary
    ],
)
def test_a_wrong_formula_is_refused(right: str, wrong: str) -> None:
    derivation = derive(symbackprop.load("neurona"))
    tex = Outputs(derivation, language="es").tex
    assert tex.count(right) >= 1, "the report no longer has this formula"
    words = function_words(derivation.exercise, load_words("es"))
    proof = proofread(tex.replace(right, wrong, 1), derivation.exercise, functions=words, comma=True)
    assert proof.wrong or proof.unread


def test_a_wrong_report_is_not_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = Outputs(derive(symbackprop.load("neurona")), language="es")
    rendered = Outputs._rendered

    def spoilt(self: Outputs, form: str, **changed: object) -> str:
        return rendered(self, form, **changed).replace(r"dx = W^T dz", r"dx = W^T d\hat y + x")

    monkeypatch.setattr(Outputs, "_rendered", spoilt)
    with pytest.raises(ProofError, match=r"does not hold.*dx = W\^T.*bug in symbackprop"):
        made.files(["tex", "md"], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_was_not_read_is_named_and_stops_nobody() -> None:
    derivation = derive(symbackprop.load("neurona"))
    tex = Outputs(derivation, language="es").tex
    strange = tex.replace(
        r"\step{$db$.}", r"Además $\operatorname{raro}(W) = \operatorname{otro}(b)$. \step{$db$.}", 1
    )
    words = function_words(derivation.exercise, load_words("es"))
    proof = proofread(strange, derivation.exercise, functions=words, comma=True)
    assert [one.text for one in proof.unread] == [r"\operatorname{raro}(W) = \operatorname{otro}(b)"]
    refuse_wrong(proof)
    lines = list(proof_lines(proof))
    assert re.fullmatch(r"\d+ formulas read back", lines[0])
    assert any("not proofread" in line and "raro" in line for line in lines)


def test_time_runs_out_honestly() -> None:
    derivation = derive(symbackprop.load("neurona"))
    tex = Outputs(derivation, language="es").tex
    proof = proofread(tex, derivation.exercise, functions={}, comma=True, seconds=0)
    assert proof.late
    assert proof.held == 0
    assert "for want of time" in list(proof_lines(proof))[1]


def test_rows_of_a_table_are_claims() -> None:
    text = (
        "\\begin{tabular}{ll}\n% rows: name, =, in, value\n\\toprule\na & b & c & d \\\\\n\\midrule\n"
        "$dw_{q,pr}$ & $x\\,y$ & $\\R^{2 \\times 2}$, como $W$ & $\\text{} \\approx \\begin{pmatrix} 1 & 2"
        " \\\\ 3 & 4 \\end{pmatrix}$ \\\\\n\\bottomrule\n\\end{tabular}"
    )
    claims, rest = claims_of(text)
    assert [one.fragment.text for one in claims] == [
        r"dw_{q,pr} = x\,y", r"dw_{q} \in \R^{2 \times 2}",
        r"dw_{q} \approx \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
    ]  # fmt: skip
    assert {one.fragment.line for one in claims} == {6}
    assert "dw" not in rest


# --- mutations ------------------------------------------------------------------------------


def test_mutations_of_a_formula() -> None:
    assert {(kind, changed) for kind, changed in mutations(r"dW = dz\;x^T - 4 \cdot g'(z_{ij})")} >= {
        ("transpose dropped", r"dW = dz\;x - 4 \cdot g'(z_{ij})"),
        ("prime dropped", r"dW = dz\;x^T - 4 \cdot g(z_{ij})"),
        ("sign", r"dW = dz\;x^T + 4 \cdot g'(z_{ij})"),
        ("index", r"dW = dz\;x^T - 4 \cdot g'(z_{ji})"),
        ("digit", r"dW = dz\;x^T - 5 \cdot g'(z_{ij})"),
        ("factors swapped", r"dW = x^T\;dz - 4 \cdot g'(z_{ij})"),
    }


SHARES = {"neurona": 0.4, "red": 0.05, "softmax": 0.08, "convolucion": 0.06}
"""How many of a report's mutations are tried here; `python -m tests.mutations` tries all."""


@pytest.mark.parametrize(("name", "language", "detail"), REPORTS)
def test_every_mutation_that_changes_the_mathematics_is_refused(
    name: str, language: str, detail: str
) -> None:
    outcome = Report(name, language, detail).tried(SHARES[name], seed=len(name))
    assert outcome.refused.total() >= 20
    assert [(one.kind, one.before, one.after) for one in outcome.missed] == []
