"""The table of functions: one row each, holding names and a formula, never a derivative.

SymPy finds the derivatives (`differentiate.py`). A formula is written in the program's own
notation, acts entry by entry, and its arguments are named in `arguments`. A function by cases
says which quantity decides (`on`) and from which bound upwards each piece holds; what happens
to the slope at a bound is derived, and is a *kink* where the one-sided slopes differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from symbackprop.notation.node import Plain

Kind = Literal["activation", "elementwise", "loss"]
Reduce = Literal["sum", "mean"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Piece(Plain):
    """`formula`, where the deciding quantity is at least `bound` (None: everywhere else)."""

    formula: str
    bound: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Function(Plain):
    """One row. `latex` is the operator as LaTeX writes it, `typst` and `plain` likewise.

    `options` are named arguments with their defaults. A loss acts on entries and then adds them
    up (`reduce="sum"`) or takes their mean. `tie` is the share of the upper piece's slope that
    is taken at a kink when nobody says otherwise: 0 takes the slope of the piece below the bound.
    `convention` is the name that an exercise gives the kink's value under; empty means `name`.
    Only rows of one argument have cases; losses, max and min are made of such rows.
    `compact` is how a loss over whole vectors is written on the board.
    """

    name: str
    kind: Kind
    latex: str
    typst: str
    plain: str
    pieces: tuple[Piece, ...]
    arguments: tuple[str, ...] = ("u",)
    on: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    aliases: tuple[str, ...] = ()
    reduce: Reduce | None = None
    tie: str = "0"
    convention: str = ""
    compact: str | None = None

    @property
    def smooth(self) -> bool:
        """Whether one formula serves everywhere."""
        return len(self.pieces) == 1

    @property
    def public(self) -> bool:
        """Whether people call it; the others are what losses, max and min are made of."""
        return not self.convention


def _operator(name: str, kind: Kind, *pieces: Piece | str, shown: str = "", **more: object) -> Function:
    """A row whose operator is printed as an upright name."""
    upright = shown or name
    made = tuple(Piece(piece) if isinstance(piece, str) else piece for piece in pieces)
    latex = rf"\operatorname{{{upright}}}"
    return Function(
        name=name, kind=kind, latex=latex, typst=f'op("{upright}")', plain=upright, pieces=made,
        **more,  # type: ignore[arg-type]  # the keywords are Function's own, checked by it
    )  # fmt: skip


def _known(name: str, formula: str, latex: str, typst: str, **more: object) -> Function:
    """A row whose operator the typesetters know by name (`\\tanh`)."""
    return Function(
        name=name, kind="activation" if name == "tanh" else "elementwise", latex=latex,
        typst=typst, plain=name, pieces=(Piece(formula),),
        **more,  # type: ignore[arg-type]  # the keywords are Function's own, checked by it
    )  # fmt: skip


def _pair(name: str, formula: str) -> Function:
    """A row of two arguments that the typesetters know by name."""
    return Function(
        name=name, kind="elementwise", latex="\\" + name, typst=name, plain=name,
        arguments=("u", "v"), pieces=(Piece(formula),),
    )  # fmt: skip


_PAIR = ("yhat", "y")

ROWS: tuple[Function, ...] = (
    # --- activations
    _operator("identity", "activation", "u", shown="id", aliases=("linear",)),
    _operator(
        "relu", "activation", Piece("u", "0"), Piece("0"), on="u", shown="ReLU", compact="max(u, 0)",
    ),
    _operator(
        "leaky_relu", "activation", Piece("u", "0"), Piece("slope u"), on="u", shown="LeakyReLU",
        options=(("slope", "1/100"),),
    ),
    _operator(
        "elu", "activation", Piece("u", "0"), Piece("alpha (exp(u) - 1)"), on="u", shown="ELU",
        options=(("alpha", "1"),),
    ),
    Function(
        name="sigmoid", kind="activation", latex=r"\sigma", typst="sigma", plain="sigmoid",
        pieces=(Piece("1 / (1 + exp(-u))"),), aliases=("logistic", "sigma"),
    ),
    _known("tanh", "(exp(u) - exp(-u)) / (exp(u) + exp(-u))", r"\tanh", "tanh"),
    _operator("softplus", "activation", "log(1 + exp(u))"),
    _operator("gelu", "activation", "1/2 u (1 + erf(u / sqrt(2)))", shown="GELU"),
    _operator(
        "gelu_tanh", "activation", "1/2 u (1 + tanh(sqrt(2 / pi) (u + 0.044715 u^3)))",
        shown="GELU",
    ),
    _operator("swish", "activation", "u / (1 + exp(-u))", aliases=("silu",)),
    # --- elementary functions; exp, log, sin, cos, erf and sqrt are the atoms of all formulas
    _known("exp", "exp(u)", r"\exp", "exp"),
    _known("log", "log(u)", r"\log", "log", aliases=("ln",)),
    _known("sin", "sin(u)", r"\sin", "sin", aliases=("sen",)),
    _known("cos", "cos(u)", r"\cos", "cos"),
    _operator("erf", "elementwise", "erf(u)"),
    _operator("sqrt", "elementwise", "sqrt(u)"),
    _operator("square", "elementwise", "u^2"),
    _operator("abs", "elementwise", Piece("u", "0"), Piece("-u"), on="u", tie="1/2"),
    # --- a kink under another name: the losses below, max and min are made of these
    _operator(
        "huber_core", "elementwise", Piece("delta u - 1/2 delta^2", "delta"), Piece("1/2 u^2", "-delta"),
        Piece("-delta u - 1/2 delta^2"), on="u", options=(("delta", "1"),), shown="H", convention="huber",
    ),
    _operator(
        "hinge_core", "elementwise", Piece("u", "0"), Piece("0"), on="u", shown="h", convention="hinge",
    ),
    _operator(
        "excess", "elementwise", Piece("u", "0"), Piece("0"), on="u", tie="1/2", shown="h",
        convention="max",
    ),
    _pair("max", "v + excess(u - v)"),
    _pair("min", "v - excess(v - u)"),
    # --- losses
    _operator(
        "half_squared_error", "loss", "1/2 (yhat - y)^2", arguments=_PAIR, reduce="sum",
        compact="1/2 ||yhat - y||^2",
    ),
    _operator(
        "squared_error", "loss", "(yhat - y)^2", arguments=_PAIR, reduce="sum",
        compact="||yhat - y||^2",
    ),
    _operator("mse", "loss", "(yhat - y)^2", arguments=_PAIR, reduce="mean", shown="MSE"),
    _operator("absolute_error", "loss", "abs(yhat - y)", arguments=_PAIR, reduce="sum"),
    _operator(
        "huber", "loss", "huber_core(yhat - y, delta = delta)", arguments=_PAIR, reduce="sum",
        options=(("delta", "1"),), shown="Huber",
    ),
    _operator("hinge", "loss", "hinge_core(1 - y s)", arguments=("s", "y"), reduce="sum"),
    _operator(
        "cross_entropy", "loss", "-t log(p)", arguments=("p", "t"), reduce="sum", shown="CE",
    ),
    _operator(
        "bce", "loss", "-y log(p) - (1 - y) log(1 - p)", arguments=("p", "y"), reduce="sum",
        shown="BCE",
    ),
    _operator(
        "bce_logits", "loss", "softplus(z) - y z", arguments=("z", "y"), reduce="sum",
        shown="BCE",
    ),
)  # fmt: skip

TABLE: Mapping[str, Function] = MappingProxyType({row.name: row for row in ROWS})
"""The rows by their canonical names."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {alias: row.name for row in ROWS for alias in (row.name, *row.aliases)}
)
"""Every name a function may be called by, and its canonical name."""

OPERATIONS: frozenset[str] = frozenset({
    "sum", "mean", "softmax", "log_softmax", "cross_entropy_logits", "trace", "diag", "eye", "zeros", "dot",
    "outer", "onehot", "stack", "hstack",
})  # fmt: skip
"""Calls that are not entry by entry and are no rows."""

ATOMS: frozenset[str] = frozenset({"exp", "log", "sin", "cos", "erf", "sqrt"})
"""The rows that formulas bottom out in: evaluators know them by themselves."""
