"""Moodle's cloze: files read again by a scanner written after Moodle's rules, and marked as Moodle marks."""

import html as entities
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod

import pytest
from lxml import etree

from symbackprop.exams.exports import moodle
from symbackprop.exams.exports.html import decimal, grid, html, mathjax
from symbackprop.exams.exports.moodle_xml import cdata, grade
from symbackprop.exams.exports.pool import ExportError, Files, Numbers, PoolVariant
from tests.tricky_pool import (
    TRICKY,
    arrays_of,
    first,
    formula,
    fractions,
    tricky_pool,
    with_part,
    with_variants,
)

FILE = "parcial-moodle.xml"


# --- a reader of its own ------------------------------------------------------------------------------


@dataclass
class Answer:
    """One answer of a gap: what Moodle stores of it."""

    share: Fraction
    value: Fraction
    tolerance: Fraction
    feedback: str


@dataclass
class Gap:
    """One gap, with the weight in the question."""

    weight: int
    answers: list[Answer]

    def mark(self, typed: Fraction) -> Fraction:
        """The share that Moodle gives: that of the first answer within its tolerance."""
        return next((a.share for a in self.answers if abs(typed - a.value) <= a.tolerance), Fraction(0))


def split(text: str, sign: str) -> list[str]:
    """Text cut at a sign wherever no backslash stands before it."""
    pieces, piece = [], ""
    for place, char in enumerate(text):
        if char == sign and text[place - 1 : place] != "\\":
            pieces.append(piece)
            piece = ""
        else:
            piece += char
    return [*pieces, piece]


def answer(text: str) -> Answer:
    """`%50%0.75:0.0005#said`: feedback has one layer of entities, then its backslashes taken away."""
    share = Fraction(0)
    if text.startswith("="):
        share, text = Fraction(1), text[1:]
    elif text.startswith("%"):
        _, percent, text = text.split("%", 2)
        share = Fraction(int(percent), 100)
    number, _, said = text.partition("#")
    value, tolerance = number.split(":")
    said = entities.unescape(said).replace("\\}", "}").replace("\\#", "#")
    return Answer(share, Fraction(value), Fraction(tolerance), said)


def gaps(text: str) -> Iterator[Gap]:
    """The gaps of a question's text, found sign by sign."""
    place = 0
    while match := re.compile(r"\{(\d+):NUMERICAL:").search(text, place):
        end = match.end()
        while text[end] != "}" or text[end - 1] == "\\":
            end += 1
        yield Gap(int(match.group(1)), [answer(piece) for piece in split(text[match.end() : end], "~")])
        place = end + 1


def questions(files: Files) -> list[etree._Element]:
    """The questions without the categories."""
    return [q for q in etree.fromstring(files[FILE]) if q.get("type") != "category"]


def text_of(question: etree._Element) -> str:
    """The text of a question."""
    return str(question.findtext("questiontext/text"))


CLOZES = [(place, variant) for place, variant in enumerate(tricky_pool().questions[0].variants)]
EACH_VARIANT = pytest.mark.parametrize(("place", "variant"), CLOZES, ids=["v01", "v02"])


def gaps_of(place: int) -> list[Gap]:
    """The gaps of the cloze of a variant."""
    found = [q for q in questions(moodle.export(tricky_pool())) if q.get("type") == "cloze"]
    return list(gaps(text_of(found[place])))


def cells(variant: PoolVariant) -> list[tuple[Numbers, int]]:
    """All cells of a variant, as (part, offset)."""
    return [(part, offset) for part in arrays_of(variant) for offset in range(len(part.cells))]


# --- what is written ----------------------------------------------------------------------------------


@EACH_VARIANT
def test_each_cell_has_its_key_and_no_other_number_earns_all(place: int, variant: PoolVariant) -> None:
    found, asked = gaps_of(place), cells(variant)
    assert len(found) == len(asked)
    for gap, (part, offset) in zip(found, asked, strict=True):
        key = part.cells[offset].key
        assert [a.value for a in gap.answers if a.share == 1] == [key]
        assert gap.mark(key) == 1
        assert gap.answers[0].tolerance == (0 if key.denominator == 1 else gap.answers[0].tolerance)
        assert gap.mark(key + Fraction(1, 1000)) < 1


@EACH_VARIANT
def test_weights_are_points_in_proportion(place: int, variant: PoolVariant) -> None:
    found, asked = gaps_of(place), cells(variant)
    ratios = {
        gap.weight / part.cells[offset].points
        for gap, (part, offset) in zip(found, asked, strict=True)
        if not part.cells[offset].forced
    }
    assert len(ratios) == 1
    forced = [gap for gap, (part, offset) in zip(found, asked, strict=True) if part.cells[offset].forced]
    assert [(gap.weight, len(gap.answers), gap.answers[0].value) for gap in forced] == [(0, 1, 0)] * len(
        forced
    )
    assert len(forced) == (0, 3)[place]


