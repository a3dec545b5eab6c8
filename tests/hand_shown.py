"""A tree of hand writing in one line, with everything that the tree says and nothing that it does not.

a + b {…}   product […]   written brackets (…)   W{(1}, W{[1} layer marks   T(x) transpose
d(L / W), ∂(L / W) derivatives (one line: d/(…))   G(W) is dW   w[1, i] an index   f' primes
"""

from collections.abc import Callable

from symbackprop.notation.hand.nodes import Indicator, Marked, Nabla, Omitted, Primed, Said, Tuple
from symbackprop.notation.tree import (
    Add,
    Box,
    Brace,
    Bracket,
    Call,
    Cases,
    Chain,
    Constant,
    Derivative,
    Dots,
    Gradient,
    Index,
    Matrix,
    Name,
    Neg,
    Node,
    Norm,
    Number,
    Ones,
    Power,
    Product,
    Quotient,
    Slice,
    Space,
    Sum,
    Transpose,
    Where,
    Word,
)

_SIGNS = {"": " ", "cdot": " · ", "odot": " ⊙ ", "*": " * ", "otimes": " ⊗ "}
_DOTS = {"h": "…", "c": "⋯", "v": "⋮", "d": "⋱"}


def _listed(nodes: tuple[Node, ...], sign: str = ", ") -> str:
    return sign.join(map(shown, nodes))


def _add(node: Add) -> str:
    first, *rest = node.terms
    signed = (f" - {shown(t.body)}" if isinstance(t, Neg) else f" + {shown(t)}" for t in rest)
    return "{" + shown(first) + "".join(signed) + "}"


def _product(node: Product) -> str:
    text = shown(node.factors[0])
    for sign, factor in zip(node.signs, node.factors[1:], strict=True):
        text += _SIGNS[sign] + shown(factor)
    return f"[{text}]"


def _chain(node: Chain) -> str:
    text = shown(node.members[0])
    for relation, over, member in zip(node.relations, node.over, node.members[1:], strict=True):
        text += f" {relation}{'«' + over + '»' if over else ''} {shown(member)}"
    return text


def _tuple(node: Tuple) -> str:
    first, last = "[]" if node.square else "()"
    sign = node.sign if node.sign == " " else node.sign + " "
    return f"tuple{first}{_listed(node.items, sign)}{last}"


def _derivative(node: Derivative) -> str:
    head = ("d" if node.straight else "∂") + ("/" if node.inline else "")
    return f"{head}({shown(node.of)} / {shown(node.by)})"


def _cases(node: Cases) -> str:
    return "cases(" + "; ".join(f"{shown(value)} if {shown(when)}" for value, when in node.branches) + ")"


def _slice(node: Slice) -> str:
    return (shown(node.low) if node.low else "") + ":" + (shown(node.high) if node.high else "")


_SHOWN: dict[type[Node], Callable[..., str]] = {
    Name: lambda n: n.name,
    Number: lambda n: n.text,
    Constant: lambda n: f"<{n.name}>",
    Ones: lambda n: f"ones({shown(n.size) if n.size else ''})",
    Dots: lambda n: _DOTS[n.kind],
    Word: lambda n: n.key,
    Said: lambda n: f"«{n.text}»",
    Omitted: lambda n: "_",
    Neg: lambda n: "-" + shown(n.body),
    Add: _add,
    Product: _product,
    Quotient: lambda n: f"{'quotient/' if n.inline else 'quotient'}({shown(n.above)}, {shown(n.below)})",
    Power: lambda n: f"{shown(n.base)}^{shown(n.exponent)}",
    Transpose: lambda n: f"T({shown(n.body)})",
    Primed: lambda n: shown(n.body) + "'" * n.count,
    Marked: lambda n: f"{shown(n.body)}{{{n.kind}{shown(n.mark)}}}",
    Call: lambda n: f"{n.function}<{_listed(n.args)}>",
    Norm: lambda n: f"norm{n.kind}({shown(n.body)})",
    Slice: _slice,
    Index: lambda n: f"{shown(n.base)}[{_listed(n.places)}]",
    Sum: lambda n: f"sum({n.index} = {shown(n.low)}..{shown(n.high) if n.high else ''}: {shown(n.body)})",
    Tuple: _tuple,
    Matrix: lambda n: f"{n.form}({'; '.join(_listed(row) for row in n.rows)})",
    Cases: _cases,
    Indicator: lambda n: f"indicator({shown(n.condition)})",
    Derivative: _derivative,
    Gradient: lambda n: f"G({shown(n.of)})",
    Nabla: lambda n: f"nabla({shown(n.of)}{', ' + shown(n.by) if n.by else ''})",
    Bracket: lambda n: f"({shown(n.body)})",
    Brace: lambda n: f"brace{'^' if n.above else '_'}({shown(n.body)} | {shown(n.label)})",
    Box: lambda n: f"box({shown(n.body)})",
    Chain: _chain,
    Where: lambda n: f"where({shown(n.body)}; {_listed(n.conditions)})",
    Space: lambda n: f"R({_listed(n.sizes)})",
}


def shown(node: Node) -> str:
    """`node` in one line; KeyError for a node that hand writing has not."""
    return _SHOWN[type(node)](node)
