"""GF(p): the laws that its pseudo-random functions keep, and that formulas are told apart."""

import os
import subprocess
import sys
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Redraw
from symbackprop.algebra.values.evaluate import evaluate
from symbackprop.algebra.values.gfp import MERSENNE, ORDERED, GFp

residues = st.integers(1, MERSENNE - 1)
few = settings(max_examples=30)


@pytest.mark.parametrize("modulus", [MERSENNE, ORDERED])
def test_the_moduli_are_prime_and_fit(modulus: int) -> None:
    """Deterministic Miller–Rabin below 2^64, and p ≡ 3 mod 4."""
    odd, twos = modulus - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    assert twos == 1
    for base in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37):
        assert pow(base, odd, modulus) in (1, modulus - 1)


def test_small_numbers_are_positive_in_the_ordered_field() -> None:
    domain = GFp(modulus=ORDERED)
    assert all(domain.sign(n) == 1 for n in range(1, 71))
    assert domain.power(domain.atom("sqrt", 3), Fraction(2)) == 3
    with pytest.raises(Redraw):
        GFp().atom("sqrt", 3)


small = st.fractions(max_denominator=10**6)  # none that the field's order divides


@given(small, small, st.sampled_from(["add", "sub", "mul", "div"]))
def test_fractions_are_a_homomorphism(a: Fraction, b: Fraction, name: str) -> None:
    domain = GFp()
    if name == "div" and b.numerator % MERSENNE == 0:
        return
    exact = {"add": a + b, "sub": a - b, "mul": a * b, "div": a / b if b else Fraction(0)}[name]
    found = getattr(domain, name)(domain.from_fraction(a), domain.from_fraction(b))
    assert found == domain.from_fraction(exact)


@few
@given(st.integers(), st.permutations(["u", "v", "-u", "u+v", "2u", "u/2"]))
def test_exp_is_a_homomorphism_in_any_order(seed: int, order: list[str]) -> None:
    domain = GFp(seed)
    u, v = domain.draw(), domain.draw()
    p = MERSENNE
    half = pow(2, -1, p)
    at = {
        "u": u, "v": v, "-u": -u % p, "u+v": (u + v) % p, "2u": 2 * u % p, "u/2": u * half % p,
        "3u-v": (3 * u - v) % p,
    }  # fmt: skip
    for name in [*order, "3u-v"]:
        domain.atom("exp", at[name])
    e = {name: domain.atom("exp", value) for name, value in at.items()}
    assert e["u"] * e["-u"] % p == 1
    assert e["u"] * e["v"] % p == e["u+v"]
    assert e["u"] ** 2 % p == e["2u"]
    assert e["u/2"] ** 2 % p == e["u"]
    assert pow(e["u"], 3, p) == e["3u-v"] * e["v"] % p
    assert all(domain.sign(value) == 1 for value in e.values())


@given(st.integers(-200, 200), st.integers(1, 8), st.integers(-200, 200))
def test_exp_of_constants(top: int, below: int, whole: int) -> None:
    domain = GFp()
    ratio = domain.from_fraction(Fraction(top, below))
    power = domain.power(domain.atom("exp", ratio), Fraction(below))
    assert power == domain.atom("exp", domain.from_fraction(Fraction(top)))
    both = domain.mul(domain.atom("exp", ratio), domain.atom("exp", domain.from_fraction(Fraction(whole))))
    assert both == domain.atom("exp", domain.add(ratio, domain.from_fraction(Fraction(whole))))


@few
@given(residues.filter(lambda u: u not in (1, MERSENNE - 1)))
def test_functions_and_their_laws(u: int) -> None:
    domain = GFp("laws")
    minus = domain.neg(u)
    sin, cos = domain.atom("sin", u), domain.atom("cos", u)
    assert (sin * sin + cos * cos) % MERSENNE == 1
    assert domain.atom("sin", minus) == domain.neg(sin)
    assert domain.atom("cos", minus) == cos
    assert domain.atom("erf", minus) == domain.neg(domain.atom("erf", u))
    assert domain.atom("log", domain.atom("exp", u)) == u
    assert domain.atom("exp", domain.atom("log", u)) == u
    assert domain.atom("log", pow(u, -1, MERSENNE)) == domain.neg(domain.atom("log", u))
    assert domain.power(u, Fraction(1, 3)) == domain.mul(u, domain.power(u, Fraction(-2, 3)))
    assert [domain.atom(name, 0) for name in ("exp", "sin", "cos", "erf", "sqrt")] == [1, 0, 1, 0, 0]
    assert domain.atom("log", 1) == 0


