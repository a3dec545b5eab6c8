"""Files with answers: tables, folders of derivations, derivations; and what cannot be read of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from symbackprop.checking.source import read_source
from symbackprop.exams.grading_derived import Source
from symbackprop.exams.grading_model import Doubt, GradingError
from symbackprop.exams.tables import table_text

_TABLES: Final = frozenset({".csv", ".tsv"})
_DERIVATIONS: Final = frozenset({".tex", ".md", ".ipynb", ".py"})
"""Endings of one student's derivation; any other file is a table."""

_UNREADABLE: Final = {
    "this is a PDF": "file_pdf", "this is a packed": "file_packed", "this is a picture": "file_picture",
    "this is a folder": "file_folder", "not UTF-8": "file_encoding", "NUL character": "file_encoding",
    "nothing in it": "file_empty", "which is the limit": "file_long", "may not be read": "file_permission",
}  # fmt: skip
"""What `checking.source` says of a file, and the doubt that it is."""


def given_in(path: Path) -> str | tuple[list[Source], list[Doubt]]:
    """The text of a table, or derivations and what cannot be read of them. Raises GradingError."""
    if path.is_dir():
        paths = sorted(path.iterdir(), key=lambda one: one.name)
    elif path.suffix.lower() in _DERIVATIONS and path.exists():
        paths = [path]
    else:
        return table_text(path, GradingError)
    sources, doubts = derivations_in(paths)
    if not sources and not doubts:
        raise GradingError(f"{path}: this folder is empty. Put a derivation of each student into it.")
    return sources, doubts


def derivations_in(paths: Sequence[Path]) -> tuple[list[Source], list[Doubt]]:
    """The derivations in files, and what cannot be read. Names that begin with a dot are passed over."""
    sources: list[Source] = []
    doubts: list[Doubt] = []
    for path in paths:
        if path.name.startswith("."):
            continue
        if path.suffix.lower() in _TABLES:
            doubts.append(Doubt(file=path.name, line=0, why="file_table"))
            continue
        try:
            _, text, suffix = read_source(path)
        except ValueError as problem:
            doubts.append(_unreadable(path, str(problem)))
            continue
        sources.append(Source(path.name, text, suffix))
    return sources, doubts


def _unreadable(path: Path, message: str) -> Doubt:
    """What a reader says of a file, as a sentence of the language files."""
    said = message.removeprefix(str(path)).lstrip(":, ")
    why = next((key for part, key in _UNREADABLE.items() if part in said), "file")
    line = re.match(r"line (\d+)", said)
    return Doubt(
        file=path.name, line=int(line[1]) if line else 0, why=why,
        parts={"message": said} if why == "file" else {},
    )  # fmt: skip
