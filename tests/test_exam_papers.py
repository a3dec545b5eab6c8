"""Papers and solutions as text: numbers as the writers set them, codes, and no answer where none may be."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import segno

import symbackprop
from symbackprop.algebra.values.arrays import Array
from symbackprop.derivation.derive import derive
from symbackprop.exams.file import bundled_exams, load_exam
from symbackprop.exams.model import (
    Draw,
    Exam,
    Faulty,
    FaultyLine,
    Part,
    PartKind,
    Question,
    Rules,
    Sheet,
    Student,
    Variant,
)
from symbackprop.exams.stream import short_mac
from symbackprop.exams.variants import Maker, anonymous
from symbackprop.exercise import from_parts
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.report.exams import papers, worked
from symbackprop.report.exams.answers import answers, key_line
from symbackprop.report.exams.codes import Codes, Form, drawn, payload, variant_code
from symbackprop.report.exams.conventions import conventions
from symbackprop.report.exams.functions import model_equations
from symbackprop.report.exams.keys import keys_text
from symbackprop.report.exams.papers import Papers, in_language, paper_text
from symbackprop.report.exams.teachers import TexInTypst, latex_texts, own
from symbackprop.report.exams.worked import number_text, step_points
from symbackprop.report.render import FORMATS

FORMS: tuple[Form, ...] = ("tex", "typ")
SECRET = b"a secret of sixteen bytes"
ROWS = re.compile(r'"([01]+)"')


def mac(text: str) -> str:
    return short_mac(SECRET, text, characters=16)


def part(name: str, kind: PartKind = "value", names: tuple[str, ...] = (), points: str = "1") -> Part:
    return Part(id=name, kind=kind, names=names or (name,), points=Fraction(points))


NEURON = symbackprop.load("neurona")
LAYER = symbackprop.load("capa-numerica")
TWO_LAYERS = from_parts(
    model={"z1": "W1 x + b1", "h": "relu(z1)", "yhat": "W2 h + b2", "L": "1/2 ||yhat - y||^2"},
    values={"W1": [[1, 2], [3, -1]], "b1": [1, -2], "W2": [[2, -3]], "b2": [1], "x": [2, 3], "y": [4]},
    wanted=["W1", "b1", "W2", "b2"],
)
DRAW = Draw(low=Fraction(-9), high=Fraction(9), step=Fraction(1, 2))
MISTAKE = part("mistake", "mistake", ("dyhat", "dz", "dW", "db"), "3")


def question(name: str, exercise: Exercise, *parts: Part) -> Question:
    return Question(
        id=name, title={"es": f"Pregunta {name}", "en": f"Question {name}"}, text={"es": "", "en": ""},
        exercise=exercise, fixed={}, draws=dict.fromkeys(exercise.given, DRAW), rules=Rules(), parts=parts,
    )  # fmt: skip


QUESTIONS = (
    question("neuron", NEURON, part("z"), part("L", points="1.5"), part("dW")),
    question("layer", LAYER, part("dz"), part("derive", "derive", ("dz", "dW", "dx"), "2")),
    question("layers", TWO_LAYERS, part("h"), part("dW1", points="2/3")),
    question("error", LAYER, MISTAKE),
)


def exam(**changed: Any) -> Exam:
    made = Exam(
        key="parcial-1", title={"es": "Primer parcial", "en": "Midterm"},
        course={"es": "Curso", "en": "Course"}, date="15/5",
        instructions={"es": "Sin calculadora.", "en": "No calculators."}, language="es",
        questions=QUESTIONS,
    )  # fmt: skip
    return replace(made, **changed)


def sheet(asked: Question, seed: int, other: Fraction | None = None) -> Sheet:
    """Numbers without a plan: small integers, halves in b, or whatever `other` is there."""
    given: dict[str, Array[Fraction]] = {}
    for at, name in enumerate(asked.exercise.given):
        shape = tuple(size for size in asked.exercise.shapes[name] if isinstance(size, int))
        count = 1
        for size in shape:
            count *= size
        entries = [Fraction((seed * 7 + at * 5 + place * 3) % 15 - 7) for place in range(count)]
        if name.startswith("b"):
            entries = [value + Fraction(1, 2) if other is None else other for value in entries]
        given[name] = Array(shape, tuple(entries))
    derivation = derive(replace(asked.exercise, values=given))
    key: dict[str, Array[Fraction]] = {
        name: one.numbers
        for name, one in derivation.quantities.items()
        if name not in given and one.numbers is not None
    }
    faulty = {one.id: mistaken(one, derivation, key) for one in asked.parts if one.kind == "mistake"}
    return Sheet(question=asked.id, values=given, key=key, faulty=faulty)


def mistaken(one: Part, derivation: Any, key: dict[str, Array[Fraction]]) -> Faulty:
    """The transposed gradient in the third line."""
    lines = [
        FaultyLine(name=name, formula=derivation.step(name).formula, array=key[name]) for name in one.names
    ]
    right = lines[2]
    formula = tree.juxtaposed(tree.Name("x"), tree.Transpose(tree.Gradient(tree.Name("z"))))
    lines[2] = FaultyLine(name="dW", formula=formula, array=key["dW"])
    return Faulty(
        part=one.id, lines=tuple(lines), at=2, mistake="factors_swapped", about="dz x^T",
        instead="x dz^T", right=right,
    )  # fmt: skip


def variant(seed: int, name: str = "Ana García", other: Fraction | None = None) -> Variant:
    sheets = tuple(sheet(asked, seed + at, other) for at, asked in enumerate(QUESTIONS))
    return Variant(student=Student(id=f"id-{seed}", name=name, number=seed), sheets=sheets)


VARIANTS = (variant(1), variant(2), variant(3, other=Fraction(-1, 3)))


def text_of(variants: tuple[Variant, ...], form: Form, *, made: Exam | None = None, **options: Any) -> str:
    return paper_text(made or exam(), variants, language="es", form=form, secret_mac=mac, **options)


# --- numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("one", VARIANTS, ids=["integers", "others", "thirds"])
def test_the_data_are_set_as_the_writers_set_them(one: Variant, form: Form) -> None:
    """The paper is joined from strings; here each datum goes through tree and writer."""
    made = Papers(exam(), "es", form, mac)
    text = made.paper(one, 4)
    for asked, numbers in zip(made.asked, one.sheets, strict=True):
        for name, values in numbers.values.items():
            view = asked.view
            node = tree.Chain(
                (tree.Name(name), view.array(values), view.space(name)), ("=", "∈"), (None, None)
            )
            assert asked.setter.formula(node) in text


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("one", VARIANTS, ids=["integers", "others", "thirds"])
def test_the_lines_with_a_mistake_are_set_as_the_writers_set_them(one: Variant, form: Form) -> None:
    made = Papers(exam(), "es", form, mac)
    text = made.paper(one, 4)
    for line in one.sheets[3].faulty["mistake"].lines:
        assert made.asked[3].setter.formula(made.asked[3].line_node(line)) in text


@pytest.mark.parametrize("form", FORMS)
def test_no_mark_is_left(form: Form) -> None:
    for solutions in (False, True):
        assert not re.search(
            r"(?<!\d)7[0-9]\d{5}(?!\d)", text_of(VARIANTS[:1], form, solutions=solutions, pages=4)
        )


def test_marks_are_no_number_of_the_teachers() -> None:
    """A number that could be a mark stands in the instructions, and stays there."""
    numbers = {"es": "El número 7000003 y el 7100000."}
    text = text_of(VARIANTS[:1], "tex", made=exam(instructions=numbers))
    assert "El número 7000003 y el 7100000." in text


@pytest.mark.parametrize("form", FORMS)
def test_templates_are_filled_once_and_nothing_is_derived(
    form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled: list[str] = []
    fill = papers.fill
    monkeypatch.setattr(papers, "fill", lambda name, *rest: filled.append(name) or fill(name, *rest))
    monkeypatch.setattr(worked, "derive", lambda *_: pytest.fail("a paper derives nothing"))
    text_of(VARIANTS * 5, form)
    assert filled == [f"exam/papers.{form}", f"exam/paper.{form}"]


def test_a_question_is_derived_once_for_all_its_solutions(monkeypatch: pytest.MonkeyPatch) -> None:
    derived: list[str] = []
    monkeypatch.setattr(worked, "derive", lambda exercise: derived.append(exercise.key) or derive(exercise))
    text_of(VARIANTS * 3, "tex", solutions=True)
    general = sum(any(one.kind == "derive" for one in asked.parts) for asked in QUESTIONS)
    assert len(derived) == len(QUESTIONS) + general  # what is asked in general once more, for any sizes


def test_papers_do_without_sympy() -> None:
    code = (
        "import sys; sys.path.insert(0, 'tests'); from symbackprop.exams.file import load_exam;"
        "from symbackprop.report.exams.papers import Papers;"
        "made = Papers(load_exam('examen-capa'), 'es', 'tex', lambda text: 'a' * 16); made._made;"
        "print('sympy' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


@pytest.mark.parametrize("form", FORMS)
def test_a_teacher_may_shadow_a_template(form: Form, tmp_path: Path) -> None:
    (tmp_path / "exam").mkdir()
    (tmp_path / "exam" / f"paper.{form}").write_text("<< student >>: << questions[0].data[0].text >>\n")
    text = text_of(VARIANTS[:2], form, templates=tmp_path)
    first, second = (line for line in text.splitlines() if line.startswith("Ana García: "))
    assert first != second
    assert "\\begin{solutionorbox}" not in text


# --- codes ------------------------------------------------------------------------------------


def test_the_squares_are_those_of_segno() -> None:
    """By exclusive-or from one sample, and made anew for each text."""
    texts = [
        payload("parcial-1", variant_code("parcial-1", f"s{at}", mac), page, mac)
        for at in range(40) for page in (1, 2, 9)
    ]  # fmt: skip
    codes = Codes(texts[0])
    for text in texts:
        matrix = segno.make(text, error="m", mode="byte", mask=3, micro=False, boost_error=False).matrix
        rows = tuple("".join(map(str, row)) for row in matrix)
        assert codes.size == len(rows)
        assert format(codes.squares(text), f"0{codes.size**2}b") == "".join(rows)
        assert tuple(ROWS.findall(drawn(codes.squares(text), codes.size, "typ"))) == rows
        assert tuple(painted(drawn(codes.squares(text), codes.size, "tex"))) == rows


def painted(drawing: str) -> Iterator[str]:
    """The rows that the rectangles of a PDF's path paint."""
    size, _, path = drawing.partition(":")
    cells = [["0"] * int(size) for _ in range(int(size))]
    for left, top, width, height in re.findall(r"(\d+) (\d+) (\d+) (\d+) re", path):
        assert height == "1"
        for column in range(int(left), int(left) + int(width)):
            assert cells[int(top)][column] == "0"  # none is painted twice
            cells[int(top)][column] = "1"
    return ("".join(row) for row in cells)


