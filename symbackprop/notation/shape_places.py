"""The check of indices: places inside their arrays, slices, sums, guards and arrays given by entries."""

from collections.abc import Sequence
from dataclasses import replace

from symbackprop.notation import sizes, tree
from symbackprop.notation.shape_algebra import MOST_AXES, shown
from symbackprop.notation.shape_ranges import Range, extreme, guards_of, plus, proved, with_sizes
from symbackprop.notation.shape_walk import Checker
from symbackprop.notation.sizes import Linear
from symbackprop.notation.tree import Node, Shape, Size

_COUNTS = ("no index", "one index", "two indices", "three indices", "four indices")
_ONE: Linear = ({}, 1)


# --- sizes that are written -------------------------------------------------------------


def written_size(self: Checker, node: Node, what: str = "a size", advice: str = "") -> Size | None:
    """The size that a formula writes, as in ones(n); None, and a fault, where it is none."""
    self.scalar(node, what)
    form = sizes.linear_form(node)
    if form is None or any(name not in self.sizes for name in form[0]):
        if form is None or all(name in self.shapes for name in form[0]):
            self.fault(node, f"{what} is a number or the name of one", advice)
        return None
    size = sizes.canonical(*with_sizes(form, self.sizes))
    if isinstance(size, int) and size < 1:
        self.fault(node, f"{what} is at least 1, and {self.said(node)} is {size}")
        return None
    return size


# --- indices and slices -----------------------------------------------------------------


def index(self: Checker, node: tree.Index) -> Shape | None:
    """`w[i,j]` is a scalar, `W[:,i]` a vector, `W[i,:]` a row."""
    base = self.shape(node.base)
    if base is None:
        return None
    if len(base) != len(node.places):
        need = _COUNTS[len(base)]
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
    return _slice_size(self, node, place, size)


def _slice_size(self: Checker, node: tree.Index, place: tree.Slice, size: Size) -> Size:
    low = _ONE if place.low is None else _form(self, place.low)
    high = sizes.linear(size) if place.high is None else _form(self, place.high)
    if low is None or high is None:
        return 1  # a fault already
    count, more = plus(plus(high, low, -1), _ONE)
    if any(name in self.ranges for name in count):
        self.fault(node, f"the size of {self.said(node)} hangs on an index", "Give both ends of the slice.")
        return 1
    left = sizes.canonical(count, more)
    if isinstance(left, int) and left < 1:
        self.fault(node, f"the slice {self.said(place)} holds nothing", "Both ends are included: x[2:3].")
        return 1
    return left


def _form(self: Checker, place: Node) -> Linear | None:
    """A place as a linear form of indices and of what the size names stand for."""
    form = sizes.linear_form(place)
    if form is None or any(name not in self.ranges and name not in self.sizes for name in form[0]):
        return None
    return with_sizes(form, {name: own for name, own in self.sizes.items() if name not in self.ranges})


# --- inside the array -------------------------------------------------------------------


def _within(self: Checker, node: tree.Index, place: Node, size: Size) -> None:
    """A place must be a place of its axis for all that its indices run over."""
    form = _form(self, place)
    if form is None:
        names = sizes.linear_form(place)
        if names is None:
            message = f"{self.said(place)} is no index"
            self.fault(node, message, "An index is made of indices, sizes and whole numbers.")
        else:
            for name in names[0]:
                if name in self.shapes and name not in self.sizes:
                    advice = f"Write a number, or sum({name} = 1..n: …) with a letter of its own."
                    self.fault(node, f"{name} is a name of the model, and no index", advice)
        return
    below, above = plus(form, _ONE, -1), plus(sizes.linear(size), form, -1)
    if not any(name in self.ranges for name in form[0]):
        if _fails(self, below) or _fails(self, above):
            said = f"index {self.said(place)} is outside 1 to {size}"
            self.fault(node, said, "Indices start at 1.")
        return
    low = proved(below, self.ranges, self.guards, self.positive)
    high = proved(above, self.ranges, self.guards, self.positive)
    if not (low and high):
        _leaves(self, node, place, size, form, low, high)


def _fails(self: Checker, form: Linear) -> bool:
    """Whether a form without indices is below 0 for certain."""
    return proved(plus(({}, -1), form, -1), {}, (), self.positive)


