"""What comes of grading: lists, feedback, and the report on the class, in both languages and all formats."""

import csv
import io
import re
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner

from symbackprop.cli import app
from symbackprop.exams.grading import Grader
from symbackprop.exams.grading_model import Graded
from symbackprop.exams.manifest import read_manifest, written
from symbackprop.report.document import Plot
from symbackprop.report.exams.feedback import Feedback
from symbackprop.report.exams.feedback_class import ClassReport
from symbackprop.report.exams.feedback_files import GradedOutputs, feedback_path, grade_in, stale
from symbackprop.report.exams.feedback_lists import inert, marks_csv, review_csv
from symbackprop.report.exams.feedback_voice import Voice, decimals_of
from symbackprop.report.exams.ledger import Ledger
from symbackprop.report.words import load_words
from tests.test_exam_grading import Sitting, column, derivation, one

LANGUAGES = ("es", "en")
HOSTILE = {
    2: r"José Ñandú \input{/etc/passwd} $x$ #set_x <script>alert(1)</script> | a | `b`",
    3: "=HYPERLINK(\"http://a\";\"b\")", 4: "@SUM(1+1)*cmd|' /C calc'!A0", 5: "-1+1", 6: "\u202eevil\u200b",
}  # fmt: skip


@pytest.fixture(scope="module")
def layer() -> Sitting:
    """The exam of a layer, with names that try to be something else."""
    sitting = Sitting("examen-capa", 8)
    issued = [
        replace(found, student=replace(found.student, name=HOSTILE.get(found.student.number, "Ana Pérez")))
        for found in sitting.manifest.issued
    ]
    sitting.manifest = read_manifest("".join(written(sitting.exam.key, sitting.manifest.text, issued)))
    sitting.grader = Grader.of(sitting.manifest)
    return sitting


@pytest.fixture(scope="module")
def graded(layer: Sitting) -> Graded:
    """Answers of every kind."""
    dyhat = layer.key("dyhat").entries
    fault = layer.sheet(2, 1).faulty["mistake"]
    third = [value + Fraction(1, 3) for value in layer.key("z", 4).entries]
    return layer.graded(
        *layer.rows(1, dz=dyhat), *layer.rows(2), f"s2;error;mistake;{fault.at + 1}",
        *layer.rows(3, without=("z", "dx")), "s3;capa;z;=cmd|' /C calc'!A0", "s3;capa;dx;1 ? 3",
        *layer.rows(4, without=("dx",), z=third), *layer.rows(5, dx=[1, 2, 3], db=[4]), "nobody;capa;z;1",
        *layer.rows(6), *layer.rows(7, without=("L",)), "s7;capa;L;",
    )  # fmt: skip


def listed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter=";" if ";" in text.split("\n")[0] else ","))


# --- lists ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "text", "whole"),
    [("43/3", "14,33", "14,33"), ("10", "10", "10,00"), ("1/2", "0,5", "0,50"), ("2/3", "0,67", "0,67"),
     ("1/8", "0,13", "0,13"), ("0", "0", "0,00"), ("199/200", "1", "1,00"), ("100", "100", "100,00"),
     ("1/300", "0", "0,00"), ("-1/3", "-0,33", "-0,33"),
     ("1000000000000", "1000000000000", "1000000000000,00")],
)  # fmt: skip
def test_points_are_correctly_rounded_decimals(points: str, text: str, whole: str) -> None:
    assert decimals_of(Fraction(points), ",") == text
    assert decimals_of(Fraction(points), ",", whole=True) == whole


