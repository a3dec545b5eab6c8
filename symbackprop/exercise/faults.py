"""What is wrong with an exercise: every fault with its file, key, line and what would be right."""

import difflib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from symbackprop.notation.node import Plain
from symbackprop.notation.read import ReadError
from symbackprop.notation.tree import Span

Path = tuple[str, ...]
"""The keys that lead to a place in an exercise: `("model", "z")`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Fault(Plain):
    """One thing that is wrong.

    `key` is the place (`model.z`), empty for the file as a whole; `line` counts from 1 in the
    file and is None where there is no file. `text` and `span` are the formula and the part of it
    that is meant, where it is about a formula.
    """

    file: str
    key: str
    message: str
    suggestion: str = ""
    line: int | None = None
    text: str = ""
    span: Span | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        words = f"{self.message}. {self.suggestion}" if self.suggestion else self.message
        lines = [": ".join(part for part in (place, shortened(self.key, 80), words) if part)]
        if self.span is not None:
            lines += (f"    {line}" for line in ReadError("", self.text, self.span).pointed())
        return "\n".join(visible(line) for line in lines)


class ExerciseError(ValueError):
    """An exercise that cannot be used; `faults` has everything that is wrong with it."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


@dataclass(slots=True)
class Collected:
    """The faults found so far, and the lines of the keys."""

    file: str
    lines: Mapping[Path, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def add(
        self, path: Path, message: str, suggestion: str = "", text: str = "", span: Span | None = None
    ) -> None:
        """Note a fault at `path`; its line is that of the nearest key that has one."""
        known = next((path[:end] for end in range(len(path), 0, -1) if path[:end] in self.lines), None)
        line = None if known is None else self.lines[known]
        self.faults.append(
            Fault(
                file=self.file, key=".".join(path), message=message, suggestion=suggestion, line=line,
                text=text, span=span,
            )
        )  # fmt: skip

    def read_error(self, path: Path, error: ReadError) -> None:
        """Note what the reader of formulas says."""
        self.add(path, error.message, _sentence(error.hint), error.text, error.span)

    def unknown(self, path: Path, what: str, name: str, known: Iterable[str], more: str = "") -> None:
        """Note a name that is not known, with the nearest known ones."""
        near = nearest(name, known)
        suggestion = f"Did you mean {' or '.join(near)}?" if near else more
        self.add(path, f"{what} {shortened(name)}", suggestion)

    def stop_if_any(self) -> None:
        """Raise ExerciseError when there is a fault, in the order of the file."""
        if self.faults:
            last = max(self.lines.values(), default=0) + 1
            raise ExerciseError(sorted(self.faults, key=lambda fault: fault.line or last))


def _sentence(hint: str) -> str:
    return hint[:1].upper() + hint[1:] + "." * (not hint.endswith((".", "?"))) if hint else ""


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Up to two known names that look like `name`."""
    choices = list(dict.fromkeys(known))
    same = [choice for choice in choices if choice.lower() == name.lower() and choice != name]
    return (same + [c for c in difflib.get_close_matches(name[:60], choices, 2, 0.6) if c not in same])[:2]


def one_slip(first: str, second: str) -> bool:
    """Whether two names differ by one letter left out, put in, changed, or two swapped."""
    if abs(len(first) - len(second)) > 1 or first == second:
        return False
    start = next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), None)
    if start is None:
        return True
    a, b = first[start:], second[start:]
    return a[1:] == b or a == b[1:] or a[1:] == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])


def shortened(text: str, length: int = 60) -> str:
    """`text` on one line and not too long, for a message."""
    return text if len(text) <= length else text[: length - 1] + "…"


def visible(text: str) -> str:
    """`text` without characters that would move a terminal's cursor."""
    return "".join("\ufffd" if unicodedata.category(c)[0] == "C" else c for c in text)
