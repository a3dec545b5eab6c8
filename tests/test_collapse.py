"""Where two gradients cancel: dz = p − t, with the fact it needs; and nowhere else."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from worked import formulas, numbers, worked

from symbackprop.derivation import collapse as collapse_module
from symbackprop.derivation.certify import certificate
from symbackprop.derivation.failed import CertificateFailed
from symbackprop.derivation.model import Model
from symbackprop.notation import tree
from symbackprop.notation.read import Vocabulary, read

CROSS = ("p = softmax(z)", "L = cross_entropy(p, t)")

COLLAPSES = [
    # smoothed labels add up to 1 with the labels (Szegedy et al., 2016, section 7)
    (("q = (1 - e) t + (e / k) 1", "p = softmax(z)", "L = cross_entropy(p, q)"), {"z": "k", "e": ""},
     ["sum(t) = 1"], "p - q"),
    (("q = 9/10 t + 1/30", "p = softmax(z)", "L = cross_entropy(p, q)"), {"z": "3"}, ["sum(t) = 1"], "p - q"),
    (("t = onehot(3, 4)", "q = 9/10 t + 1/40", "L = cross_entropy_logits(z, q)"), {"z": "4"}, [],
     "softmax(z) - q"),
    # a teacher's softmax adds up to 1 by itself (Hinton, Vinyals & Dean, 2015)
    (("q = softmax(s)", "p = softmax(z)", "L = cross_entropy(p, q)"), {"z": "k"}, [], "p - q"),
    (("l = log_softmax(z)", "L = -t^T l"), {"z": "k"}, ["sum(t) = 1"], "softmax(z) - t"),
    (("L = cross_entropy_logits(z, t)",), {"z": "k"}, ["sum(t) = 2"], "2 softmax(z) - t"),
    (("P = softmax(z)", "L = -(1/N) sum(T * log(P))"), {"z": "Nk"}, ["T 1 = 1"], "(P - T) / N"),
    (("l = log_softmax(z, axis = 0)", "L = -mean(T * l)"), {"z": "kN"}, ["1^T T = 1"],
     "(softmax(z, axis = 0) - T) / (k N)"),
    (("p = sigmoid(z)", "L = (1/m) bce(p, y)"), {"z": "m"}, [], "(p - y) / m"),
    (("L = bce(sigmoid(z), y)",), {"z": "m"}, [], "a - y"),
]  # fmt: skip


@pytest.mark.parametrize(("equations", "shapes", "facts", "expected"), COLLAPSES)
def test_gradients_that_cancel(
    equations: tuple[str, ...], shapes: dict[str, str], facts: list[str], expected: str
) -> None:
    made = worked(*equations, shapes=shapes, wanted=["z"], facts=facts)
    assert formulas(made)["dz"] == expected
    found = made.step("dz").collapse
    assert found is not None
    needs_one = any("softmax" in one for one in equations) or "cross" in equations[-1]
    assert bool(found.facts) == needs_one


STAY = [
    # what arrives does not cancel, so that every gradient names the one above it
    (("a = sigmoid(z)", "L = 1/2 ||a - y||^2"), {"z": "k"}, "da ⊙ sigmoid'(z)"),
    (("a = tanh(z)", "L = bce(a, y)"), {"z": "k"}, "da ⊙ tanh'(z)"),
    (("p = softmax(z)", "L = 1/2 ||p - y||^2"), {"z": "k"}, "p ⊙ (dp - p^T dp ones(k))"),
    (("a = relu(z)", "L = sum(t * log(a))"), {"z": "k"}, "da ⊙ relu'(z)"),
    (("a = z w", "L = 1/2 (a - y)^2"), {"z": "", "w": "", "y": ""}, "da w"),
    # p goes to two places
    (("p = sigmoid(z)", "L = bce(p, y) + 1/2 ||p||^2"), {"z": "k"}, None),
]


@pytest.mark.parametrize(("equations", "shapes", "expected"), STAY)
def test_nothing_else_collapses(
    equations: tuple[str, ...], shapes: dict[str, str], expected: str | None
) -> None:
    made = worked(*equations, shapes=shapes, wanted=["z"])
    if expected is None:
        assert formulas(made)["dz"] != "p - y"
        return
    assert made.step("dz").collapse is None
    assert formulas(made)["dz"] == expected


def test_without_the_fact_the_sum_stays() -> None:
    made = worked(*CROSS, shapes={"z": "k"}, wanted=["z"])
    assert formulas(made)["dz"] == "sum(t) p - t"
    assert formulas(worked(*CROSS, shapes={"z": "k"}, wanted=["z"], facts=["sum(t) = 1"]))["dz"] == "p - t"


def test_the_numbers_agree_with_the_long_way() -> None:
    """z = 0 gives p = 1/3 each: p − t by the collapse, and by the chain rule through exp."""
    values = {"z": [0, 0, 0], "t": [0, 1, 0]}
    short = worked(*CROSS, values=values, wanted=["z"], facts=["sum(t) = 1"])
    long = worked(
        "e = exp(z)", "S = sum(e)", "p = e / S", "L = -sum(t * log(p))", values=values, wanted=["z"]
    )
    for made in (short, long):
        for value, expected in zip(numbers(made, "dz"), (1 / 3, -2 / 3, 1 / 3), strict=True):
            assert abs(float(value) - expected) < 1e-12


# --- what a mistake in the calculus does --------------------------------------------------------


def with_formula(made: Any, target: str, text: str) -> Any:
    """The derivation with another formula for d`target`."""
    names = frozenset({*made.exercise.shapes, *made.exercise.sizes, *("d" + n for n in made.exercise.shapes)})
    vocabulary = Vocabulary(functions={"sum": "sum", "softmax": "softmax"}, names=names)
    broken = replace(made.step("d" + target), formula=read(text, vocabulary))
    steps = tuple(broken if step.target == target and step.gradient else step for step in made.steps)
    return replace(made, steps=steps)


@pytest.mark.parametrize("text", ["t - p", "p + t", "p", "2 p - t", "p - 2 t", "sum(p) t - p"])
def test_a_wrong_collapse_is_caught(text: str) -> None:
    made = worked(*CROSS, shapes={"z": "k"}, wanted=["z"], facts=["sum(t) = 1"])
    with pytest.raises(CertificateFailed):
        certificate(Model.of(made.exercise), with_formula(made, "z", text))


def test_a_fact_that_nobody_declared_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A calculus that uses Σ t = 1 unasked is stopped by the certificate."""
    from symbackprop.algebra.assumed import SumFact

    monkeypatch.setattr(Model, "sum_facts", lambda self: (SumFact(name="t", summed=(0,), value=Fraction(1)),))
    with pytest.raises(CertificateFailed, match="dz"):
        worked(*CROSS, shapes={"z": "k"}, wanted=["z"])


