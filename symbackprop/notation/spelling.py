"""Letters and signs as people type them, written out in few: `ŷ` → `yhat`, `σ` → `sigma`, `x²` → `x^2`.

Each character of the result knows where it came from, so that an error points at what was
typed. Here is also the error itself.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import NoReturn

from symbackprop import limits
from symbackprop.notation.tree import Span

_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ϵ": "epsilon", "ζ": "zeta",
    "η": "eta", "θ": "theta", "ϑ": "theta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu",
    "ξ": "xi", "ο": "omicron", "π": "pi", "ρ": "rho", "ϱ": "rho", "σ": "sigma", "ς": "sigma", "τ": "tau",
    "υ": "upsilon", "φ": "phi", "ϕ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta",
    "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Υ": "Upsilon", "Φ": "Phi", "Ψ": "Psi",
    "Ω": "Omega",
}  # fmt: skip
GREEK_NAMES: frozenset[str] = frozenset(_GREEK.values())
"""The Greek letters by name; `sigma` and `σ` are the same name."""

_MARKS = {"\u0302": "hat", "\u0303": "tilde", "\u0304": "bar", "\u0305": "bar", "\u0307": "dot"}
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿᵏᵐⁱʲᵖᵀ", "0123456789+-nkmijpT", strict=True))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", "0123456789aehijklmnoprstuvx", strict=True))
_SAME = {
    "−": "-", "–": "-", "⋅": "·", "∙": "·", "•": "·", "∘": "⊙", "∗": "*", "‖": "||", "∥": "||", "∣": "|",
    "′": "'", "’": "'", "ʹ": "'", "″": "''", "‴": "'''", "…": "...", "⟶": "→", "⟹": "⇒", "µ": "mu",
    "ℓ": "ell", "⩽": "≤", "⩾": "≥", "∕": "/", "⁄": "/", "∶": ":",
}  # fmt: skip
_KEPT = frozenset("·⊙×∂ℝ≈≠≤≥∈→↦⇒←≡⋯⊤")

_ADVICE = {
    "½": "write 1/2", "¼": "write 1/4", "∑": "write sum(...)", "∏": "write the factors one by one",
    "√": "write sqrt(...)", "∇": "write dW for the gradient with respect to W", "⊗": "write dz x^T",
    "÷": "write a / b", "\\": "LaTeX commands are not read here; write W^T dz, sigma(z), 1/2 (yhat - y)^2",
    "@": "write W x, with a space, for the matrix product", "%": "write the number as a fraction",
    "$": "write the formula without dollar signs", "&": "write one formula at a time",
    ".": "write 0.5 for a decimal number, and W^T for the transpose", "`": "a derivative is g'(z)",
    '"': "a derivative is g''(z)", "!": "write ≠ or !=", "#": "write the formula without comments",
    "~": "write ≈ for about equal",
}  # fmt: skip
_NAME = re.compile(r"(?!ℝ)[^\W\d_]\w*'*")
_JOINED = re.compile(r"([^\W\d_]+)_([0-9]+)('*)")
_NAME_LENGTH, _PRIMES = 100, 9
WHERE = "where"
"""The word before conditions, which is no name."""
_SHOWN_WIDTH = 76


class ReadError(ValueError):
    """A text that cannot be read: what is wrong, where, and what would be right.

    `span` counts characters of `text`. As a string it is the message, the line with carets
    under the place, and the hint.
    """

    def __init__(self, message: str, text: str, span: Span, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.text = text
        self.span = span
        self.hint = hint

    def __str__(self) -> str:
        lines = [self.message, *(f"    {line}" for line in self.pointed())]
        return "\n".join([*lines, self.hint] if self.hint else lines)

    def pointed(self) -> tuple[str, str]:
        """The line of the text that the span starts in (cut if it is long), and the carets under it."""
        start = min(self.span.start, len(self.text))
        first = self.text.rfind("\n", 0, start) + 1
        last = self.text.find("\n", start)
        last = len(self.text) if last < 0 else last
        low = max(first, start - _SHOWN_WIDTH // 2)
        high = min(last, low + _SHOWN_WIDTH)
        before = ("…" if low > first else "") + _printable(self.text[low:start])
        after = _printable(self.text[start:high]) + ("…" if high < last else "")
        marked = _width(_printable(self.text[start : min(self.span.end, high)]))
        return before + after, " " * _width(before) + "^" * max(1, marked)


def _printable(text: str) -> str:
    """Control and other invisible characters would move the caret, or the terminal's cursor."""
    return "".join(" " if c.isspace() else "\ufffd" if unicodedata.category(c)[0] == "C" else c for c in text)