def test_a_code_holds_no_name_no_id_and_no_seed() -> None:
    code = variant_code("parcial-1", "ana.garcia@example.org", mac)
    said = payload("parcial-1", code, 2, mac)
    assert re.fullmatch(r"parcial-1:[0-9a-z]{12}:2:[0-9a-z]{8}", said)
    assert code != variant_code("parcial-1", "ana.garcia@example.or", mac)
    assert code != variant_code("parcial-2", "ana.garcia@example.org", mac)
    other = variant_code(
        "parcial-1", "ana.garcia@example.org", lambda text: short_mac(b"x" * 16, text, characters=16)
    )
    assert code != other
    assert said.rpartition(":")[2] != payload("parcial-1", code, 3, mac).rpartition(":")[2]
    with pytest.raises(ValueError, match="12 letters and digits are needed"):
        variant_code("parcial-1", "ana", lambda text: "short")


@pytest.mark.parametrize("form", FORMS)
def test_every_page_has_its_code(form: Form) -> None:
    made = Papers(exam(), "es", form, mac)
    text = made.paper(VARIANTS[0], 3)
    for page in (1, 2, 3):
        said = payload("parcial-1", made.code(VARIANTS[0]), page, mac)
        codes = Codes(said)
        assert drawn(codes.squares(said), codes.size, form) in text


