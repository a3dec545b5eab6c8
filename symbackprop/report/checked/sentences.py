"""Findings in sentences: what each verdict is called, how a line was read, and why it is judged so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final, Literal

from symbackprop.checking.findings import VERDICTS, Argument, Checked, Finding, Named, Reason, Verdict
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Dots, Node, undressed
from symbackprop.notation.write_readable import to_readable
from symbackprop.notation.write_style import Style
from symbackprop.report.checked.said import said
from symbackprop.report.texts import Part, Text

Mark = Literal["right", "near", "wrong", "unread"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Shown(Plain):
    """How a verdict is shown: its mark, its word, and the words that count it."""

    mark: Mark
    word: Text
    count: str

    def counted(self, count: int) -> Text:
        """`3 conventions`."""
        return Text(self.count, {"count": count})


SHOWN: Final[Mapping[Verdict, Shown]] = {
    "definition": Shown("right", Text("verdict.definition"), "count.definition"),
    "correct": Shown("right", Text("verdict.correct"), "count.correct"),
    "correct for this example": Shown("right", Text("verdict.example"), "count.example"),
    "rounded": Shown("right", Text("verdict.rounded"), "count.rounded"),
    "convention": Shown("near", Text("verdict.convention"), "count.convention"),
    "carried": Shown("near", Text("verdict.carried"), "count.carried"),
    "wrong": Shown("wrong", Text("verdict.wrong"), "count.wrong"),
    "not read": Shown("unread", Text("verdict.unread"), "count.unread"),
}

SIGNS: Final[Mapping[Mark, str]] = {"right": "✓", "near": "~", "wrong": "✗", "unread": "?"}

_PLAINLY_RIGHT: Final = frozenset({"definition", "correct"})
_ALIKE: Final = str.maketrans(
    {"∂": "d", "ℓ": "L", "ℒ": "L", "*": None, "·": None, " ": None, "(": None, ")": None}
)
"""Differences between a formula and its reading that nobody needs to be told of."""


def head(checked: Checked) -> Text:
    """`notes.md · exercises: neurona, capa · 45 lines`."""
    keys = tuple(dict.fromkeys(exercise.key for exercise in checked.exercises))
    parts: dict[str, Part] = {
        "source": source(checked),
        "exercises": Text("checked.exercises", {"count": len(keys), "names": keys}),
        "lines": Text("checked.lines", {"count": len(checked.findings)}),
    }
    return Text("checked.head", parts)


def source(checked: Checked) -> str:
    """What the file is called; where it lies is nobody's business."""
    return PurePath(checked.source).name or checked.source


def summary(checked: Checked) -> Iterator[Text]:
    """`41 hold (20 correct, …), 1 wrong and 1 not read.`, and where the first mistake is."""
    if not checked.findings:
        yield Text("checked.nothing")
        return
    counts = checked.counts
    hold = [verdict for verdict in VERDICTS if SHOWN[verdict].mark == "right" and counts[verdict]]
    kinds: list[Part] = [SHOWN[verdict].counted(counts[verdict]) for verdict in hold]
    if len(hold) > 1:
        total = sum(counts[verdict] for verdict in hold)
        kinds = [Text("checked.hold", {"count": total, "kinds": tuple(kinds)})]
    others = [verdict for verdict in VERDICTS if SHOWN[verdict].mark != "right" and counts[verdict]]
    kinds += [SHOWN[verdict].counted(counts[verdict]) for verdict in others]
    yield Text("checked.summary", {"kinds": tuple(kinds)})
    if counts["not read"]:
        yield Text("checked.unread")
    first = next((finding for finding in checked.findings if finding.verdict == "wrong"), None)
    if first is None:
        return
    if first.cell is None:
        yield Text("checked.first", {"place": first.line})
    else:
        yield Text("checked.first_in_cell", {"place": first.line, "cell": first.cell})


def place(finding: Finding) -> str:
    """`87`; in a notebook `3:2`, the cell and the line in it."""
    return f"{finding.line}" if finding.cell is None else f"{finding.cell}:{finding.line}"


def notes(finding: Finding) -> Iterator[Text]:
    """How it was read where that is not plain to see, why the verdict is so, and what was expected."""
    if says_reading(finding):
        reading: Part = finding.reading if finding.reading is not None else finding.reading_text
        yield Text("checked.read_as", {"reading": reading})
    yield from reasons(finding)
    if finding.expected is not None:
        yield Text("checked.expected", {"expected": finding.expected})


def reasons(finding: Finding) -> Iterator[Text]:
    """The sentences of a finding: its reasons, then the mistakes that explain it."""
    for reason in finding.reasons:
        yield sentence(reason)
    yield from said(finding.detail)
    if len(finding.mistakes) > 1:
        together = all(mistake.together for mistake in finding.mistakes)
        yield Text("checked.together" if together else "checked.several")
    for mistake in finding.mistakes:
        yield mistaken(mistake)


def sentence(reason: Reason) -> Text:
    """The sentence of a reason."""
    message = reason.parts.get("message")
    if reason.key == "check.code_shape" and isinstance(message, str) and (known := said(message)):
        return Text("check.code_fails", {"message": known[0]})
    return Text(reason.key, {name: _part(value) for name, value in reason.parts.items()})


def _part(value: Argument) -> Part:
    if isinstance(value, Reason):
        return sentence(value)
    return tuple(map(_part, value)) if isinstance(value, tuple) else value


def mistaken(mistake: Named) -> Text:
    """The sentence of a row of the table of mistakes."""
    return Text(
        f"mistake.{mistake.id}",
        {"about": mistake.about or Dots("h"), "instead": mistake.instead or Dots("h")},
    )


def says_reading(finding: Finding) -> bool:
    """Whether the reading is told: it differs visibly, or the line is not plainly right."""
    if finding.reading is None:
        return bool(finding.reading_text) and finding.reading_text.strip() != finding.text.strip()
    if finding.written is None:
        return True
    if finding.verdict not in _PLAINLY_RIGHT:
        return _seen(finding.written) != _seen(finding.reading) or bool(finding.reasons)
    # `x = … ∈ ℝ³` is read as `x = …`: nothing that is left is new
    return not _alike(finding.written).startswith(_alike(finding.reading))


def _seen(node: Node) -> str:
    return to_readable(undressed(node), Style(by_hand=True, loss=""))


def _alike(node: Node) -> str:
    return _seen(node).translate(_ALIKE).replace("[", "").replace("]", "")
