"""What to say when no numbers obey the rules: which rule it is, and the nearest setting that can be met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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

SECONDS: Final = 1.5
"""Wall time of the search for one change, and then of that for several: a sentence hangs on it, and nothing
else."""

TOGETHER: Final = 5
"""Changes that are tried together."""

WINDOWS: Final = ("min_gradient", "max_error", "min_preactivation", "max_preactivation")
"""The rules that bound what can be chosen; a range may be wide enough, and they too narrow."""

Setting = tuple[Question, str]
"""A question with one setting changed, and how it is written."""


def advice(plan: Plan, exam: str, failed: Mapping[str, int]) -> str:
    """A sentence about a question for which nothing could be built; `failed` counts what failed."""
    search = _Search(plan, exam)
    often = [name for name, _ in Counter(failed).most_common() if name != DIFFERENT]
    for name in often:
        for which in _settings_for(name):
            settings = _easier(plan.question, which)
            how = search.nearest(settings)
            if how is not None:
                said = _said(plan.question, name)
                return f"{said}: no numbers do that. The nearest that can be met: {settings[how][1]}."
    names = "; ".join(_said(plan.question, name) for name in often[:3])
    how_many = _Search(plan, exam).together(failed)
    helps = f"The nearest that can be met: {how_many}." if how_many else "Change several of them."
    return f"No single change helps. What fails most often: {names}. {helps}{_unchosen(plan)}"


def _unchosen(plan: Plan) -> str:
    """A remark about layers whose signs cannot be chosen."""
    made = builder(plan)
    if len(made.gated) <= len(made.layers):
        return ""
    return " Signs can be chosen where a bias of the layer's shape is a term of its equation: z = W x + b."


@dataclass(slots=True)
class _Search:
    """Tries easier settings, within a time."""

    plan: Plan
    exam: str
    until: float = field(default_factory=lambda: monotonic() + SECONDS)

    def together(self, failed: Mapping[str, int]) -> str:
        """Changes that help together: of what fails most often, one after the other; then each is taken back
        or made as small as it can be beside the others."""
        chosen: dict[str, int] = {}
        while failed:
            changed = self._changed(chosen)
            often = (name for name, _ in Counter(failed).most_common() if name != DIFFERENT)
            several = (which for name in often for which in _settings_for(name))
            fresh = next((one for one in several if one not in chosen and _easier(changed, one)), None)
            if fresh is None or len(chosen) == TOGETHER or monotonic() > self.until:
                return ""
            chosen[fresh] = len(_easier(changed, fresh)) - 1
            failed = self._failures(self._changed(chosen))
        for which in tuple(chosen):
            others = self._changed({one: at for one, at in chosen.items() if one != which})
            if self._can_be_met(others):
                del chosen[which]
                continue
            nearest = self.nearest(_easier(others, which))
            chosen[which] = chosen[which] if nearest is None else nearest
        return ", ".join(_easier(self.plan.question, which)[at][1] for which, at in chosen.items())

    def _changed(self, chosen: Mapping[str, int]) -> Question:
        question = self.plan.question
        for which, at in chosen.items():
            question = _easier(question, which)[at][0]
        return question

    def nearest(self, settings: Sequence[Setting]) -> int | None:
        """The first of settings, each easier than the one before, with which numbers are found.

        By strides that double, then by halving: what is easier than what can be met can be met.
        """
        last, at, stride = -1, 0, 1
        while at < len(settings) and monotonic() < self.until:
            if self._can_be_met(settings[at][0]):
                break
            last, at, stride = at, min(at + stride, max(len(settings) - 1, at + 1)), 2 * stride
        else:
            return None
        while at - last > 1 and monotonic() < self.until:
            middle = (at + last) // 2
            if self._can_be_met(settings[middle][0]):
                at = middle
            else:
                last = middle
        return at

    def _can_be_met(self, question: Question) -> bool:
        return not self._failures(question)

    def _failures(self, question: Question) -> Counter[str]:
        """What fails how often; nothing if some construction obeys all rules, those last that need a
        rehearsal."""
        plan = replanned(self.plan, question)
        fairness = Fairness.of(plan, self.exam)
        stream = Stream(b"", "nearest", self.exam, question.id)
        failed = self._tried(fairness, stream, shared=False)
        if failed:
            return failed
        fairness.rehearse()
        return self._tried(fairness, stream, shared=True)

    def _tried(self, fairness: Fairness, stream: Stream, *, shared: bool) -> Counter[str]:
        failed: Counter[str] = Counter()
        for _ in range(TRIALS):
            if monotonic() > self.until:
                break
            made = fairness.attempt(stream)
            if not isinstance(made, str) or (not shared and made in _SHARED):
                return Counter()
            failed[made] += 1
        return failed or Counter({DIFFERENT: 1})


DIFFERENT: Final = "different"
_SHARED: Final = frozenset({"diagnose", "same_work"})


def _said(question: Question, name: str) -> str:
    """A rule as it is set, in words."""
    if name.startswith(RANGES):
        draw = question.draws[name.partition(".")[2]]
        return f"{name.partition('.')[2]} from {draw.low} to {draw.high}"
    if name == DIFFERENT:
        return "no two students have the same numbers"
    row, value = BY_NAME[name], question.rules.number(name)
    return row.says.format(value=row.unset if value is None else value)


def _settings_for(name: str) -> tuple[str, ...]:
    """What may be changed where a rule fails: it, and of a range also the rules beside it."""
    return (name, *WINDOWS) if name.startswith(RANGES) else (name,)


def _easier(question: Question, which: str) -> Sequence[Setting]:
    """Settings of a rule or a range, each easier than the one before."""
    if which.startswith(RANGES):
        return _wider(question, which.partition(".")[2])
    return _of_rule(question, which)


def _of_rule(question: Question, name: str) -> list[Setting]:
    value = question.rules.number(name)
    made = []
    for easier in () if value is None else BY_NAME[name].easier(value):
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
