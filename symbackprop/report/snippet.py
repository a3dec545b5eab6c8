"""A tree as an expression of NumPy or PyTorch: places from 0, vectors of one axis, loops for indices.

A loop's variable runs from 0, so it stands for the index less 1. What a library lacks is a helper,
which `Writer.helpers` lists once it has been used.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

from symbackprop.algebra.slopes import Branch
from symbackprop.notation import tree
from symbackprop.notation.shapes import ShapeError, shape_of
from symbackprop.notation.tree import Node, Shape
from symbackprop.report.snippet_places import Form, scaled, shifted, total
from symbackprop.report.view import View

Library = Literal["np", "torch"]


class NoCode(ValueError):
    """A part of the model that is not translated."""


_TAKEN: Final = frozenset(
    {"np", "torch", "math", "entries", "softmax", "erf", "sum", "range", "print", "float"}
)

_HELPERS: Final[Mapping[tuple[Library, str], str]] = {
    ("np", "entries"): "def entries(found, *shape): return np.array(list(found), float).reshape(shape)",
    ("torch", "entries"): (
        "def entries(found, *shape):\n"
        "    made = [torch.as_tensor(e, dtype=float).reshape(()) for e in found]\n"
        "    return torch.stack(made).reshape(shape)"
    ),
    ("np", "softmax"): (
        "def softmax(z, axis=-1):\n"
        "    e = np.exp(z - z.max(axis=axis, keepdims=True))\n"
        "    return e / e.sum(axis=axis, keepdims=True)"
    ),
    ("torch", "softmax"): "softmax = torch.softmax",
    ("np", "erf"): "import math; erf = np.vectorize(math.erf)",
    ("torch", "erf"): "erf = torch.erf",
    ("np", "math"): "import math",
    ("torch", "math"): "import math",
}
"""What is defined before the model, by library and name."""


def identifier(name: str) -> str:
    """A Python name: primes are spelled, and what means something else there gets a line under it."""
    made = name.replace("'", "_prime")
    if not made.isidentifier() or not made.isascii():
        raise NoCode(name)
    return made + "_" if keyword.iskeyword(made) or made in _TAKEN else made


class Writer:
    """Writes the expressions of one snippet. `loops` are the indices in whose loops it stands."""

    def __init__(self, view: View, library: Library) -> None:
        self.view, self.library = view, library
        self.loops: tuple[str, ...] = ()
        self.used: list[str] = []

    @property
    def helpers(self) -> list[str]:
        """The definitions that the expressions need, in order of first use."""
        return [_HELPERS[self.library, name] for name in self.used]

    def need(self, name: str) -> str:
        """A helper's name, which is then defined."""
        if name not in self.used:
            self.used.append(name)
        return name

    # --- expressions

    def write(self, node: Node) -> str:
        """`node` as an expression. Raises NoCode."""
        writer = _WRITERS.get(type(node))
        if writer is None:
            raise NoCode(type(node).__name__)
        return writer(self, node)

    def tight(self, node: Node) -> str:
        """An operand beside any sign."""
        made = self.write(node)
        plain = tree.Name | tree.Gradient | tree.Call | tree.Bracket | tree.Transpose | tree.Index | tree.Sum
        if isinstance(node, plain | tree.Ones) or (isinstance(node, tree.Number) and made.isdigit()):
            return made if not _compound(made) else f"({made})"
        return f"({made})"

    def factor(self, node: Node) -> str:
        """A factor beside `*`: a power needs no brackets there, nor does 1/2 at the front."""
        match node:
            case tree.Power():
                return self.write(node)
            case tree.Quotient(tree.Number() as above, tree.Number() as below, _):
                return f"{self.write(above)}/{self.write(below)}"
        return self.tight(node)

    def shape(self, node: Node) -> Shape:
        """The shape of a value, in the shapes of the model."""
        known_at_once = _shape(node)
        if known_at_once is not None:
            return known_at_once
        exercise = self.view.derivation.exercise
        known = {**exercise.shapes, **dict.fromkeys(self.loops, ())}
        try:
            return shape_of(node, known, functions=exercise.signatures)
        except (ShapeError, KeyError, ValueError) as error:
            raise NoCode("shape") from error

    def rank(self, node: Node) -> int:
        """How many axes the value has."""
        return len(self.shape(node))

    def number(self, node: tree.Number) -> str:
        value = node.value
        return str(value) if value.denominator == 1 else f"({value})"

    def name(self, node: tree.Name) -> str:
        if node.name in self.loops:
            return f"({node.name} + 1)"
        size = self.view.derivation.exercise.declared_sizes.get(node.name)
        if node.name not in self.view.derivation.exercise.shapes:
            if isinstance(size, int):
                return str(size)
            raise NoCode(node.name)
        return identifier(node.name)

    def gradient(self, node: tree.Gradient) -> str:
        match node.of:
            case tree.Name(name):
                return "d" + identifier(name)
            case tree.Index(tree.Name(name), places):
                return self.indexed("d" + identifier(name), places)
        raise NoCode("gradient")

    def add(self, node: tree.Add) -> str:
        made = self.write(node.terms[0])
        for term in node.terms[1:]:
            if isinstance(term, tree.Neg):
                made += f" - {self.factor(term.body)}"
            else:
                made += f" + {self.write(term)}"
        return made

    def power(self, node: tree.Power) -> str:
        match node:
            case tree.Power(tree.Norm(body, "2" | "F"), tree.Number(value)) if value == 2:
                return f"({self.tight(body)}**2).sum()"
            case tree.Power(base, tree.Number(value)):
                return f"{self.tight(base)}**{self.number(tree.Number(value))}"
        return f"{self.tight(node.base)}**{self.tight(node.exponent)}"

    def norm(self, node: tree.Norm) -> str:
        if node.kind == "1":
            return f"abs({self.write(node.body)}).sum()"
        return f"({self.tight(node.body)}**2).sum()**0.5"

    def ones(self, node: tree.Ones) -> str:
        if not isinstance(node.size, tree.Number):
            raise NoCode("ones")
        return self.filled("ones", [int(node.size.value)])

    def filled(self, name: str, sizes: Sequence[int]) -> str:
        """`np.ones(3)`, `torch.zeros(2, 3, dtype=float)`."""
        shown = ", ".join(map(str, sizes))
        if self.library == "torch":
            return f"torch.{name}({shown}, dtype=float)"
        return f"np.{name}({shown})" if len(sizes) == 1 or name == "eye" else f"np.{name}(({shown}))"

    def product(self, node: tree.Product) -> str:
        """`np.outer(dz, x)` for a column times a row, `@` for matrices, `*` otherwise."""
        factors, signs = node.factors, node.signs
        made = self.factor(factors[0])
        for place, (sign, factor) in enumerate(zip(signs, factors[1:], strict=True), 1):
            if sign in {"*", "odot"}:
                made = f"{made} * {self.factor(factor)}"
                continue
            before = self.shape(
                tree.Product(factors[:place], signs[: place - 1]) if place > 1 else factors[0]
            )
            after = self.shape(factor)
            if not before or not after:
                made = f"{made} * {self.factor(factor)}"
            elif before == (1,) or after == (1,):
                made = self.of_size_one(made, before, factor)
            elif len(before) == 1:
                made = f"{self.library}.outer({made}, {self.flat(factor)})"
            else:
                made = f"{made} @ {self.tight(factor)}"
        return made

    def of_size_one(self, made: str, before: Shape, factor: Node) -> str:
        """A product in which a vector of one entry may act as a number."""
        after = self.shape(factor)
        if len(before) == 2 and before[-1] == after[0]:
            return f"{made} @ {self.tight(factor)}"
        if before == (1,) and len(after) == 2 and after[0] == 1:
            return f"{self.library}.outer({made}, {self.flat(factor)})"
        return f"{made} * {self.factor(factor)}"

    def flat(self, node: Node) -> str:
        """A row 1×n as what `outer` takes; the transpose of a vector is one already."""
        if isinstance(node, tree.Transpose) and self.rank(node.body) == 1:
            return self.tight(node.body)
        return f"{self.tight(node)}.reshape(-1)"

    # --- places, sums, arrays given by their entries

    def index(self, node: tree.Index) -> str:
        return self.indexed(self.tight(node.base), node.places)

    def indexed(self, base: str, places: Sequence[Node]) -> str:
        """`W[0:1, :]` for W[1,:], which stays a row; `x[i + a]` for x[i+a-1]."""
        row = len(places) == 2 and not isinstance(places[0], tree.Slice) and isinstance(places[1], tree.Slice)
        shown = [self.place(place, keep=row and at == 0) for at, place in enumerate(places)]
        return f"{base}[{', '.join(shown)}]"

    def place(self, node: Node, *, keep: bool) -> str:
        if isinstance(node, tree.Slice):
            low = "" if node.low is None else shifted(self.linear(node.low), -1)
            high = "" if node.high is None else shifted(self.linear(node.high), 0)
            return f"{low}:{high}"
        start = self.linear(node)
        return f"{shifted(start, -1)}:{shifted(start, 0)}" if keep else shifted(start, -1)

    def linear(self, node: Node) -> Form:
        """A place as a linear form of the loops' variables (which are less by 1). Raises NoCode."""
        match node:
            case tree.Number(value) if value.denominator == 1:
                return {}, int(value)
            case tree.Name(name) if name in self.loops:
                return {name: 1}, 1
            case tree.Name(name):
                size = self.view.derivation.exercise.declared_sizes.get(name)
                if isinstance(size, int):
                    return {}, size
            case tree.Bracket(body):
                return self.linear(body)
            case tree.Neg(body):
                return scaled(self.linear(body), -1)
            case tree.Add(terms):
                return total([self.linear(term) for term in terms])
            case tree.Product(factors, _):
                return self.linear_product(factors)
        raise NoCode("place")

    def linear_product(self, factors: Sequence[Node]) -> Form:
        made: Form = ({}, 1)
        for factor in factors:
            other = self.linear(factor)
            if made[0] and other[0]:
                raise NoCode("place")
            made = scaled(other, made[1]) if not made[0] else scaled(made, other[1])
        return made

    def inside(self, indices: Sequence[str], write: Callable[[], str]) -> str:
        before, self.loops = self.loops, (*self.loops, *indices)
        try:
            return write()
        finally:
            self.loops = before

    def sum(self, node: tree.Sum) -> str:
        """`sum(K[a] * x[i + a] for a in range(3) if …)`, nested sums in one."""
        loops: list[tuple[str, str]] = []
        body: Node = node
        before = self.loops
        try:
            while isinstance(body, tree.Sum):
                if body.high is None:
                    raise NoCode("range")
                low, high = shifted(self.linear(body.low), -1), shifted(self.linear(body.high), 0)
                loops.append((body.index, f"range({high})" if low == "0" else f"range({low}, {high})"))
                self.loops = (*self.loops, body.index)
                body = body.body
            guard = ""
            if isinstance(body, tree.Where):
                guard = " if " + " and ".join(map(self.condition, body.conditions))
                body = body.body
            each = " ".join(f"for {index} in {place}" for index, place in loops)
            return f"sum({self.write(body)} {each}{guard})"
        finally:
            self.loops = before

    def condition(self, node: Node) -> str:
        """`0 <= i + a - 1 < m` for 1 ≤ i + a − 1 ≤ m."""
        if not isinstance(node, tree.Chain):
            raise NoCode("condition")
        signs = {"≤": "<=", "≥": ">=", "=": "==", "<": "<", ">": ">"}
        made = shifted(self.linear(node.members[0]), 0)
        for relation, member in zip(node.relations, node.members[1:], strict=True):
            if relation not in signs:
                raise NoCode("condition")
            made += f" {signs[relation]} {shifted(self.linear(member), 0)}"
        return made

    def where(self, node: tree.Where) -> str:
        conditions = " and ".join(map(self.condition, node.conditions))
        return f"({self.write(node.body)} if {conditions} else 0)"

    def entrywise(self, node: tree.Entrywise) -> str:
        sizes = self.shape(node)
        each = " ".join(f"for {i} in range({size})" for i, size in zip(node.indices, sizes, strict=True))
        body = self.inside(node.indices, lambda: self.write(node.body))
        return f"{self.need('entries')}(({body} {each}), {', '.join(map(str, sizes))})"

    def delta(self, node: tree.Delta) -> str:
        return f"({shifted(self.linear(node.first), 0)} == {shifted(self.linear(node.second), 0)})"

    def matrix(self, node: tree.Matrix) -> str:
        cells = ", ".join(self.write(cell) for row in node.rows for cell in row)
        return f"{self.need('entries')}([{cells}], {', '.join(map(str, self.shape(node)))})"

    # --- calls

    def call(self, node: tree.Call) -> str:
        from symbackprop.report.snippet_calls import call  # the two modules need each other

        return call(self, node)

    def cases(self, branches: Sequence[Branch], argument: Node, kinks: Sequence[Node | None]) -> str:
        """One formula, or nested `where`; at a kink (by the piece above it) the convention's."""
        table = {"u": argument}
        values = [self.write(entrywise(tree.replace_names(branch.value, table))) for branch in branches]
        if len(values) == 1:
            return f"({values[0]})"
        at, made = self.tight(argument), values[-1]
        for place, branch in reversed(list(enumerate(branches[:-1]))):
            assert branch.bound is not None
            bound, value = self.tight(branch.bound), values[place]
            kink = kinks[place] if kinks else None
            taken = value if kink is None else self.write(kink)
            if taken not in (value, values[place + 1]):
                made = self.either(f"{at} == {bound}", taken, made)
            made = self.either(f"{at} {'>=' if taken == value else '>'} {bound}", value, made)
        return made

    def either(self, condition: str, first: str, second: str) -> str:
        if self.library == "np":
            return f"np.where({condition}, {first}, {second})"
        # PyTorch wants one kind of number on both sides
        kept = (one if not _NUMERAL.fullmatch(one) else f"{one}." for one in (first, second))
        return f"torch.where({condition}, {', '.join(kept)})"


