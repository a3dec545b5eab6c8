"""The reader: tables of text and tree, refusals with their place and advice, hostile input, round trips."""

import dataclasses
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop import limits
from symbackprop.algebra.functions import ALIASES, OPERATIONS, TABLE
from symbackprop.notation import _parser
from symbackprop.notation.read import ReadError, Vocabulary, canonical_name, read, read_chain, read_left
from symbackprop.notation.tree import (
    Add,
    Bracket,
    Call,
    Chain,
    Constant,
    Delta,
    Derivative,
    Dots,
    Entrywise,
    Gradient,
    Index,
    Matrix,
    Name,
    Neg,
    Node,
    Norm,
    Number,
    Ones,
    Power,
    Product,
    Quotient,
    Sizes,
    Slice,
    Space,
    Sum,
    Transpose,
    Where,
    equation,
    juxtaposed,
    number,
    plus,
    rebuild,
    times,
    undressed,
    walk,
)
from symbackprop.notation.write import to_plain

FUNCTIONS = {**ALIASES, **{name: name for name in OPERATIONS}, "g": "g"}
ANY = Vocabulary(functions=FUNCTIONS, names=None)
DECLARED = frozenset({
    "W", "x", "b", "z", "y", "yhat", "L", "n", "k", "u", "v", "a", "c", "Q", "K", "X", "d1", "w",
    "A", "W1", "z'", "H", "theta", "N", "T",
})  # fmt: skip
MODEL = Vocabulary(functions=FUNCTIONS, names=DECLARED)

W, X, B, Z, Y = Name("W"), Name("x"), Name("b"), Name("z"), Name("y")
YHAT, U, V, A, C = Name("yhat"), Name("u"), Name("v"), Name("a"), Name("c")
ONE, TWO, THREE = number(1), number(2), number(3)
HALF = Quotient(ONE, TWO, inline=True)


def sub(left: Node, right: Node) -> Node:
    return plus(left, Neg(right))


def call(name: str, *args: Node, primes: int = 0, **options: Node) -> Node:
    return Call(name, args, tuple(options.items()), primes)


def at(base: Node, *places: Node) -> Node:
    return Index(base, places)


def over(indices: str, body: Node) -> Node:
    """Sums whose ranges the shapes say, one in another."""
    for index in reversed(indices):
        body = Sum(index, ONE, None, body)
    return body