def _width(text: str) -> int:
    """Columns in a terminal."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def spelled(text: str) -> tuple[str, Sequence[int]]:
    """`text` in few characters, and for each of them (and the end) its place in `text`.

    Raises ReadError for a character that is no part of the notation, and for a text over the
    limit of a line.
    """
    if len(text) > limits.LINE_BYTES or len(text.encode("utf-8", "surrogatepass")) > limits.LINE_BYTES:
        message = f"the formula is longer than the limit of {limits.LINE_BYTES:,} bytes"
        place = Span(min(len(text), limits.LINE_BYTES) - 1, min(len(text), limits.LINE_BYTES))
        raise ReadError(message, text, place, "split it into equations of their own")
    if text.isascii():
        return text, range(len(text) + 1)
    return _Speller(text).run()


class _Speller:
    def __init__(self, text: str) -> None:
        self.text = text
        self.out: list[str] = []
        self.places: list[int] = []
        self.at = 0

    def run(self) -> tuple[str, Sequence[int]]:
        while self.at < len(self.text):
            start = self.at
            written = self._next()
            self.out.append(written)
            self.places.extend([start] * len(written))
        self.places.append(len(self.text))
        return "".join(self.out), self.places

    def _next(self) -> str:
        """The spelling of what stands at `at`, which moves behind it."""
        first = self.text[self.at]
        if first in _SUPERSCRIPTS:
            return _raised(self._run_of(_SUPERSCRIPTS))
        if first in _SUBSCRIPTS:
            return "_" + self._run_of(_SUBSCRIPTS)
        start = self.at
        self.at += 1
        while self.at < len(self.text) and unicodedata.combining(self.text[self.at]):
            self.at += 1
        return self._cluster(self.text[start : self.at], start)

    def _run_of(self, table: dict[str, str]) -> str:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] in table:
            self.at += 1
        return "".join(table[c] for c in self.text[start : self.at])

    def _cluster(self, cluster: str, start: int) -> str:
        """One character with the marks over it."""
        if len(cluster) == 1:
            if cluster.isascii() or cluster in _KEPT:
                return cluster
            if cluster in _SAME:
                return _SAME[cluster]
            if cluster.isspace():
                return " "
        apart = unicodedata.normalize("NFD", cluster)
        base, marks = apart[0], list(apart[1:])
        letter = base if base in _GREEK else _SAME.get(base, unicodedata.normalize("NFKC", base))
        if not letter or not all(c in _GREEK or _is_latin(c) for c in letter):
            self._refuse(cluster, start)
        whole = unicodedata.normalize("NFC", cluster)
        if marks == ["\u0303"] and len(whole) == 1 and self._in_a_word(start):
            return whole  # the ñ of a word
        if all(mark in _MARKS for mark in marks):
            return "".join(_GREEK.get(c, c) for c in letter) + "".join(_MARKS[mark] for mark in marks)
        if len(whole) == 1 and _is_latin(whole):
            return whole
        return self._refuse(cluster, start)

    def _in_a_word(self, start: int) -> bool:
        before = self.text[max(0, start - 2) : start]
        follows = self.text[self.at : self.at + 1].isalpha()
        return follows or (before[-1:].isalpha() and (before[-1:] != "d" or before[:1].isalpha()))

    def _refuse(self, cluster: str, start: int) -> NoReturn:
        refuse_character(self.text, cluster, Span(start, start + len(cluster)))


def _raised(run: str) -> str:
    return f"^{run}" if run.isdigit() or run == "T" else f"^{{{run}}}"


def _is_latin(character: str) -> bool:
    return (character.isascii() and character.isalpha()) or unicodedata.name(character, "").startswith(
        "LATIN SMALL LETTER" if character.islower() else "LATIN CAPITAL LETTER"
    )


def refuse_character(text: str, cluster: str, span: Span) -> NoReturn:
    """Raise the ReadError for a character that no formula has."""
    code, name = f"U+{ord(cluster[0]):04X}", unicodedata.name(cluster[0], "").lower()
    shown = "" if unicodedata.category(cluster[0])[0] in "CZ" else f"“{cluster}” "
    described = f"{code}, {name}" if name else code
    hint = _ADVICE.get(cluster, "")
    if not hint and cluster[0].isalpha():
        hint = "the letters of names are Latin or Greek"
    raise ReadError(f"the character {shown}({described}) is no part of the notation", text, span, hint)


def canonical_name(text: str) -> str:
    """The one key of a name however it is typed: `ŷ` → `yhat`, `σ` → `sigma`, `W₁` and `W_1` → `W1`.

    Raises ReadError where `text` is not one name.
    """
    written, places = spelled(text)
    word = written.strip()
    if not _NAME.fullmatch(word):
        hint = "a name is a letter, then letters, digits, subscripts and primes"
        raise ReadError("this is not a name", text, Span(0, len(text)), hint)
    check_name(word, text, Span(places[0], len(text)))
    if word == WHERE:
        hint = "it stands before conditions: x[i-1] where 2 <= i; choose another name"
        raise ReadError(f"{WHERE} is a word of the notation", text, Span(0, len(text)), hint)
    return joined(word)


def joined(word: str) -> str:
    """A spelled name with its numeric subscript joined: `W_1` → `W1`."""
    found = _JOINED.fullmatch(word)
    return "".join(found.groups()) if found else word


def check_name(word: str, text: str, span: Span) -> None:
    """Raise ReadError for a spelled name that is too long or lacks its subscript."""
    bare = word.rstrip("'")
    if bare.endswith("_"):
        raise ReadError("a subscript is missing", text, span, f"write {bare}1 or {bare.rstrip('_')}")
    if len(bare) > _NAME_LENGTH or len(word) - len(bare) > _PRIMES:
        hint = f"a name has at most {_NAME_LENGTH} characters and {_PRIMES} primes"
        raise ReadError("this name is too long", text, span, hint)
