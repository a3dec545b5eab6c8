"""A document as the templates get it: finished strings, and nothing else.

Every block becomes a dict of strings, numbers and lists with its `kind`; see the README of the
templates (`templates/README.md`) for all their fields.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from symbackprop.notation.tree import Node
from symbackprop.report.document import (
    AnswerBox,
    Block,
    Code,
    Diagram,
    Document,
    Equation,
    Heading,
    Judged,
    Literally,
    Note,
    Panel,
    Paragraph,
    Plot,
    Table,
    Text,
    Vertex,
)
from symbackprop.report.escape import shortened
from symbackprop.report.keeping import keep_together, rows_of
from symbackprop.report.layout import Placed, placed
from symbackprop.report.picture import PlacedArrow, laid_out
from symbackprop.report.setting import Format, Setter
from symbackprop.report.words import Words

Fields = dict[str, Any]
"""What a template sees: str, int, float, bool, None, and lists and dicts of those."""

_EM_CM: Final = 0.386
_LABEL: Final = 0.82  # of the size of the text: the numbers on an axis
_NAMES: Final = 0.91  # and the names over it
_FOOT: Final = 85  # characters of the running foot
_SOURCE_COLUMNS: Final = 100
_WORD: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s"])+')
_RELATIONS: Final = frozenset(("=", r"\approx", "approx", r"\quad\Longrightarrow\quad", "==>"))
_CHANCES: Final = ("+", r"\begin", r"\underbrace", r"\odot", "underbrace", "mat(", "dot.o", r"\qquad", "wide")
_ROW_ENDS: Final = (r"\\", ";")
_CODE_COLUMNS: Final = 88
_LONG_TABLE: Final = 24  # lines; a longer table may break across pages
_COLUMN_GAP: Final = 1.0  # em, the least
_SMALLER: Final = 0.92


def section_numbers(document: Document) -> dict[str, int]:
    """The number of each labelled section."""
    headings = [block for block in document.blocks if isinstance(block, Heading)]
    return {heading.label: place for place, heading in enumerate(headings, 1) if heading.label}


def spoken(words: Words, form: Format) -> Fields:
    """What every template is told of the language: `language` and `words`."""
    return {
        "language": {
            "code": words.code,
            "babel": words.babel,
            "latex_setup": words.latex_setup,
            "hyphenation": words.hyphenation,
        },
        "words": {key: form.escape(text) for key, text in words.page.items()},
    }


def page(document: Document, setter: Setter, plain: Setter) -> Fields:
    """The whole document; `plain` sets what goes into the PDF's own information."""
    title = plain.text(document.title)
    subtitle = _plain_title(document.subtitle, plain)
    number = 0
    blocks = []
    for block in document.blocks:
        number += isinstance(block, Heading)
        blocks.append(_BLOCKS[type(block)](block, setter, plain) | {"number": number})
    keep_together(document.blocks, blocks)
    return {
        "title": setter.title(document.title),
        "subtitle": setter.title(document.subtitle),
        "foot": setter.format.escape(shortened(subtitle, _FOOT)),
        "about": setter.format.string(f"{title}: {subtitle}" if subtitle else title),
        **spoken(setter.words, setter.format),
        "uses": sorted(
            {block["kind"] for block in blocks}
            | {key for block in blocks for key in ("long", "bars") if block.get(key)}
        ),
        "blocks": blocks,
    }


def _plain_title(text: Text | Literally, plain: Setter) -> str:
    return plain.text(text) if isinstance(text, Text) else plain.literally(text)


# --- one function a block -------------------------------------------------------------


def _heading(block: Heading, setter: Setter, _: Setter) -> Fields:
    return {"kind": "heading", "text": setter.text(block.text), "label": _label(block.label)}


