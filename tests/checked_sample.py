"""Findings made by hand: every verdict, every kind of node that only people write, and hostile text."""

from __future__ import annotations

from fractions import Fraction

from symbackprop.checking.findings import Checked, Finding, Named, Reason
from symbackprop.exercise import load
from symbackprop.notation.hand.nodes import Indicator, Marked, Nabla, Omitted, Primed, Said, Tuple
from symbackprop.notation.node import Span
from symbackprop.notation.tree import (
    Box,
    Brace,
    Bracket,
    Chain,
    Derivative,
    Gradient,
    Index,
    Matrix,
    Name,
    Neg,
    Node,
    Number,
    Power,
    Product,
    Space,
    Sum,
    Transpose,
    equation,
    juxtaposed,
    number,
    times,
)

HOSTILE = '\\input{/etc/passwd} $x$ </code><script>alert(1)</script> #read("/etc/passwd") %s <<7*7>> \x1b[31m'

W, X, Z, B, YHAT, ELL = (Name(name) for name in ("W", "x", "z", "b", "yhat", "ell"))
DZ, DW, DB, DX = (Gradient(name) for name in (Z, W, B, X))


def typed(text: str) -> Node:
    """A number as somebody wrote it."""
    return Number(Fraction(text), text)


def fraction(of: Node, by: Node) -> Derivative:
    """`dL/dz` with straight d."""
    return Derivative(of, by, straight=True)


LABEL = r"db = \underbrace{\frac{d\ell}{d\hat{y}}}_{dz} \cdot \underbrace{\frac{d\hat{y}}{db}}_1 = dz"
_DZ_LABEL = Gradient(Name("z"), span=Span(LABEL.index("{dz}") + 1, LABEL.index("{dz}") + 3))
LABELLED = Box(
    Chain(
        (DB, times(Brace(fraction(ELL, YHAT), _DZ_LABEL), Brace(fraction(YHAT, B), typed("1"))), DZ),
        ("=", "="),
    )
)
LONG = Chain(
    (
        DW,
        *(times(Bracket(Primed(Name("sigma"))), Index(W, (Name("j"), Name("i"))), Transpose(X)),) * 9,
    ),
    ("=",) * 9,
)
PLACE = _DZ_LABEL.span


def findings() -> tuple[Finding, ...]:
    """Each verdict once at least."""
    column = Matrix(((number(1),), (number(0),), (number(2),)), "column")
    return (
        Finding(
            line=6, column=3, verdict="definition", text=r"x = \begin{pmatrix} 1 \\ 0 \\ 2 \end{pmatrix}",
            written=Chain((X, column, Space((number(3),))), ("=", "∈")), reading=equation(X, column),
        ),
        Finding(
            line=9, column=3, verdict="correct", text=r"dW = dz\,x^T",
            written=equation(DW, juxtaposed(DZ, Transpose(X))),
            reading=equation(DW, juxtaposed(DZ, Transpose(X))),
        ),
        Finding(
            line=10, column=3, verdict="correct for this example", text="z = Wx = 1",
            written=equation(Z, juxtaposed(W, X), number(1)),
            reading=equation(Z, juxtaposed(W, X), number(1)),
            reasons=(Reason(key="check.condition", parts={"condition": equation(B, number(0))}),),
        ),
        Finding(
            line=12, column=3, verdict="rounded", text=r"\hat{y} \approx 0,6225",
            written=Chain((YHAT, typed("0.6225")), ("≈",)), reading=Chain((YHAT, typed("0.6225")), ("≈",)),
            reasons=(Reason(key="check.rounded"),),
        ),
        Finding(
            line=13, column=3, verdict="convention", text=r"= dz \cdot w^T",
            written=Chain((Omitted(), times(DZ, Transpose(Name("w")))), ("=",)),
            reading=equation(DX, times(DZ, Transpose(W))),
            reasons=(Reason(key="check.scalar_only", parts={"product": times(DZ, Transpose(W))}),),
        ),
        Finding(
            line=87, column=3, verdict="wrong", text=LABEL, written=LABELLED, place=PLACE,
            reading=equation(DB, Derivative(Name("L"), B), DZ),
            reasons=(Reason(key="check.label", parts={"label": DZ, "body": Gradient(YHAT)}),),
            mistakes=(Named(id="sign"), Named(id="factor_forgotten", about=Transpose(X))),
            expected=equation(DB, DZ),
        ),
        Finding(
            line=90, column=3, verdict="carried", text="dz^{[1]} = W^{[2]T} f'(z)", place=None,
            written=equation(
                Gradient(Marked(Z, "[", number(1))),
                juxtaposed(Transpose(Marked(W, "[", number(2))), Primed(Name("f")), Bracket(Z)),
            ),
            reading=equation(DZ, DW),
            reasons=(Reason(key="check.carried", parts={"name": DB, "line": 87}),),
        ),
        Finding(
            line=91, column=1, cell=2, kind="code", verdict="wrong", text="dW = np.outer(x, dz)",
            reading_text="dW = x dzᵀ", place=Span(14, 19),
            expected=equation(DW, juxtaposed(DZ, Transpose(X))),
        ),
        Finding(
            line=92, column=1, verdict="not read", text=HOSTILE, place=Span(0, 6),
            reasons=(Reason(key="check.read", parts={"message": HOSTILE}),),
        ),
        Finding(
            line=93, column=1, verdict="correct", text="many",
            written=Chain(
                (
                    Nabla(Name("calL"), W),
                    Tuple((typed("0.5"), number(2), Neg(typed("5")))),
                    Indicator(equation(Z, number(0), relation=">")),
                    Product((Power(Name("tanh"), number(2)), Bracket(Z)), ("",)),
                    Sum("j", number(1), Name("k"), Index(Name("w"), (Name("j"), Name("i")))),
                    Said(HOSTILE),
                ),
                ("=",) * 5, (HOSTILE, None, None, None, None),
            ),
            reading=equation(DW, DZ),
        ),
        Finding(line=94, column=1, verdict="correct", text="long", written=LONG, reading=LONG),
    )  # fmt: skip


def sample(source: str = "notes.md") -> Checked:
    """A checked derivation with every verdict in it."""
    return Checked(source=source, exercises=(load("neurona"), load("capa")), findings=findings())