def compared(*parts: Node | str) -> Node:
    return Chain(parts[::2], parts[1::2], (None,) * (len(parts) // 2))  # type: ignore[arg-type]


IX, J, P, Q = (Name(index) for index in "ijpq")

EXPRESSIONS = {
    # --- what the issue names
    "W x + b": plus(juxtaposed(W, X), B),
    "W^T dz": juxtaposed(Transpose(W), Gradient(Z)),
    "relu(z)": call("relu", Z),
    "1/2 (yhat - y)^2": juxtaposed(HALF, Power(Bracket(sub(YHAT, Y)), TWO)),
    "1/2 ||yhat - y||^2": juxtaposed(HALF, Power(Norm(sub(YHAT, Y)), TWO)),
    "sum((yhat - y)^2)": call("sum", Power(Bracket(sub(YHAT, Y)), TWO)),
    "u * v": times(U, V, sign="*"),
    "u ⊙ v": times(U, V, sign="odot"),
    "u · v": times(U, V),
    "w[1,2]": Index(Name("w"), (ONE, TWO)),
    "W[:,i]": Index(W, (Slice(), Name("i"))),
    "x[2:3]": Index(X, (Slice(TWO, THREE),)),
    "x[i+a-1, j+b-1]": Index(X, (plus(Name("i"), A, Neg(ONE)), plus(Name("j"), B, Neg(ONE)))),
    "W[i+1,:][2]": Index(Index(W, (plus(Name("i"), ONE), Slice())), (TWO,)),
    # --- names
    "ŷ": YHAT,
    "y\u0302": YHAT,
    "θ": Name("theta"),
    "θ x": juxtaposed(Name("theta"), X),
    "z'": Name("z'"),
    "z′": Name("z'"),
    "W₁": Name("W1"),
    "W_1": Name("W1"),
    "2π": juxtaposed(TWO, Constant("pi")),
    "pi": Constant("pi"),
    "𝑥": X,
    # --- powers and transposes
    "x^2": Power(X, TWO),
    "x²": Power(X, TWO),
    "x^T": Transpose(X),
    "xᵀ": Transpose(X),
    "x^⊤": Transpose(X),
    "W^{T} x": juxtaposed(Transpose(W), X),
    "x^(T)": Power(X, Name("T")),
    "x⁻¹": Power(X, Neg(ONE)),
    "x^-1": Power(X, Neg(ONE)),
    "x^n": Power(X, Name("n")),
    "x^(n - 1)": Power(X, sub(Name("n"), ONE)),
    "x^n-1": sub(Power(X, Name("n")), ONE),
    "-x^2": Neg(Power(X, TWO)),
    "(-x)^2": Power(Bracket(Neg(X)), TWO),
    "x^T^2": Power(Transpose(X), TWO),
    "2^(1/2)": Power(TWO, HALF),
    # --- signs
    "-y * z": Neg(times(Y, Z, sign="*")),
    "a - -3 b": sub(A, Neg(juxtaposed(THREE, B))),
    "a - (-3) b": sub(A, juxtaposed(Bracket(Neg(THREE)), B)),
    "a * -b": times(A, Neg(B), sign="*"),
    "2 · -3": times(TWO, Neg(THREE)),
    "a − b": sub(A, B),
    "+a": A,
    # --- products: juxtaposition and · are closer than * and ⊙, and flat
    "a b c": juxtaposed(A, B, C),
    "a * b * c": times(A, B, C, sign="*"),
    "a b * c u": times(juxtaposed(A, B), juxtaposed(C, U), sign="*"),
    "W x ⊙ u": times(juxtaposed(W, X), U, sign="odot"),
    "u ⊙ W · x": times(U, times(W, X), sign="odot"),
    "a ⊙ b * c": Product((A, B, C), ("odot", "*")),
    "a · b c": Product((A, B, C), ("cdot", "")),
    "4·1 + 2·0 + (−5)·2 + 7": plus(
        times(number(4), ONE), times(TWO, number(0)), times(Bracket(Neg(number(5))), TWO), number(7)
    ),
    "W (x + b)": juxtaposed(W, Bracket(plus(X, B))),
    "W(x + b)": juxtaposed(W, Bracket(plus(X, B))),
    "y(1 - y)": juxtaposed(Y, Bracket(sub(ONE, Y))),
    "(a)(b)": juxtaposed(Bracket(A), Bracket(B)),
    "2x": juxtaposed(TWO, X),
    # --- quotients
    "1/3": Quotient(ONE, THREE, inline=True),
    "1/2 u": juxtaposed(HALF, U),
    "u 1/2": juxtaposed(U, HALF),
    "1/2(a - b)": juxtaposed(HALF, Bracket(sub(A, B))),
    "-1/2 u": Neg(juxtaposed(HALF, U)),
    "Q K^T / exp(u)": Quotient(juxtaposed(Name("Q"), Transpose(Name("K"))), call("exp", U)),
    "u / (1 + exp(-u))": Quotient(U, plus(ONE, call("exp", Neg(U)))),
    "u/(1 + exp(-u))": Quotient(U, plus(ONE, call("exp", Neg(U)))),
    "u / (1 + v) a": juxtaposed(Quotient(U, plus(ONE, V)), A),
    "u / 2 v": juxtaposed(Quotient(U, TWO), V),
    "u / exp(v) a": juxtaposed(Quotient(U, call("exp", V)), A),
    "u / ||v||^2 a": juxtaposed(Quotient(U, Power(Norm(V), TWO)), A),
    "a b / c": Quotient(juxtaposed(A, B), C),
    "a / b * c": times(Quotient(A, B), C, sign="*"),
    "a / b · c": times(Quotient(A, B), C),
    "a / b / c": Quotient(Quotient(A, B), C),
    "a * b / c": times(A, Quotient(B, C), sign="*"),
    "(a / b) c": juxtaposed(Bracket(Quotient(A, B)), C),
    "a / (b c)": Quotient(A, juxtaposed(B, C)),
    "a / (b)": Quotient(A, B),
    "1 / 2": Quotient(ONE, TWO),
    "1/(2)": Quotient(ONE, TWO),
    "a / ((b))": Quotient(A, Bracket(B)),
    "1/2 u / 3": Quotient(juxtaposed(HALF, U), THREE),
    "a / -b": Quotient(A, Neg(B)),
    # --- functions
    "σ(z)": call("sigmoid", Z),
    "sigma(z)": call("sigmoid", Z),
    "relu (z)": call("relu", Z),
    "g(z)": call("g", Z),
    "g'(z)": call("g", Z, primes=1),
    "σ″(z)": call("sigmoid", Z, primes=2),
    "leaky_relu(z, slope = 1/10)": call("leaky_relu", Z, slope=Quotient(ONE, number(10), inline=True)),
    "leaky_relu(z,slope=0.1)": call("leaky_relu", Z, slope=number("0.1")),
    "max(u, v)": call("max", U, V),
    "mean(X, axis = 0)": call("mean", Name("X"), axis=number(0)),
    "exp(u) v": juxtaposed(call("exp", U), V),
    "exp(u)^2": Power(call("exp", U), TWO),
    "|u - v|": call("abs", sub(U, V)),
    "|a||b|": juxtaposed(call("abs", A), call("abs", B)),
    "||u|| ||v||": juxtaposed(Norm(U), Norm(V)),
    "|| u || || v ||^2": juxtaposed(Norm(U), Power(Norm(V), TWO)),
    "||u||v||a||": juxtaposed(Norm(U), V, Norm(A)),
    "||u ||v||||": Norm(juxtaposed(U, Norm(V))),
    "||u - |v| a||": Norm(sub(U, juxtaposed(call("abs", V), A))),
    "‖u‖₁ + ‖W‖_F^2": plus(Norm(U, "1"), Power(Norm(W, "F"), TWO)),
    # --- the vector of ones
    "1^T": Transpose(Ones()),
    "1 b^T": juxtaposed(Ones(), Transpose(B)),
    "W^T 1": juxtaposed(Transpose(W), Ones()),
    "x 1^T": juxtaposed(X, Transpose(Ones())),
    "2 b^T": juxtaposed(TWO, Transpose(B)),
    "1/2 x^T": juxtaposed(HALF, Transpose(X)),
    "1 · b^T": times(ONE, Transpose(B)),
    "1 x": juxtaposed(ONE, X),
    "ones(N)": Ones(Name("N")),
    "ones(3) b^T": juxtaposed(Ones(THREE), Transpose(B)),
    # --- gradients, derivatives, sums, arrays
    "dW": Gradient(W),
    "dŷ": Gradient(YHAT),
    "dyhat ⊙ g'(z)": times(Gradient(YHAT), call("g", Z, primes=1), sign="odot"),
    "dW1": Gradient(Name("W1")),
    "dz'": Gradient(Name("z'")),
    "d1": Name("d1"),
    "dW[1,2]": Gradient(Index(W, (ONE, TWO))),
    "dL/dW": Derivative(Name("L"), W, straight=True),
    "∂L/∂z": Derivative(Name("L"), Z),
    "dL/dŷ dŷ/dz": juxtaposed(Derivative(Name("L"), YHAT, straight=True), Derivative(YHAT, Z, straight=True)),
    "∂z[j]/∂W[p,q] x": juxtaposed(Derivative(Index(Z, (Name("j"),)), Index(W, (Name("p"), Name("q")))), X),
    "d(W x)/dx": Derivative(Bracket(juxtaposed(W, X)), X, straight=True),
    "(dL/dz)^T": Transpose(Bracket(Derivative(Name("L"), Z, straight=True))),
    "δ[j,p] x": juxtaposed(Delta(Name("j"), Name("p")), X),
    "sum(i = 1..n: W[j,i] x[i])": Sum(
        "i", ONE, Name("n"), juxtaposed(Index(W, (Name("j"), Name("i"))), Index(X, (Name("i"),)))
    ),
    "sum(i = 1..3: i)": Sum("i", ONE, THREE, Name("i")),
    # --- several indices, ranges that the shapes say, guards, arrays by their entries
    "sum(p, q: W[p,q] x[i+p-1, j+q-1])": over(
        "pq", juxtaposed(at(W, P, Q), at(X, plus(IX, P, Neg(ONE)), plus(J, Q, Neg(ONE))))
    ),
    "sum(p: sum(q: W[p,q]))": over("pq", at(W, P, Q)),
    "sum(i = 1..n, q: W[i,q])": Sum("i", ONE, Name("n"), over("q", at(W, IX, Q))),
    "sum(q, i = 2..n: W[i,q])": over("q", Sum("i", TWO, Name("n"), at(W, IX, Q))),
    "sum(i = 1..n, j = 1..i: W[i,j])": Sum("i", ONE, Name("n"), Sum("j", ONE, IX, at(W, IX, J))),
    "sum(i: i)": over("i", IX),
    "sum(p: W[p,:] x)": over("p", juxtaposed(at(W, P, Slice()), X)),
    "sum(p: x[p - 2] where 1 <= p - 2 <= n)": over(
        "p", Where(at(X, sub(P, TWO)), (compared(ONE, "≤", sub(P, TWO), "≤", Name("n")),))
    ),
    "sum(p: x[p] where p > 1, p < n)": over(
        "p", Where(at(X, P), (compared(P, ">", ONE), compared(P, "<", Name("n"))))
    ),
    "x[i] where 2 ≤ i and i >= j and i = 2 j": Where(
        at(X, IX),
        (compared(TWO, "≤", IX), compared(IX, "≥", J), compared(IX, "=", juxtaposed(TWO, J))),
    ),
    "b + (x[i-1] where i > 1)": plus(B, Where(at(X, sub(IX, ONE)), (compared(IX, ">", ONE),))),
    "x[i] + b where i > 1": Where(plus(at(X, IX), B), (compared(IX, ">", ONE),)),
    "entries(p, q: W[q,p])": Entrywise(("p", "q"), (), at(W, Q, P)),
    "entries(p = 1..n, q = 1..n - 1: p q)": Entrywise(
        ("p", "q"), (Name("n"), sub(Name("n"), ONE)), juxtaposed(P, Q)
    ),
    "x[2 i + a - 2]": at(X, plus(juxtaposed(TWO, IX), A, Neg(TWO))),
    "x[2 (i - 1) + 1]": at(X, plus(juxtaposed(TWO, Bracket(sub(IX, ONE))), ONE)),
    "x[2 * i, -i + 5]": at(X, times(TWO, IX, sign="*"), plus(Neg(IX), number(5))),
    "sum(u, v)": call("sum", U, V),
    # --- operations
    "softmax(z / T)": call("softmax", Quotient(Z, Name("T"))),
    "log_softmax(X, axis = 0)": call("log_softmax", Name("X"), axis=number(0)),
    "trace(A) + dot(u, v)": plus(call("trace", Name("A")), call("dot", U, V)),
    "eye(n) - outer(u, v)": sub(call("eye", Name("n")), call("outer", U, V)),
    "stack(u, 0, zeros(2))": call("stack", U, number(0), call("zeros", TWO)),
    "hstack(A, b) onehot(3, 4)": juxtaposed(call("hstack", Name("A"), B), call("onehot", THREE, number(4))),
    "[[4, 2, -5]]": Matrix(((number(4), TWO, number(-5)),)),
    "[[1, 2], [3, a]]": Matrix(((ONE, TWO), (THREE, A))),
    "[1, 0, 2]": Matrix(((ONE,), (number(0),), (TWO,)), "column"),
    "[1; 2]": Matrix(((ONE,), (TWO,)), "column"),
    "[1, 2; 3, 4]": Matrix(((ONE, TWO), (THREE, number(4)))),
    "[7]": Matrix(((number(7),),), "column"),
    "W [1, 2]": juxtaposed(W, Matrix(((ONE,), (TWO,)), "column")),
}

STATEMENTS = {
    "k = 2": equation(Name("k"), TWO),
    "dW = dz x^T": equation(Gradient(W), juxtaposed(Gradient(Z), Transpose(X))),
    "z = W x ≈ 0.5": Chain((Z, juxtaposed(W, X), number("0.5")), ("=", "≈"), (None, None)),
    "z >= 0": Chain((Z, number(0)), ("≥",), (None,)),
    "z <= 1 != 2": Chain((Z, ONE, TWO), ("≤", "≠"), (None, None)),
    "z < 1 => x > 2": Chain((Z, ONE, X, TWO), ("<", "⇒", ">"), (None,) * 3),
    "dW ∈ ℝ^{k×n}": Chain((Gradient(W), Space((Name("k"), Name("n")))), ("∈",), (None,)),
    "x ∈ R^3": Chain((X, Space((THREE,))), ("∈",), (None,)),
    "b ∈ ℝ": Chain((B, Space(())), ("∈",), (None,)),
    "k × n": Sizes((Name("k"), Name("n"))),
    "z = u + ... + v": equation(Z, plus(U, Dots("h"), V)),
    "z = u + ⋯ + v": equation(Z, plus(U, Dots("c"), V)),
    "W x": juxtaposed(W, X),
    "y[i] = x[i] where i > 1": equation(at(Y, IX), Where(at(X, IX), (compared(IX, ">", ONE),))),
    "dx[q] = sum(i: dz[i] w[q-i] where 1 <= q - i)": equation(Gradient(at(X, Q)), over("i", Where(
        juxtaposed(Gradient(at(Z, IX)), at(Name("w"), sub(Q, IX))), (compared(ONE, "≤", sub(Q, IX)),)
    ))),
}  # fmt: skip


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_expression(text: str) -> None:
    assert read(text, MODEL) == EXPRESSIONS[text]
    assert read_chain(text, MODEL) == EXPRESSIONS[text]


@pytest.mark.parametrize("text", STATEMENTS)
def test_statement(text: str) -> None:
    assert read_chain(text, MODEL) == STATEMENTS[text]


def test_every_formula_of_the_table_is_read() -> None:
    formulas = [
        (formula, {*row.arguments, *(key for key, _ in row.options)})
        for row in TABLE.values()
        for formula in [*(piece.formula for piece in row.pieces), row.compact, row.on]
        if formula is not None
    ]
    assert len(formulas) > 30
    for formula, names in formulas:
        assert read(formula, Vocabulary(functions=FUNCTIONS, names=frozenset(names)))


# --- numbers --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", "1/10"), ("0.10", "1/10"), ("1e-3", "1/1000"), ("2.5e2", "250"), ("1E+2", "100"),
        ("007", "7"), ("3.14159", "314159/100000"), ("1e400", 10**400), ("9" * 4000, "9" * 4000),
    ],
)  # fmt: skip
def test_numbers_are_exact_and_keep_how_they_were_written(text: str, value: str | int) -> None:
    node = read(text, ANY)
    assert isinstance(node, Number)
    assert node.value == Fraction(value)
    assert node.text == text
    assert node.exact


