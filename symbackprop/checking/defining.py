"""What a statement defines before it claims anything: names, functions, values, another exercise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from symbackprop.algebra.functions import TABLE
from symbackprop.algebra.values.arrays import Array, form
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.checking.claims import Claims
from symbackprop.checking.compare import look
from symbackprop.checking.context import FUNCTION_LETTERS, LOSS_LETTERS, SIZES, Unclear
from symbackprop.checking.counted import entry_digits
from symbackprop.checking.desk import Desk
from symbackprop.checking.lettered import STEPPED, instances, is_stepped
from symbackprop.checking.member import is_tuple, numbers_of, shape_of
from symbackprop.checking.naming import is_dz, named_quantity
from symbackprop.checking.numeric import is_numeric
from symbackprop.checking.resolve import Resolved
from symbackprop.checking.updating import cites, update_of
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node

DUMMIES = frozenset("uvstxzaw")
"""Letters in which people state a function's formula: σ(u) = …"""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Prepared(Plain):
    """A statement whose definitions are made; `defines`: its first relation is one."""

    node: Node
    defines: bool = False


def prepared(desk: Desk, node: Node) -> Prepared:
    """Take up what a statement defines. Raises Unclear."""
    chain = _chain(node)
    if chain is not None and "≡" in chain.relations:
        chain = _named_at_end(desk, chain)
        plain = tuple("=" if one == "≡" else one for one in chain.relations)
        node = chain = tree.Chain(chain.members, plain, chain.over, span=chain.span)
    if chain is not None and (again := _redefined(desk, chain)) is not None:
        return again
    if chain is None or chain.relations[0] not in ("=", "≡", "≈"):
        return Prepared(node)
    if update_of(desk.context, chain) is not None:
        return Prepared(node)
    shown, chain = chain, _with_dummy(desk, chain)
    first, second = _inner(chain.members[0]), chain.members[1]
    if _defines_function(desk, first, second, general=chain is not shown):
        return Prepared(chain, True)
    if _defines_name(desk, first, second):
        return Prepared(chain, len(chain.members) == 2)
    _gives_value(desk, first, chain)
    return Prepared(chain)


def _redefined(desk: Desk, chain: tree.Chain) -> Prepared | None:
    """`v = 0.9 v + dL/dw`, momentum, of a name of the text's own: the old value stands on the right."""
    first, second = chain.members[:2]
    context = desk.context
    if (
        not isinstance(first, tree.Name)
        or first.name not in context.meanings
        or first.name in context.exercise.shapes
    ):
        return None
    old = context.meanings[first.name]
    kept = isinstance(second, tree.Add) and any(_is_share(one, first) for one in second.terms)
    if chain.relations[0] not in ("=", "←") or not kept or not cites(second):
        return None
    body = tree.replace_names(second, {first.name: tree.Bracket(old)})
    meaning = Claims(desk).member(body).variants[0]
    if meaning.free:
        return None
    desk.context = context.defining(first.name, meaning.node)
    if len(chain.members) == 2:
        return Prepared(tree.Chain((first, body), ("=",), chain.over, span=chain.span), True)
    return Prepared(
        tree.Chain((body, *chain.members[2:]), chain.relations[1:], chain.over[1:], span=chain.span)
    )


def _is_share(term: Node, name: tree.Name) -> bool:
    """`0.9 v`, `β v`: a number times the name."""
    factors = term.factors if isinstance(term, tree.Product) else ()
    return len(factors) == 2 and factors[1] == name and isinstance(factors[0], tree.Number | tree.Name)


def _chain(node: Node) -> tree.Chain | None:
    while isinstance(node, tree.Box):
        node = node.body
    return node if isinstance(node, tree.Chain) else None


