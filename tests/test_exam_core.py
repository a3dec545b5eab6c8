"""Exams: the numbers of variants, their keys by other routes, the rules, the points, the files read."""

import hashlib
import hmac
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

import symbackprop
from symbackprop.algebra.values.straight import compiled
from symbackprop.derivation.derive import derive
from symbackprop.derivation.model import Model
from symbackprop.exams.draws import values as range_of
from symbackprop.exams.file import _QUESTION, _TOP, bundled_exams, exam_of, load_exam
from symbackprop.exams.gates import kinks as kinks_of
from symbackprop.exams.grading import Grader
from symbackprop.exams.manifest import Issued, ManifestError, read_manifest, written
from symbackprop.exams.marks import Marks
from symbackprop.exams.model import Exam, Sheet, Student, Variant
from symbackprop.exams.roster import RosterError, roster_of
from symbackprop.exams.rubric import Rubrics
from symbackprop.exams.rules import RULES
from symbackprop.exams.stream import Stream, message, short_mac
from symbackprop.exams.variants import KeyMismatch, Maker, Unsatisfiable, anonymous
from symbackprop.exercise import ExerciseError
from symbackprop.report.words import load_words

EXAMS = tuple(bundled_exams())
SECRET = b"a secret of sixteen bytes"


@pytest.fixture(scope="module")
def makers() -> dict[str, Maker]:
    return {name: Maker.of(load_exam(name)) for name in EXAMS}


def some(maker: Maker, count: int = 40, secret: bytes = SECRET) -> list[Variant]:
    """Variants of a maker that has handed out nothing yet."""
    for one in maker.questions:
        one.seen.clear()
    return list(maker.variants(anonymous(count), secret))


def sheets(maker: Maker, count: int = 40) -> Iterator[tuple[int, Sheet]]:
    for variant in some(maker, count):
        yield from enumerate(variant.sheets)


# --- the stream ------------------------------------------------------------------------------


def test_the_stream_is_hmac_of_its_parts() -> None:
    """Worked out here from RFC 2104's construction: the same on every Python, for ever."""
    parts = (b"symbackprop exam 1", b"numbers", "exámen".encode(), b"q", b"7")
    prefix = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    assert message("numbers", "exámen", "q", "7") == prefix
    digest = hmac.new(b"key", prefix + bytes(8), hashlib.sha256).digest()
    number = int.from_bytes(digest, "big")
    stream = Stream(b"key", "numbers", "exámen", "q", "7")
    for count in (7, 11, 2, 100):
        number, expected = divmod(number, count)
        assert stream.below(count) == expected


def test_no_two_lists_of_parts_are_one_message() -> None:
    assert message("a", "bc") != message("ab", "c") != message("abc")


def test_draws_are_even() -> None:
    """10,000 draws of 0 … 9: no count is further from 1,000 than five standard deviations of 30."""
    stream = Stream(SECRET, "even")
    counts = Counter(stream.below(10) for _ in range(10_000))
    assert set(counts) == set(range(10))
    assert all(abs(count - 1_000) < 150 for count in counts.values())
    pairs = Counter(tuple(Stream(SECRET, "pairs", str(at)).sample("abc", 2)) for at in range(6_000))
    assert len(pairs) == 6
    assert all(abs(count - 1_000) < 150 for count in pairs.values())


def test_a_short_code_tells_neither_secret_nor_student() -> None:
    codes = {short_mac(SECRET, "exam", str(student)) for student in range(2_000)}
    assert len(codes) == 2_000
    assert short_mac(SECRET, "exam", "1") != short_mac(b"another", "exam", "1")


# --- keys ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMS)
def test_keys_are_those_of_the_whole_derivation(name: str, makers: dict[str, Maker]) -> None:
    """The exercise with the variant's numbers in it, derived and certified from the beginning."""
    exam = makers[name].exam
    for at, sheet in sheets(makers[name], 2):
        exercise = replace(exam.questions[at].exercise, values=dict(sheet.values))
        worked = derive(exercise)
        for quantity, array in sheet.key.items():
            assert worked.quantities[quantity].numbers == array, quantity


@pytest.mark.parametrize("name", EXAMS)
def test_keys_by_plain_arithmetic(name: str, makers: dict[str, Maker]) -> None:
    """Forward and back written out here with loops, as on paper; ReLU and half the squared error."""
    for _, sheet in sheets(makers[name], 60):
        given = {key: array.nested() for key, array in sheet.values.items()}
        layers = [("W1", "b1"), ("W2", "b2")] if "W1" in given else [("W", "b")]
        last_is_linear = len(layers) == 2
        inputs, sums = [given["x"]], []
        for at, (weights, bias) in enumerate(layers):
            z = [
                sum((w * a for w, a in zip(row, inputs[-1], strict=True)), Fraction(0)) + b
                for row, b in zip(given[weights], given[bias], strict=True)
            ]
            sums.append(z)
            linear = last_is_linear and at == len(layers) - 1
            inputs.append(z if linear else [max(value, Fraction(0)) for value in z])
        error = [a - t for a, t in zip(inputs[-1], given["y"], strict=True)]
        assert sheet.key["L"].item == sum(e * e for e in error) / 2
        back = error
        for at in reversed(range(len(layers))):
            linear = last_is_linear and at == len(layers) - 1
            dz = [d if linear or z > 0 else Fraction(0) for d, z in zip(back, sums[at], strict=True)]
            weights, bias = layers[at]
            assert list(sheet.key["d" + bias].entries) == dz
            assert sheet.key["d" + weights].nested() == [[d * a for a in inputs[at]] for d in dz]
            back = [
                sum((given[weights][i][j] * dz[i] for i in range(len(dz))), Fraction(0))
                for j in range(len(inputs[at]))
            ]
        assert list(sheet.key["dx"].entries) == back


