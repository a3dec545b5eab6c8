"""Factors side by side: what `·` and `/` between them mean, and when that is not clear."""

from symbackprop.notation.parts import (
    Part,
    Reading,
    base_of,
    is_one,
    node_of,
    product_of,
    unbracketed,
    unsigned,
)
from symbackprop.notation.spelling import GREEK_NAMES
from symbackprop.notation.tree import (
    Bracket,
    Call,
    Derivative,
    Gradient,
    Index,
    Matrix,
    Name,
    Node,
    Norm,
    Number,
    Ones,
    Power,
    Quotient,
    Span,
    Sum,
    Transpose,
)

_CLEAR_ENDS = (Bracket, Call, Norm, Number, Sum, Matrix, Ones, Derivative)
"""Denominators that end visibly, so that a factor may follow."""


class Group:
    """Factors that stand side by side, with `·` and `/` between them, read from left to right.

    A number over a number is a factor, and so is `dL/dW`. Otherwise `/` puts all that stands
    before it over the next factor; after it a factor may only follow where nobody can take
    it for a part of the denominator.
    """

    def __init__(self, reading: Reading, parts: list[Part], signs: list[str]) -> None:
        self.reading = reading
        self.parts = parts
        self.signs = signs
        self.factors = [parts[0]]
        self.between: list[str] = []
        self.below: Part | None = None  # the denominator just read

    def node(self) -> Node:
        """The group as one node."""
        for sign, part in zip(self.signs, self.parts[1:], strict=True):
            if sign == "/":
                self._divide(part)
                continue
            if sign == "":
                self._check_neighbours(part)
            self.factors.append(part)
            self.between.append(sign)
            self.below = None
        self._find_ones()
        return product_of(self.factors, self.between)

    def _divide(self, below: Part) -> None:
        self._check_exponent(below)
        if self._differentiate(below):
            self.below = None
            return
        self.below = below
        last = self.factors[-1]
        if isinstance(last.value, Number) and isinstance(unsigned(below.value), Number):
            self.factors[-1] = _quotient(last, below)
            return
        self._find_ones()
        above = Part(product_of(self.factors, self.between), self.factors[0].start, last.end)
        self.factors = [_quotient(above, below)]
        self.between = []

    # --- dL/dW

    def _differentiate(self, below: Part) -> bool:
        """`dL/dW`, where both stand for gradients, is a derivative; say whether it was one."""
        above = self.factors[-1]
        of = self._differential(above)
        start = above.start
        if of is None and self._is_d_of_bracket():
            of, start = node_of(above), self.factors[-2].start
        inner = self._differential(Part(base_of(below.value), below.start, below.end))
        if of is None or inner is None:
            return False
        by = self._differential(below)
        span = Span(start, below.end)
        if by is None:
            hint = f"write ({self.reading.text[start : below.end].removesuffix('^T')})^T"
            self.reading.refuse("it is not clear what is raised or transposed", span, hint)
        if start < above.start:
            d = self.factors.pop(-2)
            self.reading.unknown.pop(d.span, None)
            self.between.pop()
        self.factors[-1] = Part(Derivative(of, by, straight=True, span=span), start, below.end)
        return True

    def _differential(self, part: Part) -> Node | None:
        """z for `dz`, where that is not a name of its own."""
        node = part.value
        if isinstance(node, Gradient):
            return node.of
        if self.reading.vocabulary.names is not None:
            return None
        if isinstance(node, Name) and _is_differential(node.name):
            return Name(node.name[1:], span=Span(part.start + 1, part.end))
        if isinstance(node, Index):
            inner = self._differential(Part(node.base, part.start, part.end))
            return None if inner is None else Index(inner, node.places, span=node.span)
        return None

    def _is_d_of_bracket(self) -> bool:
        """`d(W x + b)` before a slash."""
        if len(self.factors) < 2 or self.between[-1]:
            return False
        d, bracket = self.factors[-2:]
        names = self.reading.vocabulary.names
        free = names is None or "d" not in names
        return free and d.value == Name("d") and isinstance(bracket.value, Bracket) and d.end == bracket.start

    # --- what is not clear

    def _check_exponent(self, below: Part) -> None:
        """`x^1/2` is hardly x^1 over 2."""
        last = self.factors[-1]
        if isinstance(last.value, Power) and is_one(last.value.exponent):
            span = Span(last.start, below.end)
            self.reading.refuse("it is not clear what the exponent is", span, "write x^(1/2) or sqrt(x)")

    def _check_neighbours(self, part: Part) -> None:
        before = self.below or self.factors[-1]
        if self.below is not None:
            self._check_denominator(self.below, part)
        ones = isinstance(part.value, Transpose) and is_one(part.value.body)
        if isinstance(base_of(part.value), Number) and isinstance(base_of(before.value), Number) and not ones:
            span = Span(before.start, part.end)
            self.reading.refuse("two numbers stand side by side", span, "write a sign between them: 2 * 3")

    def _check_denominator(self, below: Part, part: Part) -> None:
        text = self.reading.text
        span = Span(self.parts[0].start, part.end)
        under, after = text[below.start : below.end], text[part.start : part.end]
        above = text[span.start : below.start].rstrip().removesuffix("/").rstrip()
        if not isinstance(base_of(unsigned(below.value)), _CLEAR_ENDS):
            slash = text[span.start + len(above) : below.start]
            choice = f"({above}{slash}{under}) {after}, or {above}{slash}({under} {after})"
            choice = choice if len(choice) < 100 else "(a / b) c, or a / (b c)"
            message = "it is not clear whether the last factor belongs to the denominator"
            self.reading.refuse(message, span, f"write {choice} if it does")
        number = isinstance(below.value.exponent if isinstance(below.value, Power) else below.value, Number)
        if number and below.end == part.start and text[part.start].isalpha():
            hint = f"write {above}/{under} {after}, with a space, or {above}/({under} {after})"
            self.reading.refuse("it is not clear what belongs to the denominator", span, hint)

    def _find_ones(self) -> None:
        """A lone 1 beside a transpose, with no sign between, is the vector of ones: `1 b^T`."""
        for place, part in enumerate(self.factors):
            if is_one(part.value) and (self._is_transpose(place, -1) or self._is_transpose(place, 1)):
                self.factors[place] = Part(Ones(span=part.span), part.start, part.end)

    def _is_transpose(self, place: int, step: int) -> bool:
        """Whether the factor before or after this one is a transpose, juxtaposed."""
        gap = min(place, place + step)
        if not 0 <= gap < len(self.between) or self.between[gap]:
            return False
        return isinstance(self.factors[place + step].value, Transpose)


def _quotient(above: Part, below: Part) -> Part:
    """`1/3` without spaces stays on the line; else a fraction bar groups, and brackets are dropped."""
    top, bottom = node_of(above), node_of(below)
    tight = above.end + 1 == below.start
    inline = tight and isinstance(top, Number) and isinstance(bottom, Number)
    node = Quotient(unbracketed(top), unbracketed(bottom), inline, span=Span(above.start, below.end))
    return Part(node, above.start, below.end)


def _is_differential(name: str) -> bool:
    """`dW1`, `dyhat`, `dsigma`: d and one letter with what belongs to it."""
    rest = name[1:].rstrip("'").rstrip("0123456789")
    for mark in ("hat", "tilde", "bar", "dot"):
        rest = rest.removesuffix(mark) or rest
    return name[0] == "d" and (len(rest) == 1 or rest in GREEK_NAMES) and rest.isalpha()
