"""Grading: what is read, what it earns, and what goes to a person. Marks are worked out here by hand."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from symbackprop.algebra.values.arrays import Array
from symbackprop.exams.file import bundled_exams, exam_of
from symbackprop.exams.grading import Grader, grade, table_text
from symbackprop.exams.grading_derivations import Source, about
from symbackprop.exams.grading_model import Graded, GradingError, PartMark, StudentMarks
from symbackprop.exams.grading_numbers import Unread, Written, read_cells, read_number, read_numbers
from symbackprop.exams.grading_sections import line_named, sections
from symbackprop.exams.manifest import Issued, Manifest, Planted, planted_in, read_manifest, written
from symbackprop.exams.model import Exam, Sheet, Student, Variant
from symbackprop.exams.variants import KeyMismatch, Maker

SECRET = b"a secret of sixteen bytes"
EXAMS = tuple(bundled_exams())
Values = Sequence[Fraction | int]


class Sitting:
    """An exam that was handed out to some students, and its manifest."""

    def __init__(self, name: str, count: int = 12, change: tuple[str, str] = ("[", "[")) -> None:
        text = bundled_exams()[name].read_text("utf-8").replace(*change)
        self.exam: Exam = exam_of(text, key=name)
        maker = Maker.of(self.exam)
        students = [Student(id=f"s{n}", name=f"Student {n}", number=n) for n in range(1, count + 1)]
        self.variants: list[Variant] = list(maker.variants(students, SECRET))
        issued = [
            Issued(student=one.student, code=f"c0de{one.student.number:04}", sheets=one.sheets)
            for one in self.variants
        ]
        self.text = "".join(written(self.exam.key, text, issued))
        self.manifest: Manifest = read_manifest(self.text)
        self.grader = Grader.of(self.manifest)

    def sheet(self, student: int = 1, question: int = 0) -> Sheet:
        return self.variants[student - 1].sheets[question]

    def key(self, name: str, student: int = 1, question: int = 0) -> Array[Fraction]:
        return self.sheet(student, question).key[name]

    def rows(self, student: int = 1, without: Sequence[str] = (), **changed: Values) -> list[str]:
        """Right answers of a student to all that asks for numbers in the first question, some changed."""
        question = self.exam.questions[0]
        made = []
        for part in question.parts:
            if part.kind == "value" and part.id not in without:
                entries = changed.get(part.id, self.key(part.name, student).entries)
                made.append(f"s{student};{question.id};{part.id};{shown(entries)}")
        return made

    def graded(self, *rows: str, mark: str = ",") -> Graded:
        return self.grader.table("\n".join(("student;question;part;values", *rows)), "answers.csv", mark)


def shown(entries: Values) -> str:
    """Numbers as they are typed: decimals with a comma where they end, else fractions."""
    return " ".join(map(_shown, map(Fraction, entries)))


def _shown(value: Fraction) -> str:
    scaled = value * 1000
    if scaled.denominator != 1:
        return f"{value.numerator}/{value.denominator}"
    sign, digits = "-" if value < 0 else "", f"{abs(scaled.numerator):04}"
    return f"{sign}{digits[:-3]},{digits[-3:]}".rstrip("0").rstrip(",")


def one(graded: Graded, student: str = "s1") -> StudentMarks:
    return next(found for found in graded.students if found.student.id == student)


def part(graded: Graded, name: str, student: str = "s1") -> PartMark:
    return next(found for found in one(graded, student).parts if found.step.part.id == name)


def doubts(graded: Graded) -> list[tuple[str, int, str, str]]:
    return [(found.student, found.line, found.part, found.why) for found in graded.doubts]


@pytest.fixture(scope="module")
def layer() -> Sitting:
    return Sitting("examen-capa")


@pytest.fixture(scope="module")
def network() -> Sitting:
    return Sitting("examen-red")


@pytest.fixture(scope="module")
def neuron() -> Sitting:
    return Sitting("examen-neurona")


# --- numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "mark", "value"),
    [
        ("0,375", ",", "3/8"), ("0.375", ",", "3/8"), ("0.375", ".", "3/8"), ("-4", ",", "-4"),
        ("−4", ",", "-4"), ("–4", ".", "-4"), ("+4", ".", "4"), ("1/3", ",", "1/3"), ("-2/6", ",", "-1/3"),
        ("0,5/2", ",", "1/4"), ("1.5e0", ".", "3/2"), ("12,5e-1", ",", "5/4"), (",5", ",", "1/2"),
        ("1.234", ".", "617/500"), ("≈ 0,33", ",", "33/100"), ("4.", ".", "4"), ("1 / 3", ".", "1/3"),
    ],
)  # fmt: skip
def test_numbers_are_read_exactly(text: str, mark: str, value: str) -> None:
    (cell,) = read_numbers(text, 1, mark).cells
    assert cell is not None
    assert cell.value == Fraction(value)


@pytest.mark.parametrize(
    ("text", "mark", "why"),
    [
        ("x?", ",", "number"), ("1/0", ",", "number"), ("=cmd()", ",", "number"), ("-", ",", "number"),
        ("1e999", ".", "number"), ("9" * 300, ".", "number"), ("nan", ".", "number"), ("∞", ".", "number"),
        ("1.234", ",", "grouped"), ("1,234.5", ",", "count"), ("1 1/2", ",", "count"),
        ("4,5 3", ",", "count"),
        ("__import__('os')", ".", "number"),
    ],
)  # fmt: skip
def test_what_is_no_number_or_two_is_not_guessed(text: str, mark: str, why: str) -> None:
    with pytest.raises(Unread) as problem:
        read_numbers(text, 1, mark)
    assert problem.value.why == why


@pytest.mark.parametrize(
    ("text", "mark", "values", "shape"),
    [
        ("1 2 3; 4 5 6", ",", "1 2 3 4 5 6", (2, 3)),
        ("[[1, 2], [3, 4]]", ".", "1 2 3 4", (2, 2)),
        ("(8; 0)", ",", "8 0", None),
        ("1;2;3;4", ",", "1 2 3 4", None),
        ("24,32,16", ".", "24 32 16", None),
        ("24,32,16", ",", "24 32 16", None),
        ("4,-4", ",", "4 -4", None),
        ("0,5 1,5", ",", "1/2 3/2", None),
        ("(-6, 3)", ",", "-6 3", None),
        ("dW = [1, 2; 3, 4]", ".", "1 2 3 4", (2, 2)),
        ("1 2\n3 4", ".", "1 2 3 4", (2, 2)),
    ],
)
def test_arrays_are_read_row_by_row(text: str, mark: str, values: str, shape: tuple[int, ...] | None) -> None:
    due = [Fraction(value) for value in values.split()]
    made = read_numbers(text, len(due), mark)
    assert [cell and cell.value for cell in made.cells] == due
    assert made.shape == shape


def test_a_comma_that_may_be_decimal_or_not_is_not_taken_for_two_numbers() -> None:
    with pytest.raises(Unread) as problem:
        read_numbers("4,5", 2, ",")
    assert problem.value.why == "count"
    assert [cell and cell.value for cell in read_numbers("4,5", 2, ".").cells] == [4, 5]


@pytest.mark.parametrize(
    ("cells", "count", "values"),
    [
        (["4", "-4", "", "", ""], 2, "4 -4"), (["4", "", "", ""], 2, "4 ?"), (["", "4"], 2, "? 4"),
        (["1 2 3", "4 5 6"], 6, "1 2 3 4 5 6"), (["1 2 3 4 5 6", "", ""], 6, "1 2 3 4 5 6"),
        (["1", "", "3"], 3, "1 ? 3"), (["", "", ""], 3, "? ? ?"), (["0,5", "1/3"], 2, "1/2 1/3"),
    ],
)  # fmt: skip
def test_columns_left_empty_are_numbers_left_out(cells: list[str], count: int, values: str) -> None:
    made = [None if value == "?" else Fraction(value) for value in values.split()]
    assert [cell and cell.value for cell in read_cells(cells, count, ",").cells] == made


@pytest.mark.parametrize("cells", [["4"], ["1", "2", "3"], ["0", "375", "1"], ["4", "5", "x"]])
def test_too_few_or_too_many_numbers_are_a_doubt(cells: list[str]) -> None:
    with pytest.raises(Unread):
        read_cells(cells, 2, ",")


@pytest.mark.parametrize(
    ("text", "due", "found"),
    [
        ("0.333", "1/3", "rounded"), ("0.33", "1/3", "rounded"), ("0.3", "1/3", None),
        ("0.334", "1/3", None), ("0.67", "2/3", "rounded"), ("0.66", "2/3", None),
        ("333", "1000/3", "rounded"), ("33", "100/3", None), ("33.3", "100/3", "rounded"),
        ("0.00", "1/300", None), ("0.13", "1/8", "rounded"), ("0.12", "1/8", "rounded"),
        ("-0.667", "-2/3", "rounded"), ("0.667", "-2/3", None), ("124", "123", None),
        ("0.5", "1/2", "right"), ("1/2", "1/2", "right"), ("3.3e1", "100/3", None),
    ],
)  # fmt: skip
def test_a_rounded_number_is_right_if_it_is_correctly_rounded(text: str, due: str, found: str | None) -> None:
    made: Written = read_number(text, ".")
    assert made.agrees(Fraction(due)) == found


# --- full marks, and none ------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMS)
def test_keys_earn_everything_in_every_bundled_exam(name: str) -> None:
    sitting = Sitting(name, 6)
    rows = [row for student in range(1, 7) for row in sitting.rows(student)]
    for variant in sitting.variants:
        for question, sheet in zip(sitting.exam.questions, variant.sheets, strict=True):
            for asked in question.parts:
                start = f"{variant.student.id};{question.id};{asked.id};"
                if asked.kind == "mistake":
                    fault = sheet.faulty[asked.id]
                    rows.append(f"{start}línea {fault.at + 1}: {shown(fault.right.array.entries)}")
                if asked.kind == "derive":
                    rows.append(start + f'"{"; ".join(FORMULAS[name] for name in asked.names)}"')
    graded = sitting.graded(*rows)
    assert graded.doubts == ()
    assert {student.total for student in graded.students} == {sitting.exam.points}
    assert all(mark.full for student in graded.students for mark in student.parts)


FORMULAS = {
    "dz": "dz = dyhat * relu'(z)", "dW": "dW = dz x^T", "dx": "dx = W^T dz", "dW2": "dW2 = dyhat a1^T",
    "dz1": "dz1 = da1 * relu'(z1)", "dW1": "dW1 = dz1 x^T",
}  # fmt: skip
"""Worked out by hand."""


@pytest.mark.parametrize("name", EXAMS)
def test_all_zeros_earn_a_tenth_at_most(name: str) -> None:
    sitting = Sitting(name, 10)
    question = sitting.exam.questions[0]
    asked = [found for found in question.parts if found.kind == "value"]
    rows = [
        f"s{n};{question.id};{found.id};{shown([0] * len(sitting.key(found.name, n).entries))}"
        for n in range(1, 11) for found in asked
    ]  # fmt: skip
    graded = sitting.graded(*rows)
    for student in graded.students:
        won = sum((mark.points or 0 for mark in student.parts), Fraction(0))
        assert won <= sitting.exam.points / 10
        assert all("follows" not in mark.cells and not mark.explained for mark in student.parts)


def test_no_strategy_of_zeros_after_something_cheap_earns_more(layer: Sitting) -> None:
    """Negative z, so that every unit is dead, and then zeros that would follow from it."""
    rows = layer.rows(1, z=[-1, -1], yhat=[0, 0], dz=[0, 0], dW=[0] * 6, db=[0, 0], dx=[0, 0, 0], L=[1],
                      dyhat=[1, 1])  # fmt: skip
    assert one(layer.graded(*rows)).total <= 2


# --- what follows --------------------------------------------------------------------------------


def carried(sitting: Sitting, student: int, dz: list[Fraction]) -> dict[str, list[Fraction]]:
    """dW = dz xᵀ, db = dz, dx = Wᵀ dz, worked out here."""
    values = sitting.sheet(student).values
    weights, x = list(values["W"].rows()), values["x"].entries
    return {
        "dz": dz, "db": dz, "dW": [a * b for a in dz for b in x],
        "dx": [sum((weights[i][j] * dz[i] for i in range(len(dz))), Fraction(0)) for j in range(len(x))],
    }  # fmt: skip


@pytest.mark.parametrize("student", range(1, 9))
def test_an_error_is_paid_for_once(layer: Sitting, student: int) -> None:
    key = layer.key("dz", student).entries
    wrong = [value + 1 if value else value for value in key]
    if wrong.count(0) != key.count(Fraction(0)):
        wrong = [value + 2 if value else value for value in key]
    graded = layer.graded(*layer.rows(student, **carried(layer, student, wrong)))
    name = f"s{student}"
    zero = part(graded, "dz", name).step.numbers[key.index(Fraction(0))]
    assert part(graded, "dz", name).points == zero  # the dead unit's own mark
    for found in ("dW", "db", "dx"):
        mark = part(graded, found, name)
        assert mark.points == mark.step.points, found
        assert set(mark.cells) <= {"follows", "right"}, found
    assert one(graded, name).total == 14 - 2 + zero


def test_nothing_follows_from_zeros(layer: Sitting) -> None:
    graded = layer.graded(*layer.rows(1, **carried(layer, 1, [Fraction(0), Fraction(0)])))
    assert [part(graded, found).points for found in ("dW", "db", "dx")] == [0, 0, 0]


def test_the_order_of_the_paper_does_not_matter_to_what_follows() -> None:
    """dW is asked before dz, which it follows from."""
    sitting = Sitting("examen-capa", 2, ("dz = 2\ndW = 3", "dW = 3\ndz = 2"))
    asked = [found.id for found in sitting.exam.questions[0].parts]
    assert asked.index("dW") < asked.index("dz")
    wrong = [value + 1 if value else value for value in sitting.key("dz").entries]
    graded = sitting.graded(*sitting.rows(1, **carried(sitting, 1, wrong)))
    assert [found.step.part.id for found in one(graded).parts[:8]] == asked
    assert part(graded, "dW").points == 3
    assert "follows" in part(graded, "dW").cells


def test_what_follows_is_read__through_what_is_not_asked(network: Sitting) -> None:
    """a1 = relu(z1) of the student's own z1; ŷ = W2 a1 + b2 of their own a1."""
    sheet = network.sheet(1)
    z1 = [value + 1 if value > 0 else value for value in sheet.key["z1"].entries]
    a1 = [max(value, Fraction(0)) for value in z1]
    weights = list(sheet.values["W2"].rows())
    yhat = [sum((w * a for w, a in zip(row, a1, strict=True)), b)
            for row, b in zip(weights, sheet.values["b2"].entries, strict=True)]  # fmt: skip
    graded = network.graded(*network.rows(1, z1=z1, a1=a1, yhat=yhat))
    assert part(graded, "a1").full
    assert part(graded, "yhat").full
    assert part(graded, "L").full  # the right value is right, whatever came before
    assert part(graded, "z1").points == Fraction(2, 3) * sum(v <= 0 for v in sheet.key["z1"].entries)


