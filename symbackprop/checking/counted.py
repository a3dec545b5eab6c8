"""What the numbers in the names of a model count: layers, or the steps of one that is used again."""

from __future__ import annotations

import re
import string

from symbackprop.checking.context import Context

LAYER = frozenset({"l", "ell"})
"""What stands for the number of any layer."""

STEP = "t"
"""What stands for the number of any step, where weights are shared over the steps."""

_NUMBERED = re.compile(r"[A-Za-z]+[0-9]{1,4}")
_LETTERS = string.ascii_letters


def entry_digits(context: Context, name: str) -> str:
    """The digits of `x1` and `W12` where these are entries of x and W; nothing of other names."""
    stem = name.rstrip("0123456789")
    digits = name[len(stem) :]
    found = context.variable(stem) if digits and stem and context.variable(name) is None else None
    rank = 0 if found is None else len(context.shape(found) or ())
    return digits if len(digits) <= rank and "0" not in digits else ""


def counts_steps(context: Context) -> bool:
    """Whether the numbers in the names of a model are those of steps: it has one set of weights for all."""
    shapes = context.exercise.shapes
    numbered = [name for name in shapes if _NUMBERED.fullmatch(name)]
    return len(numbered) > 1 and not any(
        name in context.exercise.given and len(shapes[name]) > 1 for name in numbered
    )


def last_step(context: Context) -> int:
    """The highest number in a name: that of the last step, or layer."""
    numbers = [int(name.lstrip(_LETTERS)) for name in context.exercise.shapes if _NUMBERED.fullmatch(name)]
    return max([*numbers, len(context.ladder)])
