"""Which files of a folder are ours: for kinds that have no place for a line of our own.

A line for each file that was written, with its hash, at the end of a file that only grows: a run that is
killed loses at most its last line. A file whose hash is another one was edited, and is not ours any more.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from symbackprop.report.files import NotOursError, OutputError, put_whole

NAME: Final = ".symbackprop"


@dataclass(slots=True)
class Ledger:
    """The files of one folder; `written` is the hash of each, by its path from there."""

    folder: Path
    force: bool = False
    written: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, *, force: bool = False) -> Ledger:
        """What is known of a folder."""
        made = cls(folder, force)
        try:
            lines = (folder / NAME).read_text("utf-8").split("\n")
        except (OSError, UnicodeDecodeError):
            return made
        for line in lines:
            try:
                path, digest = json.loads(line)
                made.written[str(path)] = str(digest)
                if not digest:
                    del made.written[str(path)]  # it was removed
            except (ValueError, TypeError):
                continue  # the last line of a run that was killed
        return made

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other runs out of the folder. Raises OutputError where there is one.

        What is known of the folder is read anew. The lock ends with the process, however that ends. A
        system without such locks has none.
        """
        try:
            import fcntl
        except ImportError:
            yield
            return
        handle = -1
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise OutputError(
                f"{self.folder}: another run is at work there. Wait until it has ended."
            ) from None
        except OSError:
            pass  # a folder that cannot be written says so when it is
        try:
            self.written = Ledger.of(self.folder).written
            yield
        finally:
            if handle >= 0:
                os.close(handle)

    def check(self, paths: Iterable[str]) -> None:
        """Raise NotOursError where one of these files is there, and not as we wrote it."""
        for name in () if self.force else paths:
            path = self.folder / name
            try:
                found = _hash(path.read_bytes())
            except FileNotFoundError:
                continue
            except OSError as error:
                raise OutputError(f"{path}: cannot be looked at: {error.strerror}") from error
            if found != self.written.get(name):
                raise NotOursError(path, edited=name in self.written)

    def write(self, files: Mapping[str, bytes]) -> list[Path]:
        """Write files, each whole or not at all. Raises NotOursError, OutputError."""
        self.check(files)
        made = []
        for name, data in files.items():
            path = self.folder / name
            put_whole(path, [data])
            self._note(name, _hash(data))
            made.append(path)
        return made

    def stream(self, name: str, pieces: Iterable[str]) -> Path:
        """Write a text piece by piece, whole or not at all. Raises NotOursError, OutputError."""
        self.check([name])
        path = self.folder / name
        digest = hashlib.sha256()

        def hashed() -> Iterator[bytes]:
            for piece in pieces:
                data = piece.encode()
                digest.update(data)
                yield data

        put_whole(path, hashed())
        self._note(name, digest.hexdigest())
        return path

    def remove(self, names: Iterable[str]) -> list[str]:
        """Remove those of these files that are as we wrote them; which they were. Raises OutputError."""
        made = []
        for name in names:
            path = self.folder / name
            try:
                if _hash(path.read_bytes()) != self.written.get(name):
                    continue
                path.unlink()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise OutputError(f"{path}: cannot be removed: {error.strerror}") from error
            self._note(name, "")
            del self.written[name]
            made.append(name)
        return made

    def _note(self, name: str, digest: str) -> None:
        if self.written.get(name) == digest:
            return
        self.written[name] = digest
        with (self.folder / NAME).open("a", encoding="utf-8") as file:
            file.write(json.dumps([name, digest], ensure_ascii=False) + "\n")


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
