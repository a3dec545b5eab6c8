"""The benchmarks run and compare like with like; their numbers are not looked at here."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from benchmarks import __main__ as run
from benchmarks import exams, floats, growth, layer, processes

from symbackprop.exams.file import load_exam
from symbackprop.exams.variants import Maker, anonymous


def test_ours_and_sympys_say_the_same() -> None:
    """Both write the same five gradients: as many products in dW and in dx."""
    n, k = 3, 2
    ours = layer.written_out(layer.general(), n, k)
    theirs = list(layer.sympy_named(n, k))
    assert len(ours) == len(theirs) == 5
    assert ours["dW"].count(r"dz_") == theirs[3].count("dz_") == n * k
    assert ours["dx"].count("w_") == theirs[4].count("w_") == n * k


def test_the_explicit_loss_is_derived_by_every_entry() -> None:
    loss, entries = layer.explicit_loss(3, 2)
    assert len(entries) == 2 * 3 + 2 + 3
    assert set(entries) <= loss.free_symbols
    assert layer.sympy_explicit(2, 1) > 500


def test_the_report_of_a_layer() -> None:
    text = layer.report(3, 2)
    assert text.rstrip().endswith(r"\end{document}")


def test_processes_are_real_commands() -> None:
    assert set(processes.commands()) == {"imports", "tex", "pdf", "help"}
    (taken,) = processes.shortest([processes.commands()["help"]], 1)
    assert 0 < taken < 60


@pytest.mark.parametrize(
    ("measured", "bound", "least", "kept"),
    [(60, 50, True, True), (40, 50, True, False), (1.5, 1.6, False, True), (1.7, 1.6, False, False)],
)
def test_promises(measured: float, bound: float, least: bool, kept: bool) -> None:
    promise = run.Promise("(x) a thing", measured, bound, least)
    assert promise.kept is kept
    assert re.fullmatch(r"  (kept|MISSED): \(x\) a thing: [\d.]+× \(at (least|most) [\d.]+×\)", str(promise))


def test_what_a_network_prints() -> None:
    """Every work writes all gradients, and counts the entries that it writes."""
    exercise = growth.network(2, 3)
    text, derivation = growth.with_symbols(exercise)
    # per layer: W (3×3), b, z and a gradient of the output; and dL
    assert growth.entries(derivation) == 2 * (9 + 3 + 3 + 3) + 1
    assert text.rstrip().endswith(r"\end{pmatrix}")
    text, derivation = growth.with_numbers(growth.network(1, 2, numbers=True))
    numbers = json.loads(text)["quantities"]
    assert len(numbers["dW1"]["decimal"]) == 2
    assert None not in numbers["db1"]["decimal"]


@pytest.mark.parametrize("numbers", [False, True])
def test_growth_tables(numbers: bool, capsys: pytest.CaptureFixture[str]) -> None:
    work = growth.with_numbers if numbers else growth.with_symbols
    costs = [
        *growth.deep(work, numbers=numbers, depths=(1, 2)),
        *growth.wide(work, numbers=numbers, widths=(2, 3)),
    ]
    assert [one.name for one in costs] == ["depth 1", "depth 2", "width 2", "width 3"]
    assert costs[1].printed > costs[0].printed
    assert all(one.each > 0 for one in costs)
    promise = run.grown("(f) a title", costs[:2])
    assert "baseline" not in promise.what
    assert capsys.readouterr().out.count("an entry") == 2


def test_floats_are_measured_from_the_file_to_the_json(tmp_path: Path) -> None:
    path = floats.written(str(tmp_path), width=3, batch=2)
    for work in floats.ours(path).values():
        work()
    data = json.loads((tmp_path / "out" / "network-floats.json").read_text())
    assert sorted(data["quantities"]) == sorted(["L", *("d" + name for name in floats.NAMES)])
    assert floats.cold(path, *floats.COLD_OURS) > 0


def test_pytorch_computes_the_same_gradients(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the extra torch is not installed")
    path = floats.written(str(tmp_path), width=3, batch=2)
    work = floats.torch_work(tomllib.loads(path.read_text())["values"])
    assert floats.largest_gap(floats.float_source(path), work) < 1e-14
    assert set(json.loads(floats.by_hand(path))) == set(floats.NAMES)


def test_sympys_numbers_of_a_variant_are_ours() -> None:
    """What is put into SymPy's derivatives of the explicit loss gives the key: like with like."""
    derived, given = exams.sympy_layer(2, 3)
    for variant in Maker.of(load_exam("examen-capa")).variants(anonymous(4), exams.SECRET):
        key = variant.sheets[0].key
        ours = [value for name in ("z", "yhat", "L", "dW", "db", "dx") for value in key[name].entries]
        theirs = exams.xreplaced(derived, given, variant)
        assert [(int(one.p), int(one.q)) for one in theirs] == [(v.numerator, v.denominator) for v in ours]


def test_papers_of_the_benchmark_are_typeset() -> None:
    assert exams.paper_seconds(3, "typst") > 0
    assert exams.peak(exams.keys_command("examen-neurona", 2)) > 10_000
