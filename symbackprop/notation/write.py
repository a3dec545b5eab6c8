"""Trees to text: LaTeX in board order, and plain text that the reader reads back.

`write_base.py` holds the walk and the rules for brackets, `write_picture.py` the layout that
LaTeX and Typst share; each format is a module of strings. Typst is `write_typst.to_typst`.
"""

from symbackprop.notation.write_latex import to_latex
from symbackprop.notation.write_operations import kept_capitals
from symbackprop.notation.write_plain import to_plain
from symbackprop.notation.write_style import Style

__all__ = ["Style", "kept_capitals", "to_latex", "to_plain"]
