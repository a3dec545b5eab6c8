"""Plain text that the reader reads back: `dW = dz x^T`.

What plain notation has no words for (boxes, braces, words over a relation) is left out, so that
the mathematics stays; cases and blanks are written for the eye only.
"""

from fractions import Fraction
from typing import ClassVar

from symbackprop.notation.tree import (
    Add,
    Blank,
    Box,
    Brace,
    Bracket,
    Call,
    Cases,
    Chain,
    Coloured,
    Constant,
    Delta,
    Derivative,
    Dots,
    Entrywise,
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
    Row,
    Sizes,
    Slice,
    Space,
    Stack,
    Sum,
    Transpose,
    Where,
    Word,
)
from symbackprop.notation.write_base import ATOM, LOOSE, RAISED, TIGHT
from symbackprop.notation.write_hand import HandWriter
from symbackprop.notation.write_rules import GROUP, is_ratio, left_to_right
from symbackprop.notation.write_style import Style

_SIGNS = {"": " ", "cdot": " · ", "odot": " ⊙ ", "otimes": " ⊗ ", "*": " * "}
_DOTS = {"h": "...", "c": "⋯", "v": "⋮", "d": "⋱"}


_LAYOUT = frozenset({Box, Brace, Coloured})
_ATOMS = frozenset({Name, Gradient, Index, Sum, Entrywise, Cases, Bracket, Call})


