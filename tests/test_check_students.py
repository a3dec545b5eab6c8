"""Forty lines as students write them: what each is, and the mistake in those that are wrong."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hand_lines import TABLE, as_due, described

from symbackprop.checking.check import check_text
from symbackprop.checking.findings import Finding
from symbackprop.derivation.mistakes import BY_ID
from symbackprop.exercise import Exercise, from_parts, load

STUDENTS = TABLE["students"]
GENERIC = {"f": "generic", "g": "generic"}


def neuron(activation: str, **more: Any) -> Exercise:
    """One neuron with three inputs."""
    model = {"z": "W x + b", "yhat": f"{activation}(z)", "L": "1/2 (yhat - y)^2"}
    own = {"functions": {activation: "generic"}} if activation in GENERIC else {}
    shapes = {} if "values" in more else {"W": [1, 3]}
    return from_parts(model=model, shapes=shapes, wanted=["W", "b", "x"], **own, **more)


def layer(activation: str, sizes: list[Any]) -> Exercise:
    """A layer of k neurons with n inputs."""
    model = {"z": "W x + b", "yhat": f"{activation}(z)", "L": "1/2 ||yhat - y||^2"}
    own = {"functions": {activation: "generic"}} if activation in GENERIC else {}
    return from_parts(model=model, shapes={"W": sizes}, wanted=["W", "b", "x"], **own)


def network() -> Exercise:
    """Three layers with two generic activations: f is the second's, g the first's."""
    return from_parts(
        model={
            "z1": "W1 x + b1", "a1": "g(z1)",
            "z2": "W2 a1 + b2", "a2": "f(z2)",
            "z3": "W3 a2 + b3", "yhat": "f(z3)",
            "L": "1/2 ||yhat - y||^2",
        },
        shapes={"W1": ["m", "n"], "W2": ["p", "m"], "W3": ["k", "p"]},
        functions=GENERIC,
        wanted=["W3", "W2", "W1"],
    )  # fmt: skip


KINK = {"relu": {"0": 1}}
EXERCISES: dict[str, Callable[[], Exercise]] = {
    "neurona": lambda: load("neurona"),
    "N1": lambda: neuron("f"),
    "N1-sigmoid": lambda: neuron("sigmoid"),
    "N1-tanh": lambda: neuron("tanh"),
    "N1-relu": lambda: neuron("relu", kinks=KINK),
    "N1-numbers": lambda: neuron("relu", values={"W": [["1.5"]], "x": [1], "b": [0], "y": [2]}),
    "N1-numbers-sigmoid": lambda: neuron("sigmoid", values={"W": [["0.5"]], "x": [1], "b": [0], "y": [1]}),
    "NK": lambda: layer("g", ["k", "n"]),
    "NK-sigmoid": lambda: layer("sigmoid", ["k", "n"]),
    "NK-2-2": lambda: layer("g", [2, 2]),
    "MLP": network,
}


@cache
def exercise(name: str) -> Exercise:
    return EXERCISES[name]()


def findings(line: dict[str, Any]) -> tuple[Finding, ...]:
    """What is found on the line, behind what has to stand before it."""
    before = line.get("before", [])
    plain = line.get("as") == "txt"
    text = "".join(f"{one}\n\n" if plain else f"$${one}$$\n\n" for one in (*before, line["formula"]))
    checked = check_text(text, [exercise(line["exercise"])], suffix=".txt" if plain else ".md")
    return tuple(one for one in checked.findings if one.line > 2 * len(before))


EACH_LINE = pytest.mark.parametrize("line", STUDENTS, ids=lambda line: line["id"])


@EACH_LINE
def test_every_line_is_judged_as_it_is(line: dict[str, Any]) -> None:
    here = findings(line)
    assert as_due(here, line["verdicts"]), described(here)


@pytest.mark.parametrize("line", [one for one in STUDENTS if "mistakes" in one], ids=lambda line: line["id"])
def test_the_mistake_is_named(line: dict[str, Any]) -> None:
    due = set(line["mistakes"])
    assert due <= set(BY_ID)
    here = findings(line)
    assert due & {row.id for one in here for row in one.mistakes}, described(here)


def test_the_seven_wrong_lines_have_a_mistake_each() -> None:
    wrong = {line["id"] for line in STUDENTS if "wrong" in line["verdicts"]}
    assert wrong == {line["id"] for line in STUDENTS if "mistakes" in line}
    assert len(wrong) == 7
    assert len(STUDENTS) == 40


def test_a_line_that_holds_for_one_neuron_does_not_fit_a_layer() -> None:
    """`dx = dz wᵀ`: right as a product with a number, for k > 1 no product at all."""
    text = "$$dx = dz\\, W^T$$\n"
    verdicts = {
        name: check_text(text, [exercise(name)], suffix=".md").findings[0].verdict for name in ("N1", "NK")
    }
    assert verdicts == {"N1": "convention", "NK": "wrong"}
