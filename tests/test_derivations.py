"""The generator of derivations by hand, by a second opinion; and the checker tried on a few of them.

`python -m tests.derivations` tries thousands.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from functools import cache
from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from derivations import Sample, names, right, statements, wrong
from derivations.facts import facts, middle
from derivations.mutations import ARITHMETIC
from derivations.numpy_code import run, worlds
from derivations.statements import Statement, written_by
from derivations.styles import FORMATS, style
from derivations.trial import FINE, Tally, matched, tried

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.algebra.values.exact import Exact
from symbackprop.algebra.values.run import directional
from symbackprop.derivation.mistakes import BY_ID
from symbackprop.derivation.numbers import evaluator
from symbackprop.derivation.points import Point, point
from symbackprop.notation import tree

EACH = pytest.mark.parametrize("name", names())
SEEDS = range(8)


# --- gradients by dual numbers, which know nothing of the formulas --------------------------------


@cache
def points(name: str) -> tuple[tuple[Point, dict[str, Array[Any]]], ...]:
    """Random points with every value and every gradient, by another route than the generator's."""
    known = facts(name)
    sizes = {size: 2 + at for at, size in enumerate(known.exercise.sizes)}
    made = []
    for signs in ("on", "off", "random"):
        at = point(known.model, sizes, signs, f"second opinion/{signs}")  # type: ignore[arg-type]
        made.append((at, with_duals(name, at.domain, at.values, sizes)))
    return tuple(made)


def with_duals(
    name: str, domain: Any, values: Any, sizes: dict[str, int] | None = None
) -> dict[str, Array[Any]]:
    """The values, and the gradient of each name entry by entry."""
    exercise = facts(name).exercise
    working = evaluator(facts(name).model, domain, sizes or {})
    equations = [(one.name, one.body) for one in exercise.equations]
    made = dict(values)
    for each, array in values.items():
        slopes = []
        for at in range(len(array.entries)):
            direction = [domain.one if place == at else domain.zero for place in range(len(array.entries))]
            unit = {each: Array(array.shape, tuple(direction))}
            slopes.append(directional(equations, values, unit, working))
        made["d" + each] = Array(array.shape, tuple(slopes))
    return made


def entries(array: Array[Any]) -> tuple[tuple[int, ...], tuple[Any, ...]]:
    """What shows on paper: the shape without sides of 1 at its end, and the numbers."""
    shape = array.shape
    while shape and shape[-1] == 1:
        shape = shape[:-1]
    return shape, tuple(array.entries)


def agrees(name: str, target: str, claim: tree.Node, at: Point, known: dict[str, Array[Any]]) -> bool:
    """Whether a claim has the target's value at a point."""
    working = evaluator(facts(name).model, at.domain, at.sizes)
    try:
        found = working.evaluate(claim, known, like=known[target].shape)
    except EvaluationError:
        return False
    return entries(found) == entries(known[target])


def claimed(name: str, *, mistaken: bool) -> list[tuple[Statement, tree.Node]]:
    """Every symbolic claim about whole arrays in the derivations of some seeds."""
    return [
        (one, claim) for seed in SEEDS for one in statements(name, seed, mistaken=mistaken)
        if one.job.kind in ("formula", "index") for claim in one.claims
    ]  # fmt: skip


@EACH
def test_right_formulas_hold_by_dual_numbers(name: str) -> None:
    claims = claimed(name, mistaken=False)
    assert len(claims) > 25
    for one, claim in claims:
        for at, known in points(name):
            assert agrees(name, one.job.target, claim, at, known), (one.left, one.parts)


@EACH
def test_wrong_formulas_fail_by_dual_numbers(name: str) -> None:
    found = [
        (one, claim) for one, claim in claimed(name, mistaken=True) if one.wrong and one.mistake not in
        (ARITHMETIC, "entry_sign")
    ]  # fmt: skip
    assert found
    for one, claim in found:
        verdicts = [agrees(name, one.job.target, claim, at, known) for at, known in points(name)]
        assert not all(verdicts), (one.mistake, one.left, one.parts)


# --- numbers -----------------------------------------------------------------------------------


@cache
def example(name: str) -> dict[str, Array[Any]]:
    """The example's numbers, gradients by dual numbers."""
    known = facts(name)
    given = {each: known.exact[each] for each in known.exercise.shapes if each in known.exact}
    if known.exercise.loss not in given:
        return given
    return with_duals(name, Exact(256), given)


@EACH
def test_right_numbers_are_the_examples(name: str) -> None:
    """From exact values to the last digit; from written ones within what rounding can do."""
    seen = 0
    for seed in range(2 * len(SEEDS)):
        habits, made = written_by(facts(name), f"{name}/{seed}")
        for one in made:
            if one.numbers is None or one.job.kind != "formula" or one.job.target not in example(name):
                continue
            exact = example(name)[one.job.target]
            size = max(abs(middle(entry)) for entry in exact.entries)
            for figure, entry in zip(one.numbers.entries, exact.entries, strict=True):
                slack = figure.unit / 2 if habits.source == "exact" else size / 50 + figure.unit
                assert abs(figure.value - middle(entry)) <= slack, (habits, one.left, one.parts)
                seen += 1
    assert seen > 20 or not facts(name).exercise.values


