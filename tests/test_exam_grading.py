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
from symbackprop.exams.grading import Grader, grade
from symbackprop.exams.grading_derived import Source
from symbackprop.exams.grading_lines import line_named
from symbackprop.exams.grading_mentions import about
from symbackprop.exams.grading_model import Graded, GradingError, PartMark, StudentMarks
from symbackprop.exams.grading_numbers import Unread, Written, read_cells, read_number, read_numbers
from symbackprop.exams.grading_places import People
from symbackprop.exams.grading_sections import sections
from symbackprop.exams.manifest import Issued, Manifest, Planted, planted_in, read_manifest, written
from symbackprop.exams.marks import found_shares, loss
from symbackprop.exams.model import Exam, Sheet, Student, Variant
from symbackprop.exams.tables import table_text
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
        ("7 1/2", ",", "15/2"), ("-7 1/2", ",", "-15/2"), ("6,5.", ",", "13/2"),
        ("49/8 = 6.125", ",", "49/8"), ("49/8 = 6,125", ",", "49/8"), ("6,1 ≈ 49/8", ",", "49/8"),
        ("z = 1/3 ≈ 0,33", ",", "1/3"),
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
        ("1.234", ",", "grouped"), ("1,234.5", ",", "count"), ("1 3/2", ",", "count"),
        ("49/8 = 6,2", ",", "disagree"), ("6 = 7", ",", "disagree"), ("1/2 1/3", ",", "count"),
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
        ("(16 24 -32)^T", ",", "16 24 -32", None),
        ("(16, 24, -32)^{T}.", ",", "16 24 -32", None),
        ("[0,5 1,5]ᵀ", ",", "1/2 3/2", None),
        ("(1 2; 3 4; 5 6)^T", ",", "1 3 5 2 4 6", (2, 3)),
        ("7 1/2 -3 1/4", ",", "15/2 -13/4", None),
        ("7 1/2", ",", "7 1/2", None),
        ("(1/2 3) = (0,5 3)", ",", "1/2 3", None),
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
        share = mark.step.points / len(points)
        zeros = [points[at] for at, right in enumerate(key.entries)
                 if due.credit and not right and slip.array.entries[at]]  # fmt: skip
        expected = own + sum(due.credit, Fraction(0)) - sum((share - worth) / 2 for worth in zeros)
        if not due.credit and any(slip.array.entries):
            expected = max(expected, mark.step.points / 2)  # as a whole, in another shape
        assert mark.points == max(0, expected), (slip.part, slip.mistake)
        told = slip.mistake in [found.id for found in mark.mistakes]
        assert told or mark.full or not any(slip.array.entries), (slip.part, slip.mistake)
        marked += 1
    assert marked > 20


def test_numbers_of_another_shape_are_marked_where_a_mistake_gives_them(layer: Sitting) -> None:
    """dz added up to one number: half of the point, as for other mistakes."""
    total = sum(layer.key("dz", 1).entries, Fraction(0))
    graded = layer.graded(*layer.rows(1, db=[total]))
    assert doubts(graded)[0][3] == "skipped"
    mark = part(graded, "db")
    assert (mark.points, mark.shape) == (Fraction(1, 2), True)
    assert [found.id for found in mark.mistakes] == ["summed"]


def turned(array: Array[Fraction]) -> list[list[Fraction]]:
    rows = list(array.rows())
    return [[row[at] for row in rows] for at in range(len(rows[0]))]


def test_a_transposed_matrix_earns_the_share_of_a_mistake_however_it_is_written(layer: Sitting) -> None:
    rows = turned(layer.key("dW"))
    for between in ("; ", " "):
        text = between.join(map(shown, rows))
        mark = part(layer.graded(*layer.rows(1, without=("dW",)), f's1;capa;dW;"{text}"'), "dW")
        assert mark.points == Fraction(3, 2)
        assert "result_transposed" in [found.id for found in mark.mistakes]
    other = "; ".join(shown([value + 1 for value in row]) for row in rows)
    mark = part(layer.graded(*layer.rows(1, without=("dW",)), f's1;capa;dW;"{other}"'), "dW")
    assert (mark.points, mark.shape) == (0, True)


# --- where a 0 must be ---------------------------------------------------------------------------


def test_a_number_where_a_0_must_be_costs_an_equal_share(layer: Sitting) -> None:
    """ŷ = (5; 0), 1 point; dW has a row of zeros, 3 points for six numbers."""
    assert layer.key("yhat").entries == (5, 0)
    other = part(layer.graded(*layer.rows(1, yhat=[5, 8])), "yhat")
    assert (other.points, other.cells, other.costly) == (Fraction(1, 2), ("right", "wrong"), 1)
    forgotten = part(layer.graded(*layer.rows(1, yhat=layer.key("z").entries)), "yhat")  # (5; -9)
    assert forgotten.points == Fraction(3, 4)
    assert [found.id for found in forgotten.mistakes] == ["function_forgotten"]
    dw = layer.key("dW").entries
    for count in (1, 2, 3):
        spoiled = [*dw[:3], *([7] * count), *([0] * (3 - count))]
        mark = part(layer.graded(*layer.rows(1, dW=spoiled)), "dW")
        assert mark.points == 3 - Fraction(count, 2)
    x, dyhat = layer.sheet().values["x"].entries, layer.key("dyhat").entries
    skipped = part(layer.graded(*layer.rows(1, dW=[a * b for a in dyhat for b in x])), "dW")
    assert [found.id for found in skipped.mistakes] == ["upstream_skipped"]
    assert skipped.points == 3 - 3 * Fraction(1, 2) / 2
    alone = part(layer.graded(*layer.rows(1, dW=[7, 7, 7, 8, 8, 9])), "dW")
    assert alone.points == 0


