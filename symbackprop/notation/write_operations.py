"""How operations stand on the board: `dot(a, b)` is `aᵀ b`, `eye(n)` is `I_n`, sums share their guards.

Pure questions about nodes, the same for every pictured format.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from symbackprop.notation.tree import (
    Add,
    Call,
    Chain,
    Entrywise,
    Index,
    Name,
    Neg,
    Node,
    Number,
    Sum,
    Transpose,
    Where,
    equation,
    juxtaposed,
    names_in,
    plus,
    walk,
)
from symbackprop.notation.write_names import is_capital
from symbackprop.notation.write_rules import bare

CORES = frozenset({"excess", "hinge_core"})
"""The rows that max, min and the hinge are made of: max(0, u), whose slope is an indicator."""

ALONG = frozenset({"sum", "mean", "softmax", "log_softmax"})
"""What may act on each column or each row, by its option `axis`."""

_REWRITTEN: Mapping[str, Callable[[Node, Node], Node]] = {
    "dot": lambda a, b: juxtaposed(Transpose(a), b),
    "outer": lambda a, b: juxtaposed(a, Transpose(b)),
}

_SYMBOLS: Mapping[tuple[str, int], Callable[..., tuple[str, Node | tuple[Node, ...]]]] = {
    ("eye", 1): lambda size: ("I", size),
    ("zeros", 1): lambda size: ("0", size),
    ("zeros", 2): lambda *sizes: ("0", sizes),
    ("onehot", 2): lambda place, _size: ("e", place),
}


def rewritten(call: Call) -> Node | None:
    """The product of matrices that a call stands for, if it does."""
    make = _REWRITTEN.get(call.function)
    if make is None or len(call.args) != 2 or call.primes or call.options:
        return None
    return make(bare(call.args[0]), bare(call.args[1]))


def symbol_of(call: Call) -> tuple[str, Node | tuple[Node, ...]] | None:
    """The letter that a call prints as, and what stands below it: one place, or sizes."""
    make = _SYMBOLS.get((call.function, len(call.args)))
    return None if make is None or call.primes or call.options else make(*call.args)


def is_core(call: Call) -> bool:
    """Whether this is max(0, …) or its slope, of a formula; of a bare `u` it is the row itself."""
    if call.function not in CORES or len(call.args) != 1 or call.primes > 1:
        return False
    argument = bare(call.args[0])
    return not isinstance(argument, Number) and argument != Name("u")


def compared(node: Node) -> Chain:
    """`u > 0` as people say it: `z > w` for z − w, `y s < 1` for 1 − y s."""
    node = bare(node)
    terms = node.terms if isinstance(node, Add) else (node,)
    left = [term for term in terms if not isinstance(term, Neg)]
    right = [term.body for term in terms if isinstance(term, Neg)]
    first, second = (plus(*side) if side else Number(Fraction(0)) for side in (left, right))
    if isinstance(first, Number):
        return equation(second, first, relation="<")
    return equation(first, second, relation=">")


def kept_capitals(equations: Iterable[tuple[str, Node]], names: Collection[str]) -> frozenset[str]:
    """The names whose entries keep the capital letter, for `Style.capitals`.

    They are those that an equation names entry by entry, as `K[a,b]`, and those whose small letter
    is another of the `names` (sizes among them).
    """
    kept = {name for name in names if is_capital(name) and name.lower() in names}
    for name, body in equations:
        if isinstance(body, Entrywise):
            kept.add(name)
        for part in walk(body):
            if isinstance(part, Index) and isinstance(part.base, Name):
                kept.add(part.base.name)
    return frozenset(kept)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Head:
    """One Σ: its indices (several where the shapes say the ranges), its range, and its guards."""

    indices: list[str]
    low: Node
    high: Node | None
    conditions: list[Node] = field(default_factory=list)


def sums(node: Sum) -> tuple[list[Head], Node]:
    """The Σ of sums that stand directly in one another, and what they sum.

    A guard goes below the last Σ whose index it is about.
    """
    heads: list[Head] = []
    body: Node = node
    while isinstance(body, Sum):
        if heads and heads[-1].high is None and body.high is None:
            heads[-1].indices.append(body.index)
        else:
            heads.append(Head([body.index], body.low, body.high))
        body = body.body
    if not isinstance(body, Where):
        return heads, body
    for condition in body.conditions:
        named = set(names_in(condition))
        about = [head for head in heads if named.intersection(head.indices)]
        (about or heads)[-1].conditions.append(condition)
    return heads, body.body
