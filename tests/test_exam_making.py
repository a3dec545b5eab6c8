"""A whole exam in a folder: what is written where, what is kept, what is refused, and that nothing leaks."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import symbackprop
from symbackprop import cli
from symbackprop.exams.exported import exported
from symbackprop.exams.exports import EXPORTS, exporter
from symbackprop.exams.exports.pool import Pool
from symbackprop.exams.file import bundled_exams, exam_of, load_exam
from symbackprop.exams.manifest import read_manifest
from symbackprop.exams.rubric import Rubrics
from symbackprop.exams.variants import KeyMismatch, Maker, anonymous
from symbackprop.report.exams.answers import compare
from symbackprop.report.exams.ledger import Ledger
from symbackprop.report.exams.making import KINDS, MANIFEST
from symbackprop.report.exams.pool import pool_of

ROOT = Path(symbackprop.__file__).resolve().parents[1]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in an empty folder with a secret in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_text("a secret of sixteen bytes or more\n")

    def go(*arguments: str) -> tuple[int, str, str]:
        code = cli.run([*arguments, *(["--secret-file", "secret"] if arguments[0] == "exam" else [])])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return code, said.out, said.err

    return go


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_exam_is_made_and_said(run: Run, tmp_path: Path) -> None:
    code, out, err = run("exam", "examen-capa", "--variants", "3", "--to", "keys,tex,json")
    assert (code, err) == (0, "")
    assert "capa: 3 variants, no two with the same data" in out
    assert "14 to 14 multiplications that are not trivial" in out
    assert "every key was found twice, by the formulas and by dual numbers: 3 variants" in out
    made = set(contents(tmp_path / "output/examen-capa"))
    assert made == {
        "teacher/papers.tex", "teacher/keys.tex", "teacher/manifest.json", "teacher/variants.json",
        ".symbackprop",
    }  # fmt: skip


def test_the_data_say_what_the_manifest_says(run: Run, tmp_path: Path) -> None:
    run("exam", "examen-capa", "--variants", "4", "--to", "json")
    folder = tmp_path / "output/examen-capa/teacher"
    manifest = read_manifest((folder / "manifest.json").read_text("utf-8"))
    data = json.loads((folder / "variants.json").read_text("utf-8"))
    assert data["points"] == "20"
    for issued, variant in zip(manifest.issued, data["variants"], strict=True):
        assert variant["code"] == issued.code
        for sheet, question in zip(issued.sheets, variant["questions"], strict=True):
            total = Fraction(0)
            for part in question["parts"]:
                total += Fraction(part["points"])
                if part["kind"] == "value":
                    shape, entries = part["key"]
                    assert tuple(shape) == sheet.key[part["part"]].shape
                    assert tuple(map(Fraction, entries)) == sheet.key[part["part"]].entries
                    assert sum(map(Fraction, part["numbers"])) == Fraction(part["points"])
            assert total in (14, 6)


def test_the_same_input_gives_the_same_bytes(run: Run, tmp_path: Path) -> None:
    kinds = "papers,solutions,keys,tex,json,moodle,stack,prairielearn,qti"
    for folder in ("one", "two"):
        code, _, err = run(
            "exam", "examen-capa", "--variants", "2", "--to", kinds, "--engine", "typst", "--output", folder
        )
        assert (code, err) == (0, "")
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert one == two
    assert len(one) > 15


def test_who_has_numbers_keeps_them(run: Run, tmp_path: Path) -> None:
    """A roster that grows, in another order: those who were there have the same numbers and codes."""
    roster = tmp_path / "r.csv"
    roster.write_text("id,name\n7,Ana\n9,Luis\n", "utf-8")
    assert run("exam", "examen-red", "--roster", "r.csv", "--to", "json")[0] == 0
    manifest = tmp_path / "output/examen-red" / MANIFEST
    before = {one.student.id: one for one in read_manifest(manifest.read_text("utf-8")).issued}
    roster.write_text("id,name\n1,Eva\n9,Luis\n7,Ana María\n", "utf-8")
    assert run("exam", "examen-red", "--roster", "r.csv", "--to", "json")[0] == 0
    after = {one.student.id: one for one in read_manifest(manifest.read_text("utf-8")).issued}
    assert set(after) == {"1", "7", "9"}
    for student in ("7", "9"):
        assert after[student].sheets == before[student].sheets
        assert after[student].code == before[student].code
    assert after["7"].student.name == "Ana María"


def test_another_exam_or_secret_in_the_folder_is_refused(run: Run, tmp_path: Path) -> None:
    exam = tmp_path / "e.toml"
    exam.write_text(bundled_exams()["examen-neurona"].read_text("utf-8"), "utf-8")
    assert run("exam", "e.toml", "--to", "json")[0] == 0
    (tmp_path / "secret").write_text("another secret of sixteen bytes")
    code, _, err = run("exam", "e.toml", "--to", "json")
    assert code == 2
    assert "the secret is another one since the numbers there were handed out" in err
    (tmp_path / "secret").write_text("a secret of sixteen bytes or more")
    exam.write_text(exam.read_text("utf-8").replace("L = 1", "L = 2"), "utf-8")
    code, _, err = run("exam", "e.toml", "--to", "json")
    assert code == 2
    assert "the exam file has changed" in err
    assert run("exam", "e.toml", "--to", "json", "--force")[0] == 0


def test_files_of_others_are_not_overwritten(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "output/examen-neurona"
    target = folder / "teacher/keys.tex"
    target.parent.mkdir(parents=True)
    target.write_text("mine")
    code, _, err = run("exam", "examen-neurona", "--to", "keys")
    assert code == 2
    assert "keys.tex: the file exists and was not written by symbackprop" in err
    assert target.read_text() == "mine"
    assert run("exam", "examen-neurona", "--to", "keys", "--force")[0] == 0
    target.write_text(target.read_text("utf-8") + "% edited", "utf-8")
    code, _, err = run("exam", "examen-neurona", "--to", "keys")
    assert code == 2
    assert "was edited after symbackprop wrote it" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere.toml",), "there is no such file"),
        (("examen-capa", "--to", "paper"), "did you mean papers?"),
        (("examen-capa", "--variants", "0"), "between 1 and 20,000"),
        (("examen-capa", "--variants", "2", "--roster", "r.csv"), "take one"),
        (("examen-capa", "--roster", "none.csv"), "none.csv: cannot be read"),
        (("examen-capa", "--language", "fr"), "it is one of"),
        (("examen-capa", "--jobs", "0"), "between 1 and 64"),
        (("examen-capa", "--engine", "word"), "it is one of auto"),
    ],
)
def test_a_call_at_fault_ends_with_two(run: Run, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = run("exam", *arguments)
    assert (code, out) == (2, "")
    assert said in err


def test_faults_that_are_found_late_have_their_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("[questions.q]\nexercise = 'sigmoide'\npoints = { z = 1 }\n")
    code, _, err = run("exam", "s.toml")
    assert code == 2
    assert "s.toml:1: questions.q: an answer would not be exact" in err


def test_a_short_secret_is_refused_and_none_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short").write_text("abc")
    assert cli.run(["exam", "examen-neurona", "--secret-file", "short"]) == 2
    assert "a secret has from 16" in capsys.readouterr().err
    assert cli.run(["exam", "examen-neurona", "--to", "json"]) == 0
    assert "warning: without --secret-file" in capsys.readouterr().err


def test_derivations_in_general_need_no_numbers(run: Run, tmp_path: Path) -> None:
    """Of any model and for any sizes; on platforms there is one variant."""
    (tmp_path / "d.toml").write_text(
        "[questions.a]\nexercise = 'sigmoide'\nderive = { of = ['dz', 'dW'], points = 4 }\n"
        "[questions.b]\nexercise = 'general'\nderive = { points = 5 }\n"
    )
    kinds = "papers,solutions,rubric,keys,tex,json,moodle,stack,prairielearn,qti,canvas"
    code, out, err = run("exam", "d.toml", "--variants", "2", "--to", kinds, "--engine", "typst")
    assert (code, err) == (0, "")
    assert "a: no numbers, the same for everybody" in out
    data = json.loads((tmp_path / "output/d/teacher/variants.json").read_text("utf-8"))
    assert [question["values"] for question in data["variants"][1]["questions"]] == [{}, {}]
    moodle = (tmp_path / "output/d/platforms/moodle/d-moodle.xml").read_text("utf-8")
    assert moodle.count('type="essay"') == 2


def test_stress_says_and_plots(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = run("stress", "examen-neurona", "--variants", "60", "--engine", "typst")
    assert (code, err) == (0, "")
    assert "60 variants" in out
    assert (tmp_path / "output/examen-neurona/teacher/stress.pdf").read_bytes().startswith(b"%PDF")
    code, _, err = run("stress", "examen-neurona", "--variants", "0")
    assert code == 2


def test_answers_are_graded_from_the_command_line(run: Run, tmp_path: Path) -> None:
    """The key earns everything; grading again writes the same; a file of somebody's is not overwritten."""
    run("exam", "examen-neurona", "--variants", "3", "--to", "json")
    folder = tmp_path / "output/examen-neurona"
    manifest = read_manifest((folder / MANIFEST).read_text("utf-8"))
    rows = ["student,part,values"]
    for issued in manifest.issued[:2]:
        for name in ("z", "yhat", "L", "dyhat", "dz", "dW", "db", "dx"):
            entries = " ".join(str(value) for value in issued.sheets[0].key[name].entries)
            rows.append(f"{issued.student.id},{name},{entries}")
    (tmp_path / "answers.csv").write_text("\n".join(rows) + "\n")
    grading = ("grade", "answers.csv", "--exam", str(folder), "--to", "md,pdf", "--engine", "typst")
    code, out, err = run(*grading)
    assert (code, err) == (0, "")
    assert "marked 2 of 3 students" in out
    made = contents(folder / "grading")
    assert {name.partition("/")[0] for name in made} == {
        "marks.csv", "to-review.csv", "class-report.md", "class-report.pdf", "feedback", ".symbackprop",
    }  # fmt: skip
    marks = made["marks.csv"].decode().splitlines()
    assert all(
        line.split(";")[2:10] == ["1,00", "1,00", "1,00", "1,00", "1,00", "2,00", "1,00", "2,00"]
        for line in marks[1:3]
    )
    assert run(*grading)[0] == 0
    assert contents(folder / "grading") == made
    (folder / "grading/marks.csv").write_text("corrected by hand")
    code, _, err = run(*grading)
    assert code == 2
    assert "was edited after symbackprop wrote it" in err


