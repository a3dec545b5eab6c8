"""Calls in a snippet: what both libraries have by name, and everything else by its formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from symbackprop.algebra.slopes import Branch, Kink
from symbackprop.notation import tree
from symbackprop.notation.tree import Node
from symbackprop.report.snippet import NoCode, Writer, entrywise

_ELEMENTARY: Final = frozenset({"exp", "log", "tanh", "sin", "cos", "sqrt", "abs"})
"""Rows of the table that both libraries have under the same name."""


def call(writer: Writer, node: tree.Call) -> str:
    """A call as an expression. Raises NoCode."""
    operation = _OPERATIONS.get(node.function)
    if operation is not None and not node.primes:
        return operation(writer, node)
    if not node.primes and node.function in _ELEMENTARY and len(node.args) == 1:
        return _elementary(writer, node)
    return _by_formula(writer, node)


def _elementary(writer: Writer, node: tree.Call) -> str:
    (argument,) = node.args
    if node.function == "sqrt" and isinstance(argument, tree.Number):
        return f"{writer.number(argument)}**0.5"
    if node.function == "abs":
        return f"abs({writer.write(argument)})"
    if not tree.names_in(argument):
        return f"{writer.need('math')}.{node.function}({writer.write(argument)})"
    return f"{writer.library}.{node.function}({writer.write(argument)})"


# --- operations ---------------------------------------------------------------------------------


def _axis(node: tree.Call) -> int | None:
    axis = dict(node.options).get("axis")
    return int(axis.value) if isinstance(axis, tree.Number) else None


def _reduced(writer: Writer, node: tree.Call) -> str:
    """`(A**2).sum(axis=0)`."""
    axis = _axis(node)
    (argument,) = node.args
    return f"({writer.write(argument)}).{node.function}({'' if axis is None else f'axis={axis}'})"


def _softmax(writer: Writer, node: tree.Call) -> str:
    """Of a vector, of each row, or of each column (`axis = 0`)."""
    axis = _axis(node)
    (argument,) = node.args
    made = f"{writer.need('softmax')}({writer.write(argument)}, {-1 if axis is None else axis})"
    return f"{writer.library}.log({made})" if node.function == "log_softmax" else made


def _logits(writer: Writer, node: tree.Call) -> str:
    z, t = node.args
    soft = _softmax(writer, tree.Call("log_softmax", (z,), node.options))
    return f"-({writer.tight(t)} * {soft}).sum()"


def _named(name: str) -> Callable[[Writer, tree.Call], str]:
    """The same in both libraries."""
    return lambda writer, node: f"{writer.library}.{name}({', '.join(map(writer.write, node.args))})"


def _sizes(writer: Writer, node: tree.Call) -> list[int]:
    return [int(size) for size in writer.shape(node)]


def _filled(writer: Writer, node: tree.Call) -> str:
    sizes = _sizes(writer, node)
    return writer.filled(node.function, sizes[:1] if node.function == "eye" else sizes)


def _dot(writer: Writer, node: tree.Call) -> str:
    return f"({writer.factor(node.args[0])} * {writer.factor(node.args[1])}).sum()"


def _onehot(writer: Writer, node: tree.Call) -> str:
    place = writer.place(node.args[0], keep=False)
    return f"{writer.filled('eye', _sizes(writer, node))}[{place}]"


def _stacked(writer: Writer, node: tree.Call) -> str:
    """One above the other, or side by side: every part in the rank of the whole."""
    side = node.function == "hstack"
    rank = len(writer.shape(node))
    parts = [_shaped(writer, argument, rank, side) for argument in node.args]
    joined = "np.concatenate" if writer.library == "np" else "torch.cat"
    axis = "" if not side else ", axis=1" if writer.library == "np" else ", dim=1"
    return f"{joined}([{', '.join(parts)}]{axis})"


def _shaped(writer: Writer, node: Node, rank: int, side: bool) -> str:
    """A part of a stack: numbers as vectors of one entry, vectors side by side as columns."""
    made = writer.tight(node)
    shape = writer.shape(node)
    if rank == 1:
        if shape:
            return made
        return f"{made}.reshape(1)" if tree.names_in(node) else f"{writer.need('entries')}([{made}], 1)"
    return f"{made}.reshape({', '.join(map(str, shape))})" if len(shape) == 2 else f"{made}.reshape(-1, 1)"


def _pair(writer: Writer, node: tree.Call) -> str:
    """`max(a, b)` and `min(a, b)`, entry by entry."""
    name = f"{node.function}imum"
    a, b = map(writer.write, node.args)
    if writer.library == "torch":
        a, b = (f"torch.as_tensor({made}, dtype=float)" for made in (a, b))
    return f"{writer.library}.{name}({a}, {b})"


def _square(writer: Writer, node: tree.Call) -> str:
    return f"{writer.tight(node.args[0])}**2"


_OPERATIONS: Mapping[str, Callable[[Writer, tree.Call], str]] = {
    "sum": _reduced, "mean": _reduced, "softmax": _softmax, "log_softmax": _softmax,
    "cross_entropy_logits": _logits, "trace": _named("trace"), "diag": _named("diag"), "eye": _filled,
    "zeros": _filled, "dot": _dot, "outer": _named("outer"), "onehot": _onehot, "stack": _stacked,
    "hstack": _stacked, "max": _pair, "min": _pair, "square": _square,
    "erf": lambda writer, node: f"{writer.need('erf')}({writer.write(node.args[0])})",
}  # fmt: skip
"""What is no formula of entries."""


# --- rows of the table ----------------------------------------------------------------------------


def _by_formula(writer: Writer, node: tree.Call) -> str:
    """A row of the table by its formula, by cases with `where`; a prime by its derived slope."""
    view = writer.view
    slope = view.derivation.slope_of(node)
    if len(node.args) == 1 and slope is not None:
        if node.primes == 1:
            return writer.cases(slope.branches, node.args[0], _taken(slope.branches, slope.kinks))
        if not node.primes and len(slope.values) > 1 and _clamp(writer, node) is None:
            return writer.cases(slope.values, node.args[0], [])
    made = _clamp(writer, node)
    if made is not None:
        return made
    row = view.row(node.function)
    if node.primes or not row.pieces or not row.smooth:
        raise NoCode(node.function)
    formula = writer.write(entrywise(view.facts.put_in(node, row.pieces[0].formula)))
    return f"({formula}).{row.reduce}()" if row.kind == "loss" else f"({formula})"


def _taken(branches: Sequence[Branch], kinks: Sequence[Kink]) -> list[Node | None]:
    """What the convention takes where each piece begins; None where the slope has no jump."""
    found = {kink.at: kink.taken for kink in kinks}
    return [None if branch.bound is None else found.get(branch.bound) for branch in branches]


def _clamp(writer: Writer, node: tree.Call) -> str | None:
    """`max(z, 0)` as each library says it."""
    compact = writer.view.facts.compact(node)
    if not isinstance(compact, tree.Call) or compact.function != "max" or node.primes:
        return None
    if compact.args[1] != tree.number(0):
        return None
    (inner, _) = compact.args
    if writer.library == "np":
        return f"np.maximum({writer.write(inner)}, 0)"
    return f"{writer.tight(inner)}.clamp(min=0)"
