"""Rubrics: what they say is worked out again with plain numbers, and can be marked from in a spreadsheet."""

import csv
import re
import subprocess
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from io import BytesIO, StringIO
from pathlib import Path
from typing import Literal

import pikepdf
import pytest

from symbackprop.exams.file import exam_of, load_exam
from symbackprop.exams.model import Exam, Student, Variant
from symbackprop.exams.rubric import Rubrics
from symbackprop.exams.variants import Maker
from symbackprop.report.exams import rubric
from symbackprop.report.exams.rubric import RubricSheets, rubric_csv, rubric_pdf
from symbackprop.report.pdf import overfull_boxes, typeset
from symbackprop.report.words import load_words

EXAMS = ("examen-capa", "examen-neurona", "examen-red")
LANGUAGES = ("es", "en")
EACH_EXAM = pytest.mark.parametrize("name", EXAMS)
EACH_LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)
Pairs = list[tuple[Variant, str]]
Matrix = list[list[Fraction]]


def pairs_of(exam: Exam, count: int) -> tuple[Pairs, Rubrics]:
    maker = Maker.of(exam)
    students = (Student(id=f"s{at}", name="Zoë Qqzz", number=at) for at in range(1, count + 1))
    pairs = [(one, f"k{at:02}f7a") for at, one in enumerate(maker.variants(students, b"secret"))]
    return pairs, Rubrics(exam, {one.question.id: one.plan.tracer for one in maker.questions})


@cache
def bundled(name: str) -> tuple[Exam, Pairs, Rubrics]:
    exam = load_exam(name)
    return (exam, *pairs_of(exam, 12))


def rows_of(exam: Exam, pairs: Pairs, rubrics: Rubrics, language: str) -> list[dict[str, str]]:
    text = "".join(rubric_csv(exam, pairs, rubrics, language=language)).removeprefix("\ufeff")
    heads, *rows = csv.reader(StringIO(text, newline=""), delimiter=";" if language == "es" else ",")
    assert all(len(row) == len(heads) for row in rows)
    keys = ("number", "code", "question", "part", "points", "method", "value", "each", "right", "follows",
            "mistake", "wrong", "earns")  # fmt: skip
    return [dict(zip(keys, row, strict=True)) for row in rows]


def numbers(cell: str) -> Matrix:
    """The numbers of a cell in rows: `[7; 1/3]`, `-4`, `-0,5`."""
    rows = cell.strip("[]").replace(",", ".").split("; ")
    return [[Fraction(one) for one in row.split(" ")] for row in rows]


def number(cell: str) -> Fraction:
    [[value]] = numbers(cell)
    return value


# --- the layer, by plain arithmetic ----------------------------------------------------------

Vector = list[Fraction]


class Layer:
    """z = W x + b, ŷ = relu(z), L = ½ |ŷ − y|² and back."""

    def __init__(self, values: dict[str, Matrix]) -> None:
        self.W = values["W"]
        self.x, self.b, self.y = ([row[0] for row in values[name]] for name in ("x", "b", "y"))
        self.Wx = [dot(row, self.x) for row in self.W]
        self.z = each(lambda u, v: u + v, self.Wx, self.b)
        self.on = [Fraction(one > 0) for one in self.z]
        self.yhat = each(lambda u, v: u * v, self.on, self.z)
        self.dyhat = minus(self.yhat, self.y)
        self.dz = each(lambda u, v: u * v, self.dyhat, self.on)

    def back(self, gradient: Vector) -> Vector:
        return [dot(gradient, [row[at] for row in self.W]) for at in range(len(self.x))]


def dot(first: Vector, second: Vector) -> Fraction:
    return sum((u * v for u, v in zip(first, second, strict=True)), Fraction(0))


def each(change: Callable[[Fraction, Fraction], Fraction], first: Vector, second: Vector) -> Vector:
    return [change(u, v) for u, v in zip(first, second, strict=True)]


def minus(first: Vector, second: Vector) -> Vector:
    return each(lambda u, v: u - v, first, second)


def times(number: Fraction | int, vector: Vector) -> Vector:
    return [number * one for one in vector]


