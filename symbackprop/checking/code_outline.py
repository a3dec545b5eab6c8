"""How the statements of a file of code lie in each other: functions, loops, conditions, by their indents.

Each statement is a fragment of its own, so what stands around it is found from the columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from symbackprop.checking.code import Around, Case, Loop, read_code, read_header
from symbackprop.checking.code_names import code_name, names_in
from symbackprop.checking.code_values import readings
from symbackprop.checking.fragments import Fragment

_OPENS = re.compile(r"(async\s+def|def|class|for|while|if|elif|else|try|except|finally|with|match|case)\b")
_DEFINED = re.compile(r"(?:async\s+)?def\s+(\w+)\s*\(")
_CALLS = re.compile(r"=\s*(?:self\.)?(\w+)\(.*\)\s*(?:#.*)?$", re.DOTALL)
_WORD = re.compile(r"[^\W\d]\w*")
_CHANGED = re.compile(r"^[ \t]*([^=\n]*?)[ \t]*([-+*/@]?=)(?!=)", re.MULTILINE)


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """A line that opens a block, `for i in range(3):`; `chained` are the tests of an `if` before it."""

    kind: str
    text: str
    at: int
    column: int
    chained: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What a line does to a name: gives it a value, or changes it, in place or by `itself`."""

    name: str
    at: int
    in_place: bool
    itself: bool = False


