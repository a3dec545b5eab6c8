"""Exams: numbers and keys of many variants, papers in large runs, and the memory that it takes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from symbackprop.exams.file import load_exam
from symbackprop.exams.model import Variant
from symbackprop.exams.roll import rolled
from symbackprop.exams.stream import short_mac
from symbackprop.exams.variants import Maker, anonymous
from symbackprop.report.exams.batches import typeset_papers

from . import processes

SECRET = b"the secret of the benchmarks"
SYMPY = ("-c", "import sympy")


def keys_command(exam: str, variants: int) -> tuple[str, ...]:
    """Numbers and keys to a LaTeX file, as somebody types it."""
    return (*processes.OURS, "exam", exam, "--variants", str(variants), "--to", "keys")


def process_ratios(exams: Sequence[str], variants: int, repeat: int = 5) -> dict[str, float]:
    """The wall time of 1,000 variants as a whole process, in times that of importing SymPy."""
    commands = [SYMPY, *(keys_command(exam, variants) for exam in exams)]
    base, *taken = processes.shortest(commands, repeat)
    return {exam: one / base for exam, one in zip(exams, taken, strict=True)}


# --- one variant -----------------------------------------------------------------------------


def seconds(work: Callable[[], Any], repeat: int) -> float:
    """The shortest time of one call."""
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def sympy_layer(k: int, n: int) -> tuple[list[Any], dict[str, list[Any]]]:
    """The gradients of a ReLU layer derived by SymPy once, entry by entry, with the symbols they hold.

    The gradients are those of the explicit loss ½ Σ (max(z, 0) − y)², derived by every entry of W, b and x.
    """
    import sympy as sy

    def symbols(name: str, count: int) -> list[Any]:
        return [sy.Symbol(f"{name}{at}", real=True) for at in range(count)]

    given = {"W": symbols("w", k * n), "x": symbols("x", n), "b": symbols("b", k), "y": symbols("y", k)}
    z = [sum(given["W"][i * n + j] * given["x"][j] for j in range(n)) + given["b"][i] for i in range(k)]
    relu = [sy.Piecewise((one, one > 0), (0, True)) for one in z]
    loss = sum((relu[i] - given["y"][i]) ** 2 for i in range(k)) / 2
    by = [one for name in ("W", "b", "x") for one in given[name]]
    return [*z, *relu, loss, *(loss.diff(one) for one in by)], given


def xreplaced(derived: list[Any], given: dict[str, list[Any]], variant: Variant) -> list[Any]:
    """SymPy's numbers for a variant: exact rationals put into what was derived once."""
    import sympy as sy

    values = variant.sheets[0].values
    put = {
        symbol: sy.Rational(value.numerator, value.denominator)
        for name, symbols in given.items()
        for symbol, value in zip(symbols, values[name].entries, strict=True)
    }
    return [one.xreplace(put) for one in derived]


def variant_times(count: int = 200) -> dict[str, float]:
    """Seconds for one variant of the (3, 2) layer: SymPy's xreplace on what was derived once; our key, found
    twice and compared; and numbers, keys and wrong answers from the secret on."""
    maker = Maker.of(load_exam("examen-capa"))
    question = maker.questions[0]
    variants = list(maker.variants(anonymous(count), SECRET))
    numbers = [question.numbers(variant.sheets[0]) for variant in variants]
    derived, given = sympy_layer(2, 3)
    some = variants[:20]
    theirs = seconds(lambda: [xreplaced(derived, given, one) for one in some], 3) / len(some)

    def keys() -> None:
        for one in numbers:
            version, key = question.plan.key.run(one)
            second, other = question.plan.second.run(one)
            assert len(key) > len(other), (version, second)

    def everything() -> None:
        question.seen.clear()
        for student in range(count):
            question.build(SECRET, str(student))

    return {
        "xreplace": theirs,
        "key, twice": seconds(keys, 5) / count,
        "numbers, keys, wrong answers": seconds(everything, 3) / count,
    }


# --- papers ----------------------------------------------------------------------------------


def paper_seconds(count: int, engine: Literal["pdflatex", "typst"], exam: str = "examen-neurona") -> float:
    """Seconds for one paper of `count` that are typeset together, from numbers to a PDF each."""
    loaded = load_exam(exam)
    roll = rolled(Maker.of(loaded), tuple(anonymous(count)), SECRET)

    def mac(text: str) -> str:
        return short_mac(SECRET, text, characters=16)

    with TemporaryDirectory() as folder:
        start = time.perf_counter()
        made = list(
            typeset_papers(loaded, roll, Path(folder), language="es", secret_mac=mac, engine=engine, jobs=1)
        )
        taken = time.perf_counter() - start
    assert len(made) == count + 1
    return taken / count


# --- memory ----------------------------------------------------------------------------------


def peak(command: Sequence[str]) -> int:
    """The most memory that a command had at any time, in kB."""
    code = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=True, capture_output=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    with TemporaryDirectory() as folder:
        ran = subprocess.run(
            [sys.executable, "-c", code, sys.executable, *command], cwd=folder, capture_output=True,
            text=True, check=True,
        )  # fmt: skip
    return int(ran.stdout)


def memory(sizes: Sequence[int], exam: str = "examen-capa") -> dict[int, int]:
    """The most memory that numbers and keys of so many variants take, in kB."""
    return {size: peak(keys_command(exam, size)) for size in sizes}


single_paper = partial(paper_seconds, 1)
