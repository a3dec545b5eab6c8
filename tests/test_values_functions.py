"""Every row of the table: values and derivatives against mpmath's own functions, at high precision.

The references below are written from mathematics, not from the formulas of the table; derivatives of them are
taken numerically by mpmath. Kinks are checked against the convention in force.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import pytest

from symbackprop.algebra.functions import TABLE
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.evaluate import evaluate
from symbackprop.algebra.values.exact import Exact, Value, bounds
from symbackprop.notation.tree import Call, Name, Number

F = Fraction
BITS = 200

Reference = Callable[..., Any]


def _sigmoid(u: Any) -> Any:
    return (1 + mpmath.tanh(u / 2)) / 2


def _huber(e: Any, delta: Any = 1) -> Any:
    return e * e / 2 if abs(e) <= delta else delta * abs(e) - delta * delta / mpmath.mpf(2)


def _gelu_tanh(u: Any) -> Any:
    return u / 2 * (1 + mpmath.tanh(mpmath.sqrt(2 / mpmath.pi) * (u + mpmath.mpf("0.044715") * u**3)))


REFERENCES: dict[str, Reference] = {
    "identity": lambda u: u,
    "relu": lambda u: max(u, mpmath.mpf(0)),
    "leaky_relu": lambda u: u if u > 0 else u / 100,
    "elu": lambda u: u if u > 0 else mpmath.expm1(u),
    "sigmoid": _sigmoid,
    "tanh": mpmath.tanh,
    "softplus": lambda u: mpmath.log1p(mpmath.exp(u)),
    "gelu": lambda u: u * mpmath.ncdf(u),
    "gelu_tanh": _gelu_tanh,
    "swish": lambda u: u * _sigmoid(u),
    "exp": mpmath.exp, "log": mpmath.log, "sin": mpmath.sin, "cos": mpmath.cos, "erf": mpmath.erf,
    "sqrt": mpmath.sqrt,
    "square": lambda u: u * u,
    "abs": abs,
    "huber_core": _huber,
    "hinge_core": lambda u: max(u, mpmath.mpf(0)),
    "excess": lambda u: max(u, mpmath.mpf(0)),
    "max": max,
    "min": min,
    "half_squared_error": lambda a, b: (a - b) ** 2 / 2,
    "squared_error": lambda a, b: (a - b) ** 2,
    "mse": lambda a, b: (a - b) ** 2,
    "absolute_error": lambda a, b: abs(a - b),
    "huber": lambda a, b: _huber(a - b),
    "hinge": lambda s, y: max(mpmath.mpf(0), 1 - s * y),
    "cross_entropy": lambda p, t: -t * mpmath.log(p),
    "bce": lambda p, y: -(y * mpmath.log(p) + (1 - y) * mpmath.log1p(-p)),
    "bce_logits": lambda z, y: -(y * mpmath.log(_sigmoid(z)) + (1 - y) * mpmath.log(_sigmoid(-z))),
}  # fmt: skip

EVERYWHERE = [F(-37, 10), F(-1, 2), F(-1, 9), F(1, 7), F(2, 3), F(29, 10)]
POSITIVE = [F(1, 7), F(2, 3), F(1), F(29, 10)]
PROBABILITIES = [F(1, 9), F(1, 2), F(7, 8)]


def points(name: str) -> list[tuple[Fraction, ...]]:
    """Arguments inside each piece, away from the kinks."""
    count = len(TABLE[name].arguments)
    first = (
        PROBABILITIES
        if name in ("bce", "cross_entropy")
        else POSITIVE
        if name in ("log", "sqrt")
        else EVERYWHERE
    )
    if count == 1:
        return [(u,) for u in first]
    seconds = [F(1), F(-1)] if name == "hinge" else [F(0), F(1), F(1, 4)]
    made = [(u, v) for u in first for v in seconds]
    return [pair for pair in made if pair[0] != pair[1] and abs(pair[0] - pair[1]) != 1 and pair[0] != 0]


def apply(name: str, args: tuple[Any, ...], primes: int = 0, **more: Any) -> Value:
    row = TABLE[name]
    env = {f"x{i}": Array((1,), (arg,)) for i, arg in enumerate(args)}
    node = Call(row.name, tuple(Name(key) for key in env), more.pop("options", ()), primes)
    return evaluate(node, env, Exact(BITS), **more).item


def as_mpf(value: Fraction) -> Any:
    return mpmath.mpf(value.numerator) / value.denominator


def _first(reference: Reference, rest: list[Any]) -> Reference:
    """The reference as a function of its first argument."""
    return lambda u: reference(u, *rest)


def test_every_row_has_a_reference() -> None:
    assert set(REFERENCES) == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("primes", [0, 1])
def test_value_and_derivative(name: str, primes: int) -> None:
    tried = points(name)
    assert len(tried) >= 3
    with mpmath.workprec(2 * BITS):
        for args in tried:
            low, high = bounds(apply(name, args, primes))
            numbers = [as_mpf(arg) for arg in args]
            reference = REFERENCES[name]
            truth = mpmath.diff(_first(reference, numbers[1:]), numbers[0], primes)
            slack = mpmath.mpf(10) ** (-40 if primes else -55)
            assert as_mpf(low) - slack <= truth <= as_mpf(high) + slack, (name, args)
            assert high - low < F(1, 10**45)


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "gelu", "swish", "log", "square"])
def test_second_derivatives(name: str) -> None:
    with mpmath.workprec(3 * BITS):
        for (u,) in points(name):
            low, high = bounds(apply(name, (u,), 2))
            truth = mpmath.diff(REFERENCES[name], as_mpf(u), 2)
            slack = mpmath.mpf(10) ** -30
            assert as_mpf(low) - slack <= truth <= as_mpf(high) + slack


KINKS = {
    # function: (argument on the kink, lower slope, upper slope, default, name of the convention, bound)
    "relu": ((0,), 0, 1, 0, "relu", 0),
    "leaky_relu": ((0,), F(1, 100), 1, F(1, 100), "leaky_relu", 0),
    "abs": ((0,), -1, 1, 0, "abs", 0),
    "hinge_core": ((0,), 0, 1, 0, "hinge", 0),
    "excess": ((0,), 0, 1, F(1, 2), "max", 0),
}


@pytest.mark.parametrize("name", KINKS)
def test_kinks_take_the_convention(name: str) -> None:
    """Nothing said: the row's tie. Otherwise exactly the slope that the exercise gives."""
    args, lower, upper, default, convention, bound = KINKS[name]
    arguments = tuple(F(arg) for arg in args)
    assert apply(name, arguments, 1) == default
    for slope in (F(lower), F(upper), F(1, 3), F(1, 2)):
        kinks = {convention: {F(bound): slope}}
        assert apply(name, arguments, 1, kinks=kinks) == slope
        elsewhere = {convention: {F(bound + 1): slope}}
        assert apply(name, arguments, 1, kinks=elsewhere) == default