def _named_at_end(desk: Desk, chain: tree.Chain) -> tree.Chain:
    """`… = (ŷ_i − y_i) g'(z_i) ≡ e_i`: the last member is a name for what stands before it."""
    last = chain.members[-1]
    core = last.base if isinstance(last, tree.Index) else last
    if len(chain.members) < 3 or chain.relations[-1] != "≡" or not isinstance(core, tree.Name):
        return chain
    if desk.context.variable(core.name) is not None or not _defines_name(desk, last, chain.members[-2]):
        return chain
    return tree.Chain(chain.members[:-1], chain.relations[:-1], chain.over[:-1], span=chain.span)


def _inner(node: Node) -> Node:
    while isinstance(node, tree.Box | tree.Brace | tree.Bracket):
        node = node.body
    return node


# --- functions ------------------------------------------------------------------------------------


def _defines_function(desk: Desk, first: Node, second: Node, *, general: bool) -> bool:
    """`g(z) = ReLU(z)`, `h(u) = u²`: a letter that nobody has used is what it is first equal to."""
    match first:
        case tree.Product((tree.Name(letter), tree.Bracket(tree.Name(argument))), ("",)):
            context = desk.context
            used = letter in context.callable or letter in context.lambdas or context.knows(letter)
            if used or letter not in FUNCTION_LETTERS:
                return False
        case _:
            return False
    name = context.variable(argument)
    if name is None:
        return False
    body = Claims(desk).member(second).variants[0]
    call = context.activation(letter, tree.Name(name))
    if call is not None and _is(desk, tree.Call(call.function, (tree.Name(name),), call.options), body):
        if general and not call.options:  # of any argument: g is this function wherever it stands
            desk.context = context.calling(letter, call.function)
        return True  # else the exercise's own, whose name the letter is by itself
    for row in TABLE.values():
        plain = row.kind == "activation" and not row.options
        if plain and _is(desk, tree.Call(row.name, (tree.Name(name),)), body):
            desk.context = context.calling(letter, row.name)
            return True
    desk.context = context.giving(letter, name, body.node)
    return True


def _is(desk: Desk, call: Node, body: Resolved) -> bool:
    return look(Resolved(call), body, desk.worlds.own, desk.reader).equal


def _with_dummy(desk: Desk, chain: tree.Chain) -> tree.Chain:
    """`σ(u) = 1/(1 + e^{−u})`: the argument is any number, so it may be one of the model's."""
    head = _inner(chain.members[0])
    stated = isinstance(head, tree.Product) and isinstance(_inner(head.factors[-1]), tree.Name)
    if not stated and not isinstance(head, tree.Name | tree.Index):  # 1 − σ(u) = σ(−u)
        head = next((part for part in tree.walk(chain) if _is_called(desk, part)), head)
    match head:
        case tree.Product((_, tree.Bracket(tree.Name(dummy))), ("",)):
            context = desk.context
            if context.knows(dummy) or dummy not in DUMMIES:
                return chain
            name = _argument(desk, head)
            if name is not None:
                replaced = tree.replace_names(chain, {dummy: name})
                return replaced if isinstance(replaced, tree.Chain) else chain
    return chain


def _is_called(desk: Desk, node: Node) -> bool:
    """Whether a node is a known function at a letter that nobody knows: `σ(u)`."""
    match node:
        case tree.Product((tree.Name(letter), tree.Bracket(tree.Name(dummy))), ("",)):
            context = desk.context
            function = letter in context.callable or (
                letter in FUNCTION_LETTERS and not context.knows(letter)
            )
            return function and dummy in DUMMIES and context.variable(dummy) is None
    return False


def _argument(desk: Desk, head: Node) -> Node | None:
    """What stands for any number: what that function is applied to, or else an entry of what is given."""
    context = desk.context
    letter = next(iter(tree.names_in(head)))
    function = context.callable.get(letter)
    names = [name for name, call in context.activations.items() if call.function == function]
    names += [*context.activations, *context.preactivations]
    if names:
        return tree.Name(names[0])
    for name in context.exercise.given:
        rank = len(context.exercise.shapes[name])
        return tree.Index(tree.Name(name), (tree.number(1),) * rank) if rank else tree.Name(name)
    return None


