"""What is in the way of each step on a grid, found once for all steps.

Whether a rectangle or a line is in the way of an upright or level step is one question across and one
up and down; so each obstacle is a bit, each column and row of the grid a mask, and a step's answer is
one `&` of two masks.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from symbackprop.report.document import Point

_TINY: Final = 1e-9
_Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Masks:
    """For each line of the grid, and for each step between two of them, which obstacles it meets."""

    at: Sequence[int]
    between: Sequence[int]


def _masks(places: Sequence[float], obstacles: Iterable[_Range]) -> _Masks:
    """The obstacles' open intervals, against the places and the steps between neighbours."""
    at, between = [0] * len(places), [0] * max(0, len(places) - 1)
    for number, (low, high) in enumerate(obstacles):
        bit = 1 << number
        first, after = bisect_right(places, low), bisect_left(places, high)  # those inside
        for i in range(first, after):
            at[i] |= bit
        for i in range(max(0, first - 1), min(after, len(between))):
            between[i] |= bit
    return _Masks(at, between)


class StreetMap:
    """Whether a step of the grid is open, and how many arrows it crosses.

    `rectangles` have their clearance added: (west, east), (south, north), open intervals.
    `lines` are the arrows so far; `pair` is half the width of one, `apart` how far two side by side
    have to be, in cm.
    """

    def __init__(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        rectangles: Sequence[tuple[_Range, _Range]],
        lines: Sequence[tuple[Point, Point]],
        *,
        pair: float,
        apart: float,
    ) -> None:
        self.blocked_x = _masks(xs, (across for across, _ in rectangles))
        self.blocked_y = _masks(ys, (up for _, up in rectangles))
        upright = [line for line in lines if _same(line, 0)]
        tall = [line for line in upright if not _same(line, 1)]
        flat = [line for line in lines if _same(line, 1) and not _same(line, 0)]
        self.beside_upright = _masks(xs, (_near(line[0][0], apart - _TINY) for line in tall))
        self.past_upright = _masks(ys, (_span(line, 1, -_TINY) for line in tall))
        self.beside_level = _masks(ys, (_near(line[0][1], apart - _TINY) for line in flat))
        self.past_level = _masks(xs, (_span(line, 0, -_TINY) for line in flat))
        others = [line for line in lines if not _same(line, 0)]
        self.over_x = _masks(xs, (_span(line, 0, pair) for line in others))
        self.over_y = _masks(ys, (_near(line[0][1], pair) for line in others))
        self.under_y = _masks(ys, (_span(line, 1, pair) for line in upright))
        self.under_x = _masks(xs, (_near(line[0][0], pair) for line in upright))

    def upright(self, column: int, row: int) -> int | None:
        """How many arrows the step from a row to the next one crosses; None where it is closed."""
        if self.blocked_x.at[column] & self.blocked_y.between[row]:
            return None
        if self.beside_upright.at[column] & self.past_upright.between[row]:
            return None
        return (self.over_x.at[column] & self.over_y.between[row]).bit_count()

    def level(self, column: int, row: int) -> int | None:
        """The same for the step from a column to the next one."""
        if self.blocked_x.between[column] & self.blocked_y.at[row]:
            return None
        if self.beside_level.at[row] & self.past_level.between[column]:
            return None
        return (self.under_y.at[row] & self.under_x.between[column]).bit_count()


def _same(line: tuple[Point, Point], axis: int) -> bool:
    return abs(line[0][axis] - line[1][axis]) < _TINY


def _near(place: float, reach: float) -> _Range:
    return place - reach, place + reach


def _span(line: tuple[Point, Point], axis: int, more: float) -> _Range:
    first, second = line[0][axis], line[1][axis]
    return min(first, second) - more, max(first, second) + more
