"""LaTeX to items: commands with their arguments, and environments. Plain text gives the same items."""

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from symbackprop import limits
from symbackprop.notation.hand import commands as known
from symbackprop.notation.hand.by_cases import sign_of, whole_condition
from symbackprop.notation.hand.characters import Characters
from symbackprop.notation.hand.items import Item, Items, cells_of
from symbackprop.notation.hand.macros import Macro, Parameters
from symbackprop.notation.spelling import ReadError
from symbackprop.notation.tree import Span

_COMMAND = re.compile(r"\\(?:[A-Za-z]+\*?|.|$)", re.DOTALL)
_LENGTH = re.compile(r"\s*\*?\s*(?:\[\s*-?[0-9.]+\s*\\?[a-z]*\s*\])?")
_ARGUMENT = re.compile(r"\s*\{([^{}]*)\}")
_DOTTED = re.compile(r"[a-z]+\.[a-z]+")  # np.sum
_SIZE = re.compile(r"\*?(?:\[\s*\\[bB]igg?\s*\])?")
_OPTION = re.compile(r"\s*\[[^\]\[{}]*\]")

_MOST_EXPANDED = 8


def read_items(
    text: str, *, latex: bool, decimal_comma: bool, macros: Mapping[str, Macro] | None = None
) -> Items:
    """The items of `text`. Raises ReadError where a limit is passed or a group is not closed."""
    if len(text) > limits.LINE_BYTES or len(text.encode("utf-8", "surrogatepass")) > limits.LINE_BYTES:
        place = Span(min(len(text), limits.LINE_BYTES) - 1, min(len(text), limits.LINE_BYTES))
        message = f"the formula is longer than the limit of {limits.LINE_BYTES:,} bytes"
        raise ReadError(message, text, place, "split it into formulas of their own")
    reader = Tex(text, latex, decimal_comma)
    reader.macros = macros or {}
    return reader.all()


