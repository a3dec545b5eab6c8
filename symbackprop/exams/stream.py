"""Integers from a secret: the same for ever, on every Python, for every student of their own.

HMAC-SHA256 over the secret and a message that says what the numbers are for (exam, question, student, and a
counter). No `random`, whose algorithm is nobody's promise. Every message is made of parts with their
lengths, so that no two are alike. What a student gets hangs on nobody else.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")

VERSION: Final = b"symbackprop exam 1"
"""Part of every message. Another way of making numbers needs another version."""

_FULL: Final = 1 << 256
_LOW: Final = 1 << 128
_TOGETHER: Final = 4  # draws at once, of at most 2^11 items each


def message(*parts: str) -> bytes:
    """The parts one after the other, each with its length: no two lists of parts give the same bytes."""
    coded = (VERSION, *(part.encode("utf-8") for part in parts))
    return b"".join(len(part).to_bytes(4, "big") + part for part in coded)


def short_mac(secret: bytes, *parts: str, characters: int = 8) -> str:
    """A short code for `parts` that only who knows the secret can make: letters and digits that are not
    mistaken for each other, 5 bits each."""
    number = int.from_bytes(hmac.digest(secret, message("mac", *parts), "sha256"), "big")
    return "".join(_LETTERS[(number >> 5 * at) & 31] for at in range(characters))


_LETTERS: Final = "23456789abcdefghijkmnpqrstuvwxyz"


class Stream:
    """The numbers for one purpose: `Stream(secret, "numbers", exam, question, student)`.

    A draw divides what is left of 256 random bits; with fewer than 128 left, the next 256 are taken: no
    value is likelier than another by more than one part in 2^84.
    """

    __slots__ = ("_block", "_left", "_number", "_prefix", "_secret")

    def __init__(self, secret: bytes, *parts: str) -> None:
        self._secret = secret
        self._prefix = message(*parts)
        self._block = 0
        self._number = 0
        self._left = 1

    def below(self, count: int) -> int:
        """One of 0 … count − 1, all equally likely; `count` from 1 to 2^44."""
        if self._left < _LOW:
            data = self._prefix + self._block.to_bytes(8, "big")
            self._number = int.from_bytes(hmac.digest(self._secret, data, "sha256"), "big")
            self._left = _FULL
            self._block += 1
        self._number, drawn = divmod(self._number, count)
        self._left //= count
        return drawn

    def choice(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.below(len(items))]

    def choices(self, items: Sequence[T], count: int) -> list[T]:
        """`count` items, each one of all."""
        size = len(items)
        made = []
        for start in range(0, count, _TOGETHER):  # one division of a long number for several items
            some = min(_TOGETHER, count - start)
            drawn = self.below(size**some)
            for _ in range(some):
                drawn, at = divmod(drawn, size)
                made.append(items[at])
        return made

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """`count` different items, in random order. Raises ValueError where there are not so many."""
        if count > len(items):
            raise ValueError(f"{count} of {len(items)} items")
        pool = list(items)
        for at in range(count):
            other = at + self.below(len(pool) - at)
            pool[at], pool[other] = pool[other], pool[at]
        return pool[:count]
