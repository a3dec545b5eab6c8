"""Functions applied to arrays: the rows of the table and own functions.

A row is its formula, evaluated on all entries at once. A derivative (`g'(z)`) is the same formula in dual
numbers; where an argument sits on a kink, the convention in force mixes the slopes of the two pieces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any, TypeVar

from symbackprop.algebra.functions import ALIASES, ATOMS, Function
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import (
    Domain,
    DomainProblem,
    EvaluationError,
    NoSlope,
    Symbolic,
    Undecided,
)
from symbackprop.algebra.values.dual import Dual, Duals
from symbackprop.algebra.values.evaluate import Evaluator, Scope
from symbackprop.algebra.values.operations import OPERATIONS
from symbackprop.notation import tree
from symbackprop.notation.read import Vocabulary, read
from symbackprop.notation.tree import Node

T = TypeVar("T")

PRIMES = 4  # derivatives of one function; each doubles the work


def call(evaluator: Evaluator[T], node: tree.Call, scope: Scope[T]) -> Array[T]:
    """The value of a call. Raises EvaluationError for an unknown function or a wrong number of arguments."""
    if node.function in OPERATIONS and not node.primes:
        return OPERATIONS[node.function](evaluator, node, scope)
    row = _row(evaluator, node)
    shape, columns = _side_by_side(evaluator, node, scope)
    try:
        entries = _derived(evaluator, row, columns, _options(evaluator, row, node, scope), node.primes)
    except DomainProblem as problem:
        # In a formula the entry is counted along the flat arrays; outside, it becomes a place.
        raise (problem if scope.entrywise else problem.placed(shape).at(row.name)) from None
    return _reduced(evaluator.domain, row, Array(shape, tuple(entries)), node.primes)


def _row(evaluator: Evaluator[Any], node: tree.Call) -> Function:
    row = evaluator.row(node.function)
    if row is None:
        raise EvaluationError(node, f"there is no function {node.function}")
    if len(node.args) != len(row.arguments) and row.pieces:
        raise EvaluationError(node, f"{row.name} takes {len(row.arguments)} arguments, not {len(node.args)}")
    if node.primes > PRIMES:
        raise EvaluationError(node, f"more than {PRIMES} derivatives")
    return row


def rowwise(evaluator: Evaluator[Any], node: tree.Call) -> Function | None:
    """The row that a call is about; None for what acts on whole arrays. Raises like `call`."""
    return None if node.function in OPERATIONS and not node.primes else _row(evaluator, node)


def applied(
    evaluator: Evaluator[T], row: Function, node: tree.Call, columns: Sequence[Sequence[T]], scope: Scope[T]
) -> Sequence[T]:
    """A call on scalars, at many points at once: `columns` has one list for each argument."""
    try:
        return _derived(evaluator, row, columns, _options(evaluator, row, node, scope), node.primes)
    except DomainProblem as problem:
        raise problem.at(row.name) from None


def _side_by_side(
    evaluator: Evaluator[T], node: tree.Call, scope: Scope[T]
) -> tuple[tuple[int, ...], list[Sequence[T]]]:
    """The arguments with one shape; a scalar or an array of size 1 stands beside every entry."""
    arrays = [evaluator.value(arg, scope(like=scope.like)) for arg in node.args]
    shape = arrays[0].shape
    for array in arrays[1:]:
        shape = evaluator.paired(node, Array(shape, arrays[0].entries[:1] * _size(shape)), array)[0]
    size = _size(shape)
    return shape, [a.entries if len(a.entries) == size else a.entries * size for a in arrays]


def _options(evaluator: Evaluator[T], row: Function, node: tree.Call, scope: Scope[T]) -> dict[str, T]:
    given = dict(node.options)
    for name in given:
        if name not in dict(row.options):
            raise EvaluationError(node, f"{row.name} has no option {name}")
    return {
        name: evaluator.number(given[name], scope)
        if name in given
        else evaluator.number(formula(default, frozenset(evaluator.functions)), Scope({}))
        for name, default in row.options
    }


def _reduced(domain: Domain[T], row: Function, made: Array[T], primes: int) -> Array[T]:
    """A loss adds its entries up or takes their mean; its derivative has one entry per argument entry."""
    if row.reduce is None:
        return made
    if row.reduce == "mean":
        share = domain.from_fraction(Fraction(1, len(made.entries)))
        made = made.map(lambda entry: domain.mul(share, entry))
    return made if primes else Array((), (domain.total(made.entries),))


# --- rows --------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def formula(text: str, own: frozenset[str] = frozenset()) -> Node:
    """A formula of a row as a tree. `own` are the names of the exercise's functions. Raises ReadError."""
    functions = {**ALIASES, **{name: name for name in (*OPERATIONS, *own)}}
    return read(text, Vocabulary(functions=functions, names=None))


