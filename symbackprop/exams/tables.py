"""The text of a table that a person gives: a roster, answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from symbackprop import limits

MOST_BYTES: Final = 10 * limits.FILE_BYTES


def table_text(path: Path, fault: Callable[[str], Exception]) -> str:
    """What stands in a CSV. `fault` makes the error of a message; it is raised where the file cannot be read,
    is too large, or is no UTF-8."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)  # a device would never end
    except OSError as error:
        raise fault(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(content) > MOST_BYTES:
        raise fault(f"{path}: more than {MOST_BYTES:,} bytes, which is the limit")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = len(re.findall(rb"\r\n?|\n", content[: error.start])) + 1
        raise fault(f"{path}:{line}: this is not UTF-8 text. Save the file as CSV in UTF-8.") from None