@EACH_VARIANT
def test_a_mistake_earns_its_credit_and_is_named(place: int, variant: PoolVariant) -> None:
    """A value that two mistakes give earns the greater credit; a 0 earns nothing; 1/3 cannot be typed."""
    for gap, (part, offset) in zip(gaps_of(place), cells(variant), strict=True):
        key = part.cells[offset].key
        best: dict[Fraction, Fraction] = {}
        for guess in part.guesses:
            if guess.shape == part.shape and not part.cells[offset].forced:
                value = guess.entries[offset]
                if value not in (0, key) and value != Fraction(1, 3):
                    best[value] = max(best.get(value, Fraction(0)), guess.credit)
        assert {a.value: a.share for a in gap.answers[1:]} == {
            value: Fraction(round(credit * 100), 100) for value, credit in best.items()
        }
        assert gap.mark(Fraction(0)) == (1 if key == 0 else 0)
        said = {html(guess.feedback, mathjax) for guess in part.guesses}
        assert {a.feedback for a in gap.answers[1:]} <= said
        assert gap.answers[0].feedback == ""


def test_tolerances_never_overlap() -> None:
    """0.75 is the key and 0.7506 a mistake: half of the third decimal would take one for the other."""
    (gap,) = [gap for gap in gaps_of(0) if any(a.value == Fraction("0.7506") for a in gap.answers)]
    assert gap.mark(Fraction("0.7506")) == Fraction(3, 4)
    assert gap.mark(Fraction("0.7503")) == 0
    sizes = {a.tolerance for gap in gaps_of(0) for a in gap.answers}
    assert {Fraction(0), Fraction(1, 2000)} < sizes
    assert max(sizes) == Fraction(1, 2000)


def test_text_of_a_person_is_text() -> None:
    """No gap, block, tag or formula comes of what stands in words."""
    for question in questions(moodle.export(tricky_pool())):
        text = text_of(question)
        page = etree.HTML(text.split('<div class="part-')[0])
        assert "".join(page.find("body/p").itertext()) == TRICKY
        assert "{1:NUMERICAL:=9}" not in text
        assert "\\<" not in text.replace("\\</span>", "")
    assert ", no fracciones" in text_of(questions(moodle.export(tricky_pool()))[0])


def test_a_formula_never_looks_like_a_gap() -> None:
    odd = replace(first(), text=((formula(r"x^{2:1} y^{#1} z^{ab}"),),))
    (cloze, *_) = questions(moodle.export(with_variants(tricky_pool(), odd)))
    moodle.lint(moodle.export(with_variants(tricky_pool(), odd)))
    assert "{2:1}" not in text_of(cloze)
    assert "{#1}" not in text_of(cloze)
    shown = "".join(etree.HTML(text_of(cloze)).find("body/p").itertext())
    assert shown == r"\(x^{ 2:1} y^{ #1} z^{ab}\)"


def test_choices_and_essays_are_questions_of_their_own() -> None:
    """A derivation in general is the same for all numbers: there is one essay."""
    found = questions(moodle.export(tricky_pool()))
    assert [(q.get("type"), q.findtext("name/text")) for q in found] == [
        ("cloze", "parcial q1 v01"), ("multichoice", "parcial q1 v01 mistake"),
        ("essay", "parcial q1 v01 derive"), ("cloze", "parcial q1 v02"),
        ("multichoice", "parcial q1 v02 mistake"),
    ]  # fmt: skip
    choice, essay = found[1], found[2]
    assert [a.get("fraction") for a in choice.findall("answer")] == ["0", "100", "0"]
    assert [a.findtext("text") for a in choice.findall("answer")][:2] == [
        r"línea 1 &amp; \(z = Wx\)",
        "línea 2 &lt; 3 ",
    ]
    assert choice.findtext("answer/feedback/text") == "No: ]]&gt;"
    assert choice.findtext("defaultgrade") == "0.3333333"
    assert r"<p>1. \(a &amp; b\)</p><p>2. &#123;x&#125;</p>" in text_of(choice)
    assert essay.findtext("graderinfo/text") == r"<p>Solución \(dW = dz\,x^\top\)</p><p>2 puntos ]]&gt;</p>"
    assert essay.findtext("defaultgrade") == "1.5000000"
    assert [q.findtext("defaultgrade") for q in found if q.get("type") == "cloze"] == ["8.5000000"] * 2


@pytest.mark.parametrize("text", ["]]>", "a]]>]]>b", "]]]]>", "<![CDATA[x]]>"])
def test_any_text_fits_into_cdata(text: str) -> None:
    assert etree.fromstring(f"<t>{cdata(text)}</t>").text == text


def test_the_category_is_exam_and_question() -> None:
    root = etree.fromstring(moodle.export(tricky_pool())[FILE])
    assert root[0].findtext("category/text") == "$course$/top/parcial/q1"


