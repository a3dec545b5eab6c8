"""The tree of board mathematics: frozen nodes that keep what was written.

Nothing here computes or sorts. `4·1 + 2·0 + (−5)·2` stays in that order, with its brackets,
its braces with labels and its boxes. Shapes are not stored in the nodes: they follow from a
node and the shapes of its names (`shapes.py`).

Names are canonical keys: `ŷ` and `yhat` are both `Name("yhat")`, `σ` is `Name("sigma")`.
Indices start at 1.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from typing import Any, Literal

from symbackprop.notation.dress import DRESS as DRESS
from symbackprop.notation.dress import Box as Box
from symbackprop.notation.dress import Brace as Brace
from symbackprop.notation.dress import Bracket as Bracket
from symbackprop.notation.dress import Coloured as Coloured
from symbackprop.notation.dress import bare as bare
from symbackprop.notation.node import Node as Node
from symbackprop.notation.node import Shape as Shape
from symbackprop.notation.node import Size as Size
from symbackprop.notation.node import Span as Span
from symbackprop.notation.node import holders, parts

# --- leaves -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Number(Node):
    """A number without a sign. `text` is how it was written (`0.10`), `value` what it is.

    `text` is empty when the program made the number; then it prints as a decimal if that is
    finite, else as a fraction. A *rounded* number carries `exact=False`.
    """

    value: Fraction
    text: str = field(default="", compare=False)
    exact: bool = True


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Name(Node):
    """A name of the model (`W`, `yhat`, `z1`, `x'`), of a size (`n`) or of an index (`i`)."""

    name: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Constant(Node):
    """A mathematical constant that is not a name: `pi`; on the page also Euler's number, `e`."""

    name: Literal["pi", "e"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Ones(Node):
    """The vector of ones, printed as a bold 1. `size` is None until its surroundings say it."""

    size: Node | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Dots(Node):
    """An ellipsis: `h` on the line (…), `c` centred (⋯), `v` down (⋮), `d` diagonal (⋱)."""

    kind: Literal["h", "c", "v", "d"] = "c"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Blank(Node):
    """A place left empty for an answer; `width` in em."""

    width: int = 4


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Word(Node):
    """A word inside a formula, as the key of a language file: `if`, `otherwise`, `where`."""

    key: str


# --- arithmetic -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Neg(Node):
    """`−body`."""

    body: Node


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Add(Node):
    """Two or more terms in order; a term that is a `Neg` is written with a minus."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Product(Node):
    """Two or more factors in order; `signs[i]` stands between factor i and factor i + 1.

    `""` juxtaposition, `"*"` as typed, `"cdot"` (·), `"odot"` (⊙). What a sign means (matrix,
    scalar or Hadamard product) follows from the shapes.
    """

    factors: tuple[Node, ...]
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Quotient(Node):
    """`above / below`; `inline` writes it on one line with a slash."""

    above: Node
    below: Node
    inline: bool = False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Power(Node):
    """`base^exponent`."""

    base: Node
    exponent: Node


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Transpose(Node):
    """`bodyᵀ`."""

    body: Node


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Call(Node):
    """`function(args; options)`; `primes` derivatives: `g'(z)` has 1.

    `function` is the canonical name of a row of the table of functions, or of a function that
    the exercise defines, or one of the operations that are no rows: `sum`, `mean`, `max`,
    `min`, `square`, `ones`, `softmax` … `options` are named arguments in written order.
    """

    function: str
    args: tuple[Node, ...]
    options: tuple[tuple[str, Node], ...] = ()
    primes: int = 0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Norm(Node):
    """`‖body‖`, Euclidean; of a matrix, `F` is the Frobenius norm."""

    body: Node
    kind: Literal["2", "1", "F"] = "2"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Slice(Node):
    """`low:high`, both ends included; `:` alone is everything. Stands only inside `Index`."""

    low: Node | None = None
    high: Node | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Index(Node):
    """`w[1,2]`, `w[:,i]`: places are nodes (numbers, index names, sums of them) or slices."""

    base: Node
    places: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Sum(Node):
    """`Σ_{index=low}^{high} body`. `high` is None until the shapes of what is indexed say it."""

    index: str
    low: Node
    high: Node | None
    body: Node


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Where(Node):
    """`body` where all `conditions` (chains such as `1 ≤ i + a − 2 ≤ m`) hold, and 0 elsewhere.

    What is indexed in `body` need not exist where a condition fails.
    """

    body: Node
    conditions: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Entrywise(Node):
    """The array whose entry at `indices` (each from 1 to its size) is `body`; unknown `sizes` are ()."""

    indices: tuple[str, ...]
    sizes: tuple[Node, ...]
    body: Node


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Delta(Node):
    """The Kronecker delta of two indices."""

    first: Node
    second: Node


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Matrix(Node):
    """An array written out. `vector` says that the one column (or one row) is a vector.

    rows of a column vector have one entry each; a `"row"` is a 1×n matrix written as a row.
    """

    rows: tuple[tuple[Node, ...], ...]
    form: Literal["matrix", "column", "row"] = "matrix"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Cases(Node):
    """A function by cases; a condition is a `Chain`, or `Word("otherwise")`."""

    branches: tuple[tuple[Node, Node], ...]


# --- derivatives ------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Derivative(Node):
    """`∂of/∂by`; with `straight` a d in place of ∂; `inline` on one line."""

    of: Node
    by: Node
    straight: bool = False
    inline: bool = False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Gradient(Node):
    """`dW`, the name for ∂L/∂W (never a differential). `of` is a Name, or an Index of one."""

    of: Node


# --- as written -------------------------------------------------------------------


# --- statements -------------------------------------------------------------------

Relation = Literal[
    "=", "≈", "≠", "<", ">", "≤", "≥", "∈", "→", "↦", "⇒", ":", "←", "≡",
]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Chain(Node):
    """`a = b ≈ c`: member, relation, member … `over[i]` is a word set over relation i, or None."""

    members: tuple[Node, ...]
    relations: tuple[Relation, ...]
    over: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Space(Node):
    """`ℝ`, `ℝ^n`, `ℝ^{k×n}`: stands on the right of `∈`."""

    sizes: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Sizes(Node):
    """`k × n` by itself, in tables of dimensions."""

    sizes: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Row(Node):
    """Several formulas on one line. `sign` is what stands between them."""

    items: tuple[Node, ...]
    sign: Literal[",", "quad", "implies", "and"] = "quad"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Stack(Node):
    """Lines one under the other, aligned at their relations, closed by a right brace: `} z ∈ ℝ^k`."""

    rows: tuple[Node, ...]
    right: Node


# --- walking ----------------------------------------------------------------------


def children(node: Node) -> Iterator[Node]:
    """The nodes directly under `node`, in written order."""
    for name in holders(type(node)):
        value = getattr(node, name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from _nodes_in(value)


def _nodes_in(value: object) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _nodes_in(part)


def walk(node: Node) -> Iterator[Node]:
    """`node` and everything under it, parents first."""
    try:
        return chain((node,), node.under)
    except AttributeError:
        stack = [node]
        found = []
        while stack:
            current = stack.pop()
            found.append(current)
            stack.extend(reversed(list(children(current))))
        object.__setattr__(node, "under", tuple(found[1:]))
        return iter(found)


def rebuild(node: Node, change: Callable[[Node], Node]) -> Node:
    """`node` with `change` applied to each child; the same object when nothing changed."""
    if not holders(type(node)):
        return node
    values: dict[str, Any] = {}
    changed = False
    for name in parts(type(node)):
        old = getattr(node, name)
        new = _mapped(old, change)
        changed = changed or new is not old
        values[name] = new
    return type(node)(**values, span=node.span) if changed else node


def _mapped(value: object, change: Callable[[Node], Node]) -> object:
    if isinstance(value, Node):
        return change(value)
    if isinstance(value, tuple):
        parts = tuple(_mapped(part, change) for part in value)
        same = all(new is old for new, old in zip(parts, value, strict=True))
        return value if same else parts
    return value


def replace_names(node: Node, table: dict[str, Node]) -> Node:
    """`node` with every free `Name` in `table` replaced; bound sum indices are left alone."""
    if isinstance(node, Name):
        return table.get(node.name, node)
    if isinstance(node, Sum) and node.index in table:
        table = {key: value for key, value in table.items() if key != node.index}
    return rebuild(node, lambda child: replace_names(child, table))


def names_in(node: Node) -> list[str]:
    """The names that occur in `node`, once each, in order of first appearance."""
    seen: dict[str, None] = {}
    for part in walk(node):
        if isinstance(part, Name):
            seen.setdefault(part.name)
    return list(seen)


def undressed(node: Node) -> Node:
    """`node` without what is only layout: boxes, braces, colours and written brackets."""
    return rebuild(bare(node), undressed)


# --- small makers, to keep the code that builds formulas readable ---------------------


def number(value: int | Fraction | str) -> Node:
    """An exact number as a node; negative ones come as `Neg`."""
    exact = Fraction(value)
    return Neg(Number(-exact)) if exact < 0 else Number(exact)


def juxtaposed(*factors: Node) -> Node:
    """`W x`."""
    return factors[0] if len(factors) == 1 else Product(factors, ("",) * (len(factors) - 1))


def times(*factors: Node, sign: str = "cdot") -> Node:
    """`a · b`, or with another sign."""
    return factors[0] if len(factors) == 1 else Product(factors, (sign,) * (len(factors) - 1))


def plain_factors(node: Node) -> tuple[Node, ...]:
    """The factors of a juxtaposed product; anything else is its own only factor."""
    return node.factors if isinstance(node, Product) and not any(node.signs) else (node,)


def plus(*terms: Node) -> Node:
    """`a + b`; one term alone stays itself."""
    return terms[0] if len(terms) == 1 else Add(terms)


def equation(*members: Node, relation: Relation = "=") -> Chain:
    """`a = b = c`."""
    gaps = len(members) - 1
    return Chain(members, (relation,) * gaps, (None,) * gaps)


def stated(left: Node, right: Node) -> tuple[Node, Node]:
    """Both sides of an equation as they are printed: an array given by its entries as `y_ij = …`."""
    if isinstance(right, Entrywise) and right.indices:
        places = tuple(Name(index) for index in right.indices)
        if isinstance(left, Gradient):
            return Gradient(Index(left.of, places)), right.body
        return Index(left, places), right.body
    return left, right
