"""What variants are like: counts against a recount, uniform draws against own ones, the page, the lines."""

import re
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import sqrt
from random import Random

import pytest

from symbackprop.algebra.values.decimals import fixed
from symbackprop.exams.draws import values as range_of
from symbackprop.exams.file import bundled_exams, exam_of, load_exam
from symbackprop.exams.marks import Marks
from symbackprop.exams.model import Exam, Question, Student, Variant
from symbackprop.exams.rules import RULES
from symbackprop.exams.stress import DISTINCT, VALUELESS, Distribution, Stress, drawn_uniformly, stressed
from symbackprop.exams.variants import Maker, anonymous
from symbackprop.notation import tree
from symbackprop.report.document import Panel, Paragraph, Plot
from symbackprop.report.exams.stress import document, rendered, stress_pdf
from symbackprop.report.exams.stress_lines import WIDTH, terminal_lines
from symbackprop.report.words import load_words

EXAMS = tuple(bundled_exams())
EACH = pytest.mark.parametrize("name", EXAMS)
SECRET = b"a secret of sixteen bytes"
COUNT = 80
UNITS = {"neurona": ("z",), "capa": ("z",), "error": ("z",), "red": ("z1",)}
"""What goes through ReLU in each question."""

THIRDS = """
id = "thirds"
[questions.lin]
[questions.lin.model]
z = "W x + b"
E = "1/2 ||z - y||^2"
[questions.lin.shapes]
W = [2, 3]
[questions.lin.draw]
W = { from = -3, to = 3, step = "1/3" }
[questions.lin.points]
z = 1
dx = 2
"""


@pytest.fixture(scope="module")
def exams() -> dict[str, tuple[Exam, list[Variant], Stress]]:
    """Each exam, its variants one by one, and what was counted of the same ones."""
    made = {}
    for name in (*EXAMS, "thirds"):
        exam = exam_of(THIRDS) if name == "thirds" else load_exam(name)
        variants = list(Maker.of(exam).variants(anonymous(COUNT), SECRET))
        made[name] = (exam, variants, stressed(Maker.of(exam), anonymous(COUNT), SECRET, uniform=400))
    return made


Exams = dict[str, tuple[Exam, list[Variant], Stress]]

# --- the counts ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*EXAMS, "thirds"])
def test_every_answer_is_counted(exams: Exams, name: str) -> None:
    """Each number's values once more from the variants themselves."""
    exam, variants, stress = exams[name]
    assert stress.variants == COUNT
    for at, (question, one) in enumerate(zip(exam.questions, stress.questions, strict=True)):
        keys = [variant.sheets[at].key for variant in variants]
        assert [a.part for a in one.answers] == [p for p in question.parts if p.kind == "value"]
        for answers in one.answers:
            arrays = [key[answers.part.name] for key in keys]
            assert {array.shape for array in arrays} == {answers.shape}
            for place, (where, counted) in enumerate(zip(answers.places(), answers.numbers, strict=True)):
                values = [array.entries[place] for array in arrays]
                assert values == [array.at(*where) if where else array.item for array in arrays]
                assert (counted.low, counted.high) == (min(values), max(values))
                assert counted.mean == sum(values, Fraction(0)) / COUNT
                assert counted.different == len(set(values))
                assert counted.zeros == values.count(Fraction(0))
                for value, count in counted.common(3):
                    assert values.count(value) == count
                first = counted.common(1)[0][1]
                assert all(values.count(value) <= first for value in set(values))
            every = Counter(value for array in arrays for value in array.entries)
            assert dict(answers.whole.counts) == every


@EACH
def test_mistakes_to_be_found_are_counted(exams: Exams, name: str) -> None:
    exam, variants, stress = exams[name]
    for at, (question, one) in enumerate(zip(exam.questions, stress.questions, strict=True)):
        parts = [part for part in question.parts if part.kind == "mistake"]
        assert [made.part for made in one.mistakes] == parts
        for made in one.mistakes:
            faults = [variant.sheets[at].faulty[made.part.id] for variant in variants]
            lines = Counter(fault.lines[fault.at].name for fault in faults)
            assert dict(made.lines) == {line: lines[line] for line in made.part.names}
            assert dict(made.kinds) == Counter(fault.mistake for fault in faults)
            assert sum(made.lines.values()) == sum(made.kinds.values()) == COUNT


