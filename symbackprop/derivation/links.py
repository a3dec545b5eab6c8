"""The links of a step: each relation of its chain with its reason and its kind of proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symbackprop.algebra.spell import LETTERS, spelled, unused
from symbackprop.derivation.steps import Check, Contribution, Link, Proof, Step
from symbackprop.exercise.model import Equation, Exercise
from symbackprop.notation import tree
from symbackprop.notation.tree import Node


def forward_links(equation: Equation) -> tuple[Link, ...]:
    """The equation itself: it defines its left side."""
    proof = Proof(method="definition")
    return (Link(left=tree.Name(equation.name), right=equation.body, reason="link.model", proof=proof),)


def backward_links(exercise: Exercise, step: Step) -> Step:
    """`step` with its chain: the name, the derivative, the chain rule, the formula."""
    symbol: Node = tree.Gradient(tree.Name(step.target))
    derivative = tree.Derivative(tree.Name(exercise.loss), tree.Name(step.target))
    links = [Link(left=symbol, right=derivative, reason="link.name", proof=Proof(method="definition"))]
    for made in step.substeps:
        links += _entry_links(exercise, made)
    links += _collapse_links(exercise, step)
    if step.rule == "unreached":
        reason = "link.unreached"
    else:
        reason = "link.sum" if len(step.substeps) > 1 else "link.matrices"
    links.append(Link(left=symbol, right=step.formula, reason=reason, proof=Proof(method="gfp")))
    return replace(step, links=tuple(links))


def _collapse_links(exercise: Exercise, step: Step) -> list[Link]:
    """What arrives put in, the fractions cancelled, a fact used: entry by entry."""
    found = step.collapse
    if found is None:
        return []
    (made,) = step.substeps
    avoid = {*exercise.shapes, *exercise.sizes, *made.free}
    left = tree.Gradient(_entry(step.target, made.free))
    stages = (("link.put_in", found.put), ("link.cancelled", found.cancelled), ("link.fact", found.final))
    links: list[Link] = []
    before: Node | None = None if step.rule != "loss" else spelled(made.entry, {}, avoid)
    for reason, expr in stages:
        right = spelled(expr, {}, avoid)
        if right != before:
            links.append(Link(left=left, right=right, reason=reason, proof=Proof(method="gfp")))
        before = right
    return links


def with_points(steps: Sequence[Step], checks: Sequence[Check]) -> tuple[Step, ...]:
    """The steps with the number of random points at which the certificate proved each link."""
    formula = sum(check.tried // len(check.what) for check in checks if check.kind == "formula")
    entry = 1 if any(check.kind == "readback" for check in checks) else 0

    def proved(link: Link) -> Link:
        if link.proof.method == "gfp" and link.reason != "link.chain":
            return replace(link, proof=replace(link.proof, points=formula))
        if link.reason in {"link.chain", "link.delta"}:
            return replace(link, proof=replace(link.proof, points=entry))
        return link

    return tuple(replace(step, links=tuple(map(proved, step.links))) for step in steps)


def _entry_links(exercise: Exercise, made: Contribution) -> list[Link]:
    """∂z_j/∂W_pq as SymPy gives it, with the deltas used up, and the sum over j."""
    avoid = {*exercise.shapes, *exercise.sizes, *made.free}
    letters: dict[str, str] = {}
    for axis, wish in zip(made.summed, "jlrstuv", strict=False):
        letters[axis] = unused(avoid | set(letters.values()), wish, *LETTERS)
    by = _entry(made.target, made.free)
    through = _entry(made.through, tuple(letters[axis] for axis in made.summed))
    derivative = tree.Derivative(through, by)
    jacobian = spelled(made.jacobian, letters, avoid)
    collapsed = spelled(made.collapsed, letters, avoid)
    links = [Link(left=derivative, right=jacobian, reason="link.derivative", proof=Proof(method="sympy"))]
    if collapsed != jacobian:
        links.append(Link(left=jacobian, right=collapsed, reason="link.delta", proof=Proof(method="delta")))
    total = spelled(made.entry, letters, avoid)
    links.append(Link(left=tree.Gradient(by), right=total, reason="link.chain", proof=Proof(method="gfp")))
    return links


def _entry(name: str, places: tuple[str, ...]) -> Node:
    base = tree.Name(name)
    return tree.Index(base, tuple(tree.Name(place) for place in places)) if places else base