def test_a_number_where_a_0_must_be_costs_nothing_where_it_follows(layer: Sitting) -> None:
    z = [Fraction(5), Fraction(4)]  # (5; -9) is right
    mark = part(layer.graded(*layer.rows(1, z=z, yhat=z)), "yhat")
    assert (mark.points, mark.costly) == (1, 0)


def test_the_loss_at_a_zero_is_an_equal_share_with_what_it_would_have_earned() -> None:
    assert loss(Fraction(3), 6) == Fraction(1, 2)
    assert loss(Fraction(2), 4, Fraction(1, 8)) == Fraction(3, 8)
    assert loss(Fraction(2), 2, Fraction(1)) == 0


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
        table_text(path, GradingError)
    with pytest.raises(GradingError, match="cannot be read"):
        table_text(tmp_path / "none.csv", GradingError)


# --- mistakes to be found, and formulas -----------------------------------------------------------


@pytest.mark.parametrize(
    "way", ["línea {}", "line {}", "{}", "({})", "Línea n.º {}", "l. {}", "La ({})", "number {}",
            "{}.ª línea", "La línea equivocada es la {}"]
)  # fmt: skip
def test_the_line_alone_is_worth_a_quarter_and_with_its_correction_everything(
    layer: Sitting, way: str
) -> None:
    fault = layer.sheet(1, 1).faulty["mistake"]
    named = way.format(fault.at + 1)
    alone = layer.graded(f"s1;error;mistake;{named}")
    assert part(alone, "mistake").points == Fraction(3, 2)
    right = layer.graded(f"s1;error;mistake;{named}: {shown(fault.right.array.entries)}")
    assert part(right, "mistake").points == 6
    wrong = layer.graded(f"s1;error;mistake;{named}: {shown([v + 1 for v in fault.right.array.entries])}")
    assert part(wrong, "mistake").points == Fraction(3, 2)
    copied = layer.graded(f"s1;error;mistake;{named}: {shown(fault.lines[fault.at].array.entries)}")
    assert part(copied, "mistake").points == Fraction(3, 2)


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
        ("6.md", "files", "s6"), ("nobody.md", "student", "nobody"), ("s5.pdf", "file_pdf", "s5"),
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
    assert files == [("answers.csv", "file_table"), ("folder", "file_folder")]


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
        ("## Buscar el error", "error"), ("2. Buscar el error", "error"),
        ("Ejercicio n.º 2", "error"), ("Problem 2: gradients", "error"),
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
     ("línea 5 … la línea 5", 5), ("La línea equivocada es la 7.", 7), ("Es la (3), claramente.", 3),
     ("La (5): falta la activación", 5), ("Falla la sexta línea.", 6), ("línea n.º 8", 8),
     ("See line (2).", 2), ("The second line is wrong.", 2), ("Number 3", 3), ("# Ejercicio 2", None),
     ("the wrong line is number 9", 9), ("$z = (4)$", None), ("La línea que está mal es la séptima", 7),
     ("la línea 3 o la cuarta línea", None)],
)  # fmt: skip
def test_the_line_that_a_text_names(text: str, line: int | None) -> None:
    assert line_named(text) == line


@pytest.mark.parametrize(
    ("first", "second"), [("1. Una", "2. Otra"), ("1.", "2."), ("1) a", "2) b"), ("**1.**", "**2.** Error"),
                          (r"\textbf{1.} Capa", r"\textbf{2.} Error")]
)  # fmt: skip
def test_numbers_are_headings_where_they_come_in_order_and_are_as_many(
    layer: Sitting, first: str, second: str
) -> None:
    found = sections(f"{first}\nz = 1\n{second}\nz = 2\n", ".md", layer.exam)
    assert found == {"capa": f"{first}\nz = 1\n\n\n", "error": f"\n\n{second}\nz = 2\n"}
    for text in (f"{second}\nz\n{first}\nz", f"{first}\n{second}\n3. c", "1. z = 4\n2. w = 5"):
        assert sections(text, ".md", layer.exam) is None


# --- which formula counts, rows of numbers, and what nobody reads ---------------------------------


def test_the_formula_beside_the_numbers_counts_and_none_after_them(layer: Sitting) -> None:
    numbers = column(layer.key("dx"))
    cases = {
        f"dx = W^T dz = {numbers} $$\n\n$$ dx = W dz": 3,
        f"dx = W dz = {numbers} $$\n\n$$ dx = W^T dz": Fraction(3, 2),
        f"dx = W^T dz $$\n\n$$ dx = {numbers} $$\n\n$$ dx = W dz": 3,
        f"dx = W dz $$\n\n$$ dx = {numbers} $$\n\n$$ dx = W^T dz": Fraction(3, 2),
    }
    for lines, points in cases.items():
        assert part(read_md(layer, derivation(layer, dx=lines)), "dx").points == points, lines


