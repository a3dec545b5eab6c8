"""Where formulas and code stand in a file: the notes, every form of file, hard lines of prose."""

import json
from io import BytesIO
from pathlib import Path

import pytest

from symbackprop import limits
from symbackprop.checking.fragments import decimal_comma, fragments, language_of
from symbackprop.checking.source import read_source

PLAIN = [
    ("Entonces dz = dy * f'(z), porque f es la activación.", ["dz = dy * f'(z)"]),
    (
        "La pérdida es L = 1/2 (yhat - y)^2 y su derivada dL/dyhat = yhat - y.",
        ["L = 1/2 (yhat - y)^2", "dL/dyhat = yhat - y"],
    ),
    ("1. dz = dy ⊙ g'(z)", ["dz = dy ⊙ g'(z)"]),
    ("- dW = dz xᵀ   (2)", ["dW = dz xᵀ"]),
    ("dW = dz x^T   # gradiente de W", ["dW = dz x^T"]),
    ("dW = dz x^T (por la regla de la cadena)", ["dW = dz x^T"]),
    ("  = (yhat - y) * x^T", ["= (yhat - y) * x^T"]),
    ("=> dW = dz x^T", ["dW = dz x^T"]),
    ("scores = W x + b", ["scores = W x + b"]),
    ("gradient: dW1 = X^T dZ1 / m", ["dW1 = X^T dZ1 / m"]),
    ("x ∈ R^3, W ∈ R^{1×3}", ["x ∈ R^3, W ∈ R^{1×3}"]),
    ("L: R x R -> R", ["L: R x R -> R"]),
    ("dz =\n   dy * g'(z)\ndW = dz x^T", ["dz =\n   dy * g'(z)", "dW = dz x^T"]),
    ("dW = \\begin{pmatrix} 1 & 2 \\\\\n 3 & 4 \\end{pmatrix}",
     ["dW = \\begin{pmatrix} 1 & 2 \\\\\n 3 & 4 \\end{pmatrix}"]),
    ("Tengo que y = 5 y x = 3", ["y = 5", "x = 3"]),
    ("Then, dz = p - t and dW = dz x^T.", ["dz = p - t", "dW = dz x^T"]),
    ("See https://example.org/?a=b for x", []),
    ("cost $5 and price of 10 $", []),
    ("=====", []),
    ("Solo prosa, sin nada más.", []),
]  # fmt: skip

UNCUT = [
    # A word behind an operator is part of the formula: without it another formula would be judged.
    ("dz = dy * derivada", ["dz = dy * derivada"]),
    ("dz = dy times g'(z)", ["dz = dy times g'(z)"]),
    ("dz = dy multiplicado por g'(z)", ["dz = dy multiplicado por g'(z)"]),
    ("dz = -4 - resto", ["dz = -4 - resto"]),
    # So is a condition, on either side.
    ("f'(z) = 1 si z > 0", ["f'(z) = 1 si z > 0"]),
    ("f'(z) = 1 if z > 0", ["f'(z) = 1 if z > 0"]),
    ("si z > 0, entonces f'(z) = 1", ["si z > 0, entonces f'(z) = 1"]),
    ("If z > 0 then f'(z) = 1.", ["If z > 0 then f'(z) = 1"]),
    # “the gradient of W = …” says nothing about W.
    ("El gradiente de W = dz x^T", ["gradiente de W = dz x^T"]),
    ("El valor de dW = dz x^T", ["dW = dz x^T"]),
]


@pytest.mark.parametrize(("text", "expected"), PLAIN + UNCUT)
def test_plain_text(text: str, expected: list[str]) -> None:
    found = fragments(text, ".txt")
    assert [one.text for one in found] == expected
    assert {one.kind for one in found} <= {"plain"}


MARKDOWN = r"""# Título

Sea $x$ la entrada, y \(y = 5\) el valor; cuesta $5 y $10 más.

$$
\begin{aligned}
dz &= dy \odot g'(z) \\
dW &= dz\,x^\top
\end{aligned}
$$

- `db = dz`
- dx = W^T dz
    dW = dz x^T
Entonces dz = dy, y nada más.

<!-- $a = 1$
y $$b = 2$$ -->

\[ L = \tfrac12 (\hat y - y)^2 \]

```python
dW = np.outer(
    dz, x)  # $no$
db = dz
```

```js
let a = 3
```

```math
z = W x
```

\begin{align*}
  p &= 1
\end{align*}
y un \$ suelto, o $ este.
"""


