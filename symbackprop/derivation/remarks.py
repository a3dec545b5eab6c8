"""One remark for a gradient at most: a frequent mistake, shown to be wrong by its dimensions or at random.

The wrong formulas are those of the table of mistakes (`mistakes.py`). A remark is only made of one that
does not fit on paper, that has other dimensions than the gradient, or that has other values at random points.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from symbackprop.algebra.values.arrays import form
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.derivation.dimensions import (
    Dimensions,
    Misfit,
    OnlyProduct,
    Unknown,
    dimensions,
    of_shape,
    only_product,
)
from symbackprop.derivation.mistakes import BY_ID, wrong_formulas
from symbackprop.derivation.model import Model
from symbackprop.derivation.slips import Wrong
from symbackprop.derivation.steps import Derivation, Step
from symbackprop.derivation.worlds import World, free_sizes, random_worlds
from symbackprop.notation import tree
from symbackprop.notation.shapes import ShapeError, shape_of
from symbackprop.notation.tree import Node, Shape, Size

Verdict = Literal["misfit", "dimensions", "value"]

INSTRUCTIVE: tuple[tuple[str, Verdict], ...] = (
    ("not_summed", "dimensions"),
    ("transpose_missing", "misfit"),
    ("result_transposed", "dimensions"),
    ("hadamard_as_dot", "misfit"),
    ("hadamard_as_dot", "dimensions"),
    ("transpose_missing", "value"),
    ("slope_missing", "value"),
    ("factors_swapped", "misfit"),
    ("factors_swapped", "dimensions"),
    ("inner_for_outer", "dimensions"),
    ("mean_missing", "value"),
    ("term_forgotten", "value"),
    ("upstream_skipped", "value"),
    ("slope_at_output", "value"),
    ("square_kept", "value"),
    ("preactivation", "value"),
)
"""What is worth a remark, the most instructive first: a row of the table, and how it shows."""

PLAIN = 8
"""Gradients up to which every one gets its argument by dimensions; of more, one of each form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A wrong formula for `target` by a row of the table.

    `parts` are the dimensions of its factors where these do not fit (`sign` between them), `got`
    and `wanted` the dimensions it has and those it should have.
    """

    target: str
    mistake: str
    wrong: Wrong
    verdict: Verdict
    parts: tuple[tuple[Size, Size], ...] = ()
    sign: str = ""
    got: Dimensions = None
    wanted: Dimensions = None

    @property
    def formula(self) -> Node:
        """The wrong formula."""
        return self.wrong.formula


@dataclass(frozen=True)
class Remarks:
    """The remarks of a derivation. Each kind is made once, so that a long report does not repeat itself."""

    derivation: Derivation

    @cached_property
    def mistakes(self) -> Mapping[str, Remark]:
        """The remark on each gradient that has one."""
        found: dict[str, Remark] = {}
        left = list(INSTRUCTIVE)
        for step in self.derivation.backward:
            made = self._best(step, left) if left else None
            if made is not None:
                found[step.target] = made
                left.remove((made.mistake, made.verdict))
        return found

    @cached_property
    def arguments(self) -> Mapping[str, OnlyProduct]:
        """The arguments by dimensions, by the name whose gradient it is."""
        shapes = self._any_sizes
        found: dict[str, OnlyProduct] = {}
        for step in self.derivation.backward:
            if len(step.substeps) == 1 and step.rule not in {"seed", "loss", "unreached"}:
                made = only_product(step.formula, step.target, shapes)
                if made is not None:
                    found[step.target] = made
        return found if len(found) <= PLAIN else _one_of_each(found, self.derivation.exercise.shapes)

    # --- choosing

    def _best(self, step: Step, left: list[tuple[str, Verdict]]) -> Remark | None:
        wanted = {mistake for mistake, _ in left}
        made: dict[str, list[Wrong]] = {}
        for row, wrong in wrong_formulas(self.derivation.exercise, step):
            if row.id in wanted and _worth_it(step, row.id, wrong):
                made.setdefault(row.id, []).append(wrong)
        for mistake, verdict in sorted(left, key=lambda kind: kind not in _first(step)):
            for wrong in made.get(mistake, ()):
                found = self._judged(step, mistake, wrong, verdict)
                if found is not None and found.verdict == verdict:
                    return found
        return None

    def _judged(self, step: Step, mistake: str, wrong: Wrong, hoped: Verdict) -> Remark | None:
        """What is wrong with a formula; None if it is right, or nothing is certain."""
        shapes = self.derivation.exercise.shapes
        about = {"target": step.target, "mistake": BY_ID[mistake].id, "wrong": wrong}
        try:
            wanted = of_shape(step.shape)
            got = dimensions(wrong.formula, shapes)
        except Misfit as error:
            if self._has_the_shape(step, wrong.formula):
                return None  # a factor of size 1 counts as a number
            return Remark(**about, verdict="misfit", parts=error.parts, sign=error.sign)  # type: ignore[arg-type]
        except Unknown:
            got = wanted = None
        if got != wanted:
            if (got or (1, 1)) == (wanted or (1, 1)) or self._has_the_shape(step, wrong.formula):
                return None
            return Remark(**about, verdict="dimensions", got=got or (1, 1), wanted=wanted)  # type: ignore[arg-type]
        if hoped != "value" or not self._wrong_at_random(step, wrong.formula):
            return None
        return Remark(**about, verdict="value", got=got, wanted=wanted)  # type: ignore[arg-type]

    def _has_the_shape(self, step: Step, formula: Node) -> bool:
        exercise = self.derivation.exercise
        try:
            made = shape_of(formula, exercise.shapes, functions=exercise.signatures)
        except (ShapeError, KeyError):
            return False
        return form(made) == form(step.shape)

    def _wrong_at_random(self, step: Step, formula: Node) -> bool:
        """Whether at some random point the formula has a value, of the right shape, that is another one."""
        for world in self._worlds:
            try:
                if world.fits(step, formula) and world.same(step, formula) is False:
                    return True
            except (EvaluationError, ArithmeticError):
                continue
        return False

    # --- what is worked out once

    @cached_property
    def _worlds(self) -> list[World]:
        return list(random_worlds(Model.of(self.derivation.exercise), self.derivation.steps))

    @cached_property
    def _any_sizes(self) -> Mapping[str, Shape]:
        """Shapes with a name for every size that the equations leave open; else the exercise's own."""
        exercise = self.derivation.exercise
        found, _ = free_sizes(Model.of(exercise))
        return found or exercise.shapes


