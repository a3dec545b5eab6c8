"""The shape of the project itself: who imports whom, what may not be called, what must be complete."""

import ast
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import symbackprop
from symbackprop.algebra.functions import ALIASES, ATOMS, OPERATIONS, ROWS, TABLE, Function
from symbackprop.algebra.slopes import Slope, slope
from symbackprop.algebra.symbolic import NotSymbolic
from symbackprop.algebra.values.apply import formula
from symbackprop.derivation.derive import derive
from symbackprop.derivation.mistakes import MISTAKES
from symbackprop.derivation.slopes_proof import prove
from symbackprop.exercise import bundled, from_parts
from symbackprop.notation import tree
from symbackprop.report.terminal import function_rows
from symbackprop.report.words import Words, differences, languages, load_words

PACKAGE = Path(symbackprop.__file__).resolve().parent
TEMPLATES = PACKAGE.parent / "templates"
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in MODULES.items()}
EACH_MODULE = pytest.mark.parametrize("module", MODULES)

TIERS = {
    "limits": 0, "notation": 1, "algebra": 2, "exercise": 3, "derivation": 4, "checking": 5, "exams": 6,
    "report": 7, "api": 8, "cli": 8, "__main__": 8, "": 8,
}  # fmt: skip
"""The parts of the package, from what knows nothing to what knows all; imports point down."""

MOST_LINES = 450

HOMES = {
    "sympy": {"symbackprop.algebra.symbolic", "symbackprop.algebra.differentiate"},
    "flint": {"symbackprop.algebra.values.exact", "symbackprop.algebra.values.products"},
    "numpy": {"symbackprop.algebra.values.floating", "symbackprop.algebra.values.floating.atoms"},
    "lark": {"symbackprop.notation.build_parser"},
    "jinja2": {"symbackprop.report.templating", "symbackprop.report.compiled"},
    "marshal": {"symbackprop.report.compiled"},
    "typst": {"symbackprop.report.typst_worker"},
    "typer": {
        "symbackprop.cli",
        "symbackprop.cli.deriving",
        "symbackprop.cli.checking",
        "symbackprop.cli.examining",
        "symbackprop.cli.faults",
    },
    "rich": {"symbackprop.cli.deriving", "symbackprop.cli.checking", "symbackprop.cli.examining"},
    "subprocess": {"symbackprop.report.pdf", "symbackprop.report.templating"},
    "lxml": {name for name in MODULES if name.startswith("symbackprop.exams.exports.")},
    "text2qti": {"symbackprop.exams.exports.canvas"},
    "pypdfium2": {"symbackprop.report.exams.answers"},
    "segno": {name for name in MODULES if name.startswith("symbackprop.report.exams.")},
    "pikepdf": {name for name in MODULES if name.startswith("symbackprop.report.exams.")},
}
"""The libraries, and the modules that may import them."""

FORBIDDEN_IMPORTS = {
    "pickle", "shelve", "dill", "cloudpickle", "joblib", "yaml", "code", "codeop", "ctypes",
    "socket", "ssl", "http", "urllib", "ftplib", "smtplib", "poplib", "imaplib", "telnetlib", "xmlrpc",
    "socketserver", "webbrowser", "requests", "httpx", "aiohttp", "asyncio",
}  # fmt: skip
FORBIDDEN_CALLS = {
    "eval", "exec", "compile", "__import__", "sympify", "S", "parse_expr", "parse_latex", "lambdify",
    "autowrap", "ufuncify", "system", "popen", "execv", "execve", "spawnl", "spawnv",
}  # fmt: skip
ALLOWED_CALLS = {("re", "compile"), ("typst", "compile")}
"""`re.compile` and `typst.compile` run no Python."""
COMPILES = {"symbackprop.algebra.values.straight"}
"""The one module that compiles: straight-line code made of generated names, signs and integers."""


# --- imports ------------------------------------------------------------------------------


def imported(module: str) -> Iterator[str]:
    """Every module that `module` imports anywhere, in functions and for type checking too."""
    package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            target = ".".join([*base, *([node.module] if node.module else [])])
            yield target
            yield from (name for alias in node.names if (name := f"{target}.{alias.name}") in MODULES)


def tier(module: str) -> int:
    """The tier of a module; KeyError for one that has none."""
    return TIERS[[*module.split("."), ""][1]]


def test_there_are_modules() -> None:
    assert len(MODULES) > 60
    assert {name.split(".")[1] for name in MODULES if "." in name} <= set(TIERS)