def _derived(
    evaluator: Evaluator[T],
    row: Function,
    columns: Sequence[Sequence[T]],
    options: Mapping[str, T],
    primes: int,
) -> Sequence[T]:
    """The function, `primes` times differentiated by its first argument, entry by entry."""
    if primes == 0:
        return _applied(evaluator, row, columns, options)
    duals = Duals(evaluator.domain)
    one = evaluator.domain.one
    first = [Dual(entry, one) for entry in columns[0]]
    others = [[duals.lift(entry) for entry in column] for column in columns[1:]]
    lifted = {name: duals.lift(value) for name, value in options.items()}
    moved: Sequence[Dual[T]] = _derived(evaluator.over(duals), row, [first, *others], lifted, primes - 1)
    return [entry.slope for entry in moved]


def _applied(
    evaluator: Evaluator[T], row: Function, columns: Sequence[Sequence[T]], options: Mapping[str, T]
) -> Sequence[T]:
    domain = evaluator.domain
    if not row.pieces:
        orders = (0,) * len(columns)
        return [domain.generic(row.name, orders, args) for args in zip(*columns, strict=True)]
    if row.name in ATOMS:
        size = (len(columns[0]),)
        return evaluator.each(size, lambda a: domain.atom(row.name, a), columns[0]).entries
    if row.smooth:
        return _formula(evaluator, row, row.pieces[0].formula, columns, options)
    return _by_cases(evaluator, row, columns, options)


def _formula(
    evaluator: Evaluator[T],
    row: Function,
    text: str,
    columns: Sequence[Sequence[T]],
    options: Mapping[str, T],
) -> Sequence[T]:
    """A formula on all entries at once."""
    size = len(columns[0])
    env = {name: Array((size,), tuple(column)) for name, column in zip(row.arguments, columns, strict=True)}
    env.update({name: Array((), (value,)) for name, value in options.items()})
    node = formula(text, frozenset(evaluator.functions))
    value = evaluator.value(node, Scope(env, entrywise=True, powers=True))
    return value.entries if value.shape else value.entries * size


def _by_cases(
    evaluator: Evaluator[T], row: Function, columns: Sequence[Sequence[T]], options: Mapping[str, T]
) -> Sequence[T]:
    """Each entry by the first piece whose bound the deciding quantity reaches."""
    domain = evaluator.domain
    _check_bounds(evaluator, row, columns, options)
    deciding = _formula(evaluator, row, row.on or row.arguments[0], columns, options)
    rest = list(range(len(columns[0])))
    done: dict[int, T] = {}
    for place, piece in enumerate(row.pieces):
        signs = dict.fromkeys(rest, 1)
        if piece.bound is not None and rest:
            bound = _formula(evaluator, row, piece.bound, [column[:1] for column in columns], options)[0]
            signs = {i: domain.sign(domain.sub(deciding[i], bound)) for i in rest}
        inside = [i for i in rest if signs[i] >= 0]
        done.update(_on(evaluator, row, piece.formula, columns, options, inside))
        ties = [i for i in inside if signs[i] == 0]
        if ties and domain.core is not domain:
            lower = _on(evaluator, row, row.pieces[place + 1].formula, columns, options, ties)
            for i in ties:
                _check_jump(domain, row, i, deciding[i], done[i], lower[i])
                args = [column[i] for column in columns]
                done[i] = domain.tie(done[i], lower[i], _share(evaluator, row, place, args, options))
        rest = [i for i in rest if signs[i] < 0]
    return [done[i] for i in range(len(columns[0]))]