@pytest.mark.parametrize("language", LANGUAGES)
def test_marks_are_those_of_the_parts_in_the_order_of_the_roster(graded: Graded, language: str) -> None:
    voice = Voice(graded, language)
    text = marks_csv(voice)
    rows = list(csv.reader(io.StringIO(text), delimiter=";" if language == "es" else ","))
    head, *lines = rows
    assert [line[0] for line in lines] == [f"s{n}" for n in range(1, 9)]
    assert head[2:-3] == [
        *(f"capa.{name}" for name in ("z", "yhat", "L", "dyhat", "dz", "dW", "db", "dx")), "error.mistake",
    ]  # fmt: skip
    for line, student in zip(lines, graded.students, strict=True):
        points = [Fraction(cell.replace(",", ".")) if cell else None for cell in line[2:-2]]
        due = [*(part.points for part in student.parts), student.total] if student.present else [None] * 10
        assert all(
            (found is None) == (exact is None)
            and (exact is None or abs((found or 0) - exact) <= Fraction(1, 200))
            for found, exact in zip(points, due, strict=True)
        )
        assert Fraction(line[-2].replace(",", ".")) == 20
    states = {"es": ("corregido", "por mirar", "no entregado"), "en": ("marked", "to review", "absent")}
    assert [line[-1] for line in lines][1:3] == list(states[language][:2])
    assert lines[-1][-1] == states[language][2]
    assert lines[-1][2:-2] == [""] * 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_for_a_person_says_where_and_why(graded: Graded, language: str) -> None:
    rows = list(csv.reader(io.StringIO(review_csv(Voice(graded, language))),
                           delimiter=";" if language == "es" else ","))[1:]  # fmt: skip
    assert len(rows) == len(graded.doubts) > 3
    where = [(row[0], row[2], row[5]) for row in rows]
    assert ("answers.csv", "s3", "z") in where
    assert ("answers.csv", "nobody", "") in where
    assert all(row[-1].strip() for row in rows)
    lines = {row[2]: int(row[1]) for row in rows if row[5] == "dx"}
    assert lines["s3"] == 2 + 8 + 8 + 1 + 6 + 1  # a heading, s1, s2, its mistake, s3's others, z


def test_nothing_becomes_a_formula_in_a_spreadsheet(graded: Graded) -> None:
    for text in (marks_csv(Voice(graded, "es")), review_csv(Voice(graded, "es"))):
        for row in csv.reader(io.StringIO(text), delimiter=";"):
            for cell in row:
                assert not cell.lstrip().startswith(("=", "+", "-", "@", "|", "%", "\t", "\r")), cell
    marks = marks_csv(Voice(graded, "es"))
    assert "'=HYPERLINK" in marks
    assert "'@SUM" in marks
    assert "'-1+1" in marks


@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@a", "\t=1", " =1", "\n=1", "＝1", "|x", "%0", "\u00a0=1"]
)
def test_cells_are_inert(text: str) -> None:
    made = inert(text)
    assert made[0] == "'"
    assert "\n" not in made
    assert inert("Ana = 3") == "Ana = 3"


# --- feedback --------------------------------------------------------------------------------------


def feedback(graded: Graded, student: str, language: str, form: str = "md") -> str:
    voice = Voice(graded, language)
    return voice.rendered(Feedback(voice).document(one(graded, student)), form)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("es", ("13,5 de 20 puntos", "Falta la derivada de la activación", "Lo correcto")),
        ("en", ("13.5 out of 20 points", "The derivative of the activation is missing", "Correct")),
    ],
)
def test_feedback_names_the_mistake_in_words(graded: Graded, language: str, words: tuple[str, ...]) -> None:
    text = feedback(graded, "s1", language)
    for found in words:
        assert found in text
    assert r"\odot g'(z)" in text  # how it is calculated


@pytest.mark.parametrize("language", LANGUAGES)
def test_feedback_shows_answer_key_and_points_of_every_part(
    layer: Sitting, graded: Graded, language: str
) -> None:
    text = feedback(graded, "s5", language)
    table = [line for line in text.split("\n") if line.startswith("| $")]
    assert len(table) == 8
    dx = next(line for line in table if line.startswith("| $dx$"))
    assert r"\begin{pmatrix} 1 \\ 2 \\ 3 \end{pmatrix}" in dx
    key = r" \\ ".join(map(str, layer.key("dx", 5).entries))
    assert key in dx
    points = one(graded, "s5").parts[7].points
    assert points is not None
    assert re.search(rf" {decimals_of(points, '[.,]')} (de|of) 3 ", dx)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_that_somebody_wrote_is_markup(graded: Graded, language: str) -> None:
    text = feedback(graded, "s2", language)
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert r"\$x\$" in text
    assert r"\| a \|" in text
    tex = feedback(graded, "s2", language, "tex")
    assert r"\input{/etc" not in tex
    assert r"\textbackslash{}input\{/etc/passwd\}" in tex
    typ = feedback(graded, "s2", language, "typ")
    strings = re.sub(r'"(?:[^"\\]|\\.)*"', "", typ)
    assert r"\#set\_x" in strings
    assert "#set_x" not in strings
    for form in ("md", "tex", "typ"):
        assert "\u202e" not in feedback(graded, "s6", language, form)


