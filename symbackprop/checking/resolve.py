"""From a formula as written to one about the exercise: names, calls, indices, marks and dots understood.

What is neither declared nor defined is refused with its place; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from symbackprop.checking.calls import Calls, Done
from symbackprop.checking.context import FUNCTION_LETTERS, INDICES, Context, Unclear
from symbackprop.checking.counted import entry_digits
from symbackprop.checking.dots import expanded_sum, expanded_tuple
from symbackprop.checking.findings import Reason
from symbackprop.checking.layer_letters import apart
from symbackprop.checking.lettered import MOST_LAYERS, lettered, spelt, spread_places, written_out
from symbackprop.checking.lettered import instances as instances
from symbackprop.checking.marks import delta_of, mark_number, marked
from symbackprop.checking.numeric import is_numeric
from symbackprop.checking.resolve_places import entry, place, rank_of
from symbackprop.checking.rows import lying, upright
from symbackprop.checking.units import with_units
from symbackprop.checking.updating import after_step
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node


@dataclass(slots=True)
class Resolved:
    """A formula about the exercise, with what its reading relied on.

    `free` are the indices that no sum binds; `sized`: it speaks of entries or arrays of one size, so it
    says nothing of other sizes. `unfinished`: dots stand for terms that are not written. `instance`: of a
    line about any layer, or any step, which one this is. `conditions`: the indices for which it is claimed.
    """

    node: Node
    free: tuple[str, ...] = ()
    sized: bool = False
    unfinished: bool = False
    instance: int | None = None
    conditions: tuple[Node, ...] = ()


@dataclass(slots=True)
class Resolver:
    """One formula being resolved. `bound` are the indices of the sums around."""

    context: Context
    layer: int | None = None
    bound: frozenset[str] = frozenset()
    free: dict[str, None] = field(default_factory=dict)
    sized: bool = False
    unfinished: bool = False

    def resolved(self, node: Node) -> Resolved:
        """The whole formula. Raises Unclear."""
        for letter in _no_sizes(self.context, node):
            self.free.setdefault(letter)
        made = self.at(node)
        return Resolved(made, tuple(self.free), self.sized, self.unfinished, self.layer)

    def at(self, node: Node) -> Node:
        """One node."""
        handler = _HANDLERS.get(type(node))
        if handler is not None:
            return handler(self, node)
        return tree.rebuild(node, self.at)

    def refuse(self, key: str, node: Node, **parts: Node | str) -> Unclear:
        """The error for a place."""
        return Unclear(Reason(key=key, parts=parts), node.span)

    def binding(self, index: str) -> Resolver:
        """The resolver of a sum's body."""
        inner = replace(self, bound=self.bound | {index})
        inner.free = self.free
        return inner


def _no_sizes(context: Context, node: Node) -> Iterator[str]:
    """Letters of sizes that are indices here: the k of `dW_{jk}`, whose second axis has n places."""
    for part in tree.walk(node):
        if not isinstance(part, tree.Index):
            continue
        base = part.base.of if isinstance(part.base, tree.Gradient) else part.base
        name = context.variable(base.name) if isinstance(base, tree.Name) else None
        shape = context.shape(name or "")
        places = spread_places(part.places)
        if shape is None or len(shape) != len(places):
            continue
        for size, at in zip(shape, places, strict=True):
            letter = at.name if isinstance(at, tree.Name) else ""
            if letter in INDICES and letter in context.exercise.sizes and size != letter:
                yield letter


# --- names --------------------------------------------------------------------------------------


def _name(self: Resolver, node: tree.Name) -> Node:
    name = node.name
    context = self.context
    if name in self.bound:
        return node
    self.sized = self.sized or name in context.numbers
    if context.size_known(name) and not context.knows(name):
        return node  # k is a size though there is a K
    found = context.variable(name)
    if found is not None and not (name in INDICES and name in self.free):
        return tree.Name(context.alias(found), span=node.span)
    if name == "delta":
        return delta_of(self, node)
    stem, mark, word = name.rpartition("_")
    again = after_step(context, stem, mark + word) if mark else None
    if again is not None:
        return again
    one = context.entry_of_delta(name)
    if one is not None:
        return self.at(
            tree.Index(tree.Name("delta"), (tree.Number(Fraction(one), str(one)),), span=node.span)
        )
    if context.numbered_delta(name) is not None:
        return delta_of(self, node, int(name.removeprefix("delta")))
    read = lettered(self, name, node) or _with_places(self, node)
    if read is not None:
        return read
    if context.by_letter and (spread := apart(node)) is not node:
        return self.at(spread)
    if context.size_known(name) or name in self.free:
        return node
    if context.ends.get(name) is not None:
        return node  # 1/m beside a sum up to m
    if name == "I" and found is None:
        return node  # the identity, as large as what it stands beside
    if name == "e":
        return tree.Call("exp", (tree.Number(Fraction(1)),), span=node.span)
    if name in context.callable or name in FUNCTION_LETTERS:
        raise self.refuse("check.no_argument", node, name=node)
    raise self.refuse("check.unknown_name", node, name=node)


