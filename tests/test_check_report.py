"""What a report on findings says, in every format and both languages; findings are made by hand here."""

import json
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from symbackprop.checking.findings import VERDICTS, Checked, Finding, Named, Reason
from symbackprop.derivation.mistakes import MISTAKES
from symbackprop.exercise import load
from symbackprop.notation.hand.nodes import Indicator, Marked, Nabla, Omitted, Primed, Said, Tuple
from symbackprop.notation.node import Span
from symbackprop.notation.tree import (
    Bracket,
    Chain,
    Gradient,
    Index,
    Name,
    Neg,
    Node,
    Number,
    Power,
    Product,
    Space,
    Sum,
    Transpose,
    children,
    equation,
    juxtaposed,
    number,
    walk,
)
from symbackprop.notation.write import Style, to_latex, to_plain
from symbackprop.notation.write_mathml import to_mathml
from symbackprop.notation.write_readable import to_readable
from symbackprop.notation.write_typst import to_typst
from symbackprop.report import pdf
from symbackprop.report.checked.compose import compose, marked
from symbackprop.report.checked.outputs import CheckedOutputs, file_paths, kinds_of, settings_of
from symbackprop.report.checked.sentences import SHOWN, mistaken, says_reading
from symbackprop.report.checked.text import columns_of, pointed
from symbackprop.report.document import Judged
from symbackprop.report.judged import broken, shown
from symbackprop.report.words import load_words
from tests.checked_sample import HOSTILE, LABEL, LABELLED, LONG, PLACE, sample

LANGUAGES = pytest.mark.parametrize("language", ["es", "en"])
HAND = Style(by_hand=True, loss="", decimal_mark=",")


def made(language: str = "en", checked: Checked | None = None) -> CheckedOutputs:
    return CheckedOutputs(checked or sample(), language)


def only(finding: Finding) -> Checked:
    return Checked(source="notes.md", exercises=(load("neurona"),), findings=(finding,))


# --- nodes that only people write -------------------------------------------------------------

one, two = Number(Fraction(1), "1"), Number(Fraction(2), "2")
NODES: list[tuple[Node, str, str, str]] = [
    (Transpose(Marked(Name("W"), "[", two)), r"W^{[2]\,T}", "W^([2] thin T)", "W^[2]ᵀ"),
    (Primed(Marked(Name("g"), "[", one)), r"g^{[1]\prime}", "g^([1] prime)", "g^[1]'"),
    (Index(Marked(Name("a"), "(", one), (two,)), "a^{(1)}_2", "a^((1))_2", "a^(1)₂"),
    (Gradient(Marked(Name("z"), "[", one)), "dz^{[1]}", "d z^([1])", "dz^[1]"),
    (Transpose(Gradient(Marked(Name("z"), "[", one))), r"dz^{[1]\,T}", "d z^([1] thin T)", "dz^[1]ᵀ"),
    (Power(Primed(Name("f")), two), "(f')^2", "(f')^2", "f'^2"),
    (Tuple((one, two, Neg(two))), r"(1,\, 2,\, -2)", r"(1\, 2\, -2)", "(1, 2, -2)"),
    (Tuple((one, two), " ", square=True), r"[1\;\; 2]", "[1 med 2]", "[1 2]"),
    (Tuple((Number(Fraction(1, 2), "0.5"), two)), "(0{,}5; 2)", '(0","5\\; 2)', "(0,5; 2)"),
    (
        Indicator(equation(Name("z"), number(0), relation=">")),
        r"\mathbf{1}_{z > 0}", "upright(bold(1))_(z > 0)", "1[z > 0]",
    ),
    (Nabla(Name("calL"), Name("W")), r"\nabla_W \mathcal{L}", "nabla_W cal(L)", "∇_W ℒ"),
    (Chain((Omitted(), Name("x")), ("=",)), "{} = x", '"" = x', "= x"),
    (Product((Primed(Name("sigma")), Bracket(Name("z"))), ("",)), r"\sigma' (z)", "sigma' (z)", "σ'(z)"),
    (Product((Name("a"), Name("b")), ("otimes",)), r"a \otimes b", "a times.o b", "a ⊗ b"),
    (Index(Name("W"), (Name("j"), Name("i"))), "W_{ji}", "W_(j i)", "W[j,i]"),
    (Product((Space(()), Space(())), ("*",)), r"\mathbb{R} \times \mathbb{R}", "RR times RR", "ℝ * ℝ"),
    (Said("50 % de $x$"), r"\text{50 \% de \$x\$}", '"50 % de $x$"', "50 % de $x$"),
]  # fmt: skip


