"""LaTeX in the style of the sample report: what a person would type, in board order."""

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

_ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}", "—": "---", "–": "--",
    "‘": "`", "’": "'", "“": "``", "”": "''", "…": r"\dots{}", "\t": " ", "\n": " ", "\u00a0": "~",
}  # fmt: skip

_RELATIONS: Mapping[Relation, str] = {
    "=": "=", "≈": r"\approx", "≠": r"\ne", "<": "<", ">": ">", "≤": r"\le", "≥": r"\ge", "∈": r"\in",
    "→": r"\to", "↦": r"\mapsto", "⇒": r"\Rightarrow", ":": r"\colon", "←": r"\leftarrow",
    "≡": r"\equiv",
}  # fmt: skip

_SIGNS = {"cdot": r"\cdot", "odot": r"\odot", "otimes": r"\otimes", "*": r"\ast"}
_DOTS = {"h": r"\dots", "c": r"\cdots", "v": r"\vdots", "d": r"\ddots"}
_JOINTS = {
    ",": r",\, ", "statements": r", \qquad ", "quad": r" \qquad ",
    "implies": r" \quad\Longrightarrow\quad ",
}  # fmt: skip
_NEW_LINE = r" \\ "
_TALL = (r"\frac{", r"\pd{", r"\begin{", r"\sum", r"\boxed")
"""What makes brackets grow."""


def escaped(text: str) -> str:
    """Any text as LaTeX text: special characters escaped, what T1 has no letter for named by its code."""
    return "".join(_ESCAPES.get(mark) or _typeable(mark) for mark in text)


def _typeable(mark: str) -> str:
    """A character that pdflatex can set in a text font, or its code point in words."""
    code = ord(mark)
    if 0x20 <= code < 0x7F or 0xA1 <= code <= 0x17E:
        return mark
    return f"U+{code:04X}"


@lru_cache(maxsize=4096)
def letters(text: str) -> str:
    r"""One symbol as itself (`W`, `\sigma`), anything else upright: `\mathrm{net}`."""
    if len(text) == 1 and text.isascii() and text.isalpha():
        return text
    if is_greek(text):
        latin = LATIN_CAPITALS.get(text)
        return rf"\mathrm{{{latin}}}" if latin else "o" if text == "omicron" else "\\" + text
    if calligraphic(text):
        return rf"\mathcal{{{calligraphic(text)}}}"
    if text.isascii() and text.isalnum():
        return rf"\mathrm{{{text}}}"
    return rf"\text{{{escaped(text)}}}"


@lru_cache(maxsize=4096)
def subscript(text: str) -> str:
    """A subscript of a name: digits, one symbol, several indices, or an upright word."""
    if text.isascii() and (text.isdigit() or is_shifted(text)):
        return text
    if text.isascii() and is_running(text):
        return text
    if len(text) > 1 and text[0].isalpha() and text[1:].isdigit() and text.isascii():
        return text
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
        head = rf"\{part.accent} {head}"
    below = ",".join(subscript(text) for text in part.subscripts)
    return head + "'" * part.primes, below


def marked(name: str, small_letter: bool, mark: Callable[[str], str]) -> tuple[str, str]:
    """As `named`, with the name's number above it: `W^{[1]}`."""
    part = parts(name)
    number, *rest = part.subscripts
    head, _ = named(name, small_letter)
    return f"{head}^{{{mark(number)}}}", ",".join(subscript(text) for text in rest)


def lowered(head: str, below: str) -> str:
    """`head` with a subscript, in braces if it is longer than a character."""
    if not below:
        return head
    return f"{head}_{below}" if len(below) == 1 else f"{head}_{{{below}}}"


