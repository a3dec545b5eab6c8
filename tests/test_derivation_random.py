"""Random models: a gradient is right by three routes, or the program says what it cannot derive."""

import re
import time
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import plain_numbers as plain
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from symbackprop.algebra.lower import CannotDerive
from symbackprop.algebra.values.domain import DomainProblem, NotCertified
from symbackprop.algebra.values.exact import bounds
from symbackprop.derivation.derive import derive
from symbackprop.derivation.steps import Derivation
from symbackprop.exercise import Exercise, from_parts

Shape = tuple[Any, ...]

SIZES = (3, 2, 4, 1)
SYMBOLS = ("n", "k", "m", 1)
SMOOTH = ("sigmoid", "tanh", "softplus", "swish", "gelu", "sin", "cos", "square", "identity")
CASES = ("relu", "leaky_relu", "elu", "abs")
SECONDS = 90  # a guard against hanging, not a measure


@dataclass
class Growing:
    """A model under construction: equations, given names with shapes, all names with shapes."""

    draw: Any
    sizes: tuple[Any, ...]
    cases: bool
    equations: list[tuple[str, str]] = field(default_factory=list)
    given: dict[str, Shape] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)

    def pick(self, options: Any) -> Any:
        return self.draw(st.sampled_from(list(options)))

    def new(self, shape: Shape) -> str:
        name = f"w{len(self.given) + 1}"
        self.given[name] = self.shapes[name] = shape
        return name

    def some(self, shape: Shape) -> str:
        """A name of this shape, an old one if there is one and chance wants it."""
        known = [name for name, other in self.shapes.items() if other == shape]
        return self.pick(known) if known and self.draw(st.booleans()) else self.new(shape)

    def anything(self, rank: int) -> tuple[str, Shape]:
        known = [name for name, shape in self.shapes.items() if len(shape) == rank]
        if known and self.draw(st.integers(0, 3)):
            name = self.pick(known)
            return name, self.shapes[name]
        shape = tuple(self.pick(self.sizes) for _ in range(rank))
        return self.new(shape), shape

    def add(self, text: str, shape: Shape) -> None:
        name = f"z{len(self.equations) + 1}"
        self.equations.append((name, text))
        self.shapes[name] = shape

    # --- one equation each

    def affine(self) -> None:
        x, (n,) = self.anything(1)
        k = self.pick(self.sizes)
        bias = self.pick(["", f" + {self.some((k,))}", f" + {self.some(())}"])
        self.add(f"{self.some((k, n))} {x}{bias}", (k,))

    def transposed(self) -> None:
        w, (k, n) = self.anything(2)
        self.add(f"{w}^T {self.some((k,))}", (n,))

    def batch(self) -> None:
        x, (m, n) = self.anything(2)
        k = self.pick(self.sizes)
        self.add(f"{x} {self.some((k, n))}^T + ones({m}) {self.some((k,))}^T", (m, k))

    def matrices(self) -> None:
        a, (m, n) = self.anything(2)
        k = self.pick(self.sizes)
        text, shape = self.pick([
            (f"{a} {self.some((n, k))}", (m, k)),
            (f"{a}^T {self.some((m, k))}", (n, k)),
            (f"{a} {a}^T", (m, m)),
        ])  # fmt: skip
        self.add(text, shape)

    def outer(self) -> None:
        u, (m,) = self.anything(1)
        v, (n,) = self.anything(1)
        self.add(f"{u} {v}^T", (m, n))

    def function(self) -> None:
        a, shape = self.anything(self.draw(st.integers(0, 2)))
        row = self.pick(SMOOTH + CASES if self.cases else SMOOTH)
        self.add(f"{row}({a})", shape)

    def entrywise(self) -> None:
        a, shape = self.anything(self.draw(st.integers(0, 2)))
        b = self.some(shape)
        s = self.some(())
        texts = [
            f"{a} + {b}", f"{a} - 2 {b}", f"{a} * {b}", f"{s} {a}", f"1 - {a}", f"{a} + {s}",
            f"{a} / (1 + square({b}))", f"1/2 {a} - {b} * {a}", f"1 / (1 + square({b}))", f"-{a} * {b}",
            f"sqrt(1 + square({a}))", f"exp(-square({a})) + {b}", f"{a} * ({b} - {a})",
        ]  # fmt: skip
        if self.cases:
            texts += [f"max({a}, {b})", f"min({a}, 0)", f"max({a}, 0)"]
        self.add(self.pick(texts), shape)

    def normalised(self) -> None:
        v, (n,) = self.anything(1)
        self.add(self.pick([
            f"exp({v}) / sum(exp({v}))", f"{v} / (1 + ||{v}||^2)", f"{v} - mean({v})",
            f"{v} / sqrt(1 + sum(square({v})))", f"({v} - mean({v})) / (1 + mean(square({v})))",
        ]), (n,))  # fmt: skip

    def reduced(self) -> None:
        a, (m, n) = self.anything(2)
        kind, axis = self.pick(["sum", "mean"]), self.draw(st.integers(0, 1))
        self.add(f"{kind}({a}, axis = {axis})", (m,) if axis else (n,))

    def number(self) -> None:
        v, (n,) = self.anything(1)
        w, (_, m) = self.anything(2)
        self.add(self.pick([
            f"sum({v} * {self.some((n,))})", f"||{v}||^2", f"mean({v})", f"sum({w}^2)", f"||{w}||_F^2",
            f"sum({w} {self.some((m,))})", f"log(1 + sum(square({v})))", f"sum(sin({w}))",
        ]), ())  # fmt: skip

    def loss(self) -> None:
        used = " ".join(text for _, text in self.equations)
        names = [name for name in self.shapes if name not in used.split() and f"({name}" not in used]
        names = [name for name in names if name not in self.given] or [self.equations[-1][0]]
        terms = [self.loss_term(name) for name in names[:3]]
        self.equations.append(("L", " + ".join(terms)))

    def loss_term(self, name: str) -> str:
        shape = self.shapes[name]
        norm = "_F" if len(shape) == 2 else ""
        y = self.some(shape)
        terms = [f"sum({name} * {y})", f"sum(({name} - {y})^2)", f"half_squared_error({name}, {y})",
                 f"mse({name}, {y})", f"sum(cos({name}))", f"bce_logits({name}, {y})"]  # fmt: skip
        if shape:
            terms += [f"1/2 ||{name} - {y}||{norm}^2", f"mean(square({name}))"]
        if self.cases:
            terms += [f"absolute_error({name}, {y})", f"huber({name}, {y})", f"hinge({name}, {y})"]
        return self.pick(terms)


