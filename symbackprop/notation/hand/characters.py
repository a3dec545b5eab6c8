"""Characters to items: letters, numbers, signs, groups and scripts, of LaTeX and of plain text alike.

Nothing is looked up here; what a word or a superscript means is decided where it stands.
"""

import re
import unicodedata
from typing import NoReturn

from symbackprop import limits
from symbackprop.notation.hand import commands as known
from symbackprop.notation.hand.items import Item, Items, Kind
from symbackprop.notation.hand.letters import SAME, SUBSCRIPTS, SUPERSCRIPTS, Special, special, spelled_letter
from symbackprop.notation.hand.units import INDEX_LETTERS
from symbackprop.notation.spelling import ReadError
from symbackprop.notation.tree import Span

_NUMBER = re.compile(r"(?:[0-9]+(?:(?:\.|\{,\})[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+(?![0-9.]))?")
_DECIMAL_COMMA = re.compile(r"[0-9]+,[0-9]+(?![0-9]*[.,]?[0-9])")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:(?:\\,|\{\\,\}|\u2009|\u202f)[0-9]{3})+(?![0-9])")
_PLAIN_WORD = re.compile(r"[^\W\d_](?:[^\W_\d]|[\u0300-\u036f]|[0-9])*")
_RUN = re.compile(r"[^\W\d_][^\W\d_\u2070-\u209c]*(?:[\u0300-\u036f][^\W\d_]*)*")
_SIGN = re.compile(
    r"\.\.\.|<?[-=~]+>(?!=)|\|\||\*\*|:=|=:|==|!=|/=|<=|>=|<-|~=|\.T\b|\.\^|\.\*(?!\*)|[^\w\s]", re.DOTALL
)
_DIGITS = frozenset("0123456789")


