"""Lines of plain text as tokens: words, numbers, signs of mathematics and of sentences."""

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
    (?P<masked>\0+) | (?P<url>\w{2,8}://[^\s\0]+|www\.[^\s\0]+|[\w.]+@\w+\.\w[\w.]*)
  | (?P<latex>\\(?:text\w{0,3}|mathrm|mathbf|operatorname\*?|mbox|begin|end|boldsymbol|bm)
          \s?\{[^{}\n]{0,200}\}
        | \\[A-Za-z]+ | \\[,;!:\\{}|%& ])
  | (?P<dont>[^\W\d_]{2,}['’][^\W\d_]{1,2}(?![\w(]))
  | (?P<word>[^\W\d_](?:\w|[\u0300-\u036f])*['’′″]*)
  | (?P<number>\d+(?:[.,]\d+)*(?:[eE][-+]?\d+)?|\.\d+)
  | (?P<space>[ \t\r\n\xa0]+)
  | (?P<dots>\.\.\.+|…)
  | (?P<relation><?[-=~]+>(?!=)|:=|~=|==|!=|<=|>=|<-(?!\s?\d)|[=≈≃≅∈→⇒⟹⟶≡≤≥<>≠←↦⇔])
  | (?P<comment>//|--+(?!>)|\#|←\s)
  | (?P<open>[([{⟨]) | (?P<close>[)\]}⟩])
  | (?P<transpose>\.T\b)
  | (?P<dotted>\.[-+*/^×'])
  | (?P<op>[-+*/^_·•∙⊙∘×⊗@|‖∥⁽⁾ⁿ⁺⁻′'’ᵀ⊤∂∇∑Σ√⋅−∗⁄&½¼¾²³¹⁰⁴-⁹₀-₉⋯⋮∞±%])
  | (?P<sep>[,;])
  | (?P<stop>[.:?!—–¿¡"“”«»`~])
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
ARROW = re.compile(r"<?[-=~]+>|[⇒⟹→⟶⇔]")
"""Every arrow made of signs, and those that are one character."""


class Token(NamedTuple):
    """A piece of a line of plain text: its kind, and where it stands in the document."""

    kind: str
    text: str
    start: int
    end: int


def tokens_of(line: str, at: int) -> list[Token]:
    """The tokens of a line that starts at `at`."""
    return [Token(f.lastgroup or "", f.group(), at + f.start(), at + f.end()) for f in _TOKEN.finditer(line)]


def near(tokens: list[Token], place: int, step: int) -> tuple[int, Token] | None:
    """The next token before (`step` -1) or behind (1) that is no space, and its place."""
    place += step
    while 0 <= place < len(tokens):
        if tokens[place].kind != "space":
            return place, tokens[place]
        place += step
    return None
