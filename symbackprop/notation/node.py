"""What all nodes of the tree share: a span, equality, and sizes and shapes as types."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

Size = int | str
"""The length of an axis: a number, or the name of a number not yet given (`n`)."""

Shape = tuple[Size, ...]
"""`()` is a scalar, `(n,)` a column vector, `(k, n)` a matrix."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a node stands in its text: first character and one past the last."""

    start: int
    end: int


class Plain:
    """Equality, hash and repr by the fields, once for all kinds of frozen dataclasses below.

    Made anew for each, as dataclasses does, they would take half of the time of an import.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other):
            return NotImplemented
        identity = _identity(type(self))
        return bool(identity(self) == identity(other))

    def __hash__(self) -> int:
        kind = type(self)
        return hash((kind, _identity(kind)(self)))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in parts(type(self)))
        return f"{type(self).__name__}({shown})"


class _Walked(Plain):
    """Where `walk` keeps what it found: a formula never changes, and is walked through many times."""

    __slots__ = ("under",)
    under: tuple["Node", ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Node(_Walked):
    """Base of every node. The span says where it was read, and is no part of its identity."""

    span: Span | None = field(default=None, compare=False, repr=False, kw_only=True)


_PARTS: dict[type, tuple[str, ...]] = {}
_IDENTITIES: dict[type, Callable[[Any], Any]] = {}


def parts(kind: type) -> tuple[str, ...]:
    """The fields of a kind of node, the span left out."""
    if kind not in _PARTS:
        _PARTS[kind] = tuple(item.name for item in fields(kind) if item.name != "span")
    return _PARTS[kind]


_HOLDERS: dict[type, tuple[str, ...]] = {}


def holders(kind: type) -> tuple[str, ...]:
    """The fields of a kind of node that may hold other nodes."""
    if kind not in _HOLDERS:
        _HOLDERS[kind] = tuple(item.name for item in fields(kind) if "Node" in str(item.type))
    return _HOLDERS[kind]


def _identity(kind: type) -> Callable[[Any], Any]:
    """What two equal nodes of a kind have in common: the values of their fields."""
    if kind not in _IDENTITIES:
        names = [item.name for item in fields(kind) if item.compare]
        _IDENTITIES[kind] = attrgetter(*names) if names else lambda _: None
    return _IDENTITIES[kind]
