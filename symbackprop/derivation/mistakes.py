"""The typical mistakes in a gradient, one row each: the right formula in, wrong ones out.

A row makes what a person who slips there would write; it is not asked whether the shapes still
fit. The sentences about them are in the language files under `mistake.<id>`; `{about}` there is
the part of the formula that the slip is about, `{instead}` what was put in its place.

What a row makes is wrong in general, but it may well be right for one exercise (with identity
for g, nothing is lost by forgetting g′), and it may give the right numbers by accident:
`blind.py` looks for those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from symbackprop import limits
from symbackprop.algebra.functions import TABLE
from symbackprop.algebra.values.apply import formula
from symbackprop.derivation.slips import (
    Place,
    Wrong,
    at_each,
    matrix_product,
    negative,
    transposed,
    with_factor,
    without,
)
from symbackprop.derivation.steps import Step
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.shapes import ShapeError, shape_of
from symbackprop.notation.tree import Node
from symbackprop.notation.write import to_plain


@dataclass(frozen=True, slots=True)
class Mistake:
    """One row. `name` is what messages of the command line call it; it may hold `{about}`, `{instead}`."""

    id: str
    name: str
    make: Callable[[Place], Iterator[Wrong]]

    def named(self, wrong: Wrong) -> str:
        """Its name with the parts it is about put in."""
        made = self.name
        for place, node in (("{about}", wrong.about), ("{instead}", wrong.instead)):
            made = made.replace(place, "" if node is None else to_plain(node))
        return made.strip()


def wrong_formulas(exercise: Exercise, step: Step) -> Iterator[tuple[Mistake, Wrong]]:
    """Every mistake that can be made in a step, with the formula that comes of it."""
    if not step.gradient or step.rule in {"seed", "unreached"}:
        return
    place = Place(exercise, step)
    for row in MISTAKES:
        for wrong in row.make(place):
            if wrong.formula != step.formula:
                yield row, wrong


# --- the rows: signs and factors -----------------------------------------------------------


def _sign(place: Place) -> Iterator[Wrong]:
    """dX  ->  −dX"""
    yield Wrong(negative(place.formula))


def _term_sign(place: Place) -> Iterator[Wrong]:
    """ŷ − y  ->  ŷ + y"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Add):
            for at in range(1, len(node.terms)):
                turned = negative(node.terms[at])
                about = negative(turned) if isinstance(turned, tree.Neg) else turned
                yield Wrong(tree.Add((*node.terms[:at], turned, *node.terms[at + 1 :])), about)

    yield from at_each(place.formula, change, into_quotients=False)


def _term_forgotten(place: Place) -> Iterator[Wrong]:
    """ŷ − y  ->  ŷ;  a sum of what comes back along several paths without one of them"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Add):
            for at, term in enumerate(node.terms):
                about = term.body if isinstance(term, tree.Neg) else term
                yield Wrong(tree.plus(*node.terms[:at], *node.terms[at + 1 :]), about)

    yield from at_each(place.formula, change, into_quotients=False)


def _scaled(factor: Fraction) -> Callable[[Place], Iterator[Wrong]]:
    def make(place: Place) -> Iterator[Wrong]:
        if place.step.rule == "loss":
            yield Wrong(tree.juxtaposed(_fraction(factor), place.formula))

    return make


def _fraction(value: Fraction) -> Node:
    if value.denominator == 1:
        return tree.number(value)
    return tree.Quotient(tree.number(value.numerator), tree.number(value.denominator), inline=True)


def _mean_missing(place: Place) -> Iterator[Wrong]:
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


def _square_kept(place: Place) -> Iterator[Wrong]:
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


# --- the rows: g and its derivative ----------------------------------------------------------


def _slope(node: Node) -> bool:
    return isinstance(node, tree.Call) and node.primes > 0


def _slope_missing(place: Place) -> Iterator[Wrong]:
    """dŷ ⊙ g′(z)  ->  dŷ"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Product):
            for at, factor in enumerate(node.factors):
                if _slope(factor):
                    yield Wrong(without(node, at), factor)

    if place.step.rule == "elementwise" and not any(map(_slope, tree.walk(place.formula))):
        # exp'(z) has been put in: there is no g' to leave out, only what became of it
        after = tree.Name(place.through[0])
        local = place.step.substeps[0].local or tree.Derivative(after, tree.Name(place.step.target))
        yield Wrong(tree.Gradient(after), local)
    yield from at_each(place.formula, change)