def test_a_wrong_key_stops_everything(makers: dict[str, Maker]) -> None:
    """A formula's code with one sign changed: the dual numbers disagree, and nothing is made."""
    one = Maker.of(load_exam("examen-capa")).questions[0]
    code = one.plan.key
    for at, program in enumerate(code.programs):
        operations = list(program.operations)
        place = max(place for place, (kind, _, _) in enumerate(operations) if kind == "mul")
        operations[place] = ("add", *operations[place][1:])
        wrong = replace(program, operations=tuple(operations))
        code.versions[at] = compiled(wrong, code.denominators, work=True, bound=100)
    one.fairness.work = None  # the changed code has another number of multiplications
    with pytest.raises(KeyMismatch, match="by dual numbers"):
        one.build(SECRET, "1")


# --- who gets what ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMS)
def test_numbers_are_the_same_for_ever(name: str, makers: dict[str, Maker]) -> None:
    again = Maker.of(load_exam(name))
    for first, second in zip(some(makers[name], 12), some(again, 12), strict=True):
        for one, other in zip(first.sheets, second.sheets, strict=True):
            assert dict(one.values) == dict(other.values)
            assert {k: f.at for k, f in one.faulty.items()} == {k: f.at for k, f in other.faulty.items()}
    assert [dict(s.values) for _, s in sheets(makers[name], 3)] != [
        dict(s.values) for v in some(again, 3, b"another secret") for s in v.sheets
    ]


HANDED_OUT = {
    "examen-neurona": {"neurona": {"W": "2 4 -3", "x": "3 2 4", "b": "5", "y": "-1"}},
    "examen-capa": {
        "capa": {"W": "2 4 4 2 3 3", "x": "2 -5 3", "b": "-4 8", "y": "-8 15"},
        "error": {"W": "3 -5 3 -3 2 -5", "x": "-3 -5", "b": "-6 -8 -7", "y": "18 -2 6"},
    },
    "examen-red": {
        "red": {
            "W1": "-4 -2 -2 -4 4 3", "x": "4 -2", "b1": "5 4 -7", "W2": "3 2 -3 -4 4 -3",
            "b2": "8 -1", "y": "12 2",
        }
    },
}  # fmt: skip
"""What Ana had in November 2026. Who makes an exam again, by a later version, must get the same: a change of
these is a change of everybody's exam."""


@pytest.mark.parametrize("name", EXAMS)
def test_numbers_that_were_handed_out_once_stay(name: str) -> None:
    variant = Maker.of(load_exam(name)).variant(Student(id="ana"), b"a secret of sixteen bytes or more")
    assert {
        sheet.question: {key: " ".join(map(str, array.entries)) for key, array in sheet.values.items()}
        for sheet in variant.sheets
    } == HANDED_OUT[name]
    planted = [(one.at, one.mistake) for sheet in variant.sheets for one in sheet.faulty.values()]
    assert planted == ([(6, "sign")] if name == "examen-capa" else [])


def test_what_a_student_gets_hangs_on_nobody_else(makers: dict[str, Maker]) -> None:
    maker = makers["examen-red"]
    alone = {}
    for student in ("ana", "luis", "zoe"):
        for one in maker.questions:
            one.seen.clear()
        alone[student] = maker.variant(Student(id=student), SECRET)
    for one in maker.questions:
        one.seen.clear()
    together = [maker.variant(Student(id=s), SECRET) for s in ("zoe", "new", "ana", "other", "luis")]
    for variant in together:
        if variant.student.id in alone:
            for one, other in zip(variant.sheets, alone[variant.student.id].sheets, strict=True):
                assert dict(one.values) == dict(other.values)


def test_another_question_changes_nobodys_numbers() -> None:
    text = bundled_exams()["examen-capa"].read_text("utf-8")
    longer = text.replace(
        "[questions.capa]\n",
        '[questions.before]\nexercise = "neurona"\n[questions.before.points]\nz = 1\n\n[questions.capa]\n',
    )
    short, long = Maker.of(exam_of(text)), Maker.of(exam_of(longer))
    for first, second in zip(some(short, 10), some(long, 10), strict=True):
        assert dict(first.sheets[0].values) == dict(second.sheets[1].values)
        assert dict(first.sheets[1].values) == dict(second.sheets[2].values)


