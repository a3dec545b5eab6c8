"""Index expressions as trees, for the entry level: `Σ_{j=1}^{k} dz_j δ_jp x_q`.

Index symbols of the calculus (`i~17`) get the letters of the board here.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import chain, count
from types import MappingProxyType

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.indexform import Expr, Factor, Guard, Place, Term
from symbackprop.notation import tree
from symbackprop.notation.sizes import size_tree
from symbackprop.notation.tree import Node, Size, juxtaposed, plus

LETTERS = "ijlrstuvabcdefgh"
"""Bound indices, in the order in which they are taken."""

_OFFSETS = frozenset("abcdefgh")
"""Letters that stand behind others in a place: `i + a − 1`."""


def spelled(expr: Expr, letters: Mapping[str, str], avoid: Iterable[str] = (), *, braced: str = "") -> Node:
    """`expr` with its sums, deltas and entries written out.

    `letters` names the free indices (and any bound one that is to have a given letter); the
    other bound ones take the letters that are left, `avoid` and size names excepted. The deltas of
    ∂a_ji/∂a_pq stand in a brace under that derivative if `braced` is the name a.
    """
    return _Speller(dict(letters), set(avoid) | ix.free_indices(expr), braced).expr(expr)


class _Speller:
    def __init__(self, letters: dict[str, str], avoid: set[str], braced: str = "") -> None:
        self.letters = letters
        self.avoid = avoid
        self.braced = braced

    def expr(self, expr: Expr) -> Node:
        if not expr:
            return tree.Number(Fraction(0))
        return plus(*(self.signed(term) for term in expr))

    def signed(self, term: Term) -> Node:
        if term.coefficient < 0:
            return tree.Neg(self.term(replace(term, coefficient=-term.coefficient)))
        return self.term(term)

    def term(self, term: Term) -> Node:
        """One term; the letters of its sums are free again behind it."""
        before = dict(self.letters)
        for index, size in term.bound:
            if index not in self.letters:
                self.letters[index] = self.letter(index, size)
        made = self.product(term)
        self.letters = before
        return made

    def product(self, term: Term) -> Node:
        outside = [factor for factor in term.factors if term.bound and _is_fixed(factor)]
        factors, below = self.split([factor for factor in term.factors if factor not in outside])
        deltas: list[Node] = [
            tree.Delta(self.place(first), self.place(second)) for first, second in term.deltas
        ]
        if self.braced and deltas:
            deltas = [self.under_derivative(term, juxtaposed(*deltas))]
        # δ stands where the derivative stood: after what arrives, before what is left
        gradients = sum(1 for f in factors if isinstance(f, tree.Gradient))
        factors[gradients:gradients] = deltas
        body = _over(Fraction(1) if term.bound else term.coefficient, factors, below)
        if term.guards:
            body = tree.Where(body, tuple(map(self.guard, term.guards)))
        if not term.bound:
            return body
        for index, size in reversed(term.bound):
            body = tree.Sum(self.letters[index], tree.Number(Fraction(1)), size_node(size), body)
        lead = _over(term.coefficient, *self.split(outside))
        return body if lead == tree.Number(Fraction(1)) else juxtaposed(*tree.plain_factors(lead), body)

    def under_derivative(self, term: Term, deltas: Node) -> Node:
        """`∂w_ji/∂w_pq` over its deltas."""
        name = tree.Name(self.braced)
        first, second = zip(*term.deltas, strict=True)
        of = tree.Index(name, tuple(self.place(place) for place in first))
        by = tree.Index(name, tuple(self.place(place) for place in second))
        return tree.Brace(tree.Derivative(of, by), deltas)

    def split(self, factors: Iterable[Factor]) -> tuple[list[Node], list[Node]]:
        """What stands above, and what stands below."""
        above: list[Node] = []
        below: list[Node] = []
        for factor in factors:
            self.put(factor, above, below)
        return above, below

    def put(self, factor: Factor, above: list[Node], below: list[Node]) -> None:
        if isinstance(factor, ix.Power):
            value = ix.number_of(factor.exponent)
            if value is not None and value < 0:
                below.append(self.factor(ix.Power(factor.base, ix.constant(-value))))
                return
        above.append(self.factor(factor))

    def letter(self, index: str, size: Size) -> str:
        taken = set(self.letters.values()) | self.avoid | {str(size)}
        return unused(taken, index.partition("~")[0], *LETTERS)

    def place(self, place: Place) -> Node:
        return place_node(place, self.letters)

    def guard(self, guard: Guard) -> Node:
        """`1 ≤ p − a + 1 ≤ m`."""
        ends = [end for end in (guard.low, guard.place, guard.high) if end is not None]
        return tree.equation(*map(self.place, ends), relation="≤")

    def along(self, factor: ix.Along) -> Node:
        """`softmax(z)_j`: the argument by its name where it is one, else by its entries."""
        running = unused(set(self.letters.values()) | self.avoid, *LETTERS)
        lone = ix.lone_factor(factor.arg)
        array: Node
        if isinstance(lone, ix.Entry) and lone.places[-1:] == (factor.index,):
            array = tree.Name(lone.name)
            if len(lone.places) > 1:
                array = tree.Index(array, (*map(self.place, lone.places[:-1]), tree.Slice()))
        else:
            body = self.expr(ix.renamed(factor.arg, {factor.index: running}))
            array = tree.Entrywise((running,), (size_node(factor.size),), body)
        places: tuple[Node, ...] = (self.place(factor.place),)
        if isinstance(array, tree.Index):  # a row is a matrix of one row
            places = (tree.Number(Fraction(1)), *places)
        return tree.Index(tree.Call(factor.function, (array,)), places)

    def factor(self, factor: Factor) -> Node:
        match factor:
            case ix.Entry(name, places, gradient):
                made: Node = tree.Name(name)
                if places:
                    made = tree.Index(made, tuple(self.place(place) for place in places))
                return tree.Gradient(made) if gradient else made
            case ix.Apply(function, args, order, options):
                named = tuple((key, self.expr(value)) for key, value in options)
                return tree.Call(function, tuple(self.expr(arg) for arg in args), named, order)
            case ix.Power(base, exponent):
                return self.power(self.expr(base), exponent)
            case ix.Group(body):
                return self.expr(body)
            case ix.Length(name):
                return tree.Name(name)
            case ix.Counter(place):
                return self.place(place)
            case ix.Along():
                return self.along(factor)
            case _:
                return tree.Constant("pi")

    def power(self, base: Node, exponent: Expr) -> Node:
        value = ix.number_of(exponent)
        if value == 1:
            return base
        if value == Fraction(1, 2):
            return tree.Call("sqrt", (base,))
        return tree.Power(base, self.expr(exponent))


def _is_fixed(factor: Factor) -> bool:
    """Whether a factor is a number, made of sizes or not, so that it stands before a sum: 1/m."""
    if isinstance(factor, ix.Power):
        return not any(True for _ in ix.entries(factor)) and not ix.free_indices(factor)
    return isinstance(factor, ix.Length | ix.Pi)


def _over(coefficient: Fraction, above: list[Node], below: list[Node]) -> Node:
    """`coefficient · above / below`; beside a denominator, that of the coefficient stands in it."""
    under = list(below)
    if below and coefficient.denominator != 1:
        under.insert(0, tree.Number(Fraction(coefficient.denominator)))
        coefficient = Fraction(coefficient.numerator)
    top = [*([ratio(coefficient)] if coefficient != 1 else []), *above]
    made = juxtaposed(*top) if top else tree.Number(Fraction(1))
    return tree.Quotient(made, juxtaposed(*under)) if under else made


def place_node(place: Place, letters: Mapping[str, str] = MappingProxyType({})) -> Node:
    """A place as a node, its positive parts first: `i + a − 1`."""
    if isinstance(place, int):
        return tree.number(place)
    if isinstance(place, str):
        return tree.Name(letters.get(place, place))
    named = [(letters.get(name, name), factor) for name, factor in place.indices] + [*place.sizes]
    named.sort(key=lambda part: (part[1] < 0, abs(part[1]) != 1, part[0][:1] in _OFFSETS))
    parts = [_multiple(tree.Name(name), factor) for name, factor in named]
    if place.constant:
        parts.append(tree.number(place.constant))
    return plus(*parts)


def _multiple(node: Node, factor: int) -> Node:
    made = node if abs(factor) == 1 else juxtaposed(tree.number(abs(factor)), node)
    return made if factor > 0 else tree.Neg(made)


def unused(taken: Container[str], *wishes: str) -> str:
    """The first wish that is not taken, else a numbered i."""
    numbered = (f"i{place}" for place in count(1))
    return next(one for one in chain(wishes, numbered) if one not in taken)


def ratio(value: Fraction) -> Node:
    """A positive rational: whole, or a quotient."""
    if value.denominator == 1:
        return tree.Number(value)
    return tree.Quotient(
        tree.Number(Fraction(value.numerator)), tree.Number(Fraction(value.denominator)), inline=True
    )


def size_node(size: Size) -> Node:
    """A size as a number, a name, or a sum of names and numbers: `m − r + 1`."""
    return size_tree(size)