def _function_for_slope(place: Place) -> Iterator[Wrong]:
    """g′(z)  ->  g(z)"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Call) and node.primes == 1:
            plain = tree.Call(node.function, node.args, node.options)
            yield Wrong(plain, node, plain)

    yield from at_each(place.formula, change)


def _slope_at_output(place: Place) -> Iterator[Wrong]:
    """g′(z)  ->  g′(ŷ)"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Call) and node.primes and isinstance(node.args[0], tree.Name):
            applied = place.applied(node.args[0].name)
            if applied is not None and len(node.args) == 1:
                out = tree.Name(applied.name)
                yield Wrong(tree.Call(node.function, (out,), node.options, node.primes), node.args[0], out)

    yield from at_each(place.formula, change)


def _preactivation(place: Place) -> Iterator[Wrong]:
    """ŷ − y  ->  z − y;  dz aᵀ  ->  dz zᵀ of the layer before"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Name):
            inside = place.argument(node.name)
            if inside is not None:
                yield Wrong(tree.Name(inside), node, tree.Name(inside))

    yield from at_each(place.formula, change)


# --- the rows: products ----------------------------------------------------------------------


def _hadamard_as_dot(place: Place) -> Iterator[Wrong]:
    """dŷ ⊙ g′(z)  ->  dŷᵀ g′(z)"""

    def change(node: Node) -> Iterator[Wrong]:
        match node:
            case tree.Product((left, right), ("odot",)):
                first = tree.Transpose(left) if len(place.shape) == 1 else left
                yield Wrong(tree.juxtaposed(first, right))

    yield from at_each(place.formula, change)


def _transpose_missing(place: Place) -> Iterator[Wrong]:
    """Wᵀ dz  ->  W dz"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Transpose):
            yield Wrong(node.body, node)

    yield from at_each(place.formula, change)


def _result_transposed(place: Place) -> Iterator[Wrong]:
    """dz xᵀ  ->  x dzᵀ"""
    if place.shape and matrix_product(place.formula):
        yield Wrong(transposed(place.formula))


def _factors_swapped(place: Place) -> Iterator[Wrong]:
    """Wᵀ dz  ->  dz Wᵀ"""

    def change(node: Node) -> Iterator[Wrong]:
        pair = matrix_product(node)
        if pair is not None and place.shape:
            yield Wrong(tree.juxtaposed(*reversed(pair)))

    yield from at_each(place.formula, change)


def _inner_for_outer(place: Place) -> Iterator[Wrong]:
    """dz xᵀ  ->  dzᵀ x"""
    pair = matrix_product(place.formula)
    if pair is not None and len(place.shape) == 2:
        yield Wrong(tree.juxtaposed(*map(transposed, pair)))


def _summed(place: Place) -> Iterator[Wrong]:
    """a vector  ->  the sum of its entries"""
    if len(place.shape) == 1:
        yield Wrong(tree.Call("sum", (place.formula,)))


def _factor_forgotten(place: Place) -> Iterator[Wrong]:
    """dz xᵀ  ->  dz, or each entry of dz repeated;  Wᵀ dz  ->  dz"""

    def change(node: Node) -> Iterator[Wrong]:
        if not isinstance(node, tree.Product):
            return
        for at, factor in enumerate(node.factors):
            bare = factor.body if isinstance(factor, tree.Transpose) else factor
            if not isinstance(bare, tree.Name) or (place.shape and not place.rank(bare.name)):
                continue
            yield Wrong(without(node, at), bare)
            if isinstance(factor, tree.Transpose) and place.rank(bare.name) == 1:
                yield Wrong(with_factor(node, at, tree.Transpose(tree.Ones())), bare)

    yield from at_each(place.formula, change)


def _not_summed(place: Place) -> Iterator[Wrong]:
    """dZᵀ 1  ->  dZ: every row of the batch in place of their sum"""
    match place.formula:
        case tree.Product((left, tree.Ones()), ("",)) if len(place.shape) == 1:
            yield Wrong(left.body if isinstance(left, tree.Transpose) else left)
        case tree.Call("sum" | "mean", (body,), options) if options and len(place.shape) == 1:
            yield Wrong(body)


