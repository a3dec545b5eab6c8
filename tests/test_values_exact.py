"""Exact reals: what stays rational, what the balls enclose, what is refused; polynomials in symbols."""

import time
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.decimals import to_tree
from symbackprop.algebra.values.domain import DomainProblem, NotCertified, Symbolic, TooLarge, Undecided
from symbackprop.algebra.values.evaluate import evaluate
from symbackprop.algebra.values.exact import Exact, bounds, settled
from symbackprop.algebra.values.poly import Poly, leftover
from symbackprop.notation.write import to_plain

F = Fraction
fractions = st.fractions(min_value=-20, max_value=20, max_denominator=50)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("exp(0)", 1), ("log(1)", 0), ("sqrt(4)", 2), ("sqrt(9/16)", F(3, 4)), ("sqrt(0)", 0),
        ("sin(0)", 0), ("cos(0)", 1), ("erf(0)", 0), ("tanh(0)", 0), ("sigmoid(0)", F(1, 2)),
        ("sigmoid'(0)", F(1, 4)), ("tanh'(0)", 1), ("gelu(0)", 0), ("gelu'(0)", F(1, 2)),
        ("gelu_tanh'(0)", F(1, 2)), ("swish'(0)", F(1, 2)), ("softplus'(0)", F(1, 2)),
        ("0 * pi", 0), ("(27/8)^(2/3)", F(9, 4)), ("4^(-1/2)", F(1, 2)), ("0^0", 1), ("0^(1/2)", 0),
        ("log'(3)", F(1, 3)), ("sqrt'(4)", F(1, 4)), ("bce(1/2, 1) - bce(1/2, 0)", 0),
    ],
)  # fmt: skip
def test_stays_rational(text: str, expected: Fraction) -> None:
    if text.startswith("bce"):  # the two logarithms are balls round the same number
        low, high = bounds(evaluate(formula(text), {}, Exact()).item)
        assert low <= expected <= high
        return
    found = evaluate(formula(text), {}, Exact()).item
    assert type(found) is Fraction
    assert found == expected


FUNCTIONS = {
    "exp": mpmath.exp, "log": mpmath.log, "sin": mpmath.sin, "cos": mpmath.cos, "erf": mpmath.erf,
    "sqrt": mpmath.sqrt,
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("bits", [64, 300])
@settings(max_examples=25, deadline=None)
@given(fractions.filter(lambda u: u != 0))
def test_atoms_enclose_what_mpmath_says(name: str, bits: int, u: Fraction) -> None:
    if name in ("log", "sqrt"):
        u = abs(u)
    low, high = bounds(Exact(bits).atom(name, u))
    with mpmath.workprec(bits + 40):
        truth = FUNCTIONS[name](mpmath.mpf(u.numerator) / u.denominator)
        slack = mpmath.mpf(2) ** (10 - bits - 40) * (1 + abs(truth))
        assert mpmath.mpf(low.numerator) / low.denominator - slack <= truth
        assert truth <= mpmath.mpf(high.numerator) / high.denominator + slack
    assert high - low <= F(1, 2 ** (bits - 8)) * max(1, abs(high))


@settings(max_examples=60)
@given(st.lists(fractions, min_size=4, max_size=4), st.sampled_from(["+", "-", "*", "/"]))
def test_arithmetic_of_balls_encloses_the_rational_result(parts: list[Fraction], sign: str) -> None:
    """(a + π) ∘ (c + π) with balls, against the same with π replaced by rational bounds is no test; instead
    irrational parts that cancel: (a + √2 − √2) ∘ b must enclose a ∘ b."""
    a, b, *_ = parts
    if sign == "/" and b == 0:
        return
    domain = Exact(100)
    root = domain.atom("sqrt", F(2))
    wide = domain.sub(domain.add(a, root), root)
    method = {"+": domain.add, "-": domain.sub, "*": domain.mul, "/": domain.div}[sign]
    low, high = bounds(method(wide, b))
    truth = {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else 0}[sign]
    assert low <= truth <= high
    assert high - low < F(1, 2**60)


@given(st.lists(st.lists(fractions, min_size=3, max_size=3), min_size=2, max_size=2), st.data())
def test_matrix_products_over_a_common_denominator(rows: list[list[Fraction]], data: Any) -> None:
    column = data.draw(st.lists(fractions, min_size=3, max_size=3))
    found = Exact().matmul(rows, [column])
    assert found == [sum((a * b for a, b in zip(row, column, strict=True)), F(0)) for row in rows]


def test_matrix_products_with_balls_keep_what_is_rational() -> None:
    """Row 1 meets only rational entries and zeros; row 2 holds √2, and √2·√2 + 3 is near 5."""
    domain = Exact(100)
    root = domain.atom("sqrt", F(2))
    near_zero = domain.sub(domain.mul(root, root), F(2))
    found = domain.matmul([[F(1), F(0)], [F(3), root], [near_zero, near_zero]], [[F(1), root]])
    assert found[0] == 1
    assert type(found[0]) is Fraction
    for value, truth in ((found[1], 5), (found[2], 0)):
        low, high = bounds(value)
        assert low <= truth <= high
        assert 0 < high - low < F(1, 2**80)


def test_precision_of_the_process_is_left_alone() -> None:
    from flint import ctx

    before = ctx.prec
    low, high = bounds(Exact(500).neg(Exact(500).atom("exp", F(1))))
    assert ctx.prec == before
    assert high - low < F(1, 2**480)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("log(0)", DomainProblem), ("log(0 - 2)", DomainProblem), ("1 / 0", DomainProblem),
        ("sqrt(-2)", DomainProblem), ("(-8)^(1/3)", DomainProblem), ("0^(-1)", DomainProblem),
        ("sqrt'(0)", DomainProblem), ("log(1 - exp(0))", DomainProblem), ("exp(10^7)", TooLarge),
        ("erf(10^9)", TooLarge), ("(2^400)^400 (2^400)^400 (3^400)^400 (9^400)^400", TooLarge),
        ("log(pi - 4)", DomainProblem), ("1 / (pi - pi)", Undecided),
    ],
)  # fmt: skip
def test_what_has_no_value(text: str, error: type[Exception]) -> None:
    start = time.perf_counter()
    with pytest.raises(error):
        evaluate(formula(text), {}, Exact())
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("text", ["exp(10^6)", "exp(-10^6)", "tanh(10^5)", "sigmoid(-10^5)", "erf(10^5)"])
def test_huge_arguments_do_not_hang(text: str) -> None:
    start = time.perf_counter()
    evaluate(formula(text), {}, Exact())
    assert time.perf_counter() - start < 2


