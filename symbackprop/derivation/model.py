"""A model ready to be derived: its equations as entries, and who uses whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from symbackprop.algebra.functions import TABLE, Function
from symbackprop.algebra.values.apply import formula
from symbackprop.exercise.model import Equation, Exercise
from symbackprop.notation import sizes as size_forms
from symbackprop.notation import tree
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node, Shape

if TYPE_CHECKING:  # who only evaluates a model needs no index form, and imports none
    from symbackprop.algebra.assumed import SumFact
    from symbackprop.algebra.lower import Lowering, Tensor


def lowering(shapes: Mapping[str, Shape], functions: Mapping[str, Function]) -> Lowering:
    """What turns trees over these shapes into entries."""
    from symbackprop.algebra.lower import Lowering

    own = frozenset(functions)
    sizes = frozenset(name for shape in shapes.values() for size in shape for name in size_forms.names(size))
    return Lowering(shapes, functions, lambda text, _: formula(text, own), sizes)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Model(Plain):
    """The exercise's equations with their dependencies."""

    exercise: Exercise
    _lowering: list[Lowering] = field(default_factory=list)
    _tensors: dict[str, Tensor] = field(default_factory=dict)
    _users: dict[str, list[Equation]] = field(default_factory=dict)
    _facts: list[SumFact] = field(default_factory=list)
    _equations: dict[str, Equation] = field(default_factory=dict)

    @classmethod
    def of(cls, exercise: Exercise) -> Model:
        """The model of an exercise."""
        return cls(exercise)

    @property
    def lowering(self) -> Lowering:
        """What turns the exercise's trees into entries."""
        if not self._lowering:
            self._lowering.append(lowering(self.exercise.shapes, self.exercise.functions))
        return self._lowering[0]

    def equation(self, name: str) -> Equation:
        """The equation that computes `name`. Raises KeyError."""
        if not self._equations:
            self._equations.update((one.name, one) for one in self.exercise.equations)
        return self._equations[name]

    def sum_facts(self) -> tuple[SumFact, ...]:
        """The facts about sums of one name's entries: those stated, and what follows for computed names.

        A one-hot vector adds up to 1, so do softmax and, with Σ t = 1, smoothed labels.
        """
        if not self._facts:
            pairs = [fact.chain.members for fact in self.exercise.facts if fact.chain.relations == ("=",)]
            made = [self._fact(left, right) for left, right in pairs]
            self._facts.extend(fact for fact in made if fact is not None)
            for one in self.exercise.equations:
                self._facts.extend(self._following(one))
        return tuple(self._facts)

    def _following(self, one: Equation) -> Iterator[SumFact]:
        """Over which axes the entries of a computed name add up to a number."""
        from symbackprop.algebra import indexform as ix
        from symbackprop.algebra.assumed import SumFact, with_facts
        from symbackprop.algebra.collapsing import multiplied_out
        from symbackprop.algebra.lower import CannotDerive

        bare = tree.undressed(one.body)
        called = bare.function if isinstance(bare, tree.Call) else ""
        shape = self.exercise.shapes[one.name]
        if called == "softmax" and isinstance(bare, tree.Call):
            columns = dict(bare.options).get("axis") == tree.number(0)
            yield SumFact(name=one.name, summed=(0 if columns else len(shape) - 1,), value=Fraction(1))
        stated = {fact.name for fact in self._facts}
        if called != "onehot" and stated.isdisjoint(tree.names_in(one.body)):
            return
        try:
            made = self.tensor(one.name)
        except CannotDerive:
            return  # said where its gradient is asked for
        for at, (axis, size) in enumerate(zip(made.axes, made.shape, strict=True)):
            total = multiplied_out(ix.summed(made.expr, axis, size or 1))
            known, used = with_facts(total, self._facts)
            value = ix.number_of(multiplied_out(known))
            if value is not None and (used or called == "onehot"):
                yield SumFact(name=one.name, summed=(at,), value=value)

    def assume(self, fact: SumFact) -> None:
        """One more fact, for a model of one's own."""
        self.sum_facts()
        self._facts.append(fact)

    def _fact(self, left: Node, right: Node) -> SumFact | None:
        from symbackprop.algebra.assumed import sum_fact
        from symbackprop.algebra.lower import CannotDerive

        try:
            first, second = self.lowering.tensor(left), self.lowering.tensor(right)
        except CannotDerive:
            return None
        return sum_fact(first.expr, second.expr)

    def tensor(self, name: str) -> Tensor:
        """The right side of an equation as an entry; a loss of size 1 as the sum of its one entry.

        Raises CannotDerive, naming the equation.
        """
        if name not in self._tensors:
            self._tensors[name] = self._lowered(self.equation(name))
        return self._tensors[name]

    def _lowered(self, equation: Equation) -> Tensor:
        from symbackprop.algebra import indexform as ix
        from symbackprop.algebra.lower import CannotDerive, Tensor

        try:
            made = self.lowering.tensor(equation.body)
            if equation.name == self.exercise.loss:
                made = Tensor((), (), self.lowering.scalar(equation.body))
        except CannotDerive as error:
            raise error.within(equation.name) from None
        stray = sorted(ix.free_indices(made.expr) - set(made.axes))
        if stray:
            message = f"the index {stray[0]} is neither a number nor the index of a sum"
            raise CannotDerive(equation.body, message, equation=equation.name)
        return made

    def users(self, name: str) -> tuple[Equation, ...]:
        """The equations whose right side has `name`, in order."""
        if not self._users:
            for one in self.exercise.equations:
                for used in tree.names_in(one.body):
                    self._users.setdefault(used, []).append(one)
        return tuple(self._users.get(name, ()))

    def reaching(self) -> set[str]:
        """The names that the loss depends on, itself included."""
        found = {self.exercise.loss}
        for one in reversed(self.exercise.equations):
            if one.name in found:
                found.update(name for name in tree.names_in(one.body) if name in self.exercise.shapes)
        return found

    def row(self, function: str) -> Function | None:
        """A function of the exercise or of the table."""
        return self.exercise.functions.get(function) or TABLE.get(function)

    def calls(self, node: Node) -> Iterator[tree.Call]:
        """The calls of rows (not of sums) in `node`, in written order."""
        for part in tree.walk(node):
            if isinstance(part, tree.Call) and self.row(part.function) is not None:
                yield part
