"""Running text, grids and numbers of a pool, as HTML: what platforms that show web pages have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import prod

from symbackprop.exams.exports.pool import Formula, Words
from symbackprop.notation import write_style

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}

_NO_MATHS = {"\\": "<span>\\</span>", "$$": "$<span>$</span>"}
"""MathJax looks for its delimiters within one run of text: a tag between their signs hides them. A backslash
at the end of a text would else spoil the formula after it."""


def escape(text: str) -> str:
    """Text for HTML or XML, in an element or in an attribute."""
    return "".join(_ESCAPES.get(sign, sign) for sign in text)


def html(words: Words, formula: Callable[[Formula], str]) -> str:
    """Words as HTML: text is escaped and never read as a formula; formulas are what `formula` makes of them.

    Braces in text become entities, for most platforms give them a meaning of their own.
    """
    return "".join(_text(word) if isinstance(word, str) else formula(word) for word in words)


def _text(text: str) -> str:
    shown = escape(text).replace("{", "&#123;").replace("}", "&#125;")
    for sign, hidden in _NO_MATHS.items():
        shown = shown.replace(sign, hidden)
    return shown


def mathjax(formula: Formula) -> str:
    r"""A formula for MathJax: its LaTeX within \( \), with `<` and `&` as the entities that HTML wants."""
    return f"\\({escape(formula.latex)}\\)"


def paragraphs(lines: Sequence[Words], formula: Callable[[Formula], str]) -> str:
    """Each line a `<p>`."""
    return "".join(f"<p>{html(line, formula)}</p>" for line in lines)


def grid(shape: tuple[int, ...], cells: Sequence[str]) -> str:
    """An HTML table of cells (HTML, row by row): a vector as a column, a matrix in rows, a number bare.

    ValueError for more than two axes, or when there are not as many cells as the shape has.
    """
    if not shape:
        (cell,) = cells
        return cell
    if len(shape) > 2 or prod(shape) != len(cells):
        raise ValueError(f"{len(cells)} cells do not fill a table of the shape {shape}")
    rows, columns = (*shape, 1) if len(shape) == 1 else shape
    lines = (cells[row * columns : (row + 1) * columns] for row in range(rows))
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in line)}</tr>" for line in lines)
    return f"<table><tbody>{body}</tbody></table>"


def decimal(value: Fraction, most: int | None = None) -> str | None:
    """A finite decimal with a dot and, if negative, a hyphen (-0.375); None for one that never ends, or has
    more than `most` digits."""
    size = write_style.decimal(abs(value))
    if size is None or (most is not None and sum(map(str.isdigit, size)) > most):
        return None
    return size if value >= 0 else f"-{size}"
