"""One quantity of a derivation as its user sees it: formula, value, and both in SymPy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symbackprop import limits
from symbackprop.algebra.functions import TABLE
from symbackprop.algebra.symbolic import sympy_module
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.decimals import to_tree
from symbackprop.algebra.values.exact import bounds
from symbackprop.algebra.values.poly import Poly, leftover
from symbackprop.derivation.steps import Derivation, Quantity
from symbackprop.exercise.faults import nearest
from symbackprop.exercise.layers import layer_names
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.read import ReadError, canonical_name
from symbackprop.notation.shape_algebra import shown_size
from symbackprop.notation.tree import Node, Shape
from symbackprop.notation.write import Style, kept_capitals, to_latex, to_plain

__all__ = ["Result", "result", "style"]


def style(exercise: Exercise) -> Style:
    """How formulas of an exercise are written outside a report: no macros, a decimal point."""
    rows = {**TABLE, **exercise.functions}
    return Style(
        functions={name: row.latex for name, row in rows.items()},
        loss=exercise.loss,
        capitals=capitals(exercise),
        layers=exercise.layer_marks,
        layer_names=layer_names(exercise.shapes),
    )


def capitals(exercise: Exercise) -> frozenset[str]:
    """The names whose entries keep the capital letter on the page."""
    equations = [(equation.name, equation.body) for equation in exercise.equations]
    return kept_capitals(equations, {*exercise.shapes, *exercise.sizes})


def result(derivation: Derivation, name: str) -> Result:
    """The quantity `z`, `dz`, `ŷ`, `dŷ` … of a derivation. Raises KeyError, naming the nearest."""
    known = derivation.quantities
    for key in _spellings(name):
        if key in known:
            return Result(derivation, known[key])
    near = nearest(name, known)
    advice = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
    raise KeyError(f"there is no quantity {name!r}; {advice}")


def _spellings(name: str) -> Iterator[str]:
    """The name as it is, then as the notation spells it: `dŷ` is `dyhat`."""
    yield name
    for before, rest in (("", name), ("d", name[1:])):
        if name.startswith(before):
            with suppress(ReadError):
                yield before + canonical_name(rest)


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """A quantity: `dW`, with its formula `dz xᵀ` and its value in the example."""

    derivation: Derivation
    quantity: Quantity

    @property
    def name(self) -> str:
        """`dW`."""
        return self.quantity.name

    @property
    def shape(self) -> Shape:
        """`()` for a scalar, `(n,)` for a vector, `(m, n)` for a matrix; a size may be a name."""
        return self.quantity.shape

    @property
    def node(self) -> Node:
        """The formula as a tree; for a given name, the name."""
        formula = self.quantity.formula
        return tree.Name(self.quantity.name) if formula is None else formula

    @property
    def latex(self) -> str:
        """The formula in LaTeX: `dz\\;x^T`."""
        return to_latex(self.node, style(self.derivation.exercise))

    @property
    def text(self) -> str:
        """The formula as plain text, which `notation.read` reads: `dz x^T`."""
        return to_plain(self.node)

    @property
    def symbolic(self) -> Any:
        """The formula as a SymPy matrix expression: `dz*x.T`; a scalar expression for a scalar.

        A vector of n entries is n×1. Raises NotSymbolic where SymPy has no such expression.
        """
        from symbackprop.derivation.expressions import expression

        return expression(self.derivation.exercise, self.node, self.shape)

    @property
    def value(self) -> Any:
        """The value as a new SymPy Matrix (a vector is n×1), or as a SymPy number for a scalar.

        Rationals are exact; irrational numbers are Floats with all the digits that are certain;
        entries without a value are the Symbols `y_1`, `W_1_2` …, counted from 1. None where a
        size or a function has no value.
        """
        numbers = self.quantity.numbers
        if numbers is None:
            numbers = self._symbols()
        return None if numbers is None else in_sympy(numbers)

    def _symbols(self) -> Array[Any] | None:
        """The entries of a given name without values."""
        sizes = tuple(size for size in self.shape if isinstance(size, int))
        if self.quantity.formula is not None or len(sizes) != len(self.shape):
            return None
        return leftover(self.name, sizes)

    @property
    def value_node(self) -> Node | None:
        """The value as a tree, rounded where it must be; None if there is none or it is wide."""
        numbers = self.quantity.numbers
        if numbers is None or (len(numbers.shape) == 2 and numbers.shape[1] > limits.SHOWN_COLUMNS):
            return None
        if numbers.shape and numbers.shape[0] > limits.SHOWN_ROWS:
            return None
        return _array_node(numbers, self.derivation.digits)

    def chain(self) -> Node:
        """`dW = dz xᵀ = (−4 0 −8)`, with `≈` where the value is rounded."""
        members = [_symbol(self.quantity)]
        relations: list[tree.Relation] = []
        if self.quantity.formula is not None:
            members.append(self.node)
            relations.append("=")
        value = self.value_node
        if value is not None and value != members[-1]:
            rounded = any(isinstance(part, tree.Number) and not part.exact for part in tree.walk(value))
            members.append(value)
            relations.append("≈" if rounded else "=")
        if not relations:
            return members[0]
        return tree.Chain(tuple(members), tuple(relations), (None,) * len(relations))

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {to_latex(self.chain(), style(self.derivation.exercise))}$"

    def __repr__(self) -> str:
        shape = "×".join(map(shown_size, self.shape)) or "scalar"
        return f"<{to_plain(self.chain())} ({shape})>"


def _symbol(quantity: Quantity) -> Node:
    made: Node = tree.Name(quantity.target)
    return tree.Gradient(made) if quantity.gradient else made


def _array_node(numbers: Array[Any], digits: int) -> Node:
    entries = [to_tree(entry, digits)[0] for entry in numbers.entries]
    if len(entries) == 1:
        return entries[0]
    if len(numbers.shape) == 1:
        return tree.Matrix(tuple((entry,) for entry in entries), "column")
    width = numbers.shape[1]
    rows = tuple(tuple(entries[start : start + width]) for start in range(0, len(entries), width))
    return tree.Matrix(rows, "matrix")


# --- numbers in SymPy -----------------------------------------------------------------------


def in_sympy(numbers: Array[Any]) -> Any:
    """An array as a new SymPy Matrix, a vector of n entries as n×1; a scalar as a number."""
    entries = [_number(entry) for entry in numbers.entries]
    if not numbers.shape:
        return entries[0]
    rows, columns = numbers.shape if len(numbers.shape) == 2 else (numbers.shape[0], 1)
    return sympy_module().Matrix(rows, columns, entries)


def _number(value: Any) -> Any:
    sy = sympy_module()
    if isinstance(value, Fraction):
        return sy.Rational(value.numerator, value.denominator)
    if isinstance(value, Poly):
        return sy.Add(*(_number(factor) * _monomial(powers) for powers, factor in value.ordered()))
    return _float(*bounds(value))


def _monomial(powers: Any) -> Any:
    sy = sympy_module()
    factors = [sy.Symbol("_".join((v.name, *map(str, v.places)))) ** power for v, power in powers]
    return sy.Mul(*factors)


def _float(low: Fraction, high: Fraction) -> Any:
    """The middle of an interval, with the digits that are certain."""
    sy = sympy_module()
    middle, width = (low + high) / 2, (high - low) / 2
    if not middle:
        return sy.Float(0)
    digits = 1
    while digits < _MOST_DIGITS and width * 10 ** (digits + 1) < abs(middle):
        digits += 1
    return sy.Float(sy.Rational(middle.numerator, middle.denominator), digits)


_MOST_DIGITS = limits.PRECISION_BITS * 3 // 10