def test_a_wrong_sign_in_the_jacobian_of_softmax_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from symbackprop.algebra import axes

    good = axes.jacobian("softmax")
    first, *others = good.folded
    broken = replace(good, folded=(first, *(replace(t, coefficient=-t.coefficient) for t in others)))
    monkeypatch.setattr(axes, "jacobian", lambda _: broken)
    with pytest.raises(CertificateFailed, match="dz"):
        worked(*CROSS, shapes={"z": "k"}, wanted=["z"])


def test_a_collapse_that_drops_a_term_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    good = collapse_module.positive_first
    monkeypatch.setattr(collapse_module, "positive_first", lambda expr: good(expr)[:1])
    with pytest.raises(CertificateFailed, match="dz"):
        worked("p = sigmoid(z)", "L = bce(p, y)", shapes={"z": "k"}, wanted=["z"])


CONVOLUTION = ("y[i] = sum(a: K[a] x[i+a-2] where 1 <= i + a - 2 <= m)", "L = sum(y * t)")
SHAPES = {"K": "3", "x": "m", "y": "m"}


@pytest.mark.parametrize("change", [-1, 1])
@pytest.mark.parametrize("end", ["low", "high"])
def test_a_guard_that_is_off_by_one_is_caught(change: int, end: str) -> None:
    """The formula with one end of a guard moved is another gradient at the border."""
    made = worked(*CONVOLUTION, shapes=SHAPES)
    step = made.step("dx")

    def moved(node: tree.Node) -> tree.Node:
        if isinstance(node, tree.Chain):
            low, middle, high = node.members
            if end == "low":
                low = tree.plus(low, tree.number(-change))
            else:
                high = tree.plus(high, tree.number(change))
            return replace(node, members=(low, middle, high))
        return tree.rebuild(node, moved)

    steps = tuple(replace(one, formula=moved(one.formula)) if one is step else one for one in made.steps)
    with pytest.raises((CertificateFailed, ValueError)):
        certificate(Model.of(made.exercise), replace(made, steps=steps))


def test_a_guard_that_is_dropped_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A calculus that takes every guard for granted reaches beyond the array, or counts too much."""
    from symbackprop.algebra import collapsing

    monkeypatch.setattr(collapsing, "verdict", lambda *_: True)
    with pytest.raises(CertificateFailed):
        worked(*CONVOLUTION, shapes=SHAPES)


@pytest.mark.parametrize("change", [-1, 1])
def test_a_guard_of_the_calculus_that_is_off_by_one_is_caught(
    change: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from symbackprop.algebra import collapsing
    from symbackprop.algebra.places import Guard, plus, simplest

    good = collapsing.in_range

    def moved(place: Any, size: Any) -> Guard:
        made = good(place, size)
        return Guard(made.low, made.place, simplest(plus(made.high or 0, change)))

    monkeypatch.setattr(collapsing, "in_range", moved)
    with pytest.raises(CertificateFailed):
        worked("y[i] = sum(a: K[a] x[i+a-1])", "L = sum(y * t)", shapes={"K": "r", "x": "m"})


def test_a_part_put_in_the_wrong_place_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """`stack(da, 0)` for `stack(0, da)`."""
    from symbackprop.derivation import reading

    good = reading._stacked

    def turned(*args: Any) -> Any:
        made = good(*args)
        return replace(made, args=made.args[::-1])

    monkeypatch.setattr(reading, "_stacked", turned)
    with pytest.raises(CertificateFailed, match="dx"):
        worked("a = x[2:n]", "L = 1/2 ||a||^2", shapes={"x": "n"})
