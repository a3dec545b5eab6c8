"""Gradients from PyTorch's autograd in float64: every bundled model, and random graphs.

The tests that say so need the extra `torch`; the check of the project installs it. The random graphs are
also compared with exact dual numbers, which needs nothing.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import pytest
import random_graphs
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from random_graphs import Drawn

import symbackprop as sb
from symbackprop.algebra.lower import CannotDerive
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import DomainProblem, NotCertified
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact, bounds
from symbackprop.algebra.values.run import directional
from symbackprop.derivation.derive import derive
from symbackprop.derivation.steps import Derivation
from symbackprop.exercise import Exercise, bundled, from_parts, load
from symbackprop.notation import sizes as size_forms

GRAPHS = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
"""Random graphs a test; many more were tried when this was written."""


def floats_of(array: Array[Any]) -> Any:
    """The middle of every entry, in the array's shape."""
    return np.array([float(sum(bounds(entry)) / 2) for entry in array.entries]).reshape(array.shape)


def derived(drawn: Drawn) -> Derivation:
    """The derivation. A model is drawn again that has no value at its numbers, and one with an irrational
    number at a kink, |p - p|: no number of bits says that this is 0, and the program says so."""
    try:
        return derive(drawn.exercise())
    except (DomainProblem, NotCertified):
        assume(False)
        raise


# --- PyTorch -----------------------------------------------------------------------------------------


def compare(exercise: Exercise, ours: dict[str, Any]) -> None:
    """Gradients by the names of what they belong to, against autograd to nine digits."""
    pytest.importorskip("torch", reason="the extra torch is not installed")
    import torch
    import torch_trees

    equations = [(one.name, one.body) for one in exercise.equations]
    given = {name: array.nested() for name, array in exercise.values.items()}
    own = dict.fromkeys(exercise.functions, torch.sin)  # with_values says so too
    loss, theirs = torch_trees.gradients(equations, given, list(ours), own)
    scale = max(1.0, abs(loss.item()))
    if scale > 1e12:  # of e^(e^x) nine digits are no fair question
        assume(False)
    for name, array in ours.items():
        other = theirs[name].detach().numpy()
        assert array.shape == other.shape or array.size == other.size == 1
        np.testing.assert_allclose(array.reshape(other.shape), other, rtol=1e-9, atol=1e-9 * scale)


def with_values(exercise: Exercise, seed: int) -> Exercise:
    """The exercise with numbers for all that has none; sizes that are names get small ones.

    No bundled model defines a function of its own but generic ones: a test sees to it.
    """
    assert not any(row.pieces for row in exercise.functions.values())
    source = Random(seed)
    numbers = {name: 2 + place % 3 for place, name in enumerate(exercise.sizes)}
    shapes = {
        name: tuple(size_forms.value(size, numbers) for size in shape)
        for name, shape in exercise.shapes.items()
    }

    def drawn(shape: tuple[int, ...]) -> Any:
        if not shape:
            return Fraction(source.randrange(-200, 200), 101)
        return [drawn(shape[1:]) for _ in range(shape[0])]

    values = {name: array.nested() for name, array in exercise.values.items()}
    values |= {name: drawn(shapes[name]) for name in exercise.given if name not in values}
    return from_parts(
        model={one.name: one.text for one in exercise.equations},
        shapes={name: list(shape) for name, shape in shapes.items()},
        values=values,
        wanted=exercise.wanted,
        kinks=exercise.kinks,
        functions=dict.fromkeys(exercise.functions, "sin(u)"),  # a generic one stands for any
        facts=[fact.text for fact in exercise.facts],
    )


BUNDLED = sorted(bundled())


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_models(name: str) -> None:
    """Every gradient on the way, given and computed, by the exercise's own numbers."""
    exercise = load(name)
    if set(exercise.given) - set(exercise.values):
        assume_facts(exercise)
        exercise = with_values(exercise, 1)
    made = derive(exercise)
    at_kink = {name for check in made.checks if check.kind == "kink" for name in check.what}
    ours = {
        step.target: floats_of(made.quantities["d" + step.target].numbers)
        for step in made.backward
        if step.rule != "seed" and "d" + step.target not in at_kink and step.target in exercise.shapes
    }
    assert ours
    compare(exercise, ours)


