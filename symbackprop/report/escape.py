"""A person's text, made safe for each format: it prints itself, and is never run.

First `printable` keeps to characters that the fonts of both engines have, so that the PDFs agree:
Latin letters and typographic signs stay, Greek letters and a few signs are set as mathematics in
LaTeX, anything else becomes its code point in brackets (`[U+1F600]`), and controls (of direction,
width or the terminal) go.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final

_LETTERS: Final = (  # what LaTeX's T1 encoding has beyond ASCII, by itself or with accents
    "¡£§«»¿"
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿ"
    "ĀāĂăĄąĆćĈĉĊċČčĎďĐđĒēĔĕĖėĘęĚěĜĝĞğĠġĢģĤĥĨĩĪīĬĭĮįİıĴĵĶķĹĺĻļĽľŁłŃńŅņŇňŊŋŌōŎŏŐőŒœŔŕŖŗŘřŚśŜŝŞşŠšŢţŤťŨũ"
    "ŪūŬŭŮůŰűŲųŴŵŶŷŸŹźŻżŽžǍǎǏǐǑǒǓǔǦǧǨǩǪǫǰǴǵȘșȚțẐẑỲỳ"
    "–—‘’‚“”„‹›…•†‡€©®™°±×÷·¶¬µªº¹²³¼½¾"
)
_MATHS: Final[Mapping[str, str]] = {
    "−": "-", "∂": r"\partial", "∇": r"\nabla", "∈": r"\in", "≤": r"\le", "≥": r"\ge", "≠": r"\ne",
    "≈": r"\approx", "≡": r"\equiv", "→": r"\to", "←": r"\leftarrow", "↦": r"\mapsto",
    "⇒": r"\Rightarrow", "⇔": r"\Leftrightarrow", "⊙": r"\odot", "⊗": r"\otimes", "√": r"\surd",
    "∞": r"\infty", "∑": r"\sum", "∏": r"\prod", "∫": r"\int", "ℝ": r"\mathbb{R}", "ℓ": r"\ell",
    "‖": r"\Vert", "⋅": r"\cdot", "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta",
    "ε": r"\varepsilon", "ζ": r"\zeta", "η": r"\eta", "θ": r"\theta", "ι": r"\iota", "κ": r"\kappa",
    "λ": r"\lambda", "μ": r"\mu", "ν": r"\nu", "ξ": r"\xi", "π": r"\pi", "ρ": r"\rho",
    "σ": r"\sigma", "ς": r"\varsigma", "τ": r"\tau", "υ": r"\upsilon", "φ": r"\varphi",
    "χ": r"\chi", "ψ": r"\psi", "ω": r"\omega", "Γ": r"\Gamma", "Δ": r"\Delta", "Θ": r"\Theta",
    "Λ": r"\Lambda", "Ξ": r"\Xi", "Π": r"\Pi", "Σ": r"\Sigma", "Φ": r"\Phi", "Ψ": r"\Psi",
    "Ω": r"\Omega", "₀": "_0", "₁": "_1", "₂": "_2", "₃": "_3", "₄": "_4", "₅": "_5", "₆": "_6",
    "₇": "_7", "₈": "_8", "₉": "_9", "ᵀ": "^T", "′": "'",
}  # fmt: skip
_ALLOWED: Final = frozenset(map(chr, range(32, 127))) | frozenset(_LETTERS) | frozenset(_MATHS) | {"\u00a0"}
_SPACES: Final = frozenset("\t\n\r\v\f\u0085\u2028\u2029")
_LONGEST_WORD: Final = 30  # characters without a space after which a line may break


def printable(text: str) -> str:
    """The text in characters that every format can print."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(map(_printable, composed))


def _printable(char: str) -> str:
    if char in _ALLOWED:
        return char
    if char in _SPACES or unicodedata.category(char) == "Zs":
        return " "
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co"):
        return ""
    return f"[U+{ord(char):04X}]"


