"""Writing files whole or not at all, and never over work that is not ours.

Every file that the program writes carries one line of its own: a name, a version and the
SHA-256 of everything else in the file. A file whose line is missing (somebody else's) or whose
hash does not fit (a person edited it afterwards) is not overwritten unless that is asked for.

Text carries the line first, as a comment of its format. JSON has no comments, so there it is the
first key. A PDF carries it as a comment just before `startxref`, where PDF allows one and where
it moves no object.
"""

import hashlib
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from symbackprop import __version__

GENERATOR: Final = f"symbackprop {__version__}"
_MARK = rb"symbackprop [0-9][^ \r\n]{0,20} sha256:([0-9a-f]{64})"
_TRIES: Final = 3  # of putting a new file in place while others do the same


class OutputError(OSError):
    """A file could not be written; the message says which one and what to do about it."""


class NotOursError(OutputError, FileExistsError):
    """The file is there already, and was written or edited by somebody else.

    `path` is the file; `edited` tells a file of ours that a person edited from a foreign one.
    """

    def __init__(self, path: Path, *, edited: bool) -> None:
        self.path = path
        self.edited = edited
        what = "was edited after symbackprop wrote it" if edited else "was not written by symbackprop"
        super().__init__(f"{path}: the file exists and {what}. Use --force to replace it.")


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind of file carries our line: where it is put, the pattern that finds it, and how far down
    in the file it is looked for (None: everywhere)."""

    stamp: Callable[[bytes, str], bytes]
    found: re.Pattern[bytes]
    within: int | None = 400


def _comment_first(before: str, after: str = "") -> _Kind:
    def stamp(body: bytes, mark: str) -> bytes:
        return f"{before}{mark}{after}\n".encode() + body

    line = re.escape(before.encode()) + _MARK + re.escape(after.encode()) + rb"\r?\n"
    return _Kind(stamp, re.compile(rb"\A" + line))


def _key_first(body: bytes, mark: str) -> bytes:
    if not body.startswith(b'{\n  "'):
        raise ValueError("a JSON file of ours is an object with a key, indented by two")
    return b"{\n" + f'  "generator": "{mark}",\n'.encode() + body[2:]


def _before_startxref(body: bytes, mark: str) -> bytes:
    place = body.rfind(b"startxref")
    if place < 0:
        raise ValueError("no PDF: startxref is missing")
    return body[:place] + f"% {mark}\n".encode() + body[place:]


_TEX = _comment_first("% ")
_KINDS: Final[Mapping[str, _Kind]] = {
    ".tex": _TEX,
    ".typ": _comment_first("// "),
    ".md": _comment_first("<!-- ", " -->"),
    ".html": _comment_first("<!-- ", " -->"),
    ".toml": _comment_first("# "),
    ".py": _comment_first("# "),
    ".json": _Kind(_key_first, re.compile(rb'(?<=\{\n)  "generator": "' + _MARK + rb'",\n')),
    ".pdf": _Kind(_before_startxref, re.compile(rb"% " + _MARK + rb"\n(?=startxref\s)"), None),
}


def stamped(suffix: str, body: bytes) -> bytes:
    """`body` with our line in it. Raises KeyError for a suffix that has no place for one."""
    mark = f"{GENERATOR} sha256:{hashlib.sha256(body).hexdigest()}"
    return _KINDS[suffix].stamp(body, mark)


def ours(suffix: str, data: bytes) -> bool | None:
    """True: written by us and not changed since. False: ours, but edited. None: not ours."""
    kind = _KINDS.get(suffix)
    marks = [] if kind is None else list(kind.found.finditer(data, 0, kind.within or len(data)))
    if not marks:
        return None
    match = marks[-1]  # a PDF may have been extended: then the last one counts
    body = data[: match.start()] + data[match.end() :]
    return hashlib.sha256(body).hexdigest().encode() == match[1]


def write_whole(path: Path, data: str | bytes, *, force: bool = False) -> Path:
    """Write our file at `path`, whole or not at all; its folder is made. Returns the path.

    The suffix says how the file carries our line. Raises NotOursError when a file is there that
    is not ours any more (`force` replaces it), and OutputError when the place cannot be written:
    a folder in the way, no permission, a full disk. After an error the old file is untouched.
    """
    target = _target(path)
    kept = _checked(target, force=force)
    _folder(target.parent)
    body = data.encode() if isinstance(data, str) else data
    _put(target, [stamped(target.suffix, body)], kept=kept, force=force)
    return path


def write_all(files: Mapping[Path, str | bytes], *, force: bool = False) -> list[Path]:
    """Write several files; all the places are looked at first, so that none is written in vain."""
    for path in files:
        _checked(_target(path), force=force)
    return [write_whole(path, data, force=force) for path, data in files.items()]


def check_writable(paths: list[Path], *, force: bool = False) -> None:
    """Raise now what `write_whole` would raise later about files in the way."""
    for path in paths:
        _checked(_target(path), force=force)


def put_whole(path: Path, data: Iterable[bytes]) -> None:
    """Write pieces as they are, whole or not at all, over whatever file is there; its folder is made.

    For kinds of files that have no place for our line: who calls knows whose file it is. Raises OutputError.
    """
    target = Path(os.path.realpath(path))
    _folder(target.parent)
    if target.is_dir():
        raise OutputError(f"{target}: a folder of that name is in the way")
    _put(target, data, kept=target.exists(), force=True)


def _target(path: Path) -> Path:
    """Where the bytes go: a link is followed, so that it stays a link."""
    target = Path(os.path.realpath(path))
    if target.suffix not in _KINDS:
        known = ", ".join(_KINDS)
        raise OutputError(f"{path}: cannot write a file of this kind; known are {known}")
    return target


def _checked(target: Path, *, force: bool) -> bool:
    """Whether a file is there that may be replaced; raises if there is one that may not."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return False
    except NotADirectoryError as error:
        file = next((folder for folder in target.parents if folder.is_file()), target.parent)
        raise OutputError(f"{file}: a file of that name is in the way of the folder") from error
    except OSError as error:
        raise _explained(target, error) from error
    if stat.S_ISDIR(mode):
        raise OutputError(f"{target}: a folder of that name is in the way")
    if not stat.S_ISREG(mode):
        raise OutputError(f"{target}: this is no ordinary file")
    if not force:
        try:
            verdict = ours(target.suffix, target.read_bytes())
        except OSError as error:
            raise _explained(target, error) from error
        if not verdict:
            raise NotOursError(target, edited=verdict is False)
    return True


