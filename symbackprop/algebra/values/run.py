"""A model run forward, and its loss differentiated along a direction.

`equations` are (name, formula) in order; the last is the loss. A name that already has a value keeps it, so
that any computed name can be treated as an input by giving its value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import DomainProblem, Symbolic
from symbackprop.algebra.values.dual import Dual, Duals
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.notation.tree import Node, names_in

T = TypeVar("T")

Equations = Sequence[tuple[str, Node]]


def forward(
    equations: Equations, env: Mapping[str, Array[T]], evaluator: Evaluator[T], *, partial: bool = False
) -> dict[str, Array[T]]:
    """`env` with the value of every equation; the loss has shape `()`.

    `partial`: equations that stay symbolic, and those that use them, are left out; else they raise Symbolic.
    Raises what `Evaluator.evaluate` raises; a DomainProblem says in which equation.
    """
    values = dict(env)
    for name, body in equations:
        if name in values:
            continue
        try:
            values[name] = in_equation(name, body, values, evaluator)
        except Symbolic:
            if not partial:
                raise
    loss = equations[-1][0]
    if loss in values and len(values[loss].entries) == 1:
        values[loss] = values[loss].reshaped(())
    return values


def in_equation(name: str, body: Node, env: Mapping[str, Array[T]], evaluator: Evaluator[T]) -> Array[T]:
    """The right side of an equation; a DomainProblem says in which one."""
    try:
        return evaluator.evaluate(body, env)
    except DomainProblem as problem:
        raise problem.at(f"equation {name}") from None


def dependents(equations: Equations, names: Sequence[str]) -> list[tuple[str, Node]]:
    """The equations that change when `names` do, in order; the own equations of `names` are cut."""
    moving = set(names)
    found = []
    for name, body in equations:
        if name not in names and not moving.isdisjoint(names_in(body)):
            moving.add(name)
            found.append((name, body))
    return found


def directional(
    equations: Equations,
    env: Mapping[str, Array[T]],
    directions: Mapping[str, Array[T]],
    evaluator: Evaluator[T],
) -> T:
    """Σ over names of ⟨∂loss/∂name, direction⟩, by dual numbers over the evaluator's domain.

    A computed name in `directions` is treated as an input: its own equation is cut. `env` may hold computed
    values already (from `forward`), which saves computing them again. Raises what `forward` raises.
    """
    duals: Duals[Any] = Duals(evaluator.domain)
    over = evaluator.over(duals)
    values = forward(equations, env, evaluator)
    moving: dict[str, Array[Dual[Any]]] = {
        name: duals.seeded(values[name], direction) for name, direction in directions.items()
    }
    still: dict[str, Array[Dual[Any]]] = {}
    for name, body in dependents(equations, list(directions)):
        for used in names_in(body):
            if used not in moving and used not in still and used in values:
                still[used] = duals.lift_array(values[used])
        moving[name] = in_equation(name, body, {**still, **moving}, over)
    loss = equations[-1][0]
    slope: T = moving[loss].item.slope if loss in moving else evaluator.domain.zero
    return slope
