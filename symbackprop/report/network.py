"""The drawing of a network: a column of circles for each layer, and a line for each weight."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

from symbackprop.notation.tree import Dots, Name, Node, Number, Size
from symbackprop.report.diagram import estimated_width
from symbackprop.report.document import Arrow, Diagram, Text, Vertex

MOST: Final = 6
"""Neurons of a column; of more, or of any number, the first two and the last are drawn."""

COLUMNS: Final = 6
"""Columns of a drawing; of more, the first three and the last two are drawn."""

LABELLED: Final = 2
"""Between so few neurons, or into a single one, and in so few layers, each line has its weight."""

_EM: Final = 0.386 * 0.914  # cm, of letters of the size small
_CIRCLE: Final = 0.86  # cm, the least diameter
_ROW: Final = 0.32  # cm between two circles
_LABELLED_ROW: Final = 0.8
_COLUMN: Final = 2.6  # cm between two columns, at least
_TEXT: Final = 0.5  # cm, a line of text over or under a column

Place = int | None
"""A neuron by its number; None for those that are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The neurons of a layer: how many, what is in the circle of each, what stands under them.

    `over` is what the lines from the column before stand for, `weight(i, j)` the weight of the line
    from neuron j of that column to neuron i; `bias` says whether the layer has one.
    """

    size: Size
    label: Callable[[Node | None], Node]
    under: Node
    function: Node | None = None
    over: Node | None = None
    weight: Callable[[int, int], Node] | None = None
    bias: bool = False


def network(columns: Sequence[Column], *, alternative: Text) -> Diagram:
    """The drawing of the layers from the inputs to the outputs. Raises ValueError for no columns."""
    if not columns:
        raise ValueError("a network without layers has no drawing")
    shown: list[Column | None] = list(columns)
    if len(columns) > COLUMNS:
        shown = [*columns[:3], None, *columns[-2:]]
    maker = _Maker(shown)
    return Diagram(
        vertices=tuple(maker.vertices), arrows=tuple(maker.threads()), alternative=alternative, exact=True
    )


def neurons(size: Size) -> tuple[Place, ...]:
    """Which neurons of a column are drawn: `1, 2, None, 0` where not all are; 0 stands for the last."""
    if isinstance(size, int) and size <= MOST:
        return tuple(range(1, size + 1))
    return (1, 2, None, 0)


class _Maker:
    """Places the circles, then joins them."""

    def __init__(self, columns: Sequence[Column | None]) -> None:
        self.columns = columns
        self.vertices: list[Vertex] = []
        self.circle = max(
            _CIRCLE,
            *(
                1.15 * estimated_width(label) * _EM + 0.2
                for column in columns
                if column is not None
                for label in self.labels(column)
            ),
        )
        self.tall = max(len(neurons(column.size)) for column in columns if column is not None)
        labelled = any(self.labelled(before, here) for before, here in pairwise(columns))
        self.row = self.circle + (_LABELLED_ROW if labelled else _ROW)
        self.place()

    def labels(self, column: Column) -> list[Node]:
        return [column.label(place) for place in self.places(column) if place is not None]

    def places(self, column: Column) -> list[Node | None]:
        """The numbers of the neurons as nodes; the last one may be a letter."""
        last: Node = Number(Fraction(column.size)) if isinstance(column.size, int) else Name(column.size)
        if column.size == 1:
            return [last]
        return [
            None if place is None else last if place == 0 else Number(Fraction(place))
            for place in neurons(column.size)
        ]

    def labelled(self, before: Column | None, here: Column | None) -> bool:
        """Whether each line between two columns has its weight."""
        if before is None or here is None or here.weight is None or not isinstance(here.size, int):
            return False
        if len(self.columns) > LABELLED + 1:
            return False
        few = isinstance(before.size, int) and max(before.size, here.size) <= LABELLED
        return few or (here.size == 1 and isinstance(before.size, int) and before.size <= MOST)

    def place(self) -> None:
        """Columns from left to right, each in the middle of the height."""
        x = 0.0
        wide = [self.wide(column) for column in self.columns]
        for at, column in enumerate(self.columns):
            if at:
                room = self.room(self.columns[at - 1], column)
                x += max(room, 0.55 * (wide[at - 1] + wide[at]) + 0.3)
            if column is None:
                self.vertices.append(_bare("more", x, 0.0, Dots("c"), 0.6))
            else:
                self.column(at, column, x)
        self.headers()

    def wide(self, column: Column | None) -> float:
        """What stands under a column, in cm."""
        if column is None:
            return 0.6
        texts = [text for text in (column.under, column.function) if text is not None]
        return max(self.circle, *(estimated_width(text) * _EM for text in texts))

    def room(self, before: Column | None, here: Column | None) -> float:
        if before is None or here is None:
            return 0.5 * _COLUMN + 0.2
        over = 0.0 if here.over is None else estimated_width(here.over) * _EM + 0.4
        return max(_COLUMN + (0.9 if self.labelled(before, here) else 0.0), over)

    def column(self, at: int, column: Column, x: float) -> None:
        count = len(neurons(column.size))
        for place, node in enumerate(self.places(column)):
            y = ((count - 1) / 2 - place) * self.row
            if node is None:
                self.vertices.append(_bare(f"dots-{at}", x, y, Dots("v"), 0.3))
            else:
                self.vertices.append(_circle(f"n-{at}-{place}", x, y, column.label(node), self.circle))
        low = -(self.tall - 1) / 2 * self.row - self.circle / 2
        for line, text in enumerate((column.under, column.function)):
            if text is not None:
                y = low - 0.1 - (line + 0.5) * _TEXT
                self.vertices.append(_bare(f"under-{at}-{line}", x, y, text, estimated_width(text) * _EM))

    def headers(self) -> None:
        """Over each pair of columns the names of the weights, and the circle that carries the bias."""
        top = (self.tall - 1) / 2 * self.row + self.circle / 2
        across = {vertex.key: vertex.x for vertex in self.vertices}
        for at, column in enumerate(self.columns):
            if column is None or at == 0 or self.columns[at - 1] is None:
                continue
            left, right = across[f"under-{at - 1}-0"], across[f"under-{at}-0"]
            bias = top + self.row - self.circle + _CIRCLE / 2
            if column.bias:
                one = Number(Fraction(1))
                self.vertices.append(_circle(f"one-{at}", left, bias, one, _CIRCLE))
            if column.over is not None:
                y = bias + 0.25 if column.bias else top + 0.2
                wide = estimated_width(column.over) * _EM
                self.vertices.append(_bare(f"over-{at}", (left + right) / 2, y, column.over, wide))

    # --- lines -------------------------------------------------------------------------------

    def threads(self) -> Iterator[Arrow]:
        """A line from each neuron, and from the one that carries the bias, to each of the next column."""
        for at in range(1, len(self.columns)):
            before, here = self.columns[at - 1], self.columns[at]
            if before is None or here is None:
                continue
            labelled = self.labelled(before, here)
            for i, target in enumerate(neurons(here.size)):
                for j, source in enumerate(neurons(before.size)):
                    if target is None or source is None:
                        continue
                    weight = here.weight(i + 1, j + 1) if labelled and here.weight is not None else None
                    yield Arrow(
                        start=f"n-{at - 1}-{j}", end=f"n-{at}-{i}", back=False, thread=True, label=weight,
                        share=0.4 if here.size == 1 else 0.33,
                    )  # fmt: skip
                if here.bias and target is not None:
                    yield Arrow(start=f"one-{at}", end=f"n-{at}-{i}", back=False, thread=True)


def _circle(key: str, x: float, y: float, upper: Node, size: float) -> Vertex:
    return Vertex(
        key=key, kind="operation", x=round(x, 2), y=round(y, 2), upper=upper, width=round(size, 2),
        height=round(size, 2),
    )  # fmt: skip


def _bare(key: str, x: float, y: float, upper: Node, wide: float) -> Vertex:
    return Vertex(
        key=key, kind="plain", x=round(x, 2), y=round(y, 2), upper=upper, width=round(wide, 2), height=0.45
    )  # fmt: skip
