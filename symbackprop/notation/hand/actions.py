"""What the rules of `grammar.lark` build from hand writing: products stay flat, and nothing is decided
that depends on what a name means."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from symbackprop import limits
from symbackprop.notation.actions import Actions
from symbackprop.notation.hand.nodes import Marked, Nabla, Primed, Tuple
from symbackprop.notation.node import Plain
from symbackprop.notation.parts import (
    Part,
    Reading,
    base_of,
    is_one,
    magnitude,
    negated,
    node_of,
    nodes_of,
    product_of,
    unbracketed,
)
from symbackprop.notation.tokens import Token
from symbackprop.notation.tree import (
    Bracket,
    Call,
    Chain,
    Derivative,
    Gradient,
    Index,
    Name,
    Neg,
    Node,
    Number,
    Ones,
    Power,
    Product,
    Quotient,
    Span,
    Sum,
    Transpose,
    Where,
    names_in,
)

_SIGNS = {"*": "*", "×": "*", "⊙": "odot", "⊗": "otimes", "·": "cdot", "@": "", "/": "/"}


@dataclass(frozen=True, slots=True)
class Made(Token):
    """A token whose node, or what stands for one, is made already."""

    value: Any = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Over(Plain):
    """`Σ_i`, `d/dz` or `∇_W`: what stands before a factor and takes it in."""

    kind: str  # "sum", "derivative", "nabla"
    index: str = ""
    low: Node | None = None
    high: Node | None = None
    by: Node | None = None
    straight: bool = False
    guards: tuple[Node, ...] = ()  # conditions under which a term of a sum counts


@dataclass(slots=True)
class Open:
    """A factor with what was written before it; how far that reaches, the whole product says."""

    heads: list[Part]
    first: Part


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Script(Plain):
    """One thing written above or below: an index, a power, a mark, a transpose, primes."""

    kind: str  # "index", "power", "mark", "transpose", "prime", "square"
    nodes: tuple[Node, ...] = ()
    bracket: str = ""
    count: int = 0


class HandActions(Actions):
    """`partials` are the places where a gradient was written with ∂."""

    def __init__(self, reading: Reading, partials: frozenset[int], calls: frozenset[str]) -> None:
        super().__init__(reading)
        self.partials = partials
        self.calls = calls  # names of functions, which take in the factor that follows

    # --- statements, with words over their relations

    def chain_more(self, chain: Part, relation: Part, member: Part) -> Any:
        members, relations = chain.value
        members.append(member)
        token = relation.value
        relations.append((token.text, token.value if isinstance(token, Made) else None))
        return chain.value

    def formula(self, chain: Part) -> Node:
        members, relations = chain.value
        if not relations:
            return node_of(members[0])
        signs = tuple(sign for sign, _ in relations)
        return Chain(nodes_of(members), signs, tuple(over for _, over in relations), span=chain.span)

    # --- atoms that are made already, and what stands behind them

    def made(self, part: Part) -> Any:
        return part.value.value

    def number(self, number: Part) -> Node:
        node = super().number(number)
        assert isinstance(node, Number)
        return replace(node, text="0" + node.text) if node.text[0] == "." else node

    def script(self, base: Part, sign: Part) -> Node:
        said: Script = sign.value.value
        node = node_of(base)
        span = Span(base.start, sign.end)
        if isinstance(node, Gradient) and said.kind in ("index", "mark"):
            return Gradient(self._scripted(node.of, said, span, sign), span=span)
        return self._scripted(node, said, span, sign)

    def _scripted(self, node: Node, said: Script, span: Span, sign: Part) -> Node:
        match said.kind:
            case "index" if isinstance(node, Ones) and node.size is None and len(said.nodes) == 1:
                return Ones(said.nodes[0], span=span)
            case "index":
                return Index(node, said.nodes, span=span)
            case "mark":
                return self._marked(node, said, span, sign)
            case "transpose":
                ones = Ones(span=node.span) if is_one(node) else node
                return Transpose(ones, span=span)
            case "square":
                return Call("square", (node,), span=span)  # with its brackets: they may be a call's
            case "prime":
                return Primed(node, said.count, span=span)
        exponent = said.nodes[0]
        if isinstance(node, Power):
            self.refuse("a power of a power needs brackets", span, "write (x^2)^3")
        size = magnitude(exponent)
        if size is not None and size > limits.EXPONENT:
            self.refuse(f"this exponent is over the limit of {limits.EXPONENT}", sign.span)
        return Power(node, unbracketed(exponent), span=span)

    def _marked(self, node: Node, said: Script, span: Span, sign: Part) -> Node:
        if isinstance(node, Name) or (isinstance(node, Marked) and node.kind != said.bracket):
            kind: Any = said.bracket
            return Marked(node, kind, said.nodes[0], span=span)
        if isinstance(node, Index) and isinstance(node.base, Name):
            return Index(self._marked(node.base, said, span, sign), node.places, span=span)
        hint = "a mark such as ^{(1)} belongs to a name; a power is written ^2"
        return self.refuse("it is not clear what this mark belongs to", sign.span, hint)

    # --- products

    def product(self, product: Part) -> Any:
        parts, signs = product.value
        return self._product(list(parts), list(signs))

    def factors(self, group: Part) -> Any:
        return group.value

    def product_first(self, factors: Part) -> Any:
        return factors.value

    def product_more(self, product: Part, sign: Part, factors: Part) -> Any:
        product.value[0].extend(factors.value[0])
        product.value[1].append(_SIGNS[sign.value.text])
        product.value[1].extend(factors.value[1])
        return product.value

    def product_minus(self, product: Part, sign: Part, minus: Part, factors: Part) -> Any:
        factors.value[0][0] = self._negated(minus, factors.value[0][0])
        return self.product_more(product, sign, factors)

    def group_sign(self, group: Part, sign: Part, factor: Part) -> Any:
        group.value[0].append(factor)
        group.value[1].append(_SIGNS[sign.value.text])
        return group.value

    def group_sign_minus(self, group: Part, sign: Part, minus: Part, factor: Part) -> Any:
        return self.group_sign(group, sign, self._negated(minus, factor))

    def prefixed(self, head: Part, term: Part) -> Any:
        if isinstance(term.value, Open):
            opened: Open = term.value
            opened.heads.append(head)
            if len(opened.heads) > limits.DEPTH:
                self.refuse(f"sums are nested more than {limits.DEPTH} deep", head.span)
            return opened
        return Open([head], term)

    def prefixed_minus(self, head: Part, minus: Part, term: Part) -> Any:
        return self.prefixed(head, self._negated(minus, term))

    def _negated(self, minus: Part, part: Part) -> Part:
        if isinstance(part.value, Open):
            hint = "put what follows the minus in brackets"
            self.refuse("a minus before a sum inside a product is not clear", minus.span, hint)
        return negated(minus, part)

    def _product(self, parts: list[Part], signs: list[str]) -> Node:
        """The factors as one node; sums and operators are closed from the right."""
        for place in range(len(parts) - 1, -1, -1):
            opened = parts[place].value
            if not isinstance(opened, Open):
                continue
            tail, between = [opened.first, *parts[place + 1 :]], signs[place:]
            for head in opened.heads:  # the innermost first
                tail, between = self._closed(head, tail, between)
            parts[place:], signs[place:] = tail, between
        return node_of(self._flat(parts, signs))

    def _closed(self, head: Part, tail: list[Part], signs: list[str]) -> tuple[list[Part], list[str]]:
        over: Over = head.value.value
        if over.kind == "sum":
            body = self._flat(tail, signs)
            assert over.low is not None
            span = Span(head.start, body.end)
            term = Where(node_of(body), over.guards, span=span) if over.guards else node_of(body)
            node: Node = Sum(over.index, over.low, over.high, term, span=span)
            return [Part(node, head.start, body.end)], []
        count = self._reach(over, head, tail, signs)
        body = self._flat(tail[:count], signs[: count - 1])
        of = unbracketed(node_of(body))
        span = Span(head.start, body.end)
        if over.kind == "nabla":
            node = Nabla(of, over.by, span=span)
        else:
            assert over.by is not None
            node = Derivative(of, over.by, straight=over.straight, span=span)
        return [Part(node, head.start, body.end), *tail[count:]], signs[count - 1 :]

    def _reach(self, over: Over, head: Part, tail: list[Part], signs: list[str]) -> int:
        """How many of the factors behind ∇ or d/dz it acts on: `f(z)`, `[…]`, one factor, `½ ‖r‖²`."""
        first = tail[0].value
        constant = isinstance(first, Number) or (
            isinstance(first, Quotient) and isinstance(first.below, Number)
        )
        if constant and (over.kind == "nabla" or not list(names_in(first))):  # ½, λ/2: nobody derives these
            loose = (at for at, sign in enumerate(signs, start=1) if sign not in ("", "cdot", "/"))
            return next(loose, len(tail))
        core = base_of(first.body if isinstance(first, Primed) else first)
        core = core.body if isinstance(core, Marked | Primed) else core
        named = isinstance(core, Name | Gradient)
        called = isinstance(core, Name) and core.name in self.calls
        if len(tail) > 1 and signs[0] == "" and named and (called or self._is_argument(tail[1].value)):
            self._check_end(over, head, tail, signs, 2)
            return 2
        bracket = isinstance(first, Bracket) or (named and over.kind == "nabla")
        if not bracket:
            self._check_end(over, head, tail, signs, 1)
        return 1

    def _is_argument(self, behind: Node) -> bool:
        """Whether a bracket behind a name holds its arguments: `L(ŷ, y)`, `L(σ(z))`, and not `L (1 − ŷ)`."""
        if not isinstance(behind, Bracket):
            return isinstance(behind, Tuple)
        match behind.body:
            case Name() | Index() | Marked() | Primed() | Power(Name() | Marked(), _):
                return True
            case Product((Name(name), Bracket() | Tuple()), ("",)):
                return name in self.calls
        return False

    def _check_end(self, over: Over, head: Part, tail: list[Part], signs: list[str], count: int) -> None:
        if len(tail) > count and signs[count - 1] in ("", "cdot", "/", "*") and over.kind != "nabla":
            hint = "put what is differentiated in brackets: d/dz [ … ]"
            span = Span(head.start, tail[count].end)
            self.refuse("it is not clear what is differentiated", span, hint)

    def _flat(self, parts: Sequence[Part], signs: Sequence[str]) -> Part:
        return Flat(self, parts, signs).part()


class Flat:
    """Factors side by side; a slash puts those before it, back to a sign, over the one behind it."""

    def __init__(self, actions: HandActions, parts: Sequence[Part], signs: Sequence[str]) -> None:
        self.actions = actions
        self.text = actions.reading.text
        self.parts = parts
        self.signs = signs
        self.factors = [parts[0]]
        self.between: list[str] = []
        self.below: Part | None = None

    def part(self) -> Part:
        """All of it as one part."""
        waiting = list(zip(self.signs, self.parts[1:], strict=True))
        while waiting:
            sign, part = waiting.pop(0)
            if sign == "/":
                if waiting and waiting[0][0] == "" and self._is_call(part, waiting[0][1]):
                    argument = waiting.pop(0)[1]
                    part = Part(product_of((part, argument), ("",)), part.start, argument.end)
                self._divide(part)
                continue
            if sign == "":
                self._check_neighbours(part)
            self.factors.append(part)
            self.between.append(sign)
            self.below = None
        node = product_of(self.factors, self.between)
        return Part(node, self.factors[0].start, self.factors[-1].end)

    def _is_call(self, word: Part, behind: Part) -> bool:
        """`sqrt(2)` below a slash: a word for a function keeps its bracket."""
        name = word.value.name if isinstance(word.value, Name) else ""
        known = name in self.actions.functions.values() and name not in (self.actions.names or ())
        return known and isinstance(behind.value, Bracket | Tuple) and word.end == behind.start

    def _divide(self, below: Part) -> None:
        if self._differentiate(below):
            return
        last = self.factors[-1]
        if isinstance(last.value, Power) and is_one(last.value.exponent) and last.end + 1 == below.start:
            span = Span(last.start, below.end)
            self.actions.refuse("it is not clear what the exponent is", span, "write x^{1/2} or sqrt(x)")
        cut = len(self.between)
        while cut and self.between[cut - 1] == "":
            cut -= 1
        if isinstance(last.value, Number) and isinstance(below.value, Number):
            cut = len(self.factors) - 1  # 1/2 is a number by itself
        taken = self.factors[cut:]
        above = product_of(taken, self.between[cut:])
        span = Span(taken[0].start, below.end)
        node = Quotient(unbracketed(above), unbracketed(node_of(below)), True, span=span)
        self.factors[cut:] = [Part(node, span.start, span.end)]
        del self.between[cut:]
        self.below = below

    def _differentiate(self, below: Part) -> bool:
        """`dL/dW` is a derivative; say whether it was one."""
        above = self.factors[-1]
        inner = base_of(node_of(below))
        inner = inner.body if isinstance(inner, Primed) else inner
        if not isinstance(above.value, Gradient) or not isinstance(inner, Gradient):
            return False
        span = Span(above.start, below.end)
        if inner is not below.value:
            hint = "write (dL/dW)^T"
            self.actions.refuse("it is not clear what is raised or transposed", span, hint)
        partial = {above.start in self.actions.partials, below.start in self.actions.partials}
        if len(partial) > 1:
            self.actions.refuse("d and ∂ stand in one fraction", span, "write dL/dW or ∂L/∂W")
        node = Derivative(
            unbracketed(above.value.of), inner.of, straight=partial == {False}, inline=True, span=span
        )
        self.factors[-1] = Part(node, span.start, span.end)
        self.below = None
        return True

    def _check_neighbours(self, part: Part) -> None:
        before = self.factors[-1] if self.below is None else self.below
        if isinstance(base_of(part.value), Number) and isinstance(before.value, Number):
            span = Span(before.start, part.end)
            hint = "write a sign between them: 2 · 3, or a comma in a list"
            self.actions.refuse("two numbers stand side by side", span, hint)
        if before.value == Name("x") and isinstance(part.value, Number) and len(self.factors) > 1:
            hint = "write · or \\times for a product, or x · 2"
            self.actions.refuse("this x may be a sign of multiplication", before.span, hint)
        below = self.below
        if below is None or below.end != part.start or isinstance(below.value, Bracket | Neg):
            return
        after = self.text[part.start : part.start + 2]
        if after[:1].isalpha() or (after[:1] == "\\" and after[1:].isalpha()):
            span = Span(self.factors[-1].start, part.end)
            hint = "write \\frac{1}{2} x or 1/(2 x)"
            self.actions.refuse("it is not clear what belongs to the denominator", span, hint)