def column(vector: Vector) -> Matrix:
    return [[one] for one in vector]


def outer(first: Vector, second: Vector) -> Matrix:
    return [times(u, second) for u in first]


def half(vector: Vector) -> Matrix:
    return [[dot(vector, vector) / 2]]


def total(vector: Vector) -> Matrix:
    return [[sum(vector, Fraction(0))]]


def ones(vector: Iterable[Fraction]) -> Vector:
    return [Fraction(1) for _ in vector]


RIGHT: dict[str, Callable[[Layer], Matrix]] = {
    "z": lambda m: column(m.z), "yhat": lambda m: column(m.yhat), "L": lambda m: half(m.dyhat),
    "dyhat": lambda m: column(m.dyhat), "dz": lambda m: column(m.dz), "dW": lambda m: outer(m.dz, m.x),
    "db": lambda m: column(m.dz), "dx": lambda m: column(m.back(m.dz)),
}  # fmt: skip
"""The key."""

SIGN = "The sign is wrong."
SUMMED = "The entries have been added up: the gradient has one entry for each entry of its variable."
LATE = "The value before the activation, z, appears where the value after it should be, ŷ."
SKIPPED = "The gradient dŷ appears where dz should be: it has not yet come back through the activation."
TRANSPOSED = "The result is transposed: a gradient has the shape of its variable."
ARRIVES = "The gradient that arrives is missing: dz."

WRONG: dict[tuple[str, str], Callable[[Layer], Matrix]] = {
    ("z", "The term b has the opposite sign."): lambda m: column(minus(m.Wx, m.b)),
    ("z", "The term W x is missing."): lambda m: column(m.b),
    ("z", "The term b is missing."): lambda m: column(m.Wx),
    ("yhat", "The function has not been applied: g(z)."): lambda m: column(m.z),
    ("L", "The term y has the opposite sign."): lambda m: half(minus(m.yhat, times(-1, m.y))),
    ("L", "The term ŷ is missing."): lambda m: half(m.y),
    ("L", "The term y is missing."): lambda m: half(m.yhat),
    ("L", "There is an extra factor of 2."): lambda m: [times(2, line) for line in half(m.dyhat)],
    ("L", LATE): lambda m: half(minus(m.z, m.y)),
    ("dyhat", "The term y has the opposite sign."): lambda m: column(minus(m.yhat, times(-1, m.y))),
    ("dyhat", "The term ŷ is missing."): lambda m: column(times(-1, m.y)),
    ("dyhat", "The term y is missing."): lambda m: column(m.yhat),
    ("dyhat", "There is an extra factor of 2."): lambda m: column(times(2, m.dyhat)),
    ("dyhat", "This is half of what it should be: a factor of 2 is missing, or there is an extra 1/2."):
        lambda m: column(times(Fraction(1, 2), m.dyhat)),
    ("dyhat", "The square has not been differentiated."): lambda m: column([u * u / 2 for u in m.dyhat]),
    ("dyhat", LATE): lambda m: column(minus(m.z, m.y)),
    ("dyhat", SUMMED): lambda m: total(m.dyhat),
    ("dz", "The derivative of the activation is missing: the factor g'(z)."): lambda m: column(m.dyhat),
    ("dz", "The function g(z) appears where its derivative should be, g'(z)."):
        lambda m: column(each(lambda u, v: u * v, m.dyhat, m.yhat)),
    ("dz", "This is a matrix product; it should be entry by entry."): lambda m: [[dot(m.dyhat, m.on)]],
    ("dz", "The gradient that arrives is missing: dŷ."): lambda m: column(m.on),
    ("dW", TRANSPOSED): lambda m: outer(m.x, m.dz),
    ("dW", "The output z appears where the input should be, x."): lambda m: outer(m.dz, m.z),
    ("dW", SKIPPED): lambda m: outer(m.dyhat, m.x),
    ("dW", ARRIVES): lambda m: outer(ones(m.dz), m.x),
    ("db", SUMMED): lambda m: total(m.dz),
    ("db", SKIPPED): lambda m: column(m.dyhat),
    ("db", "The gradient is not 1: it is the gradient that arrives, dz."): lambda m: column(ones(m.dz)),
    ("dx", TRANSPOSED): lambda m: [m.back(m.dz)],
    ("dx", SUMMED): lambda m: total(m.back(m.dz)),
    ("dx", "The factor W is missing."): lambda m: column(m.dz),
    ("dx", SKIPPED): lambda m: column(m.back(m.dyhat)),
    ("dx", ARRIVES): lambda m: column(m.back(ones(m.dz))),
}  # fmt: skip
"""What each mistake gives, by what the rubric says of it."""

