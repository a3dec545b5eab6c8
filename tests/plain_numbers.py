"""A third route for tests: formulas of a model in floats, with loops, and differences of the loss.

It shares nothing with the program but the trees: arrays are nested lists of floats, a vector is a
list of rows of one entry, and every product says itself what it is.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from symbackprop.notation import tree
from symbackprop.notation.tree import Node

Rows = list[list[float]]

FUNCTIONS: Mapping[str, Callable[[float], float]] = {
    "identity": lambda u: u,
    "relu": lambda u: max(u, 0.0),
    "leaky_relu": lambda u: u if u >= 0 else u / 100,
    "elu": lambda u: u if u >= 0 else math.exp(u) - 1,
    "sigmoid": lambda u: 1 / (1 + math.exp(-u)),
    "tanh": math.tanh,
    "softplus": lambda u: math.log1p(math.exp(u)),
    "gelu": lambda u: u * (1 + math.erf(u / math.sqrt(2))) / 2,
    "swish": lambda u: u / (1 + math.exp(-u)),
    "exp": math.exp,
    "log": math.log,
    "sin": math.sin,
    "cos": math.cos,
    "sqrt": math.sqrt,
    "square": lambda u: u * u,
    "abs": abs,
}


def rows_of(nested: Any, shape: tuple[Any, ...]) -> Rows:
    """A scalar, a list or a list of lists as rows."""
    if not shape:
        return [[float(nested)]]
    if len(shape) == 1:
        return [[float(entry)] for entry in nested]
    return [[float(entry) for entry in row] for row in nested]


def run(model: list[tuple[str, Node]], given: Mapping[str, Rows]) -> float:
    """The loss."""
    values = dict(given)
    for name, body in model:
        if name not in values:
            values[name] = value(body, values)
    (((loss,),)) = values[model[-1][0]]
    return loss


def slopes(model: list[tuple[str, Node]], given: Mapping[str, Rows], name: str, step: float = 1e-5) -> Rows:
    """Central differences of the loss by every entry of a given name."""
    result = []
    for i, row in enumerate(given[name]):
        result.append([])
        for j, entry in enumerate(row):
            ends = []
            for sign in (1, -1):
                moved = [list(line) for line in given[name]]
                moved[i][j] = entry + sign * step
                ends.append(run(model, {**given, name: moved}))
            result[-1].append((ends[0] - ends[1]) / (2 * step))
    return result


def value(node: Node, values: Mapping[str, Rows]) -> Rows:
    """The value of a formula of the kinds that the random models use."""
    match node:
        case tree.Number(number):
            return [[float(number)]]
        case tree.Name(name):
            return values[name]
        case tree.Ones(size):
            assert isinstance(size, tree.Number)
            return [[1.0]] * int(size.value)
        case tree.Bracket(body):
            return value(body, values)
        case tree.Neg(body):
            return each(lambda a: -a, value(body, values))
        case tree.Transpose(body):
            return [list(column) for column in zip(*value(body, values), strict=True)]
        case tree.Add(terms):
            total = value(terms[0], values)
            for term in terms[1:]:
                total = both(lambda a, b: a + b, total, value(term, values))
            return total
        case tree.Product(factors, signs):
            total = value(factors[0], values)
            for sign, factor in zip(signs, factors[1:], strict=True):
                total = product(total, sign, value(factor, values))
            return total
        case tree.Quotient(above, below):
            return both(lambda a, b: a / b, value(above, values), value(below, values))
        case tree.Power(base, exponent):
            ((power,),) = value(exponent, values)
            return each(lambda a: a**power, value(base, values))
        case tree.Norm(body):
            return [[math.sqrt(sum(a * a for row in value(body, values) for a in row))]]
        case tree.Index(base, places):
            return indexed(value(base, values), places)
        case tree.Call():
            return called(node, values)
    raise AssertionError(f"no float value for {node}")


def indexed(rows: Rows, places: tuple[Node, ...]) -> Rows:
    lines = [place.value if isinstance(place, tree.Number) else None for place in places]
    if len(lines) == 1:
        lines.append(1)
    kept = rows if lines[0] is None else [rows[int(lines[0]) - 1]]
    return kept if lines[1] is None else [[row[int(lines[1]) - 1]] for row in kept]


def called(node: tree.Call, values: Mapping[str, Rows]) -> Rows:
    args = [value(arg, values) for arg in node.args]
    axis = next((option.value for name, option in node.options if name == "axis"), None)
    if node.function in {"sum", "mean"}:
        return reduced(node.function, axis, args[0])
    if node.function in {"max", "min"}:
        return both(max if node.function == "max" else min, *args)
    if node.function in LOSSES:
        entries = both(LOSSES[node.function], *args)
        return reduced("mean" if node.function == "mse" else "sum", None, entries)
    return each(FUNCTIONS[node.function], args[0])


LOSSES: Mapping[str, Callable[[float, float], float]] = {
    "half_squared_error": lambda p, y: (p - y) ** 2 / 2,
    "squared_error": lambda p, y: (p - y) ** 2,
    "mse": lambda p, y: (p - y) ** 2,
    "absolute_error": lambda p, y: abs(p - y),
    "bce_logits": lambda z, y: math.log1p(math.exp(z)) - y * z,
    "hinge": lambda s, y: max(1 - y * s, 0),
    "huber": lambda p, y: (p - y) ** 2 / 2 if abs(p - y) <= 1 else abs(p - y) - 0.5,
}


def reduced(kind: str, axis: Any, rows: Rows) -> Rows:
    if axis is None:
        lines = [[entry for row in rows for entry in row]]
    else:
        lines = [list(column) for column in zip(*rows, strict=True)] if axis == 0 else rows
    return [[sum(line) / (len(line) if kind == "mean" else 1)] for line in lines]


def each(change: Callable[[float], float], rows: Rows) -> Rows:
    return [[change(entry) for entry in row] for row in rows]


def both(join: Callable[[float, float], float], left: Rows, right: Rows) -> Rows:
    """Entry by entry; one number goes with every entry."""
    if len(left) == len(left[0]) == 1:
        return each(lambda b: join(left[0][0], b), right)
    if len(right) == len(right[0]) == 1:
        return each(lambda a: join(a, right[0][0]), left)
    assert (len(left), len(left[0])) == (len(right), len(right[0]))
    return [[join(a, b) for a, b in zip(*pair, strict=True)] for pair in zip(left, right, strict=True)]


def product(left: Rows, sign: str, right: Rows) -> Rows:
    one = len(left) == len(left[0]) == 1 or len(right) == len(right[0]) == 1
    if sign in {"*", "odot"} or (one and len(left[0]) != len(right)):
        return both(lambda a, b: a * b, left, right)
    columns = list(zip(*right, strict=True))
    return [[sum(a * b for a, b in zip(row, column, strict=True)) for column in columns] for row in left]
