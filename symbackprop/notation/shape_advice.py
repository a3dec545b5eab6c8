"""What would fit in place of what does not: transposes, brackets of ones, another order."""

from collections.abc import Callable

from symbackprop.notation import tree
from symbackprop.notation.shape_algebra import flipped, product_shape
from symbackprop.notation.tree import Node, Shape

Said = Callable[[Node], str]
"""Gives a part of a formula as it was written."""

Advice = Callable[[Said, Node, Shape, Node, Shape], str]
"""From two operands with their shapes to a sentence, or nothing."""


def no_advice(_: Said, __: Node, ___: Shape, ____: Node, _____: Shape) -> str:
    """Nothing to say."""
    return ""


def advise_sum(said: Said, a: Node, left: Shape, b: Node, right: Shape) -> str:
    """A row or a column that is added to every row or column of a matrix; a transpose."""
    for matrix, (part, shape) in ((left, (b, right)), (right, (a, left))):
        if len(matrix) != 2 or 1 in matrix:
            continue
        if shape in {(1, matrix[1]), (matrix[1],)}:
            row = transposed_text(said, part) if len(shape) == 1 else said(part)
            return f"To add it to every row, write 1 {row}."
        if shape == (matrix[0],):
            return f"To add it to every column, write {said(part)} 1ᵀ."
    for (part, shape), other in (((b, right), left), ((a, left), right)):
        if shape == (1,) and other and isinstance(part, tree.Name):
            one = said(part)
            return f"{one} is a vector with one entry, as aᵀ b is; a number is dot(a, b), or {one}[1]."
    return advise_transpose(said, a, left, b, right)


_ATOMIC = tree.Name | tree.Number | tree.Bracket | tree.Call | tree.Norm | tree.Index | tree.Ones


def transposed_text(said: Said, node: Node) -> str:
    """How the transpose of a part is written: `Wᵀ`, `(A B)ᵀ`, and `W` for `Wᵀ`."""
    if isinstance(node, tree.Transpose):
        return said(node.body)
    text = said(node)
    return f"{text}ᵀ" if isinstance(node, _ATOMIC) else f"({text})ᵀ"


def advise_odot(said: Said, a: Node, _: Shape, b: Node, __: Shape) -> str:
    """What to write for a multiple where ⊙ stands."""
    return f"⊙ is for equal shapes; a scalar multiple is {said(a)} {said(b)}."


def advise_product(said: Said, a: Node, left: Shape, b: Node, right: Shape) -> str:
    """The nearest product that would fit: a transpose, entry by entry, another order."""
    x, y, xt, yt = said(a), said(b), transposed_text(said, a), transposed_text(said, b)
    if len(left) == len(right) == 1:
        if left == right:
            return f"Did you mean {xt} {y} (a number), or {x} * {y} (entry by entry)?"
        return f"Did you mean {x} {yt} (a matrix)?"
    for shapes, text in (
        ((flipped(left), right), f"{xt} {y}"),
        ((left, flipped(right)), f"{x} {yt}"),
        ((right, left), f"{y} {x}"),
        ((flipped(left), flipped(right)), f"{xt} {yt}"),
    ):
        if product_shape(*shapes) is not None:
            return f"Did you mean {text}?"
    return ""


def advise_transpose(said: Said, a: Node, left: Shape, b: Node, right: Shape) -> str:
    """The transpose of one of two parts that ought to have one shape."""
    if _turned(b, right) == left:
        return f"Did you mean {transposed_text(said, b)}?"
    return f"Did you mean {transposed_text(said, a)}?" if _turned(a, left) == right else ""


def _turned(node: Node, shape: Shape) -> Shape:
    """The shape of the transpose; a row that is written as one comes from a vector."""
    return shape[1:] if isinstance(node, tree.Transpose) and shape[:1] == (1,) else flipped(shape)
