"""Formulas over floating-point numbers: whole arrays at once, in NumPy (the extra `floats`).

The numbers are binary64: approximate, and certified by nobody. They never meet exact ones: nothing here
knows the exact evaluator, and nothing there knows this. What a node means is the same in both; tests
compare them. `evaluate.py` has the nodes, `indices.py` places and sums over indices, `calls.py` functions
and operations, `atoms.py` the elementary functions with their slopes.

Whoever needs NumPy takes `np` from here, so that its absence is said in one place.
"""

from symbackprop.algebra.values.domain import NeedsExtra

try:
    import numpy as np
except ImportError:
    raise NeedsExtra("floating point needs NumPy", "floats") from None

__all__ = ["np"]
