"""From columns and tracks to centimetres: nothing touches, and labels have room.

Columns and tracks keep their order and move apart just as far as boxes, arrows and labels need.
A lane is the street between two tracks, where upright arrows run and the labels beside them stand.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from symbackprop.report.circuit import Circuit, Edge

ARROW: Final = 0.62  # cm, the least length of an arrow
_APART: Final = 0.35  # cm between boxes that no arrow joins
_LANE: Final = 0.9  # between two tracks
_BAND: Final = 1.1  # between two bands, besides
_BESIDE: Final = 0.22  # from the middle of a pair of arrows to its label
_UNDER: Final = 0.06  # from a circle to the label under it
_HALF_PAIR: Final = 0.2  # half the room of a pair of arrows

Size = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A vertex's column, track and band."""

    column: int
    track: int
    band: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Straight:
    """An edge between neighbours and the side on which it reaches its end."""

    edge: Edge
    side: str  # of the end: W, N or S


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """Centres of vertices and of the labels that belong to straight edges; the rest is routed.

    `wanted` is the side on which a routed edge should reach its operation.
    """

    places: Mapping[str, tuple[float, float]]
    straight: tuple[Straight, ...]
    labels: Mapping[tuple[str, str], tuple[float, float]]
    wanted: Mapping[tuple[str, str], str]


def in_centimetres(
    circuit: Circuit,
    cells: Mapping[str, Cell],
    sizes: Mapping[str, Size],
    labels: Mapping[tuple[str, str], Size],
    stretch: float,
) -> Arrangement:
    """Place all vertices and the labels of straight edges; `stretch` widens the streets."""
    straight = tuple(_straight(circuit, cells))
    wanted = _wanted(circuit, cells, straight)
    kinds = list(_kinds(straight, wanted))
    down = _tracks(cells, sizes, labels, stretch)
    across = _columns(cells, sizes, labels, kinds, stretch)
    places = {
        key: (across[cell.band, cell.column], down[cell.band, cell.track]) for key, cell in cells.items()
    }
    found = _label_places(kinds, places, sizes, labels)
    return Arrangement(places=places, straight=straight, labels=found, wanted=wanted)


def _straight(circuit: Circuit, cells: Mapping[str, Cell]) -> Iterable[Straight]:
    """The edges between neighbours; each side of a vertex carries one of them."""
    filled = {(cell.band, cell.column, cell.track) for cell in cells.values()}
    used: set[tuple[str, str]] = set()
    for edge in circuit.edges:
        start, end = cells[edge.start], cells[edge.end]
        if start.band != end.band:
            continue
        sides = None
        if start.track == end.track and start.column < end.column:
            between = range(start.column + 1, end.column)
            if not any((start.band, column, start.track) in filled for column in between):
                sides = ("E", "W")
        elif start.column == end.column and abs(start.track - end.track) == 1:
            sides = ("S", "N") if start.track > end.track else ("N", "S")
        if sides and not {(edge.start, sides[0]), (edge.end, sides[1])} & used:
            used |= {(edge.start, sides[0]), (edge.end, sides[1])}
            yield Straight(edge=edge, side=sides[1])


def _wanted(
    circuit: Circuit, cells: Mapping[str, Cell], straight: Sequence[Straight]
) -> dict[tuple[str, str], str]:
    """A free side of its operation for each edge that is not straight: the one it comes from."""
    direct = {(way.edge.start, way.edge.end) for way in straight}
    taken = {(way.edge.end, way.side) for way in straight}
    wanted = {}
    for edge in circuit.edges:
        key = (edge.start, edge.end)
        if key in direct:
            continue
        start, end = cells[edge.start], cells[edge.end]
        order = "WNS" if start.band != end.band or start.track > end.track else "WSN"
        for side in order:
            if (edge.end, side) not in taken:
                taken.add((edge.end, side))
                wanted[key] = side
                break
    return wanted


def _tracks(
    cells: Mapping[str, Cell],
    sizes: Mapping[str, Size],
    labels: Mapping[tuple[str, str], Size],
    stretch: float,
) -> dict[tuple[int, int], float]:
    """The height of each track of each band: downwards from the top one."""
    high: dict[tuple[int, int], float] = {}
    for key, cell in cells.items():
        at = (cell.band, cell.track)
        high[at] = max(high.get(at, 0.0), sizes[key][1])
    tallest = max((size[1] for size in labels.values()), default=0.0)
    lane = max(_LANE, tallest + 0.45) * stretch
    order = sorted(high, key=lambda at: (at[0], -at[1]))
    down = {order[0]: 0.0}
    for before, here in pairwise(order):
        gap = lane + (_BAND * stretch if before[0] != here[0] else 0.0)
        down[here] = down[before] - (high[before] + high[here]) / 2 - gap
    zero = down[order[0][0], 0]
    return {at: y - zero for at, y in down.items()}


@dataclass(slots=True)
class _Claim:
    """What a column holds on one track or lane: so far to the left and to the right of its middle."""

    left: float
    right: float


