"""Several points of a list on one line: `1. db = dz 2. dx = W^T dz`, `(a) … (b) …`, `i) …; ii) …`."""

import re
from collections.abc import Iterator

_FIRST = re.compile(r"[ \t]*(?:[-*+•][ \t]+)?(\(?)(1|a|A|i)([.)])[ \t]+")
_LISTS = (
    tuple(map(str, range(1, 21))), tuple("abcdefgh"), tuple("ABCDEFGH"),
    ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"),
)  # fmt: skip
_HANGS = tuple("=+-*/·(,≈⊙^_−")
"""Signs behind which a number is one: `dz = 4 - 2. Then`."""


def points(line: str) -> Iterator[tuple[int, int]]:
    """The span of each point of a list that begins with the line; nothing where there is only one."""
    first = _FIRST.match(line)
    if first is None:
        return
    opening, label, closing = first.groups()
    labels = next(one for one in _LISTS if one[0] == label)
    at, done = first.end(), False
    for following in labels[1:]:
        mark = re.compile(rf"(?<=[\s;,]){re.escape(opening + following + closing)}[ \t]+(?=\S)")
        found = next((one for one in mark.finditer(line, at) if not _hangs(line, one.start())), None)
        if found is None:
            break
        yield at, found.start()
        at, done = found.end(), True
    if done:
        yield at, len(line)


def _hangs(line: str, at: int) -> bool:
    return line[:at].rstrip().endswith(_HANGS)