class LatexWriter(PictureWriter):
    """The strings of LaTeX."""

    space: ClassVar[str] = " "
    thin: ClassVar[str] = r"\,"
    thick: ClassVar[str] = r"\;"
    quad: ClassVar[str] = r" \quad "
    times: ClassVar[str] = r" \times "
    index_wide: ClassVar[str] = r",\,"

    item_gap: ClassVar[str] = r"\;\; "
    item_comma: ClassVar[str] = r",\, "
    turned: ClassVar[str] = r"\,T"
    missing: ClassVar[str] = "{}"
    cross: ClassVar[str] = r" \times "

    # --- what people write -------------------------------------------------------

    def over(self, head: str, above: str) -> str:
        return f"{head}^{{{above}}}"

    def primed(self, base: str, count: int) -> str:
        return base + "'" * count

    def raised_primes(self, count: int) -> str:
        return r"\prime" * count

    def nabla(self, below: str) -> str:
        return lowered(r"\nabla", below)

    # --- names and numbers -------------------------------------------------------

    def symbol(self, name: str, *, small_letter: bool = False) -> tuple[str, str]:
        style = self.style
        if name in style.names:
            return style.names[name], ""
        if name == style.loss:
            return self.loss(), ""
        mark = style.layer_mark if style.marks_layer(name) else None
        return named(name, small_letter) if mark is None else marked(name, small_letter, mark)

    def loss(self) -> str:
        name = self.style.loss
        letter = name if is_capital(name) else "L"
        if letter == "L" and self.style.macros:
            return r"\Loss"
        return rf"\mathcal{{{letter}}}"

    def lowered(self, head: str, below: str) -> str:
        return lowered(head, below)

    def _constant(self, node: Constant) -> str:
        return "e" if node.name == "e" else "\\" + node.name

    def _ones(self, node: Ones) -> str:
        below = "" if node.size is None else self.smaller(node.size)
        return lowered(self.bold("1"), below)

    def bold(self, letter: str) -> str:
        return rf"\mathbf{{{letter}}}"

    def _dots(self, node: Dots) -> str:
        return _DOTS[node.kind]

    def _blank(self, node: Blank) -> str:
        return rf"\underline{{\hspace{{{int(node.width)}em}}}}"

    def text(self, text: str) -> str:
        return rf"\text{{{escaped(text)}}}"

    def digits(self, written: str) -> str:
        mark = self.style.decimal_mark
        if mark == ".":
            return written
        return written.replace(".", "{,}" if mark == "," else self.text(mark))

    def scientific(self, mantissa: str, power: str) -> str:
        return rf"{mantissa}\cdot 10^{{{power}}}"

    # --- arithmetic --------------------------------------------------------------

    def sign(self, sign: str) -> str:
        return f" {_SIGNS[sign]} "

    def fraction(self, above: Node, below: Node) -> str:
        self.fractions += 1
        top, bottom = self.write(above), self.write(below)
        self.fractions -= 1
        if type(above) is Number and type(below) is Number and top.isdigit() and bottom.isdigit():
            if self.small:
                return f"{top}/{bottom}"
            kind = r"\frac" if self.fractions else r"\tfrac"
            return f"{kind}{top}{bottom}" if len(top) == len(bottom) == 1 else f"{kind}{{{top}}}{{{bottom}}}"
        return rf"\frac{{{top}}}{{{bottom}}}"

    def raised(self, base: str, exponent: Node) -> str:
        inner = self.smaller(bare(exponent))
        return f"{base}^{inner}" if len(inner) == 1 else f"{base}^{{{inner}}}"

    def transposed(self, base: str, *, wide: bool) -> str:
        return base + (r"^{\,T}" if wide else "^T")

    def bracket(self, text: str) -> str:
        if any(mark in text for mark in _TALL):
            if r"\underbrace" not in text:  # a growing bracket would embrace the labels too
                return rf"\left({text}\right)"
            return rf"\Bigl({text}\Bigr)"
        if r"\tfrac" in text:
            return rf"\bigl({text}\bigr)"
        return f"({text})"

    def fenced(self, text: str, left: str, right: str) -> str:
        """The text between fences that grow when they must."""
        if any(mark in text for mark in _TALL):
            return rf"\left{left} {text} \right{right}"
        return f"{left} {text} {right}"

    def _norm(self, node: Norm) -> str:
        text = self.fenced(self.write(bare(node.body)), r"\lVert", r"\rVert")
        return text if node.kind == "2" else f"{text}_{node.kind}"

    # --- functions ---------------------------------------------------------------

    def operator(self, function: str) -> str:
        if len(function) == 1 or is_greek(function):
            return letters(function)
        if function in OPERATORS:
            return "\\" + function
        if function in COMPOSED:
            return "".join(map(self.operator, COMPOSED[function]))
        function = UPRIGHT.get(function, function)
        return rf"\operatorname{{{escaped(function)}}}"

    def root(self, text: str) -> str:
        return rf"\sqrt{{{text}}}"

    def absolute(self, text: str) -> str:
        return self.fenced(text, r"\lvert", r"\rvert")

    def applied(self, operator: str, arguments: list[str], options: list[str]) -> str:
        inner = ", ".join(arguments)
        if options:
            inner += r";\, " + r",\, ".join(options)
        return operator + self.bracket(inner)

    def option(self, name: str, value: str) -> str:
        return f"{lowered(*named(name))} = {value}"

    # --- indices, sums, arrays ---------------------------------------------------

    def _slice(self, node: Slice) -> str:
        low = "" if node.low is None else self.write(node.low)
        high = "" if node.high is None else self.write(node.high)
        return f"{low}:{high}"

    def sigma(self, below: list[str], high: str | None) -> str:
        lines = _NEW_LINE.join(below)
        # beside a small Σ, in a table, a stack of lines could be taken for factors
        start = rf"\sum_{{{lines}}}" if len(below) == 1 else rf"\sum\limits_{{\substack{{{lines}}}}}"
        return start + ("" if high is None else f"^{{{high}}}")

    def entry_squared(self, base: str) -> str:
        return rf"{base}^{{\odot 2}}"

    def squared(self, text: str) -> str:
        if any(mark in text for mark in _TALL):
            return rf"\left[ {text} \right]"
        return f"[{text}]"

    def blocks(self, pieces: list[str], *, above: bool) -> str:
        joined = (_NEW_LINE if above else " & ").join(pieces)
        return rf"\begin{{bmatrix}} {joined} \end{{bmatrix}}"

    def _delta(self, node: Delta) -> str:
        return lowered(r"\delta", self.places((node.first, node.second)))

    def _matrix(self, node: Matrix) -> str:
        write = self.write
        rows = [" & ".join([write(entry) for entry in row]) for row in node.rows]
        # fractions would touch those above them
        line = r" \\[3pt] " if any("frac{" in row for row in rows) else r" \\ "
        return r"\begin{pmatrix} " + line.join(rows) + r" \end{pmatrix}"

    def _cases(self, node: Cases) -> str:
        lines = [f"{self.write(value)} & {self.condition(when)}" for value, when in node.branches]
        return r"\begin{cases} " + r",\\ ".join(lines) + r" \end{cases}"

    def _stack(self, node: Stack) -> str:
        lines = [self.aligned(row) if isinstance(row, Chain) else f"& {self.write(row)}" for row in node.rows]
        body = r"\begin{aligned} " + r" \\ ".join(lines) + r" \end{aligned}"
        return rf"\left. {body} \;\right\}}\; {self.write(node.right)}"

    def conditional(self, text: str) -> str:
        return rf"\text{{{escaped(self.word('if'))} }} {text}"

    # --- derivatives -------------------------------------------------------------

    def _derivative(self, node: Derivative) -> str:
        of, by = self.shown(node.of), self.shown(node.by)
        straight = node.straight or self.style.straight_d
        line = node.inline or self.small
        if self.style.macros and not straight:
            return rf"\pdi{{{of}}}{{{by}}}" if line else rf"\pd{{{of}}}{{{by}}}"
        d = "d" if straight else r"\partial "
        return f"{d}{of}/{d}{by}" if line else rf"\frac{{{d}{of}}}{{{d}{by}}}"

    # --- as written --------------------------------------------------------------

    def phantom(self, text: str) -> str:
        return rf"\vphantom{{{text}}}"

    def braced(self, body: str, label: str, *, above: bool) -> str:
        return rf"\overbrace{{{body}}}^{{{label}}}" if above else rf"\underbrace{{{body}}}_{{{label}}}"

    def _box(self, node: Box) -> str:
        inner = self.write(node.body)
        return rf"\boxed{{\; {inner} \;}}" if self.is_statement(node.body) else rf"\boxed{{{inner}}}"

    def _coloured(self, node: Coloured) -> str:
        inner = self.write(node.body)
        return rf"\grad{{{inner}}}" if self.style.macros else rf"{{\color{{red}} {inner}}}"

    # --- statements --------------------------------------------------------------

    def relation(self, relation: Relation, over: str | None) -> str:
        sign = self.relation_sign(relation)
        if over is not None:
            return rf"\;\, \overset{{{self.text(self.over_word(over))}}}{{{sign}}} \;\,"
        return rf"\,{sign}\," if self.small else sign

    def relation_sign(self, relation: Relation) -> str:
        return _RELATIONS[relation]

    def _space(self, node: Space) -> str:
        field = r"\R" if self.style.macros else r"\mathbb{R}"
        if not node.sizes:
            return field
        inner = self.sizes(node.sizes, r" \times ")
        return f"{field}^{inner}" if len(inner) == 1 else f"{field}^{{{inner}}}"

    def _sizes(self, node: Sizes) -> str:
        return self.sizes(node.sizes, r" \times ")

    def joint(self, sign: str) -> str:
        if sign == "and":
            return rf" \quad {self.text(self.word('and'))}\quad "
        return _JOINTS[sign]


def to_latex(node: Node, style: Style = Style(), *, align: bool = False) -> str:  # noqa: B008 - frozen
    """The node as LaTeX mathematics, without dollar signs.

    With `align` an `&` stands before the first relation of the outermost chain, for `align`.
    """
    return LatexWriter(style).page(node, align=align)
