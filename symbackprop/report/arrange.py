"""Where the vertices of a computation stand: columns, tracks and bands.

Operations and what they compute go from left to right, a column for each step of the longest
way. The longest way of all lies on track 0 and branches lie on tracks below or above it. A given
variable stands over, under or before the first operation that it enters, as on the board. A
picture too wide for the page is cut into bands, one under the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from symbackprop.notation.tree import Name
from symbackprop.report.circuit import Circuit
from symbackprop.report.spacing import ARROW, Arrangement, Cell, Size, full_width, in_centimetres

PAGE: Final = 17.0  # cm
_FOLD_BELOW: Final = 0.78  # of its size: a picture that would be scaled further down is folded
_BOARD: Final = 8  # vertices: in a longer row the input stands before the first product, not under it
_TORN: Final = 4.0  # cm: how much further away a cut may be that does not go through an equation
_INSIDE: Final = 6.0  # … and one before a product, where a layer begins
_DEEP: Final = 40  # tracks; further out a branch is put down wherever its own track is free

Slot = tuple[int, int]


def arrange(
    circuit: Circuit, sizes: Mapping[str, Size], labels: Mapping[tuple[str, str], Size], stretch: float
) -> Arrangement:
    """Place everything; `stretch` widens the streets between boxes for the sake of routed arrows."""
    cells = _Grid(circuit).cells()
    whole = in_centimetres(circuit, cells, sizes, labels, stretch)
    wide = full_width(whole, sizes, labels)
    bands = 1
    while wide * _FOLD_BELOW > PAGE and bands < 8:
        bands += 1
        folded = _folded(circuit, cells, sizes, bands)
        if folded is None:
            break
        now = in_centimetres(circuit, folded, sizes, labels, stretch)
        if (narrow := full_width(now, sizes, labels)) >= wide:
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
        self.data_first = self.flow()
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

    def flow(self) -> bool:
        """Whether products have what was computed before as their first factor, as in `X W`."""
        computed = [
            [not self.circuit.parts[other].given for other in self.inputs[key]]
            for key in self.core
            if self.circuit.parts[key].upper == Name("×") and len(self.inputs[key]) == 2
        ]
        mixed = [pair for pair in computed if any(pair) and not all(pair)]
        return 2 * sum(pair[0] for pair in mixed) > len(mixed)

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
        tracks = [sign * depth for depth in range(1, 2 * _DEEP) for sign in (-1, 1)]
        span = range(self.columns[chain[0]], self.columns[chain[-1]] + 1)
        for track in tracks if self.found else [0]:
            if any((column, track) in self.taken for column in span):
                continue
            slots, complete = self.satellites(chain, track)
            if not complete and abs(track) < _DEEP and track != 0:
                continue
            for key in chain:
                self.found[key] = Cell(column=self.columns[key], track=track)
            for key, (column, row) in slots.items():
                self.found[key] = Cell(column=column, track=row)
                self.taken.add((column, row))
            self.taken |= {(column, track) for column in span}
            return
        raise ValueError("no room for a branch of the picture")

    def satellites(self, chain: Sequence[str], track: int) -> tuple[dict[str, Slot], bool]:
        """Where the given variables of a chain's operations go, and whether there is room enough."""
        slots: dict[str, Slot] = {}
        complete = True
        for key in chain:
            given = [
                other for other in self.inputs[key]
                if self.circuit.parts[other].given and other not in self.found and other not in slots
            ]  # fmt: skip
            free = self.sides(chain, key, track, slots, len(given))
            complete = complete and len(free) >= min(len(given), 2)
            slots.update(zip(given, free, strict=False))
        return slots, complete

    def sides(
        self, chain: Sequence[str], key: str, track: int, slots: Mapping[str, Slot], count: int
    ) -> list[Slot]:
        """The free places next to an operation, the best first."""
        column = self.columns[key]
        above, below, before = (column, track + 1), (column, track - 1), (column - 1, track)
        first = key == chain[0]
        others = {other for other in self.inputs[key] if not self.circuit.parts[other].given}
        joins = len(others - set(chain)) > 0  # a branch comes in, from below if it can
        wanted = [above, below]
        if first and not others:
            given = [other for other in self.inputs[key] if self.circuit.parts[other].given]
            skipping = any(len(self.users[other]) > 1 for other in given)  # from under the row it goes round
            flowing = len(self.chains) > 1 or (len(chain) > _BOARD and not skipping)
            wanted = [above, before, below] if flowing else [above, below, before]
            if flowing and self.data_first:
                wanted = [before, above, below]
        elif joins and count == 1:
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


# --- folding ----------------------------------------------------------------------


def _folded(
    circuit: Circuit,
    cells: Mapping[str, Cell],
    sizes: Mapping[str, Size],
    bands: int,
) -> dict[str, Cell] | None:
    """The cells cut into bands of about the same width, each beginning with an operation."""
    flat = _unfolded_places(cells, sizes)
    operations = {cells[key].column for key, part in circuit.parts.items() if part.kind == "operation"}
    starts = sorted(operations)[1:]
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
    columns = [cell.column for cell in cells.values()]
    at, found = 0.0, {}
    for column in range(min(columns), 1 + max(columns)):
        found[column] = at
        at += wide.get(column, 0.0) + ARROW
    return found


def _cost(
    circuit: Circuit, cells: Mapping[str, Cell], flat: Mapping[int, float], cut: int, wanted: float
) -> float:
    """How bad a cut is: far from where it is wanted, or through many arrows."""
    over = [edge for edge in circuit.edges if cells[edge.start].column < cut <= cells[edge.end].column]
    torn = sum(_TORN for edge in over if edge.start.startswith(("op-", "in-")))
    inside = sum(_INSIDE for edge in over if circuit.parts[edge.end].upper != Name("×"))
    return abs(flat[cut] - wanted) + 2.5 * len(over) + torn + inside
