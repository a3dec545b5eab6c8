"""What the typesetters need to know of a diagram's arrows, and how large the whole is.

The document says where everything stands (`diagram.py`). Which side of a box a straight arrow
leaves follows from where the two boxes stand; its end is left to the typesetter, which knows how
large the boxes became.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Coloured
from symbackprop.report.document import Arrow, Diagram, Point, Vertex

OFFSET: Final = 0.1  # cm, from the middle to each of two parallel arrows
_UNKNOWN: Final = (1.6, 1.1)  # cm, a vertex that nobody has measured

Course = Literal["right", "left", "up", "down", "slant", "corners"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PlacedArrow(Plain):
    """An arrow as it is drawn.

    `angle` points from start to end, in degrees. `leave` and `reach` are the angles by which two
    parallel slanting arrows stand apart at either end. A `red` arrow is one of gradients alone.
    """

    arrow: Arrow
    course: Course
    angle: float
    leave: float
    reach: float
    red: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Picture(Plain):
    """The arrows, and the size of the whole in cm."""

    arrows: tuple[PlacedArrow, ...]
    width: float
    height: float


def laid_out(diagram: Diagram) -> Picture:
    """How to draw the arrows. Raises ValueError for an arrow to a vertex that is not there."""
    vertices = {vertex.key: vertex for vertex in diagram.vertices}
    for arrow in diagram.arrows:
        if missing := {arrow.start, arrow.end} - vertices.keys():
            raise ValueError(f"an arrow of the diagram has no vertex {missing.pop()!r}")
    width, height = _extent(diagram)
    arrows = tuple(_placed(arrow, vertices) for arrow in diagram.arrows)
    return Picture(arrows=arrows, width=width, height=height)


def _placed(arrow: Arrow, vertices: Mapping[str, Vertex]) -> PlacedArrow:
    start, end = vertices[arrow.start], vertices[arrow.end]
    across, up = end.x - start.x, end.y - start.y
    course: Course = "slant"
    if arrow.forward:
        course = "corners"
    elif abs(up) < 1e-9:
        course = "right" if across > 0 else "left"
    elif abs(across) < 1e-9:
        course = "up" if up > 0 else "down"
    angle = math.degrees(math.atan2(up, across))
    red = any(vertex.kind == "plain" and isinstance(vertex.upper, Coloured) for vertex in (start, end))
    both = arrow.back and not red
    return PlacedArrow(
        arrow=arrow,
        course=course,
        angle=round(angle, 1),
        leave=_aside(start, angle) if both else 0.0,
        reach=_aside(end, angle) if both else 0.0,
        red=red,
    )


def _size(vertex: Vertex) -> tuple[float, float]:
    return (vertex.width or _UNKNOWN[0], vertex.height or _UNKNOWN[1])


def _aside(vertex: Vertex, angle: float) -> float:
    """The angle that moves a point of a vertex's border sideways by the arrows' offset."""
    turn = math.radians(angle)
    wide, high = _size(vertex)
    reach = min(wide / 2 / max(abs(math.cos(turn)), 1e-6), high / 2 / max(abs(math.sin(turn)), 1e-6))
    return round(math.degrees(math.asin(min(0.9, OFFSET / reach))), 1)


def _extent(diagram: Diagram) -> tuple[float, float]:
    points = [*_corners(diagram.vertices)]
    for arrow in diagram.arrows:
        points += [*arrow.forward, *arrow.backward]
        points += [arrow.place] if arrow.place is not None else []
    if not points:
        return 0.0, 0.0
    across, up = [x for x, _ in points], [y for _, y in points]
    return max(across) - min(across), max(up) - min(up)


def _corners(vertices: Iterable[Vertex]) -> Iterable[Point]:
    for vertex in vertices:
        wide, high = _size(vertex)
        yield vertex.x - wide / 2, vertex.y - high / 2
        yield vertex.x + wide / 2, vertex.y + high / 2
