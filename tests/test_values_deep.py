"""Deep and wide models: the certificate grows with the model, and still finds what is wrong."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.differences import Differences
from symbackprop.algebra.values.domain import Domain, DomainProblem
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact, bounds
from symbackprop.derivation.certify import CertificateFailed
from symbackprop.derivation.derive import derive
from symbackprop.derivation.model import Model
from symbackprop.derivation.numbers_proof import number_checks
from symbackprop.derivation.steps import Check, Derivation
from symbackprop.exercise import Exercise, from_dict
from symbackprop.notation.tree import Node

F = Fraction


def network(depth: int, activation: str, *, width: int = 4, numbers: bool = True, zeros: int = 0) -> Exercise:
    """`depth` layers; `zeros` of the neurons of each layer have no weights, and sit on a kink at 0."""
    source = Random(depth)
    model: dict[str, str] = {}
    values: dict[str, Any] = {}
    shapes: dict[str, Any] = {}
    before = "x"

    def number() -> str:
        return f"{source.choice((-1, 1)) * source.randint(1, 9)}/10"

    for at in range(1, depth + 1):
        model[f"z{at}"] = f"W{at} {before} + b{at}"
        model[f"a{at}"] = f"{activation}(z{at})"
        before = f"a{at}"
        rows = [[number() for _ in range(width)] for _ in range(width - zeros)]
        values[f"W{at}"] = [[0] * width] * zeros + rows
        values[f"b{at}"] = [0] * zeros + [number() for _ in range(width - zeros)]
        shapes[f"W{at}"] = [f"n_{at}", f"n_{at - 1}"]
    model["L"] = f"1/2 ||{before} - y||^2"
    values["x"], values["y"] = ([number() for _ in range(width)] for _ in range(2))
    wanted = [f"{letter}{at}" for at in range(1, depth + 1) for letter in "Wb"]
    data: dict[str, Any] = {"model": model, "wanted": {"gradients": wanted}}
    return from_dict({**data, "values": values} if numbers else {**data, "shapes": shapes})


def check_of(derivation: Derivation, kind: str) -> Check:
    (found,) = [check for check in derivation.checks if check.kind == kind][:1]
    return found


def with_wrong(derivation: Derivation, name: str, change: Callable[[Any], Any]) -> Derivation:
    """The derivation with the last entry of one gradient changed."""
    known = derivation.quantities[name]
    assert known.numbers is not None
    *front, last = known.numbers.entries
    wrong = replace(known, numbers=known.numbers.with_entries([*front, change(last)]))
    return replace(derivation, quantities={**derivation.quantities, name: wrong})


def recheck(derivation: Derivation) -> list[Check]:
    steps = [step for step in derivation.backward if step.rule != "seed"]
    return list(number_checks(Model.of(derivation.exercise), derivation, steps))


# --- what is compared ----------------------------------------------------------------------------


def test_a_small_model_is_compared_entry_by_entry() -> None:
    made = derive(network(1, "tanh"))
    found = check_of(made, "numbers")
    entries = sum(len(made.quantities[name].numbers.entries) for name in ("dz1", "da1", "dW1", "db1"))
    assert found.note == ""
    assert found.tried == entries == 28


def test_a_long_model_is_compared_along_one_direction() -> None:
    made = derive(network(6, "tanh"))
    found = check_of(made, "numbers")
    assert found.note == "some"
    assert found.what == tuple("d" + step.target for step in made.backward if step.rule != "seed")
    assert check_of(made, "formula").note == "together"


@pytest.mark.parametrize("name", ["dW1", "db6", "dz3", "da5", "dW6"])
def test_one_wrong_entry_of_a_long_model_is_found(name: str) -> None:
    made = derive(network(6, "tanh"))
    assert recheck(made)[0].note == "some"
    with pytest.raises(CertificateFailed, match=r"all gradients together|of d[Wbza]\d"):
        recheck(with_wrong(made, name, lambda last: Exact(300).add(last, F(1, 10**12))))


@pytest.mark.parametrize("activation", ["relu", "abs"])
@pytest.mark.parametrize("name", ["dW1", "db4", "dz3", "da2"])
def test_a_long_model_on_kinks_is_compared_equation_by_equation(activation: str, name: str) -> None:
    made = derive(network(5, activation, zeros=1))
    numbers, kinks = recheck(made)
    assert numbers.note == "steps"
    assert kinks.kind == "kink"
    assert kinks.tried > 0
    with pytest.raises(CertificateFailed):
        recheck(with_wrong(made, name, lambda last: last + F(1, 1000)))


# --- many names along one line -----------------------------------------------------------------------


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.sets(st.sampled_from(["W", "b", "z", "a"]), min_size=1))
def test_a_line_through_several_names_adds_their_slopes_up(seed: int, names: set[str]) -> None:
    """d/dt of the loss with every name shifted after it is computed, against Σ of the single ones."""
    source = Random(seed)
    shapes = {"W": (2, 2), "x": (2,), "b": (2,), "y": (2,), "z": (2,), "a": (2,)}

    def draw(name: str) -> Array[Any]:
        count = 4 if name == "W" else 2
        return Array(shapes[name], tuple(F(source.randint(-20, 20), 10) for _ in range(count)))

    equations = [("z", "W x + b"), ("a", "tanh(z) + 2 z"), ("L", "1/2 ||a - y||^2 + ||b||^2")]
    model = Differences(
        [(name, formula(text)) for name, text in equations], {n: draw(n) for n in "Wxby"}, {}, {}
    )
    moves = {name: draw(name) for name in names}
    together = model.along(moves).central
    parts = [model.along({name: move}).central for name, move in moves.items()]
    assert together is not None
    low, high = together.range()
    ranges = [part.range() for part in parts if part is not None]
    assert len(ranges) == len(moves)
    assert low <= sum(end for _, end in ranges)
    assert sum(start for start, _ in ranges) <= high
    assert high - low < F(1, 10**20)


# --- growth ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("numbers", [True, False])
def test_cost_grows_linearly_with_depth(numbers: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times the layers take at most about four times the evaluations of formulas."""
    made = Counter[str]()
    original = Evaluator.value

    def counted(self: Evaluator[Any], node: Node, scope: Any) -> Any:
        made["nodes"] += 1
        return original(self, node, scope)

    monkeypatch.setattr(Evaluator, "value", counted)

    def evaluations(depth: int) -> int:
        made.clear()
        derive(network(depth, "tanh", numbers=numbers))
        return made["nodes"]

    shallow = evaluations(8)
    assert 0 < evaluations(32) < 5 * shallow


