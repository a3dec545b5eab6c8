"""Formulas as lines of NumPy, and what these lines give: run on random numbers, right or wrong.

Only lines that this generator wrote are run.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random
from types import CodeType
from typing import Any

import numpy as np

from symbackprop.derivation.mistakes import every_wrong_formula
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

from .entries import shape
from .facts import Facts, facts
from .figures import figures

LOW, HIGH = 0, 2


class NoCode(ValueError):
    """A formula that is no short line of NumPy."""


@dataclass(frozen=True)
class Numpy:
    """Somebody's NumPy: vectors flat, or as columns."""

    facts: Facts
    columns: bool
    habits: int

    def habit(self, about: str, options: tuple[str, ...]) -> str:
        """The same choice each time."""
        return Random(f"{self.habits}/code/{about}").choice(options)

    def given(self, name: str) -> str:
        """The values of a name."""
        array = figures(self.facts.exercise.values[name], 6)
        texts = [("-" if one.value < 0 else "") + one.text() for one in array.entries]
        sizes = array.shape
        if not sizes:
            return texts[0]
        if len(sizes) == 1:
            if self.columns:
                return "np.array([" + ", ".join(f"[{text}]" for text in texts) + "])"
            return "np.array([" + ", ".join(texts) + "])"
        rows = [texts[at : at + sizes[1]] for at in range(0, len(texts), sizes[1])]
        return "np.array([" + ", ".join("[" + ", ".join(row) + "]" for row in rows) + "])"

    def line(self, formula: Node) -> str:
        """The right side of an assignment. Raises NoCode."""
        return self.text(formula, LOW)

    def text(self, node: Node, level: int) -> str:
        """A formula; in brackets where its sum stands in a product."""
        made, own = self._made(node)
        return f"({made})" if own < level else made

    def _made(self, node: Node) -> tuple[str, int]:
        match node:
            case tree.Number(value):
                if value.denominator == 1:
                    return str(value.numerator), HIGH
                return f"{value.numerator} / {value.denominator}", 1
            case tree.Name(name):
                return name, HIGH
            case tree.Gradient(tree.Name(name)):
                return f"d{name}", HIGH
            case tree.Bracket(body):
                return self._made(body)
            case tree.Neg(body):
                return f"-{self.text(body, 1)}", LOW
            case tree.Add(terms):
                return self._sum(terms), LOW
            case tree.Quotient(above, below):
                return f"{self.text(above, 1)} / {self.text(below, HIGH)}", 1
            case tree.Power(tree.Norm(body), _):
                inner = f"{self.text(body, HIGH)} ** 2"
                return f"np.sum({inner})", HIGH
            case tree.Power(base, exponent):
                return f"{self.text(base, HIGH)} ** {self.text(exponent, HIGH)}", 1
            case tree.Transpose(body):
                return self._transpose(body)
            case tree.Call():
                return self._call(node)
            case tree.Product():
                return self._product(node)
        raise NoCode(type(node).__name__)

    def _sum(self, terms: tuple[Node, ...]) -> str:
        text = ""
        for at, term in enumerate(terms):
            body = term.body if isinstance(term, tree.Neg) else term
            minus = isinstance(term, tree.Neg)
            text += (("-" if minus else "") if not at else (" - " if minus else " + ")) + self.text(body, 1)
        return text

    def _transpose(self, body: Node) -> tuple[str, int]:
        if len(shape(self.facts, body)) == 1 and not self.columns:
            return self.text(body, HIGH), HIGH
        return f"{self.text(body, HIGH)}.T", HIGH

    def _call(self, node: tree.Call) -> tuple[str, int]:
        inner = [self.text(argument, LOW) for argument in node.args]
        first = inner[0]
        tight = self.text(node.args[0], HIGH)
        axis = ", axis=0" if node.options else ""
        made: dict[tuple[str, int], tuple[str, int]] = {
            ("relu", 0): (self.habit("relu", (f"np.maximum({first}, 0)", f"np.maximum(0, {first})")), HIGH),
            ("relu", 1): (f"({first} > 0)", HIGH),
            ("sigmoid", 0): (self.habit("σ", (f"sigmoid({first})", f"1 / (1 + np.exp(-{tight}))")), 1),
            ("sigmoid", 1): (f"sigmoid({first}) * (1 - sigmoid({first}))", 1),
            ("tanh", 0): (f"np.tanh({first})", HIGH),
            ("tanh", 1): (f"(1 - np.tanh({first}) ** 2)", HIGH),
            ("softmax", 0): (f"softmax({first})", HIGH),
            ("g", 0): (f"g({first})", HIGH),
            ("g", 1): (f"g_prime({first})", HIGH),
            ("sqrt", 0): (f"np.sqrt({first})", HIGH),
            ("log", 0): (f"np.log({first})", HIGH),
            ("square", 0): (f"{tight} ** 2", 1),
            ("sum", 0): (self.habit("sum", (f"np.sum({first}{axis})", f"{tight}.sum({axis[2:]})")), HIGH),
            ("mean", 0): (self.habit("mean", (f"np.mean({first}{axis})", f"{tight}.mean({axis[2:]})")), HIGH),
        }
        if node.function == "cross_entropy":
            return f"-np.sum({self.text(node.args[1], 1)} * np.log({inner[0]}))", LOW
        if node.function == "bce":
            p, y = inner
            return f"-np.sum({y} * np.log({p}) + (1 - {y}) * np.log(1 - {p}))", LOW
        if (node.function, node.primes) not in made:
            raise NoCode(node.function)
        return made[node.function, node.primes]

    def _product(self, node: tree.Product) -> tuple[str, int]:
        if self._spread(node) is not None:
            return str(self._spread(node)), HIGH
        text, done = self.text(node.factors[0], 1), shape(self.facts, node.factors[0])
        first: Node = node.factors[0]
        for sign, factor in zip(node.signs, node.factors[1:], strict=True):
            sizes = shape(self.facts, factor)
            if isinstance(factor, tree.Ones):
                if done:
                    raise NoCode("ones")
                continue  # a number is spread out by itself
            right = self.text(factor, HIGH)
            one = not done or not sizes or done == (1,) or sizes == (1,)
            if (
                sign in ("odot", "*")
                or (one and not (len(done) == 2 or len(sizes) == 2))
                or not done
                or not sizes
            ):
                text = f"{text} * {right}"
                done = max(done, sizes, key=len)
            else:
                text, done = self._matrix(first, text, done, factor, right, sizes)
            first = tree.Product((first, factor), (sign,))
        return text, 1

    def _matrix(
        self, left: Node, first: str, done: Any, factor: Node, right: str, sizes: Any
    ) -> tuple[str, Any]:
        if len(done) == 1 and len(sizes) == 2 and isinstance(factor, tree.Transpose) and not self.columns:
            return f"np.outer({first}, {right})", (*done, *sizes[1:])
        if len(done) == 1 and len(sizes) == 2 and self.columns and self.habit("outer", ("a", "b")) == "a":
            bare = right.removesuffix(".T")
            return f"np.outer({first}, {bare})", (*done, *sizes[1:])
        return f"{first} @ {right}", (*done[:1], *sizes[1:])

    def _spread(self, node: tree.Product) -> str | None:
        """`1 μᵀ` is what NumPy spreads out by itself, `Aᵀ 1` a sum down the columns."""
        match node:
            case tree.Product((tree.Ones(), tree.Transpose(body)), ("",)):
                return self.text(body, HIGH)
            case tree.Product((tree.Transpose(body), tree.Ones()), ("",)) if (
                len(shape(self.facts, body)) == 2
            ):
                return f"{self.text(body, HIGH)}.sum(axis=0)"
            case tree.Product((body, tree.Ones(), tree.Transpose(tree.Ones())), ("", "")):
                return f"{self.text(body, HIGH)}.sum(axis=1, keepdims=True)"
        if any(isinstance(part, tree.Ones) for part in node.factors) and node.factors[0] is tree.Ones():
            raise NoCode("ones")
        return None