def test_no_two_students_share_data() -> None:
    """A question with few possibilities: all are handed out, then it is said that there are no more."""
    maker = Maker.of(exam_of(SMALL))
    found = []
    rest = maker.variants(anonymous(5_000), SECRET)
    with pytest.raises(Unsatisfiable) as caught:
        found.extend(tuple(variant.sheets[0].values.values()) for variant in rest)
    assert len(set(found)) == len(found) > 5
    assert f"only {len(found)} students can have numbers of their own" in str(caught.value)


SMALL = """
[questions.q]
exercise = "neurona"
shapes = { W = [1, 2], x = [2] }
draw = { W = [2, 3], x = [2, 4], b = [-1, 1], y = [-3, 3] }
points = { z = 1, dz = 1, dW = 1 }
rules = { max_error = 40, max_preactivation = 40 }
"""


# --- rules -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMS)
def test_numbers_obey_the_rules(name: str, makers: dict[str, Maker]) -> None:
    exam = makers[name].exam
    for at, sheet in sheets(makers[name], 80):
        question = exam.questions[at]
        for given, draw in question.draws.items():
            entries = sheet.values[given].entries
            assert set(entries) <= set(range_of(draw))
            assert not draw.distinct or len({abs(value) for value in entries}) == len(entries)
        z, dz = ("z1", "dz1") if "z1" in sheet.key else ("z", "dz")
        active = sum(value > 0 for value in sheet.key[z].entries)
        count = len(sheet.key[z].entries)
        assert all(sheet.key[z].entries)
        assert active == (count + 1) // 2 if count > 1 else active == 1
        assert active < count or count == 1
        assert all(
            abs(slope) >= 2 if value > 0 else slope == 0
            for value, slope in zip(sheet.key[z].entries, sheet.key[dz].entries, strict=True)
        )


@pytest.mark.parametrize("name", EXAMS)
def test_common_mistakes_are_told_apart(name: str, makers: dict[str, Maker]) -> None:
    """All wrong answers of one part and shape differ from the right one and from each other."""
    for _, sheet in sheets(makers[name], 40):
        by_part: dict[tuple[str, tuple[int, ...]], list[tuple[Fraction, ...]]] = {}
        for slip in sheet.wrong:
            by_part.setdefault((slip.part, slip.array.shape), []).append(slip.array.entries)
        assert by_part
        for (part, shape), answers in by_part.items():
            assert len(set(answers)) == len(answers)
            assert shape != sheet.key[part].shape or sheet.key[part].entries not in answers


def test_the_mistakes_that_everybody_makes_are_among_them(makers: dict[str, Maker]) -> None:
    """Transposed, g′ forgotten, a factor 2, a sign, dŷ for dz: worked out here from the sheet's numbers."""
    for at, sheet in sheets(makers["examen-capa"], 25):
        if at:
            continue
        key = {name: array.nested() for name, array in sheet.key.items()}
        x = sheet.values["x"].nested()
        wrong = {(slip.part, slip.mistake): slip.array for slip in sheet.wrong}
        assert wrong["dz", "slope_missing"].nested() == key["dyhat"]
        assert wrong["dyhat", "doubled"].nested() == [2 * d for d in key["dyhat"]]
        assert wrong["dW", "sign"].nested() == [[-v for v in row] for row in key["dW"]]
        assert wrong["dW", "upstream_skipped"].nested() == [[d * a for a in x] for d in key["dyhat"]]
        transposed = [list(column) for column in zip(*key["dW"], strict=True)]
        assert wrong["dW", "result_transposed"].nested() == transposed


@pytest.mark.parametrize("name", EXAMS)
def test_everybody_has_the_same_work(name: str, makers: dict[str, Maker]) -> None:
    """Multiplications without a factor 0, 1 or −1 in W x, dz xᵀ, Wᵀ dz and the squares, counted here."""
    maker = makers[name]
    variants = some(maker, 60)
    for at in range(len(maker.questions)):
        assert len({variant.sheets[at].work for variant in variants}) == 1
    if name != "examen-capa":
        return

    def real(a: Fraction, b: Fraction) -> bool:
        return abs(a) not in (0, 1) and abs(b) not in (0, 1)

    for variant in variants:
        sheet = variant.sheets[0]
        weights, x = sheet.values["W"].nested(), sheet.values["x"].nested()
        dz, error = sheet.key["dz"].nested(), sheet.key["dyhat"].nested()
        count = sum(real(w, a) for row in weights for w, a in zip(row, x, strict=True))
        count += sum(real(e, e) for e in error) + sum(real(d, a) for d in dz for a in x)
        count += sum(real(w, d) for row, d in zip(weights, dz, strict=True) for w in row)
        assert sheet.work == count


