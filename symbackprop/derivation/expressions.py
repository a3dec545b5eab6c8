"""Formulas as SymPy matrix expressions, for those who go on computing with them.

Every array is a matrix: a vector of n entries is n×1, as in `MatrixSymbol("x", n, 1)`; a scalar
is a scalar. Functions act entry by entry with their formulas in, so that putting values for the
symbols gives numbers; a function without a formula stays an undefined function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from symbackprop.algebra.functions import ATOMS, TABLE, Function
from symbackprop.algebra.slopes import Branch, Slope, slope
from symbackprop.algebra.symbolic import NotSymbolic, sympy_module
from symbackprop.algebra.values.apply import formula
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Shape, Size

Scalar = Callable[[Any], Any]


def expression(exercise: Exercise, node: Node, shape: Shape) -> Any:
    """`node` as a matrix expression, or as a scalar for shape `()`.

    Names are `MatrixSymbol`s (`Symbol`s where they are scalars) with the names of the model,
    gradients those with a `d` before them; sizes without a number are positive integer Symbols.
    Raises NotSymbolic where SymPy's matrix expressions have nothing that means the formula.
    """
    working = _Working(exercise)
    made = working.go(node)
    if not shape:
        return working.lone(made)
    rows, columns = working.sides(shape)
    if not is_matrix(made):
        return made * working.sy.OneMatrix(rows, columns)
    return made


def is_matrix(made: Any) -> bool:
    """Whether SymPy says that this is a matrix of any kind."""
    return bool(getattr(made, "is_Matrix", False) or getattr(made, "is_MatrixExpr", False))


@dataclass(slots=True)
class _Working:
    """`bound` are the indices of the sums around, `entries` what formulas of functions call by name."""

    exercise: Exercise
    sy: Any = field(default_factory=sympy_module)
    bound: dict[str, Any] = field(default_factory=dict)
    entries: dict[str, Any] | None = None

    # --- symbols

    def size(self, size: Size) -> Any:
        if isinstance(size, int):
            return self.sy.Integer(size)
        return self.sy.Symbol(size, integer=True, positive=True)

    def sides(self, shape: Shape) -> tuple[Any, Any]:
        """Rows and columns; a vector is a column."""
        rows, columns = shape if len(shape) == 2 else (shape[0], 1)
        return self.size(rows), self.size(columns)

    def name(self, name: str, shown: str) -> Any:
        """The symbol of a name; `shown` is it with a d before it for a gradient."""
        if self.entries is not None and name in self.entries:
            return self.entries[name]
        if name in self.bound:
            return self.bound[name]
        shape = self.exercise.shapes.get(name)
        if shape is None:
            return self.size(self.exercise.declared_sizes.get(name, name))
        if not shape:
            return self.sy.Symbol(shown)
        return self.sy.MatrixSymbol(shown, *self.sides(shape))

    # --- nodes

    def go(self, node: Node) -> Any:
        match node:
            case tree.Number(value):
                return self.sy.Rational(value.numerator, value.denominator)
            case tree.Constant():
                return self.sy.pi
            case tree.Name(name):
                return self.name(name, name)
            case tree.Gradient(tree.Name(name)):
                return self.name(name, "d" + name)
            case tree.Gradient(tree.Index(base, places)):
                return self.index(self.go(tree.Gradient(base)), places)
            case tree.Index(base, places):
                return self.index(self.go(base), places)
            case tree.Neg(body):
                return -self.go(body)
            case tree.Transpose(body):
                made = self.go(body)
                return made.T if is_matrix(made) else made
            case tree.Bracket(body) | tree.Brace(body) | tree.Box(body) | tree.Coloured(body):
                return self.go(body)
            case tree.Ones(size) if size is not None:
                return self.sy.OneMatrix(self.go(size), 1)
            case _:
                return self.compound(node)

    def compound(self, node: Node) -> Any:
        match node:
            case tree.Add(terms):
                return self.add([self.go(term) for term in terms])
            case tree.Product(factors, signs):
                made = self.go(factors[0])
                for sign, factor in zip(signs, factors[1:], strict=True):
                    made = self.times(made, self.go(factor), matrices=sign in {"", "cdot"})
                return made
            case tree.Quotient(above, below):
                return self.divided(self.go(above), self.go(below))
            case tree.Power(base, exponent):
                return self.power(self.go(base), self.lone(self.go(exponent)))
            case tree.Norm(body, kind):
                return self.norm(self.go(body), kind)
            case tree.Delta(first, second):
                return self.sy.KroneckerDelta(self.go(first), self.go(second))
            case tree.Sum(index, low, high, body) if high is not None:
                return self.sum(index, low, high, body)
            case tree.Matrix(rows, _):
                cells = [[self.lone(self.go(cell)) for cell in row] for row in rows]
                return self.sy.ImmutableMatrix(cells)
            case tree.Call():
                return self.call(node)
        raise NotSymbolic("SymPy's matrix expressions cannot say this formula; its text and its value can")

    # --- arithmetic

    def lone(self, made: Any) -> Any:
        """What has size 1 as a scalar: its trace, which SymPy can differentiate."""
        if not is_matrix(made):
            return made
        if tuple(made.shape) != (1, 1):
            raise NotSymbolic("a matrix stands where a number is needed")
        return made[0, 0] if made.is_Matrix and isinstance(made, self.sy.MatrixBase) else self.sy.Trace(made)

    def add(self, terms: list[Any]) -> Any:
        """A scalar beside a matrix is added to every entry."""
        shapes = [term.shape for term in terms if is_matrix(term)]
        if not shapes:
            return self.sy.Add(*terms)
        ones = self.sy.OneMatrix(*shapes[0])
        made = [term if is_matrix(term) else term * ones for term in terms]
        return self.sy.MatAdd(*made)

    def times(self, left: Any, right: Any, *, matrices: bool) -> Any:
        if not (is_matrix(left) and is_matrix(right)):
            return left * right
        if matrices and left.shape[1] == right.shape[0]:
            return left * right
        if left.shape == right.shape and not matrices:
            return self.sy.HadamardProduct(left, right)
        if tuple(left.shape) == (1, 1):
            return self.lone(left) * right
        if tuple(right.shape) == (1, 1):
            return left * self.lone(right)
        raise NotSymbolic("a product of matrices that do not fit")

    def divided(self, above: Any, below: Any) -> Any:
        if not is_matrix(below):
            return above * (1 / below)
        if is_matrix(above) and above.shape != below.shape:
            return above * (1 / self.lone(below))
        inverse = self.entrywise(below, lambda entry: 1 / entry)
        return self.times(above, inverse, matrices=False)

    def power(self, base: Any, exponent: Any) -> Any:
        if not is_matrix(base):
            return base**exponent
        if tuple(base.shape) == (1, 1) and exponent.is_Integer and exponent > 0:
            return base**exponent
        return self.entrywise(base, lambda entry: entry**exponent)

    def norm(self, body: Any, kind: str) -> Any:
        if kind == "1":
            return self.total(self.entrywise(body, self.sy.Abs))
        return self.sy.sqrt(self.sy.Trace(body.T * body)) if is_matrix(body) else self.sy.Abs(body)

    # --- entries

    def index(self, base: Any, places: tuple[Node, ...]) -> Any:
        """Places count from 1; SymPy's from 0. A slice has both its ends."""
        at = [self.place(place) for place in places]
        if len(at) == 1:
            return base[at[0], :] if isinstance(at[0], slice) else base[at[0], 0]
        if isinstance(at[0], slice) and not isinstance(at[1], slice):
            return base[at[0], at[1] : at[1] + 1]
        if isinstance(at[1], slice) and not isinstance(at[0], slice):
            return base[at[0] : at[0] + 1, at[1]]
        return base[at[0], at[1]]

    def place(self, place: Node) -> Any:
        if isinstance(place, tree.Slice):
            low = None if place.low is None else self.go(place.low) - 1
            high = None if place.high is None else self.go(place.high)
            return slice(low, high)
        return self.go(place) - 1

    def sum(self, index: str, low: Node, high: Node, body: Node) -> Any:
        dummy = self.sy.Dummy(index, integer=True)
        before = dict(self.bound)
        ends = self.go(low), self.go(high)
        self.bound[index] = dummy
        try:
            return self.sy.Sum(self.lone(self.go(body)), (dummy, *ends))
        finally:
            self.bound = before

    def entrywise(self, made: Any, apply: Scalar) -> Any:
        """`apply` on every entry. SymPy would call it on the matrix itself where there is one entry."""
        if not is_matrix(made):
            return apply(made)
        if tuple(made.shape) == (1, 1):
            return self.sy.ImmutableMatrix([[apply(made[0, 0])]])
        dummy = self.sy.Dummy("u")
        return made.applyfunc(self.sy.Lambda(dummy, apply(dummy)))

    def total(self, made: Any) -> Any:
        """Σ over all entries."""
        if not is_matrix(made):
            return made
        i, j = self.sy.Dummy("i", integer=True), self.sy.Dummy("j", integer=True)
        rows, columns = made.shape
        if columns == 1:
            return made[0, 0] if rows == 1 else self.sy.Sum(made[i, 0], (i, 0, rows - 1))
        return self.sy.Sum(made[i, j], (j, 0, columns - 1), (i, 0, rows - 1))

    # --- functions

    def call(self, node: tree.Call) -> Any:
        if node.function in {"sum", "mean"} and not node.primes:
            return self.reduction(node)
        row = self.exercise.functions.get(node.function) or TABLE.get(node.function)
        if row is None:
            raise NotSymbolic(f"SymPy's matrix expressions have nothing for {node.function}")
        args = [self.go(arg) for arg in node.args]
        options = dict(node.options)
        if len(args) == 1:
            return self.entrywise(args[0], self.scalar(row, options, node.primes))
        if node.primes or not row.smooth:
            raise NotSymbolic(f"the derivative of {node.function}")
        made = self.lifted(row, args, options)
        if row.reduce is None:
            return made
        total = self.total(made)
        return total / self.count(made) if row.reduce == "mean" else total

    def count(self, made: Any) -> Any:
        return made.shape[0] * made.shape[1] if is_matrix(made) else 1

    def reduction(self, node: tree.Call) -> Any:
        """`sum` and `mean`, of all entries or along an axis."""
        made = self.go(node.args[0])
        axis = dict(node.options).get("axis")
        mean = node.function == "mean"
        if axis is None or not is_matrix(made) or made.shape[1] == 1:
            total = self.total(made)
            return total / self.count(made) if mean else total
        rows, columns = made.shape
        if axis == tree.Number(Fraction(0)):
            down = made.T * self.sy.OneMatrix(rows, 1)
            return down / rows if mean else down
        along = made * self.sy.OneMatrix(columns, 1)
        return along / columns if mean else along

    def lifted(self, row: Function, args: list[Any], options: Mapping[str, Node]) -> Any:
        """The formula of a row of several arguments, on whole matrices entry by entry."""
        shape = next((arg.shape for arg in args if is_matrix(arg)), None)
        if any(is_matrix(arg) and arg.shape != shape for arg in args):
            raise NotSymbolic(f"{row.name} of arrays of different shapes")
        inner = _Working(self.exercise, self.sy, self.bound)
        own = {key: self.lone(self.go(options.get(key, self.read(text)))) for key, text in row.options}
        inner.entries = {**dict(zip(row.arguments, args, strict=True)), **own}
        return _Entrywise(inner).go(self.read(row.pieces[0].formula))

    def read(self, text: str) -> Node:
        return formula(text, frozenset(self.exercise.functions))

    def scalar(self, row: Function, options: Mapping[str, Node], primes: int) -> Scalar:
        """A function of one argument (or its derivative) as what it does to a scalar of SymPy."""
        if not row.pieces:
            undefined = self.sy.Function(row.name)
            return self.derived(undefined, primes)
        if row.name in ATOMS:
            return self.derived(getattr(self.sy, row.name), primes)
        made = self.slope(row, options)
        chosen = made.branches if primes else made.values
        first = self.by_cases(made, chosen, kinks=bool(primes))
        return self.derived(first, primes - 1) if primes > 1 else first

    def slope(self, row: Function, options: Mapping[str, Node]) -> Slope:
        kinks = self.exercise.kinks.get(row.convention or row.name, {})
        own = self.exercise.functions
        return slope(row, lambda text, _: self.read(text), options=options, kinks=kinks, functions=own)

    def derived(self, function: Scalar, primes: int) -> Scalar:
        if primes <= 0:
            return function

        def at(entry: Any) -> Any:
            u = self.sy.Dummy("u")
            slope_ = self.sy.diff(function(u), u, primes)
            if slope_.has(self.sy.Derivative) and not entry.is_Symbol:
                return self.sy.Subs(slope_, u, entry)
            return slope_.xreplace({u: entry})

        return at

    def by_cases(self, made: Slope, branches: tuple[Branch, ...], *, kinks: bool) -> Scalar:
        """Branches as a Piecewise; at a kink, what the convention in force takes there."""

        def at(entry: Any) -> Any:
            inner = _Working(self.exercise, self.sy, self.bound)
            inner.entries = {"u": entry}
            if len(branches) == 1:
                return inner.go(branches[0].value)
            pairs = []
            apart = [kink for kink in made.kinks if kink.taken != kink.right] if kinks else []
            for kink in apart:
                pairs.append((inner.go(kink.taken), self.sy.Eq(entry, inner.go(kink.at))))
            for branch in branches:
                bound = branch.bound
                pairs.append((inner.go(branch.value), True if bound is None else entry >= inner.go(bound)))
            return self.sy.Piecewise(*pairs)

        return at


