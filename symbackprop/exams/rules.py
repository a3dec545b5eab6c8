"""The rules that the numbers of a variant obey, a row each: what it is set to, and what would be easier.

`building.py` builds numbers that obey most of them; `fairness.py` looks whether they all hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Final, Literal

Setting = Fraction | None


def _lower(value: Fraction) -> Iterator[Fraction]:
    """The next smaller whole numbers, down to 0."""
    for step in range(1, min(int(value), 400) + 1):
        yield value - step


def _higher(value: Fraction) -> Iterator[Fraction]:
    """Larger bounds, closer ones first: by steps of one, then of a tenth."""
    for step in range(1, 20):
        yield value + step
    for tenth in range(12, 100):
        yield Fraction(ceil(max(value, Fraction(1)) * tenth / 10) + 20)


def _off(value: Fraction) -> Iterator[Setting]:
    yield None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row. `kind` says what the file may set it to; `says` names it in messages, with {value} in it.

    `easier` gives settings that more numbers obey, the nearest first. `unset` is what is said for a number
    that nobody set.
    """

    name: str
    kind: Literal["number", "switch", "count"]
    default: Setting
    says: str
    easier: Callable[[Fraction], Iterator[Setting]]
    unset: str = ""


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="active", kind="count", default=None, easier=_lower,
        says="{value} units of each layer are active", unset="half of the",
    ),
    Rule(
        name="min_preactivation", kind="number", default=Fraction(1), easier=_lower,
        says="no pre-activation is nearer to the kink than {value}",
    ),
    Rule(
        name="max_preactivation", kind="number", default=Fraction(12), easier=_higher,
        says="no pre-activation is beyond ±{value}",
    ),
    Rule(
        name="max_error", kind="number", default=Fraction(9), easier=_higher,
        says="no difference of output and target is beyond ±{value}",
    ),
    Rule(
        name="min_gradient", kind="number", default=Fraction(2), easier=_lower,
        says="no gradient of a pre-activation is nearer to 0 than {value}, but where it must be 0",
    ),
    Rule(
        name="max_product", kind="number", default=Fraction(100), easier=_higher,
        says="no product is beyond ±{value}",
    ),
    Rule(
        name="no_zero", kind="switch", default=Fraction(1), easier=_off,
        says="an answer is 0 only where it must be",
    ),
    Rule(
        name="not_all_zero", kind="switch", default=Fraction(1), easier=_off,
        says="no answer has only zeros in it",
    ),
    Rule(
        name="varied", kind="switch", default=Fraction(1), easier=_off,
        says="no two rows of a matrix and no two pre-activations are alike, and no answer is of one size",
    ),
    Rule(
        name="asymmetric", kind="switch", default=Fraction(1), easier=_off,
        says="no square matrix is symmetric",
    ),
    Rule(
        name="diagnose", kind="switch", default=Fraction(1), easier=_off,
        says="common mistakes all give wrong answers, each of its own",
    ),
    Rule(
        name="same_work", kind="switch", default=Fraction(1), easier=_off,
        says="everybody has the same number of multiplications that are not by 0, 1 or −1",
    ),
    Rule(
        name="square", kind="switch", default=None, easier=_off,
        says="a matrix may have as many rows as columns",
    ),
)  # fmt: skip

BY_NAME: Final = {row.name: row for row in RULES}

RANGES: Final = "ranges"
"""What fails where no number of a range can be built; no row, for it is set name by name."""


def defaults() -> dict[str, Setting]:
    """What holds where an exam says nothing."""
    return {row.name: row.default for row in RULES}