@pytest.mark.parametrize("name", EXAMS)
def test_a_mistake_to_find_is_one_and_is_carried_on(name: str, makers: dict[str, Maker]) -> None:
    found = 0
    for at, sheet in sheets(makers[name], 30):
        exercise = makers[name].exam.questions[at].exercise
        for faulty in sheet.faulty.values():
            found += 1
            shown = {line.name: line.array for line in faulty.lines}
            wrong = faulty.lines[faulty.at]
            assert all(sheet.key[line.name] == line.array for line in faulty.lines[: faulty.at])
            assert wrong.array != sheet.key[wrong.name] == faulty.right.array
            assert wrong.array.shape == faulty.right.array.shape
            assert exercise.shapes["x"] == (len(sheet.values["x"].entries),)
            if wrong.name in ("dyhat", "dz"):  # what comes after is dz xᵀ of the dz that is shown
                dz, x = shown["dz"].nested(), sheet.values["x"].nested()
                assert shown["dW"].nested() == [[d * a for a in x] for d in dz]
    assert found == (30 if name == "examen-capa" else 0)


def test_rules_hold_for_what_is_given_to_everybody_too() -> None:
    """The target is the same for all, and no error is beyond 6; biases of different sizes are so."""
    text = """
[questions.q]
exercise = "capa-numerica"
points = { z = 1, dz = 1 }
values = { y = [5, -3] }
rules = { max_error = 6 }
draw = { b = { from = -9, to = 9, ones = true, distinct = true } }
"""
    for variant in some(Maker.of(exam_of(text)), 30):
        key, b = variant.sheets[0].key, variant.sheets[0].values["b"].entries
        assert all(abs(value) <= 6 for value in key["dyhat"].entries)
        assert abs(b[0]) != abs(b[1])


def test_signs_that_no_rehearsal_met_are_rehearsed_when_they_come() -> None:
    """|ŷ − y| has a sign for each entry: of every variant it is known which mistakes show, and they do."""
    text = """
[questions.q]
points = { z = 1, dyhat = 1, dz = 1, dW = 1 }
shapes = { W = [4, 3] }
[questions.q.model]
z = "W x + b"
yhat = "relu(z)"
L = "sum(abs(yhat - y))"
[questions.q.rules]
min_gradient = 1
varied = false
"""
    maker = Maker.of(exam_of(text))
    for variant in some(maker, 40):
        sheet = variant.sheets[0]
        assert sheet.wrong
        for slip in sheet.wrong:
            right = sheet.key[slip.part]
            assert slip.array.shape != right.shape or slip.array != right
    alone = Maker.of(exam_of(text))
    last = alone.variant(Student(id="40"), SECRET)  # met first here: the same numbers
    assert dict(last.sheets[0].values) == dict(some(maker, 40)[-1].sheets[0].values)


def test_rows_and_units_are_not_alike(makers: dict[str, Maker]) -> None:
    for _, sheet in sheets(makers["examen-red"], 80):
        for name in ("W1", "W2"):
            rows = [tuple(row) for row in sheet.values[name].nested()]
            assert len(set(rows)) == len(rows)
        assert len(set(sheet.key["z1"].entries)) == 3
        assert len({abs(value) for value in sheet.key["da1"].entries}) > 1


def test_a_slip_in_what_is_not_asked_is_seen_in_what_is(makers: dict[str, Maker]) -> None:
    """dŷ is not asked: its factor 2 is a mistake of dz; a ReLU, a ½ forgotten are among those of ŷ, L."""
    text = '[questions.q]\nexercise = "capa-numerica"\npoints = { yhat = 1, L = 1, dz = 1 }'
    for variant in some(Maker.of(exam_of(text)), 20):
        sheet = variant.sheets[0]
        wrong = {(slip.part, slip.mistake): slip.array.entries for slip in sheet.wrong}
        assert wrong["dz", "doubled"] == tuple(2 * value for value in sheet.key["dz"].entries)
        assert wrong["yhat", "function_forgotten"] == sheet.key["z"].entries
        assert wrong["L", "doubled"] == (2 * sheet.key["L"].item,)


@pytest.mark.parametrize("z", ["1/3 * W x", "W x", "2 W x + b", "b - W x", "W x - b", "W (x + b1) + b"])
def test_rules_hold_where_no_bias_can_be_chosen_too(z: str) -> None:
    text = f"""
[questions.q]
points = {{ z = 1, dz = 1, dW = 1 }}
shapes = {{ W = [2, 3] }}
[questions.q.model]
z = "{z}"
yhat = "relu(z)"
L = "1/2 ||yhat - y||^2"
"""
    for variant in some(Maker.of(exam_of(text)), 25):
        key = variant.sheets[0].key
        assert sorted(value > 0 for value in key["z"].entries) == [False, True]
        assert all(1 <= abs(value) <= 12 for value in key["z"].entries)
        assert all(abs(value) >= 2 for value in key["dz"].entries if value)
        assert [bool(value) for value in key["dz"].entries] == [value > 0 for value in key["z"].entries]