def _check_bounds(
    evaluator: Evaluator[T], row: Function, columns: Sequence[Sequence[T]], options: Mapping[str, T]
) -> None:
    """Raise DomainProblem where an option puts the bounds of the pieces out of order: `delta = -1`."""
    texts = [piece.bound for piece in row.pieces if piece.bound is not None]
    if len(texts) < 2 or not columns[0]:
        return
    first = [column[:1] for column in columns]
    found = [evaluator.domain.rational(_formula(evaluator, row, text, first, options)[0]) for text in texts]
    for above, below in pairwise(found):
        if above is not None and below is not None and below >= above:
            given = ", ".join(f"{name} = {evaluator.domain.show(value)}" for name, value in options.items())
            name = row.convention or row.name
            reason = f"its pieces go from the highest bound down, and {below} comes after {above}"
            raise DomainProblem(f"{name} with {given}" if given else name, "", reason)


def _check_jump(domain: Domain[T], row: Function, place: int, at: T, upper: T, lower: T) -> None:
    """Raise NoSlope where two pieces meet at different values: there is no derivative of a jump."""
    core = domain.core
    try:
        jumps = core.sign(core.sub(domain.core_of(upper), domain.core_of(lower))) != 0
    except (Undecided, Symbolic):
        return  # nothing says that it does
    if jumps:
        name = row.convention or row.name
        problem = NoSlope(f"the derivative of {name}", domain.show(at), "it jumps there")
        problem.entry = place
        raise problem


def _on(
    evaluator: Evaluator[T],
    row: Function,
    text: str,
    columns: Sequence[Sequence[T]],
    options: Mapping[str, T],
    chosen: list[int],
) -> dict[int, T]:
    """A formula on some entries only: elsewhere it may have no value."""
    if not chosen:
        return {}
    parts = columns
    if len(chosen) != len(columns[0]):
        parts = [[column[i] for i in chosen] for column in columns]
    try:
        return dict(zip(chosen, _formula(evaluator, row, text, parts, options), strict=True))
    except DomainProblem as problem:
        if problem.entry is not None:
            problem.entry = chosen[problem.entry]
        raise


def _share(
    evaluator: Evaluator[T], row: Function, place: int, args: Sequence[T], options: Mapping[str, T]
) -> Any:
    """The share of the upper piece's slope at a bound: from the convention in force, else the row's tie.

    A convention gives the slope with respect to the deciding quantity; the slopes of the two pieces are
    taken by the first argument, relative to that of the deciding quantity.
    """
    domain = evaluator.domain
    core = domain.core
    below: Evaluator[Any] = evaluator.over(core)
    columns = [[domain.core_of(a)] for a in args]
    plain = {name: domain.core_of(value) for name, value in options.items()}
    default = core.from_fraction(Fraction(row.tie))
    bound = _formula(below, row, row.pieces[place].bound or "0", columns, plain)[0]
    wanted = [
        slope
        for at, slope in evaluator.kinks.get(row.convention or row.name, {}).items()
        if core.is_zero(core.sub(core.from_fraction(at), bound))
    ]
    if not wanted:
        return default
    texts = (row.on or row.arguments[0], row.pieces[place].formula, row.pieces[place + 1].formula)
    decides, upper, lower = (_slope(below, row, text, columns, plain) for text in texts)
    gap = core.sub(upper, lower)
    if core.is_zero(decides) or core.is_zero(gap):
        return default
    return core.div(core.sub(core.mul(core.from_fraction(wanted[0]), decides), lower), gap)


def _slope(
    evaluator: Evaluator[Any], row: Function, text: str, columns: list[list[Any]], options: Mapping[str, Any]
) -> Any:
    """The derivative of one formula by the first argument, at one point."""
    duals = Duals(evaluator.domain)
    first = [Dual(columns[0][0], evaluator.domain.one)]
    others = [[duals.lift(column[0])] for column in columns[1:]]
    lifted = {name: duals.lift(value) for name, value in options.items()}
    return _formula(evaluator.over(duals), row, text, [first, *others], lifted)[0].slope


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size
