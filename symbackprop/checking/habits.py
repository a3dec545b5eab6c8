"""Habits of a text that decide how its letters are meant: w as a column, d for a differential, w̄ for dw."""

from __future__ import annotations

import re
from dataclasses import replace

from symbackprop.checking.context import Context
from symbackprop.notation import tree
from symbackprop.notation.tree import Shape

_T = r"(?:\^\s*\{?\s*\\?(?:top|intercal|mathsf\s*\{?\s*T|mathrm\s*\{?\s*T|T)\s*\}*|[ᵀ⊤])"
_BETWEEN = r"\s*(?:\\[,;:! ]|\\cdot|[·*])?\s*"

_COLUMN = (
    rf"(?<![A-Za-z\\])NAME\s*{_T}{_BETWEEN}DATA(?![A-Za-z])",  # wᵀ x
    r"\\langle\s*NAME\s*,\s*DATA",
    r"(?<![A-Za-z\\])NAME\s*\\in\s*\\(?:mathbb\s*\{?\s*)?R\s*\}?\s*\^\s*(?:[A-Za-z0-9]|\{\s*[A-Za-z0-9]+\s*\})(?![A-Za-z0-9])",
    r"(?<![A-Za-z\\])NAME\s*∈\s*ℝ\^?[A-Za-z0-9ⁿ³²⁴](?![×\w])",
)
"""How a text shows that a letter is a column."""

_ROW = rf"(?<![A-Za-z\\^])NAME{_BETWEEN}DATA\s*\+"
"""How it shows that it is a row: w x + b."""

_DRESS = re.compile(r"\\(?:mathbf|boldsymbol|bm|vec|mathrm)\s*\{?\s*([A-Za-z])(?![A-Za-z])\s*\}?")

_DIFFERENTIAL = re.compile(r"\b(?:diferencial(?:es)?|(?:total )?differentials?)\b", re.IGNORECASE)


_BARRED = re.compile(r"\\(?:bar|overline)\s*\{?\s*(?:\\(hat|tilde)\s*\{?\s*)?\\?([A-Za-z]+)|([A-Za-z])\u0304")


def with_habits(context: Context, text: str) -> Context:
    """The context of a text: `w` is the row of a one-neuron W as a column where it is written `wᵀ x`; bars
    over two names of the exercise or more are gradients."""
    context = replace(context, differentials=_DIFFERENTIAL.search(text) is not None)
    for name, shape in context.exercise.shapes.items():
        letter = name.lower()
        one_neuron = len(shape) == 2 and shape[0] == 1 and letter != name and not context.knows(letter)
        if one_neuron and _is_column(letter, context, text):
            context = context.defining(letter, column_of(name, shape))
    for name in _barred(context, text):
        context = context.defining(f"{name}bar", tree.Gradient(tree.Name(name)))
    return context


def _barred(context: Context, text: str) -> tuple[str, ...]:
    """The names of the exercise, where a text writes dL/dw as w̄: bars over several of them."""
    names = context.exercise.shapes
    if any(name.endswith("bar") for name in names):
        return ()
    written = {f"{letters or plain}{accent}" for accent, letters, plain in _BARRED.findall(text)}
    meant = {context.variable(one) for one in written} - {None}
    return tuple(names) if len(meant) > 1 else ()


def _is_column(letter: str, context: Context, text: str) -> bool:
    """Whether a text writes a letter as a column beside the data, and nowhere as a row."""
    text = _DRESS.sub(r"\1", text)
    data = [name for name in context.exercise.given if name.lower().startswith("x")] or ["x"]

    def found(pattern: str) -> bool:
        return any(re.search(pattern.replace("NAME", letter).replace("DATA", name), text) for name in data)

    return any(map(found, _COLUMN)) and not found(_ROW)


PLACE = "i…"
"""The index of a column's entries; nobody can write this name."""


def column_of(name: str, shape: Shape) -> tree.Entrywise:
    """The only row of a matrix, entry by entry as a vector."""
    size = tree.number(shape[1]) if isinstance(shape[1], int) else tree.Name(shape[1])
    entry = tree.Index(tree.Name(name), (tree.number(1), tree.Name(PLACE)))
    return tree.Entrywise((PLACE,), (size,), entry)
