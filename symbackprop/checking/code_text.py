"""The text of a piece of code as Python's syntax tree, behind limits that keep the parser from harm."""

from __future__ import annotations

import ast
import re
import warnings

from symbackprop import limits
from symbackprop.notation.spelling import ReadError
from symbackprop.notation.tree import Span

_LONG_NUMBER = re.compile(rf"\d[\d_]{{{limits.HAND_DIGITS},}}")
_TOKEN = re.compile(r"\w+|[^\w\s]")
_DEPTH = 3 * limits.DEPTH


class Places:
    """Turns lines and columns (in bytes) of Python's parser into characters of the text."""

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines(keepends=True) or [""]
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))

    def at(self, line: int, column: int) -> int:
        place = min(max(line, 1), len(self.lines)) - 1
        row = self.lines[place]
        return self.starts[place] + (
            column if row.isascii() else len(row.encode()[:column].decode("utf-8", "ignore"))
        )

    def span(self, node: ast.expr | ast.stmt) -> Span:
        end = self.at(node.end_lineno or node.lineno, node.end_col_offset or 0)
        return Span(self.at(node.lineno, node.col_offset), end)


def parsed(text: str) -> tuple[ast.Module, Places]:
    """The syntax tree of a text that passes the limits. Raises ReadError."""
    _check_limits(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(text)
    except SyntaxError as error:
        at = Places(text).at(error.lineno or 1, 0) + max(0, (error.offset or 1) - 1)
        at = min(at, max(0, len(text) - 1))
        raise ReadError(f"this is no Python: {error.msg}", text, Span(at, at + 1)) from None
    except (ValueError, MemoryError, RecursionError) as error:
        message = "this code is nested too deep" if not isinstance(error, ValueError) else "this is no Python"
        raise ReadError(message, text, Span(0, len(text)), "split it into statements of their own") from None
    _check_depth(module, text)
    return module, Places(text)


def _check_limits(text: str) -> None:
    whole = Span(0, len(text))
    if len(text) > limits.LINE_BYTES:
        raise ReadError(f"the statement is longer than the limit of {limits.LINE_BYTES:,} bytes", text, whole)
    for unreadable in ("\0", "\f"):
        if unreadable in text:
            at = text.index(unreadable)
            raise ReadError("a control character is no code", text, Span(at, at + 1))
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise ReadError("half of a character is no code", text, whole)
    long = _LONG_NUMBER.search(text)
    if long:
        span = Span(long.start(), long.end())
        raise ReadError(f"a number has at most {limits.HAND_DIGITS} digits", text, span)
    depth = 0
    for count, found in enumerate(_TOKEN.finditer(text), start=1):
        depth += (found.group() in "([{") - (found.group() in ")]}")
        if depth > limits.DEPTH:
            span = Span(found.start(), found.end())
            raise ReadError(f"brackets are nested more than {limits.DEPTH} deep", text, span)
        if count > limits.TOKENS:
            raise ReadError(f"the statement has more than {limits.TOKENS:,} tokens", text, whole)


def _check_depth(module: ast.Module, text: str) -> None:
    stack: list[tuple[ast.AST, int]] = [(module, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > _DEPTH:
            hint = "name a part in an assignment of its own"
            raise ReadError(f"the code is nested more than {_DEPTH} deep", text, Span(0, len(text)), hint)
        stack.extend((child, depth + 1) for child in ast.iter_child_nodes(node))