def test_carried_and_rounded_answers_are_told_to_be_fine(layer: Sitting) -> None:
    key = layer.key("dz", 2).entries
    dz = [value + 1 if value else value for value in key]
    graded = layer.graded(*layer.rows(2, dz=dz, db=dz))
    assert "se sigue bien de tus respuestas anteriores ($dz$)" in feedback(graded, "s2", "es")
    assert "follows from your earlier answers ($dz$)" in feedback(graded, "s2", "en")
    assert one(graded, "s2").parts[6].full


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mistake_to_be_found_is_explained(layer: Sitting, language: str) -> None:
    fault = layer.sheet(1, 1).faulty["mistake"]
    wrong = layer.graded(f"s1;error;mistake;{2 if fault.at == 0 else 1}")
    text = feedback(wrong, "s1", language)
    words = load_words(language)
    assert words.sentence(f"mistake.{fault.mistake}")[0].value.split("{")[0][:12] in text
    assert {
        "es": f"La línea equivocada es la {fault.at + 1}.",
        "en": f"The wrong line is line {fault.at + 1}.",
    }[language] in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_derivations_get_feedback_too(layer: Sitting, language: str) -> None:
    from symbackprop.exams.grading_derived import Source

    text = derivation(layer, dx=f"dx = W dz = {column(layer.key('dx'))}", dW="dW = dz x^T")
    found = layer.grader.derivations([Source("s1.md", text, ".md")])
    made = feedback(found, "s1", language)
    assert {"es": "La fórmula no está bien.", "en": "The formula is not right."}[language] in made
    assert {"es": "Falta una transposición", "en": "A transpose is missing"}[language] in made
    assert {"es": "Faltan los números.", "en": "The numbers are missing."}[language] in made


# --- the class ---------------------------------------------------------------------------------------


