"""The command line: what is written, what is said, exit codes, and that no traceback reaches anyone."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import symbackprop
from symbackprop import cli
from symbackprop.cli import deriving
from symbackprop.derivation.certify import CertificateFailed
from symbackprop.report import files, pdf

ROOT = Path(symbackprop.__file__).resolve().parents[1]
Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


@pytest.fixture
def run(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> Callable[..., tuple[int, str, str]]:
    """Run the command line here, in an empty folder: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def go(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(arguments)
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return code, said.out, said.err

    return go


def child(*arguments: str, code: str = "", **more: Any) -> "subprocess.CompletedProcess[bytes]":
    """Run the command line, or some code, in a process of its own."""
    command = [sys.executable, *(["-c", code] if code else ["-m", "symbackprop"]), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more.pop("env", {})}
    return subprocess.run(command, capture_output="stdout" not in more, env=environment, check=False, **more)


# --- derive ---------------------------------------------------------------------------------


def test_derive_writes_and_says_the_gradients(run: Any, tmp_path: Path) -> None:
    code, out, err = run("derive", "capa-numerica", "--to", "tex,json,md,typ")
    assert (code, err) == (0, "")
    assert out == (
        "wrote output/capa-numerica.tex\n"
        "wrote output/capa-numerica.typ\n"
        "wrote output/capa-numerica.md\n"
        "wrote output/capa-numerica.json\n"
        "143 formulas read back\n"
        "\n"
        "gradient  formula           shape  value\n"
        "dyhat     yhat - y          2      (3, -6)ᵀ\n"
        "dz        dyhat ⊙ relu'(z)  2      (3, 0)ᵀ\n"
        "db        dz                2      (3, 0)ᵀ\n"
        "dW        dz x^T            2×3    (6, 9, 15; 0, 0, 0)\n"
        "dx        W^T dz            3      (9, -12, 6)ᵀ\n"
    )
    assert sorted(path.name for path in (tmp_path / "output").iterdir()) == [
        "capa-numerica.json", "capa-numerica.md", "capa-numerica.tex", "capa-numerica.typ",
    ]  # fmt: skip
    data = json.loads((tmp_path / "output/capa-numerica.json").read_text("utf-8"))
    assert data["quantities"]["dW"]["exact"] == [["6", "9", "15"], ["0", "0", "0"]]
    assert data["language"] == "es"


def test_by_default_tex_and_pdf(run: Any, tmp_path: Path, monkeypatch: Patch) -> None:
    """Without TeX the PDF comes from Typst; the LaTeX file is there all the same."""
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    code, out, _ = run("derive", "neurona")
    assert code == 0
    assert out.startswith("wrote output/neurona.tex\nwrote output/neurona.pdf\n")
    made = (tmp_path / "output/neurona.pdf").read_bytes()
    assert made.startswith(b"%PDF-")
    assert b"Typst" in made


def test_by_default_pdflatex_where_it_is(run: Any, tmp_path: Path, pdflatex: str) -> None:
    assert run("derive", "neurona", "--to", "pdf", "--detail", "answer")[0] == 0
    assert b"pdfTeX" in (tmp_path / "output/neurona-answer.pdf").read_bytes()


def test_language_digits_and_folder(run: Any, tmp_path: Path) -> None:
    code, out, _ = run(
        "derive", "sigmoide", "--to", "md", "--language", "en", "--digits", "7", "--output", "my reports/here"
    )
    assert code == 0
    text = (tmp_path / "my reports/here/sigmoide.md").read_text("utf-8")
    assert "Backpropagation, step by step" in text
    assert "-0.0528771" in text
    assert "≈ -0.0528771" in out


def test_the_language_of_the_file_comes_before_english(run: Any, tmp_path: Path) -> None:
    (tmp_path / "plain.toml").write_text('[model]\nL = "w^2"\n[values]\nw = 3\n')
    assert run("derive", "plain.toml", "--to", "md", "--detail", "answer")[0] == 0
    assert "step by step" in (tmp_path / "output/plain-answer.md").read_text("utf-8")
    assert run("derive", "neurona", "--to", "md", "--detail", "answer")[0] == 0
    assert "paso a paso" in (tmp_path / "output/neurona-answer.md").read_text("utf-8")


def test_a_worksheet_does_not_replace_the_report(run: Any, tmp_path: Path) -> None:
    assert run("derive", "neurona", "--to", "md,json")[0] == 0
    report = (tmp_path / "output/neurona.md").read_bytes()
    assert run("derive", "neurona", "--to", "md,json", "--detail", "worksheet")[0] == 0
    assert (tmp_path / "output/neurona.md").read_bytes() == report
    names = sorted(path.name for path in (tmp_path / "output").iterdir())
    assert names == ["neurona-worksheet.md", "neurona.json", "neurona.md"]


def test_warnings_go_to_standard_error(run: Any, tmp_path: Path) -> None:
    (tmp_path / "lost.toml").write_text('[model]\nz = "2 v"\nL = "w^2"\n[values]\nw = 3\nv = 1\n')
    code, out, err = run("derive", "lost.toml", "--to", "md")
    assert code == 0
    assert err.startswith("warning: ")
    assert "z" in err
    assert "warning" not in out


def test_numbers_that_hide_mistakes_are_told(run: Any) -> None:
    """x_2 = 0, g'(z) = 1 and k = 1 in the notes' example hide mistakes; the values are as they were."""
    code, out, err = run("derive", "neurona", "--to", "json")
    assert code == 0
    assert out.endswith("dx        W^T dz            3      (-16, -8, 20)ᵀ\n")
    assert err.startswith("\nwarning: With these numbers ")
    assert "relu'(z) = 1 hides" in err
    assert "x[2] = 0 hides" in err
    assert "Nearest better numbers: " in err


def test_twice_is_the_same_and_an_edited_file_stays(run: Any, tmp_path: Path) -> None:
    made = tmp_path / "output/neurona.md"
    assert run("derive", "neurona", "--to", "md")[0] == 0
    first = made.read_bytes()
    assert run("derive", "neurona", "--to", "md")[0] == 0
    assert made.read_bytes() == first
    made.write_bytes(first + b"\nmy remark\n")
    code, out, err = run("derive", "neurona", "--to", "tex,md")
    assert (code, out) == (2, "")
    assert "output/neurona.md" in err
    assert "--force" in err
    assert made.read_bytes().endswith(b"my remark\n")
    assert not (tmp_path / "output/neurona.tex").exists(), "nothing at all is written"
    assert run("derive", "neurona", "--to", "md", "--force")[0] == 0
    assert made.read_bytes() == first


def test_a_terminal_gets_a_table_of_richer_looks(run: Any, monkeypatch: Patch) -> None:
    monkeypatch.setattr(deriving, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "100")
    code, out, _ = run("derive", "neurona", "--to", "json")
    assert code == 0
    assert "dx" in out
    assert "(-16, -8, 20)ᵀ" in out


# --- list, new ------------------------------------------------------------------------------


def test_list_has_a_line_for_each(run: Any) -> None:
    from symbackprop.algebra.functions import TABLE
    from symbackprop.exams.file import bundled_exams
    from symbackprop.exercise import bundled

    code, out, _ = run("list")
    assert code == 0
    first = [line.split("(")[0].split()[0] for line in out.splitlines() if line.startswith("  ")]
    public = [name for name, row in TABLE.items() if row.public]
    assert first == [*bundled(), *bundled_exams(), *sorted(public, key=first.index)]
    assert "leaky_relu(u, slope = 1/100)" in out


def test_new_makes_an_exercise_that_works(run: Any, tmp_path: Path) -> None:
    code, out, _ = run("new", "--inputs", "2", "--neurons", "3", "--activation", "tanh", "--loss", "mse")
    assert code == 0
    (tmp_path / "mine.toml").write_text(out)
    code, out, err = run("derive", "mine.toml", "--to", "json")
    assert (code, err) == (0, "")
    assert "3×2" in out


def test_new_writes_a_file_and_does_not_replace_what_was_edited(run: Any, tmp_path: Path) -> None:
    code, out, _ = run("new", "--output", "folder/mine.toml", "--language", "es")
    assert (code, out) == (0, "wrote folder/mine.toml\n")
    assert run("derive", "folder/mine.toml", "--to", "json")[0] == 0
    with (tmp_path / "folder/mine.toml").open("a") as file:
        file.write("# mine\n")
    code, _, err = run("new", "--output", "folder/mine.toml")
    assert code == 2
    assert "--force" in err
    assert (tmp_path / "folder/mine.toml").read_text().endswith("# mine\n")


def test_help_and_version(run: Any) -> None:
    assert run("--version")[:2] == (0, f"symbackprop {symbackprop.__version__}\n")
    for command in ([], ["derive"], ["list"], ["new"]):
        code, out, _ = run(*command, "--help")
        assert code == 0
        assert "Usage: symbackprop" in out
    assert "worksheet" in run("derive", "--help")[1]


def test_help_imports_next_to_nothing() -> None:
    code = (
        "import sys; from symbackprop.cli import run; run(['--help']);"
        "heavy = {'sympy', 'jinja2', 'lark', 'rich', 'flint', 'typst', 'pydantic'} & set(sys.modules);"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    assert child(code=code).returncode == 0


# --- what is wrong with a call ----------------------------------------------------------------

CALLS: list[tuple[list[str], str]] = [
    (["derive", "neuron"], "Did you mean the bundled neurona?"),
    (["derive", "no/such.toml"], "there is no such file"),
    (["derive", "."], "this is a folder"),
    (["derive", ""], "folder"),
    (["derive", "a\x00b"], "there is no such file"),
    (["derive", "x" * 5000], "name too long"),
    (["derive", "neurona", "--to", "doc"], "--to 'doc': it is one of tex, pdf, typ, md, json"),
    (["derive", "neurona", "--to", "tx"], "did you mean tex?"),
    (["derive", "neurona", "--to", ""], "tex, pdf, typ, md, json"),
    (["derive", "neurona", "--language", "fr"], "--language 'fr': it is one of en, es"),
    (["derive", "neurona", "--language", "../es"], "en, es"),
    (["derive", "neurona", "--detail", "ful"], "did you mean full?"),
    (["derive", "neurona", "--engine", "xelatex"], "did you mean pdflatex?"),
    (["derive", "neurona", "--digits", "-1"], "0 and 100"),
    (["derive", "neurona", "--digits", "101"], "0 and 100"),
    (["derive", "neurona", "--digits", "many"], "many"),
    (["derive", "neurona", "--templates", "nowhere"], "there is no such folder of templates"),
    (["derive", "neurona", "--to", "md", "--output", "file.txt"], "file.txt: a file of that name is in"),
    (["derive", "neurona", "--to", "md", "--output", "file.txt/x"], "file.txt: a file of that name is in"),
    (["derive", "neurona", "--nonsense"], "--nonsense"),
    (["derive"], "exercise"),
    (["deriv", "neurona"], "derive"),
    (["new", "--activation", "rleu"], "did you mean relu"),
    (["new", "--loss", "relu"], "there is no loss 'relu'"),
    (["new", "--inputs", "0"], "1 to"),
    (["new", "--neurons", "100000000"], "1 to"),
    (["new", "--language", "fr"], "es, en"),
    (["new", "--output", "mine.txt"], ".toml"),
    (["new", "--output", "."], ".toml"),
]


@pytest.mark.parametrize(("arguments", "said"), CALLS, ids=lambda one: " ".join(one)[:40] if one else "-")
def test_a_wrong_call_says_what_would_be_right(
    run: Any, tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "file.txt").write_text("in the way")
    code, out, err = run(*arguments)
    assert code == 2
    assert said.lower() in err.lower()
    assert "wrote" not in out
    assert not (tmp_path / "output").exists()
    assert "\x1b" not in err


FAULTY: list[tuple[str | bytes, str]] = [
    ("", "the file is empty"),
    ("[model\n", "faulty.toml:1"),
    (b"\xff\xfe\x00", "UTF-8"),
    ('[model]\nL = "w^2\n', "faulty.toml:2"),
    ('[model]\nz = "W x"\nL = "z z"\n[values]\nW = [[1, 2]]\nx = [1, 2, 3]\n', "2 ≠ 3"),
    ('[model]\nL = "rleu(w)"\n', "relu"),
    ('[model]\nL = "w +"\n', "^"),
    ('[model]\nL = "w"\n[values]\nw = nan\n', "values.w"),
    ('[model]\nL = "w"\nlanguage = 3\n', "model.language"),
    ('language = "fr"\n[model]\nL = "w"\n', "faulty.toml:1: language: there is no language 'fr'"),
    ('title = 3\n[model]\nL = "w"\n', "title"),
    ('[model]\nL = "1/w"\n[values]\nw = 0\n', "faulty.toml:2: model.L: division by 0"),
    ('[model]\nL = "log(w)"\n[values]\nw = -1\n', "faulty.toml:2: model.L: log of -1 has no value"),
    ('[model]\nL = "exp(w)"\n[values]\nw = 1e12\n', "beyond 1000000"),
    (f'[model]\nL = "{"(" * 5_000}w{")" * 5_000}"\n', "deep"),
    (f'[model]\nL = "{"w + " * 250_000}w"\n', "limit"),
    (f"[values]\nw = {'9' * 5000}\n", "limit"),
    ('[words.es]\n"no.such.key" = "x"\n[model]\nL = "w"\n', "faulty.toml:2: words.es.no.such.key: there is"),
    ('[model]\nL = "w"\n[words.es]\n"forward.title" = "{x"\n', "faulty.toml:4: words.es.forward.title"),
    (
        '[model]\nL = "w"\n[words.xx]\n"forward.title" = "x"\n',
        "faulty.toml:3: words.xx: there is no language",
    ),
    (
        '[model]\nL = "relu(w)"\n[values]\nw = 0\n[conventions.kinks]\nrelu = { "0" = 5 }\n',
        "faulty.toml:6: conventions.kinks.relu.0: 5 is not between",
    ),
]


@pytest.mark.parametrize(("text", "said"), FAULTY, ids=range(len(FAULTY)))
def test_a_faulty_exercise_says_where(run: Any, tmp_path: Path, text: str | bytes, said: str) -> None:
    file = tmp_path / "faulty.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    code, out, err = run("derive", "faulty.toml", "--to", "md")
    assert (code, out) == (2, "")
    assert said in err
    assert len(err) < 5_000
    assert not (tmp_path / "output").exists()


def test_all_faults_at_once_with_line_and_caret(run: Any, tmp_path: Path) -> None:
    (tmp_path / "two.toml").write_text('[model]\nz = "W q("\nL = "sigmod(z)"\n[values]\nu = 3\n')
    code, _, err = run("derive", "two.toml")
    assert code == 2
    assert "two.toml:2: model.z: " in err
    assert "two.toml:3: model.L: " in err
    assert "sigmoid" in err
    assert "    ^" in err or "^" in err
    assert err.rstrip().endswith("faults. Nothing was written.")


HOSTILE = ["-.toml", "a b.toml", "ñandú ŷ.toml", "$(touch x).toml", "%s%n.toml", "a\nb.toml", "#{x}_^.toml",
           "\x1b[31mred.toml", "‮gpj.toml", "'; DROP.toml", "~.toml", "*.toml"]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_of_files(run: Any, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('[model]\nL = "w^2"\n[values]\nw = 3\n')
    code, out, err = run("derive", "--to", "json,md,tex", "--", f"./{name}")
    assert (code, err) == (0, "")
    made = {path.name for path in (tmp_path / "output").iterdir()}
    assert made == {name.removesuffix("toml") + suffix for suffix in ("json", "md", "tex")}
    assert "\x1b" not in out
    assert "‮" not in out
    assert {path.name for path in tmp_path.iterdir()} == {name, "output"}


def test_a_name_that_cannot_name_outputs(run: Any, tmp_path: Path) -> None:
    for name in (".toml", "..toml", "x" * 240 + ".toml", "\\input{x}.toml"):
        (tmp_path / name).write_text('[model]\nL = "w^2"\n')
        code, _, err = run("derive", name, "--to", "md")
        assert code == 2
        assert "cannot name output files" in err


# --- when the world is unkind -----------------------------------------------------------------


def test_a_failed_certificate_is_our_fault(run: Any, tmp_path: Path, monkeypatch: Patch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise CertificateFailed("dW", "sizes {}")

    monkeypatch.setattr("symbackprop.derivation.derive.derive", fails)
    code, out, err = run("derive", "neurona")
    assert (code, out) == (3, "")
    assert "dW" in err
    assert "report it" in err
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize(
    ("error", "expected", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (RuntimeError("odd"), 3, "report it"),
        (KeyError("odd"), 3, "report it"),
        (AssertionError(), 3, "report it"),
        (MemoryError(), 2, "too large"),
        (RecursionError(), 2, "too large"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "No space left"),
        (PermissionError(errno.EACCES, "Permission denied", "some/file"), 2, "some/file: Permission denied"),
    ],
)
def test_whatever_happens_there_is_a_message(
    run: Any, monkeypatch: Patch, error: BaseException, expected: int, said: str
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("symbackprop.derivation.derive.derive", fails)
    code, out, err = run("derive", "neurona")
    assert (code, out) == (expected, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_traceback_only_for_who_asks(tmp_path: Path) -> None:
    code = (
        "import symbackprop.exercise as e, sys; from symbackprop.cli import run\n"
        "def load(_): raise RuntimeError('odd')\n"
        "e.load = load; sys.exit(run(['derive', 'neurona']))"
    )
    quiet, loud = child(code=code), child(code=code, env={"SYMBACKPROP_TRACEBACK": "1"})
    assert quiet.returncode == loud.returncode == 3
    assert b"Traceback" not in quiet.stderr
    assert b"Traceback" in loud.stderr


def test_a_full_disk(run: Any, tmp_path: Path, monkeypatch: Patch) -> None:
    assert run("derive", "neurona", "--to", "md")[0] == 0
    before = (tmp_path / "output/neurona.md").read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    code, out, err = run("derive", "neurona", "--to", "md", "--language", "en")
    assert (code, out) == (2, "")
    assert "neurona.md: cannot write here: No space left on device" in err
    assert (tmp_path / "output/neurona.md").read_bytes() == before
    assert [path.name for path in (tmp_path / "output").iterdir()] == ["neurona.md"], "nothing half-written"


def test_typesetting_fails_before_anything_is_written(run: Any, tmp_path: Path, monkeypatch: Patch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise pdf.TypesettingError("typst", "no room", line=3)

    monkeypatch.setattr(pdf, "to_pdf", fails)
    code, out, err = run("derive", "neurona", "--to", "tex,pdf,md", "--engine", "typst")
    assert (code, out) == (2, "")
    assert "typst, line 3 of the text: no room" in err
    assert not (tmp_path / "output").exists()


def test_pdflatex_that_is_not_there(run: Any, monkeypatch: Patch) -> None:
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    code, _, err = run("derive", "neurona", "--to", "pdf", "--engine", "pdflatex")
    assert code == 2
    assert "--engine typst" in err


def test_a_teachers_template_at_fault(run: Any, tmp_path: Path) -> None:
    (tmp_path / "mine/markdown").mkdir(parents=True)
    (tmp_path / "mine/markdown/report.md").write_text("one\n<< nothing.at.all >>\n")
    code, _, err = run("derive", "neurona", "--to", "md", "--templates", "mine")
    assert code == 2
    assert "markdown/report.md" in err
    assert "nothing" in err


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_write_leaves_the_old_file(tmp_path: Path, how: signal.Signals) -> None:
    """The process is stopped in the middle of writing; what was there before is still there, whole."""
    code = (
        "import os, sys, time; from symbackprop import cli; from symbackprop.report import files\n"
        "def stopped(_): print('half', flush=True); time.sleep(60)\n"
        "files.os.fsync = stopped\n"
        "sys.argv = ['symbackprop', 'derive', 'neurona', '--to', 'md', '--language', 'en']; cli.main()"
    )
    assert child("derive", "neurona", "--to", "md", cwd=tmp_path).returncode == 0
    before = (tmp_path / "output/neurona.md").read_bytes()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command, pipe = [sys.executable, "-c", code], subprocess.PIPE
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=pipe, stderr=pipe)
    assert process.stdout is not None
    assert process.stdout.readline() == b"half\n"
    process.send_signal(how)
    _, err = process.communicate(timeout=30)
    assert process.returncode == {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}[how]
    assert b"Traceback" not in err
    assert (tmp_path / "output/neurona.md").read_bytes() == before
    if how != signal.SIGKILL:
        assert [path.name for path in (tmp_path / "output").iterdir()] == ["neurona.md"]
    assert child("derive", "neurona", "--to", "md", cwd=tmp_path).returncode == 0


@pytest.mark.skipif(os.name != "posix", reason="pipes as on POSIX")
@pytest.mark.parametrize("arguments", [["list"], ["--help"], ["new"]])
def test_nobody_reads_the_output(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = child(*arguments, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert done.returncode in {1, 141}
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_the_output_goes_to_a_full_disk() -> None:
    with open("/dev/full", "wb") as full:
        done = child("list", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert b"No space left" in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
def test_a_closed_stream(tmp_path: Path, closed: str) -> None:
    end = ">&-" if closed == "stdout" else "2>&-"
    order = ["/bin/sh", "-c", f'exec "{sys.executable}" -m symbackprop derive neurona --to json {end}']
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(order, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    assert (tmp_path / "output/neurona.json").is_file()


def test_a_terminal_that_knows_only_ascii(tmp_path: Path) -> None:
    ascii_only = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = child("derive", "neurona", "--to", "json", cwd=tmp_path, env=ascii_only)
    assert done.returncode == 0
    assert rb"1\xd73" in done.stdout


CONVOLVED = '[model]\n"z[i,j]" = "sum(a, b: K[a,b] x[i+a-1, j+b-1])"\nL = "1/2 ||z||_F^2"\n'
TOO_MUCH = {
    "a huge convolution": CONVOLVED + "[shapes]\nK = [50, 50]\nx = [400, 400]\n",
    "a sum of a thousand million terms": '[model]\nL = "sum(i = 1..1000000000: x)"\n[values]\nx = 1\n',
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_too_many_terms_are_a_fault_of_their_equation(
    name: str, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "big.toml").write_text(TOO_MUCH[name])
    code, _, said = run("derive", "big.toml", "--to", "md")
    assert code == 2
    assert "model.z: a sum" in said or "model.L: a sum" in said
    assert "4,000,000 terms, which is the limit" in said


def test_rows_that_are_divided_by_their_sums(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """Causal attention by hand: what stands in dE's row beside a row is one number for all of it."""
    model = '"E[i,j]" = "A[i,j] where j <= i"\nP = "E / (sum(E, axis = 1) 1^T)"\nL = "1/2 ||P||_F^2"\n'
    (tmp_path / "rows.toml").write_text(f"[model]\n{model}[values]\nA = [[1, 9], [2, 3]]\n")
    code, _, said = run("derive", "rows.toml", "--to", "json")
    assert (code, said.count("error")) == (0, 0)
    data = json.loads((tmp_path / "output" / "rows.json").read_text())
    # P = [[1, 0], [2/5, 3/5]]; with s = 5: dE = (P − (P·P)1)/s = [2/5 − 13/25, 3/5 − 13/25]/5
    assert data["quantities"]["dA"]["exact"] == [["0", "0"], ["-3/125", "2/125"]]


def test_as_a_module_and_fast_enough() -> None:
    """`--help` within 0.4 times what importing SymPy and Jinja2 costs; the best of three runs each."""

    def best(*command: str) -> float:
        times = []
        for _ in range(3):
            start = time.perf_counter()
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            subprocess.run([sys.executable, *command], env=environment, capture_output=True, check=True)
            times.append(time.perf_counter() - start)
        return min(times)

    assert best("-m", "symbackprop", "--help") <= 0.4 * best("-c", "import sympy, jinja2")
