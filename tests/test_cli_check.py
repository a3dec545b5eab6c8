"""`symbackprop check`: what is printed and written, exit codes, and that nothing is lost or overwritten.

What the checker finds is put in its place here (`found`), so that these tests are about the command.
"""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import symbackprop
import symbackprop.checking.check
from symbackprop import cli
from symbackprop.checking.findings import Checked, Finding, Verdict
from symbackprop.checking.settings import Settings
from symbackprop.cli import checking
from symbackprop.report import pdf
from tests.checked_sample import sample

ROOT = Path(symbackprop.__file__).resolve().parents[1]
Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


def finding(verdict: Verdict) -> Finding:
    return Finding(line=1, column=1, text="a = b", verdict=verdict)


class Checker:
    """Stands for the checker: remembers how it was called and answers with findings."""

    def __init__(self) -> None:
        self.findings: tuple[Finding, ...] = sample().findings
        self.calls: list[dict[str, Any]] = []

    def __call__(self, text: str, exercises: Any, **more: Any) -> Checked:
        self.calls.append({"text": text, "exercises": [one.key for one in exercises], **more})
        return Checked(source=more["name"], exercises=tuple(exercises), findings=self.findings)


@pytest.fixture
def found(monkeypatch: Patch) -> Checker:
    checker = Checker()
    monkeypatch.setattr(symbackprop.checking.check, "check_text", checker)
    return checker


