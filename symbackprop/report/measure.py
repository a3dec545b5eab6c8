"""How wide a formula is on the page, estimated from its LaTeX, in em of the text.

Both engines use the same typefaces, so one estimate serves both and both break lines at the same
places. It knows the widths of Computer Modern's letters, TeX's spaces between classes of signs,
and the constructs that our writer prints. A test holds it against TeX's own measure: it may be up
to 3 % short; the layout keeps that much room.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Class = Literal["ord", "op", "bin", "rel", "open", "close", "punct"]

_TOKEN: Final = re.compile(r"\\[A-Za-z]+\*?|\\.|\s+|.", re.DOTALL)
_THIN, _MEDIUM, _THICK = 3 / 18, 4 / 18, 5 / 18
_COLUMN_GAP: Final = 0.92  # twice \arraycolsep

_CAPITALS = (  # cmmi10, italic correction included, A to Z
    750, 809, 787, 856, 796, 782, 786, 912, 503, 693, 920, 681, 1079, 912, 777, 781, 791, 767, 671,
    723, 792, 806, 1083, 900, 803, 754,
)  # fmt: skip
_SMALL = (  # a to z
    529, 429, 433, 520, 466, 597, 513, 576, 345, 469, 552, 318, 878, 600, 485, 503, 482, 479, 469,
    361, 572, 521, 743, 572, 526, 509,
)  # fmt: skip
_LETTERS: Final[Mapping[str, float]] = {
    **{chr(65 + place): width / 1000 for place, width in enumerate(_CAPITALS)},
    **{chr(97 + place): width / 1000 for place, width in enumerate(_SMALL)},
}
_SIGNS: Final[Mapping[str, tuple[float, Class]]] = {
    "+": (0.778, "bin"), "-": (0.778, "bin"), "*": (0.5, "bin"), r"\cdot": (0.278, "bin"),
    r"\times": (0.778, "bin"), r"\odot": (0.778, "bin"), r"\pm": (0.778, "bin"),
    "=": (0.778, "rel"), "<": (0.778, "rel"), ">": (0.778, "rel"), ":": (0.278, "rel"),
    r"\le": (0.778, "rel"), r"\ge": (0.778, "rel"), r"\leq": (0.778, "rel"), r"\geq": (0.778, "rel"),
    r"\ne": (0.778, "rel"), r"\neq": (0.778, "rel"), r"\approx": (0.778, "rel"),
    r"\in": (0.667, "rel"), r"\equiv": (0.778, "rel"), r"\colon": (0.5, "punct"),
    r"\to": (1.0, "rel"), r"\mapsto": (1.0, "rel"), r"\gets": (1.0, "rel"), r"\leftarrow": (1.0, "rel"),
    r"\rightarrow": (1.0, "rel"), r"\Rightarrow": (1.0, "rel"), r"\Longrightarrow": (1.64, "rel"),
    r"\implies": (2.2, "rel"), ",": (0.278, "punct"), ";": (0.278, "punct"), ".": (0.278, "ord"),
    "/": (0.5, "ord"), "(": (0.389, "open"), ")": (0.389, "close"), "[": (0.278, "open"),
    "]": (0.278, "close"), "|": (0.278, "ord"), r"\lvert": (0.278, "open"), r"\rvert": (0.278, "close"),
    r"\lVert": (0.5, "open"), r"\rVert": (0.5, "close"), r"\Vert": (0.5, "ord"), r"\|": (0.5, "ord"),
    r"\{": (0.5, "open"), r"\}": (0.5, "close"), r"\partial": (0.59, "ord"), r"\infty": (1.0, "ord"),
    r"\dots": (1.17, "ord"), r"\cdots": (1.17, "ord"), r"\ldots": (1.17, "ord"),
    r"\vdots": (0.28, "ord"), r"\ddots": (1.28, "ord"), r"\Loss": (0.69, "ord"), r"\R": (0.722, "ord"),
    r"\%": (0.83, "ord"), r"\ell": (0.42, "ord"), "!": (0.278, "close"), "'": (0.275, "ord"),
}  # fmt: skip
_BIG: Final = {r"\sum": 1.444, r"\prod": 1.278, r"\int": 0.9}
_SPACES: Final[Mapping[str, float]] = {
    r"\,": 1 / 6, r"\:": 2 / 9, r"\>": 2 / 9, r"\;": 5 / 18, r"\!": -1 / 6, r"\quad": 1.0, r"\qquad": 2.0,
    r"\ ": 0.333, "~": 0.333, r"\enspace": 0.5,
}  # fmt: skip
_NAMED_OPERATORS: Final = frozenset(
    [
        r"\exp",
        r"\log",
        r"\ln",
        r"\sin",
        r"\cos",
        r"\tan",
        r"\tanh",
        r"\sinh",
        r"\cosh",
        r"\max",
        r"\min",
        r"\det",
        r"\operatorname",
    ]
)
_NOTHING: Final = frozenset(
    [
        r"\left",
        r"\right",
        r"\displaystyle",
        r"\textstyle",
        r"\limits",
        r"\nolimits",
        r"\mathstrut",
        r"\strut",
        r"\bigl",
        r"\bigr",
        r"\Bigl",
        r"\Bigr",
        r"\big",
        r"\Big",
        r"\mathopen",
        r"\mathclose",
        r"\mathbin",
        r"\mathrel",
        r"\mathord",
        r"\smash",
    ]
)
_KEEPS: Final = frozenset(  # commands whose argument is as wide as it is
    [
        r"\hat",
        r"\tilde",
        r"\bar",
        r"\vec",
        r"\widehat",
        r"\overline",
        r"\underline",
        r"\grad",
        r"\mathop",
        r"\mathit",
        r"\boldsymbol",
        r"\bm",
        r"\ensuremath",
        r"\mathrm",
    ]
)
_SCRIPT, _LONG_SCRIPT, _LONG = 0.7, 0.77, 0.9
"""The scale of what hangs on a sign; signs of 8 pt are wider for their size, which tells in long ones."""

_UPRIGHT: Final = 0.52  # the mean width of a letter of text


@dataclass(slots=True)
class _Piece:
    width: float
    kind: Class
    limits: bool = False


def width(latex: str) -> float:
    """The width of a displayed formula, in em."""
    reader = _Reader(_TOKEN.findall(latex))
    return reader.sequence(display=True, end=None)


class _Reader:
    """Reads tokens one after the other; sizes are multiplied on the way out."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.place = 0

    def peek(self) -> str:
        while self.place < len(self.tokens) and self.tokens[self.place].isspace():
            self.place += 1
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def next(self) -> str:
        token = self.peek()
        self.place += 1
        return token

    # --- sequences ------------------------------------------------------------------

    def sequence(self, *, display: bool, end: str | None, cramped: bool = False) -> float:
        """The width up to `end` (consumed), or to the end of the text."""
        total = 0.0
        last: Class | None = None
        while (token := self.peek()) != "" and token != end:
            if token in ("&", r"\\", r"\end") and end is None:
                break
            piece = self.piece(display=display)
            if piece is None:
                continue
            if isinstance(piece, float):
                total += piece
                continue
            piece = self.scripts(piece, display=display)
            if piece.kind == "bin" and last in (None, "bin", "rel", "open", "op", "punct"):
                piece.kind = "ord"
            total += piece.width + (0.0 if cramped else _gap(last, piece.kind))
            last = piece.kind
        if end is not None:
            self.next()
        return total

    def argument(self, *, display: bool, cramped: bool = False) -> float:
        """The width of a braced group, or of one token."""
        if self.peek() == "{":
            self.next()
            return self.sequence(display=display, end="}", cramped=cramped)
        piece = self.piece(display=display)
        return piece if isinstance(piece, float) else piece.width if piece else 0.0

    def text_argument(self) -> str:
        """A braced group as text."""
        if self.peek() != "{":
            return self.next()
        self.next()
        depth, text = 1, ""
        while self.place < len(self.tokens):
            token = self.tokens[self.place]
            self.place += 1
            depth += (token == "{") - (token == "}")
            if depth == 0:
                break
            text += token
        return text

    def scripts(self, base: _Piece, *, display: bool) -> _Piece:
        """A base with what hangs above and below it."""
        widest = 0.0
        if self.peek() == r"\limits":
            self.next()
        while self.peek() in ("_", "^"):
            self.next()
            inner = self.argument(display=False, cramped=True)
            widest = max(widest, inner * (_SCRIPT if inner < _LONG else _LONG_SCRIPT))
        if widest == 0.0:
            return base
        if base.limits and display:
            return _Piece(max(base.width, widest), base.kind)
        return _Piece(base.width + widest + 0.05, base.kind)

    # --- one thing ------------------------------------------------------------------

    def piece(self, *, display: bool) -> _Piece | float | None:
        """One sign or construct; a float is bare space, None is nothing."""
        token = self.next()
        if token == "{":
            return _Piece(self.sequence(display=display, end="}"), "ord")
        if token in _SIGNS:
            return _Piece(*_SIGNS[token])
        if token in _LETTERS:
            return _Piece(_LETTERS[token], "ord")
        if token in _SPACES:
            return _SPACES[token]
        if token in _BIG:
            return _Piece(_BIG[token] if display else _BIG[token] * 0.73, "op", limits=True)
        if token in _NOTHING:
            return self.delimiter(token)
        if token.startswith("\\") and len(token) > 2:
            return self.command(token, display=display)
        return _Piece(0.5, "ord")

    def delimiter(self, token: str) -> _Piece | None:
        """After \\left and \\right a sign that grows."""
        if token not in (r"\left", r"\right"):
            return None
        sign = self.next()
        kind: Class = "open" if token == r"\left" else "close"
        return _Piece(0.12 if sign == "." else 0.75, kind)

    def command(self, token: str, *, display: bool) -> _Piece | float | None:
        if token in (r"\frac", r"\dfrac", r"\tfrac", r"\pd"):
            return self.fraction(token, display=display)
        if token == r"\pdi":
            sides = self.argument(display=display) + self.argument(display=display)
            return _Piece(sides + 2 * 0.59 + 0.5, "ord")
        if token in (r"\underbrace", r"\overbrace"):
            return self.brace(display=display)
        if token in (r"\overset", r"\stackrel", r"\underset"):
            above = 0.7 * self.argument(display=False, cramped=True)
            return _Piece(max(above, self.argument(display=display)), "rel")
        if token in (r"\text", r"\textrm", r"\mathrm", r"\textbf", r"\mathtt", r"\texttt"):
            return _Piece(_text_width(self.text_argument()), "ord")
        if token in _NAMED_OPERATORS:
            name = token[1:] if token != r"\operatorname" else self.text_argument()
            return _Piece(_text_width(name.strip("*")), "op", limits=token in (r"\max", r"\min"))
        if token == r"\begin":
            return self.environment()
        if token == r"\substack":
            lines = [_Reader(_TOKEN.findall(line)) for line in self.text_argument().split(r"\\")]
            widths = [line.sequence(display=False, end=None, cramped=True) for line in lines]
            return _Piece(max(widths), "ord")
        return self.wrapper(token, display=display)

    def wrapper(self, token: str, *, display: bool) -> _Piece | float | None:
        """Commands that change their argument's width by little or replace it."""
        if token == r"\boxed":
            return _Piece(self.argument(display=True) + 0.65, "ord")
        if token == r"\sqrt":
            return _Piece(self.argument(display=display) + 1.0, "ord")
        if token in (r"\mathcal", r"\mathbb", r"\mathbf"):
            return _Piece(0.72 * max(1, len(self.text_argument())), "ord")
        if token in (r"\textcolor", r"\color"):
            self.text_argument()
            return _Piece(self.argument(display=display), "ord") if token == r"\textcolor" else None
        if token in (r"\vphantom", r"\label", r"\alto"):
            self.text_argument()
            return None
        if token == r"\hspace":
            return _length(self.text_argument())
        if token == r"\rule":
            length = _length(self.text_argument())
            self.text_argument()
            return _Piece(length, "ord")
        if token in _KEEPS:
            return _Piece(self.argument(display=display), "ord")
        if self.peek() == "{":  # unknown: as wide as what it holds
            return _Piece(self.argument(display=display), "ord")
        return _Piece(0.65, "ord")

    def fraction(self, token: str, *, display: bool) -> _Piece:
        small = token == r"\tfrac" or (token != r"\dfrac" and not display)
        extra = 0.59 if token == r"\pd" else 0.0
        above, below = self.argument(display=False), self.argument(display=False)
        return _Piece((max(above, below) + extra) * (0.7 if small else 1.0) + 0.24, "ord")

    def brace(self, *, display: bool) -> _Piece:
        body = self.argument(display=display)
        label = 0.0
        if self.peek() in ("_", "^"):
            self.next()
            label = 0.7 * self.argument(display=False)
        return _Piece(max(body, label), "op")

    def environment(self) -> _Piece:
        name = self.text_argument()
        if name in ("array", "alignedat"):
            self.text_argument()
        columns: list[float] = []
        column = 0
        while (token := self.peek()) != "":
            if token == r"\end":
                self.next()
                self.text_argument()
                break
            if token == "&" or token == r"\\":
                self.next()
                column = column + 1 if token == "&" else 0
                if token != "&" and self.peek() == "[":
                    while self.next() not in ("]", ""):
                        pass
                continue
            cell = self.sequence(display=name in ("aligned", "gathered"), end=None)
            columns += [0.0] * (column + 1 - len(columns))
            columns[column] = max(columns[column], cell)
        return _Piece(_environment_width(name, columns), "ord")


