"""From documents to text: words, escapes, breaks, templates, and their limits."""

import re
import time
import tomllib
from fractions import Fraction
from pathlib import Path

import pytest
from conftest import SENTENCES, everything, fan, graph, wide_chain

from symbackprop.notation.tree import (
    Box,
    Chain,
    Matrix,
    Name,
    Neg,
    Node,
    Number,
    Row,
    Word,
    equation,
    juxtaposed,
    number,
    plus,
)
from symbackprop.report import places, templating
from symbackprop.report.document import (
    Code,
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
from symbackprop.report.escape import (
    latex_text,
    markdown_text,
    printable,
    shortened,
    typst_string,
    typst_text,
)
from symbackprop.report.layout import ROOM, placed
from symbackprop.report.measure import width
from symbackprop.report.picture import laid_out
from symbackprop.report.render import FORMATS, TemplateError, render
from symbackprop.report.words import WordsError, differences, languages, load_words, read_sentence

HOSTILE = (
    r"\input{/etc/passwd}", '#read("/etc/passwd")', "$x$", "a_b^c", "<script>alert(1)</script>",
    "{{ 7*7 }}", "<< 7*7 >>", "<% for x in y %>", "100 %", "\U0001f600", "\u202eabc\u2066", "--- -- -",
    "*bold* _it_ `code`", "= heading", "- item", "1. item", "\\", "~tilde~", '"quotes"', "http://a.b/c?d=e&f",
    "@preview/cetz:0.3.1", "// comment", "/* comment */", "^^M", "?`!`", "𝓛 中文 ﷽", "a\tb\nc\x00d",
)  # fmt: skip


def said(text: str, **more: object) -> Document:
    """A document whose title and paragraph are somebody's text."""
    return Document(
        title=Text("test.said", {"text": text}),
        subtitle=Literally({"es": text, "en": text}),
        blocks=(Paragraph(sentences=(Text("test.said", {"text": text}),)),),
    )


# --- words ----------------------------------------------------------------------------


def test_every_language_says_everything() -> None:
    codes = languages()
    assert {"en", "es"} <= set(codes)
    first, *others = map(load_words, codes)
    for other in others:
        assert differences(first, other) == []


def test_differences_are_found(test_words: Path) -> None:
    file = test_words / "words" / "en.toml"
    whole = file.read_text("utf-8")
    try:
        file.write_text(
            whole.replace('"test.title"', '"test.titles"').replace("through {yhat}:", "through {y}:")
        )
        from symbackprop.report import words

        words._load.cache_clear()
        found = differences(load_words("es"), load_words("en"))
    finally:
        file.write_text(whole)
    assert any("en lacks 'test.title'" in line for line in found)
    assert any("es lacks 'test.titles'" in line for line in found)
    assert any("'test.only': places differ" in line for line in found)


@pytest.mark.parametrize(
    "text", ["{", "}", "{a b}", "{}", "{a", "**a", "**a ^^b** c^^", "{a.b}", "{a!r}", "{0}"]
)
def test_a_sentence_at_fault(text: str) -> None:
    with pytest.raises(WordsError):
        read_sentence(text)


def test_braces_are_doubled() -> None:
    (only,) = read_sentence("a {{b}} c")
    assert only.value == "a {b} c"


@pytest.mark.parametrize(
    ("language", "parts", "expected"),
    [
        ("es", ("W", "b", "x"), "$W$, $b$ y $x$"),
        ("es", ("W", "i"), "$W$ e $i$"),
        ("es", ("x", "y"), "$x$ e $y$"),
        ("es", ("x",), "$x$"),
        ("es", (), ""),
        ("en", ("W", "b", "x"), "$W$, $b$ and $x$"),
        ("en", ("W", "i"), "$W$ and $i$"),
    ],
)  # fmt: skip
def test_lists(test_words: Path, language: str, parts: tuple[str, ...], expected: str) -> None:
    text = render(_said_part(tuple(map(Name, parts))), format="md", language=language)
    assert text.rstrip().endswith(expected)


@pytest.mark.parametrize(
    ("last", "word"), [("hinge", "e"), ("hielo", "y"), ("infierno", "e"), ("agua", "y"), ("yeso", "y")]
)
def test_y_becomes_e_before_an_i(test_words: Path, last: str, word: str) -> None:
    text = render(_said_part(("uno", last)), format="md", language="es")
    assert text.rstrip().endswith(f"uno {word} {last}")


def _said_part(part: object) -> Document:
    block = Paragraph(sentences=(Text("test.said", {"text": part}),))  # type: ignore[dict-item]
    return Document(title=Text("test.title"), subtitle=Literally({}), blocks=(block,))


def test_counts_choose_the_form(test_words: Path) -> None:
    def text(count: int) -> str:
        block = Paragraph(sentences=(Text("test.agree", {"count": count}),))
        document = Document(title=Text("test.title"), subtitle=Literally({}), blocks=(block,))
        return render(document, format="md", language="en").rstrip().rpartition("\n")[2]

    assert text(1) == "1 agrees"
    assert text(2) == "2 of 2 agree"


def test_missing_words_are_named(test_words: Path) -> None:
    block = Paragraph(sentences=(Text("test.onli"),))
    document = Document(title=Text("test.title"), subtitle=Literally({}), blocks=(block,))
    with pytest.raises(WordsError, match=r"es\.toml has no sentence 'test\.onli'.*'test\.only'"):
        render(document, format="md", language="es")
    empty = Document(title=Text("test.only"), subtitle=Literally({}), blocks=())
    with pytest.raises(WordsError, match=r"nothing fills the place \{L\}"):
        render(empty, format="md", language="es")
    lost = Document(title=Text("test.seek", {"L": Name("L"), "names": ()}), subtitle=Literally({}), blocks=())
    with pytest.raises(WordsError, match="no section labelled 'levels'"):
        render(lost, format="md", language="es")
    with pytest.raises(WordsError, match=r"known are .*en, es"):
        render(empty, format="md", language="xx")


def test_an_exercise_may_say_it_otherwise(test_words: Path) -> None:
    own = {"test.sign": "Como {less}, conviene **subir** {yhat}."}
    text = render(everything(), format="tex", language="es", words=own)
    assert r"Como $d\hat y < 0$, conviene \textbf{subir} $\hat y$." in text
    with pytest.raises(WordsError, match=r"'test\.sing'.*no such sentence.*'test\.sign'"):
        render(everything(), format="tex", language="es", words={"test.sing": "x"})
    with pytest.raises(
        WordsError, match=r"no place \{wrong\}; its places: \{from\}, \{less\}, \{to\}, \{yhat\}"
    ):
        render(everything(), format="tex", language="es", words={"test.sign": "{wrong}"})
    with pytest.raises(WordsError, match="one line"):
        render(everything(), format="tex", language="es", words={"test.sign": " "})


def test_broken_language_files(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    file = tmp_path / "words" / "xx.toml"
    good = (places.templates_folder() / "words" / "en.toml").read_text("utf-8")
    for broken, message in (
        ("[language", "xx.toml"),
        ("", r"\[language\] is missing"),
        (good.replace('decimal_mark = "."', ""), "lacks decimal_mark"),
        (good + "\nloose = { a = 1 }", "sentence is needed"),
        (good + '\n[more]\na = "x {"', "no place"),
        (good + '\n[more]\na.b = "x"', "needs quotes"),
        (good + "\n[more]\na = 3", "sentence is needed"),
        (good + '\n[more]\na = "x"\n[less]\na = "y"', "another section"),
    ):
        from symbackprop.report import words

        words._load.cache_clear()
        file.write_text(broken)
        with pytest.raises(WordsError, match=message):
            load_words("xx", tmp_path)


# --- escapes --------------------------------------------------------------------------


def test_characters_the_fonts_lack_are_named_and_controls_go() -> None:
    assert printable("a\U0001f600b") == "a[U+1F600]b"
    assert printable("x\u202ey\u200bz\x1b[0m") == "xyz[0m"
    assert printable("a\tb\nc\u2003d") == "a b c d"
    assert printable("n\u0303 e\u0301") == "ñ é"
    assert printable("«Ñandú», ŷ ∂ ≤ 中") == "«Ñandú», ŷ ∂ ≤ [U+4E2D]"


@pytest.mark.parametrize(
    ("text", "latex", "typst", "markdown"),
    [
        ("50 % & #1", r"50 \% \& \#1", r"50 % & \#1", "50 % &amp; #1"),
        ("a_b^c~d", r"a\_b\textasciicircum{}c\textasciitilde{}d", r"a\_b^c\~d", r"a\_b^c\~d"),
        (r"\x{y}$z$", r"\textbackslash{}x\{y\}\$z\$", r"\\x{y}\$z\$", r"\\x{y}\$z\$"),
        ("a--b <<c>>", "a-{}-b <{}<c>{}>", r"a\-\-b \<\<c\>\>", "a--b &lt;&lt;c&gt;&gt;"),
        ("x ≤ α", r"x $\le$ $\alpha$", "x ≤ α", "x ≤ α"),
        ('"q"', r"\textquotedbl{}q\textquotedbl{}", r"\"q\"", '"q"'),
        ("- a", "- a", r"\- a", r"\- a"),
        ("1. a", "1. a", r"1\. a", r"1\. a"),
        ("= a", "= a", r"\= a", r"\= a"),
        ("[a](b)", "[a](b)", r"\[a\](b)", r"\[a\](b)"),
    ],
)  # fmt: skip
def test_escapes(text: str, latex: str, typst: str, markdown: str) -> None:
    assert latex_text(text) == latex
    assert typst_text(text) == typst
    assert markdown_text(text) == markdown


def test_a_long_word_may_break() -> None:
    assert r"\allowbreak{}" in latex_text("x" * 100)
    assert "\u200b" in typst_text("x" * 100)
    assert latex_text("x" * 100).replace(r"\allowbreak{}", "") == "x" * 100


def test_strings_and_feet() -> None:
    assert typst_string('a"b\\c\n') == '"a\\"b\\\\c "'
    assert shortened("word " * 40, 20) == "word word word word…"


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_never_comes_through_raw(test_words: Path, format: str, text: str) -> None:  # noqa: A002 - as in render()
    made = render(said(text), format=format, language="es")
    if format == "typ":  # the title is a string of Typst's code, where nothing is run
        made = re.sub(r'^#set document\(title: "(?:[^"\\]|\\.)*"', "", made, flags=re.MULTILINE)
    assert not re.search(r"(?<!\d)49(?!\d)", made)
    dangerous = {
        "tex": r"\\input\{/|\^\^M",
        "typ": r'(?<!\\)#read|(?<!\\)"@|(?<!\\)/\*',
        "md": "<script",
        "html": "<script",
    }[format]
    assert not re.search(dangerous, made)


# --- formulas -------------------------------------------------------------------------


def test_the_decimal_mark_is_the_languages_own(test_words: Path) -> None:
    value = equation(Name("x"), Number(Fraction(5, 2)))
    document = Document(
        title=Text("test.title"), subtitle=Literally({}), blocks=(Equation(lines=(Line(formula=value),)),)
    )
    assert "2{,}5" in render(document, format="tex", language="es")
    assert "2.5" in render(document, format="tex", language="en")
    assert "2.5" in render(document, format="tex", language="es", decimal_mark=".")
    assert '2","5' in render(document, format="typ", language="es")


def test_words_inside_formulas(test_words: Path) -> None:
    spanish, english = (render(everything(), format="tex", language=code) for code in ("es", "en"))
    assert r"\text{en el ej.}" in spanish
    assert r"\text{en otro caso}" in spanish
    assert r"\text{in the ex.}" in english
    assert r"\text{otherwise}" in english


def test_formulas_and_blocks_are_the_same_in_both_engines(test_words: Path) -> None:
    """The same displays, broken at the same places, in the same order."""
    tex, typ = (render(everything(), format=name, language="es") for name in ("tex", "typ"))
    body = tex.partition(r"\begin{document}")[2]
    shown = typ.partition("#line(length")[2]
    assert len(re.findall(r"\\dims\{", body)) == len(re.findall(r"dims(?:: |\()\$", shown)) == 4
    assert body.count(r"\topic{") == len(re.findall(r"^= ", shown, re.MULTILINE)) == 2
    assert body.count(r"\step{") == shown.count("#step[") == 2
    assert body.count(r"\answer{") == shown.count("#answer(") == 3
    assert body.count("align*}") == 2
    assert shown.count(" & =") == 2
    assert len(re.findall(r"\\node\[(?:quantity|operation|bare)", body)) == len(
        re.findall(r'^    \("v', shown, re.MULTILINE)
    )
    assert body.count(r"\fit{$") == shown.count("shrink: true") == 1


# --- breaking lines -------------------------------------------------------------------


def _wide(node: Node) -> float:
    from symbackprop.notation.write import Style, to_latex

    return width(to_latex(node, Style(macros=True)))


def test_a_wide_chain_breaks_at_relations_and_says_its_left_side_again() -> None:
    entries = tuple(number(value) for value in range(100000, 100006))
    part = Matrix((entries,), "row")
    chain = Chain((Name("z"), part, part, part), ("=", "≈", "="), (None, "example", None))
    shown = placed([Line(formula=chain, margin=Name("m"))], _wide)
    assert shown.aligned
    assert len(shown.lines) > 1
    for line in shown.lines:
        assert isinstance(line.formula, Chain)
        assert line.formula.members[0] == Name("z")
        assert _wide(line.formula) <= ROOM
    members = [member for line in shown.lines for member in line.formula.members[1:]]  # type: ignore[attr-defined]
    assert members == [part, part, part]
    last = shown.lines[-1].formula
    assert isinstance(last, Chain)
    assert last.relations[0] == "≈", "z is only about equal to what stands after a rounding"
    assert shown.lines[-1].margin == Name("m")
    assert all(line.margin is None for line in shown.lines[:-1])


def test_a_wide_frame_keeps_its_frame() -> None:
    part = Matrix((tuple(number(value) for value in range(100000, 100008)),), "row")
    chain = Chain((Box(equation(Name("z"), part, part)), number(1)), ("=",), (None,))
    framed, rest = placed([Line(formula=chain)], _wide).lines
    assert len(framed.boxed) == 2
    assert rest.formula == equation(Name("z"), number(1))


def test_rows_of_formulas_break_between_them() -> None:
    item = equation(Name("z"), Matrix((tuple(number(value) for value in range(100000, 100004)),), "row"))
    lines = placed([Line(formula=Row((item,) * 4, "implies"))], _wide).lines
    assert len(lines) == 2
    assert [line.implied for line in lines] == [False, True]
    shown = placed([Line(formula=Row((item,) * 4, "quad"))], _wide).lines
    assert [line.implied for line in shown] == [False, False]


def test_what_cannot_break_is_shrunk(test_words: Path) -> None:
    shown = placed([Line(formula=wide_chain(8))], _wide)
    assert any(line.fit for line in shown.lines)
    assert all(line.fit or _wide(line.formula) <= ROOM for line in shown.lines)


def test_lines_that_fit_stay_as_they_are() -> None:
    line = Line(formula=equation(Name("z"), number(1)), margin=Name("m"))
    (only,) = placed([line], _wide).lines
    assert only.formula == line.formula
    assert only.margin == line.margin


# --- templates ------------------------------------------------------------------------


def test_a_teachers_folder_shadows_one_file(test_words: Path, tmp_path: Path) -> None:
    (tmp_path / "markdown").mkdir()
    (tmp_path / "markdown" / "report.md").write_text("<< title >> (<< blocks | length >>)\n")
    made = render(everything(), format="md", language="es", templates=tmp_path)
    assert made == f"Retropropagación, paso a paso ({len(everything().blocks)})\n"
    whole = render(everything(), format="tex", language="es", templates=tmp_path)
    assert whole == render(everything(), format="tex", language="es")


def test_a_teachers_words(test_words: Path, tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    text = (test_words / "words" / "es.toml").read_text("utf-8").replace("paso a paso", "con calma")
    (tmp_path / "words" / "es.toml").write_text(text, "utf-8")
    assert "# Retropropagación, con calma" in render(
        everything(), format="md", language="es", templates=tmp_path
    )


@pytest.mark.parametrize(
    ("template", "message", "line"),
    [
        ("one\n<% for x in %>\n", "Expected an expression", 2),
        ("one\n\n<< titel >>\n", "'titel' is undefined", 3),
        ("<< blocks[0].nothing >>\n", "nothing", 1),
        ("<% include 'gone.md' %>\n", "gone.md", None),
        ("a\n<< 1 / 0 >>\n", "division by zero", 2),
        ("a\n<< title.__class__.__mro__ >>\n", "unsafe", 2),
        ("a\n<< ''.__class__.__base__.__subclasses__() >>", "unsafe|undefined", 2),
        ("<% include '../../../etc/passwd' %>", "no template|not found", None),
        ("<% for i in range(10 ** 9) %>x<% endfor %>", "[Rr]ange", 1),
        ("<% macro m() %><< m() >><% endmacro %>\n<< m() >>", "itself", None),
        ("<< 'x' * 10 ** 10 >>", "memory|MemoryError", None),
    ],
)  # fmt: skip
def test_a_broken_template_says_where(
    test_words: Path, tmp_path: Path, template: str, message: str, line: int | None
) -> None:
    (tmp_path / "markdown").mkdir()
    file = tmp_path / "markdown" / "report.md"
    file.write_text(template)
    with pytest.raises(TemplateError, match=message) as caught:
        render(everything(), format="md", language="es", templates=tmp_path)
    assert "Traceback" not in str(caught.value)
    if line is not None:
        assert caught.value.line == line
        assert caught.value.file == str(file)


def test_an_endless_template_is_stopped(
    test_words: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "markdown").mkdir()
    inner = "<% for j in range(90000) %><% if j < 0 %>x<% endif %><% endfor %>"
    loop = f"<% for i in range(90000) %>{inner}<% endfor %>"
    (tmp_path / "markdown" / "report.md").write_text(loop)
    monkeypatch.setattr(templating, "_SECONDS", 2)
    started = time.monotonic()
    with pytest.raises(TemplateError, match="did not end within 2 seconds"):
        render(everything(), format="md", language="es", templates=tmp_path)
    assert time.monotonic() - started < 10


def test_a_template_that_writes_without_end_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "markdown").mkdir()
    (tmp_path / "markdown" / "loop.md").write_text("<% for i in range(90000) %>0123456789<% endfor %>")
    monkeypatch.setattr("symbackprop.limits.TEMPLATE_OUTPUT", 100_000)
    with pytest.raises(TemplateError, match="more than 100,000 characters"):
        templating.fill_here("markdown/loop.md", {}, tmp_path)


def test_templates_may_not_be_a_file(tmp_path: Path) -> None:
    with pytest.raises(places.PlacesError, match="no such folder"):
        render(said("x"), format="md", language="es", templates=tmp_path / "gone")


# --- whole texts ----------------------------------------------------------------------


@pytest.mark.parametrize("language", sorted(SENTENCES))
@pytest.mark.parametrize("format", FORMATS)
def test_the_same_text_every_time(test_words: Path, format: str, language: str) -> None:  # noqa: A002 - as in render()
    first = render(everything(), format=format, language=language)
    assert first == render(everything(), format=format, language=language)
    assert "<%" not in first
    assert "\x01" not in first
    assert not re.search(r"\n{3}", first), "at most one blank line between units"


def test_latex_reads_like_a_persons(test_words: Path) -> None:
    text = render(everything(), format="tex", language="es")
    body = text.partition(r"\begin{document}")[2]
    assert "% --- lo que se puede retocar ---" in text
    assert max(len(line) for line in body.splitlines() if r"\node" not in line) <= 160
    inside = re.findall(r"\\\[\n(.*?)\n\\\]", body, re.DOTALL)
    assert inside
    assert all(line.startswith("  ") for part in inside for line in part.splitlines())
    assert not re.search(r"\n\n\\\[", body), "a display stands in the paragraph of its sentence"
    assert "% --- what may be changed ---" in render(everything(), format="tex", language="en")


def test_packages_only_where_they_are_needed(test_words: Path) -> None:
    plain = render(said("x"), format="tex", language="es")
    assert "tikz" not in plain
    assert "longtable" not in plain
    assert "upquote" not in plain
    assert "tikz" in render(everything(), format="tex", language="es")


def test_markdown_is_fit_for_notebooks(test_words: Path) -> None:
    text = render(everything(), format="md", language="es")
    assert text.count("$$\n") % 2 == 0
    assert r"\Loss" not in text
    assert r"\pd{" not in text
    assert r"\R" not in text.replace(r"\Rightarrow", "")
    assert "```python\nimport numpy as np\n" in text
    assert "| gradiente | fórmula |" in text
    assert "\n## 2. Los tres niveles" in text
    assert "sección 2" in text


def test_a_long_table_may_break_across_pages(test_words: Path) -> None:
    table = Table(columns=(Text("test.gradient"),), rows=((Name("x"),),) * 60)
    document = Document(title=Text("test.title"), subtitle=Literally({}), blocks=(table,))
    assert r"\begin{longtable}" in render(document, format="tex", language="es")


def test_code_cannot_leave_its_block(test_words: Path) -> None:
    code = Code(language="python", text="x = '\\end{verbatim}\\input{/etc/passwd}'\ny = '```'")
    document = Document(title=Text("test.title"), subtitle=Literally({}), blocks=(code,))
    made = render(document, format="tex", language="es")
    assert r"\end{verbatim}\input" not in made
    assert "````python\n" in render(document, format="md", language="es")


def test_long_code_breaks_where_code_may(test_words: Path) -> None:
    line = "W = np.array([" + ", ".join(["-0.123456"] * 40) + "])"
    code = Code(language="python", text=line)
    document = Document(title=Text("test.title"), subtitle=Literally({}), blocks=(code,))
    made = re.search(r"```python\n(.*?)\n```", render(document, format="md", language="es"), re.DOTALL)
    assert made is not None
    assert max(map(len, made[1].splitlines())) <= 88
    assert re.sub(r"\s+", "", made[1]) == re.sub(r"\s+", "", line)
    compile(made[1], "shown", "exec")


def test_headings_ask_for_room_for_what_follows(test_words: Path) -> None:
    blocks = (Heading(text=Text("test.given")), Paragraph(sentences=(Text("test.model"),)), graph())
    document = Document(title=Text("test.title"), subtitle=Literally({}), blocks=blocks)
    asked = re.search(
        r"\\needspace\{(\d+)\\baselineskip\}\n\\topic", render(document, format="tex", language="es")
    )
    assert asked is not None
    assert int(asked[1]) > 12


def test_arrows_know_their_course() -> None:
    picture = laid_out(graph())
    assert [item.course for item in picture.arrows[:3]] == ["down", "up", "right"]
    assert picture.arrows[-1].course == "corners"
    spread = laid_out(fan())
    assert [item.red for item in spread.arrows].count(True) == 4


def test_an_alternative_text_is_plain_words(test_words: Path) -> None:
    text = render(everything(), format="tex", language="es")
    assert "Alt={Grafo: z sale de W, x y b, y de z sale yhat.}" in text
    assert '"Grafo: z sale de W, x y b, y de z sale yhat."' in render(
        everything(), format="typ", language="es"
    )


def test_the_words_files_are_toml() -> None:
    for code in languages():
        tomllib.loads((places.templates_folder() / "words" / f"{code}.toml").read_text("utf-8"))


def test_a_note_and_a_negative_word(test_words: Path) -> None:
    note = Note(
        sentences=(
            Text(
                "test.note", {"z": Neg(Name("z")), "slope": plus(number(1), juxtaposed(number(2), Name("x")))}
            ),
        )
    )
    document = Document(
        title=Text("test.title"),
        subtitle=Literally({}),
        blocks=(note, Equation(lines=(Line(formula=Word("if")),))),
    )
    assert r"\textbf{por convenio}" in render(document, format="tex", language="es")
    assert "#strong[por convenio] tomamos" in render(document, format="typ", language="es")