def test_halves_and_leaky_units() -> None:
    """Numbers with denominators, and a function whose slope is 1/2 to the left: nothing is 0 there."""
    text = """
[questions.q]
points = { z = 1, yhat = 1, L = 1, dyhat = 1, dz = 1, dW = 1, dx = 1 }
shapes = { W = [2, 3] }
draw = { W = { from = -3, to = 3, step = "1/2" }, x = [-4, 4] }
[questions.q.model]
z = "W x + b"
yhat = "leaky_relu(z, slope = 1/2)"
L = "1/2 ||yhat - y||^2"
"""
    halves = 0
    for variant in some(Maker.of(exam_of(text)), 25):
        values, key = variant.sheets[0].values, variant.sheets[0].key
        halves += sum(value.denominator == 2 for value in values["W"].entries)
        for z, yhat, back, dz in zip(
            *(key[one].entries for one in ("z", "yhat", "dyhat", "dz")), strict=True
        ):
            assert yhat == (z if z > 0 else z / 2)
            assert dz == (back if z > 0 else back / 2)
        assert key["dW"].nested() == [[d * a for a in values["x"].entries] for d in key["dz"].entries]
        assert ("dz", "slope_missing") in {(slip.part, slip.mistake) for slip in variant.sheets[0].wrong}
    assert halves > 50


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize(
    ("draw", "rules", "said"),
    [
        ("", "max_product = 3", r"no product is beyond ±3.*nearest that can be met: max_product = \d+"),
        ("y = [0, 2]", "min_gradient = 6", r"y from 0 to 2.*draw\.y = \{ from = -\d+, to = \d+ \}"),
        ("", "min_gradient = 20", r"nearest that can be met: min_gradient = 9"),
        ("W = [2, 3]\nx = [2, 4]\nb = [-2, 3]", "", r"b from -2 to 3.*draw\.b = "),
    ],
)
def test_what_cannot_be_is_said_with_the_nearest_that_can(draw: str, rules: str, said: str) -> None:
    """And what is said is true: with that setting there are numbers."""
    text = f"""
[questions.q]
exercise = "capa-numerica"
points = {{ z = 1, dz = 1, dW = 1, dx = 1 }}
[questions.q.draw]
{draw}
[questions.q.rules]
{rules}
"""
    with pytest.raises(Unsatisfiable, match=said) as caught:
        some(Maker.of(exam_of(text)), 1)
    setting = str(caught.value).partition("can be met: ")[2].rstrip(".")
    section = "[questions.q.draw]" if setting.startswith("draw.") else "[questions.q.rules]"
    key = setting.removeprefix("draw.").partition(" = ")[0]
    lines = [line for line in text.split("\n") if not line.startswith(f"{key} = ")]
    lines.insert(lines.index(section) + 1, setting.removeprefix("draw."))
    assert some(Maker.of(exam_of("\n".join(lines))), 1)


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time for the search, so that what is said does not hang on the machine."""
    monkeypatch.setattr("symbackprop.exams.nearest.SECONDS", 60.0)


@pytest.mark.usefixtures("patience")
def test_several_settings_that_help_together_are_said() -> None:
    """No single one does; with all of those that are named there are numbers."""
    text = """
[questions.q]
exercise = "capa-numerica"
points = { z = 1, dz = 1, dW = 1, dx = 1 }
[questions.q.rules]
"""
    with pytest.raises(Unsatisfiable, match="No single change helps") as caught:
        some(Maker.of(exam_of(f"{text}max_product = 3\nmin_gradient = 20\n")), 1)
    settings = str(caught.value).partition("can be met: ")[2].rstrip(".").split(", ")
    assert {one.partition(" = ")[0] for one in settings} == {"max_product", "min_gradient"}
    assert some(Maker.of(exam_of(text + "\n".join(settings))), 1)


@pytest.mark.parametrize(
    ("pieces", "kinks"),
    [('{ formula = "u", bound = "1" }, { formula = "1" }', (1,)),
     ('{ formula = "2", bound = "2" }, { formula = "u", bound = "-1/2" }, { formula = "-1" }', (2, -0.5)),
     ('{ formula = "u", bound = "−2" }, { formula = "-2" }', (-2,))],
)  # fmt: skip
def test_no_number_is_at_a_kink_wherever_it_is(pieces: str, kinks: tuple[float, ...]) -> None:
    text = f"""
[questions.q]
points = {{ z = 1, dz = 1 }}
shapes = {{ W = [2, 3] }}
[questions.q.functions]
own = {{ pieces = [{pieces}] }}
[questions.q.model]
z = "W x + b"
yhat = "own(z)"
L = "1/2 ||yhat - y||^2"
"""
    exam = exam_of(text)
    assert kinks_of(Model.of(exam.questions[0].exercise)) == {"z": kinks}
    for variant in some(Maker.of(exam), 30):
        for value in variant.sheets[0].key["z"].entries:
            assert all(abs(value - kink) >= 1 for kink in kinks)


def test_no_number_is_at_the_kink_of_a_formula() -> None:
    """hinge(z, y) has its kink where y z = 1, and no name stands there alone."""
    text = """
[questions.q]
points = { z = 1, L = 1, dz = 1 }
shapes = { W = [2, 3] }
draw = { y = { from = -1, to = 1, ones = true }, b = { from = -9, to = 9, ones = true } }
rules = { not_all_zero = false, min_gradient = 0, min_preactivation = 0 }
[questions.q.model]
z = "W x + b"
L = "hinge(z, y)"
"""
    for variant in some(Maker.of(exam_of(text)), 60):
        z, y = variant.sheets[0].key["z"].entries, variant.sheets[0].values["y"].entries
        assert all(one * other != 1 for one, other in zip(z, y, strict=True))


def test_a_target_that_is_a_matrix_has_the_range_of_a_target() -> None:
    text = """
