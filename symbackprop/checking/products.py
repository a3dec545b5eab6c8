"""Products by hand: matrix, Hadamard or dot products by their shapes, and chains of derivatives.

Juxtaposition and · bind closer than ⊙ and *; where shapes do not allow that, factors are taken from left to
right. Derivatives that stand side by side are contracted along what one is by and the other of.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.algebra.values.evaluate import NoSize, Scope
from symbackprop.checking.examples_axis import batched, examples_are_rows
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.checking.values import HandEvaluator

# --- products -------------------------------------------------------------------------------------


def product(self: HandEvaluator, node: tree.Product, scope: Scope[Any]) -> Array[Any]:
    """Juxtaposition and · bind closer than ⊙ and *; where that does not fit, from left to right."""
    parts = _parts(self, node, scope)
    upright = [_stood_up(factor, part) for factor, part in zip(node.factors, parts, strict=True)]
    scaled = sum(len(part.entries) > 1 for part in parts) == 1  # (4, 2, −5)ᵀ dz of one neuron
    try:
        return _multiplied(self, node, upright if scaled else parts)
    except EvaluationError:
        if all(one is other for one, other in zip(upright, parts, strict=True)):
            raise
        return _multiplied(self, node, upright)


def _stood_up(factor: Node, value: Array[Any]) -> Array[Any]:
    """`(3, 0)ᵀ`, a row where one is due, as the column that people mean by it elsewhere."""
    bare = tree.bare(factor)
    flat = isinstance(bare, tree.Transpose) and isinstance(tree.bare(bare.body), hand.Tuple)
    return value.reshaped(value.shape[1:]) if flat and len(value.shape) == 2 else value


def _multiplied(self: HandEvaluator, node: tree.Product, parts: list[Array[Any]]) -> Array[Any]:
    parts = _rows_of_tuples(node, parts)
    factors = list(zip(node.factors, parts, strict=True))
    signs = list(node.signs)
    factors, signs = _contracted(self, factors, signs)
    signs = _masked(self, node, factors, signs)
    kept = dict(self.notes)
    try:
        return _grouped(self, node, factors, signs)
    except EvaluationError:
        if not {"odot", "*"}.intersection(signs):
            raise
        self.notes.clear()
        self.notes.update(kept)
        return _in_order(self, node, [value for _, value in factors], signs)


def _parts(self: HandEvaluator, node: tree.Product, scope: Scope[Any]) -> list[Array[Any]]:
    """The factors; what has ones in it beside ⊙ takes the shape of the other factor."""
    found: dict[int, Array[Any]] = {}
    late: list[int] = []
    for place in range(len(node.factors)):
        try:
            found[place] = _factor(self, node, place, scope)
        except NoSize:
            late.append(place)
    shapes = [value.shape for value in found.values() if value.shape]
    beside = {"odot", "*"}.intersection(node.signs)
    if late and not (beside and shapes) and scope.like is None:
        raise NoSize(node, "nothing says the size of this vector of ones")
    for place in late:
        like = max(shapes, key=prod) if beside and shapes else scope.like
        found[place] = _factor(self, node, place, Scope(scope.env, scope.indices, like))
    return [found[place] for place in range(len(node.factors))]


def _rows_of_tuples(node: tree.Product, parts: list[Array[Any]]) -> list[Array[Any]]:
    """`(4, 2, -5) · x`: a tuple before a vector is its row, and so is one behind a column."""
    tuples = [isinstance(tree.bare(factor), hand.Tuple) for factor in node.factors]
    for at, sign in enumerate(node.signs):
        before, after = parts[at], parts[at + 1]
        if sign not in ("", "cdot"):
            continue
        if tuples[at] and before.shape == after.shape[:1]:
            parts[at] = before.transposed()
        elif tuples[at + 1] and not tuples[at] and len(before.shape) == 1 and before.shape != (1,):
            dot = sign == "cdot" and before.shape == after.shape
            parts[at + 1] = after if dot else after.transposed()
    return parts


def _masked(
    self: HandEvaluator, node: tree.Product, factors: list[tuple[Node, Array[Any]]], signs: list[str]
) -> list[str]:
    """`dA 1_{z>0}`: beside a matrix of its size an indicator is a mask, and no factor of a matrix product."""
    made = list(signs)
    for at, sign in enumerate(signs):
        (one, a), (two, b) = factors[at], factors[at + 1]
        masks = any(isinstance(tree.bare(factor), hand.Indicator) for factor in (one, two))
        if sign in ("", "cdot") and masks and a.shape == b.shape and len(a.shape) > 1:
            self.note("check.hadamard", node)
            made[at] = "odot"
    return made


def _grouped(
    self: HandEvaluator, node: tree.Product, factors: list[tuple[Node, Array[Any]]], signs: list[str]
) -> Array[Any]:
    groups: list[list[Array[Any]]] = [[factors[0][1]]]
    tight: list[list[str]] = [[]]
    loose: list[str] = []
    for sign, (_, value) in zip(signs, factors[1:], strict=True):
        if sign in ("odot", "*"):
            loose.append(sign)
            groups.append([value])
            tight.append([])
        else:
            groups[-1].append(value)
            tight[-1].append(sign)
    values = [_in_order(self, node, group, inner) for group, inner in zip(groups, tight, strict=True)]
    return _in_order(self, node, values, loose)


def _in_order(
    self: HandEvaluator, node: Node, values: Sequence[Array[Any]], signs: Sequence[str]
) -> Array[Any]:
    result = values[0]
    for sign, value in zip(signs, values[1:], strict=True):
        result = times(self, node, result, value, sign)
        self.weigh(result)
    return result


def _factor(self: HandEvaluator, node: tree.Product, place: int, scope: Scope[Any]) -> Array[Any]:
    """A factor; a bare vector of ones takes its size from its neighbour."""
    factor = node.factors[place]
    flipped = isinstance(factor, tree.Transpose)
    bare = tree.bare(factor.body if isinstance(factor, tree.Transpose) else factor)
    if not (isinstance(bare, tree.Ones) and bare.size is None):
        return self.value(factor, Scope(scope.env, scope.indices, scope.like))
    size = _ones_beside(self, node, place, scope, flipped=flipped)
    return self.value(factor, Scope(scope.env, scope.indices, (size,)))


def _ones_beside(
    self: HandEvaluator, node: tree.Product, place: int, scope: Scope[Any], *, flipped: bool
) -> int:
    """The size of a bare vector of ones: what stands before its column or behind its row says it, else where
    the whole product stands."""
    neighbour = place + 1 if flipped else place - 1
    close = node.signs[min(place, neighbour)] in ("", "cdot") if 0 <= neighbour < len(node.factors) else False
    if close:
        shape = _shape_beside(self, node.factors[neighbour], scope)
        if shape:
            return shape[0] if flipped else shape[-1]
    if scope.like:
        return scope.like[-1] if flipped else scope.like[0]
    raise NoSize(node, "nothing says the size of this vector of ones")


def _shape_beside(self: HandEvaluator, node: Node, scope: Scope[Any]) -> tuple[int, ...]:
    bare = tree.bare(node.body) if isinstance(node, tree.Transpose) else tree.bare(node)
    if isinstance(bare, tree.Ones) and bare.size is None:
        return ()  # 1 1ᵀ
    shape = self.value(node, Scope(scope.env, scope.indices)).shape
    return shape if shape != (1,) else ()


def times(self: HandEvaluator, node: Node, a: Array[Any], b: Array[Any], sign: str) -> Array[Any]:
    """The product of two values, by their shapes and by the sign between them."""
    mul = self.domain.mul
    if not a.shape or not b.shape:
        scalar, other = (a, b) if not a.shape else (b, a)
        return other.with_entries([mul(scalar.entries[0], entry) for entry in other.entries])
    if sign == "otimes":
        row = b.transposed() if len(b.shape) == 1 else b
        if not _fits(a, row):
            raise EvaluationError(node, f"shapes {a.shape} and {b.shape} have no outer product")
        return _matrix_product(self, a, row)
    if sign in ("odot", "*"):
        a, b = _as_column(a), _as_column(b)
    if sign == "odot" and len(a.shape) != len(b.shape):
        a, b = _each_example(self, node, a, b)
    if sign == "odot" or (sign == "*" and a.shape == b.shape):
        if a.shape != b.shape and len(a.entries) > 1 and len(b.entries) > 1:
            raise EvaluationError(node, f"shapes {a.shape} and {b.shape} do not fit entry by entry")
        shape, left, right = self.paired(node, a, b, loose=True)
        return Array(shape, tuple(map(mul, left, right)))
    if len(a.shape) == 1 and a.shape == b.shape and a.shape[0] > 1:
        return _side_by_side(self, node, a, b, sign)
    if _fits(a, b):
        return _matrix_product(self, a, b)
    if a.shape == b.shape and sign in ("", "*"):
        self.note("check.hadamard", node)
        return Array(a.shape, tuple(map(mul, a.entries, b.entries)))
    if len(a.entries) == 1 or len(b.entries) == 1:
        self.note("check.scalar_only", node)
        scalar, other = (a, b) if len(a.entries) == 1 else (b, a)
        return other.with_entries([mul(scalar.entries[0], entry) for entry in other.entries])
    if sign == "*":
        one, two = _each_example(self, node, a, b)
        if one.shape == two.shape:
            return Array(one.shape, tuple(map(mul, one.entries, two.entries)))
    raise EvaluationError(node, f"shapes {a.shape} and {b.shape} do not fit in a product")


def _each_example(
    self: HandEvaluator, node: Node, a: Array[Any], b: Array[Any]
) -> tuple[Array[Any], Array[Any]]:
    """`dY ⊙ γ`, as people write it: γ beside each example of a batch."""
    larger, smaller = (a, b) if len(a.entries) >= len(b.entries) else (b, a)
    repeated = batched(smaller, larger.shape, rows=examples_are_rows(self.here.exercise))
    if repeated is None:
        return a, b
    self.note("check.broadcast", node)
    return (a, repeated) if larger is a else (repeated, b)


def _as_column(array: Array[Any]) -> Array[Any]:
    """A matrix of one column, as (dzᵀ W)ᵀ is, as a vector."""
    if len(array.shape) == 2 and array.shape[1] == 1 < array.shape[0]:
        return array.reshaped(array.shape[:1])
    return array


def _side_by_side(self: HandEvaluator, node: Node, a: Array[Any], b: Array[Any], sign: str) -> Array[Any]:
    """Two vectors of one size: u · v is their dot product, u v goes entry by entry."""
    one_neuron = a.shape[0] in self.here.unit  # then · is between two numbers
    if sign == "cdot" and not one_neuron and self.reader.dot not in ("hadamard", "scalar"):
        self.note("check.dot_product", node)
        return Array((), (self.domain.dot(a.entries, b.entries),))
    if not one_neuron:
        self.note("check.hadamard", node)
    return Array(a.shape, tuple(map(self.domain.mul, a.entries, b.entries)))


def _fits(a: Array[Any], b: Array[Any]) -> bool:
    width = a.shape[1] if len(a.shape) == 2 else 1
    return len(a.shape) <= 2 and len(b.shape) <= 2 and width == b.shape[0]


def _matrix_product(self: HandEvaluator, a: Array[Any], b: Array[Any]) -> Array[Any]:
    entries = tuple(self.domain.matmul(list(a.rows()), b.columns()))
    rows = a.shape[0]
    if len(b.shape) == 1:
        return Array((rows,), entries) if rows > 1 or len(a.shape) == 1 else Array((), entries)
    return Array((rows, b.shape[1]), entries)


# --- chains of derivatives ------------------------------------------------------------------------

Factors = list[tuple[Node, "Array[Any]"]]


def _ends(self: HandEvaluator, node: Node) -> tuple[Node, Node] | None:
    """What a derivative is of and by; a gradient is one of the loss."""
    bare = tree.bare(node)
    if isinstance(bare, tree.Derivative):
        return tree.bare(bare.of), tree.bare(bare.by)
    if isinstance(bare, tree.Gradient):
        return tree.Name(self.here.exercise.loss), tree.bare(bare.of)
    return None


def _contracted(self: HandEvaluator, factors: Factors, signs: list[str]) -> tuple[Factors, list[str]]:
    """∂L/∂z ∂z/∂W as one factor ∂L/∂W: neighbours are summed over what stands below one and above the other.

    The order does not matter to that: ∂z/∂x ∂L/∂z is the same gradient. A value may stand for ∂L/∂z.
    """
    at = 0
    while at + 1 < len(factors):
        made = _joined(self, factors[at], factors[at + 1], signs[at])
        if made is None:
            at += 1
            continue
        factors = [*factors[:at], made, *factors[at + 2 :]]
        signs = [*signs[:at], *signs[at + 1 :]]
        at = max(at - 1, 0)
    return factors, signs


def _joined(
    self: HandEvaluator, left: tuple[Node, Array[Any]], right: tuple[Node, Array[Any]], sign: str
) -> tuple[Node, Array[Any]] | None:
    first, second = _ends(self, left[0]), _ends(self, right[0])
    if first is None and second is None:
        return None
    if first is not None and second is not None:
        if first[1] == second[0]:
            return _linked(self, first, left[1], second, right[1], sign)
        if second[1] == first[0]:
            return _linked(self, second, right[1], first, left[1], sign)
        return None
    ends, value, other = (second, right[1], left[1]) if second is not None else (first, left[1], right[1])
    assert ends is not None
    return _applied(self, ends, value, other, sign)


def _linked(
    self: HandEvaluator,
    outer: tuple[Node, Node],
    a: Array[Any],
    inner: tuple[Node, Node],
    b: Array[Any],
    sign: str,
) -> tuple[Node, Array[Any]] | None:
    """∂L/∂z and ∂z/∂W."""
    middle = _rank(self, outer[1], a, b)
    if middle is None or (prod(middle) == 1 and len(b.shape) < 1):
        return None
    made = _summed(self, a, b, middle, entrywise=sign == "odot")
    return tree.Derivative(outer[0], inner[1]), made


def _applied(
    self: HandEvaluator, ends: tuple[Node, Node], value: Array[Any], other: Array[Any], sign: str
) -> tuple[Node, Array[Any]] | None:
    """A value in the shape of `of` beside ∂of/∂by: it stands for ∂L/∂of."""
    of = ends[0]
    if not isinstance(of, tree.Name) or of.name not in self.here.values:
        return None
    shape = self.here.value(of.name).shape
    if (
        not shape
        or other.shape != shape
        or value.shape[: len(shape)] != shape
        or len(value.shape) == len(shape)
    ):
        return None
    made = _summed(self, other, value, shape, entrywise=sign == "odot")
    return tree.Derivative(tree.Name(self.here.exercise.loss), ends[1]), made


def _rank(self: HandEvaluator, middle: Node, a: Array[Any], b: Array[Any]) -> tuple[int, ...] | None:
    """The shape of what is summed over, if both have it."""
    if not isinstance(middle, tree.Name) or middle.name not in self.here.values:
        return None
    shape = self.here.value(middle.name).shape
    if not shape:
        return None
    fits = a.shape[len(a.shape) - len(shape) :] == shape and b.shape[: len(shape)] == shape
    return shape if fits else None


def _summed(
    self: HandEvaluator, a: Array[Any], b: Array[Any], middle: tuple[int, ...], *, entrywise: bool
) -> Array[Any]:
    """Σ over the middle axes, which are the last of `a` and the first of `b`."""
    outer, inner = a.shape[: len(a.shape) - len(middle)], b.shape[len(middle) :]
    size, rows, columns = prod(middle), prod(outer), prod(inner)
    if entrywise and inner == middle:
        off = any(
            not self.domain.is_zero(b.entries[p * columns + q])
            for p in range(size) for q in range(columns) if p != q
        )  # fmt: skip
        if off:
            raise EvaluationError(tree.Dots(), "⊙ with a derivative that is no vector")
    elif entrywise:
        raise EvaluationError(tree.Dots(), "⊙ with a derivative that is no vector")
    entries = [
        self.domain.dot(
            a.entries[row * size : (row + 1) * size], [b.entries[p * columns + column] for p in range(size)]
        )
        for row in range(rows) for column in range(columns)
    ]  # fmt: skip
    return Array((*outer, *inner), tuple(entries))
