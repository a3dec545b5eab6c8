"""Words of prose and words of mathematics, in lines of plain text where nothing marks a formula."""

import re
import unicodedata

from symbackprop.notation.hand.by_cases import OTHERWISE
from symbackprop.notation.hand.units import TURNED
from symbackprop.notation.spelling import GREEK_NAMES

_SHORT = frozenset([
    # Spanish
    "al", "da", "de", "el", "en", "es", "ha", "he", "la", "le", "lo", "me", "mi", "ni", "no", "os",
    "se", "si", "su", "te", "tu", "un", "va", "ve", "ya", "yo",
    # English
    "am", "an", "as", "at", "be", "by", "do", "go", "he", "if", "in", "is", "it", "me", "my", "no",
    "of", "on", "or", "so", "to", "up", "us", "we",
])  # fmt: skip
_LONG = frozenset([
    "what", "that", "hat", "chat", "than", "then", "them", "they", "this", "with", "did", "day", "dad",
    "dos", "del", "dar", "dan",
])  # fmt: skip
_FUNCTIONS = frozenset([
    "relu", "sigmoid", "sigm", "softmax", "tanh", "exp", "log", "ln", "sqrt", "sum", "mean", "max",
    "min", "dot", "outer", "diag", "norm", "abs", "sin", "cos", "erf", "sign", "trace", "transpose",
    "square", "identity", "softplus", "gelu", "elu", "swish", "silu", "logistic", "heaviside", "mse",
    "bce", "vec", "det", "rank", "ones", "zeros", "eye", "argmax", "onehot", "inf",
])  # fmt: skip
_MARKED = re.compile(r"d?[^\W\d_](?:hat|tilde|bar|dot|vec|prime)[^\W\d_]?\Z")
_BASE = re.compile(r"['’′″]+\Z")
_COMMAND = "\\"

CONJUNCTIONS = {"es": frozenset("yoeua"), "en": frozenset("aI")}
"""Words of one letter that stand between formulas, by language."""

GRADIENTS = frozenset(["grad", "gradient", "gradiente", "nabla"])
"""Words that make the gradient of a name of what stands behind them."""

OPERATIONS = frozenset([
    "por", "veces", "times", "multiplicado", "multiplicada", "multiplied", "elementwise", "mas", "más",
    "plus", "menos", "minus", "entre", "dividido", "dividida", "divided", "over", "transpuesta",
    "traspuesta", "transposed", "transpose", "hadamard", "punto", "cruz", "producto", "product",
])  # fmt: skip
ENDINGS = TURNED
"""Words behind a formula that are a part of it."""

_AROUND_OPERATIONS = frozenset(
    ["componente", "a", "entry", "by", "con", "with", "element", "elemento", "wise"]
)
_CONDITIONS = frozenset(["si", "if", "when", "cuando", "para", "for", "whenever", "siempre"])
_AROUND_CONDITIONS = frozenset(["que", "all", "todo", "cada", "each", "every", "only", "solo", "sólo"])
_CONSEQUENCES = frozenset(["entonces", "then", "se", "tiene", "we", "have", ",", ":", "tenemos", "es"])


def says_operation(words: list[str]) -> bool:
    """Whether words between two formulas say an operation, so that both are one formula."""
    lower = [word.lower() for word in words]
    return any(word in OPERATIONS for word in lower) and all(
        word in OPERATIONS or word in _AROUND_OPERATIONS or word == "-" for word in lower
    )


def says_condition(words: list[str]) -> bool:
    """Whether words before a formula make it the condition of another one: `si z > 0`."""
    lower = [word.lower() for word in words]
    return any(word in _CONDITIONS for word in lower) and all(
        word in _CONDITIONS or word in _AROUND_CONDITIONS or word == "," for word in lower
    )


def says_otherwise(words: list[str]) -> bool:
    """Whether words are those for the case that is left: `en otro caso`, `, si no`, `else`."""
    said = [word.lower() for word in words if word not in (",", ";", ":")]
    return " ".join(said[1:] if said[:1] in (["y"], ["and"]) else said) in OTHERWISE


def says_consequence(words: list[str]) -> bool:
    """Whether words between two formulas say that the second holds where the first does."""
    return all(word.lower() in _CONSEQUENCES for word in words)


def is_mathematical(word: str, follows: str, names: frozenset[str]) -> bool:
    """Whether a word of a line is part of a formula by itself. `follows` is the character behind it,
    `names` what the document defines."""
    if word.startswith(_COMMAND):
        return True
    base = _BASE.sub("", word)
    if len(base) <= 1 or base in names:
        return True
    if any(not c.isascii() for c in base):
        return _is_symbol(base)
    lower = base.lower()
    if len(base) == 2 and lower in _SHORT:
        return base not in (lower, lower.capitalize(), lower.upper()) or follows == "("
    if any(c.isdigit() or c == "_" for c in base.strip("_")) or (base[-1] == "_" and follows == "{"):
        return True
    if len(base) == 2 or follows in ("(", "["):
        return True
    if lower in _LONG or lower in GRADIENTS:
        return False
    if lower in _FUNCTIONS or base in GREEK_NAMES or _MARKED.match(base):
        return True
    if base[0] == "d" and (base[1:] in names or base[1:] in GREEK_NAMES):
        return True
    return any(c.isupper() for c in base[1:]) and any(c.islower() for c in base)


def _is_symbol(base: str) -> bool:
    """Whether letters beyond ASCII are those of formulas (ŷ, σ, 𝓛) rather than of Spanish (función)."""
    apart = unicodedata.normalize("NFD", base)
    if any(c in "\u0301\u0308\u0327\u0300" for c in apart):
        return False
    letters = [c for c in unicodedata.normalize("NFKC", apart) if c.isalpha()]
    if "ñ" in base.lower() and len(base) > 2:
        return False
    greek = any("GREEK" in unicodedata.name(c, "") for c in letters)
    return greek or len(letters) <= 3