@EACH
def test_difficulty_is_the_same_for_all(exams: Exams, name: str) -> None:
    """The active units once more, from the signs of what goes through ReLU."""
    _, variants, stress = exams[name]
    active, work = set(), set()
    for variant in variants:
        active.add(sum(
            value > 0 for sheet in variant.sheets for unit in UNITS[sheet.question]
            for value in sheet.key[unit].entries
        ))  # fmt: skip
        work.add(sum(sheet.work for sheet in variant.sheets))
    assert {*stress.active.counts} == active
    assert {*stress.work.counts} == work
    for counted in (stress.active, stress.work, *(x for q in stress.questions for x in (q.active, q.work))):
        assert counted.spread == 0
        assert counted.total == COUNT
    assert sum(q.work.high for q in stress.questions) == stress.work.high > 0


@EACH
def test_acceptance_counts_every_construction(exams: Exams, name: str) -> None:
    _, variants, stress = exams[name]
    known = {row.name for row in RULES} | {"different", DISTINCT, VALUELESS}
    for at, one in enumerate(stress.questions):
        attempts = [variant.sheets[at].attempts for variant in variants]
        assert one.built.tried == sum(attempts)
        assert one.built.accepted == COUNT
        assert sum(one.built.refused.values()) == sum(attempts) - COUNT
        assert one.uniform.tried == one.uniform.accepted + sum(one.uniform.refused.values()) == 400
        for acceptance in (one.built, one.uniform):
            assert list(acceptance.refused.values()) == sorted(acceptance.refused.values(), reverse=True)
            assert {rule for rule in acceptance.refused if not rule.startswith("ranges.")} <= known


@EACH
def test_zeros_win_at_most_a_tenth(exams: Exams, name: str) -> None:
    exam, variants, stress = exams[name]
    marks = Marks(exam)
    shares = []
    for variant in variants:
        keys = {sheet.question: sheet.key for sheet in variant.sheets}
        won = sum(
            (points for (question, part), numbers in marks.points(variant).items()
             for points, value in zip(numbers, keys[question][part].entries, strict=True) if value == 0),
            Fraction(0),
        )  # fmt: skip
        shares.append(won / exam.points)
    assert (stress.zeros.high, stress.zeros.mean) == (max(shares), sum(shares, Fraction(0)) / COUNT)
    assert stress.zeros.high <= Fraction(1, 10)


@EACH
def test_nobody_has_anothers_data_and_who_has_is_counted(exams: Exams, name: str) -> None:
    exam, _, stress = exams[name]
    assert stress.alike == 0
    assert [(one.copies, one.alike) for one in stress.questions] == [(0, 0)] * len(exam.questions)
    maker = Maker.of(exam)

    def twice() -> Iterator[Student]:
        """Three students and, once it is forgotten what they have, two of them again."""
        for number in (1, 2, 3, 1, 3):
            for one in maker.questions:
                one.seen.clear()
            yield Student(id=str(number), number=number)

    again = stressed(maker, twice(), SECRET, uniform=1)
    assert again.alike == 4
    assert [(one.copies, one.alike) for one in again.questions] == [(4, 4)] * len(exam.questions)


def test_a_maker_that_was_used_before_counts_only_what_is_new() -> None:
    exam = load_exam("examen-red")
    fresh = stressed(Maker.of(exam), anonymous(20), b"other", uniform=1)
    maker = Maker.of(exam)
    list(maker.variants(anonymous(20), SECRET))
    later = stressed(maker, anonymous(20), b"other", uniform=1)
    assert dict(later.questions[0].built.refused) == dict(fresh.questions[0].built.refused)


def test_of_a_variant_little_is_kept() -> None:
    """Hashes, and the numbers that nobody else may have: under 2 kB of each."""
    used = []
    for count in (200, 600):
        maker = Maker.of(load_exam("examen-red"))
        tracemalloc.start()
        stress = stressed(maker, anonymous(count), SECRET, uniform=1)
        used.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert stress.variants == count
    assert (used[1] - used[0]) / 400 < 2_000


def test_without_students_there_is_nothing_to_count() -> None:
    with pytest.raises(ValueError, match="no students"):
        stressed(Maker.of(load_exam("examen-neurona")), iter(()), SECRET)


# --- bins ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*EXAMS, "thirds"])
@pytest.mark.parametrize("most", [1, 7, 24, 500])
def test_bins_hold_every_number_once(exams: Exams, name: str, most: int) -> None:
    _, _, stress = exams[name]
    for one in stress.questions:
        for answers in one.answers:
            whole = answers.whole
            bins = whole.bins(most)
            assert sum(it.count for it in bins) + whole.zeros == COUNT * len(answers.numbers)
            for value, count in whole.counts.items():
                assert (value / whole.step).denominator == 1
                holding = [it for it in bins if it.low <= value <= it.high]
                assert len(holding) == (value != 0)
                assert not value or holding[0].count >= count
            for it in bins:
                held = [n for value, n in whole.counts.items() if it.low <= value <= it.high]
                assert it.count == sum(held) > 0
            assert [it.low for it in bins] == sorted(it.low for it in bins)
            assert len({it.high - it.low for it in bins}) <= 1
            assert len(bins) <= most + 2


