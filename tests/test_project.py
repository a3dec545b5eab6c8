"""What the README promises, and what lies at the top of the repository."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from symbackprop import __version__, bundled, derive, from_text
from symbackprop.exams.file import exam_of
from symbackprop.exams.variants import Maker, anonymous
from symbackprop.report.outputs import DETAILS, ENGINES, KINDS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def blocks(language: str) -> list[str]:
    """The README's blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_two_commands_are_single_lines() -> None:
    first, second = blocks("sh")
    for command in (first, second):
        assert command.count("\n") == 1
        assert command.startswith("python3 -m venv .venv || ")
        ran = subprocess.run(["bash", "-n", "-c", command], check=False, capture_output=True)
        assert ran.returncode == 0
    assert first.rstrip().endswith(".venv/bin/pip install . && .venv/bin/symbackprop derive neurona")
    assert second.rstrip().endswith(".venv/bin/pip install -e '.[dev]' && .venv/bin/pytest -n auto")


def test_ci_runs_the_readmes_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    (pattern,) = re.findall(r"grep -m1 '([^']+)' README.md", script)
    found = [line for line in README.splitlines() if re.search(pattern, line)]
    assert found == [blocks("sh")[1].rstrip()]
    assert "export CI=1" in script
    for package in ("texlive-latex-extra", "texlive-lang-spanish", "lmodern", "poppler-utils"):
        assert package in script
    assert ((ROOT / ".ci" / "run").stat().st_mode & 0o111) == 0o111


def test_the_exercises_of_the_readme_are_read_and_derived() -> None:
    whole, network, indices, functions, words, descent, _ = blocks("toml")
    worked = derive(from_text(whole, key="mine"))
    assert worked["dW"].value.tolist() == [[-4, 0, -8]]
    assert whole.count("\n") < 30
    collapsed = derive(from_text(network))
    assert collapsed["dz2"].text == "yhat - t"
    assert "z^{[2]}" in collapsed.to_latex()
    convolved = derive(from_text(indices))
    assert convolved["dK"].text == (
        "entries(p = 1..r, q = 1..s: sum(i = 1..h - r + 1, j = 1..l - s + 1: dz[i,j] x[i + p - 1,j + q - 1]))"
    )
    for name in ("swish2", "step_up", "g"):
        text = f'{functions}\n[model]\nL = "sum({name}(x))"\n[shapes]\nx = [2]\n'
        assert derive(from_text(text)).gradients == ("dx",)
    text = derive(from_text(f"{whole}\n{words}", key="mine")).to_markdown()
    assert "Propagación hacia adelante" in text
    made = derive(from_text(f"{whole}\n{descent}", key="mine")).descent
    assert made is not None
    assert (len(made), made.plan.optimizer, list(made.parameters)) == (3, "adam", ["W", "b"])


def test_the_exam_of_the_readme_has_variants() -> None:
    exam = exam_of(blocks("toml")[-1], key="readme")
    variants = list(Maker.of(exam).variants(anonymous(20), b"the secret of the readme"))
    assert [[part.kind for part in question.parts] for question in exam.questions] == [
        ["value"] * 3 + ["derive"], ["mistake"],
    ]  # fmt: skip
    for variant in variants:
        sheet, other = variant.sheets
        assert [value > 0 for value in sheet.key["z"].entries].count(True) == 1
        assert {abs(value) for value in sheet.values["x"].entries} <= {2, 3, 4}
        assert other.faulty["mistake"].at > 2


def test_the_python_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = blocks("python")
    lines = [line for line in code.splitlines() if line]
    assert len(lines) <= 10
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})  # our own text, in a test
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["dz*x.T", "Matrix([[-4, 0, -8]])"]
    assert (tmp_path / "mine.pdf").read_bytes().startswith(b"%PDF-")


def test_the_readme_names_every_choice() -> None:
    for word in (*bundled(), *DETAILS, *KINDS, *ENGINES):
        assert word in README, word


def test_links_of_the_readme_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert "output/neurona.png" in links
    for link in links:
        assert (ROOT / link).is_file(), link


def test_the_picture_is_small() -> None:
    picture = (ROOT / "output" / "neurona.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 150_000


def test_versions_agree() -> None:
    assert PROJECT["project"]["version"] == __version__
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_nothing_else_lies_at_the_top() -> None:
    ran = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ran.returncode != 0:
        pytest.skip("this is no clone: git lists no files")
    top = {line.partition("/")[0] for line in ran.stdout.splitlines()}
    assert {name for name in top if not name.startswith(".")} == {
        "symbackprop", "templates", "tests", "output",
        "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md",
    }  # fmt: skip