def test_precision_is_raised_until_the_sign_is_known() -> None:
    """log(1 + exp(-200)) > 0 needs about 290 bits; relu of a difference that is exactly 0 never settles."""
    asked = []

    def attempt(domain: Exact) -> int:
        asked.append(domain.bits)
        return domain.sign(evaluate(formula("log(1 + exp(-200))"), {}, domain).item)

    assert settled(attempt) == 1
    assert asked == [128, 256, 512]
    with pytest.raises(NotCertified, match="4096 bits"):
        settled(lambda domain: evaluate(formula("relu(sqrt(2) sqrt(2) - 2)"), {}, domain))


# --- polynomials -------------------------------------------------------------------------


def layer() -> dict[str, Array[Any]]:
    """The notes' layer with y left symbolic."""
    rows = {"W": [[4, 2, -5], [7, -1, 0]], "x": [1, 0, 2], "b": [7, -2]}
    env: dict[str, Array[Any]] = {name: Array.from_nested(row).map(F) for name, row in rows.items()}
    env["y"] = leftover("y", (2,))
    for name, text in [("z", "W x + b"), ("yhat", "relu(z)"), ("dz", "(yhat - y) ⊙ relu'(z)")]:
        env[name] = evaluate(formula(text), env, Exact())
    return env


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("dz", ["1 - y[1]", "5 - y[2]"]),
        ("dz x^T", ["1 - y[1]", "0", "2 - 2 y[1]", "5 - y[2]", "0", "10 - 2 y[2]"]),
        ("W^T dz", ["39 - 4 y[1] - 7 y[2]", "-3 - 2 y[1] + y[2]", "-5 + 5 y[1]"]),
        ("||y||^2", ["y[1]^2 + y[2]^2"]),
        ("(y[1] + y[2])^2 / 3", ["1 / 3 y[1]^2 + 2 / 3 y[1] y[2] + 1 / 3 y[2]^2"]),
        ("dz - dz", ["0", "0"]),
        ("y[1] - 0.25", ["-0.25 + y[1]"]),
        ("y[2] exp(1) - y[1]", ["-y[1] + 2.7183 y[2]"]),
    ],
)
def test_as_the_sample_orders_them(text: str, shown: list[str]) -> None:
    value = evaluate(formula(text), layer(), Exact())
    assert [to_plain(to_tree(entry)[0]) for entry in value.entries] == shown


def test_names_of_one_number_and_of_matrices() -> None:
    env = {"t": leftover("t", ()), "M": leftover("M", (2, 2), rank=1)}
    found = evaluate(formula("2 M[2,1] - t + 3 M[1,2]"), env, Exact()).item
    assert to_plain(to_tree(found)[0]) == "-t + 3 M[1,2] + 2 M[2,1]"


@pytest.mark.parametrize(
    "text", ["exp(y)", "1 / y[1]", "relu(y)", "||y||", "y[1]^(1/2)", "y[1]^(-1)", "log(y)"]
)
def test_what_stays_symbolic(text: str) -> None:
    with pytest.raises(Symbolic):
        evaluate(formula(text), {"y": leftover("y", (2,))}, Exact())


def test_too_many_terms_stay_symbolic() -> None:
    with pytest.raises(Symbolic, match="terms"):
        evaluate(formula("sum(y)^4"), {"y": leftover("y", (20,))}, Exact())


@given(st.lists(fractions, min_size=3, max_size=3), fractions, fractions)
def test_polynomials_agree_with_numbers_put_in(parts: list[Fraction], one: Fraction, two: Fraction) -> None:
    a, b, c = parts
    text = "(a y[1] - b) (y[2] + c)^2 - y[1] (a - y[2]) / 3"
    given_ = {name: Array((), (value,)) for name, value in zip("abc", parts, strict=True)}
    found = evaluate(formula(text), {**given_, "y": leftover("y", (2,))}, Exact()).item
    direct = (a * one - b) * (two + c) ** 2 - one * (a - two) / 3
    terms = found.terms if isinstance(found, Poly) else {(): found}
    total = F(0)
    for monomial, coefficient in terms.items():
        for variable, power in monomial:
            coefficient *= (one if variable.places == (1,) else two) ** power
        total += coefficient
    assert total == direct
