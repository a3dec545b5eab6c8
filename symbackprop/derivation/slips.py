"""What the rows of `mistakes.py` are made with: its place, and a formula changed in one spot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from symbackprop import limits
from symbackprop.algebra.functions import OPERATIONS
from symbackprop.derivation.steps import Step
from symbackprop.exercise.model import Equation, Exercise
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Shape

NOT_APPLIED = OPERATIONS - {"softmax", "log_softmax"}
"""Calls that turn an array into another one, and are no function with a value before and one after."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong formula for a gradient; `about` is the part concerned, `instead` what stands there now."""

    formula: Node
    about: Node | None = None
    instead: Node | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mistake is made: one step, in its exercise, among the other `steps` where they are known."""

    exercise: Exercise
    step: Step
    steps: tuple[Step, ...] = ()

    @property
    def formula(self) -> Node:
        """The right formula."""
        return self.step.formula

    @property
    def shape(self) -> Shape:
        """The shape of the gradient."""
        return self.step.shape

    @property
    def through(self) -> tuple[str, ...]:
        """The names whose gradients come back to this one."""
        return tuple(part.through for part in self.step.substeps if part.entry)

    def rank(self, name: str) -> int:
        """The rank of a name of the model; a size is a scalar."""
        return len(self.exercise.shapes.get(name, ()))

    def applied(self, name: str) -> Equation | None:
        """The equation `a = g(z)` that applies a function to `name` entry by entry, if there is one."""
        return next((one for one in self.exercise.equations[:-1] if _argument(one) == name), None)

    def argument(self, name: str) -> str | None:
        """`z`, if `name` is computed as g(z)."""
        return next((_argument(one) for one in self.exercise.equations[:-1] if one.name == name), None)

    def body(self, name: str) -> Node | None:
        """The right side of the equation that computes `name`; None for a given name."""
        return next((one.body for one in self.exercise.equations if one.name == name), None)

    def gradient(self, name: str) -> Step | None:
        """The step that finds d`name`, if it is among the steps."""
        return next((one for one in self.steps if one.gradient and one.target == name), None)


def _argument(equation: Equation) -> str | None:
    match tree.undressed(equation.body):
        case tree.Call(function, (tree.Name(name),), _, 0) if function not in NOT_APPLIED:
            return name
    return None


Maker = Callable[[Place], Iterator[Wrong]]
"""What a row of the table does: the right formula in, wrong ones out."""


# --- changing a tree ----------------------------------------------------------------------


def at_each(
    node: Node,
    change: Callable[[Node], Iterable[Wrong]],
    *,
    into_quotients: bool = True,
    into_calls: bool = False,
) -> Iterator[Wrong]:
    """`node` with one part replaced by what `change` makes of it, for each part in turn.

    What stands inside a call is left alone unless `into_calls`; what stands under a d always.
    """
    yield from change(node)
    if isinstance(node, tree.Gradient):
        return
    if (isinstance(node, tree.Call) and not into_calls) or (
        isinstance(node, tree.Quotient) and not into_quotients
    ):
        return
    for place, child in enumerate(tree.children(node)):
        for new in at_each(child, change, into_quotients=into_quotients, into_calls=into_calls):
            yield Wrong(_with_child(node, place, new.formula), new.about, new.instead)


def _with_child(node: Node, place: int, new: Node) -> Node:
    left = iter(range(limits.TOKENS))
    return tree.rebuild(node, lambda child: new if next(left) == place else child)


def without(product: tree.Product, place: int) -> Node:
    """A product without one of its factors (and without the sign before it)."""
    factors = product.factors[:place] + product.factors[place + 1 :]
    gap = max(place - 1, 0)
    signs = product.signs[:gap] + product.signs[gap + 1 :]
    return tree.Product(factors, signs) if signs else factors[0]


def with_factor(product: tree.Product, place: int, factor: Node) -> Node:
    """A product with another factor at one place."""
    factors = (*product.factors[:place], factor, *product.factors[place + 1 :])
    return tree.Product(factors, product.signs)


def negative(node: Node) -> Node:
    """−A, and A for −A."""
    return node.body if isinstance(node, tree.Neg) else tree.Neg(node)


def transposed(node: Node) -> Node:
    """The transpose, written as a person would: (A B)ᵀ as Bᵀ Aᵀ, (Aᵀ)ᵀ as A."""
    match node:
        case tree.Transpose(body):
            return body
        case tree.Product(factors, signs) if not any(signs):
            return tree.juxtaposed(*(transposed(factor) for factor in reversed(factors)))
        case tree.Number() | tree.Quotient():
            return node
    return tree.Transpose(node)


def matrix_product(node: Node) -> tuple[Node, Node] | None:
    """The two factors of a juxtaposition such as `dz xᵀ`, numbers apart."""
    match node:
        case tree.Product((left, right), ("",)) if not isinstance(left, tree.Number | tree.Quotient):
            return left, right
    return None


def cancels(node: Node) -> bool:
    """Whether a term stands beside its opposite, a − a: nobody writes that by mistake."""
    for part in tree.walk(node):
        if isinstance(part, tree.Add):
            terms = set(part.terms)
            if any(isinstance(term, tree.Neg) and term.body in terms for term in terms):
                return True
    return False
