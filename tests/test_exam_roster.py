"""Rosters as platforms and spreadsheets write them, and what an exam file alone shows to be impossible."""

import os
import re
import unicodedata
from collections.abc import Sequence
from itertools import permutations, product
from pathlib import Path

import pytest

from symbackprop import cli
from symbackprop.exams.file import bundled_exams, exam_of, load_exam
from symbackprop.exams.model import Student
from symbackprop.exams.roster import RosterError, read_roster, roster_of
from symbackprop.exams.variants import Maker
from symbackprop.exercise import ExerciseError, bundled


def pairs(text: str) -> list[tuple[str, str]]:
    return [(one.id, one.name) for one in roster_of(text, "r.csv")]


# --- headings -----------------------------------------------------------------------------------------

EXPORTS = {
    "moodle-es": (
        '"Nombre","Apellido(s)","Número de ID","Institución","Departamento","Dirección de correo"\n'
        '"Ana","Núñez Gil","12","","","ana@b.es"\n"Xu","Li","13","","","xu@b.es"\n'
    ),
    "moodle-en": (
        "First name,Last name,ID number,Institution,Department,Email address\n"
        "Ana,Núñez Gil,12,,,ana@b.es\nXu,Li,13,,,xu@b.es\n"
    ),
    "canvas": (
        "Student,ID,SIS User ID,SIS Login ID,Section,Quiz 1 (101),Final Score\n"
        "Ana Núñez Gil,12,S012,anag,A,3,4.5\nXu Li,13,S013,xuli,A,,\n"
    ),
    "aula": "Alumno/a;Nº Id. Escolar;Unidad\nAna Núñez Gil;12;4A\nXu Li;13;4B\n",
    "excel-with-its-mark": "sep=;\nDNI;Apellidos;Nombre\n12;Núñez Gil;Ana\n13;Li;Xu\n",
    "excel-tabs": "Matrícula\tNombre\tPrimer apellido\tSegundo apellido\n12\tAna\tNúñez\tGil\n13\tXu\tLi\t\n",
    "brightspace": "OrgDefinedId,Username,Last Name,First Name\n12,ag,Núñez Gil,Ana\n13,xl,Li,Xu\n",
    "blackboard": 'Last Name,First Name,Username,Student ID\n"Núñez Gil",Ana,ag,12\nLi,Xu,xl,13\n',
    "gradescope": "First Name,Last Name,SID,Email\nAna,Núñez Gil,12,a@b\nXu,Li,13,x@b\n",
    "the tester's": "Nombre,Número\nAna Núñez Gil,12\nXu Li,13\n",
    "all three": "id,nombre,apellidos\n12,Ana,Núñez Gil\n13,Xu,Li\n",
    "english": "id,name,surname\n12,Ana,Núñez Gil\n13,Xu,Li\n",
    "whole names": "legajo,nombre y apellidos,nombre\n12,Ana Núñez Gil,A.\n13,Xu Li,X.\n",
    "students by their number": "student,name\n12,Ana Núñez Gil\n13,Xu Li\n",
    "only numbers known": "alumno,grupo,nombre completo\n12,A,Ana Núñez Gil\n13,A,Xu Li\n",
    "a row number first": ",Alumno,N.º de expediente\n1,Ana Núñez Gil,12\n2,Xu Li,13\n",
}  # fmt: skip


@pytest.mark.parametrize("text", EXPORTS.values(), ids=EXPORTS)
def test_what_platforms_export_is_a_roster(text: str) -> None:
    assert pairs(text) == [("12", "Ana Núñez Gil"), ("13", "Xu Li")]


