"""A text with places that are filled for each student by joining strings, and numbers set only once each.

A place is a number that occurs nowhere else, since a number stands anywhere: in a formula, in a sentence, in
the argument of a macro, in both formats.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.notation import tree
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node

_FIRST = 7_000_000
_PLACES = 100_000  # of one text
_FRACTIONS = ("frac{", "frac(", "/")


def _pattern(base: int) -> str:
    """What finds the places from `base` on."""
    return rf"(?<!\d){base // _PLACES}\d{{{len(str(_PLACES)) - 1}}}(?!\d)"


@dataclass(slots=True)
class Marks:
    """Gives out places: numbers that no text of a person's has in it."""

    base: int
    given: list[str] = field(default_factory=list)

    @classmethod
    def avoiding(cls, texts: Sequence[str]) -> Marks:
        """Marks that cannot be taken for anything in `texts`."""
        everything = "\n".join(texts)
        base = _FIRST
        while re.search(_pattern(base), everything):
            base += _PLACES
        return cls(base)

    def new(self) -> str:
        """The next place."""
        mark = str(self.base + len(self.given))
        self.given.append(mark)
        return mark

    def split(self, text: str) -> Skeleton:
        """A text at its places; a template may leave some out, or have one twice."""
        pieces = re.split(f"({_pattern(self.base)})", text)
        return Skeleton(
            pieces=tuple(pieces[::2]), order=tuple(int(mark) - self.base for mark in pieces[1::2])
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Skeleton(Plain):
    """A text in pieces; between them stand the places, by their number."""

    pieces: tuple[str, ...]
    order: tuple[int, ...]

    def filled(self, strings: Sequence[str]) -> str:
        """The text with the string of each place in it."""
        parts = [""] * (2 * len(self.order) + 1)
        parts[::2] = self.pieces
        parts[1::2] = [strings[place] for place in self.order]
        return "".join(parts)


def is_fraction(text: str) -> bool:
    """Whether a number, as it is set, is a fraction for which the writers move the rows of a matrix apart."""
    return any(sign in text for sign in _FRACTIONS)


class Cells(dict[tuple[int, int], str]):
    """How numbers are set in one format and language, by numerator and denominator; each is set once."""

    def __init__(self, write: Callable[[Fraction], str]) -> None:
        super().__init__()
        self._write = write

    def __missing__(self, number: tuple[int, int]) -> str:
        made = self[number] = self._write(Fraction(*number))
        return made


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Numbers(Plain):
    """How the values of one given name are set: `plain`, and `tall` where fractions stand among them."""

    cells: Cells
    plain: Skeleton
    tall: Skeleton

    @classmethod
    def of(
        cls,
        shape: tuple[int, ...],
        cells: Cells,
        write: Callable[[Node], str],
        around: Callable[[Node], Node] = lambda array: array,
    ) -> Numbers:
        """For an array of a shape; `write` sets a tree, `around` puts the array into what is set."""
        made = {tall: _skeleton(shape, write, around, tall=tall) for tall in (False, True)}
        return cls(cells=cells, plain=made[False], tall=made[True])

    def text(self, values: Array[Fraction]) -> str:
        """The values as they are set by the writers."""
        cells = self.cells
        strings = [cells[value.numerator, value.denominator] for value in values.entries]
        tall = any(map(is_fraction, strings))
        return (self.tall if tall else self.plain).filled(strings)


def _skeleton(
    shape: tuple[int, ...], write: Callable[[Node], str], around: Callable[[Node], Node], *, tall: bool
) -> Skeleton:
    marks = Marks(_FIRST)
    entries = [tree.number(int(marks.new())) for _ in range(prod(shape))]
    nodes: list[Node] = [tree.Quotient(entry, tree.number(1)) if tall else entry for entry in entries]
    text = write(around(array_node(Array(shape, tuple(nodes)))))
    if tall:
        for node, entry in zip(nodes, entries, strict=True):
            text = text.replace(write(node), write(entry))
    return marks.split(text)


def array_node(array: Array[Any]) -> Node:
    """An array of nodes as one: a number, a column, a matrix; nothing is left out."""
    if len(array.entries) == 1:
        node: Node = array.entries[0]
        return node
    if len(array.shape) == 1:
        return tree.Matrix(tuple((entry,) for entry in array.entries), "column")
    return tree.Matrix(tuple(map(tuple, array.rows())), "matrix")