def _columns(
    cells: Mapping[str, Cell],
    sizes: Mapping[str, Size],
    labels: Mapping[tuple[str, str], Size],
    kinds: Sequence[tuple[Straight, str]],
    stretch: float,
) -> dict[tuple[int, int], float]:
    """The middle of each column of each band."""
    claims = _claims(cells, sizes, labels, kinds)
    rooms = _rooms(cells, labels, kinds)
    across: dict[tuple[int, int], float] = {}
    for band in {cell.band for cell in cells.values()}:
        columns = sorted({cell.column for cell in cells.values() if cell.band == band})
        last: dict[float, tuple[int, float]] = {}  # by track or lane: the last column and its right end
        for column in columns:
            here = claims[band, column]
            at = -1e9
            for row, claim in here.items():
                if row in last:
                    before, end = last[row]
                    gap = rooms.get((band, row, before, column), _APART if row == int(row) else 0.12)
                    at = max(at, end + gap * stretch + claim.left)
            start = max((x for (b, _), x in across.items() if b == band), default=None)
            at = max(at, 0.0 if start is None else start + 0.5)
            across[band, column] = at
            for row, claim in here.items():
                last[row] = (column, max(at + claim.right, last.get(row, (0, -1e9))[1]))
    return across


def _claims(
    cells: Mapping[str, Cell],
    sizes: Mapping[str, Size],
    labels: Mapping[tuple[str, str], Size],
    kinds: Sequence[tuple[Straight, str]],
) -> dict[tuple[int, int], dict[float, _Claim]]:
    """What stands in each column, by track; half tracks are the lanes between them."""
    claims: dict[tuple[int, int], dict[float, _Claim]] = {}

    def claim(cell: Cell, row: float, left: float, right: float) -> None:
        held = claims.setdefault((cell.band, cell.column), {}).setdefault(row, _Claim(0.0, 0.0))
        held.left, held.right = max(held.left, left), max(held.right, right)

    for key, cell in cells.items():
        claim(cell, float(cell.track), sizes[key][0] / 2, sizes[key][0] / 2)
    for way, kind in kinds:
        end = cells[way.edge.end]
        wide = labels.get((way.edge.start, way.edge.end), (0.0, 0.0))[0]
        if way.side in "NS":
            lane = end.track + (0.5 if way.side == "N" else -0.5)
            claim(end, lane, _HALF_PAIR, max(_HALF_PAIR, _BESIDE + wide if wide else 0.0))
        elif kind in ("under", "over"):
            claim(end, end.track + (0.5 if kind == "over" else -0.5), wide / 2, wide / 2)
    return claims


def _kinds(
    straight: Sequence[Straight], wanted: Mapping[tuple[str, str], str]
) -> Iterable[tuple[Straight, str]]:
    """For each straight edge where its label goes: at the side, under or over its circle, or along it."""
    taken = {(way.edge.end, way.side) for way in straight}
    taken |= {(end, side) for (_, end), side in wanted.items()}
    for way in straight:
        if way.side in "NS":
            yield way, "side"
        elif (way.edge.end, "S") not in taken:
            yield way, "under"
        else:
            yield way, "over" if (way.edge.end, "N") not in taken else "along"


def _rooms(
    cells: Mapping[str, Cell],
    labels: Mapping[tuple[str, str], Size],
    kinds: Sequence[tuple[Straight, str]],
) -> dict[tuple[int, float, int, int], float]:
    """How far apart two joined neighbours on a track must be."""
    rooms = {}
    for way, kind in kinds:
        start, end = cells[way.edge.start], cells[way.edge.end]
        wide = labels.get((way.edge.start, way.edge.end), (0.0, 0.0))[0]
        room = max(ARROW, wide + 0.3) if kind == "along" else ARROW
        rooms[end.band, float(end.track), start.column, end.column] = room
    return rooms


def _label_places(
    kinds: Sequence[tuple[Straight, str]],
    places: Mapping[str, tuple[float, float]],
    sizes: Mapping[str, Size],
    labels: Mapping[tuple[str, str], Size],
) -> dict[tuple[str, str], tuple[float, float]]:
    """The centres of the labels of straight edges."""
    found = {}
    for way, kind in kinds:
        key = (way.edge.start, way.edge.end)
        if key not in labels:
            continue
        wide, high = labels[key]
        (x0, y0), (x1, y1) = places[key[0]], places[key[1]]
        half, other = sizes[key[1]], sizes[key[0]]
        if kind == "side":
            low = y1 + half[1] / 2 if y0 > y1 else y0 + other[1] / 2
            top = y0 - other[1] / 2 if y0 > y1 else y1 - half[1] / 2
            found[key] = (x1 + _BESIDE + wide / 2, (low + top) / 2)
        elif kind == "along":
            middle = (x0 + other[0] / 2 + x1 - half[0] / 2) / 2
            found[key] = (middle, y1 - _BESIDE - high / 2)
        else:
            near = half[1] / 2 + _UNDER
            far = max((near, *_beside(key[1], wide, places, sizes))) + high / 2
            found[key] = (x1, y1 - far if kind == "under" else y1 + far)
    return found


def _beside(
    key: str, wide: float, places: Mapping[str, tuple[float, float]], sizes: Mapping[str, Size]
) -> Iterable[float]:
    """How far the neighbours that a wide label would run into reach above and below its circle."""
    x, y = places[key]
    for other, (across, up) in places.items():
        on_track = other != key and abs(up - y) < 0.01
        if on_track and abs(across - x) < (wide + sizes[other][0]) / 2 + _UNDER:
            yield sizes[other][1] / 2 + _UNDER


def full_width(
    arrangement: Arrangement, sizes: Mapping[str, Size], labels: Mapping[tuple[str, str], Size]
) -> float:
    """The width of the whole picture in cm."""
    ends = [(place[0], sizes[key][0]) for key, place in arrangement.places.items()]
    ends += [(place[0], labels[key][0]) for key, place in arrangement.labels.items()]
    return max(x + wide / 2 for x, wide in ends) - min(x - wide / 2 for x, wide in ends)
