"""A generator of derivations by hand: right ones, and the same with one mistake put in.

It is the second opinion on the checker and shares no code with it: what is written is right by construction
(formulas of certified steps and rewritings tried at random points, exact numbers), and what is wrong was
seen to differ.

    right("neurona", 7).text          a derivation in somebody's hand
    wrong("neurona", 7).lines         the same with one wrong line: `.wrong`, `.mistake`

`python -m tests.derivations` checks thousands of them; see `__main__.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from .facts import facts, names
from .page import page
from .samples import Sample, Truth
from .statements import NoSlip, Slip, Statement, slips, written_by
from .styles import SUFFIXES

__all__ = ["Sample", "Truth", "names", "right", "statements", "wrong"]


def right(exercise_name: str, seed: int) -> Sample:
    """A derivation of a bundled exercise in which everything holds."""
    return _sample(exercise_name, _key(exercise_name, seed), None)


def wrong(exercise_name: str, seed: int) -> Sample:
    """The derivation of the same seed with one wrong statement."""
    key = _key(exercise_name, seed)
    for slip in slips(facts(exercise_name), key):
        try:
            return _sample(exercise_name, key, slip)
        except NoSlip:
            continue
    return wrong(exercise_name, seed + 1_000_003)  # a person who wrote too little to go wrong in


def statements(exercise_name: str, seed: int, *, mistaken: bool) -> list[Statement]:
    """The statements behind a sample, with the trees of their claims: for testing the generator itself."""
    key = _key(exercise_name, seed)
    if not mistaken:
        return written_by(facts(exercise_name), key)[1]
    return next(_mistaken(exercise_name, key))


def _mistaken(exercise_name: str, key: str) -> Iterator[list[Statement]]:
    for slip in slips(facts(exercise_name), key):
        try:
            made = written_by(facts(exercise_name), key, slip)[1]
        except NoSlip:
            continue
        if any(one.wrong for one in made):
            yield made


def _key(exercise_name: str, seed: int) -> str:
    return f"{exercise_name}/{seed}"


def _sample(exercise_name: str, key: str, slip: Slip | None) -> Sample:
    style, made = written_by(facts(exercise_name), key, slip)
    if slip is not None and not any(one.wrong for one in made):
        raise NoSlip("the statement was not written")
    whole = page(style, made, Random(f"{key}/page"))
    return Sample(
        exercise=exercise_name, text=whole.text, suffix=SUFFIXES[style.format], style=style.name,
        lines=tuple(whole.truths),
    )  # fmt: skip