# --- names ----------------------------------------------------------------------------------------


def _defines_name(desk: Desk, first: Node, second: Node) -> bool:
    """`S = Σ e^z`, `δ = dz`, `s_i = …`: a name that nobody has declared."""
    if _defines_stepped(desk, first, second):
        return True
    indices: tuple[str, ...] = ()
    shown = first
    numbered = _numbered(desk, first, second) or _delta(desk, first)
    if numbered is not None:
        if desk.context.numbered_delta(numbered) is not None and not _is_gradient(second):
            return False
        first = tree.Name(numbered)
    if isinstance(first, tree.Index) and isinstance(first.base, tree.Name):
        if not all(isinstance(place, tree.Name) for place in first.places):
            return False
        indices = tuple(place.name for place in first.places if isinstance(place, tree.Name))
        first = first.base
    if not isinstance(first, tree.Name):
        return False
    name, context = first.name, desk.context
    known = context.variable(name) is not None and not _is_no_loss(desk, name, second)
    if known or context.size_known(name) or _is_range(second):
        return False
    if (
        name == "pi"
        or entry_digits(context, name)
        or (is_numeric(second) and context.entry_of_delta(name) is not None)
        or (name in SIZES and isinstance(_inner(second), tree.Number))
    ):
        return False
    quantity = _known(desk, name, shown, second)
    if quantity is not None:
        if quantity is not True:
            desk.context = desk.context.defining(name, quantity)
        return False
    meaning = Claims(desk).member(second).variants[0]
    free = [index for index in meaning.free if index not in indices]
    if free:
        return False
    node = meaning.node
    if indices:
        sizes: list[Node] = []
        for index in indices:
            found = _axis(desk, index, node)
            if found is None:
                return False
            size = f"{name}·{index}"
            desk.context = desk.context.sizing(size, *found)
            sizes.append(tree.Name(size))
        node = tree.Entrywise(indices, tuple(sizes), node)
    desk.context = desk.context.defining(name, node)
    return True


def _is_no_loss(desk: Desk, name: str, second: Node) -> bool:
    """Whether the J of `J = diag(p) − p pᵀ` is no loss, whatever losses are called: it is no number."""
    if name not in LOSS_LETTERS or desk.context.knows(name):
        return False
    try:
        member = Claims(desk).member(second)
    except Unclear:
        return False
    shape = shape_of(member.node, desk)
    return len(member.variants[0].free) > 1 or (shape is not None and any(size != 1 for size in shape))


def _known(desk: Desk, name: str, first: Node, second: Node) -> Node | Literal[True] | None:
    """The quantity of the exercise that a name is; True where it is read so anyway; None for a new one."""
    if name == "delta" and not _is_gradient(second) and len(desk.context.preactivations) == 1:
        found = True if desk.context.delta_told else is_dz(desk, first, second)
        if found is True:
            desk.context = replace(desk.context, delta_told=True)  # it changes its sign no more
            return True
        if isinstance(found, Node) and isinstance(first, tree.Name):
            return found
        return None
    return named_quantity(desk, name, second) if isinstance(first, tree.Name) else None


def _defines_stepped(desk: Desk, first: Node, second: Node) -> bool:
    """`δ_t = ∂L/∂h_t`, for any step t."""
    match first:
        case tree.Index(tree.Name("delta") as delta, (tree.Name(letter) as place,)):
            context = desk.context
            known = context.knows("delta") or STEPPED in context.meanings
            if known or not _is_gradient(second) or not is_stepped(context, delta, (place,)):
                return False
            if next(instances(second, context)) is None:
                return False
            desk.context = context.defining(STEPPED, tree.Entrywise((letter,), (), second))
            return True
    return False


def _numbered(desk: Desk, first: Node, second: Node) -> str | None:
    """`δ_3` as a name of its own, delta3, where δ is none."""
    match first:
        case tree.Index(tree.Name(name), (tree.Number(_, text),)) if text.isdigit():
            entry = is_numeric(second) and desk.context.entry_of_delta(name + text) is not None  # of dz
            return name + text if desk.context.variable(name) is None and not entry else None
    return None