def _folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OutputError(f"{folder}: a file of that name is in the way of the folder") from error
    except OSError as error:
        raise _explained(folder, error) from error


def _put(target: Path, data: Iterable[bytes], *, kept: bool, force: bool) -> None:
    """Write beside the target, then move into place."""
    beside = target.with_name(f".{target.name[:80]}.{secrets.token_hex(8)}.part")
    try:
        mode = stat.S_IMODE(target.stat().st_mode) if kept else 0o666
        _write_synced(beside, data, mode)
        for _ in range(_TRIES):
            if kept:
                os.replace(beside, target)
                return
            if _linked(beside, target):
                return
            kept = _checked(target, force=force)  # somebody was quicker: it must be ours too
    except NotOursError:
        raise
    except OSError as error:
        raise _explained(target, error) from error
    finally:
        beside.unlink(missing_ok=True)


def _write_synced(path: Path, data: Iterable[bytes], mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        for piece in data:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def _linked(beside: Path, target: Path) -> bool:
    """Give the new file its name unless the name is taken meanwhile; False if it is."""
    try:
        os.link(beside, target)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        os.replace(beside, target)
    return True


def _explained(path: Path, error: OSError) -> OutputError:
    reason = error.strerror or str(error)
    return OutputError(f"{path}: cannot write here: {reason}")
