"""Ways to spoil a line: each a function of the random source, the line and another line to take from."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

Mutation = Callable[[Random, str, str], str]

LONGEST = 60_000
"""Characters of a mutated line: three times what is read at all."""

REPEATS = (2, 3, 10, 100, 1000)
BRACKETS = "()[]{}|⟨⟩"
NOISE = (
    "\u200b", "\u202e", "\ufeff", "\u0301", "\u00a0", "\u2028", "\t", "\x0b", "\x1b", "𝓛", "ŷ", "ᵀ", "²", "₁",
    "∂", "∇", "Σ", "⊙", "≈", "→", "ﬁ", "٣", "½", "中", "🧮", "\ud7ff", "$", "$$", "`", "#", "%", "&",
    "\\\\", "\\",
    "^", "_", "'", "^{", "_{", "\\left(", "\\right.", "\\begin{cases}", "\\end{aligned}", "\\text{", "\\def",
    "0x", "1e9", "__", "**", "//", "@", ":", ";", "=", "==", "-=", "…", "\\dots", "\\vdots", "\n", "\n\n",
    "\\quad", "\\Rightarrow",
)  # fmt: skip
COMMANDS = (
    r"\frac", r"\sqrt", r"\sum", r"\prod", r"\partial", r"\nabla", r"\underbrace", r"\boxed",
    r"\in", r"\text",
    r"\begin{pmatrix}", r"\end{pmatrix}", r"\mathcal", r"\hat", r"\operatorname", r"\left",
    r"\right", r"\top",
    r"\stackrel", r"\exp", r"\max", r"\binom", r"\input", r"\newcommand", r"\mathbb", r"\cdot",
    r"\odot", r"\xyz",
)  # fmt: skip
NUMBERS = (
    "0", "-1", "1e400", "1e-400", "10^{10^{10}}", "9" * 61, "9" * 400, "9" * 5000, "0." + "3" * 70,
    "1/0", "400",
    "401", "4097", "10^9", "2147483648", "0{,}5", "1,000,000", "1.2.3", "0.1e1e1",
)  # fmt: skip
POWERS = ("2", "T", "-1", "400", "n", "(1)", "x", "1/2", "z")
PAIRS = (("(", ")"), ("{", "}"), (r"\frac{", "}{2}"), (r"\boxed{", "}"), ("-", ""), ("[", "]"))

_NUMBER = re.compile(r"\d+")
_NAME = re.compile(r"[A-Za-z]\w*")
_COMMAND = re.compile(r"\\[A-Za-z]+")
_TOKEN = re.compile(r"\\[A-Za-z]+|\w+|\s+|.", re.DOTALL)


def _places(rng: Random, text: str) -> tuple[int, int]:
    first, second = rng.randint(0, len(text)), rng.randint(0, len(text))
    return min(first, second), max(first, second)


def _drop(rng: Random, text: str, _: str) -> str:
    at = rng.randrange(len(text))
    return text[:at] + text[at + 1 :]


def _drop_part(rng: Random, text: str, _: str) -> str:
    low, high = _places(rng, text)
    return text[:low] + text[high:]


def _double(rng: Random, text: str, _: str) -> str:
    at = rng.randrange(len(text))
    return text[:at] + text[at] + text[at:]


def _swap(rng: Random, text: str, _: str) -> str:
    at = rng.randrange(len(text))
    return text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :]


def _swap_tokens(rng: Random, text: str, _: str) -> str:
    tokens = _TOKEN.findall(text)
    first, second = rng.randrange(len(tokens)), rng.randrange(len(tokens))
    tokens[first], tokens[second] = tokens[second], tokens[first]
    return "".join(tokens)


def _shuffle(rng: Random, text: str, _: str) -> str:
    tokens = _TOKEN.findall(text)
    rng.shuffle(tokens)
    return "".join(tokens)


def _bracket(rng: Random, text: str, _: str) -> str:
    at = rng.randint(0, len(text))
    return text[:at] + rng.choice(BRACKETS) * rng.choice(REPEATS) + text[at:]


def _nest(rng: Random, text: str, _: str) -> str:
    opening, closing = rng.choice(
        (("(", ")"), ("{", "}"), (r"\frac{", "}{2}"), (r"\boxed{", "}"), ("-", ""), ("[", "]"))
    )
    times = rng.choice(REPEATS)
    low, high = _places(rng, text)
    return text[:low] + opening * times + text[low:high] + closing * times + text[high:]


def _noise(rng: Random, text: str, _: str) -> str:
    at = rng.randint(0, len(text))
    return text[:at] + rng.choice(NOISE) + text[at:]


def _number(rng: Random, text: str, _: str) -> str:
    found = list(_NUMBER.finditer(text))
    if not found:
        return text + "=" + rng.choice(NUMBERS)
    one = rng.choice(found)
    return text[: one.start()] + rng.choice(NUMBERS) + text[one.end() :]


def _command(rng: Random, text: str, _: str) -> str:
    found = list(_COMMAND.finditer(text))
    start, end = rng.choice(found).span() if found else (0, 0)
    return text[:start] + rng.choice(COMMANDS) + " " + text[end:]


def _splice(rng: Random, text: str, other: str) -> str:
    return text[: rng.randint(0, len(text))] + other[rng.randint(0, len(other)) :]


def _equate(rng: Random, text: str, other: str) -> str:
    return text + rng.choice((" = ", " + ", " ", ", ", r" \Rightarrow ", "^")) + other


def _repeat(rng: Random, text: str, _: str) -> str:
    low, high = _places(rng, text)
    return text[:low] + text[low:high] * rng.choice(REPEATS) + text[high:]


def _power(rng: Random, text: str, _: str) -> str:
    low, high = _places(rng, text)
    return f"{text[:low]}({text[low:high]})^{{{rng.choice(POWERS)}}}{text[high:]}"


def _rename(rng: Random, text: str, other: str) -> str:
    found, names = list(_NAME.finditer(text)), _NAME.findall(text + " " + other)
    if not found:
        return text
    one = rng.choice(found)
    return text[: one.start()] + rng.choice(names) + text[one.end() :]


MUTATIONS: tuple[Mutation, ...] = (
    _drop, _drop_part, _double, _swap, _swap_tokens, _shuffle, _bracket, _nest, _noise, _number, _command,
    _splice, _equate, _repeat, _power, _rename, _rename, _rename,
)  # fmt: skip
"""What keeps a line readable goes in more often: it goes farther before it is refused."""


def mutated(rng: Random, text: str, other: str) -> str:
    """The line with one to four things done to it, never longer than `LONGEST`."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        text = rng.choice(MUTATIONS)(rng, text or other, other)[:LONGEST]
    return text
