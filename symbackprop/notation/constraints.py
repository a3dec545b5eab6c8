"""Constraints between unknown shapes: how a product, a sum or a transpose ties them together.

A constraint works in any direction. `apply` learns what follows for certain; `guess` chooses by
habit, at its own level of sureness. A contradiction changes nothing: it is for `shape_check.py`
to say what does not fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from symbackprop.notation.tree import Size
from symbackprop.notation.unknowns import ShapeVar, SizeVar, Solver

HABITS = 6
"""How many levels of habit there are; lower ones are surer."""


class Constraint:
    """A relation between shape variables."""

    def variables(self) -> Sequence[ShapeVar]:
        """The variables it relates; once all their ranks are known there is nothing to guess."""
        raise NotImplementedError

    def apply(self, solver: Solver) -> None:
        """Learn all that follows for certain."""

    def guess(self, solver: Solver, level: int) -> None:
        """Choose by habit what belongs to `level`."""


@dataclass(slots=True)
class Mix(Constraint):
    """`result` is the common shape of `parts`: equal shapes, scalars spread out."""

    result: ShapeVar
    parts: Sequence[ShapeVar]
    divides: bool = False  # the second part is a denominator

    def variables(self) -> Sequence[ShapeVar]:
        return (self.result, *self.parts)

    def apply(self, solver: Solver) -> None:
        open_parts = [part for part in self.parts if part.rank != 0]
        if self.result.rank == 0:
            for part in self.parts:
                solver.learn(part, ())
        elif not open_parts:
            solver.learn(self.result, ())
        elif len(open_parts) == 1:
            solver.same(self.result, open_parts[0])
        else:
            self._unify_arrays(solver, open_parts)
        if self.result.lone:
            for part in self.parts:
                solver.make_lone(part)

    def _unify_arrays(self, solver: Solver, parts: Sequence[ShapeVar]) -> None:
        known = [part for part in parts if part.rank is not None]
        for rank in {part.rank for part in known}:
            alike = [part for part in known if part.rank == rank]
            for part in alike[1:]:
                solver.same(alike[0], part)
        ranks = {part.rank for part in known}
        if len(known) == len(parts):
            widest = max(known, key=lambda part: (not part.size_one, part.rank or 0))
            solver.same(self.result, widest)
        elif len(ranks) == 1 and not known[0].size_one:
            solver.same(self.result, known[0])

    def guess(self, solver: Solver, level: int) -> None:
        parts = [part for part in self.parts if part.rank != 0]
        unknown = [part for part in parts if part.rank is None]
        if not unknown:
            return
        if self.divides and self.parts[1].rank is None:
            if level == 4:
                solver.learn(self.parts[1], ())
            return
        known = [part for part in (*parts, self.result) if part.rank]
        if level == 1 and known:
            solver.same(unknown[0], known[0])
        if level == 4 and len(unknown) > 1:
            solver.same(unknown[0], unknown[1])


@dataclass(slots=True)
class Times(Constraint):
    """`result = left right`, juxtaposed: a scalar multiple or the matrix product."""

    result: ShapeVar
    left: ShapeVar
    right: ShapeVar
    lower_left: bool  # the left factor is one name that begins with a small letter
    upper_right: bool  # the right one is a name that begins with a capital

    def variables(self) -> Sequence[ShapeVar]:
        return (self.result, self.left, self.right)

    def apply(self, solver: Solver) -> None:
        left, right, result = self.left, self.right, self.result
        if left.rank == 0:
            solver.same(result, right)
        elif right.rank == 0:
            solver.same(result, left)
        elif result.rank == 0:
            for part in (left, right):
                solver.learn(part, ()) if part.rank is None else None
        elif left.axes and right.axes:
            self._multiply(solver, left.axes, right.axes)

    def _multiply(self, solver: Solver, left: tuple[SizeVar, ...], right: tuple[SizeVar, ...]) -> None:
        inner = left[1] if len(left) == 2 else None
        fits = solver.same_size(inner, right[0]) if inner else len(right) == 2 and right[0].one
        if fits:
            solver.learn(self.result, (*left[:1], *right[1:]))
        elif self.left.size_one:
            solver.same(self.result, self.right)
        elif self.right.size_one:
            solver.same(self.result, self.left)

    def guess(self, solver: Solver, level: int) -> None:
        left, right = self.left, self.right
        if left.axes is not None and right.axes is not None:
            return
        if right.axes is None and left.axes:
            self._guess_right(solver, left.axes, level)
        elif left.axes is None and right.axes:
            self._guess_left(solver, right.axes, level)
        elif left.axes is None and right.axes is None and level == 3 and self.result.axes:
            rows, inner = self.result.axes[0], SizeVar()
            solver.learn(left, (rows, inner))
            solver.learn(right, (inner, *self.result.axes[1:]))

    def _guess_right(self, solver: Solver, left: tuple[SizeVar, ...], level: int) -> None:
        """Right of a matrix stands a vector; a transpose, a capital, or a matrix as result: a matrix."""
        if level != 1:
            return
        capital = self.upper_right and self.result.rank is None
        wide = self.right.crosswise or self.result.rank == 2 or capital
        if len(left) == 2:
            solver.learn(self.right, (left[1], SizeVar()) if wide else (left[1],))
        elif wide:
            solver.learn(self.right, (SizeVar(value=1, made=True), SizeVar()))
        elif self.result.rank == 1:
            solver.learn(self.right, ())

    def _guess_left(self, solver: Solver, right: tuple[SizeVar, ...], level: int) -> None:
        """Left of a vector with a vector as result stands a matrix; with a scalar, a row."""
        result = self.result
        if level == 1 and len(right) == 1:
            if result.rank == 1 and result.axes:
                alike = result.axes[0].root() is right[0].root() or (
                    result.axes[0].root().value is not None
                    and result.axes[0].root().value == right[0].root().value
                )
                if not (alike and self.lower_left):
                    solver.learn(self.left, (result.axes[0], right[0]))
            elif result.rank is None and result.lone and not right[0].one:
                solver.learn(self.left, (SizeVar(value=1, made=True), right[0]))
        elif level == 1 and result.rank == 2 and result.axes and right[0].one:
            solver.learn(self.left, (result.axes[0],))
        elif (level == 1 and result.rank == 2) or (level == 3 and len(right) == 2):
            solver.learn(self.left, (SizeVar(), right[0]))
        elif level == 5 and len(right) == 1 and not right[0].one and not result.lone:
            solver.learn(self.left, () if self.lower_left else (SizeVar(), right[0]))


@dataclass(slots=True)
class Flip(Constraint):
    """`result` is the transpose of `body`."""

    result: ShapeVar
    body: ShapeVar

    def variables(self) -> Sequence[ShapeVar]:
        return (self.result, self.body)

    def apply(self, solver: Solver) -> None:
        axes, flipped = self.body.axes, self.result.axes
        if axes is not None:
            solver.learn(self.result, (SizeVar(value=1, made=True), *axes) if len(axes) == 1 else axes[::-1])
        elif flipped is not None and not flipped:
            solver.learn(self.body, ())
        elif flipped and len(flipped) == 2 and flipped[0].root().value not in {None, 1}:
            solver.learn(self.body, flipped[::-1])

    def guess(self, solver: Solver, level: int) -> None:
        flipped = self.result.axes
        if self.body.rank is not None or not flipped or len(flipped) != 2:
            return
        if level == 2 and flipped[0].one:
            solver.learn(self.body, flipped[1:])
        elif level == 3:
            solver.learn(self.body, flipped[::-1])


@dataclass(slots=True)
class Reduce(Constraint):
    """`sum(body, axis = gone)`."""

    result: ShapeVar
    body: ShapeVar
    gone: int

    def variables(self) -> Sequence[ShapeVar]:
        return (self.result, self.body)

    def apply(self, solver: Solver) -> None:
        if self.body.rank is None:
            solver.learn(self.body, (SizeVar(), SizeVar()))
        axes = self.body.axes
        if axes and len(axes) == 2:
            solver.learn(self.result, (axes[1 - self.gone],))


@dataclass(slots=True)
class Pick(Constraint):
    """`base[places]`: every slice leaves an axis, of `sizes` or (None) of the base's own size."""

    result: ShapeVar
    base: ShapeVar
    kept: Sequence[bool]
    sizes: Sequence[SizeVar | None]
    ends: Sequence[SizeVar | None]  # of the index that stands there by itself
    cut: Sequence[Size]  # how much is cut off before a slice without an end
    tied: bool = False

    def variables(self) -> Sequence[ShapeVar]:
        return (self.result, self.base)

    def apply(self, solver: Solver) -> None:
        if self.base.rank is None:
            solver.learn(self.base, (SizeVar() for _ in self.kept))
        axes = self.base.axes
        if axes is None or len(axes) != len(self.kept):
            return
        for axis, end in zip(axes, self.ends, strict=True):
            if end is not None:
                solver.same_size(axis, end)
        own = [size or axis for axis, size in zip(axes, self.sizes, strict=True)]
        if not self.tied:
            self.tied = True
            for axis, size, cut in zip(axes, own, self.cut, strict=True):
                if cut != 0:
                    solver.relate(size, ((1, axis), (-1, cut)))
        left = [size for size, kept in zip(own, self.kept, strict=True) if kept]
        if list(self.kept) == [False, True]:
            left = [SizeVar(value=1, made=True), *left]
        solver.learn(self.result, left)


