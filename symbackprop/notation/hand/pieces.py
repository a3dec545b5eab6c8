"""One statement of a text, before it is read."""

from dataclasses import dataclass

from symbackprop.notation.hand import commands as known
from symbackprop.notation.hand.items import Item, Items
from symbackprop.notation.node import Plain

CONTINUES = frozenset("+-·*×⊙⊗/@")
"""Operations that need something before them."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Piece(Plain):
    """One statement, or what cannot be read as one: `refused` says why."""

    items: Items
    starts_row: bool
    gap: str = ""  # what stands between it and the one before: "quad", "text", "," or "=>"
    said: str = ""  # the words there
    refused: tuple[str, str] | None = None  # the message and the hint
    conditions: tuple[Items, ...] = ()  # for which indices it holds


def leans(item: Item) -> bool:
    """Whether an item needs something on both sides."""
    if item.kind == "command":
        return item.text in known.OVER
    return item.kind == "sign" and (item.text in CONTINUES or item.text in known.RELATIONS)
