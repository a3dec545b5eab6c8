"""Characters beyond ASCII as hand writing uses them: ŷ, σ, 𝓛, 𝐖, x², ℝ."""

import unicodedata
from functools import lru_cache
from typing import Literal

from symbackprop.notation.spelling import GREEK_NAMES

_ACCENTS = {"\u0302": "hat", "\u0303": "tilde", "\u0304": "bar", "\u0305": "bar", "\u0307": "dot"}
SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿᵏᵐⁱʲᵖˡᵗᵀ", "0123456789+-()nkmijpltT", strict=True))
SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ₊₋", "0123456789aehijklmnoprstuvx+-", strict=True))
SAME = {
    "−": "-", "–": "-", "—": "-", "⋅": "·", "∙": "·", "•": "·", "∘": "⊙", "⨀": "⊙", "∗": "*", "‖": "||",
    "∥": "||", "∣": "|", "′": "'", "’": "'", "ʹ": "'", "″": '"', "‴": "'''", "⟶": "→", "⟹": "⇒",
    "⩽": "≤", "⩾": "≥", "∕": "/", "⁄": "/", "÷": "/", "∶": ":", "Σ": "∑", "⟵": "←", "⟼": "↦",
}  # fmt: skip
_LETTERS = {"ℓ": "ell", "µ": "mu", "ϵ": "epsilon", "ϑ": "theta", "ϱ": "rho", "ς": "sigma", "ϕ": "phi"}
_GREEK_NAMES_OF = {"LAMDA": "lambda"}

Special = tuple[Literal["word", "sign", "command", "fraction"], str]


@lru_cache(maxsize=2_048)
def special(character: str) -> Special | None:
    """What a character is that is no plain letter though it looks like one; None for the others."""
    if character.isascii():
        return None
    if character in _LETTERS:
        return "word", _LETTERS[character]
    if character in SAME or character in "ℝ∇∂∑":
        return ("sign", SAME.get(character, character)) if character in "ℝ∇∂∑Σ" else None
    name = unicodedata.name(character, "")
    if name.endswith("DOUBLE-STRUCK DIGIT ONE"):
        return "command", "mathbb"
    plain = unicodedata.normalize("NFKC", character)
    if name.startswith("VULGAR FRACTION") and len(plain) == 3:
        return "fraction", plain
    if len(plain) != 1 or plain == character:
        return None
    if "SCRIPT" in name and plain.isalpha() and not name.startswith(("SUBSCRIPT", "SUPERSCRIPT")):
        return "word", "cal" + plain if plain.isupper() else plain
    if name.startswith("MATHEMATICAL") and plain.isalpha() and "DOUBLE-STRUCK" not in name:
        return "word", spelled_letter(plain)
    return None


def spelled_letter(cluster: str) -> str:
    """One letter with the marks over it: `ŷ` → `yhat`, `σ` → `sigma`; a letter of words stays itself."""
    if cluster.isascii():
        return cluster
    if cluster in _LETTERS:
        return _LETTERS[cluster]
    apart = unicodedata.normalize("NFD", cluster)
    base, marks = apart[0], apart[1:]
    written = _greek(base) or (base if base.isascii() else "")
    if cluster in ("ñ", "Ñ") or not written or not all(mark in _ACCENTS for mark in marks):
        return unicodedata.normalize("NFC", cluster)
    return written + "".join(_ACCENTS[mark] for mark in marks)


def _greek(letter: str) -> str:
    name = unicodedata.name(letter, "")
    if not name.startswith(("GREEK SMALL LETTER ", "GREEK CAPITAL LETTER ")):
        return ""
    word = name.rpartition(" ")[2]
    word = _GREEK_NAMES_OF.get(word, word.lower())
    word = word.lower() if name.startswith("GREEK SMALL") else word.capitalize()
    return word if word in GREEK_NAMES else ""