@dataclass(slots=True)
class _Entrywise:
    """A scalar formula on matrices: every product, quotient and power is entry by entry."""

    working: _Working

    def go(self, node: Node) -> Any:
        working = self.working
        match node:
            case tree.Bracket(body):
                return self.go(body)
            case tree.Neg(body):
                return -self.go(body)
            case tree.Add(terms):
                return working.add([self.go(term) for term in terms])
            case tree.Product(factors, _):
                made = self.go(factors[0])
                for factor in factors[1:]:
                    made = working.times(made, self.go(factor), matrices=False)
                return made
            case tree.Quotient(above, below):
                return working.divided(self.go(above), self.go(below))
            case tree.Power(base, exponent):
                power = self.go(exponent)
                return working.entrywise(self.go(base), lambda entry: entry**power)
            case tree.Call(function, (arg,), options, primes):
                row = working.exercise.functions.get(function) or TABLE[function]
                named = {key: _constant(working.go(value)) for key, value in options}
                return working.entrywise(self.go(arg), working.scalar(row, named, primes))
        return working.go(node)


def _constant(value: Any) -> Node:
    """The value of an option that a formula hands on, as a node again."""
    if not value.is_Rational:
        raise NotSymbolic("an option that is no number")
    return tree.number(Fraction(int(value.p), int(value.q)))