@pytest.mark.parametrize(
    ("answers", "exam", "said"),
    [("none.csv", "output/examen-neurona", "none.csv"), ("secret", "nowhere", "manifest.json")],
)
def test_grading_of_what_is_not_there(run: Run, answers: str, exam: str, said: str) -> None:
    run("exam", "examen-neurona", "--to", "json")
    code, _, err = run("grade", answers, "--exam", exam)
    assert code == 2
    assert said in err


def test_latex_that_is_lost_is_said_once_in_a_plain_line(run: Run, tmp_path: Path) -> None:
    """Of papers, solutions and rubric together; what goes to no platform likewise."""
    (tmp_path / "e.toml").write_text(
        "instructions = { en = 'With $x$.' }\n[questions.q]\nexercise = 'neurona'\n"
        "text = { en = 'As in \\\\emph{class}.' }\npoints = { z = 1, dz = 1 }\n".replace("\\\\", "\\")
    )
    kinds = "papers,solutions,rubric,moodle,stack"
    code, _, err = run("exam", "e.toml", "--variants", "2", "--to", kinds, "--engine", "typst")
    assert code == 0
    assert err.splitlines() == [
        "warning: instructions has LaTeX in it, which Typst prints as it stands",
        "warning: questions.q.text has LaTeX in it, which Typst prints as it stands",
        "warning: questions.q.text has LaTeX in it, and goes to no platform",
    ]
    code, _, err = run("exam", "e.toml", "--variants", "2", "--to", "papers", "--engine", "pdflatex")
    assert (code, err) == (0, "")


