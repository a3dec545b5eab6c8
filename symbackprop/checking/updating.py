"""Which statements are steps of gradient descent: `W ← W − η dW`, `W_new = …`, `W^{(t+1)} = W^{(t)} − …`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symbackprop.checking.context import Context
from symbackprop.checking.numeric import is_numeric
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.hand import units
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node

NEW = units.NEW | {"next"}
OLD = units.OLD | {"prev", "actual", "current"}
"""How people mark what a name is after a step, and before it."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Update(Plain):
    """A given name, or an entry of it, gets a new value. `fresh` is what the text calls that, if otherwise.

    `members` are what it is said to be, with the old value by its own name.
    """

    old: Node
    fresh: str
    members: tuple[Node, ...]


def after_step(context: Context, name: str, suffix: str) -> Node | None:
    """`z'` after a step that gave W': z by the model's equation with the new parameters; else None."""
    name = context.variable(name) or name
    if name not in context.equations or not suffix or not context.stepped(suffix):
        return None
    table: dict[str, Node] = {}
    for used in tree.names_in(context.equations[name].body):
        if context.knows(used + suffix):
            table[used] = tree.Name(used + suffix)
        elif (again := after_step(context, used, suffix)) is not None:
            table[used] = again
    return tree.Bracket(tree.replace_names(context.equations[name].body, table))


def update_of(context: Context, chain: tree.Chain) -> Update | None:
    """The step that a statement is; None for any other statement."""
    first, rest = as_entry(context, chain.members[0]), chain.members[1:]
    arrow = chain.relations[0] in ("←", "→")
    if not arrow and chain.relations[0] not in ("=", "≈"):
        return None
    marked = _next_mark(context, first, rest[0])
    if marked is not None:
        old, before = marked
        members = tuple(_replaced(one, before, old) for one in rest)
        return Update(old, "", members) if is_parameter(context, old) and cites(rest[0]) else None
    change = _change(first)
    if change is not None and is_parameter(context, change):
        members = tuple(tree.plus(change, tree.Bracket(one)) for one in rest)
        return Update(change, "", members) if cites(rest[0]) else None
    fresh = _fresh(first)
    if fresh is not None:
        old, name = as_entry(context, fresh[0]), fresh[1]  # w1_new of W
        known = is_parameter(context, old)
        return Update(old, name, tuple(_olden(one, old) for one in rest)) if known else None
    if isinstance(first, hand.Primed) and first.count == 1 and not arrow:
        old = first.body  # W' = W − η dW
        if isinstance(old, tree.Name) and _moves(context, old, rest[0]):
            return Update(old, f"{old.name}'", rest)
        return None
    if isinstance(first, hand.Marked) and first.kind == "(" and context.layers <= 1 and not arrow:
        old = first.body  # b^{(1)} = (3, 2) − ½ (3, 0), after one step
        return Update(old, "", rest) if _numbers_move(context, old, rest[0]) else None
    moves = arrow or _moves(context, first, rest[0]) or _numbers_move(context, first, rest[0])
    return Update(first, "", rest) if moves and is_parameter(context, first) else None


def as_entry(context: Context, node: Node) -> Node:
    """`w1` and `w12` of the exercise's W as the entries that they are."""
    if not isinstance(node, tree.Name) or context.variable(node.name) is not None:
        return node
    stem = node.name.rstrip("0123456789")
    digits = node.name[len(stem) :]
    name = context.variable(stem) if stem and digits else None
    if name not in context.exercise.given or len(digits) > len(context.exercise.shapes[name]):
        return node
    return tree.Index(tree.Name(stem), tuple(tree.number(int(digit)) for digit in digits), span=node.span)


def is_parameter(context: Context, node: Node) -> bool:
    """Whether a node is a given name, or an entry of one."""
    core = node.base if isinstance(node, tree.Index) else node
    core = core.body if isinstance(core, hand.Marked) else core
    if not isinstance(core, tree.Name):
        return False
    if isinstance(node, hand.Marked | tree.Index) and context.variable(core.name) is None:
        return any(name.lower().startswith(core.name.lower()) for name in context.exercise.given)
    name = context.variable(core.name)
    return name in context.exercise.given or is_column(context.meanings.get(name or ""))


def is_column(meaning: Node | None) -> bool:
    """Whether a text uses a letter for the only row of a matrix, as a column."""
    match meaning:
        case tree.Entrywise(_, _, tree.Index(tree.Name(), (tree.Number(), tree.Name()))):
            return True
    return False


def as_row(context: Context, old: Node, value: Node) -> Node:
    """A list of numbers as the row that the parameter is: `W_new = (4.4, 2, -4.2)` of a W that is 1×3."""
    name = context.variable(old.name) if isinstance(old, tree.Name) else None
    shape = context.shape(name) if name is not None else None
    listed = isinstance(value, hand.Tuple) and shape is not None and len(shape) == 2 and shape[0] == 1
    if isinstance(value, hand.Tuple) and listed:
        return tree.Matrix((value.items,), "row", span=value.span)
    return value


def cites_gradient(node: Node) -> bool:
    """Whether a gradient stands in a formula."""
    return any(isinstance(part, tree.Gradient | tree.Derivative | hand.Nabla) for part in tree.walk(node))


def cites(node: Node) -> bool:
    """Whether a gradient stands in a formula, or δ, which is one."""
    return cites_gradient(node) or tree.Name("delta") in tree.walk(node)