@pytest.mark.parametrize(
    "heading",
    [
        "id", "ID", "Id.", "id number", "ID_number", "Número de ID", "numero de id", "NÚMERO", "Nº", "N.°",
        "Nro.", "Núm.", "student id", "Student-ID", "DNI", "D.N.I.", "NIE", "DNI / NIE", "matrícula",
        "Matricula", "Nº de matrícula", "Legajo", "login", "SIS ID", "usuario", "Nombre de usuario",
        "Username", "User name", "e-mail", "E-Mail", "Correo electrónico", "Dirección de correo",
        "Nº de expediente",
    ],
)  # fmt: skip
def test_a_heading_is_known_however_it_is_written(heading: str) -> None:
    loose = unicodedata.normalize("NFD", heading)
    bare = "".join(char for char in loose if not unicodedata.combining(char))
    for written in {heading, heading.upper(), heading.lower(), loose, bare, f"  {heading} "}:
        assert pairs(f"{written},nombre\n12,Ana\n13,Xu\n") == [("12", "Ana"), ("13", "Xu")], written
        assert pairs(f"Nombre;{written}\nAna;12\nXu;13\n") == [("12", "Ana"), ("13", "Xu")], written


def test_columns_in_any_order_with_any_separator_and_line_end_say_the_same() -> None:
    table = (("Nº", "1", "2"), ("Apellidos", "Núñez", "Li"), ("Nombre", "Ana", "Xu"), ("Nota", "", "5"))
    made = set()
    for columns, mark, end in product(permutations(table), ",;\t", ("\n", "\r", "\r\n")):
        text = "".join(mark.join(row) + end for row in zip(*columns, strict=True))
        made.add(tuple(roster_of(text, "r.csv")))
    assert made == {(Student(id="1", name="Ana Núñez", number=1), Student(id="2", name="Xu Li", number=2))}


def test_an_email_is_an_id_where_there_is_no_other() -> None:
    namesakes = "nombre,apellidos,email\nAna,Gil,a@b\nAna,Gil,a@c\n"
    assert pairs(namesakes) == [("a@b", "Ana Gil"), ("a@c", "Ana Gil")]
    assert pairs("Nombre,Número de ID,Correo\nAna,,a@b\nXu,,x@b\n") == [("a@b", "Ana"), ("x@b", "Xu")]
    assert pairs("Alumno,Correo\nAna Gil,a@b\n") == [("a@b", "Ana Gil")]
    with pytest.raises(RosterError, match=r"r\.csv:3: there is no id in this line \(Xu, x@b\)"):
        roster_of("Nombre,Número de ID,Correo\nAna,12,a@b\nXu,,x@b\n", "r.csv")


@pytest.mark.parametrize(
    "head", ["Nombre,Apellidos", "Name,Group", "Apellido(s);Nombre;Grupo", "Alumno,Nota", "student,section"]
)
def test_headings_without_an_id_are_refused_with_those_that_are_right(head: str) -> None:
    rest = head.replace("Nombre", "Ana").replace("Alumno", "Ana Gil").replace("student", "Ana Gil")
    with pytest.raises(RosterError, match=r"^r\.csv:2: none of these headings is an id: ") as caught:
        roster_of(f"\n{head}\n{rest.replace('Name', 'Xu')}\n", "r.csv")
    _, _, advice = str(caught.value).partition("Call the column of what tells students apart ")
    advised = advice.partition(")")[0]
    assert {"id", "DNI", "matrícula"} < set(re.split(r", | \(or ", advised))
    for one in re.split(r", | \(or ", advised):
        assert pairs(f"{one},name\n12,Ana\n") == [("12", "Ana")], one


@pytest.mark.parametrize("head", ["Vorname,Kennung", "Código postal,Calle", "x", "Ana,Gil"])
def test_a_first_line_in_which_nothing_is_known_is_no_student_among_numbers(head: str) -> None:
    with pytest.raises(RosterError, match=r"^r\.csv:1: these seem to be headings, and none of them is known"):
        roster_of(f"{head}\n12,Ana\n13,Xu\n", "r.csv")
    assert pairs(f"id,name\n{head}\n12,Ana\n")[0][0] == head.split(",")[0]  # as the message says