def test_bins_of_a_few_numbers() -> None:
    """−7 … 9 in bins of two: from −8 to −7, −2 to −1, 1 to 2, 9 to 10; the three zeros apart."""
    numbers = Distribution.of(Counter(map(Fraction, (-7, -2, -1, -1, 0, 0, 0, 1, 2, 2, 9))))
    found = [(it.low, it.high, it.count) for it in numbers.bins(8)]
    assert found == [(-8, -7, 1), (-2, -1, 3), (1, 2, 3), (9, 10, 1)]
    halves = Distribution.of(Counter((Fraction(1, 2), Fraction(3, 2), Fraction(3, 2))))
    assert [(it.low, it.high, it.count) for it in halves.bins(9)] == [
        (Fraction(1, 2), Fraction(1, 2), 1), (Fraction(3, 2), Fraction(3, 2), 2),
    ]  # fmt: skip
    assert Distribution.of({Fraction(0): 5}).bins(9) == ()


# --- uniform drawing -------------------------------------------------------------------------


def own_draw(question: Question, random: Random) -> str:
    """One uniform draw of a ReLU layer with the loss ½‖ŷ − y‖², held against the rules by hand."""
    ranges = {name: range_of(draw) for name, draw in question.draws.items()}
    rows, columns = (int(str(size)) for size in question.exercise.shapes["W"])
    x = random.choices(ranges["x"], k=columns)
    if len({*map(abs, x)}) < columns:
        return "distinct"
    z = []
    for _ in range(rows):
        w = random.choices(ranges["W"], k=columns)
        z.append(sum((a * b for a, b in zip(w, x, strict=True)), random.choice(ranges["b"])))
    rules = question.rules.number
    if sum(value > 0 for value in z) != (rows + 1) // 2:
        return "active"
    if any(abs(value) < (rules("min_preactivation") or 0) for value in z):
        return "min_preactivation"
    if any(abs(value) > (rules("max_preactivation") or 0) for value in z):
        return "max_preactivation"
    errors = [max(value, Fraction(0)) - random.choice(ranges["y"]) for value in z]
    if any(abs(error) < (rules("min_gradient") or 0) for error in errors):
        return "min_gradient"
    return "max_error" if any(abs(error) > (rules("max_error") or 0) for error in errors) else "others"


@pytest.mark.parametrize("at", [0, 1])
def test_uniform_drawing_breaks_rules_as_often_as_an_own_one(at: int) -> None:
    """A layer of (2, 3) and one of (3, 2): each share within five standard deviations of the difference."""
    question = load_exam("examen-capa").questions[at]
    draws = 6_000
    found = drawn_uniformly(Maker.of(load_exam("examen-capa")).questions[at], draws)
    random = Random(11)
    own = Counter(own_draw(question, random) for _ in range(draws))
    counted = Counter(found.refused)
    looked_at = ("distinct", "active", "min_preactivation", "max_preactivation", "min_gradient", "max_error")
    counts = {rule: counted.pop(rule, 0) for rule in looked_at}
    counts["others"] = found.accepted + counted.total()
    for rule, count in counts.items():
        share = (count + own[rule] + 1) / (2 * draws)
        assert abs(count - own[rule]) < 5 * sqrt(2 * draws * share), rule
    columns = int(str(question.exercise.shapes["W"][1]))
    different = Fraction(24 if columns == 3 else 12, 4**columns)  # of the sizes 2, 3, 4, 5
    expected = float(draws * (1 - different))
    assert abs(counts["distinct"] - expected) < 5 * sqrt(expected * float(different))


def test_uniform_drawing_of_a_layer_accepts_far_less_than_building() -> None:
    """Of a (3, 2) layer a few in a thousand, below the 4 % of fewer rules; building most of them."""
    maker = Maker.of(load_exam("examen-capa"))
    stress = stressed(maker, anonymous(200), SECRET, uniform=20_000)
    layer = stress.questions[1]
    assert layer.question.exercise.shapes["W"] == (3, 2)
    assert Fraction(1, 5_000) < layer.uniform.share < Fraction(4, 100)
    assert layer.built.share > 20 * layer.uniform.share
    assert layer.built.share > Fraction(1, 2)


