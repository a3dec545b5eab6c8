"""The export for PrairieLearn: server.py is run as the platform runs it, the page read as by a browser."""

import html as entities
import importlib.util
import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import lxml.html
import pytest

from symbackprop.exams.exports import prairielearn
from symbackprop.exams.exports.pool import ExportError, Numbers, Pool, PoolVariant
from tests.hand_pool import ENDLESS, FIRST, SECOND, TRICKY, keys_of, pool

FOLDER = "questions/parcial-1/capa"


def server(files: Any, folder: Path, question: str = FOLDER) -> Any:
    """The emitted server.py, imported as the platform does."""
    path = folder / "server.py"
    path.write_bytes(files[f"{question}/server.py"])
    found = importlib.util.spec_from_file_location("server", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def generated(module: Any, seed: Any) -> dict[str, Any]:
    """`data` after `generate`, with all the mappings that the platform gives."""
    names = ("params", "correct_answers", "submitted_answers", "raw_submitted_answers", "format_errors")
    data: dict[str, Any] = {name: {} for name in (*names, "partial_scores", "feedback")}
    data["variant_seed"] = seed
    module.generate(data)
    return json.loads(json.dumps(data))  # the platform stores it as JSON


def read_number(text: str) -> float:
    """As the platform reads a field: blank-value 0, a fraction as a quotient of floats."""
    above, _, below = (text.strip() or "0").partition("/")
    return float(above) / float(below or 1)


def submit(data: dict[str, Any], answers: dict[str, list[str]], choice: str = "") -> None:
    """What `parse` and `grade` of the platform's elements leave behind for these fields."""
    raw, submitted = data["raw_submitted_answers"], data["submitted_answers"]
    for slug, texts in answers.items():
        key = data["correct_answers"].get(f"{slug}_", data["correct_answers"].get(slug))
        names = [f"{slug}_{place + 1}" for place in range(len(texts))] if isinstance(key, list) else [slug]
        flat = [one for row in key for one in row] if isinstance(key, list) else [key]
        for name, text in zip(names, texts, strict=True):
            raw[name], submitted[name] = text, read_number(text)
        hits = [abs(read_number(text) - one) <= 0.0005 for text, one in zip(texts, flat, strict=True)]
        name = f"{slug}_" if isinstance(key, list) else slug
        data["partial_scores"][name] = {"score": sum(hits) / len(hits), "weight": 1}
    data["partial_scores"]["mistake"] = {"score": 1 if choice == "b" else 0, "weight": 1}


def texts(variant: PoolVariant) -> dict[str, list[str]]:
    """The full key, as a student would type it."""
    return {
        part.slug: [str(cell.key) for cell in part.cells]
        for part in variant.parts
        if isinstance(part, Numbers)
    }


def seed_of(module: Any, name: str) -> int:
    """A seed that draws a variant."""
    return next(seed for seed in range(100) if generated(module, seed)["params"]["variant"] == name)


@pytest.fixture
def module(tmp_path: Path) -> Any:
    """The server.py of the first question, with all three variants."""
    return server(prairielearn.export(pool(FIRST, SECOND, ENDLESS)), tmp_path)


def marked(module: Any, answers: dict[str, list[str]], choice: str = "b", name: str = "v1") -> dict[str, Any]:
    """`data` after `grade`."""
    data = generated(module, seed_of(module, name))
    submit(data, answers, choice)
    module.grade(data)
    return data


def test_every_variant_is_drawn_and_has_its_keys(module: Any) -> None:
    drawn = {}
    for seed in [*range(40), "1f3g", "zz9"]:
        data = generated(module, seed)
        drawn[data["params"]["variant"]] = data["correct_answers"]
    assert set(drawn) == {"v1", "v2", "v3"}
    assert drawn["v1"]["dW_"] == [[-4.0, 8.0, -2.0], [0.0, 0.0, 0.0]]
    assert drawn["v1"]["dz_"] == [[-4.0], [0.0]]
    assert drawn["v2"]["loss"] == 1.125
    assert drawn["v3"]["dW_"][0] == [1 / 3, -2 / 3, 1.0]


@pytest.mark.parametrize("variant", [FIRST, SECOND, ENDLESS], ids=lambda one: one.name)
def test_the_whole_key_scores_all(module: Any, variant: PoolVariant) -> None:
    data = marked(module, texts(variant), name=variant.name)
    assert data["score"] == 1
    assert {name: one["score"] for name, one in data["partial_scores"].items()} == dict.fromkeys(
        ("z_", "dz_", "dW_", "loss", "mistake"), 1
    )
    assert {name: one["weight"] for name, one in data["partial_scores"].items()} == {
        "z_": 1, "dz_": 2, "dW_": 3, "loss": 0.5, "mistake": 1,
    }  # fmt: skip
    assert data["feedback"] == {}


def test_three_decimals_are_enough(module: Any) -> None:
    """1/3 as 0.333, and -2/3 as -0.667; also a number that lies just at the tolerance."""
    answers = texts(ENDLESS) | {"dW": ["0.333", "-0.667", "1.0005", "0", "0", "0"]}
    assert marked(module, answers, name="v3")["score"] == 1
    answers["dW"] = ["0.332", "-0.667", "1.0006", "0", "0", "0"]
    assert marked(module, answers, name="v3")["partial_scores"]["dW_"]["score"] == pytest.approx(1 / 3)


def test_all_zeros_earn_the_dead_neuron_only(module: Any) -> None:
    """dz_2 = 0 is worth 1 of 7.5 points; zeros of dW, what follows from zeros, guesses of zeros: nothing."""
    zeros = {slug: ["0"] * len(one) for slug, one in texts(FIRST).items()}
    data = marked(module, zeros, choice="")
    assert data["score"] == float(Fraction(1) / Fraction(15, 2))
    assert data["partial_scores"]["dW_"]["score"] == 0


def test_empty_fields_are_wrong_even_where_the_key_is_0(module: Any) -> None:
    data = marked(module, texts(FIRST) | {"dz": ["-4", " "]})
    assert data["partial_scores"]["dz_"]["score"] == 0.5
    assert data["partial_scores"]["dz_"]["feedback"] == {"dz_1": "correct", "dz_2": "incorrect"}
    assert "vacío" in data["feedback"]["dz"]


def test_what_follows_from_a_wrong_answer_is_right(module: Any) -> None:
    """With dz = (3, 0), dW has the first row 3 xᵀ = (3, -6, 1.5) and L is 1/2 + 3/4."""
    answers = texts(FIRST) | {"dz": ["3", "0"], "dW": ["3", "-6", "1.5", "0", "0", "0"], "loss": ["1.25"]}
    data = marked(module, answers)
    assert data["partial_scores"]["dW_"]["score"] == data["partial_scores"]["loss"]["score"] == 1
    assert "según tu respuesta" in data["feedback"]["dW"]
    assert data["score"] == float(Fraction(13, 15))


def test_nothing_follows_from_too_many_zeros(module: Any) -> None:
    answers = texts(FIRST) | {"dz": ["0", "0"], "dW": ["0"] * 6, "loss": ["0.5"]}
    data = marked(module, answers)
    assert data["partial_scores"]["dW_"]["score"] == data["partial_scores"]["loss"]["score"] == 0


def test_nothing_follows_from_an_empty_answer(module: Any) -> None:
    answers = texts(FIRST) | {"dz": ["", "2"], "dW": ["0", "0", "0", "2", "-4", "1"]}
    assert marked(module, answers)["partial_scores"]["dW_"]["score"] == 0


def test_a_named_mistake_earns_its_credit_and_is_named(module: Any) -> None:
    """The sign: half of each cell; twice as large: a quarter; one cell right."""
    data = marked(module, texts(FIRST) | {"dW": ["4", "16", "-2", "0", "0", "0"]})
    assert data["partial_scores"]["dW_"]["score"] == float((Fraction(1, 2) + Fraction(1, 4) + 1) / 3)
    assert "¿sign? &lt;b&gt; &amp;" in data["feedback"]["dW"]
    assert "¿factor?" in data["feedback"]["dW"]
    assert data["partial_scores"]["dW_"]["feedback"]["dW_3"] == "correct"


def test_a_number_where_0_is_due_takes_an_equal_share_away(module: Any) -> None:
    data = marked(module, texts(FIRST) | {"dW": ["-4", "8", "-2", "7", "0", "0"]})
    assert data["partial_scores"]["dW_"]["score"] == pytest.approx(5 / 6)
    assert data["partial_scores"]["dW_"]["feedback"]["dW_4"] == "incorrect"
    assert "&amp; no puntúa" in data["feedback"]["dW"]


def test_an_unanswered_choice_scores_nothing(module: Any) -> None:
    data = generated(module, seed_of(module, "v1"))
    submit(data, texts(FIRST))
    del data["partial_scores"]["mistake"]
    module.grade(data)
    assert data["score"] == float(Fraction(13, 15))


def test_numbers_may_come_in_the_platforms_own_form(module: Any) -> None:
    """NumPy's scalars are stored as mappings, and what is not finite is no answer."""
    data = generated(module, seed_of(module, "v1"))
    submit(data, texts(FIRST), "b")
    for name, value in data["submitted_answers"].items():
        data["submitted_answers"][name] = {"_type": "np_scalar", "_value": str(value)}
    data["submitted_answers"]["dz_1"]["_value"] = "nan"
    module.grade(data)
    assert data["partial_scores"]["dz_"]["score"] == 0.5
    assert data["partial_scores"]["z_"]["score"] == 1


def rendered(files: Any, data: dict[str, Any]) -> lxml.html.HtmlElement:
    """question.html with its holes filled: three braces as it is, two with entities."""

    def fill(found: re.Match[str]) -> str:
        value: Any = data
        for name in found[2].split("."):
            value = value.get(name, "")
        return str(value) if found[1] == "{{{" else entities.escape(str(value))

    page = files[f"{FOLDER}/question.html"].decode()
    return lxml.html.fragment_fromstring(re.sub(r"(\{\{\{?)([^{}]+)\}\}\}?", fill, page), create_parent="div")


def test_the_page_shows_what_was_written(module: Any) -> None:
    data = generated(module, seed_of(module, "v1"))
    page = rendered(prairielearn.export(pool(FIRST, SECOND, ENDLESS)), data)
    assert TRICKY in page.text_content()
    answers = page.findall(".//pl-answer")
    assert [one.get("correct") for one in answers] == ["false", "true", "false"]
    assert answers[1].text_content() == "En (2) <b>"
    assert (
        lxml.html.fragment_fromstring(answers[0].get("feedback"), create_parent="p").text_content() == TRICKY
    )
    (matrix,) = (
        one for one in page.findall(".//pl-matrix-component-input") if one.get("answers-name") == "dW_"
    )
    assert matrix.get("label") == r"\(\frac{\partial L}{\partial dW} =\)"
    assert (matrix.get("rtol"), matrix.get("atol"), matrix.get("comparison")) == ("0", "0.0005", "relabs")
    assert page.find(".//pl-rich-text-editor").get("file-name") == "derive.html"
    assert "cadena & más" in page.find(".//pl-manual-grading-only").text_content()


def test_dollars_of_a_text_begin_no_formula(module: Any) -> None:
    data = generated(module, seed_of(module, "v1"))
    page = rendered(prairielearn.export(pool(FIRST, SECOND, ENDLESS)), data)
    for ignored in page.xpath("//span[contains(@class, 'mathjax_ignore')]"):
        assert ignored.text == "$"
        ignored.text = ""
    assert "$" not in page.text_content()


def test_the_files_say_what_they_are() -> None:
    files = prairielearn.export(pool())
    assert sorted(files) == [
        f"questions/parcial-1/{q}/{f}"
        for q in ("capa", "corta")
        for f in ("info.json", "question.html", "server.py")
    ]
    info = json.loads(files[f"{FOLDER}/info.json"])
    assert (info["title"], info["topic"], info["type"]) == ('Una "capa" & más', "Parcial <1> & más", "v3")
    assert info["comment"] == {"autoPoints": "15/2", "manualPoints": "2"}
    assert files == prairielearn.export(pool())


def test_keys_read_back_are_the_pools() -> None:
    made = pool(FIRST, SECOND, ENDLESS)
    files = prairielearn.export(made)
    prairielearn.lint(files)
    found = {(one.question, one.variant, one.slug): one.keys for one in prairielearn.read_back(files)}
    assert found == keys_of(made)


def damaged(name: str, old: str, new: str) -> dict[str, bytes]:
    """The files of a pool, with one text of one file replaced once."""
    files = dict(prairielearn.export(pool()))
    text = files[f"{FOLDER}/{name}"].decode()
    assert old in text
    files[f"{FOLDER}/{name}"] = text.replace(old, new, 1).encode()
    return files


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("server.py", "'key': '-4'", "'key': '0,375'", "0,375"),
        ("server.py", "'key': '-4'", "'key': -4.0", "-4.0"),
        ("server.py", "'forced': False", "'forced': True", "forced"),
        ("server.py", "'points': '1'", "'points': '2'", "add up"),
        ("server.py", "'slug': 'derive', 'points': '2'", "'slug': 'derive', 'points': '2,5'", "2,5"),
        ("server.py", "'right': 'true'", "'right': 'false'", "exactly one"),
        ("server.py", "'name': 'v2'", "'name': 'v1'", "two of one name"),
        ("server.py", "def grade(", "def graded(", "grade"),
        ("server.py", "Any]] = [", "Any]] = [print(1), ", "literals"),
        ("server.py", "def generate(", "def generate(:", "no Python"),
        ("question.html", 'answers-name="dW_"', 'answers-name="dz_"', "two fields"),
        ("question.html", 'answers-name="dW_"', 'answers-name="dV_"', "asks for"),
        ("question.html", 'atol="0.0005"', 'atol="0,0005"', "atol 0.0005"),
        ("question.html", 'rtol="0"', 'tolerance="0"', "must have"),
        ("question.html", "<pl-number-input", "<pl-number", "no element"),
        ("question.html", "params.text", "params.txt", "nothing fills"),
        ("info.json", '"topic"', '"topics"', "topics"),
        ("info.json", '"v3"', '"v2"', "v3"),
        ("info.json", "{", "[", "JSON"),
    ],
)  # fmt: skip
def test_lint_refuses_what_the_platform_would_not_say(name: str, old: str, new: str, says: str) -> None:
    with pytest.raises(ExportError, match=re.escape(says)):
        prairielearn.lint(damaged(name, old, new))


