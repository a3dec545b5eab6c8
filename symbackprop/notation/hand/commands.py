"""What each LaTeX command means to the reader: tables, no code."""

from types import MappingProxyType

from symbackprop.notation.spelling import GREEK_NAMES

GREEK = {
    **{name: name for name in (*GREEK_NAMES, "ell")},
    "varepsilon": "epsilon", "vartheta": "theta", "varphi": "phi", "varsigma": "sigma", "varrho": "rho",
    "varkappa": "kappa", "imath": "i", "jmath": "j",
}  # fmt: skip
"""Letters that have a command."""

SIGNS = {
    "cdot": "·", "bullet": "⊙", "times": "×", "odot": "⊙", "circ": "⊙", "ast": "*",
    "otimes": "⊗", "partial": "∂", "nabla": "∇", "grad": "∇", "top": "⊤", "intercal": "⊤", "prime": "'",
    "div": "/",
    "le": "≤", "leq": "≤", "leqslant": "≤", "ge": "≥", "geq": "≥", "geqslant": "≥", "ne": "≠", "neq": "≠",
    "lt": "<", "gt": ">", "approx": "≈", "approxeq": "≈", "simeq": "≈", "cong": "≈", "sim": "≈",
    "equiv": "≡", "triangleq": "=", "coloneqq": "=", "doteq": "=", "eqqcolon": "≡", "in": "∈",
    "to": "→", "rightarrow": "→", "longrightarrow": "→", "mapsto": "↦", "longmapsto": "↦",
    "leftarrow": "←", "gets": "←", "longleftarrow": "←", "colon": ":", "mid": "|", "vert": "|",
    "dots": "…", "ldots": "…", "dotsc": "…", "dotso": "…", "cdots": "⋯", "dotsb": "⋯", "dotsm": "⋯",
    "vdots": "⋮", "ddots": "⋱", "sum": "∑", "Vert": "||", "|": "||", "lbrace": "\\{", "rbrace": "\\}",
    "{": "\\{", "}": "\\}", "lbrack": "[", "rbrack": "]", "lvert": "|(", "rvert": "|)", "lVert": "||(",
    "rVert": "||)", "langle": "⟨", "rangle": "⟩", "R": "ℝ", "Reals": "ℝ", "reals": "ℝ", "%": "%", "_": "_",
}  # fmt: skip
"""Commands that are one sign. `|(` and `|)` are bars that say which end they are."""

BREAKS = frozenset({
    "Rightarrow", "implies", "Longrightarrow", "Leftrightarrow", "iff", "Longleftrightarrow",
    "Leftarrow", "impliedby", "Longleftarrow", "Downarrow", "downarrow", "Uparrow", "uparrow",
    "nearrow", "searrow", "swarrow", "nwarrow", "updownarrow", "Updownarrow", "therefore", "because",
    "leadsto", "rightsquigarrow", "curvearrowright", "hookrightarrow", "longleftrightarrow",
    "leftrightarrow", "land", "wedge", "forall", "rightharpoonup", "Rrightarrow", "blacksquare",
    "square", "Box", "qed", "checkmark", "quad", "qquad", "par",
})  # fmt: skip
"""Commands that stand between two statements."""

SPACES = frozenset({
    ",", ";", ":", "!", ">", "/", "-", "thinspace", "medspace", "thickspace", "negthinspace", "enspace",
    "displaystyle", "textstyle", "scriptstyle", "scriptscriptstyle", "limits", "nolimits", "nonumber",
    "notag", "hline", "noindent", "left.", "right.", "strut", "hfill", "boldmath", "centering",
    "allowbreak", "nobreak", "break", "relax", "normalsize", "small", "large", "Large", "tiny", "bf",
    "rm", "it", "sf", "tt", "smallskip", "medskip", "bigskip", "protect", "ensuremath",
}) | {" ", "\n", "\t"}  # fmt: skip
"""Commands that only move things on the page."""

DROPPED = frozenset({
    "label", "tag", "vspace", "hspace", "vphantom", "phantom", "hphantom", "mspace", "color", "tag*",
    "vspace*", "hspace*", "eqref", "ref", "cite", "footnote", "intertext", "shortintertext",
})  # fmt: skip
"""Commands that vanish together with their argument."""

KEEPS = frozenset({
    "mathbf", "boldsymbol", "bm", "pmb", "vec", "mathit", "mathsf", "mathtt", "underline", "mathnormal",
    "vb", "va", "vu", "smash", "mathop", "mathbin", "mathrel", "mathord", "mathclose", "mathopen",
    "mathinner", "uline",
})  # fmt: skip
"""Styles, of which only the body counts."""

