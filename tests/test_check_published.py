"""Lines that others published with a mistake: none is passed, each correction holds, false alarms stay quiet.

`cases/wrong/claims.toml` has the lines and `cases/README.md` lists the cases. That the wrong lines are
wrong and the right ones right is settled here first, without the checker: both claims stand there in our
own notation as well, and are evaluated at random points of a field, or at the exercise's numbers.
"""

from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from test_cases import (
    BITS,
    FACTS,
    SIZES,
    _point,
    backward,
    both_sides,
    last_digit,
    sizes_of,
    vocabulary,
)
from wrong_lines import CLAIMS, FOLDER, KEYS, RIGHT, WRONG, Line, path_of

from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.algebra.values.exact import Exact, bounds
from symbackprop.checking.check import check_text
from symbackprop.checking.findings import VERDICTS, Checked, Finding, Verdict
from symbackprop.derivation.derive import derive
from symbackprop.derivation.mistakes import BY_ID
from symbackprop.derivation.model import Model
from symbackprop.derivation.numbers import evaluator
from symbackprop.derivation.points import allowed
from symbackprop.derivation.steps import Derivation
from symbackprop.exercise import load
from symbackprop.notation.read import read

HOLDS: frozenset[Verdict] = frozenset({"correct", "correct for this example", "rounded"})


def named(given: list[Line]) -> Any:
    return pytest.mark.parametrize("line", given, ids=lambda line: f"{line.case}: {line.text}"[:90])


def checked(line: Line) -> Checked:
    return check_text(line.document, [load(path_of(line.exercise))], suffix=line.suffix)


def findings(line: Line) -> tuple[Finding, ...]:
    """What is found on the published line, or lines."""
    return tuple(one for one in checked(line).findings if one.line >= line.starts)


# --- that they are wrong and right, without the checker -------------------------------------------


@cache
def worked(exercise: str) -> Derivation:
    return derive(load(path_of(exercise)))


@cache
def points(exercise: str) -> list[tuple[Any, Any]]:
    """Random points of a field with everything that is known there; no two sizes alike."""
    derivation = worked(exercise)
    model, known = Model.of(derivation.exercise), sizes_of(derivation.exercise)
    made = []
    for seed, numbers in enumerate(SIZES):
        chosen = {**dict(zip(derivation.exercise.sizes, numbers, strict=False)), **known}
        at = _point(model, allowed(chosen, derivation.exercise.shapes.values()), f"{exercise}/{seed}")
        made.append((at, backward(derivation, evaluator(model, at.domain, at.sizes), at.values)))
    return made


def holds(line: Line) -> bool:
    """Whether the claim in our notation is true; one whose shapes do not fit is not."""
    if "~" in line.says:
        return printed_rightly(line)
    model = Model.of(worked(line.exercise).exercise)
    for at, known in points(line.exercise):
        working = evaluator(model, at.domain, at.sizes)
        try:
            pairs = list(both_sides(model.exercise, line.says, known, working))
        except (EvaluationError, AssertionError):
            return False
        if not all(at.same(left, right) for left, right in pairs):
            return False
    return True


def printed_rightly(line: Line) -> bool:
    """Whether every printed number is the exact one to half a unit of its last digit."""
    formula, _, prints = line.says.partition("~")
    derivation = worked(line.exercise)
    known = {name: one.numbers for name, one in derivation.quantities.items() if one.numbers is not None}
    working = evaluator(Model.of(derivation.exercise), Exact(BITS), sizes_of(derivation.exercise))
    entries = working.evaluate(read(formula.strip(), vocabulary(derivation.exercise)), known).entries
    texts = [text.strip() for text in prints.split(",")]
    assert len(entries) == len(texts)
    return all(rounds_to(*bounds(value), text) for value, text in zip(entries, texts, strict=True))


def rounds_to(low: Fraction, high: Fraction, text: str) -> bool:
    return max(abs(low - Fraction(text)), abs(high - Fraction(text))) <= last_digit(text) / 2


SAID_WRONG = [line for line in WRONG if line.says]
SAID_RIGHT = [line for line in RIGHT if line.says]


@named(SAID_WRONG)
def test_the_wrong_line_is_wrong(line: Line) -> None:
    assert not holds(line)


@named(SAID_RIGHT)
def test_the_right_line_is_right(line: Line) -> None:
    assert holds(line)


# --- what the checker says -----------------------------------------------------------------------


@named(WRONG)
def test_no_published_mistake_is_passed(line: Line) -> None:
    found = findings(line)
    assert found
    worst = max((one.verdict for one in found), key=VERDICTS.index)
    assert worst in {"wrong", *line.may}, [(one.text, one.verdict, one.reasons) for one in found]


@named(RIGHT)
def test_every_correction_holds(line: Line) -> None:
    found = findings(line)
    assert found
    for one in found:
        assert one.verdict in HOLDS | line.may, (one.text, one.verdict, [why.key for why in one.reasons])


@named([line for line in (*WRONG, *RIGHT) if line.before])
def test_what_stands_before_a_line_holds(line: Line) -> None:
    before = [one for one in checked(line).findings if one.line < line.starts]
    assert len(before) == len(line.before)
    for one in before:
        assert one.verdict in HOLDS | {"definition"}, (one.text, one.verdict)


@named([line for line in WRONG if line.mistakes])
def test_the_mistake_is_named(line: Line) -> None:
    assert set(line.mistakes) <= set(BY_ID)
    ids = {mistake.id for one in findings(line) for mistake in one.mistakes}
    assert ids & set(line.mistakes), ids


def test_every_wrong_case_has_its_lines() -> None:
    """39 wrong derivations and a false alarm; each has a line that is published and one that is right."""
    due = {key for key, case in FACTS.items() if case["kind"] == "wrong-derivation"}
    due |= {key for key, case in FACTS.items() if case["verdict"] == "false-alarm"}
    assert set(CLAIMS) == due
    assert len(due) == 40
    for case, claims in CLAIMS.items():
        assert any("wrong" in claim for claim in claims), case
        assert any("right" in claim for claim in claims), case
        assert not {key for claim in claims for key in claim} - KEYS, case
    assert len(WRONG) >= 70
    assert len(RIGHT) >= 75
    assert len(SAID_WRONG) >= 63
    assert len(SAID_RIGHT) >= 68


def test_every_file_is_used() -> None:
    files = {path.stem for path in (FOLDER / "wrong").glob("*.toml")} - {"claims"}
    assert files <= {line.exercise for line in (*WRONG, *RIGHT)}
