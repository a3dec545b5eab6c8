"""Code as a formula of our notation, for showing how it was read: `np.outer(dz, x)` is dz xᵀ."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from fractions import Fraction

from symbackprop.algebra.functions import ALIASES, TABLE
from symbackprop.checking.code_names import MODULES
from symbackprop.checking.code_values import readings
from symbackprop.notation import tree
from symbackprop.notation.hand.nodes import Indicator
from symbackprop.notation.tree import Node, Shape

_RELATIONS: Mapping[type[ast.cmpop], tree.Relation] = {
    ast.Gt: ">", ast.GtE: "≥", ast.Lt: "<", ast.LtE: "≤", ast.Eq: "=", ast.NotEq: "≠",
}  # fmt: skip
_SAME = frozenset(["copy", "astype", "float", "array", "asarray", "clone", "detach", "float64", "double"])
_RENAMED = {"maximum": "max", "minimum": "min", "absolute": "abs", "power": "", "square": "square"}


class _None(Exception):
    """There is no formula."""


def tree_of(
    value: ast.expr,
    shape_of: Callable[[str], Shape],
    *,
    columns: bool = True,
    calls: Mapping[str, str] | None = None,
) -> Node | None:
    """The formula that an expression of `read_code` says, or None where it has none.

    `shape_of` gives the shapes of names and raises KeyError for others. Without `columns` flat arrays are no
    columns, and code that turns or multiplies them has no formula. `calls` are further words for functions.
    """
    try:
        return _Writer(shape_of, columns, calls or {}).node(value)
    except _None:
        return None


class _Writer:
    def __init__(self, shape_of: Callable[[str], Shape], columns: bool, calls: Mapping[str, str]) -> None:
        self.shape_of = shape_of
        self.calls = calls
        self.columns = columns

    def node(self, value: ast.expr) -> Node:
        match value:
            case ast.Constant(value=Fraction() as number):
                return tree.number(number)
            case ast.Name(id=name):
                return self.name(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return tree.Neg(self.node(operand))
            case ast.BinOp(left=left, op=op, right=right):
                return self.binary(left, op, right)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _RELATIONS:
                members = (self.node(left), self.node(right))
                return Indicator(tree.equation(*members, relation=_RELATIONS[type(op)]))
            case ast.Attribute(value=owner, attr="T"):
                return self.transposed(owner)
            case ast.Call(func=func, args=args, keywords=keywords):
                return self.call(func, args, {one.arg or "*": one.value for one in keywords})
        raise _None

    def name(self, name: str) -> Node:
        if name in MODULES:
            raise _None
        if name[:1] == "d" and self.rank(name[1:]) is not None:
            return tree.Gradient(tree.Name(name[1:]))
        if self.rank(name) is None:
            raise _None
        return tree.Name(name)

    def rank(self, name: str) -> int | None:
        """How many axes a name has; None for one that is not known."""
        try:
            return len(self.shape_of(name))
        except KeyError:
            return None

    def is_flat(self, value: ast.expr) -> bool:
        """Whether a value is a name that code holds as a flat array."""
        match value:
            case ast.Name(id=name):
                return not self.columns and (self.rank(name) or self.rank(name[1:])) == 1
        return False

    def transposed(self, owner: ast.expr) -> Node:
        if self.is_flat(owner):
            raise _None  # it is its own transpose, which no formula says
        return tree.Transpose(self.node(owner))

    def binary(self, left: ast.expr, op: ast.operator, right: ast.expr) -> Node:
        first, second = self.node(left), self.node(right)
        match op:
            case ast.Add():
                return tree.Add((*_terms(first), second))
            case ast.Sub():
                return tree.Add((*_terms(first), tree.Neg(second)))
            case ast.Mult():
                return self.product(first, second)
            case ast.Div():
                return tree.Quotient(first, second)
            case ast.Pow():
                return tree.Power(first, second)
            case ast.MatMult():
                return self.matrix_product(left, right)
        raise _None

    def product(self, first: Node, second: Node) -> Node:
        """Entry by entry; with a number before it, just side by side."""
        if isinstance(first, tree.Number) or _is_number(second) or _is_number(first):
            return tree.times(first, second)
        return tree.times(first, second, sign="odot" if not self.is_scalar(first, second) else "cdot")

    def is_scalar(self, *factors: Node) -> bool:
        names = [one.of if isinstance(one, tree.Gradient) else one for one in factors]
        return any(isinstance(one, tree.Name) and self.rank(one.name) == 0 for one in names)

    def matrix_product(self, left: ast.expr, right: ast.expr) -> Node:
        if self.is_flat(left):
            raise _None
        return tree.juxtaposed(*tree.plain_factors(self.node(left)), self.node(right))

    def call(self, func: ast.expr, args: list[ast.expr], options: Mapping[str, ast.expr]) -> Node:
        match func:
            case (
                ast.Name(id=name)
                | ast.Attribute(value=ast.Name(id="np" | "numpy" | "torch" | "jnp"), attr=name)
            ):
                given = args
            case ast.Attribute(value=owner, attr=name):
                given = [owner, *args]
            case _:
                raise _None
        match name, given:
            case ("outer", [left, right]):
                return tree.juxtaposed(self.node(left), tree.Transpose(self.node(right)))
            case (("dot" | "matmul" | "mm"), [left, right]) if not options:
                return self.matrix_product(left, right)
            case (("multiply" | "mul"), [left, right]):
                return self.product(self.node(left), self.node(right))
            case (("sum" | "mean"), [operand]) if set(options) <= {"axis", "keepdims"}:
                return self.total(name, operand, options)
        if (name in _SAME and given) and not options:
            return self.node(given[0])
        if options:
            raise _None
        return self.function(name, given)

    def total(self, name: str, operand: ast.expr, options: Mapping[str, ast.expr]) -> Node:
        axis = options.get("axis")
        if axis is None:
            return tree.Call(name, (self.node(operand),))
        if not (isinstance(axis, ast.Constant) and isinstance(axis.value, Fraction) and axis.value in (0, 1)):
            raise _None
        return tree.Call(name, (self.node(operand),), (("axis", tree.number(axis.value)),))

    def function(self, name: str, given: list[ast.expr]) -> Node:
        for word, primes in readings(_RENAMED.get(name, name)):
            found = self.calls.get(word, "") or ALIASES.get(word, "") or ALIASES.get(word.lower(), "")
            if word in ("max", "min", "softmax", "square"):
                found = found or word
            if found and (found not in TABLE or len(TABLE[found].arguments) == len(given)):
                return tree.Call(found, tuple(self.node(one) for one in given), primes=primes)
        raise _None


def _terms(node: Node) -> tuple[Node, ...]:
    return node.terms if isinstance(node, tree.Add) else (node,)


def _is_number(node: Node) -> bool:
    return isinstance(node, tree.Number) or (
        isinstance(node, tree.Neg) and isinstance(node.body, tree.Number)
    )