class PlainWriter(HandWriter):
    """The strings of plain text; nested sums and products keep brackets, so that the tree is read back."""

    flattens: ClassVar[bool] = False

    def level(self, node: Node) -> int:
        if type(node) in _ATOMS:
            return ATOM
        match node:
            case Box(body) | Brace(body) | Coloured(body):
                return self.level(body)
            case Product(_, signs):
                return TIGHT if GROUP.issuperset(signs) else LOOSE
            case Quotient():
                return TIGHT
            case Derivative():  # `dL/dW` is a quotient to the reader, ∂L/∂W one sign
                return TIGHT if self.is_straight(node) else RAISED
        return super().level(node)

    # --- what people write -------------------------------------------------------

    def square(self, text: str) -> str:
        return f"[{text}]"

    def over(self, head: str, above: str) -> str:
        return f"{head}^{above}"

    def primed(self, base: str, count: int) -> str:
        return base + "'" * count

    def nabla(self, below: str) -> str:
        return f"∇_{below}" if below.isalnum() else f"∇_({below})" if below else "∇"

    def said(self, text: str) -> str:
        return text

    def indicated(self, condition: Node) -> str:
        return f"1[{self.write(condition)}]"

    def differential(self, text: str) -> str:
        return "d" + text

    # --- leaves ------------------------------------------------------------------

    def _name(self, node: Name) -> str:
        return self.style.names.get(node.name, node.name)

    def _constant(self, node: Constant) -> str:
        return node.name

    def _ones(self, node: Ones) -> str:
        return "1" if node.size is None else f"ones({self.write(node.size)})"

    def _dots(self, node: Dots) -> str:
        return _DOTS[node.kind]

    def _blank(self, node: Blank) -> str:
        return "_" * max(1, node.width)

    def _word(self, node: Word) -> str:
        return self.word(node.key)

    def scientific(self, mantissa: str, power: str) -> str:
        return f"{mantissa}e{power}"

    def number_level(self, value: Fraction, text: str) -> int:
        return ATOM if text and "/" not in text else super().number_level(value, text)

    # --- arithmetic --------------------------------------------------------------

    def _neg(self, node: Neg) -> str:
        body = plain(node.body)
        if type(body) is Neg:
            return "- " + self.write(body)
        return "-" + self.at(body, LOOSE)

    def _add(self, node: Add) -> str:
        made: list[str] = []
        for term in node.terms:
            term = plain(term)
            if not made:
                made.append(self.write(term) if type(term) is Neg else self.at(term, LOOSE))
            elif type(term) is Neg:
                body = plain(term.body)
                made.append(" - " + (self.write(body) if type(body) is Neg else self.at(body, LOOSE)))
            else:
                made.append(" + " + self.at(term, LOOSE))
        return "".join(made)

    def product(self, node: Product, *, leads: bool) -> str:
        node = left_to_right(node)
        factors = [plain(factor) for factor in node.factors]
        signs = ("", *node.signs, "")
        write = self.grouped if GROUP.issuperset(node.signs) else self.starred
        text = ""
        for place, factor in enumerate(factors):
            before = factors[place - 1] if place and signs[place] == "" else None
            after = factors[place + 1] if place < len(node.signs) and signs[place + 1] == "" else None
            sign = signs[place] if place else None
            text += self.gap(factors[place - 1], factor) if sign == "" else _SIGNS[sign] if sign else ""
            text += write(factor, sign, before, after)
        return text

    def starred(self, factor: Node, sign: str | None, _before: Node | None, _after: Node | None) -> str:
        """A factor of `a * b` or `a ⊙ b`: a whole group may stand there, and a minus after a sign."""
        if type(factor) is Neg and sign is not None and self.level(factor.body) >= TIGHT:
            return self.write(factor)
        return self.at(factor, TIGHT)

    def grouped(self, factor: Node, sign: str | None, before: Node | None, after: Node | None) -> str:
        """A factor of `a b` or `a · b`, between juxtaposed neighbours (None: none, or a sign)."""
        if type(factor) is Neg and sign == "cdot" and self.level(factor.body) >= RAISED:
            return self.write(factor)
        if is_ratio(factor) or (isinstance(factor, Quotient) and sign is None):
            if before is None or not ends_in_number(before):
                return self.write(factor) if after is None else self.closed(factor)
            return self.bracket(self.write(factor))
        if isinstance(factor, Number) and factor.value == 1 and (is_turned(before) or is_turned(after)):
            return self.bracket(self.write(factor))  # beside a transpose a bare 1 is the vector of ones
        if before is not None and begins_with_number(factor) and ends_in_number(before):
            return self.bracket(self.write(factor))
        if isinstance(factor, Derivative) and after is None:
            return self.write(factor)
        return self.at(factor, RAISED)

    def closed(self, factor: Node) -> str:
        """A quotient before a juxtaposed factor: its denominator must end visibly."""
        assert isinstance(factor, Quotient)
        below = plain(factor.below)
        if self.level(below) < RAISED or isinstance(below, Number | Bracket | Call | Norm):
            return self.write(factor)
        return self.bracket(self.write(factor))

    def sign(self, sign: str) -> str:
        return _SIGNS[sign]

    def gap(self, left: Node, right: Node) -> str:
        return " "

    def _quotient(self, node: Quotient) -> str:
        below = plain(node.below)
        slash = "/" if node.inline else " / "
        bottom = self.at(below, RAISED)
        if isinstance(below, Bracket) and not node.inline:
            bottom = self.bracket(bottom)
        return self.above(node) + slash + bottom

    def above(self, node: Quotient) -> str:
        """What stands before the slash, which takes in a whole group; an unneeded bracket is dropped."""
        above, below = plain(node.above), plain(node.below)
        text = self.write(above)
        if isinstance(above, Bracket):
            return text if node.inline else self.bracket(text)
        last = plain(above.factors[-1]) if isinstance(above, Product) else above
        takes_last = type(last) is Number and type(below) is Number and last is not above
        base = plain(below.body) if isinstance(below, Transpose) else below
        base = plain(base.base) if isinstance(base, Power) else base
        if takes_last or self.level(above) < TIGHT or (is_differential(last) and is_differential(base)):
            return self.bracket(text)
        return text

    def fraction(self, above: Node, below: Node) -> str:
        return f"{self.write(above)}/{self.write(below)}"

    def base(self, node: Node) -> str:
        node = plain(node)
        return self.write(node) if isinstance(node, Transpose) else self.at(node, ATOM)

    def _transpose(self, node: Transpose) -> str:
        body = plain(node.body)
        if isinstance(body, Number) and body.value == 1:
            return self.bracket(self.write(body)) + "^T"
        return self.base(body) + "^T"

    def raised(self, base: str, exponent: Node) -> str:
        exponent = plain(exponent)
        text = self.write(exponent)
        simple = exponent.body if type(exponent) is Neg else exponent
        bare = isinstance(simple, Number | Name | Call) and self.level(simple) == ATOM
        if bare and text not in ("T", "-T"):  # a bare T is the transpose
            return f"{base}^{text}"
        return f"{base}^({text})"

    def transposed(self, base: str, *, wide: bool) -> str:
        return base + "^T"

    def bracket(self, text: str) -> str:
        return f"({text})"

    # --- functions, indices ------------------------------------------------------

    def inner(self, node: Node) -> str:
        """An expression inside brackets of its own; what has conditions gets brackets first."""
        node = plain(node)
        text = self.write(node)
        return self.bracket(text) if type(node) is Where else text

    def _call(self, node: Call) -> str:
        inner = [self.inner(arg) for arg in node.args]
        inner += [f"{key} = {self.inner(value)}" for key, value in node.options]
        name = self.style.functions.get(node.function, node.function)
        return f"{name}{chr(39) * node.primes}({', '.join(inner)})"

    def _norm(self, node: Norm) -> str:
        text = f"||{self.inner(node.body)}||"
        return text if node.kind == "2" else f"{text}_{node.kind}"

    def _slice(self, node: Slice) -> str:
        low = "" if node.low is None else self.write(node.low)
        high = "" if node.high is None else self.write(node.high)
        return f"{low}:{high}"

    def _index(self, node: Index) -> str:
        places = [
            self._slice(place) if isinstance(place, Slice) else self.inner(place) for place in node.places
        ]
        return f"{self.base(node.base)}[{','.join(places)}]"

    def _gradient(self, node: Gradient) -> str:
        return "d" + (self.write(node.of) if isinstance(node.of, Name | Index) else self.at(node.of, ATOM))

    def _sum(self, node: Sum) -> str:
        heads: dict[str, str] = {}
        body: Node = node
        while isinstance(body, Sum) and body.index not in heads:
            heads[body.index] = self.range(body.index, body.low, body.high)
            body = plain(body.body)
        return f"sum({', '.join(heads.values())}: {self.write(body)})"

    def range(self, index: str, low: Node, high: Node | None) -> str:
        return index if high is None else f"{index} = {self.inner(low)}..{self.inner(high)}"

    def _where(self, node: Where) -> str:
        conditions = ", ".join([self.write(condition) for condition in node.conditions])
        return f"{self.inner(node.body)} where {conditions}"

    def _entrywise(self, node: Entrywise) -> str:
        sizes = node.sizes or (None,) * len(node.indices)
        one = Number(Fraction(1))
        heads = [self.range(index, one, size) for index, size in zip(node.indices, sizes, strict=True)]
        return f"entries({', '.join(heads)}: {self.write(node.body)})"

    def _delta(self, node: Delta) -> str:
        return f"δ[{self.write(node.first)},{self.write(node.second)}]"

    def _matrix(self, node: Matrix) -> str:
        rows = [", ".join([self.inner(entry) for entry in row]) for row in node.rows]
        if node.form == "column":
            return f"[{', '.join(rows)}]"
        return "[" + ", ".join(f"[{row}]" for row in rows) + "]"

    def _cases(self, node: Cases) -> str:
        made = []
        for value, when in node.branches:
            joint = " " if isinstance(when, Word) else f" {self.word('if')} "
            made.append(self.write(value) + joint + self.write(when))
        return "{" + "; ".join(made) + "}"

    def _stack(self, node: Stack) -> str:
        return "; ".join([self.write(row) for row in (*node.rows, node.right)])

    def _derivative(self, node: Derivative) -> str:
        d = "d" if self.is_straight(node) else "∂"
        return f"{d}{self.shown(node.of)}/{d}{self.shown(node.by)}"

    def is_straight(self, node: Derivative) -> bool:
        return node.straight or self.style.straight_d

    def shown(self, node: Node) -> str:
        text = self.write(node)
        return text if isinstance(node, Name | Index | Bracket) else self.bracket(text)

    # --- as written --------------------------------------------------------------

    def _brace(self, node: Brace) -> str:
        return self.write(node.body)

    def _box(self, node: Box) -> str:
        return self.write(node.body)

    def _coloured(self, node: Coloured) -> str:
        return self.write(node.body)

    # --- statements --------------------------------------------------------------

    def _chain(self, node: Chain) -> str:
        texts = [self.inner(member) for member in node.members]
        last = plain(node.members[-1])
        if isinstance(last, Where):
            texts[-1] = self.write(last)
        signs = [f" {relation} " for relation in node.relations]
        return "".join(text + sign for text, sign in zip(texts, [*signs, ""], strict=True))

    def _space(self, node: Space) -> str:
        if not node.sizes:
            return "ℝ"
        inner = self.sizes(node.sizes)
        return f"ℝ^{inner}" if inner.isalnum() else f"ℝ^{{{inner}}}"

    def _sizes(self, node: Sizes) -> str:
        return self.sizes(node.sizes)

    def sizes(self, sizes: tuple[Node, ...]) -> str:
        if len(sizes) == 1:
            return self.write(sizes[0])
        return "×".join([self.at(size, TIGHT) for size in sizes])

    def _row(self, node: Row) -> str:
        joint = {",": ", ", "quad": ",   ", "implies": " ⇒ ", "and": f" {self.word('and')} "}[node.sign]
        return joint.join([self.write(item) for item in node.items])