# --- answers and names --------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", list(bundled_exams()))
def test_a_paper_has_no_answer_and_the_solution_has_all(name: str, form: Form) -> None:
    """Answers as they are set, where the data have no such array."""
    loaded = load_exam(name)
    variants = list(Maker.of(loaded).variants(anonymous(6), SECRET))
    made, solved = (Papers(loaded, "en", form, mac, solutions=one) for one in (False, True))
    looked_for = 0
    for one in variants:
        paper, solution = made.paper(one, 4), solved.paper(one)
        for asked, numbers in zip(made.asked, one.sheets, strict=True):
            for wanted in (part for part in asked.question.parts if part.kind == "value"):
                array = numbers.key[wanted.name]
                answer = asked.setter.formula(asked.view.array(array))
                if len(array.entries) > 1 and array not in numbers.values.values():
                    assert answer not in paper
                    looked_for += 1
                assert answer in solution
    assert looked_for > 20 or name == "examen-neurona"


@pytest.mark.parametrize("form", FORMS)
def test_a_distinctive_answer_is_in_the_solution_alone(form: Form) -> None:
    numbers = QUESTIONS[0]
    given = {
        "W": Array((1, 3), tuple(map(Fraction, (9, 8, 4)))),
        "x": Array((3,), tuple(map(Fraction, (3, 5, 0)))),
        "b": Array((1,), (Fraction(3, 2),)), "y": Array((1,), (Fraction(0),)),
    }  # fmt: skip
    derivation = derive(replace(NEURON, values=given))
    key = {name: one.numbers for name, one in derivation.quantities.items() if name not in given}
    assert key["z"] == Array((1,), (Fraction(137, 2),))
    alone = exam(questions=(numbers,))
    one = Variant(student=Student(id="1"), sheets=(Sheet(question="neuron", values=given, key=key),))  # type: ignore[arg-type]
    answer = re.compile(r'68(,|\{,\}|",")5|137/2')
    assert not answer.search(text_of((one,), form, made=alone, pages=2))
    assert answer.search(text_of((one,), form, made=alone, solutions=True))