# --- running what was written ------------------------------------------------------------------


def _functions() -> dict[str, Any]:
    def sigmoid(z: Any) -> Any:
        return 1 / (1 + np.exp(-z))

    def softmax(z: Any) -> Any:
        axis = 1 if np.ndim(z) == 2 and np.shape(z)[1] > 1 else 0
        powers = np.exp(z)
        return powers / powers.sum(axis=axis, keepdims=True)

    def g(z: Any) -> Any:
        return np.sin(z) + z**3 / 5

    def g_prime(z: Any) -> Any:
        return np.cos(z) + 3 * z**2 / 5

    return {"np": np, "sigmoid": sigmoid, "softmax": softmax, "g": g, "g_prime": g_prime}


@cache
def worlds(name: str, columns: bool) -> tuple[dict[str, Any], ...]:
    """Random numbers for the given names, and all others worked out line by line."""
    exercise = facts(name)
    return tuple(_world(exercise, columns, seed) for seed in range(4))


def _world(exercise: Facts, columns: bool, seed: int) -> dict[str, Any]:
    draw = np.random.default_rng(seed)
    sizes = {size: 3 + at for at, size in enumerate(exercise.exercise.sizes)}
    values = _functions()
    for name in exercise.exercise.given:
        own = tuple(sizes.get(size, size) for size in exercise.exercise.shapes[name])
        own = (*own, 1) if columns and len(own) == 1 else own
        array = draw.normal(size=own)
        values[name] = abs(array) if name in ("epsilon", "r") else array
    for name in ("r",):
        if name in values:
            values[name] = values[name] / 9
    if exercise.name == "softmax":
        values["t"] = values["t"] / values["t"].sum()
    values["d" + exercise.exercise.loss] = 1.0
    numpy = Numpy(exercise, columns, 1)
    for key, step in exercise.by_target.items():
        if step.rule != "seed":
            values[key] = run(numpy.line(step.formula), values)
    return values


