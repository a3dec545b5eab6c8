"""Decimals: rounding against Python's decimal, certainty of balls, and how numbers are written."""

import decimal
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.decimals import (
    decimal_places,
    entries_to_trees,
    exactly,
    rounded,
    to_text,
    to_tree,
)
from symbackprop.algebra.values.domain import NotCertified, Undecided
from symbackprop.algebra.values.evaluate import evaluate
from symbackprop.algebra.values.exact import Exact, settled
from symbackprop.notation.write import to_plain

F = Fraction


@pytest.mark.parametrize(
    ("value", "shown", "exact"),
    [
        (0, "0", True), (7, "7", True), (-4, "-4", True), (F(5, 2), "2.5", True), (F(-1, 8), "-0.125", True),
        (F(1, 64), "0.015625", True), (F(1, 3), "1 / 3", True), (F(-22, 7), "-22 / 7", True),
        (F(1, 512), "1 / 512", True), (F(999, 1000), "0.999", True), (F(1, 1024), "0.0010", False),
        (F(1, 1001), "0.0010", False), (F(-2, 1003), "-0.0020", False), (F(235000, 1000001), "0.2350", False),
        (F(1, 10**7), "1 · 10^-7", True), (F(-32, 10**8), "-3.2 · 10^-7", True),
        (F(1, 3) / 10**6, "3.3333 · 10^-7", False), (F(99999999, 10**13 + 1), "1.0000 · 10^-5", False),
        (F(10**15), "1000000000000000", True), (F(7 * 10**15, 3001), "2.3326 · 10^12", False),
        (F(7) ** 600, "1.1450 · 10^507", False), (F(1, 2000), "0.0005", True),
    ],
)  # fmt: skip
def test_how_rationals_are_shown(value: Fraction, shown: str, exact: bool) -> None:
    node, certain = to_tree(F(value))
    assert (to_plain(node), certain) == (shown, exact)


@given(st.fractions(min_value=-1000, max_value=1000), st.integers(0, 8))
def test_rounding_against_python_decimals(value: Fraction, digits: int) -> None:
    """Half away from zero, checked by a division with 60 digits and an exact test of the tie."""
    made = rounded(value, digits)
    if made.exponent:
        assert abs(value) < F(1, 2 * 10**digits)
        assert abs(made.value - value) <= F(1, 2 * 10**digits) * F(10) ** made.exponent
        assert 1 <= F(made.digits) < 10
        return
    with decimal.localcontext() as context:
        context.prec = 80
        context.rounding = decimal.ROUND_HALF_UP
        exact = decimal.Decimal(value.numerator) / decimal.Decimal(value.denominator)
        expected = exact.quantize(decimal.Decimal(1).scaleb(-digits))
    assert made.text == (f"{expected:f}" if expected else f"{abs(expected):f}")


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(F(1, 2), 0, "1"), (F(-5, 2), 0, "-3"), (F(25, 1000), 2, "0.03"), (F(9996, 1000), 2, "10.00")],
)
def test_halves_go_away_from_zero(value: Fraction, digits: int, text: str) -> None:
    assert rounded(value, digits).text == text


@given(st.fractions())
def test_exact_decimals_are_exact(value: Fraction) -> None:
    places = decimal_places(value)
    assert (places is None) == (pow(10, 400) % value.denominator != 0)
    shown = exactly(value)
    if shown is not None:
        assert shown.value == value
        assert places is not None


def again(text: str) -> Any:
    return lambda bits: evaluate(formula(text), {}, Exact(bits)).item


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("exp(1)", mpmath.e), ("sigmoid(1)", None), ("pi", mpmath.pi), ("log(2)", None), ("-sqrt(2)", None),
        ("tanh(-3)", None), ("exp(-20)", None), ("exp(1000)", None), ("log(1 + exp(-700))", None),
        ("pi^20", None), ("sin(10^30)", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("digits", [4, 0, 30])
def test_balls_against_mpmath(text: str, reference: Any, digits: int) -> None:
    with mpmath.workdps(1000):
        names = {
            "exp(1)": mpmath.e, "sigmoid(1)": 1 / (1 + mpmath.exp(-1)), "pi": mpmath.pi,
            "log(2)": mpmath.log(2), "-sqrt(2)": -mpmath.sqrt(2), "tanh(-3)": mpmath.tanh(-3),
            "exp(-20)": mpmath.exp(-20), "exp(1000)": mpmath.exp(1000),
            "log(1 + exp(-700))": mpmath.log1p(mpmath.exp(-700)), "pi^20": mpmath.pi**20,
            "sin(10^30)": mpmath.sin(mpmath.mpf(10) ** 30),
        }  # fmt: skip
        truth = +names[text]
        made = rounded(again(text)(128), digits, again(text))
        unit = mpmath.mpf(10) ** (made.exponent - digits)
        shown = mpmath.mpf(made.value.numerator) / made.value.denominator
        assert abs(shown - truth) <= unit / 2
        assert not made.exact
        assert made.digits.partition(".")[2] == made.digits[len(made.digits) - digits :][:digits]


def test_more_bits_are_asked_only_when_needed() -> None:
    """1/2 + 10⁻⁶⁰ rounds to 1 only when 60 digits are seen; the tie itself never settles."""
    asked: list[int] = []

    def close(bits: int) -> Any:
        asked.append(bits)
        return evaluate(formula("sqrt(2)^2 / 4 + 10^(-60) exp(1)"), {}, Exact(bits)).item

    assert rounded(close(128), 0, close).text == "1"
    assert asked == [128, 256]
    with pytest.raises(NotCertified):
        rounded(again("sqrt(2) sqrt(2) / 4")(128), 0, again("sqrt(2) sqrt(2) / 4"))


def test_without_a_second_computation_the_caller_is_asked_for_bits() -> None:
    wide = again("sqrt(2) sqrt(2) / 4")(128)
    with pytest.raises(Undecided):
        rounded(wide, 0)
    text = "log(1 + exp(-300))"
    shown = settled(lambda domain: to_tree(evaluate(formula(text), {}, domain).item))
    assert to_plain(shown[0]) == "5.1482 · 10^-131"


@pytest.mark.parametrize("text", ["sqrt(2) sqrt(2) - 2", "exp(1) exp(-1) - 1", "exp(-10^6)"])
def test_what_cannot_be_told_from_zero_has_no_sign(text: str) -> None:
    assert to_text(again(text)(128), 4, again(text)) == ("0.0000", False)
    assert settled(lambda domain: to_text(evaluate(formula(text), {}, domain).item)) == ("0.0000", False)


def test_arrays_are_computed_again_once_for_each_precision() -> None:
    asked: list[int] = []

    def compute(bits: int) -> Array[Any]:
        asked.append(bits)
        env = {"u": Array((3,), (F(-300), F(-301), F(2)))}
        return evaluate(formula("softplus(u)"), env, Exact(bits))

    shown = entries_to_trees(compute(128), 4, compute)
    texts = [to_plain(node) for node, _ in shown.entries]
    assert texts == ["5.1482 · 10^-131", "1.8939 · 10^-131", "2.1269"]
    assert asked == [128, 256, 512]


def test_digits_beyond_the_limit_are_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 100"):
        rounded(F(1, 3), 101)
