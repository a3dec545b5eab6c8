"""What the variants of an exam are like, as lines for a terminal, with every single number that is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final

from symbackprop.algebra.values.decimals import fixed
from symbackprop.exams.marks import TRIVIAL
from symbackprop.exams.model import Exam
from symbackprop.exams.rules import BY_NAME, RANGES
from symbackprop.exams.stress import Distribution, QuestionStress, Stress
from symbackprop.exercise.faults import shortened
from symbackprop.report.exams.stress import COMMON, milliseconds, percent

WIDTH: Final = 110
"""Columns of a line."""

_OWN_RULES: Final = {
    "active": "in each layer as many units are active as are to be",
    "different": "no two students have the same numbers",
    "distinct": "entries that are to be of different sizes are",
    "value": "every answer has an exact value",
}
"""Rules that `rules.py` has no words for, or none without a setting."""


def terminal_lines(stress: Stress, exam: Exam) -> Iterator[str]:
    """English, as all messages of the command line; lines of at most 110 columns without their ends."""
    yield f"{exam.key}: {stress.variants:,} variant{'s' * (stress.variants != 1)}"
    yield ""
    for name, text in _facts(stress):
        yield f"  {name:9}  {text}"
    for one in stress.questions:
        yield ""
        yield one.question.id
        for line in (*_accepted(one), *_counted(one), *_found(one)):
            yield shortened("  " + line, WIDTH) if line else ""


def _facts(stress: Stress) -> Iterator[tuple[str, str]]:
    """What all questions have together."""
    copies = max(one.copies for one in stress.questions)
    yield "data", _shared_by(copies, "the same data")
    yield "answers", _shared_by(stress.alike, "the same answers in the whole exam")
    yield "active", f"active units: {_range(stress.active)}"
    yield "work", f"multiplications that are not by 0, 1 or -1: {_range(stress.work)}"
    mean, high = (percent(value) for value in (stress.zeros.mean, stress.zeros.high))
    limit = fixed(100 * TRIVIAL, 0)
    yield "zeros", f"0 everywhere wins {mean} % of the points on average, {high} % at most (limit {limit} %)"
    if stress.nanoseconds is not None:
        yield (
            "time",
            f"{fixed(milliseconds(stress), 2)} ms a variant (in this run; nothing else changes)",
        )


def _shared_by(count: int, what: str) -> str:
    return f"{count:,} students have {what} as somebody else" if count else f"no two students have {what}"


def _range(counted: Distribution) -> str:
    if not counted.spread:
        return f"{counted.high} in every variant (spread 0)"
    low, high, mean = str(counted.low), str(counted.high), fixed(counted.mean, 2)
    return f"from {low} to {high}, {mean} on average (spread {counted.spread})"


def _accepted(one: QuestionStress) -> Iterator[str]:
    """How many numbers obeyed every rule, and which they broke."""
    for name, made in (("built to fit", one.built), ("drawn uniformly", one.uniform)):
        share = percent(made.share)
        yield f"{name}: {made.accepted:,} of {made.tried:,} obeyed every rule ({share} %)"
        for rule, count in made.refused.items():
            yield f"{percent(Fraction(count, made.tried)):>7} %  {rule:17}  {_rule_text(one, rule)}"


def _rule_text(one: QuestionStress, rule: str) -> str:
    kind, _, name = rule.partition(".")
    if kind == RANGES:
        draw = one.question.draws[name]
        return f"some number of {name} from {draw.low} to {draw.high} fits"
    value = one.question.rules.number(kind)
    row = BY_NAME.get(kind)
    return (
        row.says.format(value=value) if row is not None and value is not None else _OWN_RULES.get(kind, kind)
    )


def _counted(one: QuestionStress) -> Iterator[str]:
    """A line for each number that is asked."""
    if not one.answers:
        return
    rows = [("answer", "least", "greatest", "mean", "different", "zeros", "most common")]
    for answers in one.answers:
        for place, counted in zip(answers.places(), answers.numbers, strict=True):
            where = f"[{','.join(map(str, place))}]" if place else ""
            zeros = percent(Fraction(counted.zeros, counted.total))
            rows.append(
                (
                    answers.part.name + where, str(counted.low), str(counted.high), fixed(counted.mean, 2),
                    str(counted.different), f"{zeros} %", _common(counted),
                )
            )  # fmt: skip
    yield ""
    yield from _table(rows)


def _common(counted: Distribution) -> str:
    shown = (
        f"{value} ({percent(Fraction(count, counted.total))} %)" for value, count in counted.common(COMMON)
    )
    return ", ".join(shown)


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Columns under each other: the first and the last to the left, the numbers between to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *numbers, last in rows:
        cells = (text.rjust(width) for text, width in zip(numbers, widths[1:-1], strict=True))
        yield "  ".join((first.ljust(widths[0]), *cells, last)).rstrip()


def _found(one: QuestionStress) -> Iterator[str]:
    """Where the mistakes to be found are, and which they are."""
    for made in one.mistakes:
        total = sum(made.lines.values())
        for what, counts in (("line", made.lines), ("mistake", made.kinds)):
            yield ""
            yield from _table(
                [(what, "share", ""), *(
                    (name, f"{percent(Fraction(count, total))} %", "")
                    for name, count in counts.items()
                )]
            )  # fmt: skip