# --- spans ----------------------------------------------------------------------------


def test_every_node_knows_its_place() -> None:
    for text, tree in (EXPRESSIONS | STATEMENTS).items():
        for part in walk(read_chain(text, MODEL)):
            assert part.span is not None, (text, part)
            assert 0 <= part.span.start < part.span.end <= len(text), (text, part)
        assert tree == read_chain(f"  {text} ", MODEL)


@pytest.mark.parametrize(
    ("text", "node", "place"),
    [
        ("W x + b", B, "b"), ("W x + b", juxtaposed(W, X), "W x"), ("a - ŷ² b", YHAT, "ŷ"),
        ("a - y\u0302² b", Power(YHAT, TWO), "y\u0302²"), ("a + x^T", Transpose(X), "x^T"),
        ("1/2 (a - b)", HALF, "1/2"), ("z − dL/dW", Derivative(Name("L"), W, straight=True), "dL/dW"),
        ("u ‖v − a‖²", Norm(sub(V, A)), "‖v − a‖"), ("u + dW", W, "W"), ("b + W^{T}", Transpose(W), "W^{T}"),
    ],
)  # fmt: skip
def test_spans_count_typed_characters(text: str, node: Node, place: str) -> None:
    found = [part.span for part in walk(read(text, MODEL)) if part == node]
    assert [text[span.start : span.end] for span in found if span] == [place]


