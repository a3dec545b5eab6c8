"""Hand writing: files of formulas and what they read as, refusals with their place, hostile input."""

import random
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop import limits
from symbackprop.algebra.functions import ALIASES, OPERATIONS
from symbackprop.notation.hand.nodes import Indicator, Marked, Primed
from symbackprop.notation.hand.read import HandVocabulary, Written, macros_of, read_statements
from symbackprop.notation.tree import Call, Name, Node, Number, Ones, Transpose, walk
from tests.hand_shown import shown

CASES = Path(__file__).parent / "cases" / "hand"
FUNCTIONS = {**ALIASES, **{name: name for name in OPERATIONS}}
NAMES = frozenset({"W", "x", "b", "y", "z", "yhat", "L", "k", "n", "z1", "W1", "b1"})
LATEX = HandVocabulary(names=NAMES, functions=FUNCTIONS)
PLAIN = HandVocabulary(names=NAMES, functions=FUNCTIONS, latex=False)
COMMAS = HandVocabulary(names=NAMES, functions=FUNCTIONS, decimal_comma=True)
SAYS = {"notes": LATEX, "latex": LATEX, "plain": PLAIN, "commas": COMMAS}


def blocks(name: str) -> list[tuple[str, str]]:
    """The formulas of a file of cases, and the lines that stand under each."""
    text = (CASES / f"{name}.txt").read_text(encoding="utf-8")
    found = []
    for block in text.split("\n\n")[1:]:
        formula, *readings = block.rstrip("\n").split("\n")
        found.append((formula, "\n".join(line.removeprefix("    ") for line in readings)))
    return found


def reading(written: Written) -> str:
    row = "" if written.starts_row else "& "
    if written.error is not None:
        return f"{row}! {written.error.message}"
    assert written.node is not None
    return row + " | ".join(map(shown, (written.node, *written.conditions, *written.at)))


def readings(text: str, vocabulary: HandVocabulary = LATEX) -> str:
    return "\n".join(map(reading, read_statements(text, vocabulary))) or "(nothing)"


def node(text: str, vocabulary: HandVocabulary = LATEX) -> Node:
    (written,) = read_statements(text, vocabulary)
    assert written.node is not None, written.error
    return written.node


def refusal(text: str, vocabulary: HandVocabulary = LATEX) -> tuple[str, str, str]:
    """The message, the hint and the place that is pointed at."""
    (written,) = read_statements(text, vocabulary)
    error = written.error
    assert error is not None
    return error.message, error.hint, text[error.span.start : error.span.end]


ALL = [(name, formula, expected) for name in SAYS for formula, expected in blocks(name)]


@pytest.mark.parametrize(("name", "formula", "expected"), ALL)
def test_reads_as(name: str, formula: str, expected: str) -> None:
    assert readings(formula, SAYS[name]) == expected


def test_there_are_many_cases() -> None:
    assert len(ALL) > 400
    assert sum("! " not in expected for _, _, expected in ALL) > 300


# --- nothing is lost -----------------------------------------------------------------------

_INVISIBLE = re.compile(
    r"\\(?:label|tag|hspace|vspace|phantom|color)\*?\{[^}]*\}|\\\\\[[^]]*\]|\\begin\{[^}]*\}(?:\{[^}]*\})?"
    r"|\\text\{[^}]*\}|\{,\}|%.*"
)


@pytest.mark.parametrize(("name", "formula", "expected"), ALL)
def test_no_digit_prime_or_transpose_is_lost(name: str, formula: str, expected: str) -> None:
    """Of what is read, every digit, prime and transpose that was written stands in the tree."""
    statements = read_statements(formula, SAYS[name])
    if name == "plain" or not statements or any(written.error for written in statements):
        return
    trees = [one for written in statements for one in (written.node, *written.conditions, *written.at) if one]
    nodes = [part for one in trees for part in walk(one)]
    text = _INVISIBLE.sub("", formula)
    digits = "".join(part.text for part in nodes if isinstance(part, Number))
    digits += "".join(part.name for part in nodes if isinstance(part, Name))
    digits += "".join(part.kind for part in nodes if hasattr(part, "kind") and not isinstance(part, Marked))
    digits += "1" * sum(isinstance(part, Ones | Indicator) for part in nodes)
    digits += "2" * sum(isinstance(part, Call) and part.function == "square" for part in nodes)
    for digit in set(re.findall(r"[0-9]", text)):
        assert digits.count(digit) >= text.count(digit), f"{digit} of {formula}"
    primes = text.count("'") + text.count(r"\prime")
    assert sum(part.count for part in nodes if isinstance(part, Primed)) >= primes
    transposes = len(re.findall(r"\^\{?\s*(?:T\b|\\top|\\intercal|⊤)|ᵀ", text))
    assert sum(isinstance(part, Transpose) for part in nodes) >= transposes


