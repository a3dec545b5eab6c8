"""The typical mistakes, the numbers that hide them, and better numbers."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symbackprop.algebra.values.arrays import Array
from symbackprop.derivation.better import _gain, better_numbers, warning_lines
from symbackprop.derivation.blind import SLIPS, Inspection, blind_spots, hidden_shapes
from symbackprop.derivation.derive import derive
from symbackprop.derivation.mistakes import BY_ID, MISTAKES, wrong_formulas
from symbackprop.derivation.steps import Derivation
from symbackprop.derivation.worlds import terms
from symbackprop.exercise import Exercise, bundled, from_parts, load
from symbackprop.notation.write import to_plain
from symbackprop.report.words import languages, load_words

LAYER = {"z": "W x + b", "yhat": "relu(z)", "L": "1/2 ||yhat - y||^2"}
NUMBERS = {"W": [[3, -4, 2], [-4, 2, -1]], "x": [2, 3, 5], "b": [3, 2], "y": [4, 6]}
SHOWN = {row.id for row in BY_ID.values() if row.make is not None}  # the others are for a checker
SQUARE = {"W": [[2, 3], [3, -5]], "x": [2, 7], "b": [3, 4], "y": [6, 9]}  # k = n and W symmetric


@cache
def derived(name: str) -> Derivation:
    return derive(load(name))


def with_values(exercise: Exercise, values: dict[str, Array[Fraction]]) -> Derivation:
    return derive(replace(exercise, values={**exercise.values, **values}))


def told(derivation: Derivation, *, by_size: bool = False) -> set[tuple[str, str]]:
    return {(spot.gradient, spot.mistake) for spot in blind_spots(derivation) if spot.by_size is by_size}


def layer(**values: object) -> Derivation:
    return derive(from_parts(model=LAYER, values={**NUMBERS, **values}))


def written(derivation: Derivation, gradient: str, mistake: str) -> set[str]:
    """The wrong formulas that a row makes of a gradient."""
    found = wrong_formulas(derivation.exercise, derivation.step(gradient))
    return {to_plain(wrong.formula) for row, wrong in found if row.id == mistake}


# --- the table of mistakes ----------------------------------------------------------------------


def mean_layer() -> Derivation:
    return derive(from_parts(model={**LAYER, "L": "mse(yhat, y)"}, values=NUMBERS))


def test_every_mistake_can_be_made_in_a_bundled_exercise_and_is_wrong_there() -> None:
    """A row that is never wrong would accuse people of nothing."""
    wrong: set[str] = set()
    for derivation in (*map(derived, bundled()), mean_layer()):
        inspection = Inspection.of(derivation)
        for slip in inspection.slips:
            if slip.mistake.id not in wrong and (inspection.shows(slip) or inspection.shows_resized(slip)):
                wrong.add(slip.mistake.id)
    assert wrong == SHOWN


def test_only_the_mean_needs_a_loss_that_no_bundled_exercise_has() -> None:
    made = {
        row.id
        for name in bundled()
        for step in derived(name).backward
        for row, _ in wrong_formulas(derived(name).exercise, step)
    }
    assert SHOWN - made == {"mean_missing"}


@pytest.mark.parametrize(
    ("gradient", "mistake", "formula"),
    [
        ("dyhat", "sign", "-(yhat - y)"),
        ("dyhat", "term_sign", "yhat + y"),
        ("dyhat", "term_forgotten", "yhat"),
        ("dyhat", "doubled", "2 (yhat - y)"),
        ("dyhat", "halved", "1/2 (yhat - y)"),
        ("dyhat", "square_kept", "1/2 square(yhat - y)"),
        ("dyhat", "preactivation", "z - y"),
        ("dz", "slope_missing", "dyhat"),
        ("dz", "function_for_slope", "dyhat ⊙ g(z)"),
        ("dz", "slope_at_output", "dyhat ⊙ g'(yhat)"),
        ("dz", "hadamard_as_dot", "dyhat^T g'(z)"),
        ("dz", "upstream_forgotten", "g'(z)"),
        ("db", "bias_one", "1"),
        ("db", "summed", "sum(dz)"),
        ("db", "upstream_skipped", "dyhat"),
        ("dW", "transpose_missing", "dz x"),
        ("dW", "result_transposed", "x dz^T"),
        ("dW", "factors_swapped", "x^T dz"),
        ("dW", "inner_for_outer", "dz^T x"),
        ("dW", "factor_forgotten", "dz 1^T"),
        ("dW", "output_for_input", "dz z^T"),
        ("dW", "upstream_skipped", "dyhat x^T"),
        ("dx", "transpose_missing", "W dz"),
        ("dx", "result_transposed", "dz^T W"),
        ("dx", "factors_swapped", "dz W^T"),
        ("dx", "factor_forgotten", "dz"),
        ("dx", "upstream_forgotten", "W^T 1"),
    ],
)
def test_a_mistake_is_what_a_person_would_write(gradient: str, mistake: str, formula: str) -> None:
    assert formula in written(derived("general"), gradient, mistake)


def test_the_factor_of_a_mean_is_missed() -> None:
    """k = 2, so the right one is ŷ − y: 2/2 of it."""
    assert written(mean_layer(), "dyhat", "mean_missing") == {"2 (yhat - y)"}
    summed = from_parts(model={"p": "sigmoid(W x)", "L": "mean(bce(p, y))"}, values={"W": [[1, 2], [3, 4]]})
    assert not written(derive(summed), "dp", "mean_missing")  # bce adds up: its mean has no factor


def test_a_path_that_is_forgotten_is_a_term_that_is_forgotten() -> None:
    branch = derive(from_parts(model={"z": "w x", "a": "sigmoid(z)", "s": "a + z", "L": "1/2 (s - y)^2"}))
    assert written(branch, "dz", "term_forgotten") == {"ds", "da sigmoid'(z)"}


def test_no_mistake_is_the_right_formula_and_the_seed_has_none() -> None:
    derivation = derived("neurona")
    for step in derivation.backward:
        wrong = [one.formula for _, one in wrong_formulas(derivation.exercise, step)]
        assert step.formula not in wrong
        assert bool(wrong) is (step.rule != "seed")


@pytest.mark.parametrize("language", languages())
def test_every_mistake_has_a_sentence_whose_places_it_fills(language: str) -> None:
    words = load_words(language)
    for derivation in (derived("neurona"), derived("general"), mean_layer()):
        for step in derivation.backward:
            for row, wrong in wrong_formulas(derivation.exercise, step):
                places = words.places(f"mistake.{row.id}")
                known = {"about": wrong.about, "instead": wrong.instead}
                assert places <= known.keys()
                assert all(known[place] is not None for place in places), (row.id, language)
    ours = {key for key in words.sentences if key.startswith("mistake.")}
    assert ours == {f"mistake.{row.id}" for row in MISTAKES}


# --- what numbers hide ----------------------------------------------------------------------------


def test_the_notes_example_by_hand() -> None:
    """z = 1, ŷ = 1, g′(1) = 1, dŷ = dz = −4, x = (1, 0, 2): worked out on paper.

    ŷ = z, so z − y is ŷ − y. g′(z) = g′(ŷ) = g(z) = 1, so dz = dŷ whichever of them is taken or
    forgotten, and dŷ serves for dz everywhere below. x₂ = 0: the middle of dW has no sign. All
    else differs: 2·(−4) = −8, ½·(−4)² = 8, ŷ + y = 6, 1·x ≠ dz·x, and so on.
    """
    assert told(derived("neurona")) == {
        ("dyhat", "preactivation"),
        ("dz", "slope_missing"),
        ("dz", "function_for_slope"),
        ("dz", "slope_at_output"),
        ("db", "upstream_skipped"),
        ("dW", "upstream_skipped"),
        ("dx", "upstream_skipped"),
        ("dW", "entry_sign"),
    }


def test_one_neuron_hides_by_its_size() -> None:
    """With k = 1, dz is a number: it may stand left or right, be summed, and ⊙ is a dot product."""
    expected = {
        ("dz", "hadamard_as_dot"),
        ("dz", "summed"),
        ("db", "summed"),
        ("dW", "factors_swapped"),
        ("dx", "factors_swapped"),
    }
    assert told(derived("neurona"), by_size=True) == expected
    spots = [spot for spot in blind_spots(derived("neurona")) if spot.by_size]
    assert {spot.cause for spot in spots} == {"k = 1"}


@pytest.mark.parametrize(
    ("gradient", "mistake", "cause"),
    [
        ("dyhat", "preactivation", "yhat = z"),
        ("dz", "slope_missing", "relu'(z) = 1"),
        ("dz", "function_for_slope", "yhat = 1"),
        ("dW", "upstream_skipped", "relu'(z) = 1"),
        ("dW", "entry_sign", "x[2] = 0"),
    ],
)
def test_the_cause_is_the_fact_that_hides_it(gradient: str, mistake: str, cause: str) -> None:
    spots = {(spot.gradient, spot.mistake): spot.cause for spot in blind_spots(derived("neurona"))}
    assert spots[gradient, mistake] == cause


def test_numbers_made_to_hide_nothing_hide_nothing() -> None:
    assert blind_spots(derived("capa-numerica")) == ()
    assert better_numbers(derived("capa-numerica")) is None
    assert warning_lines(derived("capa-numerica")) == []


def test_without_numbers_there_is_nothing_to_hide() -> None:
    assert blind_spots(derived("general")) == ()
    assert warning_lines(derived("general")) == []


def test_irrational_numbers_hide_nothing_but_what_the_size_hides() -> None:
    assert told(derived("sigmoide")) == set()
    assert told(derived("sigmoide"), by_size=True)


def test_a_symbolic_target_is_no_obstacle() -> None:
    """capa: both units are active and x₂ = 0, whatever y is."""
    assert {("dz", "slope_missing"), ("dW", "entry_sign")} <= told(derived("capa"))
    assert told(derived("capa"), by_size=True) == set()


@pytest.mark.parametrize(
    ("values", "spot"),
    [
        ({"x": [1, 1, 1]}, ("dW", "factor_forgotten")),  # dz 1ᵀ is dz xᵀ
        ({"y": [5, 0]}, ("dyhat", "square_kept")),  # ŷ = (7, 0): ½·2² = 2 and ½·0² = 0
        ({"y": [0, 0]}, ("dyhat", "term_forgotten")),  # ŷ − 0
        ({"W": [[3, -4, 2], [4, 2, -1]]}, ("dz", "slope_missing")),  # z = (7, 11): both active
        ({"W": [[-3, -4, 2], [-4, 2, -1]]}, ("dx", "sign")),  # z = (−5, −5): all is 0
    ],
)
def test_special_numbers_hide_what_they_should(values: dict[str, object], spot: tuple[str, str]) -> None:
    assert spot in told(layer(**values))
    assert spot not in told(derived("capa-numerica"))


def test_a_symmetric_matrix_hides_a_transpose_and_equal_sizes_hide_its_shape() -> None:
    square = derive(from_parts(model=LAYER, values=SQUARE))
    spots = {(s.gradient, s.mistake): s for s in blind_spots(square)}
    assert spots["dx", "transpose_missing"].cause == "W is symmetric"
    assert not spots["dx", "transpose_missing"].by_size
    shapes = {(spot.gradient, spot.mistake): spot.cause for spot in hidden_shapes(square)}
    assert shapes["dW", "result_transposed"] == "k = n"
    assert not hidden_shapes(derived("capa-numerica"))


def test_what_is_right_for_the_exercise_is_no_blind_spot() -> None:
    """With the identity nothing is lost by forgetting g′: that is no accident of the numbers."""
    plain = derive(from_parts(model={**LAYER, "yhat": "identity(z)"}, values=NUMBERS))
    assert ("dz", "slope_missing") not in told(plain)
    assert ("dz", "slope_missing") not in told(plain, by_size=True)


def test_an_unseen_formula_has_the_right_value_by_another_evaluation() -> None:
    """The numbers of the report, put in by hand: dŷ = −4, x = (1, 0, 2)."""
    spots = {(spot.gradient, spot.mistake): spot for spot in blind_spots(derived("neurona"))}
    assert to_plain(spots["dW", "upstream_skipped"].formula) == "dyhat x^T"
    assert [-4 * x for x in (1, 0, 2)] == list(derived("neurona").quantities["dW"].numbers.entries)


# --- better numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["neurona", "capa"])
def test_better_numbers_hide_less(name: str) -> None:
    derivation = derived(name)
    better = better_numbers(derivation)
    assert better is not None
    after = with_values(derivation.exercise, better)
    assert told(after) < told(derivation)
    changed = [
        (old, new)
        for key, array in better.items()
        for old, new in zip(derivation.exercise.values[key].entries, array.entries, strict=True)
        if old != new
    ]
    assert len(changed) == 1
    assert all((new - old).denominator == 1 and abs(new - old) <= 6 for old, new in changed)
    assert all(array.shape == derivation.exercise.values[key].shape for key, array in better.items())


def test_the_notes_zero_is_mended_and_its_one_too() -> None:
    better = better_numbers(derived("neurona"))
    assert better is not None
    gone = told(derived("neurona")) - told(with_values(derived("neurona").exercise, better))
    assert gone == {("dW", "entry_sign"), ("dz", "function_for_slope")}


def test_the_search_is_the_same_every_time() -> None:
    assert better_numbers(derived("neurona")) == better_numbers(derive(load("neurona")))


def test_labels_and_what_facts_speak_of_stay() -> None:
    model = {"z": "W x", "p": "sigmoid(z)", "L": "bce(p, y)"}
    labelled = derive(from_parts(model=model, values={"W": [[1, 2]], "x": [1, 0], "y": [1]}))
    better = better_numbers(labelled)
    assert better is not None
    assert "y" not in better


def test_better_numbers_stay_off_kinks_and_keep_a_gradient() -> None:
    """z = 0 with the notes' convention, and a target that is met: both would be poor advice."""
    poor = layer(W=[[1, 1, 1], [1, 1, 1]], x=[1, 1, 1], b=[-3, -3], y=[0, 0])
    better = better_numbers(poor)
    assert better is not None
    after = with_values(poor.exercise, better)
    assert 0 not in after.quantities["z"].numbers.entries
    assert any(after.quantities["dW"].numbers.entries)