# --- common mistakes -----------------------------------------------------------------------------


def test_a_common_mistake_earns_its_share_and_is_named(layer: Sitting) -> None:
    """The rubric's half for each number that is what the mistake gives; dz with g' forgotten is dŷ."""
    dyhat, dz = layer.key("dyhat"), layer.key("dz")
    graded = layer.graded(*layer.rows(1, without=("dW", "db", "dx"), dz=dyhat.entries))
    mark = part(graded, "dz")
    assert [found.id for found in mark.mistakes] == ["slope_missing"]
    dead = dz.entries.index(Fraction(0))
    right = 1 - dead
    assert mark.cells[right] == "right"
    assert mark.cells[dead] == "mistake"
    assert mark.points == mark.step.numbers[right] + mark.step.numbers[dead] / 2


@pytest.mark.parametrize("name", EXAMS)
def test_every_mistake_of_the_rubric_earns_its_credit(name: str) -> None:
    """Each wrong answer by itself, all others right: what the rubric says, or more where it follows."""
    sitting = Sitting(name, 1)
    marked = 0
    for slip in sitting.sheet().wrong:
        graded = sitting.graded(*sitting.rows(1, **{slip.part: slip.array.entries}))
        mark = part(graded, slip.part)
        due = next(found for found in mark.step.mistakes if found.slip.array == slip.array)
        points, key = mark.step.numbers, mark.step.key
        assert key is not None
        same = [value == right for value, right in zip(slip.array.entries, key.entries, strict=False)]
        own = sum((one for one, equal in zip(points, same, strict=False) if equal), Fraction(0))
        if len(slip.array.entries) != len(points):
            own = Fraction(0)
        assert mark.points == own + sum(due.credit, Fraction(0)), (slip.part, slip.mistake)
        told = slip.mistake in [found.id for found in mark.mistakes]
        assert told or mark.full or not any(slip.array.entries), (slip.part, slip.mistake)
        marked += 1
    assert marked > 20


