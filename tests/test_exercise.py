"""Exercises: what the bundled ones say, every fault with its place, and input that means harm."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbackprop.algebra.functions import TABLE
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact, settled
from symbackprop.algebra.values.run import forward
from symbackprop.exercise import (
    Exercise,
    bundled,
    from_dict,
    from_parts,
    from_text,
    load,
    new_exercise_text,
)
from symbackprop.notation import tree
from symbackprop.notation.read import read

MODEL = '[model]\nz = "W x + b"\nyhat = "relu(z)"\nL = "1/2 ||yhat - y||^2"\n'  # lines 1 to 4
VALUES = "[values]\nW = [[4, 2, -5], [7, -1, 0]]\nx = [1, 0, 2]\nb = [7, -2]\n"  # lines 5 to 8
BOTH = MODEL + VALUES


def numbers(exercise: Exercise) -> dict[str, Any]:
    """The forward pass, exactly."""
    evaluator: Evaluator[Any] = Evaluator(Exact(), {}, exercise.functions)
    pairs = [(equation.name, equation.body) for equation in exercise.equations]
    return {
        name: value.nested()
        for name, value in forward(pairs, exercise.values, evaluator, partial=True).items()
    }


# --- the bundled ones -----------------------------------------------------------------


OF_THE_NOTES = ("neurona", "capa", "general", "capa-numerica", "sigmoide")


def test_the_bundled_exercises_are_these() -> None:
    assert list(bundled())[:5] == list(OF_THE_NOTES)


@pytest.mark.parametrize("name", bundled())
def test_every_bundled_exercise_is_sound(name: str) -> None:
    exercise = load(name)
    assert exercise.key == name
    assert exercise.title.keys() == {"es", "en"}
    assert exercise.language == "es"
    assert exercise.warnings == ()
    assert set(exercise.wanted) <= {*exercise.given, *exercise.computed}
    assert exercise.shapes[exercise.loss] == ()


@pytest.mark.parametrize("name", OF_THE_NOTES)
def test_the_exercises_of_the_notes_have_their_names(name: str) -> None:
    exercise = load(name)
    assert exercise.wanted == ("W", "b", "x")
    assert exercise.given == ("W", "x", "b", "y")
    assert exercise.computed == ("z", "yhat", "L")
    assert exercise.loss == "L"


def test_neurona_is_the_example_of_the_notes() -> None:
    exercise = load("neurona")
    assert exercise.title_in("es") == "Ejemplo (1)"
    assert exercise.shapes["W"] == (1, 3)
    assert exercise.shapes["z"] == exercise.shapes["yhat"] == (1,)
    assert exercise.kinks == {"relu": {0: 1}}
    assert exercise.equations[2].text == "1/2 (yhat - y)^2"
    found = numbers(exercise)
    assert (found["z"], found["yhat"], found["L"]) == ([1], [1], 8)


def test_capa_is_the_layer_of_the_notes() -> None:
    exercise = load("capa")
    assert exercise.values["W"].nested() == [[4, 2, -5], [7, -1, 0]]
    assert "y" not in exercise.values
    assert exercise.shapes["y"] == (2,)
    assert numbers(exercise)["z"] == [1, 5]


def test_general_has_symbols_for_sizes() -> None:
    exercise = load("general")
    assert exercise.sizes == ("k", "n")
    assert exercise.shapes["W"] == ("k", "n")
    assert exercise.functions["g"].pieces == ()
    assert exercise.values == {}


def test_capa_numerica_hides_no_mistake() -> None:
    """One unit active and one not; no 0 or ±1 where a factor could be forgotten unseen; n ≠ k."""
    exercise = load("capa-numerica")
    found = numbers(exercise)
    assert [z > 0 for z in found["z"]] == [True, False]
    x = [abs(value) for value in exercise.values["x"].entries]
    assert len(set(x)) == len(x)
    assert not {0, 1} & {*x, *map(abs, found["z"])}
    residuals = [a - b for a, b in zip(found["yhat"], exercise.values["y"].entries, strict=True)]
    assert all(abs(residual) not in {0, 1} for residual in residuals)
    assert exercise.shapes["W"] == (2, 3)


def test_sigmoide_is_a_sigmoid_neuron() -> None:
    exercise = load("sigmoide")
    assert exercise.equations[1].body == tree.Call("sigmoid", (tree.Name("z"),))
    assert numbers(exercise)["z"] == [1]
    assert exercise.values["W"].nested() == [[Fraction(1, 2), Fraction(-1, 4)]]


# --- new exercises --------------------------------------------------------------------

ACTIVATIONS = [row.name for row in TABLE.values() if row.kind == "activation"]
LOSSES = [row.name for row in TABLE.values() if row.kind == "loss"]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_new_exercise_loads_and_has_numbers(activation: str, loss: str) -> None:
    for inputs, neurons in ((1, 1), (3, 2), (2, 4)):
        exercise = from_text(new_exercise_text(inputs, neurons, activation, loss))
        assert exercise.warnings == ()
        assert exercise.shapes["W"] == (neurons, inputs)

        def run(domain: Exact, exercise: Exercise = exercise) -> dict[str, Any]:
            evaluator: Evaluator[Any] = Evaluator(domain, {}, exercise.functions)
            return forward([(e.name, e.body) for e in exercise.equations], exercise.values, evaluator)

        found = settled(run)
        x, z, b = exercise.values["x"].entries, found["z"].entries, exercise.values["b"].entries
        assert not {0, 1, -1} & set(x)
        assert len({abs(value) for value in x}) == len(x)
        assert 0 not in z
        assert 0 not in b
        assert any(value > 0 for value in z) or loss in {"bce", "cross_entropy"}
        assert Exact().sign(found["L"].item) > 0
        labels = set(exercise.values["y"].entries)
        if loss == "hinge":
            assert labels <= {1, -1}
        elif loss in {"bce", "bce_logits", "cross_entropy"}:
            assert labels <= {0, 1}


def test_a_new_exercise_speaks_the_language_asked() -> None:
    assert "# Ejercicio nuevo" in new_exercise_text(language="es")
    assert from_text(new_exercise_text(language="es")).language == "es"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"activation": "rleu"}, "did you mean relu"),
        ({"loss": "relu"}, "there is no loss 'relu'"),
        ({"inputs": 0}, "0 inputs"),
        ({"neurons": 5000}, "5000 neurons"),
        ({"language": "xx"}, "no comments in 'xx'"),
    ],
)
def test_a_new_exercise_refuses_what_it_cannot(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        new_exercise_text(**arguments)


# --- numbers --------------------------------------------------------------------------

EXACT = [
    ("0.1", Fraction(1, 10)),
    ("1e-3", Fraction(1, 1000)),
    ("-2.50", Fraction(-5, 2)),
    ('"1/3"', Fraction(1, 3)),
    ('"-1/3"', Fraction(-1, 3)),
    ('"−1/3"', Fraction(-1, 3)),
    ('"0.5"', Fraction(1, 2)),
    ('"1e-3"', Fraction(1, 1000)),
    ('"1.5/2.5"', Fraction(3, 5)),
    ("1_000", Fraction(1000)),
    ("1_0.5", Fraction(21, 2)),
    ("0x1F", Fraction(31)),
    ("9" * 4000, Fraction(10**4000 - 1)),
    ("1e400", Fraction(10**400)),
    ("-0.0", Fraction(0)),
]


@pytest.mark.parametrize(("written", "value"), EXACT)
def test_numbers_are_exact(written: str, value: Fraction) -> None:
    exercise = from_text(f'[model]\nL = "x^2"\n[values]\nx = {written}\n')
    assert exercise.values["x"].item == value


@pytest.mark.parametrize(
    ("given_value", "value"),
    [
        (0.1, Fraction(1, 10)), (1e-3, Fraction(1, 1000)), (Fraction(1, 3), Fraction(1, 3)),
        (Decimal("0.10"), Fraction(1, 10)), (3, Fraction(3)), ("1/3", Fraction(1, 3)),
    ],
)  # fmt: skip
def test_numbers_from_python(given_value: Any, value: Fraction) -> None:
    assert from_parts(model={"L": "x^2"}, values={"x": given_value}).values["x"].item == value


@given(st.lists(st.lists(st.fractions(max_denominator=99), min_size=3, max_size=3), min_size=1, max_size=4))
def test_values_come_through_toml_unchanged(rows: list[list[Fraction]]) -> None:
    written = str([[str(value) for value in row] for row in rows]).replace("'", '"')
    exercise = from_text(f'[model]\nL = "||W||_F^2"\n[values]\nW = {written}\n')
    assert exercise.values["W"].nested() == rows


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300))
def test_a_float_is_the_decimal_it_is_printed_as(value: float) -> None:
    exercise = from_parts(model={"L": "x^2"}, values={"x": value})
    assert exercise.values["x"].item == Fraction(repr(value))


# --- what an exercise says ------------------------------------------------------------


def test_names_are_canonical_everywhere() -> None:
    exercise = from_text(
        '[model]\n"ŷ" = "W₁ x + β"\nL = "1/2 ||ŷ - y||^2"\n[values]\nW_1 = [[1, 2]]\n"β" = [3]\n'
        '[wanted]\ngradients = ["W₁", "beta"]\n'
    )
    assert exercise.computed == ("yhat", "L")
    assert exercise.given == ("W1", "x", "beta", "y")
    assert exercise.wanted == ("W1", "beta")
    assert exercise.values.keys() == {"W1", "beta"}
    assert exercise.equations[0].text == "W₁ x + β"


def test_primes_and_subscripts_are_names() -> None:
    exercise = from_parts(model={"z'": "2 x_in", "L": "z'^2"})
    assert exercise.computed == ("z'", "L")
    assert exercise.given == ("x_in",)


def test_a_name_may_be_that_of_an_alias() -> None:
    """σ is a name for the sigmoid only where it is called and nothing else has it."""
    exercise = from_parts(model={"L": "(σ - 1)^2"}, values={"sigma": 3})
    assert exercise.given == ("sigma",)
    called = from_parts(model={"L": "σ(x)^2"}, values={"x": 3})
    assert called.equations[0].body == tree.Power(tree.Call("sigmoid", (tree.Name("x"),)), tree.number(2))


@pytest.mark.parametrize(
    ("model", "values", "wanted"),
    [
        ({"z": "W x + b", "L": "1/2 ||z - y||^2"}, {"W": [[1, 2]]}, ("W", "x", "b")),
        ({"z": "W x + b", "L": "mse(z, y) + 1/2 lambda ||W||_F^2"}, {"W": [[1, 2]]}, ("W", "x", "b")),
        ({"L": "mse(W x, y)"}, {"W": [[1, 2]]}, ("W", "x")),
        ({"L": "(w x - y)^2"}, {}, ("w", "x", "y")),
        ({"L": "x^T A x"}, {"x": [1, 2]}, ("x", "A")),
        ({"f": "max(x, y)"}, {}, ("x", "y")),
        ({"f": "dot(x, y)"}, {"x": [1, 2]}, ("x", "y")),
    ],
)
def test_wanted_when_nobody_says(
    model: dict[str, str], values: dict[str, Any], wanted: tuple[str, ...]
) -> None:
    assert from_parts(model=model, values=values).wanted == wanted


def test_computed_names_may_be_wanted() -> None:
    assert from_parts(model={"z": "2 x", "L": "z^2"}, wanted=["x", "z", "L"]).wanted == ("x", "z", "L")


def test_what_never_reaches_the_loss_is_a_warning() -> None:
    exercise = from_parts(model={"z": "2 x", "q": "3 r", "L": "z^2"}, values={"r": 1})
    assert exercise.warnings == (
        "r never reaches the loss L: its gradient is 0",
        "q never reaches the loss L: its gradient is 0",
    )


def test_the_mean_of_a_loss_that_adds_up_is_a_warning() -> None:
    """`bce` is one number already: a mean of it divides by 1, which nobody means."""
    model = {"P": "sigmoid(X w)", "L": "mean(bce(P, y))"}
    exercise = from_parts(model=model, values={"X": [[1, 2], [3, 4]], "w": [0, 1]})
    (warning,) = exercise.warnings
    assert warning == (
        "mean(bce(P, y)) is the mean of one number: bce adds up its entries already; "
        "of m examples the mean is 1/m bce(P, y)"
    )
    assert not from_parts(model={**model, "L": "mse(P, y)"}, values={"X": [[1, 2], [3, 4]]}).warnings


def test_size_1_and_scalars_mix() -> None:
    """W 1×n with b = [7] and y a bare number: z is in R^1, L is a scalar."""
    exercise = from_parts(
        model={"z": "W x + b", "L": "1/2 (z - y)^2"},
        values={"W": [[4, 2, -5]], "x": [1, 0, 2], "b": [7], "y": 5},
    )
    assert (exercise.shapes["z"], exercise.shapes["y"], exercise.shapes["L"]) == ((1,), (), ())
    bare = from_parts(
        model={"z": "W x + b", "L": "z^2"}, values={"W": [[4, 2]], "x": [1, 0], "b": 7}, shapes={"b": ["k"]}
    )
    assert bare.values["b"].shape == (1,)
    assert bare.declared_sizes == {"k": 1}


def test_a_declared_size_becomes_the_number_that_fills_it() -> None:
    exercise = from_text(BOTH + '[shapes]\nW = ["k", "n"]\ny = ["k"]\n')
    assert exercise.declared_sizes == {"k": 2, "n": 3}
    assert exercise.shapes["y"] == (2,)
    assert exercise.sizes == ()


def test_a_size_may_stand_in_a_formula() -> None:
    model = {"L": "(1/n) sum(i = 1..n: x[i]^2)"}
    symbolic = from_parts(model=model, shapes={"x": ["n"]})
    assert (symbolic.given, symbolic.sizes) == (("x",), ("n",))
    filled = from_parts(model=model, shapes={"x": ["n"]}, values={"x": [1, 2, 3]})
    assert filled.declared_sizes == {"n": 3}


def test_ones_are_sized() -> None:
    exercise = from_parts(
        model={"Z": "X W^T + 1 b^T", "L": "sum(Z^2)"},
        values={"X": [[1, 2], [3, 4], [5, 6]]},
        shapes={"W": ["k", "n"]},
    )
    ones = [part for part in tree.walk(exercise.equations[0].body) if isinstance(part, tree.Ones)]
    assert ones == [tree.Ones(tree.number(3))]


def test_own_functions() -> None:
    exercise = from_text(
        """
        [functions]
        swish = "u / (1 + exp(-u))"     # as in the table, and it goes first
        g = "generic"
        "φ" = "2 swish(u)"
        mix = { formula = "a u + v", arguments = ["u", "v"], options = { a = 0.5 } }
        step = { pieces = [{ formula = "u", bound = "1" }, { formula = "1" }] }
        gap = { formula = "(u - v)^2", arguments = ["u", "v"], reduce = "mean" }
        [model]
        z = "φ(x) + mix(g(x), x, a = 2) + step(x)"
        L = "gap(z, y)"
        [values]
        x = [1, 2]
        [conventions.kinks]
        step = { "1" = "1/2" }
        """
    )
    rows = exercise.functions
    assert list(rows) == ["swish", "g", "phi", "mix", "step", "gap"]
    assert rows["g"].pieces == ()
    assert (rows["phi"].latex, rows["phi"].typst, rows["mix"].latex) == (
        "\\phi",
        "phi",
        r"\operatorname{mix}",
    )
    assert rows["mix"].options == (("a", "1/2"),)
    assert (rows["gap"].kind, rows["gap"].reduce) == ("loss", "mean")
    assert exercise.kinks == {"step": {1: Fraction(1, 2)}}
    assert exercise.shapes["L"] == ()
    assert exercise.vocabulary.functions["swish"] == "swish"


def test_kinks_and_facts_and_words_are_kept() -> None:
    exercise = from_text(
        BOTH
        + '[conventions.kinks]\nrelu = { "0" = "1/2" }\nhuber = { "1" = 1 }\n'
        + '[assume]\nfacts = ["sum(b) = 5", "z[1] < z[2]", "sum(y) = 1", "exp(b[1]) > 2"]\n'
        + '[words]\n"given.title" = "Datos"\nen = { "given.title" = "Data" }\n'
    )
    assert exercise.kinks == {"relu": {0: Fraction(1, 2)}, "huber": {1: 1}}
    assert [fact.checked for fact in exercise.facts] == [True, True, False, True]
    assert exercise.words == {"en": {"given.title": "Data"}}


def test_words_without_a_language_are_the_exercises() -> None:
    exercise = from_text('language = "es"\n' + BOTH + '[words]\n"given.title" = "Datos"\n')
    assert exercise.words == {"es": {"given.title": "Datos"}}
    assert from_text('title = "Uno"\nlanguage = "es"\n' + BOTH).title == {"es": "Uno"}
    assert from_text(BOTH, key="mine").title_in("en") == "mine"


def test_the_three_ways_in_agree() -> None:
    values: dict[str, Any] = {"W": [[4, 2, -5], [7, -1, 0]], "x": [1, 0, 2], "b": [7, -2]}
    model = {"z": "W x + b", "yhat": "relu(z)", "L": "1/2 ||yhat - y||^2"}
    assert (
        from_text(BOTH)
        == from_dict({"model": model, "values": values})
        == from_parts(model=model, values=values)
    )
    assert from_parts(model=model.items(), values={k: tuple(v) for k, v in values.items()}) == from_text(BOTH)


def test_the_vocabulary_reads_formulas_about_the_exercise() -> None:
    exercise = load("general")
    assert read("dz x^T", exercise.vocabulary) == tree.juxtaposed(
        tree.Gradient(tree.Name("z")), tree.Transpose(tree.Name("x"))
    )
    assert read("g'(z)", exercise.vocabulary) == tree.Call("g", (tree.Name("z"),), primes=1)
