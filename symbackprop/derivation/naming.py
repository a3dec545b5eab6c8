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
from symbackprop.derivation.sharing import replaced, shared
from symbackprop.exercise.model import Equation, Exercise, free_names
from symbackprop.notation import tree
from symbackprop.notation.shapes import ShapeError, Signature, shape_of
from symbackprop.notation.tree import Node, Shape

KINDS: Mapping[str, str] = {
    "mean": "mean", **dict.fromkeys(("sum", "trace", "dot"), "sum"), **dict.fromkeys(AXIS_FUNCTIONS, "axis"),
}  # fmt: skip
"""What gathers many entries into one, or acts on all of them, and the key of its letters."""

LONG = 3
"""Names in the argument of a function from which on the argument is named."""

LETTERS: Mapping[str, tuple[str, ...]] = {
    "argument": ("z", "s", "u"),
    "hidden": ("a", "h", "c"),
    "axis": ("p", "q", "a"),
    "mean": ("mu", "m", "c"),
    "variance": ("v", "m", "c"),
    "sum": ("S", "s", "q"),
    "below": ("q", "s", "r"),
    "above": ("u", "c", "h"),
}
"""What a part is, and the letters that it may be called by."""


def named_parts(exercise: Exercise) -> Exercise:
    """The exercise with an equation of its own for each part that deserves one.

    Where several equations have parts of the same kind, these are called after their equations:
    the `z_f` and `z_i` of an LSTM.
    """
    naming = _Naming(exercise)
    equations = naming.run()
    if len(equations) == len(exercise.equations):
        return exercise
    alike = Counter(kind for kind, _ in dict.fromkeys(naming.unmarked))
    if any(count > 1 for count in alike.values()):
        naming = _Naming(exercise, after_equations=True)
        equations = naming.run()
    known = {one.name for one in exercise.equations}
    made = shared(equations, frozenset(one.name for one in equations) - known)
    return replace(
        exercise, equations=made, shapes=naming.shapes,
        named=tuple(one.name for one in made if one.name not in known),
    )  # fmt: skip


