"""Wrong lines and what explains them: the rows of the table of mistakes, or the smallest difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import pytest

from symbackprop import limits
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.algebra.values.gfp import MERSENNE
from symbackprop.checking.alike import Likeness, flat
from symbackprop.checking.difference import smallest_difference
from symbackprop.checking.explain import Explained, explain
from symbackprop.checking.findings import Reason
from symbackprop.derivation.derive import formulas
from symbackprop.derivation.mistakes import BY_ID, every_wrong_formula
from symbackprop.derivation.model import Model
from symbackprop.derivation.naming import named_parts
from symbackprop.derivation.steps import Step
from symbackprop.derivation.worlds import World, random_worlds
from symbackprop.exercise import Exercise, bundled, from_parts, load
from symbackprop.notation import tree
from symbackprop.notation.read import Vocabulary, read
from symbackprop.notation.tree import Node
from symbackprop.notation.write import to_plain

RIDGE = {
    "model": {"Z": "X W + 1 b^T", "L": "(1/5) ||Z - Y||_F^2 + lambda sum(square(W))"},
    "shapes": {"X": [5, "n"], "W": ["n", "k"], "b": ["k"], "lambda": []},
    "wanted": ["W", "b"],
}
LOGITS = {
    "model": {"Z": "X W", "P": "sigmoid(Z)", "L": "(1/4) bce(P, Y)"},
    "shapes": {"X": [4, "n"], "W": ["n", "k"]},
    "wanted": ["W"],
}
ELMAN = {  # scalars, so that nothing shows in the shapes
    "model": {"z": "w x + b", "h": "tanh(z)", "L": "1/2 (h - y)^2"},
    "shapes": {"w": [], "x": [], "b": [], "y": []},
    "wanted": ["w"],
}
OWN = {"ridge": RIDGE, "logits": LOGITS, "elman": ELMAN}


@dataclass(frozen=True)
class Board:
    """An exercise with its steps and points at which lines are compared."""

    exercise: Exercise
    steps: tuple[Step, ...]
    worlds: tuple[World, ...]

    def read(self, text: str) -> Node:
        shapes = self.exercise.shapes
        known = self.exercise.vocabulary
        names = known.names | {f"d{name}" for name in shapes}
        return self._meant(read(text, Vocabulary(functions=known.functions, names=names)))

    def _meant(self, node: Node) -> Node:
        name = node.name if isinstance(node, tree.Name) else ""
        if name.startswith("d") and name[1:] in self.exercise.shapes:
            return tree.Gradient(tree.Name(name[1:]))
        return tree.rebuild(node, self._meant)

    def values(self, node: Node, target: str) -> list[Array[Any] | None]:
        return [value(world, node, world.values.get(target)) for world in self.worlds]

    def same(self, target: str, wrong: list[Array[Any] | None]) -> Callable[[Node], bool | None]:
        def same(node: Node) -> bool | None:
            for world, one in zip(self.worlds, wrong, strict=True):
                other = None if one is None else value(world, node, world.values.get(target))
                if one is None or other is None:
                    return None
                if (one.shape or (1,), one.entries) != (other.shape or (1,), other.entries):
                    return False
            return True

        return same

    def explain(self, target: str, written: Node, **more: Any) -> Explained:
        same = self.same(target, self.values(written, target))
        parts = lambda node: value(self.worlds[0], node, None)  # noqa: E731
        return explain(self.steps, self.exercise, target, same, written=written, value=parts, **more)


def value(world: World, node: Node, like: Array[Any] | None) -> Array[Any] | None:
    try:
        return world.working.evaluate(node, world.values, like=None if like is None else like.shape)
    except (EvaluationError, ArithmeticError):
        return None


@cache
def board(name: str) -> Board:
    exercise = named_parts(from_parts(**OWN[name]) if name in OWN else load(name))
    model = Model.of(exercise)
    steps = formulas(model)
    return Board(exercise, steps, tuple(random_worlds(model, steps)))


# --- lines as people write them -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "target", "written", "mistakes"),
    [
        ("general", "dyhat", "y - yhat", "sign label_for_output"),
        ("general", "dyhat", "2 (yhat - y)", "doubled"),
        ("general", "dyhat", "yhat + y", "term_sign"),
        ("general", "dz", "dyhat", "slope_missing"),
        ("general", "dz", "dyhat * g(z)", "function_for_slope"),
        ("general", "dz", "dyhat * g'(yhat)", "slope_at_output"),
        ("general", "db", "1", "bias_one"),
        ("general", "dx", "W dz", "transpose_missing"),
        ("general", "dx", "dz W^T", "factors_swapped"),
        ("general", "dx", "W dz^T", "transpose_missing transpose_extra"),
        ("general", "dW", "x dz^T", "result_transposed"),
        ("general", "dW", "x^T dz", "factors_swapped"),
        ("general", "dW", "x dz", "transpose_missing factors_swapped"),
        ("general", "z", "W^T x + b", "transpose_extra"),
        ("general", "z", "W x - b", "term_sign"),
        ("general", "z", "W x", "term_forgotten"),
        ("general", "z", "x W + b", "factors_swapped"),
        ("general", "yhat", "z", "function_forgotten"),
        ("general", "L", "||yhat - y||^2", "doubled"),
        # with everything put in
        ("general", "dW", "(yhat - y) x^T", "upstream_skipped slope_missing"),
        ("general", "dW", "((y - yhat) * g'(z)) x^T", "sign label_for_output"),
        ("general", "dW", "(y - yhat) * g'(z) x^T", "sign label_for_output"),
        ("general", "dx", "W ((yhat - y) * g'(z))", "transpose_missing"),
        ("general", "dx", "W^T ((yhat - y)^T ⊙ g'(z))", "transpose_extra result_transposed"),
        # the derivative of an activation written out
        ("red", "dz1", "(W2^T dz2) * a1 * (1 + a1)", "term_sign"),
        ("red", "dz1", "(W2^T dz2) * (1 - a1)", "factor_forgotten"),
        ("red", "dz1", "(W2^T dz2) * (1 - square(a1))", "other_slope"),
        ("red", "dz1", "(W2^T dz2) * z1 * (1 - z1)", "preactivation"),
        ("red", "dz1", "(W2^T dz2) * sigmoid'(z2)", "wrong_layer"),
        ("red", "dz1", "(W2 dz2) * sigmoid'(z1)", "transpose_missing"),
        ("elman", "dz", "dh (-square(h))", "term_forgotten"),
        ("elman", "dz", "dh (1 - h)", "slope_square"),
        ("elman", "dz", "dh h (1 - h)", "other_slope"),
        ("red", "yhat", "tanh(z2)", "other_function"),
        ("red", "yhat", "sigmoid(-z2)", "argument_sign"),
        # another thing in its place
        ("red", "dW2", "dz2 yhat^T", "wrong_layer"),
        ("red", "dW2", "z2 a1^T", "value_for_gradient"),
        ("red", "da1", "dW2^T dz2", "gradient_for_value"),
        ("red", "da1", "W1^T dz2", "wrong_layer"),
        ("red", "dW1", "dz1 a1^T", "wrong_layer"),
        # softmax, batches, regularisers
        ("softmax", "dz", "dp * p * (1 - p)", "softmax_elementwise"),
        ("softmax", "dz", "-t * (1 - p)", "softmax_elementwise"),
        ("softmax", "dz", "t - p", "sign"),
        ("ridge", "dW", "X^T dZ + lambda W", "term_factor"),
        ("ridge", "dW", "X^T dZ", "term_forgotten"),
        ("ridge", "dW", "1/5 X^T dZ + 2 lambda W", "mean_twice"),
        ("ridge", "dW", "2 X^T (Z - Y) + 2 lambda W", "mean_missing"),
        ("ridge", "dW", "X dZ + 2 lambda W", "transpose_missing"),
        ("ridge", "db", "dZ^T 1 + 2 lambda b", "bias_regularised"),
        ("ridge", "db", "dZ", "not_summed"),
        ("ridge", "dZ", "2 (Z - Y)", "mean_missing"),
        ("logits", "dZ", "P - Y", "mean_missing factor_forgotten"),
        ("logits", "dW", "X^T (P - Y)", "mean_missing factor_forgotten"),
        ("logits", "dW", "(1/4) X^T dZ", "mean_twice"),
    ],
)
def test_a_wrong_line_is_explained(name: str, target: str, written: str, mistakes: str) -> None:
    found = board(name).explain(target, board(name).read(written))
    assert [one.id for one in found.named] == mistakes.split()


@pytest.mark.parametrize(
    ("target", "written", "expected"),
    [
        ("dx", "W dz", "W^T dz"),
        ("z", "W x", "W x + b"),
        ("dW", "((yhat - y) * g(z)) x^T", "(dyhat ⊙ g'(z)) x^T"),
    ],
)
def test_the_right_line_has_put_in_what_went_wrong(target: str, written: str, expected: str) -> None:
    general = board("general")
    found = general.explain(target, general.read(written))
    assert found.expected is not None
    assert to_plain(found.expected) == expected


def test_a_gradient_that_the_line_names_did_not_go_wrong_in_it() -> None:
    """−dz xᵀ has the sign wrong; that somebody took dL/dy long before is no explanation of it."""
    general = board("general")
    assert [one.id for one in general.explain("dW", general.read("-dz x^T")).named] == ["sign"]


def test_an_entry_is_explained_by_what_is_due_there() -> None:
    general = board("general")
    right, wrong = (tree.juxtaposed(*pair) for pair in (_entry("p", "q"), _entry("q", "p")))
    found = explain(general.steps, general.exercise, "dW", lambda _: None, written=wrong, right=right)
    assert [one.id for one in found.named] == ["indices_swapped"]
    assert found.expected == right


def _entry(first: str, second: str) -> tuple[Node, Node]:
    arriving = tree.Gradient(tree.Index(tree.Name("z"), (tree.Name(first),)))
    return arriving, tree.Index(tree.Name("x"), (tree.Name(second),))


def test_nothing_is_made_up() -> None:
    general = board("general")
    assert general.explain("dW", general.read("3 dyhat y^T")).named == ()
    assert general.explain("dq", general.read("z")) == Explained(named=(), expected=None)


# --- every row, in every exercise ---------------------------------------------------------------


def wrong_lines(board: Board) -> list[tuple[str, str, Node]]:
    """For each row the first wrong formula that it makes in an exercise, forward and backward."""
    found: dict[tuple[bool, str], tuple[str, Node]] = {}
    for step in board.steps:
        target = ("d" if step.gradient else "") + step.target
        right = [world.values.get(target) for world in board.worlds]
        for row, wrong in every_wrong_formula(board.exercise, step, board.steps):
            key = step.gradient, row.id
            if key not in found and board.values(wrong.formula, target) != right:
                found[key] = target, wrong.formula
    return [(target, row, formula) for (_, row), (target, formula) in found.items()]


@pytest.mark.parametrize("name", [*sorted(bundled()), *OWN])
def test_what_a_row_makes_is_explained_by_that_row(name: str) -> None:
    lines = wrong_lines(board(name))
    assert lines
    for target, row, formula in lines:
        named = {one.id for one in board(name).explain(target, formula).named}
        assert row in named, (target, row, to_plain(formula), named)


def test_every_row_makes_something_somewhere() -> None:
    made = {row for name in (*bundled(), *OWN) for _, row, _ in wrong_lines(board(name))}
    assert set(BY_ID) - made == {"arithmetic", "sum_index"}


def test_the_work_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that nothing explains: each formula is tried once, and no more of them than the limit says."""
    recurrent = board("recurrente")
    asked: list[Node] = []

    def never(node: Node) -> bool:
        asked.append(node)
        return False

    assert explain(recurrent.steps, recurrent.exercise, "dU", never).named == ()
    assert 300 < len(set(asked)) == len(asked) <= limits.EXPLAINED
    asked.clear()
    monkeypatch.setattr(limits, "EXPLAINED", 40)
    explain(recurrent.steps, recurrent.exercise, "dU", never)
    assert len(asked) == 40


