"""Where the vertices of a computation stand: columns, tracks, and then centimetres.

Operations and what they compute go from left to right, a column for each step of the longest
way. The longest way of all lies on track 0 and branches lie on tracks below or above it. A given
variable stands over, under or before the first operation that it enters, as on the board. Then
columns and tracks move apart until nothing touches, and a picture too wide for the page is cut
into bands, one under the other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from symbackprop.report.circuit import Circuit, Edge

PAGE: Final = 17.0  # cm
_FOLD_BELOW: Final = 0.7  # of its size: a picture that would be scaled further down is folded
_APART: Final = 0.35  # cm between boxes that no arrow joins
_ARROW: Final = 0.62  # the least length of an arrow
_LANE: Final = 0.9  # between two tracks
_BAND: Final = 1.1  # between two bands, besides
_BESIDE: Final = 0.22  # from the middle of a pair of arrows to its label
_UNDER: Final = 0.06  # from a circle to the label under it
_HALF_PAIR: Final = 0.2  # half the room of a pair of arrows

Slot = tuple[int, int]
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
    """Centres of vertices and of the labels that belong to straight edges; the rest is routed."""

    places: Mapping[str, tuple[float, float]]
    straight: tuple[Straight, ...]
    labels: Mapping[tuple[str, str], tuple[float, float]]
    bands: int


def arrange(
    circuit: Circuit, sizes: Mapping[str, Size], labels: Mapping[tuple[str, str], Size], stretch: float
) -> Arrangement:
    """Place everything; `stretch` widens the streets between boxes for the sake of routed arrows."""
    cells = _Grid(circuit).cells()
    whole = _in_centimetres(circuit, cells, sizes, labels, stretch)
    wide = _width(whole, sizes, labels)
    bands = 1
    while wide * _FOLD_BELOW > PAGE and bands < 8:
        bands += 1
        folded = _folded(circuit, cells, whole, sizes, bands)
        if folded is None:
            break
        now = _in_centimetres(circuit, folded, sizes, labels, stretch)
        if (narrow := _width(now, sizes, labels)) >= wide:
            break
        whole, wide = now, narrow
    return whole


# --- columns and tracks -----------------------------------------------------------


class _Grid:
    """Gives every vertex a column and a track."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.users: dict[str, list[str]] = {key: [] for key in circuit.parts}
        self.inputs: dict[str, list[str]] = {key: [] for key in circuit.parts}
        for edge in circuit.edges:
            self.users[edge.start].append(edge.end)
            self.inputs[edge.end].append(edge.start)
        self.core = [key for key, part in circuit.parts.items() if not part.given]
        self.columns = self.longest_ways()
        self.order = sorted(self.core, key=self.columns.__getitem__)
        self.found: dict[str, Cell] = {}
        self.taken: set[Slot] = set()
        self.chains: list[list[str]] = []

    def cells(self) -> dict[str, Cell]:
        left = set(self.core)
        while left:
            self.chains.append(self.longest_chain(left))
            left -= set(self.chains[-1])
        for chain in self.chains:
            self.late(chain)
            self.put(chain)
        self.scattered()
        return self.found

    def longest_ways(self) -> dict[str, int]:
        """The column of each operation and each computed variable."""
        columns: dict[str, int] = {}
        waiting = list(self.core)
        while waiting:
            rest = []
            for key in waiting:
                before = [other for other in self.inputs[key] if not self.circuit.parts[other].given]
                if all(other in columns for other in before):
                    columns[key] = max((columns[other] + 1 for other in before), default=0)
                else:
                    rest.append(key)
            if len(rest) == len(waiting):
                raise ValueError("the model goes round in a circle")
            waiting = rest
        return columns

    def longest_chain(self, left: set[str]) -> list[str]:
        """A longest way among the vertices that have no place yet; the loss's own comes first."""
        length: dict[str, int] = {}
        best: dict[str, str] = {}
        for key in self.order:
            if key not in left:
                continue
            before = [other for other in self.inputs[key] if other in length]
            if before:
                best[key] = max(before, key=lambda other: length[other])
            length[key] = 1 + max((length[other] for other in before), default=0)
        last = self.core[-1]
        at = last if last in left else max(length, key=lambda key: length[key])
        chain = [at]
        while at in best:
            at = best[at]
            chain.append(at)
        return chain[::-1]

    def late(self, chain: Sequence[str]) -> None:
        """Move a branch that begins with given variables as close to its end as it goes."""
        if not self.found or not all(self.circuit.parts[key].given for key in self.inputs[chain[0]]):
            return
        inside = set(chain)
        outside = [(key, user) for key in chain for user in self.users[key] if user not in inside]
        room = min((self.columns[user] - self.columns[key] - 1 for key, user in outside), default=0)
        for key in chain:
            self.columns[key] += room

    def put(self, chain: Sequence[str]) -> None:
        """A chain on the first track where it and its given variables find room."""
        tracks = [0] if not self.found else [sign * depth for depth in range(1, 60) for sign in (-1, 1)]
        span = range(self.columns[chain[0]], self.columns[chain[-1]] + 1)
        for track in tracks:
            if any((column, track) in self.taken for column in span):
                continue
            slots = self.satellites(chain, track)
            if slots is None:
                continue
            for key in chain:
                self.found[key] = Cell(column=self.columns[key], track=track)
            for key, (column, row) in slots.items():
                self.found[key] = Cell(column=column, track=row)
                self.taken.add((column, row))
            self.taken |= {(column, track) for column in span}
            return
        raise ValueError("no room for a branch of the picture")

    def satellites(self, chain: Sequence[str], track: int) -> dict[str, Slot] | None:
        """Where the given variables of a chain's operations go: over, under, before; None: no room."""
        slots: dict[str, Slot] = {}
        for key in chain:
            given = [
                other for other in self.inputs[key]
                if self.circuit.parts[other].given and other not in self.found and other not in slots
            ]  # fmt: skip
            free = self.sides(chain, key, track, slots)
            if len(free) < min(len(given), 2):
                return None
            slots.update(zip(given, free, strict=False))
        return slots

    def sides(self, chain: Sequence[str], key: str, track: int, slots: Mapping[str, Slot]) -> list[Slot]:
        """The free places next to an operation, the best first."""
        column = self.columns[key]
        above, below, before = (column, track + 1), (column, track - 1), (column - 1, track)
        first = key == chain[0]
        others = {other for other in self.inputs[key] if not self.circuit.parts[other].given}
        joins = len(others - set(chain)) > 0  # a branch comes in, from below if it can
        wanted = [above, below]
        if first and not others:
            wanted = [above, before, below] if len(self.chains) > 1 else [above, below, before]
        elif joins:
            wanted = [above]
        if track < 0:
            wanted = [below if side == above else above if side == below else side for side in wanted]
        used = self.taken | set(slots.values())
        return [side for side in wanted if side not in used]

    def scattered(self) -> None:
        """What found no place beside its operation: the nearest free slot before it."""
        for key in self.circuit.parts:
            if key in self.found:
                continue
            user = next(other for other in self.users[key])
            home = self.found[user]
            slot = next(
                (column, home.track + sign * depth)
                for depth in range(1, 80)
                for column in (home.column - 1, home.column - 2)
                for sign in (1, -1)
                if (column, home.track + sign * depth) not in self.taken
            )
            self.taken.add(slot)
            self.found[key] = Cell(column=slot[0], track=slot[1])