class Characters:
    """Reads a text from left to right; commands are read by `Tex`, which is one of these."""

    def __init__(self, text: str, latex: bool, decimal_comma: bool) -> None:
        self.text = text
        self.latex = latex
        self.decimal_comma = decimal_comma
        self.at = 0
        self.depth = 0
        self.count = 0

    def all(self) -> Items:
        found = self.items("")
        if self.at < len(self.text):
            self.fail("“}” closes nothing", self.at, self.at + 1, "take it away, or add “{” before")
        return found

    def fail(self, message: str, start: int, end: int, hint: str = "") -> NoReturn:
        raise ReadError(message, self.text, Span(start, max(end, start + 1)), hint)

    # --- sequences

    def items(self, closer: str) -> Items:
        """What stands up to `closer` ("}", "\\\\end", or "" for the end of the text), which is not taken."""
        found: list[Item] = []
        while True:
            self.skip()
            if self.at >= len(self.text):
                return tuple(found)
            if self.text[self.at] == "}" or self.text.startswith("\\end{", self.at):
                if not closer and self.text[self.at] != "}":
                    self.fail("\\end closes nothing", self.at, self.at + 4, "add \\begin{…} before")
                return tuple(found)
            self.one(found)

    def skip(self) -> None:
        text = self.text
        while self.at < len(text):
            c = text[self.at]
            if (c == "%" and self.latex) or (c == "#" and not self.latex):  # a remark
                end = text.find("\n", self.at)
                self.at = len(text) if end < 0 else end
            elif c.isspace() or (c == "~" and self.latex) or c in "\u200b\u2062\u2061\ufeff":
                self.at += 1
            else:
                return

    def one(self, found: list[Item]) -> None:
        """Append the item that stands here; a command may stand for none."""
        self.count += 1
        if self.count > limits.TOKENS:
            self.fail(f"the formula has more than {limits.TOKENS:,} signs", self.at, self.at + 1)
        c = self.text[self.at]
        if c == "\\":
            self.command(found)
        elif c == "{":
            found.append(self.group())
        elif c in "_^":
            self.script(found)
        elif c in SUPERSCRIPTS or c in SUBSCRIPTS:
            found.append(self.small())
        elif c == "#" and self.expanding and self.text[self.at + 1 : self.at + 2] in _DIGITS:
            self.put(found, "sign", 2)
        elif c == "&" and self.latex:
            self.put(found, "and", 1)
        elif c in "0123456789" or (c == "." and self.text[self.at + 1 : self.at + 2] in _DIGITS):
            found.append(self.number())
        elif c.isalpha() and special(c) is None:
            found.append(self.word())
        else:
            self.sign(found)

    def put(self, found: list[Item], kind: Kind, length: int, text: str = "") -> None:
        start = self.at
        self.at += length
        found.append(Item(kind, text or self.text[start : self.at], start, self.at))

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > limits.DEPTH:
            self.fail(f"groups are nested more than {limits.DEPTH} deep", self.at, self.at + 1)

    def group(self) -> Item:
        """`{…}`, with `{a \\over b}` as the fraction that it is."""
        start = self.at
        self.deeper()
        self.at += 1
        inside = self.items("}")
        if self.text[self.at : self.at + 1] != "}":
            self.fail("“{” is never closed", start, start + 1, "add “}”")
        self.at += 1
        self.depth -= 1
        overs = [n for n, item in enumerate(inside) if item.kind == "command" and item.text == "over"]
        if len(overs) == 1:
            above, below = inside[: overs[0]], inside[overs[0] + 1 :]
            inside = (Item("command", "frac", start, self.at, (above, below)),)
        return Item("group", "{", start, self.at, (inside,))

    # --- letters, numbers and signs

    def word(self) -> Item:
        start = self.at
        pattern = _RUN if self.latex else _PLAIN_WORD
        match = pattern.match(self.text, start)
        end = match.end() if match else start + 1
        for place in range(start + 1, end):
            c = self.text[place]
            if c in SUPERSCRIPTS or c in SUBSCRIPTS or special(c) is not None:
                end = place
                break
        self.at = end
        return self.lettered(start, end)

    def lettered(self, start: int, end: int) -> Item:
        letters: list[tuple[str, int, int]] = []
        place = start
        while place < end:
            after = place + 1
            while after < end and unicodedata.combining(self.text[after]):
                after += 1
            letters.append((spelled_letter(self.text[place:after]), place, after))
            place = after
        text = "".join(letter for letter, _, _ in letters)
        return Item("word", text, start, end, letters=tuple(letters))

    def number(self) -> Item:
        start = self.at
        thousands = _THOUSANDS.match(self.text, start)
        comma = _DECIMAL_COMMA.match(self.text, start) if self.decimal_comma else None
        if thousands:
            self.at = thousands.end()
            written = re.sub(r"[^0-9]", "", thousands.group())
        elif comma and self.is_decimal(start, comma.end()):
            self.at = comma.end()
            written = comma.group().replace(",", ".")
        else:
            match = _NUMBER.match(self.text, start)
            assert match is not None
            self.at = match.end()
            written = match.group().replace("{,}", ".")
        self.check_number(written, start)
        return Item("number", written, start, self.at)

    def check_number(self, written: str, start: int) -> None:
        mantissa, _, exponent = written.lower().partition("e")
        if len(mantissa) > limits.HAND_DIGITS:
            self.fail(f"this number has more than {limits.HAND_DIGITS} digits", start, self.at)
        digits = exponent.lstrip("+-0")
        if len(digits) > 6 or int(digits or "0") > limits.EXPONENT:
            self.fail(f"this power of ten is over the limit of {limits.EXPONENT}", start, self.at)

    def is_decimal(self, start: int, end: int) -> bool:
        """Whether a comma between digits is a decimal one: not where bare commas separate beside it.

        `(1,0,2)` and `w_{1,2}` have separators, `(0,5, 1,2)` decimals.
        """
        before, after = self.text[start - 1 : start], self.text[end : end + 2]
        bare_before = before == "," and start > 1
        bare_after = after[:1] == "," and after[1:] != "" and not after[1:].isspace()
        near = re.sub(r"\s|\\left|\\big|\\Big", "", self.text[max(0, start - 24) : start])
        called = near.endswith(("max(", "min(", "\\{"))  # also a set, {1,2}
        return not (bare_before or bare_after or called or self.in_index)

    in_index = False
    expanding = 0

    def sign(self, found: list[Item]) -> None:
        c = self.text[self.at]
        written = special(c)
        if written is not None:
            found.append(self.special(written))
            return
        match = _SIGN.match(self.text, self.at)
        if match is None:
            found.append(Item("sign", c, self.at, self.at + 1))
            self.at += 1
            return
        lexeme = match.group()
        if lexeme in (".T", ".*", ".^") and self.latex:
            lexeme = "."
        start = self.at
        self.at += len(lexeme)
        if len(lexeme) > 1 and lexeme[-1] == ">" and lexeme not in known.RELATIONS:
            lexeme = "=>"  # however long the arrow is
        lexeme = SAME.get(lexeme, "⊙" if lexeme == ".*" else lexeme)
        if lexeme == ".T":
            found.append(Item("sup", "^", start, self.at, ((Item("sign", "⊤", start, self.at),),)))
        elif set(lexeme) <= {"'", '"', "`"} and lexeme != "`":
            count = sum(2 if mark == '"' else 1 for mark in lexeme)
            while self.text[self.at : self.at + 1] in ("'", "′", "’"):
                count += 1
                self.at += 1
            found.append(Item("prime", "'" * count, start, self.at))
        elif lexeme == "**":
            self.power(found, start)
        elif lexeme == ".^":
            self.entry_power(found, start)
        elif lexeme in known.BREAK_SIGNS:
            found.append(Item("break", lexeme, start, self.at))
        else:
            found.append(Item("sign", lexeme, start, self.at))

    def special(self, written: Special) -> Item:
        """A letter of mathematics with a meaning of its own: 𝓛, 𝟙, ℝ."""
        start = self.at
        self.at += 1
        kind, text = written
        if kind == "fraction":  # ½
            sides = tuple((Item("number", digit, start, self.at),) for digit in (text[0], text[2]))
            return Item("command", "frac", start, self.at, sides)
        if kind == "command":
            inner = (Item("number", "1", start, self.at),)
            return Item("command", text, start, self.at, (inner,))
        if kind == "word":
            return Item("word", text, start, self.at, letters=((text, start, self.at),))
        return Item(kind, text, start, self.at)

    # --- scripts

    def script(self, found: list[Item]) -> None:
        start = self.at
        kind: Kind = "sub" if self.text[start] == "_" else "sup"
        self.at += 1
        outer, self.in_index = self.in_index, self.in_index or kind == "sub"
        inside = self.argument(start, script=True)
        self.in_index = outer
        only = inside[0] if len(inside) == 1 else None
        after = self.text[self.at : self.at + 1]
        bare = kind == "sub" and self.latex and only is not None and only.end == self.at
        named = self.text[self.at + 1 : self.at + 2] in ("_", "^", "'")  # p_ip_j: the next name
        if bare and not named and only is not None and {only.text, after} <= INDEX_LETTERS:
            hint = f"write _{{{only.text}{after}}}, or a space between them"
            self.fail("it is not clear where this index ends", start, self.at + 1, hint)
        found.append(Item(kind, self.text[start], start, self.at, (inside,)))

    def power(self, found: list[Item], start: int) -> None:
        inside = self.argument(start, script=True)
        found.append(Item("sup", "**", start, self.at, (inside,)))

    def entry_power(self, found: list[Item], start: int) -> None:
        """`z.^2`: a power of each entry."""
        inside = self.argument(start, script=True)
        found.append(Item("sup", ".^", start, self.at, ((Item("sign", "⊙", start, start), *inside),)))

    def small(self) -> Item:
        """A run of raised or lowered characters: x², W₁₂, (W x)ᵀ."""
        start = self.at
        table = SUPERSCRIPTS if self.text[start] in SUPERSCRIPTS else SUBSCRIPTS
        while self.at < len(self.text) and self.text[self.at] in table:
            self.at += 1
        run = "".join(table[c] for c in self.text[start : self.at])
        inner: list[Item] = []
        for match in re.finditer(r"[0-9]+|[A-Za-z]+|.", run):
            low, high = start + match.start(), start + match.end()
            piece = match.group()
            if piece.isdecimal():
                inner.append(Item("number", piece, low, high))
            elif piece.isalpha():
                letters = tuple((c, low + n, low + n + 1) for n, c in enumerate(piece))
                inner.append(Item("word", piece, low, high, letters=letters))
            else:
                inner.append(Item("sign", piece, low, high))
        return Item("sup" if table is SUPERSCRIPTS else "sub", "", start, self.at, (tuple(inner),))

    def argument(self, start: int, *, script: bool = False) -> Items:
        """One argument, as TeX takes it: a group, a command with its own, or one character."""
        self.skip()
        if self.at >= len(self.text) or self.text[self.at] in "}&":
            self.fail("something is missing after this", start, self.at, "write it in braces: {…}")
        c = self.text[self.at]
        if c == "{":
            return self.group().groups[0]
        found: list[Item] = []
        if script and c in "([":
            return self.bracketed(start)
        if script and not self.latex:
            return self.plain_script()
        if c.isdecimal() and c.isascii():
            self.put(found, "number", 1)
            if script and self.text[self.at : self.at + 1].isdecimal():
                self.fail("this script has several digits", start, self.at + 1, "put them in braces: x^{10}")
        elif c.isalpha() and special(c) is None:
            end = self.at + 1
            while end < len(self.text) and unicodedata.combining(self.text[end]):
                end += 1
            found.append(self.lettered(self.at, end))
            self.at = end
        else:  # a command, or one sign: a script of a script goes deeper too
            self.deeper()
            self.one(found)
            self.depth -= 1
        if not found:
            self.fail("something is missing after this", start, self.at, "write it in braces: {…}")
        return tuple(found)

    def bracketed(self, start: int) -> Items:
        """`^(l)` and `^[1]` without braces: up to the bracket's partner."""
        opened, closer = self.text[self.at], ")" if self.text[self.at] == "(" else "]"
        found: list[Item] = []
        level = 0
        self.deeper()
        while True:
            self.skip()
            if self.at >= len(self.text) or self.text[self.at] == "}":
                self.fail(f"“{opened}” is never closed", start, start + 2, f"add “{closer}”")
            c = self.text[self.at]
            self.one(found)
            level += (c == opened) - (c == closer)
            if not level:
                self.depth -= 1
                return tuple(found)

    def plain_script(self) -> Items:
        found: list[Item] = []
        if self.text[self.at] == "-":
            self.put(found, "sign", 1)
            if self.at >= len(self.text):
                self.fail("something is missing after this", self.at - 1, self.at)
        self.deeper()
        self.one(found)
        behind = _RUN.match(self.text, self.at)
        if found and found[-1].kind == "number" and behind and set(behind.group()) <= INDEX_LETTERS:
            found.append(self.word())  # O_2m
        self.depth -= 1
        if not found:
            self.fail("something is missing after this", self.at - 1, self.at)
        return tuple(found)

    def command(self, found: list[Item]) -> None:
        """Append what the command that stands here is."""
        raise NotImplementedError
