"""The table of optimisers: one row each, holding its formulas as text and its options.

A row says how one step of gradient descent changes one parameter, in the program's own notation,
entry by entry. The names that mean something in every row:

    theta   the parameter         g   its gradient, dL/dtheta, where the step begins
    eta     the learning rate     t   the number of the step, from 1

and besides those the row's own: options under their `symbol`, and what its formulas compute. What
a formula computes and the next step uses again is a *state*: it is 0 before the first step, and
has the shape of the parameter. The formula of `theta` comes last.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from symbackprop.notation.node import Plain

PARAMETER, GRADIENT, RATE, COUNT = "theta", "g", "eta", "t"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Option(Plain):
    """A number of an optimiser: its key in exercise files, its symbol in formulas, its default.

    It lies between `low` and `high` (None: no bound); `high` itself is never allowed, `low` where
    `closed`.
    """

    name: str
    symbol: str
    default: str
    low: str = "0"
    high: str | None = "1"
    closed: bool = True

    def allows(self, value: Fraction) -> bool:
        """Whether `value` lies in the range."""
        low = Fraction(self.low)
        above = value >= low if self.closed else value > low
        return above and (self.high is None or value < Fraction(self.high))

    @property
    def range(self) -> str:
        """`0 <= beta1 < 1`, for a message."""
        upper = f" < {self.high}" if self.high is not None else ""
        return f"{self.low} {'<=' if self.closed else '<'} {self.name}{upper}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Optimizer(Plain):
    """One row. `updates` are (name, formula), carried out in order; `states` start from 0.

    `shown` is its name on the page, in every language; `source` where the formulas were published.
    """

    name: str
    shown: str
    updates: tuple[tuple[str, str], ...]
    options: tuple[Option, ...] = ()
    states: tuple[str, ...] = ()
    source: str = ""

    def option(self, name: str) -> Option | None:
        """The option of that key."""
        return next((one for one in self.options if one.name == name), None)


ROWS: tuple[Optimizer, ...] = (
    Optimizer(
        name="sgd", shown="SGD",
        updates=(("theta", "theta - eta g"),),
        source="Cauchy, Comptes rendus 25 (1847), 536-538",
    ),
    Optimizer(
        name="momentum", shown="momentum",
        updates=(("v", "mu v + g"), ("theta", "theta - eta v")),
        options=(Option(name="momentum", symbol="mu", default="9/10"),),
        states=("v",),
        source="Polyak, USSR Comput. Math. Math. Phys. 4 (1964), 1-17",
    ),
    Optimizer(
        name="adam", shown="Adam",
        updates=(
            ("m", "beta1 m + (1 - beta1) g"),
            ("v", "beta2 v + (1 - beta2) square(g)"),
            ("mhat", "m / (1 - beta1^t)"),
            ("vhat", "v / (1 - beta2^t)"),
            ("theta", "theta - eta mhat / (sqrt(vhat) + epsilon)"),
        ),
        options=(
            Option(name="beta1", symbol="beta1", default="9/10"),
            Option(name="beta2", symbol="beta2", default="999/1000"),
            Option(name="epsilon", symbol="epsilon", default="1e-8", high=None, closed=False),
        ),
        states=("m", "v"),
        source="Kingma and Ba, arXiv:1412.6980 (2015), algorithm 1",
    ),
)  # fmt: skip

OPTIMIZERS: Mapping[str, Optimizer] = MappingProxyType({row.name: row for row in ROWS})
"""The rows by their names."""

DEFAULT_OPTIMIZER = "sgd"