@pytest.mark.parametrize(("node", "latex", "typst", "text"), NODES)
def test_what_only_people_write_is_printed(node: Node, latex: str, typst: str, text: str) -> None:
    assert to_latex(node, HAND).strip() == latex
    assert to_typst(node, HAND).strip() == typst
    assert to_readable(node, HAND) == text


def test_a_transpose_and_a_prime_are_in_every_format() -> None:
    """What is lost in print would be read as something else."""
    for body in (Name("W"), Marked(Name("W"), "[", one), Index(Name("W"), (one,)), Primed(Name("W"))):
        for write in (to_latex, to_typst, to_plain, to_readable, to_mathml):
            bare = write(body, HAND)
            assert write(Transpose(body), HAND) != bare
            assert write(Primed(body), HAND) != bare


# --- MathML -----------------------------------------------------------------------------------


def parsed(node: Node, style: Style = HAND) -> ET.Element:
    return ET.fromstring(f"<math>{to_mathml(node, style)}</math>")


def test_mathml_is_sound_xml_and_every_sign_is_tagged() -> None:
    trees = [f.written for f in sample().findings if f.written is not None] + [row[0] for row in NODES]
    assert len(trees) > 20
    leaves = {"mi", "mn", "mo", "mtext"}
    for tree in trees:
        for element in parsed(tree).iter():
            if element.tag not in leaves:
                assert not (element.text or "").strip()
            assert not (element.tail or "").strip()


def test_fractions_and_indices_have_two_parts() -> None:
    counts = {"mfrac": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "munderover": 3}
    seen = set()
    for tree in [
        LABELLED,
        LONG,
        Sum("i", one, Name("n"), Index(Name("w"), (Name("i"),))),
        *(r[0] for r in NODES),
    ]:
        for element in parsed(tree).iter():
            if element.tag in counts:
                seen.add(element.tag)
                assert len(element) == counts[element.tag], element.tag
    assert seen == set(counts)


def test_words_in_mathml_are_text() -> None:
    element = parsed(Said(HOSTILE.replace("\x1b", "")))
    assert [child.tag for child in element] == ["mtext"]
    assert element[0].text == HOSTILE.replace("\x1b", "")


# --- text -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place", "room", "expected"),
    [
        ("dW = x dz", Span(5, 6), 40, ("dW = x dz", "     ^")),
        ("y\u0302 = 2 z", Span(5, 6), 40, ("y\u0302 = 2 z", "    ^")),
        ("\u03c3\u4e2d = z", Span(5, 6), 40, ("σ中 = z", "      ^")),
        ("a\n= b", Span(4, 5), 40, ("a = b", "    ^")),
        ("a = b", Span(5, 5), 40, ("a = b", "     ^")),
        ("a = b", Span(90, 99), 40, ("a = b", "     ^")),
        ("x" * 50, None, 30, ("x" * 29 + "…", "")),
        ("x\x1b[31m = 1", Span(8, 9), 40, ("x\ufffd[31m = 1", "        ^")),
    ],
)
def test_the_caret_stands_under_the_place(
    text: str, place: Span | None, room: int, expected: tuple[str, str]
) -> None:
    assert pointed(text, place, room) == expected


@pytest.mark.parametrize("start", range(0, 300, 7))
def test_a_long_line_is_cut_round_the_place(start: int) -> None:
    """What the caret points at is the place itself, wherever it is, and nothing is wider than the room."""
    text = "".join(
        chr(0x4E00 + i) if i % 5 == 0 else chr(97 + i % 26) + ("\u0302" if i % 3 else "") for i in range(200)
    )
    start = min(start, len(text) - 1)
    while unicodedata.combining(text[start]):
        start -= 1
    line, carets = pointed(text, Span(start, start + 1), 60)
    assert columns_of(line) <= 60
    column = len(carets) - len(carets.lstrip())
    at = next(i for i in range(len(line)) if columns_of(line[: i + 1]) > column)
    assert line[at] == text[start]


@LANGUAGES
def test_the_text_report(language: str) -> None:
    text = made(language).text
    lines = text.split("\n")
    words = load_words(language)
    assert lines[0].startswith("notes.md · ")
    assert "\x1b" not in text
    for verdict in VERDICTS:
        assert SHOWN[verdict].word.key in words.sentences
    wrong = next(i for i, line in enumerate(lines) if line.startswith("   87  ✗ "))
    at = lines[wrong + 1].index("^^")
    assert lines[wrong][at : at + 2] == "dz"
    reading = {"es": "Se lee: db = ∂L/∂b = dz", "en": "Read as: db = ∂L/∂b = dz"}[language]
    assert lines[wrong + 2].strip() == reading
    assert max(map(columns_of, lines)) <= 130


