"""What each rule of `grammar.lark` builds: one method an alias, from the parts to a node.

A part carries its value and where it stands. Values are nodes, tokens, and lists that are
still growing. Names are looked up here; a name that nobody declared is only remembered, for
it may yet turn out to be the index of a sum.
"""

from fractions import Fraction
from typing import Any, NoReturn

from symbackprop import limits
from symbackprop.notation.bounds import (
    BINDERS,
    Range,
    bound,
    check_places,
    checked_condition,
    guarded,
)
from symbackprop.notation.parts import (
    Part,
    Reading,
    function_of,
    is_one,
    magnitude,
    negated,
    node_of,
    nodes_of,
    product_of,
    unbracketed,
)
from symbackprop.notation.products import Group
from symbackprop.notation.spelling import joined
from symbackprop.notation.tokens import Token
from symbackprop.notation.tree import (
    Add,
    Bracket,
    Call,
    Chain,
    Constant,
    Delta,
    Derivative,
    Dots,
    Gradient,
    Index,
    Matrix,
    Name,
    Node,
    Norm,
    Number,
    Ones,
    Power,
    Sizes,
    Slice,
    Space,
    Span,
    Transpose,
    Where,
)

_RELATIONS = {"<=": "≤", ">=": "≥", "!=": "≠", "->": "→", "=>": "⇒"}
_SIGNS = {"STAR": "*", "ODOT": "odot", "CDOT": "cdot", "SLASH": "/"}


