"""PDFs by both engines: they look right, say the same, and what is hostile stays shut in."""

import os
import re
import shutil
import subprocess
import tempfile
import time
import unicodedata
import zlib
from fractions import Fraction
from pathlib import Path

import pytest
from conftest import SENTENCES, everything, forward, wide_chain

from symbackprop import limits
from symbackprop.notation.tree import (
    Cases,
    Chain,
    Derivative,
    Gradient,
    Index,
    Matrix,
    Name,
    Neg,
    Node,
    Norm,
    Number,
    Power,
    Quotient,
    Row,
    Space,
    Sum,
    Transpose,
    Where,
    Word,
    equation,
    juxtaposed,
    number,
    plus,
    times,
)
from symbackprop.notation.write import Style, to_latex
from symbackprop.report import pdf as module
from symbackprop.report.document import (
    Document,
    Equation,
    Heading,
    Line,
    Literally,
    Note,
    Paragraph,
    Table,
    Text,
)
from symbackprop.report.escape import _LETTERS, _MATHS, latex_text
from symbackprop.report.files import ours, stamped
from symbackprop.report.measure import width
from symbackprop.report.pdf import TypesettingError, chosen, overfull_boxes, to_pdf, typeset
from symbackprop.report.render import render

HOSTILE = (
    r"""\input{/etc/passwd} #read("/etc/passwd") $x$ a_b^c <script> {{ 7*7 }} 100% # & ~ \ \end{document}"""
)
ENGINES = (("pdflatex", "tex"), ("typst", "typ"))


@pytest.fixture(params=ENGINES, ids=lambda pair: pair[0])
def engine(request: pytest.FixtureRequest) -> tuple[str, str]:
    if request.param[0] == "pdflatex":
        request.getfixturevalue("pdflatex")
    return request.param  # type: ignore[no-any-return]


def made(document: Document, engine: tuple[str, str], language: str = "es") -> module.Typeset:
    return typeset(render(document, format=engine[1], language=language), engine=engine[0])  # type: ignore[arg-type]


def words_in(pdf: bytes, tmp_path: Path) -> list[str]:
    """The words of all pages, without hyphens at ends of lines and without feet."""
    file = tmp_path / "shown.pdf"
    file.write_bytes(pdf)
    text = subprocess.run(
        ["pdftotext", "-raw", str(file), "-"], capture_output=True, text=True, check=True
    ).stdout
    text = (
        unicodedata.normalize("NFKC", text)
        .replace("\u2019", "'")
        .replace("\u00ad", "-")
        .replace("\u200b", "")
    )
    return re.sub(r"[-‐]\n", "", text).split()


def one(*blocks: object) -> Document:
    return Document(title=Text("test.title"), subtitle=Literally({}), blocks=blocks)  # type: ignore[arg-type]


# --- whole documents ------------------------------------------------------------------


@pytest.mark.parametrize("language", sorted(SENTENCES))
def test_every_block_in_both_engines(test_words: Path, engine: tuple[str, str], language: str) -> None:
    first = made(everything(), engine, language)
    assert first.pdf.startswith(b"%PDF-")
    assert overfull_boxes(first.log) == []
    assert "Missing character" not in first.log
    assert "warning" not in first.log.lower().replace("infwarerr", "").replace("info/warning", "")
    assert first.runs <= 2
    assert made(everything(), engine, language).pdf == first.pdf, "the bytes change from run to run"


def test_fonts_are_in_the_file(
    test_words: Path, engine: tuple[str, str], poppler: None, tmp_path: Path
) -> None:
    file = tmp_path / "r.pdf"
    file.write_bytes(made(everything(), engine).pdf)
    table = subprocess.run(["pdffonts", str(file)], capture_output=True, text=True, check=True).stdout
    rows = table.splitlines()[2:]
    assert len(rows) > 3
    for row in rows:
        embedded = re.search(r"(yes|no) (yes|no) (yes|no) +\d+ +\d+$", row)
        assert embedded is not None, row
        assert embedded[1] == "yes", row
        assert "Type 3" not in row


