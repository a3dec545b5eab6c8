"""One thing of a text before its mathematics is known: a letter, a sign, a group, a command."""

from dataclasses import dataclass
from typing import Literal

from symbackprop.notation.node import Plain

Kind = Literal[
    "word", "number", "sign", "group", "command", "rows", "text", "operator", "sub", "sup", "prime", "break",
    "and", "row",
]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Item(Plain):
    """One thing of a text. `groups` are its arguments, `cells` the rows of an environment.

    A `word` is a run of letters, spelled one by one in `letters`; `side` is what \\left and \\right
    say of a bracket. `and` is an alignment mark, `row` the end of a row.
    """

    kind: Kind
    text: str
    start: int
    end: int
    groups: tuple["Items", ...] = ()
    cells: tuple[tuple["Items", ...], ...] = ()
    letters: tuple[tuple[str, int, int], ...] = ()
    side: str = ""


Items = tuple[Item, ...]


def cells_of(items: Items) -> tuple[tuple[Items, ...], ...]:
    """The items between the ends of rows and the alignment marks; a last row of nothing is none."""
    rows: list[list[list[Item]]] = [[[]]]
    for item in items:
        if item.kind == "row":
            rows.append([[]])
        elif item.kind == "and":
            rows[-1].append([])
        else:
            rows[-1][-1].append(item)
    if rows[-1] == [[]] and len(rows) > 1:
        rows.pop()
    return tuple(tuple(tuple(cell) for cell in row) for row in rows)