def test_numbers_of_another_shape_are_marked_where_a_mistake_gives_them(layer: Sitting) -> None:
    """dz added up to one number: as many numbers as that mistake gives, and none of the right shape."""
    total = sum(layer.key("dz", 1).entries, Fraction(0))
    graded = layer.graded(*layer.rows(1, db=[total]))
    assert doubts(graded)[0][3] == "skipped"
    mark = part(graded, "db")
    assert (mark.points, mark.shape) == (0, True)
    assert [found.id for found in mark.mistakes] == ["summed"]


def test_a_transposed_matrix_is_not_read_as_if_it_were_right(layer: Sitting) -> None:
    rows = list(layer.key("dW").rows())
    turned = "; ".join(shown([row[at] for row in rows]) for at in range(len(rows[0])))
    graded = layer.graded(*layer.rows(1, without=("dW",)), f's1;capa;dW;"{turned}"')
    mark = part(graded, "dW")
    assert (mark.points, mark.shape) == (0, True)
    assert "result_transposed" in [found.id for found in mark.mistakes]


# --- what cannot be read -------------------------------------------------------------------------


def test_what_cannot_be_read_goes_to_a_person_and_is_never_wrong(layer: Sitting) -> None:
    graded = layer.graded(*layer.rows(1, without=("z", "dz")), "s1;capa;z;x? 3", "s1;capa;dz;1 2 3")
    assert ("s1", 8, "z", "number") in doubts(graded)
    assert ("s1", 9, "dz", "count") in doubts(graded)
    assert part(graded, "z").points is None
    assert part(graded, "dz").points is None
    assert all(part(graded, name).full for name in ("yhat", "L", "dyhat", "dW", "db", "dx"))
    assert one(graded).total == 10