@pytest.mark.parametrize(
    ("name", "args", "default"),
    [
        ("max", (3, 3), F(1, 2)), ("min", (3, 3), F(1, 2)), ("absolute_error", (2, 2), 0),
        ("hinge", (1, 1), 0), ("hinge", (-1, -1), 0), ("huber", (3, 2), 1),
        ("huber", (1, 2), -1), ("elu", (0,), 1),
    ],
)  # fmt: skip
def test_defaults_where_pieces_meet(name: str, args: tuple[int, ...], default: Fraction) -> None:
    assert apply(name, tuple(map(F, args)), 1) == default


@pytest.mark.parametrize(
    ("name", "args", "kinks", "slope"),
    [
        ("max", (3, 3), {"max": {F(0): F(1)}}, 1),
        ("absolute_error", (2, 2), {"abs": {F(0): F(1)}}, 1),
        ("hinge", (1, 1), {"hinge": {F(0): F(1)}}, -1),
        ("hinge", (-1, -1), {"hinge": {F(0): F(1, 2)}}, F(1, 2)),
        ("huber", (3, 2), {"huber": {F(1): F(7)}}, 1),
    ],
)
def test_conventions_reach_what_is_made_of_them(
    name: str, args: tuple[int, ...], kinks: dict[str, dict[Fraction, Fraction]], slope: Fraction
) -> None:
    """Huber has no kink at its bounds, so a convention there changes nothing."""
    assert apply(name, tuple(map(F, args)), 1, kinks=kinks) == slope


def test_elu_has_a_kink_only_when_alpha_is_not_one() -> None:
    options = (("alpha", Number(F(2))),)
    assert apply("elu", (F(0),), 1, options=options) == 2
    assert apply("elu", (F(0),), 1, options=options, kinks={"elu": {F(0): F(1)}}) == 1
    assert apply("elu", (F(0),), 1, options=options, kinks={"elu": {F(0): F(3, 2)}}) == F(3, 2)
    assert apply("elu", (F(0),), 1, kinks={"elu": {F(0): F(3)}}) == 1


def test_losses_differentiate_by_their_first_argument_with_the_mean() -> None:
    env = {"a": Array((2,), (F(3), F(5))), "b": Array((2,), (F(1), F(1)))}
    names = (Name("a"), Name("b"))
    assert evaluate(Call("mse", names, (), 1), env, Exact()).nested() == [2, 4]
    assert evaluate(Call("squared_error", names, (), 1), env, Exact()).nested() == [4, 8]