def test_markdown() -> None:
    found = [(one.line, one.column, one.kind, one.text) for one in fragments(MARKDOWN, ".md")]
    assert found == [
        (3, 6, "inline", "x"),
        (3, 25, "inline", "y = 5"),
        (6, 1, "display", MARKDOWN.split("$$")[1].strip()),
        (12, 4, "plain", "db = dz"),
        (13, 3, "plain", "dx = W^T dz"),
        (14, 5, "plain", "dW = dz x^T"),
        (20, 4, "display", r"L = \tfrac12 (\hat y - y)^2"),
        (23, 1, "code", "dW = np.outer(\n    dz, x)  # $no$"),
        (25, 1, "code", "db = dz"),
        (33, 1, "display", "z = W x"),
        (37, 3, "display", "p &= 1"),
    ]


TEX = r"""\documentclass{article} % $a = 1$
\newcommand{\R}{$\mathbb R$}
\begin{document}
Sea $k = 2$ % y $k = 3$
por \$5. \begin{verbatim} $b = 1$ \end{verbatim}
\begin{equation}
  z = W x % $c$ \end{equation}
  + b
\end{equation}
\begin{lstlisting}[language=Python]
dW = dz @ x.T
\end{lstlisting}
\[ dW = dz\,x^\top \\[2pt] \]
\end{document}
$$d = 1$$
"""


def test_tex() -> None:
    found = [(one.line, one.kind, one.text) for one in fragments(TEX, ".tex")]
    assert found == [
        (4, "inline", "k = 2"),
        (7, "display", "z = W x % $c$ \\end{equation}\n  + b"),
        (11, "code", "dW = dz @ x.T"),
        (13, "display", r"dW = dz\,x^\top \\[2pt]"),
    ]
    assert fragments(TEX, "") == fragments(TEX, ".tex")


CODE = '''"""Texto: dz = 3."""
import numpy as np
# dW = x
def relu(u):
    return np.maximum(u, 0)
z = (W @ x
     + b)
dz = dy * g; db = dz
'''


def test_code() -> None:
    found = [(one.line, one.column, one.text) for one in fragments(CODE, ".py")]
    assert found == [
        (1, 1, '"""Texto: dz = 3."""'),
        (2, 1, "import numpy as np"),
        (4, 1, "def relu(u):"),
        (5, 5, "return np.maximum(u, 0)"),
        (6, 1, "z = (W @ x\n     + b)"),
        (8, 1, "dz = dy * g; db = dz"),
    ]
    assert fragments(CODE, "") == fragments(CODE, ".py")


@pytest.mark.parametrize(("text", "code"), [
    ("dW = np.outer(dz, x)", True), ("dx = W.T @ dz", True), ("dW += dz @ x.T", True),
    ("import numpy as np", True),
    ("dW = outer(dz, x)", False), ("dz = dy * f'(z)", False), ("dW = dz x.T", False),
    ("dx = W^T @ dz", False),
    ("dL/dW = dL/dz * x^T", False), ("dW = dz x^T # gradiente", False),
    ("for i in range(3): z = z + 1", True), ("db = dZ.sum(axis=1, keepdims=True)", True),
    ("db = np.sum(dZ, axis=1, keepdims=True) / m", True), ("dz = dy = dL.sum(x)", False),
])  # fmt: skip
def test_code_in_plain_text(text: str, code: bool) -> None:
    (found,) = fragments(text, ".txt")
    assert (found.kind == "code") is code


def test_an_open_bracket_does_not_swallow_the_rest() -> None:
    assert [one.text for one in fragments("a = (1\nb = 2\nc = 3\n", ".py")] == ["a = (1", "b = 2", "c = 3"]


def test_notebooks() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["Sea\n", "$k = 2$"]},
        {"cell_type": "raw", "source": "$k = 3$"},
        {
            "cell_type": "code",
            "source": "%matplotlib inline\ndW = dz @ x.T",
            "outputs": [{"text": "$k = 4$"}],
        },
    ]
    text = json.dumps({"cells": cells, "metadata": {"language_info": {"version": "3.11"}}})
    found = fragments(text, ".ipynb")
    assert [(one.cell, one.line, one.kind, one.text) for one in found] == [
        (1, 2, "inline", "k = 2"), (3, 2, "code", "dW = dz @ x.T"),
    ]  # fmt: skip
    assert fragments(text, "") == found


