"""What LaTeX and Typst share beyond the walk: layout that plain text does not have.

Spacing between factors, entries named by small letters, padded braces, boxes, alignment.
"""

from abc import abstractmethod
from fractions import Fraction
from typing import ClassVar

from symbackprop.notation.tree import (
    Brace,
    Call,
    Chain,
    Coloured,
    Constant,
    Delta,
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
    Relation,
    Row,
    Transpose,
    Where,
    Word,
)
from symbackprop.notation.write_base import ATOM, LOOSE, RAISED, RELATION, TIGHT
from symbackprop.notation.write_braces import Pads, pads
from symbackprop.notation.write_hand import is_applied
from symbackprop.notation.write_names import OPERATORS, is_symbol, parts
from symbackprop.notation.write_operations import ALONG, compared, is_core, rewritten, symbol_of
from symbackprop.notation.write_rules import GROUP, bare
from symbackprop.notation.write_style import Style, decimal
from symbackprop.notation.write_sums import SumWriter

_LOWERED = frozenset({Index, Delta, Ones, Norm, Gradient, Brace, Coloured, Entrywise})
"""What may have a subscript already, or would not carry one well."""

_BLOCKS = frozenset({"stack", "hstack"})

_CLOSE = frozenset(
    (left, right)
    for left, rights in {
        "symbol": ("symbol", "transpose", "power"),
        "transpose": ("symbol", "transpose", "gradient", "power", "matrix"),
        "power": ("symbol", "power"),
        "number": ("symbol", "transpose", "power", "gradient", "indexed", "matrix", "bracket"),
        "matrix": ("symbol", "transpose", "gradient", "bracket"),
    }.items()
    for right in rights
)
"""Pairs of neighbours that stand close together on the board."""


def _ends_in_number(node: Node) -> bool:
    return isinstance(node.factors[-1] if isinstance(node, Product) else node, Number)


def _starts_with_gradient(node: Node) -> bool:
    """Whether a factor begins with a d that belongs to it alone: `x dzᵀ`, lest it be read as xd · zᵀ."""
    first = node.factors[0] if isinstance(node, Product) else node
    return isinstance(first, Transpose) and isinstance(first.body, Gradient)


def _starts_with_one(node: Node) -> bool:
    """Whether a factor begins with a bold 1: a vector of ones, an indicator."""
    first = node.factors[0] if isinstance(node, Product) else node
    return isinstance(first, Ones) or (isinstance(first, Call) and first.primes > 0 and is_core(first))


