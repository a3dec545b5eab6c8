"""The writers: every node in three formats, the rules for brackets, and pages that compile."""

import shutil
import subprocess
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symbackprop.algebra.functions import ALIASES
from symbackprop.notation import tree
from symbackprop.notation.read import Vocabulary, read, read_chain
from symbackprop.notation.tree import (
    Add,
    Blank,
    Box,
    Brace,
    Bracket,
    Call,
    Cases,
    Chain,
    Coloured,
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
    Row,
    Sizes,
    Slice,
    Space,
    Sum,
    Transpose,
    Where,
    Word,
    equation,
    juxtaposed,
    number,
    plus,
    times,
    undressed,
)
from symbackprop.notation.write import Style, kept_capitals, to_latex, to_plain
from symbackprop.notation.write_typst import to_typst

# --- short makers ---------------------------------------------------------------------

W, x, b, y, z, n, k = (Name(key) for key in "Wxbyznk")
i, j, p, q = (Name(key) for key in "ijpq")
yhat, L = Name("yhat"), Name("L")


def num(value: int | str) -> Node:
    return number(value)


def d(of: Node) -> Gradient:
    return Gradient(of)


def part(of: Node, by: Node) -> Derivative:
    return Derivative(of, by)


def at(base: str | Name, *places: Node) -> Index:
    return Index(Name(base) if isinstance(base, str) else base, places)


def column(*entries: int | Node) -> Matrix:
    return Matrix(tuple((e if isinstance(e, Node) else num(e),) for e in entries), "column")


def row(*entries: int | Node) -> Matrix:
    return Matrix((tuple(e if isinstance(e, Node) else num(e) for e in entries),), "row")


def matrix(*rows: tuple[int, ...]) -> Matrix:
    return Matrix(tuple(tuple(num(e) for e in line) for line in rows))


def half(body: Node) -> Node:
    return juxtaposed(Quotient(num(1), num(2)), body)


def squared(body: Node) -> Node:
    return Power(body, num(2))


def chain(*parts: Node | str, over: dict[int, str] | None = None) -> Chain:
    members, relations = parts[::2], parts[1::2]
    words = tuple((over or {}).get(place) for place in range(len(relations)))
    return Chain(members, relations, words)  # type: ignore[arg-type]


minus5 = Neg(num(5))
g = Call("g", (z,))
residual = plus(yhat, Neg(y))
everything = Slice()


def in_the_example(left: Node, *right: Node) -> Chain:
    relations = ("=",) * len(right)
    return Chain((left, *right), relations, ("example", *(None,) * (len(right) - 1)))


def sample() -> list[Node]:
    """The displays of the sample report, in order."""
    summed = plus(times(num(4), num(1)), times(num(2), num(0)), times(minus5, num(2)))
    label = chain(
        juxtaposed(W, x), "=", Sum("i", num(1), n, juxtaposed(at("w", i), at("x", i))), "=", Neg(num(6))
    )
    forward = equation(
        z,
        plus(juxtaposed(Brace(row(4, 2, -5), W), Brace(column(1, 0, 2), x)), Brace(num(7), b)),
        plus(Brace(summed, label), num(7)),
        Box(num(1)),
    )
    chain_rule = equation(
        d(z), part(L, z), times(Brace(part(L, yhat), d(yhat)), Brace(part(yhat, z), Call("g", (z,), (), 1))),
        times(d(yhat), Call("g", (z,), (), 1)),
    )  # fmt: skip
    weights = equation(
        d(W),
        part(L, W),
        times(Brace(part(L, z), d(z)), Brace(part(z, W), Transpose(x))),
        juxtaposed(d(z), Transpose(x)),
    )
    back = equation(
        d(x),
        part(L, x),
        times(Brace(part(z, x), Transpose(W)), Brace(part(L, z), d(z))),
        juxtaposed(Transpose(W), d(z)),
    )
    dz_j, delta = d(at("z", j)), Delta(j, p)
    relu = Cases(((z, chain(z, "≥", num(0))), (num(0), chain(z, "<", num(0)))))
    slope = Cases(((num(1), chain(z, "≥", num(0))), (num(0), chain(z, "<", num(0)))))
    entries = Row(
        (
            equation(
                part(at("z", j), at("W", p, q)),
                Sum("i", num(1), n, juxtaposed(
                    Brace(part(at("W", j, i), at("W", p, q)), juxtaposed(delta, Delta(i, q))), at("x", i))),
                juxtaposed(delta, at("x", q)),
            ),
            equation(
                d(at("W", p, q)),
                Sum("j", num(1), k, times(dz_j, part(at("z", j), at("W", p, q)))),
                Sum("j", num(1), k, juxtaposed(dz_j, delta, at("x", q))),
                juxtaposed(d(at("z", p)), at("x", q)),
            ),
        ),
        "implies",
    )  # fmt: skip
    up, down = (juxtaposed(d(at("z", where)), Transpose(x)) for where in (num(1), k))
    col = at("W", everything, i)
    return [
        Row((
            equation(z, plus(juxtaposed(W, x), b)),
            equation(yhat, g), equation(g, Call("max", (z, num(0)))),
            equation(Call("L", (yhat, y)), half(squared(Bracket(residual)))),
        )),
        Row((
            chain(x, "=", column(1, 0, 2), "∈", Space((num(3),))),
            chain(W, "=", row(4, 2, -5), "∈", Space((num(1), num(3)))),
            chain(b, "=", num(7), "∈", Space(())), chain(y, "=", num(5), "∈", Space(())),
        )),
        Box(forward),
        equation(Call("L", (yhat, y)), half(squared(plus(num(1), minus5))),
                 times(Quotient(num(1), num(2)), num(16)), Box(num(8))),
        in_the_example(Box(equation(
            d(yhat), part(L, yhat),
            times(Quotient(num(1), num(2)), juxtaposed(num(2), residual), Brace(part(residual, yhat),
                num(1))),
            residual)), plus(num(1), minus5), Neg(num(4))),
        Row((equation(g, relu), equation(Call("g", (z,), (), 1), slope)), "implies"),
        in_the_example(Box(chain_rule), times(Neg(num(4)), Brace(num(1), Call("g", (num(1),), (), 1))),
            Neg(num(4))),
        in_the_example(Box(weights), juxtaposed(Neg(num(4)), row(1, 0, 2)), row(-4, 0, -8)),
        in_the_example(Box(back), juxtaposed(column(4, 2, -5), Neg(num(4))), column(-16, -8, 20)),
        entries,
        equation(d(at("W", p, everything)),
                 row(juxtaposed(d(at("z", p)), at("x", num(1))), juxtaposed(d(at("z", p)), at("x", num(2))),
                     Dots("c"), juxtaposed(d(at("z", p)), at("x", n))),
                 juxtaposed(d(at("z", p)), Transpose(x))),
        Row((equation(d(W), column(up, Dots("v"), down),
                      juxtaposed(column(d(at("z", num(1))), Dots("v"), d(at("z", k))), Transpose(x))),
             Box(equation(d(W), juxtaposed(d(z), Transpose(x))))), "implies"),
        equation(d(at("x", i)),
                 juxtaposed(Brace(row(at("W", num(1), i), Dots("c"), at("W", k, i)), Transpose(col)),
                            Brace(column(d(at("z", num(1))), Dots("v"), d(at("z", k))), d(z))),
                 juxtaposed(Transpose(col), d(z))),
        equation(z,
                 plus(juxtaposed(Brace(matrix((4, 2, -5), (7, -1, 0)), W), Brace(column(1, 0, 2), x)),
                      Brace(column(7, -2), b)),
                 column(plus(times(num(4), num(1)), times(num(2), num(0)), times(minus5, num(2)), num(7)),
                        plus(times(num(7), num(1)), times(Neg(num(1)), num(0)), times(num(0), num(2)),
                             Bracket(Neg(num(2))))),
                 Box(column(1, 5))),
        chain(Call("L", (yhat, y)), "=", half(squared(Norm(residual))), "=",
              plus(half(squared(plus(at("yhat", num(1)), Neg(at("y", num(1)))))),
                   half(squared(plus(at("yhat", num(2)), Neg(at("y", num(2))))))), "=",
              plus(half(squared(plus(num(1), Neg(at("y", num(1)))))),
                   half(squared(plus(num(5), Neg(at("y", num(2))))))), over={2: "example"}),
        equation(d(z), Product((d(yhat), Call("g", (z,), (), 1)), ("odot",)),
                 Product((column(plus(num(1), Neg(at("y", num(1)))), plus(num(5), Neg(at("y", num(2))))),
                          column(1, 1)), ("odot",))),
    ]  # fmt: skip


