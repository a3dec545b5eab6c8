"""One mutated line through the checker, with its time."""

from __future__ import annotations

import json
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from random import Random

from symbackprop.checking import session
from symbackprop.checking.check import check_text
from symbackprop.exercise import Exercise, bundled, load

from .corpus import SUFFIXES, Form, lines
from .mutations import mutated

SECONDS = 1.0
"""Of processor time, the most that a line may take."""

MARKED: dict[Form, tuple[str, ...]] = {
    "latex": ("$${}$$", "${}$", "\\[\n{}\n\\]", "\\begin{{align}}\n{}\n\\end{{align}}", "{}"),
    "plain": ("{}", "text $ {} $ text", "`{}`"),
    "code": ("{}", "```python\n{}\n```"),
}
"""How a formula of each form stands in a text."""

NOTEBOOK = 0.05
"""The share of lines that come as a notebook of one cell."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What a line was, and what became of it; `error` is a traceback."""

    number: int
    exercise: str
    text: str
    suffix: str
    seconds: float
    error: str = ""
    verdicts: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether it crashed or took too long."""
        return bool(self.error) or self.seconds > SECONDS


session.FAULTS = ()  # a fault is to be seen here

OWN = 0.75
"""The share of lines that are checked against the exercise they are about, if it is bundled."""


@cache
def exercises() -> Mapping[str, Exercise]:
    """All bundled ones."""
    return {name: load(name) for name in bundled()}


def task(seed: int, number: int) -> tuple[str, str, str]:
    """The text of a number, the ending of its file, and its exercise."""
    rng = Random(f"fuzz/{seed}/{number}")
    every = lines()
    chosen, other = rng.choice(every), rng.choice(every)
    line = mutated(rng, chosen.text, other.text)
    text = rng.choice(MARKED[chosen.form]).format(line)
    turn = list(exercises())[number % len(exercises())]
    about = chosen.exercise if chosen.exercise is not None and rng.random() < OWN else turn
    if rng.random() < NOTEBOOK:
        kind = "code" if chosen.form == "code" else "markdown"
        return json.dumps({"cells": [{"cell_type": kind, "source": [text]}]}), ".ipynb", about
    return text, rng.choice((SUFFIXES[chosen.form], SUFFIXES[chosen.form], ".tex", "")), about


def tried(seed: int, number: int) -> Trial:
    """A mutated line, checked."""
    text, suffix, about = task(seed, number)
    return judged(text, exercises()[about], suffix=suffix, number=number)


def judged(text: str, exercise: Exercise, *, suffix: str, number: int = 0) -> Trial:
    """A text checked, with its processor time. A text that is no notebook may be refused as such."""
    error, verdicts = "", ()  # type: str, tuple[str, ...]
    start = time.process_time()
    try:
        verdicts = tuple(one.verdict for one in check_text(text, [exercise], suffix=suffix).findings)
    except ValueError as refused:
        if "notebook" not in str(refused):
            error = traceback.format_exc()
    except Exception:
        error = traceback.format_exc()
    taken = time.process_time() - start
    return Trial(number, exercise.key, text, suffix, taken, error, verdicts)


@dataclass
class Tally:
    """What many lines came to."""

    lines: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    crashed: int = 0
    slow: int = 0

    def __post_init__(self) -> None:
        self.verdicts: Counter[str] = Counter()

    def take(self, trial: Trial) -> None:
        """Count one more."""
        self.lines += 1
        self.seconds += trial.seconds
        self.slowest = max(self.slowest, trial.seconds)
        self.crashed += bool(trial.error)
        self.slow += trial.seconds > SECONDS
        self.verdicts.update(trial.verdicts)
