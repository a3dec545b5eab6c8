"""Exercises: a model, its numbers and what is asked, read from TOML or given from Python.

    load("neurona")                     a bundled exercise, or the path of a file
    from_dict({"model": {...}, ...})    the same keys as a file
    from_parts(model={...}, ...)        plain arguments

All of them validate once and raise ExerciseError with every fault.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from symbackprop import limits
from symbackprop.exercise.build import build
from symbackprop.exercise.faults import Collected, ExerciseError, Fault, nearest
from symbackprop.exercise.located import located
from symbackprop.exercise.model import Equation, Exercise, Fact
from symbackprop.exercise.new import new_exercise_text
from symbackprop.exercise.source import read_source

__all__ = [
    "Equation",
    "Exercise",
    "ExerciseError",
    "Fact",
    "Fault",
    "bundled",
    "file_and_text",
    "from_dict",
    "from_parts",
    "from_text",
    "in_file",
    "load",
    "new_exercise_text",
]

_FOLDER = Path(__file__).resolve().parent.parent / "exercises"
_ORDER = ("neurona", "capa", "general", "capa-numerica", "sigmoide")  # as a course takes them


def bundled() -> Mapping[str, Path]:
    """The exercises that come with the program, by name."""
    paths = {path.stem: path for path in sorted(_FOLDER.glob("*.toml"))}
    first = [name for name in _ORDER if name in paths]
    return MappingProxyType({name: paths[name] for name in dict.fromkeys((*first, *paths))})


def load(path_or_name: str | Path) -> Exercise:
    """The exercise in a file, or the bundled one of this name.

    Its key is the file's name without the suffix. Raises ExerciseError with every fault, also
    when there is no such file or it cannot be read.
    """
    path, file = _file(path_or_name)
    return from_text(text_of(path), key=path.stem, file=str(file))


def file_and_text(path_or_name: str | Path) -> tuple[Path, str]:
    """The file of an exercise, as messages call it, and its text. Raises ExerciseError."""
    path, file = _file(path_or_name)
    return file, text_of(path)


def in_file(error: ExerciseError, path_or_name: str | Path) -> ExerciseError:
    """An error about what `load` gave, found later, with the file and the lines of its faults."""
    path, file = _file(path_or_name)
    return located(error, file, text_of(path))


def _file(path_or_name: str | Path) -> tuple[Path, Path]:
    """Where an exercise is, and what messages call it."""
    ours = bundled()
    if isinstance(path_or_name, str) and path_or_name in ours:
        path = ours[path_or_name]
        return path, Path(path.name)
    return Path(path_or_name), Path(path_or_name)


def from_text(text: str, *, key: str = "exercise", file: str = "") -> Exercise:
    """The exercise that a TOML text says; `file` is the name that faults give. Raises ExerciseError."""
    shown = file or f"{key}.toml"
    source = read_source(text, shown)
    return build(source.data, Collected(shown, source.lines), _checked_key(key))


def from_dict(mapping: Mapping[str, Any], *, key: str = "exercise") -> Exercise:
    """The exercise that a mapping says, with the same keys as a file.

    Numbers may be int, Fraction, Decimal or text; a float is taken for the decimal that Python
    prints it as, so 0.1 is 1/10. Raises ExerciseError.
    """
    return build(mapping, Collected(key), _checked_key(key))


def from_parts(
    *,
    model: Mapping[str, Any] | Iterable[tuple[str, Any]],
    shapes: Mapping[str, Any] | None = None,
    values: Mapping[str, Any] | None = None,
    wanted: Iterable[str] | None = None,
    title: str | Mapping[str, str] | None = None,
    language: str | None = None,
    kinks: Mapping[str, Mapping[Any, Any]] | None = None,
    functions: Mapping[str, Any] | None = None,
    facts: Iterable[str] | None = None,
    key: str = "exercise",
) -> Exercise:
    """The exercise of plain arguments: `from_parts(model={"L": "(w x - y)^2"}, values={...})`.

    The model has formulas by their left sides, and perhaps `layers` with what goes with it.
    Raises ExerciseError.
    """
    parts: dict[str, Any] = {"model": dict(model)}
    for name, value in (("shapes", shapes), ("values", values), ("functions", functions)):
        if value is not None:
            parts[name] = value
    for name, text in (("title", title), ("language", language)):
        if text is not None:
            parts[name] = text
    if wanted is not None:
        parts["wanted"] = {"gradients": list(wanted)}
    if kinks is not None:
        parts["conventions"] = {"kinks": kinks}
    if facts is not None:
        parts["assume"] = {"facts": list(facts)}
    return from_dict(parts, key=key)


def _checked_key(key: str) -> str:
    """A key names files: it must be a plain file name."""
    if not key or key.startswith(".") or any(c in key for c in "/\\\0") or len(key) > 200:
        raise ValueError(f"{key!r} cannot name output files")
    return key


def text_of(path: Path, near: Callable[[Path], str] | None = None) -> str:
    """The text of a file, limits checked; `near` says what may have been meant where there is none. Raises
    ExerciseError."""

    def fail(message: str, suggestion: str = "") -> ExerciseError:
        return ExerciseError([Fault(file=str(path), key="", message=message, suggestion=suggestion)])

    try:
        if path.is_dir():
            raise fail("this is a folder", "Name an exercise file in it.")
        if not path.exists():
            raise fail("there is no such file", (near or _nearest_file)(path))
        if not path.is_file():
            raise fail("this is no ordinary file")
        with path.open("rb") as stream:
            content = stream.read(limits.FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, ExerciseError):
            raise
        raise fail(f"the file cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if len(content) > limits.FILE_BYTES:
        raise fail(f"the file has more than {limits.FILE_BYTES:,} bytes, which is the limit")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise fail(f"line {line} is not UTF-8 text", "Save the file as UTF-8.") from None
    if not text.strip():
        raise fail("the file is empty", "symbackprop new writes one to start from.")
    return text


def _nearest_file(path: Path) -> str:
    ours = bundled()
    beside = path.with_name(path.name + ".toml")
    if beside.is_file():
        return f"Did you mean {beside}?"
    near = nearest(path.stem, ours)
    if near:
        return f"Did you mean the bundled {' or '.join(near)}?"
    return f"Bundled exercises: {', '.join(ours)}."
