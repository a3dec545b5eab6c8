"""What the variants of an exam are like, as a page with pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import reduce
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from symbackprop.algebra.values.decimals import fixed, to_tree
from symbackprop.exams.marks import TRIVIAL
from symbackprop.exams.model import Exam
from symbackprop.exams.stress import Answers, Mistakes, QuestionStress, Stress
from symbackprop.notation import tree
from symbackprop.notation.tree import Node
from symbackprop.report.document import Block, Document, Literally, Panel, Paragraph, Plot, Table, Text
from symbackprop.report.plotting import bar_panel

if TYPE_CHECKING:
    from symbackprop.report.pdf import Engine

ROW: Final = 5
"""Pictures beside each other, at most."""

WIDTHS: Final = {5: 2.2, 4: 3.0}
"""Width of the axes of so many pictures in a row, in cm; of fewer as of four."""

HEIGHT: Final = 1.6
"""Of the axes, in cm."""

BARS: Final = 24
"""About so many bars of a picture."""

COMMON: Final = 3
"""Values that are named as the most common."""

RULES_SHOWN: Final = 6
"""Rules that are named of all questions together, but at least half as many of each; the rarer ones are put
together."""


def stress_pdf(
    stress: Stress, exam: Exam, language: str, engine: Engine = "auto", templates: Path | None = None
) -> bytes:
    """The page as a PDF. Raises WordsError, TemplateError, TypesettingError."""
    from symbackprop.report.pdf import FORM, chosen, to_pdf

    which = chosen(engine)
    text = rendered(stress, exam, form=FORM[which], language=language, templates=templates)
    return to_pdf(text, engine=which)


def rendered(stress: Stress, exam: Exam, *, form: str, language: str, templates: Path | None = None) -> str:
    """The page in a format (`tex`, `typ`, `md`, `html`). Raises WordsError, TemplateError."""
    from symbackprop.derivation.results import capitals
    from symbackprop.exercise.layers import layer_names
    from symbackprop.report.render import render

    exercises = [question.exercise for question in exam.questions]
    first = exercises[0]
    return render(
        document(stress, exam), format=form, language=language, templates=templates, loss=first.loss,
        functions={name: row for one in exercises for name, row in one.functions.items()},
        capitals=frozenset().union(*map(capitals, exercises)), layers=first.layer_marks,
        layer_names=layer_names({name for one in exercises for name in one.shapes}),
    )  # fmt: skip


Row = tuple[Node | Text | None, ...]
Places = tuple[tuple[Node, ...], ...]
Size = tuple[float, float]

# --- the page ----------------------------------------------------------------------------------------


def document(stress: Stress, exam: Exam) -> Document:
    """The page: what all variants have, acceptance, answers, pictures. All but the time is the same in every
    run; without `stress.nanoseconds` there is none."""
    return Document(
        title=Text("stress.title"),
        subtitle=Literally(exam.title or {exam.language: exam.key}),
        blocks=tuple(_blocks(stress)),
    )


def _blocks(stress: Stress) -> Iterator[Block]:
    yield Paragraph(lead=Text("stress.variants", {"count": stress.variants}), sentences=_shared(stress))
    yield _variants(stress)
    yield Paragraph(
        lead=Text("stress.acceptance"), sentences=(Text("stress.acceptance_says"),), keep_with_next=True
    )
    yield _acceptance(stress)
    yield from _answers(stress)


def _shared(stress: Stress) -> tuple[Text, Text]:
    copies = max(one.copies for one in stress.questions)
    return (
        Text("stress.copies", {"count": copies}) if copies else Text("stress.no_copies"),
        Text("stress.alike", {"count": stress.alike}) if stress.alike else Text("stress.no_alike"),
    )


def _variants(stress: Stress) -> Table:
    """What is one number in each variant: difficulty, the share that zeros win, the time."""
    rows: list[Row] = []
    for name, counted in (("active", stress.active), ("work", stress.work)):
        low, high, spread = map(_number, (counted.low, counted.high, counted.spread))
        mean = _decimal(counted.mean, 2) if counted.spread else low
        rows.append((Text(f"stress.{name}"), low, high, mean, spread))
    limit, won = {"limit": tree.number(100 * TRIVIAL)}, stress.zeros
    shares = map(_share, (won.low, won.high, won.mean, won.spread))
    rows.append((Text("stress.zeros", limit), *shares))
    if stress.nanoseconds is not None:
        rows.append((Text("stress.time"), None, None, _decimal(milliseconds(stress), 2), None))
    return _table_of(("variant", "low", "high", "mean", "spread"), rows)


def _table_of(columns: Sequence[str], rows: Sequence[Row]) -> Table:
    """All cells are text: rows of formulas would be higher than others."""
    return Table(
        columns=tuple(Text(f"stress.column_{name}") for name in columns), small=True,
        rows=tuple(
            tuple(Text("stress.cell", {"item": cell}) if isinstance(cell, Node) else cell for cell in row)
            for row in rows
        ),
    )  # fmt: skip


def _acceptance(stress: Stress) -> Table:
    rows: list[Row] = []
    most = max(RULES_SHOWN // 2, RULES_SHOWN // len(stress.questions))
    for one in stress.questions:
        both = (one.built, one.uniform)
        cells = (
            Text("stress.of", {"accepted": x.accepted, "tried": x.tried, "share": _percent(x.share)})
            for x in both
        )
        rows.append((_id(one), Text("stress.obeyed"), *cells))
        often = _often(one)
        for rule in often[:most]:
            shares = (Fraction(x.refused.get(rule, 0), x.tried) for x in both)
            rows.append((None, _rule(one, rule), *map(_share, shares)))
        if rest := often[most:]:
            shares = (Fraction(sum(x.refused.get(rule, 0) for rule in rest), x.tried) for x in both)
            rows.append((None, Text("stress.rule.rest"), *map(_share, shares)))
    return _table_of(("question", "rule", "built", "uniform"), rows)


def _often(one: QuestionStress) -> list[str]:
    """The rules that were broken, the most frequent first, by the larger of the two shares."""
    most: dict[str, Fraction] = {}
    for acceptance in (one.built, one.uniform):
        for rule, count in acceptance.refused.items():
            most[rule] = max(most.get(rule, Fraction(0)), Fraction(count, acceptance.tried))
    return sorted(most, key=lambda rule: (-most[rule], rule))


def _rule(one: QuestionStress, rule: str) -> Text:
    """How a rule was broken, in words."""
    kind, _, name = rule.partition(".")
    value = one.question.rules.number(rule)
    return Text(f"stress.rule.{kind}", {"name": tree.Name(name), "value": tree.number(value or 0)})


def _answers(stress: Stress) -> Iterator[Block]:
    several = len(stress.questions) > 1
    rows = tuple(_row(one, answers, several=several) for one in stress.questions for answers in one.answers)
    sentences = [Text("stress.answers_says")]
    kinds = {kind for one in stress.questions for made in one.mistakes for kind in made.kinds}
    if kinds:
        sentences.append(Text("stress.mistakes", {"count": len(kinds)}))
    if rows or kinds:
        yield Paragraph(lead=Text("stress.answers"), sentences=tuple(sentences), keep_with_next=True)
    if rows:
        named = ("question",) * several
        names = (*named, "answer", "numbers", "low", "high", "mean", "different", "common")
        yield _table_of(names, rows)
    if not _ambiguous(stress):
        yield from _rows_of_pictures(stress.questions)
        return
    for one in stress.questions:
        if one.answers or one.mistakes:
            yield Paragraph(lead=_id(one), sentences=(), keep_with_next=True)
            yield from _rows_of_pictures([one])


def _ambiguous(stress: Stress) -> bool:
    """Whether two questions have pictures of the same name."""
    named = [
        name
        for one in stress.questions
        for name in (*(answers.part.name for answers in one.answers), *("",) * bool(one.mistakes))
    ]
    return len(set(named)) < len(named)


def _rows_of_pictures(questions: Sequence[QuestionStress]) -> Iterator[Plot]:
    """The pictures of some questions, in rows of about the same length."""
    count = sum(len(one.answers) + len(one.mistakes) for one in questions)
    beside = ceil(count / ceil(count / ROW)) if count else ROW
    size = (WIDTHS[max(beside, min(WIDTHS))], HEIGHT)
    pictures = [picture for one in questions for picture in _pictures(one, size)]
    for start in range(0, count, beside):
        row = pictures[start : start + beside]
        yield Plot(
            panels=tuple(panel for panel, _ in row), places=tuple(places for _, places in row),
            alternative=Text(
                "stress.picture", {"names": tuple(panel.title for panel, _ in row if panel.title)}
            ),
        )  # fmt: skip


def _row(one: QuestionStress, answers: Answers, *, several: bool) -> Row:
    whole = answers.whole
    often = [
        Text("stress.often", {"value": _number(value), "share": _percent(Fraction(count, whole.total))})
        for value, count in whole.common(COMMON)
    ]
    named = (_id(one),) if several and answers is one.answers[0] else (None,) * several
    return (
        *named, _quantity(one, answers.part.name), tree.number(len(answers.numbers)), _number(whole.low),
        _number(whole.high), _decimal(whole.mean, 2), tree.number(whole.different),
        reduce(lambda rest, first: Text("stress.more", {"first": first, "rest": rest}), reversed(often)),
    )  # fmt: skip


def _pictures(one: QuestionStress, size: Size) -> Iterator[tuple[Panel, Places]]:
    """A histogram of each answer, and the same as rows of a table."""
    for answers in one.answers:
        yield _histogram(one, answers, size)
    for mistakes in one.mistakes:
        yield _lines(one, mistakes, size)


def _histogram(one: QuestionStress, answers: Answers, size: Size) -> tuple[Panel, Places]:
    whole, name = answers.whole, _quantity(one, answers.part.name)
    bins, half = whole.bins(BARS), whole.step / 2
    shares = [Fraction(100 * it.count, whole.total) for it in bins]
    rods = [(it.low - half, it.high + half, share) for it, share in zip(bins, shares, strict=True)]
    zeros = {"name": name, "share": _decimal(Fraction(100 * whole.zeros, whole.total), 0)}
    title = Text("stress.panel_zeros" if whole.zeros else "stress.panel", zeros)
    places = tuple(
        (_between(it.low, name, it.high), _decimal(share, 1)) for it, share in zip(bins, shares, strict=True)
    )
    return bar_panel(title, rods, size), places


def _lines(one: QuestionStress, mistakes: Mistakes, size: Size) -> tuple[Panel, Places]:
    names = [_quantity(one, name) for name in mistakes.lines]
    total = sum(mistakes.lines.values())
    shares = [Fraction(100 * count, total) for count in mistakes.lines.values()]
    third = Fraction(1, 3)
    rods = [(at - third, at + third, share) for at, share in enumerate(shares, 1)]
    places = tuple((name, _decimal(share, 1)) for name, share in zip(names, shares, strict=True))
    return bar_panel(Text("stress.panel_mistake"), rods, size, names), places


def _between(low: Fraction, name: Node, high: Fraction) -> Node:
    """`z = 3`, or `3 ≤ z ≤ 4`."""
    if low == high:
        return tree.equation(name, _number(low))
    return tree.Chain((_number(low), name, _number(high)), ("≤", "≤"), (None, None))


def _id(one: QuestionStress) -> Text:
    return Text("stress.cell", {"item": one.question.id})


def _quantity(one: QuestionStress, name: str) -> Node:
    """`z`, or the gradient `dz`."""
    shapes = one.question.exercise.shapes
    return tree.Name(name) if name in shapes else tree.Gradient(tree.Name(name.removeprefix("d")))


def _share(share: Fraction) -> Text:
    return Text("stress.share", {"share": _percent(share)})


def _percent(share: Fraction) -> Node:
    text = percent(share)
    return tree.Number(Fraction(text), text)


def _number(value: Fraction) -> Node:
    return to_tree(value)[0]


def _decimal(value: Fraction, places: int) -> Node:
    text = fixed(abs(value), places)
    made = tree.Number(Fraction(text), text)
    return tree.Neg(made) if value < 0 and made.value else made


def percent(share: Fraction) -> str:
    """`75.2`; of shares that would be 0.0 one place more."""
    return fixed(100 * share, 2 if 0 < share < Fraction(1, 1000) else 1)


def milliseconds(stress: Stress) -> Fraction:
    """What a variant took, in this run."""
    return Fraction(stress.nanoseconds or 0, 1_000_000 * stress.variants)