def test_lint_refuses_two_questions_of_one_uuid() -> None:
    files = dict(prairielearn.export(pool()))
    files["questions/parcial-1/corta/info.json"] = files[f"{FOLDER}/info.json"]
    with pytest.raises(ExportError, match="one uuid"):
        prairielearn.lint(files)


def bad_pools() -> dict[str, Pool]:
    """Pools that are refused, by what is said."""
    made = pool()
    capa, corta = made.questions
    twice = replace(FIRST, parts=(*FIRST.parts, FIRST.parts[0]))
    cube = replace(FIRST, parts=(replace(FIRST.parts[0], shape=(1, 1, 2)),))
    return {
        "key": replace(made, key="../parcial"),
        "id": replace(made, questions=(replace(capa, id="a/b"), corta)),
        "twice": replace(made, questions=(replace(capa, variants=(FIRST, FIRST)), corta)),
        "z": replace(made, questions=(replace(capa, variants=(twice,)), corta)),
        "matrices only": replace(made, questions=(replace(capa, variants=(cube,)), corta)),
        "no variants": replace(made, questions=(replace(capa, variants=()), corta)),
    }


@pytest.mark.parametrize("says", bad_pools())
def test_pools_that_have_no_place_are_refused(says: str) -> None:
    with pytest.raises(ExportError, match=says):
        prairielearn.export(bad_pools()[says])