def test_a_transposed_matrix_after_its_wrong_formula_earns_no_method(layer: Sitting) -> None:
    matrix = r"\begin{pmatrix}" + r"\\".join(" & ".join(map(str, row)) for row in turned(layer.key("dW")))
    line = r"dW = dz x^T $$" + "\n\n$$ " + rf"dW = x dz^T = {matrix}\end{{pmatrix}}"
    assert part(read_md(layer, derivation(layer, dW=line)), "dW").points == Fraction(
        3, 4
    )  # half of the value


GENERAL = "$$ dz = d\\hat y \\odot relu'(z) $$\n\n$$ dW = dz x^T $$\n\n$$ dx = W^T dz $$\n"


def test_a_derivation_in_general_is_marked_by_the_formulas_without_numbers(neuron: Sitting) -> None:
    numbers = " & ".join(map(str, neuron.key("dW").entries))
    matrix = rf"\begin{{pmatrix}} {numbers} \end{{pmatrix}}"
    graded = read_md(neuron, f"{GENERAL}\n\n$$ dW = x dz^T = {matrix} $$")
    assert part(graded, "derive").points == 4
    assert part(graded, "dW").points == 1


def of_neuron(sitting: Sitting, line: str, suffix: str = ".txt") -> PartMark:
    """The mark of dW in a text with decimals, of which dW is the last line."""
    graded = sitting.grader.derivations([Source(f"s1{suffix}", f"L = 24,5\n\n{line}\n", suffix)])
    return part(graded, "dW")


def test_a_row_of_numbers_with_signs_is_no_subtraction(neuron: Sitting) -> None:
    assert neuron.key("dW").entries == (-14, -21, 28)
    assert of_neuron(neuron, "dW = dz x^T = [-14,0 -21,0 28,0]").points == 2
    assert of_neuron(neuron, "dW = [28,5 -21,0 -7,5]").cells == ("wrong", "right", "wrong")
    for doubtful in ("dW = dz x^T = [14,5 -21,0]", "dW = [14,5 -21,0 -28,0 -3,0]"):
        mark = of_neuron(neuron, doubtful)
        assert mark.points is None, doubtful
    assert of_neuron(neuron, "dW = dz x^T = [-14,5 - 21,0]").points is not None  # that is a subtraction


def test_rows_set_with_quads_are_read(neuron: Sitting) -> None:
    line = r"$$dW = dz x^T = (-14,0 \quad -21,0 \quad 28,5)$$"
    mark = of_neuron(neuron, line, ".tex")
    assert (mark.cells, mark.points) == (("right", "right", "wrong"), 1 + Fraction(2, 3))
    rows = (
        "\\begin{align*}\n"
        + line.strip("$").replace("=", "&=", 1).replace("28,5", "28,0")
        + "\n\\end{align*}"
    )
    assert of_neuron(neuron, rows, ".tex").points == 2
    wrong = of_neuron(neuron, line.replace("dz x^T", "x dz").replace("28,5", "28,0"), ".tex")
    assert wrong.points == 1  # the numbers, after a wrong formula


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("| $z$ | $(6, -6)$ |", {"z"}), ("| z | L |\n|---|---|\n| 6 | 7/2 |", {"z", "L"}),
        ("z vale 6", {"z"}), ("| $dW$ | $dz x^T$ |", {"derive"}), ("$z$: 6", {"z"}),
        ("**dx**\n\n(6; 7; 8)", {"dx"}), (r"$z \to 6$", {"z"}), ("- dŷ: -8", {"dyhat"}),
        (r"$\hat y$ es 9", {"yhat"}), ("The value of dx is (6, 7, 8).", {"dx"}), ("| z | |", set()),
        ("Primero calculo $z$, luego $dx$.", set()), ("No sé hacer los 3 apartados.", set()),
    ],
)  # fmt: skip
def test_numbers_beside_a_name_that_nobody_read_are_for_a_person(
    neuron: Sitting, text: str, names: set[str]
) -> None:
    graded = read_md(neuron, f"{text}\n\n$$ db = -7 $$\n")
    open_parts = {mark.step.part.id for mark in one(graded).parts if mark.points is None}
    assert open_parts == names
    assert {found.part for found in graded.doubts if found.why == "mentioned"} == names
    assert part(graded, "db").full


def test_numbers_that_cannot_be_read_after_a_formula_are_for_a_person(layer: Sitting) -> None:
    graded = read_md(layer, derivation(layer, dx="dx = W^T dz $$\n\n$$ dx = (1 \\quad ?? \\quad"))
    assert part(graded, "dx").points is None


def test_a_reason_in_words_is_for_a_person(layer: Sitting) -> None:
    fault = layer.sheet(1, 1).faulty["mistake"]
    name = fault.right.name.replace("dyhat", r"d\hat y")
    wrong = column(Array(fault.right.array.shape, tuple(value + 1 for value in fault.right.array.entries)))
    for words, points in (
        ("", Fraction(3, 2)),
        (" El producto tiene que hacerse con la matriz traspuesta de los pesos.", None),
    ):
        said = f"La línea {fault.at + 1} está mal.{words}\n\n$$ {name} = {wrong} $$"
        graded = read_md(layer, derivation(layer, second=said))
        assert part(graded, "mistake").points == points
        assert [found.why for found in graded.doubts] == (["reason"] if points is None else [])


