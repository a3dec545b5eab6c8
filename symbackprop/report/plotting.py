"""From curves to a picture: the window, the ticks, and every length in cm."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from typing import Final

from symbackprop.notation import tree
from symbackprop.notation.tree import Node
from symbackprop.report.curves import Dot, Drawn, Place, Run, thinned
from symbackprop.report.document import Bar, Curve, Mark, Panel, Point, Text, Tick

_HALF: Final = Fraction(4)  # the arguments shown on either side of 0, at least
_ROOM: Final = Fraction(1, 12)  # of a window left free beyond what is in it
_TOLERANCE: Final = 0.004  # cm
_DIGIT: Final = 0.16  # cm of width of a number on an axis
_MOST: Final = 12  # numbers on an axis of a small picture
_LINE: Final = 0.42  # cm from one number to the next above it
_LOST: Final = 12  # a curve that leaves the window further than this many times its height is cut there


@dataclass(frozen=True, slots=True)
class Window:
    """What is seen: arguments from `left` to `right`, values from `low` to `high`."""

    left: Fraction
    right: Fraction
    low: Fraction
    high: Fraction

    def holds(self, place: Place) -> bool:
        """Whether a place is seen."""
        return self.left <= place[0] <= self.right and self.low <= place[1] <= self.high


@dataclass(frozen=True, slots=True)
class _Paper:
    """A window on paper, of a size in cm."""

    window: Window
    width: float
    height: float

    def point(self, place: Place) -> Point:
        return self.across(place[0]), self.up(place[1])

    def across(self, argument: Fraction) -> float:
        share = (argument - self.window.left) / (self.window.right - self.window.left)
        return round(float(share) * self.width, 3)

    def up(self, value: Fraction) -> float:
        share = (value - self.window.low) / (self.window.high - self.window.low)
        return round(float(share) * self.height, 3)


def panel(
    drawn: Drawn, names: tuple[Node, Node, Node], dots: Sequence[Dot], size: tuple[float, float]
) -> Panel | None:
    """A function and its derivative with the example's places; None where nothing can be drawn.

    `names` are the function, its derivative and their argument; `size` is in cm.
    """
    bounds = drawn.bounds()
    if bounds is None:
        return None
    ends = drawn.ends()
    left, right = _arguments([dot.at[0] for dot in dots], [bound for bound in bounds if bound is not None])
    values, slopes = (
        drawn.runs(drawn.slope.values, left, right),
        drawn.runs(drawn.slope.branches, left, right),
    )
    everything = [place for run in (*values, *slopes) for place in run]
    if not everything:
        return None
    start = min(place[0] for place in everything)
    if start > left:  # log: the side where it has no value is not shown
        left = min(start, Fraction(0)) - (right - left) * _ROOM / 2
    low, high = _heights(everything, [dot.at for dot in (*dots, *ends)], right)
    window = Window(left, right, low, high)
    paper = _Paper(window, *size)
    return Panel(
        function=names[0], slope=names[1], argument=names[2], width=size[0], height=size[1],
        zero=(paper.across(Fraction(0)), paper.up(Fraction(0))),
        across=tuple(_ticks(left, right, size[0], 0.9, paper.across)),
        up=tuple(_ticks(low, high, size[1], 0.6, paper.up)),
        curves=tuple(
            Curve(slope=slope, points=tuple(map(paper.point, _lean(run, paper))))
            for slope, runs in ((False, values), (True, slopes))
            for run in runs
            for run in _seen(run, window)
        ),
        marks=tuple(_marks(dots, ends, paper)),
    )  # fmt: skip


def _marks(dots: Sequence[Dot], ends: Sequence[Dot], paper: _Paper) -> Iterator[Mark]:
    """The dots on paper, each once; the closed ones over the open ones."""
    seen: set[tuple[Point, bool]] = set()
    for dot in sorted((*ends, *dots), key=lambda dot: not dot.open):
        at = paper.point(dot.at)
        if paper.window.holds(dot.at) and (at, dot.slope) not in seen:
            seen.add((at, dot.slope))
            yield Mark(at=at, slope=dot.slope, open=dot.open)


def _lean(run: Run, paper: _Paper) -> Run:
    return thinned(run, paper.point, _TOLERANCE)


Rod = tuple[Fraction, Fraction, Fraction]
"""A bar in a window: from where to where, and how high."""


def bar_panel(
    title: Text, rods: Sequence[Rod], size: tuple[float, float], labels: Sequence[Node] = ()
) -> Panel:
    """How often something had which value: bars from the left to the right.

    `labels` stand in the middle of each bar, where the lower axis has no numbers. `size` is in cm.
    """
    left = min((rod[0] for rod in rods), default=Fraction(-1))
    right = max((rod[1] for rod in rods), default=Fraction(1))
    edge = (right - left) * _ROOM / 2
    high = max((rod[2] for rod in rods), default=Fraction(1)) * (1 + _ROOM)
    paper = _Paper(Window(left - edge, right + edge, Fraction(0), high), *size)
    middles = [paper.across((start + end) / 2) for start, end, _ in rods]
    window = paper.window
    numbers = _few_ticks(window.left, window.right, size[0], lambda digits: _DIGIT * (digits + 1))
    named = (Tick(at=at, label=label) for at, label in zip(middles, labels, strict=False))
    return Panel(
        function=None, slope=None, argument=None, width=size[0], height=size[1],
        zero=(paper.across(Fraction(0)), 0.0), across=tuple(named if labels else numbers),
        up=tuple(tick for tick in _few_ticks(Fraction(0), high, size[1], lambda _: _LINE) if tick.at),
        curves=(), marks=(),
        bars=tuple(
            Bar(left=paper.across(start), right=paper.across(end), height=paper.up(count))
            for start, end, count in rods
        ),
        title=title,
    )  # fmt: skip


# --- the window ------------------------------------------------------------------------------


def _arguments(marked: Sequence[Fraction], bounds: Sequence[Fraction]) -> tuple[Fraction, Fraction]:
    """From below 0 to above it, with every place of the example and every bound inside."""
    low, high = min((*marked, *bounds, Fraction(0))), max((*marked, *bounds, Fraction(0)))
    most = max(-low, high)
    low = min(low * Fraction(6, 5), -_HALF, -most / 4)
    high = max(high * Fraction(6, 5), _HALF, most / 4)
    step = _step(high - low, 8)
    return (low // step) * step, -((-high) // step) * step


def _heights(places: Sequence[Place], marked: Sequence[Place], reach: Fraction) -> tuple[Fraction, Fraction]:
    """What is marked is seen, and of the curves as much as is as high as the picture is wide."""
    values = [value for _, value in marked]
    top, bottom = max((*values, reach)), min((*values, -reach))
    high = min(max(value for _, value in places), top)
    low = max(min(value for _, value in places), bottom)
    low, high = min(low, Fraction(0), *values), max(high, Fraction(0), *values)
    if low == high:
        low, high = Fraction(-1), Fraction(1)
    room = (high - low) * _ROOM
    return low - room, high + room


def _step(span: Fraction, most: int) -> Fraction:
    """1, 2 or 5 times a power of ten, so that at most so many of them fit."""
    unit = Fraction(1)
    while unit * most < span:
        unit *= 10
    while unit * most >= 10 * span:
        unit /= 10
    return next(step for step in (unit / 10, unit / 5, unit / 2, unit) if step * most >= span)


def _ticks(
    low: Fraction, high: Fraction, room: float, gap: float, place: Callable[[Fraction], float]
) -> Iterator[Tick]:
    step = _step(high - low, max(2, int(room / gap)))
    count = -((-low) // step)
    while count * step <= high:
        value = count * step
        yield Tick(at=place(value), label=tree.number(value))
        count += 1


def _few_ticks(low: Fraction, high: Fraction, length: float, gap: Callable[[int], float]) -> Iterator[Tick]:
    """Along an axis of a small picture, of a length in cm: as many as fit. `gap` is how far apart numbers of
    so many digits are to be."""
    for step in _steps((high - low) / _MOST):
        places = [at * step for at in range(ceil(low / step), floor(high / step) + 1)]
        if float(step / (high - low)) * length >= gap(max((len(f"{float(p):g}") for p in places), default=0)):
            for place in places:
                at = round(float((place - low) / (high - low)) * length, 3)
                yield Tick(at=at, label=tree.number(place))
            return


def _steps(least: Fraction) -> Iterator[Fraction]:
    """1, 2, 3 or 5 times a power of ten, upwards from about `least`."""
    unit = Fraction(1)
    while unit > least:
        unit /= 10
    while True:
        yield from (step for step in (unit, 2 * unit, 3 * unit, 5 * unit) if step >= least)
        unit *= 10


# --- the curves inside it ----------------------------------------------------------------------


def _seen(run: Run, window: Window) -> Iterator[Run]:
    """The parts of a run inside the window, cut at its lower and upper edge."""
    part: list[Place] = []
    for before, after in pairwise(run):
        piece = _cut(before, after, window)
        if piece is None:
            if len(part) > 1:
                yield tuple(part)
            part = []
            continue
        start, end = piece
        if part and part[-1] != start:
            if len(part) > 1:
                yield tuple(part)
            part = []
        part += [end] if part else [start, end]
    if len(part) > 1:
        yield tuple(part)


def _cut(before: Place, after: Place, window: Window) -> tuple[Place, Place] | None:
    """The part of a short straight line that is seen; a leap over the whole window is a pole."""
    low, high = window.low, window.high
    (x, y), (u, v) = before, after
    if (y > high and v > high) or (y < low and v < low):
        return None
    if min(y, v) < low and max(y, v) > high and abs(v - y) > _LOST * (high - low):
        return None

    def at(value: Fraction) -> Place:
        return x + (u - x) * (value - y) / (v - y), value

    start = at(high) if y > high else at(low) if y < low else before
    end = at(high) if v > high else at(low) if v < low else after
    return start, end