def test_what_may_follow_from_something_unread_is_not_marked_wrong(layer: Sitting) -> None:
    graded = layer.graded(*layer.rows(1, without=("dz",), dW=[7] * 6), "s1;capa;dz;¿8?")
    assert part(graded, "dW").points is None
    assert ("s1", 6, "dW", "after") in doubts(graded)
    assert part(graded, "dx").full


def test_an_answer_given_twice_is_a_doubt_unless_it_is_the_same(layer: Sitting) -> None:
    value = shown(layer.key("L").entries)
    same = layer.graded(*layer.rows(1), f"s1;capa;L;{value},0" if "," not in value else f"s1;capa;L;{value}0")
    assert part(same, "L").full
    other = layer.graded(*layer.rows(1), "s1;capa;L;123")
    assert part(other, "L").points is None
    assert [found[:2] for found in doubts(other) if found[3] == "twice"] == [("s1", 4), ("s1", 10)]


def test_unknown_students_questions_and_parts_are_named_with_their_lines(layer: Sitting) -> None:
    graded = layer.graded("nobody;capa;z;1 2", "s2;other;z;1 2", "s2;capa;dQ;1", "s3;capa;L;5")
    found = [(one.line, one.why, one.student) for one in graded.doubts if one.why != "skipped"]
    assert found == [(2, "student", "nobody"), (3, "question", "s2"), (4, "part", "s2")]
    assert one(graded, "s2").present  # something of theirs is there: no part of it is wrong
    assert all(mark.points is None for mark in one(graded, "s2").parts)
    assert not one(graded, "s1").present


def test_who_answers_nothing_is_absent_and_parts_left_out_earn_nothing(
    layer: Sitting,
) -> None:
    blank = [f"s2;capa;{name};" for name in ("z", "yhat", "L")]
    graded = layer.graded(*layer.rows(1), *blank, "s3;capa;L;" + shown(layer.key("L", 3).entries))
    assert [student.present for student in graded.students[:4]] == [True, False, True, False]
    assert one(graded, "s3").total == 1
    assert part(graded, "z", "s3").points == 0
    assert part(graded, "z", "s3").answer is None


def test_a_part_of_which_nobody_has_an_answer_is_not_marked(layer: Sitting) -> None:
    graded = layer.graded(*layer.rows(1))
    mark = part(graded, "mistake")
    assert (mark.points, mark.skipped) == (None, True)
    assert doubts(graded) == [("", 0, "mistake", "skipped")]


def test_some_numbers_may_be_left_out(layer: Sitting) -> None:
    entries = layer.key("dx").entries
    table = f"student,question,part,a,b,c\ns1,capa,dx,{entries[0]},,{entries[2]}\n"
    mark = part(layer.grader.table(table, "a.csv"), "dx")
    assert mark.cells == ("right", "blank", "right")
    assert mark.points == 2


# --- tables ---------------------------------------------------------------------------------------


def same_answers(sitting: Sitting, build: Callable[[str, str, Array[Fraction]], str]) -> str:
    return "\n".join(
        build("s1", found.id, sitting.key(found.name)) for found in sitting.exam.questions[0].parts
        if found.kind == "value"
    )  # fmt: skip