def is_turned(node: Node | None) -> bool:
    """Whether this is a transpose: a 1 beside it would be read as the vector of ones."""
    return isinstance(node, Transpose)


def is_differential(node: Node) -> bool:
    """Whether this looks like `dz`, so that `dz / dx` would be read as a derivative."""
    if isinstance(node, Name):
        return node.name[0] == "d" and len(node.name) > 1
    return isinstance(node, Gradient)


def begins_with_number(node: Node) -> bool:
    """Whether this begins with digits that belong to a number."""
    while isinstance(node, Power | Index | Transpose):
        node = node.body if isinstance(node, Transpose) else node.base
    return isinstance(node, Number) or is_ratio(node)


def ends_in_number(node: Node) -> bool:
    """Whether a number juxtaposed after this would stand beside a number."""
    if isinstance(node, Quotient):
        return begins_with_number(node.below)
    return begins_with_number(node)


def plain(node: Node) -> Node:
    """The node without what plain text cannot show."""
    while type(node) in _LAYOUT:
        node = node.body  # type: ignore[attr-defined]  # each of the three has one
    return node


def to_plain(node: Node, style: Style = Style()) -> str:  # noqa: B008 - frozen
    """The node as plain text that `read` and `read_chain` read back to an equal tree."""
    return PlainWriter(style).write(node)
