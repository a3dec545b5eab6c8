"""Parts of long formulas get equations of their own, as on the board: S = Σ e^z, a mean, z = Wx + b.

Everything after this stage sees the longer list of simpler equations, so each gradient is
expressed by named ones upstream and nothing is inlined. Only parts that a wanted gradient passes
through are named; what the exercise's author named already stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from symbackprop.algebra.axes import TABLE as AXIS_FUNCTIONS
from symbackprop.algebra.functions import OPERATIONS, TABLE
from symbackprop.exercise.model import Equation, Exercise, free_names
from symbackprop.notation import tree
from symbackprop.notation.shapes import ShapeError, shape_of
from symbackprop.notation.tree import Node, Shape

KINDS: Mapping[str, str] = {
    "mean": "mean", **dict.fromkeys(("sum", "trace", "dot"), "sum"), **dict.fromkeys(AXIS_FUNCTIONS, "axis"),
}  # fmt: skip
"""What gathers many entries into one, or acts on all of them, and the key of its letters."""

LONG = 3
"""Names in the argument of a function from which on the argument is named."""

LETTERS: Mapping[str, tuple[str, ...]] = {
    "argument": ("z", "s", "u"),
    "axis": ("p", "q", "a"),
    "mean": ("mu", "m", "c"),
    "sum": ("S", "s", "q"),
    "below": ("q", "s", "r"),
    "above": ("u", "c", "h"),
    "again": ("u", "c", "h"),
}
"""What a part is, and the letters that it may be called by."""


def named_parts(exercise: Exercise) -> Exercise:
    """The exercise with an equation of its own for each part that deserves one."""
    naming = _Naming(exercise, dict(exercise.shapes))
    equations: list[Equation] = []
    for one in exercise.equations:
        body = naming.equation(one)
        equations += naming.made
        naming.made = []
        equations.append(one if body is one.body else replace(one, body=body))
    if len(equations) == len(exercise.equations):
        return exercise
    known = {one.name for one in exercise.equations}
    return replace(
        exercise, equations=tuple(equations), shapes=naming.shapes,
        named=tuple(one.name for one in equations if one.name not in known),
    )  # fmt: skip


@dataclass(slots=True)
class _Naming:
    """The shapes so far, the equations made for the formula at hand, and what changes with a gradient."""

    exercise: Exercise
    shapes: dict[str, Shape]
    made: list[Equation] = field(default_factory=list)
    moving: set[str] = field(default_factory=set)
    marks: str = ""

    def __post_init__(self) -> None:
        self.moving = set(self.exercise.wanted) - set(self.exercise.computed)
        for one in self.exercise.equations:
            if one.name in self.exercise.wanted or self.moves(one.body):
                self.moving.add(one.name)

    def moves(self, node: Node) -> bool:
        """Whether a wanted gradient passes through."""
        return any(name.name in self.moving for name in free_names(node))

    def equation(self, one: Equation) -> Node:
        self.marks = _marks_of(one.name)
        body = one.body
        if isinstance(body, tree.Entrywise):
            return self.entries(body)
        body = self.repeated(body)
        return self.part(body, top=True)

    # --- walking a formula

    def part(self, node: Node, *, top: bool = False, straight: bool = True) -> Node:
        """`node` with its parts named; `straight`: nothing but sums and factors stand over it."""
        if not self.moves(node) or isinstance(node, tree.Name | tree.Entrywise | tree.Sum | tree.Where):
            return node
        match node:
            case tree.Call():
                return self.call(node, top, straight)
            case tree.Quotient(above, below) if self.moves(below) and _compound(below):
                above = above if _single(above) or not self.moves(above) else self.name(above, "above")
                return replace_parts(node, {"above": self.part(above), "below": self.name(below, "below")})
            case tree.Power(tree.Norm() as norm, exponent):
                inner = replace_parts(norm, {"body": self.part(norm.body)})
                return replace_parts(node, {"base": inner, "exponent": exponent})
            case tree.Norm() if not straight:
                return self.name(node, "sum")
            case tree.Quotient(above, below) if not self.moves(below):
                return replace_parts(node, {"above": self.part(above, straight=straight)})
            case tree.Power() | tree.Quotient():
                return tree.rebuild(node, lambda child: self.part(child, straight=False))
            case tree.Product() if not straight and self.contracts(node):
                return self.name(node, "argument")
        return tree.rebuild(node, lambda child: self.part(child, straight=straight))

    def call(self, node: tree.Call, top: bool, straight: bool) -> Node:
        function = node.function
        if function in AXIS_FUNCTIONS:
            args = tuple(map(self.argument, node.args))
            whole = replace_parts(node, {"args": args})
            return whole if top else self.name(whole, "axis")
        if function in KINDS and not straight:
            return self.name(node, KINDS[function])
        if function in OPERATIONS:
            return tree.rebuild(node, lambda child: self.part(child, straight=straight))
        row = self.exercise.functions.get(function) or TABLE.get(function)
        if row is not None and row.kind == "loss":
            return tree.rebuild(node, self.argument)
        args = tuple(
            self.argument(arg) if self.long(arg) else self.part(arg, straight=False) for arg in node.args
        )
        return replace_parts(node, {"args": args})

    def argument(self, node: Node) -> Node:
        """The argument of a function of a whole axis or of a loss: a name, or named."""
        if _single(node) or not self.moves(node):
            return node
        return self.name(node, "argument") if self.long(node) or self.nested(node) else self.part(node)

    def nested(self, node: Node) -> bool:
        return any(isinstance(part, tree.Call | tree.Quotient) for part in tree.walk(node))

    def long(self, node: Node) -> bool:
        """Whether products of arrays or many names stand in an argument."""
        if not self.moves(node) or isinstance(tree.undressed(node), tree.Call):
            return False
        return self.contracts(node) or len([n for n in tree.names_in(node) if n in self.shapes]) >= LONG

    def contracts(self, node: Node) -> bool:
        """Whether a product of two arrays stands in a formula."""
        for part in tree.walk(node):
            if isinstance(part, tree.Product) and self.shape(part) is not None:
                arrays = [factor for factor in part.factors if self.shape(factor) and not _ones(factor)]
                if len(arrays) > 1 and not all(sign in {"*", "odot"} for sign in part.signs):
                    return True
        return False

    def repeated(self, body: Node) -> Node:
        """What costs something and stands in a formula twice is named once."""
        calls = [part for part in tree.walk(body) if isinstance(part, tree.Call) and part.function in KINDS]
        for part, count in Counter(calls).items():
            if count > 1 and self.moves(part) and _whole(part, body):
                body = _replaced(body, part, self.name(part, KINDS[part.function]))
        return body

    def entries(self, node: tree.Entrywise) -> Node:
        """A function of a sum over indices: the sum is an array of its own."""
        body = tree.undressed(node.body)
        if not isinstance(body, tree.Call) or body.function in OPERATIONS or len(body.args) != 1:
            return node
        inner = body.args[0]
        if not any(isinstance(part, tree.Sum) for part in tree.walk(inner)) or not self.moves(inner):
            return node
        places = tuple(tree.Name(index) for index in node.indices)
        array = self.name(replace_parts(node, {"body": inner}), "argument")
        return replace_parts(node, {"body": replace_parts(body, {"args": (tree.Index(array, places),)})})

    # --- giving names

    def shape(self, node: Node) -> Shape | None:
        try:
            return shape_of(node, {**dict.fromkeys(self.exercise.sizes, ()), **self.shapes},
                            functions=self.exercise.signatures)  # fmt: skip
        except ShapeError:
            return None

    def name(self, node: Node, kind: str) -> Node:
        """A new equation for `node`, whose own parts are named first; the node that cites it."""
        bare = node.body if isinstance(node, tree.Bracket) else node
        body = self.part(bare, top=True)
        for known in self.made:
            if known.body == body:
                return tree.Name(known.name)
        shape = self.shape(body)
        if shape is None or isinstance(body, tree.Name):
            return node
        name = self.letter(kind, shape)
        from symbackprop.notation.write import to_plain

        self.shapes[name] = shape
        self.moving.add(name)
        self.made.append(Equation(name=name, body=body, text=to_plain(body)))
        return tree.Name(name)

    def letter(self, kind: str, shape: Shape) -> str:
        """The first letter that is free: with the marks of the equation (z1), a capital for a matrix."""
        taken = {*self.shapes, *self.exercise.sizes, *self.indices()}
        taken |= set(self.exercise.functions) | set(OPERATIONS) | set(TABLE)
        for name in self.candidates(kind, len(shape) == 2):
            if name not in taken and "d" + name not in taken and not (name[:1] == "d" and name[1:] in taken):
                return name
        raise AssertionError("letters do not end")

    def candidates(self, kind: str, capital: bool) -> Iterator[str]:
        letters = [letter.upper() if capital and len(letter) == 1 else letter for letter in LETTERS[kind]]
        for letter in letters:
            yield letter + self.marks
        count = 1
        while True:
            yield f"{letters[0]}{count}"
            count += 1

    def indices(self) -> Iterator[str]:
        for one in self.exercise.equations:
            for part in tree.walk(one.body):
                if isinstance(part, tree.Sum):
                    yield part.index
                elif isinstance(part, tree.Entrywise):
                    yield from part.indices


def _marks_of(name: str) -> str:
    """The digits at the end of a name."""
    return name[len(name.rstrip("0123456789")) :]


_COMPOUND = (tree.Add, tree.Call, tree.Quotient, tree.Power, tree.Norm)


def _compound(node: Node) -> bool:
    """More than a name, or a name spread out beside ones (`1 sᵀ`)."""
    return any(isinstance(part, _COMPOUND) for part in tree.walk(node))


def _ones(node: Node) -> bool:
    """A vector of ones, upright or lying, which only spreads what stands beside it."""
    bare = tree.undressed(node)
    return isinstance(bare.body if isinstance(bare, tree.Transpose) else bare, tree.Ones)


def _single(node: Node) -> bool:
    return isinstance(tree.undressed(node), tree.Name | tree.Number | tree.Index)


def replace_parts(node: Node, parts: Mapping[str, Any]) -> Node:
    """`node` with some of its fields changed; itself where nothing is new."""
    if all(getattr(node, name) == value for name, value in parts.items()):
        return node
    return replace(node, **parts)


def _replaced(node: Node, part: Node, by: Node) -> Node:
    if node == part:
        return by
    return tree.rebuild(node, lambda child: _replaced(child, part, by))


def _whole(part: Node, body: Node) -> bool:
    """Whether no index of a sum around it stands in a part."""
    bound = {inner.index for inner in tree.walk(body) if isinstance(inner, tree.Sum)}
    return not bound & set(tree.names_in(part))