def test_a_number_that_is_rounded_too_much_is_so_in_a_derivation_too(neuron: Sitting) -> None:
    """49/2 is 24,5: three digits; 25 is rounded to two, whatever the sign before it."""
    assert neuron.key("L").entries == (Fraction(49, 2),)
    for sign in ("=", r"\approx"):
        mark = part(read_md(neuron, f"$$ L {sign} 25 $$\n"), "L")
        assert (mark.points, mark.coarse, mark.mistakes) == (0, 1, ())
    assert part(read_md(neuron, "$$ L = 24.5 $$\n"), "L").full


# --- one number or two ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "points"), [("(5,0)", 1), ("[5,0]", 1), ("5,0", 1), ("-6,0", None), ("(5)", None),
                         ("[6,0]", None), ("(5, 0)", 1), ("5 0", 1)]
)  # fmt: skip
def test_one_number_that_may_be_two_is_read_as_two_only_if_it_is_right(
    layer: Sitting, text: str, points: int | None
) -> None:
    assert layer.key("yhat").entries == (5, 0)
    graded = layer.graded(*layer.rows(1, without=("yhat",)), f"s1;capa;yhat;{text}")
    assert part(graded, "yhat").points == points
    if points is None:
        assert ("s1", 9, "yhat", "count") in doubts(graded)


def test_what_looks_like_the_number_of_a_mistake_may_be_two_numbers(layer: Sitting) -> None:
    assert [slip.array.entries for slip in layer.sheet().wrong if slip.mistake == "hadamard_as_dot"] == [
        (-5,)
    ]
    bare = part(layer.graded(*layer.rows(1, without=("dz",)), "s1;capa;dz;-5"), "dz")
    assert [found.id for found in bare.mistakes] == ["hadamard_as_dot"]
    mark = part(layer.graded(*layer.rows(1, without=("dz",)), "s1;capa;dz;(-5)"), "dz")
    assert mark.points is None


# --- several sources ---------------------------------------------------------------------------------


def test_tables_and_folders_are_put_together_part_by_part(neuron: Sitting, tmp_path: Path) -> None:
    folder = tmp_path / "derivations"
    folder.mkdir()
    (folder / "s1.md").write_text(GENERAL, "utf-8")
    (folder / "s2.md").write_text(f"$$ z = {neuron.key('z', 2).entries[0] + 1} $$\n\n{GENERAL}", "utf-8")
    (folder / "s3.md").write_text(f"{GENERAL}\n\n$$ L = {neuron.key('L', 3).entries[0]} $$\n", "utf-8")
    (folder / "s4.pdf").write_bytes(b"%PDF-1.7")
    table = tmp_path / "answers.csv"
    rows = [row for n in range(1, 5) for row in neuron.rows(n)]
    table.write_text("\n".join(("student;question;part;values", *rows)), "utf-8")
    graded = grade([table, folder], neuron.manifest, decimal_mark=",")
    assert [one(graded, name).total for name in ("s1", "s3")] == [14, 14]
    assert part(graded, "z", "s2").points is None
    assert [(found.student, found.part, found.file) for found in graded.doubts if found.why == "sources"] == [
        ("s2", "z", "answers.csv"), ("s2", "z", "s2.md")
    ]  # fmt: skip
    assert one(graded, "s4").total == 10  # what the table says counts; what nobody could read is open
    assert part(graded, "derive", "s4").points is None
    dx = [*neuron.rows(1, without=("dx",)), "s1;neurona;dx;1 2 3"]
    sources = [
        neuron.grader.in_table("\n".join(("student;question;part;values", *dx)), "a.csv", ","),
        neuron.grader.in_derivations([Source("s1.md", GENERAL, ".md")]),
    ]
    for order in (sources, sources[::-1]):
        assert part(neuron.grader.graded(order), "dx").points == 1  # the method, by the formula
    again = grade([folder, table], neuron.manifest, decimal_mark=",")
    assert [found.total for found in again.students] == [found.total for found in graded.students]
    alone = grade([table], neuron.manifest, decimal_mark=",")
    assert part(alone, "derive").skipped


def test_what_one_source_cannot_read_and_the_other_has_is_no_doubt(layer: Sitting) -> None:
    rows = layer.grader.in_table("student;part;values\n" + "\n".join(
        f"s1;{found.id};{shown(layer.key(found.name).entries)}" for found in layer.exam.questions[0].parts
    ), "a.csv", ",")  # fmt: skip
    vague = layer.grader.in_derivations([Source("s1.md", "# Ejercicio 1\n\n$$ \\frac{{{ $$\n", ".md")])
    graded = layer.grader.graded([rows, vague])
    assert one(graded).total == 14
    named = layer.grader.in_derivations([Source("s1.md", "# Ejercicio 1\n\n$$ dx = \\frac{{{ $$\n", ".md")])
    both = layer.grader.graded([rows, named])
    assert part(both, "dx").points is None
    assert part(both, "dW").full


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


# --- marks for nothing, and marks taken unjustly --------------------------------------------------------


