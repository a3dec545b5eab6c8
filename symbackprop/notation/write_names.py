"""How a canonical name is taken apart for printing: accent, letters, subscripts, primes.

`yhat` is y under a hat, `W1` is W with subscript 1, `Wq` W with subscript q, `z_out` is z with an
upright subscript, `x'` keeps its prime. The formats differ only in how they write those parts.
"""

from dataclasses import dataclass
from functools import lru_cache

from symbackprop.notation.node import Plain

GREEK = frozenset({
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu",
    "nu", "xi", "omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
})  # fmt: skip
"""The small Greek letters by name; a capital one begins with a capital."""

LATIN_CAPITALS = {
    "Alpha": "A", "Beta": "B", "Epsilon": "E", "Zeta": "Z", "Eta": "H", "Iota": "I", "Kappa": "K",
    "Mu": "M", "Nu": "N", "Omicron": "O", "Rho": "P", "Tau": "T", "Chi": "X",
}  # fmt: skip
"""Greek capitals that look Latin: the typesetters have no command for them."""

OPERATORS = frozenset(("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "max", "min"))
"""Functions whose name both typesetters know as an operator."""

UPRIGHT = {"trace": "tr", "cross_entropy_logits": "CE"}
"""Operations that are called by another name on the board."""

COMPOSED = {"log_softmax": ("log", "softmax")}
"""Operations that are one after the other."""

ACCENTS = ("hat", "tilde", "bar", "dot")

_RUNNING = frozenset("ijklpqrs")
"""Letters that are indices even side by side: `w_ij` is two indices, `z_in` is a word."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Parts(Plain):
    """A name taken apart; `letters` is one letter, a Greek name, or an upright word."""

    accent: str
    letters: str
    subscripts: tuple[str, ...]
    primes: int


@lru_cache(maxsize=4096)
def parts(name: str) -> Parts:
    """The parts of a canonical name; whatever it holds, nothing is lost."""
    bare = name.rstrip("'")
    primes = len(name) - len(bare)
    stem, *tail = bare.split("_")
    letters = stem.rstrip("0123456789")
    digits = stem[len(letters) :]
    if letters.endswith("'") and letters.strip("'"):
        inner = letters.rstrip("'")
        primes += len(letters) - len(inner)
        letters = inner
    subscripts = tuple(part for part in (digits, *tail) if part)
    if not letters or (tail and not any(tail)):  # no letter to carry it: print it as it is
        return Parts("", bare, (), primes)
    for accent in ACCENTS:
        if letters.endswith(accent) and is_symbol(letters.removesuffix(accent)):
            return Parts(accent, letters.removesuffix(accent), subscripts, primes)
    if not subscripts and _is_pair(letters):  # Wq is typed for W with subscript q
        return Parts("", letters[0], (letters[1],), primes)
    return Parts("", letters, subscripts, primes)


def _is_pair(letters: str) -> bool:
    """Whether a name is a capital letter, or the b of a bias, and a small letter (`Wq`, `bq`)."""
    if len(letters) != 2 or not letters.isascii() or is_greek(letters):  # Xi is one letter
        return False
    return (letters[0].isupper() or letters[0] == "b") and letters[1].islower()


def is_symbol(letters: str) -> bool:
    """Whether these letters are one symbol: a letter, or the name of a Greek one."""
    return (len(letters) == 1 and letters.isalpha()) or is_greek(letters) or bool(calligraphic(letters))


def calligraphic(letters: str) -> str:
    """The letter that a name such as `calL` prints in script, or nothing."""
    return letters[3] if len(letters) == 4 and letters.startswith("cal") and is_capital(letters[3]) else ""


def is_greek(letters: str) -> bool:
    """Whether this is the name of a Greek letter (`sigma`, `Sigma`), or of ℓ, which LaTeX names alike."""
    if letters in GREEK or letters == "ell":
        return True
    return letters[:1].isupper() and letters[:1].lower() + letters[1:] in GREEK


def is_running(subscript: str) -> bool:
    """Whether a subscript of several letters is several indices, and not a word."""
    return len(subscript) <= 3 and _RUNNING.issuperset(subscript)


def is_shifted(subscript: str) -> bool:
    """Whether a subscript is an index and a number, `l+1`: of the layer after any layer."""
    return len(subscript) == 3 and subscript[0] in "ijklt" and subscript[1] in "+-" and subscript[2].isdigit()


def is_any_layer(subscript: str) -> bool:
    """Whether a subscript stands for the number of a layer: `l`, `l+1`, or a number."""
    return subscript.isdigit() or is_shifted(subscript) or (len(subscript) == 1 and subscript in "ijklt")


def is_capital(letters: str) -> bool:
    """Whether a matrix of this name has entries named by the small letter."""
    return len(letters) == 1 and letters.isascii() and letters.isupper()