class Tex(Characters):
    """Characters, and the commands of LaTeX."""

    macros: Mapping[str, Macro] = MappingProxyType({})
    expanding = 0  # how many commands of the document's own stand round what is read

    # --- commands

    def command(self, found: list[Item]) -> None:
        start = self.at
        match = _COMMAND.match(self.text, start)
        assert match is not None
        name = match.group()[1:]
        if name.endswith("*") and name not in known.WORDS and name not in known.DROPPED:
            name = name[:-1]
        self.at = start + 1 + len(name)
        paired = name in self.macros and self.macros[name].paired
        if paired or (name in known.STARRED and name not in self.macros):
            size = _SIZE.match(self.text, self.at)
            self.at = size.end() if size else self.at
        self.meant(name, start, found)

    def meant(self, name: str, start: int, found: list[Item]) -> None:
        """Append what the command is; its arguments are read here."""
        if name in self.macros:
            found += self.expanded(name, start)
        elif name in known.GREEK:
            letter = known.GREEK[name]
            found.append(Item("word", letter, start, self.at, letters=((letter, start, self.at),)))
        elif name == "prime":
            found.append(Item("prime", "'", start, self.at))
        elif name in known.SIGNS:
            found.append(Item("sign", known.SIGNS[name], start, self.at))
        elif name in known.NEW_ROWS:
            length = _LENGTH.match(self.text, self.at)
            self.at = length.end() if length else self.at
            found.append(Item("row", "\\\\", start, self.at))
        elif name in known.BREAKS:
            found.append(Item("break", name, start, self.at))
        elif name in known.SPACES:
            return
        elif name in known.OPERATORS:
            found.append(Item("operator", name, start, self.at))
        elif name in known.SIZERS:
            self.sized(name, start, found)
        elif name in known.TEXTS or name in known.WORDS or name in known.DROPPED:
            self.worded(name, start, found)
        elif name == "begin":
            self.environment(start, found)
        elif name in known.DELIMITED:
            self.delimited(name, start, found)
        else:
            found.append(self.with_arguments(name, start))

    def delimited(self, name: str, start: int, found: list[Item]) -> None:
        """`\\norm{…}`, `\\qty{…}`: the argument between its brackets; `\\qty(…)` has brackets already."""
        self.skip()
        if self.text[self.at : self.at + 1] != "{":
            if name not in ("qty", "quantity"):
                self.fail("an argument in braces is missing", start, self.at)
            return
        opening, closing = known.DELIMITED[name]
        self.deeper()
        inside = self.argument(start)
        self.depth -= 1
        found += (
            Item("sign", opening, start, start + 1),
            *inside,
            Item("sign", closing, self.at - 1, self.at),
        )

    def expanded(self, name: str, start: int) -> Items:
        """What a command of the document's own stands for."""
        macro = self.macros[name]
        self.deeper()
        arguments = [self.argument(start) for _ in range(macro.count)]
        self.depth -= 1
        inner = Tex(macro.body, self.latex, self.decimal_comma)
        inner.macros, inner.expanding, inner.depth = self.macros, self.expanding + 1, self.depth
        parameters = Parameters(arguments, start, self.at)
        filled: Items | None = None
        if inner.expanding <= _MOST_EXPANDED:
            try:
                filled = parameters.filled(inner.all())
            except ReadError:
                filled = None
        self.count += parameters.made + inner.count
        if filled is None or self.count > limits.TOKENS:
            message = f"what the document's own \\{name} stands for cannot be read here"
            self.fail(message, start, self.at, "write it out")
        return filled

    def with_arguments(self, name: str, start: int) -> Item:
        count = 1 if name in known.ONE or name in known.ARROWS_OVER else 2 if name in known.TWO else 0
        if name == "textcolor":
            self.raw(start)
            count = 1
        groups: list[Items] = []
        if name == "sqrt" or name in known.ARROWS_OVER:
            option = _OPTION.match(self.text, self.at)
            if option and name == "sqrt":
                self.fail("a root of this degree is not read", start, option.end(), "write it as a power")
            self.at = option.end() if option else self.at
        self.deeper()
        for number in range(count):
            if name in known.DERIVATIVES and self.text[self.at : self.at + 1] != "{":
                if not number:
                    self.fail("an argument in braces is missing", start, self.at)
                groups.insert(0, ())  # \pdv{z} alone
                break
            groups.append(self.argument(start))
        self.depth -= 1
        third = self.text[self.at : self.at + 1] == "{" and self.text[self.at : self.at + 2] != "{}"
        if name in known.DERIVATIVES and third:
            self.fail("this is a second derivative", start, self.at)
        if name in known.DERIVATIVES:
            sign = Item("sign", known.DERIVATIVES[name], start, start + 1)
            sign = replace(sign, kind="text") if sign.text == "d" else sign
            groups = [(sign, *group) for group in groups]
            return Item("command", "frac", start, self.at, tuple(groups))
        return Item("command", name, start, self.at, tuple(groups))

    def raw(self, start: int) -> str:
        """An argument in braces taken as text; one character without them."""
        self.skip()
        if self.text[self.at : self.at + 1] != "{":
            if self.at >= len(self.text):
                self.fail("an argument in braces is missing", start, self.at)
            self.at += 1
            return self.text[self.at - 1 : self.at]
        level, place = 0, self.at
        while place < len(self.text):
            c = self.text[place]
            if c == "\\":
                place += 2
                continue
            level += (c == "{") - (c == "}")
            place += 1
            if not level:
                inside = self.text[self.at + 1 : place - 1]
                self.at = place
                return inside
        return self.fail("“{” is never closed", self.at, self.at + 1, "add “}”")

    def worded(self, name: str, start: int, found: list[Item]) -> None:
        if name == "mathrm":  # a style as much as a word: \mathrm{d}, \mathrm{softmax}
            before = self.at
            inside = self.raw(start).strip()
            if not inside.replace(" ", "").isalpha() and not _DOTTED.fullmatch(inside):
                self.at = before
                self.deeper()
                found.append(Item("command", "mathbf", start, self.at, (self.argument(start),)))
                self.depth -= 1
                return
            found.append(Item("operator", inside, start, self.at))
            return
        self.skip()
        if name in known.DROPPED and self.text[self.at : self.at + 1] not in ("{", "["):
            self.fail("an argument in braces is missing", start, self.at)
        text = self.raw(start)
        if name in known.TEXTS:
            dollars = text.count("$")
            if dollars and dollars % 2 == 0 and "\\$" not in text:
                found += self.mixed(text)
            elif (places := whole_condition(text)) is not None:
                found += self.conditioned(text, places)
            else:
                found.append(Item("text", text, start, self.at))
        elif name in known.WORDS:
            clean = re.sub(r"\\[,;:! ]", "", text).strip()
            found.append(Item("operator", clean, start, self.at))

    def mixed(self, text: str) -> Items:
        """Words with formulas among them: `\\text{si $z > 0$}`."""
        found: list[Item] = []
        at = self.at - 1 - len(text)
        for number, part in enumerate(text.split("$")):
            end = at + len(part)
            if number % 2 == 0 and part.strip():
                found.append(Item("text", part, at, end))
            elif number % 2:
                found += self.between(at, end)
            at = end + 1
        return tuple(found)

    def between(self, at: int, end: int) -> Items:
        """The items of a part of the text, which was passed already."""
        inner = Tex(self.text[:end], self.latex, self.decimal_comma)
        inner.macros, inner.expanding, inner.depth, inner.at = (
            self.macros, self.expanding, self.depth, at,
        )  # fmt: skip
        try:
            found = inner.all()
        except ReadError as error:
            self.fail(error.message, error.span.start, error.span.end, error.hint)
        self.count += inner.count
        return found

    def conditioned(self, text: str, places: tuple[tuple[int, int], ...]) -> Items:
        """`\\text{si i = j}`, all of it in words: the `si`, and the formula behind it."""
        at = self.at - 1 - len(text)
        said, left, compares, right = ((at + low, at + high) for low, high in places)
        sign = self.text[compares[0] : compares[1]].strip()
        *most, last = self.between(*right)
        return (
            Item("text", self.text[said[0] : said[1]], *said),
            *self.between(*left),
            Item("sign", sign_of(sign.lower()) or sign, *compares),
            *most,
            replace(last, end=self.at),
        )

    def sized(self, name: str, start: int, found: list[Item]) -> None:
        """\\left( and its like: the bracket alone, with the side it says it is on."""
        side = "left" if name in ("left",) or name.endswith("l") else ""
        side = "right" if name == "right" or (name.endswith("r") and name != "right") else side
        self.skip()
        inner: list[Item] = []
        if self.at < len(self.text) and self.text[self.at] == ".":
            self.put(inner, "sign", 1)
            inner[0] = Item("sign", "null", start, self.at)
        elif self.at < len(self.text) and self.text[self.at] not in "{}":
            self.one(inner)
        if len(inner) != 1 or inner[0].kind != "sign":
            self.fail(f"a bracket belongs after \\{name}", start, self.at, f"write \\{name}( or \\{name}[")
        found.append(Item("sign", inner[0].text, start, self.at, side=side))

    # --- environments

    def environment(self, start: int, found: list[Item]) -> None:
        name = self.environment_name(start)
        self.deeper()
        if name in ("array", "alignat", "alignat*", "alignedat"):
            option = _OPTION.match(self.text, self.at)
            self.at = option.end() if option else self.at
            self.skip()
            if self.text[self.at : self.at + 1] == "{":
                self.raw(start)
        elif name in known.MATRICES or name in known.ROWS:
            option = re.compile(r"\s*\[[lcrtb]\]").match(self.text, self.at)
            self.at = option.end() if option else self.at
        inside = self.items("\\end")
        if not self.text.startswith("\\end{", self.at):
            hint = f"add \\end{{{name}}}"
            self.fail(f"\\begin{{{name}}} is never closed", start, start + 6, hint)
        end = self.at
        self.at += 4
        closing = self.environment_name(end)
        if closing != name:
            self.fail(f"\\end{{{closing}}} does not close \\begin{{{name}}}", end, self.at)
        self.depth -= 1
        found.append(Item("rows", name, start, self.at, cells=cells_of(inside)))

    def environment_name(self, start: int) -> str:
        if self.text.startswith("\\begin", start):
            self.at = start + len("\\begin")
        match = _ARGUMENT.match(self.text, self.at)
        if match is None:
            self.fail("the name of an environment is missing", start, self.at, "write \\begin{pmatrix}")
        self.at = match.end()
        return match.group(1).strip()