@pytest.mark.parametrize("name", ["z", "yhat", "L", "dyhat", "dz", "dW", "db", "dx"])
def test_a_wrong_value_written_twice_is_wrong(layer: Sitting, name: str) -> None:
    key = layer.key(name)
    garbage = column(Array(key.shape, tuple(Fraction(101 + 7 * at) for at in range(len(key.entries)))))
    spelled = name.replace("yhat", r"\hat y")
    for between in (" $$\n\n$$ ", " = "):
        mark = part(
            read_md(
                layer, derivation(layer, **{name: f"{spelled} = {garbage}{between}{spelled} = {garbage}"})
            ),
            name,
        )
        assert mark.points == 0, (name, between)


@pytest.mark.parametrize(
    "line",
    ["dz = dz", "dz = 1 dz", r"dz = \frac{\partial L}{\partial z}", r"dz = \nabla_z L", "dz = db",
     r"\delta = dz $$ $$ dz = \delta", "dz = dz + 0 dz", r"q = db $$ $$ dz = q"],
)  # fmt: skip
def test_another_way_to_write_a_gradient_is_no_method(layer: Sitting, line: str) -> None:
    mark = part(read_md(layer, derivation(layer, dz=line, db="")), "dz")  # db states its numbers
    assert mark.points == 0


@pytest.mark.parametrize(
    ("name", "line", "points"),
    [("L", r"L = \mathcal L(\hat y, y)", 0), ("yhat", r"\hat y = y + d\hat y", 0), ("z", "z = z", 0),
     ("z", "z = W x + b", 1), ("yhat", r"\hat y = \mathrm{ReLU}(z)", Fraction(1, 2)),
     ("dW", "dW = dW", 0), ("dW", r"dW = \frac{dL}{dW}", 0), ("db", "db = dz", 1),
     ("dW", r"dW = dz \frac{\partial z}{\partial W}", Fraction(3, 2)),
     ("dW", r"dW = \frac{\partial L}{\partial W} = dz x^T", Fraction(3, 2)),
     ("dz", r"\delta = \frac{\partial L}{\partial z} = d\hat y \odot \mathrm{ReLU}'(z)", 1)],
)  # fmt: skip
def test_a_formula_shows_a_method_by_what_it_is_made_of(
    layer: Sitting, name: str, line: str, points: Fraction
) -> None:
    assert part(read_md(layer, derivation(layer, **{name: line})), name).points == points


RIGHT_DZ = r"dz = d\hat y \odot relu'(z) $$ $$ "


@pytest.mark.parametrize(
    ("lines", "points"),
    [
        ("dz = dz $$ $$ dW = dW $$ $$ dx = dx", 0),
        (r"dz = \frac{\partial L}{\partial z} $$ $$ dW = \frac{dL}{dW} $$ $$ dx = \nabla_x L", 0),
        ("dz = x dz $$ $$ dz = x dz $$ $$ dW = x dz^T $$ $$ dW = x dz^T", 0),
        (r"dz = d\hat y $$ $$ dz = d\hat y $$ $$ dx = W^T d\hat y $$ $$ dx = W^T d\hat y", 0),
        (RIGHT_DZ + r"dW = dz \frac{\partial z}{\partial W} $$ $$ dx = W^T dz", None),
        (RIGHT_DZ + r"dW = dz \frac{\partial z}{\partial W} = dz x^T $$ $$ dx = W^T dz", 4),
    ],
)  # fmt: skip
def test_a_derivation_in_general_is_no_tautology(neuron: Sitting, lines: str, points: int | None) -> None:
    graded = read_md(neuron, f"$$ {lines} $$".replace(" $$ $$ ", " $$\n\n$$ "))
    assert part(graded, "derive").points == points
    assert [found.why for found in graded.doubts if found.part == "derive"] == (
        [] if points is not None else ["chain"]
    )


def test_a_wrong_formula_written_twice_is_wrong(layer: Sitting) -> None:
    for line in ("dW = x dz^T", r"dz = 2 d\hat y", "dx = W dz"):
        name = line[:2]
        mark = part(read_md(layer, derivation(layer, **{name: f"{line} $$\n\n$$ {line}"})), name)
        assert mark.points == 0, line


def test_code_alone_shows_the_method_and_numbers_in_it_are_numbers(neuron: Sitting) -> None:
    """14 points, half of them for methods; dz is one number, and db = dz."""
    graded = neuron.grader.derivations([Source("s1.py", code(neuron), ".py")])
    assert one(graded).total == 7
    (dz,) = neuron.key("dz").entries
    dw = ", ".join(map(str, neuron.key("dW").entries))
    garbage = "dW = np.array([[9, 9, 9]])\n"
    for lines, points in ((f"dz = {dz}\n", 1), (f"dz = np.array([{dz}])\n", 1),
                          (f"dW = np.array([[{dw}]])\n", 1), (garbage, 0)):  # fmt: skip
        stated = neuron.grader.derivations([Source("s1.py", code(neuron) + lines, ".py")])
        assert one(stated).total == 7 + points, lines
    only = neuron.grader.derivations([Source("s1.py", "import numpy as np\n" + garbage * 2, ".py")])
    assert part(only, "dW").points == 0