def shortened(text: str, length: int) -> str:
    """The beginning of a text, for a running foot."""
    clean = printable(text)
    return clean if len(clean) <= length else clean[: length - 1].rstrip() + "…"


# --- LaTeX --------------------------------------------------------------------------

_LATEX: Final[Mapping[str, str]] = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "`": r"\textasciigrave{}", '"': r"\textquotedbl{}", "\u00a0": "~", "…": r"\dots{}",
    **{char: f"${maths}$" for char, maths in _MATHS.items()},
}  # fmt: skip
_LATEX_LIGATURES: Final = re.compile(r"(?<=-)(?=-)|(?<=<)(?=<)|(?<=>)(?=>)|(?<=,)(?=,)|(?<=')(?=')")


def latex_text(text: str) -> str:
    """Text for LaTeX, to stand in a paragraph."""
    return _breakable(printable(text), _latex_word, r"\allowbreak{}")


def _latex_word(word: str) -> str:
    apart = _LATEX_LIGATURES.sub("\x00", word)
    return "".join(_LATEX.get(char, char) for char in apart).replace("\x00", "{}")


def latex_string(text: str) -> str:
    """Text for the PDF's own information (title), where mathematics cannot stand."""
    plain = "".join(_PLAIN.get(char, char) for char in printable(text))
    return "".join(_LATEX.get(char, char) for char in plain)


_PLAIN: Final = {char: maths.strip("\\_^").replace(r"mathbb{R}", "R") for char, maths in _MATHS.items()}


# --- Typst --------------------------------------------------------------------------

_TYPST: Final = re.compile(
    r"[\\*_`$#\[\]<>@~/\"]"  # signs that mean something anywhere
    r"|(?<![^\s])[-+=](?=\s|=|$)"  # a list or a heading, where a line may begin
    r"|-(?=[-?0-9])|(?<=-)-"  # dashes and the minus sign
    r"|\.(?=\.)|(?<=\.)\."
    r"|(?<=[0-9])\.(?=\s|$)"  # an enumeration
)


def typst_text(text: str) -> str:
    """Text for Typst's markup."""
    return _breakable(printable(text), _typst_word, "\u200b")


def _typst_word(word: str) -> str:
    escaped = _TYPST.sub(lambda match: "\\" + match.group(), word)
    return escaped.replace("'", "’").replace("\u00a0", "~")


def typst_string(text: str) -> str:
    """A string of Typst's code, with its quotation marks."""
    return '"' + printable(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


# --- Markdown -----------------------------------------------------------------------

_MARKDOWN: Final = re.compile(r"[\\`*_\[\]|$~]|^\s*[-+#=](?=\s|#|=|$)|^\s*\d+[.)](?=\s|$)")
_HTML: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def markdown_text(text: str) -> str:
    """Text for Markdown with formulas between dollar signs."""
    escaped = _MARKDOWN.sub(lambda match: match.group()[:-1] + "\\" + match.group()[-1], printable(text))
    return "".join(_HTML.get(char, char) for char in escaped)


def html_text(text: str) -> str:
    """Text for an element or an attribute of a web page; a browser has more letters than TeX."""
    kept = "".join(char if char.isprintable() else " " if char in _SPACES else "" for char in text)
    return "".join(_HTML.get(char) or _QUOTES.get(char, char) for char in kept)


_QUOTES: Final = {'"': "&quot;", "'": "&#39;"}


# --- long words ---------------------------------------------------------------------


def _breakable(text: str, escape: Callable[[str], str], chance: str) -> str:
    """Escape a text; where it runs on without a space, let lines break in it."""
    words = re.split(r"( +)", text)
    return "".join(_word(word, escape, chance) for word in words)


def _word(word: str, escape: Callable[[str], str], chance: str) -> str:
    if len(word) <= _LONGEST_WORD:
        return escape(word)
    pieces = [word[start : start + 10] for start in range(0, len(word), 10)]
    return chance.join(map(escape, pieces))