def _moves(context: Context, old: Node, body: Node) -> bool:
    """Whether a formula has a name and a gradient, `W − η dW`, or takes something from it, `w − 0.1 v`."""
    core = old.base if isinstance(old, tree.Index) else old
    core = core.body if isinstance(core, hand.Marked) else core
    if not isinstance(core, tree.Name):
        return False
    name = context.variable(core.name) or core.name
    if cites(body):
        return any(_is_of(context, one, name) for one in tree.names_in(body))
    match body:
        case tree.Add((first, tree.Neg(taken), *_)) if first == old or as_entry(context, first) == old:
            return not is_numeric(taken) and bool(set(tree.names_in(taken)) & set(context.meanings))
    return False


def _is_of(context: Context, written: str, name: str) -> bool:
    """Whether a written name is a name, or an entry of it: `w1` of W."""
    entry = as_entry(context, tree.Name(written))
    core = entry.base.name if isinstance(entry, tree.Index) and isinstance(entry.base, tree.Name) else written
    return (context.variable(core) or core) == name


def _numbers_move(context: Context, first: Node, body: Node) -> bool:
    """Whether a sum of numbers begins with the value of a given name: `w_1 := 0.5 − 0.5 (0.22)`."""
    if not isinstance(body, tree.Add) or not is_numeric(body):
        return False
    first = _of_its_layer(context, first)
    core = first.base if isinstance(first, tree.Index) else first
    name = context.variable(core.name) if isinstance(core, tree.Name) else None
    known = None if name is None else context.exercise.values.get(name)
    if known is None:
        return False
    start = [part.value for part in _entries(body.terms[0])]
    if not isinstance(first, tree.Index):
        return start == list(known.entries)
    places = [place.value for place in first.places if isinstance(place, tree.Number)]
    at = int(places[-1]) - 1 if places else -1
    return len(start) == 1 and 0 <= at < len(known.entries) and start[0] in known.entries


def _of_its_layer(context: Context, node: Node) -> Node:
    """`w_{11}^{(2)}` as the entry of W₂ that it is."""
    if not any(isinstance(part, hand.Marked) for part in tree.walk(node)):
        return node
    from symbackprop.checking.context import Unclear
    from symbackprop.checking.resolve import Resolver  # which needs this module

    try:
        return tree.undressed(Resolver(context).resolved(node).node)
    except Unclear:
        return node


def _entries(node: Node) -> Iterator[tree.Number]:
    """The numbers of an array as written, a minus taken in."""
    match node:
        case tree.Number():
            yield node
        case tree.Neg(tree.Number(value, text)):
            yield tree.Number(-value, text)
        case tree.Bracket() | tree.Matrix() | hand.Tuple() | tree.Transpose():
            for part in tree.children(node):
                yield from _entries(part)


def _fresh(node: Node) -> tuple[Node, str] | None:
    """Of `W_{new}`, `w_1^{nuevo}` or `W_{1,new}`: W, and the whole as a name."""
    match node:
        case tree.Name(name):
            stem, _, word = name.rpartition("_")
            return (tree.Name(stem, span=node.span), name) if stem and word in NEW else None
        case tree.Power(base, exponent) if _spelt(exponent) in NEW:
            return base, ""
        case tree.Index(base, places) if len(places) > 1 and _spelt(places[-1]) in NEW:
            return tree.Index(base, places[:-1], span=node.span), ""
        case tree.Index(base, places) if (inner := _fresh(base)) is not None:
            return tree.Index(inner[0], places, span=node.span), ""
        case hand.Marked(body, kind, mark) if (inner := _fresh(body)) is not None:
            return hand.Marked(inner[0], kind, mark, span=node.span), ""
    return None


def _spelt(node: Node) -> str:
    """`n e w`, letters side by side, as a word."""
    match node:
        case tree.Name(name):
            return name
        case tree.Product(factors, signs) if not any(signs) and all(
            isinstance(one, tree.Name) and len(one.name) == 1 for one in factors
        ):
            return "".join(one.name for one in factors if isinstance(one, tree.Name))
    return ""


def _olden(node: Node, old: Node) -> Node:
    """`W_old` as W."""
    match node:
        case tree.Name(name):
            stem, _, word = name.rpartition("_")
            return tree.Name(stem, span=node.span) if stem and word in OLD else node
        case tree.Power(base, exponent) if _spelt(exponent) in OLD:
            return base
    return tree.rebuild(node, lambda part: _olden(part, old))


def _next_mark(context: Context, first: Node, second: Node) -> tuple[Node, Node] | None:
    """Of `W^{(t+1)} = W^{(t)} − …`, or W_{t+1}: W, and what stands for it before the step."""
    base, mark = _numbered(first)
    if base is None or mark is None:
        return None
    for part in tree.walk(second):
        other, before = _numbered(part)
        if other == base and before is not None and _follows(mark, before):
            counted = isinstance(before, tree.Number)
            return None if counted and context.layers > 1 else (base, part)  # layers
    return None


def _numbered(node: Node) -> tuple[Node | None, Node | None]:
    match node:
        case hand.Marked(body, "(", mark):
            return body, mark
        case tree.Index(base, (place,)):
            return base, place
    return None, None


def _follows(after: Node, before: Node) -> bool:
    match after, before:
        case tree.Number(a), tree.Number(b):
            return a == b + 1
        case tree.Add((tree.Name(a), tree.Number(one))), tree.Name(b):
            return a == b and one == 1
        case tree.Name(a), tree.Add((tree.Name(b), tree.Neg(tree.Number(one)))):
            return a == b and one == 1
    return False


def _replaced(node: Node, wanted: Node, by: Node) -> Node:
    if node == wanted:
        return by
    return tree.rebuild(node, lambda part: _replaced(part, wanted, by))


def _change(node: Node) -> Node | None:
    """Of `ΔW` the W."""
    match node:
        case tree.Product((tree.Name("Delta"), body), ("",)):
            return body
    return None