# --- centimetres ------------------------------------------------------------------


def _in_centimetres(
    circuit: Circuit,
    cells: Mapping[str, Cell],
    sizes: Mapping[str, Size],
    labels: Mapping[tuple[str, str], Size],
    stretch: float,
) -> Arrangement:
    straight = tuple(_straight(circuit, cells))
    down = _tracks(cells, sizes, labels, stretch)
    across = _columns(cells, sizes, labels, straight, stretch)
    places = {
        key: (across[cell.band, cell.column], down[cell.band, cell.track]) for key, cell in cells.items()
    }
    found = _label_places(straight, places, sizes, labels)
    bands = 1 + max(cell.band for cell in cells.values())
    return Arrangement(places=places, straight=straight, labels=found, bands=bands)


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
    straight: Sequence[Straight],
    stretch: float,
) -> dict[tuple[int, int], float]:
    """The middle of each column of each band."""
    claims = _claims(cells, sizes, labels, straight)
    rooms = _rooms(cells, labels, straight)
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
    straight: Sequence[Straight],
) -> dict[tuple[int, int], dict[float, _Claim]]:
    """What stands in each column, by track; half tracks are the lanes between them."""
    claims: dict[tuple[int, int], dict[float, _Claim]] = {}

    def claim(cell: Cell, row: float, left: float, right: float) -> None:
        held = claims.setdefault((cell.band, cell.column), {}).setdefault(row, _Claim(0.0, 0.0))
        held.left, held.right = max(held.left, left), max(held.right, right)

    for key, cell in cells.items():
        claim(cell, float(cell.track), sizes[key][0] / 2, sizes[key][0] / 2)
    for way, kind in _kinds(straight):
        end = cells[way.edge.end]
        wide = labels.get((way.edge.start, way.edge.end), (0.0, 0.0))[0]
        if way.side in "NS":
            lane = end.track + (0.5 if way.side == "N" else -0.5)
            claim(end, lane, _HALF_PAIR, max(_HALF_PAIR, _BESIDE + wide if wide else 0.0))
        elif kind in ("under", "over"):
            claim(end, end.track + (0.5 if kind == "over" else -0.5), wide / 2, wide / 2)
    return claims


