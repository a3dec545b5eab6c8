"""The check of a formula's shapes: one rule for each kind of node, and every fault collected."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from symbackprop.notation import sizes as size_forms
from symbackprop.notation import tree
from symbackprop.notation.shape_advice import (
    advise_odot,
    advise_product,
    advise_sum,
    advise_transpose,
    no_advice,
)
from symbackprop.notation.shape_algebra import (
    OPERATION_SIGNATURES,
    SHARED_AXIS,
    ShapeError,
    Signature,
    axis_number,
    common_shape,
    flipped,
    has_size_one,
    keeps_entries,
    loose_shape,
    product_shape,
    shown,
)
from symbackprop.notation.shape_operations import OPERATIONS
from symbackprop.notation.shape_places import bounded_sum, entrywise, guarded, index, written_size
from symbackprop.notation.shape_walk import Checker, Rules, misfit, mix
from symbackprop.notation.tree import Node, Shape, Size


def shape_of(
    node: Node, shapes: Mapping[str, Shape], *, functions: Mapping[str, Signature], text: str = ""
) -> Shape:
    """The shape of `node`, given the shapes of its names.

    `functions` has a signature for every function that may be called (the operations are known).
    `text` is what the tree was read from; messages quote it. Raises ShapeError for the first
    fault, in reading order.
    """
    faults: list[ShapeError] = []
    shape = check(node, shapes, functions=functions, text=text, faults=faults)
    if faults:
        raise faults[0]
    if shape is None:
        raise ShapeError(node, "the shape of this formula is not determined")
    return shape


def check(
    node: Node,
    shapes: Mapping[str, Shape],
    *,
    functions: Mapping[str, Signature],
    text: str,
    faults: list[ShapeError],
    unknown: frozenset[str] = frozenset(),
    sizes: Mapping[str, Size] | None = None,
    name: str = "",
) -> Shape | None:
    """As `shape_of`, but every independent fault is put on the list `faults`.

    Names in `unknown` have no shape because of another fault; None is the shape of a formula
    that hangs on one, or that has a fault itself. `sizes` says what size names stand for, where
    that is not themselves. `name` is the left side, for the messages.
    """
    named = [size for shape in shapes.values() for size in shape if isinstance(size, str)]
    known: dict[str, Size] = {name: name for size in named for name in size_forms.names(size)}
    positive = tuple(dict.fromkeys(size for size in named if " " in size))
    return Checker(
        _RULES, shapes, functions, text, faults, unknown, {**known, **(sizes or {})}, name=name,
        positive=positive,
    ).shape(node)  # fmt: skip


# --- leaves and layout ----------------------------------------------------------------


def _scalar(_: Checker, __: Node) -> Shape:
    return ()


def _name(self: Checker, node: tree.Name) -> Shape | None:
    if node.name in self.shapes:
        return self.shapes[node.name]
    if node.name in self.ranges or node.name in self.sizes:
        return ()
    if node.name not in self.unknown:
        self.fault(node, f"nothing says the shape of {node.name}")
    return None


def _body(self: Checker, node: Any) -> Shape | None:
    return self.shape(node.body, entrywise=self.entrywise)


def _ones(self: Checker, node: tree.Ones) -> Shape | None:
    if node.size is None:
        return self.fault(node, "nothing says the size of this vector of ones", "Write ones(n).")
    size = written_size(self, node.size)
    return None if size is None else (size,)


def _gradient(self: Checker, node: tree.Gradient) -> Shape | None:
    return self.shape(node.of)


def _matrix(self: Checker, node: tree.Matrix) -> Shape | None:
    widths = {len(row) for row in node.rows}
    for row in node.rows:
        for cell in row:
            if not isinstance(cell, tree.Dots | tree.Blank):
                self.scalar(cell, "an entry")
    if len(widths) != 1 or not node.rows[0]:
        return self.fault(node, "the rows of this matrix have different lengths")
    return (len(node.rows),) if node.form == "column" else (len(node.rows), len(node.rows[0]))


# --- arithmetic -----------------------------------------------------------------------


def _add(self: Checker, node: tree.Add) -> Shape | None:
    return mix(self, node, node.terms, advise_sum, entrywise=self.entrywise)


def _product(self: Checker, node: tree.Product) -> Shape | None:
    by_entries = self.entrywise and keeps_entries(node)
    shapes = [self.shape(factor, entrywise=by_entries) for factor in node.factors]
    result, done = shapes[0], node.factors[0]
    for place, sign in enumerate(node.signs):
        factor, shape = node.factors[place + 1], shapes[place + 1]
        if result is None or shape is None:
            return None
        pair, before = _leading(node, place + 2), done
        result, done = _pair(self, pair, (before, result), sign, (factor, shape)), pair
    return result


def _leading(node: tree.Product, count: int) -> Node:
    """The first factors of a product, as a node of their own with the span they cover."""
    if count == len(node.factors):
        return node
    first, last = node.factors[0].span, node.factors[count - 1].span
    span = tree.Span(first.start, last.end) if first and last else None
    return tree.Product(node.factors[:count], node.signs[: count - 1], span=span)


def _pair(
    self: Checker, node: Node, first: tuple[Node, Shape], sign: str, second: tuple[Node, Shape]
) -> Shape | None:
    (a, left), (b, right) = first, second
    if sign in {"*", "odot"}:
        joined = loose_shape(left, right) if sign == "*" else common_shape(left, right)
        if joined is not None and (sign == "*" or not _spreads(left, right)):
            return joined
        advise = advise_odot if sign == "odot" and not (left and right) else advise_product
        return misfit(self, node, first, second, advise)
    joined = product_shape(left, right)
    if joined is not None:
        return joined
    inner = left[1] if len(left) == 2 else 1
    message = f"{self.said(a)} is {shown(left)} and {self.said(b)} is {shown(right)}"
    if max(len(left), len(right)) > 2:
        advice = "Write an equation in indices: y[i,j] = …"
        if left == right:
            advice = f"Write {self.said(a)} * {self.said(b)} (entry by entry), or an equation in indices."
        return self.fault(node, f"{message}, and only matrices have a product", advice)
    message += f": {inner} ≠ {right[0]}"
    return self.fault(node, message, advise_product(self.said, a, left, b, right), (a, b))


def _spreads(left: Shape, right: Shape) -> bool:
    """Whether a scalar meets a larger array: ⊙ is for equal shapes."""
    return (left == ()) != (right == ()) and not has_size_one(left or right)


def _quotient(self: Checker, node: tree.Quotient) -> Shape | None:
    parts = (node.above, node.below)
    return mix(self, node, parts, no_advice, entrywise=self.entrywise, join=loose_shape)


def _power(self: Checker, node: tree.Power) -> Shape | None:
    base = self.shape(node.base, entrywise=self.entrywise)
    self.scalar(node.exponent, "an exponent")
    if base is None or not base or has_size_one(base) or self.entrywise:
        return base
    said, square = self.said(node.base), tree.undressed(node.exponent) == tree.Number(Fraction(2))
    inside = said[1:-1].strip() if isinstance(node.base, tree.Bracket) else said
    norm = f"||{inside}||" + ("_F" if len(base) >= 2 else "")
    advice = f"Write {norm}^2 (a number) or square({inside}) (entry by entry)." if square else ""
    return self.fault(node, f"{said} is {shown(base)}, and only a scalar has powers", advice)


def _transpose(self: Checker, node: tree.Transpose) -> Shape | None:
    body = self.shape(node.body)
    if body is not None and len(body) > 2:
        advice = "Write it in indices: y[i,j,k] = …"
        return self.fault(node, f"{self.said(node.body)} is {shown(body)} and has no transpose", advice)
    return None if body is None else flipped(body)


def _norm(self: Checker, node: tree.Norm) -> Shape | None:
    body = self.shape(node.body)
    if body is not None and node.kind == "2" and len(body) >= 2 and not has_size_one(body):
        said = self.said(node.body)
        self.fault(node, f"{said} is {shown(body)}, and ‖·‖ is for vectors", f"Write ||{said}||_F.")
    return ()


# --- cases and derivatives -------------------------------------------------------------


def _cases(self: Checker, node: tree.Cases) -> Shape | None:
    for _, condition in node.branches:
        if isinstance(condition, tree.Chain):
            self.shape(condition)
    return mix(self, node, [value for value, _ in node.branches], no_advice)


def _derivative(self: Checker, node: tree.Derivative) -> Shape | None:
    above, below = self.shape(node.of), self.shape(node.by)
    if above is None or below is None:
        return None
    if not above or has_size_one(above):
        return below
    if not below or has_size_one(below):
        return above
    if len(above) == len(below) == 1:
        return (above[0], below[0])
    return self.fault(node, f"the derivative of {shown(above)} by {shown(below)} is no matrix")


def _chain(self: Checker, node: tree.Chain) -> Shape | None:
    members = [m for m in node.members if not isinstance(m, tree.Space | tree.Sizes | tree.Word)]
    return mix(self, node, members, advise_sum)


# --- calls ----------------------------------------------------------------------------


def _call(self: Checker, node: tree.Call) -> Shape | None:
    signature = self.functions.get(node.function) or OPERATION_SIGNATURES.get(node.function)
    if signature is None:
        return self.fault(node, f"unknown function {node.function}")
    complete = _check_call(self, node, signature)
    for name, value in node.options:
        if name in signature.options:
            self.scalar(value, f"the option {name}")
    if signature.kind == "reduction":
        body = self.shape(node.args[0], entrywise=True)
        return _reduced(self, node, body)
    if signature.kind == "loss":
        mix(self, node, node.args, advise_transpose)
        return ()
    if signature.kind == "operation":
        return OPERATIONS[node.function](self, node) if complete else None
    shape = mix(self, node, node.args, no_advice, entrywise=False)
    return _rowwise(self, node, shape) if signature.kind == "rowwise" else shape


def _rowwise(self: Checker, node: tree.Call, shape: Shape | None) -> Shape | None:
    """softmax: of a vector, of each row of a matrix, with axis = 0 of each column."""
    if shape is None:
        return None
    if len(shape) not in {1, 2}:
        return self.fault(node, f"{node.function} needs a vector or a matrix, and this is {shown(shape)}")
    axis = dict(node.options).get(SHARED_AXIS)
    if axis is not None and axis_number(axis) is None:
        return self.fault(node, "axis is 0 (each column) or 1 (each row)")
    if axis is not None and len(shape) == 1 and axis_number(axis) == 1:
        return self.fault(node, f"axis is for a matrix, and this is {shown(shape)}", "Leave axis out.")
    return shape


def _check_call(self: Checker, node: tree.Call, signature: Signature) -> bool:
    """Number of arguments and names of options; whether the number is right."""
    least, count = signature.arguments, len(node.args)
    most = count if signature.more is None else least + signature.more
    complete = least <= count <= max(least, most)
    if not complete:
        plural = "argument" if least == most == 1 else "arguments"
        number = (
            f"{least}" if least == most else f"{least} or {most}" if most > least else f"at least {least}"
        )
        self.fault(node, f"{node.function} takes {number} {plural}, and there are {count}")
    if node.primes and signature.kind != "entrywise":
        self.fault(node, f"{node.function} acts on whole arrays and has no derivative g′ entry by entry")
    for name, _ in node.options:
        if name not in signature.options:
            known = ", ".join(sorted(signature.options))
            self.fault(
                node, f"{node.function} has no option {name}", f"Its options: {known}." if known else ""
            )
    return complete


def _reduced(self: Checker, node: tree.Call, body: Shape | None) -> Shape | None:
    axis = dict(node.options).get(SHARED_AXIS)
    if axis is None:
        return ()
    gone = axis_number(axis)
    if gone is None:
        return self.fault(node, "axis is 0 (down the columns) or 1 (along the rows)")
    if body is None:
        return None
    if len(body) != 2:
        return self.fault(node, f"axis is for a matrix, and this is {shown(body)}", "Leave axis out.")
    return (body[1 - gone],)


_RULES: Rules = {
    tree.Number: _scalar, tree.Constant: _scalar, tree.Delta: _scalar, tree.Name: _name,
    tree.Neg: _body, tree.Bracket: _body, tree.Brace: _body, tree.Box: _body, tree.Coloured: _body,
    tree.Ones: _ones, tree.Gradient: _gradient, tree.Matrix: _matrix, tree.Add: _add,
    tree.Product: _product, tree.Quotient: _quotient, tree.Power: _power, tree.Transpose: _transpose,
    tree.Norm: _norm, tree.Index: index, tree.Sum: bounded_sum, tree.Cases: _cases,
    tree.Derivative: _derivative, tree.Chain: _chain, tree.Call: _call, tree.Where: guarded,
    tree.Entrywise: entrywise,
}  # fmt: skip
