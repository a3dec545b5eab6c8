"""MathML: the picture of a tree for a web page, without a script and without a font of its own.

The writer puts tags round what is built up (fractions, indices, arrays) and leaves letters, digits and
signs bare, as the walk that all formats share writes them; at the end each bare sign gets the tag of
its kind (`mi`, `mn`, `mo`). Whatever is a person's stands in `mtext`, escaped, and is left alone there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar, Final

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
    UPRIGHT,
    calligraphic,
    is_capital,
    is_greek,
    is_running,
    is_shifted,
    parts,
)
from symbackprop.notation.write_picture import PictureWriter
from symbackprop.notation.write_readable import readable_name
from symbackprop.notation.write_rules import bare
from symbackprop.notation.write_style import Style

_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
_SIGNS: Final = {"cdot": "·", "odot": "⊙", "otimes": "⊗", "*": "∗"}
_DOTS: Final = {"h": "…", "c": "⋯", "v": "⋮", "d": "⋱"}
_RELATIONS: Final[Mapping[str, str]] = {"<": "&lt;", ">": "&gt;", ":": ":"}
_ACCENTS: Final = {"hat": "^", "tilde": "~", "bar": "¯", "dot": "˙"}
_PIECE: Final = re.compile(
    r"<mtext\b[^>]*>[^<]*</mtext>|<mi\b[^>]*>[^<]*</mi>|<mo\b[^>]*>[^<]*</mo>|<[^<>]*>"
    r"|(?P<number>[0-9]+(?:[.,\u066b][0-9]+)*)|(?P<name>[^\W\d_])|(?P<space>\s+)|(?P<sign>&[a-z#0-9]+;|.)",
    re.DOTALL,
)
_TALL: Final = ("<mfrac", "<mtable", "∑", "<munder")


def escaped(text: str) -> str:
    """Any text as the text of an element; what no document may hold is left out."""
    kept = "".join(mark if mark.isprintable() else " " for mark in text)
    return "".join(_ESCAPES.get(mark, mark) for mark in kept)


def words(text: str) -> str:
    """Upright words; spaces at their ends, which a browser would drop, stay."""
    fixed = re.sub(r"^ +| +$", "\u00a0", text)
    return f"<mtext>{escaped(fixed)}</mtext>"


def row(text: str) -> str:
    """Several signs as one."""
    return f"<mrow>{text}</mrow>"


def sign(text: str, **attributes: str) -> str:
    """An operator, with attributes of its own."""
    more = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<mo{more}>{text}</mo>"


@lru_cache(maxsize=1024)
def letters(text: str) -> str:
    """One symbol in italics (`W`, σ), anything else upright."""
    if calligraphic(text) or is_greek(text) or (len(text) == 1 and text.isalpha()):
        return f"<mi>{escaped(readable_name(text))}</mi>"
    if text.isalnum():
        return f'<mi mathvariant="normal">{escaped(text)}</mi>'
    return words(text)


@lru_cache(maxsize=1024)
def subscript(text: str) -> str:
    """A subscript of a name: digits, one symbol, several indices, or an upright word."""
    if text.isascii() and (text.isdigit() or is_shifted(text) or is_running(text)):
        return text
    return letters(text)


class MathmlWriter(PictureWriter):
    """The strings of MathML."""

    space: ClassVar[str] = ""
    thin: ClassVar[str] = '<mspace width="0.167em"></mspace>'
    thick: ClassVar[str] = '<mspace width="0.278em"></mspace>'
    quad: ClassVar[str] = '<mspace width="1em"></mspace>'
    times: ClassVar[str] = "×"
    minus: ClassVar[str] = "−"
    item_gap: ClassVar[str] = '<mspace width="0.5em"></mspace>'
    turned: ClassVar[str] = '<mspace width="0.167em"></mspace>T'
    missing: ClassVar[str] = "<mrow></mrow>"

    # --- what people write -------------------------------------------------------

    def over(self, head: str, above: str) -> str:
        return f"<msup>{row(head)}{row(above)}</msup>"

    def primed(self, base: str, count: int) -> str:
        return self.over(base, sign("′" * count))

    def raised_primes(self, count: int) -> str:
        return sign("′" * count)

    def nabla(self, below: str) -> str:
        return self.lowered("∇", below)

    # --- names and numbers -------------------------------------------------------

    def symbol(self, name: str, *, small_letter: bool = False) -> tuple[str, str]:
        style = self.style
        if name in style.names:
            return words(style.names[name]), ""
        if name == style.loss:
            return letters(f"cal{name if is_capital(name) else 'L'}"), ""
        part = parts(name)
        stem = part.letters.lower() if small_letter and is_capital(part.letters) else part.letters
        head = letters(stem)
        if part.accent:
            head = f'<mover accent="true">{head}{sign(_ACCENTS[part.accent], stretchy="false")}</mover>'
        if part.primes:
            head = self.primed(head, part.primes)
        first, *rest = part.subscripts or ("",)
        if style.marks_layer(name):
            return self.over(head, style.layer_mark(first)), ",".join(map(subscript, rest))
        return head, ",".join(map(subscript, part.subscripts))

    def lowered(self, head: str, below: str) -> str:
        return f"<msub>{row(head)}{row(below)}</msub>" if below else head

    def _constant(self, node: Constant) -> str:
        return "<mi>π</mi>" if node.name == "pi" else "<mi>e</mi>"

    def _ones(self, node: Ones) -> str:
        return self.lowered(self.bold("1"), "" if node.size is None else self.smaller(node.size))

    def bold(self, letter: str) -> str:
        return f'<mi class="bold">{letter}</mi>'

    def _dots(self, node: Dots) -> str:
        return _DOTS[node.kind]

    def _blank(self, node: Blank) -> str:
        return words("_" * max(1, min(node.width, 40)))

    def text(self, text: str) -> str:
        return words(text)

    def digits(self, written: str) -> str:
        return written.replace(".", self.style.decimal_mark)

    def scientific(self, mantissa: str, power: str) -> str:
        return f"{mantissa}·{self.over('10', power)}"

    # --- arithmetic --------------------------------------------------------------

    def sign(self, sign: str) -> str:
        return _SIGNS[sign]

    def fraction(self, above: Node, below: Node) -> str:
        self.fractions += 1
        top, bottom = self.write(above), self.write(below)
        self.fractions -= 1
        if self.small and type(above) is Number and type(below) is Number:
            return f"{top}/{bottom}"
        return f"<mfrac>{row(top)}{row(bottom)}</mfrac>"

    def raised(self, base: str, exponent: Node) -> str:
        return self.over(base, self.smaller(bare(exponent)))

    def transposed(self, base: str, *, wide: bool) -> str:
        return self.over(base, "T")

    def fenced(self, text: str, left: str, right: str) -> str:
        """The text between fences, which grow where it is tall but not for the label of a brace."""
        grows = "true" if any(mark in text for mark in _TALL) and "⏟" not in text else "false"
        return row(sign(left, stretchy=grows) + text + sign(right, stretchy=grows))

    def bracket(self, text: str) -> str:
        return self.fenced(text, "(", ")")

    def _norm(self, node: Norm) -> str:
        text = self.fenced(self.write(bare(node.body)), "‖", "‖")
        return text if node.kind == "2" else self.lowered(text, node.kind)

    # --- functions ---------------------------------------------------------------

    def operator(self, function: str) -> str:
        if len(function) == 1 or is_greek(function):
            return letters(function)
        names = COMPOSED.get(function, (UPRIGHT.get(function, function),))
        return self.thin.join(f'<mi mathvariant="normal">{escaped(name)}</mi>' for name in names)

    def root(self, text: str) -> str:
        return f"<msqrt>{row(text)}</msqrt>"

    def absolute(self, text: str) -> str:
        return self.fenced(text, "|", "|")

    def applied(self, operator: str, arguments: list[str], options: list[str]) -> str:
        inner = ",".join(arguments)
        if options:
            inner += ";" + ",".join(options)
        return operator + self.bracket(inner)

    def option(self, name: str, value: str) -> str:
        return f"{self.lowered(*self.symbol(name))}={value}"

    # --- indices, sums, arrays ---------------------------------------------------

    def _slice(self, node: Slice) -> str:
        low = "" if node.low is None else self.write(node.low)
        high = "" if node.high is None else self.write(node.high)
        return f"{low}:{high}"

    def sigma(self, below: list[str], high: str | None) -> str:
        lines = below[0] if len(below) == 1 else _table([[line] for line in below])
        if high is None:
            return f"<munder>{sign('∑')}{row(lines)}</munder>"
        return f"<munderover>{sign('∑')}{row(lines)}{row(high)}</munderover>"

    def entry_squared(self, base: str) -> str:
        return self.over(base, "⊙2")

    def squared(self, text: str) -> str:
        return self.fenced(text, "[", "]")

    def blocks(self, pieces: list[str], *, above: bool) -> str:
        return self.array([[piece] for piece in pieces] if above else [pieces], "[", "]")

    def array(self, rows: list[list[str]], left: str, right: str) -> str:
        return row(sign(left) + _table(rows) + sign(right))

    def _delta(self, node: Delta) -> str:
        return self.lowered("<mi>δ</mi>", self.places((node.first, node.second)))

    def _matrix(self, node: Matrix) -> str:
        return self.array([[self.write(entry) for entry in line] for line in node.rows], "(", ")")

    def _cases(self, node: Cases) -> str:
        lines = [[self.write(value), self.condition(when)] for value, when in node.branches]
        return row(sign("{") + _table(lines, align="left"))

    def _stack(self, node: Stack) -> str:
        lines = [[self.write(line)] for line in node.rows]
        return row(_table(lines, align="left") + sign("}") + self.thick + self.write(node.right))

    def conditional(self, text: str) -> str:
        return words(self.word("if") + " ") + text

    # --- derivatives -------------------------------------------------------------

    def _derivative(self, node: Derivative) -> str:
        of, by = self.shown(node.of), self.shown(node.by)
        d = "d" if node.straight or self.style.straight_d else "∂"
        if node.inline or self.small:
            return f"{d}{of}/{d}{by}"
        return f"<mfrac>{row(d + of)}{row(d + by)}</mfrac>"

    # --- as written --------------------------------------------------------------

    def phantom(self, text: str) -> str:
        return ""  # a browser sets braces at their own depth

    def braced(self, body: str, label: str, *, above: bool) -> str:
        tag, brace = ("mover", "⏞") if above else ("munder", "⏟")
        return f"<{tag}><{tag}>{row(body)}{sign(brace, stretchy='true')}</{tag}>{row(label)}</{tag}>"

    def _box(self, node: Box) -> str:
        return f'<mrow class="boxed">{self.write(node.body)}</mrow>'

    def _coloured(self, node: Coloured) -> str:
        return f'<mrow class="red">{self.write(node.body)}</mrow>'

    # --- statements --------------------------------------------------------------

    def relation(self, relation: Relation, over: str | None) -> str:
        made = sign(self.relation_sign(relation))
        return made if over is None else f"<mover>{made}{words(self.over_word(over))}</mover>"

    def relation_sign(self, relation: Relation) -> str:
        return _RELATIONS.get(relation, relation)

    def _space(self, node: Space) -> str:
        field = "<mi>ℝ</mi>"
        return self.over(field, self.sizes(node.sizes, "×")) if node.sizes else field

    def _sizes(self, node: Sizes) -> str:
        return self.sizes(node.sizes, "×")

    def joint(self, sign: str) -> str:
        wide = '<mspace width="2em"></mspace>'
        word = self.quad + words(self.word("and")) + self.quad
        implies = f"{self.quad}<mo>⟹</mo>{self.quad}"
        return {",": ",", "statements": f",{wide}", "quad": wide, "implies": implies, "and": word}[sign]

    def aligned(self, node: Node) -> str:
        """Lines of a page are as wide as the window: nothing is aligned."""
        return self.write(node) if isinstance(node, Chain) else self.statement(node)


def _table(rows: list[list[str]], align: str = "") -> str:
    style = ' class="left"' if align else ""
    lines = ["<mtr>" + "".join(f"<mtd>{cell}</mtd>" for cell in line) + "</mtr>" for line in rows]
    return f"<mtable{style}>{''.join(lines)}</mtable>"


def _tagged(match: re.Match[str]) -> str:
    """One piece: an element or a tag as it is, a bare sign in the tag of its kind."""
    kind, text = match.lastgroup, match.group()
    if kind == "number":
        return f"<mn>{text}</mn>"
    if kind == "name" or text in "∂∇":
        return f"<mi>{text}</mi>"
    if kind == "sign":
        return f"<mo>{'−' if text == '-' else '′' if text == chr(39) else text}</mo>"
    return "" if kind == "space" else text


def to_mathml(node: Node, style: Style = Style(), *, align: bool = False) -> str:  # noqa: B008 - frozen
    """The node as the content of a `math` element."""
    return _PIECE.sub(_tagged, MathmlWriter(style).page(node, align=False))
