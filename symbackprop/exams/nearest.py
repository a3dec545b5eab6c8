"""What to say when no numbers obey the rules: which rule it is, and the nearest setting that can be met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Final

from symbackprop.exams.building import builder
from symbackprop.exams.fairness import Fairness
from symbackprop.exams.model import Question, Rules
from symbackprop.exams.plan import Plan, replanned
from symbackprop.exams.rules import BY_NAME, RANGES
from symbackprop.exams.stream import Stream

TRIALS: Final = 250
"""Constructions tried with one setting."""

CONSTRUCTIONS: Final = 25_000
"""Constructions tried in all: of 50 to 100 µs each, about two seconds."""


def advice(plan: Plan, exam: str, failed: Mapping[str, int]) -> str:
    """A sentence about a question for which nothing could be built; `failed` counts what failed."""
    search = _Search(plan, exam)
    often = [name for name, _ in Counter(failed).most_common()]
    for name in often:
        how = search.nearest(name)
        if how:
            return f"{_said(plan.question, name)}: no numbers do that. The nearest that can be met: {how}."
    names = "; ".join(_said(plan.question, name) for name in often[:3])
    return f"No single change helps. What fails most often: {names}."


@dataclass(slots=True)
class _Search:
    """Tries easier settings, within a number of constructions."""

    plan: Plan
    exam: str
    left: int = CONSTRUCTIONS

    def nearest(self, name: str) -> str:
        """The nearest setting of one rule with which numbers are found; "" if none was."""
        for question, how in _easier(self.plan.question, name):
            if self.left <= 0:
                return ""
            if self._can_be_met(question):
                return how
        return ""

    def _can_be_met(self, question: Question) -> bool:
        """Whether some construction obeys all rules; those that need a rehearsal last."""
        plan = replanned(self.plan, question)
        fairness = Fairness(plan, builder(plan, question))
        stream = Stream(b"", "nearest", self.exam, question.id)
        if not self._some(fairness, stream):
            return False
        self.left -= fairness.rehearse(self.exam)
        return self._some(fairness, stream)

    def _some(self, fairness: Fairness, stream: Stream) -> bool:
        for _ in range(TRIALS):
            self.left -= 1
            if not isinstance(fairness.attempt(stream), str):
                return True
        return False


def _said(question: Question, name: str) -> str:
    """A rule as it is set, in words."""
    if name.startswith(RANGES):
        draw = question.draws[name.partition(".")[2]]
        return f"{name.partition('.')[2]} from {draw.low} to {draw.high}"
    if name == "different":
        return "no two students have the same numbers"
    return BY_NAME[name].says.format(value=question.rules.number(name))


def _easier(question: Question, name: str) -> Iterator[tuple[Question, str]]:
    """The question with easier settings of one rule, the nearest first."""
    if name.startswith(RANGES):
        yield from _wider(question, name.partition(".")[2])
        return
    row = BY_NAME.get(name)
    value = question.rules.number(name)
    if row is None or value is None:
        return
    for easier in row.easier(value):
        rules = Rules(settings={**question.rules.settings, name: easier})
        shown = "false" if easier is None else str(easier)
        yield replace(question, rules=rules), f"{name} = {shown}"


def _wider(question: Question, name: str) -> Iterator[tuple[Question, str]]:
    """A wider range for a given name; else more room for the sum that it is chosen for."""
    draw = question.draws[name]
    for more in (*range(1, 11), 15, 20, 30, 40, 60, 100):
        wide = replace(draw, low=draw.low - more * draw.step, high=draw.high + more * draw.step)
        changed = replace(question, draws={**question.draws, name: wide})
        yield changed, f"draw.{name} = {{ from = {wide.low}, to = {wide.high} }}"
    rules = ("min_gradient", "min_preactivation", "max_error", "max_preactivation")
    for together in zip_longest(*(_easier(question, rule) for rule in rules)):
        yield from (one for one in together if one is not None)
