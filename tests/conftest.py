"""What several tests share: TeX or a reason for its absence, and a document with every block."""

import os
import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from symbackprop.checking import session
from symbackprop.notation.tree import (
    Blank,
    Box,
    Brace,
    Bracket,
    Call,
    Cases,
    Chain,
    Coloured,
    Derivative,
    Dots,
    Gradient,
    Index,
    Matrix,
    Name,
    Neg,
    Node,
    Number,
    Power,
    Quotient,
    Relation,
    Row,
    Space,
    Sum,
    Transpose,
    Word,
    equation,
    juxtaposed,
    number,
    plus,
    times,
)
from symbackprop.report import places, words
from symbackprop.report.document import (
    AnswerBox,
    Arrow,
    Code,
    Diagram,
    Document,
    Equation,
    Heading,
    Line,
    Literally,
    Note,
    Paragraph,
    Table,
    Text,
    Vertex,
)

session.FAULTS = ()  # a fault of the program's fails a test; for a user it costs the one line

SENTENCES: dict[str, dict[str, str | dict[str, str]]] = {
    "es": {
        "test.title": "Retropropagación, paso a paso",
        "test.given": "Lo que nos dan",
        "test.levels": "Los tres niveles: componente, fila o columna, matriz",
        "test.model": "El modelo, de la entrada a la pérdida, es",
        "test.seek": "**Buscamos** las derivadas de {L} respecto de {names}; "
        "los niveles están en la sección {section:levels}.",
        "test.only": "{L} depende de {z} solo a través de {yhat}:",
        "test.sign": "El signo dice hacia dónde ir: como {less}, "
        "la pérdida baja si {yhat} sube (de {from} hacia {to}).",
        "test.graph": "El grafo de cómputo.",
        "test.legend": "Hacia adelante, en negro, los valores; hacia atrás, ^^en rojo^^, los gradientes.",
        "test.alternative": "Grafo: {z} sale de {names}, y de {z} sale {yhat}.",
        "test.gradient": "gradiente",
        "test.formula": "fórmula",
        "test.how": "cómo se ha comprobado, con números",
        "test.dual": "Números duales (derivación hacia adelante), "
        "en aritmética módulo {p}, con datos al azar",
        "test.agree": {"one": "coincide {count}", "other": "coinciden {count} de {count}"},
        "test.note": "En {z} la ReLU no es derivable; **por convenio** tomamos {slope}. Véase `relu`.",
        "test.said": "{text}",
        "test.wide": "Una cuenta ancha se parte en el signo igual:",
        "test.paste": "Para comprobarlo con NumPy:",
    },
    "en": {
        "test.title": "Backpropagation, step by step",
        "test.given": "What is given",
        "test.levels": "Three levels: entry, row or column, matrix",
        "test.model": "The model, from the input to the loss, is",
        "test.seek": "**We want** the derivatives of {L} with respect to {names}; "
        "for the levels see section {section:levels}.",
        "test.only": "{L} depends on {z} only through {yhat}:",
        "test.sign": "The sign says where to go: as {less}, "
        "the loss falls if {yhat} rises (from {from} to {to}).",
        "test.graph": "The graph of the computation.",
        "test.legend": "Forward, in black, the values; backward, ^^in red^^, the gradients.",
        "test.alternative": "Graph: {z} comes from {names}, and {yhat} from {z}.",
        "test.gradient": "gradient",
        "test.formula": "formula",
        "test.how": "how it was checked, with numbers",
        "test.dual": "Dual numbers (forward mode), in arithmetic modulo {p}, with random data",
        "test.agree": {"one": "{count} agrees", "other": "{count} of {count} agree"},
        "test.note": "At {z} the ReLU has no derivative; **by convention** we take {slope}. See `relu`.",
        "test.said": "{text}",
        "test.wide": "A wide computation breaks at the equals sign:",
        "test.paste": "To check it with NumPy:",
    },
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden` writes what is compared instead of comparing."""
    parser.addoption("--update-golden", action="store_true", help="write tests/golden anew")


@pytest.fixture(scope="session")
def pdflatex() -> str:
    """The path of pdflatex. Where tests run unattended its absence is a failure, else a reason to skip."""
    found = shutil.which("pdflatex")
    if found:
        return found
    if os.environ.get("CI"):
        pytest.fail("pdflatex is not installed, and CI is set: these tests must run here")
    pytest.skip("needs TeX: install texlive-latex-extra texlive-lang-spanish lmodern")


@pytest.fixture(scope="session")
def poppler() -> None:
    """pdftotext, pdffonts and pdftoppm, to look into PDFs."""
    if not all(map(shutil.which, ("pdftotext", "pdffonts", "pdfinfo"))):
        if os.environ.get("CI"):
            pytest.fail("poppler-utils are not installed, and CI is set: these tests must run here")
        pytest.skip("needs poppler-utils")


@pytest.fixture(scope="session")
def extended_templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ours") / "templates"
    shutil.copytree(places.templates_folder(), folder)
    for language, sentences in SENTENCES.items():
        lines = ["", "[test]"]
        for key, value in sentences.items():
            shown = (
                f"'{value}'"
                if isinstance(value, str)
                else f"{{ one = '{value['one']}', other = '{value['other']}' }}"
            )
            lines.append(f'"{key}" = {shown}')
        with (folder / "words" / f"{language}.toml").open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def test_words(extended_templates: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Our templates with the sentences of the tests added."""
    monkeypatch.setattr(places, "templates_folder", lambda: extended_templates)
    words._load.cache_clear()
    yield extended_templates
    words._load.cache_clear()


# --- a document with every kind of block ----------------------------------------------

L, W, x, b, z, yhat, y = map(Name, ("L", "W", "x", "b", "z", "yhat", "y"))


def d(name: Node) -> Node:
    return Gradient(name)


def row(*values: int) -> Matrix:
    return Matrix((tuple(map(number, values)),), "row")


def column(*values: int) -> Matrix:
    return Matrix(tuple((number(value),) for value in values), "column")


def real(*sizes: Node) -> Node:
    return Space(sizes)


def has_shape(node: Node, *sizes: Node) -> Node:
    return Chain((node, real(*sizes)), ("∈",), (None,))


def forward() -> Line:
    total = plus(
        times(number(4), number(1)), times(number(2), number(0)), times(Bracket(number(-5)), number(2))
    )
    label = equation(juxtaposed(W, x), number(-6))
    parts = plus(juxtaposed(Brace(row(4, 2, -5), W), Brace(column(1, 0, 2), x)), Brace(number(7), b))
    return Line(formula=Box(equation(z, parts, plus(Brace(total, label), number(7)), Box(number(1)))))


def step(
    name: Node, first: Node, first_label: Node, second: Node, second_label: Node, general: Node, *rest: Node
) -> Node:
    chained = equation(
        d(name), Derivative(L, name), times(Brace(first, first_label), Brace(second, second_label)), general
    )
    over = ("example", *(None for _ in rest[1:]))
    equals: tuple[Relation, ...] = tuple("=" for _ in rest)
    return Chain((Box(chained), *rest), equals, over)


def wide_chain(columns: int) -> Node:
    """A product of matrices of long negative decimals, far wider than the line."""
    entry = Neg(Number(Fraction(123456, 10000), exact=False))
    wide = Matrix(((entry,) * columns,) * 3)
    tall = Matrix(((entry,),) * columns, "column")
    return Chain(
        (
            z,
            juxtaposed(W, x),
            juxtaposed(wide, tall),
            column(1, 2, 3),
            plus(column(1, 2, 3), column(0, 0, 0)),
        ),
        ("=", "=", "≈", "="),
        (None,) * 4,
    )


def graph() -> Diagram:
    """A picture placed by hand: a row, a branch above and below, and an arrow with corners."""
    boxes = (
        ("W", 0, 1.9, equation(W, row(4, 2, -5)), equation(d(W), row(-4, 0, -8))),
        ("x", 0, -1.9, equation(x, Transpose(row(1, 0, 2))), equation(d(x), Transpose(row(-16, -8, 20)))),
        ("u", 2.3, 0, equation(juxtaposed(W, x), number(-6)), number(-4)),
        ("b", 4.4, 1.9, equation(b, number(7)), equation(d(b), number(-4))),
        ("z", 6.5, 0, equation(z, number(1)), equation(d(z), number(-4))),
        ("yh", 10.8, 0, equation(yhat, number(1)), equation(d(yhat), number(-4))),
        ("y", 13.1, 1.9, equation(y, number(5)), None),
        ("L", 15.2, 0, number(8), equation(d(L), number(1))),
    )
    circles = (("m", 0, W), ("s", 4.4, Name("s")), ("g", 8.6, Name("g")), ("l", 13.1, L))
    vertices = [
        Vertex(key=key, kind="variable", x=at, y=up, upper=top, lower=low) for key, at, up, top, low in boxes
    ]
    vertices += [Vertex(key=key, kind="operation", x=at, y=0, upper=text) for key, at, text in circles]
    slope = equation(Call("g", (number(1),), (), 1), number(1))
    arrows = (
        Arrow(start="W", end="m", factor=Transpose(x)),
        Arrow(start="x", end="m", factor=Transpose(W)),
        Arrow(start="m", end="u"),
        Arrow(start="u", end="s", factor=number(1), place=(4.4, -0.65)),
        Arrow(start="b", end="s", factor=number(1)),
        Arrow(start="s", end="z"),
        Arrow(start="z", end="g", factor=slope, place=(8.6, -0.65)),
        Arrow(start="g", end="yh"),
        Arrow(start="yh", end="l", factor=equation(plus(yhat, Neg(y)), number(-4)), place=(13.1, -0.65)),
        Arrow(start="y", end="l", back=False),
        Arrow(start="l", end="L"),
        Arrow(
            start="z",
            end="L",
            factor=number(2),
            place=(10.8, -1.15),
            forward=((6.4, -0.55), (6.4, -1.5), (15.3, -1.5), (15.3, -0.55)),
            backward=((15.1, -0.55), (15.1, -1.3), (6.6, -1.3), (6.6, -0.55)),
        ),
    )
    names = Text("test.alternative", {"z": z, "yhat": yhat, "names": (W, x, b)})
    return Diagram(vertices=tuple(vertices), arrows=arrows, alternative=names, exact=True)


def fan() -> Diagram:
    i = Name("i")
    targets = [("z1", 1.15, number(1)), ("z2", 0.15, number(2)), ("zk", -1.15, Name("k"))]
    vertices = [Vertex(key="x", kind="operation", x=0, y=0, upper=Index(x, (i,)))]
    vertices.append(Vertex(key="dx", kind="plain", x=-1.4, y=0, upper=Coloured(d(Index(x, (i,))))))
    vertices.append(Vertex(key="dots", kind="plain", x=2.7, y=-0.5, upper=Dots("v")))
    arrows = [Arrow(start="x", end="dx")]
    for key, height, place in targets:
        vertices.append(Vertex(key=key, kind="operation", x=2.7, y=height, upper=Index(z, (place,))))
        vertices.append(
            Vertex(key="d" + key, kind="plain", x=4.1, y=height, upper=Coloured(d(Index(z, (place,)))))
        )
        arrows.append(Arrow(start="x", end=key, back=False, label=Index(W, (place, i))))
        arrows.append(Arrow(start="d" + key, end=key))
    sums = equation(
        d(Index(x, (i,))),
        Sum("j", number(1), Name("k"), juxtaposed(d(Index(z, (Name("j"),))), Index(W, (Name("j"), i)))),
    )
    return Diagram(
        vertices=tuple(vertices), arrows=tuple(arrows), alternative=Text("test.graph"), beside=sums
    )


def everything(text: str = "w_1 & 50 %") -> Document:
    """Every kind of block, with prose, and a person's text in several places."""
    k, n = Name("k"), Name("n")
    half = juxtaposed(Quotient(number(1), number(2)), Power(Bracket(plus(yhat, Neg(y))), number(2)))
    model = Row((equation(z, plus(juxtaposed(W, x), b)), equation(yhat, Call("g", (z,))), equation(L, half)))
    relu = Cases(((z, Chain((z, number(0)), ("≥",), (None,))), (number(0), Word("otherwise"))))
    blocks = (
        Heading(text=Text("test.given"), label="given"),
        Paragraph(sentences=(Text("test.model"),), keep_with_next=True),
        Equation(lines=(Line(formula=model),)),
        Paragraph(
            sentences=(Text("test.seek", {"L": L, "names": (W, b, x)}), Text("test.said", {"text": text}))
        ),
        Equation(lines=(forward(),)),
        Paragraph(lead=d(z), sentences=(Text("test.only", {"L": L, "z": z, "yhat": yhat}),)),
        Equation(
            lines=(
                Line(
                    formula=step(
                        z,
                        Derivative(L, yhat),
                        d(yhat),
                        Derivative(yhat, z),
                        Call("g", (z,), (), 1),
                        times(d(yhat), Call("g", (z,), (), 1)),
                        times(Bracket(number(-4)), number(1)),
                        number(-4),
                    ),
                    margin=has_shape(d(z)),
                ),
            )
        ),
        Paragraph(
            sentences=(
                Text(
                    "test.sign",
                    {
                        "less": Chain((d(yhat), number(0)), ("<",), (None,)),
                        "yhat": yhat,
                        "from": number(1),
                        "to": number(5),
                    },
                ),
            )
        ),
        Equation(
            lines=(
                Line(formula=equation(d(yhat), plus(yhat, Neg(y))), margin=has_shape(d(yhat), number(2))),
                Line(
                    formula=equation(
                        d(W),
                        juxtaposed(d(z), Transpose(x)),
                        juxtaposed(column(1, 5), row(1, 0, 2)),
                        Matrix(((number(1), number(0), number(2)), (number(5), number(0), number(10)))),
                    ),
                    margin=has_shape(d(W), k, n),
                ),
            )
        ),
        Note(
            sentences=(
                Text(
                    "test.note",
                    {
                        "z": equation(z, number(0)),
                        "slope": equation(Call("g", (number(0),), (), 1), number(1)),
                    },
                ),
            )
        ),
        Equation(lines=(Line(formula=equation(Call("g", (z,)), relu)),)),
        Paragraph(sentences=(Text("test.wide"),)),
        Equation(lines=(Line(formula=wide_chain(8), margin=has_shape(z, number(3))),)),
        Heading(text=Text("test.levels"), label="levels"),
        Paragraph(lead=Text("test.graph"), sentences=(Text("test.legend"),)),
        graph(),
        fan(),
        Table(
            columns=(Text("test.gradient"), Text("test.formula"), Text("test.how")),
            rows=(
                (d(z), times(d(yhat), Name("g"), sign="odot"), Text("test.agree", {"count": 1})),
                (
                    d(W),
                    juxtaposed(d(z), Transpose(x)),
                    Text("test.dual", {"p": Power(number(2), number(61))}),
                ),
                (d(x), column(-16, -8, 20), Text("test.agree", {"count": 270})),
                (d(b), None, Text("test.said", {"text": text})),
            ),
            widths=(None, None, 0.5),
        ),
        Paragraph(sentences=(Text("test.paste"),)),
        Code(
            language="python",
            text="import numpy as np\nW = np.array([[4, 2, -5]])\ndW = dz @ x.T  # 'ok', \"ok\", 1--2 << 3",
        ),
        AnswerBox(label=equation(z, Blank(4)), lines=4, width=0.48),
        AnswerBox(label=equation(d(W), Blank(6)), lines=4, width=0.48),
        AnswerBox(label=equation(d(x), Blank(6)), lines=2),
    )
    return Document(
        title=Text("test.title"),
        subtitle=Literally({"es": f"Ejemplo (1): {text}", "en": f"Example (1): {text}"}),
        blocks=blocks,
    )
