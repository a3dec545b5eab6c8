"""A model taken apart into variables and operations: what the picture of the computation shows.

`z = W x + b` is a product, the intermediate `W x`, a sum and `z`. A function of the table is one
operation, and so is the loss, whatever they are made of.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, Literal

from symbackprop.notation.tree import Add, Gradient, Name, Neg, Node, Number, Product, bare
from symbackprop.report.operations import (
    ANY,
    UNNAMED,
    count_operations,
    free_names,
    operands,
    plain_operand,
    sign_of,
)

SIGNS: Final[Mapping[str, str]] = {
    "+": "+", "−": "-", "×": r"\times", "⊙": r"\odot", "÷": r"\div", "·": r"\cdot",
}  # fmt: skip
"""The names that stand for signs in circles, and how LaTeX prints them."""

MOST_OPERATIONS: Final = 6
"""An equation of more operations than this is shown as one."""

Inner = Callable[[Node, Node | None], tuple[Node, Node | None] | None]
"""The black and the red text of an intermediate expression, from it and the formula of its gradient,
where that is known; None where there is nothing to say, and then it gets no box."""

Local = Callable[[Node, int], Node | None]
"""The derivative of an operation by the operand at a place, where it is a plain factor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A vertex without a place. A `given` one has no operation before it."""

    key: str
    kind: Literal["variable", "operation", "plain", "copy"]
    upper: Node
    lower: Node | None = None
    note: Node | None = None
    given: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """From a variable to an operation, or from an operation to its result."""

    start: str
    end: str
    back: bool
    factor: Node | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """Vertices in the order of the model, the loss last, and the edges between them."""

    parts: Mapping[str, Part]
    edges: tuple[Edge, ...]

    def inputs(self, key: str) -> list[str]:
        """What enters a vertex, in written order."""
        return [edge.start for edge in self.edges if edge.end == key]

    def users(self, key: str) -> list[str]:
        """What a vertex enters."""
        return [edge.end for edge in self.edges if edge.start == key]


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """What the boxes and arrows say; see `diagram.graph`."""

    upper: Callable[[str], Node]
    lower: Callable[[str], Node | None]
    factor: Callable[[str, str], Node | None]
    inner: Inner
    summand: Callable[[Node, str], Node | None]
    note: Callable[[str], Node | None]
    local: Local
    shown: Callable[[Node], Node]
    share: Callable[[str, str], Node | None]


def circuit(
    equations: Sequence[tuple[str, Node]],
    texts: Texts,
    *,
    repeated: Collection[str] = (),
    split: bool = False,
) -> Circuit:
    """Take the model apart; `split` takes the loss apart too, `repeated` names get a box for each use.

    Raises ValueError for no equations or a name computed twice.
    """
    names = [name for name, _ in equations]
    if not names:
        raise ValueError("a model without equations has no picture")
    if len(set(names)) < len(names):
        raise ValueError("a name is computed twice")
    taken = {*names, *(used for _, body in equations for used in free_names(body))}
    builder = _Builder(texts, frozenset(repeated), taken)
    for name, body in equations[:-1]:
        builder.equation(name, bare(body), Gradient(Name(name)))
    name, body = equations[-1]
    if split and count_operations(bare(body)) <= MOST_OPERATIONS:
        builder.equation(name, bare(body), Number(Fraction(1)))
    else:
        builder.loss(name, body)
    return Circuit(parts=builder.parts, edges=tuple(builder.edges))


class _Builder:
    """Collects vertices and edges, equation by equation."""

    def __init__(self, texts: Texts, repeated: frozenset[str], taken: Collection[str]) -> None:
        self.texts = texts
        self.taken = taken  # the names of the whole model
        self.repeated = repeated
        self.parts: dict[str, Part] = {}
        self.edges: list[Edge] = []
        self.name = ""
        self.count = 0
        self.uses: list[str] = []  # the names in the present equation, as often as they occur

    def equation(self, name: str, body: Node, arriving: Node) -> None:
        """One equation whose operations are shown; `arriving` is the gradient of its result."""
        self.name, self.count = name, 0
        whole = count_operations(body) > MOST_OPERATIONS
        self.uses = list(free_names(body))
        self.operation(body, name, arriving, through_sums=True, whole=whole)

    def loss(self, name: str, body: Node) -> None:
        """The last equation: one operation, with the name of the loss in its circle."""
        self.name, self.count = name, 0
        key = f"op-{name}"
        entering = [self.variable(other) for other in dict.fromkeys(free_names(body))]
        self.close(key, Name(name), name, entering)

    def operation(
        self, body: Node, out: str, arriving: Node | None, *, through_sums: bool, whole: bool = False
    ) -> None:
        """The operation that makes `out`, and before it what it works on.

        `through_sums` says that `out` goes into the equation's own result unchanged, so that the
        factor of the equation is the factor of this operation.
        """
        names = [Name(name) for name in free_names(body)]
        parts: list[Node] = list(names) if whole else [plain_operand(part) for part in operands(body)]
        sign = ANY if whole else sign_of(body)
        sign = UNNAMED if sign == ANY and "f" in self.taken else sign
        entering: dict[str, Edge] = {}
        key = f"op-{out}"
        summing = not whole and isinstance(body, Add) and sign == Name("+")
        minus = not whole and isinstance(body, Add) and not summing
        for place, part in enumerate(parts):
            way = _Way(
                key=key,
                sign=-1 if minus and place else 1 if minus or summing else 0,
                here=parts.count(part) if isinstance(part, Name) else 0,
                local=None if whole else self.texts.local(body, place),
                arriving=arriving,
                through_sums=through_sums,
            )
            edge = self.operand(part, way)
            entering.setdefault(edge.start, edge)
        self.close(key, sign, out, list(entering.values()))

    def operand(self, part: Node, way: "_Way") -> Edge:
        """The edge by which an operand enters an operation; a name does so `way.here` times.

        The equation's factor is the edge's own if the name occurs nowhere else in the equation.
        """
        if isinstance(part, Name):
            edge = self.variable(part.name)
            if not (way.through_sums and way.here == self.uses.count(part.name)):
                edge = replace(edge, factor=self.factor(part, way) if way.here == 1 else None)
            return edge if edge.back else replace(edge, factor=None)
        self.count += 1
        inner = f"in-{self.name}-{self.count}"
        if not any(free_names(part)):
            self.parts[inner] = Part(key=inner, kind="plain", upper=part, given=True)
            return Edge(start=inner, end=way.key, back=False)
        arriving = way.returning()
        self.operation(part, inner, arriving, through_sums=way.through_sums and way.sign == 1)
        back = self.parts_back(f"op-{inner}")
        made = self.texts.inner(part, arriving if back else None)
        start = inner
        if made is None:
            start = f"op-{inner}"
            self.edges = [edge for edge in self.edges if edge.end != inner]
        else:
            upper, lower = made
            self.parts[inner] = Part(key=inner, kind="variable", upper=upper, lower=lower if back else None)
        return Edge(start=start, end=way.key, back=back, factor=self.factor(part, way) if back else None)

    def factor(self, part: Node, way: "_Way") -> Node | None:
        """The factor on the way back from an operation to one of its operands, where it is plain."""
        if not way.sign:
            return None if way.local is None else self.texts.shown(way.local)
        factor = self.texts.summand(part, self.name)
        return factor if way.sign == 1 or factor is None else Neg(factor)

    def variable(self, name: str) -> Edge:
        """A variable of the model on its way into an operation of the present equation."""
        lower = self.texts.lower(name)
        key = name
        if name in self.repeated:
            key = f"{name}@{self.name}"
            if lower is not None and key not in self.parts:
                share = self.texts.share(name, self.name)
                self.parts[key] = Part(
                    key=key, kind="copy", upper=self.texts.upper(name), lower=share, given=True
                )
        if key not in self.parts:
            note = self.texts.note(name) if lower is None else None
            self.parts[key] = Part(
                key=key, kind="variable", upper=self.texts.upper(name), lower=lower, note=note, given=True
            )
        back = lower is not None
        factor = self.texts.factor(name, self.name) if back else None
        return Edge(start=key, end="", back=back, factor=factor)

    def parts_back(self, key: str) -> bool:
        """Whether any gradient goes back from the operation `key`."""
        return any(edge.back for edge in self.edges if edge.end == key)

    def close(self, key: str, sign: Node, out: str, entering: Sequence[Edge]) -> None:
        """The circle itself, its edges, and its result when that is a name."""
        self.parts[key] = Part(key=key, kind="operation", upper=sign)
        self.edges += [
            Edge(start=edge.start, end=key, back=edge.back, factor=edge.factor) for edge in entering
        ]
        back = any(edge.back for edge in entering)
        if out == self.name:
            if out in self.parts:
                raise ValueError(f"{out} is used before it is computed")
            lower = self.texts.lower(out)
            note = self.texts.note(out) if lower is None else None
            upper = self.texts.upper(out)
            self.parts[out] = Part(key=out, kind="variable", upper=upper, lower=lower, note=note)
            back = back and lower is not None
        self.edges.append(Edge(start=key, end=out, back=back))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How an operand enters the operation `key`: `sign` is 1 or -1 in a sum, else 0."""

    key: str
    sign: int
    here: int
    local: Node | None
    arriving: Node | None
    through_sums: bool

    def returning(self) -> Node | None:
        """The gradient of the operand: what arrives, times the local factor."""
        if self.arriving is None:
            return None
        if self.sign:
            return self.arriving if self.sign == 1 else Neg(self.arriving)
        if self.local is None:
            return None
        one = Number(Fraction(1))
        return self.local if self.arriving == one else Product((self.local, self.arriving), ("",))
