"""What a question asks in all its variants, array by array, and what an answer is worth: for STACK."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from symbackprop.exams.exports.pool import ExportError, Guess, Numbers, PoolQuestion
from symbackprop.exams.marks import loss

_FACTORS = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 97, 997)

Source = tuple[str, int]
"""An earlier cell: the slug of its array, its offset."""

Mistake = tuple[str, int]
"""A common mistake, and which time of it: one mistake can be made at several places of a formula."""

Answers = Mapping[str, Sequence[Fraction]]
"""What somebody answered: all cells of an array, row by row, by its slug."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One array that is asked: its place from 1, and its part in each variant.

    `mistakes` are those that some variant has a wrong answer for, `sources` the earlier cells that its
    follow-through needs, in any variant, `links` the pairs (cell, source) where it does.
    """

    number: int
    slug: str
    parts: tuple[Numbers, ...]
    mistakes: tuple[Mistake, ...]
    sources: tuple[Source, ...]
    links: tuple[tuple[int, Source], ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """() for a number; rows and columns for all else, a vector being one column."""
        shape = self.parts[0].shape
        return (*shape, 1) if len(shape) == 1 else shape

    def guess(self, variant: int, mistake: Mistake) -> Guess | None:
        """The wrong answer that a mistake gives in a variant; None when it gives the key or another shape."""
        part, (name, time) = self.parts[variant], mistake
        named = [guess for guess in part.guesses if guess.mistake == name]
        if time >= len(named) or named[time].shape != part.shape:
            return None
        key = tuple(cell.key for cell in part.cells)
        return None if named[time].entries == key else named[time]


def arrays(question: PoolQuestion) -> tuple[Asked, ...]:
    """The arrays that a question asks for, in order.

    ExportError when variants differ in what is asked or in its points, when an array gives no points or has
    more than two axes, or when a follow-through goes back to what was not asked before.
    """
    by_variant = [[part for part in v.parts if isinstance(part, Numbers)] for v in question.variants]
    if len({tuple((part.slug, part.shape, part.points) for part in parts) for parts in by_variant}) > 1:
        raise ExportError(
            f"{question.id}: variants differ in slugs, shapes or points; one STACK question has them all"
        )
    found: list[Asked] = []
    for number, parts in enumerate(zip(*by_variant, strict=True), start=1):
        asked = _asked(number, parts)
        where = f"{question.id}, {asked.slug}"
        if len(asked.shape) > 2 or parts[0].points <= 0:
            raise ExportError(f"{where}: STACK needs a matrix, a vector or a number that gives points")
        earlier = {array.slug: len(array.parts[0].cells) for array in found}
        lost = [(slug, offset) for slug, offset in asked.sources if offset >= earlier.get(slug, 0)]
        if lost:
            raise ExportError(f"{where}: follows from {lost[0]}, which is not asked before it")
        found.append(asked)
    return tuple(found)


def _asked(number: int, parts: tuple[Numbers, ...]) -> Asked:
    sources = dict.fromkeys(source for part in parts if part.follow for source in part.follow.sources)
    used = {link for part in parts for link, factor in factors(part).items() if factor}
    cells = range(len(parts[0].cells))
    bare = Asked(number=number, slug=parts[0].slug, parts=parts, mistakes=(), sources=(), links=())
    named = dict.fromkeys(mistake for part in parts for mistake in _mistakes(part))
    fit = [mistake for mistake in named if any(bare.guess(v, mistake) for v in range(len(parts)))]
    return replace(
        bare,
        mistakes=tuple(fit),
        sources=tuple(sources),
        links=tuple((cell, source) for cell in cells for source in sources if (cell, source) in used),
    )


def _mistakes(part: Numbers) -> Iterator[Mistake]:
    times: Counter[str] = Counter()
    for guess in part.guesses:
        yield guess.mistake, times[guess.mistake]
        times[guess.mistake] += 1


def factors(part: Numbers) -> dict[tuple[int, Source], Fraction]:
    """What each source counts in each cell that follows."""
    if part.follow is None:
        return {}
    return {
        (cell, source): factor
        for cell, row in enumerate(part.follow.coefficients)
        for source, factor in zip(part.follow.sources, row, strict=True)
    }


# --- what an answer is worth ------------------------------------------------------------------------


def linear(part: Numbers, answers: Answers) -> tuple[Fraction, ...]:
    """Constant + Σ factor · answer, cell by cell."""
    values = list(part.follow.constants) if part.follow else [Fraction(0)] * len(part.cells)
    for (cell, (slug, offset)), factor in factors(part).items():
        values[cell] += factor * answers[slug][offset]
    return tuple(values)


def followed(part: Numbers, answers: Answers) -> tuple[Fraction, ...] | None:
    """What follows from earlier answers; None when nothing does, or too many of them are 0."""
    if part.follow is None or any(
        sum(value != 0 for value in answers[slug]) < least for slug, least in part.follow.least.items()
    ):
        return None
    return linear(part, answers)


def outcome(asked: Asked, variant: int, answers: Answers) -> tuple[Fraction, str]:
    """The share of its points that an answer earns, and the answer note of the last node that it reaches.

    A cell earns all for the key or for what follows, but for a 0 that follows, else the credit of a mistake
    that gives its value. A number where the key is 0 costs an equal share in all, unless it follows; of a
    mistake, what its credit leaves of that.
    """
    part, answer = asked.parts[variant], tuple(answers[asked.slug])
    if answer == tuple(cell.key for cell in part.cells):
        return Fraction(1), note(asked, 0, True)
    right = followed(part, answers)
    earned = Fraction(0)
    for offset, (cell, value) in enumerate(zip(part.cells, answer, strict=True)):
        follows = right is not None and value == right[offset]
        if value == cell.key or (follows and value):
            earned += cell.points
        else:
            mistaken = dict(part.mistaken(offset))
            credit = mistaken[value].credit if value in mistaken else Fraction(0)
            cost = Fraction(0) if cell.key else loss(part.points, len(answer), cell.points)
            earned += credit * cell.points - (1 - credit) * cost
    share = max(earned, Fraction(0)) / part.points
    first = 2 if asked.sources else 1
    if right == answer:
        return share, note(asked, 1, True)
    for place, mistake in enumerate(asked.mistakes, start=first):
        guess = asked.guess(variant, mistake)
        if guess is not None and guess.entries == answer:
            return share, note(asked, place, True)
    return share, note(asked, first + len(asked.mistakes) - 1, False)


def note(asked: Asked, node: int, true: bool) -> str:
    """The answer note of a node, counted from 0: prt1-1-T."""
    return f"prt{asked.number}-{node + 1}-{'T' if true else 'F'}"


def outcomes(asked: Sequence[Asked], answers: Sequence[Answers]) -> set[tuple[tuple[Fraction, str], ...]]:
    """What a test comes to, array by array, for its answers in each variant: one thing if all are alike."""
    return {tuple(outcome(array, variant, given) for array in asked) for variant, given in enumerate(answers)}


# --- a wrong start, followed through ------------------------------------------------------------------


def roots(asked: Sequence[Asked]) -> set[str]:
    """The arrays from which others follow, and that follow from none."""
    follow = {array.slug for array in asked if array.sources}
    return {slug for array in asked for slug, _ in array.sources} - follow


def wrong_start(asked: Sequence[Asked], times: int) -> list[Answers]:
    """Answers in each variant: the roots so many times their key, and what follows from them."""
    starts = roots(asked)
    found: list[Answers] = []
    for variant in range(len(asked[0].parts)):
        answers: dict[str, Sequence[Fraction]] = {}
        for array in asked:
            part = array.parts[variant]
            factor = times if array.slug in starts else 1
            begun = [factor * cell.key for cell in part.cells]
            answers[array.slug] = linear(part, answers) if array.sources else begun
        found.append(answers)
    return found


def factor_of_test(asked: Sequence[Asked]) -> int:
    """The first factor under which the wrong start is worth the same in all variants.

    By another one a cell may come, in some variant, to what a mistake gives.
    """
    alike = (times for times in _FACTORS if len(outcomes(asked, wrong_start(asked, times))) == 1)
    return next(alike, _FACTORS[0])
