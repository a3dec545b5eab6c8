"""A judged statement as the templates get it: the person's formula in lines, or their text, and the notes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from symbackprop.notation.hand.nodes import Omitted
from symbackprop.notation.tree import Box, Chain, Node
from symbackprop.report.document import Judged
from symbackprop.report.layout import Measure
from symbackprop.report.setting import Setter

ROOM: Final = 0.81
"""The share of a line that a person's formula has; the verdict stands in the rest."""

_SURE: Final = 0.95
_INDENT: Final = 2.0  # em before a line that goes on
_LONGEST: Final = 600  # characters of a text that is shown word for word
_AROUND: Final = 200  # of them before the place that is wrong


def judged(block: Judged, setter: Setter) -> dict[str, Any]:
    """The fields of a judged statement."""
    hand = setter.by_hand()
    room = setter.room * ROOM
    lines = [] if block.formula is None else list(broken(block.formula, setter.measure, room * _SURE))
    return {
        "kind": "judged",
        "place": setter.format.escape(block.place),
        "mark": block.mark,
        "verdict": setter.text(block.verdict),
        "formula": "" if block.formula is None else hand.formula(block.formula),
        "lines": [
            {"text": hand.formula(line), "fit": setter.measure(line) > room * _SURE, "later": place > 0}
            for place, line in enumerate(lines)
        ],
        "text": [setter.format.escape(part) for part in shown(block.text, block.wrong)],
        "notes": [setter.text(note) for note in block.notes],
    }


def broken(formula: Node, measure: Measure, room: float) -> Iterator[Node]:
    """A chain in lines that begin with a relation, where it is wider than the line; nothing is said twice."""
    if isinstance(formula, Box) and isinstance(formula.body, Chain) and measure(formula) > room:
        yield formula  # a frame is one thing: it is shrunk
        return
    if not isinstance(formula, Chain) or measure(formula) <= room:
        yield formula
        return
    over = formula.over or (None,) * len(formula.relations)
    head: Node = formula.members[0]
    start, free = 1, room
    while start < len(formula.members):
        end = len(formula.members)
        while end > start + 1 and measure(_part(formula, head, over, start, end)) > free:
            end -= 1
        yield _part(formula, head, over, start, end)
        head, start, free = Omitted(), end, room - _INDENT


def _part(chain: Chain, head: Node, over: tuple[str | None, ...], start: int, end: int) -> Chain:
    """The members from `start` to `end` after `head`."""
    gaps = slice(start - 1, end - 1)
    return Chain((head, *chain.members[start:end]), chain.relations[gaps], tuple(over[gaps]))


def shown(text: str, wrong: tuple[int, int] | None) -> tuple[str, str, str]:
    """The text on one line, cut if it is long: what stands before the wrong part, that part, the rest."""
    clean = "".join(" " if char.isspace() else char for char in text)
    start, end = (len(clean), len(clean)) if wrong is None else wrong
    start = max(0, min(start, len(clean)))
    end = max(start, min(end, len(clean)))
    if wrong is None:
        return (clean if len(clean) <= _LONGEST else clean[:_LONGEST] + "…"), "", ""
    low = max(0, start - _AROUND) if len(clean) > _LONGEST else 0
    middle, after = clean[start:end], clean[end:]
    if len(middle) > _LONGEST:
        middle, after = middle[:_LONGEST] + "…", ""
    room = max(0, _LONGEST - (start - low) - len(middle))
    return (
        ("…" if low else "") + clean[low:start],
        middle,
        after if len(after) <= room else after[:room] + "…",
    )