def test_a_roster_without_headings_has_none_lost() -> None:
    assert pairs("12,Nia\n13,Xu\n") == [("12", "Nia"), ("13", "Xu")]  # a name that is a heading elsewhere
    assert pairs("anag,Ana\nxuli,Xu\n") == [("anag", "Ana"), ("xuli", "Xu")]
    assert pairs("anag,Ana\nxuli2,Xu\nluis,Luis\n")[0] == ("anag", "Ana")
    assert pairs("ana@b.es,Ana\nxu2@b.es,Xu\n")[0] == ("ana@b.es", "Ana")
    assert pairs("anag,Ana\n") == [("anag", "Ana")]
    assert pairs("Student\n12\n13\n") == [("12", ""), ("13", "")]


# --- lines --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_lines_are_counted_however_they_end(tmp_path: Path, end: str) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes(end.join(("id,name", "1,Ana", "", "2,Luis", "")).encode())
    assert [one.id for one in read_roster(path)] == ["1", "2"]
    for last, said in (
        (b"1,Eva", "r.csv:5: the id '1' is that of line 2 too"),
        (b",Eva", "r.csv:5: there is no id in this line"),
        (b"3,Garc\xeda", "r.csv:5: this is not UTF-8"),
        (b'3,"Eva' + end.encode() + b"4,Xu", "r.csv:5: this line is no CSV: a quotation mark is opened"),
    ):
        path.write_bytes(end.join(("id,name", "1,Ana", "", "2,Luis", "")).encode() + last)
        with pytest.raises(RosterError) as caught:
            read_roster(path)
        assert said in str(caught.value)
        assert "universal-newline" not in str(caught.value)


# --- exam files ---------------------------------------------------------------------------------------


def faults(text: str) -> list[tuple[int | None, str]]:
    with pytest.raises(ExerciseError) as caught:
        exam_of(text, file="e.toml")
    return [(fault.line, str(fault)) for fault in caught.value.faults]


def some_exam(rules: Sequence[str] = (), head: str = "") -> str:
    question = "[questions.q]\nexercise = 'neurona'\npoints = { z = 1, dz = 1 }\n[questions.q.rules]"
    return "\n".join((head, question, *rules))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere", "Bundled exams: "), ("no/where.toml", "Bundled exams: "), ("neurona", "examen-neurona"),
        ("examen-cap", "examen-capa"), ("mine", "Did you mean mine.toml?"),
    ],
)  # fmt: skip
def test_an_exam_that_is_not_there_is_answered_with_exams(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(some_exam())
    with pytest.raises(ExerciseError) as caught:
        load_exam(name)
    (fault,) = caught.value.faults
    assert fault.message == "there is no such file"
    assert said in fault.suggestion
    assert "xercise" not in fault.suggestion
    if "Bundled" in said:
        assert all(exam in fault.suggestion for exam in bundled_exams())
        assert not any(f" {exercise}," in fault.suggestion for exercise in bundled())
    for command in ("exam", "stress"):
        assert cli.run([command, name]) == 2
        assert str(fault) in capsys.readouterr().err


def test_what_else_is_wrong_with_a_file_is_said_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ExerciseError, match="this is a folder"):
        load_exam(tmp_path)
    with pytest.raises(ExerciseError, match="cannot be read"):
        load_exam("a" * (os.pathconf("/", "PC_NAME_MAX") + 1))


def test_questions_whose_folders_would_be_one_are_refused() -> None:
    question = "[questions.{}]\nexercise = 'neurona'\npoints = {{ z = 1 }}\n"
    text = "".join(map(question.format, ("Capa", "otra", "capa", "CAPA")))
    found = faults(text)
    assert [line for line, _ in found] == [7, 10]
    assert "capa and Capa" in found[0][1]
    assert "CAPA and Capa" in found[1][1]
    assert len(exam_of("".join(map(question.format, ("capa", "capa2")))).questions) == 2


