"""One entry of a formula, written out in indices: `dz_i x_j` for the entry (i, j) of `dz xᵀ`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from symbackprop.algebra.functions import Function
from symbackprop.derivation.slips import NOT_APPLIED
from symbackprop.exercise.model import Exercise, signatures
from symbackprop.notation import tree
from symbackprop.notation.shapes import ShapeError, Signature, shape_of
from symbackprop.notation.tree import Node, Shape

Places = tuple[Node, ...]

LETTERS = "ijklpqrstuvmnoabcdefgh"
"""Letters for the index of a sum, the most usual first."""


@lru_cache(maxsize=16)
def _signatures(own: tuple[tuple[str, Function], ...]) -> Mapping[str, Signature]:
    return signatures(dict(own))


class NoEntryForm(Exception):
    """A formula whose entries cannot be written out simply."""


def entry_form(node: Node, places: Places, exercise: Exercise) -> Node:
    """The entry of a formula at some places, a number itself; `(…)[i,j]` where it cannot be written out."""
    taken = {name for place in places for name in tree.names_in(place)}
    taken |= {*exercise.shapes, *exercise.sizes, *tree.names_in(node)}
    entries = _Entries(exercise, taken)
    try:
        return entries.of(node, places) if entries.rank(node) else node
    except (NoEntryForm, ShapeError):
        return tree.Index(node, places)


def entry_of_name(node: Node, places: Places) -> Node | None:
    """The entry of something that has a name, `dW` or `∂L/∂W`; None for a longer formula."""
    match tree.undressed(node):
        case tree.Name() as name:
            return tree.Index(name, places)
        case tree.Gradient(tree.Name() as name):
            return tree.Gradient(tree.Index(name, places))
        case tree.Derivative(tree.Name() as of, tree.Name() as by, straight, inline):
            return tree.Derivative(of, tree.Index(by, places), straight, inline)
    return None


class _Entries:
    """One formula in an exercise; `taken` are the letters in use."""

    def __init__(self, exercise: Exercise, taken: set[str]) -> None:
        self.exercise = exercise
        self.taken = taken
        self.signatures = _signatures(tuple(exercise.functions.items()))

    def shape(self, node: Node) -> Shape:
        """The shape of a part. Raises ShapeError."""
        match node:
            case tree.Gradient(of):
                return self.shape(of)
            case tree.Name(name) if name in self.exercise.sizes or name not in self.exercise.shapes:
                return ()
        return shape_of(node, self.exercise.shapes, functions=self.signatures)

    def of(self, node: Node, places: Places) -> Node:
        """The entry of a node. Raises NoEntryForm, ShapeError."""
        match node:
            case tree.Bracket(body) | tree.Box(body) | tree.Coloured(body):
                return self.of(body, places)
            case tree.Number() | tree.Constant():
                return node
            case tree.Name() | tree.Gradient(tree.Name()):
                return self._named(node, places)
            case tree.Ones():
                return tree.number(1)
            case tree.Transpose(body):
                return self.of(body, self._turned(body, places))
            case tree.Neg(body):
                return tree.Neg(self.of(body, places))
            case tree.Add(terms):
                return tree.Add(tuple(self.of(term, places) for term in terms))
            case tree.Quotient(above, below):
                return tree.Quotient(self.of(above, places), self.of(below, places), node.inline)
            case tree.Power(base, tree.Number() as exponent):
                return tree.Power(self.of(base, places), exponent)
            case tree.Call("square", (base,)):
                return tree.Power(self.of(base, places), tree.number(2))
            case tree.Call(function, (argument,), options, primes) if function not in NOT_APPLIED | {
                "softmax", "log_softmax",
            }:  # fmt: skip
                return tree.Call(function, (self.of(argument, places),), options, primes)
            case tree.Product():
                return self._product(node, places)
        raise NoEntryForm

    def _named(self, node: Node, places: Places) -> Node:
        found = self.shape(node)
        if not found:
            return node
        if len(found) != len(places):
            raise NoEntryForm
        made = entry_of_name(node, places)
        assert made is not None
        return made

    def _turned(self, body: Node, places: Places) -> Places:
        """The places in what is transposed: a row has one."""
        if len(places) != 2:
            raise NoEntryForm
        if isinstance(body, tree.Ones):
            return places
        return places[1:] if self.rank(body) == 1 else (places[1], places[0])

    def rank(self, node: Node) -> int:
        """How many axes a part has. Raises ShapeError."""
        if isinstance(node, tree.Ones):
            return 1
        return len(self.shape(node))

    def _product(self, node: tree.Product, places: Places) -> Node:
        signs = ["", *node.signs]
        ranks = [self.rank(factor) for factor in node.factors]
        arrays = [at for at, rank in enumerate(ranks) if rank]
        between = {signs[at] for at in arrays[1:]}
        if len(arrays) < 2 or between <= {"odot", "*"}:
            inner = [
                self.of(one, places) if rank else one for one, rank in zip(node.factors, ranks, strict=True)
            ]
            return _times(inner)
        if not between <= {"", "cdot"}:
            raise NoEntryForm
        numbers = [one for one, rank in zip(node.factors, ranks, strict=True) if not rank]
        match [node.factors[at] for at in arrays]:
            case [left, right]:
                made = self._matrix_product(left, right, places)
            case [left, tree.Ones() as one, tree.Transpose(tree.Ones())]:  # the sum of a row, for each column
                made = self._matrix_product(left, one, places[:1])
            case _:
                raise NoEntryForm
        return _times([*numbers, made])

    def _matrix_product(self, left: Node, right: Node, places: Places) -> Node:
        first, second = self.rank(left), self.rank(right)
        if first == 1 and second == 2 and isinstance(right, tree.Transpose):  # a column times a row
            return _times([self.of(left, places[:1]), self.of(right, (tree.number(1), *places[1:]))])
        if first != 2 or second not in (1, 2) or len(places) != second:
            raise NoEntryForm
        if self.shape(left)[-1] == 1:
            one = tree.number(1)
            return _times([self.of(left, (places[0], one)), self.of(right, (one, *places[1:]))])
        letter = next(one for one in LETTERS if one not in self.taken)
        self.taken.add(letter)  # a sum within this one has another
        index = tree.Name(letter)
        term = _times([self.of(left, (places[0], index)), self.of(right, (index, *places[1:]))])
        self.taken.discard(letter)
        return tree.Sum(letter, tree.number(1), None, term)


def plain_products(node: Node) -> Node:
    """A formula of numbers with the products within products written in one row."""
    made = tree.rebuild(node, plain_products)
    if isinstance(made, tree.Product) and not any(made.signs):
        return _times(list(made.factors))
    return made


def _times(factors: list[Node]) -> Node:
    """A product of numbers, without ones."""
    flat = [part for one in factors for part in tree.plain_factors(one)]
    kept = [one for one in flat if one != tree.number(1)]
    if len(kept) < 2:
        return kept[0] if kept else tree.number(1)
    return tree.Product(tuple(kept), ("",) * (len(kept) - 1))
