"""Formulas by their entries: `dz xᵀ` as `dz_i x_j`, `Wᵀ dz` as `Σ_j w_ji dz_j`; and what shape a tree has."""

from __future__ import annotations

from math import prod

from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Size

from .facts import Facts
from .figures import Value

Shape = tuple[Size | None, ...]
Letters = tuple[str, ...]

LETTERS = ("i", "j", "l", "m", "r", "s", "q")
REDUCING = frozenset({"sum", "mean", "cross_entropy", "bce"})


class NoEntries(ValueError):
    """A formula of which the generator knows no form in indices."""


def shape(facts: Facts, node: Node) -> Shape:
    """The shape of a tree; None for the size of a bare vector of ones."""
    match node:
        case tree.Name(name):
            return tuple(facts.exercise.shapes.get(name, ()))
        case tree.Gradient(tree.Name(name)):
            return tuple(facts.exercise.shapes[name])
        case tree.Ones():
            return (None,)
        case tree.Matrix(rows, form):
            return (len(rows),) if form == "column" else (len(rows), len(rows[0]))
        case Value(figures, row):
            return (1, *figures.shape) if row and len(figures.shape) == 1 else figures.shape
        case tree.Neg(body) | tree.Bracket(body) | tree.Brace(body):
            return shape(facts, body)
        case tree.Add(terms):
            return max((shape(facts, term) for term in terms), key=len)
        case tree.Quotient(above, below):
            return max(shape(facts, above), shape(facts, below), key=len)
        case tree.Power(base):
            return shape(facts, base)
        case tree.Transpose(body):
            inner = shape(facts, body)
            return (1, *inner) if len(inner) == 1 else inner[::-1]
        case tree.Call(function, (argument, *_), ()) if function not in REDUCING:
            return shape(facts, argument)
        case tree.Product(factors, signs):
            return _of_product(facts, factors, signs)
        case tree.Entrywise(_, sizes):
            return tuple(int(size.value) if isinstance(size, tree.Number) else None for size in sizes)
    return ()


def _of_product(facts: Facts, factors: tuple[Node, ...], signs: tuple[str, ...]) -> Shape:
    made = shape(facts, factors[0])
    for sign, factor in zip(signs, factors[1:], strict=True):
        other = shape(facts, factor)
        if sign in ("odot", "*") or not made or not other:
            made = max(made, other, key=len)
        elif made == (1,) and len(other) == 1:
            made = other
        else:
            made = (*made[:1], *other[1:])
            made = () if made == (1,) and isinstance(factors[0], tree.Transpose) else made
    return made


def by_entries(facts: Facts, target: str, node: Node) -> tree.Entrywise:
    """The array whose entries a formula gives, entry by entry. Raises NoEntries."""
    letters = fresh(facts)
    sizes = facts.shapes[target]
    if not sizes:
        raise NoEntries("a number has no indices")
    if isinstance(node, tree.Entrywise):
        return node
    used = [facts.shapes[name] for name in tree.names_in(node) if name in facts.shapes]
    if any(len(one) == 2 and one[1] == 1 for one in (sizes, *used)):
        raise NoEntries("a matrix with one column")
    indices, letters = letters[: len(sizes)], letters[len(sizes) :]
    places = tuple(tree.Name(index) for index in indices)
    body = _entry(facts, node, places, letters)
    return tree.Entrywise(indices, tuple(map(_size, sizes)), body)


def fresh(facts: Facts) -> Letters:
    """Letters for indices that are no names of the exercise."""
    taken = {name.lower() for name in (*facts.exercise.shapes, *facts.exercise.sizes)}
    return tuple(letter for letter in LETTERS if letter not in taken)


def _size(size: Size | None) -> Node:
    if size is None:
        raise NoEntries("an unknown size")
    return tree.Name(size) if isinstance(size, str) else tree.number(size)


