"""What has been typeset already: kept beside the papers, so that a run that was stopped can go on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symbackprop.report.files import ours, write_whole


def digest(*parts: str | bytes) -> str:
    """A hash of several texts, each with its length, so that nothing can move from one to the next."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(f"{len(data)}:".encode())
        whole.update(data)
    return whole.hexdigest()


@dataclass(slots=True)
class Record:
    """`made` is, by the hash of what was typeset, the hash of the files that came of it; `compared`, how many
    numbers in those files were read back and found right."""

    path: Path
    made: dict[str, str] = field(default_factory=dict)
    pages: dict[str, int] = field(default_factory=dict)
    compared: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Record:
        """The record in a file; an empty one where there is none, or none that is whole."""
        try:
            data = path.read_bytes()
            if not ours(path.suffix, data):
                return cls(path)
            kept: dict[str, Any] = json.loads(data)
            return cls(path, *(dict(kept[name]) for name in ("made", "pages", "compared")))
        except (OSError, ValueError, KeyError, TypeError):
            return cls(path)

    def is_made(self, source: str, files: Sequence[Path]) -> bool:
        """Whether these files came of that source, and are there, every byte of them."""
        known = self.made.get(source)
        return known is not None and known == _contents(files)

    def add(self, source: str, files: Sequence[Path]) -> None:
        """Note that these files came of that source; they must have been written."""
        self.made[source] = _contents(files) or ""
        self.compared.pop(source, None)
        self.write()

    def right(self, source: str, count: int) -> None:
        """Note that so many numbers in the files of that source are right."""
        self.compared[source] = count
        self.write()

    def keep(self, sources: Sequence[str]) -> None:
        """Forget what came of any other source."""
        self.made = {source: self.made[source] for source in sources}
        self.compared = {source: self.compared[source] for source in sources if source in self.compared}
        self.write()

    def write(self) -> None:
        """Write the record, whole or not at all."""
        text = json.dumps({"made": self.made, "pages": self.pages, "compared": self.compared}, indent=2)
        write_whole(self.path, text + "\n", force=True)


def _contents(files: Sequence[Path]) -> str | None:
    try:
        return digest(*(part for path in files for part in (path.name, path.read_bytes())))
    except OSError:
        return None
