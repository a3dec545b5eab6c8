"""`f(z)`, `σ'(z)`, `log p_i`, `L(1, 5)`: which factors of a product are a function and its argument.

`x (1 − x)` is a product, `f(z)` is none: what the first factor is decides, never how it is spaced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from symbackprop.checking.context import FUNCTION_LETTERS, LOSS_LETTERS, Unclear
from symbackprop.checking.counted import entry_digits
from symbackprop.checking.findings import Reason
from symbackprop.checking.marks import mark_number
from symbackprop.checking.resolve_places import place
from symbackprop.checking.updating import cites_gradient  # in `W − step (dW)` the step is a rate
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.checking.resolve import Resolver

_CONTENT = (tree.Bracket, hand.Tuple)

OPERATIONS: Mapping[str, int] = {"max": 2, "min": 2}
"""Rows that take two arguments in round brackets."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Head(Plain):
    """The function of a call: its letter or word, primes, a layer's mark, and a power as in tanh²(z)."""

    name: str
    primes: int = 0
    mark: Node | None = None
    power: Node | None = None


def head_of(node: Node) -> Head | None:
    """`σ`, `σ'`, `tanh²`, `g^{[1]}'` as the head of a call."""
    match node:
        case tree.Name(name):
            return Head(name)
        case hand.Primed(body, count):
            inner = head_of(body)
            return None if inner is None else Head(inner.name, inner.primes + count, inner.mark, inner.power)
        case hand.Marked(body, _, mark):
            inner = head_of(body)
            return None if inner is None else Head(inner.name, inner.primes, mark, inner.power)
        case tree.Power(base, exponent):
            inner = head_of(base)
            return None if inner is None else Head(inner.name, inner.primes, inner.mark, exponent)
    return None


def _arguments_in(node: Node) -> tuple[Node, ...]:
    match node:
        case hand.Tuple(items):
            return items
        case tree.Bracket(body):
            return (body,)
    return (node,)


