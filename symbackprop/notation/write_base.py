"""One walk over the tree and one set of rules for brackets; the formats fill in the strings.

A node stands at a *level*: how tightly its outermost sign binds. A place in a formula asks for a
level, and a node below it gets brackets. Brackets are added where the mathematics needs them and
nowhere else: round a negative factor, a sum inside a product, the base of a power. A written
`Bracket` is an atom, so it never gets a second pair.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, ClassVar

from symbackprop.notation.hand.nodes import Indicator, Marked, Nabla, Omitted, Primed, Said, Tuple
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
from symbackprop.notation.write_names import parts
from symbackprop.notation.write_rules import (
    bare,
    is_negative_start,
    is_one_sign,
    is_open,
    is_ratio,
    left_to_right,
    subscripts,
)
from symbackprop.notation.write_style import Style, decimal

RELATION, SUM, MINUS, LOOSE, TIGHT, RAISED, ATOM = range(7)
"""Levels, from loose to tight: `a = b`, `a + b`, `-a`, `a · b`, `a b`, `a^2`, `a`."""

_DIGITS = frozenset("0123456789")


class Writer:
    """The walk. Subclasses give each construct its string; `write` is the way in.

    Not frozen: it carries, during one call, which braces are padded.
    """

    flattens: ClassVar[bool] = True
    """Whether `a + (b + c)` made of nested sums prints as one sum (a picture) or must be read back."""

    _methods: ClassVar[Mapping[type[Node], Callable[[Any, Any], str]]] = {}

    def __init__(self, style: Style) -> None:
        self.style = style
        self.small = 0  # depth of labels, exponents and other places set small
        self.known: dict[int, str] = {}  # texts of indexed names by id: entries of an array share them

    def __init_subclass__(cls) -> None:
        known = {kind: getattr(cls, method, None) for kind, method in _METHODS.items()}
        cls._methods = {kind: method for kind, method in known.items() if method is not None}

    # --- the way in --------------------------------------------------------------

    def write(self, node: Node) -> str:
        """The node as it stands by itself, without brackets round it."""
        try:
            method = self._methods[type(node)]
        except KeyError:
            raise TypeError(f"no way to write a {type(node).__name__}") from None
        return method(self, node)

    def at(self, node: Node, level: int) -> str:
        """The node at a place that asks for `level`, in brackets if it binds less tightly."""
        text = self.write(node)
        return text if self.level(node) >= level else self.bracket(text)

    def smaller(self, node: Node) -> str:
        """The node in a place set small that groups by itself: exponent, index, label."""
        self.small += 1
        text = self.write(node)
        self.small -= 1
        return text

    # --- levels ------------------------------------------------------------------

    def level(self, node: Node) -> int:
        """How tightly the outermost sign of the node binds."""
        level = _LEVELS.get(type(node))
        if level is not None:
            return level
        match node:
            case Product(_, signs):
                return LOOSE if any(signs) else TIGHT
            case Quotient() | Derivative():
                return self.quotient_level(node)
            case Number(value, text):
                return self.number_level(value, text)
            case Coloured(body):
                return self.level(body)
        return ATOM

    def quotient_level(self, node: Quotient | Derivative) -> int:
        """A built-up fraction groups by itself; one on the line does not."""
        return LOOSE if self.small or (node.inline and not is_ratio(node)) else TIGHT

    def number_level(self, value: Fraction, text: str) -> int:
        if value.denominator == 1 and not text:
            return ATOM
        if "e" in text or "E" in text:
            return LOOSE
        if text and "/" not in text:
            return ATOM
        return ATOM if decimal(value) is not None else LOOSE if self.small else TIGHT

    # --- arithmetic --------------------------------------------------------------

    def _number(self, node: Number) -> str:
        text, value = node.text, node.value
        if not text and value.denominator == 1:
            return str(value.numerator)
        if text and _DIGITS.issuperset(text):
            return text
        if text:
            mantissa, _, exponent = text.lower().partition("e")
            if _DIGITS.issuperset(mantissa.replace(".", "", 1)) and mantissa[:1].isdigit():
                if not exponent:
                    return self.digits(mantissa)
                power = exponent.removeprefix("+").removeprefix("-")
                if power and _DIGITS.issuperset(power):
                    sign = "-" if exponent[0] == "-" else ""
                    return self.scientific(self.digits(mantissa), sign + power)
        written = decimal(value)
        if written is not None:
            return self.digits(written)
        above, below = Number(Fraction(value.numerator)), Number(Fraction(value.denominator))
        return self.fraction(above, below)

    def digits(self, written: str) -> str:
        """A decimal with its mark replaced."""
        return written

    @abstractmethod
    def scientific(self, mantissa: str, power: str) -> str: ...

    def _neg(self, node: Neg) -> str:
        body = node.body
        if type(body) in _PLAIN:
            return "-" + self.write(body)
        if is_negative_start(body) and type(body) is not Product:
            return "-" + self.bracket(self.write(body))
        if type(body) is Product:
            return "-" + self.product(body, leads=False)
        return "-" + self.at(body, LOOSE)

    def _add(self, node: Add) -> str:
        terms = self.terms(node) if self.flattens else node.terms
        first = terms[0]
        made = [self.at(first, MINUS)]
        for term in terms[1:]:
            if type(term) is Neg:
                made.append(" " + self.minus + " ")
                term = term.body
            else:
                made.append(" + ")
            made.append(self.later_term(term))
        return "".join(made)

    minus: ClassVar[str] = "-"

    def later_term(self, term: Node) -> str:
        """A term after a sign: nothing in it may begin with a minus."""
        if type(term) is Product:
            return self.product(term, leads=False)
        if is_negative_start(term):
            return self.bracket(self.write(term))
        return self.at(term, LOOSE)

    def terms(self, node: Add) -> list[Node]:
        """The terms of a sum and of the sums directly in it (adding is associative)."""
        found: list[Node] = []
        for term in node.terms:
            if type(term) is Add:
                found.extend(self.terms(term))
            else:
                found.append(term)
        return found

    def _product(self, node: Product) -> str:
        return self.product(node, leads=True)

    def product(self, node: Product, *, leads: bool) -> str:
        """A product; `leads` says that a juxtaposed first factor may keep its minus bare."""
        node = left_to_right(node)
        factors, signs = node.factors, node.signs
        last = len(factors) - 1
        text = ""
        for place, factor in enumerate(factors):
            left = signs[place - 1] if place else None
            right = signs[place] if place < last else None
            free = leads and left is None and right == ""
            piece = self.factor(factor, left, right, free=free)
            text = piece if left is None else text + self.between(factors[place - 1], left, factor) + piece
        return text

    def factor(self, node: Node, left: str | None, right: str | None, *, free: bool) -> str:
        """One factor between two signs (None: nothing on that side), bracketed where needed."""
        kind = type(node)
        if kind is Name or kind is Gradient or kind is Index:
            known = self.known.get(id(node))
            if known is None:
                known = self.write(node)
                if not self.small:
                    self.known[id(node)] = known
            return known
        if kind is Product:
            assert isinstance(node, Product)
            if self.needs_group(node, left, right) or (right is not None and is_open(node)):
                return self.bracket(self.write(node))
            return self.product(node, leads=free)
        if kind is Neg and free and not is_open(node):
            return self.write(node)
        if right is not None and is_open(node):
            return self.bracket(self.write(node))
        tight = left == "" or right == ""
        return self.at(node, TIGHT if tight else LOOSE)

    def needs_group(self, inner: Product, left: str | None, right: str | None) -> bool:
        """Whether a product among these signs must be bracketed to keep its meaning.

        `(a ⊙ b) c` must, `a ⊙ (B c)` need not, `(a b) c` and `(a ⊙ b) ⊙ c` are associative.
        """
        outside = {sign for sign in (left, right) if sign is not None}
        inside = set(inner.signs)
        if inside == {""}:
            return False
        if "" in outside or len(inside) > 1:
            return not (inside | outside) <= {"", "cdot"}
        return outside != inside

    def between(self, left: Node, sign: str, right: Node) -> str:
        """What is written between two factors."""
        if sign:
            return self.sign(sign)
        if self.starts_with_digit(right):
            return self.sign("cdot")
        return self.gap(left, right)

    def starts_with_digit(self, node: Node) -> bool:
        """Whether a factor begins with a digit: juxtaposed it would join what stands before it."""
        kind = type(node)
        if kind is Name or kind is Gradient or kind is Index:
            return False
        match node:
            case Number():
                return True
            case Power(base) | Coloured(base):
                return self.starts_with_digit(base)
            case Product(factors):
                return self.starts_with_digit(factors[0])
            case Quotient():
                return is_ratio(node)
        return False

    @abstractmethod
    def sign(self, sign: str) -> str: ...

    @abstractmethod
    def gap(self, left: Node, right: Node) -> str: ...

    def _quotient(self, node: Quotient) -> str:
        if self.small or (node.inline and not is_ratio(node)):
            return self.on_line(node.above, node.below)
        return self.fraction(bare(node.above), bare(node.below))

    def on_line(self, above: Node, below: Node) -> str:
        """`a/b`, with brackets where the slash needs them."""
        if type(above) is Product and self.level(above) == TIGHT and not is_open(above):
            top = self.write(above)
        else:
            top = self.at(above, RAISED)
        return top + self.slash + self.at(below, RAISED)

    slash: ClassVar[str] = "/"

    @abstractmethod
    def fraction(self, above: Node, below: Node) -> str: ...

    def _power(self, node: Power) -> str:
        base = self.base(node.base)
        return self.raised(base, node.exponent)

    def base(self, node: Node) -> str:
        """The base of a power: an atom, or in brackets."""
        if type(node) in _NO_BASE or self.is_raised(node):
            return self.bracket(self.write(node))
        return self.at(node, ATOM)

    def is_raised(self, node: Node) -> bool:
        """Whether a name carries a prime or an exponent already, so that a second one would clash."""
        while type(node) is Index or type(node) is Gradient:
            node = node.base if type(node) is Index else node.of  # type: ignore[union-attr]  # narrowed by `is`
        if type(node) is not Name:
            return type(node) is Marked or type(node) is Primed
        shown = self.style.names.get(node.name)
        if shown is not None:
            return "^" in shown or "'" in shown
        return parts(node.name).primes > 0 or self.style.marks_layer(node.name)

    @abstractmethod
    def raised(self, base: str, exponent: Node) -> str: ...

    def _transpose(self, node: Transpose) -> str:
        body = node.body
        bare_gradient = type(body) is Gradient and not self.is_raised(body)
        base = self.write(body) if bare_gradient else self.base(body)
        return self.transposed(base, wide=subscripts(body) > 1)

    @abstractmethod
    def transposed(self, base: str, *, wide: bool) -> str: ...

    def _bracket(self, node: Bracket) -> str:
        body = bare(node.body) if self.flattens else node.body
        return self.bracket(self.write(body))

    @abstractmethod
    def bracket(self, text: str) -> str: ...

    # --- indices -----------------------------------------------------------------

    def places(self, places: tuple[Node, ...]) -> str:
        """Indices side by side if each is one symbol (`ji`, `12`), else with commas (`:,i`, `i+1, j`)."""
        self.small += 1
        made = [self.write(bare(place)) for place in places]
        self.small -= 1
        if len(places) == 1:
            return made[0]
        side_by_side = all(is_one_sign(place) for place in places)
        if side_by_side:
            return self.index_joint.join(made)
        wide = any(type(place) in COMPOUND for place in places)
        return (self.index_wide if wide else self.index_comma).join(made)

    index_comma: ClassVar[str] = ","
    index_wide: ClassVar[str] = ","
    index_joint: ClassVar[str] = ""

    def word(self, key: str) -> str:
        """The text of a word in the language, or its key when the style has none."""
        return self.style.words.get(key, key)


_LEVELS: Mapping[type[Node], int] = {
    Chain: RELATION, Row: RELATION, Where: RELATION, Stack: RELATION, Cases: RELATION, Word: ATOM,
    Add: SUM, Neg: MINUS, Sum: TIGHT,
    Power: RAISED, Transpose: RAISED, Sizes: SUM, Slice: RELATION,
    Name: ATOM, Index: ATOM, Gradient: ATOM, Bracket: ATOM, Matrix: ATOM, Call: ATOM, Norm: ATOM,
    Entrywise: ATOM, Delta: ATOM, Constant: ATOM, Ones: ATOM, Dots: ATOM, Blank: ATOM, Space: ATOM,
    Brace: ATOM, Box: ATOM,
    Primed: ATOM, Marked: ATOM, Tuple: ATOM, Indicator: ATOM, Said: ATOM, Omitted: ATOM, Nabla: TIGHT,
}  # fmt: skip

_PLAIN = frozenset({Number, Name, Index, Gradient})
COMPOUND = frozenset({Add, Product, Neg})
"""What is wide in an index or a bound: `i + a - 1`."""

_NO_BASE = frozenset({Gradient, Brace, Entrywise})
"""Atoms that an exponent would be misread on: `dz^2`, a brace with a label under it."""

_METHODS: Mapping[type[Node], str] = {
    Number: "_number", Name: "_name", Constant: "_constant", Ones: "_ones", Dots: "_dots",
    Blank: "_blank", Word: "_word", Neg: "_neg", Add: "_add", Product: "_product",
    Quotient: "_quotient", Power: "_power", Transpose: "_transpose", Call: "_call", Norm: "_norm",
    Slice: "_slice", Index: "_index", Sum: "_sum", Delta: "_delta", Matrix: "_matrix",
    Cases: "_cases", Derivative: "_derivative", Gradient: "_gradient", Bracket: "_bracket",
    Brace: "_brace", Box: "_box", Coloured: "_coloured", Chain: "_chain", Space: "_space",
    Sizes: "_sizes", Row: "_row", Stack: "_stack", Where: "_where", Entrywise: "_entrywise",
    Primed: "_primed", Marked: "_marked", Tuple: "_tuple", Indicator: "_indicator", Nabla: "_nabla",
    Said: "_said", Omitted: "_omitted",
}  # fmt: skip
