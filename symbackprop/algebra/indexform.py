"""Sums of products of entries: the form in which gradients are found.

An `Expr` is a sum of `Term`s; a term is a rational coefficient times factors, Kronecker deltas
and sums over bound indices. `z_j = Σ_i W_ji x_i + b_j` is two terms, one of them with the bound
index i. Every bound index is unique in the program (`fresh`), so that nothing is ever captured.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count

from symbackprop.notation.tree import Size

Place = str | int
"""An index symbol, or a fixed place (from 1)."""

_numbers = count(1)


def fresh(letter: str = "i") -> str:
    """An index symbol that nobody has."""
    return f"{letter}~{next(_numbers)}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of an array of the model: `W_ji`; with `gradient`, of its gradient: `dW_ji`."""

    name: str
    places: tuple[Place, ...] = ()
    gradient: bool = False


@dataclass(frozen=True, slots=True)
class Apply:
    """A function of entries, derived `order` times: `g'(z_j)`."""

    function: str
    args: tuple["Expr", ...]
    order: int = 0
    options: tuple[tuple[str, "Expr"], ...] = ()


@dataclass(frozen=True, slots=True)
class Power:
    """A base that is more than an entry, or an exponent that is not 1."""

    base: "Expr"
    exponent: "Expr"


@dataclass(frozen=True, slots=True)
class Group:
    """A sum in brackets, kept as it stands: `(ŷ_j − y_j)`."""

    body: "Expr"


@dataclass(frozen=True, slots=True)
class Length:
    """A size that has only a name, as a number: the m of 1/m."""

    name: str


@dataclass(frozen=True, slots=True)
class Pi:
    """The constant π."""


Factor = Entry | Apply | Power | Group | Length | Pi


@dataclass(frozen=True, slots=True)
class Term:
    """`coefficient · Σ_bound δ… factors`."""

    coefficient: Fraction
    factors: tuple[Factor, ...] = ()
    deltas: tuple[tuple[Place, Place], ...] = ()
    bound: tuple[tuple[str, Size], ...] = ()


Expr = tuple[Term, ...]

ONE: Expr = (Term(Fraction(1)),)
ZERO: Expr = ()


def constant(value: Fraction | int) -> Expr:
    """The number as an expression."""
    return (Term(Fraction(value)),) if value else ZERO


def single(factor: Factor) -> Expr:
    """One factor as an expression."""
    return (Term(Fraction(1), (factor,)),)


def add(*parts: Expr) -> Expr:
    """The sum, with like terms brought together."""
    return merged(tuple(term for part in parts for term in part))


def scale(expr: Expr, by: Fraction | int) -> Expr:
    """`by · expr`."""
    return tuple(replace(term, coefficient=term.coefficient * by) for term in expr) if by else ZERO


def multiply(*parts: Expr) -> Expr:
    """The product, multiplied out over terms; a bracket is kept with `grouped`."""
    result = ONE
    for part in parts:
        result = tuple(_term_product(left, right) for left in result for right in part)
    return result


def _term_product(left: Term, right: Term) -> Term:
    taken = {index for index, _ in left.bound}
    if any(index in taken for index, _ in right.bound):
        right = renewed(right)
    return Term(
        left.coefficient * right.coefficient,
        left.factors + right.factors,
        left.deltas + right.deltas,
        left.bound + right.bound,
    )


def grouped(expr: Expr) -> Expr:
    """`expr` as one factor: a sum of several terms goes into brackets."""
    if len(expr) == 1 and not expr[0].bound and not expr[0].deltas:
        return expr
    return single(Group(expr)) if expr else ZERO


def summed(expr: Expr, index: str, size: Size) -> Expr:
    """`Σ_index expr`; what does not depend on the index is taken `size` times."""
    return tuple(
        _without_idle_sums(replace(term, bound=((index, size), *term.bound)), index) for term in expr
    )


