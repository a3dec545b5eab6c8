"""A professor's notes, whole: 45 formulas, five slips, four conventions, and nothing else called wrong.

The formulas are typed anew in `cases/hand_lines.toml`, in their order, with prose of our own between
them. Where the notes themselves lie beside the checkout, they are checked as well.
"""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hand_lines import TABLE, as_due, described

from symbackprop.checking.check import check_text
from symbackprop.checking.findings import Checked, Finding
from symbackprop.exercise import load

NOTES = TABLE["notes"]

ORIGINAL = Path(__file__).resolve().parents[2] / "shared" / "cases" / "notes-ejemplo-1.md"

SLIPS = {"S21": 0, "S26": 0, "S27": 1, "S32": 0, "S34": 0}
"""The formulas that are wrong, and which of their statements."""

CONVENTIONS = {"S19", "S24", "I07", "S36"}


def document() -> str:
    """The notes typed anew: each formula on a line of its own, an inline one behind a few words."""
    text = "# Una neurona y una capa\n\n"
    for one in NOTES:
        mark = "$$" if one["kind"] == "display" else "$"
        prose = one.get("prose", "")
        if prose:
            text += prose + ("\n\n" if mark == "$$" else " ")
        text += f"{mark}{one['formula']}{mark}\n\n"
    return text


def sorted_by_formula(text: str, findings: tuple[Finding, ...]) -> dict[str, tuple[Finding, ...]]:
    """The findings of each formula, by where they stand in the text."""
    lines = text.splitlines(keepends=True)
    begins = [sum(map(len, lines[:count])) for count in range(len(lines))]
    ends, at = [], 0
    for one in NOTES:
        at = text.index(one["formula"], at) + len(one["formula"])
        ends.append((at, one["id"]))
    found: dict[str, tuple[Finding, ...]] = {one["id"]: () for one in NOTES}
    for one in findings:
        place = begins[one.line - 1] + one.column - 1
        key = next(key for end, key in ends if place < end)
        found[key] = (*found[key], one)
    return found


TEXTS = {"typed anew": document()}
if ORIGINAL.exists():
    TEXTS["the notes"] = ORIGINAL.read_text("utf-8")
EACH_TEXT = pytest.mark.parametrize("name", TEXTS)
EACH_FORMULA = pytest.mark.parametrize("formula", NOTES, ids=lambda one: one["id"])


@cache
def checked(name: str) -> Checked:
    return check_text(TEXTS[name], [load("neurona"), load("capa")], name="notes.md", suffix=".md")


@cache
def found(name: str) -> dict[str, tuple[Finding, ...]]:
    return sorted_by_formula(TEXTS[name], checked(name).findings)


@EACH_TEXT
@EACH_FORMULA
def test_every_formula_is_judged_as_it_is(name: str, formula: dict[str, Any]) -> None:
    here = found(name)[formula["id"]]
    assert as_due(here, formula["verdicts"]), described(here)


@EACH_TEXT
def test_everything_is_read(name: str) -> None:
    assert not [one for one in checked(name).findings if one.verdict == "not read"]
    read = {key for key, here in found(name).items() if here}
    claiming = {one["id"] for one in NOTES if one["verdicts"] != ["said"]}
    assert read >= claiming
    assert len(claiming) >= 43


@EACH_TEXT
def test_the_five_slips_are_found_and_nothing_else(name: str) -> None:
    wrong = {
        (key, at)
        for key, here in found(name).items()
        for at, one in enumerate(here)
        if one.verdict in ("wrong", "carried")
    }
    assert wrong == set(SLIPS.items())


@EACH_TEXT
def test_the_conventions_are_called_so(name: str) -> None:
    assert {
        key for key, here in found(name).items() if any(one.verdict == "convention" for one in here)
    } == CONVENTIONS


@EACH_TEXT
@pytest.mark.parametrize("key", SLIPS)
def test_a_slip_has_its_place_and_its_reason(name: str, key: str) -> None:
    """The place is a part of what was written, and there is a reason, a mistake or both."""
    one = found(name)[key][SLIPS[key]]
    assert one.place is not None
    assert 0 <= one.place.start < one.place.end <= len(one.text)
    assert one.reasons or one.mistakes


REASONS = {
    "S21": {"check.label"},
    "S19": {"check.kink_same"},
    "S24": {"check.scalar_only", "check.transposed"},
    "I07": {"check.scalar_only", "check.transposed"},
    "S36": {"check.dot_product", "check.transposed"},
}
"""Of a formula, reasons of which one has to be given."""


@EACH_TEXT
@pytest.mark.parametrize("key", REASONS)
def test_the_reason_is_the_right_one(name: str, key: str) -> None:
    given = {why.key for one in found(name)[key] for why in one.reasons}
    assert given & REASONS[key], described(found(name)[key])


@EACH_TEXT
def test_the_exercise_changes_where_the_text_says_so(name: str) -> None:
    """W with one row belongs to the neuron, with two to the layer: both are the given values."""
    assert found(name)["I01"][0].verdict == found(name)["S30"][0].verdict == "definition"
    assert found(name)["I02"][0].verdict == found(name)["S31"][0].verdict == "definition"


def test_a_file_with_mistakes_exits_with_one() -> None:
    assert checked("typed anew").code == 1