@pytest.fixture
def run(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> Callable[..., tuple[int, str, str]]:
    """Run the command in a folder with `notes.md`: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.md").write_text("$$dW = dz x^T$$\n", "utf-8")

    def go(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(["check", *arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return code, said.out, said.err

    return go


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        (["correct", "definition", "rounded", "correct for this example", "convention", "not read"], 0),
        (["correct", "wrong"], 1),
        (["correct", "carried"], 1),
        (["not read", "not read"], 2),
        ([], 2),
    ],
)
def test_exit_codes(run: Any, found: Checker, verdicts: list[Verdict], code: int) -> None:
    found.findings = tuple(map(finding, verdicts))
    assert run("notes.md", "--exercise", "neurona")[0] == code


def test_by_default_the_report_is_printed_and_nothing_written(
    run: Any, found: Checker, tmp_path: Path
) -> None:
    code, out, err = run("notes.md", "--exercise", "neurona", "--exercise", "capa", "--language", "en")
    assert (code, err) == (1, "")
    assert out.startswith("notes.md · exercises: neurona and capa · 11 lines\n")
    assert "\x1b" not in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.md"]
    assert found.calls[0]["exercises"] == ["neurona", "capa"]
    assert found.calls[0]["text"] == "$$dW = dz x^T$$\n"


def test_colours_only_on_a_terminal(run: Any, found: Checker, monkeypatch: Patch) -> None:
    monkeypatch.setattr(checking, "is_terminal", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    _, out, _ = run("notes.md", "--exercise", "neurona", "--language", "en")
    assert "\x1b[" in out
    assert "✗ wrong" in out
    assert "\x1b[31m = " not in out  # a person's own escape sequence is not passed on


def test_the_language(run: Any, found: Checker, tmp_path: Path) -> None:
    assert "ejercicio: neurona" in run("notes.md", "--exercise", "neurona")[1]
    assert "exercise: neurona" in run("notes.md", "--exercise", "neurona", "--language", "en")[1]
    (tmp_path / "mine.toml").write_text('[model]\nL = "w^2"\n')
    assert "exercise: mine" in run("notes.md", "--exercise", "mine.toml")[1]
    assert [call["settings"].language for call in found.calls] == ["es", "en", "en"]


def test_the_settings_reach_the_checker(run: Any, found: Checker) -> None:
    options = {
        "dy": "yhat", "marks": "layer", "layout": "numerator", "decimals": "comma", "dot": "hadamard",
        "delta": "-dz", "examples": "rows",
    }  # fmt: skip
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    run("notes.md", "--exercise", "neurona", "--strict-conventions", *flags)
    assert found.calls[0]["settings"] == Settings(strict=True, language="es", **options)  # type: ignore[arg-type]
    run("notes.md", "--exercise", "neurona")
    assert found.calls[1]["settings"] == Settings(language="es")


def test_standard_input(run: Any, found: Checker, monkeypatch: Patch, tmp_path: Path) -> None:
    class Stream:
        buffer = io.BytesIO(b"$dW = dz$")

    monkeypatch.setattr(sys, "stdin", Stream())
    assert run("-", "--exercise", "neurona", "--to", "json")[0] == 1
    assert found.calls[0]["text"] == "$dW = dz$"
    assert json.loads((tmp_path / "output/derivation-check.json").read_text("utf-8"))["version"] == 1


def test_files_are_written(run: Any, found: Checker, tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    code, out, _ = run("notes.md", "--exercise", "neurona", "--to", "pdf,md,html,json", "--output", "out")
    assert code == 1
    names = ["notes-check.pdf", "notes-check.md", "notes-check.html", "notes-check.json"]
    assert out == "".join(f"wrote out/{name}\n" for name in names)
    data = json.loads((tmp_path / "out/notes-check.json").read_text("utf-8"))
    assert data["contract"] == "symbackprop.check"
    assert (tmp_path / "out/notes-check.pdf").read_bytes().startswith(b"%PDF-")
    assert "<!DOCTYPE html>" in (tmp_path / "out/notes-check.html").read_text("utf-8")


def test_text_and_files_at_once(run: Any, found: Checker) -> None:
    """Standard output holds the report alone; what was written is said beside it."""
    code, out, err = run("notes.md", "--exercise", "neurona", "--to", "text,json")
    assert (code, err) == (1, "wrote output/notes-check.json\n")
    assert "wrote" not in out


def test_nothing_of_anybody_is_overwritten(run: Any, found: Checker, tmp_path: Path) -> None:
    mine = tmp_path / "output/notes-check.md"
    mine.parent.mkdir()
    mine.write_text("my own notes\n")
    code, _, err = run("notes.md", "--exercise", "neurona", "--to", "json,md")
    assert code == 2
    assert "--force" in err
    assert mine.read_text() == "my own notes\n"
    assert not (tmp_path / "output/notes-check.json").exists()
    assert not found.calls
    assert run("notes.md", "--exercise", "neurona", "--to", "json,md", "--force")[0] == 1
    assert run("notes.md", "--exercise", "neurona", "--to", "json,md")[0] == 1  # ours, and not edited
    mine.write_text(mine.read_text() + "edited\n")
    assert run("notes.md", "--exercise", "neurona", "--to", "md")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.md", "--exercise", "neurona"], "nowhere.md"),
        (["notes.md"], "--exercise"),
        (["notes.md", "--exercise", "neuron"], "neurona"),
        (["notes.md", "--exercise", "neurona", "--to", "docx"], "one of text, pdf, md, html, json"),
        (["notes.md", "--exercise", "neurona", "--language", "fr"], "one of en, es"),
        (["notes.md", "--exercise", "neurona", "--dy", "x"], "--dy 'x'"),
        (["notes.md", "--exercise", "neurona", "--engine", "word"], "pdflatex"),
        ([".", "--exercise", "neurona"], "folder"),
        (["notes.md", "--exercise", "neurona", "--templates", "none"], "none"),
    ],
)
def test_calls_at_fault(run: Any, found: Checker, arguments: list[str], says: str, tmp_path: Path) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert not found.calls
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.md"]


@pytest.mark.skipif(os.name != "posix", reason="pipes that close are POSIX")
def test_nobody_reads_the_output(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("$z = W x + b$\n")
    code = (
        "import symbackprop.checking.check as c\n"
        "from tests.checked_sample import sample\n"
        "c.check_text = lambda *a, **k: type(sample())(source='n', exercises=tuple(a[1]),"
        " findings=sample().findings)\n"
        "from symbackprop.cli import main\n"
        "main()\n"
    )
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", code, "check", "notes.md", "--exercise", "neurona"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_from_python(found: Checker, tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.tex").write_text("$dW = dz$")
    made = symbackprop.check("dW = dz x^T", "neurona", language="en", dy="y")
    assert found.calls[0]["text"] == "dW = dz x^T"
    assert found.calls[0]["settings"] == Settings(language="en", dy="y")
    assert made.counts["wrong"] == 2
    assert made.findings == sample().findings
    assert "exercise: neurona" in str(made)
    assert json.loads(made.to_json())["summary"]["wrong"] == 2
    assert made.to_html().startswith("<!DOCTYPE html>")
    assert made.to_pdf("a.pdf", engine="typst").read_bytes().startswith(b"%PDF-")
    symbackprop.check(Path("notes.tex"), "neurona", "capa")
    assert (found.calls[1]["suffix"], found.calls[1]["exercises"]) == (".tex", ["neurona", "capa"])
    with pytest.raises(ValueError, match="which exercise"):
        symbackprop.check("dW = dz")
    with pytest.raises(ValueError, match="it is one of"):
        symbackprop.check("dW = dz", "neurona", colour="red")
