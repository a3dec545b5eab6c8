"""The geometry of a diagram: where its boxes stand and how its arrows leave them.

The document gives a grid; here columns and rows move apart until no box, circle or label touches
another. Lengths are in cm. Which side of a box an arrow leaves is left to the typesetter, which
knows how large the box became.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from symbackprop.notation.tree import Coloured, Matrix, Node, walk
from symbackprop.report.document import Arrow, Diagram, Vertex

EM: Final = 0.386  # cm
_SMALL, _FOOTNOTE = 0.914, 0.822  # sizes of letters, of the text's
_RADIUS: Final = 0.43
_OFFSET: Final = 0.1  # from the middle to each of two parallel arrows
_GAP: Final = 0.75  # room for an arrow
_SLANT: Final = 0.9  # the least run of an arrow that is neither level nor upright
_LINE: Final = 0.47

Measure = Callable[[Node], float]
Course = Literal["right", "left", "up", "down", "slant"]
Side = Literal["none", "under", "side"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedArrow:
    """An arrow with what the typesetter needs.

    `angle` points from start to end, in degrees. `leave` and `reach` are the angles by which two
    parallel arrows stand apart at either end. `factor` stands `under` the end's circle or at the
    `side` of the arrow. A `red` arrow is one of gradients alone; `bend` (degrees) avoids a box
    in the way.
    """

    arrow: Arrow
    course: Course
    angle: float
    leave: float
    reach: float
    side: Side
    red: bool
    bend: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Positions by key (cm), arrows, and the estimated width and height (cm)."""

    places: Mapping[str, tuple[float, float]]
    arrows: tuple[PlacedArrow, ...]
    width: float
    height: float


def laid_out(diagram: Diagram, measure: Measure) -> Picture:
    """Place everything. Raises ValueError for an arrow to a vertex that is not there."""
    keys = {vertex.key for vertex in diagram.vertices}
    for arrow in diagram.arrows:
        if missing := {arrow.start, arrow.end} - keys:
            raise ValueError(f"an arrow of the diagram has no vertex {missing.pop()!r}")
    vertices = {vertex.key: vertex for vertex in diagram.vertices}
    sides = {id(arrow): _side(arrow, vertices, diagram.arrows) for arrow in diagram.arrows}
    sizes = {key: _size(vertex, measure) for key, vertex in vertices.items()}
    for arrow in diagram.arrows:  # a label under a circle needs room of its own
        if sides[id(arrow)] == "under" and arrow.factor is not None:
            wide = measure(arrow.factor) * _FOOTNOTE * EM + 0.1
            sizes[arrow.end] = (max(sizes[arrow.end][0], wide), sizes[arrow.end][1])
    across = _spread(diagram, sizes, _labels(diagram, measure, sides, 0), None)
    down = _spread(diagram, sizes, _labels(diagram, measure, sides, 1), across)
    places = {key: (across[vertex.x], down[vertex.y]) for key, vertex in vertices.items()}
    arrows = tuple(_placed(arrow, vertices, places, sizes, sides[id(arrow)]) for arrow in diagram.arrows)
    return Picture(places=places, arrows=arrows, **_extent(places, sizes))


def _size(vertex: Vertex, measure: Measure) -> tuple[float, float]:
    """Width and height of a vertex, in cm."""
    lines = [vertex.upper] + ([vertex.lower] if vertex.lower is not None else [])
    wide = max(map(measure, lines)) * _SMALL * EM
    high = sum(_LINE * max(1, _rows(line)) for line in lines)
    if vertex.kind == "operation":
        across = max(2 * _RADIUS, math.hypot(wide, high * 0.7) + 0.1)
        return across, across
    return wide + 0.32, max(high + 0.24, 0.5 if vertex.kind == "plain" else 1.1)


def _rows(node: Node) -> int:
    return max((len(part.rows) for part in walk(node) if isinstance(part, Matrix)), default=1)


def _side(arrow: Arrow, vertices: Mapping[str, Vertex], arrows: Sequence[Arrow]) -> Side:
    """Where an arrow's local factor is written: under the circle it comes from, if that is free."""
    if arrow.factor is None:
        return "none"
    end, start = vertices[arrow.end], vertices[arrow.start]
    if end.kind != "operation" or start.y != end.y or start.x > end.x:
        return "side"
    others = [other for other in arrows if end.key in (other.start, other.end) and other is not arrow]
    below = any(
        vertices[key].y < end.y for other in others for key in (other.start, other.end) if key != end.key
    )
    return "side" if below else "under"


