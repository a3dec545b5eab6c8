"""Where one statement ends and the next begins: rows, arrows, commas, words between formulas."""

from collections.abc import Sequence
from dataclasses import replace

from symbackprop.notation.hand import commands as known
from symbackprop.notation.hand.by_cases import in_cases
from symbackprop.notation.hand.conditions import conditional, worded
from symbackprop.notation.hand.context import Context
from symbackprop.notation.hand.items import Item, Items
from symbackprop.notation.hand.pairing import closing, has_relation, is_broken, relations, top_level
from symbackprop.notation.hand.pieces import CONTINUES, Piece, leans
from symbackprop.notation.hand.ranges import ranged, set_off

_PUNCTUATION = frozenset(".,;:")
_STRENGTH = ("", "quad", "text", ",", "=>")


def pieces_of(items: Items, context: Context) -> list[Piece]:
    """The statements of a text, in order."""
    found: list[Piece] = []
    for row in _joined(_rows(items)):
        found += _row(row, context)
    return found


# --- rows


def _rows(items: Items) -> list[Items]:
    """The rows of a text: of environments whose rows are statements, and between two `\\\\`."""
    rows: list[list[list[Item]]] = [[[]]]  # rows of cells
    place = 0
    while place < len(items):
        item = items[place]
        place += 1
        if item.kind == "row":
            rows.append([[]])
        elif item.kind == "and":
            rows[-1].append([])
        elif item.kind == "rows" and _is_statements(item, rows[-1][-1]):
            if rows[-1][-1] and _is_edge(rows[-1][-1][-1], "left"):
                rows[-1][-1].pop()
                if place < len(items) and _is_edge(items[place], "right"):
                    place += 1
            for row in item.cells:
                rows += [[list(inner)] for inner in _rows(_merged(row))]
            rows.append([[]])
        else:
            rows[-1][-1].append(item)
    merged = [_merged([tuple(cell) for cell in row]) for row in rows]
    return [row for row in merged if row]


def _is_edge(item: Item, side: str) -> bool:
    return item.kind == "sign" and item.side == side


def _is_statements(item: Item, before: Sequence[Item]) -> bool:
    """Whether the rows of an environment are statements, and no matrix and no cases."""
    if item.text not in known.ROWS and not (item.text in known.CASES and _is_system(item)):
        return False
    outside = [one for one in before if not _is_edge(one, "left")]
    if outside and outside[-1].kind == "sign" and outside[-1].text in known.RELATIONS:
        return False
    if item.text != "array":
        return True
    return any(has_relation(cell) for row in item.cells for cell in row)


def _is_system(item: Item) -> bool:
    """A brace round equations, which states each of them, and no function by cases."""
    return all(_is_equation(row) for row in item.cells)


def _is_equation(row: Sequence[Items]) -> bool:
    if has_relation(row[0], frozenset("=")):
        return len(row) == 1
    return len(row) == 2 and bool(row[1]) and row[1][0].text == "="


def _merged(row: Sequence[Items]) -> Items:
    """The cells of a row in one; a cell that begins a formula of its own is set off."""
    found: list[Item] = []
    for cell in row:
        if found and cell and _is_whole(found) and not leans(cell[0]):
            found.append(Item("break", "quad", cell[0].start, cell[0].start))
        found += cell
    return tuple(found)


def _is_whole(items: list[Item]) -> bool:
    return has_relation(items) and not leans(items[-1])


def _joined(rows: list[Items]) -> list[Items]:
    """A row that begins with an operation goes on where the one before it ended."""
    found: list[Items] = []
    for row in rows:
        first = next((item for item in row if item.kind != "break"), row[0])
        goes_on = first.kind == "sign" and first.text in CONTINUES
        last = found[-1][-1] if found else None
        hangs = last is not None and last.kind == "sign" and last.text in CONTINUES | set(known.RELATIONS)
        if found and (goes_on or hangs) and (has_relation(found[-1]) or hangs):
            found[-1] = found[-1] + row
        else:
            found.append(row)
    return found


