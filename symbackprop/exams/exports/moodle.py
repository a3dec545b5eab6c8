"""Moodle: a cloze question for each variant, and choices and essays as questions of their own.

What Moodle makes of a cloze is told by the regular expressions of its `qtype_multianswer`; the second half of
this module reads files by the same rules, and refuses what Moodle would take without a word: it reads the key
1/3 as 1 and 0,375 as 375. A cloze has no follow-through; STACK questions have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from symbackprop.exams.exports.html import decimal, escape, grid, html, mathjax, paragraphs
from symbackprop.exams.exports.moodle_xml import (
    category,
    document,
    name_of,
    own_questions,
    question_xml,
    read,
)
from symbackprop.exams.exports.pool import (
    ExportError,
    Files,
    Numbers,
    Pool,
    PoolQuestion,
    PoolVariant,
    ReadKey,
    Words,
)

_TOLERANCE = Fraction(1, 2000)  # three decimals, rounded
_MOST_DIGITS = 15  # Moodle keeps answers as floating-point numbers
_KINDS = frozenset({"cloze", "multichoice", "essay"})


# --- writing ---------------------------------------------------------------------------------------


def export(pool: Pool) -> Files:
    """`<key>-moodle.xml`: the whole pool, a category for each question.

    ExportError for a key that is no finite decimal (the STACK export takes it), a variant that gives no
    points, or a choice without exactly one right option.
    """
    return {f"{pool.key}-moodle.xml": document(_questions(pool))}


def _questions(pool: Pool) -> Iterator[str]:
    for question in pool.questions:
        yield category(pool, question)
        for variant in question.variants:
            numbers = [part for part in variant.parts if isinstance(part, Numbers)]
            if numbers:
                yield _cloze(pool, question, variant, numbers)
            yield from own_questions(pool, question, variant)


def _cloze(pool: Pool, question: PoolQuestion, variant: PoolVariant, numbers: Sequence[Numbers]) -> str:
    name = name_of(pool, question, variant.name)
    points = sum((part.points for part in numbers), Fraction(0))
    if points <= 0:
        raise ExportError(f"{name}: no cell gives points; Moodle would divide by 0")
    # Moodle's own maximum is the sum of the weights: whole points stay as they are
    scale = lcm(*(cell.points.denominator for part in numbers for cell in part.cells))
    note: Words = (pool.sentences["no_fractions"],)
    text = _outside(paragraphs((*variant.text, note), mathjax))
    text += "".join(_part(part, scale, f"{name}, {part.slug}") for part in numbers)
    return question_xml("cloze", name, text, points, "")


def _part(part: Numbers, scale: int, where: str) -> str:
    cells = [_cell(part, offset, scale, where) for offset in range(len(part.cells))]
    head = paragraphs((part.prompt, (part.symbol, " =")), mathjax)
    return f'<div class="part-{part.slug}">{_outside(head)}{grid(part.shape, cells)}</div>'


def _outside(shown: str) -> str:
    """HTML around the gaps: no brace of a formula may begin what looks like one, or like `{#1}`."""
    return re.sub(r"\{(?=#|[0-9]*:)", "{ ", shown)


def _cell(part: Numbers, offset: int, scale: int, where: str) -> str:
    cell = part.cells[offset]
    key = _number(cell.key)
    if key is None:
        raise ExportError(
            f"{where}: the key {cell.key} is no decimal of at most {_MOST_DIGITS} digits, and Moodle's cloze "
            "reads no fractions; export this question to stack"
        )
    mistaken = () if cell.forced else part.mistaken(offset)
    # the first answer that fits is taken: the most credit first
    guesses = sorted((row for row in mistaken if _number(row[0])), key=lambda row: -row[1].credit)
    values = [cell.key, *(value for value, _ in guesses)]
    options = [f"={key}:{_tolerance(cell.key, values)}"]
    options += [
        f"%{_percent(guess.credit)}%{_number(value)}:{_tolerance(value, values)}#{_feedback(guess.feedback)}"
        for value, guess in guesses
    ]
    return f"{{{int(cell.points * scale)}:NUMERICAL:{'~'.join(options)}}}"


def _number(value: Fraction) -> str | None:
    """A decimal that Moodle keeps digit by digit, or None."""
    return decimal(value, _MOST_DIGITS)


def _tolerance(value: Fraction, values: Sequence[Fraction]) -> str:
    """0 for an integer; else half of the third decimal, or so much less that no two answers overlap."""
    if value.denominator == 1:
        return "0"
    size = _TOLERANCE
    while any(other != value and abs(other - value) <= 2 * size for other in values):
        size /= 10
    return decimal(size) or "0"


def _percent(credit: Fraction) -> int:
    """Whole percent, halves up: older versions of Moodle read no decimals between the signs."""
    return int(credit * 100 + Fraction(1, 2))


_IN_FEEDBACK = {"}": "\\}", "#": "\\#", "~": "&#126;"}
"""Moodle takes the backslash away from `}` and `#` but not from `~`; of entities it decodes one layer."""


def _feedback(words: Words) -> str:
    shown = escape(html(words, mathjax))
    return "".join(_IN_FEEDBACK.get(sign, sign) for sign in shown)


# --- reading ---------------------------------------------------------------------------------------

_ANSWER = r".+?(?<!\\)(?<!&)(?<!&amp;)(?=[~#}]|$)"
_ALTERNATIVE = rf"(?:=|%-?[0-9]+%)?{_ANSWER}(?:#.*?(?<!\\)(?=[~}}]|$))?"
_GAP = re.compile(
    rf"\{{(?P<weight>[0-9]*):(?P<kind>[A-Z_]+):(?P<options>{_ALTERNATIVE}(?:~{_ALTERNATIVE})*)\}}", re.DOTALL
)
_OPTION = re.compile(
    rf"~?(?P<share>=|%-?[0-9]+%)?(?P<answer>{_ANSWER})(?:#(?P<said>.*?(?<!\\)(?=[~}}]|$)))?", re.DOTALL
)
_NUMBER = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?):([0-9]+(?:\.[0-9]+)?)")
_LOOKS_LIKE_A_GAP = re.compile(r"\{(?:#|[0-9]*:)")
_PART = re.compile(r'<div class="part-([A-Za-z0-9]+)">')
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Option:
    """One answer that Moodle knows for a gap; `percent` is 100 for `=`."""

    value: Fraction
    tolerance: Fraction
    percent: int
    right: bool


def read_back(files: Files) -> Iterator[ReadKey]:
    """The keys of all cloze questions, as Moodle's rules read them. ExportError for what `lint` refuses."""
    for question in read(files, _KINDS):
        if question.kind != "cloze":
            continue
        variant = question.name.split(f" {question.category} ", 1)[-1]
        text = question.text("questiontext/text")
        starts = list(_PART.finditer(text))
        ends = [start.start() for start in starts[1:]] + [len(text)]
        for start, end in zip(starts, ends, strict=True):
            where = f"{question.where}, {start.group(1)}"
            gaps = [_options(gap, where) for gap in _GAP.finditer(text, start.end(), end)]
            keys = tuple(option.value for options in gaps for option in options if option.right)
            yield ReadKey(question=question.category, variant=variant, slug=start.group(1), keys=keys)


