"""What a writer is told that is not in the tree, and how a number is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from symbackprop.notation.node import Plain
from symbackprop.notation.write_names import is_any_layer, parts

_FINITE_DIGITS = 4_000  # a longer decimal is printed as a fraction: Python itself refuses to write it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Style(Plain):
    """Everything a writer needs that is not in the tree.

    `words` maps the keys of `Word`, and the words over relations, to text in the language;
    `functions` a function's name to its operator in this format; `names` overrides how a name
    prints. `loss` is the name that prints as a calligraphic letter. `macros` lets LaTeX use
    `\\R \\Loss \\pd \\pdi \\grad`, which the template defines.

    `layers` says how the number of a name that is in `layer_names` is set: `W_1`, `W^{[1]}` or
    `W^{(1)}`. The entries of a matrix are named by its small letter (`w_{ji}`), those of the names
    in `capitals` keep the capital. `by_hand` says that the formula is a person's own: names of functions
    are names there, entries keep the letter that was written, and words over a relation are theirs.
    """

    decimal_mark: str = "."
    words: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    loss: str = "L"
    straight_d: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    macros: bool = False
    layers: Literal["sub", "bracket", "paren"] = "sub"
    layer_names: frozenset[str] = frozenset()
    capitals: frozenset[str] = frozenset()
    by_hand: bool = False

    def marks_layer(self, name: str) -> bool:
        """Whether a name carries the number of its layer above (`W1` as `W^{[1]}`)."""
        if self.layers == "sub" or name in self.names:
            return False
        below = parts(name).subscripts
        if name in self.layer_names:
            return bool(below) and below[0].isdigit()
        # what a report says of any layer, W_{l+1}, has the mark of the layers that have numbers
        return len(below) == 1 and is_any_layer(below[0]) and parts(name).letters in _stems(self.layer_names)

    def layer_mark(self, number: str) -> str:
        """The number of a layer as it stands above a name: `[1]` or `(1)`."""
        return f"[{number}]" if self.layers == "bracket" else f"({number})"


@lru_cache(maxsize=64)
def _stems(names: frozenset[str]) -> frozenset[str]:
    """The letters of names: `{W, b}` of W1, W2, b1, b2."""
    return frozenset(parts(name).letters for name in names)


def decimal(value: Fraction) -> str | None:
    """A finite decimal of a non-negative fraction, or None when it never ends."""
    below = value.denominator
    if below == 1:
        return str(value.numerator)
    rest, twos, fives = below, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    if rest != 1 or places > _FINITE_DIGITS:
        return None
    digits = str(value.numerator * 10**places // below).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}"