def _first(step: Step) -> tuple[tuple[str, Verdict], ...]:
    """What goes before all else: `x dzᵀ` for the matrix `dz xᵀ`, `W dz` for the vector `Wᵀ dz`."""
    if len(step.shape) == 2:
        return (("result_transposed", "dimensions"),)
    return (("not_summed", "dimensions"), ("transpose_missing", "misfit"), ("transpose_missing", "value"))


def _worth_it(step: Step, mistake: str, wrong: Wrong) -> bool:
    """Not what nobody would do: forget ŷ in ŷ − y (of several paths one is forgotten), or write `1 dZᵀ`."""
    if mistake == "factors_swapped":
        return not any(isinstance(part, tree.Ones) for part in tree.walk(wrong.formula))
    if mistake == "preactivation":  # in one place and not in another
        about = wrong.about.name if isinstance(wrong.about, tree.Name) else ""
        return about not in tree.names_in(wrong.formula)
    return mistake != "term_forgotten" or step.rule == "sum"


def _one_of_each(found: Mapping[str, OnlyProduct], shapes: Mapping[str, Shape]) -> dict[str, OnlyProduct]:
    """The first of each form: `dz xᵀ` for a matrix, `Wᵀ dz` for a vector."""
    seen: set[object] = set()
    kept: dict[str, OnlyProduct] = {}
    for target, one in found.items():
        form = (len(shapes[target]), tuple(_forms(one.formula)))
        if form not in seen:
            seen.add(form)
            kept[target] = one
    return kept


def _forms(formula: Node) -> Iterator[type[Node]]:
    for part in tree.walk(formula):
        yield type(part)
