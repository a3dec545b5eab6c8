"""Straight-line code against the evaluator that it was traced with, over fractions."""

from fractions import Fraction
from random import Random

import pytest

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact
from symbackprop.algebra.values.straight import compiled
from symbackprop.algebra.values.tracing import NotStraight, Program, Traced, Tracing, as_data, from_data
from symbackprop.exercise.model import function_names
from symbackprop.notation.read import Vocabulary, read

SHAPES = {"W": (2, 3), "x": (3,), "b": (2,), "y": (2,), "s": ()}
FORMULAS = (
    "W x + b", "relu(W x + b)", "1/2 ||relu(W x + b) - y||^2", "mse(leaky_relu(W x + b), y)", "W^T (b - y)",
    "b x^T + W", "abs(b - y)", "3/7 s b - y / 5", "(s - 1/3)^3 y", "max(b, y)", "sum(W) + mean(x) - -s",
    "huber(b, y)", "-(s x) * x", "0 s + b", "b - b", "relu'(W x + b) * y", "W",
)  # fmt: skip


def node(text: str):  # type: ignore[no-untyped-def]
    names = frozenset(SHAPES)
    return read(text, Vocabulary(functions=function_names({}), names=names))


def numbers(random: Random, below: int) -> dict[str, Array[Fraction]]:
    return {
        name: Array(
            shape, tuple(Fraction(random.randint(-9, 9), below) for _ in range(shape[0] * shape[-1]
            if len(shape) == 2 else shape[0] if shape else 1)),
        )
        for name, shape in SHAPES.items()
    }  # fmt: skip


def traced(text: str, values: dict[str, Array[Fraction]]) -> Program:
    domain = Tracing()
    env = {name: domain.input_array(array) for name, array in values.items()}
    made: Array[Traced] = Evaluator(domain).evaluate(node(text), env)
    return domain.program(made.entries)


@pytest.mark.parametrize("below", [1, 2, 6])
@pytest.mark.parametrize("text", FORMULAS)
def test_code_gives_what_the_evaluator_gives(text: str, below: int) -> None:
    """At numbers of the same signs the code is run; at others it says so, and is traced anew."""
    random = Random(f"{text}/{below}")
    versions = []
    count = sum(len(array.entries) for array in numbers(random, below).values())
    refused = 0
    for _ in range(60):
        values = numbers(random, below)
        flat = [int(entry * below) for array in values.values() for entry in array.entries]
        expected = Evaluator(Exact()).evaluate(node(text), values)
        found = None
        for version in versions:
            found = version.run(flat)
            if found is not None:
                break
            refused += 1
        if found is None:
            version = compiled(traced(text, values), [below] * count)
            versions.append(version)
            found = version.run(flat)
        assert found is not None
        assert tuple(map(Fraction, found, version.denominators)) == expected.entries
    branching = any(word in text for word in ("relu", "abs", "max", "huber"))
    assert (len(versions) > 1) == (refused > 0) == branching


def test_a_program_is_the_same_after_json() -> None:
    program = traced("1/2 ||relu(W x + b) - y||^2", numbers(Random(3), 1))
    assert from_data(as_data(program)) == program
    for damaged in ([], [3, [["add", 9, 1]], [], []], [1, [["run", 0, 0]], [], []], [1, [], [], [4]]):
        with pytest.raises(ValueError, match="no straight-line program"):
            from_data(damaged)


@pytest.mark.parametrize("text", ["exp(s)", "1 / s", "sqrt(s)", "sigmoid(s)", "||x||"])
def test_what_is_not_exact_is_refused(text: str) -> None:
    with pytest.raises(NotStraight):
        traced(text, numbers(Random(5), 1))


def test_work_counts_what_is_not_trivial() -> None:
    """W x with x = (2, 1, 0): of six products two have both factors beyond 1; −5·2 and 4·2 are beyond 7."""
    values = numbers(Random(1), 1)
    program = traced("W x", values)
    counted = compiled(program, [1] * program.inputs, work=True, bound=7)
    flat = [4, 2, 3, -5, 1, 7, 2, 1, 0, 0, 0, 0, 0, 0]
    assert counted.run(flat) == (4 * 2 + 2, -5 * 2 + 1, 2, 2)
    halves = compiled(program, [2] * program.inputs, work=True, bound=7)
    assert halves.run([2, 6, 0, 4, 0, 0, 4, 2, 2, 0, 0, 0, 0, 0])[2:] == (1, 0)  # 1·2, 3·1, 0·1, 2·2
