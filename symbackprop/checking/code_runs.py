"""Code run at a point: what its names are worth there, those of the exercise and those it assigned itself."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Missing
from symbackprop.checking.code import OwnFunction
from symbackprop.checking.code_values import code_value
from symbackprop.checking.context import LOSS_LETTERS
from symbackprop.checking.desk import Desk
from symbackprop.checking.examples_axis import per_example
from symbackprop.checking.worlds import World
from symbackprop.notation import tree
from symbackprop.notation.tree import Node


@dataclass
class Program:
    """The code of a file so far: what names that the exercise does not have are assigned to.

    `stepped` are parameters after a step of descent, by the expression that made them. `growing` says how
    often a name is still changed in place (`dW2 += reg * W2`), `begun` what such a name is until then;
    `unsure` are names of which nobody knows what they are, as a line that changes them was not read.
    """

    statements: list[str] = field(default_factory=list)
    assigned: dict[str, ast.expr] = field(default_factory=dict)
    stepped: dict[str, ast.expr] = field(default_factory=dict)
    growing: dict[str, int] = field(default_factory=dict)
    begun: dict[str, ast.expr] = field(default_factory=dict)
    grown: Counter[str] = field(default_factory=Counter)
    unsure: set[str] = field(default_factory=set)
    own: Mapping[str, OwnFunction] = field(default_factory=dict)
    columns: bool | None = None

    @property
    def layouts(self) -> tuple[bool, ...]:
        """Vectors as columns and flat, or as the code gives them: `x = np.array([[1], [2]])`."""
        return (True, False) if self.columns is None else (self.columns,)


@dataclass(frozen=True, slots=True)
class Run:
    """One expression at one point, with vectors as columns or flat."""

    program: Program
    desk: Desk
    world: World
    columns: bool
    depth: int = 0
    before: frozenset[str] = frozenset()
    kept: dict[tuple[str, frozenset[str]], Array[Any]] = field(default_factory=dict)

    def value(self, node: ast.expr) -> tuple[Array[Any], frozenset[str]]:
        """Its value and notes. Raises Missing for a name that nobody knows, and what evaluation raises."""
        calls = {**self.desk.context.functions, **activation_letters(self.desk)}
        self.desk.budget.spend(sum(1 for _ in ast.walk(node)))
        made = code_value(
            node, self.look_up, self.world.working, columns=self.columns, calls=calls, own=self.program.own
        )
        self.desk.budget.spend(len(made.array.entries) >> 3)
        return made.array, made.notes

    def look_up(self, name: str) -> Array[Any]:
        """A name of the exercise, a gradient, or what the code assigned; each is computed once."""
        key = (name, self.before)
        if key not in self.kept:
            self.kept[key] = self._looked_up(name)
        return self.kept[key]

    def _looked_up(self, name: str) -> Array[Any]:
        deeper = replace(self, depth=self.depth + 1)
        if name in self.program.unsure:
            raise Missing(name)
        begun = self.program.begun.get(name)
        if begun is not None and name not in self.before and self.depth < _DEEP:
            return replace(deeper, before=self.before | {name}).value(begun)[0]
        stepped = self.program.stepped.get(name)
        if stepped is not None and name not in self.before and self.depth < _DEEP:
            return replace(deeper, before=self.before | {name}).value(stepped)[0]
        known = truth(self.desk, self.world, name)
        if known is not None:
            return known
        node = self.program.assigned.get(name)
        if node is not None and self.depth < _DEEP:
            return deeper.value(node)[0]
        size = self.world.working.sizes.get(name)
        if size is None and name in self.desk.context.sizes:
            named, axis = self.desk.context.sizes[name]
            size = self.world.value(named).shape[axis]
        if size is None:
            raise Missing(name)
        return Array((), (self.world.domain.from_fraction(Fraction(size)),))


OFTEN = 6
"""How often one name may be changed in place: each change may double the expression."""

CHANGED = re.compile(r"^[ \t]*(?:self\.)?(\w+)[ \t]*(?:\[[^=\n]*\])?[ \t]*[-+*/@]?=(?!=)", re.MULTILINE)
"""The names that lines of code assign to or change in place."""

_GROWN = re.compile(r"^[ \t]*(\w+)[ \t]*(?:[-+*/@]=|\[[^=\n]*[<>!=]=?[^=\n]*\][ \t]*=(?!=))", re.MULTILINE)


def growing(texts: Iterable[str]) -> dict[str, int]:
    """How often each name is changed in place in the code of a file."""
    return dict(Counter(name for text in texts for name in _GROWN.findall(text)))


_DEEP = 40
"""Assignments that one goes back through."""


def truth(desk: Desk, world: World, name: str) -> Array[Any] | None:
    """The value of a quantity of the exercise: a name, or a gradient as `dW`."""
    target = target_of(desk, name)
    if target is None:
        return None
    return truth_of(world, target, desk)


def target_of(desk: Desk, name: str) -> Node | None:
    """What a name in code is in the exercise."""
    context = desk.context
    shapes = context.exercise.shapes
    if name in shapes:
        return tree.Name(name)
    if name.startswith("d") and len(name) > 1:
        base = name[1:]
        if base == "y" and context.settings.dy != "y" and "yhat" in shapes and "y" in context.exercise.given:
            base = "yhat"
        found = base if base in shapes else context.variable(base)
        if found is not None and found in shapes and not (base in LOSS_LETTERS and base not in shapes):
            return tree.Gradient(tree.Name(found))
    found = context.variable(name)
    return tree.Name(found) if found is not None and found in shapes else None


def activation_letters(desk: Desk) -> dict[str, str]:
    """`f` and `g` for the one activation of the exercise."""
    functions = {call.function for call in desk.context.activations.values()}
    return dict.fromkeys(("f", "g"), next(iter(functions))) if len(functions) == 1 else {}


def truth_of(world: World, target: Node, desk: Desk) -> Array[Any]:
    """What a name or a gradient is at a random point, by the model itself."""
    if isinstance(target, tree.Gradient):
        assert isinstance(target.of, tree.Name)
        return per_example(world, target.of.name, desk.context.per_example)
    assert isinstance(target, tree.Name)
    return world.value(target.name)