TITLE = "una CAPA de dos neuronas"


def cells(array: Array[Fraction], mark: str, between: str) -> str:
    return between.join(shown([value]).replace(",", mark) for value in array.entries)


@pytest.mark.parametrize(
    ("head", "build", "mark"),
    [
        ("student,question,part,values", lambda s, p, a: f'{s},capa,{p},"{cells(a, ".", " ")}"', "."),
        ("", lambda s, p, a: f"{s},capa,{p},{cells(a, '.', ',')}", "."),
        ("", lambda s, p, a: f"{s},{p},{cells(a, '.', ' ')}", "."),
        ("Alumno;Apartado;Respuesta", lambda s, p, a: f"{s};{p};{cells(a, ',', ' ')}", ","),
        ("Matrícula;Ejercicio;Inciso;r1", lambda s, p, a: f"{s};1;{p};{cells(a, ',', ';')}", ","),
        ("id\tpart\tvalues", lambda s, p, a: f"{s}\t{p}\t{cells(a, ',', ' ')}", ","),
        ("part,name,student,values", lambda s, p, a: f"{p},X,{s},{cells(a, '.', ';')}", "."),
        ("code;part;values", lambda s, p, a: f"C0DE0001;capa.{p};{cells(a, ',', ' ')}", ","),
        ("number,question,part,v", lambda s, p, a: f"1,{TITLE},{p},{cells(a, '.', ' ')}", "."),
        ("student;part;values", lambda s, p, a: f'{s};{p};"[{cells(a, ",", "; ")}]"', ","),
        ("student;part;values", lambda s, p, a: f"{s};{p};{p} = {cells(a, ',', ' ')}", ","),
    ],
)  # fmt: skip
def test_tables_of_many_forms_say_the_same(
    layer: Sitting, head: str, build: Callable[[str, str, Array[Fraction]], str], mark: str
) -> None:
    text = "\n".join(filter(None, (head, same_answers(layer, build))))
    graded = layer.grader.table(text + "\n", "a.csv", mark)
    assert [found for found in doubts(graded) if found[3] != "skipped"] == []
    assert one(graded).total == 14


