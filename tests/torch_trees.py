"""A model in PyTorch: our trees evaluated in tensors of float64, gradients by autograd.

It shares nothing with the program but the trees: a scalar is a tensor without axes, a vector has one, a
matrix two. Indices in force are Python numbers, and sums over them are loops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import product
from operator import eq, ge, gt, le, lt
from typing import Any

import torch

from symbackprop.notation import tree
from symbackprop.notation.tree import Node

Tensor = torch.Tensor
Env = Mapping[str, Any]

RELATIONS = {"=": eq, "<": lt, ">": gt, "≤": le, "≥": ge}


def tensor(nested: Any) -> Tensor:
    """Exact numbers, nested, as float64."""
    if isinstance(nested, list | tuple):
        return torch.stack([tensor(part) for part in nested])
    return torch.tensor(float(Fraction(nested)), dtype=torch.float64)


def gradients(
    equations: list[tuple[str, Node]],
    given: Mapping[str, Any],
    wanted: list[str],
    own: Mapping[str, Callable[[Tensor], Tensor]] | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss, and its gradients by the wanted names, given or computed; `own` are the model's functions."""
    values: dict[str, Any] = {name: tensor(nested).requires_grad_() for name, nested in given.items()}
    values.update({f"{name}()": function for name, function in (own or {}).items()})
    for name, body in equations:
        values[name] = value(body, values)
    loss = values[equations[-1][0]].reshape(())
    for name in wanted:
        if not values[name].requires_grad:  # a computed name made of numbers only
            values[name].requires_grad_()
    found = torch.autograd.grad(loss, [values[name] for name in wanted], allow_unused=True)
    return loss, {
        name: torch.zeros_like(values[name]) if slope is None else slope
        for name, slope in zip(wanted, found, strict=True)
    }


def value(node: Node, env: Env) -> Any:
    """The value of a formula; index names are Python numbers in `env`."""
    match node:
        case tree.Number(number):
            return torch.tensor(float(number), dtype=torch.float64)
        case tree.Constant(name):
            return torch.tensor(torch.pi if name == "pi" else torch.e, dtype=torch.float64)
        case tree.Name(name):
            found = env[name]
            return found if isinstance(found, Tensor) else torch.tensor(float(found), dtype=torch.float64)
        case tree.Ones(size):
            assert size is not None
            return torch.ones(whole(size, env), dtype=torch.float64)
        case tree.Bracket(body) | tree.Brace(body) | tree.Box(body) | tree.Coloured(body):
            return value(body, env)
        case tree.Neg(body):
            return -value(body, env)
        case tree.Add(terms):
            total = value(terms[0], env)
            for term in terms[1:]:
                total = beside(total, value(term, env), torch.add)
            return total
        case tree.Product(factors, signs):
            total = value(factors[0], env)
            for sign, factor in zip(signs, factors[1:], strict=True):
                total = times(total, sign, value(factor, env))
            return total
        case tree.Quotient(above, below):
            return beside(value(above, env), value(below, env), torch.div)
        case tree.Power(base, exponent):
            return powered(base, exponent, env)
        case tree.Transpose(body):
            inner = value(body, env)
            return inner.T if inner.ndim == 2 else inner[None, :] if inner.ndim == 1 else inner
        case tree.Norm(body, kind):
            inner = value(body, env)
            return inner.abs().sum() if kind == "1" else inner.square().sum().sqrt()
        case tree.Index(base, places):
            return picked(value(base, env), places, env)
        case tree.Sum(index, low, high, body):
            assert high is not None
            span = range(whole(low, env), whole(high, env) + 1)
            terms_ = [scalar(body, {**env, index: place}) for place in span]
            return torch.stack(terms_).sum() if terms_ else torch.zeros((), dtype=torch.float64)
        case tree.Where(body, conditions):
            if all(holds(one, env) for one in conditions):
                return value(body, env)
            return torch.zeros((), dtype=torch.float64)
        case tree.Entrywise(indices, sizes, body):
            lengths = [whole(size, env) for size in sizes]
            cells = [
                scalar(body, {**env, **dict(zip(indices, at, strict=True))})
                for at in product(*(range(1, length + 1) for length in lengths))
            ]
            return torch.stack(cells).reshape(lengths)
        case tree.Matrix(rows, form):
            made = torch.stack([torch.stack([scalar(cell, env) for cell in row]) for row in rows])
            return made[:, 0] if form == "column" else made
        case tree.Call():
            return called(node, env)
    raise AssertionError(f"no tensor for {type(node).__name__}")


def scalar(node: Node, env: Env) -> Tensor:
    return value(node, env).reshape(())


def whole(node: Node, env: Env) -> int:
    """A place or a size."""
    return round(float(value(node, env)))


def holds(chain: Node, env: Env) -> bool:
    assert isinstance(chain, tree.Chain)
    members = [float(value(member, env)) for member in chain.members]
    return all(
        RELATIONS[sign](left, right)
        for sign, left, right in zip(chain.relations, members, members[1:], strict=False)
    )


# --- arithmetic ------------------------------------------------------------------------------------


def beside(left: Tensor, right: Tensor, join: Callable[[Any, Any], Tensor]) -> Tensor:
    """Entry by entry; one number goes with every entry, and the larger rank wins."""
    if left.numel() == 1 and right.ndim >= left.ndim:
        left = left.reshape(())
    elif right.numel() == 1:
        right = right.reshape(())
    assert left.shape == right.shape or 0 in (left.ndim, right.ndim), (left.shape, right.shape)
    return join(left, right)


