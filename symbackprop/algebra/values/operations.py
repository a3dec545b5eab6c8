"""What acts on whole arrays: sums and means, softmax, products of vectors, arrays made of others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import chain
from typing import Any, TypeVar

from symbackprop import limits
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Domain, DomainProblem, EvaluationError
from symbackprop.algebra.values.evaluate import Evaluator, Scope
from symbackprop.notation import tree

T = TypeVar("T")

Lines = Sequence[Sequence[T]]


def _args(evaluator: Evaluator[T], node: tree.Call, scope: Scope[T], count: int | None) -> list[Array[T]]:
    """The arguments, `count` of them (None: one or more), without options. Raises EvaluationError."""
    if node.options:
        raise EvaluationError(node, f"{node.function} has no option {node.options[0][0]}")
    if not node.args or len(node.args) != (count or len(node.args)):
        wanted = f"{count or 'one or more'} argument{'' if count == 1 else 's'}"
        raise EvaluationError(node, f"{node.function} takes {wanted}, not {len(node.args)}")
    return [evaluator.value(arg, scope()) for arg in node.args]


def _axis(evaluator: Evaluator[T], node: tree.Call, scope: Scope[T], count: int = 1) -> int | None:
    """The axis that is asked for, of an operation with `count` arguments."""
    given = dict(node.options)
    if set(given) - {"axis"} or len(node.args) != count:
        wanted = "one argument" if count == 1 else f"{count} arguments"
        raise EvaluationError(node, f"{node.function} takes {wanted} and axis = 0 or 1")
    if "axis" not in given:
        return None
    axis = evaluator.whole(given["axis"], scope)
    if axis not in (0, 1):
        raise EvaluationError(node, "axis is 0 or 1")
    return axis


def _lines(node: tree.Call, value: Array[T], axis: int) -> Lines[T]:
    """The columns (axis 0) or the rows (axis 1) of a matrix; a vector is one column."""
    if not value.shape or axis >= len(value.shape) or len(value.shape) > 2:
        raise EvaluationError(node, f"axis = {axis} of an array of shape {value.shape}")
    if len(value.shape) == 1:
        return [value.entries]
    return value.columns() if axis == 0 else list(value.rows())


# --- sums and means -----------------------------------------------------------------------------


def _reduced(evaluator: Evaluator[T], node: tree.Call, scope: Scope[T]) -> tuple[Lines[T], tuple[int, ...]]:
    """The entries that are added up together, and the shape of the sums."""
    axis = _axis(evaluator, node, scope)
    value = evaluator.value(node.args[0], scope(powers=True))
    if axis is None:
        return [value.entries], ()
    lines = _lines(node, value, axis)
    return lines, () if len(value.shape) == 1 else (len(lines),)


def _total(evaluator: Evaluator[T], node: tree.Call, scope: Scope[T]) -> Array[T]:
    """All entries, or down the columns (axis 0), or along the rows (axis 1)."""
    lines, shape = _reduced(evaluator, node, scope)
    return Array(shape, tuple(map(evaluator.domain.total, lines)))


def _mean(evaluator: Evaluator[T], node: tree.Call, scope: Scope[T]) -> Array[T]:
    domain = evaluator.domain
    lines, shape = _reduced(evaluator, node, scope)
    share = domain.from_fraction(Fraction(1, len(lines[0])))
    return Array(shape, tuple([domain.mul(share, domain.total(line)) for line in lines]))


# --- softmax ------------------------------------------------------------------------------------


def _softmax(evaluator: Evaluator[T], node: tree.Call, scope: Scope[T]) -> Array[T]:
    """exp(z_i) / Σ exp(z_j), or its logarithm: of a vector, of each row, or of each column (axis 0)."""
    axis = _axis(evaluator, node, scope)
    value = evaluator.value(node.args[0], scope())
    return _by_lines(evaluator.domain, node, value, axis, _SOFT[node.function])


def _cross_entropy_logits(evaluator: Evaluator[T], node: tree.Call, scope: Scope[T]) -> Array[T]:
    """Σ −t log_softmax(z), over all rows (or columns, axis 0) of a matrix."""
    domain = evaluator.domain
    axis = _axis(evaluator, node, scope, count=2)
    logits, targets = (evaluator.value(arg, scope()) for arg in node.args)
    logarithms = _by_lines(domain, node, logits, axis, _log_softmax_line)
    _, left, right = evaluator.paired(node, targets, logarithms)
    return Array((), (domain.neg(domain.dot(left, right)),))


def _by_lines(
    domain: Domain[T], node: tree.Call, value: Array[T], axis: int | None, each: Callable[..., list[T]]
) -> Array[T]:
    lines = _lines(node, value, axis if axis is not None else max(len(value.shape) - 1, 0))
    try:
        done = [each(domain, line) for line in lines]
    except DomainProblem as problem:
        raise problem.at(node.function) from None
    if len(value.shape) == 2 and axis == 0:
        return Array((len(done), len(done[0])), tuple(chain.from_iterable(done))).transposed()
    return value.with_entries(chain.from_iterable(done))


def _shifted(domain: Domain[T], line: Sequence[T]) -> Sequence[T]:
    """Rational numbers minus the largest, which changes no softmax: equal ones then stay rational."""
    found = [domain.rational(entry) for entry in line]
    known = [entry for entry in found if entry is not None]
    if len(known) < len(line):
        return line
    most = domain.from_fraction(max(known))
    return [domain.sub(entry, most) for entry in line]


def _softmax_line(domain: Domain[T], line: Sequence[T]) -> list[T]:
    grown = [domain.atom("exp", entry) for entry in _shifted(domain, line)]
    total = domain.total(grown)
    return [domain.div(entry, total) for entry in grown]


def _log_softmax_line(domain: Domain[T], line: Sequence[T]) -> list[T]:
    shifted = _shifted(domain, line)
    whole = domain.atom("log", domain.total([domain.atom("exp", entry) for entry in shifted]))
    return [domain.sub(entry, whole) for entry in shifted]


_SOFT: Mapping[str, Callable[..., list[Any]]] = {"softmax": _softmax_line, "log_softmax": _log_softmax_line}


# --- products of vectors, and the diagonal --------------------------------------------------------


def _vectors(evaluator: Evaluator[T], node: tree.Call, scope: Scope[T]) -> list[Sequence[T]]:
    """Two vectors; an array of size 1 is one too."""
    values = _args(evaluator, node, scope, 2)
    for value in values:
        if len(value.shape) != 1 and len(value.entries) != 1:
            raise EvaluationError(node, f"{node.function} is of vectors, not of shape {value.shape}")
    return [value.entries for value in values]


def _dot(evaluator: Evaluator[T], node: tree.Call, scope: Scope[T]) -> Array[T]:
    """Σ a_i b_i."""
    left, right = _vectors(evaluator, node, scope)
    if len(left) != len(right):
        raise EvaluationError(node, f"vectors of {len(left)} and {len(right)} entries")
    return Array((), (evaluator.domain.dot(left, right),))


def _outer(evaluator: Evaluator[T], node: tree.Call, scope: Scope[T]) -> Array[T]:
    """a_i b_j."""
    left, right = _vectors(evaluator, node, scope)
    entries = evaluator.domain.matmul([[entry] for entry in left], [[entry] for entry in right])
    return Array((len(left), len(right)), tuple(entries))


def _trace(evaluator: Evaluator[T], node: tree.Call, scope: Scope[T]) -> Array[T]:
    """Σ A_ii."""
    (value,) = _args(evaluator, node, scope, 1)
    return Array((), (evaluator.domain.total(_diagonal(node, value)),))


def _diag(evaluator: Evaluator[T], node: tree.Call, scope: Scope[T]) -> Array[T]:
    """The matrix with a vector on its diagonal, or the diagonal of a square matrix."""
    (value,) = _args(evaluator, node, scope, 1)
    if len(value.shape) != 1:
        found = _diagonal(node, value)
        return Array((len(found),), tuple(found))
    count, zero = len(value.entries), evaluator.domain.zero
    _limited(node, count, count)
    rows = ([zero] * at + [entry] + [zero] * (count - 1 - at) for at, entry in enumerate(value.entries))
    return Array((count, count), tuple(chain.from_iterable(rows)))


def _diagonal(node: tree.Call, value: Array[T]) -> Sequence[T]:
    if len(value.shape) != 2 or value.shape[0] != value.shape[1]:
        raise EvaluationError(node, f"{node.function} of an array of shape {value.shape}")
    return value.entries[:: value.shape[0] + 1]


# --- arrays from sizes -----------------------------------------------------------------------------


def _eye(evaluator: Evaluator[T], node: tree.Call, scope: Scope[T]) -> Array[T]:
    """The identity matrix."""
    (count,) = _sizes(evaluator, node, scope, 1)
    _limited(node, count, count)
    one, zero = evaluator.domain.one, evaluator.domain.zero
    return Array((count, count), tuple(one if i == j else zero for i in range(count) for j in range(count)))


def _zeros(evaluator: Evaluator[T], node: tree.Call, scope: Scope[T]) -> Array[T]:
    shape = _sizes(evaluator, node, scope, len(node.args))
    count = _limited(node, *shape)
    return Array(shape, (evaluator.domain.zero,) * count)


def _onehot(evaluator: Evaluator[T], node: tree.Call, scope: Scope[T]) -> Array[T]:
    """1 at one place, counted from 1, and 0 elsewhere."""
    place, count = _sizes(evaluator, node, scope, 2)
    _limited(node, count)
    if not 1 <= place <= count:
        raise EvaluationError(node, f"place {place} is outside 1..{count}")
    one, zero = evaluator.domain.one, evaluator.domain.zero
    return Array((count,), tuple(one if at == place else zero for at in range(1, count + 1)))


def _sizes(evaluator: Evaluator[T], node: tree.Call, scope: Scope[T], count: int) -> tuple[int, ...]:
    if node.options or not node.args or len(node.args) != count:
        raise EvaluationError(node, f"{node.function} takes {count or 'one or more'} sizes and no option")
    return tuple(evaluator.whole(arg, scope) for arg in node.args)


def _limited(node: tree.Call, *shape: int) -> int:
    """How many entries. Raises EvaluationError for a size below 1 or too many entries."""
    count = 1
    for size in shape:
        count *= size
    if any(not 1 <= size <= limits.SIZE for size in shape) or count > limits.ENTRIES:
        raise EvaluationError(node, f"an array of shape {shape}")
    return count


# --- one above the other, side by side --------------------------------------------------------------


def _stack(evaluator: Evaluator[T], node: tree.Call, scope: Scope[T]) -> Array[T]:
    """Vectors (a scalar counts as one entry) or matrices with the same columns, one above the other."""
    values = _args(evaluator, node, scope, None)
    entries = tuple(chain.from_iterable(value.entries for value in values))
    tails = {value.shape[1:] for value in values}
    if any(len(value.shape) > 2 for value in values) or len(tails) != 1:
        raise EvaluationError(node, f"stack of the shapes {_listed(values)}")
    (tail,) = tails
    return Array((len(entries) // tail[0], *tail) if tail else (len(entries),), entries)


def _hstack(evaluator: Evaluator[T], node: tree.Call, scope: Scope[T]) -> Array[T]:
    """Matrices with the same rows side by side; a vector is one column."""
    values = _args(evaluator, node, scope, None)
    heights = {value.shape[0] if value.shape else 1 for value in values}
    if any(len(value.shape) > 2 for value in values) or len(heights) != 1:
        raise EvaluationError(node, f"hstack of the shapes {_listed(values)}")
    (height,) = heights
    rows = [list(value.reshaped((height, len(value.entries) // height)).rows()) for value in values]
    entries = tuple(entry for parts in zip(*rows, strict=True) for part in parts for entry in part)
    return Array((height, len(entries) // height), entries)


def _listed(values: Sequence[Array[T]]) -> str:
    return ", ".join(str(value.shape) for value in values)


OPERATIONS: dict[str, Callable[[Any, tree.Call, Any], Array[Any]]] = {
    "sum": _total, "mean": _mean, "softmax": _softmax, "log_softmax": _softmax,
    "cross_entropy_logits": _cross_entropy_logits, "dot": _dot, "outer": _outer, "trace": _trace,
    "diag": _diag, "eye": _eye, "zeros": _zeros, "onehot": _onehot, "stack": _stack, "hstack": _hstack,
}  # fmt: skip
"""The calls that are no rows of the table."""