[questions.q]
points = { dA = 1 }
shapes = { W = [3, 2], X = [2, 4] }
[questions.q.model]
A = "W X"
L = "1/2 ||A - Y||_F^2"
"""
    draws = exam_of(text).questions[0].draws
    assert (draws["Y"].high, draws["W"].high, draws["X"].high) == (20, 5, 5)


def test_many_outputs_have_errors_enough() -> None:
    """Nine differences between 2 and 9 in size cannot all have a size of their own."""
    text = """
[questions.q]
points = { z = 1, dz = 1 }
shapes = { W = [9, 2] }
[questions.q.model]
z = "W x + b"
L = "1/2 ||z - y||^2"
"""
    for variant in some(Maker.of(exam_of(text)), 5):
        assert all(2 <= abs(value) <= 9 for value in variant.sheets[0].key["dz"].entries)


def test_too_many_students_for_the_numbers_there_are() -> None:
    text = """
[questions.q]
points = { dz = 1 }
[questions.q.values]
W = [[2, 3, 4], [5, -2, 3]]
x = [2, 3, -4]
b = [1, -3]
[questions.q.model]
z = "W x + b"
L = "1/2 ||z - y||^2"
[questions.q.draw]
y = [-3, 3]
[questions.q.rules]
diagnose = false
min_gradient = 0
max_error = 40
"""
    with pytest.raises(Unsatisfiable, match=r"only \d+ students can have numbers of their own"):
        some(Maker.of(exam_of(text)), 60)


def test_every_rule_has_its_sentence() -> None:
    """A rule that the file may set is named in both languages where `stress` says what it turned away."""
    for language in ("es", "en"):
        sentences = load_words(language).sentences
        assert all(f"stress.rule.{row.name}" in sentences for row in RULES if row.name != "square")


# --- points ----------------------------------------------------------------------------------


def test_the_reference_has_every_key_and_every_rule_with_its_usual_setting() -> None:
    text = (Path(symbackprop.__file__).parent / "exams/README.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text, flags=re.MULTILINE))
    for rule in RULES:
        usual = str(bool(rule.default)).lower() if rule.kind == "switch" else str(rule.default)
        assert rows[rule.name] == (rule.unset.removesuffix(" the") + " them" if rule.unset else usual)
    for key in (*_TOP, *_QUESTION):
        if key != "questions":
            assert re.search(rf"`\[?{key}\b", text), key


@pytest.mark.parametrize("name", EXAMS)
def test_points_add_up_and_zeros_win_little(name: str, makers: dict[str, Maker]) -> None:
    exam = makers[name].exam
    marks = Marks(exam)
    rubrics = Rubrics(exam, {one.question.id: one.plan.tracer for one in makers[name].questions})
    for variant in some(makers[name], 10):
        points = marks.points(variant)
        for question, sheet in zip(exam.questions, variant.sheets, strict=True):
            for part in question.parts:
                if part.kind == "value":
                    shares = points[question.id, part.id]
                    assert sum(shares) == part.points
                    zero = {p for p, v in zip(shares, sheet.key[part.name].entries, strict=True) if not v}
                    assert zero <= {Fraction(0)} or part.name in ("dz", "dz1")
        assert marks.won_by_zeros(variant) <= Fraction(1, 10)
        steps = rubrics.steps(variant)
        assert sum(step.points for step in steps) == exam.points
        assert all(step.method + step.value == step.points for step in steps)


def test_a_part_of_nothing_but_zeros_is_kept_out() -> None:
    """With no unit beyond its kink all gradients are 0: who writes 0 would have all points."""
    exam = exam_of(
        "[questions.q]\npoints = { z = 1, dz = 1 }\nshapes = { W = [2, 3] }\nrules = { active = 1 }\n"
        '[questions.q.model]\nz = "W x + b"\nyhat = "max(z, 100)"\nL = "1/2 ||yhat - y||^2"\n'
        "[questions.q.draw]\ny = { from = -200, to = 200 }\n"
    )
    with pytest.raises(Unsatisfiable, match="no answer has only zeros"):
        some(Maker.of(exam), 1)


def test_zeros_are_scaled_down_where_they_would_win_too_much() -> None:
    """Only dz is asked, of three units two active: an equal share would give a third for writing 0."""
    exam = exam_of('[questions.q]\nexercise = "capa-numerica"\npoints = { dz = 3 }\n'
                   "shapes = { W = [3, 2], x = [2], b = [3], y = [3] }")  # fmt: skip
    variant = some(Maker.of(exam), 1)[0]
    assert Marks(exam).won_by_zeros(variant) == Fraction(1, 10)
    assert sorted(Marks(exam).points(variant)["q", "dz"]) == [Fraction(3, 10), *[Fraction(27, 20)] * 2]


def test_what_follows_is_what_the_formula_gives(makers: dict[str, Maker]) -> None:
    """dW = dz xᵀ with the student's own dz; nothing follows from zeros."""
    maker = makers["examen-capa"]
    rubrics = Rubrics(maker.exam, {one.question.id: one.plan.tracer for one in maker.questions})
    following = rubrics.following["capa"]
    for variant in some(maker, 10):
        sheet = variant.sheets[0]
        own = sheet.key["dz"].with_entries([Fraction(7), Fraction(-3)])
        x, weights = sheet.values["x"].nested(), sheet.values["W"].nested()
        dw = following.followed("dW", sheet, {"dz": own})
        assert dw is not None
        assert dw.nested() == [[d * a for a in x] for d in (7, -3)]
        dx = following.followed("dx", sheet, {"dz": own})
        assert dx is not None
        assert dx.nested() == [7 * weights[0][j] - 3 * weights[1][j] for j in range(3)]
        zeros = own.with_entries([Fraction(0), Fraction(0)])
        assert following.followed("dW", sheet, {"dz": zeros}) is None
        assert following.followed("z", sheet, {"dz": own}) is None
        sources, rows, constants = following.linear("dx", sheet) or ((), [], [])
        assert sources == ("dz",)
        linear = [c + 7 * row[0] - 3 * row[1] for c, row in zip(constants, rows, strict=True)]
        assert linear == list(dx.entries)


