"""The text of a file that a person hands in: read with limits, every failure in plain words."""

import sys
from pathlib import Path
from typing import BinaryIO

from symbackprop import limits

STANDARD_INPUT = "-"
_SUFFIXES = {
    ".tex": ".tex", ".ltx": ".tex", ".latex": ".tex", ".md": ".md", ".markdown": ".md", ".qmd": ".md",
    ".rmd": ".md", ".txt": ".txt", ".text": ".txt", ".ipynb": ".ipynb", ".py": ".py",
}  # fmt: skip
"""Endings of names, and the form of what is in such a file; anything else is decided by content."""

_FOREIGN = {
    b"%PDF": "a PDF file", b"PK\x03\x04": "a packed file (a Word document?)", b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}  # fmt: skip
_EXPECTED = "give LaTeX, Markdown, plain text, a notebook or code"


def read_source(path: str | Path, stdin: BinaryIO | None = None) -> tuple[str, str, str]:
    """The name, the text and the form (`.tex`, `.md`, `.txt`, `.ipynb`, `.py`, or `""`) of a file.

    `-` is standard input, `stdin` if given. Lines end with `\\n` in the text, however they did in the
    file. Raises ValueError, which names the file and says what would be right, where there is no such
    file, or it is empty, too long, or no UTF-8 text.
    """
    if str(path) == STANDARD_INPUT:
        stream = stdin if stdin is not None else sys.stdin.buffer
        name, suffix, data = "standard input", "", stream.read(limits.FILE_BYTES + 1)
    else:
        file = Path(path)
        name, suffix, data = str(path), _SUFFIXES.get(file.suffix.lower(), ""), _bytes(file)
    if len(data) > limits.FILE_BYTES:
        raise ValueError(f"{name}: more than {limits.FILE_BYTES:,} bytes, which is the limit; split the file")
    return name, _decoded(name, data), suffix


def _bytes(file: Path) -> bytes:
    try:
        if file.is_dir():
            raise ValueError(f"{file}: this is a folder; {_EXPECTED}")
        with file.open("rb") as stream:
            return stream.read(limits.FILE_BYTES + 1)
    except FileNotFoundError:
        raise ValueError(f"{file}: there is no such file; - reads standard input") from None
    except PermissionError:
        raise ValueError(f"{file}: may not be read; check its permissions") from None
    except OSError as error:
        raise ValueError(f"{file}: cannot be read: {error.strerror or error}") from None


def _decoded(name: str, data: bytes) -> str:
    for start, what in _FOREIGN.items():
        if data.startswith(start):
            raise ValueError(f"{name}: this is {what}; {_EXPECTED}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{name}, line {line}: this is not UTF-8 text; save the file as UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ValueError(f"{name}, line {line}: there is a NUL character; {_EXPECTED}")
    if not text.strip():
        raise ValueError(f"{name}: there is nothing in it; {_EXPECTED}")
    return text.replace("\r\n", "\n").replace("\r", "\n")
