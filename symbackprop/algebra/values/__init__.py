"""The second route: numbers put through the trees, without SymPy.

`evaluate.py` walks a tree over a *domain* of numbers: exact reals (`exact.py`), the integers modulo a
prime (`gfp.py`), or dual numbers over either (`dual.py`). Import from those modules; this one imports
nothing, so that whoever needs rational numbers only does not pay for the rest.
"""
