"""Whole reports against the ones in `golden/`; `pytest tests/test_golden.py --update-golden` writes them.

A change of a golden file is read in the diff before it is committed: these are the pages that
teachers see.
"""

import difflib
import json
from functools import cache
from pathlib import Path

import pytest

from symbackprop.derivation.derive import derive
from symbackprop.derivation.steps import Derivation
from symbackprop.exercise import bundled, load
from symbackprop.report.files import stamped
from symbackprop.report.outputs import DETAILS, Kind, Outputs, file_name, language_of

FOLDER = Path(__file__).resolve().parent / "golden"
OUTPUT = FOLDER.parent.parent / "output"
LANGUAGES = ("es", "en")
KINDS: tuple[Kind, ...] = ("tex", "typ", "md", "json")

Case = tuple[str, str, str, Kind]


def cases() -> list[Case]:
    """(exercise, language, detail, kind): all of them at full, one of them at every detail."""
    full = [(name, language, "full", kind) for name in bundled() for language in LANGUAGES for kind in KINDS]
    details = [detail for detail in DETAILS if detail != "full"]
    some = [
        ("capa-numerica", language, detail, kind)
        for language in LANGUAGES for detail in details for kind in KINDS if kind != "json"
    ]  # fmt: skip
    return [*full, *some]


@cache
def derivation(name: str) -> Derivation:
    return derive(load(name))


def place(case: Case) -> Path:
    """`golden/es/neurona.tex`."""
    name, language, detail, kind = case
    return FOLDER / language / file_name(load(name), kind, detail)


@pytest.mark.parametrize("case", cases(), ids="-".join)
def test_report(case: Case, request: pytest.FixtureRequest) -> None:
    name, language, detail, kind = case
    content = Outputs(derivation(name), language=language, detail=detail).content(kind)
    assert isinstance(content, str)
    _compared(place(case), content, update=request.config.getoption("--update-golden"))


@pytest.mark.parametrize("name", bundled())
def test_the_kept_report(name: str, request: pytest.FixtureRequest) -> None:
    """`output/` keeps the LaTeX of every bundled exercise, as the command writes it."""
    worked = derivation(name)
    text = Outputs(worked, language=language_of(worked.exercise)).tex
    path = OUTPUT / f"{name}.tex"
    update = request.config.getoption("--update-golden")
    _compared(path, stamped(path.suffix, text.encode()).decode(), update=update)


def _compared(path: Path, content: str, *, update: bool) -> None:
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
        return
    expected = path.read_text("utf-8") if path.exists() else ""
    if content != expected:
        name = str(path.relative_to(OUTPUT.parent))
        lines = difflib.unified_diff(
            expected.splitlines(), content.splitlines(), name, "now", lineterm="", n=1
        )
        shown = "\n".join(list(lines)[:80])
        pytest.fail(
            f"{shown}\n\nIf this is meant: pytest tests/test_golden.py --update-golden", pytrace=False
        )


def test_no_golden_file_is_left_over() -> None:
    assert {path for path in FOLDER.rglob("*") if path.is_file()} == set(map(place, cases()))


def test_the_example_of_the_notes_is_in_its_golden_json() -> None:
    """The golden files themselves hold the known answers."""
    found = json.loads((FOLDER / "es" / "neurona.json").read_text("utf-8"))["quantities"]
    exact = {name: found[name]["exact"] for name in ("z", "yhat", "L", "dyhat", "dz", "db", "dW", "dx")}
    assert exact == {
        "z": ["1"], "yhat": ["1"], "L": "8", "dyhat": ["-4"], "dz": ["-4"], "db": ["-4"],
        "dW": [["-4", "0", "-8"]], "dx": ["-16", "-8", "20"],
    }  # fmt: skip