def test_comments_of_a_program_state_numbers(neuron: Sitting) -> None:
    dw = " ".join(map(str, neuron.key("dW").entries))
    line = "dW = np.outer(dz, x)"
    for comment, points in ((f"  # [{dw}]", 2), (f"  # dW = ({dw})", 2), ("  # the outer product", 1),
                            ("  # 9 9 9", 1), ("  # about 28, or so", None)):  # fmt: skip
        text = code(neuron).replace(line, line + comment)
        graded = neuron.grader.derivations([Source("s1.py", text, ".py")])
        assert part(graded, "dW").points == points, comment


def code(sitting: Sitting) -> str:
    """A program that works everything out, and states nothing but what is given."""
    values = {name: array.nested() for name, array in sitting.sheet().values.items()}
    given = "\n".join(
        f"{name} = np.array({str(value).replace('Fraction', '').replace(', 1)', ')')})"
        for name, value in values.items()
    )
    return (
        f"import numpy as np\n{given}\nz = W @ x + b\nyhat = np.maximum(z, 0)\n"
        "L = 0.5 * np.sum((yhat - y)**2)\n"
        "dyhat = yhat - y\ndz = dyhat * (z >= 0)\ndW = np.outer(dz, x)\ndb = dz\ndx = W.T @ dz\n"
    )


def test_a_line_of_numbers_that_cannot_be_read_is_never_wrong(layer: Sitting) -> None:
    for line in (r"dx = (1 \quad ?? \quad", "dx = (2·3, 1·4, !)"):
        for first in ("dx = W^T dz", "dx = (1, 2, 3)"):
            graded = read_md(layer, derivation(layer, dx=f"{first} $$\n\n$$ {line}"))
            assert part(graded, "dx").points is None, (first, line)
            assert {found.part for found in graded.doubts} == {"dx"}
    formula = read_md(layer, derivation(layer, dW="dW = dz x^T $$\n\n$$ dW = \\frac{{{"))
    assert part(formula, "dW").points is None


@pytest.mark.parametrize(
    ("name", "owner"),
    [("tarea-2.md", None), ("s2_2.md", None), ("2 final.md", None), ("000000002.md", None), ("2.md", "s2"),
     ("00002.md", "s2"), ("tarea_s2.md", "s2"), ("Tarea S2.md", "s2"), ("s3-s2.md", None),
     ("0003-c0de0002.md", "s2"), ("s3-c0de0002.md", "s2"), ("c0de0003-c0de0002.md", "s2"), ("2x.md", None),
     ("1234567892.md", None), ("²", None), ("0.md", None)],
)  # fmt: skip
def test_a_file_is_never_given_to_somebody_else(layer: Sitting, name: str, owner: str | None) -> None:
    graded = layer.grader.derivations([Source(name, derivation(layer, 2), ".md")])
    present = [student.student.id for student in graded.students if student.present]
    assert present == ([] if owner is None else [owner])
    assert [found.why for found in graded.doubts] == ([] if owner else ["student"])


def test_where_ids_are_numbers_a_number_is_an_id() -> None:
    sitting = Sitting("examen-neurona", 3)
    ids = {"s1": "3", "s2": "10", "s3": "4711"}
    people = People([replace(one, student=replace(one.student, id=ids[one.student.id]))
                     for one in sitting.manifest.issued])  # fmt: skip
    found = {
        text: people.owner(text) for text in ("3", "1", "2", "10", "tarea-3", "tarea-10", "p_4711", "47110")
    }
    assert {text: one and one.student.id for text, one in found.items()} == {
        "3": "3", "1": None, "2": None, "10": "10", "tarea-3": None, "tarea-10": None, "p_4711": "4711",
        "47110": None,
    }  # fmt: skip
    assert people.find("1234567890123") is None


@pytest.mark.parametrize("exam", EXAMS)
def test_the_shares_of_a_mistake_to_be_found_add_up(exam: str) -> None:
    for method in (Fraction(0), Fraction(1, 3), Fraction(1, 2), Fraction(1)):
        shares = found_shares(Fraction(6), method)
        assert shares.line + shares.reason + shares.right == 6
        assert (shares.line, shares.line) == (shares.reason, 3 * method)
    sitting = Sitting(exam, 1)
    for step in one(sitting.graded(*sitting.rows())).parts:
        assert (step.step.found is None) == (step.step.part.kind != "mistake")


def test_what_follows_from_a_rounded_answer_is_right_either_way() -> None:
    """L = ⅓‖ŷ − y‖²: dŷ has thirds in it. With a wrong sign and rounded, what comes of it has an interval."""
    sitting = Sitting("examen-red", 30, ('"1/2 ||', '"1/3 ||'))
    tried = 0
    for variant in sitting.variants:
        student, sheet = variant.student.number, variant.sheets[0]
        dyhat = sheet.key["dyhat"].entries
        if not all(value.denominator == 3 for value in dyhat):
            continue
        tried += 1
        a1 = sheet.key["a1"].entries
        own = [-value for value in dyhat]
        rounded = [Fraction(round(value * 100), 100) for value in own]
        exact, written = ([g * a for g in given for a in a1] for given in (own, rounded))
        apart = [g * a + (Fraction(1, 10) * abs(a) if a else 0) for g in rounded for a in a1]
        without = ("dW2",)
        for products, points in ((exact, 2), (written, 2), (apart, 0)):
            rows = sitting.rows(student, without, dyhat=rounded)
            graded = sitting.graded(*rows, f"s{student};red;dW2;{shown(products)}")
            mark = part(graded, "dW2", f"s{student}")
            assert mark.points == points, (student, products)
        right = [Fraction(round(value * 100), 100) for value in dyhat]
        rows = sitting.rows(student, without, dyhat=right)
        products = [g * a for g in right for a in a1]
        mark = part(sitting.graded(*rows, f"s{student};red;dW2;{shown(products)}"), "dW2", f"s{student}")
        assert mark.full
        assert "follows" not in mark.cells
    assert tried > 3


