"""What to say when no numbers obey the rules: which rule it is, and the nearest setting that can be met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Final

from symbackprop.exams.building import builder
from symbackprop.exams.fairness import Fairness
from symbackprop.exams.model import Question, Rules
from symbackprop.exams.plan import Plan, replanned
from symbackprop.exams.rules import BY_NAME, RANGES
from symbackprop.exams.stream import Stream

TRIALS: Final = 250
"""Constructions tried with one setting."""

SECONDS: Final = 3.0
"""Wall time of the search: a sentence hangs on it, and nothing else."""

WINDOWS: Final = ("min_gradient", "max_error", "min_preactivation", "max_preactivation")
"""The rules that bound what can be chosen; a range may be wide enough, and they too narrow."""

Setting = tuple[Question, str]
"""A question with one setting changed, and how it is written."""


def advice(plan: Plan, exam: str, failed: Mapping[str, int]) -> str:
    """A sentence about a question for which nothing could be built; `failed` counts what failed."""
    search = _Search(plan, exam)
    often = [name for name, _ in Counter(failed).most_common()]
    for name in often:
        for settings in _easier(plan.question, name):
            how = search.nearest(settings)
            if how:
                said = _said(plan.question, name)
                return f"{said}: no numbers do that. The nearest that can be met: {how}."
    names = "; ".join(_said(plan.question, name) for name in often[:3])
    return f"No single change helps. What fails most often: {names}."


@dataclass(slots=True)
class _Search:
    """Tries easier settings, within a time."""

    plan: Plan
    exam: str
    until: float = field(default_factory=lambda: monotonic() + SECONDS)

    def nearest(self, settings: Sequence[Setting]) -> str:
        """The first of settings, each easier than the one before, with which numbers are found.

        By strides that double, then by halving: what is easier than what can be met can be met.
        """
        last, at, stride = -1, 0, 1
        while at < len(settings) and monotonic() < self.until:
            if self._can_be_met(settings[at][0]):
                break
            last, at, stride = at, min(at + stride, max(len(settings) - 1, at + 1)), 2 * stride
        else:
            return ""
        while at - last > 1 and monotonic() < self.until:
            middle = (at + last) // 2
            if self._can_be_met(settings[middle][0]):
                at = middle
            else:
                last = middle
        return settings[at][1]

    def _can_be_met(self, question: Question) -> bool:
        """Whether some construction obeys all rules; those that need a rehearsal last."""
        plan = replanned(self.plan, question)
        fairness = Fairness(plan, builder(plan, question), self.exam)
        stream = Stream(b"", "nearest", self.exam, question.id)
        if not self._some(fairness, stream, shared=False):
            return False
        fairness.rehearse()
        return self._some(fairness, stream, shared=True)

    def _some(self, fairness: Fairness, stream: Stream, *, shared: bool) -> bool:
        for _ in range(TRIALS):
            if monotonic() > self.until:
                return False
            made = fairness.attempt(stream)
            if not isinstance(made, str) or (not shared and made in _SHARED):
                return True
        return False


_SHARED: Final = frozenset({"diagnose", "same_work"})


def _said(question: Question, name: str) -> str:
    """A rule as it is set, in words."""
    if name.startswith(RANGES):
        draw = question.draws[name.partition(".")[2]]
        return f"{name.partition('.')[2]} from {draw.low} to {draw.high}"
    if name == "different":
        return "no two students have the same numbers"
    return BY_NAME[name].says.format(value=question.rules.number(name))


def _easier(question: Question, name: str) -> Iterator[Sequence[Setting]]:
    """Lists of settings, each ever easier: of the rule itself; of a range also of the rules beside it."""
    if name.startswith(RANGES):
        yield _wider(question, name.partition(".")[2])
        for rule in WINDOWS:
            yield _of_rule(question, rule)
    else:
        yield _of_rule(question, name)


def _of_rule(question: Question, name: str) -> list[Setting]:
    row = BY_NAME.get(name)
    value = question.rules.number(name)
    if row is None or value is None:
        return []
    made = []
    for easier in row.easier(value):
        rules = Rules(settings={**question.rules.settings, name: easier})
        shown = "false" if easier is None else str(easier)
        made.append((replace(question, rules=rules), f"{name} = {shown}"))
    return made


def _wider(question: Question, name: str) -> list[Setting]:
    """Ever wider ranges for a given name."""
    draw = question.draws[name]
    made = []
    for more in (*range(1, 11), 15, 20, 30, 40, 60, 100):
        wide = replace(draw, low=draw.low - more * draw.step, high=draw.high + more * draw.step)
        changed = replace(question, draws={**question.draws, name: wide})
        made.append((changed, f"draw.{name} = {{ from = {wide.low}, to = {wide.high} }}"))
    return made