POINTS = {"z": 2, "yhat": 1, "L": 1, "dyhat": 1, "dz": 2, "dW": 3, "db": 1, "dx": 3}


def layer_of(variant: Variant) -> Layer:
    return Layer({name: list(map(list, one.rows())) for name, one in variant.sheets[0].values.items()})


@EACH_LANGUAGE
def test_every_number_of_a_layer_is_what_plain_arithmetic_gives(language: str) -> None:
    exam, pairs, rubrics = bundled("examen-capa")
    rows = rows_of(exam, pairs, rubrics, language)
    spoken = [row["mistake"] for row in rows_of(exam, pairs, rubrics, "en")]
    models = {code: layer_of(variant) for variant, code in pairs}
    told: set[tuple[str, str]] = set()
    for row, mistake in zip(rows, spoken, strict=True):
        if row["question"] != "capa":
            continue
        model, part = models[row["code"]], row["part"]
        right = RIGHT[part](model)
        assert numbers(row["right"]) == right
        if not mistake:
            worth = numbers(row["each"])
            continue
        wrong = numbers(row["wrong"])
        if mistake == SIGN:
            assert wrong == [times(-1, line) for line in right]
        elif mistake == "The factor x is missing.":  # dz itself, or in every column
            assert wrong in (column(model.dz), outer(model.dz, ones(model.x)))
        else:
            assert wrong == WRONG[part, mistake](model), mistake
            told.add((part, mistake))
        if list(map(len, wrong)) != list(map(len, right)):
            shown = any(value for line in wrong for value in line)  # zeros alone show nothing
            assert number(row["earns"]) == (Fraction(POINTS[part], 2) if shown else 0)
            continue
        assert numbers(row["earns"]) == [
            [w / 2 if u not in (0, v) else 0 for u, v, w in zip(*lines, strict=True)]
            for lines in zip(wrong, right, worth, strict=True)
        ]
    assert told == set(WRONG)


@EACH_LANGUAGE
@EACH_EXAM
def test_points_add_up_in_the_table(name: str, language: str) -> None:
    exam, pairs, rubrics = bundled(name)
    rows = rows_of(exam, pairs, rubrics, language)
    for _, code in pairs:
        steps = [row for row in rows if row["code"] == code and row["points"]]
        assert sum(number(row["points"]) for row in steps) == exam.points
        for row in steps:
            assert number(row["method"]) + number(row["value"]) == number(row["points"])
            if row["each"]:
                assert sum(sum(line) for line in numbers(row["each"])) == number(row["points"])
            if name == "examen-capa" and row["question"] == "capa":
                assert number(row["points"]) == POINTS[row["part"]]
                zeros = [
                    w for lines in zip(numbers(row["right"]), numbers(row["each"]), strict=True)
                    for u, w in zip(*lines, strict=True) if u == 0
                ]  # fmt: skip
                assert row["part"] == "dz" or not any(zeros)


def test_a_mistake_to_find_has_its_line_and_the_right_one() -> None:
    exam, pairs, rubrics = bundled("examen-capa")
    rows = [row for row in rows_of(exam, pairs, rubrics, "en") if row["part"] == "mistake"]
    names = ("z", "yhat", "L", "dyhat", "dz", "dW", "dx")
    shown = {"yhat": "ŷ", "dyhat": "dŷ"}
    for row, (variant, _) in zip(rows, pairs, strict=True):
        faulty = variant.sheets[1].faulty["mistake"]
        name = names[faulty.at]
        assert f"The wrong line is ({faulty.at + 1})." in row["mistake"]
        right, wrong = (cell.rpartition(" = ") for cell in (row["right"], row["wrong"]))
        assert right[0].startswith(f"{shown.get(name, name)} = ")
        key = [list(line) for line in variant.sheets[1].key[name].rows()]
        assert numbers(right[2]) == key != numbers(wrong[2])


