"""What stands above and below a letter: indices, layer marks, transposes, primes, powers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symbackprop.notation.hand.actions import Script
from symbackprop.notation.hand.items import Item, Items
from symbackprop.notation.hand.units import INDEX_LETTERS
from symbackprop.notation.tree import (
    Add,
    Bracket,
    Dots,
    Gradient,
    Name,
    Neg,
    Node,
    Number,
    Slice,
    Span,
)

if TYPE_CHECKING:
    from symbackprop.notation.hand.translate import Translator

_PLACES = INDEX_LETTERS | frozenset("0123456789")  # w_j2 is the entry j, 2
_CLOSERS = {"(": ")", "[": "]"}
_ORDER = {"mark": 0, "index": 1, "prime": 2, "transpose": 3, "power": 3, "square": 3}

Scripts = list[tuple[Item, Script]]


def scripts_of(reader: Translator, base: Node | None, written: Items) -> tuple[Node | None, Scripts]:
    """What stands behind `base`, in the order in which it applies; and the base, where a subscript
    is part of its name (`z_{out}`)."""
    found: Scripts = []
    renamed: Node | None = None
    for item in written:
        if item.kind == "prime":
            found.append((item, Script("prime", count=len(item.text))))
        elif item.kind == "sub":
            named = _named(reader, renamed or base, item)
            if named is None:
                found.append((item, Script("index", indices(reader, item))))
            else:
                renamed = named  # W₂ of `W₂_ij`, whose indices come behind
        else:
            layered = None if _is_numbered(reader, base, written) or _is_stepped(written) else base
            found += [(item, script) for script in superscripts(reader, base, item, layered)]
    kinds = [script.kind for _, script in found]
    for kind, what in (("index", "subscripts"), ("power", "powers"), ("mark", "marks")):
        marks = [script.bracket for _, script in found if script.kind == "mark"]
        twofold = kind == "mark" and marks == ["[", "("]  # a^{[2](i)}: a layer, and an example
        if kinds.count(kind) > 1 and not twofold:
            reader.context.refuse(f"there are two {what}", written[0].start, written[-1].end)
    if "prime" in kinds and isinstance(base, Name):
        found, renamed = _primed_name(reader, renamed or base, found)
    found.sort(key=lambda pair: _ORDER[pair[1].kind])
    return renamed, found


def _primed_name(reader: Translator, base: Node, found: Scripts) -> tuple[Scripts, Node | None]:
    """`z'` where that is a name of its own."""
    assert isinstance(base, Name)
    count = sum(script.count for _, script in found)
    key = base.name + "'" * count
    if key not in reader.context.names:
        return found, base
    end = max(item.end for item, script in found if script.kind == "prime")
    kept = [(item, script) for item, script in found if script.kind != "prime"]
    return kept, Name(key, span=Span(base.span.start if base.span else 0, end))


# --- below


def _named(reader: Translator, base: Node | None, item: Item) -> Node | None:
    """The name that a subscript in words belongs to: `z_{hid}`, `\\text{entrada}_1`; None for indices."""
    name = base.of if isinstance(base, Gradient) else base
    if not isinstance(name, Name):
        return None
    inside = item.groups[0]
    word = _word(inside)
    if word:
        key = f"{name.name}_{word}"
        letters = inside[0].kind == "word" and set(word) <= _PLACES and len(word) <= 3
        if key not in reader.context.names and (letters or len(word) == 1 or _is_greek(inside)):
            return None
    elif (
        reader.context.latex
        or _digits(inside) is None
        or name.name + str(_digits(inside)) not in (reader.context.names)
    ):
        return None
    else:
        key = name.name + str(_digits(inside))
    start = name.span.start if name.span else item.start
    made = Name(key, span=Span(start, item.end))
    return Gradient(made, span=Span(start - 1, item.end)) if isinstance(base, Gradient) else made


def _word(inside: Items) -> str:
    if len(inside) != 1 or inside[0].kind not in ("word", "text", "operator"):
        return ""
    word = inside[0].text.strip()
    return word if word.isalnum() else ""


def _is_greek(inside: Items) -> bool:
    return inside[0].kind == "word" and len(inside[0].letters) == 1


def _digits(inside: Items) -> str | None:
    return inside[0].text if len(inside) == 1 and inside[0].kind == "number" else None


def entry_places(number: Item) -> Items:
    """`1,2`, read as one number, as the two places that it is behind a name."""
    comma = number.start + 1
    return (
        Item("number", number.text[0], number.start, comma),
        Item("sign", ",", comma, comma + 1),
        Item("number", number.text[-1], comma + 1, number.end),
    )


def indices(reader: Translator, item: Item) -> tuple[Node, ...]:
    """The places of a subscript: `{1,i}` two, `{ij}` two, `{11}` one number, `{:,i}` a slice and a place."""
    inside = item.groups[0]
    places: list[Items] = [()]
    for part in inside:
        if part.kind == "sign" and part.text == ",":
            places.append(())
        else:
            places[-1] = (*places[-1], part)
    if not all(places):
        reader.context.refuse("an index is missing", item.start, item.end)
    if len(places) == 1:
        spread = _spread(places[0])
        if spread:
            places = [(part,) for part in spread]
    return tuple(place_of(reader, place) for place in places)


def _spread(place: Items) -> Items:
    """Letters and digits side by side, one a place; none where it is anything else."""
    found: list[Item] = []
    for part in place:
        if part.kind == "number" and part.text.isdecimal():
            if len(place) == 1:
                return ()
            found.append(part)
        elif part.kind == "word":
            found += [
                Item("number", letter, start, end)
                if letter.isdecimal()
                else Item("word", letter, start, end, letters=((letter, start, end),))
                for letter, start, end in part.letters
            ]
        elif part.kind == "sign" and part.text in (":", "·", "*", "⋅") and len(place) > 1:
            if part.text == ":" and len(place) != 2:
                return ()
            if part.text == ":":
                return ()
            found.append(part)
        else:
            return ()
    return tuple(found)


def place_of(reader: Translator, items: Items) -> Node:
    """One place: a formula, or a slice."""
    whole = Span(items[0].start, items[-1].end)
    if len(items) == 1 and items[0].kind == "sign" and items[0].text in (":", "·", "*"):
        return Slice(span=whole)
    colons = [n for n, item in enumerate(items) if item.kind == "sign" and item.text == ":"]
    if len(colons) > 1:
        reader.context.refuse("a place has one colon", whole.start, whole.end)
    if colons:
        low, high = items[: colons[0]], items[colons[0] + 1 :]
        first = reader.inner(low, whole).expression() if low else None
        second = reader.inner(high, whole).expression() if high else None
        return Slice(first, second, span=whole)
    if len(items) == 1 and items[0].kind in ("text", "operator"):
        return Name(items[0].text.strip(), span=whole)
    return reader.inner(items, whole).expression()


# --- above


def is_transpose(reader: Translator, inside: Items) -> bool:
    """Whether a superscript is T, ⊤, or t where that is no name."""
    if len(inside) != 1:
        return False
    only = inside[0]
    if only.kind == "command" and only.text in ("mathsf", "mathbf", "mathit", "mathtt", "boldsymbol"):
        return is_transpose(reader, only.groups[0])
    if only.kind == "sign":
        return only.text == "⊤"
    if only.kind in ("word", "operator", "text"):
        return only.text == "T" or (only.text in ("t", "tr") and only.text not in reader.context.names)
    return only.kind == "group" and is_transpose(reader, only.groups[0])


def superscripts(
    reader: Translator, base: Node | None, item: Item, layered: Node | None = None
) -> list[Script]:
    """What one superscript says; `{[2]T}` says two things. `layered` may have its layer above."""
    inside = item.groups[0]
    if not inside:
        reader.context.refuse("there is nothing above", item.start, item.end)
    if is_transpose(reader, inside):
        return [Script("transpose")]
    if len(inside) == 1 and inside[0].kind == "sign" and inside[0].text == "+":  # w^+, after a step
        return [Script("power", (Name("new", span=Span(item.start, item.end)),))]
    layer = _layer(reader, layered, inside)
    if layer is not None:
        return [Script("mark", (layer,), bracket="[")]
    pieces = _pieces(reader, inside)
    if pieces is not None:
        marks = [piece for piece in pieces if piece.kind == "mark"]
        if marks and not _can_be_marked(base) and not reader.context.latex:
            body = Bracket(marks[0].nodes[0], span=Span(item.start, item.end))
            return [Script("power", (body,)) if piece is marks[0] else piece for piece in pieces]
        return pieces
    return [power(reader, inside, item)]


def _is_numbered(reader: Translator, base: Node | None, written: Items) -> bool:
    """`a_2` where the model has an a2: what stands above that is a power."""
    name = base.of if isinstance(base, Gradient) else base
    below = [_digits(item.groups[0]) for item in written if item.kind == "sub"]
    return isinstance(name, Name) and any(
        digits is not None and stem + digits in reader.context.names
        for digits in below
        for stem in (name.name, name.name.swapcase())
    )


def _is_stepped(written: Items) -> bool:
    """`h_t^2` and `h_{t+1}^2`: the step, or the layer, stands below already, so that 2 is a power."""
    below = [item.groups[0] for item in written if item.kind == "sub"]
    return any(
        inside[0].text in ("t", "l", "ell", "tau") and all(_is_layer(part) for part in inside[1:])
        for inside in below if inside
    )  # fmt: skip


def _layer(reader: Translator, base: Node | None, inside: Items) -> Node | None:
    """`w^3`, `δ^L`, `b^{l+1}` where the model has a w3 and no w: a layer, which is no power."""
    name = base.of if isinstance(base, Gradient) else base
    if not isinstance(name, Name) or not all(_is_layer(item) for item in inside):
        return None
    stem, names = name.name, reader.context.names
    stems = tuple("zZaAusS") if stem == "delta" else (stem, stem.swapcase() if len(stem) == 1 else stem)
    if stem in names or (stem == "delta" and "delta" in names):
        return None
    numbers = [inside[0].text] if inside[0].kind == "number" else [str(number) for number in range(1, 10)]
    if not any(each + number in names for each in stems for number in numbers):
        return None
    return _mark(reader, inside)


def _is_layer(item: Item) -> bool:
    if item.kind == "number":
        return item.text.isdecimal()
    if item.kind == "sign":
        return item.text in "+-"
    return item.kind in ("word", "command", "letter") and item.text in ("l", "L", "ell")


def _can_be_marked(base: Node | None) -> bool:
    inner = base.of if isinstance(base, Gradient) else base
    return isinstance(inner, Name)


def _pieces(reader: Translator, inside: Items) -> list[Script] | None:
    """Marks, transposes and primes side by side; None where it is something else."""
    found: list[Script] = []
    at = 0
    while at < len(inside):
        item = inside[at]
        at += 1
        if item.kind == "prime":
            found.append(Script("prime", count=len(item.text)))
        elif is_transpose(reader, (item,)) or (item.kind == "sup" and is_transpose(reader, item.groups[0])):
            found.append(Script("transpose"))
        elif item.kind == "sign" and item.text in _CLOSERS:
            end = _closing(inside, at - 1)
            mark = _mark(reader, inside[at:end]) if end and end > at else None
            if mark is None:
                return None
            found.append(Script("mark", (mark,), bracket=item.text))
            at = end + 1
        else:
            return None
    return found


def _closing(items: Items, start: int) -> int:
    level = 0
    for place in range(start, len(items)):
        if items[place].kind == "sign":
            level += (items[place].text in "([") - (items[place].text in ")]")
        if not level:
            return place if items[place].text == _CLOSERS[items[start].text] else 0
    return 0


def _mark(reader: Translator, inside: Items) -> Node | None:
    """A number, a letter or a shifted letter; anything else is an exponent in brackets."""
    node = reader.inner(inside, Span(inside[0].start, inside[-1].end)).chain()
    if isinstance(node, Number) and node.value.denominator == 1:
        return node
    if isinstance(node, Name):
        return node
    if isinstance(node, Add) and len(node.terms) == 2:
        first, second = node.terms
        shift = second.body if isinstance(second, Neg) else second
        if isinstance(first, Name) and isinstance(shift, Number):
            return node
    return None


def power(reader: Translator, inside: Items, item: Item) -> Script:
    r"""An exponent. `x^{\odot 2}` is the square of each entry."""
    whole = Span(item.start, item.end)
    first = inside[0]
    if [(part.kind, part.text) for part in inside] == [("sign", "⊙"), ("number", "2")]:
        return Script("square")
    if first.kind == "sign" and first.text in ("⊙", "*", "·", "+", "×"):
        hint = "write the power, x^2, or another name"
        reader.context.refuse("this superscript is not read", item.start, item.end, hint)
    node = reader.inner(inside, whole).expression()
    transposed = isinstance(node, Neg) and node.body == Name("T") and "T" not in reader.context.names
    if isinstance(node, Dots) or transposed:
        reader.context.refuse("this superscript is not read", item.start, item.end)
    return Script("power", (node,))
