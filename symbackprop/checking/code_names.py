"""Names in code: `dW1`, `self.dW1`, `grads["dW1"]`, `grad_W1`, `nabla_w1`, `W1.grad` and `dL_dW1` are one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from symbackprop.notation.spelling import ReadError, canonical_name

CONTAINERS = frozenset([
    "self", "cache", "grads", "gradients", "grad", "params", "parameters", "net", "model", "layer", "values",
    "caches", "derivs", "weights", "memory", "ctx", "state", "forward", "fwd",
])  # fmt: skip
"""What holds values under names of their own: `cache["z1"]` is z1."""

MODULES = frozenset(["np", "numpy", "torch", "tf", "jnp", "math", "plt"])

CALLED = frozenset(["F", "nn", "special", "scipy", "sp", "jax", "cp"])
"""Modules whose names may be those of variables; before a call they are modules."""

_OF_GRADIENTS = frozenset(["grads", "gradients", "grad", "derivs"])
_SAME = {"y_pred": "yhat", "ypred": "yhat", "y_true": "y", "ytrue": "y"}
_REGULARISER = frozenset(
    ["lambda", "lam", "lamb", "lambd", "lmbda", "lambda_", "reg", "reg_lambda", "lmbd", "weight_decay"]
)
"""A Python name cannot be `lambda`, so people cut it."""

_SMALL = frozenset(["eps", "epsilon"])

_GRADIENT = (
    re.compile(r"(?:grad|gradient|nabla|d)_(.+)"), re.compile(r"(.+)_grad"),
    re.compile(r"(?:grad|nabla)(\w+)"), re.compile(r"d(?:L|J|E|C|loss|cost)_?d_?(.+)"),
)  # fmt: skip
_ACCENT = re.compile(r"_(hat|bar|tilde|dot)(?![^\W\d_])")


def code_name(word: str, known: frozenset[str]) -> str:
    """The canonical name of an identifier: one of `known`, or the gradient of one, where that is meant."""
    for candidate in _candidates(word):
        found = _known(candidate, known)
        if found:
            return found
    return spelled(word)


def _candidates(word: str) -> Iterator[str]:
    yield word
    yield _ACCENT.sub(r"\1", word)
    if word in _SAME:
        yield _SAME[word]
    for pattern in _GRADIENT:
        match = pattern.fullmatch(word)
        if match:
            inner = _SAME.get(match.group(1), _ACCENT.sub(r"\1", match.group(1)))
            yield "d" + inner
    for alike in (_REGULARISER, _SMALL):
        if word in alike:
            yield from sorted(alike)


def _known(word: str, known: frozenset[str]) -> str:
    """`word` as a name that is known, or the gradient of one; "" where it is neither."""
    name = spelled(word)
    for prefix, rest in (("", name), ("d", name[1:])):
        if prefix and not name.startswith("d"):
            continue
        for spelling in (rest, rest[:1].swapcase() + rest[1:]):
            # dZ1 is dz1 where the exercise has no Z1; but a W is never a w that stands beside it.
            if spelling in known:
                return prefix + spelling
    return ""


def names_in(value: ast.expr) -> set[str]:
    """The names in an expression."""
    return {part.id for part in ast.walk(value) if isinstance(part, ast.Name)}


def spelled(word: str) -> str:
    """An identifier as a name of our notation, where it can be one. `b_` is not b."""
    if word.endswith("_"):
        return word
    try:
        return canonical_name(word)
    except ReadError:
        return word


def named(node: ast.expr) -> str | None:
    """The name that a name, `self.W`, `W.grad` or `cache["z"]` stands for; None for anything else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=owner), attr="grad") if owner not in MODULES:
            return f"d{owner}"
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id=holder), attr=owner), attr="grad"):
            return f"d{owner}" if holder in CONTAINERS else None
        case ast.Attribute(value=ast.Name(id=holder), attr=name) if holder in CONTAINERS and name not in (
            "T",
            "shape",
        ):
            return name
        case ast.Subscript(value=ast.Name(id=holder), slice=key):
            return in_container(holder, key)
    return None


def in_container(holder: str, key: ast.expr | None) -> str | None:
    """The name that `holder["W1"]` stands for; None where the holder holds no values by name."""
    match key:
        case ast.Constant(value=str() as name) if name.isidentifier() and holder in CONTAINERS:
            return f"d{name}" if holder in _OF_GRADIENTS and not name.startswith("d") else name
    return None