# --- products of exact numbers -----------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 4), st.integers(0, 10**6))
def test_products_of_mixed_numbers(rows: int, inner: int, columns: int, seed: int) -> None:
    """As one product after another: the same balls, and rational where these stay rational."""
    source, domain = Random(seed), Exact(128)
    choices: list[Any] = [F(0), F(0), F(1, 3), F(-7, 2), F(5), domain.atom("exp", F(1)), domain.pi()]
    left = [[source.choice(choices) for _ in range(inner)] for _ in range(rows)]
    right = [[source.choice(choices) for _ in range(inner)] for _ in range(columns)]
    plain = Domain.matmul(domain, left, right)
    found = domain.matmul(left, right)
    assert len(found) == len(plain) == rows * columns
    for one, other in zip(found, plain, strict=True):
        assert (type(one) is Fraction) == (type(other) is Fraction)
        (low, high), (least, most) = bounds(one), bounds(other)
        assert low <= most
        assert least <= high
        assert high - low < F(1, 10**30)


def test_large_rational_products_go_through_flint() -> None:
    source, domain = Random(1), Exact()
    left = [[F(source.randint(-99, 99), source.randint(1, 9)) for _ in range(40)] for _ in range(30)]
    right = [[F(source.randint(-99, 99), source.randint(1, 9)) for _ in range(40)] for _ in range(30)]
    assert domain.matmul(left, right) == Domain.matmul(domain, left, right)


# --- where there is no derivative ------------------------------------------------------------------------

STEP = {"step": {"pieces": [{"formula": "1", "bound": "0"}, {"formula": "0"}]}}


def problem_of(model: dict[str, str], values: dict[str, Any] | None = None, **more: Any) -> str:
    with pytest.raises(DomainProblem) as caught:
        derive(from_dict({"model": model, "values": values or {}, **more}))
    return str(caught.value)


def test_a_jump_at_the_example_is_named() -> None:
    model = {"z": "W x", "a": "step(z)", "L": "1/2 ||a - y||^2"}
    values: dict[str, Any] = {"W": [[1, 2], [1, -1]], "x": [1, 1], "y": [1, 0]}
    found = problem_of(model, values, functions=STEP)
    assert found.startswith("the gradient dz at the example does not exist")
    assert "the derivative of step at 0: it jumps there (equation a" in found
    assert "entry 2" in found
    away = from_dict({"model": model, "values": {**values, "x": [2, 1]}, "functions": STEP})
    assert derive(away).quantities["dz"].numbers.entries == (0, 0)


@pytest.mark.parametrize(
    ("model", "values", "message"),
    [
        ({"p": "log(z)", "L": "sum(p)"}, {"z": [1, 0]}, "log of 0 has no value.*equation p.*entry 2"),
        ({"q": "x / s", "L": "sum(q)"}, {"x": [1, 2], "s": [3, 0]}, "division by 0.*equation q.*entry 2"),
        ({"L": "||x||"}, {"x": [0, 0]}, "the gradient dx at the example does not exist.*equation L"),
        (
            {"L": "huber(x, y, delta = -1)"},
            {"x": [1], "y": [2]},
            "huber with delta = -1 has no value.*equation L",
        ),
        ({"L": "huber(x, y, delta = -1)"}, None, "huber with delta = -1 has no value.*equation L"),
    ],
)
def test_what_the_example_has_no_value_for(model: dict[str, str], values: Any, message: str) -> None:
    more = {} if values else {"shapes": {"x": ["n"]}}
    assert re.search(message, problem_of(model, values, **more))