# --- places --------------------------------------------------------------------------------

PLACES = [
    (r"z = Wx, \quad b = 7", ["z = Wx", "b = 7"]),
    (r"\text{si } x \in \mathbb{R}^n \Rightarrow W = 3", [r"x \in \mathbb{R}^n", "W = 3"]),
    (r"\begin{aligned} dz &= dy \\ &= 3 \end{aligned}", ["dz &= dy", "= 3"]),
    (
        r"\left. \begin{aligned} z &= 1 \\ &\vdots \end{aligned} \right\} z \in \mathbb{R}",
        ["z &= 1", r"z \in \mathbb{R}"],
    ),
    ("z = ŷ² ⇒ dŷ = 1.", ["z = ŷ²", "dŷ = 1"]),
    (r"\boxed{dW = 1, db = 2}", ["dW = 1", "db = 2"]),
    ("dW = 1 % = 2\n\\\\ db = 3", ["dW = 1", "db = 3"]),
]


@pytest.mark.parametrize(("text", "expected"), PLACES)
def test_statements_know_their_place(text: str, expected: list[str]) -> None:
    found = [text[w.span.start : w.span.end] for w in read_statements(text, LATEX)]
    assert found == expected


POINTED = [
    (r"z = Wx + \foo b", r"\foo", r"\foo is not read here"),
    (r"dL/dW^T", "dL/dW^T", "it is not clear what is raised or transposed"),
    (r"z = (1, 2", "(", "“(” is never closed"),
    (r"\frac{1}{2", "{", "“{” is never closed"),
    (r"x^{1000}", "^{1000}", "this exponent is over the limit of 400"),
    (r"9^{9^{9^9}}", "^{9^9}", "this exponent is over the limit of 400"),
    ("a \x00 b", "\x00", "this character cannot be read"),
    ("a \ud800 b", "\ud800", "this character cannot be read"),
    ("7" * 61, "7" * 61, "this number has more than 60 digits"),
    (r"\left.\frac{dL}{dz}\right|_1", r"\left.\frac{dL}{dz}\right|", "these brackets are no pair"),
]


@pytest.mark.parametrize(("text", "place", "message"), POINTED)
def test_a_refusal_points_at_its_place(text: str, place: str, message: str) -> None:
    assert refusal(text)[0::2] == (message, place)


def test_one_that_cannot_be_read_leaves_the_others() -> None:
    assert readings(r"dW = \foo, \quad db = dz \\ dx = \bar \\ L = 3").split("\n")[:2] == [
        r"! \foo is not read here",
        "& G(b) = G(z)",
    ]


# --- names ---------------------------------------------------------------------------------


def test_letters_are_known_names_first() -> None:
    known = HandVocabulary(names=frozenset({"W", "x", "Wx", "z1", "z_out", "d", "dx", "x'"}), functions={})
    texts = ["Wx", "xW", "z_{out}", "z_1", "z1", "dW", "d W", "dx", "dq", "x'", "x''"]
    expected = ["Wx", "[x W]", "z_out", "z[1]", "z1", "G(W)", "[d W]", "dx", "[d q]", "x'", "x''"]
    assert [shown(node(text, known)) for text in texts] == expected
    assert node("x'", known) == Name("x'")
    assert node("x''", known) == Primed(Name("x"), 2)


def test_a_statement_defines_its_name_for_the_next() -> None:
    assert readings("loss = 3, z = 2 loss", PLAIN) == "loss = 3\n& z = [2 loss]"


def test_t_transposes_where_it_is_no_name() -> None:
    assert shown(node("W^t x")) == "[T(W) x]"
    with_t = HandVocabulary(names=NAMES | {"t"}, functions={})
    assert shown(node("W^t x", with_t)) == "[W^t x]"


# --- commands of the document's own