def test_a_name_that_cannot_be_printed_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("id,name\n1,李明\n2,Ana Núñez\n")
    code, _, err = run("exam", "examen-neurona", "--roster", "r.csv", "--to", "papers")
    assert (code, len(err.splitlines())) == (0, 1)
    assert "李明 (1)" in err
    assert "Ana" not in err


def test_a_teachers_latex_that_breaks_the_paper_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(
        "instructions = '\\end{document}'\n[questions.q]\nexercise = 'neurona'\npoints = { z = 1 }\n"
    )
    code, _, err = run("exam", "e.toml", "--variants", "2", "--to", "papers", "--engine", "pdflatex")
    assert code == 2
    assert err.rstrip().endswith("Look at your own LaTeX, which is in: instructions")


def test_no_latex_of_a_title_goes_to_a_platform(run: Run, tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(
        "title = 'On \\emph{nets}'\n[questions.q]\ntitle = 'With $z$'\nexercise = 'neurona'\n"
        'text = """First.\n\nSecond."""\npoints = { z = 1, dz = 1 }\n'
    )
    code, _, err = run("exam", "e.toml", "--variants", "2", "--to", "moodle,qti,canvas,prairielearn,stack")
    assert code == 0
    assert err.splitlines() == [
        "warning: title has LaTeX in it, and goes to no platform",
        "warning: questions.q.title has LaTeX in it, and goes to no platform",
    ]
    moodle = (tmp_path / "output/e/platforms/moodle/e-moodle.xml").read_text()
    assert "emph" not in moodle
    assert "<p>First.</p><p>Second.</p>" in moodle.replace("\n", "")


def test_one_run_at_a_time_works_in_a_folder(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "output/examen-neurona"
    with Ledger.of(folder).alone():
        code, _, err = run("exam", "examen-neurona", "--variants", "1", "--to", "keys")
        assert code == 2
        assert "another run is at work there" in err
        assert not (folder / MANIFEST).exists()
    assert run("exam", "examen-neurona", "--variants", "1", "--to", "keys")[0] == 0


def test_going_on_from_a_whole_run_typesets_and_compares_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from symbackprop.report.exams import answers, batches, rubric

    order = ("exam", "examen-capa", "--variants", "3", "--engine", "typst", "--resume")
    code, out, _ = run(*order)
    assert code == 0
    before = contents(tmp_path / "output")
    assert not [name for name in before if "students" in name and not name.endswith(".pdf")]
    with monkeypatch.context() as patched:
        for module, name in ((batches, "typeset"), (rubric, "typeset"), (answers, "compare")):
            patched.setattr(module, name, lambda *_, **__: pytest.fail("it is made again"))
        code, again, _ = run(*order)
    assert code == 0
    assert contents(tmp_path / "output") == before
    (said,) = (line for line in out.splitlines() if line.startswith("PDF text"))
    assert said in again
    rubric_pdf = tmp_path / "output/examen-capa/teacher/rubric.pdf"
    rubric_pdf.unlink()
    assert run(*order)[0] == 0
    assert contents(tmp_path / "output") == before


# --- platforms -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pools() -> dict[str, Pool]:
    made = {}
    for name in bundled_exams():
        maker = Maker.of(load_exam(name))
        variants = list(maker.variants(anonymous(6), b"a secret of sixteen bytes"))
        rubrics = Rubrics(maker.exam, {one.question.id: one.plan.tracer for one in maker.questions})
        for language in ("es", "en"):
            made[f"{name}/{language}"] = pool_of(maker.exam, variants, rubrics, language=language)
    return made


@pytest.mark.parametrize("platform", EXPORTS)
@pytest.mark.parametrize(
    "name", [f"{exam}/{language}" for exam in bundled_exams() for language in ("es", "en")]
)
def test_keys_come_back_from_every_platforms_files(name: str, platform: str, pools: dict[str, Pool]) -> None:
    files, count = exported(pools[name], platform)
    assert files
    numbers = [
        len(part.cells)
        for question in pools[name].questions for variant in question.variants
        for part in variant.parts if hasattr(part, "cells")
    ]  # fmt: skip
    assert count == sum(numbers) or platform == "canvas"
    assert exporter(platform).export(pools[name]) == files


@pytest.mark.parametrize("platform", ["moodle", "qti"])
def test_a_wrong_key_in_a_file_is_found(
    platform: str, pools: dict[str, Pool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of a pool in which one number is another: what is read back is not what it should be."""
    pool = pools["examen-capa/es"]
    module = exporter(platform)
    question = pool.questions[0]
    variant = question.variants[0]
    part = next(part for part in variant.parts if getattr(part, "slug", "") == "dx")
    cell = replace(part.cells[0], key=part.cells[0].key + 1)  # type: ignore[union-attr]
    wrong = replace(part, cells=(cell, *part.cells[1:]), guesses=())  # type: ignore[union-attr, call-arg]
    parts = tuple(wrong if one is part else one for one in variant.parts)
    changed = replace(
        pool, questions=(
            replace(question, variants=(replace(variant, parts=parts), *question.variants[1:])),
            *pool.questions[1:],
        ),
    )  # fmt: skip
    files = module.export(changed)
    monkeypatch.setattr(module, "export", lambda _: files)
    with pytest.raises(KeyMismatch, match="dx"):
        exported(pool, platform)


def test_no_language_is_mixed(pools: dict[str, Pool]) -> None:
    """Sentences of platforms: none of the Spanish pool is in the English one, but formulas and names."""

    def said(pool: Pool) -> set[str]:
        return {
            word.strip()
            for question in pool.questions for variant in question.variants for part in variant.parts
            for words in (part.prompt, *(guess.feedback for guess in getattr(part, "guesses", ())))
            for word in words if isinstance(word, str) and len(word.strip()) > 12
        }  # fmt: skip

    for name in bundled_exams():
        spanish, english = said(pools[f"{name}/es"]), said(pools[f"{name}/en"])
        assert spanish
        assert english
        assert not spanish & english


# --- PDF text --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["es", "en"])
def test_answers_are_read_back_from_the_text_of_solutions(language: str, run: Run, tmp_path: Path) -> None:
    """With halves and thirds in them; another variant's solution is not taken for this one's."""
    text = """
[questions.q]
points = { z = 1, L = 1, dz = 1, dW = 1 }
shapes = { W = [2, 3] }
draw = { W = { from = -3, to = 3, step = "1/3" }, x = { from = -4, to = 4, step = "1/2" } }
[questions.q.model]
z = "W x + b"
yhat = "relu(z)"
L = "1/2 ||yhat - y||^2"
"""
    (tmp_path / "e.toml").write_text(text, "utf-8")
    code, out, err = run(
        "exam", "e.toml", "--variants", "4", "--to", "solutions", "--engine", "typst", "--language", language
    )
    assert (code, err) == (0, "")
    assert f"PDF text: {4 * (2 + 1 + 2 + 6)} keys were read back" in out
    exam = exam_of(text, key="e")
    variants = list(Maker.of(exam).variants(anonymous(4), b"a secret of sixteen bytes or more"))
    files = sorted((tmp_path / "output/e/teacher/solutions").glob("*.pdf"))
    label = {"es": "Solucionario", "en": "Keys"}[language]
    assert compare(files[2].read_bytes(), exam.questions, variants[2], label) == 11
    with pytest.raises(KeyMismatch, match="q has the answers"):
        compare(files[2].read_bytes(), exam.questions, variants[1], label)
    with pytest.raises(KeyMismatch, match="lines of answers"):
        compare(files[2].read_bytes(), exam.questions, variants[2], "Answers")


# --- stopped -----------------------------------------------------------------------------------


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    """Killed while typesetting; --resume makes the rest, and the bytes are those of a whole run."""
    (tmp_path / "secret").write_text("a secret of sixteen bytes or more")
    arguments = [
        sys.executable, "-m", "symbackprop", "exam", "examen-neurona", "--variants", "240", "--to", "papers",
        "--engine", "typst", "--secret-file", "secret",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    papers = tmp_path / "broken/examen-neurona/students/papers"
    child = subprocess.Popen(
        [*arguments, "--output", "broken"], cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL
    )
    until = time.monotonic() + 60
    while time.monotonic() < until and child.poll() is None and len(list(papers.glob("*.pdf"))) < 20:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    before = {path.name: path.stat().st_mtime_ns for path in papers.glob("*.pdf")}
    assert len(before) >= 20
    for folder in ("broken", "whole"):
        again = subprocess.run(
            [*arguments, "--output", folder, "--resume"], cwd=tmp_path, env=environment, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert again.returncode == 0, again.stderr
    made = contents(tmp_path / "broken/examen-neurona/students")
    assert made == contents(tmp_path / "whole/examen-neurona/students")
    kept = [name for name, when in before.items() if (papers / name).stat().st_mtime_ns == when]
    assert len(kept) >= len(before) - 120  # all but those of the batch that was being written
    assert not [name for name in made if name.endswith(".part")]


def test_a_full_disk_leaves_what_is_there(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing fails after the manifest: it is said, nothing half-written stays, and the next run goes on."""
    from symbackprop.report import files

    real: Any = files._write_synced
    calls = []

    def full(path: Path, data: bytes, mode: int) -> None:
        calls.append(path)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        real(path, data, mode)

    monkeypatch.setattr(files, "_write_synced", full)
    code, _, err = run("exam", "examen-neurona", "--variants", "2", "--to", "keys,tex,json")
    assert code == 2
    assert "No space left on device" in err
    folder = tmp_path / "output/examen-neurona"
    assert set(contents(folder)) == {MANIFEST, ".symbackprop"}
    monkeypatch.setattr(files, "_write_synced", real)
    assert run("exam", "examen-neurona", "--variants", "2", "--to", "keys,tex,json")[0] == 0


def test_the_kinds_are_those_that_the_issue_names(run: Run) -> None:
    code, _, err = run("exam", "examen-capa", "--to", "nothing")
    assert code == 2
    assert set(KINDS) == {"papers", "solutions", "rubric", "keys", "tex", "json", *EXPORTS}
    assert all(kind in err for kind in KINDS)
