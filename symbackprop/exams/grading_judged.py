"""The statements of a derivation, sorted by the quantities that they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import DomainProblem, NotCertified
from symbackprop.checking.check import check_text
from symbackprop.checking.findings import Finding
from symbackprop.exams.grading_literals import Statement, statement, unrenamed
from symbackprop.exams.grading_mentions import about
from symbackprop.exams.grading_methods import Own, named_in
from symbackprop.exams.grading_salvage import code_array, head_of, row_of
from symbackprop.exercise.model import Exercise

FAILURES: Final = (ValueError, NotCertified, DomainProblem)
"""What checking a text raises where nothing can be said about it."""

Line = tuple[Statement, Finding]


@dataclass(slots=True)
class Judged:
    """The statements about one question by quantity, in order, and the lines that could not be read. `read`
    are the lines that were looked at, with the cells that they are in; `own` is what the text says that each
    name is, by the names in it."""

    by_name: dict[str, list[Line]] = field(default_factory=dict)
    unread: list[Finding] = field(default_factory=list)
    read: set[tuple[int, int]] = field(default_factory=set)
    own: Own = field(default_factory=dict)

    def lines(self, name: str) -> list[Line]:
        """The statements about a quantity."""
        return self.by_name.get(name, [])


def judged_of(
    findings: Sequence[Finding], exercise: Exercise, rows: Mapping[str, Array[Fraction]] | None = None
) -> Judged:
    """Findings sorted by what they are about. `rows` are the arrays that are due, by name: a line that could
    not be read, and ends with as many numbers, states them."""
    made = Judged()
    computed = [equation.name for equation in exercise.equations]
    known = {*exercise.given, *computed, *("d" + name for name in (*exercise.given, *computed))}
    for one in findings:
        reading = None if one.reading is None else unrenamed(one.reading, exercise.loss, known)
        found = None if reading is None else statement(reading, exercise.loss)
        if found is None and one.kind == "code":
            found = _assigned(one, rows or {})
        if one.verdict == "not read":
            pair = _salvaged(one, exercise, rows or {})
            if pair is None:
                made.unread.append(one)
            else:
                made.by_name.setdefault(pair[0].name, []).append(pair)
        elif found is not None:
            made.by_name.setdefault(found.name, []).append((found, one))
        if found is not None or one.verdict == "not read":
            made.read |= {(one.cell or 0, one.line + at) for at in range(one.text.count("\n") + 1)}
    made.own = {
        name: frozenset(one for line, _ in lines if line.formula is not None
                        for one in named_in(line.formula, exercise.loss)) - {name}
        for name, lines in made.by_name.items()
    }  # fmt: skip
    return made


def _assigned(one: Finding, due: Mapping[str, Array[Fraction]]) -> Statement | None:
    """What a line of code states by the numbers of an array."""
    name = about(one.text, due)
    numbers = None if name is None else code_array(one.text, len(due[name].entries))
    return None if name is None or numbers is None else Statement(name, (), None, numbers, True, row=True)


def _salvaged(one: Finding, exercise: Exercise, due: Mapping[str, Array[Fraction]]) -> Line | None:
    """The numbers of a line that could not be read, and what its formula is."""
    name = about(one.text, due)
    numbers = None if name is None else row_of(one.text, len(due[name].entries))
    if name is None or numbers is None:
        return None
    head = head_of(one.text)
    if head:
        for finding in checked(head if one.kind == "plain" else f"$$ {head} $$", exercise):
            found = None if finding.reading is None else statement(finding.reading, exercise.loss)
            if found is not None and found.name == name and found.formula is not None:
                made = Statement(name, (), found.formula, numbers, True, row=True)
                return made, replace(finding, line=one.line, cell=one.cell, text=one.text)
    return Statement(name, (), None, numbers, True, row=True), one


def checked(text: str, exercise: Exercise) -> tuple[Finding, ...]:
    """What is found of a text by itself; nothing where it cannot be checked."""
    try:
        return check_text(text, [exercise], suffix=".txt").findings
    except FAILURES:
        return ()