class Calls:
    """The calls among the factors of a product."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self.context = resolver.context

    def applied(self, node: tree.Product) -> Node:
        """The product with each function and its argument as one factor; that factor is resolved."""
        factors: list[Node] = []
        signs: list[str] = []
        at = 0
        written = node.factors
        while at < len(written):
            if at:
                signs.append(node.signs[at - 1])
            made, taken = None, 3
            if node.signs[at : at + 2] == ("", ""):
                made = self._nested(*written[at : at + 3])
            if made is None and at + 1 < len(written) and node.signs[at] == "":
                made, taken = self._call(written[at], written[at + 1]), 2
            if made is not None:
                factors.append(Done(made, span=made.span))
                at += taken
            else:
                factors.append(written[at])
                at += 1
        if len(factors) == 1:
            return self.resolver.at(factors[0])
        return tree.Product(tuple(factors), tuple(signs), span=node.span)

    def _call(self, first: Node, second: Node) -> Node | None:
        head = head_of(first)
        if head is None:
            return None
        worded = self._worded(head, second)
        if worded is not None:
            return worded
        if self._depends(first, second):
            return self.resolver.at(first)
        inner, wrap = _unwrapped(second)
        args = _arguments_in(inner) if isinstance(inner, _CONTENT) else (inner,)
        if isinstance(inner, _CONTENT) and self._is_moved(head, args):
            raise Unclear(Reason(key="check.arguments", parts={"name": first}), first.span)
        if not self._is_function(head, second):
            return None
        if head.primes and self.context.variable(head.name) == self.context.exercise.loss:
            return self._slope_of_loss(head, first, args)
        if head.name == "diag" and len(args) > 1:
            args = (hand.Tuple(args, span=inner.span),)  # diag(a, b): a list of entries
        made = self._made(head, first, args)
        if made is None:
            return None
        if head.power is not None:
            made = tree.Power(made, self.resolver.at(head.power), span=first.span)
        return wrap(self.resolver, made)

    def _depends(self, first: Node, second: Node) -> bool:
        """Whether `e(θ)` is e, and what it depends on: nobody brackets a factor that is only a name."""
        context = self.context
        args = _arguments_in(second) if isinstance(second, _CONTENT) else ()
        if not args or not isinstance(first, tree.Name) or first.name not in context.exercise.computed[:-1]:
            return False
        names = [context.variable(one.name) if isinstance(one, tree.Name) else None for one in args]
        before = {first.name}
        for one in reversed(context.exercise.equations):
            before |= set(tree.names_in(one.body)) if one.name in before else set()
        return before.issuperset(names) and first.name not in names

    def _worded(self, head: Head, second: Node) -> Node | None:
        """`H(z)`, `step(z)` and `I(z > 0)`, of names that nobody has declared: 1 where z > 0, else 0; and
        `transpose(x)`."""
        if head != Head(head.name) or self.context.variable(head.name) is not None:
            return None
        free = head.name not in self.context.functions
        match second:
            case hand.Indicator() if head.name in ("I", "chi", "1"):
                return self.resolver.at(second)
            case tree.Bracket(body) if head.name in _STEPS and free and not cites_gradient(body):
                return self.resolver.at(hand.Indicator(tree.equation(body, tree.number(0), relation=">")))
            case tree.Bracket() if head.name == "transpose" and free:
                return self.resolver.at(tree.Transpose(second, span=second.span))
        return None

    def _nested(self, outer: Node, first: Node, second: Node) -> Node | None:
        """`log σ(z)`: a function of what another one gives."""
        head = head_of(outer)
        if head is None or head.name not in _UPRIGHT or self.context.knows(head.name):
            return None
        if not isinstance(_unwrapped(second)[0], _CONTENT):
            return None
        inner = self._call(first, second)
        if inner is None:
            return None
        made = self._function(head, outer, (inner,))
        power = head.power
        return made if power is None else tree.Power(made, self.resolver.at(power), span=outer.span)

    def _is_function(self, head: Head, second: Node) -> bool:
        name, context = head.name, self.context
        if context.knows(name) and name != context.exercise.loss and name not in context.exercise_functions:
            return False
        bracketed = isinstance(_unwrapped(second)[0], _CONTENT)
        if name in BY_EXP:
            return bracketed and not head.primes
        if " axis " in context.functions.get(name, ""):
            return True
        if name in context.functions or name in context.lambdas or name in FUNCTION_LETTERS:
            return bracketed
        if name in context.callable:
            return bracketed or (not head.primes and name in _UPRIGHT)
        if name == context.exercise.loss or (name in LOSS_LETTERS and context.variable(name) is not None):
            return isinstance(_unwrapped(second)[0], _CONTENT) and _arguments(second)
        return False

    def _is_moved(self, head: Head, args: tuple[Node, ...]) -> bool:
        """Whether `L(w_1 + ε)` or `L(4.01)` is the loss elsewhere, as in a difference quotient."""
        context = self.context
        if len(args) != 1 or context.variable(head.name) not in context.exercise.computed or head.primes:
            return False
        if isinstance(args[0], tree.Number):
            return "." in args[0].text or context.variable(head.name) == context.exercise.loss
        if not isinstance(args[0], tree.Add):
            return False
        start = args[0].terms[0]
        core = start.base if isinstance(start, tree.Index) else start
        if not isinstance(core, tree.Name):
            return False
        stem = core.name.removesuffix(entry_digits(context, core.name))
        return context.variable(stem) in context.exercise.given

    def _made(self, head: Head, first: Node, args: tuple[Node, ...]) -> Node | None:
        context, resolver = self.context, self.resolver
        if head.name in BY_EXP and len(args) == 1:
            return _by_exp(BY_EXP[head.name], resolver.at(args[0]))
        letter = head.name in FUNCTION_LETTERS and head.name != context.exercise.loss
        if head.name in context.callable or letter:
            args, axis = along(args)
            shown = tuple(resolver.at(arg) for arg in args)
            made = self._function(head, first, shown)
            return replace(made, options=axis) if axis and isinstance(made, tree.Call) else made
        return self._loss(first, args)

    def _slope_of_loss(self, head: Head, first: Node, args: tuple[Node, ...]) -> Node | None:
        """`L'(ŷ)` as ∂L/∂ŷ."""
        shown = self.resolver.at(args[0]) if len(args) == head.primes == 1 else None
        if not isinstance(shown, tree.Name) or shown.name not in self.context.exercise.shapes:
            return None
        return tree.Derivative(tree.Name(self.context.exercise.loss), shown, span=first.span)

    def _function(self, head: Head, first: Node, args: tuple[Node, ...]) -> Node:
        context = self.context
        bare = tree.undressed(args[0]) if len(args) == 1 else None
        if head.name in context.lambdas:
            return self._put_in(head, first, args)
        known = context.functions.get(head.name)
        if known is None and head.name in context.callable:
            known = context.callable[head.name]
        if known is not None and " axis " in known:  # mean_col
            known, _, axis = known.partition(" axis ")
            place: Node = tree.number(int(axis))
            return tree.Call(known, args, (("axis", place),), head.primes, span=first.span)
        if known is None:
            call = context.activation(head.name, self._argument(head, bare))
            if call is None:
                raise Unclear(Reason(key="check.unknown_name", parts={"name": first}), first.span)
            return tree.Call(call.function, args, call.options, head.primes, span=first.span)
        self._of_that_layer(known, bare, first)
        options = next((call.options for call in context.activations.values() if call.function == known), ())
        return tree.Call(known, args, options, head.primes, span=first.span)

    def _of_that_layer(self, function: str, argument: Node | None, first: Node) -> None:
        """Refuse `a_l = σ(z_l)` for a layer of which a report says that it has another function, or none."""
        context = self.context
        if not context.settings.proof or self.resolver.layer is None or not isinstance(argument, tree.Name):
            return
        own = context.activations.get(argument.name)
        counted = any(layer.affine == argument.name for layer in context.ladder)
        if counted and (own is None or own.function != function):
            raise Unclear(Reason(key="check.unknown_name", parts={"name": first}), first.span)

    def _put_in(self, head: Head, first: Node, args: tuple[Node, ...]) -> Node:
        """A function that the text gives by a formula, at its argument."""
        argument, body = self.context.lambdas[head.name]
        if head.primes or len(args) != 1:
            raise Unclear(Reason(key="check.own_slope", parts={"name": first}), first.span)
        return tree.Bracket(tree.replace_names(body, {argument: args[0]}), span=first.span)

    def _argument(self, head: Head, bare: Node | None) -> Node | None:
        """What decides which activation a letter is: its layer's mark, else its argument."""
        if head.mark is not None:
            number = mark_number(self.resolver, head.mark)
            name = (
                None
                if number is None
                else self.context.layered("z", number) or self.context.layered("Z", number)
            )
            return None if name is None else tree.Name(name)
        return bare.base if isinstance(bare, tree.Index) else bare

    def _loss(self, first: Node, args: tuple[Node, ...]) -> Node:
        """`L(ŷ, y)` is the loss; `L(1, 5)` its formula with these arguments."""
        context, resolver = self.context, self.resolver
        shown = [resolver.at(arg) for arg in args]
        loss = tree.Name(context.exercise.loss, span=first.span)
        body = context.equations[context.exercise.loss].body
        order = _in_order([name for name in tree.names_in(body) if name in context.exercise.shapes], context)
        if all(isinstance(arg, tree.Name) for arg in shown):
            return loss
        if len(order) != len(shown):
            raise Unclear(Reason(key="check.arguments", parts={"name": first}), first.span)
        resolver.sized = True
        table = {name: _in_place(arg) for name, arg in zip(order, shown, strict=True)}
        return tree.Bracket(tree.replace_names(body, dict(table)), span=first.span)


