"""What the generator hands out: a text, and what is true of each statement in it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One statement: where it starts (from 1), how it is written, and whether it holds.

    `mistake` is the id of the row that made it wrong. `carried`: it is false, but follows from an earlier
    wrong statement.
    """

    line: int
    column: int
    text: str
    wrong: bool = False
    mistake: str | None = None
    carried: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A whole derivation. `suffix` is that of the file it would be; `style` names how it is written."""

    exercise: str
    text: str
    suffix: str
    style: str
    lines: tuple[Truth, ...]
