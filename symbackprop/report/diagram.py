"""The picture of the computation: values forward in black, gradients back in red.

Everything is placed here, in cm, for letters of the size `small`; the typesetters only draw.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Final

from symbackprop.algebra.functions import TABLE
from symbackprop.exercise.model import LayerMarks
from symbackprop.notation.tree import (
    Cases,
    Chain,
    Coloured,
    Dots,
    Gradient,
    Index,
    Matrix,
    Name,
    Node,
    Number,
    Quotient,
    Sum,
    children,
    walk,
)  # fmt: skip
from symbackprop.notation.write_latex import to_latex
from symbackprop.notation.write_style import Style
from symbackprop.report import measure
from symbackprop.report.arrange import PAGE, arrange
from symbackprop.report.circuit import SIGNS, Circuit, Edge, Inner, Local, Part, Texts, circuit
from symbackprop.report.document import Arrow, Diagram, Point, Text, Vertex
from symbackprop.report.picture import laid_out
from symbackprop.report.route import PAIR, Block, Streets, box_for, circle_for, shifted
from symbackprop.report.spacing import Arrangement, Size

TALL: Final = 17.0
"""The height in cm that a picture may have on the page."""

_EM: Final = 0.386  # cm, of the page's text
_SMALL: Final = 0.914  # letters in boxes, of the page's
_FOOTNOTE: Final = 0.822  # letters of labels
_LINE: Final = 0.45  # cm, a line in a box
_SIDES: Final = 0.34  # cm, left and right of the text in a box, both together
_FACES: Final = 0.24  # cm, over and under it
_BOX: Final = 1.1  # cm, the least height of a box
_LOW_BRACKETS: Final = 0.6  # em: how much narrower those of one row are than those of a tall matrix
_ROUND: Final = 0.86  # cm, the least diameter of a circle
_STRETCHES: Final = (1.0, 1.2, 1.45, 1.8, 2.4, 1.2)  # how far streets widen while arrows find no way

Key = tuple[str, str]


def graph(
    equations: Sequence[tuple[str, Node]],
    *,
    upper: Callable[[str], Node],
    lower: Callable[[str], Node | None],
    factor: Callable[[str, str], Node | None],
    alternative: Text,
    inner: Inner | None = None,
    summand: Callable[[Node, str], Node | None] | None = None,
    note: Callable[[str], Node | None] | None = None,
    local: Local | None = None,
    shown: Callable[[Node], Node] | None = None,
    share: Callable[[str, str], Node | None] | None = None,
    repeated: Collection[str] = (),
    split: bool = False,
    width: Callable[[Node], float] | None = None,
    label_width: Callable[[Node], float] | None = None,
) -> Diagram:
    """The graph of a model: its equations in order, the last one the loss.

    `upper(name)` and `lower(name)` are the black and the red text of a variable's box; no `lower`
    means no gradient and no arrow back, and `note(name)` may stand there instead.
    `factor(target, through)` is the local factor by which the gradient of `through` is multiplied
    on its way to `target`; it is asked only where the arrow's own factor is that of the whole
    equation. `inner(expression, gradient)` gives both texts of an intermediate such as `W x`, or None
    for no box, and `summand(term, equation)` the factor on the way from a sum to a term that `factor`
    does not know: 1 unless told, which is wrong where a scalar is added to an array.
    `local(operation, place)` is the derivative of an operation by one of its operands, `shown` how
    such a factor is printed. Each of the `repeated` names gets a box at each use, and in it the
    `share(name, equation)` that comes back there. `split` takes the loss apart like the other
    equations. `width(node)` is the width of a formula in em, `label_width(node)` that
    of a factor beside an arrow, where it differs. Raises ValueError for a model that is
    empty, goes round in a circle or computes a name twice.
    """
    texts = Texts(
        upper=upper,
        lower=lower,
        factor=factor,
        inner=inner or (lambda expression, _gradient: (expression, None)),
        summand=summand or (lambda _term, _name: Number(Fraction(1))),
        note=note or (lambda _name: None),
        local=local or (lambda _operation, _place: None),
        shown=shown or (lambda factor: factor),
        share=share or (lambda _name, _through: None),
    )
    model = circuit(equations, texts, repeated=repeated, split=split)
    wide = width or estimated_width
    sizes = {
        key: vertex_size(part, wide, arrows=max(len(model.inputs(key)), len(model.users(key))))
        for key, part in model.parts.items()
    }
    labels = {
        (edge.start, edge.end): label_size(edge.factor, label_width or wide)
        for edge in model.edges
        if edge.back and edge.factor is not None
    }
    for turn, stretch in enumerate(_STRETCHES):
        arrangement = arrange(model, sizes, labels, stretch)
        arrows = _arrows(model, arrangement, sizes, labels, anyhow=turn == len(_STRETCHES) - 1)
        if arrows is not None:
            break
    assert arrows is not None
    vertices = tuple(_vertex(part, arrangement, sizes[key]) for key, part in model.parts.items())
    return Diagram(vertices=vertices, arrows=tuple(arrows), alternative=alternative, exact=True)


def room_of(diagram: Diagram) -> tuple[float, bool]:
    """The share of its size at which a picture fits the page, at most 1, and whether it is folded.

    0 for one that is too high for the page.
    """
    picture = laid_out(diagram)
    size = min(1.0, PAGE / max(picture.width, 0.1))
    folded = diagram.vertices[-1].y < -0.01
    return (size if picture.height * size <= TALL else 0.0), folded


def fan(layer: str, source: str, weight: str, *, alternative: Text, size: str = "k") -> Diagram:
    """`x_i` feeds all of `z_1 … z_k` (`size` names the k): weights on the arrows, gradients in red."""
    own = Index(Name(source), (Name("i"),))
    units = [Index(Name(layer), (_place(row),)) for row in ("1", "2", size)]
    wide = max(estimated_width(unit) for unit in (own, *units)) * _EM * _SMALL
    apart = max(1.0, (1.15 * wide + 0.3) / 0.95)  # circles of long names are larger
    rows = (("1", 1.15 * apart), ("2", 0.15 * apart), (size, -1.15 * apart))
    far = 1.0 + 0.35 * (apart - 1.0)
    vertices = [_circle("source", 0.0, 0.0, own), _gradient("out", -1.85 * far, 0.0, own)]
    arrows = [Arrow(start="source", end="out", back=False)]
    for row, y in rows:
        place = _place(row)
        unit = Index(Name(layer), (place,))
        vertices += [
            _circle(f"unit-{row}", 2.7 * far, y, unit),
            _gradient(f"in-{row}", 4.55 * far, y, unit),
        ]
        link = Index(Name(weight), (place, Name("i")))
        arrows.append(Arrow(start="source", end=f"unit-{row}", back=False, label=link))
        arrows.append(Arrow(start=f"in-{row}", end=f"unit-{row}", back=False))
    x, y = 2.7 * far, -0.5 * apart + 0.03
    vertices.append(Vertex(key="dots", kind="plain", x=x, y=y, upper=Dots("v"), width=0.3, height=0.45))
    return Diagram(vertices=tuple(vertices), arrows=tuple(arrows), alternative=alternative, exact=True)


def _place(row: str) -> Node:
    return Number(Fraction(row)) if row.isdigit() else Name(row)


def _circle(key: str, x: float, y: float, upper: Node) -> Vertex:
    return Vertex(key=key, kind="operation", x=x, y=y, upper=upper, width=0.75, height=0.75)


def _gradient(key: str, x: float, y: float, of: Node) -> Vertex:
    return Vertex(
        key=key, kind="plain", x=x, y=y, upper=Coloured(Gradient(of)), width=0.8, height=0.5
    )  # fmt: skip


# --- sizes ------------------------------------------------------------------------

_STYLE: Final = Style(
    functions={name: row.latex for name, row in TABLE.items()},
    names=SIGNS,
    macros=True,
    words={"nothing": "", "mean": "media"},
)


def estimated_width(node: Node, style: Style = _STYLE) -> float:
    """The width of a formula in em of its own letters, set in a line of text."""
    low = sum(isinstance(part, Matrix) and _height(part) <= 1.0 for part in walk(node))
    return measure.width(to_latex(node, style)) - _LOW_BRACKETS * low


def width_with(layers: LayerMarks, layer_names: frozenset[str]) -> Callable[[Node], float]:
    """`estimated_width` where the numbers of layers are set as the exercise says: `W^{[1]}`."""
    return partial(estimated_width, style=replace(_STYLE, layers=layers, layer_names=layer_names))


def vertex_size(part: Part, width: Callable[[Node], float], *, arrows: int = 1) -> Size:
    """What a vertex takes, in cm; it grows with the arrows that enter a circle or leave a box."""
    texts = [text for text in (part.upper, part.lower, part.note) if text is not None]
    wide = max(map(width, texts)) * _EM * _SMALL
    high = sum(map(_height, texts)) * _LINE
    if part.kind == "operation":
        across = max(_ROUND, 1.15 * wide + 0.2, circle_for(arrows))
        return across, across
    least = 0.0 if part.kind == "plain" else _BOX
    return max(wide + _SIDES, box_for(arrows)), max(least, high + _FACES)


def label_size(node: Node, width: Callable[[Node], float]) -> Size:
    """What a factor beside an arrow takes, in cm."""
    return width(node) * _EM * _FOOTNOTE + 0.1, 0.36 * _height(node) + 0.04


def _height(node: Node) -> float:
    """The height of a formula in lines of text."""
    inside = max((_height(child) for child in children(node)), default=1.0)
    match node:
        case Matrix(rows):
            return sum(max(map(_height, row), default=1.0) for row in rows) + (0.2 if len(rows) > 1 else 0.0)
        case Cases(branches):
            return max(1.0, 1.1 * sum(max(map(_height, branch)) for branch in branches))
        case Quotient(Number(), Number()):
            return 1.1
        case Quotient(above, below, inline) if not inline:
            return 0.75 * (_height(above) + _height(below))
        case Sum():
            return max(inside, 1.4)
        case Chain(members):
            return max(map(_height, members))
    return inside


# --- vertices and arrows ----------------------------------------------------------


def _vertex(part: Part, arrangement: Arrangement, size: Size) -> Vertex:
    x, y = arrangement.places[part.key]
    return Vertex(
        key=part.key, kind=part.kind, x=round(x, 2), y=round(y, 2), upper=part.upper, lower=part.lower,
        note=part.note, width=round(size[0], 2), height=round(size[1], 2),
    )  # fmt: skip


def _arrows(
    model: Circuit,
    arrangement: Arrangement,
    sizes: Mapping[str, Size],
    labels: Mapping[Key, Size],
    *,
    anyhow: bool,
) -> list[Arrow] | None:
    """All arrows; None when one finds no way or its label no place (`anyhow`: then without)."""
    blocks = {
        key: Block(x=x, y=y, width=sizes[key][0], height=sizes[key][1], round=part.kind == "operation")
        for key, part in model.parts.items()
        for x, y in (arrangement.places[key],)
    }
    streets = Streets(blocks=blocks, labels=[])
    found: dict[Key, Arrow] = {}
    for way in arrangement.straight:
        key = (way.edge.start, way.edge.end)
        place = arrangement.labels.get(key)
        found[key] = _arrow(way.edge, place)
        ends = _border(blocks[key[0]], blocks[key[1]])
        streets.ports |= set(ends)
        streets.lines.append(ends)
        if place is not None:
            streets.labels.append(Block(x=place[0], y=place[1], width=labels[key][0], height=labels[key][1]))
    rest = [edge for edge in model.edges if (edge.start, edge.end) not in found]
    ways: dict[Key, tuple[Point, ...]] = {}
    for edge in sorted(rest, key=lambda edge: _urgency(edge, arrangement, blocks)):
        key = (edge.start, edge.end)
        corners = streets.route(*key, arrangement.wanted.get(key))
        if corners is None and not anyhow:
            return None
        if corners is not None:
            ways[key] = corners
    for edge in rest:
        key = (edge.start, edge.end)
        label = labels.get(key)
        spot = (
            None if label is None or key not in ways else _spot(ways[key], label, streets, blocks[edge.end])
        )
        if label is not None and spot is None and not anyhow:
            return None
        if spot is not None:
            streets.labels.append(spot)
        found[key] = _bent(edge, ways.get(key), spot, blocks)
    return [found[edge.start, edge.end] for edge in model.edges]


def _arrow(edge: Edge, place: Point | None) -> Arrow:
    factor = edge.factor if edge.back else None
    return Arrow(
        start=edge.start, end=edge.end, back=edge.back, factor=factor,
        place=None if place is None else (round(place[0], 2), round(place[1], 2)),
    )  # fmt: skip


def _bent(
    edge: Edge, way: tuple[Point, ...] | None, spot: Block | None, blocks: Mapping[str, Block]
) -> Arrow:
    """An arrow with corners: the black line to one side of the way, the red one to the other."""
    arrow = _arrow(edge, None if spot is None else (spot.x, spot.y))
    if way is None:
        return arrow
    start, end = blocks[edge.start], blocks[edge.end]
    if not edge.back:
        return replace(arrow, forward=_clipped(way, start, end))
    black = _clipped(shifted(way, PAIR), start, end)
    red = _clipped(shifted(way, -PAIR), start, end)
    return replace(arrow, forward=black, backward=red[::-1])


def _clipped(line: Sequence[Point], start: Block, end: Block) -> tuple[Point, ...]:
    """The line from border to border, rounded to what a person would type."""
    corners = list(line)
    corners[0] = _on_border(corners[0], corners[1], start)
    corners[-1] = _on_border(corners[-1], corners[-2], end)
    return tuple((round(x, 2), round(y, 2)) for x, y in corners)


def _on_border(point: Point, toward: Point, block: Block) -> Point:
    """Where a line that ends near a circle's border meets it; a box's border it meets already."""
    if not block.round:
        return point
    radius = block.width / 2
    if abs(point[0] - toward[0]) < 1e-9:
        up = math.sqrt(max(0.0, radius**2 - (point[0] - block.x) ** 2))
        return (point[0], block.y + math.copysign(up, toward[1] - block.y))
    across = math.sqrt(max(0.0, radius**2 - (point[1] - block.y) ** 2))
    return (block.x + math.copysign(across, toward[0] - block.x), point[1])


def _border(start: Block, end: Block) -> tuple[Point, Point]:
    """The middle line of a straight arrow, between the borders."""
    if abs(start.y - end.y) < 1e-9:
        way = math.copysign(1.0, end.x - start.x)
        return (start.x + way * start.width / 2, start.y), (end.x - way * end.width / 2, end.y)
    way = math.copysign(1.0, end.y - start.y)
    return (start.x, start.y + way * start.height / 2), (end.x, end.y - way * end.height / 2)


def _urgency(edge: Edge, arrangement: Arrangement, blocks: Mapping[str, Block]) -> tuple[bool, float]:
    """Which arrows find their way first: those of a chain that goes on, then the short ones."""
    start, end = blocks[edge.start], blocks[edge.end]
    onward = arrangement.wanted.get((edge.start, edge.end)) == "W"
    return (not onward, abs(start.x - end.x) + abs(start.y - end.y))


def _spot(way: Sequence[Point], label: Size, streets: Streets, end: Block) -> Block | None:
    """A free place for a label beside a way, near its end if there is one."""
    wide, high = label
    if abs(way[-1][1] - way[-2][1]) < 1e-9:  # like that of a straight arrow: under its circle, or over it
        for side in (-1, 1):
            y = end.y + side * (end.height / 2 + 0.06 + high / 2)
            block = Block(x=end.x, y=y, width=wide, height=high)
            if _is_free(block, streets):
                return block
    for begin, stop in reversed(list(pairwise(way))):
        upright = abs(begin[0] - stop[0]) < 1e-9
        for share in (0.5, 0.3, 0.7, 0.15, 0.85):
            x, y = begin[0] + share * (stop[0] - begin[0]), begin[1] + share * (stop[1] - begin[1])
            for side in (1, -1):
                gap = side * (PAIR + 0.1)
                block = Block(
                    x=x + gap + side * wide / 2 if upright else x,
                    y=y if upright else y - gap - side * high / 2,
                    width=wide,
                    height=high,
                )
                if _is_free(block, streets):
                    return block
    return None


def _is_free(block: Block, streets: Streets) -> bool:
    taken = [*streets.blocks.values(), *streets.labels]
    if any(block.meets(other, 0.05) for other in taken):
        return False
    return not any(block.holds(line, PAIR + 0.03) for line in streets.lines)
