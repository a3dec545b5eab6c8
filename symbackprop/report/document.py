"""A report before it has a format or a language: typed blocks that hold trees and word keys.

Nothing here knows LaTeX, and nothing here is a sentence: `Text` names a sentence of the
language files and carries the formulas that stand in it.
"""

from dataclasses import dataclass
from typing import Literal

from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node
from symbackprop.report.texts import Literally as Literally
from symbackprop.report.texts import Part as Part
from symbackprop.report.texts import Text as Text


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Heading(Plain):
    """A numbered section; `label` is what other sentences refer to."""

    text: Text
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Paragraph(Plain):
    """Sentences after an optional bold lead; a lead made of formulas is a unit's name (`dW.`).

    `about` says what the formulas from here on are about: "sizes: anew" of another layer, whose letters for
    sizes may be others; "values: 1" after the first step of the descent, "values: last" after the last.
    """

    sentences: tuple[Text, ...]
    lead: Text | Node | None = None
    keep_with_next: bool = False
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Line(Plain):
    """One displayed formula, with a quiet statement of its shape in the right margin."""

    formula: Node
    margin: Node | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Equation(Plain):
    """One display of one or more lines; several are aligned at their first relation."""

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Table(Plain):
    """`columns` are the headings; a cell is a formula, a sentence or nothing.

    `widths` are shares of the line for columns of running text; a column with None is as wide
    as its content. `claims` say what each column says of its row: it is a `name`, is equal to it (`=`), is
    its `value`, lies `in` a space, `is` a statement by itself, its `sizes`; `row`: the number that the index
    in the headings takes, `step`: that of the descent, `at`: equal to the heading then. "" for words.
    """

    columns: tuple[Text, ...]
    rows: tuple[tuple[Node | Text | None, ...], ...]
    claims: tuple[str, ...] = ()
    widths: tuple[float | None, ...] = ()
    small: bool = False


Point = tuple[float, float]
"""A place in a picture: to the right and upwards, in cm."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Vertex(Plain):
    """A box (`variable`) or a circle (`operation`) of the graph, in grid units.

    A `copy` is the box of a variable that stands in the picture more than once.

    `upper` is what is printed in black, `lower` in the gradients' red (under it); `note` stands
    there in black where there is no gradient. `width` and `height` (cm) are what an exact
    diagram keeps free for it; 0 where nobody has reckoned.
    """

    key: str
    kind: Literal["variable", "operation", "plain", "copy"]
    x: float
    y: float
    upper: Node
    lower: Node | None = None
    note: Node | None = None
    width: float = 0.0
    height: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Arrow(Plain):
    """An edge of the graph; `back` adds the dashed red arrow with its local factor.

    Straight from one vertex to the other, unless `forward` gives the corners of the black line and
    `backward` those of the red one, both from the border where they begin to the border where they
    end. `place` is the centre of the factor, where it is reckoned. A `thread` is a thin line without
    a head. The `label` stands at a `share` of the way.
    """

    start: str
    end: str
    back: bool = True
    factor: Node | None = None
    label: Node | None = None
    forward: tuple[Point, ...] = ()
    backward: tuple[Point, ...] = ()
    place: Point | None = None
    thread: bool = False
    share: float = 0.6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Diagram(Plain):
    """A picture: vertices in grid units (1 unit is about 1 cm), arrows, and a text for the blind.

    In an `exact` one nothing touches as it is: all lengths are cm and nothing may be moved.
    """

    vertices: tuple[Vertex, ...]
    arrows: tuple[Arrow, ...]
    alternative: Text
    beside: Node | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Code(Plain):
    """Lines of a programming language, to be pasted."""

    language: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class AnswerBox(Plain):
    """A framed empty space of the worksheet; sizes in lines of text and a share of the width."""

    label: Node
    lines: int
    width: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Note(Plain):
    """A remark set apart: a convention, a warning."""

    sentences: tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Tick(Plain):
    """A place on an axis (cm from its beginning) and the number there."""

    at: float
    label: Node


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Curve(Plain):
    """Points joined by straight lines: a piece of a function, or of its `slope`."""

    slope: bool
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Mark(Plain):
    """A dot on a curve; an `open` one is where a curve ends without taking the value."""

    at: Point
    slope: bool
    open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Bar(Plain):
    """A bar that stands on the lower axis from `left` to `right`, in cm."""

    left: float
    right: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Panel(Plain):
    """A function and its derivative in one pair of axes; all lengths in cm from the lower left corner.

    `zero` is where the axes would cross, perhaps outside. A panel of `bars` has no curves, and its `title` in
    place of their names.
    """

    function: Node | None
    slope: Node | None
    argument: Node | None
    width: float
    height: float
    zero: Point
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    curves: tuple[Curve, ...]
    marks: tuple[Mark, ...]
    bars: tuple[Bar, ...] = ()
    title: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Plot(Plain):
    """Panels side by side. `places` are the example's own: argument, value and slope, for text formats; of
    bars where each stands and how high it is."""

    panels: tuple[Panel, ...]
    places: tuple[tuple[tuple[Node, ...], ...], ...]
    alternative: Text


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Judged(Plain):
    """A person's statement with its verdict: `formula` as they wrote it, else their `text`, word for word.

    `place` is the line of their file. `wrong` is the part of the text (from, to) that the verdict is
    about. `notes` say how it was read, why the verdict is so, and what was expected.
    """

    place: str
    mark: Literal["right", "near", "wrong", "unread"]
    verdict: Text
    formula: Node | None
    text: str
    wrong: tuple[int, int] | None = None
    notes: tuple[Text, ...] = ()


Block = Judged | Heading | Paragraph | Equation | Table | Diagram | Plot | Code | AnswerBox | Note


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Document(Plain):
    """A whole report. `subtitle` is the exercise's own title."""

    title: Text
    subtitle: Text | Literally
    blocks: tuple[Block, ...]
