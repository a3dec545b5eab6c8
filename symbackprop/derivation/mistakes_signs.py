"""Mistakes in signs and numeric factors: the rows of `mistakes.py` that change neither names nor products."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial

from symbackprop import limits
from symbackprop.algebra.functions import TABLE
from symbackprop.algebra.values.apply import formula
from symbackprop.derivation.slips import (
    Maker,
    Place,
    Wrong,
    at_each,
    matrix_product,
    negative,
    without,
)
from symbackprop.notation import tree
from symbackprop.notation.shapes import ShapeError, shape_of
from symbackprop.notation.tree import Node


def sign(place: Place) -> Iterator[Wrong]:
    """dX  ->  −dX"""
    yield Wrong(negative(place.formula))


def term_sign(place: Place) -> Iterator[Wrong]:
    """ŷ − y  ->  ŷ + y"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Add):
            for at in range(1, len(node.terms)):
                turned = negative(node.terms[at])
                about = negative(turned) if isinstance(turned, tree.Neg) else turned
                yield Wrong(tree.Add((*node.terms[:at], turned, *node.terms[at + 1 :])), about)

    yield from at_each(place.formula, change, into_quotients=False)


def term_forgotten(place: Place) -> Iterator[Wrong]:
    """ŷ − y  ->  ŷ;  a sum of what comes back along several paths without one of them"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Add):
            for at, term in enumerate(node.terms):
                about = term.body if isinstance(term, tree.Neg) else term
                yield Wrong(tree.plus(*node.terms[:at], *node.terms[at + 1 :]), about)

    yield from at_each(place.formula, change, into_quotients=False)


def terms_forgotten(place: Place) -> Iterator[Wrong]:
    """dz₁ h₀ᵀ + dz₂ h₁ᵀ + dz₃ h₂ᵀ  ->  dz₃ h₂ᵀ: of a sum of many only one term"""
    match place.formula:
        case tree.Add(terms) if len(terms) > 2:
            for term in terms:
                others = tuple(one for one in terms if one is not term)
                yield Wrong(term, tree.plus(*others))


def scaled(factor: Fraction) -> Maker:
    """½ (ŷ − y)²  ->  2 (ŷ − y), or ½ (ŷ − y)"""

    def make(place: Place) -> Iterator[Wrong]:
        if place.step.rule == "loss":
            yield Wrong(tree.juxtaposed(_fraction(factor), place.formula))

    return make


def _fraction(value: Fraction) -> Node:
    if value.denominator == 1:
        return tree.number(value)
    return tree.Quotient(tree.number(value.numerator), tree.number(value.denominator), inline=True)


def mean_missing(place: Place) -> Iterator[Wrong]:
    """2/n (ŷ − y)  ->  2 (ŷ − y)"""
    if place.step.rule != "loss":
        return
    body = next(one.body for one in place.exercise.equations if one.name == place.exercise.loss)
    for part in tree.walk(body):
        if isinstance(part, tree.Call) and _takes_mean(place, part):
            sizes = [tree.Name(s) if isinstance(s, str) else tree.number(s) for s in place.shape]
            if sizes:
                yield Wrong(tree.juxtaposed(*sizes, place.formula))
            return


def _takes_mean(place: Place, call: tree.Call) -> bool:
    """Not `mean(bce(p, y))`: that loss is one number already, and its mean has no factor."""
    if call.function != "mean":
        return _row_reduces(place, call) == "mean"
    try:
        return shape_of(call.args[0], place.exercise.shapes, functions=place.exercise.signatures) != ()
    except ShapeError:
        return True


def _row_reduces(place: Place, call: tree.Call) -> str | None:
    row = place.exercise.functions.get(call.function) or TABLE.get(call.function)
    return row.reduce if row is not None else None


def square_kept(place: Place) -> Iterator[Wrong]:
    """½(ŷ − y)²  ->  itself, entry by entry"""
    if place.step.rule != "loss":
        return
    body = next(one.body for one in place.exercise.equations if one.name == place.exercise.loss)
    entry = _entry_of_loss(place, tree.undressed(body))
    if any(isinstance(part, tree.Call) and part.function == "square" for part in tree.walk(entry)):
        yield Wrong(entry)


def _entry_of_loss(place: Place, node: Node) -> Node:
    """A loss before it is added up: its squares as squares of entries."""
    match node:
        case tree.Power(tree.Norm(body, _) | body, tree.Number(Fraction(numerator=2, denominator=1))):
            return tree.Call("square", (body,))
        case tree.Call("sum" | "mean", (body,)):
            return _entry_of_loss(place, body)
        case tree.Call(function, args, (), 0):
            row = place.exercise.functions.get(function) or TABLE.get(function)
            if row is not None and row.kind == "loss" and len(row.arguments) == len(args):
                inner = formula(row.pieces[0].formula, frozenset(place.exercise.functions))
                table = dict(zip(row.arguments, args, strict=True))
                return _entry_of_loss(place, tree.undressed(tree.replace_names(inner, table)))
            return node
    return tree.rebuild(node, lambda child: _entry_of_loss(place, child))


def entry_sign(place: Place) -> Iterator[Wrong]:
    """(−4, 0, −8)  ->  (−4, 0, 8): the sign lost in one entry, or in one column of a matrix"""
    if not place.shape or not matrix_product(place.formula):
        return
    size = place.shape[-1]
    if not isinstance(size, int) or not isinstance(place.shape[0], int) or size > limits.SHOWN_COLUMNS:
        return
    for column in range(size):
        signs = tuple(tree.number(-1 if at == column else 1) for at in range(size))
        where: tuple[Node, ...] = (tree.number(column + 1),)
        if len(place.shape) == 1:
            mask = tree.Matrix(tuple((sign,) for sign in signs), "column")
        else:
            mask = tree.Matrix((signs,) * place.shape[0], "matrix")
            where = (tree.Slice(), *where)
        about = tree.Gradient(tree.Index(tree.Name(place.step.target), where))
        yield Wrong(tree.times(place.formula, mask, sign="odot"), about)


# --- what only a checker looks for ------------------------------------------------------------


def first_sign(place: Place) -> Iterator[Wrong]:
    """ŷ − y  ->  −ŷ − y"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Add):
            turned = negative(node.terms[0])
            about = turned.body if isinstance(turned, tree.Neg) else turned
            yield Wrong(tree.Add((turned, *node.terms[1:])), about)

    yield from at_each(place.formula, change)


