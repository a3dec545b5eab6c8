"""The shapes of the operations that are neither entry by entry nor sums: trace, diag, stack, …"""

from collections.abc import Callable, Mapping, Sequence

from symbackprop.notation import sizes, tree
from symbackprop.notation.shape_algebra import has_size_one, shown
from symbackprop.notation.shape_places import written_size
from symbackprop.notation.shape_walk import Checker
from symbackprop.notation.tree import Node, Shape, Size


def _trace(self: Checker, node: tree.Call) -> Shape | None:
    body = self.shape(node.args[0])
    if body and not has_size_one(body) and (len(body) != 2 or body[0] != body[1]):
        self.fault(node, f"trace is of a square matrix, and {self.said(node.args[0])} is {shown(body)}")
    return ()


def _diag(self: Checker, node: tree.Call) -> Shape | None:
    """diag(v) is the matrix with v on its diagonal, diag(A) the diagonal of a square matrix."""
    body = self.shape(node.args[0])
    if body is None or (len(body) == 2 and body[0] == body[1]):
        return None if body is None else body[:1]
    if len(body) == 1:
        return (*body, *body)
    said = self.said(node.args[0])
    return self.fault(node, f"diag is of a vector or of a square matrix, and {said} is {shown(body)}")


def _made(self: Checker, node: tree.Call) -> Shape | None:
    """zeros(n) and zeros(m, n)."""
    found = [written_size(self, arg) for arg in node.args]
    known = [size for size in found if size is not None]
    return tuple(known) if len(known) == len(found) else None


def _eye(self: Checker, node: tree.Call) -> Shape | None:
    size = _made(self, node)
    return None if size is None else (*size, *size)


def _onehot(self: Checker, node: tree.Call) -> Shape | None:
    """onehot(place, size): 1 at the place, 0 elsewhere."""
    advice = f"Write it as a number: onehot(2, {self.said(node.args[1])})."
    place = written_size(self, node.args[0], "the place of a one-hot vector", advice)
    size = written_size(self, node.args[1])
    if place is None or size is None:
        return None
    left = sizes.subtract(size, place)
    if isinstance(left, int) and left < 0:
        message = f"place {self.said(node.args[0])} is outside 1 to {size}"
        return self.fault(node, message, "onehot(place, size) counts from 1.")
    return (size,)


def _vectors(self: Checker, node: tree.Call) -> list[tuple[Node, Size]] | None:
    """The arguments, which must be vectors, with their sizes."""
    found = [(arg, self.shape(arg)) for arg in node.args]
    for arg, shape in found:
        if shape is not None and len(shape) != 1:
            advice = "‖·‖_F², sum(A * B) and A B are for matrices." if node.function == "dot" else ""
            message = f"{node.function} is of two vectors, and {self.said(arg)} is {shown(shape)}"
            self.fault(node, message, advice if len(shape) == 2 else "")
            return None
    known = [(arg, shape[0]) for arg, shape in found if shape is not None]
    return known if len(known) == len(found) else None


def _dot(self: Checker, node: tree.Call) -> Shape | None:
    vectors = _vectors(self, node)
    if vectors is not None:
        (a, left), (b, right) = vectors
        if left != right:
            message = f"{self.said(a)} is {shown((left,))} and {self.said(b)} is {shown((right,))}"
            self.fault(node, f"{message}: {left} ≠ {right}", "", (a, b))
    return ()


def _outer(self: Checker, node: tree.Call) -> Shape | None:
    vectors = _vectors(self, node)
    return None if vectors is None else tuple(size for _, size in vectors)


# --- one above the other, side by side ------------------------------------------------


def _stack(self: Checker, node: tree.Call) -> Shape | None:
    """Vectors and scalars to a longer vector, matrices of one width to a higher matrix."""
    parts = _known(self, node)
    if parts is None:
        return None
    if all(len(shape) < 2 for _, shape in parts):
        return (_total([shape[0] if shape else 1 for _, shape in parts]),)
    flat = next(((arg, shape) for arg, shape in parts if len(shape) != 2), None)
    if flat is not None:
        arg, shape = flat
        advice = f"As a row it is {self.said(arg)}ᵀ." if len(shape) == 1 else ""
        message = f"stack is of vectors or of matrices, and {self.said(arg)} among matrices is {shown(shape)}"
        return self.fault(node, message, advice)
    if not _alike(self, node, parts, 1, "columns"):
        return None
    return (_total([shape[0] for _, shape in parts]), parts[0][1][1])


def _hstack(self: Checker, node: tree.Call) -> Shape | None:
    """Matrices of one height side by side; a vector is one column."""
    parts = _known(self, node)
    if parts is None:
        return None
    other = next(((arg, shape) for arg, shape in parts if len(shape) not in {1, 2}), None)
    if other is not None:
        arg, shape = other
        message = f"hstack is of matrices and vectors, and {self.said(arg)} is {shown(shape)}"
        return self.fault(node, message, "stack(a, b) makes a vector of numbers." if not shape else "")
    columns = [(arg, (*shape, 1)[:2]) for arg, shape in parts]
    if not _alike(self, node, columns, 0, "rows"):
        return None
    return (columns[0][1][0], _total([shape[1] for _, shape in columns]))


def _known(self: Checker, node: tree.Call) -> list[tuple[Node, Shape]] | None:
    found = [(arg, self.shape(arg)) for arg in node.args]
    known = [(arg, shape) for arg, shape in found if shape is not None]
    return known if len(known) == len(found) else None


def _total(counts: Sequence[Size]) -> Size:
    return sizes.combined((1, count) for count in counts)


def _alike(self: Checker, node: tree.Call, parts: Sequence[tuple[Node, Shape]], axis: int, what: str) -> bool:
    """Whether all parts have as many rows (or columns)."""
    first, shape = parts[0]
    for other, second in parts[1:]:
        if second[axis] != shape[axis]:
            message = f"{self.said(first)} is {shown(shape)} and {self.said(other)} is {shown(second)}"
            advice = f"What {node.function} puts together has as many {what}."
            self.fault(node, f"{message}: {shape[axis]} ≠ {second[axis]}", advice, (first, other))
            return False
    return True


OPERATIONS: Mapping[str, Callable[[Checker, tree.Call], Shape | None]] = {
    "trace": _trace, "diag": _diag, "eye": _eye, "zeros": _made, "onehot": _onehot, "dot": _dot,
    "outer": _outer, "stack": _stack, "hstack": _hstack,
}  # fmt: skip
"""The rule of each operation with a shape of its own."""