# --- names ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ŷ", "yhat"), ("y\u0302", "yhat"), ("yhat", "yhat"), ("σ", "sigma"), ("z′", "z'"), ("W₁", "W1"),
        ("W_1", "W1"), ("W1", "W1"), ("W₁₂", "W12"), ("ŷ_1'", "yhat1'"), ("h_in", "h_in"), ("xᵢ", "x_i"),
        ("h1_2", "h1_2"), ("x̃", "xtilde"), ("x̄", "xbar"), ("dŷ", "dyhat"), ("ε", "epsilon"), ("ϵ", "epsilon"),
        (" W ", "W"), ("señal", "señal"),
        ("sen\u0303al", "señal"), ("Ω", "Omega"), ("ñ", "ntilde"), ("µ", "mu"),
    ],
)  # fmt: skip
def test_canonical_name(text: str, name: str) -> None:
    assert canonical_name(text) == name
    assert canonical_name(name) == name


@pytest.mark.parametrize(
    "text", ["", "1", "a b", "W x", "2x", "x+", "_", "x_", "(x)", "y[i]", "ℝ", "х", "x" * 200]
)
def test_no_name(text: str) -> None:
    with pytest.raises(ReadError):
        canonical_name(text)


def test_what_is_declared_wins() -> None:
    """A declared σ or dz is a name; `(…)` behind it is a product."""
    vocabulary = Vocabulary(functions=FUNCTIONS, names=frozenset({"sigma", "dz", "z", "pi", "z'"}))
    assert read("σ (z)", vocabulary) == juxtaposed(Name("sigma"), Bracket(Z))
    assert read("dz", vocabulary) == Name("dz")
    assert read("pi", vocabulary) == Name("pi")
    assert read("z'(z)", vocabulary) == juxtaposed(Name("z'"), Bracket(Z))