small = st.integers(-4, 4)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), k=st.integers(1, 2), n=st.integers(1, 3))
def test_better_numbers_never_hide_more(data: st.DataObject, k: int, n: int) -> None:
    def vector(size: int) -> list[int]:
        return data.draw(st.lists(small, min_size=size, max_size=size))

    values = {"W": [vector(n) for _ in range(k)], "x": vector(n), "b": vector(k), "y": vector(k)}
    before = derive(from_parts(model=LAYER, values=values))
    better = better_numbers(before)
    if better is not None:
        after = with_values(before.exercise, better)
        assert len(blind_spots(after)) < len(blind_spots(before))
        assert {name for name in better if better[name] == before.exercise.values[name]} == set()
    elif blind_spots(before):
        assert warning_lines(before)


# --- the warning ----------------------------------------------------------------------------------


def test_the_warning_says_what_is_hidden_by_what_and_what_would_be_better() -> None:
    lines = warning_lines(derived("neurona"))
    text = "\n".join(lines)
    assert lines[0].startswith("With these numbers 13 of 42 typical mistakes go unseen")
    assert "relu'(z) = 1 hides: dz: relu'(z) forgotten" in text
    assert "x[2] = 0 hides: dW: the sign of dW[:,2]" in text
    assert "Nearest better numbers: x = [1, 4, 2] instead of [1, 0, 2]" in text
    assert "k = 1 hides: " in lines[-1]
    assert all(len(line) < 300 for line in lines)


