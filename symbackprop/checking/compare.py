"""Whether two values are the same, and if not quite, in which accepted way they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from itertools import product as combinations
from math import prod
from typing import Any, Literal

from symbackprop import limits
from symbackprop.algebra.values.arrays import Array, form
from symbackprop.algebra.values.domain import Domain, EvaluationError, Redraw, Symbolic, Undecided
from symbackprop.algebra.values.evaluate import NoSize
from symbackprop.algebra.values.vanish import vanishes
from symbackprop.checking.borders import with_border
from symbackprop.checking.products import times
from symbackprop.checking.ranges import holds
from symbackprop.checking.resolve import Resolved
from symbackprop.checking.values import HandEvaluator, Reader, evaluator_in, indexed, scope_in
from symbackprop.checking.worlds import World
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node

Way = Literal["equal", "transposed", "diagonal", "factor"]
"""Equal; a row for a column, or a matrix transposed; a Jacobian's diagonal; the factor beside dz."""

Ways = frozenset[Way]

Trouble = Literal["", "shape", "symbol", "undefined"]
"""Why there is no value: shapes do not fit, a symbol is in the way, a function has no value here."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Side(Plain):
    """A member's value. `split` is how many axes of a Jacobian belong to what is differentiated; `loose`:
    a tuple, which is neither row nor column."""

    array: Array[Any]
    split: int | None = None
    loose: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Seen(Plain):
    """What two members are to each other at some points: the ways that hold at all of them."""

    ways: Ways
    trouble: Trouble = ""
    node: Node | None = None
    message: str = ""
    notes: Mapping[str, Node] = field(default_factory=dict)
    points: int = 0

    @property
    def equal(self) -> bool:
        """Whether they are the same everywhere."""
        return "equal" in self.ways


_OUTSIDE = "is outside 1.."


def _is_moving(found: Node | None) -> bool:
    """Whether a place is reckoned from indices, x_{i+a-1}: w_{31} of a 2×3 matrix is plainly wrong."""
    node = found.of if isinstance(found, tree.Gradient) else found
    return isinstance(node, tree.Index) and not all(
        isinstance(one, tree.Number | tree.Name) for one in node.places
    )


class TooMany(ArithmeticError):
    """More cases of free indices than are looked at."""


def look(
    left: Resolved, right: Resolved, worlds: Sequence[World], reader: Reader, *,
    padded: bool = False, beside: Sequence[Resolved] = (),
) -> Seen:  # fmt: skip
    """Compare two members in worlds, for every value of their free indices; where these are many, for all of
    them in the first world and for some in the others. `padded`: what lies outside of arrays is 0 already.
    `beside`: what else says how far the indices go."""
    ways: Ways | None = None
    notes: dict[str, Node] = {}
    points = 0
    for world in worlds:
        working = evaluator_in(world, reader)
        try:
            for indices in assignments(working, left, right, *beside, some=points > SOME):
                a, b = sides(working, left, right, indices)
                found = ways_of(working, a, b)
                ways = found if ways is None else ways & found
                points += 1
                if not ways:
                    notes.update(working.notes)
                    return Seen(ways, notes=notes, points=points)
        except EvaluationError as error:
            node = error.node if isinstance(error.node, Node) else None
            if _OUTSIDE in error.message and _is_moving(node):  # a border, where people mean 0
                if not padded:
                    one, two = (with_border(each, world.exercise) for each in (left, right))
                    seen = look(one, two, worlds, reader, padded=True)
                    if seen.equal and node is not None:
                        return replace(seen, notes={**seen.notes, "check.zero_outside": node})
                return Seen(frozenset(), "undefined", node, error.message, points=1)
            return Seen(frozenset(), "shape", node, error.message, dict(working.notes))
        except Redraw:
            continue
        except Symbolic as error:
            return Seen(frozenset(), "symbol", message=str(error))
        except (Undecided, ArithmeticError) as error:
            return Seen(frozenset(), "undefined", message=str(error))
        notes.update(working.notes)
    if ways is None:
        return Seen(frozenset(), "undefined")
    return Seen(ways, notes=notes, points=points)


SOME = 64
"""Values of free indices at each random point, once all of them were looked at."""


def assignments(working: HandEvaluator, *members: Resolved, some: bool = False) -> Iterator[dict[str, int]]:
    """Every value of the free indices, as far as what they stand in goes; or about `SOME`, spread evenly."""
    free = tuple(dict.fromkeys(index for member in members for index in member.free))
    ranges = []
    for index in free:
        lengths = [
            length for member in members
            if (length := length_of(working, index, member.node)) is not None
        ]  # fmt: skip
        if not lengths:
            raise Symbolic(f"nothing says how far {index} runs")
        ranges.append(range(1, max(lengths) + 1))  # beyond the shorter one a formula has no value
    count = prod(map(len, ranges))
    if count > limits.SIZE:
        raise TooMany("the free indices have too many values")
    step = count // SOME | 1 if some else 1  # odd: a step of whole rows would see one column
    conditions = dict.fromkeys(one for member in members for one in member.conditions)
    for values in islice(combinations(*ranges), 0, None, 1 if conditions else step):
        indices = dict(zip(free, values, strict=True))
        if conditions and not all(_holds(working, one, indices) for one in conditions):
            continue
        yield indices


def _holds(working: HandEvaluator, condition: Node, indices: Mapping[str, int]) -> bool:
    scope = scope_in(working.here, indices)
    return holds(condition, lambda name: indices.get(name) or working.known(name, scope))


def length_of(working: HandEvaluator, index: str, node: Node) -> int | None:
    """The length of the axis along which an index runs."""
    for name, axis in indexed(node, index):
        found = working.shape_of(name)
        if found is not None and axis < len(found):
            return found[axis]
    return None


def sides(
    working: HandEvaluator, left: Resolved, right: Resolved, indices: Mapping[str, int]
) -> tuple[Side, Side]:
    """Both values; ones without a size take it from the other side. Raises what evaluation raises."""
    try:
        a = side(working, left, indices)
    except NoSize:
        b = side(working, right, indices)
        return side(working, left, indices, b.array.shape), b
    try:
        return a, side(working, right, indices)
    except NoSize:
        return a, side(working, right, indices, a.array.shape)


def side(
    working: HandEvaluator,
    member: Resolved,
    indices: Mapping[str, int],
    like: tuple[int, ...] | None = None,
) -> Side:
    """The value of a member, found once for a line. Raises what evaluation raises."""
    values, reader = working.reader.budget.values, working.reader
    about = (member, working.here, reader.meanings, reader.sizes)  # kept, so that no other has its id
    key = (*map(id, about), tuple(indices.items()), like, reader.direct)
    if key not in values:
        before = dict(working.notes)
        working.notes.clear()
        try:
            made = _side(working, member, indices, like)
            values[key] = made, dict(working.notes), about
        finally:
            new = dict(working.notes)
            working.notes.clear()
            working.notes.update({**new, **before})
    found: tuple[Side, dict[str, Node], object] = values[key]
    for note, node in found[1].items():
        working.note(note, node)
    return found[0]


def _side(
    working: HandEvaluator, member: Resolved, indices: Mapping[str, int], like: tuple[int, ...] | None
) -> Side:
    bare = tree.bare(member.node)
    array = working.value(member.node, scope_in(working.here, indices, like))
    split = None
    if isinstance(bare, tree.Derivative) and bare.of != tree.Name(working.here.exercise.loss):
        by = working.value(bare.by, scope_in(working.here, indices))
        split = len(array.shape) - len(by.shape)
    if split and prod(array.shape[:split]) == 1 and len(array.shape) > split:
        array, split = array.reshaped(array.shape[split:]), 0  # of one number: its gradient
    tupled = loose(bare) or (isinstance(bare, tree.Product) and _is_scaled(working, bare, indices))
    return Side(array, split if split else None, tupled)


def _is_scaled(working: HandEvaluator, node: tree.Product, indices: Mapping[str, int]) -> bool:
    """`dz (1, 0, 2)` of one neuron: a tuple times numbers."""
    tuples = [factor for factor in node.factors if loose(factor)]
    others = [factor for factor in node.factors if not loose(factor)]
    scope = scope_in(working.here, indices)
    return len(tuples) == 1 and all(len(working.value(one, scope).entries) == 1 for one in others)


def loose(node: Node) -> bool:
    """Whether a formula is a tuple, or a number times one: neither row nor column."""
    match tree.bare(node):
        case hand.Tuple():
            return True
        case tree.Transpose(body) if isinstance(tree.undressed(body), hand.Tuple):
            return True  # (1, 5)ᵀ is how people write a column
        case tree.Bracket(body) | tree.Neg(body) | tree.Quotient(body, _):
            return loose(body)
        case tree.Product(factors, signs):
            arrays = [one for one in factors if not is_number(one)]
            single = len(arrays) == 1 or (arrays and set(signs) == {"odot"})
            return bool(single) and all(map(loose, arrays))
        case tree.Add(terms):
            return all(map(loose, terms))
    return False


def is_number(node: Node) -> bool:
    """Whether a formula is a single number written out."""
    match tree.bare(node):
        case tree.Number():
            return True
        case tree.Bracket(body) | tree.Neg(body):
            return is_number(body)
        case tree.Add(parts) | tree.Product(parts):
            return all(map(is_number, parts))
        case tree.Quotient(first, second) | tree.Power(first, second):
            return is_number(first) and is_number(second)
        case tree.Call(_, args):
            return all(map(is_number, args))
    return False


# --- ways -----------------------------------------------------------------------------------------


def ways_of(working: HandEvaluator, a: Side, b: Side) -> Ways:
    """In which ways two values are the same."""
    domain = working.domain
    if _same_arrays(domain, a, b):
        return frozenset({"equal"})
    found: set[Way] = set()
    if _turned(domain, a.array, b.array):
        found.add("transposed")
    for whole, part in ((a, b), (b, a)):
        if whole.split is not None and part.split is None:
            found |= _shorthand(working, whole, part.array)
    return frozenset(found)


def same(domain: Domain[Any], a: Any, b: Any) -> bool:
    """Whether two numbers are equal; balls that overlap count, they are far smaller than any digit shown."""
    if isinstance(a, int | Fraction) and isinstance(b, int | Fraction) and type(a) is type(b):
        return bool(a == b)
    return vanishes(domain.sub(a, b))


def _all_same(domain: Domain[Any], a: Sequence[Any], b: Sequence[Any]) -> bool:
    return len(a) == len(b) and all(same(domain, u, v) for u, v in zip(a, b, strict=True))


def _same_arrays(domain: Domain[Any], a: Side, b: Side) -> bool:
    if form(a.array.shape) == form(b.array.shape):
        return _all_same(domain, a.array.entries, b.array.entries)
    if a.loose or b.loose:
        one_axis = all(sum(size > 1 for size in x.array.shape) <= 1 for x in (a, b))
        return one_axis and _all_same(domain, a.array.entries, b.array.entries)
    for number, other in ((a, b), (b, a)):
        if len(number.array.entries) == 1 and domain.is_zero(number.array.entries[0]):
            return all(domain.is_zero(entry) for entry in other.array.entries)
    return False


def _turned(domain: Domain[Any], a: Array[Any], b: Array[Any]) -> bool:
    if max(len(a.shape), len(b.shape)) > 2 or len(a.entries) != len(b.entries) or len(a.entries) < 2:
        return False
    turned = a.transposed()
    return form(turned.shape) == form(b.shape) and _all_same(domain, turned.entries, b.entries)


_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53)


def _shorthand(working: HandEvaluator, whole: Side, part: Array[Any]) -> set[Way]:
    """∂ŷ/∂z = g'(z) for its diagonal, ∂z/∂W = xᵀ for the factor that dz is multiplied by."""
    domain, array = working.domain, whole.array
    assert whole.split is not None
    of, by = array.shape[: whole.split], array.shape[whole.split :]
    found: set[Way] = set()
    size, columns = prod(of), prod(by)
    if of == by and form(part.shape) == form(of):
        off = [array.entries[p * columns + q] for p in range(size) for q in range(columns) if p != q]
        diagonal = [array.entries[p * columns + p] for p in range(size)]
        if all(map(domain.is_zero, off)) and _all_same(domain, diagonal, part.entries):
            found.add("diagonal")
    arriving = Array(of, tuple(domain.from_fraction(Fraction(_PRIMES[p % 16] + p)) for p in range(size)))
    wanted = [
        domain.dot(arriving.entries, [array.entries[p * columns + q] for p in range(size)])
        for q in range(columns)
    ]
    kept = dict(working.notes)
    noted: list[dict[str, Node]] = []
    for left, right in ((arriving, part), (part, arriving)):
        working.notes.clear()
        try:
            made = times(working, tree.Dots(), left, right, "")
        except EvaluationError:
            continue
        if form(made.shape) == form(by) and _all_same(domain, made.entries, wanted):
            found.add("factor")
            noted.append(dict(working.notes))
    working.notes.clear()
    noted.sort(key=len)  # the order that fits as it is comes first
    working.notes.update({**kept, **(noted[0] if noted else {})})
    return found
