"""Sizes that are computed: linear forms such as `m - r + 1`, each written in one way only.

A size is a number, a name, or the text of a linear form of names with whole coefficients. Two
sizes are the same exactly when they are equal as values, so sizes compare with `==` everywhere.
Names with a plus stand first, then those with a minus, in alphabetical order, then the number:
`m + n`, `2 n - 1`, `m - r + 1`; where no name has a plus, the number goes first: `6 - r`.
"""

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType

from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Size

Linear = tuple[Mapping[str, int], int]
"""The coefficients of a linear form by name (none of them 0), and its constant."""

_TERM = re.compile(r"\s*([+-]?)\s*(?:(\d+)(?:\s+|(?=\Z))|)([^\s+\-\d][^\s+\-]*)?")


@lru_cache(maxsize=4096)
def linear(size: Size) -> Linear:
    """`"m - r + 1"` as `({"m": 1, "r": -1}, 1)`. Raises ValueError for a text that is no size."""
    if isinstance(size, int):
        return MappingProxyType({}), size
    if not size:
        raise ValueError("an empty text is no size")
    coefficients: dict[str, int] = {}
    constant, at = 0, 0
    while at < len(size):
        found = _TERM.match(size, at)
        if found is None or found.end() == at or not (found[2] or found[3]) or (at and not found[1]):
            raise ValueError(f"{size!r} is no size")
        sign, at = -1 if found[1] == "-" else 1, found.end()
        if found[3]:
            coefficients[found[3]] = coefficients.get(found[3], 0) + sign * int(found[2] or 1)
        else:
            constant += sign * int(found[2])
    return MappingProxyType({name: count for name, count in coefficients.items() if count}), constant


def canonical(coefficients: Mapping[str, int], constant: int = 0) -> Size:
    """The size of a linear form: a number where there are no names in it."""
    terms = sorted((count < 0, name, count) for name, count in coefficients.items() if count)
    if not terms:
        return constant
    text = ""
    if terms[0][0] and constant > 0:  # 6 - r, which begins without a sign
        text, constant = str(constant), 0
    for negative, name, count in terms:
        written = name if abs(count) == 1 else f"{abs(count)} {name}"
        text += _signed(text, negative, written)
    return text + (_signed(text, constant < 0, str(abs(constant))) if constant else "")


def _signed(before: str, negative: bool, written: str) -> str:
    if not before:
        return f"-{written}" if negative else written
    return f" {'-' if negative else '+'} {written}"


def combined(terms: Iterable[tuple[int, Size]], constant: int = 0) -> Size:
    """The size `Σ count · size + constant`."""
    total: dict[str, int] = {}
    for count, size in terms:
        coefficients, more = linear(size)
        constant += count * more
        for name, coefficient in coefficients.items():
            total[name] = total.get(name, 0) + count * coefficient
    return canonical(total, constant)


def add(first: Size, second: Size) -> Size:
    """`first + second`."""
    return combined(((1, first), (1, second)))


def subtract(first: Size, second: Size) -> Size:
    """`first − second`; it may be 0 or less, which is no size of an array."""
    return combined(((1, first), (-1, second)))


def replaced(size: Size, table: Mapping[str, Size]) -> Size:
    """`size` with names replaced by what `table` says they stand for."""
    if isinstance(size, int) or not size:
        return size
    if size in table:
        return table[size]
    coefficients, constant = linear(size)
    return combined(((count, table.get(name, name)) for name, count in coefficients.items()), constant)


def names(size: Size) -> tuple[str, ...]:
    """The base names in a size, in the order in which it is written."""
    if isinstance(size, int) or not size:
        return ()
    coefficients, _ = linear(size)
    return tuple(coefficients)


def value(size: Size, numbers: Mapping[str, int]) -> int:
    """The number that a size is, where `numbers` gives its names.

    Raises ValueError when it is below 1, KeyError for a name without number.
    """
    coefficients, constant = linear(size)
    total = constant + sum(count * numbers[name] for name, count in coefficients.items())
    if total < 1:
        given = ", ".join(f"{name} = {numbers[name]}" for name in coefficients)
        raise ValueError(f"{size} is {total} for {given}, and sizes begin at 1" if given else f"size {total}")
    return total


# --- sizes and formulas -----------------------------------------------------------------


def size_tree(size: Size) -> Node:
    """A size as a formula: a number, a name, or a sum of names and numbers."""
    coefficients, constant = linear(size)
    terms: list[Node] = [_signed_node(count, tree.Name(name)) for name, count in coefficients.items()]
    if constant or not terms:
        first = constant > 0 and all(count < 0 for count in coefficients.values())
        terms.insert(0 if first else len(terms), tree.number(constant))
    return tree.plus(*terms)


def _signed_node(count: int, name: Node) -> Node:
    body = name if abs(count) == 1 else tree.juxtaposed(tree.Number(Fraction(abs(count))), name)
    return tree.Neg(body) if count < 0 else body


def linear_form(node: Node) -> Linear | None:
    """The linear form that a formula is, of whatever names stand in it; None where it is none.

    `2 i + a - 2` and `2 (i - 1)` are linear; `i j` and `i / 2` are not.
    """
    match node:
        case tree.Number(number) if number.denominator == 1:
            return {}, int(number)
        case tree.Name(name):
            return {name: 1}, 0
        case tree.Bracket(body) | tree.Brace(body) | tree.Box(body) | tree.Coloured(body):
            return linear_form(body)
        case tree.Neg(body):
            return scaled(linear_form(body), -1)
        case tree.Add(terms):
            return _sum_of([linear_form(term) for term in terms])
        case tree.Product(factors):
            return _product_of([linear_form(factor) for factor in factors])
    return None


def scaled(form: Linear | None, count: int) -> Linear | None:
    """`count` times a form."""
    if form is None:
        return None
    coefficients, constant = form
    return {name: count * own for name, own in coefficients.items() if count}, count * constant


def _sum_of(forms: Iterable[Linear | None]) -> Linear | None:
    total: dict[str, int] = {}
    constant = 0
    for form in forms:
        if form is None:
            return None
        constant += form[1]
        for name, count in form[0].items():
            total[name] = total.get(name, 0) + count
    return {name: count for name, count in total.items() if count}, constant


def _product_of(forms: Iterable[Linear | None]) -> Linear | None:
    made: Linear | None = ({}, 1)
    for form in forms:
        if form is None or made is None or (form[0] and made[0]):
            return None
        made = scaled(made, form[1]) if not form[0] else scaled(form, made[1])
    return made


def size_of_tree(node: Node) -> Size | None:
    """The size that a formula writes: a number from 1, a name, or a linear form; else None."""
    form = linear_form(node)
    if form is None:
        return None
    size = canonical(*form)
    return None if isinstance(size, int) and size < 1 else size