# --- properties of the three exams ----------------------------------------------------------------------

VARIANTS = 3
"""How many students are looked at in each exam."""

LAYER = {
    "z": "z = W x + b", "yhat": r"\hat y = \mathrm{ReLU}(z)", "L": r"L = \frac12 \|\hat y - y\|^2",
    "dyhat": r"d\hat y = \hat y - y", "dz": r"dz = d\hat y \odot \mathrm{ReLU}'(z)", "dW": "dW = dz\\, x^T",
    "db": "db = dz", "dx": "dx = W^T dz",
}  # fmt: skip
NETWORK = {
    "z1": "z_1 = W_1 x + b_1", "a1": r"a_1 = \mathrm{ReLU}(z_1)", "yhat": r"\hat y = W_2 a_1 + b_2",
    "L": r"L = \frac12 \|\hat y - y\|^2", "dyhat": r"d\hat y = \hat y - y", "dW2": r"dW_2 = d\hat y\, a_1^T",
    "db2": r"db_2 = d\hat y", "da1": r"da_1 = W_2^T d\hat y",
    "dz1": r"dz_1 = da_1 \odot \mathrm{ReLU}'(z_1)", "dW1": "dW_1 = dz_1 x^T", "db1": "db_1 = dz_1",
}  # fmt: skip
WORKED = {"examen-neurona": LAYER, "examen-capa": LAYER, "examen-red": NETWORK}
"""How each quantity is made, worked out by hand."""

BEHIND = {"examen-neurona": "dz", "examen-capa": "dz", "examen-red": "dz1"}
"""The gradient whose sign is wrong."""

FORMS = {".md": "{}", ".tex": "\\documentclass{{article}}\n\\begin{{document}}\n{}\\end{{document}}\n"}


@pytest.fixture(scope="module", params=EXAMS)
def sitting(request: pytest.FixtureRequest) -> Sitting:
    return Sitting(request.param, VARIANTS)


Lines = dict[str, str]


def worked(sitting: Sitting, student: int = 1, changes: Lines | None = None, *, alone: bool = False) -> Lines:
    """The lines of the first question with a student's right numbers; `alone` without their formulas."""
    key, formulas = sitting.sheet(student).key, WORKED[sitting.exam.key]
    lines = {
        name: (formula.split(" = ")[0] if alone else formula) + f" = {column(key[name])}"
        for name, formula in formulas.items()
    }
    return {**lines, **(changes or {})}


def as_text(sitting: Sitting, lines: Lines, student: int, suffix: str, *, rest: bool = True) -> str:
    """A derivation of the whole exam; with `rest` what is asked besides numbers is right."""
    body, tail = [*lines.values()], ""
    for question in sitting.exam.questions:
        for asked in question.parts if rest else ():
            if asked.kind == "derive":
                body += [WORKED[sitting.exam.key][name] for name in asked.names]
            if asked.kind == "mistake":
                fault = sitting.sheet(student, 1).faulty[asked.id]
                name = fault.right.name.replace("dyhat", r"d\hat y")
                tail = f"La línea {fault.at + 1} está mal.\n\n$$ {name} = {column(fault.right.array)} $$\n"
    several = len(sitting.exam.questions) > 1
    text = "\n\n".join(f"$$ {line} $$" for line in body) + "\n"
    text = f"# Ejercicio 1\n\n{text}\n# Ejercicio 2\n\n{tail}" if several else text
    if suffix == ".tex":
        for number in (1, 2):
            text = text.replace(f"# Ejercicio {number}", rf"\section*{{Ejercicio {number}}}")
        text = text.replace("$$ ", r"\[ ").replace(" $$", r" \]")
    return FORMS[suffix].format(text)


def marked(sitting: Sitting, text: str, student: int, suffix: str) -> Graded:
    return sitting.grader.derivations([Source(f"s{student}{suffix}", text, suffix)])


def numeric(graded: Graded, student: int) -> dict[str, PartMark]:
    """The marks of the parts that ask for numbers, by name."""
    return {found.step.part.name: found for found in one(graded, f"s{student}").parts if found.step.key}


@pytest.mark.parametrize("suffix", FORMS)
@pytest.mark.parametrize("student", range(1, VARIANTS + 1))
def test_a_perfect_derivation_earns_everything(sitting: Sitting, student: int, suffix: str) -> None:
    graded = marked(sitting, as_text(sitting, worked(sitting, student), student, suffix), student, suffix)
    assert graded.doubts == ()
    assert one(graded, f"s{student}").total == sitting.exam.points


