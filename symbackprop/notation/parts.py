"""What the parser's stack holds, what a text may name, and small questions about nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from symbackprop.notation.node import Plain
from symbackprop.notation.spelling import ReadError, joined
from symbackprop.notation.tokens import Token
from symbackprop.notation.tree import (
    Add,
    Bracket,
    Index,
    Neg,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Span,
    Transpose,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Vocabulary(Plain):
    """What names mean where a text is read.

    `functions`: every name a function may be called by, and its canonical name. `names`: the
    declared names (canonical), or None where any name is accepted. `indices`: those of the left
    side of an equation in indices, `y[i,j]`, which are none of the names.
    """

    functions: Mapping[str, str]
    names: frozenset[str] | None
    indices: frozenset[str] = frozenset()


@dataclass(slots=True, eq=False, repr=False)  # not generating methods nobody calls saves start-up
class Part:
    """A value on the parser's stack, and the characters it was read from."""

    value: Any  # a Node, a Token, or a list of parts: the grammar says which
    start: int
    end: int

    @property
    def span(self) -> Span:
        """Where it was read."""
        return Span(self.start, self.end)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Reading:
    """One text being read. `unknown` holds the names met that nobody declared."""

    text: str
    tokens: Sequence[Token]
    vocabulary: Vocabulary
    unknown: dict[Span, tuple[str, Token]] = field(default_factory=dict)

    def refuse(self, message: str, span: Span, hint: str = "") -> NoReturn:
        """Raise the ReadError for a place in this text."""
        raise ReadError(message, self.text, span, hint)


_ALWAYS = frozenset({"ones", "entries"})
"""Calls that are nodes of their own, known wherever a text is read."""


def function_of(word: str, functions: Mapping[str, str]) -> tuple[str, int]:
    """The canonical function of a spelled word and its primes; ("", 0) where it is none."""
    bare = word.rstrip("'")
    name = functions.get(bare) or functions.get(joined(bare)) or (bare if bare in _ALWAYS else "")
    return (name, len(word) - len(bare)) if name else ("", 0)


def node_of(part: Part) -> Node:
    """The part's value, which is a node."""
    value = part.value
    assert isinstance(value, Node)
    return value


def nodes_of(parts: Sequence[Part]) -> tuple[Node, ...]:
    """The parts' values, which are nodes."""
    return tuple(node_of(part) for part in parts)


def negated(sign: Part, body: Part) -> Part:
    """`-body`."""
    return Part(Neg(node_of(body), span=Span(sign.start, body.end)), sign.start, body.end)


def product_of(factors: Sequence[Part], signs: Sequence[str]) -> Node:
    """The factors in one Product; one alone stays itself."""
    if len(factors) == 1:
        return node_of(factors[0])
    return Product(nodes_of(factors), tuple(signs), span=Span(factors[0].start, factors[-1].end))


def unbracketed(node: Node) -> Node:
    """For a place that groups by itself: an exponent, a side of a fraction."""
    return node.body if isinstance(node, Bracket) else node


def unsigned(node: Node) -> Node:
    """Without its minus."""
    return node.body if isinstance(node, Neg) else node


def base_of(node: Node) -> Node:
    """What stands before powers, transposes and indices."""
    while isinstance(node, Power | Transpose | Index):
        node = node.body if isinstance(node, Transpose) else node.base
    return node


def is_one(node: Node) -> bool:
    """Whether it is a plain 1, which beside a transpose is the vector of ones."""
    return isinstance(node, Number) and node.text == "1"


def magnitude(node: Node) -> float | None:
    """About how large a number written out can be, inf if very; None where there are names in it."""
    match node:
        case Number(value):
            return float(value) if value < 10**300 else float("inf")
        case Neg(body) | Bracket(body):
            return magnitude(body)
        case Add(parts) | Product(parts):
            sizes = [magnitude(part) for part in parts]
        case Quotient(first, second) | Power(first, second):
            sizes = [magnitude(first), magnitude(second)]
        case _:
            return None
    known = [size for size in sizes if size is not None]
    return _combined(node, known) if len(known) == len(sizes) else None


def _combined(node: Node, sizes: list[float]) -> float:
    try:
        if isinstance(node, Add):
            return sum(sizes)
        if isinstance(node, Quotient):
            return sizes[0] / sizes[1]
        if isinstance(node, Power):
            return float(max(sizes[0], 1.0) ** min(sizes[1], 1e6))
        result = 1.0
        for size in sizes:
            result *= size
        return result
    except (OverflowError, ZeroDivisionError):
        return float("inf")
