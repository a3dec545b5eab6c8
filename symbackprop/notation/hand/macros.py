"""What a document says its own commands mean: `\\newcommand{\\R}{\\mathbb{R}}` and its like."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from symbackprop import limits
from symbackprop.notation.hand.items import Item, Items
from symbackprop.notation.node import Plain


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Macro(Plain):
    """A command of `count` arguments that stands for `body`, in which `#1` is the first.

    One that is `paired` puts brackets round its argument, and may have a star or a size before it.
    """

    count: int
    body: str
    paired: bool = False


_NEW = re.compile(
    r"\\(?:re)?(?:newcommand|providecommand|DeclareRobustCommand)\*?\s*\{?\s*\\([A-Za-z]+)\s*\}?\s*"
    r"(?:\[([1-9])\])?\s*(?=\{)"
)
_RENEW = re.compile(r"\\renewcommand\*?\s*\{?\s*\\([A-Za-z]+)\s*\}?\s*(?:\[([1-9])\])?\s*(?=\{)")
_DEF = re.compile(r"\\def\s*\\([A-Za-z]+)\s*((?:#[1-9])*)\s*(?=\{)")
_OPERATOR = re.compile(r"\\DeclareMathOperator\*?\s*\{?\s*\\([A-Za-z]+)\s*\}?\s*(?=\{)")
_PAIRED = re.compile(r"\\DeclarePairedDelimiter\s*\{?\s*\\([A-Za-z]+)\s*\}?\s*(?=\{)")
_MOST, _LONGEST = 500, 2_000


def macros_of(text: str) -> Mapping[str, Macro]:
    """The commands that a document defines by itself; the last definition of a name holds.

    A command with an argument that may be left out is not among them, nor one that names itself.
    """
    found: dict[str, Macro] = {}
    for pattern in (_NEW, _RENEW, _DEF, _OPERATOR):
        for match in pattern.finditer(text):
            body = _braced(text, match.end())
            if body is None or len(found) >= _MOST or re.search(rf"\\{match.group(1)}(?![A-Za-z])", body):
                continue
            if pattern is _OPERATOR:
                found[match.group(1)] = Macro(0, f"\\operatorname{{{body}}}")
            else:
                said = match.group(2) or ""
                count = said.count("#") if pattern is _DEF else int(said or "0")
                found[match.group(1)] = Macro(count, body)
    for match in _PAIRED.finditer(text):
        opening = _braced(text, match.end())
        behind = "" if opening is None else text[match.end() + len(opening) + 2 :][:_LONGEST].lstrip()
        closing = _braced(behind, 0) if behind.startswith("{") else None
        if opening is not None and closing is not None and len(found) < _MOST:
            found[match.group(1)] = Macro(1, f"{opening} #1 {closing}", paired=True)
    return found


def _braced(text: str, start: int) -> str | None:
    """What stands in the braces that open at `start`."""
    level = 0
    for place in range(start, min(len(text), start + _LONGEST)):
        escaped = text[place - 1] == "\\" and place > start
        if not escaped:
            level += (text[place] == "{") - (text[place] == "}")
        if not level:
            return text[start + 1 : place]
    return None


class Parameters:
    """Puts arguments in the places of `#1` …, and all else where the command was written."""

    def __init__(self, arguments: list[Items], start: int, end: int) -> None:
        self.arguments = arguments
        self.start = start
        self.end = end
        self.made = 0

    def filled(self, items: Items) -> Items | None:
        """`items` with their arguments; None where too much would be made."""
        found: list[Item] = []
        for item in items:
            if item.kind == "sign" and item.text[0] == "#" and len(item.text) == 2:
                number = int(item.text[1]) - 1
                if number >= len(self.arguments):
                    return None
                found += self.arguments[number]
                self.made += len(self.arguments[number])
            else:
                placed = self._placed(item)
                if placed is None:
                    return None
                found.append(placed)
            self.made += 1
            if self.made > limits.TOKENS:
                return None
        return tuple(found)

    def _placed(self, item: Item) -> Item | None:
        if item.kind in ("text", "operator") and "#" in item.text:
            return None
        groups = [self.filled(group) for group in item.groups]
        rows = [[self.filled(cell) for cell in row] for row in item.cells]
        if None in groups or any(None in row for row in rows):
            return None
        return replace(
            item,
            start=self.start,
            end=self.end,
            groups=tuple(group for group in groups if group is not None),
            cells=tuple(tuple(cell for cell in row if cell is not None) for row in rows),
            letters=tuple((letter, self.start, self.end) for letter, _, _ in item.letters),
        )