@pytest.mark.parametrize(
    ("title", "line"),
    [
        ('title = ""', 2), ('title = " \\t"', 2), ("title = {}", 2), ('title = { es = "", en = "T" }', 2),
        ('[title]\nen = "T"\nes = ""', 4),
    ],
)  # fmt: skip
def test_an_empty_title_is_refused_with_its_line(title: str, line: int) -> None:
    (found,) = faults(some_exam(head=f"# 1\n{title}"))
    assert found[0] == line
    assert "the title is empty" in found[1]


def test_other_texts_may_be_empty_and_a_title_left_out() -> None:
    exam = exam_of(some_exam(head='date = ""\ncourse = ""\ninstructions = ""'))
    assert (exam.title, exam.date, exam.course) == ({}, "", {})
    assert exam_of(some_exam(head='title = "T"')).title == {"en": "T"}


@pytest.mark.parametrize(
    ("rules", "line", "said"),
    [
        (("min_preactivation = 99", "max_preactivation = 20"), 6, "= 99 is above max_preactivation = 20:"),
        (("max_preactivation = 20", "min_preactivation = '41/2'"), 7, "= 41/2 is above max_preactivation"),
        (("min_preactivation = 13",), 6, "= 13 is above max_preactivation = 12 (which holds"),
        (("no_zero = false", "max_preactivation = 0.5"), 7, "= 1 (which holds where nothing is said) is"),
        (("max_preactivation = 0", "min_preactivation = false"), 6, "every pre-activation would be 0"),
        (("max_error = 0",), 6, "output and target would be equal"),
        (("max_product = 0",), 6, "every product would be 0"),
        (("active = 0",), 6, "no unit active"),
    ],
)
def test_rules_that_nothing_obeys_are_refused_with_their_line(
    rules: Sequence[str], line: int, said: str
) -> None:
    (found,) = faults(some_exam(rules))
    assert found[0] == line
    assert said in found[1]
    advice = found[1].rpartition("Write ")[2].rstrip(".").partition(" or")[0].partition(",")[0]
    kept = [rule for rule in rules if not rule.startswith(advice.partition(" ")[0])]
    exam_of(some_exam([*kept, advice]))  # what is advised is right


def test_every_contradiction_is_said_at_once() -> None:
    """The tester's file; and one bound alone that is wrong is one fault."""
    found = faults(some_exam(("active = 0", "min_preactivation = 99", "max_preactivation = 0")))
    assert [line for line, _ in found] == [6, 8, 8]
    assert "min_preactivation = 99 is above max_preactivation = 0: no number is both" in found[2][1]
    assert "Write max_preactivation = 99 or more." in found[2][1]
    for rule in ("max_preactivation = 0", "max_preactivation = -1", "min_preactivation = -1"):
        assert len(faults(some_exam((rule,)))) == 1, rule


def test_the_narrowest_window_still_has_numbers() -> None:
    """Bounds that are equal contradict nothing; and a bound that is left out is none."""
    for rules, low, high in (
        (("min_preactivation = 5", "max_preactivation = 5"), 5, 5),
        (("min_preactivation = 13", "max_preactivation = false"), 13, 1000),
    ):
        (questioned,) = Maker.of(exam_of(some_exam(rules))).questions
        (z,) = questioned.sheet(questioned.build(b"", "1"), b"", "1").key["z"].entries
        assert low <= abs(z) <= high


# --- files that never end ----------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs /dev/zero")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("exam", "examen-neurona", "--roster", "/dev/zero"), "/dev/zero: more than 10,000,000 bytes"),
        (("exam", "examen-neurona", "--secret-file", "/dev/zero"), "a secret has from 16 to 4096"),
        (("grade", "/dev/zero", "--exam", "output/examen-neurona"), "/dev/zero: more than 10,000,000 bytes"),
    ],
)
def test_a_file_without_an_end_is_refused(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert cli.run(["exam", "examen-neurona", "--variants", "1", "--to", "keys"]) == 0
    assert cli.run(list(arguments)) == 2
    assert said in capsys.readouterr().err