def entrywise(node: Node) -> Node:
    """A formula of the table: every product in it is entry by entry."""
    node = tree.rebuild(node, entrywise)
    return tree.Product(node.factors, ("*",) * len(node.signs)) if isinstance(node, tree.Product) else node


_NUMERAL: Final = re.compile(r"-?\d+")


def _shape(node: Node) -> Shape | None:
    """What a node's shape is by itself: an entry is a number, whatever its indices are."""
    match node:
        case tree.Gradient(tree.Index() as entry):
            return _shape(entry)
        case tree.Index(_, places) if not any(isinstance(place, tree.Slice) for place in places):
            return ()
        case tree.Sum() | tree.Delta() | tree.Number():
            return ()
        case tree.Where(body, _):
            return _shape(body)
        case tree.Entrywise(_, sizes, _) if sizes and all(isinstance(size, tree.Number) for size in sizes):
            return tuple(int(size.value) for size in sizes if isinstance(size, tree.Number))
    return None


def _compound(made: str) -> bool:
    """Whether a sign stands outside all brackets."""
    depth = 0
    for at, char in enumerate(made):
        depth += (char in "([") - (char in ")]")
        if depth == 0 and char in "+-*/@ " and at:
            return True
    return made.startswith("-")


_WRITERS: dict[type[Node], Callable[[Any, Any], str]] = {
    tree.Number: Writer.number, tree.Name: Writer.name, tree.Gradient: Writer.gradient,
    tree.Neg: lambda self, node: f"-{self.tight(node.body)}",
    tree.Add: Writer.add, tree.Product: Writer.product, tree.Power: Writer.power, tree.Norm: Writer.norm,
    tree.Quotient: lambda self, node: f"{self.tight(node.above)} / {self.tight(node.below)}",
    tree.Transpose: lambda self, node: self.tight(node.body) + ".T",
    tree.Ones: Writer.ones, tree.Index: Writer.index, tree.Sum: Writer.sum, tree.Where: Writer.where,
    tree.Entrywise: Writer.entrywise, tree.Delta: Writer.delta, tree.Matrix: Writer.matrix,
    tree.Call: Writer.call,
    tree.Constant: lambda self, node: f"{self.library}.{node.name}",
    **dict.fromkeys(
        (tree.Bracket, tree.Brace, tree.Box, tree.Coloured),
        lambda self, node: f"({self.write(node.body)})",
    ),
}  # fmt: skip
"""How each node is written."""