class Drawn:
    """An exercise that says what it is in a few lines, for the failing ones."""

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise

    def __repr__(self) -> str:
        one = self.exercise
        model = "; ".join(f"{equation.name} = {equation.text}" for equation in one.equations)
        shapes = {name: one.shapes[name] for name in one.given}
        return f"{model} | {shapes} | { {name: array.nested() for name, array in one.values.items()} }"


STEPS = (
    Growing.affine, Growing.affine, Growing.transposed, Growing.batch, Growing.matrices, Growing.outer,
    Growing.function, Growing.function, Growing.entrywise, Growing.entrywise, Growing.normalised,
    Growing.reduced, Growing.number,
)  # fmt: skip


@st.composite
def models(draw: Any, *, numeric: bool) -> Drawn:
    """A valid model of 2 to 8 equations; numeric ones have a value for every given name."""
    growing = Growing(draw, SIZES if numeric else SYMBOLS, draw(st.booleans()))
    for _ in range(draw(st.integers(1, 7))):
        draw(st.sampled_from(STEPS))(growing)
    growing.loss()
    values = {name: draw_values(draw, shape) for name, shape in growing.given.items()} if numeric else None
    shapes = {name: list(shape) for name, shape in growing.given.items()}
    used = set(re.findall(r"\w+", " ".join(text for _, text in growing.equations).replace("_F", "")))
    kept = [name for name in growing.given if name in used]
    exercise = from_parts(
        model=growing.equations,
        shapes={name: shapes[name] for name in kept},
        values=None if values is None else {name: values[name] for name in kept},
        wanted=kept,
    )
    return Drawn(exercise)


def draw_values(draw: Any, shape: Shape) -> Any:
    if not shape:
        # never 0 or a simple ratio: the examples are to stay away from kinks
        return Fraction(draw(st.sampled_from([-211, -97, -31, 17, 59, 113, 239])), 101)
    return [draw_values(draw, shape[1:]) for _ in range(shape[0])]


def derived(exercise: Exercise) -> Derivation | None:
    """The derivation, or None where the program says that it cannot; never anything else."""
    begin = time.monotonic()
    made, refusal = None, None
    try:
        made = derive(exercise)
    except CannotDerive as error:
        refusal = error
    except (DomainProblem, NotCertified):
        pass
    assert time.monotonic() - begin < SECONDS
    if refusal is not None:
        assert refusal.equation in exercise.computed
        assert str(refusal).startswith(f"model.{refusal.equation}: ")
        assert "~" not in str(refusal)
    return made


QUIET = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@pytest.mark.filterwarnings("error")
@QUIET
@given(models(numeric=False))
def test_symbolic_models(drawn: Drawn) -> None:
    made = derived(drawn.exercise)
    if made is not None:
        assert made.checks[0].kind == "formula"
        assert all(check.agreed == check.tried > 0 for check in made.checks)


@QUIET
@given(models(numeric=True))
def test_numeric_models_against_floats(drawn: Drawn) -> None:
    exercise = drawn.exercise
    made = derived(exercise)
    assume(made is not None and not any(check.kind == "kink" for check in made.checks))
    assert made is not None
    model = [(one.name, one.body) for one in exercise.equations]
    values = {name: plain.rows_of(array.nested(), array.shape) for name, array in exercise.values.items()}
    try:
        loss = plain.run(model, values)
    except OverflowError:
        return
    assume(abs(loss) < 1e4)
    for name in exercise.wanted:
        found = made.quantities["d" + name].numbers
        assert found is not None
        ours = [float(sum(bounds(entry)) / 2) for entry in found.entries]
        theirs = [entry for row in plain.slopes(model, values, name) for entry in row]
        for mine, other in zip(ours, theirs, strict=True):
            assert abs(mine - other) <= 1e-3 * max(1.0, abs(mine), abs(loss))