def power(base: Expr, exponent: Expr) -> Expr:
    """`base ^ exponent`; numbers are worked out, whole powers of one entry stay factors."""
    if exponent == ONE:
        return base
    if not exponent:
        return ONE
    fixed = number_of(exponent)
    value = number_of(base)
    if value is not None and fixed is not None and fixed.denominator == 1 and (value or fixed > 0):
        return constant(value ** int(fixed))
    inner = _lone_factor(base)
    if isinstance(inner, Power) and fixed is not None and fixed.denominator == 1:
        return power(inner.base, scale(inner.exponent, fixed))  # (a^r)^n = a^(rn) for a whole n
    return single(Power(grouped(base), exponent))


def _lone_factor(expr: Expr) -> Factor | None:
    """The one factor that `expr` is, brackets taken off."""
    if len(expr) != 1 or expr[0] != Term(Fraction(1), expr[0].factors) or len(expr[0].factors) != 1:
        return None
    (factor,) = expr[0].factors
    return _lone_factor(factor.body) or factor if isinstance(factor, Group) else factor


def number_of(expr: Expr) -> Fraction | None:
    """The number that `expr` is, or None."""
    if not expr:
        return Fraction(0)
    if len(expr) == 1 and not (expr[0].factors or expr[0].deltas or expr[0].bound):
        return expr[0].coefficient
    return None


# --- indices ----------------------------------------------------------------------


def renamed(expr: Expr, table: Mapping[str, Place]) -> Expr:
    """`expr` with free indices replaced. Bound ones are unique and never in `table`."""
    if not table:
        return expr
    return tuple(rename_term(term, table) for term in expr)


def rename_term(term: Term, table: Mapping[str, Place]) -> Term:
    """One term with indices replaced; its own bound indices shadow the table."""
    if any(index in table for index, _ in term.bound):
        own = {index for index, _ in term.bound}
        table = {index: place for index, place in table.items() if index not in own}

    def at(place: Place) -> Place:
        return table.get(place, place) if isinstance(place, str) else place

    return Term(
        term.coefficient,
        tuple(rename_factor(factor, table) for factor in term.factors),
        tuple((at(first), at(second)) for first, second in term.deltas),
        term.bound,
    )


def rename_factor(factor: Factor, table: Mapping[str, Place]) -> Factor:
    """One factor with indices replaced."""
    match factor:
        case Entry(name, places, gradient):
            if not any(place in table for place in places):
                return factor
            moved = tuple(table.get(p, p) if isinstance(p, str) else p for p in places)
            return Entry(name, moved, gradient)
        case Apply(function, args, order, options):
            new = tuple(renamed(arg, table) for arg in args)
            return Apply(function, new, order, tuple((k, renamed(v, table)) for k, v in options))
        case Power(base, exponent):
            return Power(renamed(base, table), renamed(exponent, table))
        case Group(body):
            return Group(renamed(body, table))
    return factor


def renewed(term: Term) -> Term:
    """The same term with new bound indices."""
    table: dict[str, Place] = {index: fresh(index.partition("~")[0]) for index, _ in term.bound}
    moved = rename_term(replace(term, bound=()), table)
    return replace(moved, bound=tuple((str(table[index]), size) for index, size in term.bound))


def free_indices(item: Expr | Term | Factor) -> set[str]:
    """The index symbols that stand free in `item`."""
    match item:
        case tuple():
            return set().union(*(free_indices(term) for term in item))
        case Term(_, factors, deltas, bound):
            found = set().union(*(free_indices(factor) for factor in factors))
            found |= {place for pair in deltas for place in pair if isinstance(place, str)}
            return found - {index for index, _ in bound}
        case Entry(_, places, _):
            return {place for place in places if isinstance(place, str)}
        case Apply(_, args, _, options):
            return set().union(*(free_indices(a) for a in args), *(free_indices(v) for _, v in options))
        case Power(base, exponent):
            return free_indices(base) | free_indices(exponent)
        case Group(body):
            return free_indices(body)
    return set()


def entries(item: Expr | Term | Factor) -> Iterator[Entry]:
    """Every entry that occurs anywhere in `item`."""
    match item:
        case tuple():
            for term in item:
                yield from entries(term)
        case Term(_, factors, _, _):
            for factor in factors:
                yield from entries(factor)
        case Entry():
            yield item
        case Apply(_, args, _, options):
            for arg in (*args, *(value for _, value in options)):
                yield from entries(arg)
        case Power(base, exponent):
            yield from entries(base)
            yield from entries(exponent)
        case Group(body):
            yield from entries(body)


