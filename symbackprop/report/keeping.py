"""What must stay on one page: a heading with what it heads, a sentence with its display.

Each block gets `needs`, the lines of text that must be free where it begins, and paragraphs get
`kept`, whether the next block belongs to them (`apart`: and it is no display of formulas, which
TeX would keep with its sentence by itself).
"""

import math
from collections.abc import Sequence
from typing import Any, Final

from symbackprop.notation.tree import Brace, Cases, Derivative, Matrix, Node, Quotient, Sum, walk
from symbackprop.report.document import (
    AnswerBox,
    Block,
    Code,
    Diagram,
    Equation,
    Heading,
    Judged,
    Paragraph,
    Plot,
    Table,
    Text,
)

_MOST: Final = 36  # lines; more is never kept together
_MOST_TO_PICTURE: Final = 50  # lines; a sentence that announces a picture, with the picture
_SHARE: Final = 0.88  # of the estimate: TeX keeps a sentence with its display or table by itself
_LINE_CM: Final = 0.48
_COLUMNS: Final = 95  # characters of a line of text
_DISPLAYS: Final = (Equation, Table, Diagram, Plot, Code, AnswerBox)


def keep_together(blocks: Sequence[Block], fields: Sequence[dict[str, Any]]) -> None:
    """Add `needs` to all blocks and `kept` to paragraphs, from the last one upwards."""
    following: Block | None = None
    below = 0.0
    for block, field in zip(reversed(blocks), reversed(fields), strict=True):
        own = _lines(block, field)
        if isinstance(block, Paragraph):
            field["kept"] = block.keep_with_next or isinstance(following, _DISPLAYS)
            field["apart"] = field["kept"] and not isinstance(following, Equation)
            below = own + below if field["kept"] else min(own, 3.0)
        elif isinstance(block, Heading):
            below = own + below
        else:
            below = own
        announces = isinstance(block, Paragraph) and isinstance(following, Diagram | Plot)
        most = _MOST_TO_PICTURE if announces else _MOST
        field["needs"] = math.ceil(min(below, most) * _SHARE)
        following = block
    for place in range(1, len(blocks)):
        if isinstance(blocks[place - 1], Heading) and isinstance(blocks[place], Paragraph):
            # the heading asks for the room of both; a second demand would part them
            fields[place - 1]["needs"] += fields[place]["kept"]
            fields[place]["needs"] = 0


def rows_of(cell: Node | Text | None) -> int:
    """The rows of the tallest array in a formula; 1 for anything else."""
    if not isinstance(cell, Node):
        return 1
    return max((len(part.rows) for part in walk(cell) if isinstance(part, Matrix)), default=1)


def _lines(block: Block, field: dict[str, Any]) -> float:
    """About how many lines of text a block is high, as far as it must not break."""
    match block:
        case Heading():
            return 2.5
        case Paragraph():
            return 1.0 + len(field["text"]) / _COLUMNS
        case Equation():
            return 1.2 + sum(_height(line.formula) for line in block.lines)
        case Table():
            high = 3.0 + sum(1.2 * max(map(rows_of, row), default=1) for row in block.rows)
            first = max(map(rows_of, block.rows[0])) if block.rows else 1
            return max(7.0, 4.0 + 1.2 * first) if field["long"] else high
        case Diagram() | Plot():  # its height is known, and nothing of it may be left over
            return 1.5 + float(field["height"]) / _LINE_CM / _SHARE
        case Code():
            return 1.0 + len(field["lines"])
        case Judged():
            formula = _height(block.formula) * len(field["lines"]) if block.formula else 1.2
            return 1.0 + formula + sum(1.0 + len(note) / _COLUMNS for note in field["notes"])
        case AnswerBox():
            return 1.0 + float(field["lines"])
    return 2.0


def _height(formula: Node) -> float:
    """The height of a displayed formula, in lines."""
    high, brace = 1.2, 0.0
    for part in walk(formula):
        if isinstance(part, Matrix):
            high = max(high, 1.1 * len(part.rows) + 0.3)
        elif isinstance(part, Cases):
            high = max(high, 1.5 * len(part.branches))
        elif isinstance(part, Sum):
            high = max(high, 3.0)
        elif isinstance(part, Derivative | Quotient):
            high = max(high, 2.2)
        elif isinstance(part, Brace):
            brace = 1.2
    return high + brace
