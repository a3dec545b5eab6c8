"""Arrows that are not straight: along streets between the boxes, with right angles.

A cheapest way is looked for on a grid of lines: short, few corners, few crossings, never through a
box or a label and never along another arrow. Each arrow is a pair, black and red side by side.
"""

import heapq
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from symbackprop.report.document import Point
from symbackprop.report.street_map import StreetMap

PAIR: Final = 0.1  # cm from the middle of a pair of arrows to each of them
_STUB: Final = 0.32  # cm straight out of a vertex before the first corner
_CLEAR: Final = 0.28  # cm between the middle of a pair and a box
_CLEAR_LABEL: Final = 0.16
_PARALLEL: Final = 0.42  # cm between the middles of two pairs side by side
PORT_GAP: Final = 0.44  # cm between two arrows on one side
_SLANTED: Final = 0.75  # of its radius: how far from the middle an arrow may reach a circle
_SLANTED_APART: Final = 0.55  # … and still stand clear of one that comes from another side
_EDGE: Final = 0.25  # cm from the corner of a box to its outermost arrow
_STEP: Final = 0.3  # cm between the lines of the grid
_CORNER: Final = 1.2  # a corner costs as much as this many cm
_CROSSING: Final = 1.5
_MARGIN: Final = 1.5  # cm of street around everything
_SIDES: Final[Mapping[str, Point]] = {"E": (1.0, 0.0), "W": (-1.0, 0.0), "N": (0.0, 1.0), "S": (0.0, -1.0)}

Segment = tuple[Point, Point]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A rectangle that is taken: a box, a circle's square, or a label."""

    x: float
    y: float
    width: float
    height: float
    round: bool = False

    def holds(self, segment: Segment, clear: float) -> bool:
        """Whether an upright or level segment comes closer than `clear`."""
        (x0, y0), (x1, y1) = segment
        (west, east), (south, north) = self.ranges(clear)
        return min(x0, x1) < east and max(x0, x1) > west and min(y0, y1) < north and max(y0, y1) > south

    def ranges(self, clear: float) -> tuple[Point, Point]:
        """What it takes up across and up and down, with `clear` around it, as open intervals."""
        wide, high = self.width / 2 + clear - 1e-9, self.height / 2 + clear - 1e-9
        return (self.x - wide, self.x + wide), (self.y - high, self.y + high)

    def meets(self, other: "Block", gap: float = 0.0) -> bool:
        """Whether two rectangles overlap, or are closer than `gap`."""
        return (
            abs(self.x - other.x) < (self.width + other.width) / 2 + gap - 1e-9
            and abs(self.y - other.y) < (self.height + other.height) / 2 + gap - 1e-9
        )


@dataclass(frozen=True, slots=True)
class Port:
    """A place on the border of a vertex, the side it looks to, and how far its first corner is."""

    place: Point
    side: str
    reach: float = _STUB

    @property
    def stub(self) -> Point:
        """Where the first corner may be."""
        across, up = _SIDES[self.side]
        return (self.place[0] + self.reach * across, self.place[1] + self.reach * up)


@dataclass(slots=True)
class Streets:
    """What is taken so far; each routed arrow adds itself."""

    blocks: Mapping[str, Block]
    labels: list[Block]
    lines: list[Segment] = field(default_factory=list)
    ports: set[Point] = field(default_factory=set)

    def route(self, start: str, end: str, wanted: str | None = None) -> tuple[Point, ...] | None:
        """The corners of the middle line from the border of one vertex to that of another.

        It reaches its end on the `wanted` side if there is a way at all.
        """
        sources = [port for port in ports(self.blocks[start], leaving=True) if self.open(port, start)]
        targets = [port for port in ports(self.blocks[end], leaving=False) if self.open(port, end)]
        best = [port for port in targets if port.side == wanted]
        way = _cheapest(self, sources, best) if sources and best else None
        if way is None and sources and len(targets) > len(best):
            way = _cheapest(self, sources, targets)
        if way is None:
            return None
        self.ports |= {way[0], way[-1]}
        corners = _merged(way)
        self.lines += list(pairwise(corners))
        return corners

    def open(self, port: Port, own: str) -> bool:
        """Whether no arrow uses a port and nothing stands right before it."""
        near = any(math.dist(port.place, other) < 2.6 * PAIR for other in self.ports)
        return not near and self.passable((port.place, port.stub), own=own)

    def passable(self, segment: Segment, *, own: str = "") -> bool:
        """Whether an arrow may run along a segment; the stub of a vertex touches its own one."""
        if any(block.holds(segment, _CLEAR) for key, block in self.blocks.items() if key != own):
            return False
        if any(label.holds(segment, _CLEAR_LABEL) for label in self.labels):
            return False
        return not any(_along(segment, line) for line in self.lines)