# --- every node, three formats ----------------------------------------------------------

SPANISH = Style(
    words={"if": "si", "otherwise": "si no", "example": "en el ej.", "and": "y"}, decimal_mark=","
)
u, v, c = Name("u"), Name("v"), Name("c")

a, B_ = Name("a"), Name("b")
shifted = plus(i, a, Neg(num(2)))
inside = (chain(num(1), "≤", shifted, "≤", n),)


def over(indices: str, body: Node) -> Node:
    """Sums whose ranges the shapes say."""
    for index in reversed(indices):
        body = Sum(index, num(1), None, body)
    return body


COMMA = "\\,"


def lines(first: str, second: str) -> str:
    """Two lines below a sign, in Typst."""
    return f"vec(delim: #none, gap: #.2em, script({first}), script({second}))"


NODES: list[tuple[Node, str, str, str]] = [
    (
        tree.Stack((equation(Name("u"), num(1)), Dots("v")), Name("z")),
        r"\left. \begin{aligned} u & = 1 \\ & \vdots \end{aligned} \;\right\}\; z",
        "cases(reverse: #true, u & = 1, & dots.v) thick z",
        "u = 1; ⋮; z",
    ),
    # --- leaves
    (num(7), "7", "7", "7"),
    (Number(Fraction(1, 10), "0.10"), "0.10", "0.10", "0.10"),
    (Number(Fraction(1, 2)), "0.5", "0.5", "0.5"),
    (Number(Fraction(1, 8000)), "0.000125", "0.000125", "0.000125"),
    (Number(Fraction(1, 3)), r"\tfrac13", "inline(frac(1, 3))", "1/3"),
    (Number(Fraction(22, 7)), r"\tfrac{22}{7}", "inline(frac(22, 7))", "22/7"),
    (Number(Fraction(1, 1000), "1e-3"), r"1\cdot 10^{-3}", "1 dot.op 10^(-3)", "1e-3"),
    (Number(Fraction(15692, 10000), "", False), "1.5692", "1.5692", "1.5692"),
    (W, "W", "W", "W"),
    (yhat, r"\hat y", "hat(y)", "yhat"),
    (Name("sigma"), r"\sigma", "sigma", "sigma"),
    (Name("Sigma"), r"\Sigma", "Sigma", "Sigma"),
    (Name("Alpha"), r"\mathrm{A}", "upright(A)", "Alpha"),
    (Name("W1"), "W_1", "W_1", "W1"),
    (Name("W12"), "W_{12}", "W_(12)", "W12"),
    (Name("yhat1"), r"\hat y_1", "hat(y)_1", "yhat1"),
    (Name("xbar"), r"\bar x", "macron(x)", "xbar"),
    (Name("x'"), "x'", "x'", "x'"),
    (Name("z_out"), r"z_{\mathrm{out}}", "z_(upright(o u t))", "z_out"),
    (Name("z_in"), r"z_{\mathrm{in}}", "z_(upright(i n))", "z_in"),
    (Name("w_ij"), "w_{ij}", "w_(i j)", "w_ij"),
    (Name("net"), r"\mathrm{net}", "upright(n e t)", "net"),
    (L, r"\mathcal{L}", "cal(L)", "L"),
    (Constant("pi"), r"\pi", "pi", "pi"),
    (Ones(), r"\mathbf{1}", "upright(bold(1))", "1"),
    (Ones(Name("N")), r"\mathbf{1}_N", "upright(bold(1))_N", "ones(N)"),
    (Dots("c"), r"\cdots", "dots.h.c", "⋯"),
    (Dots("v"), r"\vdots", "dots.v", "⋮"),
    (Blank(4), r"\underline{\hspace{4em}}", "underline(#h(4em))", "____"),
    (Word("otherwise"), r"\text{otherwise}", '"otherwise"', "otherwise"),
    # --- arithmetic
    (Neg(x), "-x", "-x", "-x"),
    (plus(x, Neg(b)), "x - b", "x - b", "x - b"),
    (times(x, b), r"x \cdot b", "x dot.op b", "x · b"),
    (times(x, b, sign="odot"), r"x \odot b", "x dot.o b", "x ⊙ b"),
    (juxtaposed(W, x), "W x", "W x", "W x"),
    (Quotient(x, b), r"\frac{x}{b}", "frac(x, b)", "x / b"),
    (Quotient(x, b, True), "x/b", r"x\/b", "x/b"),
    (Quotient(num(1), num(2), True), r"\tfrac12", "inline(frac(1, 2))", "1/2"),
    (Quotient(Quotient(num(1), num(2)), b), r"\frac{\frac12}{b}", "frac(frac(1, 2), b)", "1 / 2 / b"),
    (squared(x), "x^2", "x^2", "x^2"),
    (Power(x, plus(n, Neg(num(1)))), "x^{n - 1}", "x^(n - 1)", "x^(n - 1)"),
    (Power(x, Neg(num(1))), "x^{-1}", "x^(-1)", "x^-1"),
    (Power(x, Quotient(num(1), num(2))), "x^{1/2}", r"x^(1\/2)", "x^(1 / 2)"),
    (Transpose(x), "x^T", "x^T", "x^T"),
    (Transpose(at("W", everything, i)), r"w_{:,i}^{\,T}", "w_(:,i)^(thin T)", "W[:,i]^T"),
    # --- functions
    (g, "g(z)", "g (z)", "g(z)"),
    (Call("g", (z,), (), 1), "g'(z)", "g' (z)", "g'(z)"),
    (Call("relu", (z,)), r"\operatorname{relu}(z)", 'op("relu") (z)', "relu(z)"),
    (Call("max", (z, num(0))), r"\max(z, 0)", r"max (z\, 0)", "max(z, 0)"),
    (Call("sqrt", (n,)), r"\sqrt{n}", "sqrt(n)", "sqrt(n)"),
    (Call("abs", (z,)), r"\lvert z \rvert", "abs(z)", "abs(z)"),
    (Call("elu", (z,), (("alpha", num(2)),)), r"\operatorname{elu}(z;\, \alpha = 2)",
     r'op("elu") (z\; alpha = 2)', "elu(z, alpha = 2)"),
    (Norm(x), r"\lVert x \rVert", "norm(x)", "||x||"),
    (Norm(W, "F"), r"\lVert W \rVert_F", "norm(W)_F", "||W||_F"),
    # --- indices
    (at("x", i), "x_i", "x_i", "x[i]"),
    (at("x", num(12)), "x_{12}", "x_(12)", "x[12]"),
    (at("W", j, i), "w_{ji}", "w_(j i)", "W[j,i]"),
    (at("W", num(1), num(2)), "w_{12}", "w_(1 2)", "W[1,2]"),
    (at("W", num(1), num(12)), "w_{1,12}", "w_(1,12)", "W[1,12]"),
    (at("W", everything, i), "w_{:,i}", "w_(:,i)", "W[:,i]"),
    (at("W1", j, i), "w_{1,ji}", "w_(1,j i)", "W1[j,i]"),
    (at("z1", j), "z_{1,j}", "z_(1,j)", "z1[j]"),
    (at("X", i), "X_i", "X_i", "X[i]"),
    (at("x", plus(i, num(1)), j), r"x_{i + 1,\,j}", "x_(i + 1, thin j)", "x[i + 1,j]"),
    (at("x", Slice(num(2), num(3))), "x_{2:3}", "x_(2:3)", "x[2:3]"),
    (Sum("i", num(1), n, at("x", i)), r"\sum_{i=1}^{n} x_i", "sum_(i=1)^(n) x_i", "sum(i = 1..n: x[i])"),
    (over("ab", at("K", a, B_)), r"\sum_{a,b} k_{ab}", "sum_(a,b) k_(a b)", "sum(a, b: K[a,b])"),
    (Sum("a", num(1), n, Sum("b", num(1), k, at("x", a, B_))),
     r"\sum_{a=1}^{n} \sum_{b=1}^{k} x_{ab}", "sum_(a=1)^(n) sum_(b=1)^(k) x_(a b)",
     "sum(a = 1..n, b = 1..k: x[a,b])"),
    (Sum("a", num(1), plus(n, Neg(k)), over("bc", at("x", a))),
     r"\sum_{a=1}^{n - k}\;\sum_{b,c} x_a", "sum_(a=1)^(n - k) thick sum_(b,c) x_a",
     "sum(a = 1..n - k, b, c: x[a])"),
    (Sum("a", num(1), n, Where(at("x", shifted), inside)),
     r"\sum\limits_{\substack{a=1 \\ 1 \le i + a - 2 \le n}}^{n} x_{i + a - 2}",
     f"limits(sum)_({lines('a=1', '1 <= i + a - 2 <= n')})^(n) x_(i + a - 2)",
     "sum(a = 1..n: x[i + a - 2] where 1 ≤ i + a - 2 ≤ n)"),
    (over("ab", Where(at("x", shifted), inside)),
     r"\sum\limits_{\substack{a,b \\ 1 \le i + a - 2 \le n}} x_{i + a - 2}",
     f"limits(sum)_({lines(COMMA.join('ab'), '1 <= i + a - 2 <= n')}) x_(i + a - 2)",
     "sum(a, b: x[i + a - 2] where 1 ≤ i + a - 2 ≤ n)"),
    (Sum("a", num(1), n, Sum("b", num(1), k, Where(at("x", a, B_), (chain(a, ">", i), chain(B_, "<", j))))),
     r"\sum\limits_{\substack{a=1 \\ a > i}}^{n}\;\sum\limits_{\substack{b=1 \\ b < j}}^{k} x_{ab}",
     f"limits(sum)_({lines('a=1', 'a > i')})^(n) thick limits(sum)_({lines('b=1', 'b < j')})^(k) x_(a b)",
     "sum(a = 1..n, b = 1..k: x[a,b] where a > i, b < j)"),
    (Where(plus(at("x", i), b), (chain(num(1), "≤", i, "<", n), chain(i, ">", j))),
     r"x_i + b \quad (1 \le i < n,\, i > j)", r"x_i + b quad (1 <= i < n\, i > j)",
     "x[i] + b where 1 ≤ i < n, i > j"),
    (equation(at("y", i), Where(at("x", i), (chain(i, ">", num(1)),))),
     r"y_i = x_i \quad (i > 1)", "y_i = x_i quad (i > 1)", "y[i] = x[i] where i > 1"),
    (equation(Where(at("x", i), (chain(i, ">", num(1)),)), b),
     r"\mathbf{1}_{i > 1}\,x_i = b", "upright(bold(1))_(i > 1) thin x_i = b", "(x[i] where i > 1) = b"),
    (plus(b, juxtaposed(num(2), Where(plus(at("x", i), b), (chain(i, ">", num(1)),)))),
     r"b + 2\,\mathbf{1}_{i > 1}\,(x_i + b)", "b + 2 thin upright(bold(1))_(i > 1) thin (x_i + b)",
     "b + 2 (x[i] + b where i > 1)"),
    (Entrywise(("i", "j"), (), juxtaposed(at("x", i), at("y", j))), r"[x_i\,y_j]_{ij}",
     "[x_i thin y_j]_(i j)", "entries(i, j: x[i] y[j])"),
    (Transpose(Entrywise(("p", "q"), (k, n), Sum("i", num(1), n, at("x", i)))),
     r"\left(\left[ \sum_{i=1}^{n} x_i \right]_{pq}\right)^T", "([sum_(i=1)^(n) x_i]_(p q))^T",
     "entries(p = 1..k, q = 1..n: sum(i = 1..n: x[i]))^T"),
    (at("K", i, a, B_, j), "K_{iabj}", "K_(i a b j)", "K[i,a,b,j]"),
    (at("x", a, shifted, j), r"x_{a,\,i + a - 2,\,j}", "x_(a, thin i + a - 2, thin j)", "x[a,i + a - 2,j]"),
    (at("x", Slice(num(2), n), j), "x_{2:n,j}", "x_(2:n,j)", "x[2:n,j]"),
    # --- operations
    (Call("softmax", (z,)), r"\operatorname{softmax}(z)", 'op("softmax") (z)', "softmax(z)"),
    (Call("log_softmax", (z,)), r"\log\operatorname{softmax}(z)", 'log op("softmax") (z)', "log_softmax(z)"),
    (Call("trace", (W,)), r"\operatorname{tr}(W)", 'op("tr") (W)', "trace(W)"),
    (Call("diag", (x,)), r"\operatorname{diag}(x)", 'op("diag") (x)', "diag(x)"),
    (Call("eye", (n,)), "I_n", "I_n", "eye(n)"),
    (Call("eye", (plus(n, num(1)),)), "I_{n + 1}", "I_(n + 1)", "eye(n + 1)"),
    (Call("zeros", (n,)), r"\mathbf{0}_n", "upright(bold(0))_n", "zeros(n)"),
    (Call("zeros", (k, n)), r"\mathbf{0}_{k \times n}", "upright(bold(0))_(k times n)", "zeros(k, n)"),
    (Call("onehot", (i, n)), r"\mathbf{e}_i", "upright(bold(e))_i", "onehot(i, n)"),
    (Index(Call("onehot", (num(3), n)), (j,)), r"(\mathbf{e}_3)_j", "(upright(bold(e))_3)_j",
     "onehot(3, n)[j]"),
    (Call("dot", (plus(x, b), y)), r"(x + b)^T\,y", "(x + b)^T thin y", "dot(x + b, y)"),
    (squared(Call("dot", (x, y))), "(x^T y)^2", "(x^T y)^2", "dot(x, y)^2"),
    (juxtaposed(W, Call("outer", (x, y))), r"W\,(x y^T)", "W thin (x y^T)", "W outer(x, y)"),
    (plus(W, Neg(Call("outer", (d(x), y)))), r"W - dx\;y^T", "W - d x thick y^T", "W - outer(dx, y)"),
    (Call("stack", (x, juxtaposed(W, b), num(0))), r"\begin{bmatrix} x \\ W b \\ 0 \end{bmatrix}",
     'mat(delim: "[", x; W b; 0)', "stack(x, W b, 0)"),
    (Call("hstack", (W, x)), r"\begin{bmatrix} W & x \end{bmatrix}", 'mat(delim: "[", W, x)', "hstack(W, x)"),
    # --- what max, min and the hinge are made of
    (Call("excess", (plus(z, Neg(b)),), (), 1), r"\mathbf{1}_{z > b}", "upright(bold(1))_(z > b)",
     "excess'(z - b)"),
    (Call("excess", (plus(Neg(b), z, x, Neg(juxtaposed(num(2), y))),), (), 1),
     r"\mathbf{1}_{z + x > b + 2 y}", "upright(bold(1))_(z + x > b + 2 y)", "excess'(-b + z + x - 2 y)"),
    (Call("excess", (at("z", i),), (), 1), r"\mathbf{1}_{z_i > 0}", "upright(bold(1))_(z_i > 0)",
     "excess'(z[i])"),
    (Call("excess", (Neg(z),), (), 1), r"\mathbf{1}_{z < 0}", "upright(bold(1))_(z < 0)", "excess'(-z)"),
    (Call("excess", (plus(z, Neg(b)),)), r"\max(0, z - b)", r"max (0\, z - b)", "excess(z - b)"),
    (Call("hinge_core", (plus(num(1), Neg(juxtaposed(y, z))),), (), 1), r"\mathbf{1}_{y z < 1}",
     "upright(bold(1))_(y z < 1)", "hinge_core'(1 - y z)"),
    (Call("excess", (Name("u"),), (), 1), r"\operatorname{excess}'(u)", "op(\"excess\")' (u)", "excess'(u)"),
    (Delta(j, p), r"\delta_{jp}", "delta_(j p)", "δ[j,p]"),
    (Delta(num(1), p), r"\delta_{1p}", "delta_(1 p)", "δ[1,p]"),
    # --- arrays and cases
    (row(4, 2, -5), r"\begin{pmatrix} 4 & 2 & -5 \end{pmatrix}", 'mat(delim: "(", 4, 2, -5)', "[[4, 2, -5]]"),
    (column(1, 0), r"\begin{pmatrix} 1 \\ 0 \end{pmatrix}", 'mat(delim: "(", 1; 0)', "[1, 0]"),
    (matrix((1, 2), (3, 4)), r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", 'mat(delim: "(", 1, 2; 3, 4)',
     "[[1, 2], [3, 4]]"),
    (Cases(((z, chain(z, "≥", num(0))), (num(0), Word("otherwise")))),
     r"\begin{cases} z & \text{if } z \ge 0,\\ 0 & \text{otherwise} \end{cases}",
     r'cases(z & quad "if" z >= 0 \,, 0 & quad "otherwise")', "{z if z ≥ 0; 0 otherwise}"),
    # --- derivatives
    (part(L, W), r"\frac{\partial \mathcal{L}}{\partial W}", "frac(partial cal(L), partial W)", "∂L/∂W"),
    (part(residual, yhat), r"\frac{\partial (\hat y - y)}{\partial \hat y}",
     "frac(partial (hat(y) - y), partial hat(y))", "∂(yhat - y)/∂yhat"),
    (Derivative(L, W, straight=True), r"\frac{d\mathcal{L}}{dW}", "frac(d cal(L), d W)", "dL/dW"),
    (Derivative(L, W, inline=True), r"\partial \mathcal{L}/\partial W", r"partial cal(L)\/partial W",
     "∂L/∂W"),
    (d(W), "dW", "d W", "dW"),
    (d(yhat), r"d\hat y", "d hat(y)", "dyhat"),
    (d(at("W", p, q)), "dw_{pq}", "d w_(p q)", "dW[p,q]"),
    (Index(d(W), (p, q)), "dw_{pq}", "d w_(p q)", "dW[p,q]"),
    # --- as written
    (Bracket(x), "(x)", "(x)", "(x)"),
    (Brace(x, b), r"\underbrace{x}_{b}", "underbrace(x, b)", "x"),
    (Brace(x, b, True), r"\overbrace{x}^{b}", "overbrace(x, b)", "x"),
    (Box(num(8)), r"\boxed{8}", "#boxed($8$)", "8"),
    (Box(equation(z, num(8))), r"\boxed{\; z = 8 \;}", "#boxed($z = 8$)", "z = 8"),
    (Coloured(d(z)), r"{\color{red} dz}", "#grad($d z$)", "dz"),
    # --- statements
    (equation(z, num(1)), "z = 1", "z = 1", "z = 1"),
    (in_the_example(z, num(1)), r"z \;\, \overset{\text{example}}{=} \;\, 1",
     'z thick thin class("relation", limits(=)^"example") thick thin 1', "z = 1"),
    (chain(x, "∈", Space(())), r"x \in \mathbb{R}", "x in RR", "x ∈ ℝ"),
    (chain(x, "∈", Space((n,))), r"x \in \mathbb{R}^n", "x in RR^n", "x ∈ ℝ^n"),
    (chain(W, "∈", Space((k, n))), r"W \in \mathbb{R}^{k \times n}", "W in RR^(k times n)", "W ∈ ℝ^{k×n}"),
    (Sizes((plus(n, num(1)), k)), r"(n + 1) \times k", "(n + 1) times k", "(n + 1)×k"),
    (Sizes((k, n)), r"k \times n", "k times n", "k×n"),
    (Row((z, b), ","), r"z,\, b", r"z\, b", "z, b"),
    (Row((equation(z, num(1)), equation(b, num(7))), ","), r"z = 1, \qquad b = 7", r"z = 1\, wide b = 7",
     "z = 1, b = 7"),
    (Row((z, b), "implies"), r"z \quad\Longrightarrow\quad b", "z quad ==> quad b", "z ⇒ b"),
]  # fmt: skip


@pytest.mark.parametrize(("node", "latex", "typst", "plain"), NODES, ids=[plain for *_, plain in NODES])
def test_node(node: Node, latex: str, typst: str, plain: str) -> None:
    assert (to_latex(node), to_typst(node), to_plain(node)) == (latex, typst, plain)


def test_no_node_is_forgotten() -> None:
    kinds = {kind for kind in vars(tree).values() if isinstance(kind, type) and issubclass(kind, Node)}
    seen = {type(part) for node, *_ in NODES for part in tree.walk(node)}
    assert kinds - seen == {Node}


# --- brackets ---------------------------------------------------------------------------

A, B = Name("A"), Name("B")
three, four = num(3), num(4)

BRACKETS: list[tuple[Node, str]] = [
    # negatives
    (times(four, minus5), r"4 \cdot (-5)"),
    (times(Neg(four), num(1)), r"(-4) \cdot 1"),
    (times(Neg(four), num(1), sign="odot"), r"(-4) \odot 1"),
    (juxtaposed(Neg(four), x), "-4 x"),
    (juxtaposed(x, Neg(four)), r"x\,(-4)"),
    (juxtaposed(column(1, 2), Neg(four)), r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}\,(-4)"),
    (plus(num(2), Neg(three)), "2 - 3"),
    (plus(num(2), Bracket(Neg(three))), "2 + (-3)"),
    (plus(num(2), Neg(Neg(three))), "2 - (-3)"),
    (plus(Neg(num(2)), three), "-2 + 3"),
    (plus(num(1), times(minus5, num(2))), r"1 + (-5) \cdot 2"),
    (plus(num(1), Neg(times(minus5, num(2)))), r"1 - (-5) \cdot 2"),
    (plus(num(1), juxtaposed(minus5, x)), "1 + (-5) x"),
    (plus(juxtaposed(minus5, x), num(1)), "-5 x + 1"),
    (plus(num(1), juxtaposed(juxtaposed(minus5, x), y)), "1 + (-5) x y"),
    (Neg(Neg(x)), "-(-x)"),
    (Neg(plus(x, b)), "-(x + b)"),
    (Neg(times(four, x)), r"-4 \cdot x"),
    (Neg(juxtaposed(Neg(four), x)), "-(-4) x"),
    (plus(x, Neg(plus(y, z))), "x - (y + z)"),
    (Brace(juxtaposed(Neg(four), x), b), r"\underbrace{-4 x}_{b}"),
    (plus(Brace(plus(x, y), z), num(7)), r"\underbrace{x + y}_{z} + 7"),
    (juxtaposed(Brace(plus(x, y), z), b), r"\underbrace{x + y}_{z}\,b"),
    (times(Box(Neg(num(1))), x), r"\boxed{-1} \cdot x"),
    # sums
    (juxtaposed(num(2), plus(x, b)), "2 (x + b)"),
    (juxtaposed(num(2), Bracket(plus(x, b))), "2 (x + b)"),
    (juxtaposed(plus(x, b), y), r"(x + b)\,y"),
    (times(plus(x, b), plus(y, z)), r"(x + b) \cdot (y + z)"),
    (plus(x, plus(y, z)), "x + y + z"),
    (plus(x, plus(Neg(y), z)), "x - y + z"),
    (Bracket(Bracket(x)), "(x)"),
    (Call("g", (Bracket(plus(x, b)),)), "g(x + b)"),
    # products in products
    (juxtaposed(A, juxtaposed(B, x)), "A B x"),
    (times(u, juxtaposed(W, x), sign="odot"), r"u \odot W x"),
    (juxtaposed(times(u, v, sign="odot"), x), r"(u \odot v)\,x"),
    (juxtaposed(W, times(u, v, sign="odot")), r"W\,(u \odot v)"),
    (times(u, times(v, x, sign="odot"), sign="odot"), r"u \odot v \odot x"),
    (times(times(u, v), x, sign="odot"), r"(u \cdot v) \odot x"),
    (Product((u, v, x), ("odot", "")), r"(u \odot v)\,x"),
    (Product((W, x, v), ("", "odot")), r"W x \odot v"),
    (juxtaposed(num(2), num(3)), r"2 \cdot 3"),
    (juxtaposed(x, num(3)), r"x \cdot 3"),
    (juxtaposed(num(2), squared(num(3))), r"2 \cdot 3^2"),
    # bases
    (squared(Neg(x)), "(-x)^2"),
    (squared(plus(yhat, Neg(y))), r"(\hat y - y)^2"),
    (squared(Bracket(residual)), r"(\hat y - y)^2"),
    (squared(juxtaposed(x, y)), "(x y)^2"),
    (squared(squared(x)), "(x^2)^2"),
    (squared(Quotient(x, y)), r"\left(\frac{x}{y}\right)^2"),
    (squared(Quotient(num(1), num(2))), r"\bigl(\tfrac12\bigr)^2"),
    (squared(Number(Fraction(1, 3))), r"\bigl(\tfrac13\bigr)^2"),
    (squared(Number(Fraction(1, 2))), "0.5^2"),
    (squared(d(z)), "(dz)^2"),
    (squared(Transpose(x)), "(x^T)^2"),
    (squared(Name("x'")), "(x')^2"),
    (squared(at("x'", i)), "(x'_i)^2"),
    (squared(g), "g(z)^2"),
    (squared(Norm(x)), r"\lVert x \rVert^2"),
    (squared(part(L, W)), r"\left(\frac{\partial \mathcal{L}}{\partial W}\right)^2"),
    (squared(Brace(x, b)), r"(\underbrace{x}_{b})^2"),
    (squared(Sum("i", num(1), n, x)), r"\left(\sum_{i=1}^{n} x\right)^2"),
    (Transpose(juxtaposed(A, B)), "(A B)^T"),
    (Transpose(plus(A, B)), "(A + B)^T"),
    (Transpose(Transpose(A)), "(A^T)^T"),
    (Transpose(d(W)), "dW^T"),
    (Transpose(row(1, 2)), r"\begin{pmatrix} 1 & 2 \end{pmatrix}^T"),
    (Index(juxtaposed(A, B), (i, j)), "(A B)_{ij}"),
    (Index(Transpose(A), (i, j)), "(A^T)_{ij}"),
    (Index(at("W", i, everything), (j,)), "(w_{i,:})_j"),
    # quotients
    (Quotient(plus(x, b), y), r"\frac{x + b}{y}"),
    (Quotient(Bracket(plus(x, b)), Bracket(y)), r"\frac{x + b}{y}"),
    (Quotient(plus(x, b), y, True), "(x + b)/y"),
    (Quotient(x, juxtaposed(y, z), True), "x/(y z)"),
    (Quotient(juxtaposed(x, y), z, True), "x y/z"),
    (Quotient(Quotient(x, y, True), z, True), "(x/y)/z"),
    (Quotient(x, Quotient(y, z, True), True), "x/(y/z)"),
    (juxtaposed(Quotient(x, y, True), z), r"(x/y)\,z"),
    (juxtaposed(Quotient(x, y), z), r"\frac{x}{y}\,z"),
    # sums with a sigma are open to the right
    (plus(Sum("i", num(1), n, at("x", i)), b), r"\sum_{i=1}^{n} x_i + b"),
    (Sum("i", num(1), n, plus(at("x", i), b)), r"\sum_{i=1}^{n} (x_i + b)"),
    (Sum("i", num(1), n, Neg(at("x", i))), r"\sum_{i=1}^{n} (-x_i)"),
    (juxtaposed(u, Sum("i", num(1), n, at("x", i))), r"u\,\sum_{i=1}^{n} x_i"),
    (juxtaposed(Sum("i", num(1), n, at("x", i)), u), r"\left(\sum_{i=1}^{n} x_i\right)\,u"),
    # other places
    (part(juxtaposed(W, x), x), r"\frac{\partial (W x)}{\partial x}"),
    (times(Bracket(Sizes((k, num(1)))), Bracket(Sizes((num(1), n)))), r"(k \times 1) \cdot (1 \times n)"),
    (juxtaposed(Sizes((k, num(1))), Sizes((num(1), n))), r"(k \times 1)\,(1 \times n)"),
    (Space((plus(n, num(1)), k)), r"\mathbb{R}^{(n + 1) \times k}"),
    (Transpose(Bracket(Row((num(5), num(5)), ","))), r"(5,\, 5)^T"),
]  # fmt: skip


@pytest.mark.parametrize(("node", "latex"), BRACKETS, ids=[latex for _, latex in BRACKETS])
def test_brackets_where_needed_and_nowhere_else(node: Node, latex: str) -> None:
    assert to_latex(node) == latex


SPACING: list[tuple[Node, str]] = [
    (juxtaposed(d(z), Transpose(x)), r"dz\;x^T"),
    (juxtaposed(d(at("z", p)), Transpose(x)), r"dz_p\;x^T"),
    (juxtaposed(Transpose(W), d(z)), "W^T dz"),
    (juxtaposed(Transpose(x), d(z)), "x^T dz"),
    (juxtaposed(d(z), Transpose(W)), r"dz\;W^T"),
    (juxtaposed(Transpose(at("W", everything, i)), d(z)), r"w_{:,i}^{\,T}\,dz"),
    (juxtaposed(d(at("z", p)), at("x", q)), r"dz_p\,x_q"),
    (juxtaposed(Delta(j, p), at("x", q)), r"\delta_{jp}\,x_q"),
    (juxtaposed(num(4), at("y", num(1))), "4 y_1"),
    (juxtaposed(Name("net"), x), r"\mathrm{net}\,x"),
    (juxtaposed(d(at("yhat", p)), Call("g", (at("z", p),), (), 1)), r"d\hat y_p\,g'(z_p)"),
    (half(squared(Bracket(residual))), r"\tfrac12\,(\hat y - y)^2"),
]  # fmt: skip


@pytest.mark.parametrize(("node", "latex"), SPACING, ids=[latex for _, latex in SPACING])
def test_spaces_between_factors(node: Node, latex: str) -> None:
    assert to_latex(node) == latex


# --- style --------------------------------------------------------------------------------


def test_decimal_comma_takes_no_space() -> None:
    node = Number(Fraction(1, 2), "0.50")
    assert to_latex(node, SPANISH) == "0{,}50"
    assert to_typst(node, SPANISH) == '0","50'
    assert to_plain(node, SPANISH) == "0.50"  # plain text is read back, with a point


def test_words_are_taken_from_the_language() -> None:
    node = in_the_example(z, Cases(((num(1), chain(z, "<", num(0))), (num(0), Word("otherwise")))))
    latex = to_latex(node, SPANISH)
    assert r"\overset{\text{en el ej.}}{=}" in latex
    assert r"\text{si } z < 0,\\ 0 & \text{si no}" in latex
    assert '"si" z < 0 \\,, 0 & quad "si no"' in to_typst(node, SPANISH)


def test_macros_only_when_asked_for() -> None:
    node = chain(part(L, W), "∈", Space((n,)))
    assert to_latex(node, Style(macros=True)) == r"\pd{\Loss}{W} \in \R^n"
    inline = Derivative(L, W, inline=True)
    assert to_latex(inline, Style(macros=True)) == r"\pdi{\Loss}{W}"
    assert to_latex(Coloured(d(z)), Style(macros=True)) == r"\grad{dz}"
    assert to_latex(part(L, W), Style(macros=True, straight_d=True)) == r"\frac{d\Loss}{dW}"


def test_the_loss_is_the_one_that_the_style_names() -> None:
    style = Style(loss="E")
    assert to_latex(plus(L, Name("E")), style) == r"L + \mathcal{E}"
    assert to_latex(Call("loss", (yhat, y)), Style(loss="loss")) == r"\mathcal{L}(\hat y, y)"
    assert to_typst(d(Name("E")), style) == "d cal(E)"


def test_names_and_functions_can_be_overridden() -> None:
    latex = Style(names={"W1": "W^{(1)}"}, functions={"relu": r"\operatorname{ReLU}"})
    assert to_latex(Transpose(Name("W1")), latex) == "(W^{(1)})^T"
    assert to_latex(Call("relu", (z,), (), 1), latex) == r"\operatorname{ReLU}'(z)"


@pytest.mark.parametrize(
    ("node", "latex", "typst"),
    [
        (Name("W1"), "W^{[1]}", "W^([1])"),
        (Name("z2'"), "z'^{[2]}", "z'^([2])"),
        (Name("yhat3"), r"\hat y^{[3]}", "hat(y)^([3])"),
        (Name("b1_out"), r"b^{[1]}_{\mathrm{out}}", "b^([1])_(upright(o u t))"),
        (Transpose(Name("W1")), "(W^{[1]})^T", "(W^([1]))^T"),
        (squared(Name("z1")), "(z^{[1]})^2", "(z^([1]))^2"),
        (at("W1", i, j), "w^{[1]}_{ij}", "w^([1])_(i j)"),
        (squared(at("z1", i)), "(z^{[1]}_i)^2", "(z^([1])_i)^2"),
        (d(Name("W1")), "dW^{[1]}", "d W^([1])"),
        (d(at("W1", p, q)), "dw^{[1]}_{pq}", "d w^([1])_(p q)"),
        (juxtaposed(Transpose(Name("W1")), d(Name("z1"))), r"(W^{[1]})^T dz^{[1]}", "(W^([1]))^T d z^([1])"),
        (Transpose(d(Name("z1"))), "(dz^{[1]})^T", "(d z^([1]))^T"),
        (part(Name("z1"), Name("W1")), r"\frac{\partial z^{[1]}}{\partial W^{[1]}}",
         "frac(partial z^([1]), partial W^([1]))"),
        (Name("x1"), "x_1", "x_1"),  # no layer
    ],
)  # fmt: skip
def test_layers_are_marked_above_their_names(node: Node, latex: str, typst: str) -> None:
    names = frozenset({"W1", "z1", "z2'", "yhat3", "b1_out", "W"})
    style = Style(layers="bracket", layer_names=names)
    assert (to_latex(node, style), to_typst(node, style)) == (latex, typst)
    assert to_plain(node, style) == to_plain(node)
    round_ = replace(style, layers="paren")
    assert to_latex(node, round_) == latex.replace("[", "(").replace("]", ")")
    plain_ = replace(style, layers="sub")
    assert (to_latex(node, plain_), to_typst(node, plain_)) == (to_latex(node), to_typst(node))


def test_entries_may_keep_the_capital_letter() -> None:
    style = Style(capitals=frozenset({"K"}))
    assert to_latex(juxtaposed(at("K", i, j), at("W", i, j)), style) == r"K_{ij}\,w_{ij}"
    assert to_typst(d(at("K", i, j)), style) == "d K_(i j)"


def test_which_entries_keep_the_capital_letter() -> None:
    """Those that are written entry by entry, and those whose small letter is taken."""
    body = Entrywise(("i",), (), over("a", juxtaposed(at("K", a, i), at("x", a))))
    equations = [("Y", body), ("z", juxtaposed(W, Name("Z"), x))]
    names = {"K", "x", "Y", "W", "z", "Z", "n", "N"}
    assert kept_capitals(equations, names) == {"Y", "K", "x", "Z", "N"}


def test_a_row_of_the_table_keeps_its_operator_where_it_is_explained() -> None:
    style = Style(functions={"excess": r"\operatorname{h}", "relu": r"\operatorname{ReLU}"})
    assert to_latex(Call("excess", (num(0),), (), 1), style) == r"\operatorname{h}'(0)"
    assert to_latex(Call("excess", (Name("u"),)), style) == r"\operatorname{h}(u)"
    assert to_latex(Call("excess", (plus(z, Neg(b)),), (), 1), style) == r"\mathbf{1}_{z > b}"
    assert to_latex(Call("relu", (plus(z, Neg(b)),), (), 1), style) == r"\operatorname{ReLU}'(z - b)"


def test_alignment_mark_stands_before_the_first_relation() -> None:
    node = equation(d(z), juxtaposed(W, x), num(1))
    assert to_latex(node, align=True) == "dz & = W x = 1"
    assert to_typst(node, align=True) == "d z & = W x = 1"
    assert to_latex(Row((node, equation(z, num(1)))), align=True) == r"dz & = W x = 1 \qquad z = 1"
    assert to_latex(juxtaposed(W, x), align=True) == "& W x"
    guarded = Where(at("x", i), (chain(i, ">", num(1)),))
    assert to_latex(guarded, align=True) == r"& x_i \quad (i > 1)"
    assert to_latex(equation(at("y", i), guarded), align=True) == r"y_i & = x_i \quad (i > 1)"


def test_braces_of_a_display_hang_at_one_depth() -> None:
    """The lower bodies get an invisible copy of the tallest matrix; matrices of one height none."""
    zeros = r"\vphantom{\begin{pmatrix} 0 \\ 0 \end{pmatrix}}"
    node = equation(z, plus(juxtaposed(Brace(row(1, 2), W), Brace(column(3, 4), x)), Brace(num(7), b)))
    assert to_latex(node) == (
        rf"z = \underbrace{{{zeros} \begin{{pmatrix}} 1 & 2 \end{{pmatrix}}}}_{{W}}\,"
        rf"\underbrace{{\begin{{pmatrix}} 3 \\ 4 \end{{pmatrix}}}}_{{x}} + \underbrace{{{zeros} 7}}_{{b}}"
    )
    assert to_typst(node).count('#vphantom($mat(delim: "(", 0; 0)$)') == 2
    level = juxtaposed(Brace(matrix((1, 2), (3, 4)), W), Brace(column(3, 4), x))
    assert "vphantom" not in to_latex(level)
    alone = plus(times(Neg(four), Brace(num(1), g)), part(L, W))
    assert "vphantom" not in to_latex(alone)


def test_labels_of_different_height_are_levelled() -> None:
    node = times(Brace(part(L, z), d(z)), Brace(part(z, W), Transpose(x)))
    assert r"_{dz\vphantom{x^T}} \cdot" in to_latex(node)


# --- whatever people call things ------------------------------------------------------------

HOSTILE = [
    r"W_{\input{/etc/passwd}}", r"\write18{rm}", "a$b", "x%y", "#read", '"', 'a"b', "{", "}}", "a&b", "~",
        "^^5c", "\n",
    "]", "a`b", "año", "ñ", "名前", "\u202e", "a_", "_", "__", "1", "1a", "'", "x'y", "a_b_c", "//", "*/",
    "$)", "\\",
]  # fmt: skip


def hostile_page() -> list[Node]:
    nodes: list[Node] = []
    for text in HOSTILE:
        name = Name(text)
        nodes.append(plus(name, juxtaposed(name, Transpose(name)), Index(name, (i, j)), squared(d(name))))
        nodes.append(plus(Call(text, (name, x), ((text, x),), 1), Sum(text, num(1), name, part(name, name))))
        nodes.append(Chain((x, Word(text)), ("=",), (text,)))
        nodes.append(Number(Fraction(7, 3), text))
    return nodes


@pytest.mark.parametrize("text", HOSTILE)
def test_data_is_never_emitted_raw(text: str) -> None:
    """No backslash, dollar or hash of a person's reaches the typesetter as such."""
    for node in (Name(text), Word(text), Call(text, (x,)), Chain((x, x), ("=",), (text,))):
        latex = to_latex(node, Style(words={text: text}))
        for trap in (r"\input", r"\write", "^^", "\n"):
            assert trap not in latex
        rest = latex
        for safe in (r"\$", r"\#", r"\%", r"\&"):
            rest = rest.replace(safe, "")
        assert not set("$#%&") & set(rest)
        bare = to_typst(node, Style(words={text: text})).replace("\\\\", "").replace('\\"', "")
        outside = "".join(bare.split('"')[::2])
        assert bare.count('"') % 2 == 0
        assert not set("$#\\`@/*") & set(outside.replace("\\,", "").replace("\\;", ""))


# --- plain text is read back ----------------------------------------------------------------

NAMES = (
    "W",
    "x",
    "b",
    "z",
    "y",
    "yhat",
    "L",
    "W1",
    "z1",
    "u",
    "v",
    "K",
    "z_out",
    "x'",
    "alpha",
    "n",
    "k",
    "T",
)
VOCABULARY = Vocabulary(functions={**ALIASES, "sum": "sum", "mean": "mean", "g": "g"}, names=frozenset(NAMES))
LOOSE_VOCABULARY = replace(VOCABULARY, names=None)


def nothing_hidden(node: Node) -> Node:
    """The tree without brackets and layout, and with what a text cannot tell made the same."""

    def even(part: Node) -> Node:
        part = tree.rebuild(part, even)
        match part:
            case Quotient(above, below, _):
                return Quotient(above, below)
            case Number(value, _, _) if value.denominator != 1 and "." not in to_plain(part):
                return Quotient(Number(Fraction(value.numerator)), Number(Fraction(value.denominator)))
            case Matrix(rows, "row"):
                return Matrix(rows)
            case Index(Gradient(of), places):
                return Gradient(Index(of, places))
        return part

    return even(undressed(node))


READ_BACK = [
    "W x + b", "1/2 (yhat - y)^2", "||yhat - y||^2", "W^T u", "u x^T", "u ⊙ v", "u * -v",
    "4 · 1 + 2 · 0 + (-5) · 2 + 7",
    "(u ⊙ v) x", "W (u * v)", "u ⊙ W x", "x[1]", "W[1,2]", "W[:,2]^T u", "x[2:3]", "x[i + 1]", "dW[p,q]",
    "sum(i = 1..n: W[j,i] x[i])", "sum((yhat - y)^2)", "1 b^T", "ones(n) b^T", "(1) b^T", "x / (1 + exp(-u))",
    "(x / y) z", "(x / y)^2", "x / y / z", "u x^T / sqrt(n) v", "1/2 / x", "-x^2", "(-x)^2", "x^(n - 1)",
    "x^-1",
    "x^(T)", "u - -3 v", "- -x", "dL/dz · dz/dW", "∂L/∂z · ∂z/∂W", "g'(z)", "elu(z, alpha = 2)", "max(z, 0)",
    "[[4, 2, -5]] [1, 0, 2]", "[[1, 2], [3, 4]]^T", "0.10 x", "1e-3 x", "x'", "alpha", "δ[j,p] x[q]",
    "abs(u)",
    "||W||_F^2", "2 (3)", "(u v) x", "u (v x)", "u - (v + x)", "-(u + v)", "2 · 1/2", "((u))", "pi", "T^T",
    "W1[1,12]", "z_out + W1 z1",
    "sum(i, j: W[i,j] x[i + j - 1])", "sum(i = 1..n, j: W[i,j])", "sum(i: x[i] where 1 ≤ i < n, i > 2)",
    "x[i] + b where i ≥ 2", "(x[i - 1] where i > 1) + b", "u (x[2 i - 1] where i = 3)",
    "entries(i, j: x[i] u[j])", "entries(i = 1..n, j = 1..n - 1: x[i])", "(sum(i: x[i]) where n > 2)^2",
    "max((x[i] where i > 1), 0)",
]  # fmt: skip


@pytest.mark.parametrize("text", READ_BACK)
def test_written_text_stays_as_it_is(text: str) -> None:
    """What the reader made is written back letter for letter."""
    assert to_plain(read(text, VOCABULARY)) == text


@pytest.mark.parametrize(
    "text",
    [
        "dW = u x^T",
        "W ∈ ℝ^{k×n}",
        "x ∈ ℝ^n",
        "b ∈ ℝ",
        "x = b ≈ 1 ≠ 2",
        "x ∈ ℝ^{n + 1}",
        "y[i] = x[i] where i > 1",
        "y[i] = (x[i] where i > 1) = b",
    ],
)
def test_written_statements_stay_as_they_are(text: str) -> None:
    assert to_plain(read_chain(text, VOCABULARY)) == text


def test_every_display_of_the_sample_is_readable_in_plain_text() -> None:
    """Statements of the sample, one by one, are read back without layout; cases and dots are for the eye."""
    seen = 0
    functions = {**VOCABULARY.functions, "L": "L", "max": "max"}
    wanted = Vocabulary(functions=functions, names=VOCABULARY.names - {"L", "n", "k"})  # type: ignore[operator]
    for node in sample():
        for statement in node.items if isinstance(node, Row) else (node,):
            kinds = {type(part) for part in tree.walk(statement)}
            text = to_plain(statement)
            if kinds & {Cases, Dots} or "L" in text or "w" in text or "n" in text or "k" in text:
                continue
            assert nothing_hidden(read_chain(text, wanted)) == nothing_hidden(bare_chain(statement)), text
            seen += 1
    assert seen >= 5


def bare_chain(node: Node) -> Node:
    """A boxed statement's members in one chain, as plain text shows them; words over relations gone."""
    plain = undressed(node)
    if not isinstance(plain, Chain):
        return plain
    members, relations = [], []
    for place, member in enumerate(plain.members):
        inner = member if isinstance(member, Chain) else Chain((member,), ())
        if place:
            relations.append(plain.relations[place - 1])
        members.extend(inner.members)
        relations.extend(inner.relations)
    return Chain(tuple(members), tuple(relations), (None,) * len(relations))


def numbers() -> st.SearchStrategy[Node]:
    fractions = st.fractions(min_value=0, max_value=50, max_denominator=12)
    return st.one_of(st.integers(0, 30).map(lambda value: Number(Fraction(value))), fractions.map(Number))


def trees() -> st.SearchStrategy[Node]:
    names = st.sampled_from(NAMES).map(Name)
    indices = st.one_of(st.sampled_from("ij").map(Name), st.integers(1, 12).map(num))
    places = st.lists(st.one_of(indices, st.just(everything)), min_size=1, max_size=2).map(tuple)
    leaves = st.one_of(
        names, numbers(), st.builds(Index, names, places), names.map(Gradient),
        st.builds(lambda of, where: Gradient(Index(of, where)), names, places),
        st.just(Constant("pi")), st.builds(Ones, names), st.builds(Delta, indices, indices),
        st.builds(Derivative, names, names),
        st.builds(lambda of, by: Derivative(of, by, straight=True), names, names),
    )  # fmt: skip
    return st.recursive(leaves, branches, max_leaves=9)


GUARDS = [(chain(i, "<", n),), (chain(n, "≥", i, "=", j), chain(j, ">", k))]


def branches(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    sign = st.sampled_from(("", "", "cdot", "odot", "*"))
    entry = inner.filter(
        lambda node: not isinstance(undressed(node), Matrix)
    )  # no arrays of arrays in plain text
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        inner.map(Neg), inner.map(Bracket), inner.map(Transpose), inner.map(Box), inner.map(Norm),
        several.map(Add), st.builds(Quotient, inner, inner, st.booleans()),
        st.builds(lambda factors, mark: Product(factors, (mark,) * (len(factors) - 1)), several, sign),
        st.builds(Power, inner, st.one_of(st.integers(0, 9).map(num), inner)),
        st.builds(lambda arg: Call("g", (arg,), (), 1), inner),
        st.builds(lambda first, second: Call("max", (first, second)), inner, inner),
        st.builds(lambda body, label: Brace(body, label), inner, inner),
        st.builds(lambda first, second: column(first, second), entry, entry),
        st.builds(lambda first, second: row(first, second), entry, entry),
        st.builds(lambda body: Sum("i", num(1), Name("n"), body), inner),
        st.builds(over, st.sampled_from(["i", "ij", "iji"]), inner),
        st.builds(Where, inner, st.sampled_from(GUARDS)),
        st.builds(lambda body: Entrywise(("i", "j"), (), body), inner),
        st.builds(lambda body: Entrywise(("i",), (plus(n, num(1)),), body), inner),
    )  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(trees())
def test_any_tree_is_read_back(node: Node) -> None:
    """Text → tree keeps everything but layout; what was read once is written the same for ever."""
    text = to_plain(node)
    again = read(text, VOCABULARY)
    assert nothing_hidden(again) == nothing_hidden(node), text
    assert read(to_plain(again), VOCABULARY) == again, text


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(trees())
def test_pictures_have_paired_brackets(node: Node) -> None:
    latex, typst = to_latex(node), to_typst(node)
    for pair in ("()", "{}"):
        assert latex.count(pair[0]) == latex.count(pair[1]), latex
    assert latex.count(r"\left") == latex.count(r"\right"), latex
    typst = typst.replace('"("', "")
    assert typst.count("(") == typst.count(")"), typst


# --- speed ------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [to_latex, to_typst, to_plain])
def test_a_large_gradient_is_printed_at_once(write) -> None:  # type: ignore[no-untyped-def]
    """64×64 entries dz_p x_q: about 20 ms; the limit leaves room for a slow machine."""
    ups, inputs = ([Index(Name(key), (num(place),)) for place in range(1, 65)] for key in "zx")
    whole = Matrix(tuple(tuple(juxtaposed(d(up), given_) for given_ in inputs) for up in ups))
    times_taken = []
    for _ in range(5):
        start = time.perf_counter()
        text = write(whole)
        times_taken.append(time.perf_counter() - start)
    assert len(text) > 4096 * 8
    assert min(times_taken) < 0.1


# --- pages --------------------------------------------------------------------------------------

LATEX_PAGE = r"""\documentclass[11pt,a4paper]{article}
\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}\usepackage{lmodern,textcomp}
\usepackage{amsmath,amssymb,xcolor}
\newcommand{\R}{\mathbb{R}}\newcommand{\Loss}{\mathcal{L}}\newcommand{\grad}[1]{\textcolor{red}{#1}}
\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}}\newcommand{\pdi}[2]{\partial #1/\partial #2}
\begin{document}
%s
\end{document}
"""

TYPST_PAGE = """#set page(width: 30cm, height: auto)
#let boxed(x) = box(stroke: .5pt, inset: 3.5pt, { set math.equation(numbering: none); $ #x $ })
#let grad(x) = text(fill: rgb(176, 0, 32), x)
#let vphantom(x) = context {
  let shown = math.equation(math.display(x))
  hide(shown)
  h(-measure(shown).width)
}
"""


def everything_there_is() -> list[Node]:
    return [
        *sample(),
        *(node for node, *_ in NODES),
        *(node for node, _ in BRACKETS + SPACING),
        *hostile_page(),
    ]


def test_every_formula_compiles_in_typst() -> None:
    import typst

    lines = [f"$ {to_typst(node, SPANISH)} $" for node in everything_there_is()]
    assert len(lines) > 300
    pdf = typst.compile((TYPST_PAGE + "\n".join(lines)).encode())
    assert pdf.startswith(b"%PDF")


@pytest.mark.parametrize("macros", [True, False])
def test_every_formula_compiles_in_latex(tmp_path: Path, macros: bool) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not on this machine")
    style = replace(SPANISH, macros=macros)
    lines = [rf"\[{to_latex(node, style)}\]" for node in everything_there_is()]
    (tmp_path / "page.tex").write_text(LATEX_PAGE % "\n".join(lines), encoding="utf-8")
    command = ["pdflatex", "-no-shell-escape", "-halt-on-error", "-interaction=nonstopmode", "page.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=120)
    assert run.returncode == 0, run.stdout[-2000:]
    assert "Missing character" not in (tmp_path / "page.log").read_text(errors="replace")
