"""The certificate: every gradient confirmed by routes that know nothing of the index calculus.

Formulas are compared with forward-mode dual numbers at random points of GF(2⁶¹ − 1), entries
with matrices at the same points, the linear part with SymPy's gradient of an inner product,
slopes of functions with dual numbers, and numbers with differences. Agreement at random points can be
wrong with probability below 2⁻⁵⁰; a disagreement is certain, and raises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.indexform import Expr, Place
from symbackprop.algebra.lower_calls import made_of_cases
from symbackprop.algebra.spell import spelled
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import NotCertified
from symbackprop.algebra.values.dual import Duals
from symbackprop.algebra.values.gfp import Signs
from symbackprop.algebra.values.run import directional
from symbackprop.derivation.failed import CertificateFailed as CertificateFailed  # for all who catch it here
from symbackprop.derivation.fulfil import FactFails
from symbackprop.derivation.general_proof import general_checks, levels_agree
from symbackprop.derivation.model import Model
from symbackprop.derivation.numbers import evaluator, shaped
from symbackprop.derivation.numbers_proof import number_checks
from symbackprop.derivation.points import Point, allowed, numbers_of, reached
from symbackprop.derivation.points import point as random_point
from symbackprop.derivation.second import linear_checks
from symbackprop.derivation.slopes_proof import slope_checks
from symbackprop.derivation.steps import Check, Contribution, Derivation, Step
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

SIZES = ((3, 2), (4, 3), (2, 5))
"""Numbers for the sizes that are symbols: n ≠ k in each."""

SIGNS: tuple[Signs, ...] = ("on", "off", "random", "random")
"""The pieces of the functions by cases: all upper, all lower, and mixtures."""

ONE_BY_ONE = 200
"""Gradients times equations up to which every gradient gets a run of its own."""

TERMS = 1_200
"""Of the sums in one entry before its deltas are used up; of more, only what is left is compared."""


def certificate(
    model: Model, derivation: Derivation, lifted: tuple[Model, Sequence[Step]] | None = None
) -> tuple[Check, ...]:
    """All checks of a derivation; `lifted` is the same model with a name for every size.

    Raises CertificateFailed where one does not hold.
    """
    steps = [step for step in derivation.backward if step.rule != "seed"]
    points = _points(model)
    formulas = [_formulas(model, steps, points)]
    if lifted is not None:
        try:
            general = [step for step in lifted[1] if step.rule != "seed"]
            formulas.append(_formulas(lifted[0], general, _points(lifted[0])))
        except FactFails:
            pass  # a fact that holds at the sizes of the exercise only
    return (
        *formulas,
        *_readings(model, steps, points),
        *general_checks(derivation.layers),
        *linear_checks(model, steps, derivation.layers),
        *slope_checks(model, derivation.slopes),
        *number_checks(model, derivation, steps),
    )


def formula_check(model: Model, steps: Sequence[Step]) -> Check:
    """The gradients' formulas against dual numbers, and nothing else. Raises CertificateFailed."""
    gradients = [step for step in steps if step.gradient and step.rule != "seed"]
    return _formulas(model, gradients, _points(model), together=True)


def _points(model: Model) -> list[Point]:
    """Random points for every choice of sizes and signs at which there is one.

    Of a model with a root in every row some sizes have none: half of all numbers are no squares.
    Raises NotCertified where no choice has a point.
    """
    found = []
    missing = NotCertified("there is no choice of sizes")
    for seed, (sizes, signs) in enumerate(_settings(model)):
        try:
            found.append(random_point(model, sizes, signs, str(seed)))
        except NotCertified as problem:
            missing = problem
    if not found:
        raise missing
    return found


def _settings(model: Model) -> Iterator[tuple[dict[str, int], Signs]]:
    """Every choice of sizes with every choice of signs."""
    names = model.exercise.sizes
    choices: list[tuple[int, ...]] = [tuple(_distinct(pair, len(names))) for pair in SIZES] if names else [()]
    parts = (part for one in model.exercise.equations for part in tree.walk(one.body))
    has_cases = any(_has_cases(model, part) for part in parts)
    for place, choice in enumerate(choices):
        for signs in SIGNS if has_cases and place == 0 else SIGNS[2:3] if names else SIGNS[2:]:
            wanted = (*model.exercise.shapes.values(), reached(model))
            yield allowed(dict(zip(names, choice, strict=True)), wanted), signs


def _has_cases(model: Model, part: Node) -> bool:
    """Whether a node is a function by cases or is made of one (a hinge, max, ‖·‖₁)."""
    if isinstance(part, tree.Norm):
        return part.kind == "1"
    row = model.row(part.function) if isinstance(part, tree.Call) else None
    return row is not None and (not row.smooth or made_of_cases(model.lowering, row))