def test_a_pdf_says_what_it_is(
    test_words: Path, engine: tuple[str, str], poppler: None, tmp_path: Path
) -> None:
    file = tmp_path / "r.pdf"
    data = made(everything("α & 1"), engine).pdf
    file.write_bytes(data)
    about = subprocess.run(["pdfinfo", str(file)], capture_output=True, text=True, check=True).stdout
    assert "Retropropagación, paso a paso: Ejemplo (1):" in about
    assert "symbackprop" in about
    inside = _unpacked(data)
    assert re.search(rb"/Lang ?\((es)\)", inside)
    described = {_string(found) for found in re.findall(rb"/Alt ?\(((?:\\.|[^\\)])*)\)", inside, re.DOTALL)}
    described |= {
        bytes.fromhex(found.decode()).decode("utf-16")
        for found in re.findall(rb"/Alt ?<([0-9A-Fa-f]+)>", inside)
    }
    assert described == {"Grafo: z sale de W, x y b, y de z sale yhat.", "El grafo de cómputo."}


def _string(raw: bytes) -> str:
    """A string of a PDF as text."""

    def one(match: re.Match[bytes]) -> bytes:
        found = match[1]
        return bytes([int(found, 8)]) if found[:1].isdigit() else {b"n": b"\n", b"r": b"\r"}.get(found, found)

    plain = re.sub(rb"\\([0-7]{3}|.)", one, raw, flags=re.DOTALL)
    return plain.decode("utf-16") if plain.startswith(b"\xfe\xff") else plain.decode("latin-1")


def _unpacked(data: bytes) -> bytes:
    """The PDF with its streams unpacked."""
    parts = [data]
    for match in re.finditer(rb"stream\r?\n", data):
        try:
            parts.append(zlib.decompressobj().decompress(data[match.end() :]))
        except zlib.error:
            continue
    return b"".join(parts)


PROSE = tuple(key for key in SENTENCES["es"] if "{" not in str(SENTENCES["es"][key]))


@pytest.mark.parametrize("language", sorted(SENTENCES))
def test_the_words_agree(
    test_words: Path, pdflatex: str, poppler: None, tmp_path: Path, language: str
) -> None:
    said = "Ñandú, «pingüino» – a_b {x} 1. - = 'cita' 100 & #1 <b> [U] http://a.b/c?d=e x" + "y" * 120
    prose = tuple(Text(key) for key in PROSE)
    document = Document(
        title=Text("test.title"),
        subtitle=Literally({"es": "Ejemplo", "en": "Example"}),
        blocks=(
            Heading(text=Text("test.given")),
            *(Paragraph(lead=Text("test.graph"), sentences=(sentence, *prose)) for sentence in prose[:2]),
            Note(sentences=(Text("test.said", {"text": said}), *prose)),
            Table(
                columns=prose[:2],
                rows=((prose[0], prose[1]), (prose[2], Text("test.said", {"text": said}))),
                widths=(0.3, 0.6),
            ),
        ),
    )
    tex, typ = (words_in(made(document, pair, language).pdf, tmp_path) for pair in ENGINES)
    assert "".join(tex) == "".join(typ)
    assert len(tex) > 50


def test_hostile_text_prints_itself(
    test_words: Path, engine: tuple[str, str], poppler: None, tmp_path: Path
) -> None:
    for text in (HOSTILE, "\U0001f600 \u202ex\u200b 中文 \x00\x1b", "%" * 70, "\\" * 70, "word" * 100):
        result = made(everything(text), engine)
        assert overfull_boxes(result.log) == []
        assert "Missing character" not in result.log
        shown = "".join(words_in(result.pdf, tmp_path))
        assert "root:" not in shown
    shown = "".join(words_in(made(everything(HOSTILE), engine).pdf, tmp_path))
    for piece in (r"\input{/etc/passwd}", '#read("/etc/passwd")', "<script>", "{{7*7}}", r"\end{document}"):
        assert piece in shown


def test_every_character_that_we_let_through_has_a_glyph(pdflatex: str) -> None:
    text = "\n\n".join(
        latex_text(" ".join(part)) for part in (_LETTERS[:120], _LETTERS[120:], "".join(_MATHS))
    )
    preamble = (
        r"\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}\usepackage{lmodern,textcomp,amsmath,amssymb}"
    )
    result = typeset(
        rf"\documentclass{{article}}{preamble}\begin{{document}}\raggedright {text}\par{{\bfseries {text}}}"
        r"\end{document}",
        engine="pdflatex",
    )
    assert "Missing character" not in result.log
    assert "Font Warning" not in result.log