@EACH
def test_wrong_numbers_are_not(name: str) -> None:
    for seed in SEEDS:
        for one in statements(name, seed, mistaken=True):
            if (
                one.wrong
                and one.numbers is not None
                and one.mistake in (ARITHMETIC, "entry_sign")
                and one.job.kind == "formula"
            ):
                pairs = zip(one.numbers.entries, example(name)[one.job.target].entries, strict=True)
                assert any(abs(figure.value - middle(entry)) > 2 * figure.unit for figure, entry in pairs)


# --- code ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in names() if name != "convolucion"])
def test_code_gives_the_examples_numbers(name: str) -> None:
    """The lines of NumPy run one after the other, from the values that they give."""
    known, lines = facts(name), 0
    for seed in range(120):
        if style(known, Random(f"{name}/{seed}/style")).format != "code" or name in ("general", "capa"):
            continue
        _, made = written_by(known, f"{name}/{seed}")
        values = {
            key: value for key, value in worlds(name, False)[0].items() if callable(value) or key == "np"
        }
        values["d" + known.exercise.loss] = 1.0
        for one in made:
            values[one.job.target] = run(one.parts[0][1], values)
            exact = np.array([float(middle(entry)) for entry in example(name)[one.job.target].entries])
            assert np.allclose(np.ravel(values[one.job.target]), exact, atol=1e-9), (one.left, one.parts)
            lines += 1
    assert lines or name in ("general", "capa")


# --- texts ---------------------------------------------------------------------------------------


@cache
def kept(name: str, seed: int) -> Sample:
    """A right sample, made once for several tests."""
    return right(name, seed)


def samples(count: int = 4) -> list[Sample]:
    """Some of each exercise, right and wrong."""
    return [make(name, seed) for make, name, seed in product((right, wrong), names(), range(count))]


def test_same_seed_same_text() -> None:
    for name in names():
        assert right(name, 3) == right(name, 3)
        assert wrong(name, 3) == wrong(name, 3)
        assert right(name, 3).text != right(name, 4).text


def test_statements_stand_where_they_are_said_to() -> None:
    for sample in samples():
        lines = sample.text.split("\n")
        for truth in sample.lines:
            rest = "\n".join([lines[truth.line - 1][truth.column - 1 :], *lines[truth.line :]])
            assert rest.startswith(truth.text)


def test_a_wrong_derivation_has_one_mistake() -> None:
    ids = Counter()  # type: Counter[str]
    for sample in (wrong(name, seed) for name, seed in product(names(), range(20))):
        at_fault = [truth for truth in sample.lines if truth.wrong]
        assert len(at_fault) == 1
        for truth in at_fault:
            assert truth.mistake in BY_ID
            ids[truth.mistake or ""] += 1
        carried = [truth for truth in sample.lines if truth.carried]
        assert not carried or min(t.line for t in carried) >= at_fault[0].line
    assert ids.total() == 20 * len(names())
    assert len(ids) > 20


def test_every_style_occurs() -> None:
    seen = {part for name in names() for seed in range(30) for part in kept(name, seed).style.split("/")}
    gradients = {"partial", "straight", "inline", "nabla", "name", "delta"}
    assert seen >= {*FORMATS, *gradients, "es", "en"}


def test_habits_occur() -> None:
    """The notations that the generator promises, somewhere in some hundred texts."""
    text = "\n".join(kept(name, seed).text for name, seed in product(names(), range(30)))
    for sign in (
        r"\boxed", r"\stackrel", r"\underbrace", r"\begin{pmatrix}", r"\begin{bmatrix}", r"\begin{align*}",
        r"\begin{aligned}", r"\quad", r"\circ", r"\odot", r"\top", "{,}", r"\approx", r"\max", r"\text{ReLU}",
        r"\operatorname", r"\sigma", "σ", "ᵀ", r"\mathbb{1}", r"\begin{cases}", r"\sum_{", "Σ_", "^{[1]}",
        "^{(1)}", "W₁", r"\nabla_W", "∇_", r"\mathcal{L}", r"\ell", r"\delta", "np.outer(", "@ ", ".T", "⊙",
        r"\mathbb{R}", "dy ", "f'(z)",
    ):  # fmt: skip
        assert sign in text, sign


# --- matching what a checker says ------------------------------------------------------------------


class Said:
    def __init__(self, line: int, column: int) -> None:
        self.line, self.column = line, column


def test_findings_belong_to_the_statement_in_which_they_start() -> None:
    truths = next(sample for sample in samples() if any(
        one.line == other.line for one, other in zip(sample.lines, sample.lines[1:], strict=False)
    )).lines  # fmt: skip
    exact = [Said(truth.line, truth.column) for truth in truths]
    assert matched(truths, exact) == [[one] for one in exact]
    early = [Said(truth.line, max(1, truth.column - 1)) for truth in truths]
    assert matched(truths, early) == [[one] for one in early]


# --- the checker --------------------------------------------------------------------------------------


@EACH
def test_the_checker_on_a_few(name: str) -> None:
    """No right line called wrong, no wrong one passed; the rest is counted over thousands."""
    total = Tally()
    for seed, kind in product(range(2), ("right", "wrong")):
        total.add(tried(name, 5_000 + seed, kind))
    assert total.statements > total.wrong_statements > 0
    assert (total.right_called_wrong, total.wrong_passed) == (0, 0), total.failures
    assert total.first_found == total.wrong_statements, total.failures
    assert "not read" not in FINE
    assert Fraction(total.right_not_read, total.statements) <= Fraction(1, 20), total.failures
