"""How the nodes print that only people write (`hand/nodes.py`), the same for every format.

A format gives the strings: what a mark above a name, a prime or a gradient sign looks like there.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from symbackprop.notation.hand.nodes import (
    Indicator,
    Marked,
    Nabla,
    Omitted,
    Primed,
    Said,
    Tuple,
)
from symbackprop.notation.tree import (
    Bracket,
    Chain,
    Gradient,
    Index,
    Name,
    Node,
    Number,
    Power,
    Space,
    Transpose,
    walk,
)
from symbackprop.notation.write_base import ATOM, TIGHT, Writer
from symbackprop.notation.write_rules import bare

_CLOSING = {"[": "]", "(": ")"}


def is_applied(left: Node, right: Node) -> bool:
    """Whether a person's `f (z)`, `σ' (z)`, `tanh² (z)`, `L (1, 5)` stands without a space."""
    while isinstance(left, Primed | Power | Marked | Index):
        left = left.base if isinstance(left, Power | Index) else left.body
    return isinstance(left, Name) and isinstance(right, Bracket | Tuple)


class HandWriter(Writer):
    """Primes, tuples, indicators, marks, ∇, and words inside formulas."""

    item_gap: ClassVar[str] = " "
    """What stands between the items of a tuple that has spaces between them."""
    item_comma: ClassVar[str] = ", "
    item_semicolon: ClassVar[str] = "; "
    turned: ClassVar[str] = "T"
    """The sign of a transpose beside a mark above the same name: `W^{[2] T}`."""
    missing: ClassVar[str] = ""
    """A left side that is not repeated."""

    cross: ClassVar[str] = "×"
    """Between two spaces: ℝ × ℝ."""

    def between(self, left: Node, sign: str, right: Node) -> str:
        if sign == "*" and isinstance(left, Space) and isinstance(right, Space):
            return self.cross
        return super().between(left, sign, right)

    @abstractmethod
    def square(self, text: str) -> str:
        """In square brackets."""

    @abstractmethod
    def over(self, head: str, above: str) -> str:
        """`head` with a mark raised."""

    @abstractmethod
    def primed(self, base: str, count: int) -> str: ...

    @abstractmethod
    def nabla(self, below: str) -> str:
        """`∇`, with what stands below it."""

    @abstractmethod
    def said(self, text: str) -> str:
        """A person's words, escaped."""

    @abstractmethod
    def indicated(self, condition: Node) -> str: ...

    def mark(self, node: Marked, beside: str = "") -> str:
        """The name with its mark, and what else is raised `beside` it (two exponents would clash)."""
        mark = node.kind + self.smaller(bare(node.mark)) + _CLOSING[node.kind]
        return self.over(self.at(node.body, ATOM), mark + beside)

    def _marked(self, node: Marked) -> str:
        return self.mark(node)

    def _transpose(self, node: Transpose) -> str:
        body = node.body
        if isinstance(body, Marked):
            return self.mark(body, self.turned)
        if isinstance(body, Gradient) and isinstance(body.of, Marked):
            return self.differential(self.mark(body.of, self.turned))
        return super()._transpose(node)

    @abstractmethod
    def differential(self, text: str) -> str:
        """`d` before a name."""

    def _primed(self, node: Primed) -> str:
        if isinstance(node.body, Marked):
            return self.mark(node.body, self.raised_primes(node.count))
        return self.primed(self.base(node.body), node.count)

    def raised_primes(self, count: int) -> str:
        """Primes that are raised already."""
        return "'" * count

    def _tuple(self, node: Tuple) -> str:
        # a comma between decimals that have a comma themselves could not be told from it
        decimals = any(isinstance(part, Number) and part.value.denominator != 1 for part in walk(node))
        unclear = node.sign == "," and self.style.decimal_mark == "," and decimals
        gaps = {",": self.item_comma, ";": self.item_semicolon, " ": self.item_gap}
        inner = gaps[";" if unclear else node.sign].join([self.write(item) for item in node.items])
        return self.square(inner) if node.square else self.bracket(inner)

    def _indicator(self, node: Indicator) -> str:
        return self.indicated(node.condition)

    def _nabla(self, node: Nabla) -> str:
        below = "" if node.by is None else self.smaller(node.by)
        return f"{self.nabla(below)} {self.at(node.of, TIGHT)}"

    def _said(self, node: Said) -> str:
        return self.said(node.text)

    def _omitted(self, node: Omitted) -> str:
        return self.missing


def conditions_of(condition: Node) -> tuple[Node, ...] | None:
    """The condition of an indicator as a place set small takes it, or None where it is no comparison."""
    inner = bare(condition)
    return (inner,) if isinstance(inner, Chain) else None