def test_a_line_for_each_student_is_a_table_too(layer: Sitting) -> None:
    parts = [found for found in layer.exam.questions[0].parts if found.kind == "value"]
    head = ";".join(["Marca temporal", "Alumno", "Nombre", *(found.id for found in parts), "error.mistake"])
    lines = [
        ";".join(["1/1", f"s{n}", "X", *(shown(layer.key(found.name, n).entries) for found in parts), ""])
        for n in (1, 2)
    ]
    graded = layer.grader.table("\n".join((head, *lines)), "a.csv", ",")
    assert graded.doubts == ()
    assert [one(graded, name).total for name in ("s1", "s2")] == [14, 14]
    assert part(graded, "mistake", "s1").points == 0


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("ŷ", "yhat"), ("dŷ", "dyhat"), ("∂L/∂W", "dW"), ("dL/dz", "dz"), ("DX", "dx"), ("a)", "z"),
        ("(c)", "L"), (r"d\hat{y}", "dyhat"),
    ],
)  # fmt: skip
def test_parts_are_called_as_people_call_them(layer: Sitting, name: str, found: str) -> None:
    graded = layer.graded(f"s1;capa;{name};{shown(layer.key(found).entries)}")
    assert part(graded, found).full


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no answers"),
        ("\n\n", "no answers"),
        ("one,two,three\n1,2,3\n", "no part of the exam is named here"),
        ("student,height\ns1,180\n", "no column says which part"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_with_what_would_be_right(
    layer: Sitting, text: str, message: str
) -> None:
    with pytest.raises(GradingError, match=message) as problem:
        layer.grader.table(text, "a.csv")
    assert "student,question,part,values" in str(problem.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"student,part\n\xff\n")
    with pytest.raises(GradingError, match=r"a\.csv:2: this is not UTF-8"):
        table_text(path)
    with pytest.raises(GradingError, match="cannot be read"):
        table_text(tmp_path / "none.csv")


# --- mistakes to be found, and formulas -----------------------------------------------------------


@pytest.mark.parametrize("way", ["línea {}", "line {}", "{}", "({})", "Línea n.º {}", "l. {}"])
def test_the_line_that_is_wrong_is_worth_half_and_its_correction_the_rest(layer: Sitting, way: str) -> None:
    fault = layer.sheet(1, 1).faulty["mistake"]
    named = way.format(fault.at + 1)
    alone = layer.graded(f"s1;error;mistake;{named}")
    assert part(alone, "mistake").points == 3
    right = layer.graded(f"s1;error;mistake;{named}: {shown(fault.right.array.entries)}")
    assert part(right, "mistake").points == 6
    wrong = layer.graded(f"s1;error;mistake;{named}: {shown([v + 1 for v in fault.right.array.entries])}")
    assert part(wrong, "mistake").points == 3


def test_another_line_is_wrong_and_a_right_correction_of_it_is_for_a_person(layer: Sitting) -> None:
    fault = layer.sheet(1, 1).faulty["mistake"]
    other = 1 if fault.at else 2
    assert part(layer.graded(f"s1;error;mistake;{other}"), "mistake").points == 0
    both = layer.graded(f"s1;error;mistake;{other}: {shown(fault.right.array.entries)}")
    assert part(both, "mistake").points is None
    assert ("s1", 2, "mistake", "correction") in doubts(both)
    for text in ("99", "none", "z?"):
        unclear = layer.graded(f"s1;error;mistake;{text}")
        assert part(unclear, "mistake").points is None
        assert ("s1", 2, "mistake", "line_number") in doubts(unclear)


def test_the_manifest_keeps_which_mistake_was_to_be_found(layer: Sitting) -> None:
    made = [planted_in(variant.sheets[1]) for variant in layer.variants]
    kept = [list(issued.planted) for issued in layer.manifest.issued]
    assert kept == made
    assert all(len(found) == 1 and isinstance(found[0], Planted) for found in kept)
    again = "".join(written(layer.exam.key, layer.manifest.text, layer.manifest.issued))
    assert again == layer.text


def test_formulas_in_a_table_are_judged_by_the_checker(neuron: Sitting) -> None:
    graded = neuron.graded(
        f's1;neurona;derive;"{FORMULAS["dz"]}; {FORMULAS["dW"]}; dx = W dz"',
        's2;neurona;derive;"dz = dyhat relu\'(z); no idea"', "s3;neurona;derive;???",
    )  # fmt: skip
    assert part(graded, "derive", "s1").points == Fraction(4, 3) * 2
    assert [found.id for found in part(graded, "derive", "s1").mistakes] == ["transpose_missing"]
    assert part(graded, "derive", "s3").points is None


# --- derivations -----------------------------------------------------------------------------------


def column(array: Array[Fraction]) -> str:
    rows = array.rows() if len(array.shape) == 2 else [[value] for value in array.entries]
    return r"\begin{pmatrix}" + r"\\".join(" & ".join(map(str, row)) for row in rows) + r"\end{pmatrix}"


def derivation(sitting: Sitting, student: int = 1, **changed: str) -> str:
    """The first question of the exam of a layer, worked in Markdown, and the second one."""
    key = sitting.sheet(student).key
    fault = sitting.sheet(student, 1).faulty["mistake"]
    name = fault.right.name.replace("dyhat", r"d\hat y")
    lines = {
        "z": f"z = W x + b = {column(key['z'])}",
        "yhat": rf"\hat y = \mathrm{{ReLU}}(z) = {column(key['yhat'])}",
        "L": rf"L = \frac12 \|\hat y - y\|^2 = {column(key['L'])}",
        "dyhat": rf"\frac{{\partial L}}{{\partial \hat y}} = \hat y - y = {column(key['dyhat'])}",
        "dz": rf"dz = d\hat y \odot \mathrm{{ReLU}}'(z) = {column(key['dz'])}",
        "dW": rf"dW = dz\, x^T = {column(key['dW'])}", "db": f"db = dz = {column(key['db'])}",
        "dx": f"dx = W^T dz = {column(key['dx'])}",
    }  # fmt: skip
    lines |= {found: line for found, line in changed.items() if found in lines}
    second = changed.get(
        "second", f"La línea {fault.at + 1} está mal. Debe ser\n\n$$ {name} = {column(fault.right.array)} $$"
    )
    body = "\n\n".join(f"$$ {line} $$" for line in lines.values() if line)
    return f"# Ejercicio 1\n\n{body}\n\n# Ejercicio 2\n\n{second}\n"


def read_md(sitting: Sitting, text: str, name: str = "s1.md") -> Graded:
    return sitting.grader.derivations([Source(name, text, ".md")])


@pytest.mark.parametrize("student", [1, 2, 3, 4])
def test_a_right_derivation_earns_everything(layer: Sitting, student: int) -> None:
    graded = read_md(layer, derivation(layer, student), f"s{student}.md")
    assert graded.doubts == ()
    assert one(graded, f"s{student}").total == 20


def test_latex_reads_as_markdown_does(layer: Sitting) -> None:
    body = derivation(layer).replace("$$ ", r"\[ ").replace(" $$", r" \]")
    for number in (1, 2):
        body = body.replace(f"# Ejercicio {number}", rf"\section*{{Ejercicio {number}}}")
    whole = "\\documentclass{article}\n\\begin{document}\n" + body + "\\end{document}\n"
    assert one(layer.grader.derivations([Source("s1.tex", whole, ".tex")])).total == 20


def test_a_right_formula_earns_the_method_and_right_numbers_the_value(layer: Sitting) -> None:
    key = layer.key("dW")
    numbers, wrong = column(key), column(Array(key.shape, tuple(value + 1 for value in key.entries)))
    cases = {
        f"dW = dz x^T = {numbers}": 3, f"dW = {numbers}": 3, "dW = dz x^T": Fraction(3, 2),
        f"dW = dz x^T = {wrong}": Fraction(3, 2), "dW = x dz^T": 0,
    }  # fmt: skip
    for line, points in cases.items():
        assert part(read_md(layer, derivation(layer, dW=line)), "dW").points == points, line
    mixed = read_md(layer, derivation(layer, dx=f"dx = W dz = {column(layer.key('dx'))}"))
    assert part(mixed, "dx").points == Fraction(3, 2)  # the right numbers after a wrong formula
    assert [found.id for found in part(mixed, "dx").mistakes] == ["transpose_missing"]


def test_a_derivation_carries_an_error_once(layer: Sitting) -> None:
    key = layer.key("dz").entries
    wrong = [value + 1 if value else value for value in key]
    follows = carried(layer, 1, wrong)
    shapes = {"dz": (2,), "db": (2,), "dW": (2, 3), "dx": (3,)}
    arrays = {name: column(Array(shapes[name], tuple(values))) for name, values in follows.items()}
    text = derivation(
        layer, dz=rf"dz = d\hat y \odot \mathrm{{ReLU}}'(z) = {arrays['dz']}",
        dW=f"dW = dz x^T = {arrays['dW']}", db=f"db = {arrays['db']}", dx=f"dx = W^T dz = {arrays['dx']}",
    )  # fmt: skip
    graded = read_md(layer, text)
    zero = part(graded, "dz").step.numbers[key.index(Fraction(0))]
    assert part(graded, "dz").points == 1 + zero / 2  # the method, and the dead unit's half of the value
    assert [part(graded, name).points for name in ("dW", "db", "dx")] == [3, 1, 3]


def test_a_derivation_earns_nothing_by_following_from_zeros(layer: Sitting) -> None:
    text = derivation(
        layer, dz="dz = (0, 0)", dW="dW = (0, 0, 0; 0, 0, 0)", db="db = (0, 0)", dx="dx = (0, 0, 0)"
    )
    graded = read_md(layer, text)
    assert [part(graded, name).points for name in ("db", "dx")] == [0, 0]
    assert "follows" not in part(graded, "dW").cells


def test_entries_one_by_one_are_an_array(layer: Sitting) -> None:
    key = layer.key("dz").entries
    line = f"dz_1 = {key[0]} $$\n\n$$ dz_2 = {key[1]}"
    graded = read_md(layer, derivation(layer, dz=line, db="db = dz"))
    assert part(graded, "dz").points == 2
    assert part(graded, "db").points == 1  # the numbers of what it is equal to


def test_an_unreadable_line_is_for_a_person_where_nothing_else_is_said(layer: Sitting) -> None:
    graded = read_md(layer, derivation(layer, dx=r"dx = \frac{{{"))
    assert part(graded, "dx").points is None
    assert [(found.part, found.why, found.line) for found in graded.doubts] == [("dx", "unread", 17)]
    right = f"dx = W^T dz = {column(layer.key('dx'))}"
    both = read_md(layer, derivation(layer, dx=right + " $$\n\n$$ dx = \\frac{{{"))
    assert both.doubts == ()
    assert part(both, "dx").full


def test_which_line_is_wrong_has_to_be_clear(layer: Sitting) -> None:
    graded = read_md(layer, derivation(layer, second="No sé cuál es."))
    assert part(graded, "mistake").points is None
    assert [found.why for found in graded.doubts] == ["line"]


def test_without_headings_a_statement_belongs_to_the_question_in_which_it_is_right(layer: Sitting) -> None:
    text = derivation(layer).replace("# Ejercicio 1", "").replace("# Ejercicio 2", "")
    graded = read_md(layer, text)
    assert one(graded).total == 20


def test_code_that_computes_the_right_numbers_is_right(neuron: Sitting) -> None:
    values = {name: array.nested() for name, array in neuron.sheet().values.items()}
    given = "\n".join(
        f"{name} = np.array({str(value).replace('Fraction', '').replace(', 1)', ')')})"
        for name, value in values.items()
    )
    text = (
        f"import numpy as np\n{given}\nz = W @ x + b\nyhat = np.maximum(z, 0)\n"
        "L = 0.5 * np.sum((yhat - y)**2)\n"
        "dyhat = yhat - y\ndz = dyhat * (z >= 0)\ndW = np.outer(dz, x)\ndb = dz\ndx = W.T @ dz\n"
    )
    graded = neuron.grader.derivations([Source("s1.py", text, ".py")])
    assert one(graded).total == 14


def test_files_are_found_by_id_code_and_number_and_others_are_named(layer: Sitting, tmp_path: Path) -> None:
    for name, student in (("s1.md", 1), ("C0DE0002.md", 2), ("3.md", 3), ("0004-c0de0004.md", 4)):
        (tmp_path / name).write_text(derivation(layer, student), "utf-8")
    (tmp_path / "nobody.md").write_text("$z = 3$", "utf-8")
    (tmp_path / "s5.pdf").write_bytes(b"%PDF-1.7")
    (tmp_path / "s6.md").write_text(derivation(layer, 6), "utf-8")
    (tmp_path / "6.md").write_text(derivation(layer, 6), "utf-8")
    (tmp_path / ".hidden").write_text("x")
    graded = grade(tmp_path, layer.manifest, decimal_mark=",")
    assert [one(graded, f"s{n}").total for n in range(1, 5)] == [20] * 4
    assert [(found.file, found.why, found.student) for found in graded.doubts] == [
        ("6.md", "files", "s6"), ("nobody.md", "student", "nobody"), ("s5.pdf", "file", "s5"),
        ("s6.md", "files", "s6"),
    ]  # fmt: skip
    assert all(mark.points is None for name in ("s5", "s6") for mark in one(graded, name).parts)
    assert not one(graded, "s7").present


def test_a_file_in_which_nothing_is_recognised_is_for_a_person(layer: Sitting) -> None:
    graded = read_md(layer, "# Ejercicio 1\n\nNo lo sé hacer.\n")
    assert one(graded).present
    assert all(mark.points is None for mark in one(graded).parts)
    assert [(found.why, found.file) for found in graded.doubts] == [("nothing", "s1.md")]


def test_a_notebook_is_a_derivation(layer: Sitting) -> None:
    first, second = derivation(layer).split("# Ejercicio 2")
    cells = [{"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}
             for text in (first, "# Ejercicio 2" + second)]  # fmt: skip
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    assert one(layer.grader.derivations([Source("s1.ipynb", text, ".ipynb")])).total == 20


def test_an_empty_folder_is_refused(layer: Sitting, tmp_path: Path) -> None:
    with pytest.raises(GradingError, match="empty"):
        grade(tmp_path, layer.manifest)


def test_one_derivation_and_a_table_are_found_by_their_names(layer: Sitting, tmp_path: Path) -> None:
    alone = tmp_path / "s2.md"
    alone.write_text(derivation(layer, 2), "utf-8")
    assert one(grade(alone, layer.manifest), "s2").total == 20
    table = tmp_path / "answers.csv"
    table.write_text("\ufeffstudent;part;values\ns2;L;" + shown(layer.key("L", 2).entries), "utf-8")
    assert one(grade(table, layer.manifest, decimal_mark=","), "s2").total == 1
    (tmp_path / "folder").mkdir()
    found = grade(tmp_path, layer.manifest)
    files = [(doubt.file, doubt.why) for doubt in found.doubts]
    assert files == [("answers.csv", "file"), ("folder", "file")]


def test_a_false_statement_without_headings_that_may_be_about_two_questions_is_for_a_person(
    layer: Sitting,
) -> None:
    text = derivation(layer, dz="dz = (70, 71)").replace("# Ejercicio 1", "").replace("# Ejercicio 2", "")
    graded = read_md(layer, text)
    assert part(graded, "dz").points is None
    assert ("s1", 11, "dz", "which_question") in doubts(graded)
    assert all(part(graded, name).full for name in ("z", "yhat", "L", "dyhat", "dW", "db", "dx"))


@pytest.mark.parametrize(
    ("line", "question"),
    [
        ("# Ejercicio 2", "error"), ("**Pregunta 2.**", "error"), (r"\section*{Question 2}", "error"),
        ("## Buscar el error", "error"), ("Ejercicio n.º 2", "error"), ("Problem 2: gradients", "error"),
    ],
)  # fmt: skip
def test_headings_name_questions(layer: Sitting, line: str, question: str) -> None:
    found = sections(f"# Ejercicio 1\nz = 1\n{line}\nz = 2\n", ".md", layer.exam)
    assert found is not None
    assert found[question] == "\n\n" + line + "\nz = 2\n"
    assert found["capa"] == "# Ejercicio 1\nz = 1\n\n\n"


def test_headings_in_notebooks_divide_their_cells(layer: Sitting) -> None:
    def cell(kind: str, source: str) -> dict[str, str]:
        return {"cell_type": kind, "source": source}

    cells = [cell("markdown", "# Ejercicio 1"), cell("code", "z = 1"), cell("markdown", "# Ejercicio 2"),
             cell("code", "z = 2")]  # fmt: skip
    found = sections(json.dumps({"cells": cells}), ".ipynb", layer.exam)
    assert found is not None
    assert [one["source"] for one in json.loads(found["error"])["cells"]] == [
        "",
        "",
        "# Ejercicio 2",
        "z = 2",
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (r"\frac{\partial L}{\partial W} = \frac{", "dW"), (r"d\hat{y} = (", "dyhat"),
        (r"\mathbf{z} = (((", "z"),
        ("dz_1 = }", "dz"), ("hence {{", None), ("q = {{", None),
    ],
)  # fmt: skip
def test_what_an_unreadable_line_is_about(text: str, name: str | None) -> None:
    assert about(text, {"z", "dz", "dW", "yhat", "dyhat"}) == name


@pytest.mark.parametrize(
    ("text", "line"),
    [("La línea 6 está mal.", 6), ("Line (3): wrong", 3), ("línea 3 o línea 4", None), ("6", None),
     ("línea 5 … la línea 5", 5)],
)  # fmt: skip
def test_the_line_that_a_text_names(text: str, line: int | None) -> None:
    assert line_named(text) == line


# --- the manifest, and doing it again -----------------------------------------------------------------


def test_a_manifest_whose_key_is_another_is_not_graded_with(layer: Sitting) -> None:
    data = json.loads(layer.text)
    _, entries = data["students"][1]["sheets"][0]["key"]["dW"]
    entries[0] = str(Fraction(entries[0]) + 1)
    with pytest.raises(KeyMismatch, match="'s2', question capa: dW"):
        Grader.of(read_manifest(json.dumps(data)))


@pytest.mark.parametrize("change", ["shape", "fraction", "name", "question"])
def test_a_damaged_manifest_is_refused(layer: Sitting, change: str) -> None:
    data = json.loads(layer.text)
    values = data["students"][0]["sheets"][0]["values"]
    if change == "shape":
        values["W"][0] = [3, 2]
    elif change == "fraction":
        values["x"][1][0] = "1/7"
    elif change == "name":
        del values["b"]
    else:
        del data["students"][0]["sheets"][0]
    with pytest.raises(GradingError, match="manifest is damaged"):
        Grader.of(read_manifest(json.dumps(data)))


def test_grading_again_gives_the_same(layer: Sitting) -> None:
    rows = [*layer.rows(1, dz=[5, 5]), *layer.rows(2), "s3;capa;z;?"]
    first, second = layer.graded(*rows), Sitting("examen-capa").graded(*rows)
    assert [student.total for student in first.students] == [student.total for student in second.students]
    assert doubts(first) == doubts(second)


def test_a_thousand_students_take_a_few_seconds() -> None:
    """By the hundred here; a tenth of the time, with room for a slow machine."""
    sitting = Sitting("examen-red", 100)
    rows = [row for n in range(1, 101) for row in sitting.rows(n, dz1=[1, 2, 3])]
    started = time.perf_counter()
    grader = Grader.of(sitting.manifest)
    graded = replace(grader.table("\n".join(("student;question;part;values", *rows)), "a.csv", ","))
    assert time.perf_counter() - started < 4
    assert len(graded.students) == 100
