"""Lines of NumPy and of PyTorch that a student can paste to check the numbers.

They are written from the model's own tree, for models whose every part both libraries have.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from symbackprop.algebra.slopes import Branch
from symbackprop.notation import tree
from symbackprop.notation.tree import Node
from symbackprop.report.document import Block, Code, Heading, Paragraph, Text
from symbackprop.report.view import View

WIDTH = 84
"""Characters of a line of code."""

ENTRIES = 64
"""Numbers beyond which nobody pastes them."""


class _NoCode(ValueError):
    """A part of the model that is not translated."""


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
    except _NoCode:
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
    writer = _Writer(view, "np")
    return "\n".join(
        [
            "import numpy as np",
            *_data(view, names, "np.array(v, float)"),
            *_lines([f"{_id(s.target)} = {writer.write(s.formula)}" for s in view.derivation.forward]),
            *_lines([f"d{_id(s.target)} = {writer.write(s.formula)}" for s in steps]),
            "print(" + ", ".join(f"d{_id(s.target)}" for s in steps) + ")",
        ]
    )


def _torch(view: View, names: list[str]) -> str:
    """Forward, then PyTorch's own backward pass."""
    writer = _Writer(view, "torch")
    forward = view.derivation.forward
    grads = ", ".join(f"{_id(n)}.grad" for n in view.derivation.exercise.wanted if n in names)
    return "\n".join(
        [
            "import torch",
            *_data(view, names, "torch.tensor(v, dtype=float, requires_grad=True)"),
            *_lines([f"{_id(s.target)} = {writer.write(s.formula)}" for s in forward]),
            f"{_id(view.loss)}.sum().backward(); print({grads})",
        ]
    )


def _data(view: View, names: list[str], maker: str) -> list[str]:
    """The values, and the names that they get."""
    values = "(" + ", ".join(_literal(view, name) for name in names) + ",)"
    made = f"{', '.join(_id(name) for name in names)}, = ({maker} for v in data)"
    if len(names) > 1:
        values, made = values.replace(",)", ")"), made.replace(", = ", " = ", 1)
    return [f"data = {values}", made]


def _lines(statements: list[str]) -> list[str]:
    """Statements joined with semicolons as long as they fit."""
    made: list[str] = []
    for statement in statements:
        if made and len(made[-1]) + len(statement) + 2 <= WIDTH:
            made[-1] += f"; {statement}"
        else:
            made.append(statement)
    return made


def _id(name: str) -> str:
    """A Python name: primes and the like are spelled."""
    made = name.replace("'", "_prime")
    if not made.isidentifier() or not made.isascii():
        raise _NoCode(name)
    return made


def _literal(view: View, name: str) -> str:
    def nested(value: object) -> str:
        if isinstance(value, list):
            return "[" + ", ".join(nested(part) for part in value) + "]"
        assert isinstance(value, Fraction)
        return str(value)

    return nested(view.derivation.exercise.values[name].nested())


_ELEMENTARY = {
    "exp": "exp",
    "log": "log",
    "tanh": "tanh",
    "sin": "sin",
    "cos": "cos",
    "sqrt": "sqrt",
    "abs": "abs",
}