@pytest.mark.parametrize("form", FORMS)
def test_a_name_is_printed_and_never_run(form: Form) -> None:
    hostile = r"\input{/etc/passwd} #read(\"x\") $x$ %"
    text = Papers(exam(), "es", form, mac).paper(variant(1, hostile), 4)
    assert r"\input{/etc" not in text
    assert '#read("' not in text.replace(r"\#", "")
    assert "passwd" in text
    hidden = Papers(exam(anonymous=True), "es", form, mac).paper(variant(1, "Ana García"), 4)
    assert "García" not in hidden
    assert "Número" in hidden


def test_a_teachers_latex_goes_to_latex_alone() -> None:
    own = exam(instructions={"es": r"Usa \emph{solo} lápiz: $x^2$.", "en": "Plain."})
    assert r"Usa \emph{solo} lápiz: $x^2$." in text_of(VARIANTS[:1], "tex", made=own)
    with pytest.warns(TexInTypst, match="instructions has LaTeX in it"):
        typst = text_of(VARIANTS[:1], "typ", made=own)
    assert r"\emph{solo}" not in typst.replace(r"\\", "")
    assert latex_texts(own, "es") == ("instructions",)
    plain = exam(instructions={"es": "Vale el 40 % de la nota & lo demás, el 60 %."})
    assert r"Vale el 40 \% de la nota \& lo demás, el 60 \%." in text_of(VARIANTS[:1], "tex", made=plain)
    assert latex_texts(own, "en") == ()
    assert in_language(own.instructions, "fr") == own.instructions["es"]


@pytest.mark.parametrize("solutions", [False, True])
def test_a_teachers_latex_is_warned_of_once(solutions: bool) -> None:
    own = exam(instructions={"es": r"\emph{solo}"})
    made = Papers(own, "es", "typ", mac, solutions=solutions)
    with pytest.warns(TexInTypst) as found:
        _ = [made.document([one], 4) for one in VARIANTS]
    assert [str(one.message) for one in found] == [
        "instructions has LaTeX in it, which Typst prints as it stands"
    ]


@pytest.mark.parametrize(
    ("date", "spanish", "english"),
    [
        ("2026-12-10", "10 de diciembre de 2026", "10 December 2026"),
        ("2024-02-29", "29 de febrero de 2024", "29 February 2024"),
        ("2026-02-29", "2026-02-29", "2026-02-29"),
        ("10/12", "10/12", "10/12"),
    ],
)
def test_a_date_is_written_as_a_person_does(date: str, spanish: str, english: str) -> None:
    for language, written in (("es", spanish), ("en", english)):
        for form in FORMS:
            text = Papers(exam(date=date), language, form, mac).document(VARIANTS[:1], 4)
            assert FORMATS[form].escape(written) in text
            assert (FORMATS[form].escape(date) in text) == (date == written)


