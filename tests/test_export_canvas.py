"""The export to Canvas: the packages are read with another XML reader, item by item, as Canvas reads them."""

import io
import re
import zipfile
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import lxml.html
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.exams.exports import canvas
from symbackprop.exams.exports.pool import Choice, ExportError, Numbers, Pool
from tests.hand_pool import (
    ENDLESS,
    FIRST,
    SECOND,
    SENTENCES,
    TRICKY,
    W,
    cells,
    formula,
    keys_of,
    numbers,
    pool,
)

ONE, TWO = "parcial-1-canvas-001.zip", "parcial-1-canvas-002.zip"
Q = "{http://www.imsglobal.org/xsd/ims_qtiasiv1p2}"
META = "{http://canvas.instructure.com/xsd/cccv1p0}"


def opened(content: bytes) -> dict[str, bytes]:
    """The files of a package, the long folder left out."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        found = {name: packed.read(name) for name in packed.namelist()}
    short = {"imsmanifest.xml": "imsmanifest.xml"}
    return {
        short.get(n) or ("meta" if n.endswith("meta.xml") else "items"): text for n, text in found.items()
    }


def items(name: str = ONE, made: Pool | None = None) -> dict[str, Any]:
    """The items of a quiz by their titles."""
    root = ElementTree.fromstring(opened(canvas.export(made or pool())[name])["items"])
    return {str(one.get("title")): one for one in root.iter(f"{Q}item")}


def shown(item: Any, at: int = 0) -> lxml.html.HtmlElement:
    """The HTML of a text of an item: 0 is what is asked."""
    texts = [one.text or "" for one in item.iter(f"{Q}mattext")]
    return lxml.html.fragment_fromstring(texts[at], create_parent="div")


def field(item: Any, label: str) -> str:
    """An entry of an item's metadata."""
    return next(
        str(one.findtext(f"{Q}fieldentry"))
        for one in item.iter(f"{Q}qtimetadatafield")
        if one.findtext(f"{Q}fieldlabel") == label
    )


def takes(item: Any, answer: Fraction) -> bool:
    """Whether Canvas gives the points for an answer: equal, or within the bounds."""
    low, exact, high = (
        Fraction(str(next(item.iter(f"{Q}{tag}")).text)) for tag in ("vargte", "varequal", "varlte")
    )
    return answer == exact or low <= answer <= high


@pytest.mark.parametrize(("name", "variant"), [(ONE, FIRST), (TWO, SECOND)])
def test_each_cell_that_may_be_wrong_is_an_item(name: str, variant: Any) -> None:
    found = items(name)
    asked = {
        f"capa/{variant.name}/{part.slug}/{at + 1}": cell
        for part in variant.parts
        if isinstance(part, Numbers)
        for at, cell in enumerate(part.cells)
        if not cell.forced
    }
    assert [title for title in found if re.fullmatch(r"capa/.*/\d+", title)] == list(asked)
    for title, cell in asked.items():
        item = found[title]
        assert field(item, "question_type") == "numerical_question"
        assert takes(item, cell.key)
        assert not takes(item, cell.key + Fraction(6, 10000))
        assert not takes(item, -cell.key + Fraction(1, 100))
        assert takes(item, cell.key + Fraction(1, 2000)) == (cell.key.denominator > 1 or cell.key == 0)
        assert Fraction(field(item, "points_possible")) == cell.points


def test_quizzes_have_the_points_of_the_exam() -> None:
    for content in canvas.export(pool()).values():
        meta = ElementTree.fromstring(opened(content)["meta"])
        assert meta.findtext(f"{META}points_possible") == "10.5"


def test_points_that_are_no_halves_are_multiplied() -> None:
    """Two points among three cells: everything three times."""
    part = next(part for part in FIRST.parts if part.slug == "dW")
    assert isinstance(part, Numbers)
    thirds = replace(
        part, cells=tuple(replace(one, points=one.points * 2 / 3) for one in part.cells), follow=None
    )
    made = pool(replace(FIRST, parts=(thirds,)))
    found = items(made=made)
    assert [field(found[f"capa/v1/dW/{at}"], "points_possible") for at in (1, 2, 3)] == ["2", "2", "2"]
    assert field(found["corta/only/z/1"], "points_possible") == "1.5"
    meta = ElementTree.fromstring(opened(canvas.export(made)[ONE])["meta"])
    assert meta.findtext(f"{META}title") == "Parcial <1> & más · 1 (×3)"


def test_texts_are_shown_as_written() -> None:
    found = items()
    given = shown(found['parcial-1 1.1 · Una "capa" & más'])
    assert TRICKY in given.text_content()
    assert SENTENCES["no_fractions"] in given.text_content()
    assert TRICKY in shown(found["capa/v1/dW/2"]).text_content()
    assert {one.tag for one in given.iter()} <= {"div", "p", "img", "span"}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.sampled_from("ab1 .)(*_`$\\\\#>+-=!~[]{}:|<&;'\"ñ%^@/"), min_size=1), min_size=1))