# --- widths ---------------------------------------------------------------------------


def formulas() -> list[Node]:
    """Formulas of all the kinds that reports show."""
    i, j, k, n = map(Name, "ijkn")
    L, W, x, z = map(Name, ("L", "W", "x", "z"))
    wide = [
        Matrix(((Neg(number(value)),) * columns,) * 2) for columns in range(1, 9) for value in (1, 123456)
    ]
    halves = Matrix(((Quotient(number(1), number(3)), Number(Fraction(12345, 1000), exact=False)),) * 2)
    cases = Cases(((z, Chain((z, number(0)), ("≥",), (None,))), (number(0), Word("otherwise"))))
    total = Sum("j", number(1), k, juxtaposed(Gradient(Index(z, (j,))), Index(W, (j, i))))
    shifted = plus(i, j, Neg(number(2)))
    guard = Chain((number(1), shifted, n), ("≤", "≤"), (None, None))
    guarded = Sum("j", number(1), plus(k, Neg(n)), Where(Index(x, (shifted, j)), (guard,)))
    return [
        *wide,
        halves,
        cases,
        total,
        guarded,
        forward().formula,
        equation(
            Gradient(W),
            Derivative(L, W),
            times(Derivative(L, z), Derivative(z, W)),
            juxtaposed(Gradient(z), Transpose(x)),
        ),
        equation(
            L,
            juxtaposed(
                Quotient(number(1), number(2)), Power(Norm(plus(Name("yhat"), Neg(Name("y")))), number(2))
            ),
        ),
        Row((equation(z, plus(juxtaposed(W, x), Name("b"))), equation(Name("yhat"), Name("sigma")))),
        Row((equation(z, number(1)), equation(z, number(2))), "implies"),
        Chain((Gradient(W), Space((k, n))), ("∈",), (None,)),
        Chain((z, number(1), number(2)), ("=", "≈"), ("example", None)),
        plus(*(times(number(value), Name("x")) for value in range(1, 12))),
        Quotient(plus(Name("alpha"), Name("gamma")), plus(Name("delta"), Name("omega"), Name("m"))),
    ]


def test_estimated_widths_against_texs_own(pdflatex: str) -> None:
    style = Style(macros=True, words={"example": "en el ej.", "if": "si", "otherwise": "en otro caso"})
    shown = [to_latex(node, style) for node in formulas()]
    lines = "\n".join(
        rf"\settowidth{{\len}}{{$\displaystyle {text}$}}\typeout{{WIDTH \the\len}}" for text in shown
    )
    result = typeset(
        r"""\documentclass[11pt]{article}\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}
\usepackage{lmodern,amsmath,amssymb,xcolor}
\newcommand{\R}{\mathbb{R}}\newcommand{\Loss}{\mathcal{L}}\newcommand{\grad}[1]{#1}
\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}}\newcommand{\pdi}[2]{\partial #1/\partial #2}
\newlength{\len}\begin{document}x """
        + lines
        + r"\end{document}",
        engine="pdflatex",
    )
    real = [float(found) / 10.95 for found in re.findall(r"WIDTH ([0-9.]+)pt", result.log)]
    assert len(real) == len(shown)
    for text, wide in zip(shown, real, strict=True):
        guess = width(text)
        assert wide * 0.97 - 0.3 <= guess <= wide * 1.12 + 1.0, f"{guess:.1f} for {wide:.1f}: {text}"


def test_no_display_leaves_the_line(test_words: Path, pdflatex: str) -> None:
    """Matrices up to 8 columns, of short and of long entries, alone, in products, in frames."""
    lines = [
        Line(formula=formula, margin=Chain((Name("W"), Space((Name("k"), Name("n")))), ("∈",), (None,)))
        for formula in formulas()
    ]
    lines += [Line(formula=wide_chain(columns)) for columns in range(1, 9)]
    blocks = [
        block
        for line in lines
        for block in (Paragraph(sentences=(Text("test.wide"),)), Equation(lines=(line,)))
    ]
    result = made(one(*blocks, Equation(lines=tuple(lines[:12]))), ENGINES[0])
    assert overfull_boxes(result.log) == []