_STEPS = frozenset({"H", "Theta", "step", "heaviside", "Heaviside"})
"""What people call the function that is 1 where its argument is positive."""


def along(args: tuple[Node, ...]) -> tuple[tuple[Node, ...], tuple[tuple[str, Node], ...]]:
    """The arguments without `axis = 1` and `keepdims = True`, and the axis as an option."""
    kept: list[Node] = []
    axis: tuple[tuple[str, Node], ...] = ()
    for arg in args:
        match arg:
            case tree.Chain((tree.Name("axis" | "dim"), tree.Number() as number), ("=",)):
                axis = (("axis", number),)
            case tree.Chain((tree.Name("keepdims"), _), ("=",)):
                pass  # a column of one entry a row is the vector of them
            case _:
                kept.append(arg)
    return tuple(kept), axis


def _in_place(node: Node) -> Node:
    return node if isinstance(node, tree.Name | tree.Number | tree.Call) else tree.Bracket(node)


def _in_order(names: list[str], context: object) -> list[str]:
    """ŷ before y, as people write 𝓛(ŷ, y)."""
    return sorted(names, key=lambda name: name in ("y", "t", "Y", "T"))


BY_EXP = {"cosh": (1, False), "sinh": (-1, False), "sech": (1, True)}
"""Functions that are half a sum, or a difference, of exponentials, or one over it."""


def _by_exp(form: tuple[int, bool], argument: Node) -> Node:
    sign, below = form
    up, down = (tree.Call("exp", (one,)) for one in (argument, tree.Neg(tree.Bracket(argument))))
    total = tree.plus(up, down if sign > 0 else tree.Neg(down))
    if below:
        return tree.Quotient(tree.number(2), total)
    return tree.Quotient(total, tree.number(2))


_UPRIGHT = frozenset({"log", "ln", "exp", "sin", "cos", "tanh", "sqrt", "softmax", "relu"})
"""Functions whose argument may stand without brackets: `log p_i`."""


def _arguments(second: Node) -> bool:
    """Whether a bracket behind the loss holds arguments, and is not a factor."""
    inner = _unwrapped(second)[0]
    return isinstance(inner, hand.Tuple) or (
        isinstance(inner, tree.Bracket) and isinstance(inner.body, tree.Name)
    )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Done(Node):
    """A factor that is resolved already; it lives only while a product is."""

    node: Node


Wrap = Callable[["Resolver", Node], Node]
"""Puts back round a call what stands behind its bracket."""


def _unwrapped(node: Node) -> tuple[Node, Wrap]:
    """The bracket under powers, transposes and indices, and how to put these back round a call."""
    match node:
        case tree.Power(base, exponent):
            inner, wrap = _unwrapped(base)
            return inner, lambda r, made: tree.Power(wrap(r, made), r.at(exponent), span=node.span)
        case tree.Call("square", (tree.Bracket() as body,)):
            return body, lambda r, made: tree.Call("square", (made,), span=node.span)
        case tree.Transpose(body):
            inner, wrap = _unwrapped(body)
            return inner, lambda r, made: tree.Transpose(wrap(r, made), span=node.span)
        case hand.Primed(body, 1) if isinstance(body, tree.Bracket):
            inner, wrap = _unwrapped(body)
            return inner, lambda r, made: tree.Transpose(wrap(r, made), span=node.span)
        case tree.Index(base, places) if isinstance(base, tree.Bracket):
            return base, lambda r, made: tree.Index(made, tuple(place(r, p) for p in places), span=node.span)
    return node, lambda r, made: made
