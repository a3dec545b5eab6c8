"""What fills the places of a document: sentences of the language files, and texts of an author.

Apart from the blocks, which a terminal does without.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Text(Plain):
    """A sentence of the language files, by key.

    `parts` fills its `{places}`: a Node is set as an inline formula, a Text is looked up in
    turn, a str is a person's text (escaped), an int a count, a tuple is a list of those,
    joined as the language joins lists (`a, b y c`).
    """

    key: str
    parts: Mapping[str, "Part"] = field(default_factory=dict)


Part = Node | Text | str | int | tuple["Part", ...]
"""What can fill a place in a sentence."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Literally(Plain):
    """Text of the exercise's author, by language; printed as it is, escaped."""

    by_language: Mapping[str, str]