# --- files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMS)
def test_bundled_exams_speak_both_languages(name: str) -> None:
    exam = load_exam(name)
    texts = [exam.title, exam.course, exam.instructions, *(question.title for question in exam.questions)]
    assert all(set(text) == {"es", "en"} for text in texts)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", None, "the exam has no questions"),
        ("id = '2026-a'\n[questions.q]\nexercise='neurona'\npoints={z=1}", 1, "A letter, then letters"),
        ("[questions.q]\nexercise='neurona'\npoints={z=1}\nrules={active=2}", 4, "z has 1. Write active = 1"),
        (
            "[questions.q]\npoints={dV=1}\nshapes={V=[],w=[]}\n[questions.q.model]\na='V^2'\nL='w^2'",
            2, "the model has no dV",
        ),
        ("id = 'a b'\n[questions.q]\nexercise='neurona'\npoints={z=1}", 1, "cannot name files"),
        ("[questions.q]\nexercise='neuron'\npoints={z=1}", 2, "Did you mean the bundled neurona"),
        ("[questions.q]\npoints={z=1}", 1, "there is no model"),
        ("[questions.q]\nexercise='neurona'", 1, "nothing is asked"),
        ("[questions.q]\nexercise='neurona'\npoints={dw=1}", 3, "Did you mean dW"),
        ("[questions.q]\nexercise='neurona'\n[questions.q.points]\nz=0", 4, "points lie between"),
        ("[questions.q]\nexercise='neurona'\npoints={z=1}\nrules={activ=1}", 4, "Did you mean active"),
        ("[questions.q]\nexercise='neurona'\npoints={z=1}\nrules={active=0}", 4, "no unit active"),
        ("[questions.q]\nexercise='neurona'\npoints={z=1}\ndraw={W=[2,1]}", 4, "there is nothing"),
        ("[questions.q]\nexercise='neurona'\npoints={z=1}\ndraw={x=[2,3]}", 4, "only 2 sizes"),
        ("[questions.q]\nexercise='neurona'\npoints={z=1}\ndraw={W={step='1/999'}}", 4, "too fine"),
        ("[questions.q]\nexercise='general'\npoints={z=1}", 1, "sizes of"),
        (
            "[questions.q]\nexercise='capa-numerica'\npoints={z=1}\nshapes={W=[3,3],x=[3],b=[3],y=[3]}",
            4, "a missing transpose would fit",
        ),
        ("[questions.q.model]\nz='W x + c('", 2, "never closed"),
        ("questions = 3", 1, "is a table"),
        ("[questions.q]\nexercise='neurona'\npoints={z=1}\nmistake={of=['dz']}", 4, "would print answers"),
        ("[questions.q]\nexercise='neurona'\nmistake={of=['z']}", 3, "no gradient z"),
        ("[marking]\nmethod=2\n[questions.q]\nexercise='neurona'\npoints={z=1}", 2, "between 0 and 1"),
    ],
)  # fmt: skip
def test_faults_of_an_exam_file_are_said_with_their_line(text: str, line: int | None, said: str) -> None:
    with pytest.raises(ExerciseError) as caught:
        exam_of(text, file="e.toml")
    assert any(said in str(fault) and fault.line == line for fault in caught.value.faults), str(caught.value)