@dataclass(slots=True)
class Square(Constraint):
    """`body` is a square matrix (trace), or (diag) its diagonal or the other way round is `result`."""

    body: ShapeVar
    result: ShapeVar | None = None

    def variables(self) -> Sequence[ShapeVar]:
        return (self.body,) if self.result is None else (self.body, self.result)

    def apply(self, solver: Solver) -> None:
        axes = self.body.axes
        if self.result is None or (axes is not None and len(axes) == 2):
            size = SizeVar() if axes is None else axes[0]
            solver.learn(self.body, (size, size))
            solver.learn(self.result, (size,)) if self.result is not None else None
        elif axes is not None and len(axes) == 1:
            solver.learn(self.result, (axes[0], axes[0]))
        elif axes is None and self.result.axes:
            size = self.result.axes[0]
            solver.learn(self.body, (size, size) if self.result.rank == 1 else (size,))

    def guess(self, solver: Solver, level: int) -> None:
        if level == 5 and self.body.rank is None:  # by habit diag(v)
            solver.learn(self.body, (SizeVar(),))


@dataclass(slots=True)
class Pile(Constraint):
    """`stack` (axis 0) and `hstack` (axis 1): sizes along the axis add up, the others are alike."""

    result: ShapeVar
    parts: Sequence[ShapeVar]
    axis: int
    capitals: Sequence[bool]  # which parts are names that begin with a capital
    tied: bool = False

    def variables(self) -> Sequence[ShapeVar]:
        return (self.result, *self.parts)

    def apply(self, solver: Solver) -> None:
        ranks = [part.rank for part in self.parts]
        if self.axis == 1 or any(rank == 2 for rank in ranks) or self.result.rank == 2:
            self._matrices(solver)
        elif all(rank in (0, 1) for rank in ranks):
            self._vectors(solver)

    def _vectors(self, solver: Solver) -> None:
        solver.learn(self.result, (SizeVar(),)) if self.result.rank is None else None
        sizes = [part.axes[0] if part.axes else 1 for part in self.parts]
        if self.result.axes and not self.tied:
            self.tied = True
            solver.relate(self.result.axes[0], [(1, size) for size in sizes])

    def _matrices(self, solver: Solver) -> None:
        if self.result.rank is None:
            solver.learn(self.result, (SizeVar(), SizeVar()))
        whole = self.result.axes or ()
        if len(whole) != 2:
            return
        along: list[SizeVar | Size] = []
        for part in self.parts:
            if part.rank is None and self.axis == 0:
                solver.learn(part, (SizeVar(), SizeVar()))
            axes = part.axes
            if axes and len(axes) == 2:
                solver.same_size(whole[1 - self.axis], axes[1 - self.axis])
                along.append(axes[self.axis])
            elif axes and self.axis == 1:  # a column
                solver.same_size(whole[0], axes[0])
                along.append(1)
        if len(along) == len(self.parts) and not self.tied:
            self.tied = True
            solver.relate(whole[self.axis], [(1, size) for size in along])

    def guess(self, solver: Solver, level: int) -> None:
        if level == 5:
            for part, capital in zip(self.parts, self.capitals, strict=True):
                if part.rank is None:
                    solver.learn(part, (SizeVar(), SizeVar()) if capital else (SizeVar(),))


@dataclass(slots=True)
class Lone(Constraint):
    """A scalar or an array of size 1; by habit a scalar."""

    body: ShapeVar

    def variables(self) -> Sequence[ShapeVar]:
        return (self.body,)

    def apply(self, solver: Solver) -> None:
        solver.make_lone(self.body)

    def guess(self, solver: Solver, level: int) -> None:
        if level == HABITS and self.body.rank is None:
            solver.learn(self.body, ())


@dataclass(slots=True)
class Rank(Constraint):
    """By habit an array of this rank (‖v‖ is of a vector)."""

    body: ShapeVar
    rank: int

    def variables(self) -> Sequence[ShapeVar]:
        return (self.body,)

    def guess(self, solver: Solver, level: int) -> None:
        if level == 2 and self.body.rank is None:
            solver.learn(self.body, (SizeVar() for _ in range(self.rank)))
