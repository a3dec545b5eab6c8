"""The work that may be spent on one line: what a formula asks for is unbounded, what it gets is not."""

from __future__ import annotations

from typing import Any

from symbackprop import limits


class OverBudget(Exception):
    """A line asks for more work than the limit. No verdict follows from it, neither right nor wrong: so it
    is no ArithmeticError, which judges of values know how to handle."""


class Budget:
    """Operations that are left for a line: about one for each part of a formula and each eight entries of
    its value, at each point where it is looked at. `values` are those found for it so far, so that the member
    in the middle of `a = b = c` is evaluated once."""

    __slots__ = ("left", "most", "values")

    def __init__(self, most: int = limits.HAND_OPERATIONS) -> None:
        self.left = self.most = most
        self.values: dict[Any, Any] = {}

    def begin(self) -> None:
        """For the next line."""
        self.left = self.most
        self.values.clear()

    def renew(self, operations: int | None = None) -> None:
        """For the next thing to find out about the same line."""
        self.left = self.most if operations is None else operations

    def spend(self, operations: int) -> None:
        """Raises OverBudget where nothing is left."""
        self.left -= operations
        if self.left < 0:
            raise OverBudget