def _output_for_input(place: Place) -> Iterator[Wrong]:
    """dz xᵀ  ->  dz zᵀ"""
    if len(place.shape) != 2:
        return

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Name) and node.name != place.step.target:
            for through in place.through:
                if through != node.name and place.rank(through) == place.rank(node.name):
                    yield Wrong(tree.Name(through), node, tree.Name(through))

    yield from at_each(place.formula, change)


# --- the rows: what arrives --------------------------------------------------------------------


def _upstream_skipped(place: Place) -> Iterator[Wrong]:
    """dz xᵀ  ->  dŷ xᵀ"""

    def change(node: Node) -> Iterator[Wrong]:
        match node:
            case tree.Gradient(tree.Name(name)):
                applied = place.applied(name)
                if applied is not None:
                    after = tree.Gradient(tree.Name(applied.name))
                    yield Wrong(after, node, after)

    yield from at_each(place.formula, change)


def _upstream_forgotten(place: Place) -> Iterator[Wrong]:
    """dŷ ⊙ g′(z)  ->  g′(z);  Wᵀ dz  ->  Wᵀ 1"""

    def change(node: Node) -> Iterator[Wrong]:
        if not isinstance(node, tree.Product):
            return
        for at, factor in enumerate(node.factors):
            match factor:
                case tree.Gradient(tree.Name(name)):
                    if "odot" in node.signs or place.rank(name) == 0:
                        yield Wrong(without(node, at), factor)
                    elif place.rank(name) == 1:
                        yield Wrong(with_factor(node, at, tree.Ones()), factor)

    yield from at_each(place.formula, change)


def _bias_one(place: Place) -> Iterator[Wrong]:
    """db = dz  ->  db = 1"""
    if isinstance(place.formula, tree.Gradient):
        yield Wrong(tree.Ones() if len(place.shape) == 1 else tree.number(1), place.formula)


def _entry_sign(place: Place) -> Iterator[Wrong]:
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


MISTAKES: tuple[Mistake, ...] = (
    Mistake("sign", "the sign", _sign),
    Mistake("term_sign", "the sign of {about}", _term_sign),
    Mistake("term_forgotten", "{about} forgotten", _term_forgotten),
    Mistake("doubled", "a factor 2 too many", _scaled(Fraction(2))),
    Mistake("halved", "a factor 1/2 too many", _scaled(Fraction(1, 2))),
    Mistake("mean_missing", "the mean's factor missing", _mean_missing),
    Mistake("square_kept", "the square not differentiated", _square_kept),
    Mistake("slope_missing", "{about} forgotten", _slope_missing),
    Mistake("function_for_slope", "{instead} in place of {about}", _function_for_slope),
    Mistake("slope_at_output", "g' at {instead} in place of {about}", _slope_at_output),
    Mistake("preactivation", "{instead} in place of {about}", _preactivation),
    Mistake("hadamard_as_dot", "a dot product for ⊙", _hadamard_as_dot),
    Mistake("transpose_missing", "a transpose missing", _transpose_missing),
    Mistake("result_transposed", "the result transposed", _result_transposed),
    Mistake("factors_swapped", "the factors swapped", _factors_swapped),
    Mistake("inner_for_outer", "an inner product for an outer one", _inner_for_outer),
    Mistake("summed", "the vector summed to a number", _summed),
    Mistake("factor_forgotten", "{about} forgotten", _factor_forgotten),
    Mistake("not_summed", "not summed over the examples", _not_summed),
    Mistake("output_for_input", "{instead} in place of {about}", _output_for_input),
    Mistake("upstream_skipped", "{instead} in place of {about}", _upstream_skipped),
    Mistake("upstream_forgotten", "{about} forgotten", _upstream_forgotten),
    Mistake("bias_one", "1 in place of {about}", _bias_one),
    Mistake("entry_sign", "the sign of {about}", _entry_sign),
)
"""All the rows, in the order in which findings name them."""

BY_ID = {row.id: row for row in MISTAKES}
