"""The text of an exercise file: TOML, read with exact numbers and with the line of every key."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from symbackprop import limits
from symbackprop.exercise.faults import ExerciseError, Fault, Path, shortened
from symbackprop.notation.node import Plain

_TOKENS = re.compile(
    r'''(?P<space>[ \t\r]+) | (?P<newline>\n) | (?P<comment>\#[^\n]*)
      | (?P<string>"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|'[^'\n]*')
      | (?P<bare>[^\s\[\]{}=,.\#"']+)
      | (?P<sign>.)''',
    re.VERBOSE | re.DOTALL,
)
_AT_LINE = re.compile(r"\(at line (\d+), column (\d+)\)")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class Written(str):
    """A decimal number as it is written in the file, so that 0.1 stays 1/10."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Source(Plain):
    """The keys and values of a file, and the line of each key."""

    data: Mapping[str, Any]
    lines: Mapping[Path, int]


def read_source(text: str, file: str) -> Source:
    """The content of a TOML text. Raises ExerciseError with one fault when it is not TOML."""

    def fail(message: str, line: int | None = None, suggestion: str = "") -> ExerciseError:
        return ExerciseError([Fault(file=file, key="", message=message, line=line, suggestion=suggestion)])

    if len(text.encode("utf-8", "surrogatepass")) > limits.FILE_BYTES:
        raise fail(f"the file has more than {limits.FILE_BYTES:,} bytes, which is the limit")
    scanner = _Scanner(text)
    try:
        scanner.run()
        return Source(tomllib.loads(text, parse_float=Written), scanner.lines)
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.search(str(error))
        line = int(found.group(1)) if found else text.count("\n") + 1
        said = _AT_LINE.sub("", str(error)).replace("(at end of document)", "at the end of the file").strip()
        raise fail(f"this is not TOML: {said}", line, _hint(text, line, said)) from None
    except _TooDeep as error:
        raise fail(f"{error} more than {limits.DEPTH} deep, which is the limit", scanner.line) from None
    except RecursionError:
        raise fail("brackets are nested too deep") from None
    except ValueError as error:  # from int(): tomllib lets it through
        at = _line_of_long_number(text)
        if at is None:
            raise fail(f"this is not TOML: {error}") from None
        raise fail(f"this number has more than {limits.DIGITS:,} digits, which is the limit", at) from None


def _line_of_long_number(text: str) -> int | None:
    found = re.search(rf"[0-9_]{{{limits.DIGITS},}}", text)
    return text.count("\n", 0, found.start()) + 1 if found else None


def _hint(text: str, line: int, message: str) -> str:
    """What to write in place of a line that is not TOML, where a common slip explains it."""
    written = text.split("\n")[line - 1] if line <= text.count("\n") + 1 else ""
    key, sign, value = (part.strip() for part in written.partition("="))
    if not sign or key.startswith(("[", "#")):
        return ""
    if message == "Cannot overwrite a value":
        return f"The key {shortened(key)} stands there twice."
    bare = key.split(".")
    if key[:1] not in "\"'" and not all(_BARE_KEY.fullmatch(part.strip()) for part in bare):
        return f'A name with other characters than A-Z a-z 0-9 _ - needs quotes: "{shortened(key)}" = …'
    if value and value[0] not in "\"'[{0123456789+-" and value not in {"true", "false"}:
        return f'A formula needs quotes: {shortened(key)} = "{shortened(value)}"'
    return ""


class _TooDeep(Exception):
    pass


@dataclass(slots=True)
class _Scanner:
    """Finds the line of every key, and stops at nesting that TOML's reader should not see.

    tomllib tells no lines; this walks the same text, knowing only strings, comments, brackets
    and keys. It judges nothing but depth.
    """

    text: str
    lines: dict[Path, int] = field(default_factory=dict)
    line: int = 1
    header: Path = ()
    key: list[str] = field(default_factory=list)
    open: list[tuple[str, Path]] = field(default_factory=list)
    path: Path = ()
    at_key: bool = True
    in_header: bool = False

    def run(self) -> None:
        for found in _TOKENS.finditer(self.text):
            token, kind = found.group(), found.lastgroup
            if kind == "newline" and not self.open:
                self.at_key, self.in_header, self.key, self.path = True, False, [], ()
            elif kind in {"string", "bare"} and self.at_key:
                self._key_part(token, kind == "string")
            elif kind == "sign":
                self._sign(token)
            self.line += token.count("\n")

    def _key_part(self, token: str, quoted: bool) -> None:
        self.key.append(_unquoted(token) if quoted else token)
        if len(self.key) > limits.DEPTH:
            raise _TooDeep("a key is nested")

    def _sign(self, token: str) -> None:
        if token == "[" and self.at_key and not self.open and not self.key:
            self.in_header = True
        elif token == "]" and self.in_header:
            self.header = tuple(self.key)
            self._note(self.header)
            self.at_key = False
        elif token == "=" and self.at_key:
            self.path = (*self._prefix(), *self.key)
            self._note(self.path)
            self.at_key, self.key = False, []
        elif token in "[{":
            self.open.append((token, self.path))
            self.at_key, self.key = token == "{", []
            if len(self.open) > limits.DEPTH:
                raise _TooDeep("brackets are nested")
        elif token in "]}" and self.open:
            _, self.path = self.open.pop()
            self.at_key = False
        elif token == "," and self.open:
            self.at_key, self.key = self.open[-1][0] == "{", []

    def _prefix(self) -> Path:
        return self.open[-1][1] if self.open else self.header

    def _note(self, path: Path) -> None:
        for end in range(1, len(path) + 1):
            self.lines.setdefault(path[:end], self.line)


def _unquoted(token: str) -> str:
    """The characters of a quoted key."""
    if "\\" not in token:
        return token.strip(token[0])
    try:
        return str(tomllib.loads(f"k = {token}")["k"])
    except tomllib.TOMLDecodeError:
        return token