def test_the_text_of_one_finding_word_for_word() -> None:
    finding = Finding(
        line=3, column=1, verdict="wrong", text="dx = W dz", place=Span(5, 9),
        written=equation(Gradient(Name("x")), juxtaposed(Name("W"), Gradient(Name("z")))),
        reading=equation(Gradient(Name("x")), juxtaposed(Name("W"), Gradient(Name("z")))),
        mistakes=(Named(id="transpose_missing", about=Transpose(Name("W"))),),
        expected=equation(Gradient(Name("x")), juxtaposed(Transpose(Name("W")), Gradient(Name("z")))),
    )  # fmt: skip
    assert made("en", only(finding)).text == (
        "notes.md · exercise: neurona · 1 line\n"
        "\n"
        " 3  ✗ wrong  dx = W dz\n"
        "                  ^^^^\n"
        "             A transpose is missing: Wᵀ.\n"
        "             Expected: dx = Wᵀ dz\n"
        "\n"
        "1 wrong. The first mistake is in line 3.\n"
    )


def test_the_reading_of_a_plainly_right_line_is_told_only_where_it_differs() -> None:
    written = equation(Gradient(Name("W")), juxtaposed(Gradient(Name("z")), Transpose(Name("x"))))
    same = Finding(line=1, column=1, text="", verdict="correct", written=written, reading=written)
    other = Finding(
        line=1, column=1, text="", verdict="correct", written=written,
        reading=equation(Gradient(Name("W")), juxtaposed(Gradient(Name("yhat")), Transpose(Name("x")))),
    )  # fmt: skip
    typing = Finding(
        line=1, column=1, text="", verdict="definition", reading=Name("x"),
        written=Chain((Name("x"), Space((Name("n"),))), ("∈",)),
    )  # fmt: skip
    assert not says_reading(same)
    assert not says_reading(typing)
    assert says_reading(other)


def test_an_empty_derivation() -> None:
    nothing = Checked(source="empty.md", exercises=(load("neurona"),), findings=())
    assert "No formula was found." in made("en", nothing).text
    assert json.loads(made("en", nothing).json)["lines"] == []
    assert "0 " in made("es", nothing).text.split("\n")[0]


# --- JSON -------------------------------------------------------------------------------------


def test_the_contract() -> None:
    data = json.loads(made("es").json)
    assert list(data) == ["contract", "version", "source", "exercises", "language", "summary", "lines"]
    assert (data["contract"], data["version"], data["language"]) == ("symbackprop.check", 1, "es")
    assert data["exercises"] == ["neurona", "capa"]
    assert list(data["summary"]) == list(VERDICTS)
    assert sum(data["summary"].values()) == len(data["lines"]) == len(sample().findings)
    line = next(line for line in data["lines"] if line["line"] == 87)
    assert line == {
        "line": 87, "column": 3, "cell": None, "text": LABEL, "reading": "db = ∂L/∂b = dz",
        "verdict": "wrong",
        "mistake": ["sign", "factor_forgotten"],
        "reason": [
            "El rótulo dz no es lo que señala la llave, dŷ.", "Hay más de un error que lo explica:",
            "El signo es el contrario.", "Falta el factor xᵀ.",
        ],
        "expected": "db = dz", "place": {"start": PLACE.start, "end": PLACE.end} if PLACE else None,
        "detail": None,
    }  # fmt: skip
    assert LABEL[line["place"]["start"] : line["place"]["end"]] == "dz"


def test_the_verdicts_of_the_contract_are_english_in_every_language() -> None:
    one, other = (json.loads(made(language).json) for language in ("es", "en"))
    assert [line["verdict"] for line in one["lines"]] == [line["verdict"] for line in other["lines"]]
    assert one["summary"] == other["summary"]
    assert [line["reason"] for line in one["lines"]] != [line["reason"] for line in other["lines"]]


# --- pages ------------------------------------------------------------------------------------


@LANGUAGES
def test_the_web_page_needs_nothing_and_runs_nothing(language: str) -> None:
    page = made(language).html
    assert f'<html lang="{language}">' in page
    assert not re.search(r"<script|<link|<img|<iframe|javascript:|\son[a-z]+=|url\(|@import|https?:", page)
    body = page[page.index("<body>") : page.index("</body>") + 7]
    root = ET.fromstring(body)
    judged = [div for div in root.iter("div") if (div.get("class") or "").startswith("judged")]
    assert [div.get("class") for div in judged] == [
        f"judged {SHOWN[finding.verdict].mark}" for finding in sample().findings
    ]
    assert HOSTILE.replace("\x1b", "") in "".join(root.itertext())


