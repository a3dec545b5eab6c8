"""Lines of NumPy and of PyTorch that a student can paste to check the numbers.

They are written from the model's own tree, for models whose every part both libraries have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate
from typing import Final

from symbackprop.report.document import Block, Code, Heading, Paragraph, Text
from symbackprop.report.snippet import NoCode, Writer, identifier
from symbackprop.report.view import View

WIDTH = 84
"""Characters of a line of code."""

ENTRIES = 120
"""Numbers beyond which nobody pastes them."""


def code(view: View) -> Iterator[Block]:
    """Both snippets, where every given name has a value and every part has a translation."""
    exercise = view.derivation.exercise
    names = [name for name in exercise.given if name in exercise.shapes]
    if any(name not in exercise.values for name in names):
        return
    if sum(len(exercise.values[name].entries) for name in names) > ENTRIES:
        return
    try:
        numpy, torch = _numpy(view, names), _torch(view, names)
    except NoCode:
        return
    yield Heading(text=Text("code.title"), label="code")
    on_kink = _on_kink(view)
    yield Paragraph(sentences=(Text("code.sentence_numpy" if on_kink else "code.sentence"),))
    yield Code(language="python", text=numpy)
    if not on_kink:  # there PyTorch takes a slope of its own choice
        yield Code(language="python", text=torch)


def _on_kink(view: View) -> bool:
    slopes = view.derivation.slopes.values()
    return any(view.facts.sits_on(slope, kink) for slope in slopes for kink in slope.kinks)


def _numpy(view: View, names: list[str]) -> str:
    """Forward, and each gradient by its formula."""
    steps = [step for step in view.derivation.backward if step.rule != "seed"]
    writer = Writer(view, "np")
    forward = [f"{identifier(s.target)} = {writer.write(s.formula)}" for s in view.derivation.forward]
    back = [f"d{identifier(s.target)} = {writer.write(s.formula)}" for s in steps]
    return "\n".join(
        [
            "import numpy as np",
            *writer.helpers,
            *_data(view, names, "np.array(v, float)"),
            *_lines(forward),
            *_lines(back),
            *broken("print(" + ", ".join(f"d{identifier(s.target)}" for s in steps) + ")"),
        ]
    )


def _torch(view: View, names: list[str]) -> str:
    """Forward, then PyTorch's own backward pass."""
    writer = Writer(view, "torch")
    forward = [f"{identifier(s.target)} = {writer.write(s.formula)}" for s in view.derivation.forward]
    wanted = [identifier(name) for name in view.derivation.exercise.wanted]
    computed = [identifier(n) for n in view.derivation.exercise.wanted if n not in names]
    retained = [f"{name}.retain_grad()" for name in computed]
    grads = ", ".join(f"{name}.grad" for name in wanted)
    return "\n".join(
        [
            "import torch",
            *writer.helpers,
            *_data(view, names, "torch.tensor(v, dtype=float, requires_grad=True)"),
            *_lines([*forward, *retained]),
            *_lines([f"{identifier(view.loss)}.sum().backward()", f"print({grads})"]),
        ]
    )


def _data(view: View, names: list[str], maker: str) -> list[str]:
    """The values, and the names that they get."""
    values = "(" + ", ".join(_literal(view, name) for name in names) + ",)"
    left = ", ".join(identifier(name) for name in names)
    if len(names) > 1:
        values = values.replace(",)", ")")
    if len(names) == 1 or len(left) > WIDTH - len(maker) - 20:
        left = f"({left},)"
    return [*broken(f"data = {values}"), *broken(f"{left} = ({maker} for v in data)")]


def _lines(statements: list[str]) -> list[str]:
    """Statements joined with semicolons as long as they fit, and broken where one alone does not."""
    made: list[str] = []
    for statement in statements:
        if made and len(made[-1]) + len(statement) + 2 <= WIDTH:
            made[-1] += f"; {statement}"
        else:
            made.append(statement)
    return [line for statement in made for line in broken(statement)]


_CHANCE: Final = re.compile(r"(?<=,) | (?=(?:for|if|and) )| (?=[-+*/@] )")


def broken(statement: str) -> list[str]:
    """A statement over several lines, broken between brackets and as far outside as may be."""
    if len(statement) > WIDTH and not any(depth for _, depth in _chances(statement)):
        name, _, value = statement.partition(" = ")
        statement = f"{name} = ({value})"
    lines: list[str] = []
    start, room = 0, WIDTH
    chances = _chances(statement)
    while len(statement) - start > room:
        found = [(depth, -at) for at, depth in chances if depth and start + 16 < at <= start + room]
        if not found:
            break
        at = -min(found)[1]
        lines.append(statement[start:at])
        start, room = at + 1, WIDTH - 4
    lines.append(statement[start:])
    return [lines[0], *(f"    {line}" for line in lines[1:])]


def _chances(statement: str) -> list[tuple[int, int]]:
    """The places where a line may end, and how deep between brackets they are."""
    depths = list(accumulate((char in "([") - (char in ")]") for char in statement))
    return [(found.start(), depths[found.start()]) for found in _CHANCE.finditer(statement)]


def _literal(view: View, name: str) -> str:
    def nested(value: object) -> str:
        if isinstance(value, list):
            return "[" + ", ".join(nested(part) for part in value) + "]"
        assert isinstance(value, Fraction)
        return str(value)

    return nested(view.derivation.exercise.values[name].nested())
