"""How somebody writes: one draw of everything that is a matter of habit."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from .facts import Facts

FORMATS = ("markdown", "tex", "plain", "unicode", "code")
SUFFIXES = {"markdown": ".md", "tex": ".tex", "plain": ".txt", "unicode": ".txt", "code": ".py"}

LOSSES = {"L": "L", "calL": r"\mathcal{L}", "ell": r"\ell", "J": "J", "E": "E", "C": "C"}
PLAIN_LOSSES = {"L": "L", "calL": "𝓛", "ell": "ℓ", "J": "J", "E": "E", "C": "C"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """One person's habits.

    gradient: how dL/dW is written ("partial", "straight", "inline", "nabla", "name", "delta"); marks: of
    layers ("sub", "bracket", "paren"); dy: dL/dŷ is called so; arrays: "pmatrix", "bmatrix" or "tuple";
    activation: "name", "max", "letter" (f or g, said in a line of its own);
    source: later numbers come from the "exact" ones or from the "written" ones; columns: code has columns.
    """

    format: str
    language: str
    loss: str
    gradient: str
    transpose: str
    hadamard: str
    marks: str
    arrays: str
    comma: bool
    digits: int
    approx: str
    activation: str
    letter: str
    small_weights: bool
    source: str
    columns: bool
    dy: bool

    @property
    def latex(self) -> bool:
        """Whether formulas are LaTeX."""
        return self.format in ("markdown", "tex")

    @property
    def name(self) -> str:
        """For reports: the format, how gradients are written, and the language."""
        return f"{self.format}/{self.gradient}/{self.language}"


def style(facts: Facts, rng: Random) -> Style:
    """Somebody's habits, as far as the exercise's own names leave the choice."""
    kind = rng.choices(FORMATS, (40, 20, 13, 14, 13))[0]
    if facts.name == "convolucion":  # sums over indices are loops in code, and have no sign in plain text
        kind = {"code": "tex", "plain": "unicode"}.get(kind, kind)
    names = {name.lower() for name in facts.exercise.shapes if name != facts.exercise.loss}
    losses = [key for key in LOSSES if key.lower() not in names] if kind != "code" else ["L"]
    layered = any(name[-1:].isdigit() for name in facts.exercise.shapes)
    language = rng.choice(("es", "en"))
    gradients = {
        "markdown": ("partial", "partial", "straight", "name", "name", "nabla", "inline", "delta"),
        "tex": ("partial", "partial", "straight", "name", "nabla", "delta"),
        "plain": ("inline", "inline", "name", "name"),
        "unicode": ("inline", "name", "name", "nabla", "delta"),
        "code": ("name",),
    }[kind]
    if "d" in facts.exercise.shapes:  # dd and dW would be read with that d
        gradients = tuple(one for one in gradients if one in ("partial", "nabla")) or gradients
    gradient = rng.choice(gradients)
    if gradient == "delta" and not any(_plain_z(name) for name in facts.by_target):
        gradient = "name" if "d" not in facts.exercise.shapes else "partial"
    hadamards = (r"\odot", r"\odot", r"\circ") if kind in ("markdown", "tex") else ("*",)
    if kind == "unicode":
        hadamards = ("⊙", "⊙", "∘", "*")
    transposes = ("^T", "^T", r"^\top", r"^{\top}", r"^{T}") if kind in ("markdown", "tex") else ("^T",)
    if kind == "unicode":
        transposes = ("ᵀ", "ᵀ", "^T")
    if kind == "plain":
        transposes = ("^T",) * 12 + (".T", "'")
    return Style(
        format=kind,
        language=language,
        loss=rng.choice(losses or ["L"]),
        gradient=gradient,
        transpose=rng.choice(transposes),
        hadamard=rng.choice(hadamards),
        marks=rng.choice(("sub", "bracket", "bracket", "paren") if layered else ("sub",)),
        arrays=rng.choice(("pmatrix", "pmatrix", "bmatrix", "tuple")),
        comma=language == "es" and kind != "code" and rng.random() < 0.4,
        digits=rng.choice((2, 3, 4, 4, 4, 5, 6)),
        approx=rng.choice(("≈", "≈", "=")),
        activation=rng.choice(("name", "name", "max", "letter")),
        letter=rng.choice("fg"),
        small_weights=rng.random() < 0.7,
        source=rng.choice(("exact", "written")),
        columns=rng.random() < 0.4 and not _batch(facts),
        dy=kind != "code"
        and "y" in facts.exercise.given
        and "yhat" in facts.exercise.shapes
        and rng.random() < 0.25,
    )


def _plain_z(name: str) -> bool:
    """`dz`, `dz1`."""
    return name.rstrip("0123456789") == "dz"


def _batch(facts: Facts) -> bool:
    """Whether examples are rows, or vectors are spread out: there is no column then."""
    return facts.name in ("atencion", "logistica", "norma-capa", "norma-lote", "convolucion")