def test_any_name_is_a_name_where_none_is_declared() -> None:
    assert read("Wx + foo", ANY) == plus(Name("Wx"), Name("foo"))
    assert read("dz", ANY) == Name("dz")
    assert read("sigma z'", ANY) == juxtaposed(Name("sigma"), Name("z'"))
    assert read("dL/dW", ANY) == Derivative(Name("L"), W, straight=True)
    assert read("data / days", ANY) == Quotient(Name("data"), Name("days"))
    assert read("p(1 - p)", ANY) == juxtaposed(Name("p"), Bracket(sub(ONE, Name("p"))))
    assert read("alpha (exp(u) - 1)", ANY) == juxtaposed(Name("alpha"), Bracket(sub(call("exp", U), ONE)))


# --- refusals -------------------------------------------------------------------------

REFUSALS = [
    # text, the place under the carets, a part of the message, a part of the hint
    ("", "", "there is no formula", "W x + b"),
    ("   ", "", "there is no formula", ""),
    ("1/2x", "1/2x", "not clear", "1/2 x, with a space, or 1/(2 x)"),
    ("a + u/2v", "u/2v", "not clear", "u/2 v"),
    ("1/2exp(u)", "1/2exp(u)", "not clear", "1/2 exp(u)"),
    ("a / b c", "a / b c", "not clear", "(a / b) c, or a / (b c)"),
    ("z + 1/n u", "1/n u", "not clear", "(1/n) u, or 1/(n u)"),
    ("a / b^2 c", "a / b^2 c", "not clear", "(a / b^2) c"),
    ("x^2^3", "x^2^3", "power of a power", "x^(2^3)"),
    ("x^1/2", "x^1/2", "exponent", "x^(1/2)"),
    ("2 3", "2 3", "two numbers", "2 * 3"),
    ("u 2^2 3", "2^2 3", "two numbers", "2 * 3"),
    ("Wx + b", "Wx", "not declared", "did you mean W x, with a space?"),
    ("b + Wdz", "Wdz", "not declared", "W dz"),
    ("yhta", "yhta", "not declared", "did you mean yhat?"),
    ("a + q", "q", "not declared", "declared here"),
    ("e^z", "e", "not declared", "exp(z)"),
    ("rellu(z)", "rellu", "no function", "did you mean relu?"),
    ("rellu'(z)", "rellu'", "no function", "did you mean relu?"),
    ("f(z)", "f", "no function", "f (…)"),
    ("sigmod (z)", "sigmod", "not declared", "did you mean sigmoid?"),
    ("relu z", "relu", "argument stands in brackets", "relu(z)"),
    ("tanh^2(z)", "tanh", "argument stands in brackets", "tanh(z)^2"),
    ("g' + 1", "g'", "argument stands in brackets", "g'(z)"),
    ("x'", "x'", "x is no function", "x^T"),
    ("(W x)'", "'", "prime", "(W x)^T"),
    ("relu()", "relu()", "no argument", "relu(z)"),
    ("elu(alpha = 1)", "elu(alpha = 1)", "no argument", "elu(z"),
    ("elu(alpha = 1, z)", "alpha = 1", "before an argument", "elu(z, alpha = 1)"),
    ("elu(z, alpha = 1, alpha = 2)", "elu(z, alpha = 1, alpha = 2)", "twice", ""),
    ("W^Tx", "Tx", "not clear", "^T x"),
    ("dL/dz^T", "dL/dz^T", "not clear", "(dL/dz)^T"),
    ("∂L/∂z^T", "^T", "cannot stand", "in brackets"),
    ("x ** 2", "**", "no sign", "x^2"),
    ("W @ x", "@", "no part", "W x"),
    ("W.T x", ".", "no part", "W^T"),
    (".5 x", ".", "no part", "0.5"),
    ("0,5 x", ",", "cannot stand", "decimals with a point"),
    ("u, v", ",", "cannot stand", "max(u, v)"),
    ("½ u", "½", "no part", "1/2"),
    ("√(u)", "√", "no part", "sqrt"),
    (r"\frac{1}{2}", "\\", "no part", "LaTeX"),
    ("$x$", "$", "no part", "dollar"),
    ("x + х", "х", "cyrillic", "Latin or Greek"),
    ("x\u200by", "\u200b", "U+200B", ""),
    ("x\x00", "\x00", "U+0000", ""),
    ("x + \ud800", "\ud800", "U+D800", ""),
    ("x +", "", "stops too early", "“+”"),
    ("x * / y", "/", "cannot stand", ""),
    ("(x + b", "(", "never closed", "add “)”"),
    ("x + b)", ")", "closes nothing", ""),
    ("(x + W[1)", ")", "does not close “[”", "“]” belongs here"),
    ("||x + b", "||", "never closed", "add “||”"),
    ("x + ()", ")", "cannot stand", "nothing between"),
    ("x[]", "]", "cannot stand", "nothing between"),
    ("x[0]", "0", "no index", "1, 2, 3"),
    ("x[-1]", "-1", "no index", "1, 2, 3"),
    ("x[1.5:2]", "1.5", "no index", "1, 2, 3"),
    ("x_ + 1", "x_", "subscript", "x_1"),
    ("z = W x", "=", "relation", "one side"),
    ("z ∈ ℝ^n", "∈", "relation", "one side"),
    ("relu(z = 1 = 2)", "=", "cannot stand", "outside brackets"),
    ("a == b", "==", "no sign", "write ="),
    ("2 × 3", "2 × 3", "no part of an expression", "write *"),
    ("a + ... + c", "...", "no part of an expression", "in full"),
    ("[[1, 2], [3]]", "[[1, 2], [3]]", "row 1 of this matrix has 2 entries and row 2 has 1", "same number"),
    ("[1, [2]]", "[1, [2]]", "no rows of one kind", "[[1, 2], [3, 4]]"),
    ("sum(x = 1..n: x)", "x", "name of the model", "letter"),
    ("sum(i = 1..n: u) i", "i", "not declared", ""),
    ("mean(i = 1..n: u)", "i = 1..n", "in a sum only", "sum("),
    ("sum(i = 1..n) + 1", "i = 1..n", "a colon follows", "sum(i = 1..n: x[i])"),
    ("sum(p, p: x[p])", "p", "twice", "its own letter"),
    ("sum(p, W: x[p])", "W", "name of the model", "letter"),
    ("sum(p, 2: x[p])", "2", "before the colon stand indices", "sum(a, b:"),
    ("sum(p + 1: x[p])", "p + 1", "before the colon stand indices", "sum(a, b:"),
    ("sum(p = 1: x[p])", "p = 1", "no end", "p = 1..n, or p alone"),
    ("sum(dW: x[1])", "dW", "gradient", "another letter"),
    ("sum(pi: x[1])", "pi", "number π", "another letter"),
    ("sum'(i: x[i])", "i", "in a sum only", "sum("),
    ("p + sum(p: x[p])", "p", "not declared", ""),
    ("sum(p: x[p], u)", ",", "cannot stand", ""),
    ("sum(i = 1..i: x[i])", "i", "not declared", ""),
    ("entries(i, j)", "entries(i, j)", "a colon follows", "entries(i, j:"),
    ("entries(i = 0..n: x[i])", "0", "begin at 1", "1..n"),
    ("entries(i = 1..n, j: x[i])", "entries(i = 1..n, j: x[i])", "others not", "all of them or none"),
    ("x[i] where i", "i", "no condition", "where 1 <="),
    ("x[i] where i != 2", "i != 2", "no condition", "where 1 <="),
    ("x[i] where i ∈ ℝ", "i ∈ ℝ", "no condition", ""),
    ("x[i] where i = ...", "...", "no part of a condition", ""),
    ("relu(x where n > 2)", "where", "cannot stand", "in round brackets"),
    ("x where n > 2 where n > 3", "where", "cannot stand", "after the whole formula"),
    ("sum(i: x[i] i > 2)", ">", "cannot stand", "follows “where”"),
    ("where + b", "where", "cannot stand", ""),
    ("and + b", "and", "not declared", ""),
    ("x[i/2]", "i/2", "no index", "2 i + a - 1"),
    ("x[i j]", "i j", "no index", "2 i + a - 1"),
    ("x[x[1]]", "x[1]", "no index", "2 i + a - 1"),
    ("x[i:i^2]", "i^2", "no index", "2 i + a - 1"),
    ("x[0.5 i]", "0.5 i", "no index", "2 i + a - 1"),
    ("a + 1/N X", "1/N X", "not clear", "write (1/N) X, or 1/(N X) if it does"),
    ("x^500", "500", "limit of 400", ""),
    ("2^(20 * 30)", "(20 * 30)", "limit of 400", ""),
    ("u\n+ q\n+ v", "q", "not declared", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "place", "message", "hint"), REFUSALS, ids=[repr(r[0]) for r in REFUSALS])