def times(left: Tensor, sign: str, right: Tensor) -> Tensor:
    if sign in {"*", "odot"}:
        return beside(left, right, torch.mul)
    if 0 in (left.ndim, right.ndim):
        return left * right
    if left.ndim == 1 and right.ndim == 2 and right.shape[0] == 1:
        return torch.outer(left, right[0])
    if left.ndim == 2 and left.shape[1] == right.shape[0]:
        return left @ right
    return beside(left, right, torch.mul)


def powered(base: Node, exponent: Node, env: Env) -> Tensor:
    bare = tree.undressed(base)
    power = value(exponent, env)
    if isinstance(bare, tree.Norm) and bare.kind != "1" and float(power) == 2:
        return value(bare.body, env).square().sum()
    inner = value(base, env)
    if not power.requires_grad and float(power) == round(float(power)):
        return inner ** int(power)
    return inner**power


def picked(base: Tensor, places: tuple[Node, ...], env: Env) -> Tensor:
    """Counted from 1, ends of slices included; a row of a matrix stays one."""
    at: list[Any] = []
    for place, length in zip(places, base.shape, strict=True):
        if isinstance(place, tree.Slice):
            low = 1 if place.low is None else whole(place.low, env)
            high = length if place.high is None else whole(place.high, env)
            at.append(slice(low - 1, high))
        else:
            one = whole(place, env)
            assert 1 <= one <= length
            at.append(one - 1)
    made = base[tuple(at)]
    row = base.ndim == 2 and isinstance(at[0], int) and isinstance(at[1], slice)
    return made[None, :] if row else made


# --- functions -------------------------------------------------------------------------------------


def called(node: tree.Call, env: Env) -> Tensor:
    args = [value(arg, env) for arg in node.args] if node.function not in SIZES else []
    options = {name: value(option, env) for name, option in node.options}
    if node.function in SIZES:
        return SIZES[node.function](*(whole(arg, env) for arg in node.args))
    if node.function in REDUCTIONS:
        axis = options.get("axis")
        return REDUCTIONS[node.function](args[0], None if axis is None else int(axis))
    if node.function in LOSSES:
        joined = beside(args[0], args[1], lambda a, b: torch.stack(torch.broadcast_tensors(a, b)))
        entries = LOSSES[node.function](joined[0], joined[1], **options)
        return entries.mean() if node.function == "mse" else entries.sum()
    if node.function in {"max", "min"}:
        return beside(*args, torch.maximum if node.function == "max" else torch.minimum)  # type: ignore[call-arg]
    if node.function in WHOLE:
        return WHOLE[node.function](*args)
    own = env.get(f"{node.function}()")
    return own(args[0]) if own else FUNCTIONS[node.function](args[0], **options)


def _soft(how: Callable[..., Tensor]) -> Callable[[Tensor, int | None], Tensor]:
    return lambda z, axis: how(z, dim=z.ndim - 1 if axis is None else axis)


def _reduced(how: Callable[..., Tensor]) -> Callable[[Tensor, int | None], Tensor]:
    return lambda z, axis: how(z) if axis is None else how(z, dim=axis)


functional = torch.nn.functional

FUNCTIONS: Mapping[str, Callable[..., Tensor]] = {
    "identity": lambda u: u,
    "relu": torch.relu,
    "leaky_relu": lambda u, slope=0.01: torch.where(u > 0, u, slope * u),
    "elu": lambda u, alpha=1.0: functional.elu(u, alpha=float(alpha)),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": functional.softplus,
    "gelu": functional.gelu,
    "gelu_tanh": lambda u: functional.gelu(u, approximate="tanh"),
    "swish": functional.silu,
    "exp": torch.exp,
    "log": torch.log,
    "sin": torch.sin,
    "cos": torch.cos,
    "erf": torch.erf,
    "sqrt": torch.sqrt,
    "square": torch.square,
    "abs": torch.abs,
}

REDUCTIONS: Mapping[str, Callable[[Tensor, int | None], Tensor]] = {
    "sum": _reduced(torch.sum),
    "mean": _reduced(torch.mean),
    "softmax": _soft(functional.softmax),
    "log_softmax": _soft(functional.log_softmax),
}

LOSSES: Mapping[str, Callable[..., Tensor]] = {
    "half_squared_error": lambda p, y: (p - y) ** 2 / 2,
    "squared_error": lambda p, y: (p - y) ** 2,
    "mse": lambda p, y: (p - y) ** 2,
    "absolute_error": lambda p, y: (p - y).abs(),
    "huber": lambda p, y, delta=1.0: functional.huber_loss(p, y, reduction="none", delta=float(delta)),
    "hinge": lambda s, y: torch.relu(1 - y * s),
    "bce": lambda p, y: -y * torch.log(p) - (1 - y) * torch.log(1 - p),
    "bce_logits": lambda z, y: functional.softplus(z) - y * z,
    "cross_entropy": lambda p, t: -t * torch.log(p),
}

WHOLE: Mapping[str, Callable[..., Tensor]] = {
    "cross_entropy_logits": lambda z, t: -(t * functional.log_softmax(z, dim=z.ndim - 1)).sum(),
    "dot": lambda a, b: (a.reshape(-1) * b.reshape(-1)).sum(),
    "outer": lambda a, b: torch.outer(a.reshape(-1), b.reshape(-1)),
    "trace": torch.trace,
    "diag": torch.diag,
    "stack": lambda *parts: torch.cat([part.reshape(1) if part.ndim == 0 else part for part in parts]),
    "hstack": lambda *parts: torch.cat([p.reshape(-1, 1) if p.ndim < 2 else p for p in parts], dim=1),
}

SIZES: Mapping[str, Callable[..., Tensor]] = {
    "eye": lambda n: torch.eye(n, dtype=torch.float64),
    "zeros": lambda *sizes: torch.zeros(sizes, dtype=torch.float64),
    "onehot": lambda place, size: functional.one_hot(torch.tensor(place - 1), size).to(torch.float64),
}
