"""What an expression does, operation by operation: the sign in the circle, and what goes into it."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Final

from symbackprop.algebra.functions import TABLE
from symbackprop.notation.tree import (
    Add,
    Bracket,
    Call,
    Constant,
    Dots,
    Entrywise,
    Index,
    Name,
    Neg,
    Node,
    Norm,
    Number,
    Ones,
    Power,
    Product,
    Quotient,
    Sum,
    Transpose,
    Where,
    Word,
    bare,
    children,
)  # fmt: skip


def free_names(node: Node, bound: frozenset[str] = frozenset()) -> Iterator[str]:
    """The names a formula depends on, in written order, perhaps more than once."""
    if isinstance(node, Ones):
        return  # its size is a number, not a variable
    if isinstance(node, Name):
        if node.name not in bound:
            yield node.name
        return
    if isinstance(node, Sum):  # its bounds are sizes, and so are those of an array given by its entries
        yield from free_names(node.body, bound | {node.index})
    elif isinstance(node, Entrywise):
        yield from free_names(node.body, bound | set(node.indices))
    elif isinstance(node, Where):
        yield from free_names(node.body, bound)
    else:
        for child in children(node):
            yield from free_names(child, bound)


def sign_of(node: Node) -> Node:
    """What stands in the circle of an operation."""
    match node:
        case Add(terms):
            return Name("−" if len(terms) == 2 and isinstance(terms[1], Neg) else "+")
        case Neg():
            return Name("−")
        case Product(_, signs):
            return Name("⊙" if set(signs) == {"odot"} else "×")
        case Quotient():
            return Name("÷")
        case Power(Constant() as base, _):
            return Power(base, _DOT)
        case Power(_, exponent) if not any(free_names(exponent)):
            return Power(Bracket(Name("·")), exponent)
        case Norm(_, kind):
            return Norm(Name("·"), kind)
        case Sum() | Entrywise(_, _, Sum()):
            return Name("Sigma")
        case Call(function, _, _, primes) if not primes:
            return _SIGN_OF.get(function) or operator(function)
        case Name():
            return Name("id")
    return ANY


ANY: Final = Name("f")
"""What stands in the circle of an operation that has no sign."""

UNNAMED: Final = Bracket(Dots("c"))
"""The same in a model that has an f."""


_DOT: Final = Name("·")
_SIGN_OF: Final[Mapping[str, Node]] = {
    "square": Power(Bracket(_DOT), Number(Fraction(2))),
    "sqrt": Call("sqrt", (_DOT,)),
    "abs": Call("abs", (_DOT,)),
    "exp": Power(Constant("e"), _DOT),
    "sum": Name("Sigma"),
    "mean": Word("mean"),
}
"""Functions that are known by a sign."""


def operator(function: str) -> Node:
    """A function by itself: σ, ReLU, g."""
    if function == "sigmoid":
        return Name("sigma")
    row = TABLE.get(function)
    return Name(function if row is None else row.plain)


def operands(node: Node) -> tuple[Node, ...]:
    """What an operation works on; nothing that can be split further for an opaque one."""
    match node:
        case Add(terms):
            if len(terms) == 2 and isinstance(terms[1], Neg):
                return (terms[0], terms[1].body)
            return terms
        case Product(factors):
            return factors
        case Quotient(above, below):
            return (above, below)
        case Power(Constant(), exponent):
            return (exponent,)
        case Power(base, exponent):
            return (base, exponent) if any(free_names(exponent)) else (base,)
        case Neg(body) | Norm(body):
            return (body,)
        case Call(_, args, options, primes) if not primes:
            return (*args, *(value for _, value in options if any(free_names(value))))
        case Name():
            return (node,)
    return tuple(Name(name) for name in dict.fromkeys(free_names(node)))


def plain_operand(node: Node) -> Node:
    """An operand as what the picture draws: `x` for `xᵀ`, for `x[1]`, and for `1 xᵀ`."""
    node = bare(node)
    while (inner := _wrapped(node)) is not None:
        node = bare(inner)
    return node


def _wrapped(node: Node) -> Node | None:
    """What a transposition, a constant place, or a product that only spreads is applied to."""
    match node:
        case Transpose(body):
            return body
        case Index(base) if _constant_places(node):
            return base
        case Product(factors):
            kept = [factor for factor in factors if not isinstance(plain_operand(factor), Ones)]
            return kept[0] if len(kept) == 1 and len(factors) > 1 else None
    return None


def _constant_places(node: Index) -> bool:
    return not any(any(free_names(place)) for place in node.places)


def count_operations(node: Node) -> int:
    """How many circles an expression becomes."""
    inside = [plain_operand(part) for part in operands(node)]
    split = [part for part in inside if not isinstance(part, Name) and any(free_names(part))]
    return 1 + sum(map(count_operations, split))