def _spread(
    diagram: Diagram,
    sizes: Mapping[str, tuple[float, float]],
    labels: Mapping[frozenset[str], float],
    across: Mapping[float, float] | None,
) -> dict[float, float]:
    """Where each column of the grid comes to stand, or, given the columns, each row."""
    axis = 0 if across is None else 1
    lines: dict[float, list[Vertex]] = {}
    for vertex in diagram.vertices:
        lines.setdefault((vertex.x, vertex.y)[axis], []).append(vertex)
    order = sorted(lines)
    found: dict[float, float] = {}
    for index, here in enumerate(order):
        at = 0.0 if index == 0 else found[order[index - 1]] + here - order[index - 1]
        for before in order[:index]:
            for vertex in lines[here]:
                for other in lines[before]:
                    room = labels.get(frozenset((vertex.key, other.key)))
                    at = max(at, found[before] + _apart(vertex, other, sizes, room, across))
        found[here] = at
    return found


def _labels(
    diagram: Diagram, measure: Measure, sides: Mapping[int, Side], axis: int
) -> dict[frozenset[str], float]:
    """The room that a label on an arrow between two vertices needs along the axis."""
    rooms: dict[frozenset[str], float] = {}
    for arrow in diagram.arrows:
        parts = [arrow.label] + ([arrow.factor] if sides[id(arrow)] == "side" else [])
        texts = [part for part in parts if part is not None]
        if axis == 0:
            room = sum(measure(part) * _FOOTNOTE * EM + 0.35 for part in texts)
        else:
            room = max((0.35 + 0.4 * _rows(part) for part in texts), default=0.0)
        rooms[frozenset((arrow.start, arrow.end))] = room
    return rooms


def _apart(
    vertex: Vertex,
    other: Vertex,
    sizes: Mapping[str, tuple[float, float]],
    room: float | None,
    across: Mapping[float, float] | None,
) -> float:
    """The least distance of two vertices; `room` is what a label between them needs."""
    wide, high = ((sizes[vertex.key][axis] + sizes[other.key][axis]) / 2 for axis in (0, 1))
    if across is None:
        if vertex.y == other.y:
            return wide + (0.3 if room is None else max(_GAP, room))
        return 0.0 if room is None else max(_SLANT, room)  # rows keep them apart, if columns do not
    if room is not None and vertex.x == other.x:
        return high + max(_GAP, room)
    clear = abs(across[vertex.x] - across[other.x]) >= wide + 0.1
    return 0.0 if clear else high + 0.2


def _placed(
    arrow: Arrow,
    vertices: Mapping[str, Vertex],
    places: Mapping[str, tuple[float, float]],
    sizes: Mapping[str, tuple[float, float]],
    side: Side,
) -> PlacedArrow:
    (x0, y0), (x1, y1) = places[arrow.start], places[arrow.end]
    across, up = x1 - x0, y1 - y0
    course: Course = "slant"
    if abs(up) < 1e-9:
        course = "right" if across > 0 else "left"
    elif abs(across) < 1e-9:
        course = "up" if up > 0 else "down"
    angle = math.degrees(math.atan2(up, across))
    red = any(
        vertices[key].kind == "plain" and isinstance(vertices[key].upper, Coloured)
        for key in (arrow.start, arrow.end)
    )
    both = arrow.back and not red
    return PlacedArrow(
        arrow=arrow,
        course=course,
        angle=round(angle, 1),
        leave=_aside(sizes[arrow.start], angle) if both else 0.0,
        reach=_aside(sizes[arrow.end], angle) if both else 0.0,
        side=side,
        red=red,
        bend=_bend(arrow, places, sizes),
    )


def _aside(size: tuple[float, float], angle: float) -> float:
    """The angle that moves a point of a box's border sideways by the arrows' offset."""
    turn = math.radians(angle)
    reach = min(
        size[0] / 2 / max(abs(math.cos(turn)), 1e-6),
        size[1] / 2 / max(abs(math.sin(turn)), 1e-6),
    )
    return round(math.degrees(math.asin(min(0.9, _OFFSET / reach))), 1)


def _bend(
    arrow: Arrow, places: Mapping[str, tuple[float, float]], sizes: Mapping[str, tuple[float, float]]
) -> int:
    """An arrow bends when another vertex stands on its straight way."""
    start, end = places[arrow.start], places[arrow.end]
    for key, place in places.items():
        if key not in (arrow.start, arrow.end) and _crosses(start, end, place, sizes[key]):
            return 30
    return 0


def _crosses(
    start: tuple[float, float], end: tuple[float, float], place: tuple[float, float], size: tuple[float, float]
) -> bool:
    """Whether the segment passes through a box (looked at in 40 points)."""
    for step in range(1, 40):
        share = step / 40
        x = start[0] + share * (end[0] - start[0])
        y = start[1] + share * (end[1] - start[1])
        if abs(x - place[0]) < size[0] / 2 and abs(y - place[1]) < size[1] / 2:
            return True
    return False


def _extent(
    places: Mapping[str, tuple[float, float]], sizes: Mapping[str, tuple[float, float]]
) -> dict[str, float]:
    if not places:
        return {"width": 0.0, "height": 0.0}
    found = {}
    for axis, name in ((0, "width"), (1, "height")):
        low = min(place[axis] - sizes[key][axis] / 2 for key, place in places.items())
        high = max(place[axis] + sizes[key][axis] / 2 for key, place in places.items())
        found[name] = high - low
    return found