@EACH_MODULE
def test_imports_point_down(module: str) -> None:
    ours = {name for name in imported(module) if name.split(".")[0] == "symbackprop"}
    upwards = {name for name in ours if name != "symbackprop" and tier(name) > tier(module)}
    assert not upwards, f"{module} imports {upwards}"
    if tier(module) < 8:
        loose = {n for n in imported(module) if n == "symbackprop"}
        assert not loose or module_uses_only_limits(module), f"{module} imports the package itself"


def module_uses_only_limits(module: str) -> bool:
    """Whether `from symbackprop import …` takes submodules of a lower tier only."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.ImportFrom) and node.module == "symbackprop":
            for alias in node.names:
                name = f"symbackprop.{alias.name}"
                if alias.name != "__version__" and (name not in MODULES or tier(name) > tier(module)):
                    return False
    return True


@EACH_MODULE
def test_libraries_have_their_homes(module: str) -> None:
    for name in imported(module):
        library = name.split(".")[0]
        assert library not in FORBIDDEN_IMPORTS, f"{module} imports {name}"
        if library in HOMES:
            assert module in HOMES[library], f"{module} imports {name}"
        elif library != "symbackprop":
            assert library in sys.stdlib_module_names, f"{module} imports {name}"


@EACH_MODULE
def test_nothing_is_run_as_python(module: str) -> None:
    for node in ast.walk(TREES[module]):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Name(id="exec" | "compile") if module in COMPILES:
                pass
            case ast.Name(id=name):
                assert name not in FORBIDDEN_CALLS, f"{module}:{node.lineno} calls {name}"
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if (owner, name) in ALLOWED_CALLS:
                pass
            case ast.Attribute(attr=name):
                assert name not in FORBIDDEN_CALLS, f"{module}:{node.lineno} calls .{name}"
        shell = [key for key in node.keywords if key.arg == "shell"]
        assert not shell, f"{module}:{node.lineno} uses a shell"


@EACH_MODULE
def test_modules_are_short(module: str) -> None:
    assert len(MODULES[module].read_text("utf-8").splitlines()) <= MOST_LINES


@EACH_MODULE
def test_modules_say_what_they_are(module: str) -> None:
    assert ast.get_docstring(TREES[module]) or not TREES[module].body


def test_everything_compiles(tmp_path: Path) -> None:
    """With every warning an error; what is compiled goes elsewhere."""
    folders = [str(PACKAGE), str(PACKAGE.parent / "tests")]
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "compileall", "-q", "-f", *folders],
        env={**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stdout + run.stderr) == (0, "")


# --- functions ------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_function_is_complete(row: Function) -> None:
    assert all((row.latex, row.typst, row.plain))
    assert row.pieces
    for piece in row.pieces:
        node = formula(piece.formula)
        used = set(tree.names_in(node))
        allowed = {*row.arguments, *(name for name, _ in row.options)}
        assert used <= allowed, f"{piece.formula} uses {used - allowed}"
        for call in (part for part in tree.walk(node) if isinstance(part, tree.Call)):
            assert call.function in TABLE
    assert (row.kind == "loss") == (row.reduce is not None)
    assert row.smooth == (row.on is None)
    if row.compact:
        assert set(tree.names_in(formula(row.compact))) <= {
            *row.arguments,
            *(name for name, _ in row.options),
        }


def test_names_of_functions_are_unique() -> None:
    names = [name for row in ROWS for name in (row.name, *row.aliases)]
    assert len(names) == len(set(names)) == len(ALIASES)
    assert not set(names) & OPERATIONS
    assert set(TABLE) >= ATOMS


def test_the_list_has_a_line_for_every_function() -> None:
    kinds = ("activation", "elementwise", "loss")
    lines = [row for kind in kinds for row in function_rows(kind)]
    assert [name.partition("(")[0] for name, _ in lines] == sorted(
        (row.name for row in ROWS if row.public), key=lambda name: kinds.index(TABLE[name].kind)
    )


@pytest.mark.parametrize("row", [row for row in ROWS if len(row.arguments) == 1], ids=lambda row: row.name)
def test_every_derivative_is_found_and_proved(row: Function) -> None:
    found = slope(row, lambda text, _: formula(text), options={n: formula(text) for n, text in row.options})
    assert isinstance(found, Slope)
    assert found.branches
    assert prove(found, TABLE) >= 3


@pytest.mark.parametrize("row", [row for row in ROWS if len(row.arguments) > 1], ids=lambda row: row.name)
def test_every_row_of_two_arguments_is_derived_and_certified(row: Function) -> None:
    """In a model; `derive` raises where a certificate fails."""
    first, second = row.arguments
    call = f"{row.name}({first}, {second})"
    body = call if row.kind == "loss" else f"sum({call})"
    if row.kind == "loss" and first == "p":
        values = {first: ["1/3", "1/4"], second: [1, 0]}
    else:
        values = {first: ["1/3", "-1/4"], second: [1, -1]}
    worked = derive(from_parts(model={"E": body}, values=values, wanted=[first]))
    checks = {check.kind: check for check in worked.checks if f"d{first}" in check.what}
    assert checks["formula"].agreed == checks["formula"].tried > 0
    assert checks["numbers"].agreed == checks["numbers"].tried > 0


def test_a_generic_function_has_no_slope() -> None:
    generic = Function(name="g", kind="activation", latex="g", typst="g", plain="g", pieces=())
    with pytest.raises(NotSymbolic):
        slope(generic, lambda text, _: formula(text))


# --- languages ------------------------------------------------------------------------------

LANGUAGES = languages()


def test_there_are_two_languages_at_least() -> None:
    assert {"en", "es"} <= set(LANGUAGES)


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(LANGUAGES, 2)))
def test_languages_are_complete(one: str, other: str) -> None:
    assert differences(load_words(one), load_words(other)) == []


@pytest.mark.parametrize("name", bundled())
def test_bundled_exercises_have_a_title_in_every_language(name: str) -> None:
    assert set(symbackprop.load(name).title) >= set(LANGUAGES)


def texts(trees: dict[str, ast.Module]) -> Iterator[tuple[str, re.Pattern[str]]]:
    """Every string of the program that could be a key, as it is written and as a pattern: a hole
    of an f-string stands for anything, and so does what is added to a string."""
    added = {
        id(node.left) for top in trees.values() for node in ast.walk(top)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)
    }  # fmt: skip
    inner = {
        id(part) for top in trees.values() for node in ast.walk(top)
        if isinstance(node, ast.JoinedStr) for part in node.values
    }  # fmt: skip
    for top in trees.values():
        for node in ast.walk(top):
            pieces: list[str] = []
            if isinstance(node, ast.JoinedStr):
                pieces = [part.value if isinstance(part, ast.Constant) else "\0" for part in node.values]  # type: ignore[misc]
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
                pieces = [node.value]
            if pieces:
                shown = "".join(pieces) + ("\0" if id(node) in added else "")
                yield shown, re.compile(re.escape(shown).replace("\0", "[a-z_]*"))


def english() -> Words:
    return load_words("en")


def test_every_key_in_the_program_is_in_the_languages() -> None:
    words = english()
    groups = {key.partition(".")[0] for key in words.sentences}
    looks = re.compile(rf"(?:{'|'.join(sorted(groups))})\.[a-z_\0]+")
    lost = {
        shown for shown, pattern in texts(TREES)
        if looks.fullmatch(shown) and not any(map(pattern.fullmatch, words.sentences))
    }  # fmt: skip
    assert not lost


def test_every_mistake_has_its_sentence() -> None:
    """`mistake.<id>` for each row of the table, and none for a row that is not there."""
    sentences = {key for key in english().sentences if key.startswith("mistake.")}
    assert sentences == {f"mistake.{row.id}" for row in MISTAKES}


def test_every_key_of_the_languages_is_used() -> None:
    words = english()
    found = list(texts(TREES))
    literal = {shown for shown, _ in found} | {f"mistake.{row.id}" for row in MISTAKES}
    patterns = [pattern for shown, pattern in found if "\0" in shown and "." in shown.partition("\0")[0]]
    idle = {
        key for key in words.sentences if key not in literal and not any(p.fullmatch(key) for p in patterns)
    }
    assert {key for key in idle if not key.startswith("reader.")} == set()  # those are found by their words


def test_every_word_inside_formulas_is_used() -> None:
    literal = {shown for shown, _ in texts(TREES)}
    assert set(english().formula) <= literal


def test_every_word_of_the_page_is_used_by_a_template() -> None:
    everything = "\n".join(path.read_text("utf-8") for path in TEMPLATES.rglob("*.t[ey][xp]"))
    everything += "\n".join(path.read_text("utf-8") for path in TEMPLATES.rglob("*.md"))
    asked = set(re.findall(r"\bwords\.([a-z_]+)", everything))
    ours = "\n".join(path.read_text("utf-8") for path in (PACKAGE / "report").rglob("*.py"))
    for key in english().page:
        assert key in asked or f'page["{key}"]' in ours or f'"{key}"' in ours, key
    assert asked <= set(english().page)


def test_names_of_functions_in_a_language_are_functions() -> None:
    for language in LANGUAGES:
        assert set(load_words(language).functions) <= set(TABLE) | OPERATIONS