# --- what a question says ----------------------------------------------------------------------------


CLIP: dict[str, Any] = {
    "clip": {"pieces": [{"formula": "2", "bound": "2"}, {"formula": "u", "bound": "-1"}, {"formula": "-1"}]}
}


def bent(
    function: str, kinks: dict[str, dict[str, str]] | None = None, functions: dict[str, Any] | None = None
) -> Exercise:
    return from_parts(
        model={"z": "W x + b", "yhat": f"{function}", "L": "1/2 ||yhat - y||^2"},
        values={"W": [[1, 2]], "b": [1], "x": [2, 3], "y": [4]}, wanted=["W"], kinks=kinks,
        functions=functions,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("function", "kinks"),
    [
        ("relu(z)", None),
        ("relu(z)", {"relu": {"0": "1"}}),
        ("relu(z)", {"relu": {"0": "1/2"}}),
        ("leaky_relu(z, slope = 1/4)", None),
        ("leaky_relu(z, slope = 1/4)", {"leaky_relu": {"0": "1/2"}}),
        ("abs(z)", None),
        ("elu(z, alpha = 2)", None),
        ("elu(z)", None),
        ("sigmoid(z)", None),
    ],
)
def test_conventions_are_those_of_the_derivation(
    function: str, kinks: dict[str, dict[str, str]] | None
) -> None:
    """Found in dual numbers; SymPy finds the same kinks, and the same slopes at them."""
    exercise = bent(function, kinks)
    asked = Papers(exam(questions=(question("q", exercise, part("dz")),)), "en", "tex", mac).asked[0]
    found = []
    for made in conventions(asked.view):
        assert isinstance(made, tree.Chain)
        call, taken = made.members
        assert isinstance(call, tree.Call)
        assert call.primes == 1
        found.append((call.function, value_of(call.args[0]), value_of(taken)))
    slopes = derive(exercise).slopes
    assert found == [
        (name, kink.exact_at, kink.exact_taken) for name, slope in slopes.items() for kink in slope.kinks
    ]


def value_of(node: tree.Node) -> Fraction:
    if isinstance(node, tree.Quotient):
        return value_of(node.above) / value_of(node.below)
    assert isinstance(node, tree.Number)
    return node.value


@pytest.mark.parametrize("form", FORMS)
def test_a_convention_is_said_where_a_gradient_is_asked(form: Form) -> None:
    exercise = bent("relu(z)", {"relu": {"0": "1"}})
    for asked, said in ((part("z"), False), (part("dz"), True), (part("d", "derive", ("dz",)), True)):
        for solutions in (False, True):
            made = Papers(
                exam(questions=(question("q", exercise, asked),)), "es", form, mac, solutions=solutions
            )
            skeleton = "".join(made._made[1].pieces)
            assert ("Modelo, con el convenio" in skeleton) is said
            assert ("Modelo:" in skeleton) is not said
            assert bool(re.search(r"ReLU\W*(0)\W*= 1", skeleton)) is said


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("relu(z)", False),  # g(z) = ReLU(z) = max(z, 0) says it
        ("leaky_relu(z, slope = 1/4)", True),
        ("clip(z)", True),
        ("abs(z)", False),
        ("sigmoid(z)", False),
    ],
)
def test_what_a_function_is_stands_on_the_paper(form: Form, function: str, said: bool) -> None:
    """What no equation of the model says is said by cases; and what is said has the function's values."""
    exercise = bent(function, None, CLIP)
    asked = Papers(exam(questions=(question("q", exercise, part("dz")),)), "en", form, mac).asked[0]
    stated = model_equations(asked.view)
    cases = [one for node in stated for one in tree.walk(node) if isinstance(one, tree.Cases)]
    assert len(cases) == said
    for one in cases:
        assert branch_at(one, Fraction(1)) == 1
        assert branch_at(one, Fraction(-4)) == (-1 if "clip" in function else Fraction(-1))
        assert branch_at(one, Fraction(5)) == (2 if "clip" in function else 5)
    lines = asked.model()
    assert len(lines) > 0
    assert max(line["height"] for line in lines) == (
        2.3 if not said else 4.95 if "clip" in function else 3.55
    )


