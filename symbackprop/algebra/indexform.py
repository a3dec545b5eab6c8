"""Sums of products of entries: the form in which gradients are found.

An `Expr` is a sum of `Term`s; a term is a rational coefficient times factors, Kronecker deltas
and sums over bound indices. `z_j = Σ_i W_ji x_i + b_j` is two terms, one of them with the bound
index i. Every bound index is unique in the program (`fresh`), so that nothing is ever captured.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count
from types import MappingProxyType

from symbackprop.algebra.places import Guard as Guard
from symbackprop.algebra.places import Place as Place
from symbackprop.algebra.places import guard_indices, indices_of, moved, moved_guard
from symbackprop.notation import sizes as size_forms
from symbackprop.notation.tree import Size

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


@dataclass(frozen=True, slots=True)
class Counter:
    """An index as a number to compute with: the i of `i x_i`."""

    place: Place


@dataclass(frozen=True, slots=True)
class Along:
    """One entry of a function of a whole axis: softmax of `arg` along `index`, at `place`.

    `index` runs over `size` places and is bound here.
    """

    function: str
    arg: "Expr"
    index: str
    size: Size
    place: Place


Factor = Entry | Apply | Power | Group | Length | Pi | Counter | Along


@dataclass(frozen=True, slots=True)
class Term:
    """`coefficient · Σ_bound δ… factors`, and 0 where a guard does not hold."""

    coefficient: Fraction
    factors: tuple[Factor, ...] = ()
    deltas: tuple[tuple[Place, Place], ...] = ()
    bound: tuple[tuple[str, Size], ...] = ()
    guards: tuple[Guard, ...] = ()


Expr = tuple[Term, ...]

NO_SIZES: Mapping[str, Size] = MappingProxyType({})

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
        left.guards + right.guards,
    )


def grouped(expr: Expr) -> Expr:
    """`expr` as one factor: a sum of several terms goes into brackets."""
    if len(expr) == 1 and not (expr[0].bound or expr[0].deltas or expr[0].guards):
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
    inner = lone_factor(base)
    if isinstance(inner, Power) and fixed is not None and fixed.denominator == 1:
        return power(inner.base, scale(inner.exponent, fixed))  # (a^r)^n = a^(rn) for a whole n
    if fixed is not None and fixed.denominator == 1 and fixed < 0 and _is_product(base):
        (term,) = base  # 1/(2 m) is 1/2 times 1/m
        parts = (power(single(factor), exponent) for factor in term.factors)
        return multiply(constant(term.coefficient ** int(fixed)), *parts)
    return single(Power(grouped(base), exponent))


def _is_product(expr: Expr) -> bool:
    """Whether this is a product of several parts, with no sum over it."""
    if len(expr) != 1 or expr[0] != Term(expr[0].coefficient, expr[0].factors):
        return False
    return bool(expr[0].factors) and (len(expr[0].factors) > 1 or expr[0].coefficient != 1)


def lone_factor(expr: Expr) -> Factor | None:
    """The one factor that `expr` is, brackets taken off."""
    if len(expr) != 1 or expr[0] != Term(Fraction(1), expr[0].factors) or len(expr[0].factors) != 1:
        return None
    (factor,) = expr[0].factors
    return lone_factor(factor.body) or factor if isinstance(factor, Group) else factor


def number_of(expr: Expr) -> Fraction | None:
    """The number that `expr` is, or None."""
    if not expr:
        return Fraction(0)
    if len(expr) == 1 and expr[0] == Term(expr[0].coefficient):
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

    return Term(
        term.coefficient,
        tuple(rename_factor(factor, table) for factor in term.factors),
        tuple((moved(first, table), moved(second, table)) for first, second in term.deltas),
        term.bound,
        tuple(moved_guard(guard, table) for guard in term.guards),
    )


def with_entries(
    expr: Expr, change: Callable[[Entry, Mapping[str, Size]], Entry], bound: Mapping[str, Size] = NO_SIZES
) -> Expr:
    """`expr` with every entry changed; `change` is told which indices are bound there, and how far."""

    def changed(factor: Factor, inside: Mapping[str, Size]) -> Factor:
        match factor:
            case Entry():
                return change(factor, inside)
            case Apply(function, args, order, options):
                return Apply(
                    function, tuple(with_entries(arg, change, inside) for arg in args), order, options
                )
            case Power(base, exponent):
                return Power(with_entries(base, change, inside), exponent)
            case Group(body):
                return Group(with_entries(body, change, inside))
            case Along(function, arg, index, size, place):
                return Along(function, with_entries(arg, change, {**inside, index: size}), index, size, place)
        return factor

    terms = []
    for term in expr:
        inside = {**bound, **dict(term.bound)}
        terms.append(replace(term, factors=tuple(changed(factor, inside) for factor in term.factors)))
    return tuple(terms)


def rename_factor(factor: Factor, table: Mapping[str, Place]) -> Factor:
    """One factor with indices replaced."""
    match factor:
        case Entry(name, places, gradient):
            return Entry(name, tuple(moved(place, table) for place in places), gradient)
        case Along(function, arg, index, size, place):
            table = {key: value for key, value in table.items() if key != index}
            return Along(function, renamed(arg, table), index, size, moved(place, table))
        case Apply(function, args, order, options):
            new = tuple(renamed(arg, table) for arg in args)
            return Apply(function, new, order, tuple((k, renamed(v, table)) for k, v in options))
        case Power(base, exponent):
            return Power(renamed(base, table), renamed(exponent, table))
        case Group(body):
            return Group(renamed(body, table))
        case Counter(place):
            return Counter(moved(place, table))
    return factor


def renewed(term: Term) -> Term:
    """The same term with new bound indices."""
    table: dict[str, Place] = {index: fresh(index.partition("~")[0]) for index, _ in term.bound}
    made = rename_term(replace(term, bound=()), table)
    return replace(made, bound=tuple((str(table[index]), size) for index, size in term.bound))


def free_indices(item: Expr | Term | Factor) -> set[str]:
    """The index symbols that stand free in `item`."""
    match item:
        case tuple():
            return set().union(*(free_indices(term) for term in item))
        case Term(_, factors, deltas, bound, guards):
            found = set().union(*(free_indices(factor) for factor in factors))
            found.update(index for pair in deltas for place in pair for index in indices_of(place))
            found.update(index for guard in guards for index in guard_indices(guard))
            return found - {index for index, _ in bound}
        case Entry(_, places, _):
            return {index for place in places for index in indices_of(place)}
        case Along(_, arg, index, _, place):
            return (free_indices(arg) - {index}) | set(indices_of(place))
        case Counter(place):
            return set(indices_of(place))
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
        case Term(_, factors):
            for factor in factors:
                yield from entries(factor)
        case Entry():
            yield item
        case Along(_, arg):
            yield from entries(arg)
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
            term = replace(term, bound=bound, factors=(*_lone(length(size)), *term.factors))
    return term


def length(size: Size) -> Expr:
    """A size as a number: n, or the bracket (m − r + 1)."""
    if isinstance(size, int):
        return constant(size)
    names, rest = size_forms.linear(size)
    parts = [scale(single(Length(name)), factor) for name, factor in names.items()]
    return grouped((*(term for part in parts for term in part), *constant(rest)))


def _lone(expr: Expr) -> tuple[Factor, ...]:
    return expr[0].factors


def _canonical(term: Term) -> Term:
    sizes = dict(term.bound)
    order: dict[str, Place] = {}
    for factor in term.factors:
        for entry in entries(factor):
            for index in (index for place in entry.places for index in indices_of(place)):
                if index in sizes:
                    order.setdefault(index, f"#{len(order)}")
    made = rename_term(replace(term, coefficient=Fraction(1), bound=()), order)
    bound = sorted(
        ((str(order.get(index, index)), size) for index, size in term.bound), key=lambda pair: pair[0]
    )
    return replace(made, factors=tuple(sorted(made.factors, key=repr)), bound=tuple(bound))