def lint(files: Files) -> None:
    """ExportError for all that Moodle refuses, or takes for something else without a word."""
    for question in read(files, _KINDS):
        if question.kind != "cloze":
            continue
        where = question.where
        text = question.text("questiontext/text")
        gaps = list(_GAP.finditer(text))
        rest = _GAP.sub("", text)
        looks = _LOOKS_LIKE_A_GAP.search(rest)
        if looks:
            raise ExportError(f"{where}: {rest[looks.start() :][:60]!r} looks like a gap and is none")
        _check_braces(rest, where)
        if not sum(int(gap["weight"] or 1) for gap in gaps):
            raise ExportError(f"{where}: no gap gives points")
        for gap in gaps:
            _check_gap(_options(gap, where), f"{where}: {gap.group()[:60]!r}")


def _options(gap: re.Match[str], where: str) -> list[_Option]:
    """The options of a gap, in order; ExportError for one that is no plain number with its tolerance."""
    if gap["kind"] != "NUMERICAL":
        raise ExportError(f"{where}: {gap.group()[:60]!r} is no NUMERICAL gap")
    found = []
    for option in _OPTION.finditer(gap["options"]):
        number = _NUMBER.fullmatch(option["answer"])
        if number is None:
            raise ExportError(
                f"{where}: {option['answer']!r} is no integer or decimal with a dot, and a tolerance "
                "(0.375:0.0005); Moodle would read some other number in it"
            )
        said = option["said"] or ""
        _check_braces(said.replace("\\}", "}"), f"{where}: feedback {said[:40]!r}")
        if re.search(r"(?<![\\&])#", said):
            raise ExportError(f"{where}: feedback {said[:40]!r}: # must be written \\#")
        share = option["share"] or "%0%"
        found.append(
            _Option(
                value=Fraction(number.group(1)),
                tolerance=Fraction(number.group(2)),
                percent=100 if share == "=" else int(share.strip("%")),
                right=share == "=",
            )
        )
    return found


def _check_gap(options: Sequence[_Option], where: str) -> None:
    if [option.right for option in options] != [True] + [False] * (len(options) - 1):
        raise ExportError(f"{where}: the first answer, and no other, must be the key (=)")
    for number, option in enumerate(options):
        if not 0 <= option.percent <= 100:
            raise ExportError(f"{where}: {option.percent} % is not between 0 and 100")
        for other in options[:number]:
            if abs(option.value - other.value) <= option.tolerance + other.tolerance:
                raise ExportError(f"{where}: {option.value} and {other.value} are within their tolerances")


def _check_braces(text: str, where: str) -> None:
    """ExportError unless braces balance: one that was not escaped has cut a gap short."""
    depth = 0
    for brace in _BRACE.finditer(text):
        depth += {"{": 1, "}": -1}.get(brace.group(), 0)
        if depth < 0:
            break
    if depth:
        raise ExportError(f"{where}: braces do not balance; a brace in feedback must be written \\}}")
