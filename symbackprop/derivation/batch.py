"""Which names of a model hold one row or column for each example, found by what depends on what.

Names do not say it, and neither do sizes. An axis is one of examples if a change of one example in the
data (X) and in the targets (T) changes nothing but the same example in every computed name, and
the loss is a sum over the examples: at random points, the changes of two examples add up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import chain, count
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.gfp import GFp
from symbackprop.algebra.values.run import forward
from symbackprop.derivation.fulfil import fulfilled
from symbackprop.derivation.model import Model
from symbackprop.derivation.numbers import evaluator
from symbackprop.derivation.steps import Derivation
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

Values = Mapping[str, "Array[Any]"]

ENTRIES = 2_000
"""Numbers in the data and the parameters; of more, no example is shown."""

REDRAWS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """`axes`: for each name that holds examples, along which axis (0: rows); `size` of them.

    `data` are the given names among them, in order of first use; `ranks` are the ranks of all.
    """

    size: int
    axes: Mapping[str, int]
    ranks: Mapping[str, int]
    data: tuple[str, ...]

    def one(self, node: Node, place: Node, *, spread: bool = True) -> Node:
        """A formula of the whole batch as one of the example at `place`: `X W + 1 bᵀ` as `x_i W + bᵀ`.

        `spread`: a vector of ones as long as the batch spreads over it, or adds it up. (It may be as
        long as something else by accident; then the formula for one example has other values.)
        """
        return _One(self, place, spread).go(node)


def batch(derivation: Derivation) -> Batch | None:
    """The examples of a model with numbers, or None."""
    exercise = derivation.exercise
    known = exercise.values
    if exercise.sizes or not known or set(known) != set(exercise.given):
        return None
    if sum(len(array.entries) for array in known.values()) > ENTRIES:
        return None
    for attempt in range(REDRAWS):
        try:
            probe = _Probe.of(Model.of(exercise), attempt)
            found = [one for size in _sizes(exercise.given, exercise.shapes) for one in probe.batches(size)]
            return _likeliest(derivation, found)
        except ArithmeticError:
            continue
        except ValueError:
            return None
    return None


def _sizes(names: Sequence[str], shapes: Mapping[str, tree.Shape]) -> list[int]:
    """Sizes that two given names share: of the data and of the targets."""
    held = [{size for size in shapes[name] if isinstance(size, int) and size > 1} for name in names]
    return sorted(size for size in set().union(*held) if sum(size in one for one in held) > 1)


def _likeliest(derivation: Derivation, found: Sequence[Batch]) -> Batch | None:
    """Neurons of one layer look like examples: each has a row of W, an entry of b and one of the target.

    Examples run through all of the model; they are data, and gradients are asked of what they share.
    """
    exercise = derivation.exercise
    arrays = [name for name in exercise.computed[:-1] if exercise.shapes[name]]
    inner = {name for one in exercise.equations[:-1] for name in tree.names_in(one.body)}
    wanted = set(exercise.wanted) & set(exercise.given)

    def asked(one: Batch) -> int:
        return len(wanted & set(one.data))

    def is_batch(one: Batch) -> bool:
        ranks = {one.ranks[name] for name in one.data if name in inner}
        shared = len(wanted - set(one.data))
        return len(ranks) == 1 and asked(one) < shared and all(name in one.axes for name in arrays)

    return min(filter(is_batch, found), key=asked, default=None)


@dataclass(frozen=True, slots=True)
class _Probe:
    """A random point of the model, at which examples are changed."""

    model: Model
    domain: GFp
    given: Values
    start: Values

    @classmethod
    def of(cls, model: Model, attempt: int) -> _Probe:
        exercise = model.exercise
        domain = GFp(f"batch/{attempt}", signs="random")
        drawn = {
            name: domain.draw_array(tuple(int(size) for size in exercise.shapes[name]))
            for name in exercise.given
        }
        working = evaluator(model, domain)
        given = fulfilled(exercise, working, drawn)
        return cls(model, domain, given, _run(model, given, working))

    def run(self, changes: Values) -> Values:
        """The forward pass with other data."""
        return _run(self.model, {**self.given, **changes}, evaluator(self.model, self.domain))

    def batches(self, size: int) -> Iterator[Batch]:
        """What may be examples, `size` of them: one candidate for each given name that may hold them."""
        candidates = list(_axes(self.given, size))
        reach = {one: self.touched(*one, size) for one in candidates}
        seen: list[Mapping[str, int]] = []
        for first in candidates:
            axes: dict[str, int] = {}
            data: list[str] = []
            for one in (first, *candidates):
                found = reach[one]
                if one[0] not in data and found and all(axes.get(k, v) == v for k, v in found.items()):
                    axes.update(found)
                    data.append(one[0])
            given = {name: axes[name] for name in self.given if name in data}
            if len(given) > 1 and axes not in seen and self.adds_up(given):
                ranks = {name: len(self.start[name].shape) for name in axes}
                yield Batch(size=size, axes=axes, ranks=ranks, data=tuple(given))
            seen.append(axes)

    def touched(self, name: str, axis: int, size: int) -> dict[str, int] | None:
        """The axis of examples of each name that a change of one example of `name` reaches; None for more."""
        found = {name: axis}
        for place in (1, size):
            for one, before, after in self.changes(name, self.moved(name, axis, (place,))):
                changed = _changed(before, after)
                along = [at for at in _along(after, size) if all(p[at] == place for p in changed)]
                along = [at for at in along if found.get(one, at) == at]
                if not along:
                    return None
                found[one] = along[0]
        return found

    def changes(self, name: str, moved: Array[Any]) -> Iterator[tuple[str, Array[Any], Array[Any]]]:
        """What changes with `name`, in order and only as far as it is asked for: a weight of a deep net
        is no example after two equations, and the rest need not be computed."""
        exercise, working = self.model.exercise, evaluator(self.model, self.domain)
        order = {one: place for place, one in enumerate(exercise.computed)}
        values = {**self.start, name: moved}
        waiting = [order[user.name] for user in self.model.users(name)]
        while waiting:
            one = exercise.equations[heappop(waiting)]
            if one.name == exercise.loss or values[one.name] is not self.start[one.name]:
                continue  # it waits once for each name that it uses
            made = working.evaluate(one.body, values)
            if made.entries != self.start[one.name].entries:
                yield one.name, self.start[one.name], made
                values[one.name] = made
                for user in self.model.users(one.name):
                    heappush(waiting, order[user.name])

    def adds_up(self, data: Mapping[str, int]) -> bool:
        """L(1 and 2 moved) − L(1 moved) − L(2 moved) + L = 0."""
        loss = self.model.exercise.loss

        def at(*places: int) -> Any:
            changes = {name: self.moved(name, axis, places) for name, axis in data.items()}
            return self.run(changes)[loss].item

        add, sub = self.domain.add, self.domain.sub
        return bool(sub(add(at(1, 2), self.start[loss].item), add(at(1), at(2))) == self.domain.zero)

    def moved(self, name: str, axis: int, places: Sequence[int]) -> Array[Any]:
        """The data with other numbers in some examples; the same ones every time."""
        array = self.given[name]
        other = GFp(f"moved/{name}", signs="random").draw_array(array.shape)
        keep = zip(array.places(), array.entries, other.entries, strict=True)
        return array.with_entries(new if place[axis] in places else old for place, old, new in keep)


def _run(model: Model, given: Values, working: Any) -> Values:
    return forward([(one.name, one.body) for one in model.exercise.equations], given, working)


def _axes(values: Values, size: int) -> Iterator[tuple[str, int]]:
    for name, array in values.items():
        for axis in _along(array, size):
            yield name, axis


def _along(array: Array[Any], size: int) -> list[int]:
    return [axis for axis, length in enumerate(array.shape) if length == size]


def _changed(before: Array[Any], after: Array[Any]) -> list[tuple[int, ...]]:
    pairs = zip(before.places(), before.entries, after.entries, strict=True)
    return [place for place, old, new in pairs if old != new]


# --- a formula for one example ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _One:
    """A formula of the batch, turned into one of an example."""

    batch: Batch
    place: Node
    spread: bool

    def go(self, node: Node) -> Node:
        axes = self.batch.axes
        match node:
            case tree.Name(name) if name in axes:
                return tree.Index(node, self.places(name))
            case tree.Gradient(tree.Name(name)) if name in axes:
                return tree.Gradient(tree.Index(node.of, self.places(name)))
            case tree.Transpose(tree.Name(name) | tree.Gradient(tree.Name(name)) as body):
                made = self.go(body)
                return made if self.batch.ranks.get(name) == 1 else tree.Transpose(made)
            case tree.Call("sum", (tree.Name(name) | tree.Gradient(tree.Name(name)) as body,), options):
                return self.summed(node, self.go(body), name, dict(options)) if name in axes else node
            case tree.Product(factors, signs):
                return self.product(factors, signs)
        return tree.rebuild(node, self.go)

    def places(self, name: str) -> tuple[Node, ...]:
        found: list[Node] = [tree.Slice()] * self.batch.ranks[name]
        found[self.batch.axes[name]] = self.place
        return tuple(found)

    def summed(self, node: Node, one: Node, name: str, options: Mapping[str, Node]) -> Node:
        """A sum over the batch is, for one example, what is summed."""
        axis = options.get("axis")
        if axis is None and self.batch.ranks[name] == 1:
            return one
        if axis == tree.number(self.batch.axes[name]) and self.batch.ranks[name] == 2:
            return tree.Transpose(one) if self.batch.axes[name] == 0 else one
        return tree.rebuild(
            node, lambda child: one if isinstance(child, tree.Name | tree.Gradient) else child
        )

    def product(self, factors: tuple[Node, ...], signs: tuple[str, ...]) -> Node:
        """`1 bᵀ` is bᵀ for one example, `b 1ᵀ` is b, `dZᵀ 1` is the one row as a column."""
        kept: list[Node] = []
        between: list[str] = []
        for at, factor in enumerate(factors):
            if self.spread and self.ones(factor):
                continue
            if kept:
                between.append(signs[at - 1])
            kept.append(self.go(factor))
        if len(kept) < 2:
            return kept[0] if kept else tree.number(1)
        return tree.Product(tuple(kept), tuple(between))

    def ones(self, factor: Node) -> bool:
        bare = factor.body if isinstance(factor, tree.Transpose) else factor
        return isinstance(bare, tree.Ones) and bare.size == tree.number(self.batch.size)


def letter(derivation: Derivation) -> str:
    """An index for the examples that is no name of the model."""
    taken = {*derivation.exercise.shapes, *derivation.exercise.sizes}
    return next(one for one in chain("irs", (f"i{n}" for n in count(1))) if one not in taken)
