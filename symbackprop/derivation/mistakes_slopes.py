"""Mistakes about g and its derivative: the rows of `mistakes.py` that concern an activation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import pairwise

from symbackprop.algebra.functions import ROWS, TABLE, Function
from symbackprop.algebra.slopes import OUTPUT, slope
from symbackprop.algebra.symbolic import NotSymbolic
from symbackprop.algebra.values.apply import formula
from symbackprop.derivation.slips import Maker, Place, Wrong, at_each, negative, without
from symbackprop.notation import tree
from symbackprop.notation.tree import Node


def _slope(node: Node) -> bool:
    return isinstance(node, tree.Call) and node.primes > 0


def slope_missing(place: Place) -> Iterator[Wrong]:
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


def function_for_slope(place: Place) -> Iterator[Wrong]:
    """g′(z)  ->  g(z)"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Call) and node.primes == 1:
            plain = tree.Call(node.function, node.args, node.options)
            yield Wrong(plain, node, plain)

    yield from at_each(place.formula, change)


def slope_at_output(place: Place) -> Iterator[Wrong]:
    """g′(z)  ->  g′(ŷ)"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Call) and node.primes and isinstance(node.args[0], tree.Name):
            applied = place.applied(node.args[0].name)
            if applied is not None and len(node.args) == 1:
                out = tree.Name(applied.name)
                yield Wrong(tree.Call(node.function, (out,), node.options, node.primes), node.args[0], out)

    yield from at_each(place.formula, change)


def preactivation(place: Place) -> Iterator[Wrong]:
    """ŷ − y  ->  z − y;  dz aᵀ  ->  dz zᵀ of the layer before"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Name):
            inside = place.argument(node.name)
            if inside is not None:
                yield Wrong(tree.Name(inside), node, tree.Name(inside))

    yield from at_each(place.formula, change)


# --- what only a checker looks for: in the derivative written out, a (1 − a) ----------------------


@cache
def _by_output(row: Function) -> Node | None:
    """The derivative of a row in its own output, entry by entry; None if it has no such form."""
    if not row.smooth or row.options or len(row.arguments) != 1:
        return None
    try:
        found = slope(row, lambda text, _: formula(text, frozenset()))
    except NotSymbolic:
        return None
    return None if found.by_output is None else _entrywise(found.by_output)


def _entrywise(node: Node) -> Node:
    """A formula for one number as a formula for arrays: products and squares entry by entry."""
    match node:
        case tree.Product(factors, _):
            inner = tuple(map(_entrywise, factors))
            plain = [isinstance(one, tree.Number | tree.Quotient) for one in inner]
            gaps = pairwise(plain)
            return tree.Product(inner, tuple("" if left or right else "odot" for left, right in gaps))
        case tree.Power(base, tree.Number(value)) if value == 2:
            return tree.Call("square", (_entrywise(base),))
    return tree.rebuild(node, _entrywise)


def written_out(place: Place, call: tree.Call, *, by_name: bool = True) -> tuple[Node, Node] | None:
    """g′(z) as a (1 − a), and a: the name of g(z) where it has one, if it is to go `by_name`."""
    row = place.exercise.functions.get(call.function) or TABLE.get(call.function)
    found = _by_output(row) if row is not None and call.primes == 1 and not call.options else None
    if found is None:
        return None
    argument = call.args[0]
    applied = place.applied(argument.name) if by_name and isinstance(argument, tree.Name) else None
    output: Node = tree.Call(call.function, call.args)
    if applied is not None and tree.undressed(applied.body) == output:
        output = tree.Name(applied.name)
    return tree.replace_names(found, {OUTPUT: output}), output


def in_slope(change: Callable[[Node, Node], Iterable[Wrong]]) -> Maker:
    """A mistake in g′(z) written out as a (1 − a); `change` gets a part of it and a."""

    def make(place: Place) -> Iterator[Wrong]:
        def inside(node: Node) -> Iterator[Wrong]:
            known = written_out(place, node) if isinstance(node, tree.Call) and node.primes == 1 else None
            if known is not None:
                form, output = known
                yield from at_each(form, lambda part: change(part, output))

        yield from at_each(place.formula, inside)

    return make


def output_sign(node: Node, _: Node) -> Iterator[Wrong]:
    """a (1 − a)  ->  a (1 + a)"""
    if isinstance(node, tree.Add):
        for at, term in enumerate(node.terms):
            turned = negative(term)
            about = turned.body if isinstance(turned, tree.Neg) else turned
            yield Wrong(tree.Add((*node.terms[:at], turned, *node.terms[at + 1 :])), about)


def output_term_forgotten(node: Node, _: Node) -> Iterator[Wrong]:
    """1 − a²  ->  −a²"""
    if isinstance(node, tree.Add):
        for at, term in enumerate(node.terms):
            about = term.body if isinstance(term, tree.Neg) else term
            left = tree.plus(*node.terms[:at], *node.terms[at + 1 :])
            if not isinstance(left, tree.Number):  # a · 1 is g(z) for g'(z): that has its own row
                yield Wrong(left, about)


