"""Plain text for people to look at: `dW = dz xᵀ`, `∂L/∂ŷ`, `σ(z)`; the reader need not read it back."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from symbackprop.notation.hand.nodes import Marked
from symbackprop.notation.tree import Index, Matrix, Name, Node, Number, Slice, Sum, Transpose
from symbackprop.notation.write_hand import is_applied
from symbackprop.notation.write_names import calligraphic, is_greek, parts
from symbackprop.notation.write_plain import PlainWriter, plain
from symbackprop.notation.write_style import Style

_ACCENTS: Final = {"hat": "\u0302", "tilde": "\u0303", "bar": "\u0304", "dot": "\u0307"}
_VARIANTS: Final = {"ell": "ℓ", "sigma": "σ"}  # Unicode's name of σ would do, but ς shares it
_SCRIPT: Final = {"L": "ℒ", "E": "ℰ", "R": "ℛ", "B": "ℬ", "F": "ℱ", "H": "ℋ", "I": "ℐ", "M": "ℳ"}
_LOW: Final = dict(zip("0123456789ijklmnoprstuvxaeh", "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓₐₑₕ", strict=True))


@lru_cache(maxsize=1024)
def readable_name(name: str) -> str:
    """A canonical name as it stands on the board: `ŷ`, `W₁`, `σ`, `z_out`, `x'`."""
    part = parts(name)
    head = _letters(part.letters)
    if part.accent:
        head = unicodedata.normalize("NFC", head + _ACCENTS[part.accent])
    below = ",".join(part.subscripts)
    low = "".join(_LOW.get(char, "") for char in below)
    if len(low) != len(below):
        low = f"_{below}"
    return head + low + "'" * part.primes


def _letters(text: str) -> str:
    script = calligraphic(text)
    if script:
        return _SCRIPT.get(script, script)
    if text in _VARIANTS or not is_greek(text):
        return _VARIANTS.get(text, text)
    case = "SMALL" if text[0].islower() else "CAPITAL"
    try:
        return unicodedata.lookup(
            f"GREEK {case} LETTER {'LAMDA' if text.lower() == 'lambda' else text.upper()}"
        )
    except KeyError:
        return text


class ReadableWriter(PlainWriter):
    """Plain text with the board's own signs."""

    def _name(self, node: Name) -> str:
        return self.style.names.get(node.name) or readable_name(node.name)

    def gap(self, left: Node, right: Node) -> str:
        return "" if self.style.by_hand and is_applied(left, right) else " "

    def _matrix(self, node: Matrix) -> str:
        rows = [", ".join([self.inner(entry) for entry in row]) for row in node.rows]
        return f"({'; '.join(rows)})"

    def _sum(self, node: Sum) -> str:
        return "Σ" + super()._sum(node).removeprefix("sum")

    def digits(self, written: str) -> str:
        return written.replace(".", self.style.decimal_mark)

    def _transpose(self, node: Transpose) -> str:
        body = plain(node.body)
        if isinstance(body, Number):
            return self.bracket(self.write(body)) + "ᵀ"
        return self.base(body) + "ᵀ"

    def _index(self, node: Index) -> str:
        """`z₁`, `w_{j,i}`: small where there are such letters."""
        places = [self._slice(p) if isinstance(p, Slice) else self.inner(p) for p in node.places]
        base = self.base(node.base)
        digits = len(places) == 1 and all(char in _LOW for char in places[0])
        if digits and isinstance(node.base, Name | Marked) and not base[-1:].isdigit():
            return base + "".join(_LOW[char] for char in places[0])
        return f"{base}[{','.join(places)}]"


def to_readable(node: Node, style: Style = Style(), *, align: bool = False) -> str:  # noqa: B008 - frozen
    """The node as text to look at; plain text has nothing to align."""
    return ReadableWriter(style).write(node).strip()