def _distinct(pair: tuple[int, int], count: int) -> list[int]:
    """`count` sizes, neighbours different, and none large."""
    return [pair[place % 2] + place // 2 % 4 for place in range(count)]


# --- formulas ------------------------------------------------------------------------------


def _formulas(
    model: Model, steps: Sequence[Step], points: Sequence[Point], *, together: bool = False
) -> Check:
    """⟨dX, v⟩ by the derived formulas against dual numbers along a random v.

    Of a long model all gradients together: Σ ⟨dX, v_X⟩, which hides a wrong one no more than one
    random number hides another. Where that fails they are looked at one by one.
    """
    together = together or len(steps) * len(model.exercise.equations) > ONE_BY_ONE
    for point in points:
        known = _gradients(model, steps, point)
        if together and _agree_together(model, steps, point, known):
            continue
        for step in steps:
            _compare(model, step, point, known)
        if together:
            raise CertificateFailed("the gradients together", f"sizes {dict(point.sizes)}")
    tried = len(steps) * len(points)
    sizes = tuple(dict.fromkeys(tuple(point.sizes.values()) for point in points if point.sizes))
    names = tuple("d" + step.target for step in steps)
    notes = ["real"] * any(point.real for point in points) + ["together"] * together
    return Check(kind="formula", what=names, agreed=tried, tried=tried, sizes=sizes, note=" ".join(notes))


def _gradients(model: Model, steps: Sequence[Step], point: Point) -> dict[str, Array[Any]]:
    """The values of all gradients at a point, each by its formula from those before it."""
    working = evaluator(model, point.domain, point.sizes)
    known: dict[str, Array[Any]] = {**point.values, "d" + model.exercise.loss: Array((), (point.domain.one,))}
    for step in steps:
        shape = numbers_of(step.shape, point.sizes)
        known["d" + step.target] = shaped(working.evaluate(step.formula, known, like=shape), shape)
    return known


def _compare(model: Model, step: Step, point: Point, known: Mapping[str, Array[Any]]) -> None:
    domain = point.domain
    equations = [(one.name, one.body) for one in model.exercise.equations]
    direction = point.draw(step.shape, f"direction/{step.target}")
    working = evaluator(model, domain, point.sizes)
    expected = directional(equations, point.values, {step.target: direction}, working)
    found = domain.dot(known["d" + step.target].entries, direction.entries)
    if not point.same(found, expected):
        raise CertificateFailed("d" + step.target, f"sizes {dict(point.sizes)}")


def _agree_together(
    model: Model, steps: Sequence[Step], point: Point, known: Mapping[str, Array[Any]]
) -> bool:
    """One dual number run in which every name X is moved by its own random v_X, wherever it comes from."""
    domain: Duals[Any] = Duals(point.domain)
    working = evaluator(model, domain, point.sizes)
    moves = {step.target: point.draw(step.shape, f"direction/{step.target}") for step in steps}
    moving = {name: domain.lift_array(point.values[name]) for name in model.exercise.given}
    moving.update({name: domain.seeded(point.values[name], moves[name]) for name in moving if name in moves})
    for one in model.exercise.equations:
        made = working.evaluate(one.body, moving)
        if one.name in moves:
            shifts = domain.seeded(made.map(lambda _: point.domain.zero), moves[one.name])
            made = made.with_entries(map(domain.add, made.entries, shifts.entries))
        moving[one.name] = made
    parts = [point.domain.dot(known["d" + name].entries, move.entries) for name, move in moves.items()]
    return point.same(point.domain.total(parts), moving[model.exercise.loss].item.slope)


# --- entries against matrices ----------------------------------------------------------------


def _readings(model: Model, steps: Sequence[Step], points: Sequence[Point]) -> Iterator[Check]:
    """Σ_j dz_j ∂z_j/∂w_pq, before and after the deltas are used up, against the matrix formula."""
    point = points[-1]
    known = _gradients(model, steps, point)
    counts = {
        "d" + step.target: sum(_one_reading(model, made, point, known) for made in step.substeps)
        for step in steps
    }
    tried = sum(counts.values())
    if tried:
        names = tuple(name for name, count in counts.items() if count)
        yield Check(kind="readback", what=names, agreed=tried, tried=tried)


def _one_reading(model: Model, made: Contribution, point: Point, known: Mapping[str, Array[Any]]) -> int:
    """The first and the last entry; how many forms of them were compared."""
    if made.matrix is None or not made.entry:
        return 0
    working = evaluator(model, point.domain, point.sizes)
    shape = numbers_of(model.exercise.shapes[made.target], point.sizes)
    matrix = shaped(working.evaluate(made.matrix, known, like=shape), shape)
    if not levels_agree(made, model.exercise.shapes, working, known, point.same):
        raise CertificateFailed("d" + made.target, "a row or a column")
    places = list(matrix.places())
    names = {*model.exercise.shapes, *model.exercise.sizes}
    forms = [form for form in (made.entry, _sum_over(model, made)) if _terms(form, point) <= TERMS]
    tried = 0
    for place in dict.fromkeys((places[0], places[-1])):
        at: dict[str, Place] = dict(zip(made.free, place, strict=True))
        for form in forms:
            written = spelled(ix.renamed(form, at), {}, names)
            if not point.same(working.evaluate(written, known).item, matrix.at(*place)):
                raise CertificateFailed("d" + made.target, f"entry {place}")
            tried += 1
    return tried


def _terms(expr: Expr, point: Point) -> int:
    """How many terms the sums of `expr` have, written out; those inside of factors are not counted."""
    return sum(prod(numbers_of([size for _, size in term.bound], point.sizes)) for term in expr)


def _sum_over(model: Model, made: Contribution) -> Expr:
    shape = model.exercise.shapes[made.through]
    expr = made.product
    for axis, size in zip(made.summed, shape, strict=False):
        expr = ix.summed(expr, axis, size)
    return expr