def _leaves(
    self: Checker, node: tree.Index, place: Node, size: Size, form: Linear, low: bool, high: bool
) -> None:
    """A place that leaves its array: what it reaches, and what would keep it inside."""
    bare = tree.undressed(place)
    first = extreme(form, self.ranges, largest=False)
    last = extreme(form, self.ranges, largest=True)
    if isinstance(bare, tree.Name) and low and not self.guards and last is not None:
        said = f"this axis of {self.said(node.base)} has {size} places"
        self.fault(node, f"{bare.name} runs to {sizes.canonical(*last)}, and {said}")
        return
    where, inside = self.said(place), self.said(node)
    subject = inside if len(node.places) == 1 else f"{where} in {inside}"
    reached = [sizes.canonical(*end) for end, fine in ((first, low), (last, high)) if end and not fine]
    said = f"reaches {' and '.join(map(str, reached))}" if reached else "may leave it: the range"
    message = f"{subject} {said} of 1..{size}"
    if self.guards:
        message += ", which the guard does not exclude"
    guard = f"{'' if low else '1 <= '}{where}{'' if high else f' <= {size}'}"
    self.fault(node, message, f"Add a guard: where {guard}{_or_declare(self, form, low)}.")


def _or_declare(self: Checker, form: Linear, low: bool) -> str:
    """A shorter range is the other way out, where only the last places are too many."""
    left = [name for name in form[0] if name in self.left]
    if not low or len(left) != 1 or not self.name:
        return ""
    return f"; or give {self.name} fewer places under [shapes]"


# --- what binds indices -----------------------------------------------------------------


def bounded_sum(self: Checker, node: tree.Sum) -> Shape:
    """`Σ_{i=1}^{n} body` of a scalar body."""
    if node.high is None:
        self.fault(node, f"nothing says how far {node.index} runs", f"Write sum({node.index} = 1..n: …).")
        return ()
    self.scalar(node.low, "a bound of a sum")
    self.scalar(node.high, "a bound of a sum")
    low, high = _form(self, node.low), _form(self, node.high)
    if low is not None and high is not None and not low[0] and not high[0] and high[1] < low[1]:
        self.fault(node, f"the sum has no terms: {node.index} runs from {low[1]} to {high[1]}")
        return ()
    inner = _inside(self, {node.index: Range(low, high)})
    inner.scalar(node.body, "what is summed")
    return ()


def entrywise(self: Checker, node: tree.Entrywise) -> Shape | None:
    """The array of a scalar body, an axis for each index."""
    if len(node.indices) > MOST_AXES:
        return self.fault(
            node, f"an array has at most {MOST_AXES} indices, and these are {len(node.indices)}"
        )
    if len(node.sizes) != len(node.indices):
        return self.fault(node, f"nothing says how far {node.indices[0]} runs")
    shape = [written_size(self, size) for size in node.sizes]
    known = [size for size in shape if size is not None]
    if len(known) < len(shape):
        return None
    ranges = {name: Range(_ONE, sizes.linear(size)) for name, size in zip(node.indices, known, strict=True)}
    inner = _inside(self, ranges, left=node.indices)
    inner.scalar(node.body, f"the entry at {', '.join(node.indices)}")
    return tuple(known)


def _inside(self: Checker, ranges: dict[str, Range], left: Sequence[str] = ()) -> Checker:
    """What a formula sees under new indices."""
    shapes = {name: shape for name, shape in self.shapes.items() if name not in ranges}
    outer = {name: own for name, own in self.ranges.items() if name not in ranges}
    guards = [guard for guard in self.guards if not guard[0].keys() & ranges.keys()]
    return replace(
        self, shapes=shapes, ranges={**outer, **ranges}, guards=guards, left=frozenset({*self.left, *left})
    )


def guarded(self: Checker, node: tree.Where) -> Shape | None:
    """`body where conditions`: the conditions compare indices."""
    guards = list(self.guards)
    for condition in node.conditions:
        forms = guards_of(condition)
        names = {part for form in forms or () for part in form[0]}
        unknown = sorted(names - self.ranges.keys() - self.sizes.keys())
        if forms is None or unknown:
            advice = "Write where 1 <= i + a - 2 <= m."
            self.fault(condition, "a guard compares indices, sizes and whole numbers", advice)
        else:
            table = {name: own for name, own in self.sizes.items() if name not in self.ranges}
            guards += [with_sizes(form, table) for form in forms]
    return replace(self, guards=guards).shape(node.body, entrywise=self.entrywise)