def assume_facts(exercise: Exercise) -> None:
    """Random numbers fulfil no facts; such a model has to bring its own."""
    assert not exercise.facts, f"{exercise.key} has facts and no values"


@GRAPHS
@given(random_graphs.graphs())
def test_random_graphs(drawn: Drawn) -> None:
    """The program as it is used: derived, certified, exact numbers."""
    made = derived(drawn)
    exercise = made.exercise
    ours = {name: floats_of(made.quantities["d" + name].numbers) for name in exercise.wanted}
    compare(drawn.exercise(), ours)


@settings(GRAPHS, max_examples=80)
@given(random_graphs.graphs())
def test_random_graphs_in_floats(drawn: Drawn) -> None:
    """The numeric path: the same formulas, evaluated in NumPy."""
    exercise = drawn.exercise()
    made = sb.derive_floats(drawn.mapping())
    assume(not made.warnings)
    compare(exercise, {name: made["d" + name] for name in exercise.wanted})


# --- exact dual numbers ----------------------------------------------------------------------------


@settings(GRAPHS, max_examples=25)
@given(random_graphs.graphs(), st.integers(0, 10**6))
def test_random_graphs_against_dual_numbers(drawn: Drawn, seed: int) -> None:
    """⟨dX, v⟩ along a random v, by forward-mode dual numbers over exact reals; and once more in floats."""
    made = derived(drawn)
    exercise = drawn.exercise()
    equations = [(one.name, one.body) for one in exercise.equations]
    domain = Exact(256)
    source = Random(seed)
    in_floats = sb.derive_floats(drawn.mapping())
    for name in exercise.wanted:
        gradient = made.quantities["d" + name].numbers
        assert gradient is not None
        v = gradient.map(lambda _: Fraction(source.randrange(-99, 99), 100))
        slope = directional(equations, exercise.values, {name: v}, Evaluator(domain))
        low, high = bounds(domain.sub(slope, domain.dot(gradient.entries, v.entries)))
        assert low <= 0 <= high
        assert high - low < Fraction(1, 10**12) * (1 + abs(sum(bounds(slope)) / 2))
        if not in_floats.warnings:
            mine = floats_of(gradient)
            np.testing.assert_allclose(
                in_floats["d" + name], mine, rtol=1e-9, atol=1e-9 * max(1, abs(mine).max())
            )


# --- the generator ---------------------------------------------------------------------------------


def test_the_generator_makes_what_it_says() -> None:
    """Everything in its list of steps is drawn, models have 3 to 12 equations, and nothing is refused."""
    seen: set[str] = set()
    lengths: set[int] = set()

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(random_graphs.graphs())
    def look(drawn: Drawn) -> None:
        exercise = drawn.exercise()
        lengths.add(len(exercise.equations))
        seen.update(word for text in drawn.model.values() for word in WORDS if word in text)

    look()
    assert lengths <= set(range(3, 13))
    assert max(lengths) > 8
    assert set(WORDS) - seen == set()


WORDS = (
    "softmax(", "^T", "⊙", "dot(", "outer(", "trace(", "diag(", "stack(", "hstack(", "mean(", "sum(a",
    "where", "max(", "relu(", "tanh(", "sqrt(", "||", "exp(", "[", "axis = 0", "cross_entropy_logits(",
    " / ", "ones(",
)  # fmt: skip


def test_a_model_that_is_refused_says_so() -> None:
    """The one thing that a random graph is not spared: a calculus that does not reach, in words."""
    with pytest.raises((CannotDerive, sb.ExerciseError)):
        derive(from_parts(model={"L": "sum(i = 1..3: x[i] i^x[i])"}, shapes={"x": [3]}, wanted=["x"]))