def output_factor_forgotten(node: Node, output: Node) -> Iterator[Wrong]:
    """a (1 − a)  ->  1 − a"""
    if isinstance(node, tree.Product):
        for at, factor in enumerate(node.factors):
            left = without(node, at)
            if left != output:
                yield Wrong(left, factor)


def output_square_forgotten(node: Node, _: Node) -> Iterator[Wrong]:
    """1 − a²  ->  1 − a"""
    match node:
        case tree.Call("square", (base,)):
            yield Wrong(base, node)


def preactivation_in_slope(place: Place) -> Iterator[Wrong]:
    """a (1 − a)  ->  z (1 − z)"""

    def change(node: Node) -> Iterator[Wrong]:
        known = written_out(place, node) if isinstance(node, tree.Call) and node.primes == 1 else None
        if known is not None and isinstance(node, tree.Call):
            form, output = known
            (argument,) = node.args
            yield Wrong(_replaced(form, output, argument), output, argument)

    yield from at_each(place.formula, change)


def _replaced(node: Node, old: Node, new: Node) -> Node:
    return new if node == old else tree.rebuild(node, lambda child: _replaced(child, old, new))


def other_slope(place: Place) -> Iterator[Wrong]:
    """a (1 − a)  ->  1 − a²: the derivative of another activation, in this one's output or in z"""

    def change(node: Node) -> Iterator[Wrong]:
        if not isinstance(node, tree.Call) or node.primes != 1:
            return
        known = written_out(place, node)
        output = tree.Call(node.function, node.args, node.options) if known is None else known[1]
        for row in _ACTIVATIONS:
            if row.name != node.function:
                other = _by_output(row)
                if other is not None:
                    yield Wrong(tree.replace_names(other, {OUTPUT: output}), node)
                yield Wrong(tree.Call(row.name, node.args, (), 1), node)

    yield from at_each(place.formula, change)


def other_function(place: Place) -> Iterator[Wrong]:
    """ŷ = σ(z)  ->  ŷ = tanh(z)"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Call) and node.function in _NAMES and not node.primes:
            for row in _ACTIVATIONS:
                if row.name != node.function:
                    instead = tree.Call(row.name, node.args)
                    yield Wrong(instead, node, instead)

    yield from at_each(place.formula, change, into_calls=True)


def function_forgotten(place: Place) -> Iterator[Wrong]:
    """ŷ = σ(z)  ->  ŷ = z"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Call) and len(node.args) == 1 and not node.primes:
            yield Wrong(node.args[0], node)

    yield from at_each(place.formula, change, into_calls=True)


def argument_sign(place: Place) -> Iterator[Wrong]:
    """σ(z)  ->  σ(−z): the sign of the exponent"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Call) and len(node.args) == 1 and node.function not in {"sum", "mean"}:
            turned = negative(node.args[0])
            yield Wrong(tree.Call(node.function, (turned,), node.options, node.primes), node.args[0])

    yield from at_each(place.formula, change, into_calls=True)


def softmax_elementwise(place: Place) -> Iterator[Wrong]:
    """softmax: what comes back through every entry  ->  dp ⊙ p ⊙ (1 − p)"""
    form = _by_output(TABLE["sigmoid"])
    for through in place.through:
        match tree.undressed(place.body(through) or tree.number(0)):
            case tree.Call("softmax", (tree.Name(name),)) if name == place.step.target and form is not None:
                local = tree.replace_names(form, {OUTPUT: tree.Name(through)})
                arriving = tree.Gradient(tree.Name(through))
                yield Wrong(tree.times(arriving, local, sign="odot"), tree.Name(through))


def diagonal_everywhere(place: Place) -> Iterator[Wrong]:
    """∂p_i/∂z_j = δ_ij p_i − p_i p_j  ->  p_i − p_i p_i;  diag(p) − p pᵀ  ->  p − p ⊙ p"""
    deltas = [part for part in tree.walk(place.formula) if isinstance(part, tree.Delta)]
    for delta in deltas:
        if isinstance(delta.second, tree.Name):
            same = tree.replace_names(place.formula, {delta.second.name: delta.first})
            about = tree.Name(place.through[0]) if place.through else delta
            yield Wrong(_replaced(same, tree.Delta(delta.first, delta.first), tree.number(1)), about)
    match place.formula:
        case tree.Add((tree.Call("diag", (body,)), tree.Neg(tree.Product((_, tree.Transpose()))))):
            entries = tree.Add((body, tree.Neg(tree.times(body, body, sign="odot"))))
            yield Wrong(entries, body)
            yield Wrong(tree.Call("diag", (entries,)), body)


_ACTIVATIONS = tuple(
    row for row in ROWS if row.kind == "activation" and row.name in {"sigmoid", "tanh", "relu"}
)
_NAMES = {row.name for row in ROWS if row.kind == "activation"}