def branch_at(cases: tree.Cases, u: Fraction) -> Fraction:
    """The value of a function by cases of u, by plain arithmetic."""

    def value(node: tree.Node) -> Fraction:
        match node:
            case tree.Number():
                return node.value
            case tree.Name():
                return u
            case tree.Neg(inner) | tree.Bracket(inner):
                return value(inner) * (-1 if isinstance(node, tree.Neg) else 1)
            case tree.Quotient(above, below):
                return value(above) / value(below)
            case tree.Product(factors):
                made = Fraction(1)
                for factor in factors:
                    made *= value(factor)
                return made
        raise AssertionError(node)

    compare = {"≥": lambda a, b: a >= b, "<": lambda a, b: a < b, "≤": lambda a, b: a <= b}
    for formula, condition in cases.branches:
        assert isinstance(condition, tree.Chain)
        sides = list(map(value, condition.members))
        pairs = zip(sides, condition.relations, sides[1:], strict=False)
        if all(compare[relation](left, right) for left, relation, right in pairs):
            return value(formula)
    raise AssertionError(u)


def test_paragraphs_of_a_teachers_text_stay_apart() -> None:
    assert own("One.\n\n  Two & more.\n", "tex") == "One.\n\nTwo \\& more."
    assert own("One.\n\nTwo.", "typ").split("\n\n") == ["One.", "Two."]


def test_data_are_spread_evenly() -> None:
    """Two and two rather than three and one, in as few lines as before."""
    asked = Papers(exam(), "en", "tex", mac).asked[2]
    counts = [line["text"].count(r"\mathbb{R}") or line["text"].count(r"\in") for line in papers_data(asked)]
    assert sum(counts) == len(asked.names) == 6
    assert max(counts) - min(counts) <= 1


def papers_data(asked: Any) -> list[Any]:
    from symbackprop.report.exams.marks import Marks

    found: list[Any] = asked.data(Marks.avoiding([]))
    return found


@pytest.mark.parametrize("language", ["es", "en"])
def test_what_gradients_are_called_is_said_where_a_mistake_is_to_be_found(language: str) -> None:
    text = Papers(exam(), language, "tex", mac).paper(VARIANTS[0], 4)
    said = {"es": "Aquí, {} abrevia {}.", "en": "Here {} is short for {}."}[language]
    assert said.format("$dA$", r"$\pdi{\Loss}{A}$") in re.sub(r"\\grad{(\w+)}", r"\1", text)
    named = from_parts(
        model={"A": "W x", "L": "1/2 ||A - y||^2"},
        values={"W": [[1, 2]], "x": [2, 3], "y": [4]},
        wanted=["W"],
    )
    one = Papers(exam(questions=(question("q", named, part("dA")),)), "en", "tex", mac).asked[0]
    assert one.notation()["gradient"] == tree.Gradient(tree.Name("V"))


def test_a_derivation_in_general_has_no_sizes_of_the_question() -> None:
    """No sum to 2; of a model that needs its sizes they stay."""
    text = Papers(exam(), "en", "tex", mac, solutions=True).paper(VARIANTS[0])
    layer = text[text.index("Question layer}") : text.index("Question layers")]
    numbers, general = layer[: layer.index("Use the chain rule")], layer[layer.index("Use the chain rule") :]
    assert r"\sum_{j=1}^{2}" in numbers
    assert not re.search(r"\\sum_{\w=1}\^{\d", general)
    assert r"\sum_{j=1}^{k}" in general
    assert r"W \in \R^{k \times n}" in general
    alone = question("q", NEURON, part("derive", "derive", ("dz", "dW")))
    made = Papers(exam(questions=(alone,)), "en", "tex", mac, solutions=True)
    solution = made.paper(Variant(student=Student(id="1"), sheets=(sheet(alone, 1),)))
    assert "In general" not in solution


# --- keys ----------------------------------------------------------------------------------


def test_all_answers_are_in_one_line() -> None:
    asked = Papers(exam(), "es", "tex", mac).asked
    one = VARIANTS[0]
    assert key_line(asked[1], one.sheets[1]).startswith("(a) ")
    assert "(b)" not in key_line(asked[1], one.sheets[1])  # a derivation in general has no numbers
    faulty = one.sheets[3].faulty["mistake"]
    assert key_line(asked[3], one.sheets[3]) == "(a) línea 3; 0; 0; 0; −78; −19,5; 39"
    assert faulty.right.array.entries == (0, 0, 0, -78, Fraction(-39, 2), 39)
    assert answers(MISTAKE, one.sheets[3]) == (3, *faulty.right.array.entries)