def test_refusal(text: str, place: str, message: str, hint: str) -> None:
    with pytest.raises(ReadError) as caught:
        read(text, MODEL)
    error = caught.value
    assert message in error.message
    assert hint in error.hint
    assert error.text == text
    assert text[error.span.start : error.span.end] == place
    assert str(error).splitlines()[0] == error.message


def test_the_caret_stands_under_the_place() -> None:
    with pytest.raises(ReadError) as caught:
        read("y\u0302 − W x + yhta b", MODEL)
    assert str(caught.value).splitlines() == [
        "“yhta” is not declared",
        "    y\u0302 − W x + yhta b",
        "              ^^^^",
        "did you mean yhat?",
    ]


def test_a_long_line_is_cut_round_the_place() -> None:
    text = "u + " * 1000 + "yhta" + " + v" * 1000
    with pytest.raises(ReadError) as caught:
        read(text, MODEL)
    line, carets = caught.value.pointed()
    assert len(line) < 90
    assert line[carets.index("^") : carets.rindex("^") + 1] == "yhta"


def test_unknown_functions_where_any_name_is_accepted() -> None:
    for text in ("rellu(z)", "foo(z)", "relu z", "f(z) + 1"):
        with pytest.raises(ReadError):
            read(text, ANY)


# --- left sides -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "indices"),
    [
        ("z", "z", ""), ("ŷ", "yhat", ""), ("y[i]", "y", "i"), ("y[i,j]", "y", "ij"),
        ("ŷ [ i , j ]", "yhat", "ij"),
        ("W_1[a,b,c,d]", "W1", "abcd"), ("z'[p]", "z'", "p"),
    ],
)  # fmt: skip
def test_left_side(text: str, name: str, indices: str) -> None:
    assert read_left(text, {"W", "n"}, FUNCTIONS) == (name, tuple(indices))


