"""The check of a formula's shapes: one rule for each kind of node, and every fault collected."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

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
    size_of,
)
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
) -> Shape | None:
    """As `shape_of`, but every independent fault is put on the list `faults`.

    Names in `unknown` have no shape because of another fault; None is the shape of a formula
    that hangs on one, or that has a fault itself. `sizes` says what size names stand for, where
    that is not themselves.
    """
    named = (size for shape in shapes.values() for size in shape if isinstance(size, str))
    known = {**{size: size for size in named}, **(sizes or {})}
    return Checker(_RULES, shapes, functions, text, faults, unknown, known).shape(node)


# --- leaves and layout ----------------------------------------------------------------


def _scalar(_: Checker, __: Node) -> Shape:
    return ()


def _name(self: Checker, node: tree.Name) -> Shape | None:
    if node.name in self.shapes:
        return self.shapes[node.name]
    if node.name in self.ends or node.name in self.sizes:
        return ()
    if node.name not in self.unknown:
        self.fault(node, f"nothing says the shape of {node.name}")
    return None


def _body(self: Checker, node: Any) -> Shape | None:
    return self.shape(node.body, entrywise=self.entrywise)


def _ones(self: Checker, node: tree.Ones) -> Shape | None:
    if node.size is None:
        return self.fault(node, "nothing says the size of this vector of ones", "Write ones(n).")
    self.scalar(node.size, "a size")
    size = size_of(node.size)
    size = self.sizes.get(size, size) if isinstance(size, str) else size
    return (size,) if size is not None else self.fault(node, "a size is a number or the name of one")


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
    message = f"{self.said(a)} is {shown(left)} and {self.said(b)} is {shown(right)}: {inner} ≠ {right[0]}"
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
    norm = f"||{inside}||" + ("_F" if len(base) == 2 else "")
    advice = f"Write {norm}^2 (a number) or square({inside}) (entry by entry)." if square else ""
    return self.fault(node, f"{said} is {shown(base)}, and only a scalar has powers", advice)


def _transpose(self: Checker, node: tree.Transpose) -> Shape | None:
    body = self.shape(node.body)
    return None if body is None else flipped(body)


def _norm(self: Checker, node: tree.Norm) -> Shape | None:
    body = self.shape(node.body)
    if body is not None and node.kind == "2" and len(body) == 2 and not has_size_one(body):
        said = self.said(node.body)
        self.fault(node, f"{said} is {shown(body)}, and ‖·‖ is for vectors", f"Write ||{said}||_F.")
    return ()


# --- indices, sums, cases and derivatives --------------------------------------------


def _index(self: Checker, node: tree.Index) -> Shape | None:
    base = self.shape(node.base)
    if base is None:
        return None
    if len(base) != len(node.places):
        need = "no index" if not base else "one index" if len(base) == 1 else "two indices"
        return self.fault(node, f"{self.said(node.base)} is {shown(base)} and takes {need}")
    axes = [_place(self, node, place, size) for place, size in zip(node.places, base, strict=True)]
    kept = [axis for axis in axes if axis is not None]
    if len(axes) == 2 and axes[0] is None and axes[1] is not None:
        return (1, axes[1])  # a row stays a row
    return tuple(kept)


def _place(self: Checker, node: tree.Index, place: Node, size: Size) -> Size | None:
    """The size that is left of an axis: None where one entry is picked."""
    if not isinstance(place, tree.Slice):
        self.scalar(place, "an index")
        _within(self, node, place, size)
        return None
    for end in (place.low, place.high):
        if end is not None:
            self.scalar(end, "an index")
            _within(self, node, end, size)
    low = 1 if place.low is None else size_of(place.low)
    high = size if place.high is None else size_of(place.high)
    high = self.sizes.get(high, high) if isinstance(high, str) else high
    if low == 1 and high is not None:
        return high
    if isinstance(low, int) and isinstance(high, int) and low <= high:
        return high - low + 1
    self.fault(node, f"the size of {self.said(node)} is not known", "Give the slice in numbers.")
    return 1


def _within(self: Checker, node: tree.Index, place: Node, size: Size) -> None:
    """A number must be a place of the axis; an index of a sum must not run past its end."""
    bare = tree.undressed(place)
    if isinstance(bare, tree.Name):
        end = self.ends.get(bare.name)
        past = end > size if isinstance(end, int) and isinstance(size, int) else end != size
        if end is not None and past:
            said = self.said(node.base)
            self.fault(node, f"{bare.name} runs to {end}, and this axis of {said} has {size} places")
        return
    number = bare.body if isinstance(bare, tree.Neg) else bare
    if not isinstance(number, tree.Number):
        return
    outside = isinstance(size, int) and number.value > size
    if number is not bare or number.value.denominator != 1 or number.value < 1 or outside:
        self.fault(node, f"index {self.said(place)} is outside 1 to {size}", "Indices start at 1.")


def _sum(self: Checker, node: tree.Sum) -> Shape | None:
    self.scalar(node.low, "a bound of a sum")
    self.scalar(node.high, "a bound of a sum")
    high = size_of(node.high)
    end = self.sizes.get(high, high) if isinstance(high, str) else high
    shapes = {name: shape for name, shape in self.shapes.items() if name != node.index}
    inner = replace(self, shapes=shapes, ends={**self.ends, node.index: end})
    inner.scalar(node.body, "what is summed")
    return ()


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
    _check_call(self, node, signature)
    for name, value in node.options:
        if name in signature.options:
            self.scalar(value, f"the option {name}")
    if signature.kind == "reduction":
        body = self.shape(node.args[0], entrywise=True)
        return _reduced(self, node, body)
    if signature.kind == "loss":
        mix(self, node, node.args, advise_transpose)
        return ()
    shape = mix(self, node, node.args, no_advice, entrywise=False)
    if signature.kind == "rowwise" and shape == ():
        return self.fault(node, f"{node.function} needs a vector or a matrix")
    return shape


def _check_call(self: Checker, node: tree.Call, signature: Signature) -> None:
    """Number of arguments and names of options."""
    if len(node.args) != signature.arguments:
        plural = "argument" if signature.arguments == 1 else "arguments"
        said = f"{node.function} takes {signature.arguments} {plural}"
        self.fault(node, f"{said}, and there are {len(node.args)}")
    if node.primes and signature.kind != "entrywise":
        self.fault(node, f"{node.function} acts on whole arrays and has no derivative g′ entry by entry")
    for name, _ in node.options:
        if name not in signature.options:
            known = ", ".join(sorted(signature.options))
            self.fault(
                node, f"{node.function} has no option {name}", f"Its options: {known}." if known else ""
            )


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
    tree.Norm: _norm, tree.Index: _index, tree.Sum: _sum, tree.Cases: _cases,
    tree.Derivative: _derivative, tree.Chain: _chain, tree.Call: _call,
}  # fmt: skip