@pytest.mark.parametrize("language", ["es", "en"])
def test_keys_name_everybody_and_every_question(language: str) -> None:
    variants = [(one, f"k{at}") for at, one in enumerate((*VARIANTS[:1], variant(2, "")))]
    text = "".join(keys_text(exam(), variants, language=language))
    assert r"\variant{0001}{Ana García}{k0}" in text
    assert r"\variant{0002}{}{k1}" in text
    assert "$$" not in text
    word = {"es": "línea", "en": "line"}[language]
    made = Papers(exam(), language, "tex", mac).asked[3]
    assert f"\\keys{{4.}}{{{word} 3: $" in text
    for one, _ in variants:
        right = one.sheets[3].faulty["mistake"].right
        assert made.setter.formula(made.view.array(right.array)) in text
    hidden = "".join(keys_text(exam(anonymous=True), variants, language=language))
    assert "García" not in hidden
    derived = exam(questions=(question("q", LAYER, part("derive", "derive", ("dz",))),))
    bare = Variant(student=Student(id="1", number=1), sheets=(sheet(derived.questions[0], 1),))
    assert r"\keys{1.}{---}" in "".join(keys_text(derived, [(bare, "k")], language=language))


# --- points and languages -------------------------------------------------------------------------


def test_points_at_the_steps_add_up() -> None:
    parts = [part for asked in QUESTIONS for part in asked.parts]
    for share in (Fraction(1, 2), Fraction(1, 3)):
        for one in parts:
            assert sum(step_points(one, share)) == one.points
    assert sum(one.points for one in parts) == exam().points


def test_points_are_said_in_the_language() -> None:
    spanish, english = (Papers(exam(), language, "tex", mac) for language in ("es", "en"))
    text = spanish.paper(VARIANTS[0], 4)
    assert "(1 punto)" in text or "{1 punto}" in text
    assert "1,5 puntos" in text
    assert "2/3 puntos" in text
    assert "1.5 points" in english.paper(VARIANTS[0], 4)
    assert number_text(Fraction(7), spanish.asked[0].setter) == "7"


@pytest.mark.parametrize("form", FORMS)
def test_a_paper_is_whole_in_its_language(form: Form) -> None:
    spanish, english = (
        Papers(exam(), language, form, mac, solutions=True).document(VARIANTS[:1])
        for language in ("es", "en")
    )
    for word, other in (
        ("Calcula el gradiente", "Calculate the gradient"),
        ("Solución", "Solution"),
        ("Datos", "Data"),
    ):
        assert word in spanish
        assert word not in english
        assert other in english
        assert other not in spanish
    assert {"tex": "La línea correcta~es", "typ": "La línea correcta~es"}[form] in spanish  # never parted
    assert "La línea equivocada es la (3)" in spanish
    assert "The wrong line is (3)" in english


def test_the_solution_shows_what_leads_to_an_answer() -> None:
    """dW1 is asked: the gradients of the layers above stand before it, each once in the question."""
    made = Papers(exam(), "en", "tex", mac, solutions=True)
    text = made.paper(VARIANTS[0])
    third = text[text.index("Question layers") : text.index("Question error")]
    for symbol in (r"d\hat y", "dh", "dz_1", "dW_1"):
        assert len(re.findall(rf"\\boxed{{\W*{re.escape(symbol)}\s*=", third)) == 1, symbol


def test_the_worked_numbers_are_the_students() -> None:
    """A solution in numbers, against the derivation of this student's exercise itself."""
    from symbackprop.report.compose import compose
    from symbackprop.report.render import render

    one = VARIANTS[1]
    text = re.sub(r"\s+", " ", Papers(exam(), "en", "tex", mac, solutions=True).paper(one))
    derivation = derive(replace(NEURON, values=one.sheets[0].values))
    report = render(compose(derivation, detail="exam"), format="tex", language="en", loss="L")
    shown = re.findall(r"= \\boxed{([^{}]+)}", re.sub(r"\s+", " ", report))
    assert shown
    assert all(rf"\boxed{{{value}}}" in text for value in shown)
