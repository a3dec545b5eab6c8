"""Which bracket belongs to which, and lists between commas."""

from collections.abc import Sequence
from dataclasses import replace

from symbackprop.notation.hand import commands as known
from symbackprop.notation.hand.items import Item, Items

CLOSERS = {"(": ")", "[": "]", "\\{": "\\}", "|(": "|)", "||(": "||)", "⟨": "⟩"}
_BARS = frozenset({"|", "||"})
_OPENS = _BARS | CLOSERS.keys()
_ANY = "any"  # what \left opened, \right closes whatever it is
_OPERATORS = frozenset("+-·/*×⊙⊗@,;(:[∂∇∑<>=≤≥≠≈∈→↦←") | {"\\{", "|(", "||("}


def closing(items: Sequence[Item], start: int) -> int | None:
    """Where the bracket at `start` is closed, or None."""
    stack: list[str] = []
    for place in range(start, len(items)):
        item = items[place]
        if item.kind != "sign":
            continue
        if not _step(stack, items, place):
            return None
        if not stack:
            return place
    return None


def _step(stack: list[str], items: Sequence[Item], place: int) -> bool:
    """Open or close at one sign; False where it closes what it did not open."""
    item = items[place]
    text = item.text
    if item.side == "left":
        stack.append(_ANY)
    elif item.side == "right":
        return bool(stack) and stack.pop() == _ANY
    elif text in CLOSERS:
        stack.append(CLOSERS[text])
    elif text in _BARS:
        if stack and stack[-1] == text and _is_operand(items[place - 1]):
            stack.pop()
        else:
            stack.append(text)
    elif text in CLOSERS.values():
        return bool(stack) and stack.pop() == text
    return True


def _is_operand(item: Item) -> bool:
    return item.kind != "sign" or item.text not in _OPERATORS


def pairs(items: Sequence[Item]) -> dict[int, int]:
    """Where each bracket that is closed is closed; what closes nothing is passed over."""
    found: dict[int, int] = {}
    stack: list[str] = []
    places: list[int] = []
    for place, item in enumerate(items):
        if item.kind != "sign":
            continue
        before = len(stack)
        top = stack[-1:]
        if not _step(stack, items, place):
            stack[before - 1 :] = top  # what it does not close stays open
        elif len(stack) > before:
            places.append(place)
        elif len(stack) < before:
            found[places.pop()] = place
    return found


def is_broken(items: Sequence[Item]) -> bool:
    """Whether a bracket other than a bar has no partner."""
    closed = pairs(items)
    ends = set(closed.values())
    return any(
        item.kind == "sign" and place not in closed and place not in ends
        and (item.text in CLOSERS or item.text in CLOSERS.values() or item.side != "")
        for place, item in enumerate(items)
    )  # fmt: skip


def top_level(items: Sequence[Item]) -> list[int]:
    """The places of `items` that stand in no bracket that is closed."""
    if not any(item.kind == "sign" and (item.side or item.text in _OPENS) for item in items):
        return list(range(len(items)))
    closed = pairs(items)
    found: list[int] = []
    place = 0
    while place < len(items):
        if place in closed:
            place = closed[place] + 1
        else:
            found.append(place)
            place += 1
    return found


def split_list(items: Items, separators: str = ",;") -> tuple[list[Items], list[Item]]:
    """The parts between separators outside brackets, and the separators."""
    cuts = [n for n in top_level(items) if items[n].kind == "sign" and items[n].text in tuple(separators)]
    pieces: list[Items] = []
    start = 0
    for cut in cuts:
        pieces.append(items[start:cut])
        start = cut + 1
    pieces.append(items[start:])
    return pieces, [items[cut] for cut in cuts]


def relations(items: Sequence[Item]) -> list[int]:
    """The places of the relations outside brackets."""
    return [
        place
        for place in top_level(items)
        if (items[place].kind == "sign" and items[place].text in known.RELATIONS)
        or (items[place].kind == "command" and items[place].text in known.OVER)
    ]


def has_relation(items: Sequence[Item], signs: frozenset[str] | None = None) -> bool:
    """Whether a relation stands outside brackets (one of `signs`, if given)."""
    places = relations(items)
    return (
        bool(places)
        if signs is None
        else any(known.RELATIONS.get(items[place].text) in signs for place in places)
    )


def with_places(items: Items) -> Items:
    """Plain text with `w_1,2`, whose comma stands between two places, as `w_{1,2}`; not in brackets,
    where it may part two arguments: `max(z_1,2)`."""
    outside = set(top_level(items))
    found: list[Item] = []
    place = 0
    while place < len(items):
        item, behind = items[place], items[place + 1 : place + 4]
        place += 1
        if item.kind == "sub" and {place - 1, place, place + 1} <= outside and _is_place(item, behind):
            comma, number = behind[:2]
            item = replace(item, end=number.end, groups=((*item.groups[0], comma, number),))
            place += 2
        found.append(item)
    return tuple(found)


def _is_place(below: Item, behind: Items) -> bool:
    """Whether a comma and one more digit follow an index that is a digit, and no list."""
    inside = below.groups[0]
    if len(behind) < 2 or len(inside) != 1 or inside[0].kind != "number" or behind[0].text != ",":
        return False
    comma, number = behind[:2]
    listed = len(behind) > 2 and behind[2].text == ","
    digits = all(len(one.text) == 1 and one.text in "123456789" for one in (inside[0], number))
    return digits and not listed and below.end == comma.start and comma.end == number.start