def _with_places(self: Resolver, node: tree.Name) -> Node | None:
    """`x1` and `W12` as entries of x and W."""
    digits = entry_digits(self.context, node.name)
    if not digits:
        return None
    stem = node.name.removesuffix(digits)
    number = tree.Number(Fraction(int(digits)), digits, span=node.span)
    return self.at(tree.Index(tree.Name(stem), (number,), span=node.span))


def _gradient(self: Resolver, node: tree.Gradient) -> Node:
    """`dz`, `dx_i`, `dz^{[1]}`; `dy` is dL/dŷ where y is data and ŷ is computed."""
    found = self.at(_shown_y(self, _opened(self, node.of)))
    column = _column(self, found, tree.Gradient)
    if column is not None:
        return column
    of = lying(found)
    core = of.base if isinstance(of, tree.Index) else of
    if isinstance(core, tree.Neg | tree.Gradient | tree.Call) or not isinstance(core, tree.Name):
        raise self.refuse("check.no_gradient", node, name=node)
    if core.name not in self.context.exercise.shapes:
        raise self.refuse("check.no_gradient", node, name=node)
    made = tree.Gradient(of, span=node.span)
    return made if of is found else upright(self.context, made)


def _column(self: Resolver, by: Node, derived: Callable[[Node], Node]) -> Node | None:
    """A derivative by `w`, which the text uses for the only row of W: as a column, entry by entry."""
    core, places = (by.base, by.places) if isinstance(by, tree.Index) else (by, ())
    meaning = self.context.meanings.get(core.name) if isinstance(core, tree.Name) else None
    match meaning:
        case tree.Entrywise(
            indices, sizes, tree.Index(tree.Name() as base, (tree.Number() as row, tree.Name()))
        ):
            if places:
                return derived(tree.Index(base, (row, *places), span=by.span))
            made = derived(tree.Index(base, (row, tree.Name(indices[0]))))
            return tree.Entrywise(indices, sizes, made, span=by.span)
    return None


def _opened(self: Resolver, by: Node) -> Node:
    """`(W_2)_{ij}`, the bracketed name with its entry, as an entry of W₂."""
    match by:
        case tree.Index(tree.Bracket(body), places):
            core = self.at(body)
            return tree.Index(core, places, span=by.span) if isinstance(core, tree.Name) else by
    return by


def _shown_y(self: Resolver, of: Node) -> Node:
    context = self.context
    base = of.base if isinstance(of, tree.Index) else of
    if base != tree.Name("y") or context.settings.dy == "y" or "yhat" not in context.exercise.shapes:
        return of
    if context.settings.dy == "auto" and "y" not in context.exercise.given:
        return of
    hat = tree.Name("yhat", span=base.span)
    return tree.Index(hat, of.places, span=of.span) if isinstance(of, tree.Index) else hat


def _derivative(self: Resolver, node: tree.Derivative) -> Node:
    if node.of == tree.Name("e") and not self.context.knows("e"):
        raise self.refuse("check.unknown_name", node, name=node.of)  # an error, and not Euler's number
    of, found = lying(self.at(node.of)), self.at(_opened(self, node.by))
    column = _column(self, found, lambda part: tree.Derivative(of, part, node.straight, node.inline))
    if column is not None:
        return column
    by = lying(found)
    core = by.base if isinstance(by, tree.Index) else by
    if not isinstance(core, tree.Name) or core.name not in self.context.exercise.shapes:
        raise self.refuse("check.no_gradient", node, name=node)
    made = tree.Derivative(of, by, node.straight, node.inline, span=node.span)
    of_loss = of == tree.Name(self.context.exercise.loss)
    return tree.Transpose(made, span=node.span) if of_loss and by is not found else made


def _nabla(self: Resolver, node: hand.Nabla) -> Node:
    if node.by is None and isinstance(node.of, tree.Name):
        found = self.context.variable(node.of.name)
        if found in self.context.exercise.given:
            return tree.Gradient(tree.Name(found, span=node.of.span), span=node.span)  # ∇W
    if isinstance(node.by, tree.Name) and node.of == tree.Name(self.context.exercise.loss):
        last = self.context.layered(node.by.name, self.context.layers)
        if self.context.variable(node.by.name) is None and node.by.name in "ahAH" and last is not None:
            return _derivative(self, tree.Derivative(node.of, tree.Name(last), span=node.span))  # of a^L
    if node.by is None:
        raise self.refuse("check.no_variable", node, name=node)
    return _derivative(self, tree.Derivative(node.of, node.by, span=node.span))


