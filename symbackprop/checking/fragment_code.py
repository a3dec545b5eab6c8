"""Code in a text: which lines are code, and where each statement of a listing starts and ends.

Nothing here parses Python: brackets, strings and comments are followed, line by line.
"""

import re
from collections.abc import Iterator

_MARKS = re.compile(
    r"\b(?:np|numpy|torch|tf|jnp|nn|F|self)\.\w|\.T\b(?!\w)|\.(?:dot|sum|mean|reshape|astype|flatten|ravel|copy|"
    r"transpose|matmul|mm|max|min|shape|outer)\b|\*\*|[-+*/@]=|\w[)\]]*\s*@\s*[(\w]|\bNone\b|\bnewaxis\b|"
    r"\baxis\s*=|\bkeepdims\b|\[\s*[\"']|//="
)
_KEYWORD = re.compile(
    r"(?:import\s+\w|from\s+[\w.]+\s+import\b|def\s+\w+\s*\(|class\s+\w+\s*[(:]|return\b|for\s+\w+(?:\s*,\s*\w+)*\s+in\s.+:|"
    r"(?:el)?if\s+.+:\s*(?:#.*)?$|while\s+.+:\s*(?:#.*)?$|else\s*:\s*$|print\s*\(|assert\s|with\s+.+:\s*$|@\w+|"
    r">>>|\.\.\.\s)"
)
_COMMENTED = re.compile(r"[\w\])]\s*=\s*[^=#]{1,500}[\w\])]\s+#")
_ASSIGNED = re.compile(r"[^\W\d][\w.\[\]\"', ]{0,80}\s*[-+*/@]?=(?!=)")
_JUXTAPOSED = re.compile(
    r"(?:[\w)\]]|(?<!=)[\"'])[ \t]+(?!(?:if|else|and|or|not|in|is|for|as|import)\b)[\w(]"
)
_BEFORE = re.compile(r"\b(?:if|else|and|or|not|in|is|for|return|lambda|import|from|as|def|class)\Z")
_NOT_CODE = re.compile(r"[^\W\d_]['’′]+\s*[(\s=*+.,)-]|\^|\\[A-Za-z]|[·⊙∂∇ᵀ≈→⇒∈ŷ½²√×]")
_SCAN = re.compile(r"\"\"\"|'''|\"|'|#[^\n]*|[(\[{]|[)\]}]|\\\n|\n")
_HEAD = re.compile(r"[ \t\r]*(?:(?:>>>|\.\.\.|In \[\d*\]:)[ \t]?)?[ \t\r]*")
_DEFINITE = re.compile(r"(?:import|from)\s+\w+|def\s+\w+\(")
_TRIPLE = ('"""', "'''")
_LONGEST = 4_000  # characters of a line that may be code; no rule here is tried on more


def looks_like_code(line: str) -> bool:
    """Whether one line is code rather than a formula of plain text: it has a mark of code, and none of
    what no code has (`f'(z)`, `W^T`, `W x`)."""
    stripped = line.strip()
    if not stripped or len(stripped) > _LONGEST:
        return False
    if _KEYWORD.match(stripped):
        return not _is_sentence(stripped)
    body = stripped.partition("#")[0]
    if not (_MARKS.search(body) or _COMMENTED.match(stripped)):
        return False
    return bool(_ASSIGNED.match(body)) and could_be_code(body)


def could_be_code(line: str) -> bool:
    """Whether nothing in a line says that it is no Python."""
    if len(line) > _LONGEST or _NOT_CODE.search(line) or _is_chain(line):
        return False
    for found in _JUXTAPOSED.finditer(line):
        if not _BEFORE.search(line, 0, found.start() + 1) and not _in_string(line, found.start()):
            return False
    return True


def _is_chain(line: str) -> bool:
    """`L = 0.5*(1-5)**2 = 8.0`: several signs of equality, none of them in brackets."""
    depth, ends = 0, []
    for at, c in enumerate(line):
        depth += (c in "([{") - (c in ")]}")
        alone = c == "=" and line[at - 1 : at] not in tuple("=<>!:+-*/@%&|^") and line[at + 1 : at + 2] != "="
        if alone and not depth and at and not _in_string(line, at):
            ends.append(at)
    return len(ends) > 1


def _in_string(line: str, at: int) -> bool:
    return line.count('"', 0, at) % 2 == 1 or line.count("'", 0, at) % 2 == 1


def _is_sentence(line: str) -> bool:
    """`for all x we have:` starts with a word of Python and is none."""
    word = line.split(None, 1)[0]
    if word in ("import", "from", "def", "class", "for", "@", ">>>", "..."):
        return False
    return word in ("if", "while", "with", "return", "assert") and not could_be_code(line.rstrip(":"))


def is_code(text: str) -> bool:
    """Whether a whole text is code: every line could be, and one is for certain."""
    lines = [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    sure = sum(looks_like_code(line) for line in lines)
    if not sure:
        return False
    possible = sum(could_be_code(line.partition("#")[0]) for line in lines)
    if any(_DEFINITE.match(line) for line in lines):
        return 5 * possible >= 4 * len(lines)  # strings over several lines may look like prose
    return 2 * sure >= len(lines) == possible


def statements(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """The span of each logical line of a listing: brackets and long strings run over lines.

    Comments, blank lines and notebook commands (`%`, `!`) are left out, and so are prompts (`>>>`).
    Behind a bracket or string that is never closed, each line stands by itself.
    """
    stop = len(text) if end is None else end
    at, balanced = start, True
    while at < stop:
        line_end = _logical_end(text, at, stop) if balanced else None
        if line_end is None:
            balanced = False
            newline = text.find("\n", at, stop)
            line_end = stop if newline < 0 else newline
        begin = _first(text, at, line_end)
        if begin is not None:
            yield begin, begin + len(text[begin:line_end].rstrip())
        at = line_end + 1


def _first(text: str, at: int, end: int) -> int | None:
    """Where the statement starts, behind indentation and prompts; None where there is none."""
    found = _HEAD.match(text, at, end)
    begin = found.end() if found else at
    return None if begin >= end or text[begin] in "#%!?\n" else begin


def _logical_end(text: str, at: int, stop: int) -> int | None:
    """The newline that ends the logical line at `at`, or `stop`; None where a bracket stays open."""
    depth = 0
    while (found := _SCAN.search(text, at, stop)) is not None:
        mark, at = found.group(), found.end()
        if mark == "\n" and depth <= 0:
            return found.start()
        if mark in _TRIPLE:
            closed = text.find(mark, at, stop)
            if closed < 0:
                return None
            at = closed + 3
        elif mark in ('"', "'"):
            at = _string_end(text, at, stop, mark)
        elif mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth -= 1
    return None if depth > 0 else stop


def _string_end(text: str, at: int, stop: int, quote: str) -> int:
    """Behind a string of one line; a string that is not closed ends with its line."""
    while at < stop and text[at] not in (quote, "\n"):
        at += 2 if text[at] == "\\" and text[at + 1 : at + 2] != "\n" else 1
    return at + 1 if at < stop and text[at] == quote else at
