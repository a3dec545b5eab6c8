"""Random points at which a model has a value: in a finite field, else in the real numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from operator import mul
from random import Random
from typing import Any, TypeVar

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import (
    Domain,
    DomainProblem,
    EvaluationError,
    NotCertified,
    Redraw,
    Symbolic,
    Undecided,
)
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact, bounds
from symbackprop.algebra.values.gfp import MERSENNE, ORDERED, GFp, Signs
from symbackprop.algebra.values.run import forward
from symbackprop.derivation.fulfil import FactFails, check, constrained, fulfilled
from symbackprop.derivation.model import Model
from symbackprop.notation import tree
from symbackprop.notation.node import Plain
from symbackprop.notation.sizes import combined, linear, size_of_tree, value
from symbackprop.notation.tree import Shape, Size

R = TypeVar("R")

REDRAWS = 60
"""Points of the real numbers that are tried."""

FIELD_REDRAWS = 400
"""Points of a field that are tried: each square root exists at every other point."""

MOST_ROOTS = 3
"""Square roots that a model lacks at one point (half of those that it takes); where it lacks more, a point
of a field that has them all is not waited for: the root of each entry of a matrix."""

_FEW_REDRAWS = 9

BITS = 256
"""Of the real numbers, where a field has no point; half of them must agree."""


_GROWTH = 50
"""Rounds in which sizes grow until all computed ones are positive."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Point(Plain):
    """A domain, numbers for the sizes, and values of the whole forward pass."""

    domain: Domain[Any]
    sizes: Mapping[str, int]
    values: Mapping[str, Array[Any]]

    @property
    def real(self) -> bool:
        """Whether it is a point of the real numbers."""
        return isinstance(self.domain, Exact)

    def draw(self, shape: Sequence[Size], seed: str) -> Array[Any]:
        """A random array."""
        return draw(self.domain, numbers_of(shape, self.sizes), seed)

    def same(self, left: Any, right: Any) -> bool:
        """Whether two values agree; real ones to half of their bits."""
        if not self.real:
            return bool(left == right)
        low, high = bounds(self.domain.sub(left, right))
        return low <= 0 <= high and high - low < Fraction(1, 1 << (BITS // 2))


def drawn(seed: str, use: Callable[[GFp], R], signs: Signs = "random") -> R | None:
    """What `use` makes of the first point of a field that is of use; None if there is none."""
    for attempt in range(FIELD_REDRAWS):
        modulus = MERSENNE if attempt % 2 == 0 else ORDERED
        try:
            return use(GFp(f"{seed}/{attempt}", modulus=modulus, signs=signs))
        except Redraw:
            if attempt == _FEW_REDRAWS and _roots(seed, use) > MOST_ROOTS:
                return None
    return None


def _roots(seed: str, use: Callable[[GFp], R]) -> int:
    """How many square roots `use` takes that do not exist, at a point that goes on without them."""
    domain = GFp(f"{seed}/roots")
    domain.roots = set()
    with suppress(Redraw, FactFails, EvaluationError):
        use(domain)
    return len(domain.roots)


def point(model: Model, sizes: Mapping[str, int], signs: Signs, seed: str) -> Point:
    """A random point. Raises NotCertified where none was found at which the model has a value.

    Where the exercise states facts, they hold at the point. Raises FactFails for one that cannot.
    """
    try:
        found = drawn(seed, lambda domain: _at(model, sizes, domain, seed), signs)
    except FactFails:
        found = None  # a law that a field lacks (sin² has none of its own) may hold for real numbers
    if found is not None:
        return found
    for made in real_points(model, sizes, seed):
        return made
    raise NotCertified(
        "no random point was found at which the model has a value: is there a division by 0, or the "
        "square root or logarithm of a negative number?"
    )


def real_points(
    model: Model, sizes: Mapping[str, int], seed: str, *, signed: bool = False
) -> Iterator[Point]:
    """Random points of the real numbers at which a model has a value; `signed`: negative numbers too."""
    for attempt in range(REDRAWS):
        try:
            yield _at(model, sizes, Exact(BITS), f"{seed}/{attempt}", signed=signed)
        except (DomainProblem, Undecided, Symbolic):
            continue


def _at(
    model: Model, sizes: Mapping[str, int], domain: Domain[Any], seed: str, *, signed: bool = False
) -> Point:
    exercise = model.exercise
    equations = [(one.name, one.body) for one in exercise.equations]
    working = Evaluator(domain, sizes, exercise.functions, exercise.kinks)
    bound = constrained(exercise)
    given = {}
    for name in exercise.given:
        given[name] = draw(domain, numbers_of(exercise.shapes[name], sizes), f"{seed}/{name}")
        if name in bound and not isinstance(domain, GFp):
            # Small enough that what follows from the others, in sum(t) = 1, stays positive.
            share = Fraction(1, 2 * len(given[name].entries))
            given[name] = given[name].map(partial(mul, share))
        elif signed:
            turned = Random(f"{seed}/{name}/signs")
            entries = [entry * turned.choice((-1, 1)) for entry in given[name].entries]
            given[name] = given[name].with_entries(entries)
    values = forward(equations, fulfilled(exercise, working, given), working)
    made = Point(domain, sizes, values)
    check(exercise, working, values, made.same)
    return made


def draw(domain: Domain[Any], shape: tuple[int, ...], seed: str) -> Array[Any]:
    """A random array: of a field, or of rationals between 0 and 2."""
    if isinstance(domain, GFp):
        return domain.draw_array(shape)
    source = Random(seed)
    count = 1
    for size in shape:
        count *= size
    return Array(shape, tuple(Fraction(source.randrange(1, 2000), 997) for _ in range(count)))


def numbers_of(shape: Sequence[Size], sizes: Mapping[str, int]) -> tuple[int, ...]:
    """A shape with numbers for its sizes. Raises ValueError for a size below 1."""
    return tuple(size if isinstance(size, int) else value(size, sizes) for size in shape)


def reached(model: Model) -> Shape:
    """How much more than they have the axes would need for the fixed places in the equations, as sizes.

    `X[:,2:3]` of n columns needs 3 of them: `n - 1` is at least 2 then.
    """
    found: dict[Size, None] = {}
    for one in model.exercise.equations:
        for part in tree.walk(one.body):
            if isinstance(part, tree.Index) and isinstance(part.base, tree.Name):
                shape = model.exercise.shapes.get(part.base.name, ())
                for size, place in zip(shape, part.places, strict=False):
                    last = place.high if isinstance(place, tree.Slice) else place
                    if isinstance(size, str) and isinstance(last, tree.Number):
                        found[combined(((1, size),), 2 - int(last.value))] = None
            elif isinstance(part, tree.Call) and part.function == "onehot":
                place_of, size_of = part.args
                wide = size_of_tree(size_of)
                if isinstance(wide, str) and isinstance(place_of, tree.Number):
                    found[combined(((1, wide),), 2 - int(place_of.value))] = None
    return tuple(found)


def allowed(sizes: Mapping[str, int], shapes: Iterable[Shape]) -> dict[str, int]:
    """`sizes`, some of them grown until every computed size is at least 2: `m - r + 1` needs m > r."""
    made = dict(sizes)
    forms = {size for shape in shapes for size in shape if isinstance(size, str) and size not in made}
    for _ in range(_GROWTH):
        grown = False
        for coefficients, constant in map(linear, sorted(forms)):
            if not coefficients.keys() <= made.keys():
                continue
            missing = 2 - constant - sum(count * made[name] for name, count in coefficients.items())
            name = next((name for name, count in coefficients.items() if count > 0), None)
            if missing > 0 and name is not None:
                made[name] += -(-missing // coefficients[name])
                grown = True
        if not grown:
            break
    return made
