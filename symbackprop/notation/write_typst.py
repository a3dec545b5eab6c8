"""Typst mathematics: the second picture of the same tree, not a conversion of LaTeX.

The template defines `boxed`, `grad` and `vphantom`.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import ClassVar

from symbackprop.notation.tree import (
    Blank,
    Box,
    Cases,
    Chain,
    Coloured,
    Constant,
    Delta,
    Derivative,
    Dots,
    Matrix,
    Node,
    Norm,
    Number,
    Ones,
    Relation,
    Sizes,
    Slice,
    Space,
    Stack,
)
from symbackprop.notation.write_names import (
    COMPOSED,
    LATIN_CAPITALS,
    OPERATORS,
    UPRIGHT,
    calligraphic,
    is_capital,
    is_greek,
    is_running,
    is_shifted,
    parts,
)
from symbackprop.notation.write_picture import PictureWriter
from symbackprop.notation.write_rules import bare
from symbackprop.notation.write_style import Style

_RELATIONS: Mapping[Relation, str] = {
    "=": "=", "≈": "approx", "≠": "eq.not", "<": "<", ">": ">", "≤": "<=", "≥": ">=", "∈": "in", "→": "->",
    "↦": "|->", "⇒": "=>", ":": "colon", "←": "<-", "≡": "equiv",
}  # fmt: skip

_SIGNS = {"cdot": "dot.op", "odot": "dot.o", "otimes": "times.o", "*": "ast.op"}
_DOTS = {"h": "dots.h", "c": "dots.h.c", "v": "dots.v", "d": "dots.down"}
_COMMA, _ESCAPED = re.compile(r"(?<!\\),"), r"\\,"
_VARIANTS = {"epsilon": "epsilon.alt", "phi": "phi.alt", "omicron": "omicron"}
"""Greek letters whose plain Typst form is LaTeX's `\\var…`."""


def quoted(text: str) -> str:
    """Any text as a Typst string: upright words."""
    kept = "".join(mark if mark.isprintable() else " " for mark in text)
    return '"' + kept.replace("\\", "\\\\").replace('"', '\\"') + '"'


@lru_cache(maxsize=4096)
def letters(text: str) -> str:
    """One symbol as itself (`W`, `sigma`), anything else upright, letter by letter (no spaces round it)."""
    if len(text) == 1 and text.isascii() and text.isalpha():
        return text
    if text == "ell":
        return "ell"
    if is_greek(text):
        latin = LATIN_CAPITALS.get(text)
        return f"upright({latin})" if latin else _VARIANTS.get(text, text)
    if calligraphic(text):
        return f"cal({calligraphic(text)})"
    if text.isascii() and text.isalnum():
        return f"upright({' '.join(text)})"
    return quoted(text)


@lru_cache(maxsize=4096)
def subscript(text: str) -> str:
    """A subscript of a name: digits, one symbol, several indices, or an upright word."""
    if text.isascii() and (text.isdigit() or is_shifted(text)):
        return text
    if text.isascii() and is_running(text):
        return " ".join(text)
    if len(text) > 1 and text[0].isalpha() and text[1:].isdigit() and text.isascii():
        return f"{text[0]} {text[1:]}"
    return letters(text)


@lru_cache(maxsize=4096)
def named(name: str, small_letter: bool = False) -> tuple[str, str]:
    """How a name prints, in two pieces: the symbol with its primes, and its subscripts."""
    part = parts(name)
    stem = part.letters
    if small_letter and is_capital(stem):
        stem = stem.lower()
    head = letters(stem)
    if part.accent:
        accent = "macron" if part.accent == "bar" else part.accent
        head = f"{accent}({head})"
    below = ",".join(subscript(text) for text in part.subscripts)
    return head + "'" * part.primes, below


def marked(name: str, small_letter: bool, mark: Callable[[str], str]) -> tuple[str, str]:
    """As `named`, with the name's number above it: `W^([1])`."""
    part = parts(name)
    number, *rest = part.subscripts
    head, _ = named(name, small_letter)
    return f"{head}^({mark(number)})", ",".join(subscript(text) for text in rest)


def lowered(head: str, below: str) -> str:
    """`head` with a subscript, grouped if it is longer than a character."""
    if not below:
        return head
    return f"{head}_{below}" if len(below) == 1 else f"{head}_({below})"


