"""Letters and words to names: where one name ends and the next begins, and what a `d` before one is."""

from collections.abc import Mapping
from dataclasses import dataclass

from symbackprop.notation.node import Plain
from symbackprop.notation.spelling import GREEK_NAMES

INDEX_LETTERS = frozenset("ijklmnpqrst")
"""Letters that run over places; a subscript of nothing else is a list of them (`w_{ij}`)."""

NEW = frozenset({"new", "updated", "nuevo", "nueva", "nuevos", "nuevas", "actualizado", "actualizada"})
OLD = frozenset({"old", "viejo", "vieja", "anterior"})
"""Words beside a name, `W nuevo`, that say which of its values is meant: after a step, or before it."""

TURNED = frozenset({"transpuesta", "traspuesta", "transpuesto", "traspuesto", "transposed", "transpose"})
"""Words behind a name that transpose it."""

_ACCENTS = ("hat", "tilde", "bar", "dot")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Unit(Plain):
    """A name as it stands: its canonical key, the characters, whether a differential's d is before it."""

    key: str
    start: int
    end: int
    differential: bool = False


Letters = tuple[tuple[str, int, int], ...]


def function_word(word: str, functions: Mapping[str, str]) -> str:
    """The canonical function that a word of two letters or more calls (`ReLU` → relu), or nothing."""
    if len(word) < 2 or word in GREEK_NAMES:
        return ""
    for spelling in (word, word.lower(), word.lower().replace(" ", "_").replace("-", "_")):
        if spelling in functions:
            return functions[spelling]
    return ""


def is_letter(word: str) -> bool:
    """Whether a name is one letter: `x`, `sigma`, `yhat`, `calL`."""
    for accent in _ACCENTS:
        if word.endswith(accent) and len(word) > len(accent):
            word = word.removesuffix(accent)
    word = word.removeprefix("cal") if len(word) == 4 and word[:3] == "cal" else word
    return (len(word) == 1 and word.isalpha()) or word in GREEK_NAMES or word == "ell"


def split_run(letters: Letters, names: frozenset[str], functions: Mapping[str, str]) -> list[Unit]:
    """A run of letters as names: the longest known one first, else letter by letter (`Wx` is W x)."""
    units: list[Unit] = []
    longest = max((len(name) for name in names), default=1) + 1
    at = 0
    while at < len(letters):
        unit, taken = _known(letters, at, longest, names, functions)
        units.append(unit)
        at += taken
    return units


def _is_numbered(stem: str, names: frozenset[str]) -> bool:
    """Whether it is the letter of b1, b2 …: then `db_2` is their gradient, though d is a name too."""
    stems = (stem, stem.swapcase()) if len(stem) == 1 else (stem,)
    return any(name not in stems and name.rstrip("0123456789") in stems for name in names)


def _known(
    letters: Letters, at: int, longest: int, names: frozenset[str], functions: Mapping[str, str]
) -> tuple[Unit, int]:
    left = len(letters) - at
    rest = "".join(letter for letter, _, _ in letters[at:]) if left <= 40 else ""
    called = function_word(rest, functions) if left > 1 else ""
    if called and rest not in names:
        return Unit(called, letters[at][1], letters[-1][2]), left
    for count in range(min(left, longest), 0, -1):
        run = letters[at : at + count]
        word = "".join(letter for letter, _, _ in run)
        if count > 1 and word in names:
            return Unit(word, run[0][1], run[-1][2]), count
        if count > 1 and run[0][0] == "d":
            of = word[1:]
            unknown = count == 2 and "d" not in names and is_letter(of)
            if of in names or unknown or _is_numbered(of, names):
                return Unit(of, run[1][1], run[-1][2], True), count
    letter, start, end = letters[at]
    return Unit(letter, start, end), 1
