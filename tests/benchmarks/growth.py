"""How the cost of deep and of wide networks grows with what is printed of them."""

import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from random import Random
from typing import Any

from symbackprop.derivation.derive import derive
from symbackprop.derivation.steps import Derivation
from symbackprop.exercise import Exercise, from_parts
from symbackprop.report.instances import instances
from symbackprop.report.outputs import Outputs

DEPTHS = (1, 2, 4, 8, 16, 32, 50)
WIDTHS = (8, 16, 32, 64, 128)
DEPTH, WIDTH = 2, 8


def network(depth: int, width: int, *, numbers: bool = False) -> Exercise:
    """Layers of `width` tanh neurons, one after another, and a squared error; gradients of all weights."""
    source = Random(depth * 1000 + width)
    model, before = {}, "x"
    shapes: dict[str, list[int]] = {"x": [width], "y": [width]}
    for place in range(1, depth + 1):
        model[f"z{place}"] = f"W{place} {before} + b{place}"
        model[f"a{place}"] = f"tanh(z{place})"
        before = f"a{place}"
        shapes |= {f"W{place}": [width, width], f"b{place}": [width]}
    model["L"] = f"1/2 ||{before} - y||^2"

    def drawn(shape: list[int]) -> Any:
        if not shape:
            return f"{source.randrange(-99, 99)}/100"
        return [drawn(shape[1:]) for _ in range(shape[0])]

    values = {name: drawn(shape) for name, shape in shapes.items()} if numbers else None
    wanted = [name for name in shapes if name[0] in "Wb"]
    return from_parts(model=model, shapes=shapes, values=values, wanted=wanted, key="network")


def entries(derivation: Derivation) -> int:
    """The entries of all gradients: what is printed of them, one by one."""
    return sum(prod(int(size) for size in step.shape) for step in derivation.backward)


@dataclass(frozen=True)
class Cost:
    """The time of one network, and what was printed for it."""

    name: str
    seconds: float
    printed: int

    @property
    def each(self) -> float:
        """Seconds for one printed entry."""
        return self.seconds / self.printed


def with_symbols(exercise: Exercise) -> tuple[str, Derivation]:
    """Derived and proved, the full report, and every gradient written out entry by entry."""
    derivation = derive(exercise)
    text = Outputs(derivation).tex + "".join(instances(derivation).values())
    return text, derivation


def with_numbers(exercise: Exercise) -> tuple[str, Derivation]:
    """Derived, proved and computed in certified decimals; all the numbers as JSON."""
    derivation = derive(exercise)
    return Outputs(derivation).json, derivation


Work = Callable[[Exercise], tuple[str, Derivation]]


def cost(name: str, exercise: Exercise, work: Work, repeat: int = 1) -> Cost:
    """The shortest of `repeat` runs from the exercise to the text."""
    best, derivation = float("inf"), None
    for _ in range(repeat):
        gc.collect()
        start = time.perf_counter()
        _, derivation = work(exercise)
        best = min(best, time.perf_counter() - start)
    assert derivation is not None
    return Cost(name, best, entries(derivation))


def deep(work: Work, *, numbers: bool, depths: tuple[int, ...] = DEPTHS) -> Iterator[Cost]:
    """The costs at growing depth."""
    for depth in depths:
        exercise = network(depth, WIDTH, numbers=numbers)
        yield cost(f"depth {depth}", exercise, work, 3 if depth < 16 else 1)


def wide(work: Work, *, numbers: bool, widths: tuple[int, ...] = WIDTHS) -> Iterator[Cost]:
    """The costs at growing width."""
    for width in widths:
        exercise = network(DEPTH, width, numbers=numbers)
        yield cost(f"width {width}", exercise, work, 3 if width < 64 else 1)