def any_scaled(factor: Fraction) -> Maker:
    """dz xᵀ  ->  2 dz xᵀ"""

    def make(place: Place) -> Iterator[Wrong]:
        if place.step.rule != "loss":
            yield Wrong(tree.juxtaposed(_fraction(factor), place.formula))

    return make


def term_factor(place: Place) -> Iterator[Wrong]:
    """dz xᵀ + 2 λ W  ->  dz xᵀ + λ W"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Add):
            for at, term in enumerate(node.terms):
                for factor in (Fraction(1, 2), Fraction(2)):
                    changed = tree.juxtaposed(_fraction(factor), term)
                    about = term.body if isinstance(term, tree.Neg) else term
                    yield Wrong(tree.Add((*node.terms[:at], changed, *node.terms[at + 1 :])), about)

    yield from at_each(place.formula, change, into_quotients=False)


def number_forgotten(place: Place) -> Iterator[Wrong]:
    """1/√2 dS K  ->  dS K: a factor that is a number or a call, or what a quotient divides by"""

    def change(node: Node) -> Iterator[Wrong]:
        match node:
            case tree.Quotient(above, below) if not isinstance(above, tree.Number):
                yield Wrong(above, tree.Quotient(tree.number(1), below, node.inline))
            case tree.Product(factors, _):
                for at, factor in enumerate(factors):
                    if _counts_as_number(factor):
                        yield Wrong(without(node, at), factor)

    yield from at_each(place.formula, change)


def _counts_as_number(factor: Node) -> bool:
    """Not 2 and ½, nor g′(z): they have rows of their own."""
    match factor:
        case tree.Number(value):
            return value != 2
        case tree.Quotient(tree.Number(above), tree.Number(below)):
            return above / below != Fraction(1, 2)
        case tree.Call(_, _, _, 0) | tree.Quotient():
            return True
    return False


def _counts(place: Place) -> Iterator[Node]:
    """What the loss divides by to be a mean: m of `1/m Σ …`, or the entries of what it takes the mean of."""
    body = place.body(place.exercise.loss) or tree.number(1)
    for part in tree.walk(body):
        match part:
            case tree.Quotient(tree.Number(), below) if below not in (tree.number(1), tree.number(2)):
                yield _without_two(below)
            case tree.Call(function, (argument, *_)) if _takes_mean(place, part):
                shapes, signatures = place.exercise.shapes, place.exercise.signatures
                sizes = shape_of(argument, shapes, functions=signatures) if function else ()
                yield tree.juxtaposed(*(_size(size) for size in sizes)) if sizes else tree.number(1)


def _without_two(count: Node) -> Node:
    """m of 1/(2m): the 2 goes with the square."""
    match tree.undressed(count):
        case tree.Product(factors) as product if factors[0] == tree.number(2):
            return without(product, 0)
    return count


def _size(size: tree.Size) -> Node:
    return tree.Name(size) if isinstance(size, str) else tree.number(size)


def count_missing(place: Place) -> Iterator[Wrong]:
    """dw = Xᵀ dz with dz = 1/m (p − y)  ->  m Xᵀ dz"""
    for count in dict.fromkeys(_counts(place)):
        for made in _each_term(place.formula, partial(tree.juxtaposed, count)):
            yield Wrong(made)


def count_twice(place: Place) -> Iterator[Wrong]:
    """dw = Xᵀ dz with dz = 1/m (p − y)  ->  1/m Xᵀ dz"""
    for count in dict.fromkeys(_counts(place)):
        about = tree.Quotient(tree.number(1), count, inline=True)
        for made in _each_term(place.formula, partial(_over, count)):
            yield Wrong(made, about)


def _over(count: Node, term: Node) -> Node:
    return tree.Quotient(term, count)


def _each_term(node: Node, change: Callable[[Node], Node]) -> Iterator[Node]:
    """A formula changed as a whole; a sum also in each of its terms."""
    yield change(node)
    if isinstance(node, tree.Add):
        for at, term in enumerate(node.terms):
            yield tree.Add((*node.terms[:at], change(term), *node.terms[at + 1 :]))


def bare_square_kept(place: Place) -> Iterator[Wrong]:
    """½ (ŷ − y)²  ->  (ŷ − y)², entry by entry; 1/(2m) (ŷ − y)²  ->  1/m (ŷ − y)²"""
    for wrong in square_kept(place):
        yield Wrong(tree.juxtaposed(tree.number(2), wrong.formula))
        for part in tree.walk(wrong.formula):
            if isinstance(part, tree.Call) and part.function == "square":
                yield Wrong(part)


def squared(place: Place) -> Iterator[Wrong]:
    """L = ½ ‖ŷ − y‖²  ->  ½ ‖ŷ − y‖: the square of a forward equation forgotten"""

    def change(node: Node) -> Iterator[Wrong]:
        match node:
            case tree.Power(base, tree.Number()) | tree.Call("square", (base,)):
                yield Wrong(base, node)

    yield from at_each(place.formula, change, into_calls=True)


def any_entry_sign(place: Place) -> Iterator[Wrong]:
    """(−4, 0, −8)  ->  (4, 0, −8) in a vector that is no product; in one entry of a matrix"""
    sizes = [size for size in place.shape if isinstance(size, int)]
    if not 1 <= len(sizes) == len(place.shape) <= 2 or max(sizes) > limits.SHOWN_COLUMNS:
        return
    if len(sizes) == 1 and matrix_product(place.formula):
        return  # the row as every example must show it
    rows, columns = (sizes[0], 1) if len(sizes) == 1 else sizes
    if rows == columns == 1:
        return
    for row in range(rows):
        for column in range(columns):
            yield _entry_turned(place, (rows, columns), (row, column))


def _entry_turned(place: Place, size: tuple[int, int], at: tuple[int, int]) -> Wrong:
    signs = tuple(
        tuple(tree.number(-1 if (row, column) == at else 1) for column in range(size[1]))
        for row in range(size[0])
    )
    mask = tree.Matrix(signs, "column" if len(place.shape) == 1 else "matrix")
    where = tuple(tree.number(one + 1) for one in at[: len(place.shape)])
    entry = tree.Index(tree.Name(place.step.target), where)
    about = tree.Gradient(entry) if place.step.gradient else entry
    return Wrong(tree.times(place.formula, mask, sign="odot"), about)