def _label(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


def _paragraph(block: Paragraph, setter: Setter, _: Setter) -> Fields:
    lead = block.lead
    return {
        "kind": "paragraph",
        "lead": ""
        if lead is None
        else setter.text(lead)
        if isinstance(lead, Text)
        else setter.inline(lead) + ".",
        "unit": isinstance(lead, Node),
        "about": block.about,
        "text": setter.sentences(block.sentences),
    }


def _equation(block: Equation, setter: Setter, _: Setter) -> Fields:
    display = placed(block.lines, setter.measure, setter.room)
    return {
        "kind": "equation",
        "aligned": display.aligned,
        "lines": [_line(line, setter, aligned=display.aligned) for line in display.lines],
    }


def _line(line: Placed, setter: Setter, *, aligned: bool) -> Fields:
    fold = folded if setter.format.folds else str
    return {
        "text": "" if line.boxed else fold(setter.formula(line.formula, align=aligned)),
        "boxed": [setter.formula(part, align=True) for part in line.boxed],
        "implied": line.implied,
        "margin": "" if line.margin is None else setter.formula(line.margin),
        "fit": line.fit,
    }


def folded(formula: str) -> str:
    """A long formula over several lines of source, broken before relations where that serves.

    Only spaces outside strings become ends of lines: to both typesetters they are the same.
    """
    lines: list[str] = []
    line: list[str] = []  # words that stay together until it is known that they fit
    chance = 0  # the last place in the line where it may break
    for word in _WORD.findall(formula):
        relation = word in _RELATIONS or word.startswith(r"\overset")
        if line and relation and len(" ".join(line)) > _SOURCE_COLUMNS - 45:
            lines.append(" ".join(line))
            line, chance = ["    ", word], 0
            continue
        if line and (word.startswith(_CHANCES) or line[-1].endswith(_ROW_ENDS)):
            chance = len(line)
        line.append(word)
        if chance and len(" ".join(line)) > _SOURCE_COLUMNS:
            lines.append(" ".join(line[:chance]))
            line, chance = ["      ", *line[chance:]], 0
    return "\n".join([*lines, " ".join(line)])


def _table(block: Table, setter: Setter, plain: Setter) -> Fields:
    widths, natural = _column_widths(block, setter, plain)
    gaps = len(block.columns) - 1
    small = block.small or natural + _COLUMN_GAP * gaps > setter.room
    shrunk = _SMALLER if small and not any(widths) else 1.0
    rows = [
        {
            "cells": [_cell(cell, setter, width) for cell, width in zip(row, widths, strict=True)],
            "tall": max(map(rows_of, row), default=1) > 1 or any(widths),
        }
        for row in block.rows
    ]
    return {
        "kind": "table",
        "claims": ", ".join(block.claims),
        "columns": [
            {"text": setter.text(column), "width": width}
            for column, width in zip(block.columns, widths, strict=True)
        ],
        "rows": rows,
        "small": small,
        "loose": natural + 2.5 * _COLUMN_GAP * gaps < 0.95 * setter.room,
        "fit": (natural + _COLUMN_GAP * gaps) * shrunk > (1.0 if any(widths) else 0.95) * setter.room,
        "long": sum(max(map(rows_of, row), default=1) for row in block.rows) > _LONG_TABLE,
    }


def _cell(cell: Node | Text | None, setter: Setter, width: float | None) -> Fields:
    if isinstance(cell, Node) and width is not None and setter.measure(cell) > 0.92 * width * setter.room:
        return {"text": setter.formula(cell), "fit": True, "formula": True}
    return {"text": setter.cell(cell), "fit": False, "formula": isinstance(cell, Node)}


def _column_widths(block: Table, setter: Setter, plain: Setter) -> tuple[list[float | None], float]:
    """The columns' shares of the line, made to fit it, and the natural width of them all in em."""
    shares = list(block.widths) or [None] * len(block.columns)
    natural = sum(
        _column_width(block, place, setter, plain) for place, share in enumerate(shares) if share is None
    )
    asked = sum(share for share in shares if share is not None)
    free = 0.99 - (natural + _COLUMN_GAP * (len(shares) - 1)) / setter.room
    if asked > max(free, 0.0):
        factor = max(free / asked, 0.3)
        shares = [None if share is None else round(share * factor, 3) for share in shares]
        asked *= factor
    return shares, natural + asked * setter.room


def _column_width(block: Table, place: int, setter: Setter, plain: Setter) -> float:
    cells: list[Node | Text | None] = [block.columns[place], *(row[place] for row in block.rows)]
    return max(_cell_width(cell, setter, plain) for cell in cells)


def _cell_width(cell: Node | Text | None, setter: Setter, plain: Setter) -> float:
    if cell is None:
        return 0.0
    return setter.measure(cell) if isinstance(cell, Node) else 0.5 * len(plain.text(cell))


def _diagram(block: Diagram, setter: Setter, plain: Setter) -> Fields:
    picture = laid_out(block)
    ids = {vertex.key: f"v{place}" for place, vertex in enumerate(block.vertices, 1)}
    names = {vertex.key: setter.formula(vertex.upper) for vertex in block.vertices}
    return {
        "kind": "diagram",
        "vertices": [_vertex(vertex, ids, setter) for vertex in block.vertices],
        "arrows": [_arrow(item, ids, names, setter) for item in picture.arrows],
        "height": round(picture.height, 1),
        "wide": picture.width > 0.93 * setter.room * _EM_CM * (0.42 if block.beside is not None else 1.0),
        "alternative": setter.format.string(plain.text(block.alternative)),
        "alternative_text": setter.text(block.alternative),
        "beside": "" if block.beside is None else setter.formula(block.beside),
        "beside_wide": block.beside is not None and setter.measure(block.beside) > 0.56 * setter.room,
    }


def _plot(block: Plot, setter: Setter, plain: Setter) -> Fields:
    left, high = 0.0, 0.0
    panels: list[Fields] = []
    for panel, places in zip(block.panels, block.places, strict=True):
        labels = max((setter.measure(tick.label) for tick in panel.up), default=0.0) * _EM_CM * _LABEL
        left += max(0.75, labels + 0.2)
        made = _panel(panel, setter, left)
        panels.append({**made, "places": [[setter.inline(node) for node in place] for place in places]})
        left += panel.width + (0.2 if panel.argument is None else 0.6)
        high = max(high, made["names"][0][1] + 0.3)
    return {
        "kind": "plot",
        "panels": panels,
        "width": round(left, 2),
        "top": round(high, 2),
        "height": round(high + 0.55, 2),
        "wide": left > setter.room * _EM_CM,
        "bars": any(panel["title"] for panel in panels),
        "alternative": setter.format.string(plain.text(block.alternative)),
        "alternative_text": setter.text(block.alternative),
    }


def _panel(panel: Panel, setter: Setter, left: float) -> Fields:
    shown = [name for name in (panel.function, panel.slope) if name is not None]
    widths = [0.65 + setter.measure(name) * _EM_CM * _NAMES for name in shown]
    above = panel.height + 0.4
    names = [(0.0, above), *((width + 0.3, above) for width in widths[:-1])]
    if len(shown) > 1 and sum(widths) + 0.3 > panel.width + 0.9:  # one over the other
        names = [(0.0, above + 0.55), (0.0, above)]
    return {
        "left": round(left, 2),
        "width": panel.width,
        "height": panel.height,
        "zero": list(panel.zero),
        "across": [{"at": tick.at, "label": setter.formula(tick.label)} for tick in panel.across],
        "up": [{"at": tick.at, "label": setter.formula(tick.label)} for tick in panel.up],
        "curves": [{"slope": c.slope, "points": [list(p) for p in c.points]} for c in panel.curves],
        "marks": [{"at": list(m.at), "slope": m.slope, "open": m.open} for m in panel.marks],
        "function": _maybe(panel.function, setter),
        "bars": [[bar.left, bar.right, bar.height] for bar in panel.bars],
        "title": "" if panel.title is None else setter.text(panel.title),
        "slope": _maybe(panel.slope, setter),
        "argument": _maybe(panel.argument, setter),
        "names": [[round(x, 2), round(y, 2)] for x, y in names],
    }


def _vertex(vertex: Vertex, ids: Mapping[str, str], setter: Setter) -> Fields:
    return {
        "id": ids[vertex.key],
        "kind": vertex.kind,
        "x": round(vertex.x, 2),
        "y": round(vertex.y, 2),
        "width": round(vertex.width, 2),
        "height": round(vertex.height, 2),
        "upper": setter.formula(vertex.upper),
        "lower": _maybe(vertex.lower, setter),
        "note": _maybe(vertex.note, setter),
    }


def _arrow(item: PlacedArrow, ids: Mapping[str, str], names: Mapping[str, str], setter: Setter) -> Fields:
    arrow = item.arrow
    return {
        "start": ids[arrow.start],
        "end": ids[arrow.end],
        "from": names[arrow.start],
        "to": names[arrow.end],
        "back": arrow.back and not item.red,
        "red": item.red,
        "thread": arrow.thread,
        "share": arrow.share,
        "course": item.course,
        "angle": item.angle,
        "leave": item.leave,
        "reach": item.reach,
        "forward": [list(point) for point in arrow.forward],
        "backward": [list(point) for point in arrow.backward],
        "place": None if arrow.place is None else list(arrow.place),
        "factor": _maybe(arrow.factor, setter),
        "label": _maybe(arrow.label, setter),
    }


def _maybe(node: Node | None, setter: Setter) -> str:
    return "" if node is None else setter.formula(node)


def _code(block: Code, _: Setter, __: Setter) -> Fields:
    lines = [piece for line in block.text.strip("\n").split("\n") for piece in _code_lines(line)]
    return {
        "kind": "code",
        "language": re.sub(r"[^a-z0-9]", "", block.language.lower()),
        "lines": lines,
        "text": "\n".join(lines),
        "fence": "`" * max(3, 1 + max(map(len, re.findall(r"`+", block.text)), default=0)),
    }


def _code_lines(line: str) -> list[str]:
    """A long line in pieces, broken after the commas between brackets, where code may break."""
    clean = "".join(char if " " <= char <= "~" else f"\\u{ord(char):04x}" for char in line.expandtabs(4))
    pieces = []
    while len(clean) > _CODE_COLUMNS:
        place = clean.rfind(", ", 8, _CODE_COLUMNS)
        if place < 0:
            break
        pieces.append(clean[: place + 1])
        clean = "    " + clean[place + 2 :]
    return [*pieces, clean]


def _answer(block: AnswerBox, setter: Setter, _: Setter) -> Fields:
    return {
        "kind": "answer",
        "label": setter.formula(block.label),
        "lines": max(1, min(block.lines, 40)),
        "width": min(1.0, max(0.1, block.width)),
    }


def _note(block: Note, setter: Setter, _: Setter) -> Fields:
    return {"kind": "note", "text": setter.sentences(block.sentences)}


def _judged(block: Judged, setter: Setter, _: Setter) -> Fields:
    from symbackprop.report.judged import judged  # a report of our own has none

    return judged(block, setter)


_BLOCKS: Final[Mapping[type[Block], Callable[[Any, Setter, Setter], Fields]]] = {
    Heading: _heading,
    Paragraph: _paragraph,
    Equation: _equation,
    Table: _table,
    Diagram: _diagram,
    Plot: _plot,
    Code: _code,
    AnswerBox: _answer,
    Note: _note,
    Judged: _judged,
}