# --- one row


def _row(row: Items, context: Context) -> list[Piece]:
    if is_broken(row):  # nothing says where a statement ends
        return [Piece(row, True)]
    pieces = conditional(ranged(_commas(worded(in_cases(_cut(set_off(row, context))))), context))
    found: list[Piece] = []
    for piece in pieces:
        items = _bare(piece.items)
        if items and not all(_is_dots(item) for item in items):
            found.append(replace(piece, items=items))
    return [replace(piece, starts_row=place == 0) for place, piece in enumerate(found)]


def _is_dots(item: Item) -> bool:
    return item.kind == "sign" and (item.text in known.DOTS or item.text in _PUNCTUATION)


def _cut(row: Items) -> list[Piece]:
    """A row cut where nothing joins what is before and after."""
    pieces: list[Piece] = []
    current: list[Item] = []
    gap, said = "", ""
    last = 0  # one past the last item that was looked at
    for place in top_level(row):
        current += row[last:place]
        last = place + 1
        separator = _separator(row, place, current)
        if not separator:
            current.append(row[place])
        elif (
            separator == "quad"
            and current
            and place + 1 < len(row)
            and (leans(current[-1]) or leans(row[place + 1]))
        ):
            continue  # a space inside one formula
        else:
            if current:
                pieces += _opened(tuple(current), gap, said)
                current, gap, said = [], "", ""
            gap = max(gap, separator, key=_STRENGTH.index)
            if row[place].kind == "text":
                said = f"{said} {row[place].text.strip()}".strip()
    current += row[last:]
    pieces += _opened(tuple(current), gap, said)
    if said and not current:
        pieces.append(Piece((), False, gap, said))
    return pieces


def _separator(row: Items, place: int, current: list[Item]) -> str:
    item = row[place]
    if item.kind == "break":
        return "quad" if item.text in ("quad", "qquad") else "=>"
    if item.kind == "text":
        return "text"
    if item.kind == "command" and item.text in known.ARROWS_OVER:
        return "=>"
    if item.kind != "sign":
        return ""
    if item.text in ("→", "->", "⟶"):
        signature = any(one.kind == "sign" and one.text == ":" for one in current)
        return "" if signature else "=>"
    if item.text == ":":
        return "" if len(current) == 1 and _is_signature(row[place + 1 :]) else "=>"
    if item.text in (",", ";"):
        return "" if _is_bare_comma(row, place) else ","
    return ""


def _is_bare_comma(row: Items, place: int) -> bool:
    """`L = 0,5`: nothing says whether two numbers are meant or one."""
    if not 0 < place < len(row) - 1 or row[place].text != ",":
        return False
    before, after = row[place - 1], row[place + 1]
    numbers = before.kind == after.kind == "number"
    return numbers and before.end == row[place].start and row[place].end == after.start


def _is_signature(rest: Items) -> bool:
    """Whether `ℝ × ℝ → ℝ` or `x ↦ …` follows."""
    return any(item.kind == "sign" and item.text in ("→", "->", "⟶", "↦") for item in rest)


def _opened(items: Items, gap: str, said: str) -> list[Piece]:
    """A piece; brackets or a box round several statements are opened."""
    items = _bare(items)
    if not items:
        return []
    first = items[0]
    if len(items) > 2 and first.kind == "sign" and first.text == "(" and closing(items, 0) == len(items) - 1:
        inside = items[1:-1]
        if has_relation(inside):
            inner = _cut(inside)
            return [replace(piece, gap=gap, said=said) if n == 0 else piece for n, piece in enumerate(inner)]
    if len(items) == 1 and first.kind == "command" and first.text in known.BOXES:
        inner = _commas([piece for piece in _cut(_flat(first.groups[0])) if piece.items])
        boxes = [
            replace(first, groups=(piece.items,), start=piece.items[0].start, end=piece.items[-1].end)
            for piece in inner
        ]
        if len(boxes) == 1:
            boxes = [replace(first, groups=(inner[0].items,))]
        return [
            Piece((box,), False, gap, said) if n == 0 else Piece((box,), False, inner[n].gap, inner[n].said)
            for n, box in enumerate(boxes)
        ]
    return [Piece(items, False, gap, said)]