def test_no_text_is_read_as_markdown(lines: list[str]) -> None:
    words = tuple((line,) for line in lines)
    made = pool(replace(FIRST, parts=(numbers("z", (), cells([3], 1)),), text=words))
    canvas.lint(canvas.export(made))
    found = shown(items(made=made)['parcial-1 1.1 · Una "capa" & más'])
    texts = [one.text_content().replace("\xa0", " ").strip() for one in found.iter("p")]
    assert texts[:-1] == [re.sub(" +", " ", line).strip() for line in lines]


def test_formulas_are_whole() -> None:
    """As Canvas keeps them for its editor, and in the address of their image."""
    for item in items().values():
        for image in shown(item).iter("img"):
            latex = image.get("data-equation-content")
            address = image.get("src").removeprefix("/equation_images/").removesuffix("?scale=1")
            assert unquote(address) == latex
    first = next(iter(shown(items()["capa/v1/derive"]).iter("img")))
    assert first.get("data-equation-content").replace(" ", "") == W.latex.replace(" ", "")


@pytest.mark.parametrize(
    "latex",
    [
        r"\sqrt[3]{x}", r"\sigma'[z](x)", r"a[i][j]", r"\{ x_1, y_2 \}", r"\| W \|^2 \! \,", r"a < b > c & d",
        r"x^* y^* _a", r"[a]: b", r"1 \\ 2 \\[2pt] 3", r"![a](b)", r"\text{\$} 5", "a\nb", r"f''", r"-- ...",
        r"\begin{bmatrix} -4 & 8 \\ 0 & 0 \end{bmatrix}", r"**x**", r"<!-- x -->", r"http://x.y/z",
    ],
)  # fmt: skip
def test_no_sign_of_a_formula_is_read_as_markdown(latex: str) -> None:
    words = (formula(latex, "x"), formula(latex, "x"), " 5", formula(latex, "x"))
    made = pool(replace(FIRST, parts=(numbers("z", (), cells([3], 1)),), text=(words,)))
    canvas.lint(canvas.export(made))
    images = list(shown(items(made=made)['parcial-1 1.1 · Una "capa" & más']).iter("img"))
    assert len(images) == 3
    for image in images:
        assert image.get("data-equation-content").replace(" ", "") == re.sub(r"\s", "", latex)


def test_backticks_in_a_formula_are_refused() -> None:
    made = pool(replace(FIRST, text=((formula("`x`", "x"),),)))
    with pytest.raises(ExportError, match="backticks"):
        canvas.export(made)


def test_entries_are_named_by_row_and_column() -> None:
    found = items()
    names = {
        title: [one.get("data-equation-content") for one in shown(found[title]).iter("img")][-1]
        for title in ("capa/v1/dW/3", "capa/v1/dz/2", "capa/v1/loss/1")
    }
    assert names == {
        "capa/v1/dW/3": r"\left[ \frac{\partial L}{\partial dW} \right]_{1,3}",
        "capa/v1/dz/2": r"\left[ \frac{\partial L}{\partial dz} \right]_{2}",
        "capa/v1/loss/1": r"\frac{\partial L}{\partial loss}",
    }


def test_feedback_names_the_mistakes() -> None:
    """dW_{1,1} = -4: with the sign wrong 4, twice as large -8; in Spanish with a comma where there is one."""
    item = items()["capa/v1/dW/1"]
    assert shown(item, 1).text_content() == SENTENCES["right"]
    said = shown(item, 2).text_content()
    assert said.startswith(SENTENCES["wrong"])
    assert "4: ¿sign? <b> & } # ~ ]]> $" in said
    assert "-8: ¿factor?" in said
    assert "-1,25: ¿factor?" in shown(items(TWO)["capa/v2/dW/1"], 2).text_content()


def test_choices_have_one_right_option() -> None:
    item = items()["capa/v1/mistake"]
    assert field(item, "question_type") == "multiple_choice_question"
    options = list(item.iter(f"{Q}response_label"))
    texts = [shown(one).text_content() for one in options]
    assert texts == ["En (1) ", "En (2) <b>", "$ ninguno $"]
    rights = [
        one.findtext(f"{Q}conditionvar/{Q}varequal")
        for one in item.iter(f"{Q}respcondition")
        if one.find(f"{Q}setvar") is not None
    ]
    assert rights == [options[1].get("ident")]
    assert "(2) & <i>" in shown(item).text_content()


def test_essays_show_no_solution() -> None:
    files = canvas.export(pool())
    assert field(items()["capa/v1/derive"], "question_type") == "essay_question"
    for content in files.values():
        for text in opened(content).values():
            assert "cadena" not in text.decode()
            assert "luego" not in text.decode()