class PictureWriter(SumWriter):
    """The layout that both pictured formats share."""

    space: ClassVar[str]

    def __init__(self, style: Style) -> None:
        super().__init__(style)
        self.fractions = 0  # how many fractions we are inside
        self.pads: Pads = {}

    def page(self, node: Node, *, align: bool) -> str:
        """A whole formula, its braces at one depth, an `&` at its first relation if asked for."""
        self.pads = pads(node)
        if not align:
            return self.statement(node)
        return self.aligned(node)

    def aligned(self, node: Node) -> str:
        """The formula with an `&` before the first relation of its outermost chain."""
        match node:
            case Chain():
                return self.chain(node, align=True)
            case Row(items, sign):
                rest = [self.write(item) for item in items[1:]]
                return self.joined(items, sign).join([self.aligned(items[0]), *rest])
        return "& " + self.statement(node)

    def level(self, node: Node) -> int:
        if type(node) is Where:
            return TIGHT
        if type(node) is Call and node.function == "square" and node.function not in self.style.functions:
            return ATOM if node.primes else RAISED
        if type(node) is Call and rewritten(node) is not None and node.function not in self.style.functions:
            return LOOSE
        return super().level(node)

    # --- spacing -----------------------------------------------------------------

    def gap(self, left: Node, right: Node) -> str:
        """The space between two juxtaposed factors, as on the board: `Wx`, `dz  x^T`, `dz_p x_q`."""
        if self.style.by_hand and is_applied(left, right):
            return self.space
        if _ends_in_number(left) and _starts_with_one(right):
            return self.sign("cdot")  # `2 · 1_n`: without the dot it is read as 21
        before, after = self.shape(left, last=True), self.shape(right, last=False)
        if after == "transpose" and before in ("gradient", "indexed", "wide"):
            return self.thick
        if (before, after) in _CLOSE and not (before == "symbol" and _starts_with_gradient(right)):
            return self.space
        return self.thin

    def shape(self, node: Node, *, last: bool) -> str:
        """What a factor looks like at one of its ends, as far as spacing goes."""
        kind = type(node)
        if kind is Index:
            return "indexed"
        if kind is Product:
            if not GROUP.issuperset(node.signs):  # type: ignore[attr-defined]  # narrowed by `is`
                return "bracket"
            factors = node.factors  # type: ignore[attr-defined]  # narrowed by `is`
            return self.shape(factors[-1 if last else 0], last=last)
        if kind is Coloured:
            return self.shape(node.body, last=last)  # type: ignore[attr-defined]  # narrowed by `is`
        if kind is Neg and not last:
            return "other"
        match node:
            case Neg(body):
                return self.shape(body, last=last)
            case Name(name):
                return "symbol" if is_symbol(parts(name).letters) else "wide"
            case Gradient():
                return "indexed" if isinstance(node.of, Index) else "gradient"
            case Transpose(body):
                plain = "transpose" if isinstance(body, Name | Gradient) else "other"
                return "indexed" if isinstance(body, Index) else plain
            case Number(value, text):
                if self.level(node) < TIGHT:
                    return "bracket"
                return "number" if text or decimal(value) is not None else "small fraction"
            case Quotient(above, below):
                return "small fraction" if type(above) is type(below) is Number else "other"
            case Matrix():
                return "matrix"
            case Call() if self.has_subscript(node):
                return "indexed"
            case Ones() | Constant() | Delta():
                return "indexed" if isinstance(node, Delta) else "symbol"
            case Power(base):
                return self.shape(base, last=False) if not last else "power"
        if self.level(node) < TIGHT or type(node).__name__ == "Bracket":
            return "bracket"
        return "other"

    # --- names -------------------------------------------------------------------

    @abstractmethod
    def symbol(self, name: str, *, small_letter: bool = False) -> tuple[str, str]:
        """How a name prints: the symbol, and its subscripts."""

    @abstractmethod
    def lowered(self, head: str, below: str) -> str: ...

    def _name(self, node: Name) -> str:
        return self.lowered(*(self.function_name(node.name) or self.symbol(node.name)))

    def function_name(self, name: str) -> tuple[str, str] | None:
        """A function that a person names without calling it: the σ of `σ(z)`, which may be a product too."""
        if not self.style.by_hand or name in self.style.names:
            return None
        if name in self.style.functions:
            return self.style.functions[name], ""
        return (self.operator(name), "") if name in OPERATORS else None

    def index_name(self, name: str) -> str:
        """The name of a bound index."""
        return self.lowered(*self.symbol(name))

    d: ClassVar[str] = "d"

    def differential(self, text: str) -> str:
        return self.d + text

    def said(self, text: str) -> str:
        return self.text(text)

    def _gradient(self, node: Gradient) -> str:
        of = node.of
        if type(of) is Name or type(of) is Index:
            return self.d + self.write(of)
        return self.d + self.at(of, ATOM)

    def _index(self, node: Index) -> str:
        base, below = node.base, self.places(node.places)
        prefix = ""
        if type(base) is Gradient:
            prefix, base = self.d, base.of
        if type(base) is Name:
            keeps = self.style.by_hand or base.name in self.style.capitals
            small = len(node.places) == 2 and not keeps
            head, own = self.symbol(base.name, small_letter=small)
            if "_" in head and base.name in self.style.names:  # two subscripts do not go on one symbol
                head = self.bracket(head)
            return prefix + self.lowered(head, f"{own},{below}" if own else below)
        if type(base) in _LOWERED or self.has_subscript(base):
            return prefix + self.lowered(self.bracket(self.write(base)), below)
        return prefix + self.lowered(self.at(base, ATOM), below)

    # --- words and functions -----------------------------------------------------

    @abstractmethod
    def text(self, text: str) -> str: ...

    def _word(self, node: Word) -> str:
        return self.text(self.word(node.key))

    def condition(self, when: Node) -> str:
        """`if z >= 0`, or a word by itself."""
        return self.write(when) if isinstance(when, Word) else self.conditional(self.write(when))

    @abstractmethod
    def conditional(self, text: str) -> str: ...

    def _call(self, node: Call) -> str:
        name, args = node.function, node.args
        simple = self.simple(node)
        if simple is not None:
            return simple
        if len(args) == 1 and not node.options and not node.primes and name not in self.style.functions:
            if name == "sqrt":
                return self.root(self.write(bare(args[0])))
            if name == "abs":
                return self.absolute(self.write(bare(args[0])))
            if name == "square":
                return self.entry_squared(self.base(args[0]))
        operator = self.style.functions.get(name)
        if operator is None:
            operator = self.lowered(*self.symbol(name)) if name == self.style.loss else self.operator(name)
        along = self.along(node)
        if along:
            operator = self.lowered(operator, self.text(along))
        if len(args) == 1 and (along or not node.options) and isinstance(bare(args[0]), Matrix):
            return operator + "'" * node.primes + " " + self.write(bare(args[0]))  # it has brackets already
        if along:
            return self.applied(operator, [self.write(bare(args[0]))], [])
        written = [self.at(bare(arg), RELATION + 1) for arg in args]
        options = [self.option(key, self.write(value)) for key, value in node.options]
        return self.applied(operator + "'" * node.primes, written, options)

    def along(self, node: Call) -> str:
        """`col` or `row` for an operation on each column or row (`axis = 0`, `axis = 1`), else nothing."""
        axis = dict(node.options).get("axis")
        if node.function not in ALONG or len(node.args) != 1 or not isinstance(axis, Number):
            return ""
        return self.word("columns" if axis.value == 0 else "rows")

    @abstractmethod
    def entry_squared(self, base: str) -> str:
        """The square of every entry."""

    def simple(self, node: Call) -> str | None:
        """An operation as it stands on the board (`a^T b`, `I_n`, `1_{z>w}`), or None: by its name."""
        if is_core(node):
            if node.primes:
                return self.indicator(self.conditions((compared(node.args[0]),)))
            return self.write(Call("max", (Number(Fraction(0)), node.args[0])))
        if node.primes or node.options or node.function in self.style.functions:
            return None
        if node.function in _BLOCKS:
            pieces = [self.write(bare(arg)) for arg in node.args]
            return self.blocks(pieces, above=node.function == "stack")
        found = symbol_of(node)
        if found is not None:
            letter, below = found
            text = self.smaller(below) if isinstance(below, Node) else self.sizes(below, self.times)
            return self.lowered(self.bold(letter) if letter != "I" else letter, text)
        other = rewritten(node)
        return None if other is None else self.write(other)

    def has_subscript(self, node: Node) -> bool:
        """Whether a call prints as a sign with something below it."""
        if type(node) is not Call:
            return False
        return symbol_of(node) is not None or (is_core(node) and node.primes > 0)

    times: ClassVar[str]

    @abstractmethod
    def blocks(self, pieces: list[str], *, above: bool) -> str:
        """Arrays put together: one above the other, or side by side."""

    @abstractmethod
    def operator(self, function: str) -> str: ...

    @abstractmethod
    def root(self, text: str) -> str: ...

    @abstractmethod
    def absolute(self, text: str) -> str: ...

    @abstractmethod
    def applied(self, operator: str, arguments: list[str], options: list[str]) -> str: ...

    @abstractmethod
    def option(self, name: str, value: str) -> str: ...

    # --- sums, derivatives -------------------------------------------------------

    def summand(self, body: Node) -> str:
        """What stands after Σ: a sum of terms needs brackets there."""
        if type(body) is Product:
            return self.product(body, leads=False)
        return self.at(body, LOOSE)

    def shown(self, node: Node) -> str:
        """What stands after ∂: an atom, or brackets."""
        return self.at(node, ATOM)

    # --- as written --------------------------------------------------------------

    @abstractmethod
    def phantom(self, text: str) -> str: ...

    @abstractmethod
    def braced(self, body: str, label: str, *, above: bool) -> str: ...

    def _brace(self, node: Brace) -> str:
        body_pad, label_pad = self.pads.get(id(node), (None, None))
        outer, self.pads = self.pads, pads(node.body)
        body = self.write(node.body)
        label = self.smaller(node.label)
        if body_pad is not None:
            body = self.phantom(self.write(body_pad)) + " " + body
        if label_pad is not None:
            self.small += 1
            label += self.phantom(self.write(label_pad))
            self.small -= 1
        self.pads = outer
        return self.braced(body, label, above=node.above)

    def is_statement(self, node: Node) -> bool:
        """Whether a box round it needs air: a formula, not one value."""
        return isinstance(node, Chain | Row)

    # --- statements --------------------------------------------------------------

    def _chain(self, node: Chain) -> str:
        return self.chain(node, align=False)

    def chain(self, node: Chain, *, align: bool) -> str:
        """`a = b = c`, with words over relations."""
        made = [self.member(node.members[0])]
        over = node.over or (None,) * len(node.relations)
        last = len(node.relations)
        for member, relation, word in zip(node.members[1:], node.relations, over, strict=True):
            mark = "& " if align and len(made) == 1 else ""
            text = self.member(member, last=len(made) == last)
            made.append(f" {mark}{self.relation(relation, word)} {text}")
        return "".join(made)

    def member(self, node: Node, *, last: bool = False) -> str:
        if type(node) is Chain:
            return self.bracket(self.write(node))
        return self.statement(node) if last else self.write(node)

    @abstractmethod
    def relation(self, relation: Relation, over: str | None) -> str: ...

    def over_word(self, over: str) -> str:
        """What stands over a relation: a word of the language, or a person's own."""
        return over if self.style.by_hand else self.word(over)

    def sizes(self, sizes: tuple[Node, ...], times: str) -> str:
        if len(sizes) == 1:
            return self.smaller(bare(sizes[0]))
        self.small += 1
        made = [self.at(size, TIGHT) for size in sizes]
        self.small -= 1
        return times.join(made)

    def _row(self, node: Row) -> str:
        return self.joined(node.items, node.sign).join([self.write(item) for item in node.items])

    def joined(self, items: tuple[Node, ...], sign: str) -> str:
        """What stands between formulas; whole statements are set wider apart than values."""
        if sign == "," and any(isinstance(item, Chain) for item in items):
            sign = "statements"
        return self.joint(sign)

    @abstractmethod
    def joint(self, sign: str) -> str:
        """`,`, `statements` (a comma and air), `quad`, `implies` or `and`."""