@pytest.mark.parametrize("form", ["tex", "typ", "md", "html"])
@LANGUAGES
def test_hostile_text_is_escaped_in_every_format(language: str, form: str) -> None:
    output = made(language, sample(source=HOSTILE))
    text = output.voice.rendered(output.document, form)
    if form == "typ":  # strings of Typst's code hold what they hold
        text = re.sub(r'(\\.)|"(?:[^"\\]|\\.)*"', r"\1", text)
    dangerous = {"tex": r"\\input\{/", "typ": r"(?<!\\)#read", "md": "<script", "html": "<script"}[form]
    assert not re.search(dangerous, text)
    assert not re.search(r"(?<!\d)49(?!\d)", text)
    assert "\x1b" not in text


@LANGUAGES
def test_pdfs_are_made_by_typst(language: str) -> None:
    output = made(language)
    assert pdf.to_pdf(output.voice.rendered(output.document, "typ"), engine="typst").startswith(b"%PDF-")


@LANGUAGES
def test_pdfs_are_made_by_tex_and_nothing_sticks_out(language: str, pdflatex: str) -> None:
    output = made(language)
    typeset = pdf.typeset(output.voice.rendered(output.document, "tex"), engine="pdflatex")
    assert typeset.pdf.startswith(b"%PDF-")
    assert pdf.overfull_boxes(typeset.log, least=3.0) == []


def test_a_long_chain_breaks_at_its_relations_and_says_nothing_twice() -> None:
    lines = list(broken(LONG, lambda node: float(len(to_plain(node))), 60.0))
    assert len(lines) > 2
    members = [member for line in lines for member in children(line) if not isinstance(member, Omitted)]
    assert tuple(members) == LONG.members
    assert all(isinstance(line, Chain) and line.members[0] == Omitted() for line in lines[1:])


@pytest.mark.parametrize("wrong", [None, (0, 3), (650, 660), (100, 900), (5, 2), (990, 2000)])
def test_a_long_text_keeps_its_wrong_part(wrong: tuple[int, int] | None) -> None:
    text = "".join(chr(97 + place % 26) for place in range(1000))
    before, middle, after = shown(text, wrong)
    assert len(before) + len(middle) + len(after) <= 1210
    if wrong is not None and wrong[0] < wrong[1] <= 1000 and wrong[1] - wrong[0] < 600:
        assert middle == text[wrong[0] : wrong[1]]


def test_the_wrong_place_is_coloured_where_the_tree_has_it_exactly() -> None:
    assert r"\color{red} dz" in to_latex(marked(LABELLED, PLACE), HAND)
    assert marked(LABELLED, Span(0, 3)) == LABELLED
    assert marked(LABELLED, None) == LABELLED


# --- words ------------------------------------------------------------------------------------


@LANGUAGES
@pytest.mark.parametrize("row", MISTAKES, ids=lambda row: row.id)
def test_every_mistake_has_a_sentence_that_can_be_set(language: str, row: object) -> None:
    name: str = row.id  # type: ignore[attr-defined]  # a row of the table
    said = made(language).voice.text.text(mistaken(Named(id=name)))
    assert said
    assert "{" not in said


def test_every_verdict_is_shown() -> None:
    assert set(SHOWN) == set(VERDICTS)
    keys = {block.verdict.key for block in compose(sample()).blocks if isinstance(block, Judged)}
    assert keys == {shown.word.key for shown in SHOWN.values()}


# --- files and settings -----------------------------------------------------------------------


def test_only_the_name_of_a_file_is_told() -> None:
    checked = sample(source="/home/somebody/private/notes.md")
    for text in (made("en", checked).text, made("en", checked).json, made("en", checked).html):
        assert "somebody" not in text
        assert "notes.md" in text


def test_names_of_files() -> None:
    assert kinds_of("json, text,pdf") == ["text", "pdf", "json"]
    assert file_paths("a/b.c/notes.md", ["text", "pdf"], Path("out")) == {"pdf": Path("out/notes-check.pdf")}
    assert file_paths("-", ["md"], Path("out")) == {"md": Path("out/derivation-check.md")}


@pytest.mark.parametrize(
    "refuse",
    [lambda: kinds_of("docx"), lambda: settings_of({"dy": "z"}), lambda: settings_of({"colour": "red"})],
)
def test_unknown_kinds_and_settings_are_refused(refuse: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="it is one of"):
        refuse()


def test_the_sample_has_every_node_that_only_people_write() -> None:
    """Else the pages above would show less than they claim."""
    written = [finding.written for finding in sample().findings if finding.written is not None]
    kinds = {type(part) for tree in written for part in walk(tree)}
    assert {Primed, Tuple, Indicator, Marked, Nabla, Said, Omitted} <= kinds
    assert {finding.verdict for finding in sample().findings} == set(VERDICTS)
    assert any(isinstance(reason, Reason) for finding in sample().findings for reason in finding.reasons)