def test_no_quiz_takes_the_place_of_another() -> None:
    """All identifiers differ between quizzes, although their questions are worded alike."""
    seen: list[str] = []
    for name in (ONE, TWO):
        root = ElementTree.fromstring(opened(canvas.export(pool())[name])["items"])
        seen += [str(one.get("ident")) for one in root.iter() if one.tag in (f"{Q}item", f"{Q}assessment")]
    assert len(set(seen)) == len(seen)


def test_the_same_pool_makes_the_same_bytes() -> None:
    files = canvas.export(pool())
    assert files == canvas.export(pool())
    for content in files.values():
        assert str(date.today()).encode() not in content
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            assert {one.date_time[0] for one in packed.infolist()} == {1980}


def test_keys_read_back_are_the_pools() -> None:
    """Those that are asked; a question with fewer variants comes again, with the same keys."""
    made = pool()
    files = canvas.export(made)
    canvas.lint(files)
    found = [((one.question, one.variant, one.slug), one.keys) for one in canvas.read_back(files)]
    assert dict(found) == keys_of(made, forced=False)
    assert [name for name, _ in found].count(("corta", "only", "z")) == 2


def test_keys_that_canvas_cannot_compare_are_refused() -> None:
    with pytest.raises(ExportError, match=r"capa/v3/z/1.*-2/3.*STACK or PrairieLearn"):
        canvas.export(pool(FIRST, ENDLESS))
    fine = replace(FIRST, parts=(numbers("z", (), cells(["0.03125"], 1)),))
    with pytest.raises(ExportError, match="four decimals"):
        canvas.export(pool(fine))
    tiny = replace(FIRST, parts=(numbers("z", (), cells(["0.0005"], 1)),))
    with pytest.raises(ExportError, match="text2qti"):
        canvas.export(pool(tiny))


def test_two_equal_options_are_refused() -> None:
    choice = next(part for part in FIRST.parts if isinstance(part, Choice))
    with pytest.raises(ExportError, match="Duplicate choice"):
        canvas.export(pool(replace(FIRST, parts=(replace(choice, options=(choice.options[1],) * 2),))))


# --- the linter -----------------------------------------------------------------------------

DAMAGE = [
    (">-5</varequal>", ">-1/5</varequal>", "'-1/5' is no finite decimal"),
    (">-0.5000</varequal>", ">-0,5</varequal>", "'-0,5' is no finite decimal"),
    (">-5</varlte>", ">5</varlte>", "not within"),
    (">-5</varlte>", ">1e3</varlte>", "no finite decimal"),
    ('<setvar action="Set" varname="SCORE">100', '<setvar action="Set" varname="SCORE">50', "all its points"),
    ("numerical_question", "calculated_question", "calculated_question"),
    ('title="capa/v1/z/1"', 'title="capa/v1/z"', "which"),
    ('title="capa/v1/z/1"', 'title="capa/v1/z/2"', "two items"),
    ("<fieldentry>0.5<", "<fieldentry>0.25<", "points"),
    ("<fieldentry>0.5<", "<fieldentry>0<", "no points"),
    ("src=\"/equation_images/", "src=\"file:/", "no formula"),
    ("data-equation-content=\"", "data-equation-content=\"x", "not whole"),
    ("&amp;#36;5", "$5", "not read as one"),
    ("&lt;p&gt;", "&lt;script&gt;", "script"),
    ("</item>", "", "not well-formed"),
]  # fmt: skip


def repacked(name: str, old: str, new: str) -> dict[str, bytes]:
    """The packages, with a text of one replaced once."""
    files = dict(canvas.export(pool()))
    stream = io.BytesIO()
    done = False
    with zipfile.ZipFile(io.BytesIO(files[name])) as packed, zipfile.ZipFile(stream, "w") as again:
        for path in packed.namelist():
            text = packed.read(path).decode()
            done = done or old in text
            again.writestr(path, text.replace(old, new, 1))
    assert done
    return files | {name: stream.getvalue()}


@pytest.mark.parametrize(("old", "new", "says"), DAMAGE)
def test_lint_refuses_damaged_quizzes(old: str, new: str, says: str) -> None:
    with pytest.raises(ExportError, match=says):
        canvas.lint(repacked(ONE, old, new))


def test_lint_refuses_quizzes_that_take_each_others_place() -> None:
    files = canvas.export(pool())
    with pytest.raises(ExportError, match="place"):
        canvas.lint({ONE: files[ONE], TWO: files[ONE]})


def test_lint_refuses_a_choice_whose_right_option_is_not_there() -> None:
    options = [one.get("ident") for one in items()["capa/v1/mistake"].iter(f"{Q}response_label")]
    right = f">{options[1]}</varequal>\n            </conditionvar>\n            <setvar"
    with pytest.raises(ExportError, match="exactly one"):
        canvas.lint(repacked(ONE, right, right.replace(str(options[1]), "none")))
    with pytest.raises(ExportError, match="exactly one"):
        canvas.lint(repacked(ONE, f'ident="{options[1]}"', 'ident="x"'))
