"""The checker tried on samples: what it says of each statement against what is true of it."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from symbackprop.checking import session

from . import right, wrong
from .mutations import ARITHMETIC
from .samples import Sample, Truth

session.FAULTS = ()  # a fault is to be seen here

FINE = frozenset({"definition", "correct", "correct for this example", "rounded", "convention"})


SAME = {"arithmetic_slip": ARITHMETIC, "wrong_index": "indices_swapped", "step_skipped": "upstream_skipped"}
"""Ids that name the same mistake: of one neuron w_1 for w_i is both; a gradient one step too late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A statement of which the checker says what is not so."""

    what: str
    exercise: str
    seed: int
    style: str
    line: int
    text: str
    said: str


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was counted over many samples; tallies add up."""

    samples: int = 0
    statements: int = 0
    right_called_wrong: int = 0
    right_not_read: int = 0
    wrong_statements: int = 0
    wrong_passed: int = 0
    wrong_not_read: int = 0
    first_found: int = 0
    named: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count another tally in."""
        for name in self.__slots__:
            if name != "failures":
                setattr(self, name, getattr(self, name) + getattr(other, name))
        self.failures += other.failures

    @property
    def missed(self) -> list[str]:
        """The targets that are missed."""
        right_ones = self.statements - self.wrong_statements
        targets = (
            ("a right line is called wrong", self.right_called_wrong == 0),
            ("more than 1 % of the right lines are not read", self.right_not_read * 100 <= right_ones),
            ("a wrong line is passed", self.wrong_passed == 0),
            ("a first wrong line is not found", self.first_found == self.wrong_statements),
            ("the mistake is named in less than 95 %", self.named * 100 >= 95 * self.wrong_statements),
        )
        return [what for what, met in targets if not met]


def judge(sample: Sample, seed: int) -> Tally:
    """One sample checked."""
    from symbackprop.checking.check import check_text
    from symbackprop.exercise import load

    exercise = load(sample.exercise)
    start = perf_counter()
    found: Any = check_text(sample.text, [exercise], suffix=sample.suffix)
    made = Tally(samples=1, statements=len(sample.lines), seconds=perf_counter() - start)
    said = matched(sample.lines, found.findings)
    for at, truth in enumerate(sample.lines):
        _count(made, sample, seed, truth, said[at])
    wrong_at = [at for at, truth in enumerate(sample.lines) if truth.wrong]
    flagged = [at for at in range(len(sample.lines)) if any(one.verdict == "wrong" for one in said[at])]
    made.first_found += bool(wrong_at) and flagged[:1] == wrong_at[:1]
    return made


def matched(truths: Sequence[Truth], findings: Sequence[Any]) -> list[list[Any]]:
    """The findings of each statement: those that start in it, and not yet in the next."""
    said: list[list[Any]] = [[] for _ in truths]
    for one in findings:
        at = -1
        for place, truth in enumerate(truths):
            if (truth.line, truth.column) <= (one.line, one.column):
                at = place
        after = at + 1
        # one that starts a few characters early (at the dollar sign) belongs to what follows on its line
        if (
            after < len(truths)
            and truths[after].line == one.line
            and 0 < truths[after].column - one.column < 4
        ):
            at = after
        if at >= 0:
            said[at].append(one)
    return said


def _count(made: Tally, sample: Sample, seed: int, truth: Truth, said: list[Any]) -> None:
    verdicts = {one.verdict for one in said}

    def fail(what: str) -> None:
        words = "; ".join(
            f"{one.verdict} {[m.id for m in one.mistakes]} {[r.key for r in one.reasons]}" for one in said
        )
        made.failures.append(
            Failure(what=what, exercise=sample.exercise, seed=seed, style=sample.style, line=truth.line,
                    text=truth.text, said=words or "nothing")
        )  # fmt: skip

    if truth.wrong:
        made.wrong_statements += 1
        if "wrong" in verdicts:
            ids = {SAME.get(mistake.id, mistake.id) for one in said for mistake in one.mistakes}
            made.named += truth.mistake in ids
            if truth.mistake not in ids:
                fail(f"mistake {truth.mistake} not named")
        elif not said or "not read" in verdicts:
            made.wrong_not_read += 1
            fail(f"wrong ({truth.mistake}), not read")
        else:
            made.wrong_passed += 1
            fail(f"wrong ({truth.mistake}), passed")
    elif "wrong" in verdicts or ("carried" in verdicts and not truth.carried):
        made.right_called_wrong += 1
        fail("carried, called wrong" if truth.carried else "right, called wrong")
    elif truth.carried and said and not verdicts & {"carried", "not read"}:
        made.wrong_passed += 1
        fail("carried, passed")
    elif not said or "not read" in verdicts:
        made.right_not_read += 1
        fail("not read")


def tried(name: str, seed: int, kind: str) -> Tally:
    """The sample of an exercise and a seed, checked; a crash of the checker is a failure of every line."""
    sample = (right if kind == "right" else wrong)(name, seed)
    try:
        return judge(sample, seed)
    except Exception as error:
        made = Tally(samples=1, statements=len(sample.lines), right_not_read=len(sample.lines))
        made.wrong_statements = sum(truth.wrong for truth in sample.lines)
        made.right_not_read -= made.wrong_statements
        made.wrong_not_read = made.wrong_statements
        frame = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {error} ({frame.filename.rpartition('/')[2]}:{frame.lineno})"
        made.failures.append(
            Failure(what="crash", exercise=name, seed=seed, style=sample.style, line=0, text=text, said="")
        )
        return made
