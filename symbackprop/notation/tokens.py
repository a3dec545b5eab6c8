"""Plain text to the terminals of `grammar.lark`, with every limit checked before anything is built.

Brackets and bars are paired here, so that one without a partner is named by its place. Another
front end (LaTeX) only has to yield the same tokens.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NoReturn

from symbackprop import limits
from symbackprop.notation.node import Plain
from symbackprop.notation.spelling import WHERE, ReadError, check_name, refuse_character, spelled
from symbackprop.notation.tree import Span

END = "$END"
"""The kind of the token after the last one."""

_LEXEMES = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
      | (?P<word>(?!ℝ)[^\W\d_]\w*'*)
      | (?P<sign>\|\||\*\*|<=|>=|==|!=|->|=>|\.\.\.|\.\.|ℝ|[^\w\s])
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_SIGNS = {
    "+": "PLUS", "-": "MINUS", "*": "STAR", "⊙": "ODOT", "·": "CDOT", "/": "SLASH", "^": "CARET",
    "×": "CROSS",
    "=": "EQUALS", "<": "RELATION", ">": "RELATION", "≈": "RELATION", "≠": "RELATION", "≤": "RELATION",
    "≥": "RELATION", "∈": "RELATION", "→": "RELATION", "↦": "RELATION", "⇒": "RELATION", "←": "RELATION",
    "≡": "RELATION", "<=": "RELATION", ">=": "RELATION", "!=": "RELATION", "->": "RELATION", "=>": "RELATION",
    ",": "COMMA", ";": "SEMICOLON", ":": "COLON", "..": "RANGE", "...": "DOTS", "⋯": "DOTS", "∂": "PARTIAL",
    "ℝ": "REALS",
}  # fmt: skip
_OPENING = {"(": "ROUND_OPEN", "[": "SQUARE_OPEN", "{": "CURLY_OPEN"}
_CLOSING = {")": ("(", "ROUND_CLOSE"), "]": ("[", "SQUARE_CLOSE"), "}": ("{", "CURLY_CLOSE")}
_PARTNER = {"(": ")", "[": "]", "{": "}", "||": "||", "|": "|"}
_OPERAND_ENDS = frozenset(
    {"NUMBER", "NAME", "REALS", "DOTS", "TRANSPOSE", "ROUND_CLOSE", "SQUARE_CLOSE", "CURLY_CLOSE",
     "NORM_CLOSE", "BAR_CLOSE"}
)  # fmt: skip
_OPERAND_STARTS = re.compile(r"[^\W_]|[(\[|∂]")
_NORM_KIND = re.compile(r"_([12F])(?!\w)")
_BRACKET = re.compile(r"\s*\(")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Token(Plain):
    """A terminal of the grammar. `text` is spelled out, `start` and `end` count typed characters.

    `in_index`: stands in the brackets of an index, or in a condition. `called`: a bracket follows
    (1: after white space, 2: at once).
    """

    kind: str
    text: str
    start: int
    end: int
    in_index: bool = False
    called: int = 0


def tokens(text: str, is_function: Callable[[str], bool]) -> list[Token]:
    """The terminals of `text`, brackets and bars paired, ended by one of kind END.

    `is_function` says whether a spelled word, with its primes, names a function when a
    bracket follows. Raises ReadError where a limit is passed, a character is no part of the
    notation, or a bracket has no partner.
    """
    return _Tokenizer(text, is_function).run()


class _Tokenizer:
    def __init__(self, text: str, is_function: Callable[[str], bool]) -> None:
        self.text = text
        self.is_function = is_function
        self.written, self.places = spelled(text)
        self.out: list[Token] = []
        self.open: list[tuple[str, int, bool]] = []  # bracket, where, whether it is an index's
        self.guards: list[int] = []  # how many brackets were open at each `where` still in force
        self.at = 0
        self.previous_end = -1  # of the last token, in `written`

    def run(self) -> list[Token]:
        while self.at < len(self.written):
            found = _LEXEMES.match(self.written, self.at)
            assert found is not None  # the last alternative matches any character
            group, lexeme = found.lastgroup, found.group()
            if group == "space":
                self.at = found.end()
                continue
            if len(self.out) >= limits.TOKENS:
                self._fail(f"the formula has more than {limits.TOKENS:,} signs", 1, "split it into equations")
            if group == "number":
                self._number(lexeme)
            elif group == "word":
                self._word(lexeme)
            else:
                self._sign(lexeme)
        if self.open:
            bracket, start, _ = self.open[-1]
            self.at = start
            self._fail(f"“{bracket}” is never closed", len(bracket), f"add “{_PARTNER[bracket]}”")
        end = len(self.text)
        self.out.append(Token(END, "", end, end))
        return self.out

    def _put(self, kind: str, length: int, text: str = "", called: int = 0) -> None:
        """Append a token that takes `length` characters of `written`."""
        start, stop = self.places[self.at], self.places[self.at + length]
        in_index = bool(self.guards) or any(index for _, _, index in self.open)
        text = text or self.written[self.at : self.at + length]
        self.out.append(Token(kind, text, start, max(stop, start + 1), in_index, called))
        self.at += length
        self.previous_end = self.at

    def _fail(self, message: str, length: int, hint: str = "") -> NoReturn:
        start = self.places[self.at]
        stop = self.places[min(self.at + length, len(self.written))]
        raise ReadError(message, self.text, Span(start, max(stop, start + 1)), hint)

    def _too_deep(self, length: int) -> NoReturn:
        message = f"brackets are nested more than {limits.DEPTH} deep"
        self._fail(message, length, "name a part in an equation of its own")

    def _number(self, lexeme: str) -> None:
        mantissa, _, exponent = lexeme.lower().partition("e")
        if len(mantissa) > limits.DIGITS:
            self._fail(f"this number has more than {limits.DIGITS:,} digits", len(lexeme))
        digits = exponent.lstrip("+-0")
        if len(digits) > 6 or int(digits or "0") > limits.EXPONENT:
            self._fail(f"this power of ten is over the limit of {limits.EXPONENT}", len(lexeme))
        self._put("NUMBER", len(lexeme))

    def _word(self, lexeme: str) -> None:
        start = self.places[self.at]
        after = self.at + len(lexeme)
        if lexeme == WHERE or (lexeme == "and" and self.guards):
            self._guard(lexeme)
            return
        check_name(lexeme, self.text, Span(start, max(start + 1, self.places[after])))
        last = self.out[-1].kind if self.out else ""
        if last == "CARET" and lexeme[0] == "T":
            if len(lexeme) > 1:
                hint = f"the transpose is ^T and a space: ^T {lexeme[1:]}; a power is ^({lexeme})"
                self._fail(f"“^{lexeme}” is not clear", len(lexeme), hint)
            self._transpose()
            return
        if last == "RELATION" and self.out[-1].text == "∈" and lexeme == "R":
            self._put("REALS", 1)
            return
        bracket = _BRACKET.match(self.written, after)
        called = 0 if bracket is None else 2 if bracket.end() == after + 1 else 1
        self._put("FUNCTION" if called and self.is_function(lexeme) else "NAME", len(lexeme), "", called)

    def _guard(self, lexeme: str) -> None:
        """`where`, and the `and` between its conditions, which is a name elsewhere."""
        self._put(lexeme.upper(), len(lexeme))
        if lexeme == WHERE:
            self.guards.append(len(self.open))

    def _transpose(self) -> None:
        """`^` and what stands here become one token."""
        caret = self.out.pop()
        self._put("TRANSPOSE", 1)
        self.out[-1] = replace(self.out[-1], text="^T", start=caret.start)

    def _sign(self, lexeme: str) -> None:
        if lexeme in _OPENING:
            self._open(lexeme)
        elif lexeme in _CLOSING:
            self._close(*_CLOSING[lexeme], lexeme)
        elif lexeme in ("||", "|"):
            self._bar(lexeme)
        elif lexeme == "⊤" and self.out and self.out[-1].kind == "CARET":
            self._transpose()
        elif lexeme in _SIGNS:
            self._put(_SIGNS[lexeme], len(lexeme))
        else:
            self._refuse_sign(lexeme)

    def _open(self, bracket: str) -> None:
        if len(self.open) >= limits.DEPTH:
            self._too_deep(1)
        attached = self.at == self.previous_end and self.out[-1].kind in _OPERAND_ENDS
        index = bracket == "[" and attached
        start = self.at
        self._put("INDEX_OPEN" if index else _OPENING[bracket], 1)
        self.open.append((bracket, start, index))

    def _close(self, partner: str, kind: str, lexeme: str) -> None:
        if not self.open:
            self._fail(f"“{lexeme}” closes nothing", 1, f"add “{partner}” before, or take it away")
        if self.open[-1][0] != partner:
            bracket = self.open[-1][0]
            self._fail(f"“{lexeme}” does not close “{bracket}”", 1, f"“{_PARTNER[bracket]}” belongs here")
        self.open.pop()
        while self.guards and self.guards[-1] > len(self.open):
            self.guards.pop()
        self._put(kind, 1)
        if kind == "CURLY_CLOSE" and self._is_transpose():
            first, last = self.out[-4], self.out[-1]
            self.out[-4:] = [Token("TRANSPOSE", "^T", first.start, last.end, first.in_index)]

    def _is_transpose(self) -> bool:
        kinds = [token.kind for token in self.out[-4:-2]]
        return kinds == ["CARET", "CURLY_OPEN"] and self.out[-2].text == "T"

    def _bar(self, lexeme: str) -> None:
        """A bar closes when one like it is the innermost open bracket and an operand stands before.

        Unless it leans on what follows: the second of `||u ||v||||` opens.
        """
        leans = self.at > self.previous_end and _OPERAND_STARTS.match(self.written, self.at + len(lexeme))
        ends = bool(self.out) and self.out[-1].kind in _OPERAND_ENDS and not leans
        top = self.open[-1][0] if self.open else ""
        if lexeme == "||" and top == "|" and ends:
            lexeme = "|"
        if not (top == lexeme and ends):
            if len(self.open) >= limits.DEPTH:
                self._too_deep(len(lexeme))
            start = self.at
            self._put("NORM_OPEN" if lexeme == "||" else "BAR_OPEN", len(lexeme))
            self.open.append((lexeme, start, False))
            return
        self.open.pop()
        if lexeme == "|":
            self._put("BAR_CLOSE", 1)
            return
        kind = _NORM_KIND.match(self.written, self.at + 2)
        self._put("NORM_CLOSE", 4 if kind else 2, kind.group(1) if kind else "2")

    def _refuse_sign(self, lexeme: str) -> NoReturn:
        if lexeme == "**":
            self._fail("“**” is no sign of the notation", 2, "a power is x^2")
        if lexeme == "==":
            self._fail("“==” is no sign of the notation", 2, "write =")
        if lexeme == "'":
            self._fail("a prime belongs to a name or a function", 1, "the transpose is ^T: (W x)^T")
        if lexeme == "_":
            self._fail("a subscript belongs to a name", 1, "write w_1, or an index: w[1]")
        span = Span(self.places[self.at], self.places[self.at] + 1)
        refuse_character(self.text, lexeme, span)