# --- spreadsheets ----------------------------------------------------------------------------

FRACTIONS = """
id = "fractions"
title = "F"
language = "en"
[questions.q]
title = "Q"
[questions.q.model]
z = "1/3 * W x"
r = "relu(z)"
L = "1/2 ||r - y||^2"
[questions.q.shapes]
W = [2, 3]
x = [3]
y = [2]
[questions.q.draw]
W = { from = -5, to = 5 }
x = { from = -5, to = 5, step = "1/2" }
y = { from = -9, to = 9 }
[questions.q.points]
z = 1
dr = "1/3"
dz = 3
"""


def test_nothing_becomes_a_formula_or_a_date() -> None:
    """A cell is a number that ends, or a text that a spreadsheet takes for nothing else."""
    exam = exam_of(FRACTIONS)
    question = exam.questions[0]
    own = {"en": {"mistake.sign": "=HYPERLINK(1)", "mistake.term_sign": "@SUM(1)", "mistake.halved": "-x"}}
    exam = replace(exam, questions=(replace(question, exercise=replace(question.exercise, words=own)),))
    pairs, rubrics = pairs_of(exam, 4)
    codes = ("123456789012", "12e456789012", "=1+1", "3f2a9c1b77de")
    pairs = [(variant, code) for (variant, _), code in zip(pairs, codes, strict=True)]
    rows = rows_of(exam, pairs, rubrics, "en")
    plain = re.compile(r"-?\d{1,15}(\.\d+)?")
    for row in rows:
        for key, cell in row.items():
            if key in ("points", "method", "value", "each", "right", "wrong", "earns") and cell:
                assert plain.fullmatch(cell) or re.fullmatch(r"\[[-0-9./; ]+\]", cell), (key, cell)
            elif key != "number":
                assert not re.match(r"[=+\-@\t\r]|[\d.,:/eE+-]+$", cell), (key, cell)
    assert {row["code"] for row in rows} == {"'123456789012", "'12e456789012", "'=1+1", "3f2a9c1b77de"}
    assert any(row["mistake"] == "'=HYPERLINK(1)" for row in rows)
    assert {row["points"] for row in rows if row["part"] == "dr"} == {"[1/3]", ""}
    assert any("/" in row["right"] for row in rows)


def test_negative_numbers_stay_numbers() -> None:
    exam, pairs, rubrics = bundled("examen-neurona")
    for language, pattern in (("es", r"-?\d+(,\d+)?"), ("en", r"-?\d+(\.\d+)?")):
        rows = [row for row in rows_of(exam, pairs, rubrics, language) if row["part"] in ("z", "L", "dz")]
        single = [row[key] for row in rows for key in ("right", "wrong") if row[key]]
        assert all(re.fullmatch(pattern, cell) for cell in single)
        assert any(cell.startswith("-") for cell in single)
        assert any(number(cell).denominator != 1 for cell in single)


# --- languages -------------------------------------------------------------------------------


def vocabulary(language: str) -> set[str]:
    sentences = load_words(language).sentences
    texts = [
        segment.value
        for key, forms in sentences.items()
        for form in forms.values()
        for segment in form
        if segment.kind == "words" and key.startswith(("rubric.", "mistake.", "exam."))
    ]
    return {word.lower() for text in texts for word in re.findall(r"[^\W\d_]{4,}", text)}


@EACH_LANGUAGE
@EACH_EXAM
def test_no_word_of_the_other_language_in_the_table(name: str, language: str) -> None:
    exam, pairs, rubrics = bundled(name)
    own, other = vocabulary(language), vocabulary("en" if language == "es" else "es")
    pieces = rubric_csv(exam, pairs, rubrics, language=language)
    said = [next(iter(pieces))]
    said += [row[key] for row in rows_of(exam, pairs, rubrics, language) for key in ("follows", "mistake")]
    words = {word.lower() for text in said for word in re.findall(r"[^\W\d_]{4,}", text)}
    assert words & own
    assert not words & (other - own)