def test_wide_tables_and_inline_formulas_stay_in_the_line(test_words: Path, pdflatex: str) -> None:
    wide = Matrix((tuple(number(value) for value in range(1000000, 1000008)),), "row")
    table = Table(
        columns=(Text("test.gradient"), Text("test.formula")),
        rows=((wide, wide), (Name("x"), Text("test.legend"))),
    )
    narrow = Table(
        columns=(Text("test.gradient"), Text("test.formula")), rows=((wide, wide),), widths=(0.3, 0.3)
    )
    inline = Paragraph(sentences=(Text("test.only", {"L": wide, "z": wide, "yhat": times(wide, wide)}),))
    result = made(one(table, narrow, inline), ENGINES[0])
    assert overfull_boxes(result.log) == []


def test_overfull_boxes_are_read_from_the_log() -> None:
    log = "x\nOverfull \\hbox (12.5pt too wide) at lines 3--4\nOverfull \\vbox (0.5pt too high) has\n"
    assert overfull_boxes(log) == ["Overfull \\hbox (12.5pt too wide) at lines 3--4"]
    assert len(overfull_boxes(log, 0.1)) == 2


# --- failures -------------------------------------------------------------------------


def tex(body: str) -> str:
    return "\\documentclass{article}\n\\begin{document}\n" + body + "\n\\end{document}\n"


def test_a_tex_error_has_its_line_and_keeps_the_log(pdflatex: str, tmp_path: Path) -> None:
    log = tmp_path / "kept.log"
    with pytest.raises(TypesettingError, match=r"line 4 of the text: Undefined control sequence") as caught:
        to_pdf(tex("fine\n\\nonsense"), engine="pdflatex", log=log)
    assert caught.value.line == 4
    assert str(log) in str(caught.value)
    assert "This is pdfTeX" in log.read_text()


def test_without_a_place_the_log_is_kept_in_a_temporary_file(pdflatex: str) -> None:
    with pytest.raises(TypesettingError) as caught:
        to_pdf(tex("\\nonsense"), engine="pdflatex")
    assert caught.value.log is not None
    assert caught.value.log.read_text().startswith("This is pdfTeX")
    caught.value.log.unlink()


@pytest.mark.parametrize(
    "attack",
    [
        r"\input{/etc/passwd}",
        r"\openin5=/etc/passwd \ifeof5 \nonsense\fi",
        r"\immediate\openout5=/tmp/symbackprop-was-here \immediate\write5{x}\nonsense",
        r"\immediate\write18{touch /tmp/symbackprop-was-here}\nonsense",
        r"\input{|id}",
        r"\input{../../../../etc/passwd}",
        r"\read-1 to \answer \nonsense",
    ],
)
def test_tex_reads_writes_and_runs_nothing_outside(pdflatex: str, tmp_path: Path, attack: str) -> None:
    with pytest.raises(TypesettingError):
        to_pdf(tex(attack), engine="pdflatex", log=tmp_path / "log")
    assert not Path("/tmp/symbackprop-was-here").exists()


@pytest.mark.skipif(
    not module._is_root(), reason="only root can drop its rights; else TeX reads what we may read"
)
def test_a_file_of_roots_cannot_be_embedded(pdflatex: str, tmp_path: Path) -> None:
    secret = Path("/tmp") / f"symbackprop-secret-{os.getpid()}"
    secret.write_text("the secret of root")
    secret.chmod(0o600)
    try:
        with pytest.raises(TypesettingError):
            to_pdf(
                tex(rf"x\immediate\pdfobj stream file{{{secret}}}\pdfrefobj\pdflastobj"),
                engine="pdflatex",
                log=tmp_path / "log",
            )
    finally:
        secret.unlink()


