"""All answers of a question in one line, `(a) 9; −12 (b) 9; 0`: for who marks, and to be read back.

What is printed in the solutions is read again from the text of the finished PDF and compared with the key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from string import ascii_lowercase
from typing import Final

from symbackprop.exams.model import Part, Question, Sheet, Variant
from symbackprop.exams.variants import KeyMismatch
from symbackprop.notation.write_style import decimal
from symbackprop.report.document import Text
from symbackprop.report.exams.questions import Asked

_NUMBER: Final = re.compile(r"[-−–]?\s?\d+(?:[.,]\d+)?(?:/\d+)?")
_LETTER: Final = re.compile(r"\([a-z]\)")
_SHORT: Final = 7  # signs of a decimal; of a longer one the fraction is shorter


def has_key(question: Question) -> bool:
    """Whether anything is asked whose answer is numbers: values, or the line of a mistake as it should be."""
    return any(part.kind != "derive" for part in question.parts)


def key_line(asked: Asked, sheet: Sheet) -> str:
    """The answers of a question, part by part, row by row; no sign in it means anything to a typesetter.

    Of a mistake to be found the line, and its right numbers: `(a) line 4; 0; 6`.
    """
    mark = asked.plain.words.decimal_mark
    made = []
    for letter, part in zip(ascii_lowercase, asked.question.parts, strict=False):
        first, *rest = answers(part, sheet) or (None,)
        if first is None:
            continue
        shown = _text(first, mark)
        if part.kind == "mistake":
            shown = asked.plain.text(Text("exam.key_line", {"line": shown}))
        made.append(f"({letter}) {'; '.join([shown, *(_text(value, mark) for value in rest)])}")
    return " ".join(made)


def answers(part: Part, sheet: Sheet) -> tuple[Fraction, ...]:
    """The numbers that answer a part, in the order of its key line; none for a derivation in general."""
    if part.kind == "mistake":
        faulty = sheet.faulty[part.id]
        return (Fraction(faulty.at + 1), *faulty.right.array.entries)
    return tuple(sheet.key[part.name].entries) if part.kind == "value" else ()


def _text(value: Fraction, mark: str) -> str:
    size = decimal(abs(value))
    if size is None or len(size) > _SHORT:
        size = str(abs(value))
    return f"{'−' if value < 0 else ''}{size.replace('.', mark)}"


def compare(pdf: bytes, questions: Sequence[Question], variant: Variant, label: str) -> int:
    """Read the answers of a solution from its PDF's text and compare them: how many there are.

    `label` is the word before the answers. Raises KeyMismatch.
    """
    pieces = _text_of(pdf).split(f"{label}.")[1:]
    asked = [
        (question, sheet)
        for question, sheet in zip(questions, variant.sheets, strict=True)
        if has_key(question)
    ]
    if len(pieces) != len(asked):
        raise KeyMismatch(f"PDF text: {len(pieces)} lines of answers were found, and not {len(asked)}")
    count = 0
    for piece, (question, sheet) in zip(pieces, asked, strict=True):
        right = [value for part in question.parts for value in answers(part, sheet)]
        found = list(_numbers(_LETTER.sub(" ", piece)))[: len(right)]
        if found != right:
            raise KeyMismatch(f"PDF text: {question.id} has the answers {found}, and not {right}")
        count += len(right)
    return count


def _numbers(text: str) -> Iterator[Fraction]:
    for found in _NUMBER.findall(text):
        yield Fraction(re.sub(r"[−–]", "-", found).replace(" ", "").replace("\n", "").replace(",", "."))


def _text_of(pdf: bytes) -> str:
    """The text of all pages."""
    from pypdfium2 import PdfDocument

    document = PdfDocument(pdf)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()