@pytest.mark.parametrize("suffix", FORMS)
@pytest.mark.parametrize("student", range(1, VARIANTS + 1))
def test_garbage_written_twice_earns_nothing(sitting: Sitting, student: int, suffix: str) -> None:
    """One part at a time, all others right: then all of them."""
    key = sitting.sheet(student).key
    garbage = {
        name: key[name].with_entries(
            Fraction((1009 + at) ** 2 + 7 * place) for place in range(len(key[name].entries))
        )
        for at, name in enumerate(WORKED[sitting.exam.key])
    }
    spoiled = {
        name: " $$\n\n$$ ".join([f"{formula.split(' = ')[0]} = {column(garbage[name])}"] * 2)
        for name, formula in WORKED[sitting.exam.key].items()
    }
    for change in (*({name: lines} for name, lines in spoiled.items()), spoiled):
        lines = worked(sitting, student, change)
        graded = marked(sitting, as_text(sitting, lines, student, suffix), student, suffix)
        for name in change:
            assert numeric(graded, student)[name].points == 0, name
    rows = sitting.rows(student, **{name: array.entries for name, array in garbage.items()})
    assert {found.points for found in numeric(sitting.graded(*rows, *rows), student).values()} == {0}


@pytest.mark.parametrize("suffix", FORMS)
@pytest.mark.parametrize("student", range(1, VARIANTS + 1))
def test_zeros_in_a_derivation_earn_a_tenth_at_most(sitting: Sitting, student: int, suffix: str) -> None:
    key = sitting.sheet(student).key
    zeros = {name: column(key[name].with_entries([Fraction(0)] * len(key[name].entries))) for name in key}
    for count in (1, 2):
        lines = {
            name: " $$\n\n$$ ".join([f"{formula.split(' = ')[0]} = {zeros[name]}"] * count)
            for name, formula in WORKED[sitting.exam.key].items()
        }
        graded = marked(sitting, as_text(sitting, lines, student, suffix, rest=False), student, suffix)
        marks = numeric(graded, student).values()
        assert 10 * sum(found.points or 0 for found in marks) <= sum(found.step.points for found in marks)
        assert all(found.points is not None for found in marks)


def turned_sign(sitting: Sitting, student: int) -> dict[str, list[Fraction]]:
    """All that comes of dz (of dz1), worked out with the other sign."""
    key, name = sitting.sheet(student).key, BEHIND[sitting.exam.key]
    after = {"dz": ("dz", "dW", "db", "dx"), "dz1": ("dz1", "dW1", "db1")}[name]
    return {one: [-value for value in key[one].entries] for one in after}  # they are linear in dz


@pytest.mark.parametrize("suffix", [*FORMS, ".csv"])
@pytest.mark.parametrize("student", range(1, VARIANTS + 1))
def test_a_wrong_sign_is_paid_for_once(sitting: Sitting, student: int, suffix: str) -> None:
    key, wrong = sitting.sheet(student).key, turned_sign(sitting, student)
    if suffix == ".csv":
        graded = sitting.graded(*sitting.rows(student, **wrong))
    else:
        changes = {
            name: f"{WORKED[sitting.exam.key][name]} = {column(key[name].with_entries(entries))}"
            for name, entries in wrong.items()
        }
        lines = worked(sitting, student, changes)
        graded = marked(sitting, as_text(sitting, lines, student, suffix), student, suffix)
    marks = numeric(graded, student)
    short = {name for name, found in marks.items() if not found.full}
    assert short == {BEHIND[sitting.exam.key]}
    assert all(set(marks[name].cells) <= {"follows", "right"} for name in wrong if name not in short)


def promised(mark: PartMark, entries: Sequence[Fraction]) -> Fraction:
    """What the rubric says of a mistake's numbers: those that are right, a share of the others, and where a 0
    must be, a loss."""
    step, key = mark.step, mark.step.key
    assert key is not None
    due = next(found for found in step.mistakes if found.slip.array.entries == tuple(entries))
    if key.entries == tuple(entries):  # only the shape is another, which a list of numbers does not show
        return step.points
    if not due.credit:
        return step.points / 2 if any(entries) else Fraction(0)
    won = Fraction(0)
    for value, right, worth, credit in zip(entries, key.entries, step.numbers, due.credit, strict=True):
        won += worth if value == right else credit
        if value and not right:
            won -= (step.points / len(step.numbers) - worth) / 2
    return max(won, Fraction(0))


@pytest.mark.parametrize("student", range(1, VARIANTS + 1))
def test_known_mistakes_earn_what_the_rubric_promises(sitting: Sitting, student: int) -> None:
    """In a table and in a derivation without formulas, where all else is right."""
    left = {name: formula.split(" = ")[0] for name, formula in WORKED[sitting.exam.key].items()}
    seen = 0
    for slip in sitting.sheet(student).wrong:
        entries = slip.array.entries
        graded = [sitting.graded(*sitting.rows(student, **{slip.part: entries}))]
        if len(slip.array.shape) < 2 or min(slip.array.shape) > 1:
            line = {slip.part: f"{left[slip.part]} = {column(slip.array)}"}
            text = as_text(sitting, worked(sitting, student, line, alone=True), student, ".md")
            graded.append(marked(sitting, text, student, ".md"))
        for found in graded:
            mark = numeric(found, student)[slip.part]
            assert mark.points == promised(mark, entries), (slip.part, slip.mistake, mark.cells)
            seen += 1
    assert seen > 20