def _delta(desk: Desk, first: Node) -> str | None:
    """`delta2`, written as one word."""
    known = isinstance(first, tree.Name) and desk.context.numbered_delta(first.name) is not None
    return (
        first.name if isinstance(first, tree.Name) and known and not desk.context.knows(first.name) else None
    )


def _is_gradient(node: Node) -> bool:
    return isinstance(_inner(node), tree.Gradient | tree.Derivative | hand.Nabla)


def _is_range(node: Node) -> bool:
    return isinstance(node, hand.Tuple) and any(isinstance(item, tree.Dots) for item in node.items)


def _axis(desk: Desk, index: str, node: Node) -> tuple[str, int] | None:
    from symbackprop.checking.values import indexed

    return next(((name, axis) for name, axis in indexed(node, index) if name in desk.exercise.shapes), None)


# --- values -----------------------------------------------------------------------------------------


def _gives_value(desk: Desk, first: Node, chain: tree.Chain) -> None:
    """`y = 5` where the exercise leaves y open: the numbers are the text's."""
    name = _given(desk, first)
    if name is None or name in desk.exercise.values or name in desk.given:
        return
    for member in chain.members[1:]:
        value = _value(desk, member)
        if value is not None:
            fitted = _fitted(desk, name, value)
            if fitted is not None:
                desk.given[name] = fitted
            return


def _given(desk: Desk, first: Node) -> str | None:
    if not isinstance(first, tree.Name):
        return None
    name = desk.context.variable(first.name)
    return name if name is not None and name in desk.exercise.given else None


def _value(desk: Desk, member: Node) -> Array[Any] | None:
    """The numbers of a member that is made of numbers only."""
    try:
        made = Claims(desk).member(member)
        return numbers_of(made, desk.worlds.example, desk) if made.numeric else None
    except (Unclear, ArithmeticError, EvaluationError):
        return None


def _fitted(desk: Desk, name: str, value: Array[Any]) -> Array[Any] | None:
    shape = tuple(size for size in desk.exercise.shapes[name] if isinstance(size, int))
    if len(shape) != len(desk.exercise.shapes[name]) or form(shape) != form(value.shape):
        return None
    return value.reshaped(shape)


# --- which exercise ---------------------------------------------------------------------------------


def switched(desk: Desk, desks: Sequence[Desk], node: Node) -> Desk | None:
    """The exercise that the text goes over to: by `k = 2`, or by giving a name the values it has there."""
    chain = _chain(node)
    if chain is None or len(desks) < 2 or chain.relations[0] != "=":
        return None
    first = _inner(chain.members[0])
    others = [one for one in desks if one is not desk]
    if isinstance(first, tree.Name) and first.name in desk.context.sizes:
        return _by_size(desk, others, first.name, chain.members[1])
    name = _given(desk, first)
    if name is None:
        return None
    if any(_agrees(desk, name, member) for member in chain.members[1:]):
        return None
    for other in others:
        if name in other.exercise.values and any(_agrees(other, name, m) for m in chain.members[1:]):
            return other
    return None


def _by_size(desk: Desk, others: Sequence[Desk], size: str, member: Node) -> Desk | None:
    name, axis = desk.context.sizes[size]
    if not isinstance(member, tree.Number) or desk.exercise.shapes[name][axis] == member.value:
        return None
    for other in others:
        shape = other.exercise.shapes.get(name, ())
        if axis < len(shape) and shape[axis] == member.value:
            return other
    return None


def _agrees(desk: Desk, name: str, member: Node) -> bool:
    """Whether a member is the value that a given name has in an exercise."""
    known = desk.exercise.values.get(name)
    value = _value(desk, member)
    if known is None or value is None or len(value.entries) != len(known.entries):
        return False
    loose = is_tuple(member) or form(value.shape) == form(known.shape)
    return loose and tuple(value.entries) == tuple(known.entries)
