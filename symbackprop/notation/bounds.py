"""Indices and what they run over: `sum(i = 1..n, a: …)`, `… where 1 <= i`, `x[2 i + a - 1]`.

An index is a name in its formula only: there it need not be declared, and must not be.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symbackprop.notation.parts import Part, Reading, node_of
from symbackprop.notation.tree import (
    Add,
    Bracket,
    Chain,
    Constant,
    Dots,
    Entrywise,
    Gradient,
    Name,
    Neg,
    Node,
    Number,
    Product,
    Sizes,
    Slice,
    Space,
    Span,
    Sum,
    Where,
)

_COMPARISONS = frozenset("=<>≤≥")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Range:
    """An index and what it runs over; `high` is None where the shapes will say it."""

    index: str
    low: Node
    high: Node | None
    span: Span  # of the index alone


# --- indices before a colon


def bound(parts: Sequence[Part], body: Part, reading: Reading) -> list[Range]:
    """The ranges of `sum(a, i = 1..n: body)`; their indices are no longer unknown names in what follows."""
    ranges: list[Range] = []
    for part in parts:
        range_ = part.value if isinstance(part.value, Range) else _open_range(part, reading)
        _check_index(range_, ranges, reading)
        ranges.append(range_)
        start = part.end if range_.high is not None else part.start
        for span, (key, _) in list(reading.unknown.items()):
            if key == range_.index and start <= span.start and span.end <= body.end:
                del reading.unknown[span]
    return ranges


def _open_range(part: Part, reading: Reading) -> Range:
    """An index by itself."""
    node = part.value
    if isinstance(node, Name):
        return Range(node.name, Number(Fraction(1), span=part.span), None, part.span)
    if isinstance(node, tuple):
        reading.refuse("this range has no end", part.span, f"write {node[0]} = 1..n, or {node[0]} alone")
    if isinstance(node, Gradient | Constant):
        shown = reading.text[part.start : part.end]
        what = "the number π" if isinstance(node, Constant) else "a gradient's name"
        reading.refuse(f"“{shown}” is {what}", part.span, "choose another letter for the index")
    return reading.refuse("before the colon stand indices", part.span, "write sum(a, b: x[a] y[b])")


def _check_index(range_: Range, before: Sequence[Range], reading: Reading) -> None:
    index, vocabulary = range_.index, reading.vocabulary
    if vocabulary.names is not None and index in vocabulary.names:
        hint = "choose a letter for the index that is no name of the model"
        reading.refuse(f"“{index}” is a name of the model", range_.span, hint)
    if index in vocabulary.indices:
        hint = "the indices of a sum need letters of their own"
        reading.refuse(f"“{index}” is an index of the left side", range_.span, hint)
    if any(other.index == index for other in before):
        reading.refuse(f"the index “{index}” stands twice", range_.span, "each index has its own letter")


def _sum(ranges: Sequence[Range], body: Part, span: Span, _reading: Reading) -> Node:
    node = node_of(body)
    for range_ in reversed(ranges):
        node = Sum(range_.index, range_.low, range_.high, node, span=span)
    return node


def _entries(ranges: Sequence[Range], body: Part, span: Span, reading: Reading) -> Node:
    sizes = tuple(range_.high for range_ in ranges if range_.high is not None)
    for range_ in ranges:
        if not isinstance(range_.low, Number) or range_.low.value != 1:
            reading.refuse("the entries of an array begin at 1", range_.low.span or span, "write i = 1..n")
        if sizes and range_.high is None:
            reading.refuse("some of these indices have a range, others not", span, "give all of them or none")
    return Entrywise(tuple(range_.index for range_ in ranges), sizes, node_of(body), span=span)


BINDERS: Mapping[str, Callable[[Sequence[Range], Part, Span, Reading], Node]] = {
    "sum": _sum, "entries": _entries,
}  # fmt: skip
"""What may have indices before a colon."""


# --- conditions


def guarded(body: Part, conditions: Part) -> Node:
    """`body where conditions`."""
    listed: list[Part] = conditions.value
    return Where(node_of(body), tuple(map(node_of, listed)), span=Span(body.start, conditions.end))


def checked_condition(node: Node, span: Span, reading: Reading) -> Node:
    """A chain of comparisons; anything else is no condition."""
    if not isinstance(node, Chain) or not _COMPARISONS.issuperset(node.relations):
        hint = "a condition compares: where 1 <= i + a - 2 <= m"
        reading.refuse("this is no condition", span, hint)
    for member in node.members:
        if isinstance(member, Space | Sizes | Dots):
            reading.refuse("this is no part of a condition", member.span or span, "compare indices: i <= n")
    return node


# --- places


def check_places(places: Sequence[Node], reading: Reading) -> None:
    """Places are 1, 2, 3, … or sums of indices, sizes and whole numbers; else refuse."""
    for place in places:
        for end in (place.low, place.high) if isinstance(place, Slice) else (place,):
            if end is None or end.span is None:
                continue
            number = end.body if isinstance(end, Neg) else end
            if isinstance(number, Number):
                if number is not end or number.value < 1 or number.value.denominator > 1:
                    reading.refuse("this is no index", end.span, "indices are 1, 2, 3, …: w[1,2]")
            elif not is_linear(end):
                hint = "an index is made of whole numbers, indices and sizes: x[2 i + a - 1]"
                reading.refuse("this is no index", end.span, hint)


def is_linear(node: Node) -> bool:
    """Whether this is a sum of names times whole numbers: `2 i + a - 1`."""
    match node:
        case Name() | Dots():
            return True
        case Number(value):
            return value.denominator == 1
        case Neg(body) | Bracket(body):
            return is_linear(body)
        case Add(terms):
            return all(map(is_linear, terms))
        case Product(factors, signs):
            plain = {"", "cdot", "*"}.issuperset(signs) and all(map(is_linear, factors))
            return plain and sum(not _is_whole(factor) for factor in factors) <= 1
    return False


def _is_whole(node: Node) -> bool:
    """Whether no name is in it."""
    match node:
        case Number():
            return True
        case Neg(body) | Bracket(body):
            return _is_whole(body)
        case Add(parts) | Product(parts):
            return all(map(_is_whole, parts))
    return False
