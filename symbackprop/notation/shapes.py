"""Shapes of formulas: checked (`shape_of`) and inferred (`infer`), with sizes that may be symbols.

`shape_algebra.py` says how shapes add and multiply, `shape_check.py` has the rule of each node
(`shape_places.py` those of indices, `shape_operations.py` those of `stack` and the like),
`inference.py` finds the shapes that nobody gave, and `shape_running.py` how far indices run.
"""

from symbackprop.notation.inference import Inference, InferenceError, infer, solve
from symbackprop.notation.shape_algebra import (
    MOST_AXES,
    OPERATION_SIGNATURES,
    ShapeError,
    Signature,
    common_shape,
    has_size_one,
    product_shape,
    shown,
)
from symbackprop.notation.shape_check import check, shape_of

__all__ = [
    "MOST_AXES",
    "OPERATION_SIGNATURES",
    "Inference",
    "InferenceError",
    "ShapeError",
    "Signature",
    "check",
    "common_shape",
    "has_size_one",
    "infer",
    "product_shape",
    "shape_of",
    "shown",
    "solve",
]
