"""What statements of a report stand for: numbers for indices, sums with dots written out, steps of descent.

Nothing here judges: a statement becomes those that it stands for, and what cannot be told stays as it is,
which the checker then does not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice, product
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.algebra.values.exact import bounds
from symbackprop.checking.claims import Claims
from symbackprop.checking.context import LOSS_LETTERS, Unclear
from symbackprop.checking.desk import Desk
from symbackprop.checking.numeric import is_numeric
from symbackprop.checking.values import evaluator_in, scope_in
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

EACH = "Losseach"
"""The loss of one example, by its number; nobody can write this name."""

EXAMPLE = "i"
MOST_TERMS = 5_000
MOST_CHOICES = 12

Change = Callable[[Node], Iterable[Node]]


def with_numbers(instance: Mapping[str, int]) -> Change:
    """`z_i` as z_2 in the second line of a table."""
    numbers: dict[str, Node] = {index: _numeral(number) for index, number in instance.items()}
    return lambda node: (tree.replace_names(node, numbers),)


def _numeral(number: int) -> tree.Number:
    return tree.Number(Fraction(number), str(number))


# --- the loss of one example ------------------------------------------------------------------------


@dataclass(slots=True)
class EachLoss:
    """`L_1 = ¼ BCE(p_1, y_1)` says what `L_i` is."""

    loss: str
    defined: bool = False

    def __call__(self, node: Node) -> Iterator[Node]:
        """The statement about `L_i` by its own name, after its definition where it gives one."""
        if isinstance(node, tree.Chain) and not self.defined:
            number = self._numbered(node.members[0])
            if number is not None and not is_numeric(node.members[1]):
                self.defined = True
                body = _with_index(node.members[1], number, tree.Name(EXAMPLE))
                left = tree.Index(tree.Name(EACH), (tree.Name(EXAMPLE),))
                yield tree.Chain((left, body), ("=",), (None,), span=node.span)
        yield self._renamed(node)

    def _numbered(self, node: Node) -> Node | None:
        match node:
            case tree.Index(tree.Name(name), (tree.Number() as number,)) if self._is_loss(name):
                return number
        return None

    def _is_loss(self, name: str) -> bool:
        return name == self.loss or name in LOSS_LETTERS

    def _renamed(self, node: Node) -> Node:
        match node:
            case tree.Index(tree.Name(name), (_,)) if self._is_loss(name) and self.defined:
                return tree.Index(tree.Name(EACH), node.places, span=node.span)
        return tree.rebuild(node, self._renamed)


def _with_index(node: Node, number: Node, index: Node) -> Node:
    """`p_1` as p_i."""
    made = tree.rebuild(node, lambda part: _with_index(part, number, index))
    if isinstance(made, tree.Index) and made.places[0] == number:
        return tree.Index(made.base, (index, *made.places[1:]), span=node.span)
    return made


# --- descent ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Steps:
    """`W ← W − η dW = …`: what stands behind the arrow is judged, and that it follows the rule."""

    rule: Node | None = None
    parameter: str = ""
    used: bool = False
    going: tuple[Node, Node] | None = None

    def __call__(self, node: Node) -> Iterator[Node]:
        """The statements that an update makes; the rule makes none until it is used."""
        inner = node.body if isinstance(node, tree.Box) else node
        going, self.going = self.going, None
        if not isinstance(inner, tree.Chain) or inner.relations[0] != "←":
            if going is not None and isinstance(inner, tree.Chain) and inner.members[0] == going[0]:
                self.going = going
                members = (going[1], *inner.members[1:])  # the update goes on in the next row
                node = tree.Chain(members, inner.relations, inner.over, span=inner.span)
            yield node
            return
        first, *rest = inner.members
        self.going = (first, rest[0])
        if len(rest) == 1 and isinstance(node, tree.Box) and isinstance(first, tree.Name):
            self.rule, self.parameter = rest[0], first.name
            return
        if self.rule is not None:
            self.used = True
            due = tree.replace_names(self.rule, {self.parameter: first})
            yield tree.Chain((due, rest[0]), ("=",), (None,), span=inner.span)
        if len(rest) > 1:
            yield tree.Chain(tuple(rest), inner.relations[1:], inner.over[1:], span=inner.span)


# --- dots between numbers -------------------------------------------------------------------------


@dataclass(slots=True)
class Dotted:
    """`(9 − 5)² + (10 − 0)² + ⋯ + (21 − 8)²` with all of its terms.

    Each number in a term runs through the entries of an array: a value, a gradient, the terms of the member
    before, or a window of one. The terms that are shown, and the last, say which; where nothing runs so, the
    dots stay.
    """

    desk: Desk
    earlier: list[tuple[Any, ...]] = field(default_factory=list)
    choice: int = 0

    def __call__(self, node: Node) -> Iterator[Node]:
        """The statement without dots, where it has any between numbers."""
        if not isinstance(node, tree.Chain | tree.Box) or not any(map(self._is_dotted, tree.walk(node))):
            if isinstance(node, tree.Chain):
                self.earlier = []
            yield node
            return
        yield self._best(node)

    def _best(self, node: Node) -> Node:
        """Of arrays that begin and end alike, those with which the statement holds."""
        before = list(self.earlier)
        for self.choice in range(MOST_CHOICES):
            self.earlier = list(before)
            made = self._written_out(node)
            if made == node or self._holds(made):
                return made
        self.choice, self.earlier = 0, list(before)
        return self._written_out(node)

    def _holds(self, node: Node) -> bool:
        try:
            return Claims(self.desk).judge(node).verdict not in ("wrong", "carried")
        except Unclear:
            return False

    def _written_out(self, node: Node) -> Node:
        if self._is_dotted(node):
            assert isinstance(node, tree.Add)
            made = self._terms(node)
            if made is not None:
                return made
        return tree.rebuild(node, self._written_out)

    def _is_dotted(self, node: Node) -> bool:
        return (
            isinstance(node, tree.Add)
            and sum(isinstance(term, tree.Dots) for term in node.terms) == 1
            and all(isinstance(term, tree.Dots) or self._is_number(term) for term in node.terms)
        )

    def _is_number(self, node: Node) -> bool:
        """Whether a formula as written is made of numbers, and of functions of numbers."""
        if isinstance(node, tree.Name):
            return node.name in self.desk.context.callable
        if isinstance(node, tree.Product | tree.Add | tree.Neg | tree.Bracket):
            return all(map(self._is_number, tree.children(node)))
        return is_numeric(node)

    def _terms(self, node: tree.Add) -> Node | None:
        place = next(at for at, term in enumerate(node.terms) if isinstance(term, tree.Dots))
        first, last, more = node.terms[:place], node.terms[place + 1 : place + 2], node.terms[place + 2 :]
        if not last or not first:
            return None
        shown = [*first, *last]
        numbers = [list(_numbers(term)) for term in shown]
        if len({len(one) for one in numbers}) != 1:
            return None
        columns = [self._run([one[at] for one in numbers]) for at in range(len(numbers[0]))]
        made = list(islice(self._filled(first[0], columns), self.choice + 1))
        if not made:
            return None
        kept = made[min(self.choice, len(made) - 1)]
        self._remember((*kept, *more))
        return tree.Bracket(tree.plus(*kept, *more), span=node.span)

    def _filled(self, term: Node, columns: Sequence[list[tuple[Any, ...]]]) -> Iterator[tuple[Node, ...]]:
        """All terms, for every choice of arrays of one length."""
        lengths = {len(run) for column in columns for run in column if len(run) > 1}
        for length in sorted(lengths):
            fitting = [[run for run in column if len(run) in (1, length)] for column in columns]
            if length > MOST_TERMS:
                continue
            for chosen in product(*fitting):
                runs = [run * length if len(run) == 1 else run for run in chosen]
                terms = [_put_in(term, [run[at] for run in runs]) for at in range(length)]
                kept = tuple(one for one in terms if one is not None)
                if len(kept) == length:
                    yield kept

    def _remember(self, terms: Sequence[Node]) -> None:
        world = self.desk.example
        working = evaluator_in(world, self.desk.reader)
        try:
            self.earlier.append(tuple(working.number(term, scope_in(world, {})) for term in terms))
        except (ArithmeticError, EvaluationError):
            return

    def _run(self, shown: Sequence[tree.Number]) -> list[tuple[Any, ...]]:
        """The arrays that a number in the terms may run through; one entry for a number that stays."""
        found: list[tuple[Any, ...]] = []
        for entries in self._arrays():
            if len(entries) > len(shown) and all(
                _is_near(entry, number)
                for entry, number in zip((*entries[: len(shown) - 1], entries[-1]), shown, strict=True)
            ):
                found.append(entries)
        if all(one == shown[0] for one in shown):
            found.append((shown[0].value,))
        return found

    def _arrays(self) -> Iterator[tuple[Any, ...]]:
        """The entries of everything that has a value in the example, and of windows of matrices."""
        yield from self.earlier
        world = self.desk.example
        arrays = list(world.values.values())
        for name in world.exercise.computed[:-1]:
            try:
                arrays.append(world.gradient(name))
            except (ArithmeticError, EvaluationError):
                continue
        arrays += [array.transposed() for array in arrays if len(array.shape) == 2]  # column by column
        arrays += [row for array in arrays for row in _lines(array)]
        signs = [array.map(world.domain.neg) for array in arrays]
        yield from (array.entries for array in (*arrays, *signs))
        shapes = {array.shape for array in arrays if len(array.shape) == 2}
        for array in arrays:
            if len(array.shape) == 2:
                yield from (entries for shape in shapes for entries in _windows(array, shape))


def _lines(array: Array[Any]) -> Iterator[Array[Any]]:
    """The rows of a matrix."""
    if len(array.shape) == 2:
        rows, width = array.shape
        for row in range(rows):
            yield Array((width,), array.entries[row * width : (row + 1) * width])


def _windows(array: Array[Any], shape: tuple[int, ...]) -> Iterator[tuple[Any, ...]]:
    rows, columns = array.shape
    height, width = shape
    for top in range(rows - height + 1):
        for left in range(columns - width + 1):
            yield tuple(
                array.entries[(top + row) * columns + left + column]
                for row in range(height) for column in range(width)
            )  # fmt: skip


def _numbers(node: Node) -> Iterator[tree.Number]:
    """The numbers of a term in order, a minus before one taken in."""
    match node:
        case tree.Number():
            yield node
        case tree.Neg(tree.Number(value, text)):
            yield tree.Number(-value, text)
        case _:
            for part in tree.children(node):
                yield from _numbers(part)


def _put_in(node: Node, values: Sequence[Any]) -> Node | None:
    """A term with other numbers; None where one of them is no rational and no decimal stands for it."""
    rest = iter(values)

    def at(part: Node) -> Node:
        match part:
            case tree.Number() | tree.Neg(tree.Number()):
                return _exactly(next(rest))
        return tree.rebuild(part, at)

    try:
        return at(node)
    except ArithmeticError:
        return None


def _exactly(value: Any) -> Node:
    """A value as a number; of an interval its middle, to many more digits than are shown."""
    if isinstance(value, Fraction | int):
        number = Fraction(value)
    else:
        low, high = bounds(value)
        number = (low + high) / 2
    made = tree.Number(abs(number), "")
    return tree.Bracket(tree.Neg(made)) if number < 0 else made


def _is_near(entry: Any, shown: tree.Number) -> bool:
    """Whether a value is a number as it is written, rounded to its digits."""
    decimals = len(shown.text.partition(".")[2])
    half = Fraction(1, 2 * 10**decimals) if "." in shown.text else Fraction(0)
    try:
        low, high = (entry, entry) if isinstance(entry, Fraction | int) else bounds(entry)
    except (ArithmeticError, TypeError):
        return False
    return low - half <= shown.value <= high + half
