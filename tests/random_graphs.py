"""Random models of 3 to 12 equations: any graph, any shapes, everything that the notation has.

Every model is valid by construction and has a value at its numbers: what is divided by, rooted or put in a
logarithm is positive. What no equation uses goes into the loss, so that all of it is derived.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from symbackprop.exercise import Exercise, from_parts

Shape = tuple[int, ...]

SMOOTH = ("sigmoid", "tanh", "softplus", "swish", "gelu", "gelu_tanh", "sin", "cos", "square", "identity")
CASES = ("relu", "leaky_relu", "elu", "abs", "leaky_relu(·, slope = 1/5)", "elu(·, alpha = 1/2)")


@dataclass
class Graph:
    """A model that grows: equations with their shapes, given names, and what nobody uses yet."""

    draw: Callable[[Any], Any]
    equations: list[tuple[str, str]] = field(default_factory=list)
    given: dict[str, Shape] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    declared: dict[str, Shape] = field(default_factory=dict)  # computed names whose shape nothing else says

    # --- choosing

    def pick(self, options: Any) -> Any:
        return self.draw(st.sampled_from(list(options)))

    def size(self) -> int:
        return int(self.draw(st.integers(1, 4)))

    def new(self, *shape: int) -> str:
        name = f"w{len(self.given) + 1}"
        self.given[name] = self.shapes[name] = shape
        return name

    def some(self, *shape: int) -> str:
        """A name of this shape: one that there is (a skip, a shared weight) or a new one."""
        known = [name for name, other in self.shapes.items() if other == shape]
        return str(self.pick(known)) if known and self.draw(st.integers(0, 2)) else self.new(*shape)

    def any(self, *ranks: int) -> tuple[str, Shape]:
        """A name of one of these ranks, one of the last most of the time."""
        known = [name for name, shape in self.shapes.items() if len(shape) in ranks]
        if known and self.draw(st.integers(0, 4)):
            name = self.pick(known[-4:][::-1])
            return name, self.shapes[name]
        shape = tuple(self.size() for _ in range(self.pick(ranks)))
        return self.new(*shape), shape

    def add(self, text: str, *shape: int, left: str = "") -> None:
        name = f"z{len(self.equations) + 1}"
        self.equations.append((name + left, text))
        self.shapes[name] = shape

    # --- products

    def affine(self) -> None:
        x, (n,) = self.any(1)
        k = self.size()
        self.add(f"{self.some(k, n)} {x} + {self.some(k)}", k)

    def batch(self) -> None:
        x, (m, n) = self.any(2)
        k = self.size()
        self.add(f"{x} {self.some(k, n)}^T + 1 {self.some(k)}^T", m, k)

    def columns(self) -> None:
        x, (n, m) = self.any(2)
        k = self.size()
        self.add(f"{self.some(k, n)} {x} + {self.some(k)} 1^T", k, m)

    def product(self) -> None:
        a, (m, n) = self.any(2)
        p = self.size()
        form = self.pick(["{a} {b}", "1/2 {a} {b}", "{a} {c}^T", "{t}^T {b}", "-{a} {b}"])
        names = {"a": a}
        if "{b}" in form:
            names["b"] = self.some(n, p)
        if "{c}" in form:
            names["c"] = self.some(p, n)
        if "{t}" in form:
            names["t"] = self.some(n, m)
        self.add(form.format(**names), m, p)

    def backwards(self) -> None:
        a, (m, n) = self.any(2)
        self.add(f"{a}^T {self.some(m)}", n)

    def form(self) -> None:
        x, (n,) = self.any(1)
        self.add(f"{x}^T {self.some(n, n)} {x} + dot({x}, {self.some(n)})", 1)

    def outer(self) -> None:
        u, (m,) = self.any(1)
        v, (n,) = self.any(1)
        self.add(self.pick([f"{u} {v}^T", f"outer({u}, {v})"]), m, n)

    def row(self) -> None:
        a, (m, n) = self.any(2)
        self.add(f"1^T {a}", 1, n) if self.draw(st.booleans()) else self.add(f"{a} ones({n})", m)

    # --- entry by entry

    def mixed(self) -> None:
        a, shape = self.any(0, 1, 2)
        b = self.some(*shape)
        times = "⊙" if shape else "*"
        forms = [
            f"{a} {times} {b}", f"{a} + {b}", f"{a} - 2 {b}", f"1/2 {a} + {b} - {a}", f"1 - {a}",
            f"{a} {times} (1 - {b})", f"3 {a} - {b} {times} {b}", f"-({a} + {b}) {times} {a}",
        ]  # fmt: skip
        self.add(self.pick(forms), *shape)

    def scaled(self) -> None:
        a, shape = self.any(1, 2)
        s = self.some()
        self.add(
            self.pick([f"{s} {a}", f"{a} {s} + {a}", f"{s}^2 {a}", f"{a} - {s}", f"{a} / (1 + {s}^2)"]),
            *shape,
        )

    def activated(self) -> None:
        a, shape = self.any(0, 1, 2)
        name = self.pick((*SMOOTH, *SMOOTH, *CASES))
        call = name.replace("·", "{}") if "(" in name else name + "({})"
        wrap = self.pick(["{}", "{}", "{} + ·", "1/2 {}"])
        self.add(wrap.format(call.format(a)).replace("·", a), *shape)

    def nested(self) -> None:
        a, shape = self.any(0, 1, 2)
        b = self.some(*shape)
        self.add(f"{self.pick(SMOOTH)}({a} + 1/2 {b})", *shape)

    def quotient(self) -> None:
        a, shape = self.any(0, 1, 2)
        b = self.some(*shape)
        below = [f"(1 + square({b}))", f"(1 + exp({b}))", f"softplus({b})"]
        above = [a, "1", f"({a} - {b})"]
        if self.draw(st.booleans()):
            below, above = [f"(2 + sum(square({b})))"], above[::2]  # 1 over a number is no array
        self.add(f"{self.pick(above)} / {self.pick(below)}", *shape)

    def root(self) -> None:
        a, shape = self.any(0, 1, 2)
        forms = [f"sqrt(1 + square({a}))", f"log(2 + square({a}))", f"exp(-square({a}))", f"exp(sin({a}))"]
        self.add(self.pick(forms), *shape)

    def power(self) -> None:
        a, _ = self.any(0)
        b = self.some()
        forms = [
            f"{a}^2", f"{a}^3 - {b}", f"(1 + {a}^2)^(3/2)", f"(1 + {a}^2)^(-1)", f"(2 + {a}^2)^{b}", f"2^{a}",
        ]  # fmt: skip
        self.add(self.pick(forms))

    def larger(self) -> None:
        a, shape = self.any(0, 1, 2)
        self.add(f"{self.pick(['max', 'min'])}({a}, {self.some(*shape)})", *shape)

    # --- along lines

    def softmax(self) -> None:
        a, shape = self.any(1, 2)
        axis = self.pick(["", ", axis = 0"]) if len(shape) == 2 else ""
        argument = self.pick([a, f"{a} / 2", f"{a} + {self.some(*shape)}"])
        self.add(f"{self.pick(['softmax', 'softmax', 'log_softmax'])}({argument}{axis})", *shape)

    def reduced(self) -> None:
        a, (m, n) = self.any(2)
        axis = self.pick([0, 1])
        self.add(f"{self.pick(['sum', 'mean'])}({a}, axis = {axis})", n if axis == 0 else m)

    def centred(self) -> None:
        a, (n,) = self.any(1)
        self.add(f"{a} - mean({a})", n)

    def spread(self) -> None:
        """A mean over the batch, subtracted: half of a batch normalisation."""
        a, (m, n) = self.any(2)
        self.add(f"{a} - 1 mean({a}, axis = 0)^T", m, n)

    def single(self) -> None:
        a, shape = self.any(1, 2)
        norm = "||{}||_F" if len(shape) == 2 else "||{}||"
        forms = [
            "sum({})", "mean({})", "sum(square({}))", "mean(exp({}))", "sum(tanh({}))",
            norm + "^2", "sqrt(1 + " + norm + "^2)", "1/2 " + norm + "^2",
        ]  # fmt: skip
        if len(shape) == 2:
            forms += ["sum({} ⊙ {})"]
        self.add(self.pick(forms).replace("{}", a))

    def two_single(self) -> None:
        a, (n,) = self.any(1)
        self.add(f"dot({a}, {self.some(n)})")

    # --- parts

    def trace(self) -> None:
        a, (m, n) = self.any(2)
        self.add(f"trace({a} {self.some(n, m)})")

    def diagonal(self) -> None:
        a, (n,) = self.any(1)
        self.add(f"diag({a}) {self.some(n)}", n) if self.draw(st.booleans()) else self.add(f"diag({a})", n, n)

    def part(self) -> None:
        a, shape = self.any(1, 2)
        if len(shape) == 1:
            low = self.draw(st.integers(1, shape[0]))
            high = self.draw(st.integers(low, shape[0]))
            one = self.draw(st.booleans())
            self.add(f"{a}[{low}]") if one else self.add(f"{a}[{low}:{high}]", high - low + 1)
            return
        m, n = shape
        i, j = self.draw(st.integers(1, m)), self.draw(st.integers(1, n))
        parts = [
            (f"{a}[{i},{j}]", ()),
            (f"{a}[{i},:]", (1, n)),
            (f"{a}[:,{j}]", (m,)),
            (f"{a}[:,1:{j}]", (m, j)),
        ]
        text, made = self.pick(parts)
        self.add(text, *made)

    def stacked(self) -> None:
        a, (n,) = self.any(1)
        b, (m,) = self.any(1)
        self.add(f"stack({a}, {b})", n + m)

    def beside(self) -> None:
        a, (m, n) = self.any(2)
        p = self.size()
        self.add(f"hstack({a}, {self.some(m, p)})", m, n + p)

    def flipped(self) -> None:
        a, (m, n) = self.any(2)
        self.add(f"{a}^T", n, m)

    # --- in indices

    def window(self) -> None:
        x, (n,) = self.any(1)
        r = self.draw(st.integers(1, n))
        self.add(f"sum(a: {self.some(r)}[a] {x}[i + a - 1])", n - r + 1, left="[i]")

    def padded(self) -> None:
        x, (n,) = self.any(1)
        r = self.size()
        k = self.some(r)
        self.add(f"sum(a: {k}[a] {x}[i + a - 2] where 1 <= i + a - 2 <= {n})", n, left="[i]")
        self.declared[f"z{len(self.equations)}"] = (n,)

    def convolved(self) -> None:
        x, (m, n) = self.any(2)
        r, s = self.draw(st.integers(1, m)), self.draw(st.integers(1, n))
        k = self.some(r, s)
        text = f"sum(a, b: {k}[a,b] {x}[i + a - 1, j + b - 1])"
        self.add(text, m - r + 1, n - s + 1, left="[i,j]")

    def indexed(self) -> None:
        a, (m, n) = self.any(2)
        v = self.some(n)
        self.add(
            self.pick([f"{a}[i,j] {v}[j]", f"{a}[i,j] - {v}[j]^2", f"tanh({a}[i,j]) {v}[j]"]),
            m,
            n,
            left="[i,j]",
        )

    # --- the end

    def loss(self) -> None:
        """What nobody uses, and a loss function now and then."""
        text = " ".join(body for _, body in self.equations)
        used = set(re.findall(r"[wz]\d+", text))
        loose = [f"z{place}" for place in range(1, len(self.equations) + 1) if f"z{place}" not in used]
        self.equations.append(("L", " + ".join(self.term(name) for name in loose)))

    def term(self, name: str) -> str:
        shape = self.shapes[name]
        y = self.some(*shape)
        if not shape:
            return self.pick([name, f"{name}^2", f"({name} - {y})^2", f"sin({name})"])
        norm = "_F" if len(shape) == 2 else ""
        forms = [
            f"sum({name})", f"1/2 ||{name} - {y}||{norm}^2", f"mean(square({name} - {y}))",
            f"mse({name}, {y})", f"half_squared_error({name}, {y})", f"bce_logits({name}, {y})",
            f"huber({name}, {y})", f"cross_entropy_logits({name}, {y})", f"sum({name} ⊙ {y})",
            f"absolute_error({name}, {y})",
        ]  # fmt: skip
        return str(self.pick(forms))


STEPS = (
    Graph.affine, Graph.affine, Graph.batch, Graph.columns, Graph.product, Graph.product, Graph.backwards,
    Graph.form, Graph.outer, Graph.row, Graph.mixed, Graph.mixed, Graph.mixed, Graph.scaled, Graph.activated,
    Graph.activated, Graph.activated, Graph.nested, Graph.quotient, Graph.quotient, Graph.root, Graph.power,
    Graph.larger, Graph.softmax, Graph.softmax, Graph.reduced, Graph.centred, Graph.spread, Graph.single,
    Graph.single, Graph.two_single, Graph.trace, Graph.diagonal, Graph.part, Graph.stacked, Graph.beside,
    Graph.flipped, Graph.window, Graph.padded, Graph.convolved, Graph.indexed,
)  # fmt: skip
"""One equation each; what networks are made of more than once."""


@dataclass(frozen=True)
class Drawn:
    """A model with its numbers, as the parts that make an exercise; it prints as those."""

    model: dict[str, str]
    shapes: dict[str, list[int]]
    values: dict[str, Any]

    def exercise(self) -> Exercise:
        return from_parts(**self.parts())

    def parts(self) -> dict[str, Any]:
        given = [name for name in self.shapes if name in self.values]
        return {"model": self.model, "shapes": self.shapes, "values": self.values, "wanted": given}

    def mapping(self) -> dict[str, Any]:
        """The keys of an exercise file."""
        parts = self.parts()
        return {**parts, "wanted": {"gradients": parts["wanted"]}}


@st.composite
def graphs(draw: Any, least: int = 2, most: int = 11) -> Drawn:
    """A model of 3 to 12 equations, the loss included, with a value for every given name."""
    graph = Graph(draw)
    for step in draw(st.lists(st.sampled_from(STEPS), min_size=least, max_size=most)):
        step(graph)
    graph.loss()
    text = " ".join(body for _, body in graph.equations)
    used = set(re.findall(r"[wz]\d+", text))
    shapes = {name: list(shape) for name, shape in graph.given.items() if name in used}
    values = {name: _values(draw, tuple(shape)) for name, shape in shapes.items()}
    shapes |= {name: list(shape) for name, shape in graph.declared.items()}
    return Drawn(dict(graph.equations), shapes, values)


def _values(draw: Any, shape: Shape) -> Any:
    if not shape:
        # between −2.4 and 2.4, and no simple ratio: kinks are hit by no accident
        return Fraction(draw(st.integers(-240, 240)), 101)
    return [_values(draw, shape[1:]) for _ in range(shape[0])]
