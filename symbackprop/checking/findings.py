"""What checking a derivation finds: one finding a statement. Data only; no words, no formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from symbackprop.exercise.model import Exercise
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node, Span

Verdict = Literal[
    "definition", "correct", "correct for this example", "rounded", "carried", "convention", "wrong",
    "not read",
]  # fmt: skip

VERDICTS: tuple[Verdict, ...] = (
    "definition", "correct", "correct for this example", "rounded", "convention", "carried", "wrong",
    "not read",
)  # fmt: skip
"""From best to worst: a chain gets the worst verdict of its links."""

Argument: TypeAlias = "Node | str | int | Reason | tuple[Argument, ...]"
"""What fills a place in a sentence: a formula, a person's text, a count, words, or a list of those."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Reason(Plain):
    """A sentence of the language files, `check.<key>`, and what fills its `{places}`."""

    key: str
    parts: Mapping[str, Argument] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Named(Plain):
    """A mistake that explains a wrong line: a row of the table of mistakes, and what it is about.

    `together`: not by itself, but with the others that are named.
    """

    id: str
    about: Node | None = None
    instead: Node | None = None
    together: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Finding(Plain):
    """One statement judged.

    `line`, `column` (from 1) say where it starts in the file, in a notebook with the `cell` (from 1)
    and `line` within the file's text of that cell; `text` is what was written, `written` its tree as
    written (None where it was not read, or is code), `reading` how it was understood, `reading_text`
    the same for code. `place` is the part of `text` that is wrong, or where reading stopped. `detail` is what
    the reader said, in English, of what it could not read. `reasons` say why; `mistakes` are those that
    explain it equally well; `expected` is the right line.
    """

    line: int
    column: int
    text: str
    verdict: Verdict
    cell: int | None = None
    kind: Literal["display", "inline", "plain", "code"] = "display"
    written: Node | None = None
    reading: Node | None = None
    reading_text: str = ""
    place: Span | None = None
    reasons: tuple[Reason, ...] = ()
    mistakes: tuple[Named, ...] = ()
    expected: Node | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Checked(Plain):
    """A whole derivation judged, in the order of the file. `source` is what the file is called."""

    source: str
    exercises: tuple[Exercise, ...]
    findings: tuple[Finding, ...]

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many findings have each verdict; verdicts that do not occur count 0."""
        found = dict.fromkeys(VERDICTS, 0)
        for one in self.findings:
            found[one.verdict] += 1
        return found

    @property
    def code(self) -> int:
        """The exit code: 0 all that was read holds, 1 something is wrong, 2 nothing could be read."""
        if all(one.verdict == "not read" for one in self.findings):
            return 2
        return 1 if any(one.verdict in ("wrong", "carried") for one in self.findings) else 0
