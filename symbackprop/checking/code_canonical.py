"""Expressions of code with the names that are known and with exact numbers: 0.1 is 1/10."""

from __future__ import annotations

import ast
import re
from fractions import Fraction
from typing import NoReturn

from symbackprop import limits
from symbackprop.checking.code_names import CALLED, MODULES, code_name, named
from symbackprop.checking.code_text import Places
from symbackprop.notation.spelling import ReadError

_NUMBER = re.compile(r"(?:\d[\d_]*)?\.?\d*[\d_]*(?:[eE]([-+]?\d+))?")


class Source:
    """A text of code, where things stand in it, and the names that are known."""

    def __init__(self, text: str, places: Places, known: frozenset[str]) -> None:
        self.text = text
        self.places = places
        self.known = known

    def refuse(self, node: ast.expr | ast.stmt, message: str, hint: str = "") -> NoReturn:
        """Raise the ReadError for a part of the text."""
        raise ReadError(message, self.text, self.places.span(node), hint)

    def canonical(self, value: ast.expr) -> ast.expr:
        """An expression with canonical names and exact numbers. Raises ReadError."""
        made = Canonical(self).visit(value)
        assert isinstance(made, ast.expr)
        return made

    def number(self, node: ast.Constant) -> ast.Constant:
        """A number with its exact value: 0.1 is 1/10."""
        if isinstance(node.value, bool):
            return node
        if not isinstance(node.value, int | float):
            if isinstance(node.value, complex | bytes):
                self.refuse(node, "this is no number")
            return node
        span = self.places.span(node)
        written = self.text[span.start : span.end]
        found = _NUMBER.fullmatch(written)
        if isinstance(node.value, int) and found is None:
            return ast.copy_location(exact(Fraction(node.value)), node)  # 0x10
        if (
            found is None
            or len(written) > limits.HAND_DIGITS + 10
            or abs(int(found.group(1) or "0")) > limits.EXPONENT
        ):
            self.refuse(
                node,
                f"a number has at most {limits.HAND_DIGITS} digits and exponents up to {limits.EXPONENT}",
            )
        digits = written.replace("_", "")
        return ast.copy_location(exact(Fraction(digits)), node)


def exact(value: Fraction | int) -> ast.Constant:
    """A number that is no float; Python's own trees have none, and nothing but our reader sees these."""
    return ast.Constant(Fraction(value))  # type: ignore[arg-type]


def with_exact_numbers(value: ast.expr) -> ast.expr:
    """An expression of our own, with whole numbers in it, as the reader would give it."""

    class Exact(ast.NodeTransformer):
        def visit_Constant(self, node: ast.Constant) -> ast.expr:
            return exact(node.value) if isinstance(node.value, int) else node

    made = Exact().visit(value)
    assert isinstance(made, ast.expr)
    return made


class Canonical(ast.NodeTransformer):
    """Names as they are known, and exact numbers. Names of functions and modules stay."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return self.source.number(node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in MODULES:
            return node
        return self._name(node.id, node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        word = named(node)
        if word is not None:
            return self._name(word, node)
        node.value = self.visit(node.value)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        word = named(node)
        if word is not None:
            return self._name(word, node)
        node.value, node.slice = self.visit(node.value), self.visit(node.slice)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        match node.func:
            case ast.Name():
                pass
            case ast.Attribute(value=ast.Name(id="self"), attr=function):
                node.func = ast.copy_location(ast.Name(function, ast.Load()), node.func)
            case ast.Attribute(value=ast.Name(id=module)) if module in CALLED:
                pass
            case ast.Attribute():
                node.func.value = self.visit(node.func.value)
            case _:
                self.source.refuse(node, "this call is not read")
        node.args = [self.visit(one) for one in node.args]
        for keyword in node.keywords:
            keyword.value = self.visit(keyword.value)
        return node

    def _name(self, word: str, node: ast.expr) -> ast.expr:
        return ast.copy_location(ast.Name(code_name(word, self.source.known), ast.Load()), node)
