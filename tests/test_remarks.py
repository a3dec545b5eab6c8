"""Remarks on frequent mistakes, and the argument by dimensions: what they say is true."""

from itertools import product
from typing import Any

import pytest

from symbackprop.algebra.values.arrays import form
from symbackprop.derivation.derive import derive
from symbackprop.derivation.dimensions import Misfit, dimensions, only_product
from symbackprop.derivation.mistakes import BY_ID
from symbackprop.derivation.model import Model
from symbackprop.derivation.numbers import evaluator
from symbackprop.derivation.points import point
from symbackprop.derivation.remarks import INSTRUCTIVE, Remarks
from symbackprop.derivation.steps import Derivation
from symbackprop.derivation.worlds import world_of
from symbackprop.exercise import bundled, from_dict, load
from symbackprop.exercise.model import function_names
from symbackprop.notation import tree
from symbackprop.notation.read import Vocabulary, read
from symbackprop.notation.tree import Node, Size
from symbackprop.notation.write import to_plain
from symbackprop.report.compose import compose
from symbackprop.report.document import Note, Text

LAYER = {"z": "W x + b", "yhat": "relu(z)", "L": "1/2 ||yhat - y||^2"}
BATCH = {"Z": "X W + 1 b^T", "A": "tanh(Z)", "L": "1/2 ||A - T||_F^2"}
SHAPES: dict[str, tuple[int | str, ...]] = {
    "W": ("k", "n"),
    "x": ("n",),
    "z": ("k",),
    "X": ("N", "n"),
    "Z": ("N", "k"),
}


def formula(text: str) -> Node:
    made = read(text, Vocabulary(functions=function_names({}), names=None))
    return tree.replace_names(made, {f"d{name}": tree.Gradient(tree.Name(name)) for name in ("z", "Z")})


def of(model: dict[str, str], **more: Any) -> Derivation:
    return derive(from_dict({"model": model, **more}))


def said(derivation: Derivation) -> dict[str, tuple[str, str, str]]:
    found = Remarks(derivation).mistakes
    return {"d" + name: (one.mistake, one.verdict, to_plain(one.formula)) for name, one in found.items()}


# --- dimensions on paper ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("W x", ("k", 1)), ("dz x^T", ("k", "n")), ("x dz^T", ("n", "k")), ("x^T x", (1, 1)),
        ("2 W x", ("k", 1)), ("dZ^T X", ("k", "n")), ("X ⊙ X", ("N", "n")), ("z^T", (1, "k")),
    ],
)  # fmt: skip
def test_dimensions(text: str, expected: tuple[Size, Size]) -> None:
    assert dimensions(formula(text), SHAPES) == expected


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("W dz", (("k", "n"), ("k", 1))), ("dz x", (("k", 1), ("n", 1))), ("X ⊙ Z", (("N", "n"), ("N", "k"))),
        ("X dZ", (("N", "n"), ("N", "k"))),
    ],
)  # fmt: skip
def test_what_does_not_fit_names_its_factors(
    text: str, parts: tuple[tuple[int | str, int | str], ...]
) -> None:
    with pytest.raises(Misfit) as caught:
        dimensions(formula(text), SHAPES)
    assert caught.value.parts == parts


# --- the argument ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "target", "holds"),
    [
        ("dz x^T", "W", True), ("W^T dz", "x", True), ("dZ^T X", "W", True), ("x dz^T", "W", True),
        ("dz", "z", False), ("dZ W", "X", True), ("A x", "x", False),
    ],
)  # fmt: skip
def test_exactly_one_of_eight_products_fits(text: str, target: str, holds: bool) -> None:
    """With a square A both A x and Aᵀ x have the dimensions of x: then there is no argument."""
    shapes = {**SHAPES, "A": ("n", "n")}
    assert (only_product(formula(text), target, shapes) is not None) is holds


def test_the_argument_is_given_for_any_sizes() -> None:
    """In the notes' example k = 1, and with 1×3 other products would fit too."""
    arguments = Remarks(derive(load("neurona"))).arguments
    assert {name: to_plain(one.formula) for name, one in arguments.items()} == {"W": "dz x^T", "x": "W^T dz"}


