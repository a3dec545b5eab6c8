"""Names and gradients as somebody writes them: layers, indices, dL/dW in six ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from symbackprop.notation import tree
from symbackprop.notation.tree import Node

from .facts import Facts
from .styles import LOSSES, PLAIN_LOSSES, Style

SUM, PRODUCT, RAISED, ATOM = range(4)

GREEK = {"gamma": "γ", "beta": "β", "epsilon": "ε", "mu": "μ", "sigma": "σ"}
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class Unwritable(ValueError):
    """A tree that this person has no way to write."""


@dataclass(frozen=True)
class Names:
    """One person's names. `habits` decides what is decided once, `rng` what varies from line to line."""

    facts: Facts
    style: Style
    habits: int
    rng: Random

    def habit(self, about: str, options: Sequence[str]) -> str:
        """The same choice each time for the same person."""
        return Random(f"{self.habits}/{about}").choice(options)

    # --- names

    def name(self, name: str, places: str = "", *, weight: bool = False) -> str:
        """A name with the mark of its layer, and the text of its indices."""
        if name == self.facts.exercise.loss:
            return (LOSSES if self.style.latex else PLAIN_LOSSES)[self.style.loss]
        base = name.rstrip("0123456789")
        digits = name[len(base) :]
        row = weight and self.facts.shapes.get(name, ())[:1] == (1,)
        small = row or (self.style.small_weights and (self.style.latex or not digits))
        if weight and base[0] == "W" and small and "w" not in self.facts.exercise.shapes:
            base = "w" + base[1:]
        return (
            self._latex_name(base, digits, places)
            if self.style.latex
            else self._plain_name(base, digits, places)
        )

    def _latex_name(self, base: str, digits: str, places: str) -> str:
        if base == "yhat":
            base = self.habit("hat", (r"\hat{y}", r"\hat y"))
        elif base in GREEK:
            base = "\\" + base
        elif len(base) == 2:
            if places:
                raise Unwritable("a subscript under a subscript")
            base = f"{base[0]}_{base[1]}" if self.habit("sub", "ab") == "a" else f"{base[0]}_{{{base[1]}}}"
        if not digits:
            return base + _under(places)
        if self.style.marks == "sub":
            if places:
                raise Unwritable("a subscript under a subscript")
            return f"{base}_{digits}" if self.habit("sub", "ab") == "a" else f"{base}_{{{digits}}}"
        mark = f"[{digits}]" if self.style.marks == "bracket" else f"({digits})"
        return (
            f"{base}{_under(places)}^{{{mark}}}"
            if self.habit("order", "ab") == "a"
            else f"{base}^{{{mark}}}{_under(places)}"
        )

    def _plain_name(self, base: str, digits: str, places: str) -> str:
        unicode = self.style.format == "unicode"
        if base == "yhat":
            base = "ŷ" if unicode else "yhat"
        elif base in GREEK and unicode:
            base = GREEK[base]
        if digits:
            base += digits.translate(SUBSCRIPTS) if unicode and self.style.marks == "sub" else digits
        if not places:
            return base
        return f"{base}_{places}" if len(places) == 1 or places.isalnum() else f"{base}[{places}]"

    def marked(self, name: str) -> bool:
        """Whether a name is written with something above it, as `W^{[1]}` is."""
        return self.style.latex and name[-1:].isdigit() and self.style.marks != "sub"

    # --- gradients

    def gradient(self, of: Node, how: str = "") -> str:
        """dL/dW in the person's way, or in another."""
        how = how or self.style.gradient
        base = of.base.name if isinstance(of, tree.Index) else of.name  # type: ignore[union-attr]
        loss = self.name(self.facts.exercise.loss)
        if how == "delta":
            if base.rstrip("0123456789") == "z":
                return self._delta(of)
            how = self.habit("beside delta", ("partial", "name") if self.style.latex else ("name", "inline"))
        if how == "nabla" and isinstance(of, tree.Index):
            how = "partial" if self.style.latex else "inline"
        below = self.text(of, ATOM, weight=True)
        if how == "name" and base == "yhat" and self.style.dy:
            return f"dy{_under(self.places('yhat', of.places))}" if isinstance(of, tree.Index) else "dy"
        if how == "name":
            if base == "d":
                raise Unwritable("dd")
            return f"d{below}"
        if how == "nabla":
            if self.style.latex:
                return rf"\nabla_{{{below}}} {loss}" if len(below) > 1 else rf"\nabla_{below} {loss}"
            return f"∇_{below} {loss}" if len(below) == 1 else f"∇_{{{below}}} {loss}"
        if how == "inline":
            d = "∂" if self.style.format == "unicode" and self.habit("d", "ab") == "a" else "d"
            return f"{d}{loss}/{d}{below}"
        d = r"\partial " if how == "partial" else "d"
        space = " " if how == "straight" and loss.startswith("\\") and self.habit("d", "ab") == "a" else ""
        return rf"\frac{{{d}{space}{loss}}}{{{d}{below}}}"

    def _delta(self, of: Node) -> str:
        letter = r"\delta" if self.style.latex else "δ"
        written = self.text(of, ATOM)
        return letter + written[1:] if written[0] == "z" else letter

    # --- what the rest of the writing adds

    def text(self, node: Node, level: int = SUM, *, weight: bool = False) -> str:
        """A tree as text."""
        raise NotImplementedError

    def places(self, name: str, places: tuple[Node, ...]) -> str:
        """Indices as text."""
        raise NotImplementedError


def _under(places: str) -> str:
    if not places:
        return ""
    return f"_{places}" if len(places) == 1 else f"_{{{places}}}"
