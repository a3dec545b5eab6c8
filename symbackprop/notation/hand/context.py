"""One text that is being read, and what is known where it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from symbackprop.notation.hand.items import Item
from symbackprop.notation.node import Plain
from symbackprop.notation.spelling import ReadError
from symbackprop.notation.tree import Span


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Context(Plain):
    """One text, and what is known where it stands. `sizes` are those of `names` that are lengths;
    `partials`: where a gradient was written with ∂."""

    text: str
    names: frozenset[str]
    functions: Mapping[str, str]
    latex: bool = True
    sizes: frozenset[str] = frozenset()
    partials: set[int] = field(default_factory=set)

    def refuse(self, message: str, start: int, end: int, hint: str = "") -> NoReturn:
        """Raise the ReadError for a place in this text."""
        raise ReadError(message, self.text, Span(start, max(end, start + 1)), hint)


def span_of(items: Sequence[Item]) -> Span:
    """The characters from the first item to the last."""
    return Span(items[0].start, items[-1].end)