@given(residues, residues)
def test_signs_are_a_character(u: int, v: int) -> None:
    domain = GFp()
    assert domain.sign(domain.neg(u)) == -domain.sign(u)
    assert domain.sign(domain.mul(u, v)) == domain.sign(u) * domain.sign(v)
    square = domain.mul(u, u)
    assert domain.atom("sqrt", square) == domain.mul(domain.from_fraction(Fraction(domain.sign(u))), u)


def test_both_signs_come_up() -> None:
    domain = GFp("signs")
    assert {domain.sign(domain.draw()) for _ in range(40)} == {1, -1}


def test_all_patterns_of_signs() -> None:
    """Three units: bit i of the pattern is the sign of the i-th argument, and −u follows u."""
    seen = set()
    for pattern in range(8):
        domain = GFp("z", signs=pattern)
        z = domain.draw_array((3,))
        seen.add(tuple(domain.sign(entry) for entry in z.entries))
        assert [domain.sign(domain.neg(entry)) for entry in z.entries] == [-domain.sign(e) for e in z.entries]
        assert domain.signs_met == 3
    assert seen == set(product((1, -1), repeat=3))
    for signs, expected in (("on", 1), ("off", -1)):
        domain = GFp("z", signs=signs)  # type: ignore[arg-type]  # the two words, from a tuple
        assert {domain.sign(entry) for entry in domain.draw_array((5,)).entries} == {expected}


def test_values_depend_on_the_seed_and_not_on_the_process() -> None:
    code = (
        "from symbackprop.algebra.values.gfp import GFp; d = GFp(7);"
        "print(d.draw(), d.atom('exp', 5), d.atom('log', 5), d.pi(), d.generic('g', (1,), [3]))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(runs) == 1
    domain = GFp(7)
    same = f"{domain.draw()} {domain.atom('exp', 5)} {domain.atom('log', 5)}"
    assert runs.pop().startswith(same)
    assert GFp(7).atom("exp", 5) != GFp(8).atom("exp", 5)
    generic = {domain.generic("g", orders, [3]) for orders in ((0,), (1,), (2,))}
    assert len(generic) == 3


EQUAL = [
    ("tanh(u)", "2 sigmoid(2 u) - 1"),
    ("sigmoid'(u)", "sigmoid(u) (1 - sigmoid(u))"),
    ("tanh'(u)", "1 - tanh(u)^2"),
    ("softplus'(u)", "sigmoid(u)"),
    ("swish'(u)", "sigmoid(u) + u sigmoid(u) (1 - sigmoid(u))"),
    ("gelu'(u)", "1/2 (1 + erf(u / sqrt(2))) + u exp(-u^2 / 2) / sqrt(2 pi)"),
    ("bce_logits'(z, y)", "sigmoid(z) - y"),
    ("bce'(p, y)", "(p - y) / (p (1 - p))"),
    ("sqrt(u^2)", "abs(u)"),
    ("abs(u z)", "abs(u) abs(z)"),
    ("max(u, z) + min(u, z)", "u + z"),
    ("relu(u) - relu(-u)", "u"),
]
UNEQUAL = [
    ("sigmoid'(u)", "sigmoid(u) (1 + sigmoid(u))"),
    ("tanh'(u)", "1 - tanh(u)"),
    ("exp(u)^2", "exp(u^2)"),
    ("sin(2 u)", "2 sin(u)"),
    ("u^3 - u", "0"),
    ("relu(u)", "abs(u) / 2"),
]


@pytest.mark.parametrize(("left", "right"), EQUAL)
@pytest.mark.parametrize("modulus", [MERSENNE, ORDERED])
def test_equal_formulas_are_equal(left: str, right: str, modulus: int) -> None:
    tried = 0
    for seed in range(40):
        domain = GFp(seed, modulus=modulus)
        env = {name: Array((), (domain.draw(),)) for name in ("u", "z", "p", "y")}
        try:
            both = [evaluate(formula(text), env, domain) for text in (left, right)]
        except Redraw:
            continue
        assert both[0] == both[1]
        tried += 1
    assert tried >= 8


@pytest.mark.parametrize(("left", "right"), UNEQUAL)
def test_unequal_formulas_differ(left: str, right: str) -> None:
    domain = GFp(1)
    env = {"u": Array((), (domain.draw(),))}
    both = [evaluate(formula(text), env, domain) for text in (left, right)]
    assert both[0] != both[1]


def test_what_asks_for_another_point() -> None:
    domain = GFp()
    with pytest.raises(Redraw):
        domain.div(1, 0)
    for name, argument in (("log", 0), ("sqrt", MERSENNE - 1)):
        with pytest.raises(Redraw):
            domain.atom(name, argument)
