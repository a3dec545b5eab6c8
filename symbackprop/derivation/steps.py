"""What a derivation is made of: links, steps, quantities. All frozen; no words, no formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from symbackprop.algebra.values.arrays import Array
from symbackprop.exercise.model import Equation, Exercise
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Call, Node, Relation, Shape, Size

if TYPE_CHECKING:  # who only evaluates needs no index form
    from symbackprop.algebra.assumed import SumFact
    from symbackprop.algebra.indexform import Expr
    from symbackprop.algebra.lower import Lowering
    from symbackprop.algebra.slopes import Slope
    from symbackprop.derivation.descent import Descended

ProofMethod = Literal[
    "given", "definition", "sympy", "delta", "gfp", "exact", "interval", "convention", "differences"
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Proof(Plain):
    """How a link was proved, and at how many points where that is the kind of proof."""

    method: ProofMethod
    points: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Link(Plain):
    """One relation of a chain; `reason` is a key of the language files."""

    left: Node
    right: Node
    relation: Relation = "="
    reason: str
    proof: Proof


Rule = Literal["forward", "loss", "elementwise", "affine", "general", "sum", "unreached", "seed"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Contribution(Plain):
    """What one equation that uses the target sends back to it.

    target, through: `W`, `z`; `jacobian` is ∂z_j/∂W_pq with its sums and deltas as SymPy left
    them, `collapsed` with the deltas used up as far as the free indices allow; `entry` is
    Σ_j dz_j ∂z_j/∂W_pq with j summed away; `matrix` its reading as matrices (None if there is
    none); `local` the factor beside dz where ∂z/∂W is no third-order tensor.
    """

    target: str
    through: str
    rule: Rule
    free: tuple[str, ...]
    summed: tuple[str, ...]
    jacobian: Expr
    collapsed: Expr
    product: Expr
    entry: Expr
    matrix: Node | None
    local: Node | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Collapse(Plain):
    """The chain rule with what arrives at `through` put in, and how it becomes short.

    `put` is the entry with the formula of d`through` in it, `cancelled` what is left when fractions
    are cancelled and brackets multiplied out, `final` that with `facts` used.
    """

    through: str
    put: Expr
    cancelled: Expr
    final: Expr
    facts: tuple[SumFact, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Level(Plain):
    """A coarser view of one contribution: a row or a column of the target at a time."""

    kind: Literal["row", "column", "entry"]
    fixed: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Layer(Plain):
    """One affine equation and what is applied to its result, with symbolic sizes."""

    equations: tuple[Equation, ...]
    shapes: Mapping[str, Shape]
    sizes: Mapping[str, Size]
    lowering: Lowering
    contributions: tuple[Contribution, ...]

    def expr(self, through: str) -> tuple[tuple[str, ...], Expr]:
        """The axes and the entry of one of its equations."""
        body = next(one.body for one in self.equations if one.name == through)
        made = self.lowering.tensor(body)
        return made.axes, made.expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Step(Plain):
    """One quantity derived: `target` as a name (`z`), `gradient` for dz.

    `formula` is the right-hand side in matrices and named gradients, `uses` the names of the
    quantities (`dz`) it cites, `links` the chain on the page, `substeps` its contributions.
    `collapse` is how `formula` became shorter than its one contribution's `matrix`, where it did.
    """

    rule: Rule
    target: str
    gradient: bool
    shape: Shape
    formula: Node
    uses: tuple[str, ...]
    links: tuple[Link, ...]
    substeps: tuple[Contribution, ...] = ()
    collapse: Collapse | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Check(Plain):
    """One line of the table of checks: what, how, how many of how many."""

    kind: Literal["formula", "numbers", "kink", "readback", "general", "second", "slope", "unchecked"]
    what: tuple[str, ...]
    agreed: int
    tried: int
    sizes: tuple[tuple[int, ...], ...] = ()
    exact: bool = True
    step: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Quantity(Plain):
    """A value of the forward or backward pass. `numbers` is None where a symbol is in the way."""

    name: str
    target: str
    gradient: bool
    shape: Shape
    formula: Node | None
    numbers: Array[Any] | None


def slope_key(call: Call) -> str:
    """`elu(alpha = 2)`."""
    from symbackprop.notation.write import to_plain  # only where a function is used twice

    return f"{call.function}({', '.join(f'{name} = {to_plain(value)}' for name, value in call.options)})"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Derivation(Plain):
    """The whole worked derivation, certified.

    `steps` are the forward ones in order and then the backward ones, from the loss down. `slopes`
    has the derivatives of the functions whose prime occurs, by name; of a function that is used
    with several sets of options, the later ones by name and options (`slope_key`). `descent` is
    the gradient descent that the exercise asks for.
    """

    exercise: Exercise
    steps: tuple[Step, ...]
    slopes: Mapping[str, Slope]
    quantities: Mapping[str, Quantity]
    layers: tuple[Layer, ...] = ()
    checks: tuple[Check, ...] = ()
    digits: int = 4
    notes: tuple[str, ...] = field(default=())
    descent: Descended | None = None

    def __getitem__(self, name: str) -> Any:
        from symbackprop.derivation.results import result

        return result(self, name)

    @property
    def forward(self) -> tuple[Step, ...]:
        """The steps from the inputs to the loss."""
        return tuple(step for step in self.steps if not step.gradient)

    @property
    def backward(self) -> tuple[Step, ...]:
        """The steps from the loss down."""
        return tuple(step for step in self.steps if step.gradient)

    def slope_of(self, call: Call) -> Slope | None:
        """The derivative of the function that is called, with the options of the call."""
        for one in (self.slopes.get(call.function), self.slopes.get(slope_key(call))):
            if one is not None and one.options == call.options:
                return one
        return None

    def step(self, name: str) -> Step:
        """The step of `z` or of `dz`. Raises KeyError."""
        for one in self.steps:
            if ("d" if one.gradient else "") + one.target == name:
                return one
        raise KeyError(name)