ACCENTS = {"hat": "hat", "widehat": "hat", "tilde": "tilde", "widetilde": "tilde", "bar": "bar",
           "overline": "bar", "dot": "dot"}  # fmt: skip
SCRIPTS = frozenset({"mathcal", "mathscr", "cal"})
WORDS = frozenset({"operatorname", "operatorname*", "mathrm", "textsc", "textsf", "texttt", "mathop*"})
"""Commands whose argument is a word, or a letter."""
TEXTS = frozenset({"text", "mbox", "textrm", "textit", "textbf", "textnormal", "hbox", "emph", "intertext"})
FRACTIONS = frozenset({"frac", "tfrac", "dfrac", "cfrac", "nicefrac", "sfrac"})
DERIVATIVES = {"pdv": "∂", "pd": "∂", "pderiv": "∂", "pdi": "∂", "dv": "d", "deriv": "d", "od": "d"}
"""Commands of two arguments, of and by, from the packages people load for derivatives."""
DELIMITED = {
    "norm": ("||(", "||)"), "abs": ("|(", "|)"), "qty": ("(", ")"), "quantity": ("(", ")"),
    "parens": ("(", ")"), "brackets": ("[", "]"),
}  # fmt: skip
"""Commands that put brackets or bars round their argument; `\\qty(…)` has its own."""
STARRED = DELIMITED.keys() | DERIVATIVES.keys() | {"vb", "va", "vu"}
"""Commands that may have a star, which changes nothing."""
OVER = frozenset({"stackrel", "overset", "underset"})
ARROWS_OVER = frozenset({"xrightarrow", "xRightarrow", "xleftarrow", "xLeftrightarrow"})
OPERATORS = frozenset({
    "log", "ln", "exp", "sin", "cos", "tan", "tanh", "sinh", "cosh", "max", "min", "arg", "det", "dim",
    "lim", "sup", "inf", "argmax", "argmin", "Pr", "lg", "cot", "sec", "csc", "arctan", "arcsin",
    "arccos",
})  # fmt: skip
BOXES = frozenset({"boxed", "fbox", "framebox"})
BRACES = frozenset({"underbrace", "overbrace"})
ONE = (
    KEEPS | frozenset(ACCENTS) | SCRIPTS | BOXES | BRACES
    | frozenset({"mathbb", "mathds", "sqrt", "not", "substack"})
    | frozenset({"cancel", "bcancel", "xcancel", "sout", "mathfrak", "ddot", "check", "overrightarrow"})
)  # fmt: skip
"""Commands of one argument that is a formula."""
TWO = FRACTIONS | OVER | DERIVATIVES.keys() | frozenset({"binom", "dbinom", "tbinom"})

SIZERS = frozenset({
    "left", "right", "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "biggl", "biggr",
    "Biggl", "Biggr", "bigm", "Bigm", "middle",
})  # fmt: skip
ROWS = frozenset({
    "equation", "equation*", "align", "align*", "aligned", "gather", "gather*", "gathered", "split",
    "multline", "multline*", "eqnarray", "eqnarray*", "flalign", "flalign*", "alignat", "alignat*",
    "alignedat", "displaymath", "math", "array", "subequations",
})  # fmt: skip
"""Environments whose rows are statements."""
MATRICES = frozenset({
    "matrix", "pmatrix", "bmatrix", "Bmatrix", "smallmatrix", "psmallmatrix", "bsmallmatrix", "array",
    "matrix*", "pmatrix*", "bmatrix*", "vmatrix", "Vmatrix",
})  # fmt: skip
CASES = frozenset({"cases", "dcases", "cases*", "dcases*", "rcases"})

RELATIONS = MappingProxyType({
    "=": "=", ":=": "=", "==": "=", "≡": "≡", "=:": "≡", "≜": "=", "≔": "=", "≈": "≈", "~=": "≈", "≃": "≈",
    "≅": "≈", "∼": "≈", "≠": "≠", "!=": "≠", "/=": "≠", "<": "<", ">": ">", "≤": "≤", "<=": "≤", "≥": "≥",
    ">=": "≥", "∈": "∈", "→": "→", "->": "→", "⟶": "→", "↦": "↦", "←": "←", "<-": "←", ":": ":",
})  # fmt: skip
NEW_ROWS = frozenset({"\\", "cr", "newline", "tabularnewline"})
COMPARISONS = frozenset("<>≤≥≠")
BREAK_SIGNS = frozenset("⇒⇔⇐↓⇓↗↘↑∴∵⟺⟸∧∀⇝⟿↝⤳➔➜➝➞➡") | {"=>", "\\\\"}
DOTS = {"…": "h", "...": "h", "⋯": "c", "⋮": "v", "⋱": "d"}