def test_numbers_are_shown_as_an_exercise_file_has_them() -> None:
    values = {"w": "1/3", "x": 0, "y": "0.5"}
    half = derive(from_parts(model={"z": "w x", "L": "1/2 (z - y)^2"}, values=values))
    text = "\n".join(warning_lines(half))
    assert "instead of 0" in text
    assert "Fraction" not in text


# --- bounded work -------------------------------------------------------------------------------------


def deep(layers: int) -> Derivation:
    model: dict[str, str] = {}
    values: dict[str, object] = {"x": [3, 5], "y": [2, -7]}
    for n in range(1, layers + 1):
        model[f"z{n}"] = f"W{n} {f'a{n - 1}' if n > 1 else 'x'} + b{n}"
        model[f"a{n}"] = f"tanh(z{n})"
        values |= {f"W{n}": [["2/5", "-3/7"], ["5/9", "1/6"]], f"b{n}": ["1/9", "-2/9"]}
    return derive(from_parts(model={**model, "L": f"1/2 ||a{layers} - y||^2"}, values=values))


def test_a_deep_net_costs_no_more_than_its_first_thousand_mistakes() -> None:
    few, many = (len(Inspection.of(deep(layers)).slips) for layers in (3, 36))
    assert few < 200
    assert SLIPS <= many < SLIPS + 60


