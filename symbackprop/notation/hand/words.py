"""Words in plain text: which of them are names, and which belong to a sentence."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from symbackprop.notation.hand import commands as known
from symbackprop.notation.hand.by_cases import IF
from symbackprop.notation.hand.context import Context
from symbackprop.notation.hand.items import Item, Items
from symbackprop.notation.hand.pairing import with_places
from symbackprop.notation.hand.units import INDEX_LETTERS, NEW, OLD, TURNED, Unit, function_word, is_letter
from symbackprop.notation.spelling import GREEK_NAMES

_CONNECT = frozenset({
    "a", "e", "o", "u", "y", "x",
})  # fmt: skip
"""Letters that are words of a sentence too."""
_SENTENCE = frozenset({
    "a", "al", "and", "as", "at", "be", "by", "con", "de", "del", "di", "do", "el", "en", "es", "if",
    "in", "is", "it", "la", "las", "lo", "los", "me", "mi", "no", "of", "on", "or", "por", "que", "se",
    "si", "so", "su", "to", "un", "va", "ya", "ej", "eq", "etc", "ie", "eg", "vs", "ok", "def", "pues",
    "we", "y", "else", "otherwise", "elsewhere", "entonces", "luego", "porque", "donde", "where",
    "then", "since", "because",
})  # fmt: skip
_GRADIENTS = frozenset({"grad", "gradient", "gradiente", "nabla"})
_NUMBERED = re.compile(r"(?:[A-Za-z][0-9]+){2,}")
_ONE = re.compile(r"[A-Za-z][0-9]+")
_VOWEL = re.compile(r"[aeiouyáéíóúü]", re.IGNORECASE)
_ACCENTS = frozenset({"hat", "bar", "tilde", "dot"})
_VOWELS = frozenset("aeiou")


def units_of(item: Item, context: Context) -> list[Unit]:
    """The names that a word of plain text is; empty where it is none."""
    word = item.text
    names = context.names
    if word in names:
        return [Unit(word, item.start, item.end)]
    if word[0] == "d" and word[1:] in names:
        return [Unit(word[1:], item.start + 1, item.end, True)]
    called = function_word(word, context.functions)
    if called:
        return [Unit(called, item.start, item.end)]
    bare = word.rstrip("0123456789")
    if not bare:
        return []
    if is_letter(bare):
        return [Unit(word, item.start, item.end)]
    if bare[0] == "d" and is_letter(bare[1:]) and bare[1:] not in _VOWELS and word not in _SENTENCE:
        return [Unit(word[1:], item.start + 1, item.end, True)]
    if _NUMBERED.fullmatch(word):  # w1x1
        return [Unit(m.group(), item.start + m.start(), item.start + m.end()) for m in _ONE.finditer(word)]
    return [] if word.lower() in _SENTENCE else _split(item, context)


def _split(item: Item, context: Context) -> list[Unit]:
    """A word that is known names written together (`Wx`), all of them known; `xn` is left unknown."""
    letters = item.letters
    units: list[Unit] = []
    longest = max((len(name) for name in context.names), default=1) + 1
    at = 0
    while at < len(letters):
        for count in range(min(longest, len(letters) - at), 0, -1):
            run = letters[at : at + count]
            word = "".join(letter for letter, _, _ in run)
            if word in context.names:
                units.append(Unit(word, run[0][1], run[-1][2]))
            elif count > 1 and run[0][0] == "d" and word[1:] in context.names:
                units.append(Unit(word[1:], run[1][1], run[-1][2], True))
            else:
                continue
            at += count
            break
        else:
            return []
    if any(unit.key in INDEX_LETTERS for unit in units[1:]):  # xn may be x_n
        return [Unit(item.text, item.start, item.end)]
    return units


def promoted(items: Items, context: Context) -> Items:
    """Words in \\text{…} that name something become names; the others stay words."""
    found: list[Item] = []
    for place, item in enumerate(items):
        if item.kind == "text":
            after = items[place + 1] if place + 1 < len(items) else None
            item = _promoted_text(item, after, context)
            if item.kind == "text" and found and _is_factor(item, found[-1]):
                item = replace(item, kind="operator")
        if item.groups or item.cells:
            groups = tuple(promoted(group, context) for group in item.groups)
            cells = tuple(tuple(promoted(cell, context) for cell in row) for row in item.cells)
            item = replace(item, groups=groups, cells=cells)
        found.append(item)
    return tuple(found)


def _is_factor(item: Item, before: Item) -> bool:
    """`f'(z)\\text{error}`: one word right behind a formula, with no space in it."""
    word = item.text
    if not word.isalpha() or word.lower() in _SENTENCE or len(word) < 2:
        return False
    return before.kind in ("word", "number", "operator", "sub", "sup", "prime", "command") or before.text in (
        ")", "]", "|)",
    )  # fmt: skip


def _promoted_text(item: Item, after: Item | None, context: Context) -> Item:
    word = item.text.strip()
    if word in _CONNECT and word not in context.names and item.text != word:
        return item
    if (
        word in ("True", "False")
        or function_word(word, context.functions)
        or (word in context.names and item.text == word)
    ):
        return replace(item, kind="operator", text=word)
    called = after is not None and after.kind == "sign" and after.text == "(" and after.start == item.end
    if called and " " not in item.text and word:
        return replace(item, kind="operator", text=word)
    is_word = word.isalpha() and item.text == word
    scripted = after is not None and after.kind in ("sub", "sup") and after.start == item.end
    defined = after is not None and after.kind == "sign" and after.text == "="
    if is_word and (scripted or defined) and word.lower() not in _SENTENCE:
        return replace(item, kind="operator", text=word)
    return item


def with_words(items: Items, context: Context) -> Items:
    """Items of plain text with each word of a sentence as `text`; names stay words."""
    found = list(_scripted(tuple(_marked(tuple(_turned(with_places(items), context)), context)), context))
    weak: set[int] = set()
    defined: set[str] = set()
    for place, item in enumerate(found):
        if item.kind != "word":
            continue
        after = found[place + 1] if place + 1 < len(found) else None
        units = units_of(item, context)
        said = item.text not in defined and not _is_name(found, place, after)
        if not units and said and _is_prose(item.text) and not _ends_formula(found, place):
            found[place] = replace(item, kind="text")
        elif not units:
            found[place] = replace(item, kind="operator")
            defined.add(item.text)
        elif len(units) > 1 or item.text in _CONNECT:
            weak.add(place)
    _end_sentences(found)
    for place in (*sorted(weak), *sorted(weak, reverse=True)):
        if _is_said(found, place):
            found[place] = replace(found[place], kind="text")
    return tuple(found)


def _end_sentences(found: list[Item]) -> None:
    """A full stop belongs to its word, or ends a sentence: no space before it, and one behind."""
    for place in range(1, len(found) - 1):
        item, before, after = found[place], found[place - 1], found[place + 1]
        if item.kind == "sign" and item.text == "." and before.end == item.start and item.end < after.start:
            found[place] = replace(item, kind="text" if before.kind == "text" else "break")


def _is_prose(word: str) -> bool:
    """Whether it looks like a word of a sentence, and not like names written together (`xT`)."""
    if word.lower() in _SENTENCE:
        return True
    return len(word) > 2 and word[1:].islower() and word.isalpha() and bool(_VOWEL.search(word))


def _ends_formula(found: list[Item], place: int) -> bool:
    """The one word behind a formula, which may be a factor (`dW = dz entrada`)."""
    before = found[place - 1] if place else None
    if place + 1 < len(found) or before is None or found[place].text.lower() in _SENTENCE:
        return False
    return before.kind in ("word", "number", "operator", "sub", "sup", "prime")


def _scripted(items: Items, context: Context) -> Iterable[Item]:
    """`y_hat` is one word, `dL_dW` a derivative, `sum_i` a sum; what stands in groups is read for words."""
    place = 0
    while place < len(items):
        item = items[place]
        after = items[place + 1] if place + 1 < len(items) else None
        place += 1
        if item.kind == "word" and item.text.lower() in _GRADIENTS and item.text not in context.names:
            yield Item("sign", "∇", item.start, item.end)
            place += after is not None and after.text in ("of", "de")
            behind = items[place + 1] if place + 1 < len(items) else None
            if after is not None and after.kind == "sub" and behind is not None and behind.text == "=":
                yield from after.groups[0]  # grad_W = …
                place += 1
            continue
        apart = after is not None and place > 1 and items[place - 2].end < item.start < after.start - 1
        if item.text == "." and apart:  # dz . x^T
            yield Item("sign", "·", item.start, item.end)
            continue
        if item.text == "in" and after is not None and after.text == "R" and "R" not in context.names:
            yield Item("sign", "∈", item.start, item.end)
            continue
        if item.groups and item.kind != "sub" and item.kind != "sup":
            item = replace(item, groups=tuple(with_words(group, context) for group in item.groups))
        if item.kind != "word" or after is None or after.kind != "sub" or after.start != item.end:
            yield item
            continue
        inside = after.groups[0]
        below = inside[0] if len(inside) == 1 and inside[0].kind == "word" else None
        if item.text in ("sum", "suma"):
            yield Item("sign", "∑", item.start, item.end)
        elif below is not None and (below.text in _ACCENTS or f"{item.text}_{below.text}" in context.names):
            key = item.text + ("" if below.text in _ACCENTS else "_") + below.text
            yield Item("word", key, item.start, after.end, letters=((key, item.start, after.end),))
            place += 1
        elif below is not None and _is_gradient(item, context) and _is_gradient(below, context):
            yield from (item, Item("sign", "/", item.end, item.end), below)
            place += 1
        else:
            yield item


def _marked(items: Items, context: Context) -> Iterator[Item]:
    """`W nuevo` and `new W` as `W_nuevo` and `W_new`, and `w_1 old` as `w_1_old`."""
    place = 0
    while place < len(items):
        item, behind = items[place], items[place + 1 : place + 3]
        place += 1
        if _is_mark(item) and behind and _is_one_name(behind[0], context):
            item, behind = behind[0], (item,)
        article = item.text in _CONNECT and len(behind) > 1 and _is_one_name(behind[1], context)  # a new W
        if _is_one_name(item, context) and behind and not article:
            indexed = behind[0].kind == "sub" and len(behind) > 1
            named, mark = ((item, behind[0]), behind[1]) if indexed else ((item,), behind[0])
            if _is_mark(mark):
                end = named[-1].end
                word = replace(mark, text=mark.text.lower())
                yield from (*named, Item("sub", "_", end, max(end, mark.end), ((word,),)))
                place += len(named)
                continue
        yield item


def _turned(items: Items, context: Context) -> Iterator[Item]:
    """`x traspuesta` as `x^T`, where it can be said of that name alone: not of `W x traspuesta`."""
    for place, item in enumerate(items):
        name = items[place - 1] if place else None
        before = items[place - 2] if place > 1 else None
        alone = before is None or (before.kind == "sign" and before.text not in (")", "]"))
        named = name is not None and name.kind == "word" and len(units_of(name, context)) == 1
        after = items[place + 1] if place + 1 < len(items) else None
        called = after is not None and after.text == "(" and after.start == item.end
        if item.kind == "word" and item.text.lower() in TURNED and alone and named and not called:
            yield Item("sup", "^", item.start, item.end, ((Item("sign", "⊤", item.start, item.end),),))
        else:
            yield item


def _is_mark(item: Item) -> bool:
    return item.kind == "word" and item.text.lower() in NEW | OLD


def _is_one_name(item: Item, context: Context) -> bool:
    if item.kind != "word" or _is_mark(item):
        return False
    units = units_of(item, context)
    return len(units) == 1 and not units[0].differential


def _is_gradient(item: Item, context: Context) -> bool:
    units = units_of(item, context)
    return len(units) == 1 and units[0].differential


def _is_name(found: list[Item], place: int, after: Item | None) -> bool:
    """An unknown word is a name where it is called, or defined: alone before a relation."""
    item = found[place]
    if after is None:
        return False
    if after.kind == "sign" and after.text == "(" and after.start == item.end:
        return True
    below = found[place + 2] if after.text == "/" and place + 2 < len(found) else None
    if below is not None and below.kind == "word" and item.text[0] == below.text[0] == "d":  # de/dw
        return len(item.text) > 1 and len(below.text) > 1
    if item.text.lower() in _SENTENCE or item.text in GREEK_NAMES:
        return False
    if after.kind == "sub" and after.start == item.end:
        return True
    called = found[place + 2] if after.kind == "sup" and place + 2 < len(found) else None
    if called is not None and called.text == "(" and called.start == after.end:  # sech^2(z)
        return True
    before = found[place - 1] if place else None
    alone = before is None or before.kind in ("text", "break") or before.text in (",", ";", ":", "(")
    return alone and after.kind == "sign" and after.text in ("=", ":=", "←", "<-")


def _is_said(found: list[Item], place: int) -> bool:
    """Whether a letter such as `y`, apart from its neighbours, is a word: beside another word, or
    between two equations."""
    item = found[place]
    before = found[place - 1] if place else None
    after = found[place + 1] if place + 1 < len(found) else None
    apart = (before is None or before.end < item.start) and (after is None or item.end < after.start)
    if not apart or after is None:
        return False
    if after.kind == "text":
        return before is None or before.kind != "sign" or before.text in (")", "]", ",", ".", ";", ":")
    if before is not None and before.kind == "text":
        return after.kind in ("word", "number", "operator")
    between = before is not None and (before.kind != "sign" or before.text in (")", "]"))
    if between and after.kind == "number" and place + 2 < len(found):  # 1 si z > 0 y 0 si z < 0
        return found[place + 2].kind == "text" and found[place + 2].text.lower() in IF
    if not between or after.kind not in ("word", "operator"):
        return False
    later = place + 2
    while later < len(found) and found[later].kind in ("sub", "sup", "prime"):
        later += 1
    return later < len(found) and found[later].kind == "sign" and found[later].text in known.RELATIONS