class TypstWriter(PictureWriter):
    """The strings of Typst.

    A comma or a semicolon would end an argument of a Typst function, so both are written
    escaped; a `/` would build a fraction, so it is too.
    """

    space: ClassVar[str] = " "
    thin: ClassVar[str] = " thin "
    thick: ClassVar[str] = " thick "
    quad: ClassVar[str] = " quad "
    times: ClassVar[str] = " times "
    index_wide: ClassVar[str] = ", thin "
    slash: ClassVar[str] = "\\/"
    index_comma: ClassVar[str] = ","
    index_joint: ClassVar[str] = " "
    d: ClassVar[str] = "d "
    item_gap: ClassVar[str] = " med "
    item_comma: ClassVar[str] = "\\, "
    item_semicolon: ClassVar[str] = "\\; "
    turned: ClassVar[str] = " thin T"
    missing: ClassVar[str] = '""'
    cross: ClassVar[str] = " times "

    # --- what people write -------------------------------------------------------

    def over(self, head: str, above: str) -> str:
        return f"{head}^({above})"

    def primed(self, base: str, count: int) -> str:
        return base + "'" * count if base.isalpha() else f"{base}^({'prime ' * count})"

    def raised_primes(self, count: int) -> str:
        return " prime" * count

    def nabla(self, below: str) -> str:
        return lowered("nabla", below)

    # --- names and numbers -------------------------------------------------------

    def symbol(self, name: str, *, small_letter: bool = False) -> tuple[str, str]:
        style = self.style
        if name in style.names:
            return style.names[name], ""
        if name == style.loss:
            return f"cal({name if is_capital(name) else 'L'})", ""
        mark = style.layer_mark if style.marks_layer(name) else None
        return named(name, small_letter) if mark is None else marked(name, small_letter, mark)

    def lowered(self, head: str, below: str) -> str:
        return lowered(head, below)

    def _constant(self, node: Constant) -> str:
        return node.name

    def _ones(self, node: Ones) -> str:
        below = "" if node.size is None else self.smaller(node.size)
        return lowered(self.bold("1"), below)

    def bold(self, letter: str) -> str:
        return f"upright(bold({letter}))"

    def _dots(self, node: Dots) -> str:
        return _DOTS[node.kind]

    def _blank(self, node: Blank) -> str:
        return f"underline(#h({int(node.width)}em))"

    def text(self, text: str) -> str:
        return quoted(text)

    def digits(self, written: str) -> str:
        mark = self.style.decimal_mark
        if mark == ".":
            return written
        return written.replace(".", quoted(mark))

    def scientific(self, mantissa: str, power: str) -> str:
        return f"{mantissa} dot.op 10^({power})"

    # --- arithmetic --------------------------------------------------------------

    def sign(self, sign: str) -> str:
        return f" {_SIGNS[sign]} "

    def fraction(self, above: Node, below: Node) -> str:
        self.fractions += 1
        top, bottom = self.write(above), self.write(below)
        self.fractions -= 1
        if type(above) is Number and type(below) is Number and top.isdigit() and bottom.isdigit():
            if self.small:
                return f"{top}\\/{bottom}"
            if not self.fractions:
                return f"inline(frac({top}, {bottom}))"
        return f"frac({top}, {bottom})"

    def raised(self, base: str, exponent: Node) -> str:
        inner = self.smaller(bare(exponent))
        return f"{base}^{inner}" if len(inner) == 1 else f"{base}^({inner})"

    def transposed(self, base: str, *, wide: bool) -> str:
        return f"{base}^(thin T)" if wide else f"{base}^T"

    def bracket(self, text: str) -> str:
        if "underbrace(" in text:  # a growing bracket would embrace the labels too
            tall = "frac(" in text or "mat(" in text
            return f"lr(size: #2em, ({text}))" if tall else rf"\({text}\)"
        return f"({text})"

    def _norm(self, node: Norm) -> str:
        text = f"norm({self.write(bare(node.body))})"
        return text if node.kind == "2" else f"{text}_{node.kind}"

    # --- functions ---------------------------------------------------------------

    def operator(self, function: str) -> str:
        if len(function) == 1 or is_greek(function):
            return letters(function)
        if function in OPERATORS:
            return function
        if function in COMPOSED:
            return " ".join(map(self.operator, COMPOSED[function]))
        function = UPRIGHT.get(function, function)
        return f"op({quoted(function)})"

    def root(self, text: str) -> str:
        return f"sqrt({text})"

    def absolute(self, text: str) -> str:
        return f"abs({text})"

    def applied(self, operator: str, arguments: list[str], options: list[str]) -> str:
        inner = "\\, ".join(arguments)
        if options:
            inner += "\\; " + "\\, ".join(options)
        return f"{operator} {self.bracket(inner)}"

    def option(self, name: str, value: str) -> str:
        return f"{lowered(*named(name))} = {value}"

    # --- indices, sums, arrays ---------------------------------------------------

    def _slice(self, node: Slice) -> str:
        low = "" if node.low is None else self.write(node.low)
        high = "" if node.high is None else self.write(node.high)
        return f"{low}:{high}"

    def sigma(self, below: list[str], high: str | None) -> str:
        sign, lines = "sum", below[0]
        if len(below) > 1:  # limits and centred lines of one size as in LaTeX, in a table too
            sized = ", ".join(f"script({_COMMA.sub(_ESCAPED, line)})" for line in below)
            sign, lines = "limits(sum)", f"vec(delim: #none, gap: #.2em, {sized})"
        return f"{sign}_({lines})" + ("" if high is None else f"^({high})")

    def entry_squared(self, base: str) -> str:
        return f"{base}^(dot.o 2)"

    def squared(self, text: str) -> str:
        return f"[{text}]"

    def blocks(self, pieces: list[str], *, above: bool) -> str:
        return f'mat(delim: "[", {("; " if above else ", ").join(pieces)})'

    def _delta(self, node: Delta) -> str:
        return lowered("delta", self.places((node.first, node.second)))

    def _matrix(self, node: Matrix) -> str:
        write = self.write
        rows = [", ".join([write(entry) for entry in row]) for row in node.rows]
        gap = "row-gap: #0.6em, " if any("frac(" in row or "/" in row for row in rows) else ""
        return f'mat(delim: "(", {gap}{"; ".join(rows)})'

    def _cases(self, node: Cases) -> str:
        lines = [f"{self.write(value)} & quad {self.condition(when)}" for value, when in node.branches]
        return "cases(" + " \\,, ".join(lines) + ")"

    def _stack(self, node: Stack) -> str:
        lines = [self.aligned(row) if isinstance(row, Chain) else f"& {self.write(row)}" for row in node.rows]
        return "cases(reverse: #true, " + ", ".join(lines) + f") thick {self.write(node.right)}"

    def conditional(self, text: str) -> str:
        return f"{quoted(self.word('if'))} {text}"

    # --- derivatives -------------------------------------------------------------

    def _derivative(self, node: Derivative) -> str:
        of, by = self.shown(node.of), self.shown(node.by)
        d = "d" if node.straight or self.style.straight_d else "partial"
        if node.inline or self.small:
            return f"{d} {of}\\/{d} {by}"
        return f"frac({d} {of}, {d} {by})"

    # --- as written --------------------------------------------------------------

    def phantom(self, text: str) -> str:
        return f"#vphantom($script({text})$)" if self.small else f"#vphantom(${text}$)"

    def braced(self, body: str, label: str, *, above: bool) -> str:
        return f"{'overbrace' if above else 'underbrace'}({body}, {label})"

    def _box(self, node: Box) -> str:
        return f"#boxed(${self.write(node.body)}$)"

    def _coloured(self, node: Coloured) -> str:
        return f"#grad(${self.write(node.body)}$)"

    # --- statements --------------------------------------------------------------

    def relation(self, relation: Relation, over: str | None) -> str:
        sign = self.relation_sign(relation)
        if over is not None:
            stacked = f'class("relation", limits({sign})^{quoted(self.word(over))})'
            return f"thick thin {stacked} thick thin"
        return f"thin {sign} thin" if self.small else sign

    def relation_sign(self, relation: Relation) -> str:
        return _RELATIONS[relation]

    def _space(self, node: Space) -> str:
        if not node.sizes:
            return "RR"
        inner = self.sizes(node.sizes, " times ")
        return f"RR^{inner}" if len(inner) == 1 else f"RR^({inner})"

    def _sizes(self, node: Sizes) -> str:
        return self.sizes(node.sizes, " times ")

    def joint(self, sign: str) -> str:
        if sign == "and":
            return f" quad {quoted(self.word('and'))} quad "
        return {",": "\\, ", "statements": "\\, wide ", "quad": " wide ", "implies": " quad ==> quad "}[sign]


def to_typst(node: Node, style: Style = Style(), *, align: bool = False) -> str:  # noqa: B008 - frozen
    """The node as Typst mathematics, without dollar signs.

    With `align` an `&` stands before the first relation of the outermost chain.
    """
    return TypstWriter(style).page(node, align=align)