def _primed(self: Resolver, node: hand.Primed) -> Node:
    """A prime behind a name: the name's own, or a transpose. Calls are found before this."""
    body = node.body
    if isinstance(body, tree.Name):
        own = body.name + "'" * node.count
        if self.context.knows(own):
            return tree.Name(own, span=node.span)
        again = after_step(self.context, body.name, "'" * node.count)
        if again is not None:
            return again
        if body.name in self.context.callable or self.context.variable(body.name) is None:
            raise self.refuse("check.no_argument", node, name=node)
    if node.count != 1:
        raise self.refuse("check.primes", node, name=node)
    return tree.Transpose(self.at(body), span=node.span)


# --- everything else --------------------------------------------------------------------------------


def _sum(self: Resolver, node: tree.Sum) -> Node:
    terms = written_out(self, node)
    if terms is not None:
        return terms
    layers = _over_layers(self, node)
    if layers is not None:
        return layers
    low = self.at(node.low)
    high = None if node.high is None else bound_of_sum(self, node.high)
    self.sized = self.sized or isinstance(high, tree.Number)
    return tree.Sum(node.index, low, high, self.binding(node.index).at(node.body), span=node.span)


def _where(self: Resolver, node: tree.Where) -> Node:
    """The conditions under a sum are about its indices."""
    conditions = tuple(place(self, one) for one in node.conditions)
    return tree.Where(self.at(node.body), conditions, span=node.span)


def _cases(self: Resolver, node: tree.Cases) -> Node:
    branches = tuple((self.at(value), _condition(self, when)) for value, when in node.branches)
    return tree.Cases(branches, span=node.span)


def _indicator(self: Resolver, node: hand.Indicator) -> Node:
    return hand.Indicator(_condition(self, node.condition), span=node.span)


def _condition(self: Resolver, node: Node) -> Node:
    """`i = j` is about the places of entries, `z > 0` about values."""
    names = tree.names_in(node)
    places = all(name in INDICES and (name in self.bound or not self.context.knows(name)) for name in names)
    return place(self, node) if names and places else self.at(node)


def _over_layers(self: Resolver, node: tree.Sum) -> Node | None:
    """`Σ_l ‖W^{(l)}‖²`: a sum over layers, written out."""
    marked = any(
        node.index in tree.names_in(part.mark)
        for part in tree.walk(node.body)
        if isinstance(part, hand.Marked) and not _is_example(self, part)
    )
    if not marked:
        return None
    low = mark_number(self, node.low)
    high = self.context.layers if node.high is None else mark_number(self, node.high)
    if low is None or high is None or not low <= high <= MOST_LAYERS:
        raise self.refuse("check.unknown_name", node, name=tree.Name(node.index))
    each = [tree.replace_names(node.body, {node.index: tree.number(at)}) for at in range(low, high + 1)]
    return tree.Bracket(tree.plus(*map(self.at, each)), span=node.span)


def _is_example(self: Resolver, node: hand.Marked) -> bool:
    """Whether a letter in a mark is that of an example: the name is one without a layer's number."""
    body = node.body
    apart = isinstance(body, hand.Marked) or body == tree.Name("delta")
    return node.kind == "(" and (
        apart or (isinstance(body, tree.Name) and self.context.variable(body.name) is not None)
    )


def bound_of_sum(self: Resolver, node: Node) -> Node:
    """The end of a sum; a letter that nobody knows stands for the whole range."""
    if isinstance(node, tree.Name) and len(node.name) == 1 and self.context.variable(node.name) is None:
        return node
    if isinstance(node, tree.Index) and isinstance(node.base, tree.Name) and len(node.places) == 1:
        (only,) = node.places
        if isinstance(only, tree.Number) and self.context.variable(node.base.name) is None:
            return tree.Name(node.base.name + only.text, span=node.span)  # n_1
    return self.at(node)


def _power(self: Resolver, node: tree.Power) -> Node:
    if node.base == tree.Name("e") and not (
        self.context.knows("e") and isinstance(node.exponent, tree.Number)  # the error's square
    ):
        return tree.Call("exp", (self.at(node.exponent),), span=node.span)
    base = self.at(node.base)
    if node.exponent == tree.Name("t") and rank_of(self, base):  # no power of the target
        return tree.Transpose(base, span=node.span)
    return tree.Power(base, self.at(node.exponent), span=node.span)


