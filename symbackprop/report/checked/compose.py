"""Findings as a document: each statement with its mark, its verdict, and sentences that say why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final, Literal

from symbackprop.checking.findings import VERDICTS, Argument, Checked, Finding, Named, Reason, Verdict
from symbackprop.notation.node import Span
from symbackprop.notation.tree import Coloured, Dots, Node, Product, rebuild, undressed
from symbackprop.notation.write_readable import to_readable
from symbackprop.notation.write_style import Style
from symbackprop.report.checked.said import said
from symbackprop.report.document import Document, Judged, Paragraph, Part, Text

Mark = Literal["right", "near", "wrong", "unread"]


@dataclass(frozen=True, slots=True)
class Shown:
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


def compose(checked: Checked) -> Document:
    """The whole report: how many of each verdict, and every statement in the order of the file."""
    return Document(
        title=Text("title.check"),
        subtitle=head(checked),
        blocks=(
            Paragraph(sentences=tuple(summary(checked))),
            *(judged(finding) for finding in checked.findings),
        ),
    )


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


def judged(finding: Finding) -> Judged:
    """One statement with its verdict."""
    shown = SHOWN[finding.verdict]
    wrong = finding.place
    red = shown.mark in ("wrong", "unread")  # a convention is no mistake, and is not to look like one
    return Judged(
        place=place(finding),
        mark=shown.mark,
        verdict=shown.word,
        formula=None if finding.written is None else grouped(marked(finding.written, wrong if red else None)),
        text=finding.text,
        wrong=None if wrong is None else (wrong.start, wrong.end),
        notes=tuple(notes(finding)),
    )


# --- notes ----------------------------------------------------------------------------------


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


# --- the wrong place --------------------------------------------------------------------------


def grouped(node: Node) -> Node:
    """A formula by hand with products as people mean them: in `(ŷ − y) ⊙ g (z)`, `g (z)` is one factor."""
    node = rebuild(node, grouped)
    if not isinstance(node, Product) or not {"odot", "*"} & set(node.signs) or len(set(node.signs)) < 2:
        return node
    groups: list[list[Node]] = [[node.factors[0]]]
    inner: list[list[str]] = [[]]
    outer: list[str] = []
    for sign, factor in zip(node.signs, node.factors[1:], strict=True):
        if sign in ("odot", "*"):
            outer.append(sign)
            groups.append([factor])
            inner.append([])
        else:
            groups[-1].append(factor)
            inner[-1].append(sign)
    factors = [
        Product(tuple(group), tuple(signs)) if signs else group[0]
        for group, signs in zip(groups, inner, strict=True)
    ]
    return Product(tuple(factors), tuple(outer), span=node.span)


def marked(written: Node, wrong: Span | None) -> Node:
    """The tree with the part in colour that stands at the wrong place of the text, if one does exactly.

    Spans count characters of the fragment that the statement was cut from, the place those of the
    statement: they agree where the fragment begins, else from the beginning of the tree.
    """
    if wrong is None:
        return written
    begins = 0 if written.span is None else written.span.start
    for shift in dict.fromkeys((0, begins)):
        aim = (wrong.start + shift, wrong.end + shift)
        found = _coloured(written, aim)
        if found is not written:
            return found
    return written


def _coloured(node: Node, aim: tuple[int, int]) -> Node:
    if node.span is not None and (node.span.start, node.span.end) == aim:
        return Coloured(node)
    return rebuild(node, lambda child: _coloured(child, aim))