LEFT_REFUSALS = [
    ("y[i,i]", "i", "stands twice", "diag(A)"),
    ("y[W]", "W", "name of the model", "names nothing else"),
    ("y[i,n]", "n", "name of the model", "names nothing else"),
    ("y[y]", "y", "name of the model", ""),
    ("y[1,j]", "1", "one place", "y[i]"),
    ("y[i+1]", "i+1", "one letter", "y[i], and what is shifted on the right: x[i + 1]"),
    ("y[:]", ":", "no index", "y[i]"),
    ("y[]", "]", "missing", "y[i]"),
    ("y[i,]", "]", "missing", "y[i]"),
    ("y[i][j]", "[", "ends with its indices", "right"),
    ("y[i] + 1", "+", "ends with its indices", "right"),
    ("[i]", "[", "no left side", "y[i,j]"),
    ("2[i]", "2", "no left side", "y[i,j]"),
    ("y[g]", "g", "is a function", "another letter"),
    ("y[π]", "π", "number π", "another letter"),
    ("y[a,b,c,d,e]", "a,b,c,d,e", "5 indices", "at most 4"),
    ("y[i", "[", "never closed", "]"),
    ("y[(i)]", "(i)", "one letter", "y[i]"),
    ("where", "where", "word of the notation", "another name"),
    ("where[i]", "where", "no left side", ""),
]


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"), LEFT_REFUSALS, ids=[r[0] for r in LEFT_REFUSALS]
)
def test_left_side_refused(text: str, place: str, message: str, hint: str) -> None:
    with pytest.raises(ReadError) as caught:
        read_left(text, {"W", "n"}, FUNCTIONS)
    error = caught.value
    assert message in error.message
    assert hint in error.hint
    assert text[error.span.start : error.span.end] == place


def test_the_indices_of_a_left_side_are_known_on_its_right() -> None:
    """They win over names of gradients, need no brackets round them, and are not taken by sums."""
    right = Vocabulary(functions=FUNCTIONS, names=frozenset({"x", "z"}), indices=frozenset({"i", "dz"}))
    assert read("i x[i]", right) == juxtaposed(IX, at(X, IX))
    assert read("x[dz]", right) == at(X, Name("dz"))
    with pytest.raises(ReadError, match="index of the left side"):
        read("sum(i: x[i])", right)
    with pytest.raises(ReadError, match="not declared"):
        read("j x[i]", right)


def test_words_of_conditions_are_names_elsewhere() -> None:
    """`and` is a gate of a circuit; `where` never is a name."""
    vocabulary = Vocabulary(functions=FUNCTIONS, names=frozenset({"and", "or", "x"}))
    assert read("and or", vocabulary) == juxtaposed(Name("and"), Name("or"))
    guarded = read("(x[i] where i > 1 and i < 4) and", vocabulary)
    assert guarded == juxtaposed(
        Where(at(X, IX), (compared(IX, ">", ONE), compared(IX, "<", number(4)))), Name("and")
    )


# --- hostile input --------------------------------------------------------------------

