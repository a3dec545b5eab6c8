"""Everybody's exam, made again when somebody looks at it: only the given numbers are kept.

A key is found in a few microseconds, so that ten thousand variants need hardly more memory than a hundred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

from symbackprop.exams.fairness import Built
from symbackprop.exams.model import Student, Variant
from symbackprop.exams.variants import Maker

Numbers = tuple[tuple[int, ...], ...]
"""The numerators of the given values of each question."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What the variants of one question are like: the least and the most work (multiplications that are not
    trivial), and how many students share the full key of another one."""

    least: int
    most: int
    shared: int


class Roll(Sequence[Variant]):
    """The variants in the order of the roster."""

    def __init__(
        self, maker: Maker, students: Sequence[Student], secret: bytes, numbers: Sequence[Numbers],
        summaries: tuple[Summary, ...],
    ) -> None:  # fmt: skip
        self.students = tuple(students)
        self.summaries = summaries
        self._maker = maker
        self._secret = secret
        self._numbers = numbers

    @overload
    def __getitem__(self, at: int) -> Variant: ...
    @overload
    def __getitem__(self, at: slice) -> list[Variant]: ...
    def __getitem__(self, at: int | slice) -> Variant | list[Variant]:
        if isinstance(at, slice):
            return [self._variant(one) for one in range(*at.indices(len(self)))]
        return self._variant(range(len(self))[at])

    def __len__(self) -> int:
        return len(self.students)

    def __iter__(self) -> Iterator[Variant]:
        return map(self._variant, range(len(self)))

    def _variant(self, at: int) -> Variant:
        student = self.students[at]
        sheets = (
            one.sheet(one.fairness.worked(numbers, ()), self._secret, student.id)
            for one, numbers in zip(self._maker.questions, self._numbers[at], strict=True)
        )
        return Variant(student=student, sheets=tuple(sheets))


def rolled(
    maker: Maker,
    students: Sequence[Student],
    secret: bytes,
    known: Mapping[str, Numbers] | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Roll:
    """Numbers for all students. Who is `known`, by id, keeps the numbers there; every key is found twice.

    Raises Unsatisfiable, KeyMismatch.
    """
    kept = known or {}
    for numbers in kept.values():
        for one, given in zip(maker.questions, numbers, strict=True):
            one.seen.add(given)
    counts = [_Count() for _ in maker.questions]
    everybody: list[Numbers] = []
    for student in students:
        own = kept.get(student.id)
        built = [
            one.build(secret, student.id) if own is None else one.again(own[at])
            for at, one in enumerate(maker.questions)
        ]
        for count, made in zip(counts, built, strict=True):
            count.add(made)
        everybody.append(tuple(made.numbers for made in built))
        progress(len(everybody))
    return Roll(maker, students, secret, everybody, tuple(count.summary() for count in counts))


class _Count:
    """Counts as variants are made."""

    def __init__(self) -> None:
        self.works: set[int] = set()
        self.keys: set[int] = set()
        self.made = 0

    def add(self, made: Built) -> None:
        self.works.add(made.work)
        self.keys.add(hash((made.version, made.key)))
        self.made += 1

    def summary(self) -> Summary:
        return Summary(min(self.works, default=0), max(self.works, default=0), self.made - len(self.keys))
