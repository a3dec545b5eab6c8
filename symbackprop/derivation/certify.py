"""The certificate: every gradient confirmed by a route that shares no code with the derivation.

Formulas are compared with forward-mode dual numbers at random points of GF(2⁶¹ − 1), entries
with matrices at the same points, the linear part with SymPy's own matrix calculus, slopes of
functions with dual numbers, and numbers with differences. Agreement at random points can be
wrong with probability below 2⁻⁵⁰; a disagreement is certain, and raises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symbackprop import limits
from symbackprop.algebra import indexform as ix
from symbackprop.algebra.indexform import Expr, Place
from symbackprop.algebra.spell import spelled
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.differences import central_difference, unit
from symbackprop.algebra.values.domain import NotCertified, Redraw, Symbolic
from symbackprop.algebra.values.gfp import MERSENNE, ORDERED, GFp, Signs
from symbackprop.algebra.values.run import directional, forward
from symbackprop.derivation.general_proof import general_checks
from symbackprop.derivation.model import Model
from symbackprop.derivation.numbers import evaluator, shaped
from symbackprop.derivation.second import linear_checks
from symbackprop.derivation.slopes_proof import slope_checks
from symbackprop.derivation.steps import Check, Contribution, Derivation, Step
from symbackprop.notation import tree
from symbackprop.notation.tree import Size

SIZES = ((3, 2), (4, 3), (2, 5))
"""Numbers for the sizes that are symbols: n ≠ k in each."""

SIGNS: tuple[Signs, ...] = ("on", "off", "random", "random")
"""The pieces of the functions by cases: all upper, all lower, and mixtures."""

REDRAWS = 60
ENTRIES = 96
"""Entries of the gradients that are compared one by one with differences; of more, the first of each."""


class CertificateFailed(ArithmeticError):
    """The two routes disagree: a bug of this program. Nothing may be printed."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(
            f"the certificate of {what} failed ({where}). This is a bug in symbackprop, not in the "
            "exercise: please report it with the exercise file. Nothing was written."
        )
        self.what = what


@dataclass(frozen=True, slots=True)
class _Point:
    """A random point: a domain, numbers for the sizes, values of the whole forward pass."""

    domain: GFp
    sizes: Mapping[str, int]
    values: Mapping[str, Array[int]]


def certificate(model: Model, derivation: Derivation) -> tuple[Check, ...]:
    """All checks of a derivation. Raises CertificateFailed where one does not hold."""
    steps = [step for step in derivation.backward if step.rule != "seed"]
    points = [_point(model, sizes, signs, seed) for seed, (sizes, signs) in enumerate(_settings(model))]
    return (
        _formulas(model, steps, points),
        *_readings(model, steps, points),
        *general_checks(derivation.layers),
        *linear_checks(model, steps),
        *slope_checks(model, derivation.slopes),
        *_numbers(model, derivation, steps),
    )


def _settings(model: Model) -> Iterator[tuple[dict[str, int], Signs]]:
    """Every choice of sizes with every choice of signs."""
    names = model.exercise.sizes
    choices: list[tuple[int, ...]] = [tuple(_distinct(pair, len(names))) for pair in SIZES] if names else [()]
    has_cases = any(
        not row.smooth
        for one in model.exercise.equations
        for call in model.calls(one.body)
        for row in _rows(model, call.function)
    )
    for place, choice in enumerate(choices):
        for signs in SIGNS if has_cases and place == 0 else SIGNS[2:3] if names else SIGNS[2:]:
            yield dict(zip(names, choice, strict=True)), signs


def _rows(model: Model, function: str) -> Iterator[Any]:
    """A row and those its formula is made of (a hinge is made of a row with cases)."""
    row = model.row(function)
    if row is None:
        return
    yield row
    for piece in row.pieces:
        for part in tree.walk(model.lowering.read(piece.formula, row)):
            if isinstance(part, tree.Call) and part.function != function:
                yield from _rows(model, part.function)