# --- alike --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        ("W (-dz)", "-W dz", True),
        ("(2 W) dz", "W 2 dz", True),
        ("W * dz", "W dz", True),
        ("W dz", "dz W", False),
        ("W^T dz", "W dz", False),
        ("W dz", "dW z", False),
        ("(W x) * z", "W (x * z)", False),
    ],
)
def test_alike(first: str, second: str, alike: bool) -> None:
    general = board("general")
    likeness = Likeness(frozenset({"L"}), "L")
    one, other = (likeness.normal(general.read(text)) for text in (first, second))
    assert likeness.alike(one, other) is alike


def test_a_gradient_is_its_derivative() -> None:
    derivative = tree.Derivative(tree.Name("L"), tree.Name("z"))
    assert Likeness(frozenset(), "L").normal(derivative) == tree.Gradient(tree.Name("z"))


def test_only_products_become_flat() -> None:
    general = board("general")
    assert flat(general.read("yhat * z + W x")) == general.read("yhat * z + W x")


# --- the smallest difference --------------------------------------------------------------------

P = MERSENNE
RIGHT = Array((2, 3), tuple(map(Fraction, (-4, 0, -8, 1, 2, 3))))
TURNED = Array((3, 2), tuple(map(Fraction, (-4, 1, 0, 2, -8, 3))))