DOCUMENT = r"""
\newcommand{\R}{\mathbb{R}} \newcommand\Loss{\mathcal{L}}
\newcommand{\pdx}[2]{\frac{\partial #1}{\partial #2}}
\def\bx{\mathbf{x}} \DeclareMathOperator{\relu}{ReLU}
\renewcommand{\vec}[1]{\mathbf{#1}} \newcommand{\up}{\pdx{\Loss}}
\newcommand{\loop}{\loop} \newcommand{\one}{\two\two}
\newcommand{\two}{\one\one} \newcommand{\say}[1]{\text{#1}}
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\pdx{\Loss}{W_{ij}} = \pdx \Loss z \bx^\top", "∂(calL / W[i, j]) = [∂(calL / z) T(x)]"),
        (r"W \in \R^{k\times n}", "W ∈ R(k, n)"),
        (r"\relu'(z) = \vec z", "[relu' (z)] = z"),
        (r"\one", "! what the document's own \\one stands for cannot be read here"),
        (r"\loop", "! \\loop is not read here"),
        (r"\say{x}", "! what the document's own \\say stands for cannot be read here"),
    ],
)
def test_commands_that_the_document_defines(text: str, expected: str) -> None:
    own = HandVocabulary(names=NAMES, functions=FUNCTIONS, macros=macros_of(DOCUMENT))
    assert readings(text, own) == expected


# --- hostile input ---------------------------------------------------------------------------

HOSTILE = {
    "brackets": "(" * 4_000,
    "pairs": "(" * 2_000 + ")" * 2_000,
    "braces": "{" * 4_000,
    "square": "[[" * 2_000,
    "left": "\\left(" * 2_000,
    "letters": "x" * 4_900,
    "sum": "+".join("x" * 2_400),
    "chain": "=".join("x" * 2_400),
    "commas": ",".join("x" * 2_400),
    "bars": "|" * 4_000,
    "fractions": "\\frac12" * 1_500,
    "frac": "\\frac" * 3_000,
    "sums": "\\sum_i " * 1_200 + "x",
    "powers": "x" + "^2" * 2_000,
    "minus": "-" * 4_900 + "x",
    "slash": "x/" * 2_400,
    "rows": "\\begin{pmatrix}" * 1_000,
    "quads": "x=1\\quad " * 1_200,
    "open lists": "(x," * 1_600,
    "d": "d" * 4_900,
    "texts": "\\text{si }z>0," * 900,
    "million": "(" * 1_000_000,
    "million letters": "x" * 1_000_000,
    "begin": "\\begin{" * 2_000,
    "primes": "x" + "'" * 4_900,
    "hats": "\\hat" * 3_000,
    "words": "hola " * 3_900,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("vocabulary", [LATEX, PLAIN], ids=["latex", "plain"])
def test_hostile_input_ends_soon(name: str, vocabulary: HandVocabulary) -> None:
    start = time.perf_counter()
    written = read_statements(HOSTILE[name], vocabulary)
    assert time.perf_counter() - start < 5
    assert all((one.node is None) != (one.error is None) for one in written)


def test_limits_are_named() -> None:
    assert f"{limits.LINE_BYTES:,}" in refusal("x" * 30_000)[0]
    assert f"{limits.TOKENS:,}" in refusal("(" * 3_000 + ")" * 3_000)[0]
    assert f"{limits.DEPTH} deep" in refusal("\\sqrt{" * 50 + "x" + "}" * 50)[0]
    assert f"{limits.DEPTH} deep" in refusal("(" * 50 + "x" + ")" * 50)[0]


BITS = [
    *"{}()[]^_&'|,;:=-+*1x%$\n~.<Td∂∇ŷ²ᵀ½𝟙ñ٣→⟩\x00\ud800\u0301#",
    "\\", "||", "\\\\", "...", "0,5", "1_{", "sum",
    "\\left", "\\right", "\\frac", "\\begin{cases}", "\\end{cases}", "\\sum", "\\text{si}", "\\hat",
    "\\underbrace", "\\boxed", "\\mathbb", "\\over", "\\quad", "\\mathrm", "\\operatorname",
    "\\stackrel", "\\langle", "\\pd", "\\begin{aligned}", "\\end{aligned}", "\\,",
]  # fmt: skip


def mutated(seed: int) -> str:
    """A formula of the cases with a few cuts and insertions."""
    draw = random.Random(seed)
    text = draw.choice(ALL)[1]
    for _ in range(draw.randint(1, 5)):
        at = draw.randint(0, len(text))
        text = text[:at] + draw.choice([*BITS, ""]) + text[at + draw.choice([0, 0, 1, 4]) :]
    return text


@given(st.integers(0, 10**9), st.booleans(), st.booleans())
@settings(max_examples=600, deadline=None)
def test_whatever_is_written_is_read_or_refused(seed: int, latex: bool, comma: bool) -> None:
    text = mutated(seed)
    vocabulary = HandVocabulary(names=NAMES, functions=FUNCTIONS, latex=latex, decimal_comma=comma)
    for written in read_statements(text, vocabulary):
        assert (written.node is None) != (written.error is None)
        assert 0 <= written.span.start <= written.span.end <= len(text)
        if written.error is not None:
            assert written.error.text == text
            assert 0 <= written.error.span.start <= len(text)
            assert str(written.error)