# --- PDFs ------------------------------------------------------------------------------------

Engine = Literal["pdflatex", "typst"]
EACH_ENGINE = pytest.mark.parametrize("engine", ["pdflatex", "typst"])


@pytest.fixture
def reader(pdflatex: str, poppler: None, tmp_path: Path) -> Callable[[bytes], list[str]]:
    """The text of each page of a PDF."""

    def read(data: bytes) -> list[str]:
        path = tmp_path / "rubric.pdf"
        path.write_bytes(data)
        command = ["pdftotext", "-layout", str(path), "-"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return unicodedata.normalize("NFKC", text).replace("\u2212", "-").split("\f")[:-1]

    return read


def shown(value: Fraction, language: str) -> str:
    if value.denominator == 1:
        return str(value)
    assert value.denominator == 2
    text = f"{abs(value.numerator) // 2}{',' if language == 'es' else '.'}5"
    return "-" + text if value < 0 else text


@EACH_ENGINE
@EACH_LANGUAGE
@EACH_EXAM
def test_pages_hold_the_numbers_of_their_variant(
    name: str, language: str, engine: Engine, reader: Callable[[bytes], list[str]]
) -> None:
    exam, pairs, rubrics = bundled(name)
    data = rubric_pdf(exam, pairs[:2], rubrics, language=language, engine=engine)
    texts = reader(data)
    rows = rows_of(exam, pairs[:2], rubrics, language)
    for _, code in pairs[:2]:
        text = "\n".join(one for one in texts if code in one)
        assert {"es": "Estudiante", "en": "Student"}[language] in text
        for row in rows:
            if row["code"] == code and row["part"] not in ("derive", "mistake"):
                for key in ("right", "wrong"):
                    found = numbers(row[key]) if row[key] else []
                    lines = [[one[0] for one in found]] if found and len(found[0]) == 1 else found
                    for line in lines:
                        looked = r"\s+".join(re.escape(shown(value, language)) for value in line)
                        assert re.search(rf"(?<![\d-]){looked}(?!\d)", text), (row["part"], line)
        points = {"es": f"{exam.points} puntos", "en": f"{exam.points} points"}[language]
        assert re.search(rf"Total:.*{points}", text)
    everything = "\n".join(texts)
    assert everything.count("Qqzz") == 2  # once for each student, and not at the foot of every page
    everything = everything.replace("Zoë Qqzz", "")
    assert not re.search(r"[\\$]", everything)
    own, other = vocabulary(language), vocabulary("en" if language == "es" else "es")
    words = {word.lower() for word in re.findall(r"[^\W\d_]{4,}", everything)}
    assert not words & (other - own)


@EACH_ENGINE
def test_students_are_named(engine: Engine, reader: Callable[[bytes], list[str]]) -> None:
    """Number, name where it is known, code; in an anonymous exam no name."""
    exam, pairs, rubrics = bundled("examen-neurona")
    nobody = replace(pairs[1][0], student=Student(id="n", number=2))
    texts = reader(rubric_pdf(exam, [pairs[0], (nobody, "k9")], rubrics, language="es", engine=engine))
    firsts = [text.split("\n")[0].split() for text in texts if "Rúbrica" in text.split("\n")[0]]
    assert firsts == [
        ["Estudiante", "1:", "Zoë", "Qqzz", "k00f7a", "Rúbrica"], ["Estudiante", "2", "k9", "Rúbrica"],
    ]  # fmt: skip
    hidden = replace(exam, anonymous=True)
    assert "Qqzz" not in "".join(reader(rubric_pdf(hidden, pairs[:1], rubrics, language="es", engine=engine)))


ASKED = ("yhat", "L", "dyhat", "db", "z", "dx", "dz")


@EACH_ENGINE
@pytest.mark.parametrize("count", range(len(ASKED) + 1))
def test_nothing_of_a_rubric_stands_alone(
    count: int, engine: Engine, reader: Callable[[bytes], list[str]]
) -> None:
    """Wherever the second question falls: its heading and its data with its first rows, the total with the
    last ones."""
    points = ", ".join(f"{name} = 2" for name in (*ASKED[:count], "dW"))
    exam = exam_of(
        "".join(
            f"[questions.{name}]\nexercise = 'capa-numerica'\ntitle = {{ en = 'Question {name}' }}\n"
            f"points = {{ {points} }}\n"
            for name in ("one", "two")
        )
    )
    pairs, rubrics = pairs_of(exam, 2)
    headings = totals = 0
    for text in reader(rubric_pdf(exam, pairs, rubrics, language="en", engine=engine)):
        lines = [line.strip() for line in text.split("\n") if line.strip()][:-1]  # without the foot
        credited = [bool(re.search(r"\S\s{4,}(0|0\.5|0\.25|1|1/\d|–)$", line)) for line in lines]
        for at, line in enumerate(lines):
            if re.match(r"[12]\.\s*Question\b", line):
                headings += 1
                assert any(credited[at:]), text
            if line.startswith("Total:"):
                totals += 1
                assert any(credited[:at]), text
    assert (headings, totals) == (4, 2)


@EACH_LANGUAGE
@EACH_EXAM
def test_nothing_sticks_out_of_a_page(name: str, language: str, pdflatex: str) -> None:
    exam, pairs, rubrics = bundled(name)
    run = typeset(RubricSheets(exam, rubrics, language, "tex").document(pairs), engine="pdflatex")
    assert overfull_boxes(run.log) == []
    assert "Missing character" not in run.log
    assert run.runs == 1


@EACH_ENGINE
def test_follow_through_has_its_guard(engine: Engine, reader: Callable[[bytes], list[str]]) -> None:
    """What a student's own answer must not have fewer of than the key: numbers other than 0."""
    exam, pairs, rubrics = bundled("examen-red")
    texts = reader(rubric_pdf(exam, pairs[:3], rubrics, language="en", engine=engine))
    for variant, code in pairs[:3]:
        text = " ".join(" ".join(one for one in texts if code in one).split())
        for name, symbol in (("a1", "a1"), ("dz1", "dz1")):
            count = sum(map(bool, variant.sheets[0].key[name].entries))
            guard = "with some number other" if count == 1 else f"with {count} or more numbers other"
            assert f"Follow-through from {symbol} ({guard} than 0)" in re.sub(r"(?<=[az]) (?=1 \()", "", text)


@EACH_ENGINE
def test_runs_are_joined_in_order_and_give_the_same_bytes(
    engine: Engine, reader: Callable[[bytes], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rubric, "_BATCH", 2)
    exam, pairs, rubrics = bundled("examen-neurona")
    data = rubric_pdf(exam, iter(pairs[:5]), rubrics, language="es", engine=engine)
    assert data == rubric_pdf(exam, pairs[:5], rubrics, language="es", engine=engine)
    codes = [code for text in reader(data) for _, code in pairs if code in text]
    assert list(dict.fromkeys(codes)) == [code for _, code in pairs[:5]]
    assert codes == sorted(codes)
    with pikepdf.open(BytesIO(data)) as pdf:
        assert str(pdf.docinfo["/Title"]) == "Rúbrica: Retropropagación en una neurona"
        assert str(pdf.Root.Lang) == "es"


@EACH_ENGINE
def test_numbers_of_a_part_that_are_worth_unlike_points_are_told_one_by_one(
    engine: Engine, reader: Callable[[bytes], list[str]]
) -> None:
    """In a short exam the zeros of dz are worth less than its other numbers, lest all zeros win too much."""
    exam = exam_of(FRACTIONS.replace("1/3 * W x", "W x"))
    pairs, rubrics = pairs_of(exam, 1)
    step = next(step for step in rubrics.steps(pairs[0][0]) if step.part.id == "dz")
    assert len({points for points in step.numbers if points}) == 2
    text = "\n".join(reader(rubric_pdf(exam, pairs, rubrics, language="en", engine=engine)))
    assert len(re.findall("each number:", text)) == 3


def test_there_must_be_a_variant() -> None:
    exam, _, rubrics = bundled("examen-neurona")
    with pytest.raises(ValueError, match="no variants"):
        rubric_pdf(exam, [], rubrics, language="es", engine="typst")
