"""The wheel, built, installed apart, and used from an empty folder."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from symbackprop.derivation.derive import derive
from symbackprop.exercise import load
from symbackprop.report.outputs import Outputs

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built with what is installed here; nothing is downloaded."""
    folder = tmp_path_factory.mktemp("wheel")
    command = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    ran = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def apart(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel in it, whose libraries are those of this one.

    A path in a .pth file is searched, but its own .pth files are not read: an editable
    installation of the working copy is not seen from there.
    """
    home = tmp_path_factory.mktemp("apart") / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    programs = home / "bin"
    place = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    install = ["install", "--no-deps", "--no-index", "--no-compile", str(wheel)]
    ran = subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(programs / "python"), *install],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    paths = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (place / "libraries.pth").write_text("\n".join(sorted(paths)) + "\n", "utf-8")
    return programs


def run(program: Path, *arguments: str, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ran = subprocess.run(
        [str(program), *arguments], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_what_the_wheel_carries(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    templates = {f"symbackprop/{path.relative_to(ROOT)}" for path in (ROOT / "templates").rglob("*.*")}
    exercises = {str(path.relative_to(ROOT)) for path in (ROOT / "symbackprop").rglob("*.toml")}
    assert len(templates) >= 11
    assert len(exercises) >= 5
    assert templates | exercises | {"symbackprop/py.typed", "symbackprop/cli/__init__.py"} <= names
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"symbackprop"}


def test_the_package_and_its_templates_are_the_installed_ones(apart: Path, tmp_path: Path) -> None:
    code = (
        "import symbackprop; from symbackprop.report.places import templates_folder; "
        "print(symbackprop.__file__); print(templates_folder())"
    )
    package, templates = run(apart / "python", "-c", code, folder=tmp_path).split()
    assert Path(package).is_relative_to(apart.parent)
    assert Path(templates) == Path(package).parent / "templates"


def test_the_installed_command_writes_the_same_report(apart: Path, tmp_path: Path) -> None:
    said = run(apart / "symbackprop", "derive", "neurona", "--to", "tex,typ,md,json", folder=tmp_path)
    assert said.count("wrote output/neurona.") == 4
    ours = Outputs(derive(load("neurona")), language="es")
    written = {
        kind: (tmp_path / "output" / f"neurona.{kind}").read_text("utf-8") for kind in ("tex", "typ", "md")
    }
    for kind, text in written.items():
        assert text.endswith(str(ours.content(kind)))  # type: ignore[arg-type]  # one of the kinds
    data = json.loads((tmp_path / "output" / "neurona.json").read_text("utf-8"))
    assert data["quantities"]["dW"]["exact"] == [["-4", "0", "-8"]]
    assert [path.name for path in tmp_path.iterdir()] == ["output"]


def test_the_installed_command_writes_a_pdf_without_tex(apart: Path, tmp_path: Path) -> None:
    run(
        apart / "python",
        "-m",
        "symbackprop",
        "derive",
        "capa",
        "--to",
        "pdf",
        "--engine",
        "typst",
        folder=tmp_path,
    )
    assert (tmp_path / "output" / "capa.pdf").read_bytes().startswith(b"%PDF-")


def test_the_installed_command_makes_an_exam_without_tex(apart: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a secret of sixteen bytes or more")
    kinds = "papers,solutions,rubric,keys,moodle,stack,prairielearn,qti,canvas"
    options = ("--variants", "2", "--secret-file", "secret", "--engine", "typst", "--to", kinds)
    said = run(apart / "symbackprop", "exam", "examen-capa", *options, folder=tmp_path)
    (keys,) = re.findall(r"PDF text: (\d+) keys were read back", said)
    assert int(keys) > 2 * (20 + 1)  # of each variant the 20 numbers, and a line with those in it
    made = tmp_path / "output" / "examen-capa"
    assert len(list((made / "students" / "papers").glob("*.pdf"))) == 2
    assert (made / "platforms" / "qti" / "examen-capa-qti21.zip").read_bytes().startswith(b"PK")


def test_the_list_of_what_comes_along(apart: Path, tmp_path: Path) -> None:
    said = run(apart / "symbackprop", "list", folder=tmp_path)
    for word in ("neurona", "capa-numerica", "examen-capa", "sigmoid", "bce_logits"):
        assert word in said
