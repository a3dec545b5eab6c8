"""Which of a person's wrong values a line follows from: `db = 4` from `dz = 4`, not from `dx` in between."""

from __future__ import annotations

from collections.abc import Callable

from symbackprop.checking.budget import OverBudget
from symbackprop.checking.desk import Desk
from symbackprop.checking.worlds import World

MOST = 12
"""Wrong values that are looked at one by one."""


def cause(desk: Desk, holds: Callable[[tuple[World, ...]], bool]) -> str:
    """The earliest wrong value with which alone the line holds, else the first without which it does not."""
    names = list(desk.lines)
    if len(names) < 2:
        return "".join(names)
    left = desk.budget.left
    desk.budget.renew()
    try:
        for name in names[:MOST]:
            if holds(desk.carrying({name})):
                return name
        for name in names[:MOST]:
            if not holds(desk.carrying({*names} - {name})):
                return name
    except (OverBudget, ArithmeticError):
        pass  # it follows from them all the same
    finally:
        desk.budget.renew(left)
    return names[-1]