def ports(block: Block, *, leaving: bool) -> Iterator[Port]:
    """The places where an arrow may leave or reach a vertex, the best of each side first.

    A circle's east is where its result leaves, so nothing enters there.
    """
    x, y, wide, high = block.x, block.y, block.width / 2, block.height / 2
    if block.round and leaving:
        yield Port((x + wide, y), "E")
        return
    if block.round:
        for aside in _offsets(wide * _SLANTED):
            deep = math.sqrt(wide * wide - aside * aside)
            reach = wide - deep + _STUB
            yield Port((x - deep, y + aside), "W", reach)
            yield Port((x + aside, y + deep), "N", reach)
            yield Port((x + aside, y - deep), "S", reach)
        return
    yield Port((x + wide, y), "E")
    if leaving:
        yield Port((x - wide, y), "W")
    for aside in _offsets(wide - _EDGE):
        yield Port((x + aside, y + high), "N")
        yield Port((x + aside, y - high), "S")


def _offsets(most: float) -> list[float]:
    """How far from the middle of a side arrows may stand."""
    steps = range(1, int(most / PORT_GAP + 1e-9) + 1)
    return [0.0, *(sign * step * PORT_GAP for step in steps for sign in (1, -1))]


def circle_for(inputs: int) -> float:
    """The least diameter of a circle that so many arrows enter, from three sides."""
    if inputs <= 3:
        return 0.0
    if inputs <= 7:  # one more at each slanted corner
        return 2 * PORT_GAP / _SLANTED + 0.02
    beside = math.ceil((math.ceil(inputs / 3) - 1) / 2)
    return 2 * beside * PORT_GAP / _SLANTED_APART


def box_for(users: int) -> float:
    """The least width of a box that so many arrows leave: one each east and west, the others across."""
    beside = math.ceil((users - 3) / 4) if users > 3 else 0
    return 2 * (beside * PORT_GAP + _EDGE) if beside else 0.0


def shifted(corners: Sequence[Point], aside: float) -> tuple[Point, ...]:
    """The line parallel to a right-angled one, `aside` cm to its left as one walks."""
    directions = [_direction(a, b) for a, b in pairwise(corners)]
    moved = []
    for place, (x, y) in enumerate(corners):
        before = directions[max(0, place - 1)]
        after = directions[min(place, len(directions) - 1)]
        normals = {(-before[1], before[0]), (-after[1], after[0])}
        moved.append((
            x + aside * sum(normal[0] for normal in normals),
            y + aside * sum(normal[1] for normal in normals),
        ))  # fmt: skip
    return tuple(moved)


# --- the search -------------------------------------------------------------------

_Node = tuple[int, int, int]  # column and row of the grid, and the direction of arrival


def _cheapest(streets: Streets, sources: Sequence[Port], targets: Sequence[Port]) -> list[Point] | None:
    """The cheapest way (A*) from any of the sources to any of the targets; corners cost."""
    xs, ys = _grid(streets, [port.stub for port in (*sources, *targets)])
    column, row = {x: i for i, x in enumerate(xs)}, {y: i for i, y in enumerate(ys)}
    sides = {"E": 0, "N": 1, "W": 2, "S": 3}
    ends = {
        (column[port.stub[0]], row[port.stub[1]], (sides[port.side] + 2) % 4): (port, rank)
        for rank, port in reversed(list(enumerate(targets)))
    }
    queue: list[tuple[float, _Node]] = []
    cost: dict[_Node, float] = {}
    came: dict[_Node, _Node | None] = {}
    first: dict[_Node, Port] = {}
    for rank, port in enumerate(sources):
        node = (column[port.stub[0]], row[port.stub[1]], sides[port.side])
        first[node] = port
        cost[node], came[node] = 0.2 * rank, None
        heapq.heappush(queue, (cost[node], node))
    steps = _Steps(streets, xs, ys)
    goal = [port.stub for port in targets]
    west, east = min(x for x, _ in goal), max(x for x, _ in goal)
    south, north = min(y for _, y in goal), max(y for _, y in goal)

    def ahead(node: _Node) -> float:
        """At least this far to go."""
        x, y = xs[node[0]], ys[node[1]]
        return max(west - x, 0.0, x - east) + max(south - y, 0.0, y - north)

    best: tuple[float, _Node] | None = None
    done: set[_Node] = set()
    while queue:
        least, node = heapq.heappop(queue)
        if best is not None and least >= best[0]:
            break
        if node in done:
            continue
        done.add(node)
        spent = cost[node]
        if node in ends and (best is None or spent + 0.2 * ends[node][1] < best[0]):
            best = (spent + 0.2 * ends[node][1], node)
        for after, price in steps.from_(node):
            total = spent + price
            if total < cost.get(after, math.inf):
                cost[after], came[after] = total, node
                heapq.heappush(queue, (total + ahead(after), after))
    return None if best is None else _traced(best[1], came, first, ends[best[1]][0], xs, ys)