def test_large_sums_leave_fewer_trials() -> None:
    """A convolution's entries are sums: one more look at the numbers costs all their terms."""
    model = {"y[i]": "sum(a: K[a] x[i+a-1])", "q": "relu(y)", "L": "1/2 sum((q - 3)^2)"}
    derivation = derive(from_parts(model=model, values={"K": [1, 2, 3], "x": list(range(1, 21))}))
    assert terms(derivation.steps) == 18 * 3 + 3 * 18 + 20 * 3  # y, dK, dx


@given(st.lists(st.fractions(-7, 7, max_denominator=2), min_size=1, max_size=6), st.data())
def test_what_a_change_gains_in_plainness(entries: list[Fraction], data: st.DataObject) -> None:
    def plainness(values: list[Fraction]) -> int:
        sizes = [abs(value) for value in values]
        return sum(size in {0, 1} for size in sizes) + len(sizes) - len(set(sizes))

    at = data.draw(st.integers(0, len(entries) - 1))
    delta = data.draw(st.sampled_from([1, -1, 2, -3, 6]))
    changed = [*entries[:at], entries[at] + delta, *entries[at + 1 :]]
    gained = _gain(Counter(map(abs, entries)), entries[at], entries[at] + delta)
    assert gained == plainness(changed) - plainness(entries)
