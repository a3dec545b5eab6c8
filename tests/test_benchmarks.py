"""The benchmarks run and compare like with like; their numbers are not looked at here."""

import re

import pytest
from benchmarks import __main__ as run
from benchmarks import layer, processes


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