def _traced(
    node: _Node,
    came: Mapping[_Node, _Node | None],
    first: Mapping[_Node, Port],
    last: Port,
    xs: Sequence[float],
    ys: Sequence[float],
) -> list[Point]:
    way = [last.place]
    at: _Node | None = node
    while at is not None:
        way.append((xs[at[0]], ys[at[1]]))
        node, at = at, came[at]
    way.append(first[node].place)
    return way[::-1]


class _Steps:
    """The steps on the grid, and what each costs: its length and the arrows it crosses."""

    def __init__(self, streets: Streets, xs: Sequence[float], ys: Sequence[float]) -> None:
        taken = [(block, _CLEAR) for block in streets.blocks.values()]
        taken += [(label, _CLEAR_LABEL) for label in streets.labels]
        rectangles = [block.ranges(clear) for block, clear in taken]
        self.xs, self.ys = xs, ys
        self.map = StreetMap(xs, ys, rectangles, streets.lines, pair=PAIR, apart=_PARALLEL)

    def from_(self, node: _Node) -> Iterator[tuple[_Node, float]]:
        i, j, came = node
        for direction, (di, dj) in enumerate(((1, 0), (0, 1), (-1, 0), (0, -1))):
            k, m = i + di, j + dj
            if abs(direction - came) == 2 or not (0 <= k < len(self.xs) and 0 <= m < len(self.ys)):
                continue
            crossed = self.map.level(min(i, k), j) if di else self.map.upright(i, min(j, m))
            if crossed is not None:
                price = abs(self.xs[k] - self.xs[i]) + abs(self.ys[m] - self.ys[j]) + _CROSSING * crossed
                yield (k, m, direction), price + (_CORNER if direction != came else 0.0)


def _grid(streets: Streets, stubs: Sequence[Point]) -> tuple[list[float], list[float]]:
    """The lines of the grid: evenly spaced ones, and those through the stubs."""
    blocks = [*streets.blocks.values(), *streets.labels]
    left = min(block.x - block.width / 2 for block in blocks) - _MARGIN
    right = max(block.x + block.width / 2 for block in blocks) + _MARGIN
    low = min(block.y - block.height / 2 for block in blocks) - _MARGIN
    top = max(block.y + block.height / 2 for block in blocks) + _MARGIN
    xs = {left + _STEP * step for step in range(int((right - left) / _STEP) + 1)}
    ys = {low + _STEP * step for step in range(int((top - low) / _STEP) + 1)}
    return sorted(xs | {x for x, _ in stubs}), sorted(ys | {y for _, y in stubs})


def _merged(way: Sequence[Point]) -> tuple[Point, ...]:
    """Only the ends and the corners."""
    corners = [way[0]]
    for before, here, after in zip(way, way[1:], way[2:], strict=False):
        if _direction(before, here) != _direction(here, after):
            corners.append(here)
    return (*corners, way[-1])


def _direction(start: Point, end: Point) -> tuple[int, int]:
    across, up = end[0] - start[0], end[1] - start[1]
    if abs(across) >= abs(up):
        return (1 if across > 0 else -1, 0)
    return (0, 1 if up > 0 else -1)


def _along(segment: Segment, line: Segment) -> bool:
    """Whether two segments run side by side, too close to each other, for any length."""
    for axis in (0, 1):
        level = abs(segment[0][axis] - segment[1][axis]) < 1e-9
        if level and abs(line[0][axis] - line[1][axis]) < 1e-9:
            other = 1 - axis
            near = abs(segment[0][axis] - line[0][axis]) < _PARALLEL - 1e-9
            low = max(min(segment[0][other], segment[1][other]), min(line[0][other], line[1][other]))
            top = min(max(segment[0][other], segment[1][other]), max(line[0][other], line[1][other]))
            if near and low < top - 1e-9:
                return True
    return False