@dataclass(slots=True)
class _Naming:
    """The shapes so far, the equations made for the formula at hand, and what changes with a gradient.

    `unmarked` are the kinds of parts named without marks of their own, each with its equation.
    """

    exercise: Exercise
    after_equations: bool = False
    shapes: dict[str, Shape] = field(default_factory=dict)
    made: list[Equation] = field(default_factory=list)
    moving: set[str] = field(default_factory=set)
    unmarked: list[tuple[str, str]] = field(default_factory=list)
    current: str = ""
    known: dict[str, Shape] = field(default_factory=dict)  # shapes and sizes
    taken: set[str] = field(default_factory=set)
    given: frozenset[str] = frozenset()
    signatures: Mapping[str, Signature] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shapes = dict(self.exercise.shapes)
        self.known = {**dict.fromkeys(self.exercise.sizes, ()), **self.shapes}
        self.taken = {*self.known, *self.indices(), *self.exercise.functions, *OPERATIONS, *TABLE}
        self.signatures = self.exercise.signatures
        self.given = frozenset(self.exercise.given)
        self.moving = set(self.exercise.wanted) - set(self.exercise.computed)
        for one in self.exercise.equations:
            if one.name in self.exercise.wanted or self.moves(one.body):
                self.moving.add(one.name)

    def run(self) -> list[Equation]:
        """All equations, those of the parts before those that use them."""
        equations: list[Equation] = []
        for one in self.exercise.equations:
            self.current = one.name
            body = self.equation(one.body)
            equations += self.made
            self.made = []
            equations.append(one if body is one.body else replace(one, body=body))
        return equations

    def moves(self, node: Node) -> bool:
        """Whether a wanted gradient passes through."""
        return any(name.name in self.moving for name in free_names(node))

    def equation(self, body: Node) -> Node:
        if isinstance(body, tree.Entrywise):
            return self.entries(body)
        return self.part(self.repeated(body), top=True)

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
                return replace_parts(node, {"above": self.part(above), "below": self.divisor(below)})
            case tree.Power(tree.Norm() as norm, exponent):
                inner = replace_parts(norm, {"body": self.residual(norm.body)})
                return replace_parts(node, {"base": inner, "exponent": exponent})
            case tree.Norm() if not straight:
                return self.name(node, "sum")
            case tree.Norm(body):
                return replace_parts(node, {"body": self.residual(body)})
            case tree.Quotient(above, below) if not self.moves(below):
                return replace_parts(node, {"above": self.part(above, straight=straight)})
            case tree.Quotient(above) if straight:
                return replace_parts(node, {"above": self.part(above)})
            case tree.Power() | tree.Quotient():
                return tree.rebuild(node, lambda child: self.part(child, straight=False))
            case tree.Product() if not straight and self.contracts(node):
                return self.name(node, "argument")
            case tree.Product():
                return self.product(node, straight)
        return tree.rebuild(node, lambda child: self.part(child, straight=straight))

    def product(self, node: tree.Product, straight: bool) -> Node:
        """A layer inside another one gets a name, `W2 tanh(W1 x)`; so does one in `(W x + b) ⊙ v`."""
        entrywise = all(sign in {"*", "odot"} for sign in node.signs)
        contraction = not entrywise and self.contracts(node, deep=False)

        def factor(one: Node) -> Node:
            bare = one.body if isinstance(one, tree.Bracket) else one
            if contraction and self.is_hidden(bare):
                return self.name(bare, "hidden")
            if entrywise and isinstance(bare, tree.Add) and self.contracts(bare) and self.moves(bare):
                return self.name(bare, "argument")
            return self.part(one, straight=straight)

        return tree.rebuild(node, factor)

    def is_hidden(self, node: Node) -> bool:
        """Whether this is an activation of more than a name."""
        if not isinstance(node, tree.Call) or node.function in OPERATIONS or not self.moves(node):
            return False
        return len(node.args) == 1 and not _single(node.args[0]) and self.long(node.args[0])

    def residual(self, node: Node) -> Node:
        """The body of a norm: of `W2 tanh(W1 x) − y`, what the net puts out gets a name."""
        before = len(self.made)
        made = self.part(node)
        bare = made.body if isinstance(made, tree.Bracket) else made
        hidden = {one.name for one in self.made[before:]}
        if not hidden or not isinstance(bare, tree.Add):
            return made
        *terms, last = bare.terms
        target = last.body if isinstance(last, tree.Neg) else last
        if target is last or not isinstance(target, tree.Name) or not terms or target.name in hidden:
            return made
        inside = tree.plus(*terms)
        if isinstance(inside, tree.Name) or hidden.isdisjoint(tree.names_in(inside)):
            return made
        return tree.plus(self.name(inside, "argument"), last)

    def divisor(self, node: Node) -> Node:
        """What stands below a fraction; of `1 sqrt(v)ᵀ` only what is spread out."""
        bare = node.body if isinstance(node, tree.Bracket) else node
        if isinstance(bare, tree.Product) and any(map(_ones, bare.factors)):
            return tree.rebuild(node, lambda child: tree.rebuild(child, self.spread))
        return self.name(node, "below")

    def spread(self, node: Node) -> Node:
        if _ones(node) or not _compound(node):
            return node
        if isinstance(node, tree.Transpose):
            return replace_parts(node, {"body": self.name(node.body, "below")})
        return self.name(node, "below")

    def call(self, node: tree.Call, top: bool, straight: bool) -> Node:
        function = node.function
        if function in AXIS_FUNCTIONS:
            args = tuple(map(self.argument, node.args))
            whole = replace_parts(node, {"args": args})
            return whole if top else self.name(whole, "axis")
        if function in KINDS and not straight:
            return self.name(node, _kind(node))
        row = self.exercise.functions.get(function) or TABLE.get(function)
        if function == "cross_entropy_logits" or (row is not None and row.kind == "loss"):
            return tree.rebuild(node, self.argument)
        if function in OPERATIONS:
            return tree.rebuild(node, lambda child: self.part(child, straight=straight))
        return replace_parts(node, {"args": tuple(map(self.inner, node.args))})

    def inner(self, node: Node) -> Node:
        """The argument of a function: what is gathered in it is named first, then it if it is long still."""
        node = tree.rebuild(node, self.gathered)
        return self.argument(node) if self.long(node) else self.part(node, straight=False)

    def gathered(self, node: Node) -> Node:
        if isinstance(node, tree.Call) and KINDS.get(node.function) in {"mean", "sum"} and self.moves(node):
            return self.name(node, _kind(node))
        return tree.rebuild(node, self.gathered) if isinstance(node, tree.Add | tree.Neg) else node

    def argument(self, node: Node) -> Node:
        """The argument of a function of a whole axis or of a loss: a name, or named; a minus stays."""
        if _single(node) or not self.moves(node):
            return node
        if isinstance(node, tree.Neg | tree.Bracket):
            body = self.argument(node.body)
            bare = isinstance(node, tree.Bracket) and isinstance(body, tree.Name)
            return body if bare else replace_parts(node, {"body": body})
        if isinstance(node, tree.Call) and node.function not in KINDS:
            return self.name(node, "hidden")
        if isinstance(node, tree.Call) and node.function in AXIS_FUNCTIONS:
            return self.name(node, "axis")
        return self.name(node, "argument") if self.long(node) or _nested(node) else self.part(node)

    def long(self, node: Node) -> bool:
        """Whether products of arrays or many names stand in an argument."""
        if not self.moves(node) or isinstance(tree.undressed(node), tree.Call):
            return False
        return self.contracts(node) or len({*_names_outside_calls(node)} & {*self.shapes}) >= LONG

    def contracts(self, node: Node, *, deep: bool = True) -> bool:
        """Whether a product of two arrays stands in a formula, and in no function's argument in it."""
        if isinstance(node, tree.Product) and self.shape(node) is not None:
            arrays = [factor for factor in node.factors if self.shape(factor) and not _ones(factor)]
            if len(arrays) > 1 and not all(sign in {"*", "odot"} for sign in node.signs):
                return True
        if not deep or isinstance(node, tree.Call):
            return False
        return any(map(self.contracts, tree.children(node)))

    def repeated(self, body: Node) -> Node:
        """What costs something and stands in a formula twice is named once."""
        calls = [part for part in tree.walk(body) if isinstance(part, tree.Call) and part.function in KINDS]
        for part, count in Counter(calls).items():
            if count > 1 and self.moves(part) and _whole(part, body):
                body = replaced(body, part, self.name(part, _kind(part)))
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
            used = {name: self.known[name] for name in tree.names_in(node) if name in self.known}
            return shape_of(node, used, functions=self.signatures)
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
        name = self.letter(kind, shape, self.marks(kind, body))
        from symbackprop.notation.write import to_plain

        self.shapes[name] = self.known[name] = shape
        self.taken.add(name)
        self.moving.add(name)
        self.made.append(Equation(name=name, body=body, text=to_plain(body)))
        return tree.Name(name)

    def marks(self, kind: str, body: Node) -> str:
        """The digits of the weights that a part is made with, else those of the equation, or its name."""
        names = tree.names_in(body) if kind in {"argument", "hidden"} else []
        weights = [name for name in names if name in self.given and len(self.shapes[name]) == 2]
        weights = weights or [name for name in names if kind == "hidden"]
        digits = _digits(self.current) or next(filter(None, map(_digits, weights)), "")
        if digits or self.current == self.exercise.loss:
            return digits
        self.unmarked.append((kind, self.current))
        return f"_{self.current}" if self.after_equations else ""

    def letter(self, kind: str, shape: Shape, marks: str) -> str:
        """The first letter that is free: with its marks (z1), a capital for a matrix."""
        taken = self.taken
        for name in _candidates(kind, marks, capital=len(shape) >= 2):
            if name not in taken and "d" + name not in taken and not (name[:1] == "d" and name[1:] in taken):
                return name
        raise AssertionError("letters do not end")

    def indices(self) -> Iterator[str]:
        for one in self.exercise.equations:
            for part in tree.walk(one.body):
                if isinstance(part, tree.Sum):
                    yield part.index
                elif isinstance(part, tree.Entrywise):
                    yield from part.indices


