"""A gradient descent as its user sees it: losses and parameters in SymPy, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.derivation.descent import Descended, Moment
from symbackprop.derivation.results import in_sympy
from symbackprop.derivation.steps import Derivation
from symbackprop.exercise.model import Descent

__all__ = ["Descending"]


@dataclass(frozen=True, slots=True, repr=False)
class Descending:
    """A descent carried out: `losses[k]` and `at(k)` are after k steps, k = 0 being the start.

    Numbers are SymPy's: rationals are exact, irrational ones Floats with all the digits that are
    certain (beyond `limits.DESCENT_CERTIFIED` steps, that two precisions agree on, and some more).
    """

    derivation: Derivation
    made: Descended

    @property
    def plan(self) -> Descent:
        """What was asked for: `rate`, `steps`, `optimizer`, `options`, `parameters`."""
        return self.made.plan

    @property
    def certified(self) -> bool:
        """Whether every digit is certain, and not only agreed on by two precisions."""
        return self.made.certified

    @property
    def losses(self) -> tuple[Any, ...]:
        """The loss at the start and after each step."""
        return tuple(in_sympy(Array.scalar(one.loss)) for one in self.made.moments)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters after the last step, by name: matrices, a vector being n×1."""
        return _arrays(self.made.parameters)

    @property
    def last(self) -> dict[str, Any]:
        """The computed names, from the forward pass with the parameters after the last step."""
        return _arrays(self.made.last)

    def at(self, step: int) -> dict[str, Any]:
        """The parameters after `step` steps. Raises IndexError, KeyError where they were not kept."""
        return _arrays(_kept(self._moment(step), "parameters"))

    def gradients(self, step: int) -> dict[str, Any]:
        """The gradients from which step `step` + 1 was taken. Raises IndexError, KeyError where they
        were not kept, as after the last step."""
        return _arrays(_kept(self._moment(step), "gradients"))

    def _moment(self, step: int) -> Moment:
        if not 0 <= step < len(self.made.moments):
            raise IndexError(f"step {step}: the steps go from 0 to {self.plan.steps}")
        return self.made.moments[step]

    def __len__(self) -> int:
        return self.plan.steps

    def __repr__(self) -> str:
        plan, ends = self.plan, (self.made.moments[0], self.made.moments[-1])
        first, last = (f"{float(in_sympy(Array.scalar(one.loss))):.6g}" for one in ends)
        loss = self.derivation.exercise.loss
        return f"<{plan.steps} steps of {plan.optimizer}: {loss} from {first} to {last}>"


def _kept(moment: Moment, what: str) -> Mapping[str, Array[Any]]:
    found: Mapping[str, Array[Any]] | None = getattr(moment, what)
    if found is None:
        raise KeyError(f"the {what} of step {moment.number} were not kept")
    return found


def _arrays(found: Mapping[str, Array[Any]]) -> dict[str, Any]:
    return {name: in_sympy(array) for name, array in found.items()}
