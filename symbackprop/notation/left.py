"""The left side of an equation: one name (`z`), or an array named entry by entry (`y[i,j]`)."""

from collections.abc import Collection, Mapping
from typing import NoReturn

from symbackprop.notation.spelling import ReadError, canonical_name, joined
from symbackprop.notation.tokens import END, Token, tokens
from symbackprop.notation.tree import Span

MOST_INDICES = 4
"""Of one array."""

_OPEN = ("INDEX_OPEN", "SQUARE_OPEN")


def read_left(
    text: str, taken: Collection[str] = frozenset(), functions: Mapping[str, str] | None = None
) -> tuple[str, tuple[str, ...]]:
    """The canonical name on the left of an equation, and its indices (none for `z`).

    `taken` are the names of the model and of its sizes, `functions` as in a Vocabulary: an index
    is none of them. Raises ReadError, which points at the place and says what would be right.
    """
    if "[" not in text:
        return canonical_name(text), ()
    return _Left(text, taken, functions or {}).read()


class _Left:
    def __init__(self, text: str, taken: Collection[str], functions: Mapping[str, str]) -> None:
        self.text = text
        self.taken = taken
        self.functions = functions
        self.tokens = tokens(text, lambda _: False)

    def read(self) -> tuple[str, tuple[str, ...]]:
        first, second = self.tokens[:2]
        if first.kind != "NAME" or second.kind not in _OPEN:
            self.refuse("this is no left side", first, "write one name, z, or a name with indices, y[i,j]")
        name = canonical_name(self.text[first.start : first.end])
        places = self.places()
        indices: list[str] = []
        for place in places:
            indices.append(self.index(place, name, indices))
        if len(indices) > MOST_INDICES:
            hint = f"an array has at most {MOST_INDICES} indices"
            self.refuse(f"these are {len(indices)} indices", places[0][0], hint, places[-1][-1])
        return name, tuple(indices)

    def places(self) -> list[list[Token]]:
        """The tokens of each place between the brackets, which must be the end."""
        found: list[list[Token]] = [[]]
        at = 2
        while self.tokens[at].kind != "SQUARE_CLOSE":  # brackets are paired: there is one
            if self.tokens[at].kind == "COMMA":
                found.append([])
            else:
                found[-1].append(self.tokens[at])
            at += 1
        for place in found:
            if not place:
                self.refuse("an index is missing", self.tokens[at], "write y[i], or y[i,j]")
        after = self.tokens[at + 1]
        if after.kind != END:
            self.refuse("the left side ends with its indices", after, "the formula stands on the right")
        return found

    def index(self, place: list[Token], name: str, before: list[str]) -> str:
        """The index that a place is, if nothing speaks against it."""
        first, last = place[0], place[-1]
        shown = self.text[first.start : last.end]
        if len(place) > 1 or first.kind != "NAME":
            self.refuse_place(place, shown, name)
        index = joined(first.text)
        if index in self.taken or index == name:
            hint = "an index is a letter that names nothing else"
            self.refuse(f"“{shown}” is a name of the model", first, hint)
        if index == "pi" or self.functions.get(index) == index:
            what = "the number π" if index == "pi" else "a function"
            self.refuse(f"“{shown}” is {what}", first, "choose another letter for the index")
        if index in before:
            hint = "each index has its own letter; a diagonal is diag(A)"
            self.refuse(f"the index “{shown}” stands twice", first, hint)
        return index

    def refuse_place(self, place: list[Token], shown: str, name: str) -> NoReturn:
        first, last = place[0], place[-1]
        if len(place) == 1 and first.kind == "NUMBER":
            hint = f"one equation gives all entries: {name}[i]; stack(a, b) puts single ones together"
            self.refuse(f"“{shown}” is one place, and no index", first, hint)
        letters = [token.text for token in place if token.kind == "NAME"]
        if letters:
            hint = f"write {name}[{letters[0]}], and what is shifted on the right: x[{letters[0]} + 1]"
            self.refuse("an index on the left is one letter", first, hint, last)
        self.refuse(f"“{shown}” is no index", first, "write y[i], or y[i,j]", last)

    def refuse(self, message: str, first: Token, hint: str, last: Token | None = None) -> NoReturn:
        raise ReadError(message, self.text, Span(first.start, (last or first).end), hint)