@EACH
def test_what_was_built_would_pass_as_a_uniform_draw(exams: Exams, name: str) -> None:
    """The rules that uniform draws are held against are those that variants obey."""
    from symbackprop.exams.stress import _sum_fault

    exam, variants, _ = exams[name]
    maker = Maker.of(exam)
    for variant in variants:
        for one, sheet in zip(maker.questions, variant.sheets, strict=True):
            numbers = one.numbers(sheet)
            stages = one.fairness.builder.stages
            assert not any(_sum_fault(one, chosen, numbers) for stage in stages for chosen in stage.chosen)
            assert not isinstance(one.fairness.judged(one.again(numbers)), str)


# --- the page --------------------------------------------------------------------------------


def panels(stress: Stress, exam: Exam) -> list[Panel]:
    return [it for block in document(stress, exam).blocks if isinstance(block, Plot) for it in block.panels]


def test_pictures_of_two_questions_say_which_they_are_about() -> None:
    """Where two ask for quantities of the same names; elsewhere no line is lost for it."""
    both = exam_of(
        "".join(
            f"[questions.{name}]\nexercise = 'neurona'\npoints = {{ {points} }}\n"
            for name, points in (("first", "z = 1, dW = 1"), ("second", "z = 1, db = 1"))
        )
    )
    stress = stressed(Maker.of(both), anonymous(4), b"")
    after: dict[str, list[object]] = {}
    for block in document(stress, both).blocks:
        if isinstance(block, Paragraph) and block.lead is not None:
            after[str(block.lead.parts.get("item"))] = shown = []
        elif isinstance(block, Plot):
            shown += [one.title.parts["name"] for one in block.panels if one.title]
    names = [tree.Name("z"), tree.Gradient(tree.Name("W")), tree.Name("z"), tree.Gradient(tree.Name("b"))]
    assert (after["first"], after["second"]) == (names[:2], names[2:])
    alone = stressed(Maker.of(exam_of(ONE)), anonymous(4), b"")
    leads = [
        block.lead.key for block in document(alone, exam_of(ONE)).blocks
        if isinstance(block, Paragraph) and block.lead is not None
    ]  # fmt: skip
    assert "stress.cell" not in leads


ONE = "[questions.only]\nexercise = 'neurona'\npoints = { z = 1, dW = 1 }\n"


@pytest.mark.parametrize("name", [*EXAMS, "thirds"])
def test_pictures_show_the_counts(exams: Exams, name: str) -> None:
    """Heights of bars are to each other as the counts, and stand where the ticks say; all inside the axes."""
    exam, _, stress = exams[name]
    pictures = panels(stress, exam)
    wholes = [answers.whole for one in stress.questions for answers in one.answers]
    assert len(pictures) == len(wholes) + sum(len(one.mistakes) for one in stress.questions)
    counted = [
        picture for picture in pictures if picture.title and picture.title.key != "stress.panel_mistake"
    ]
    for whole, picture in zip(wholes, counted, strict=True):
        bins = whole.bins(24)
        top = max(it.count for it in bins)
        highest = max(bar.height for bar in picture.bars)
        assert 0.8 * picture.height < highest < picture.height
        first, last = picture.across[0], picture.across[-1]
        scale = (value_of(last.label) - value_of(first.label)) / (last.at - first.at)
        for it, bar in zip(bins, picture.bars, strict=True):
            assert 0 < bar.left < bar.right < picture.width
            assert bar.height / highest == pytest.approx(it.count / top, abs=0.002)
            middle = value_of(first.label) + ((bar.left + bar.right) / 2 - first.at) * scale
            assert middle == pytest.approx(float(it.low + it.high) / 2, abs=abs(0.003 * scale))
        for tick in picture.up:
            share = 100 * top / whole.total
            assert tick.at / highest == pytest.approx(value_of(tick.label) / share, abs=0.003)
        for ticks, length in ((picture.across, picture.width), (picture.up, picture.height)):
            assert 1 <= len(ticks) <= 8
            assert all(0 <= tick.at <= length for tick in ticks)


def value_of(label: object) -> float:
    from symbackprop.notation import tree

    if isinstance(label, tree.Neg):
        return -value_of(label.body)
    assert isinstance(label, tree.Number)
    return float(label.value)