def _candidates(kind: str, marks: str, *, capital: bool) -> Iterator[str]:
    letters = [letter.upper() if capital and len(letter) == 1 else letter for letter in LETTERS[kind]]
    for letter in letters:
        yield letter + marks
    count = 1
    while True:
        yield f"{letters[0]}{count}"
        count += 1


def _kind(node: tree.Call) -> str:
    """The key of a call's letters; the mean of squares is a variance."""
    (inner, *_) = node.args
    squares = (isinstance(inner, tree.Call) and inner.function == "square") or isinstance(inner, tree.Power)
    return "variance" if node.function == "mean" and squares else KINDS[node.function]


def _digits(name: str) -> str:
    """The digits at the end of a name."""
    return name[len(name.rstrip("0123456789")) :]


_COMPOUND = (tree.Add, tree.Call, tree.Quotient, tree.Power, tree.Norm)


def _compound(node: Node) -> bool:
    """More than a name, or a name spread out beside ones (`1 sᵀ`)."""
    return any(isinstance(part, _COMPOUND) for part in tree.walk(node))


def _nested(node: Node) -> bool:
    return any(isinstance(part, tree.Call | tree.Quotient) for part in tree.walk(node))


def _names_outside_calls(node: Node) -> Iterator[str]:
    if isinstance(node, tree.Name):
        yield node.name
    elif not isinstance(node, tree.Call):
        for child in tree.children(node):
            yield from _names_outside_calls(child)


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


def _whole(part: Node, body: Node) -> bool:
    """Whether no index of a sum around it stands in a part."""
    bound = {inner.index for inner in tree.walk(body) if isinstance(inner, tree.Sum)}
    return not bound & set(tree.names_in(part))