def _flat(items: Items) -> Items:
    """The rows inside a box, one after the other."""
    found: list[Item] = []
    for row in _joined(_rows(items)):
        if found:
            found.append(Item("break", "row", row[0].start, row[0].start))
        found += row
    return tuple(found)


def _bare(items: Items) -> Items:
    """Without punctuation at its ends."""
    low, high = 0, len(items)
    while low < high and _is_loose(items[low], ",;:"):
        low += 1
    while high > low and _is_loose(items[high - 1], ".,;:"):
        high -= 1
    return items[low:high]


def _is_loose(item: Item, signs: str) -> bool:
    if item.kind == "break":
        return True
    return item.kind == "sign" and item.text in tuple(signs)


# --- commas


def _commas(pieces: list[Piece]) -> list[Piece]:
    """`b, z ∈ ℝ` and `i = 1, …, n` are one statement each; other commas set statements off."""
    found: list[Piece] = []
    place = 0
    while place < len(pieces):
        end = place + 1
        while end < len(pieces) and pieces[end].gap == "," and not pieces[end].said:
            end += 1
        found += _listed(pieces[place:end])
        place = end
    return found


def _listed(pieces: list[Piece]) -> list[Piece]:
    found: list[Piece] = []
    waiting: list[Piece] = []
    for piece in pieces:
        if has_relation(piece.items) or not found:
            if waiting and _is_typing(piece.items):
                piece = _joined_left([*waiting, piece])
                waiting = []
            if not has_relation(piece.items):
                waiting.append(piece)
                continue
            found += waiting
            waiting = []
            found.append(piece)
        else:
            waiting.append(piece)
    if found and waiting and has_relation(found[-1].items) and _goes_on(found[-1].items, waiting):
        found[-1] = _joined_right(found[-1], waiting)
        waiting = []
    return [*found, *waiting]


def _is_typing(items: Items) -> bool:
    return has_relation(items, frozenset("∈"))


def _goes_on(first: Items, rest: list[Piece]) -> bool:
    """Whether the pieces go on with a list: there are dots in it, or only numbers."""
    if any(len(piece.items) == 1 and _is_dots(piece.items[0]) for piece in rest):
        return True
    last = first[-1]
    return last.kind == "number" and all(_is_number(piece.items) for piece in rest)


def _is_number(items: Items) -> bool:
    signs = items[:-1]
    return items[-1].kind == "number" and all(item.kind == "sign" and item.text == "-" for item in signs)


def _mark(text: str, at: int) -> Item:
    return Item("sign", text, at, at)


def _joined_left(pieces: list[Piece]) -> Piece:
    last = pieces[-1]
    cut = relations(last.items)[0]
    names = [*(piece.items for piece in pieces[:-1]), last.items[:cut]]
    inside = _with_commas(names)
    start, end = inside[0].start, inside[-1].end
    items = (_mark("(", start), *inside, _mark(")", end), *last.items[cut:])
    return replace(pieces[0], items=items)


def _joined_right(first: Piece, rest: list[Piece]) -> Piece:
    cut = relations(first.items)[-1] + 1
    inside = _with_commas([first.items[cut:], *(piece.items for piece in rest)])
    start, end = inside[0].start, inside[-1].end
    return replace(first, items=(*first.items[:cut], _mark("(", start), *inside, _mark(")", end)))


def _with_commas(parts: list[Items]) -> Items:
    found: list[Item] = []
    for part in parts:
        if found:
            found.append(_mark(",", found[-1].end))
        found += part
    return tuple(found)