def test_keys_come_back() -> None:
    files = moodle.export(tricky_pool())
    moodle.lint(files)
    assert [(key.question, key.variant, key.slug, key.keys) for key in moodle.read_back(files)] == [
        ("q1", variant.name, part.slug, tuple(cell.key for cell in part.cells))
        for variant in tricky_pool().questions[0].variants
        for part in arrays_of(variant)
    ]
    assert files == moodle.export(tricky_pool())


# --- what is refused ----------------------------------------------------------------------------------


def test_a_key_that_never_ends_goes_to_stack() -> None:
    part = arrays_of(first())[-1]
    bad = replace(part, cells=(replace(part.cells[0], key=Fraction(1, 3)),))
    with pytest.raises(ExportError, match=r"v01, L: the key 1/3 .* stack"):
        moodle.export(with_variants(tricky_pool(), with_part(first(), "L", bad)))


def test_a_question_without_points_is_refused() -> None:
    part = arrays_of(first())[-1]
    bad = replace(part, cells=(replace(part.cells[0], points=Fraction(0)),))
    with pytest.raises(ExportError, match="no cell gives points"):
        moodle.export(with_variants(tricky_pool(), replace(first(), parts=(bad,))))


def test_a_control_sign_is_refused() -> None:
    with pytest.raises(ExportError, match=r"U\+0007"):
        moodle.export(with_variants(tricky_pool(), replace(first(), text=(("\a",),))))


FAULTS = [
    ("=0.75:", "=3/4:", "no integer or decimal"),
    ("=0.375:", "=0,375:", "no integer or decimal"),
    ("=0.375:0.0005", "=0.375", "no integer or decimal"),
    ("\\}", "}", "braces do not balance"),
    ("\\#", "#", "must be written"),
    ("~%75%0.7506:", "~=0.7506:", "no other, must be the key"),
    ("~%75%0.7506:0.00005", "~%75%0.7506:0.001", "within their tolerances"),
    ("%75%", "%175%", "not between 0 and 100"),
    ("{2:NUMERICAL:=-2.5", "{2:NUMERICAL=-2.5", "looks like a gap"),
    ("{2:NUMERICAL:=-2.5", "{2:SHORTANSWER:=-2.5", "no NUMERICAL gap"),
    ("parcial q1 v02]]", "parcial q1 v01]]", "twice the same name"),
    ('fraction="100"', 'fraction="50"', "one must be 100"),
    ('type="essay"', 'type="esay"', "none of"),
    ("<quiz>", "<!DOCTYPE quiz [<!ENTITY e 'x'>]><quiz>", "has a document type"),
    ("</quiz>", "", "is not well-formed"),
]


@pytest.mark.parametrize(("right", "wrong", "said"), FAULTS, ids=[wrong[:20] for _, wrong, _ in FAULTS])
def test_the_linter_refuses(right: str, wrong: str, said: str) -> None:
    files = moodle.export(tricky_pool())
    whole = files[FILE].decode()
    assert right in whole
    with pytest.raises(ExportError, match=said):
        moodle.lint({FILE: whole.replace(right, wrong).encode()})


# --- HTML ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [("-3/8", "-0.375"), ("7", "7"), ("-12", "-12"), ("1/3", None), ("-1/7", None), ("1/16", "0.0625")],
)
def test_decimals(value: str, text: str | None) -> None:
    assert decimal(Fraction(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("2/3", "0.6666667"), ("-1/3", "-0.3333333"), ("12", "12.0000000"), ("1/20", "0.0500000")],
)
def test_points_are_rounded(value: str, text: str) -> None:
    assert grade(Fraction(value)) == text


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (1, 1)])
def test_a_grid_has_the_shape(shape: tuple[int, ...]) -> None:
    names = [f"c{place}" for place in range(prod(shape))]
    table = etree.HTML(f"<p>{grid(shape, names)}</p>")
    rows = [[cell.text for cell in line.findall("td")] for line in table.iter("tr")]
    wide = (*shape, 1)[1] if shape else 0
    assert rows == ([names[i : i + wide] for i in range(0, len(names), wide)] if shape else [])
    assert "".join(table.itertext()) == "".join(names)


def test_a_grid_that_is_not_filled_is_refused() -> None:
    for shape in ((2, 2), (1, 3, 1)):
        with pytest.raises(ValueError, match="do not fill"):
            grid(shape, ["1", "2", "3"])


def test_html_keeps_text_and_formulas_apart() -> None:
    shown = html(("a \\(b\\) $$", formula("x<1"), " {c} \\"), mathjax)
    assert "\\(x&lt;1\\)" in shown
    assert "".join(etree.HTML(shown).itertext()) == "a \\(b\\) $$\\(x<1\\) {c} \\"
    assert shown.count("\\(") == 1
    assert fractions("1/2") == (Fraction(1, 2),)