def _environment_width(name: str, columns: list[float]) -> float:
    gaps = max(0, len(columns) - 1)
    match name:
        case "cases":
            return sum(columns) + 1.0 * gaps + 0.95
        case "aligned" | "gathered" | "split":
            return sum(columns) + 0.3 * gaps
        case "smallmatrix":
            return 0.7 * sum(columns) + 0.4 * gaps
        case "matrix":
            return sum(columns) + _COLUMN_GAP * gaps
    return sum(columns) + _COLUMN_GAP * gaps + 1.65


def _gap(last: Class | None, kind: Class) -> float:
    """TeX's space between two classes of signs."""
    if last is None or kind == "close" or last == "open":
        return 0.0
    if kind == "rel" or last == "rel":
        return 0.0 if kind == last else _THICK
    if kind == "bin" or last == "bin":
        return _MEDIUM
    if last == "punct" or kind == "op" or (last == "op" and kind not in ("open", "punct")):
        return _THIN
    return 0.0


def _text_width(text: str) -> float:
    spaces = text.count(" ") + text.count("~")
    return _UPRIGHT * (len(text) - spaces) + 0.333 * spaces


def _length(text: str) -> float:
    match = re.match(r"\s*(-?[0-9.]+)\s*(em|ex|pt|cm|mm)", text)
    if match is None:
        return 1.0
    return float(match[1]) * {"em": 1.0, "ex": 0.43, "pt": 0.0913, "cm": 2.6, "mm": 0.26}[match[2]]
