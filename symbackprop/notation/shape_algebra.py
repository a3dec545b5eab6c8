"""Shapes by themselves: how they add, multiply and are written.

A shape is `()` for a scalar, `(n,)` for a column vector and `(m, n)` for a matrix, and equations
in indices have arrays with up to four axes; a size is a number, the name of one, or a linear form
of names (`sizes.py`). The rank comes from how a thing is written, never from its size; an
array whose every axis is 1 may stand where a scalar is needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from symbackprop.notation import sizes, tree
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node, Shape, Size

SHARED_AXIS = "axis"
MOST_AXES = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Signature(Plain):
    """How a function acts on shapes, and how it may be called.

    `entrywise` keeps the shape of its argument (several arguments mix as in a sum), `loss` and
    `reduction` make a scalar, `rowwise` (softmax) keeps the shape of a vector or a matrix; an
    `operation` has a rule of its own. `more` arguments may follow the first ones; None is any number.
    """

    kind: Literal["entrywise", "loss", "reduction", "rowwise", "operation"]
    arguments: int = 1
    options: frozenset[str] = frozenset()
    more: int | None = 0


OPERATION_SIGNATURES: Mapping[str, Signature] = {
    "sum": Signature(kind="reduction", options=frozenset({SHARED_AXIS})),
    "mean": Signature(kind="reduction", options=frozenset({SHARED_AXIS})),
    "softmax": Signature(kind="rowwise", options=frozenset({SHARED_AXIS})),
    "log_softmax": Signature(kind="rowwise", options=frozenset({SHARED_AXIS})),
    "cross_entropy_logits": Signature(kind="loss", arguments=2),
    "trace": Signature(kind="operation"),
    "diag": Signature(kind="operation"),
    "eye": Signature(kind="operation"),
    "zeros": Signature(kind="operation", more=1),
    "onehot": Signature(kind="operation", arguments=2),
    "dot": Signature(kind="operation", arguments=2),
    "outer": Signature(kind="operation", arguments=2),
    "stack": Signature(kind="operation", more=None),
    "hstack": Signature(kind="operation", more=None),
}
"""The operations that are no rows of the table of functions."""


class ShapeError(ValueError):
    """A formula whose shapes do not fit.

    `node` is the part that does not fit; `message` says why (`W is 2×3 and x is 2×1: 3 ≠ 2`),
    `suggestion` what would (`Did you mean Wᵀ x?`, or empty). `pair` holds the two operands
    where it is two that do not go together.
    """

    def __init__(
        self, node: Node, message: str, suggestion: str = "", pair: tuple[Node, Node] | None = None
    ) -> None:
        super().__init__(f"{message}. {suggestion}" if suggestion else message)
        self.node = node
        self.message = message
        self.suggestion = suggestion
        self.pair = pair


def shown(shape: Shape) -> str:
    """`(2, 3)` as `2×3`, the vector `(n,)` as `n×1`, `()` as `a scalar`."""
    axes = (*shape, 1) if len(shape) == 1 else shape
    return "×".join(map(shown_size, axes)) if shape else "a scalar"


def shown_size(size: Size) -> str:
    """A size as a factor: a sum in brackets."""
    text = str(size) or "?"
    return f"({text})" if " " in text else text


def has_size_one(shape: Shape) -> bool:
    """Whether the array may stand for a scalar: rank 1 or more, and 1 along every axis."""
    return bool(shape) and all(size == 1 for size in shape)


def common_shape(first: Shape, second: Shape) -> Shape | None:
    """The shape of `first + second`: equal shapes, a scalar and anything, two arrays of size 1."""
    if first == second or not second:
        return first
    if not first:
        return second
    if has_size_one(first) and has_size_one(second):
        return max(first, second, key=len)
    return None


def loose_shape(first: Shape, second: Shape) -> Shape | None:
    """The shape of `first * second` and `first / second`: as a sum, and size 1 goes with anything."""
    joined = common_shape(first, second)
    if joined is not None:
        return joined
    if has_size_one(first):
        return second
    return first if has_size_one(second) else None


def product_shape(left: Shape, right: Shape) -> Shape | None:
    """The shape of `left right`: scalar multiple or matrix product, a vector being n×1."""
    if not left or not right:
        return left or right
    if max(len(left), len(right)) > 2:
        return None
    inner: Size = left[1] if len(left) == 2 else 1
    if inner == right[0]:
        return (*left[:1], *right[1:])
    if has_size_one(left):
        return right
    return left if has_size_one(right) else None


def flipped(shape: Shape) -> Shape:
    """The shape of the transpose."""
    return (1, *shape) if len(shape) == 1 else shape[::-1]


def size_of(node: Node) -> Size | None:
    """The size that a node writes: a positive whole number, a name or a linear form, else None."""
    return sizes.size_of_tree(node)


def keeps_entries(node: tree.Product) -> bool:
    """Whether a product acts entry by entry on its one factor that is no number, or on all."""
    return all(sign in {"*", "odot"} for sign in node.signs) or (
        sum(not _is_number(factor) for factor in node.factors) == 1
    )


def _is_number(node: Node) -> bool:
    bare = tree.undressed(node)
    if isinstance(bare, tree.Quotient):
        return _is_number(bare.above) and _is_number(bare.below)
    return _is_number(bare.body) if isinstance(bare, tree.Neg) else isinstance(bare, tree.Number)


def axis_number(node: Node) -> int | None:
    """The 0 or 1 of `axis = 1`, else None."""
    bare = tree.undressed(node)
    return int(bare.value) if isinstance(bare, tree.Number) and bare.value in (0, 1) else None