def _product(self: Resolver, node: tree.Product) -> Node:
    made = Calls(self).applied(node)
    if not isinstance(made, tree.Product):
        return made
    factors, signs = [self.at(one) for one in made.factors], list(made.signs)
    for at, sign in enumerate(signs, start=1):  # dZᵀ 1 adds the rows up; dz · 1 is dz
        one = made.factors[at] == tree.number(1) and (sign == "" or (sign == "*" and self.context.ones))
        if one and _rank_of_factor(self, factors[at - 1]) == 2:
            factors[at], signs[at - 1] = tree.Ones(span=made.factors[at].span), ""
    while tree.Name("I") in factors and self.context.variable("I") is None:
        at = factors.index(tree.Name("I"))
        if all(
            _rank_of_factor(self, one) == 0 or is_numeric(one) for one in factors[:at] + factors[at + 1 :]
        ):
            break  # λ I
        if signs.pop(max(at - 1, 0)) not in ("", "cdot", "*"):
            raise self.refuse("check.unknown_name", made.factors[at], name=made.factors[at])
        factors.pop(at)  # I W is W
    return tree.Product(tuple(factors), tuple(signs), span=node.span) if signs else factors[0]


def _rank_of_factor(self: Resolver, node: Node) -> int | None:
    bare = tree.bare(node.body if isinstance(node, tree.Transpose) else node)
    if isinstance(bare, tree.Derivative) and bare.of == tree.Name(self.context.exercise.loss):
        bare = bare.by
    return rank_of(self, bare)


def _add(self: Resolver, node: tree.Add) -> Node:
    if any(isinstance(term, tree.Dots) for term in node.terms):
        made = expanded_sum(node)
        if made is not None:
            return self.at(made)
        self.unfinished = True
        kept = tuple(term for term in node.terms if not isinstance(term, tree.Dots))
        return self.at(tree.plus(*kept)) if kept else node
    return tree.rebuild(with_units(self, node), self.at)


def _tuple(self: Resolver, node: hand.Tuple) -> Node:
    if any(isinstance(item, tree.Dots) for item in node.items):
        if all(isinstance(item, tree.Dots) or is_numeric(item) for item in node.items):
            self.sized = True
            return node  # gaps.py: what is shown is what is claimed
        made = expanded_tuple(tuple(spelt(self.context, item) for item in node.items))
        if made is None:
            raise self.refuse("check.dots", node, name=node)
        index, low, high, body = made
        inner = self.binding(index)
        if low != tree.Number(Fraction(1)):
            raise self.refuse("check.dots", node, name=node)
        return tree.Entrywise((index,), (high,), inner.at(body), span=node.span)
    self.sized = True
    return hand.Tuple(tuple(map(self.at, node.items)), node.sign, node.square, span=node.span)


def _matrix(self: Resolver, node: tree.Matrix) -> Node:
    flat = [entry for row in node.rows for entry in row]
    if any(isinstance(entry, tree.Dots) for entry in flat):
        if all(isinstance(entry, tree.Dots) or is_numeric(entry) for entry in flat):
            self.sized = True
            return node
        if node.form == "matrix" and len(node.rows[0]) > 1:
            raise self.refuse("check.dots", node, name=node)
        made = _tuple(self, hand.Tuple(tuple(flat), span=node.span))
        return tree.Transpose(made, span=node.span) if node.form == "row" else made
    self.sized = True
    return tree.rebuild(node, self.at)


def _call(self: Resolver, node: tree.Call) -> Node:
    return tree.Call(node.function, tuple(map(self.at, node.args)), node.options, node.primes, span=node.span)


def _brace(self: Resolver, node: tree.Brace) -> Node:
    """What stands over the brace; the label is a claim of its own, which the judge looks at."""
    return _grouped(self.at(node.body), node)


def _box(self: Resolver, node: tree.Box) -> Node:
    return _grouped(self.at(node.body), node)


def _grouped(body: Node, node: Node) -> Node:
    return tree.Bracket(body, span=node.span) if isinstance(body, tree.Add | tree.Neg) else body


def _dots(self: Resolver, node: tree.Dots) -> Node:
    raise self.refuse("check.dots", node, name=node)


def _said(self: Resolver, node: hand.Said) -> Node:
    raise self.refuse("check.words", node, name=node.text)


_HANDLERS: dict[type[Node], Callable[[Resolver, Any], Node]] = {
    tree.Name: _name, tree.Gradient: _gradient, tree.Derivative: _derivative, hand.Nabla: _nabla,
    hand.Primed: _primed, tree.Index: entry, hand.Marked: marked, tree.Sum: _sum, tree.Power: _power,
    tree.Product: _product, tree.Add: _add, hand.Tuple: _tuple, tree.Matrix: _matrix, tree.Call: _call,
    tree.Cases: _cases, hand.Indicator: _indicator, tree.Where: _where,
    tree.Brace: _brace, tree.Box: _box, tree.Dots: _dots, hand.Said: _said,
    Done: lambda self, node: node.node,
}  # fmt: skip
"""What depends on what names mean."""
