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
        factors: list[Node] = []
        below: list[Node] = []
        deltas: list[Node] = [
            tree.Delta(self.place(first), self.place(second)) for first, second in term.deltas
        ]
        if self.braced and deltas:
            deltas = [self.under_derivative(term, juxtaposed(*deltas))]
        lead: list[Node] = []
        for factor in term.factors:
            before_sum = term.bound and isinstance(factor, ix.Length | ix.Pi)
            self.put(factor, lead if before_sum else factors, below)
        # δ stands where the derivative stood: after what arrives, before what is left
        gradients = sum(1 for f in factors if isinstance(f, tree.Gradient))
        factors[gradients:gradients] = deltas
        top = juxtaposed(*factors) if factors else tree.Number(Fraction(1))
        body = tree.Quotient(top, juxtaposed(*below)) if below else top
        if term.guards:
            body = tree.Where(body, tuple(map(self.guard, term.guards)))
        for index, size in reversed(term.bound):
            body = tree.Sum(self.letters[index], tree.Number(Fraction(1)), size_node(size), body)
        return body

    def under_derivative(self, term: Term, deltas: Node) -> Node:
        """`∂w_ji/∂w_pq` over its deltas."""
        name = tree.Name(self.braced)
        first, second = zip(*term.deltas, strict=True)
        of = tree.Index(name, tuple(self.place(place) for place in first))
        by = tree.Index(name, tuple(self.place(place) for place in second))
        return tree.Brace(tree.Derivative(of, by), deltas)

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


def place_node(place: Place, letters: Mapping[str, str] = MappingProxyType({})) -> Node:
    """A place as a node, its positive parts first: `i + a − 1`."""
    if isinstance(place, int):
        return tree.number(place)
    if isinstance(place, str):
        return tree.Name(letters.get(place, place))
    named = [(letters.get(name, name), factor) for name, factor in place.indices] + [*place.sizes]
    named.sort(key=lambda part: part[1] < 0)
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