def _entry(facts: Facts, node: Node, places: tuple[Node, ...], letters: Letters) -> Node:
    """The entry of an array at its places; a number is itself."""
    own = shape(facts, node)
    if not own:
        return node
    if len(own) != len(places):
        raise NoEntries("an array beside one of another rank")
    match node:
        case tree.Name():
            return tree.Index(node, places)
        case tree.Gradient(of):
            return tree.Gradient(tree.Index(of, places))
        case tree.Ones():
            return tree.number(1)
        case tree.Neg(body):
            return tree.Neg(_entry(facts, body, places, letters))
        case tree.Bracket(body):
            inner = _entry(facts, body, places, letters)
            return tree.Bracket(inner) if isinstance(inner, tree.Add | tree.Neg) else inner
        case tree.Add(terms):
            return tree.Add(tuple(_entry(facts, term, places, letters) for term in terms))
        case tree.Quotient(above, below, inline):
            return tree.Quotient(
                _entry(facts, above, places, letters), _bare(_entry(facts, below, places, letters)), inline
            )
        case tree.Transpose(body):
            turned = places[1:] if len(shape(facts, body)) == 1 else places[::-1]
            return _entry(facts, body, turned, letters)
        case tree.Call("softmax", (argument,)) if len(own) == 1:
            (place,) = places
            again, *_ = letters
            total = tree.Sum(again, tree.number(1), _size(own[0]), _exp(argument, tree.Name(again)))
            return tree.Quotient(_exp(argument, place), total)
        case tree.Call(function, (argument,), (), primes) if function != "softmax":
            return tree.Call(function, (_entry(facts, argument, places, letters),), (), primes)
        case tree.Product():
            return _product(facts, node, places, letters)
    raise NoEntries(type(node).__name__)


def _exp(argument: Node, place: Node) -> Node:
    return tree.Call("exp", (tree.Index(argument, (place,)),))


def _bare(node: Node) -> Node:
    return node.body if isinstance(node, tree.Bracket) else node


def _product(facts: Facts, node: tree.Product, places: tuple[Node, ...], letters: Letters) -> Node:
    if all(sign in ("odot", "*") for sign in node.signs):
        return times(*(_entry(facts, factor, places, letters) for factor in node.factors))
    if any(sign in ("odot", "*") for sign in node.signs):
        raise NoEntries("two kinds of products")
    numbers: list[Node] = []
    arrays: list[Node] = []
    for factor in node.factors:
        sizes = shape(facts, factor)
        if sizes == (1,) and isinstance(factor, tree.Name | tree.Gradient):
            numbers.append(_entry(facts, factor, (tree.number(1),), letters))
        else:
            (arrays if sizes else numbers).append(factor)
    if len(arrays) == 1 and len(shape(facts, arrays[0])) < len(places) and places[0] != tree.number(1):
        places = places[1:]  # a row beside a vector of one entry
    elif len(arrays) == 1 and len(shape(facts, arrays[0])) > len(places):
        places = (*places, tree.number(1))  # the column Wᵀ of a W with one row
    return times(*numbers, _contracted(facts, arrays, places, letters)) if arrays else times(*numbers)


def _contracted(facts: Facts, arrays: list[Node], places: tuple[Node, ...], letters: Letters) -> Node:
    """The entry of a product of matrices and vectors."""
    first, *rest = arrays
    if not rest:
        return _entry(facts, first, places, letters)
    sizes = shape(facts, first)
    if len(sizes) == 1:  # a column times a row
        return times(
            _entry(facts, first, places[:1], letters),
            _contracted(facts, rest, (tree.number(1), *places[1:]), letters),
        )
    row = places[:1] if len(places) else (tree.number(1),)
    if not letters:
        raise NoEntries("the letters are used up")
    again, letters = letters[0], letters[1:]
    inner = (tree.Name(again), *places[1:])
    body = times(
        _entry(facts, first, (*row, tree.Name(again)), letters), _contracted(facts, rest, inner, letters)
    )
    return tree.Sum(again, tree.number(1), _size(sizes[1]), body)


def times(*factors: Node) -> Node:
    """A product of numbers, written flat; ones are left out, and a sum that is not last gets brackets."""
    flat: list[Node] = []
    for factor in factors:
        flat += factor.factors if isinstance(factor, tree.Product) and not any(factor.signs) else [factor]
    flat = [factor for factor in flat if factor != tree.number(1)] or [tree.number(1)]
    *before, last = flat
    kinds = tree.Add | tree.Neg
    made = [tree.Bracket(one) if isinstance(one, kinds | tree.Sum) else one for one in before]
    return tree.juxtaposed(*made, tree.Bracket(last) if isinstance(last, kinds) else last)


def at_places(facts: Facts, whole: tree.Entrywise, places: tuple[int, ...]) -> Node:
    """One entry of an array by entries, with numbers for its indices."""
    table: dict[str, Node] = {
        index: tree.number(place) for index, place in zip(whole.indices, places, strict=True)
    }
    return tree.replace_names(whole.body, table)


def count(facts: Facts, target: str) -> int:
    """How many entries a target has; 0 where its sizes are symbols."""
    sizes = facts.shapes[target]
    return prod(size for size in sizes if isinstance(size, int)) if all(
        isinstance(size, int) for size in sizes
    ) else 0  # fmt: skip