def changed(**entries: int) -> Array[Fraction]:
    values = list(RIGHT.entries)
    for at, one in entries.items():
        values[int(at[1:])] = Fraction(one)
    return Array(RIGHT.shape, tuple(values))


def told(right: Array[Any], wrong: Array[Any] | None, modulus: int | None = None) -> list[str]:
    found = smallest_difference(right, wrong, None, tree.Name("W"), modulus=modulus)
    return [" ".join([one.key, *(_text(part) for part in one.parts.values())]) for one in found]


def _text(part: Any) -> str:
    if isinstance(part, Reason):
        return " ".join([part.key.removeprefix("shape."), *(_text(one) for one in part.parts.values())])
    return to_plain(part) if isinstance(part, Node) else str(part)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (changed(e2=8), ["check.differs_entry (1, 3) 8 -8"]),
        (changed(e0=1, e5=1), ["check.differs_entry (1, 1) 1 -4", "check.differs_entry (2, 3) 1 3"]),
        (changed(e0=1, e2=1, e3=0, e4=0), ["check.differs_entries 4 6"]),
        (RIGHT.map(lambda one: -one), ["check.differs_sign"]),
        (RIGHT.map(lambda one: one * 3 / 2), ["check.differs_factor 3/2"]),
        (RIGHT.map(lambda one: one + 1), ["check.differs_constant 1"]),
        (
            Array((3, 2), tuple(map(Fraction, (-4, 1, 0, 2, -8, 3)))),
            ["check.differs_transposed", "check.differs_shape matrix 3×2 matrix 2×3"],
        ),
        (Array((3,), (Fraction(1),) * 3), ["check.differs_shape vector 3 matrix 2×3"]),
        (Array((), (Fraction(1),)), ["check.differs_shape number matrix 2×3"]),
        (None, []),
    ],
)
def test_the_smallest_difference(wrong: Array[Fraction] | None, said: list[str]) -> None:
    assert told(RIGHT, wrong) == said


def test_one_number_is_no_multiple_of_another() -> None:
    """Any number is 7/3 of some other; only what people do is told."""
    one = Array((), (Fraction(-4),))
    assert told(one, Array((), (Fraction(4),))) == ["check.differs_sign"]
    assert told(one, Array((), (Fraction(-8),))) == ["check.differs_factor 2"]
    assert told(one, Array((), (Fraction(-12),))) == []


def test_residues_tell_factors_and_places() -> None:
    right = Array((3,), (5, 2**40 + 7, 3**30))
    times = Array((3,), tuple(one * 3 * pow(2, -1, P) % P for one in right.entries))
    assert told(right, times, P) == ["check.differs_factor 3/2"]
    assert told(right, Array((3,), tuple(-one % P for one in right.entries)), P) == ["check.differs_sign"]
    assert told(right, Array((3,), (5, 9, 3**30)), P) == ["check.differs_place (2)"]
    assert told(right, Array((3,), (11, 2**33, 3**31 + 5)), P) == []