def test_an_exam_whose_answers_are_not_exact_is_refused() -> None:
    exam = exam_of("[questions.q]\nexercise='sigmoide'\npoints={z=1}")
    with pytest.raises(ExerciseError, match="would not be exact: exp"):
        Maker.of(exam)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no students"),
        ("id,name\n", "only a line of headings"),
        ("1,Ana\n2,Luis\n1,Eva\n", "r.csv:3: the id '1' is that of line 1"),
        ("id,name\n1,Ana\n,Luis\n", "r.csv:3: there is no id"),
        ('id,name\n1,"Ana\n', "is no CSV"),
        ("1\x07,Ana\n", "cannot be printed"),
        ("x" * 65 + ",Ana\n", "longer than 64"),
    ],
)
def test_a_bad_line_of_a_roster_is_named(text: str, said: str) -> None:
    with pytest.raises(RosterError, match=said):
        roster_of(text, "r.csv")


def test_rosters_of_learning_platforms() -> None:
    """Names in two columns, other columns beside them; separators in quotes; headings that hold no id."""
    for text in (
        "Apellidos,Nombre,Número de ID,Correo\nNúñez,Ana,12,a@b.es\nLi,Xu,13,x@b.es\n",
        "First name,Last name,ID number\nAna,Núñez,12\nXu,Li,13\n",
    ):
        students = roster_of(text, "r.csv")
        assert [(one.id, one.name) for one in students] == [("12", "Ana Núñez"), ("13", "Xu Li")]
    (student,) = roster_of('1,"Núñez; Ana"\n', "r.csv")
    assert (student.id, student.name) == ("1", "Núñez; Ana")
    with pytest.raises(RosterError, match=r"r\.csv:1: none of these headings is an id: Name, Group"):
        roster_of("Name,Group\nAna,A\n", "r.csv")


def test_rosters_as_people_have_them() -> None:
    students = (Student(id="12", name="Núñez, Ana", number=1), Student(id="13", name="Li", number=2))
    for text in (
        'id,name\n12,"Núñez, Ana"\n13,Li\n', "12;Núñez, Ana\n13;Li\n",
        "nombre\tmatrícula\nNúñez, Ana\t12\nLi\t13",
        '\n"12","Núñez, Ana"\r\n13,Li\r\n',
    ):  # fmt: skip
        assert roster_of(text, "r.csv") == students


def test_a_manifest_keeps_every_number(makers: dict[str, Maker]) -> None:
    text = bundled_exams()["examen-red"].read_text("utf-8")
    issued = [Issued(student=v.student, code="abc", sheets=v.sheets) for v in some(makers["examen-red"], 4)]
    made = "".join(written("examen-red", text, issued))
    back = read_manifest(made)
    assert json.loads(made)["students"][1]["id"] == "2"
    for one, other in zip(issued, back.issued, strict=True):
        assert other.student == one.student
        for first, second in zip(one.sheets, other.sheets, strict=True):
            assert dict(first.values) == second.values
            assert dict(first.key) == second.key
    again = Maker.of(exam_of(back.text, key=back.exam))
    for questioned, sheet in zip(again.questions, back.issued[0].sheets, strict=True):
        anew = questioned.again(questioned.numbers(sheet))
        assert dict(questioned.sheet(anew, b"", "").key) == sheet.key
    for damaged in (
        "",
        "{}",
        "[1]",
        made.replace('"version": 1', '"version": 9'),
        made.replace('"exam_text": "', '"exam_text": "#'),
    ):
        with pytest.raises(ManifestError):
            read_manifest(damaged)


def test_an_exam_takes_exercises_from_beside_it(tmp_path: Path) -> None:
    """And keeps their texts: what was handed out can be read when the files are gone."""
    (tmp_path / "own.toml").write_text(
        '[model]\nz = "W x + b"\nL = "1/2 ||relu(z)||^2"\n[shapes]\nW = [2, 3]\n'
    )
    path = tmp_path / "e.toml"
    path.write_text('[questions.q]\nexercise = "own.toml"\npoints = { z = 1, dz = 1, dW = 1 }\n')
    exam = load_exam(path)
    (variant,) = some(Maker.of(exam), 1)
    issued = Issued(student=variant.student, code="abc", sheets=variant.sheets)
    text = "".join(written(exam.key, path.read_text(), [issued], exercises=exam.exercises))
    (tmp_path / "own.toml").unlink()
    with pytest.raises(ExerciseError, match="no such file"):
        load_exam(path)
    manifest = read_manifest(text)
    again = Maker.of(manifest.read()).questions[0]
    sheet = manifest.issued[0].sheets[0]
    anew = again.sheet(again.again(again.numbers(sheet)), b"", "")
    assert dict(anew.key) == sheet.key
    assert Grader.of(manifest).exam.questions[0].exercise.shapes["W"] == (2, 3)
    with pytest.raises(ManifestError, match="not the one that it was made of"):
        read_manifest(text.replace("1/2 ||relu(z)||^2", "1/4 ||relu(z)||^2"))


def test_everything_of_an_exam_is_frozen(makers: dict[str, Maker]) -> None:
    exam: Exam = makers["examen-capa"].exam
    with pytest.raises(AttributeError):
        exam.key = "x"  # type: ignore[misc]


def test_bundled_exams_are_files() -> None:
    assert set(EXAMS) == {"examen-neurona", "examen-capa", "examen-red"}
    assert all(isinstance(path, Path) and path.is_file() for path in bundled_exams().values())
