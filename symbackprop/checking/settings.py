"""How ambiguous notation is read, and how strictly conventions are held. Every default is documented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from symbackprop.notation.node import Plain


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Settings(Plain):
    """The settings of one check.

    `strict`: a convention that is not the exercise's own is wrong. `language`: of the report. `dy`: what
    `dy` alone is, dL/dŷ or dL/dy. `marks`: what the number in `W^{(1)}` is. `layout`: `numerator` has
    gradients of vectors as rows and of matrices transposed. `decimals`: whether `0,5` is a number. `dot`:
    what `u · v` of two vectors is. `delta`: the sign of δ where nobody defines it. `examples`: whether the
    examples of a batch are rows or columns.
    `proof`: the text is a report of ours: decimals that stand in an operation behind ≈ are rounded, δ with
    two places is Kronecker's, and one index of a matrix is that of an entry in any row.
    """

    strict: bool = False
    language: str | None = None
    dy: Literal["auto", "yhat", "y"] = "auto"
    marks: Literal["auto", "layer", "neuron", "example"] = "auto"
    layout: Literal["gradient", "numerator"] = "gradient"
    decimals: Literal["auto", "comma", "point"] = "auto"
    dot: Literal["auto", "scalar", "matrix", "dot", "hadamard"] = "auto"
    delta: Literal["dz", "-dz"] = "dz"
    examples: Literal["auto", "rows", "columns"] = "auto"
    proof: bool = False
