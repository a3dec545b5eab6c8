"""Trees as somebody writes them by hand, in LaTeX or in plain text.

This is no second copy of the program's writers: it writes what people write, with their many habits, and
knows nothing of how it will be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from symbackprop.notation import tree
from symbackprop.notation.tree import Node

from .entries import shape
from .figures import Figure, Figures, Value
from .letters import ATOM, PRODUCT, RAISED, SUM, Names, Unwritable

LATEX_FUNCTIONS = {
    "relu": (r"\text{ReLU}", r"\operatorname{ReLU}", r"\mathrm{ReLU}"),
    "softmax": (r"\text{softmax}", r"\operatorname{softmax}", r"\mathrm{softmax}"),
    "sigmoid": (r"\sigma",),
    "tanh": (r"\tanh",),
    "log": (r"\log", r"\ln"),
    "g": ("g",),
}
PLAIN_FUNCTIONS = {
    "relu": ("ReLU", "relu"),
    "softmax": ("softmax",),
    "sigmoid": ("sigmoid", "σ"),
    "tanh": ("tanh",),
    "log": ("log", "ln"),
    "g": ("g",),
}


@dataclass(frozen=True, slots=True)
class Said(Node):
    """A part of a formula that is written already."""

    text: str


WRITTEN = Value | tree.Brace


class Hand(Names):
    """One person's writing."""

    # --- trees

    def text(self, node: Node, level: int = SUM, *, weight: bool = False) -> str:
        """A tree as text, in brackets where it binds less than `level`."""
        made, own = self._made(node, weight)
        return self.brackets(made) if own < level else made

    def brackets(self, text: str) -> str:
        """Round ones, large where a fraction stands in them."""
        if not self.style.latex:
            return f"({text})"
        tall = r"\frac" in text or r"\sum" in text or "matrix" in text
        if tall and self.habit("tall", "aab") == "a":
            return rf"\left({text}\right)"
        return f"({text})"

    def _made(self, node: Node, weight: bool = False) -> tuple[str, int]:
        match node:
            case Said(text):
                return text, ATOM
            case tree.Brace(body, label):
                return rf"\underbrace{{{self.text(body)}}}_{{{self.text(label)}}}", ATOM
            case Value(figures, row, tall):
                signed = len(figures.entries) == 1 and figures.entries[0].value < 0
                return self.value(figures, row=row, tall=tall), SUM if signed else ATOM
            case tree.Number(value):
                return self._number(value)
            case tree.Name(name):
                return self.name(name), ATOM
            case tree.Index(tree.Name(name), places):
                return self.name(name, self.places(name, places), weight=weight or name[0] == "W"), ATOM
            case tree.Gradient(of):
                return self.gradient(of), ATOM if self.style.latex or self.style.gradient in (
                    "name",
                    "delta",
                ) else PRODUCT
            case tree.Ones():
                return (
                    self.habit("ones", (r"\mathbf{1}", r"\mathbf 1"))
                    if self.style.latex
                    else self._no("ones")
                ), ATOM
            case tree.Bracket(body):
                inner = self.text(body)
                simple = isinstance(body, tree.Name | tree.Gradient | tree.Index)
                return (inner if simple else self.brackets(inner)), ATOM
            case tree.Neg(body):
                return "-" + self.text(body, PRODUCT), SUM
            case tree.Add(terms):
                return self._sum(terms), SUM
            case tree.Product():
                return self._product(node)
            case tree.Quotient(above, below):
                return self._quotient(above, below)
            case tree.Power(base, exponent):
                return f"{self.text(base, ATOM)}^{self.text(exponent, ATOM)}", RAISED
            case tree.Transpose(body):
                return self._transpose(body)
            case tree.Norm(body, kind):
                return self._norm(body, kind)
            case tree.Sum():
                return self._total(node), PRODUCT
            case tree.Call():
                return self._call(node)
        raise Unwritable(type(node).__name__)

    def _no(self, what: str) -> str:
        raise Unwritable(what)

    def places(self, name: str, places: tuple[Node, ...]) -> str:
        """`ij`, `i,j` or `i+a-1,j`; an axis of one entry has no index."""
        sizes = self.facts.exercise.shapes[name]
        kept = [place for place, size in zip(places, sizes, strict=True) if size != 1]
        texts = [self.text(place).replace(" ", "") for place in kept]
        single = all(len(text) == 1 for text in texts)
        comma = not single or self.habit("comma in places", "aaab") == "b"
        if not self.style.latex and comma:
            return ", ".join(texts) if len(texts) > 1 else "".join(texts)
        return ("," if comma else "").join(texts)

    def _number(self, value: Fraction) -> tuple[str, int]:
        if value.denominator == 1:
            return str(value.numerator), ATOM
        return self._quotient(tree.number(value.numerator), tree.number(value.denominator))

    def _sum(self, terms: tuple[Node, ...]) -> str:
        text = ""
        for at, term in enumerate(terms):
            minus = isinstance(term, tree.Neg)
            body = term.body if isinstance(term, tree.Neg) else term
            sign = ("-" if minus else "") if not at else (" - " if minus else " + ")
            text += sign + self.text(body, PRODUCT)
        return text

    def _quotient(self, above: Node, below: Node) -> tuple[str, int]:
        if self.style.latex:
            short = isinstance(above, tree.Number) and isinstance(below, tree.Number)
            command = self.habit("half", (r"\frac", r"\frac", r"\tfrac")) if short else r"\frac"
            return rf"{command}{{{self.text(_open(above))}}}{{{self.text(_open(below))}}}", ATOM
        return f"{self.text(above, RAISED)}/{self.text(below, RAISED)}", PRODUCT

    def _transpose(self, body: Node) -> tuple[str, int]:
        sign = self.style.transpose
        if isinstance(body, tree.Name) and self.marked(body.name):
            letter = sign.strip("^{}")
            if self.habit("marked transpose", "ab") == "a" and self.habit("order", "ab") == "b":
                made = self.name(body.name)
                return f"{made[:-1]}{letter}}}", RAISED
            return f"({self.name(body.name)}){sign}", RAISED
        if isinstance(body, tree.Gradient) and not self._short(body):
            return self.brackets(self.text(body)) + sign, RAISED
        if isinstance(body, tree.Gradient) and isinstance(body.of, tree.Name) and self.marked(body.of.name):
            return f"({self.text(body)}){sign}", RAISED
        return self.text(body, ATOM) + sign, RAISED

    def _short(self, node: tree.Gradient) -> bool:
        """Whether a gradient is written `dz` or δ."""
        text = self.text(node)
        return text.startswith(("d", r"\delta", "δ")) and "/" not in text

    def _norm(self, body: Node, kind: str) -> tuple[str, int]:
        inner = self.text(_open(body))
        if not self.style.latex:
            return f"||{inner}||" + ("_F" if kind == "F" else ""), ATOM
        left, right = (r"\|", r"\|") if self.habit("norm", "ab") == "a" else (r"\lVert ", r" \rVert")
        under = "_F" if kind == "F" else self.habit("norm 2", ("", "", "_2"))
        return f"{left}{inner}{right}{under}", ATOM

    def _total(self, node: tree.Sum) -> str:
        body = self.text(node.body, PRODUCT)
        if self.style.latex:
            high = self.text(node.high) if node.high else ""
            under = (
                f"_{{{node.index}=1}}^{{{high}}}" if self.habit("bounds", "aab") == "a" else f"_{node.index}"
            )
            return rf"\sum{under} {body}"
        if self.style.format == "unicode":
            return f"Σ_{node.index} {body}"
        raise Unwritable("a sum in plain text")

    def _call(self, node: tree.Call) -> tuple[str, int]:
        if len(node.args) != 1 or node.options:
            raise Unwritable(node.function)
        (argument,) = node.args
        inner = self.text(_open(argument))
        match node.function:
            case "exp":
                return (f"e^{{{inner}}}", RAISED) if self.style.latex else (f"exp({inner})", ATOM)
            case "sqrt":
                return (rf"\sqrt{{{inner}}}", ATOM) if self.style.latex else (f"sqrt({inner})", ATOM)
            case "log" if (
                self.style.latex and isinstance(argument, tree.Index) and self.habit("log", "ab") == "a"
            ):
                return f"{self.function('log')} {inner}", PRODUCT
            case "relu" if node.primes and self.rng.random() < 0.3:
                return self._indicator(inner), ATOM
            case "relu" if not node.primes and self.style.activation == "max":
                maximum = r"\max" if self.style.latex else "max"
                return (
                    f"{maximum}({inner}, 0)" if self.habit("max", "ab") == "a" else f"{maximum}(0, {inner})"
                ), ATOM
        return f"{self.function(node.function)}{self._primes(node.primes)}({inner})", ATOM

    def _primes(self, count: int) -> str:
        return "'" * count

    def _indicator(self, inner: str) -> str:
        if not self.style.latex:
            return f"({inner} > 0)" if self.style.format == "plain" else f"1_{{{inner}>0}}"
        ways = (rf"\mathbb{{1}}_{{{inner}>0}}", rf"1_{{{inner} > 0}}", rf"\mathbb{{1}}[{inner} > 0]")
        return self.habit("indicator", ways)

    def function(self, name: str) -> str:
        """The person's word for a function."""
        if self.style.activation == "letter" and name in ("relu", "sigmoid", "tanh"):
            return self.style.letter
        table = LATEX_FUNCTIONS if self.style.latex else PLAIN_FUNCTIONS
        if name not in table:
            raise Unwritable(name)
        options = table[name]
        if self.style.format == "plain":
            options = options[:1] if name == "sigmoid" else options
        return self.habit("function " + name, options)

    # --- products

    def _product(self, node: tree.Product) -> tuple[str, int]:
        if node.signs == ("odot",) and node.factors[0] == node.factors[1] and self._single_or_indexed(node):
            return f"{self.text(node.factors[0], ATOM)}^2", RAISED
        text = self._factor(node.factors[0], first=True)
        tight = False
        for sign, before, factor in zip(node.signs, node.factors, node.factors[1:], strict=False):
            made = self._factor(factor, first=False)
            between = self.sign(sign, before, factor)
            if between == " " and self._joins(before, made):
                between = r" \cdot " if self.style.latex else " * "
            text += between + made
            tight = tight or sign in ("odot", "*")
        return text, PRODUCT

    def _single_or_indexed(self, node: tree.Product) -> bool:
        factor = node.factors[0]
        name = factor.name if isinstance(factor, tree.Name) else ""
        return bool(name) and self.facts.single(name)

    def _factor(self, factor: Node, *, first: bool) -> str:
        if isinstance(factor, tree.Product):
            whole = "odot" in factor.signs
            return self.text(factor, RAISED if whole else PRODUCT)
        if isinstance(factor, tree.Quotient) and not self.style.latex:
            return self.text(factor, RAISED)
        if isinstance(factor, tree.Gradient):
            text = self.text(factor)
            return self.brackets(text) if "/" in text and "frac" not in text and not first else text
        if isinstance(factor, tree.Sum):
            return self.text(factor, PRODUCT)
        return self.text(factor, RAISED)

    def _joins(self, before: Node, after: str) -> bool:
        """Whether two factors side by side would be read as one thing."""
        return isinstance(before, tree.Number) and after[:1].isdigit()

    def sign(self, sign: str, left: Node, right: Node) -> str:
        """What stands between two factors."""
        dot = r" \cdot " if self.style.latex else (" · " if self.style.format == "unicode" else " * ")
        if sign in ("odot", "*"):
            if isinstance(right, WRITTEN) and self._one(right):
                return dot
            if self._one(left) or self._one(right):
                return self.rng.choice((dot, dot, " ")) if self.style.latex else dot
            if _complement(left, right) and self.rng.random() < 0.3:
                return "" if self.style.latex else f" {self.style.hadamard} "
            return f" {self.style.hadamard} "
        if sign == "cdot":
            return dot
        arrays = bool(shape(self.facts, left)) and bool(shape(self.facts, right))
        if isinstance(left, WRITTEN) or isinstance(right, WRITTEN):
            return dot if self._one(right) else " "
        if self.style.latex:
            if isinstance(right, tree.Gradient) or isinstance(left, tree.Gradient):
                return self.rng.choice((" ", r"\, ", r" \cdot ")) if arrays else " "
            return self.rng.choice((" ", " ", " ", r" \cdot ")) if arrays else " "
        if shape(self.facts, left) != shape(self.facts, right) and self.style.format == "plain":
            star = " @ " if self.style.transpose == ".T" else " * "
            matrices = max(len(shape(self.facts, left)), len(shape(self.facts, right))) > 1
            return self.habit("product", (" ", star)) if matrices or star == " * " else " "
        return " "

    def _one(self, node: Node) -> bool:
        """Whether a factor is a number, or a vector of one entry."""
        own = shape(self.facts, node)
        return all(size == 1 for size in own)

    # --- numbers

    def figure(self, figure: Figure) -> str:
        """A number with its sign."""
        text = figure.text()
        if "/" in text and self.style.latex:
            above, below = text.split("/")
            text = rf"\frac{{{above}}}{{{below}}}"
        if self.style.comma and "." in text:
            text = text.replace(".", "{,}" if self.style.latex else ",")
        return ("-" if figure.value < 0 else "") + text

    def value(self, figures: Figures, *, row: bool = False, tall: bool = False) -> str:
        """An array of numbers; one number alone has no brackets."""
        texts = [self.figure(figure) for figure in figures.entries]
        if len(texts) == 1:
            return texts[0]
        sizes = figures.shape
        vector = len(sizes) == 1
        columns = 1 if vector and not row else sizes[-1]
        rows = [texts[at : at + columns] for at in range(0, len(texts), columns)]
        if self.style.latex:
            return self._latex_array(rows, flat=len(rows) == 1 or (vector and not row and not tall))
        if vector and tall:
            return "[" + "; ".join(texts) + "]"
        return self._plain_array(rows, vector=vector, row=row)

    def _latex_array(self, rows: list[list[str]], *, flat: bool) -> str:
        if self.style.arrays == "tuple" and flat:
            texts = [text for one in rows for text in one]
            return "(" + (";\\ " if self.style.comma else ", ").join(texts) + ")"
        kind = "bmatrix" if self.style.arrays == "bmatrix" else "pmatrix"
        body = r" \\ ".join(" & ".join(one) for one in rows)
        return rf"\begin{{{kind}}} {body} \end{{{kind}}}"

    def _plain_array(self, rows: list[list[str]], *, vector: bool, row: bool) -> str:
        gap = "; " if self.style.comma else ", "
        if vector and not row:
            texts = gap.join(text for one in rows for text in one)
            return f"({texts})" if self.habit("vector", "ab") == "a" or self.style.comma else f"[{texts}]"
        if len(rows) == 1 and (self.style.comma or self.habit("row", "ab") == "a"):
            return "(" + gap.join(rows[0]) + ")"
        if self.style.comma:
            raise Unwritable("a matrix with decimal commas in plain text")
        return "[" + ", ".join("[" + ", ".join(one) + "]" for one in rows) + "]"


def _open(node: Node) -> Node:
    """What stands between a fraction's bars or a function's brackets needs none of its own."""
    return node.body if isinstance(node, tree.Bracket) else node


def _complement(left: Node, right: Node) -> bool:
    """a (1 − a)"""
    match right:
        case tree.Bracket(tree.Add((tree.Number(), tree.Neg(body)))):
            return body == left
    return False
