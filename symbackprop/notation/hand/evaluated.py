"""Values at a point: `\\left. dL/dz \\right|_{z = 1}`, `σ'(z)|_{z=1}`."""

from __future__ import annotations

from symbackprop.notation.hand.items import Items
from symbackprop.notation.hand.pairing import closing, has_relation, pairs


def without_bars(items: Items) -> tuple[Items, tuple[Items, ...]]:
    """A statement without the bars that say where it is looked at, and what stands below each of them."""
    points: list[Items] = []
    while (place := next((at for at in range(1, len(items)) if _is_bar(items, at)), None)) is not None:
        points.append(items[place + 1].groups[0])
        dropped = (place, place + 1, _opening(items, place))
        items = tuple(item for at, item in enumerate(items) if at not in dropped)
    return items, tuple(points)


def _is_bar(items: Items, place: int) -> bool:
    """Whether a relation stands below a bar that has no partner, or that of `\\left.`"""
    item = items[place]
    after = items[place + 1] if place + 1 < len(items) else None
    if item.kind != "sign" or item.text != "|" or after is None or after.kind != "sub":
        return False
    if not has_relation(after.groups[0]):
        return False
    if item.side == "right":
        opened = _opening(items, place)
        return opened is not None and items[opened].text == "null"
    return place not in pairs(items).values()


def _opening(items: Items, place: int) -> int | None:
    """Where the \\left stands that a \\right closes."""
    lefts = (at for at in range(place) if items[at].side == "left")
    return next((at for at in lefts if closing(items, at) == place), None)