def _kinds(straight: Sequence[Straight]) -> Iterable[tuple[Straight, str]]:
    """For each straight edge where its label goes: at the side, under or over its circle, or along it."""
    taken = {(way.edge.end, way.side) for way in straight}
    for way in straight:
        if way.side in "NS":
            yield way, "side"
        elif (way.edge.end, "S") not in taken:
            yield way, "under"
        else:
            yield way, "over" if (way.edge.end, "N") not in taken else "along"


def _rooms(
    cells: Mapping[str, Cell], labels: Mapping[tuple[str, str], Size], straight: Sequence[Straight]
) -> dict[tuple[int, float, int, int], float]:
    """How far apart two joined neighbours on a track must be."""
    rooms = {}
    for way, kind in _kinds(straight):
        start, end = cells[way.edge.start], cells[way.edge.end]
        wide = labels.get((way.edge.start, way.edge.end), (0.0, 0.0))[0]
        room = max(_ARROW, wide + 0.3) if kind == "along" else _ARROW
        rooms[end.band, float(end.track), start.column, end.column] = room
    return rooms


def _label_places(
    straight: Sequence[Straight],
    places: Mapping[str, tuple[float, float]],
    sizes: Mapping[str, Size],
    labels: Mapping[tuple[str, str], Size],
) -> dict[tuple[str, str], tuple[float, float]]:
    """The centres of the labels of straight edges."""
    found = {}
    for way, kind in _kinds(straight):
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
            far = half[1] / 2 + _UNDER + high / 2
            found[key] = (x1, y1 - far if kind == "under" else y1 + far)
    return found


def _width(
    arrangement: Arrangement, sizes: Mapping[str, Size], labels: Mapping[tuple[str, str], Size]
) -> float:
    ends = [(place[0], sizes[key][0]) for key, place in arrangement.places.items()]
    ends += [(place[0], labels[key][0]) for key, place in arrangement.labels.items()]
    return max(x + wide / 2 for x, wide in ends) - min(x - wide / 2 for x, wide in ends)


# --- folding ----------------------------------------------------------------------


def _folded(
    circuit: Circuit,
    cells: Mapping[str, Cell],
    whole: Arrangement,
    sizes: Mapping[str, Size],
    bands: int,
) -> dict[str, Cell] | None:
    """The cells cut into bands of about the same width, each beginning with an operation."""
    flat = _unfolded_places(cells, sizes)
    starts = sorted({cells[key].column for key, part in circuit.parts.items() if part.kind == "operation"})[1:]
    if len(starts) < bands - 1:
        return None
    total = max(flat.values())
    cuts: list[int] = []
    for share in range(1, bands):
        left = [column for column in starts if not cuts or column > cuts[-1]]
        if not left:
            return None
        cuts.append(min(left, key=lambda column: _cost(circuit, cells, flat, column, total * share / bands)))
    found = {}
    for key, cell in cells.items():
        own = cell.column
        if circuit.parts[key].given:  # a given variable goes with the operation that it stands by
            users = [cells[user].column for user in circuit.users(key)]
            own = min((column for column in users if column >= cell.column), default=cell.column)
        found[key] = replace(cell, band=sum(own >= cut for cut in cuts))
    return found


def _unfolded_places(cells: Mapping[str, Cell], sizes: Mapping[str, Size]) -> dict[int, float]:
    """Roughly where each column would stand in one long row."""
    wide: dict[int, float] = {}
    for key, cell in cells.items():
        if cell.track == 0:
            wide[cell.column] = max(wide.get(cell.column, 0.0), sizes[key][0])
    at, found = 0.0, {}
    for column in range(min(cell.column for cell in cells.values()), 1 + max(cell.column for cell in cells.values())):
        found[column] = at
        at += wide.get(column, 0.0) + _ARROW
    return found


def _cost(
    circuit: Circuit, cells: Mapping[str, Cell], flat: Mapping[int, float], cut: int, wanted: float
) -> float:
    """How bad a cut is: far from where it is wanted, or through many arrows."""
    crossing = sum(cells[edge.start].column < cut <= cells[edge.end].column for edge in circuit.edges)
    return abs(flat[cut] - wanted) + 2.5 * crossing