class Actions:
    """The methods are named by the grammar; each takes the parts of one rule."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.functions = reading.vocabulary.functions
        self.names = reading.vocabulary.names
        self.unknown = reading.unknown
        self.refuse = reading.refuse

    # --- lists and things that pass through

    def first(self, part: Part) -> Any:
        return [part]

    def more(self, parts: Part, _sign: Part, part: Part) -> Any:
        parts.value.append(part)
        return parts.value

    def inside(self, _open: Part, body: Part, _close: Part) -> Any:
        return body.value

    # --- statements

    def formula(self, chain: Part) -> Node:
        members: list[Part]
        members, relations = chain.value
        if not relations:
            return node_of(members[0])
        return Chain(nodes_of(members), tuple(relations), (None,) * len(relations), span=chain.span)

    def formula_where(self, chain: Part, _where: Part, conditions: Part) -> Node:
        """The conditions belong to the last member: `y[i] = x[i-1] where 2 <= i`."""
        members, relations = chain.value
        last = Part(guarded(members[-1], conditions), members[-1].start, conditions.end)
        return self.formula(Part(([*members[:-1], last], relations), chain.start, conditions.end))

    def guarded(self, body: Part, _where: Part, conditions: Part) -> Node:
        return guarded(body, conditions)

    def condition(self, chain: Part) -> Node:
        return checked_condition(self.formula(chain), chain.span, self.reading)

    def chain_first(self, member: Part) -> Any:
        return [member], []

    def chain_more(self, chain: Part, relation: Part, member: Part) -> Any:
        members, relations = chain.value
        members.append(member)
        relations.append(_RELATIONS.get(relation.value.text, relation.value.text))
        return chain.value

    def member(self, sizes: Part) -> Node:
        parts: list[Part] = sizes.value
        if len(parts) == 1:
            return node_of(parts[0])
        return Sizes(nodes_of(parts), span=sizes.span)

    def space(self, reals: Part) -> Node:
        return Space((), span=reals.span)

    def space_vector(self, reals: Part, _caret: Part, size: Part) -> Node:
        return Space((unbracketed(node_of(size)),), span=Span(reals.start, size.end))

    def space_sizes(self, reals: Part, _caret: Part, _open: Part, sizes: Part, close: Part) -> Node:
        return Space(nodes_of(sizes.value), span=Span(reals.start, close.end))

    # --- sums and products

    def expression(self, terms: Part) -> Node:
        parts: list[Part] = terms.value
        if len(parts) == 1:
            return node_of(parts[0])
        return Add(nodes_of(parts), span=terms.span)

    def sum_plus(self, terms: Part, _sign: Part, term: Part) -> Any:
        terms.value.append(term)
        return terms.value

    def sum_minus(self, terms: Part, sign: Part, term: Part) -> Any:
        terms.value.append(negated(sign, term))
        return terms.value

    def negative(self, sign: Part, body: Part) -> Node:
        return node_of(negated(sign, body))

    def positive(self, _sign: Part, body: Part) -> Node:
        return node_of(body)

    def product(self, product: Part) -> Node:
        factors, signs = product.value
        return product_of(factors, signs)

    def product_first(self, factors: Part) -> Any:
        return [factors], []

    def product_more(self, product: Part, sign: Part, factors: Part) -> Any:
        product.value[0].append(factors)
        product.value[1].append(_SIGNS[sign.value.kind])
        return product.value

    def product_minus(self, product: Part, sign: Part, minus: Part, factors: Part) -> Any:
        return self.product_more(product, sign, negated(minus, factors))

    def factors(self, group: Part) -> Node:
        return Group(self.reading, *group.value).node()

    def group_first(self, factor: Part) -> Any:
        return [factor], []

    def group_next(self, group: Part, factor: Part) -> Any:
        group.value[0].append(factor)
        group.value[1].append("")
        return group.value

    def group_sign(self, group: Part, sign: Part, factor: Part) -> Any:
        group.value[0].append(factor)
        group.value[1].append(_SIGNS[sign.value.kind])
        return group.value

    def group_sign_minus(self, group: Part, sign: Part, minus: Part, factor: Part) -> Any:
        return self.group_sign(group, sign, negated(minus, factor))

    # --- behind an operand

    def power(self, base: Part, caret: Part, exponent: Part) -> Node:
        if isinstance(base.value, Power):
            hint = "write (x^2)^3 or x^(2^3)"
            self.refuse("a power of a power needs brackets", Span(base.start, exponent.end), hint)
        size = magnitude(node_of(exponent))
        if size is not None and size > limits.EXPONENT:
            self.refuse(f"this exponent is over the limit of {limits.EXPONENT}", exponent.span)
        return Power(node_of(base), unbracketed(node_of(exponent)), span=Span(base.start, exponent.end))

    def transpose(self, body: Part, sign: Part) -> Node:
        inner = node_of(body)
        if is_one(inner):
            inner = Ones(span=body.span)
        return Transpose(inner, span=Span(body.start, sign.end))

    def index(self, base: Part, _open: Part, places: Part, close: Part) -> Node:
        span = Span(base.start, close.end)
        where = nodes_of(places.value)
        body = node_of(base)
        check_places(where, self.reading)
        undeclared = self.names is None or base.span in self.unknown
        if undeclared and body == Name("delta") and len(where) == 2:
            self.unknown.pop(base.span, None)
            return Delta(*where, span=span)
        if isinstance(body, Gradient):
            return Gradient(Index(body.of, where, span=span), span=span)
        return Index(body, where, span=span)

    def slice_all(self, colon: Part) -> Node:
        return Slice(span=colon.span)

    def slice_both(self, low: Part, _colon: Part, high: Part) -> Node:
        return Slice(node_of(low), node_of(high), span=Span(low.start, high.end))

    def slice_from(self, low: Part, colon: Part) -> Node:
        return Slice(node_of(low), None, span=Span(low.start, colon.end))

    def slice_to(self, colon: Part, high: Part) -> Node:
        return Slice(None, node_of(high), span=Span(colon.start, high.end))

    # --- operands

    def number(self, number: Part) -> Node:
        """Exact: `0.1` is 1/10. The limits on digits and exponent were checked by the tokenizer."""
        text: str = number.value.text
        mantissa, _, exponent = text.lower().partition("e")
        whole, _, decimals = mantissa.partition(".")
        power = int(exponent or "0") - len(decimals)
        digits = int(whole + decimals)
        value = Fraction(digits * 10**power) if power >= 0 else Fraction(digits, 10**-power)
        return Number(value, text, span=number.span)

    def name(self, name: Part) -> Node:
        token: Token = name.value
        key = joined(token.text)
        names = self.names
        if (names is not None and key in names) or key in self.reading.vocabulary.indices:
            return Name(key, span=name.span)
        if key == "pi":
            return Constant("pi", span=name.span)
        if names is not None and key[0] == "d" and key[1:] in names:
            return Gradient(Name(key[1:], span=Span(name.start + 1, name.end)), span=name.span)
        if names is not None or not self._acceptable(key, token):
            self.unknown[name.span] = (key, token)
        return Name(key, span=name.span)

    def _acceptable(self, key: str, token: Token) -> bool:
        """Where any name is a name: all but a function without its bracket, or an unknown one with it."""
        bare = token.text.rstrip("'")
        if self.functions.get(bare) == bare and not token.in_index:
            return False
        if token.called < 2 or (len(key) == 1 and key.isupper()):
            return True
        return any(
            other.kind == "NAME" and not other.called and joined(other.text) == key
            for other in self.reading.tokens
        )

    def dots(self, dots: Part) -> Node:
        return Dots("c" if dots.value.text == "⋯" else "h", span=dots.span)

    def bracket(self, start: Part, body: Part, close: Part) -> Node:
        span = Span(start.start, close.end)
        if isinstance(body.value, Where):  # plain text needs these brackets, the board does not
            return Where(body.value.body, body.value.conditions, span=span)
        return Bracket(node_of(body), span=span)

    def norm(self, start: Part, body: Part, close: Part) -> Node:
        return Norm(node_of(body), close.value.text, span=Span(start.start, close.end))

    def absolute(self, start: Part, body: Part, close: Part) -> Node:
        span = Span(start.start, close.end)
        if "abs" not in self.functions:
            self.refuse("bars for an absolute value are not known here", span)
        return Call(self.functions["abs"], (node_of(body),), span=span)

    def call_empty(self, function: Part, _open: Part, close: Part) -> NoReturn:
        name = function.value.text
        self.refuse(f"{name} has no argument", Span(function.start, close.end), f"write {name}(z)")

    def call(self, function: Part, start: Part, arguments: Part, close: Part) -> Node:
        span = Span(function.start, close.end)
        parts: list[Part] = arguments.value
        name, primes = function_of(function.value.text, self.functions)
        bounded = [part for part in parts if isinstance(part.value, Range)]
        if bounded or name == "entries":
            message = f"after {'a range' if bounded else 'the indices'} a colon follows, and a formula"
            hint = "write sum(i = 1..n: x[i])" if bounded else "write entries(i, j: x[i] y[j])"
            self.refuse(message, (bounded or [Part(None, span.start, span.end)])[0].span, hint)
        options = tuple(part.value for part in parts if isinstance(part.value, tuple))
        count = len(parts) - len(options)
        late = [part for part in parts[:count] if isinstance(part.value, tuple)]
        if late:
            self.refuse(
                "an option stands before an argument", late[0].span, "write it last: elu(z, alpha = 1)"
            )
        if not count:
            self.refuse(f"{name} has no argument", span, f"write {name}(z, …)")
        if len({key for key, _ in options}) < len(options):
            self.refuse("an option is given twice", span)
        args = nodes_of(parts[:count])
        if name == "ones" and len(args) == 1 and not options and not primes:
            return Ones(args[0], span=span)
        return Call(name, args, options, primes, span=span)

    def option(self, name: Part, _equals: Part, value: Part) -> Any:
        return joined(name.value.text), node_of(value)

    def range(self, name: Part, _equals: Part, low: Part, _range: Part, high: Part) -> Any:
        return Range(joined(name.value.text), node_of(low), node_of(high), name.span)

    def call_bounded(
        self, function: Part, _open: Part, arguments: Part, _colon: Part, body: Part, close: Part
    ) -> Node:
        """`sum(i = 1..n, a: body)`, and `entries(i, j: body)`."""
        name, primes = function_of(function.value.text, self.functions)
        span = Span(function.start, close.end)
        if name not in BINDERS or primes:
            hint = "write sum(i = 1..n: x[i])"
            self.refuse("indices before a colon stand in a sum only", arguments.span, hint)
        return BINDERS[name](bound(arguments.value, body, self.reading), body, span, self.reading)

    def array(self, start: Part, rows: Part, close: Part) -> Node:
        """`[1, 0, 2]` and `[1; 0; 2]` are columns; `[[4, 2, -5]]` and `[4, 2; 7, 1]` matrices."""
        span = Span(start.start, close.end)
        written: list[list[Part]] = [row.value for row in rows.value]
        if len(written) > 1:
            column = all(len(row) == 1 for row in written)
            return self._matrix(written, span, "column" if column else "matrix")
        parts = written[0]
        inner = [part.value for part in parts if isinstance(part.value, Matrix)]
        if not inner:
            return Matrix(tuple((node_of(part),) for part in parts), "column", span=span)
        if len(inner) < len(parts) or any(matrix.form != "column" for matrix in inner):
            self.refuse("this array has no rows of one kind", span, "a matrix is [[1, 2], [3, 4]]")
        cells = [[Part(c, 0, 0) for (c,) in part.value.rows] for part in parts]
        return self._matrix(cells, span, "matrix")

    def _matrix(self, rows: list[list[Part]], span: Span, form: Any) -> Node:
        lengths = [len(row) for row in rows]
        if len(set(lengths)) > 1:
            row = next(n for n, length in enumerate(lengths) if length != lengths[0])
            message = f"row 1 of this matrix has {lengths[0]} entries and row {row + 1} has {lengths[row]}"
            self.refuse(message, span, "all rows have the same number of entries")
        return Matrix(tuple(nodes_of(row) for row in rows), form, span=span)

    def derivative(self, start: Part, of: Part, slash: Part, second: Part, by: Part) -> Node:
        return Derivative(node_of(of), node_of(by), span=Span(start.start, by.end))
