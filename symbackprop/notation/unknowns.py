"""Unknown sizes and shapes, and what is learnt about them by unification."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from symbackprop.notation import sizes as size_forms
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Shape, Size


class SizeVar:
    """A size: perhaps a number, perhaps a declared name, perhaps not yet known.

    `made` marks the 1 of a row: no declared size becomes 1 only because a row stands beside it.
    """

    __slots__ = ("made", "name", "parent", "value")

    def __init__(self, value: int | None = None, name: str | None = None, made: bool = False) -> None:
        self.parent: SizeVar | None = None
        self.value = value
        self.name = name
        self.made = made

    def root(self) -> "SizeVar":
        found = self
        while found.parent is not None:
            found = found.parent
        return found

    @property
    def one(self) -> bool:
        return self.root().value == 1

    @property
    def known(self) -> Size | None:
        """The number, else the name."""
        root = self.root()
        return root.value if root.value is not None else root.name


class ShapeVar:
    """A shape: `axes` is None while the rank is unknown.

    `lone` says that it must be a scalar or of size 1; `crosswise` that it is a transpose, so
    no vector.
    """

    __slots__ = ("_axes", "_crosswise", "_lone", "parent")

    def __init__(self, axes: tuple[SizeVar, ...] | None = None) -> None:
        self.parent: ShapeVar | None = None
        self._axes = axes
        self._lone = False
        self._crosswise = False

    def root(self) -> "ShapeVar":
        found = self
        while found.parent is not None:
            found = found.parent
        return found

    @property
    def axes(self) -> tuple[SizeVar, ...] | None:
        return self.root()._axes

    @property
    def lone(self) -> bool:
        return self.root()._lone

    @property
    def crosswise(self) -> bool:
        return self.root()._crosswise

    @property
    def rank(self) -> int | None:
        axes = self.axes
        return None if axes is None else len(axes)

    @property
    def size_one(self) -> bool:
        axes = self.axes
        return bool(axes) and all(size.one for size in axes or ())


@dataclass(slots=True)
class Solver:
    """The variables and what has been learnt about them; contradictions change nothing."""

    changed: bool = False
    sizes: dict[str, SizeVar] = field(default_factory=dict)
    relations: list["Affine"] = field(default_factory=list)

    def size(self, size: Size) -> SizeVar:
        """The variable of a written size; an empty name is a size that is yet to be found."""
        if isinstance(size, int):
            return SizeVar(value=size)
        if not size:
            return SizeVar()
        if size not in self.sizes:
            self.sizes[size] = made = SizeVar(name=size)
            if " " in size:  # a linear form: tied to the names in it
                self.relate(made, ((1, size),))
        return self.sizes[size]

    def relate(self, total: SizeVar, terms: Iterable[tuple[int, "SizeVar | Size"]]) -> None:
        """From now on `total = Σ count · term`."""
        parts: list[tuple[int, SizeVar]] = []
        constant = 0
        for count, term in terms:
            if isinstance(term, SizeVar):
                parts.append((count, term))
                continue
            names, more = size_forms.linear(term)
            parts += [(count * own, self.size(name)) for name, own in names.items()]
            constant += count * more
        self.relations.append(Affine(total, tuple(parts), constant))
        self.changed = True

    def numbers(self) -> dict[str, Size]:
        """What the named sizes stand for, where it is a number."""
        return {name: value for name, size in self.sizes.items() if (value := size.root().value) is not None}

    def shape(self, shape: Shape) -> ShapeVar:
        return ShapeVar(tuple(self.size(size) for size in shape))

    def same_size(self, first: SizeVar, second: SizeVar) -> bool:
        """Make two sizes one; False, and nothing changed, when they are known to differ."""
        a, b = first.root(), second.root()
        if a is b:
            return True
        if a.value is not None and b.value is not None:
            return a.value == b.value
        if a.name and b.name:
            return self._number_for_name(a, b)
        if b.name:
            a, b = b, a
        if a.name and a.value is None and b.made:
            return False
        a.made = a.made or b.made
        a.value = a.value if a.value is not None else b.value
        b.parent = a
        self.changed = True
        return True

    def _number_for_name(self, a: SizeVar, b: SizeVar) -> bool:
        """Two declared names stay two; a number that one has is learnt by the other."""
        value = a.value if a.value is not None else b.value
        if value is None:
            return False
        a.value = b.value = value
        self.changed = True
        return True

    def same(self, first: ShapeVar, second: ShapeVar) -> None:
        """Make two shapes one; different ranks are left to the check."""
        a, b = first.root(), second.root()
        if a is b:
            return
        if a._axes is None:
            a, b = b, a
        if b._axes is not None and a._axes is not None:
            if len(a._axes) == len(b._axes):
                for left, right in zip(a._axes, b._axes, strict=True):
                    self.same_size(left, right)
            return
        a._lone = a._lone or b._lone
        a._crosswise = a._crosswise or b._crosswise
        b.parent = a
        self.changed = True

    def learn(self, variable: ShapeVar, axes: Iterable[SizeVar]) -> None:
        """Say the shape of a variable, or unify with what is known of it."""
        root, made = variable.root(), tuple(axes)
        if root._axes is None:
            root._axes = made
            self.changed = True
        elif len(root._axes) == len(made):
            for left, right in zip(root._axes, made, strict=True):
                self.same_size(left, right)

    def make_lone(self, variable: ShapeVar) -> None:
        root = variable.root()
        if not root._lone:
            root._lone = True
            self.changed = True


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Affine(Plain):
    """`total = Σ count · term + constant`, from which any one of them is learnt by the others."""

    total: SizeVar
    terms: tuple[tuple[int, SizeVar], ...]
    constant: int

    def apply(self, solver: Solver) -> None:
        """Learn the one that has no number, else the one that has no name."""
        ends = [(-1, self.total), *self.terms]
        for missing in ("value", "known"):
            without = [(count, size) for count, size in ends if _of(size, missing) is None]
            if len(without) == 1:
                self._learn(solver, *without[0], missing)

    def _learn(self, solver: Solver, count: int, size: SizeVar, missing: str) -> None:
        rest = [(own, value) for own, other in [(-1, self.total), *self.terms]
                if other is not size and (value := _of(other, missing)) is not None]  # fmt: skip
        found = size_forms.combined([(-own, value) for own, value in rest], -self.constant)
        if isinstance(found, int):
            if found % count == 0 and found // count >= 1:
                solver.same_size(size, SizeVar(value=found // count))
        elif abs(count) == 1:
            solver.same_size(size, solver.size(size_forms.combined([(count, found)])))


def _of(size: SizeVar, what: str) -> Size | None:
    return size.root().value if what == "value" else size.known