def test_the_report_on_the_class_has_the_means_of_the_marks(graded: Graded) -> None:
    voice = Voice(graded, "en")
    text = voice.rendered(ClassReport(voice, plots=False).document(), "md")
    present = [student for student in graded.students if student.present]
    totals = sorted(student.total for student in present)
    assert f"{len(present)} exams have been marked. One student has handed nothing in." in text
    mean, median = sum(totals) / len(totals), totals[len(totals) // 2]
    assert (
        f"is {decimals_of(mean, '.')} out of 20 points and the **median** {decimals_of(median, '.')}" in text
    )
    known = [part.points for student in present for part in student.parts
             if part.step.part.id == "dx" and part.points is not None]  # fmt: skip
    row = next(line for line in text.split("\n") if "$dx$ |" in line)
    share, full = sum(known) / len(known) / 3, Fraction(known.count(Fraction(3)), len(known))
    assert f"| ${round(share * 100)}$ | ${round(full * 100)}$" in row
    bars = re.findall(r"\| #* ?(\d+)$", text, re.M)
    assert sum(map(int, bars)) == len(present)
    assert "The derivative of the activation is missing" in text
    assert f"to-review.csv</code> has {len(graded.doubts)} entries" in text
    open_parts = sum(part.points is None for student in present for part in student.parts)
    assert f"{open_parts} parts have no points, counting those of all exams" in text
    open_exams = sum(any(part.points is None for part in student.parts) for student in present)
    assert f"In {open_exams} exams something has yet to be looked at" in text


def test_an_exam_that_nobody_handed_in_has_a_report(layer: Sitting) -> None:
    found = layer.graded("s1;capa;z;")
    for language in LANGUAGES:
        for plots in (False, True):
            voice = Voice(found, language)
            assert voice.rendered(ClassReport(voice, plots=plots).document(), "md" if not plots else "tex")
    assert [path for path, _ in GradedOutputs(found, "es").files()] == GradedOutputs(found, "es").paths()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("engine", ["pdflatex", "typst"])
def test_pdfs_are_typeset(graded: Graded, language: str, engine: str, request: pytest.FixtureRequest) -> None:
    if engine == "pdflatex":
        request.getfixturevalue("pdflatex")
    few = replace(graded, students=graded.students[1:3])
    outputs = GradedOutputs(few, language, kind="pdf", engine=engine, jobs=2)  # type: ignore[arg-type]
    made = dict(outputs.files())
    assert list(made) == outputs.paths()
    pdfs = [content for path, content in made.items() if path.endswith(".pdf")]
    assert len(pdfs) == 3
    assert all(isinstance(content, bytes) and content.startswith(b"%PDF") for content in pdfs)
    again = dict(outputs.files())
    assert again == made


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_plots_have_their_legends_outside_and_every_foot_names_the_exam(
    layer: Sitting, graded: Graded, language: str
) -> None:
    voice = Voice(graded, language)
    document = ClassReport(voice, plots=True).document()
    titles = [panel.title for block in document.blocks if isinstance(block, Plot) for panel in block.panels]
    assert len(titles) == 1 + len(layer.exam.questions)
    assert all(title is not None and len(voice.said(title.key, title.parts)) <= 30 for title in titles)
    assert voice.exam_title in voice.rendered(document, "typ").split("footer:")[1][:400]


# --- what is said about single numbers and lines ----------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_number_where_a_0_must_be_is_said_to_cost(layer: Sitting, language: str) -> None:
    (place,) = [at for at, value in enumerate(layer.key("yhat", 2).entries) if not value]
    yhat = [value if at != place else Fraction(7) for at, value in enumerate(layer.key("yhat", 2).entries)]
    said = {"es": "Donde tenía que salir un 0 hay otro número, y eso resta.",
            "en": "One number is not 0 where it should be, which costs points."}[language]  # fmt: skip
    assert said in feedback(layer.graded(*layer.rows(2, yhat=yhat)), "s2", language)
    assert said not in feedback(layer.graded(*layer.rows(2, yhat=[8, 8])), "s2", language).replace(
        said, "", 1
    )
    assert said not in feedback(layer.graded(*layer.rows(2)), "s2", language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_number_that_is_rounded_too_much_is_told_so(language: str) -> None:
    sitting = Sitting("examen-red", 12)
    halves = [(n, value) for n in range(1, 13) for value in sitting.key("L", n).entries
              if value.denominator > 1 and value > 10]  # fmt: skip
    student, value = halves[0]
    coarse = str(round(value))
    assert Fraction(coarse) != value
    rows = [row if ";L;" not in row else f"s{student};red;L;{coarse}" for row in sitting.rows(student)]
    text = feedback(sitting.graded(*rows), f"s{student}", language)
    assert {"es": "Un número está demasiado redondeado", "en": "One number is rounded too much"}[
        language
    ] in text
    assert {"es": "El valor no es el correcto", "en": "This is not the correct value"}[language] not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_feedback_on_a_line_says_what_is_wrong_and_not_that_the_student_said_so(
    layer: Sitting, language: str
) -> None:
    fault = layer.sheet(1, 1).faulty["mistake"]
    opening = {"es": "Lo que está mal en esa línea es esto. ", "en": "What is wrong in that line is this. "}
    sentence = load_words(language).sentence(f"mistake.{fault.mistake}")[0].value[:12]
    other = 1 if fault.at else 2
    for rows in ([f"s1;error;mistake;{other}"], [f"s1;error;mistake;{fault.at + 1}"], ["s2;error;mistake;3"]):
        text = feedback(layer.graded(*layer.rows(1), *rows), "s1", language)
        assert opening[language] + sentence in text, rows
    hit = feedback(layer.graded(f"s1;error;mistake;{fault.at + 1}"), "s1", language)
    assert {"es": "La línea es esa (1,5 por encontrarla).", "en": "That is the line (1.5 for finding it)."}[
        language
    ] in hit


@pytest.mark.parametrize("language", LANGUAGES)
def test_files_that_cannot_be_read_are_named_in_the_language(
    layer: Sitting, language: str, tmp_path: Path
) -> None:
    (tmp_path / "s1.pdf").write_bytes(b"%PDF-1.7")
    (tmp_path / "s2.md").write_bytes(b"caf\xe9")
    (tmp_path / "s3.tex").write_bytes(b" \n")
    (tmp_path / "s4.docx").write_bytes(b"PK\x03\x04")
    (tmp_path / "a.csv").write_text("student,part,values\n", "utf-8")
    (tmp_path / "folder").mkdir()
    found = review_csv(Voice(grade_in(tmp_path, layer.manifest, language), language))
    rows = list(csv.reader(io.StringIO(found), delimiter=";" if language == "es" else ","))[1:]
    why = {row[0]: row[-1] for row in rows if row[0]}
    starts = {
        "es": {"s1.pdf": "Es un PDF", "s2.md": "No es un texto en UTF-8", "s3.tex": "El archivo está vacío",
               "s4.docx": "Es un archivo comprimido", "a.csv": "Es una tabla", "folder": "Es una carpeta"},
        "en": {"s1.pdf": "This is a PDF", "s2.md": "This is not UTF-8", "s3.tex": "The file is empty",
               "s4.docx": "This is a packed file", "a.csv": "This is a table", "folder": "This is a folder"},
    }[language]  # fmt: skip
    assert set(why) == set(starts)
    assert all(why[name].startswith(start) for name, start in starts.items())


@pytest.mark.parametrize("language", LANGUAGES)
def test_counts_of_numbers_agree_with_their_nouns(layer: Sitting, language: str) -> None:
    found = layer.graded("s1;capa;dx;4 5", "s2;capa;dx;4", "s2;capa;z;(4)")
    voice = Voice(found, language)
    said = {voice.said(f"grade.why_{one.why}", one.parts) for one in found.doubts if one.why == "count"}
    assert said == {
        "es": {"Hay 2 números en lugar de 3.", "Hay un solo número en lugar de 3.",
               "Hay un solo número en lugar de 2."},
        "en": {"There are 2 numbers instead of 3.", "There is only one number instead of 3.",
               "There is only one number instead of 2."},
    }[language]  # fmt: skip


# --- files ---------------------------------------------------------------------------------------------


def test_files_have_no_names_of_people_in_them_and_stay_in_their_folder(
    layer: Sitting, graded: Graded
) -> None:
    outputs = GradedOutputs(graded, "es")
    paths = outputs.paths()
    assert paths[:3] == ["marks.csv", "to-review.csv", "class-report.md"]
    assert paths[3] == "feedback/0001-c0de0001.md"
    assert len(paths) == 3 + 7  # everybody but s8
    hostile = replace(graded.students[0], code="../../etc/passwd")
    assert feedback_path(hostile, "md") == "feedback/0001-etcpasswd.md"


def test_grading_and_reporting_twice_gives_the_same_bytes(layer: Sitting, tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    rows = [*layer.rows(1, dz=[1, 2]), *layer.rows(2), "s3;capa;z;?"]
    path.write_text("\n".join(("student;question;part;values", *rows)), "utf-8")

    def made(language: str) -> list[tuple[str, str | bytes]]:
        return list(GradedOutputs(grade_in(path, layer.manifest, language), language).files())

    for language in LANGUAGES:
        assert made(language) == made(language)
    es, en = (dict(made(language)) for language in LANGUAGES)
    assert es["marks.csv"] != en["marks.csv"]


def test_the_feedback_of_a_thousand_takes_seconds(layer: Sitting) -> None:
    """Forty here: 20 ms each at most, with room for a slow machine."""
    sitting = Sitting("examen-red", 40)
    graded = sitting.graded(*(row for n in range(1, 41) for row in sitting.rows(n, dz1=[1, 2, 3])))
    outputs = GradedOutputs(graded, "en")
    _ = next(outputs.files())
    started = time.perf_counter()
    assert len(list(outputs.files())) == 43
    assert time.perf_counter() - started < 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_could_not_be_read_is_shown_as_it_was_written(layer: Sitting, language: str) -> None:
    found = layer.graded(*layer.rows(2, without=("dz",), dW=[7] * 6), "s2;capa;dz;8? <b> $0")
    text = feedback(found, "s2", language)
    assert "8? &lt;b&gt; \\$0" in text
    assert {"es": "una persona", "en": "a person"}[language] in text
    assert {"es": "puede seguirse de otra", "en": "may follow from another"}[language] in text


def test_a_ledger_removes_what_it_wrote_and_nothing_else(tmp_path: Path) -> None:
    ledger = Ledger.of(tmp_path)
    ledger.write(
        {"feedback/1.md": b"one", "feedback/2.md": b"two", "feedback/3.md": b"three", "marks.csv": b""}
    )
    (tmp_path / "feedback/2.md").write_bytes(b"edited by hand")
    (tmp_path / "feedback/other.md").write_bytes(b"not ours")
    known = Ledger.of(tmp_path)
    old = stale(known.written, ["feedback/3.md", "marks.csv"])
    assert old == ["feedback/1.md", "feedback/2.md"]
    assert known.remove([*old, "feedback/other.md"]) == ["feedback/1.md"]
    assert sorted(path.name for path in (tmp_path / "feedback").iterdir()) == ["2.md", "3.md", "other.md"]
    again = Ledger.of(tmp_path)
    assert "feedback/1.md" not in again.written
    again.write({"feedback/1.md": b"anew"})
    assert Ledger.of(tmp_path).remove(["feedback/1.md"]) == ["feedback/1.md"]


def test_grading_again_leaves_nothing_stale(layer: Sitting, tmp_path: Path) -> None:
    exam = tmp_path / "exam"
    (exam / "teacher").mkdir(parents=True)
    (exam / "teacher/manifest.json").write_text(
        "".join(written(layer.exam.key, layer.manifest.text, layer.manifest.issued)), "utf-8"
    )
    table, folder = tmp_path / "a.csv", tmp_path / "derivations"
    folder.mkdir()
    (folder / "s3.md").write_text(derivation(layer, 3), "utf-8")

    def run(*students: int) -> set[str]:
        rows = [row for n in students for row in layer.rows(n)]
        table.write_text("\n".join(("student;question;part;values", *rows)), "utf-8")
        made = CliRunner().invoke(app, ["grade", str(table), str(folder), "--exam", str(exam)])
        assert made.exit_code == 0, made.output
        return {path.name for path in (exam / "grading/feedback").iterdir()}

    assert {name[:4] for name in run(1, 2)} == {"0001", "0002", "0003"}
    assert {name[:4] for name in run(2)} == {"0002", "0003"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_for_a_person_in_a_derivation_is_said(layer: Sitting, language: str) -> None:
    """A line that cannot be read, arithmetic that follows from itself, a chain rule alone."""
    from symbackprop.exams.grading_derived import Source

    why = {
        "es": ("Esta línea no se puede leer, y lo demás", "Los números al final de esta línea",
               "Está la regla de la cadena"),
        "en": ("This line cannot be read, and what else", "The numbers at the end of this line",
               "The chain rule is there"),
    }[language]  # fmt: skip
    beside = derivation(layer, dx="dx = (1, 2, 3) $$\n\n$$ dx = (1 \\quad ?? \\quad")
    twice = derivation(layer, L="L = 3 + 15 $$\n\n$$ L = 3 + 15")
    neuron = Sitting("examen-neurona", 3)
    found = [
        layer.grader.derivations([Source("s1.md", beside, ".md"), Source("s2.md", twice, ".md")]),
        neuron.grader.derivations([Source("s3.md", r"$$ dW = dz \frac{\partial z}{\partial W} $$", ".md")]),
    ]
    lists = [review_csv(Voice(one, language)) for one in found]
    assert why[0] in lists[0]
    assert why[1] in lists[0]
    assert why[2] in lists[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_code_is_told_to_show_the_method_only(language: str) -> None:
    from symbackprop.exams.grading_derived import Source

    neuron = Sitting("examen-neurona", 2)
    text = "import numpy as np\ndz = dyhat * (z >= 0)\ndW = np.outer(dz, x)\n"
    made = feedback(neuron.grader.derivations([Source("s1.py", text, ".py")]), "s1", language)
    said = {
        "es": "solo están en el código, que muestra el método",
        "en": "in code only, which shows the method",
    }
    assert said[language] in made
