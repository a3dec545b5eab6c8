"""The exercise: a model, what is known of it, and what is asked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal

from symbackprop.algebra.functions import ALIASES, OPERATIONS, TABLE, Function
from symbackprop.algebra.values.arrays import Array
from symbackprop.notation import tree
from symbackprop.notation.node import Plain
from symbackprop.notation.read import Vocabulary
from symbackprop.notation.shapes import OPERATION_SIGNATURES, Signature
from symbackprop.notation.sizes import names as size_names
from symbackprop.notation.tree import Chain, Node, Shape, Size

LayerMarks = Literal["sub", "bracket", "paren"]
"""How the number of a layer is set: `W_1`, `W^{[1]}` or `W^{(1)}`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Equation(Plain):
    """`name = body`, read from `text`. A bare vector of ones in `body` has its size.

    The body of an equation in indices, `y[i,j] = …`, is an `Entrywise`; `text` is its right side.
    """

    name: str
    body: Node
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Fact(Plain):
    """A side fact that a step may use (`sum(t) = 1`). `checked`: the values given fulfil it."""

    chain: Chain
    text: str
    checked: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Descent(Plain):
    """Gradient descent as it is asked for: `steps` steps of the `optimizer` with learning rate `rate`.

    `options` has every option of the optimiser, by key; `parameters` are the given names that
    are updated, in the order of the wanted gradients. All other given names are held fixed.
    """

    rate: Fraction
    steps: int
    optimizer: str
    options: Mapping[str, Fraction]
    parameters: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Exercise(Plain):
    """A model (equations in order, the last is the loss) and everything that is known of it.

    `key` names outputs. `shapes` has every name, given and computed; a size is a number, or where
    no value says it a name or a linear form of names. `values` are exact; a given name without
    one stays a symbol. `wanted` are the names whose gradients are asked. `kinks` is, by the name of
    a convention (`relu`), the slope taken at each bound. `functions` are the exercise's own; one with no
    pieces is generic. `words` replaces sentences of the report, by language and key.
    `declared_sizes` says what became of the size names that the exercise declares. `named` are
    the computed names that the derivation gave to parts of long formulas. `descent`
    is the gradient descent that is asked for; then every given name has a value. `layer_marks` says
    how the numbers of layers are set.
    """

    key: str
    title: Mapping[str, str]
    language: str | None
    equations: tuple[Equation, ...]
    shapes: Mapping[str, Shape]
    values: Mapping[str, Array[Fraction]]
    wanted: tuple[str, ...]
    kinks: Mapping[str, Mapping[Fraction, Fraction]]
    functions: Mapping[str, Function]
    words: Mapping[str, Mapping[str, str]]
    facts: tuple[Fact, ...]
    warnings: tuple[str, ...]
    declared_sizes: Mapping[str, Size]
    descent: Descent | None = None
    layer_marks: LayerMarks = "sub"
    named: tuple[str, ...] = ()

    @property
    def loss(self) -> str:
        """The name on the left of the last equation."""
        return self.equations[-1].name

    @cached_property
    def computed(self) -> tuple[str, ...]:
        """The left sides, in order; the loss is the last."""
        return tuple(equation.name for equation in self.equations)

    @cached_property
    def given(self) -> tuple[str, ...]:
        """The names that are not computed, in order of first use."""
        return given_names([(equation.name, equation.body) for equation in self.equations], self.shapes)

    @cached_property
    def sizes(self) -> tuple[str, ...]:
        """The names of sizes that are still symbols, in order of first use; of `m − r + 1`, m and r."""
        found = (name for shape in self.shapes.values() for size in shape for name in size_names(size))
        return tuple(dict.fromkeys(found))

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What names mean in a formula about this exercise."""
        names = frozenset({*self.shapes, *self.sizes, *self.declared_sizes})
        return Vocabulary(functions=function_names(self.functions), names=names)

    @cached_property
    def signatures(self) -> Mapping[str, Signature]:
        """How every function that may be called acts on shapes."""
        return signatures(self.functions)

    def title_in(self, language: str) -> str:
        """The title in a language, else in any, else the key."""
        return self.title.get(language) or next(iter(self.title.values()), self.key)


def function_names(own: Mapping[str, Function]) -> dict[str, str]:
    """Every name that calls a function, and its canonical name; own functions go first."""
    operations = {name: name for name in OPERATIONS}
    return {**ALIASES, **operations, **{name: name for name in own}}


def signatures(own: Mapping[str, Function]) -> dict[str, Signature]:
    """The signature of every row of the table, every operation and every own function."""
    rows = {
        name: Signature(
            kind="loss" if row.kind == "loss" else "entrywise",
            arguments=len(row.arguments),
            options=frozenset(option for option, _ in row.options),
        )
        for name, row in {**TABLE, **own}.items()
    }
    return {**OPERATION_SIGNATURES, **rows}


def free_names(node: Node, bound: frozenset[str] = frozenset()) -> Iterator[tree.Name]:
    """The names in a formula that are no index of a sum or of an array by entries, as they occur."""
    if isinstance(node, tree.Name) and node.name not in bound:
        yield node
    elif isinstance(node, tree.Sum):
        for end in (node.low, node.high):
            if end is not None:
                yield from free_names(end, bound)
        yield from free_names(node.body, bound | {node.index})
    elif isinstance(node, tree.Entrywise):
        for size in node.sizes:
            yield from free_names(size, bound)
        yield from free_names(node.body, bound.union(node.indices))
    else:
        for child in tree.children(node):
            yield from free_names(child, bound)


def given_names(equations: list[tuple[str, Node]], shapes: Mapping[str, Shape]) -> tuple[str, ...]:
    """The names with a shape that no equation computes, in order of first use."""
    computed = {name for name, _ in equations}
    used = (name.name for _, body in equations for name in free_names(body))
    return tuple(dict.fromkeys(name for name in used if name in shapes and name not in computed))