class _Writer:
    """A tree as an expression of one of the two libraries."""

    def __init__(self, view: View, library: str) -> None:
        self.view = view
        self.library = library

    def write(self, node: Node) -> str:
        match node:
            case tree.Number(value):
                return str(value) if value.denominator == 1 else f"({value})"
            case tree.Name(name):
                return _id(name)
            case tree.Gradient(tree.Name(name)):
                return "d" + _id(name)
            case tree.Neg(body):
                return f"-{self.tight(body)}"
            case tree.Add(terms):
                return self.sum(terms)
            case tree.Bracket(body) | tree.Brace(body) | tree.Box(body) | tree.Coloured(body):
                return f"({self.write(body)})"
            case tree.Transpose(body):
                return self.tight(body) + ".T"
            case tree.Quotient(above, below, _):
                return f"{self.tight(above)} / {self.tight(below)}"
            case tree.Power(tree.Norm(body, _), tree.Number(value)) if value == 2:
                return f"({self.tight(body)}**2).sum()"
            case tree.Power(base, tree.Number(value)) if value.denominator == 1:
                return f"{self.tight(base)}**{value}"
            case tree.Ones(tree.Number(value)):
                return f"np.ones({value})" if self.library == "np" else f"torch.ones({value}, dtype=float)"
            case tree.Constant("pi"):
                return f"{self.library}.pi"
            case tree.Call("sqrt", (tree.Number(value),)):
                return f"{value}**0.5"
            case tree.Product(factors, signs):
                return self.product(factors, signs)
            case tree.Call():
                return self.call(node)
        raise _NoCode(type(node).__name__)

    def tight(self, node: Node) -> str:
        made = self.write(node)
        plain = isinstance(
            node, tree.Name | tree.Number | tree.Gradient | tree.Call | tree.Bracket | tree.Transpose
        )
        return made if plain else f"({made})"

    def factor(self, node: Node) -> str:
        """A factor beside `*`: a power needs no brackets there, nor does 1/2 at the front."""
        match node:
            case tree.Power():
                return self.write(node)
            case tree.Quotient(tree.Number() as above, tree.Number() as below, _):
                return f"{self.write(above)}/{self.write(below)}"
        return self.tight(node)

    def sum(self, terms: tuple[Node, ...]) -> str:
        made = self.write(terms[0])
        for term in terms[1:]:
            made += f" - {self.tight(term.body)}" if isinstance(term, tree.Neg) else f" + {self.write(term)}"
        return made

    def rank(self, node: Node) -> int:
        """How many axes the value has, in the shapes of the model."""
        try:
            return len(self.view.facts.model.lowering.tensor(node).shape)
        except ValueError as error:
            raise _NoCode("rank") from error

    def product(self, factors: tuple[Node, ...], signs: tuple[str, ...]) -> str:
        """`np.outer(dz, x)` for a column times a row, `@` for matrices, `*` otherwise."""
        made, rank = self.factor(factors[0]), self.rank(factors[0])
        for sign, factor in zip(signs, factors[1:], strict=True):
            right = self.rank(factor)
            if sign in {"*", "odot"} or rank == 0 or right == 0:
                made, rank = f"{made} * {self.factor(factor)}", max(rank, right)
            elif rank == 1 and isinstance(factor, tree.Transpose) and self.rank(factor.body) == 1:
                made, rank = f"{self.library}.outer({made}, {self.tight(factor.body)})", 2
            elif rank == 1:
                raise _NoCode("a column times a matrix")
            else:
                made, rank = f"{made} @ {self.tight(factor)}", right
        return made

    def call(self, node: tree.Call) -> str:
        arguments = ", ".join(self.write(arg) for arg in node.args)
        if node.function in {"sum", "mean"} and not node.options:
            return f"({arguments}).{node.function}()"
        if not node.primes and node.function in _ELEMENTARY and len(node.args) == 1:
            return f"{self.library}.{_ELEMENTARY[node.function]}({arguments})"
        return self.by_formula(node)

    def by_formula(self, node: tree.Call) -> str:
        """A row of the table by its formula, by cases with `where`; a prime by its derived slope."""
        slope = self.view.derivation.slope_of(node)
        if len(node.args) == 1 and slope is not None:
            if node.primes == 1:
                return self.cases(slope.branches, node.args[0], [kink.taken for kink in slope.kinks])
            if not node.primes and len(slope.values) > 1 and self.clamp(node) is None:
                return self.cases(slope.values, node.args[0], [])
        made = self.clamp(node)
        if made is not None:
            return made
        row = self.view.row(node.function)
        if row.kind == "loss" and row.smooth and row.compact is None and not node.primes:
            formula = self.view.facts.put_in(node, row.pieces[0].formula)
            return f"({self.write(_entrywise(formula))}).{row.reduce}()"
        compact = self.view.facts.compact(node)
        if compact is None or node.primes:
            raise _NoCode(node.function)
        return f"({self.write(compact)})"

    def clamp(self, node: tree.Call) -> str | None:
        """`max(z, 0)` as each library says it."""
        compact = self.view.facts.compact(node)
        if not isinstance(compact, tree.Call) or compact.function != "max" or node.primes:
            return None
        if compact.args[1] != tree.number(0):
            return None
        inner = compact.args[0]
        if self.library == "np":
            return f"np.maximum({self.write(inner)}, 0)"
        return f"{self.tight(inner)}.clamp(min=0)"

    def cases(self, branches: tuple[Branch, ...], argument: Node, kinks: list[Node]) -> str:
        """One formula, or nested `where`; at a kink what the convention takes."""
        table = {"u": argument}
        values = [self.write(tree.replace_names(branch.value, table)) for branch in branches]
        if len(values) == 1:
            return f"({values[0]})"
        if len(kinks) > 1:
            raise _NoCode("several kinks")
        at = self.write(argument)
        made = values[-1]
        for branch, value in reversed(list(zip(branches, values, strict=True))[:-1]):
            assert branch.bound is not None
            bound = self.write(branch.bound)
            taken = self.write(kinks[0]) if kinks else value
            if taken not in (value, made):
                made = f"{self.library}.where({at} == {bound}, {taken}, {made})"
            sign = ">=" if taken == value else ">"
            made = f"{self.library}.where({at} {sign} {bound}, {value}, {made})"
        return made


def _entrywise(node: Node) -> Node:
    """A formula of the table: every product in it is entry by entry."""
    node = tree.rebuild(node, _entrywise)
    return tree.Product(node.factors, ("*",) * len(node.signs)) if isinstance(node, tree.Product) else node