HOSTILE = {
    "tower": "9^9^9^9",
    "tower in brackets": "9^(9^(9^9))",
    "tower in braces": "9^{9^{9^{9}}}",
    "huge exponent": "1e999999999",
    "tiny exponent": "1e-999999999",
    "long exponent": "1e" + "9" * 15_000,
    "many digits": "9" * 4_001,
    "many decimals": "0." + "9" * 4_001,
    "brackets": "(" * 1_000_000,
    "brackets in the limit of a line": "(" * 19_000,
    "nested": "(" * 41 + "x" + ")" * 41,
    "indices": "x[" * 5_000,
    "arrays": "[" * 10_000,
    "bars": "|" * 9_999,
    "norms": "|| " * 6_000,
    "braces": "x^{" * 5_000,
    "calls": "exp(" * 4_000,
    "minus signs": "-" * 19_000 + "x",
    "transposes": "x" + "^T" * 4_900,
    "indexed again": "x" + "[1]" * 1_600,
    "quotients": "u" + "/v" * 4_900,
    "a megabyte": "x + " * 250_000,
    "a megabyte of a name": "x" * 1_000_000,
    "a long name": "x" * 19_000,
    "primes": "z" + "'" * 19_000,
    "marks": "y" + "\u0302" * 9_000,
    "sums": "u + " * 3_000 + "u",
    "spaces": " " * 19_999,
    "signs": "+*/^" * 4_000,
    "bytes": "ŷ" * 15_000,
    "escapes": "\x1b[31m",
    "right to left": "\u202ex",
    "exponent product": "2^(" + "9 * " * 1_000 + "9)",
    "small divisor": "2^(1/(0 * 3))",
    "closing": ")" * 19_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_ends_soon_in_a_read_error(name: str) -> None:
    started = time.perf_counter()
    with pytest.raises(ReadError) as caught:
        read_chain(HOSTILE[name], MODEL)
    shown = str(caught.value)
    assert time.perf_counter() - started < 2
    assert len(shown) < 1_000
    assert all(character.isprintable() for character in shown.replace("\n", ""))


def test_the_limits_themselves_are_allowed() -> None:
    deep = "(" * limits.DEPTH + "x" + ")" * limits.DEPTH
    assert undressed(read(deep, MODEL)) == X
    long = " + ".join(["u"] * (limits.TOKENS // 2))
    assert read(long, MODEL) == Add((U,) * (limits.TOKENS // 2))
    assert read(f"x^{limits.EXPONENT}", MODEL) == Power(X, number(limits.EXPONENT))


PIECES = (
    "W", "x", "b", "yhat", "ŷ", "dz", "g", "relu", "sum", "1", "2", "0.5", "1e3", "+", "-", "*",
    "/", "^", "^T", "·", "⊙", "(", ")", "[", "]", "{", "}", "||", "|", ",", ":", ";", "..", "=",
    "≈", "∈", "ℝ", "×", "∂", "'", "²", "₁", "T", "e", "i", "where", "and", "entries",
    "\\", "$", "\u0302", "\n",
)  # fmt: skip


def attempt(text: str, vocabulary: Vocabulary) -> Node | ReadError:
    try:
        return read_chain(text, vocabulary)
    except ReadError as error:
        return error


def check_outcome(text: str, outcome: Node | ReadError) -> None:
    if isinstance(outcome, ReadError):
        assert 0 <= outcome.span.start <= outcome.span.end <= max(len(text), 1)
        assert "^" in str(outcome)
    else:
        assert all(part.span is not None for part in walk(outcome))


@given(
    st.lists(st.sampled_from(PIECES), max_size=14), st.sampled_from(["", " "]), st.sampled_from([ANY, MODEL])
)
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_or_refused_with_a_place(pieces: list[str], joint: str, names: Vocabulary) -> None:
    text = joint.join(pieces)
    check_outcome(text, attempt(text, names))


@given(st.text(max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_characters_are_read_or_refused(text: str) -> None:
    check_outcome(text, attempt(text, ANY))


# --- round trips ----------------------------------------------------------------------


@pytest.mark.parametrize("text", EXPRESSIONS | STATEMENTS)
def test_text_to_tree_to_text_to_the_same_tree(text: str) -> None:
    tree = read_chain(text, MODEL)
    assert undressed(read_chain(to_plain(tree), MODEL)) == undressed(tree)


def _leaves() -> st.SearchStrategy[Node]:
    names = st.sampled_from(["W", "x", "b", "z", "yhat", "W1", "z'", "theta", "n"]).map(Name)
    numbers = st.sampled_from(["2", "3", "0.5", "10", "0", "2.25"]).map(lambda text: Number(Fraction(text)))
    gradients = st.sampled_from([Gradient(W), Gradient(YHAT)])
    return st.one_of(names, names, numbers, gradients, st.just(Constant("pi")), st.just(Ones(TWO)))


def _products(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    signs = st.one_of(st.sampled_from(["", "cdot"]), st.sampled_from(["*", "odot"]))
    return st.lists(inner, min_size=2, max_size=4).flatmap(
        lambda factors: signs.map(lambda sign: Product(tuple(factors), (sign,) * (len(factors) - 1)))
    )


GUARDS = (
    (compared(ONE, "≤", IX, "≤", Name("n")),),
    (compared(sub(IX, ONE), "<", J), compared(IX, "=", juxtaposed(TWO, J))),
)


def _larger(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    pairs = st.tuples(inner, inner)
    places = st.sampled_from([(ONE,), (Name("i"), Slice()), (Slice(ONE, TWO), Name("j"))])
    arguments = st.tuples(st.sampled_from(["relu", "exp", "g", "sum"]), inner, st.integers(0, 2))
    return st.one_of(
        st.lists(inner, min_size=2, max_size=4).map(lambda terms: Add(tuple(terms))),
        _products(inner),
        _products(inner),
        inner.map(Neg),
        inner.map(Bracket),
        inner.map(Transpose),
        inner.map(Norm),
        pairs.map(lambda pair: Quotient(*pair)),
        st.tuples(inner, st.sampled_from([TWO, Neg(ONE), HALF, Name("n"), plus(Name("n"), ONE)])).map(
            lambda pair: Power(*pair)
        ),
        arguments.map(lambda parts: Call(parts[0], (parts[1],), (), parts[2])),
        inner.map(lambda node: Call("leaky_relu", (node,), (("slope", HALF),))),
        pairs.map(lambda pair: Call("max", pair)),
        st.tuples(st.sampled_from([W, X]), places).map(lambda pair: Index(*pair)),
        inner.map(lambda body: Sum("i", ONE, Name("n"), body)),
        st.tuples(st.sampled_from(["i", "ij", "ji", "jij"]), inner).map(lambda pair: over(*pair)),
        st.tuples(inner, st.sampled_from(GUARDS)).map(lambda pair: Where(*pair)),
        inner.map(lambda body: Entrywise(("i",), (), body)),
        inner.map(lambda body: Entrywise(("i", "j"), (Name("n"), sub(Name("n"), ONE)), body)),
        st.sampled_from([Derivative(Name("L"), W), Derivative(Z, X, straight=True)]),
        st.lists(st.tuples(_leaves(), _leaves()), min_size=1, max_size=2).map(
            lambda rows: Matrix(tuple(rows))
        ),
        st.lists(_leaves(), min_size=1, max_size=3).map(
            lambda rows: Matrix(tuple((entry,) for entry in rows), "column")
        ),
    )


TREES = st.recursive(_leaves(), _larger, max_leaves=12)


def bare(node: Node) -> Node:
    """Without brackets, and without how a quotient is set: plain text cannot say these."""
    node = undressed(node)

    def plainly(part: Node) -> Node:
        part = rebuild(part, plainly)
        return dataclasses.replace(part, inline=False) if isinstance(part, Quotient) else part

    return plainly(node)


@given(TREES)
@settings(max_examples=300, deadline=None)
def test_tree_to_text_to_tree(tree: Node) -> None:
    text = to_plain(tree)
    assert bare(read_chain(text, MODEL)) == bare(tree), text


# --- the stored table, start-up ----------------------------------------------------------


def test_the_stored_table_belongs_to_the_grammar() -> None:
    """Lark makes the table anew (and would refuse a grammar with conflicts)."""
    from symbackprop.notation import build_parser

    assert build_parser.STORED.read_text(encoding="utf-8") == build_parser.text()
    assert len(_parser.STATES) > 50


def test_every_rule_has_its_action() -> None:
    from symbackprop.notation.hand.actions import HandActions  # those of a model, and of hand writing

    named = {action for _, _, action in _parser.RULES if action}
    assert len(named) > 40
    assert [action for action in sorted(named) if not hasattr(HandActions, action)] == []


def test_reading_loads_neither_lark_nor_sympy() -> None:
    code = (
        "import sys; from symbackprop.notation.read import read, Vocabulary;"
        "read('W x + b', Vocabulary(functions={}, names=None));"
        "print([m for m in ('lark', 'sympy', 'jinja2', 'difflib', 'pickle') if m in sys.modules])"
    )
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