# --- normal form --------------------------------------------------------------------


def merged(expr: Expr) -> Expr:
    """Like terms brought together (the same but for the names of bound indices)."""
    found: dict[Term, Term] = {}
    for term in map(_without_idle_sums, expr):
        if not term.coefficient:
            continue
        key = _canonical(term)
        if key in found:
            total = found[key].coefficient + term.coefficient
            found[key] = replace(found[key], coefficient=total)
        else:
            found[key] = term
    return tuple(term for term in found.values() if term.coefficient)


def _without_idle_sums(term: Term, only: str = "") -> Term:
    """`Σ_{i=1}^n a` without an i in it is `n a`; `only`: no other index than this is looked at."""
    used = free_indices(replace(term, bound=()))
    idle = [(index, size) for index, size in term.bound if index not in used and only in ("", index)]
    for index, size in idle:
        bound = tuple(item for item in term.bound if item[0] != index)
        if isinstance(size, int):
            term = replace(term, bound=bound, coefficient=term.coefficient * size)
        else:
            term = replace(term, bound=bound, factors=(Length(size), *term.factors))
    return term


def _canonical(term: Term) -> Term:
    sizes = dict(term.bound)
    order: dict[str, Place] = {}
    for factor in term.factors:
        for entry in entries(factor):
            for place in entry.places:
                if isinstance(place, str) and place in sizes:
                    order.setdefault(place, f"#{len(order)}")
    moved = rename_term(replace(term, coefficient=Fraction(1), bound=()), order)
    bound = sorted(
        ((str(order.get(index, index)), size) for index, size in term.bound), key=lambda pair: pair[0]
    )
    return replace(moved, factors=tuple(sorted(moved.factors, key=repr)), bound=tuple(bound))


def collapsed(expr: Expr) -> Expr:
    """Every delta over a bound index used up: `Σ_j a_j δ_jp` is `a_p`; `a a` becomes `a²`."""
    return merged(tuple(with_powers(done) for term in expr for done in _collapse(term)))


def with_powers(term: Term) -> Term:
    """Factors that occur twice as powers, where the first one stands."""
    kept: list[Factor] = []
    for factor in term.factors:
        base, exponent = _as_power(factor)
        for place, known in enumerate(kept):
            known_base, known_exponent = _as_power(known)
            if exponent and known_exponent and base == known_base:
                total = exponent + known_exponent
                joined = base if total == 1 else Power(single(base), constant(total))
                kept[place : place + 1] = [joined] if total else []
                break
        else:
            kept.append(factor)
    return replace(term, factors=tuple(kept))


def _as_power(factor: Factor) -> tuple[Factor, Fraction]:
    """A factor as a base and a whole exponent; the exponent is 0 where there is no such form."""
    if not isinstance(factor, Power):
        return factor, Fraction(1)
    exponent = number_of(factor.exponent)
    base = _lone_factor(factor.base)
    if exponent is None or base is None or exponent.denominator != 1:
        return factor, Fraction(0)
    return base, exponent


def _collapse(term: Term) -> Expr:
    while True:
        for pair in term.deltas:
            first, second = pair
            bound = {index for index, _ in term.bound}
            if first == second:
                term = _without(term, pair)
            elif isinstance(first, int) and isinstance(second, int):
                return ZERO
            elif first in bound or second in bound:
                old, new = (first, second) if first in bound else (second, first)
                term = rename_term(_without(term, pair, old), {str(old): new})
            else:
                continue
            break
        else:
            return (term,)


def _without(term: Term, pair: tuple[Place, Place], index: Place | None = None) -> Term:
    """`term` without one delta, and without the sum over `index`."""
    deltas = list(term.deltas)
    deltas.remove(pair)
    bound = tuple(item for item in term.bound if item[0] != index)
    return replace(term, deltas=tuple(deltas), bound=bound)