@pytest.mark.parametrize(("magic", "count"), [
    ("%%time", 1), ("%%timeit -n 3", 1), ("%%capture out", 1), ("%%bash", 0), ("%%html", 0),
    ("%%javascript", 0),
])  # fmt: skip
def test_cells_that_begin_with_a_command(magic: str, count: int) -> None:
    cells = [{"cell_type": "code", "source": f"{magic}\ndW = dz @ x.T"}]
    found = fragments(json.dumps({"cells": cells}), ".ipynb")
    assert [(one.line, one.text) for one in found] == [(2, "dW = dz @ x.T")] * count


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 3}',
    '{"cells": [{"cell_type": "code", "source": 3}]}',
                                  "[" * 100_000])  # fmt: skip
def test_what_is_no_notebook(text: str) -> None:
    with pytest.raises(ValueError, match="no notebook"):
        fragments(text, ".ipynb")


def test_places() -> None:
    (found,) = fragments("uno\n\n  \t$$a =\n\tb$$", ".md")
    assert (found.line, found.column) == (3, 6)
    assert [found.place(at) for at in (0, 2, 4, 5)] == [(3, 6), (3, 8), (4, 1), (4, 2)]


@pytest.mark.parametrize(("text", "comma"), [
    (r"$0{,}5$", True), ("z = 0,5", True), ("z = (1,2; -0,7)", True),
    (r"$\hat y = \sigma(0,5) \approx 0,6225$", True),
    (r"$\frac{0,5}{2} = 1$", True), ("z = 0,5 + 0.5", False), ("W = (4,2,-5)", False), ("x = (0,5)", False),
    ("w_{1,2} = x_{2,1}", False), ("i = 1,2", False), ("z = 1,2,3", False), ("L = 20,000", False),
    ("z = 3", False),
    ("Versión 3.11 de 2.1: z = 0,5", True), ("Con esto sale:\ndW = np.dot(0.5, x)\nz = 0,5", True),
    ("Vale 0,5.", False),
])  # fmt: skip
def test_decimal_comma(text: str, comma: bool) -> None:
    assert decimal_comma(text) is comma


@pytest.mark.parametrize(("text", "language"), [
    ("Entonces la derivada de L respecto de W", "es"), ("Then the derivative of L with respect to W", "en"),
    ("dW = dz x^T", None), ("", None),
])  # fmt: skip
def test_language(text: str, language: str | None) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize("unit", [
    "$", "$$", r"\[", "[", "(", "`", "```\n", "<!--", r"\begin{align}", "a=b+\n", "\\begin{\n",
    "x=(\n", "x = y y ",
    "f'(", "a = b de ", "np.", '"""x', "#", " ", "\n", "y: R -> ",
])  # fmt: skip
@pytest.mark.parametrize("suffix", [".md", ".tex", ".txt", ".py"])
def test_hostile_text_comes_to_an_end(unit: str, suffix: str) -> None:
    text = unit * (100_000 // len(unit))
    found = fragments(text, suffix)
    assert all(one.text.strip() for one in found)
    assert sum(len(one.text) for one in found) <= len(text)


# --- reading the file -------------------------------------------------------------------------------


def test_sources(tmp_path: Path) -> None:
    file = tmp_path / "notas.MD"
    file.write_bytes("\ufeffdz = dy\r\nŷ = 1\r".encode())
    assert read_source(file) == (str(file), "dz = dy\nŷ = 1\n", ".md")
    assert read_source("-", BytesIO(b"dz = dy")) == ("standard input", "dz = dy", "")


@pytest.mark.parametrize(("data", "message"), [
    (b"", "nothing in it"), (b" \n", "nothing in it"), (b"a\n\xff\xfe", "line 2: this is not UTF-8"),
    (b"a\0", "NUL"),
    (b"%PDF-1.7", "PDF"), (b"PK\x03\x04", "Word"), (b"x" * (limits.FILE_BYTES + 1), "which is the limit"),
])  # fmt: skip
def test_sources_that_are_none(tmp_path: Path, data: bytes, message: str) -> None:
    file = tmp_path / "hand.tex"
    file.write_bytes(data)
    with pytest.raises(ValueError, match=message) as failed:
        read_source(file)
    assert str(file) in str(failed.value)


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such file"):
        read_source(tmp_path / "none.tex")
    with pytest.raises(ValueError, match="folder"):
        read_source(tmp_path)


def test_notebooks_of_the_third_format() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["$dW = dz x^T$\n"]},
        {"cell_type": "code", "input": ["dW = dz\n", "db = dz"], "outputs": []},
    ]
    text = json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]})
    assert [(one.text, one.cell) for one in fragments(text, ".ipynb")] == [
        ("dW = dz x^T", 1), ("dW = dz", 2), ("db = dz", 2),
    ]  # fmt: skip