@dataclass
class Outline:
    """The statements of a file of code in order, and the headers that each stands under."""

    texts: list[str] = field(default_factory=list)
    under: list[tuple[Header, ...]] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    _changes: list[Change] | None = None
    _helpers: frozenset[int] | None = None
    _stack: list[Header] = field(default_factory=list)
    _known: dict[frozenset[str], frozenset[str]] = field(default_factory=dict)
    _counting: dict[int, bool] = field(default_factory=dict)

    @classmethod
    def of(cls, fragments: Sequence[Fragment]) -> Outline:
        """The outline of the pieces of code among these."""
        made = cls()
        cell: int | None = None
        for one in fragments:
            if one.kind == "code":
                if one.cell != cell:
                    cell = one.cell
                    made._stack.clear()
                made.add(one)
        return made

    def add(self, fragment: Fragment) -> None:
        """One more statement, behind the others."""
        text, column, stack = fragment.text, fragment.column, self._stack
        closed: list[Header] = []
        while stack and column <= stack[-1].column:
            closed.append(stack.pop())
        self.under.append(tuple(stack))
        opens = _OPENS.match(text)
        if opens and text.partition("#")[0].rstrip().endswith(":"):
            kind = opens.group(1)
            before = [one for one in closed if one.column == column and one.kind in ("if", "elif")]
            chained = (*before[0].chained, before[0].text) if before and kind in ("elif", "else") else ()
            stack.append(Header(kind.split()[-1], text, len(self.texts), column, chained))
        self.texts.append(text)
        self.columns.append(column)

    # --- functions

    def functions(self) -> Iterator[tuple[int, str, str]]:
        """Of each `def` its statement, its name, and its text with the body."""
        for at, text in enumerate(self.texts):
            named = _DEFINED.match(text)
            if named:
                yield at, named.group(1), self._source(at)
            elif "lambda" in text:
                yield at, "", text

    def _source(self, at: int) -> str:
        first = self.columns[at]
        lines = [self.texts[at]]
        for place in self._body(at):
            lines.append(" " * (self.columns[place] - first) + self.texts[place])
        return "\n".join(lines)

    def _body(self, at: int) -> Iterator[int]:
        """The statements under a header."""
        for place in range(at + 1, len(self.texts)):
            if not any(one.at == at for one in self.under[place]):
                return
            yield place

    def is_helper(self, at: int, known: frozenset[str]) -> bool:
        """Whether a statement belongs to a function that is only called: one named like a function, or one
        in which nothing of the exercise is set."""
        if self._helpers is None:
            self._helpers = frozenset(self._found_helpers(known))
        return any(one.at in self._helpers for one in self.under[at])

    def _found_helpers(self, known: frozenset[str]) -> Iterator[int]:
        for at, name, _ in self.functions():
            body = list(self._body(at))
            if name and body and (_is_function_name(name) or self._is_small(body, known)):
                yield at

    def _is_small(self, body: Sequence[int], known: frozenset[str]) -> bool:
        returns = any(self.texts[place].startswith("return ") for place in body)
        names = {change.name for change in self.changes(known) if change.at in set(body)}
        return returns and not any(name in known or name.startswith(("d", "delta")) for name in names)

    def known(self, names: frozenset[str]) -> frozenset[str]:
        """The names of the exercise, and those that the file has in both cases, x beside X or j beside J."""
        if names not in self._known:
            words = {word for text in self.texts for word in _WORD.findall(text)}
            both = {one for one in words if one[:1].swapcase() + one[1:] in words}
            self._known[names] = names | both
        return self._known[names]

    def is_judged_elsewhere(self, text: str, known: frozenset[str]) -> bool:
        """Whether a line only names what a function of the file returns, whose own lines are judged:
        `dW, db = backward(x)` behind `return dW, db`."""
        called = _CALLS.search(text)
        names = [name for name, _ in changed_names(text, known) if name != "self"]
        for at, name, _ in self.functions() if called is not None else ():
            body = list(self._body(at)) if called is not None and name == called.group(1) else []
            last = self.texts[body[-1]] if body else ""
            if last.startswith("return ") and not self.is_helper(body[-1], known):
                returned = [word for word in _WORD.findall(last.removeprefix("return")) if word != "self"]
                return [code_name(word, known) for word in returned] == names
        return False

    def function_of(self, at: int) -> int | None:
        """The statement that begins the innermost function around a statement."""
        return next((one.at for one in reversed(self.under[at]) if one.kind == "def"), None)

    # --- changes

    def changes(self, known: frozenset[str]) -> list[Change]:
        """What every line does to which name, in order."""
        if self._changes is None:
            self._changes = [
                change for at, text in enumerate(self.texts) for change in _changes_in(text, at, known)
            ]
        return self._changes

    def ahead(self, at: int, name: str, known: frozenset[str]) -> int:
        """How often a name is changed in place behind a statement, until it gets a new value."""
        count = 0
        for change in self.changes(known):
            if change.name == name and change.at > at and not self.is_helper(change.at, known):
                if not change.in_place:
                    break
                count += 1
        return count

    def carried(self, at: int, known: frozenset[str]) -> list[tuple[int, frozenset[str]]]:
        """Of each loop around a statement its header and the names that get a new value in it there or
        further down: what they were before is another at every pass."""
        found = []
        for header in self.under[at]:
            if header.kind in ("for", "while"):
                body = set(self._body(header.at))
                changes = self.changes(known)
                later = [one for one in changes if one.at in body and one.at >= at]
                names = {one.name for one in later if one.itself or not one.in_place}
                found.append((header.at, frozenset(names)))
        return found

    def repeated(self, at: int) -> int:
        """The header of the outermost loop around a statement that only repeats it; -1 without one."""
        loops = (one for one in self.under[at] if one.kind in ("for", "while"))
        return next((one.at for one in loops if one.kind == "while" or not self._counts(one)), -1)

    # --- what stands around

    def around(self, at: int, known: frozenset[str]) -> Around:
        """The loops and conditions around a statement; a loop only if its body uses what it counts."""
        found = Around()
        for header in self.under[at]:
            for text in header.chained:
                read = read_header(text, known)
                if isinstance(read, Case):
                    found += Around(cases=(Case(read.test, holds=False),))
            read = read_header(header.text, known)
            if isinstance(read, Loop) and self._counts(header):
                found += Around(loops=(read,))
            elif isinstance(read, Case):
                found += Around(cases=(read,))
        return found

    def _counts(self, header: Header) -> bool:
        """Whether a line in a loop uses what it counts: `epoch` is mostly only printed."""
        if header.at not in self._counting:
            bound = set(_WORD.findall(header.text.removeprefix("for ").partition(" in ")[0]))
            lines = (self.texts[place] for place in self._body(header.at))
            self._counting[header.at] = any(
                bound & set(_WORD.findall(line)) for line in lines if _CHANGED.match(line)
            )
        return self._counting[header.at]


def changed_names(text: str, known: frozenset[str]) -> list[tuple[str, bool]]:
    """The names on the left of what could not be read, and whether they are only changed in place."""
    found = _CHANGED.match(text)
    if found is None:
        return []
    in_place = found.group(2) != "=" or "[" in found.group(1)
    return [(code_name(word, known), in_place) for word in _WORD.findall(found.group(1))]


def _changes_in(text: str, at: int, known: frozenset[str]) -> Iterator[Change]:
    for line in read_code(text, known):
        if line.error is not None:
            yield from (Change(name, at, in_place) for name, in_place in changed_names(text, known))
        elif line.name:
            itself = line.value is not None and line.name in names_in(line.value)  # dz = dz * (z > 0)
            in_place = bool(line.augmented or line.places)
            yield Change(line.name, at, in_place=in_place or itself, itself=itself and not in_place)


def _is_function_name(name: str) -> bool:
    """Whether a name is that of a function of the table, or of its derivative: `sigmoid_prime`."""
    from symbackprop.algebra.functions import ALIASES, TABLE

    return any(
        word in TABLE
        or word in ALIASES
        or word.lower() in ALIASES
        or word.lower() in TABLE
        or word == "softmax"
        for word, _ in readings(name)
    )