@EACH
@pytest.mark.parametrize("form", ["tex", "typ", "md", "html"])
def test_the_page_is_in_its_language(exams: Exams, name: str, form: str) -> None:
    exam, _, stress = exams[name]
    for language in ("es", "en"):
        text = rendered(stress, exam, form=form, language=language)
        assert load_words(language).sentence("stress.title")[0].value in text
        assert exam.title[language] in text
    spanish = rendered(stress, exam, form=form, language="es")
    mark = {"tex": "{,}", "typ": ",", "md": "{,}", "html": ","}[form]
    mean = fixed(stress.questions[0].answers[0].whole.mean, 2).lstrip("-")
    assert mean.replace(".", mark) in spanish.replace('"', "")
    assert not re.search(r"\d\.\d+ ?\\?%", spanish)


def test_only_the_time_changes(exams: Exams) -> None:
    exam, _, stress = exams["examen-capa"]
    again = stressed(Maker.of(exam), anonymous(COUNT), SECRET, uniform=400)
    assert stress.nanoseconds != again.nanoseconds
    lines = [list(terminal_lines(one, exam)) for one in (stress, again)]
    changed = [pair for pair in zip(*lines, strict=True) if pair[0] != pair[1]]
    assert all(line.strip().startswith("time") for pair in changed for line in pair)
    still = [replace(one, nanoseconds=None) for one in (stress, again)]
    assert [*terminal_lines(still[0], exam)] == [*terminal_lines(still[1], exam)]
    for form in ("tex", "typ"):
        first, second = (rendered(one, exam, form=form, language="es") for one in still)
        assert first == second
        assert len(rendered(stress, exam, form=form, language="es").splitlines()) > len(first.splitlines())


@EACH
def test_the_page_is_one_or_two(exams: Exams, name: str) -> None:
    import io

    import pikepdf

    exam, _, stress = exams[name]
    most = 2 if name == "examen-red" else 1
    with pikepdf.open(io.BytesIO(stress_pdf(stress, exam, "es", "typst"))) as pdf:
        assert len(pdf.pages) <= most


@EACH
def test_the_page_in_latex(exams: Exams, name: str, pdflatex: str) -> None:
    """Nothing sticks out, and it has as few pages."""
    import io

    import pikepdf

    from symbackprop.report.pdf import overfull_boxes, typeset

    exam, _, stress = exams[name]
    made = typeset(rendered(stress, exam, form="tex", language="es"), engine="pdflatex")
    assert overfull_boxes(made.log) == []
    with pikepdf.open(io.BytesIO(made.pdf)) as pdf:
        assert len(pdf.pages) <= (2 if name == "examen-red" else 1)


# --- the terminal ----------------------------------------------------------------------------


@EACH
def test_the_terminal_says_every_number(exams: Exams, name: str) -> None:
    exam, _, stress = exams[name]
    lines = list(terminal_lines(stress, exam))
    assert all(len(line) <= WIDTH and line == line.rstrip() for line in lines)
    assert lines[0] == f"{name}: {COUNT} variants"
    begun = {question.id: lines.index(question.id) for question in exam.questions}
    for one in stress.questions:
        own = lines[begun[one.question.id] :]
        for answers in one.answers:
            for place, counted in zip(answers.places(), answers.numbers, strict=True):
                where = answers.part.name + (f"[{','.join(map(str, place))}]" if place else "")
                cells = next(line.split() for line in own if line.split()[:1] == [where])
                assert [Fraction(cell) for cell in cells[1:3]] == [counted.low, counted.high]
                assert abs(Fraction(cells[3]) - counted.mean) <= Fraction(1, 200)
                assert int(cells[4]) == counted.different
                value, count = counted.common(1)[0]
                assert Fraction(cells[7]) == value
                assert abs(Fraction(cells[8].lstrip("(")) - Fraction(100 * count, COUNT)) <= Fraction(1, 20)
        built = next(line for line in own if "built to fit" in line)
        assert f"{COUNT} of {one.built.tried} " in built


def test_every_rule_has_words() -> None:
    """In both languages, whatever turns numbers away."""
    names = {row.name for row in RULES if row.name != "square"} | {"ranges", "different", DISTINCT, VALUELESS}
    for language in ("es", "en"):
        sentences = load_words(language).sentences
        assert {f"stress.rule.{name}" for name in names} <= set(sentences)


def test_decimals_are_rounded_as_at_school() -> None:
    random = Random(5)
    for _ in range(2_000):
        value = Fraction(random.randint(-(10**6), 10**6), 10 ** random.randint(0, 6))
        for places in (0, 1, 2):
            exact = Decimal(value.numerator) / Decimal(value.denominator)
            rounded = exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
            assert Decimal(fixed(value, places)) == rounded
            assert fixed(value, places).startswith("-") == (rounded < 0)