def run(text: str, values: dict[str, Any]) -> Any:
    """The value of one of our own lines."""
    return eval(_compiled(text), dict(values))


@cache
def _compiled(text: str) -> CodeType:
    return compile(text, "<a line of the generator>", "eval")


def same(one: Any, other: Any, *, flat: bool = False) -> bool:
    """Whether two values agree, in the shape that shows on paper."""
    one, other = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    return (
        (flat or _shown(one) == _shown(other))
        and one.size == other.size
        and bool(np.allclose(one.ravel(), other.ravel(), atol=1e-9))
    )


def _shown(array: Any) -> tuple[int, ...]:
    sizes: tuple[int, ...] = array.shape
    while sizes and sizes[-1] == 1:
        sizes = sizes[:-1]
    return sizes


def right_code(exercise: Facts, target: str, text: str, columns: bool, *, flat: bool = False) -> bool:
    """Whether a line gives the value of the target everywhere; `flat`: in whatever shape."""
    return all(_gives(text, target, values, flat=flat) for values in worlds(exercise.name, columns))


def _gives(text: str, target: str, values: dict[str, Any], *, flat: bool) -> bool:
    with np.errstate(all="ignore"):
        try:
            return same(run(text, values), values[target], flat=flat)
        except (ValueError, TypeError, AttributeError, np.exceptions.AxisError):
            return False


def _known(text: str, name: str, columns: bool) -> bool:
    """Whether every name in a line has a value."""
    return set(_compiled(text).co_names) <= {*worlds(name, columns)[0], *dir(np), *dir(np.ndarray)}


def in_code(exercise: Facts, target: str, numpy: Numpy, rng: Random) -> tuple[str, str] | None:
    """A wrong line and its mistake; None where no row gives one."""
    found: dict[str, list[str]] = {}
    for row, wrong in every_wrong_formula(exercise.exercise, exercise.by_target[target], exercise.steps):
        if any(isinstance(part, tree.Matrix) for part in tree.walk(wrong.formula)):
            continue
        try:
            text = numpy.line(wrong.formula)
        except (NoCode, ValueError):
            continue
        if not _known(text, exercise.name, numpy.columns):
            continue
        ways = (True, False) if not exercise.exercise.values else (numpy.columns,)
        if all(not right_code(exercise, target, text, columns, flat=True) for columns in ways):
            found.setdefault(row.id, []).append(text)
    if not found:
        return None
    row_id = rng.choice(sorted(found))
    return rng.choice(found[row_id]), row_id


__all__ = ["NoCode", "Numpy", "in_code", "right_code", "run", "same", "worlds"]
