"""Arrays of numbers typed over several lines of plain text: one bracket, a bracket a line, or none.

None of them may be cut at the end of its first line: `dx = -16` alone would be another claim.
"""

import re

_NUMBER = r"[-−+]?[ \t]?(?:\d+(?:[.,]\d+)?|\.\d+)"
_NUMBERS = rf"{_NUMBER}(?:[ \t]*[,;]?[ \t]+{_NUMBER})*"
_BRACKETED = rf"(?:\[[ \t]*{_NUMBERS}[ \t]*\]|\([ \t]*{_NUMBERS}[ \t]*\)|\|[ \t]*{_NUMBERS}[ \t]*\|)"
_ROW = re.compile(rf"[ \t]*{_BRACKETED}[ \t.;,]*\Z")
_LOOSE = re.compile(rf"(?:[ ]{{2,}}|[ ]*\t)[ \t]*{_NUMBERS}[ \t.;,]*\Z")
_INSIDE = re.compile(rf"[ \t]*{_NUMBERS}[ \t]*[;,]?[ \t]*(?:[\])](?:\^?T|\.T|['ᵀ⊤])?[ \t.]*)?\Z")
_OPEN = re.compile(rf"[\[(][ \t\n]*{_NUMBERS}(?:[ \t]*[;,]?[ \t]*\n[ \t]*{_NUMBERS})*[ \t]*[;,]?[ \t]*\Z")
_ENDS_ROW = re.compile(rf"[=≈][ \t]*{_BRACKETED}[ \t]*\Z")
_ENDS_NUMBER = re.compile(rf"[=≈][ \t]*\n?[ \t]*{_NUMBERS}[ \t]*\Z")


def goes_on(written: str, following: str) -> bool:
    """Whether the next line is one more row of an array that `written`, one line or more, ends with."""
    if "=" not in written and "≈" not in written:
        return _is_above(written, following)
    tail = written[max(map(written.rfind, "=≈")) :]
    bare = tail[1:].lstrip(" \t").startswith("\n")  # the rows begin below the sign
    lines = ((tail[0] + tail[1:].lstrip()) if bare else tail).split("\n")
    if _OPEN.search(tail):
        return bool(_INSIDE.match(following))
    if _ENDS_ROW.match(lines[0]) and all(map(_ROW.match, lines[1:])):
        return bool(_ROW.match(following))
    return bool(_ENDS_NUMBER.match(lines[0])) and bool(_LOOSE.match(following))


def _is_above(written: str, following: str) -> bool:
    """Whether rows stand above the line with the name: the second row of `W` has its `W =`."""
    rows = all(map(_ROW.match, written.split("\n")))
    named = _ENDS_ROW.search(following)
    if not rows or not (named or _ROW.match(following)):
        return False
    last = written[written.rfind("\n") + 1 :]
    counts = [len(re.findall(_NUMBER, row)) for row in (last, named.group() if named else following)]
    return counts[0] == counts[1]


def is_unreadable(body: str) -> bool:
    """Whether an array over several lines is one whose rows nothing marks, or that begins above its name."""
    lines = body.split("\n")
    if len(lines) < 2:
        return False
    above = bool(_ROW.match(lines[0])) and any("=" in line for line in lines)
    start = 2 if lines[0].rstrip().endswith(("=", "≈")) else 1
    loose = len(lines) > start and all(map(_LOOSE.match, lines[start:]))
    return above or (loose and bool(_ENDS_NUMBER.search("\n".join(lines[:start]))))