def test_the_users_settings_have_no_say(
    pdflatex: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A false amsmath.sty in the working folder, or in a tree of the user's, is not read."""
    tree = tmp_path / "tex" / "latex"
    tree.mkdir(parents=True)
    for folder in (tmp_path, tree):
        (folder / "amsmath.sty").write_text(r"\errmessage{the false amsmath}")
    monkeypatch.chdir(tmp_path)
    for name in ("TEXMFHOME", "TEXINPUTS", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    assert to_pdf(
        r"\documentclass{article}\usepackage{amsmath}\begin{document}x\end{document}", engine="pdflatex"
    )


def test_an_endless_loop_is_stopped(
    engine: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(limits, "TYPESETTING_SECONDS", 2)
    endless = {
        "pdflatex": tex(r"\def\a{\a}\a"),
        "typst": "#for i in range(100000) { for j in range(100000) { let x = i * j } }",
    }
    text = endless[engine[0]]
    started = time.monotonic()
    with pytest.raises(TypesettingError, match="stopped after"):
        to_pdf(text, engine=engine[0], log=tmp_path / "log")  # type: ignore[arg-type]
    assert time.monotonic() - started < 12


def test_a_file_that_grows_without_end_is_stopped(
    pdflatex: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(limits, "TYPESETTING_FILE", 200_000)
    flood = r"\newwrite\w\immediate\openout\w=flood.txt \loop\iftrue\immediate\write\w{xxxxxxxxxxxx}\repeat"
    with pytest.raises(TypesettingError):
        to_pdf(tex(flood), engine="pdflatex", log=tmp_path / "log")


def test_nothing_is_left_behind(pdflatex: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = Path(tempfile.mkdtemp(dir="/tmp"))  # a folder that an unprivileged user may enter
    place.chmod(0o711)
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    try:
        with pytest.raises(TypesettingError):
            to_pdf(tex("\\nonsense"), engine="pdflatex", log=tmp_path / "log")
        to_pdf(tex("x"), engine="pdflatex")
        to_pdf("x", engine="typst")
        assert list(place.iterdir()) == []
    finally:
        shutil.rmtree(place)


@pytest.mark.parametrize(
    "attack",
    [
        '#read("/etc/passwd")',
        '#read("../../../etc/passwd")',
        '#image("/etc/hostname")',
        '#import "@preview/cetz:0.3.1"',
        '#plugin("/etc/passwd")',
    ],
)
def test_typst_reads_and_fetches_nothing(tmp_path: Path, attack: str) -> None:
    started = time.monotonic()
    with pytest.raises(TypesettingError, match=r"typst, line 2 of the text"):
        to_pdf("fine\n" + attack, engine="typst", log=tmp_path / "log")
    assert time.monotonic() - started < 10
    assert (tmp_path / "log").read_text().startswith("error:")


def test_typst_is_quick() -> None:
    """Measured: 0.12 to 0.2 s for a report of two pages, as a process; far more would be a mistake."""
    to_pdf("warm", engine="typst")
    started = time.monotonic()
    to_pdf('#set text(font: "New Computer Modern")\n$x^2$', engine="typst")
    assert time.monotonic() - started < 2


def test_auto_takes_what_there_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chosen("auto") == "typst"
    with pytest.raises(TypesettingError, match="--engine typst"):
        to_pdf(tex("x"), engine="pdflatex")
    (tmp_path / "pdflatex").write_text("#!/bin/sh\n")
    (tmp_path / "pdflatex").chmod(0o755)
    assert chosen("auto") == "pdflatex"
    assert chosen("typst") == "typst"


def test_a_stamped_pdf_opens(engine: tuple[str, str], poppler: None, tmp_path: Path) -> None:
    text = tex("hola") if engine[0] == "pdflatex" else "hola"
    data = stamped(".pdf", to_pdf(text, engine=engine[0]))  # type: ignore[arg-type]
    assert ours(".pdf", data)
    file = tmp_path / "r.pdf"
    file.write_bytes(data)
    run = subprocess.run(["pdftotext", str(file), "-"], capture_output=True, text=True, check=True)
    assert run.stdout.split()[0] == "hola"
    assert run.stderr == ""
    if shutil.which("qpdf"):
        assert (
            subprocess.run(["qpdf", "--check", str(file)], capture_output=True, check=False).returncode == 0
        )


@pytest.mark.skipif(os.name != "posix", reason="process groups as on POSIX")
def test_stopping_a_child_that_has_ended_is_no_error() -> None:
    """After Ctrl-C the child may be gone before it is stopped."""
    child = subprocess.Popen(["true"], start_new_session=True)
    child.wait()
    module._kill_group(child)
    assert child.returncode == 0
