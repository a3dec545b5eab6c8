"""The letters and numbers of a gradient descent on the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

from symbackprop.algebra.optimizers import COUNT, GRADIENT, OPTIMIZERS, PARAMETER, RATE, Optimizer
from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.exact import Exact
from symbackprop.derivation.descent import Arrays, Descended
from symbackprop.notation import tree
from symbackprop.notation.tree import Node
from symbackprop.report.facts import BITS
from symbackprop.report.unfold import is_numeral
from symbackprop.report.view import View

WIDE: Final = 6
"""Columns of a matrix beyond which two of them do not fit side by side."""

_SPARE: Final = {
    "theta": "phi", "eta": "alpha", "t": "s", "v": "u", "m": "p", "mu": "rho", "beta1": "rho1",
    "beta2": "rho2", "epsilon": "delta",
}  # fmt: skip
"""Other letters for what an optimiser calls, where the model has a name of its own like that."""


@dataclass(frozen=True)
class Board:
    """A descent and the letters of its formulas, none of which is a name of the model."""

    view: View
    made: Descended

    @property
    def row(self) -> Optimizer:
        """The optimiser."""
        return OPTIMIZERS[self.made.plan.optimizer]

    @property
    def lone(self) -> bool:
        """Whether every parameter is one number."""
        return all(self.view.lone(name) for name in self.made.plan.parameters)

    @property
    def alone(self) -> str | None:
        """The only parameter."""
        names = self.made.plan.parameters
        return names[0] if len(names) == 1 else None

    @cached_property
    def letters(self) -> Mapping[str, str]:
        """The letter of each name in the formulas; a hat stays on its letter."""
        taken = {*self.view.derivation.exercise.shapes, *self.view.derivation.exercise.functions}
        names = [PARAMETER, RATE, COUNT, *self.row.states, *(one.symbol for one in self.row.options)]
        found = {name: _SPARE.get(name, name) if name in taken else name for name in names}
        for target, _ in self.row.updates:
            bare = target.removesuffix("hat")
            found.setdefault(target, found.get(bare, bare) + "hat" * (bare != target))
        return found

    def letter(self, name: str, parameter: str | None = None) -> Node:
        """`η`; of the states of a parameter, where there are several, `v_W`."""
        if name == PARAMETER:
            return tree.Name(parameter or self.alone or self.letters[name])
        if name == GRADIENT:
            return tree.Gradient(self.letter(PARAMETER, parameter))
        made: Node = tree.Name(self.letters[name])
        own = name in {target for target, _ in self.row.updates}
        return tree.Index(made, (tree.Name(parameter),)) if own and parameter and not self.alone else made

    def formulas(self, parameter: str | None = None) -> Iterator[tuple[str, Node, Node]]:
        """Each name that is computed, as a letter, with its formula; of any parameter if none is named."""
        names = (PARAMETER, GRADIENT, RATE, COUNT)
        options = [option.symbol for option in self.row.options]
        targets = [target for target, _ in self.row.updates]
        table = {name: self.letter(name, parameter) for name in (*names, *options, *targets)}
        lone = self.view.lone(parameter) if parameter else self.lone
        for target, text in self.row.updates:
            yield target, table[target], tree.replace_names(_squares(formula(text), lone), table)

    def number(self, value: Fraction) -> Node:
        """An exact number as it is shown; 1 · 10^-8 is simply 10^-8."""
        made = self.view.entry(value)
        if isinstance(made, tree.Product) and made.factors[0] == tree.number(1) and len(made.factors) == 2:
            return made.factors[1]
        return made

    def exact(self, *arrays: Array[Any]) -> bool:
        """Whether all of these are printed exactly."""
        values = (value for array in arrays for value in array.entries)
        return all(self.view.facts.shown(value, self.view.digits)[1] for value in values)

    def relation(self, *arrays: Array[Any]) -> tree.Relation:
        """`=`, or `≈` where something is rounded."""
        return "=" if self.exact(*arrays) else "≈"


def _squares(node: Node, lone: bool) -> Node:
    """`square(g)` as on the board: g², or g ⊙ g entry by entry."""
    node = tree.rebuild(node, lambda part: _squares(part, lone))
    if isinstance(node, tree.Call) and node.function == "square":
        (base,) = node.args
        return tree.Power(base, tree.number(2)) if lone else tree.times(base, base, sign="odot")
    return node


# --- formulas with numbers in ---------------------------------------------------------------------


def put_in(board: Board, node: Node, known: Arrays) -> Node | None:
    """A formula with numbers for its names; None where it would be a quotient of columns, or too wide."""
    if any(len(array.shape) > 1 and array.shape[-1] > WIDE for array in known.values()):
        return None
    table = {
        name: board.view.array(array) if array.shape else board.number(array.item)
        for name, array in known.items()
    }
    made = _with_values(node, table, known, board.view)
    for part in tree.walk(made):
        if isinstance(part, tree.Quotient) and any(isinstance(p, tree.Matrix) for p in tree.walk(part)):
            return None
    return made


def _with_values(node: Node, table: Mapping[str, Node], known: Arrays, view: View) -> Node:
    """Values for names; numbers side by side get a dot, and a negative one that is added its brackets."""

    def go(part: Node) -> Node:
        return _with_values(part, table, known, view)

    match node:
        case tree.Name(name):
            return table[name]
        case tree.Call("square", (tree.Name(name),)):
            return _squared(known[name], table[name], view)
        case tree.Product(factors):
            made = tuple(map(go, factors))
            dots = tuple("cdot" if is_numeral(a) and is_numeral(b) else "" for a, b in pairwise(made))
            return tree.Product(made, dots)
        case tree.Add(terms):
            first, *rest = map(go, terms)
            return tree.Add((first, *map(_bracketed, terms[1:], rest)))
    return tree.rebuild(node, go)


def _bracketed(old: Node, new: Node) -> Node:
    """`+ (−3)` for a negative number that is added."""
    negative = isinstance(new, tree.Neg) and not isinstance(old, tree.Neg) and is_numeral(new)
    return tree.Bracket(new) if negative else new


def _squared(array: Array[Any], shown: Node, view: View) -> Node:
    """`(−4)²`; of an array the squares of its entries."""
    if len(array.entries) == 1:
        return tree.Power(shown, tree.number(2))
    return view.array(array.map(lambda value: Exact(BITS).mul(value, value)))
