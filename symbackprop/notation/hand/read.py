"""Hand writing to trees: the statements of a formula as a person wrote them, each read by itself.

`read_statements` takes the inside of `$…$` or of a line of plain text. What cannot be read is an
error with its place; nothing is guessed, and nothing that was written is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from symbackprop import limits
from symbackprop.notation.hand.by_cases import compared
from symbackprop.notation.hand.commands import OVER
from symbackprop.notation.hand.context import Context, span_of
from symbackprop.notation.hand.evaluated import without_bars
from symbackprop.notation.hand.items import Items
from symbackprop.notation.hand.macros import Macro, macros_of
from symbackprop.notation.hand.pieces import Piece
from symbackprop.notation.hand.ranges import condition, is_range
from symbackprop.notation.hand.statements import pieces_of
from symbackprop.notation.hand.tex import read_items
from symbackprop.notation.hand.translate import Translator
from symbackprop.notation.hand.words import promoted, with_words
from symbackprop.notation.node import Plain
from symbackprop.notation.read import check_depth
from symbackprop.notation.spelling import ReadError
from symbackprop.notation.tree import Chain, Index, Name, Node, Span

__all__ = [
    "HandVocabulary",
    "Macro",
    "ReadError",
    "Written",
    "macros_of",
    "read_conditions",
    "read_statements",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class HandVocabulary(Plain):
    """What is known where a text is read.

    `names`: the canonical names of the model, its sizes, and those that the text defined so far.
    `functions`: words that call a function, and its canonical name. With `decimal_comma` a comma
    between digits is one. Without `latex` the text is plain, and its words stay words. `macros`: the
    commands that the document defines (`macros_of`). `sizes` are those of the names that are lengths.
    """

    names: frozenset[str]
    functions: Mapping[str, str]
    decimal_comma: bool = False
    latex: bool = True
    sizes: frozenset[str] = frozenset()
    macros: Mapping[str, Macro] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Written(Plain):
    """One statement: its place in the text, and its tree as written or why it could not be read.

    A chain that begins with a relation (`= dz w^T`) has `Omitted` as its first member. `starts_row`
    is false for one that stands behind another in the same row. `conditions` say for which indices it
    holds: `i ≠ j`, `l ∈ (L − 1, …, 1)`; `at` where it is looked at, `z = 1` under a bar.
    """

    span: Span
    node: Node | None
    error: ReadError | None
    starts_row: bool
    conditions: tuple[Node, ...] = ()
    at: tuple[Node, ...] = ()


def read_statements(text: str, vocabulary: HandVocabulary) -> tuple[Written, ...]:
    """The statements of `text` in order. Never raises ReadError: each statement carries its own."""
    context = _context(text, vocabulary)
    try:
        items = promoted(_items(text, vocabulary), context)
        if not vocabulary.latex:
            items = with_words(items, context)
        items = compared(items)
    except ReadError as error:
        return (Written(span=_visible(text), node=None, error=error, starts_row=True),)
    found: list[Written] = []
    for piece in pieces_of(items, context):
        written = _read(piece, context)
        found.append(written)
        key = _defined(written.node)
        if key and key not in context.names:
            context = replace(context, names=context.names | {key})
    return tuple(found)


def read_conditions(text: str, vocabulary: HandVocabulary) -> tuple[Node, ...] | None:
    """What `i \\neq j` says of the indices of a formula elsewhere; None where it says something else."""
    context = _context(text, vocabulary)
    try:
        items = tuple(item for item in _items(text, vocabulary) if item.kind != "break")
        if not is_range(items, context):
            return None
        return (condition(Translator(context, items, 0, span_of(items)), items),)
    except ReadError:
        return None


def _context(text: str, vocabulary: HandVocabulary) -> Context:
    return Context(text, vocabulary.names, vocabulary.functions, vocabulary.latex, vocabulary.sizes)


def _items(text: str, vocabulary: HandVocabulary) -> Items:
    latex, comma = vocabulary.latex, vocabulary.decimal_comma
    return read_items(text, latex=latex, decimal_comma=comma, macros=vocabulary.macros)


def _visible(text: str) -> Span:
    start = len(text) - len(text.lstrip())
    return Span(start, max(len(text.rstrip()), start))


def _read(piece: Piece, context: Context) -> Written:
    span = _whole(piece, context.text)
    try:
        if piece.refused is not None:
            message, hint = piece.refused
            raise ReadError(message, context.text, span, hint)
        items, points = without_bars(piece.items)
        reader = Translator(context, items, 0, span)
        node = reader.chain()
        over = (item.groups[0] for item in items if item.kind == "command" and item.text in OVER)
        told = (*piece.conditions, *(part for part in over if is_range(part, context)))
        conditions = tuple(condition(reader, part) for part in told)
        at = tuple(condition(reader, items) for items in points)
        if len(piece.items) > limits.DEPTH:
            check_depth(node, context.text)
    except RecursionError:
        deep = ReadError("this is nested too deeply to be read", context.text, span)
        return Written(span=span, node=None, error=deep, starts_row=piece.starts_row)
    except ReadError as error:
        return Written(span=span, node=None, error=error, starts_row=piece.starts_row)
    return Written(
        span=span, node=node, error=None, starts_row=piece.starts_row, conditions=conditions, at=at
    )


def _whole(piece: Piece, text: str) -> Span:
    """The characters of a statement, with those of its conditions and the bracket round them."""
    parts = [span_of(items) for items in (piece.items, *piece.conditions)]
    start, end = min(part.start for part in parts), max(part.end for part in parts)
    if piece.conditions and text.count("(", start, end) > text.count(")", start, end):
        after = len(text) - len(text[end:].lstrip())
        end = after + 1 if text[after : after + 1] == ")" else end
    return Span(start, end)


def _defined(node: Node | None) -> str:
    """The name that a statement gives a meaning to."""
    if not isinstance(node, Chain) or node.relations[0] not in ("=", "←"):
        return ""
    left = node.members[0]
    left = left.base if isinstance(left, Index) else left
    return left.name if isinstance(left, Name) else ""