def _distinct(pair: tuple[int, int], count: int) -> list[int]:
    """`count` sizes, neighbours different."""
    return [pair[place % 2] + place // 2 for place in range(count)]


def _point(model: Model, sizes: Mapping[str, int], signs: Signs, seed: int) -> _Point:
    exercise = model.exercise
    equations = [(one.name, one.body) for one in exercise.equations]
    for attempt in range(REDRAWS):
        modulus = MERSENNE if attempt < REDRAWS // 2 else ORDERED
        domain = GFp(f"{seed}/{attempt}", modulus=modulus, signs=signs)
        given = {name: domain.draw_array(_numbers_of(exercise.shapes[name], sizes)) for name in exercise.given}
        try:
            values = forward(equations, given, evaluator(model, domain, sizes))
        except Redraw:
            continue
        return _Point(domain, sizes, values)
    raise NotCertified("no random point was found at which the model has a value")


def _numbers_of(shape: Sequence[Size], sizes: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(size if isinstance(size, int) else sizes[size] for size in shape)


# --- formulas ------------------------------------------------------------------------------


def _formulas(model: Model, steps: Sequence[Step], points: Sequence[_Point]) -> Check:
    """⟨dX, v⟩ by the derived formulas against dual numbers along a random v."""
    tried = 0
    for point in points:
        known = _gradients(model, steps, point)
        for step in steps:
            _compare(model, step, point, known)
            tried += 1
    sizes = tuple(dict.fromkeys(tuple(point.sizes.values()) for point in points if point.sizes))
    names = tuple("d" + step.target for step in steps)
    return Check(kind="formula", what=names, agreed=tried, tried=tried, sizes=sizes)


def _gradients(model: Model, steps: Sequence[Step], point: _Point) -> dict[str, Array[int]]:
    """The values of all gradients at a point, each by its formula from those before it."""
    working = evaluator(model, point.domain, point.sizes)
    known: dict[str, Array[int]] = {**point.values, "d" + model.exercise.loss: Array((), (1,))}
    for step in steps:
        shape = _numbers_of(step.shape, point.sizes)
        known["d" + step.target] = shaped(working.evaluate(step.formula, known, like=shape), shape)
    return known


def _compare(model: Model, step: Step, point: _Point, known: Mapping[str, Array[int]]) -> None:
    domain = point.domain
    equations = [(one.name, one.body) for one in model.exercise.equations]
    direction = domain.draw_array(_numbers_of(step.shape, point.sizes))
    working = evaluator(model, domain, point.sizes)
    expected = directional(equations, point.values, {step.target: direction}, working)
    found = domain.dot(known["d" + step.target].entries, direction.entries)
    if found != expected:
        raise CertificateFailed("d" + step.target, f"sizes {dict(point.sizes)}")


# --- entries against matrices ----------------------------------------------------------------


def _readings(model: Model, steps: Sequence[Step], points: Sequence[_Point]) -> Iterator[Check]:
    """Σ_j dz_j ∂z_j/∂w_pq, before and after the deltas are used up, against the matrix formula."""
    tried = 0
    point = points[-1]
    known = _gradients(model, steps, point)
    for step in steps:
        for made in step.substeps:
            if made.matrix is not None and made.entry:
                tried += _one_reading(model, made, point, known)
    if tried:
        names = tuple("d" + step.target for step in steps)
        yield Check(kind="readback", what=names, agreed=tried, tried=tried)


def _one_reading(model: Model, made: Contribution, point: _Point, known: Mapping[str, Array[int]]) -> int:
    working = evaluator(model, point.domain, point.sizes)
    shape = _numbers_of(model.exercise.shapes[made.target], point.sizes)
    assert made.matrix is not None
    matrix = shaped(working.evaluate(made.matrix, known, like=shape), shape)
    places = list(matrix.places())
    chosen = dict.fromkeys((places[0], places[-1]))
    names = {*model.exercise.shapes, *model.exercise.sizes}
    for place in chosen:
        at: dict[str, Place] = dict(zip(made.free, place, strict=True))
        for form in (made.entry, _sum_over(model, made)):
            written = spelled(ix.renamed(form, at), {}, names)
            if working.evaluate(written, known).item != matrix.at(*place):
                raise CertificateFailed("d" + made.target, f"entry {place}")
    return 2 * len(chosen)


def _sum_over(model: Model, made: Contribution) -> Expr:
    shape = model.exercise.shapes[made.through]
    expr = made.product
    for axis, size in zip(made.summed, shape, strict=False):
        expr = ix.summed(expr, axis, size)
    return expr


# --- numbers -----------------------------------------------------------------------------------


def _numbers(model: Model, derivation: Derivation, steps: Sequence[Step]) -> Iterator[Check]:
    """Each entry of each gradient that has a value against differences of the loss."""
    valued = [step for step in steps if _has_numbers(derivation, step)]
    if not valued:
        return
    counts: dict[bool, int] = {False: 0, True: 0}
    exact, smallest = True, Fraction(1, 1000)
    at_kink: list[str] = []
    room = max(1, ENTRIES // len(valued))
    whole = True
    for step in valued:
        array = derivation.quantities["d" + step.target].numbers
        assert array is not None
        places = list(array.places())
        whole = whole and len(places) <= room
        for place in places[:room]:
            try:
                kink, precise, width = _one_number(model, derivation, step, place)
            except Symbolic:
                continue
            counts[kink] += 1
            exact, smallest = exact and precise, min(smallest, width)
            if kink:
                at_kink.append("d" + step.target)
    names = tuple("d" + step.target for step in valued)
    if counts[False]:
        yield Check(
            kind="numbers", what=names, agreed=counts[False], tried=counts[False], exact=exact,
            step=str(smallest), note="" if whole else "some",
        )  # fmt: skip
    if counts[True]:
        found = tuple(dict.fromkeys(at_kink))
        yield Check(kind="kink", what=found, agreed=counts[True], tried=counts[True])


def _has_numbers(derivation: Derivation, step: Step) -> bool:
    quantity = derivation.quantities["d" + step.target]
    return quantity.numbers is not None and len(quantity.numbers.entries) <= limits.ENTRIES_OUTSIDE_NEURON


def _one_number(
    model: Model, derivation: Derivation, step: Step, place: tuple[int, ...]
) -> tuple[bool, bool, Fraction]:
    """Whether it sits on a kink, whether the difference is exact, and the step."""
    exercise = model.exercise
    numbers = derivation.quantities["d" + step.target].numbers
    values = {
        name: derivation.quantities[name].numbers
        for name in exercise.given
        if derivation.quantities[name].numbers is not None
    }
    missing = [name for name in exercise.given if name not in values]
    if missing:
        values.update(_leftovers(model, missing))
    assert numbers is not None
    found = central_difference(
        [(one.name, one.body) for one in exercise.equations], values, step.target,  # type: ignore[arg-type]  # no None is left
        unit(numbers.shape, place), functions=exercise.functions,
    )  # fmt: skip
    if not found.confirms(numbers.at(*place)):
        raise CertificateFailed(f"the value of d{step.target} at {place}", "differences")
    precise = found.central is not None and found.central.error == 0
    return found.at_kink, precise, found.step


def _leftovers(model: Model, names: Sequence[str]) -> dict[str, Array[Any]]:
    from symbackprop.algebra.values.poly import leftover

    made = {}
    for rank, name in enumerate(model.exercise.given):
        shape = model.exercise.shapes[name]
        if name in names and all(isinstance(size, int) for size in shape):
            made[name] = leftover(name, tuple(size for size in shape if isinstance(size, int)), rank)
    return made