def test_a_batch_has_its_vector_of_ones() -> None:
    """dZ is N×k: of its eight products with a vector of ones, dZᵀ 1 alone is k×1."""
    arguments = Remarks(of(BATCH)).arguments
    assert {name: to_plain(one.formula).partition("ones")[0] for name, one in arguments.items()} == {
        "W": "X^T dZ", "X": "dZ W^T", "b": "dZ^T ",
    }  # fmt: skip


# --- the remarks -------------------------------------------------------------------------------------


def test_the_remarks_of_a_layer() -> None:
    assert said(of(LAYER)) == {
        "dyhat": ("square_kept", "value", "1/2 square(yhat - y)"),
        "dz": ("hadamard_as_dot", "dimensions", "dyhat^T relu'(z)"),
        "db": ("upstream_skipped", "value", "dyhat"),
        "dW": ("result_transposed", "dimensions", "x dz^T"),
        "dx": ("transpose_missing", "misfit", "W dz"),
    }


def test_a_square_matrix_fits_and_is_wrong_all_the_same() -> None:
    made = Remarks(of(LAYER, shapes={"W": ["k", "k"]})).mistakes
    assert (made["x"].mistake, made["x"].verdict) == ("transpose_missing", "value")
    assert made["x"].got == made["x"].wanted == ("k", 1)


def test_a_bias_of_a_batch_is_summed() -> None:
    made = Remarks(of(BATCH)).mistakes["b"]
    assert (made.mistake, made.verdict, to_plain(made.formula)) == ("not_summed", "dimensions", "dZ")


def test_no_kind_twice() -> None:
    """Layers repeat each other; remarks do not."""
    deep = {
        "a0": "x",
    }
    del deep["a0"]
    model = {f"z{n}": f"W{n} {'x' if n == 1 else f'a{n - 1}'} + b{n}" for n in range(1, 5)}
    steps: dict[str, str] = {}
    for n in range(1, 5):
        steps[f"z{n}"] = model[f"z{n}"]
        steps[f"a{n}"] = f"tanh(z{n})"
    made = Remarks(of({**steps, "L": "1/2 ||a4 - y||^2"}))
    kinds = [(one.mistake, one.verdict) for one in made.mistakes.values()]
    assert len(kinds) == len(set(kinds))
    assert len(made.arguments) == 8  # four weights, three activations, x


EXAMPLES = [*bundled()][:8]


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_a_remark_calls_wrong_is_wrong(name: str) -> None:
    """Judged again, apart from how it was found: with real numbers, all sizes different."""
    derivation = derive(load(name))
    model = Model.of(derivation.exercise)
    sizes = dict(zip(reversed(derivation.exercise.sizes), range(3, 99), strict=False))
    drawn = point(model, sizes, "random", "remarks")
    working = evaluator(model, drawn.domain, sizes)
    given = {name: drawn.values[name] for name in derivation.exercise.given}
    world = world_of(model, derivation.steps, given, working)
    for target, remark in Remarks(derivation).mistakes.items():
        step = derivation.step("d" + target)
        if remark.verdict == "value":
            tries = [world]
            for seed in product("abc", "de"):
                again = point(model, sizes, "random", "".join(seed))
                fresh = evaluator(model, again.domain, sizes)
                values = {key: again.values[key] for key in derivation.exercise.given}
                tries.append(world_of(model, derivation.steps, values, fresh))
            assert any(one.same(step, remark.formula) is False for one in tries)
        elif remark.verdict == "dimensions":
            assert remark.got != remark.wanted
            assert not world.fits(step, remark.formula)
        else:
            assert not world.fits(step, remark.formula)


def test_every_kind_is_a_row_of_the_table() -> None:
    assert {mistake for mistake, _ in INSTRUCTIVE} <= set(BY_ID)
    assert form((3, 1)) == (3,)


@pytest.mark.parametrize(
    ("detail", "any_"), [("full", True), ("student", True), ("answer", False), ("exam", False)]
)
def test_where_they_stand(detail: str, any_: bool) -> None:
    notes = [block for block in compose(of(LAYER), detail=detail).blocks if isinstance(block, Note)]
    keys = [text.key for note in notes for text in note.sentences if isinstance(text, Text)]
    assert any(key.startswith("remark.") for key in keys) is bool(any_)
    assert keys.count("remark.no_proof") == any_
