"""What the reader says of what it cannot read has a sentence in each language, found by its English words."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from symbackprop.checking.check import check_text
from symbackprop.exercise import load
from symbackprop.report.checked.outputs import CheckedOutputs
from symbackprop.report.checked.said import PREFIX, said
from symbackprop.report.words import load_words

PROGRAM = Path(__file__).resolve().parents[1] / "symbackprop"
FILES = (
    *sorted((PROGRAM / "notation" / "hand").glob("*.py")),
    PROGRAM / "checking" / "code.py", PROGRAM / "checking" / "code_text.py",
)  # fmt: skip
REFUSING = {"refuse", "_refuse", "fail", "ReadError"}


def texts(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may be; `7` stands for what is put in."""
    match node:
        case ast.Constant(str(value)):
            yield value
        case ast.JoinedStr(values):
            yield "".join(str(one.value) if isinstance(one, ast.Constant) else "7" for one in values)
        case ast.IfExp(_, body, orelse):
            yield from texts(body)
            yield from texts(orelse)


def messages(file: Path) -> set[str]:
    """What is said in a file when something cannot be read."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        match node:
            case ast.Call(ast.Attribute(attr=name) | ast.Name(id=name), args) if name in REFUSING:
                first = args[1] if name == "_refuse" and len(args) > 1 else args[0]
                found |= set(texts(first))
            case ast.Assign([ast.Name("message")], value):
                found |= set(texts(value))
    return {one for one in found if one}


ALL = sorted({message for file in FILES for message in messages(file)})


def test_the_messages_are_found() -> None:
    assert len(ALL) > 80
    assert {"there is no formula", "this is no Python"} <= set(ALL)


@pytest.mark.parametrize("message", ALL)
def test_each_message_has_its_sentence(message: str) -> None:
    if message.startswith("there are two "):
        message = "there are two powers"
    assert said(message), message


def test_a_hint_goes_with_its_message() -> None:
    keys = [text.key for text in said("a power of a power needs brackets. write (x^2)^3")]
    assert keys == ["reader.power_of_power", "reader.hint_write"]
    (limit,) = said("the formula has more than 5,000 signs")
    assert limit.parts == {"limit": 5000}
    assert said("nobody says this") == () == said("")


def test_the_sentences_of_the_languages_have_the_same_places() -> None:
    english, spanish = load_words("en"), load_words("es")
    keys = [key for key in english.sentences if key.startswith(PREFIX)]
    assert len(keys) > 100
    for key in keys:
        assert english.places(key) == spanish.places(key)


@pytest.mark.parametrize(
    ("text", "spanish"),
    [
        ("$dz = x^{500}$", "Este exponente pasa del límite de 400."),
        ("$dz = \\foo{3}$", "\\foo no se lee aquí."),
        ("$dz = \\begin{pmatrix} 1 & 2$", "\\begin{pmatrix} no se cierra."),
        ("$dz = (3 + 2$", "«(» no se cierra."),
        (
            "```python\ndz = sigmoide(z)\n```",
            "sigmoide(z) no se lee en código, así que la línea no se juzga.",
        ),
    ],
)
def test_the_cause_is_told_in_spanish(text: str, spanish: str) -> None:
    checked = check_text(text, [load("neurona")], suffix=".md")
    assert spanish in CheckedOutputs(checked, "es").text
    assert "there is" not in CheckedOutputs(checked, "es").text
